// SPDX-License-Identifier: GPL-2.0-or-later
/* waitq: who sleeps on a wait queue. */
#include "system.h"
#include <inquest/waitq.h>
#include <inttypes.h>
#include <stdlib.h>

struct waitq_result {
	char *name; /* owned; NULL: it was given by its address */
	uint64_t address;
	struct iq_waiter *waiter;
	unsigned int nr, room;
	bool no_memory, whole;
};

static void free_result(void *data)
{
	struct waitq_result *x = data;

	free(x->name);
	free(x->waiter);
	free(x);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct waitq_result *x = r->data;

	if (!x->nr) {
		iq_buf_puts(out, "wait queue ");
		if (x->name) {
			iq_buf_putc(out, '"');
			iq_buf_add_escaped(out, x->name, strlen(x->name), false);
			iq_buf_puts(out, "\" ");
		}
		iq_buf_printf(out, "(%" PRIx64 ") %s\n", x->address,
			      x->whole ? "is empty" : "is damaged, and nobody is found on it");
		return;
	}
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_task *t =
			x->waiter[i].task ? iq_task_by_address(s->kernel, x->waiter[i].task) : NULL;

		if (t) {
			text_task_header(t, out);
			continue;
		}
		iq_buf_printf(out, "WAIT_QUEUE_ENTRY: %016" PRIx64 "  FUNC: ", x->waiter[i].entry);
		text_function(s, x->waiter[i].function, out);
		iq_buf_putc(out, '\n');
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct waitq_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	json_object_set_new(o, "wait_queue", json_address(x->address));
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_waiter *w = &x->waiter[i];
		json_t *e = json_object();

		json_object_set_new(e, "entry", json_address(w->entry));
		json_object_set_new(
			e, "task",
			json_task_short(w->task ? iq_task_by_address(s->kernel, w->task) : NULL));
		json_object_set_new(e, "function", json_function(s, w->function));
		json_object_set_new(e, "exclusive", json_boolean(w->flags & 1));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "waiters", list);
	json_object_set_new(o, "whole", json_boolean(x->whole));
	return o;
}

static const struct result_ops ops = {text, json, free_result};

static bool add(void *arg, const struct iq_waiter *w)
{
	struct waitq_result *x = arg;

	if (!iq_grow(&x->waiter, &x->room, x->nr + 1, sizeof(*x->waiter))) {
		x->no_memory = true;
		return false;
	}
	x->waiter[x->nr++] = *w;
	return true;
}

/* "task_struct.signal.wait_chldexit" of the struct at WHERE. */
static struct iq_error *member_address(struct session *s, const char *path, const char *where,
				       uint64_t *ret)
{
	const char *dot = strchr(path, '.');
	const struct iq_type *type;
	struct iq_member m;
	char tag[128];
	uint64_t base;

	if (!dot)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "unexpected word %s", where),
				     "waitq STRUCT.MEMBER ADDRESS, waitq SYMBOL, or waitq ADDRESS");
	snprintf(tag, sizeof(tag), "struct %.*s", (int)IQ_MIN(dot - path, 100), path);
	type = iq_kernel_type(s->kernel, tag, NULL);
	if (!type)
		return iq_error_new(IQ_E_NOT_FOUND, "no %s in the types of this dump", tag);
	IQ_TRY(iq_member_find(type, dot + 1, &m));
	IQ_TRY(parse_address(s, where, &base));
	*ret = base + m.bit_offset / 8;
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct waitq_result *x = data;
	struct iq_symbol symbol;
	struct iq_kernel *k;
	struct iq_error *err;

	IQ_TRY(need_kernel(s, &k));
	if (argc < 2 || argc > 3)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "waitq needs a wait queue"),
				     "waitq SYMBOL, waitq STRUCT.MEMBER ADDRESS, or waitq ADDRESS");
	if (argc == 3)
		IQ_TRY(member_address(s, argv[1], argv[2], &x->address));
	else
		IQ_TRY(parse_address(s, argv[1], &x->address));
	if (argc == 3 || iq_symbol_named(k, argv[1], &symbol)) {
		x->name = strdup(argv[1]);
		if (!x->name)
			return iq_error_nomem();
	}
	err = iq_wait_queue(k, x->address, add, x, &x->whole);
	if (!err && x->no_memory)
		err = iq_error_nomem();
	return err;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct waitq_result), fill, &ops, r);
}

const struct command cmd_waitq = {
	.name = "waitq",
	.summary = "the tasks that sleep on a wait queue",
	.help = "waitq SYMBOL | STRUCT.MEMBER ADDRESS | ADDRESS\n"
		"\n"
		"Lists who waits on a wait queue (wait_queue_head_t): the one that is the "
		"variable\n"
		"SYMBOL, the MEMBER of the STRUCT at ADDRESS, or the one at ADDRESS; the first to "
		"be\n"
		"woken first.  Who polls it is found too.  An entry behind which there is no task, "
		"such\n"
		"as epoll's, is shown with the function that is called.\n"
		"\n"
		"  inquest> waitq log_wait\n"
		"  inquest> waitq signal_struct.wait_chldexit ff1de51681224000\n",
	.run = run,
	.completes = "st",
	.no_context = true,
};
