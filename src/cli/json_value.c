// SPDX-License-Identifier: GPL-2.0-or-later
/* Typed memory as JSON. */
#include "show.h"
#include <inttypes.h>

#define MAX_DEPTH 24	   /* structs in structs */
#define MAX_ELEMENTS 4096  /* of an array */
#define MAX_VALUES 500000  /* of one result: types of a damaged dump can be nested without end */

struct writer {
	struct iq_vm *vm;
	unsigned int budget;
};

static json_t *value(struct writer *w, const struct iq_type *type, uint64_t address,
		     unsigned int bit_offset, unsigned int bit_size, unsigned int depth);

json_t *json_ctype(const struct iq_type *t)
{
	struct iq_buf text = {0};
	json_t *o;

	if (!t)
		return json_null();
	if (t->types)
		iq_type_declare(t, "", &text);
	else
		iq_buf_puts(&text, t->name);
	o = json_text(iq_buf_str(&text), text.len);
	iq_buf_free(&text);
	return o;
}

static bool is_character(const struct iq_type *t)
{
	return t->kind == IQ_KIND_INT && t->size == 1 && t->encoding != IQ_ENC_BOOL;
}

static json_t *json_number(uint64_t number, bool is_signed)
{
	if (is_signed || number <= INT64_MAX)
		return json_integer((json_int_t)number);
	return json_address(number);
}

static json_t *scalar(struct writer *w, const struct iq_type *t, uint64_t address,
		      unsigned int bit_offset, unsigned int bit_size)
{
	struct iq_scope scope = {.vm = w->vm};
	struct iq_value v = {.type = t,
			     .in_memory = true,
			     .address = address,
			     .bit_offset = bit_offset,
			     .bit_size = bit_size};
	const struct iq_enumerator *e;
	struct iq_error *err;
	unsigned int nr = 0;
	uint64_t number;

	if (t->size > 8)
		return json_null();
	err = iq_value_u64(&scope, &v, &number);
	if (err) {
		iq_error_free(err);
		return json_null();
	}
	if (t->kind == IQ_KIND_POINTER)
		return json_address(number);
	if (t->kind == IQ_KIND_ENUM) {
		e = iq_type_enumerators(t, &nr);
		for (unsigned int i = 0; i < nr; i++) {
			if ((uint64_t)e[i].value == number)
				return json_text(e[i].name, strlen(e[i].name));
		}
	}
	if (t->encoding == IQ_ENC_BOOL && number <= 1)
		return json_boolean(number);
	return json_number(number, t->encoding == IQ_ENC_SIGNED || t->encoding == IQ_ENC_CHAR);
}

/* Characters up to the first NUL that only NULs follow. */
static json_t *text(struct writer *w, uint64_t address, uint64_t count)
{
	char buf[MAX_ELEMENTS];
	size_t len = (size_t)IQ_MIN(count, sizeof(buf));

	if (iq_vm_read(w->vm, address, buf, len, NULL))
		return json_null();
	while (len && !buf[len - 1])
		len--;
	return json_text(buf, len);
}

static json_t *array(struct writer *w, const struct iq_type *t, uint64_t address, unsigned int depth)
{
	const struct iq_type *element = iq_type_target(t), *e = iq_type_strip(element);
	uint64_t nr = IQ_MIN(t->count, (uint64_t)MAX_ELEMENTS);
	json_t *list;

	if (is_character(e))
		return text(w, address, t->count);
	list = json_array();
	for (uint64_t i = 0; e->size && i < nr && w->budget; i++)
		json_array_append_new(list, value(w, element, address + i * e->size, 0, 0, depth + 1));
	return list;
}

static json_t *members(struct writer *w, const struct iq_type *t, uint64_t address, uint64_t bit_offset,
		       unsigned int depth);

/* BIT_OFFSET: of what M is a member of, from BASE. */
static json_t *one_member(struct writer *w, const char *name, const struct iq_member *m, uint64_t base,
			  uint64_t bit_offset, unsigned int depth)
{
	const struct iq_type *t = iq_type_strip(m->type);
	bool aggregate = t->kind == IQ_KIND_STRUCT || t->kind == IQ_KIND_UNION;
	uint64_t at = bit_offset + m->bit_offset;
	json_t *o = json_object();

	json_object_set_new(o, "name", *name ? json_text(name, strlen(name)) : json_null());
	json_object_set_new(o, "offset", json_integer((json_int_t)(at / 8)));
	json_object_set_new(o, "type", json_ctype(m->type));
	if (m->bit_size) {
		json_object_set_new(o, "bit_offset", json_integer((json_int_t)(at % 8)));
		json_object_set_new(o, "bit_size", json_integer(m->bit_size));
	}
	/* What has no name belongs to the struct around it, and so do the offsets of its members. */
	if (aggregate && !*name)
		json_object_set_new(o, "members", members(w, t, base, at, depth + 1));
	else if (aggregate && (w->vm || !*t->name))
		json_object_set_new(o, "members", value(w, m->type, base + at / 8, 0, 0, depth + 1));
	else if (w->vm)
		json_object_set_new(o, "value",
				    value(w, m->type, base + at / 8, (unsigned int)(at % 8), m->bit_size,
					  depth + 1));
	return o;
}

static json_t *members(struct writer *w, const struct iq_type *t, uint64_t address, uint64_t bit_offset,
		       unsigned int depth)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);
	json_t *list = json_array();

	for (unsigned int i = 0; i < nr && w->budget && depth < MAX_DEPTH; i++)
		json_array_append_new(list, one_member(w, m[i].name, &m[i], address, bit_offset, depth));
	return list;
}

static json_t *value(struct writer *w, const struct iq_type *type, uint64_t address,
		     unsigned int bit_offset, unsigned int bit_size, unsigned int depth)
{
	const struct iq_type *t = iq_type_strip(type);

	if (!w->budget)
		return json_null();
	w->budget--;
	switch (t->kind) {
	case IQ_KIND_STRUCT:
	case IQ_KIND_UNION:
		return members(w, t, address, 0, depth);
	case IQ_KIND_ARRAY:
		return array(w, t, address, depth);
	case IQ_KIND_INT:
	case IQ_KIND_ENUM:
	case IQ_KIND_POINTER:
		return scalar(w, t, address, bit_offset, bit_size);
	case IQ_KIND_FUNCTION:
		return json_address(address);
	default:
		return json_null();
	}
}

json_t *json_value(struct iq_vm *vm, const struct iq_type *t, uint64_t address,
		   unsigned int bit_offset, unsigned int bit_size)
{
	struct writer w = {.vm = vm, .budget = MAX_VALUES};

	return value(&w, t, address, bit_offset, bit_size, 0);
}

json_t *json_members(struct iq_vm *vm, const struct iq_type *t, uint64_t address)
{
	struct writer w = {.vm = vm, .budget = MAX_VALUES};

	return members(&w, iq_type_strip(t), address, 0, 0);
}

json_t *json_member(struct iq_vm *vm, const char *name, const struct iq_member *m, uint64_t base)
{
	struct writer w = {.vm = vm, .budget = MAX_VALUES};

	return one_member(&w, name, m, base, 0, 0);
}
