/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to the room dump: decompressing one page. */
#ifndef IQ_DUMP_CODEC_H
#define IQ_DUMP_CODEC_H

#include <inquest/dump.h>

/* page_desc.flags, and the same bits of disk_dump_header.status (makedumpfile: diskdump_mod.h). */
#define IQ_KDUMP_ZLIB 0x1u
#define IQ_KDUMP_LZO 0x2u
#define IQ_KDUMP_SNAPPY 0x4u
#define IQ_KDUMP_ZSTD 0x20u
#define IQ_KDUMP_PACKED (IQ_KDUMP_ZLIB | IQ_KDUMP_LZO | IQ_KDUMP_SNAPPY | IQ_KDUMP_ZSTD)

/*
 * A compressed page is written only if that makes it smaller, but be lenient: some writers may not
 * compare.
 */
#define IQ_PACKED_ROOM(page_size) (2 * (page_size))

struct libdeflate_decompressor;
struct ZSTD_DCtx_s;

#define IQ_PACKED_ZERO 64u

/* Zero-initialise it.  The contexts are made by the first page that needs them. */
struct iq_codec {
	struct libdeflate_decompressor *deflate;
	struct ZSTD_DCtx_s *zstd;
	/*
	 * What a zero page looked like when it was compressed.  In a dump of which nothing was left
	 * out every other page is one, and the same bytes need not be decompressed again.
	 */
	uint8_t zero[IQ_PACKED_ZERO];
	uint32_t zero_len, zero_flags;
};

/*
 * LEN bytes at IN, compressed as FLAGS says, are a page of PAGE_SIZE bytes: into OUT; or nothing but
 * zeros: *ZERO, OUT is not filled then.  IQ_MEM_DAMAGED if they are not exactly that, IQ_MEM_IO
 * without memory.
 */
enum iq_mem iq_codec_page(struct iq_codec *c, uint32_t flags, const uint8_t *in, size_t len,
			  uint8_t *out, size_t page_size, bool *zero);
/* Is the page (SIZE a multiple of 64) all zeros? */
bool iq_is_zero(const uint8_t *page, size_t size);
void iq_codec_free(struct iq_codec *c);

#endif
