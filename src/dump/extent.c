// SPDX-License-Identifier: GPL-2.0-or-later
/* Sorted, disjoint stretches out of any. */
#include "extent.h"
#include <stdlib.h>

bool iq_extents_add(struct iq_extents *x, const struct iq_extent *e)
{
	if (e->start >= e->end)
		return true;
	if (!iq_grow(&x->e, &x->room, x->nr + 1, sizeof(*x->e)))
		return false;
	x->e[x->nr++] = *e;
	return true;
}

void iq_extents_free(struct iq_extents *x)
{
	free(x->e);
	*x = (struct iq_extents){0};
}

static bool by_start(const struct iq_extent *a, const struct iq_extent *b)
{
	return a->start != b->start ? a->start < b->start : a->priority < b->priority;
}

static void sift_down(struct iq_extent *e, size_t at, size_t nr)
{
	struct iq_extent moving = e[at];

	for (size_t child; (child = 2 * at + 1) < nr; at = child) {
		if (child + 1 < nr && by_start(&e[child], &e[child + 1]))
			child++;
		if (!by_start(&moving, &e[child]))
			break;
		e[at] = e[child];
	}
	e[at] = moving;
}

/* In place: a flattened file has a record for every few pages, and qsort() doubles the memory. */
static void heap_sort(struct iq_extent *e, size_t nr)
{
	for (size_t i = nr / 2; i-- > 0;)
		sift_down(e, i, nr);
	for (size_t i = nr; i-- > 1;) {
		struct iq_extent last = e[i];

		e[i] = e[0];
		e[0] = last;
		sift_down(e, 0, i);
	}
}

static bool is_sorted(const struct iq_extents *x)
{
	for (unsigned int i = 1; i < x->nr; i++) {
		if (!by_start(&x->e[i - 1], &x->e[i]))
			return false;
	}
	return true;
}

static bool is_disjoint(const struct iq_extents *x)
{
	for (unsigned int i = 1; i < x->nr; i++) {
		if (x->e[i].start < x->e[i - 1].end)
			return false;
	}
	return true;
}

/* The extents that cover the place where the sweep stands; the highest priority on top. */
struct active {
	uint32_t *heap; /* indices of extents */
	unsigned int nr;
	const struct iq_extent *e;
};

static bool above(const struct active *a, unsigned int i, unsigned int j)
{
	return a->e[a->heap[i]].priority > a->e[a->heap[j]].priority;
}

static void swap(struct active *a, unsigned int i, unsigned int j)
{
	uint32_t t = a->heap[i];

	a->heap[i] = a->heap[j];
	a->heap[j] = t;
}

static void push(struct active *a, uint32_t index)
{
	unsigned int i = a->nr++;

	a->heap[i] = index;
	for (; i && above(a, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(a, i, (i - 1) / 2);
}

static void pop(struct active *a)
{
	unsigned int i = 0, best;

	a->heap[0] = a->heap[--a->nr];
	for (;;) {
		best = i;
		for (unsigned int child = 2 * i + 1; child <= 2 * i + 2 && child < a->nr; child++) {
			if (above(a, child, best))
				best = child;
		}
		if (best == i)
			return;
		swap(a, i, best);
		i = best;
	}
}

/*
 * Sweep over the sorted extents: each piece between two places where one begins or the topmost ends
 * belongs to the topmost.  At most two pieces an extent.
 */
static bool resolve(struct iq_extents *x)
{
	struct active active = {.heap = malloc(x->nr * sizeof(uint32_t)), .e = x->e};
	struct iq_extents out = {0};
	unsigned int next = 0;
	uint64_t at = 0;
	bool ok = active.heap != NULL;

	while (ok) {
		const struct iq_extent *top;
		struct iq_extent piece;

		while (active.nr && x->e[active.heap[0]].end <= at)
			pop(&active);
		if (!active.nr) {
			if (next == x->nr)
				break;
			at = IQ_MAX(at, x->e[next].start);
		}
		while (next < x->nr && x->e[next].start <= at)
			push(&active, next++);
		top = &x->e[active.heap[0]];
		if (top->end <= at)
			continue;
		piece = *top;
		piece.start = at;
		piece.pos += at - top->start;
		if (next < x->nr)
			piece.end = IQ_MIN(piece.end, x->e[next].start);
		at = piece.end;
		ok = iq_extents_add(&out, &piece);
	}
	free(active.heap);
	if (!ok) {
		iq_extents_free(&out);
		return false;
	}
	iq_extents_free(x);
	*x = out;
	return true;
}

static void join(struct iq_extents *x)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < x->nr; i++) {
		struct iq_extent *last = nr ? &x->e[nr - 1] : NULL;
		const struct iq_extent *e = &x->e[i];

		if (last && last->end == e->start && last->kind == e->kind &&
		    last->pos + (last->end - last->start) == e->pos)
			last->end = e->end;
		else
			x->e[nr++] = *e;
	}
	x->nr = nr;
}

bool iq_extents_settle(struct iq_extents *x)
{
	if (!is_sorted(x))
		heap_sort(x->e, x->nr);
	if (!is_disjoint(x) && !resolve(x))
		return false;
	join(x);
	return true;
}

const struct iq_extent *iq_extents_find(const struct iq_extents *x, uint64_t address)
{
	unsigned int lo = 0, hi = x->nr;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (x->e[mid].end <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < x->nr ? &x->e[lo] : NULL;
}
