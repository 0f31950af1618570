// SPDX-License-Identifier: GPL-2.0-or-later
/* ELF cores: segments in any shape, and what is not in them. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dump_build.h"

static struct iq_dump *dump;
static struct iq_reader *reader;
static struct iq_warnings warnings;

static void open_image(const struct image *im)
{
	struct iq_error *err;

	iq_warnings_clear(&warnings);
	err = iq_dump_open_memory(im->data, im->len, &warnings, &dump);
	if (!err)
		err = iq_reader_open(dump, 8, &reader);
	if (err)
		fail_msg("%s", err->message);
}

static void close_image(struct image *im)
{
	iq_reader_close(reader);
	iq_dump_close(dump);
	iq_warnings_clear(&warnings);
	free(im->data);
}

static void expect_page(uint64_t pfn)
{
	const uint8_t *page = NULL;
	uint8_t want[PAGE];

	fill_page(want, pfn);
	assert_int_equal(iq_page_state(reader, pfn), IQ_MEM_OK);
	assert_int_equal(iq_read_page(reader, pfn, &page), IQ_MEM_OK);
	assert_memory_equal(page, want, PAGE);
	assert_int_equal(page == iq_zero_page(), pfn % 4 == 3);
}

static void expect_zero(uint64_t pfn)
{
	const uint8_t *page = NULL;

	assert_int_equal(iq_page_state(reader, pfn), IQ_MEM_OK);
	assert_int_equal(iq_read_page(reader, pfn, &page), IQ_MEM_OK);
	assert_ptr_equal(page, iq_zero_page());
}

static void expect_fault(uint64_t pfn, enum iq_mem why)
{
	const uint8_t *page = NULL;
	struct iq_fault fault = {0};
	uint64_t word;

	assert_int_equal(iq_page_state(reader, pfn), why);
	assert_int_equal(iq_read_page(reader, pfn, &page), why);
	assert_null(page);
	assert_int_equal(iq_read_phys(reader, pfn * PAGE + 8, &word, 8, &fault), why);
	assert_int_equal(fault.why, why);
	assert_true(fault.address == pfn * PAGE + 8);
	assert_false(fault.is_virtual);
}

static void test_plain(void **state)
{
	/* Not in order, with a gap. */
	const struct segment seg[] = {
		{.paddr = 0x100000, .filesz = 0x10000, .memsz = 0x10000},
		{.paddr = 0x1000, .filesz = 0x9000, .memsz = 0x9000},
	};
	struct image im = build_elf(seg, 2, NULL, false);
	const struct iq_dump_info *info;
	const uint8_t *page;
	uint64_t start, end;

	open_image(&im);
	info = iq_dump_info(dump);
	assert_int_equal(info->format, IQ_DUMP_ELF);
	assert_int_equal(info->machine, EM_X86_64);
	assert_int_equal(info->page_size, 4096);
	assert_int_equal(info->max_pfn, 0x110);
	assert_int_equal(info->dump_level, -1);
	assert_false(info->truncated || info->incomplete || info->filtered || info->flattened);
	assert_string_equal(info->format_text, "ELF core");
	for (uint64_t pfn = 0; pfn < 0x120; pfn++) {
		if ((pfn >= 1 && pfn < 0xa) || (pfn >= 0x100 && pfn < 0x110))
			expect_page(pfn);
		else
			expect_fault(pfn, IQ_MEM_ABSENT);
	}
	expect_fault(UINT64_MAX / PAGE, IQ_MEM_ABSENT);
	assert_int_equal(iq_page_state(reader, UINT64_MAX), IQ_MEM_ABSENT);
	close_image(&im);

	/* The first call of all. */
	im = build_elf(seg, 2, NULL, false);
	open_image(&im);
	assert_int_equal(iq_read_page(reader, UINT64_MAX, &page), IQ_MEM_ABSENT);
	assert_true(iq_dump_range(dump, 0, &start, &end) && start == 0x1000 && end == 0xa000);
	assert_true(iq_dump_range(dump, 1, &start, &end) && start == 0x100000 && end == 0x110000);
	assert_false(iq_dump_range(dump, 2, &start, &end));
	close_image(&im);
}

static void test_read_phys(void **state)
{
	const struct segment seg[] = {{.paddr = 0x4000, .filesz = 0x8000, .memsz = 0x8000}};
	struct image im = build_elf(seg, 1, NULL, false);
	struct iq_fault fault;
	uint8_t got[0x9000], want[0x8000];

	open_image(&im);
	for (uint64_t pfn = 4; pfn < 12; pfn++)
		fill_page(want + (pfn - 4) * PAGE, pfn);
	assert_int_equal(iq_read_phys(reader, 0x4000, got, 0x8000, &fault), IQ_MEM_OK);
	assert_memory_equal(got, want, 0x8000);
	/* Any offset and length, across pages. */
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t at = i * 7919 % 0x8000, len = i * 104729 % (0x8000 - at);

		assert_int_equal(iq_read_phys(reader, 0x4000 + at, got, len, NULL), IQ_MEM_OK);
		assert_memory_equal(got, want + at, len);
	}
	/* What is in front of the fault is there. */
	memset(got, 0xaa, sizeof(got));
	assert_int_equal(iq_read_phys(reader, 0xb123, got, 0x2000, &fault), IQ_MEM_ABSENT);
	assert_true(fault.address == 0xc000 && fault.physical == 0xc000);
	assert_memory_equal(got, want + 0x7123, 0xedd);
	assert_int_equal(got[0xedd], 0xaa);
	assert_int_equal(iq_read_phys(reader, UINT64_MAX - 3, got, 8, &fault), IQ_MEM_ABSENT);
	assert_true(fault.address == UINT64_MAX - 3);
	assert_int_equal(iq_read_phys(reader, 0, got, 0, &fault), IQ_MEM_OK);
	close_image(&im);
}

/* makedumpfile -E: what is left out at the end of a segment reads as zeros. */
static void test_zero_tail(void **state)
{
	const struct segment seg[] = {
		{.paddr = 0x10000, .filesz = 0x2000, .memsz = 0x5000},
		{.paddr = 0x15000, .filesz = 0x1000, .memsz = 0x1000},
		{.paddr = 0x16000, .filesz = 0, .memsz = 0x2000},
		/* QEMU: nothing of it is in the file. */
		{.paddr = 0x20000, .filesz = 0x1000, .memsz = 0x1000, .offset = UINT64_MAX},
	};
	struct image im = build_elf(seg, 4, NULL, false);
	uint64_t start, end;

	open_image(&im);
	assert_true(iq_dump_info(dump)->filtered);
	assert_int_equal(warnings.nr, 1);
	expect_page(0x10);
	expect_page(0x11);
	expect_zero(0x12);
	expect_zero(0x14);
	expect_page(0x15);
	expect_zero(0x16);
	expect_zero(0x17);
	expect_fault(0x18, IQ_MEM_ABSENT);
	expect_fault(0x20, IQ_MEM_ABSENT);
	assert_true(iq_dump_range(dump, 0, &start, &end) && start == 0x10000 && end == 0x18000);
	assert_false(iq_dump_range(dump, 1, &start, &end));
	assert_false(iq_page_is_guess(reader, 0x11));
	assert_true(iq_page_is_guess(reader, 0x12));
	assert_false(iq_page_is_guess(reader, 0x13 + 5));
	close_image(&im);
}

/* Bytes of the file win over a zero tail, the first segment over later ones. */
static void test_overlap(void **state)
{
	const struct segment seg[] = {
		{.paddr = 0x10000, .filesz = 0x1000, .memsz = 0x8000},
		{.paddr = 0x12000, .filesz = 0x3000, .memsz = 0x3000},
		/* The kernel's text again, with other bytes (those of the ELF header). */
		{.paddr = 0x11000, .filesz = 0x4000, .memsz = 0x4000, .offset = 1},
	};
	struct image im = build_elf(seg, 3, NULL, false);
	const uint8_t *page;

	open_image(&im);
	expect_page(0x10);
	assert_int_equal(iq_read_page(reader, 0x11, &page), IQ_MEM_OK);
	assert_memory_equal(page, im.data + 1, PAGE);
	for (uint64_t pfn = 0x12; pfn < 0x15; pfn++)
		expect_page(pfn);
	expect_zero(0x15);
	expect_zero(0x17);
	close_image(&im);
}

/* RAM that ends inside a page, as firmware reports it (0x9fc00). */
static void test_partial_page(void **state)
{
	const struct segment seg[] = {
		{.paddr = 0x9e000, .filesz = 0x1c00, .memsz = 0x1c00},
		{.paddr = 0xa0100, .filesz = 0x100, .memsz = 0x100},
		{.paddr = 0xa0200, .filesz = 0x100, .memsz = 0x100},
		{.paddr = 0xa0800, .filesz = 0x10, .memsz = 0x10},
	};
	struct image im = build_elf(seg, 4, NULL, false);
	uint8_t got[PAGE], want[PAGE];
	struct iq_fault fault;
	const uint8_t *page;

	open_image(&im);
	fill_page(want, 0x9f);
	memset(want + 0xc00, 0, 0x400);
	assert_int_equal(iq_read_page(reader, 0x9f, &page), IQ_MEM_OK);
	assert_memory_equal(page, want, PAGE);
	assert_int_equal(iq_read_phys(reader, 0x9fbf8, got, 8, NULL), IQ_MEM_OK);
	assert_int_equal(iq_read_phys(reader, 0x9fbf8, got, 9, &fault), IQ_MEM_ABSENT);
	assert_true(fault.address == 0x9fc00);
	assert_int_equal(iq_read_phys(reader, 0x9fc00, got, 1, NULL), IQ_MEM_ABSENT);

	fill_page(want, 0xa0);
	assert_int_equal(iq_read_phys(reader, 0xa0180, got, 0x100, NULL), IQ_MEM_OK);
	assert_memory_equal(got, want + 0x180, 0x100);
	assert_int_equal(iq_read_phys(reader, 0xa00ff, got, 2, &fault), IQ_MEM_ABSENT);
	assert_true(fault.address == 0xa00ff);
	assert_int_equal(iq_read_phys(reader, 0xa02ff, got, 2, &fault), IQ_MEM_ABSENT);
	assert_true(fault.address == 0xa0300);
	assert_int_equal(iq_dump_info(dump)->max_pfn, 0xa1);
	close_image(&im);
}

static void test_many_segments(void **state)
{
	struct segment seg[60];
	struct image im;

	for (unsigned int i = 0; i < 60; i++)
		seg[i] = (struct segment){
			.paddr = (59 - i) * 0x3000, .filesz = 0x1000, .memsz = 0x1000};
	im = build_elf(seg, 60, NULL, true);
	open_image(&im);
	assert_int_equal(warnings.nr, 0);
	for (uint64_t pfn = 0; pfn < 180; pfn++) {
		if (pfn % 3 == 0)
			expect_page(pfn);
		else
			expect_fault(pfn, IQ_MEM_ABSENT);
	}
	close_image(&im);
}

static void test_truncated(void **state)
{
	const struct segment seg[] = {
		{.paddr = 0x10000, .filesz = 0x4000, .memsz = 0x4000},
		{.paddr = 0x20000, .filesz = 0x4000, .memsz = 0x4000},
	};
	struct image im = build_elf(seg, 2, NULL, false);

	im.len -= 0x1800;
	open_image(&im);
	assert_true(iq_dump_info(dump)->truncated);
	assert_int_equal(warnings.nr, 1);
	expect_page(0x13);
	expect_page(0x21);
	expect_fault(0x22, IQ_MEM_TRUNCATED);
	expect_fault(0x23, IQ_MEM_TRUNCATED);
	expect_fault(0x24, IQ_MEM_ABSENT);
	close_image(&im);
}

static void test_senseless_segments(void **state)
{
	const struct segment seg[] = {
		{.paddr = 0x10000, .filesz = 0x1000, .memsz = 0x1000},
		{.paddr = UINT64_MAX - 0xfff,
		 .filesz = 0x1000000,
		 .memsz = 0x1000000,
		 .offset = 64},
		{.paddr = 1ull << 60, .filesz = 0x1000000, .memsz = 0x1000000, .offset = 64},
		{.paddr = 0x20000, .filesz = 1ull << 50, .memsz = 1ull << 50, .offset = INT64_MAX},
		{.paddr = UINT64_MAX, .filesz = 0x1000000, .memsz = 0x1000000, .offset = 64},
		{.paddr = 0x40000, .filesz = 0, .memsz = 0},
	};
	struct image im = build_elf(seg, 6, NULL, false);

	open_image(&im);
	assert_int_equal(iq_dump_info(dump)->max_pfn, 0x11);
	assert_int_equal(warnings.nr, 3);
	expect_page(0x10);
	close_image(&im);
}

static void test_flattened(void **state)
{
	const struct segment seg[] = {{.paddr = 0x10000, .filesz = 0x20000, .memsz = 0x20000}};

	for (size_t step = 1000; step < 50000; step += 7777) {
		struct image im = build_elf(seg, 1, "PAGESIZE=4096\n", false);
		struct image flat = flatten(&im, step);

		open_image(&flat);
		assert_true(iq_dump_info(dump)->flattened);
		assert_string_equal(iq_dump_info(dump)->format_text, "ELF core, flattened");
		assert_int_equal(warnings.nr, 0);
		for (uint64_t pfn = 0x10; pfn < 0x30; pfn++)
			expect_page(pfn);
		close_image(&flat);
		free(im.data);
	}
}

static void test_page_size(void **state)
{
	const struct segment seg[] = {{.paddr = 0x40000, .filesz = 0x20000, .memsz = 0x20000}};
	struct image im = build_elf(seg, 1, "PAGESIZE=65536\n", false);
	const uint8_t *page;
	uint8_t want[PAGE];

	open_image(&im);
	assert_int_equal(iq_dump_info(dump)->page_size, 65536);
	assert_int_equal(iq_dump_info(dump)->max_pfn, 6);
	assert_int_equal(iq_read_page(reader, 5, &page), IQ_MEM_OK);
	fill_page(want, 0x5e);
	assert_memory_equal(page + 14 * PAGE, want, PAGE);
	close_image(&im);

	im = build_elf(seg, 1, "PAGESIZE=5000\n", false);
	open_image(&im);
	assert_int_equal(iq_dump_info(dump)->page_size, 4096);
	assert_int_equal(warnings.nr, 1);
	close_image(&im);
}

static void test_not_a_dump(void **state)
{
	static const char *const files[] = {"",
					    "x",
					    "hello, world, this is no dump at all......",
					    "\x1f\x8b gzip gzip gzip gzip gzip gzip gzip",
					    "\177ELF\x01\x01\x01 32 bit 32 bit 32 bit 32 bit",
					    "makedumpfile",
					    "KDUMP   "};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(files); i++) {
		struct iq_dump *d;
		struct iq_error *err = iq_dump_open_memory(files[i], strlen(files[i]), NULL, &d);

		assert_non_null(err);
		assert_int_equal(err->code, IQ_E_FORMAT);
		iq_error_free(err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),	     cmocka_unit_test(test_read_phys),
		cmocka_unit_test(test_zero_tail),    cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_partial_page), cmocka_unit_test(test_many_segments),
		cmocka_unit_test(test_truncated),    cmocka_unit_test(test_senseless_segments),
		cmocka_unit_test(test_flattened),    cmocka_unit_test(test_page_size),
		cmocka_unit_test(test_not_a_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
