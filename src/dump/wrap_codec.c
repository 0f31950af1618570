// SPDX-License-Identifier: GPL-2.0-or-later
/* The decompressors of whole files, behind one function. */
#include "image.h"
#include "wrap.h"
#include <stdlib.h>
#include <zstd.h>
#if IQ_HAVE_ZLIB
#include <zlib.h>
#endif
#if IQ_HAVE_LZMA
#include <lzma.h>
#endif
#if IQ_HAVE_BZIP2
#include <bzlib.h>
#endif

/*
 * What a file may ask for.  xz -9 needs 65 MB, zstd --ultra -22 128 MB and zstd --long=29 512 MB.
 */
#define MOST_MEMORY (640u << 20)
#define ZSTD_WINDOW_LOG 29

struct iq_unwrapper {
	enum iq_wrapping wrapping;
	bool between; /* at the end of a member, frame, stream */
	bool ended;
	ZSTD_DCtx *zstd;
#if IQ_HAVE_ZLIB
	z_stream gzip;
#endif
#if IQ_HAVE_LZMA
	lzma_stream xz;
	int xz_check;
	/* Of a single block: its header, collected until it is whole. */
	uint8_t header[LZMA_BLOCK_HEADER_SIZE_MAX];
	size_t header_len;
	bool started;
	lzma_block block;
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
#endif
#if IQ_HAVE_BZIP2
	bz_stream bzip2;
	bool bzip2_open;
#endif
};

void iq_dump_libraries(struct iq_buf *out)
{
	const char *gap = "";

#if IQ_HAVE_BZIP2
	/* "1.0.8, 13-Jul-2019" */
	iq_buf_printf(out, "bzip2 %.*s", (int)strcspn(BZ2_bzlibVersion(), ","), BZ2_bzlibVersion());
	gap = ", ";
#endif
#if IQ_HAVE_LZMA
	iq_buf_printf(out, "%sxz %s", gap, lzma_version_string());
	gap = ", ";
#endif
#if IQ_HAVE_ZLIB
	iq_buf_printf(out, "%szlib %s", gap, zlibVersion());
	gap = ", ";
#endif
	iq_kdumpfile_version(out, gap);
}

struct cursor {
	const uint8_t **in;
	size_t *in_len;
	uint8_t **out;
	size_t *out_len;
	bool last;
};

bool iq_wrapping_known(enum iq_wrapping wrapping)
{
	switch (wrapping) {
	case IQ_WRAP_NONE:
		return false;
	case IQ_WRAP_GZIP:
		return IQ_HAVE_ZLIB;
	case IQ_WRAP_XZ:
		return IQ_HAVE_LZMA;
	case IQ_WRAP_BZIP2:
		return IQ_HAVE_BZIP2;
	case IQ_WRAP_ZSTD:
		return true;
	}
	return false;
}

#if IQ_HAVE_ZLIB || IQ_HAVE_BZIP2
/* The libraries count in unsigned int. */
static unsigned int at_most(size_t len)
{
	return (unsigned int)IQ_MIN(len, 1u << 30);
}

static void advance(struct cursor *c, size_t in, size_t out)
{
	*c->in += in;
	*c->in_len -= in;
	*c->out += out;
	*c->out_len -= out;
}
#endif

#if IQ_HAVE_ZLIB
static enum iq_unwrap unwrap_gzip(struct iq_unwrapper *u, struct cursor *c)
{
	z_stream *z = &u->gzip;
	unsigned int in = at_most(*c->in_len), out = at_most(*c->out_len);
	int status;

	/* Behind a member: another one, or what fills the tape up. */
	if (u->between && in) {
		if (**c->in != 0x1f)
			return IQ_UNWRAP_END;
		if (inflateReset(z) != Z_OK)
			return IQ_UNWRAP_DAMAGED;
		u->between = false;
	}
	z->next_in = (Bytef *)(uintptr_t)*c->in;
	z->avail_in = in;
	z->next_out = *c->out;
	z->avail_out = out;
	status = inflate(z, Z_NO_FLUSH);
	advance(c, in - z->avail_in, out - z->avail_out);
	if (status == Z_STREAM_END)
		u->between = true;
	else if (status == Z_MEM_ERROR)
		return IQ_UNWRAP_MEMORY;
	else if (status != Z_OK && status != Z_BUF_ERROR)
		return IQ_UNWRAP_DAMAGED;
	return IQ_UNWRAP_MORE;
}
#endif

#if IQ_HAVE_LZMA
static void free_filters(struct iq_unwrapper *u)
{
	for (unsigned int i = 0; i < LZMA_FILTERS_MAX && u->filters[i].id != LZMA_VLI_UNKNOWN;
	     i++) {
		free(u->filters[i].options);
		u->filters[i].options = NULL;
	}
}

/* A single block: its header says by what filters it went. */
static enum iq_unwrap start_block(struct iq_unwrapper *u, struct cursor *c)
{
	size_t want = LZMA_BLOCK_HEADER_SIZE_MIN;

	while (*c->in_len) {
		if (u->header_len)
			want = lzma_block_header_size_decode(u->header[0]);
		if (u->header_len >= want)
			break;
		u->header[u->header_len++] = **c->in;
		++*c->in;
		--*c->in_len;
	}
	if (!u->header_len || u->header_len < lzma_block_header_size_decode(u->header[0]))
		return IQ_UNWRAP_MORE;
	u->block = (lzma_block){
		.version = 0,
		.header_size = (uint32_t)u->header_len,
		.check = (lzma_check)u->xz_check,
		.filters = u->filters,
	};
	u->filters[0].id = LZMA_VLI_UNKNOWN;
	if (!u->header[0] || lzma_block_header_decode(&u->block, NULL, u->header) != LZMA_OK) {
		u->filters[0].id = LZMA_VLI_UNKNOWN;
		return IQ_UNWRAP_DAMAGED;
	}
	if (lzma_raw_decoder_memusage(u->filters) > MOST_MEMORY)
		return IQ_UNWRAP_MEMORY;
	if (lzma_block_decoder(&u->xz, &u->block) != LZMA_OK)
		return IQ_UNWRAP_DAMAGED;
	u->started = true;
	return IQ_UNWRAP_MORE;
}

static enum iq_unwrap unwrap_xz(struct iq_unwrapper *u, struct cursor *c)
{
	lzma_ret status;

	if (u->xz_check >= 0 && !u->started) {
		enum iq_unwrap result = start_block(u, c);

		if (!u->started)
			return result;
	}
	u->xz.next_in = *c->in;
	u->xz.avail_in = *c->in_len;
	u->xz.next_out = *c->out;
	u->xz.avail_out = *c->out_len;
	status = lzma_code(&u->xz, c->last && u->xz_check < 0 ? LZMA_FINISH : LZMA_RUN);
	*c->in = u->xz.next_in;
	*c->in_len = u->xz.avail_in;
	*c->out = u->xz.next_out;
	*c->out_len = u->xz.avail_out;
	switch (status) {
	case LZMA_OK:
	case LZMA_BUF_ERROR:
		return IQ_UNWRAP_MORE;
	case LZMA_STREAM_END:
		u->between = true;
		return IQ_UNWRAP_END;
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return IQ_UNWRAP_MEMORY;
	default:
		return IQ_UNWRAP_DAMAGED;
	}
}
#endif

static enum iq_unwrap unwrap_zstd(struct iq_unwrapper *u, struct cursor *c)
{
	ZSTD_inBuffer in = {*c->in, *c->in_len, 0};
	ZSTD_outBuffer out = {*c->out, *c->out_len, 0};
	size_t left = ZSTD_decompressStream(u->zstd, &out, &in);

	*c->in += in.pos;
	*c->in_len -= in.pos;
	*c->out += out.pos;
	*c->out_len -= out.pos;
	if (ZSTD_isError(left)) {
		/* Behind a frame there may be what fills the tape up. */
		if (u->between)
			return IQ_UNWRAP_END;
		/* ZSTD_getErrorCode() is stable for both; the window is the reason for the first. */
		return !strcmp(ZSTD_getErrorName(left),
			       "Frame requires too much memory for decoding") ||
				       !strcmp(ZSTD_getErrorName(left),
					       "Allocation error : not enough memory")
			       ? IQ_UNWRAP_MEMORY
			       : IQ_UNWRAP_DAMAGED;
	}
	if (!left)
		u->between = true;
	else if (in.pos || out.pos)
		u->between = false;
	return IQ_UNWRAP_MORE;
}

#if IQ_HAVE_BZIP2
static enum iq_unwrap unwrap_bzip2(struct iq_unwrapper *u, struct cursor *c)
{
	unsigned int in = at_most(*c->in_len), out = at_most(*c->out_len);
	bz_stream *z = &u->bzip2;
	int status;

	if (u->between && in) {
		if (**c->in != 'B')
			return IQ_UNWRAP_END;
		BZ2_bzDecompressEnd(z);
		memset(z, 0, sizeof(*z));
		u->bzip2_open = BZ2_bzDecompressInit(z, 0, 0) == BZ_OK;
		if (!u->bzip2_open)
			return IQ_UNWRAP_MEMORY;
		u->between = false;
	}
	/* It may not be called at the end of a stream. */
	if (u->between)
		return IQ_UNWRAP_MORE;
	z->next_in = (char *)(uintptr_t)*c->in;
	z->avail_in = in;
	z->next_out = (char *)*c->out;
	z->avail_out = out;
	status = BZ2_bzDecompress(z);
	advance(c, in - z->avail_in, out - z->avail_out);
	if (status == BZ_STREAM_END)
		u->between = true;
	else if (status == BZ_MEM_ERROR)
		return IQ_UNWRAP_MEMORY;
	else if (status != BZ_OK)
		return IQ_UNWRAP_DAMAGED;
	return IQ_UNWRAP_MORE;
}
#endif

enum iq_unwrap iq_unwrap(struct iq_unwrapper *u, const uint8_t **in, size_t *in_len, uint8_t **out,
			 size_t *out_len, bool last)
{
	struct cursor c = {in, in_len, out, out_len, last};
	enum iq_unwrap result = IQ_UNWRAP_DAMAGED;

	if (u->ended)
		return IQ_UNWRAP_END;
	switch (u->wrapping) {
#if IQ_HAVE_ZLIB
	case IQ_WRAP_GZIP:
		result = unwrap_gzip(u, &c);
		break;
#endif
#if IQ_HAVE_LZMA
	case IQ_WRAP_XZ:
		result = unwrap_xz(u, &c);
		break;
#endif
#if IQ_HAVE_BZIP2
	case IQ_WRAP_BZIP2:
		result = unwrap_bzip2(u, &c);
		break;
#endif
	case IQ_WRAP_ZSTD:
		result = unwrap_zstd(u, &c);
		break;
	default:
		break;
	}
	/* A decoder is not asked again after it has failed. */
	if (result != IQ_UNWRAP_MORE)
		u->ended = true;
	return result;
}

static bool start(struct iq_unwrapper *u, int xz_check)
{
	switch (u->wrapping) {
#if IQ_HAVE_ZLIB
	case IQ_WRAP_GZIP:
		return inflateInit2(&u->gzip, 16 + MAX_WBITS) == Z_OK;
#endif
#if IQ_HAVE_LZMA
	case IQ_WRAP_XZ:
		u->xz = (lzma_stream)LZMA_STREAM_INIT;
		u->xz_check = xz_check;
		u->filters[0].id = LZMA_VLI_UNKNOWN;
		return xz_check >= 0 ||
		       lzma_stream_decoder(&u->xz, MOST_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
#endif
#if IQ_HAVE_BZIP2
	case IQ_WRAP_BZIP2:
		u->bzip2_open = BZ2_bzDecompressInit(&u->bzip2, 0, 0) == BZ_OK;
		return u->bzip2_open;
#endif
	case IQ_WRAP_ZSTD:
		u->zstd = ZSTD_createDCtx();
		return u->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax,
								       ZSTD_WINDOW_LOG));
	default:
		return false;
	}
}

struct iq_unwrapper *iq_unwrapper_open(enum iq_wrapping wrapping, int xz_check)
{
	struct iq_unwrapper *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->wrapping = wrapping;
	if (!start(u, xz_check)) {
		iq_unwrapper_close(u);
		return NULL;
	}
	return u;
}

bool iq_unwrapper_between(const struct iq_unwrapper *u)
{
	return u->between;
}

void iq_unwrapper_close(struct iq_unwrapper *u)
{
	if (!u)
		return;
	ZSTD_freeDCtx(u->zstd);
#if IQ_HAVE_ZLIB
	if (u->wrapping == IQ_WRAP_GZIP)
		inflateEnd(&u->gzip);
#endif
#if IQ_HAVE_LZMA
	if (u->wrapping == IQ_WRAP_XZ) {
		lzma_end(&u->xz);
		free_filters(u);
	}
#endif
#if IQ_HAVE_BZIP2
	if (u->bzip2_open)
		BZ2_bzDecompressEnd(&u->bzip2);
#endif
	free(u);
}
