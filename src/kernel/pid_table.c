// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pid table (struct idr in struct pid_namespace, include/linux/pid_namespace.h; struct pid,
 * include/linux/pid.h), and what of tasks is read ahead.
 */
#include "pid_table.h"

#include <stdlib.h>

/* Tasks whose pages are read at once; the members that matter lie in three pages at most. */
#define BLOCK (IQ_PREFETCH_MOST / 3)

static uint64_t at(struct iq_kernel *k, const char *tag, const char *path)
{
	uint64_t offset;

	return iq_kernel_offset(k, tag, path, &offset, NULL) ? offset : UINT64_MAX;
}

/* An entry: a struct pid, whose first hlist leads to the task. */
static bool add_pid(struct iq_kernel *k, uint64_t number, uint64_t pid, void *arg)
{
	struct pid_table *t = arg;
	uint64_t node;

	if (!kernel_read_ptr(k, pid + t->tasks_at, &node) || !node)
		return true; /* a pid whose task is gone: of a group or session */
	if (t->nr >= MAX_TASKS || !iq_grow(&t->tasks, &t->room, t->nr + 1, sizeof(*t->tasks)))
		return false;
	t->tasks[t->nr++] = node - t->links_at;
	return true;
}

bool pid_table_read(struct iq_kernel *k, struct pid_table *t)
{
	uint64_t ns = iq_kernel_symbol(k, "init_pid_ns"), idr;

	t->tasks_at = at(k, "pid", "tasks");
	t->links_at = at(k, "task_struct", "pid_links");
	if (t->links_at == UINT64_MAX) /* 4.18 */
		t->links_at = at(k, "task_struct", "pids[0].node");
	idr = at(k, "pid_namespace", "idr.idr_rt");
	if (!ns || t->tasks_at == UINT64_MAX || t->links_at == UINT64_MAX || idr == UINT64_MAX)
		return true;
	kernel_xarray_for_each(k, ns + idr, "pid table", add_pid, t);
	t->fetched = calloc(t->nr / BLOCK + 1, sizeof(*t->fetched));
	if (!t->fetched)
		return false;
	for (unsigned int i = 0; i < t->nr; i++)
		if (!iq_map_put(&t->index, t->tasks[i], (void *)(uintptr_t)(i + 1)))
			return false;
	return true;
}

static void fetch_block(struct iq_kernel *k, struct pid_table *t, unsigned int block)
{
	uint64_t page = iq_dump_info(k->dump)->page_size, addresses[IQ_PREFETCH_MOST];
	unsigned int n = 0;

	if (block * BLOCK >= t->nr || t->fetched[block])
		return;
	t->fetched[block] = true;
	for (unsigned int i = block * BLOCK; i < IQ_MIN((block + 1) * BLOCK, t->nr); i++) {
		uint64_t start = (t->tasks[i] + t->first_byte) & ~(page - 1);
		uint64_t end = t->tasks[i] + t->last_byte;

		for (uint64_t a = start; a <= end && n < IQ_PREFETCH_MOST; a += page)
			addresses[n++] = a;
	}
	iq_vm_prefetch(k->vm, addresses, n);
}

void pid_table_prefetch(struct iq_kernel *k, struct pid_table *t, uint64_t address)
{
	uintptr_t index = (uintptr_t)iq_map_get(&t->index, address);

	if (!index || t->last_byte == UINT64_MAX)
		return;
	fetch_block(k, t, (unsigned int)(index - 1) / BLOCK);
	/* While one is walked through the next is read. */
	fetch_block(k, t, (unsigned int)(index - 1) / BLOCK + 1);
}

static void fetch_stacks(struct iq_kernel *k, const struct iq_task *const *tasks, unsigned int nr,
			 unsigned int first)
{
	uint64_t addresses[2 * IQ_TASKS_PREFETCH];
	unsigned int n = 0;

	for (unsigned int i = first; i < nr && i < first + IQ_TASKS_PREFETCH; i++) {
		const struct iq_task *t = tasks[i];

		if (t->running || t->sp < t->stack || t->sp - t->stack >= t->stack_size)
			continue;
		addresses[n++] = t->sp;
		addresses[n++] = t->stack + t->stack_size - 8;
	}
	iq_vm_prefetch(k->vm, addresses, n);
}

void iq_tasks_prefetch_stacks(struct iq_kernel *k, const struct iq_task *const *tasks,
			      unsigned int nr, unsigned int next)
{
	if (next % IQ_TASKS_PREFETCH)
		return;
	if (!next)
		fetch_stacks(k, tasks, nr, 0);
	fetch_stacks(k, tasks, nr, next + IQ_TASKS_PREFETCH);
}

void pid_table_free(struct pid_table *t)
{
	free(t->tasks);
	free(t->fetched);
	iq_map_free(&t->index);
}
