// SPDX-License-Identifier: GPL-2.0-or-later
/* Expressions of any content, with and without crash's habit of hexadecimal; no kernel behind them. */
#include <inquest/inspect.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct iq_scope *s, const char *text)
{
	struct iq_value v;
	uint64_t value, again;
	struct iq_error *err = iq_eval(s, text, &v);

	if (!err) {
		struct iq_format f = {.letter = "\0xduotcaz"[strlen(text) % 9]};
		struct iq_buf out = {0};

		iq_value_show(s, &v, &f, &out);
		iq_buf_free(&out);
	}
	iq_error_free(err);
	err = iq_eval_u64(s, text, &value);
	/* Without symbols an address is what any value is. */
	if (!err && (iq_eval_address(s, text, &again) || again != value))
		__builtin_trap();
	iq_error_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_scope plain = {0}, hex = {.bare_hex = true};
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	use(&plain, text);
	use(&hex, text);
	free(text);
	return 0;
}
