// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BTF of any content: every type is made, listed, declared and looked up by its own name.  The
 * input is a little-endian length, so many bytes of a kernel's BTF, and the rest a module's.
 */
#include <inquest/types.h>

#define MOST_TYPES 2000
#define MOST_MEMBERS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_type(struct iq_types *t, const struct iq_type *type)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(type, &nr);
	struct iq_buf text = {0};
	struct iq_member found;

	iq_type_declare(type, "x", &text);
	iq_buf_free(&text);
	iq_type_declarator(type, "", &text);
	iq_buf_free(&text);
	for (unsigned int i = 0; i < nr && i < MOST_MEMBERS; i++) {
		if (iq_type_strip(type)->kind != IQ_KIND_FUNCTION &&
		    (m[i].bit_offset + 8 * m[i].type->size < m[i].bit_offset ||
		     (!m[i].bit_size &&
		      m[i].bit_offset + 8 * m[i].type->size > 8 * iq_type_strip(type)->size)))
			__builtin_trap();
		iq_error_free(iq_member_find(type, m[i].name, &found));
	}
	iq_error_free(iq_member_find(type, "a.b[1].c", &found));
	iq_type_enumerators(type, &nr);
	iq_type_strip(type);
	iq_type_unqualified(type);
	iq_type_next_same_name(type);
	if (*type->name) {
		uint64_t offset;

		iq_type_by_name(t, type->name);
		iq_offset(t, type->name, "a[3]", &offset, NULL);
	}
	iq_type_pointer_to(iq_type_array_of(iq_type_pointer_to(type), 3));
}

static void use(struct iq_types *t)
{
	static const char *const names[] = {"struct a",	 "unsigned long *", "const char *[4][2]",
					    "enum b",	 "union c",	    "int",
					    "void *",	 "struct a **const", "[", "unsigned ["};
	struct iq_nearest n = {.word = "list_head"};
	unsigned int used = 0, matches;

	for (uint32_t id = iq_types_first(t); id < iq_types_end(t) && used < MOST_TYPES; id++) {
		const struct iq_type *type = iq_type_by_id(t, id);

		if (type) {
			use_type(t, type);
			used++;
		}
	}
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++)
		iq_type_by_name(t, names[i]);
	iq_function_by_name(t, "a", &matches);
	iq_variable_type(t, "a");
	iq_types_nearest(t, &n);
	iq_error_free(iq_nearest_hint(&n, iq_error_new(IQ_E_NOT_FOUND, "x")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_types *kernel, *module;
	struct iq_warnings w = {0};
	struct iq_error *err;
	size_t len;

	if (size < 4)
		return 0;
	len = IQ_MIN(iq_le32(data), size - 4);
	err = iq_btf_open(data + 4, len, false, NULL, "vmlinux", &w, &kernel);
	if (!err) {
		use(kernel);
		err = iq_btf_open(data + 4 + len, size - 4 - len, true, kernel, "module", &w,
				  &module);
		if (!err) {
			use(module);
			iq_types_close(module);
		}
		iq_types_close(kernel);
	}
	iq_error_free(err);
	iq_warnings_clear(&w);
	return 0;
}
