// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A cached index of any content, with a right checksum: DWARF as in dwarf_input.h, then the file's bytes,
 * in which the checksum is put right first.  What is believed must be safe to use.
 */
#include "dwarf_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct dwarf_types *t)
{
	struct dwarf_names *n = t->names;
	struct iq_nearest nearest = {.word = "task"};
	uint32_t id = 0;
	int64_t value;

	for (uint32_t i = 0; i < n->nr && i < 500; i++) {
		const char *text = dwarf_name_text(n, &n->names[i]);

		iq_type_by_name(&t->types, text);
		iq_function_by_name(&t->types, text, NULL);
		iq_variable_type(&t->types, text);
		iq_enumerator_by_name(&t->types, text, &value);
	}
	for (unsigned int i = 0; i < 500 && (id = iq_types_next(&t->types, id)) != 0; i++) {
		const struct iq_type *type = iq_type_by_id(&t->types, id);
		unsigned int nr;

		if (type && type->kind == IQ_KIND_ENUM)
			iq_type_enumerators(type, &nr);
		else if (type)
			iq_type_members(type, &nr);
	}
	iq_types_nearest(&t->types, &nearest);
	iq_error_free(iq_nearest_hint(&nearest, iq_error_new(IQ_E_USAGE, "x")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_warnings w = {0};
	struct iq_types *t;
	struct iq_dwarf d;
	uint8_t *file;

	if (!dwarf_input(&d, &data, &size))
		return 0;
	iq_error_free(iq_dwarf_types_open(&d, "x", "", NULL, &w, &t));
	file = malloc(size ? size : 1);
	if (!file)
		abort();
	memcpy(file, data, size);
	dwarf_cache_seal(file, size);
	dwarf_types(t)->names = dwarf_cache_parse(file, size, &d);
	if (dwarf_types(t)->names)
		use(dwarf_types(t));
	else
		free(file);
	iq_types_close(t);
	iq_dwarf_close(&d);
	iq_warnings_clear(&w);
	return 0;
}
