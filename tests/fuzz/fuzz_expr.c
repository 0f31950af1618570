// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Expressions of any content, with and without crash's habit of hexadecimal, with variables and history; no
 * kernel behind them.
 */
#include <inquest/inspect.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct iq_scope *s, const char *text)
{
	struct iq_value v;
	uint64_t value;
	struct iq_error *err = iq_eval(s, text, &v);

	if (!err) {
		struct iq_format f = {.letter = "\0xduotcazs"[strlen(text) % 10],
				      .radix = strlen(text) % 3,
				      .repeats = strlen(text) % 5};
		struct iq_buf out = {0};

		iq_value_show(s, &v, &f, &out);
		iq_buf_free(&out);
		err = iq_history_add(s->variables, &v, NULL);
	}
	iq_error_free(err);
	err = iq_eval_u64(s, text, &value);
	iq_error_free(err);
	err = iq_eval_address(s, text, &value);
	iq_error_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_arena arena = {0};
	struct iq_scope s = {.arena = &arena};
	char *text = malloc(size + 1), *save = NULL;
	struct iq_error *err = iq_variables_new(&s.variables);

	if (text && !err) {
		memcpy(text, data, size);
		text[size] = 0;
		/* Lines use the variables of those before them. */
		for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			s.bare_hex = *line == 'f';
			use(&s, line);
		}
	}
	free(text);
	iq_error_free(err);
	iq_variables_free(s.variables);
	iq_arena_free(&arena);
	return 0;
}
