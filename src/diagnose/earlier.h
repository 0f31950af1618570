/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came before the event: reports in the log, calls in the code. */
#ifndef INQUEST_DIAGNOSE_EARLIER_H
#define INQUEST_DIAGNOSE_EARLIER_H

#include "case.h"

/*
 * A finding of damage that the log had reported before the event, which the kernel survived; blames whom the trace in
 * the log and the code lead to.  WORDS says by class what the kernel's checks find; NULL for those without.
 */
void iq_report_earlier(struct iq_case *c, const char *const *words);

/*
 * The last direct call that the code of function S makes in front of the one which returns to IP, and whose target
 * WANTED accepts, in the order in which the code stands.  Its address, and *TARGET; 0: there is none.
 */
uint64_t iq_call_before(struct iq_case *c, const struct iq_symbol *s, uint64_t ip,
			bool (*wanted)(struct iq_case *c, uint64_t target, const void *arg),
			const void *arg, uint64_t *target);

#endif
