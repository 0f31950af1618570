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

/* What the files of one split set have in common, and what tells two sets apart. */
#define IQ_KDUMP_UTS_LEN 390u /* struct new_utsname, as it lies in the header */
struct iq_kdump_origin {
	uint8_t uts[IQ_KDUMP_UTS_LEN];
	uint64_t tv_sec, tv_usec;
	uint64_t max_mapnr, phys_base;
	uint32_t version, nr_cpus;
	int32_t dump_level;
};

/* One file; of a split set, the page frames [start_pfn, end_pfn) of the machine. */
struct iq_kdump {
	struct iq_file *file;
	uint32_t page_size;
	uint64_t max_pfn;
	uint64_t bitmap1, bitmap2; /* offsets in the file */
	uint64_t descs;
	bool split;
	uint64_t start_pfn, end_pfn;
	struct iq_kdump_origin origin;
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

/* A dump's format_data: its files, in the order of their page frames, which do not overlap. */
struct iq_kdump_set {
	struct iq_kdump **part;
	unsigned int nr;
};

/* A reader's windows on the bitmaps and descriptors of one part. */
struct iq_bitmap_window {
	uint64_t chunk; /* UINT64_MAX: nothing */
	uint32_t len; /* bytes of it that the file has */
	enum iq_mem why; /* what is behind them */
	uint8_t bits[IQ_CHUNK_BYTES];
};

struct iq_kdump_windows {
	struct iq_kdump *part; /* NULL: nothing was read yet */
	struct iq_bitmap_window ram, dumped;
	/* For the window on the 2nd bitmap: */
	uint64_t rank; /* of its first bit */
	bool rank_known;
	uint16_t steps[IQ_STEPS]; /* bits set in front of each step */
	uint64_t first_desc;
	uint32_t nr_descs;
	uint8_t descs[IQ_DESC_WINDOW * IQ_DESC_BYTES];
	/* Compressed pages: where the last one ended, and the bytes of the file that were read with one. */
	uint64_t packed_end;
	uint64_t ahead_offset;
	uint32_t ahead_len;
	uint8_t *ahead; /* NULL: not needed so far */
	/* A scan's: the descriptors of a unit. */
	uint8_t *unit_descs;
};

/* kdump_pages.c */
extern const struct iq_format iq_kdump_format;
/* The part that has PFN, or the next one behind it; NULL: none. */
struct iq_kdump *iq_kdump_part(const struct iq_kdump_set *set, uint64_t pfn);
/* Turn the windows to PART. */
void iq_kdump_turn(struct iq_kdump_windows *win, struct iq_kdump *part);
/*
 * Is PFN, one of the page frames of the part the windows are turned to, in its file?  IQ_MEM_OK: its
 * descriptor is number *RANK.
 */
enum iq_mem iq_kdump_rank(struct iq_kdump_windows *win, uint64_t pfn, uint64_t *rank);
/* Is DESC one of a page whose bytes can be read? */
enum iq_mem iq_kdump_check_desc(const struct iq_kdump *k, const struct iq_desc *desc);
struct iq_desc iq_kdump_parse_desc(const uint8_t *bytes);
/* The page at OFFSET of the file is zero. */
void iq_kdump_learn_zero(struct iq_kdump *k, uint64_t offset);
/* Make the windows show the chunks that hold PFN. */
enum iq_mem iq_kdump_show_dumped(struct iq_kdump_windows *win, uint64_t pfn);
enum iq_mem iq_kdump_show_ram(struct iq_kdump_windows *win, uint64_t pfn);

/* The bits set among [FIRST, END) of the 2nd bitmap, as far as the file has it: is there any? */
bool iq_kdump_any_dumped(const struct iq_kdump *k, uint64_t first, uint64_t end);

/* kdump_scan.c */
bool iq_kdump_scan(struct iq_reader *r, uint64_t first, uint64_t end, struct iq_sink *sink);

#endif
