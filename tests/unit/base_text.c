// SPDX-License-Identifier: GPL-2.0-or-later
/* Growing text, escaping, errors, warnings, "did you mean". */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <errno.h>
#include <inquest/base.h>
#include <stdlib.h>

static void test_buf(void **state)
{
	struct iq_buf b = {0};
	char *s;

	assert_string_equal(iq_buf_str(&b), "");
	iq_buf_puts(&b, "");
	assert_int_equal(b.len, 0);
	for (int i = 0; i < 1000; i++)
		iq_buf_printf(&b, "%d,", i);
	assert_int_equal(b.len, 10 * 2 + 90 * 3 + 900 * 4);
	assert_int_equal(strlen(iq_buf_str(&b)), b.len);
	assert_memory_equal(iq_buf_str(&b), "0,1,2,", 6);
	iq_buf_free(&b);

	/* Longer than any room guessed at first. */
	iq_buf_printf(&b, "<%*d>", 5000, 7);
	assert_int_equal(b.len, 5002);
	assert_int_equal(b.s[5000], '7');
	s = iq_buf_steal(&b);
	assert_int_equal(strlen(s), 5002);
	assert_null(b.s);
	free(s);
	s = iq_buf_steal(&b);
	assert_string_equal(s, "");
	free(s);

	iq_buf_add(&b, "a\0b", 3);
	assert_int_equal(b.len, 3);
	assert_memory_equal(b.s, "a\0b", 4);
	iq_buf_free(&b);
	assert_false(b.failed);
}

static void test_buf_pad(void **state)
{
	struct iq_buf b = {0};

	iq_buf_pad(&b, 3);
	assert_string_equal(iq_buf_str(&b), "   ");
	iq_buf_puts(&b, "x\nab");
	iq_buf_pad(&b, 5);
	iq_buf_puts(&b, "|");
	iq_buf_pad(&b, 2);
	assert_string_equal(iq_buf_str(&b), "   x\nab   |");
	/* Characters, not bytes. */
	iq_buf_puts(&b, "\nq\xc3\xa9");
	iq_buf_pad(&b, 4);
	assert_string_equal(iq_buf_str(&b), "   x\nab   |\nq\xc3\xa9  ");
	iq_buf_free(&b);
}

static void check_escape(const char *in, size_t len, bool keep_nl, const char *want)
{
	struct iq_buf b = {0};

	iq_buf_add_escaped(&b, in, len, keep_nl);
	assert_string_equal(iq_buf_str(&b), want);
	iq_buf_free(&b);
}

#define ESCAPE(in, want) check_escape(in, sizeof(in) - 1, false, want)

static void test_escape(void **state)
{
	ESCAPE("", "");
	ESCAPE("plain \\ \"text\" ~", "plain \\ \"text\" ~");
	ESCAPE("a\0b", "a\\x00b");
	ESCAPE("\x1b[31m", "\\x1b[31m");
	ESCAPE("\x7f", "\\x7f");
	ESCAPE("a\tb\nc\rd", "a\\x09b\\x0ac\\x0dd");
	check_escape("a\tb\nc\rd", 7, true, "a\tb\nc\\x0dd");
	/* Letters of two, three and four bytes. */
	ESCAPE("\xc3\xa9\xe4\xb8\xad\xf0\x9f\x90\xa7", "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x90\xa7");
	/* C1 controls: U+0080, U+009B (CSI), U+009F; U+00A0 is a blank. */
	ESCAPE("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u{0080}\\u{009b}\\u{009f}\xc2\xa0");
	ESCAPE("\xc2\xad", "\\u{00ad}");
}

static void test_escape_formatting(void **state)
{
	/* U+200B…U+200F, U+2010 is a hyphen. */
	ESCAPE("\xe2\x80\x8b\xe2\x80\x8f\xe2\x80\x90", "\\u{200b}\\u{200f}\xe2\x80\x90");
	/* U+2028, U+202A, U+202E; U+202F is a blank. */
	ESCAPE("\xe2\x80\xa8\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf",
	       "\\u{2028}\\u{202a}\\u{202e}\xe2\x80\xaf");
	/* U+2060, U+2066, U+2069, U+206F. */
	ESCAPE("\xe2\x81\xa0\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaf",
	       "\\u{2060}\\u{2066}\\u{2069}\\u{206f}");
	/* Byte order mark, a private character, U+FFFD stays, U+FFFF, tag letters. */
	ESCAPE("\xef\xbb\xbf\xee\x80\x80\xef\xbf\xbd\xef\xbf\xbf",
	       "\\u{feff}\\u{e000}\xef\xbf\xbd\\u{ffff}");
	ESCAPE("\xf3\xa0\x81\x81\xf4\x8f\xbf\xbf", "\\u{e0041}\\u{10ffff}");
	ESCAPE("\xd8\x9c", "\\u{061c}");
}

static void test_escape_invalid(void **state)
{
	ESCAPE("\x80", "\\x80");
	ESCAPE("\xff\xfe", "\\xff\\xfe");
	/* Overlong: '/' in two, three and four bytes. */
	ESCAPE("\xc0\xaf", "\\xc0\\xaf");
	ESCAPE("\xc1\xbf", "\\xc1\\xbf");
	ESCAPE("\xe0\x80\xaf", "\\xe0\\x80\\xaf");
	ESCAPE("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf");
	ESCAPE("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");
	ESCAPE("\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf");
	/* Surrogates, and beyond U+10FFFF. */
	ESCAPE("\xed\xa0\x80", "\\xed\\xa0\\x80");
	ESCAPE("\xed\xbf\xbf", "\\xed\\xbf\\xbf");
	ESCAPE("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	ESCAPE("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
	/* Cut off: at the end, and by another character. */
	ESCAPE("\xc3", "\\xc3");
	ESCAPE("\xe4\xb8", "\\xe4\\xb8");
	ESCAPE("\xf0\x9f\x90", "\\xf0\\x9f\\x90");
	ESCAPE("\xe4\xb8z", "\\xe4\\xb8z");
	ESCAPE("\xc3\xc3\xa9", "\\xc3\xc3\xa9");
	/* The last valid ones on each side of the gaps. */
	ESCAPE("\xed\x9f\xbb", "\xed\x9f\xbb");
	ESCAPE("\xe0\xa4\x85", "\xe0\xa4\x85");
}

/* What comes out is the same when escaped again, and never holds a control character. */
static void test_escape_twice(void **state)
{
	uint32_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		struct iq_buf once = {0}, twice = {0};
		char in[24];

		for (size_t i = 0; i < sizeof(in); i++) {
			seed = seed * 1664525 + 1013904223;
			/* Lead and continuation bytes more often than not. */
			in[i] = (char)(seed >> 24 | (seed >> 8 & 0x80));
		}
		iq_buf_add_escaped(&once, in, sizeof(in), false);
		iq_buf_add_escaped(&twice, once.s, once.len, false);
		assert_string_equal(once.s, twice.s);
		for (size_t i = 0; i < once.len; i++)
			assert_true((uint8_t)once.s[i] >= 0x20 && once.s[i] != 0x7f);
		iq_buf_free(&once);
		iq_buf_free(&twice);
	}
}

static void test_error(void **state)
{
	struct iq_error *err = iq_error_new(IQ_E_FORMAT, "bad %s %d", "a\x1b[b", 7);

	assert_int_equal(err->code, IQ_E_FORMAT);
	assert_string_equal(err->message, "bad a\\x1b[b 7");
	assert_null(err->hint);
	err = iq_error_hint(err, "try %s", "this");
	err = iq_error_hint(err, "try %s", "that\n");
	assert_string_equal(err->hint, "try that\\x0a");
	err = iq_error_prefix(err, "%s", "file\x07");
	assert_string_equal(err->message, "file\\x07: bad a\\x1b[b 7");
	iq_error_free(err);

	err = iq_error_errno(ENOENT, "cannot open %s", "x");
	assert_int_equal(err->code, IQ_E_IO);
	assert_string_equal(err->message, "cannot open x: No such file or directory");
	iq_error_free(err);

	err = iq_error_prefix(iq_error_hint(iq_error_nomem(), "hint"), "prefix");
	assert_ptr_equal(err, iq_error_nomem());
	assert_int_equal(err->code, IQ_E_NOMEM);
	iq_error_free(err);
	iq_error_free(NULL);
	assert_null(iq_error_hint(NULL, "x"));
}

static void test_warnings(void **state)
{
	struct iq_warnings w = {0};

	iq_warn(NULL, "nobody listens");
	iq_warn(&w, "once\x01");
	iq_warn(&w, "once%c", 1);
	assert_int_equal(w.nr, 1);
	assert_string_equal(w.text[0], "once\\x01");
	for (int i = 0; i < IQ_WARNINGS_MAX + 9; i++)
		iq_warn(&w, "%d", i);
	assert_int_equal(w.nr, IQ_WARNINGS_MAX);
	assert_int_equal(w.dropped, 10);
	iq_warnings_clear(&w);
	assert_int_equal(w.nr, 0);
	iq_warnings_clear(&w);
}

static void test_distance(void **state)
{
	char a[700], b[700];

	assert_int_equal(iq_distance("", "", 3), 0);
	assert_int_equal(iq_distance("task_struct", "task_struct", 0), 0);
	assert_int_equal(iq_distance("kitten", "sitting", 5), 3);
	assert_int_equal(iq_distance("kitten", "sitting", 2), 3);
	assert_int_equal(iq_distance("", "abc", 5), 3);
	assert_int_equal(iq_distance("abc", "", 2), 3);
	/* One transposition is one edit. */
	assert_int_equal(iq_distance("taks", "task", 3), 1);
	assert_int_equal(iq_distance("ca", "abc", 5), 3);
	assert_int_equal(iq_distance("a", "b", 0), 1);
	memset(a, 'a', sizeof(a) - 1);
	memset(b, 'b', sizeof(b) - 1);
	a[sizeof(a) - 1] = b[sizeof(b) - 1] = '\0';
	assert_int_equal(iq_distance(a, b, 1000), 1001);
	b[0] = 'a';
	assert_int_equal(iq_distance(a, a, 0), 0);
}

static void test_nearest(void **state)
{
	struct iq_nearest n = {.word = "task_strct"};
	struct iq_error *err;

	iq_nearest_offer(&n, "page");
	iq_nearest_offer(&n, "task_struct__");
	iq_nearest_offer(&n, "task_struct");
	iq_nearest_offer(&n, "task_struct");
	iq_nearest_offer(&n, "tusk_struct");
	iq_nearest_offer(&n, "tusk_strucx");
	err = iq_nearest_hint(&n, iq_error_new(IQ_E_NOT_FOUND, "no such type"));
	assert_string_equal(err->hint, "did you mean task_struct, tusk_struct or task_struct__?");
	assert_null(n.best[0]);
	err = iq_nearest_hint(&n, err);
	iq_error_free(err);
	n = (struct iq_nearest){.word = "x"};
	iq_nearest_offer(&n, "y");
	err = iq_nearest_hint(&n, iq_error_new(IQ_E_NOT_FOUND, "no"));
	assert_null(err->hint);
	iq_error_free(err);
}

/* What printf says. */
static void test_numbers(void **state)
{
	for (uint64_t v = 1, i = 0; i < 400; i++, v = v * 6364136223846793005u + i) {
		uint64_t value = i < 3 ? (uint64_t[]){0, UINT64_MAX, 16}[i] : v >> i % 64;
		struct iq_buf b = {0};
		char text[64];

		iq_buf_hex(&b, value, (unsigned int)(i % 18));
		iq_buf_putc(&b, ' ');
		iq_buf_dec(&b, value);
		snprintf(text, sizeof(text), "%0*llx %llu", (int)IQ_MIN(i % 18, 16u),
			 (unsigned long long)value, (unsigned long long)value);
		assert_string_equal(iq_buf_str(&b), text);
		iq_buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_buf_pad),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_formatting),
		cmocka_unit_test(test_escape_invalid),
		cmocka_unit_test(test_escape_twice),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
