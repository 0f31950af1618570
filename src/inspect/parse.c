// SPDX-License-Identifier: GPL-2.0-or-later
/* Tokens to a tree, by recursive descent with C's precedence, and gdb's @ and {TYPE} ADDRESS. */
#include "expr.h"
#include <ctype.h>

static struct iq_error *parse_unary(struct parser *p, struct node **ret);

struct iq_error *parse_next(struct parser *p)
{
	return lex(&p->lexer, &p->token);
}

static size_t column(const struct parser *p)
{
	return (size_t)(p->token.s - p->lexer.text);
}

bool parse_at(const struct parser *p, int op)
{
	return p->token.kind == TOKEN_OPERATOR && p->token.op == op;
}

bool parse_at_word(const struct parser *p, const char *word)
{
	return p->token.kind == TOKEN_WORD && strlen(word) == p->token.len &&
	       !memcmp(word, p->token.s, p->token.len);
}

struct iq_error *parse_unexpected(const struct parser *p, const char *wanted)
{
	if (p->token.kind == TOKEN_END)
		return iq_error_new(IQ_E_USAGE, "the expression ends where %s should follow",
				    wanted);
	return iq_error_new(IQ_E_USAGE, "%.*s at column %zu, where %s should follow",
			    (int)IQ_MIN(p->token.len, 40u), p->token.s, column(p) + 1, wanted);
}

struct iq_error *parse_expect(struct parser *p, int op, const char *name)
{
	if (!parse_at(p, op))
		return parse_unexpected(p, name);
	return parse_next(p);
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
	return *ret ? parse_next(p) : iq_error_nomem();
}

bool parse_names_value(const struct parser *p, const struct token *t)
{
	char name[256];

	if (t->len >= sizeof(name))
		return false;
	memcpy(name, t->s, t->len);
	name[t->len] = 0;
	return name_exists(p->scope, name);
}

/* What stands in parentheses or brackets: a colon in it ends nothing outside of it. */
static struct iq_error *parse_inner(struct parser *p, bool comma, struct node **ret)
{
	bool middle = p->middle;
	struct iq_error *err;

	p->middle = false;
	err = parse_whole(p, comma, ret);
	p->middle = middle;
	return err;
}

/* ---- Names ------------------------------------------------------------------------------------- */

/* name, module:name, name:cpu, module:name:cpu; the colon glued to both. */
static struct iq_error *parse_name(struct parser *p, struct node **ret)
{
	struct node *n = NULL;

	IQ_TRY(new_node(p, NODE_NAME, NULL, NULL, &n));
	IQ_TRY(take_name(p, &n->name));
	while (parse_at(p, ':') && p->token.glued && !n->has_cpu && !p->middle) {
		IQ_TRY(parse_next(p));
		if (p->token.kind == TOKEN_WORD && !n->module) {
			n->module = n->name;
			IQ_TRY(take_name(p, &n->name));
		} else if (p->token.kind == TOKEN_NUMBER && p->token.number <= UINT32_MAX) {
			n->has_cpu = true;
			n->cpu = (unsigned int)p->token.number;
			IQ_TRY(parse_next(p));
		} else {
			return parse_unexpected(p, "the number of a CPU");
		}
	}
	*ret = n;
	return NULL;
}

/* 'FILE'::name, or 'name' of a symbol that is not a word of C. */
static struct iq_error *parse_quoted(struct parser *p, struct node **ret)
{
	struct node *n = NULL;
	const char *text = iq_arena_strndup(p->arena, p->token.s + 1, p->token.len - 2);

	if (!text)
		return iq_error_nomem();
	IQ_TRY(new_node(p, NODE_NAME, NULL, NULL, &n));
	IQ_TRY(parse_next(p));
	n->name = text;
	if (parse_at(p, OP_SCOPE)) {
		IQ_TRY(parse_next(p));
		if (p->token.kind != TOKEN_WORD)
			return parse_unexpected(p, "the name of a variable");
		n->file = text;
		IQ_TRY(take_name(p, &n->name));
	}
	*ret = n;
	return NULL;
}

/* ---- What looks like a function ---------------------------------------------------------------- */

/* Behind the '(' of offsetof: TYPE, member.path) */
static struct iq_error *parse_offset(struct parser *p, const struct iq_type **type,
				     uint64_t *offset)
{
	struct iq_buf path = {0};
	struct iq_member m = {0};
	struct iq_error *err;

	IQ_TRY(type_parse(p, type));
	IQ_TRY(parse_expect(p, ',', ","));
	err = type_member_path(p, &path);
	if (!err && path.failed)
		err = iq_error_nomem();
	if (!err && !(*type)->types)
		err = iq_error_new(IQ_E_USAGE, "%s has no members", (*type)->name);
	if (!err)
		err = iq_member_find(*type, iq_buf_str(&path), &m);
	if (!err && m.bit_size)
		err = iq_error_new(IQ_E_USAGE, "%s is a bitfield: it has no offset in bytes",
				   iq_buf_str(&path));
	iq_buf_free(&path);
	*offset = m.bit_offset / 8;
	return err;
}

static struct iq_error *parse_offsetof(struct parser *p, struct node **ret)
{
	const struct iq_type *type = NULL;

	IQ_TRY(new_node(p, NODE_NUMBER, NULL, NULL, ret));
	(*ret)->type = &expr_unsigned_long;
	return parse_offset(p, &type, &(*ret)->number);
}

static struct iq_error *parse_container(struct parser *p, struct node **ret)
{
	const struct iq_type *type = NULL;
	struct node *a = NULL;
	uint64_t offset = 0;

	IQ_TRY(parse_inner(p, false, &a));
	IQ_TRY(parse_expect(p, ',', ","));
	IQ_TRY(parse_offset(p, &type, &offset));
	IQ_TRY(new_node(p, NODE_CONTAINER, a, NULL, ret));
	(*ret)->type = type;
	(*ret)->number = offset;
	return NULL;
}

/* per_cpu(a, b), per_cpu_ptr(a, b) */
static struct iq_error *parse_per_cpu(struct parser *p, enum node_kind kind, struct node **ret)
{
	struct node *a = NULL, *b = NULL;

	IQ_TRY(parse_inner(p, false, &a));
	IQ_TRY(parse_expect(p, ',', ","));
	IQ_TRY(parse_inner(p, false, &b));
	return new_node(p, kind, a, b, ret);
}

/* NAME( …: one of the macros that stand for no function.  *RET stays NULL if it is none. */
static struct iq_error *parse_macro(struct parser *p, struct node **ret)
{
	struct parser start = *p;
	static const char *const names[] = {"offsetof", "container_of", "per_cpu", "per_cpu_ptr"};
	size_t which = 0;

	while (which < IQ_ARRAY_SIZE(names) && !parse_at_word(p, names[which]))
		which++;
	if (which == IQ_ARRAY_SIZE(names))
		return NULL;
	IQ_TRY(parse_next(p));
	if (!parse_at(p, '(')) {
		p->lexer = start.lexer;
		p->token = start.token;
		return NULL;
	}
	IQ_TRY(parse_next(p));
	switch (which) {
	case 0:
		IQ_TRY(parse_offsetof(p, ret));
		break;
	case 1:
		IQ_TRY(parse_container(p, ret));
		break;
	default:
		IQ_TRY(parse_per_cpu(p, which == 2 ? NODE_PERCPU : NODE_PERCPU_PTR, ret));
		break;
	}
	return parse_expect(p, ')', ")");
}

/* ---- Operands ---------------------------------------------------------------------------------- */

static bool all_digits(const struct token *t)
{
	for (size_t i = 0; i < t->len; i++) {
		if (!isdigit((unsigned char)t->s[i]))
			return false;
	}
	return true;
}

static struct iq_error *parse_number(struct parser *p, struct node **ret)
{
	struct node *n = NULL;

	IQ_TRY(new_node(p, NODE_NUMBER, NULL, NULL, &n));
	n->number = p->token.number;
	n->digits = p->token.kind == TOKEN_NUMBER && all_digits(&p->token);
	if (p->token.kind == TOKEN_CHAR) {
		struct iq_value c = expr_character(p->scope, (uint8_t)n->number);

		n->type = c.type;
		n->number = c.number;
	} else {
		n->type = arith_literal_type(&p->token);
		if (p->e->wide && n->type->size < 8)
			n->type = &expr_long;
	}
	IQ_TRY(take_name(p, &n->name));
	if (parse_at(p, '.') && p->token.glued && n->digits &&
	    isdigit((unsigned char)p->token.s[1]))
		return iq_error_new(
			IQ_E_USAGE,
			"%s.%c… at column %zu: floating-point numbers are not worked with", n->name,
			p->token.s[1], n->at + 1);
	*ret = n;
	return NULL;
}

/* Strings next to each other are one. */
static struct iq_error *parse_string(struct parser *p, struct node **ret)
{
	struct iq_buf text = {0};
	struct iq_error *err;
	struct node *n = NULL;
	char *copy;

	IQ_TRY(new_node(p, NODE_STRING, NULL, NULL, &n));
	do {
		const char *s = p->token.s + 1, *end = p->token.s + p->token.len - 1;
		uint8_t c;

		while (lex_character(&s, end, &c))
			iq_buf_putc(&text, (char)c);
		err = parse_next(p);
	} while (!err && p->token.kind == TOKEN_STRING);
	copy = iq_arena_alloc(p->arena, text.len + 1);
	if (copy && text.len)
		memcpy(copy, text.s, text.len);
	n->name = copy;
	n->number = text.len;
	if (!err && (!copy || text.failed))
		err = iq_error_nomem();
	iq_buf_free(&text);
	*ret = n;
	return err;
}

static struct iq_error *parse_operand(struct parser *p, struct node **ret)
{
	struct node *n = NULL;

	switch (p->token.kind) {
	case TOKEN_NUMBER:
	case TOKEN_CHAR:
		return parse_number(p, ret);
	case TOKEN_STRING:
		return parse_string(p, ret);
	case TOKEN_QUOTED:
		return parse_quoted(p, ret);
	case TOKEN_WORD:
		IQ_TRY(parse_macro(p, &n));
		if (!n)
			return parse_name(p, ret);
		*ret = n;
		return NULL;
	case TOKEN_REGISTER:
		IQ_TRY(new_node(p, NODE_REGISTER, NULL, NULL, &n));
		IQ_TRY(take_name(p, &n->name));
		*ret = n;
		return NULL;
	default:
		break;
	}
	if (!parse_at(p, '('))
		return parse_unexpected(p, "a number, a symbol or (");
	IQ_TRY(parse_next(p));
	IQ_TRY(parse_inner(p, true, &n));
	IQ_TRY(parse_expect(p, ')', ")"));
	return new_node(p, NODE_PAREN, n, NULL, ret);
}

static struct iq_error *parse_postfix(struct parser *p, struct node **ret)
{
	struct node *n = NULL, *index = NULL;

	IQ_TRY(parse_operand(p, &n));
	for (;;) {
		if (parse_at(p, '.') || parse_at(p, OP_ARROW)) {
			int op = p->token.op;

			IQ_TRY(new_node(p, NODE_MEMBER, n, NULL, &n));
			n->op = op;
			IQ_TRY(parse_next(p));
			if (p->token.kind != TOKEN_WORD)
				return parse_unexpected(p, "the name of a member");
			IQ_TRY(take_name(p, &n->name));
		} else if (parse_at(p, '[')) {
			IQ_TRY(parse_next(p));
			IQ_TRY(parse_inner(p, true, &index));
			IQ_TRY(parse_expect(p, ']', "]"));
			IQ_TRY(new_node(p, NODE_INDEX, n, index, &n));
		} else if (parse_at(p, '(')) {
			return iq_error_hint(
				iq_error_new(IQ_E_USAGE,
					     "a call at column %zu: nothing runs in a dump",
					     column(p) + 1),
				"offsetof, container_of, per_cpu and per_cpu_ptr can be used");
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

	IQ_TRY(type_parse(p, &t));
	IQ_TRY(parse_expect(p, ')', ")"));
	IQ_TRY(parse_unary(p, &n));
	IQ_TRY(new_node(p, NODE_CAST, n, NULL, ret));
	(*ret)->type = t;
	return NULL;
}

/* {TYPE} ADDRESS: what lies there, as that type. */
static struct iq_error *parse_reinterpret(struct parser *p, struct node **ret)
{
	const struct iq_type *t = NULL;
	struct node *n = NULL;

	IQ_TRY(parse_next(p));
	IQ_TRY(type_parse(p, &t));
	IQ_TRY(parse_expect(p, '}', "}"));
	IQ_TRY(parse_unary(p, &n));
	IQ_TRY(new_node(p, NODE_REINTERPRET, n, NULL, ret));
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

	IQ_TRY(parse_next(p));
	start = *p;
	if (parse_at(p, '(')) {
		IQ_TRY(parse_next(p));
		/* A plain word is a type here if no symbol is called so. */
		type = type_begins(p) || (p->scope->k && p->token.kind == TOKEN_WORD &&
					  !parse_names_value(p, &p->token));
	}
	if (!type) {
		p->lexer = start.lexer;
		p->token = start.token;
		IQ_TRY(parse_unary(p, &n));
		return new_node(p, NODE_SIZEOF, n, NULL, ret);
	}
	IQ_TRY(type_parse(p, &t));
	IQ_TRY(parse_expect(p, ')', ")"));
	IQ_TRY(new_node(p, NODE_NUMBER, NULL, NULL, ret));
	(*ret)->number = iq_type_strip(t)->size;
	(*ret)->type = &expr_unsigned_long;
	(*ret)->name = "";
	return NULL;
}

static struct iq_error *parse_prefix(struct parser *p, struct node **ret)
{
	int op = p->token.op;

	if (parse_at_word(p, "sizeof"))
		return parse_sizeof(p, ret);
	if (p->token.kind != TOKEN_OPERATOR)
		return parse_postfix(p, ret);
	if (op == '{')
		return parse_reinterpret(p, ret);
	if (op == '(') {
		struct parser start = *p;
		bool cast;

		IQ_TRY(parse_next(p));
		IQ_TRY(type_in_parentheses(p, &cast));
		if (cast)
			return parse_cast(p, ret);
		p->lexer = start.lexer;
		p->token = start.token;
	} else if (op < 256 && strchr("-~*&+!", op)) {
		struct node *n = NULL;

		IQ_TRY(parse_next(p));
		IQ_TRY(parse_unary(p, &n));
		IQ_TRY(new_node(p, NODE_UNARY, n, NULL, ret));
		(*ret)->op = op;
		return NULL;
	}
	return parse_postfix(p, ret);
}

static struct iq_error *deeper(struct parser *p)
{
	/* A pair of parentheses is two steps deep. */
	if (p->depth >= 2 * EXPR_MAX_DEPTH)
		return iq_error_new(IQ_E_LIMIT, "the expression is nested more than %d deep",
				    EXPR_MAX_DEPTH);
	p->depth++;
	return NULL;
}

static struct iq_error *parse_unary(struct parser *p, struct node **ret)
{
	struct iq_error *err;

	IQ_TRY(deeper(p));
	err = parse_prefix(p, ret);
	p->depth--;
	return err;
}

/* ---- Operators --------------------------------------------------------------------------------- */

/* How tightly the operator here binds its operands; 0: it is none of two operands. */
static unsigned int precedence(const struct parser *p)
{
	if (p->token.kind != TOKEN_OPERATOR)
		return 0;
	switch (p->token.op) {
	case OP_OR:
		return 1;
	case OP_AND:
		return 2;
	case '|':
		return 3;
	case '^':
		return 4;
	case '&':
		return 5;
	case OP_EQUAL:
	case OP_UNEQUAL:
		return 6;
	case '<':
	case '>':
	case OP_LESS_EQUAL:
	case OP_MORE_EQUAL:
		return 7;
	case OP_SHIFT_LEFT:
	case OP_SHIFT_RIGHT:
		return 8;
	case '@':
		return 9;
	case '+':
	case '-':
		return 10;
	case '*':
	case '/':
	case '%':
		return 11;
	default:
		return 0;
	}
}

/* Operators that bind at least as tightly as LEAST, from the left. */
static struct iq_error *parse_binary(struct parser *p, unsigned int least, struct node **ret)
{
	struct node *a = NULL, *b = NULL;
	unsigned int level;

	IQ_TRY(parse_unary(p, &a));
	while ((level = precedence(p)) >= least && level) {
		int op = p->token.op;

		IQ_TRY(parse_next(p));
		IQ_TRY(parse_binary(p, level + 1, &b));
		IQ_TRY(new_node(p, NODE_BINARY, a, b, &a));
		a->op = op;
	}
	*ret = a;
	return NULL;
}

static struct iq_error *parse_conditional(struct parser *p, struct node *condition,
					  struct node **ret)
{
	struct node *b = NULL, *c = NULL;
	bool middle = p->middle;
	struct iq_error *err;

	IQ_TRY(parse_next(p));
	p->middle = true;
	err = parse_whole(p, true, &b);
	p->middle = middle;
	if (err)
		return err;
	IQ_TRY(parse_expect(p, ':', ":"));
	IQ_TRY(parse_whole(p, false, &c));
	IQ_TRY(new_node(p, NODE_CONDITIONAL, condition, c->depth > b->depth ? c : b, ret));
	(*ret)->b = b;
	(*ret)->c = c;
	return NULL;
}

static struct iq_error *parse_assignment(struct parser *p, struct node *to, struct node **ret)
{
	int op = parse_at(p, '=') ? 0 : p->token.op - OP_ASSIGN;
	struct node *value = NULL;

	if (to->kind != NODE_REGISTER)
		return iq_error_hint(iq_error_new(IQ_E_USAGE,
						  "%.*s at column %zu: a dump cannot be changed",
						  (int)p->token.len, p->token.s, column(p) + 1),
				     "$name = … keeps a value; == compares");
	IQ_TRY(parse_next(p));
	IQ_TRY(parse_whole(p, false, &value));
	IQ_TRY(new_node(p, NODE_ASSIGN, to, value, ret));
	(*ret)->op = op;
	(*ret)->name = to->name;
	return NULL;
}

static struct iq_error *parse_single(struct parser *p, struct node **ret)
{
	struct node *n = NULL;

	IQ_TRY(parse_binary(p, 1, &n));
	if (parse_at(p, '?'))
		return parse_conditional(p, n, ret);
	if (p->token.kind == TOKEN_OPERATOR && (p->token.op == '=' || p->token.op >= OP_ASSIGN))
		return parse_assignment(p, n, ret);
	*ret = n;
	return NULL;
}

struct iq_error *parse_whole(struct parser *p, bool comma, struct node **ret)
{
	struct node *n = NULL, *b = NULL;
	struct iq_error *err;

	IQ_TRY(deeper(p));
	err = parse_single(p, &n);
	while (!err && comma && parse_at(p, ',')) {
		err = parse_next(p);
		if (!err)
			err = parse_single(p, &b);
		if (!err)
			err = new_node(p, NODE_BINARY, n, b, &n);
		if (!err)
			n->op = ',';
	}
	p->depth--;
	*ret = n;
	return err;
}

struct iq_error *parse_expression(const struct eval *e, struct iq_arena *arena, const char *text,
				  struct node **ret)
{
	struct parser p = {.e = e, .scope = e->scope, .arena = arena, .lexer = {.text = text}};
	struct node *n = NULL;

	if (strnlen(text, EXPR_MAX_TEXT + 1) > EXPR_MAX_TEXT)
		return iq_error_new(IQ_E_LIMIT, "the expression is longer than %d characters",
				    EXPR_MAX_TEXT);
	IQ_TRY(parse_next(&p));
	IQ_TRY(parse_whole(&p, true, &n));
	if (p.token.kind != TOKEN_END)
		return parse_unexpected(&p, "an operator or the end");
	*ret = n;
	return NULL;
}
