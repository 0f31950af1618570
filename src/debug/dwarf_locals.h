/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the reading of local variables. */
#ifndef INQUEST_DEBUG_DWARF_LOCALS_H
#define INQUEST_DEBUG_DWARF_LOCALS_H

#include "dwarf_expr.h"
#include "dwarf_scope.h"
#include <inquest/locals.h>

/* Entries that are gone through to find something. */
#define IQ_DW_ENTRIES_MAX (1U << 20)

struct iq_dw_locals_reader {
	struct iq_debugfile *f;
	struct iq_dw_unit *u;
	const struct iq_locals_frame *frame;
	uint64_t link;
	struct iq_dw_value frame_base;
	bool has_frame_base;
	bool in_frame_base;
	bool doubtful; /* an entry value was used that is not certain */
	struct iq_dw_found *found;
	unsigned int nr, room;
	struct iq_locals *ret;
};

/* A variable before its type is made, which may need other units. */
struct iq_dw_found {
	struct iq_local local;
	uint64_t type;
	struct iq_dw_location location;
	const uint8_t *constant; /* DW_AT_const_value as a block */
	size_t constant_len;
	bool is_number; /* DW_AT_const_value */
	uint64_t number;
};

/*
 * The expression that DW_AT_location (or another attribute of that kind) V has at ADDRESS, a link
 * address: its own, or that of its location list.  Without one *LEN is 0.
 */
enum iq_dw_known iq_dw_location_at(const struct iq_dw_unit *u, const struct iq_dw_value *v,
				   uint64_t address, const uint8_t **code, size_t *len);

/* ---- dwarf_locals.c ---- */

/* What expressions are computed from, for R's frame. */
struct iq_dw_machine iq_dw_locals_machine(struct iq_dw_locals_reader *r);
struct iq_dw_expr iq_dw_locals_expr(const struct iq_dw_locals_reader *r, const uint8_t *code,
				    size_t len);
/* Note where FUNCTION says that its frame is. */
void iq_dw_locals_frame_base(struct iq_dw_locals_reader *r, const struct iq_dw_scope *function);

/* ---- dwarf_locals_value.c ---- */

/* Fill in the value of X, whose type is known by now. */
void iq_dw_locals_evaluate(struct iq_dw_locals_reader *r, struct iq_dw_found *x);

#endif
