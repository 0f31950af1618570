// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * .debug_frame and .eh_frame: which functions have call frame information (DWARF 5, chapter 6.4.1;
 * for .eh_frame the Linux Standard Base, "Exception Frames").
 */
#include "cfi.h"
#include <stdlib.h>

/* A kernel has some ten thousand functions. */
#define FDES_MAX (4U << 20)
/* Ways to write an address in .eh_frame (LSB, "DWARF Exception Header Encoding"). */
#define PE_FORMAT 0x0f
#define PE_APPLICATION 0x70
#define PE_PCREL 0x10
#define PE_INDIRECT 0x80

/* ---- Addresses ------------------------------------------------------------------------------- */

/* A relocation of .eh_frame, which is not applied: the address that the field at OFFSET means. */
static bool relocated(struct iq_dwarf *d, enum iq_dw_section s, uint64_t offset, uint64_t *ret)
{
	const struct iq_dw_bytes *b = &d->section[s];
	size_t low = 0, high = b->nr_rela, size;
	const uint8_t *table = iq_elffile_bytes(d->elf, b->symbols, &size);
	Elf64_Rela r;
	Elf64_Sym sym;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		memcpy(&r, b->rela + mid * sizeof(r), sizeof(r));
		if (r.r_offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	if (low >= b->nr_rela)
		return false;
	memcpy(&r, b->rela + low * sizeof(r), sizeof(r));
	if (r.r_offset != offset || ELF64_R_SYM(r.r_info) >= size / sizeof(sym))
		return false;
	memcpy(&sym, table + ELF64_R_SYM(r.r_info) * sizeof(sym), sizeof(sym));
	*ret = iq_dwarf_link_address(d->elf, sym.st_shndx, sym.st_value) + (uint64_t)r.r_addend;
	return true;
}

/* A number in one of the formats; false: of none. */
static bool read_format(struct iq_dw_cursor *c, unsigned int format, unsigned int address_size,
			uint64_t *ret)
{
	switch (format) {
	case DW_EH_PE_absptr:
		*ret = iq_dw_uint(c, address_size);
		break;
	case DW_EH_PE_uleb128:
		*ret = iq_dw_uleb(c);
		break;
	case DW_EH_PE_udata2:
		*ret = iq_dw_uint(c, 2);
		break;
	case DW_EH_PE_udata4:
		*ret = iq_dw_uint(c, 4);
		break;
	case DW_EH_PE_udata8:
	case DW_EH_PE_sdata8:
		*ret = iq_dw_uint(c, 8);
		break;
	case DW_EH_PE_sleb128:
		*ret = (uint64_t)iq_dw_sleb(c);
		break;
	case DW_EH_PE_sdata2:
		*ret = (uint64_t)(int16_t)iq_dw_uint(c, 2);
		break;
	case DW_EH_PE_sdata4:
		*ret = (uint64_t)(int32_t)iq_dw_uint(c, 4);
		break;
	default:
		return false;
	}
	return !c->bad;
}

bool iq_dw_frame_address(struct iq_dwarf *d, enum iq_dw_section s, const struct iq_dw_cie *cie,
			 struct iq_dw_cursor *c, uint64_t *ret)
{
	uint64_t at = (uint64_t)(c->p - d->section[s].data);

	if (!read_format(c, cie->encoding & PE_FORMAT, cie->address_size, ret) ||
	    cie->encoding & PE_INDIRECT)
		return false;
	if (s == IQ_DW_EH_FRAME && d->elf->type == ET_REL)
		return relocated(d, s, at, ret);
	if ((cie->encoding & PE_APPLICATION) == PE_PCREL) {
		unsigned int section = iq_elffile_section(d->elf, ".eh_frame");

		*ret += iq_dwarf_link_address(d->elf, section, at);
		return true;
	}
	return !(cie->encoding & PE_APPLICATION);
}

/* ---- Entries --------------------------------------------------------------------------------- */

/* What stands in front of both kinds of entries. */
struct head {
	struct iq_dw_cursor body; /* behind the id */
	unsigned int offset_size;
	bool is_cie;
	uint64_t cie; /* offset of the CIE, if this is none */
	uint64_t next; /* offset behind the entry */
};

static bool read_head(struct iq_dwarf *d, enum iq_dw_section s, uint64_t offset, struct head *h)
{
	const uint8_t *data = d->section[s].data;
	uint64_t at, id;

	h->body = iq_dw_cursor(d, s, offset, UINT64_MAX);
	if (h->body.bad || !iq_dw_unit_length(&h->body, &h->offset_size))
		return false;
	h->next = (uint64_t)(h->body.end - data);
	at = (uint64_t)(h->body.p - data);
	h->is_cie = false;
	h->cie = 0;
	if (h->body.p == h->body.end) {
		h->body.bad = true; /* .eh_frame's end mark: neither */
		return true;
	}
	id = iq_dw_uint(&h->body, h->offset_size);
	if (s == IQ_DW_EH_FRAME) {
		h->is_cie = !id;
		h->cie = at - id;
		return id <= at;
	}
	h->is_cie = id == (h->offset_size == 4 ? UINT32_MAX : UINT64_MAX);
	h->cie = id;
	return true;
}

/* The data that a "z" augmentation announces. */
static bool read_augmentation(const char *letters, struct iq_dw_cursor *c, struct iq_dw_cie *cie)
{
	uint64_t len = iq_dw_uleb(c), pointer;
	struct iq_dw_cursor data = *c;

	iq_dw_skip(c, len);
	if (c->bad)
		return false;
	data.end = c->p;
	cie->augmented = true;
	for (; *letters; letters++) {
		if (*letters == 'R') {
			cie->encoding = (uint8_t)iq_dw_uint(&data, 1);
		} else if (*letters == 'L') {
			iq_dw_uint(&data, 1);
		} else if (*letters == 'P') {
			unsigned int encoding = (unsigned int)iq_dw_uint(&data, 1);

			if (!read_format(&data, encoding & PE_FORMAT, cie->address_size, &pointer))
				return false;
		} else if (*letters == 'S') {
			cie->signal_frame = true;
		} else if (*letters != 'B' && *letters != 'G') {
			break; /* what it means does not matter: the length is known */
		}
	}
	return !data.bad;
}

static bool read_cie(struct iq_dwarf *d, enum iq_dw_section s, uint64_t offset,
		     struct iq_dw_cie *cie)
{
	struct iq_dw_cursor *c;
	unsigned int version;
	const char *letters;
	struct head h;

	if (!read_head(d, s, offset, &h) || !h.is_cie)
		return false;
	c = &h.body;
	*cie = (struct iq_dw_cie){.offset = offset, .address_size = 8};
	version = (unsigned int)iq_dw_uint(c, 1);
	letters = iq_dw_str(c);
	if (version != 1 && version != 3 && version != 4)
		return false;
	if (version == 4) {
		cie->address_size = (unsigned int)iq_dw_uint(c, 1);
		if (iq_dw_uint(c, 1) || (cie->address_size != 8 && cie->address_size != 4))
			return false; /* segments: nothing that Linux runs on */
	}
	cie->code_align = iq_dw_uleb(c);
	cie->data_align = iq_dw_sleb(c);
	cie->return_register = (unsigned int)(version == 1 ? iq_dw_uint(c, 1) : iq_dw_uleb(c));
	if (*letters == 'z' ? !read_augmentation(letters + 1, c, cie) : *letters)
		return false;
	cie->program = *c;
	return !c->bad;
}

/* The rest of an FDE; E->cie has been read. */
static bool read_fde(struct iq_dwarf *d, enum iq_dw_section s, struct head *h,
		     struct iq_dw_frame_entry *e)
{
	struct iq_dw_cursor *c = &h->body;
	uint64_t size;

	if (!iq_dw_frame_address(d, s, &e->cie, c, &e->start) ||
	    !read_format(c, e->cie.encoding & PE_FORMAT, e->cie.address_size, &size) ||
	    iq_add_overflows(e->start, size, &e->end))
		return false;
	if (e->cie.augmented)
		iq_dw_skip(c, iq_dw_uleb(c));
	e->program = *c;
	return !c->bad;
}

bool iq_dw_frame_entry(struct iq_dwarf *d, enum iq_dw_section s, uint64_t offset,
		       struct iq_dw_frame_entry *ret)
{
	struct head h;

	return read_head(d, s, offset, &h) && !h.body.bad && !h.is_cie &&
	       read_cie(d, s, h.cie, &ret->cie) && read_fde(d, s, &h, ret);
}

/* ---- All of them ----------------------------------------------------------------------------- */

static int by_start(const void *pa, const void *pb)
{
	const struct iq_dw_fde *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->section != b->section)
		return a->section == IQ_DW_FRAME ? 1 : -1; /* it is asked first, from behind */
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* False without memory; damage ends the list. */
static bool add_section(struct iq_dw_cfi *x, enum iq_dw_section s)
{
	struct iq_dwarf *d = x->dwarf;
	struct iq_dw_frame_entry e = {.cie.offset = UINT64_MAX};
	struct head h;

	if (!iq_dwarf_need(d, s))
		return true;
	for (uint64_t at = 0; x->nr < FDES_MAX && read_head(d, s, at, &h); at = h.next) {
		if (h.body.bad || h.is_cie)
			continue;
		/* One CIE serves many. */
		if (e.cie.offset != h.cie && !read_cie(d, s, h.cie, &e.cie)) {
			e.cie.offset = UINT64_MAX;
			continue;
		}
		/* Functions that the linker threw away lie at 0. */
		if (!read_fde(d, s, &h, &e) || e.start >= e.end ||
		    (!e.start && d->elf->type != ET_REL))
			continue;
		if (!iq_grow(&x->fdes, &x->room, x->nr + 1, sizeof(*x->fdes)))
			return false;
		x->fdes[x->nr++] = (struct iq_dw_fde){e.start, e.end, at, s};
	}
	return true;
}

struct iq_dw_cfi *iq_dw_cfi_open(struct iq_dwarf *d)
{
	struct iq_dw_cfi *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->dwarf = d;
	if (!add_section(x, IQ_DW_FRAME) || !add_section(x, IQ_DW_EH_FRAME)) {
		iq_dw_cfi_close(x);
		return NULL;
	}
	return x;
}

void iq_dw_cfi_close(struct iq_dw_cfi *x)
{
	if (x)
		free(x->fdes);
	free(x);
}

void iq_dw_cfi_sort(struct iq_dw_cfi *x)
{
	if (!x->sorted && x->nr)
		qsort(x->fdes, x->nr, sizeof(*x->fdes), by_start);
	x->sorted = true;
}

/* Sorting the entries costs as much as looking through them so many times. */
#define FEW 40U

static const struct iq_dw_fde *look_through(const struct iq_dw_cfi *x, uint64_t address)
{
	const struct iq_dw_fde *found = NULL;

	for (unsigned int i = 0; i < x->nr; i++)
		if (address >= x->fdes[i].start && address < x->fdes[i].end &&
		    (!found || by_start(found, &x->fdes[i]) < 0))
			found = &x->fdes[i];
	return found;
}

/* Entries do not overlap but for those that stand in both sections. */
#define LOOK_BACK 4U

const struct iq_dw_fde *iq_dw_fde_at(struct iq_dw_cfi *x, uint64_t address)
{
	unsigned int low = 0, high = x->nr;

	if (x->asked < FEW) {
		x->asked++;
		return look_through(x, address);
	}
	iq_dw_cfi_sort(x);

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (x->fdes[mid].start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	for (unsigned int i = 0; i < LOOK_BACK && i < low; i++) {
		if (address < x->fdes[low - 1 - i].end)
			return &x->fdes[low - 1 - i];
	}
	return NULL;
}
