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

bool iq_is_zero(const uint8_t *page, size_t size)
{
	/* Most pages that are not zero show it at once. */
	for (size_t i = 0; i < size; i += 64) {
		uint64_t w[8];

		memcpy(w, page + i, sizeof(w));
		if (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7])
			return false;
	}
	return true;
}

static enum iq_mem unpack(struct iq_codec *c, uint32_t flags, const uint8_t *in, size_t len,
			  uint8_t *out, size_t page_size)
{
	switch (flags) {
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

/* A page of 4096 zeros is less than this in zlib, LZO and zstd, but not in snappy. */
static bool is_known_zero(const struct iq_codec *c, uint32_t flags, const uint8_t *in, size_t len)
{
	return len && len == c->zero_len && flags == c->zero_flags && !memcmp(in, c->zero, len);
}

enum iq_mem iq_codec_page(struct iq_codec *c, uint32_t flags, const uint8_t *in, size_t len,
			  uint8_t *out, size_t page_size, bool *zero)
{
	enum iq_mem why;

	*zero = is_known_zero(c, flags, in, len);
	if (*zero)
		return IQ_MEM_OK;
	why = unpack(c, flags, in, len, out, page_size);
	if (why)
		return why;
	*zero = iq_is_zero(out, page_size);
	if (*zero && len <= IQ_PACKED_ZERO) {
		memcpy(c->zero, in, len);
		c->zero_len = (uint32_t)len;
		c->zero_flags = flags;
	}
	return IQ_MEM_OK;
}

void iq_codec_free(struct iq_codec *c)
{
	libdeflate_free_decompressor(c->deflate);
	ZSTD_freeDCtx(c->zstd);
	*c = (struct iq_codec){0};
}
