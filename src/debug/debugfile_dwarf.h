/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other parts of the debug room need of an open debug file. */
#ifndef INQUEST_DEBUG_DEBUGFILE_DWARF_H
#define INQUEST_DEBUG_DEBUGFILE_DWARF_H

#include "dwarf_read.h"
#include <inquest/debugfile.h>

/*
 * The unit of a runtime address; its link address in *LINK.  NULL: none.  With TRIM units that were read
 * before may be forgotten, and pointers to them with them.
 */
struct iq_dw_unit *iq_debugfile_unit(struct iq_debugfile *f, uint64_t address, bool trim,
				     uint64_t *link);
/* From an address of the file to a runtime address; false: its section was not placed. */
bool iq_debugfile_runtime(const struct iq_debugfile *f, uint64_t link, uint64_t *ret);

#endif
