// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BTF's types, prototypes and variables by name.  The indexes are built when the first name of
 * their kind is looked up: a hash over the names of all types takes about a millisecond for a
 * kernel.
 */
#include "btf.h"
#include <stdlib.h>

#define LONGEST_CHAIN 4096 /* of equal hashes: a kernel has a few dozen functions of one name */

static uint32_t hash_name(const char *name)
{
	uint64_t h = iq_hash_str(name);

	return (uint32_t)(h ^ h >> 32);
}

/* The name a record is looked up by. */
static const char *key_of(struct btf_types *t, const struct btf_record *r)
{
	const char *name = btf_string(t, r->name), *usual = NULL;

	if (r->kind == BTF_INT || r->kind == BTF_FLOAT)
		usual = types_arithmetic_name(name, strlen(name));
	return usual ? usual : name;
}

static bool build_index(struct btf_types *t, enum btf_index_kind which)
{
	struct btf_index *index = &t->index[which];
	uint32_t room = 16;

	if (index->heads || index->failed)
		return index->heads;
	if (!t->chain)
		t->chain = calloc(t->types.end - t->types.first, sizeof(*t->chain));
	while (room < t->count[which] && room < UINT32_C(1) << 31)
		room *= 2;
	index->heads = t->chain ? calloc(room, sizeof(*index->heads)) : NULL;
	if (!index->heads) {
		types_damage(&t->types, "out of memory");
		index->failed = true;
		return false;
	}
	index->mask = room - 1;
	/* Backwards, so that every chain runs forwards. */
	for (uint32_t id = t->types.end; id-- > t->types.first;) {
		struct btf_record r;
		uint32_t *head;

		/* A whole number of bytes: not an integer made for one bitfield. */
		if (!btf_record(t, id, &r) || !r.name || btf_index_of(r.kind) != which ||
		    (r.kind == BTF_INT && !btf_int_is_plain(&r)))
			continue;
		head = &index->heads[hash_name(key_of(t, &r)) & index->mask];
		t->chain[id - t->types.first] = *head;
		*head = id;
	}
	return true;
}

uint32_t btf_find(struct btf_types *t, enum btf_index_kind which, const char *name, uint32_t mask,
		  uint32_t after)
{
	unsigned int steps = 0;
	uint32_t id;

	if (!t->count[which] || !build_index(t, which))
		return 0;
	id = t->index[which].heads[hash_name(name) & t->index[which].mask];
	for (; id; id = t->chain[id - t->types.first]) {
		struct btf_record r;

		if (++steps > LONGEST_CHAIN) {
			types_damage(&t->types, "too many of its names are alike");
			break;
		}
		if (id > after && btf_record(t, id, &r) && BTF_MASK(r.kind) & mask &&
		    !strcmp(key_of(t, &r), name))
			return id;
	}
	return 0;
}

/* ---- What a source of types can do ------------------------------------------------------------- */

/* BTF's kinds for a set of the model's.  Forward declarations share one kind. */
static uint32_t mask_of(uint32_t kinds)
{
	static const uint32_t table[][2] = {
		{IQ_KIND_INT, BTF_MASK(BTF_INT)},
		{IQ_KIND_FLOAT, BTF_MASK(BTF_FLOAT)},
		{IQ_KIND_STRUCT, BTF_MASK(BTF_STRUCT)},
		{IQ_KIND_UNION, BTF_MASK(BTF_UNION)},
		{IQ_KIND_ENUM, BTF_MASK(BTF_ENUM) | BTF_MASK(BTF_ENUM64)},
		{IQ_KIND_TYPEDEF, BTF_MASK(BTF_TYPEDEF)},
		{IQ_KIND_INCOMPLETE_STRUCT, BTF_MASK(BTF_FWD)},
		{IQ_KIND_INCOMPLETE_UNION, BTF_MASK(BTF_FWD)},
	};
	uint32_t mask = 0;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(table); i++) {
		if (kinds & TYPES_MASK(table[i][0]))
			mask |= table[i][1];
	}
	return mask;
}

uint32_t btf_find_kinds(struct iq_types *types, const char *name, uint32_t kinds, uint32_t after)
{
	struct btf_types *t = btf_types(types);
	uint32_t mask = mask_of(kinds), id = after;
	struct btf_record r;

	while ((id = btf_find(t, BTF_INDEX_TYPES, name, mask, id)) != 0) {
		if (!btf_record(t, id, &r))
			return 0;
		if (r.kind != BTF_FWD || kinds & TYPES_MASK(r.flag ? IQ_KIND_INCOMPLETE_UNION
								   : IQ_KIND_INCOMPLETE_STRUCT))
			break;
	}
	return id;
}

const struct iq_type *btf_function(struct iq_types *types, const char *name, unsigned int *nr)
{
	struct btf_types *t = btf_types(types);
	const struct iq_type *first = NULL;
	struct btf_record r;
	uint32_t id = 0;

	while ((id = btf_find(t, BTF_INDEX_FUNCTIONS, name, BTF_MASK(BTF_FUNC), id)) != 0) {
		++*nr;
		if (!first && btf_record(t, id, &r)) {
			first = btf_resolve(t, r.size_or_type);
			if (first->kind != IQ_KIND_FUNCTION)
				first = NULL;
		}
	}
	return first;
}

const struct iq_type *btf_variable(struct iq_types *types, const char *name)
{
	struct btf_types *t = btf_types(types);
	uint32_t id = btf_find(t, BTF_INDEX_VARIABLES, name, BTF_MASK(BTF_VAR), 0);
	struct btf_record r;

	return id && btf_record(t, id, &r) ? btf_resolve(t, r.size_or_type) : NULL;
}

void btf_nearest(struct iq_types *types, struct iq_nearest *n)
{
	struct btf_types *t = btf_types(types);

	for (uint32_t id = types->first; id < types->end; id++) {
		struct btf_record r;

		if (btf_record(t, id, &r) && r.name && btf_index_of(r.kind) == BTF_INDEX_TYPES)
			iq_nearest_offer(n, btf_string(t, r.name));
	}
}
