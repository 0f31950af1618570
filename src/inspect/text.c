// SPDX-License-Identifier: GPL-2.0-or-later
/* Characters and strings from the dump, as gdb writes them: what is not printable ASCII in octal. */
#include "print.h"

#define PIECE 256	/* characters read at a time */
#define MAX_ARRAY 65536 /* characters shown of an array, however equal they are */

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

/* The bytes that can be read from ADDRESS on, at most LEN. */
static size_t read_some(struct printer *p, uint64_t address, uint8_t *buf, size_t len,
			struct iq_fault *fault)
{
	if (!iq_vm_read(p->vm, address, buf, len, fault))
		return len;
	return fault->address > address ? (size_t)IQ_MIN(fault->address - address, (uint64_t)len) : 0;
}

static bool is_last_nul(struct printer *p, uint64_t address)
{
	uint64_t c;

	return !iq_vm_read_uint(p->vm, address, 1, &c) && !c;
}

void print_char_array(struct printer *p, uint64_t address, uint64_t count)
{
	int last = -1;
	bool octal = false;
	struct iq_fault fault;
	uint8_t piece[PIECE];

	count -= is_last_nul(p, address + count - 1);
	iq_buf_putc(p->out, '"');
	for (uint64_t at = 0; at < count;) {
		size_t want = (size_t)IQ_MIN(count - at, (uint64_t)sizeof(piece));
		size_t n = read_some(p, address + at, piece, want, &fault);

		for (size_t i = 0; i < n; i++) {
			/* As gdb does, end only where a run of equal characters ends. */
			if ((at + i >= p->max_elements && piece[i] != last) || at + i >= MAX_ARRAY) {
				iq_buf_puts(p->out, "\"...");
				return;
			}
			last = piece[i];
			octal = put(p->out, piece[i], '"', octal);
		}
		if (n < want) {
			iq_buf_puts(p->out, "\" ");
			print_fault(p, &fault);
			return;
		}
		at += n;
	}
	iq_buf_putc(p->out, '"');
}

void print_string_at(struct printer *p, uint64_t address)
{
	uint64_t shown = p->max_elements;
	bool octal = false;
	struct iq_fault fault;
	uint8_t piece[PIECE];
	uint64_t at = 0;

	while (at < shown) {
		size_t want = (size_t)IQ_MIN(shown - at, (uint64_t)sizeof(piece));
		size_t n = read_some(p, address + at, piece, want, &fault);

		if (!at && n)
			iq_buf_putc(p->out, '"');
		for (size_t i = 0; i < n; i++) {
			if (!piece[i]) {
				iq_buf_putc(p->out, '"');
				return;
			}
			octal = put(p->out, piece[i], '"', octal);
		}
		if (n < want) {
			if (at + n)
				iq_buf_puts(p->out, "\" ");
			print_fault(p, &fault);
			return;
		}
		at += n;
	}
	iq_buf_puts(p->out, is_last_nul(p, address + at) ? "\"" : "\"...");
}

void iq_string_show(const char *text, size_t len, struct iq_buf *out)
{
	bool octal = false;

	iq_buf_putc(out, '"');
	for (size_t i = 0; i < len; i++)
		octal = put(out, (uint8_t)text[i], '"', octal);
	iq_buf_putc(out, '"');
}
