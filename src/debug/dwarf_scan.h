/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading .debug_info fast: for going through all of it once, to index its names (dwarf_names.h).
 *
 * The abbreviations of a unit are compiled into steps that take the few attributes of interest and
 * pass over runs of all others at once.  A struct dwarf_scan belongs to one thread; the sections
 * are only read (a relocatable file's unit is relocated by the thread that scans it), so any number
 * of threads can scan different units of one file.
 */
#ifndef INQUEST_DEBUG_DWARF_SCAN_H
#define INQUEST_DEBUG_DWARF_SCAN_H

#include "dwarf_read.h"

enum scan_value {
	SCAN_NAME, /* the address of the text in this process */
	SCAN_TYPE, /* offset in .debug_info; see `signed_type` */
	SCAN_ORIGIN,
	SCAN_SIBLING,
	SCAN_SIZE,
	SCAN_ENCODING,
	SCAN_LOCATION, /* of a member */
	SCAN_BITS,
	SCAN_BIT_OFFSET,
	SCAN_DATA_BIT_OFFSET,
	SCAN_VALUE, /* of an enumerator */
	SCAN_COUNT,
	SCAN_BOUND,
	SCAN_DECLARATION,
	SCAN_LINE,
	SCAN_COLUMN,
	SCAN_ADDRESS, /* of a variable */
	SCAN_LANGUAGE,
	SCAN_NR_VALUES,
	SCAN_OTHER = SCAN_NR_VALUES, /* not of interest */
};

struct scan_step {
	uint8_t how, value;
	uint16_t arg;
};

struct scan_abbrev {
	uint64_t code, specs;
	uint32_t tag;
	uint32_t steps, pass; /* numbers of the first of its steps: to read it, to go past it */
	bool children, slow; /* slow: it has forms that only dwarf_unit.c knows */
};

struct dwarf_scan {
	struct iq_dwarf *dwarf;
	struct iq_dw_unit unit; /* its header, and its bases; belongs to no list */
	const uint8_t *info, *end; /* end of the unit */
	uint64_t str_len; /* of .debug_str, up to its last NUL */
	uint64_t abbrevs_offset;
	bool compiled;
	struct scan_abbrev *abbrevs; /* by code */
	unsigned int nr_abbrevs, room_abbrevs;
	struct scan_step *steps;
	unsigned int nr_steps, room_steps;
	int64_t *constants; /* of DW_FORM_implicit_const */
	unsigned int nr_constants, room_constants;
	uint64_t language;
};

struct scan_die {
	uint64_t offset, end;
	const struct scan_abbrev *abbrev; /* NULL: the end of a list of siblings */
	uint32_t present; /* bits of enum scan_value */
	bool signed_type; /* SCAN_TYPE is the signature of a type unit */
	uint64_t v[SCAN_NR_VALUES]; /* those present */
};

static inline bool scan_has(const struct scan_die *d, enum scan_value value)
{
	return d->present >> value & 1;
}
/* 0 without. */
static inline uint64_t scan_get(const struct scan_die *d, enum scan_value value)
{
	return scan_has(d, value) ? d->v[value] : 0;
}
/* "" without. */
static inline const char *scan_name(const struct scan_die *d)
{
	return scan_has(d, SCAN_NAME) ? (const char *)(uintptr_t)d->v[SCAN_NAME] : "";
}

/* Zero-initialise S, set `dwarf`. */
void dwarf_scan_close(struct dwarf_scan *s);
/* Turn to the unit at OFFSET.  False: it is damaged. */
bool dwarf_scan_unit(struct dwarf_scan *s, uint64_t offset);
/* Read the entry at OFFSET of the unit; false if it is damaged. */
bool dwarf_scan_die(struct dwarf_scan *s, uint64_t offset, struct scan_die *die);
/*
 * The same, faster, for going from one entry to the next: of entries that have no names themselves,
 * and that are part of others, only SCAN_SIBLING is read.
 */
bool dwarf_scan_pass(struct dwarf_scan *s, uint64_t offset, struct scan_die *die);
/* Over all that lies below DIE: *OFFSET becomes that of what follows.  False: damage. */
bool dwarf_scan_skip(struct dwarf_scan *s, const struct scan_die *die, uint64_t *offset);

/* ---- Compiling (dwarf_scan_compile.c) -------------------------------------------------------- */

/* How a step reads its value, whose size is `arg` bytes where that is fixed. */
enum scan_how {
	HOW_END,
	HOW_SKIP, /* `arg` bytes */
	HOW_SKIP_LEB,
	HOW_SKIP_STRING,
	HOW_SKIP_BLOCK, /* a length of `arg` bytes and so much; 0: LEB128 */
	HOW_UINT,
	HOW_ULEB,
	HOW_SLEB,
	HOW_CONSTANT, /* number `arg` of the constants */
	HOW_STRP,
	HOW_STRX, /* an index of `arg` bytes; 0: LEB128 */
	HOW_STRING,
	HOW_REF, /* relative to the unit; `arg` bytes; 0: LEB128 */
	HOW_REF_ADDR, /* absolute */
	HOW_REF_SIG,
	HOW_BLOCK, /* an expression behind a length of `arg` bytes; 0: LEB128 */
};

/* Compile the abbreviations of the unit.  False: they are damaged, or there is no memory. */
bool dwarf_scan_compile(struct dwarf_scan *s);
/* What an attribute of an entry with TAG is here; SCAN_OTHER: nothing. */
enum scan_value dwarf_scan_value(uint32_t tag, uint64_t attribute);
/* Can a value be read this way?  What an attribute of a wrong class says is passed over. */
bool dwarf_scan_fits(uint8_t how, enum scan_value value);

#endif
