// SPDX-License-Identifier: GPL-2.0-or-later
/* ps: the tasks. */
#include "ps.h"
#include "show.h"
#include <ctype.h>
#include <stdlib.h>

struct request {
	enum ps_view view;
	bool kernel, user, leaders, active, no_header, stack_pointer;
	uint64_t policies; /* -y: a bit each; 0 any */
	const char *cpus; /* -C; NULL: not given */
	char **words;
	int nr_words;
};

/* ---- Rows ------------------------------------------------------------------------------------ */

static struct iq_error *add(struct ps_result *x, const struct ps_row *row)
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

	if (iq_kernel_offset(k, "task_struct", "sched_info.last_arrival", offset, NULL))
		return NULL;
	IQ_TRY(iq_kernel_need_types(k, &types));
	return iq_error_new(IQ_E_UNAVAILABLE, "this kernel does not keep when a task ran last");
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
	const struct ps_row *x = a, *y = b;

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
		struct ps_row *row = &x->row[i];

		row->has_time = !iq_vm_read_uint(k->vm, row->task->address + offset, 8, &row->time);
		row->depth = i;
	}
	qsort(x->row, x->nr, sizeof(*x->row), by_time);
	for (unsigned int i = 0; x->view == VIEW_AGO && i < x->nr; i++) {
		struct ps_row *row = &x->row[i];

		row->has_time = row->has_time && run_queue_clock(k, row->task->cpu, &clock);
		/* A task may have been put on the CPU after the clock was read last. */
		if (row->has_time)
			row->time = clock > row->time ? clock - row->time : 0;
	}
	return NULL;
}

static struct iq_error *add_parents(struct iq_kernel *k, const struct iq_task *t,
				    struct ps_result *x)
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
		err = add(x, &(struct ps_row){.task = chain.task[chain.nr - 1 - i],
					      .depth = i,
					      .ends_group = i + 1 == chain.nr});
	task_list_free(&chain);
	return err;
}

/* The idle tasks are one group without a leader of its own: what they have in common is the first's. */
static bool is_later_idle(struct iq_kernel *k, const struct iq_task *t)
{
	return !t->pid && t != iq_task_by_pid(k, 0);
}

static struct iq_error *add_children(struct iq_kernel *k, const struct iq_task *t,
				     struct ps_result *x)
{
	const struct iq_task *tasks;
	unsigned int nr, found = 0;

	IQ_TRY(iq_tasks(k, &tasks, &nr));
	IQ_TRY(add(x, &(struct ps_row){.task = t}));
	for (unsigned int i = 0; i < nr; i++) {
		if (tasks[i].ppid != t->pid || tasks[i].pid == t->pid || is_later_idle(k, t))
			continue;
		IQ_TRY(add(x, &(struct ps_row){.task = &tasks[i], .depth = 2}));
		found++;
	}
	if (!found)
		IQ_TRY(add(x, &(struct ps_row){.task = t, .depth = 2, .nothing = true}));
	x->row[x->nr - 1].ends_group = true;
	return NULL;
}

static struct iq_error *add_threads(struct iq_kernel *k, const struct iq_task *t,
				    struct ps_result *x)
{
	const struct iq_task *tasks;
	unsigned int nr, found = 0;

	IQ_TRY(iq_tasks(k, &tasks, &nr));
	/* A thread stands for its group. */
	for (unsigned int i = 0; !t->leader && i < nr; i++) {
		if (tasks[i].pid == t->tgid)
			t = &tasks[i];
	}
	IQ_TRY(add(x, &(struct ps_row){.task = t}));
	for (unsigned int i = 0; i < nr; i++) {
		if (tasks[i].tgid != t->tgid || tasks[i].address == t->address)
			continue;
		IQ_TRY(add(x, &(struct ps_row){.task = &tasks[i], .depth = 2}));
		found++;
	}
	if (!found)
		IQ_TRY(add(x, &(struct ps_row){.task = t, .depth = 2, .nothing = true}));
	x->row[x->nr - 1].ends_group = true;
	return NULL;
}

/* ---- -t, -r, -a ------------------------------------------------------------------------------ */

static struct iq_error *find_arguments(struct iq_kernel *k, const struct iq_task *t, struct ps_more *m)
{
	struct iq_error *err = iq_task_arguments(k, t, &m->args, &m->environment, &m->missing);
	struct iq_buf reason = {0};

	m->known = !err;
	if (!err)
		return NULL;
	iq_buf_puts(&reason, err->message);
	iq_error_free(err);
	m->reason = iq_buf_steal(&reason);
	return m->reason ? NULL : iq_error_nomem();
}

static struct iq_error *add_more(struct iq_kernel *k, const struct iq_task *t, struct ps_result *x)
{
	struct ps_row row = {.task = t, .more = calloc(1, sizeof(*row.more))};
	struct iq_error *err = row.more ? add(x, &row) : iq_error_nomem();

	if (err) {
		free(row.more);
		return err;
	}
	if (x->view == VIEW_TIMES)
		row.more->known = iq_task_times(k, t, &row.more->times);
	else if (x->view == VIEW_LIMITS)
		row.more->known = iq_task_limits(k, t, row.more->limit);
	else
		return find_arguments(k, t, row.more);
	return NULL;
}

/* In the order in which they were started; those that began at once in that of ps. */
static int by_start(const void *a, const void *b)
{
	const struct ps_row *x = a, *y = b;

	if (x->more->times.start != y->more->times.start)
		return x->more->times.start < y->more->times.start ? -1 : 1;
	return x->task < y->task ? -1 : x->task > y->task;
}

/* ---- Which tasks ----------------------------------------------------------------------------- */

static bool has_policy(struct iq_kernel *k, const struct request *q, const struct iq_task *t)
{
	unsigned int policy;

	if (!q->policies)
		return true;
	return iq_task_policy(k, t, &policy) && policy < 64 && q->policies >> policy & 1;
}

static bool wanted(struct iq_kernel *k, const struct request *q, const struct iq_task *t)
{
	bool kernel = t->kthread || t->pid == 0;

	return has_policy(k, q, t) && !(q->kernel && !kernel) && !(q->user && kernel) && !(q->leaders && !t->leader) &&
	       !(q->active && !t->running);
}

/* All of them are elements of one array, in the order of ps. */
static int by_place(const void *a, const void *b)
{
	const struct iq_task *x = *(const struct iq_task *const *)a, *y = *(const struct iq_task *const *)b;

	return x < y ? -1 : x > y;
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
	if (q->nr_words) {
		/* As crash does: whatever was named first, the order is that of all tasks. */
		if (list->nr)
			qsort(list->task, list->nr, sizeof(*list->task), by_place);
		return missing;
	}
	IQ_TRY(iq_tasks(s->kernel, &tasks, &nr));
	for (unsigned int i = 0; i < nr; i++) {
		if (!iq_grow(&list->task, &list->room, list->nr + 1, sizeof(*list->task)))
			return iq_error_nomem();
		list->task[list->nr++] = &tasks[i];
	}
	return NULL;
}

static struct iq_error *fill(struct session *s, const struct request *q,
			     const struct task_list *list, struct ps_result *x)
{
	for (unsigned int i = 0; i < list->nr; i++) {
		const struct iq_task *t = list->task[i];

		if (iq_cancelled(&s->cancel))
			return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
		if (!wanted(s->kernel, q, t))
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
			if ((q->nr_words || t->leader) && !is_later_idle(s->kernel, t))
				IQ_TRY(add_threads(s->kernel, t, x));
			break;
		case VIEW_TIMES:
		case VIEW_LIMITS:
		case VIEW_ARGUMENTS:
			IQ_TRY(add_more(s->kernel, t, x));
			break;
		default:
			IQ_TRY(add(x, &(struct ps_row){.task = t}));
		}
	}
	if (x->view == VIEW_TIMES && x->nr)
		qsort(x->row, x->nr, sizeof(*x->row), by_start);
	if (x->view == VIEW_LAST_RUN || x->view == VIEW_AGO)
		return add_times(s->kernel, x);
	return NULL;
}

/* ---- The command ----------------------------------------------------------------------------- */

static struct iq_error *set_view(struct request *q, enum ps_view view)
{
	if (q->view != VIEW_TABLE && q->view != view)
		return iq_error_new(IQ_E_USAGE, "one of -S, -l, -m, -p, -c, -g, -t, -r, -a at a time");
	q->view = view;
	return NULL;
}

/* "RR,fifo", "1,2": include/uapi/linux/sched.h. */
static struct iq_error *set_policies(struct request *q, const char *list)
{
	static const char *const names[] = {"NORMAL", "FIFO", "RR", "BATCH", "ISO", "IDLE", "DEADLINE", "EXT"};
	char *copy = strdup(list), *save = NULL;
	struct iq_error *err = copy ? NULL : iq_error_nomem();

	for (char *w = copy ? strtok_r(copy, ",", &save) : NULL; w && !err; w = strtok_r(NULL, ",", &save)) {
		uint64_t n = IQ_ARRAY_SIZE(names);

		for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++) {
			if (!strcasecmp(names[i], w))
				n = i;
		}
		if (isdigit((unsigned char)*w) && !iq_parse_u64(w, &n))
			n = IQ_ARRAY_SIZE(names);
		if (n < IQ_ARRAY_SIZE(names))
			q->policies |= UINT64_C(1) << n;
		else
			err = iq_error_hint(iq_error_new(IQ_E_USAGE, "%s is no scheduling policy", w),
					    "0 NORMAL, 1 FIFO, 2 RR, 3 BATCH, 4 ISO, 5 IDLE, 6 DEADLINE, 7 EXT");
	}
	free(copy);
	if (!err && !q->policies)
		err = iq_error_new(IQ_E_USAGE, "-y needs a policy");
	return err;
}

static struct iq_error *parse(int argc, char **argv, struct request *q)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;
	int option;

	if (!strcmp(argv[0], "last"))
		q->view = VIEW_LAST_RUN;
	while ((option = next_option(&o, "kuGAHsSlmpcgtray:C:", &err)) != -1) {
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
		case 't':
			IQ_TRY(set_view(q, VIEW_TIMES));
			break;
		case 'r':
			IQ_TRY(set_view(q, VIEW_LIMITS));
			break;
		case 'a':
			IQ_TRY(set_view(q, VIEW_ARGUMENTS));
			break;
		case 'y':
			IQ_TRY(set_policies(q, o.value));
			break;
		case 'C':
			q->cpus = o.value;
			break;
		default:
			return err;
		}
	}
	if (q->cpus && q->view != VIEW_LAST_RUN && q->view != VIEW_AGO)
		return iq_error_new(IQ_E_USAGE, "-C is for -l and -m");
	if (q->kernel && q->user)
		return iq_error_new(IQ_E_USAGE,
				    "-k shows kernel threads and -u all others: choose one");
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
	err = q.cpus ? parse_cpus(s, q.cpus, &x->cpu, &x->nr_cpus) : NULL;
	if (!err)
		err = choose(s, &q, &list);
	failed = !err || list.nr ? fill(s, &q, &list, x) : NULL;
	if (!err)
		err = failed;
	else
		iq_error_free(failed);
	task_list_free(&list);
	if (err && (failed || !x->nr)) {
		ps_free(x);
		return err;
	}
	*r = (struct result){&ps_ops, x};
	return err;
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "the tasks: state, CPU, memory, name",
	.help = "ps [-kuGAHs] [-y POLICY] [-S | -l | -m | -p | -c | -g | -t | -r | -a] [-C CPUS]\n"
		"   [PID | TASK | NAME | 'REGEX']...\n"
		"\n"
		"Lists the tasks, all of them or those named.  '>' marks a task that was running\n"
		"on its CPU; kernel threads stand in brackets.  ST is the state: RU running or\n"
		"ready, IN interruptible, UN uninterruptible, ID idle, ST stopped, TR traced, ZO\n"
		"zombie, DE dead.  VSZ and RSS are in kB.  \\NAME is a name, whatever else it\n"
		"looks like.\n"
		"\n"
		"  -k   kernel threads only\n"
		"  -u   user tasks only\n"
		"  -G   thread group leaders only\n"
		"  -A   only tasks that were running on a CPU\n"
		"  -y   only tasks of these scheduling policies: names or numbers of NORMAL 0,\n"
		"       FIFO 1, RR 2, BATCH 3, ISO 4, IDLE 5, DEADLINE 6, EXT 7, as in -y rr,fifo\n"
		"  -s   the kernel stack pointer (KSTACKP) instead of the address of the task\n"
		"  -H   no header line\n"
		"  -S   how many tasks are in which state\n"
		"  -l   by the time they ran last (ns on the scheduler's clock), latest first;\n"
		"       last is short for it\n"
		"  -m   the same as time ago: [days hours:minutes:seconds.milliseconds]\n"
		"  -C   with -l and -m: a block for each of these CPUs, as in 0,2-3 or a for all\n"
		"  -p   with the line of their ancestors\n"
		"  -c   with their children\n"
		"  -g   by thread group\n"
		"  -t   for how long they have run, when they were started and how long they were\n"
		"       in user and kernel mode (ns), in the order of their start\n"
		"  -r   the limits of their resources\n"
		"  -a   their arguments and environment, from their own memory\n"
		"\n"
		"  inquest> ps -u\n"
		"  inquest> ps 'kworker.*'\n"
		"  inquest> ps -p 1\n"
		"  inquest> ps -m -C 0\n"
		"  inquest> ps -a 1\n",
	.run = run,
	.completes = "p",
	.no_context = true,
	.keep_quotes = true,
};
