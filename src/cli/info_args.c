// SPDX-License-Identifier: GPL-2.0-or-later
/* info args, info locals. */
#include "args.h"
#include "info.h"
#include <stdlib.h>

struct variables {
	struct selected x; /* owned */
	struct iq_frame_variables all;
	bool parameters;
};

static void free_variables(void *data)
{
	struct variables *d = data;

	iq_frame_variables_free(&d->all);
	selected_free(&d->x);
	free(d);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct variables *d = r->data;
	const struct iq_frame *f = &d->x.b.frames[d->x.i];
	const struct iq_frame_variable *before = NULL;
	bool inlines = variables_outermost(&d->all) > 0;

	for (unsigned int i = 0; i < d->all.nr; i++) {
		const struct iq_frame_variable *v = &d->all.list[i];

		if (v->parameter != d->parameters)
			continue;
		if (inlines && (!before || before->inlined != v->inlined)) {
			iq_buf_puts(out, "in ");
			iq_buf_add_escaped(out, v->function, strlen(v->function), false);
			iq_buf_puts(out, ":\n");
		}
		before = v;
		text_variable_full(s, v, out);
	}
	if (before)
		return;
	if (d->parameters)
		iq_buf_puts(out, d->all.nr || f->symbol.name ? "No parameters are known.\n"
							     : "No function is known here.\n");
	else
		iq_buf_puts(out, "No local variables are known: they have names only in debug "
				 "information.\n");
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct variables *d = r->data;
	unsigned int last = variables_outermost(&d->all);
	json_t *o = json_selected(&d->x), *list = json_array();

	for (unsigned int i = 0; i <= last; i++) {
		json_t *f = json_object();
		const char *name = NULL;

		for (unsigned int n = 0; n < d->all.nr && !name; n++)
			if (d->all.list[n].inlined == i)
				name = d->all.list[n].function;
		json_object_set_new(f, "function",
				    name ? json_text(name, strlen(name)) : json_null());
		json_object_set_new(f, d->parameters ? "args" : "locals",
				    json_variables(s, &d->all, i, d->parameters));
		json_array_append_new(list, f);
	}
	json_object_set_new(o, "functions", list);
	return o;
}

static const struct result_ops ops = {text, json, free_variables};

static struct iq_error *show(struct session *s, struct selected *x, int argc, bool parameters,
			     struct result *r)
{
	struct variables *d;
	struct iq_args *a;
	struct iq_error *err;

	if (argc)
		return iq_error_new(IQ_E_USAGE, "info %s takes no more words",
				    parameters ? "args" : "locals");
	d = calloc(1, sizeof(*d));
	if (!d)
		return iq_error_nomem();
	d->x = *x;
	d->parameters = parameters;
	*x = (struct selected){0};
	err = session_args(s, &d->x.b, &a);
	if (!err)
		err = iq_args_frame(a, d->x.i, &d->all);
	if (err) {
		free_variables(d);
		return err;
	}
	*r = (struct result){&ops, d};
	return NULL;
}

struct iq_error *info_args(struct session *s, struct selected *x, int argc, char **argv,
			   struct result *r)
{
	return show(s, x, argc, true, r);
}

struct iq_error *info_locals(struct session *s, struct selected *x, int argc, char **argv,
			     struct result *r)
{
	return show(s, x, argc, false, r);
}
