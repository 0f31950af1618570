/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a function does to the stack, found out by following its code from the entry along all of its
 * branches: how far below its caller's frame the stack pointer is at every instruction, what is
 * pushed where, and which registers are changed.
 *
 * The code is the live one in the dump (alternatives and static keys applied).  Not followed are jumps
 * through registers, unless they leave the function; a function with others counts as not known.
 */
#include <stdlib.h>

#include "unwind.h"

/* No function worth reading is longer. */
#define FUNCTION_MAX 32768
/* Memory of one trace for what was read. */
#define READ_MAX (16 << 20)

/* Instead of a depth, for a byte of code: */
#define NOT_SEEN (-2)
#define INSIDE (-3) /* within an instruction that was */

/* A place to go on from, and the stack there. */
struct visit {
	uint64_t address;
	struct depth depth;
};

struct reading {
	struct unwinder *u;
	struct function *f;
	/* What comes after a call or ud2 is looked at last: if they never return, it is not code. */
	struct visit *now, *later;
	unsigned int nr_now, now_room, nr_later, later_room;
	bool failed;
};

static struct code_part *part_of(const struct function *f, uint64_t address)
{
	for (unsigned int i = 0; i < f->nr_parts; i++)
		if (address - f->part[i].start < f->part[i].size)
			return (struct code_part *)&f->part[i];
	return NULL;
}

bool function_depth(const struct function *f, uint64_t address, struct depth *ret)
{
	const struct code_part *p = part_of(f, address);
	uint64_t at;

	if (!f->known || !p)
		return false;
	at = address - p->start;
	while (at && p->depth[at].sp == INSIDE)
		at--;
	*ret = p->depth[at];
	return ret->sp != NOT_SEEN && ret->sp != INSIDE;
}

/* ---- Where to go next ------------------------------------------------------------------------- */

static void visit_later(struct reading *r, uint64_t address, struct depth depth)
{
	if (!iq_grow(&r->later, &r->later_room, r->nr_later + 1, sizeof(*r->later)))
		r->failed = true;
	else
		r->later[r->nr_later++] = (struct visit){address, depth};
}

static void visit(struct reading *r, uint64_t address, struct depth depth)
{
	if (!iq_grow(&r->now, &r->now_room, r->nr_now + 1, sizeof(*r->now)))
		r->failed = true;
	else
		r->now[r->nr_now++] = (struct visit){address, depth};
}

static bool next_visit(struct reading *r, struct visit *ret)
{
	if (r->nr_now)
		*ret = r->now[--r->nr_now];
	else if (r->nr_later)
		*ret = r->later[--r->nr_later];
	else
		return false;
	return true;
}

/* Two ways lead here with different depths: which one is real, ORC must say. */
static void settle(struct reading *r, uint64_t address, const struct depth *seen)
{
	struct iq_orc_row row;

	if (iq_kernel_orc(r->u->k, address, &row) && row.type == IQ_ORC_CALL && !row.sp_deref) {
		if (row.sp_reg == (int)r->u->arch->reg_sp && row.sp_offset == seen->sp)
			return;
		if (row.sp_reg == (int)r->u->arch->reg_fp && row.sp_offset == seen->fp)
			return;
	}
	r->failed = true;
}

/* ---- What an instruction does ----------------------------------------------------------------- */

/* The words between two depths are given to the registers of a mask, or (0) to something else. */
static void words_taken(struct function *f, int64_t from, int64_t to, uint64_t pushed)
{
	for (int64_t at = from; at < to && at / 8 < FRAME_WORDS; at += 8) {
		f->word[at / 8].pushed |= pushed;
		f->word[at / 8].other |= !pushed;
	}
}

static bool set_depth(struct depth *d, int64_t sp)
{
	/* Above the return address there is nothing of this function; and no frame is that large. */
	if (sp < 0 || sp > INT16_MAX)
		return false;
	d->sp = (int16_t)sp;
	return true;
}

static void push(struct reading *r, const struct iq_insn *insn, struct depth *d)
{
	const struct iq_operand *o = insn->operand;
	bool is_reg = insn->nr_operands && o->kind == IQ_OP_REG && !o->hidden && o->reg >= 0;
	uint64_t pushed = is_reg ? UINT64_C(1) << o->reg & r->u->arch->callee_saved : 0;

	if (d->sp == DEPTH_UNKNOWN) {
		/* It may go anywhere. */
		words_taken(r->f, 8, FRAME_WORDS * 8, 0);
		if (pushed)
			words_taken(r->f, 8, FRAME_WORDS * 8, pushed);
		return;
	}
	words_taken(r->f, d->sp, d->sp + 8, pushed);
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

static void move_sp(struct reading *r, const struct iq_insn *insn, struct depth *d)
{
	int64_t sp;

	if (!new_depth(r, insn, d, &sp) || !set_depth(d, sp)) {
		/* Realigned, or made room for a variable-length array. */
		if (d->sp != DEPTH_UNKNOWN)
			words_taken(r->f, d->sp, FRAME_WORDS * 8, 0);
		d->sp = DEPTH_UNKNOWN;
	}
}

/* Follow a change of the frame pointer: is it set up as one? */
static void move_fp(struct reading *r, const struct iq_insn *insn, struct depth *d)
{
	int64_t fp;

	if (insn->operand[0].kind == IQ_OP_REG && insn->operand[0].reg == (int)r->u->arch->reg_fp &&
	    new_depth(r, insn, d, &fp) && fp >= 0 && fp <= INT16_MAX)
		d->fp = (int16_t)fp;
	else
		d->fp = DEPTH_UNKNOWN;
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
	if (writes(insn, r->u->arch->reg_fp))
		d->fp = DEPTH_UNKNOWN;
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
}

static void note_written(struct reading *r, const struct iq_insn *insn)
{
	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		const struct iq_operand *o = &insn->operand[i];

		if (o->kind == IQ_OP_REG && o->write && o->reg >= 0)
			r->f->written |= UINT64_C(1) << o->reg;
	}
}

/* Change D from what it is in front of INSN to what it is behind it. */
static void apply(struct reading *r, const struct iq_insn *insn, struct depth *d)
{
	struct depth before = *d;

	if (!strncmp(insn->mnemonic, "push", 4)) {
		push(r, insn, d);
	} else if (!strncmp(insn->mnemonic, "pop", 3) && strcmp(insn->mnemonic, "popcnt")) {
		pop(r, insn, d);
	} else if (!strcmp(insn->mnemonic, "leave")) {
		leave(r, d);
	} else {
		note_written(r, insn);
		if (writes(insn, r->u->arch->reg_sp))
			move_sp(r, insn, d);
		if (writes(insn, r->u->arch->reg_fp))
			move_fp(r, insn, d);
	}
	if (before.sp != DEPTH_UNKNOWN && d->sp != DEPTH_UNKNOWN && d->sp > before.sp &&
	    strncmp(insn->mnemonic, "push", 4))
		words_taken(r->f, before.sp, d->sp, 0);
}

/* ---- The walk --------------------------------------------------------------------------------- */

/* A jump away from the function: a call in disguise if nothing of the frame is left. */
static void leave_function(struct reading *r, const struct iq_insn *insn, const struct depth *d)
{
	/* Through a register it may also go to a place in this very function (jump tables). */
	if (!insn->has_target && d->sp != 8)
		r->failed = true;
}

/* Behind INSN: true if the next instruction follows at once, with D. */
static bool go_on(struct reading *r, const struct iq_insn *insn, const struct depth *d)
{
	uint64_t next = insn->address + insn->length;

	switch (insn->flow) {
	case IQ_FLOW_NONE:
		return true;
	case IQ_FLOW_CALL:
		/* Into its own middle: a trick of the entry code. */
		if (insn->has_target && insn->target != r->f->address &&
		    part_of(r->f, insn->target))
			r->failed = true;
		visit_later(r, next, *d);
		return false;
	case IQ_FLOW_BRANCH:
		if (part_of(r->f, insn->target))
			visit(r, insn->target, *d);
		return true;
	case IQ_FLOW_JUMP:
		if (insn->has_target && part_of(r->f, insn->target))
			visit(r, insn->target, *d);
		else
			leave_function(r, insn, d);
		return false;
	case IQ_FLOW_TRAP:
		/* WARN() returns from its ud2.  int3 is padding, or a probe over unknown code. */
		if (strcmp(insn->mnemonic, "int3"))
			visit_later(r, next, *d);
		return false;
	case IQ_FLOW_RETURN:
		break;
	}
	return false;
}

static void follow(struct reading *r, const struct visit *from)
{
	struct depth d = from->depth;
	uint64_t address = from->address;
	struct iq_insn insn;

	for (;;) {
		struct code_part *p = part_of(r->f, address);
		uint64_t at = p ? address - p->start : 0;

		if (!p || r->failed)
			return;
		if (p->depth[at].sp != NOT_SEEN) {
			if (p->depth[at].sp != d.sp)
				settle(r, address, &p->depth[at]);
			return;
		}
		if (!iq_insn_decode(r->u->arch, p->code + at, p->size - at, address, &insn) ||
		    insn.bad)
			return;
		p->depth[at] = d;
		for (uint64_t i = 1; i < insn.length && at + i < p->size; i++)
			p->depth[at + i].sp = INSIDE;
		if (insn.flow == IQ_FLOW_NONE)
			apply(r, &insn, &d);
		if (!go_on(r, &insn, &d))
			return;
		address += insn.length;
	}
}

static bool add_part(struct unwinder *u, struct function *f, const struct iq_symbol *s)
{
	struct code_part *p = &f->part[f->nr_parts];

	/* Init text has been given back; something else lies there now. */
	if (!s->size || s->size > FUNCTION_MAX || !iq_is_text(u->k, s->address) ||
	    u->functions->read + s->size > READ_MAX)
		return false;
	u->functions->read += s->size;
	p->start = s->address;
	p->size = s->size;
	p->code = malloc(s->size);
	p->depth = calloc(s->size, sizeof(*p->depth));
	f->nr_parts++;
	if (!p->code || !p->depth)
		return false;
	for (uint64_t i = 0; i < s->size; i++)
		p->depth[i].sp = NOT_SEEN;
	return !iq_vm_read(u->k->vm, s->address, p->code, s->size, NULL);
}

/* "foo" for "foo.cold", where the compiler has moved the unlikely parts of foo. */
static bool hot_part(struct iq_kernel *k, const struct iq_symbol *cold, struct iq_symbol *hot)
{
	const char *dot = strstr(cold->name, ".cold");
	char name[512];

	if (!dot || snprintf(name, sizeof(name), "%s%s%.*s", cold->module ? cold->module : "",
			     cold->module ? ":" : "", (int)(dot - cold->name),
			     cold->name) >= (int)sizeof(name))
		return false;
	return iq_symbol_named(k, name, hot) && hot->address != cold->address;
}

static bool read_function(struct unwinder *u, const struct iq_symbol *s, struct function *f)
{
	struct reading r = {.u = u, .f = f};
	struct visit v;
	struct iq_symbol hot;
	bool cold = strstr(s->name, ".cold") != NULL;

	if ((cold && (!hot_part(u->k, s, &hot) || !add_part(u, f, &hot))) || !add_part(u, f, s))
		return false;
	f->address = f->part[0].start;
	visit(&r, f->address, (struct depth){8, DEPTH_UNKNOWN});
	while (!r.failed && next_visit(&r, &v))
		follow(&r, &v);
	free(r.now);
	free(r.later);
	return !r.failed;
}

const struct function *function_of(struct unwinder *u, const struct iq_symbol *s)
{
	struct functions *all = u->functions;
	struct function *f;

	if (!s->name)
		return NULL;
	for (unsigned int i = 0; i < all->nr; i++)
		if (all->list[i].symbol == s->address)
			return &all->list[i];
	if (!iq_grow(&all->list, &all->room, all->nr + 1, sizeof(*f)))
		return NULL;
	f = &all->list[all->nr++];
	memset(f, 0, sizeof(*f));
	f->symbol = s->address;
	f->known = read_function(u, s, f);
	return f;
}

void functions_free(struct functions *f)
{
	for (unsigned int i = 0; i < f->nr; i++) {
		for (unsigned int n = 0; n < f->list[i].nr_parts; n++) {
			free(f->list[i].part[n].code);
			free(f->list[i].part[n].depth);
		}
	}
	free(f->list);
	memset(f, 0, sizeof(*f));
}
