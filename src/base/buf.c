// SPDX-License-Identifier: GPL-2.0-or-later
/* Growing text. */
#include <inquest/base.h>
#include <stdlib.h>

/* Room for MORE bytes and the final NUL. */
static bool reserve(struct iq_buf *b, size_t more)
{
	size_t want, room;
	char *s;

	if (b->s && more < b->room - b->len)
		return true;
	if (more > SIZE_MAX / 2 - b->len - 1) {
		b->failed = true;
		return false;
	}
	want = b->len + more + 1;
	room = IQ_MAX(b->room + b->room / 2, 64);
	room = IQ_MAX(room, want);
	s = realloc(b->s, room);
	if (!s) {
		b->failed = true;
		return false;
	}
	s[b->len] = '\0';
	b->s = s;
	b->room = room;
	return true;
}

void iq_buf_add(struct iq_buf *b, const void *data, size_t len)
{
	if (!len || !reserve(b, len))
		return;
	memcpy(b->s + b->len, data, len);
	b->len += len;
	b->s[b->len] = '\0';
}

void iq_buf_puts(struct iq_buf *b, const char *s)
{
	iq_buf_add(b, s, strlen(s));
}

void iq_buf_putc(struct iq_buf *b, char c)
{
	iq_buf_add(b, &c, 1);
}

void iq_buf_vprintf(struct iq_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	va_copy(again, ap);
	/* Most of what is printed fits into what is there already. */
	if (!reserve(b, 64))
		goto out;
	len = vsnprintf(b->s + b->len, b->room - b->len, fmt, ap);
	if (len < 0) {
		b->s[b->len] = '\0';
		b->failed = true;
		goto out;
	}
	if ((size_t)len >= b->room - b->len) {
		b->s[b->len] = '\0';
		if (!reserve(b, (size_t)len))
			goto out;
		vsnprintf(b->s + b->len, b->room - b->len, fmt, again);
	}
	b->len += (size_t)len;
out:
	va_end(again);
}

void iq_buf_printf(struct iq_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	iq_buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void iq_buf_hex(struct iq_buf *b, uint64_t value, unsigned int digits)
{
	char text[16];
	unsigned int at = sizeof(text), least = sizeof(text) - IQ_MIN(digits, sizeof(text));

	do {
		text[--at] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value || at > least);
	iq_buf_add(b, text + at, sizeof(text) - at);
}

void iq_buf_dec(struct iq_buf *b, uint64_t value)
{
	char text[20];
	unsigned int at = sizeof(text);

	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	iq_buf_add(b, text + at, sizeof(text) - at);
}

void iq_buf_pad(struct iq_buf *b, size_t column)
{
	size_t width = 0;

	for (size_t i = b->len; i > 0 && b->s[i - 1] != '\n'; i--) {
		/* Continuation bytes of UTF-8 take no room of their own. */
		if (((uint8_t)b->s[i - 1] & 0xc0) != 0x80)
			width++;
	}
	if (width >= column || !reserve(b, column - width))
		return;
	memset(b->s + b->len, ' ', column - width);
	b->len += column - width;
	b->s[b->len] = '\0';
}

const char *iq_buf_str(const struct iq_buf *b)
{
	return b->s ? b->s : "";
}

char *iq_buf_steal(struct iq_buf *b)
{
	char *s = NULL;

	if (!b->failed && reserve(b, 0)) {
		s = b->s;
		b->s = NULL;
	}
	iq_buf_free(b);
	return s;
}

void iq_buf_free(struct iq_buf *b)
{
	free(b->s);
	*b = (struct iq_buf){0};
}
