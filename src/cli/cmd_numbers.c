// SPDX-License-Identifier: GPL-2.0-or-later
/* eval, ascii, btop, ptob: numbers in other notations. */
#include "show.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

/* One number (or several) and what a command makes of each. */
struct numbers_result {
	enum { SHOW_EVAL, SHOW_ASCII, SHOW_BTOP, SHOW_PTOB } show;
	bool bits; /* eval -b */
	uint64_t *value;
	unsigned int nr;
	unsigned int page_shift;
};

static void free_result(void *data)
{
	struct numbers_result *x = data;

	free(x->value);
	free(x);
}

/* ---- Text -------------------------------------------------------------------------------------- */

static void text_eval(uint64_t v, bool bits, struct iq_buf *out)
{
	static const struct {
		unsigned int shift;
		const char *unit;
	} units[] = {{30, "GB"}, {20, "MB"}, {10, "KB"}};

	iq_buf_printf(out, "hexadecimal: %" PRIx64 "  ", v);
	for (unsigned int i = 0; v && i < IQ_ARRAY_SIZE(units); i++) {
		if (v & ((UINT64_C(1) << units[i].shift) - 1) || v >> 63)
			continue;
		iq_buf_printf(out, "(%" PRIu64 "%s)", v >> units[i].shift, units[i].unit);
		break;
	}
	iq_buf_printf(out, "\n    decimal: %" PRIu64 "  ", v);
	if (v >> 63)
		iq_buf_printf(out, "(%" PRId64 ")", (int64_t)v);
	iq_buf_printf(out, "\n      octal: %" PRIo64 "\n     binary: ", v);
	for (int i = 63; i >= 0; i--)
		iq_buf_putc(out, v >> i & 1 ? '1' : '0');
	iq_buf_putc(out, '\n');
	if (!bits)
		return;
	iq_buf_puts(out, "   bits set: ");
	for (int i = 63; i >= 0; i--)
		if (v >> i & 1)
			iq_buf_printf(out, "%d ", i);
	iq_buf_putc(out, '\n');
}

static const char *const control_names[] = {
	"NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT",  "LF",
	"VT",  "FF",  "CR",  "SO",  "SI",  "DLE", "DC1", "DC2", "DC3", "DC4", "NAK",
	"SYN", "ETB", "CAN", "EM",  "SUB", "ESC", "FS",	 "GS",	"RS",  "US",  "SP",
};

static void text_ascii(uint64_t v, struct iq_buf *out)
{
	iq_buf_printf(out, "%016" PRIx64 ": ", v);
	for (unsigned int i = 0; i < 8; i++) {
		unsigned char c = (unsigned char)(v >> 8 * i);

		if (c < ' ')
			iq_buf_printf(out, "<%s>", control_names[c]);
		else if (c == 0x7f)
			iq_buf_puts(out, "<DEL>");
		else if (c > 0x7f)
			iq_buf_printf(out, "<%02x>", c);
		else
			iq_buf_putc(out, (char)c);
	}
	iq_buf_putc(out, '\n');
}

/* The table of man ascii: the upper four bits across, the lower down. */
static void text_ascii_table(struct iq_buf *out)
{
	iq_buf_puts(out, "\n      0    1   2   3   4   5   6   7\n    +-------------------------------\n");
	for (unsigned int low = 0; low < 16; low++) {
		iq_buf_printf(out, "  %X |", low);
		for (unsigned int high = 0; high < 8; high++) {
			unsigned int c = high << 4 | low;

			if (c <= ' ')
				iq_buf_printf(out, " %3s", control_names[c]);
			else if (c == 0x7f)
				iq_buf_puts(out, "  DEL");
			else
				iq_buf_printf(out, "  %c%s", (char)c, high == 7 ? "" : " ");
		}
		iq_buf_putc(out, '\n');
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct numbers_result *x = r->data;

	if (x->show == SHOW_ASCII && !x->nr)
		text_ascii_table(out);
	for (unsigned int i = 0; i < x->nr; i++) {
		uint64_t v = x->value[i];

		switch (x->show) {
		case SHOW_EVAL: text_eval(v, x->bits, out); break;
		case SHOW_ASCII: text_ascii(v, out); break;
		case SHOW_BTOP:
			iq_buf_printf(out, "%" PRIx64 ": %" PRIx64 "\n", v, v >> x->page_shift);
			break;
		case SHOW_PTOB:
			iq_buf_printf(out, "%" PRIx64 ": %" PRIx64 "\n", v, v << x->page_shift);
			break;
		}
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct numbers_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		uint64_t v = x->value[i];
		json_t *e = json_object();
		struct iq_buf chars = {0};

		json_object_set_new(e, "value", json_address(v));
		if (x->show == SHOW_EVAL)
			json_object_set_new(e, "signed", json_integer((json_int_t)v));
		if (x->show == SHOW_BTOP)
			json_object_set_new(e, "page", json_address(v >> x->page_shift));
		if (x->show == SHOW_PTOB)
			json_object_set_new(e, "address", json_address(v << x->page_shift));
		if (x->show == SHOW_ASCII) {
			text_ascii(v, &chars);
			json_object_set_new(e, "text", json_stringn(chars.s + 18, chars.len - 19));
			iq_buf_free(&chars);
		}
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "numbers", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- eval -------------------------------------------------------------------------------------- */

/*
 * crash's numbers as C's: "41dc065" and "ff" are hexadecimal, digits alone decimal, "128m" has a unit;
 * all have 64 bits.  Names that are symbols stay what they are.
 */
static struct iq_error *as_c(struct session *s, const char *typed, struct iq_buf *out)
{
	while (*typed) {
		size_t len = 0, digits;
		char word[64];
		struct iq_symbol symbol;
		uint64_t v;
		char unit;

		while (isalnum((unsigned char)typed[len]) || typed[len] == '_')
			len++;
		if (!len || len >= sizeof(word)) {
			iq_buf_add(out, typed, len ? len : 1);
			typed += len ? len : 1;
			continue;
		}
		snprintf(word, sizeof(word), "%.*s", (int)len, typed);
		typed += len;
		digits = strspn(word, "0123456789");
		unit = (char)tolower((unsigned char)word[len - 1]);
		if (digits == len - 1 && digits && strchr("kmg", unit)) {
			unsigned int shift = unit == 'k' ? 10 : unit == 'm' ? 20 : 30;

			word[len - 1] = '\0';
			if (!iq_parse_u64(word, &v) || v >> (64 - shift))
				return iq_error_new(IQ_E_USAGE, "%s%c is too large", word, unit);
			iq_buf_printf(out, "0x%" PRIx64 "UL", v << shift);
		} else if (digits == len) {
			/* No octal numbers here: 010 is ten. */
			v = strtoull(word, NULL, 10);
			iq_buf_printf(out, "0x%" PRIx64 "UL", v);
		} else if (strspn(word, "0123456789abcdefABCDEF") == len &&
			   !(s->kernel && iq_symbol_named(s->kernel, word, &symbol)) &&
			   iq_parse_hex(word, &v)) {
			iq_buf_printf(out, "0x%" PRIx64 "UL", v);
		} else if (!strncmp(word, "0x", 2) && iq_parse_u64(word, &v)) {
			iq_buf_printf(out, "0x%" PRIx64 "UL", v);
		} else {
			iq_buf_puts(out, word);
		}
	}
	return NULL;
}

static struct iq_error *evaluate(struct session *s, const char *typed, uint64_t *ret)
{
	struct iq_scope scope;
	struct iq_buf c = {0};
	struct iq_error *err = as_c(s, typed, &c);

	session_scope(s, &scope);
	if (!err)
		err = iq_eval_address(&scope, iq_buf_str(&c), ret);
	iq_buf_free(&c);
	return err;
}

static struct iq_error *run_eval(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {.argc = argc, .argv = argv};
	struct numbers_result *x;
	struct iq_error *err;
	bool bits = false;
	int option;

	while (!(o.index < argc && o.index && argv[o.index][0] == '-' && isdigit((unsigned char)argv[o.index][1])) &&
	       (option = next_option(&o, "bl", &err)) != -1) {
		if (option == '?')
			return err;
		bits |= option == 'b'; /* -l: numbers of 64 bits, which these are */
	}
	if (!o.index)
		o.index = 1;
	if (o.index >= argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "eval needs an expression"),
				     "eval [-b] EXPRESSION");
	x = calloc(1, sizeof(*x));
	if (!x || !(x->value = calloc(1, sizeof(*x->value)))) {
		free(x);
		return iq_error_nomem();
	}
	x->show = SHOW_EVAL;
	x->bits = bits;
	x->nr = 1;
	err = evaluate(s, argv[o.index], x->value);
	if (err) {
		free_result(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return NULL;
}

/* ---- The others -------------------------------------------------------------------------------- */

static struct iq_error *run_list(struct session *s, int argc, char **argv, int show, struct result *r)
{
	struct numbers_result *x = calloc(1, sizeof(*x));
	uint32_t page = s->dump ? iq_dump_info(s->dump)->page_size : 4096;
	struct iq_error *err = NULL;

	if (!x || !(x->value = calloc((size_t)argc, sizeof(*x->value)))) {
		free(x);
		return iq_error_nomem();
	}
	x->show = show;
	while (page >>= 1)
		x->page_shift++;
	for (int i = 1; i < argc && !err; i++) {
		/* Page numbers of digits alone are decimal, as crash has it. */
		if (show == SHOW_PTOB && strspn(argv[i], "0123456789") == strlen(argv[i]))
			x->value[x->nr] = strtoull(argv[i], NULL, 10);
		else if (!iq_parse_hex(argv[i], &x->value[x->nr]))
			err = s->kernel ? parse_address(s, argv[i], &x->value[x->nr])
					: iq_error_new(IQ_E_USAGE, "%s is not a hexadecimal number", argv[i]);
		x->nr += !err;
	}
	if (!err && !x->nr && show != SHOW_ASCII)
		err = iq_error_new(IQ_E_USAGE, "%s needs a number", argv[0]);
	if (err) {
		free_result(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return NULL;
}

static struct iq_error *run_ascii(struct session *s, int argc, char **argv, struct result *r)
{
	return run_list(s, argc, argv, SHOW_ASCII, r);
}

static struct iq_error *run_btop(struct session *s, int argc, char **argv, struct result *r)
{
	return run_list(s, argc, argv, SHOW_BTOP, r);
}

static struct iq_error *run_ptob(struct session *s, int argc, char **argv, struct result *r)
{
	return run_list(s, argc, argv, SHOW_PTOB, r);
}

const struct command cmd_eval = {
	.name = "eval",
	.summary = "an expression in all notations",
	.help = "eval [-b] EXPRESSION\n"
		"\n"
		"Shows the value of an expression hexadecimal, decimal, octal and binary.  Numbers\n"
		"with a letter a-f among their digits are hexadecimal; k, m, g behind a number stand\n"
		"for units; a symbol is its address.  All numbers have 64 bits.\n"
		"\n"
		"  -b   which bits are set\n"
		"  -l   (what crash needs for 64 bits on machines of 32)\n"
		"\n"
		"  inquest> eval 128m\n"
		"  inquest> eval -b 41dc065\n"
		"  inquest> eval (1 << 32) - 1\n",
	.run = run_eval,
	.raw = true,
	.completes = "s",
};

const struct command cmd_ascii = {
	.name = "ascii",
	.summary = "numbers as characters",
	.help = "ascii [NUMBER…]\n"
		"\n"
		"The bytes of each hexadecimal number as characters, the lowest (which stands first in\n"
		"memory) first.  Without a number: the table of characters.\n"
		"\n"
		"  inquest> ascii 62696c2f7273752f\n",
	.run = run_ascii,
	.no_context = true,
};

const struct command cmd_btop = {
	.name = "btop",
	.summary = "addresses to page numbers",
	.help = "btop ADDRESS…\n"
		"\n"
		"The page frame number of each physical address (hexadecimal, as both are shown).\n"
		"\n"
		"  inquest> btop 512a000\n",
	.run = run_btop,
	.no_context = true,
};

const struct command cmd_ptob = {
	.name = "ptob",
	.summary = "page numbers to addresses",
	.help = "ptob PAGE…\n"
		"\n"
		"The physical address of each page frame number (decimal, or hexadecimal with 0x or a letter\n"
		"among its digits; shown hexadecimal).\n"
		"\n"
		"  inquest> ptob 512a\n",
	.run = run_ptob,
	.no_context = true,
};
