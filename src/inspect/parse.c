// SPDX-License-Identifier: GPL-2.0-or-later
/* Tokens to a tree, by recursive descent with C's precedence. */
#include "expr.h"
#include <ctype.h>

struct parser {
	const struct iq_scope *scope;
	struct iq_arena *arena;
	struct lexer lexer;
	struct token token; /* the one looked at */
	unsigned int depth;
};

static struct iq_error *parse_binary(struct parser *p, int level, struct node **ret);
static struct iq_error *parse_unary(struct parser *p, struct node **ret);

static struct iq_error *next(struct parser *p)
{
	return lex(&p->lexer, &p->token);
}

static size_t column(const struct parser *p)
{
	return (size_t)(p->token.s - p->lexer.text);
}

static bool is_op(const struct parser *p, int op)
{
	return p->token.kind == TOKEN_OPERATOR && p->token.op == op;
}

static bool word_is(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && strlen(word) == t->len && !memcmp(word, t->s, t->len);
}

static struct iq_error *unexpected(const struct parser *p, const char *wanted)
{
	if (p->token.kind == TOKEN_END)
		return iq_error_new(IQ_E_USAGE, "the expression ends where %s should follow", wanted);
	return iq_error_new(IQ_E_USAGE, "%.*s at column %zu, where %s should follow",
			    (int)IQ_MIN(p->token.len, 40u), p->token.s, column(p) + 1, wanted);
}

static struct iq_error *expect(struct parser *p, int op, const char *name)
{
	if (!is_op(p, op))
		return unexpected(p, name);
	return next(p);
}

static struct iq_error *new_node(struct parser *p, enum node_kind kind, struct node *a,
				 struct node *b, struct node **ret)
{
	struct node *n = iq_arena_alloc(p->arena, sizeof(*n));
	unsigned int depth = 0;

	if (!n)
		return iq_error_nomem();
	if (a)
		depth = a->depth + 1;
	if (b)
		depth = IQ_MAX(depth, b->depth + 1);
	if (depth > EXPR_MAX_DEPTH)
		return iq_error_new(IQ_E_LIMIT, "the expression has more than %d nested operations",
				    EXPR_MAX_DEPTH);
	*n = (struct node){.kind = kind, .depth = depth, .at = column(p), .a = a, .b = b};
	*ret = n;
	return NULL;
}

static struct iq_error *take_name(struct parser *p, const char **ret)
{
	*ret = iq_arena_strndup(p->arena, p->token.s, p->token.len);
	return *ret ? next(p) : iq_error_nomem();
}

/* ---- Types ------------------------------------------------------------------------------------- */

static bool begins_type(const struct token *t)
{
	static const char *const words[] = {"struct", "union",	  "enum",  "const", "volatile",
					    "signed", "unsigned", "char",  "short", "int",
					    "long",   "void",	  "_Bool", "bool",  "float",
					    "double"};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(words); i++) {
		if (word_is(t, words[i]))
			return true;
	}
	return false;
}

static struct iq_error *unknown_type(struct parser *p, const char *name)
{
	struct iq_nearest n = {.word = name};
	struct iq_types *types;
	struct iq_error *err;

	if (!p->scope->k)
		return iq_error_new(IQ_E_UNAVAILABLE, "no types without a kernel: %s", name);
	IQ_TRY(iq_kernel_need_types(p->scope->k, &types));
	err = iq_error_new(IQ_E_NOT_FOUND, "no type %s", name);
	for (size_t i = 0; i < 3; i++) {
		static const char *const tags[] = {"struct ", "union ", "enum "};

		if (!strncmp(name, tags[i], strlen(tags[i])))
			n.word = name + strlen(tags[i]);
	}
	iq_types_nearest(types, &n);
	return iq_nearest_hint(&n, err);
}

/* The words of a type's name, one blank between them, without const and volatile. */
static struct iq_error *type_words(struct parser *p, struct iq_buf *name)
{
	bool tagged = false, named = false;

	while (p->token.kind == TOKEN_WORD) {
		bool base = begins_type(&p->token);

		if (named && !base)
			break;
		if (!word_is(&p->token, "const") && !word_is(&p->token, "volatile")) {
			iq_buf_printf(name, "%s%.*s", name->len ? " " : "", (int)p->token.len,
				      p->token.s);
			tagged = word_is(&p->token, "struct") || word_is(&p->token, "union") ||
				 word_is(&p->token, "enum");
			named |= !base && !tagged;
			if (base && !tagged)
				named = true;
		}
		IQ_TRY(next(p));
	}
	if (name->failed)
		return iq_error_nomem();
	if (tagged || !name->len)
		return unexpected(p, "the name of a type");
	return NULL;
}

static bool is_void(const char *name)
{
	return !strcmp(name, "void");
}

#define MAX_DIMENSIONS 8

/* "(*)[2][8]": T becomes a pointer to such an array of it. */
static struct iq_error *parse_array_pointer(struct parser *p, const struct iq_type **t)
{
	uint64_t counts[MAX_DIMENSIONS];
	unsigned int nr = 0;

	IQ_TRY(next(p));
	IQ_TRY(expect(p, '*', "*"));
	IQ_TRY(expect(p, ')', ")"));
	do {
		IQ_TRY(expect(p, '[', "["));
		if (p->token.kind != TOKEN_NUMBER || nr == MAX_DIMENSIONS || p->token.number > UINT32_MAX)
			return unexpected(p, "the number of elements");
		counts[nr++] = p->token.number;
		IQ_TRY(next(p));
		IQ_TRY(expect(p, ']', "]"));
	} while (is_op(p, '['));
	while (nr)
		*t = iq_type_array_of(*t, counts[--nr]);
	*t = iq_type_pointer_to(*t);
	return NULL;
}

/* TYPE, TYPE *… or TYPE (*)[n], up to what is none of them. */
static struct iq_error *parse_type(struct parser *p, const struct iq_type **ret)
{
	const struct iq_type *t = NULL;
	struct iq_buf name = {0};
	struct iq_error *err = type_words(p, &name);
	unsigned int stars = 0;

	if (!err && p->scope->k)
		t = iq_kernel_type(p->scope->k, iq_buf_str(&name), NULL);
	/* void is a type of every source, but no source has a name for it. */
	if (!err && !t && p->scope->k && is_void(iq_buf_str(&name))) {
		struct iq_types *types = iq_kernel_types(p->scope->k);

		t = types ? iq_type_by_id(types, 0) : NULL;
	}
	if (!err && !t)
		err = unknown_type(p, iq_buf_str(&name));
	iq_buf_free(&name);
	if (err)
		return err;
	while (is_op(p, '*') || word_is(&p->token, "const") || word_is(&p->token, "volatile")) {
		if (is_op(p, '*')) {
			if (++stars > 32)
				return unexpected(p, "fewer stars");
			t = iq_type_pointer_to(t);
			if (!t)
				return iq_error_nomem();
		}
		IQ_TRY(next(p));
	}
	if (is_op(p, '('))
		IQ_TRY(parse_array_pointer(p, &t));
	*ret = t;
	return NULL;
}

/* Could a cast's operand begin here? */
static bool begins_operand(const struct parser *p)
{
	if (p->token.kind != TOKEN_OPERATOR)
		return p->token.kind != TOKEN_END;
	return strchr("(-~*&+", p->token.op & 0xff) && p->token.op < 256;
}

static bool is_symbol(struct parser *p, const struct token *t)
{
	struct iq_symbol symbol;
	char name[256];

	if (t->len >= sizeof(name))
		return false;
	memcpy(name, t->s, t->len);
	name[t->len] = 0;
	return iq_symbol_named(p->scope->k, name, &symbol);
}

/*
 * After '(': is this a cast?  A type's keyword says so.  A plain word is a type if `)` or stars and `)`
 * follow, an operand behind them, and there is such a type and no such symbol: (u64)x is a cast,
 * (jiffies)-1 is not.
 */
static struct iq_error *looks_like_cast(struct parser *p, bool *ret)
{
	struct parser ahead = *p;
	struct iq_error *err = NULL;
	char name[256];
	bool stars = false;

	*ret = begins_type(&p->token);
	if (*ret || p->token.kind != TOKEN_WORD || !p->scope->k || p->token.len >= sizeof(name))
		return NULL;
	memcpy(name, p->token.s, p->token.len);
	name[p->token.len] = 0;
	do {
		err = next(&ahead);
		stars |= !err && is_op(&ahead, '*');
	} while (!err && is_op(&ahead, '*'));
	if (!err && is_op(&ahead, ')')) {
		err = next(&ahead);
		*ret = !err && begins_operand(&ahead) && (stars || !is_symbol(p, &p->token)) &&
		       iq_kernel_type(p->scope->k, name, NULL);
	}
	iq_error_free(err); /* whatever is wrong ahead is said when it is reached */
	return NULL;
}

/* ---- Operands ---------------------------------------------------------------------------------- */

/* name, module:name, name:cpu, module:name:cpu; the colon glued to both. */
static struct iq_error *parse_name(struct parser *p, struct node **ret)
{
	struct node *n = NULL;

	IQ_TRY(new_node(p, NODE_NAME, NULL, NULL, &n));
	IQ_TRY(take_name(p, &n->name));
	while (is_op(p, ':') && p->token.glued && !n->has_cpu) {
		IQ_TRY(next(p));
		if (p->token.kind == TOKEN_WORD && !n->module) {
			n->module = n->name;
			IQ_TRY(take_name(p, &n->name));
		} else if (p->token.kind == TOKEN_NUMBER && p->token.number <= UINT32_MAX) {
			n->has_cpu = true;
			n->cpu = (unsigned int)p->token.number;
			IQ_TRY(next(p));
		} else {
			return unexpected(p, "the number of a CPU");
		}
	}
	*ret = n;
	return NULL;
}

static bool all_digits(const struct token *t)
{
	for (size_t i = 0; i < t->len; i++) {
		if (!isdigit((unsigned char)t->s[i]))
			return false;
	}
	return true;
}

static struct iq_error *parse_operand(struct parser *p, struct node **ret)
{
	struct node *n = NULL;

	switch (p->token.kind) {
	case TOKEN_NUMBER:
		IQ_TRY(new_node(p, NODE_NUMBER, NULL, NULL, &n));
		n->number = p->token.number;
		n->decimal = all_digits(&p->token);
		IQ_TRY(take_name(p, &n->name));
		*ret = n;
		return NULL;
	case TOKEN_WORD:
		return parse_name(p, ret);
	case TOKEN_REGISTER:
		IQ_TRY(new_node(p, NODE_REGISTER, NULL, NULL, &n));
		IQ_TRY(take_name(p, &n->name));
		*ret = n;
		return NULL;
	default:
		break;
	}
	if (!is_op(p, '('))
		return unexpected(p, "a number, a symbol or (");
	IQ_TRY(next(p));
	IQ_TRY(parse_binary(p, 0, &n));
	IQ_TRY(expect(p, ')', ")"));
	return new_node(p, NODE_PAREN, n, NULL, ret);
}

static struct iq_error *parse_postfix(struct parser *p, struct node **ret)
{
	struct node *n = NULL, *index = NULL;

	IQ_TRY(parse_operand(p, &n));
	for (;;) {
		if (is_op(p, '.') || is_op(p, OP_ARROW)) {
			IQ_TRY(new_node(p, NODE_MEMBER, n, NULL, &n));
			n->op = p->token.op;
			IQ_TRY(next(p));
			if (p->token.kind != TOKEN_WORD)
				return unexpected(p, "the name of a member");
			IQ_TRY(take_name(p, &n->name));
		} else if (is_op(p, '[')) {
			IQ_TRY(next(p));
			IQ_TRY(parse_binary(p, 0, &index));
			IQ_TRY(expect(p, ']', "]"));
			IQ_TRY(new_node(p, NODE_INDEX, n, index, &n));
		} else {
			*ret = n;
			return NULL;
		}
	}
}

static struct iq_error *parse_cast(struct parser *p, struct node **ret)
{
	const struct iq_type *t = NULL;
	struct node *n = NULL;

	IQ_TRY(parse_type(p, &t));
	IQ_TRY(expect(p, ')', ")"));
	IQ_TRY(parse_unary(p, &n));
	IQ_TRY(new_node(p, NODE_CAST, n, NULL, ret));
	(*ret)->type = t;
	return NULL;
}

/* sizeof (TYPE), sizeof operand */
static struct iq_error *parse_sizeof(struct parser *p, struct node **ret)
{
	const struct iq_type *t = NULL;
	struct parser start;
	struct node *n = NULL;
	bool type = false;

	IQ_TRY(next(p));
	start = *p;
	if (is_op(p, '(')) {
		IQ_TRY(next(p));
		/* A plain word is a type here if no symbol is called so. */
		type = begins_type(&p->token) ||
		       (p->scope->k && p->token.kind == TOKEN_WORD && !is_symbol(p, &p->token));
	}
	if (!type) {
		p->lexer = start.lexer;
		p->token = start.token;
		IQ_TRY(parse_unary(p, &n));
		return new_node(p, NODE_SIZEOF, n, NULL, ret);
	}
	IQ_TRY(parse_type(p, &t));
	IQ_TRY(expect(p, ')', ")"));
	IQ_TRY(new_node(p, NODE_NUMBER, NULL, NULL, ret));
	(*ret)->number = iq_type_strip(t)->size;
	(*ret)->name = "";
	return NULL;
}

static struct iq_error *parse_prefix(struct parser *p, struct node **ret)
{
	int op = p->token.op;

	if (word_is(&p->token, "sizeof"))
		return parse_sizeof(p, ret);
	if (p->token.kind != TOKEN_OPERATOR)
		return parse_postfix(p, ret);
	if (op == '(') {
		struct parser start = *p;
		bool cast;

		IQ_TRY(next(p));
		IQ_TRY(looks_like_cast(p, &cast));
		if (cast)
			return parse_cast(p, ret);
		p->lexer = start.lexer;
		p->token = start.token;
		return parse_postfix(p, ret);
	}
	if (op == '-' || op == '+' || op == '~' || op == '*' || op == '&') {
		struct node *n;

		IQ_TRY(next(p));
		IQ_TRY(parse_unary(p, &n));
		IQ_TRY(new_node(p, NODE_UNARY, n, NULL, ret));
		(*ret)->op = op;
		return NULL;
	}
	return parse_postfix(p, ret);
}

/* Every way around goes through here: the place to limit how deep. */
static struct iq_error *parse_unary(struct parser *p, struct node **ret)
{
	struct iq_error *err;

	if (p->depth >= EXPR_MAX_DEPTH)
		return iq_error_new(IQ_E_LIMIT, "the expression is nested more than %d deep",
				    EXPR_MAX_DEPTH);
	p->depth++;
	err = parse_prefix(p, ret);
	p->depth--;
	return err;
}

/* ---- Operators --------------------------------------------------------------------------------- */

#define NR_LEVELS 6
static const int levels[NR_LEVELS][3] = {
	{'|'}, {'^'}, {'&'}, {OP_SHIFT_LEFT, OP_SHIFT_RIGHT}, {'+', '-'}, {'*', '/', '%'},
};

static bool on_level(const struct parser *p, int level)
{
	for (size_t i = 0; i < IQ_ARRAY_SIZE(levels[level]); i++) {
		if (levels[level][i] && is_op(p, levels[level][i]))
			return true;
	}
	return false;
}

static struct iq_error *parse_binary(struct parser *p, int level, struct node **ret)
{
	struct node *a = NULL, *b = NULL;

	if (level == NR_LEVELS)
		return parse_unary(p, ret);
	IQ_TRY(parse_binary(p, level + 1, &a));
	while (on_level(p, level)) {
		int op = p->token.op;

		IQ_TRY(next(p));
		IQ_TRY(parse_binary(p, level + 1, &b));
		IQ_TRY(new_node(p, NODE_BINARY, a, b, &a));
		a->op = op;
	}
	*ret = a;
	return NULL;
}

struct iq_error *parse_expression(const struct iq_scope *s, struct iq_arena *arena, const char *text,
				  struct node **ret)
{
	struct parser p = {.scope = s, .arena = arena, .lexer = {.text = text}};
	struct node *n = NULL;

	if (strnlen(text, EXPR_MAX_TEXT + 1) > EXPR_MAX_TEXT)
		return iq_error_new(IQ_E_LIMIT, "the expression is longer than %d characters",
				    EXPR_MAX_TEXT);
	IQ_TRY(next(&p));
	IQ_TRY(parse_binary(&p, 0, &n));
	if (p.token.kind != TOKEN_END)
		return unexpected(&p, "an operator or the end");
	*ret = n;
	return NULL;
}
