/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of objects: what inspect concludes from caches and pointers, and beyond that what functions on the stack were
 * given: a pointer that is passed to a function of known prototype is what that one takes it for, and so are
 * the other objects of a cache that is not one of kmalloc()'s.  If a module on the stack has one struct only of the
 * size of such a cache's objects, and the object looks like one, it is taken to be that.
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

/* A cache of one purpose. */
static bool is_special(const struct iq_cache *cache)
{
	return !(cache->debug & IQ_CACHE_KMALLOC) && strncmp(cache->name, "kmalloc", 7) &&
	       cache->users <= 1;
}

static void add_use(struct iq_case *c, const struct iq_passed *p)
{
	struct iq_uses *u = c->uses;
	const struct iq_type *to = iq_pointed_to(p->type);
	struct iq_object o;

	/* Of an object's first member the type would be a smaller one. */
	if (!to || u->nr == USES_MAX || !iq_object_at(c->k, p->value, &o) || o.object != p->value ||
	    !o.slab.cache || to->size > o.slab.cache->object_size ||
	    2 * to->size < o.slab.cache->object_size)
		return;
	for (unsigned int i = 0; i < u->nr; i++) {
		if (u->use[i].object != o.object)
			continue;
		/* Two opinions: the larger contains the smaller, if anything. */
		if (iq_type_strip(u->use[i].type)->size < to->size)
			u->use[i].type = to;
		return;
	}
	u->use[u->nr++] =
		(struct use){.object = o.object,
			     .cache = is_special(o.slab.cache) ? o.slab.cache->address : 0,
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

/* ---- By size -------------------------------------------------------------------------------------- */

/* Members that are pointers lead somewhere, but for one. */
static bool looks_like(struct iq_case *c, const struct iq_type *t, uint64_t object)
{
	unsigned int nr, good = 0, bad = 0;
	const struct iq_member *m = iq_type_members(t, &nr);

	for (unsigned int i = 0; m && i < nr && i < 64; i++) {
		const struct iq_type *mt = iq_type_strip(m[i].type);
		bool list = mt->kind == IQ_KIND_STRUCT && !strcmp(mt->name, "list_head");
		uint64_t v;

		if ((mt->kind != IQ_KIND_POINTER && !list) ||
		    iq_vm_read_uint(c->k->vm, object + m[i].bit_offset / 8, 8, &v) || !v)
			continue;
		if (iq_is_garbage(c, v))
			bad++;
		else
			good++;
	}
	return good > bad && bad <= 1;
}

/* This object, or one of those behind and in front of it in its slab, which are not all damaged. */
static bool fits(struct iq_case *c, const struct iq_type *t, const struct iq_object *o)
{
	uint64_t size = o->slab.cache->size, end = o->slab.memory + size * o->slab.objects;

	for (int i = -2; size && i <= 2; i++) {
		uint64_t at = o->object + (uint64_t)((int64_t)size * i);

		if (at >= o->slab.memory && at < end && looks_like(c, t, at))
			return true;
	}
	return false;
}

/* The only struct of its own that a module on the stack has of the size of O's cache. */
static const struct iq_type *by_size(struct iq_case *c, const struct iq_object *o)
{
	const struct iq_type *found = NULL;
	const char *asked = NULL;

	for (unsigned int i = 0; i < c->trace.nr && i < 64; i++) {
		const char *name =
			c->trace.frames[i].symbol.name ? c->trace.frames[i].symbol.module : NULL;
		struct iq_module *m = name && name != asked ? iq_module_by_name(c->k, name) : NULL;
		struct iq_types *types = m ? iq_module_types(c->k, m) : NULL;

		asked = name ? name : asked;
		if (!types || types == iq_kernel_types(c->k) || !iq_kernel_types(c->k))
			continue;
		for (uint32_t id = iq_types_next(types, 0), n = 0; id && n < 20000;
		     id = iq_types_next(types, id), n++) {
			const struct iq_type *t = iq_type_by_id(types, id);

			if (!t || t->kind != IQ_KIND_STRUCT ||
			    t->size != o->slab.cache->object_size || !t->name[0] || !fits(c, t, o))
				continue;
			if (found && strcmp(found->name, t->name))
				return NULL;
			found = t;
		}
	}
	return found;
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
	return is_special(o.slab.cache) ? by_size(c, &o) : NULL;
}

const struct iq_type *iq_struct_at(struct iq_case *c, uint64_t address)
{
	uint64_t start;
	const struct iq_type *t = iq_object_type(c, address, &start);

	return t && start == address ? t : NULL;
}
