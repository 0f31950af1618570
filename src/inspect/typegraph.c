// SPDX-License-Identifier: GPL-2.0-or-later
/* Types of objects: see typegraph.h.  Making the graph, and asking it. */
#include "graph.h"

#include <stdlib.h>

#define MAX_ROUNDS 200
#define MAX_KEPT 200000 /* answers */
#define MAX_LOOK 4096	/* bytes of an object that are searched for pointers to those that point back */
#define MAX_BACK 48	/* objects that are asked whether they point back */

static void graph_free(void *memory)
{
	struct graph *g = memory;

	typed_close(g->typed);
	graph_slabs_free(g);
	graph_plans_free(g);
	iq_map_free(&g->quick);
	iq_map_free(&g->own);
	iq_map_free(&g->plans);
	iq_map_free(&g->canonical);
	iq_map_free(&g->completed);
	iq_map_free(&g->embeds);
	iq_map_free(&g->holders);
	iq_map_free(&g->visited);
	iq_map_free(&g->marks);
	free(g->places);
	free(g->nodes);
	free(g->pending);
	iq_arena_free(&g->arena);
	free(g);
}

struct graph *graph_of(struct iq_kernel *k)
{
	struct graph *g = k->inspect_memory;
	const struct iq_cpu *cpus;
	unsigned int nr;

	if (g)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	g->k = k;
	cpus = iq_kernel_cpus(k, &nr);
	g->percpu_base = nr ? cpus[0].percpu_offset : 0;
	k->inspect_memory = g;
	k->inspect_memory_free = graph_free;
	return g;
}

/* ---- Making it ---------------------------------------------------------------------------------- */

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
static void look_at_object(struct making *m, struct graph_slab *s, unsigned int index, const struct iq_type *name)
{
	struct node found = {.address = s->memory + index * s->cache->size, .cache = s->cache}, *n;
	size_t len = IQ_MIN(s->cache->object_size, MAX_LOOK);

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

		if (x.plan->size > m->room || iq_vm_read(g->k->vm, x.address, m->bytes, x.plan->size, NULL))
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

static const struct iq_type *expected(struct graph *g, const struct pending *x, const struct node *n,
				      uint32_t offset)
{
	const struct iq_type *found = NULL;
	uint64_t low, high;

	graph_class(n->cache, &low, &high);
	for (unsigned int i = 0; i < OP_LEADS && x->op->lead[i].to; i++) {
		const struct lead *l = &x->op->lead[i];
		const struct plan *p = graph_plan(g, l->to);

		if (l->offset != offset || l->to->size > high || !p || (l->to->size <= low && !p->open_ended))
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
		graph_say(g, n, graph_type(g, o->type), 0, o->confidence >= IQ_CONFIDENCE_LIKELY, NULL, 0, 0,
			  o->from);
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
		g->stats.possible += n->address && n->type && n->confidence == IQ_CONFIDENCE_POSSIBLE;
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
		err = iq_error_new(IQ_E_INTERRUPTED, "interrupted while types of objects were looked for");
	g->cancel = NULL;
	return err;
}

bool iq_typegraph_made(struct iq_kernel *k)
{
	const struct graph *g = k->inspect_memory;

	return g && g->made;
}

void iq_typegraph_stats(struct iq_kernel *k, struct iq_typegraph_stats *ret)
{
	const struct graph *g = graph_of(k);

	*ret = g ? g->stats : (struct iq_typegraph_stats){0};
}

/* ---- Asking it ---------------------------------------------------------------------------------- */

static const char *reason(struct graph *g, const struct evidence *e)
{
	char member[128], text[320];

	if (!e)
		return NULL;
	if (e->text)
		return e->text;
	iq_member_path(e->from_type, e->from_offset, member, sizeof(member));
	snprintf(text, sizeof(text), "%s.%s of 0x%lx", e->from_type->name, member, (unsigned long)e->from);
	return iq_arena_strdup(&g->arena, text);
}

static void answer(struct graph *g, const struct node *n, struct iq_typing *ret)
{
	ret->type = n->type;
	ret->confidence = n->confidence;
	ret->from = reason(g, n->why);
}

/* What Q, which O points to, says of O, if it points back. */
static void ask_back(struct graph *g, struct node *n, const struct iq_object *q, uint8_t *bytes)
{
	const struct iq_type *t = graph_cache_type(g, q->slab.cache);
	struct plan *p = t ? graph_plan(g, t) : NULL;
	uint64_t v, size = n->cache->size;
	size_t len = p ? IQ_MIN(p->size, q->slab.cache->object_size) : 0;

	if (!p || q->state != IQ_OBJECT_ALLOCATED || iq_vm_read(g->k->vm, q->object, bytes, len, NULL))
		return;
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct op *op = &p->ops[i];

		if (op->kind != OP_POINTER || op->offset + 8 > len)
			continue;
		v = iq_le64(bytes + op->offset);
		if (v - n->address < size)
			graph_say(g, n, op->target, (uint32_t)(v - n->address), !op->weak, t, op->offset,
				  q->object, NULL);
	}
}

/* Types of the objects that O points to are known: which of them point back, and as what? */
static bool by_back_pointers(struct graph *g, const struct iq_object *o, struct iq_typing *ret)
{
	const struct iq_layout *l = &g->k->layout;
	size_t len = IQ_MIN(o->slab.cache->object_size, MAX_LOOK), i;
	struct node n = {.address = o->object, .cache = o->slab.cache};
	uint8_t *bytes = malloc(len + GRAPH_MAX_TYPE);
	unsigned int asked = 0;
	struct iq_object q;
	bool found = false;

	if (bytes && !iq_vm_read(g->k->vm, o->object, bytes, len, NULL)) {
		known_marks(g, &n, bytes, len);
		for (i = 0; i + 8 <= len && asked < MAX_BACK; i += 8) {
			uint64_t v = iq_le64(bytes + i);

			if (v < l->page_offset || v >= l->page_offset_end || v - o->object < len ||
			    !iq_object_at(g->k, v, &q))
				continue;
			asked++;
			ask_back(g, &n, &q, bytes + len);
		}
		found = n.nr && graph_decide(g, &n, bytes, len);
	}
	free(bytes);
	if (found)
		answer(g, &n, ret);
	return found;
}

static bool by_graph(struct graph *g, const struct iq_object *o, struct iq_typing *ret)
{
	unsigned int index;
	uint64_t object;
	struct graph_slab *s = graph_slab_at(g, o->object, &index, &object);
	const struct node *n = s && s->nodes && object == o->object ? s->nodes[index] : NULL;

	if (!n || !n->type)
		return false;
	answer(g, n, ret);
	return true;
}

static bool by_arguments(struct graph *g, const struct iq_object *o, struct iq_typing *ret)
{
	const struct typed_object *t;

	if (!g->typed)
		g->typed = typed_open(g->k);
	t = g->typed ? typed_find(g->typed, o->object) : NULL;
	if (!t || !t->type)
		return false;
	ret->type = t->type;
	ret->confidence = t->confidence;
	ret->from = t->from;
	return true;
}

/* Nothing in O speaks against T, and something for it. */
static bool looks_like(struct graph *g, const struct iq_object *o, const struct iq_type *t)
{
	struct plan *p = graph_plan(g, t);
	size_t len = p ? IQ_MIN(p->size, o->slab.cache->object_size) : 0;
	uint8_t *bytes = len ? malloc(len) : NULL;
	struct judgement j = {0};

	if (bytes && !iq_vm_read(g->k->vm, o->object, bytes, len, NULL))
		graph_judge(g, p, o->object, bytes, len, &j);
	free(bytes);
	return j.good >= 2 && !j.bad;
}

/* Merged caches: it is one of several types, of which only one has a name here. */
static bool by_name(struct graph *g, const struct iq_object *o, struct iq_typing *ret)
{
	const struct iq_type *own = o->slab.cache->users > 1 ? iq_cache_type(g->k, o->slab.cache) : NULL;

	if (!own || o->state != IQ_OBJECT_ALLOCATED || !looks_like(g, o, own))
		return false;
	ret->type = own;
	ret->confidence = IQ_CONFIDENCE_POSSIBLE;
	return true;
}

static bool find(struct graph *g, const struct iq_object *o, struct iq_typing *ret)
{
	const struct iq_type *own = graph_cache_type(g, o->slab.cache);

	if (own) {
		ret->type = own;
		ret->confidence = IQ_CONFIDENCE_LIKELY;
		return true;
	}
	return (g->made && by_graph(g, o, ret)) || by_arguments(g, o, ret) ||
	       (o->state == IQ_OBJECT_ALLOCATED && !g->made && by_back_pointers(g, o, ret)) ||
	       by_name(g, o, ret);
}

bool iq_type_of_object(struct iq_kernel *k, const struct iq_object *o, struct iq_typing *ret)
{
	struct graph *g = o->slab.cache ? graph_of(k) : NULL;
	struct iq_typing *kept, t = {0};

	if (!g || !o->object)
		return false;
	kept = iq_map_get(&g->quick, o->object);
	if (kept) {
		*ret = *kept;
		return ret->type;
	}
	t.object = o->object;
	t.size = o->slab.cache->object_size;
	if (!find(g, o, &t))
		t.type = NULL;
	*ret = t;
	if (g->nr_kept < MAX_KEPT && (kept = iq_arena_alloc(&g->arena, sizeof(*kept)))) {
		*kept = t;
		g->nr_kept += iq_map_put(&g->quick, o->object, kept);
	}
	return ret->type;
}

bool iq_type_at(struct iq_kernel *k, uint64_t address, struct iq_typing *ret)
{
	struct iq_object o;

	return iq_object_at(k, address, &o) && iq_type_of_object(k, &o, ret);
}

void iq_typegraph_each(struct iq_kernel *k, bool (*fn)(void *arg, const struct iq_typing *t), void *arg)
{
	struct graph *g = graph_of(k);

	for (unsigned int i = 0; g && i < g->nr_nodes; i++) {
		const struct node *n = g->nodes[i];
		struct iq_typing t = {.object = n->address, .size = n->cache->object_size};

		if (!n->type || !n->address)
			continue;
		answer(g, n, &t);
		if (!fn(arg, &t))
			return;
	}
}
