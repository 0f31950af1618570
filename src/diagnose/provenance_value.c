/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a term is worth: by registers where they are known, else by memory as it is now. */
#include "provenance.h"

#define DEPTH_MAX 64
/* Terms that are looked at to answer one question. */
#define STEPS_MAX 4000000
/* Rounds of a loop that are gone through again. */
#define ROUNDS_MAX 200000

static uint64_t extend(uint64_t v, unsigned int size, bool is_signed)
{
	unsigned int unused = 64 - 8 * size;

	if (!size || size >= 8)
		return v;
	return is_signed ? (uint64_t)((int64_t)(v << unused) >> unused) : v << unused >> unused;
}

bool iq_term_read(struct value_of *v, const struct iq_term *t, uint64_t address, uint64_t *ret)
{
	unsigned int size = t->size;

	if ((size != 1 && size != 2 && size != 4 && size != 8) ||
	    iq_vm_read_uint(v->c->k->vm, address, size, ret))
		return false;
	*ret = extend(*ret, size, t->is_signed);
	return true;
}

/* from + offset + index * scale */
static bool place(struct value_of *v, const struct iq_term *t, uint64_t *ret)
{
	uint64_t base = 0, index = 0;

	if (t->from && !iq_term_value(v, t->from, &base))
		return false;
	if (t->index && !iq_term_value(v, t->index, &index))
		return false;
	*ret = base + (uint64_t)t->offset + index * t->scale;
	return true;
}

bool iq_term_address(struct value_of *v, const struct iq_term *t, uint64_t *ret)
{
	uint64_t offset;

	if (t->kind == IQ_TERM_LOAD)
		return place(v, t, ret);
	if (t->kind != IQ_TERM_PERCPU || v->cpu < 0 ||
	    !iq_percpu_offset(v->c->k, (unsigned int)v->cpu, &offset))
		return false;
	*ret = t->address + offset;
	return true;
}

/* All ways lead to one value. */
static bool agreed(struct value_of *v, const struct iq_term *t, uint64_t *ret)
{
	uint64_t value = 0, other;

	for (unsigned int i = 0; i < t->nr_choices; i++) {
		if (!iq_term_value(v, t->choice[i], i ? &other : &value) || (i && other != value))
			return false;
	}
	*ret = value;
	return t->nr_choices > 0;
}

static bool worked_out(struct value_of *v, const struct iq_term *t, uint64_t *ret)
{
	uint64_t address;

	switch (t->kind) {
	case IQ_TERM_CONSTANT:
		*ret = t->value;
		return true;
	case IQ_TERM_ENTRY:
		return t->from && t->sure && iq_term_value(v, t->from, ret);
	case IQ_TERM_LOAD:
	case IQ_TERM_PERCPU:
		return iq_term_address(v, t, &address) && iq_term_read(v, t, address, ret);
	case IQ_TERM_SUM:
		if (!place(v, t, ret))
			return false;
		*ret = extend(*ret, t->size, t->is_signed);
		return true;
	case IQ_TERM_CHOICE:
		return agreed(v, t, ret);
	case IQ_TERM_UNKNOWN:
	case IQ_TERM_FRAME:
	case IQ_TERM_CALL:
		break;
	}
	return false;
}

bool iq_term_value(struct value_of *v, const struct iq_term *t, uint64_t *ret)
{
	bool ok;

	if (v->bound && t->kind == IQ_TERM_CHOICE && t->choice == v->bound->choice) {
		*ret = v->bound_value;
		return true;
	}
	if (t->known) {
		*ret = t->value;
		return true;
	}
	if (v->depth >= DEPTH_MAX || v->steps >= STEPS_MAX)
		return false;
	v->depth++;
	v->steps++;
	ok = worked_out(v, t, ret);
	v->depth--;
	return ok;
}

/* ---- Which way -------------------------------------------------------------------------------- */

/* Is CHOICE a part of T?  Choices are told apart by their lists: terms are copied to note values. */
static bool contains(struct value_of *v, const struct iq_term *t, const struct iq_term *choice,
		     unsigned int depth)
{
	if (!t || depth > DEPTH_MAX || ++v->steps > STEPS_MAX)
		return false;
	if (t->kind == IQ_TERM_CHOICE) {
		if (t->choice == choice->choice)
			return true;
		for (unsigned int i = 0; i < t->nr_choices; i++)
			if (contains(v, t->choice[i], choice, depth + 8))
				return true;
		return false;
	}
	if (t->kind == IQ_TERM_ENTRY)
		return false;
	return contains(v, t->from, choice, depth + 1) || contains(v, t->index, choice, depth + 1);
}

static bool with(struct value_of *v, const struct iq_term *choice, uint64_t value,
		 const struct iq_term *t, uint64_t *ret)
{
	const struct iq_term *was = v->bound;
	uint64_t was_value = v->bound_value;
	bool known = t->known && t->kind == IQ_TERM_CHOICE, ok;
	struct iq_term bare = *t;

	v->bound = choice;
	v->bound_value = value;
	/* What was known of the last round is not asked for. */
	bare.known = false;
	ok = known ? iq_term_value(v, &bare, ret) : worked_out(v, t, ret);
	if (!known && t->kind == IQ_TERM_CHOICE && t->choice == choice->choice) {
		*ret = value;
		ok = true;
	}
	v->bound = was;
	v->bound_value = was_value;
	return ok;
}

/* Round after round until TOP would be VALUE. */
static bool go_round(struct value_of *v, const struct iq_term *choice, const struct iq_term *top,
		     uint64_t value, const struct iq_term *first, const struct iq_term *step,
		     struct way *ret)
{
	uint64_t x, next, is, first_value, slow;

	if (!iq_term_value(v, first, &first_value))
		return false;
	x = slow = first_value;
	for (unsigned int round = 0; round < ROUNDS_MAX; round++) {
		if (with(v, choice, x, top, &is) && is == value) {
			*ret = (struct way){.term = round ? step : first,
					    .loop = round > 0,
					    .rounds = round,
					    .first = first,
					    .first_value = first_value,
					    .before = ret->before};
			return true;
		}
		if (!with(v, choice, x, step, &next))
			return false;
		ret->before = x;
		x = next;
		/* A ring: what is looked for is not in it. */
		if (x == first_value || x == slow)
			return false;
		if (!(round & (round + 1)))
			slow = x;
	}
	return false;
}

bool iq_term_way(struct value_of *v, const struct iq_term *choice, const struct iq_term *top,
		 uint64_t value, struct way *ret)
{
	const struct iq_term *first = NULL, *step = NULL;
	unsigned int firsts = 0, steps = 0, fits = 0;
	uint64_t x;

	*ret = (struct way){0};
	v->steps = 0;
	for (unsigned int i = 0; i < choice->nr_choices; i++) {
		const struct iq_term *t = choice->choice[i];

		if (contains(v, t, choice, 0)) {
			steps++;
			step = t;
		} else {
			uint64_t is;

			firsts++;
			first = t;
			if (iq_term_value(v, t, &x) && with(v, choice, x, top, &is) &&
			    is == value) {
				fits++;
				ret->term = t;
			}
		}
	}
	if (!steps)
		return fits == 1;
	ret->term = NULL;
	if (steps != 1 || firsts != 1)
		return false;
	return go_round(v, choice, top, value, first, step, ret);
}
