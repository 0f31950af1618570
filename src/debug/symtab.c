// SPDX-License-Identifier: GPL-2.0-or-later
/* Symbol look-up, whatever kind the table is of. */
#include "symtab.h"
#include <stdlib.h>

#define INDEX_BITS 21
#define INDEX_MASK ((1U << INDEX_BITS) - 1)

/*
 * Of a name, eight bytes at a time: a kernel has 100,000 of them, all of which are hashed to look
 * for one.
 */
static uint64_t hash_name(const char *name)
{
	size_t len = strlen(name);
	uint64_t hash = len * 0x9e3779b97f4a7c15;

	for (; len >= 8; len -= 8, name += 8) {
		hash = (hash ^ iq_le64(name)) * 0xbf58476d1ce4e5b9;
		hash ^= hash >> 29;
	}
	for (; len; len--, name++)
		hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
	hash *= 0x94d049bb133111eb;
	return hash ^ hash >> 31;
}

static void index_build(struct iq_symtab *t)
{
	struct iq_name_index *x = &t->names;
	uint32_t room = 16;

	while (room < t->nr * 2)
		room *= 2;
	x->slots = calloc(room, sizeof(*x->slots));
	if (!x->slots) {
		x->failed = true;
		return;
	}
	x->mask = room - 1;
	for (unsigned int i = 0; i < t->nr; i++) {
		const char *name = t->ops->name(t, i);
		uint64_t hash;
		uint32_t slot;

		if (!name)
			continue;
		hash = hash_name(name);
		slot = (uint32_t)(hash ^ hash >> 32) & x->mask;
		while (x->slots[slot])
			slot = (slot + 1) & x->mask;
		x->slots[slot] = (uint32_t)(hash >> 53) << INDEX_BITS | (i + 1);
	}
}

/* Symbols were put in by rising number, so that a probe meets those of one name in this order. */
static bool index_find(struct iq_symtab *t, const char *name, unsigned int first, unsigned int *i)
{
	struct iq_name_index *x = &t->names;
	uint64_t hash = hash_name(name);
	uint32_t slot = (uint32_t)(hash ^ hash >> 32) & x->mask;

	for (; x->slots[slot]; slot = (slot + 1) & x->mask) {
		unsigned int symbol = (x->slots[slot] & INDEX_MASK) - 1;
		const char *candidate;

		if (x->slots[slot] >> INDEX_BITS != (uint32_t)(hash >> 53) || symbol < first)
			continue;
		candidate = t->ops->name(t, symbol);
		if (candidate && !strcmp(candidate, name)) {
			*i = symbol;
			return true;
		}
	}
	return false;
}

static bool linear_find(struct iq_symtab *t, const char *name, unsigned int first, unsigned int *i)
{
	for (unsigned int symbol = first; symbol < t->nr; symbol++) {
		const char *candidate = t->ops->name(t, symbol);

		if (candidate && !strcmp(candidate, name)) {
			*i = symbol;
			return true;
		}
	}
	return false;
}

static bool find_name(struct iq_symtab *t, const char *name, unsigned int first, unsigned int *i)
{
	bool known = false, found;

	if (t->ops->by_name) {
		found = t->ops->by_name(t, name, first, i, &known);
		if (known)
			return found;
	}
	if (!t->names.slots && !t->names.failed)
		index_build(t);
	return t->names.failed ? linear_find(t, name, first, i) : index_find(t, name, first, i);
}

bool iq_symtab_by_name(struct iq_symtab *t, const char *name, unsigned int *from,
		       struct iq_symbol *ret)
{
	unsigned int i, first = from ? *from : 0;

	while (find_name(t, name, first, &i)) {
		first = i + 1;
		if (t->ops->get(t, i, ret)) {
			if (from)
				*from = first;
			return true;
		}
	}
	return false;
}

bool iq_symtab_by_address(struct iq_symtab *t, uint64_t address, struct iq_symbol *ret)
{
	struct iq_symbol symbol;
	unsigned int i;

	if (!t->ops->find(t, address, &i) || !t->ops->get(t, i, &symbol))
		return false;
	/* An end marker at the very end has no size, but its own address is its name. */
	if (address - symbol.address >= IQ_MAX(symbol.size, 1))
		return false;
	*ret = symbol;
	return true;
}

unsigned int iq_symtab_count(const struct iq_symtab *t)
{
	return t->nr;
}

bool iq_symtab_at(struct iq_symtab *t, unsigned int i, struct iq_symbol *ret)
{
	return i < t->nr && t->ops->get(t, i, ret);
}

void iq_symtab_nearest(struct iq_symtab *t, struct iq_nearest *n)
{
	for (unsigned int i = 0; i < t->nr; i++) {
		const char *name = t->ops->name(t, i);

		if (name)
			iq_nearest_offer(n, name);
	}
}

const char *iq_symtab_source(const struct iq_symtab *t)
{
	return t->source;
}

void iq_symtab_close(struct iq_symtab *t)
{
	if (!t)
		return;
	free(t->names.slots);
	free(t->module);
	t->ops->close(t);
}
