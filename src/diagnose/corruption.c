// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The stage that asks what is wrong with the value that the event was about: the culprit if provenance found it,
 * else the register through which the access failed.
 */
#include "stages.h"
#include "value.h"

#include <inquest/slab_check.h>
#include <inttypes.h>

/* Did the event say that a pointer was bad, and not something else? */
static bool about_pointer(const struct iq_event *e)
{
	switch (e->class) {
	case IQ_CLASS_NULL_DEREF:
	case IQ_CLASS_BAD_ACCESS:
	case IQ_CLASS_NON_CANONICAL:
	case IQ_CLASS_BAD_EXEC:
	case IQ_CLASS_WRITE_PROTECTED:
	case IQ_CLASS_USER_ACCESS:
	case IQ_CLASS_USE_AFTER_FREE:
	case IQ_CLASS_DOUBLE_FREE:
	case IQ_CLASS_INVALID_FREE:
		return true;
	default:
		return false;
	}
}

/* What the code was working on lies on a stack that is another task's: whoever put it there is gone, or still is there. */
static bool on_stack(struct iq_case *c, const struct iq_link *l)
{
	const struct iq_event *e = &c->analysis.event;
	const struct iq_whatis *w = l->object;
	struct iq_finding *f;

	if (!w || !l->has_value || !w->has_stack || !w->task.address ||
	    w->task.address == e->task.address || w->stack.kind != IQ_STACK_TASK ||
	    !about_pointer(e))
		return false;
	f = iq_case_finding(
		c, "uaf.stack", IQ_CLASS_USE_AFTER_FREE, IQ_CONFIDENCE_LIKELY,
		"%s (0x%" PRIx64
		") lies on the kernel stack of %s (pid %u): what was there belongs to a "
		"function that has returned, and the stack is used by others now",
		l->expression, l->value, w->task.comm, w->task.pid);
	f->cause = true;
	if (w->slot[0])
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, l->value, w->slot,
				    "the word there, by that stack's frames");
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, w->stack.start, NULL,
			    "the stack: frame #%d, %s", w->frame,
			    w->function[0] ? w->function : "below all frames");
	f->refuted_by = "a variable of this type in the function that owns the frame";
	return true;
}

/* The object that the code was working on when it read the bad value is free, or its pointer. */
static void links(struct iq_case *c)
{
	const struct iq_culprit *x = &c->analysis.culprit;

	for (unsigned int i = 0; i + 1 < x->nr_links; i++) {
		struct iq_suspect s = {
			.name = x->links[i].expression,
			.value = x->links[i].value,
			.has_address = x->links[i].has_address,
			.address = x->links[i].address,
			.type = x->links[i].type,
			.cause = about_pointer(&c->analysis.event),
			.weight = 1,
		};

		if (!x->links[i].has_value || (i && x->links[i - 1].value == x->links[i].value))
			continue;
		iq_heap_pointer(c, &s);
	}
}

/* The field lies on another task's stack: that it is not what it was is then no wonder. */
static bool stacks(struct iq_case *c, const struct iq_suspect *s)
{
	const struct iq_culprit *x = &c->analysis.culprit;

	for (unsigned int i = x->nr_links; x->present && s->has_address && i > 0; i--)
		if (x->links[i - 1].has_value && s->address - x->links[i - 1].value < 4096 &&
		    on_stack(c, &x->links[i - 1]))
			return true;
	return false;
}

/* What the slabs of the objects on the way show, whoever did it. */
struct slab_damage {
	struct iq_case *c;
	unsigned int nr;
};

static bool slab_damage(void *arg, const struct iq_slab_finding *d)
{
	struct slab_damage *x = arg;
	bool bytes = d->kind == IQ_SLAB_FREE_POINTER || d->kind == IQ_SLAB_CYCLE ||
		     d->kind == IQ_SLAB_RED_ZONE || d->kind == IQ_SLAB_POISON ||
		     d->kind == IQ_SLAB_PADDING;
	struct iq_finding *f;

	if (d->kind == IQ_SLAB_COUNT)
		return true;
	f = iq_case_finding(x->c, "slab.damage",
			    d->kind == IQ_SLAB_POISON ? IQ_CLASS_USE_AFTER_FREE
			    : d->kind == IQ_SLAB_RED_ZONE || d->kind == IQ_SLAB_PADDING
				    ? IQ_CLASS_HEAP_OVERFLOW
			    : d->kind == IQ_SLAB_CYCLE ? IQ_CLASS_DOUBLE_FREE
						       : IQ_CLASS_MEMORY_CORRUPTION,
			    bytes ? IQ_CONFIDENCE_CERTAIN : IQ_CONFIDENCE_POSSIBLE, "%s", d->text);
	iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, d->address,
			    iq_case_text(x->c, "0x%" PRIx64, d->found), "%s",
			    iq_slab_damage_text(d->kind));
	return ++x->nr < 3;
}

static void slabs(struct iq_case *c)
{
	const struct iq_culprit *x = &c->analysis.culprit;
	struct slab_damage damage = {.c = c};
	uint64_t last = 0;

	for (unsigned int i = 0; x->present && i < x->nr_links && i < 12 && damage.nr < 3; i++) {
		struct iq_slab slab;

		if (!x->links[i].has_value || !iq_slab_at(c->k, x->links[i].value, &slab) ||
		    slab.address == last)
			continue;
		last = slab.address;
		iq_slab_check(c->k, &slab, slab_damage, &damage);
	}
}

static bool from_culprit(const struct iq_analysis *a, struct iq_suspect *s)
{
	const struct iq_culprit *x = &a->culprit;
	const struct iq_link *last = x->nr_links ? &x->links[x->nr_links - 1] : NULL;

	if (!x->present || !x->has_value)
		return false;
	*s = (struct iq_suspect){
		.name = x->expression,
		.value = x->value,
		.has_address = x->has_address,
		.address = x->address,
		.type = last ? last->type : NULL,
	};
	return true;
}

/* Is VALUE what the access was made through?  What was stored, compared or counted is not. */
static bool used(const struct iq_event *e, uint64_t value)
{
	uint64_t d = e->address > value ? e->address - value : value - e->address;

	return !e->has_address || !about_pointer(e) || e->class == IQ_CLASS_DOUBLE_FREE ||
	       e->class == IQ_CLASS_INVALID_FREE || d < 1 << 20;
}

static bool from_instruction(struct iq_case *c, struct iq_suspect *s)
{
	const struct iq_analysis *a = &c->analysis;
	unsigned int reg = (unsigned int)a->insn.reg;

	if (!a->insn.present || a->insn.reg < 0 || !a->event.has_regs ||
	    !iq_reg_known(&a->event.regs, reg))
		return false;
	*s = (struct iq_suspect){
		.name = iq_case_text(c, "the pointer in %s", c->k->arch->reg_names[reg]),
		.value = a->event.regs.value[reg],
	};
	return true;
}

/*
 * A pointer on the way leads into an object in use, but not to where anything of its type can be: what was read
 * there, and used then, is only what happened to be there.
 */
static bool misled(struct iq_case *c, const struct iq_suspect *s)
{
	const struct iq_culprit *x = &c->analysis.culprit;
	struct iq_place p;

	for (unsigned int i = 0; i + 1 < x->nr_links; i++) {
		if (x->links[i].expression != x->expression || x->links[i].verdict != IQ_LINK_BAD)
			continue;
		iq_place_of(c->k, s->value, &p);
		return p.kind == IQ_PLACE_OBJECT && p.object.offset;
	}
	return false;
}

static bool explained(const struct iq_analysis *a, unsigned int from)
{
	for (unsigned int i = from; i < a->nr_findings; i++)
		if (a->findings[i].cause && a->findings[i].confidence >= IQ_CONFIDENCE_LIKELY)
			return true;
	return false;
}

struct iq_error *iq_stage_corruption(struct iq_case *c)
{
	const struct iq_analysis *a = &c->analysis;
	const struct iq_event *e = &a->event;
	unsigned int before = a->nr_findings;
	struct iq_suspect s;

	if (e->class == IQ_CLASS_LIST_CORRUPTION)
		return iq_list_explain(c);
	IQ_TRY(iq_heap_freed(c));
	if (a->nr_findings > before)
		return NULL;
	if (about_pointer(e) && from_culprit(a, &s) && !used(e, s.value) && misled(c, &s)) {
		s.bad = s.cause = true;
		IQ_TRY(iq_value_explain(c, &s));
		if (explained(a, before))
			return NULL;
	}
	if ((from_culprit(a, &s) && used(e, s.value)) ||
	    (about_pointer(e) && from_instruction(c, &s))) {
		s.bad = about_pointer(e);
		s.cause = s.bad && !stacks(c, &s);
		IQ_TRY(iq_value_explain(c, &s));
		links(c);
		slabs(c);
	} else if (about_pointer(e) && e->has_address) {
		s = (struct iq_suspect){
			.name = "the address", .value = e->address, .bad = true, .cause = true};
		IQ_TRY(iq_value_explain(c, &s));
	}
	return NULL;
}
