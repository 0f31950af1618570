/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blame: the function most likely at fault.  Those that only do what they are told (allocators, lists, locks, copies) and those
 * that report are passed over, unless they are a module's own; who set up the bad value comes before who used it.
 */
#include "event.h"

#include "skip.h"

#include <string.h>

static void blame_frame(struct iq_case *c, struct iq_blame *b, int frame, const char *why)
{
	const struct iq_frame *f = &c->trace.frames[frame];
	const char *file = NULL;
	unsigned int line = 0;

	b->present = true;
	b->function = f->symbol.name;
	b->module = f->symbol.module;
	if (iq_kernel_line(c->k, f->exact_ip ? f->ip : f->ip - 1, &file, &line)) {
		b->file = iq_case_text(c, "%s", file);
		b->line = line;
	}
	b->why = why;
}

/* The step of the chain at which the value went wrong was found in some function's code: that one's. */
static int frame_of_culprit(const struct iq_case *c)
{
	const struct iq_culprit *x = &c->analysis.culprit;

	for (unsigned int i = 0; x->present && i < x->nr_links; i++) {
		int frame = x->links[i].frame;

		if (x->links[i].verdict != IQ_LINK_BAD || frame < 0 || frame >= (int)c->trace.nr)
			continue;
		if (c->trace.frames[frame].symbol.name &&
		    (c->trace.frames[frame].symbol.module ||
		     !iq_skip_function(c->trace.frames[frame].symbol.name)))
			return frame;
	}
	return -1;
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
	int frame;

	if (a->blame.present || !c->has_trace || e->frame < 0 || nobody_to_blame(e->class))
		return NULL;
	frame = frame_of_culprit(c);
	if (frame >= e->frame) {
		blame_frame(c, &a->blame, frame, "the bad value was read there");
		return NULL;
	}
	for (int i = e->frame; i < (int)c->trace.nr; i++) {
		const struct iq_symbol *s = &c->trace.frames[i].symbol;

		if (!s->name || (!s->module && iq_skip_function(s->name)))
			continue;
		blame_frame(c, &a->blame, i,
			    i == e->frame ? "it happened there" :
			    "the innermost caller that is no helper (allocator, list, lock, copy, report)");
		return NULL;
	}
	return NULL;
}
