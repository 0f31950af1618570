// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loaded modules: the list `modules`, each module's memory (core_layout/init_layout of 4.5 - 6.3, mem[]
 * since 6.4), symbols (struct mod_kallsyms), ORC tables (struct mod_arch_specific) and BTF (the list
 * btf_modules, kernel/bpf/btf.c).
 */
#include "private.h"

#include <stdlib.h>

#define MODULE_SYMS_MAX (1u << 20)
#define MODULE_STRTAB_MAX (16u << 20)
#define MODULE_ORC_MAX (4u << 20)
#define MODULE_BTF_MAX (64u << 20)
#define MODULE_RANGE_MAX (UINT64_C(1) << 30)
#define ELF_SYM_SIZE 24

static void add_range(struct iq_module *m, uint64_t start, uint64_t size, const char *what, bool text)
{
	struct iq_module_range *r;

	if (!start || !size || size > MODULE_RANGE_MAX || m->nr_ranges == IQ_MODULE_RANGES)
		return;
	r = &m->range[m->nr_ranges++];
	r->start = start;
	r->end = start + size;
	r->what = what;
	r->text = text;
	m->size += size;
}

/* A block of struct module_layout: text, what is read only, and the rest. */
static bool add_layout(struct iq_kernel *k, struct iq_module *m, bool init)
{
	uint64_t base, size, text, ro;

	if (!kernel_read_member(k, "module", init ? "init_layout.base" : "core_layout.base",
				m->address, &base) ||
	    !kernel_read_member(k, "module", init ? "init_layout.size" : "core_layout.size",
				m->address, &size))
		return false;
	if (!kernel_read_member(k, "module",
				init ? "init_layout.text_size" : "core_layout.text_size",
				m->address, &text) ||
	    text > size)
		text = size;
	if (!kernel_read_member(k, "module", init ? "init_layout.ro_size" : "core_layout.ro_size",
				m->address, &ro) ||
	    ro < text || ro > size)
		ro = text;
	add_range(m, base, text, init ? "init_text" : "text", true);
	add_range(m, base + text, ro - text, init ? "init_rodata" : "rodata", false);
	add_range(m, base + ro, size - ro, init ? "init_data" : "data", false);
	if (!init)
		m->base = base;
	return true;
}

/* struct module_layout core_layout, init_layout */
static bool ranges_from_layouts(struct iq_kernel *k, struct iq_module *m)
{
	if (!add_layout(k, m, false))
		return false;
	add_layout(k, m, true);
	return true;
}

/* struct module_memory mem[MOD_MEM_NUM_TYPES], in the order of enum mod_mem_type. */
static bool ranges_from_mem(struct iq_kernel *k, struct iq_module *m)
{
	static const char *const what[] = {"text", "data", "rodata", "ro_after_init", "init_text",
					   "init_data", "init_rodata"};
	uint64_t one = iq_kernel_sizeof(k, "module_memory"), at, total, base, size;
	unsigned int i;

	if (!one || !iq_kernel_offset(k, "module", "mem", &at, &total))
		return false;
	for (i = 0; i < IQ_ARRAY_SIZE(what) && (i + 1) * one <= total; i++) {
		uint64_t entry = m->address + at + i * one;

		if (!kernel_read_member(k, "module_memory", "base", entry, &base) ||
		    !kernel_read_member(k, "module_memory", "size", entry, &size))
			continue;
		add_range(m, base, size, what[i], i == 0 || i == 4);
		if (i == 0)
			m->base = base;
	}
	return true;
}

static bool add_module(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct iq_kernel_private *p = k->priv;
	uint64_t list_at, name_at, name_size, v;
	struct iq_module *m;
	char name[64];
	struct iq_buf escaped = {0};

	if (!iq_kernel_offset(k, "module", "list", &list_at, NULL) ||
	    !iq_kernel_offset(k, "module", "name", &name_at, &name_size))
		return false;
	m = calloc(1, sizeof(*m));
	if (!m || !(m->priv = calloc(1, sizeof(*m->priv))) ||
	    !iq_grow(&p->modules, &p->room_modules, p->nr_modules + 1, sizeof(*p->modules))) {
		if (m)
			free(m->priv);
		free(m);
		return false;
	}
	m->address = entry - list_at;
	iq_vm_read_string(k->vm, m->address + name_at, name, IQ_MIN(sizeof(name), name_size));
	iq_buf_add_escaped(&escaped, name, strlen(name), false);
	snprintf(m->name, sizeof(m->name), "%.56s", iq_buf_str(&escaped));
	iq_buf_free(&escaped);
	if (kernel_read_member(k, "module", "state", m->address, &v))
		m->state = (unsigned int)v;
	if (!ranges_from_mem(k, m) && !ranges_from_layouts(k, m))
		iq_warn(k->warnings, "module %s: its memory cannot be found", m->name);
	module_use_given(k, m);
	p->modules[p->nr_modules++] = m;
	return true;
}

static struct iq_error *load_modules(struct iq_kernel *k)
{
	uint64_t head = iq_kernel_symbol(k, "modules"), at;
	struct iq_types *t;

	if (!head)
		return iq_error_new(IQ_E_NOT_FOUND, "this kernel has no module list");
	if (!iq_kernel_offset(k, "module", "list", &at, NULL) ||
	    !iq_kernel_offset(k, "module", "name", &at, NULL)) {
		IQ_TRY(iq_kernel_need_types(k, &t));
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "struct module of this kernel has no members list and name");
	}
	kernel_list_for_each(k, head, MAX_MODULES, "module list", add_module, NULL);
	return NULL;
}

struct iq_error *iq_modules(struct iq_kernel *k, struct iq_module *const **ret, unsigned int *nr)
{
	struct iq_kernel_private *p = k->priv;

	if (!p->modules_state) {
		p->modules_state = LAZY_FAILED;
		p->modules_error = load_modules(k);
		if (!p->modules_error)
			p->modules_state = LAZY_DONE;
	}
	if (p->modules_state == LAZY_FAILED)
		return kernel_same_error(p->modules_error);
	*ret = p->modules;
	*nr = p->nr_modules;
	return NULL;
}

void modules_free(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;
	unsigned int i;

	for (i = 0; i < p->nr_modules; i++) {
		struct iq_module_private *mp = p->modules[i]->priv;

		iq_symtab_close(mp->symbols);
		iq_types_close(mp->btf);
		iq_orc_close(mp->orc);
		free(mp);
		free(p->modules[i]);
	}
	free(p->modules);
	iq_error_free(p->modules_error);
}

struct iq_module *iq_module_at(struct iq_kernel *k, uint64_t address)
{
	struct iq_module *const *mods;
	unsigned int i, j, nr;
	struct iq_error *err;

	/* Most addresses asked about are not modules': do not read the list for them. */
	if (address < k->layout.modules_start || address >= k->layout.modules_end)
		return NULL;
	err = iq_modules(k, &mods, &nr);
	if (err) {
		iq_error_free(err);
		return NULL;
	}
	for (i = 0; i < nr; i++)
		for (j = 0; j < mods[i]->nr_ranges; j++)
			if (address >= mods[i]->range[j].start && address < mods[i]->range[j].end)
				return mods[i];
	return NULL;
}

struct iq_module *iq_module_by_name(struct iq_kernel *k, const char *name)
{
	struct iq_module *const *mods;
	struct iq_error *err = iq_modules(k, &mods, &(unsigned int){0});
	unsigned int i;

	if (err) {
		iq_error_free(err);
		return NULL;
	}
	for (i = 0; i < k->priv->nr_modules; i++)
		if (!strcmp(mods[i]->name, name))
			return mods[i];
	return NULL;
}

/* ---- Symbols ----------------------------------------------------------------------------------- */

struct mod_tables {
	uint8_t *syms;
	char *strings, *types;
	uint64_t nr, strings_len;
};

/*
 * struct mod_kallsyms { symtab, num_symtab, strtab, typetab }.  The string table has no length of its own:
 * it is read as far as the names need.
 */
static bool read_tables(struct iq_kernel *k, struct iq_module *m, struct mod_tables *t)
{
	uint64_t ks, symtab, strtab, typetab = 0, i, last = 0;
	struct iq_fault fault = {0};

	if (!kernel_read_member(k, "module", "kallsyms", m->address, &ks) || !ks ||
	    !kernel_read_member(k, "mod_kallsyms", "symtab", ks, &symtab) ||
	    !kernel_read_member(k, "mod_kallsyms", "strtab", ks, &strtab) ||
	    !kernel_read_member(k, "mod_kallsyms", "num_symtab", ks, &t->nr) || !t->nr ||
	    t->nr > MODULE_SYMS_MAX)
		return false;
	kernel_read_member(k, "mod_kallsyms", "typetab", ks, &typetab);
	t->syms = malloc(t->nr * ELF_SYM_SIZE);
	if (!t->syms || iq_vm_read(k->vm, symtab, t->syms, t->nr * ELF_SYM_SIZE, NULL))
		return false;
	for (i = 0; i < t->nr; i++)
		last = IQ_MAX(last, iq_le32(t->syms + i * ELF_SYM_SIZE));
	if (last > MODULE_STRTAB_MAX)
		return false;
	t->strings_len = last + 512; /* KSYM_NAME_LEN */
	t->strings = calloc(1, t->strings_len + 1);
	if (!t->strings)
		return false;
	/* The last name may end its page; reading on into nothing is no error. */
	if (iq_vm_read(k->vm, strtab, t->strings, t->strings_len, &fault) && fault.address < strtab + last)
		return false;
	if (typetab) {
		t->types = malloc(t->nr);
		if (t->types && iq_vm_read(k->vm, typetab, t->types, t->nr, NULL)) {
			free(t->types);
			t->types = NULL;
		}
	}
	return true;
}

static struct iq_error *add_symbols(struct iq_kernel *k, struct iq_module *m, const struct mod_tables *t)
{
	uint64_t i, end = 0;
	unsigned int j;

	IQ_TRY(iq_symtab_new(m->name, &m->priv->symbols));
	for (i = 1; i < t->nr; i++) {
		const uint8_t *s = t->syms + i * ELF_SYM_SIZE;
		const char *name = t->strings + iq_le32(s);
		uint64_t value = iq_le64(s + 8);
		/* Before 5.2 the kernel kept the letter in st_info. */
		char type = t->types ? t->types[i] : (char)s[4];

		/* SHN_UNDEF; empty names; the assembler's and linker's local labels. */
		if (!iq_le16(s + 6) || !name[0] || name[0] == '$' || !strncmp(name, ".L", 2))
			continue;
		if ((type | 32) < 'a' || (type | 32) > 'z')
			type = '?';
		IQ_TRY(iq_symtab_add(m->priv->symbols, name, value, 0, type));
	}
	for (j = 0; j < m->nr_ranges; j++)
		end = IQ_MAX(end, m->range[j].end);
	return iq_symtab_seal(m->priv->symbols, end);
}

struct iq_symtab *iq_module_symbols(struct iq_kernel *k, struct iq_module *m)
{
	struct iq_module_private *p = m->priv;
	struct mod_tables t = {0};
	struct iq_error *err = NULL;

	if (p->symbols_state)
		return p->symbols;
	p->symbols_state = LAZY_FAILED;
	if (!read_tables(k, m, &t))
		iq_warn(k->warnings, "module %s: its symbols cannot be read", m->name);
	else
		err = add_symbols(k, m, &t);
	free(t.syms);
	free(t.strings);
	free(t.types);
	if (err) {
		iq_warn(k->warnings, "module %s: %s", m->name, err->message);
		iq_error_free(err);
		iq_symtab_close(p->symbols);
		p->symbols = NULL;
	}
	if (p->symbols)
		p->symbols_state = LAZY_DONE;
	return p->symbols;
}

/* ---- ORC --------------------------------------------------------------------------------------- */

struct iq_orc *iq_module_orc(struct iq_kernel *k, struct iq_module *m)
{
	struct iq_module_private *p = m->priv;
	uint64_t num, ips, rows;
	struct iq_error *err;

	if (p->orc_state)
		return p->orc;
	p->orc_state = LAZY_FAILED;
	if (!kernel_read_member(k, "module", "arch.num_orcs", m->address, &num) || !num ||
	    num > MODULE_ORC_MAX ||
	    !kernel_read_member(k, "module", "arch.orc_unwind_ip", m->address, &ips) ||
	    !kernel_read_member(k, "module", "arch.orc_unwind", m->address, &rows))
		return NULL;
	err = iq_orc_open(k->vm, k->priv->orc_layout, k->priv->orc_deref_after_offset, ips, rows, num,
			  &p->orc);
	if (err) {
		iq_warn(k->warnings, "module %s: no ORC: %s", m->name, err->message);
		iq_error_free(err);
		return NULL;
	}
	p->orc_state = LAZY_DONE;
	return p->orc;
}

/* ---- BTF --------------------------------------------------------------------------------------- */

struct btf_search {
	struct iq_module *m;
	uint64_t btf;
};

/* struct btf_module { list; struct module *module; struct btf *btf; … } */
static bool match_btf(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct btf_search *s = arg;
	uint64_t list_at = 0, module;

	iq_kernel_offset(k, "btf_module", "list", &list_at, NULL);
	if (!kernel_read_member(k, "btf_module", "module", entry - list_at, &module) ||
	    module != s->m->address)
		return true;
	kernel_read_member(k, "btf_module", "btf", entry - list_at, &s->btf);
	return false;
}

static struct iq_types *open_btf(struct iq_kernel *k, struct iq_module *m)
{
	struct iq_types *base = iq_kernel_types(k), *types = NULL;
	uint64_t head = iq_kernel_symbol(k, "btf_modules"), data, size;
	struct btf_search s = {.m = m};
	struct iq_error *err;

	/* A module's BTF refers to the kernel's. */
	if (!base || base != k->priv->btf || !head)
		return NULL;
	kernel_list_for_each(k, head, MAX_MODULES, "list of module BTF", match_btf, &s);
	if (!s.btf || !kernel_read_member(k, "btf", "data", s.btf, &data) ||
	    !kernel_read_member(k, "btf", "data_size", s.btf, &size) || !size || size > MODULE_BTF_MAX)
		return NULL;
	err = iq_btf_read(k->vm, data, size, base, m->name, k->warnings, &types);
	if (err)
		iq_warn(k->warnings, "module %s: its BTF cannot be used: %s", m->name, err->message);
	iq_error_free(err);
	return types;
}

struct iq_types *iq_module_types(struct iq_kernel *k, struct iq_module *m)
{
	struct iq_module_private *p = m->priv;
	struct iq_debugfile *f = m->debug;

	if (!p->btf_state) {
		p->btf = open_btf(k, m);
		p->btf_state = p->btf ? LAZY_DONE : LAZY_FAILED;
	}
	if (p->btf)
		return p->btf;
	/* Where types are DWARF's, modules' files are looked for; else those in use are asked. */
	if (!k->priv->btf && iq_kernel_types(k))
		f = iq_module_debug(k, m);
	/* What a module only declares is the kernel's. */
	if (f && !k->priv->btf && k->vmlinux)
		iq_debugfile_set_base(f, k->vmlinux);
	return f ? iq_debugfile_types(f) : NULL;
}
