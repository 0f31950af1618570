// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parameters and locals of the selected frame as names in expressions.  The frame is looked at anew for each
 * name: an expression has few, and what is known of its functions is kept (session_args()).
 */
#include "frame_names.h"

#include "args.h"
#include "frame.h"
#include <inquest/args.h>

/* The one called NAME: of the innermost inlined function that has one, and there of the innermost block. */
static const struct iq_frame_variable *find(const struct iq_frame_variables *all, const char *name)
{
	const struct iq_frame_variable *found = NULL;

	for (unsigned int i = 0; i < all->nr; i++) {
		const struct iq_frame_variable *v = &all->list[i];

		if (strcmp(v->name, name))
			continue;
		if (!found || v->inlined < found->inlined ||
		    (v->inlined == found->inlined && v->block > found->block))
			found = v;
	}
	return found;
}

static struct iq_error *value_of(const struct iq_frame_variable *v, struct iq_value *ret)
{
	const struct iq_type *t = v->type ? iq_type_strip(v->type) : NULL;
	bool scalar = !t || t->kind == IQ_KIND_INT || t->kind == IQ_KIND_ENUM ||
		      t->kind == IQ_KIND_POINTER;
	uint64_t number = 0;
	unsigned int unused;

	if (v->in_memory && v->type) {
		*ret = (struct iq_value){.type = v->type, .in_memory = true, .address = v->address};
		return NULL;
	}
	if (v->certainty == IQ_VALUE_UNAVAILABLE || !v->bytes)
		return iq_error_new(IQ_E_NOT_FOUND, "%s of %s has no value here: %s", v->name,
				    v->function, v->from);
	if (!scalar || !v->size || v->size > sizeof(number))
		return iq_error_hint(
			iq_error_new(IQ_E_USAGE, "%s of %s is in registers", v->name, v->function),
			"info locals and info args show it");
	memcpy(&number, v->bytes, v->size);
	unused = 64 - 8 * (unsigned int)v->size;
	if (t && (t->encoding == IQ_ENC_SIGNED || t->encoding == IQ_ENC_CHAR) &&
	    t->kind != IQ_KIND_POINTER)
		number = (uint64_t)((int64_t)(number << unused) >> unused);
	*ret = (struct iq_value){.type = v->type, .number = number};
	return NULL;
}

static struct iq_error *local(void *arg, const char *name, bool *found, struct iq_value *ret)
{
	struct iq_frame_variables all = {0};
	const struct iq_frame_variable *v;
	struct session *s = arg;
	struct iq_error *err;
	struct iq_args *a;
	struct selected x;

	*found = false;
	err = selected_frame(s, &x);
	if (!err) {
		err = session_args(s, &x.b, &a);
		if (!err)
			err = iq_args_frame(a, x.i, &all);
		v = err ? NULL : find(&all, name);
		*found = v;
		if (v)
			err = value_of(v, ret);
		if (!err && v && v->certainty == IQ_VALUE_INFERRED)
			iq_warn(&s->warnings, "%s is inferred: %s", v->name, v->from);
		iq_frame_variables_free(&all);
		selected_free(&x);
	}
	/* If nothing is known of the frame, other names still are. */
	if (err && !*found) {
		iq_error_free(err);
		err = NULL;
	}
	return err;
}

void frame_names(struct session *s, struct iq_scope *scope)
{
	if (!s->frame_selected)
		return;
	scope->local = local;
	scope->local_arg = s;
}
