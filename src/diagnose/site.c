/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where on a stack was the first thing reported?  A stack falls into pieces, each run on behalf of the exception or
 * interrupt that interrupted the next outer one.  The outermost piece that dies is the one that counts: what is
 * further in happened on the way down.
 */
#include "event.h"

/* The frame before which the piece ends that runs inward from FROM: one that was interrupted, or -1. */
static int end_of_piece(const struct iq_backtrace *b, int from)
{
	while (from >= 0 && !b->frames[from].has_trap)
		from--;
	return from;
}

static bool piece_dies(const struct iq_backtrace *b, int from, int to, int *panic)
{
	bool dies = false;

	for (int i = from; i >= to; i--) {
		const char *name = b->frames[i].symbol.name;

		if (!iq_report_is_fatal(name))
			continue;
		dies = true;
		if (*panic < 0 && (iq_same_function(name, "panic") || iq_same_function(name, "vpanic")))
			*panic = i;
	}
	return dies;
}

/* An entry is the next function inward of what it interrupted, its handler and its C code the next ones. */
static int vector_of(const struct iq_backtrace *b, int trap)
{
	for (int i = trap - 1; i >= 0 && i >= trap - 3 && !b->frames[i].has_trap; i--) {
		int vector = iq_trap_by_name(b->frames[i].symbol.name);

		if (vector >= 0)
			return vector;
	}
	return -1;
}

static void look_at_piece(const struct iq_backtrace *b, int from, int to, struct site *s)
{
	for (int i = from; i >= to && !s->how; i--) {
		const struct report *r = iq_report_by_name(b->frames[i].symbol.name);

		/* handlers of exceptions have names that are reports' only if they interrupted something */
		if (!r || (r->place == PLACE_TRAP && s->trap < 0))
			continue;
		s->how = r;
		s->report = i;
	}
}

bool iq_site_find(const struct iq_backtrace *b, struct site *s)
{
	int trap = -1, from = (int)b->nr - 1;

	while (from >= 0) {
		int end, to;

		/* What was interrupted itself ends the piece it belongs to, and is looked at with it. */
		end = end_of_piece(b, from);
		to = end < 0 ? 0 : end;
		*s = (struct site){ .trap = trap, .vector = -1, .report = -1, .panic = -1 };
		if (piece_dies(b, from, to, &s->panic)) {
			s->vector = trap >= 0 ? vector_of(b, trap) : -1;
			look_at_piece(b, from, to, s);
			return true;
		}
		trap = end;
		from = end - 1;
	}
	return false;
}
