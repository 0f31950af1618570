/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of registers and words of the stack, and all of them at one place in the code. */
#include <stdlib.h>

#include "args_run.h"

bool value_same(const struct value *a, const struct value *b)
{
	return a->base == b->base && a->width == b->width && a->is_signed == b->is_signed &&
	       a->n == b->n && a->addend == b->addend;
}

const struct value value_unknown = {.base = V_UNKNOWN, .width = 8};

struct value value_whole(enum value_base base, uint32_t n, int64_t addend)
{
	return (struct value){.base = (uint8_t)base, .width = 8, .n = n, .addend = addend};
}

int64_t value_extend(int64_t v, unsigned int size, bool is_signed)
{
	unsigned int unused = 64 - 8 * size;

	if (size >= 8)
		return v;
	return is_signed ? (int64_t)((uint64_t)v << unused) >> unused
			 : (int64_t)((uint64_t)v << unused >> unused);
}

/* The low SIZE bytes of V, extended; V_UNKNOWN if that cannot be expressed. */
struct value value_narrowed(struct value v, unsigned int size, bool is_signed)
{
	if (v.base == V_UNKNOWN || size >= 8)
		return v;
	if (v.base == V_CONST)
		return value_whole(V_CONST, 0, value_extend(v.addend, size, is_signed));
	if (v.width >= size) {
		v.width = (uint8_t)size;
		v.is_signed = is_signed;
		return v;
	}
	/* It was extended before: by zeros, it stays what it is. */
	return v.is_signed ? value_unknown : v;
}

/* ---- States ----------------------------------------------------------------------------------- */

void state_free(struct state *st)
{
	free(st->spill);
	st->spill = NULL;
	st->nr = st->room = 0;
}

bool state_copy(struct state *to, const struct state *from)
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

int state_index(int32_t offset)
{
	return offset >= 0 || offset < OFFSET_MIN ? -1 : (-offset - 1) / 8;
}

bool state_written(const struct state *st, int32_t offset)
{
	int w = state_index(offset);

	return w < 0 || st->written[w / 64] >> w % 64 & 1;
}

void state_mark(struct state *st, int64_t offset, int64_t size)
{
	for (int64_t at = offset; at < offset + size && at < 0; at = (at & ~INT64_C(7)) + 8) {
		int w = at < OFFSET_MIN ? -1 : state_index((int32_t)at);

		if (w >= 0)
			st->written[w / 64] |= UINT64_C(1) << w % 64;
	}
}

void state_remove(struct state *st, unsigned int i)
{
	memmove(&st->spill[i], &st->spill[i + 1], (st->nr - i - 1) * sizeof(*st->spill));
	st->nr--;
}

/* Forget what overlaps [FROM, TO). */
void state_forget(struct state *st, int64_t from, int64_t to)
{
	for (unsigned int i = 0; i < st->nr;) {
		const struct spill *s = &st->spill[i];

		if (s->offset < to && s->offset + s->size > from)
			state_remove(st, i);
		else
			i++;
	}
}

/* V is at CFA + OFFSET from now on. */
void state_hold(struct state *st, int64_t offset, unsigned int size, struct value v, uint32_t op)
{
	unsigned int i = 0;

	state_forget(st, offset, offset + size);
	v = value_narrowed(v, size, false);
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

void state_store(struct state *st, int64_t offset, unsigned int size, struct value v, uint32_t op)
{
	state_hold(st, offset, size, v, op);
	state_mark(st, offset, size);
}

struct value state_word(const struct state *st, int32_t offset, unsigned int size)
{
	for (unsigned int i = 0; i < st->nr; i++) {
		const struct spill *s = &st->spill[i];

		if (s->offset == offset && s->size >= size)
			return value_narrowed(s->value, size, false);
	}
	return value_unknown;
}

/* TO becomes what both know.  *CHANGED: it is less than before. */
void state_join(struct state *to, const struct state *from, bool *changed)
{
	unsigned int kept = 0;

	for (unsigned int r = 0; r < NR_GPR; r++) {
		if (to->reg[r].base != V_UNKNOWN && !value_same(&to->reg[r], &from->reg[r])) {
			to->reg[r] = value_unknown;
			*changed = true;
		}
	}
	if (to->clobbered & ~from->clobbered) {
		to->clobbered &= from->clobbered;
		*changed = true;
	}
	if (to->other_sp.base != V_UNKNOWN && !value_same(&to->other_sp, &from->other_sp)) {
		to->other_sp = value_unknown;
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

static bool same_base(const struct value *v, uint32_t def)
{
	return v->base == V_DEF && v->n == def;
}

/* A new value of the instruction's name DEF; those who hold the former one know it no more. */
struct value state_define(struct state *st, uint32_t def)
{
	unsigned int kept = 0;

	for (unsigned int r = 0; r < NR_GPR; r++)
		if (same_base(&st->reg[r], def))
			st->reg[r] = value_unknown;
	for (unsigned int i = 0; i < st->nr; i++)
		if (!same_base(&st->spill[i].value, def))
			st->spill[kept++] = st->spill[i];
	st->nr = kept;
	return value_whole(V_DEF, def, 0);
}
