/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Causes that the kernel or the CPU has found by itself: a stack canary that was overwritten, slabs that are
 * damaged where nothing else explains the crash, and checks whose report is all that is known.
 */
#include "earlier.h"
#include "event.h"
#include "stages.h"
#include <inquest/slab_check.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DAMAGE_MAX 8 /* findings about slabs */

/* ---- The stack protector ------------------------------------------------------------------------- */

static void report_canary(struct iq_case *c)
{
	struct iq_damage damage[8];
	unsigned int nr = iq_stack_damage(c->k, &c->trace, damage, IQ_ARRAY_SIZE(damage)), changed = 0;

	for (unsigned int i = 0; i < nr; i++)
		changed += damage[i].kind == IQ_DAMAGE_CANARY;
	for (unsigned int i = 0; i < nr; i++) {
		const struct iq_damage *d = &damage[i];
		char found[24];
		struct iq_finding *f;

		if (d->kind != IQ_DAMAGE_CANARY)
			continue;
		f = iq_case_finding(c, "stack.canary", IQ_CLASS_MEMORY_CORRUPTION,
				    /* If others differ too, the task's own may be what is wrong. */
				    changed == 1 ? IQ_CONFIDENCE_CERTAIN : IQ_CONFIDENCE_LIKELY,
				    "the stack was written beyond a local variable: %s", d->text);
		snprintf(found, sizeof(found), "0x%" PRIx64, d->found);
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, d->address, found,
				    "the canary, which should be 0x%" PRIx64, d->expected);
		if (d->to > d->from)
			iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, d->from, NULL,
					    "%" PRIu64 " bytes around it look the same", d->to - d->from);
		f->cause = true;
		f->refuted_by = "the task's own canary was overwritten instead";
		return;
	}
}

/* ---- Slabs --------------------------------------------------------------------------------------- */

/* A dump that somebody took, or a panic that does not say why: damage that is there may be why. */
static bool says_nothing(enum iq_class class)
{
	return class == IQ_CLASS_SYSRQ || class == IQ_CLASS_NMI || class == IQ_CLASS_PANIC_CALL;
}

struct slabs {
	struct iq_case *c;
	unsigned int nr;
};

static enum iq_class class_of(enum iq_slab_damage kind)
{
	switch (kind) {
	case IQ_SLAB_RED_ZONE: return IQ_CLASS_HEAP_OVERFLOW;
	case IQ_SLAB_POISON: return IQ_CLASS_USE_AFTER_FREE;
	case IQ_SLAB_CYCLE: return IQ_CLASS_DOUBLE_FREE;
	default: return IQ_CLASS_MEMORY_CORRUPTION;
	}
}

static bool report_slab(void *arg, const struct iq_slab_finding *s)
{
	struct slabs *x = arg;
	struct iq_finding *f;

	if (iq_cancelled(x->c->cancel) || x->nr == DAMAGE_MAX)
		return false;
	x->nr++;
	f = iq_case_finding(x->c, "slab.damage", class_of(s->kind), IQ_CONFIDENCE_LIKELY,
			    "slab cache %s is damaged: %s", s->cache ? s->cache->name : "?", s->text);
	iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, s->address, iq_slab_damage_text(s->kind), "the bytes that are wrong");
	if (s->object)
		iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, s->object, NULL, "the object");
	f->cause = true;
	f->refuted_by = "a CPU was stopped in the middle of a change";
	return true;
}

/* ---- Checks -------------------------------------------------------------------------------------- */

static const char *const checks[IQ_CLASSES] = {
	[IQ_CLASS_USE_AFTER_FREE] = "the kernel's own check found memory used after it was freed",
	[IQ_CLASS_DOUBLE_FREE] = "the kernel's own check found an object freed twice",
	[IQ_CLASS_INVALID_FREE] = "the kernel's own check found something freed that is no such object",
	[IQ_CLASS_LIST_CORRUPTION] = "the kernel's own check found links of a list that contradict each other",
	[IQ_CLASS_HEAP_OVERFLOW] = "the kernel's own check found an object written beyond its end",
	[IQ_CLASS_USERCOPY] = "the kernel's own check found a copy that does not stay within an object",
	[IQ_CLASS_FORTIFY] = "the kernel's own check found a copy larger than its buffer",
	[IQ_CLASS_REFCOUNT] = "the kernel's own check found a reference count that cannot be",
	[IQ_CLASS_MACHINE_CHECK] = "the hardware reported an error that could not be corrected",
};

static bool has_cause_of(const struct iq_analysis *a, enum iq_class class)
{
	for (unsigned int i = 0; i < a->nr_findings; i++) {
		if (a->findings[i].cause && a->findings[i].class == class)
			return true;
	}
	return false;
}

static bool has_cause(const struct iq_analysis *a)
{
	for (unsigned int i = 0; i < a->nr_findings; i++) {
		if (a->findings[i].cause)
			return true;
	}
	return false;
}

static void report_check(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	struct iq_finding *f;

	if (!checks[e->class] || has_cause_of(&c->analysis, e->class))
		return;
	f = iq_case_finding(c, "event.check", e->class, e->confidence, "%s: %s", checks[e->class], e->message);
	for (unsigned int i = 0; i < e->nr_evidence; i++)
		iq_finding_evidence(c, f, e->evidence[i].source,
				    e->evidence[i].has_address ? e->evidence[i].address : 0,
				    e->evidence[i].value, "%s", e->evidence[i].what);
	f->cause = !has_cause(&c->analysis);
}

/* ---- The end of init ------------------------------------------------------------------------------- */

/*
 * kernel/exit.c panics when the last thread of init ends, after it has put the code, as wait() has it, into the
 * thread group's.
 */
static void report_init(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	uint64_t code, at, offset, signal;
	struct iq_finding *f;

	if (!c->has_trace || e->frame < 0 || e->task.pid != 1 || !e->symbol.name ||
	    !iq_same_function(e->symbol.name, "do_exit") ||
	    !iq_kernel_offset(c->k, "task_struct", "signal", &offset, NULL) ||
	    iq_vm_read_uint(c->k->vm, e->task.address + offset, 8, &signal) != IQ_MEM_OK ||
	    !iq_kernel_offset(c->k, "signal_struct", "group_exit_code", &offset, NULL))
		return;
	at = signal + offset;
	if (iq_vm_read_uint(c->k->vm, at, 4, &code) != IQ_MEM_OK || code > 0xffff)
		return;
	/* Older kernels put it there only if the whole group was told to end: then 0 says nothing. */
	if (!code)
		return;
	f = iq_case_finding(c, "init.end", IQ_CLASS_PANIC_CALL, IQ_CONFIDENCE_CERTAIN,
			    code & 0x7f ? "init (pid 1) was killed by signal %" PRIu64
					: "init (pid 1) ended by itself, with status %" PRIu64,
			    code & 0x7f ? code & 0x7f : code >> 8);
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, at, iq_case_text(c, "0x%" PRIx64, code),
			    "signal_struct.group_exit_code");
	f->cause = true;
	f->refuted_by = "somebody else wrote to that word";
}

struct iq_error *iq_stage_check(struct iq_case *c)
{
	enum iq_class class = c->analysis.event.class;
	struct slabs x = { .c = c };

	if (class == IQ_CLASS_STACK_PROTECTOR && c->has_trace)
		report_canary(c);
	iq_report_stack(c);
	if (class == IQ_CLASS_PANIC_CALL)
		report_init(c);
	if (says_nothing(class) && !has_cause(&c->analysis))
		(void)iq_slabs_check(c->k, false, report_slab, &x);
	if (class == IQ_CLASS_SYSRQ || class == IQ_CLASS_NMI)
		iq_report_earlier(c, checks);
	report_check(c);
	return NULL;
}
