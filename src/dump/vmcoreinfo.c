// SPDX-License-Identifier: GPL-2.0-or-later
/* VMCOREINFO: the kernel's own notes about itself, lines of "KEY=value". */
#include "internal.h"

struct iq_error *iq_vmcoreinfo_set(struct iq_dump *d, const void *text, size_t len)
{
	char *copy;

	/* The note is as long as the page it was made in, the text ends earlier. */
	len = strnlen(text, len);
	if (!len)
		return NULL;
	copy = iq_arena_strndup(&d->arena, text, len);
	if (!copy)
		return iq_error_nomem();
	d->info.vmcoreinfo = copy;
	d->info.vmcoreinfo_len = len;
	return NULL;
}

/* The value of KEY, not terminated; NULL: no such line. */
static const char *find(const char *text, size_t len, const char *key, size_t *value_len)
{
	size_t key_len = strlen(key);
	const char *end;

	/* The first '=' ends a key. */
	if (!text || !key_len || strchr(key, '='))
		return NULL;
	end = text + len;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		const char *stop = nl ? nl : end;

		if ((size_t)(stop - text) > key_len && text[key_len] == '=' &&
		    !memcmp(text, key, key_len)) {
			text += key_len + 1;
			*value_len = (size_t)(stop - text);
			return text;
		}
		text = nl ? nl + 1 : end;
	}
	return NULL;
}

bool iq_vmcoreinfo_get(const char *text, size_t len, const char *key, char *buf, size_t room)
{
	size_t value_len;
	const char *value = find(text, len, key, &value_len);

	if (!value)
		return false;
	if (room) {
		value_len = IQ_MIN(value_len, room - 1);
		memcpy(buf, value, value_len);
		buf[value_len] = '\0';
	}
	return true;
}

/* As iq_vmcoreinfo_get(), but a value that does not fit is no number. */
static bool get_number(const char *text, size_t len, const char *key, char *buf, size_t room)
{
	size_t value_len;
	const char *value = find(text, len, key, &value_len);

	if (!value || value_len >= room || memchr(value, '\0', value_len))
		return false;
	memcpy(buf, value, value_len);
	buf[value_len] = '\0';
	return true;
}

static bool parse_decimal(const char *digits, uint64_t *ret)
{
	/* iq_parse_u64() would take octal. */
	while (digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9')
		digits++;
	return strspn(digits, "0123456789") == strlen(digits) && iq_parse_u64(digits, ret);
}

/*
 * SYMBOL() and KERNELOFFSET are printed with %lx, but SIZE(), OFFSET() and LENGTH() with %lu
 * (include/linux/vmcore_info.h: VMCOREINFO_STRUCT_SIZE and its neighbours).
 */
bool iq_vmcoreinfo_hex(const char *text, size_t len, const char *key, uint64_t *ret)
{
	char number[32];

	if (!get_number(text, len, key, number, sizeof(number)))
		return false;
	if (!strncmp(key, "SIZE(", 5) || !strncmp(key, "OFFSET(", 7) || !strncmp(key, "LENGTH(", 7))
		return parse_decimal(number, ret);
	return iq_parse_hex(number, ret);
}

bool iq_vmcoreinfo_dec(const char *text, size_t len, const char *key, int64_t *ret)
{
	char number[32];
	bool negative;
	uint64_t value;

	if (!get_number(text, len, key, number, sizeof(number)))
		return false;
	/* Some of arm64's (kimage_voffset, PHYS_OFFSET) are printed with 0x. */
	if (number[0] == '0' && number[1] == 'x') {
		if (!iq_parse_hex(number, &value))
			return false;
		*ret = (int64_t)value;
		return true;
	}
	negative = number[0] == '-';
	if (!parse_decimal(number + negative, &value) || value > (uint64_t)INT64_MAX + negative)
		return false;
	*ret = negative ? (int64_t)(0 - value) : (int64_t)value;
	return true;
}
