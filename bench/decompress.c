// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The floor for a search: decompress all pages of a kdump that are not zero, with the codecs of the room dump and
 * nothing else.  The descriptors are read and the file is brought into memory beforehand; what is
 * timed is threads that each claim 1024 pages after another.  For bench/run.
 *
 *   bench-decompress DUMP [THREADS]
 *   pages 45216 wall 0.123456 cpu 0.234567
 */
#include "../src/dump/codec.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define PAGE 4096u
#define CLAIM 1024u

struct page {
	uint64_t offset;
	uint32_t size, flags;
};

struct work {
	const uint8_t *file;
	const struct page *pages;
	size_t nr;
	atomic_size_t next;
	atomic_size_t damaged;
};

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void decompress(void *arg, unsigned int worker)
{
	struct work *w = arg;
	struct iq_codec codec = {0};
	static _Thread_local uint8_t out[PAGE] __attribute__((aligned(64)));
	size_t first, i;
	bool zero;

	while ((first = atomic_fetch_add(&w->next, CLAIM)) < w->nr) {
		for (i = first; i < IQ_MIN(first + CLAIM, w->nr); i++) {
			const struct page *p = &w->pages[i];

			if (p->flags && iq_codec_page(&codec, p->flags, w->file + p->offset,
						      p->size, out, PAGE, &zero))
				atomic_fetch_add(&w->damaged, 1);
		}
	}
	iq_codec_free(&codec);
}

/* All descriptors but those of the zero page, of which the dump has one copy that many share. */
static struct page *find_pages(const uint8_t *file, size_t size, size_t *nr)
{
	uint64_t block = iq_le32(file + 428), blocks = iq_le32(file + 436);
	const uint8_t *bitmap, *desc;
	uint64_t i, n = 0, last = 0, shared = 0;
	struct page *pages;

	bitmap = file + (1 + (uint64_t)iq_le32(file + 432) + blocks / 2) * block;
	desc = file + (1 + (uint64_t)iq_le32(file + 432) + blocks) * block;
	for (i = 0; i < blocks / 2 * block; i++)
		n += (unsigned int)__builtin_popcount(bitmap[i]);
	if ((uint64_t)(desc - file) + n * 24 > size)
		return NULL;
	pages = calloc(n + 1, sizeof(*pages));
	for (i = 0; pages && i < n; i++, desc += 24) {
		if (iq_le64(desc) == last)
			shared = last;
		last = iq_le64(desc);
	}
	desc -= n * 24;
	*nr = 0;
	for (i = 0; pages && i < n; i++, desc += 24) {
		struct page p = {iq_le64(desc), iq_le32(desc + 8), iq_le32(desc + 12)};

		if (p.offset != shared && p.offset + p.size <= size)
			pages[(*nr)++] = p;
	}
	return pages;
}

int main(int argc, char **argv)
{
	unsigned int threads = argc > 2 ? (unsigned int)atoi(argv[2]) : iq_nr_threads(), sum = 0;
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	struct work w = {0};
	struct page *pages;
	double wall, cpu;
	struct stat st;
	size_t i;

	if (fd < 0 || fstat(fd, &st) || st.st_size < 8192) {
		fprintf(stderr, "bench-decompress DUMP [THREADS]\n");
		return 2;
	}
	w.file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (w.file == MAP_FAILED || memcmp(w.file, "KDUMP   ", 8)) {
		fprintf(stderr, "bench-decompress: %s is no kdump\n", argv[1]);
		return 2;
	}
	for (i = 0; i < (size_t)st.st_size; i += PAGE)
		sum += w.file[i];
	pages = find_pages(w.file, (size_t)st.st_size, &w.nr);
	if (!pages || sum == 1)
		return 2;
	w.pages = pages;
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	iq_parallel(threads, decompress, &w);
	printf("pages %zu wall %.6f cpu %.6f\n", w.nr, seconds(CLOCK_MONOTONIC) - wall,
	       seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	free(pages);
	return w.damaged ? 1 : 0;
}
