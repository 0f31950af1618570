// SPDX-License-Identifier: GPL-2.0-or-later
/* kdump-compressed dumps: from a page frame to its bytes. */
#include "kdump.h"
#include <stdlib.h>

struct iq_desc iq_kdump_parse_desc(const uint8_t *bytes)
{
	return (struct iq_desc){
		.offset = iq_le64(bytes), .size = iq_le32(bytes + 8), .flags = iq_le32(bytes + 12)};
}

static unsigned int popcount(uint64_t x)
{
	/* Without the instruction, which not every x86-64 has, the builtin is a call. */
	x -= x >> 1 & 0x5555555555555555;
	x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned int)(x * 0x0101010101010101 >> 56);
}

static uint32_t count_bits(const uint8_t *bits, size_t len)
{
	uint32_t n = 0;
	size_t i = 0;

	for (; i + 8 <= len; i += 8)
		n += popcount(iq_le64(bits + i));
	for (; i < len; i++)
		n += popcount(bits[i]);
	return n;
}

/* Clear the bits of BITS, which begin with bit number FIRST, that are below bit number BEFORE. */
static void clear_below(uint8_t *bits, size_t len, uint64_t first, uint64_t before)
{
	uint64_t n;

	if (before <= first)
		return;
	n = IQ_MIN(before - first, len * 8);
	memset(bits, 0, n / 8);
	if (n % 8)
		bits[n / 8] &= (uint8_t)(0xff << n % 8);
}

bool iq_kdump_any_dumped(const struct iq_kdump *k, uint64_t first, uint64_t end)
{
	uint8_t bits[IQ_CHUNK_BYTES];

	for (uint64_t chunk = first / IQ_CHUNK_PAGES; chunk * IQ_CHUNK_PAGES < end; chunk++) {
		uint64_t at = chunk * IQ_CHUNK_PAGES, len = IQ_MIN(end - at, IQ_CHUNK_PAGES);
		ssize_t got = iq_file_read(k->file, bits, (len + 7) / 8,
					   k->bitmap2 + chunk * IQ_CHUNK_BYTES);

		if (got <= 0)
			break;
		clear_below(bits, (size_t)got, at, first);
		/* Behind END there may be bits of page frames that another file has. */
		if (len % 8 && (size_t)got == (len + 7) / 8)
			bits[len / 8] &= (uint8_t)((1u << len % 8) - 1);
		if (count_bits(bits, (size_t)got))
			return true;
	}
	return false;
}

/*
 * The number of descriptors in front of those of CHUNK.  Counts from the last chunk that is known;
 * that there is one in front of any is what rank[0] is for.
 */
static enum iq_mem rank_of_chunk(struct iq_kdump *k, uint64_t chunk, uint64_t *ret)
{
	uint64_t at = chunk, known;

	while (!(known = atomic_load_explicit(&k->rank[at], memory_order_relaxed)))
		at--;
	for (; at < chunk; at++) {
		uint64_t first = at * IQ_CHUNK_PAGES;
		uint8_t bits[IQ_CHUNK_BYTES];

		/* Of a split set's member, the descriptors begin with its first page frame. */
		if (first + IQ_CHUNK_PAGES > k->start_pfn) {
			enum iq_mem why = iq_file_read_all(k->file, bits, sizeof(bits),
							   k->bitmap2 + at * IQ_CHUNK_BYTES);

			if (why)
				return why;
			clear_below(bits, sizeof(bits), first, k->start_pfn);
			known += count_bits(bits, sizeof(bits));
		}
		atomic_store_explicit(&k->rank[at + 1], known, memory_order_relaxed);
	}
	*ret = known - 1;
	return IQ_MEM_OK;
}

/* Make WIN show the chunk of the bitmap at OFFSET that holds PFN; not OK: the file ends before it. */
static enum iq_mem show(const struct iq_kdump *k, struct iq_bitmap_window *win, uint64_t offset,
			uint64_t pfn, bool *moved)
{
	uint64_t chunk = pfn / IQ_CHUNK_PAGES;

	*moved = win->chunk != chunk;
	if (*moved) {
		uint64_t bytes = (k->max_pfn + 7) / 8 - chunk * IQ_CHUNK_BYTES;
		ssize_t got = iq_file_read(k->file, win->bits, IQ_MIN(bytes, IQ_CHUNK_BYTES),
					   offset + chunk * IQ_CHUNK_BYTES);

		win->chunk = chunk;
		win->why = got < 0 ? IQ_MEM_IO : IQ_MEM_TRUNCATED;
		win->len = got < 0 ? 0 : (uint32_t)got;
		memset(win->bits + win->len, 0, IQ_CHUNK_BYTES - win->len);
	}
	return pfn % IQ_CHUNK_PAGES / 8 < win->len ? IQ_MEM_OK : win->why;
}

enum iq_mem iq_kdump_show_ram(struct iq_kdump_windows *win, uint64_t pfn)
{
	bool moved;

	return show(win->part, &win->ram, win->part->bitmap1, pfn, &moved);
}

enum iq_mem iq_kdump_show_dumped(struct iq_kdump_windows *win, uint64_t pfn)
{
	const struct iq_kdump *k = win->part;
	enum iq_mem why;
	uint32_t n = 0;
	bool moved;

	why = show(k, &win->dumped, k->bitmap2, pfn, &moved);
	if (!moved)
		return why;
	clear_below(win->dumped.bits, IQ_CHUNK_BYTES, win->dumped.chunk * IQ_CHUNK_PAGES,
		    k->start_pfn);
	for (unsigned int i = 0; i < IQ_STEPS; i++) {
		win->steps[i] = (uint16_t)n;
		n += count_bits(win->dumped.bits + i * IQ_STEP_BYTES, IQ_STEP_BYTES);
	}
	win->rank_known = false;
	return why;
}

static bool bit(const struct iq_bitmap_window *win, uint64_t pfn)
{
	uint64_t i = pfn % IQ_CHUNK_PAGES;

	return win->bits[i / 8] >> i % 8 & 1;
}

struct iq_kdump *iq_kdump_part(const struct iq_kdump_set *set, uint64_t pfn)
{
	unsigned int low = 0, high = set->nr;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (set->part[middle]->end_pfn > pfn)
			high = middle;
		else
			low = middle + 1;
	}
	return low < set->nr ? set->part[low] : NULL;
}

void iq_kdump_turn(struct iq_kdump_windows *win, struct iq_kdump *part)
{
	if (win->part == part)
		return;
	win->part = part;
	win->ram.chunk = win->dumped.chunk = UINT64_MAX;
	win->nr_descs = 0;
	win->packed_end = UINT64_MAX;
	win->ahead_len = 0;
}

enum iq_mem iq_kdump_rank(struct iq_kdump_windows *win, uint64_t pfn, uint64_t *rank)
{
	uint64_t i = pfn % IQ_CHUNK_PAGES, step = i / 8 / IQ_STEP_BYTES, before;
	const uint8_t *bits = win->dumped.bits + step * IQ_STEP_BYTES;
	enum iq_mem why;

	why = iq_kdump_show_dumped(win, pfn);
	if (why)
		return why;
	if (!bit(&win->dumped, pfn)) {
		why = iq_kdump_show_ram(win, pfn);
		return why ? why : bit(&win->ram, pfn) ? IQ_MEM_EXCLUDED : IQ_MEM_ABSENT;
	}
	if (!win->rank_known) {
		why = rank_of_chunk(win->part, win->dumped.chunk, &win->rank);
		if (why)
			return why;
		win->rank_known = true;
	}
	before = i % (IQ_STEP_BYTES * 8);
	*rank = win->rank + win->steps[step] + count_bits(bits, before / 8) +
		popcount(bits[before / 8] & ((1u << before % 8) - 1));
	return IQ_MEM_OK;
}

enum iq_mem iq_kdump_check_desc(const struct iq_kdump *k, const struct iq_desc *desc)
{
	uint32_t packed = desc->flags & IQ_KDUMP_PACKED;

	/* A hole where makedumpfile would have written the descriptor, had it come so far. */
	if (!desc->offset && !desc->size && !desc->flags)
		return IQ_MEM_ABSENT;
	if (desc->flags & ~IQ_KDUMP_PACKED || packed & (packed - 1))
		return IQ_MEM_DAMAGED;
	if (packed ? !desc->size || desc->size > IQ_PACKED_ROOM(k->page_size)
		   : desc->size != k->page_size)
		return IQ_MEM_DAMAGED;
	if (desc->offset < k->descs || desc->offset > INT64_MAX)
		return IQ_MEM_DAMAGED;
	return desc->offset + desc->size > k->file->size ? IQ_MEM_TRUNCATED : IQ_MEM_OK;
}

static enum iq_mem find_desc(struct iq_reader *r, uint64_t pfn, struct iq_desc *desc)
{
	struct iq_kdump *k = iq_kdump_part(r->dump->format_data, pfn);
	struct iq_kdump_windows *win = r->format_data;
	uint64_t rank;
	enum iq_mem why;

	if (!k || pfn < k->start_pfn)
		return IQ_MEM_ABSENT;
	iq_kdump_turn(win, k);
	why = iq_kdump_rank(win, pfn, &rank);
	if (why)
		return why;
	if (rank < win->first_desc || rank - win->first_desc >= win->nr_descs) {
		uint64_t first = rank - rank % IQ_DESC_WINDOW;
		ssize_t got = iq_file_read(k->file, win->descs, sizeof(win->descs),
					   k->descs + first * IQ_DESC_BYTES);

		win->nr_descs = 0;
		if (got < 0)
			return IQ_MEM_IO;
		win->first_desc = first;
		win->nr_descs = (uint32_t)((size_t)got / IQ_DESC_BYTES);
		if (rank - first >= win->nr_descs)
			return IQ_MEM_TRUNCATED;
	}
	*desc = iq_kdump_parse_desc(win->descs + (rank - win->first_desc) * IQ_DESC_BYTES);
	return iq_kdump_check_desc(k, desc);
}

static enum iq_mem kdump_state(struct iq_reader *r, uint64_t pfn)
{
	struct iq_desc desc;

	return find_desc(r, pfn, &desc);
}

/* Who asks for pages that lie this close to each other asks for more of them. */
#define NEAR 8192u
#define AHEAD (32u * 1024)

/* The compressed bytes of a page, valid until the next call. */
static enum iq_mem packed_bytes(struct iq_reader *r, const struct iq_desc *desc,
				const uint8_t **ret)
{
	struct iq_kdump_windows *win = r->format_data;
	struct iq_file *file = win->part->file;
	bool near = desc->offset - win->packed_end < NEAR;
	uint64_t at = desc->offset - win->ahead_offset;
	ssize_t got;

	win->packed_end = desc->offset + desc->size;
	*ret = r->packed;
	if (near && !win->ahead)
		win->ahead = malloc(AHEAD);
	if (!near || !win->ahead || desc->size > AHEAD)
		return iq_file_read_all(file, r->packed, desc->size, desc->offset);
	if (at >= win->ahead_len || desc->size > win->ahead_len - at) {
		got = iq_file_read(file, win->ahead, AHEAD, desc->offset);
		win->ahead_offset = desc->offset;
		win->ahead_len = got < 0 ? 0 : (uint32_t)got;
		at = 0;
		if (win->ahead_len < desc->size)
			return got < 0 ? IQ_MEM_IO : IQ_MEM_TRUNCATED;
	}
	*ret = win->ahead + at;
	return IQ_MEM_OK;
}

static enum iq_mem kdump_load(struct iq_reader *r, uint64_t pfn, uint8_t *page,
			      struct iq_loaded *loaded)
{
	const struct iq_kdump_windows *win = r->format_data;
	struct iq_desc desc;
	enum iq_mem why = find_desc(r, pfn, &desc);
	struct iq_kdump *k;

	if (why)
		return why;
	k = win->part;
	if (desc.offset == atomic_load_explicit(&k->zero_offset, memory_order_relaxed)) {
		loaded->zero = true;
		return IQ_MEM_OK;
	}
	if (!desc.flags) {
		why = iq_file_read_all(k->file, page, r->page_size, desc.offset);
		loaded->zero = !why && iq_is_zero(page, r->page_size);
	} else {
		const uint8_t *packed;

		why = packed_bytes(r, &desc, &packed);
		if (!why)
			why = iq_codec_page(&r->codec, desc.flags, packed, desc.size, page,
					    r->page_size, &loaded->zero);
	}
	if (!why && loaded->zero)
		iq_kdump_learn_zero(k, desc.offset);
	return why;
}

void iq_kdump_learn_zero(struct iq_kdump *k, uint64_t offset)
{
	if (!atomic_load_explicit(&k->zero_offset, memory_order_relaxed))
		atomic_store_explicit(&k->zero_offset, offset, memory_order_relaxed);
}

/* Whether a page is there costs a look at the bitmap, which iq_kdump_scan() does anyway. */
static uint64_t kdump_next(const struct iq_dump *d, uint64_t pfn)
{
	const struct iq_kdump *k = iq_kdump_part(d->format_data, pfn);

	return k ? IQ_MAX(pfn, k->start_pfn) : d->info.max_pfn;
}

static bool kdump_range(const struct iq_dump *d, unsigned int index, uint64_t *start, uint64_t *end)
{
	if (index)
		return false;
	*start = 0;
	*end = d->info.max_pfn * d->info.page_size;
	return true;
}

static void kdump_close(struct iq_dump *d)
{
	struct iq_kdump_set *set = d->format_data;

	for (unsigned int i = 0; i < set->nr; i++) {
		if (set->part[i]->file != d->file)
			iq_file_close(set->part[i]->file);
		free(set->part[i]->rank);
		free(set->part[i]);
	}
	free(set->part);
	free(set);
}

static struct iq_error *kdump_reader_open(struct iq_reader *r)
{
	struct iq_kdump_windows *win = calloc(1, sizeof(*win));

	if (!win)
		return iq_error_nomem();
	r->format_data = win;
	return NULL;
}

static void kdump_reader_close(struct iq_reader *r)
{
	struct iq_kdump_windows *win = r->format_data;

	if (win) {
		free(win->unit_descs);
		free(win->ahead);
	}
	free(win);
}

const struct iq_format iq_kdump_format = {
	.state = kdump_state,
	.load = kdump_load,
	.next = kdump_next,
	.packed = true,
	.scan = iq_kdump_scan,
	.range = kdump_range,
	.close = kdump_close,
	.reader_open = kdump_reader_open,
	.reader_close = kdump_reader_close,
};
