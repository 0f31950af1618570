// SPDX-License-Identifier: GPL-2.0-or-later
/* What every command begins with: options, by getopt's conventions without its globals, and its result. */
#include "cli.h"
#include <stdlib.h>

/* "-a, -c or -d": the letters of SPEC. */
static void list_letters(const char *spec, struct iq_buf *out)
{
	bool first = true;

	for (const char *p = spec; *p; p++) {
		if (*p == ':')
			continue;
		if (!first)
			iq_buf_puts(out, p[1] && strcmp(p + 1, ":") ? ", " : " or ");
		iq_buf_printf(out, "-%c", *p);
		first = false;
	}
}

static int unknown(char letter, const char *spec, struct iq_error **err)
{
	struct iq_buf letters = {0};

	list_letters(spec, &letters);
	*err = iq_error_new(IQ_E_USAGE, "unknown option -%c", letter);
	if (letters.len)
		*err = iq_error_hint(*err, "it takes %s", iq_buf_str(&letters));
	else
		*err = iq_error_hint(*err, "it takes no options");
	iq_buf_free(&letters);
	return '?';
}

int next_option(struct options *o, const char *spec, struct iq_error **err)
{
	const char *word, *at;
	char letter;

	*err = NULL;
	o->value = NULL;
	if (o->index == 0)
		o->index = 1;
	if (o->sub == 0) {
		if (o->index >= o->argc)
			return -1;
		word = o->argv[o->index];
		if (word[0] != '-' || word[1] == '\0')
			return -1;
		if (!strcmp(word, "--")) {
			o->index++;
			return -1;
		}
		/* A negative number is a word, unless there is an option of that digit. */
		if (word[1] >= '0' && word[1] <= '9' && !strchr(spec, word[1]))
			return -1;
		o->sub = 1;
	}
	word = o->argv[o->index];
	letter = word[o->sub++];
	at = letter == ':' ? NULL : strchr(spec, letter);
	if (!at)
		return unknown(letter, spec, err);
	if (at[1] == ':') {
		if (word[o->sub]) {
			o->value = word + o->sub;
		} else if (o->index + 1 < o->argc) {
			o->value = o->argv[++o->index];
		} else {
			*err = iq_error_new(IQ_E_USAGE, "option -%c needs a value", letter);
			return '?';
		}
		o->index++;
		o->sub = 0;
	} else if (!word[o->sub]) {
		o->index++;
		o->sub = 0;
	}
	return letter;
}

struct iq_error *fill_result(struct session *s, int argc, char **argv, size_t size,
			     struct iq_error *(*fill)(struct session *s, int argc, char **argv, void *data),
			     const struct result_ops *ops, struct result *r)
{
	void *data = calloc(1, size);
	struct iq_error *err;

	if (!data)
		return iq_error_nomem();
	err = fill(s, argc, argv, data);
	if (err && !(ops->some && ops->some(data)))
		ops->free(data);
	else
		*r = (struct result){ops, data};
	return err;
}
