// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * struct task_struct (include/linux/sched.h) without types.  Three kinds of tasks are known by symbols:
 * init_task, the idle tasks (per-CPU idle_threads, kernel/smpboot.c) and kthreadd_task; from them
 * follow `comm` and the list `tasks`, from all tasks of that list the rest.  The members that only
 * some kinds of tasks tell apart (memory, state, family) are in probe_member.c.
 */
#include "probe_task.h"

#include <stdlib.h>

#define STACK_END_MAGIC 0x57ac6e9d /* include/uapi/linux/magic.h */
#define SAMPLE 192 /* tasks that are looked at */

uint64_t task_word(const struct sampled *t, uint64_t at)
{
	return at + 8 <= TASK_SPAN ? iq_le64(t->bytes + at) : 0;
}

uint32_t task_half(const struct sampled *t, uint64_t at)
{
	return at + 4 <= TASK_SPAN ? iq_le32(t->bytes + at) : 0;
}

bool task_all(const struct task_probe *p, uint64_t at,
	      bool (*fits)(const struct task_probe *p, const struct sampled *t, uint64_t at))
{
	for (unsigned int i = 0; i < p->nr; i++)
		if (!fits(p, &p->task[i], at))
			return false;
	return true;
}

uint64_t task_only(const struct task_probe *p, uint64_t from, uint64_t to, unsigned int step,
		   bool (*fits)(const struct task_probe *p, const struct sampled *t, uint64_t at))
{
	uint64_t found = UINT64_MAX;

	for (uint64_t at = from; at < IQ_MIN(to, TASK_SPAN); at += step) {
		if (!task_all(p, at, fits))
			continue;
		if (found != UINT64_MAX)
			return UINT64_MAX;
		found = at;
	}
	return found;
}

static struct sampled *add(struct task_probe *p, uint64_t address)
{
	struct sampled *t = &p->task[p->nr];

	if (p->nr == SAMPLE || !probe_read(p->k, address, t->bytes, TASK_SPAN))
		return NULL;
	t->address = address;
	t->cpu = -1;
	p->nr++;
	return t;
}

/* ---- comm -------------------------------------------------------------------------------------- */

static bool is_comm(const struct task_probe *p, const struct sampled *t, uint64_t at)
{
	const char *s = (const char *)t->bytes + at;
	char idle[TASK_COMM_LEN];

	(void)p;
	if (at + TASK_COMM_LEN > TASK_SPAN)
		return false;
	if (t->kind == TASK_KTHREADD)
		return !strncmp(s, "kthreadd", TASK_COMM_LEN);
	snprintf(idle, sizeof(idle), "swapper/%d", IQ_MAX(t->cpu, 0) % 1000000);
	/* The first is "swapper" on machines with one CPU. */
	return !strncmp(s, idle, TASK_COMM_LEN) ||
	       (t->kind == TASK_INIT && !strncmp(s, "swapper", TASK_COMM_LEN));
}

/* The tasks whose addresses symbols tell. */
static bool known_tasks(struct task_probe *p)
{
	uint64_t init = iq_kernel_symbol(p->k, "init_task"), kthreadd, idle, at;
	struct sampled *t;
	unsigned int nr;

	if (!init || !iq_kernel_variable(p->k, "kthreadd_task", 8, &kthreadd) ||
	    !(t = add(p, init)))
		return false;
	t->kind = TASK_INIT;
	t->cpu = 0;
	if (!(t = add(p, kthreadd)))
		return false;
	t->kind = TASK_KTHREADD;
	p->kthreadd = kthreadd;
	iq_kernel_cpus(p->k, &nr);
	for (unsigned int i = 1; i < IQ_MIN(nr, SAMPLE / 4); i++) {
		at = iq_percpu_symbol(p->k, "idle_threads", i);
		if (!at || !kernel_read_ptr(p->k, at, &idle) || !probe_is_pointer(p->k, idle) ||
		    !(t = add(p, idle)))
			continue;
		t->kind = TASK_IDLE;
		t->cpu = (int)i;
	}
	p->nr_known = p->nr;
	return true;
}

/* ---- tasks ------------------------------------------------------------------------------------- */

/* Walk what may be the list of tasks; the number of tasks on it, 0 if it is none. */
static unsigned int walk_tasks(const struct task_probe *p, uint64_t at, uint64_t *all,
			       unsigned int room)
{
	uint64_t head = p->task[0].address + at, entry = head, prev, back;
	uint8_t comm[TASK_COMM_LEN];
	bool kthreadd = false;
	unsigned int n = 0;

	for (;;) {
		prev = entry;
		if (!kernel_read_ptr(p->k, entry, &entry) || !probe_is_pointer(p->k, entry) ||
		    !kernel_read_ptr(p->k, entry + 8, &back) || back != prev)
			return 0;
		if (entry == head)
			return kthreadd ? n : 0;
		if (iq_vm_read(p->k->vm, entry - at + p->comm, comm, sizeof(comm), NULL) ||
		    !probe_is_name(comm, sizeof(comm)) || n == MAX_TASKS)
			return 0;
		kthreadd = kthreadd || entry - at == p->kthreadd;
		if (all && n < room)
			all[n] = entry - at;
		n++;
	}
}

static bool find_tasks(struct task_probe *p)
{
	unsigned int nr = 0, n;

	for (uint64_t o = 0; o + 16 <= TASK_SPAN; o += 8) {
		uint64_t next = task_word(&p->task[0], o);

		if (!probe_is_pointer(p->k, next) || next == p->task[0].address + o)
			continue;
		n = walk_tasks(p, o, NULL, 0);
		if (!n)
			continue;
		if (nr)
			return false;
		nr = n;
		p->tasks = o;
	}
	if (!nr)
		return false;
	p->nr_all = nr;
	p->all = calloc(nr, sizeof(*p->all));
	return p->all && walk_tasks(p, p->tasks, p->all, nr) == nr;
}

/* Tasks from the whole list: the first few are kernel threads, the last ones users. */
static void sample_tasks(struct task_probe *p)
{
	unsigned int room = SAMPLE - p->nr;
	struct sampled *t;

	for (unsigned int i = 0; i < IQ_MIN(p->nr_all, room); i++) {
		uint64_t n = p->nr_all <= room ? i : (uint64_t)i * p->nr_all / room;

		if (p->all[n] == p->kthreadd)
			continue;
		t = add(p, p->all[n]);
		if (t && n == 0)
			t->kind = TASK_FIRST;
	}
	p->current = iq_kernel_cpus(p->k, &p->nr_cpus);
	for (unsigned int i = 0; i < p->nr; i++)
		for (unsigned int c = 0; c < p->nr_cpus; c++)
			if (p->current[c].current == p->task[i].address) {
				p->task[i].running = true;
				p->task[i].cpu = (int)c;
			}
}

/* ---- pid, tgid --------------------------------------------------------------------------------- */

static bool is_pid(const struct task_probe *p, const struct sampled *t, uint64_t at)
{
	uint32_t pid = task_half(t, at);

	if (pid != task_half(t, at + 4) || pid > MAX_TASKS)
		return false;
	for (const struct sampled *o = p->task; o < t; o++)
		if (o->kind == TASK_OTHER && task_half(o, at) == pid)
			return false;
	switch (t->kind) {
	case TASK_INIT:
	case TASK_IDLE:
		return pid == 0;
	case TASK_KTHREADD:
		return pid == 2;
	case TASK_FIRST:
		return pid == 1;
	default:
		return pid > 2;
	}
}

/* ---- stack, thread.sp -------------------------------------------------------------------------- */

static bool is_stack(const struct task_probe *p, const struct sampled *t, uint64_t at)
{
	uint64_t v = task_word(t, at);

	if (t->kind == TASK_INIT)
		return v == p->init_stack;
	if (!v) /* of a zombie, freed */
		return t->kind == TASK_OTHER;
	if (v & 4095 || !probe_is_pointer(p->k, v))
		return false;
	for (const struct sampled *o = p->task; o < t; o++)
		if (task_word(o, at) == v)
			return false;
	return true;
}

static uint64_t stack_size(const struct task_probe *p)
{
	static const char *const ends[] = {"__end_init_stack", "__end_init_task"};
	uint64_t size;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(ends); i++) {
		size = iq_kernel_symbol(p->k, ends[i]) - p->init_stack;
		if (size >= 8192 && size <= 131072 && !(size & (size - 1)))
			return size;
	}
	return 16384;
}

/*
 * thread.sp of a task that was switched out: on its stack, at a struct inactive_task_frame, whose return
 * address lies in the kernel's text.
 */
static bool is_sp(const struct task_probe *p, const struct sampled *t, uint64_t at)
{
	uint64_t stack = task_word(t, p->stack), sp = task_word(t, at), ip;

	if (t->running || !stack)
		return true;
	if (sp & 7 || sp < stack || sp >= stack + p->stack_size)
		return false;
	/* Pages may be missing from the dump. */
	return !kernel_read_ptr(p->k, sp + p->return_at, &ip) || iq_is_text(p->k, ip);
}

/* Have most of the tasks that sleep a return address there? */
static bool is_sp_of_most(const struct task_probe *p, uint64_t at)
{
	unsigned int asleep = 0, seen = 0;
	uint64_t ip;

	for (unsigned int i = 0; i < p->nr; i++) {
		const struct sampled *t = &p->task[i];

		if (t->running || !task_word(t, p->stack))
			continue;
		asleep++;
		seen += kernel_read_ptr(p->k, task_word(t, at) + p->return_at, &ip);
	}
	return seen * 2 > asleep;
}

/* Up to 5.7 some kernels saved the flags too, below all others (5.1, and backports). */
static void find_sp(struct task_probe *p)
{
	static const char *const members[] = {"r15", "r14", "r13", "r12", "bx", "bp", "ret_addr"};
	uint64_t first, sp;

	for (first = 0; first <= 8; first += 8) {
		p->return_at = first + 48;
		sp = task_only(p, 0, TASK_SPAN, 8, is_sp);
		if (sp != UINT64_MAX && is_sp_of_most(p, sp))
			break;
	}
	if (first > 8)
		return;
	probe_proved(p->k, "task_struct", "thread.sp", sp, 8);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(members); i++)
		probe_proved(p->k, "inactive_task_frame", members[i], first + 8 * i, 8);
}

/* ---- thread groups ----------------------------------------------------------------------------- */

/*
 * signal->thread_head and thread_node: a list of each group's own, whose entries have their leader's
 * tgid.
 */
static bool is_group(const struct task_probe *p, const struct sampled *t, uint64_t signal_at,
		     uint64_t head_at, uint64_t node_at, bool *missing)
{
	uint64_t signal = task_word(t, signal_at), head = signal + head_at, entry = head, prev,
		 back, tgid;
	unsigned int n = 0;
	bool leader = false;

	if (!probe_is_pointer(p->k, signal))
		return false;
	*missing = !kernel_read_ptr(p->k, head, &prev);
	if (*missing)
		return true;
	for (;;) {
		prev = entry;
		if (!kernel_read_ptr(p->k, entry, &entry) || !probe_is_pointer(p->k, entry) ||
		    !kernel_read_ptr(p->k, entry + 8, &back) || back != prev)
			return false;
		if (entry == head)
			return leader;
		leader = leader || entry - node_at == t->address;
		if (!kernel_read_uint(p->k, entry - node_at + p->pid + 4, 4, &tgid) ||
		    tgid != task_half(t, p->pid + 4) || ++n > MAX_TASKS)
			return false;
	}
}

static bool is_group_of_all(const struct task_probe *p, uint64_t signal_at, uint64_t head_at,
			    uint64_t node_at)
{
	unsigned int nr = 0, not_there = 0;
	bool missing;

	for (unsigned int i = 0; i < p->nr; i++) {
		/* Of the idle tasks only the first is a group. */
		if (p->task[i].kind == TASK_IDLE)
			continue;
		if (!is_group(p, &p->task[i], signal_at, head_at, node_at, &missing))
			return false;
		nr++;
		not_there += missing;
	}
	return not_there * 2 < nr;
}

/* thread_head is among the first members of struct signal_struct, behind a few counters. */
#define HEAD_AT_MAX 64

static void find_groups(struct task_probe *p)
{
	const struct sampled *k = &p->task[1]; /* kthreadd has one thread */
	uint64_t found[3] = {0};
	unsigned int n = 0;

	for (uint64_t node = 0; node + 16 <= TASK_SPAN; node += 8) {
		uint64_t head = task_word(k, node);

		if (!probe_is_pointer(p->k, head) || task_word(k, node + 8) != head)
			continue;
		for (uint64_t s = 0; s < TASK_SPAN; s += 8) {
			uint64_t at = head - task_word(k, s);

			/* The list itself is no struct signal_struct. */
			if (s != node && s != node + 8 && at <= HEAD_AT_MAX &&
			    is_group_of_all(p, s, at, node)) {
				found[0] = s;
				found[1] = at;
				found[2] = node;
				n++;
			}
		}
	}
	if (n != 1)
		return;
	probe_proved(p->k, "task_struct", "signal", found[0], 8);
	probe_proved(p->k, "signal_struct", "thread_head", found[1], 16);
	probe_proved(p->k, "task_struct", "thread_node", found[2], 16);
}

/* ---- All --------------------------------------------------------------------------------------- */

static void find_members(struct task_probe *p)
{
	struct iq_kernel *k = p->k;
	uint64_t magic;

	if (!known_tasks(p))
		return;
	p->comm = task_only(p, 0, TASK_SPAN, 1, is_comm);
	if (p->comm == UINT64_MAX)
		return;
	probe_proved(k, "task_struct", "comm", p->comm, TASK_COMM_LEN);
	if (!find_tasks(p))
		return;
	probe_proved(k, "task_struct", "tasks", p->tasks, 16);
	sample_tasks(p);
	p->pid = task_only(p, 0, TASK_SPAN, 4, is_pid);
	if (p->pid != UINT64_MAX) {
		probe_proved(k, "task_struct", "pid", p->pid, 4);
		probe_proved(k, "task_struct", "tgid", p->pid + 4, 4);
		find_groups(p);
	}
	p->init_stack = iq_kernel_symbol(k, "init_stack");
	if (!p->init_stack)
		p->init_stack = iq_kernel_symbol(k, "init_thread_union");
	p->stack = p->init_stack ? task_only(p, 0, TASK_SPAN, 8, is_stack) : UINT64_MAX;
	if (p->stack != UINT64_MAX) {
		probe_proved(k, "task_struct", "stack", p->stack, 8);
		p->stack_size = stack_size(p);
		probe_proved(k, "thread_union", "", p->stack_size, 0);
		/* The stack begins with STACK_END_MAGIC, not with a struct thread_info. */
		if (kernel_read_uint(k, p->init_stack, 8, &magic) && magic == STACK_END_MAGIC)
			probe_proved(k, "task_struct", "thread_info", 0, 0);
		find_sp(p);
	}
	probe_task_members(p);
}

void probe_tasks(struct iq_kernel *k)
{
	struct task_probe p = {.k = k};

	p.task = calloc(SAMPLE, sizeof(*p.task));
	if (p.task)
		find_members(&p);
	free(p.task);
	free(p.all);
}
