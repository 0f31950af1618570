// SPDX-License-Identifier: GPL-2.0-or-later
/* Text from a dump, made safe to show. */
#include <inquest/base.h>

struct range {
	uint32_t first, last;
};

/*
 * What valid UTF-8 can say and a terminal must not be told: characters that control it, that
 * reorder the text around them, that cannot be seen, or that mean nothing outside private
 * agreements (Unicode general categories Cc, Cf, Zl, Zp, Co and the noncharacters, the invisible
 * fillers, and the variation selectors).  Sorted.
 */
static const struct range unsafe_ranges[] = {
	{0x0000, 0x001f},    {0x007f, 0x009f},	 {0x00ad, 0x00ad},   {0x034f, 0x034f},
	{0x0600, 0x0605},    {0x061c, 0x061c},	 {0x06dd, 0x06dd},   {0x070f, 0x070f},
	{0x0890, 0x0891},    {0x08e2, 0x08e2},	 {0x115f, 0x1160},   {0x17b4, 0x17b5},
	{0x180b, 0x180f},    {0x200b, 0x200f},	 {0x2028, 0x202e},   {0x2060, 0x206f},
	{0x2800, 0x2800},    {0x3164, 0x3164},	 {0xd800, 0xf8ff},   {0xfdd0, 0xfdef},
	{0xfe00, 0xfe0f},    {0xfeff, 0xfeff},	 {0xffa0, 0xffa0},   {0xfff0, 0xfffb},
	{0xfffe, 0xffff},    {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x1343f},
	{0x1bca0, 0x1bca3},  {0x1d173, 0x1d17a}, {0x1fffe, 0x1ffff}, {0x2fffe, 0x2ffff},
	{0x3fffe, 0x10ffff},
};

static bool is_safe(uint32_t c)
{
	size_t lo = 0, hi = IQ_ARRAY_SIZE(unsafe_ranges);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (c > unsafe_ranges[mid].last)
			lo = mid + 1;
		else if (c < unsafe_ranges[mid].first)
			hi = mid;
		else
			return false;
	}
	return true;
}

/*
 * The length of the valid UTF-8 sequence of more than one byte at S, of which LEN bytes are there;
 * 0 if it is not one.  Table 3-7 of the Unicode standard: no overlong form, no surrogate, nothing
 * above U+10FFFF.
 */
static unsigned int decode(const uint8_t *s, size_t len, uint32_t *c)
{
	unsigned int n;
	uint8_t low = 0x80, high = 0xbf;

	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
		*c = s[0] & 0x1f;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		n = 3;
		*c = s[0] & 0x0f;
		if (s[0] == 0xe0)
			low = 0xa0;
		else if (s[0] == 0xed)
			high = 0x9f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		*c = s[0] & 0x07;
		if (s[0] == 0xf0)
			low = 0x90;
		else if (s[0] == 0xf4)
			high = 0x8f;
	} else {
		return 0;
	}
	if (len < n)
		return 0;
	for (unsigned int i = 1; i < n; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

void iq_buf_add_escaped(struct iq_buf *b, const char *text, size_t len, bool keep_nl)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t i = 0;

	while (i < len) {
		size_t start = i;
		unsigned int n;
		uint32_t c;

		/* A run of plain characters at once. */
		while (i < len && ((s[i] >= 0x20 && s[i] < 0x7f) ||
				   (keep_nl && (s[i] == '\n' || s[i] == '\t'))))
			i++;
		iq_buf_add(b, s + start, i - start);
		if (i == len)
			break;
		n = s[i] < 0x80 ? 0 : decode(s + i, len - i, &c);
		if (!n) {
			iq_buf_printf(b, "\\x%02x", s[i]);
			n = 1;
		} else if (is_safe(c)) {
			iq_buf_add(b, s + i, n);
		} else {
			iq_buf_printf(b, "\\u{%04x}", c);
		}
		i += n;
	}
}
