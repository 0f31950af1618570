// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All slabs and the states of their objects, so that any pointer is placed at once: the typegraph asks for
 * millions of them.
 */
#include "graph.h"

#include <stdlib.h>

#define MAX_SLABS (1u << 20)
#define MAX_OBJECTS (32u << 20)
#define MAX_NODES (8u << 20)

/* What is known of a cache. */
struct own {
	const struct iq_type *type; /* NULL: not known, or objects of more than one type */
	bool several;
	struct node *node; /* of one type that is not known by name */
};

/* Is it shared by all who want objects of a size?  kmalloc-…, and kmem_buckets_create()'s "name-SIZE". */
static bool is_general(const struct iq_cache *c)
{
	const char *dash = strrchr(c->name, '-');
	unsigned long n;
	char *end;

	if (strstr(c->name, "kmalloc-") || c->users > 1)
		return true;
	if (!dash || dash[1] < '0' || dash[1] > '9')
		return false;
	n = strtoul(dash + 1, &end, 10);
	return (*end == 'k' ? n << 10 : n) == c->object_size;
}

static struct own *own_of(struct graph *g, const struct iq_cache *c)
{
	struct own *o = iq_map_get(&g->own, c->address);

	if (o)
		return o;
	o = iq_arena_alloc(&g->arena, sizeof(*o));
	if (!o || !iq_map_put(&g->own, c->address, o))
		return NULL;
	o->several = is_general(c);
	if (!o->several)
		o->type = iq_cache_type(g->k, c);
	if (o->type)
		o->type = graph_type(g, o->type);
	return o;
}

const struct iq_type *graph_cache_type(struct graph *g, const struct iq_cache *c)
{
	const struct own *o = own_of(g, c);

	if (!o)
		return NULL;
	return o->type ? o->type : o->node ? o->node->type : NULL;
}

/* ---- Loading ------------------------------------------------------------------------------------ */

struct loading {
	struct graph *g;
	enum iq_object_state states[32768];
	bool full;
};

static bool add_slab(void *arg, const struct iq_slab *slab, enum iq_slab_where where,
		     unsigned int number)
{
	struct loading *x = arg;
	struct graph *g = x->g;
	uint64_t page = iq_dump_info(g->k->dump)->page_size, pfn, end, bytes;
	struct graph_slab *s;

	(void)where;
	(void)number;
	if (iq_cancelled(g->cancel))
		return false;
	if (slab->objects > IQ_ARRAY_SIZE(x->states) || !slab->objects ||
	    slab->memory < g->k->layout.page_offset)
		return true;
	if (g->nr_slabs >= MAX_SLABS || g->stats.objects + slab->objects > MAX_OBJECTS ||
	    !iq_grow(&g->slabs, &g->room_slabs, g->nr_slabs + 1, sizeof(*g->slabs))) {
		x->full = true;
		return false;
	}
	s = &g->slabs[g->nr_slabs];
	*s = (struct graph_slab){slab->cache, slab->memory + slab->cache->red_left_pad,
				 slab->objects, malloc(slab->objects), NULL};
	if (!s->states)
		return false;
	if (!iq_slab_states(g->k, slab, x->states, NULL) && slab->lists_ok)
		memset(x->states, 0, sizeof(x->states[0]) * slab->objects);
	for (unsigned int i = 0; i < slab->objects; i++)
		s->states[i] = (uint8_t)x->states[i];
	g->nr_slabs++;
	g->stats.slabs++;
	g->stats.objects += slab->objects;
	bytes = slab->objects * slab->cache->size;
	pfn = (slab->memory - g->k->layout.page_offset) / page;
	end = pfn + (bytes + page - 1) / page;
	/* The number of the slab, since the array moves while it grows. */
	for (; pfn < end; pfn++)
		if (!iq_map_put(&g->slab_of, pfn, (void *)(uintptr_t)g->nr_slabs))
			return false;
	return true;
}

struct iq_error *graph_load_slabs(struct graph *g)
{
	struct iq_cache *const *caches;
	struct loading *x;
	unsigned int i, nr, round;

	IQ_TRY(iq_caches(g->k, &caches, &nr));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->g = g;
	/* General caches first: if there are too many slabs, it is the others that tell the same again. */
	for (round = 0; round < 2; round++)
		for (i = 0; i < nr && !x->full && !iq_cancelled(g->cancel); i++) {
			const struct own *o = own_of(g, caches[i]);

			if (o && caches[i]->size && o->several == !round)
				iq_cache_slabs(g->k, caches[i], true, add_slab, x);
		}
	if (x->full)
		iq_warn(g->k->warnings,
			"there are more slabs than are looked at for types of objects");
	free(x);
	return NULL;
}

void graph_slabs_free(struct graph *g)
{
	for (unsigned int i = 0; i < g->nr_slabs; i++) {
		free(g->slabs[i].states);
		free(g->slabs[i].nodes);
	}
	free(g->slabs);
	iq_map_free(&g->slab_of);
}

/* ---- Look-up ------------------------------------------------------------------------------------ */

struct graph_slab *graph_slab_at(struct graph *g, uint64_t address, unsigned int *index,
				 uint64_t *object)
{
	uint64_t page = iq_dump_info(g->k->dump)->page_size, i;
	uintptr_t number;
	struct graph_slab *s;

	if (!g->nr_slabs || address < g->k->layout.page_offset ||
	    address >= g->k->layout.page_offset_end)
		return NULL;
	number = (uintptr_t)iq_map_get(&g->slab_of, (address - g->k->layout.page_offset) / page);
	if (!number)
		return NULL;
	s = &g->slabs[number - 1];
	i = address < s->memory ? 0 : (address - s->memory) / s->cache->size;
	if (i >= s->objects || address < s->memory + i * s->cache->size)
		return NULL;
	*index = (unsigned int)i;
	*object = s->memory + i * s->cache->size;
	return s;
}

static struct node *new_node(struct graph *g, const struct iq_cache *c, uint64_t address)
{
	struct node *n;

	if (g->nr_nodes >= MAX_NODES ||
	    !iq_grow(&g->nodes, &g->room_nodes, g->nr_nodes + 1, sizeof(*g->nodes)))
		return NULL;
	n = iq_arena_alloc(&g->arena, sizeof(*n));
	if (!n)
		return NULL;
	*n = (struct node){.address = address, .cache = c};
	g->nodes[g->nr_nodes++] = n;
	return n;
}

struct node *graph_node(struct graph *g, struct graph_slab *s, unsigned int index)
{
	struct own *o = own_of(g, s->cache);

	if (!o || o->type)
		return NULL;
	if (!o->several) {
		if (!o->node)
			o->node = new_node(g, s->cache, 0);
		return o->node;
	}
	if (!s->nodes)
		s->nodes = calloc(s->objects, sizeof(struct node *));
	if (!s->nodes)
		return NULL;
	if (!s->nodes[index])
		s->nodes[index] = new_node(g, s->cache, s->memory + index * s->cache->size);
	return s->nodes[index];
}
