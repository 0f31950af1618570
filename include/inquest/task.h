/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks (include/linux/sched.h): finding all of them, and what ps shows of one. */
#ifndef INQUEST_TASK_H
#define INQUEST_TASK_H

#include <inquest/kernel.h>

/*
 * What is not known of a task: its member does not exist in this kernel under a known name, or, in a kernel
 * without types, could not be proven.  The fields are zero then.
 */
enum iq_task_unknown {
	IQ_TASK_PID = 1,
	IQ_TASK_COMM = 2,
	IQ_TASK_PPID = 4,
	IQ_TASK_STATE = 8,
	IQ_TASK_CPU = 16,
	IQ_TASK_MEMORY = 32, /* rss_kb, vsz_kb, mem_percent */
	IQ_TASK_SP = 64,
	IQ_TASK_PERCENT = 128, /* mem_percent alone: how much memory there is is not known */
};

struct iq_task {
	uint64_t address;      /* task_struct */
	uint32_t pid, tgid, ppid;
	char comm[16 + 1];     /* raw bytes: escape before showing */
	uint64_t state;	       /* __state (or state), exit_state in the bits above 32 */
	char state_text[3];    /* crash's two letters: RU IN UN ST TR ZO DE ID NE PA WA … */
	unsigned int cpu;
	uint64_t flags;	       /* PF_* */
	uint64_t stack;	       /* lowest address of the kernel stack; 0: freed */
	uint64_t stack_size;
	uint64_t mm, active_mm;
	uint64_t sp;	       /* thread.sp: where it was switched out; stale if running */
	bool running;	       /* on_cpu, or it is a CPU's current task */
	bool kthread;	       /* PF_KTHREAD */
	bool leader;	       /* thread group leader */
	uint64_t rss_kb, vsz_kb; /* 0 without mm */
	double mem_percent;
	unsigned int unknown; /* enum iq_task_unknown */
};

/*
 * All tasks, swappers first (one a CPU), then in pid order.  Lazy, cached; owned by the kernel.
 * A damaged list ends with a warning and what was found; tasks are also looked for through the pid
 * table, so that one broken link does not hide the rest.  Without types the members are those that
 * memory proves (iq_kernel_offset()); IQ_E_UNAVAILABLE: too few.
 */
struct iq_error *iq_tasks(struct iq_kernel *k, const struct iq_task **ret, unsigned int *nr) IQ_CHECK;
/* One task_struct at ADDRESS, whether listed or not. */
struct iq_error *iq_task_read(struct iq_kernel *k, uint64_t address, struct iq_task *ret) IQ_CHECK;
/* The task with this pid; NULL: none.  For pid 0 the idle task of CPU 0. */
const struct iq_task *iq_task_by_pid(struct iq_kernel *k, uint32_t pid);
/* The task whose task_struct is at ADDRESS; NULL: none in the list. */
const struct iq_task *iq_task_by_address(struct iq_kernel *k, uint64_t address);
/* The task whose kernel stack contains ADDRESS; NULL: none. */
const struct iq_task *iq_task_by_stack(struct iq_kernel *k, uint64_t address);
/*
 * The stack of task number NEXT of these NR will be looked at now, then the one behind it, and so on: at
 * every IQ_TASKS_PREFETCH tasks the pages in use of as many stacks are read ahead (iq_reader_prefetch()).
 */
#define IQ_TASKS_PREFETCH 128u
void iq_tasks_prefetch_stacks(struct iq_kernel *k, const struct iq_task *const *tasks,
			      unsigned int nr, unsigned int next);
/*
 * From now on the task in the list that is T counts as running: for whoever knows better than the dump.  Who
 * panicked, and which task the CPU's registers belong to, stays what it is.
 */
void iq_task_mark_active(struct iq_kernel *k, const struct iq_task *t);
/* "TASK_RUNNING", "TASK_UNINTERRUPTIBLE", … as crash's banner has it. */
void iq_task_state_name(const struct iq_task *t, char *buf, size_t room);
/*
 * The user address space of T as a reader of virtual memory; close it with iq_vm_close().
 * IQ_E_UNAVAILABLE: a kernel thread.
 */
struct iq_error *iq_task_vm(struct iq_kernel *k, const struct iq_task *t, struct iq_vm **ret) IQ_CHECK;

#endif
