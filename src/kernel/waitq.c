// SPDX-License-Identifier: GPL-2.0-or-later
/* Wait queues: see waitq.h. */
#include <inquest/waitq.h>

#include "private.h"

#define WAITERS_MAX (1u << 20)

struct walk {
	const char *tag; /* of the entries */
	uint64_t link_at;
	uint64_t pollwake;
	bool (*fn)(void *arg, const struct iq_waiter *w);
	void *arg;
};

static bool add_waiter(struct iq_kernel *k, uint64_t link, void *arg)
{
	struct walk *w = arg;
	struct iq_waiter x = {.entry = link - w->link_at};
	uint64_t private = 0, flags;

	if (!kernel_read_member(k, w->tag, "private", x.entry, &private) ||
	    !kernel_read_member(k, w->tag, "func", x.entry, &x.function)) {
		iq_warn(k->warnings, "wait queue entry 0x%lx cannot be read",
			(unsigned long)x.entry);
		return true;
	}
	if (kernel_read_member(k, w->tag, "flags", x.entry, &flags))
		x.flags = (unsigned int)flags;
	/* poll() and select() put their struct poll_wqueues there (fs/select.c). */
	if (x.function && x.function == w->pollwake)
		kernel_read_member(k, "poll_wqueues", "polling_task", private, &private);
	if (private && iq_task_by_address(k, private))
		x.task = private;
	return w->fn(w->arg, &x);
}

struct iq_error *iq_wait_queue(struct iq_kernel *k, uint64_t address,
			       bool (*fn)(void *arg, const struct iq_waiter *w), void *arg,
			       bool *whole)
{
	struct walk w = {.fn = fn, .arg = arg, .pollwake = iq_kernel_symbol(k, "pollwake")};
	struct iq_types *types;
	uint64_t head_at, next;
	bool all;

	IQ_TRY(iq_kernel_need_types(k, &types));
	if (iq_offset(types, "wait_queue_head", "head", &head_at, NULL) &&
	    iq_offset(types, "wait_queue_entry", "entry", &w.link_at, NULL))
		w.tag = "wait_queue_entry";
	else if (iq_offset(types, "__wait_queue_head", "task_list", &head_at, NULL) &&
		 iq_offset(types, "__wait_queue", "task_list", &w.link_at, NULL))
		w.tag = "__wait_queue";
	else
		return iq_error_new(
			IQ_E_UNAVAILABLE,
			"wait queues of this kernel are laid out in no way that is known here");
	IQ_TRY(iq_vm_read_or(k->vm, address + head_at, &next, sizeof(next), "the wait queue"));
	all = kernel_list_for_each(k, address + head_at, WAITERS_MAX, "wait queue", add_waiter, &w);
	if (whole)
		*whole = all;
	return NULL;
}
