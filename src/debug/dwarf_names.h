/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names in a file's DWARF: which entries define or declare what.
 *
 * It is found by going through all of .debug_info once, on all CPUs (dwarf_names_scan.c), and kept
 * in a cache on disk (dwarf_cache.c).  A header's types are described in every unit that includes
 * it: descriptions of one name that say the same become one name, those that differ are all kept.
 * Names and what they stand for are compared by hashes of 64 and 32 bits.
 */
#ifndef INQUEST_DEBUG_DWARF_NAMES_H
#define INQUEST_DEBUG_DWARF_NAMES_H

#include "dwarf_hash.h"
#include "dwarf_types.h"

/* Types have the kind of struct iq_type; what else has a name: */
enum {
	NAME_FUNCTION = 32,
	NAME_VARIABLE, /* that lies at an address, static ones of functions too */
	NAME_EXTERN, /* a variable that is only declared: assembly or the linker define it */
	NAME_ENUMERATOR,
	NAME_ENUM_DECLARED, /* an enum that is not defined anywhere */
	NAME_NR_KINDS,
};

/* Up to 3 characters, which compilers put among the entries: read there, they would map all of it. */
#define NAME_SHORT 0xff

struct dwarf_name {
	uint32_t hash; /* of the text; names are in the order of hash, kind, offset */
	uint32_t offset; /* of the entry in .debug_info; of an enumerator: of its enum's */
	uint32_t text; /* where it lies in its section */
	uint32_t key; /* of what the entry says */
	uint8_t kind;
	uint8_t section; /* IQ_DW_STR, IQ_DW_INFO, IQ_DW_LINE_STR, NAME_SHORT */
	uint16_t zero;
};

struct dwarf_names {
	struct iq_dwarf *dwarf;
	const struct dwarf_name *names;
	uint32_t nr;
	const uint32_t *units; /* offsets of all units, rising */
	uint32_t nr_units;
	uint32_t damaged; /* units that could not be read to their end */
	void *block; /* that both arrays lie in; NULL: each is malloc()ed */
	size_t mapped; /* so much is to be unmapped; 0: the block is malloc()ed */
	uint32_t *by_offset; /* of types, rising; NULL: not asked for yet */
	uint32_t nr_by_offset;
	struct dwarf_hash *hash; /* for dwarf_names_key(), turned to this unit */
	uint64_t hash_unit;
};

/* Go through all of D.  NULL without memory. */
struct dwarf_names *dwarf_names_build(struct iq_dwarf *d);
void dwarf_names_close(struct dwarf_names *n);
/* "" if it lies nowhere. */
const char *dwarf_name_text(const struct dwarf_names *n, const struct dwarf_name *name);
/* A name and the whole hash of its text: looking at texts again would bring in all of the file. */
struct name_found {
	uint64_t hash;
	struct dwarf_name name;
};
/*
 * Make the index of N of what was found: each name once, with the lowest offset of the entries that say
 * the same, and no declarations of what is defined (dwarf_names_unite.c).  False without memory.
 */
bool dwarf_names_unite(struct dwarf_names *n, const struct name_found *all, uint32_t nr);
/* Do the names follow each other as they must, and lie inside of their sections? */
bool dwarf_names_valid(const struct dwarf_names *n);

/* What the entry at OFFSET says, as struct dwarf_name.key has it; false: it is damaged. */
bool dwarf_names_key(struct dwarf_names *n, uint64_t unit, uint64_t offset, uint32_t *key);

/* ---- dwarf_names.c --------------------------------------------------------------------------- */

struct dwarf_variable {
	uint64_t offset; /* of its entry */
	const struct iq_type *type;
	bool has_address; /* else it is only declared */
	uint64_t address; /* link address */
};
/* Call FN for each variable called TEXT until it returns false; definitions come first. */
void dwarf_variables(struct dwarf_types *t, const char *text,
		     bool (*fn)(void *arg, const struct dwarf_variable *v), void *arg);
/*
 * The entry that describes the same type as E does (named, and no declaration), the same for all
 * units: E's own offset if it is no such type, or there is no index yet.
 */
uint64_t dwarf_names_same(struct dwarf_types *t, const struct iq_dw_unit *u,
			  const struct dwarf_entry *e);
/* types_ops of DWARF. */
uint32_t dwarf_next(struct iq_types *types, uint32_t id);
uint32_t dwarf_find(struct iq_types *types, const char *name, uint32_t kinds, uint32_t after);
const struct iq_type *dwarf_function(struct iq_types *types, const char *name, unsigned int *nr);
const struct iq_type *dwarf_variable(struct iq_types *types, const char *name);
const struct iq_type *dwarf_enumerator(struct iq_types *types, const char *name, int64_t *value);
void dwarf_nearest(struct iq_types *types, struct iq_nearest *n);

/* ---- dwarf_cache.c --------------------------------------------------------------------------- */

/* The index of the file with BUILD_ID from the directory DIR; NULL: it is not there, or damaged. */
struct dwarf_names *dwarf_cache_read(const char *dir, const char *build_id, struct iq_dwarf *d);
/* The same from a file's bytes, which it owns then; NULL: damaged, and they are still the caller's. */
struct dwarf_names *dwarf_cache_parse(uint8_t *data, size_t len, struct iq_dwarf *d);
/* Put the checksum of a file's LEN bytes into it. */
void dwarf_cache_seal(uint8_t *data, size_t len);
/* Keep it there, and remove the oldest files if there are too many.  Failing is no error. */
void dwarf_cache_write(const char *dir, const char *build_id, const struct dwarf_names *n);

#endif
