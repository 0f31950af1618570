/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who holds what somebody waits for, as the object's own words say: kernel/locking/{mutex,rwsem,rtmutex}.c,
 * kernel/workqueue.c, kernel/kthread.c, kernel/fork.c.
 */
#include "wait.h"

#define OWNER_FLAGS UINT64_C(7)
#define RWSEM_WRITER_LOCKED UINT64_C(1)
#define RWSEM_READER_OWNED UINT64_C(1) /* in the owner word: a reader was the last to take it */
#define RWSEM_READER_SHIFT 8
#define MAX_SCHEDULED 100000

static void set_owner(struct iq_kernel *k, struct iq_wait *w, uint64_t task,
		      enum iq_confidence confidence, const char *from)
{
	if (!task || !iq_task_by_address(k, task)) {
		w->gone = task;
		w->free = !task;
		return;
	}
	w->owner = task;
	w->owner_confidence = confidence;
	w->owner_from = from;
}

static void mutex_owner(struct iq_kernel *k, struct iq_wait *w)
{
	uint64_t owner;

	if (wait_read(k, w->object, "mutex", "owner", 8, &owner))
		set_owner(k, w, owner & ~OWNER_FLAGS, IQ_CONFIDENCE_CERTAIN, "mutex.owner");
}

static void rwsem_owner(struct iq_kernel *k, struct iq_wait *w)
{
	uint64_t owner, count, type;

	if (wait_read(k, w->entry, "rwsem_waiter", "type", 4, &type))
		w->kind = type ? IQ_WAIT_RWSEM_READ : IQ_WAIT_RWSEM_WRITE;
	if (!wait_read(k, w->object, "rw_semaphore", "owner", 8, &owner) ||
	    !wait_read(k, w->object, "rw_semaphore", "count", 8, &count))
		return;
	if (count & RWSEM_WRITER_LOCKED && !(owner & RWSEM_READER_OWNED)) {
		set_owner(k, w, owner & ~OWNER_FLAGS, IQ_CONFIDENCE_CERTAIN, "rw_semaphore.owner");
		return;
	}
	w->readers = (unsigned int)((count & INT64_MAX) >> RWSEM_READER_SHIFT);
	/* The word names the reader that came last; it may have left, and others may hold it too. */
	if (w->readers && owner & RWSEM_READER_OWNED)
		set_owner(k, w, owner & ~OWNER_FLAGS,
			  w->readers == 1 ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_POSSIBLE,
			  "rw_semaphore.owner, the last reader");
}

static void rt_mutex_owner(struct iq_kernel *k, struct iq_wait *w)
{
	const char *tag = iq_kernel_sizeof(k, "rt_mutex_base") ? "rt_mutex_base" : "rt_mutex";
	uint64_t owner;

	if (wait_read(k, w->object, tag, "owner", 8, &owner))
		set_owner(k, w, owner & ~UINT64_C(1), IQ_CONFIDENCE_CERTAIN, "rt_mutex.owner");
}

/* The worker of task T: struct kthread.data, while it is one (PF_WQ_WORKER). */
#define PF_WQ_WORKER 0x20
static uint64_t worker_of(struct iq_kernel *k, const struct iq_task *t)
{
	uint64_t own, worker, task;

	/* set_child_tid had the pointer to struct kthread before 5.17. */
	if (!(t->flags & PF_WQ_WORKER) ||
	    (!wait_read(k, t->address, "task_struct", "worker_private", 8, &own) &&
	     !wait_read(k, t->address, "task_struct", "set_child_tid", 8, &own)) ||
	    !wait_read(k, own, "kthread", "data", 8, &worker) ||
	    !wait_read(k, worker, "worker", "task", 8, &task) || task != t->address)
		return 0;
	return worker;
}

/* The worker that runs something for the same pool_workqueue as WORK, which waits for its turn. */
static void turn_owner(struct iq_kernel *k, struct iq_wait *w, uint64_t work)
{
	uint64_t data, pwq, current_work;
	const struct iq_task *tasks;
	struct iq_error *err;
	unsigned int nr = 0;

	/* WORK_STRUCT_PWQ: the word is the address of the pool_workqueue, its low 8 bits flags. */
	if (!wait_read(k, work, "work_struct", "data", 8, &data) || !(data & ~UINT64_C(0xff)))
		return;
	err = iq_tasks(k, &tasks, &nr);
	iq_error_free(err);
	for (unsigned int i = 0; !err && i < nr; i++) {
		uint64_t worker = worker_of(k, &tasks[i]);

		if (worker && wait_read(k, worker, "worker", "current_pwq", 8, &pwq) &&
		    pwq == (data & ~UINT64_C(0xff)) &&
		    wait_read(k, worker, "worker", "current_work", 8, &current_work) && current_work) {
			set_owner(k, w, tasks[i].address, IQ_CONFIDENCE_LIKELY,
				  "runs for the same workqueue, while the item waits for its turn");
			return;
		}
	}
}

/*
 * struct wq_barrier { work, done, … }: flush_work() waits for the barrier that it has queued behind the work
 * item: in the list of what its worker has still to do, or behind it where it waits for its turn.
 */
static bool work_owner(struct iq_kernel *k, struct iq_wait *w)
{
	uint64_t done, entry, scheduled, barrier, node, task, work, before, func, barrier_func;

	if (!iq_kernel_offset(k, "wq_barrier", "done", &done, NULL) ||
	    !iq_kernel_offset(k, "wq_barrier", "work.entry", &entry, NULL) ||
	    !iq_kernel_offset(k, "worker", "scheduled", &scheduled, NULL))
		return false;
	barrier = w->object - done;
	barrier_func = iq_kernel_symbol(k, "wq_barrier_func");
	if (!barrier_func || !wait_read(k, barrier, "wq_barrier", "work.func", 8, &func) || func != barrier_func)
		return false;
	w->kind = IQ_WAIT_WORK;
	node = barrier + entry;
	for (unsigned int n = 0; n < MAX_SCHEDULED; n++) {
		if (iq_vm_read_uint(k->vm, node, 8, &node) || !node || (node & 7) ||
		    node == barrier + entry)
			break;
		if (wait_read(k, node - scheduled, "worker", "task", 8, &task) &&
		    iq_task_by_address(k, task) && worker_of(k, iq_task_by_address(k, task)) == node - scheduled &&
		    wait_read(k, node - scheduled, "worker", "current_work", 8, &work) && work) {
			w->object = work;
			set_owner(k, w, task, IQ_CONFIDENCE_CERTAIN, "worker.scheduled");
			return true;
		}
	}
	/* list_head.prev: the item itself. */
	if (!iq_vm_read_uint(k->vm, barrier + entry + 8, 8, &before) &&
	    iq_kernel_offset(k, "work_struct", "entry", &entry, NULL)) {
		w->object = before - entry;
		turn_owner(k, w, w->object);
	}
	return true;
}

/* A completion that a task's end completes: kthread.exited, or vfork_done of the child. */
static bool exit_owner(struct iq_kernel *k, struct iq_wait *w)
{
	uint64_t vfork_done, worker_private, exited, done, own;
	const struct iq_task *tasks;
	struct iq_error *err;
	unsigned int nr = 0;

	if (!iq_kernel_offset(k, "task_struct", "vfork_done", &vfork_done, NULL))
		return false;
	/* set_child_tid had the pointer to struct kthread before 5.17. */
	if (!iq_kernel_offset(k, "task_struct", "worker_private", &worker_private, NULL) &&
	    !iq_kernel_offset(k, "task_struct", "set_child_tid", &worker_private, NULL))
		worker_private = 0;
	err = iq_tasks(k, &tasks, &nr);
	iq_error_free(err);
	for (unsigned int i = 0; !err && i < nr; i++) {
		const struct iq_task *t = &tasks[i];

		if (t->address == w->task.address)
			continue;
		if ((!iq_vm_read_uint(k->vm, t->address + vfork_done, 8, &done) &&
		     done == w->object) ||
		    (t->kthread && worker_private &&
		     iq_kernel_offset(k, "kthread", "exited", &exited, NULL) &&
		     !iq_vm_read_uint(k->vm, t->address + worker_private, 8, &own) &&
		     own + exited == w->object)) {
			w->kind = IQ_WAIT_EXIT;
			set_owner(k, w, t->address, IQ_CONFIDENCE_CERTAIN,
				  "the completion of its exit");
			return true;
		}
	}
	return false;
}

void wait_owner(struct iq_kernel *k, struct iq_wait *w)
{
	if (!w->object)
		return;
	switch (w->kind) {
	case IQ_WAIT_MUTEX:
		mutex_owner(k, w);
		break;
	case IQ_WAIT_RWSEM_READ:
	case IQ_WAIT_RWSEM_WRITE:
		rwsem_owner(k, w);
		break;
	case IQ_WAIT_RT_MUTEX:
		rt_mutex_owner(k, w);
		break;
	case IQ_WAIT_COMPLETION:
		if (!work_owner(k, w))
			exit_owner(k, w);
		break;
	default:
		break;
	}
}
