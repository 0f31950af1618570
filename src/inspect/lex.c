// SPDX-License-Identifier: GPL-2.0-or-later
/* An expression's text, cut into tokens. */
#include "expr.h"
#include <ctype.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Length of the symbol name at S: dots belong to it where the compiler made them (foo.cold,
 * foo.isra.0), but a.b is a member of a. */
static size_t word_length(const char *s)
{
	static const char *const suffixes[] = {"cold",	    "isra", "part",
					       "constprop", "llvm", "lto_priv"};
	size_t len = 0;

	while (is_word(s[len]))
		len++;
	while (len && s[len] == '.' && !isdigit((unsigned char)s[0])) {
		size_t next = 0;
		bool known = false;

		while (is_word(s[len + 1 + next]))
			next++;
		for (size_t i = 0; i < IQ_ARRAY_SIZE(suffixes); i++)
			known |= strlen(suffixes[i]) == next &&
				 !strncmp(s + len + 1, suffixes[i], next);
		/* "__already_done.10", "__warned.2": statics that share a name. */
		if (!known && strspn(s + len + 1, "0123456789") != next)
			break;
		if (!next)
			break;
		len += 1 + next;
	}
	return len;
}

/* ---- Numbers ----------------------------------------------------------------------------------- */

/* C's suffixes at the end of T: u, l and ll in either order.  Returns the length without them. */
static size_t take_suffix(struct token *t)
{
	size_t len = t->len;
	unsigned int u = 0, l = 0;

	while (len > 1 && strchr("uUlL", t->s[len - 1])) {
		if (strchr("uU", t->s[len - 1]))
			u++;
		else
			l++;
		len--;
	}
	if (u > 1 || l > 2)
		return t->len;
	t->suffix_u = u;
	t->suffix_l = l;
	return len;
}

static struct iq_error *lex_number(struct lexer *l, struct token *t)
{
	bool hex = t->s[0] == '0' && (t->s[1] == 'x' || t->s[1] == 'X');
	size_t len = take_suffix(t);
	char digits[72];

	if (len < sizeof(digits)) {
		memcpy(digits, t->s, len);
		digits[len] = 0;
		if (iq_parse_u64(digits, &t->number)) {
			t->kind = TOKEN_NUMBER;
			t->decimal = digits[0] != '0';
			return NULL;
		}
	}
	if (!hex) {
		/* 47b7a0: perhaps an address without 0x; names.c decides. */
		t->kind = TOKEN_WORD;
		return NULL;
	}
	return iq_error_new(IQ_E_USAGE, "%.*s at column %zu is not a number of at most 64 bits",
			    (int)IQ_MIN(t->len, 80u), t->s, l->at + 1);
}

/* ---- Characters and strings -------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool escape(const char **s, const char *end, uint8_t *ret)
{
	static const char from[] = "abefnrtv\\'\"?", to[] = "\a\b\033\f\n\r\t\v\\'\"?";
	const char *p = *s, *known;
	unsigned int value = 0, digits = 0;

	if (p == end)
		return false;
	known = *p ? strchr(from, *p) : NULL;
	if (known) {
		*ret = (uint8_t)to[known - from];
		*s = p + 1;
		return true;
	}
	if (*p == 'x') {
		for (p++; p < end && hex_digit(*p) >= 0 && digits < 2; p++, digits++)
			value = value * 16 + (unsigned int)hex_digit(*p);
	} else {
		for (; p < end && *p >= '0' && *p <= '7' && digits < 3; p++, digits++)
			value = value * 8 + (unsigned int)(*p - '0');
	}
	*ret = (uint8_t)value;
	*s = p;
	return digits && value <= UINT8_MAX;
}

bool lex_character(const char **s, const char *end, uint8_t *ret)
{
	if (*s == end)
		return false;
	if (**s == '\\') {
		(*s)++;
		return escape(s, end, ret);
	}
	*ret = (uint8_t) * (*s)++;
	return true;
}

/* Where the literal that begins at S with its quote ends: at the closing one.  NULL: it does not. */
static const char *closing_quote(const char *s)
{
	char quote = *s++;

	for (; *s && *s != quote; s++) {
		if (*s == '\\' && s[1])
			s++;
	}
	return *s ? s : NULL;
}

static struct iq_error *lex_quoted(struct lexer *l, struct token *t)
{
	const char *end = closing_quote(t->s), *p = t->s + 1;
	uint8_t c;

	if (!end)
		return iq_error_new(IQ_E_USAGE, "the quote at column %zu is not closed", l->at + 1);
	t->len = (size_t)(end + 1 - t->s);
	if (*t->s == '"') {
		t->kind = TOKEN_STRING;
		while (p < end && lex_character(&p, end, &c))
			;
		if (p == end)
			return NULL;
		return iq_error_new(IQ_E_USAGE, "malformed string at column %zu", l->at + 1);
	}
	if (lex_character(&p, end, &c) && p == end) {
		t->kind = TOKEN_CHAR;
		t->number = (uint64_t)(int64_t)(int8_t)c;
		return NULL;
	}
	/* 'kernel/fork.c'::name: nothing but what files and symbols are made of. */
	for (p = t->s + 1; p < end; p++) {
		if (!is_word(*p) && !strchr("./-+,:", *p))
			return iq_error_new(IQ_E_USAGE, "malformed character at column %zu",
					    l->at + 1);
	}
	if (end < t->s + 3)
		return iq_error_new(IQ_E_USAGE, "malformed character at column %zu", l->at + 1);
	t->kind = TOKEN_QUOTED;
	return NULL;
}

/* ---- Operators --------------------------------------------------------------------------------- */

static void lex_operator(struct token *t)
{
	/* Longer ones first. */
	static const struct {
		const char *text;
		int op;
	} longer[] = {
		{"<<=", OP_ASSIGN + OP_SHIFT_LEFT},
		{">>=", OP_ASSIGN + OP_SHIFT_RIGHT},
		{"->", OP_ARROW},
		{"<<", OP_SHIFT_LEFT},
		{">>", OP_SHIFT_RIGHT},
		{"==", OP_EQUAL},
		{"!=", OP_UNEQUAL},
		{"<=", OP_LESS_EQUAL},
		{">=", OP_MORE_EQUAL},
		{"&&", OP_AND},
		{"||", OP_OR},
		{"::", OP_SCOPE},
		{"+=", OP_ASSIGN + '+'},
		{"-=", OP_ASSIGN + '-'},
		{"*=", OP_ASSIGN + '*'},
		{"/=", OP_ASSIGN + '/'},
		{"%=", OP_ASSIGN + '%'},
		{"&=", OP_ASSIGN + '&'},
		{"|=", OP_ASSIGN + '|'},
		{"^=", OP_ASSIGN + '^'},
	};

	t->kind = TOKEN_OPERATOR;
	t->op = (unsigned char)t->s[0];
	t->len = 1;
	for (size_t i = 0; i < IQ_ARRAY_SIZE(longer); i++) {
		size_t len = strlen(longer[i].text);

		if (!strncmp(t->s, longer[i].text, len)) {
			t->op = longer[i].op;
			t->len = len;
			return;
		}
	}
}

/* $name, $12, $$, $$2 and $ alone. */
static void lex_register(struct lexer *l, struct token *t)
{
	t->s++;
	l->at++;
	t->kind = TOKEN_REGISTER;
	if (*t->s == '$')
		t->len++;
	while (is_word(t->s[t->len]))
		t->len++;
}

struct iq_error *lex(struct lexer *l, struct token *ret)
{
	struct token t = {.glued = true};
	struct iq_error *err = NULL;
	char c;

	while (isspace((unsigned char)l->text[l->at])) {
		l->at++;
		t.glued = false;
	}
	t.s = l->text + l->at;
	c = t.s[0];
	if (!c) {
		t.kind = TOKEN_END;
	} else if (isdigit((unsigned char)c)) {
		while (is_word(t.s[t.len]))
			t.len++;
		err = lex_number(l, &t);
	} else if (is_word(c)) {
		t.kind = TOKEN_WORD;
		t.len = word_length(t.s);
	} else if (c == '$') {
		lex_register(l, &t);
	} else if (c == '\'' || c == '"') {
		err = lex_quoted(l, &t);
	} else if (strchr("+-*/%&|^~<>()[]{}.,:=!?@", c)) {
		lex_operator(&t);
	} else {
		err = iq_error_new(IQ_E_USAGE, "unexpected %.*s at column %zu",
				   (unsigned char)c < 0x80 ? 1 : (int)strcspn(t.s, " "), t.s,
				   l->at + 1);
	}
	if (err)
		return err;
	l->at += t.len;
	*ret = t;
	return NULL;
}
