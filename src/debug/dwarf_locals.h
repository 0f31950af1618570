/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the reading of local variables. */
#ifndef INQUEST_DEBUG_DWARF_LOCALS_H
#define INQUEST_DEBUG_DWARF_LOCALS_H

#include "dwarf_expr.h"

/*
 * The expression that DW_AT_location (or another attribute of that kind) V has at ADDRESS, a link
 * address: its own, or that of its location list.  Without one *LEN is 0.
 */
enum iq_dw_known iq_dw_location_at(const struct iq_dw_unit *u, const struct iq_dw_value *v,
				   uint64_t address, const uint8_t **code, size_t *len);

#endif
