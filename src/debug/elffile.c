// SPDX-License-Identifier: GPL-2.0-or-later
/* Mapping an ELF file, its sections and its build-id. */
#include "elffile.h"
#include "unpack.h"
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

/* What is malloc()ed for a compressed section must be limited: neither kind shrinks text more. */
#define DECOMPRESSED_MAX (UINT64_C(4) << 30)
#define RATIO_MAX 1100

static struct iq_error *not_elf(const struct iq_elffile *e, const char *why)
{
	return iq_error_new(IQ_E_FORMAT, "%s is not an ELF file that can be used: %s", e->path,
			    why);
}

static bool inside(const struct iq_elffile *e, uint64_t offset, uint64_t size)
{
	return size <= e->size && offset <= e->size - size;
}

static struct iq_error *map_file(struct iq_elffile *e)
{
	struct stat st;
	void *map;

	if (e->fd < 0 || fstat(e->fd, &st))
		return iq_error_errno(errno, "cannot open %s", e->path);
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(Elf64_Ehdr))
		return not_elf(e, "too short");
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, e->fd, 0);
	if (map == MAP_FAILED)
		return iq_error_errno(errno, "cannot map %s", e->path);
	e->map = map;
	e->size = (size_t)st.st_size;
	return NULL;
}

/* Copy the section headers, empty those whose contents are not inside of the file. */
static struct iq_error *read_sections(struct iq_elffile *e, const Elf64_Ehdr *h)
{
	Elf64_Shdr first, *sections;
	unsigned int names = h->e_shstrndx;
	uint64_t nr = h->e_shnum;

	if (!h->e_shoff)
		return NULL;
	if (h->e_shentsize != sizeof(Elf64_Shdr))
		return not_elf(e, "bad section headers");
	if (!inside(e, h->e_shoff, sizeof(first)))
		return not_elf(e, "it is cut off, its section headers lie behind its end");
	memcpy(&first, e->map + h->e_shoff, sizeof(first));
	if (!nr) /* 65280 or more (elf(5), "extended numbering") */
		nr = first.sh_size;
	if (names == SHN_XINDEX)
		names = first.sh_link;
	if (nr > e->size / sizeof(first) || !inside(e, h->e_shoff, nr * sizeof(first)))
		return not_elf(e, "it is cut off, its section headers lie behind its end");
	sections = calloc(nr ? nr : 1, sizeof(*sections));
	if (!sections)
		return iq_error_nomem();
	memcpy(sections, e->map + h->e_shoff, nr * sizeof(*sections));
	e->sections = sections;
	e->nr_sections = (unsigned int)nr;
	for (unsigned int i = 0; i < nr; i++) {
		if (inside(e, sections[i].sh_offset, sections[i].sh_size))
			continue;
		sections[i].sh_offset = 0;
		if (sections[i].sh_type != SHT_NOBITS)
			sections[i].sh_size = 0;
	}
	if (names < nr && sections[names].sh_type == SHT_STRTAB && sections[names].sh_size &&
	    !e->map[sections[names].sh_offset + sections[names].sh_size - 1]) {
		e->names = (const char *)e->map + sections[names].sh_offset;
		e->names_len = sections[names].sh_size;
	}
	return NULL;
}

static struct iq_error *read_headers(struct iq_elffile *e)
{
	Elf64_Ehdr h;

	IQ_TRY(map_file(e));
	memcpy(&h, e->map, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG))
		return not_elf(e, "no ELF header");
	if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB)
		return not_elf(e, "not 64 bits, little-endian");
	e->type = h.e_type;
	e->machine = h.e_machine;
	return read_sections(e, &h);
}

struct iq_error *iq_elffile_open(struct iq_elffile *e, const char *path)
{
	return iq_elffile_open_fd(e, open(path, O_RDONLY | O_CLOEXEC), path);
}

struct iq_error *iq_elffile_open_fd(struct iq_elffile *e, int fd, const char *path)
{
	struct iq_error *err;

	int unpacked;

	*e = (struct iq_elffile){.fd = fd, .path = strdup(path)};
	err = e->path ? NULL : iq_error_nomem();
	if (!err && fd >= 0)
		err = iq_unpack(fd, path, &unpacked);
	if (!err && fd >= 0 && unpacked >= 0) {
		close(fd);
		e->fd = unpacked;
	}
	if (!err)
		err = read_headers(e);
	if (err)
		iq_elffile_close(e);
	return err;
}

void iq_elffile_close(struct iq_elffile *e)
{
	if (e->map)
		munmap(e->map, e->size);
	if (e->fd >= 0)
		close(e->fd);
	free((void *)e->sections);
	free(e->path);
	*e = (struct iq_elffile){.fd = -1};
}

const char *iq_elffile_name(const struct iq_elffile *e, unsigned int section)
{
	if (section >= e->nr_sections || e->sections[section].sh_name >= e->names_len)
		return "";
	return e->names + e->sections[section].sh_name;
}

unsigned int iq_elffile_section(const struct iq_elffile *e, const char *name)
{
	for (unsigned int i = 1; i < e->nr_sections; i++) {
		if (!strcmp(iq_elffile_name(e, i), name))
			return i;
	}
	return 0;
}

unsigned int iq_elffile_debug_section(const struct iq_elffile *e, const char *name)
{
	unsigned int section = iq_elffile_section(e, name);
	char old[64];

	if (section || strncmp(name, ".debug_", strlen(".debug_")))
		return section;
	snprintf(old, sizeof(old), ".z%s", name + 1);
	return iq_elffile_section(e, old);
}

const uint8_t *iq_elffile_bytes(const struct iq_elffile *e, unsigned int section, size_t *size)
{
	const Elf64_Shdr *s = section < e->nr_sections ? &e->sections[section] : NULL;

	*size = 0;
	if (!s || s->sh_type == SHT_NOBITS || s->sh_type == SHT_NULL ||
	    s->sh_flags & SHF_COMPRESSED)
		return NULL;
	*size = s->sh_size;
	return s->sh_size ? e->map + s->sh_offset : NULL;
}

static bool inflate(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	bool good = d && libdeflate_zlib_decompress(d, in, in_len, out, out_len, NULL) ==
				 LIBDEFLATE_SUCCESS;

	libdeflate_free_decompressor(d);
	return good;
}

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif

/* How a section is compressed; `data` NULL: not at all. */
struct compressed {
	const uint8_t *data;
	size_t len;
	uint64_t size; /* decompressed */
	uint32_t type;
};

/*
 * Before ELF had SHF_COMPRESSED, binutils renamed a section that it compressed: "ZLIB", the size in
 * eight bytes of the other byte order, a zlib stream.
 */
#define OLD_NAME ".zdebug_"
#define OLD_HEADER 12

static struct iq_error *read_compressed(const struct iq_elffile *e, unsigned int section,
					struct compressed *c)
{
	const Elf64_Shdr *s = &e->sections[section];
	const uint8_t *in = e->map + s->sh_offset;
	Elf64_Chdr header;

	*c = (struct compressed){0};
	if (s->sh_type == SHT_NOBITS)
		return NULL;
	if (s->sh_flags & SHF_COMPRESSED) {
		if (s->sh_size < sizeof(header))
			return not_elf(e, "a compressed section without its header");
		memcpy(&header, in, sizeof(header));
		*c = (struct compressed){in + sizeof(header), s->sh_size - sizeof(header),
					 header.ch_size, header.ch_type};
	} else if (!strncmp(iq_elffile_name(e, section), OLD_NAME, strlen(OLD_NAME)) &&
		   s->sh_size >= OLD_HEADER && !memcmp(in, "ZLIB", 4)) {
		*c = (struct compressed){in + OLD_HEADER, s->sh_size - OLD_HEADER, iq_be64(in + 4),
					 ELFCOMPRESS_ZLIB};
	}
	return NULL;
}

struct iq_error *iq_elffile_decompress(const struct iq_elffile *e, unsigned int section,
				       uint8_t **ret, size_t *size)
{
	struct compressed c;
	uint8_t *out;
	bool good;

	*ret = NULL;
	*size = 0;
	IQ_TRY(read_compressed(e, section, &c));
	if (!c.data)
		return NULL;
	if (!c.size || c.size > DECOMPRESSED_MAX || c.size / RATIO_MAX > c.len)
		return iq_error_new(IQ_E_LIMIT, "section %s of %s would be %llu bytes",
				    iq_elffile_name(e, section), e->path,
				    (unsigned long long)c.size);
	out = malloc(c.size);
	if (!out)
		return iq_error_nomem();
	if (c.type == ELFCOMPRESS_ZLIB)
		good = inflate(c.data, c.len, out, c.size);
	else
		good = c.type == ELFCOMPRESS_ZSTD &&
		       ZSTD_decompress(out, c.size, c.data, c.len) == c.size;
	if (!good) {
		free(out);
		return iq_error_new(IQ_E_FORMAT, "section %s of %s does not decompress",
				    iq_elffile_name(e, section), e->path);
	}
	*ret = out;
	*size = c.size;
	return NULL;
}

/* A section or segment of notes may hold several, of several owners. */
static bool build_id_in(const uint8_t *p, size_t size, char text[IQ_BUILD_ID_TEXT])
{
	while (size >= 12) {
		uint32_t name = iq_le32(p), desc = iq_le32(p + 4), type = iq_le32(p + 8);
		uint64_t name_room = ((uint64_t)name + 3) & ~UINT64_C(3);
		uint64_t desc_room = ((uint64_t)desc + 3) & ~UINT64_C(3);

		p += 12;
		size -= 12;
		if (name_room > size || desc > size - name_room)
			return false;
		if (type == NT_GNU_BUILD_ID && name == 4 && !memcmp(p, "GNU", 4) && desc &&
		    desc <= (IQ_BUILD_ID_TEXT - 1) / 2) {
			for (uint32_t i = 0; i < desc; i++)
				snprintf(text + 2 * (size_t)i, 3, "%02x", p[name_room + i]);
			return true;
		}
		if (desc_room > size - name_room)
			return false;
		p += name_room + desc_room;
		size -= name_room + desc_room;
	}
	return false;
}

static bool build_id_in_segments(const struct iq_elffile *e, char text[IQ_BUILD_ID_TEXT])
{
	Elf64_Ehdr h;
	Elf64_Phdr ph;

	memcpy(&h, e->map, sizeof(h));
	if (h.e_phentsize != sizeof(ph) || !inside(e, h.e_phoff, (uint64_t)h.e_phnum * sizeof(ph)))
		return false;
	for (unsigned int i = 0; i < h.e_phnum; i++) {
		memcpy(&ph, e->map + h.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_NOTE && inside(e, ph.p_offset, ph.p_filesz) &&
		    build_id_in(e->map + ph.p_offset, ph.p_filesz, text))
			return true;
	}
	return false;
}

bool iq_elffile_build_id(const struct iq_elffile *e, char text[IQ_BUILD_ID_TEXT])
{
	text[0] = '\0';
	for (unsigned int i = 1; i < e->nr_sections; i++) {
		size_t size;
		const uint8_t *p = iq_elffile_bytes(e, i, &size);

		if (e->sections[i].sh_type == SHT_NOTE && p && build_id_in(p, size, text))
			return true;
	}
	return build_id_in_segments(e, text);
}
