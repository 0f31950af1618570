// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unit-dwarf-dump [-c CACHE] FILE [types|variables|functions]: what a vmlinux's or module's DWARF
 * says, for comparison with what others make of the same file (dwarf_against_others.py).
 *
 * types: the lines of type_lines.h, all named types; variables, functions: for each NAME in the
 * standard input, for a variable followed by its ADDRESS (hexadecimal, 0 any), one line
 *	NAME ADDRESS SIZE MATCHES DECLARATION
 */
#include "type_lines.h"
#include <inquest/debugfile.h>
#include <stdlib.h>

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

static void flush(struct iq_buf *out, size_t least)
{
	if (out->len >= least)
		fwrite(iq_buf_str(out), 1, out->len, stdout);
	if (out->len >= least && out->s)
		out->s[out->len = 0] = 0;
}

static void print_types(struct iq_types *t, struct iq_buf *out)
{
	for (uint32_t id = 0; (id = iq_types_next(t, id)) != 0;) {
		const struct iq_type *type = iq_type_by_id(t, id);

		if (!type)
			fail("type", "cannot be made");
		print_type(type, out);
		flush(out, 65536);
	}
}

static void print_named(struct iq_debugfile *f, bool variables, struct iq_buf *out)
{
	char line[1024], name[1024];
	unsigned long long address;

	while (fgets(line, sizeof(line), stdin)) {
		struct iq_variable v = {0};
		unsigned int matches = 0;
		const struct iq_type *type = NULL;

		address = 0;
		if (sscanf(line, "%1023s %llx", name, &address) < 1)
			continue;
		if (variables) {
			if (iq_debugfile_variable(f, name, address, &v, &matches))
				type = v.type;
		} else {
			type = iq_function_by_name(iq_debugfile_types(f), name, &matches);
		}
		iq_buf_printf(out, "%s %llx %llu %u\t", name, (unsigned long long)v.address,
			      type ? (unsigned long long)type->size : 0, matches);
		if (type)
			iq_type_declare(type, name, out);
		iq_buf_putc(out, '\n');
		flush(out, 65536);
	}
}

int main(int argc, char **argv)
{
	struct iq_warnings w = {0};
	struct iq_debugfile *f;
	struct iq_buf out = {0};
	struct iq_error *err;
	const char *cache = NULL, *what;

	if (argc > 2 && !strcmp(argv[1], "-c")) {
		cache = argv[2];
		argv += 2;
		argc -= 2;
	}
	if (argc < 2) {
		fprintf(stderr, "usage: dwarf_dump [-c CACHE] FILE [types|variables|functions]\n");
		return 2;
	}
	err = iq_debugfile_open(argv[1], &f);
	if (err)
		fail(argv[1], err->message);
	iq_debugfile_set_cache(f, cache, &w);
	if (!iq_debugfile_types(f))
		fail(argv[1], "has no DWARF");
	what = argc > 2 ? argv[2] : "types";
	if (!strcmp(what, "types"))
		print_types(iq_debugfile_types(f), &out);
	else
		print_named(f, !strcmp(what, "variables"), &out);
	flush(&out, 1);
	iq_buf_free(&out);
	for (unsigned int i = 0; i < w.nr; i++)
		fprintf(stderr, "%s\n", w.text[i]);
	iq_warnings_clear(&w);
	iq_debugfile_close(f);
	return 0;
}
