// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Expressions without a kernel: numbers, operators, errors.  What is right is what the compiler makes of the
 * same text.  Expressions with symbols and types are tested on real dumps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inquest/inspect.h>
#include <stdlib.h>

static struct iq_scope no_kernel;

static uint64_t number(const char *text)
{
	uint64_t value = 0;
	struct iq_error *err = iq_eval_u64(&no_kernel, text, &value);

	if (err)
		fail_msg("%s: %s", text, err->message);
	return value;
}

static void assert_fails(const struct iq_scope *s, const char *text, enum iq_code code)
{
	uint64_t value = 0;
	struct iq_error *err = iq_eval_u64(s, text, &value);

	if (!err)
		fail_msg("%s is accepted as 0x%llx", text, (unsigned long long)value);
	if (err->code != code)
		fail_msg("%s: code %d, %s", text, err->code, err->message);
	iq_error_free(err);
}

struct sum {
	const char *text;
	uint64_t value;
};
#define SUM(x) {#x, (uint64_t)(x)}
/* That precedence is what it is, is the point. */
#pragma GCC diagnostic ignored "-Wparentheses"
#pragma GCC diagnostic ignored "-Wpragmas"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wunknown-warning-option"
#endif
#pragma GCC diagnostic ignored "-Wbool-compare"
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wdiv-by-zero"
#pragma GCC diagnostic ignored "-Wdivision-by-zero"
#pragma GCC diagnostic ignored "-Woverflow"
#pragma GCC diagnostic ignored "-Wunused-value"
#pragma GCC diagnostic ignored "-Wint-in-bool-context"
#pragma GCC diagnostic ignored "-Wlogical-op"

static void test_compiler(void **state)
{
	/* clang-format off */
	const struct sum sums[] = {
		SUM(0L), SUM(1L + 2L), SUM(1L + 2L * 3L), SUM((1L + 2L) * 3L), SUM(10L - 4L - 3L),
		SUM(100L / 10L / 5L), SUM(7L % 4L * 2L), SUM(-7L / 2L), SUM(-7L % 3L), SUM(7L / -2L),
		SUM(-8L >> 1L), SUM(1L << 4L << 2L), SUM(256L >> 4L >> 2L), SUM(1L << 3L + 1L),
		SUM(0xf0L | 0x0fL), SUM(0xffL & 0x3cL ^ 0x18L), SUM(1L | 2L ^ 3L & 4L),
		SUM(~0L), SUM(~5L & 0xffL), SUM(- -5L), SUM(-(-5L)), SUM(+3L), SUM(~-1L),
		SUM(0777L), SUM(0xffffffff81000000UL), SUM(0xffffffff81000000UL + 0x1000UL),
		SUM(0xffffffffffffffffUL / 2UL), SUM(0xffffffffffffffffUL % 10UL),
		SUM(0x8000000000000000UL >> 63UL), SUM(18446744073709551615UL), SUM(9223372036854775807L),
		SUM(0xffff897401c51280UL+0x40UL), SUM((0x10UL|0x1UL)*2UL), SUM('a'), SUM('\n' + 1L),
		SUM('\\'), SUM('\''), SUM(2L*(3L+(4L-(5L*(6L+7L))))), SUM(1UL - 2UL),
		SUM(0xdeadbeefUL << 32UL | 0xcafebabeUL), SUM(3L - -3L), SUM(5L& ~1L), SUM(1L<<(1L<<2L)),
		SUM(2147483647), SUM(2147483648), SUM(0x80000000), SUM(0xffffffff), SUM(0xffffffff + 1),
		SUM(4294967295 + 1), SUM(-1 < 1U), SUM(-1 < 1UL), SUM(-1L < 1U), SUM(-1 > 0xffffffff),
		SUM(-1 == 0xffffffff), SUM(-1L == 0xffffffff), SUM(-1 / 2U), SUM(-1 % 10U), SUM(-7 / 2),
		SUM(-7 % 2), SUM(7 / -2), SUM(~0), SUM(~0U), SUM(~0UL), SUM(-1U), SUM(1U - 2), SUM(1U - 2L),
		SUM(-1 >> 1), SUM(-1U >> 1), SUM(1 << 30), SUM(1U << 31), SUM((long)(1UL << 63) >> 63), SUM(-8 >> 1L),
		SUM(3 > 2 > 1), SUM(1 == 1 == 1), SUM(5 & 3 == 1), SUM(1 | 2 && 0), SUM(1 || 0 && 0),
		SUM(!5), SUM(!0 + !0), SUM(- !3), SUM(!-3), SUM(1 ? 2 : 3), SUM(0 ? 2 : 3),
		SUM(0 ? 1 : 0 ? 2 : 3), SUM(1 ? 0 ? 4 : 5 : 6), SUM(1 ? -1 : 1U), SUM(1 ? -1 : 1L), SUM(0 || 2),
		SUM((1, 2)), SUM((1, 2) + 3), SUM(2 > 1 ? 10 : 20), SUM('\101'), SUM('\x41'), SUM('\377'),
		SUM('\377' + 0U), SUM('a' * 'b'), SUM(1 <= 1), SUM(2 <= 1), SUM(1 >= 2), SUM(1 != 2),
		SUM((char)200), SUM((unsigned char)200), SUM((short)70000), SUM((unsigned short)-1),
		SUM((unsigned)-1), SUM((long)-1), SUM((unsigned long)-1), SUM((_Bool)5), SUM((signed char)255),
		SUM((unsigned char)1 - 2), SUM((unsigned short)1 - 2), SUM((unsigned)1 - 2), SUM(-(unsigned char)1),
		SUM(~(unsigned char)1), SUM((unsigned char)255 + (unsigned char)255), SUM((char)-1 < (unsigned char)1),
		SUM((long unsigned int)1 << 63), SUM((long long)-5 / 2), SUM((unsigned char)300 << 8),
		SUM((int)0xffffffff), SUM((int)0x1ffffffffL), SUM(sizeof(int)), SUM(sizeof(unsigned short)),
		SUM(sizeof(1L)), SUM(sizeof 1), SUM(sizeof(1 + 1L)), SUM(sizeof "abc"), SUM(sizeof((char)1 + 1)),
		SUM("abc"[1]), SUM(*"xyz"), SUM("abc"[3]), SUM(sizeof(1 ? 1 : 1L)), SUM(010 + 0x10 + 10),
		SUM(1LL << 40), SUM(1uLL << 63), SUM(0 && 1 / 0), SUM(1 || 1 / 0), SUM(1 ? 2 : 1 / 0),
		SUM(sizeof(1 / 0)), SUM(sizeof(__typeof__(1L))),
	};
	/* clang-format on */

	for (size_t i = 0; i < IQ_ARRAY_SIZE(sums); i++) {
		if (number(sums[i].text) != sums[i].value)
			fail_msg("%s = 0x%llx, not 0x%llx", sums[i].text,
				 (unsigned long long)number(sums[i].text),
				 (unsigned long long)sums[i].value);
	}
}

static void test_wraps(void **state)
{
	assert_int_equal(number("0xffffffffffffffff + 1"), 0);
	assert_int_equal(number("0 - 1"), UINT64_MAX);
	assert_int_equal(number("0x8000000000000000 * 2"), 0);
	/* Where C leaves it open, and a CPU traps. */
	assert_int_equal(number("(-0x7fffffffffffffff - 1) / -1"), UINT64_C(1) << 63);
	assert_int_equal(number("(-0x7fffffffffffffff - 1) % -1"), 0);
}

static void test_errors(void **state)
{
	static const char *const malformed[] = {
		"",	  " ",	    "+",      "1 +",	"1 2",	    "(1",   "1)",	"()",
		"1 + * ", "0x",	    "0xg",    "1..2",	"[1]",	    "1 / 0", "1 % (2 - 2)",
		"1 << 64", "1 >> 64", "1 << -1", "1 @ 2", "\"a\"",   "'a b'", "'",	"'\\q'",
		"99999999999999999999", "0x10000000000000000", "1 = 2", "1,", "-> 3", "3 . x",
		"1 << 40", "1 << 32", "1U >> 32", "1 ? 2", "1 : 2", "? 1", "1 &&", "!", "f(1)", "1 += 2", "$x += ",
		"sizeof", "sizeof(", "offsetof(int, x)", "container_of(1)", "per_cpu(1, 2)", "1.5", "$1x", "\"a",
		"(int [)1", "{int", "{int}", "$a = 1", "\"a\" + 1", "\"a\"[5]",
		"&5",	  "3[1]",   "(1).x",  "{",	"\x80\x81", "1 \x01",
	};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(malformed); i++)
		assert_fails(&no_kernel, malformed[i], IQ_E_USAGE);
	assert_fails(&no_kernel, "jiffies", IQ_E_NOT_FOUND);
	assert_fails(&no_kernel, "'ab'", IQ_E_NOT_FOUND);
	assert_fails(&no_kernel, "'a.c'::b", IQ_E_NOT_FOUND);
	assert_fails(&no_kernel, "$a", IQ_E_NOT_FOUND);
	assert_fails(&no_kernel, "$", IQ_E_NOT_FOUND);
	assert_fails(&no_kernel, "mod:symbol", IQ_E_NOT_FOUND);
	assert_fails(&no_kernel, "$rip", IQ_E_NOT_FOUND);
	assert_fails(&no_kernel, "(struct list_head *)0", IQ_E_UNAVAILABLE);
	assert_fails(&no_kernel, "*0x1000", IQ_E_UNAVAILABLE);
}

static void test_nesting(void **state)
{
	struct iq_buf deep = {0}, longest = {0};

	for (unsigned int i = 0; i < 10000; i++)
		iq_buf_putc(&deep, '(');
	assert_fails(&no_kernel, iq_buf_str(&deep), IQ_E_LIMIT);
	iq_buf_free(&deep);
	for (unsigned int i = 0; i < 10000; i++)
		iq_buf_putc(&deep, '-');
	assert_fails(&no_kernel, iq_buf_str(&deep), IQ_E_LIMIT);
	iq_buf_free(&deep);
	for (unsigned int i = 0; i < 10000; i++)
		iq_buf_puts(&deep, "1+");
	assert_fails(&no_kernel, iq_buf_str(&deep), IQ_E_LIMIT);
	iq_buf_free(&deep);
	for (unsigned int i = 0; i < 100000; i++)
		iq_buf_putc(&longest, '1');
	assert_fails(&no_kernel, iq_buf_str(&longest), IQ_E_LIMIT);
	iq_buf_free(&longest);
}

/* crash's habit: hexadecimal without 0x. */
static void test_bare_hex(void **state)
{
	struct iq_scope s = {.bare_hex = true};
	static const struct sum words[] = {
		{"ffff8a9104090304", UINT64_C(0xffff8a9104090304)},
		{"1000", 0x1000},
		{" 0777 ", 0x777},
		{"08", 8},
		{"47b7a0", 0x47b7a0},
		{"47b7a0+10", 0x47b7a0 + 10},
		{"(ffff8a92627a6600+0x68)", UINT64_C(0xffff8a92627a6668)},
		{"dead", 0xdead},
		{"0x10", 0x10},
		{"10+10", 20},
	};
	uint64_t value;

	for (size_t i = 0; i < IQ_ARRAY_SIZE(words); i++) {
		assert_null(iq_eval_u64(&s, words[i].text, &value));
		assert_int_equal(value, words[i].value);
		assert_null(iq_eval_address(&s, words[i].text, &value));
		assert_int_equal(value, words[i].value);
	}
	assert_fails(&s, "11112222333344445", IQ_E_USAGE);
	assert_fails(&s, "xyz", IQ_E_NOT_FOUND);
	/* Elsewhere only what cannot be anything else. */
	assert_int_equal(number("ffff8a9104090304"), UINT64_C(0xffff8a9104090304));
	assert_int_equal(number("1000"), 1000);
	assert_fails(&no_kernel, "dead", IQ_E_NOT_FOUND);
	assert_fails(&no_kernel, "47b7a0", IQ_E_USAGE);
}

/* Where an address is meant, numbers have 64 bits. */
static void test_wide(void **state)
{
	uint64_t value;

	assert_null(iq_eval_address(&no_kernel, "0x7fffffff+1", &value));
	assert_int_equal(value, 0x80000000);
	assert_null(iq_eval_address(&no_kernel, "1 << 40", &value));
	assert_int_equal(value, UINT64_C(1) << 40);
}

static void test_variables(void **state)
{
	struct iq_variables *variables = NULL;
	struct iq_arena arena = {0};
	struct iq_scope s = {.arena = &arena};
	struct iq_value v;
	unsigned int n;

	assert_null(iq_variables_new(&variables));
	s.variables = variables;
	assert_null(iq_eval(&s, "$x = 5", &v));
	assert_null(iq_eval(&s, "$x * 2 + ($y = 7)", &v));
	assert_int_equal(v.number, 17);
	assert_null(iq_eval(&s, "$x <<= 3", &v));
	assert_null(iq_eval(&s, "$x", &v));
	assert_int_equal(v.number, 40);
	assert_null(iq_eval(&s, "sizeof($x = 1)", &v));
	assert_null(iq_eval(&s, "$x", &v));
	assert_int_equal(v.number, 40);
	assert_fails(&s, "$", IQ_E_NOT_FOUND);
	assert_null(iq_history_add(variables, &v, &n));
	assert_int_equal(n, 1);
	assert_null(iq_eval(&s, "$ + 1", &v));
	assert_null(iq_history_add(variables, &v, &n));
	assert_null(iq_eval(&s, "$ * 1000 + $$", &v));
	assert_int_equal(v.number, 41040);
	assert_null(iq_eval(&s, "$2 * 1000 + $$1", &v));
	assert_int_equal(v.number, 41040);
	assert_fails(&s, "$3", IQ_E_NOT_FOUND);
	assert_fails(&s, "$$2", IQ_E_NOT_FOUND);
	assert_fails(&s, "$0", IQ_E_NOT_FOUND);
	assert_fails(&s, "$1 = 2", IQ_E_USAGE);
	/* A string outlives the expression that it was typed in. */
	assert_null(iq_eval(&s, "$t = \"ab\" \"c\\n\"", &v));
	iq_arena_free(&arena);
	assert_null(iq_eval(&s, "$t", &v));
	assert_int_equal(v.text_len, 4);
	assert_string_equal(v.text, "abc\n");
	iq_arena_free(&arena);
	iq_variables_free(variables);
}

static void test_types(void **state)
{
	struct iq_value v;

	assert_null(iq_eval(&no_kernel, "-1", &v));
	assert_non_null(v.type);
	assert_int_equal(v.type->encoding, IQ_ENC_SIGNED);
	assert_null(iq_eval(&no_kernel, "0xffffffff81000000", &v));
	assert_int_equal(v.type->encoding, IQ_ENC_UNSIGNED);
	assert_null(iq_eval(&no_kernel, "0xffffffff81000000 - 1", &v));
	assert_int_equal(v.type->encoding, IQ_ENC_UNSIGNED);
	assert_false(v.in_memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compiler), cmocka_unit_test(test_wraps),
		cmocka_unit_test(test_errors),	 cmocka_unit_test(test_nesting),
		cmocka_unit_test(test_bare_hex), cmocka_unit_test(test_types),
		cmocka_unit_test(test_wide),	 cmocka_unit_test(test_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
