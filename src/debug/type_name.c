// SPDX-License-Identifier: GPL-2.0-or-later
/* Types by name, as C writes them: words, tags, qualifiers, pointers, dimensions. */
#include "types_source.h"
#include <ctype.h>

#define MAX_WORDS 128 /* of a name with everything around it that can be parsed */
#define MAX_DIMENSIONS 8
#define MAX_POINTERS 32

/* ---- C's arithmetic types -------------------------------------------------------------------- */

enum word {
	W_SIGNED,
	W_UNSIGNED,
	W_LONG,
	W_SHORT,
	W_INT,
	W_CHAR,
	W_BOOL,
	W_FLOAT,
	W_DOUBLE,
	W_INT128,
	NR_WORDS
};

static int arithmetic_word(const char *s, size_t len)
{
	static const char *const words[NR_WORDS] = {
		[W_SIGNED] = "signed",	 [W_UNSIGNED] = "unsigned", [W_LONG] = "long",
		[W_SHORT] = "short",	 [W_INT] = "int",	    [W_CHAR] = "char",
		[W_BOOL] = "_Bool",	 [W_FLOAT] = "float",	    [W_DOUBLE] = "double",
		[W_INT128] = "__int128",
	};

	for (int i = 0; i < NR_WORDS; i++) {
		if (strlen(words[i]) == len && !memcmp(words[i], s, len))
			return i;
	}
	return -1;
}

/* The usual name of a set of words; NULL: C has no such type. */
static const char *usual_name(const unsigned int *nr)
{
	bool is_unsigned = nr[W_UNSIGNED];
	unsigned int sign = nr[W_SIGNED] + nr[W_UNSIGNED], all = sign;

	for (int i = W_LONG; i < NR_WORDS; i++)
		all += nr[i];
	for (int i = 0; i < NR_WORDS; i++) {
		if (nr[i] > (i == W_LONG ? 2u : 1u))
			return NULL;
	}
	if (sign > 1)
		return NULL;
	if (nr[W_BOOL])
		return all == 1 ? "_Bool" : NULL;
	if (nr[W_FLOAT])
		return all == 1 ? "float" : NULL;
	if (nr[W_DOUBLE])
		return all == 1 ? "double" : all == 2 && nr[W_LONG] == 1 ? "long double" : NULL;
	if (nr[W_CHAR])
		return all != 1 + sign ? NULL
		       : is_unsigned   ? "unsigned char"
		       : sign	       ? "signed char"
				       : "char";
	if (nr[W_INT128])
		return all != 1 + sign ? NULL : is_unsigned ? "unsigned __int128" : "__int128";
	if (nr[W_SHORT])
		return nr[W_LONG] ? NULL : is_unsigned ? "unsigned short" : "short";
	if (nr[W_LONG] == 2)
		return is_unsigned ? "unsigned long long" : "long long";
	if (nr[W_LONG])
		return is_unsigned ? "unsigned long" : "long";
	return !all ? NULL : is_unsigned ? "unsigned int" : "int";
}

const char *types_arithmetic_name(const char *words, size_t len)
{
	unsigned int nr[NR_WORDS] = {0};

	for (size_t i = 0; i < len;) {
		size_t start = i;
		int word;

		if (words[i] == ' ') {
			i++;
			continue;
		}
		while (i < len && words[i] != ' ')
			i++;
		word = arithmetic_word(words + start, i - start);
		if (word < 0)
			return NULL;
		nr[word]++;
	}
	return usual_name(nr);
}

/* ---- Names as C writes them ------------------------------------------------------------------ */

enum tag { TAG_NONE, TAG_STRUCT, TAG_UNION, TAG_ENUM };

static const struct iq_type *find_kinds(struct iq_types *t, const char *name, uint32_t kinds)
{
	uint32_t id = t->ops->find(t, name, kinds, 0);

	return id ? iq_type_by_id(t, id) : NULL;
}

/* One word, with or without its tag: the module's before the kernel's, definitions before all. */
static const struct iq_type *find_word(struct iq_types *t, const char *name, enum tag tag)
{
	static const uint32_t order[] = {
		TYPES_MASK(IQ_KIND_TYPEDEF) | TYPES_ARITHMETIC,
		TYPES_MASK(IQ_KIND_STRUCT),
		TYPES_MASK(IQ_KIND_UNION),
		TYPES_MASK(IQ_KIND_ENUM),
	};
	uint32_t incomplete = tag == TAG_NONE	  ? TYPES_INCOMPLETE
			      : tag == TAG_STRUCT ? TYPES_MASK(IQ_KIND_INCOMPLETE_STRUCT)
			      : tag == TAG_UNION  ? TYPES_MASK(IQ_KIND_INCOMPLETE_UNION)
						  : 0;
	const struct iq_type *type = NULL;

	if (!*name)
		return NULL;
	for (struct iq_types *s = t; s && !type; s = s->base) {
		for (unsigned int i = 0; i < IQ_ARRAY_SIZE(order) && !type; i++) {
			if (tag == TAG_NONE || tag == i)
				type = find_kinds(s, name, order[i]);
		}
	}
	for (struct iq_types *s = t; s && !type && incomplete; s = s->base)
		type = find_kinds(s, name, incomplete);
	return type;
}

const struct iq_type *types_by_tag(struct iq_types *t, const char *tag)
{
	const struct iq_type *type = NULL;

	for (; t && !type; t = t->base) {
		type = find_kinds(t, tag, TYPES_MASK(IQ_KIND_STRUCT));
		if (!type)
			type = find_kinds(t, tag, TYPES_MASK(IQ_KIND_UNION));
		if (!type)
			type = find_kinds(t, tag, TYPES_MASK(IQ_KIND_TYPEDEF));
	}
	return type;
}

/* What a name being parsed consists of so far. */
struct spelling {
	struct iq_types *types;
	const char *at;
	bool is_const, is_volatile;
	enum tag tag;
	bool arithmetic;
	char word[MAX_WORDS];
	size_t len;
};

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || c == '.' || (c & 0x80);
}

static void skip_blanks(struct spelling *s)
{
	while (isspace((unsigned char)*s->at))
		s->at++;
}

static bool word_is(const char *word, size_t len, const char *what)
{
	return strlen(what) == len && !memcmp(word, what, len);
}

/* const, volatile, restrict at this place?  They are remembered, not yet applied. */
static bool take_qualifier(struct spelling *s, const char *word, size_t len)
{
	if (word_is(word, len, "const"))
		s->is_const = true;
	else if (word_is(word, len, "volatile"))
		s->is_volatile = true;
	else if (!word_is(word, len, "restrict") && !word_is(word, len, "__restrict"))
		return false;
	return true;
}

static bool take_word(struct spelling *s, const char *word, size_t len)
{
	bool arithmetic = arithmetic_word(word, len) >= 0;

	if (take_qualifier(s, word, len))
		return true;
	if (!s->len && s->tag == TAG_NONE) {
		s->tag = word_is(word, len, "struct")  ? TAG_STRUCT
			 : word_is(word, len, "union") ? TAG_UNION
			 : word_is(word, len, "enum")  ? TAG_ENUM
						       : TAG_NONE;
		if (s->tag != TAG_NONE)
			return true;
	}
	/* Only arithmetic types have names of more than one word. */
	if ((s->len && (!s->arithmetic || !arithmetic)) || s->len + len + 2 > sizeof(s->word))
		return false;
	s->arithmetic = arithmetic;
	if (s->len)
		s->word[s->len++] = ' ';
	memcpy(s->word + s->len, word, len);
	s->len += len;
	s->word[s->len] = 0;
	return true;
}

/* The words in front of the first '*' or '['. */
static const struct iq_type *parse_base(struct spelling *s)
{
	for (skip_blanks(s); in_word(*s->at); skip_blanks(s)) {
		const char *word = s->at;

		while (in_word(*s->at))
			s->at++;
		if (!take_word(s, word, (size_t)(s->at - word)))
			return NULL;
	}
	if (s->arithmetic && s->tag == TAG_NONE) {
		const char *usual = types_arithmetic_name(s->word, s->len);

		return usual ? find_word(s->types, usual, TAG_NONE) : NULL;
	}
	if (s->tag == TAG_NONE && !strcmp(s->word, "void"))
		return &s->types->nothing.type;
	return find_word(s->types, s->word, s->tag);
}

static const struct iq_type *apply_qualifiers(struct spelling *s, const struct iq_type *type)
{
	if (type && s->is_volatile)
		type = types_derive(type, IQ_KIND_VOLATILE, 0);
	if (type && s->is_const)
		type = types_derive(type, IQ_KIND_CONST, 0);
	s->is_const = s->is_volatile = false;
	return type;
}

static const struct iq_type *parse_pointers(struct spelling *s, const struct iq_type *type)
{
	for (unsigned int nr = 0; type && *s->at == '*'; nr++) {
		if (nr == MAX_POINTERS)
			return NULL;
		s->at++;
		type = types_derive(type, IQ_KIND_POINTER, 0);
		for (skip_blanks(s); in_word(*s->at); skip_blanks(s)) {
			const char *word = s->at;

			while (in_word(*s->at))
				s->at++;
			if (!take_qualifier(s, word, (size_t)(s->at - word)))
				return NULL;
		}
		type = apply_qualifiers(s, type);
	}
	return type;
}

static const struct iq_type *parse_dimensions(struct spelling *s, const struct iq_type *type)
{
	uint64_t count[MAX_DIMENSIONS];
	unsigned int nr = 0;

	for (; *s->at == '['; skip_blanks(s)) {
		char number[24];
		size_t len = strcspn(s->at + 1, "]");

		if (nr == MAX_DIMENSIONS || s->at[len + 1] != ']' || len >= sizeof(number))
			return NULL;
		memcpy(number, s->at + 1, len);
		number[len] = 0;
		count[nr] = 0;
		if (len && !iq_parse_u64(number, &count[nr]))
			return NULL;
		nr++;
		s->at += len + 2;
	}
	/* The last dimension is the innermost array. */
	while (type && nr)
		type = types_derive(type, IQ_KIND_ARRAY, count[--nr]);
	return type;
}

const struct iq_type *iq_type_by_name(struct iq_types *t, const char *name)
{
	struct spelling s = {.types = t, .at = name};
	const struct iq_type *type;

	type = parse_base(&s);
	type = apply_qualifiers(&s, type);
	type = parse_pointers(&s, type);
	if (type)
		type = parse_dimensions(&s, type);
	if (type && !*s.at)
		return type;
	/* Names that are not C's (Rust's types have BTF too) are taken as they are. */
	return find_word(t, name, TAG_NONE);
}

const struct iq_type *iq_type_next_same_name(const struct iq_type *t)
{
	uint32_t id, kinds = TYPES_MASK(t->kind);

	if (!t->id || !*t->name || !(kinds & TYPES_NAMED))
		return NULL;
	id = t->types->ops->find(t->types, t->name, kinds, t->id);
	return id ? iq_type_by_id(t->types, id) : NULL;
}
