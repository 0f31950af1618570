/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the room dump: the kdump-compressed format of makedumpfile, also written by QEMU.
 *
 *   block 0                      struct disk_dump_header
 *   block 1 … sub_hdr_size       struct kdump_sub_header, VMCOREINFO, notes, eraseinfo
 *   bitmap_blocks                1st bitmap: page frames that are RAM; 2nd: those in the file
 *   then                         a struct page_desc for each bit set in the 2nd bitmap
 *   then                         the data of the pages
 *
 * Reference: makedumpfile's IMPLEMENTATION and diskdump_mod.h.
 */
#ifndef IQ_DUMP_KDUMP_H
#define IQ_DUMP_KDUMP_H

#include "internal.h"

/* The bitmaps are read and counted in chunks. */
#define IQ_CHUNK_BYTES 4096u
#define IQ_CHUNK_PAGES (IQ_CHUNK_BYTES * 8)
/* Bits set are counted within a chunk at steps of */
#define IQ_STEP_BYTES 64u
#define IQ_STEPS (IQ_CHUNK_BYTES / IQ_STEP_BYTES)

#define IQ_DESC_BYTES 24u
#define IQ_DESC_WINDOW 170u /* descriptors, 4080 bytes */

struct iq_desc {
	uint64_t offset;
	uint32_t size, flags;
};

/* One file; of a split set, the page frames [start_pfn, end_pfn) of the machine. */
struct iq_kdump {
	uint64_t bitmap1, bitmap2; /* offsets in the file */
	uint64_t descs;
	uint64_t start_pfn, end_pfn;
	/*
	 * rank[k]: 1 + the number of descriptors in front of those of bitmap chunk k; 0: not counted
	 * yet.  Whoever needs one counts it; two who do it at once store the same.
	 */
	_Atomic uint64_t *rank;
	uint64_t nr_chunks;
	/*
	 * makedumpfile and QEMU keep one copy of the zero page, to which the descriptors of all zero
	 * pages point.  The offset of a page that turned out to be zero; 0: none seen.
	 */
	_Atomic uint64_t zero_offset;
};

/* A reader's windows on the bitmaps and descriptors. */
struct iq_bitmap_window {
	uint64_t chunk; /* UINT64_MAX: nothing */
	uint32_t len; /* bytes of it that the file has */
	enum iq_mem why; /* what is behind them */
	uint8_t bits[IQ_CHUNK_BYTES];
};

struct iq_kdump_windows {
	struct iq_bitmap_window ram, dumped;
	/* For the window on the 2nd bitmap: */
	uint64_t rank; /* of its first bit */
	bool rank_known;
	uint16_t steps[IQ_STEPS]; /* bits set in front of each step */
	uint64_t first_desc;
	uint32_t nr_descs;
	uint8_t descs[IQ_DESC_WINDOW * IQ_DESC_BYTES];
	/* A scan's: the descriptors of a unit. */
	uint8_t *unit_descs;
};

/* kdump_pages.c */
extern const struct iq_format iq_kdump_format;
/*
 * Is PFN in the file?  IQ_MEM_OK: its descriptor is number *RANK.
 */
enum iq_mem iq_kdump_rank(struct iq_reader *r, uint64_t pfn, uint64_t *rank);
/* Is descriptor D one of a page whose bytes can be read? */
enum iq_mem iq_kdump_check_desc(const struct iq_dump *d, const struct iq_desc *desc);
struct iq_desc iq_kdump_parse_desc(const uint8_t *bytes);
/* The page at OFFSET of the file is zero. */
void iq_kdump_learn_zero(struct iq_kdump *k, uint64_t offset);
/* Make the windows show the chunks that hold PFN. */
enum iq_mem iq_kdump_show_dumped(struct iq_reader *r, uint64_t pfn);
enum iq_mem iq_kdump_show_ram(struct iq_reader *r, uint64_t pfn);

/* kdump_scan.c */
bool iq_kdump_scan(struct iq_reader *r, uint64_t first, uint64_t end, struct iq_sink *sink);

#endif
