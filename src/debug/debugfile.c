// SPDX-License-Identifier: GPL-2.0-or-later
/* Files with debug information: what they are, where they were loaded, what lines they know. */
#include <inquest/debugfile.h>

#include "debugfile_dwarf.h"
#include "symtab_elf.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- What kind of file ----------------------------------------------------------------------- */

static enum iq_file_kind kind_of(const struct iq_elffile *e)
{
	static const char *const marks[] = {"__ksymtab", "__ksymtab_gpl", ".data..percpu",
					    "__ex_table", ".init.text"};
	unsigned int found = 0;

	if (e->type == ET_REL)
		return iq_elffile_section(e, ".modinfo") ||
				       iq_elffile_section(e, ".gnu.linkonce.this_module")
			       ? IQ_FILE_MODULE
			       : IQ_FILE_OTHER;
	if ((e->type != ET_EXEC && e->type != ET_DYN) || !iq_elffile_section(e, ".text"))
		return IQ_FILE_OTHER;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(marks); i++)
		found += iq_elffile_section(e, marks[i]) != 0;
	return found >= 2 ? IQ_FILE_VMLINUX : IQ_FILE_OTHER;
}

/* An ELF file for one of our machines, of a type that we use, which cannot be read further. */
static bool is_broken_elf(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr h;
	bool elf;

	if (fd < 0)
		return false;
	elf = pread(fd, &h, sizeof(h), 0) == sizeof(h) && !memcmp(h.e_ident, ELFMAG, SELFMAG) &&
	      h.e_ident[EI_CLASS] == ELFCLASS64 && h.e_ident[EI_DATA] == ELFDATA2LSB &&
	      (h.e_machine == EM_X86_64 || h.e_machine == EM_AARCH64) &&
	      (h.e_type == ET_EXEC || h.e_type == ET_REL || h.e_type == ET_DYN);
	close(fd);
	return elf;
}

enum iq_file_kind iq_file_recognise(const char *path)
{
	struct iq_elffile e;
	struct iq_error *err = iq_elffile_open(&e, path);
	enum iq_file_kind kind;

	if (err) {
		iq_error_free(err);
		return is_broken_elf(path) ? IQ_FILE_DAMAGED : IQ_FILE_OTHER;
	}
	kind = kind_of(&e);
	/* Without its section headers, or with rubbish in their place. */
	if (kind == IQ_FILE_OTHER && !e.names_len && is_broken_elf(path))
		kind = IQ_FILE_DAMAGED;
	iq_elffile_close(&e);
	return kind;
}

/* ---- Module name ----------------------------------------------------------------------------- */

/* The value of "name=" in .modinfo (4.13 and later), copied. */
static char *name_in_modinfo(const struct iq_elffile *e)
{
	size_t size;
	const char *p = (const char *)iq_elffile_bytes(e, iq_elffile_section(e, ".modinfo"), &size);
	const char *end = p ? p + size : NULL;

	while (p < end) {
		size_t len = strnlen(p, (size_t)(end - p));

		if (len > 5 && !memcmp(p, "name=", 5))
			return strndup(p + 5, len - 5);
		p += len + 1;
	}
	return NULL;
}

/* "usb-storage.ko.debug" is usb_storage. */
static char *module_name(const struct iq_elffile *e)
{
	char *name = name_in_modinfo(e), *end;
	const char *base = strrchr(e->path, '/');

	if (!name) {
		name = strdup(base ? base + 1 : e->path);
		end = name ? strstr(name, ".ko") : NULL;
		if (end)
			*end = '\0';
	}
	for (char *c = name; c && *c; c++) {
		if (*c == '-')
			*c = '_';
	}
	return name;
}

/* ---- Opening --------------------------------------------------------------------------------- */

struct iq_error *iq_debugfile_open(const char *path, struct iq_debugfile **ret)
{
	struct iq_debugfile *f = calloc(1, sizeof(*f));
	struct iq_error *err;

	if (!f)
		return iq_error_nomem();
	err = iq_elffile_open(&f->elf, path);
	if (err) {
		free(f);
		return err;
	}
	f->kind = kind_of(&f->elf);
	if (f->kind == IQ_FILE_OTHER) {
		iq_debugfile_close(f);
		return iq_error_new(IQ_E_FORMAT, "%s is neither a vmlinux nor a kernel module",
				    path);
	}
	f->module = f->kind == IQ_FILE_MODULE ? module_name(&f->elf) : strdup("");
	if (!f->module) {
		iq_debugfile_close(f);
		return iq_error_nomem();
	}
	iq_elffile_build_id(&f->elf, f->build_id);
	*ret = f;
	return NULL;
}

void iq_debugfile_close(struct iq_debugfile *f)
{
	if (!f)
		return;
	iq_debugfile_close_dwarf(f);
	iq_elffile_close(&f->elf);
	free(f->loaded);
	free(f->module);
	free(f);
}

const char *iq_debugfile_path(const struct iq_debugfile *f)
{
	return f->elf.path;
}

enum iq_file_kind iq_debugfile_kind(const struct iq_debugfile *f)
{
	return f->kind;
}

const char *iq_debugfile_build_id(const struct iq_debugfile *f)
{
	return f->build_id;
}

const char *iq_debugfile_module(const struct iq_debugfile *f)
{
	return f->module;
}

static bool has_bytes(const struct iq_debugfile *f, const char *name)
{
	unsigned int section = iq_elffile_debug_section(&f->elf, name);

	return section && f->elf.sections[section].sh_type != SHT_NOBITS &&
	       f->elf.sections[section].sh_size;
}

bool iq_debugfile_has_dwarf(const struct iq_debugfile *f)
{
	return has_bytes(f, ".debug_info") && has_bytes(f, ".debug_abbrev") &&
	       has_bytes(f, ".debug_line");
}

const char *iq_debugfile_debuglink(const struct iq_debugfile *f)
{
	size_t size;
	const char *name = (const char *)iq_elffile_bytes(
		&f->elf, iq_elffile_section(&f->elf, ".gnu_debuglink"), &size);

	/* It is a file name, not a path. */
	return name && memchr(name, '\0', size) && *name && !strchr(name, '/') ? name : NULL;
}

/* ---- Addresses ------------------------------------------------------------------------------- */

void iq_debugfile_set_delta(struct iq_debugfile *f, int64_t delta)
{
	f->delta = delta;
}

struct iq_error *iq_debugfile_set_section(struct iq_debugfile *f, const char *name,
					  uint64_t address)
{
	unsigned int section = iq_elffile_section(&f->elf, name);
	uint64_t size, end;

	if (!section)
		return iq_error_new(IQ_E_NOT_FOUND, "%s has no section %s", f->elf.path, name);
	size = f->elf.sections[section].sh_size;
	if (iq_add_overflows(address, size, &end))
		return iq_error_new(IQ_E_FORMAT, "section %s of %s cannot lie at %#llx", name,
				    f->elf.path, (unsigned long long)address);
	if (!iq_grow(&f->loaded, &f->room_loaded, f->nr_loaded + 1, sizeof(*f->loaded)))
		return iq_error_nomem();
	f->loaded[f->nr_loaded++] = (struct iq_loaded){address, size, section};
	return NULL;
}

bool iq_debugfile_link(const struct iq_debugfile *f, uint64_t address, uint64_t *ret)
{
	if (f->kind == IQ_FILE_VMLINUX) {
		*ret = address - (uint64_t)f->delta;
		return true;
	}
	/* The latest word counts: a module may have been loaded anew elsewhere. */
	for (unsigned int i = f->nr_loaded; i-- > 0;) {
		const struct iq_loaded *l = &f->loaded[i];

		if (address >= l->start && address - l->start < l->size) {
			*ret = iq_dwarf_link_address(&f->elf, l->section, address - l->start);
			return true;
		}
	}
	return false;
}

bool iq_debugfile_runtime(const struct iq_debugfile *f, uint64_t link, uint64_t *ret)
{
	if (f->kind == IQ_FILE_VMLINUX) {
		*ret = link + (uint64_t)f->delta;
		/* Small numbers are offsets of per-CPU variables, of which each CPU has its own. */
		return link >> 63;
	}
	for (unsigned int i = f->nr_loaded; i-- > 0;) {
		const struct iq_loaded *l = &f->loaded[i];
		uint64_t start = iq_dwarf_link_address(&f->elf, l->section, 0);

		if (link >= start && link - start < l->size) {
			*ret = l->start + (link - start);
			return true;
		}
	}
	return false;
}

bool iq_debugfile_symbol(struct iq_debugfile *f, const char *symbol, uint64_t *address)
{
	Elf64_Sym sym;

	if (!iq_elffile_symbol(&f->elf, symbol, &sym))
		return false;
	if (f->elf.type != ET_REL) {
		*address = sym.st_value;
		return true;
	}
	for (unsigned int i = f->nr_loaded; i-- > 0;) {
		if (f->loaded[i].section == sym.st_shndx) {
			*address = f->loaded[i].start + sym.st_value;
			return true;
		}
	}
	return false;
}

/* ---- Sections placed by symbols --------------------------------------------------------------- */

/* What symbols say of one section: the place that most of them agree on, by Boyer and Moore's vote. */
struct vote {
	uint64_t base;
	unsigned int lead;
};

struct placing {
	struct iq_debugfile *f;
	struct iq_symtab *table;
	struct vote *votes; /* by section */
};

static bool vote(void *arg, const char *name, const Elf64_Sym *sym)
{
	struct placing *p = arg;
	struct iq_symbol known, again;
	unsigned int from = 0;
	struct vote *v;
	uint64_t base;

	if (sym->st_shndx >= p->f->elf.nr_sections ||
	    !(p->f->elf.sections[sym->st_shndx].sh_flags & SHF_ALLOC) ||
	    !iq_symtab_by_name(p->table, name, &from, &known) ||
	    iq_symtab_by_name(p->table, name, &from, &again))
		return true;
	v = &p->votes[sym->st_shndx];
	base = known.address - sym->st_value;
	if (!v->lead)
		v->base = base;
	if (v->base == base)
		v->lead++;
	else
		v->lead--;
	return true;
}

static bool is_placed(const struct iq_debugfile *f, unsigned int section)
{
	for (unsigned int i = 0; i < f->nr_loaded; i++) {
		if (f->loaded[i].section == section)
			return true;
	}
	return false;
}

unsigned int iq_debugfile_place_by_symbols(struct iq_debugfile *f, struct iq_symtab *table)
{
	struct placing p = {f, table, calloc(f->elf.nr_sections + 1, sizeof(struct vote))};
	unsigned int placed = 0;

	if (p.votes && f->elf.type == ET_REL)
		iq_elffile_each_symbol(&f->elf, vote, &p);
	for (unsigned int i = 1; p.votes && i < f->elf.nr_sections; i++) {
		const char *name = iq_elffile_name(&f->elf, i);
		struct iq_error *err;

		/* By name: the first section of it is meant. */
		if (!p.votes[i].lead || is_placed(f, i) || iq_elffile_section(&f->elf, name) != i)
			continue;
		err = iq_debugfile_set_section(f, name, p.votes[i].base);
		placed += !err;
		iq_error_free(err);
	}
	free(p.votes);
	return placed;
}
