/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loaded modules (include/linux/module.h): core_layout/init_layout (4.5 - 6.3) or mem[] (6.4+).
 * Each brings its symbols (module.core_kallsyms), ORC rows (module.arch) and BTF (btf_modules).
 */
#ifndef INQUEST_MODULE_H
#define INQUEST_MODULE_H

#include <inquest/kernel.h>

#define IQ_MODULE_RANGES 8

struct iq_module_range {
	uint64_t start, end;
	const char *what; /* "text", "data", "rodata", "ro_after_init", "init_text" … */
	bool text;	  /* contains code */
};

struct iq_module {
	uint64_t address;  /* struct module */
	char name[57];	   /* MODULE_NAME_LEN; escaped already */
	uint64_t base;	   /* lowest address of its text */
	uint64_t size;	   /* bytes of all ranges, as crash's mod shows */
	unsigned int state;/* MODULE_STATE_LIVE 0, COMING 1, GOING 2, UNFORMED 3 */
	unsigned int nr_ranges;
	struct iq_module_range range[IQ_MODULE_RANGES];
	struct iq_debugfile *debug; /* in use; NULL: none (yet): iq_module_debug().  Not owned */
	struct iq_module_private *priv;
};

/* All modules, in the kernel's list order.  Lazy, cached, owned by the kernel.  Without types: error. */
struct iq_error *iq_modules(struct iq_kernel *k, struct iq_module *const **ret, unsigned int *nr) IQ_CHECK;
struct iq_module *iq_module_at(struct iq_kernel *k, uint64_t address);
struct iq_module *iq_module_by_name(struct iq_kernel *k, const char *name);
/* Lazy; NULL if it has none that can be read. */
struct iq_symtab *iq_module_symbols(struct iq_kernel *k, struct iq_module *m);
struct iq_types *iq_module_types(struct iq_kernel *k, struct iq_module *m);
/* The module's debug file; the first time it is looked for if none was given.  NULL: there is none. */
struct iq_debugfile *iq_module_debug(struct iq_kernel *k, struct iq_module *m);
/*
 * Use F (not owned; NULL: none, and do not look for one) as the module's debug file: its sections are
 * placed where struct module_sect_attrs says that they were loaded, else by the symbols that file and
 * dump have in common.  IQ_E_NOT_FOUND: it is another module's, or of another build (both build-ids are
 * in the message); IQ_E_UNAVAILABLE: where its sections lie cannot be told.
 */
struct iq_error *iq_module_set_debug(struct iq_kernel *k, struct iq_module *m,
				     struct iq_debugfile *f) IQ_CHECK;
/*
 * The build-id that the module brought along when it was loaded, as lower-case hexadecimal text; "" if
 * the dump does not have it.  ROOM of 41 holds any.  From struct module_notes_attrs.
 */
void iq_module_build_id(struct iq_kernel *k, const struct iq_module *m, char *text, size_t room);
struct iq_orc *iq_module_orc(struct iq_kernel *k, struct iq_module *m);

#endif
