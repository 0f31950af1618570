/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files about waiting share. */
#ifndef INQUEST_DIAGNOSE_WAIT_H
#define INQUEST_DIAGNOSE_WAIT_H

#include "case.h"
#include <inquest/waits.h>

/* An entry on a task's stack that is linked with what it waits for. */
struct wait_entry {
	enum iq_wait_kind kind;
	uint64_t entry;	 /* the waiter structure */
	uint64_t object; /* its lock, completion or queue; 0: not found */
};

/*
 * The innermost wait entry of task T, whose live stack is the NR words at SP.  The entries of mutexes,
 * semaphores and rw_semaphores look alike: LOCK is the kind of lock that the functions on the stack are of
 * (RWSEM_READ for both), NONE if of none.  False: there is none.
 */
bool wait_entry_find(struct iq_kernel *k, const struct iq_task *t, const uint64_t *words,
		     unsigned int nr, uint64_t sp, enum iq_wait_kind lock, struct wait_entry *ret);

/* What task W->task spins on, from its trace B, in W's kind, object, function. */
bool wait_spin_find(struct iq_kernel *k, struct iq_args *args, const struct iq_backtrace *b,
		    struct iq_wait *w);

/*
 * Who waits: the first frame from FROM on that is neither scheduler nor lock, in W's function, module, offset,
 * ip.  Returns its index; -1: there is none.
 */
int wait_who(const struct iq_backtrace *b, unsigned int from, struct iq_wait *w);

/* Is S, which has a name, a function of the scheduler or of locking itself? */
bool wait_is_helper(const struct iq_symbol *s);

/* Fill in who holds W->object. */
void wait_owner(struct iq_kernel *k, struct iq_wait *w);

/* Read the word (SIZE bytes) of member PATH of struct TAG at ADDRESS. */
bool wait_read(struct iq_kernel *k, uint64_t address, const char *tag, const char *path,
	       unsigned int size, uint64_t *ret);

#endif
