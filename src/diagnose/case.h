/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The case: what the stages of an analysis share.  Each stage is a function that looks at what
 * the earlier ones found, fills its own part of the analysis and adds findings.  A stage that cannot say
 * anything adds nothing; its errors (other than Ctrl-C and lack of memory) never end the analysis.
 */
#ifndef INQUEST_DIAGNOSE_CASE_H
#define INQUEST_DIAGNOSE_CASE_H

#include <inquest/diagnose.h>

struct iq_case {
	struct iq_kernel *k;
	const struct iq_cancel *cancel; /* Ctrl-C; may be NULL */
	struct iq_describer *describer;
	struct iq_args *args;
	struct iq_arena arena;	/* strings and arrays of the analysis */
	struct iq_analysis analysis;
	struct iq_backtrace trace; /* of the event's task, args' current trace; nr 0: none */
	bool has_trace;
	unsigned int room_findings;
	struct iq_uses *uses;	/* provenance_type.c: what functions on the stack were given, by type */
	void (*progress)(void *arg, const char *what); /* NULL: nobody asks */
	void *progress_arg;
	struct iq_finding unkept; /* where findings beyond the limit go */
};

/* Formatted text that lives as long as the case; never NULL ("" without memory). */
const char *iq_case_text(struct iq_case *c, const char *fmt, ...) IQ_PRINTF(2, 3);

/*
 * A new finding of CLASS.  Never NULL: beyond the limit or without memory it is one that is not kept.  The
 * pointer is valid until the next is made.
 */
struct iq_finding *iq_case_finding(struct iq_case *c, const char *id, enum iq_class class,
				   enum iq_confidence confidence, const char *claim, ...) IQ_PRINTF(5, 6);

/* More evidence for a finding or an event; the text is copied.  ADDRESS 0: none; VALUE NULL: none. */
void iq_finding_evidence(struct iq_case *c, struct iq_finding *f, enum iq_source source,
			 uint64_t address, const char *value, const char *what, ...) IQ_PRINTF(6, 7);
void iq_event_evidence(struct iq_case *c, struct iq_event *e, enum iq_source source,
		       uint64_t address, const char *value, const char *what, ...) IQ_PRINTF(6, 7);

/* iq_whatis() of an address, kept by the case; NULL without memory. */
struct iq_whatis *iq_case_whatis(struct iq_case *c, uint64_t address);

#endif
