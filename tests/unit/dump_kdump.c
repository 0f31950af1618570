// SPDX-License-Identifier: GPL-2.0-or-later
/* kdump-compressed dumps: versions, compressions, bitmaps, what is missing and why; scans. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dump_build.h"
#include <stdatomic.h>

/* More than one bitmap chunk of 32768 pages, and not a multiple of anything. */
#define MAX_PFN 70001

static struct iq_dump *dump;
static struct iq_reader *reader;
static struct iq_warnings warnings;

static bool all(uint64_t pfn)
{
	return true;
}

/* A hole like that below 4 GB. */
static bool ram(uint64_t pfn)
{
	return pfn < 3000 || pfn >= 4000;
}

/* Sparse, so that the tests are fast. */
static bool dumped(uint64_t pfn)
{
	return ram(pfn) && (pfn % 67 < 2 || (pfn >= 32700 && pfn < 32800) || pfn == MAX_PFN - 1);
}

static struct kdump_plan usual(void)
{
	return (struct kdump_plan){.version = 6,
				   .max_pfn = MAX_PFN,
				   .ram = ram,
				   .dumped = dumped,
				   .how = ZLIB,
				   .dump_level = 31,
				   .vmcoreinfo = "OSRELEASE=6.1.0-test\nPAGESIZE=4096\n"};
}

static void open_image(const struct image *im)
{
	struct iq_error *err;

	iq_warnings_clear(&warnings);
	err = iq_dump_open_memory(im->data, im->len, &warnings, &dump);
	if (!err)
		err = iq_reader_open(dump, 0, &reader);
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

/* PFN is as the plan has it. */
static void expect(const struct kdump_plan *p, uint64_t pfn)
{
	const uint8_t *page = NULL;
	uint8_t want[PAGE];
	enum iq_mem why = IQ_MEM_OK;

	if (pfn >= p->max_pfn || (p->split && (pfn < p->start_pfn || pfn >= p->end_pfn)))
		why = IQ_MEM_ABSENT;
	else if (!p->dumped(pfn))
		why = p->one_bitmap || !p->ram(pfn) ? IQ_MEM_ABSENT : IQ_MEM_EXCLUDED;
	assert_int_equal(iq_page_state(reader, pfn), why);
	assert_int_equal(iq_read_page(reader, pfn, &page), why);
	if (why)
		return;
	fill_page(want, pfn);
	assert_memory_equal(page, want, PAGE);
	assert_int_equal(page == iq_zero_page(), pfn % 4 == 3);
}

static void check_plan(const struct kdump_plan *p, bool flat)
{
	struct kdump_layout lay;
	struct image im = build_kdump(p, &lay), flattened;

	if (flat) {
		flattened = flatten(&im, 4000);
		free(im.data);
		im = flattened;
	}
	open_image(&im);
	assert_false(iq_dump_info(dump)->truncated);
	assert_true(iq_dump_info(dump)->max_pfn == p->max_pfn);
	/* From the end: everything must be counted for the first answer. */
	expect(p, p->max_pfn - 1);
	for (uint64_t pfn = 0; pfn < p->max_pfn + 100; pfn += 1 + (pfn % 1000 > 300) * 13)
		expect(p, pfn);
	for (uint32_t i = 0; i < 5000; i++)
		expect(p, i * 2654435761u % p->max_pfn);
	close_image(&im);
}

static void test_compressions(void **state)
{
	static const int hows[] = {RAW, ZLIB, LZO, SNAPPY, ZSTD};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(hows); i++) {
		struct kdump_plan p = usual();

		p.how = hows[i];
		check_plan(&p, false);
		p.dump_level = 0;
		check_plan(&p, false);
		check_plan(&p, true);
	}
}

static void test_versions(void **state)
{
	for (unsigned int version = 0; version <= 7; version++) {
		struct kdump_plan p = usual();

		p.version = version;
		check_plan(&p, version & 1);
	}
}

static void test_facts(void **state)
{
	struct kdump_plan p = usual();
	struct kdump_layout lay;
	struct image im = build_kdump(&p, &lay);
	const struct iq_dump_info *info;
	uint64_t start, end;

	open_image(&im);
	info = iq_dump_info(dump);
	assert_int_equal(warnings.nr, 0);
	assert_int_equal(info->format, IQ_DUMP_KDUMP);
	assert_string_equal(info->format_text, "kdump v6, zlib");
	assert_int_equal(info->machine, EM_X86_64);
	assert_int_equal(info->page_size, 4096);
	assert_int_equal(info->dump_level, 31);
	assert_true(info->filtered);
	assert_int_equal(info->nr_cpus, 2);
	assert_true(info->has_phys_base && info->phys_base == 0x1000000);
	assert_string_equal(info->release, "6.1.0-test");
	assert_string_equal(info->nodename, "node");
	assert_string_equal(info->hw_machine, "x86_64");
	assert_null(info->version);
	assert_true(info->time == 1700000000);
	assert_int_equal(info->nr_notes, 1);
	assert_string_equal(info->vmcoreinfo, p.vmcoreinfo);
	assert_true(iq_dump_range(dump, 0, &start, &end) && start == 0 && end == MAX_PFN * 4096ul);
	assert_false(iq_dump_range(dump, 1, &start, &end));
	close_image(&im);

	p.dump_level = 1;
	p.version = 0;
	im = build_kdump(&p, &lay);
	open_image(&im);
	assert_int_equal(iq_dump_info(dump)->dump_level, -1);
	assert_false(iq_dump_info(dump)->filtered);
	assert_int_equal(iq_dump_info(dump)->nr_notes, 0);
	assert_null(iq_dump_info(dump)->vmcoreinfo);
	close_image(&im);
}

static void test_one_bitmap(void **state)
{
	struct kdump_plan p = usual();

	p.one_bitmap = true;
	check_plan(&p, false);
}

static void test_split(void **state)
{
	static const uint64_t cuts[] = {0, 777, 32768, 40001, MAX_PFN};

	for (size_t i = 0; i + 1 < IQ_ARRAY_SIZE(cuts); i++) {
		struct kdump_plan p = usual();

		p.split = true;
		p.start_pfn = cuts[i];
		p.end_pfn = cuts[i + 1];
		check_plan(&p, false);
		p.version = 5;
		check_plan(&p, false);
	}
}

static void test_truncated(void **state)
{
	struct kdump_plan p = usual();
	struct kdump_layout lay;
	struct image im = build_kdump(&p, &lay);
	uint64_t n = 0, lost = 0;

	/* In the middle of the data. */
	im.len = lay.data + (im.len - lay.data) / 2;
	open_image(&im);
	assert_true(iq_dump_info(dump)->truncated);
	for (uint64_t pfn = 0; pfn < MAX_PFN; pfn++) {
		const uint8_t *page;
		enum iq_mem why = iq_read_page(reader, pfn, &page);

		if (!dumped(pfn)) {
			expect(&p, pfn);
			continue;
		}
		n++;
		lost += why == IQ_MEM_TRUNCATED;
		assert_true(why == IQ_MEM_OK || why == IQ_MEM_TRUNCATED);
		assert_int_equal(iq_page_state(reader, pfn), why);
	}
	assert_true(n == lay.nr && lost > n / 4 && lost < n * 3 / 4);
	close_image(&im);
}

/* A whole file is not said to be truncated, one that lacks its last byte is. */
static void test_truncated_by_one(void **state)
{
	for (int level = 0; level < 2; level++) {
		for (int how = RAW; how <= ZLIB; how++) {
			struct kdump_plan p = usual();
			struct kdump_layout lay;
			struct image im;

			p.dump_level = level;
			p.how = how;
			im = build_kdump(&p, &lay);
			im.len--;
			open_image(&im);
			assert_true(iq_dump_info(dump)->truncated);
			close_image(&im);
		}
	}
}

static void test_truncated_earlier(void **state)
{
	struct kdump_plan p = usual();
	struct kdump_layout lay;
	struct image im = build_kdump(&p, &lay);

	/* In the descriptors. */
	im.len = lay.descs + 24 * 10 + 5;
	open_image(&im);
	assert_true(iq_dump_info(dump)->truncated);
	assert_int_equal(iq_page_state(reader, 0), IQ_MEM_TRUNCATED);
	assert_int_equal(iq_page_state(reader, 32768), IQ_MEM_TRUNCATED);
	assert_int_equal(iq_page_state(reader, 3500), IQ_MEM_ABSENT);
	close_image(&im);

	/* In the second bitmap. */
	im = build_kdump(&p, &lay);
	im.len = lay.bitmap2 + 100;
	open_image(&im);
	assert_true(iq_dump_info(dump)->truncated);
	assert_int_equal(iq_page_state(reader, 799), IQ_MEM_EXCLUDED);
	assert_int_equal(iq_page_state(reader, 800), IQ_MEM_TRUNCATED);
	assert_int_equal(iq_page_state(reader, 60000), IQ_MEM_TRUNCATED);
	close_image(&im);
}

/* makedumpfile ran out of space: descriptors from some point on are holes. */
static void test_incomplete(void **state)
{
	struct kdump_plan p = usual();
	struct kdump_layout lay;
	struct image im;

	p.status = 8;
	im = build_kdump(&p, &lay);
	memset(im.data + lay.descs + 24, 0, (lay.nr - 1) * 24);
	open_image(&im);
	assert_true(iq_dump_info(dump)->incomplete);
	assert_false(iq_dump_info(dump)->truncated);
	assert_int_equal(warnings.nr, 1);
	expect(&p, 0);
	assert_int_equal(iq_page_state(reader, 1), IQ_MEM_ABSENT);
	assert_int_equal(iq_page_state(reader, MAX_PFN - 1), IQ_MEM_ABSENT);
	assert_int_equal(iq_page_state(reader, 2), IQ_MEM_EXCLUDED);
	close_image(&im);
}

static void check_desc(uint64_t offset, uint32_t size, uint32_t flags, enum iq_mem want)
{
	struct kdump_plan p = usual();
	struct kdump_layout lay;
	struct iq_scan scan = {.threads = 1};
	const uint8_t *page;
	struct image im;

	p.max_pfn = 5000;
	im = build_kdump(&p, &lay);
	put64(&im, lay.descs + 24, offset);
	put32(&im, lay.descs + 32, size);
	put32(&im, lay.descs + 36, flags);
	open_image(&im);
	expect(&p, 0);
	assert_int_equal(iq_read_page(reader, 1, &page), want);
	expect(&p, 67);
	assert_null(iq_dump_scan(dump, &scan));
	assert_int_equal(scan.missing[want], 1 + (want == IQ_MEM_ABSENT ? 1000 : 0));
	close_image(&im);
}

static void test_senseless_descriptors(void **state)
{
	struct kdump_plan p = usual();
	struct kdump_layout lay;
	struct image im;
	uint64_t ok;

	p.max_pfn = 5000;
	im = build_kdump(&p, &lay);
	ok = im.len - 3 * PAGE;
	free(im.data);
	check_desc(0, 0, 0, IQ_MEM_ABSENT);
	check_desc(ok, 0, ZLIB, IQ_MEM_DAMAGED);
	check_desc(ok, 0, 0, IQ_MEM_DAMAGED);
	check_desc(ok, PAGE - 1, 0, IQ_MEM_DAMAGED);
	check_desc(ok, PAGE + 1, 0, IQ_MEM_DAMAGED);
	check_desc(ok, 2 * PAGE + 1, ZLIB, IQ_MEM_DAMAGED);
	check_desc(ok, UINT32_MAX, ZLIB, IQ_MEM_DAMAGED);
	check_desc(ok, 100, ZLIB | LZO, IQ_MEM_DAMAGED);
	check_desc(ok, 100, 0x10, IQ_MEM_DAMAGED);
	check_desc(ok, 100, 0x80000001, IQ_MEM_DAMAGED);
	/* The bytes of a page that is not compressed are no stream of any kind. */
	check_desc(ok, 100, ZLIB, IQ_MEM_DAMAGED);
	check_desc(ok, 100, LZO, IQ_MEM_DAMAGED);
	check_desc(ok, 100, SNAPPY, IQ_MEM_DAMAGED);
	check_desc(ok, 100, ZSTD, IQ_MEM_DAMAGED);
	check_desc(8, PAGE, 0, IQ_MEM_DAMAGED);
	check_desc(UINT64_MAX, PAGE, 0, IQ_MEM_DAMAGED);
	check_desc(INT64_MAX, PAGE, 0, IQ_MEM_TRUNCATED);
	check_desc(ok + 2 * PAGE + 1, PAGE, 0, IQ_MEM_TRUNCATED);
}

static void test_headers(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		enum iq_code code;
	} bad[] = {
		{428, 0, IQ_E_FORMAT},		{428, 5000, IQ_E_FORMAT},
		{428, 1 << 17, IQ_E_FORMAT},	{428, 0x00100000, IQ_E_UNAVAILABLE},
		{432, 0, IQ_E_FORMAT},		{432, UINT32_MAX, IQ_E_FORMAT},
		{432, 1 << 19, IQ_E_FORMAT},	{436, 0, IQ_E_FORMAT},
		{436, UINT32_MAX, IQ_E_FORMAT},
	};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(bad); i++) {
		struct kdump_plan p = usual();
		struct kdump_layout lay;
		struct image im = build_kdump(&p, &lay);
		struct iq_error *err;
		struct iq_dump *d;

		/* Big-endian: 4096 seen from the other side is 0x00100000. */
		put32(&im, bad[i].at, bad[i].value);
		err = iq_dump_open_memory(im.data, im.len, NULL, &d);
		assert_non_null(err);
		assert_int_equal(err->code, bad[i].code);
		iq_error_free(err);
		free(im.data);
	}
}

static void test_absurd_max_pfn(void **state)
{
	struct kdump_plan p = usual();
	struct kdump_layout lay;
	struct image im = build_kdump(&p, &lay);

	/* More pages than the bitmap has bits: only those are there. */
	put64(&im, PAGE + 96, UINT64_MAX);
	open_image(&im);
	assert_int_equal(warnings.nr, 1);
	assert_true(iq_dump_info(dump)->max_pfn <= (lay.descs - lay.bitmap1) * 8);
	assert_int_equal(iq_page_state(reader, UINT64_MAX / PAGE), IQ_MEM_ABSENT);
	close_image(&im);
}

struct tally {
	const struct kdump_plan *plan;
	_Atomic uint64_t pages, wrong, units, last_unit;
	uint64_t last[8];
	bool skip_zero;
	struct iq_cancel cancel;
	uint64_t cancel_after;
};

static void see_page(void *arg, unsigned int worker, uint64_t pfn, const uint8_t *page)
{
	struct tally *t = arg;
	uint8_t want[PAGE];

	fill_page(want, pfn);
	if (memcmp(want, page, PAGE) || (uintptr_t)page % 8 || pfn < t->last[worker] ||
	    (t->skip_zero && pfn % 4 == 3) || (pfn % 4 == 3) != (page == iq_zero_page()))
		t->wrong++;
	t->last[worker] = pfn;
	if (++t->pages == t->cancel_after)
		t->cancel.stop = 1;
}

static void see_unit(void *arg, unsigned int worker, uint64_t unit, uint64_t end_pfn)
{
	struct tally *t = arg;
	uint64_t last = t->last_unit;

	t->units++;
	while (unit > last && !atomic_compare_exchange_weak(&t->last_unit, &last, unit))
		;
	if (t->last[worker] >= end_pfn)
		t->wrong++;
}

static void scan(const struct kdump_plan *p, unsigned int threads, bool skip_zero, uint64_t first,
		 uint64_t end)
{
	struct tally t = {.plan = p, .skip_zero = skip_zero};
	struct iq_scan s = {.first_pfn = first,
			    .end_pfn = end,
			    .threads = threads,
			    .skip_zero = skip_zero,
			    .arg = &t,
			    .page = see_page,
			    .unit_done = see_unit};
	uint64_t read = 0, zero = 0, missing[3] = {0};

	assert_null(iq_dump_scan(dump, &s));
	for (uint64_t pfn = first; pfn < (end ? IQ_MIN(end, p->max_pfn) : p->max_pfn); pfn++) {
		if (p->split && (pfn < p->start_pfn || pfn >= p->end_pfn))
			missing[IQ_MEM_ABSENT]++;
		else if (p->dumped(pfn))
			*(pfn % 4 == 3 ? &zero : &read) += 1;
		else
			missing[p->ram(pfn) ? IQ_MEM_EXCLUDED : IQ_MEM_ABSENT]++;
	}
	assert_int_equal(t.wrong, 0);
	assert_int_equal(s.read, read);
	assert_int_equal(s.zero, zero);
	assert_int_equal(s.missing[IQ_MEM_EXCLUDED], missing[IQ_MEM_EXCLUDED]);
	assert_int_equal(s.missing[IQ_MEM_ABSENT], missing[IQ_MEM_ABSENT]);
	assert_int_equal(t.pages, read + (skip_zero ? 0 : zero));
	/* Numbers without gaps. */
	assert_int_equal(t.units, t.units ? t.last_unit + 1 : 0);
}

static void test_scan(void **state)
{
	static const int hows[] = {RAW, ZLIB, LZO};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(hows); i++) {
		for (int level = 0; level < 2; level++) {
			struct kdump_plan p = usual();
			struct kdump_layout lay;
			struct image im;

			p.how = hows[i];
			p.dump_level = level;
			im = build_kdump(&p, &lay);
			open_image(&im);
			for (unsigned int threads = 1; threads <= 4; threads++)
				scan(&p, threads, threads & 1, 0, 0);
			scan(&p, 2, false, 1234, 45678);
			scan(&p, 2, false, 0, 1);
			scan(&p, 2, false, 50000, UINT64_MAX);
			scan(&p, 2, false, 80000, 0);
			close_image(&im);
		}
	}
}

static void test_scan_split(void **state)
{
	struct kdump_plan p = usual();
	struct kdump_layout lay;
	struct image im;

	p.split = true;
	p.start_pfn = 10000;
	p.end_pfn = 33333;
	im = build_kdump(&p, &lay);
	open_image(&im);
	scan(&p, 1, true, 0, 0);
	scan(&p, 3, false, 20000, 60000);
	close_image(&im);
}

static void test_scan_cancelled(void **state)
{
	struct kdump_plan p = usual();
	struct kdump_layout lay;
	struct image im = build_kdump(&p, &lay);
	struct tally t = {.plan = &p, .cancel_after = 50};
	struct iq_scan s = {.threads = 1, .cancel = &t.cancel, .arg = &t, .page = see_page};
	struct iq_error *err;

	open_image(&im);
	err = iq_dump_scan(dump, &s);
	assert_non_null(err);
	assert_int_equal(err->code, IQ_E_INTERRUPTED);
	iq_error_free(err);
	assert_int_equal(t.pages, 50);
	close_image(&im);
}

/* Several readers of one fresh dump at once, each from another end. */
static void read_all(void *arg, unsigned int worker)
{
	const struct kdump_plan *p = arg;
	struct iq_reader *r;
	struct iq_error *err = iq_reader_open(dump, 16, &r);

	assert_null(err);
	for (uint64_t i = 0; i < p->max_pfn; i++) {
		uint64_t pfn = worker & 1 ? p->max_pfn - 1 - i : (i + worker * 20000) % p->max_pfn;
		const uint8_t *page;
		uint8_t want[PAGE];

		if (iq_read_page(r, pfn, &page) != (p->dumped(pfn) ? IQ_MEM_OK
						    : p->ram(pfn)  ? IQ_MEM_EXCLUDED
								   : IQ_MEM_ABSENT))
			abort();
		if (!p->dumped(pfn))
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
	struct kdump_layout lay;
	struct image im = build_kdump(&p, &lay);

	open_image(&im);
	iq_parallel(4, read_all, &p);
	close_image(&im);
}

/* Batches of every size and order, with pages that are not there: reads say what they say without. */
static void test_prefetch(void **state)
{
	static uint64_t pfns[3 * IQ_PREFETCH_MOST];
	struct kdump_plan p = usual();
	struct kdump_layout lay;
	struct image im = build_kdump(&p, &lay);

	setenv("INQUEST_THREADS", "4", 1);
	open_image(&im);
	expect(&p, 67);
	for (unsigned int nr = 1; nr <= IQ_ARRAY_SIZE(pfns); nr = nr * 3 + 1) {
		for (unsigned int i = 0; i < nr; i++)
			pfns[i] = (i ^ nr) % 3 ? i * 67ull % (p.max_pfn + 5000) + i % 2
					       : i * 2654435761u % p.max_pfn;
		pfns[0] = UINT64_MAX;
		iq_reader_prefetch(reader, pfns, nr);
		for (unsigned int i = 0; i < nr; i++)
			expect(&p, pfns[nr - 1 - i]);
		expect(&p, 67);
		/* Pages that the cache has now, and the batch of before. */
		iq_reader_prefetch(reader, pfns, nr);
		for (unsigned int i = 0; i < nr; i++)
			expect(&p, pfns[i]);
	}
	close_image(&im);
	unsetenv("INQUEST_THREADS");
}

static void test_all_pages(void **state)
{
	struct kdump_plan p = {.version = 6,
			       .max_pfn = 3000,
			       .ram = all,
			       .dumped = all,
			       .how = SNAPPY,
			       .dump_level = 1};

	check_plan(&p, false);
	p.one_bitmap = true;
	check_plan(&p, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compressions),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_one_bitmap),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_truncated_by_one),
		cmocka_unit_test(test_truncated_earlier),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_senseless_descriptors),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_absurd_max_pfn),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_scan_split),
		cmocka_unit_test(test_scan_cancelled),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_prefetch),
		cmocka_unit_test(test_all_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
