// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening kallsyms: where the tables are that VMCOREINFO does not name, and which of its variants
 * they are.  Every guess is checked against something that cannot be right by chance: the names
 * of the first and the last block end exactly where the markers say, addresses rise, the symbol
 * that is known lies where it must.
 */
#include "kallsyms.h"
#include <stdlib.h>

static unsigned int blocks_of(unsigned int nr)
{
	return (nr + IQ_KSYM_BLOCK - 1) / IQ_KSYM_BLOCK;
}

/* ---- names, num_syms, tokens ----------------------------------------------------------------- */

/* Up to 4.19 num_syms is of 64 bits, but little-endian, and small. */
static bool num_syms_at(struct iq_kallsyms *k, uint64_t address)
{
	uint64_t num;

	if (iq_vm_read_uint(k->vm, address, 4, &num) || !num || num > IQ_SYMTAB_MAX)
		return false;
	k->symtab.nr = (unsigned int)num;
	return true;
}

static struct iq_error *read_num_syms(struct iq_kallsyms *k, struct iq_kallsyms_where *w)
{
	if (!w->num_syms)
		return iq_error_new(IQ_E_NOT_FOUND, "the place of kallsyms_num_syms is not known");
	if (!num_syms_at(k, w->num_syms))
		return iq_error_new(IQ_E_FORMAT,
				    "kallsyms_num_syms at %#llx is not a number of "
				    "symbols",
				    (unsigned long long)w->num_syms);
	free(k->blocks);
	free(k->checked);
	k->nr_blocks = blocks_of(k->symtab.nr);
	k->blocks = calloc(k->nr_blocks, sizeof(*k->blocks));
	k->checked = calloc(k->nr_blocks, sizeof(*k->checked));
	return k->blocks && k->checked ? NULL : iq_error_nomem();
}

static struct iq_error *read_tokens(struct iq_kallsyms *k, struct iq_kallsyms_where *w)
{
	uint8_t index[512];

	if (!w->token_index && w->token_table)
		w->token_index = iq_ksym_index_behind(k->vm, w->token_table);
	if (!w->token_table && w->token_index &&
	    !iq_vm_read(k->vm, w->token_index, index, sizeof(index), NULL))
		w->token_table = iq_ksym_table_before(k->vm, w->token_index, index);
	if (!w->token_table || !w->token_index)
		return iq_error_new(IQ_E_NOT_FOUND,
				    "the place of kallsyms_token_table is not known");
	return iq_ksym_tokens(k, w->token_table, w->token_index);
}

/* ---- markers --------------------------------------------------------------------------------- */

/* Do COUNT names from START on end at END, with up to SLACK bytes left? */
static bool names_end_at(struct iq_kallsyms *k, uint64_t start, unsigned int count, uint64_t end,
			 size_t slack)
{
	static const enum iq_ksym_long forms[] = {IQ_KSYM_LONG_TWO_BYTES, IQ_KSYM_LONG_ONE_BYTE};
	const uint8_t *p = end > start ? iq_lazy_get(&k->names, start, end - start) : NULL;

	for (unsigned int i = 0; p && i < IQ_ARRAY_SIZE(forms); i++) {
		bool saw_long = false;
		size_t used;

		if ((k->long_form && k->long_form != forms[i]) ||
		    !iq_ksym_skip(p, end - start, count, forms[i], &used, &saw_long) ||
		    end - start - used > slack)
			continue;
		if (saw_long)
			k->long_form = forms[i];
		return true;
	}
	return false;
}

/*
 * Are the markers at ADDRESS, SIZE bytes each?  The names lie directly before them, so the last
 * name ends at most 7 bytes before ADDRESS.
 */
static struct iq_error *try_markers(struct iq_kallsyms *k, uint64_t names, uint64_t address,
				    unsigned int size, bool *ret)
{
	unsigned int last = k->nr_blocks - 1;
	uint64_t first, second = 0, tail;

	*ret = false;
	if (address <= names || address - names > IQ_LAZY_MAX)
		return NULL;
	iq_lazy_close(&k->names);
	iq_lazy_close(&k->markers);
	IQ_TRY(iq_lazy_open(&k->names, k->vm, names, address - names));
	IQ_TRY(iq_lazy_open(&k->markers, k->vm, address, (uint64_t)k->nr_blocks * size));
	k->marker_size = size;
	k->long_form = IQ_KSYM_LONG_UNKNOWN;
	if (!iq_ksym_marker(k, 0, &first) || first || !iq_ksym_marker(k, last, &tail))
		return NULL;
	if (last &&
	    (!iq_ksym_marker(k, 1, &second) || !names_end_at(k, 0, IQ_KSYM_BLOCK, second, 0)))
		return NULL;
	*ret = names_end_at(k, tail, k->symtab.nr - last * IQ_KSYM_BLOCK, address - names, 7);
	return NULL;
}

static struct iq_error *find_markers(struct iq_kallsyms *k, struct iq_kallsyms_where *w)
{
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int size = i & 1 ? 8 : 4, alignment = i & 4 ? 4 : 8;
		uint64_t bytes = iq_ksym_align((uint64_t)k->nr_blocks * size, alignment);
		uint64_t seqs = i & 2 ? iq_ksym_align((uint64_t)k->symtab.nr * 3, alignment) : 0;
		uint64_t address = w->markers ? w->markers : w->token_table - seqs - bytes;
		bool good;

		IQ_TRY(try_markers(k, w->names, address, size, &good));
		if (good) {
			w->markers = address;
			return NULL;
		}
	}
	return iq_error_new(IQ_E_FORMAT,
			    "the names of kallsyms at %#llx do not end where its "
			    "markers say",
			    (unsigned long long)w->names);
}

/* ---- addresses ------------------------------------------------------------------------------- */

/*
 * Of 17 symbols from the first to the last none lies below the one before it, the last is the
 * kernel's.
 */
static bool addresses_rise(struct iq_kallsyms *k)
{
	uint64_t before = 0, address = 0;

	for (unsigned int i = 0; i < 17; i++) {
		uint64_t symbol = (uint64_t)(k->symtab.nr - 1) * i / 16;

		if (!iq_ksym_address(k, (unsigned int)symbol, &address) || address < before)
			return false;
		before = address;
	}
	return iq_vm_arch(k->vm)->vm->is_kernel(iq_vm_layout(k->vm), address);
}

/* Is one of the symbols at ADDRESS called NAME? */
static bool symbol_is_at(struct iq_kallsyms *k, const char *name, uint64_t address)
{
	unsigned int i;
	uint64_t at;

	if (!iq_ksym_find(k, address, &i))
		return false;
	for (; i < k->symtab.nr && iq_ksym_address(k, i, &at) && at == address; i++) {
		const char *found = iq_ksym_name(k, i);

		if (found && !strcmp(found + 1, name))
			return true;
	}
	return false;
}

struct check {
	const char *name;
	uint64_t address;
};

static struct iq_error *try_addresses(struct iq_kallsyms *k, const struct check *check,
				      enum iq_ksym_mode mode, uint64_t table, uint64_t base,
				      bool *ret)
{
	uint64_t size = (uint64_t)k->symtab.nr * (mode == IQ_KSYM_ABSOLUTE ? 8 : 4);

	*ret = false;
	if (!table || table + size < table)
		return NULL;
	iq_lazy_close(&k->addresses);
	IQ_TRY(iq_lazy_open(&k->addresses, k->vm, table, size));
	k->mode = mode;
	k->relative_base = base;
	*ret = addresses_rise(k) &&
	       (!check->address || symbol_is_at(k, check->name, check->address));
	return NULL;
}

/* Where offsets or addresses may lie, and the relative_base that belongs to each place. */
struct place {
	uint64_t table;
	uint64_t base_at; /* 0: none */
	uint64_t behind; /* first byte behind both */
	bool absolute;
};

static unsigned int places(const struct iq_kallsyms *k, const struct iq_kallsyms_where *w,
			   struct place out[6])
{
	uint64_t narrow = iq_ksym_align((uint64_t)k->symtab.nr * 4, 8);
	uint64_t wide = (uint64_t)k->symtab.nr * 8;
	uint64_t new_table = w->token_index + 512;
	unsigned int nr = 0;

	if (w->addresses)
		out[nr++] = (struct place){w->addresses, 0, w->addresses + wide, true};
	if (w->offsets) {
		uint64_t behind = w->offsets + narrow;

		out[nr++] = (struct place){w->offsets, w->relative_base ? w->relative_base : behind,
					   behind, false};
		if (!w->relative_base)
			out[nr++] = (struct place){w->offsets, w->num_syms - 8, behind, false};
	}
	if (nr)
		return nr;
	out[nr++] = (struct place){new_table, new_table + narrow, new_table + narrow, false};
	out[nr++] = (struct place){w->num_syms - 8 - narrow, w->num_syms - 8, 0, false};
	out[nr++] = (struct place){new_table, 0, new_table + wide, true};
	out[nr++] = (struct place){w->num_syms - wide, 0, 0, true};
	return nr;
}

/* Which variant, and where: fills in W's addresses, offsets, relative_base. */
static struct iq_error *find_addresses(struct iq_kallsyms *k, struct iq_kallsyms_where *w,
				       const struct check *check, uint64_t *behind)
{
	struct place place[6];
	unsigned int nr = places(k, w, place);

	for (unsigned int i = 0; i < nr; i++) {
		const struct place *p = &place[i];

		for (int mode = 0; mode < IQ_KSYM_NR_MODES; mode++) {
			bool based = mode == IQ_KSYM_PERCPU || mode == IQ_KSYM_BASE, good;
			uint64_t base = 0;

			if (p->absolute != (mode == IQ_KSYM_ABSOLUTE) ||
			    (based &&
			     (!p->base_at || iq_vm_read_uint(k->vm, p->base_at, 8, &base))))
				continue;
			IQ_TRY(try_addresses(k, check, mode, p->table, base, &good));
			if (!good)
				continue;
			*behind = p->behind;
			if (based && p->base_at == p->behind)
				*behind += 8;
			return NULL;
		}
	}
	if (check->address)
		return iq_error_new(IQ_E_FORMAT, "no known form of kallsyms has %s at %#llx",
				    check->name, (unsigned long long)check->address);
	return iq_error_new(IQ_E_FORMAT, "the addresses of kallsyms make no sense");
}

/* ---- seqs_of_names --------------------------------------------------------------------------- */

/* Names at 9 places in the order of seqs_of_names rise. */
static bool seqs_rise(struct iq_kallsyms *k)
{
	char before[IQ_KSYM_NAME_MAX + 1] = "";

	for (unsigned int i = 0; i < 9; i++) {
		uint64_t place = (uint64_t)(k->symtab.nr - 1) * i / 8;
		const uint8_t *p = iq_lazy_get(&k->seqs, place * 3, 3);
		const char *name = NULL;
		unsigned int symbol;

		if (!p)
			return false;
		symbol = (unsigned int)p[0] << 16 | (unsigned int)p[1] << 8 | p[2];
		if (symbol < k->symtab.nr)
			name = iq_ksym_peek(k, symbol);
		if (!name || strcmp(before, name + 1) > 0)
			return false;
		memcpy(before, name + 1, strlen(name));
	}
	return true;
}

/*
 * Many kernels have none: then names are looked up through an index of all of them.  They lie
 * behind the markers, or behind the offsets (and relative_base).
 */
static struct iq_error *find_seqs(struct iq_kallsyms *k, const struct iq_kallsyms_where *w,
				  uint64_t behind)
{
	uint64_t size = (uint64_t)k->symtab.nr * 3, markers_end = w->markers + k->markers.size;
	uint64_t candidates[] = {w->seqs_of_names, behind, behind - 4,
				 iq_ksym_align(markers_end, 8), markers_end};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(candidates); i++) {
		uint64_t at = candidates[i];

		if (at < 8 || at + size < at || (i > 2 && at + size > w->token_table))
			continue;
		IQ_TRY(iq_lazy_open(&k->seqs, k->vm, at, size));
		if (seqs_rise(k))
			return NULL;
		iq_lazy_close(&k->seqs);
	}
	return NULL;
}

static struct iq_error *open_at(struct iq_kallsyms *k, struct iq_kallsyms_where *w,
				const struct check *check)
{
	uint64_t behind = 0;

	IQ_TRY(read_num_syms(k, w));
	IQ_TRY(find_markers(k, w));
	IQ_TRY(find_addresses(k, w, check, &behind));
	return find_seqs(k, w, behind);
}

/* Between num_syms and names lie 8 bytes, or, where labels are aligned to 4, 4. */
static struct iq_error *open_tables(struct iq_kallsyms *k, const struct iq_kallsyms_where *where,
				    const struct check *check)
{
	struct iq_kallsyms_where w = *where, other;
	struct iq_error *err;

	if (!w.names && !w.num_syms)
		return iq_error_new(IQ_E_NOT_FOUND, "the place of kallsyms_names is not known");
	IQ_TRY(read_tokens(k, &w));
	other = w;
	if (!w.names)
		w.names = iq_ksym_align(w.num_syms + 4, 8);
	else if (!w.num_syms)
		w.num_syms = w.names - 8;
	err = open_at(k, &w, check);
	if (!err || (where->names && where->num_syms))
		return err;
	if (!other.names)
		other.names = other.num_syms + 4;
	else
		other.num_syms = other.names - 4;
	iq_error_free(err);
	return open_at(k, &other, check);
}

struct iq_error *iq_kallsyms_open(struct iq_vm *vm, const struct iq_kallsyms_where *where,
				  const char *name_check, uint64_t address_check,
				  struct iq_symtab **ret)
{
	struct check check = {name_check, name_check ? address_check : 0};
	struct iq_kallsyms *k = iq_ksym_new(vm);
	struct iq_error *err;

	if (!k)
		return iq_error_nomem();
	err = open_tables(k, where, &check);
	if (err) {
		iq_symtab_close(&k->symtab);
		return err;
	}
	*ret = &k->symtab;
	return NULL;
}
