/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wait queues (include/linux/wait.h): struct wait_queue_head since 4.13, __wait_queue_head before. */
#ifndef INQUEST_WAITQ_H
#define INQUEST_WAITQ_H

#include <inquest/task.h>

struct iq_waiter {
	uint64_t entry;	   /* struct wait_queue_entry */
	uint64_t function; /* called when the queue is woken */
	uint64_t task;	   /* task_struct that waits; 0: nobody in particular, as with epoll */
	unsigned int flags; /* WQ_FLAG_*: 1 exclusive */
};

/*
 * Call FN with each entry of the wait queue whose head is at ADDRESS, the first to be woken first, until it returns
 * false.  A damaged list ends with a warning, and *WHOLE (may be NULL) is false then.  IQ_E_MEMORY: the head
 * cannot be read.
 */
struct iq_error *iq_wait_queue(struct iq_kernel *k, uint64_t address,
			       bool (*fn)(void *arg, const struct iq_waiter *w), void *arg, bool *whole) IQ_CHECK;

#endif
