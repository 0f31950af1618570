/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of a file's DWARF inside the debug room: what dwarf_types.c (types made from entries),
 * dwarf_members.c (their members and enumerators) and dwarf_entry.c (what an entry says) share.
 *
 * The id of a type is the offset of its entry in .debug_info.  A kernel's DWARF describes a type
 * once in each unit that uses it: equal ones are one type here, as far as they have names, and
 * pointers, arrays and qualified types are derived from those (types_derive()), not made from
 * entries.  So two equal types are one pointer, as in BTF.
 */
#ifndef INQUEST_DEBUG_DWARF_TYPES_H
#define INQUEST_DEBUG_DWARF_TYPES_H

#include "dwarf_read.h"
#include "types_source.h"

struct dwarf_names;

struct dwarf_types {
	struct iq_types types; /* first: see dwarf_types() */
	struct iq_dwarf *dwarf;
	struct dwarf_names *names; /* NULL: not asked for yet, or there is no memory for it */
	bool names_asked, cache_asked;
	struct iq_map by_offset; /* of entries whose type is known; by offset */
	struct iq_map by_signature; /* type units: offset of the type's entry */
	bool signatures_read;
	const char *build_id; /* of the file; "" without */
	char *cache_dir; /* NULL: no cache */
};

static inline struct dwarf_types *dwarf_types(struct iq_types *t)
{
	return (struct dwarf_types *)t;
}

/*
 * The DWARF of a file as a source of types.  D and BUILD_ID must outlive it.  CACHE_DIR: see
 * iq_debugfile_set_cache(); NULL: none.
 */
struct iq_error *iq_dwarf_types_open(struct iq_dwarf *d, const char *name, const char *build_id,
				     const char *cache_dir, struct iq_warnings *w,
				     struct iq_types **ret) IQ_CHECK;

/* ---- Entries (dwarf_entry.c) ----------------------------------------------------------------- */

/* What an entry says that types and variables are made of. */
struct dwarf_entry {
	struct iq_dw_die die;
	uint64_t end,
		sibling; /* behind its attributes; of the next entry of its level, 0 unknown */
	const char *name; /* "" without */
	bool has_type, has_size, has_encoding, has_location, has_bit_offset, has_data_bit_offset;
	bool has_count, has_bound, declaration, external;
	uint64_t type; /* offset of an entry; a type unit's signature if by_signature */
	bool by_signature, has_signature;
	bool lost_type; /* it has one, in a file that is not there */
	uint64_t signature; /* of the type unit that completes a declaration */
	uint64_t origin; /* offset of its specification or abstract origin; 0 without */
	uint64_t size, encoding, bit_size;
	uint64_t location; /* of a member: bytes from the start of its struct */
	uint64_t bit_offset; /* up to DWARF 3: from the most significant bit of its storage */
	uint64_t data_bit_offset;
	uint64_t count, bound; /* elements; highest index */
	uint64_t value; /* of an enumerator */
	uint64_t address; /* of a variable */
	bool has_address;
	uint32_t line;
};

/* Read the entry at OFFSET of the unit U.  False: there is none, or it is damaged. */
bool dwarf_entry(const struct iq_dw_unit *u, uint64_t offset, struct dwarf_entry *e);
/* The same of an offset anywhere; *U is valid until other units are read. */
bool dwarf_entry_at(struct iq_dwarf *d, uint64_t offset, struct iq_dw_unit **u,
		    struct dwarf_entry *e);
/* The first child of E; the sibling behind it.  False: no more. */
bool dwarf_entry_child(const struct iq_dw_unit *u, const struct dwarf_entry *e,
		       struct dwarf_entry *child);
bool dwarf_entry_next(const struct iq_dw_unit *u, const struct dwarf_entry *e,
		      struct dwarf_entry *next);

/* ---- Types (dwarf_types.c) ------------------------------------------------------------------- */

/*
 * The type that the entry at OFFSET means, forward declarations completed.  Never NULL: void for
 * what is no type.  DEPTH counts the steps of a chain of typedefs, pointers, arrays, qualifiers.
 */
const struct iq_type *dwarf_type_at(struct dwarf_types *t, uint64_t offset, unsigned int depth);
/* What E refers to: void if it does not say. */
const struct iq_type *dwarf_type_of(struct dwarf_types *t, const struct dwarf_entry *e,
				    unsigned int depth);
/* Offset of the type that the type unit SIGNATURE describes; false: there is none. */
bool dwarf_signature(struct dwarf_types *t, uint64_t signature, uint64_t *ret);

/* Members and enumerators (dwarf_members.c): types_ops.list. */
void dwarf_list(const struct iq_type *type);

#endif
