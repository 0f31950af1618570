// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The heap: objects that are free while they are used, freed twice, or that were never the heap's.  The
 * allocator's own state decides: free lists, sheaves, kfree_rcu()'s lists; poison is not needed.
 */
#include "value.h"

#include <inquest/page.h>
#include <inttypes.h>

static bool is_free(const struct iq_object *o)
{
	return o->state == IQ_OBJECT_FREE || o->state == IQ_OBJECT_CPU_FREE ||
	       o->state == IQ_OBJECT_SHEAF;
}

static const char *hex(struct iq_case *c, uint64_t v)
{
	return iq_case_text(c, "0x%" PRIx64, v);
}

static void object_evidence(struct iq_case *c, struct iq_finding *f, const struct iq_object *o)
{
	char state[80];

	iq_finding_evidence(
		c, f, IQ_SOURCE_MEMORY, o->object, iq_object_state_text(o, state, sizeof(state)),
		"object of %s, %" PRIu64 " bytes", o->slab.cache->name, o->slab.cache->object_size);
	/* A page of KFENCE's pool is no slab. */
	if (o->slab.kfence)
		return;
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, o->slab.address, NULL,
			    "its slab: %u objects, %u allocated%s", o->slab.objects,
			    o->slab.lists_ok ? o->slab.allocated : o->slab.inuse,
			    o->slab.lists_ok ? ", every free list followed to its end" : "");
}

/* Is it known for certain that O is free? */
static enum iq_confidence surety(const struct iq_object *o)
{
	return o->slab.lists_ok ? IQ_CONFIDENCE_CERTAIN : IQ_CONFIDENCE_LIKELY;
}

/* Does the field hold what the allocator keeps in free objects?  Its decoded pointer, 0 the list's end. */
static bool free_pointer(struct iq_kernel *k, const struct iq_object *o, uint64_t at,
			 uint64_t value, uint64_t *to)
{
	const struct iq_cache *cache = o->slab.cache;
	uint64_t slot = o->object + cache->free_offset;
	uint64_t keys[3] = {0, slot, __builtin_bswap64(slot)};

	(void)k;
	if (at != slot)
		return false;
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t v = value ^ keys[i] ^ (i ? cache->random : 0);
		uint64_t end = o->slab.memory + cache->size * o->slab.objects;

		if (i == 0 && cache->random)
			continue;
		if ((!v && i) || (v >= o->slab.memory && v < end &&
				  (v - o->slab.memory) % cache->size == cache->red_left_pad)) {
			*to = v;
			return true;
		}
	}
	return false;
}

void iq_heap_holder(struct iq_case *c, struct iq_suspect *s)
{
	struct iq_object o;
	struct iq_finding *f;
	uint64_t to = 0;
	bool freed, pointer;

	if (!iq_object_at(c->k, s->address, &o) || !o.object || o.offset >= o.slab.cache->size)
		return;
	freed = is_free(&o) || o.state == IQ_OBJECT_RCU_PENDING;
	pointer = free_pointer(c->k, &o, s->address, s->value, &to);
	if (!freed && !pointer)
		return;
	if (!freed) {
		f = iq_case_finding(
			c, "uaf.free_pointer", IQ_CLASS_USE_AFTER_FREE, IQ_CONFIDENCE_LIKELY,
			"%s holds the allocator's free pointer: the %s object 0x%" PRIx64
			" that it is in had been freed, and was allocated again since",
			s->name, o.slab.cache->name, o.object);
	} else {
		bool rcu = o.state == IQ_OBJECT_RCU_PENDING;

		f = iq_case_finding(c, "uaf.holder", IQ_CLASS_USE_AFTER_FREE,
				    rcu			? IQ_CONFIDENCE_POSSIBLE
				    : s->bad || pointer ? surety(&o)
							: IQ_CONFIDENCE_LIKELY,
				    "%s was read from an object that is free (%s, 0x%" PRIx64
				    " + %" PRIu64 ")",
				    s->name, o.slab.cache->name, o.object, o.offset);
	}
	f->cause = s->cause;
	object_evidence(c, f, &o);
	if (pointer)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, s->address, hex(c, s->value),
				    to ? "decodes to the free object 0x%" PRIx64 " of the same slab"
				       : "decodes to the end of a free list%.0" PRIx64,
				    to);
	f->refuted_by = "the object was freed only after the crash, by another CPU";
	if (pointer)
		iq_suspect_told(c, s, 60);
}

/* The page under a pointer is free. */
static void free_page(struct iq_case *c, const struct iq_suspect *s, const struct iq_place *p)
{
	bool aligned = !(s->value & 7);
	struct iq_finding *f;

	f = iq_case_finding(
		c, "pointer.free_page",
		aligned ? IQ_CLASS_USE_AFTER_FREE : IQ_CLASS_MEMORY_CORRUPTION,
		s->weight >= IQ_PAYLOAD_LEAST ? IQ_CONFIDENCE_CERTAIN : IQ_CONFIDENCE_LIKELY,
		s->weight >= IQ_PAYLOAD_LEAST ? "%s points to %s"
		: aligned ? "%s points to %s: the memory was freed, or the pointer is wrong"
			  : "%s points to %s, and no allocator returns an address that is not "
			    "aligned to 8: the pointer is wrong",
		s->name, p->text);
	f->cause = s->cause && s->weight < IQ_PAYLOAD_LEAST;
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, s->value, p->text, "what the pointer leads to");
	if (p->buddy)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, p->physical, NULL,
				    "its page frame is in a free block of order %u", p->order);
	f->refuted_by = "an owner of the page that the memory map does not show";
}

void iq_heap_pointer(struct iq_case *c, const struct iq_suspect *s)
{
	struct iq_finding *f;
	struct iq_place p;

	if (s->value < 4096)
		return;
	iq_place_of(c->k, s->value, &p);
	if (p.kind == IQ_PLACE_FREE_PAGE && s->bad) {
		free_page(c, s, &p);
	} else if (p.kind == IQ_PLACE_FREE_OBJECT) {
		f = iq_case_finding(c, "uaf.object", IQ_CLASS_USE_AFTER_FREE,
				    s->bad ? surety(&p.object) : IQ_CONFIDENCE_LIKELY,
				    "%s points to an object that is free (%s, 0x%" PRIx64 ")",
				    s->name, p.object.slab.cache->name, p.object.object);
		f->cause = s->cause && s->bad && s->weight < IQ_PAYLOAD_STRONG;
		object_evidence(c, f, &p.object);
		f->refuted_by = "the object was freed only after the crash, by another CPU";
	} else if (p.kind == IQ_PLACE_OBJECT && p.object.state == IQ_OBJECT_RCU_PENDING) {
		f = iq_case_finding(
			c, "uaf.rcu", IQ_CLASS_USE_AFTER_FREE, IQ_CONFIDENCE_POSSIBLE,
			"%s points to an object that was given to kfree_rcu() (%s, 0x%" PRIx64 ")",
			s->name, p.object.slab.cache->name, p.object.object);
		object_evidence(c, f, &p.object);
	} else if (p.kind == IQ_PLACE_NOTHING && s->bad && s->weight < IQ_PAYLOAD_LEAST) {
		bool vmalloc = s->value >= c->k->layout.vmalloc_start &&
			       s->value < c->k->layout.vmalloc_end;

		/* vmalloc() returns the start of a page; what is no such start is no proof of anything. */
		f = iq_case_finding(
			c, vmalloc ? "pointer.vmalloc" : "pointer.nothing",
			vmalloc ? IQ_CLASS_USE_AFTER_FREE : IQ_CLASS_MEMORY_CORRUPTION,
			vmalloc && !(s->value & 4095) ? IQ_CONFIDENCE_LIKELY
						      : IQ_CONFIDENCE_POSSIBLE,
			vmalloc ? "%s (0x%" PRIx64
				  ") is an address of the vmalloc area that nothing is mapped "
				  "at: the area was freed, or the pointer is wrong"
				: "%s (0x%" PRIx64 ") leads to no memory at all",
			s->name, s->value);
		f->cause = s->cause;
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, s->value, p.text,
				    "what the pointer leads to");
	}
}

/* ---- What was freed -------------------------------------------------------------------------------- */

static bool is_free_function(const char *name)
{
	static const char *const names[] = {
		"kfree",	   "kmem_cache_free", "kvfree",
		"kfree_sensitive", "kzfree",	      "__kmem_cache_free",
		"___cache_free",   "kfree_const",     "kmem_cache_free_bulk",
		"vfree",	   "kvfree_call_rcu"};

	for (unsigned int i = 0; name && i < IQ_ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* The last pointer among its parameters is the object. */
static bool freed_argument(struct iq_case *c, unsigned int frame, uint64_t *object, uint64_t *cache)
{
	struct iq_frame_variables v;
	struct iq_error *err = iq_args_frame(c->args, frame, &v);
	bool found = false;

	*cache = 0;
	if (err) {
		iq_error_free(err);
		return false;
	}
	for (unsigned int i = 0; i < v.nr; i++) {
		const struct iq_frame_variable *x = &v.list[i];
		const uint8_t *bytes = x->passed ? x->passed : x->bytes;

		if (!x->parameter || x->certainty == IQ_VALUE_UNAVAILABLE || !bytes || x->size < 8)
			continue;
		if (found)
			*cache = *object;
		*object = iq_le64(bytes);
		found = true;
	}
	iq_frame_variables_free(&v);
	return found;
}

/* A register of the event that holds a cache other than MINE; 0: none, or several. */
static uint64_t cache_in_registers(struct iq_case *c, const struct iq_cache *mine)
{
	const struct iq_event *e = &c->analysis.event;
	struct iq_cache *const *all;
	struct iq_error *err;
	uint64_t found = 0;
	unsigned int nr;

	err = e->has_regs ? iq_caches(c->k, &all, &nr) : NULL;
	if (err || !e->has_regs) {
		iq_error_free(err);
		return 0;
	}
	for (unsigned int reg = 0; reg < 16; reg++)
		for (unsigned int i = 0; iq_reg_known(&e->regs, reg) && i < nr; i++) {
			if (all[i]->address != e->regs.value[reg] || all[i] == mine)
				continue;
			if (found && found != all[i]->address)
				return 0;
			found = all[i]->address;
		}
	return found;
}

static void wrong_cache(struct iq_case *c, uint64_t cache, const struct iq_place *p, bool cause)
{
	struct iq_cache *const *all;
	struct iq_finding *f;
	struct iq_error *err;
	unsigned int nr;

	err = iq_caches(c->k, &all, &nr);
	if (err) {
		iq_error_free(err);
		return;
	}
	for (unsigned int i = 0; i < nr; i++) {
		if (all[i]->address != cache || all[i] == p->object.slab.cache)
			continue;
		f = iq_case_finding(
			c, "free.wrong_cache", IQ_CLASS_INVALID_FREE, IQ_CONFIDENCE_CERTAIN,
			"the object 0x%" PRIx64 " is one of cache %s, but was freed to %s",
			p->object.object, p->object.slab.cache->name, all[i]->name);
		f->cause = cause;
		object_evidence(c, f, &p->object);
		iq_finding_evidence(c, f, IQ_SOURCE_REGISTERS, cache, all[i]->name,
				    "the cache that was named");
	}
}

static void explain_freed(struct iq_case *c, const char *function, uint64_t v, uint64_t cache)
{
	const struct iq_event *e = &c->analysis.event;
	bool refused = e->class == IQ_CLASS_BUG || e->class == IQ_CLASS_WARN ||
		       e->class == IQ_CLASS_DOUBLE_FREE || e->class == IQ_CLASS_INVALID_FREE ||
		       e->class == IQ_CLASS_BAD_ACCESS || e->class == IQ_CLASS_NON_CANONICAL ||
		       e->class == IQ_CLASS_PANIC_CALL;
	struct iq_finding *f;
	struct iq_place p;

	iq_place_of(c->k, v, &p);
	if (p.kind == IQ_PLACE_FREE_OBJECT && !p.object.offset) {
		f = iq_case_finding(c, "free.double", IQ_CLASS_DOUBLE_FREE,
				    refused ? surety(&p.object) : IQ_CONFIDENCE_LIKELY,
				    "the %s object 0x%" PRIx64
				    " that %s() was to free is free already",
				    p.object.slab.cache->name, v, function);
		f->cause = refused;
		object_evidence(c, f, &p.object);
		iq_finding_evidence(c, f, IQ_SOURCE_REGISTERS, v, hex(c, v), "argument of %s()",
				    function);
		f->refuted_by = p.object.slab.kfence
					? "KFENCE's record was overwritten"
					: "a free list that does not have it when it is followed again";
	} else if (p.kind == IQ_PLACE_OBJECT || p.kind == IQ_PLACE_FREE_OBJECT) {
		if (p.object.offset && refused) {
			f = iq_case_finding(c, "free.inside", IQ_CLASS_INVALID_FREE,
					    IQ_CONFIDENCE_LIKELY,
					    "%s() was given an address %" PRIu64
					    " bytes inside the %s object 0x%" PRIx64,
					    function, p.object.offset, p.object.slab.cache->name,
					    p.object.object);
			f->cause = true;
			object_evidence(c, f, &p.object);
		} else if (refused) {
			wrong_cache(c, cache ? cache : cache_in_registers(c, p.object.slab.cache),
				    &p, true);
		}
	} else if (e->class == IQ_CLASS_INVALID_FREE && v >= 4096 &&
		   c->k->arch->vm->canonical(&c->k->layout, v) && v & 7) {
		return; /* no allocator's pointer: the value is what must be explained */
	} else if (e->class == IQ_CLASS_INVALID_FREE && p.kind == IQ_PLACE_MEMORY) {
		f = iq_case_finding(c, "free.page", IQ_CLASS_INVALID_FREE, IQ_CONFIDENCE_LIKELY,
				    "%s() was given 0x%" PRIx64
				    ", which is no object of a slab: %s",
				    function, v, p.text);
		f->cause = true;
		f->refuted_by = "a head page with the order of a large kmalloc()";
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, v, p.text, "what the pointer leads to");
	} else if (refused && v >= 4096 &&
		   (p.kind == IQ_PLACE_STACK || p.kind == IQ_PLACE_TEXT ||
		    p.kind == IQ_PLACE_SYMBOL || p.kind == IQ_PLACE_USER)) {
		f = iq_case_finding(c, "free.not_heap", IQ_CLASS_INVALID_FREE,
				    IQ_CONFIDENCE_CERTAIN,
				    "%s() was given 0x%" PRIx64 ", which is not of the heap: %s",
				    function, v, p.text);
		f->cause = true;
		iq_finding_evidence(c, f, IQ_SOURCE_REGISTERS, v, hex(c, v), "argument of %s()",
				    function);
	}
}

struct iq_error *iq_heap_freed(struct iq_case *c)
{
	int first = c->analysis.event.frame;

	if (!c->has_trace || first < 0)
		return NULL;
	for (unsigned int i = (unsigned int)first; i < c->trace.nr && i < (unsigned int)first + 4;
	     i++) {
		const char *name = c->trace.frames[i].symbol.name;
		uint64_t object, cache;

		if (!is_free_function(name) || !freed_argument(c, i, &object, &cache))
			continue;
		explain_freed(c, name, object, cache);
		return NULL;
	}
	/* The arguments are not known, but what was bad is. */
	if (c->analysis.event.class == IQ_CLASS_INVALID_FREE && c->analysis.culprit.present &&
	    c->analysis.culprit.has_value)
		explain_freed(c, "kfree", c->analysis.culprit.value, 0);
	return NULL;
}
