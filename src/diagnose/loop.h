/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loops in machine code: what a CPU that does not come out of a function goes round in. */
#ifndef INQUEST_DIAGNOSE_LOOP_H
#define INQUEST_DIAGNOSE_LOOP_H

#include "case.h"

struct loop {
	int frame;	     /* of the trace, whose function loops; -1: none was found */
	uint64_t from, to;   /* lowest and highest instruction of the shortest way round through its ip */
	bool has_read;	     /* the loop reads memory at: */
	uint64_t read;
	unsigned int read_size;
};

/*
 * The innermost function of B, from frame FIRST on, that is no helper of locking, delaying or scheduling, or one
 * of its callers in the same module, that goes round in a loop.  False: none; RET->frame is then that
 * innermost function, or -1.
 */
bool loop_find(struct iq_kernel *k, const struct iq_backtrace *b, unsigned int first, struct loop *ret);

/* ring.c: a chain that a loop follows to its end, which it does not have. */
struct ring {
	uint64_t node;	     /* one of its nodes */
	unsigned int length; /* nodes */
	int64_t offset;	     /* of the pointer to the next one in a node */
};
/* False: L, of frame F, does not follow a chain until NULL or a list's head, or it comes there. */
bool iq_ring_find(struct iq_case *c, const struct iq_frame *f, const struct loop *l, struct ring *r);
/* Adds the finding. */
void iq_ring_report(struct iq_case *c, const struct iq_frame *f, const struct ring *r);

#endif
