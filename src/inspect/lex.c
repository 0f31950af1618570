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
	static const char *const suffixes[] = {"cold", "isra", "part", "constprop", "llvm", "lto_priv"};
	size_t len = 0;

	while (is_word(s[len]))
		len++;
	while (len && s[len] == '.' && !isdigit((unsigned char)s[0])) {
		size_t next = 0;
		bool known = false;

		while (is_word(s[len + 1 + next]))
			next++;
		for (size_t i = 0; i < IQ_ARRAY_SIZE(suffixes); i++)
			known |= strlen(suffixes[i]) == next && !strncmp(s + len + 1, suffixes[i], next);
		/* "__already_done.10", "__warned.2": statics that share a name. */
		if (!known && strspn(s + len + 1, "0123456789") != next)
			break;
		if (!next)
			break;
		len += 1 + next;
	}
	return len;
}

static struct iq_error *lex_number(struct lexer *l, struct token *t)
{
	char digits[72];
	bool hex = t->s[0] == '0' && (t->s[1] == 'x' || t->s[1] == 'X');
	size_t len = t->len;

	/* C's suffixes say nothing here: every number has 64 bits. */
	while (len > 1 && strchr(hex ? "uUlL" : "uUlL", t->s[len - 1]))
		len--;
	if (len < sizeof(digits)) {
		memcpy(digits, t->s, len);
		digits[len] = 0;
		if (iq_parse_u64(digits, &t->number)) {
			t->kind = TOKEN_NUMBER;
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

static struct iq_error *lex_char(struct lexer *l, struct token *t)
{
	static const char from[] = "abfnrtv0\\'\"", to[] = "\a\b\f\n\r\t\v\0\\'\"";
	const char *s = t->s, *escape;

	t->kind = TOKEN_NUMBER;
	if (s[1] && s[1] != '\\' && s[1] != '\'' && s[2] == '\'') {
		t->number = (unsigned char)s[1];
		t->len = 3;
		return NULL;
	}
	if (s[1] == '\\' && s[2] && s[3] == '\'') {
		escape = strchr(from, s[2]);
		if (escape) {
			t->number = (unsigned char)to[escape - from];
			t->len = 4;
			return NULL;
		}
	}
	return iq_error_new(IQ_E_USAGE, "malformed character at column %zu", l->at + 1);
}

static void lex_operator(struct token *t)
{
	static const struct {
		const char *text;
		int op;
	} longer[] = {{"->", OP_ARROW}, {"<<", OP_SHIFT_LEFT}, {">>", OP_SHIFT_RIGHT}};

	t->kind = TOKEN_OPERATOR;
	t->op = (unsigned char)t->s[0];
	t->len = 1;
	for (size_t i = 0; i < IQ_ARRAY_SIZE(longer); i++) {
		if (!strncmp(t->s, longer[i].text, 2)) {
			t->op = longer[i].op;
			t->len = 2;
		}
	}
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
	} else if (c == '$' && is_word(t.s[1])) {
		t.s++;
		t.kind = TOKEN_REGISTER;
		while (is_word(t.s[t.len]))
			t.len++;
		l->at++;
	} else if (c == '\'') {
		err = lex_char(l, &t);
	} else if (strchr("+-*/%&|^~<>()[].,:=!?@", c)) {
		lex_operator(&t);
	} else {
		err = iq_error_new(IQ_E_USAGE, "unexpected %.*s at column %zu",
				   (unsigned char)c < 0x80 ? 1 : (int)strcspn(t.s, " "), t.s, l->at + 1);
	}
	if (err)
		return err;
	l->at += t.len;
	*ret = t;
	return NULL;
}
