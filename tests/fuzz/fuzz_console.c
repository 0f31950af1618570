// SPDX-License-Identifier: GPL-2.0-or-later
/* A console log of any content is read and classified. */
#include <inquest/console.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_console *c;
	struct iq_error *err = iq_console_read((const char *)data, size, &c);

	if (err) {
		iq_error_free(err);
		return 0;
	}
	if ((unsigned int)c->analysis.event.class >= IQ_CLASSES || !c->analysis.verdict ||
	    !c->analysis.event.message || (c->analysis.event.class == IQ_CLASS_NONE && c->line))
		__builtin_trap();
	for (unsigned int i = 0; i < c->nr_frames; i++) {
		if (!c->frames[i].function)
			__builtin_trap();
	}
	iq_console_free(c);
	return 0;
}
