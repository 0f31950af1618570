/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF (versions 2 to 5), as far as source lines and inlined functions need it, read in place:
 * only the unit that an address belongs to is looked at.
 *
 * A relocatable file (a module's) has no addresses yet.  Here section N of one lies at N << 32,
 * its "link address"; the relocations of a piece of debug information are applied to a private
 * copy when the piece is first read.  An executable's relocations, which kernels are linked to
 * keep, are not applied: its debug information is already relocated.
 */
#ifndef INQUEST_DEBUG_DWARF_READ_H
#define INQUEST_DEBUG_DWARF_READ_H

#include "elffile.h"
#include <dwarf.h>

/* ---- Sections (dwarf_data.c) ----------------------------------------------------------------- */

enum iq_dw_section {
	IQ_DW_INFO,
	IQ_DW_ABBREV,
	IQ_DW_ARANGES,
	IQ_DW_LINE,
	IQ_DW_STR,
	IQ_DW_LINE_STR,
	IQ_DW_RANGES,
	IQ_DW_RNGLISTS,
	IQ_DW_ADDR,
	IQ_DW_STR_OFFSETS,
	/* Only opened when they are asked for: iq_dwarf_need(). */
	IQ_DW_LOC,
	IQ_DW_LOCLISTS,
	IQ_DW_TYPES,
	IQ_DW_FRAME,
	IQ_DW_EH_FRAME,
	IQ_DW_NR_SECTIONS
};

struct iq_dw_bytes {
	const uint8_t *data; /* NULL: the file has no such section */
	size_t size;
	uint8_t *copy;	     /* the same, writable, if it is to be relocated or was decompressed */
	void *mapping;
	size_t mapped;
	bool on_heap;
	/* Relocations that are still to be applied, by rising offset: Elf64_Rela. */
	const uint8_t *rela;
	size_t nr_rela;
	unsigned int symbols; /* section of the relocations' symbol table */
	bool opened;
	/*
	 * Of a file with a dwz file (iq_dwarf_add_alt()): where that one's section begins in these
	 * bytes, behind the file's own; 0: there is none.
	 */
	uint64_t alt_base, own_size;
};

struct iq_dwarf {
	const struct iq_elffile *elf;
	struct iq_dw_bytes section[IQ_DW_NR_SECTIONS];
	struct iq_map units;	  /* those that were read, by offset + 1 */
	struct iq_dw_unit *first_unit;
	unsigned int nr_units;
	struct iq_dw_index *index;
	struct iq_arena strings;  /* source paths */
	struct iq_map paths;	  /* their hashes */
};

struct iq_error *iq_dwarf_open(struct iq_dwarf *d, const struct iq_elffile *elf) IQ_CHECK;
/*
 * The dwz file that ELF refers to (dwarf_alt.c): its *NAME and build-id; false: to none.
 * iq_dwarf_add_alt() makes it part of D, before anything is read from D; it must outlive D.
 */
bool iq_dwarf_alt_link(const struct iq_elffile *elf, const char **name, char id[IQ_BUILD_ID_TEXT]);
/* A dwz file's own idea of its id, where it follows DWARF 5; false: its build-id is meant. */
bool iq_dwarf_sup_id(const struct iq_elffile *elf, char id[IQ_BUILD_ID_TEXT]);
struct iq_error *iq_dwarf_add_alt(struct iq_dwarf *d, const struct iq_elffile *alt) IQ_CHECK;
/* Open one of the sections that iq_dwarf_open() leaves alone.  False: there is none, or it is damaged. */
bool iq_dwarf_need(struct iq_dwarf *d, enum iq_dw_section s);
void iq_dwarf_close(struct iq_dwarf *d);
/* Relocate LEN bytes at OFFSET of a section (as far as they are inside of it). */
void iq_dwarf_relocate(struct iq_dwarf *d, enum iq_dw_section s, uint64_t offset, uint64_t len);
/*
 * Give the memory back that bytes [FROM, TO) of a section take; they are read again when they are
 * needed.  Does nothing to private copies, which may have been relocated.
 */
void iq_dwarf_forget(struct iq_dwarf *d, enum iq_dw_section s, uint64_t from, uint64_t to);
/* A NUL-terminated string inside of a section; NULL: there is none. */
const char *iq_dwarf_string(const struct iq_dwarf *d, enum iq_dw_section s, uint64_t offset);
/* Link address of a place in a section of the file. */
uint64_t iq_dwarf_link_address(const struct iq_elffile *elf, unsigned int section, uint64_t offset);

/* ---- Reading numbers ------------------------------------------------------------------------- */

/* Never reads behind END: then `bad` is set and all that follows is 0. */
struct iq_dw_cursor {
	const uint8_t *p, *end;
	bool bad;
};

struct iq_dw_cursor iq_dw_cursor(const struct iq_dwarf *d, enum iq_dw_section s, uint64_t start,
				 uint64_t end);
/* SIZE is 1, 2, 4 or 8; anything else is bad. */
uint64_t iq_dw_uint(struct iq_dw_cursor *c, unsigned int size);
uint64_t iq_dw_uleb(struct iq_dw_cursor *c);
int64_t iq_dw_sleb(struct iq_dw_cursor *c);
void iq_dw_skip(struct iq_dw_cursor *c, uint64_t len);
/* "" if it is not terminated. */
const char *iq_dw_str(struct iq_dw_cursor *c);
/* The initial length of a unit; OFFSET_SIZE becomes 4 or 8.  Ends C where the unit ends. */
bool iq_dw_unit_length(struct iq_dw_cursor *c, unsigned int *offset_size);

/* ---- Units and their entries (dwarf_unit.c) -------------------------------------------------- */

struct iq_dw_abbrev {
	uint64_t code;
	uint32_t tag;
	bool children;
	uint64_t specs; /* offset of its attribute specifications in .debug_abbrev */
};

struct iq_dw_unit {
	struct iq_dwarf *dwarf;
	struct iq_dw_unit *next;
	uint64_t offset, end;	/* in .debug_info */
	bool alt;		/* of the dwz file: its offsets count from alt_base of a section */
	uint64_t root;		/* offset of the first entry */
	unsigned int version, offset_size, address_size;
	uint64_t abbrevs_offset; /* in .debug_abbrev */
	unsigned int type;	 /* DW_UT_compile …; before version 5 always that */
	uint64_t signature, signed_type; /* of a type unit: offset of the type's entry */
	struct iq_dw_abbrev *abbrevs;
	unsigned int nr_abbrevs;
	/* From the first entry. */
	const char *name, *comp_dir; /* "" unknown */
	bool has_lines, has_low_pc;
	uint64_t lines, low_pc;
	uint64_t addr_base, str_offsets_base, rnglists_base, loclists_base;

	struct iq_dw_lines *line_table;	    /* lines.c, when asked for */
	struct iq_dw_functions *functions;  /* inlines.c, when asked for */
};

/* An entry (DIE). */
struct iq_dw_die {
	uint64_t offset;
	uint32_t tag;
	bool children;
	uint64_t attributes; /* offset of their values in .debug_info */
	uint64_t specs;
};

enum iq_dw_class {
	IQ_DW_NONE, /* nothing that is used here */
	IQ_DW_CONSTANT,
	IQ_DW_ADDRESS,
	IQ_DW_STRING,
	IQ_DW_REFERENCE, /* `number` is an offset in .debug_info */
	IQ_DW_SIGNATURE, /* `number` is that of a type unit */
	IQ_DW_OFFSET,	 /* into another section */
	IQ_DW_LIST_INDEX,/* rnglistx, loclistx */
	IQ_DW_BLOCK,	 /* `number` bytes at `block`: an expression, as a rule */
};

struct iq_dw_value {
	enum iq_dw_class class;
	uint64_t number;
	const char *string;
	const uint8_t *block;
};

/* The unit behind one that ends at END; at the end of all, an offset where there is none. */
uint64_t iq_dw_unit_next(const struct iq_dwarf *d, uint64_t end);
/* OFFSET of a section as U means it. */
static inline uint64_t iq_dw_offset(const struct iq_dw_unit *u, enum iq_dw_section s, uint64_t offset)
{
	return u->alt ? offset + u->dwarf->section[s].alt_base : offset;
}
/* Header of the unit at OFFSET and nothing else: false if there is none or it is damaged. */
bool iq_dw_unit_header(struct iq_dwarf *d, uint64_t offset, struct iq_dw_unit *u);
/* The unit that begins at OFFSET; NULL: damaged, or no memory.  Owned by D. */
struct iq_dw_unit *iq_dw_unit(struct iq_dwarf *d, uint64_t offset);
/* Forget units if more than KEEP are known; pointers to them must not be held. */
void iq_dw_units_trim(struct iq_dwarf *d, unsigned int keep);

/*
 * The entry at *OFFSET of .debug_info; false at the end of a list of siblings, and if it is
 * damaged.
 */
bool iq_dw_die(const struct iq_dw_unit *u, uint64_t offset, struct iq_dw_die *die);
/* Forms with a value of a fixed size, in bytes; 0: others. */
unsigned int iq_dw_form_size(const struct iq_dw_unit *u, uint64_t form);
/* Does a list of siblings end at OFFSET? */
bool iq_dw_is_null(const struct iq_dw_unit *u, uint64_t offset);
/* Entry INDEX of the unit's part of .debug_addr. */
bool iq_dw_addrx(const struct iq_dw_unit *u, uint64_t index, uint64_t *ret);
/*
 * Go through an entry's attributes: start with iq_dw_attrs(), then until false.  When they have
 * all been gone through, *END is the offset behind the entry.
 */
struct iq_dw_attrs {
	const struct iq_dw_unit *unit;
	struct iq_dw_cursor spec, value;
};
void iq_dw_attrs(const struct iq_dw_unit *u, const struct iq_dw_die *die, struct iq_dw_attrs *a);
bool iq_dw_attr_next(struct iq_dw_attrs *a, uint32_t *name, struct iq_dw_value *value);
/* Offset behind the attributes; 0 if they are damaged. */
uint64_t iq_dw_attrs_end(const struct iq_dw_attrs *a);

/* ---- Address ranges (dwarf_ranges.c) --------------------------------------------------------- */

struct iq_dw_pc {
	bool has_low, has_high, high_is_size, has_ranges;
	uint64_t low, high;
	struct iq_dw_value ranges;
};
/* Note an attribute if it is one of DW_AT_low_pc, high_pc, ranges. */
void iq_dw_pc_note(struct iq_dw_pc *pc, uint32_t name, const struct iq_dw_value *value);
/* Call FN for each range [start, end) until it returns false. */
void iq_dw_pc_each(const struct iq_dw_unit *u, const struct iq_dw_pc *pc,
		   bool (*fn)(void *arg, uint64_t start, uint64_t end), void *arg);
bool iq_dw_pc_contains(const struct iq_dw_unit *u, const struct iq_dw_pc *pc, uint64_t address);

/* ---- From addresses to units (dwarf_index.c) ------------------------------------------------- */

/* The unit that ADDRESS (a link address) belongs to; NULL: none. */
struct iq_dw_unit *iq_dw_unit_at(struct iq_dwarf *d, uint64_t address);
/* The unit whose entries include OFFSET. */
struct iq_dw_unit *iq_dw_unit_around(struct iq_dwarf *d, uint64_t offset);
/* The offsets of all units, rising, which saves going through all of .debug_info for them. */
void iq_dw_units_known(struct iq_dwarf *d, const uint32_t *units, unsigned int nr);
void iq_dw_index_free(struct iq_dwarf *d);

/* ---- Lines (lines.c), functions (inlines.c), paths (source_path.c) --------------------------- */

/* Line of a link address, from the table of the unit U. */
bool iq_dw_line(struct iq_dw_unit *u, uint64_t address, const char **file, unsigned int *line);
/* Path of file number FILE of the unit's line table; NULL: none. */
const char *iq_dw_file(struct iq_dw_unit *u, uint64_t file);
void iq_dw_lines_free(struct iq_dw_lines *lines);
void iq_dw_functions_free(struct iq_dw_functions *functions);
/*
 * The path that people know a source file by (see debugfile.h), from the unit's compilation
 * directory, a directory ("" none) and a file name.  Owned by D; NULL without memory.
 */
const char *iq_dw_source_path(struct iq_dwarf *d, const char *comp_dir, const char *dir,
			      const char *name);

#endif
