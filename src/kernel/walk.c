// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The walk of list_head lists (include/linux/list.h), bounded and tolerant of damage.
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
