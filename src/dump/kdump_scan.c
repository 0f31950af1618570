// SPDX-License-Identifier: GPL-2.0-or-later
/* kdump-compressed dumps: all pages of a unit, with few and large reads. */
#include "kdump.h"
#include <stdlib.h>

/* Data that lies this near behind the last page is read along with it. */
#define NEAR 4096u

/* The page frames of a unit that are in one part. */
struct unit {
	struct iq_reader *r;
	struct iq_kdump *k;
	struct iq_sink *sink;
	uint64_t zero_offset;
	const uint8_t *descs; /* of the pages of the unit that are in the file */
	size_t nr_descs; /* that could be read */
	enum iq_mem descs_why; /* what the others are */
	uint64_t run_start; /* what r->run holds */
	size_t run_len;
};

static struct iq_desc desc_at(const struct unit *u, size_t i)
{
	return iq_kdump_parse_desc(u->descs + i * IQ_DESC_BYTES);
}

/* Fill the run with the data of page number I of the unit and of those that follow it in the file. */
static enum iq_mem fill_run(struct unit *u, size_t i)
{
	struct iq_desc desc = desc_at(u, i);
	uint64_t start = desc.offset, end = start + desc.size;
	ssize_t got;

	for (size_t k = i + 1; k < u->nr_descs; k++) {
		desc = desc_at(u, k);
		if (desc.offset == u->zero_offset)
			continue;
		if (iq_kdump_check_desc(u->k, &desc) || desc.offset < end ||
		    desc.offset > end + NEAR || desc.offset + desc.size > start + IQ_RUN_BYTES)
			break;
		end = desc.offset + desc.size;
	}
	got = iq_file_read(u->k->file, u->r->run, end - start, start);
	u->run_start = start;
	u->run_len = got < 0 ? 0 : (size_t)got;
	return got < 0 ? IQ_MEM_IO : IQ_MEM_OK;
}

/* The bytes of page number I of the unit, in its run or the scratch page; NULL: zeros. */
static enum iq_mem unpack(struct unit *u, size_t i, const struct iq_desc *desc,
			  const uint8_t **page)
{
	const uint8_t *data;
	enum iq_mem why;
	bool zero;

	if (desc->offset < u->run_start || desc->offset + desc->size > u->run_start + u->run_len) {
		why = fill_run(u, i);
		if (why)
			return why;
		if (u->run_len < desc->size)
			return IQ_MEM_TRUNCATED;
	}
	data = u->r->run + (desc->offset - u->run_start);
	if (!desc->flags && (uintptr_t)data % 8 == 0) {
		*page = iq_is_zero(data, u->r->page_size) ? NULL : data;
		return IQ_MEM_OK;
	}
	why = iq_codec_page(&u->r->codec, desc->flags, data, desc->size, u->r->scan_page,
			    u->r->page_size, &zero);
	*page = zero ? NULL : u->r->scan_page;
	return why;
}

static bool show_page(struct unit *u, size_t i, uint64_t pfn)
{
	const uint8_t *page;
	struct iq_desc desc;
	enum iq_mem why;

	if (i >= u->nr_descs) {
		u->sink->missing[u->descs_why]++;
		return true;
	}
	desc = desc_at(u, i);
	why = iq_kdump_check_desc(u->k, &desc);
	if (!why && desc.offset == u->zero_offset)
		return iq_sink_page(u->sink, pfn, NULL);
	if (!why)
		why = unpack(u, i, &desc, &page);
	if (why) {
		u->sink->missing[why]++;
		return true;
	}
	if (!page) {
		iq_kdump_learn_zero(u->k, desc.offset);
		u->zero_offset = atomic_load_explicit(&u->k->zero_offset, memory_order_relaxed);
	}
	return iq_sink_page(u->sink, pfn, page);
}

/* Read the descriptors of the unit, of which PFN is the first page in the file. */
static void read_descs(struct unit *u, uint64_t pfn)
{
	struct iq_kdump_windows *win = u->r->format_data;
	uint64_t rank;
	ssize_t got;

	u->descs_why = iq_kdump_rank(win, pfn, &rank);
	if (u->descs_why)
		return;
	u->descs_why = IQ_MEM_TRUNCATED;
	got = iq_file_read(u->k->file, win->unit_descs, IQ_UNIT_PAGES * IQ_DESC_BYTES,
			   u->k->descs + rank * IQ_DESC_BYTES);
	if (got < 0)
		u->descs_why = IQ_MEM_IO;
	else
		u->nr_descs = (size_t)got / IQ_DESC_BYTES;
	u->descs = win->unit_descs;
}

/* Is PFN, which is not in the file, RAM? */
static enum iq_mem why_not(const struct iq_kdump_windows *win, uint64_t pfn)
{
	uint64_t i = pfn % IQ_CHUNK_PAGES;

	/* Shown by scan_part(): a unit does not straddle chunks. */
	if (i / 8 >= win->ram.len)
		return win->ram.why;
	return win->ram.bits[i / 8] >> i % 8 & 1 ? IQ_MEM_EXCLUDED : IQ_MEM_ABSENT;
}

static bool make_room(struct iq_kdump_windows *win)
{
	if (!win->unit_descs)
		win->unit_descs = malloc(IQ_UNIT_PAGES * IQ_DESC_BYTES);
	return win->unit_descs;
}

/* The page frames [FIRST, END), all of which are K's. */
static bool scan_part(struct iq_reader *r, struct iq_kdump *k, uint64_t first, uint64_t end,
		      struct iq_sink *sink)
{
	struct iq_kdump_windows *win = r->format_data;
	struct unit u = {.r = r, .k = k, .sink = sink};
	size_t n = 0;

	u.zero_offset = atomic_load_explicit(&k->zero_offset, memory_order_relaxed);
	iq_kdump_turn(win, k);
	/* What these say is looked up for each page. */
	(void)iq_kdump_show_dumped(win, first);
	(void)iq_kdump_show_ram(win, first);
	for (uint64_t pfn = first; pfn < end; pfn++) {
		uint64_t i = pfn % IQ_CHUNK_PAGES;

		if (i / 8 >= win->dumped.len) {
			sink->missing[win->dumped.why]++;
		} else if (!(win->dumped.bits[i / 8] >> i % 8 & 1)) {
			sink->missing[why_not(win, pfn)]++;
		} else {
			if (!n)
				read_descs(&u, pfn);
			if (!show_page(&u, n++, pfn))
				return false;
		}
	}
	return true;
}

bool iq_kdump_scan(struct iq_reader *r, uint64_t first, uint64_t end, struct iq_sink *sink)
{
	if (!make_room(r->format_data)) {
		sink->missing[IQ_MEM_IO] += end - first;
		return true;
	}
	while (first < end) {
		struct iq_kdump *k = iq_kdump_part(r->dump->format_data, first);
		uint64_t start = k ? IQ_MIN(IQ_MAX(k->start_pfn, first), end) : end;
		uint64_t stop = k ? IQ_MIN(k->end_pfn, end) : end;

		sink->missing[IQ_MEM_ABSENT] += start - first;
		if (start < stop && !scan_part(r, k, start, stop, sink))
			return false;
		first = IQ_MAX(start, stop);
	}
	return true;
}
