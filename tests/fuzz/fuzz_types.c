// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types of any content, shown: what a damaged BTF says is defined, laid out and searched.
 */
#include <inquest/inspect.h>
#include <inquest/layout.h>
#include <inquest/type_search.h>

#define MOST_TYPES 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool see(void *arg, const char *path, const struct iq_member *m)
{
	unsigned int *seen = arg;

	return path && m && ++*seen < 1000;
}

static void show(const struct iq_type *t, const struct iq_type_search *s)
{
	static const struct iq_define ways[] = {
		{0}, {.offsets = true, .hex = true}, {.offsets = true, .base = 4096}};
	struct iq_struct_layout l;
	struct iq_error *err;
	unsigned int seen = 0, nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(ways); i++) {
		struct iq_buf text = {0};

		iq_type_define(t, &ways[i], &text);
		if (nr)
			iq_error_free(iq_type_define_member(t, m[nr - 1].name, &ways[i], &text));
		iq_buf_free(&text);
	}
	err = iq_struct_layout_open(t, 64, &l);
	if (!err) {
		unsigned int depth = 0;

		/* What is opened is closed. */
		for (unsigned int i = 0; i < l.nr_items; i++) {
			depth += l.items[i].kind == IQ_LAYOUT_OPEN;
			if (l.items[i].kind == IQ_LAYOUT_CLOSE && !depth--)
				__builtin_trap();
		}
		iq_struct_layout_close(&l);
	}
	iq_error_free(err);
	iq_type_search_fits(s, t);
	iq_type_search_members(s, t, see, &seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct iq_type_query query = {.name = "a|t",
						   .member = "^[a-m]",
						   .member_type = "i",
						   .has_size = true,
						   .highest = 4096};
	struct iq_warnings w = {0};
	struct iq_type_search *s;
	struct iq_types *types;
	struct iq_error *err;
	unsigned int shown = 0;

	err = iq_type_search_open(&query, &s);
	if (err) {
		iq_error_free(err);
		return 0;
	}
	err = iq_btf_open(data, size, false, NULL, "vmlinux", &w, &types);
	if (!err) {
		for (uint32_t id = 0; shown < MOST_TYPES && (id = iq_types_next(types, id)) != 0;) {
			const struct iq_type *t = iq_type_by_id(types, id);

			if (t) {
				show(t, s);
				shown++;
			}
		}
		iq_types_close(types);
	}
	iq_error_free(err);
	iq_type_search_close(s);
	iq_warnings_clear(&w);
	return 0;
}
