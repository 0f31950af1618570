// SPDX-License-Identifier: GPL-2.0-or-later
/* waits: who waits for what, and who holds it. */
#include "place.h"
#include "internal.h"
#include <inquest/waits.h>
#include <inttypes.h>
#include <stdlib.h>

struct waits_result {
	struct iq_waits waits;
	struct iq_describer *d;
};

static void free_result(void *data)
{
	struct waits_result *x = data;

	iq_waits_free(&x->waits);
	if (x->d)
		iq_describer_close(x->d);
	free(x);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct waits_result *x = r->data;

	if (!x->waits.nr)
		iq_buf_puts(out, "no task waits for a lock or sleeps uninterruptibly\n");
	iq_waits_lines(s->kernel, x->d, &x->waits, out);
}

static json_t *json_or_null(const char *text)
{
	return text && *text ? json_text(text, strlen(text)) : json_null();
}

static json_t *json_wait(const struct iq_wait *w, struct session *s, struct iq_describer *d)
{
	json_t *o = json_object();
	struct iq_whatis what;

	json_object_set_new(o, "pid", json_integer(w->task.pid));
	json_object_set_new(o, "comm", json_text(w->task.comm, strnlen(w->task.comm, 16)));
	json_object_set_new(o, "task", json_address(w->task.address));
	json_object_set_new(o, "kind", json_string(iq_wait_kind_text(w->kind)));
	json_object_set_new(o, "object", w->object ? json_address(w->object) : json_null());
	if (w->object) {
		iq_whatis(d, w->object, false, &what);
		json_object_set_new(o, "whatis", json_kind(s, &what));
	}
	json_object_set_new(o, "proven", json_boolean(w->proven));
	json_object_set_new(o, "seconds", w->has_age ? json_real(w->age) : json_null());
	json_object_set_new(o, "function", json_or_null(w->function));
	json_object_set_new(o, "offset", w->function[0] ? json_integer((json_int_t)w->offset) : json_null());
	json_object_set_new(o, "module", json_or_null(w->module));
	json_object_set_new(o, "owner", w->owner ? json_address(w->owner) : json_null());
	json_object_set_new(o, "owner_confidence", json_string(iq_confidence_text(w->owner_confidence)));
	json_object_set_new(o, "owner_from", json_or_null(w->owner_from));
	json_object_set_new(o, "cycle", w->cycle ? json_integer(w->cycle) : json_null());
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct waits_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->waits.nr; i++)
		json_array_append_new(list, json_wait(&x->waits.list[i], s, x->d));
	json_object_set_new(o, "waits", list);
	json_object_set_new(o, "cycles", json_integer(x->waits.cycles));
	return o;
}

static const struct result_ops ops = {text, json, free_result};

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct waits_result *x = data;

	if (argc > 1)
		return iq_error_new(IQ_E_USAGE, "waits takes no arguments");
	IQ_TRY(iq_describer_open(s->kernel, &x->d));
	IQ_TRY(iq_waits_find(s->kernel, &s->cancel, &x->waits));
	if (x->waits.interrupted)
		iq_warn(&s->warnings, "interrupted: not all tasks were looked at");
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct waits_result), fill, &ops, r);
}

const struct command cmd_waits = {
	.name = "waits",
	.summary = "who waits for what, and who holds it",
	.help = "waits\n"
		"\n"
		"Shows as trees which tasks wait for a lock, and those in uninterruptible sleep\n"
		"whatever they wait for: the lock or other object, the function that waits, and since\n"
		"when.  A task stands below the one that holds what it waits for; tasks that hold up\n"
		"each other are a circle.  Locks are found by the entry on the waiter's stack that is\n"
		"linked with the lock, owners by the lock's own words: mutex, rw_semaphore, rt_mutex,\n"
		"semaphore, completion, work item, page, bit, wait queue.  For a spinlock the holder\n"
		"is who has its address in hand on another CPU or where this one was interrupted.\n"
		"\n"
		"  inquest> waits\n",
	.run = run,
};
