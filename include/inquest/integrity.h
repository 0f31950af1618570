/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integrity: is the kernel's memory what it must be?  Looking for damage where nothing has crashed, and at
 * one place that somebody finds suspicious.
 */
#ifndef INQUEST_INTEGRITY_H
#define INQUEST_INTEGRITY_H

#include <inquest/diagnose.h>

/* What a sweep looks at. */
enum iq_sweep_part {
	IQ_SWEEP_SLABS = 1,  /* free lists, counts, red zones and poison of all caches */
	IQ_SWEEP_BUDDY = 2,  /* the page allocator's free blocks */
	IQ_SWEEP_LISTS = 4,  /* lists of tasks, modules, super blocks and so on: each link leads back */
	IQ_SWEEP_TREES = 8,  /* red-black trees of vmalloc areas and timers */
	IQ_SWEEP_STACKS = 16,/* the ends of all tasks' kernel stacks */
	IQ_SWEEP_TEXT = 32,  /* the kernel's code against its vmlinux; needs one */
	IQ_SWEEP_PAGES = 64, /* the struct page of every page frame */
	IQ_SWEEP_ALL = 127,
};

struct iq_sweep {
	unsigned int parts;	/* in: of enum iq_sweep_part; out: those that were looked at */
	uint64_t slabs, blocks, pages, nodes, stacks, text; /* out: what was checked; TEXT in bytes */
};
/*
 * Sweep the kernel of C.  What is wrong is in *RET, NR findings of which none is `certain` in a healthy dump; what
 * CPUs were just doing when they were stopped is `possible` at most.  Findings belong to C.
 * IQ_E_INTERRUPTED: what was found until then is in *RET all the same.
 */
struct iq_error *iq_sweep(struct iq_case *c, struct iq_sweep *s, const struct iq_finding **ret,
			  unsigned int *nr) IQ_CHECK;

/*
 * What is wrong with the pointer that is kept at kernel address ADDRESS, supposing that it is wrong: the same
 * that an analysis would say if it had been the cause of the crash.  TYPE (may be NULL) is that of the pointer.
 */
struct iq_error *iq_explain(struct iq_case *c, uint64_t address, const struct iq_type *type,
			    const struct iq_finding **ret, unsigned int *nr) IQ_CHECK;
/* What LEN bytes look like, as findings whose claims are descriptions, the likeliest first. */
struct iq_error *iq_explain_bytes(struct iq_case *c, const uint8_t *bytes, size_t len,
				  const struct iq_finding **ret, unsigned int *nr) IQ_CHECK;

#endif
