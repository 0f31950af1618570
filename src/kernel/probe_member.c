// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The members of struct task_struct that tell kinds of tasks apart.  Most stand beside a member that is
 * proven already, in all kernels from 4.18 on: __state right before `stack`, `flags` right behind it and
 * the reference count, stack_canary and real_parent behind tgid.  Their values in all tasks are the
 * proof.
 */
#include "probe_task.h"

#define PF_EXITING 0x4u
#define PF_KTHREAD 0x00200000u
#define SIGCHLD 17

/* ---- mm, active_mm, mm->pgd -------------------------------------------------------------------- */

static bool is_mm(const struct task_probe *p, const struct sampled *t, uint64_t at)
{
	uint64_t mm = task_word(t, at);

	if (t->kind != TASK_OTHER && t->kind != TASK_FIRST)
		return !mm;
	if (t->kind == TASK_FIRST)
		return probe_is_pointer(p->k, mm) && task_word(t, at + 8) == mm;
	return !mm || (probe_is_pointer(p->k, mm) && task_word(t, at + 8) == mm);
}

/* Is PGD a top page table that maps this kernel? */
static bool maps_kernel(struct iq_kernel *k, uint64_t pgd)
{
	struct iq_error *err;
	struct iq_walk w;
	struct iq_vm *vm;
	uint64_t pa;
	bool maps;

	if (!probe_is_pointer(k, pgd) || pgd & 4095 || iq_vm_translate(k->vm, pgd, &pa, NULL))
		return false;
	err = iq_vm_open(k->arch, &k->layout, k->reader, pa, &vm);
	if (err) {
		iq_error_free(err);
		return false;
	}
	iq_vm_walk(vm, k->stext, &w);
	maps = !w.status && !w.linear &&
	       w.physical == k->stext - k->layout.text_base + (uint64_t)k->layout.phys_base;
	iq_vm_close(vm);
	return maps;
}

#define MM_SPAN 1024

/* init_mm's is the kernel's; pid 1's maps the kernel too. */
static uint64_t find_pgd(const struct task_probe *p, uint64_t mm)
{
	uint64_t init_mm = iq_kernel_symbol(p->k, "init_mm"), found = UINT64_MAX, v;
	uint64_t root = iq_kernel_symbol(p->k, "swapper_pg_dir");
	uint8_t bytes[MM_SPAN];

	if (!root)
		root = iq_kernel_symbol(p->k, "init_top_pgt");
	if (!init_mm || !root || !probe_read(p->k, init_mm, bytes, sizeof(bytes)))
		return UINT64_MAX;
	for (uint64_t o = 0; o < MM_SPAN; o += 8) {
		if (iq_le64(bytes + o) != root || !kernel_read_ptr(p->k, mm + o, &v) ||
		    !maps_kernel(p->k, v))
			continue;
		if (found != UINT64_MAX)
			return UINT64_MAX;
		found = o;
	}
	return found;
}

static void find_mm(struct task_probe *p)
{
	const struct sampled *first = p->task;
	uint64_t pgd;

	p->mm = UINT64_MAX;
	while (first < p->task + p->nr && first->kind != TASK_FIRST)
		first++;
	if (first == p->task + p->nr)
		return;
	for (uint64_t o = 0; o + 16 <= TASK_SPAN; o += 8) {
		if (!task_all(p, o, is_mm))
			continue;
		pgd = find_pgd(p, task_word(first, o));
		if (pgd == UINT64_MAX)
			continue;
		p->mm = o;
		probe_proved(p->k, "task_struct", "mm", o, 8);
		probe_proved(p->k, "task_struct", "active_mm", o + 8, 8);
		probe_proved(p->k, "mm_struct", "pgd", pgd, 8);
		return;
	}
}

/* ---- flags ------------------------------------------------------------------------------------- */

/* A kernel thread can borrow an mm for a while, but what has none is one, or exits. */
static bool is_flags(const struct task_probe *p, const struct sampled *t, uint64_t at)
{
	uint32_t flags = task_half(t, at);

	switch (t->kind) {
	case TASK_INIT:
	case TASK_KTHREADD:
		return flags & PF_KTHREAD;
	case TASK_FIRST:
		return !(flags & PF_KTHREAD);
	case TASK_IDLE:
		return true;
	default:
		return task_word(t, p->mm) || flags & (PF_KTHREAD | PF_EXITING);
	}
}

static void find_flags(const struct task_probe *p)
{
	uint64_t at;

	if (p->mm == UINT64_MAX || p->stack == UINT64_MAX)
		return;
	at = task_only(p, p->stack + 8, p->stack + 32, 4, is_flags);
	if (at != UINT64_MAX)
		probe_proved(p->k, "task_struct", "flags", at, 4);
}

/* ---- state ------------------------------------------------------------------------------------- */

/* Who does not run sleeps in some way, or waits for a CPU (TASK_RUNNING, 0). */
static bool is_state(const struct task_probe *p, const struct sampled *t, uint64_t at)
{
	uint32_t state = task_half(t, at);

	(void)p;
	if (t->kind == TASK_INIT || t->kind == TASK_IDLE)
		return state == 0;
	return state < 0x10000;
}

static void find_state(const struct task_probe *p)
{
	unsigned int asleep = 0, idle = 0, at_all = 0;
	uint64_t at = p->stack - 8;

	if (p->stack == UINT64_MAX || p->stack < 8 || !task_all(p, at, is_state))
		return;
	for (unsigned int i = p->nr_known; i < p->nr; i++) {
		uint32_t state = task_half(&p->task[i], at);

		at_all++;
		asleep += state == 1 || state == 2;
		idle += state == 0x402; /* TASK_IDLE: workers of workqueues */
	}
	if (asleep && idle && (asleep + idle) * 2 >= at_all)
		probe_proved(p->k, "task_struct", "__state", at, 4);
}

/* exit_state, exit_code, exit_signal: children of fork() and kernel threads end with SIGCHLD. */
static bool is_exit_signal(const struct task_probe *p, const struct sampled *t, uint64_t at)
{
	uint32_t signal = task_half(t, at), state = task_half(t, at - 8);

	(void)p;
	return signal <= 64 && (state == 0 || state == 0x10 || state == 0x20) &&
	       (state || !task_half(t, at - 4));
}

static void find_exit_state(const struct task_probe *p)
{
	uint64_t found = UINT64_MAX;

	if (p->mm == UINT64_MAX)
		return;
	for (uint64_t at = p->mm + 24; at < p->mm + 160; at += 4) {
		unsigned int children = 0;

		if (!task_all(p, at, is_exit_signal))
			continue;
		for (unsigned int i = p->nr_known; i < p->nr; i++)
			children += task_half(&p->task[i], at) == SIGCHLD;
		if (children * 4 < (p->nr - p->nr_known) * 3)
			continue;
		if (found != UINT64_MAX)
			return;
		found = at;
	}
	if (found != UINT64_MAX)
		probe_proved(p->k, "task_struct", "exit_state", found - 8, 4);
}

/* ---- real_parent ------------------------------------------------------------------------------- */

/* The parent of a kernel thread is kthreadd, init_task's it itself; all others' is some task. */
static bool is_parent(const struct task_probe *p, const struct sampled *t, uint64_t at)
{
	uint64_t init = p->task[0].address, parent = task_word(t, at);
	uint8_t comm[TASK_COMM_LEN];

	switch (t->kind) {
	case TASK_INIT:
	case TASK_KTHREADD:
	case TASK_FIRST:
		return parent == init;
	case TASK_IDLE:
		return true;
	default:
		return parent != t->address && probe_is_pointer(p->k, parent) &&
		       !iq_vm_read(p->k->vm, parent + p->comm, comm, sizeof(comm), NULL) &&
		       probe_is_name(comm, sizeof(comm));
	}
}

static void find_parent(const struct task_probe *p)
{
	/* stack_canary may stand between. */
	for (uint64_t at = (p->pid + 15) & ~UINT64_C(7); at <= p->pid + 32; at += 8) {
		if (!task_all(p, at, is_parent))
			continue;
		/* real_parent, then parent, which a debugger may have changed. */
		if (task_word(&p->task[0], at + 8) == p->task[0].address)
			probe_proved(p->k, "task_struct", "real_parent", at, 8);
		return;
	}
}

static void find_canary(const struct task_probe *p)
{
	uint64_t at = (p->pid + 15) & ~UINT64_C(7), canary, v;
	unsigned int some = 0;

	for (unsigned int i = 0; i < p->nr_cpus; i++) {
		/* struct fixed_percpu_data { char gs_base[40]; unsigned long stack_canary; } up to 6.14 */
		canary = iq_percpu_symbol(p->k, "__stack_chk_guard", i);
		if (!canary && (canary = iq_percpu_symbol(p->k, "fixed_percpu_data", i)))
			canary += 40;
		if (!canary || !kernel_read_ptr(p->k, canary, &canary) || !p->current[i].current)
			continue;
		if (!canary || !kernel_read_ptr(p->k, p->current[i].current + at, &v) ||
		    v != canary)
			return;
		some++;
	}
	if (some)
		probe_proved(p->k, "task_struct", "stack_canary", at, 8);
}

/* ---- cpu --------------------------------------------------------------------------------------- */

static bool is_cpu(const struct task_probe *p, const struct sampled *t, uint64_t at)
{
	uint32_t cpu = task_half(t, at);

	return cpu < p->nr_cpus && (t->cpu < 0 || cpu == (uint32_t)t->cpu);
}

/*
 * thread_info.cpu, or `cpu` up to 5.15: of the numbers that are right for every running and idle task the
 * first, since recent_used_cpu and wake_cpu stand behind both.
 */
static void find_cpu(const struct task_probe *p)
{
	bool several = false;

	for (unsigned int i = 0; i < p->nr; i++)
		several = several || p->task[i].cpu > 0;
	/* On one CPU, any zero would do. */
	for (uint64_t at = 0; several && p->stack != UINT64_MAX && at < p->stack + 96; at += 4) {
		if (!task_all(p, at, is_cpu))
			continue;
		probe_proved(p->k, "task_struct", at < p->stack ? "thread_info.cpu" : "cpu", at, 4);
		return;
	}
}

void probe_task_members(struct task_probe *p)
{
	find_mm(p);
	find_flags(p);
	find_state(p);
	find_exit_state(p);
	if (p->pid != UINT64_MAX) {
		find_parent(p);
		find_canary(p);
	}
	find_cpu(p);
}
