/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings and their evidence, and the words for classes and sources. */
#include "case.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX 200
#define EVIDENCE_MAX 32

static const char *const classes[IQ_CLASSES] = {
	[IQ_CLASS_NONE] = "none",
	[IQ_CLASS_BUG] = "bug",
	[IQ_CLASS_WARN] = "warn",
	[IQ_CLASS_NULL_DEREF] = "null_deref",
	[IQ_CLASS_BAD_ACCESS] = "bad_access",
	[IQ_CLASS_NON_CANONICAL] = "non_canonical",
	[IQ_CLASS_BAD_EXEC] = "bad_exec",
	[IQ_CLASS_WRITE_PROTECTED] = "write_protected",
	[IQ_CLASS_USER_ACCESS] = "user_access",
	[IQ_CLASS_USE_AFTER_FREE] = "use_after_free",
	[IQ_CLASS_DOUBLE_FREE] = "double_free",
	[IQ_CLASS_INVALID_FREE] = "invalid_free",
	[IQ_CLASS_LIST_CORRUPTION] = "list_corruption",
	[IQ_CLASS_HEAP_OVERFLOW] = "heap_overflow",
	[IQ_CLASS_USERCOPY] = "usercopy",
	[IQ_CLASS_FORTIFY] = "fortify",
	[IQ_CLASS_REFCOUNT] = "refcount",
	[IQ_CLASS_STACK_PROTECTOR] = "stack_protector",
	[IQ_CLASS_STACK_OVERFLOW] = "stack_overflow",
	[IQ_CLASS_DOUBLE_FAULT] = "double_fault",
	[IQ_CLASS_SOFT_LOCKUP] = "soft_lockup",
	[IQ_CLASS_HARD_LOCKUP] = "hard_lockup",
	[IQ_CLASS_RCU_STALL] = "rcu_stall",
	[IQ_CLASS_HUNG_TASK] = "hung_task",
	[IQ_CLASS_DEADLOCK] = "deadlock",
	[IQ_CLASS_ATOMIC_SLEEP] = "atomic_sleep",
	[IQ_CLASS_OOM] = "oom",
	[IQ_CLASS_MACHINE_CHECK] = "machine_check",
	[IQ_CLASS_NMI] = "nmi",
	[IQ_CLASS_SYSRQ] = "sysrq",
	[IQ_CLASS_PANIC_CALL] = "panic_call",
	[IQ_CLASS_DIVIDE_ERROR] = "divide_error",
	[IQ_CLASS_BIT_FLIP] = "bit_flip",
	[IQ_CLASS_MEMORY_CORRUPTION] = "memory_corruption",
	[IQ_CLASS_LEAK] = "leak",
};

const char *iq_class_text(enum iq_class c)
{
	return (unsigned int)c < IQ_CLASSES ? classes[c] : "none";
}

const char *iq_source_text(enum iq_source s)
{
	static const char *const names[] = { "log", "memory", "registers", "code" };

	return (unsigned int)s < IQ_SOURCES ? names[s] : "memory";
}

const char *iq_access_text(enum iq_access a)
{
	static const char *const names[] = { "", "read", "write", "exec" };

	return (unsigned int)a < 4 ? names[a] : "";
}

static const char *format(struct iq_case *c, const char *fmt, va_list ap)
{
	char *made = NULL;
	const char *kept;

	if (vasprintf(&made, fmt, ap) < 0)
		return "";
	kept = iq_arena_strdup(&c->arena, made);
	free(made);
	return kept ? kept : "";
}

const char *iq_case_text(struct iq_case *c, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = format(c, fmt, ap);
	va_end(ap);
	return text;
}

static struct iq_finding *next_finding(struct iq_case *c)
{
	struct iq_analysis *a = &c->analysis;

	if (a->nr_findings >= FINDINGS_MAX)
		return &c->unkept;
	if (a->nr_findings == c->room_findings) {
		unsigned int room = c->room_findings ? 2 * c->room_findings : 16;
		struct iq_finding *more = realloc(a->findings, room * sizeof(*more));

		if (!more)
			return &c->unkept;
		a->findings = more;
		c->room_findings = room;
	}
	return &a->findings[a->nr_findings++];
}

struct iq_finding *iq_case_finding(struct iq_case *c, const char *id, enum iq_class class,
				   enum iq_confidence confidence, const char *claim, ...)
{
	struct iq_finding *f = next_finding(c);
	va_list ap;

	va_start(ap, claim);
	*f = (struct iq_finding){
		.id = id,
		.class = class,
		.confidence = confidence,
		.claim = format(c, claim, ap),
	};
	va_end(ap);
	return f;
}

/* Room for one more in a list of evidence, which grows in the arena by powers of two. */
static void add_evidence(struct iq_case *c, struct iq_evidence **list, unsigned int *nr,
			 const struct iq_evidence *e)
{
	unsigned int n = *nr;

	if (n >= EVIDENCE_MAX)
		return;
	if ((n & (n - 1)) == 0) {
		struct iq_evidence *more =
			iq_arena_alloc(&c->arena, (n ? 2 * n : 1) * sizeof(*more));

		if (!more)
			return;
		if (n)
			memcpy(more, *list, n * sizeof(*more));
		*list = more;
	}
	(*list)[n] = *e;
	*nr = n + 1;
}

static struct iq_evidence make_evidence(struct iq_case *c, enum iq_source source, uint64_t address,
					const char *value, const char *what, va_list ap)
{
	return (struct iq_evidence){
		.what = format(c, what, ap),
		.has_address = address != 0,
		.address = address,
		.value = value ? iq_case_text(c, "%s", value) : NULL,
		.source = source,
	};
}

void iq_finding_evidence(struct iq_case *c, struct iq_finding *f, enum iq_source source,
			 uint64_t address, const char *value, const char *what, ...)
{
	struct iq_evidence e;
	va_list ap;

	va_start(ap, what);
	e = make_evidence(c, source, address, value, what, ap);
	va_end(ap);
	add_evidence(c, &f->evidence, &f->nr_evidence, &e);
}

void iq_event_evidence(struct iq_case *c, struct iq_event *ev, enum iq_source source,
		       uint64_t address, const char *value, const char *what, ...)
{
	struct iq_evidence e;
	va_list ap;

	va_start(ap, what);
	e = make_evidence(c, source, address, value, what, ap);
	va_end(ap);
	add_evidence(c, &ev->evidence, &ev->nr_evidence, &e);
}

struct iq_whatis *iq_case_whatis(struct iq_case *c, uint64_t address)
{
	struct iq_whatis *w = iq_arena_alloc(&c->arena, sizeof(*w));

	if (w)
		iq_whatis(c->describer, address, false, w);
	return w;
}
