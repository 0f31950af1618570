// SPDX-License-Identifier: GPL-2.0-or-later
/* Characters and strings from the dump, as gdb writes them: what is not printable ASCII in octal. */
#include "print.h"

#define PIECE 256 /* characters read at a time */
#define MAX_ARRAY 65536 /* characters shown of an array, however equal they are */
#define MAX_UNLIMITED (16u << 20)

/*
 * One character.  AFTER_OCTAL: the one before it ended in octal digits, so that a digit now has to be
 * octal too.  Returns whether this one does.
 */
static bool put(struct iq_buf *out, uint8_t c, char quote, bool after_octal)
{
	static const char from[] = "\a\b\f\n\r\t\v", to[] = "abfnrtv";
	const char *escape = c ? strchr(from, c) : NULL;

	if (escape) {
		iq_buf_printf(out, "\\%c", to[escape - from]);
		return false;
	}
	if (c < 0x20 || c >= 0x7f || (after_octal && c >= '0' && c <= '9')) {
		iq_buf_printf(out, "\\%03o", c);
		return true;
	}
	if (c == (uint8_t)quote || c == '\\')
		iq_buf_putc(out, '\\');
	iq_buf_putc(out, (char)c);
	return false;
}

void print_character(struct iq_buf *out, uint8_t c)
{
	iq_buf_putc(out, '\'');
	put(out, c, '\'', false);
	iq_buf_putc(out, '\'');
}

/* ---- Runs of equal characters ------------------------------------------------------------------ */

/* A string on its way out, of which the last characters are equal. */
struct run {
	struct printer *p;
	uint8_t c;
	uint64_t count;
	bool quoted; /* a quote is open */
	bool any; /* something was shown */
	bool octal;
};

/* Show what has come together: a long run by itself, behind the quoted text. */
static void flush(struct run *r)
{
	struct iq_buf *out = r->p->out;
	bool folded = r->p->f->repeats && r->count > r->p->f->repeats;

	if (!r->count)
		return;
	if (folded == r->quoted)
		iq_buf_puts(out, r->quoted ? "\"" : "");
	if ((folded || !r->quoted) && r->any)
		iq_buf_puts(out, ", ");
	if (folded) {
		print_character(out, r->c);
		iq_buf_printf(out, " <repeats %llu times>", (unsigned long long)r->count);
		r->octal = false;
	} else {
		if (!r->quoted) {
			iq_buf_putc(out, '"');
			r->octal = false;
		}
		for (uint64_t i = 0; i < r->count; i++)
			r->octal = put(out, r->c, '"', r->octal);
	}
	r->quoted = !folded;
	r->any = true;
	r->count = 0;
}

static void add(struct run *r, uint8_t c)
{
	if (r->count && (c != r->c || !r->p->f->repeats))
		flush(r);
	r->c = c;
	r->count++;
}

/* The string ends here, or (MORE) only what is shown of it. */
static void finish(struct run *r, bool more)
{
	flush(r);
	if (!r->any)
		iq_buf_puts(r->p->out, "\"\"");
	else if (r->quoted)
		iq_buf_putc(r->p->out, '"');
	if (more)
		iq_buf_puts(r->p->out, "...");
}

/* ---- Strings in memory ------------------------------------------------------------------------- */

/* The bytes that can be read from ADDRESS on, at most LEN. */
static size_t read_some(struct printer *p, uint64_t address, uint8_t *buf, size_t len,
			struct iq_fault *fault)
{
	if (!iq_vm_read(p->vm, address, buf, len, fault))
		return len;
	return fault->address > address ? (size_t)IQ_MIN(fault->address - address, (uint64_t)len)
					: 0;
}

static bool is_last_nul(struct printer *p, uint64_t address)
{
	uint64_t c;

	return !iq_vm_read_uint(p->vm, address, 1, &c) && !c;
}

static uint64_t most_characters(const struct printer *p)
{
	return p->max_elements < MAX_ARRAY ? MAX_ARRAY : IQ_MIN(p->max_elements, MAX_UNLIMITED);
}

void print_char_array(struct printer *p, uint64_t address, uint64_t count)
{
	struct run r = {.p = p};
	struct iq_fault fault;
	uint8_t piece[PIECE];
	int last = -1;

	count -= is_last_nul(p, address + count - 1);
	for (uint64_t at = 0; at < count && !iq_cancelled(p->f->cancel);) {
		size_t want = (size_t)IQ_MIN(count - at, (uint64_t)sizeof(piece));
		size_t n = read_some(p, address + at, piece, want, &fault);

		for (size_t i = 0; i < n; i++) {
			if (p->f->null_stop && !piece[i]) {
				finish(&r, false);
				return;
			}
			/* As gdb does, end only where a run of equal characters ends. */
			if ((at + i >= p->max_elements && piece[i] != last) ||
			    at + i >= most_characters(p)) {
				finish(&r, true);
				return;
			}
			last = piece[i];
			add(&r, piece[i]);
		}
		if (n < want) {
			finish(&r, false);
			iq_buf_putc(p->out, ' ');
			print_fault(p, &fault);
			return;
		}
		at += n;
	}
	finish(&r, false);
}

void print_string_at(struct printer *p, uint64_t address)
{
	uint64_t shown = IQ_MIN(p->max_elements, MAX_UNLIMITED);
	struct run r = {.p = p};
	struct iq_fault fault;
	uint8_t piece[PIECE];
	uint64_t at = 0;

	while (at < shown && !iq_cancelled(p->f->cancel)) {
		size_t want = (size_t)IQ_MIN(shown - at, (uint64_t)sizeof(piece));
		size_t n = read_some(p, address + at, piece, want, &fault);

		for (size_t i = 0; i < n; i++) {
			if (!piece[i]) {
				finish(&r, false);
				return;
			}
			add(&r, piece[i]);
		}
		if (n < want) {
			if (at + n) {
				finish(&r, false);
				iq_buf_putc(p->out, ' ');
			}
			print_fault(p, &fault);
			return;
		}
		at += n;
	}
	finish(&r, !is_last_nul(p, address + at));
}

void iq_string_show(const char *text, size_t len, struct iq_buf *out)
{
	bool octal = false;

	iq_buf_putc(out, '"');
	for (size_t i = 0; i < len; i++)
		octal = put(out, (uint8_t)text[i], '"', octal);
	iq_buf_putc(out, '"');
}
