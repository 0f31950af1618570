// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tasks (struct task_struct, include/linux/sched.h): the swappers of all CPUs, the list of thread group
 * leaders behind init_task, each group's threads, and the pid table as a second way to the same.
 */
#include "pid_table.h"
#include "private.h"

#include <ctype.h>
#include <stdlib.h>

#define PF_KTHREAD 0x00200000

/* Where this kernel has the members; UINT64_MAX: it has none such. */
struct task_layout {
	uint64_t tasks, thread_node, thread_head, signal, pid, tgid, comm, state, state_size, exit_state,
		flags, stack, mm, active_mm, sp, parent, cpu, on_cpu, on_cpu_size;
	/* mm_struct */
	uint64_t total_vm;
	uint64_t rss_count; /* rss_stat.count[]; since 6.2 it has: */
	uint64_t rss_stat, rss_stat_size, counter_count, counter_percpu;
};

static uint64_t at(struct iq_kernel *k, const char *tag, const char *path)
{
	uint64_t offset;

	return iq_kernel_offset(k, tag, path, &offset, NULL) ? offset : UINT64_MAX;
}

static void find_thread_size(struct iq_kernel *k)
{
	/* union thread_union is as large as a kernel stack. */
	uint64_t size = iq_kernel_sizeof(k, "thread_union");

	k->priv->thread_size = size >= 4096 && size <= 131072 ? size : 16384;
}

/* Without these a task_struct says nothing. */
static struct iq_error *check_layout(struct iq_kernel *k, const struct task_layout *l)
{
	struct iq_types *t;

	if (l->pid != UINT64_MAX || l->comm != UINT64_MAX)
		return NULL;
	IQ_TRY(iq_kernel_need_types(k, &t));
	return iq_error_new(IQ_E_UNAVAILABLE,
			    "struct task_struct of this kernel has no members pid and comm");
}

static void mm_layout(struct iq_kernel *k, struct task_layout *l)
{
	l->total_vm = at(k, "mm_struct", "total_vm");
	l->rss_count = at(k, "mm_struct", "rss_stat.count");
	/* struct percpu_counter rss_stat[] */
	if (!iq_kernel_offset(k, "mm_struct", "rss_stat[0]", &l->rss_stat, &l->rss_stat_size))
		l->rss_stat = UINT64_MAX;
	l->counter_count = at(k, "percpu_counter", "count");
	l->counter_percpu = at(k, "percpu_counter", "counters");
}

static struct iq_error *task_layout(struct iq_kernel *k, struct task_layout *l)
{
	l->tasks = at(k, "task_struct", "tasks");
	l->thread_node = at(k, "task_struct", "thread_node");
	l->thread_head = at(k, "signal_struct", "thread_head");
	l->signal = at(k, "task_struct", "signal");
	l->pid = at(k, "task_struct", "pid");
	l->tgid = at(k, "task_struct", "tgid");
	l->comm = at(k, "task_struct", "comm");
	if (!iq_kernel_offset(k, "task_struct", "__state", &l->state, &l->state_size) &&
	    !iq_kernel_offset(k, "task_struct", "state", &l->state, &l->state_size))
		l->state = UINT64_MAX;
	l->exit_state = at(k, "task_struct", "exit_state");
	l->flags = at(k, "task_struct", "flags");
	l->stack = at(k, "task_struct", "stack");
	l->mm = at(k, "task_struct", "mm");
	l->active_mm = at(k, "task_struct", "active_mm");
	l->sp = at(k, "task_struct", "thread.sp");
	l->parent = at(k, "task_struct", "real_parent");
	l->cpu = at(k, "task_struct", "thread_info.cpu");
	if (l->cpu == UINT64_MAX)
		l->cpu = at(k, "task_struct", "cpu"); /* up to 5.15 */
	if (!iq_kernel_offset(k, "task_struct", "on_cpu", &l->on_cpu, &l->on_cpu_size))
		l->on_cpu = UINT64_MAX;
	mm_layout(k, l);
	if (!k->priv->thread_size)
		find_thread_size(k);
	return check_layout(k, l);
}

static uint64_t get(struct iq_kernel *k, uint64_t base, uint64_t offset, unsigned int size)
{
	uint64_t v = 0;

	if (offset != UINT64_MAX)
		kernel_read_uint(k, base + offset, size, &v);
	return v;
}

/* ---- State ------------------------------------------------------------------------------------- */

/* include/linux/sched.h since 4.14; exit states in exit_state, which we keep from bit 32 on. */
static const struct {
	uint64_t bits;
	const char *letters, *name;
} states[] = {
	{0x402, "ID", "TASK_UNINTERRUPTIBLE|TASK_NOLOAD"}, /* TASK_IDLE, in crash's words */
	{0x1, "IN", "TASK_INTERRUPTIBLE"},
	{0x2, "UN", "TASK_UNINTERRUPTIBLE"},
	{0x4, "ST", "TASK_STOPPED"},
	{0x8, "TR", "TASK_TRACED"},
	{0x40, "PA", "TASK_PARKED"},
	{0x80, "DE", "TASK_DEAD"},
	{0x200, "WA", "TASK_WAKING"},
	{0x800, "NE", "TASK_NEW"},
};

static const char *state_find(uint64_t state, bool name)
{
	unsigned int i;

	if (state >> 32 & 0x20)
		return name ? "EXIT_ZOMBIE" : "ZO";
	if (state >> 32 & 0x10)
		return name ? "EXIT_DEAD" : "DE";
	if (!(uint32_t)state)
		return name ? "TASK_RUNNING" : "RU";
	for (i = 0; i < IQ_ARRAY_SIZE(states); i++)
		if ((state & states[i].bits) == states[i].bits)
			return name ? states[i].name : states[i].letters;
	return "??";
}

void iq_task_state_name(const struct iq_task *t, char *buf, size_t room)
{
	snprintf(buf, room, "%s",
		 t->unknown & IQ_TASK_STATE ? "unknown" : state_find(t->state, true));
}

/* ---- Memory use -------------------------------------------------------------------------------- */

/* Sum of the pages of file, anonymous and shared memory, never below 0; false: not known where. */
static bool rss_pages(struct iq_kernel *k, const struct task_layout *l, const struct iq_task *task,
		      uint64_t *ret)
{
	static const unsigned int counters[] = {0, 1,
						3}; /* MM_FILEPAGES, MM_ANONPAGES, MM_SHMEMPAGES */
	uint64_t v, percpu, offset;
	const struct iq_cpu *cpus;
	unsigned int i, c, nr;
	int64_t sum = 0;

	if (l->rss_count != UINT64_MAX) {
		for (i = 0; i < IQ_ARRAY_SIZE(counters); i++)
			sum = (int64_t)((uint64_t)sum +
					get(k, task->mm, l->rss_count + 8 * counters[i], 8));
		*ret = sum > 0 ? (uint64_t)sum : 0;
		return true;
	}
	if (l->rss_stat == UINT64_MAX || l->counter_count == UINT64_MAX ||
	    l->counter_percpu == UINT64_MAX)
		return false;
	cpus = iq_kernel_cpus(k, &nr);
	for (i = 0; i < IQ_ARRAY_SIZE(counters); i++) {
		uint64_t counter = task->mm + l->rss_stat + l->rss_stat_size * counters[i];

		sum = (int64_t)((uint64_t)sum + get(k, counter, l->counter_count, 8));
		percpu = get(k, counter, l->counter_percpu, 8);
		for (c = 0; percpu && c < nr; c++) {
			offset = cpus[c].percpu_offset;
			if (cpus[c].present && kernel_read_uint(k, percpu + offset, 4, &v))
				sum = (int64_t)((uint64_t)sum + (uint64_t)(int32_t)v);
		}
	}
	*ret = sum > 0 ? (uint64_t)sum : 0;
	return true;
}

static void memory_use(struct iq_kernel *k, const struct task_layout *l, struct iq_task *task)
{
	uint64_t total, rss = 0, page = iq_dump_info(k->dump)->page_size / 1024;

	if (l->mm == UINT64_MAX)
		task->unknown |= IQ_TASK_MEMORY;
	if (!task->mm)
		return;
	if (l->total_vm == UINT64_MAX || !rss_pages(k, l, task, &rss)) {
		task->unknown |= IQ_TASK_MEMORY;
		return;
	}
	task->vsz_kb = get(k, task->mm, l->total_vm, 8) * page;
	task->rss_kb = rss * page;
	total = kernel_present_pages(k);
	task->unknown |= total ? 0 : IQ_TASK_PERCENT;
	task->mem_percent = total ? 100.0 * (double)rss / (double)total : 0;
}

/* ---- One task ---------------------------------------------------------------------------------- */

static struct iq_error *read_task(struct iq_kernel *k, const struct task_layout *l, uint64_t address,
				  struct iq_task *ret)
{
	struct iq_task task = {.address = address};
	const struct iq_cpu *cpus;
	unsigned int nr, i;
	uint64_t parent;

	IQ_TRY(iq_vm_read_or(k->vm, address + (l->comm == UINT64_MAX ? 0 : l->comm), task.comm, 16,
			     "task_struct"));
	if (l->comm == UINT64_MAX)
		task.comm[0] = 0;
	task.unknown = (l->comm == UINT64_MAX ? IQ_TASK_COMM : 0) |
		       (l->pid == UINT64_MAX ? IQ_TASK_PID : 0) |
		       (l->parent == UINT64_MAX || l->tgid == UINT64_MAX ? IQ_TASK_PPID : 0) |
		       (l->state == UINT64_MAX || l->exit_state == UINT64_MAX ? IQ_TASK_STATE : 0) |
		       (l->cpu == UINT64_MAX ? IQ_TASK_CPU : 0) |
		       (l->sp == UINT64_MAX || l->stack == UINT64_MAX ? IQ_TASK_SP : 0);
	task.pid = (uint32_t)get(k, address, l->pid, 4);
	task.tgid = (uint32_t)get(k, address, l->tgid, 4);
	task.state = get(k, address, l->state, l->state_size == 8 ? 8 : 4) & UINT32_MAX;
	task.state |= get(k, address, l->exit_state, 4) << 32;
	memcpy(task.state_text, task.unknown & IQ_TASK_STATE ? "??" : state_find(task.state, false),
	       3);
	task.flags = get(k, address, l->flags, 4);
	task.kthread = task.flags & PF_KTHREAD;
	if (l->flags == UINT64_MAX)
		task.kthread = l->mm != UINT64_MAX && !get(k, address, l->mm, 8);
	task.stack = get(k, address, l->stack, 8);
	task.stack_size = k->priv->thread_size;
	task.mm = get(k, address, l->mm, 8);
	task.active_mm = get(k, address, l->active_mm, 8);
	task.sp = get(k, address, l->sp, 8);
	task.cpu = (unsigned int)get(k, address, l->cpu, 4);
	task.leader = task.pid == task.tgid || l->tgid == UINT64_MAX;
	parent = get(k, address, l->parent, 8);
	/* The idle tasks were forked by init while it brought the CPUs up; nobody is their parent. */
	if (parent && task.pid)
		task.ppid = (uint32_t)get(k, parent, l->tgid, 4);
	task.running = get(k, address, l->on_cpu, l->on_cpu_size == 1 ? 1 : 4) != 0;
	cpus = iq_kernel_cpus(k, &nr);
	for (i = 0; i < nr; i++) {
		if (cpus[i].current == address) {
			task.running = true;
			task.cpu = i;
			task.unknown &= ~(unsigned int)IQ_TASK_CPU;
		}
	}
	if (nr == 1)
		task.unknown &= ~(unsigned int)IQ_TASK_CPU;
	memory_use(k, l, &task);
	*ret = task;
	return NULL;
}

struct iq_error *iq_task_read(struct iq_kernel *k, uint64_t address, struct iq_task *ret)
{
	struct task_layout l;

	IQ_TRY(task_layout(k, &l));
	return read_task(k, &l, address, ret);
}

void iq_task_mark_active(struct iq_kernel *k, const struct iq_task *t)
{
	struct iq_kernel_private *p = k->priv;

	for (unsigned int i = 0; i < p->nr_tasks; i++)
		p->tasks[i].running |= p->tasks[i].address == t->address;
}

/* ---- All of them ------------------------------------------------------------------------------- */

struct task_walk {
	struct task_layout l;
	uint64_t rss_stat_at; /* task_struct.rss_stat.count; UINT64_MAX: none */
	int64_t *kept; /* of each of iq_kernel_private.tasks */
	unsigned int room_kept;
	struct pid_table pids;
	unsigned int from_pid_table;
};

/*
 * Up to 6.1 each task counts some of its page faults for itself (SPLIT_RSS_COUNTING: task_struct.rss_stat) and adds them to
 * its mm's counters now and then.  What this one has kept back.
 */
static int64_t read_kept(struct iq_kernel *k, const struct task_walk *w, const struct iq_task *t)
{
	static const unsigned int counters[] = {0, 1, 3};
	int64_t kept = 0;

	if (!t->mm || w->rss_stat_at == UINT64_MAX)
		return 0;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(counters); i++)
		kept += (int32_t)get(k, t->address, w->rss_stat_at + 4 * counters[i], 4);
	return kept;
}

/* Add what all tasks of an mm have kept back. */
static void add_split_counters(struct iq_kernel *k, struct task_walk *w)
{
	struct iq_kernel_private *p = k->priv;
	uint64_t page = iq_dump_info(k->dump)->page_size / 1024, total = kernel_present_pages(k);
	struct iq_map sums = {0}; /* by mm: index of the task whose `kept` has the sum, plus 1 */
	unsigned int i;

	if (w->rss_stat_at == UINT64_MAX)
		return;
	for (i = 0; i < p->nr_tasks; i++) {
		const struct iq_task *t = &p->tasks[i];
		uintptr_t first = t->mm ? (uintptr_t)iq_map_get(&sums, t->mm) : 0;

		if (!t->mm)
			continue;
		if (first)
			w->kept[first - 1] += w->kept[i];
		else if (!iq_map_put(&sums, t->mm, (void *)(uintptr_t)(i + 1)))
			break;
	}
	for (i = 0; i < p->nr_tasks; i++) {
		struct iq_task *t = &p->tasks[i];
		uintptr_t first = t->mm ? (uintptr_t)iq_map_get(&sums, t->mm) : 0;
		int64_t pages;

		if (!first)
			continue;
		pages = IQ_MAX((int64_t)(t->rss_kb / page) + w->kept[first - 1], 0);
		t->rss_kb = (uint64_t)pages * page;
		t->mem_percent = total ? 100.0 * (double)pages / (double)total : 0;
	}
	iq_map_free(&sums);
}

static bool add_task(struct iq_kernel *k, struct task_walk *w, uint64_t address)
{
	struct iq_kernel_private *p = k->priv;
	struct iq_task task;
	struct iq_error *err;

	if (p->nr_tasks >= MAX_TASKS)
		return false;
	if (iq_map_get(&p->task_by_address, address))
		return true;
	pid_table_prefetch(k, &w->pids, address);
	err = read_task(k, &w->l, address, &task);
	if (err) {
		iq_warn(k->warnings, "task list: %s", err->message);
		iq_error_free(err);
		return true;
	}
	if (!iq_grow(&p->tasks, &p->room_tasks, p->nr_tasks + 1, sizeof(*p->tasks)) ||
	    !iq_grow(&w->kept, &w->room_kept, p->nr_tasks + 1, sizeof(*w->kept)))
		return false;
	w->kept[p->nr_tasks] = read_kept(k, w, &task);
	p->tasks[p->nr_tasks++] = task;
	/* Only that it is known: the array still moves. */
	return iq_map_put(&p->task_by_address, address, p);
}

static bool add_thread(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct task_walk *w = arg;

	return add_task(k, w, entry - w->l.thread_node);
}

static bool add_leader(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct task_walk *w = arg;
	uint64_t leader = entry - w->l.tasks, signal;

	if (!add_task(k, w, leader))
		return false;
	signal = get(k, leader, w->l.signal, 8);
	if (signal && w->l.thread_head != UINT64_MAX && w->l.thread_node != UINT64_MAX)
		kernel_list_for_each(k, signal + w->l.thread_head, MAX_TASKS, "thread list", add_thread, w);
	return true;
}

/* False: the table is not known, or has no task that the lists do not have. */
static bool tasks_from_pid_table(struct iq_kernel *k, struct task_walk *w)
{
	for (unsigned int i = 0; i < w->pids.nr; i++) {
		if (iq_map_get(&k->priv->task_by_address, w->pids.tasks[i]))
			continue;
		w->from_pid_table++;
		if (!add_task(k, w, w->pids.tasks[i]))
			break;
	}
	if (w->from_pid_table && w->l.tasks != UINT64_MAX)
		iq_warn(k->warnings, "%u tasks were found in the pid table only, not in the task list",
			w->from_pid_table);
	return w->from_pid_table != 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct iq_task *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if (!x->pid && x->cpu != y->cpu) /* swappers */
		return x->cpu < y->cpu ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

static int by_start(const void *a, const void *b)
{
	const struct task_stack *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static bool index_tasks(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;
	unsigned int i;

	if (p->nr_tasks)
		qsort(p->tasks, p->nr_tasks, sizeof(*p->tasks), by_pid);
	iq_map_free(&p->task_by_address);
	p->task_stacks = calloc(p->nr_tasks + 1, sizeof(*p->task_stacks));
	if (!p->task_stacks)
		return false;
	for (i = 0; i < p->nr_tasks; i++) {
		struct iq_task *t = &p->tasks[i];

		if (!iq_map_put(&p->task_by_address, t->address, t))
			return false;
		if (!(t->unknown & IQ_TASK_PID) && !iq_map_get(&p->task_by_pid, t->pid) &&
		    !iq_map_put(&p->task_by_pid, t->pid, t))
			return false;
		if (t->stack)
			p->task_stacks[p->nr_task_stacks++] = (struct task_stack){t->stack, t};
	}
	qsort(p->task_stacks, p->nr_task_stacks, sizeof(*p->task_stacks), by_start);
	return true;
}

/* The other CPUs' swappers are on no list: their run queues know them, or (4.18 on) idle_threads. */
static void add_swappers(struct iq_kernel *k, struct task_walk *w)
{
	uint64_t idle_at = at(k, "rq", "idle"), place, idle;
	const struct iq_cpu *cpus;
	unsigned int i, nr;

	cpus = iq_kernel_cpus(k, &nr);
	for (i = 0; i < nr; i++) {
		if (!cpus[i].present)
			continue;
		place = iq_percpu_symbol(k, idle_at != UINT64_MAX ? "runqueues" : "idle_threads",
					 i);
		if (idle_at != UINT64_MAX && place)
			place += idle_at;
		if (place && kernel_read_ptr(k, place, &idle) && idle)
			add_task(k, w, idle);
	}
}

/* Say what ps cannot say. */
static void warn_unknown(struct iq_kernel *k, const struct task_layout *l)
{
	const struct {
		uint64_t at;
		const char *member;
	} members[] = {
		{l->comm, "comm"},
		{l->pid, "pid"},
		{l->tgid, "tgid"},
		{l->parent, "real_parent"},
		{l->state, "__state"},
		{l->exit_state, "exit_state"},
		{l->stack, "stack"},
		{l->sp, "thread.sp"},
		{l->mm, "mm"},
		{l->flags, "flags"},
		{l->cpu, "cpu"},
		{l->signal, "signal"},
		{l->thread_node, "thread_node"},
	};
	struct iq_buf names = {0};
	unsigned int nr;

	iq_kernel_cpus(k, &nr);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(members); i++)
		if (members[i].at == UINT64_MAX && (nr > 1 || strcmp(members[i].member, "cpu")))
			iq_buf_printf(&names, "%s%s", names.len ? ", " : "", members[i].member);
	if (names.len)
		iq_warn(k->warnings, "where struct task_struct of this kernel has %s is not known",
			iq_buf_str(&names));
	iq_buf_free(&names);
}

static struct iq_error *walk_tasks(struct iq_kernel *k, struct task_walk *w)
{
	uint64_t init_task = iq_kernel_symbol(k, "init_task");
	bool by_pid;

	IQ_TRY(task_layout(k, &w->l));
	if (!init_task)
		return iq_error_new(IQ_E_NOT_FOUND, "this kernel has no symbol init_task");
	warn_unknown(k, &w->l);
	w->rss_stat_at = at(k, "task_struct", "rss_stat.count");
	w->pids.first_byte = IQ_MIN(IQ_MIN(w->l.state, w->l.stack), w->l.comm);
	w->pids.last_byte = w->l.sp != UINT64_MAX ? IQ_MAX(w->l.sp, w->pids.first_byte) : w->l.comm;
	if (!pid_table_read(k, &w->pids))
		return iq_error_nomem();
	add_task(k, w, init_task);
	add_swappers(k, w);
	if (w->l.tasks != UINT64_MAX)
		kernel_list_for_each(k, init_task + w->l.tasks, MAX_TASKS, "task list", add_leader,
				     w);
	by_pid = tasks_from_pid_table(k, w);
	if (w->l.tasks == UINT64_MAX && !by_pid)
		return iq_error_new(
			IQ_E_UNAVAILABLE,
			"where struct task_struct of this kernel has its list of tasks is "
			"not known");
	if (w->l.tasks == UINT64_MAX)
		iq_warn(k->warnings,
			"struct task_struct of this kernel has no member tasks: the tasks are "
			"those of the pid table");
	if (w->l.thread_node == UINT64_MAX || w->l.thread_head == UINT64_MAX ||
	    w->l.signal == UINT64_MAX)
		iq_warn(k->warnings,
			by_pid ? "threads are those of the pid table: where this kernel "
				 "lists them is not known"
			       : "only the leaders of thread groups are known: where this "
				 "kernel lists their threads is not");
	add_split_counters(k, w);
	return index_tasks(k) ? NULL : iq_error_nomem();
}

static struct iq_error *load_tasks(struct iq_kernel *k)
{
	struct task_walk w = {0};
	struct iq_error *err = walk_tasks(k, &w);

	free(w.kept);
	pid_table_free(&w.pids);
	return err;
}

struct iq_error *iq_tasks(struct iq_kernel *k, const struct iq_task **ret, unsigned int *nr)
{
	struct iq_kernel_private *p = k->priv;

	if (!p->tasks_state) {
		p->tasks_error = load_tasks(k);
		p->tasks_state = p->tasks_error ? LAZY_FAILED : LAZY_DONE;
	}
	if (p->tasks_state == LAZY_FAILED)
		return kernel_same_error(p->tasks_error);
	*ret = p->tasks;
	*nr = p->nr_tasks;
	return NULL;
}

void tasks_free(struct iq_kernel *k)
{
	free(k->priv->tasks);
	iq_error_free(k->priv->tasks_error);
	free(k->priv->task_stacks);
	iq_map_free(&k->priv->task_by_address);
	iq_map_free(&k->priv->task_by_pid);
}

/* True when the list is there (read now if it was not). */
static bool have_tasks(struct iq_kernel *k)
{
	const struct iq_task *tasks;
	unsigned int nr;
	struct iq_error *err = iq_tasks(k, &tasks, &nr);

	iq_error_free(err);
	return !err;
}

const struct iq_task *iq_task_by_pid(struct iq_kernel *k, uint32_t pid)
{
	return have_tasks(k) ? iq_map_get(&k->priv->task_by_pid, pid) : NULL;
}

const struct iq_task *iq_task_by_address(struct iq_kernel *k, uint64_t address)
{
	return have_tasks(k) ? iq_map_get(&k->priv->task_by_address, address) : NULL;
}

const struct iq_task *iq_task_by_stack(struct iq_kernel *k, uint64_t address)
{
	struct iq_kernel_private *p = k->priv;
	unsigned int lo = 0, hi;

	if (!have_tasks(k))
		return NULL;
	hi = p->nr_task_stacks;
	while (lo < hi) { /* the first stack above ADDRESS */
		unsigned int mid = lo + (hi - lo) / 2;

		if (p->task_stacks[mid].start <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || address - p->task_stacks[lo - 1].start >= p->thread_size)
		return NULL;
	return p->task_stacks[lo - 1].task;
}

struct iq_error *iq_task_vm(struct iq_kernel *k, const struct iq_task *t, struct iq_vm **ret)
{
	uint64_t pgd, pa;

	if (!t->mm)
		return iq_error_new(IQ_E_UNAVAILABLE, "task %u has no user address space", t->pid);
	if (!kernel_read_member(k, "mm_struct", "pgd", t->mm, &pgd) ||
	    iq_vm_translate(k->vm, pgd, &pa, NULL))
		return iq_error_new(IQ_E_MEMORY, "the page tables of task %u cannot be found", t->pid);
	return iq_vm_open(k->arch, &k->layout, k->reader, pa, ret);
}
