/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What do these bytes look like?  A dictionary of formats, each with a test of its structure.  Who
 * overwrote a field is often told by what it was overwritten with: an answer of a USB device, a
 * frame from the network, a compressed file.
 *
 * A test says how much it saw in bits: as many as random bytes would have to be thrown, in powers of
 * two, until they pass it.  A format whose end is cut off (only four bytes of a pointer were
 * overwritten) still passes with fewer bits.
 */
#ifndef INQUEST_DIAGNOSE_PAYLOAD_H
#define INQUEST_DIAGNOSE_PAYLOAD_H

#include <inquest/base.h>

#define IQ_PAYLOAD_TEXT 192
/* Bits below which a likeness is not worth a word. */
#define IQ_PAYLOAD_LEAST 14u
/* Bits from which on chance is out of the question, all tests and places considered. */
#define IQ_PAYLOAD_STRONG 26u
/* Bits beyond these make nothing surer. */
#define IQ_PAYLOAD_ENOUGH 40u

struct iq_payload {
	const char *format; /* stable: "usb.string", "ipv4"; never NULL */
	size_t offset; /* where it begins in the bytes given */
	size_t len; /* bytes of it that were looked at: at most what is there */
	size_t whole; /* bytes that it says of itself that it has; 0: it does not say */
	unsigned int bits;
	unsigned int swapped; /* its bytes are swapped in units of 2, 4 or 8; 0: as they are */
	char text[IQ_PAYLOAD_TEXT]; /* a noun phrase for people; printable ASCII */
};

/*
 * One test: P[0 … N-1] is what there is from the supposed beginning on.  Returns the bits, 0: it is not
 * that; fills text, len, whole.
 */
typedef unsigned int (*iq_payload_test)(const uint8_t *p, size_t n, struct iq_payload *m);
struct iq_payload_format {
	const char *name;
	unsigned int least; /* bytes without which the test is not made */
	iq_payload_test test;
};

/* The dictionary's chapters; each ends with a NULL name. */
extern const struct iq_payload_format iq_payload_usb[];
extern const struct iq_payload_format iq_payload_net[];
extern const struct iq_payload_format iq_payload_storage[];
extern const struct iq_payload_format iq_payload_filesystem[];
extern const struct iq_payload_format iq_payload_file[];
extern const struct iq_payload_format iq_payload_machine[];
extern const struct iq_payload_format iq_payload_text[];
extern const struct iq_payload_format iq_payload_magic[];

/*
 * What the LEN bytes at BYTES are, of which FOCUS … FOCUS_END - 1 are those in question: likenesses that
 * begin anywhere and cover some of the latter, at most MAX.  Those with IQ_PAYLOAD_ENOUGH bits come first, in
 * the order in which they begin, then the others, those with more bits first.  Returns their number.
 */
unsigned int iq_payload_find(const uint8_t *bytes, size_t len, size_t focus, size_t focus_end,
			     struct iq_payload *ret, unsigned int max);

/* M's text; returns BITS so that a test can end with it. */
unsigned int iq_payload_say(struct iq_payload *m, unsigned int bits, size_t len, const char *fmt,
			    ...) IQ_PRINTF(4, 5);
/* LEN bytes as text for people, in quotes; what is not printable becomes '.'; ROOM at least 8. */
void iq_payload_quote(const uint8_t *p, size_t len, char *buf, size_t room);

static inline uint16_t iq_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t iq_be32(const uint8_t *p)
{
	return (uint32_t)iq_be16(p) << 16 | iq_be16(p + 2);
}

#endif
