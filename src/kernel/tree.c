// SPDX-License-Identifier: GPL-2.0-or-later
/* All trees through one door: include/inquest/tree.h. */
#include "private.h"
#include "tree.h"

#include <inttypes.h>

#define RB_MAX_NODES (16u << 20)

static const char *const kind_names[] = {
	[IQ_TREE_RBTREE] = "red-black tree", [IQ_TREE_XARRAY] = "xarray", [IQ_TREE_MAPLE] = "maple tree",
};

struct iq_error *iq_tree_for_each(struct iq_kernel *k, const struct iq_tree_walk *w)
{
	struct iq_tree_walk named = *w;
	enum tree_outcome o = TREE_NONE;

	if (!named.what)
		named.what = kind_names[w->kind];
	switch (w->kind) {
	case IQ_TREE_RBTREE: o = kernel_rbtree_walk(k, &named, RB_MAX_NODES); break;
	case IQ_TREE_XARRAY: o = kernel_xarray_walk(k, &named); break;
	case IQ_TREE_MAPLE: o = kernel_maple_walk(k, &named); break;
	}
	if (o == TREE_NO_ROOT)
		return iq_error_new(IQ_E_MEMORY, "the root of the %s at 0x%" PRIx64 " cannot be read",
				    kind_names[w->kind], w->start);
	if (o == TREE_NONE)
		return iq_error_new(IQ_E_UNAVAILABLE, "this kernel has no %s that its types describe",
				    kind_names[w->kind]);
	return NULL;
}
