/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inspect: expressions and values, as typed at the prompt.
 */
#ifndef INQUEST_INSPECT_H
#define INQUEST_INSPECT_H

#include <inquest/stack.h>
#if IQ_ROOM < IQ_ROOM_INSPECT
#error "inspect.h belongs to a room to the right of this one"
#endif

/* ---- Expressions ------------------------------------------------------------------------------ */

/* Names that an expression may use beside symbols. */
struct iq_scope {
	struct iq_kernel *k;
	struct iq_vm *vm;		/* where memory is read; NULL: the kernel's */
	const struct iq_regs *regs;	/* $rdi …: of the selected frame; NULL: none */
	bool bare_hex;			/* a bare word of hex digits is a number (crash's habit for addresses) */
};

/*
 * A value: a number, or something in memory, with a type if one is known.
 */
struct iq_value {
	const struct iq_type *type;	/* NULL: an untyped 64-bit number */
	bool in_memory;			/* lives at `address`: an lvalue */
	uint64_t address;
	unsigned int bit_offset, bit_size; /* bitfield: from `address`; bit_size 0 otherwise */
	uint64_t number;		/* if not in_memory */
};

/*
 * Evaluate TEXT: numbers (0x…, decimal), symbols (their address; a typed per-CPU or known global gives an
 * lvalue), $registers, + - * / % & | ^ ~ << >> and parentheses, unary - ~ * &, casts to (TYPE *),
 * members with . and ->, [].  Numbers wrap at 64 bits.  The whole of TEXT must be one expression.
 * IQ_E_USAGE: malformed, with the position; IQ_E_NOT_FOUND: a name, with the nearest spellings.
 */
struct iq_error *iq_eval(const struct iq_scope *s, const char *text, struct iq_value *ret) IQ_CHECK;
/* The same reduced to a number: an lvalue of integer or pointer type is read, an untyped symbol
 * is its address, an array or struct its address. */
struct iq_error *iq_eval_u64(const struct iq_scope *s, const char *text, uint64_t *ret) IQ_CHECK;

/* ---- Values as text --------------------------------------------------------------------------- */

struct iq_format {
	enum { IQ_RADIX_DEFAULT, IQ_RADIX_DEC, IQ_RADIX_HEX } radix;
	unsigned int max_elements; /* of arrays and strings; 0: 200 */
	unsigned int indent;	   /* columns of the first level */
	bool raw_chars;
};

/*
 * The value of type T at ADDRESS of VM, as gdb prints it and crash shows it: "{\n  next = 0x…, …}",
 * pointers with <symbol+off>, char arrays as strings, repeats, enums by name, bitfields.  Memory that cannot be
 * read appears in its place as "<excluded from the dump …>", and the rest goes on.
 */
void iq_value_print(struct iq_kernel *k, struct iq_vm *vm, const struct iq_type *t, uint64_t address,
		    unsigned int bit_offset, unsigned int bit_size, const struct iq_format *f,
		    struct iq_buf *out);

#endif
