// SPDX-License-Identifier: GPL-2.0-or-later
/* Physical memory that is put together from pieces of a file; see image.h. */
#include "image.h"
#include <elf.h>
#include <libdeflate.h>
#include <snappy-c.h>
#include <stdlib.h>

#define LIMIT (IQ_PFN_LIMIT * IQ_PAGE_MIN)

/* A reader's part: the block that was decompressed last, and what the scan's buffer holds. */
struct image_reader {
	struct libdeflate_decompressor *deflate;
	uint32_t block; /* its run; UINT32_MAX: none */
	uint32_t block_len;
	uint64_t window; /* where in the file r->run begins */
	size_t window_len;
	_Alignas(64) uint8_t bytes[IQ_BLOCK_MOST];
	uint8_t packed[2 * IQ_BLOCK_MOST];
};

static uint32_t kind_of(const struct iq_extent *e)
{
	return IQ_MIN(e->kind, (uint32_t)IQ_PIECE_FILL);
}

/* ---- Adding ------------------------------------------------------------------------------------- */

/*
 * Extents that continue each other are joined if their kinds are the same and their positions too.
 * Of one run all pieces may be joined again, of two different ones none but fills: each run gets
 * positions of its own.
 */
static uint64_t place(struct iq_image *m, uint32_t kind, uint64_t address, uint64_t len)
{
	uint64_t at = m->next_place;

	if (kind >= IQ_PIECE_FILL)
		return address;
	m->next_place += len + 1;
	return at;
}

/* The run behind the last one; every run has one extent until all are settled. */
static struct iq_error *add(struct iq_image *m, uint32_t kind, const struct iq_run *run,
			    uint64_t len)
{
	uint64_t end;

	if (!len)
		return NULL;
	if (iq_add_overflows(run->start, len, &end) || end > LIMIT)
		return iq_error_new(IQ_E_FORMAT, "memory at 0x%llx is beyond any machine",
				    (unsigned long long)run->start);
	if (run->pos > INT64_MAX)
		return iq_error_new(IQ_E_FORMAT, "memory that lies outside any file");
	if (m->map.nr >= UINT32_MAX / 4)
		return iq_error_new(IQ_E_LIMIT, "too many pieces of memory");
	if (!iq_grow(&m->runs, &m->runs_room, m->map.nr + 1, sizeof(*m->runs)))
		return iq_error_nomem();
	m->runs[m->map.nr] = *run;
	if (!iq_extents_add(&m->map, &(struct iq_extent){.start = run->start,
							 .end = end,
							 .pos = place(m, kind, run->start, len),
							 .kind = kind,
							 .priority = m->map.nr}))
		return iq_error_nomem();
	return NULL;
}

struct iq_error *iq_image_add(struct iq_image *m, uint64_t address, uint64_t len, uint64_t pos)
{
	uint64_t end;

	if (iq_add_overflows(pos, len, &end) || end > INT64_MAX)
		return iq_error_new(IQ_E_FORMAT, "memory that lies outside any file");
	return add(m, IQ_PIECE_FILE, &(struct iq_run){.start = address, .pos = pos}, len);
}

struct iq_error *iq_image_add_page(struct iq_image *m, uint64_t address, uint64_t pos)
{
	struct iq_extent *last = m->map.nr ? &m->map.e[m->map.nr - 1] : NULL;
	uint64_t pages = last ? (last->end - last->start) / IQ_PAGE_MIN : 0;

	if (last && last->kind == IQ_PIECE_PAGES && last->end == address &&
	    address <= LIMIT - IQ_PAGE_MIN &&
	    m->runs[m->map.nr - 1].pos + pages * IQ_PAGE_STRIDE == pos) {
		last->end += IQ_PAGE_MIN;
		m->next_place += IQ_PAGE_MIN;
		return NULL;
	}
	return add(m, IQ_PIECE_PAGES, &(struct iq_run){.start = address, .pos = pos}, IQ_PAGE_MIN);
}

struct iq_error *iq_image_add_fill(struct iq_image *m, uint64_t address, uint64_t len, uint8_t byte)
{
	struct iq_extent *last = m->map.nr ? &m->map.e[m->map.nr - 1] : NULL;

	if (last && last->kind == (uint32_t)IQ_PIECE_FILL + byte && last->end == address &&
	    len <= LIMIT && address <= LIMIT - len) {
		last->end += len;
		return NULL;
	}
	return add(m, IQ_PIECE_FILL + byte, &(struct iq_run){.start = address}, len);
}

struct iq_error *iq_image_add_block(struct iq_image *m, enum iq_piece kind, uint64_t address,
				    uint32_t len, uint64_t pos, uint32_t packed)
{
	if (!len || len > IQ_BLOCK_MOST || !packed || packed > 2 * IQ_BLOCK_MOST)
		return iq_error_new(IQ_E_FORMAT, "a compressed block of a senseless size");
	return add(m, kind,
		   &(struct iq_run){.start = address, .pos = pos, .packed = packed, .len = len},
		   len);
}

/* ---- Reading ------------------------------------------------------------------------------------ */

static const struct iq_run *run_of(const struct iq_image *m, const struct iq_extent *e)
{
	return &m->runs[e->priority];
}

/* Where in the file the byte at ADDRESS lies; of a block, where the block begins. */
static uint64_t file_pos(const struct iq_image *m, const struct iq_extent *e, uint64_t address)
{
	const struct iq_run *run = run_of(m, e);
	uint64_t at = address - run->start;

	switch (kind_of(e)) {
	case IQ_PIECE_FILE:
		return run->pos + at;
	case IQ_PIECE_PAGES:
		return run->pos + at / IQ_PAGE_MIN * IQ_PAGE_STRIDE + at % IQ_PAGE_MIN;
	}
	return run->pos;
}

/* The end in the file of what is needed to read [.., TO) of E. */
static uint64_t file_end(const struct iq_image *m, const struct iq_extent *e, uint64_t to)
{
	switch (kind_of(e)) {
	case IQ_PIECE_FILE:
	case IQ_PIECE_PAGES:
		return file_pos(m, e, to - 1) + 1;
	case IQ_PIECE_FILL:
		return 0;
	}
	return run_of(m, e)->pos + run_of(m, e)->packed;
}

/* CRC-32C (Castagnoli), as RFC 3720 has it, a nibble at a time. */
static uint32_t crc32c(const uint8_t *data, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
		0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

/* The framing format of snappy: the checksum is rotated and a constant is added. */
static bool is_sum_right(const uint8_t *sum, const uint8_t *data, size_t len)
{
	uint32_t crc = crc32c(data, len);

	return iq_le32(sum) == (crc >> 15 | crc << 17) + 0xa282ead8u;
}

#define SUM_LEN 4

static bool unpack(struct image_reader *ir, uint32_t kind, uint32_t packed, uint32_t len)
{
	size_t out = len;

	switch (kind) {
	case IQ_PIECE_ZLIB:
		if (!ir->deflate)
			ir->deflate = libdeflate_alloc_decompressor();
		return ir->deflate && !libdeflate_zlib_decompress(ir->deflate, ir->packed, packed,
								  ir->bytes, len, NULL);
	case IQ_PIECE_SNAPPY:
		if (packed <= SUM_LEN ||
		    snappy_uncompressed_length((char *)ir->packed + SUM_LEN, packed - SUM_LEN,
					       &out) != SNAPPY_OK ||
		    out != len)
			return false;
		return snappy_uncompress((char *)ir->packed + SUM_LEN, packed - SUM_LEN,
					 (char *)ir->bytes, &out) == SNAPPY_OK &&
		       is_sum_right(ir->packed, ir->bytes, len);
	case IQ_PIECE_CHECKED:
		if (packed != len + SUM_LEN)
			return false;
		memcpy(ir->bytes, ir->packed + SUM_LEN, len);
		return is_sum_right(ir->packed, ir->bytes, len);
	}
	return false;
}

/* The block of E into the reader. */
static enum iq_mem load_block(struct iq_reader *r, const struct iq_image *m,
			      const struct iq_extent *e)
{
	struct image_reader *ir = r->format_data;
	const struct iq_run *run = run_of(m, e);
	enum iq_mem why;

	if (ir->block == e->priority)
		return IQ_MEM_OK;
	ir->block = UINT32_MAX;
	why = iq_file_read_all(m->bytes, ir->packed, run->packed, run->pos);
	if (why)
		return why;
	if (!unpack(ir, kind_of(e), run->packed, run->len))
		return IQ_MEM_DAMAGED;
	ir->block = e->priority;
	return IQ_MEM_OK;
}

/* [FROM, TO), which lies in E and in one page, into BUF. */
static enum iq_mem load_part(struct iq_reader *r, const struct iq_image *m,
			     const struct iq_extent *e, uint64_t from, uint64_t to, uint8_t *buf)
{
	struct image_reader *ir = r->format_data;
	enum iq_mem why;

	switch (kind_of(e)) {
	case IQ_PIECE_FILE:
	case IQ_PIECE_PAGES:
		return iq_file_read_all(m->bytes, buf, to - from, file_pos(m, e, from));
	case IQ_PIECE_FILL:
		memset(buf, (int)(e->kind - IQ_PIECE_FILL), to - from);
		return IQ_MEM_OK;
	}
	why = load_block(r, m, e);
	if (!why)
		memcpy(buf, ir->bytes + (from - run_of(m, e)->start), to - from);
	return why;
}

static enum iq_mem image_state(struct iq_reader *r, uint64_t pfn)
{
	const struct iq_image *m = r->dump->format_data;
	uint64_t at = pfn << r->page_shift, end = at + r->page_size;
	const struct iq_extent *e = iq_extents_find(&m->map, at), *stop = m->map.e + m->map.nr;

	if (!e || e->start >= end)
		return IQ_MEM_ABSENT;
	for (; e < stop && e->start < end; e++) {
		if (file_end(m, e, IQ_MIN(e->end, end)) > m->bytes->size)
			return IQ_MEM_TRUNCATED;
	}
	return IQ_MEM_OK;
}

static enum iq_mem image_load(struct iq_reader *r, uint64_t pfn, uint8_t *page,
			      struct iq_loaded *loaded)
{
	const struct iq_image *m = r->dump->format_data;
	uint64_t start = pfn << r->page_shift, at = start, end = start + r->page_size;
	const struct iq_extent *e = iq_extents_find(&m->map, at), *stop = m->map.e + m->map.nr;

	if (!e || e->start >= end)
		return IQ_MEM_ABSENT;
	for (; e < stop && e->start < end; e++) {
		uint64_t from = IQ_MAX(e->start, at), to = IQ_MIN(e->end, end);
		enum iq_mem why = load_part(r, m, e, from, to, page + (from - start));

		if (why)
			return why;
		if (from > at) {
			memset(page + (at - start), 0, from - at);
			loaded->partial = true;
		}
		at = to;
	}
	if (at < end) {
		memset(page + (at - start), 0, end - at);
		loaded->partial = true;
	}
	if (!loaded->partial)
		loaded->zero = iq_is_zero(page, r->page_size);
	return IQ_MEM_OK;
}

static size_t image_covered(const struct iq_dump *d, uint64_t address, size_t len)
{
	const struct iq_image *m = d->format_data;
	const struct iq_extent *e = iq_extents_find(&m->map, address), *stop = m->map.e + m->map.nr;
	uint64_t at = address, end = address + len;

	for (; e && e < stop && e->start <= at && at < end; e++)
		at = IQ_MIN(e->end, end);
	return (size_t)(at - address);
}

static uint64_t image_next(const struct iq_dump *d, uint64_t pfn)
{
	const struct iq_image *m = d->format_data;
	const struct iq_extent *e = iq_extents_find(&m->map, pfn * d->info.page_size);

	return e ? IQ_MAX(pfn, e->start / d->info.page_size) : d->info.max_pfn;
}

/* The page that lies in the file at POS, through the scan's buffer; NULL: it is not there. */
static const uint8_t *window_page(struct iq_reader *r, uint64_t pos)
{
	const struct iq_image *m = r->dump->format_data;
	struct image_reader *ir = r->format_data;

	if (pos < ir->window || pos - ir->window + r->page_size > ir->window_len) {
		ssize_t got = iq_file_read(m->bytes, r->run, IQ_RUN_BYTES, pos);

		ir->window = pos;
		ir->window_len = got > 0 ? (size_t)got : 0;
		if (ir->window_len < r->page_size)
			return NULL;
	}
	/* What is shown must be aligned, and pages with headers between them are not. */
	memcpy(r->scan_page, r->run + (pos - ir->window), r->page_size);
	return r->scan_page;
}

static bool scan_page(struct iq_reader *r, uint64_t pfn, struct iq_sink *sink)
{
	const struct iq_image *m = r->dump->format_data;
	uint64_t at = pfn << r->page_shift;
	const struct iq_extent *e = iq_extents_find(&m->map, at);
	struct iq_loaded loaded = {0};
	enum iq_mem why;

	if (e && e->start <= at && e->end - at >= r->page_size &&
	    (kind_of(e) == IQ_PIECE_FILE ||
	     (kind_of(e) == IQ_PIECE_PAGES && r->page_size == IQ_PAGE_MIN))) {
		const uint8_t *page = window_page(r, file_pos(m, e, at));

		if (page)
			return iq_sink_page(sink, pfn,
					    iq_is_zero(page, r->page_size) ? NULL : page);
	}
	why = image_load(r, pfn, r->scan_page, &loaded);
	if (why) {
		sink->missing[why]++;
		return true;
	}
	return iq_sink_page(sink, pfn,
			    loaded.zero || iq_is_zero(r->scan_page, r->page_size) ? NULL
										  : r->scan_page);
}

static bool image_scan(struct iq_reader *r, uint64_t pfn, uint64_t end, struct iq_sink *sink)
{
	for (; pfn < end; pfn++) {
		if (!scan_page(r, pfn, sink))
			return false;
	}
	return true;
}

static bool image_range(const struct iq_dump *d, unsigned int index, uint64_t *start, uint64_t *end)
{
	const struct iq_image *m = d->format_data;
	unsigned int seen = 0;

	for (unsigned int i = 0; i < m->map.nr;) {
		unsigned int last = i;

		while (last + 1 < m->map.nr && m->map.e[last + 1].start == m->map.e[last].end)
			last++;
		if (seen++ == index) {
			*start = m->map.e[i].start;
			*end = m->map.e[last].end;
			return true;
		}
		i = last + 1;
	}
	return false;
}

static struct iq_error *image_reader_open(struct iq_reader *r)
{
	struct image_reader *ir = aligned_alloc(64, (sizeof(*ir) + 63) & ~63ul);

	if (!ir)
		return iq_error_nomem();
	ir->deflate = NULL;
	ir->block = UINT32_MAX;
	ir->window = 0;
	ir->window_len = 0;
	r->format_data = ir;
	return NULL;
}

static void image_reader_close(struct iq_reader *r)
{
	struct image_reader *ir = r->format_data;

	if (ir)
		libdeflate_free_decompressor(ir->deflate);
	free(ir);
}

static void image_close(struct iq_dump *d)
{
	struct iq_image *m = d->format_data;

	iq_extents_free(&m->map);
	free(m->runs);
	if (m->owns_bytes)
		iq_file_close(m->bytes);
	free(m);
}

static const struct iq_format image_format = {
	.state = image_state,
	.load = image_load,
	.covered = image_covered,
	.next = image_next,
	.scan = image_scan,
	.range = image_range,
	.close = image_close,
	.reader_open = image_reader_open,
	.reader_close = image_reader_close,
};

struct iq_error *iq_image_start(struct iq_dump *d, enum iq_dump_format format,
				struct iq_image **ret)
{
	struct iq_image *m = calloc(1, sizeof(*m));

	if (!m)
		return iq_error_nomem();
	m->bytes = d->file;
	d->format = &image_format;
	d->format_data = m;
	d->info.format = format;
	d->info.page_size = IQ_PAGE_MIN;
	*ret = m;
	return NULL;
}

struct iq_error *iq_image_finish(struct iq_dump *d)
{
	struct iq_image *m = d->format_data;
	uint64_t end;

	/* Sizes before the extents are cut: runs are found by their number afterwards. */
	for (unsigned int i = 0; i < m->map.nr && !d->info.truncated; i++)
		d->info.truncated = file_end(m, &m->map.e[i], m->map.e[i].end) > m->bytes->size;
	if (!iq_extents_settle(&m->map))
		return iq_error_nomem();
	if (!m->map.nr)
		return iq_error_new(IQ_E_FORMAT, "there is no memory in it");
	end = m->map.e[m->map.nr - 1].end;
	d->info.max_pfn = (end + d->info.page_size - 1) / d->info.page_size;
	return NULL;
}

/* ---- Notes -------------------------------------------------------------------------------------- */

struct iq_error *iq_note_add(struct iq_dump *d, const char *name, uint32_t type, const void *data,
			     uint32_t size)
{
	uint8_t *copy = iq_arena_alloc(&d->arena, size);
	const char *owner = iq_arena_strdup(&d->arena, name);

	if (!copy || !owner ||
	    !iq_grow(&d->notes, &d->notes_room, d->nr_notes + 1, sizeof(*d->notes)))
		return iq_error_nomem();
	memcpy(copy, data, size);
	d->notes[d->nr_notes++] =
		(struct iq_note){.name = owner, .type = type, .data = copy, .size = size};
	d->info.notes = d->notes;
	d->info.nr_notes = d->nr_notes;
	return NULL;
}

static void put32(uint8_t *at, uint32_t v)
{
	for (unsigned int i = 0; i < 4; i++)
		at[i] = (uint8_t)(v >> 8 * i);
}

static void put64(uint8_t *at, uint64_t v)
{
	put32(at, (uint32_t)v);
	put32(at + 4, (uint32_t)(v >> 32));
}

/* Of struct iq_x86_state.gpr and .selector. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum { ES, CS, SS, DS, FS, GS, LDT, TR };

/* struct elf_prstatus (include/linux/elfcore.h), struct user_regs_struct (asm/user_64.h). */
#define PRSTATUS_PID 32
#define PRSTATUS_REG 112
#define PRSTATUS_SIZE 336

static struct iq_error *note_prstatus(struct iq_dump *d, unsigned int cpu,
				      const struct iq_x86_state *s)
{
	const uint64_t regs[] = {
		s->gpr[R15],	  s->gpr[R14],	 s->gpr[R13],	  s->gpr[R12],	   s->gpr[RBP],
		s->gpr[RBX],	  s->gpr[R11],	 s->gpr[R10],	  s->gpr[R9],	   s->gpr[R8],
		s->gpr[RAX],	  s->gpr[RCX],	 s->gpr[RDX],	  s->gpr[RSI],	   s->gpr[RDI],
		0,		  s->rip,	 s->selector[CS], s->rflags,	   s->gpr[RSP],
		s->selector[SS],  s->base[FS],	 s->base[GS],	  s->selector[DS], s->selector[ES],
		s->selector[FS],  s->selector[GS],
	};
	uint8_t note[PRSTATUS_SIZE] = {0};

	put32(note + PRSTATUS_PID, cpu + 1);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(regs); i++)
		put64(note + PRSTATUS_REG + 8 * i, regs[i]);
	return iq_note_add(d, "CORE", NT_PRSTATUS, note, sizeof(note));
}

/* struct QEMUCPUState (QEMU's target/i386/arch_dump.c). */
#define QEMU_STATE_SIZE (8 + 18 * 8 + 10 * 24 + 5 * 8 + 8)

static struct iq_error *note_qemu(struct iq_dump *d, const struct iq_x86_state *s)
{
	static const uint8_t order[] = {RAX, RBX, RCX, RDX, RSI, RDI, RSP, RBP,
					R8,  R9,  R10, R11, R12, R13, R14, R15};
	static const uint8_t segments[] = {CS, DS, ES, FS, GS, SS, LDT, TR};
	uint8_t note[QEMU_STATE_SIZE] = {0}, *at = note + 8;

	put32(note, 1);
	put32(note + 4, sizeof(note));
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(order); i++, at += 8)
		put64(at, s->gpr[order[i]]);
	put64(at, s->rip);
	put64(at + 8, s->rflags);
	at += 16;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(segments); i++, at += 24) {
		put32(at, s->selector[segments[i]]);
		put64(at + 16, s->base[segments[i]]);
	}
	put64(at + 16, s->gdt);
	put64(at + 24 + 16, s->idt);
	at += 48;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(s->cr); i++, at += 8)
		put64(at, s->cr[i]);
	put64(at, s->kernel_gs_base);
	return iq_note_add(d, "QEMU", 0, note, sizeof(note));
}

struct iq_error *iq_note_cpu(struct iq_dump *d, unsigned int cpu, const struct iq_x86_state *s)
{
	IQ_TRY(note_prstatus(d, cpu, s));
	return note_qemu(d, s);
}
