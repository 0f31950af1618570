// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Code that no jump in the function leads to: the far side of static branches that are off
 * (__jump_table), the places where a fault is repaired (__ex_table), what a jump table leads to, the far side
 * of alternatives.  It goes back to where the depth of the stack is known, or returns, which needs a
 * depth of 8: so the depth at its beginning follows.  What is found so must agree with everything that
 * is known already; otherwise the code stays unknown.
 */
#include "function.h"
#include <stdlib.h>

/* Instructions looked at from the beginning of a gap until its depth must show. */
#define LOOK_AHEAD 512
/* A gap may lead into another. */
#define ROUNDS 8

/* Where a walk through unknown code has come to: depths relative to those of its beginning. */
struct relative {
	int64_t sp;
	bool sp_unknown; /* realigned on the way */
	uint64_t written; /* registers */
	uint64_t stored; /* registers that were pushed, or moved to memory */
};

static bool is_known(const struct function *f, uint64_t address)
{
	const struct depth *d = depth_at(f, address);

	return d && d->sp != NOT_SEEN && d->sp != INSIDE;
}

/* Add what INSN does to the stack pointer. */
static void add_effect(struct reading *r, const struct iq_insn *insn, struct relative *at)
{
	/* Far from both ends, so that no limit is met. */
	struct depth before = DEPTH_AT(0x2000), after = before;
	struct function scratch = {0};
	struct reading own = {.u = r->u, .f = &scratch};

	apply_insn(&own, insn, &after);
	if (own.failed || after.sp == DEPTH_UNKNOWN)
		at->sp_unknown = true;
	at->sp += after.sp - before.sp;
	at->written |= scratch.written;
	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		const struct iq_operand *o = &insn->operand[i];

		if (o->kind == IQ_OP_REG && o->reg >= 0 && !o->write && i == insn->nr_operands - 1)
			at->stored |= UINT64_C(1) << o->reg;
	}
	if (!strcmp(insn->mnemonic, "push") && insn->operand[0].kind == IQ_OP_REG &&
	    insn->operand[0].reg >= 0)
		at->stored |= UINT64_C(1) << insn->operand[0].reg;
}

static int16_t shifted(int16_t depth, const struct relative *at)
{
	int64_t before = depth - at->sp;

	return depth == DEPTH_UNKNOWN || at->sp_unknown || before < 0 || before > INT16_MAX
		       ? DEPTH_UNKNOWN
		       : (int16_t)before;
}

/* The depth at the beginning, if AT is reached with the stack D deep. */
static bool solve(const struct reading *r, const struct relative *at, const struct depth *d,
		  struct depth *ret)
{
	bool fp_kept = !(at->written >> r->u->arch->reg_fp & 1);

	*ret = DEPTH_AT(shifted(d->sp, at));
	if (fp_kept) {
		ret->fp = d->fp;
		ret->at = d->at;
		ret->below = shifted(d->below, at);
	}
	/* The caller's registers are where they are expected, unless this code has put them there. */
	for (unsigned int reg = 0; reg < r->u->arch->nr_regs; reg++) {
		int i = kept_index(r->u->arch, (int)reg);

		if (i < 0 || (at->written | at->stored) >> reg & 1)
			continue;
		ret->intact |= d->intact & (uint8_t)(1u << i);
		if (d->save[i] > 0 && ret->sp != DEPTH_UNKNOWN && d->save[i] <= ret->sp)
			ret->save[i] = d->save[i];
	}
	if (ret->sp != DEPTH_UNKNOWN)
		return ret->sp >= 8;
	return ret->fp != DEPTH_UNKNOWN || ret->at;
}

/* Does a function begin at ADDRESS, so that a jump there is a call in disguise? */
static bool begins_function(struct reading *r, uint64_t address)
{
	struct iq_symbol s;

	return iq_symbol_at(r->u->k, address, &s) && s.address == address &&
	       !strstr(s.name, ".cold");
}

enum outcome { GO_ON, SOLVED, DEAD_END };

static enum outcome look(struct reading *r, const struct iq_insn *insn, struct relative *at,
			 uint64_t *next, struct depth *ret)
{
	struct depth returning = DEPTH_AT(8);

	returning.intact = KEPT_ALL;
	switch (insn->flow) {
	case IQ_FLOW_NONE:
		add_effect(r, insn, at);
		return GO_ON;
	case IQ_FLOW_BRANCH:
		if (is_known(r->f, insn->target))
			return solve(r, at, depth_at(r->f, insn->target), ret) ? SOLVED : DEAD_END;
		return GO_ON;
	case IQ_FLOW_JUMP:
		if (!insn->has_target)
			return DEAD_END;
		if (is_known(r->f, insn->target))
			return solve(r, at, depth_at(r->f, insn->target), ret) ? SOLVED : DEAD_END;
		if (within_function(r, insn->target)) {
			*next = insn->target;
			return GO_ON;
		}
		if (!begins_function(r, insn->target) || never_returns(r->u, insn))
			return DEAD_END;
		return solve(r, at, &returning, ret) ? SOLVED : DEAD_END;
	case IQ_FLOW_RETURN:
		return solve(r, at, &returning, ret) ? SOLVED : DEAD_END;
	case IQ_FLOW_CALL:
	case IQ_FLOW_TRAP:
		return never_returns(r->u, insn) ? DEAD_END : GO_ON;
	}
	return DEAD_END;
}

/* The depth at START, where the walk did not come by. */
static bool depth_from_ahead(struct reading *r, uint64_t start, struct depth *ret)
{
	struct relative at = {0};
	uint64_t address = start;
	struct iq_insn insn;

	for (unsigned int i = 0; i < LOOK_AHEAD; i++) {
		uint64_t next;

		if (is_known(r->f, address))
			return i && solve(r, &at, depth_at(r->f, address), ret);
		if (!insn_at(r, address, &insn))
			return false;
		next = address + insn.length;
		switch (look(r, &insn, &at, &next, ret)) {
		case SOLVED:
			return true;
		case DEAD_END:
			return false;
		case GO_ON:
			break;
		}
		address = next;
	}
	return false;
}

/* The state of a function before a gap was filled, to go back to. */
struct backup {
	struct depth *depth[CODE_PARTS];
	unsigned int nr_parts;
	uint64_t written;
	bool unfollowed;
};

static bool back_up(const struct function *f, struct backup *b)
{
	*b = (struct backup){
		.nr_parts = f->nr_parts, .written = f->written, .unfollowed = f->unfollowed};
	for (unsigned int i = 0; i < f->nr_parts; i++) {
		size_t size = f->part[i].size * sizeof(*f->part[i].depth);

		b->depth[i] = malloc(size);
		if (!b->depth[i])
			return false;
		memcpy(b->depth[i], f->part[i].depth, size);
	}
	return true;
}

static void restore(struct function *f, const struct backup *b)
{
	f->written = b->written;
	f->unfollowed = b->unfollowed;
	for (unsigned int i = 0; i < b->nr_parts; i++)
		memcpy(f->part[i].depth, b->depth[i], f->part[i].size * sizeof(*b->depth[i]));
	for (unsigned int i = b->nr_parts; i < f->nr_parts; i++)
		for (uint64_t k = 0; k < f->part[i].size; k++)
			f->part[i].depth[k].sp = NOT_SEEN;
}

/* Fill the gap that begins at START; false: it cannot be. */
static bool fill(struct reading *r, uint64_t start)
{
	struct backup before = {0};
	struct depth d;
	bool filled = false;

	if (!depth_from_ahead(r, start, &d))
		return false;
	if (back_up(r->f, &before)) {
		r->gap = r->gap == UINT8_MAX ? 1 : (uint8_t)(r->gap + 1);
		follow_from(r, start, d);
		filled = !r->failed;
		if (!filled)
			restore(r->f, &before);
		r->failed = false;
	}
	for (unsigned int i = 0; i < before.nr_parts; i++)
		free(before.depth[i]);
	return filled;
}

/* The next instruction at or behind AT in P that was not seen and is no padding; P->size: none. */
static uint64_t next_gap(const struct reading *r, const struct code_part *p, uint64_t at)
{
	struct iq_insn insn;

	while (at < p->size) {
		if (p->depth[at].sp != NOT_SEEN || p->code[at] == 0xcc) {
			at++;
			continue;
		}
		if (!insn_at(r, p->start + at, &insn))
			return p->size;
		/* An ftrace nop, at the beginning of a function without a name, is none. */
		if (strncmp(insn.mnemonic, "nop", 3) || !(insn.address % FUNCTION_ALIGN))
			break;
		at += insn.length;
	}
	return IQ_MIN(at, p->size);
}

/* The first place behind AT that was seen, or that begins behind an end of the flow. */
static uint64_t behind_gap(const struct reading *r, const struct code_part *p, uint64_t at)
{
	struct iq_insn insn;

	while (at < p->size && p->depth[at].sp == NOT_SEEN) {
		if (!insn_at(r, p->start + at, &insn))
			return p->size;
		at += insn.length;
		if (insn.flow == IQ_FLOW_JUMP || insn.flow == IQ_FLOW_RETURN ||
		    insn.flow == IQ_FLOW_TRAP ||
		    (insn.flow == IQ_FLOW_CALL && never_returns(r->u, &insn)))
			break;
	}
	return at;
}

static bool fill_part(struct reading *r, unsigned int n, bool *left)
{
	bool progress = false;
	uint64_t at = 0;

	for (;;) {
		const struct code_part *p = &r->f->part[n];

		at = next_gap(r, p, at);
		if (at >= p->size)
			return progress;
		if (fill(r, p->start + at) && p->depth[at].sp != NOT_SEEN) {
			progress = true;
		} else {
			*left = true;
			at = behind_gap(r, p, at);
		}
	}
}

void fill_gaps(struct reading *r)
{
	for (unsigned int round = 0; round < ROUNDS; round++) {
		bool progress = false, left = false;

		for (unsigned int i = 0; i < r->f->nr_parts; i++)
			progress |= fill_part(r, i, &left);
		r->f->gaps = left;
		if (!left || !progress)
			break;
	}
	r->gap = 0;
}
