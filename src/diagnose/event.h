/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event stage's own parts. */
#ifndef INQUEST_DIAGNOSE_EVENT_H
#define INQUEST_DIAGNOSE_EVENT_H

#include "stages.h"

/* x86 exception vectors that are told apart; other machines' handlers are mapped to the same. */
enum {
	TRAP_DIVIDE = 0,
	TRAP_DEBUG = 1,
	TRAP_NMI = 2,
	TRAP_BREAKPOINT = 3,
	TRAP_OVERFLOW = 4,
	TRAP_BOUNDS = 5,
	TRAP_INVALID_OPCODE = 6,
	TRAP_NO_DEVICE = 7,
	TRAP_DOUBLE_FAULT = 8,
	TRAP_INVALID_TSS = 10,
	TRAP_NO_SEGMENT = 11,
	TRAP_STACK_SEGMENT = 12,
	TRAP_PROTECTION = 13,
	TRAP_PAGE_FAULT = 14,
	TRAP_FPU = 16,
	TRAP_ALIGNMENT = 17,
	TRAP_MACHINE_CHECK = 18,
	TRAP_SIMD = 19,
	TRAP_CONTROL = 21,
};

/* Where, seen from a function that reports, the thing happened that it reports. */
enum report_place {
	PLACE_TRAP,	   /* it belongs to the kernel's way to report an exception */
	PLACE_HERE,	   /* in the function itself */
	PLACE_CALLER,	   /* in its caller */
	PLACE_INTERRUPTED, /* in what was interrupted, if anything */
};

/* A function of the kernel that reports, and what its being there means. */
struct report {
	const char *name; /* without compiler's suffixes */
	enum iq_class class;
	enum report_place place;
	const char *words; /* what is to be said if the kernel's own words are gone; NULL: panic */
};
/* NULL: NAME reports nothing. */
const struct report *iq_report_by_name(const char *name);
/* Does a machine that runs NAME die? */
bool iq_report_is_fatal(const char *name);
/* A check that ends in BUG() or WARN(), by the function in which it does. */
const struct report *iq_check_by_name(const char *name);
/* Class by a format string of panic(): for callers that are no report functions by name. */
enum iq_class iq_report_by_format(const char *format);

/* A check by the words of its WARN(); IQ_CLASS_NONE: none of those. */
enum iq_class iq_check_by_format(const char *format);

/* Vector by the name of its handler or entry; -1: none. */
int iq_trap_by_name(const char *name);
/* Is NAME the same function as PLAIN, but for suffixes that the compiler adds (".cold", ".isra.0")? */
bool iq_same_function(const char *name, const char *plain);

/* What was found on a stack. */
struct site {
	int trap;		      /* index of the frame that was interrupted; -1: none */
	int vector;		      /* by the names of its handlers; -1 not known */
	int report;		      /* index of the report function's frame; -1: none */
	int panic;		      /* index of panic()'s frame, -1: none */
	const struct report *how;     /* NULL: only something fatal */
};
/* The first report of the stack, the outermost; false: nothing fatal is on it. */
bool iq_site_find(const struct iq_backtrace *b, struct site *s);

/* An entry of a __bug_table. */
struct bug {
	bool present, warning;
	uint64_t entry; /* its address */
	char file[256];
	unsigned int line;
	char format[256]; /* of a WARN() whose entry has it (6.19 and later); "" none */
};
void iq_bug_at(struct iq_kernel *k, uint64_t address, struct bug *ret);
/* The entry at ENTRY itself. */
void iq_bug_read(struct iq_kernel *k, uint64_t entry, struct bug *ret);

/* Class, access and address from the registers of an exception (event.regs, event.trap; -1: to be found out). */
void iq_event_trap(struct iq_case *c, struct iq_event *e);
/* What the kernel keeps of earlier oopses: E becomes the first one if it was another. */
void iq_event_first(struct iq_case *c, struct iq_event *e);
/* Counters, taint flags. */
void iq_event_records(struct iq_case *c, struct iq_event *e);
/* The log as a witness: message, and whether it agrees. */
void iq_event_log(struct iq_case *c, struct iq_event *e);

/* The place of E from its frame in the case's trace. */
void iq_event_place(struct iq_case *c, struct iq_event *e, int frame);
/* A parameter called NAME of the function of frame N, at most 8 bytes. */
bool iq_event_argument(struct iq_case *c, unsigned int n, const char *name, uint64_t *value);

#endif
