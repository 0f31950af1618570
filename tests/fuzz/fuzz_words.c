// SPDX-License-Identifier: GPL-2.0-or-later
/* Fuzz: lines as typed, and text from a dump on its way into JSON. */
#include "../../src/cli/internal.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void split_all(const char *text)
{
	struct line l = {0};
	struct words w = {0};
	struct iq_error *err;

	err = line_split(text, &l);
	for (unsigned int i = 0; !err && i < l.nr; i++) {
		/* A part that was taken can be cut into words, whichever way. */
		for (unsigned int how = 0; how < 4; how++) {
			err = words_split(l.part[i].text, how & 1, how & 2, &w);
			if (!err)
				words_free(&w);
			iq_error_free(err);
			err = NULL;
		}
		free(words_first(l.part[i].text));
	}
	iq_error_free(err);
	line_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	json_t *json = json_text((const char *)data, size);

	/* Whatever the bytes are, JSON can hold them. */
	if (!text || !json)
		abort();
	split_all(text);
	free(text);
	json_decref(json);
	return 0;
}
