// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dwz files: what several files of debug information have in common, moved into one of its own, to
 * which they refer by DW_FORM_GNU_ref_alt and _strp_alt (dwz(1)) or DW_FORM_ref_sup and _strp_sup
 * (DWARF 5, chapter 7.3.6).
 *
 * Its sections are mapped behind those of the file, so that both are one: an offset says which of
 * them is meant, and nobody needs to know that there are two.
 */
#include "dwarf_read.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Those that the forms and the units of a dwz file refer to. */
static const struct {
	enum iq_dw_section section;
	const char *name;
} shared[] = {
	{IQ_DW_ABBREV, ".debug_abbrev"}, {IQ_DW_STR, ".debug_str"},
	{IQ_DW_LINE, ".debug_line"},	 {IQ_DW_LINE_STR, ".debug_line_str"},
	{IQ_DW_INFO, ".debug_info"},
};

/* Bytes that are to be mapped: of a file, or on the heap. */
struct source {
	const struct iq_elffile *elf; /* NULL: only in memory */
	uint64_t file_offset;
	const uint8_t *data;
	size_t size;
};

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Where S may begin in memory, relative to a page. */
static size_t lead_of(const struct source *s)
{
	return s->elf ? s->file_offset % page_size() : 0;
}

/* Put S at AT, for which address space is reserved. */
static bool place(const struct source *s, uint8_t *at)
{
	size_t lead = lead_of(s);

	if (!s->size)
		return true;
	if (!s->elf) {
		memcpy(at, s->data, s->size);
		return true;
	}
	return mmap(at - lead, lead + s->size, PROT_READ, MAP_PRIVATE | MAP_FIXED, s->elf->fd,
		    (off_t)(s->file_offset - lead)) != MAP_FAILED;
}

static void release(struct iq_dw_bytes *b)
{
	if (b->mapping)
		munmap(b->mapping, b->mapped);
	if (b->on_heap)
		free(b->copy);
	b->mapping = NULL;
	b->copy = NULL;
	b->on_heap = false;
}

/* Make the section S of D one mapping: its own bytes, then those of ALT. */
static struct iq_error *join(struct iq_dwarf *d, enum iq_dw_section s, const struct source *alt)
{
	struct iq_dw_bytes *b = &d->section[s];
	struct source own = {.data = b->data, .size = b->size};
	uint64_t page = page_size(), base;
	uint8_t *mapping;
	size_t lead, mapped;

	if (!b->copy && b->data) {
		own.elf = d->elf;
		own.file_offset = (uint64_t)(b->data - d->elf->map);
	}
	lead = lead_of(&own);
	base = (lead + own.size + page) / page * page + lead_of(alt) - lead;
	if (base + alt->size > UINT32_MAX)
		return iq_error_new(IQ_E_LIMIT, "%s and its dwz file are larger than 4 GB",
				    d->elf->path);
	mapped = lead + base + alt->size;
	mapping = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED)
		return iq_error_nomem();
	if (!place(&own, mapping + lead) || !place(alt, mapping + lead + base)) {
		munmap(mapping, mapped);
		return iq_error_new(IQ_E_NOMEM, "%s and its dwz file cannot be mapped",
				    d->elf->path);
	}
	release(b);
	b->mapping = mapping;
	b->mapped = mapped;
	b->data = mapping + lead;
	/* What does not come from a file cannot be read again, and may be relocated. */
	b->copy = own.elf && alt->elf ? NULL : mapping + lead;
	b->own_size = own.size;
	b->alt_base = base;
	b->size = base + alt->size;
	return NULL;
}

static struct iq_error *join_named(struct iq_dwarf *d, enum iq_dw_section s,
				   const struct iq_elffile *elf, const char *name)
{
	unsigned int section = iq_elffile_debug_section(elf, name);
	struct source alt = {0};
	uint8_t *heap = NULL;
	struct iq_error *err;

	if (section)
		IQ_TRY(iq_elffile_decompress(elf, section, &heap, &alt.size));
	alt.data = heap;
	if (section && !heap) {
		alt.data = iq_elffile_bytes(elf, section, &alt.size);
		alt.elf = alt.data ? elf : NULL;
		alt.file_offset = alt.data ? (uint64_t)(alt.data - elf->map) : 0;
	}
	err = alt.data ? join(d, s, &alt) : NULL;
	free(heap);
	return err;
}

struct iq_error *iq_dwarf_add_alt(struct iq_dwarf *d, const struct iq_elffile *elf)
{
	/* .debug_info last: with it the others are used. */
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(shared); i++)
		IQ_TRY(join_named(d, shared[i].section, elf, shared[i].name));
	return NULL;
}

/* ---- Which file it is ------------------------------------------------------------------------ */

static void to_hex(const uint8_t *id, size_t len, char text[IQ_BUILD_ID_TEXT])
{
	text[0] = '\0';
	for (size_t i = 0; i < len && 2 * i + 3 <= IQ_BUILD_ID_TEXT; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
}

/* .debug_sup (DWARF 5, chapter 7.3.6): version, is this the supplementary file, name, checksum. */
static bool sup_section(const struct iq_elffile *elf, bool supplementary, const char **name,
			char id[IQ_BUILD_ID_TEXT])
{
	struct iq_dw_cursor c = {0};
	uint64_t len;
	size_t size;

	c.p = iq_elffile_bytes(elf, iq_elffile_section(elf, ".debug_sup"), &size);
	c.end = c.p ? c.p + size : NULL;
	if (!c.p || iq_dw_uint(&c, 2) != 5 || iq_dw_uint(&c, 1) != supplementary)
		return false;
	*name = iq_dw_str(&c);
	len = iq_dw_uleb(&c);
	if (c.bad || len > (uint64_t)(c.end - c.p))
		return false;
	to_hex(c.p, len, id);
	return true;
}

bool iq_dwarf_alt_link(const struct iq_elffile *elf, const char **name, char id[IQ_BUILD_ID_TEXT])
{
	size_t size, len;
	const uint8_t *p =
		iq_elffile_bytes(elf, iq_elffile_section(elf, ".gnu_debugaltlink"), &size);

	if (!p)
		return sup_section(elf, false, name, id);
	len = strnlen((const char *)p, size);
	if (len >= size)
		return false;
	*name = (const char *)p;
	to_hex(p + len + 1, size - len - 1, id);
	return true;
}

bool iq_dwarf_sup_id(const struct iq_elffile *elf, char id[IQ_BUILD_ID_TEXT])
{
	const char *name;

	return sup_section(elf, true, &name, id);
}
