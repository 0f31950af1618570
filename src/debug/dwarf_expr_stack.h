/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the machine of DWARF expressions: its state, its stack, arithmetic. */
#ifndef INQUEST_DEBUG_DWARF_EXPR_STACK_H
#define INQUEST_DEBUG_DWARF_EXPR_STACK_H

#include "dwarf_expr.h"

#define IQ_DW_STACK_MAX 64

struct iq_dw_cell {
	uint64_t value;
	uint8_t size; /* bytes of its type; 8 for an address */
	bool is_signed;
};

struct iq_dw_stack {
	const struct iq_dw_expr *e;
	const struct iq_dw_machine *m;
	struct iq_dw_location *loc;
	struct iq_dw_cursor c;
	struct iq_dw_cell stack[IQ_DW_STACK_MAX];
	unsigned int nr;
	enum iq_dw_known status;
	/* What stands on the stack is: */
	enum iq_dw_where result; /* MEMORY (its address), VALUE; others are in `piece` */
	bool has_result; /* the last operation was one that ends a location description */
	struct iq_dw_piece piece;
};

/* The first reason for which it fails is the one that is told. */
void iq_dw_fail(struct iq_dw_stack *x, enum iq_dw_known why);
/* The low SIZE bytes of VALUE, extended. */
uint64_t iq_dw_truncate(uint64_t value, unsigned int size, bool is_signed);
/* VALUE with the size and sign of TYPE. */
void iq_dw_push(struct iq_dw_stack *x, uint64_t value, struct iq_dw_cell type);
struct iq_dw_cell iq_dw_pop(struct iq_dw_stack *x);
/* and, or, plus … and comparisons; abs, neg, not. */
void iq_dw_binary(struct iq_dw_stack *x, unsigned int op);
void iq_dw_unary(struct iq_dw_stack *x, unsigned int op);

#endif
