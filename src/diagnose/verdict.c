/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict: one sentence of what happened, and of why if that was found. */
#include "skip.h"
#include "stages.h"

#include <inttypes.h>
#include <string.h>

#define CALLERS 8
#define LONG_EXPRESSION 8u /* characters: a longer one is not repeated in one sentence */

static const char *const happened[IQ_CLASSES] = {
	[IQ_CLASS_NONE] = "no crash was found",
	[IQ_CLASS_BUG] = "the kernel hit a BUG()",
	[IQ_CLASS_WARN] = "the kernel gave a warning",
	[IQ_CLASS_NULL_DEREF] = "the kernel accessed memory through a NULL pointer",
	[IQ_CLASS_BAD_ACCESS] = "the kernel accessed an address that is not mapped",
	[IQ_CLASS_NON_CANONICAL] = "the kernel used a pointer that cannot be an address (not canonical)",
	[IQ_CLASS_BAD_EXEC] = "the kernel jumped to where there is no code",
	[IQ_CLASS_WRITE_PROTECTED] = "the kernel wrote to memory that is read-only",
	[IQ_CLASS_USER_ACCESS] = "the kernel touched user memory without leave",
	[IQ_CLASS_USE_AFTER_FREE] = "the kernel used memory after it was freed",
	[IQ_CLASS_DOUBLE_FREE] = "an object was freed that is free already",
	[IQ_CLASS_INVALID_FREE] = "something was freed that is no allocated object",
	[IQ_CLASS_LIST_CORRUPTION] = "the kernel's list check found a damaged list",
	[IQ_CLASS_HEAP_OVERFLOW] = "an object was written beyond its end",
	[IQ_CLASS_USERCOPY] = "the hardened user copy refused a bad range of kernel memory",
	[IQ_CLASS_FORTIFY] = "a copy was larger than its buffer (FORTIFY_SOURCE)",
	[IQ_CLASS_REFCOUNT] = "a reference count was used wrongly",
	[IQ_CLASS_STACK_PROTECTOR] = "the stack protector found its canary overwritten",
	[IQ_CLASS_STACK_OVERFLOW] = "the guard page at the end of the kernel stack was hit (stack overflow)",
	[IQ_CLASS_DOUBLE_FAULT] = "the CPU raised a double fault",
	[IQ_CLASS_SOFT_LOCKUP] = "a CPU did not schedule for too long (soft lockup)",
	[IQ_CLASS_HARD_LOCKUP] = "a CPU did not take interrupts for too long (hard lockup)",
	[IQ_CLASS_RCU_STALL] = "an RCU grace period could not end (RCU stall)",
	[IQ_CLASS_HUNG_TASK] = "a task was blocked for too long (hung task)",
	[IQ_CLASS_DEADLOCK] = "tasks wait for each other (deadlock)",
	[IQ_CLASS_ATOMIC_SLEEP] = "a function that may sleep was called where that is forbidden",
	[IQ_CLASS_OOM] = "the machine ran out of memory",
	[IQ_CLASS_MACHINE_CHECK] = "the hardware reported a fatal error (machine check)",
	[IQ_CLASS_NMI] = "an NMI was taken as a reason to panic",
	[IQ_CLASS_SYSRQ] = "the crash was asked for (sysrq)",
	[IQ_CLASS_PANIC_CALL] = "the kernel called panic()",
	[IQ_CLASS_DIVIDE_ERROR] = "a division failed",
	[IQ_CLASS_BIT_FLIP] = "a bit in memory flipped",
	[IQ_CLASS_MEMORY_CORRUPTION] = "memory was found corrupted",
	[IQ_CLASS_LEAK] = "memory was leaked",
};

/* Of a helper that only found it: who called it there. */
static void add_caller(const struct iq_case *c, const struct iq_event *e, struct iq_buf *b)
{
	if (!c->has_trace || e->frame < 0 || !e->symbol.name || e->module ||
	    !iq_skip_function(e->symbol.name))
		return;
	for (int i = e->frame; i < (int)c->trace.nr && i <= e->frame + CALLERS; i++) {
		const struct iq_frame *f = &c->trace.frames[i];

		if (i > e->frame && f->has_trap)
			return;
		if (!f->symbol.name || !f->reliable || (!f->symbol.module && iq_skip_function(f->symbol.name)))
			continue;
		iq_buf_printf(b, " (called by %s+0x%" PRIx64, f->symbol.name, f->offset);
		if (f->symbol.module)
			iq_buf_printf(b, " [%s]", f->symbol.module);
		iq_buf_putc(b, ')');
		return;
	}
}

static void add_place(const struct iq_case *c, const struct iq_event *e, struct iq_buf *b)
{
	if (e->symbol.name) {
		iq_buf_printf(b, " in %s+0x%" PRIx64, e->symbol.name, e->offset);
		if (e->module)
			iq_buf_printf(b, " [%s]", e->module);
		add_caller(c, e, b);
	} else if (e->has_ip) {
		iq_buf_printf(b, " at 0x%" PRIx64, e->ip);
	}
	if (e->task.address)
		iq_buf_printf(b, ", task %s (pid %u)", e->task.comm, e->task.pid);
	else if (e->task.comm[0])
		iq_buf_printf(b, ", task %s", e->task.comm);
	if (e->cpu >= 0)
		iq_buf_printf(b, " on CPU %d", e->cpu);
}

/* What is most particular about it: the expression before the address. */
static void add_detail(const struct iq_analysis *a, struct iq_buf *b)
{
	const struct iq_event *e = &a->event;

	if (a->insn.present && a->insn.in_c)
		iq_buf_printf(b, ": %s", a->insn.in_c);
	else if (a->culprit.present && a->culprit.used_by)
		iq_buf_printf(b, ": %s", a->culprit.used_by);
	else if (e->class == IQ_CLASS_PANIC_CALL || e->class == IQ_CLASS_BUG || e->class == IQ_CLASS_WARN)
		iq_buf_printf(b, ": %s", e->message);
	else if (e->has_address)
		iq_buf_printf(b, ": %s of 0x%" PRIx64, e->access == IQ_ACCESS_EXEC ? "execution" :
			      e->access == IQ_ACCESS_WRITE ? "write" : "read", e->address);
}

/* Is A more worth saying than B?  What has another name than what happened says more of why. */
static bool tells_more(const struct iq_analysis *a, const struct iq_finding *x, const struct iq_finding *y)
{
	if (x->confidence != y->confidence)
		return x->confidence > y->confidence;
	return x->class != a->event.class && y->class == a->event.class;
}

static const struct iq_finding *best_cause(const struct iq_analysis *a)
{
	const struct iq_finding *best = NULL;

	for (unsigned int i = 0; i < a->nr_findings; i++) {
		const struct iq_finding *f = &a->findings[i];

		if (f->cause && !f->alternative && f->confidence >= IQ_CONFIDENCE_POSSIBLE &&
		    (!best || tells_more(a, f, best)))
			best = f;
	}
	/* A dump that was asked for: what the kernel itself had complained of is the likeliest reason to ask. */
	for (unsigned int i = 0; !best && i < a->nr_findings; i++)
		if (!strcmp(a->findings[i].id, "log.earlier"))
			best = &a->findings[i];
	return best;
}

/* By a person or a machine outside: no fault in here is its cause. */
static bool was_asked_for(enum iq_class class)
{
	return class == IQ_CLASS_SYSRQ || class == IQ_CLASS_NMI;
}

/* Who is at fault, where the sentence would say nothing of why. */
static void add_blame(const struct iq_analysis *a, struct iq_buf *b)
{
	const struct iq_blame *x = &a->blame;

	if (!x->present || !strcmp(x->function, "hardware") || strstr(iq_buf_str(b), x->function))
		return;
	iq_buf_printf(b, "; most likely at fault: %s()", x->function);
	if (x->module)
		iq_buf_printf(b, " [%s]", x->module);
}

/* The cause in the sentence: what stands there already is not said twice. */
static void add_cause(const struct iq_analysis *a, const struct iq_finding *f, struct iq_buf *b)
{
	static const char *const because[] = {
		[IQ_CONFIDENCE_POSSIBLE] = "possibly because ",
		[IQ_CONFIDENCE_LIKELY] = "most likely because ",
		[IQ_CONFIDENCE_CERTAIN] = "because ",
	};
	static const char *const besides[] = {
		[IQ_CONFIDENCE_POSSIBLE] = "found besides, possible: ",
		[IQ_CONFIDENCE_LIKELY] = "found besides, most likely: ",
		[IQ_CONFIDENCE_CERTAIN] = "found besides: ",
	};
	const char *x = a->culprit.present ? a->culprit.expression : NULL, *claim = f->claim;
	size_t len = x ? strlen(x) : 0;
	bool said = x && a->insn.present && a->insn.in_c && strstr(a->insn.in_c, x);

	if (said && !strcmp(f->id, "value.null"))
		return;
	/* What the kernel's check found is what happened: its words, if they are not the raw format. */
	if (!strcmp(f->id, "event.check")) {
		if (a->event.message_from_log && !strchr(a->event.message, '%'))
			iq_buf_printf(b, "; the kernel said: %s", a->event.message);
		return;
	}
	/* What a person asked for has no fault as its cause. */
	if (!strcmp(f->id, "log.earlier"))
		iq_buf_puts(b, "; ");
	else
		iq_buf_printf(b, "; %s",
			      (was_asked_for(a->event.class) ? besides : because)[f->confidence]);
	if (said && len > LONG_EXPRESSION && !strncmp(claim, x, len) && claim[len] == ' ')
		iq_buf_printf(b, "that value%s", claim + len);
	else
		iq_buf_puts(b, claim);
}

struct iq_error *iq_stage_verdict(struct iq_case *c)
{
	struct iq_analysis *a = &c->analysis;
	const struct iq_finding *cause = best_cause(a);
	struct iq_buf b = { 0 };

	if (a->event.class == IQ_CLASS_NONE && a->event.confidence == IQ_CONFIDENCE_UNKNOWN)
		iq_buf_puts(&b, "what happened cannot be told from this dump");
	else
		iq_buf_puts(&b, happened[a->event.class]);
	/* That it died of it is known of a dump only. */
	if (a->event.class == IQ_CLASS_WARN && c->has_trace)
		iq_buf_puts(&b, " and panics on warnings");
	/* Where the watchdog found that others hang says nothing of them. */
	if (a->event.class != IQ_CLASS_NONE && (a->event.class != IQ_CLASS_HUNG_TASK || !cause)) {
		add_place(c, &a->event, &b);
		add_detail(a, &b);
	}
	a->confidence = a->event.confidence;
	if (cause) {
		add_cause(a, cause, &b);
		a->confidence = IQ_MIN(a->confidence, cause->confidence);
	}
	add_blame(a, &b);
	a->verdict = iq_case_text(c, "%s", iq_buf_str(&b));
	iq_buf_free(&b);
	return NULL;
}
