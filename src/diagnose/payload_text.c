// SPDX-License-Identifier: GPL-2.0-or-later
/* Payloads: text: ASCII, UTF-8, UTF-16, and what kind of text it is. */
#include "payload.h"

#include <ctype.h>

/* Length of a valid UTF-8 sequence of two to four bytes at P; 0: none. */
static size_t utf8(const uint8_t *p, size_t n)
{
	size_t len = p[0] >= 0xc2 && p[0] < 0xe0   ? 2
		     : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
		     : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
						   : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* Bytes of text from P on; *BITS is what they are worth, *LETTERS how many are letters or blanks. */
static size_t run(const uint8_t *p, size_t n, unsigned int *bits, unsigned int *letters)
{
	unsigned int tenths = 0;
	size_t len = 0;

	*letters = 0;
	while (len < n && len < 256) {
		size_t wide = utf8(p + len, n - len);

		if (isascii(p[len]) && (isalnum(p[len]) || p[len] == ' ')) {
			tenths += 20;
			++*letters;
		} else if ((p[len] >= 0x21 && p[len] < 0x7f) || p[len] == '\n' || p[len] == '\t' ||
			   p[len] == '\r') {
			tenths += 13;
		} else if (wide) {
			tenths += wide == 2 ? 50 : 90;
			++*letters;
			len += wide - 1;
		} else {
			break;
		}
		len++;
	}
	*bits = tenths / 10;
	return len;
}

static unsigned int plain(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int bits, letters;
	size_t len = run(p, n, &bits, &letters);
	char text[72];

	/* Letters are what text is made of. */
	if (len < 6 || letters * 3 < len * 2 - len / 2)
		return 0;
	iq_payload_quote(p, len, text, sizeof(text));
	return iq_payload_say(m, IQ_MIN(bits, 90u), len, "text %s", text);
}

static bool is_hex(uint8_t c)
{
	return isascii(c) && isxdigit(c);
}

static unsigned int uuid(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int len = 0;

	while (len < 36 && len < n &&
	       (len == 8 || len == 13 || len == 18 || len == 23 ? p[len] == '-' : is_hex(p[len])))
		len++;
	if (len < 36)
		return len >= 14 ? iq_payload_say(m, 3 * len, len, "a UUID as text") : 0;
	return iq_payload_say(m, 140, 36, "the UUID %.36s as text", (const char *)p);
}

static unsigned int base64(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int upper = 0, lower = 0, digits = 0, changes = 0;
	size_t len = 0;
	char text[48];

	while (len < n && len < 256) {
		uint8_t c = p[len];
		unsigned int before = upper + lower * 256;

		if (!isascii(c) || (!isalnum(c) && c != '+' && c != '/' && c != '='))
			break;
		if (c == '=' && (len % 4 < 2 || (len % 4 == 2 && len + 1 < n && p[len + 1] != '=')))
			break;
		upper += isupper(c) != 0;
		lower += islower(c) != 0;
		digits += isdigit(c) != 0;
		changes += before != upper + lower * 256;
		len++;
		if (c == '=' && len % 4 == 0)
			break;
	}
	(void)changes;
	if (len < 16 || upper < len / 6 || lower < len / 6 || !digits)
		return 0;
	iq_payload_quote(p, len, text, sizeof(text));
	return iq_payload_say(m, (unsigned int)IQ_MIN(2 * len + 4, (size_t)94), len,
			      "base64 text %s", text);
}

static unsigned int hex_text(const uint8_t *p, size_t n, struct iq_payload *m)
{
	size_t len = 0;
	unsigned int digits = 0, letters = 0;
	char text[48];

	while (len < n && len < 256 && is_hex(p[len])) {
		digits += isdigit(p[len]) != 0;
		letters += !isdigit(p[len]);
		len++;
	}
	if (len < 16 || !digits || !letters)
		return 0;
	iq_payload_quote(p, len, text, sizeof(text));
	return iq_payload_say(m, (unsigned int)IQ_MIN(7 * len / 2, (size_t)95), len,
			      "hexadecimal digits %s", text);
}

/* Words with which texts of a kind begin. */
static unsigned int known(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const struct {
		const char *start, *kind;
	} kinds[] = {
		{"GET ", "HTTP request"},
		{"POST", "HTTP request"},
		{"PUT /", "HTTP request"},
		{"HEAD /", "HTTP request"},
		{"DELETE /", "HTTP request"},
		{"OPTIONS ", "HTTP or RTSP request"},
		{"CONNECT ", "HTTP request"},
		{"HTTP", "HTTP answer"},
		{"HTTP/2", "HTTP answer"},
		{"Host: ", "HTTP header"},
		{"Content-", "HTTP or mail header"},
		{"User-Agent:", "HTTP header"},
		{"Accept: ", "HTTP header"},
		{"Cookie: ", "HTTP header"},
		{"<?xml", "XML"},
		{"<!DOCTYPE", "HTML"},
		{"<html", "HTML"},
		{"<HTML", "HTML"},
		{"<?php", "PHP source"},
		{"http://", "URL"},
		{"https://", "URL"},
		{"From: ", "mail header"},
		{"Received: ", "mail header"},
		{"Subject: ", "mail header"},
		{"EHLO ", "SMTP command"},
		{"MAIL FROM", "SMTP command"},
		{"220 ", "SMTP or FTP greeting"},
		{"INVITE sip", "SIP request"},
		{"SIP/2.0", "SIP answer"},
		{"M-SEARCH ", "SSDP request"},
		{"NOTIFY * ", "SSDP message"},
		{"SELECT ", "SQL statement"},
		{"INSERT INTO", "SQL statement"},
		{"UPDATE ", "SQL statement"},
		{"CREATE TABLE", "SQL statement"},
		{"#include ", "C source"},
		{"#define ", "C source"},
		{"#!/", "script"},
		{"import ", "source code"},
		{"def ", "Python source"},
		{"ssh-rsa ", "SSH public key"},
		{"ssh-ed25519", "SSH public key"},
		{"SSH-2.0-", "SSH greeting"},
		{"-----BEG", "PEM block"},
		{"/usr/", "path"},
		{"/home/", "path"},
		{"/proc/", "path"},
		{"/sys/", "path"},
		{"/dev/", "path"},
		{"/var/", "path"},
		{"/lib/", "path"},
		{"/etc/", "path"},
		{"PATH=", "environment"},
		{"LANG=", "environment"},
		{"HOME=", "environment"},
		{"ACTION=", "uevent"},
		{"SUBSYSTEM=", "uevent"},
		{"DEVPATH=", "uevent"},
		{"PING", "Redis or IRC command"},
		{"*1\r\n$", "Redis request"},
		{"*2\r\n$", "Redis request"},
		{"*3\r\n$", "Redis request"},
		{"set ", "memcached command"},
		{"%!PS", "PostScript document"},
		{"%YAML", "YAML"},
		{"---\n", "YAML"},
		{"BEGIN:V", "vCard or calendar"},
		{"\xef\xbb\xbf", "UTF-8 text with a byte order mark"},
	};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(kinds); i++) {
		size_t start = strlen(kinds[i].start), len;
		unsigned int bits, letters;
		char text[72];

		if (n < start || memcmp(p, kinds[i].start, start))
			continue;
		len = run(p, n, &bits, &letters);
		len = IQ_MAX(len, start);
		iq_payload_quote(p, len, text, sizeof(text));
		return iq_payload_say(m, (unsigned int)IQ_MIN(5 * start + bits, (size_t)120), len,
				      "%s %s", kinds[i].kind, text);
	}
	return 0;
}

static unsigned int json(const uint8_t *p, size_t n, struct iq_payload *m)
{
	size_t at = p[0] == '[' ? 1 : 0, len;
	unsigned int bits, letters;
	char text[72];

	while (at < n && at < 8 && (p[at] == ' ' || p[at] == '\n'))
		at++;
	if (at >= n || p[at] != '{')
		return 0;
	at++;
	while (at < n && at < 16 &&
	       (p[at] == ' ' || p[at] == '\n' || p[at] == '\r' || p[at] == '\t'))
		at++;
	if (at >= n || p[at++] != '"')
		return 0;
	len = at;
	while (len < n && len < at + 64 &&
	       (isalnum(p[len]) || p[len] == '_' || p[len] == '-' || p[len] == '.'))
		len++;
	if (len == at)
		return 0;
	/* The key may be cut off by the end of what was written. */
	if (len < n && p[len] == '"') {
		len = run(p, n, &bits, &letters);
		bits += 20;
	} else if (len - at >= 3) {
		bits = 16 + 2 * (unsigned int)(len - at);
	} else {
		return 0;
	}
	iq_payload_quote(p, len, text, sizeof(text));
	return iq_payload_say(m, IQ_MIN(bits, 120u), len, "JSON %s", text);
}

static unsigned int syslog_line(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int at = 1, letters, bits;
	size_t len;
	char text[72];

	if (p[0] != '<')
		return 0;
	while (at < n && at < 4 && isdigit(p[at]))
		at++;
	if (at == 1 || at >= n || p[at] != '>')
		return 0;
	len = run(p, n, &bits, &letters);
	if (len < 12)
		return 0;
	iq_payload_quote(p, len, text, sizeof(text));
	return iq_payload_say(m, IQ_MIN(bits + 8, 110u), len, "syslog message %s", text);
}

static unsigned int utf16(const uint8_t *p, size_t n, struct iq_payload *m, bool big)
{
	unsigned int chars = 0, letters = 0;
	char text[72];
	size_t at = 0;

	while (2u * (chars + 1) <= n && chars < 128) {
		uint8_t low = p[2 * chars + big], high = p[2 * chars + !big];

		if (high || low < 0x20 || low >= 0x7f)
			break;
		letters += isalnum(low) || low == ' ';
		if (at + 1 < sizeof(text))
			text[at++] = (char)low;
		chars++;
	}
	text[at] = 0;
	if (chars < 3 || letters * 2 < chars)
		return 0;
	return iq_payload_say(m, IQ_MIN(7 * chars, 100u), 2 * chars, "UTF-16%s text \"%s\"",
			      big ? " (big endian)" : "", text);
}

static unsigned int utf16_le(const uint8_t *p, size_t n, struct iq_payload *m)
{
	return utf16(p, n, m, false);
}

static unsigned int utf16_be(const uint8_t *p, size_t n, struct iq_payload *m)
{
	/* One character further on it would be little endian just as well. */
	return utf16(p, n, m, true) && m->len >= 8 ? utf16(p, n, m, true) - 1 : 0;
}

const struct iq_payload_format iq_payload_text[] = {
	{"text", 6, plain},
	{"text.known", 4, known},
	{"text.uuid", 14, uuid},
	{"text.base64", 16, base64},
	{"text.hex", 16, hex_text},
	{"text.json", 5, json},
	{"text.syslog", 12, syslog_line},
	{"text.utf16", 6, utf16_le},
	{"text.utf16be", 6, utf16_be},
	{NULL, 0, NULL},
};
