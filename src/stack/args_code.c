/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code of a function, decoded once into what the data flow needs, and cut into blocks.  The code is the live
 * one in the dump: alternatives, static calls and jump labels are what they were when it ran.
 */
#include <stdlib.h>

#include "args.h"

/* No function worth reading is longer. */
#define FUNCTION_MAX 65536

/*
 * Functions that never return (tools/objtool/noreturns.h): what follows a call of one is not what is
 * executed next.
 */
static const char *const no_return[] = {
	"panic",
	"__stack_chk_fail",
	"do_exit",
	"do_group_exit",
	"make_task_dead",
	"rewind_stack_and_make_dead",
	"rewind_stack_do_exit",
	"fortify_panic",
	"__fortify_panic",
	"kthread_exit",
	"kthread_complete_and_exit",
	"complete_and_exit",
	"usercopy_abort",
	"__module_put_and_kthread_exit",
	"__module_put_and_exit",
	"machine_real_restart",
	"nmi_panic_self_stop",
	"panic_smp_self_stop",
	"crash_smp_send_stop_and_halt",
	"cpu_startup_entry",
	"rest_init",
	"start_kernel",
	"stop_this_cpu",
	"hlt_play_dead",
	"arch_cpu_idle_dead",
	"x86_64_start_reservations",
	"x86_64_start_kernel",
	"snp_abort",
	"sev_es_terminate",
	"vpanic",
	"arch_call_rest_init",
	"xen_cpu_bringup_again",
	"__ubsan_handle_builtin_unreachable",
	"rust_begin_unwind",
	"ex_handler_msr_mce",
};

static bool never_returns(struct iq_kernel *k, uint64_t target)
{
	struct iq_symbol s;

	if (!iq_symbol_at(k, target, &s) || s.address != target)
		return false;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(no_return); i++)
		if (!strcmp(s.name, no_return[i]))
			return true;
	return false;
}

/* ---- One instruction -------------------------------------------------------------------------- */

static bool is_gpr(const struct iq_operand *o)
{
	return o->kind == IQ_OP_REG && o->reg >= 0 && o->reg < NR_GPR;
}

static void set_memory(struct op *op, const struct iq_operand *m)
{
	op->has_memory = true;
	op->base = (int8_t)m->base;
	op->index = (int8_t)m->index;
	op->scale = (uint8_t)m->scale;
	op->segment = (int8_t)m->segment;
	op->disp = m->disp;
	op->no_address = m->no_address;
}

/* What every instruction says of itself. */
static void common(struct op *op, const struct iq_insn *in)
{
	for (unsigned int i = 0; i < in->nr_operands; i++) {
		const struct iq_operand *o = &in->operand[i];

		if (is_gpr(o)) {
			if (o->write)
				op->writes |= (uint16_t)(1U << o->reg);
			if (o->read || (o->write && (o->conditional || o->size < 4)))
				op->reads |= (uint16_t)(1U << o->reg);
		} else if (o->kind == IQ_OP_MEM) {
			if (o->base >= 0 && o->base < NR_GPR)
				op->reads |= (uint16_t)(1U << o->base);
			if (o->index >= 0 && o->index < NR_GPR)
				op->reads |= (uint16_t)(1U << o->index);
			/* Of two memory operands the one that is written matters. */
			if (!op->has_memory || (o->write && !op->mem_write)) {
				set_memory(op, o);
				op->mem_size = o->conditional ? 0 : (uint16_t)IQ_MIN(o->size, 512);
			} else if (o->write) {
				op->no_address = true;
			}
			op->mem_write |= o->write;
			op->mem_read |= o->read;
		}
	}
}

static bool is(const struct iq_insn *in, const char *mnemonic)
{
	return !strcmp(in->mnemonic, mnemonic);
}

static void decode_move(struct op *op, const struct iq_insn *in)
{
	const struct iq_operand *d = &in->operand[0], *s = &in->operand[1];
	bool widens = strcmp(in->mnemonic, "mov") != 0;

	op->size = (uint8_t)d->size;
	op->from = (uint8_t)s->size;
	op->is_signed = !strncmp(in->mnemonic, "movsx", 5);
	/* Writing 8 or 16 bits leaves the rest of a register alone; ah … are never of interest. */
	if (d->high_byte || s->high_byte || (d->kind == IQ_OP_REG && d->size < 4))
		return;
	if (is_gpr(d) && is_gpr(s)) {
		op->kind = OP_MOVE;
		op->dst = (int8_t)d->reg;
		op->src = (int8_t)s->reg;
	} else if (is_gpr(d) && s->kind == IQ_OP_IMM && !widens) {
		op->kind = OP_SET;
		op->dst = (int8_t)d->reg;
		op->imm = d->size == 4 ? (int64_t)(uint32_t)s->disp : s->disp;
	} else if (is_gpr(d) && s->kind == IQ_OP_MEM) {
		op->kind = OP_LOAD;
		op->dst = (int8_t)d->reg;
	} else if (d->kind == IQ_OP_MEM && is_gpr(s)) {
		op->kind = OP_STORE;
		op->src = (int8_t)s->reg;
	} else if (d->kind == IQ_OP_MEM && s->kind == IQ_OP_IMM) {
		op->kind = OP_STORE_IMM;
		op->imm = s->disp;
	}
}

static void decode_add(struct op *op, const struct iq_insn *in)
{
	const struct iq_operand *d = &in->operand[0], *s = &in->operand[1];
	bool one = is(in, "inc") || is(in, "dec");

	if (!is_gpr(d) || d->size < 4 || (!one && (in->nr_operands < 2 || s->kind != IQ_OP_IMM)))
		return;
	op->kind = OP_ADD;
	op->dst = (int8_t)d->reg;
	op->size = (uint8_t)d->size;
	op->imm = one ? 1 : s->disp;
	if (is(in, "sub") || is(in, "dec"))
		op->imm = (int64_t)(0 - (uint64_t)op->imm);
}

/* xor %eax,%eax and sub %eax,%eax are zero, whatever it was. */
static bool is_zeroing(const struct iq_insn *in)
{
	const struct iq_operand *o = in->operand;

	return (is(in, "xor") || is(in, "sub")) && in->nr_operands >= 2 && is_gpr(&o[0]) &&
	       is_gpr(&o[1]) && o[0].reg == o[1].reg && o[0].size >= 4;
}

static void decode_stack(struct op *op, const struct iq_insn *in)
{
	const struct iq_operand *o = &in->operand[0];

	if (!strncmp(in->mnemonic, "push", 4)) {
		op->kind = OP_PUSH;
		op->src = is_gpr(o) && !o->hidden ? (int8_t)o->reg : -1;
		if (o->kind == IQ_OP_IMM)
			op->imm = o->disp;
	} else if (is(in, "leave")) {
		op->kind = OP_LEAVE;
	} else {
		op->kind = OP_POP;
		op->dst = is_gpr(o) && !o->hidden ? (int8_t)o->reg : -1;
	}
}

static void decode(struct op *op, const struct iq_insn *in)
{
	const struct iq_operand *o = in->operand;

	*op = (struct op){.address = in->address,
			  .length = (uint8_t)in->length,
			  .flow = (uint8_t)in->flow,
			  .has_target = in->has_target,
			  .target = in->target,
			  .dst = -1,
			  .src = -1,
			  .base = -1,
			  .index = -1,
			  .segment = -1};
	common(op, in);
	if (in->flow == IQ_FLOW_CALL) {
		op->kind = OP_CALL;
	} else if (!strncmp(in->mnemonic, "push", 4) || is(in, "leave") ||
		   (!strncmp(in->mnemonic, "pop", 3) && !is(in, "popcnt"))) {
		decode_stack(op, in);
	} else if (in->nr_operands >= 2 &&
		   (is(in, "mov") || is(in, "movzx") || is(in, "movsx") || is(in, "movsxd"))) {
		decode_move(op, in);
	} else if (is(in, "lea") && is_gpr(&o[0]) && o[0].size >= 4) {
		op->kind = OP_LEA;
		op->dst = (int8_t)o[0].reg;
		op->size = (uint8_t)o[0].size;
	} else if (is_zeroing(in)) {
		op->kind = OP_SET;
		op->dst = (int8_t)o[0].reg;
		op->size = 8;
		op->reads = 0;
	} else if (is(in, "add") || is(in, "sub") || is(in, "inc") || is(in, "dec")) {
		decode_add(op, in);
	}
}

/* ---- The whole function ----------------------------------------------------------------------- */

static bool add_op(struct flow *f, const struct iq_insn *in)
{
	if (!iq_grow(&f->op, &f->ops_room, f->nr_ops + 1, sizeof(*f->op)))
		return false;
	decode(&f->op[f->nr_ops++], in);
	return true;
}

static bool add_part(struct iq_kernel *k, struct flow *f, const struct iq_symbol *s)
{
	struct code_range *p = &f->part[f->nr_parts];
	uint64_t size = s->size;
	struct iq_fault fault;
	struct iq_insn in;
	uint8_t *code;
	bool ok;

	if (f->nr_parts == CODE_RANGES || !size || size > FUNCTION_MAX ||
	    !iq_is_text(k, s->address))
		return false;
	code = malloc(size);
	if (code && iq_vm_read(k->vm, s->address, code, size, &fault))
		/* The last symbol of a module seems to reach to where init code was. */
		size = fault.address > s->address ? IQ_MIN(fault.address - s->address, size) : 0;
	ok = code && size;
	*p = (struct code_range){s->address, size, f->nr_ops, 0};
	for (uint64_t at = 0; ok && at < size; at += in.length) {
		if (!iq_insn_decode(k->arch, code + at, size - at, s->address + at, &in))
			break;
		/* What is no instruction ends the path that leads there. */
		if (in.bad)
			in.flow = IQ_FLOW_RETURN;
		ok = add_op(f, &in);
	}
	p->nr = f->nr_ops - p->first;
	f->nr_parts++;
	free(code);
	return ok;
}

static int find_in(const struct flow *f, const struct code_range *p, uint64_t address)
{
	unsigned int low = p->first, high = p->first + p->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (f->op[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low > p->first ? (int)low - 1 : -1;
}

int code_find(const struct flow *f, uint64_t address)
{
	for (unsigned int i = 0; i < f->nr_parts; i++)
		if (address - f->part[i].start < f->part[i].size)
			return find_in(f, &f->part[i], address);
	return -1;
}

static bool is_in(const struct flow *f, uint64_t address)
{
	for (unsigned int i = 0; i < f->nr_parts; i++)
		if (address - f->part[i].start < f->part[i].size)
			return true;
	return false;
}

/* Is S a cold part of the function NAME? */
static bool is_cold_of(const struct iq_symbol *s, const char *name)
{
	size_t len = strlen(name);

	return s->name && !strncmp(s->name, name, len) && !strncmp(s->name + len, ".cold", 5);
}

/* The cold parts that the function jumps to. */
static bool add_cold_parts(struct iq_kernel *k, struct flow *f)
{
	for (unsigned int i = 0; i < f->nr_ops; i++) {
		const struct op *op = &f->op[i];
		struct iq_symbol s;

		if (!op->has_target || op->flow == IQ_FLOW_CALL || is_in(f, op->target) ||
		    !iq_symbol_at(k, op->target, &s) || !is_cold_of(&s, f->name))
			continue;
		if (!add_part(k, f, &s))
			return false;
	}
	return true;
}

static void mark_leaders(struct iq_kernel *k, struct flow *f)
{
	for (unsigned int i = 0; i < f->nr_parts; i++)
		if (f->part[i].nr)
			f->op[f->part[i].first].leader = true;
	for (unsigned int i = 0; i < f->nr_ops; i++) {
		struct op *op = &f->op[i];
		int target;

		if (op->flow == IQ_FLOW_CALL && op->has_target)
			op->no_return = never_returns(k, op->target);
		if (op->flow == IQ_FLOW_NONE || (op->flow == IQ_FLOW_CALL && !op->no_return))
			continue;
		if (i + 1 < f->nr_ops)
			f->op[i + 1].leader = true;
		target = op->has_target && op->flow != IQ_FLOW_CALL ? code_find(f, op->target) : -1;
		if (target >= 0)
			f->op[target].leader = true;
	}
}

static bool make_blocks(struct flow *f)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < f->nr_ops; i++)
		nr += f->op[i].leader;
	f->block = calloc(nr ? nr : 1, sizeof(*f->block));
	f->origin = calloc(f->nr_ops ? 2 * (size_t)f->nr_ops : 1, sizeof(*f->origin));
	if (!f->block || !f->origin)
		return false;
	for (unsigned int i = 0; i < f->nr_ops; i++) {
		if (f->op[i].leader)
			f->block[f->nr_blocks++].first = i;
		f->block[f->nr_blocks - 1].nr++;
	}
	return true;
}

/* The part of a function whose COLD part a symbol is: of several of its name, the one that jumps there. */
static bool find_hot(struct iq_kernel *k, const struct iq_symbol *cold, struct flow *f)
{
	struct iq_module *m = cold->module ? iq_module_by_name(k, cold->module) : NULL;
	struct iq_symtab *t = m ? iq_module_symbols(k, m) : cold->module ? NULL : k->symbols;
	struct iq_symbol hot;
	unsigned int from = 0;

	while (t && iq_symtab_by_name(t, f->name, &from, &hot)) {
		f->nr_parts = f->nr_ops = 0;
		if (add_part(k, f, &hot) && add_cold_parts(k, f) && is_in(f, cold->address))
			return true;
	}
	return false;
}

bool code_read(struct iq_kernel *k, const struct iq_symbol *s, struct flow *f)
{
	const char *cold = strstr(s->name, ".cold");
	size_t len = cold ? (size_t)(cold - s->name) : strlen(s->name);

	*f = (struct flow){.symbol = s->address, .module = s->module};
	if (len >= sizeof(f->name))
		return false;
	memcpy(f->name, s->name, len);
	f->is_clone = strchr(f->name, '.') != NULL;
	if (cold ? !find_hot(k, s, f) : !(add_part(k, f, s) && add_cold_parts(k, f)))
		return false;
	f->entry = f->part[0].start;
	if (!f->nr_ops)
		return false;
	mark_leaders(k, f);
	return make_blocks(f);
}

void flow_free(struct flow *f)
{
	for (unsigned int i = 0; i < f->nr_blocks; i++)
		state_free(&f->block[i].in);
	free(f->block);
	free(f->origin);
	free(f->op);
	free(f->taken);
	*f = (struct flow){0};
}
