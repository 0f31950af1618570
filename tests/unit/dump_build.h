/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dumps made in memory for the tests of the room dump: written from the descriptions of the formats
 * (elf(5), makedumpfile's IMPLEMENTATION), with the compression libraries' own compressors.
 */
#ifndef DUMP_BUILD_H
#define DUMP_BUILD_H

#include <elf.h>
#include <inquest/dump.h>
#include <libdeflate.h>
#include <lzo/lzo1x.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define PAGE 4096u

/* The content of page frame PFN: some are zero, some compress, some do not. */
static inline void fill_page(uint8_t *page, uint64_t pfn)
{
	uint64_t x = pfn * 0x9e3779b97f4a7c15 + 1;

	memset(page, 0, PAGE);
	if (pfn % 4 == 3)
		return;
	for (size_t i = 0; i < PAGE; i += 8) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		if (pfn % 4 == 0 || i < 64)
			memcpy(page + i, &x, 8);
		else
			memcpy(page + i, &pfn, 8);
	}
}

struct image {
	uint8_t *data;
	size_t len, room;
};

static inline void put_at(struct image *im, size_t at, const void *data, size_t len)
{
	if (at + len > im->room) {
		size_t room = (at + len) * 2;

		im->data = realloc(im->data, room);
		memset(im->data + im->room, 0, room - im->room);
		im->room = room;
	}
	memcpy(im->data + at, data, len);
	if (at + len > im->len)
		im->len = at + len;
}

static inline void put32(struct image *im, size_t at, uint32_t v)
{
	put_at(im, at, &v, 4);
}

static inline void put64(struct image *im, size_t at, uint64_t v)
{
	put_at(im, at, &v, 8);
}

static inline size_t put_note(struct image *im, size_t at, const char *name, uint32_t type,
			      const void *desc, uint32_t size)
{
	uint32_t namesz = (uint32_t)strlen(name) + 1;
	static const uint8_t pad[4];

	put32(im, at, namesz);
	put32(im, at + 4, size);
	put32(im, at + 8, type);
	put_at(im, at + 12, name, namesz);
	at += 12 + (namesz + 3) / 4 * 4;
	put_at(im, at, desc, size);
	put_at(im, at + size, pad, (4 - size % 4) % 4);
	return at + (size + 3) / 4 * 4;
}

/* Which compression page_desc.flags and the header's status name. */
enum { RAW = 0, ZLIB = 1, LZO = 2, SNAPPY = 4, ZSTD = 0x20 };

static inline size_t pack(int how, const uint8_t *page, uint8_t *out, size_t room)
{
	static uint8_t work[LZO1X_1_MEM_COMPRESS];
	size_t n = 0;

	if (how == ZLIB) {
		struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);

		n = libdeflate_zlib_compress(c, page, PAGE, out, room);
		libdeflate_free_compressor(c);
	} else if (how == LZO) {
		lzo_uint len = room;

		lzo1x_1_compress(page, PAGE, out, &len, work);
		n = len;
	} else if (how == SNAPPY) {
		n = room;
		snappy_compress((const char *)page, PAGE, (char *)out, &n);
	} else if (how == ZSTD) {
		n = ZSTD_compress(out, room, page, PAGE, 1);
	}
	return n && n < PAGE ? n : 0;
}

/* What a kdump is to be.  ram and dumped: does page frame N exist, is it in the file? */
struct kdump_plan {
	unsigned int version;
	uint64_t max_pfn;
	bool (*ram)(uint64_t pfn), (*dumped)(uint64_t pfn);
	int how;
	uint32_t status; /* besides the compression */
	int dump_level;
	bool one_bitmap;
	bool split;
	uint64_t start_pfn, end_pfn;
	uint64_t spare; /* descriptors for which there is room, as in split files */
	const char *vmcoreinfo;
};

struct kdump_layout {
	size_t bitmap1, bitmap2, descs, data;
	uint64_t nr;
};

static inline void put_bitmap(struct image *im, size_t at, uint64_t max_pfn, bool (*f)(uint64_t))
{
	for (uint64_t pfn = 0; pfn < max_pfn; pfn += 8) {
		uint8_t byte = 0;

		for (unsigned int i = 0; i < 8 && pfn + i < max_pfn; i++)
			byte |= (uint8_t)(f(pfn + i) << i);
		put_at(im, at + pfn / 8, &byte, 1);
	}
}

static inline struct image build_kdump(const struct kdump_plan *p, struct kdump_layout *lay)
{
	uint64_t half = (p->max_pfn + PAGE * 8 - 1) / (PAGE * 8),
		 blocks = p->one_bitmap ? half : 2 * half;
	uint64_t first = p->split ? p->start_pfn : 0, end = p->split ? p->end_pfn : p->max_pfn;
	struct image im = {0};
	uint8_t page[PAGE] = {0}, packed[3 * PAGE];
	uint64_t zero = 0, at, d;
	size_t notes;

	put_at(&im, 0, "KDUMP   ", 8);
	put32(&im, 8, p->version);
	put_at(&im, 12, "Linux", 6);
	put_at(&im, 12 + 65, "node", 5);
	put_at(&im, 12 + 2 * 65, "6.1.0-test", 11);
	put_at(&im, 12 + 4 * 65, "x86_64", 7);
	put64(&im, 408, 1700000000);
	put32(&im, 424, p->status | (uint32_t)p->how);
	put32(&im, 428, PAGE);
	put32(&im, 432, 1);
	put32(&im, 436, (uint32_t)blocks);
	put32(&im, 440, p->version >= 6 ? 0 : (uint32_t)p->max_pfn);
	put32(&im, 460, 2);
	put64(&im, PAGE, 0x1000000);
	put32(&im, PAGE + 8, (uint32_t)p->dump_level);
	put32(&im, PAGE + 12, p->split);
	put64(&im, PAGE + 16, p->start_pfn);
	put64(&im, PAGE + 24, p->end_pfn);
	if (p->vmcoreinfo && p->version >= 3) {
		put64(&im, PAGE + 32, PAGE + 512);
		put64(&im, PAGE + 40, strlen(p->vmcoreinfo));
		put_at(&im, PAGE + 512, p->vmcoreinfo, strlen(p->vmcoreinfo));
	}
	if (p->version >= 4) {
		notes = put_note(&im, PAGE + 1024, "CORE", NT_PRSTATUS, page, 336);
		put64(&im, PAGE + 48, PAGE + 1024);
		put64(&im, PAGE + 56, notes - (PAGE + 1024));
	}
	if (p->version >= 6) {
		put64(&im, PAGE + 80, p->start_pfn);
		put64(&im, PAGE + 88, p->end_pfn);
		put64(&im, PAGE + 96, p->max_pfn);
	}
	lay->bitmap1 = 2 * PAGE;
	lay->bitmap2 = p->one_bitmap ? lay->bitmap1 : lay->bitmap1 + half * PAGE;
	lay->descs = lay->bitmap1 + blocks * PAGE;
	put_bitmap(&im, lay->bitmap1, p->max_pfn, p->ram);
	put_bitmap(&im, lay->bitmap2, p->max_pfn, p->dumped);
	put_at(&im, lay->descs, "", 0);
	lay->nr = 0;
	for (uint64_t pfn = first; pfn < end; pfn++)
		lay->nr += p->dumped(pfn);
	at = lay->data = lay->descs + (lay->nr + p->spare) * 24;
	d = lay->descs;
	/* As makedumpfile does with -d 1: the zero page first, once. */
	if (p->dump_level & 1) {
		zero = at;
		memset(page, 0, PAGE);
		put_at(&im, at, page, PAGE);
		at += PAGE;
	}
	for (uint64_t pfn = first; pfn < end; pfn++) {
		size_t n;

		if (!p->dumped(pfn))
			continue;
		fill_page(page, pfn);
		if (zero && iq_zero_page() && !memcmp(page, iq_zero_page(), PAGE)) {
			put64(&im, d, zero);
			put32(&im, d + 8, PAGE);
			put32(&im, d + 12, 0);
		} else {
			n = p->how ? pack(p->how, page, packed, sizeof(packed)) : 0;
			put64(&im, d, at);
			put32(&im, d + 8, n ? (uint32_t)n : PAGE);
			put32(&im, d + 12, n ? (uint32_t)p->how : 0);
			put_at(&im, at, n ? packed : page, n ? n : PAGE);
			at += n ? n : PAGE;
		}
		put64(&im, d + 16, 0);
		d += 24;
	}
	return im;
}

struct segment {
	uint64_t paddr, filesz, memsz;
	uint64_t offset; /* 0: at the end of what is there, and filled */
};

/* The bytes of physical memory from ADDRESS on. */
static inline void put_memory(struct image *im, size_t at, uint64_t address, uint64_t len)
{
	uint8_t page[PAGE];

	while (len) {
		uint64_t n = IQ_MIN(len, PAGE - address % PAGE);

		fill_page(page, address / PAGE);
		put_at(im, at, page + address % PAGE, n);
		at += n, address += n, len -= n;
	}
}

#define ELF_NOTES_AT 4096

/* PHNUM_IN_SECTION: the number of program headers in section header 0, as with 65535 and more. */
static inline struct image build_elf(const struct segment *seg, unsigned int nr,
				     const char *vmcoreinfo, bool phnum_in_section)
{
	Elf64_Ehdr eh = {.e_type = ET_CORE,
			 .e_machine = EM_X86_64,
			 .e_version = 1,
			 .e_phoff = 256,
			 .e_ehsize = 64,
			 .e_phentsize = 56,
			 .e_phnum = phnum_in_section ? PN_XNUM : (uint16_t)(nr + 1)};
	struct image im = {0};
	uint8_t prstatus[336] = {1};
	size_t end;

	memcpy(eh.e_ident, ELFMAG, 4);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = 1;
	if (phnum_in_section) {
		Elf64_Shdr sh = {.sh_info = nr + 1};

		eh.e_shoff = 128;
		eh.e_shnum = 1;
		put_at(&im, 128, &sh, sizeof(sh));
	}
	put_at(&im, 0, &eh, sizeof(eh));
	end = put_note(&im, ELF_NOTES_AT, "CORE", NT_PRSTATUS, prstatus, sizeof(prstatus));
	if (vmcoreinfo)
		end = put_note(&im, end, "VMCOREINFO", 0, vmcoreinfo, (uint32_t)strlen(vmcoreinfo));
	for (unsigned int i = 0; i <= nr; i++) {
		Elf64_Phdr ph = {.p_type = PT_NOTE,
				 .p_offset = ELF_NOTES_AT,
				 .p_filesz = end - ELF_NOTES_AT};

		if (i) {
			const struct segment *s = &seg[i - 1];

			ph = (Elf64_Phdr){.p_type = PT_LOAD,
					  .p_paddr = s->paddr,
					  .p_filesz = s->filesz,
					  .p_memsz = s->memsz,
					  .p_offset = s->offset ? s->offset : im.len};
			if (!s->offset && s->filesz < 1 << 24)
				put_memory(&im, im.len, s->paddr, s->filesz);
		}
		put_at(&im, 256 + i * sizeof(ph), &ph, sizeof(ph));
	}
	return im;
}

static inline void put_be64(struct image *im, size_t at, uint64_t v)
{
	put64(im, at, __builtin_bswap64(v));
}

static inline void put_record(struct image *flat, uint64_t offset, const void *data, uint64_t size)
{
	put_be64(flat, flat->len, offset);
	put_be64(flat, flat->len, size);
	put_at(flat, flat->len, data, size);
}

/* IM in records of STEP bytes, out of order, with a wrong first record that a later one corrects. */
static inline struct image flatten(const struct image *im, size_t step)
{
	struct image flat = {0};
	uint8_t wrong[100];

	memset(wrong, 0xee, sizeof(wrong));
	put_at(&flat, 0, "makedumpfile", 13);
	put_be64(&flat, 16, 1);
	put_be64(&flat, 24, 1);
	put_at(&flat, 4095, "", 1);
	put_record(&flat, 0, wrong, sizeof(wrong));
	for (unsigned int odd = 0; odd < 2; odd++) {
		for (size_t at = odd * step; at < im->len; at += 2 * step)
			put_record(&flat, at, im->data + at, IQ_MIN(step, im->len - at));
	}
	put_be64(&flat, flat.len, UINT64_MAX);
	put_be64(&flat, flat.len, UINT64_MAX);
	return flat;
}

#endif
