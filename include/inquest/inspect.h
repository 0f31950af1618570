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

struct iq_variables;
struct iq_value;

/* Names that an expression may use beside symbols. */
struct iq_scope {
	struct iq_kernel *k;		/* NULL: only numbers and registers mean anything */
	struct iq_vm *vm;		/* where memory is read; NULL: the kernel's */
	const struct iq_regs *regs;	/* $rdi …: of the selected frame; NULL: none */
	/* $name and the history; NULL: there are none.  Assignments change it. */
	struct iq_variables *variables;
	/*
	 * Parameters and locals of the selected frame, which hide symbols of their name; NULL: none.
	 * *FOUND says whether there is one called NAME.  An error if it has no value here.
	 */
	struct iq_error *(*local)(void *arg, const char *name, bool *found, struct iq_value *ret);
	void *local_arg;
	/* Where the characters of a string as typed live; NULL: a string cannot be a result. */
	struct iq_arena *arena;
	/*
	 * A word of hex digits that is not a symbol is a number (crash's habit for addresses).  Digits
	 * alone are hexadecimal too if they are the whole text, else decimal.  Without bare_hex only
	 * words of 8 and more digits with a letter among them are taken that way.
	 */
	bool bare_hex;
};

/*
 * A value: a number, or something in memory, with a type if one is known, or a string as typed.
 */
struct iq_value {
	const struct iq_type *type;	/* NULL: an untyped 64-bit number.  Types of no source (`types` is
					 * NULL) are int, long and so on: results of arithmetic */
	bool in_memory;			/* lives at `address`: an lvalue */
	bool enumerator;		/* a constant of enum `type`: an int in arithmetic, as C has it */
	uint64_t address;
	unsigned int bit_offset, bit_size; /* bitfield: from `address`; bit_size 0 otherwise */
	uint64_t number;		/* if not in_memory; sign-extended from the size of its type */
	const char *text;		/* a string as typed, `text_len` characters and a NUL; else NULL */
	size_t text_len;
};

/*
 * Evaluate TEXT: an expression of C without calls, with C's precedence and integer rules (int has 32 bits,
 * long 64; what overflows wraps), and some of gdb's and the kernel's own:
 *
 *   0x10 010 16UL 'c' "text"   numbers, characters, strings ("…" == and != compare text)
 *   symbol module:symbol       its address; a global or function of known type is an lvalue of it
 *   'kernel/fork.c'::symbol    of several variables of one name the one in that file (needs debug information)
 *   symbol:cpu  per_cpu(symbol, cpu)  per_cpu_ptr(pointer, cpu)
 *   ENUMERATOR                 of any enum
 *   $rdi $eax $al …            registers of the selected frame; those of 64 bits have no type
 *   $name  $name = value       variables;  $ $$ $3 $$2: history, as in gdb; no other assignment
 *   (TYPE) {TYPE}ADDRESS       casts, to (TYPE (*)(int, char *)) and (TYPE [n]) as well; an lvalue cast to a
 *                              type that is no number is the same memory, seen as that type
 *   first@count                an array that begins with `first`
 *   sizeof typeof offsetof(TYPE, a.b[2].c) container_of(pointer, TYPE, member)
 *
 * Where C says nothing: a pointer plus a number counts elements, an untyped symbol, a struct and a function
 * plus a number count bytes.  What is worked out of something untyped is untyped: 64 bits without a sign.  `*` of a
 * number without a type of the kernel's is the word there.  A shift by as many bits as the left side has, or
 * more, is refused.  Constants of enums are ints, and bitfields narrower than int become int, as the compiler has
 * it (gdb takes both for unsigned).  The whole of TEXT must be one expression.
 * IQ_E_USAGE: malformed, with the position, or without a meaning (division by zero);
 * IQ_E_NOT_FOUND: a name, with the nearest spellings; IQ_E_MEMORY: something read on the way.
 */
struct iq_error *iq_eval(const struct iq_scope *s, const char *text, struct iq_value *ret) IQ_CHECK;
/* The same reduced to a number: an lvalue of integer or pointer type is read, an untyped symbol
 * is its address, an array, struct or function its address. */
struct iq_error *iq_eval_u64(const struct iq_scope *s, const char *text, uint64_t *ret) IQ_CHECK;
/*
 * An address as crash's commands take one: a symbol is its address whatever its type, also in
 * symbol+8; members, and everything in parentheses, mean their value.  Numbers as typed have 64 bits.
 */
struct iq_error *iq_eval_address(const struct iq_scope *s, const char *text, uint64_t *ret) IQ_CHECK;

/* V as a number, as iq_eval_u64() has it. */
struct iq_error *iq_value_u64(const struct iq_scope *s, const struct iq_value *v,
			      uint64_t *ret) IQ_CHECK;

/* ---- Variables and history -------------------------------------------------------------------- */

struct iq_error *iq_variables_new(struct iq_variables **ret) IQ_CHECK;
void iq_variables_free(struct iq_variables *v);
/* $NAME becomes VALUE, whose text is copied.  VARIABLES may be NULL: an error. */
struct iq_error *iq_variable_set(struct iq_variables *variables, const char *name,
				 const struct iq_value *value) IQ_CHECK;
/* VALUE is the next of the history: $N, and $ until the one after it.  *N may be NULL. */
struct iq_error *iq_history_add(struct iq_variables *variables, const struct iq_value *value,
				unsigned int *n) IQ_CHECK;

/* ---- Globals ---------------------------------------------------------------------------------- */

/*
 * Type of the kernel's or a module's global variable or function at SYMBOL: from the DWARF of its
 * vmlinux or module file, if there is one (whose types are not those of iq_kernel_types() then, where that
 * is BTF); else from BTF (per-CPU variables, functions) or from a small table of well-known
 * globals, whose types must exist in this kernel's BTF and fit the symbol's size.  NULL: not known.
 */
const struct iq_type *iq_global_type(struct iq_kernel *k, const struct iq_symbol *symbol);
/* Is SYMBOL a per-CPU variable, of which each CPU has its own? */
bool iq_symbol_is_percpu(struct iq_kernel *k, const struct iq_symbol *symbol);

/* ---- Values as text --------------------------------------------------------------------------- */

#define IQ_UNLIMITED UINT32_MAX
#define IQ_DEFAULT_ELEMENTS 256

struct iq_format {
	enum { IQ_RADIX_DEFAULT, IQ_RADIX_DEC, IQ_RADIX_HEX } radix; /* of integers, as gdb's output-radix */
	unsigned int max_elements; /* of arrays and strings; 0: the default, crash's; or IQ_UNLIMITED */
	/* Of more than this many equal elements one is shown, and "<repeats N times>"; 0: none are folded, as crash
	 * has it. */
	unsigned int repeats;
	bool null_stop;		   /* arrays of characters end at the first NUL */
	unsigned int indent;	   /* columns of the first level */
	char letter;		   /* gdb's p/x: x d u o t c a z s for every scalar, strings too; 0: none */
	const struct iq_cancel *cancel; /* ends a long value; NULL: nothing does */
};

/*
 * The value of type T at ADDRESS of VM, as gdb prints it and crash shows it: "{\n  next = 0x…, …}",
 * pointers with <symbol+off>, char arrays as strings, enums by name, bitfields.  Memory that cannot be read appears in its place as
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
