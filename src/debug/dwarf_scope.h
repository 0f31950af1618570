/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that have a name and cover addresses: functions, inlined functions, blocks. */
#ifndef INQUEST_DEBUG_DWARF_SCOPE_H
#define INQUEST_DEBUG_DWARF_SCOPE_H

#include "dwarf_read.h"

/* Inlined functions and blocks that may lie in each other. */
#define IQ_DW_SCOPES_MAX 64
/* From an inlined copy to its abstract function, from that to its declaration … */
#define IQ_DW_ORIGINS_MAX 8

/* What is of interest in an entry. */
struct iq_dw_scope {
	struct iq_dw_die die;
	struct iq_dw_pc pc;
	uint64_t sibling; /* 0 unknown */
	uint64_t origin; /* abstract_origin or specification; 0 none */
	const char *name;
	uint64_t call_file, call_line;
	uint64_t next; /* offset behind the entry's own attributes */
};

/* The entry at OFFSET; false at the end of a list of siblings, and if it is damaged. */
bool iq_dw_scope(const struct iq_dw_unit *u, uint64_t offset, struct iq_dw_scope *s);
/* The entry behind S and its children; 0: damaged. */
uint64_t iq_dw_scope_behind(const struct iq_dw_unit *u, const struct iq_dw_scope *s);
/* Its name or that of its origin; NULL: none. */
const char *iq_dw_scope_name(struct iq_dw_unit *u, const struct iq_dw_scope *s);
/*
 * The function of the unit U that ADDRESS (a link address) belongs to, the inlined functions and blocks
 * in it that contain the address, the outermost first; their number (0: none), at most MAX.
 */
unsigned int iq_dw_scopes(struct iq_dw_unit *u, uint64_t address, struct iq_dw_scope *chain,
			  unsigned int max);

#endif
