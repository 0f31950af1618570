/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A symbol table held in memory: a module's, or one read from an ELF file. */
#ifndef INQUEST_DEBUG_SYMTAB_ARRAY_H
#define INQUEST_DEBUG_SYMTAB_ARRAY_H

#include "symtab.h"

struct iq_symtab_entry {
	uint64_t address, size;
	uint32_t name;	    /* offset into the text of all names */
	uint32_t type : 8;
	uint32_t order : 24; /* as added: keeps aliases in the table's order */
};

struct iq_symtab_array {
	struct iq_symtab symtab;
	struct iq_symtab_entry *entries;
	unsigned int room;
	char *text; /* names, each with its NUL */
	size_t text_len, text_room;
	char source[64];
	bool sealed;
};

struct iq_symtab_array *iq_symtab_array_new(void);
/* Add one whose name already lies in the text, at offset NAME. */
struct iq_error *iq_symtab_array_add(struct iq_symtab_array *a, uint32_t name, uint64_t address,
				     uint64_t size, char type) IQ_CHECK;

#endif
