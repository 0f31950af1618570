// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Source lines of addresses (hexadecimal, one a line on standard input), as debug files know them:
 *
 *	lines FILE [SECTION=ADDRESS…]	"address file:line function", then for each function that
 *					it is inlined into "  file:line function"; "?" is not known
 *
 * For a module, SECTION says where a section of it was loaded.
 */
#include <inquest/debugfile.h>
#include <stdlib.h>

#define MOST 64

static int fail(struct iq_error *err)
{
	fprintf(stderr, "lines: %s\n", err->message);
	iq_error_free(err);
	return 1;
}

static void show(struct iq_debugfile *f, uint64_t address)
{
	struct iq_inline chain[MOST];
	const char *file = "?";
	unsigned int line = 0, nr = iq_inlines_of(f, address, chain, MOST);

	iq_line_of(f, address, &file, &line);
	printf("%#llx %s:%u %s\n", (unsigned long long)address, file, line,
	       nr ? chain[0].function : "?");
	if (nr && strcmp(chain[0].file, line ? file : ""))
		printf("the line and the innermost function differ: %s\n", chain[0].file);
	for (unsigned int i = 1; i < nr; i++)
		printf("  %s:%u %s\n", chain[i].file, chain[i].line, chain[i].function);
}

int main(int argc, char **argv)
{
	struct iq_debugfile *f;
	struct iq_error *err;
	char text[64];

	if (argc < 2) {
		fprintf(stderr, "usage: lines FILE [SECTION=ADDRESS…]\n");
		return 2;
	}
	err = iq_debugfile_open(argv[1], &f);
	if (err)
		return fail(err);
	for (int i = 2; i < argc; i++) {
		char *value = strrchr(argv[i], '=');
		uint64_t address;

		if (!value || !iq_parse_hex(value + 1, &address))
			return 2;
		*value = '\0';
		err = iq_debugfile_set_section(f, argv[i], address);
		if (err) {
			iq_debugfile_close(f);
			return fail(err);
		}
	}
	while (fgets(text, sizeof(text), stdin))
		show(f, strtoull(text, NULL, 16));
	iq_debugfile_close(f);
	return 0;
}
