// SPDX-License-Identifier: GPL-2.0-or-later
/* Types of objects: see typegraph.h.  What is asked of the graph, and what is told without it. */
#include "graph.h"

#include <stdlib.h>

#define MAX_KEPT 200000 /* answers */
#define MAX_BACK 48 /* objects that are asked whether they point back */

	static void
	graph_free(void *memory)
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
	snprintf(text, sizeof(text), "%s.%s of 0x%lx", e->from_type->name, member,
		 (unsigned long)e->from);
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

	if (!p || q->state != IQ_OBJECT_ALLOCATED ||
	    iq_vm_read(g->k->vm, q->object, bytes, len, NULL))
		return;
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct op *op = &p->ops[i];

		if (op->kind != OP_POINTER || op->offset + 8 > len)
			continue;
		v = iq_le64(bytes + op->offset);
		if (v - n->address < size)
			graph_say(g, n, op->target, (uint32_t)(v - n->address), !op->weak, t,
				  op->offset, q->object, NULL);
	}
}

/* Types of the objects that O points to are known: which of them point back, and as what? */
static bool by_back_pointers(struct graph *g, const struct iq_object *o, struct iq_typing *ret)
{
	const struct iq_layout *l = &g->k->layout;
	size_t len = IQ_MIN(o->slab.cache->object_size, GRAPH_LOOK), i;
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
	const struct iq_type *own =
		o->slab.cache->users > 1 ? iq_cache_type(g->k, o->slab.cache) : NULL;

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
	/* The same whether the graph was made or not, if it is likely without. */
	if (by_arguments(g, o, ret) && ret->confidence >= IQ_CONFIDENCE_LIKELY)
		return true;
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

void iq_typegraph_each(struct iq_kernel *k, bool (*fn)(void *arg, const struct iq_typing *t),
		       void *arg)
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
