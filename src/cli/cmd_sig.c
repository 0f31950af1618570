// SPDX-License-Identifier: GPL-2.0-or-later
/* sig: signals of tasks. */
#include "internal.h"
#include <inquest/signals.h>
#include <inttypes.h>
#include <stdlib.h>

/* A task and, with -g, the other threads of its process behind it. */
struct row {
	struct iq_task task;
	struct iq_signals signals;
	bool is_thread; /* of the group of the row above */
};

struct sig_result {
	enum { SIG_TASKS, SIG_LIST, SIG_SET } what;
	bool group; /* -g */
	uint64_t set;
	struct row *row;
	unsigned int nr, room;
};

static void free_result(void *data)
{
	struct sig_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		iq_signals_free(&x->row[i].signals);
	free(x->row);
	free(x);
}

/* ---- Text -------------------------------------------------------------------------------------- */

static void text_action(unsigned int signal, const struct iq_sigaction *a, struct iq_buf *out)
{
	char handler[24];

	if (a->handler > 1)
		snprintf(handler, sizeof(handler), "%" PRIx64, a->handler);
	else
		snprintf(handler, sizeof(handler), "%s", a->handler ? "SIG_IGN" : "SIG_DFL");
	iq_buf_printf(out, "%s[%u] %016" PRIx64 " %10s %016" PRIx64 " %" PRIx64 " ", signal < 10 ? " " : "",
		      signal, a->address, handler, a->mask, a->flags);
	if (a->flags) {
		iq_buf_putc(out, '(');
		iq_sigaction_flags_text(a->flags, out);
		iq_buf_putc(out, ')');
	}
	iq_buf_putc(out, '\n');
}

static void text_actions(const struct iq_signals *s, struct iq_buf *out)
{
	iq_buf_printf(out, "SIGNAL_STRUCT: %" PRIx64 "  NR_THREADS: %u\n", s->signal, s->threads);
	if (!s->nr_actions) {
		iq_buf_puts(out, "(no handlers: the task has exited)\n");
		return;
	}
	iq_buf_puts(out, " SIG    SIGACTION        HANDLER       MASK       FLAGS\n");
	for (unsigned int i = 0; i < s->nr_actions; i++)
		text_action(i + 1, &s->action[i], out);
}

static void text_queue(const struct iq_signals *s, bool shared, unsigned int indent, struct iq_buf *out)
{
	bool any = false;

	iq_buf_printf(out, "%*s%s_PENDING\n", (int)indent, "", shared ? "SHARED" : "PRIVATE");
	iq_buf_printf(out, "%*s    SIGNAL: %016" PRIx64 "\n", (int)indent, "",
		      shared ? s->shared_pending : s->private_pending);
	iq_buf_printf(out, "%*s  SIGQUEUE: ", (int)indent, "");
	for (unsigned int i = 0; i < s->nr_queue; i++) {
		if (s->queue[i].shared != shared)
			continue;
		if (!any)
			iq_buf_puts(out, " SIG  SIGINFO\n");
		any = true;
		iq_buf_printf(out, "%*s             %3d  %" PRIx64 "\n", (int)indent, "", s->queue[i].signal,
			      s->queue[i].info);
	}
	if (!any)
		iq_buf_puts(out, "(empty)\n");
}

static void text_thread(const struct iq_signals *s, unsigned int indent, struct iq_buf *out)
{
	bool pending = (s->private_pending | s->shared_pending) & ~s->blocked;

	iq_buf_printf(out, "%*sSIGPENDING: %s\n", (int)indent, "", pending ? "yes" : "no");
	iq_buf_printf(out, "%*s   BLOCKED: %016" PRIx64 "\n", (int)indent, "", s->blocked);
	text_queue(s, false, indent, out);
}

static void text_tasks(struct session *s, const struct sig_result *x, struct iq_buf *out)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct row *r = &x->row[i];

		if (!r->is_thread) {
			if (i && !x->group)
				iq_buf_putc(out, '\n');
			text_task_header(&r->task, out);
			text_actions(&r->signals, out);
			if (x->group) {
				text_queue(&r->signals, true, 0, out);
				iq_buf_putc(out, '\n');
			}
		}
		if (x->group) {
			iq_buf_puts(out, "  ");
			text_task_header(&r->task, out);
		}
		text_thread(&r->signals, x->group ? 2 : 0, out);
		if (x->group)
			iq_buf_putc(out, '\n');
		else
			text_queue(&r->signals, true, 0, out);
		if (!stream_out(s, out))
			return;
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct sig_result *x = r->data;

	if (x->what == SIG_TASKS) {
		text_tasks(s, x, out);
	} else if (x->what == SIG_SET) {
		iq_sigset_text(x->set, out);
		iq_buf_putc(out, '\n');
	} else {
		for (unsigned int i = 1; i <= IQ_SIGNALS; i++) {
			iq_buf_printf(out, "%s[%u] ", i < 10 ? " " : "", i);
			iq_signal_name(i, true, out);
			iq_buf_putc(out, '\n');
		}
	}
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_name(unsigned int signal)
{
	struct iq_buf b = {0};
	json_t *name;

	iq_signal_name(signal, false, &b);
	name = json_string(iq_buf_str(&b));
	iq_buf_free(&b);
	return name;
}

static json_t *json_set(uint64_t set)
{
	json_t *list = json_array();

	for (unsigned int i = 1; i <= IQ_SIGNALS; i++) {
		if (set >> (i - 1) & 1)
			json_array_append_new(list, json_name(i));
	}
	return list;
}

static json_t *json_action(unsigned int signal, const struct iq_sigaction *a)
{
	json_t *o = json_object();

	json_object_set_new(o, "signal", json_integer(signal));
	json_object_set_new(o, "name", json_name(signal));
	json_object_set_new(o, "sigaction", json_address(a->address));
	json_object_set_new(o, "handler", a->handler > 1 ? json_address(a->handler)
				  : json_string(a->handler ? "SIG_IGN" : "SIG_DFL"));
	json_object_set_new(o, "mask", json_address(a->mask));
	json_object_set_new(o, "flags", json_address(a->flags));
	return o;
}

static json_t *json_row(const struct row *r)
{
	const struct iq_signals *s = &r->signals;
	json_t *o = json_task(&r->task), *actions = json_array(), *queue = json_array();

	for (unsigned int i = 0; i < s->nr_actions; i++)
		json_array_append_new(actions, json_action(i + 1, &s->action[i]));
	for (unsigned int i = 0; i < s->nr_queue; i++) {
		const struct iq_sigqueue *q = &s->queue[i];
		json_t *one = json_object();

		json_object_set_new(one, "signal", json_integer(q->signal));
		json_object_set_new(one, "siginfo", json_address(q->info));
		json_object_set_new(one, "shared", json_boolean(q->shared));
		json_array_append_new(queue, one);
	}
	json_object_set_new(o, "signal_struct", json_address(s->signal));
	json_object_set_new(o, "threads", json_integer(s->threads));
	json_object_set_new(o, "actions", actions);
	json_object_set_new(o, "blocked", json_set(s->blocked));
	json_object_set_new(o, "private_pending", json_set(s->private_pending));
	json_object_set_new(o, "shared_pending", json_set(s->shared_pending));
	json_object_set_new(o, "queue", queue);
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct sig_result *x = r->data;
	json_t *o = json_object(), *list;

	if (x->what == SIG_SET) {
		json_object_set_new(o, "signals", json_set(x->set));
		return o;
	}
	list = json_array();
	for (unsigned int i = 1; x->what == SIG_LIST && i <= IQ_SIGNALS; i++) {
		json_t *one = json_object();

		json_object_set_new(one, "signal", json_integer(i));
		json_object_set_new(one, "name", json_name(i));
		json_array_append_new(list, one);
	}
	for (unsigned int i = 0; x->what == SIG_TASKS && i < x->nr; i++)
		json_array_append_new(list, json_row(&x->row[i]));
	json_object_set_new(o, x->what == SIG_LIST ? "signals" : "tasks", list);
	return o;
}

/* Damaged or interrupted: the tasks so far. */
static bool some(const void *data)
{
	const struct sig_result *x = data;

	return x->nr;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Finding them ------------------------------------------------------------------------------ */

static struct iq_error *add_row(struct session *s, struct sig_result *x, const struct iq_task *t, bool is_thread)
{
	if (!iq_grow(&x->row, &x->room, x->nr + 1, sizeof(*x->row)))
		return iq_error_nomem();
	x->row[x->nr] = (struct row){.task = *t, .is_thread = is_thread};
	IQ_TRY(iq_task_signals(s->kernel, t, &x->row[x->nr].signals));
	x->nr++;
	return NULL;
}

/* -g: the leader and all its threads, whichever of them was named. */
static struct iq_error *add_group(struct session *s, struct sig_result *x, const struct iq_task *t)
{
	const struct iq_task *tasks;
	uint32_t leader = t->pid ? t->tgid : 0;
	unsigned int nr;

	IQ_TRY(iq_tasks(s->kernel, &tasks, &nr));
	for (unsigned int i = 0; t->pid && i < nr; i++) {
		if (tasks[i].pid == leader)
			t = &tasks[i];
	}
	IQ_TRY(add_row(s, x, t, false));
	for (unsigned int i = 0; t->pid && i < nr; i++) {
		if (tasks[i].tgid == leader && tasks[i].address != t->address)
			IQ_TRY(add_row(s, x, &tasks[i], true));
	}
	return NULL;
}

static struct iq_error *add_task(struct session *s, void *arg, const struct iq_task *t)
{
	struct sig_result *x = arg;

	if (iq_cancelled(&s->cancel))
		return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	return x->group ? add_group(s, x, t) : add_row(s, x, t, false);
}

static bool room(void *arg, unsigned int most)
{
	struct sig_result *x = arg;

	return iq_grow(&x->row, &x->room, most, sizeof(*x->row));
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct sig_result *x = data;
	struct iq_kernel *k;
	struct iq_error *err;
	int option;

	while ((option = next_option(&o, "lgs:", &err)) != -1) {
		switch (option) {
		case 'l': x->what = SIG_LIST; break;
		case 'g': x->group = true; break;
		case 's':
			x->what = SIG_SET;
			if (!iq_parse_hex(o.value, &x->set))
				return iq_error_new(IQ_E_USAGE, "%s is not a hexadecimal number", o.value);
			break;
		default: return err;
		}
	}
	if (x->what != SIG_TASKS)
		return NULL;
	IQ_TRY(need_kernel(s, &k));
	return with_tasks(s, argc - o.index, argv + o.index, room, add_task, x);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct sig_result), fill, &ops, r);
}

const struct command cmd_sig = {
	.name = "sig",
	.summary = "signals of a task: handlers, blocked, pending",
	.help = "sig [-g] [PID | TASK | NAME | 'REGEX']...\n"
		"sig -l\n"
		"sig -s SET\n"
		"\n"
		"What the current task, or those named, do with each signal (struct k_sigaction,\n"
		"handler, signals blocked meanwhile, flags), which signals they block, and which\n"
		"wait for them: PRIVATE for the thread alone, SHARED for any thread of the\n"
		"process, with the siginfo of each.  SIGPENDING says whether one waits that is not\n"
		"blocked.\n"
		"\n"
		"  -g       for all threads of the process; handlers and shared signals once\n"
		"  -l       the numbers and names of the signals\n"
		"  -s SET   the names of the signals in a set, as MASK and BLOCKED show it\n"
		"           (hexadecimal)\n"
		"\n"
		"  inquest> sig 1\n"
		"  inquest> sig -g 1\n"
		"  inquest> sig -s fffffffe7ffbfeff\n",
	.run = run,
	.completes = "p",
	.keep_quotes = true,
};
