// SPDX-License-Identifier: GPL-2.0-or-later
/* ps: the tasks. */
#include "internal.h"
#include <inttypes.h>
#include <stdlib.h>

enum view {
	VIEW_TABLE,
	VIEW_STATES,	/* -S */
	VIEW_LAST_RUN,	/* -l: when each ran last */
	VIEW_AGO,	/* -m: how long ago that was */
	VIEW_PARENTS,	/* -p */
	VIEW_CHILDREN,	/* -c */
	VIEW_THREADS,	/* -g */
};

struct row {
	const struct iq_task *task; /* owned by the kernel */
	unsigned int depth;	    /* indentation of the tree views */
	bool ends_group;	    /* of -g */
	bool nothing;		    /* instead of a task: none below */
	bool has_time;
	uint64_t time;		    /* ns: of -l, -m */
};

struct ps_result {
	enum view view;
	bool no_header, stack_pointer;
	struct row *row;
	unsigned int nr, room;
};

struct request {
	enum view view;
	bool kernel, user, leaders, active, no_header, stack_pointer;
	char **words;
	int nr_words;
};

static void free_result(void *data)
{
	struct ps_result *x = data;

	free(x->row);
	free(x);
}

/* ---- Text -------------------------------------------------------------------------------------- */

static void text_name(const struct iq_task *t, struct iq_buf *out)
{
	/* A kernel thread has no address space; the idle tasks do not say PF_KTHREAD in all kernels. */
	bool kernel = t->kthread || t->pid == 0;

	if (kernel)
		iq_buf_putc(out, '[');
	iq_buf_add_escaped(out, t->comm, strnlen(t->comm, sizeof(t->comm)), false);
	if (kernel)
		iq_buf_putc(out, ']');
}

static void text_row(const struct ps_result *x, const struct iq_task *t, struct iq_buf *out)
{
	iq_buf_printf(out, "%c%8u%8u%4u  ", t->running ? '>' : ' ', t->pid, t->ppid, t->cpu);
	if (!x->stack_pointer)
		iq_buf_printf(out, "%016" PRIx64, t->address);
	else if (t->running || !t->sp)
		iq_buf_puts(out, "       --       ");
	else
		iq_buf_printf(out, "%016" PRIx64, t->sp);
	iq_buf_printf(out, "  %s %5.1f %8" PRIu64 " %8" PRIu64 "  ", t->state_text, t->mem_percent, t->vsz_kb,
		      t->rss_kb);
	text_name(t, out);
	iq_buf_putc(out, '\n');
}

static void text_table(const struct ps_result *x, struct iq_buf *out)
{
	if (!x->no_header)
		iq_buf_printf(out, "      PID    PPID  CPU  %s  ST  %%MEM      VSZ      RSS  COMM\n",
			      x->stack_pointer ? "    KSTACKP    " : "     TASK      ");
	for (unsigned int i = 0; i < x->nr; i++)
		text_row(x, x->row[i].task, out);
}

/* Numbers of tasks by state, in the order in which the states are met. */
struct census {
	const char *state;
	unsigned int nr;
};

static unsigned int count_states(const struct ps_result *x, struct census *c, unsigned int room)
{
	unsigned int n = 0, j;

	for (unsigned int i = 0; i < x->nr; i++) {
		const char *state = x->row[i].task->state_text;

		for (j = 0; j < n && strcmp(c[j].state, state); j++)
			;
		if (j == n && n < room)
			c[n++] = (struct census){state, 0};
		if (j < n)
			c[j].nr++;
	}
	return n;
}

#define MAX_STATES 32

static void text_states(const struct ps_result *x, struct iq_buf *out)
{
	struct census c[MAX_STATES];
	unsigned int n = count_states(x, c, MAX_STATES);

	for (unsigned int i = 0; i < n; i++)
		iq_buf_printf(out, "  %s: %u\n", c[i].state, c[i].nr);
}

static void text_time(const struct ps_result *x, const struct row *row, unsigned int width, struct iq_buf *out)
{
	uint64_t ms = row->time / 1000000;

	if (!row->has_time)
		iq_buf_printf(out, "[%*s]", (int)width, "unknown");
	else if (x->view == VIEW_LAST_RUN)
		iq_buf_printf(out, "[%*" PRIu64 "]", (int)width, row->time);
	else
		iq_buf_printf(out, "[%" PRIu64 " %02u:%02u:%02u.%03u]", ms / 86400000,
			      (unsigned int)(ms / 3600000 % 24), (unsigned int)(ms / 60000 % 60),
			      (unsigned int)(ms / 1000 % 60), (unsigned int)(ms % 1000));
	iq_buf_printf(out, " [%s]  ", row->task->state_text);
	text_task_header(row->task, out);
}

static void text_times(const struct ps_result *x, struct iq_buf *out)
{
	unsigned int width = x->view == VIEW_AGO ? (unsigned int)strlen("0 00:00:00.000") : 1;

	for (unsigned int i = 0; x->view == VIEW_LAST_RUN && i < x->nr; i++) {
		char number[24];

		width = IQ_MAX(width, (unsigned int)snprintf(number, sizeof(number), "%" PRIu64, x->row[i].time));
	}
	for (unsigned int i = 0; i < x->nr; i++)
		text_time(x, &x->row[i], width, out);
}

static void text_tree(const struct ps_result *x, struct iq_buf *out)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct row *row = &x->row[i];

		iq_buf_printf(out, "%*s", (int)row->depth, "");
		if (row->nothing)
			iq_buf_puts(out, x->view == VIEW_THREADS ? "(no threads)\n" : "(no children)\n");
		else
			text_task_header(row->task, out);
		if (row->ends_group && i + 1 < x->nr)
			iq_buf_putc(out, '\n');
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct ps_result *x = r->data;

	switch (x->view) {
	case VIEW_TABLE:
		text_table(x, out);
		break;
	case VIEW_STATES:
		text_states(x, out);
		break;
	case VIEW_LAST_RUN:
	case VIEW_AGO:
		text_times(x, out);
		break;
	case VIEW_PARENTS:
	case VIEW_CHILDREN:
	case VIEW_THREADS:
		text_tree(x, out);
		break;
	}
}

/* ---- JSON -------------------------------------------------------------------------------------- */

json_t *json_task(const struct iq_task *t)
{
	json_t *o = json_object();

	json_object_set_new(o, "pid", json_integer(t->pid));
	json_object_set_new(o, "ppid", json_integer(t->ppid));
	json_object_set_new(o, "tgid", json_integer(t->tgid));
	json_object_set_new(o, "cpu", json_integer(t->cpu));
	json_object_set_new(o, "task", json_address(t->address));
	json_object_set_new(o, "state", json_string(t->state_text));
	json_object_set_new(o, "mem_percent", json_real(t->mem_percent));
	json_object_set_new(o, "vsz_kb", json_integer((json_int_t)t->vsz_kb));
	json_object_set_new(o, "rss_kb", json_integer((json_int_t)t->rss_kb));
	json_object_set_new(o, "comm", json_text(t->comm, strnlen(t->comm, sizeof(t->comm))));
	json_object_set_new(o, "active", json_boolean(t->running));
	json_object_set_new(o, "kernel_thread", json_boolean(t->kthread));
	return o;
}

static json_t *json_states(const struct ps_result *x)
{
	struct census c[MAX_STATES];
	unsigned int n = count_states(x, c, MAX_STATES);
	json_t *o = json_object(), *states = json_object();

	for (unsigned int i = 0; i < n; i++)
		json_object_set_new(states, c[i].state, json_integer(c[i].nr));
	json_object_set_new(o, "states", states);
	return o;
}

/* The tree views give each task a "depth", as the text indents it. */
static json_t *json_row(const struct ps_result *x, const struct row *row)
{
	json_t *o = json_task(row->task);

	if (x->view == VIEW_LAST_RUN || x->view == VIEW_AGO)
		json_object_set_new(o, x->view == VIEW_AGO ? "ago_ns" : "last_run_ns",
				    row->has_time ? json_integer((json_int_t)row->time) : json_null());
	if (x->view >= VIEW_PARENTS)
		json_object_set_new(o, "depth", json_integer(row->depth));
	if (x->stack_pointer)
		json_object_set_new(o, "kstackp",
				    row->task->running || !row->task->sp ? json_null()
									 : json_address(row->task->sp));
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct ps_result *x = r->data;
	json_t *o, *list;

	if (x->view == VIEW_STATES)
		return json_states(x);
	o = json_object();
	list = json_array();
	for (unsigned int i = 0; i < x->nr; i++) {
		if (!x->row[i].nothing)
			json_array_append_new(list, json_row(x, &x->row[i]));
	}
	json_object_set_new(o, "tasks", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- Rows -------------------------------------------------------------------------------------- */

static struct iq_error *add(struct ps_result *x, const struct row *row)
{
	if (!iq_grow(&x->row, &x->room, x->nr + 1, sizeof(*x->row)))
		return iq_error_nomem();
	x->row[x->nr++] = *row;
	return NULL;
}

/* Where a task's time of its last run lies: include/linux/sched.h, CONFIG_SCHED_INFO. */
static struct iq_error *last_run_offset(struct iq_kernel *k, uint64_t *offset)
{
	struct iq_types *types;

	IQ_TRY(iq_kernel_need_types(k, &types));
	if (!iq_offset(types, "task_struct", "sched_info.last_arrival", offset, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE, "this kernel does not keep when a task ran last");
	return NULL;
}

/* The clock of a CPU's run queue (kernel/sched/sched.h); false: not readable. */
static bool run_queue_clock(struct iq_kernel *k, unsigned int cpu, uint64_t *clock)
{
	struct iq_types *types = iq_kernel_types(k);
	uint64_t rq = iq_percpu_symbol(k, "runqueues", cpu), offset;

	return rq && types && iq_offset(types, "rq", "clock", &offset, NULL) &&
	       !iq_vm_read_uint(k->vm, rq + offset, 8, clock);
}

/* Latest first; those unknown last; in the order of ps among equals. */
static int by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->has_time != y->has_time)
		return x->has_time ? -1 : 1;
	if (x->time != y->time)
		return x->time > y->time ? -1 : 1;
	return x->depth < y->depth ? -1 : x->depth > y->depth;
}

static struct iq_error *add_times(struct iq_kernel *k, struct ps_result *x)
{
	uint64_t offset, clock;

	IQ_TRY(last_run_offset(k, &offset));
	for (unsigned int i = 0; i < x->nr; i++) {
		struct row *row = &x->row[i];

		row->has_time = !iq_vm_read_uint(k->vm, row->task->address + offset, 8, &row->time);
		row->depth = i;
	}
	qsort(x->row, x->nr, sizeof(*x->row), by_time);
	for (unsigned int i = 0; x->view == VIEW_AGO && i < x->nr; i++) {
		struct row *row = &x->row[i];

		row->has_time = row->has_time && run_queue_clock(k, row->task->cpu, &clock);
		/* A task may have been put on the CPU after the clock was read last. */
		if (row->has_time)
			row->time = clock > row->time ? clock - row->time : 0;
	}
	return NULL;
}

static struct iq_error *add_parents(struct iq_kernel *k, const struct iq_task *t, struct ps_result *x)
{
	struct task_list chain = {0};
	struct iq_error *err = NULL;

	/* task_list_add() takes each task once, so that a circle ends. */
	for (unsigned int before = 0; t && !err; before = chain.nr) {
		err = task_list_add(&chain, t);
		if (chain.nr == before)
			break;
		t = t->pid == 0 ? NULL : iq_task_by_pid(k, t->ppid);
	}
	for (unsigned int i = 0; !err && i < chain.nr; i++)
		err = add(x, &(struct row){.task = chain.task[chain.nr - 1 - i], .depth = i,
					   .ends_group = i + 1 == chain.nr});
	task_list_free(&chain);
	return err;
}

static struct iq_error *add_children(struct iq_kernel *k, const struct iq_task *t, struct ps_result *x)
{
	const struct iq_task *tasks;
	unsigned int nr, found = 0;

	IQ_TRY(iq_tasks(k, &tasks, &nr));
	IQ_TRY(add(x, &(struct row){.task = t}));
	for (unsigned int i = 0; i < nr; i++) {
		if (tasks[i].ppid != t->pid || tasks[i].pid == t->pid)
			continue;
		IQ_TRY(add(x, &(struct row){.task = &tasks[i], .depth = 2}));
		found++;
	}
	if (!found)
		IQ_TRY(add(x, &(struct row){.task = t, .depth = 2, .nothing = true}));
	x->row[x->nr - 1].ends_group = true;
	return NULL;
}

static struct iq_error *add_threads(struct iq_kernel *k, const struct iq_task *t, struct ps_result *x)
{
	const struct iq_task *tasks;
	unsigned int nr, found = 0;

	IQ_TRY(iq_tasks(k, &tasks, &nr));
	/* A thread stands for its group. */
	for (unsigned int i = 0; !t->leader && i < nr; i++) {
		if (tasks[i].pid == t->tgid)
			t = &tasks[i];
	}
	IQ_TRY(add(x, &(struct row){.task = t}));
	for (unsigned int i = 0; i < nr; i++) {
		if (tasks[i].tgid != t->tgid || tasks[i].address == t->address)
			continue;
		IQ_TRY(add(x, &(struct row){.task = &tasks[i], .depth = 2}));
		found++;
	}
	if (!found)
		IQ_TRY(add(x, &(struct row){.task = t, .depth = 2, .nothing = true}));
	x->row[x->nr - 1].ends_group = true;
	return NULL;
}

/* ---- Which tasks ------------------------------------------------------------------------------- */

static bool wanted(const struct request *q, const struct iq_task *t)
{
	bool kernel = t->kthread || t->pid == 0;

	return !(q->kernel && !kernel) && !(q->user && kernel) && !(q->leaders && !t->leader) &&
	       !(q->active && !t->running);
}

static struct iq_error *choose(struct session *s, const struct request *q, struct task_list *list)
{
	const struct iq_task *tasks;
	struct iq_error *err = NULL, *missing = NULL;
	unsigned int nr;

	for (int i = 0; !err && i < q->nr_words; i++) {
		err = select_tasks(s, q->words[i], list);
		/* What was found is shown; the first that was not is the error. */
		if (err && err->code == IQ_E_NOT_FOUND) {
			if (missing)
				iq_error_free(err);
			else
				missing = err;
			err = NULL;
		}
	}
	if (err) {
		iq_error_free(missing);
		return err;
	}
	if (q->nr_words)
		return missing;
	IQ_TRY(iq_tasks(s->kernel, &tasks, &nr));
	for (unsigned int i = 0; i < nr; i++) {
		if (!iq_grow(&list->task, &list->room, list->nr + 1, sizeof(*list->task)))
			return iq_error_nomem();
		list->task[list->nr++] = &tasks[i];
	}
	return NULL;
}

static struct iq_error *fill(struct session *s, const struct request *q, const struct task_list *list,
			     struct ps_result *x)
{
	for (unsigned int i = 0; i < list->nr; i++) {
		const struct iq_task *t = list->task[i];

		if (!wanted(q, t))
			continue;
		switch (x->view) {
		case VIEW_PARENTS:
			IQ_TRY(add_parents(s->kernel, t, x));
			break;
		case VIEW_CHILDREN:
			IQ_TRY(add_children(s->kernel, t, x));
			break;
		case VIEW_THREADS:
			/* All groups are shown once, by their leaders. */
			if (q->nr_words || t->leader)
				IQ_TRY(add_threads(s->kernel, t, x));
			break;
		default:
			IQ_TRY(add(x, &(struct row){.task = t}));
		}
	}
	if (x->view == VIEW_LAST_RUN || x->view == VIEW_AGO)
		return add_times(s->kernel, x);
	return NULL;
}

/* ---- The command ------------------------------------------------------------------------------- */

static struct iq_error *set_view(struct request *q, enum view view)
{
	if (q->view != VIEW_TABLE && q->view != view)
		return iq_error_new(IQ_E_USAGE, "one of -S, -l, -m, -p, -c, -g at a time");
	q->view = view;
	return NULL;
}

static struct iq_error *parse(int argc, char **argv, struct request *q)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;
	int option;

	if (!strcmp(argv[0], "last"))
		q->view = VIEW_LAST_RUN;
	while ((option = next_option(&o, "kuGAHsSlmpcg", &err)) != -1) {
		switch (option) {
		case 'k':
			q->kernel = true;
			break;
		case 'u':
			q->user = true;
			break;
		case 'G':
			q->leaders = true;
			break;
		case 'A':
			q->active = true;
			break;
		case 'H':
			q->no_header = true;
			break;
		case 's':
			q->stack_pointer = true;
			break;
		case 'S':
			IQ_TRY(set_view(q, VIEW_STATES));
			break;
		case 'l':
			IQ_TRY(set_view(q, VIEW_LAST_RUN));
			break;
		case 'm':
			IQ_TRY(set_view(q, VIEW_AGO));
			break;
		case 'p':
			IQ_TRY(set_view(q, VIEW_PARENTS));
			break;
		case 'c':
			IQ_TRY(set_view(q, VIEW_CHILDREN));
			break;
		case 'g':
			IQ_TRY(set_view(q, VIEW_THREADS));
			break;
		default:
			return err;
		}
	}
	if (q->kernel && q->user)
		return iq_error_new(IQ_E_USAGE, "-k shows kernel threads and -u all others: choose one");
	q->words = argv + o.index;
	q->nr_words = argc - o.index;
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct task_list list = {0};
	struct request q = {0};
	struct ps_result *x;
	struct iq_kernel *k;
	struct iq_error *err, *failed;

	IQ_TRY(parse(argc, argv, &q));
	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->view = q.view;
	x->no_header = q.no_header;
	x->stack_pointer = q.stack_pointer;
	err = choose(s, &q, &list);
	failed = !err || list.nr ? fill(s, &q, &list, x) : NULL;
	if (!err)
		err = failed;
	else
		iq_error_free(failed);
	task_list_free(&list);
	if (err && (failed || !x->nr)) {
		free_result(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return err;
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "the tasks: state, CPU, memory, name",
	.help = "ps [-kuGAHs] [-S | -l | -m | -p | -c | -g] [PID | TASK | NAME | 'REGEX']...\n"
		"\n"
		"Lists the tasks, all of them or those named.  '>' marks a task that was running on its CPU;\n"
		"kernel threads stand in brackets.  ST is the state: RU running or ready, IN interruptible, UN\n"
		"uninterruptible, ID idle, ST stopped, TR traced, ZO zombie, DE dead.  VSZ and RSS are in kB.\n"
		"\n"
		"  -k   kernel threads only\n"
		"  -u   user tasks only\n"
		"  -G   thread group leaders only\n"
		"  -A   only tasks that were running on a CPU\n"
		"  -s   the kernel stack pointer (KSTACKP) instead of the address of the task\n"
		"  -H   no header line\n"
		"  -S   how many tasks are in which state\n"
		"  -l   by the time they ran last (ns on the scheduler's clock), latest first; last is short\n"
		"       for it\n"
		"  -m   the same as time ago: [days hours:minutes:seconds.milliseconds]\n"
		"  -p   with the line of their ancestors\n"
		"  -c   with their children\n"
		"  -g   by thread group\n"
		"\n"
		"  inquest> ps -u\n"
		"  inquest> ps 'kworker.*'\n"
		"  inquest> ps -p 4711\n",
	.run = run,
	.completes = "p",
	.no_context = true,
	.keep_quotes = true,
};
