/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits as people read them: trees whose root is who holds all the others up. */
#include "wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 32 /* levels that are indented further */

static void add_comm(const char comm[static 17], struct iq_buf *out)
{
	iq_buf_add_escaped(out, comm, strnlen(comm, 16), false);
}

/* "urb object 0x…+8 of kmalloc-192" is too long here: the innermost fact only. */
static void add_place(struct iq_kernel *k, struct iq_describer *d, uint64_t address,
		      struct iq_buf *out)
{
	struct iq_whatis w;

	iq_whatis(d, address, false, &w);
	iq_buf_printf(out, "%" PRIx64, address);
	if (w.has_object || w.has_stack || w.has_percpu || w.vmap) {
		iq_buf_puts(out, " (");
		iq_whatis_line(k, &w, out);
		iq_buf_putc(out, ')');
	}
}

void iq_wait_object_line(struct iq_kernel *k, struct iq_describer *d, const struct iq_wait *w,
			 struct iq_buf *out)
{
	char name[256];

	iq_buf_puts(out, iq_wait_kind_text(w->kind));
	if (!w->object)
		return;
	iq_buf_putc(out, ' ');
	if (iq_symbol_format(k, w->object, true, true, name, sizeof(name)))
		iq_buf_printf(out, "%s %" PRIx64, name, w->object);
	else
		add_place(k, d, w->object, out);
}

static void add_wait(struct iq_kernel *k, struct iq_describer *d, const struct iq_wait *w,
		     unsigned int level, struct iq_buf *out)
{
	iq_buf_printf(out, "%*s", 2 * (int)IQ_MIN(level, DEEPEST), "");
	add_comm(w->task.comm, out);
	iq_buf_printf(out, " (pid %u, %" PRIx64 ") ", w->task.pid, w->task.address);
	iq_buf_puts(out, w->task.running ? "spins for " : "waits for ");
	iq_wait_object_line(k, d, w, out);
	if (w->function[0]) {
		iq_buf_puts(out, " in ");
		iq_buf_printf(out, "%s+0x%" PRIx64, w->function, w->offset);
		if (w->module[0])
			iq_buf_printf(out, " [%s]", w->module);
	}
	if (w->has_age)
		iq_buf_printf(out, ", %.1f s", w->age);
	if (w->gone)
		iq_buf_printf(out, "; held by a task that is gone, %" PRIx64, w->gone);
	if (w->readers)
		iq_buf_printf(out, "; %u reader%s it", w->readers, w->readers > 1 ? "s hold" : " holds");
	iq_buf_putc(out, '\n');
}

/* Who waits for each: indices sorted by the owner they wait for, so that children are found at once. */
struct tree {
	const struct iq_waits *w;
	int *by_owner;
};

static int compare_owners(const void *a, const void *b, void *arg)
{
	const struct iq_waits *w = arg;
	int x = *(const int *)a, y = *(const int *)b;

	if (w->list[x].owner != w->list[y].owner)
		return w->list[x].owner < w->list[y].owner ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Position in by_owner of the first that waits for OWNER. */
static unsigned int first_child(const struct tree *t, uint64_t owner)
{
	unsigned int low = 0, high = t->w->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (t->w->list[t->by_owner[mid]].owner < owner)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * All that wait for OWNER, and for those in turn.  No circle can be met: its members are left out here.  A stack
 * of positions instead of recursion: a chain may be as long as there are tasks.
 */
static void add_children(struct iq_kernel *k, struct iq_describer *d, const struct tree *t,
			 uint64_t owner, unsigned int level, struct iq_buf *out)
{
	unsigned int *at = malloc((t->w->nr + 1) * sizeof(*at)), depth = 0;
	uint64_t *of = malloc((t->w->nr + 1) * sizeof(*of));

	if (at && of) {
		at[0] = first_child(t, owner);
		of[0] = owner;
	}
	for (bool more = at && of; more;) {
		unsigned int n = at[depth];
		const struct iq_wait *w = n < t->w->nr ? &t->w->list[t->by_owner[n]] : NULL;

		if (!w || w->owner != of[depth]) {
			more = depth > 0;
			depth -= more;
			continue;
		}
		at[depth]++;
		if (w->cycle)
			continue;
		add_wait(k, d, w, level + depth, out);
		if (depth < t->w->nr) {
			depth++;
			at[depth] = first_child(t, w->task.address);
			of[depth] = w->task.address;
		}
	}
	free(at);
	free(of);
}

static void add_cycle(struct iq_kernel *k, struct iq_describer *d, const struct tree *t,
		      unsigned int cycle, struct iq_buf *out)
{
	const struct iq_waits *w = t->w;
	int first = -1, at;

	for (unsigned int i = 0; first < 0 && i < w->nr; i++) {
		if (w->list[i].cycle == cycle)
			first = (int)i;
	}
	if (first < 0)
		return;
	at = first;
	iq_buf_puts(out, w->list[first].next == first
				 ? "a task that waits for what it holds itself:\n"
				 : "a circle: each waits for what the next one holds:\n");
	do {
		add_wait(k, d, &w->list[at], 1, out);
		at = w->list[at].next;
	} while (at >= 0 && at != first);
	at = first;
	do {
		add_children(k, d, t, w->list[at].task.address, 2, out);
		at = w->list[at].next;
	} while (at >= 0 && at != first);
}

/* A task that holds what others wait for, and waits for nothing itself. */
static void add_root(struct iq_kernel *k, struct iq_describer *d, const struct tree *t,
		     const struct iq_wait *child, struct iq_buf *out)
{
	const struct iq_task *owner = iq_task_by_address(k, child->owner);

	if (owner) {
		add_comm(owner->comm, out);
		iq_buf_printf(out, " (pid %u, %" PRIx64 ", %s) holds up:\n", owner->pid, owner->address,
			      owner->running ? "running" : owner->state_text);
	}
	add_children(k, d, t, child->owner, 1, out);
}

void iq_waits_lines(struct iq_kernel *k, struct iq_describer *d, const struct iq_waits *w,
		    struct iq_buf *out)
{
	struct tree t = { w, malloc((w->nr ? w->nr : 1) * sizeof(int)) };
	uint64_t before = 0;

	if (!t.by_owner)
		return;
	for (unsigned int i = 0; i < w->nr; i++)
		t.by_owner[i] = (int)i;
	qsort_r(t.by_owner, w->nr, sizeof(int), compare_owners, (void *)w);
	for (unsigned int i = 1; i <= w->cycles; i++)
		add_cycle(k, d, &t, i, out);
	for (unsigned int i = 0; i < w->nr; i++) {
		const struct iq_wait *one = &w->list[t.by_owner[i]];

		if (one->owner && one->next < 0 && one->owner != before)
			add_root(k, d, &t, one, out);
		before = one->owner;
	}
	for (unsigned int i = 0; i < w->nr; i++) {
		if (w->list[i].owner || w->list[i].cycle)
			continue;
		add_wait(k, d, &w->list[i], 0, out);
		add_children(k, d, &t, w->list[i].task.address, 1, out);
	}
	free(t.by_owner);
}
