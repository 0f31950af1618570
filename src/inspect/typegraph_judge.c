// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which type an object has, of those that others say it has: by its size, by whether all that is said of it
 * goes together, and by what is in it.
 */
#include "graph.h"

#include <stdlib.h>

#define MAX_CANDIDATES 48
#define POISON_MASK 0xffffffff00000000
#define POISON 0xdead000000000000

/* ---- Does it look like one? --------------------------------------------------------------------- */

static bool is_kernel(struct graph *g, uint64_t a)
{
	return g->k->arch->vm->canonical(&g->k->layout, a) &&
	       g->k->arch->vm->is_kernel(&g->k->layout, a);
}

static bool is_mapped(struct graph *g, uint64_t a)
{
	uint64_t pa;

	return !iq_vm_translate(g->k->vm, a, &pa, NULL) &&
	       pa / iq_dump_info(g->k->dump)->page_size < iq_dump_info(g->k->dump)->max_pfn;
}

static void judge_pointer(struct graph *g, const struct op *op, uint64_t value, struct judgement *j)
{
	const struct iq_type *t = op->target, *own;
	struct graph_slab *s;
	unsigned int index;
	uint64_t object;

	if (!value || value >= (uint64_t)-4095) /* NULL, ERR_PTR */
		return;
	if (!is_kernel(g, value)) {
		bool percpu = g->percpu_base && value >= 4096 &&
			      is_kernel(g, value + g->percpu_base) &&
			      is_mapped(g, value + g->percpu_base);

		if (value == 16 || percpu || (value & POISON_MASK) == POISON)
			return; /* ZERO_SIZE_PTR */
		/* Pointers to user space look like any other. */
		j->bad += value < 4096 || !g->k->arch->vm->canonical(&g->k->layout, value);
		return;
	}
	s = graph_slab_at(g, value, &index, &object);
	if (!s) {
		if (is_mapped(g, value))
			j->good++;
		else
			j->bad++;
		return;
	}
	own = graph_cache_type(g, s->cache);
	if (t->kind != IQ_KIND_STRUCT || s->states[index] != IQ_OBJECT_ALLOCATED)
		return;
	if (own && graph_has(g, own, value - object, t))
		j->good += 2;
	else if (own || (value - object + t->size > s->cache->size && !graph_is_mask(t)))
		j->bad++;
	else
		j->good++;
}

/* struct list_head: its neighbours point back.  Zeros: never initialised. */
static void judge_list(struct graph *g, uint64_t self, const uint8_t *at, struct judgement *j)
{
	uint64_t next = iq_le64(at), prev = iq_le64(at + 8), back, forth;

	if ((!next && !prev) || (next & POISON_MASK) == POISON || (prev & POISON_MASK) == POISON)
		return;
	if (!iq_vm_read_uint(g->k->vm, next + 8, 8, &back) &&
	    !iq_vm_read_uint(g->k->vm, prev, 8, &forth) && back == self && forth == self)
		j->good += 2;
	else
		j->bad++;
}

static void judge_hlist(struct graph *g, uint64_t self, const uint8_t *at, struct judgement *j)
{
	uint64_t next = iq_le64(at), pprev = iq_le64(at + 8), forth;

	if (!pprev || (pprev & POISON_MASK) == POISON || (next & POISON_MASK) == POISON)
		return;
	if (!iq_vm_read_uint(g->k->vm, pprev, 8, &forth) && (forth & ~UINT64_C(1)) == self)
		j->good += 2;
	else
		j->bad++;
}

void graph_judge(struct graph *g, const struct plan *p, uint64_t address, const uint8_t *bytes,
		 size_t len, struct judgement *j)
{
	*j = (struct judgement){0};
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct op *op = &p->ops[i];
		const uint8_t *at = bytes + op->offset;
		int64_t v;

		if (op->weak || op->offset + op->size > len)
			continue;
		switch (op->kind) {
		case OP_POINTER:
			judge_pointer(g, op, iq_le64(at), j);
			break;
		case OP_FUNCTION:
			if (iq_le64(at) && iq_is_text(g->k, iq_le64(at)))
				j->good += 2;
			else
				j->bad += iq_le64(at) != 0;
			break;
		case OP_LINK:
			if (iq_le64(at) && !(iq_le64(at) & 1) &&
			    (iq_le64(at) & POISON_MASK) != POISON)
				j->bad += !is_kernel(g, iq_le64(at)) || !is_mapped(g, iq_le64(at));
			break;
		case OP_LIST:
			judge_list(g, address + op->offset, at, j);
			break;
		case OP_HLIST_NODE:
			judge_hlist(g, address + op->offset, at, j);
			break;
		case OP_BOOL:
			j->bad += *at > 1;
			break;
		case OP_ENUM:
			v = op->low < 0 ? (int64_t)(int32_t)iq_le32(at) : (int64_t)iq_le32(at);
			/* Flags are combined. */
			j->bad += v < IQ_MIN(op->low, 0) || (v > op->high && v > 2 * op->high + 1);
			break;
		case OP_COUNT:
			v = (int32_t)iq_le32(at);
			j->good += v > 0 && v < 4096;
			j->bad += v < 0 || v > 1 << 28;
			break;
		default:
			break;
		}
	}
}

/* ---- Sizes -------------------------------------------------------------------------------------- */

void graph_class(const struct iq_cache *c, uint64_t *low, uint64_t *high)
{
	*high = c->object_size;
	if (!strstr(c->name, "kmalloc-") && !strstr(c->name, "memdup_user-") &&
	    !strstr(c->name, "msg_msg-"))
		*low = c->object_size - IQ_MIN(c->object_size, c->users > 1 ? 64 : 8);
	else if (*high == 96)
		*low = 64;
	else if (*high == 128)
		*low = 96;
	else if (*high == 192)
		*low = 128;
	else if (*high == 256)
		*low = 192;
	else
		*low = *high == 8 ? 0 : *high / 2;
}

/* ---- Deciding ----------------------------------------------------------------------------------- */

struct candidate {
	const struct iq_type *type;
	const struct evidence *why;
	unsigned int good, bad, support, conflicts;
	bool strong;
};

struct decision {
	struct graph *g;
	struct node *n;
	const uint8_t *bytes; /* NULL: not one object but all of a cache */
	size_t len;
	uint64_t low, high;
	struct candidate list[MAX_CANDIDATES];
	unsigned int nr;
};

static bool fits(struct decision *d, const struct iq_type *t)
{
	struct plan *p;

	if (t->size > d->high || t->kind == IQ_KIND_INT)
		return false;
	if (t->size > d->low)
		return true;
	p = t->kind == IQ_KIND_STRUCT ? graph_plan(d->g, t) : NULL;
	return p && p->open_ended;
}

/* Take TYPE into account if nothing speaks against it. */
static void consider(struct decision *d, const struct iq_type *type, const struct evidence *why)
{
	struct candidate c = {.type = type, .why = why};
	struct plan *p = graph_plan(d->g, type);
	struct judgement j = {0};
	unsigned int i;

	for (i = 0; i < d->nr; i++)
		if (d->list[i].type == type)
			return;
	if (!p || d->nr == MAX_CANDIDATES)
		return;
	for (i = 0; i < d->n->nr; i++) {
		const struct evidence *e = &d->n->evidence[i];

		if (graph_has(d->g, type, e->offset, e->type)) {
			c.support += e->strong ? 2 : 1;
			c.strong |= e->strong;
		} else {
			c.conflicts += e->strong ? 2 : 1;
		}
	}
	if (d->bytes)
		graph_judge(d->g, p, d->n->address, d->bytes, d->len, &j);
	c.good = j.good;
	c.bad = j.bad;
	if (c.bad && !(c.bad == 1 && c.good >= 4))
		return;
	/* The name of caches that were merged is that of one of them. */
	if (d->bytes && c.good < 2 && !c.strong && why->text)
		return;
	d->list[d->nr++] = c;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (a->conflicts != b->conflicts)
		return a->conflicts < b->conflicts;
	if (a->bad != b->bad)
		return a->bad < b->bad;
	if (a->support != b->support)
		return a->support > b->support;
	if (a->good != b->good)
		return a->good > b->good;
	return a->type->size > b->type->size;
}

/* The best, if it is the only one or clearly better than the second. */
static const struct candidate *best_of(struct decision *d, bool direct)
{
	const struct candidate *best = NULL, *second = NULL;

	for (unsigned int i = 0; i < d->nr; i++) {
		const struct candidate *c = &d->list[i];

		if (!best || is_better(c, best)) {
			second = best;
			best = c;
		} else if (!second || is_better(c, second)) {
			second = c;
		}
	}
	if (!best || !second)
		return best;
	if (best->conflicts < second->conflicts || best->bad < second->bad)
		return best;
	/* One begins with the other: the larger one explains both. */
	if (direct && graph_has(d->g, best->type, 0, second->type))
		return best;
	if (best->support > second->support)
		return best;
	return best->good >= second->good + (direct ? 2 : 3) ? best : NULL;
}

static bool has_rest(const struct decision *d, uint64_t from)
{
	for (uint64_t i = from; d->bytes && i < d->len && i < d->high; i++)
		if (d->bytes[i])
			return true;
	return false;
}

static void set(struct decision *d, const struct iq_type *t, enum iq_confidence c,
		const struct evidence *why)
{
	d->n->type = t;
	d->n->confidence = c;
	d->n->why = why;
}

/* Something says that this is a T, and a T would be allocated from here. */
static bool decide_direct(struct decision *d)
{
	const struct iq_type *holders[MAX_CANDIDATES];
	const struct candidate *c, *first;
	enum iq_confidence confidence;
	struct candidate direct;
	unsigned int i, nr;

	d->nr = 0;
	for (i = 0; i < d->n->nr; i++) {
		const struct evidence *e = &d->n->evidence[i];

		if (!e->offset && e->type->kind == IQ_KIND_STRUCT && !graph_is_link(e->type) &&
		    fits(d, e->type))
			consider(d, e->type, e);
	}
	first = best_of(d, true);
	if (!first)
		return false;
	direct = *first;
	confidence = direct.bad || direct.conflicts || !direct.strong ? IQ_CONFIDENCE_POSSIBLE
								      : IQ_CONFIDENCE_LIKELY;
	/* It may be the beginning of something that is a little larger. */
	if (has_rest(d, direct.type->size) && !graph_plan(d->g, direct.type)->open_ended) {
		nr = graph_holders(d->g, direct.type, 0, direct.type->size, d->high, holders,
				   MAX_CANDIDATES);
		d->nr = 0;
		for (i = 0; i < nr; i++)
			consider(d, holders[i], direct.why);
		c = best_of(d, false);
		if (c && c->good > direct.good + 1 && c->bad <= direct.bad) {
			set(d, c->type, IQ_CONFIDENCE_POSSIBLE, direct.why);
			return true;
		}
		if (d->nr)
			confidence = IQ_CONFIDENCE_POSSIBLE;
	}
	set(d, direct.type, confidence, direct.why);
	return true;
}

/* Something says that a part of this is a T: of the types that have one there, is there one that it can be? */
static bool decide_by_parts(struct decision *d)
{
	const struct iq_type *holders[MAX_CANDIDATES];
	const struct candidate *c;
	unsigned int i, k, nr;

	d->nr = 0;
	for (i = 0; i < d->n->nr; i++) {
		const struct evidence *e = &d->n->evidence[i];

		if (e->type->kind != IQ_KIND_STRUCT || graph_is_link(e->type))
			continue;
		nr = graph_holders(d->g, e->type, e->offset, d->low, d->high, holders,
				   MAX_CANDIDATES);
		for (k = 0; k < nr; k++)
			consider(d, holders[k], e);
	}
	c = best_of(d, false);
	if (!c || c->conflicts >= c->support)
		return false;
	set(d, c->type,
	    d->nr == 1 && !c->bad && !c->conflicts && c->strong && (c->good > 2 || !d->bytes)
		    ? IQ_CONFIDENCE_LIKELY
		    : IQ_CONFIDENCE_POSSIBLE,
	    c->why);
	return true;
}

/* ---- Arrays ------------------------------------------------------------------------------------- */

static bool decide_text(struct decision *d, const struct evidence *e)
{
	size_t n = 0;

	while (n < d->len && d->bytes[n] >= 0x20 && d->bytes[n] < 0x7f)
		n++;
	if (n < 2 || n == d->len || d->bytes[n])
		return false;
	set(d, iq_type_array_of(e->type, n + 1),
	    n + 1 > d->low && e->strong ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_POSSIBLE, e);
	return true;
}

static bool decide_pointers(struct decision *d, const struct evidence *e)
{
	size_t used = 0;

	for (size_t i = 0; i + 8 <= d->len; i += 8) {
		uint64_t v = iq_le64(d->bytes + i);

		if (!v || v >= (uint64_t)-4095)
			continue;
		if (!is_kernel(d->g, v) || !is_mapped(d->g, v))
			return false;
		used = i + 8;
	}
	if (!used)
		return false;
	set(d, iq_type_array_of(e->type, d->high / 8), IQ_CONFIDENCE_POSSIBLE, e);
	return true;
}

static bool decide_elements(struct decision *d, const struct evidence *e)
{
	struct plan *p = graph_plan(d->g, e->type);
	uint64_t n = e->type->size ? d->high / e->type->size : 0, i;
	unsigned int alike = 0, bad = 0;
	struct judgement j;

	if (n < 2 || n * e->type->size <= d->low || !p)
		return false;
	for (i = 0; i < n && (i + 1) * e->type->size <= d->len; i++) {
		graph_judge(d->g, p, d->n->address + i * e->type->size,
			    d->bytes + i * e->type->size, e->type->size, &j);
		bad += j.bad;
		alike += i && j.good;
	}
	if (bad || !alike)
		return false;
	set(d, iq_type_array_of(e->type, n), IQ_CONFIDENCE_POSSIBLE, e);
	return true;
}

/* A T that is larger than T: what its allocator asked for behind it is known to it alone. */
static bool decide_with_more(struct decision *d, const struct evidence *e)
{
	const struct iq_type *holder;

	if (!e->strong || e->type->size < 64 || e->type->size > d->high ||
	    graph_holders(d->g, e->type, 0, d->low, d->high, &holder, 1))
		return false;
	d->nr = 0;
	consider(d, e->type, e);
	if (!d->nr || d->list[0].bad || d->list[0].conflicts || d->list[0].good < 3)
		return false;
	set(d, e->type, IQ_CONFIDENCE_POSSIBLE, e);
	return true;
}

/* As much of it as this machine needs. */
static bool decide_mask(struct decision *d, const struct evidence *e)
{
	if (!e->strong || !graph_is_mask(e->type) || e->type->size <= d->high || d->n->nr > 1)
		return false;
	set(d, e->type, IQ_CONFIDENCE_POSSIBLE, e);
	return true;
}

static bool decide_rest(struct decision *d)
{
	for (unsigned int i = 0; i < d->n->nr; i++) {
		const struct evidence *e = &d->n->evidence[i];

		if (e->offset || !d->bytes)
			continue;
		if (e->type->kind == IQ_KIND_INT && e->type->size == 1 ? decide_text(d, e)
		    : e->type->kind == IQ_KIND_POINTER		       ? decide_pointers(d, e)
		    : e->type->kind == IQ_KIND_STRUCT
			    ? decide_elements(d, e) || decide_mask(d, e) ||
				      (!graph_is_link(e->type) && decide_with_more(d, e))
			    : false)
			return true;
	}
	return false;
}

bool graph_decide(struct graph *g, struct node *n, const uint8_t *bytes, size_t len)
{
	struct decision d = {.g = g, .n = n, .bytes = bytes, .len = len};

	graph_class(n->cache, &d.low, &d.high);
	n->type = NULL;
	n->confidence = IQ_CONFIDENCE_UNKNOWN;
	n->why = NULL;
	return decide_direct(&d) || decide_by_parts(&d) || decide_rest(&d);
}
