/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks that the functions on a stack have taken, by their code: for locks that do not say who holds them. */
#ifndef INQUEST_DIAGNOSE_HELD_H
#define INQUEST_DIAGNOSE_HELD_H

#include "case.h"

/*
 * Has a function of B, from frame FROM on, taken LOCK on its way to where it is now, and not given it back?  The
 * code in front of the frame's ip is read in the order in which it stands, so a branch that was not taken
 * may mislead: likely, not certain.  *FRAME and *AT are the frame and its call of the locking function.
 */
bool held_by(struct iq_kernel *k, const struct iq_backtrace *b, unsigned int from, uint64_t lock,
	     unsigned int *frame, uint64_t *at);

#endif
