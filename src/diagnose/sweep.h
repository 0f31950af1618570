/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between sweep.c and its parts. */
#ifndef INQUEST_DIAGNOSE_SWEEP_H
#define INQUEST_DIAGNOSE_SWEEP_H

#include "case.h"

#include <inquest/integrity.h>

/* sweep_memory.c */
struct iq_error *iq_sweep_slabs(struct iq_case *c, struct iq_sweep *s) IQ_CHECK;
struct iq_error *iq_sweep_buddy(struct iq_case *c, struct iq_sweep *s) IQ_CHECK;
/* sweep_pages.c */
struct iq_error *iq_sweep_pages(struct iq_case *c, struct iq_sweep *s) IQ_CHECK;
/* sweep_lists.c */
struct iq_error *iq_sweep_lists(struct iq_case *c, struct iq_sweep *s) IQ_CHECK;
struct iq_error *iq_sweep_stacks(struct iq_case *c, struct iq_sweep *s) IQ_CHECK;
/* sweep_trees.c */
struct iq_error *iq_sweep_trees(struct iq_case *c, struct iq_sweep *s) IQ_CHECK;
/* sweep_text.c */
struct iq_error *iq_sweep_text(struct iq_case *c, struct iq_sweep *s) IQ_CHECK;

/* Findings of one kind that a sweep tells; of more it says only that there are. */
#define IQ_SWEEP_MOST 40u

#endif
