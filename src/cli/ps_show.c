// SPDX-License-Identifier: GPL-2.0-or-later
/* ps: the tasks as text and JSON. */
#include "ps.h"
#include <inttypes.h>
#include <stdlib.h>

void ps_free(void *data)
{
	struct ps_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++) {
		struct ps_more *m = x->row[i].more;

		if (!m)
			continue;
		iq_buf_free(&m->args);
		iq_buf_free(&m->environment);
		free(m->reason);
		free(m);
	}
	free(x->row);
	free(x->cpu);
	free(x);
}

/* ---- Text ------------------------------------------------------------------------------------ */

static void text_name(const struct iq_task *t, struct iq_buf *out)
{
	/*
	 * A kernel thread has no address space; the idle tasks do not say PF_KTHREAD in all
	 * kernels.
	 */
	bool kernel = t->kthread || t->pid == 0;

	if (kernel)
		iq_buf_putc(out, '[');
	if (t->unknown & IQ_TASK_COMM)
		iq_buf_putc(out, '?');
	iq_buf_add_escaped(out, t->comm, strnlen(t->comm, sizeof(t->comm)), false);
	if (kernel)
		iq_buf_putc(out, ']');
}

/* A number right-aligned, '?' if it is not known. */
static void text_number(const struct iq_task *t, unsigned int what, uint64_t n, int width,
			struct iq_buf *out)
{
	if (t->unknown & what)
		iq_buf_printf(out, "%*s", width, "?");
	else
		iq_buf_printf(out, "%*" PRIu64, width, n);
}

static void text_memory(const struct iq_task *t, struct iq_buf *out)
{
	if (t->unknown & (IQ_TASK_MEMORY | IQ_TASK_PERCENT))
		iq_buf_printf(out, "%5s", "?");
	else
		iq_buf_printf(out, "%5.1f", t->mem_percent);
	text_number(t, IQ_TASK_MEMORY, t->vsz_kb, 9, out);
	text_number(t, IQ_TASK_MEMORY, t->rss_kb, 9, out);
}

static void text_row(const struct ps_result *x, const struct iq_task *t, struct iq_buf *out)
{
	iq_buf_putc(out, t->running ? '>' : ' ');
	text_number(t, IQ_TASK_PID, t->pid, 8, out);
	text_number(t, IQ_TASK_PPID, t->ppid, 8, out);
	text_number(t, IQ_TASK_CPU, t->cpu, 4, out);
	iq_buf_puts(out, "  ");
	if (!x->stack_pointer)
		iq_buf_printf(out, "%016" PRIx64, t->address);
	else if (t->running || !t->sp)
		iq_buf_puts(out, "       --       ");
	else
		iq_buf_printf(out, "%016" PRIx64, t->sp);
	iq_buf_printf(out, "  %s ", t->state_text);
	text_memory(t, out);
	iq_buf_puts(out, "  ");
	text_name(t, out);
	iq_buf_putc(out, '\n');
}

static void text_table(const struct ps_result *x, struct iq_buf *out)
{
	if (!x->no_header)
		iq_buf_printf(out,
			      "      PID    PPID  CPU  %s  ST  %%MEM      VSZ      RSS  COMM\n",
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

static void text_time(const struct ps_result *x, const struct ps_row *row, unsigned int width,
		      struct iq_buf *out)
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

		width = IQ_MAX(width, (unsigned int)snprintf(number, sizeof(number), "%" PRIu64,
							     x->row[i].time));
	}
	for (unsigned int i = 0; !x->cpu && i < x->nr; i++)
		text_time(x, &x->row[i], width, out);
	for (unsigned int c = 0; c < x->nr_cpus; c++) {
		iq_buf_printf(out, "%sCPU: %u\n", c ? "\n" : "", x->cpu[c]);
		for (unsigned int i = 0; i < x->nr; i++) {
			if (x->row[i].task->cpu == x->cpu[c])
				text_time(x, &x->row[i], width, out);
		}
	}
}

/* ---- -t, -r, -a ------------------------------------------------------------------------------ */

static void text_task_times(const struct iq_times *t, struct iq_buf *out)
{
	uint64_t seconds = t->run / 1000000000;

	iq_buf_puts(out, "    RUN TIME: ");
	if (!t->has_run)
		iq_buf_puts(out, "unknown");
	else if (seconds >= 86400)
		iq_buf_printf(out, "%" PRIu64 " days, ", seconds / 86400);
	if (t->has_run)
		iq_buf_printf(out, "%02u:%02u:%02u", (unsigned int)(seconds / 3600 % 24),
			      (unsigned int)(seconds / 60 % 60), (unsigned int)(seconds % 60));
	iq_buf_printf(out, "\n  START TIME: %" PRIu64 "\n       UTIME: %" PRIu64 "\n       STIME: %" PRIu64 "\n",
		      t->start, t->utime, t->stime);
}

static void text_limit(uint64_t limit, unsigned int column, struct iq_buf *out)
{
	char word[24];
	unsigned int len, left;

	if (limit == UINT64_MAX)
		snprintf(word, sizeof(word), "(unlimited)");
	else
		snprintf(word, sizeof(word), "%" PRIu64, limit);
	len = (unsigned int)strlen(word);
	left = len < column ? (column - len) / 2 : 0;
	iq_buf_printf(out, "   %*s%-*s", (int)left, "", (int)(column - left), word);
}

static void text_limits(const struct iq_limit *limits, struct iq_buf *out)
{
	iq_buf_puts(out, "      RLIMIT     CURRENT       MAXIMUM\n");
	for (unsigned int i = 0; i < IQ_LIMITS; i++) {
		iq_buf_printf(out, "%12s", iq_limit_name(i));
		text_limit(limits[i].current, 11, out);
		text_limit(limits[i].maximum, 11, out);
		iq_buf_putc(out, '\n');
	}
}

/* The next string in B from *AT on, escaped into OUT; false: no more. */
static bool next_string(const struct iq_buf *b, size_t *at, struct iq_buf *out)
{
	size_t len;

	if (*at >= b->len)
		return false;
	len = strnlen(b->s + *at, b->len - *at);
	iq_buf_add_escaped(out, b->s + *at, len, false);
	*at += len + 1;
	return true;
}

static void text_arguments(const struct ps_more *m, struct iq_buf *out)
{
	size_t at = 0;

	iq_buf_puts(out, "ARG: ");
	while (next_string(&m->args, &at, out))
		iq_buf_putc(out, ' ');
	iq_buf_puts(out, "\nENV: ");
	at = 0;
	while (next_string(&m->environment, &at, out))
		iq_buf_puts(out, at < m->environment.len ? "\n     " : "");
	iq_buf_putc(out, '\n');
	if (m->missing)
		iq_buf_puts(out, "(a part of them is not in the dump)\n");
}

static void text_more(const struct ps_result *x, struct iq_buf *out)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct ps_more *m = x->row[i].more;

		text_task_header(x->row[i].task, out);
		if (!m->known)
			iq_buf_printf(out, "ps: %s\n", m->reason ? m->reason : "cannot be read");
		else if (x->view == VIEW_TIMES)
			text_task_times(&m->times, out);
		else if (x->view == VIEW_LIMITS)
			text_limits(m->limit, out);
		else
			text_arguments(m, out);
		iq_buf_puts(out, i + 1 < x->nr ? "\n" : "");
	}
}

static void text_tree(const struct ps_result *x, struct iq_buf *out)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct ps_row *row = &x->row[i];

		iq_buf_printf(out, "%*s", (int)row->depth, "");
		if (row->nothing)
			iq_buf_puts(out,
				    x->view == VIEW_THREADS ? "(no threads)\n" : "(no children)\n");
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
	case VIEW_TIMES:
	case VIEW_LIMITS:
	case VIEW_ARGUMENTS:
		text_more(x, out);
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

/* ---- JSON ------------------------------------------------------------------------------------ */

/* VALUE, or null if WHAT of the task is not known. */
static void set_known(json_t *o, const struct iq_task *t, unsigned int what, const char *key,
		      json_t *value)
{
	if (t->unknown & what) {
		json_decref(value);
		value = json_null();
	}
	json_object_set_new(o, key, value);
}

json_t *json_task(const struct iq_task *t)
{
	json_t *o = json_object();

	set_known(o, t, IQ_TASK_PID, "pid", json_integer(t->pid));
	set_known(o, t, IQ_TASK_PPID, "ppid", json_integer(t->ppid));
	set_known(o, t, IQ_TASK_PID, "tgid", json_integer(t->tgid));
	set_known(o, t, IQ_TASK_CPU, "cpu", json_integer(t->cpu));
	json_object_set_new(o, "task", json_address(t->address));
	set_known(o, t, IQ_TASK_STATE, "state", json_string(t->state_text));
	set_known(o, t, IQ_TASK_MEMORY | IQ_TASK_PERCENT, "mem_percent", json_real(t->mem_percent));
	set_known(o, t, IQ_TASK_MEMORY, "vsz_kb", json_integer((json_int_t)t->vsz_kb));
	set_known(o, t, IQ_TASK_MEMORY, "rss_kb", json_integer((json_int_t)t->rss_kb));
	set_known(o, t, IQ_TASK_COMM, "comm",
		  json_text(t->comm, strnlen(t->comm, sizeof(t->comm))));
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

static json_t *json_strings(const struct iq_buf *b)
{
	json_t *list = json_array();

	for (size_t at = 0, len; at < b->len; at += len + 1) {
		len = strnlen(b->s + at, b->len - at);
		json_array_append_new(list, json_text(b->s + at, len));
	}
	return list;
}

static json_t *json_limit(uint64_t limit)
{
	return limit > INT64_MAX ? json_null() : json_integer((json_int_t)limit);
}

/* Nothing is known: no such keys.  A limit that is null is none. */
static void json_more(const struct ps_result *x, const struct ps_more *m, json_t *o)
{
	if (!m->known)
		return;
	if (x->view == VIEW_TIMES) {
		json_object_set_new(o, "run_ns", m->times.has_run ? json_integer((json_int_t)m->times.run)
								  : json_null());
		json_object_set_new(o, "start_ns", json_integer((json_int_t)m->times.start));
		json_object_set_new(o, "utime_ns", json_integer((json_int_t)m->times.utime));
		json_object_set_new(o, "stime_ns", json_integer((json_int_t)m->times.stime));
	} else if (x->view == VIEW_LIMITS) {
		json_t *limits = json_object();

		for (unsigned int i = 0; i < IQ_LIMITS; i++) {
			json_t *both = json_array();

			json_array_append_new(both, json_limit(m->limit[i].current));
			json_array_append_new(both, json_limit(m->limit[i].maximum));
			json_object_set_new(limits, iq_limit_name(i), both);
		}
		json_object_set_new(o, "limits", limits);
	} else {
		json_object_set_new(o, "arguments", json_strings(&m->args));
		json_object_set_new(o, "environment", json_strings(&m->environment));
	}
}

/* The tree views give each task a "depth", as the text indents it. */
static json_t *json_row(const struct ps_result *x, const struct ps_row *row)
{
	json_t *o = json_task(row->task);

	if (x->view == VIEW_LAST_RUN || x->view == VIEW_AGO)
		json_object_set_new(o, x->view == VIEW_AGO ? "ago_ns" : "last_run_ns",
				    row->has_time ? json_integer((json_int_t)row->time)
						  : json_null());
	if (row->more)
		json_more(x, row->more, o);
	else if (x->view >= VIEW_PARENTS)
		json_object_set_new(o, "depth", json_integer(row->depth));
	if (x->stack_pointer)
		json_object_set_new(o, "kstackp",
				    row->task->running || !row->task->sp
					    ? json_null()
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

const struct result_ops ps_ops = {text, json, ps_free};
