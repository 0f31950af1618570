/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of objects: what inspect concludes from caches and pointers, and beyond that what functions on the stack were
 * given: a pointer that is passed to a function of known prototype is what that one takes it for, and so are
 * the other objects of a cache that is not one of kmalloc()'s.
 */
#include "provenance.h"

#include <inquest/typegraph.h>

#define FRAMES_MAX 16
#define USES_MAX 128

struct iq_uses {
	unsigned int nr;
	struct use {
		uint64_t object, cache; /* 0: of kmalloc() */
		const struct iq_type *type;
	} use[USES_MAX];
};

static void add_use(struct iq_case *c, const struct iq_passed *p)
{
	struct iq_uses *u = c->uses;
	const struct iq_type *to = iq_pointed_to(p->type);
	struct iq_object o;

	/* Of an object's first member the type would be a smaller one. */
	if (!to || u->nr == USES_MAX || !iq_object_at(c->k, p->value, &o) || o.object != p->value ||
	    !o.slab.cache || to->size > o.slab.cache->object_size || 2 * to->size < o.slab.cache->object_size)
		return;
	for (unsigned int i = 0; i < u->nr; i++) {
		if (u->use[i].object != o.object)
			continue;
		/* Two opinions: the larger contains the smaller, if anything. */
		if (iq_type_strip(u->use[i].type)->size < to->size)
			u->use[i].type = to;
		return;
	}
	u->use[u->nr++] = (struct use){
		.object = o.object,
		.cache = o.slab.cache->debug & IQ_CACHE_KMALLOC || !strncmp(o.slab.cache->name, "kmalloc", 7) ||
					 o.slab.cache->users > 1
				 ? 0
				 : o.slab.cache->address,
		.type = to};
}

static const struct iq_uses *uses(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	struct iq_passed p[64];

	if (c->uses)
		return c->uses;
	c->uses = iq_arena_alloc(&c->arena, sizeof(*c->uses));
	for (unsigned int i = e->frame < 0 ? c->trace.nr : (unsigned int)e->frame;
	     c->uses && i < c->trace.nr && i < (unsigned int)e->frame + FRAMES_MAX; i++) {
		unsigned int nr = iq_args_passed(c->args, i, p, IQ_ARRAY_SIZE(p));

		for (unsigned int j = 0; j < nr; j++)
			add_use(c, &p[j]);
	}
	return c->uses;
}

const struct iq_type *iq_object_type(struct iq_case *c, uint64_t address, uint64_t *start)
{
	const struct iq_uses *u;
	struct iq_typing t;
	struct iq_object o;

	if (iq_type_at(c->k, address, &t) && t.confidence >= IQ_CONFIDENCE_LIKELY) {
		const struct iq_type *type = iq_type_strip(t.type);

		*start = t.object;
		if ((type->kind == IQ_KIND_STRUCT || type->kind == IQ_KIND_UNION) && type->size)
			return t.type;
		return NULL;
	}
	if (!iq_object_at(c->k, address, &o) || !o.object || !o.slab.cache)
		return NULL;
	u = uses(c);
	*start = o.object;
	for (unsigned int i = 0; u && i < u->nr; i++)
		if (u->use[i].object == o.object)
			return u->use[i].type;
	for (unsigned int i = 0; u && i < u->nr; i++)
		if (u->use[i].cache == o.slab.cache->address)
			return u->use[i].type;
	return NULL;
}

const struct iq_type *iq_struct_at(struct iq_case *c, uint64_t address)
{
	uint64_t start;
	const struct iq_type *t = iq_object_type(c, address, &start);

	return t && start == address ? t : NULL;
}
