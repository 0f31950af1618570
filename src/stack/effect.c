// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one instruction does to the stack: to the stack pointer and the frame pointer, as distances from
 * the CFA, and to the words of the frame.
 */
#include "function.h"

static bool set_depth(struct depth *d, int64_t sp)
{
	/* Above the return address there is nothing of this function; and no frame is that large. */
	if (sp < 0 || sp > INT16_MAX)
		return false;
	d->sp = (int16_t)sp;
	return true;
}

static bool mnemonic_is(const struct iq_insn *insn, const char *name)
{
	return !strcmp(insn->mnemonic, name);
}

/* The only explicit operand is this register; -1: it is something else. */
static int only_register(const struct iq_insn *insn)
{
	const struct iq_operand *o = insn->operand;

	return insn->nr_operands && o->kind == IQ_OP_REG && !o->hidden ? o->reg : -1;
}

static void push(struct reading *r, const struct iq_insn *insn, struct depth *d)
{
	int reg = only_register(insn);

	d->link = DEPTH_UNKNOWN;
	if (d->below != DEPTH_UNKNOWN) {
		d->below = d->below > INT16_MAX - 8 ? DEPTH_UNKNOWN : (int16_t)(d->below + 8);
		if (reg >= 0 && reg == d->holder && d->below > 0 && !d->at)
			d->at = (int16_t)-d->below;
	}
	if (d->sp != DEPTH_UNKNOWN)
		r->failed |= !set_depth(d, d->sp + 8);
}

/* The stack pointer's new depth; false: not known. */
static bool new_depth(const struct reading *r, const struct iq_insn *insn, const struct depth *d,
		      int64_t *ret)
{
	const struct iq_operand *o = insn->operand;
	int sp = (int)r->u->arch->reg_sp, fp = (int)r->u->arch->reg_fp;
	bool sub = !strcmp(insn->mnemonic, "sub"), add = !strcmp(insn->mnemonic, "add");
	int from;
	int64_t by;

	if (insn->nr_operands < 2)
		return false;
	if ((sub || add) && o[1].kind == IQ_OP_IMM) {
		from = sp;
		by = sub ? -o[1].disp : o[1].disp;
	} else if (!strcmp(insn->mnemonic, "lea") && o[1].kind == IQ_OP_MEM && o[1].index < 0) {
		from = o[1].base;
		by = o[1].disp;
	} else if (!strcmp(insn->mnemonic, "mov") && o[1].kind == IQ_OP_REG) {
		from = o[1].reg;
		by = 0;
	} else {
		return false;
	}
	if (by > INT16_MAX || by < INT16_MIN)
		return false;
	*ret = (from == sp ? d->sp : d->fp) - by;
	return (from == sp && d->sp != DEPTH_UNKNOWN) || (from == fp && d->fp != DEPTH_UNKNOWN);
}

/* The same relative to the frame pointer of an aligned stack. */
static int16_t new_below(const struct reading *r, const struct iq_insn *insn, const struct depth *d)
{
	struct depth relative = DEPTH_AT(DEPTH_UNKNOWN);
	int64_t below;

	/* As if the frame pointer were the CFA. */
	relative.sp = d->below;
	relative.fp = 0;
	if (!new_depth(r, insn, &relative, &below) || below < 0 || below > INT16_MAX)
		return DEPTH_UNKNOWN;
	return (int16_t)below;
}

/* lea -8(%r10),%rsp: back from an aligned stack. */
static bool from_holder(const struct iq_insn *insn, const struct depth *d, int64_t *sp)
{
	const struct iq_operand *o = insn->operand;

	if (insn->nr_operands < 2 || !mnemonic_is(insn, "lea") || o[1].kind != IQ_OP_MEM ||
	    o[1].index >= 0 || d->holder < 0 || o[1].base != d->holder)
		return false;
	*sp = -o[1].disp;
	return true;
}

static void move_sp(struct reading *r, const struct iq_insn *insn, struct depth *d)
{
	const struct iq_operand *o = insn->operand;
	int16_t below = new_below(r, insn, d);
	int64_t sp;

	d->below = below;
	if (d->linker >= 0 && insn->nr_operands >= 2 && mnemonic_is(insn, "mov") &&
	    o[1].kind == IQ_OP_REG && o[1].reg == d->linker) {
		/* On the other stack. */
		d->linker = -1;
		d->sp = DEPTH_UNKNOWN;
		return;
	}
	d->link = DEPTH_UNKNOWN;
	d->linker = -1;
	if ((new_depth(r, insn, d, &sp) || from_holder(insn, d, &sp)) && set_depth(d, sp))
		return;
	/* Realigned, or made room for a variable-length array. */
	d->sp = DEPTH_UNKNOWN;
}

/* Follow a change of the frame pointer: is it set up as one? */
static void move_fp(struct reading *r, const struct iq_insn *insn, struct depth *d)
{
	const struct iq_operand *o = insn->operand;
	bool is_fp = o->kind == IQ_OP_REG && o->reg == (int)r->u->arch->reg_fp;
	int64_t fp;

	d->at = 0;
	d->below = DEPTH_UNKNOWN;
	if (is_fp && new_depth(r, insn, d, &fp) && fp >= 0 && fp <= INT16_MAX) {
		d->fp = (int16_t)fp;
		return;
	}
	d->fp = DEPTH_UNKNOWN;
	if (is_fp && mnemonic_is(insn, "mov") && insn->nr_operands >= 2 && o[1].kind == IQ_OP_REG &&
	    o[1].reg == (int)r->u->arch->reg_sp)
		d->below = 0;
}

static bool writes(const struct iq_insn *insn, unsigned int reg)
{
	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		const struct iq_operand *o = &insn->operand[i];

		if (o->kind == IQ_OP_REG && o->reg == (int)reg && o->write)
			return true;
	}
	return false;
}

static void pop(struct reading *r, const struct iq_insn *insn, struct depth *d)
{
	int reg = only_register(insn);

	if (reg == (int)r->u->arch->reg_sp) {
		/* Back on the stack that was left. */
		d->sp = d->link;
		d->link = DEPTH_UNKNOWN;
		return;
	}
	d->link = DEPTH_UNKNOWN;
	if (d->below != DEPTH_UNKNOWN) {
		/* The CFA comes back from where it was kept. */
		if (reg >= 0 && d->at && d->at == -d->below)
			d->holder = (int8_t)reg;
		d->below = d->below < 8 ? DEPTH_UNKNOWN : (int16_t)(d->below - 8);
	}
	if (writes(insn, r->u->arch->reg_fp)) {
		d->fp = DEPTH_UNKNOWN;
		d->at = 0;
		d->below = DEPTH_UNKNOWN;
	}
	if (d->sp != DEPTH_UNKNOWN)
		r->failed |= !set_depth(d, d->sp - 8);
}

static void leave(struct reading *r, struct depth *d)
{
	if (d->fp == DEPTH_UNKNOWN)
		d->sp = DEPTH_UNKNOWN;
	else
		r->failed |= !set_depth(d, d->fp - 8);
	d->fp = DEPTH_UNKNOWN;
	d->at = 0;
	d->below = DEPTH_UNKNOWN;
	d->link = DEPTH_UNKNOWN;
}

/* Other places than the stack pointer from which the CFA follows: aligned stacks, changes of stacks. */
static void move_holders(struct reading *r, const struct iq_insn *insn, struct depth *d)
{
	const struct iq_operand *o = insn->operand;
	int sp = (int)r->u->arch->reg_sp, fp = (int)r->u->arch->reg_fp;
	bool two = insn->nr_operands >= 2, mov = two && mnemonic_is(insn, "mov");

	if (mov && o[0].kind == IQ_OP_MEM && o[1].kind == IQ_OP_REG && o[1].reg == sp &&
	    o[0].index < 0 && !o[0].disp && o[0].base >= 0 && d->sp != DEPTH_UNKNOWN &&
	    o[0].segment < 0) {
		/* mov %rsp,(%r11) */
		d->linker = (int8_t)o[0].base;
		d->link = d->sp;
		return;
	}
	if (mov && o[0].kind == IQ_OP_MEM && o[0].base == fp && o[0].index < 0 &&
	    o[1].kind == IQ_OP_REG && o[1].reg >= 0 && o[1].reg == d->holder && !d->at &&
	    d->fp == DEPTH_UNKNOWN && o[0].disp < 0 && o[0].disp > INT16_MIN) {
		/* (Later stores of it are the function's own: of va_start().) */
		d->at = (int16_t)o[0].disp;
		return;
	}
	if (!two || o[0].kind != IQ_OP_REG || o[0].reg < 0 || o[0].reg == sp || o[0].reg == fp)
		return;
	if (mnemonic_is(insn, "lea") && o[1].kind == IQ_OP_MEM && o[1].base == sp &&
	    o[1].index < 0 && d->sp != DEPTH_UNKNOWN && o[1].disp == d->sp)
		d->holder = (int8_t)o[0].reg;
	else if (mov && o[1].kind == IQ_OP_MEM && o[1].base == fp && o[1].index < 0 && d->at &&
		 o[1].disp == d->at && o[0].size == 8)
		d->holder = (int8_t)o[0].reg;
}

static void note_written(struct reading *r, const struct iq_insn *insn)
{
	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		const struct iq_operand *o = &insn->operand[i];

		if (o->kind == IQ_OP_REG && o->write && o->reg >= 0)
			r->f->written |= UINT64_C(1) << o->reg;
	}
}

void apply_insn(struct reading *r, const struct iq_insn *insn, struct depth *d)
{
	struct depth before = *d;

	note_written(r, insn);
	if (!strncmp(insn->mnemonic, "push", 4)) {
		push(r, insn, d);
	} else if (!strncmp(insn->mnemonic, "pop", 3) && strcmp(insn->mnemonic, "popcnt")) {
		pop(r, insn, d);
	} else if (!strcmp(insn->mnemonic, "leave")) {
		leave(r, d);
	} else {
		if (d->holder >= 0 && writes(insn, (unsigned int)d->holder))
			d->holder = -1;
		if (d->linker >= 0 && writes(insn, (unsigned int)d->linker)) {
			d->linker = -1;
			d->link = DEPTH_UNKNOWN;
		}
		move_holders(r, insn, d);
		if (writes(insn, r->u->arch->reg_sp))
			move_sp(r, insn, d);
		if (writes(insn, r->u->arch->reg_fp))
			move_fp(r, insn, d);
	}
	keep_track(r, insn, &before, d);
}
