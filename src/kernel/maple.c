// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The maple tree (include/linux/maple_tree.h, lib/maple_tree.c, since 6.1): ranges of an index and
 * what they belong to.  A node is 256 bytes, aligned so; a link to one carries its type in bits 3-6.
 * Sizes and places of pivots and slots come from this kernel's own types.
 */
#include "private.h"
#include "tree.h"

#define MT_NODE_MASK UINT64_C(255)
#define MT_MAX_DEPTH 31
#define MT_MAX_NODES (4u << 20)
#define MT_MAX_SLOTS 32

struct mt_layout {
	uint64_t pivots_at, slots_at, gaps_at, meta_at; /* the last two of nodes for allocation only */
	unsigned int nr_pivots, nr_slots;
};

struct mt_walk {
	struct iq_kernel *k;
	const struct iq_tree_walk *w;
	struct mt_layout range, arange;
	unsigned int leaf_type, range_type, arange_type;
	unsigned int nodes;
	uint8_t way[MT_MAX_DEPTH + 1];
	bool stop, damaged;
};

static bool mt_layout(struct iq_types *t, const char *tag, struct mt_layout *l)
{
	uint64_t pivots, slots;

	if (!iq_offset(t, tag, "pivot", &l->pivots_at, &pivots) ||
	    !iq_offset(t, tag, "slot", &l->slots_at, &slots))
		return false;
	l->nr_pivots = (unsigned int)(pivots / 8);
	l->nr_slots = (unsigned int)(slots / 8);
	return l->nr_slots >= 2 && l->nr_slots <= MT_MAX_SLOTS && l->nr_pivots < l->nr_slots &&
	       l->slots_at + slots <= MT_NODE_MASK + 1 && l->pivots_at + pivots <= MT_NODE_MASK + 1;
}

/* The number of NAME in enum maple_type; ELSE if the enum has none. */
static unsigned int mt_type(const struct iq_type *types, const char *name, unsigned int otherwise)
{
	unsigned int nr = 0;
	const struct iq_enumerator *e = types ? iq_type_enumerators(types, &nr) : NULL;

	for (unsigned int i = 0; e && i < nr; i++)
		if (!strcmp(e[i].name, name))
			return (unsigned int)e[i].value;
	return otherwise;
}

static void mt_damage(struct mt_walk *w, uint64_t node, const char *why)
{
	if (!w->damaged)
		iq_warn(w->k->warnings, "%s: maple tree node 0x%lx %s", w->w->what,
			(unsigned long)node, why);
	w->damaged = true;
}

static void mt_entry(struct mt_walk *w, uint64_t first, uint64_t last, uint64_t entry, unsigned int depth)
{
	struct iq_tree_entry e = {entry, first, last, w->way, depth};

	/* xa_is_zero() and the like: reserved for later, nobody's yet. */
	if (entry && !(entry & 3))
		w->stop = !w->w->entry(&e, w->w->arg);
	else if (w->w->empty)
		w->stop = !w->w->empty(&e, w->w->arg);
}

static void mt_show_node(struct mt_walk *w, const struct mt_layout *l, const struct iq_maple_node *n,
			 const uint64_t *words)
{
	struct iq_maple_node m = *n;

	m.pivot = words + l->pivots_at / 8;
	m.slot = words + l->slots_at / 8;
	m.nr_pivots = l->nr_pivots;
	m.nr_slots = l->nr_slots;
	m.parent = words[0];
	if (l == &w->arange && l->gaps_at) {
		m.gap = words + l->gaps_at / 8;
		m.meta = (const uint8_t *)words + l->meta_at;
	}
	w->stop = !w->w->node(&m, w->w->arg);
}

static void mt_node(struct mt_walk *w, uint64_t enode, uint64_t min, uint64_t max, unsigned int depth)
{
	uint64_t node = enode & ~MT_NODE_MASK, bytes[(MT_NODE_MASK + 1) / 8], first = min;
	unsigned int type = (unsigned int)(enode >> 3 & 15);
	const struct mt_layout *l = type == w->arange_type ? &w->arange : &w->range;
	bool leaf = type == w->leaf_type;
	struct iq_fault fault;

	if (!leaf && type != w->range_type && type != w->arange_type) {
		mt_damage(w, node, "is of an unknown type");
		return;
	}
	if (depth > MT_MAX_DEPTH || ++w->nodes > MT_MAX_NODES) {
		mt_damage(w, node, "is too deep: a circle?");
		return;
	}
	if (iq_vm_read(w->k->vm, node, bytes, sizeof(bytes), &fault)) {
		mt_damage(w, node, "cannot be read");
		return;
	}
	if (w->w->node)
		mt_show_node(w, l, &(struct iq_maple_node){.address = node, .link = enode, .first = min,
			     .last = max, .type = type, .depth = depth, .leaf = leaf}, bytes);
	for (unsigned int i = 0; i < l->nr_slots && !w->stop; i++) {
		uint64_t slot = bytes[l->slots_at / 8 + i], last = max;

		/* mas_logical_pivot(): the first may be 0, for [0, 0] alone; further on 0 is the end. */
		if (i < l->nr_pivots && (!i || bytes[l->pivots_at / 8 + i]))
			last = bytes[l->pivots_at / 8 + i];
		w->way[depth] = (uint8_t)i;
		/* A pivot of 0 behind the first ends the node: this slot is the last. */
		if (last < first || last > max) {
			mt_damage(w, node, "has pivots out of order");
			return;
		}
		if (leaf)
			mt_entry(w, first, last, slot, depth + 1);
		else if (slot > 4096) /* only a link from the root has bit 1 set */
			mt_node(w, slot, first, last, depth + 1);
		else
			mt_damage(w, node, "leads to something that is no node");
		if (last >= max)
			return;
		first = last + 1;
	}
}

static bool mt_prepare(struct iq_types *t, struct mt_walk *w, uint64_t *root_at)
{
	const struct iq_type *types = t ? iq_type_by_name(t, "enum maple_type") : NULL;

	if (!t || !iq_offset(t, "maple_tree", "ma_root", root_at, NULL) ||
	    !mt_layout(t, "maple_range_64", &w->range) || !mt_layout(t, "maple_arange_64", &w->arange))
		return false;
	w->leaf_type = mt_type(types, "maple_leaf_64", 1);
	w->range_type = mt_type(types, "maple_range_64", 2);
	w->arange_type = mt_type(types, "maple_arange_64", 3);
	if (!iq_offset(t, "maple_arange_64", "gap", &w->arange.gaps_at, NULL) ||
	    !iq_offset(t, "maple_arange_64", "meta", &w->arange.meta_at, NULL) ||
	    w->arange.gaps_at + w->arange.nr_slots * 8 > MT_NODE_MASK + 1 ||
	    w->arange.meta_at + 2 > MT_NODE_MASK + 1)
		w->arange.gaps_at = 0;
	return true;
}

enum tree_outcome kernel_maple_walk(struct iq_kernel *k, const struct iq_tree_walk *tw)
{
	struct mt_walk w = {.k = k, .w = tw};
	uint64_t root_at, root = tw->start;

	if (!mt_prepare(iq_kernel_types(k), &w, &root_at))
		return TREE_NONE;
	if (!tw->from_node && !kernel_read_ptr(k, tw->start + root_at, &root))
		return TREE_NO_ROOT;
	/* A single entry for index 0 stands in the root itself. */
	if (tw->from_node || (root & 2 && root > 4096))
		mt_node(&w, root, 0, UINT64_MAX, 0);
	else
		mt_entry(&w, 0, 0, root, 0);
	return w.damaged ? TREE_DAMAGED : TREE_WHOLE;
}

struct triple {
	bool (*fn)(struct iq_kernel *k, uint64_t first, uint64_t last, uint64_t entry, void *arg);
	struct iq_kernel *k;
	void *arg;
};

static bool triple_entry(const struct iq_tree_entry *e, void *arg)
{
	struct triple *t = arg;

	return t->fn(t->k, e->first, e->last, e->address, t->arg);
}

bool kernel_maple_for_each(struct iq_kernel *k, uint64_t tree, const char *what,
			   bool (*fn)(struct iq_kernel *k, uint64_t first, uint64_t last,
				      uint64_t entry, void *arg),
			   void *arg)
{
	struct triple t = {fn, k, arg};
	struct iq_tree_walk w = {.start = tree, .what = what, .entry = triple_entry, .arg = &t};
	enum tree_outcome o = kernel_maple_walk(k, &w);

	if (o == TREE_NO_ROOT)
		iq_warn(k->warnings, "%s: the maple tree at 0x%lx cannot be read", what, (unsigned long)tree);
	return o == TREE_WHOLE;
}
