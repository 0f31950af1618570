// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers from text. */
#include <inquest/base.h>

static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned int)(c - 'A') + 10;
	return 16;
}

static bool parse(const char *s, unsigned int base, uint64_t *ret)
{
	uint64_t value = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		unsigned int digit = digit_value(*s);

		if (digit >= base || iq_mul_overflows(value, base, &value) ||
		    iq_add_overflows(value, digit, &value))
			return false;
	}
	*ret = value;
	return true;
}

static bool has_hex_prefix(const char *s)
{
	return s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
}

bool iq_parse_u64(const char *s, uint64_t *ret)
{
	if (has_hex_prefix(s))
		return parse(s + 2, 16, ret);
	return parse(s, s[0] == '0' ? 8 : 10, ret);
}

bool iq_parse_hex(const char *s, uint64_t *ret)
{
	return parse(has_hex_prefix(s) ? s + 2 : s, 16, ret);
}
