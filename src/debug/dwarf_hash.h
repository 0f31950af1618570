/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hashes of what entries of DWARF say.
 *
 * The content of a type is what can be seen of it: sizes, members' names, places and the names of
 * their types, so that equal descriptions in different units have the same hash, and others have
 * not.
 */
#ifndef INQUEST_DEBUG_DWARF_HASH_H
#define INQUEST_DEBUG_DWARF_HASH_H

#include "dwarf_scan.h"

#define DWARF_HASH_TEXTS 8192 /* both are powers of two */
#define DWARF_HASH_TYPES 4096
#define DWARF_HASH_BUDGET 1000000

/* Belongs to one thread. */
struct dwarf_hash {
	struct dwarf_scan scan;
	uint64_t
		budget; /* entries that may be read once more, to see what a type without a name is */
	struct {
		const char *text;
		uint64_t hash;
	} texts[DWARF_HASH_TEXTS];
	struct {
		uint64_t offset, hash;
	} types[DWARF_HASH_TYPES];
};

static inline uint64_t dwarf_mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* Turn to the unit at OFFSET.  False: it is damaged. */
bool dwarf_hash_unit(struct dwarf_hash *w, uint64_t offset);
/* The same in every run. */
uint64_t dwarf_hash_text(const char *text);
/*
 * What DIE says.  *OFFSET becomes that of what follows its children; of a function: of the first one
 * that is no parameter.  0: it is damaged.
 */
uint64_t dwarf_hash_content(struct dwarf_hash *w, const struct scan_die *die, uint64_t *offset);
/* The type of DIE as far as it can be seen there: a name stands for what it names. */
uint64_t dwarf_hash_type_of(struct dwarf_hash *w, const struct scan_die *die);

#endif
