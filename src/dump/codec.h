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

/* Zero-initialise it.  The contexts are made by the first page that needs them. */
struct iq_codec {
	struct libdeflate_decompressor *deflate;
	struct ZSTD_DCtx_s *zstd;
};

/*
 * LEN bytes at IN, compressed as FLAGS says, are a page of PAGE_SIZE bytes: into OUT.  IQ_MEM_DAMAGED
 * if they are not exactly that, IQ_MEM_IO without memory.
 */
enum iq_mem iq_codec_page(struct iq_codec *c, uint32_t flags, const uint8_t *in, size_t len,
			  uint8_t *out, size_t page_size);
void iq_codec_free(struct iq_codec *c);

#endif
