/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waits: who waits for what, and who holds it.
 *
 * A task that sleeps for a lock has an entry on its own stack that is linked with the lock (struct
 * mutex_waiter, rwsem_waiter, swait_queue, wait_queue_entry …: kernel/locking, kernel/sched).  That entry is
 * looked for, so the lock is proven by memory and needs no debug information; its owner is what
 * the lock's own words say.
 */
#ifndef INQUEST_WAITS_H
#define INQUEST_WAITS_H

#include <inquest/args.h>
#include <inquest/whatis.h>
#if IQ_ROOM < IQ_ROOM_DIAGNOSE
#error "waits.h belongs to a room to the right of this one"
#endif

enum iq_wait_kind {
	IQ_WAIT_NONE,	    /* not waiting, or for something that is not known here */
	IQ_WAIT_MUTEX,
	IQ_WAIT_RWSEM_READ,
	IQ_WAIT_RWSEM_WRITE,
	IQ_WAIT_SEMAPHORE,
	IQ_WAIT_RT_MUTEX,
	IQ_WAIT_SPINLOCK,
	IQ_WAIT_RWLOCK,
	IQ_WAIT_COMPLETION,
	IQ_WAIT_WORK,	    /* flush_work() and the like: for a work item to be done */
	IQ_WAIT_EXIT,	    /* for a kernel thread or a child of vfork() to end */
	IQ_WAIT_RCU,	    /* for a grace period */
	IQ_WAIT_PAGE,	    /* for a bit of a page or folio: locked, under writeback */
	IQ_WAIT_BIT,	    /* for a bit of a word: a buffer, an inode */
	IQ_WAIT_QUEUE,	    /* wait_event() and the like */
	IQ_WAIT_IO,	    /* in io_schedule(), for what is not known */
	IQ_WAIT_KINDS,
};
/* "mutex", "rw_semaphore (to read)", …: for people and JSON. */
const char *iq_wait_kind_text(enum iq_wait_kind kind);

struct iq_wait {
	struct iq_task task;
	enum iq_wait_kind kind;
	uint64_t object;     /* the lock, completion, work item, page, word; 0: not found */
	uint64_t entry;	     /* of this task in the object's list, on its stack; 0: none */
	bool proven;	     /* `entry` is linked with `object` in both directions, or the lock is the code's argument */
	bool has_age;
	double age;	     /* seconds since it ran last */
	/* Who waits: the innermost frame that is neither scheduler nor a lock function. */
	char function[128], module[57];
	uint64_t offset, ip;
	/* Who holds the object, as it says itself. */
	uint64_t owner;	     /* task_struct; 0: nobody, or not known */
	enum iq_confidence owner_confidence;
	const char *owner_from; /* "mutex.owner"; NULL */
	uint64_t taken_at;   /* the owner's call that took it, if that is known from code; 0 */
	uint64_t gone;	     /* the lock's owner word names this task_struct, which no task has; 0 */
	bool free;	     /* the lock says that nobody holds it */
	unsigned int readers;	/* rw_semaphore held by so many readers */
	int next;	     /* index of the owner's own wait; -1: the owner waits for nothing known */
	unsigned int cycle;  /* part of this circle of waits, counted from 1; 0: of none */
};

struct iq_waits {
	struct iq_wait *list; /* owned; longest wait first */
	unsigned int nr, room;
	unsigned int cycles;
	bool interrupted;
};

/*
 * All tasks that wait for a lock, and those in uninterruptible sleep whatever they wait for.  CANCEL may be
 * NULL.  Free with iq_waits_free().
 */
struct iq_error *iq_waits_find(struct iq_kernel *k, const struct iq_cancel *cancel,
			       struct iq_waits *ret) IQ_CHECK;
void iq_waits_free(struct iq_waits *w);
/*
 * For people: "mutex journal_lock [abba]", "rw_semaphore (to write) 0xffff8881… in mm_struct object 0xffff8881…".
 */
void iq_wait_object_line(struct iq_kernel *k, struct iq_describer *d, const struct iq_wait *w,
			 struct iq_buf *out);
/*
 * All waits as trees, indented by two blanks a level: circles first, then by who holds up others, then those
 * whose holder is not known.
 */
void iq_waits_lines(struct iq_kernel *k, struct iq_describer *d, const struct iq_waits *w,
		    struct iq_buf *out);
/* The wait of task TASK; NULL: none. */
const struct iq_wait *iq_waits_of(const struct iq_waits *w, uint64_t task);

#endif
