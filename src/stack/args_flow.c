/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What registers and words of the frame hold at every instruction, in terms of what they held at the function's
 * entry, constants, addresses in the frame, and results of other instructions.  What is not the same
 * on all paths is not known.  A value that is not known gets a name when it is copied (the number of
 * the copying instruction), so that both copies are known to be the same.  In a loop an instruction computes
 * a new value each time: when it does, everything that still holds its former one becomes unknown.
 */
#include <stdlib.h>

#include "args.h"

/* Times that a block may be looked at anew; each time it knows less, so that this is never reached. */
#define VISITS_MAX 4096
/* The same for all blocks of a function, and for finding out which addresses are taken. */
#define STEPS_MAX 2000000
#define ROUNDS_MAX 6
#define STACK_WORDS 8
#define OFFSET_MIN (-8 * FLOW_WORDS)

bool value_same(const struct value *a, const struct value *b)
{
	return a->base == b->base && a->width == b->width && a->is_signed == b->is_signed &&
	       a->n == b->n && a->addend == b->addend;
}

static const struct value unknown = {.base = V_UNKNOWN, .width = 8};

static struct value whole(enum value_base base, uint32_t n, int64_t addend)
{
	return (struct value){.base = (uint8_t)base, .width = 8, .n = n, .addend = addend};
}

static int64_t extend(int64_t v, unsigned int size, bool is_signed)
{
	unsigned int unused = 64 - 8 * size;

	if (size >= 8)
		return v;
	return is_signed ? (int64_t)((uint64_t)v << unused) >> unused
			 : (int64_t)((uint64_t)v << unused >> unused);
}

/* The low SIZE bytes of V, extended; V_UNKNOWN if that cannot be expressed. */
static struct value narrowed(struct value v, unsigned int size, bool is_signed)
{
	if (v.base == V_UNKNOWN || size >= 8)
		return v;
	if (v.base == V_CONST)
		return whole(V_CONST, 0, extend(v.addend, size, is_signed));
	if (v.width >= size) {
		v.width = (uint8_t)size;
		v.is_signed = is_signed;
		return v;
	}
	/* It was extended before: by zeros, it stays what it is. */
	return v.is_signed ? unknown : v;
}

/* ---- States ----------------------------------------------------------------------------------- */

void state_free(struct state *st)
{
	free(st->spill);
	st->spill = NULL;
	st->nr = st->room = 0;
}

static bool state_copy(struct state *to, const struct state *from)
{
	struct spill *list = to->spill;
	unsigned int room = to->room;

	if (from->nr > room && !iq_grow(&list, &room, from->nr, sizeof(*list)))
		return false;
	*to = *from;
	to->spill = list;
	to->room = room;
	if (from->nr)
		memcpy(list, from->spill, from->nr * sizeof(*list));
	return true;
}

static int word_of(int32_t offset)
{
	return offset >= 0 || offset < OFFSET_MIN ? -1 : (-offset - 1) / 8;
}

bool state_written(const struct state *st, int32_t offset)
{
	int w = word_of(offset);

	return w < 0 || st->written[w / 64] >> w % 64 & 1;
}

static void mark_written(struct state *st, int64_t offset, int64_t size)
{
	for (int64_t at = offset; at < offset + size && at < 0; at = (at & ~INT64_C(7)) + 8) {
		int w = at < OFFSET_MIN ? -1 : word_of((int32_t)at);

		if (w >= 0)
			st->written[w / 64] |= UINT64_C(1) << w % 64;
	}
}

static void remove_spill(struct state *st, unsigned int i)
{
	memmove(&st->spill[i], &st->spill[i + 1], (st->nr - i - 1) * sizeof(*st->spill));
	st->nr--;
}

/* Forget what overlaps [FROM, TO). */
static void forget(struct state *st, int64_t from, int64_t to)
{
	for (unsigned int i = 0; i < st->nr;) {
		const struct spill *s = &st->spill[i];

		if (s->offset < to && s->offset + s->size > from)
			remove_spill(st, i);
		else
			i++;
	}
}

/* V is at CFA + OFFSET from now on. */
static void hold(struct state *st, int64_t offset, unsigned int size, struct value v, uint32_t op)
{
	unsigned int i = 0;

	forget(st, offset, offset + size);
	v = narrowed(v, size, false);
	if (v.base == V_UNKNOWN || st->nr == SPILLS_MAX || offset < OFFSET_MIN ||
	    offset > 8 * STACK_WORDS ||
	    !iq_grow(&st->spill, &st->room, st->nr + 1, sizeof(*st->spill)))
		return;
	while (i < st->nr && st->spill[i].offset < offset)
		i++;
	memmove(&st->spill[i + 1], &st->spill[i], (st->nr - i) * sizeof(*st->spill));
	st->spill[i] = (struct spill){(int32_t)offset, (uint8_t)size, v, op};
	st->nr++;
}

static void add_spill(struct state *st, int64_t offset, unsigned int size, struct value v,
		      uint32_t op)
{
	hold(st, offset, size, v, op);
	mark_written(st, offset, size);
}

struct value state_word(const struct state *st, int32_t offset, unsigned int size)
{
	for (unsigned int i = 0; i < st->nr; i++) {
		const struct spill *s = &st->spill[i];

		if (s->offset == offset && s->size >= size)
			return narrowed(s->value, size, false);
	}
	return unknown;
}

/* TO becomes what both know.  *CHANGED: it is less than before. */
static void state_join(struct state *to, const struct state *from, bool *changed)
{
	unsigned int kept = 0;

	for (unsigned int r = 0; r < NR_GPR; r++) {
		if (to->reg[r].base != V_UNKNOWN && !value_same(&to->reg[r], &from->reg[r])) {
			to->reg[r] = unknown;
			*changed = true;
		}
	}
	if (to->other_sp.base != V_UNKNOWN && !value_same(&to->other_sp, &from->other_sp)) {
		to->other_sp = unknown;
		*changed = true;
	}
	for (unsigned int i = 0, j = 0; i < to->nr; i++) {
		struct spill *a = &to->spill[i];

		while (j < from->nr && from->spill[j].offset < a->offset)
			j++;
		if (j < from->nr && from->spill[j].offset == a->offset &&
		    from->spill[j].size == a->size &&
		    value_same(&from->spill[j].value, &a->value)) {
			a->op = IQ_MIN(a->op, from->spill[j].op);
			to->spill[kept++] = *a;
		} else {
			*changed = true;
		}
	}
	to->nr = kept;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(to->written); i++) {
		if (from->written[i] & ~to->written[i]) {
			to->written[i] |= from->written[i];
			*changed = true;
		}
	}
}

/* ---- Running an instruction ------------------------------------------------------------------- */

struct run {
	struct iq_kernel *k;
	struct flow *f;
	unsigned int steps;
	bool replay; /* all is known already */
	bool more_taken; /* an address was taken that was not known of before */
	bool failed;
};

static bool same_base(const struct value *v, uint32_t def)
{
	return v->base == V_DEF && v->n == def;
}

/* A new value of the instruction's name DEF; those who hold the former one know it no more. */
static struct value define(struct state *st, uint32_t def)
{
	unsigned int kept = 0;

	for (unsigned int r = 0; r < NR_GPR; r++)
		if (same_base(&st->reg[r], def))
			st->reg[r] = unknown;
	for (unsigned int i = 0; i < st->nr; i++)
		if (!same_base(&st->spill[i].value, def))
			st->spill[kept++] = st->spill[i];
	st->nr = kept;
	return whole(V_DEF, def, 0);
}

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
			remove_spill(st, i);
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
		w = &r->f->word[word_of((int32_t)at)];
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
		/* An array, or of unknown length: anything above. */
		forget(st, at, INT32_MAX);
		mark_written(st, at, -at);
	} else if (size <= 8 && !(size & (size - 1))) {
		add_spill(st, at, size, v, n);
	} else {
		forget(st, at, at + size);
		mark_written(st, at, size);
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

	if (st->reg[reg].base == V_UNKNOWN) {
		set_origin(r, def, (struct origin){.kind = FROM_MERGE, .size = 8});
		st->reg[reg] = define(st, def);
	}
	return st->reg[reg];
}

static struct value new_value(struct run *r, struct state *st, const struct op *op, struct origin o)
{
	uint32_t def = 2 * (uint32_t)(op - r->f->op);

	set_origin(r, def, o);
	return define(st, def);
}

static void set_reg(struct run *r, const struct op *op, struct state *st, int reg, struct value v)
{
	const struct value *old = &st->reg[reg];

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

	v = narrowed(v, op->from, op->is_signed);
	if (op->is_signed && op->size < 8)
		v = narrowed(v, op->size, false);
	if (v.base == V_UNKNOWN)
		v = new_value(r, st, op, (struct origin){.kind = FROM_OTHER});
	set_reg(r, op, st, op->dst, v);
}

static void run_load(struct run *r, const struct op *op, struct state *st)
{
	struct origin o = {.kind = FROM_LOAD, .size = op->from};
	struct value v = unknown;
	bool variable;
	int64_t at;

	if (in_frame(op, st, &at, &variable)) {
		if (!variable && at >= OFFSET_MIN && at <= 8 * STACK_WORDS)
			v = state_word(st, (int32_t)at, op->from);
		o.address = whole(V_CFA, 0, at);
		if (v.base == V_UNKNOWN) {
			v = new_value(r, st, op, o);
			/* It is in both places now. */
			if (!variable && at < 0)
				hold(st, at, op->from, v, (uint32_t)(op - r->f->op));
		}
	} else {
		if (op->segment >= 0) {
			o.kind = FROM_PERCPU;
			o.address = whole(V_CONST, 0, op->disp);
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
			o.address = whole(V_CONST, 0, op->disp);
		}
		v = new_value(r, st, op, o);
	}
	v = narrowed(v, op->from, op->is_signed);
	if (op->is_signed && op->size < 8)
		v = narrowed(v, op->size, false);
	set_reg(r, op, st, op->dst, v);
}

static void run_lea(struct run *r, const struct op *op, struct state *st)
{
	struct value v = unknown;

	if (op->size == 8 && op->index < 0 && !op->no_address && op->segment < 0) {
		if (op->base >= 0 && op->base < NR_GPR) {
			v = name_source(r, st, op, op->base);
			v.addend = (int64_t)((uint64_t)v.addend + (uint64_t)op->disp);
			if (v.width < 8 && op->disp)
				v = unknown;
		} else {
			v = whole(V_CONST, 0, op->disp);
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
		v = whole(V_CONST, 0, extend(v.addend, op->size, false));
	else if (op->size == 4 && v.width >= 4)
		v = narrowed(v, 4, false);
	else if (op->size != 8 || v.width < 8)
		v = unknown;
	if (v.base == V_UNKNOWN)
		v = new_value(r, st, op, (struct origin){.kind = FROM_OTHER});
	set_reg(r, op, st, op->dst, v);
}

static void run_push(struct run *r, const struct op *op, struct state *st)
{
	struct value v = op->src >= 0 ? st->reg[op->src] : unknown;
	struct value *sp = &st->reg[IQ_X86_RSP];

	if (op->src < 0 && !op->mem_read && !op->reads)
		v = whole(V_CONST, 0, op->imm);
	/* Every function pushes what it must preserve: nothing is read by that. */
	if (op->src == IQ_X86_RSP && sp->base == V_CFA)
		take_address(r, sp->addend);
	sp->addend -= 8;
	if (sp->base != V_CFA)
		return;
	note_word(r, op, sp->addend, 8, v);
	add_spill(st, sp->addend, 8, v, (uint32_t)(op - r->f->op));
}

static void run_pop(struct run *r, const struct op *op, struct state *st)
{
	struct value *sp = &st->reg[IQ_X86_RSP], v = unknown;

	if (sp->base == V_CFA && sp->addend >= OFFSET_MIN && sp->addend < 0)
		v = state_word(st, (int32_t)sp->addend, 8);
	sp->addend += 8;
	/* Back from another stack, at the top of which the stack pointer had been put. */
	if (op->dst == IQ_X86_RSP)
		v = st->other_sp;
	if (op->dst < 0)
		return write_memory(r, op, st, 0, unknown);
	set_reg(r, op, st, op->dst, v);
}

static void run_leave(struct run *r, const struct op *op, struct state *st)
{
	struct value bp = st->reg[IQ_X86_RBP];

	st->reg[IQ_X86_RBP] = unknown;
	if (bp.base != V_CFA || bp.width < 8) {
		st->reg[IQ_X86_RSP] = unknown;
		return;
	}
	st->reg[IQ_X86_RBP] = bp.addend >= OFFSET_MIN && bp.addend < 0
				      ? state_word(st, (int32_t)bp.addend, 8)
				      : unknown;
	st->reg[IQ_X86_RSP] = whole(V_CFA, 0, bp.addend + 8);
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
			st->reg[reg] = unknown;
	st->reg[IQ_X86_RAX] = new_value(r, st, op,
					(struct origin){.kind = FROM_CALL,
							.size = 8,
							.target = op->has_target ? op->target : 0});
	others_write(r, st);
	/* What lies below is the called function's frame. */
	if (sp->base == V_CFA)
		forget(st, INT32_MIN, sp->addend);
}

static void run_other(struct run *r, const struct op *op, struct state *st)
{
	static const struct origin other = {.kind = FROM_OTHER};

	if (op->flow == IQ_FLOW_RETURN)
		return;
	if (op->mem_write)
		write_memory(r, op, st, op->mem_size, unknown);
	/* The stack pointer, realigned: it lies somewhere below. */
	for (unsigned int reg = 0; reg < NR_GPR; reg++)
		if (op->writes >> reg & 1) {
			if (st->reg[reg].base == V_CFA && reg != IQ_X86_RSP)
				take_address(r, st->reg[reg].addend);
			set_reg(r, op, st, (int)reg,
				reg == IQ_X86_RSP ? new_value(r, st, op, other) : unknown);
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

static void run_op(struct run *r, const struct op *op, struct state *st)
{
	r->steps++;
	if (op->kind != OP_PUSH)
		note_live_in(r, op, st);
	switch (op->kind) {
	case OP_MOVE:
		return run_move(r, op, st);
	case OP_SET:
		return set_reg(r, op, st, op->dst, whole(V_CONST, 0, op->imm));
	case OP_LOAD:
		return run_load(r, op, st);
	case OP_STORE:
		if (op->src == IQ_X86_RSP)
			st->other_sp = st->reg[IQ_X86_RSP];
		return write_memory(r, op, st, op->size,
				    narrowed(name_source(r, st, op, op->src), op->size, false));
	case OP_STORE_IMM:
		return write_memory(r, op, st, op->size, whole(V_CONST, 0, op->imm));
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

/* ---- All paths -------------------------------------------------------------------------------- */

static struct block *block_at(struct flow *f, uint64_t address)
{
	int n = code_find(f, address);
	unsigned int low = 0, high = f->nr_blocks;

	if (n < 0 || f->op[n].address != address)
		return NULL;
	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (f->block[mid].first <= (unsigned int)n)
			low = mid + 1;
		else
			high = mid;
	}
	return low && f->block[low - 1].first == (unsigned int)n ? &f->block[low - 1] : NULL;
}

/*
 * A way into block B with ST.  A way behind a call or ud2, which may not return, is not FIRM, nor is what
 * is only reached from there: it counts only if it brings the same stack pointer.
 */
static void enter(struct run *r, struct block *b, const struct state *st, bool firm)
{
	bool changed = false;

	if (!b)
		return;
	if (b->reached && !value_same(&b->in.reg[IQ_X86_RSP], &st->reg[IQ_X86_RSP])) {
		if (!firm)
			return;

		r->failed = r->failed || b->firm;
		b->reached = false;
	}
	changed = firm && !b->firm;
	b->firm = b->firm || firm;
	if (!b->reached) {
		r->failed = r->failed || !state_copy(&b->in, st);
		b->reached = changed = true;
	} else {
		state_join(&b->in, st, &changed);
	}
	b->queued = b->queued || changed;
}

static void leave_block(struct run *r, const struct block *b, const struct op *last,
			struct state *st)
{
	struct flow *f = r->f;
	unsigned int behind = b->first + b->nr;
	struct block *next =
		behind < f->nr_ops && last->address + last->length == f->op[behind].address
			? block_at(f, f->op[behind].address)
			: NULL;
	bool into = last->has_target && code_find(f, last->target) >= 0;

	switch ((enum iq_flow)last->flow) {
	case IQ_FLOW_NONE:
		return enter(r, next, st, b->firm);
	case IQ_FLOW_CALL:
		if (!last->no_return)
			enter(r, next, st, false);
		return;
	case IQ_FLOW_BRANCH:
		if (into)
			enter(r, block_at(f, last->target), st, b->firm);
		return enter(r, next, st, b->firm);
	case IQ_FLOW_JUMP:
		if (into)
			return enter(r, block_at(f, last->target), st, b->firm);
		/* Through a register it may go to a place in this function, unless it leaves its frame. */
		if (!last->has_target &&
		    (st->reg[IQ_X86_RSP].base != V_CFA || st->reg[IQ_X86_RSP].addend != -8))
			r->failed = true;
		return;
	case IQ_FLOW_TRAP:
		enter(r, next, st, false);
		return;
	case IQ_FLOW_RETURN:
		return;
	}
}

static void run_block(struct run *r, struct block *b)
{
	struct state st = {0};
	const struct op *last = &r->f->op[b->first + b->nr - 1];

	b->queued = false;
	if (++b->visits > VISITS_MAX || r->steps > STEPS_MAX || !state_copy(&st, &b->in)) {
		r->failed = true;
		return;
	}
	for (unsigned int i = 0; i < b->nr; i++)
		run_op(r, &r->f->op[b->first + i], &st);
	leave_block(r, b, last, &st);
	state_free(&st);
}

static struct state entry_state(const struct flow *f)
{
	struct state st = {0};

	for (unsigned int r = 0; r < NR_GPR; r++)
		st.reg[r] = whole(V_ENTRY, r, 0);
	st.other_sp = unknown;
	st.reg[IQ_X86_RSP] = whole(V_CFA, 0, -8);
	for (unsigned int i = 0; i < f->stack_words && i < STACK_WORDS; i++)
		add_spill(&st, 8 * (int64_t)i, 8, whole(V_STACK, 8 * i, 0), 0);
	mark_written(&st, -8, 8);
	return st;
}

/* Blocks behind traps come last: what BUG() is followed by is not executed. */
static struct block *next_block(struct flow *f)
{
	struct block *late = NULL;

	for (unsigned int i = 0; i < f->nr_blocks; i++) {
		struct block *b = &f->block[i];

		if (b->queued && b->firm)
			return b;
		if (b->queued && !late)
			late = b;
	}
	return late;
}

static void run_all(struct run *r)
{
	struct flow *f = r->f;
	struct state st = entry_state(f);
	struct block *b;

	for (unsigned int i = 0; i < f->nr_blocks; i++)
		f->block[i].reached = f->block[i].firm = f->block[i].queued = false;
	f->live_in = 0;
	enter(r, block_at(f, f->entry), &st, true);
	state_free(&st);
	while (!r->failed && (b = next_block(f)))
		run_block(r, b);
}

void flow_run(struct iq_kernel *k, struct flow *f)
{
	struct run r = {.k = k, .f = f};

	/* Addresses that are taken late are taken from the beginning. */
	for (unsigned int i = 0; i < ROUNDS_MAX && !r.failed; i++) {
		r.more_taken = false;
		run_all(&r);
		if (!r.more_taken)
			break;
	}
	f->known = !r.failed && !r.more_taken;
}

bool flow_at(struct iq_kernel *k, struct flow *f, unsigned int n, struct state *st)
{
	struct run r = {.k = k, .f = f, .replay = true};
	unsigned int low = 0, high = f->nr_blocks;
	const struct block *b;

	*st = (struct state){0};
	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (f->block[mid].first <= n)
			low = mid + 1;
		else
			high = mid;
	}
	b = low ? &f->block[low - 1] : NULL;
	if (!f->known || !b || !b->reached || !state_copy(st, &b->in))
		return false;
	for (unsigned int i = b->first; i < n; i++)
		run_op(&r, &f->op[i], st);
	return true;
}
