// SPDX-License-Identifier: GPL-2.0-or-later
/* How parameters and local variables are shown. */
#include "args.h"
#include "show.h"
#include <inttypes.h>
#include <stdlib.h>

struct iq_error *session_args(struct session *s, const struct iq_backtrace *b, struct iq_args **ret)
{
	if (!s->args)
		IQ_TRY(iq_args_open(s->kernel, &s->args));
	*ret = s->args;
	return iq_args_trace(s->args, b);
}

static bool is_scalar(const struct iq_type *t)
{
	return t->kind == IQ_KIND_INT || t->kind == IQ_KIND_ENUM || t->kind == IQ_KIND_POINTER;
}

static bool is_signed(const struct iq_type *t)
{
	return t->kind != IQ_KIND_POINTER &&
	       (t->encoding == IQ_ENC_SIGNED || t->encoding == IQ_ENC_CHAR);
}

bool frame_variable_value(const struct iq_frame_variable *v, struct iq_value *ret)
{
	const struct iq_type *t = v->type ? iq_type_strip(v->type) : NULL;

	*ret = (struct iq_value){.type = v->type};
	if (v->certainty == IQ_VALUE_UNAVAILABLE || (!t && (v->in_memory || v->size != 8)))
		return false;
	if (v->in_memory) {
		ret->in_memory = true;
		ret->address = v->address;
		return true;
	}
	if (!v->bytes || (t && !is_scalar(t)) || !v->size || v->size > 8)
		return false;
	for (unsigned int i = 0; i < v->size; i++)
		ret->number |= (uint64_t)v->bytes[i] << 8 * i;
	if (t && is_signed(t) && v->size < 8 && ret->number >> (8 * v->size - 1) & 1)
		ret->number |= UINT64_MAX << 8 * v->size;
	return true;
}

unsigned int variables_outermost(const struct iq_frame_variables *all)
{
	unsigned int max = 0;

	for (unsigned int i = 0; i < all->nr; i++)
		max = IQ_MAX(max, all->list[i].inlined);
	return max;
}

/* ---- Text -------------------------------------------------------------------------------------- */

static void add_name(const struct iq_frame_variable *v, struct iq_buf *out)
{
	const char *name = v->name[0] ? v->name : "(unnamed)";

	iq_buf_add_escaped(out, name, strlen(name), false);
	iq_buf_puts(out, " = ");
}

/* Those of a struct that is nowhere in memory, as words. */
static void add_bytes(const struct iq_frame_variable *v, struct iq_buf *out)
{
	iq_buf_putc(out, '{');
	for (uint64_t i = 0; i < v->size; i += 8) {
		uint64_t word = 0;

		for (uint64_t j = i; j < v->size && j < i + 8; j++)
			word |= (uint64_t)v->bytes[j] << 8 * (j - i);
		iq_buf_printf(out, "%s0x%" PRIx64, i ? ", " : "", word);
	}
	iq_buf_putc(out, '}');
}

static void add_value(struct session *s, const struct iq_frame_variable *v, bool whole,
		      struct iq_buf *out)
{
	struct iq_format format = session_format(s, false, false);
	struct iq_scope scope = {.k = s->kernel};
	struct iq_value value;

	if (v->certainty == IQ_VALUE_UNAVAILABLE) {
		iq_buf_printf(out, "<%s>", v->from);
	} else if (!frame_variable_value(v, &value)) {
		if (v->bytes)
			add_bytes(v, out);
		else
			iq_buf_puts(out, "<of an unknown type>");
	} else if (!v->type) {
		iq_buf_printf(out, "0x%" PRIx64, value.number);
	} else if (value.in_memory && !whole && !is_scalar(iq_type_strip(v->type))) {
		iq_buf_puts(out, "<");
		iq_type_declare(v->type, "", out);
		iq_buf_printf(out, " at 0x%" PRIx64 ">", v->address);
	} else {
		iq_value_show(&scope, &value, &format, out);
	}
}

/* What was passed, if the function has changed it since. */
static bool passed_value(const struct iq_frame_variable *v, struct iq_value *ret)
{
	struct iq_frame_variable then = *v;

	then.bytes = v->passed;
	then.in_memory = false;
	then.certainty = IQ_VALUE_EXACT;
	return v->passed && frame_variable_value(&then, ret);
}

static void add_passed(struct session *s, const struct iq_frame_variable *v, struct iq_buf *out)
{
	struct iq_format format = session_format(s, false, false);
	struct iq_scope scope = {.k = s->kernel};
	struct iq_value value;

	if (!passed_value(v, &value))
		return;
	iq_buf_puts(out, ", passed as ");
	iq_value_show(&scope, &value, &format, out);
}

void text_variable(struct session *s, const struct iq_frame_variable *v, unsigned int indent,
		   struct iq_buf *out)
{
	iq_buf_printf(out, "%*s", (int)indent, "");
	add_name(v, out);
	add_value(s, v, false, out);
	add_passed(s, v, out);
	iq_buf_puts(out, v->certainty == IQ_VALUE_INFERRED ? "  (inferred)\n" : "\n");
}

void text_variable_full(struct session *s, const struct iq_frame_variable *v, struct iq_buf *out)
{
	add_name(v, out);
	add_value(s, v, true, out);
	add_passed(s, v, out);
	if (v->certainty != IQ_VALUE_UNAVAILABLE) {
		iq_buf_puts(out, v->certainty == IQ_VALUE_INFERRED ? "  (inferred: " : "  (");
		iq_buf_add_escaped(out, v->from, strlen(v->from), false);
		iq_buf_putc(out, ')');
	}
	iq_buf_putc(out, '\n');
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_scalar(const struct iq_type *type, const struct iq_value *v)
{
	const struct iq_type *t = type ? iq_type_strip(type) : NULL;
	const struct iq_enumerator *e;
	unsigned int nr = 0;

	if (!t)
		return json_address(v->number);
	if (t->kind == IQ_KIND_POINTER)
		return json_address(v->number);
	if (t->kind == IQ_KIND_ENUM) {
		e = iq_type_enumerators(t, &nr);
		for (unsigned int i = 0; i < nr; i++)
			if ((uint64_t)e[i].value == v->number)
				return json_text(e[i].name, strlen(e[i].name));
	}
	if (t->encoding == IQ_ENC_BOOL && v->number <= 1)
		return json_boolean(v->number);
	return is_signed(t) || v->number <= INT64_MAX ? json_integer((json_int_t)v->number)
						      : json_address(v->number);
}

static json_t *json_bytes(const struct iq_frame_variable *v)
{
	struct iq_buf text = {0};
	json_t *o;

	for (uint64_t i = 0; i < v->size; i++)
		iq_buf_printf(&text, "%02x", v->bytes[i]);
	o = json_text(iq_buf_str(&text), text.len);
	iq_buf_free(&text);
	return o;
}

json_t *json_variable(struct session *s, const struct iq_frame_variable *v)
{
	json_t *o = json_object(), *shown = NULL;
	struct iq_value value;

	json_object_set_new(o, "name", json_text(v->name, strlen(v->name)));
	json_object_set_new(o, "type", json_ctype(v->type));
	if (frame_variable_value(v, &value))
		shown = value.in_memory ? json_value(s->kernel->vm, v->type, v->address, 0, 0)
					: json_scalar(v->type, &value);
	else if (v->certainty != IQ_VALUE_UNAVAILABLE && v->bytes)
		shown = json_bytes(v);
	json_object_set_new(o, "value", shown ? shown : json_null());
	json_object_set_new(o, "address", v->in_memory ? json_address(v->address) : json_null());
	json_object_set_new(o, "status", json_string(iq_certainty_text(v->certainty)));
	json_object_set_new(o, "from", json_text(v->from, strlen(v->from)));
	if (passed_value(v, &value))
		json_object_set_new(o, "passed", json_scalar(v->type, &value));
	return o;
}

json_t *json_variables(struct session *s, const struct iq_frame_variables *all,
		       unsigned int inlined, bool parameters)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < all->nr; i++)
		if (all->list[i].inlined == inlined && all->list[i].parameter == parameters)
			json_array_append_new(list, json_variable(s, &all->list[i]));
	return list;
}
