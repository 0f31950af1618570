/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the expression evaluator share: tokens, the tree, values.
 *
 * Text -> tokens (lex.c) -> tree (parse.c, types of casts by parse_type.c) -> value (eval.c, C's integer
 * rules in arith.c), names looked up by names.c, $names by variables.c, memory read by load.c.
 */
#ifndef INQUEST_INSPECT_EXPR_H
#define INQUEST_INSPECT_EXPR_H

#include <inquest/inspect.h>

#define EXPR_MAX_TEXT 65536 /* characters of an expression */
#define EXPR_MAX_DEPTH 256 /* of its tree */

/* ---- Tokens ------------------------------------------------------------------------------------ */

enum token_kind {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_CHAR, /* 'c' */
	TOKEN_STRING, /* "text" */
	TOKEN_QUOTED, /* 'text' of more than one character: a file or a symbol */
	TOKEN_WORD, /* name, or number without 0x */
	TOKEN_REGISTER, /* $name; text is the name, "" of $ alone */
	TOKEN_OPERATOR, /* op */
};

/* Operators of more than one character; the others are their own character. */
enum {
	OP_ARROW = 256,
	OP_SHIFT_LEFT,
	OP_SHIFT_RIGHT,
	OP_EQUAL,
	OP_UNEQUAL,
	OP_LESS_EQUAL,
	OP_MORE_EQUAL,
	OP_AND,
	OP_OR,
	OP_SCOPE, /* :: */
	OP_ASSIGN, /* OP_ASSIGN + op: += and so on */
};

struct token {
	enum token_kind kind;
	int op;
	bool glued; /* nothing stands between it and the token before */
	const char *s; /* in the expression's text */
	size_t len;
	/* NUMBER, CHAR: */
	uint64_t number;
	bool decimal; /* written in decimal: never becomes unsigned by itself */
	bool suffix_u, suffix_l;
};

struct lexer {
	const char *text;
	size_t at;
};

/* The next token; at the end TOKEN_END for ever. */
struct iq_error *lex(struct lexer *l, struct token *ret) IQ_CHECK;
/*
 * The character at *S (before END) as C's literals write it, *S moved behind it.  False: a malformed escape,
 * or nothing.
 */
bool lex_character(const char **s, const char *end, uint8_t *ret);

/* ---- The tree ---------------------------------------------------------------------------------- */

enum node_kind {
	NODE_NUMBER, /* of `type` */
	NODE_STRING, /* name, number: its length */
	NODE_NAME, /* name; module, file or has_cpu may qualify it */
	NODE_REGISTER, /* name: a register or variable */
	NODE_UNARY, /* op a */
	NODE_BINARY, /* a op b, with && || , and @ */
	NODE_ASSIGN, /* $name = b; op 0 or the operator of op= */
	NODE_CONDITIONAL, /* a ? b : c */
	NODE_CAST, /* (type) a */
	NODE_REINTERPRET, /* {type} a */
	NODE_MEMBER, /* a.name, a->name */
	NODE_INDEX, /* a[b] */
	NODE_PAREN, /* (a) */
	NODE_SIZEOF, /* sizeof a; of a type it is a NUMBER at once */
	NODE_CONTAINER, /* container_of(a, type, …); number: offset of the member */
	NODE_PERCPU, /* per_cpu(a, b) */
	NODE_PERCPU_PTR, /* per_cpu_ptr(a, b) */
};

struct node {
	enum node_kind kind;
	int op;
	unsigned int depth;
	size_t at; /* where in the text: for messages */
	uint64_t number;
	bool digits; /* NUMBER: digits alone, as typed in `name` */
	const char *name, *module, *file;
	bool has_cpu;
	unsigned int cpu;
	const struct iq_type *type;
	struct node *a, *b, *c;
};

/* What is known while a tree is worked out. */
struct eval {
	const struct iq_scope *scope;
	/* A symbol by itself, and plus or minus something, is its address whatever its type. */
	bool addresses;
	/* Numbers as typed have 64 bits, as crash has it where an address is meant. */
	bool wide;
	/* Only the type matters (sizeof, typeof, the other arm of ?:): memory is not read. */
	bool types_only;
};

/* TEXT as a tree in ARENA. */
struct iq_error *parse_expression(const struct eval *e, struct iq_arena *arena, const char *text,
				  struct node **ret) IQ_CHECK;
/* The value of N (eval.c). */
struct iq_error *eval_node(const struct eval *e, const struct node *n,
			   struct iq_value *ret) IQ_CHECK;

/* ---- Parsing: parse.c and parse_type.c --------------------------------------------------------- */

struct parser {
	const struct eval *e;
	const struct iq_scope *scope; /* e's */
	struct iq_arena *arena;
	struct lexer lexer;
	struct token token; /* the one looked at */
	unsigned int depth;
	bool middle; /* between ? and :, where a colon ends it */
};

struct iq_error *parse_next(struct parser *p) IQ_CHECK;
/* An error: what stands here where WANTED should. */
struct iq_error *parse_unexpected(const struct parser *p, const char *wanted);
struct iq_error *parse_expect(struct parser *p, int op, const char *name) IQ_CHECK;
bool parse_at(const struct parser *p, int op);
bool parse_at_word(const struct parser *p, const char *word);
/* A whole expression, with its commas if COMMA. */
struct iq_error *parse_whole(struct parser *p, bool comma, struct node **ret) IQ_CHECK;
/* Is there a symbol, variable or constant called as the token? */
bool parse_names_value(const struct parser *p, const struct token *t);

/* Does the token begin the name of a type, whatever symbols there are? */
bool type_begins(const struct parser *p);
/* Behind '(': is this a cast?  See parse_type.c. */
struct iq_error *type_in_parentheses(struct parser *p, bool *ret) IQ_CHECK;
/* A type with its abstract declarator: "struct list_head *", "int (*)(void)", "char [16]". */
struct iq_error *type_parse(struct parser *p, const struct iq_type **ret) IQ_CHECK;
/* "member.path[2].of", as iq_member_find() wants it, from here on. */
struct iq_error *type_member_path(struct parser *p, struct iq_buf *path) IQ_CHECK;

/* ---- Types ------------------------------------------------------------------------------------- */

/*
 * Numbers as typed and results of arithmetic.  These types belong to no source (their `types` is NULL): no
 * pointer or array can be derived from them, see expr_source_type().
 */
extern const struct iq_type expr_char, expr_int, expr_unsigned_int, expr_long, expr_unsigned_long;
/* The arithmetic type with C's name NAME, also without types in the dump; NULL: none. */
const struct iq_type *expr_arithmetic_type(const char *name);
/* C as a char, which is signed or not as the kernel's is. */
struct iq_value expr_character(const struct iq_scope *s, uint8_t c);
/* T as the kernel's types have it, so that others can be derived from it; NULL: they do not. */
const struct iq_type *expr_source_type(const struct iq_scope *s, const struct iq_type *t);
/* "struct foo *", for messages; also of types of no source and of none at all. */
void expr_type_text(const struct iq_type *t, struct iq_buf *out);
/* "<type> <problem>" */
struct iq_error *expr_wrong_type(const struct iq_value *v, const char *problem);

bool type_is_signed(const struct iq_type *stripped);
/* INT, ENUM, POINTER of at most 8 bytes: something that has a number. */
bool type_is_scalar(const struct iq_type *stripped);

/* ---- Arithmetic -------------------------------------------------------------------------------- */

/* A OP B of the values VA and VB, which are numbers by C's rules (arith.c). */
struct iq_error *arith_binary(int op, const struct iq_value *va, uint64_t a,
			      const struct iq_value *vb, uint64_t b, struct iq_value *ret) IQ_CHECK;
/* + - ~ */
struct iq_value arith_unary(int op, const struct iq_value *v, uint64_t number);
/* NUMBER, the value of V, converted to what V and OTHER become in arithmetic: an arm of ?:. */
struct iq_value arith_common(const struct iq_value *v, uint64_t number,
			     const struct iq_value *other);
/* A literal's type. */
const struct iq_type *arith_literal_type(const struct token *t);

/* ---- Names and memory -------------------------------------------------------------------------- */

/* The value of a name; the offer of other spellings if there is none. */
struct iq_error *name_value(const struct iq_scope *s, const struct node *n,
			    struct iq_value *ret) IQ_CHECK;
/* Its copy for CPU. */
struct iq_error *name_percpu_value(const struct iq_scope *s, const struct node *n, uint64_t cpu,
				   struct iq_value *ret) IQ_CHECK;
/* Is there anything called NAME: a local, a symbol, a constant? */
bool name_exists(const struct iq_scope *s, const char *name);

/* $NAME: a register, a variable, a value of the history. */
struct iq_error *variable_value(const struct iq_scope *s, const char *name,
				struct iq_value *ret) IQ_CHECK;

/* The address space that S reads. */
struct iq_vm *scope_vm(const struct iq_scope *s);
/*
 * The integer, enum, bool or pointer at V as 64 bits, sign-extended if its type is signed; structs, arrays and
 * functions are their address.
 */
struct iq_error *load_number(struct iq_vm *vm, const struct iq_value *v, uint64_t *ret) IQ_CHECK;
/*
 * The scalar of SIZE bytes at ADDRESS, or the bitfield in it, sign-extended if IS_SIGNED.
 */
enum iq_mem load_scalar(struct iq_vm *vm, uint64_t address, uint64_t size, unsigned int bit_offset,
			unsigned int bit_size, bool is_signed, uint64_t *ret,
			struct iq_fault *fault);
/* The lowest SIZE bytes of NUMBER, extended to 64 bits again. */
uint64_t extend(uint64_t number, uint64_t size, bool is_signed);

#endif
