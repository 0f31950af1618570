/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data flow along all paths through a function: blocks, and what leads from one to the other. */
#include <stdlib.h>

#include "args_run.h"

/* Times that a block may be looked at anew; each time it knows less, so that this is never reached. */
#define VISITS_MAX 4096
/* The same for all blocks of a function, and for finding out which addresses are taken. */
#define STEPS_MAX 2000000
#define ROUNDS_MAX 6

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
		st.reg[r] = value_whole(V_ENTRY, r, 0);
	st.other_sp = value_unknown;
	st.reg[IQ_X86_RSP] = value_whole(V_CFA, 0, -8);
	for (unsigned int i = 0; i < f->stack_words && i < STACK_WORDS; i++)
		state_store(&st, 8 * (int64_t)i, 8, value_whole(V_STACK, 8 * i, 0), 0);
	state_mark(&st, -8, 8);
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

static bool mark_plain(struct block *b)
{
	bool more = b && b->reached && !b->plain;

	if (more)
		b->plain = true;
	return more;
}

/* Which blocks are come to as the code is meant to run. */
static void mark_all_plain(struct flow *f)
{
	bool more = mark_plain(block_at(f, f->entry));

	while (more) {
		more = false;
		for (unsigned int i = 0; i < f->nr_blocks; i++) {
			const struct block *b = &f->block[i];
			const struct op *last = &f->op[b->first + b->nr - 1];

			if (!b->plain)
				continue;
			if ((last->flow == IQ_FLOW_BRANCH || last->flow == IQ_FLOW_JUMP) && last->has_target)
				more |= mark_plain(block_at(f, last->target));
			if (last->flow == IQ_FLOW_NONE || last->flow == IQ_FLOW_BRANCH ||
			    (last->flow == IQ_FLOW_CALL && !last->no_return))
				more |= mark_plain(block_at(f, last->address + last->length));
		}
	}
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
	if (f->known)
		mark_all_plain(f);
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
