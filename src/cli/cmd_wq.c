// SPDX-License-Identifier: GPL-2.0-or-later
/* wq: workqueues: who works at what, and what waits. */
#include "system.h"
#include <inquest/timer.h>
#include <inquest/workqueue.h>
#include <inttypes.h>
#include <stdlib.h>

struct wq_result {
	struct iq_worker_pools pools;
	unsigned int hz;
	bool all; /* -a: idle pools and workers too */
};

static void free_result(void *data)
{
	struct wq_result *x = data;

	iq_worker_pools_free(&x->pools);
	free(x);
}

/* Seconds since THEN, a number of jiffies; false: not known. */
static bool age(const struct wq_result *x, uint64_t then, double *ret)
{
	if (!then || !x->hz || !x->pools.jiffies || then > x->pools.jiffies)
		return false;
	*ret = (double)(x->pools.jiffies - then) / x->hz;
	return true;
}

/* ---- Text ---------------------------------------------------------------------------------------- */

static void text_work(struct session *s, const struct iq_work *w, struct iq_buf *out)
{
	static const char *const states[] = {"PENDING", "SCHEDULED", "INACTIVE"};

	iq_buf_printf(out, "  %-9s %016" PRIx64 "  %-24s ", states[w->state], w->address,
		      *w->name ? w->name : "-");
	text_function(s, w->function, out);
	if (w->worker)
		iq_buf_printf(out, "  by worker %016" PRIx64, w->worker);
	iq_buf_putc(out, '\n');
}

static void text_worker(struct session *s, const struct wq_result *x, const struct iq_worker *w,
			struct iq_buf *out)
{
	const struct iq_task *t = w->task ? iq_task_by_address(s->kernel, w->task) : NULL;
	double seconds;

	iq_buf_printf(out, "  %-9s %016" PRIx64 "  ",
		      w->work	? "RUNNING"
		      : w->idle ? "IDLE"
				: "READY",
		      w->address);
	if (t)
		text_task_short(t, out);
	else if (!w->task)
		iq_buf_puts(out, "(no task: runs in a soft interrupt, BH)");
	else
		iq_buf_printf(out, "TASK: %016" PRIx64, w->task);
	iq_buf_putc(out, '\n');
	if (!w->work)
		return;
	iq_buf_printf(out, "            %016" PRIx64 "  %-24s ", w->work, *w->name ? w->name : "-");
	text_function(s, w->function, out);
	if (age(x, w->started, &seconds))
		iq_buf_printf(out, "  for %.1f s", seconds);
	iq_buf_putc(out, '\n');
}

static bool busy(const struct wq_result *x, const struct iq_worker_pool *p)
{
	if (p->works)
		return true;
	for (unsigned int i = 0; i < p->workers; i++) {
		if (!x->pools.worker[p->first_worker + i].idle)
			return true;
	}
	return false;
}

static void text_pool(struct session *s, const struct wq_result *x, const struct iq_worker_pool *p,
		      struct iq_buf *out)
{
	double seconds;

	iq_buf_printf(out, "POOL %d: %016" PRIx64 "  ", p->id, p->address);
	if (p->cpu < 0)
		iq_buf_puts(out, "UNBOUND");
	else
		iq_buf_printf(out, "CPU: %d", p->cpu);
	iq_buf_printf(out, "  NICE: %d  WORKERS: %u  IDLE: %u", p->nice, p->nr_workers, p->nr_idle);
	if (p->works && age(x, p->progress, &seconds))
		iq_buf_printf(out, "  NO PROGRESS FOR: %.1f s", seconds);
	iq_buf_putc(out, '\n');
	for (unsigned int i = 0; i < p->workers; i++) {
		const struct iq_worker *w = &x->pools.worker[p->first_worker + i];

		if (x->all || !w->idle)
			text_worker(s, x, w, out);
	}
	for (unsigned int i = 0; i < p->works; i++)
		text_work(s, &x->pools.work[p->first_work + i], out);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct wq_result *x = r->data;
	unsigned int shown = 0, held = 0;

	for (unsigned int i = 0; i < x->pools.nr; i++) {
		if (!x->all && !busy(x, &x->pools.pool[i]))
			continue;
		if (shown++)
			iq_buf_putc(out, '\n');
		text_pool(s, x, &x->pools.pool[i], out);
	}
	for (unsigned int i = 0; i < x->pools.nr_works; i++) {
		if (x->pools.work[i].state != IQ_WORK_INACTIVE)
			continue;
		if (!held++)
			iq_buf_puts(out, shown ? "\nHELD BACK BY max_active:\n"
					       : "HELD BACK BY max_active:\n");
		text_work(s, &x->pools.work[i], out);
	}
	if (!shown && !held)
		iq_buf_printf(out, "all %u worker pools are idle, and nothing waits\n",
			      x->pools.nr);
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

static json_t *json_name(const char *name)
{
	return *name ? json_string(name) : json_null();
}

static json_t *json_work(struct session *s, const struct iq_work *w)
{
	static const char *const states[] = {"pending", "scheduled", "inactive"};
	json_t *o = json_object();

	json_object_set_new(o, "state", json_string(states[w->state]));
	json_object_set_new(o, "work", json_address(w->address));
	json_object_set_new(o, "function", json_function(s, w->function));
	json_object_set_new(o, "workqueue", json_name(w->name));
	json_object_set_new(o, "worker", w->worker ? json_address(w->worker) : json_null());
	return o;
}

static json_t *json_pool(struct session *s, const struct wq_result *x,
			 const struct iq_worker_pool *p)
{
	json_t *o = json_object(), *workers = json_array(), *works = json_array();
	double seconds;

	json_object_set_new(o, "id", json_integer(p->id));
	json_object_set_new(o, "pool", json_address(p->address));
	json_object_set_new(o, "cpu", p->cpu < 0 ? json_null() : json_integer(p->cpu));
	json_object_set_new(o, "nice", json_integer(p->nice));
	json_object_set_new(o, "nr_workers", json_integer(p->nr_workers));
	json_object_set_new(o, "nr_idle", json_integer(p->nr_idle));
	json_object_set_new(o, "since_progress",
			    age(x, p->progress, &seconds) ? json_real(seconds) : json_null());
	for (unsigned int i = 0; i < p->workers; i++) {
		const struct iq_worker *w = &x->pools.worker[p->first_worker + i];
		json_t *e = json_object();

		json_object_set_new(e, "worker", json_address(w->address));
		json_object_set_new(
			e, "task",
			json_task_short(w->task ? iq_task_by_address(s->kernel, w->task) : NULL));
		json_object_set_new(e, "idle", json_boolean(w->idle));
		json_object_set_new(e, "work", w->work ? json_address(w->work) : json_null());
		json_object_set_new(e, "function", json_function(s, w->function));
		json_object_set_new(e, "workqueue", json_name(w->name));
		json_object_set_new(e, "seconds",
				    age(x, w->started, &seconds) ? json_real(seconds)
								 : json_null());
		json_array_append_new(workers, e);
	}
	for (unsigned int i = 0; i < p->works; i++)
		json_array_append_new(works, json_work(s, &x->pools.work[p->first_work + i]));
	json_object_set_new(o, "workers", workers);
	json_object_set_new(o, "works", works);
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct wq_result *x = r->data;
	json_t *o = json_object(), *pools = json_array(), *held = json_array();

	for (unsigned int i = 0; i < x->pools.nr; i++)
		json_array_append_new(pools, json_pool(s, x, &x->pools.pool[i]));
	for (unsigned int i = 0; i < x->pools.nr_works; i++) {
		if (x->pools.work[i].state == IQ_WORK_INACTIVE)
			json_array_append_new(held, json_work(s, &x->pools.work[i]));
	}
	json_object_set_new(o, "pools", pools);
	json_object_set_new(o, "held_back", held);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- The command --------------------------------------------------------------------------------- */

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct wq_result *x = data;
	struct iq_error *err;
	struct iq_kernel *k;
	int option;

	while ((option = next_option(&o, "a", &err)) != -1) {
		if (option == '?')
			return err;
		x->all = true;
	}
	if (o.index < argc)
		return iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]);
	IQ_TRY(need_kernel(s, &k));
	x->hz = iq_kernel_hz(k);
	return iq_worker_pools(k, &x->pools);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct wq_result), fill, &ops, r);
}

const struct command cmd_wq = {
	.name = "wq",
	.summary = "workqueues: who works at what, and what waits",
	.help = "wq [-a]\n"
		"\n"
		"Shows each pool of workers in which something happens: its workers that are not "
		"idle\n"
		"with the item that each runs (work_struct, workqueue, function), and the items "
		"that\n"
		"wait.  For how long an item runs is said where the kernel notes it (7.x); for a "
		"pool in\n"
		"which items wait, how long ago the last one was taken: more than some seconds "
		"means\n"
		"that its workers are stuck.\n"
		"\n"
		"  -a   idle pools and workers too\n"
		"\n"
		"PENDING items wait for a worker, SCHEDULED ones for the worker named to finish "
		"what it\n"
		"runs, and INACTIVE ones are held back by their workqueue's max_active.\n"
		"\n"
		"  inquest> wq\n"
		"  inquest> wq -a | grep RUNNING\n",
	.run = run,
	.no_context = true,
};
