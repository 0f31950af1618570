/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All waits of a machine: each task's, who holds what, and the circles. */
#include "wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_WORDS 4096 /* of a stack that are looked at: 32 KB */

static const char *const kinds[IQ_WAIT_KINDS] = {
	[IQ_WAIT_NONE] = "unknown",
	[IQ_WAIT_MUTEX] = "mutex",
	[IQ_WAIT_RWSEM_READ] = "rw_semaphore (to read)",
	[IQ_WAIT_RWSEM_WRITE] = "rw_semaphore (to write)",
	[IQ_WAIT_SEMAPHORE] = "semaphore",
	[IQ_WAIT_RT_MUTEX] = "rt_mutex",
	[IQ_WAIT_SPINLOCK] = "spinlock",
	[IQ_WAIT_RWLOCK] = "rwlock",
	[IQ_WAIT_COMPLETION] = "completion",
	[IQ_WAIT_WORK] = "work item",
	[IQ_WAIT_EXIT] = "end of a task",
	[IQ_WAIT_RCU] = "RCU grace period",
	[IQ_WAIT_PAGE] = "page",
	[IQ_WAIT_BIT] = "bit",
	[IQ_WAIT_QUEUE] = "wait queue",
	[IQ_WAIT_IO] = "I/O",
};

const char *iq_wait_kind_text(enum iq_wait_kind kind)
{
	return (unsigned int)kind < IQ_WAIT_KINDS ? kinds[kind] : "unknown";
}

/* ---- Functions ---------------------------------------------------------------------------------- */

/*
 * The beginnings of the names of what stands between a task's own code and the scheduler; those that end in a
 * blank are whole names.
 */
static const char *const helpers[] = {
	"__schedule", "schedule ", "schedule_", "preempt_schedule", "__cond_resched", "io_schedule", "context_switch",
	"bit_wait", "__wait_on_", "wait_on_bit", "wait_on_page", "__wait_for_common", "wait_for_common", "do_wait_for_common",
	"wait_for_completion", "__wait_rcu_gp", "wait_rcu_gp", "wait_woken", "do_wait_intr",
	"out_of_line_wait", "prepare_to_wait", "finish_wait", "swait_", "__swait", "rcuwait",
	"mutex_lock", "__mutex_", "ww_mutex_", "__ww_mutex", "rt_mutex_", "__rt_mutex", "rtlock", "rt_spin_",
	"down ", "down_interruptible", "down_killable", "down_timeout", "down_read", "down_write", "__down",
	"rwsem_", "__rwsem_", "percpu_down_", "percpu_rwsem", "__percpu_down",
	"folio_wait", "folio_lock", "__folio_lock", "__lock_page", "lock_page ",
	"_raw_spin_lock", "_raw_read_lock", "_raw_write_lock", "native_queued_", "queued_spin", "queued_read", "queued_write",
	"__pv_queued_", "do_raw_spin", "do_raw_read", "do_raw_write", "lock_sock_nested", "__lock_sock",
	"synchronize_rcu", "synchronize_srcu", "__synchronize_srcu", "synchronize_net", "rcu_barrier", "rcu_sync_",
	"flush_work", "__flush_work", "drain_workqueue", "cancel_work_sync", "cancel_delayed_work_sync",
	"__cancel_work", "kthread_stop", "kthread_park", "__lock_buffer",
};

static bool begins(const char *name, const char *with)
{
	size_t len = strlen(with);

	if (with[len - 1] == ' ')
		return !strncmp(name, with, len - 1) && (!name[len - 1] || name[len - 1] == '.');
	return !strncmp(name, with, len);
}

bool wait_is_helper(const struct iq_symbol *s)
{
	if (s->module)
		return false;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(helpers); i++) {
		if (begins(s->name, helpers[i]))
			return true;
	}
	return false;
}

/* The kind of lock, or the wait, that the helpers on a stack are of. */
struct named {
	const char *begin;
	enum iq_wait_kind kind;
};
static const struct named named[] = {
	{ "__mutex", IQ_WAIT_MUTEX }, { "mutex_lock", IQ_WAIT_MUTEX }, { "__ww_mutex", IQ_WAIT_MUTEX },
	{ "rwsem_down", IQ_WAIT_RWSEM_READ }, { "__rwsem", IQ_WAIT_RWSEM_READ }, { "down_read", IQ_WAIT_RWSEM_READ },
	{ "down_write", IQ_WAIT_RWSEM_READ }, { "__down_read", IQ_WAIT_RWSEM_READ },
	{ "__down_write", IQ_WAIT_RWSEM_READ }, { "__down", IQ_WAIT_SEMAPHORE },
	{ "rt_mutex", IQ_WAIT_RT_MUTEX }, { "__rt_mutex", IQ_WAIT_RT_MUTEX }, { "rtlock", IQ_WAIT_RT_MUTEX },
	{ "synchronize_rcu", IQ_WAIT_RCU }, { "__wait_rcu_gp", IQ_WAIT_RCU }, { "synchronize_srcu", IQ_WAIT_RCU },
	{ "__synchronize_srcu", IQ_WAIT_RCU }, { "rcu_barrier", IQ_WAIT_RCU }, { "io_schedule", IQ_WAIT_IO },
};

static enum iq_wait_kind kind_by_name(const char *name)
{
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(named); i++) {
		if (begins(name, named[i].begin))
			return named[i].kind;
	}
	return IQ_WAIT_NONE;
}

static bool is_lock(enum iq_wait_kind kind)
{
	return kind >= IQ_WAIT_MUTEX && kind <= IQ_WAIT_RWLOCK;
}

/* ---- One task ---------------------------------------------------------------------------------- */

int wait_who(const struct iq_backtrace *b, unsigned int from, struct iq_wait *w)
{
	for (unsigned int i = from; i < b->nr; i++) {
		const struct iq_frame *f = &b->frames[i];

		if (!f->symbol.name || wait_is_helper(&f->symbol))
			continue;
		snprintf(w->function, sizeof(w->function), "%s", f->symbol.name);
		snprintf(w->module, sizeof(w->module), "%s", f->symbol.module ? f->symbol.module : "");
		w->offset = f->offset;
		w->ip = f->ip;
		return (int)i;
	}
	return -1;
}

/* The kind of wait that the helpers below the NR-th frame are of. */
static enum iq_wait_kind read_helpers(const struct iq_backtrace *b, unsigned int nr)
{
	enum iq_wait_kind kind = IQ_WAIT_NONE;

	for (unsigned int i = 0; i < nr; i++) {
		const char *name = b->frames[i].symbol.name;
		enum iq_wait_kind by_name = name ? kind_by_name(name) : IQ_WAIT_NONE;

		if (by_name && (!kind || kind == IQ_WAIT_IO))
			kind = by_name;
	}
	return kind;
}

/* Seconds since the task was put on its CPU last: struct sched_info, by the clock of its run queue. */
static void read_age(struct iq_kernel *k, struct iq_wait *w)
{
	uint64_t rq = iq_percpu_symbol(k, "runqueues", w->task.cpu), clock, then;

	if (!rq || !wait_read(k, rq, "rq", "clock", 8, &clock) ||
	    !wait_read(k, w->task.address, "task_struct", "sched_info.last_arrival", 8, &then) || !then)
		return;
	w->has_age = true;
	w->age = clock > then ? (double)(clock - then) / 1e9 : 0;
}

/* What a wait queue's entry stands for, by the function that will wake its task. */
static void queue_kind(struct iq_kernel *k, struct iq_wait *w)
{
	uint64_t func, offset, object;
	struct iq_symbol s;

	if (!wait_read(k, w->entry, "wait_queue_entry", "func", 8, &func) || !iq_symbol_at(k, func, &s))
		return;
	if (!strcmp(s.name, "wake_page_function") &&
	    iq_kernel_offset(k, "wait_page_queue", "wait", &offset, NULL) &&
	    !iq_vm_read_uint(k->vm, w->entry - offset, 8, &object)) {
		w->kind = IQ_WAIT_PAGE; /* folio or page is the first member */
		w->object = object;
	} else if ((!strcmp(s.name, "wake_bit_function") || !strcmp(s.name, "var_wake_function")) &&
		   iq_kernel_offset(k, "wait_bit_queue_entry", "wq_entry", &offset, NULL) &&
		   wait_read(k, w->entry - offset, "wait_bit_queue_entry", "key.flags", 8, &object)) {
		w->kind = IQ_WAIT_BIT;
		w->object = object;
	}
}

static void find_entry(struct iq_kernel *k, const struct iq_backtrace *b, enum iq_wait_kind by_name,
		       struct iq_wait *w)
{
	uint64_t sp = b->frames[0].sp & ~UINT64_C(7), end = w->task.stack + w->task.stack_size;
	enum iq_wait_kind lock = is_lock(by_name) ? by_name : IQ_WAIT_NONE;
	struct wait_entry e;
	uint64_t *words;
	unsigned int nr;

	if (sp < w->task.stack || sp >= end)
		return;
	nr = (unsigned int)IQ_MIN((end - sp) / 8, (uint64_t)STACK_WORDS);
	words = malloc(nr * sizeof(*words));
	if (words && !iq_vm_read(k->vm, sp, words, nr * 8, &(struct iq_fault){0}) &&
	    wait_entry_find(k, &w->task, words, nr, sp, lock, &e)) {
		w->kind = e.kind;
		w->entry = e.entry;
		w->object = e.object;
		w->proven = true;
		if (e.kind == IQ_WAIT_QUEUE)
			queue_kind(k, w);
		wait_owner(k, w);
	}
	free(words);
}

/* False: the task waits for nothing that is to be listed. */
static bool task_waits(struct iq_kernel *k, struct iq_args *args, const struct iq_task *t,
		       struct iq_wait *w)
{
	bool sleeps = !strcmp(t->state_text, "UN"), found = false;
	struct iq_backtrace b = {0};
	enum iq_wait_kind by_name;
	struct iq_error *err;
	int who;

	*w = (struct iq_wait){ .task = *t, .next = -1 };
	err = iq_backtrace(k, t, &b);
	iq_error_free(err);
	if (err)
		return sleeps;
	who = wait_who(&b, 0, w);
	by_name = read_helpers(&b, who < 0 ? b.nr : (unsigned int)who);
	if (t->running) {
		found = wait_spin_find(k, args, &b, w);
	} else if (sleeps || is_lock(by_name)) {
		find_entry(k, &b, by_name, w);
		if (by_name == IQ_WAIT_RCU && w->kind == IQ_WAIT_COMPLETION)
			w->kind = IQ_WAIT_RCU;
		if (!w->kind)
			w->kind = by_name;
		read_age(k, w);
		found = sleeps || is_lock(w->kind);
	}
	iq_backtrace_free(&b);
	return found;
}

/* ---- All of them -------------------------------------------------------------------------------- */

static int by_age(const void *a, const void *b)
{
	const struct iq_wait *x = a, *y = b;

	if (x->has_age != y->has_age)
		return x->has_age ? -1 : 1;
	if (x->age != y->age)
		return x->age > y->age ? -1 : 1;
	return x->task.pid < y->task.pid ? -1 : x->task.pid > y->task.pid;
}

struct by_task {
	uint64_t task;
	int index;
};

static int compare_tasks(const void *a, const void *b)
{
	const struct by_task *x = a, *y = b;

	return x->task < y->task ? -1 : x->task > y->task;
}

static struct iq_error *link_owners(struct iq_waits *w)
{
	struct by_task *all = malloc((w->nr ? w->nr : 1) * sizeof(*all));

	if (!all)
		return iq_error_nomem();
	for (unsigned int i = 0; i < w->nr; i++)
		all[i] = (struct by_task){ w->list[i].task.address, (int)i };
	qsort(all, w->nr, sizeof(*all), compare_tasks);
	for (unsigned int i = 0; i < w->nr; i++) {
		struct by_task key = { .task = w->list[i].owner }, *found = NULL;

		if (key.task)
			found = bsearch(&key, all, w->nr, sizeof(*all), compare_tasks);
		if (found)
			w->list[i].next = found->index;
	}
	free(all);
	return NULL;
}

/* Each wait leads to one other at most: a walk that meets its own footsteps has found a circle. */
static struct iq_error *find_cycles(struct iq_waits *w)
{
	unsigned int *walk = calloc(w->nr ? w->nr : 1, sizeof(*walk));
	int at;

	if (!walk)
		return iq_error_nomem();
	for (unsigned int i = 0; i < w->nr; i++) {
		for (at = (int)i; at >= 0 && !walk[at]; at = w->list[at].next)
			walk[at] = i + 1;
		if (at < 0 || walk[at] != i + 1)
			continue;
		w->cycles++;
		for (; !w->list[at].cycle; at = w->list[at].next)
			w->list[at].cycle = w->cycles;
	}
	free(walk);
	return NULL;
}

static struct iq_error *find_all(struct iq_kernel *k, const struct iq_cancel *cancel,
				 struct iq_args *args, struct iq_waits *ret)
{
	const struct iq_task *tasks;
	unsigned int nr;

	IQ_TRY(iq_tasks(k, &tasks, &nr));
	for (unsigned int i = 0; i < nr; i++) {
		if (iq_cancelled(cancel)) {
			ret->interrupted = true;
			break;
		}
		if (!iq_grow(&ret->list, &ret->room, ret->nr + 1, sizeof(*ret->list)))
			return iq_error_nomem();
		if (task_waits(k, args, &tasks[i], &ret->list[ret->nr]))
			ret->nr++;
	}
	return NULL;
}

struct iq_error *iq_waits_find(struct iq_kernel *k, const struct iq_cancel *cancel,
			       struct iq_waits *ret)
{
	struct iq_args *args;
	struct iq_error *err;

	*ret = (struct iq_waits){0};
	IQ_TRY(iq_args_open(k, &args));
	err = find_all(k, cancel, args, ret);
	iq_args_close(args);
	if (ret->nr)
		qsort(ret->list, ret->nr, sizeof(*ret->list), by_age);
	if (!err)
		err = link_owners(ret);
	if (!err)
		err = find_cycles(ret);
	if (err)
		iq_waits_free(ret);
	return err;
}

void iq_waits_free(struct iq_waits *w)
{
	free(w->list);
	*w = (struct iq_waits){0};
}

const struct iq_wait *iq_waits_of(const struct iq_waits *w, uint64_t task)
{
	for (unsigned int i = 0; i < w->nr; i++) {
		if (w->list[i].task.address == task)
			return &w->list[i];
	}
	return NULL;
}
