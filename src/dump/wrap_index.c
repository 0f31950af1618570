// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the parts of a compressed file lie that can be decompressed one without the other.
 *
 * xz: the index at the end of each stream ("The .xz File Format", 4).  zstd: the headers of frames
 * and of their blocks, which say how long they are (RFC 8878, 3.1.1), or the table of the seekable
 * format, a skippable frame at the end (zstd: contrib/seekable_format).  gzip: members as bgzip writes
 * them, with their length in an extra field (SAM specification, 4.1).
 */
#include "wrap.h"
#include <stdlib.h>
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#if IQ_HAVE_LZMA
#include <lzma.h>
#endif

/* Parts of less are joined, where several can be decompressed in one go. */
#define SMALL (1u << 20)
#define MOST_PARTS (1u << 20)
/* No content is larger: page frame numbers end there. */
#define MOST_CONTENT (UINT64_C(1) << 52)
/* Memory for the index of an xz file: 48 bytes a block. */
#define MOST_INDEX_MEMORY (64u << 20)

static bool add_part(struct iq_wrap_parts *x, uint64_t in, uint64_t in_len, uint64_t out_len,
		     int xz_check, bool *enough)
{
	struct iq_wrap_part *last = x->nr ? &x->p[x->nr - 1] : NULL;

	*enough = true;
	if (out_len > MOST_CONTENT - x->size) {
		*enough = false;
		return true;
	}
	if (last && xz_check < 0 && last->in + last->in_len == in &&
	    (!out_len || last->out_len + out_len <= SMALL)) {
		last->in_len += in_len;
		last->out_len += out_len;
		x->size += out_len;
		return true;
	}
	if (x->nr >= MOST_PARTS) {
		*enough = false;
		return true;
	}
	if (!iq_grow(&x->p, &x->room, x->nr + 1, sizeof(*x->p)))
		return false;
	memset(&x->p[x->nr], 0, sizeof(*x->p));
	last = &x->p[x->nr++];
	last->in = in;
	last->in_len = in_len;
	last->out = x->size;
	last->out_len = out_len;
	last->xz_check = xz_check;
	x->size += out_len;
	return true;
}

/* ---- Small reads at ascending places -------------------------------------------------------------- */

struct window {
	const struct iq_wrap_source *s;
	uint64_t start;
	size_t len;
	uint8_t bytes[4096];
};

/* LEN bytes at OFFSET, at most 64; NULL: they are not there. */
static const uint8_t *look(struct window *w, uint64_t offset, size_t len)
{
	if (offset < w->start || offset - w->start + len > w->len) {
		ssize_t n = iq_wrap_source_read(w->s, w->bytes, sizeof(w->bytes), offset);

		w->start = offset;
		w->len = n > 0 ? (size_t)n : 0;
		if (w->len < len)
			return NULL;
	}
	return w->bytes + (offset - w->start);
}

/* ---- gzip ----------------------------------------------------------------------------------------- */

/* The length of the member at OFFSET if bgzip wrote it, else 0. */
static uint64_t bgzip_member(struct window *w, uint64_t offset)
{
	const uint8_t *h = look(w, offset, 18);

	/* Deflate, and only an extra field, of six bytes. */
	if (!h || h[0] != 0x1f || h[1] != 0x8b || h[2] != 8 || h[3] != 4 || iq_le16(h + 10) != 6 ||
	    h[12] != 'B' || h[13] != 'C' || iq_le16(h + 14) != 2)
		return 0;
	return (uint64_t)iq_le16(h + 16) + 1;
}

static bool index_gzip(const struct iq_wrap_source *s, struct iq_wrap_parts *x, bool *whole)
{
	struct window w = {.s = s};
	uint64_t at = 0;

	while (at < s->size) {
		uint64_t len = bgzip_member(&w, at);
		const uint8_t *size;
		bool enough;

		if (len < 26 || len > s->size - at)
			return true;
		size = look(&w, at + len - 4, 4);
		if (!size)
			return true;
		/* A member has at most 64 KB. */
		if (iq_le32(size) > 65536)
			return true;
		if (!add_part(x, at, len, iq_le32(size), -1, &enough))
			return false;
		if (!enough)
			return true;
		at += len;
	}
	*whole = true;
	return true;
}

/* ---- zstd ----------------------------------------------------------------------------------------- */

#define SEEK_TABLE_MAGIC 0x184d2a5eu
#define SEEK_FOOTER_MAGIC 0x8f92eab1u
#define SEEK_FOOTER 9

/* The table of the seekable format. */
static bool index_seekable(const struct iq_wrap_source *s, struct iq_wrap_parts *x, bool *whole)
{
	struct window w = {.s = s};
	uint8_t footer[SEEK_FOOTER], head[8];
	uint64_t nr, entry, table, at = 0;

	if (s->size < SEEK_FOOTER + 8 ||
	    !iq_wrap_source_all(s, footer, sizeof(footer), s->size - SEEK_FOOTER) ||
	    iq_le32(footer + 5) != SEEK_FOOTER_MAGIC)
		return true;
	nr = iq_le32(footer);
	entry = footer[4] & 0x80 ? 12 : 8;
	table = nr * entry + SEEK_FOOTER;
	if (table + 8 > s->size)
		return true;
	table = s->size - table;
	if (!iq_wrap_source_all(s, head, sizeof(head), table - 8) ||
	    iq_le32(head) != SEEK_TABLE_MAGIC || iq_le32(head + 4) != nr * entry + SEEK_FOOTER)
		return true;
	for (uint64_t i = 0; i < nr; i++) {
		const uint8_t *e = look(&w, table + i * entry, 8);
		bool enough;

		if (!e || iq_le32(e) > table - 8 - at)
			return true;
		if (!add_part(x, at, iq_le32(e), iq_le32(e + 4), -1, &enough))
			return false;
		if (!enough)
			return true;
		at += iq_le32(e);
	}
	*whole = at == table - 8;
	return true;
}

/* The length of the frame at OFFSET, with what is in it; false: unknown. */
static bool zstd_frame(struct window *w, uint64_t offset, uint64_t *len, uint64_t *content)
{
	size_t left = (size_t)IQ_MIN(w->s->size - offset, ZSTD_FRAMEHEADERSIZE_MAX);
	const uint8_t *h = look(w, offset, left), *b;
	ZSTD_frameHeader header;
	uint32_t block;

	if (!h || ZSTD_getFrameHeader(&header, h, left))
		return false;
	if (header.frameType == ZSTD_skippableFrame) {
		*len = header.frameContentSize + 8;
		*content = 0;
		return true;
	}
	if (header.frameContentSize == ZSTD_CONTENTSIZE_UNKNOWN)
		return false;
	*content = header.frameContentSize;
	*len = header.headerSize;
	do {
		b = look(w, offset + *len, 3);
		if (!b)
			return false;
		block = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16;
		/* Of a block of one byte repeated, only the byte is there. */
		*len += 3 + ((block >> 1 & 3) == 1 ? 1 : block >> 3);
	} while (!(block & 1));
	*len += header.checksumFlag ? 4 : 0;
	return true;
}

static bool index_zstd(const struct iq_wrap_source *s, struct iq_wrap_parts *x, bool *whole)
{
	struct window w = {.s = s};
	uint64_t at = 0, len, content;

	if (!index_seekable(s, x, whole))
		return false;
	if (*whole && x->nr > 1)
		return true;
	x->nr = 0;
	x->size = 0;
	*whole = false;
	while (at < s->size) {
		bool enough;

		if (!zstd_frame(&w, at, &len, &content) || len > s->size - at)
			return true;
		if (!add_part(x, at, len, content, -1, &enough))
			return false;
		if (!enough)
			return true;
		at += len;
	}
	*whole = true;
	return true;
}

/* ---- xz ------------------------------------------------------------------------------------------- */

#if IQ_HAVE_LZMA
/* The index of all streams; NULL: there is none, as in a file that is cut off. */
static lzma_index *read_index(const struct iq_wrap_source *s)
{
	lzma_stream strm = LZMA_STREAM_INIT;
	lzma_index *index = NULL;
	uint8_t buf[8192];
	uint64_t at = 0;
	lzma_ret status = lzma_file_info_decoder(&strm, &index, MOST_INDEX_MEMORY, s->size);

	while (status == LZMA_OK || status == LZMA_SEEK_NEEDED) {
		if (status == LZMA_SEEK_NEEDED) {
			at = strm.seek_pos;
			strm.avail_in = 0;
		}
		if (!strm.avail_in) {
			ssize_t n = iq_wrap_source_read(s, buf, sizeof(buf), at);

			if (n <= 0)
				break;
			strm.next_in = buf;
			strm.avail_in = (size_t)n;
			at += (uint64_t)n;
		}
		status = lzma_code(&strm, LZMA_RUN);
	}
	lzma_end(&strm);
	/* The decoder hands it out with its last word only. */
	return status == LZMA_STREAM_END ? index : NULL;
}

static bool index_xz(const struct iq_wrap_source *s, struct iq_wrap_parts *x, bool *whole)
{
	lzma_index *index = read_index(s);
	lzma_index_iter it;
	bool ok = true, enough = true;

	if (!index)
		return true;
	lzma_index_iter_init(&it, index);
	while (ok && enough && !lzma_index_iter_next(&it, LZMA_INDEX_ITER_NONEMPTY_BLOCK)) {
		if (!it.stream.flags || it.block.total_size > s->size ||
		    it.block.compressed_file_offset > s->size - it.block.total_size) {
			enough = false;
			break;
		}
		ok = add_part(x, it.block.compressed_file_offset, it.block.total_size,
			      it.block.uncompressed_size, (int)it.stream.flags->check, &enough);
	}
	lzma_index_end(index, NULL);
	*whole = ok && enough;
	return ok;
}
#endif

bool iq_wrap_index(const struct iq_wrap_source *s, enum iq_wrapping wrapping,
		   struct iq_wrap_parts *parts)
{
	bool whole = false, ok = true;

	*parts = (struct iq_wrap_parts){0};
	switch (wrapping) {
	case IQ_WRAP_GZIP:
		ok = index_gzip(s, parts, &whole);
		break;
	case IQ_WRAP_ZSTD:
		ok = index_zstd(s, parts, &whole);
		break;
#if IQ_HAVE_LZMA
	case IQ_WRAP_XZ:
		ok = index_xz(s, parts, &whole);
		break;
#endif
	default:
		break;
	}
	if (!ok || !whole) {
		free(parts->p);
		*parts = (struct iq_wrap_parts){0};
	}
	return ok;
}
