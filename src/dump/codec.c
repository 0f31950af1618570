// SPDX-License-Identifier: GPL-2.0-or-later
/* The four compressions of kdump pages. */
#include "codec.h"
#include <libdeflate.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <zstd.h>

static enum iq_mem unpack_zlib(struct iq_codec *c, const uint8_t *in, size_t len, uint8_t *out,
			       size_t page_size)
{
	if (!c->deflate)
		c->deflate = libdeflate_alloc_decompressor();
	if (!c->deflate)
		return IQ_MEM_IO;
	/* Without a place for the actual size it must be exactly page_size. */
	if (libdeflate_zlib_decompress(c->deflate, in, len, out, page_size, NULL))
		return IQ_MEM_DAMAGED;
	return IQ_MEM_OK;
}

static enum iq_mem unpack_lzo(const uint8_t *in, size_t len, uint8_t *out, size_t page_size)
{
	lzo_uint out_len = page_size;

	if (lzo1x_decompress_safe(in, len, out, &out_len, NULL) != LZO_E_OK)
		return IQ_MEM_DAMAGED;
	return out_len == page_size ? IQ_MEM_OK : IQ_MEM_DAMAGED;
}

static enum iq_mem unpack_snappy(const uint8_t *in, size_t len, uint8_t *out, size_t page_size)
{
	size_t out_len;

	/* snappy_uncompress() trusts the length in the data if it is within the room it is given. */
	if (snappy_uncompressed_length((const char *)in, len, &out_len) != SNAPPY_OK ||
	    out_len != page_size)
		return IQ_MEM_DAMAGED;
	if (snappy_uncompress((const char *)in, len, (char *)out, &out_len) != SNAPPY_OK)
		return IQ_MEM_DAMAGED;
	return IQ_MEM_OK;
}

static enum iq_mem unpack_zstd(struct iq_codec *c, const uint8_t *in, size_t len, uint8_t *out,
			       size_t page_size)
{
	if (!c->zstd)
		c->zstd = ZSTD_createDCtx();
	if (!c->zstd)
		return IQ_MEM_IO;
	return ZSTD_decompressDCtx(c->zstd, out, page_size, in, len) == page_size ? IQ_MEM_OK
										  : IQ_MEM_DAMAGED;
}

enum iq_mem iq_codec_page(struct iq_codec *c, uint32_t flags, const uint8_t *in, size_t len,
			  uint8_t *out, size_t page_size)
{
	switch (flags & IQ_KDUMP_PACKED) {
	case 0:
		if (len != page_size)
			return IQ_MEM_DAMAGED;
		memcpy(out, in, page_size);
		return IQ_MEM_OK;
	case IQ_KDUMP_ZLIB:
		return unpack_zlib(c, in, len, out, page_size);
	case IQ_KDUMP_LZO:
		return unpack_lzo(in, len, out, page_size);
	case IQ_KDUMP_SNAPPY:
		return unpack_snappy(in, len, out, page_size);
	case IQ_KDUMP_ZSTD:
		return unpack_zstd(c, in, len, out, page_size);
	}
	return IQ_MEM_DAMAGED;
}

void iq_codec_free(struct iq_codec *c)
{
	libdeflate_free_decompressor(c->deflate);
	ZSTD_freeDCtx(c->zstd);
	*c = (struct iq_codec){0};
}
