// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ELF cores: /proc/vmcore and copies of it, QEMU's dump-guest-memory, makedumpfile -E.  elf(5).
 *
 * A PT_LOAD segment is p_memsz bytes of physical memory at p_paddr, of which the first p_filesz lie
 * in the file.  What the rest is depends on the writer.  makedumpfile -E ends a segment where 256
 * pages or more in a row are left out, and makes p_memsz cover them: zero pages and pages that were
 * filtered out for another reason alike (write_elf_pages_cyclic()).  They read as zeros here, as
 * elf(5) has it and as crash reads them, since what is part of the kernel's own structures was left
 * out only if it was zero; a warning and iq_page_is_guess() say that others are zeros, too.  QEMU
 * marks a segment of which it has nothing with p_offset = -1: that is absent.
 *
 * A gap between segments is no RAM, or RAM that the crashed kernel did not offer: absent.
 *
 * Where segments overlap (/proc/vmcore shows the kernel's text twice) the bytes are the same; the
 * first one is read, and bytes of the file before a zero tail.
 */
#include "internal.h"
#include <elf.h>
#include <stdlib.h>

enum kind { KIND_DATA, KIND_ZERO };

struct iq_elf {
	struct iq_extents map; /* physical address -> file */
	/* Of the stretches of memory that the map has without a gap: the first extents. */
	uint32_t *ranges;
	unsigned int nr_ranges, ranges_room;
};

/* makedumpfile's mark in e_flags: DUMP_ELF_INCOMPLETE. */
#define ELF_INCOMPLETE 0x1u
/* A core with more program headers than this is no dump of a machine. */
#define MOST_SEGMENTS (1u << 20)
#define LIMIT (IQ_PFN_LIMIT * IQ_PAGE_MIN)

bool iq_elf_recognise(const uint8_t head[IQ_HEAD_LEN])
{
	return !memcmp(head, ELFMAG, SELFMAG) && head[EI_CLASS] == ELFCLASS64 &&
	       head[EI_DATA] == ELFDATA2LSB && iq_le16(head + 16) == ET_CORE;
}

/* One program header's worth of physical memory into the map. */
static bool add_segment(struct iq_dump *d, const Elf64_Phdr *ph, unsigned int index,
			struct iq_warnings *w)
{
	struct iq_elf *elf = d->format_data;
	/* Some writers leave p_memsz 0: what is in the file is there. */
	uint64_t memsz = ph->p_memsz ? ph->p_memsz : ph->p_filesz;
	uint64_t filesz = IQ_MIN(ph->p_filesz, memsz), end, data_end, file_end = 0;
	struct iq_extent e;

	/* /proc/kcore's segments without a physical address. */
	if (!memsz || ph->p_paddr == UINT64_MAX)
		return true;
	if (iq_add_overflows(ph->p_paddr, memsz, &end) || end > LIMIT) {
		iq_warn(w, "segment %u at physical address 0x%llx is beyond any machine: ignored",
			index, (unsigned long long)ph->p_paddr);
		return true;
	}
	if (ph->p_offset == UINT64_MAX)
		return true;
	if (filesz && (iq_add_overflows(ph->p_offset, filesz, &file_end) || file_end > INT64_MAX)) {
		iq_warn(w, "segment %u lies outside any file: ignored", index);
		return true;
	}
	if (filesz && file_end > d->file->size)
		d->info.truncated = true;
	data_end = ph->p_paddr + filesz;
	e = (struct iq_extent){.start = ph->p_paddr,
			       .end = data_end,
			       .pos = ph->p_offset,
			       .kind = KIND_DATA,
			       .priority = 2 * MOST_SEGMENTS - index};
	if (!iq_extents_add(&elf->map, &e))
		return false;
	if (end > data_end)
		d->info.filtered = true;
	e = (struct iq_extent){.start = data_end,
			       .end = end,
			       .pos = 0,
			       .kind = KIND_ZERO,
			       .priority = MOST_SEGMENTS - index};
	return iq_extents_add(&elf->map, &e);
}

static struct iq_error *take_header(struct iq_dump *d, const Elf64_Phdr *ph, unsigned int index,
				    struct iq_warnings *w)
{
	if (ph->p_type == PT_NOTE)
		return iq_notes_read(d, ph->p_offset, ph->p_filesz, w);
	if (ph->p_type == PT_LOAD && !add_segment(d, ph, index, w))
		return iq_error_nomem();
	return NULL;
}

/* The number of program headers: of more than 65534 it is in section header 0. */
static struct iq_error *count_headers(struct iq_dump *d, const Elf64_Ehdr *eh, uint64_t *ret)
{
	Elf64_Shdr sh;
	uint64_t bytes;

	*ret = eh->e_phnum;
	if (eh->e_phnum == PN_XNUM) {
		if (!eh->e_shoff || iq_file_read_all(d->file, &sh, sizeof(sh), eh->e_shoff))
			return iq_error_new(IQ_E_FORMAT, "the number of segments cannot be read");
		*ret = sh.sh_info;
	}
	if (*ret && eh->e_phentsize != sizeof(Elf64_Phdr))
		return iq_error_new(IQ_E_FORMAT, "program headers of %u bytes make no sense",
				    eh->e_phentsize);
	if (*ret > MOST_SEGMENTS)
		return iq_error_new(IQ_E_LIMIT, "%llu segments are more than a machine can have",
				    (unsigned long long)*ret);
	if (iq_add_overflows(eh->e_phoff, *ret * sizeof(Elf64_Phdr), &bytes) ||
	    eh->e_phoff >= d->file->size)
		return iq_error_new(IQ_E_FORMAT, "the program headers lie outside the file");
	if (bytes > d->file->size) {
		d->info.truncated = true;
		*ret = (d->file->size - eh->e_phoff) / sizeof(Elf64_Phdr);
	}
	return NULL;
}

static struct iq_error *take_headers(struct iq_dump *d, const Elf64_Ehdr *eh, struct iq_warnings *w)
{
	Elf64_Phdr ph[64];
	uint64_t nr;

	IQ_TRY(count_headers(d, eh, &nr));
	for (uint64_t i = 0; i < nr; i += IQ_ARRAY_SIZE(ph)) {
		size_t n = IQ_MIN(nr - i, IQ_ARRAY_SIZE(ph));
		ssize_t got =
			iq_file_read(d->file, ph, n * sizeof(*ph), eh->e_phoff + i * sizeof(*ph));

		if (got < (ssize_t)(n * sizeof(*ph)))
			d->info.truncated = true;
		n = got > 0 ? (size_t)got / sizeof(*ph) : 0;
		for (size_t k = 0; k < n; k++)
			IQ_TRY(take_header(d, &ph[k], (unsigned int)(i + k), w));
		if (d->info.truncated && n < IQ_ARRAY_SIZE(ph))
			break;
	}
	return NULL;
}

/* The kernel dumps a process with the notes of its auxiliary vector and files. */
static bool is_process(const struct iq_dump *d)
{
	unsigned int auxv = 0, file = 0;

	return !d->info.vmcoreinfo &&
	       (iq_dump_note(d, "CORE", NT_AUXV, &auxv) || iq_dump_note(d, "CORE", NT_FILE, &file));
}

/* Neighbours are one range, whatever they are made of. */
static bool find_ranges(struct iq_elf *elf)
{
	for (unsigned int i = 0; i < elf->map.nr; i++) {
		if (i && elf->map.e[i].start == elf->map.e[i - 1].end)
			continue;
		if (!iq_grow(&elf->ranges, &elf->ranges_room, elf->nr_ranges + 1, sizeof(*elf->ranges)))
			return false;
		elf->ranges[elf->nr_ranges++] = i;
	}
	return true;
}

static struct iq_error *find_facts(struct iq_dump *d, struct iq_warnings *w)
{
	struct iq_elf *elf = d->format_data;
	unsigned int from = 0, erased = 0;
	const struct iq_note *note = iq_dump_note(d, "VMCOREINFO", 0, &from);
	uint64_t end = 0;
	int64_t size;

	if (note)
		IQ_TRY(iq_vmcoreinfo_set(d, note->data, note->size));
	d->info.page_size = IQ_PAGE_MIN;
	if (iq_vmcoreinfo_dec(d->info.vmcoreinfo, d->info.vmcoreinfo_len, "PAGESIZE", &size)) {
		if (size >= IQ_PAGE_MIN && size <= IQ_PAGE_MAX && !(size & (size - 1)))
			d->info.page_size = (uint32_t)size;
		else
			iq_warn(w, "VMCOREINFO has a page size of %lld: 4096 is assumed",
				(long long)size);
	}
	d->info.erased = iq_dump_note(d, "ERASEINFO", 0, &erased);
	if (d->info.erased)
		iq_warn(w, "some data in the dump was overwritten by makedumpfile --config");
	if (!iq_extents_settle(&elf->map) || !find_ranges(elf))
		return iq_error_nomem();
	if (elf->map.nr)
		end = elf->map.e[elf->map.nr - 1].end;
	d->info.max_pfn = (end + d->info.page_size - 1) / d->info.page_size;
	if (d->info.machine == EM_NONE)
		d->info.machine = iq_notes_machine(d);
	return NULL;
}

static uint64_t file_offset(const struct iq_extent *e, uint64_t address)
{
	return e->pos + (address - e->start);
}

static enum iq_mem elf_state(struct iq_reader *r, uint64_t pfn)
{
	const struct iq_dump *d = r->dump;
	const struct iq_elf *elf = d->format_data;
	uint64_t at = pfn << r->page_shift, end = at + r->page_size;
	const struct iq_extent *e = iq_extents_find(&elf->map, at);
	const struct iq_extent *stop = elf->map.e + elf->map.nr;

	if (!e || e->start >= end)
		return IQ_MEM_ABSENT;
	for (; e < stop && e->start < end; e++) {
		uint64_t to = IQ_MIN(e->end, end);

		if (e->kind == KIND_DATA && file_offset(e, to) > d->file->size)
			return IQ_MEM_TRUNCATED;
	}
	return IQ_MEM_OK;
}

static enum iq_mem elf_load(struct iq_reader *r, uint64_t pfn, uint8_t *page,
			    struct iq_loaded *loaded)
{
	const struct iq_dump *d = r->dump;
	const struct iq_elf *elf = d->format_data;
	uint64_t start = pfn << r->page_shift, at = start, end = start + r->page_size;
	const struct iq_extent *e = iq_extents_find(&elf->map, start);
	const struct iq_extent *stop = elf->map.e + elf->map.nr;
	bool data = false;

	if (!e || e->start >= end)
		return IQ_MEM_ABSENT;
	for (; e < stop && e->start < end; e++) {
		uint64_t from = IQ_MAX(e->start, at), to = IQ_MIN(e->end, end);

		if (from > at) {
			memset(page + (at - start), 0, from - at);
			loaded->partial = true;
		}
		if (e->kind == KIND_DATA) {
			enum iq_mem why = iq_file_read_all(d->file, page + (from - start),
							   to - from, file_offset(e, from));

			if (why)
				return why;
			data = true;
		} else {
			memset(page + (from - start), 0, to - from);
		}
		at = to;
	}
	if (at < end) {
		memset(page + (at - start), 0, end - at);
		loaded->partial = true;
	}
	if (!loaded->partial)
		loaded->zero = !data || iq_is_zero(page, r->page_size);
	return IQ_MEM_OK;
}

static size_t elf_covered(const struct iq_dump *d, uint64_t address, size_t len)
{
	const struct iq_elf *elf = d->format_data;
	const struct iq_extent *e = iq_extents_find(&elf->map, address);
	const struct iq_extent *stop = elf->map.e + elf->map.nr;
	uint64_t at = address, end = address + len;

	for (; e && e < stop && e->start <= at && at < end; e++)
		at = IQ_MIN(e->end, end);
	return (size_t)(at - address);
}

static bool elf_is_guess(const struct iq_dump *d, uint64_t pfn)
{
	const struct iq_elf *elf = d->format_data;
	uint64_t at = pfn * d->info.page_size, end = at + d->info.page_size;
	const struct iq_extent *e = iq_extents_find(&elf->map, at);
	const struct iq_extent *stop = elf->map.e + elf->map.nr;

	for (; e && e < stop && e->start < end; e++) {
		if (e->kind == KIND_ZERO)
			return true;
	}
	return false;
}

static uint64_t elf_next(const struct iq_dump *d, uint64_t pfn)
{
	const struct iq_elf *elf = d->format_data;
	const struct iq_extent *e = iq_extents_find(&elf->map, pfn * d->info.page_size);

	return e ? IQ_MAX(pfn, e->start / d->info.page_size) : d->info.max_pfn;
}

/* NR whole pages from PFN on that lie in the file at OFFSET, at most IQ_RUN_BYTES. */
static bool scan_run(struct iq_reader *r, uint64_t pfn, uint64_t nr, uint64_t offset,
		     struct iq_sink *sink)
{
	ssize_t got = iq_file_read(r->dump->file, r->run, nr << r->page_shift, offset);
	uint64_t whole = got > 0 ? (uint64_t)got >> r->page_shift : 0;

	for (uint64_t i = 0; i < whole; i++) {
		const uint8_t *page = r->run + (i << r->page_shift);

		if (!iq_sink_page(sink, pfn + i, iq_is_zero(page, r->page_size) ? NULL : page))
			return false;
	}
	sink->missing[got < 0 ? IQ_MEM_IO : IQ_MEM_TRUNCATED] += nr - whole;
	return true;
}

static bool scan_zeros(uint64_t pfn, uint64_t nr, struct iq_sink *sink)
{
	for (uint64_t i = 0; i < nr; i++) {
		if (!iq_sink_page(sink, pfn + i, NULL))
			return false;
	}
	return true;
}

/* The NR whole pages from PFN on are in one extent of the file: holes of a sparse file are zero. */
static bool scan_data(struct iq_reader *r, uint64_t pfn, uint64_t nr, uint64_t offset,
		      struct iq_sink *sink)
{
	uint64_t most = IQ_RUN_BYTES >> r->page_shift;

	while (nr) {
		uint64_t start, stop, holes, run;

		iq_file_next_data(r->dump->file, offset, offset + (nr << r->page_shift), &start,
				  &stop);
		holes = (start - offset) >> r->page_shift;
		if (!scan_zeros(pfn, holes, sink))
			return false;
		pfn += holes;
		nr -= holes;
		offset += holes << r->page_shift;
		/* To the end of the page in which the data ends. */
		run = IQ_MIN((stop - offset + r->page_size - 1) >> r->page_shift, nr);
		while (run) {
			uint64_t n = IQ_MIN(run, most);

			if (!scan_run(r, pfn, n, offset, sink))
				return false;
			pfn += n;
			nr -= n;
			run -= n;
			offset += n << r->page_shift;
		}
	}
	return true;
}

/* A page that is not in one piece. */
static bool scan_odd_page(struct iq_reader *r, uint64_t pfn, struct iq_sink *sink)
{
	struct iq_loaded loaded = {0};
	enum iq_mem why = elf_load(r, pfn, r->scan_page, &loaded);

	if (why) {
		sink->missing[why]++;
		return true;
	}
	return iq_sink_page(sink, pfn,
			    loaded.zero || iq_is_zero(r->scan_page, r->page_size) ? NULL
										  : r->scan_page);
}

static bool elf_scan(struct iq_reader *r, uint64_t pfn, uint64_t end, struct iq_sink *sink)
{
	const struct iq_elf *elf = r->dump->format_data;

	while (pfn < end) {
		uint64_t address = pfn << r->page_shift, stop = end << r->page_shift, nr;
		const struct iq_extent *e = iq_extents_find(&elf->map, address);
		bool go_on;

		if (!e || e->start >= stop) {
			sink->missing[IQ_MEM_ABSENT] += end - pfn;
			return true;
		}
		if (e->start > address && (e->start >> r->page_shift) > pfn) {
			nr = (e->start >> r->page_shift) - pfn;
			sink->missing[IQ_MEM_ABSENT] += nr;
			pfn += nr;
			continue;
		}
		nr = (IQ_MIN(e->end, stop) - address) >> r->page_shift;
		if (e->start > address || !nr) {
			nr = 1;
			go_on = scan_odd_page(r, pfn, sink);
		} else if (e->kind == KIND_DATA) {
			go_on = scan_data(r, pfn, nr, file_offset(e, address), sink);
		} else {
			go_on = scan_zeros(pfn, nr, sink);
		}
		if (!go_on)
			return false;
		pfn += nr;
	}
	return true;
}

static bool elf_range(const struct iq_dump *d, unsigned int index, uint64_t *start, uint64_t *end)
{
	const struct iq_elf *elf = d->format_data;
	unsigned int next;

	if (index >= elf->nr_ranges)
		return false;
	next = index + 1 < elf->nr_ranges ? elf->ranges[index + 1] : elf->map.nr;
	*start = elf->map.e[elf->ranges[index]].start;
	*end = elf->map.e[next - 1].end;
	return true;
}

static void elf_close(struct iq_dump *d)
{
	struct iq_elf *elf = d->format_data;

	iq_extents_free(&elf->map);
	free(elf->ranges);
	free(elf);
}

static const struct iq_format elf_format = {
	.state = elf_state,
	.load = elf_load,
	.covered = elf_covered,
	.is_guess = elf_is_guess,
	.next = elf_next,
	.scan = elf_scan,
	.range = elf_range,
	.close = elf_close,
};

struct iq_error *iq_elf_open(struct iq_dump *d, struct iq_warnings *w)
{
	struct iq_elf *elf = calloc(1, sizeof(*elf));
	Elf64_Ehdr eh;

	if (!elf)
		return iq_error_nomem();
	d->format = &elf_format;
	d->format_data = elf;
	d->info.format = IQ_DUMP_ELF;
	snprintf(d->info.format_text, sizeof(d->info.format_text), "ELF core");
	/* Not e_ehsize: QEMU 7.2 writes 8 there. */
	if (iq_file_read_all(d->file, &eh, sizeof(eh), 0))
		return iq_error_new(IQ_E_FORMAT, "the file ends inside its ELF header");
	d->info.machine = eh.e_machine;
	d->info.incomplete = eh.e_flags & ELF_INCOMPLETE;
	IQ_TRY(take_headers(d, &eh, w));
	IQ_TRY(find_facts(d, w));
	if (is_process(d))
		return iq_error_new(IQ_E_FORMAT, "the core of a process, not the dump of a kernel");
	if (!elf->map.nr)
		return iq_error_new(IQ_E_FORMAT, "an ELF core without any memory in it");
	if (d->info.filtered)
		iq_warn(w, "pages that were left out of this ELF dump cannot be told from zero "
			   "pages: both read as zeros");
	return NULL;
}
