/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walks behind iq_tree_for_each(): each warns of damage, but not of what its outcome says. */
#ifndef INQUEST_KERNEL_TREE_H
#define INQUEST_KERNEL_TREE_H

#include <inquest/tree.h>

enum tree_outcome {
	TREE_WHOLE,   /* or its caller had enough */
	TREE_DAMAGED, /* a part of it could not be walked */
	TREE_NO_ROOT, /* the root cannot be read */
	TREE_NONE,    /* this kernel has no such trees */
};

enum tree_outcome kernel_rbtree_walk(struct iq_kernel *k, const struct iq_tree_walk *w, unsigned int max);
enum tree_outcome kernel_xarray_walk(struct iq_kernel *k, const struct iq_tree_walk *w);
enum tree_outcome kernel_maple_walk(struct iq_kernel *k, const struct iq_tree_walk *w);

#endif
