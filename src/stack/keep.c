// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the caller's callee-saved registers are: still in the register, or in the word into which the code
 * has pushed or moved them.  GCC saves each register only where it is needed (shrink-wrapping), by push or
 * by mov; so this is followed instruction by instruction, and what two ways do not agree on is not known.
 */
#include "function.h"

/*
 * The word that memory operand O names, as struct depth has it: CFA - *AT, or, negative, frame pointer + *AT.
 * False: it is not on the stack, or it cannot be told where.
 */
static bool slot_of(const struct reading *r, const struct iq_operand *o, const struct depth *d,
		    int64_t *at)
{
	int sp = (int)r->u->arch->reg_sp, fp = (int)r->u->arch->reg_fp;

	if (o->kind != IQ_OP_MEM || o->index >= 0 || o->segment >= 0 || o->no_address)
		return false;
	if (o->base == sp && d->sp != DEPTH_UNKNOWN)
		*at = d->sp - o->disp;
	else if (o->base == sp && d->below != DEPTH_UNKNOWN)
		*at = o->disp - d->below;
	else if (o->base == fp && d->fp != DEPTH_UNKNOWN)
		*at = d->fp - o->disp;
	else if (o->base == fp && (d->below != DEPTH_UNKNOWN || d->at))
		*at = o->disp;
	else
		return false;
	/* Above the CFA, or above the frame pointer of an aligned stack: not of this frame. */
	if (d->sp != DEPTH_UNKNOWN || (o->base == fp && d->fp != DEPTH_UNKNOWN))
		return *at > 0 && *at <= INT16_MAX;
	return *at < 0 && *at >= INT16_MIN;
}

/* The word into which a push goes, or from which a pop comes (BEFORE it). */
static int16_t top_word(const struct depth *d, int by)
{
	if (d->sp != DEPTH_UNKNOWN)
		return (int16_t)(d->sp + by);
	return d->below != DEPTH_UNKNOWN ? (int16_t) - (d->below + by) : 0;
}

/* SIZE bytes at AT are written: whatever was saved there is gone. */
static void overwrite(struct depth *d, int64_t at, unsigned int size)
{
	int64_t from = at > 0 ? -at : at, to = from + size;

	for (unsigned int i = 0; i < KEPT; i++) {
		int64_t saved = d->save[i] > 0 ? -d->save[i] : d->save[i];

		if (d->save[i] && (d->save[i] > 0) == (at > 0) && saved < to && saved + 8 > from)
			d->save[i] = 0;
	}
}

static void save(struct depth *d, int i, int64_t at)
{
	if (i >= 0 && d->intact >> i & 1 && !d->save[i] && at)
		d->save[i] = (int16_t)at;
}

static bool is(const struct iq_insn *insn, const char *mnemonic)
{
	return !strcmp(insn->mnemonic, mnemonic);
}

static void stores(const struct reading *r, const struct iq_insn *insn, const struct depth *before,
		   struct depth *d)
{
	const struct iq_operand *o = insn->operand;
	bool mov = is(insn, "mov") && insn->nr_operands >= 2 && o[1].kind == IQ_OP_REG &&
		   o[1].size == 8;
	int64_t at;

	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		if (!o[i].write || o[i].hidden || !slot_of(r, &o[i], before, &at))
			continue;
		overwrite(d, at, o[i].size);
		if (mov && !i)
			save(d, kept_index(r->u->arch, o[1].reg), at);
	}
}

/* Does INSN give register I back, from where it was saved? */
static bool gives_back(const struct reading *r, const struct iq_insn *insn,
		       const struct depth *before, int i)
{
	const struct iq_operand *o = insn->operand;
	int64_t at;

	if (!before->save[i])
		return false;
	if (is(insn, "leave"))
		return before->fp != DEPTH_UNKNOWN && before->save[i] == before->fp;
	if (is(insn, "pop"))
		return before->save[i] == top_word(before, 0);
	return is(insn, "mov") && insn->nr_operands >= 2 && o[0].size == 8 &&
	       slot_of(r, &o[1], before, &at) && at == before->save[i];
}

static void writes(const struct reading *r, const struct iq_insn *insn, const struct depth *before,
		   struct depth *d)
{
	for (unsigned int n = 0; n < insn->nr_operands; n++) {
		const struct iq_operand *o = &insn->operand[n];
		int i = o->kind == IQ_OP_REG && o->write ? kept_index(r->u->arch, o->reg) : -1;

		if (i < 0)
			continue;
		if (gives_back(r, insn, before, i))
			d->intact |= (uint8_t)(1u << i);
		else
			d->intact &= (uint8_t) ~(1u << i);
		if (o->reg != (int)r->u->arch->reg_fp)
			continue;
		for (unsigned int k = 0; k < KEPT; k++)
			if (d->save[k] < 0)
				d->save[k] = 0;
	}
}

/* Words below the stack pointer are anybody's. */
static void forget_below(struct depth *d)
{
	for (unsigned int i = 0; i < KEPT; i++)
		if ((d->save[i] > 0 && d->sp != DEPTH_UNKNOWN && d->save[i] > d->sp) ||
		    (d->save[i] < 0 && d->below != DEPTH_UNKNOWN && -d->save[i] > d->below))
			d->save[i] = 0;
}

void keep_track(const struct reading *r, const struct iq_insn *insn, const struct depth *before,
		struct depth *d)
{
	const struct iq_operand *o = insn->operand;

	if (is(insn, "push") && insn->nr_operands && o->kind == IQ_OP_REG && !o->hidden &&
	    o->size == 8)
		save(d, kept_index(r->u->arch, o->reg), top_word(before, 8));
	else
		stores(r, insn, before, d);
	writes(r, insn, before, d);
	forget_below(d);
}
