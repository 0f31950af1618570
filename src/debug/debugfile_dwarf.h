/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other parts of the debug room need of an open debug file. */
#ifndef INQUEST_DEBUG_DEBUGFILE_DWARF_H
#define INQUEST_DEBUG_DEBUGFILE_DWARF_H

#include "dwarf_read.h"
#include <inquest/debugfile.h>

/* A section of a module and where it was loaded. */
struct iq_loaded {
	uint64_t start, size;
	unsigned int section;
};

struct iq_debugfile {
	struct iq_elffile elf;
	enum iq_file_kind kind;
	char build_id[IQ_BUILD_ID_TEXT];
	char *module;
	int64_t delta;
	struct iq_loaded *loaded;
	unsigned int nr_loaded, room_loaded;

	/* debugfile_dwarf.c */
	bool dwarf_opened, dwarf_usable;
	struct iq_dwarf dwarf;
	struct iq_elffile alt; /* its dwz file */
	bool has_alt;
	char *trouble; /* NULL: none was met */
	struct iq_finder finder;
	struct iq_dw_cfi *cfi; /* NULL: not asked for yet */

	/* debugfile_types.c */
	struct iq_types *types;
	bool types_asked;
	char *cache_dir; /* NULL: none */
	struct iq_warnings *warnings;
};

/* ---- Addresses (debugfile.c) ----------------------------------------------------------------- */

/* From a runtime address to the file's own; false: it is not of this file. */
bool iq_debugfile_link(const struct iq_debugfile *f, uint64_t address, uint64_t *ret);
/* From an address of the file to a runtime address; false: its section was not placed. */
bool iq_debugfile_runtime(const struct iq_debugfile *f, uint64_t link, uint64_t *ret);

/* ---- Debug information (debugfile_dwarf.c) --------------------------------------------------- */

/* Opened at the first call; NULL: there is none, or it cannot be used. */
struct iq_dwarf *iq_debugfile_dwarf(struct iq_debugfile *f);
/*
 * The unit of a runtime address; its link address in *LINK.  NULL: none.  With TRIM units that were read
 * before may be forgotten, and pointers to them with them.
 */
struct iq_dw_unit *iq_debugfile_unit(struct iq_debugfile *f, uint64_t address, bool trim,
				     uint64_t *link);
void iq_debugfile_close_dwarf(struct iq_debugfile *f);

#endif
