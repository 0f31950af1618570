// SPDX-License-Identifier: GPL-2.0-or-later
/* Making the typegraph: following the pointers of everything that has a type, until nothing new is found. */
#include "graph.h"

#include <stdlib.h>

#define MAX_ROUNDS 200

struct making {
	struct graph *g;
	uint8_t *bytes; /* room for an object */
	size_t room;
};

/* All objects of the caches of one type; with ONLY, of that cache alone. */
static void follow_slabs(struct making *m, const struct iq_cache *only)
{
	struct graph *g = m->g;
	unsigned int i, k;

	for (i = 0; i < g->nr_slabs && !iq_cancelled(g->cancel); i++) {
		struct graph_slab *s = &g->slabs[i];
		const struct iq_type *t;
		struct plan *p;
		size_t len;

		if (only && s->cache != only)
			continue;
		t = graph_cache_type(g, s->cache);
		p = t ? graph_plan(g, t) : NULL;
		if (!p || !p->nr)
			continue;
		len = IQ_MIN(p->size, s->cache->object_size);
		for (k = 0; k < s->objects; k++) {
			uint64_t address = s->memory + k * s->cache->size;

			if (s->states[k] == IQ_OBJECT_ALLOCATED &&
			    !iq_vm_read(g->k->vm, address, m->bytes, len, NULL))
				graph_follow(g, p, address, m->bytes, len, true);
		}
	}
}

/* What the cache's name and the content of an object of a general cache say. */
static void look_at_object(struct making *m, struct graph_slab *s, unsigned int index,
			   const struct iq_type *name)
{
	struct node found = {.address = s->memory + index * s->cache->size, .cache = s->cache}, *n;
	size_t len = IQ_MIN(s->cache->object_size, GRAPH_LOOK);

	if (!iq_vm_read(m->g->k->vm, found.address, m->bytes, len, NULL))
		known_marks(m->g, &found, m->bytes, len);
	if (name)
		graph_say(m->g, &found, name, 0, false, NULL, 0, 0, "its cache's name");
	n = found.nr ? graph_node(m->g, s, index) : NULL;
	for (unsigned int i = 0; n && i < found.nr; i++) {
		const struct evidence *e = &found.evidence[i];

		graph_say(m->g, n, e->type, e->offset, e->strong, NULL, 0, 0, e->text);
	}
}

static void look_at_objects(struct making *m)
{
	struct graph *g = m->g;
	unsigned int i, k;

	for (i = 0; i < g->nr_slabs && !iq_cancelled(g->cancel); i++) {
		struct graph_slab *s = &g->slabs[i];
		const struct iq_type *name;

		if (graph_cache_type(g, s->cache))
			continue;
		name = s->cache->users > 1 ? iq_cache_type(g->k, s->cache) : NULL;
		name = name ? graph_type(g, name) : NULL;
		for (k = 0; k < s->objects; k++)
			if (s->states[k] == IQ_OBJECT_ALLOCATED)
				look_at_object(m, s, k, name);
	}
}

static void follow_places(struct making *m)
{
	struct graph *g = m->g;
	struct judgement j;

	for (; g->next_place < g->nr_places && !iq_cancelled(g->cancel); g->next_place++) {
		struct place x = g->places[g->next_place];

		if (x.plan->size > m->room ||
		    iq_vm_read(g->k->vm, x.address, m->bytes, x.plan->size, NULL))
			continue;
		graph_judge(g, x.plan, x.address, m->bytes, x.plan->size, &j);
		if (x.certain || (j.good && (!j.bad || (j.bad == 1 && j.good >= 4)))) {
			g->stats.others++;
			graph_follow(g, x.plan, x.address, m->bytes, x.plan->size, true);
		}
	}
}

static bool decide(struct making *m, struct node *n)
{
	struct graph *g = m->g;
	const struct iq_type *before = n->type;
	enum iq_confidence confidence = n->confidence;
	size_t len = IQ_MIN(n->cache->object_size, m->room);
	struct plan *p;

	if (n->address && iq_vm_read(g->k->vm, n->address, m->bytes, len, NULL))
		return false;
	if (!graph_decide(g, n, n->address ? m->bytes : NULL, n->address ? len : 0))
		return before != NULL;
	if (before == n->type && confidence == n->confidence)
		return false;
	p = graph_plan(g, n->type);
	if (!p || !p->nr)
		return true;
	if (!n->address)
		follow_slabs(m, n->cache);
	else
		graph_follow(g, p, n->address, m->bytes, IQ_MIN(len, p->size),
			     n->confidence >= IQ_CONFIDENCE_LIKELY);
	return true;
}

static bool decide_all(struct making *m)
{
	struct graph *g = m->g;
	bool any = false;

	for (unsigned int i = 0; i < g->nr_nodes && !iq_cancelled(g->cancel); i++) {
		struct node *n = g->nodes[i];

		if (!n->queued)
			continue;
		n->queued = false;
		any |= decide(m, n);
	}
	return any;
}

/* ---- Members without a type --------------------------------------------------------------------- */

/* What PENDING leads to is typed by now: its member leads to such things. */
static void learn_pending(struct graph *g, const struct pending *x)
{
	unsigned int index;
	uint64_t object;
	struct graph_slab *s = graph_slab_at(g, x->to, &index, &object);
	struct node *n = s ? graph_node(g, s, index) : NULL;

	if (n && n->type && n->confidence >= IQ_CONFIDENCE_LIKELY)
		graph_learn(x->op, n->type, (uint32_t)(x->to - object));
}

static const struct iq_type *expected(struct graph *g, const struct pending *x,
				      const struct node *n, uint32_t offset)
{
	const struct iq_type *found = NULL;
	uint64_t low, high;

	graph_class(n->cache, &low, &high);
	for (unsigned int i = 0; i < OP_LEADS && x->op->lead[i].to; i++) {
		const struct lead *l = &x->op->lead[i];
		const struct plan *p = graph_plan(g, l->to);

		if (l->offset != offset || l->to->size > high || !p ||
		    (l->to->size <= low && !p->open_ended))
			continue;
		if (found)
			return NULL;
		found = l->to;
	}
	return x->op->crowded ? NULL : found;
}

static void use_pending(struct graph *g, const struct pending *x)
{
	unsigned int index, other;
	uint64_t object, from;
	struct graph_slab *s = graph_slab_at(g, x->to, &index, &object), *s2;
	struct node *n = s ? graph_node(g, s, index) : NULL;
	uint32_t offset = (uint32_t)(x->to - object);
	const struct iq_type *t;

	if (!n || n->type)
		return;
	t = expected(g, x, n, offset);
	/* A link of the same kind, at the same place of an object from the same cache: most likely one of the same list. */
	s2 = t ? NULL : graph_slab_at(g, x->from, &other, &from);
	if (s2 && s2->cache == s->cache && from == x->from && offset == x->op->offset &&
	    (x->op->kind == OP_LIST || x->op->kind == OP_HLIST_NODE || x->op->kind == OP_LINK))
		t = x->plan->type;
	if (t)
		graph_say(g, n, t, 0, false, x->plan->type, x->op->offset, x->from, NULL);
}

static bool by_leads(struct making *m)
{
	struct graph *g = m->g;
	unsigned int i, nr = g->nr_pending;

	for (i = 0; i < nr && !iq_cancelled(g->cancel); i++)
		learn_pending(g, &g->pending[i]);
	for (i = 0; i < nr && !iq_cancelled(g->cancel); i++)
		use_pending(g, &g->pending[i]);
	return decide_all(m);
}

/* ---- All together ------------------------------------------------------------------------------- */

static bool from_argument(void *arg, uint64_t object, const struct typed_object *o)
{
	struct graph *g = arg;
	unsigned int index;
	uint64_t start;
	struct graph_slab *s = graph_slab_at(g, object, &index, &start);
	struct node *n = s ? graph_node(g, s, index) : NULL;

	if (n && start == object && o->type)
		graph_say(g, n, graph_type(g, o->type), 0, o->confidence >= IQ_CONFIDENCE_LIKELY,
			  NULL, 0, 0, o->from);
	return true;
}

static void make(struct making *m)
{
	struct graph *g = m->g;
	unsigned int round;

	graph_roots(g);
	if (!g->typed)
		g->typed = typed_open(g->k);
	if (g->typed)
		typed_each(g->typed, from_argument, g);
	follow_slabs(m, NULL);
	look_at_objects(m);
	for (round = 0; round < MAX_ROUNDS && !iq_cancelled(g->cancel); round++) {
		follow_places(m);
		if (!decide_all(m) && g->next_place == g->nr_places && !by_leads(m))
			break;
	}
}

static void count(struct graph *g)
{
	unsigned int i, k;

	for (i = 0; i < g->nr_slabs; i++) {
		const struct graph_slab *s = &g->slabs[i];
		const struct iq_type *own = graph_cache_type(g, s->cache);

		for (k = 0; k < s->objects; k++)
			if (s->states[k] == IQ_OBJECT_ALLOCATED)
				*(own ? &g->stats.own : &g->stats.general) += 1;
	}
	for (i = 0; i < g->nr_nodes; i++) {
		const struct node *n = g->nodes[i];

		g->stats.reached += n->address && n->nr;
		g->stats.likely += n->address && n->type && n->confidence >= IQ_CONFIDENCE_LIKELY;
		g->stats.possible +=
			n->address && n->type && n->confidence == IQ_CONFIDENCE_POSSIBLE;
	}
}

struct iq_error *iq_typegraph_make(struct iq_kernel *k, const struct iq_cancel *cancel)
{
	struct graph *g = graph_of(k);
	struct making m = {.g = g, .room = GRAPH_MAX_TYPE};
	struct iq_error *err;

	if (!g)
		return iq_error_nomem();
	if (g->made)
		return NULL;
	g->made = true;
	g->cancel = cancel;
	m.bytes = malloc(m.room);
	if (!m.bytes)
		return iq_error_nomem();
	err = graph_load_slabs(g);
	if (!err)
		make(&m);
	free(m.bytes);
	count(g);
	/* What was said before knew less. */
	iq_map_free(&g->quick);
	g->quick = (struct iq_map){0};
	g->nr_kept = 0;
	if (!err && iq_cancelled(cancel))
		err = iq_error_new(IQ_E_INTERRUPTED,
				   "interrupted while types of objects were looked for");
	g->cancel = NULL;
	return err;
}
