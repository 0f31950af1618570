// SPDX-License-Identifier: GPL-2.0-or-later
/* runq: who runs, and who waits for a CPU. */
#include "system.h"
#include <inquest/runq.h>
#include <inttypes.h>
#include <stdlib.h>

#define NS UINT64_C(1000000000)

struct queued {
	struct iq_runq_entry entry;
	enum iq_runq_class class;
};

struct queue {
	struct iq_runq q;
	uint64_t arrival; /* of the current task */
	struct queued *entry; /* owned */
	unsigned int nr, room;
	bool no_memory;
	enum iq_runq_class class; /* while it is read */
};

struct runq_result {
	struct queue *queue; /* one for each CPU that is shown; owned */
	unsigned int nr;
	enum { RUNQ_TASKS, RUNQ_CLOCK, RUNQ_LAG, RUNQ_TIME, RUNQ_GROUPS, RUNQ_FLAGS } what;
	struct cpu_choice cpus;
};

static void free_result(void *data)
{
	struct runq_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free(x->queue[i].entry);
	free(x->queue);
	cpu_choice_free(&x->cpus);
	free(x);
}

/* ---- Text ---------------------------------------------------------------------------------------- */

static void text_task(struct session *s, uint64_t address, struct iq_buf *out)
{
	const struct iq_task *t = iq_task_by_address(s->kernel, address);
	struct iq_task other;
	struct iq_error *err;

	if (t) {
		text_task_short(t, out);
		return;
	}
	err = iq_task_read(s->kernel, address, &other);
	if (err)
		iq_buf_printf(out, "TASK: %016" PRIx64 "  (cannot be read)", address);
	else
		text_task_short(&other, out);
	iq_error_free(err);
}

static void text_queued(struct session *s, const struct iq_runq_entry *e, unsigned int indent,
			bool marks, struct iq_buf *out)
{
	iq_buf_printf(out, "%*s[%3d] ", (int)indent, "", e->priority);
	text_task(s, e->address, out);
	if (e->current && marks)
		iq_buf_puts(out, " [CURRENT]");
	if (e->delayed)
		iq_buf_puts(out, " [DELAYED]");
	iq_buf_putc(out, '\n');
}

/* What is queued in CLASS, groups not shown; how much. */
static unsigned int text_class(struct session *s, const struct queue *q, enum iq_runq_class class,
			       struct iq_buf *out)
{
	unsigned int shown = 0;

	for (unsigned int i = 0; i < q->nr; i++) {
		const struct queued *e = &q->entry[i];

		/* The fair class takes what runs off its tree; it is shown as CURRENT. */
		if (e->class != class || e->entry.group ||
		    (e->entry.current && class == IQ_RUNQ_CFS))
			continue;
		text_queued(s, &e->entry, 5 + (class == IQ_RUNQ_RT ? 6 * e->entry.depth : 0), false,
			    out);
		shown++;
	}
	return shown;
}

/* Classes that are mostly empty are shown only if they are not. */
static void text_rare(struct session *s, const struct queue *q, enum iq_runq_class class,
		      const char *name, uint64_t address, struct iq_buf *out)
{
	struct iq_buf tasks = {0};

	if (text_class(s, q, class, &tasks))
		iq_buf_printf(out, "  %s: %016" PRIx64 "\n%s", name, address, iq_buf_str(&tasks));
	iq_buf_free(&tasks);
}

static void text_queue(struct session *s, const struct queue *q, struct iq_buf *out)
{
	iq_buf_printf(out, "CPU %u RUNQUEUE: %016" PRIx64 "\n  CURRENT: ", q->q.cpu, q->q.address);
	text_task(s, q->q.current, out);
	iq_buf_putc(out, '\n');
	text_rare(s, q, IQ_RUNQ_DL, "DL RB_ROOT", q->q.dl_root, out);
	iq_buf_printf(out, "  RT PRIO_ARRAY: %016" PRIx64 "\n", q->q.rt_array);
	if (!text_class(s, q, IQ_RUNQ_RT, out))
		iq_buf_puts(out, "     [no tasks queued]\n");
	iq_buf_printf(out, "  CFS RB_ROOT: %016" PRIx64 "\n", q->q.cfs_root);
	if (!text_class(s, q, IQ_RUNQ_CFS, out))
		iq_buf_puts(out, "     [no tasks queued]\n");
	text_rare(s, q, IQ_RUNQ_SCX, "SCX RUNNABLE_LIST", q->q.scx, out);
}

/* A class with its groups below the root group. */
static void text_group_class(struct session *s, const struct queue *q, enum iq_runq_class class,
			     const char *label, uint64_t address, struct iq_buf *out)
{
	unsigned int step = class == IQ_RUNQ_RT ? 5 : 3, shown = 0;

	iq_buf_printf(out, "  ROOT_TASK_GROUP: %016" PRIx64 "  %s: %016" PRIx64 "\n",
		      iq_root_task_group(s->kernel), label, address);
	for (unsigned int i = 0; i < q->nr; i++) {
		const struct iq_runq_entry *e = &q->entry[i].entry;
		unsigned int indent = 5 + step * e->depth;

		if (q->entry[i].class != class)
			continue;
		shown++;
		if (!e->group) {
			text_queued(s, e, indent, true, out);
			continue;
		}
		iq_buf_printf(out, "%*s", (int)indent, "");
		if (class == IQ_RUNQ_RT)
			iq_buf_printf(out, "[%3d] ", e->priority);
		iq_buf_printf(out, "TASK_GROUP: %016" PRIx64 "  %s: %016" PRIx64, e->address, label,
			      e->queue);
		if (*e->name)
			iq_buf_printf(out, "  <%s>", e->name);
		iq_buf_puts(out, e->throttled ? " (THROTTLED)\n" : "\n");
	}
	if (!shown)
		iq_buf_puts(out, "     [no tasks queued]\n");
}

static void text_groups(struct session *s, const struct queue *q, struct iq_buf *out)
{
	uint64_t unused;
	bool rt_groups = iq_kernel_offset(s->kernel, "sched_rt_entity", "my_q", &unused, NULL),
	     rt = rt_groups;

	for (unsigned int i = 0; i < q->nr; i++)
		rt |= q->entry[i].class == IQ_RUNQ_RT;
	iq_buf_printf(out, "CPU %u\n  CURRENT: ", q->q.cpu);
	text_task(s, q->q.current, out);
	iq_buf_putc(out, '\n');
	/* Without groups of the real-time class it is shown only if there is something in it. */
	if (rt)
		text_group_class(s, q, IQ_RUNQ_RT, "RT_RQ", q->q.rt_array, out);
	text_group_class(s, q, IQ_RUNQ_CFS, "CFS_RQ", q->q.cfs, out);
}

static void text_clocks(struct session *s, const struct runq_result *x, struct iq_buf *out)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct queue *q = &x->queue[i];
		int width = snprintf(NULL, 0, "%" PRIu64, q->q.clock);

		iq_buf_printf(out, "%sCPU %u: %" PRIu64 "\n        %0*" PRIu64 "  ",
			      q->q.cpu < 10 ? " " : "", q->q.cpu, q->q.clock, width, q->arrival);
		text_task(s, q->q.current, out);
		iq_buf_putc(out, '\n');
	}
}

static int by_clock(const void *a, const void *b)
{
	const struct queue *const *x = a, *const *y = b;

	if ((*x)->q.clock != (*y)->q.clock)
		return (*x)->q.clock > (*y)->q.clock ? -1 : 1;
	return (*x)->q.cpu < (*y)->q.cpu ? -1 : 1;
}

static void text_lag(const struct runq_result *x, struct iq_buf *out)
{
	const struct queue **order = calloc(x->nr ? x->nr : 1, sizeof(*order));

	if (!order) {
		out->failed = true;
		return;
	}
	for (unsigned int i = 0; i < x->nr; i++)
		order[i] = &x->queue[i];
	qsort(order, x->nr, sizeof(*order), by_clock);
	for (unsigned int i = 0; i < x->nr; i++)
		iq_buf_printf(out, "%*sCPU %u: %.2f secs\n", order[i]->q.cpu < 10 ? 2 : 1, "",
			      order[i]->q.cpu,
			      (double)(order[0]->q.clock - order[i]->q.clock) / (double)NS);
	free(order);
}

static void text_times(struct session *s, const struct runq_result *x, struct iq_buf *out)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct queue *q = &x->queue[i];
		uint64_t ns = q->q.clock > q->arrival ? q->q.clock - q->arrival : 0, sec = ns / NS;

		iq_buf_printf(out, "%sCPU %u: [%" PRIu64 " %02u:%02u:%02u.%03u]  ",
			      q->q.cpu < 10 ? " " : "", q->q.cpu, sec / 86400,
			      (unsigned int)(sec / 3600 % 24), (unsigned int)(sec / 60 % 60),
			      (unsigned int)(sec % 60), (unsigned int)(ns % NS / 1000000));
		text_task(s, q->q.current, out);
		iq_buf_putc(out, '\n');
	}
}

/* All tasks whose on_rq is set, whatever queues say. */
static void text_flags(struct session *s, const struct runq_result *x, struct iq_buf *out)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		iq_buf_printf(out, "%sCPU %u\n", i ? "\n" : "", x->queue[i].q.cpu);
		for (unsigned int j = 0; j < x->queue[i].nr; j++)
			text_queued(s, &x->queue[i].entry[j].entry, 5, false, out);
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct runq_result *x = r->data;

	switch (x->what) {
	case RUNQ_CLOCK:
		text_clocks(s, x, out);
		return;
	case RUNQ_LAG:
		text_lag(x, out);
		return;
	case RUNQ_TIME:
		text_times(s, x, out);
		return;
	case RUNQ_FLAGS:
		text_flags(s, x, out);
		return;
	default:
		break;
	}
	for (unsigned int i = 0; i < x->nr; i++) {
		if (i)
			iq_buf_putc(out, '\n');
		if (x->what == RUNQ_GROUPS)
			text_groups(s, &x->queue[i], out);
		else
			text_queue(s, &x->queue[i], out);
	}
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

static json_t *json_entry(struct session *s, const struct queued *q)
{
	static const char *const classes[] = {"rt", "fair", "deadline", "ext"};
	const struct iq_runq_entry *e = &q->entry;
	json_t *o = json_object();

	json_object_set_new(o, "class", json_string(classes[q->class]));
	json_object_set_new(o, "depth", json_integer(e->depth));
	if (e->group) {
		json_object_set_new(o, "task_group", json_address(e->address));
		json_object_set_new(o, "queue", json_address(e->queue));
		json_object_set_new(o, "name", json_string(e->name));
		json_object_set_new(o, "throttled", json_boolean(e->throttled));
		return o;
	}
	json_object_set_new(o, "address", json_address(e->address));
	json_object_set_new(o, "task", json_task_short(iq_task_by_address(s->kernel, e->address)));
	json_object_set_new(o, "priority", json_integer(e->priority));
	json_object_set_new(o, "current", json_boolean(e->current));
	json_object_set_new(o, "delayed", json_boolean(e->delayed));
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct runq_result *x = r->data;
	json_t *o = json_object(), *all = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct queue *q = &x->queue[i];
		json_t *e = json_object(), *entries = json_array();

		json_object_set_new(e, "cpu", json_integer(q->q.cpu));
		json_object_set_new(e, "rq", json_address(q->q.address));
		json_object_set_new(e, "current",
				    json_task_short(iq_task_by_address(s->kernel, q->q.current)));
		json_object_set_new(e, "clock", json_integer((json_int_t)q->q.clock));
		json_object_set_new(e, "last_arrival", json_integer((json_int_t)q->arrival));
		for (unsigned int j = 0; j < q->nr; j++)
			json_array_append_new(entries, json_entry(s, &q->entry[j]));
		json_object_set_new(e, "queued", entries);
		json_array_append_new(all, e);
	}
	json_object_set_new(o, "runqueues", all);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- The command --------------------------------------------------------------------------------- */

static bool keep(void *arg, const struct iq_runq_entry *e)
{
	struct queue *q = arg;

	if (!iq_grow(&q->entry, &q->room, q->nr + 1, sizeof(*q->entry))) {
		q->no_memory = true;
		return false;
	}
	q->entry[q->nr++] = (struct queued){*e, q->class};
	return true;
}

static void read_queues(struct iq_kernel *k, struct queue *q)
{
	static const enum iq_runq_class classes[] = {IQ_RUNQ_DL, IQ_RUNQ_RT, IQ_RUNQ_CFS,
						     IQ_RUNQ_SCX};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(classes) && !q->no_memory; i++) {
		q->class = classes[i];
		iq_runq_walk(k, &q->q, classes[i], keep, q);
	}
}

/* -d: by the flag of each task. */
static struct iq_error *read_flags(struct iq_kernel *k, struct queue *q)
{
	const struct iq_task *tasks;
	uint64_t flag_at, prio_at, size, prio_size, flag, prio;
	unsigned int nr;

	IQ_TRY(iq_tasks(k, &tasks, &nr));
	if (!iq_kernel_offset(k, "task_struct", "on_rq", &flag_at, &size) || size > 8 ||
	    !iq_kernel_offset(k, "task_struct", "prio", &prio_at, &prio_size) || prio_size > 8)
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "task_struct.on_rq is not known in this kernel");
	q->class = IQ_RUNQ_CFS;
	for (unsigned int i = 0; i < nr && !q->no_memory; i++) {
		if (tasks[i].cpu != q->q.cpu ||
		    iq_vm_read_uint(k->vm, tasks[i].address + flag_at, (unsigned int)size, &flag) ||
		    !flag ||
		    iq_vm_read_uint(k->vm, tasks[i].address + prio_at, (unsigned int)prio_size,
				    &prio))
			continue;
		keep(q, &(struct iq_runq_entry){.address = tasks[i].address,
						.priority = (int)(int32_t)prio,
						.current = tasks[i].address == q->q.current});
	}
	return NULL;
}

static struct iq_error *read_all(struct session *s, struct iq_kernel *k, struct runq_result *x)
{
	unsigned int nr;
	const struct iq_cpu *cpus = iq_kernel_cpus(k, &nr);

	x->queue = calloc(nr ? nr : 1, sizeof(*x->queue));
	if (!x->queue)
		return iq_error_nomem();
	for (unsigned int i = 0; i < nr; i++) {
		struct queue *q = &x->queue[x->nr];

		if (!cpus[i].present || !cpu_chosen(&x->cpus, cpus[i].cpu))
			continue;
		if (!iq_runq_of(k, cpus[i].cpu, &q->q)) {
			iq_warn(&s->warnings, "the run queue of CPU %u cannot be read",
				cpus[i].cpu);
			continue;
		}
		x->nr++;
		iq_task_last_arrival(k, q->q.current, &q->arrival);
		if (x->what == RUNQ_FLAGS)
			IQ_TRY(read_flags(k, q));
		else if (x->what == RUNQ_TASKS || x->what == RUNQ_GROUPS)
			read_queues(k, q);
		if (q->no_memory)
			return iq_error_nomem();
	}
	return x->nr ? NULL : iq_error_new(IQ_E_UNAVAILABLE, "no run queue can be read");
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	static const char letters[] = "tTmgd";
	struct options o = {.argc = argc, .argv = argv};
	struct runq_result *x = data;
	struct iq_types *types;
	struct iq_error *err;
	struct iq_kernel *k;
	int option;

	IQ_TRY(need_kernel(s, &k));
	while ((option = next_option(&o, "tTmgdc:", &err)) != -1) {
		if (option == '?')
			return err;
		if (option == 'c') {
			IQ_TRY(choose_cpus(s, o.value, &x->cpus));
			continue;
		}
		if (x->what)
			return iq_error_new(IQ_E_USAGE, "-t, -T, -m, -g and -d exclude each other");
		x->what = RUNQ_CLOCK + (strchr(letters, option) - letters);
	}
	if (o.index < argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]),
				     "runq -c 1,3-5 shows the queues of some CPUs");
	IQ_TRY(iq_kernel_need_types(k, &types));
	return read_all(s, k, x);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct runq_result), fill, &ops, r);
}

const struct command cmd_runq = {
	.name = "runq",
	.summary = "who runs on each CPU, and who waits for it",
	.help = "runq [-t | -T | -m | -g | -d] [-c CPUS]\n"
		"\n"
		"Shows the run queue of each CPU: the task that was running, and those that "
		"waited,\n"
		"real-time tasks by priority, others in the order of the fair scheduler's tree, "
		"each\n"
		"with its priority.  Deadline tasks and those of sched_ext appear where there are\n"
		"any.  [DELAYED] sleeps already, and only its place in the tree remains (6.12).\n"
		"\n"
		"  -t        the clock of each queue, and when its task last began to run, in ns "
		"(0: never\n"
		"            noted, as for idle tasks)\n"
		"  -T        how far each clock is behind the most recent one: a CPU that is far "
		"behind\n"
		"            no longer took interrupts\n"
		"  -m        how long each task had been running: days hours:minutes:seconds\n"
		"  -g        by groups (cgroups): each with its queue, name, and whether it is "
		"throttled\n"
		"  -d        all tasks of the CPU that say of themselves that they are queued "
		"(on_rq)\n"
		"  -c CPUS   of these CPUs only: 1,3-5, or all\n"
		"\n"
		"  inquest> runq\n"
		"  inquest> runq -T | head -3\n"
		"  inquest> runq -g -c 0\n",
	.run = run,
	.no_context = true,
};
