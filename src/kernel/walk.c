// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Walks of the kernel's general containers, bounded and tolerant of damage: list_head
 * (include/linux/list.h) and xarray / radix tree (include/linux/xarray.h, lib/radix-tree.c).
 */
#include "private.h"

bool kernel_list_walk(struct iq_kernel *k, uint64_t head, unsigned int max,
		      bool (*fn)(struct iq_kernel *k, uint64_t entry, void *arg),
		      void (*damaged)(void *arg, const struct list_damage *d), void *arg)
{
	uint64_t entry, prev = head, back, mark = head;
	unsigned int n, next_mark = 1;

	if (!kernel_read_ptr(k, head, &entry)) {
		damaged(arg, &(struct list_damage){LIST_NO_HEAD, head, head, 0});
		return false;
	}
	for (n = 0; entry != head; n++) {
		if (n >= max) {
			damaged(arg, &(struct list_damage){LIST_LONG, entry, prev, max});
			return false;
		}
		/* list_head.prev lies behind list_head.next. */
		if (entry & 7 || !kernel_read_ptr(k, entry + 8, &back)) {
			damaged(arg, &(struct list_damage){LIST_UNREADABLE, entry, prev, 0});
			return false;
		}
		if (back != prev)
			damaged(arg, &(struct list_damage){LIST_BACK, entry, prev, back});
		if (!fn(k, entry, arg))
			return true;
		prev = entry;
		if (!kernel_read_ptr(k, entry, &entry)) {
			damaged(arg, &(struct list_damage){LIST_UNREADABLE, prev, prev, 0});
			return false;
		}
		/*
		 * The entry marked last again is a circle without the head (Brent's way: nothing is read
		 * twice, as a second walker at half the speed would).
		 */
		if (entry == mark && entry != head) {
			damaged(arg, &(struct list_damage){LIST_CIRCLE, entry, prev, 0});
			return false;
		}
		if (n + 1 == next_mark) {
			mark = entry;
			next_mark *= 2;
		}
	}
	return true;
}

void kernel_list_damage_text(const struct list_damage *d, char *text, size_t room)
{
	unsigned long entry = d->entry, prev = d->prev, v = d->value;

	switch (d->kind) {
	case LIST_NO_HEAD:
		snprintf(text, room, "the list head at 0x%lx cannot be read", entry);
		break;
	case LIST_LONG:
		snprintf(text, room, "the list goes on after %lu entries", v);
		break;
	case LIST_UNREADABLE:
		snprintf(text, room, "list entry 0x%lx, reached from 0x%lx, cannot be read", entry, prev);
		break;
	case LIST_BACK:
		snprintf(text, room, "list entry 0x%lx has prev 0x%lx but was reached from 0x%lx", entry, v,
			 prev);
		break;
	case LIST_CIRCLE:
		snprintf(text, room, "the list runs in a circle at 0x%lx", entry);
		break;
	}
}

struct for_each {
	struct iq_kernel *k;
	const char *what;
	bool (*fn)(struct iq_kernel *k, uint64_t entry, void *arg);
	void *arg;
};

static bool for_each_entry(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct for_each *x = arg;

	return x->fn(k, entry, x->arg);
}

static void for_each_damage(void *arg, const struct list_damage *d)
{
	struct for_each *x = arg;
	char text[160];

	kernel_list_damage_text(d, text, sizeof(text));
	iq_warn(x->k->warnings, "%s: %s", x->what, text);
}

bool kernel_list_for_each(struct iq_kernel *k, uint64_t head, unsigned int max, const char *what,
			  bool (*fn)(struct iq_kernel *k, uint64_t entry, void *arg), void *arg)
{
	struct for_each x = {k, what, fn, arg};

	return kernel_list_walk(k, head, max, for_each_entry, for_each_damage, &x);
}

/* ---- xarray ------------------------------------------------------------------------------------ */

#define XA_MAX_DEPTH 12
#define XA_MAX_NODES (4u << 20)

struct xa_walk {
	struct iq_kernel *k;
	const char *what;
	uint64_t shift_at, slots_at;
	unsigned int nr_slots;
	unsigned int nodes;
	bool (*fn)(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg);
	void *arg;
	bool stop;
};

/* xa_is_node(): an internal entry (low bits 10) above the sibling and retry range.  The radix tree before
 * 4.20 marks a node with 01 instead; both ways, a data pointer is at least 4-aligned. */
static bool xa_is_node(uint64_t entry)
{
	return (entry & 3) != 0 && entry > 4096;
}

static bool xa_node(struct xa_walk *w, uint64_t entry, uint64_t index, unsigned int depth)
{
	uint64_t node = entry & ~UINT64_C(3), slots[64], shift;
	struct iq_fault fault;
	unsigned int i;

	if (depth > XA_MAX_DEPTH || ++w->nodes > XA_MAX_NODES ||
	    !kernel_read_uint(w->k, node + w->shift_at, 1, &shift) || shift > 60 ||
	    iq_vm_read(w->k->vm, node + w->slots_at, slots, w->nr_slots * 8, &fault)) {
		iq_warn(w->k->warnings, "%s: tree node 0x%lx is damaged or cannot be read", w->what,
			(unsigned long)node);
		return false;
	}
	for (i = 0; i < w->nr_slots && !w->stop; i++) {
		uint64_t at = index + ((uint64_t)i << shift);

		if (!slots[i] || (slots[i] & 3 && slots[i] <= 4096))
			continue; /* empty, sibling or retry */
		if (xa_is_node(slots[i]) && shift) {
			if (!xa_node(w, slots[i], at, depth + 1) && w->nodes > XA_MAX_NODES)
				return false;
		} else if (!(slots[i] & 3)) {
			w->stop = !w->fn(w->k, at, slots[i], w->arg);
		}
	}
	return true;
}

bool kernel_xarray_for_each(struct iq_kernel *k, uint64_t root, const char *what,
			    bool (*fn)(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg),
			    void *arg)
{
	struct xa_walk w = {.k = k, .what = what, .fn = fn, .arg = arg};
	struct iq_types *t = iq_kernel_types(k);
	uint64_t head_at, head, size;
	const char *tag;

	if (!t)
		return false;
	if (iq_offset(t, "xarray", "xa_head", &head_at, NULL)) {
		tag = "xa_node";
	} else if (iq_offset(t, "radix_tree_root", "rnode", &head_at, NULL)) {
		tag = "radix_tree_node";
	} else {
		return false;
	}
	if (!iq_offset(t, tag, "shift", &w.shift_at, NULL) ||
	    !iq_offset(t, tag, "slots", &w.slots_at, &size) || size / 8 > 64 || size < 8)
		return false;
	w.nr_slots = (unsigned int)(size / 8);
	if (!kernel_read_ptr(k, root + head_at, &head)) {
		iq_warn(k->warnings, "%s: the tree root at 0x%lx cannot be read", what,
			(unsigned long)root);
		return false;
	}
	if (!head)
		return true;
	if (xa_is_node(head))
		return xa_node(&w, head, 0, 0);
	if (!(head & 3))
		fn(k, 0, head, arg);
	return true;
}
