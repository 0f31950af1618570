// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of types with their abstract declarators, as casts, sizeof and offsetof take them. */
#include "expr.h"

#define MAX_POINTERS 32
#define MAX_DIMENSIONS 8
#define MAX_PARAMETERS 32

static const char *const keywords[] = {
	"struct", "union", "enum", "const", "volatile", "signed", "unsigned", "char",	  "short",
	"int",	  "long",  "void", "_Bool", "bool",	"float",  "double",   "restrict",
};

static bool at_keyword(const struct parser *p)
{
	for (size_t i = 0; i < IQ_ARRAY_SIZE(keywords); i++) {
		if (parse_at_word(p, keywords[i]))
			return true;
	}
	return false;
}

static bool at_qualifier(const struct parser *p)
{
	return parse_at_word(p, "const") || parse_at_word(p, "volatile") ||
	       parse_at_word(p, "restrict");
}

static bool at_typeof(const struct parser *p)
{
	return parse_at_word(p, "typeof") || parse_at_word(p, "__typeof__");
}

bool type_begins(const struct parser *p)
{
	return at_keyword(p) || at_typeof(p);
}

/* ---- The name ---------------------------------------------------------------------------------- */

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

/* The words of a type's name, one blank between them, without qualifiers. */
static struct iq_error *type_words(struct parser *p, struct iq_buf *name)
{
	bool tagged = false, named = false;

	while (p->token.kind == TOKEN_WORD) {
		bool base = at_keyword(p);

		if (named && !base)
			break;
		if (!at_qualifier(p)) {
			iq_buf_printf(name, "%s%.*s", name->len ? " " : "", (int)p->token.len,
				      p->token.s);
			tagged = parse_at_word(p, "struct") || parse_at_word(p, "union") ||
				 parse_at_word(p, "enum");
			named |= !tagged;
		}
		IQ_TRY(parse_next(p));
	}
	if (name->failed)
		return iq_error_nomem();
	if (tagged || !name->len)
		return parse_unexpected(p, "the name of a type");
	return NULL;
}

static struct iq_error *find_type(struct parser *p, const char *name, const struct iq_type **ret)
{
	struct iq_kernel *k = p->scope->k;
	struct iq_types *types = k ? iq_kernel_types(k) : NULL;
	const struct iq_type *t = types ? iq_kernel_type(k, name, NULL) : NULL;

	/* void is a type of every source, but no source has a name for it. */
	if (!t && types && !strcmp(name, "void"))
		t = iq_type_by_id(types, 0);
	if (!t)
		t = expr_arithmetic_type(name);
	if (!t)
		return unknown_type(p, name);
	*ret = t;
	return NULL;
}

/* typeof (TYPE), typeof (expression) */
static struct iq_error *parse_typeof(struct parser *p, const struct iq_type **ret)
{
	struct eval e = *p->e;
	struct iq_value v;
	struct node *n = NULL;

	IQ_TRY(parse_next(p));
	IQ_TRY(parse_expect(p, '(', "("));
	if (type_begins(p)) {
		IQ_TRY(type_parse(p, ret));
		return parse_expect(p, ')', ")");
	}
	IQ_TRY(parse_whole(p, true, &n));
	IQ_TRY(parse_expect(p, ')', ")"));
	e.types_only = true;
	IQ_TRY(eval_node(&e, n, &v));
	if (!v.type)
		return expr_wrong_type(&v, "has no type");
	*ret = v.type;
	return NULL;
}

static struct iq_error *parse_base(struct parser *p, const struct iq_type **ret)
{
	struct iq_buf name = {0};
	struct iq_error *err;

	if (at_typeof(p))
		return parse_typeof(p, ret);
	err = type_words(p, &name);
	if (!err)
		err = find_type(p, iq_buf_str(&name), ret);
	iq_buf_free(&name);
	return err;
}

/* ---- Declarators ------------------------------------------------------------------------------- */

static struct iq_error *parse_declarator(struct parser *p, const struct iq_type **t);

/* *T as a type that others can be derived from. */
static struct iq_error *need_source(struct parser *p, const struct iq_type **t)
{
	const struct iq_type *found = expr_source_type(p->scope, *t);

	if (!found)
		return iq_error_new(IQ_E_UNAVAILABLE, "there is no type %s in this kernel's types",
				    (*t)->name);
	*t = found;
	return NULL;
}

/* Made up types are void without memory, or if they are too large. */
static struct iq_error *check_made(const struct iq_type *t)
{
	return t->kind == IQ_KIND_VOID ? iq_error_new(IQ_E_USAGE, "this type is larger than memory")
				       : NULL;
}

static struct iq_error *parse_pointers(struct parser *p, const struct iq_type **t)
{
	unsigned int nr = 0;

	for (; parse_at(p, '*') || at_qualifier(p); nr++) {
		if (nr == MAX_POINTERS)
			return parse_unexpected(p, "fewer stars");
		if (parse_at(p, '*')) {
			IQ_TRY(need_source(p, t));
			*t = iq_type_pointer_to(*t);
			IQ_TRY(check_made(*t));
		}
		IQ_TRY(parse_next(p));
	}
	return NULL;
}

/* "[2][8]": the last one is the innermost array. */
static struct iq_error *parse_dimensions(struct parser *p, const struct iq_type **t)
{
	uint64_t counts[MAX_DIMENSIONS];
	unsigned int nr = 0;

	do {
		IQ_TRY(parse_next(p));
		if (nr == MAX_DIMENSIONS)
			return parse_unexpected(p, "fewer dimensions");
		counts[nr] = 0;
		if (!parse_at(p, ']')) {
			if (p->token.kind != TOKEN_NUMBER || p->token.number > UINT32_MAX)
				return parse_unexpected(p, "the number of elements");
			counts[nr] = p->token.number;
			IQ_TRY(parse_next(p));
		}
		nr++;
		IQ_TRY(parse_expect(p, ']', "]"));
	} while (parse_at(p, '['));
	IQ_TRY(need_source(p, t));
	while (nr) {
		*t = iq_type_array_of(*t, counts[--nr]);
		IQ_TRY(check_made(*t));
	}
	return NULL;
}

/* Behind '(': the parameters of a function that returns *T, with the final ')'. */
static struct iq_error *parse_parameters(struct parser *p, const struct iq_type **t)
{
	const struct iq_type *params[MAX_PARAMETERS];
	bool variadic = false, first = true;
	unsigned int nr = 0;

	IQ_TRY(need_source(p, t));
	for (; !parse_at(p, ')'); first = false) {
		if (!first)
			IQ_TRY(parse_expect(p, ',', ", or )"));
		if (parse_at(p, '.')) {
			for (unsigned int i = 0; i < 3; i++)
				IQ_TRY(parse_expect(p, '.', "..."));
			variadic = true;
			break;
		}
		if (nr == MAX_PARAMETERS)
			return parse_unexpected(p, "fewer parameters");
		IQ_TRY(type_parse(p, &params[nr]));
		IQ_TRY(need_source(p, &params[nr]));
		nr++;
	}
	if (nr == 1 && !variadic && params[0]->kind == IQ_KIND_VOID)
		nr = 0;
	*t = iq_type_function_of(*t, params, nr, variadic);
	IQ_TRY(check_made(*t));
	return parse_expect(p, ')', ")");
}

/* To the ')' that closes the '(' before the token. */
static struct iq_error *skip_parentheses(struct parser *p)
{
	unsigned int depth = 1;

	for (;;) {
		if (p->token.kind == TOKEN_END)
			return parse_unexpected(p, ")");
		depth += parse_at(p, '(');
		depth -= parse_at(p, ')');
		if (!depth)
			return NULL;
		IQ_TRY(parse_next(p));
	}
}

/*
 * "(*)[2][8]", "(*)(int)", "(*[4])(void)": what follows the parentheses is applied first, then what is in them.
 */
static struct iq_error *parse_nested(struct parser *p, const struct iq_type **t)
{
	struct parser inner = *p, after;

	IQ_TRY(skip_parentheses(p));
	IQ_TRY(parse_next(p));
	if (parse_at(p, '[')) {
		IQ_TRY(parse_dimensions(p, t));
	} else if (parse_at(p, '(')) {
		IQ_TRY(parse_next(p));
		IQ_TRY(parse_parameters(p, t));
	}
	after = *p;
	p->lexer = inner.lexer;
	p->token = inner.token;
	IQ_TRY(parse_declarator(p, t));
	IQ_TRY(parse_expect(p, ')', ")"));
	p->lexer = after.lexer;
	p->token = after.token;
	return NULL;
}

static struct iq_error *parse_declarator(struct parser *p, const struct iq_type **t)
{
	struct iq_error *err;

	if (p->depth >= 2 * EXPR_MAX_DEPTH)
		return iq_error_new(IQ_E_LIMIT, "the type is nested more than %d deep",
				    EXPR_MAX_DEPTH);
	p->depth++;
	err = parse_pointers(p, t);
	if (!err && parse_at(p, '(')) {
		err = parse_next(p);
		if (!err)
			err = parse_at(p, '*') || parse_at(p, '(') || parse_at(p, '[')
				      ? parse_nested(p, t)
				      : parse_parameters(p, t);
	} else if (!err && parse_at(p, '[')) {
		err = parse_dimensions(p, t);
	}
	p->depth--;
	return err;
}

struct iq_error *type_parse(struct parser *p, const struct iq_type **ret)
{
	const struct iq_type *t = NULL;

	IQ_TRY(parse_base(p, &t));
	IQ_TRY(parse_declarator(p, &t));
	*ret = t;
	return NULL;
}

/* ---- Is it one? -------------------------------------------------------------------------------- */

/* Could a cast's operand begin here? */
static bool begins_operand(const struct parser *p)
{
	if (p->token.kind != TOKEN_OPERATOR)
		return p->token.kind != TOKEN_END;
	return p->token.op < 256 && strchr("(-~*&+!{", p->token.op);
}

/*
 * A type's keyword says so.  A plain word is a type if `)` or stars and `)` or the rest of a declarator
 * follow, an operand behind them, and there is such a type and no such symbol: (u64)x is a cast, (jiffies)-1
 * is not.
 */
struct iq_error *type_in_parentheses(struct parser *p, bool *ret)
{
	bool stars = false, declarator = false;
	struct parser ahead = *p;
	struct iq_error *err = NULL;
	char name[256];

	*ret = type_begins(p);
	if (*ret || p->token.kind != TOKEN_WORD || p->token.len >= sizeof(name))
		return NULL;
	memcpy(name, p->token.s, p->token.len);
	name[p->token.len] = 0;
	do {
		err = parse_next(&ahead);
		stars |= !err && parse_at(&ahead, '*');
	} while (!err && (parse_at(&ahead, '*') || at_qualifier(&ahead)));
	if (!err && (parse_at(&ahead, '[') || parse_at(&ahead, '('))) {
		declarator = true;
		err = parse_next(&ahead);
		/* (u8 (*)[4]), (u8 [4]), but not (array[i]): that would be a symbol. */
		if (!err)
			*ret = parse_at(&ahead, '*') || ahead.token.kind == TOKEN_NUMBER;
	} else if (!err && parse_at(&ahead, ')')) {
		err = parse_next(&ahead);
		*ret = !err && begins_operand(&ahead);
	}
	if (*ret)
		*ret = ((stars && !declarator) || !parse_names_value(p, &p->token)) &&
		       ((p->scope->k && iq_kernel_types(p->scope->k) &&
			 iq_kernel_type(p->scope->k, name, NULL)) ||
			expr_arithmetic_type(name));
	iq_error_free(err); /* whatever is wrong ahead is said when it is reached */
	return NULL;
}

/* ---- Paths of members -------------------------------------------------------------------------- */

struct iq_error *type_member_path(struct parser *p, struct iq_buf *path)
{
	for (;;) {
		struct node *index = NULL;
		struct iq_value v;
		uint64_t number;

		if (p->token.kind != TOKEN_WORD)
			return parse_unexpected(p, "the name of a member");
		iq_buf_add(path, p->token.s, p->token.len);
		IQ_TRY(parse_next(p));
		while (parse_at(p, '[')) {
			IQ_TRY(parse_next(p));
			IQ_TRY(parse_whole(p, true, &index));
			IQ_TRY(parse_expect(p, ']', "]"));
			IQ_TRY(eval_node(p->e, index, &v));
			IQ_TRY(load_number(scope_vm(p->scope), &v, &number));
			iq_buf_printf(path, "[%llu]", (unsigned long long)number);
		}
		if (!parse_at(p, '.'))
			return NULL;
		iq_buf_putc(path, '.');
		IQ_TRY(parse_next(p));
	}
}
