// SPDX-License-Identifier: GPL-2.0-or-later
/* The sections of DWARF in a file, their relocation, and reading numbers from them. */
#include "dwarf_read.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *const section_names[IQ_DW_NR_SECTIONS] = {
	[IQ_DW_INFO] = ".debug_info",	    [IQ_DW_ABBREV] = ".debug_abbrev",
	[IQ_DW_ARANGES] = ".debug_aranges", [IQ_DW_LINE] = ".debug_line",
	[IQ_DW_STR] = ".debug_str",	    [IQ_DW_LINE_STR] = ".debug_line_str",
	[IQ_DW_RANGES] = ".debug_ranges",   [IQ_DW_RNGLISTS] = ".debug_rnglists",
	[IQ_DW_ADDR] = ".debug_addr",	    [IQ_DW_STR_OFFSETS] = ".debug_str_offsets",
	[IQ_DW_LOC] = ".debug_loc",	    [IQ_DW_LOCLISTS] = ".debug_loclists",
	[IQ_DW_TYPES] = ".debug_types",	    [IQ_DW_FRAME] = ".debug_frame",
	[IQ_DW_EH_FRAME] = ".eh_frame",
};

uint64_t iq_dwarf_link_address(const struct iq_elffile *elf, unsigned int section, uint64_t offset)
{
	if (elf->type == ET_REL)
		return ((uint64_t)section << 32) + offset;
	return section < elf->nr_sections ? elf->sections[section].sh_addr + offset : offset;
}

/* ---- Relocation ------------------------------------------------------------------------------ */

/* Bytes that a relocation of absolute value writes; 0: of another kind. */
static unsigned int relocation_size(uint16_t machine, uint32_t type)
{
	if (machine == EM_X86_64)
		return type == R_X86_64_64			     ? 8
		       : type == R_X86_64_32 || type == R_X86_64_32S ? 4
								     : 0;
	if (machine == EM_AARCH64)
		return type == R_AARCH64_ABS64 ? 8 : type == R_AARCH64_ABS32 ? 4 : 0;
	return 0;
}

static void apply(struct iq_dwarf *d, struct iq_dw_bytes *b, const Elf64_Rela *r)
{
	unsigned int size = relocation_size(d->elf->machine, ELF64_R_TYPE(r->r_info));
	size_t table_size;
	const uint8_t *table = iq_elffile_bytes(d->elf, b->symbols, &table_size);
	uint64_t index = ELF64_R_SYM(r->r_info), value = (uint64_t)r->r_addend;

	if (!size || r->r_offset > b->size || b->size - r->r_offset < size ||
	    index >= table_size / sizeof(Elf64_Sym))
		return;
	if (index) {
		Elf64_Sym sym;

		memcpy(&sym, table + index * sizeof(sym), sizeof(sym));
		/* Offsets into debug sections are relative to their own section. */
		if (sym.st_shndx < d->elf->nr_sections &&
		    d->elf->sections[sym.st_shndx].sh_flags & SHF_ALLOC)
			value += iq_dwarf_link_address(d->elf, sym.st_shndx, sym.st_value);
		else
			value += sym.st_value;
	}
	for (unsigned int i = 0; i < size; i++)
		b->copy[r->r_offset + i] = (uint8_t)(value >> 8 * i);
}

static uint64_t rela_offset(const struct iq_dw_bytes *b, size_t i)
{
	return iq_le64(b->rela + i * sizeof(Elf64_Rela) + offsetof(Elf64_Rela, r_offset));
}

void iq_dwarf_relocate(struct iq_dwarf *d, enum iq_dw_section s, uint64_t offset, uint64_t len)
{
	struct iq_dw_bytes *b = &d->section[s];
	size_t low = 0, high = b->nr_rela;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (rela_offset(b, mid) < offset)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < b->nr_rela; low++) {
		Elf64_Rela r;

		memcpy(&r, b->rela + low * sizeof(r), sizeof(r));
		if (r.r_offset < offset || r.r_offset - offset >= len)
			break;
		apply(d, b, &r);
	}
}

/* Relocations that are out of order are all applied at once. */
static void prepare_relocation(struct iq_dwarf *d, enum iq_dw_section s, unsigned int rela)
{
	struct iq_dw_bytes *b = &d->section[s];
	size_t size;

	b->rela = iq_elffile_bytes(d->elf, rela, &size);
	b->nr_rela = size / sizeof(Elf64_Rela);
	b->symbols = d->elf->sections[rela].sh_link;
	if (s == IQ_DW_EH_FRAME)
		return; /* relative to their places: cfi.c looks them up */
	for (size_t i = 1; i < b->nr_rela; i++) {
		if (rela_offset(b, i) >= rela_offset(b, i - 1))
			continue;
		for (i = 0; i < b->nr_rela; i++) {
			Elf64_Rela r;

			memcpy(&r, b->rela + i * sizeof(r), sizeof(r));
			apply(d, b, &r);
		}
		b->nr_rela = 0;
	}
	/* The small ones are read all over the place. */
	if (s != IQ_DW_INFO && s != IQ_DW_LINE) {
		iq_dwarf_relocate(d, s, 0, b->size);
		b->nr_rela = 0;
	}
}

/* ---- Sections -------------------------------------------------------------------------------- */

/*
 * A mapping of a section's bytes that may be written to without changing the file or the other
 * mapping.
 */
static bool map_copy(struct iq_dwarf *d, unsigned int section, struct iq_dw_bytes *b)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t offset = d->elf->sections[section].sh_offset;
	size_t lead = offset % page;
	void *mapping = mmap(NULL, lead + b->size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_NORESERVE, d->elf->fd, (off_t)(offset - lead));

	if (mapping == MAP_FAILED)
		return false;
	b->mapping = mapping;
	b->mapped = lead + b->size;
	b->copy = (uint8_t *)mapping + lead;
	b->data = b->copy;
	return true;
}

static struct iq_error *open_section(struct iq_dwarf *d, enum iq_dw_section s, unsigned int section,
				     unsigned int rela)
{
	struct iq_dw_bytes *b = &d->section[s];

	IQ_TRY(iq_elffile_decompress(d->elf, section, &b->copy, &b->size));
	b->on_heap = b->copy;
	b->data = b->copy;
	if (!b->copy)
		b->data = iq_elffile_bytes(d->elf, section, &b->size);
	if (!rela || !b->data)
		return NULL;
	if (!b->copy && !map_copy(d, section, b))
		return iq_error_nomem();
	prepare_relocation(d, s, rela);
	return NULL;
}

/* The section of relocations for SECTION of a relocatable file; 0: none. */
static unsigned int relocations_of(const struct iq_elffile *elf, unsigned int section)
{
	for (unsigned int i = 1; elf->type == ET_REL && i < elf->nr_sections; i++) {
		if (elf->sections[i].sh_type == SHT_RELA && elf->sections[i].sh_info == section)
			return i;
	}
	return 0;
}

static struct iq_error *open_named(struct iq_dwarf *d, enum iq_dw_section s)
{
	unsigned int section = iq_elffile_debug_section(d->elf, section_names[s]);
	struct iq_error *err = NULL;

	d->section[s].opened = true;
	if (section)
		err = open_section(d, s, section, relocations_of(d->elf, section));
	return err;
}

struct iq_error *iq_dwarf_open(struct iq_dwarf *d, const struct iq_elffile *elf)
{
	*d = (struct iq_dwarf){.elf = elf};
	for (int s = 0; s < IQ_DW_LOC; s++) {
		struct iq_error *err = open_named(d, s);

		if (err) {
			iq_dwarf_close(d);
			return err;
		}
	}
	return NULL;
}

bool iq_dwarf_need(struct iq_dwarf *d, enum iq_dw_section s)
{
	if (!d->section[s].opened)
		iq_error_free(open_named(d, s));
	return d->section[s].data;
}

void iq_dwarf_close(struct iq_dwarf *d)
{
	iq_dw_units_trim(d, 0);
	iq_dw_index_free(d);
	for (int s = 0; s < IQ_DW_NR_SECTIONS; s++) {
		if (d->section[s].mapping)
			munmap(d->section[s].mapping, d->section[s].mapped);
		if (d->section[s].on_heap)
			free(d->section[s].copy);
	}
	iq_map_free(&d->paths);
	iq_arena_free(&d->strings);
	*d = (struct iq_dwarf){0};
}

void iq_dwarf_forget(struct iq_dwarf *d, enum iq_dw_section s, uint64_t from, uint64_t to)
{
	const struct iq_dw_bytes *b = &d->section[s];
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start, end;

	if (b->copy || !b->data)
		return;
	from = IQ_MIN(from, b->size);
	to = IQ_MIN(to, b->size);
	start = (uintptr_t)(b->data + from) & ~(page - 1);
	end = (uintptr_t)(b->data + to) & ~(page - 1);
	if (end > start)
		madvise((void *)start, end - start, MADV_DONTNEED);
}

const char *iq_dwarf_string(const struct iq_dwarf *d, enum iq_dw_section s, uint64_t offset)
{
	const struct iq_dw_bytes *b = &d->section[s];

	if (offset >= b->size || !memchr(b->data + offset, '\0', b->size - offset))
		return NULL;
	return (const char *)b->data + offset;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

struct iq_dw_cursor iq_dw_cursor(const struct iq_dwarf *d, enum iq_dw_section s, uint64_t start,
				 uint64_t end)
{
	const struct iq_dw_bytes *b = &d->section[s];

	end = IQ_MIN(end, b->size);
	if (start > end || !b->data)
		return (struct iq_dw_cursor){.bad = true};
	return (struct iq_dw_cursor){.p = b->data + start, .end = b->data + end};
}

static uint64_t bad(struct iq_dw_cursor *c)
{
	c->bad = true;
	c->p = c->end;
	return 0;
}

uint64_t iq_dw_uint(struct iq_dw_cursor *c, unsigned int size)
{
	uint64_t value;

	if ((size_t)(c->end - c->p) < size || (size != 1 && size != 2 && size != 4 && size != 8))
		return bad(c);
	value = iq_le(c->p, size);
	c->p += size;
	return value;
}

uint64_t iq_dw_uleb(struct iq_dw_cursor *c)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; c->p < c->end; shift += 7) {
		uint8_t byte = *c->p++;

		if (shift < 64)
			value |= (uint64_t)(byte & 127) << shift;
		if (!(byte & 128))
			return value;
	}
	return bad(c);
}

int64_t iq_dw_sleb(struct iq_dw_cursor *c)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; c->p < c->end;) {
		uint8_t byte = *c->p++;

		if (shift < 64)
			value |= (uint64_t)(byte & 127) << shift;
		shift += 7;
		if (!(byte & 128)) {
			if (byte & 64 && shift < 64)
				value |= ~UINT64_C(0) << shift;
			return (int64_t)value;
		}
	}
	return (int64_t)bad(c);
}

void iq_dw_skip(struct iq_dw_cursor *c, uint64_t len)
{
	if ((uint64_t)(c->end - c->p) < len)
		bad(c);
	else
		c->p += len;
}

const char *iq_dw_str(struct iq_dw_cursor *c)
{
	const char *s = (const char *)c->p;
	const uint8_t *end = c->p < c->end ? memchr(c->p, '\0', (size_t)(c->end - c->p)) : NULL;

	if (!end) {
		bad(c);
		return "";
	}
	c->p = end + 1;
	return s;
}

bool iq_dw_unit_length(struct iq_dw_cursor *c, unsigned int *offset_size)
{
	uint64_t length = iq_dw_uint(c, 4);

	*offset_size = 4;
	if (length == UINT32_MAX) {
		length = iq_dw_uint(c, 8);
		*offset_size = 8;
	}
	if (c->bad || length > (uint64_t)(c->end - c->p))
		return false;
	c->end = c->p + length;
	return true;
}
