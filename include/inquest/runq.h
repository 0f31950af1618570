/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run queues (kernel/sched/sched.h: struct rq): who was running on each CPU, and who waited for it, by
 * scheduling class: deadline, real-time, fair (CFS, since 6.6 EEVDF) and sched_ext (6.12).
 */
#ifndef INQUEST_RUNQ_H
#define INQUEST_RUNQ_H

#include <inquest/task.h>

struct iq_runq {
	unsigned int cpu;
	uint64_t address;
	uint64_t current;  /* task_struct */
	uint64_t rt_array; /* struct rt_prio_array; 0 unknown, as are the following */
	uint64_t cfs;	   /* struct cfs_rq */
	uint64_t cfs_root; /* the tree in it */
	uint64_t dl_root;
	uint64_t scx;	   /* struct scx_rq */
	uint64_t clock;	   /* ns */
};

enum iq_runq_class { IQ_RUNQ_RT, IQ_RUNQ_CFS, IQ_RUNQ_DL, IQ_RUNQ_SCX };

struct iq_runq_entry {
	bool group;	     /* a task_group whose entries follow, one deeper; else a task */
	unsigned int depth;  /* 0: of the CPU's own queue */
	uint64_t address;    /* struct task_struct, struct task_group (0 unknown) */
	int priority;	     /* of tasks: task_struct.prio; IQ_RUNQ_RT: of the queue it is in, groups too */
	bool current;	     /* runs; it stands in no queue but RT's */
	bool delayed;	     /* sleeps already, and leaves the queue only when its lag is used up (6.12) */
	uint64_t queue;	     /* groups: struct cfs_rq or rt_rq */
	bool throttled;	     /* groups: may not run, since their quota is used up */
	char name[64];	     /* groups: of the cgroup, escaped; "" none or unknown */
};

/* The run queue of CPU; false: it cannot be found. */
bool iq_runq_of(struct iq_kernel *k, unsigned int cpu, struct iq_runq *ret);
/*
 * Call FN with everything that is queued in class WHAT of Q, in its order, until FN returns false; what runs in
 * a cfs_rq comes first.  A damaged queue ends with a warning.  False: this kernel has no such class, or it is
 * not known.
 */
bool iq_runq_walk(struct iq_kernel *k, const struct iq_runq *q, enum iq_runq_class what,
		  bool (*fn)(void *arg, const struct iq_runq_entry *e), void *arg);
/* The root_task_group; 0: this kernel does not schedule groups. */
uint64_t iq_root_task_group(struct iq_kernel *k);
/* When T last began to run (sched_info.last_arrival), on the clock of its run queue; false: unknown. */
bool iq_task_last_arrival(struct iq_kernel *k, uint64_t task, uint64_t *ret);

#endif
