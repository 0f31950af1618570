/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the room dump: what the formats have in common that are neither ELF nor kdump (LiME,
 * AVML, saved machines of QEMU and VMware).  Physical memory is put together from pieces: stretches
 * of a file, pages with a header in front of each, compressed blocks, stretches of one byte.
 */
#ifndef IQ_DUMP_IMAGE_H
#define IQ_DUMP_IMAGE_H

#include "internal.h"

static inline uint16_t iq_be16(const void *p)
{
	return __builtin_bswap16(iq_le16(p));
}
static inline uint32_t iq_be32(const void *p)
{
	return __builtin_bswap32(iq_le32(p));
}

enum iq_piece {
	IQ_PIECE_FILE,	 /* bytes as they are */
	IQ_PIECE_PAGES,	 /* pages of 4096 bytes, IQ_PAGE_STRIDE from one to the next */
	IQ_PIECE_ZLIB,	 /* one compressed block */
	IQ_PIECE_SNAPPY, /* one compressed block, in front of it the masked CRC-32C of what is in it */
	IQ_PIECE_CHECKED,/* the same, not compressed */
	IQ_PIECE_FILL,	 /* plus a byte: nothing but this byte */
};

/* QEMU: eight bytes in front of each page. */
#define IQ_PAGE_STRIDE (IQ_PAGE_MIN + 8)
/* Decompressed, a block has at most this much. */
#define IQ_BLOCK_MOST 65536u

/* What was added by one call, or by several that continue each other. */
struct iq_run {
	uint64_t start;	 /* physical address */
	uint64_t pos;	 /* in the file */
	uint32_t packed; /* of a block: its length in the file */
	uint32_t len;	 /* of a block: its length in memory */
};

struct iq_image {
	struct iq_file *bytes;	 /* where the pieces lie: the dump's file or another */
	bool owns_bytes;
	struct iq_extents map;	 /* physical address -> runs; an extent's priority is its run */
	struct iq_run *runs;
	unsigned int runs_room;
	uint64_t next_place;	 /* extents' pos are of no meaning but for joining: see place() */
};

/* Make D one of these, without any memory yet; *RET belongs to D. */
struct iq_error *iq_image_start(struct iq_dump *d, enum iq_dump_format format,
				struct iq_image **ret) IQ_CHECK;
/*
 * LEN bytes of physical memory at ADDRESS lie in the file at POS.  What is added later replaces what
 * was there.  What no machine can have is refused with IQ_E_FORMAT.
 */
struct iq_error *iq_image_add(struct iq_image *m, uint64_t address, uint64_t len,
			      uint64_t pos) IQ_CHECK;
/* One page of IQ_PAGE_MIN bytes of a series (IQ_PIECE_PAGES). */
struct iq_error *iq_image_add_page(struct iq_image *m, uint64_t address, uint64_t pos) IQ_CHECK;
struct iq_error *iq_image_add_fill(struct iq_image *m, uint64_t address, uint64_t len,
				   uint8_t byte) IQ_CHECK;
/* A block of KIND: PACKED bytes in the file, LEN <= IQ_BLOCK_MOST in memory. */
struct iq_error *iq_image_add_block(struct iq_image *m, enum iq_piece kind, uint64_t address,
				    uint32_t len, uint64_t pos, uint32_t packed) IQ_CHECK;
/* All is added.  IQ_E_FORMAT: there was nothing. */
struct iq_error *iq_image_finish(struct iq_dump *d) IQ_CHECK;
/* Add a note as if it stood in the file.  DATA is copied. */
struct iq_error *iq_note_add(struct iq_dump *d, const char *name, uint32_t type, const void *data,
			     uint32_t size) IQ_CHECK;

/* The registers of one CPU, for those formats that keep them in a way of their own. */
struct iq_x86_state {
	uint64_t gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8 … r15: the order of their encoding */
	uint64_t rip, rflags;
	uint32_t selector[8]; /* es cs ss ds fs gs ldt tr: the order of their encoding */
	uint64_t base[8];
	uint64_t gdt, idt, cr[5], kernel_gs_base;
};
/* As the notes that QEMU writes for each CPU: CORE NT_PRSTATUS and QEMU. */
struct iq_error *iq_note_cpu(struct iq_dump *d, unsigned int cpu,
			     const struct iq_x86_state *s) IQ_CHECK;

/* lime.c, savevm.c, vmware.c: does the content begin like this?  Open it. */
bool iq_lime_recognise(const uint8_t head[IQ_HEAD_LEN]);
struct iq_error *iq_lime_open(struct iq_dump *d, struct iq_warnings *w) IQ_CHECK;
bool iq_savevm_recognise(const uint8_t head[IQ_HEAD_LEN]);
struct iq_error *iq_savevm_open(struct iq_dump *d, struct iq_warnings *w) IQ_CHECK;
bool iq_vmware_recognise(const uint8_t head[IQ_HEAD_LEN]);
struct iq_error *iq_vmware_open(struct iq_dump *d, struct iq_warnings *w) IQ_CHECK;
/* raw.c: by request only. */
struct iq_error *iq_raw_open(struct iq_dump *d, struct iq_warnings *w) IQ_CHECK;

/*
 * kdumpfile.c: open D by libkdumpfile; d->format stays NULL if that does not know it either, or is not there.
 * Its version, behind GAP.
 */
bool iq_kdumpfile_recognise(const uint8_t head[IQ_HEAD_LEN]);
struct iq_error *iq_kdumpfile_open(struct iq_dump *d) IQ_CHECK;
void iq_kdumpfile_version(struct iq_buf *out, const char *gap);

#endif
