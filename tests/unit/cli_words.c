// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines as typed: commands, pipes, redirections, words, options. */
#include "../../src/cli/internal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The parts of LINE as "text", "text|shell", "text>file", "text>>file", "!shell", joined by '\n'. */
static char *parts(const char *line)
{
	static const char *const mark[] = {"", "|", ">", ">>", ""};
	struct iq_buf out = {0};
	struct line l = {0};
	struct iq_error *err = line_split(line, &l);

	if (err) {
		iq_buf_printf(&out, "error: %s", err->message);
		iq_error_free(err);
		return iq_buf_steal(&out);
	}
	for (unsigned int i = 0; i < l.nr; i++)
		iq_buf_printf(&out, "%s%s%s%s%s", i ? "\n" : "", l.part[i].to == LINE_SHELL ? "!" : "",
			      l.part[i].text, mark[l.part[i].to], l.part[i].target ? l.part[i].target : "");
	line_free(&l);
	return iq_buf_steal(&out);
}

static void assert_parts(const char *line, const char *want)
{
	char *got = parts(line);

	assert_string_equal(got, want);
	free(got);
}

static void splits_lines(void **state)
{
	assert_parts("", "");
	assert_parts("  ;; \t; ", "");
	assert_parts("bt", "bt");
	assert_parts(" bt -f ; vtop ffff8881 ;log", "bt -f\nvtop ffff8881\nlog");
	assert_parts("log | grep -i 'a;b|c' | head; bt", "log|grep -i 'a;b|c' | head\nbt");
	assert_parts("log|head", "log|head");
	assert_parts("log > /tmp/x; bt>>\"a b\"", "log>/tmp/x\nbt>>a b");
	assert_parts("!ls; pwd | wc", "!ls; pwd | wc");
	assert_parts("bt; !ls; pwd", "bt\n!ls; pwd");
	assert_parts("# nothing here; isn't it", "");
	assert_parts("bt # the panic's task", "bt");
	assert_parts("log | grep '#' # x", "log|grep '#' # x");
	assert_parts("p a#b", "p a#b");
	assert_parts("bt\n\nlog | head # x\n# y\n!ls; pwd\nps\n", "bt\nlog|head # x\n!ls; pwd\nps");
	assert_parts("bt # the panic's\nps > f # x\nset", "bt\nps>f\nset");
}

static void protects_expressions(void **state)
{
	assert_parts("p (1|2) | cat", "p (1|2)|cat");
	assert_parts("p init_task->comm", "p init_task->comm");
	assert_parts("p init_task->comm > out", "p init_task->comm>out");
	assert_parts("p (4 >> 1)", "p (4 >> 1)");
	assert_parts("p a[1|2] | cat", "p a[1|2]|cat");
	assert_parts("p \"a;b\" ; bt", "p \"a;b\"\nbt");
	assert_parts("search -c \\;x ; bt", "search -c \\;x\nbt");
	/* A closing bracket too many protects nothing. */
	assert_parts("p 1) | cat", "p 1)|cat");
}

static void refuses_lines(void **state)
{
	assert_parts("bt 'x", "error: the quote at 'x is not closed");
	assert_parts("log | grep \"a\\\"", "error: the quote at \"a\\\" is not closed");
	assert_parts("log >", "error: '>' wants the name of one file");
	assert_parts("log > a b", "error: '>' wants the name of one file");
	assert_parts("| head", "error: nothing stands in front of '|'");
	assert_parts("log |", "error: nothing stands behind '|'");
	assert_parts("> file", "error: nothing stands in front of '>'");
	assert_parts("!", "error: nothing stands behind '!'");
}

/* The words of TEXT in angle brackets. */
static void assert_words(const char *text, bool raw, bool keep_quotes, const char *want)
{
	struct iq_buf out = {0};
	struct words w = {0};

	assert_null(words_split(text, raw, keep_quotes, &w));
	for (unsigned int i = 0; i < w.nr; i++)
		iq_buf_printf(&out, "<%s>", w.word[i]);
	assert_string_equal(iq_buf_str(&out), want);
	if (w.nr)
		assert_null(w.word[w.nr]);
	iq_buf_free(&out);
	words_free(&w);
}

static void splits_words(void **state)
{
	assert_words("bt -f 4711", false, false, "<bt><-f><4711>");
	assert_words("  sym  \"a b\"c 'd e'\t", false, false, "<sym><a bc><d e>");
	assert_words("ps 'kw.*' a'b'", false, true, "<ps><'kw.*'><ab>");
	assert_words("x \"a\\\"b\\\\\" \"\"", false, false, "<x><a\"b\\><>");
	assert_words("*list_head 1", false, false, "<*><list_head><1>");
	assert_words("* list_head 1", false, false, "<*><list_head><1>");
}

static void keeps_raw_text(void **state)
{
	assert_words("p  init_task.comm  +  'x' ", true, false, "<p><init_task.comm  +  'x'>");
	assert_words("p -x -d (a - b)", true, false, "<p><-x><-d><(a - b)>");
	assert_words("p -5 + 3", true, false, "<p><-5 + 3>");
	assert_words("x /4xg 0xffff + 8", true, false, "<x/4xg><0xffff + 8>");
	assert_words("x/4xg 0xffff + 8", true, false, "<x/4xg><0xffff + 8>");
	assert_words("p /x -d a / b", true, false, "<p/x><-d><a / b>");
	assert_words("p", true, false, "<p>");
}

static void reads_options(void **state)
{
	char *argv[] = {"bt", "-fc", "1", "-n5", "-12", "-", "-x"};
	struct options o = {.argc = 7, .argv = argv};
	struct iq_error *err;

	assert_int_equal(next_option(&o, "fc:n:", &err), 'f');
	assert_int_equal(next_option(&o, "fc:n:", &err), 'c');
	assert_string_equal(o.value, "1");
	assert_int_equal(next_option(&o, "fc:n:", &err), 'n');
	assert_string_equal(o.value, "5");
	/* A number is a word. */
	assert_int_equal(next_option(&o, "fc:n:", &err), -1);
	assert_null(err);
	assert_int_equal(o.index, 4);
}

static void options_of_digits_and_end(void **state)
{
	char *argv[] = {"rd", "-8", "--", "-x"};
	struct options o = {.argc = 4, .argv = argv};
	struct iq_error *err;

	assert_int_equal(next_option(&o, "8x", &err), '8');
	assert_int_equal(next_option(&o, "8x", &err), -1);
	assert_int_equal(o.index, 3);
}

static void refuses_options(void **state)
{
	char *unknown[] = {"bt", "-q"}, *bare[] = {"bt", "-c"};
	struct options o = {.argc = 2, .argv = unknown}, b = {.argc = 2, .argv = bare};
	struct iq_error *err;

	assert_int_equal(next_option(&o, "fc:", &err), '?');
	assert_string_equal(err->message, "unknown option -q");
	assert_string_equal(err->hint, "it takes -f or -c");
	iq_error_free(err);
	assert_int_equal(next_option(&b, "fc:", &err), '?');
	assert_string_equal(err->message, "option -c needs a value");
	iq_error_free(err);
}

static void assert_json_text(const char *bytes, size_t len, const char *want)
{
	json_t *text = json_text(bytes, len);
	char *got = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	assert_string_equal(got, want);
	free(got);
	json_decref(text);
}

static void escapes_json(void **state)
{
	assert_json_text("abc", 3, "\"abc\"");
	assert_json_text("a\033[1m\"\\\n", 8, "\"a\\u001B[1m\\\"\\\\\\n\"");
	assert_json_text("\xc3\xa9", 2, "\"\\u00E9\"");
	assert_json_text("\xff\xc3(\x80", 4, "\"\\u00FF\\u00C3(\\u0080\"");
	assert_json_text("a\0b", 3, "\"a\\u0000b\"");
	assert_json_text("\xe2\x80\xae", 3, "\"\\u202E\"");
	assert_json_text("\xed\xa0\x80", 3, "\"\\u00ED\\u00A0\\u0080\"");
	assert_json_text("", 0, "\"\"");
}

static void addresses_in_json(void **state)
{
	json_t *a = json_address(UINT64_C(0xffffffff81000000)), *zero = json_address(0);

	assert_string_equal(json_string_value(a), "0xffffffff81000000");
	assert_string_equal(json_string_value(zero), "0x0");
	json_decref(a);
	json_decref(zero);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_lines),
		cmocka_unit_test(protects_expressions),
		cmocka_unit_test(refuses_lines),
		cmocka_unit_test(splits_words),
		cmocka_unit_test(keeps_raw_text),
		cmocka_unit_test(reads_options),
		cmocka_unit_test(options_of_digits_and_end),
		cmocka_unit_test(refuses_options),
		cmocka_unit_test(escapes_json),
		cmocka_unit_test(addresses_in_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
