// SPDX-License-Identifier: GPL-2.0-or-later
/* Values as the JSON contract (docs/json.md) wants them. */
#include "cli.h"
#include <inttypes.h>

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
