/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DWARF expressions (DWARF 5, chapters 2.5 and 2.6; the GNU forms of version 4 as well): where something is, or what
 * it is, computed from registers and memory that the caller gives.  What the caller does not know comes
 * out as the reason why nothing can be said; it is never guessed.
 */
#ifndef INQUEST_DEBUG_DWARF_EXPR_H
#define INQUEST_DEBUG_DWARF_EXPR_H

#include "dwarf_read.h"

enum iq_dw_known {
	IQ_DW_KNOWN,
	IQ_DW_NO_REGISTER, /* a register that is not known: `reg` of the location */
	IQ_DW_NO_MEMORY, /* memory that is not in the dump */
	IQ_DW_NO_CFA, /* the frame's address */
	IQ_DW_NO_ENTRY_VALUE, /* what a register held when the function was called */
	IQ_DW_NO_ADDRESS, /* an object of a module's section that is not placed, or thread-local */
	IQ_DW_UNSUPPORTED, /* an operation for other languages or machines: `reg` is its number */
	IQ_DW_DAMAGED,
};

enum iq_dw_where {
	IQ_DW_NOWHERE, /* optimised out */
	IQ_DW_MEMORY, /* at address `number` */
	IQ_DW_REGISTER, /* in register `number` */
	IQ_DW_VALUE, /* it is `number`, and nowhere */
	IQ_DW_BYTES, /* it is `bytes`, and nowhere */
	IQ_DW_POINTER, /* a pointer to entry `number`, plus `offset`, which itself is nowhere */
};

/* A part of an object. */
struct iq_dw_piece {
	enum iq_dw_where where;
	uint64_t number;
	int64_t offset;
	const uint8_t *bytes; /* in the file */
	size_t len;
	uint64_t bit_size; /* 0: it is the whole object */
	uint64_t bit_offset; /* in its place, of its first bit */
};

#define IQ_DW_PIECES 16
struct iq_dw_location {
	unsigned int nr;
	struct iq_dw_piece piece[IQ_DW_PIECES];
	unsigned int reg; /* of IQ_DW_NO_REGISTER, IQ_DW_UNSUPPORTED */
	bool by_entry_value;
};

/*
 * What an expression is computed from.  Every function may be NULL and answers IQ_DW_KNOWN or why
 * not.
 */
struct iq_dw_machine {
	enum iq_dw_known (*reg)(void *arg, unsigned int reg, uint64_t *ret);
	/* SIZE (1 to 8) bytes, little endian. */
	enum iq_dw_known (*memory)(void *arg, uint64_t address, unsigned int size, uint64_t *ret);
	enum iq_dw_known (*cfa)(void *arg, uint64_t *ret);
	enum iq_dw_known (*frame_base)(void *arg, uint64_t *ret);
	/* What the expression CODE (a register's, or the memory it points to) was at the function's entry. */
	enum iq_dw_known (*entry_value)(void *arg, const uint8_t *code, size_t len, uint64_t *ret);
	/* From a link address to a runtime address. */
	enum iq_dw_known (*address)(void *arg, uint64_t link, uint64_t *ret);
	void *arg;
};

struct iq_dw_expr {
	const uint8_t *code;
	size_t len;
	unsigned int address_size, offset_size;
	const struct iq_dw_unit *unit; /* NULL: in call frame information */
	/* Put on the stack first: the CFA, in rules of call frame information. */
	bool has_initial;
	uint64_t initial;
};

/* Where the object is that E describes. */
enum iq_dw_known iq_dw_locate(const struct iq_dw_expr *e, const struct iq_dw_machine *m,
			      struct iq_dw_location *ret);
/* The number that E computes: its memory address, or its value. */
enum iq_dw_known iq_dw_compute(const struct iq_dw_expr *e, const struct iq_dw_machine *m,
			       uint64_t *ret);

#endif
