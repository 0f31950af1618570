// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hlist (include/linux/list.h): struct hlist_node is next, pprev.  What ends it is what list_nulls.h
 * ends one with as well: 0, or an odd number.
 */
#include "private.h"

bool kernel_hlist_for_each(struct iq_kernel *k, uint64_t head, unsigned int max, const char *what,
			   bool (*fn)(struct iq_kernel *k, uint64_t node, void *arg), void *arg)
{
	uint64_t node, link = head, mark = 0, back;
	unsigned int next_mark = 1;

	if (!kernel_read_ptr(k, head, &node)) {
		iq_warn(k->warnings, "%s: the head at 0x%lx cannot be read", what,
			(unsigned long)head);
		return false;
	}
	for (unsigned int n = 0; node && !(node & 1); n++) {
		uint64_t next;

		if (n >= max) {
			iq_warn(k->warnings, "%s: the list goes on after %u entries", what, max);
			return false;
		}
		if (node & 7 || !kernel_read_ptr(k, node, &next) ||
		    !kernel_read_ptr(k, node + 8, &back)) {
			iq_warn(k->warnings,
				"%s: list entry 0x%lx, reached from 0x%lx, cannot be read", what,
				(unsigned long)node, (unsigned long)link);
			return false;
		}
		if (back != link)
			iq_warn(k->warnings,
				"%s: list entry 0x%lx has pprev 0x%lx but was reached from 0x%lx",
				what, (unsigned long)node, (unsigned long)back,
				(unsigned long)link);
		if (!fn(k, node, arg))
			return true;
		/* Brent's way to notice a circle. */
		if (next == mark && next) {
			iq_warn(k->warnings, "%s: the list runs in a circle at 0x%lx", what,
				(unsigned long)next);
			return false;
		}
		if (n + 1 == next_mark) {
			mark = node;
			next_mark *= 2;
		}
		link = node;
		node = next;
	}
	return true;
}
