// SPDX-License-Identifier: GPL-2.0-or-later
/* The dictionary of payloads: bytes as standards and captures have them, and what is none of that. */
#include "../../src/diagnose/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct sample {
	const char *hex, *format, *words;
} samples[] = {
	/* USB 2.0, 9.6.7: what a device answers when it is asked for its languages. */
	{"04030904", "usb.string_zero", "language 0x0409"},
	{"3803560069007200", "usb.string", "56 bytes that begins \"Vir\""},
	{"1e035100", "usb.string", "30 bytes"},
	{"12010002000000405e04c5020001010203 01", "usb.device", "045e:02c5"},
	{"0705810200020000", "usb.endpoint", "bulk in"},
	{"8006000100001200", "usb.setup", "GET_DESCRIPTOR"},
	/* RFC 1071's neighbours: a header whose sum is right. */
	{"45000073000040004011b861c0a80001c0a800c7", "ipv4", "192.168.0.1 to 192.168.0.199 (UDP)"},
	{"ffffffffffff525400123456080600010800060400 01", "ethernet", "ARP"},
	{"1f8b0800000000000003", "gzip", "gzip"},
	{"7f454c4602010100000000000000000003003e00", "elf", "64-bit shared object"},
	{"70000300000000 0a00000000 11000000", "scsi.sense", "medium error"},
	{"474554202f696e6465782e68746d6c20", "text.known", "HTTP request"},
	{"7b226e616d65223a2022666f6f222c", "text.json", "JSON"},
	{"4c0069006e0075007800", "text.utf16", "\"Linux\""},
	{"9803080000000200c00000000100000001000000", NULL, NULL},
	{"ffffffffffffffffffffffffffffffff", "fill", "all ones"},
	{"6b6b6b6b6b6b6b6b", "fill", "freed"},
};

static size_t from_hex(const char *hex, uint8_t *out, size_t room)
{
	size_t n = 0;

	for (; *hex; hex += 2) {
		unsigned int byte = 0;

		while (*hex == ' ')
			hex++;
		assert_true(n < room && sscanf(hex, "%2x", &byte) == 1);
		out[n++] = (uint8_t)byte;
	}
	return n;
}

static void test_samples(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(samples); i++) {
		uint8_t bytes[64];
		struct iq_payload found[4];
		size_t n = from_hex(samples[i].hex, bytes, sizeof(bytes));
		unsigned int nr = iq_payload_find(bytes, n, 0, n, found, 4);

		if (!samples[i].format)
			continue;
		if (!nr || strcmp(found[0].format, samples[i].format) ||
		    !strstr(found[0].text, samples[i].words))
			fail_msg("%s: %u, %s, %s", samples[i].hex, nr, nr ? found[0].format : "-",
				 nr ? found[0].text : "-");
	}
}

/* Random bytes are nothing: chance must not reach what is called strong. */
static void test_noise(void **state)
{
	unsigned int strong = 0;

	(void)state;
	srandom(20261122);
	for (unsigned int i = 0; i < 300; i++) {
		uint8_t bytes[256];
		struct iq_payload found[1];

		for (unsigned int j = 0; j < sizeof(bytes); j++)
			bytes[j] = (uint8_t)(random() >> 8);
		strong += iq_payload_find(bytes, sizeof(bytes), 128, 136, found, 1) &&
			  found[0].bits >= IQ_PAYLOAD_STRONG;
	}
	assert_true(strong <= 3);
}

/* The bytes in question say nothing of themselves: only what covers them counts. */
static void test_focus(void **state)
{
	static const uint8_t bytes[] = {0x7f, 'E', 'L', 'F', 2,	   1,	 1,    0,   0, 0,
					0,    0,   0,	0,   0,	   0,	 0,    0,   0, 0,
					0,    0,   0,	0,   0x11, 0x22, 0x33, 0x44};
	struct iq_payload found[2];

	(void)state;
	assert_int_equal(iq_payload_find(bytes, sizeof(bytes), 0, 4, found, 2) > 0, 1);
	assert_string_equal(found[0].format, "elf");
	assert_int_equal(iq_payload_find(bytes, sizeof(bytes), 24, 28, found, 2), 0);
	assert_int_equal(iq_payload_find(bytes, sizeof(bytes), 28, 28, found, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_focus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
