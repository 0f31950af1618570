// SPDX-License-Identifier: GPL-2.0-or-later
/* Run queues: see runq.h. */
#include <inquest/runq.h>

#include "private.h"

#define DEPTH_MAX 32 /* groups in groups */
#define QUEUED_MAX (1u << 20)
#define RT_QUEUES_MAX 128

static uint64_t member_address(struct iq_kernel *k, uint64_t base, const char *tag,
			       const char *path)
{
	uint64_t at;

	return iq_kernel_offset(k, tag, path, &at, NULL) ? base + at : 0;
}

bool iq_runq_of(struct iq_kernel *k, unsigned int cpu, struct iq_runq *ret)
{
	uint64_t at = iq_percpu_symbol(k, "runqueues", cpu);

	if (!at || !iq_kernel_types(k))
		return false;
	*ret = (struct iq_runq){.cpu = cpu, .address = at};
	if (!kernel_read_member(k, "rq", "curr", at, &ret->current))
		return false;
	kernel_read_member(k, "rq", "clock", at, &ret->clock);
	ret->rt_array = member_address(k, at, "rq", "rt.active");
	ret->cfs = member_address(k, at, "rq", "cfs");
	ret->cfs_root = member_address(k, at, "rq", "cfs.tasks_timeline");
	ret->dl_root = member_address(k, at, "rq", "dl.root");
	ret->scx = member_address(k, at, "rq", "scx");
	return true;
}

uint64_t iq_root_task_group(struct iq_kernel *k)
{
	return iq_kernel_symbol(k, "root_task_group");
}

bool iq_task_last_arrival(struct iq_kernel *k, uint64_t task, uint64_t *ret)
{
	return kernel_read_member(k, "task_struct", "sched_info.last_arrival", task, ret);
}

struct walk {
	struct iq_kernel *k;
	const struct iq_runq *q;
	bool (*fn)(void *arg, const struct iq_runq_entry *e);
	void *arg;
	unsigned int depth, queued;
	bool stop;
	uint64_t entity_at; /* of the class's entity in task_struct */
	uint64_t node_at; /* of its list or tree node in that */
	int priority; /* of the real-time queue */
	char what[48];
};

static bool walk_init(struct walk *w, const char *entity, const char *tag, const char *node)
{
	return iq_kernel_offset(w->k, "task_struct", entity, &w->entity_at, NULL) &&
	       iq_kernel_offset(w->k, tag, node, &w->node_at, NULL);
}

static void found(struct walk *w, struct iq_runq_entry *e)
{
	e->depth = w->depth;
	if (++w->queued > QUEUED_MAX)
		w->stop = true;
	if (!w->stop)
		w->stop = !w->fn(w->arg, e);
}

static void found_task(struct walk *w, uint64_t task, bool current, bool delayed)
{
	struct iq_runq_entry e = {
		.address = task, .current = current, .delayed = delayed, .priority = w->priority};
	uint64_t v;

	if (w->priority < 0 && kernel_read_member(w->k, "task_struct", "prio", task, &v))
		e.priority = (int)(int32_t)v;
	found(w, &e);
}

/* The name of the cgroup that a task_group belongs to. */
static void group_name(struct iq_kernel *k, uint64_t group, char *name, size_t room)
{
	uint64_t cgroup, kn, at;
	struct iq_buf escaped = {0};
	char raw[64] = "";

	name[0] = '\0';
	if (!group || !kernel_read_member(k, "task_group", "css.cgroup", group, &cgroup) ||
	    !cgroup || !kernel_read_member(k, "cgroup", "kn", cgroup, &kn) || !kn ||
	    !kernel_read_member(k, "kernfs_node", "name", kn, &at) || !at)
		return;
	iq_vm_read_string(k->vm, at, raw, sizeof(raw));
	iq_buf_add_escaped(&escaped, raw, strlen(raw), false);
	snprintf(name, room, "%s", iq_buf_str(&escaped));
	iq_buf_free(&escaped);
}

/* A group's entry; false: too deep. */
static bool found_group(struct walk *w, const char *tag, const char *throttled, uint64_t queue)
{
	struct iq_runq_entry e = {.group = true, .queue = queue, .priority = w->priority};
	uint64_t v;

	if (w->depth >= DEPTH_MAX) {
		iq_warn(w->k->warnings, "%s: groups in more than %u groups at 0x%lx", w->what,
			DEPTH_MAX, (unsigned long)queue);
		return false;
	}
	kernel_read_member(w->k, tag, "tg", queue, &e.address);
	if (throttled && kernel_read_member(w->k, tag, throttled, queue, &v))
		e.throttled = v;
	group_name(w->k, e.address, e.name, sizeof(e.name));
	found(w, &e);
	return true;
}

/* ---- Fair ---------------------------------------------------------------------------------------- */

static void walk_cfs(struct walk *w, uint64_t cfs);

/* A sched_entity: a task's or a group's. */
static void fair_entity(struct walk *w, uint64_t entity, bool running)
{
	uint64_t queue = 0, delayed = 0, task = entity - w->entity_at;

	kernel_read_member(w->k, "sched_entity", "my_q", entity, &queue);
	if (!queue) {
		kernel_read_member(w->k, "sched_entity", "sched_delayed", entity, &delayed);
		found_task(w, task, running && task == w->q->current, delayed);
		return;
	}
	if (!found_group(w, "cfs_rq", "throttled", queue))
		return;
	w->depth++;
	walk_cfs(w, queue);
	w->depth--;
}

static bool fair_node(struct iq_kernel *k, uint64_t node, void *arg)
{
	struct walk *w = arg;

	fair_entity(w, node - w->node_at, false);
	return !w->stop;
}

static void walk_cfs(struct walk *w, uint64_t cfs)
{
	uint64_t root = member_address(w->k, cfs, "cfs_rq", "tasks_timeline"), running;

	/* What runs is in no tree, nor are the groups that it is in. */
	if (kernel_read_member(w->k, "cfs_rq", "curr", cfs, &running) && running)
		fair_entity(w, running, true);
	if (root && !w->stop)
		kernel_rbtree_for_each(w->k, root, QUEUED_MAX, w->what, fair_node, w);
}

/* ---- Real-time ----------------------------------------------------------------------------------- */

static void walk_rt(struct walk *w, uint64_t array);

static bool rt_node(struct iq_kernel *k, uint64_t node, void *arg)
{
	struct walk *w = arg;
	uint64_t entity = node - w->node_at, queue = 0;
	int priority = w->priority;

	kernel_read_member(k, "sched_rt_entity", "my_q", entity, &queue);
	if (!queue) {
		uint64_t task = entity - w->entity_at;

		found_task(w, task, task == w->q->current, false);
		return !w->stop;
	}
	if (!found_group(w, "rt_rq", "rt_throttled", queue))
		return true;
	w->depth++;
	walk_rt(w, member_address(k, queue, "rt_rq", "active"));
	w->depth--;
	w->priority = priority;
	return !w->stop;
}

static void walk_rt(struct walk *w, uint64_t array)
{
	uint64_t at, size, head, next;

	if (!array || !iq_kernel_offset(w->k, "rt_prio_array", "queue", &at, &size))
		return;
	for (unsigned int i = 0; i < IQ_MIN(size / 16, RT_QUEUES_MAX) && !w->stop; i++) {
		head = array + at + 16 * i;
		if (kernel_read_ptr(w->k, head, &next) && next == head)
			continue;
		w->priority = (int)i;
		kernel_list_for_each(w->k, head, QUEUED_MAX, w->what, rt_node, w);
	}
}

/* ---- Deadline and sched_ext ---------------------------------------------------------------------- */

static bool plain_node(struct iq_kernel *k, uint64_t node, void *arg)
{
	struct walk *w = arg;
	uint64_t task = node - w->node_at - w->entity_at, server;

	/* A dl_server stands for the fair class and is no task (since 6.8). */
	if (kernel_read_member(k, "sched_dl_entity", "rq", node - w->node_at, &server) &&
	    server == w->q->address)
		return true;
	found_task(w, task, task == w->q->current, false);
	return !w->stop;
}

static bool ext_node(struct iq_kernel *k, uint64_t node, void *arg)
{
	struct walk *w = arg;
	uint64_t task = node - w->node_at - w->entity_at;

	found_task(w, task, task == w->q->current, false);
	return !w->stop;
}

bool iq_runq_walk(struct iq_kernel *k, const struct iq_runq *q, enum iq_runq_class what,
		  bool (*fn)(void *arg, const struct iq_runq_entry *e), void *arg)
{
	struct walk w = {.k = k, .q = q, .fn = fn, .arg = arg, .priority = -1};
	uint64_t list;

	snprintf(w.what, sizeof(w.what), "run queue of CPU %u", q->cpu);
	switch (what) {
	case IQ_RUNQ_CFS:
		if (!q->cfs_root || !walk_init(&w, "se", "sched_entity", "run_node"))
			return false;
		walk_cfs(&w, q->cfs);
		return true;
	case IQ_RUNQ_RT:
		if (!q->rt_array || !walk_init(&w, "rt", "sched_rt_entity", "run_list"))
			return false;
		walk_rt(&w, q->rt_array);
		return true;
	case IQ_RUNQ_DL:
		if (!q->dl_root || !walk_init(&w, "dl", "sched_dl_entity", "rb_node"))
			return false;
		kernel_rbtree_for_each(k, q->dl_root, QUEUED_MAX, w.what, plain_node, &w);
		return true;
	case IQ_RUNQ_SCX:
		list = q->scx ? member_address(k, q->scx, "scx_rq", "runnable_list") : 0;
		if (!list || !walk_init(&w, "scx", "sched_ext_entity", "runnable_node"))
			return false;
		kernel_list_for_each(k, list, QUEUED_MAX, w.what, ext_node, &w);
		return true;
	}
	return false;
}
