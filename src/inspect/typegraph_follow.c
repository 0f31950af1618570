// SPDX-License-Identifier: GPL-2.0-or-later
/* What an object of a known type says of others: its pointers, one by one. */
#include "graph.h"

#include <stdlib.h>

#define MAX_PLACES 300000
#define MAX_PENDING (1u << 20)

static bool is_address(struct graph *g, uint64_t a)
{
	const struct iq_layout *l = &g->k->layout;

	return g->k->arch->vm->canonical(l, a) && g->k->arch->vm->is_kernel(l, a);
}

static void enqueue(struct node *n)
{
	n->queued = true;
}

void graph_say(struct graph *g, struct node *n, const struct iq_type *t, uint32_t offset,
	       bool strong, const struct iq_type *from_type, uint32_t from_offset, uint64_t from,
	       const char *text)
{
	struct evidence *e;
	unsigned int i;

	(void)g;
	for (i = 0; i < n->nr; i++) {
		e = &n->evidence[i];
		if (e->type != t || e->offset != offset)
			continue;
		if (strong && !e->strong) { /* better than who said it first */
			e->from_type = from_type;
			e->from_offset = from_offset;
			e->from = from;
			e->text = text;
			enqueue(n);
		}
		e->strong += strong && e->strong < UINT16_MAX;
		e->weak += !strong && e->weak < UINT16_MAX;
		return;
	}
	if (n->nr == GRAPH_EVIDENCE)
		return;
	n->evidence[n->nr++] =
		(struct evidence){t, offset, strong, !strong, from_type, from_offset, from, text};
	enqueue(n);
}

void graph_place(struct graph *g, uint64_t address, const struct iq_type *t, bool certain)
{
	const struct iq_layout *l = &g->k->layout;
	struct plan *p;
	uint64_t key;

	if (!is_address(g, address) || (address >= l->vmemmap_start && address < l->vmemmap_end) ||
	    g->nr_places >= MAX_PLACES || !(p = graph_plan(g, t)) || !p->nr)
		return;
	key = address ^ (uintptr_t)p << 20;
	if (iq_map_get(&g->visited, key) ||
	    !iq_grow(&g->places, &g->room_places, g->nr_places + 1, sizeof(*g->places)) ||
	    !iq_map_put(&g->visited, key, p))
		return;
	g->places[g->nr_places++] = (struct place){address, p, certain};
}

static bool is_used(const struct graph_slab *s, unsigned int index)
{
	return s->states[index] == IQ_OBJECT_ALLOCATED || s->states[index] == IQ_OBJECT_UNKNOWN;
}

static void point(struct graph *g, const struct plan *p, const struct op *op, uint64_t from,
		  uint64_t value, bool sure)
{
	const struct iq_type *t = op->target;
	struct graph_slab *s;
	unsigned int index;
	struct node *n;
	uint64_t object;

	s = graph_slab_at(g, value, &index, &object);
	if (s) {
		if (!is_used(s, index) || (n = graph_node(g, s, index)) == NULL)
			return;
		if (t->kind == IQ_KIND_INCOMPLETE_STRUCT || t->kind == IQ_KIND_INCOMPLETE_UNION)
			return;
		graph_say(g, n, t, (uint32_t)(value - object), sure && !op->weak, p->type,
			  op->offset, from, NULL);
	} else if (sure && !op->weak && t->kind == IQ_KIND_STRUCT) {
		graph_place(g, value, t, false);
	}
}

void graph_object(struct graph *g, uint64_t address, const struct iq_type *t,
		  const struct iq_type *from_type, uint32_t from_offset, uint64_t from,
		  const char *text)
{
	struct graph_slab *s;
	unsigned int index;
	uint64_t object;
	struct node *n;

	s = graph_slab_at(g, address, &index, &object);
	if (!s)
		graph_place(g, address, t, false);
	else if (is_used(s, index) && (n = graph_node(g, s, index)))
		graph_say(g, n, t, (uint32_t)(address - object), true, from_type, from_offset, from,
			  text);
}

/* ---- Members without a type --------------------------------------------------------------------- */

void graph_learn(struct op *op, const struct iq_type *to, uint32_t offset)
{
	for (unsigned int i = 0; i < OP_LEADS; i++) {
		struct lead *l = &op->lead[i];

		if (!l->to)
			*l = (struct lead){to, offset, 0};
		if (l->to == to && l->offset == offset) {
			l->seen++;
			return;
		}
	}
	op->crowded = true;
}

static void lead(struct graph *g, struct plan *p, struct op *op, uint64_t from, uint64_t value)
{
	const struct iq_type *t;
	struct graph_slab *s;
	unsigned int index;
	struct node *n;
	uint64_t object;

	s = graph_slab_at(g, value, &index, &object);
	if (!s || !is_used(s, index))
		return;
	t = graph_cache_type(g, s->cache);
	if (t) {
		graph_learn(op, t, (uint32_t)(value - object));
		return;
	}
	n = graph_node(g, s, index);
	if (!n || g->nr_pending >= MAX_PENDING ||
	    !iq_grow(&g->pending, &g->room_pending, g->nr_pending + 1, sizeof(*g->pending)))
		return;
	g->pending[g->nr_pending++] = (struct pending){p, op, from, value};
}

/* ---- All members -------------------------------------------------------------------------------- */

/* Per-CPU pointers are not marked as such in BTF that gcc's DWARF was made into. */
static uint64_t plain(struct graph *g, uint64_t value)
{
	uint64_t pa;

	if (is_address(g, value) || !g->percpu_base || value < 4096)
		return value;
	return is_address(g, value + g->percpu_base) &&
			       !iq_vm_translate(g->k->vm, value + g->percpu_base, &pa, NULL)
		       ? value + g->percpu_base
		       : value;
}

void graph_follow(struct graph *g, struct plan *p, uint64_t address, const uint8_t *bytes,
		  size_t len, bool sure)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		struct op *op = &p->ops[i];
		uint64_t value;

		if (op->size < 8 || op->offset + op->size > len)
			continue;
		value = iq_le64(bytes + op->offset);
		if (op->kind == OP_POINTER && value && value < (uint64_t)-4095) {
			value = plain(g, value);
			if (is_address(g, value))
				point(g, p, op, address, value, sure);
			continue;
		}
		if (!sure || op->kind == OP_FUNCTION || op->kind == OP_POINTER)
			continue;
		if (op->kind == OP_LIST && op->target) {
			known_entries(g, address + op->offset, op->target, op->entry_at, p->type,
				      op->offset, address, NULL);
			continue;
		}
		if (!is_address(g, value) || value & 1 || value >= (uint64_t)-4095)
			continue;
		lead(g, p, op, address, value);
		if (op->kind == OP_LIST && is_address(g, iq_le64(bytes + op->offset + 8)))
			lead(g, p, op, address, iq_le64(bytes + op->offset + 8));
	}
	for (const struct private *x = p->privates; x && sure; x = x->next)
		if (x->ops_at + 8 <= len && x->at + 8 <= len &&
		    iq_le64(bytes + x->ops_at) == x->ops)
			graph_object(g, iq_le64(bytes + x->at), x->type, p->type, x->at, address,
				     NULL);
}
