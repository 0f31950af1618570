// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The red-black tree (include/linux/rbtree.h): struct rb_node is __rb_parent_color, rb_right,
 * rb_left on every kernel.  Walked with a stack of its own, so that a damaged parent pointer does
 * not lead astray; but it is compared, and a disagreement is told.
 */
#include "private.h"
#include "tree.h"

#define RB_LEFT 0
#define RB_RIGHT 1
/*
 * A node that is reached a second time was reached from two parents, one of which it does not name: so many
 * of them, and no circle is followed for long.
 */
#define RB_MAX_DAMAGE 64

struct rb_node_words {
	uint64_t parent, right, left;
};

/* A node on the way down, and which of its children is walked. */
struct rb_level {
	uint64_t node, right;
};

struct rb_walk {
	struct iq_kernel *k;
	const struct iq_tree_walk *w;
	struct rb_level level[IQ_TREE_DEPTH + 1];
	uint8_t way[IQ_TREE_DEPTH + 1];
	unsigned int depth; /* nodes on the way down, the one at hand included */
	unsigned int nr, max;
	unsigned int nr_damage;
	bool damaged, stop;
};

/* Damage at NODE: told the first time; false: there is too much of it to go on. */
static bool rb_damage(struct rb_walk *x, uint64_t node, uint64_t parent, const char *what)
{
	x->damaged = true;
	if (!x->nr_damage++)
		iq_warn(x->k->warnings, "%s: tree node 0x%lx, child of 0x%lx, %s", x->w->what,
			(unsigned long)node, (unsigned long)parent, what);
	x->stop |= x->nr_damage >= RB_MAX_DAMAGE;
	return !x->stop;
}

static bool rb_read(struct iq_kernel *k, uint64_t node, struct rb_node_words *ret)
{
	uint64_t words[3];
	struct iq_fault fault;

	if (node & 7 || iq_vm_read(k->vm, node, words, sizeof(words), &fault))
		return false;
	*ret = (struct rb_node_words){words[0] & ~UINT64_C(3), words[1], words[2]};
	return true;
}

/* The node at LEVEL is shown, its way being that of all nodes above it. */
static void rb_show(struct rb_walk *x, unsigned int level)
{
	struct iq_tree_entry e = {.address = x->level[level].node, .way = x->way, .depth = level};

	if (x->nr++ >= x->max) {
		iq_warn(x->k->warnings, "%s: the tree has more than %u nodes", x->w->what, x->max);
		x->damaged = x->stop = true;
		return;
	}
	x->stop = !x->w->entry(&e, x->w->arg);
}

/* Down the left side from AT.  What cannot be read is told and left out. */
static void rb_down(struct rb_walk *x, uint64_t at)
{
	while (at && !x->stop) {
		uint64_t parent = x->depth ? x->level[x->depth - 1].node : 0;
		struct rb_node_words w;

		if (x->depth > IQ_TREE_DEPTH || !rb_read(x->k, at, &w)) {
			rb_damage(x, at, parent, "is too deep or cannot be read");
			return;
		}
		if (w.parent != parent && (x->depth || !x->w->from_node)) {
			char what[64];

			snprintf(what, sizeof(what), "names 0x%lx as its parent", (unsigned long)w.parent);
			if (!rb_damage(x, at, parent, what))
				return;
		}
		x->level[x->depth] = (struct rb_level){at, w.right};
		x->way[x->depth++] = RB_LEFT;
		if (!x->w->in_order)
			rb_show(x, x->depth - 1);
		at = w.left;
	}
}

enum tree_outcome kernel_rbtree_walk(struct iq_kernel *k, const struct iq_tree_walk *w, unsigned int max)
{
	struct rb_walk x = {.k = k, .w = w, .max = max};
	uint64_t at = w->start;

	if (!w->from_node && !kernel_read_ptr(k, w->start, &at))
		return TREE_NO_ROOT;
	rb_down(&x, at);
	while (x.depth && !x.stop) {
		unsigned int top = x.depth - 1;

		if (x.way[top] == RB_RIGHT) { /* both sides are done */
			x.depth--;
			continue;
		}
		if (w->in_order)
			rb_show(&x, top);
		x.way[top] = RB_RIGHT;
		rb_down(&x, x.level[top].right);
	}
	return x.damaged ? TREE_DAMAGED : TREE_WHOLE;
}

struct each {
	bool (*fn)(struct iq_kernel *k, uint64_t node, void *arg);
	struct iq_kernel *k;
	void *arg;
};

static bool each_entry(const struct iq_tree_entry *e, void *arg)
{
	struct each *x = arg;

	return x->fn(x->k, e->address, x->arg);
}

bool kernel_rbtree_for_each(struct iq_kernel *k, uint64_t root, unsigned int max, const char *what,
			    bool (*fn)(struct iq_kernel *k, uint64_t node, void *arg), void *arg)
{
	struct each x = {fn, k, arg};
	struct iq_tree_walk w = {.start = root, .what = what, .in_order = true, .entry = each_entry, .arg = &x};
	enum tree_outcome o = kernel_rbtree_walk(k, &w, max);

	if (o == TREE_NO_ROOT)
		iq_warn(k->warnings, "%s: the root of the tree at 0x%lx cannot be read", what,
			(unsigned long)root);
	return o == TREE_WHOLE;
}
