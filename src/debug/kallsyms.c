// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Look-up in the kernel's own symbol table, as kernel/kallsyms.c does it: an address by binary search
 * in the table of addresses, a name by binary search in seqs_of_names.  Nothing is expanded but
 * blocks of 256 names that a look-up meets; those are kept.
 */
#include "kallsyms.h"
#include <stdlib.h>

/* A block's names with their terminating NULs can fill this. */
#define SCRATCH (IQ_KSYM_BLOCK * (IQ_KSYM_NAME_MAX + 1))

bool iq_ksym_marker(struct iq_kallsyms *k, unsigned int b, uint64_t *offset)
{
	const uint8_t *p = iq_lazy_get(&k->markers, (uint64_t)b * k->marker_size, k->marker_size);

	if (!p)
		return false;
	*offset = iq_le(p, k->marker_size);
	return *offset < k->names.size;
}

/* The length of the name at OFFSET and where its tokens begin. */
static bool name_length(struct iq_kallsyms *k, uint64_t offset, enum iq_ksym_long form,
			unsigned int *len, uint64_t *tokens)
{
	const uint8_t *p = iq_lazy_get(&k->names, offset, 1);

	if (!p)
		return false;
	*len = *p;
	*tokens = offset + 1;
	if (*len < 128 || form == IQ_KSYM_LONG_ONE_BYTE)
		return true;
	p = iq_lazy_get(&k->names, offset + 1, 1);
	if (!p)
		return false;
	*len = (*len & 127) | (unsigned int)*p << 7;
	*tokens = offset + 2;
	return true;
}

bool iq_ksym_skip(struct iq_kallsyms *k, uint64_t offset, unsigned int count,
		  enum iq_ksym_long form, uint64_t *end, bool *saw_long)
{
	while (count--) {
		unsigned int len;

		if (!name_length(k, offset, form, &len, &offset))
			return false;
		if (len >= 128)
			*saw_long = true;
		offset += len;
	}
	*end = offset;
	return true;
}

static unsigned int block_names(const struct iq_kallsyms *k, unsigned int b)
{
	return IQ_MIN(k->symtab.nr - b * IQ_KSYM_BLOCK, IQ_KSYM_BLOCK);
}

/*
 * Do the names of block B end where the next block begins?  If not, a byte of them is damaged and what
 * follows it would be expanded to nonsense.  The first block with a long name also tells how long
 * names are written.
 */
static bool block_is_sound(struct iq_kallsyms *k, unsigned int b, uint64_t start)
{
	bool saw_long = false;
	uint64_t next, end;

	if (b + 1 >= k->nr_blocks)
		return true; /* opening the table has checked the last one */
	/* An unreadable page among the names spoils only the names on it. */
	if (!iq_ksym_marker(k, b + 1, &next) || next <= start ||
	    !iq_lazy_get(&k->names, start, next - start))
		return true;
	if (iq_ksym_skip(k, start, block_names(k, b), k->long_form, &end, &saw_long) &&
	    end == next) {
		if (saw_long && k->long_form == IQ_KSYM_LONG_UNKNOWN)
			k->long_form = IQ_KSYM_LONG_TWO_BYTES;
		return true;
	}
	if (k->long_form != IQ_KSYM_LONG_UNKNOWN ||
	    !iq_ksym_skip(k, start, block_names(k, b), IQ_KSYM_LONG_ONE_BYTE, &end, &saw_long) ||
	    end != next)
		return false;
	k->long_form = IQ_KSYM_LONG_ONE_BYTE;
	return true;
}

/* Expand one name to OUT (IQ_KSYM_NAME_MAX bytes); its length, 0 if it makes no sense. */
static unsigned int expand(const struct iq_kallsyms *k, const uint8_t *tokens, unsigned int count,
			   char *out)
{
	unsigned int len = 0;

	for (unsigned int i = 0; i < count; i++) {
		unsigned int token = tokens[i], add = k->token[token].len;

		if (!k->token[token].printable || len + add > IQ_KSYM_NAME_MAX)
			return 0;
		memcpy(out + len, k->token_text + k->token[token].offset, add);
		len += add;
	}
	return len;
}

static struct iq_ksym_block *expand_block(struct iq_kallsyms *k, unsigned int b)
{
	uint32_t used = 0, offset[IQ_KSYM_BLOCK];
	struct iq_ksym_block *block;
	unsigned int len;
	uint64_t at;
	bool sound;

	memset(offset, 0xff, sizeof(offset));
	sound = iq_ksym_marker(k, b, &at) && block_is_sound(k, b, at);
	for (unsigned int i = 0; sound && i < block_names(k, b); i++) {
		const uint8_t *tokens;
		uint64_t start;

		if (!name_length(k, at, k->long_form, &len, &start))
			break;
		at = start + len;
		tokens = len ? iq_lazy_get(&k->names, start, len) : NULL;
		len = tokens ? expand(k, tokens, len, k->scratch + used) : 0;
		if (len < 2) /* a letter and at least one character of a name */
			continue;
		k->scratch[used + len] = '\0';
		offset[i] = used;
		used += len + 1;
	}
	block = malloc(sizeof(*block) + used);
	if (block) {
		memcpy(block->offset, offset, sizeof(offset));
		memcpy(block->text, k->scratch, used);
	}
	return block;
}

const char *iq_ksym_name(struct iq_kallsyms *k, unsigned int i)
{
	unsigned int b = i / IQ_KSYM_BLOCK;
	uint32_t offset;

	if (!k->blocks[b])
		k->blocks[b] = expand_block(k, b);
	if (!k->blocks[b])
		return NULL;
	offset = k->blocks[b]->offset[i % IQ_KSYM_BLOCK];
	return offset == UINT32_MAX ? NULL : k->blocks[b]->text + offset;
}

bool iq_ksym_address(struct iq_kallsyms *k, unsigned int i, uint64_t *address)
{
	size_t size = k->mode == IQ_KSYM_ABSOLUTE ? 8 : 4;
	const uint8_t *p = iq_lazy_get(&k->addresses, i * size, size);
	int32_t offset;

	if (!p)
		return false;
	offset = (int32_t)iq_le32(p);
	switch (k->mode) {
	case IQ_KSYM_ABSOLUTE:
		*address = iq_le64(p);
		break;
	case IQ_KSYM_PERCPU:
		*address = offset >= 0 ? (uint64_t)offset
				       : k->relative_base - 1 - (uint64_t)(int64_t)offset;
		break;
	case IQ_KSYM_BASE:
		*address = k->relative_base + (uint32_t)offset;
		break;
	default:
		*address = k->addresses.address + i * size + (uint64_t)(int64_t)offset;
	}
	return true;
}

bool iq_ksym_find(struct iq_kallsyms *k, uint64_t address, unsigned int *i)
{
	unsigned int low = 0, high = k->symtab.nr;
	uint64_t at, before;

	if (!iq_ksym_address(k, 0, &at) || at > address)
		return false;
	while (high - low > 1) {
		unsigned int mid = low + (high - low) / 2;

		if (!iq_ksym_address(k, mid, &at))
			return false;
		if (at <= address)
			low = mid;
		else
			high = mid;
	}
	if (!iq_ksym_address(k, low, &at))
		return false;
	while (low && iq_ksym_address(k, low - 1, &before) && before == at)
		low--;
	*i = low;
	return true;
}

/*
 * Where symbol I, which is at ADDRESS, ends: at the next higher address.  The last one of the kernel,
 * and of the per-CPU variables (whose "addresses" are small offsets up to 6.14), ends with its page.
 */
static uint64_t symbol_end(struct iq_kallsyms *k, unsigned int i, uint64_t address)
{
	uint64_t page_end = (address + 4095) & ~UINT64_C(4095), next;

	for (i++; i < k->symtab.nr; i++) {
		if (!iq_ksym_address(k, i, &next))
			return address;
		if (next > address)
			return next >> 63 == address >> 63 ? next : page_end;
	}
	return page_end < address ? UINT64_MAX : page_end;
}

static bool ops_find(struct iq_symtab *t, uint64_t address, unsigned int *i)
{
	return iq_ksym_find((struct iq_kallsyms *)t, address, i);
}

static const char *ops_name(struct iq_symtab *t, unsigned int i)
{
	const char *name = iq_ksym_name((struct iq_kallsyms *)t, i);

	return name ? name + 1 : NULL;
}

static bool ops_get(struct iq_symtab *t, unsigned int i, struct iq_symbol *ret)
{
	struct iq_kallsyms *k = (struct iq_kallsyms *)t;
	const char *name = iq_ksym_name(k, i);
	uint64_t address;

	if (!name || !iq_ksym_address(k, i, &address))
		return false;
	*ret = (struct iq_symbol){.name = name + 1, .type = name[0], .address = address,
				  .size = symbol_end(k, i, address) - address};
	return true;
}

/* Symbol number at place I in the order of names, and how its name compares with NAME. */
static bool seq_compare(struct iq_kallsyms *k, unsigned int i, const char *name,
			unsigned int *symbol, int *order)
{
	const uint8_t *p = iq_lazy_get(&k->seqs, (uint64_t)i * 3, 3);
	const char *other;

	if (!p)
		return false;
	*symbol = (unsigned int)p[0] << 16 | (unsigned int)p[1] << 8 | p[2];
	other = *symbol < k->symtab.nr ? iq_ksym_name(k, *symbol) : NULL;
	if (!other)
		return false;
	*order = strcmp(name, other + 1);
	return true;
}

/*
 * By name through seqs_of_names, where symbols of one name follow each other by rising number.
 * *KNOWN stays false if this way cannot tell.  Names with a dot are left to the index: kernels
 * built with link-time optimisation order them by the part in front of a compiler's suffix.
 */
static bool ops_by_name(struct iq_symtab *t, const char *name, unsigned int first, unsigned int *i,
			bool *known)
{
	struct iq_kallsyms *k = (struct iq_kallsyms *)t;
	unsigned int low = 0, high = t->nr, symbol;
	int order;

	if (!k->seqs.bytes || strchr(name, '.'))
		return false;
	/* The first place whose (name, number) is not below (NAME, FIRST). */
	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (!seq_compare(k, mid, name, &symbol, &order))
			return false;
		if (order > 0 || (order == 0 && symbol < first))
			low = mid + 1;
		else
			high = mid;
	}
	if (low == t->nr) {
		*known = true;
		return false;
	}
	if (!seq_compare(k, low, name, &symbol, &order))
		return false;
	*known = true;
	*i = symbol;
	return order == 0;
}

static void ops_close(struct iq_symtab *t)
{
	struct iq_kallsyms *k = (struct iq_kallsyms *)t;

	for (unsigned int b = 0; k->blocks && b < k->nr_blocks; b++)
		free(k->blocks[b]);
	free(k->blocks);
	free(k->scratch);
	free(k->token_text);
	iq_lazy_close(&k->addresses);
	iq_lazy_close(&k->names);
	iq_lazy_close(&k->markers);
	iq_lazy_close(&k->seqs);
	free(k);
}

static const struct iq_symtab_ops ops = {
	.find = ops_find,
	.get = ops_get,
	.name = ops_name,
	.by_name = ops_by_name,
	.close = ops_close,
};

struct iq_kallsyms *iq_ksym_new(struct iq_vm *vm)
{
	struct iq_kallsyms *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->symtab.ops = &ops;
	k->symtab.source = "kallsyms in the dump";
	k->vm = vm;
	k->scratch = malloc(SCRATCH);
	if (!k->scratch) {
		free(k);
		return NULL;
	}
	return k;
}
