/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The entry by which a sleeping task is linked with what it waits for.  It lies on the task's own
 * stack and names the task, so it is found by looking for the task's address there; that it is no leftover is
 * proven by its list, whose neighbours point back.
 *
 * kernel/locking/{mutex,rwsem,semaphore,rtmutex}.c, include/linux/{swait,wait,wait_bit}.h.  Since Linux 7.1
 * locks have no list head but a pointer to the first waiter.
 */
#include "wait.h"

#include <inttypes.h>
#include <string.h>

#define LIST_MAX 100000 /* tasks that wait for one lock */

struct shape {
	enum iq_wait_kind kind;
	const char *entry, *task, *list;    /* the waiter's structure and members */
	const char *lock, *head, *first;    /* what it waits for: its list head, or its first waiter */
};

static const struct shape shapes[] = {
	{ IQ_WAIT_MUTEX, "mutex_waiter", "task", "list", "mutex", "wait_list", "first_waiter" },
	{ IQ_WAIT_RWSEM_READ, "rwsem_waiter", "task", "list", "rw_semaphore", "wait_list", "first_waiter" },
	{ IQ_WAIT_SEMAPHORE, "semaphore_waiter", "task", "list", "semaphore", "wait_list", "first_waiter" },
	{ IQ_WAIT_COMPLETION, "swait_queue", "task", "task_list", "completion", "wait.task_list", NULL },
	{ IQ_WAIT_QUEUE, "wait_queue_entry", "private", "entry", "wait_queue_head", "head", NULL },
};

bool wait_read(struct iq_kernel *k, uint64_t address, const char *tag, const char *path,
	       unsigned int size, uint64_t *ret)
{
	uint64_t offset;

	return address && iq_kernel_offset(k, tag, path, &offset, NULL) &&
	       !iq_vm_read_uint(k->vm, address + offset, size, ret);
}

static bool read_word(struct iq_kernel *k, uint64_t address, uint64_t *ret)
{
	return !(address & 7) && !iq_vm_read_uint(k->vm, address, 8, ret);
}

/* Is NODE, a list_head, linked with both of its neighbours? */
static bool is_linked(struct iq_kernel *k, uint64_t node, uint64_t *next, uint64_t *prev)
{
	uint64_t back, forth;

	return read_word(k, node, next) && read_word(k, node + 8, prev) &&
	       read_word(k, *next + 8, &back) && read_word(k, *prev, &forth) && back == node &&
	       forth == node;
}

struct offsets {
	uint64_t task, list; /* in the waiter */
	uint64_t head;	     /* in the lock */
	bool first;	     /* `head` is a pointer to the first waiter */
};

static bool shape_offsets(struct iq_kernel *k, const struct shape *s, struct offsets *o)
{
	if (!iq_kernel_offset(k, s->entry, s->task, &o->task, NULL) ||
	    !iq_kernel_offset(k, s->entry, s->list, &o->list, NULL))
		return false;
	o->first = false;
	if (iq_kernel_offset(k, s->lock, s->head, &o->head, NULL))
		return true;
	o->first = true;
	return s->first && iq_kernel_offset(k, s->lock, s->first, &o->head, NULL);
}

/* A waiter names the task on whose stack it lies; the head of a list does not. */
static bool is_waiter(struct iq_kernel *k, uint64_t node, const struct offsets *o)
{
	const struct iq_task *t = iq_task_by_stack(k, node);
	uint64_t task;

	return t && read_word(k, node - o->list + o->task, &task) && task == t->address;
}

/* The lock at whose list's head the walk from NODE ends; 0: it does not. */
static uint64_t lock_by_head(struct iq_kernel *k, uint64_t node, const struct offsets *o)
{
	uint64_t at = node;

	for (unsigned int n = 0; n < LIST_MAX; n++) {
		if (!read_word(k, at, &at) || at == node)
			return 0;
		if (!is_waiter(k, at, o))
			return at - o->head;
	}
	return 0;
}

/* Is WAITER one of those in the circle through NODE? */
static bool in_circle(struct iq_kernel *k, uint64_t node, const struct offsets *o, uint64_t waiter)
{
	uint64_t at = node;

	for (unsigned int n = 0; n < LIST_MAX; n++) {
		if (at - o->list == waiter)
			return true;
		if (!read_word(k, at, &at) || at == node)
			return false;
	}
	return false;
}

static bool leads_to(struct iq_kernel *k, uint64_t lock, uint64_t node, const struct offsets *o)
{
	uint64_t first;

	return lock && read_word(k, lock + o->head, &first) && first && !(first & 7) &&
	       in_circle(k, node, o, first);
}

/*
 * The lock whose first waiter is in the circle through NODE: as the task itself notes it (task_struct.blocker,
 * its low bits the kind of lock; blocked_on), else by a word of the stack that points to it.
 */
static uint64_t lock_by_first(struct iq_kernel *k, const struct iq_task *t, uint64_t node,
			      const struct offsets *o, const uint64_t *words, unsigned int nr)
{
	uint64_t lock;

	if (wait_read(k, t->address, "task_struct", "blocker", 8, &lock) &&
	    leads_to(k, lock & ~UINT64_C(7), node, o))
		return lock & ~UINT64_C(7);
	if (wait_read(k, t->address, "task_struct", "blocked_on", 8, &lock) &&
	    leads_to(k, lock, node, o))
		return lock;
	for (unsigned int i = 0; i < nr; i++) {
		if (words[i] && !(words[i] & 7) && words[i] != node &&
		    leads_to(k, words[i], node, o))
			return words[i];
	}
	return 0;
}

/* rt_mutex_waiter names its lock, and hangs in a tree. */
static bool rt_mutex_entry(struct iq_kernel *k, uint64_t task_word, struct wait_entry *ret)
{
	uint64_t offset, lock, waiter, node, parent;
	const char *tree = iq_kernel_offset(k, "rt_mutex_waiter", "tree", &offset, NULL) ? "tree.entry"
											 : "tree_entry";

	if (!iq_kernel_offset(k, "rt_mutex_waiter", "task", &offset, NULL))
		return false;
	waiter = task_word - offset;
	if (!wait_read(k, waiter, "rt_mutex_waiter", "lock", 8, &lock) || !lock || (lock & 7) ||
	    !iq_kernel_offset(k, "rt_mutex_waiter", tree, &offset, NULL))
		return false;
	node = waiter + offset;
	/* The root of the tree is the lock's; any other node is some waiter's child. */
	if (!read_word(k, node, &parent))
		return false;
	for (unsigned int n = 0; n < 64 && (parent & ~UINT64_C(3)); n++) {
		node = parent & ~UINT64_C(3);
		if (!read_word(k, node, &parent))
			return false;
	}
	if (!wait_read(k, lock, iq_kernel_sizeof(k, "rt_mutex_base") ? "rt_mutex_base" : "rt_mutex",
		       "waiters.rb_root.rb_node", 8, &parent) ||
	    parent != node)
		return false;
	*ret = (struct wait_entry){ IQ_WAIT_RT_MUTEX, waiter, lock };
	return true;
}

static bool entry_at(struct iq_kernel *k, const struct iq_task *t, uint64_t task_word,
		     const uint64_t *words, unsigned int nr, enum iq_wait_kind lock,
		     struct wait_entry *ret)
{
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(shapes); i++) {
		const struct shape *s = &shapes[i];
		uint64_t node, next, prev, object;
		struct offsets o;

		if ((s->first && s->kind != lock) || !shape_offsets(k, s, &o))
			continue;
		node = task_word - o.task + o.list;
		if (!is_linked(k, node, &next, &prev))
			continue;
		object = o.first ? lock_by_first(k, t, node, &o, words, nr) : lock_by_head(k, node, &o);
		if (!object)
			continue;
		*ret = (struct wait_entry){ s->kind, task_word - o.task, object };
		return true;
	}
	return lock == IQ_WAIT_RT_MUTEX && rt_mutex_entry(k, task_word, ret);
}

bool wait_entry_find(struct iq_kernel *k, const struct iq_task *t, const uint64_t *words,
		     unsigned int nr, uint64_t sp, enum iq_wait_kind lock, struct wait_entry *ret)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (words[i] == t->address && entry_at(k, t, sp + 8 * i, words, nr, lock, ret))
			return true;
	}
	return false;
}
