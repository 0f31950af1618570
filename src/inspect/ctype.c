// SPDX-License-Identifier: GPL-2.0-or-later
/* Types that expressions have without a source of types, and what is asked of types again and again. */
#include "expr.h"

#define ARITHMETIC(n, e, s)                                                                        \
	{                                                                                          \
		.kind = IQ_KIND_INT, .encoding = IQ_ENC_##e, .name = n, .size = s                  \
	}

const struct iq_type expr_char = ARITHMETIC("char", CHAR, 1);
const struct iq_type expr_int = ARITHMETIC("int", SIGNED, 4);
const struct iq_type expr_unsigned_int = ARITHMETIC("unsigned int", UNSIGNED, 4);
const struct iq_type expr_long = ARITHMETIC("long", SIGNED, 8);
const struct iq_type expr_unsigned_long = ARITHMETIC("unsigned long", UNSIGNED, 8);

/* The words of an arithmetic type's name, which C lets stand in any order. */
struct words {
	unsigned int is_signed, is_unsigned, is_char, is_short, is_int, is_long;
};

static bool count_words(const char *name, struct words *w)
{
	*w = (struct words){0};
	while (*name) {
		size_t len = strcspn(name, " ");
		const struct {
			const char *word;
			unsigned int *nr;
		} known[] = {
			{"signed", &w->is_signed}, {"unsigned", &w->is_unsigned},
			{"char", &w->is_char},	   {"short", &w->is_short},
			{"int", &w->is_int},	   {"long", &w->is_long},
		};
		size_t i = 0;

		while (i < IQ_ARRAY_SIZE(known) &&
		       (strlen(known[i].word) != len || memcmp(known[i].word, name, len)))
			i++;
		if (i == IQ_ARRAY_SIZE(known))
			return false;
		++*known[i].nr;
		name += len;
		name += strspn(name, " ");
	}
	return w->is_signed + w->is_unsigned <= 1 && w->is_char + w->is_short <= 1 &&
	       w->is_int <= 1 && w->is_long <= 2 && !(w->is_char && (w->is_int || w->is_long)) &&
	       !(w->is_short && w->is_long);
}

const struct iq_type *expr_arithmetic_type(const char *name)
{
	static const struct iq_type signed_char = ARITHMETIC("signed char", CHAR, 1),
				    unsigned_char = ARITHMETIC("unsigned char", UCHAR, 1),
				    short_int = ARITHMETIC("short", SIGNED, 2),
				    unsigned_short = ARITHMETIC("unsigned short", UNSIGNED, 2),
				    long_long = ARITHMETIC("long long", SIGNED, 8),
				    unsigned_long_long =
					    ARITHMETIC("unsigned long long", UNSIGNED, 8),
				    boolean = ARITHMETIC("_Bool", BOOL, 1);
	static const struct {
		const char *name;
		const struct iq_type *type;
	} names[] = {
		{"_Bool", &boolean},
		{"bool", &boolean},
		{"u8", &unsigned_char},
		{"s8", &signed_char},
		{"u16", &unsigned_short},
		{"s16", &short_int},
		{"u32", &expr_unsigned_int},
		{"s32", &expr_int},
		{"u64", &unsigned_long_long},
		{"s64", &long_long},
		{"size_t", &expr_unsigned_long},
		{"uintptr_t", &expr_unsigned_long},
	};
	struct words w;

	if (!*name)
		return NULL;
	for (size_t i = 0; i < IQ_ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i].name))
			return names[i].type;
	}
	if (!count_words(name, &w))
		return NULL;
	if (w.is_char)
		return w.is_unsigned ? &unsigned_char : w.is_signed ? &signed_char : &expr_char;
	if (w.is_short)
		return w.is_unsigned ? &unsigned_short : &short_int;
	if (w.is_long == 2)
		return w.is_unsigned ? &unsigned_long_long : &long_long;
	if (w.is_long)
		return w.is_unsigned ? &expr_unsigned_long : &expr_long;
	return w.is_unsigned ? &expr_unsigned_int : &expr_int;
}

const struct iq_type *expr_source_type(const struct iq_scope *s, const struct iq_type *t)
{
	if (!t || t->types)
		return t;
	return s->k ? iq_kernel_type(s->k, t->name, NULL) : NULL;
}

struct iq_value expr_character(const struct iq_scope *s, uint8_t c)
{
	/* Since 6.2 the kernel is compiled with -funsigned-char. */
	static const struct iq_type unsigned_char = ARITHMETIC("char", UCHAR, 1);
	struct iq_types *types = s->k ? iq_kernel_types(s->k) : NULL;
	const struct iq_type *t = types ? iq_type_by_name(types, "char") : NULL;
	bool is_signed = !t || type_is_signed(iq_type_strip(t));

	return (struct iq_value){.type = is_signed ? &expr_char : &unsigned_char,
				 .number = extend(c, 1, is_signed)};
}

void expr_type_text(const struct iq_type *t, struct iq_buf *out)
{
	if (!t)
		iq_buf_puts(out, "a number without a type");
	else if (t->types)
		iq_type_declare(t, "", out);
	else
		iq_buf_puts(out, t->name);
}

struct iq_error *expr_wrong_type(const struct iq_value *v, const char *problem)
{
	struct iq_buf type = {0};
	struct iq_error *err;

	if (v->text)
		iq_buf_puts(&type, "a string");
	else
		expr_type_text(v->type, &type);
	err = iq_error_new(IQ_E_USAGE, "%s %s", iq_buf_str(&type), problem);
	iq_buf_free(&type);
	return err;
}

/*
 * Enums of which no constant is negative are unsigned, as the compiler makes them; an old encoder of BTF does
 * not say which they are.
 */
static bool enum_is_signed(const struct iq_type *t)
{
	unsigned int nr;
	const struct iq_enumerator *e = iq_type_enumerators(t, &nr);

	for (unsigned int i = 0; i < nr; i++) {
		if (e[i].value < 0)
			return true;
	}
	return false;
}

bool type_is_signed(const struct iq_type *t)
{
	if (t->encoding != IQ_ENC_SIGNED && t->encoding != IQ_ENC_CHAR)
		return false;
	return t->kind == IQ_KIND_ENUM ? enum_is_signed(t) : t->kind == IQ_KIND_INT;
}

bool type_is_scalar(const struct iq_type *t)
{
	return (t->kind == IQ_KIND_INT || t->kind == IQ_KIND_ENUM || t->kind == IQ_KIND_POINTER) &&
	       t->size && t->size <= 8;
}
