// SPDX-License-Identifier: GPL-2.0-or-later
/* The dictionary of payloads as a whole: every test at every place, the best kept. */
#include "payload.h"

#include <stdarg.h>

static const struct iq_payload_format *const chapters[] = {
	iq_payload_usb,	 iq_payload_net,     iq_payload_storage, iq_payload_filesystem,
	iq_payload_file, iq_payload_machine, iq_payload_text,	 iq_payload_magic,
};

/* Most bytes in front of the focus at which a payload that reaches it is thought to begin. */
#define BEFORE 512u

unsigned int iq_payload_say(struct iq_payload *m, unsigned int bits, size_t len, const char *fmt,
			    ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(m->text, sizeof(m->text), fmt, ap);
	va_end(ap);
	m->len = len;
	return bits;
}

void iq_payload_quote(const uint8_t *p, size_t len, char *buf, size_t room)
{
	size_t at = 0, i;

	buf[at++] = '"';
	for (i = 0; i < len && at + 6 < room; i++)
		buf[at++] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '.';
	if (i < len) {
		memcpy(buf + at, "...", 3);
		at += 3;
	}
	buf[at++] = '"';
	buf[at] = 0;
}

/* Better: of two that are sure the one that begins first, as it holds the other; else more bits; of equal
 * ones that which begins in the focus, then the longer one. */
static bool better(const struct iq_payload *a, const struct iq_payload *b, size_t focus)
{
	if (a->bits >= IQ_PAYLOAD_ENOUGH && b->bits >= IQ_PAYLOAD_ENOUGH && a->offset != b->offset)
		return a->offset < b->offset;
	if (a->bits != b->bits)
		return a->bits > b->bits;
	if ((a->offset == focus) != (b->offset == focus))
		return a->offset == focus;
	return a->len > b->len;
}

/* One likeness of a format is enough: that of the same name with fewer bits goes. */
static unsigned int keep(struct iq_payload *ret, unsigned int nr, unsigned int max,
			 const struct iq_payload *m, size_t focus)
{
	unsigned int at;

	for (at = 0; at < nr; at++)
		if (!strcmp(ret[at].format, m->format)) {
			if (!better(m, &ret[at], focus))
				return nr;
			memmove(&ret[at], &ret[at + 1], (nr - at - 1) * sizeof(*ret));
			nr--;
			break;
		}
	for (at = nr; at > 0 && better(m, &ret[at - 1], focus);)
		at--;
	if (at >= max)
		return nr;
	if (nr == max)
		nr--;
	memmove(&ret[at + 1], &ret[at], (nr - at) * sizeof(*ret));
	ret[at] = *m;
	return nr + 1;
}

struct hunt {
	const uint8_t *bytes;
	size_t len, focus, focus_end;
	size_t base; /* where the caller's bytes have the first of these */
	unsigned int swapped;
	struct iq_payload *ret;
	unsigned int nr, max;
};

static void try_at(struct hunt *h, const struct iq_payload_format *f, size_t at)
{
	struct iq_payload m = {.format = f->name, .offset = h->base + at, .swapped = h->swapped};

	if (h->len - at < f->least)
		return;
	m.bits = f->test(h->bytes + at, h->len - at, &m);
	if (m.len > h->len - at)
		m.len = h->len - at;
	if (at + m.len <= h->focus)
		return;
	/* What looks the same either way is no exchange. */
	if (h->swapped && (!strcmp(f->name, "fill") || !strcmp(f->name, "alternating")))
		return;
	if (h->swapped && m.bits) {
		size_t n = strlen(m.text);

		snprintf(m.text + n, sizeof(m.text) - n, ", bytes swapped in units of %u",
			 h->swapped);
		m.bits -= IQ_MIN(m.bits, 8u);
	}
	if (m.bits >= IQ_PAYLOAD_LEAST)
		h->nr = keep(h->ret, h->nr, h->max, &m, h->base + h->focus);
}

static void hunt(struct hunt *h)
{
	size_t first = h->focus > BEFORE ? h->focus - BEFORE : 0;

	for (size_t at = first; at < h->focus_end && at < h->len; at++)
		for (unsigned int c = 0; c < IQ_ARRAY_SIZE(chapters); c++)
			for (const struct iq_payload_format *f = chapters[c]; f->name; f++)
				try_at(h, f, at);
}

#define SWAP_BYTES 256u

/* The same with the bytes of each unit in the opposite order. */
static void hunt_swapped(struct hunt *h, unsigned int unit)
{
	uint8_t bytes[SWAP_BYTES];
	struct hunt s = *h;
	size_t from = h->focus > 64 ? (h->focus - 64) / unit * unit : 0;

	s.len = IQ_MIN(h->len - from, sizeof(bytes)) / unit * unit;
	for (size_t i = 0; i < s.len; i++)
		bytes[i] = h->bytes[from + i / unit * unit + (unit - 1 - i % unit)];
	s.bytes = bytes;
	s.base = from;
	s.focus = h->focus - from;
	s.focus_end = IQ_MIN(h->focus_end - from, s.len);
	s.swapped = unit;
	if (s.focus >= s.len)
		return;
	hunt(&s);
	h->nr = s.nr;
}

unsigned int iq_payload_find(const uint8_t *bytes, size_t len, size_t focus, size_t focus_end,
			     struct iq_payload *ret, unsigned int max)
{
	struct hunt h = {bytes, len, focus, IQ_MIN(focus_end, len), 0, 0, ret, 0, max};

	if (focus >= h.focus_end || !max)
		return 0;
	hunt(&h);
	for (unsigned int unit = 2; unit <= 8 && (!h.nr || ret[0].bits < IQ_PAYLOAD_STRONG);
	     unit *= 2)
		hunt_swapped(&h, unit);
	return h.nr;
}
