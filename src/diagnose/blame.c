/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blame: the function most likely at fault.  Those that only do what they are told (allocators, lists, locks, copies) and those
 * that report are passed over, unless they are a module's own; who set up the bad value comes before who used it.
 */
#include "event.h"
#include "provenance.h"

#include "skip.h"

#include <string.h>

#define CODE_MOST (16u << 10)

static void blame_frame(struct iq_case *c, struct iq_blame *b, int frame, const char *why)
{
	const struct iq_frame *f = &c->trace.frames[frame];

	b->present = true;
	b->function = f->symbol.name;
	b->module = f->symbol.module;
	iq_blame_line(c, f->exact_ip ? f->ip : f->ip - 1, b);
	b->why = why;
}

/* Does the code of frame I take a spinlock that it still holds when it makes its call? */
static bool holds_spinlock(struct iq_case *c, unsigned int i)
{
	const struct iq_frame *f = &c->trace.frames[i];
	uint8_t code[CODE_MOST];
	uint64_t len = f->offset;
	struct iq_fault fault;
	struct iq_insn insn;
	int held = 0;

	if (!f->symbol.name || f->exact_ip || !len || len > sizeof(code) ||
	    iq_vm_read(c->k->vm, f->symbol.address, code, len, &fault))
		return false;
	for (uint64_t at = 0; at < len; at += insn.length) {
		struct iq_symbol s;

		if (!iq_insn_decode(c->k->arch, code + at, len - at, f->symbol.address + at, &insn) || insn.bad)
			return false;
		if (insn.flow != IQ_FLOW_CALL || !insn.has_target || !iq_symbol_at(c->k, insn.target, &s) ||
		    strncmp(s.name, "_raw_", 5))
			continue;
		if (strstr(s.name, "unlock"))
			held -= held > 0;
		else if (strstr(s.name, "_lock"))
			held++;
	}
	return held > 0;
}

/*
 * Sleeping is forbidden since somebody further out took a spinlock, or because it is all done on behalf of an
 * interrupt: that one's handler.
 */
static int frame_of_atomic(struct iq_case *c, const char **why)
{
	int i = c->analysis.event.frame, handler = -1;

	*why = "it runs for an interrupt, and calls what may sleep";

	for (; i < (int)c->trace.nr; i++) {
		const struct iq_frame *f = &c->trace.frames[i];
		bool interrupt = f->context == IQ_CTX_IRQ || f->context == IQ_CTX_SOFTIRQ;

		if (!f->symbol.name || (!f->symbol.module && iq_skip_function(f->symbol.name)))
			continue;
		/* A lock around a module's handler may have been dropped for it, and in an interrupt none is needed. */
		if (!(handler >= 0 && interrupt && !f->symbol.module) &&
		    holds_spinlock(c, (unsigned int)i)) {
			*why = "by its code it holds a spinlock while it calls what may sleep";
			return i;
		}
		if (interrupt && f->symbol.module)
			handler = i;
	}
	return handler;
}

/* A check in the kernel proper of what a module asked of it: the module's function, if it called at once. */
static int frame_of_misuse(const struct iq_case *c, int frame)
{
	if (c->trace.frames[frame].symbol.module)
		return frame;
	for (int i = frame + 1; i < (int)c->trace.nr && i <= frame + 2; i++) {
		if (c->trace.frames[i].symbol.name && c->trace.frames[i].symbol.module)
			return i;
	}
	return frame;
}

static bool nobody_to_blame(enum iq_class class)
{
	return class == IQ_CLASS_NONE || class == IQ_CLASS_SYSRQ || class == IQ_CLASS_NMI ||
	       class == IQ_CLASS_MACHINE_CHECK || class == IQ_CLASS_OOM || class == IQ_CLASS_HUNG_TASK;
}

struct iq_error *iq_stage_blame(struct iq_case *c)
{
	struct iq_analysis *a = &c->analysis;
	const struct iq_event *e = &a->event;
	const char *why = NULL;
	int frame = -1;

	if (a->blame.present || !c->has_trace || e->frame < 0 || nobody_to_blame(e->class))
		return NULL;
	if (e->class == IQ_CLASS_ATOMIC_SLEEP)
		frame = frame_of_atomic(c, &why);
	if (frame >= 0) {
		blame_frame(c, &a->blame, frame, why);
		return NULL;
	}
	for (int i = e->frame; i < (int)c->trace.nr; i++) {
		const struct iq_symbol *s = &c->trace.frames[i].symbol;

		if (!s->name || (!s->module && iq_skip_function(s->name)))
			continue;
		frame = e->class == IQ_CLASS_WARN || e->class == IQ_CLASS_BUG ? frame_of_misuse(c, i) : i;
		blame_frame(c, &a->blame, frame,
			    frame == e->frame ? "it happened there" :
			    "the innermost caller that is no helper (allocator, list, lock, copy, report)");
		return NULL;
	}
	return NULL;
}
