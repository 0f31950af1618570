// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Look-up in the kernel's own symbol table, as kernel/kallsyms.c does it: an address by binary
 * search in the table of addresses, a name by binary search in seqs_of_names.  Nothing is
 * expanded but the names that a search meets, and the blocks of 256 names around those that are
 * handed out, which are kept.
 */
#include "kallsyms.h"
#include <stdlib.h>

/* Tokens are copied in pieces of this size, which most of them do not fill. */
#define PIECE 16
/* A block's names with their terminating NULs can fill this. */
#define SCRATCH (IQ_KSYM_BLOCK * (IQ_KSYM_NAME_MAX + 1) + PIECE)

bool iq_ksym_marker(struct iq_kallsyms *k, unsigned int b, uint64_t *offset)
{
	const uint8_t *p = iq_lazy_get(&k->markers, (uint64_t)b * k->marker_size, k->marker_size);

	if (!p)
		return false;
	*offset = iq_le(p, k->marker_size);
	return *offset < k->names.size;
}

/*
 * The name that begins at P, LEN > 0 bytes before the end: number of its tokens, and in *LEAD of
 * the bytes before them.
 */
static unsigned int name_length(const uint8_t *p, size_t len, enum iq_ksym_long form,
				unsigned int *lead)
{
	*lead = 1;
	if (*p < 128 || form == IQ_KSYM_LONG_ONE_BYTE || len < 2)
		return *p;
	*lead = 2;
	return (*p & 127U) | (unsigned int)p[1] << 7;
}

bool iq_ksym_skip(const uint8_t *p, size_t len, unsigned int count, enum iq_ksym_long form,
		  size_t *used, bool *saw_long)
{
	size_t at = 0;

	while (count--) {
		unsigned int lead, tokens;

		if (at >= len)
			return false;
		tokens = name_length(p + at, len - at, form, &lead);
		*saw_long = *saw_long || p[at] >= 128;
		at += lead + tokens;
	}
	*used = at;
	return at <= len;
}

static unsigned int block_names(const struct iq_kallsyms *k, unsigned int b)
{
	return IQ_MIN(k->symtab.nr - b * IQ_KSYM_BLOCK, IQ_KSYM_BLOCK);
}

/*
 * Do the names of block B, the LEN bytes at P, end where the next block begins?  If not, a byte of
 * them is damaged and what follows it would be expanded to nonsense.  The first block with a long
 * name also tells how long names are written.
 */
static bool block_is_sound(struct iq_kallsyms *k, unsigned int b, const uint8_t *p, size_t len)
{
	/* Behind the last name up to 7 bytes align the markers. */
	size_t slack = b + 1 < k->nr_blocks ? 0 : 7, used;

	for (enum iq_ksym_long form = IQ_KSYM_LONG_TWO_BYTES;; form = IQ_KSYM_LONG_ONE_BYTE) {
		bool saw_long = false;

		if ((!k->long_form || k->long_form == form) &&
		    iq_ksym_skip(p, len, block_names(k, b), form, &used, &saw_long) &&
		    len - used <= slack) {
			if (saw_long)
				k->long_form = form;
			return true;
		}
		if (form == IQ_KSYM_LONG_ONE_BYTE)
			return false;
	}
}

/* The names of block B as they lie in the table; NULL: unreadable or damaged. */
static const uint8_t *block_bytes(struct iq_kallsyms *k, unsigned int b, size_t *len)
{
	uint64_t start, end = k->names.size;
	const uint8_t *p;

	if (k->checked[b] == IQ_KSYM_DAMAGED || !iq_ksym_marker(k, b, &start) ||
	    (b + 1 < k->nr_blocks && !iq_ksym_marker(k, b + 1, &end)) || end <= start)
		return NULL;
	p = iq_lazy_get(&k->names, start, end - start);
	if (!p)
		return NULL;
	*len = end - start;
	if (k->checked[b] == IQ_KSYM_UNCHECKED)
		k->checked[b] = block_is_sound(k, b, p, *len) ? IQ_KSYM_SOUND : IQ_KSYM_DAMAGED;
	return k->checked[b] == IQ_KSYM_SOUND ? p : NULL;
}

/*
 * Expand the name at P (LEN bytes before the end of its block) to OUT, type letter first, and
 * step over it.  Returns its length; 0 if it makes no sense.
 */
static unsigned int expand(const struct iq_kallsyms *k, const uint8_t **p, size_t len, char *out)
{
	unsigned int lead, nr = 0, tokens = name_length(*p, len, k->long_form, &lead);
	const uint8_t *token = *p + lead, *end = token + tokens;

	*p = end;
	for (; token < end; token++) {
		unsigned int add = k->token[*token].len;

		if (!k->token[*token].printable || nr + add > IQ_KSYM_NAME_MAX)
			return 0;
		/* Behind the token's text and behind `out` there is room for a whole piece. */
		if (add <= PIECE)
			memcpy(out + nr, k->token_text + k->token[*token].offset, PIECE);
		else
			memcpy(out + nr, k->token_text + k->token[*token].offset, add);
		nr += add;
	}
	out[nr] = '\0';
	return nr < 2 ? 0 : nr; /* a letter and at least one character of a name */
}

static struct iq_ksym_block *expand_block(struct iq_kallsyms *k, unsigned int b)
{
	uint32_t used = 0, offset[IQ_KSYM_BLOCK];
	struct iq_ksym_block *block;
	size_t len = 0;
	const uint8_t *p = block_bytes(k, b, &len), *end = p ? p + len : NULL;

	memset(offset, 0xff, sizeof(offset));
	for (unsigned int i = 0; p && i < block_names(k, b); i++) {
		unsigned int nr = expand(k, &p, (size_t)(end - p), k->scratch + used);

		if (!nr)
			continue;
		offset[i] = used;
		used += nr + 1;
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

const char *iq_ksym_peek(struct iq_kallsyms *k, unsigned int i)
{
	unsigned int b = i / IQ_KSYM_BLOCK;
	bool saw_long = false;
	size_t len, used;
	const uint8_t *p;

	if (k->blocks[b])
		return iq_ksym_name(k, i);
	p = block_bytes(k, b, &len);
	if (!p || !iq_ksym_skip(p, len, i % IQ_KSYM_BLOCK, k->long_form, &used, &saw_long))
		return NULL;
	p += used;
	return expand(k, &p, len - used, k->scratch) ? k->scratch : NULL;
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
 * Where symbol I, which is at ADDRESS, ends: at the next higher address.  The last one of the
 * kernel, and of the per-CPU variables (whose "addresses" are small offsets up to 6.14), ends
 * with its page.
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
	*ret = (struct iq_symbol){.name = name + 1,
				  .type = name[0],
				  .address = address,
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
	other = *symbol < k->symtab.nr ? iq_ksym_peek(k, *symbol) : NULL;
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
	free(k->checked);
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
