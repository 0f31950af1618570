/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's trees, entry by entry with the place of each: red-black trees (include/linux/rbtree.h), xarrays and radix
 * trees (include/linux/xarray.h, radix-tree.h, idr.h), maple trees (include/linux/maple_tree.h).
 */
#ifndef INQUEST_TREE_H
#define INQUEST_TREE_H

#include <inquest/kernel.h>

enum iq_tree_kind {
	IQ_TREE_RBTREE,
	IQ_TREE_XARRAY, /* radix trees and the tree of an IDR as well */
	IQ_TREE_MAPLE,
};

#define IQ_TREE_DEPTH 128 /* levels below the root at most */

struct iq_tree_entry {
	uint64_t address;     /* red-black tree: the struct rb_node; others: what is entered */
	uint64_t first, last; /* the index, maple trees: of the first and last; 0 for red-black trees */
	/*
	 * The way from the root: red-black trees: 0 left, 1 right; others: the slot of each node passed.
	 * An entry that stands in the root of a tree without nodes has an empty way.
	 */
	const uint8_t *way;
	unsigned int depth;   /* length of the way */
};

/* A node of a maple tree, for who wants to see it whole. */
struct iq_maple_node {
	uint64_t address, link; /* struct maple_node, and the word that led to it (with its type) */
	uint64_t parent;	/* as it stands there */
	uint64_t first, last;	/* indexes below it */
	unsigned int type, depth;
	bool leaf;
	const uint64_t *pivot, *slot, *gap; /* of nodes for allocation: gap; otherwise NULL */
	unsigned int nr_pivots, nr_slots;
	const uint8_t *meta;	/* end and gap, of nodes for allocation; otherwise NULL */
};

struct iq_tree_walk {
	enum iq_tree_kind kind;
	bool from_node;	/* START is a node (rb_node, xa_node or maple_node, also with tag bits), not a root */
	bool in_order;	/* red-black trees: ascending; otherwise a node comes before its children */
	uint64_t start;	/* address of struct rb_root, xarray, radix_tree_root, maple_tree, or the node */
	const char *what; /* for warnings */
	bool (*entry)(const struct iq_tree_entry *e, void *arg);      /* false: enough */
	bool (*node)(const struct iq_maple_node *n, void *arg);	      /* NULL: not wanted; maple trees only */
	/* NULL: not wanted.  Maple trees: ranges without entry, and entries that are no pointers. */
	bool (*empty)(const struct iq_tree_entry *e, void *arg);
	void *arg;
};

/*
 * Walk it.  Damage (nodes that cannot be read, parents that differ, circles) is a warning of K, and the walk goes on
 * past it where it can.  IQ_E_MEMORY: START cannot be read; IQ_E_UNAVAILABLE: this kernel has no such trees, or its types are
 * not known.
 */
struct iq_error *iq_tree_for_each(struct iq_kernel *k, const struct iq_tree_walk *w) IQ_CHECK;

#endif
