// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Payloads: what USB devices and hosts say.  Descriptors: USB 2.0, chapter 9.6 and USB 3.2, 9.6; bulk-only
 * transport: USB Mass Storage Class 1.0.
 */
#include "payload.h"

/* Primary languages of LANGIDs end in 0x01 … 0x9f and have sublanguages 1 … 20 in the upper six bits. */
static bool language(uint16_t id)
{
	unsigned int primary = id & 0x3ff, sub = id >> 10;

	return primary >= 1 && primary <= 0x9f && sub >= 1 && sub <= 20;
}

static unsigned int string_zero(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int len = p[0], have;

	if (p[1] != 3 || len < 4 || len & 1 || !language(iq_le16(p + 2)))
		return 0;
	/* One language is the rule; a list of many is only one if all of it is. */
	have = (unsigned int)IQ_MIN(len, n);
	for (unsigned int i = 4; i + 2 <= have; i += 2)
		if (!language(iq_le16(p + i)))
			return 0;
	m->whole = len;
	if (len == 4)
		return iq_payload_say(m, iq_le16(p + 2) == 0x0409 ? 32 : 27, 4,
				      "USB string descriptor zero: language 0x%04x%s",
				      iq_le16(p + 2),
				      iq_le16(p + 2) == 0x0409 ? " (US English)" : "");
	return iq_payload_say(m, have >= len && len <= 16 ? 16 + 3 * have / 2 : 0, have,
			      "USB string descriptor zero: %u languages, 0x%04x first", len / 2 - 1,
			      iq_le16(p + 2));
}

/* bLength, 3, UTF-16LE text, of which at least one character must be there. */
static unsigned int string(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int len = p[0], have, chars = 0;
	char text[64];
	size_t at = 0;

	if (p[1] != 3 || len < 4 || len & 1)
		return 0;
	have = (unsigned int)IQ_MIN(len, n);
	for (unsigned int i = 2; i + 2 <= have; i += 2, chars++) {
		if (p[i + 1] || p[i] < 0x20 || p[i] >= 0x7f)
			break;
		if (at + 1 < sizeof(text))
			text[at++] = (char)p[i];
	}
	text[at] = 0;
	/* One character of a longer string: four bytes are all that was written. */
	if (!chars || (chars < 2 && n > 5 && len > 4 && p[2] < '0'))
		return 0;
	m->whole = len;
	return iq_payload_say(m, IQ_MIN(9 + 9 * chars, 200u), 2 + 2 * chars,
			      "USB string descriptor of %u bytes%s \"%s\"", len,
			      2 + 2 * chars < len ? " that begins" : ":", text);
}

static unsigned int device(const uint8_t *p, size_t n, struct iq_payload *m)
{
	uint16_t usb;
	unsigned int bits = 14;

	if (p[0] != 18 || p[1] != 1)
		return 0;
	usb = iq_le16(p + 2);
	if (usb != 0x0100 && usb != 0x0110 && usb != 0x0200 && usb != 0x0201 && usb != 0x0210 &&
	    usb != 0x0300 && usb != 0x0310 && usb != 0x0320)
		return 0;
	bits += 13;
	m->whole = 18;
	if (n < 18)
		return iq_payload_say(m, bits, IQ_MIN(n, 8u), "USB device descriptor (USB %x.%02x)",
				      usb >> 8, usb & 0xff);
	if (p[7] == 8 || p[7] == 16 || p[7] == 32 || p[7] == 64 || p[7] == 9)
		bits += 5;
	if (p[17] >= 1 && p[17] <= 8)
		bits += 5;
	return iq_payload_say(m, bits, 18, "USB device descriptor (USB %x.%02x) of %04x:%04x",
			      usb >> 8, usb & 0xff, iq_le16(p + 8), iq_le16(p + 10));
}

static unsigned int config(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int bits = 16, total;

	if (p[0] != 9 || (p[1] != 2 && p[1] != 7))
		return 0;
	total = iq_le16(p + 2);
	if (total < 9 || total > 4096)
		return 0;
	m->whole = total;
	bits += 4;
	if (n >= 9) {
		if (!p[4] || p[4] > 32 || !(p[7] & 0x80) || p[7] & 0x1f)
			return 0;
		bits += 3 + 6 + 4;
		if (n >= 12 && p[9] >= 8 && p[9] <= 9 && (p[10] == 4 || p[10] == 0x0b))
			bits += 12;
	}
	return iq_payload_say(m, bits, IQ_MIN(n, 9u),
			      "USB configuration descriptor (%u bytes in all)", total);
}

static unsigned int interface(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const uint8_t classes[] = {0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x07,
					  0x08, 0x09, 0x0a, 0x0b, 0x0d, 0x0e, 0x0f,
					  0x10, 0x11, 0xdc, 0xe0, 0xef, 0xfe, 0xff};

	(void)n;
	if (p[0] != 9 || p[1] != 4 || p[2] > 32 || p[3] > 16 || p[4] > 30)
		return 0;
	if (!memchr(classes, p[5], sizeof(classes)))
		return 0;
	m->whole = 9;
	return iq_payload_say(m, 26, IQ_MIN(n, 9u),
			      "USB interface descriptor (interface %u, class 0x%02x)", p[2], p[5]);
}

static unsigned int endpoint(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const char *const kinds[] = {"control", "isochronous", "bulk", "interrupt"};
	unsigned int bits = 16, size;

	if (p[0] != 7 || p[1] != 5 || p[2] & 0x70 || !(p[2] & 0x0f) || p[3] & 0xc0)
		return 0;
	if ((p[3] & 3) != 1 && p[3] & 0x0c)
		return 0;
	bits += 3 + 4;
	if (n >= 6) {
		size = iq_le16(p + 4) & 0x7ff;
		if (!size || size > 1024 || iq_le16(p + 4) >> 13)
			return 0;
		bits += 4;
		if (!(size & (size - 1)))
			bits += 6;
	}
	m->whole = 7;
	return iq_payload_say(m, bits, IQ_MIN(n, 7u),
			      "USB endpoint descriptor (%s %s, endpoint %u)", kinds[p[3] & 3],
			      p[2] & 0x80 ? "in" : "out", p[2] & 15);
}

/* Other descriptors whose length and type are fixed. */
static unsigned int other(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const struct {
		uint8_t len, type;
		const char *name;
	} kinds[] = {
		{10, 6, "device qualifier"},
		{8, 0x0b, "interface association"},
		{5, 0x0f, "BOS"},
		{9, 0x21, "HID"},
		{9, 0x29, "hub"},
		{12, 0x2a, "SuperSpeed hub"},
		{6, 0x30, "SuperSpeed endpoint companion"},
		{7, 0x10, "USB 2.0 extension capability"},
	};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(kinds); i++) {
		unsigned int bits = 14;

		if (p[0] != kinds[i].len || p[1] != kinds[i].type)
			continue;
		m->whole = kinds[i].len;
		if (p[1] == 6 && (iq_le16(p + 2) != 0x0200 && iq_le16(p + 2) != 0x0210))
			return 0;
		if (p[1] == 6)
			bits += 14;
		else if (p[1] == 0x21 && (p[3] > 2 || !p[3] || p[2] > 0x12 || p[4] > 0x23))
			return 0;
		else if (p[1] == 0x21)
			bits += 7 + 3 + 3;
		else if (p[1] == 0x0f &&
			 (iq_le16(p + 2) < 5 || iq_le16(p + 2) > 512 || p[4] > 16 || !p[4]))
			return 0;
		else if (p[1] == 0x0f)
			bits += 7 + 4;
		else if (p[1] == 0x0b && (p[2] > 16 || p[3] < 1 || p[3] > 16))
			return 0;
		else if (p[1] == 0x0b)
			bits += 8;
		else if (p[1] == 0x30 && (p[2] > 15 || p[3] > 31))
			return 0;
		else if (p[1] == 0x30)
			bits += 7;
		else if (p[1] == 0x10 && p[2] != 2)
			return 0;
		else if (p[1] == 0x10)
			bits += 8;
		else if (p[2] < 1 || p[2] > 31)
			return 0;
		else
			bits += 3;
		return iq_payload_say(m, bits, IQ_MIN(n, kinds[i].len), "USB %s descriptor",
				      kinds[i].name);
	}
	return 0;
}

static unsigned int cbw(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int bits = 32;

	if (memcmp(p, "USBC", 4))
		return 0;
	m->whole = 31;
	if (n >= 16 && !(p[12] & 0x7f) && p[13] < 16 && p[14] >= 1 && p[14] <= 16)
		return iq_payload_say(
			m, bits + 15, IQ_MIN(n, 31u),
			"USB mass storage command (CBW), SCSI command 0x%02x, %u bytes", p[15],
			iq_le32(p + 8));
	return iq_payload_say(m, bits, IQ_MIN(n, 8u), "USB mass storage command (CBW)");
}

static unsigned int csw(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "USBS", 4))
		return 0;
	m->whole = 13;
	if (n >= 13 && p[12] <= 2)
		return iq_payload_say(m, 38, 13, "USB mass storage status (CSW), status %u", p[12]);
	return iq_payload_say(m, 32, IQ_MIN(n, 8u), "USB mass storage status (CSW)");
}

/* The eight bytes of a standard control request. */
static unsigned int setup(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const char *const names[] = {"GET_STATUS",
					    "CLEAR_FEATURE",
					    NULL,
					    "SET_FEATURE",
					    NULL,
					    "SET_ADDRESS",
					    "GET_DESCRIPTOR",
					    "SET_DESCRIPTOR",
					    "GET_CONFIGURATION",
					    "SET_CONFIGURATION",
					    "GET_INTERFACE",
					    "SET_INTERFACE"};
	uint16_t value, index, length;

	(void)n;
	if (p[0] & 0x7c || p[1] >= IQ_ARRAY_SIZE(names) || !names[p[1]])
		return 0;
	value = iq_le16(p + 2);
	index = iq_le16(p + 4);
	length = iq_le16(p + 6);
	m->whole = 8;
	if (p[0] == 0x80 && p[1] == 6) {
		if (!p[3] || p[3] > 0x2a || p[2] > 31 || !length || length > 4096)
			return 0;
		if (p[3] == 3 ? (index && !language(index)) : index > 0xff)
			return 0;
		return iq_payload_say(
			m, 16 + 5 + 3 + 6 + 4 + (length <= 255 || length == 512 ? 3 : 0), 8,
			"USB control request GET_DESCRIPTOR(type %u, index %u), %u bytes", p[3],
			p[2], length);
	}
	if ((p[0] == 0x00 && (p[1] == 5 || p[1] == 9) && value < 128 && !index && !length &&
	     value) ||
	    (p[0] == 0x01 && p[1] == 11 && value < 32 && index < 64 && !length) ||
	    (p[0] <= 2 && (p[1] == 1 || p[1] == 3) && value <= 52 && !(index & 0x0f70) && !length &&
	     (value || index)))
		return iq_payload_say(m, 22, 8, "USB control request %s(%u)", names[p[1]], value);
	return 0;
}

const struct iq_payload_format iq_payload_usb[] = {
	{"usb.string_zero", 4, string_zero},
	{"usb.string", 4, string},
	{"usb.device", 4, device},
	{"usb.config", 4, config},
	{"usb.interface", 6, interface},
	{"usb.endpoint", 4, endpoint},
	{"usb.descriptor", 5, other},
	{"usb.cbw", 4, cbw},
	{"usb.csw", 4, csw},
	{"usb.setup", 8, setup},
	{NULL, 0, NULL},
};
