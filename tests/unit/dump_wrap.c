// SPDX-License-Identifier: GPL-2.0-or-later
/* Dumps compressed as a whole: each kind, in one piece and in parts; cut off, damaged, with more behind. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dump_build.h"
#include <bzlib.h>
#include <fcntl.h>
#include <lzma.h>
#include <unistd.h>
#include <zlib.h>

#define PAGES 700u
#define ROOM (8u << 20)

static char folder[] = "/tmp/unit-dump-wrap-XXXXXX";
static char path[64];

static bool all(uint64_t pfn)
{
	return true;
}

/* A kdump of pages that are as they are, so that the whole compresses: 2.8 MB. */
static struct image some_kdump(void)
{
	struct kdump_plan p = {.version = 6, .max_pfn = PAGES, .ram = all, .dumped = all, .how = 0};
	struct kdump_layout lay;

	return build_kdump(&p, &lay);
}

/* ---- Compressors: LEN bytes at DATA, appended to OUT ---------------------------------------------- */

typedef void (*packer)(struct image *out, const uint8_t *data, size_t len);

static void add_gzip(struct image *out, const uint8_t *data, size_t len)
{
	z_stream z = {0};
	uint8_t *buf = malloc(ROOM);

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)len;
	z.next_out = buf;
	z.avail_out = ROOM;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	put_at(out, out->len, buf, ROOM - z.avail_out);
	deflateEnd(&z);
	free(buf);
}

/* As bgzip: members of at most 64 KB with their length in an extra field. */
static void add_bgzip(struct image *out, const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len || !len; at += 60000) {
		static const uint8_t head[18] = {0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, 'B', 'C', 2};
		size_t n = IQ_MIN(len - at, 60000), start = out->len;
		uint8_t buf[70000];
		z_stream z = {0};
		uint16_t size;

		assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
		z.next_in = (Bytef *)(uintptr_t)(data + at);
		z.avail_in = (uInt)n;
		z.next_out = buf;
		z.avail_out = sizeof(buf);
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		put_at(out, start, head, sizeof(head));
		put_at(out, out->len, buf, sizeof(buf) - z.avail_out);
		put32(out, out->len, (uint32_t)crc32(0, data + at, (uInt)n));
		put32(out, out->len, (uint32_t)n);
		size = (uint16_t)(out->len - start - 1);
		put_at(out, start + 16, &size, 2);
		deflateEnd(&z);
		if (!len)
			break;
	}
}

static void add_xz(struct image *out, const uint8_t *data, size_t len)
{
	uint8_t *buf = malloc(ROOM);
	size_t n = 0;

	assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, data, len, buf, &n, ROOM), LZMA_OK);
	put_at(out, out->len, buf, n);
	free(buf);
}

/* One stream of several blocks, as xz -T writes it. */
static void add_xz_blocks(struct image *out, const uint8_t *data, size_t len)
{
	lzma_mt mt = {.threads = 1, .block_size = 300000, .preset = 0, .check = LZMA_CHECK_SHA256};
	lzma_stream s = LZMA_STREAM_INIT;
	uint8_t *buf = malloc(ROOM);

	assert_int_equal(lzma_stream_encoder_mt(&s, &mt), LZMA_OK);
	s.next_in = data;
	s.avail_in = len;
	s.next_out = buf;
	s.avail_out = ROOM;
	assert_int_equal(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
	put_at(out, out->len, buf, ROOM - s.avail_out);
	lzma_end(&s);
	free(buf);
}

static void add_zstd(struct image *out, const uint8_t *data, size_t len)
{
	uint8_t *buf = malloc(ROOM);
	size_t n = ZSTD_compress(buf, ROOM, data, len, 1);

	assert_false(ZSTD_isError(n));
	put_at(out, out->len, buf, n);
	free(buf);
}

/* A frame that does not say how much is in it. */
static void add_zstd_stream(struct image *out, const uint8_t *data, size_t len)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	uint8_t *buf = malloc(ROOM);
	ZSTD_inBuffer in = {data, len, 0};
	ZSTD_outBuffer o = {buf, ROOM, 0};

	assert_false(ZSTD_isError(ZSTD_compressStream2(c, &o, &in, ZSTD_e_continue)));
	assert_int_equal(ZSTD_compressStream2(c, &o, &in, ZSTD_e_end), 0);
	put_at(out, out->len, buf, o.pos);
	ZSTD_freeCCtx(c);
	free(buf);
}

static void add_bzip2(struct image *out, const uint8_t *data, size_t len)
{
	char *buf = malloc(ROOM);
	unsigned int n = ROOM;

	assert_int_equal(BZ2_bzBuffToBuffCompress(buf, &n, (char *)(uintptr_t)data, (unsigned int)len, 1, 0, 0),
			 BZ_OK);
	put_at(out, out->len, buf, n);
	free(buf);
}

/* DATA in pieces of STEP bytes, each compressed by ADD. */
static struct image pack_all(const struct image *data, packer add, size_t step)
{
	struct image out = {0};

	for (size_t at = 0; at < data->len; at += step)
		add(&out, data->data + at, IQ_MIN(step, data->len - at));
	return out;
}

/* ---- Checks --------------------------------------------------------------------------------------- */

/* Pages that are right; no other may be there. */
static unsigned int good_pages(struct iq_dump *d)
{
	struct iq_reader *r;
	unsigned int good = 0;

	assert_null(iq_reader_open(d, 8, &r));
	/* Backwards, and some of them twice. */
	for (uint64_t i = 0; i < PAGES + 50; i++) {
		uint64_t pfn = i < PAGES ? PAGES - 1 - i : (i * 37) % PAGES;
		uint8_t want[PAGE];
		const uint8_t *page;

		if (iq_read_page(r, pfn, &page))
			continue;
		fill_page(want, pfn);
		assert_memory_equal(page, want, PAGE);
		good += i < PAGES;
	}
	iq_reader_close(r);
	return good;
}

static void save(const struct image *im)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, im->data, im->len), im->len);
	assert_true(iq_dump_recognise(fd));
	close(fd);
}

static void check_whole(struct iq_dump *d, const struct image *im, const struct image *plain, const char *wrapping)
{
	const struct iq_dump_info *info = iq_dump_info(d);
	struct iq_scan scan = {.threads = 4};

	assert_non_null(info->wrapping);
	assert_string_equal(info->wrapping, wrapping);
	assert_int_equal(info->file_size, im->len);
	assert_int_equal(info->content_size, plain->len);
	assert_false(info->truncated);
	assert_int_equal(good_pages(d), PAGES);
	assert_null(iq_dump_scan(d, &scan));
	assert_int_equal(scan.read + scan.zero, PAGES);
	iq_dump_close(d);
}

static void check(const struct image *plain, packer add, size_t step, const char *wrapping)
{
	struct image im = pack_all(plain, add, step);
	struct iq_dump_options no_room = {.scratch = "/nonexistent"};
	const char *file = path;
	struct iq_dump *d;
	struct iq_error *err;

	save(&im);
	assert_null(iq_dump_open(path, NULL, &d));
	check_whole(d, &im, plain, wrapping);
	assert_null(iq_dump_open_memory(im.data, im.len, NULL, &d));
	check_whole(d, &im, plain, wrapping);
	/* Nowhere to put it: parts stay in memory, the rest is refused. */
	err = iq_dump_open_with(&file, 1, &no_room, NULL, &d);
	if (strchr(wrapping, ',')) {
		assert_null(err);
		check_whole(d, &im, plain, wrapping);
	} else {
		assert_non_null(err);
		assert_int_equal(err->code, IQ_E_IO);
		assert_non_null(err->hint);
		iq_error_free(err);
	}
	free(im.data);
}

static void test_kinds(void **state)
{
	struct image plain = some_kdump(), flat = flatten(&plain, 100000);
	size_t whole = flat.len + plain.len;

	check(&plain, add_gzip, whole, "gzip");
	check(&plain, add_gzip, 500000, "gzip");
	check(&plain, add_bgzip, whole, "gzip, 3 members");
	check(&plain, add_xz, whole, "xz");
	check(&plain, add_xz, 1000000, "xz, 3 blocks");
	check(&plain, add_xz_blocks, whole, "xz, 10 blocks");
	check(&plain, add_zstd, whole, "zstd");
	check(&plain, add_zstd, 700000, "zstd, 4 frames");
	check(&plain, add_zstd, 70000, "zstd, 3 frames");
	check(&plain, add_zstd_stream, 700000, "zstd");
	check(&plain, add_bzip2, whole, "bzip2");
	check(&plain, add_bzip2, 700000, "bzip2");
	check(&flat, add_xz_blocks, whole, "xz, 10 blocks");
	check(&flat, add_gzip, whole, "gzip");
	free(plain.data);
	free(flat.data);
}

/* ---- Damage --------------------------------------------------------------------------------------- */

static unsigned int open_damaged(const struct image *im, bool *truncated)
{
	struct iq_dump *d;
	struct iq_error *err = iq_dump_open_memory(im->data, im->len, NULL, &d);
	unsigned int good;

	if (err) {
		iq_error_free(err);
		return 0;
	}
	good = good_pages(d);
	*truncated = iq_dump_info(d)->truncated;
	iq_dump_close(d);
	return good;
}

static void check_cut(const struct image *plain, packer add, size_t step)
{
	struct image im = pack_all(plain, add, step);
	bool truncated = false;

	im.len = im.len * 3 / 4;
	/* What is in front of the place can be read. */
	assert_in_range(open_damaged(&im, &truncated), PAGES / 3, PAGES * 9 / 10);
	assert_true(truncated);
	for (size_t len = 1; len < 64; len += 3) {
		im.len = len;
		assert_int_equal(open_damaged(&im, &truncated), 0);
	}
	free(im.data);
}

/*
 * Any byte may be wrong: of several blocks with checksums the one that it is in is lost, and what is read is
 * right all the same.
 */
static void check_damage(const struct image *plain)
{
	struct image im = pack_all(plain, add_xz_blocks, plain->len);
	unsigned int opened = 0;
	bool truncated;

	for (size_t i = 0; i < 24; i++) {
		size_t at = im.len / 25 * (i + 1);
		unsigned int good;

		im.data[at] ^= 0x55;
		good = open_damaged(&im, &truncated);
		assert_true(good < PAGES);
		opened += good > PAGES / 2;
		im.data[at] ^= 0x55;
	}
	/* The first block has the headers. */
	assert_true(opened >= 20);
	free(im.data);
}

static void test_damage(void **state)
{
	struct image plain = some_kdump();

	check_cut(&plain, add_gzip, plain.len);
	check_cut(&plain, add_bgzip, plain.len);
	check_cut(&plain, add_xz, plain.len);
	check_cut(&plain, add_xz_blocks, plain.len);
	check_cut(&plain, add_zstd, plain.len);
	check_cut(&plain, add_zstd, 300000);
	check_cut(&plain, add_bzip2, plain.len);
	check_damage(&plain);
	free(plain.data);
}

/* Zeros to the end of the tape, or anything else, are not part of it. */
static void test_more_behind(void **state)
{
	static const uint8_t zeros[2000];
	struct image plain = some_kdump();
	static const packer packers[] = {add_gzip, add_zstd, add_bzip2};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(packers); i++) {
		struct image im = pack_all(&plain, packers[i], plain.len);
		bool truncated = false;

		put_at(&im, im.len, zeros, sizeof(zeros));
		assert_int_equal(open_damaged(&im, &truncated), PAGES);
		assert_false(truncated);
		free(im.data);
	}
	free(plain.data);
}

/* 200 MB of zeros in 200 KB, of which no more than a limit goes to memory. */
static void test_bomb(void **state)
{
	uint8_t *zeros = calloc(1, 200u << 20);
	struct image im = {0};
	struct iq_dump *d;
	struct iq_error *err;

	memcpy(zeros, "KDUMP   ", 8);
	add_gzip(&im, zeros, 200u << 20);
	err = iq_dump_open_memory(im.data, im.len, NULL, &d);
	assert_non_null(err);
	assert_int_equal(err->code, IQ_E_LIMIT);
	iq_error_free(err);
	free(zeros);
	free(im.data);
}

static void on_progress(void *arg, uint64_t done, uint64_t whole)
{
	uint64_t *last = arg;

	assert_true(done >= *last && done <= whole);
	*last = done;
}

static void test_options(void **state)
{
	struct image plain = some_kdump(), im = pack_all(&plain, add_gzip, plain.len);
	struct iq_cancel cancel = {.stop = 1};
	uint64_t last = 0;
	struct iq_dump_options o = {.progress = on_progress, .progress_arg = &last};
	const char *file = path;
	struct iq_error *err;
	struct iq_dump *d;

	save(&im);
	assert_null(iq_dump_open_with(&file, 1, &o, NULL, &d));
	assert_int_equal(last, im.len);
	iq_dump_close(d);
	o.cancel = &cancel;
	err = iq_dump_open_with(&file, 1, &o, NULL, &d);
	assert_non_null(err);
	assert_int_equal(err->code, IQ_E_INTERRUPTED);
	iq_error_free(err);
	free(plain.data);
	free(im.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),	     cmocka_unit_test(test_damage),
		cmocka_unit_test(test_more_behind),  cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_options),
	};
	int status;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/dump", folder);
	status = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	rmdir(folder);
	return status;
}
