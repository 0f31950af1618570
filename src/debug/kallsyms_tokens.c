// SPDX-License-Identifier: GPL-2.0-or-later
/* The token tables of kallsyms: reading them, and recognising them. */
#include "kallsyms.h"
#include <stdlib.h>

#define INDEX_SIZE 512U
/* Offsets are of 16 bits, and the last token follows the last offset. */
#define TABLE_MAX (65536U + IQ_KSYM_NAME_MAX + 1)

/* Offsets of tokens begin with 0 and rise: even an empty token has its NUL. */
static bool index_rises(const uint8_t *index)
{
	if (iq_le16(index))
		return false;
	for (unsigned int i = 1; i < 256; i++) {
		if (iq_le16(index + 2 * i) <= iq_le16(index + 2 * i - 2))
			return false;
	}
	return true;
}

/* Characters that names consist of are tokens of themselves. */
static bool letters_stand_for_themselves(const char *table, const uint8_t *index)
{
	static const char some[] = "0123456789ABCD_";

	for (const char *c = some; *c; c++) {
		const char *token = table + iq_le16(index + 2 * (uint8_t)*c);

		if (token[0] != *c || token[1])
			return false;
	}
	return true;
}

/*
 * Bytes of the table at ADDRESS up to the last token's NUL, in BUF (TABLE_MAX bytes, zeroed); 0 if
 * it is not the table of INDEX.  Reads as far as memory goes.
 */
static size_t read_table(struct iq_vm *vm, uint64_t address, const uint8_t *index, char *buf)
{
	size_t last = iq_le16(index + 2 * 255), want = last + IQ_KSYM_NAME_MAX + 1, len;

	if (iq_vm_read(vm, address, buf, last + 1, NULL))
		return 0;
	/* What is behind the last token's first byte need not be readable as far as that. */
	for (len = last + 1; len < want && buf[len - 1]; len++) {
		if (iq_vm_read(vm, address + len, buf + len, 1, NULL))
			return 0;
	}
	if (buf[len - 1])
		return 0;
	for (unsigned int i = 1; i < 256; i++) {
		size_t start = iq_le16(index + 2 * i - 2), end = iq_le16(index + 2 * i) - 1U;

		if (memchr(buf + start, '\0', end + 1 - start) != buf + end)
			return 0;
	}
	return letters_stand_for_themselves(buf, index) ? len : 0;
}

struct iq_error *iq_ksym_tokens(struct iq_kallsyms *k, uint64_t table, uint64_t index)
{
	uint8_t offsets[INDEX_SIZE];
	size_t len = 0;

	IQ_TRY(iq_vm_read_or(k->vm, index, offsets, sizeof(offsets), "kallsyms_token_index"));
	k->token_text = calloc(1, TABLE_MAX);
	if (!k->token_text)
		return iq_error_nomem();
	if (index_rises(offsets))
		len = read_table(k->vm, table, offsets, k->token_text);
	if (!len)
		return iq_error_new(IQ_E_FORMAT, "no kallsyms token tables at %#llx and %#llx",
				    (unsigned long long)table, (unsigned long long)index);
	for (unsigned int i = 0; i < 256; i++) {
		const char *token = k->token_text + iq_le16(offsets + 2 * i);

		k->token[i].offset = iq_le16(offsets + 2 * i);
		k->token[i].len = (uint16_t)strlen(token);
		k->token[i].printable = true;
		for (const char *c = token; *c; c++) {
			if ((uint8_t)*c <= ' ' || (uint8_t)*c >= 127)
				k->token[i].printable = false;
		}
	}
	return NULL;
}

uint64_t iq_ksym_table_before(struct iq_vm *vm, uint64_t address, const uint8_t *index)
{
	uint64_t found = 0;
	size_t last, size;
	char *buf;

	if (!index_rises(index))
		return 0;
	buf = calloc(1, TABLE_MAX);
	if (!buf)
		return 0;
	/* The last token's length is not known: it is at least one character, or nothing. */
	last = iq_le16(index + 2 * 255);
	size = iq_ksym_align(last + 1, 4);
	for (; !found && size <= last + IQ_KSYM_NAME_MAX && size <= address; size += 4) {
		size_t len = read_table(vm, address - size, index, buf);

		if (len && len <= size && size - len < 8)
			found = address - size;
		memset(buf, 0, TABLE_MAX);
	}
	free(buf);
	return found;
}

/* Does an index of tokens lie at ADDRESS? */
static bool index_at(struct iq_vm *vm, uint64_t address)
{
	uint8_t index[INDEX_SIZE];

	return !iq_vm_read(vm, address, index, sizeof(index), NULL) && index_rises(index);
}

uint64_t iq_ksym_index_behind(struct iq_vm *vm, uint64_t table)
{
	unsigned int strings = 0;
	uint64_t end;
	size_t len = 0;
	char *buf = malloc(TABLE_MAX);

	while (buf && strings < 256 && len < TABLE_MAX) {
		/* Small pieces: the table may be the last thing that is readable. */
		size_t piece = IQ_MIN(8 - (table + len) % 8, TABLE_MAX - len);

		if (iq_vm_read(vm, table + len, buf + len, piece, NULL))
			break;
		for (size_t stop = len + piece; len < stop && strings < 256; len++)
			strings += !buf[len];
	}
	free(buf);
	if (strings < 256)
		return 0;
	end = iq_ksym_align(table + len, 4);
	return index_at(vm, end) ? end : iq_ksym_align(table + len, 8);
}
