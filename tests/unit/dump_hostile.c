// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Damaged and hostile files: cut off at every byte of their headers, with wrong bytes anywhere.
 * Whatever is said about them, nothing may crash, hang or eat memory, and a page that is shown must
 * be the right one where only the end is missing.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dump_build.h"
#include <sys/resource.h>

static bool all(uint64_t pfn)
{
	return true;
}

static bool some(uint64_t pfn)
{
	return pfn % 3 != 1;
}

static const char vmcoreinfo[] = "OSRELEASE=6.1.0-test\nPAGESIZE=4096\nSYMBOL(_stext)=ffff\n";

static struct image small_kdump(int how)
{
	struct kdump_plan p = {.version = 6,
			       .max_pfn = 40,
			       .ram = all,
			       .dumped = some,
			       .how = how,
			       .dump_level = 1,
			       .vmcoreinfo = vmcoreinfo};
	struct kdump_layout lay;

	return build_kdump(&p, &lay);
}

static struct image small_elf(void)
{
	const struct segment seg[] = {
		{.paddr = 0x1000, .filesz = 0x4000, .memsz = 0x6000},
		{.paddr = 0x10000, .filesz = 0x3800, .memsz = 0x3800},
		{.paddr = 0x12000, .filesz = 0x3000, .memsz = 0x3000},
	};

	return build_elf(seg, 3, vmcoreinfo, false);
}

/* What all bytes are read into. */
static volatile uint64_t sink;

/* Everything there is to read, with bounds; each page that could be read is right if CORRECT. */
static void exercise(const uint8_t *data, size_t len, bool correct)
{
	struct iq_dump *d = NULL;
	struct iq_reader *r;
	struct iq_error *err = iq_dump_open_memory(data, len, NULL, &d);
	const struct iq_dump_info *info;
	uint64_t start, end;

	if (err) {
		assert_null(d);
		assert_true(err->message[0]);
		iq_error_free(err);
		return;
	}
	info = iq_dump_info(d);
	for (unsigned int i = 0; i < info->nr_notes; i++)
		sink ^= iq_hash_mem(info->notes[i].data, info->notes[i].size) ^
			iq_hash_str(info->notes[i].name);
	if (info->vmcoreinfo)
		assert_true(strlen(info->vmcoreinfo) == info->vmcoreinfo_len);
	for (unsigned int i = 0; i < 100 && iq_dump_range(d, i, &start, &end); i++)
		assert_true(start < end);
	err = iq_reader_open(d, 4, &r);
	assert_null(err);
	for (uint64_t pfn = 0; pfn < 60; pfn++) {
		const uint8_t *page;
		uint8_t want[PAGE], word[9];

		iq_page_state(r, pfn);
		if (iq_read_page(r, pfn, &page) == IQ_MEM_OK && correct) {
			fill_page(want, pfn);
			/* What a partial page has is tested in dump_elf.c. */
			if (pfn != 0x13 && memcmp(page, want, PAGE) && page != iq_zero_page())
				fail_msg("page %llu of %zu bytes is wrong", (unsigned long long)pfn,
					 len);
		}
		(void)iq_read_phys(r, pfn * 4096 + 4090, word, sizeof(word), NULL);
	}
	if (info->max_pfn) {
		iq_page_state(r, info->max_pfn - 1);
		iq_page_state(r, info->max_pfn / 2);
	}
	if (info->max_pfn < 10000) {
		struct iq_scan scan = {.threads = 1};

		err = iq_dump_scan(d, &scan);
		assert_null(err);
	}
	iq_reader_close(r);
	iq_dump_close(d);
}

/* In a block of exactly that size, so that a byte too far is seen. */
static void exercise_copy(const uint8_t *data, size_t len, bool correct)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	exercise(copy, len, correct);
	free(copy);
}

static void cut(struct image im)
{
	for (size_t len = 0; len <= im.len; len += len < 700 || (len > 4000 && len < 6000) ? 1 : 37)
		exercise_copy(im.data, len, true);
	for (size_t len = im.len - 300; len <= im.len; len++)
		exercise_copy(im.data, len, true);
	free(im.data);
}

static struct image flat(struct image im)
{
	struct image f = flatten(&im, 3000);

	free(im.data);
	return f;
}

static void test_cut_elf(void **state)
{
	cut(small_elf());
}

static void test_cut_kdump(void **state)
{
	cut(small_kdump(ZLIB));
}

static void test_cut_flat(void **state)
{
	cut(flat(small_elf()));
	cut(flat(small_kdump(LZO)));
}

static void mutate(struct image im, uint32_t rounds)
{
	static const uint64_t nasty[] = {0,	     1,
					 0x7f,	     0x80,
					 0xff,	     0xffff,
					 0x7fffffff, 0x80000000,
					 UINT32_MAX, INT64_MAX,
					 UINT64_MAX, UINT64_MAX - 4095,
					 1ull << 52, 0xffffffff00000000};
	uint8_t *copy = malloc(im.len);
	uint32_t seed = 12345;

	for (uint32_t i = 0; i < rounds; i++) {
		memcpy(copy, im.data, im.len);
		for (uint32_t n = 0; n <= i % 3; n++) {
			uint64_t value;
			size_t at, size;

			seed = seed * 1664525 + 1013904223;
			value = nasty[(seed >> 8) % IQ_ARRAY_SIZE(nasty)];
			size = 1u << (seed >> 28) % 4;
			seed = seed * 1664525 + 1013904223;
			/* Mostly in the headers. */
			at = (seed >> 4) % (i % 4 ? IQ_MIN(im.len, 9000) : im.len);
			at = IQ_MIN(at & ~(size - 1), im.len - size);
			memcpy(copy + at, &value, size);
		}
		exercise(copy, im.len, false);
	}
	free(copy);
	free(im.data);
}

static void test_mutate_elf(void **state)
{
	mutate(small_elf(), 20000);
}

static void test_mutate_kdump(void **state)
{
	static const int hows[] = {RAW, ZLIB, LZO, SNAPPY, ZSTD};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(hows); i++)
		mutate(small_kdump(hows[i]), 5000);
}

static void test_mutate_flat(void **state)
{
	mutate(flat(small_elf()), 5000);
	mutate(flat(small_kdump(ZLIB)), 5000);
}

/* Every 4-byte field of the headers with all bits set, and every 8-byte one. */
static void test_every_field(void **state)
{
	struct image images[] = {small_elf(), small_kdump(ZLIB), flat(small_kdump(RAW))};

	for (size_t k = 0; k < IQ_ARRAY_SIZE(images); k++) {
		struct image *im = &images[k];

		for (size_t size = 4; size <= 8; size += 4) {
			for (size_t at = 0; at + size <= 9000 && at + size <= im->len; at += 4) {
				uint8_t saved[8];

				memcpy(saved, im->data + at, size);
				memset(im->data + at, 0xff, size);
				exercise(im->data, im->len, false);
				im->data[at + size - 1] = 0x7f;
				exercise(im->data, im->len, false);
				memcpy(im->data + at, saved, size);
			}
		}
		free(im->data);
	}
}

static void test_memory_limit(void **state)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	/* Sanitizers need some themselves. */
	assert_true(ru.ru_maxrss < 1024 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_elf),	     cmocka_unit_test(test_cut_kdump),
		cmocka_unit_test(test_cut_flat),     cmocka_unit_test(test_mutate_elf),
		cmocka_unit_test(test_mutate_kdump), cmocka_unit_test(test_mutate_flat),
		cmocka_unit_test(test_every_field),  cmocka_unit_test(test_memory_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
