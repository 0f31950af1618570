// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types, prototypes and variables by name.  The indexes are built when the first name of their kind
 * is looked up: a hash over the names of all types takes about a millisecond for a kernel.
 */
#include "btf.h"
#include <ctype.h>
#include <stdlib.h>

#define MAX_WORDS 128 /* of a name with everything around it that can be parsed */
#define MAX_DIMENSIONS 8
#define MAX_POINTERS 32
#define LONGEST_CHAIN 4096 /* of equal hashes: a kernel has a few dozen functions of one name */

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
		[W_SIGNED] = "signed", [W_UNSIGNED] = "unsigned", [W_LONG] = "long",
		[W_SHORT] = "short",   [W_INT] = "int",		  [W_CHAR] = "char",
		[W_BOOL] = "_Bool",    [W_FLOAT] = "float",	  [W_DOUBLE] = "double",
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

const char *btf_arithmetic_name(const char *words, size_t len)
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

/* ---- Indexes --------------------------------------------------------------------------------- */

static uint32_t hash_name(const char *name)
{
	uint64_t h = iq_hash_str(name);

	return (uint32_t)(h ^ h >> 32);
}

/* The name a record is looked up by. */
static const char *key_of(struct iq_types *t, const struct btf_record *r)
{
	const char *name = btf_string(t, r->name), *usual = NULL;

	if (r->kind == BTF_INT || r->kind == BTF_FLOAT)
		usual = btf_arithmetic_name(name, strlen(name));
	return usual ? usual : name;
}

static bool build_index(struct iq_types *t, enum btf_index_kind which)
{
	struct btf_index *index = &t->index[which];
	uint32_t room = 16;

	if (index->heads || index->failed)
		return index->heads;
	if (!t->chain)
		t->chain = calloc(t->end - t->first, sizeof(*t->chain));
	while (room < t->count[which] && room < UINT32_C(1) << 31)
		room *= 2;
	index->heads = t->chain ? calloc(room, sizeof(*index->heads)) : NULL;
	if (!index->heads) {
		btf_damage(t, "out of memory");
		index->failed = true;
		return false;
	}
	index->mask = room - 1;
	/* Backwards, so that every chain runs forwards. */
	for (uint32_t id = t->end; id-- > t->first;) {
		struct btf_record r;
		uint32_t *head;

		/* A whole number of bytes: not an integer made for one bitfield. */
		if (!btf_record(t, id, &r) || !r.name || btf_index_of(r.kind) != which ||
		    (r.kind == BTF_INT && !btf_int_is_plain(&r)))
			continue;
		head = &index->heads[hash_name(key_of(t, &r)) & index->mask];
		t->chain[id - t->first] = *head;
		*head = id;
	}
	return true;
}

uint32_t btf_find(struct iq_types *t, enum btf_index_kind which, const char *name, uint32_t mask,
		  uint32_t after)
{
	unsigned int steps = 0;
	uint32_t id;

	if (!t->count[which] || !build_index(t, which))
		return 0;
	id = t->index[which].heads[hash_name(name) & t->index[which].mask];
	for (; id; id = t->chain[id - t->first]) {
		struct btf_record r;

		if (++steps > LONGEST_CHAIN) {
			btf_damage(t, "too many of its names are alike");
			break;
		}
		if (id > after && btf_record(t, id, &r) && BTF_MASK(r.kind) & mask &&
		    !strcmp(key_of(t, &r), name))
			return id;
	}
	return 0;
}

/* ---- Names as C writes them ------------------------------------------------------------------ */

enum tag { TAG_NONE, TAG_STRUCT, TAG_UNION, TAG_ENUM };

static const struct iq_type *find_kinds(struct iq_types *t, const char *name, uint32_t mask)
{
	uint32_t id = btf_find(t, BTF_INDEX_TYPES, name, mask, 0);

	return id ? iq_type_by_id(t, id) : NULL;
}

static const struct iq_type *find_forward(struct iq_types *t, const char *name, enum tag tag)
{
	struct btf_record r;
	uint32_t id = 0;

	while ((id = btf_find(t, BTF_INDEX_TYPES, name, BTF_MASK(BTF_FWD), id)) != 0) {
		if (btf_record(t, id, &r) && (tag == TAG_NONE || (tag == TAG_UNION) == r.flag))
			return iq_type_by_id(t, id);
	}
	return NULL;
}

/* One word, with or without its tag: the module's before the kernel's, definitions before all. */
static const struct iq_type *find_word(struct iq_types *t, const char *name, enum tag tag)
{
	static const uint32_t order[] = {
		BTF_MASK(BTF_TYPEDEF) | BTF_MASK(BTF_INT) | BTF_MASK(BTF_FLOAT),
		BTF_MASK(BTF_STRUCT),
		BTF_MASK(BTF_UNION),
		BTF_MASK(BTF_ENUM) | BTF_MASK(BTF_ENUM64),
	};
	const struct iq_type *type = NULL;

	if (!*name)
		return NULL;
	for (struct iq_types *s = t; s && !type; s = s->base) {
		for (unsigned int i = 0; i < IQ_ARRAY_SIZE(order) && !type; i++) {
			if (tag == TAG_NONE || tag == i)
				type = find_kinds(s, name, order[i]);
		}
	}
	for (struct iq_types *s = t; s && !type && tag != TAG_ENUM; s = s->base)
		type = find_forward(s, name, tag);
	return type;
}

const struct iq_type *btf_by_tag(struct iq_types *t, const char *tag)
{
	const struct iq_type *type = NULL;

	for (; t && !type; t = t->base) {
		type = find_kinds(t, tag, BTF_MASK(BTF_STRUCT));
		if (!type)
			type = find_kinds(t, tag, BTF_MASK(BTF_UNION));
		if (!type)
			type = find_kinds(t, tag, BTF_MASK(BTF_TYPEDEF));
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
		const char *usual = btf_arithmetic_name(s->word, s->len);

		return usual ? find_word(s->types, usual, TAG_NONE) : NULL;
	}
	if (s->tag == TAG_NONE && !strcmp(s->word, "void"))
		return &s->types->nothing.type;
	return find_word(s->types, s->word, s->tag);
}

static const struct iq_type *apply_qualifiers(struct spelling *s, const struct iq_type *type)
{
	if (type && s->is_volatile)
		type = btf_derive(type, IQ_KIND_VOLATILE, 0);
	if (type && s->is_const)
		type = btf_derive(type, IQ_KIND_CONST, 0);
	s->is_const = s->is_volatile = false;
	return type;
}

static const struct iq_type *parse_pointers(struct spelling *s, const struct iq_type *type)
{
	for (unsigned int nr = 0; type && *s->at == '*'; nr++) {
		if (nr == MAX_POINTERS)
			return NULL;
		s->at++;
		type = btf_derive(type, IQ_KIND_POINTER, 0);
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
		type = btf_derive(type, IQ_KIND_ARRAY, count[--nr]);
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
	struct btf_record r;
	uint32_t id;

	if (!t->id || !*t->name || !btf_record(t->types, t->id, &r))
		return NULL;
	id = btf_find(t->types, BTF_INDEX_TYPES, t->name, BTF_MASK(r.kind), t->id);
	return id ? iq_type_by_id(t->types, id) : NULL;
}

/* ---- Functions and variables ----------------------------------------------------------------- */

const struct iq_type *iq_function_by_name(struct iq_types *t, const char *name,
					  unsigned int *matches)
{
	const struct iq_type *first = NULL;
	unsigned int nr = 0;

	for (; t; t = t->base) {
		struct btf_record r;
		uint32_t id = 0;

		while ((id = btf_find(t, BTF_INDEX_FUNCTIONS, name, BTF_MASK(BTF_FUNC), id)) != 0) {
			nr++;
			if (!first && btf_record(t, id, &r)) {
				first = btf_resolve(t, r.size_or_type);
				if (first->kind != IQ_KIND_FUNCTION)
					first = NULL;
			}
		}
	}
	if (matches)
		*matches = nr;
	return first;
}

const struct iq_type *iq_variable_type(struct iq_types *t, const char *name)
{
	for (; t; t = t->base) {
		struct btf_record r;
		uint32_t id = btf_find(t, BTF_INDEX_VARIABLES, name, BTF_MASK(BTF_VAR), 0);

		if (id && btf_record(t, id, &r))
			return btf_resolve(t, r.size_or_type);
	}
	return NULL;
}

/* ---- Spelling suggestions -------------------------------------------------------------------- */

void iq_types_nearest(struct iq_types *t, struct iq_nearest *n)
{
	for (; t; t = t->base) {
		for (uint32_t id = t->first; id < t->end; id++) {
			struct btf_record r;

			if (btf_record(t, id, &r) && r.name &&
			    btf_index_of(r.kind) == BTF_INDEX_TYPES)
				iq_nearest_offer(n, btf_string(t, r.name));
		}
	}
}
