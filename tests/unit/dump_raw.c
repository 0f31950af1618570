// SPDX-License-Identifier: GPL-2.0-or-later
/* Bare memory: where its bytes belong, by the memory map in it. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dump_build.h"
#include <fcntl.h>
#include <unistd.h>

#define MB (UINT64_C(1) << 20)
#define GB (UINT64_C(1) << 30)

static char folder[] = "/var/tmp/unit-dump-raw-XXXXXX";
static char path[64];

/* struct boot_params with a PC's map: 640 KB, LOW bytes below 4 GB, HIGH from there on. */
static struct image boot_params(uint64_t low, uint64_t high)
{
	const uint64_t map[4][3] = {
		{0, 0x9fc00, 1}, {0xf0000, 0x10000, 2}, {MB, low - MB, 1}, {4 * GB, high, 1}};
	struct image im = {0};
	uint8_t nr = high ? 4 : 3;
	uint16_t flag = 0xaa55;

	put_at(&im, 0x1e8, &nr, 1);
	put_at(&im, 0x1fe, &flag, 2);
	put_at(&im, 0x202, "HdrS", 4);
	for (unsigned int i = 0; i < nr; i++) {
		put64(&im, 0x2d0 + 20 * i, map[i][0]);
		put64(&im, 0x2d0 + 20 * i + 8, map[i][1]);
		put32(&im, 0x2d0 + 20 * i + 16, (uint32_t)map[i][2]);
	}
	put_at(&im, 4095, "", 1);
	return im;
}

static void write_at(int fd, uint64_t at, const void *data, size_t len)
{
	assert_int_equal(pwrite(fd, data, len, (off_t)at), len);
}

/* A sparse file of SIZE bytes with the map at PLACE, and words that are their offsets at some places. */
static struct iq_dump *open_image(uint64_t size, const struct image *map, uint64_t place,
				  struct iq_warnings *w)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct iq_dump_options o = {.format = "raw"};
	const char *file = path;
	struct iq_dump *d;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	if (map)
		write_at(fd, place, map->data, map->len);
	for (uint64_t at = 256 * MB; at < size; at += 256 * MB)
		write_at(fd, at, &at, sizeof(at));
	assert_false(iq_dump_recognise(fd));
	close(fd);
	assert_null(iq_dump_open_with(&file, 1, &o, w, &d));
	return d;
}

/* What is at ADDRESS; 0: nothing. */
static uint64_t word_at(struct iq_dump *d, uint64_t address)
{
	struct iq_reader *r;
	uint64_t word = 0;

	assert_null(iq_reader_open(d, 4, &r));
	if (iq_read_phys(r, address, &word, sizeof(word), NULL))
		word = 0;
	iq_reader_close(r);
	return word;
}

static void test_whole(void **state)
{
	struct image map = boot_params(3 * GB, 2 * GB);
	struct iq_dump *d = open_image(6 * GB, &map, 0x90000, NULL);

	/* With the hole, each byte is at its address. */
	assert_int_equal(word_at(d, 5 * GB), 5 * GB);
	assert_int_equal(word_at(d, 2 * GB), 2 * GB);
	assert_int_equal(iq_dump_info(d)->format, IQ_DUMP_RAW);
	assert_int_equal(iq_dump_info(d)->max_pfn, 6 * GB / 4096);
	assert_false(iq_dump_info(d)->truncated);
	iq_dump_close(d);
	free(map.data);
}

static void check_hole(uint64_t low, uint64_t place)
{
	struct image map = boot_params(low - 2 * MB, 2 * GB);
	struct iq_dump *d = open_image(low + 2 * GB, &map, place, NULL);
	uint64_t start, end;

	assert_int_equal(word_at(d, low - 256 * MB), low - 256 * MB);
	assert_int_equal(word_at(d, low), 0);
	assert_int_equal(word_at(d, 4 * GB), low);
	assert_int_equal(word_at(d, 5 * GB), low + GB);
	assert_true(iq_dump_range(d, 1, &start, &end));
	assert_int_equal(start, 4 * GB);
	assert_int_equal(end, 6 * GB);
	assert_false(iq_dump_range(d, 2, &start, &end));
	iq_dump_close(d);
	free(map.data);
}

static void test_hole(void **state)
{
	check_hole(3 * GB, 0x90000);
	check_hole(2 * GB, 0x13490);
	/* The kernel's own copy, where the boot loader's is gone. */
	check_hole(3 * GB, 48 * MB + 0xff0);
}

static void test_cut(void **state)
{
	struct image map = boot_params(3 * GB, 4 * GB);
	struct iq_warnings w = {0};
	struct iq_dump *d = open_image(3 * GB + GB / 2, &map, 0x90000, &w);

	/* Too short to have all RAM without the hole. */
	assert_true(iq_dump_info(d)->truncated);
	assert_true(w.nr >= 1);
	assert_int_equal(word_at(d, 2 * GB), 2 * GB);
	iq_dump_close(d);
	iq_warnings_clear(&w);
	free(map.data);
}

static void test_unknown(void **state)
{
	struct image map = boot_params(3 * GB, 2 * GB);
	struct iq_warnings w = {0};
	struct iq_dump *d = open_image(5 * GB, NULL, 0, &w);

	assert_int_equal(w.nr, 1);
	assert_int_equal(word_at(d, 4 * GB + GB / 2), 4 * GB + GB / 2);
	iq_dump_close(d);
	iq_warnings_clear(&w);
	/* More entries than a map can have, and one beyond any machine. */
	map.data[0x1e8] = 200;
	d = open_image(5 * GB, &map, 0x90000, &w);
	assert_int_equal(w.nr, 1);
	iq_dump_close(d);
	iq_warnings_clear(&w);
	map.data[0x1e8] = 4;
	put64(&map, 0x2d0 + 20, UINT64_MAX - 5);
	d = open_image(5 * GB, &map, 0x90000, &w);
	assert_int_equal(w.nr, 1);
	iq_dump_close(d);
	iq_warnings_clear(&w);
	free(map.data);
}

static void test_format(void **state)
{
	struct iq_dump_options o = {.format = "kdump"};
	const struct segment seg[] = {{.paddr = 0x1000, .filesz = 0x2000, .memsz = 0x2000}};
	struct image elf = build_elf(seg, 1, NULL, false);
	const char *file = path;
	struct iq_error *err;
	struct iq_dump *d;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	write_at(fd, 0, elf.data, elf.len);
	close(fd);
	err = iq_dump_open_with(&file, 1, &o, NULL, &d);
	assert_non_null(err);
	assert_int_equal(err->code, IQ_E_FORMAT);
	iq_error_free(err);
	o.format = "elf";
	assert_null(iq_dump_open_with(&file, 1, &o, NULL, &d));
	iq_dump_close(d);
	free(elf.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	cmocka_unit_test(test_hole),   cmocka_unit_test(test_cut),
		cmocka_unit_test(test_unknown), cmocka_unit_test(test_format),
	};
	int status;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/image", folder);
	status = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return status;
}
