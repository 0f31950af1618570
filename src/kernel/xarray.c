// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walk of xarrays and radix trees (include/linux/xarray.h, lib/radix-tree.c), bounded and tolerant of
 * damage.
 */
#include "private.h"
#include "tree.h"

#define XA_MAX_DEPTH 12
#define XA_MAX_NODES (4u << 20)
#define XA_MAX_SLOTS 64

struct xa_walk {
	struct iq_kernel *k;
	const struct iq_tree_walk *w;
	uint64_t head_at, shift_at, slots_at;
	unsigned int nr_slots;
	unsigned int nodes;
	uint8_t way[XA_MAX_DEPTH + 1];
	bool stop, damaged;
};

/* xa_is_node(): an internal entry (low bits 10) above the sibling and retry range.  The radix tree before
 * 4.20 marks a node with 01 instead; both ways, a data pointer is at least 4-aligned. */
static bool xa_is_node(uint64_t entry)
{
	return (entry & 3) != 0 && entry > 4096;
}

static void xa_entry(struct xa_walk *w, uint64_t index, uint64_t entry, unsigned int depth)
{
	w->stop = !w->w->entry(&(struct iq_tree_entry){entry, index, index, w->way, depth}, w->w->arg);
}

/* A node whose SHIFT is not that of a child of its parent would make a circle possible. */
static void xa_node(struct xa_walk *w, uint64_t entry, uint64_t index, unsigned int depth, unsigned int below)
{
	uint64_t node = entry & ~UINT64_C(3), slots[XA_MAX_SLOTS], shift;
	struct iq_fault fault;

	if (depth >= XA_MAX_DEPTH || ++w->nodes > XA_MAX_NODES ||
	    !kernel_read_uint(w->k, node + w->shift_at, 1, &shift) || shift >= below ||
	    iq_vm_read(w->k->vm, node + w->slots_at, slots, w->nr_slots * 8, &fault)) {
		iq_warn(w->k->warnings, "%s: tree node 0x%lx is damaged or cannot be read", w->w->what,
			(unsigned long)node);
		w->damaged = true;
		return;
	}
	for (unsigned int i = 0; i < w->nr_slots && !w->stop && w->nodes <= XA_MAX_NODES; i++) {
		uint64_t at = index + ((uint64_t)i << shift);

		w->way[depth] = (uint8_t)i;
		if (!slots[i] || (slots[i] & 3 && slots[i] <= 4096))
			continue; /* empty, sibling or retry */
		if (xa_is_node(slots[i]) && shift)
			xa_node(w, slots[i], at, depth + 1, (unsigned int)shift);
		else if (!(slots[i] & 3))
			xa_entry(w, at, slots[i], depth + 1);
	}
}

static bool xa_layout(struct iq_kernel *k, struct xa_walk *w)
{
	struct iq_types *t = iq_kernel_types(k);
	const char *tag = "xa_node";
	uint64_t size;

	if (!t)
		return false;
	if (!iq_offset(t, "xarray", "xa_head", &w->head_at, NULL)) {
		if (!iq_offset(t, "radix_tree_root", "rnode", &w->head_at, NULL))
			return false;
		tag = "radix_tree_node";
	}
	if (!iq_offset(t, tag, "shift", &w->shift_at, NULL) ||
	    !iq_offset(t, tag, "slots", &w->slots_at, &size) || size / 8 > XA_MAX_SLOTS || size < 8)
		return false;
	w->nr_slots = (unsigned int)(size / 8);
	return true;
}

enum tree_outcome kernel_xarray_walk(struct iq_kernel *k, const struct iq_tree_walk *tw)
{
	struct xa_walk w = {.k = k, .w = tw};
	uint64_t head = tw->start;

	if (!xa_layout(k, &w))
		return TREE_NONE;
	if (!tw->from_node && !kernel_read_ptr(k, tw->start + w.head_at, &head))
		return TREE_NO_ROOT;
	if (tw->from_node || xa_is_node(head))
		xa_node(&w, head, 0, 0, 64);
	else if (head && !(head & 3))
		xa_entry(&w, 0, head, 0);
	return w.damaged ? TREE_DAMAGED : TREE_WHOLE;
}

struct pair {
	bool (*fn)(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg);
	struct iq_kernel *k;
	void *arg;
};

static bool pair_entry(const struct iq_tree_entry *e, void *arg)
{
	struct pair *p = arg;

	return p->fn(p->k, e->first, e->address, p->arg);
}

bool kernel_xarray_for_each(struct iq_kernel *k, uint64_t root, const char *what,
			    bool (*fn)(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg),
			    void *arg)
{
	struct pair p = {fn, k, arg};
	struct iq_tree_walk w = {.start = root, .what = what, .entry = pair_entry, .arg = &p};
	enum tree_outcome o = kernel_xarray_walk(k, &w);

	if (o == TREE_NO_ROOT)
		iq_warn(k->warnings, "%s: the tree root at 0x%lx cannot be read", what, (unsigned long)root);
	return o == TREE_WHOLE;
}
