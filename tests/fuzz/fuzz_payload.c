// SPDX-License-Identifier: GPL-2.0-or-later
/* The dictionary of payloads on any bytes: the first two say which of the rest are in question. */
#include "../../src/diagnose/payload.h"

#include <assert.h>
#include <ctype.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_payload found[8];
	unsigned int nr;
	size_t focus;

	if (size < 3 || size > 1024)
		return 0;
	focus = data[0] % (size - 2);
	nr = iq_payload_find(data + 2, size - 2, focus, focus + 1 + data[1] % 16, found, 8);
	assert(nr <= 8);
	for (unsigned int i = 0; i < nr; i++) {
		assert(found[i].offset < size - 2 && found[i].len);
		assert(i == 0 || found[i].bits <= found[i - 1].bits ||
		       (found[i].bits >= IQ_PAYLOAD_ENOUGH && found[i].offset > found[i - 1].offset));
		assert(strlen(found[i].text) < IQ_PAYLOAD_TEXT);
		for (const char *c = found[i].text; *c; c++)
			assert(*c >= 0x20 && *c < 0x7f);
	}
	return 0;
}
