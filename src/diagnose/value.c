// SPDX-License-Identifier: GPL-2.0-or-later
/* One value that was wrong: what it is by itself, and everything else in the order of what it proves. */
#include "value.h"

#include <inquest/task.h>
#include <inquest/vma.h>
#include <inttypes.h>

/* Bytes of an object behind whose start a member's address still names its pointer. */
#define REACH 4096u

/* Poison of slabs is found in slabs, and that of freed objects in free ones; bytes alike can be anybody's elsewhere. */
static bool fits(struct iq_case *c, const struct iq_suspect *s, const struct iq_word *w)
{
	struct iq_object o;

	if (strncmp(w->id, "poison.slab", 11) && strncmp(w->id, "poison.red", 10))
		return strncmp(w->id, "poison.", 7) || !strcmp(w->id, "poison.list") ||
		       !strcmp(w->id, "poison.timer") || w->weight < 40;
	if (!s->has_address || !iq_object_at(c->k, s->address, &o) || !o.object)
		return false;
	return strcmp(w->id, "poison.slab_free") || o.state != IQ_OBJECT_ALLOCATED;
}

static void explain_word(struct iq_case *c, struct iq_suspect *s)
{
	struct iq_finding *f;
	struct iq_word w;
	bool null;

	if (!iq_word_explain(s->value, REACH, &w))
		return;
	null = !strncmp(w.id, "value.null", 10);
	/* NULL where nobody failed is an ordinary value. */
	if (null && !s->bad)
		return;
	s->weight = w.weight;
	f = iq_case_finding(c, w.id, w.class,
			    w.weight >= 40 && s->bad && fits(c, s, &w) ? IQ_CONFIDENCE_CERTAIN :
			    fits(c, s, &w) ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_POSSIBLE,
			    "%s is %s", s->name, w.text);
	f->cause = s->cause;
	iq_finding_evidence(c, f, s->has_address ? IQ_SOURCE_MEMORY : IQ_SOURCE_REGISTERS, s->address,
			    iq_case_text(c, "0x%" PRIx64, s->value), "the value");
	f->refuted_by = null ? "a member of it that was not NULL when it was read" :
			       "another meaning of this very number at this place";
}

/* A stack's canary, code, user memory, a small number: right somewhere else. */
static void explain_kind(struct iq_case *c, struct iq_suspect *s)
{
	const struct iq_task *t = &c->analysis.event.task;
	uint64_t v = s->value, offset, canary;
	struct iq_place p;
	const char *what = NULL, *id = NULL;
	enum iq_confidence sure = IQ_CONFIDENCE_LIKELY;
	unsigned int weight = 20;
	struct iq_finding *f;

	if (t->address && iq_kernel_offset(c->k, "task_struct", "stack_canary", &offset, NULL) &&
	    iq_vm_read_uint(c->k->vm, t->address + offset, 8, &canary) == IQ_MEM_OK && canary == v &&
	    v >> 32) {
		what = iq_case_text(c, "the stack canary of task %s: it was read from, or copied out of, a stack",
				    t->comm);
		id = "value.canary";
		sure = IQ_CONFIDENCE_CERTAIN;
		weight = 50;
	} else if (c->analysis.event.class == IQ_CLASS_BAD_EXEC && s->bad && v >= 4096) {
		iq_place_of(c->k, v, &p);
		if (iq_place_alive(&p) && p.kind != IQ_PLACE_TEXT) {
			what = iq_case_text(c, "no address of code: it leads to %s", p.text);
			id = "value.not_code";
			sure = IQ_CONFIDENCE_CERTAIN;
			weight = 45;
		}
	} else if (v >> 31 == 0x1ffffffff && !iq_is_text(c->k, v) && s->bad) {
		iq_place_of(c->k, v, &p);
		if (p.kind == IQ_PLACE_NOTHING) {
			what = iq_case_text(c, "the 32-bit number %" PRId32 " (0x%" PRIx32 "), sign extended",
					    (int32_t)v, (uint32_t)v);
			id = "value.sign_extended";
		}
	} else if (v >= 4096 && v >> 32 == 0 && s->bad) {
		what = iq_case_text(c, "a number of 32 bits, %" PRIu64 ", where a pointer belongs", v);
		id = "value.number";
		weight = 14;
		sure = IQ_CONFIDENCE_POSSIBLE;
	} else if (v >= 4096 && !c->k->arch->vm->is_kernel(&c->k->layout, v) &&
		   c->k->arch->vm->canonical(&c->k->layout, v) && s->bad) {
		what = "an address of user space where one of the kernel belongs";
		id = "value.user";
		sure = IQ_CONFIDENCE_POSSIBLE;
		weight = 14;
	}
	if (!what || weight <= s->weight)
		return;
	s->weight = weight;
	f = iq_case_finding(c, id, IQ_CLASS_MEMORY_CORRUPTION, sure, "%s is %s", s->name, what);
	f->cause = s->cause;
	iq_finding_evidence(c, f, s->has_address ? IQ_SOURCE_MEMORY : IQ_SOURCE_REGISTERS, s->address,
			    iq_case_text(c, "0x%" PRIx64, v), "the value");
}

/* A debug pattern or NULL by itself explains the value: its bytes are not looked at again. */
#define WORD_ENOUGH 40u

struct iq_error *iq_value_explain(struct iq_case *c, struct iq_suspect *s)
{
	explain_word(c, s);
	if (s->has_address)
		iq_heap_holder(c, s);
	if (s->has_address && s->weight < WORD_ENOUGH)
		IQ_TRY(iq_field_explain(c, s));
	if (s->weight < IQ_PAYLOAD_STRONG)
		explain_kind(c, s);
	if (s->weight < WORD_ENOUGH) {
		iq_heap_pointer(c, s);
		iq_flip_explain(c, s);
	}
	return NULL;
}
