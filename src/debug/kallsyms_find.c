// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding kallsyms in a kernel image without help (kernels before 6.0 do not name its tables in
 * VMCOREINFO; a dump may have none).
 *
 * What can be recognised with certainty is token_index: 256 rising 16-bit numbers from 0 on,
 * aligned to 4 bytes, directly behind a table of 256 strings in which they are the offsets of the
 * strings and in which '0' to '9' and letters stand for themselves.  Reading a whole image for
 * that is slow where pages are compressed, so the neighbourhood of the largest table is looked at
 * first: hundreds of kilobytes of rising (or falling) 32-bit offsets cannot be missed by looking
 * at one page in 32. From the tokens on backwards lie markers, names and num_syms.
 */
#include "kallsyms.h"

#define PAGE 4096U
#define INDEX_SIZE 512U
#define STRIDE (32 * PAGE)
/*
 * Names, markers and seqs_of_names of 2^18 symbols; the most that lies between num_syms and
 * tokens.
 */
#define BEFORE_TOKENS (8U << 20)
/* More than 256 names ever take. */
#define BLOCK_BYTES (IQ_KSYM_BLOCK * (IQ_KSYM_NAME_MAX + 2U))
/* Blocks of names walked over in vain before the search is given up; a kernel needs hundreds. */
#define WALKS_MAX 100000U

/* The search for names in front of the tokens. */
struct search {
	struct iq_kallsyms *k;
	unsigned int walks;
};

/* A page of virtual memory and the INDEX_SIZE bytes behind it, zeros where it cannot be read. */
struct window {
	uint64_t address;
	uint8_t bytes[PAGE + INDEX_SIZE];
};

static bool window_read(struct iq_vm *vm, struct window *w, uint64_t address)
{
	w->address = address;
	if (iq_vm_read(vm, address, w->bytes, PAGE, NULL))
		return false;
	if (iq_vm_read(vm, address + PAGE, w->bytes + PAGE, INDEX_SIZE, NULL))
		memset(w->bytes + PAGE, 0, INDEX_SIZE);
	return true;
}

/* Token tables whose token_index begins in the page at ADDRESS. */
static bool tokens_in_page(struct iq_vm *vm, uint64_t address, struct iq_kallsyms_where *where)
{
	struct window w;

	if (!window_read(vm, &w, address))
		return false;
	for (unsigned int i = 0; i < PAGE; i += 4) {
		uint64_t four = iq_le64(w.bytes + i);
		uint64_t table;

		if (four & 0xffff || !(four >> 16 & 0xffff) ||
		    (four >> 16 & 0xffff) >= (four >> 32 & 0xffff) ||
		    (four >> 32 & 0xffff) >= four >> 48)
			continue;
		table = iq_ksym_table_before(vm, address + i, w.bytes + i);
		if (!table)
			continue;
		where->token_table = table;
		where->token_index = address + i;
		return true;
	}
	return false;
}

static bool tokens_in_range(struct iq_vm *vm, uint64_t start, uint64_t end,
			    struct iq_kallsyms_where *where)
{
	for (uint64_t at = start; at < end; at += PAGE) {
		if (tokens_in_page(vm, at, where))
			return true;
	}
	return false;
}

/* A page in the middle of a table of offsets or addresses: all rising, or all falling. */
static bool page_of_offsets(struct iq_vm *vm, uint64_t address)
{
	unsigned int rising = 0, falling = 0, wide = 0, step = 0;
	uint8_t page[PAGE];

	if (iq_vm_read(vm, address, page, PAGE, NULL))
		return false;
	for (unsigned int i = 4; i < PAGE; i += 4) {
		uint32_t a = iq_le32(page + i - 4), b = iq_le32(page + i);

		rising += b >= a;
		falling += b <= a;
		step += a != b;
		/* Not more than 64 KiB from one symbol to the next, as a rule. */
		wide += (b > a ? b - a : a - b) > 65536;
	}
	if (step > PAGE / 4 / 2 && wide < 16 && (rising == PAGE / 4 - 1 || falling == PAGE / 4 - 1))
		return true;
	rising = step = 0;
	for (unsigned int i = 8; i < PAGE; i += 8) {
		uint64_t a = iq_le64(page + i - 8), b = iq_le64(page + i);

		rising += b >= a && b - a < 65536 && a >> 63;
		step += a != b;
	}
	return step > PAGE / 8 / 2 && rising == PAGE / 8 - 1;
}

/*
 * Token tables near a table of offsets at HIT: up to 6.3 behind it, after the names; later directly
 * before it.
 */
static bool tokens_near(struct iq_vm *vm, uint64_t hit, uint64_t start, uint64_t end,
			struct iq_kallsyms_where *where)
{
	uint64_t first = hit, last = hit;

	while (first - start >= PAGE && page_of_offsets(vm, first - PAGE))
		first -= PAGE;
	while (end - last > PAGE && page_of_offsets(vm, last + PAGE))
		last += PAGE;
	return tokens_in_range(vm, first - IQ_MIN(first - start, 2 * PAGE), first + PAGE, where) ||
	       tokens_in_range(vm, last, last + IQ_MIN(end - last, BEFORE_TOKENS), where);
}

static bool find_tokens(struct iq_vm *vm, uint64_t start, uint64_t end,
			struct iq_kallsyms_where *where)
{
	uint64_t near_end = 0;

	for (uint64_t at = start; at < end; at += IQ_MIN(STRIDE, end - at)) {
		/* One table gives many hits: its neighbourhood is searched once. */
		if (at < near_end || !page_of_offsets(vm, at))
			continue;
		if (tokens_near(vm, at, start, end, where))
			return true;
		near_end = at + BEFORE_TOKENS;
	}
	return tokens_in_range(vm, start, end, where);
}

/* ---- From the tokens back to num_syms -------------------------------------------------------- */

static bool is_type_letter(char c)
{
	return c && strchr("aAbBcCdDgGiInNpPrRsStTuUvVwW?-", c);
}

/* First character of what a name's first token expands to is a letter that nm knows. */
static bool looks_like_name(const struct iq_kallsyms *k, unsigned int token)
{
	return k->token[token].len && is_type_letter(k->token_text[k->token[token].offset]);
}

/* Offset in the table behind COUNT names from OFFSET on; false: they would leave it. */
static bool names_end(struct iq_kallsyms *k, uint64_t offset, unsigned int count,
		      enum iq_ksym_long form, uint64_t *end)
{
	uint64_t room = IQ_MIN(k->names.size - offset, BLOCK_BYTES);
	const uint8_t *p = iq_lazy_get(&k->names, offset, room);
	bool saw_long = false;
	size_t used;

	if (!p || !iq_ksym_skip(p, room, count, form, &used, &saw_long))
		return false;
	*end = offset + used;
	return true;
}

/*
 * Do markers of SIZE bytes at offset MARKERS belong to NUM names at offset NAMES?  The first two
 * are looked at first: nearly all guesses end there.
 */
static bool markers_fit(struct search *s, uint64_t names, unsigned int num, uint64_t markers,
			unsigned int size, enum iq_ksym_long form)
{
	struct iq_kallsyms *k = s->k;
	unsigned int nr_blocks = (num + IQ_KSYM_BLOCK - 1) / IQ_KSYM_BLOCK;
	uint64_t at = names;

	for (unsigned int b = 0; b < nr_blocks; b++) {
		const uint8_t *p = iq_lazy_get(&k->names, markers + (uint64_t)b * size, size);

		if (!p || iq_le(p, size) != at - names || s->walks++ > WALKS_MAX ||
		    !names_end(k, at, IQ_MIN(num - b * IQ_KSYM_BLOCK, IQ_KSYM_BLOCK), form, &at))
			return false;
	}
	return at <= markers && markers - at < 8;
}

/* NUM names at OFFSET: where are their markers?  Before the tokens, or seqs_of_names and these. */
static bool names_fit(struct search *s, uint64_t offset, unsigned int num, enum iq_ksym_long form,
		      uint64_t *markers)
{
	const struct iq_kallsyms *k = s->k;
	uint64_t nr_blocks = (num + IQ_KSYM_BLOCK - 1) / IQ_KSYM_BLOCK;

	for (unsigned int i = 0; i < 8; i++) {
		unsigned int size = i & 1 ? 8 : 4, alignment = i & 4 ? 4 : 8;
		uint64_t seqs = i & 2 ? iq_ksym_align((uint64_t)num * 3, alignment) : 0;
		uint64_t behind = seqs + iq_ksym_align(nr_blocks * size, alignment);

		if (behind < k->names.size - offset &&
		    markers_fit(s, offset, num, k->names.size - behind, size, form)) {
			*markers = k->names.address + k->names.size - behind;
			return true;
		}
	}
	return false;
}

/* Eight names from OFFSET on begin with a type letter and have a length: weeds out nearly all. */
static bool names_may_begin(struct iq_kallsyms *k, uint64_t offset)
{
	for (unsigned int i = 0; i < 8; i++) {
		const uint8_t *p = iq_lazy_get(&k->names, offset, 3);
		unsigned int lead;

		if (!p || !*p)
			return false;
		lead = *p >= 128 && p[1] < 4 ? 2 : 1;
		if (!looks_like_name(k, p[lead]))
			return false;
		offset += lead + (lead == 2 ? (*p & 127U) | (unsigned int)p[1] << 7 : *p);
	}
	return true;
}

/* Are there NUM names at OFFSET, whichever way long names are written? */
static bool names_at(struct search *s, uint64_t offset, uint32_t num, struct iq_kallsyms_where *w)
{
	if (num <= IQ_KSYM_BLOCK || num > IQ_SYMTAB_MAX || !names_may_begin(s->k, offset) ||
	    (!names_fit(s, offset, num, IQ_KSYM_LONG_TWO_BYTES, &w->markers) &&
	     !names_fit(s, offset, num, IQ_KSYM_LONG_ONE_BYTE, &w->markers)))
		return false;
	w->names = s->k->names.address + offset;
	return true;
}

static bool find_names(struct iq_kallsyms *k, struct iq_kallsyms_where *w)
{
	struct search s = {.k = k};
	bool found = false;

	/* num_syms is followed by the names, after padding to 8 bytes if labels are aligned so. */
	for (uint64_t back = 16; !found && back <= k->names.size && s.walks <= WALKS_MAX;
	     back += 4) {
		uint64_t offset = k->names.size - back;
		const uint8_t *p = iq_lazy_get(&k->names, offset, 8);

		if (!p)
			continue;
		found = (!iq_le32(p + 4) && names_at(&s, offset + 8, iq_le32(p), w)) ||
			names_at(&s, offset + 4, iq_le32(p), w);
		if (found)
			w->num_syms = k->names.address + offset;
	}
	return found;
}

static struct iq_error *find_before_tokens(struct iq_kallsyms *k, uint64_t start,
					   struct iq_kallsyms_where *w)
{
	uint64_t room = IQ_MIN(w->token_table - start, BEFORE_TOKENS);

	IQ_TRY(iq_ksym_tokens(k, w->token_table, w->token_index));
	if (room >= 16) {
		IQ_TRY(iq_lazy_open(&k->names, k->vm, w->token_table - room, room));
		if (find_names(k, w))
			return NULL;
	}
	return iq_error_new(IQ_E_NOT_FOUND, "no kallsyms names before its tokens at %#llx",
			    (unsigned long long)w->token_table);
}

struct iq_error *iq_kallsyms_find(struct iq_vm *vm, uint64_t start, uint64_t end,
				  struct iq_kallsyms_where *where)
{
	struct iq_kallsyms_where w = {0};
	struct iq_kallsyms *k;
	struct iq_error *err;

	start = (start + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	end &= ~(uint64_t)(PAGE - 1);
	if (start >= end || end - start > (UINT64_C(4) << 30))
		return iq_error_new(IQ_E_LIMIT, "%#llx to %#llx is no kernel image",
				    (unsigned long long)start, (unsigned long long)end);
	if (!find_tokens(vm, start, end, &w))
		return iq_error_new(IQ_E_NOT_FOUND, "no kallsyms between %#llx and %#llx",
				    (unsigned long long)start, (unsigned long long)end);
	k = iq_ksym_new(vm);
	if (!k)
		return iq_error_nomem();
	err = find_before_tokens(k, start, &w);
	iq_symtab_close(&k->symtab);
	if (err)
		return err;
	*where = w;
	return NULL;
}
