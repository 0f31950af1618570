/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbols of an ELF file that is already open. */
#ifndef INQUEST_DEBUG_SYMTAB_ELF_H
#define INQUEST_DEBUG_SYMTAB_ELF_H

#include "elffile.h"
#include <inquest/symbols.h>

/* As iq_symtab_from_elf(). */
struct iq_error *iq_symtab_from_elffile(const struct iq_elffile *e, int64_t delta,
					struct iq_symtab **ret) IQ_CHECK;
/* Call FN with each symbol that has a name and a section, until it returns false. */
void iq_elffile_each_symbol(const struct iq_elffile *e,
			    bool (*fn)(void *arg, const char *name, const Elf64_Sym *sym), void *arg);
/* The first symbol called NAME, found without building a table: some milliseconds for a vmlinux. */
bool iq_elffile_symbol(const struct iq_elffile *e, const char *name, Elf64_Sym *ret);

#endif
