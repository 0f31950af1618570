// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The neighbour: what overwrote a field begins in front of the object that the field is in, so that whoever
 * wrote to the object before it wrote too far.
 */
#include "value.h"

#include <inttypes.h>

/*
 * As many bytes as an object of the cache has, but from the middle of one on: whoever wrote them had it from the
 * allocator, to which somebody had given an address inside the object.
 */
static void middle(struct iq_case *c, const struct iq_object *o, const struct iq_payload *m,
		   uint64_t from, uint64_t to)
{
	uint64_t size = o->slab.cache->object_size;
	struct iq_finding *f;

	if (size < 16 || to - from != size || from & 7)
		return;
	f = iq_case_finding(c, "free.middle", IQ_CLASS_INVALID_FREE, IQ_CONFIDENCE_POSSIBLE,
			    "0x%" PRIx64 ", %" PRIu64 " bytes inside the %s object 0x%" PRIx64
			    ", may have been freed, and handed out again as an object: %s is exactly "
			    "as long as one",
			    from, from - o->object, o->slab.cache->name, o->object, m->text);
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, from,
			    iq_case_text(c, "%" PRIu64 " bytes", to - from), "what was written");
	f->refuted_by = "another reason to write as many bytes as an object has";
}

void iq_neighbour_explain(struct iq_case *c, struct iq_suspect *s, const struct iq_payload *m,
			  uint64_t from, uint64_t to)
{
	struct iq_object here, before;
	struct iq_finding *f;
	struct iq_whatis *w;
	char state[80];

	if (!iq_object_at(c->k, s->address, &here) || !here.object || m->bits < IQ_PAYLOAD_STRONG)
		return;
	if (from >= here.object) {
		/* All of the object from its very start: somebody else has it now, or had it. */
		if (from == here.object &&
		    to >= here.object + IQ_MIN(here.slab.cache->object_size, 24) && s->bad) {
			f = iq_case_finding(
				c, "uaf.reused", IQ_CLASS_USE_AFTER_FREE, IQ_CONFIDENCE_POSSIBLE,
				"the %s object 0x%" PRIx64
				" holds %s from its first byte on: it was "
				"freed and is another's now, or a whole buffer was copied over it",
				here.slab.cache->name, here.object, m->text);
			iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, here.object,
					    iq_object_state_text(&here, state, sizeof(state)),
					    "the object");
			f->refuted_by = "the type for which it was allocated";
		}
		return;
	}
	if (!iq_object_at(c->k, from, &before) || !before.object ||
	    before.slab.address != here.slab.address || before.object == here.object)
		return;
	f = iq_case_finding(
		c, "heap.overflow", IQ_CLASS_HEAP_OVERFLOW,
		to > here.object + 8 && here.object - from >= 8 ? IQ_CONFIDENCE_LIKELY
								: IQ_CONFIDENCE_POSSIBLE,
		"the object before it in its slab (%s, 0x%" PRIx64
		") was written beyond its end: %s "
		"begins %" PRIu64 " bytes in front of the boundary and reaches %s",
		here.slab.cache->name, before.object, m->text, here.object - from, s->name);
	f->cause = s->cause;
	f->refuted_by = "the same bytes written to both objects separately";
	w = iq_case_whatis(c, before.object);
	iq_finding_evidence(
		c, f, IQ_SOURCE_MEMORY, before.object,
		iq_object_state_text(&before, state, sizeof(state)), "the neighbour%s%s%s",
		w && w->type ? ", a " : "", w && w->type ? w->type->name : "",
		w && w->type && w->type_confidence < IQ_CONFIDENCE_CERTAIN ? " (probably)" : "");
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, here.object, NULL,
			    "the boundary between the two");
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, from,
			    iq_case_text(c, "0x%" PRIx64 " - 0x%" PRIx64, from, to),
			    "what was written");
	middle(c, &before, m, from, to);
}
