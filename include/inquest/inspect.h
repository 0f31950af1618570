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
	struct iq_kernel *k;		/* NULL: only numbers and registers mean anything */
	struct iq_vm *vm;		/* where memory is read; NULL: the kernel's */
	const struct iq_regs *regs;	/* $rdi …: of the selected frame; NULL: none */
	/*
	 * A word of hex digits that is not a symbol is a number (crash's habit for addresses).  Digits
	 * alone are hexadecimal too if they are the whole text, else decimal.  Without bare_hex only
	 * words of 8 and more digits with a letter among them are taken that way.
	 */
	bool bare_hex;
};

/*
 * A value: a number, or something in memory, with a type if one is known.
 */
struct iq_value {
	const struct iq_type *type;	/* NULL: an untyped 64-bit number */
	bool in_memory;			/* lives at `address`: an lvalue */
	uint64_t address;
	unsigned int bit_offset, bit_size; /* bitfield: from `address`; bit_size 0 otherwise */
	uint64_t number;		/* if not in_memory; sign-extended from the size of its type */
};

/*
 * Evaluate TEXT: numbers (0x…, decimal, octal, 'c'), symbols (their address; a typed global or
 * `symbol:cpu` of a per-CPU variable gives an lvalue; `module:symbol` asks one module), $registers,
 * + - * / % & | ^ ~ << >> and parentheses, unary + - ~ * & and sizeof, casts to (TYPE), (TYPE *) and
 * (TYPE (*)[n]), members with . and ->, [].  Numbers wrap at 64 bits.  A pointer plus a number counts elements, as in C; an untyped
 * symbol, a struct and a function plus a number count bytes.  `*` of a number without a type of the kernel's is
 * the word there.  The whole of TEXT must be one expression.
 * IQ_E_USAGE: malformed, with the position, or without a meaning (division by zero, shift by 64 bits);
 * IQ_E_NOT_FOUND: a name, with the nearest spellings; IQ_E_MEMORY: something read on the way.
 */
struct iq_error *iq_eval(const struct iq_scope *s, const char *text, struct iq_value *ret) IQ_CHECK;
/* The same reduced to a number: an lvalue of integer or pointer type is read, an untyped symbol
 * is its address, an array, struct or function its address. */
struct iq_error *iq_eval_u64(const struct iq_scope *s, const char *text, uint64_t *ret) IQ_CHECK;
/*
 * An address as crash's commands take one: a symbol is its address whatever its type, also in
 * symbol+8; members, and everything in parentheses, mean their value.
 */
struct iq_error *iq_eval_address(const struct iq_scope *s, const char *text, uint64_t *ret) IQ_CHECK;

/* V as a number, as iq_eval_u64() has it. */
struct iq_error *iq_value_u64(const struct iq_scope *s, const struct iq_value *v,
			      uint64_t *ret) IQ_CHECK;

/*
 * Type of the kernel's global variable or function NAME at SYMBOL: from BTF (per-CPU variables,
 * functions) or from a small table of well-known globals, whose types must exist in this kernel's BTF and
 * fit the symbol's size.  NULL: not known.
 */
const struct iq_type *iq_global_type(struct iq_kernel *k, const struct iq_symbol *symbol);
/* Is SYMBOL a per-CPU variable, of which each CPU has its own? */
bool iq_symbol_is_percpu(struct iq_kernel *k, const struct iq_symbol *symbol);

/* ---- Values as text --------------------------------------------------------------------------- */

struct iq_format {
	enum { IQ_RADIX_DEFAULT, IQ_RADIX_DEC, IQ_RADIX_HEX } radix; /* of integers, as gdb's output-radix */
	unsigned int max_elements; /* of arrays and strings; 0: 256, as crash has it */
	unsigned int indent;	   /* columns of the first level */
	char letter;		   /* gdb's p/x: x d u o t c a z for every scalar, strings too; 0: none */
};

/*
 * The value of type T at ADDRESS of VM, as gdb prints it and crash shows it: "{\n  next = 0x…, …}",
 * pointers with <symbol+off>, char arrays as strings, enums by name, bitfields.  Repeated elements are not
 * folded, as crash does not.  Memory that cannot be read appears in its place as
 * "<excluded from the dump …>", and the rest goes on.
 */
void iq_value_print(struct iq_kernel *k, struct iq_vm *vm, const struct iq_type *t, uint64_t address,
		    unsigned int bit_offset, unsigned int bit_size, const struct iq_format *f,
		    struct iq_buf *out);
/* The result of an expression as gdb's print shows it: pointers with their type in front. */
void iq_value_show(const struct iq_scope *s, const struct iq_value *v, const struct iq_format *f,
		   struct iq_buf *out);

/* LEN characters as gdb shows a string: quoted, what is not printable ASCII in octal. */
void iq_string_show(const char *text, size_t len, struct iq_buf *out);

/* How a definition is shown. */
struct iq_define {
	bool offsets;  /* each member is preceded by its offset … */
	uint64_t base; /* … or, if this is not 0, by its address in an object that lies there */
	bool hex;      /* offsets in hexadecimal */
};
/*
 * The definition of T as crash's struct and whatis print it: "struct list_head {\n    struct list_head
 * *next;…}"; typedefs with what they stand for in the middle; enums with their values.  HOW may be NULL.
 * Without a final newline.
 */
void iq_type_define(const struct iq_type *t, const struct iq_define *how, struct iq_buf *out);
/*
 * The same for one member PATH of T, a line as it stands in the whole definition; a path of several members is
 * written out in place of the name.
 */
struct iq_error *iq_type_define_member(const struct iq_type *t, const char *path,
				       const struct iq_define *how, struct iq_buf *out) IQ_CHECK;
/* In how many structs and unions without a name member NAME of T lies; -1: there is no such member. */
int iq_member_nesting(const struct iq_type *t, const char *name);

#endif
