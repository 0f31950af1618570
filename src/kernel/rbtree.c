// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The red-black tree (include/linux/rbtree.h): struct rb_node is __rb_parent_color, rb_right,
 * rb_left on every kernel.  Walked in order with a stack of its own, so that a damaged parent
 * pointer does not lead astray; but it is compared, and a disagreement is told.
 */
#include "private.h"

#define RB_MAX_DEPTH 128 /* 2 log2(n + 1) of any tree that fits in memory */

struct rb_node_words {
	uint64_t parent, right, left;
};

static bool rb_read(struct iq_kernel *k, uint64_t node, struct rb_node_words *ret)
{
	uint64_t words[3];
	struct iq_fault fault;

	if (node & 7 || iq_vm_read(k->vm, node, words, sizeof(words), &fault))
		return false;
	*ret = (struct rb_node_words){words[0] & ~UINT64_C(3), words[1], words[2]};
	return true;
}

bool kernel_rbtree_for_each(struct iq_kernel *k, uint64_t root, unsigned int max, const char *what,
			    bool (*fn)(struct iq_kernel *k, uint64_t node, void *arg), void *arg)
{
	struct {
		uint64_t node, right;
	} stack[RB_MAX_DEPTH];
	unsigned int depth = 0, n = 0;
	uint64_t at, parent = 0;
	bool told = false;

	if (!kernel_read_ptr(k, root, &at)) {
		iq_warn(k->warnings, "%s: the root of the tree at 0x%lx cannot be read", what,
			(unsigned long)root);
		return false;
	}
	for (;;) {
		while (at) { /* down the left side */
			struct rb_node_words w;

			if (depth == RB_MAX_DEPTH || !rb_read(k, at, &w)) {
				iq_warn(k->warnings,
					"%s: tree node 0x%lx, child of 0x%lx, is too deep or cannot "
					"be read", what, (unsigned long)at, (unsigned long)parent);
				return false;
			}
			if (w.parent != parent && !told) {
				iq_warn(k->warnings,
					"%s: tree node 0x%lx has parent 0x%lx but hangs on 0x%lx",
					what, (unsigned long)at, (unsigned long)w.parent,
					(unsigned long)parent);
				told = true;
			}
			stack[depth].node = at;
			stack[depth++].right = w.right;
			parent = at;
			at = w.left;
		}
		if (!depth)
			return true;
		depth--;
		if (n++ >= max) {
			iq_warn(k->warnings, "%s: the tree has more than %u nodes", what, max);
			return false;
		}
		if (!fn(k, stack[depth].node, arg))
			return true;
		parent = stack[depth].node;
		at = stack[depth].right;
	}
}
