// SPDX-License-Identifier: GPL-2.0-or-later
/* Values as the JSON contract (docs/json.md) wants them. */
#include "internal.h"
#include <inttypes.h>
#include <stdlib.h>

json_t *json_address(uint64_t a)
{
	return json_sprintf("0x%" PRIx64, a);
}

/* Length of the valid UTF-8 sequence at S (LEN bytes are there); 0: it is none. */
static unsigned int utf8_sequence(const uint8_t *s, size_t len)
{
	uint8_t low = 0x80, high = 0xbf;
	unsigned int n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	/* No overlong forms, no surrogates, nothing above U+10FFFF. */
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	for (unsigned int i = 1; i < n; i++) {
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

json_t *json_text(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;
	struct iq_buf out = {0};
	json_t *text;

	for (size_t i = 0; i < len;) {
		unsigned int n = utf8_sequence(p + i, len - i);

		if (n) {
			iq_buf_add(&out, p + i, n);
			i += n;
		} else {
			iq_buf_putc(&out, (char)(0xc0 | p[i] >> 6));
			iq_buf_putc(&out, (char)(0x80 | (p[i] & 0x3f)));
			i++;
		}
	}
	text = out.failed ? NULL : json_stringn(iq_buf_str(&out), out.len);
	iq_buf_free(&out);
	return text;
}

json_t *json_regs(const struct iq_arch *a, const struct iq_regs *r)
{
	json_t *regs = json_object();

	for (unsigned int i = 0; i < a->nr_regs && i < IQ_MAX_REGS; i++) {
		if (iq_reg_known(r, i))
			json_object_set_new(regs, a->reg_names[i], json_address(r->value[i]));
	}
	return regs;
}

static json_t *warning_list(struct iq_warnings *w)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < w->nr; i++)
		json_array_append_new(list, json_text(w->text[i], strlen(w->text[i])));
	if (w->dropped)
		json_array_append_new(list, json_sprintf("%u more warnings", w->dropped));
	iq_warnings_clear(w);
	return list;
}

void json_command(struct session *s, const char *as_typed, json_t *result, bool has_result,
		  const struct iq_error *err, struct iq_buf *out)
{
	/* Everything but printable ASCII leaves as an escape: safe on any terminal. */
	size_t flags = JSON_ENSURE_ASCII | (s->json_pretty ? JSON_INDENT(2) : JSON_COMPACT);
	json_t *object = json_object(), *problem;
	char *text;

	json_object_set_new(object, "command",
			    as_typed ? json_text(as_typed, strlen(as_typed)) : json_null());
	/* What can be shown is shown; what went wrong then is a warning and the exit status. */
	if (err && has_result)
		iq_warn(&s->warnings, "%s", err->message);
	if (err && !has_result) {
		problem = json_object();
		json_object_set_new(problem, "message",
				    json_text(err->message, strlen(err->message)));
		json_object_set_new(problem, "hint",
				    err->hint ? json_text(err->hint, strlen(err->hint))
					      : json_null());
		json_object_set_new(object, "error", problem);
	} else {
		json_object_set_new(object, "result", result ? result : json_null());
		result = NULL;
	}
	json_decref(result);
	json_object_set_new(object, "warnings", warning_list(&s->warnings));
	text = json_dumps(object, flags);
	json_decref(object);
	if (text) {
		/* DEL is ASCII, which jansson leaves as it is: the one control character that gets here. */
		for (const char *p = text, *del; *p; p = del + (*del != '\0')) {
			del = strchrnul(p, 0x7f);
			iq_buf_add(out, p, (size_t)(del - p));
			iq_buf_puts(out, *del ? "\\u007f" : "\n");
		}
	} else {
		out->failed = true;
	}
	free(text);
}
