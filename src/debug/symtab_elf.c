// SPDX-License-Identifier: GPL-2.0-or-later
/* Symbols of an ELF symbol table, with the letters of nm(1). */
#include "symtab_elf.h"
#include "elffile.h"
#include "symtab_array.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

struct symbols {
	const uint8_t *table;
	size_t nr;
	const char *text; /* ends in a NUL */
	size_t text_len;
};

static bool find_symbols(const struct iq_elffile *e, struct symbols *s)
{
	for (unsigned int i = 1; i < e->nr_sections; i++) {
		size_t size;

		if (e->sections[i].sh_type != SHT_SYMTAB)
			continue;
		s->table = iq_elffile_bytes(e, i, &size);
		s->nr = size / sizeof(Elf64_Sym);
		s->text = (const char *)iq_elffile_bytes(e, e->sections[i].sh_link, &s->text_len);
		return s->table && s->text && !s->text[s->text_len - 1];
	}
	return false;
}

/* A symbol that a person would call one: not a file, a section, or a mark of the assembler. */
static bool is_symbol(const struct symbols *s, const Elf64_Sym *sym)
{
	unsigned int type = ELF64_ST_TYPE(sym->st_info);
	const char *name;

	if (sym->st_shndx == SHN_UNDEF || type == STT_FILE || type == STT_SECTION ||
	    sym->st_name >= s->text_len)
		return false;
	name = s->text + sym->st_name;
	return name[0] && name[0] != '$' && !(name[0] == '.' && name[1] == 'L');
}

static char letter_of_section(const Elf64_Shdr *section)
{
	if (section->sh_flags & SHF_EXECINSTR)
		return 't';
	if (!(section->sh_flags & SHF_ALLOC))
		return 'n';
	if (!(section->sh_flags & SHF_WRITE))
		return 'r';
	return section->sh_type == SHT_NOBITS ? 'b' : 'd';
}

static char letter_of(const struct iq_elffile *e, const Elf64_Sym *sym)
{
	bool local = ELF64_ST_BIND(sym->st_info) == STB_LOCAL;
	char letter;

	if (ELF64_ST_BIND(sym->st_info) == STB_WEAK)
		return ELF64_ST_TYPE(sym->st_info) == STT_OBJECT ? 'V' : 'W';
	if (sym->st_shndx == SHN_COMMON)
		return 'C';
	letter = sym->st_shndx < e->nr_sections ? letter_of_section(&e->sections[sym->st_shndx])
						: 'a';
	return local ? letter : (char)(letter - 'a' + 'A');
}

static struct iq_error *add_all(struct iq_symtab_array *a, const struct iq_elffile *e,
				const struct symbols *s, int64_t delta)
{
	for (size_t i = 0; i < s->nr; i++) {
		Elf64_Sym sym;

		memcpy(&sym, s->table + i * sizeof(sym), sizeof(sym));
		if (!is_symbol(s, &sym))
			continue;
		/*
		 * Not moved by KASLR: numbers, and per-CPU variables (their section begins at 0).
		 */
		if (sym.st_shndx != SHN_ABS && sym.st_value >> 63)
			sym.st_value += (uint64_t)delta;
		IQ_TRY(iq_symtab_array_add(a, sym.st_name, sym.st_value, sym.st_size,
					   letter_of(e, &sym)));
	}
	return iq_symtab_seal(&a->symtab, 0);
}

struct iq_error *iq_symtab_from_elffile(const struct iq_elffile *e, int64_t delta,
					struct iq_symtab **ret)
{
	struct iq_symtab_array *a;
	struct iq_error *err = NULL;
	const char *base = strrchr(e->path, '/');
	struct symbols s = {0};

	if (!find_symbols(e, &s) || s.text_len > UINT32_MAX)
		return iq_error_new(IQ_E_NOT_FOUND, "%s has no symbol table", e->path);
	a = iq_symtab_array_new();
	if (!a)
		return iq_error_nomem();
	snprintf(a->source, sizeof(a->source), "symbol table of %s", base ? base + 1 : e->path);
	/* The names are copied: the mapping's pages would stay in memory as well. */
	a->text = malloc(s.text_len);
	if (a->text)
		memcpy(a->text, s.text, s.text_len);
	err = a->text ? add_all(a, e, &s, delta) : iq_error_nomem();
	if (err) {
		iq_symtab_close(&a->symtab);
		return err;
	}
	*ret = &a->symtab;
	return NULL;
}

struct iq_error *iq_symtab_from_elf(int fd, const char *path, int64_t delta, struct iq_symtab **ret)
{
	struct iq_elffile e;
	struct iq_error *err;

	fd = fd < 0 ? open(path, O_RDONLY | O_CLOEXEC) : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return iq_error_errno(errno, "cannot open %s", path);
	IQ_TRY(iq_elffile_open_fd(&e, fd, path));
	err = iq_symtab_from_elffile(&e, delta, ret);
	iq_elffile_close(&e);
	return err;
}

void iq_elffile_each_symbol(const struct iq_elffile *e,
			    bool (*fn)(void *arg, const char *name, const Elf64_Sym *sym), void *arg)
{
	struct symbols s = {0};
	Elf64_Sym sym;

	if (!find_symbols(e, &s))
		return;
	for (size_t i = 0; i < s.nr; i++) {
		memcpy(&sym, s.table + i * sizeof(sym), sizeof(sym));
		if (is_symbol(&s, &sym) && !fn(arg, s.text + sym.st_name, &sym))
			return;
	}
}

/* ---- One symbol ------------------------------------------------------------------------------ */

/* Offsets of NAME in the names: tails of longer names are shared, so there may be several. */
#define PLACES 64
static unsigned int find_text(const struct symbols *s, const char *name, uint32_t places[PLACES])
{
	const char *p = s->text, *end = s->text + s->text_len;
	size_t len = strlen(name) + 1;
	unsigned int nr = 0;

	while (nr < PLACES && p < end) {
		p = memmem(p, (size_t)(end - p), name, len);
		if (!p)
			break;
		places[nr++] = (uint32_t)(p - s->text);
		p++;
	}
	return nr;
}

bool iq_elffile_symbol(const struct iq_elffile *e, const char *name, Elf64_Sym *ret)
{
	uint32_t places[PLACES];
	struct symbols s = {0};
	unsigned int nr;

	if (!find_symbols(e, &s) || s.text_len > UINT32_MAX)
		return false;
	nr = find_text(&s, name, places);
	for (size_t i = 0; nr && i < s.nr; i++) {
		const uint8_t *p = s.table + i * sizeof(Elf64_Sym);
		uint32_t offset = iq_le32(p + offsetof(Elf64_Sym, st_name));

		for (unsigned int j = 0; j < nr; j++) {
			if (places[j] != offset)
				continue;
			memcpy(ret, p, sizeof(*ret));
			if (is_symbol(&s, ret))
				return true;
		}
	}
	return false;
}
