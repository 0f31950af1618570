/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What registers and words of the frame hold at every instruction, in terms of what they held at the function's
 * entry, constants, addresses in the frame, and results of other instructions.  What is not the same
 * on all paths is not known.  A value that is not known gets a name when it is copied (the number of
 * the copying instruction), so that both copies are known to be the same.  In a loop an instruction computes
 * a new value each time: when it does, everything that still holds its former one becomes unknown.
 */
#include <stdlib.h>

#include "args_run.h"

/* ---- Running an instruction ------------------------------------------------------------------- */

bool flow_taken(const struct flow *f, int32_t offset, int32_t *ret)
{
	bool found = false;

	for (unsigned int i = 0; i < f->nr_taken; i++) {
		if (f->taken[i] <= offset && (!found || f->taken[i] < *ret)) {
			*ret = f->taken[i];
			found = true;
		}
	}
	return found;
}

static void take_address(struct run *r, int64_t offset)
{
	struct flow *f = r->f;

	if (offset < OFFSET_MIN || offset > 8 * STACK_WORDS)
		return;
	for (unsigned int i = 0; i < f->nr_taken; i++)
		if (f->taken[i] == offset)
			return;
	if (!iq_grow(&f->taken, &f->taken_room, f->nr_taken + 1, sizeof(*f->taken)))
		r->failed = true;
	else
		f->taken[f->nr_taken++] = (int32_t)offset;
	r->more_taken = true;
}

/* Somebody else writes to memory: to all that he may have the address of. */
static void others_write(struct run *r, struct state *st)
{
	for (unsigned int i = 0; i < st->nr;) {
		int32_t from = 0;

		if (st->spill[i].offset < 0 &&
		    flow_taken(r->f, st->spill[i].offset + st->spill[i].size - 1, &from))
			state_remove(st, i);
		else
			i++;
	}
}

/* The offset from the CFA that OP's memory operand addresses; *VARIABLE: from there on, by an index. */
static bool in_frame(const struct op *op, const struct state *st, int64_t *offset, bool *variable)
{
	const struct value *base;

	if (op->segment >= 0 || op->base < 0 || op->base >= NR_GPR)
		return false;
	base = &st->reg[op->base];
	if (base->base != V_CFA || base->width < 8)
		return false;
	*offset = base->addend + op->disp;
	*variable = op->index >= 0 || op->no_address;
	return *offset > -(1 << 24) && *offset < 1 << 24;
}

/*
 * The stack pointer goes to where nobody can tell: room for something of variable size, or a larger
 * alignment.  What lies above it stays what it is, and is found by the frame pointer only.
 */
static void lose_stack(struct run *r, int64_t above)
{
	struct flow *f = r->f;

	if (above >= OFFSET_MIN && above < 0 && (!f->variable_below || above > f->variable_below))
		f->variable_below = (int32_t)above;
}

static bool is_canary(const struct run *r, const struct value *v)
{
	const struct origin *o = v->base == V_DEF ? &r->f->origin[v->n] : NULL;

	return o && o->kind == FROM_PERCPU && o->size == 8 && !v->addend && v->width == 8 &&
	       (uint64_t)o->address.addend == r->f->canary;
}

/* Remember who writes into the words at CFA + AT. */
static void note_word(struct run *r, const struct op *op, int64_t at, int64_t size, struct value v)
{
	uint32_t n = (uint32_t)(op - r->f->op) + 1;

	for (; !r->replay && size > 0 && at < 0;
	     size -= 8 - (at & 7), at = (at & ~INT64_C(7)) + 8) {
		struct frame_use *w;

		if (at < OFFSET_MIN)
			continue;
		w = &r->f->word[state_index((int32_t)at)];
		if (is_canary(r, &v))
			w->canary = true;
		else if (w->writer && w->writer != n)
			w->several = true;
		else
			w->writer = n;
	}
}

/* A write of OP to its memory operand; V: what, if that is known. */
static void write_memory(struct run *r, const struct op *op, struct state *st, unsigned int size,
			 struct value v)
{
	uint32_t n = (uint32_t)(op - r->f->op);
	bool variable;
	int64_t at;

	if (!in_frame(op, st, &at, &variable))
		return others_write(r, st);
	note_word(r, op, at, variable || !size ? -at : size, v);
	if (variable || !size) {
		/* An array, or of value_unknown length: anything above. */
		state_forget(st, at, INT32_MAX);
		state_mark(st, at, -at);
	} else if (size <= 8 && !(size & (size - 1))) {
		state_store(st, at, size, v, n);
	} else {
		state_forget(st, at, at + size);
		state_mark(st, at, size);
	}
}

static struct value *reg_of(struct state *st, int reg)
{
	return &st->reg[reg];
}

static void set_origin(struct run *r, uint32_t def, struct origin o)
{
	r->f->origin[def] = o;
}

/* Give what register REG holds a name, if it is not known. */
static struct value name_source(struct run *r, struct state *st, const struct op *op, int reg)
{
	uint32_t def = 2 * (uint32_t)(op - r->f->op) + 1;

	/* Some calls leave more alone than others: what is read was not lost. */
	st->clobbered &= (uint16_t) ~(1U << reg);
	if (st->reg[reg].base == V_UNKNOWN) {
		set_origin(r, def, (struct origin){.kind = FROM_MERGE, .size = 8});
		st->reg[reg] = state_define(st, def);
	}
	return st->reg[reg];
}

static struct value new_value(struct run *r, struct state *st, const struct op *op, struct origin o)
{
	uint32_t def = 2 * (uint32_t)(op - r->f->op);

	set_origin(r, def, o);
	return state_define(st, def);
}

static void set_reg(struct run *r, const struct op *op, struct state *st, int reg, struct value v)
{
	const struct value *old = &st->reg[reg];

	st->clobbered &= (uint16_t) ~(1U << reg);
	/* The frame pointer, set up as one, is used for nothing else. */
	if (v.base == V_CFA && reg != IQ_X86_RSP &&
	    !(reg == IQ_X86_RBP && v.addend == -16 && op->kind == OP_MOVE) && op->kind != OP_POP)
		take_address(r, v.addend);
	if (reg == IQ_X86_RSP && v.base != V_CFA && old->base == V_CFA)
		lose_stack(r, old->addend);
	st->reg[reg] = v;
}

static void run_move(struct run *r, const struct op *op, struct state *st)
{
	struct value v = name_source(r, st, op, op->src);

	v = value_narrowed(v, op->from, op->is_signed);
	if (op->is_signed && op->size < 8)
		v = value_narrowed(v, op->size, false);
	if (v.base == V_UNKNOWN)
		v = new_value(r, st, op, (struct origin){.kind = FROM_OTHER});
	set_reg(r, op, st, op->dst, v);
}

static void run_load(struct run *r, const struct op *op, struct state *st)
{
	struct origin o = {.kind = FROM_LOAD, .size = op->from};
	struct value v = value_unknown;
	bool variable;
	int64_t at;

	if (in_frame(op, st, &at, &variable)) {
		if (!variable && at >= OFFSET_MIN && at <= 8 * STACK_WORDS)
			v = state_word(st, (int32_t)at, op->from);
		o.address = value_whole(V_CFA, 0, at);
		if (v.base == V_UNKNOWN) {
			v = new_value(r, st, op, o);
			/* It is in both places now. */
			if (!variable && at < 0)
				state_hold(st, at, op->from, v, (uint32_t)(op - r->f->op));
		}
	} else {
		if (op->segment >= 0) {
			o.kind = FROM_PERCPU;
			o.address = value_whole(V_CONST, 0, op->disp);
			if (op->index >= 0 || (op->base >= 0 && op->base < NR_GPR))
				o.kind = FROM_OTHER;
		} else if (op->index >= 0 || op->no_address) {
			o.kind = FROM_OTHER;
		} else if (op->base >= 0 && op->base < NR_GPR) {
			o.address = name_source(r, st, op, op->base);
			o.address.addend += op->disp;
			if (o.address.width < 8)
				o.kind = FROM_OTHER;
		} else {
			o.address = value_whole(V_CONST, 0, op->disp);
		}
		v = new_value(r, st, op, o);
	}
	v = value_narrowed(v, op->from, op->is_signed);
	if (op->is_signed && op->size < 8)
		v = value_narrowed(v, op->size, false);
	set_reg(r, op, st, op->dst, v);
}

static void run_lea(struct run *r, const struct op *op, struct state *st)
{
	struct value v = value_unknown;

	if (op->size == 8 && op->index < 0 && !op->no_address && op->segment < 0) {
		if (op->base >= 0 && op->base < NR_GPR) {
			v = name_source(r, st, op, op->base);
			v.addend = (int64_t)((uint64_t)v.addend + (uint64_t)op->disp);
			if (v.width < 8 && op->disp)
				v = value_unknown;
		} else {
			v = value_whole(V_CONST, 0, op->disp);
		}
	} else if (op->base >= 0 && op->base < NR_GPR && st->reg[op->base].base == V_CFA) {
		take_address(r, st->reg[op->base].addend + op->disp);
	}
	if (v.base == V_UNKNOWN)
		v = new_value(r, st, op, (struct origin){.kind = FROM_OTHER});
	set_reg(r, op, st, op->dst, v);
}

static void run_add(struct run *r, const struct op *op, struct state *st)
{
	struct value v = *reg_of(st, op->dst);

	v.addend = (int64_t)((uint64_t)v.addend + (uint64_t)op->imm);
	if (v.base == V_CONST)
		v = value_whole(V_CONST, 0, value_extend(v.addend, op->size, false));
	else if (op->size == 4 && v.width >= 4)
		v = value_narrowed(v, 4, false);
	else if (op->size != 8 || v.width < 8)
		v = value_unknown;
	if (v.base == V_UNKNOWN)
		v = new_value(r, st, op, (struct origin){.kind = FROM_OTHER});
	set_reg(r, op, st, op->dst, v);
}

static void run_push(struct run *r, const struct op *op, struct state *st)
{
	struct value v = op->src >= 0 ? st->reg[op->src] : value_unknown;
	struct value *sp = &st->reg[IQ_X86_RSP];

	if (op->src < 0 && !op->mem_read && !op->reads)
		v = value_whole(V_CONST, 0, op->imm);
	/* Every function pushes what it must preserve: nothing is read by that. */
	if (op->src == IQ_X86_RSP && sp->base == V_CFA)
		take_address(r, sp->addend);
	sp->addend -= 8;
	if (sp->base != V_CFA)
		return;
	note_word(r, op, sp->addend, 8, v);
	state_store(st, sp->addend, 8, v, (uint32_t)(op - r->f->op));
}

static void run_pop(struct run *r, const struct op *op, struct state *st)
{
	struct value *sp = &st->reg[IQ_X86_RSP], v = value_unknown;

	if (sp->base == V_CFA && sp->addend >= OFFSET_MIN && sp->addend < 0)
		v = state_word(st, (int32_t)sp->addend, 8);
	sp->addend += 8;
	/* Back from another stack, at the top of which the stack pointer had been put. */
	if (op->dst == IQ_X86_RSP)
		v = st->other_sp;
	if (op->dst < 0)
		return write_memory(r, op, st, 0, value_unknown);
	set_reg(r, op, st, op->dst, v);
}

static void run_leave(struct run *r, const struct op *op, struct state *st)
{
	struct value bp = st->reg[IQ_X86_RBP];

	st->reg[IQ_X86_RBP] = value_unknown;
	if (bp.base != V_CFA || bp.width < 8) {
		st->reg[IQ_X86_RSP] = value_unknown;
		return;
	}
	st->reg[IQ_X86_RBP] = bp.addend >= OFFSET_MIN && bp.addend < 0
				      ? state_word(st, (int32_t)bp.addend, 8)
				      : value_unknown;
	st->reg[IQ_X86_RSP] = value_whole(V_CFA, 0, bp.addend + 8);
}

static void run_call(struct run *r, const struct op *op, struct state *st)
{
	const struct value *sp = &st->reg[IQ_X86_RSP];
	uint64_t clobbered = ~r->k->arch->callee_saved & ~(UINT64_C(1) << IQ_X86_RSP);

	/* Where a function is traced its tracer is called first, which changes nothing. */
	if (op->address - r->f->entry <= 4)
		return;
	for (unsigned int reg = 0; reg < NR_GPR; reg++)
		if (clobbered >> reg & 1)
			st->reg[reg] = value_unknown;
	st->clobbered = (uint16_t)clobbered;
	st->reg[IQ_X86_RAX] = new_value(r, st, op,
					(struct origin){.kind = FROM_CALL,
							.size = 8,
							.target = op->has_target ? op->target : 0});
	others_write(r, st);
	/* What lies below is the called function's frame. */
	if (sp->base == V_CFA)
		state_forget(st, INT32_MIN, sp->addend);
}

static void run_other(struct run *r, const struct op *op, struct state *st)
{
	static const struct origin other = {.kind = FROM_OTHER};

	if (op->flow == IQ_FLOW_RETURN)
		return;
	if (op->mem_write)
		write_memory(r, op, st, op->mem_size, value_unknown);
	/* The stack pointer, realigned: it lies somewhere below. */
	for (unsigned int reg = 0; reg < NR_GPR; reg++)
		if (op->writes >> reg & 1) {
			if (st->reg[reg].base == V_CFA && reg != IQ_X86_RSP)
				take_address(r, st->reg[reg].addend);
			set_reg(r, op, st, (int)reg,
				reg == IQ_X86_RSP ? new_value(r, st, op, other) : value_unknown);
		}
}

/* Registers whose first use is a read. */
static void note_live_in(struct run *r, const struct op *op, const struct state *st)
{
	for (unsigned int reg = 0; reg < NR_GPR; reg++) {
		const struct value *v = &st->reg[reg];

		if (op->reads >> reg & 1 && v->base == V_ENTRY && v->n == reg && v->width == 8 &&
		    !v->addend)
			r->f->live_in |= (uint16_t)(1U << reg);
	}
}

void run_op(struct run *r, const struct op *op, struct state *st)
{
	r->steps++;
	if (op->kind != OP_PUSH)
		note_live_in(r, op, st);
	switch (op->kind) {
	case OP_MOVE:
		return run_move(r, op, st);
	case OP_SET:
		return set_reg(r, op, st, op->dst, value_whole(V_CONST, 0, op->imm));
	case OP_LOAD:
		return run_load(r, op, st);
	case OP_STORE:
		if (op->src == IQ_X86_RSP)
			st->other_sp = st->reg[IQ_X86_RSP];
		return write_memory(
			r, op, st, op->size,
			value_narrowed(name_source(r, st, op, op->src), op->size, false));
	case OP_STORE_IMM:
		return write_memory(r, op, st, op->size, value_whole(V_CONST, 0, op->imm));
	case OP_LEA:
		return run_lea(r, op, st);
	case OP_ADD:
		return run_add(r, op, st);
	case OP_PUSH:
		return run_push(r, op, st);
	case OP_POP:
		return run_pop(r, op, st);
	case OP_LEAVE:
		return run_leave(r, op, st);
	case OP_CALL:
		return run_call(r, op, st);
	default:
		return run_other(r, op, st);
	}
}
