// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls with constant strings in a vmlinux or a module's file: see callers.h. */
#include <inquest/callers.h>

#include "debugfile_dwarf.h"
#include "inlines.h"
#include "symtab_elf.h"
#include <ctype.h>
#include <stdlib.h>

#define MAX_TEXT 256
#define MAX_FUNCTION (1u << 20) /* bytes */
#define MAX_CHAIN 16

struct function {
	uint64_t at; /* address, in a relocatable file offset in its section */
	unsigned int section;
	const char *name;
};

struct search {
	struct iq_debugfile *f;
	const struct iq_elffile *e;
	const struct iq_arch *arch;
	struct function *functions; /* by section and address */
	unsigned int nr_functions, room;
	const struct iq_callee *callees;
	unsigned int nr;
	struct iq_callee *copies; /* where the callees and their clones are in a linked file, */
	unsigned int *which; /* and of which each is one */
	unsigned int nr_copies, room_copies, room_which;
	bool (*fn)(void *arg, const struct iq_string_call *call);
	void *arg;
	bool stop, failed;
	const uint8_t *symbols; /* of a relocatable file: Elf64_Sym, and their names */
	const char *names;
	size_t symbols_size, names_size;
	/* the section at hand */
	unsigned int section;
	const uint8_t *code;
	size_t size;
	uint64_t base; /* address of its first byte; 0 in a relocatable file */
	const uint8_t *rela; /* Elf64_Rela */
	size_t nr_rela;
	size_t function_start; /* while arguments are looked for */
};

/* ---- Functions ------------------------------------------------------------------------------------ */

static uint64_t section_base(const struct iq_elffile *e, unsigned int section)
{
	return e->type == ET_REL ? 0 : e->sections[section].sh_addr;
}

/* "foo" or a clone of it, "foo.constprop.0". */
static int callee_named(const struct search *x, const char *name)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		size_t len = strlen(x->callees[i].function);

		if (!strncmp(name, x->callees[i].function, len) && (!name[len] || name[len] == '.'))
			return (int)i;
	}
	return -1;
}

static bool add_copy(struct search *x, unsigned int callee, uint64_t address)
{
	if (!iq_grow(&x->copies, &x->room_copies, x->nr_copies + 1, sizeof(*x->copies)) ||
	    !iq_grow(&x->which, &x->room_which, x->nr_copies + 1, sizeof(*x->which)))
		return false;
	x->copies[x->nr_copies] = x->callees[callee];
	x->copies[x->nr_copies].address = address;
	x->which[x->nr_copies++] = callee;
	return true;
}

static bool add_function(void *arg, const char *name, const Elf64_Sym *sym)
{
	struct search *x = arg;
	unsigned int type = ELF64_ST_TYPE(sym->st_info);
	int callee;

	if (sym->st_shndx >= x->e->nr_sections ||
	    !(x->e->sections[sym->st_shndx].sh_flags & SHF_EXECINSTR) ||
	    sym->st_value - section_base(x->e, sym->st_shndx) >=
		    x->e->sections[sym->st_shndx].sh_size ||
	    (type != STT_FUNC && type != STT_NOTYPE))
		return true;
	callee = callee_named(x, name);
	if (!iq_grow(&x->functions, &x->room, x->nr_functions + 1, sizeof(*x->functions)) ||
	    (callee >= 0 && !add_copy(x, (unsigned int)callee, sym->st_value))) {
		x->failed = true;
		return false;
	}
	x->functions[x->nr_functions++] = (struct function){sym->st_value, sym->st_shndx, name};
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* The function that OFFSET of the section at hand is in. */
static const struct function *function_at(const struct search *x, size_t offset)
{
	unsigned int low = 0, high = x->nr_functions;
	uint64_t at = x->base + offset;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;
		const struct function *y = &x->functions[mid];

		if (y->section < x->section || (y->section == x->section && y->at <= at))
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || x->functions[low - 1].section != x->section)
		return NULL;
	return &x->functions[low - 1];
}

/* ---- Strings -------------------------------------------------------------------------------------- */

static const char *string_in(const struct search *x, unsigned int section, uint64_t offset)
{
	size_t size, len;
	const char *text = (const char *)iq_elffile_bytes(x->e, section, &size);

	if (!text || offset >= size)
		return NULL;
	len = strnlen(text + offset, IQ_MIN(size - offset, MAX_TEXT));
	if (!len || len >= MAX_TEXT || len >= size - offset)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (!isprint((unsigned char)text[offset + i]))
			return NULL;
	return text + offset;
}

/* In a linked file VALUE is an address, in a relocatable one as relocated() has made it. */
static const char *string_at(const struct search *x, uint64_t value)
{
	if (x->e->type == ET_REL)
		return string_in(x, (unsigned int)(value >> 40), value & ((UINT64_C(1) << 40) - 1));
	for (unsigned int i = 1; i < x->e->nr_sections; i++) {
		const Elf64_Shdr *s = &x->e->sections[i];

		if (s->sh_flags & SHF_ALLOC && s->sh_addr && value >= s->sh_addr &&
		    value - s->sh_addr < s->sh_size)
			return string_in(x, i, value - s->sh_addr);
	}
	return NULL;
}

/* ---- Relocatable files ---------------------------------------------------------------------------- */

static void find_symbols(struct search *x)
{
	for (unsigned int i = 1; i < x->e->nr_sections; i++) {
		if (x->e->sections[i].sh_type != SHT_SYMTAB)
			continue;
		x->symbols = iq_elffile_bytes(x->e, i, &x->symbols_size);
		x->names = (const char *)iq_elffile_bytes(x->e, x->e->sections[i].sh_link,
							  &x->names_size);
		return;
	}
}

static bool symbol(const struct search *x, uint64_t index, Elf64_Sym *ret, const char **name)
{
	if (!x->symbols || !x->names || index >= x->symbols_size / sizeof(*ret))
		return false;
	memcpy(ret, x->symbols + index * sizeof(*ret), sizeof(*ret));
	/* The names end in a NUL, or the last does not count. */
	*name = ret->st_name < x->names_size && !x->names[x->names_size - 1]
			? x->names + ret->st_name
			: "";
	return true;
}

/* The section number and offset (in 24 and 40 bits) that is meant by the relocation of the instruction. */
static bool relocated(void *arg, size_t offset, size_t len, uint64_t *value)
{
	const struct search *x = arg;
	size_t low = 0, high = x->nr_rela;
	const char *name;
	Elf64_Rela r;
	Elf64_Sym sym;
	uint64_t to;

	offset += x->function_start;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		memcpy(&r, x->rela + mid * sizeof(r), sizeof(r));
		if (r.r_offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	if (low >= x->nr_rela)
		return false;
	memcpy(&r, x->rela + low * sizeof(r), sizeof(r));
	if (r.r_offset - offset >= len || !symbol(x, ELF64_R_SYM(r.r_info), &sym, &name))
		return false;
	to = sym.st_value + (uint64_t)r.r_addend;
	if (ELF64_R_TYPE(r.r_info) == R_X86_64_PC32)
		to += offset + len - r.r_offset;
	*value = (uint64_t)sym.st_shndx << 40 | (to & ((UINT64_C(1) << 40) - 1));
	return sym.st_shndx && sym.st_shndx < x->e->nr_sections;
}

static bool find_rela(struct search *x)
{
	x->rela = NULL;
	x->nr_rela = 0;
	for (unsigned int i = 1; i < x->e->nr_sections; i++) {
		size_t size;

		if (x->e->sections[i].sh_type != SHT_RELA ||
		    x->e->sections[i].sh_info != x->section)
			continue;
		x->rela = iq_elffile_bytes(x->e, i, &size);
		x->nr_rela = x->rela ? size / sizeof(Elf64_Rela) : 0;
		return x->nr_rela;
	}
	return false;
}

/* ---- Calls ---------------------------------------------------------------------------------------- */

static void one_call(struct search *x, size_t offset, unsigned int callee)
{
	const struct function *y = function_at(x, offset);
	struct iq_string_call call = {.callee = callee};
	bool rel = x->e->type == ET_REL;
	uint64_t value;

	if (x->stop || !y)
		return;
	x->function_start = y->at - x->base;
	if (offset - x->function_start > MAX_FUNCTION ||
	    !iq_constant_argument(x->arch, x->code + x->function_start, offset - x->function_start,
				  x->size - x->function_start, y->at, x->callees[callee].arg,
				  rel ? relocated : NULL, x, &value) ||
	    (rel && value >> 40 >= x->e->nr_sections))
		return;
	if (!x->callees[callee].pointer) {
		call.text = string_at(x, value);
	} else {
		if (rel)
			value = iq_dwarf_link_address(x->e, (unsigned int)(value >> 40),
						      value & ((UINT64_C(1) << 40) - 1));
		iq_debugfile_runtime(x->f, value, &call.data);
	}
	if (!call.text && !call.data)
		return;
	call.function = y->name;
	call.offset = offset - x->function_start;
	call.link = rel ? iq_dwarf_link_address(x->e, x->section, offset) : x->base + offset;
	call.section = iq_elffile_name(x->e, x->section);
	x->stop = !x->fn(x->arg, &call);
}

static void on_call(void *arg, size_t offset, unsigned int copy)
{
	struct search *x = arg;

	one_call(x, offset, x->which[copy]);
}

/* In a relocatable file the calls are among the relocations. */
static void relocated_calls(struct search *x)
{
	for (size_t i = 0; i < x->nr_rela && !x->stop; i++) {
		const char *name;
		Elf64_Rela r;
		Elf64_Sym sym;
		int callee;

		memcpy(&r, x->rela + i * sizeof(r), sizeof(r));
		if ((ELF64_R_TYPE(r.r_info) != R_X86_64_PLT32 &&
		     ELF64_R_TYPE(r.r_info) != R_X86_64_PC32) ||
		    !r.r_offset || r.r_offset + 4 > x->size ||
		    (x->code[r.r_offset - 1] | 1) != 0xe9 ||
		    !symbol(x, ELF64_R_SYM(r.r_info), &sym, &name))
			continue;
		callee = callee_named(x, name);
		if (callee >= 0)
			one_call(x, r.r_offset - 1, (unsigned int)callee);
	}
}

static bool search_sections(struct search *x)
{
	bool any = false;

	for (x->section = 1; x->section < x->e->nr_sections && !x->stop; x->section++) {
		const Elf64_Shdr *s = &x->e->sections[x->section];

		if (!(s->sh_flags & SHF_EXECINSTR))
			continue;
		x->code = iq_elffile_bytes(x->e, x->section, &x->size);
		x->base = section_base(x->e, x->section);
		if (!x->code || !x->size)
			continue;
		any = true;
		if (x->e->type != ET_REL)
			iq_calls_in_code(x->arch, x->code, x->size, x->base, x->copies,
					 x->nr_copies, on_call, x);
		else if (find_rela(x))
			relocated_calls(x);
	}
	return any;
}

bool iq_debugfile_string_calls(struct iq_debugfile *f, const struct iq_callee *callees,
			       unsigned int nr,
			       bool (*fn)(void *arg, const struct iq_string_call *call), void *arg)
{
	struct search x = {
		.f = f, .e = &f->elf, .callees = callees, .nr = nr, .fn = fn, .arg = arg};
	bool any = false;

	x.arch = iq_arch_by_machine(f->elf.machine);
	if (x.arch) {
		find_symbols(&x);
		iq_elffile_each_symbol(x.e, add_function, &x);
		if (x.nr_functions && !x.failed) {
			qsort(x.functions, x.nr_functions, sizeof(*x.functions), by_place);
			any = search_sections(&x);
		}
	}
	free(x.functions);
	free(x.copies);
	free(x.which);
	return any;
}

bool iq_debugfile_call_line(struct iq_debugfile *f, uint64_t link, const char **file,
			    unsigned int *line)
{
	struct iq_dwarf *d = iq_debugfile_has_dwarf(f) ? iq_debugfile_dwarf(f) : NULL;
	struct iq_dw_unit *u = d ? iq_dw_unit_at(d, link) : NULL;
	struct iq_inline chain[MAX_CHAIN];
	unsigned int nr = u ? iq_dw_inlines(u, link, chain, MAX_CHAIN) : 0;

	/* The allocator's own wrappers are inlined from include/: who called them is wanted. */
	for (unsigned int i = 0; i < nr; i++) {
		if (chain[i].file && chain[i].line &&
		    (i + 1 == nr || strncmp(chain[i].file, "include/", 8))) {
			*file = chain[i].file;
			*line = chain[i].line;
			return true;
		}
	}
	return u && iq_dw_line(u, link, file, line);
}
