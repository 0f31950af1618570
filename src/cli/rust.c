// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rust's v0 mangling (RFC 2603), as far as names of kernel functions use it: paths, implementations, generic
 * arguments, back references.  A name is parsed once; every step is counted, since back references can lead back.
 */
#include "rust.h"
#include <inttypes.h>

#define STEPS_MAX 2000
#define DEPTH_MAX 64
#define TEXT_MAX 4096

struct name {
	const char *s;
	size_t len, at;
	unsigned int depth, steps;
	unsigned int silent; /* what is parsed is not printed */
	bool failed;
	struct iq_buf *out;
};

static char peek(const struct name *n)
{
	return n->at < n->len ? n->s[n->at] : '\0';
}

static char next(struct name *n)
{
	char c = peek(n);

	if (!c || ++n->steps > STEPS_MAX || n->out->len > TEXT_MAX)
		n->failed = true;
	else
		n->at++;
	return n->failed ? '\0' : c;
}

static bool take(struct name *n, char c)
{
	if (n->failed || peek(n) != c)
		return false;
	n->at++;
	return true;
}

static void put(struct name *n, const char *text)
{
	if (!n->silent)
		iq_buf_puts(n->out, text);
}

/* "_" is 0, "0_" 1, "a_" 11 … */
static uint64_t base62(struct name *n)
{
	uint64_t v = 0;

	if (take(n, '_'))
		return 0;
	for (;;) {
		char c = next(n);
		unsigned int digit;

		if (c == '_')
			return v + 1;
		if (c >= '0' && c <= '9')
			digit = (unsigned int)(c - '0');
		else if (c >= 'a' && c <= 'z')
			digit = (unsigned int)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'Z')
			digit = (unsigned int)(c - 'A') + 36;
		else
			digit = 62;
		if (digit == 62 || v > (UINT64_MAX - 62) / 62) {
			n->failed = true;
			return 0;
		}
		v = v * 62 + digit;
	}
}

static uint64_t disambiguator(struct name *n)
{
	return take(n, 's') ? base62(n) + 1 : 0;
}

/* Length and characters; those in Punycode (a "u" in front) are not known here. */
static const char *identifier(struct name *n, size_t *len)
{
	const char *text;

	*len = 0;
	if (peek(n) < '0' || peek(n) > '9')
		n->failed = true;
	while (!n->failed && peek(n) >= '0' && peek(n) <= '9') {
		*len = *len * 10 + (size_t)(next(n) - '0');
		if (*len > n->len)
			n->failed = true;
	}
	take(n, '_');
	if (n->failed || *len > n->len - n->at) {
		n->failed = true;
		*len = 0;
		return "";
	}
	text = n->s + n->at;
	n->at += *len;
	return text;
}

static void put_identifier(struct name *n)
{
	size_t len;
	const char *text = identifier(n, &len);

	if (!n->silent)
		iq_buf_add(n->out, text, len);
}

static void path(struct name *n, bool value);
static void type(struct name *n);

static void back_reference(struct name *n, void (*parse)(struct name *n, bool value), bool value)
{
	size_t from = n->at - 1;
	uint64_t to = base62(n);
	size_t back = n->at;

	/* Counted from behind the "_R". */
	if (n->failed || to + 2 >= from) {
		n->failed = true;
		return;
	}
	n->at = (size_t)to + 2;
	parse(n, value);
	n->at = back;
}

static void type_of_reference(struct name *n, bool value)
{
	type(n);
}

static const char *basic_type(char c)
{
	static const char *const names[26] = {"i8",   "bool",  "char",	"f64", "str", "f32", NULL,
					      "u8",   "isize", "usize", NULL,  "i32", "u32", "i128",
					      "u128", "_",     NULL,	NULL,  "i16", "u16", "()",
					      "...",  NULL,    "i64",	"u64", "!"};

	return c >= 'a' && c <= 'z' ? names[c - 'a'] : NULL;
}

/* The value of a const generic: a type, hexadecimal digits, "_". */
static void constant(struct name *n)
{
	char of = next(n), text[24];
	uint64_t v = 0;
	bool minus;

	if (of == 'p') {
		put(n, "_");
		return;
	}
	minus = take(n, 'n');
	while (!n->failed && peek(n) != '_') {
		char c = next(n);

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) || v >> 60)
			n->failed = true;
		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	take(n, '_');
	if (of == 'b') {
		put(n, v ? "true" : "false");
		return;
	}
	/* Characters and strings are written in ways of their own. */
	if (!basic_type(of) || of == 'c' || of == 'e')
		n->failed = true;
	snprintf(text, sizeof(text), "%s%" PRIu64, minus ? "-" : "", v);
	put(n, text);
}

static void generic_arguments(struct name *n)
{
	bool first = true;

	while (!n->failed && !take(n, 'E')) {
		if (!first)
			put(n, ", ");
		first = false;
		if (take(n, 'K'))
			constant(n);
		else
			type(n);
	}
}

static void tuple(struct name *n)
{
	unsigned int nr = 0;

	put(n, "(");
	while (!n->failed && !take(n, 'E')) {
		if (nr++)
			put(n, ", ");
		type(n);
	}
	put(n, nr == 1 ? ",)" : ")");
}

static void type(struct name *n)
{
	const char *basic;
	char c;

	if (++n->depth > DEPTH_MAX)
		n->failed = true;
	c = next(n);
	basic = basic_type(c);
	if (basic) {
		put(n, basic);
	} else if (c == 'A' || c == 'S') {
		put(n, "[");
		type(n);
		if (c == 'A') {
			put(n, "; ");
			constant(n);
		}
		put(n, "]");
	} else if (c == 'T') {
		tuple(n);
	} else if (c == 'R' || c == 'Q' || c == 'P' || c == 'O') {
		put(n, c == 'R' ? "&" : c == 'Q' ? "&mut " : c == 'P' ? "*const " : "*mut ");
		/* Erased lifetimes are not written. */
		if ((c == 'R' || c == 'Q') && take(n, 'L') && base62(n))
			n->failed = true;
		type(n);
	} else if (c == 'B') {
		back_reference(n, type_of_reference, false);
	} else if (!n->failed) {
		n->at--;
		path(n, false);
	}
	n->depth--;
}

static void nested_path(struct name *n, bool value)
{
	char space = next(n), number[32];
	uint64_t which;
	size_t len;
	const char *text;

	path(n, value);
	which = disambiguator(n);
	text = identifier(n, &len);
	if (n->failed || n->silent)
		return;
	if (space >= 'a' && space <= 'z') {
		if (len) {
			put(n, "::");
			iq_buf_add(n->out, text, len);
		}
		return;
	}
	put(n, "::{");
	if (space == 'C')
		put(n, "closure");
	else if (space == 'S')
		put(n, "shim");
	else
		iq_buf_putc(n->out, space);
	if (len) {
		put(n, ":");
		iq_buf_add(n->out, text, len);
	}
	snprintf(number, sizeof(number), "#%" PRIu64 "}", which);
	put(n, number);
}

/* Where an implementation stands is parsed, but not part of the name. */
static void implementation(struct name *n)
{
	n->silent++;
	disambiguator(n);
	path(n, false);
	n->silent--;
}

static void path(struct name *n, bool value)
{
	char c;

	if (++n->depth > DEPTH_MAX)
		n->failed = true;
	c = next(n);
	switch (c) {
	case 'C':
		disambiguator(n);
		put_identifier(n);
		break;
	case 'N':
		nested_path(n, value);
		break;
	case 'M':
	case 'X':
	case 'Y':
		if (c != 'Y')
			implementation(n);
		put(n, "<");
		type(n);
		if (c != 'M') {
			put(n, " as ");
			path(n, false);
		}
		put(n, ">");
		break;
	case 'I':
		path(n, value);
		put(n, value ? "::<" : "<");
		generic_arguments(n);
		put(n, ">");
		break;
	case 'B':
		back_reference(n, path, value);
		break;
	default:
		n->failed = true;
	}
	n->depth--;
}

bool rust_demangle(const char *name, size_t len, struct iq_buf *out)
{
	struct iq_buf text = {0};
	struct name n = {.s = name, .len = len, .at = 2, .out = &text};

	if (len < 4 || name[0] != '_' || name[1] != 'R')
		return false;
	path(&n, true);
	/* The crate that a generic function was made for. */
	if (!n.failed && n.at < len) {
		n.silent = 1;
		path(&n, false);
	}
	if (!n.failed && n.at == len && !text.failed)
		iq_buf_add(out, text.s, text.len);
	else
		n.failed = true;
	iq_buf_free(&text);
	return !n.failed;
}

static bool in_name(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_';
}

void rust_demangle_text(const char *text, size_t len, struct iq_buf *out)
{
	for (size_t at = 0; at < len;) {
		size_t end = at;

		while (end < len && in_name(text[end]))
			end++;
		if (end == at)
			iq_buf_putc(out, text[at++]);
		else if (!rust_demangle(text + at, end - at, out))
			iq_buf_add(out, text + at, end - at);
		at = IQ_MAX(at, end);
	}
}
