// SPDX-License-Identifier: GPL-2.0-or-later
/* Split dumps: the files in any order, some of them missing, empty, cut off or not of the set. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dump_build.h"

#define MAX_PFN 70001
#define PARTS 6

/* Cuts within a bitmap chunk, at its end, within a unit of a scan; the fifth part is empty. */
static const uint64_t cuts[PARTS + 1] = {0, 777, 32768, 40001, 40003, 40003, MAX_PFN};

static struct image part[PARTS];
static struct iq_dump *dump;
static struct iq_warnings warnings;

static bool ram(uint64_t pfn)
{
	return pfn < 3000 || pfn >= 4000;
}

static bool dumped(uint64_t pfn)
{
	return ram(pfn) && (pfn % 67 < 2 || (pfn >= 39990 && pfn < 40010) || pfn == MAX_PFN - 1);
}

static struct kdump_plan usual(void)
{
	return (struct kdump_plan){.version = 6,
				   .max_pfn = MAX_PFN,
				   .ram = ram,
				   .dumped = dumped,
				   .how = ZLIB,
				   .dump_level = 30,
				   .split = true,
				   .vmcoreinfo = "OSRELEASE=6.1.0-test\nPAGESIZE=4096\n"};
}

/* With room for the descriptors of all parts, as makedumpfile leaves it, but at level 31. */
static struct image build_part(struct kdump_plan p, unsigned int i)
{
	struct kdump_layout lay;

	p.start_pfn = cuts[i];
	p.end_pfn = cuts[i + 1];
	p.spare = 0;
	for (uint64_t pfn = 0; pfn < MAX_PFN && p.dump_level < 31; pfn++)
		p.spare += dumped(pfn) && (pfn < p.start_pfn || pfn >= p.end_pfn);
	return build_kdump(&p, &lay);
}

static void build_all(const struct kdump_plan *p)
{
	for (unsigned int i = 0; i < PARTS; i++)
		part[i] = build_part(*p, i);
}

static void free_all(void)
{
	for (unsigned int i = 0; i < PARTS; i++) {
		free(part[i].data);
		part[i] = (struct image){0};
	}
}

static struct iq_error *open_images(const struct image *const *im, unsigned int nr)
{
	struct iq_memory_file files[2 * PARTS];

	for (unsigned int i = 0; i < nr; i++)
		files[i] = (struct iq_memory_file){im[i]->data, im[i]->len};
	iq_warnings_clear(&warnings);
	return iq_dump_open_memory_files(files, nr, &warnings, &dump);
}

/* Open the parts with these digits, in this order. */
static void open_parts(const char *which)
{
	const struct image *im[2 * PARTS];
	unsigned int nr = 0;
	struct iq_error *err;

	for (; which[nr]; nr++)
		im[nr] = &part[which[nr] - '0'];
	err = open_images(im, nr);
	if (err)
		fail_msg("%s", err->message);
}

static void close_dump(void)
{
	iq_dump_close(dump);
	iq_warnings_clear(&warnings);
}

static enum iq_mem expected(const char *which, uint64_t pfn)
{
	for (; *which; which++) {
		unsigned int i = (unsigned int)(*which - '0');

		if (pfn >= cuts[i] && pfn < cuts[i + 1])
			return dumped(pfn) ? IQ_MEM_OK : ram(pfn) ? IQ_MEM_EXCLUDED : IQ_MEM_ABSENT;
	}
	return IQ_MEM_ABSENT;
}

static void check_page(struct iq_reader *r, const char *which, uint64_t pfn)
{
	enum iq_mem why = expected(which, pfn);
	const uint8_t *page;
	uint8_t want[PAGE];

	if (iq_page_state(r, pfn) != why || iq_read_page(r, pfn, &page) != why)
		fail_msg("page %llu of the parts %s", (unsigned long long)pfn, which);
	if (why)
		return;
	fill_page(want, pfn);
	assert_memory_equal(page, want, PAGE);
}

static void see_page(void *arg, unsigned int worker, uint64_t pfn, const uint8_t *page)
{
	uint8_t want[PAGE];

	fill_page(want, pfn);
	if (memcmp(page, want, PAGE))
		abort();
}

static void check_scan(const char *which, unsigned int threads, uint64_t first, uint64_t end)
{
	struct iq_scan s = {
		.first_pfn = first, .end_pfn = end, .threads = threads, .page = see_page};
	uint64_t want[3] = {0};

	assert_null(iq_dump_scan(dump, &s));
	for (uint64_t pfn = first; pfn < (end ? end : MAX_PFN); pfn++)
		want[expected(which, pfn)]++;
	assert_int_equal(s.read + s.zero, want[IQ_MEM_OK]);
	assert_int_equal(s.missing[IQ_MEM_EXCLUDED], want[IQ_MEM_EXCLUDED]);
	assert_int_equal(s.missing[IQ_MEM_ABSENT], want[IQ_MEM_ABSENT]);
}

static void check_pages(const char *which)
{
	struct iq_reader *r;

	assert_null(iq_reader_open(dump, 0, &r));
	/* From the end: everything must be counted for the first answer. */
	for (uint64_t pfn = MAX_PFN + 10; pfn--;)
		check_page(r, which, pfn);
	/* From one part to another. */
	for (uint32_t i = 0; i < 20000; i++)
		check_page(r, which, i * 2654435761u % MAX_PFN);
	iq_reader_close(r);
	check_scan(which, 1, 0, 0);
	check_scan(which, 3, 0, 0);
	check_scan(which, 2, 700, 40002);
	check_scan(which, 1, 40000, 40004);
}

static void test_any_order(void **state)
{
	static const char *const orders[] = {"012345", "543210", "305142", "451230"};
	static const int hows[] = {RAW, ZLIB, LZO, ZSTD};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(orders); i++) {
		struct kdump_plan p = usual();
		const struct iq_dump_info *info;
		uint64_t sum = 0;

		p.how = hows[i];
		p.version = i & 1 ? 5 : 6;
		p.dump_level = i & 2 ? 31 : 30;
		build_all(&p);
		open_parts(orders[i]);
		check_pages(orders[i]);
		info = iq_dump_info(dump);
		for (unsigned int k = 0; k < PARTS; k++)
			sum += part[k].len;
		assert_int_equal(warnings.nr, 0);
		assert_false(info->truncated || info->incomplete || info->flattened);
		assert_true(info->file_size == sum);
		assert_int_equal(info->nr_files, PARTS);
		assert_true(info->max_pfn == MAX_PFN);
		assert_non_null(strstr(info->format_text, ", 6 split parts"));
		assert_string_equal(info->vmcoreinfo, p.vmcoreinfo);
		assert_int_equal(info->nr_notes, 1);
		close_dump();
		free_all();
	}
}

static void test_missing(void **state)
{
	static const struct {
		const char *which, *lost;
	} cases[] = {
		{"54320", "0x309 to 0x7fff"},
		{"12345", "0x0 to 0x308"},
		{"20", "0x309 to 0x7fff, 0x9c41 to 0x11170"},
		{"14", "0x0 to 0x308, 0x8000 to 0x11170"},
		{"01235", NULL}, /* only the empty one */
	};
	struct kdump_plan p = usual();

	build_all(&p);
	for (size_t i = 0; i < IQ_ARRAY_SIZE(cases); i++) {
		open_parts(cases[i].which);
		check_pages(cases[i].which);
		assert_int_equal(warnings.nr, cases[i].lost != NULL);
		if (cases[i].lost)
			assert_string_equal(strstr(warnings.text[0], "0x"), cases[i].lost);
		assert_false(iq_dump_info(dump)->truncated);
		close_dump();
	}
	free_all();
}

static void test_alone(void **state)
{
	struct kdump_plan p = usual();

	build_all(&p);
	open_parts("4");
	assert_int_equal(warnings.nr, 1);
	assert_false(iq_dump_info(dump)->truncated);
	check_pages("4");
	close_dump();
	open_parts("1");
	assert_int_equal(warnings.nr, 1);
	assert_non_null(strstr(warnings.text[0], "0x309 to 0x7fff"));
	close_dump();
	free_all();
}

static void test_cut_off(void **state)
{
	for (int level = 30; level <= 31; level++) {
		struct kdump_plan p = usual();
		struct iq_reader *r;
		const uint8_t *page;

		p.dump_level = level;
		build_all(&p);
		/* In the last page of the second part. */
		part[1].len--;
		open_parts("012345");
		assert_true(iq_dump_info(dump)->truncated);
		assert_int_equal(warnings.nr, 1);
		assert_null(iq_reader_open(dump, 0, &r));
		assert_int_equal(iq_read_page(r, 32764, &page), IQ_MEM_TRUNCATED);
		check_page(r, "012345", 32000);
		check_page(r, "012345", 32831);
		iq_reader_close(r);
		close_dump();
		free_all();
	}
}

/* Nothing but the message tells why: WORD must be in it. */
static void refuse(const struct image *a, const struct image *b, enum iq_code code,
		   const char *word)
{
	const struct image *im[] = {a, b};
	struct iq_error *err = open_images(im, 2);

	assert_non_null(err);
	assert_int_equal(err->code, code);
	if (!strstr(err->message, word))
		fail_msg("no %s in: %s", word, err->message);
	iq_error_free(err);
	iq_warnings_clear(&warnings);
}

static void test_strangers(void **state)
{
	static const struct {
		size_t at;
		const char *word;
	} bytes[] = {
		{12 + 65, "name of the machine"}, /* utsname.nodename */
		{12 + 2 * 65, "kernel"}, /* utsname.release */
		{408, "time"},
		{460, "CPUs"},
		{PAGE, "where the kernel"}, /* phys_base */
		{PAGE + 8, "dump level"},
		{PAGE + 512 + 10, "VMCOREINFO"},
		{PAGE + 1024 + 12 + 8 + 100, "registers"},
		{8, "version"},
	};
	struct kdump_plan p = usual(), other = usual();
	struct segment seg = {.paddr = 0, .filesz = 4 * PAGE, .memsz = 4 * PAGE};
	struct image im;

	build_all(&p);
	refuse(&part[1], &part[1], IQ_E_USAGE, "same part");
	for (size_t i = 0; i < IQ_ARRAY_SIZE(bytes); i++) {
		im = build_part(p, 1);
		im.data[bytes[i].at] ^= 1;
		refuse(&part[0], &im, IQ_E_USAGE, bytes[i].word);
		refuse(&im, &part[0], IQ_E_USAGE, bytes[i].word);
		free(im.data);
	}
	/* Page frames that two parts have. */
	im = build_part(p, 1);
	im.data[PAGE + 80]--;
	refuse(&part[0], &im, IQ_E_USAGE, "0x308 to 0x308");
	refuse(&im, &part[0], IQ_E_USAGE, "0x308 to 0x308");
	free(im.data);
	other.max_pfn = MAX_PFN - 1;
	im = build_part(other, 1);
	refuse(&part[0], &im, IQ_E_USAGE, "size of the memory");
	free(im.data);
	other = usual();
	other.split = false;
	im = build_part(other, 1);
	refuse(&part[0], &im, IQ_E_USAGE, "no file of a split dump");
	refuse(&im, &im, IQ_E_USAGE, "no file of a split dump");
	free(im.data);
	im = build_elf(&seg, 1, NULL, false);
	refuse(&im, &part[0], IQ_E_USAGE, "no file of a split dump");
	refuse(&part[0], &im, IQ_E_USAGE, "no file of a split dump");
	free(im.data);
	im = (struct image){.data = (uint8_t *)"nothing", .len = 8};
	refuse(&part[0], &im, IQ_E_FORMAT, "not a kernel dump");
	free_all();
}

/* Ranges that no makedumpfile writes. */
static void test_senseless_ranges(void **state)
{
	struct kdump_plan p = usual();

	build_all(&p);
	/* Behind the end of the memory, and the wrong way round: empty. */
	put64(&part[1], PAGE + 80, 1ull << 40);
	put64(&part[1], PAGE + 88, UINT64_MAX);
	put64(&part[2], PAGE + 80, 50000);
	put64(&part[2], PAGE + 88, 3);
	open_parts("012345");
	check_pages("0345");
	close_dump();
	open_parts("12");
	check_pages("");
	close_dump();
	free_all();
}

/* Some makedumpfile may leave what all parts could have to one of them. */
static void test_notes_in_one(void **state)
{
	struct kdump_plan p = usual();

	build_all(&p);
	for (unsigned int i = 0; i < PARTS; i++) {
		if (i != 2)
			put64(&part[i], PAGE + 40, 0);
		if (i != 3)
			put64(&part[i], PAGE + 48, 0);
	}
	open_parts("012345");
	assert_string_equal(iq_dump_info(dump)->vmcoreinfo, p.vmcoreinfo);
	assert_int_equal(iq_dump_info(dump)->nr_notes, 1);
	check_pages("012345");
	close_dump();
	free_all();
}

static void read_all(void *arg, unsigned int worker)
{
	struct iq_reader *r;

	assert_null(iq_reader_open(dump, 16, &r));
	for (uint64_t i = 0; i < MAX_PFN; i++) {
		uint64_t pfn = worker & 1 ? MAX_PFN - 1 - i : (i + worker * 20000) % MAX_PFN;
		const uint8_t *page;
		uint8_t want[PAGE];

		if (iq_read_page(r, pfn, &page) != expected("012345", pfn))
			abort();
		if (!dumped(pfn))
			continue;
		fill_page(want, pfn);
		if (memcmp(want, page, PAGE))
			abort();
	}
	iq_reader_close(r);
}

static void test_threads(void **state)
{
	struct kdump_plan p = usual();

	build_all(&p);
	open_parts("012345");
	iq_parallel(4, read_all, NULL);
	close_dump();
	free_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_order),    cmocka_unit_test(test_missing),
		cmocka_unit_test(test_alone),	     cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_strangers),    cmocka_unit_test(test_senseless_ranges),
		cmocka_unit_test(test_notes_in_one), cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
