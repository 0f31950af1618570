/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The instruction of the event: decoded, its bad operand found, and what it tried to do in C's words.
 */
#include "provenance.h"

#include <ctype.h>
#include <inquest/inspect.h>
#include <inttypes.h>

#define LONGEST 15 /* bytes of an x86 instruction */
#define PAGE 4096u

const char *iq_value_word(struct iq_case *c, uint64_t value)
{
	if (!value)
		return "NULL";
	if (value >= (uint64_t)-4095)
		return iq_case_text(c, "ERR_PTR(-%" PRIu64 ")", 0 - value);
	return iq_case_text(c, "0x%" PRIx64, value);
}

static bool symbol_name(void *arg, uint64_t address, char *buf, size_t room)
{
	return iq_symbol_format(arg, address, false, false, buf, room);
}

/* The instruction at ADDRESS, and as text. */
static bool read_insn(struct iq_case *c, uint64_t address, struct iq_fault_insn *ret)
{
	struct iq_insn_namer namer = {symbol_name, c->k};
	struct iq_buf text = {0};
	uint8_t code[LONGEST];
	struct iq_fault fault;
	size_t len = sizeof(code);

	if (iq_vm_read(c->k->vm, address, code, len, &fault))
		len = fault.address > address ? (size_t)(fault.address - address) : 0;
	if (!len || len > sizeof(code) ||
	    !iq_insn_decode(c->k->arch, code, len, address, &ret->insn) || ret->insn.bad)
		return false;
	iq_insn_text(c->k->arch, code, len, address, &namer, &text);
	while (text.len && isspace((unsigned char)text.s[text.len - 1]))
		text.s[--text.len] = 0;
	ret->text = iq_case_text(c, "%s", iq_buf_str(&text));
	iq_buf_free(&text);
	ret->present = true;
	return true;
}

/* ---- The bad operand -------------------------------------------------------------------------- */

/* How well operand OP explains the event: 0 not at all. */
static int explains(struct iq_case *c, const struct iq_operand *op, uint64_t *address)
{
	const struct iq_event *e = &c->analysis.event;

	if (op->kind != IQ_OP_MEM || (!op->read && !op->write) ||
	    !iq_operand_address(c->k->arch, op, &e->regs, address))
		return 0;
	if (e->has_address && *address == e->address)
		return 4;
	if (e->has_address && *address / PAGE == e->address / PAGE)
		return 3;
	return iq_is_garbage(c, *address) ? 2 : 1;
}

/* The register whose value made the address bad: the base, if that is no good pointer, else the index. */
static int bad_register(struct iq_case *c, const struct iq_operand *op, const struct iq_regs *regs)
{
	bool base = op->base >= 0 && op->base < (int)c->k->arch->reg_pc;
	bool index = op->index >= 0 && op->index < (int)c->k->arch->reg_pc;

	if (base && iq_reg_known(regs, (unsigned int)op->base) &&
	    (!index || iq_is_garbage(c, regs->value[op->base])))
		return op->base;
	return index ? op->index : base ? op->base : -1;
}

static void find_operand(struct iq_case *c, struct iq_fault_insn *f)
{
	const struct iq_event *e = &c->analysis.event;
	int best = 0;

	for (unsigned int i = 0; i < f->insn.nr_operands; i++) {
		uint64_t address;
		int well = explains(c, &f->insn.operand[i], &address);

		if (well <= best)
			continue;
		best = well;
		f->operand = (int)i;
		f->has_address = true;
		f->address = address;
	}
	if (f->operand < 0)
		return;
	f->reg = bad_register(c, &f->insn.operand[f->operand], &e->regs);
	if (f->reg >= 0 && iq_reg_known(&e->regs, (unsigned int)f->reg))
		f->offset = f->address - e->regs.value[f->reg];
}

/* ---- In C ------------------------------------------------------------------------------------- */

static struct named name_of_register(struct iq_case *c, unsigned int n, unsigned int reg)
{
	const struct iq_frame *f = &c->trace.frames[n];
	bool known = iq_reg_known(&f->regs, reg);
	uint64_t value = known ? f->regs.value[reg] : 0;
	const struct iq_term *t;
	struct chain *ch;
	struct named name = {0};

	/* A name that the source has. */
	if (known && value >= PAGE)
		name = iq_name_local(c, n, false, value, 0);
	t = iq_args_term(c->args, n, reg, &c->arena);
	if (t && t->kind == IQ_TERM_ENTRY && t->name)
		name = (struct named){.text = t->name, .type = t->type, .atom = true};
	ch = name.text || !t ? NULL : iq_arena_alloc(&c->arena, sizeof(*ch));
	if (ch) {
		ch->c = c;
		ch->values = (struct value_of){.c = c, .cpu = c->analysis.event.cpu};
		ch->local = true;
		name = iq_chain_of(ch, t, t->known ? &t->value : known ? &value : NULL, NULL);
	}
	if (!name.text) {
		const struct iq_type *type = name.type;

		if (!type && known)
			type = iq_struct_at(c, value);
		name = iq_name_register(c, reg,
					type && !name.type ? iq_type_pointer_to(type) : type);
	}
	name.has_value = known;
	name.value = value;
	return name;
}

struct named iq_name_operand(struct iq_case *c, unsigned int n, const struct iq_operand *op,
			     int reg)
{
	const struct iq_regs *regs = &c->trace.frames[n].regs;
	struct named base;
	uint64_t address;
	int64_t offset;

	if (!op)
		return name_of_register(c, n, (unsigned int)reg);
	if (!iq_operand_address(c->k->arch, op, regs, &address))
		return (struct named){0};
	if (op->base < 0 || op->base >= (int)c->k->arch->reg_pc) {
		base = iq_name_variable(c, address, op->size);
		if (base.text || op->index < 0)
			return base;
		base = name_of_register(c, n, (unsigned int)op->index);
		return iq_name_member(c, &base, op->disp, op->size);
	}
	base = name_of_register(c, n, (unsigned int)op->base);
	offset = (int64_t)(address - regs->value[op->base]);
	/* No array is that large: the two registers are shown instead. */
	if (op->index >= 0 && (offset < 0 || offset > 1 << 24)) {
		struct named index = name_of_register(c, n, (unsigned int)op->index);

		if (base.text && index.text)
			return (struct named){
				.text = iq_case_text(c, "%s[%s]", base.text, index.text)};
	}
	return iq_name_member(c, &base, offset, op->size);
}

/* What is stored: "= 5", "+= 0x10", "++". */
static const char *stored(struct iq_case *c, const struct iq_insn *in)
{
	static const struct {
		const char *mnemonic, *sign;
	} signs[] = {
		{"add", "+="}, {"sub", "-="}, {"or", "|="},
		{"and", "&="}, {"xor", "^="}, {"mov", "="},
	};
	const struct iq_regs *regs = &c->analysis.event.regs;
	const struct iq_operand *s = &in->operand[1];
	uint64_t value;

	if (!strcmp(in->mnemonic, "inc"))
		return "++";
	if (!strcmp(in->mnemonic, "dec"))
		return "--";
	if (in->nr_operands < 2)
		return "";
	if (s->kind == IQ_OP_IMM)
		value = (uint64_t)s->disp;
	else if (s->kind == IQ_OP_REG && s->reg >= 0 && iq_reg_known(regs, (unsigned int)s->reg))
		value = regs->value[s->reg] >> (s->high_byte ? 8 : 0);
	else
		return "";
	if (s->size < 8)
		value &= (UINT64_C(1) << 8 * s->size) - 1;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(signs); i++) {
		if (strcmp(in->mnemonic, signs[i].mnemonic))
			continue;
		if (value == 1 && i < 2)
			return i ? "--" : "++";
		return iq_case_text(c, value < 10 ? " %s %" PRIu64 : " %s 0x%" PRIx64,
				    signs[i].sign, value);
	}
	return "";
}

static const char *in_c(struct iq_case *c, const struct iq_fault_insn *f)
{
	const struct iq_event *e = &c->analysis.event;
	const struct iq_operand *op = &f->insn.operand[f->operand];
	struct named lvalue = iq_name_operand(c, (unsigned int)e->frame, op, -1), base = {0};
	const char *does;

	if (!lvalue.text)
		return NULL;
	does = f->insn.flow == IQ_FLOW_CALL || f->insn.flow == IQ_FLOW_JUMP ? "()"
	       : op->write && f->operand == 0				    ? stored(c, &f->insn)
									    : "";
	if (f->reg >= 0)
		base = name_of_register(c, (unsigned int)e->frame, (unsigned int)f->reg);
	if (!base.text || !base.has_value)
		return iq_case_text(c, "%s%s", lvalue.text, does);
	return iq_case_text(c, "%s%s with %s%s == %s", lvalue.text, does,
			    base.is_address ? "&" : "", base.text, iq_value_word(c, base.value));
}

/* ---- Nowhere to execute ----------------------------------------------------------------------- */

/* The register through which the retpoline at ADDRESS jumps; -1: it is none. */
static int thunk_register(struct iq_case *c, uint64_t address)
{
	struct iq_symbol s;
	struct iq_fault_insn x;

	if (!iq_symbol_at(c->k, address, &s) || !strstr(s.name, "__x86_indirect_"))
		return -1;
	for (unsigned int i = 0; i < 12 && read_insn(c, address, &x); i++) {
		const struct iq_operand *o = x.insn.operand;

		if (x.insn.flow == IQ_FLOW_JUMP && !x.insn.has_target && o[0].kind == IQ_OP_REG)
			return o[0].reg;
		if (!strcmp(x.insn.mnemonic, "mov") && o[0].kind == IQ_OP_MEM &&
		    o[0].base == (int)c->k->arch->reg_sp && o[1].kind == IQ_OP_REG)
			return o[1].reg;
		address += x.insn.length;
	}
	return -1;
}

/* The call that led to where there is no code: its register, or the pointer in memory. */
static bool caller_insn(struct iq_case *c, struct iq_fault_insn *f)
{
	const struct iq_event *e = &c->analysis.event;
	const struct iq_frame *caller;

	if (e->frame < 0 || e->frame + 1 >= (int)c->trace.nr)
		return false;
	caller = &c->trace.frames[e->frame + 1];
	if (caller->exact_ip)
		return false;
	for (unsigned int len = 2; len <= 8; len++) {
		struct iq_fault_insn x = {.operand = -1, .reg = -1};

		if (!read_insn(c, caller->ip - len, &x) || x.insn.length != len ||
		    x.insn.flow != IQ_FLOW_CALL)
			continue;
		if (x.insn.has_target) {
			x.reg = thunk_register(c, x.insn.target);
			if (x.reg < 0)
				continue;
		} else if (x.insn.operand[0].kind == IQ_OP_REG) {
			x.reg = x.insn.operand[0].reg;
		} else if (x.insn.operand[0].kind == IQ_OP_MEM) {
			x.operand = 0;
			x.reg = x.insn.operand[0].base;
		} else {
			continue;
		}
		*f = x;
		return true;
	}
	return false;
}

bool iq_is_fault(const struct iq_event *e)
{
	switch (e->class) {
	case IQ_CLASS_NULL_DEREF:
	case IQ_CLASS_BAD_ACCESS:
	case IQ_CLASS_NON_CANONICAL:
	case IQ_CLASS_BAD_EXEC:
	case IQ_CLASS_WRITE_PROTECTED:
	case IQ_CLASS_USER_ACCESS:
	case IQ_CLASS_USE_AFTER_FREE:
	case IQ_CLASS_HEAP_OVERFLOW:
	case IQ_CLASS_MEMORY_CORRUPTION:
	case IQ_CLASS_BIT_FLIP:
	case IQ_CLASS_DIVIDE_ERROR:
		return true;
	default:
		return false;
	}
}

bool iq_bad_exec(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;

	return e->has_regs && e->has_ip && iq_is_fault(e) &&
	       (e->class == IQ_CLASS_BAD_EXEC || (e->access == IQ_ACCESS_EXEC && e->has_address) ||
		!iq_is_text(c->k, e->ip));
}

struct iq_error *iq_stage_instruction(struct iq_case *c)
{
	struct iq_fault_insn *f = &c->analysis.insn;
	const struct iq_event *e = &c->analysis.event;

	if (!c->has_trace || e->frame < 0 || !e->has_regs || !e->has_ip)
		return NULL;
	if (iq_bad_exec(c)) {
		caller_insn(c, f);
		return NULL;
	}
	if (!c->trace.frames[e->frame].exact_ip || !read_insn(c, e->ip, f))
		return NULL;
	if (f->insn.flow == IQ_FLOW_TRAP || !iq_is_fault(e))
		return NULL;
	find_operand(c, f);
	if (f->operand >= 0)
		f->in_c = in_c(c, f);
	return NULL;
}
