/*
 * recompress IN OUT none|zlib|snappy|zstd [LEVEL]
 *
 * Rewrite a kdump-compressed core with another page compression.  Debian's
 * makedumpfile and QEMU are built without snappy and zstd, and dumps in these
 * formats are common in the field.  LEVEL: zlib 1-12 (by libdeflate; default
 * 6), zstd 1-22 (3).  Pages that do not get smaller are stored raw, as
 * makedumpfile does it; "none" stores all pages raw.  Equal pages share their
 * data, for which makedumpfile has set the precedent with zero pages.
 *
 * Layout of the file (all integers little endian, block = header.block_size):
 *   block 0                  struct disk_dump_header
 *   block 1..sub_hdr_size    struct kdump_sub_header (may be followed by notes,
 *                            VMCOREINFO and eraseinfo at the offsets it gives)
 *   bitmap_blocks blocks     1st bitmap (pages that exist), 2nd (pages dumped)
 *   then                     one page_desc per dumped page, then the data
 */
#include <errno.h>
#include <libdeflate.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

struct disk_dump_header {
	char signature[8];		/* "KDUMP   " */
	int32_t header_version;
	char utsname[390];		/* struct new_utsname */
	char pad[2 + 4];		/* alignment of the next member */
	int64_t tv_sec, tv_usec;
	uint32_t status;		/* compression bits, 0x1 2 4 20; 0x8 = incomplete */
	int32_t block_size, sub_hdr_size;
	uint32_t bitmap_blocks, max_mapnr, total_ram_blocks, device_blocks,
		 written_blocks, current_cpu;
	int32_t nr_cpus;
};

struct page_desc {
	int64_t offset;
	uint32_t size, flags;
	uint64_t page_flags;
};

enum { F_ZLIB = 1, F_LZO = 2, F_SNAPPY = 4, F_INCOMPLETE = 8, F_ZSTD = 0x20 };

/* Contents written so far: an open hash table, two words of hash a slot. */
struct seen {
	uint64_t *hash;
	struct page_desc *desc;
	size_t mask;
};

static size_t page_size, out_max;
static struct libdeflate_compressor *deflater;
static struct libdeflate_decompressor *inflater;

static void die(const char *what)
{
	fprintf(stderr, "recompress: %s%s%s\n", what, errno ? ": " : "",
		errno ? strerror(errno) : "");
	exit(1);
}

static void xread(FILE *f, int64_t off, void *buf, size_t n)
{
	if (fseeko(f, off, SEEK_SET) || fread(buf, 1, n, f) != n)
		die("read");
}

static void xwrite(FILE *f, int64_t off, const void *buf, size_t n)
{
	if (fseeko(f, off, SEEK_SET) || fwrite(buf, 1, n, f) != n)
		die("write");
}

static void unpack(const struct page_desc *d, const char *src, char *page)
{
	size_t got = page_size;
	lzo_uint lgot = page_size;

	if (d->flags & F_ZLIB) {
		if (libdeflate_zlib_decompress(inflater, src, d->size, page, page_size, &got))
			die("bad zlib page");
	} else if (d->flags & F_SNAPPY) {
		if (snappy_uncompress(src, d->size, page, &got) != SNAPPY_OK)
			die("bad snappy page");
	} else if (d->flags & F_ZSTD) {
		got = ZSTD_decompress(page, page_size, src, d->size);
	} else if (d->flags & F_LZO) {
		if (lzo1x_decompress_safe((const void *)src, d->size, (void *)page,
					  &lgot, NULL) != LZO_E_OK)
			die("bad lzo page");
		got = lgot;
	} else {
		got = d->size;
		memcpy(page, src, page_size);
	}
	if (got != page_size)
		die("a page of another size");
}

/* 0: did not get smaller. */
static size_t pack(uint32_t codec, int level, const char *page, char *dst)
{
	size_t n = out_max;

	switch (codec) {
	case F_ZLIB:
		n = libdeflate_zlib_compress(deflater, page, page_size, dst, out_max);
		break;
	case F_SNAPPY:
		if (snappy_compress(page, page_size, dst, &n) != SNAPPY_OK)
			die("snappy");
		break;
	case F_ZSTD:
		n = ZSTD_compress(dst, out_max, page, page_size, level);
		if (ZSTD_isError(n))
			die("zstd");
		break;
	default:
		return 0;
	}
	return n < page_size ? n : 0;
}

/* Two independent 64-bit hashes: equal ones are taken for equal pages. */
static void hash_page(const char *page, uint64_t h[2])
{
	const uint64_t *w = (const uint64_t *)page;

	h[0] = 0xcbf29ce484222325;
	h[1] = 0x9e3779b97f4a7c15;
	for (size_t i = 0; i < page_size / 8; i++) {
		h[0] = (h[0] ^ w[i]) * 0x100000001b3;
		h[0] ^= h[0] >> 29;
		h[1] = (h[1] + w[i]) * 0xff51afd7ed558ccd;
		h[1] ^= h[1] >> 33;
	}
	h[0] += !h[0];			/* 0 marks an empty slot */
}

/* The slot of this content: empty (hash 0), or with the descriptor to share. */
static size_t find_seen(const struct seen *s, const uint64_t h[2])
{
	size_t i = h[0] & s->mask;

	while (s->hash[2 * i] && (s->hash[2 * i] != h[0] || s->hash[2 * i + 1] != h[1]))
		i = (i + 1) & s->mask;
	return i;
}

static uint32_t codec_of(const char *name)
{
	static const char *names[] = { "none", "zlib", "snappy", "zstd" };
	static const uint32_t bits[] = { 0, F_ZLIB, F_SNAPPY, F_ZSTD };

	for (int i = 0; i < 4; i++)
		if (!strcmp(name, names[i]))
			return bits[i];
	errno = 0;
	die("no such compression");
	return 0;
}

int main(int argc, char **argv)
{
	struct disk_dump_header h;
	struct seen seen;
	size_t n = 0, slots = 1024;

	if (argc < 4) {
		fprintf(stderr, "usage: recompress IN OUT none|zlib|snappy|zstd [LEVEL]\n");
		return 2;
	}
	uint32_t want = codec_of(argv[3]);
	int level = argc > 4 ? atoi(argv[4]) : want == F_ZLIB ? 6 : 3;
	FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
	if (!in || !out)
		die("open");
	deflater = libdeflate_alloc_compressor(want == F_ZLIB ? level : 6);
	inflater = libdeflate_alloc_decompressor();
	if (!deflater || !inflater)
		die("libdeflate");

	xread(in, 0, &h, sizeof(h));
	errno = 0;
	if (memcmp(h.signature, "KDUMP   ", 8))
		die("not a kdump-compressed core");
	page_size = h.block_size;
	out_max = snappy_max_compressed_length(page_size) + 256;
	int64_t bitmap = (int64_t)(1 + h.sub_hdr_size) * page_size;
	int64_t descs = bitmap + (int64_t)h.bitmap_blocks * page_size;

	/* Headers and bitmaps are copied as they are, but for the status. */
	char *head = malloc(descs);
	xread(in, 0, head, descs);
	h.status = (h.status & ~(F_ZLIB | F_LZO | F_SNAPPY | F_ZSTD)) | want;
	memcpy(head, &h, sizeof(h));
	xwrite(out, 0, head, descs);

	const unsigned char *dumped = (unsigned char *)head + bitmap +
		(int64_t)h.bitmap_blocks * page_size / 2;
	for (size_t k = 0; k < h.bitmap_blocks * page_size / 2; k++)
		n += __builtin_popcount(dumped[k]);

	while (slots < 2 * n)
		slots *= 2;
	seen.mask = slots - 1;
	seen.hash = calloc(2 * slots, sizeof(*seen.hash));
	seen.desc = calloc(slots, sizeof(*seen.desc));
	struct page_desc *pd = malloc(n * sizeof(*pd));
	char *page = malloc(page_size), *src = malloc(2 * page_size), *dst = malloc(out_max);
	if (!seen.hash || !seen.desc || !pd || !page || !src || !dst)
		die("memory");
	xread(in, descs, pd, n * sizeof(*pd));

	int64_t at = descs + (int64_t)(n * sizeof(*pd));
	for (size_t i = 0; i < n; i++) {
		uint64_t hash[2], page_flags = pd[i].page_flags;

		if (pd[i].size > 2 * page_size)
			die("bad page descriptor");
		xread(in, pd[i].offset, src, pd[i].size);
		unpack(&pd[i], src, page);
		hash_page(page, hash);
		size_t slot = find_seen(&seen, hash);

		if (!seen.hash[2 * slot]) {
			size_t len = pack(want, level, page, dst);

			seen.hash[2 * slot] = hash[0];
			seen.hash[2 * slot + 1] = hash[1];
			seen.desc[slot] = (struct page_desc){ .offset = at,
				.size = len ? len : page_size, .flags = len ? want : 0 };
			xwrite(out, at, len ? dst : page, seen.desc[slot].size);
			at += seen.desc[slot].size;
		}
		pd[i] = seen.desc[slot];
		pd[i].page_flags = page_flags;
	}
	xwrite(out, descs, pd, n * sizeof(*pd));
	if (fclose(out))
		die("close");
	fprintf(stderr, "recompress: %zu pages, %s, %lld bytes\n", n, argv[3],
		(long long)at);
	return 0;
}
