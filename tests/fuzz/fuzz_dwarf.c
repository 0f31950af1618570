// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DWARF of any content: all names are indexed, every type is made, listed, declared and looked up
 * by its own name, before and after there is an index; so are functions, variables and constants.
 */
#include "dwarf_input.h"

#define MOST_TYPES 300
#define MOST_MEMBERS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_type(struct iq_types *t, const struct iq_type *type)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(type, &nr);
	struct iq_buf text = {0};
	struct iq_member found;

	iq_type_declare(type, "x", &text);
	iq_buf_free(&text);
	for (unsigned int i = 0; i < nr && i < MOST_MEMBERS; i++) {
		uint64_t room = 8 * iq_type_strip(type)->size;

		if (iq_type_strip(type)->kind != IQ_KIND_FUNCTION &&
		    (m[i].bit_offset > room || m[i].bit_size > room - m[i].bit_offset ||
		     (!m[i].bit_size && m[i].type->size > (room - m[i].bit_offset) / 8)))
			__builtin_trap();
		iq_error_free(iq_member_find(type, m[i].name, &found));
	}
	iq_type_enumerators(type, &nr);
	iq_type_unqualified(type);
	iq_type_next_same_name(type);
	iq_type_pointer_to(type);
	if (*type->name) {
		uint64_t offset;

		iq_type_by_name(t, type->name);
		iq_offset(t, type->name, "a[3]", &offset, NULL);
	}
}

static bool count(void *arg, const struct dwarf_variable *v)
{
	unsigned int *nr = arg;

	if (!v->type)
		__builtin_trap();
	return ++*nr < 100;
}

static void use_names(struct iq_types *t)
{
	struct dwarf_names *n = dwarf_types(t)->names;
	unsigned int nr = 0;
	int64_t value;

	if (n && !dwarf_names_valid(n))
		__builtin_trap();
	for (uint32_t i = 0; n && i < n->nr && i < MOST_TYPES; i++) {
		const char *text = dwarf_name_text(n, &n->names[i]);

		switch (n->names[i].kind) {
		case NAME_FUNCTION:
			iq_function_by_name(t, text, &nr);
			break;
		case NAME_VARIABLE:
		case NAME_EXTERN:
			nr = 0;
			dwarf_variables(dwarf_types(t), text, count, &nr);
			iq_variable_type(t, text);
			break;
		case NAME_ENUMERATOR:
			iq_enumerator_by_name(t, text, &value);
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_warnings w = {0};
	struct iq_nearest nearest = {.word = "task"};
	unsigned int used = 0;
	struct iq_types *t;
	struct iq_dwarf d;

	if (!dwarf_input(&d, &data, &size))
		return 0;
	iq_error_free(iq_dwarf_types_open(&d, "x", "", NULL, &w, &t));
	/* Any offset may be referred to. */
	for (uint32_t at = 11; at < d.section[IQ_DW_INFO].size && at < 150; at++) {
		const struct iq_type *type = iq_type_by_id(t, at);

		if (type)
			use_type(t, type);
	}
	for (uint32_t id = 0; used++ < MOST_TYPES && (id = iq_types_next(t, id)) != 0;) {
		const struct iq_type *type = iq_type_by_id(t, id);

		if (type)
			use_type(t, type);
	}
	use_names(t);
	iq_types_nearest(t, &nearest);
	iq_error_free(iq_nearest_hint(&nearest, iq_error_new(IQ_E_USAGE, "x")));
	iq_types_close(t);
	iq_dwarf_close(&d);
	iq_warnings_clear(&w);
	return 0;
}
