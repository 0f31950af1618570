// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unit-dump-pages [--missing] A B
 *
 * A and B may each be several files of one split dump, separated by commas; raw:FILE is bare memory.
 *
 * Compare two dumps of the same machine page by page, as two independent writers and formats see
 * it.  Prints how many pages are what in both; fails (status 1) on the first page whose bytes
 * differ, or that one dump has and the other has not for a reason that is no filtering.
 * Pages beyond the last one that the other file knows of (makedumpfile leaves out what QEMU includes:
 * the video memory) are counted apart.
 * --missing: B is allowed to have lost pages (a truncated, incomplete or split file).
 *
 * A filtered ELF dump reads as zeros what was left out (see elf.c): such pages are counted apart.
 */
#include <inquest/dump.h>
#include <stdlib.h>

#define MOST_FILES 256

struct side {
	struct iq_dump *dump;
	struct iq_reader *reader;
	enum iq_mem why;
	const uint8_t *page;
	bool zero, guessing;
};

static void check(struct iq_error *err)
{
	if (err) {
		fprintf(stderr, "unit-dump-pages: %s\n", err->message);
		exit(2);
	}
}

static void open_side(struct side *s, const char *path)
{
	struct iq_warnings w = {0};
	const struct iq_dump_info *info;
	char *list = strdup(path), *save = NULL;
	const char *files[MOST_FILES];
	struct iq_dump_options options = {0};
	unsigned int nr = 0;

	if (!strncmp(path, "raw:", 4)) {
		options.format = "raw";
		memmove(list, list + 4, strlen(list) - 3);
	}
	for (char *f = list ? strtok_r(list, ",", &save) : NULL; f && nr < MOST_FILES;
	     f = strtok_r(NULL, ",", &save))
		files[nr++] = f;
	check(iq_dump_open_with(files, nr, &options, &w, &s->dump));
	free(list);
	check(iq_reader_open(s->dump, 64, &s->reader));
	info = iq_dump_info(s->dump);
	printf("%s: %s, max_pfn 0x%llx%s%s%s\n", path, info->format_text,
	       (unsigned long long)info->max_pfn, info->truncated ? ", truncated" : "",
	       info->incomplete ? ", incomplete" : "", info->filtered ? ", filtered" : "");
	for (unsigned int i = 0; i < w.nr; i++)
		printf("  warning: %s\n", w.text[i]);
	iq_warnings_clear(&w);
	s->guessing = info->format == IQ_DUMP_ELF && info->filtered;
}

static void take(struct side *s, uint64_t pfn)
{
	enum iq_mem state = iq_page_state(s->reader, pfn);

	s->why = iq_read_page(s->reader, pfn, &s->page);
	s->zero = !s->why && s->page == iq_zero_page();
	if (state != s->why && s->why != IQ_MEM_DAMAGED) {
		fprintf(stderr, "page 0x%llx: state %d, but reading says %d\n",
			(unsigned long long)pfn, state, s->why);
		exit(1);
	}
}

static bool lost(enum iq_mem why)
{
	return why == IQ_MEM_ABSENT || why == IQ_MEM_TRUNCATED;
}

static int differ(uint64_t pfn, const struct side *a, const struct side *b, const char *how)
{
	fprintf(stderr, "page 0x%llx: %s (A: %s, B: %s)\n", (unsigned long long)pfn, how,
		iq_mem_text(a->why), iq_mem_text(b->why));
	return 1;
}

int main(int argc, char **argv)
{
	bool missing = argc > 1 && !strcmp(argv[1], "--missing");
	uint64_t equal = 0, zero = 0, excluded = 0, neither = 0, gone = 0, guessed = 0, end;
	uint64_t beyond = 0, known;
	struct side a = {0}, b = {0};
	size_t size;

	if (argc != 3 + missing) {
		fprintf(stderr, "usage: unit-dump-pages [--missing] A B\n");
		return 2;
	}
	open_side(&a, argv[1 + missing]);
	open_side(&b, argv[2 + missing]);
	size = iq_dump_info(a.dump)->page_size;
	if (size != iq_dump_info(b.dump)->page_size)
		return differ(0, &a, &b, "page sizes differ");
	end = IQ_MAX(iq_dump_info(a.dump)->max_pfn, iq_dump_info(b.dump)->max_pfn);
	known = IQ_MIN(iq_dump_info(a.dump)->max_pfn, iq_dump_info(b.dump)->max_pfn);
	for (uint64_t pfn = 0; pfn < end; pfn++) {
		take(&a, pfn);
		take(&b, pfn);
		if (!a.why && !b.why) {
			if (a.zero && b.zero)
				zero++;
			else if (a.zero != b.zero &&
				 ((a.zero && a.guessing) || (b.zero && b.guessing)))
				guessed++;
			else if (memcmp(a.page, b.page, size))
				return differ(pfn, &a, &b, "the bytes differ");
			else
				equal++;
		} else if (a.why && b.why) {
			neither++;
		} else if (a.why == IQ_MEM_EXCLUDED || b.why == IQ_MEM_EXCLUDED) {
			excluded++;
		} else if (pfn >= known) {
			beyond++;
		} else if (missing && lost(b.why)) {
			gone++;
		} else {
			return differ(pfn, &a, &b, "only one dump has it");
		}
	}
	printf("equal %llu zero %llu excluded %llu neither %llu guessed %llu lost %llu "
	       "beyond %llu\n",
	       (unsigned long long)equal, (unsigned long long)zero, (unsigned long long)excluded,
	       (unsigned long long)neither, (unsigned long long)guessed, (unsigned long long)gone,
	       (unsigned long long)beyond);
	iq_reader_close(a.reader);
	iq_reader_close(b.reader);
	iq_dump_close(a.dump);
	iq_dump_close(b.dump);
	return 0;
}
