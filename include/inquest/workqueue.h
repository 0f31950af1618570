/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workqueues (kernel/workqueue.c): pools of workers, what each worker runs, and the items that wait for one, in
 * their pool or, where a workqueue's limit of active items holds them back, in the workqueue.
 */
#ifndef INQUEST_WORKQUEUE_H
#define INQUEST_WORKQUEUE_H

#include <inquest/task.h>

#define IQ_WQ_NAME 40

enum iq_work_state {
	IQ_WORK_PENDING,  /* on the pool's list: the next worker takes it */
	IQ_WORK_SCHEDULED,/* taken by a worker, that runs it after what it runs now */
	IQ_WORK_INACTIVE, /* held back by the workqueue's max_active */
};

struct iq_work {
	enum iq_work_state state;
	uint64_t address;  /* struct work_struct */
	uint64_t function;
	uint64_t wq;	   /* workqueue_struct; 0 unknown */
	char name[IQ_WQ_NAME]; /* of the workqueue, escaped; "" unknown */
	uint64_t worker;   /* SCHEDULED: whose */
};

struct iq_worker {
	uint64_t address;  /* struct worker */
	uint64_t task;
	bool idle;
	uint64_t work;	   /* that it runs; 0: none */
	uint64_t function; /* of that; 0: none */
	uint64_t started;  /* when it began with it, jiffies; 0: this kernel does not note it */
	char name[IQ_WQ_NAME]; /* of the workqueue that it works for, escaped; "" none */
};

struct iq_worker_pool {
	uint64_t address;
	int id, cpu;	   /* CPU -1: unbound */
	int nice;
	unsigned int flags;
	unsigned int nr_workers, nr_idle; /* as the pool counts them */
	uint64_t progress; /* when an item was last taken, jiffies; 0 unknown */
	unsigned int first_worker, workers; /* which of iq_worker_pools.worker are its own */
	unsigned int first_work, works;	    /* and which of .work wait here */
};

struct iq_worker_pools {
	uint64_t jiffies;
	struct iq_worker_pool *pool;
	struct iq_worker *worker;
	struct iq_work *work;
	unsigned int nr, room, nr_workers, room_workers, nr_works, room_works;
};

/*
 * All pools by their number.  A damaged list ends with a warning, the next is read all the same.
 * IQ_E_UNAVAILABLE: no types, or this kernel's workqueues are not known.
 */
struct iq_error *iq_worker_pools(struct iq_kernel *k, struct iq_worker_pools *ret) IQ_CHECK;
void iq_worker_pools_free(struct iq_worker_pools *x);

#endif
