// SPDX-License-Identifier: GPL-2.0-or-later
/* kdump-compressed dumps: the headers. */
#include "kdump.h"
#include <elf.h>
#include <stdlib.h>

#define SIGNATURE "KDUMP   "

/* struct disk_dump_header as 64-bit machines lay it out. */
enum {
	H_VERSION = 8,
	H_UTSNAME = 12, /* struct new_utsname: six strings of 65 */
	H_UTSNAME_FIELD = 65,
	H_TV_SEC = 408,
	H_TV_USEC = 416,
	H_STATUS = 424,
	H_BLOCK_SIZE = 428,
	H_SUB_HDR_SIZE = 432,
	H_BITMAP_BLOCKS = 436,
	H_MAX_MAPNR = 440,
	H_NR_CPUS = 460,
	H_LEN = 464,
	/* Where 32-bit machines have the block size. */
	H32_BLOCK_SIZE = 416,
};

enum { UTS_SYSNAME, UTS_NODENAME, UTS_RELEASE, UTS_VERSION, UTS_MACHINE };

/* struct kdump_sub_header; each member exists from a header version on. */
enum {
	S_PHYS_BASE = 0,
	S_DUMP_LEVEL = 8, /* 1 */
	S_SPLIT = 12, /* 2 */
	S_START_PFN = 16,
	S_END_PFN = 24,
	S_OFFSET_VMCOREINFO = 32, /* 3 */
	S_SIZE_VMCOREINFO = 40,
	S_OFFSET_NOTE = 48, /* 4 */
	S_SIZE_NOTE = 56,
	S_OFFSET_ERASEINFO = 64, /* 5 */
	S_SIZE_ERASEINFO = 72,
	S_START_PFN_64 = 80, /* 6 */
	S_END_PFN_64 = 88,
	S_MAX_MAPNR_64 = 96,
	S_LEN = 104,
};

#define STATUS_INCOMPLETE 0x8u
#define STATUS_NO_VMEMMAP 0x10u
/* makedumpfile -d: all but 1 leave pages out; zero pages keep a descriptor in this format. */
#define LEVEL_FILTERS 0x1e

#define NEWEST_VERSION 6
#define MOST_SUB_BLOCKS (1 << 20)
#define MOST_VMCOREINFO (1u << 20)
#define MOST_CPUS 65536

bool iq_kdump_recognise(const uint8_t head[IQ_HEAD_LEN])
{
	return !memcmp(head, SIGNATURE, sizeof(SIGNATURE) - 1);
}

struct headers {
	uint8_t main[H_LEN], sub[S_LEN];
	unsigned int version;
	uint32_t block_size, status;
	uint64_t sub_blocks, bitmap_bytes, max_mapnr;
};

static bool is_page_size(uint64_t size)
{
	return size >= IQ_PAGE_MIN && size <= IQ_PAGE_MAX && !(size & (size - 1));
}

static struct iq_error *check_layout(const struct headers *h)
{
	if (is_page_size(h->block_size))
		return NULL;
	if (is_page_size(iq_le32(h->main + H32_BLOCK_SIZE)))
		return iq_error_new(IQ_E_UNAVAILABLE, "the dump of a 32-bit machine");
	if (is_page_size(__builtin_bswap32(h->block_size)))
		return iq_error_new(IQ_E_UNAVAILABLE, "the dump of a big-endian machine");
	return iq_error_new(IQ_E_FORMAT, "a block size of %u in the kdump header makes no sense",
			    h->block_size);
}

static struct iq_error *read_headers(const struct iq_dump *d, struct headers *h,
				     struct iq_warnings *w)
{
	ssize_t got;
	int32_t sub_blocks;

	if (iq_file_read_all(d->file, h->main, H_LEN, 0))
		return iq_error_new(IQ_E_FORMAT, "the file ends inside its kdump header");
	h->version = iq_le32(h->main + H_VERSION);
	h->block_size = iq_le32(h->main + H_BLOCK_SIZE);
	IQ_TRY(check_layout(h));
	if (h->version > NEWEST_VERSION)
		iq_warn(w, "kdump header version %u is newer than %u: read as that", h->version,
			NEWEST_VERSION);
	sub_blocks = (int32_t)iq_le32(h->main + H_SUB_HDR_SIZE);
	if (sub_blocks < 1 || sub_blocks > MOST_SUB_BLOCKS)
		return iq_error_new(IQ_E_FORMAT, "a sub header of %d blocks makes no sense",
				    sub_blocks);
	h->sub_blocks = (uint64_t)sub_blocks;
	h->status = iq_le32(h->main + H_STATUS);
	h->bitmap_bytes = (uint64_t)iq_le32(h->main + H_BITMAP_BLOCKS) * h->block_size;
	h->max_mapnr = iq_le32(h->main + H_MAX_MAPNR);
	got = iq_file_read(d->file, h->sub, S_LEN, h->block_size);
	if (got < S_DUMP_LEVEL)
		return iq_error_new(IQ_E_FORMAT, "the file ends inside its kdump sub header");
	if (h->version >= 6 && iq_le64(h->sub + S_MAX_MAPNR_64))
		h->max_mapnr = iq_le64(h->sub + S_MAX_MAPNR_64);
	if (!h->max_mapnr || !h->bitmap_bytes)
		return iq_error_new(IQ_E_FORMAT, "a kdump header without any pages");
	return NULL;
}

/* Where the bitmaps and descriptors are, and how many pages they can describe. */
static struct iq_error *lay_out(struct iq_dump *d, struct iq_kdump *k, const struct headers *h,
				struct iq_warnings *w)
{
	uint64_t bitmap = (1 + h->sub_blocks) * h->block_size, one, most, there;
	uint64_t needed = h->max_mapnr / 8 + (h->max_mapnr % 8 != 0);

	/* A dump of all RAM may have one bitmap that says both. */
	needed = (needed + h->block_size - 1) / h->block_size * h->block_size;
	one = h->bitmap_bytes >= 2 * needed ? h->bitmap_bytes / 2 : h->bitmap_bytes;
	k->bitmap1 = bitmap;
	k->bitmap2 = one < h->bitmap_bytes ? bitmap + one : bitmap;
	k->descs = bitmap + h->bitmap_bytes;
	most = IQ_MIN(h->max_mapnr, one * 8);
	if (most < h->max_mapnr)
		iq_warn(w, "the bitmap of the dump has room for %llu of its %llu pages",
			(unsigned long long)most, (unsigned long long)h->max_mapnr);
	if (most > IQ_PFN_LIMIT)
		return iq_error_new(IQ_E_LIMIT, "%llu pages are more than a machine can have",
				    (unsigned long long)most);
	d->info.max_pfn = k->max_pfn = most;
	k->page_size = h->block_size;
	if (k->bitmap2 >= d->file->size)
		return iq_error_new(IQ_E_FORMAT, "the file ends before its bitmaps");
	/* No chunk beyond the end of the file is ever counted. */
	there = IQ_MIN((most + 7) / 8, d->file->size - k->bitmap2);
	k->nr_chunks = (there + IQ_CHUNK_BYTES - 1) / IQ_CHUNK_BYTES;
	k->rank = calloc(k->nr_chunks + 1, sizeof(*k->rank));
	if (!k->rank)
		return iq_error_nomem();
	atomic_init(&k->rank[0], 1);
	if (k->descs > d->file->size)
		d->info.truncated = true;
	return NULL;
}

static void take_split(struct iq_kdump *k, const struct headers *h)
{
	k->start_pfn = 0;
	k->end_pfn = k->max_pfn;
	if (h->version < 2 || !iq_le32(h->sub + S_SPLIT))
		return;
	k->split = true;
	if (h->version >= 6) {
		k->start_pfn = iq_le64(h->sub + S_START_PFN_64);
		k->end_pfn = iq_le64(h->sub + S_END_PFN_64);
	} else {
		k->start_pfn = iq_le64(h->sub + S_START_PFN);
		k->end_pfn = iq_le64(h->sub + S_END_PFN);
	}
	k->end_pfn = IQ_MIN(k->end_pfn, k->max_pfn);
	k->start_pfn = IQ_MIN(k->start_pfn, k->end_pfn);
}

/* What makes this file one of a set: see iq_kdump_join(). */
static void take_origin(struct iq_kdump *k, const struct headers *h)
{
	struct iq_kdump_origin *o = &k->origin;

	memcpy(o->uts, h->main + H_UTSNAME, sizeof(o->uts));
	o->tv_sec = iq_le64(h->main + H_TV_SEC);
	o->tv_usec = iq_le64(h->main + H_TV_USEC);
	o->max_mapnr = h->max_mapnr;
	o->phys_base = iq_le64(h->sub + S_PHYS_BASE);
	o->version = h->version;
	o->nr_cpus = iq_le32(h->main + H_NR_CPUS);
	o->dump_level = (int32_t)iq_le32(h->sub + S_DUMP_LEVEL);
}

/* A string of the header's utsname; NULL if it is empty. */
static const char *uts(struct iq_dump *d, const struct headers *h, unsigned int field)
{
	const char *s = (const char *)h->main + H_UTSNAME + field * H_UTSNAME_FIELD;

	return *s ? iq_arena_strndup(&d->arena, s, H_UTSNAME_FIELD) : NULL;
}

static void take_uts(struct iq_dump *d, const struct headers *h)
{
	d->info.nodename = uts(d, h, UTS_NODENAME);
	d->info.release = uts(d, h, UTS_RELEASE);
	d->info.version = uts(d, h, UTS_VERSION);
	d->info.hw_machine = uts(d, h, UTS_MACHINE);
	if (d->info.hw_machine && !strcmp(d->info.hw_machine, "x86_64"))
		d->info.machine = EM_X86_64;
	else if (d->info.hw_machine && !strcmp(d->info.hw_machine, "aarch64"))
		d->info.machine = EM_AARCH64;
	else	/* None, or "Unknown", as QEMU 11 writes. */
		d->info.machine = iq_notes_machine(d);
}

static struct iq_error *take_vmcoreinfo(struct iq_dump *d, const struct headers *h,
					struct iq_warnings *w)
{
	uint64_t offset = 0, size = 0;
	unsigned int from = 0;
	const struct iq_note *note;
	struct iq_error *err;
	char *text;

	if (h->version >= 3) {
		offset = iq_le64(h->sub + S_OFFSET_VMCOREINFO);
		size = iq_le64(h->sub + S_SIZE_VMCOREINFO);
	}
	if (!offset || !size) {
		note = iq_dump_note(d, "VMCOREINFO", 0, &from);
		return note ? iq_vmcoreinfo_set(d, note->data, note->size) : NULL;
	}
	if (size > MOST_VMCOREINFO) {
		iq_warn(w, "the dump claims %llu bytes of VMCOREINFO: ignored",
			(unsigned long long)size);
		return NULL;
	}
	text = malloc(size);
	if (!text)
		return iq_error_nomem();
	if (iq_file_read_all(d->file, text, size, offset)) {
		iq_warn(w, "the dump's VMCOREINFO cannot be read");
		err = NULL;
	} else {
		err = iq_vmcoreinfo_set(d, text, size);
	}
	free(text);
	return err;
}

static void take_facts(struct iq_dump *d, const struct headers *h)
{
	int32_t nr_cpus = (int32_t)iq_le32(h->main + H_NR_CPUS);

	d->info.page_size = h->block_size;
	d->info.incomplete = h->status & STATUS_INCOMPLETE;
	d->info.nr_cpus = nr_cpus > 0 && nr_cpus <= MOST_CPUS ? (unsigned int)nr_cpus : 0;
	d->info.time = (int64_t)iq_le64(h->main + H_TV_SEC);
	d->info.has_phys_base = true;
	d->info.phys_base = iq_le64(h->sub + S_PHYS_BASE);
	if (h->version >= 1)
		d->info.dump_level = (int)iq_le32(h->sub + S_DUMP_LEVEL);
	d->info.filtered = (h->version >= 1 && (d->info.dump_level & LEVEL_FILTERS)) ||
			   (h->status & STATUS_NO_VMEMMAP);
	snprintf(d->info.format_text, sizeof(d->info.format_text), "kdump v%u, %s", h->version,
		 h->status & IQ_KDUMP_ZLIB     ? "zlib"
		 : h->status & IQ_KDUMP_LZO    ? "lzo"
		 : h->status & IQ_KDUMP_SNAPPY ? "snappy"
		 : h->status & IQ_KDUMP_ZSTD   ? "zstd"
					       : "uncompressed");
}

/* A part of a split dump may be empty, and ends where the descriptors would begin. */
static bool has_pages(const struct iq_kdump *k)
{
	/* So much that a file of nothing but bitmaps is no normal one. */
	uint64_t most = 1024ull * IQ_CHUNK_PAGES;

	return k->end_pfn - k->start_pfn > most || iq_kdump_any_dumped(k, k->start_pfn, k->end_pfn);
}

/*
 * How many of ROOM descriptors, of which the first is there, were written?  In each file of a split
 * dump makedumpfile leaves room for those of all files, and the rest of it empty.
 */
static uint64_t count_written(const struct iq_kdump *k, uint64_t room)
{
	uint64_t low = 1;

	while (low < room) {
		uint64_t middle = low + (room - low) / 2;
		uint8_t bytes[IQ_DESC_BYTES];

		if (!iq_file_read_all(k->file, bytes, sizeof(bytes),
				      k->descs + middle * IQ_DESC_BYTES) &&
		    iq_kdump_parse_desc(bytes).offset)
			low = middle + 1;
		else
			room = middle;
	}
	return low;
}

/*
 * Does the file end before its last page?  The number of pages is known only when the whole bitmap
 * was counted, which opening must not do; but the data begins behind the last descriptor, and
 * with the zero page if that is shared, so that the first descriptor betrays their number.
 */
static bool ends_early(const struct iq_kdump *k)
{
	uint8_t bytes[IQ_DESC_WINDOW * IQ_DESC_BYTES];
	struct iq_desc desc;
	uint64_t data, end, last = 0;
	size_t nr;

	if (iq_file_read_all(k->file, bytes, IQ_DESC_BYTES, k->descs))
		return k->descs > k->file->size || has_pages(k);
	desc = iq_kdump_parse_desc(bytes);
	if (desc.offset <= k->descs || desc.offset > INT64_MAX)
		return false;
	data = desc.offset;
	if ((data - k->descs) % IQ_DESC_BYTES)
		data -= k->page_size;
	if (data <= k->descs || (data - k->descs) % IQ_DESC_BYTES)
		return false;
	if (data >= k->file->size)
		return true;
	end = (data - k->descs) / IQ_DESC_BYTES;
	if (k->split)
		end = count_written(k, end);
	nr = IQ_MIN(end, IQ_DESC_WINDOW);
	if (iq_file_read_all(k->file, bytes, nr * IQ_DESC_BYTES,
			     k->descs + (end - nr) * IQ_DESC_BYTES))
		return true;
	for (size_t i = 0; i < nr; i++) {
		desc = iq_kdump_parse_desc(bytes + i * IQ_DESC_BYTES);
		/* Anything senseless: this is not laid out as thought. */
		if (desc.offset < data || desc.size > k->page_size || desc.offset > INT64_MAX ||
		    desc.flags & ~IQ_KDUMP_PACKED)
			return false;
		last = IQ_MAX(last, desc.offset + desc.size);
	}
	return last > k->file->size;
}

static struct iq_error *open_headers(struct iq_dump *d, struct iq_kdump *k, struct iq_warnings *w)
{
	struct headers h = {0};

	IQ_TRY(read_headers(d, &h, w));
	take_facts(d, &h);
	IQ_TRY(lay_out(d, k, &h, w));
	take_split(k, &h);
	take_origin(k, &h);
	if (h.version >= 4 && iq_le64(h.sub + S_OFFSET_NOTE))
		IQ_TRY(iq_notes_read(d, iq_le64(h.sub + S_OFFSET_NOTE),
				     iq_le64(h.sub + S_SIZE_NOTE), w));
	IQ_TRY(take_vmcoreinfo(d, &h, w));
	take_uts(d, &h);
	d->info.erased = h.version >= 5 && iq_le64(h.sub + S_SIZE_ERASEINFO);
	if (d->info.erased)
		iq_warn(w, "some data in the dump was overwritten by makedumpfile --config");
	if (!d->info.truncated)
		d->info.truncated = ends_early(k);
	return NULL;
}

struct iq_error *iq_kdump_open(struct iq_dump *d, struct iq_warnings *w)
{
	struct iq_kdump_set *set = calloc(1, sizeof(*set));
	struct iq_kdump *k = calloc(1, sizeof(*k));

	if (set)
		set->part = calloc(1, sizeof(*set->part));
	if (!set || !k || !set->part) {
		if (set)
			free(set->part);
		free(set);
		free(k);
		return iq_error_nomem();
	}
	k->file = d->file;
	set->part[0] = k;
	set->nr = 1;
	d->format = &iq_kdump_format;
	d->format_data = set;
	d->info.format = IQ_DUMP_KDUMP;
	return open_headers(d, k, w);
}
