// SPDX-License-Identifier: GPL-2.0-or-later
/* Dumps in files: what cannot be opened, holes, a file that shrinks while it is read. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dump_build.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/unit-dump-file-XXXXXX";
static char path[64];

static void save(const struct image *im)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	if (im->len)
		assert_int_equal(write(fd, im->data, im->len), im->len);
	close(fd);
}

static void expect_error(const char *name, enum iq_code code)
{
	struct iq_dump *d;
	struct iq_error *err = iq_dump_open(name, NULL, &d);

	assert_non_null(err);
	assert_int_equal(err->code, code);
	/* Says which file, once. */
	assert_non_null(strstr(err->message, name));
	assert_null(strstr(strstr(err->message, name) + 1, name));
	iq_error_free(err);
}

static void test_errors(void **state)
{
	struct image im = {0};

	expect_error("/nonexistent/vmcore", IQ_E_IO);
	expect_error("/tmp", IQ_E_FORMAT);
	expect_error("/dev/null", IQ_E_FORMAT);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_error(path, IQ_E_FORMAT);
	unlink(path);
	save(&im);
	expect_error(path, IQ_E_FORMAT);
	put_at(&im, 0, "makedumpfile", 13);
	put_at(&im, 4095, "", 1);
	save(&im);
	expect_error(path, IQ_E_FORMAT);
	free(im.data);
}

static bool all(uint64_t pfn)
{
	return true;
}

static struct image some_kdump(void)
{
	struct kdump_plan p = {
		.version = 6, .max_pfn = 300, .ram = all, .dumped = all, .how = ZLIB};
	struct kdump_layout lay;

	return build_kdump(&p, &lay);
}

static void check_recognised(const void *data, size_t len, bool want)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, data, len), len);
	assert_int_equal(lseek(fd, 5, SEEK_SET), 5);
	assert_int_equal(iq_dump_recognise(fd), want);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 5);
	close(fd);
}

static void test_recognise(void **state)
{
	const struct segment seg[] = {{.paddr = 0x1000, .filesz = 0x2000, .memsz = 0x2000}};
	struct image elf = build_elf(seg, 1, NULL, false), kdump = some_kdump();
	struct image flat = flatten(&kdump, 4000);

	check_recognised(elf.data, elf.len, true);
	check_recognised(kdump.data, kdump.len, true);
	check_recognised(flat.data, flat.len, true);
	check_recognised(elf.data, 10, false);
	/* An executable. */
	elf.data[16] = ET_EXEC;
	check_recognised(elf.data, elf.len, false);
	check_recognised("#!/bin/sh\necho this is a script, no dump\n", 42, false);
	free(elf.data);
	free(kdump.data);
	free(flat.data);
}

static void check_shrinking(struct image im)
{
	uint64_t ok = 0, lost = 0;
	struct iq_scan scan = {.threads = 2};
	struct iq_reader *r;
	struct iq_dump *d;

	save(&im);
	assert_null(iq_dump_open(path, NULL, &d));
	assert_false(iq_dump_info(d)->truncated);
	assert_null(iq_reader_open(d, 0, &r));
	assert_int_equal(truncate(path, (off_t)im.len / 2), 0);
	for (uint64_t pfn = 0; pfn < 300; pfn++) {
		const uint8_t *page;
		uint8_t want[PAGE];
		enum iq_mem why = iq_read_page(r, pfn, &page);

		assert_true(why == IQ_MEM_OK || why == IQ_MEM_TRUNCATED);
		lost += why == IQ_MEM_TRUNCATED;
		if (why)
			continue;
		ok++;
		fill_page(want, pfn);
		assert_memory_equal(page, want, PAGE);
	}
	assert_true(lost > 50);
	/* Of the flattened one every other record is lost, of the descriptors, too. */
	if (!iq_dump_info(d)->flattened)
		assert_true(ok > 50);
	assert_null(iq_dump_scan(d, &scan));
	assert_int_equal(scan.read + scan.zero, ok);
	assert_int_equal(scan.missing[IQ_MEM_TRUNCATED], lost);
	iq_reader_close(r);
	iq_dump_close(d);
	free(im.data);
}

static void test_shrinking(void **state)
{
	const struct segment seg[] = {{.paddr = 0, .filesz = 300 * PAGE, .memsz = 300 * PAGE}};
	struct image im = some_kdump(), flat = flatten(&im, 4000);

	check_shrinking(build_elf(seg, 1, NULL, false));
	check_shrinking(im);
	check_shrinking(flat);
}

struct seen {
	uint8_t pages[4000];
	uint64_t wrong;
};

static void see(void *arg, unsigned int worker, uint64_t pfn, const uint8_t *page)
{
	struct seen *s = arg;
	uint8_t want[PAGE] = {0};

	s->pages[pfn]++;
	/* The data that test_holes() writes. */
	if (pfn == 100 || pfn == 3000)
		memset(want + 17, 0xab, 100);
	if (pfn == 200)
		memset(want + PAGE - 8, 0xcd, 8);
	if (memcmp(page, want, PAGE))
		s->wrong++;
}

/* A sparse ELF core whose pages are not aligned to the blocks of the file (QEMU's). */
static void test_holes(void **state)
{
	const struct segment seg[] = {
		{.paddr = 0, .filesz = 4000 * PAGE, .memsz = 4000 * PAGE, .offset = 0x150c}};
	struct image im = build_elf(seg, 1, NULL, false);
	uint8_t bytes[100];
	struct iq_dump *d;
	int fd;

	save(&im);
	fd = open(path, O_RDWR);
	assert_int_equal(ftruncate(fd, 0x150c), 0);
	assert_int_equal(ftruncate(fd, 0x150c + 4000 * PAGE), 0);
	memset(bytes, 0xab, sizeof(bytes));
	assert_int_equal(pwrite(fd, bytes, 100, 0x150c + 100 * PAGE + 17), 100);
	assert_int_equal(pwrite(fd, bytes, 100, 0x150c + 3000 * PAGE + 17), 100);
	memset(bytes, 0xcd, sizeof(bytes));
	assert_int_equal(pwrite(fd, bytes, 8, 0x150c + 201 * PAGE - 8), 8);
	close(fd);
	assert_null(iq_dump_open(path, NULL, &d));
	assert_false(iq_dump_info(d)->truncated);
	for (unsigned int threads = 1; threads <= 3; threads++) {
		struct seen seen = {0};
		struct iq_scan scan = {.threads = threads, .arg = &seen, .page = see};

		assert_null(iq_dump_scan(d, &scan));
		assert_int_equal(scan.read, 3);
		assert_int_equal(scan.zero, 3997);
		assert_int_equal(seen.wrong, 0);
		for (unsigned int i = 0; i < 4000; i++)
			assert_int_equal(seen.pages[i], 1);
	}
	iq_dump_close(d);
	free(im.data);
}

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/core", folder);
	return 0;
}

static int remove_folder(void **state)
{
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_recognise),
		cmocka_unit_test(test_shrinking),
		cmocka_unit_test(test_holes),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
