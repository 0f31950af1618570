/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kinds of symbol table have in common: a table of functions, and an index of names. */
#ifndef INQUEST_DEBUG_SYMTAB_H
#define INQUEST_DEBUG_SYMTAB_H

#include <inquest/symbols.h>

/* Symbols of one table: the name index packs a symbol's number into 21 bits. */
#define IQ_SYMTAB_MAX ((1U << 21) - 2)

struct iq_symtab_ops {
	/* Greatest address at or below ADDRESS, the first of its aliases; symbol number in *I. */
	bool (*find)(struct iq_symtab *t, uint64_t address, unsigned int *i);
	/* Fill in symbol I; false if its address or name cannot be read. */
	bool (*get)(struct iq_symtab *t, unsigned int i, struct iq_symbol *ret);
	/* Name of symbol I, owned by the table; NULL if it cannot be read. */
	const char *(*name)(struct iq_symtab *t, unsigned int i);
	/* First symbol with this number or a higher one that has this name; NULL: by the index. */
	bool (*by_name)(struct iq_symtab *t, const char *name, unsigned int first, unsigned int *i,
			bool *known);
	void (*close)(struct iq_symtab *t);
};

/*
 * Hash index from names to symbol numbers: open addressing, half full at most.  A slot is 0
 * (free) or 11 bits of the hash above the symbol's number + 1.
 */
struct iq_name_index {
	uint32_t *slots;
	uint32_t mask;
	bool failed; /* no memory for it: searched one by one */
};

struct iq_symtab {
	const struct iq_symtab_ops *ops;
	char *module; /* NULL: the kernel */
	const char *source;
	unsigned int nr;
	struct iq_name_index names;
};

#endif
