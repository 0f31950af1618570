/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the room dump: what a container format gives, and what a dump and a reader consist of.
 */
#ifndef IQ_DUMP_INTERNAL_H
#define IQ_DUMP_INTERNAL_H

#include "codec.h"
#include "file.h"
#include <inquest/dump.h>
#include <stdatomic.h>

/* Physical addresses have at most 52 bits (x86-64 and arm64), page frame numbers this many. */
#define IQ_PFN_LIMIT (1ull << 40)
#define IQ_PAGE_MIN 4096u
#define IQ_PAGE_MAX 65536u
/* Pages of a unit of iq_dump_scan(). */
#define IQ_UNIT_PAGES 2048u

/* How a page came out of the file. */
struct iq_loaded {
	bool zero; /* nothing but zeros; the buffer may not have been filled */
	bool partial; /* the file has only some bytes of it (see iq_format.covered), the rest is zero */
};

/* What a scan does with a page; see struct iq_scan. */
struct iq_sink {
	struct iq_scan *scan;
	unsigned int worker;
	uint64_t read, zero, missing[IQ_MEM_NO_TABLE + 1];
};
/* PAGE must be aligned to 8; NULL: a zero page.  False: stop (cancelled). */
bool iq_sink_page(struct iq_sink *s, uint64_t pfn, const uint8_t *page);

struct iq_format {
	/* The state of a page frame below max_pfn; see iq_page_state(). */
	enum iq_mem (*state)(struct iq_reader *r, uint64_t pfn);
	/* Its bytes, into PAGE. */
	enum iq_mem (*load)(struct iq_reader *r, uint64_t pfn, uint8_t *page,
			    struct iq_loaded *loaded);
	/* Of a partial page: how many of LEN bytes from ADDRESS on are in the file.  May be NULL. */
	size_t (*covered)(const struct iq_dump *d, uint64_t address, size_t len);
	/* See iq_page_is_guess().  May be NULL. */
	bool (*is_guess)(const struct iq_dump *d, uint64_t pfn);
	/* The first page frame from PFN on which may be in the file; >= max_pfn: none.  No I/O. */
	uint64_t (*next)(const struct iq_dump *d, uint64_t pfn);
	/* Its pages are mostly compressed. */
	bool packed;
	/* Feed the page frames [FIRST, END), at most IQ_UNIT_PAGES, to SINK.  False: it said stop. */
	bool (*scan)(struct iq_reader *r, uint64_t first, uint64_t end, struct iq_sink *sink);
	bool (*range)(const struct iq_dump *d, unsigned int index, uint64_t *start, uint64_t *end);
	void (*close)(struct iq_dump *d);
	/* The format's part of a reader, and of a scanning reader; may be NULL. */
	struct iq_error *(*reader_open)(struct iq_reader *r);
	void (*reader_close)(struct iq_reader *r);
};

struct iq_dump {
	struct iq_file *file;
	const struct iq_format *format;
	void *format_data; /* struct iq_elf or iq_kdump_set */
	struct iq_dump_info info;
	struct iq_arena arena; /* what info points at */
	struct iq_note *notes;
	unsigned int nr_notes, notes_room;
	struct iq_device_dump *devices;
	unsigned int devices_room;
};

#define IQ_HEAD_LEN 32
/* elf.c, kdump.c: does the content begin like this?  HEAD is its first bytes, padded with zeros. */
bool iq_elf_recognise(const uint8_t head[IQ_HEAD_LEN]);
bool iq_kdump_recognise(const uint8_t head[IQ_HEAD_LEN]);
struct iq_error *iq_elf_open(struct iq_dump *d, struct iq_warnings *w);
struct iq_error *iq_kdump_open(struct iq_dump *d, struct iq_warnings *w);

/* split.c */
/*
 * Make one dump of NR > 1, each of one file.  All of DUMPS are taken over and set to NULL, unless
 * it fails: IQ_E_USAGE, they do not belong together.
 */
struct iq_error *iq_kdump_join(struct iq_dump **dumps, unsigned int nr, struct iq_dump **ret);
/* What of a split dump is not there, if D is one (and a kdump). */
void iq_kdump_warn_split(const struct iq_dump *d, struct iq_warnings *w);

/* notes.c: parse the SIZE bytes of notes at OFFSET of the file and append them to d->notes. */
struct iq_error *iq_notes_read(struct iq_dump *d, uint64_t offset, uint64_t size,
			       struct iq_warnings *w);
/* The machine (EM_…) that the notes betray; EM_NONE if they do not. */
uint16_t iq_notes_machine(const struct iq_dump *d);
/* Make TEXT info.vmcoreinfo. */
struct iq_error *iq_vmcoreinfo_set(struct iq_dump *d, const void *text, size_t len);

#define IQ_CACHE_WAYS 4

struct iq_cache_tag {
	uint64_t pfn; /* UINT64_MAX: free */
	uint32_t used; /* when, by the reader's clock */
	struct iq_loaded loaded;
};

/* Bytes a scan reads at once. */
#define IQ_RUN_BYTES (1024u * 1024)

struct iq_reader {
	struct iq_dump *dump;
	uint32_t page_size;
	unsigned int page_shift;
	uint32_t clock;
	uint64_t max_pfn;

	/* The page that was asked for last: most reads are of the same page again. */
	uint64_t last_pfn; /* UINT64_MAX: none */
	const uint8_t *last_page;
	bool last_partial;

	unsigned int sets; /* a power of two */
	struct iq_cache_tag *tags;
	uint8_t *pages;
	struct iq_stage *stage; /* NULL: nothing was prefetched */

	struct iq_codec codec;
	uint8_t *packed; /* one compressed page, IQ_PACKED_ROOM(page_size) */
	/* Scans only, allocated by the first unit: one page, and a run of the file. */
	uint8_t *scan_page, *run;
	void *format_data; /* struct iq_kdump_windows */
};

/* The buffers of a scan.  False without memory. */
bool iq_reader_scan_buffers(struct iq_reader *r);
/* Is PFN in the cache? */
bool iq_reader_has(const struct iq_reader *r, uint64_t pfn);

/* prefetch.c: the page PFN, if it is in one of the batches that R's stage (not NULL) holds; or NULL. */
const uint8_t *iq_stage_find(struct iq_reader *r, uint64_t pfn, struct iq_loaded *loaded);
void iq_stage_free(struct iq_stage *stage);

#endif
