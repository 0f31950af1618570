/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the expression evaluator share: tokens, the tree, values.
 *
 * Text -> tokens (lex.c) -> tree (parse.c) -> value (eval.c), names looked up by names.c, memory read by
 * load.c.
 */
#ifndef INQUEST_INSPECT_EXPR_H
#define INQUEST_INSPECT_EXPR_H

#include <inquest/inspect.h>

#define EXPR_MAX_TEXT 65536 /* characters of an expression */
#define EXPR_MAX_DEPTH 256  /* of its tree */

/* ---- Tokens ------------------------------------------------------------------------------------ */

enum token_kind {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_WORD,	/* name, or number without 0x */
	TOKEN_REGISTER, /* $name; text is the name */
	TOKEN_OPERATOR, /* op */
};

/* Operators of more than one character; the others are their own character. */
enum { OP_ARROW = 256, OP_SHIFT_LEFT, OP_SHIFT_RIGHT };

struct token {
	enum token_kind kind;
	int op;
	bool glued;	 /* nothing stands between it and the token before */
	const char *s;	 /* in the expression's text */
	size_t len;
	uint64_t number;
};

struct lexer {
	const char *text;
	size_t at;
};

/* The next token; at the end TOKEN_END for ever. */
struct iq_error *lex(struct lexer *l, struct token *ret) IQ_CHECK;

/* ---- The tree ---------------------------------------------------------------------------------- */

enum node_kind {
	NODE_NUMBER,
	NODE_NAME,     /* name; module or has_cpu may qualify it */
	NODE_REGISTER, /* name */
	NODE_UNARY,    /* op a */
	NODE_BINARY,   /* a op b */
	NODE_CAST,     /* (type) a */
	NODE_MEMBER,   /* a.name, a->name */
	NODE_INDEX,    /* a[b] */
	NODE_PAREN,    /* (a) */
	NODE_SIZEOF,   /* sizeof a; of a type it is a NUMBER at once */
};

struct node {
	enum node_kind kind;
	int op;
	unsigned int depth;
	size_t at; /* where in the text: for messages */
	uint64_t number;
	bool decimal;	   /* NUMBER: digits alone */
	const char *name, *module;
	bool has_cpu;
	unsigned int cpu;
	const struct iq_type *type;
	struct node *a, *b;
};

/* TEXT as a tree in ARENA. */
struct iq_error *parse_expression(const struct iq_scope *s, struct iq_arena *arena, const char *text,
				  struct node **ret) IQ_CHECK;

/* ---- Values ------------------------------------------------------------------------------------ */

/* Results of arithmetic, and numbers as typed. */
extern const struct iq_type expr_long, expr_unsigned_long;

/* The value of a name; the offer of other spellings if there is none. */
struct iq_error *name_value(const struct iq_scope *s, const struct node *n, struct iq_value *ret) IQ_CHECK;

/* The address space that S reads. */
struct iq_vm *scope_vm(const struct iq_scope *s);
/*
 * The integer, enum, bool or pointer at V as 64 bits, sign-extended if its type is signed; other kinds are
 * their address.
 */
struct iq_error *load_number(struct iq_vm *vm, const struct iq_value *v, uint64_t *ret) IQ_CHECK;
/*
 * The scalar of SIZE bytes at ADDRESS, or the bitfield in it, sign-extended if IS_SIGNED.
 */
enum iq_mem load_scalar(struct iq_vm *vm, uint64_t address, uint64_t size, unsigned int bit_offset,
			unsigned int bit_size, bool is_signed, uint64_t *ret, struct iq_fault *fault);
/* The lowest SIZE bytes of NUMBER, extended to 64 bits again. */
uint64_t extend(uint64_t number, uint64_t size, bool is_signed);
bool type_is_signed(const struct iq_type *stripped);
/* INT, ENUM, POINTER of at most 8 bytes: something that has a number. */
bool type_is_scalar(const struct iq_type *stripped);

#endif
