// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What of a type the typegraph needs: where its pointers are and what to, which members can be
 * checked, what it contains and what contains it.
 */
#include "graph.h"

#include <stdlib.h>

#define MAX_OPS 4096
#define MAX_NESTING 12
#define MAX_ELEMENTS 512 /* of an array that are looked at */
#define MAX_VISITS 2000 /* members, in search of one that contains an offset */
#define MAX_PARTS 400 /* structs within a struct */
#define MIN_PART 16 /* bytes of a struct within another by which it is found */
#define MAX_TYPES 400000 /* that are looked at for what they contain */

static uint64_t mix(uint64_t a, uint64_t b)
{
	a ^= b * UINT64_C(0x9e3779b97f4a7c15);
	a ^= a >> 29;
	return a * UINT64_C(0xbf58476d1ce4e5b9) + 1;
}

/* Never whole objects: they are in the midst of what they link, lock or time. */
bool graph_is_link(const struct iq_type *t)
{
	static const char *const names[] = {
		"list_head",
		"hlist_head",
		"hlist_node",
		"hlist_nulls_head",
		"hlist_nulls_node",
		"hlist_bl_head",
		"hlist_bl_node",
		"rb_node",
		"rb_root",
		"rb_root_cached",
		"llist_node",
		"llist_head",
		"plist_node",
		"plist_head",
		"callback_head",
		"rcu_head",
		"timerqueue_node",
		"timerqueue_head",
		"wait_queue_entry",
		"wait_queue_head",
		"klist_node",
		"spinlock",
		"raw_spinlock",
		"mutex",
		"rw_semaphore",
		"work_struct",
		"delayed_work",
		"timer_list",
		"hrtimer",
		"completion",
		"kref",
		"lockref",
		"refcount_struct",
		"swait_queue_head",
		"rcu_work",
		"irq_work",
		"__call_single_node",
		"__call_single_data",
	};

	if (t->kind != IQ_KIND_STRUCT)
		return false;
	for (size_t i = 0; i < IQ_ARRAY_SIZE(names); i++)
		if (!strcmp(t->name, names[i]))
			return true;
	return false;
}

/* The definition of a struct that its source only declares: a module's. */
static const struct iq_type *complete(struct graph *g, const struct iq_type *t)
{
	static const struct iq_type none;
	uint64_t key = iq_hash_str(t->name);
	const struct iq_type *found = iq_map_get(&g->completed, key);
	char name[160];

	if (!found) {
		snprintf(name, sizeof(name), "%s %s",
			 t->kind == IQ_KIND_INCOMPLETE_UNION ? "union" : "struct", t->name);
		found = iq_kernel_type(g->k, name, NULL);
		if (!found || (found->kind != IQ_KIND_STRUCT && found->kind != IQ_KIND_UNION))
			found = &none;
		if (!iq_map_put(&g->completed, key, (void *)found))
			return t;
	}
	return found == &none ? t : found;
}

const struct iq_type *graph_type(struct graph *g, const struct iq_type *t)
{
	const struct iq_type *same;
	uint64_t key;

	t = iq_type_strip(t);
	if (t->kind == IQ_KIND_INCOMPLETE_STRUCT || t->kind == IQ_KIND_INCOMPLETE_UNION)
		t = complete(g, t);
	if (!t->name[0] || (t->kind != IQ_KIND_STRUCT && t->kind != IQ_KIND_UNION))
		return t;
	key = mix(iq_hash_str(t->name), t->size * 2 + (t->kind == IQ_KIND_UNION));
	same = iq_map_get(&g->canonical, key);
	if (same)
		return same;
	(void)!iq_map_put(&g->canonical, key, (void *)t);
	return t;
}

/* ---- Plans -------------------------------------------------------------------------------------- */

static struct op *add_op(struct plan *p, enum op_kind kind, uint64_t offset, unsigned int size,
			 bool weak)
{
	struct op *op;

	if (p->nr >= MAX_OPS || offset + size > p->size ||
	    !iq_grow(&p->ops, &p->room, p->nr + 1, sizeof(*p->ops)))
		return NULL;
	op = &p->ops[p->nr++];
	*op = (struct op){.offset = (uint32_t)offset,
			  .kind = (uint8_t)kind,
			  .size = (uint8_t)size,
			  .weak = weak};
	return op;
}

static void add_enum(struct plan *p, const struct iq_type *t, uint64_t offset, bool weak)
{
	const struct iq_enumerator *e;
	unsigned int i, nr;
	struct op *op;

	e = iq_type_enumerators(t, &nr);
	if (!nr || t->size != 4 || !(op = add_op(p, OP_ENUM, offset, 4, weak)))
		return;
	op->low = op->high = e[0].value;
	for (i = 1; i < nr; i++) {
		op->low = IQ_MIN(op->low, e[i].value);
		op->high = IQ_MAX(op->high, e[i].value);
	}
}

static void add_pointer(struct graph *g, struct plan *p, const struct iq_type *t, uint64_t offset,
			bool weak)
{
	const struct iq_type *target = graph_type(g, iq_type_target(t));
	struct op *op;

	if (target->kind == IQ_KIND_FUNCTION) {
		add_op(p, OP_FUNCTION, offset, 8, weak);
	} else if (target->kind == IQ_KIND_VOID) {
		add_op(p, OP_UNTYPED, offset, 8, weak);
	} else if (graph_is_link(target)) {
		add_op(p, OP_LINK, offset, 8, weak);
	} else {
		op = add_op(p, OP_POINTER, offset, 8, weak);
		if (op)
			op->target = target;
	}
}

static void add_type(struct graph *g, struct plan *p, const struct iq_type *t, uint64_t offset,
		     unsigned int depth, bool weak);

static void add_members(struct graph *g, struct plan *p, const struct iq_type *t, uint64_t offset,
			unsigned int depth, bool weak)
{
	const struct iq_member *m;
	unsigned int i, nr;

	m = iq_type_members(t, &nr);
	for (i = 0; i < nr && p->nr < MAX_OPS; i++)
		if (!m[i].bit_size)
			add_type(g, p, m[i].type, offset + m[i].bit_offset / 8, depth + 1,
				 weak || t->kind == IQ_KIND_UNION);
}

static void add_array(struct graph *g, struct plan *p, const struct iq_type *t, uint64_t offset,
		      unsigned int depth, bool weak)
{
	const struct iq_type *element = iq_type_target(t);
	unsigned int before = p->nr;
	uint64_t i;

	for (i = 0; i < IQ_MIN(t->count, MAX_ELEMENTS) && element->size; i++) {
		add_type(g, p, element, offset + i * element->size, depth + 1, weak);
		if (p->nr == before)
			return; /* nothing of interest in its elements */
	}
}

static void add_type(struct graph *g, struct plan *p, const struct iq_type *t, uint64_t offset,
		     unsigned int depth, bool weak)
{
	t = iq_type_strip(t);
	if (depth > MAX_NESTING || offset >= p->size)
		return;
	switch (t->kind) {
	case IQ_KIND_POINTER:
		add_pointer(g, p, t, offset, weak);
		break;
	case IQ_KIND_INT:
		if (t->encoding == IQ_ENC_BOOL && t->size == 1)
			add_op(p, OP_BOOL, offset, 1, weak);
		break;
	case IQ_KIND_ENUM:
		add_enum(p, t, offset, weak);
		break;
	case IQ_KIND_ARRAY:
		add_array(g, p, t, offset, depth, weak);
		break;
	case IQ_KIND_UNION:
		add_members(g, p, t, offset, depth, true);
		break;
	case IQ_KIND_STRUCT:
		if (!strcmp(t->name, "list_head") && t->size == 16)
			add_op(p, OP_LIST, offset, 16, weak);
		else if (!strcmp(t->name, "hlist_node") && t->size == 16)
			add_op(p, OP_HLIST_NODE, offset, 16, weak);
		else if (!strcmp(t->name, "refcount_struct") && t->size == 4)
			add_op(p, OP_COUNT, offset, 4, weak);
		else
			add_members(g, p, t, offset, depth, weak);
		if (t->name[0] && !weak)
			known_lists(g, p, t, offset);
		break;
	default:
		break;
	}
}

bool graph_is_mask(const struct iq_type *t)
{
	const struct iq_member *m;
	unsigned int nr;

	if (t->kind != IQ_KIND_STRUCT)
		return false;
	m = iq_type_members(t, &nr);
	return nr == 1 && m[0].type->kind == IQ_KIND_ARRAY;
}

/* Does it end with an array of unknown length? */
static bool is_open_ended(const struct iq_type *t)
{
	const struct iq_member *m;
	unsigned int nr, depth;

	for (depth = 0; depth < MAX_NESTING; depth++) {
		t = iq_type_strip(t);
		if (t->kind == IQ_KIND_ARRAY)
			return !t->count;
		if (t->kind != IQ_KIND_STRUCT && t->kind != IQ_KIND_UNION)
			return false;
		m = iq_type_members(t, &nr);
		if (!nr)
			return false;
		/* Of a union (struct_group(), DECLARE_FLEX_ARRAY()) any. */
		for (unsigned int i = 0; t->kind == IQ_KIND_UNION && i < nr; i++) {
			const struct iq_type *x = iq_type_strip(m[i].type);

			if (x->kind == IQ_KIND_ARRAY && !x->count)
				return true;
		}
		t = m[nr - 1].type;
	}
	return false;
}

struct plan *graph_plan(struct graph *g, const struct iq_type *t)
{
	struct plan *p;

	t = graph_type(g, t);
	if ((t->kind != IQ_KIND_STRUCT && t->kind != IQ_KIND_UNION) || !t->size ||
	    t->size > GRAPH_MAX_TYPE)
		return NULL;
	p = iq_map_get(&g->plans, (uintptr_t)t);
	if (p)
		return p;
	p = iq_arena_alloc(&g->arena, sizeof(*p));
	if (!p)
		return NULL;
	*p = (struct plan){
		.next = g->all_plans, .type = t, .size = t->size, .open_ended = is_open_ended(t)};
	add_type(g, p, t, 0, 0, false);
	known_privates(g, p);
	g->all_plans = p;
	return iq_map_put(&g->plans, (uintptr_t)t, p) ? p : NULL;
}

void graph_plans_free(struct graph *g)
{
	for (struct plan *p = g->all_plans; p; p = p->next)
		free(p->ops);
}

/* ---- Parts -------------------------------------------------------------------------------------- */

enum has { HAS_NOT, HAS_PERHAPS, HAS };

static enum has look_inside(struct graph *g, const struct iq_type *t, uint64_t offset,
			    const struct iq_type *part, unsigned int depth, unsigned int *visits)
{
	const struct iq_member *m;
	enum has best = HAS_NOT, one;
	unsigned int i, nr;

	t = graph_type(g, t);
	if (!offset && t == part)
		return HAS;
	if (depth > MAX_NESTING || ++*visits > MAX_VISITS)
		return HAS_PERHAPS;
	if (t->kind == IQ_KIND_ARRAY) {
		const struct iq_type *e = iq_type_strip(iq_type_target(t));

		/* Bytes in which somebody keeps what he likes: skb->cb. */
		if (e->kind == IQ_KIND_INT && e->size == 1)
			return HAS_PERHAPS;
		return e->size ? look_inside(g, e, offset % e->size, part, depth + 1, visits)
			       : HAS_PERHAPS;
	}
	if (t->kind == IQ_KIND_VOID || (t->kind == IQ_KIND_INT && part->kind == IQ_KIND_INT))
		return HAS_PERHAPS;
	if (t->kind == IQ_KIND_POINTER)
		return !offset && part->kind == IQ_KIND_POINTER ? HAS_PERHAPS : HAS_NOT;
	if (t->kind != IQ_KIND_STRUCT && t->kind != IQ_KIND_UNION)
		return HAS_NOT;
	m = iq_type_members(t, &nr);
	for (i = 0; i < nr && best != HAS; i++) {
		uint64_t at = m[i].bit_offset / 8;
		bool open = m[i].type->kind == IQ_KIND_ARRAY && !m[i].type->count;

		if (offset < at || (!open && offset >= at + IQ_MAX(m[i].type->size, 1)))
			continue;
		one = look_inside(g, m[i].type, offset - at, part, depth + 1, visits);
		best = IQ_MAX(best, one);
	}
	return best;
}

bool graph_has(struct graph *g, const struct iq_type *whole, uint64_t offset,
	       const struct iq_type *part)
{
	static char values[3];
	uint64_t key = mix(mix((uintptr_t)whole, (uintptr_t)part), offset);
	char *known = iq_map_get(&g->embeds, key);
	unsigned int visits = 0;
	enum has has;

	if (known)
		return known - values != HAS_NOT;
	/* Beyond its end: private data, elements of an array. */
	has = offset >= whole->size ? HAS_PERHAPS : look_inside(g, whole, offset, part, 0, &visits);
	(void)!iq_map_put(&g->embeds, key, &values[has]);
	return has != HAS_NOT;
}

/* ---- What contains it --------------------------------------------------------------------------- */

struct holder {
	struct holder *next;
	const struct iq_type *type;
};

struct holders {
	struct graph *g;
	const struct iq_type *whole;
	unsigned int parts;
};

static void note_holder(struct holders *h, const struct iq_type *part, uint64_t offset)
{
	uint64_t key = mix((uintptr_t)part, offset + 1);
	struct holder *first = iq_map_get(&h->g->holders, key), *new;

	if (first && first->type == h->whole)
		return;
	new = iq_arena_alloc(&h->g->arena, sizeof(*new));
	if (!new)
		return;
	*new = (struct holder){first, h->whole};
	(void)!iq_map_put(&h->g->holders, key, new);
}

static void note_parts(struct holders *h, const struct iq_type *t, uint64_t offset,
		       unsigned int depth)
{
	const struct iq_member *m;
	unsigned int i, nr;

	m = iq_type_members(t, &nr);
	for (i = 0; i < nr && h->parts < MAX_PARTS; i++) {
		const struct iq_type *part;
		uint64_t at = offset + m[i].bit_offset / 8;

		if (m[i].bit_size || m[i].type->size < MIN_PART)
			continue;
		part = graph_type(h->g, m[i].type);
		if ((part->kind != IQ_KIND_STRUCT && part->kind != IQ_KIND_UNION) ||
		    graph_is_link(part))
			continue;
		h->parts++;
		if (part->name[0])
			note_holder(h, part, at);
		if (depth < MAX_NESTING)
			note_parts(h, part, at, depth + 1);
	}
}

static void note_source(struct graph *g, struct iq_types *types, unsigned int *budget)
{
	uint32_t id = 0;

	while (*budget && !iq_cancelled(g->cancel) && (id = iq_types_next(types, id)) != 0) {
		const struct iq_type *t = iq_type_by_id(types, id);
		struct holders h = {.g = g};

		--*budget;
		if (!t || t->kind != IQ_KIND_STRUCT || !t->name[0] || t->size < MIN_PART ||
		    t->size > GRAPH_MAX_TYPE)
			continue;
		h.whole = graph_type(g, t);
		if (h.whole == t) /* the first of its name and size */
			note_parts(&h, t, 0, 0);
	}
}

static void make_holders(struct graph *g)
{
	unsigned int i, nr, budget = MAX_TYPES;
	struct iq_module *const *mods;
	struct iq_error *err;

	g->holders_made = true;
	if (iq_kernel_types(g->k))
		note_source(g, iq_kernel_types(g->k), &budget);
	err = iq_modules(g->k, &mods, &nr);
	for (i = 0; !err && i < nr; i++) {
		struct iq_types *t = iq_module_types(g->k, mods[i]);

		if (t && t != iq_kernel_types(g->k))
			note_source(g, t, &budget);
	}
	iq_error_free(err);
}

unsigned int graph_holders(struct graph *g, const struct iq_type *part, uint64_t offset,
			   uint64_t low, uint64_t high, const struct iq_type **ret,
			   unsigned int max)
{
	const struct holder *h;
	unsigned int nr = 0;

	if (!g->holders_made)
		make_holders(g);
	for (h = iq_map_get(&g->holders, mix((uintptr_t)part, offset + 1)); h && nr < max;
	     h = h->next)
		if (h->type->size > low && h->type->size <= high)
			ret[nr++] = h->type;
	return nr;
}
