// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arguments that are still known in the frames of a backtrace.
 *
 * A function keeps an argument that it needs after a call in a callee-saved register: `mov %rdi,%rbx` before
 * the first branch or call.  Every path through the function passes there, so if nothing else in the function (or
 * in its cold part) writes that register but the pop that restores it, the register is the argument for as long as
 * the function runs.  The unwinder knows the register's value.  Prototypes come from BTF; a name that is not
 * unique, or that belongs to a clone whose arguments the compiler has changed, proves nothing.
 */
#include "typed.h"

#include <stdlib.h>

#define CODE_MAX 32768

struct code {
	uint64_t start;
	size_t len;
	uint8_t bytes[CODE_MAX];
};

/* ---- Prototypes --------------------------------------------------------------------------------- */

static bool unique(struct iq_symtab *t, const char *name)
{
	struct iq_symbol s;
	unsigned int from = 0;

	return t && iq_symtab_by_name(t, name, &from, &s) && !iq_symtab_by_name(t, name, &from, &s);
}

/* The prototype of the function that SYMBOL is; NULL if it is not certain. */
static const struct iq_type *prototype(struct iq_kernel *k, const struct iq_symbol *symbol)
{
	struct iq_types *types = iq_kernel_types(k);
	const struct iq_type *f, *own;
	struct iq_module *m;
	unsigned int matches = 0;

	if (!types || !symbol->name || strchr(symbol->name, '.'))
		return NULL;
	f = iq_function_by_name(types, symbol->name, &matches);
	if (!symbol->module)
		return f && matches == 1 && unique(k->symbols, symbol->name) ? f : NULL;
	m = iq_module_by_name(k, symbol->module);
	/* A module's types include the kernel's: a function of this name there may be meant. */
	if (f || !m || !unique(iq_module_symbols(k, m), symbol->name) || !iq_module_types(k, m))
		return NULL;
	own = iq_function_by_name(iq_module_types(k, m), symbol->name, &matches);
	return matches == 1 ? own : NULL;
}

/* Number of parameters that arrive in the registers of arch->arg_regs, one each. */
static unsigned int register_args(const struct iq_arch *a, const struct iq_member *p,
				  unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr && i < a->nr_arg_regs; i++) {
		enum iq_kind kind = iq_type_strip(p[i].type)->kind;

		if (kind != IQ_KIND_POINTER && kind != IQ_KIND_ENUM &&
		    (kind != IQ_KIND_INT || iq_type_strip(p[i].type)->size > a->word))
			break;
	}
	return i;
}

/* ---- Code --------------------------------------------------------------------------------------- */

static bool read_code(struct iq_kernel *k, const struct iq_symbol *s, struct code *c)
{
	c->start = s->address;
	c->len = s->size;
	return s->size && s->size <= CODE_MAX &&
	       !iq_vm_read(k->vm, s->address, c->bytes, s->size, NULL);
}

static bool writes(const struct iq_insn *in, unsigned int reg)
{
	unsigned int i;

	for (i = 0; i < in->nr_operands; i++)
		if (in->operand[i].kind == IQ_OP_REG && in->operand[i].write &&
		    in->operand[i].reg == (int)reg)
			return true;
	return false;
}

static bool is_copy(const struct iq_arch *a, const struct iq_insn *in)
{
	return !strcmp(in->mnemonic, "mov") && in->nr_operands >= 2 &&
	       in->operand[0].kind == IQ_OP_REG && in->operand[1].kind == IQ_OP_REG &&
	       in->operand[0].size == a->word && in->operand[1].size == a->word &&
	       in->operand[0].reg >= 0 && in->operand[1].reg >= 0;
}

/* Writes to REG in C other than pops and the instruction at EXCEPT. */
static bool written(struct iq_kernel *k, const struct code *c, unsigned int reg, uint64_t except)
{
	struct iq_insn in;
	size_t at;

	for (at = 0; at < c->len; at += in.length) {
		if (!iq_insn_decode(k->arch, c->bytes + at, c->len - at, c->start + at, &in) ||
		    in.bad)
			return true;
		if (in.address != except && strcmp(in.mnemonic, "pop") && writes(&in, reg))
			return true;
	}
	return false;
}

/* An interrupted function may have restored its registers already: is the pop of REG still to come? */
static bool pop_ahead(struct iq_kernel *k, const struct code *c, uint64_t ip, unsigned int reg)
{
	struct iq_insn in;
	size_t at;

	for (at = (size_t)(ip - c->start); at < c->len; at += in.length) {
		if (!iq_insn_decode(k->arch, c->bytes + at, c->len - at, c->start + at, &in) ||
		    in.bad)
			return false;
		if (!strcmp(in.mnemonic, "pop") && writes(&in, reg))
			return true;
		if (in.flow == IQ_FLOW_RETURN || in.flow == IQ_FLOW_JUMP)
			return false;
	}
	return false;
}

/* ---- Frames ------------------------------------------------------------------------------------- */

struct search {
	struct iq_kernel *k;
	const struct iq_frame *frame;
	struct code code, cold;
	bool has_cold;
	int holds[IQ_MAX_REGS]; /* number of the argument that a register holds; -1: none */
	uint64_t copied[IQ_MAX_REGS]; /* the instruction that put it there */
};

static bool is_saved(const struct iq_arch *a, unsigned int reg)
{
	return a->callee_saved >> reg & 1;
}

/* Follow the copies of the arguments up to the first branch or call, or to where the frame is. */
static bool follow_entry(struct search *s)
{
	const struct iq_arch *a = s->k->arch;
	struct iq_insn in;
	unsigned int r;
	size_t at;

	for (at = 0; at < s->code.len; at += in.length) {
		if (s->frame->exact_ip && s->code.start + at == s->frame->ip)
			return true; /* as if held: no instruction comes between */
		if (!iq_insn_decode(a, s->code.bytes + at, s->code.len - at, s->code.start + at,
				    &in) ||
		    in.bad)
			return false;
		/* A traced function begins with a call of the tracer, which changes nothing. */
		if (in.flow == IQ_FLOW_CALL && at <= 4)
			continue;
		if (in.flow != IQ_FLOW_NONE)
			break;
		for (r = 0; r < a->nr_regs; r++) {
			if (!writes(&in, r))
				continue;
			s->holds[r] = is_copy(a, &in) && in.operand[0].reg == (int)r
					      ? s->holds[in.operand[1].reg]
					      : -1;
			s->copied[r] = in.address;
		}
	}
	/* From here on only what is kept in a register that nothing else is put into. */
	for (r = 0; r < a->nr_regs; r++) {
		if (s->holds[r] < 0)
			continue;
		if (!is_saved(a, r) || !s->copied[r] || written(s->k, &s->code, r, s->copied[r]) ||
		    (s->has_cold && written(s->k, &s->cold, r, 0)) ||
		    (s->frame->exact_ip && !pop_ahead(s->k, &s->code, s->frame->ip, r)))
			s->holds[r] = -1;
	}
	return true;
}

static void frame_args(struct search *s, void (*fn)(void *arg, const struct typed_arg *a),
		       void *arg)
{
	const struct iq_arch *a = s->k->arch;
	const struct iq_frame *f = s->frame;
	const struct iq_type *proto = prototype(s->k, &f->symbol), *target;
	const struct iq_member *p;
	struct iq_symbol cold;
	unsigned int nr, i, r;
	char name[300];

	if (!proto)
		return;
	p = iq_type_members(proto, &nr);
	nr = register_args(a, p, nr);
	if (!nr || !read_code(s->k, &f->symbol, &s->code))
		return;
	snprintf(name, sizeof(name), "%s%s%s.cold", f->symbol.module ? f->symbol.module : "",
		 f->symbol.module ? ":" : "", f->symbol.name);
	s->has_cold = iq_symbol_named(s->k, name, &cold);
	if (s->has_cold && !read_code(s->k, &cold, &s->cold))
		return;
	for (r = 0; r < IQ_MAX_REGS; r++) {
		s->holds[r] = -1;
		s->copied[r] = 0;
	}
	for (i = 0; i < nr; i++)
		s->holds[a->arg_regs[i]] = (int)i;
	if (!follow_entry(s))
		return;
	for (r = 0; r < a->nr_regs; r++) {
		if (s->holds[r] < 0 || !iq_reg_known(&f->regs, r))
			continue;
		i = (unsigned int)s->holds[r];
		if (iq_type_strip(p[i].type)->kind != IQ_KIND_POINTER)
			continue;
		target = iq_type_strip(iq_type_target(iq_type_strip(p[i].type)));
		if (target->kind == IQ_KIND_STRUCT && target->size && p[i].name[0])
			fn(arg, &(struct typed_arg){f->regs.value[r], target, f->symbol.name,
						    p[i].name});
	}
}

void typed_args(struct iq_kernel *k, const struct iq_backtrace *b,
		void (*fn)(void *arg, const struct typed_arg *a), void *arg)
{
	struct search *s = malloc(sizeof(*s));
	unsigned int i;

	for (i = 0; s && i < b->nr; i++) {
		s->k = k;
		s->frame = &b->frames[i];
		if (s->frame->reliable && s->frame->context != IQ_CTX_USER)
			frame_args(s, fn, arg);
	}
	free(s);
}
