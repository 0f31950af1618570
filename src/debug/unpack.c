// SPDX-License-Identifier: GPL-2.0-or-later
/* gzip, xz and zstd files, unpacked into memory: "x.ko.xz" is a module as much as "x.ko" is. */
#include "unpack.h"
#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>
#ifdef HAVE_LZMA
#include <lzma.h>
#endif

/* The largest vmlinux files have some hundred megabytes; a small file that claims more is hostile. */
#define UNPACKED_MAX (UINT64_C(2) << 30)
#define FREE_OF_DOUBT (UINT64_C(64) << 20)
#define RATIO_MAX 1100
#define CHUNK (1U << 20)
#define XZ_MEMORY (UINT64_C(256) << 20)

struct packed {
	const char *path;
	const uint8_t *data;
	size_t size;
	int out;
	uint64_t written;
};

static struct iq_error *damaged(const struct packed *p, const char *how)
{
	return iq_error_new(IQ_E_FORMAT, "%s does not decompress: %s", p->path, how);
}

static struct iq_error *put(struct packed *p, const uint8_t *data, size_t len)
{
	if (p->written + len > UNPACKED_MAX ||
	    (p->written > FREE_OF_DOUBT && p->written / RATIO_MAX > p->size))
		return iq_error_new(IQ_E_LIMIT, "%s is too large when it is decompressed", p->path);
	p->written += len;
	while (len) {
		ssize_t n = write(p->out, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return iq_error_errno(errno, "cannot decompress %s", p->path);
		data += n;
		len -= (size_t)n;
	}
	return NULL;
}

/* The size stands at the end, modulo 2^32. */
static struct iq_error *unpack_gzip(struct packed *p)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	uint64_t size = p->size >= 18 ? iq_le32(p->data + p->size - 4) : 0;
	struct iq_error *err = NULL;
	uint8_t *out;

	if (!size || size > UNPACKED_MAX || size / RATIO_MAX > p->size) {
		libdeflate_free_decompressor(d);
		return damaged(p, "its size makes no sense");
	}
	out = malloc(size);
	if (!d || !out)
		err = iq_error_nomem();
	else if (libdeflate_gzip_decompress(d, p->data, p->size, out, size, NULL) !=
		 LIBDEFLATE_SUCCESS)
		err = damaged(p, "it is damaged");
	else
		err = put(p, out, size);
	free(out);
	libdeflate_free_decompressor(d);
	return err;
}

static struct iq_error *unpack_zstd(struct packed *p)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = {p->data, p->size, 0};
	uint8_t *chunk = malloc(CHUNK);
	struct iq_error *err = NULL;
	size_t left = 1;

	if (!stream || !chunk)
		err = iq_error_nomem();
	while (!err && in.pos < in.size) {
		ZSTD_outBuffer out = {chunk, CHUNK, 0};

		left = ZSTD_decompressStream(stream, &out, &in);
		if (ZSTD_isError(left))
			err = damaged(p, "it is damaged");
		else
			err = put(p, chunk, out.pos);
	}
	/* What is still inside of the decoder. */
	while (!err && left) {
		ZSTD_outBuffer out = {chunk, CHUNK, 0};

		left = ZSTD_decompressStream(stream, &out, &in);
		if (ZSTD_isError(left) || (left && !out.pos))
			err = damaged(p, "it is cut off");
		else
			err = put(p, chunk, out.pos);
	}
	ZSTD_freeDStream(stream);
	free(chunk);
	return err;
}

#ifdef HAVE_LZMA
static struct iq_error *unpack_xz(struct packed *p)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	uint8_t *chunk = malloc(CHUNK);
	struct iq_error *err = NULL;
	lzma_ret state = LZMA_OK;

	if (!chunk || lzma_stream_decoder(&stream, XZ_MEMORY, LZMA_CONCATENATED) != LZMA_OK)
		err = iq_error_nomem();
	stream.next_in = p->data;
	stream.avail_in = p->size;
	while (!err && state == LZMA_OK) {
		stream.next_out = chunk;
		stream.avail_out = CHUNK;
		state = lzma_code(&stream, LZMA_FINISH);
		if (state != LZMA_OK && state != LZMA_STREAM_END)
			err = damaged(p,
				      state == LZMA_BUF_ERROR ? "it is cut off" : "it is damaged");
		else
			err = put(p, chunk, CHUNK - stream.avail_out);
	}
	lzma_end(&stream);
	free(chunk);
	return err;
}
#else
static struct iq_error *unpack_xz(struct packed *p)
{
	return iq_error_hint(
		iq_error_new(IQ_E_UNAVAILABLE,
			     "%s is compressed by xz, which this inquest was built without",
			     p->path),
		"unxz it first");
}
#endif

static struct iq_error *(*unpacker(const struct packed *p))(struct packed *)
{
	static const struct {
		size_t len;
		const char *magic;
		struct iq_error *(*unpack)(struct packed *);
	} known[] = {
		{3, "\x1f\x8b\x08", unpack_gzip},
		{6,
		 "\xfd"
		 "7zXZ\0",
		 unpack_xz},
		{4, "\x28\xb5\x2f\xfd", unpack_zstd},
	};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(known); i++) {
		if (p->size >= known[i].len && !memcmp(p->data, known[i].magic, known[i].len))
			return known[i].unpack;
	}
	return NULL;
}

struct iq_error *iq_unpack(int fd, const char *path, int *ret)
{
	struct packed p = {.path = path, .out = -1};
	struct iq_error *(*unpack)(struct packed *);
	struct iq_error *err = NULL;
	uint8_t head[6];
	struct stat st;
	void *map;

	*ret = -1;
	p.data = head;
	p.size = sizeof(head);
	if (pread(fd, head, sizeof(head), 0) != sizeof(head) || fstat(fd, &st) ||
	    !S_ISREG(st.st_mode))
		return NULL;
	unpack = unpacker(&p);
	if (!unpack)
		return NULL;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return iq_error_errno(errno, "cannot map %s", path);
	p.data = map;
	p.size = (size_t)st.st_size;
	p.out = memfd_create("inquest", MFD_CLOEXEC);
	if (p.out < 0)
		err = iq_error_errno(errno, "cannot decompress %s", path);
	else
		err = unpack(&p);
	munmap(map, (size_t)st.st_size);
	if (err && p.out >= 0)
		close(p.out);
	else if (!err)
		*ret = p.out;
	return err;
}
