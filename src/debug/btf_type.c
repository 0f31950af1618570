// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types made from BTF records, one at a time, when somebody asks; their members, targets and sizes.
 *
 * A damaged dump can contain any bytes here: ids that do not exist, typedefs of themselves, structs
 * that contain themselves.  Chains are followed BTF_MAX_CHAIN steps; nothing here recurses.
 */
#include "btf.h"
#include <stdlib.h>

#define WORD 8 /* bytes of a pointer; every supported machine has 64 bits */

/* ---- References ------------------------------------------------------------------------------ */

uint32_t btf_skip_tags(struct iq_types *t, uint32_t id)
{
	struct btf_record r;

	for (unsigned int i = 0; i < BTF_MAX_CHAIN; i++) {
		if (!id || !btf_record(t, id, &r))
			return 0;
		if (r.kind != BTF_TYPE_TAG)
			return id;
		id = r.size_or_type;
	}
	return 0;
}

/* The definition that completes a forward declaration, if there is exactly one of that name. */
static uint32_t complete(struct iq_types *t, const struct btf_record *fwd)
{
	const char *name = btf_string(t, fwd->name);
	uint32_t mask = BTF_MASK(fwd->flag ? BTF_UNION : BTF_STRUCT), id;

	if (!*name)
		return 0;
	for (; t; t = t->base) {
		id = btf_find(t, BTF_INDEX_TYPES, name, mask, 0);
		if (id)
			return btf_find(t, BTF_INDEX_TYPES, name, mask, id) ? 0 : id;
	}
	return 0;
}

const struct iq_type *btf_resolve(struct iq_types *t, uint32_t id)
{
	const struct iq_type *type = NULL;
	struct btf_record r;

	if (!id)
		return &t->nothing.type;
	for (unsigned int i = 0; i < BTF_MAX_CHAIN; i++) {
		struct iq_types *owner = btf_owner(t, id);

		if (!owner || !btf_record(owner, id, &r))
			break;
		if (r.kind == BTF_TYPE_TAG) {
			id = r.size_or_type;
			if (!id)
				return &t->nothing.type;
			continue;
		}
		if (r.kind == BTF_FWD) {
			uint32_t definition = complete(t, &r);

			id = definition ? definition : id;
		}
		type = iq_type_by_id(t, id);
		break;
	}
	if (type)
		return type;
	btf_damage(t, "there is no type %u, which is referred to", id);
	return &t->nothing.type;
}

/* ---- Making a type --------------------------------------------------------------------------- */

/* Bytes of type ID.  False, and the damage noted: no such type, a cycle, or more than 64 bits. */
static bool size_of(struct iq_types *t, uint32_t id, uint64_t *ret)
{
	uint64_t count = 1;
	struct btf_record r;

	for (unsigned int i = 0; i < BTF_MAX_CHAIN; i++) {
		*ret = 0;
		if (!id)
			return true;
		if (!btf_record(t, id, &r)) {
			btf_damage(t, "there is no type %u, which has a size", id);
			return false;
		}
		switch (r.kind) {
		case BTF_INT:
		case BTF_STRUCT:
		case BTF_UNION:
		case BTF_ENUM:
		case BTF_FLOAT:
		case BTF_ENUM64:
		case BTF_PTR:
			*ret = r.kind == BTF_PTR ? WORD : r.size_or_type;
			if (iq_mul_overflows(*ret, count, ret)) {
				btf_damage(t, "type %u is larger than memory", id);
				return false;
			}
			return true;
		case BTF_ARRAY:
			if (iq_mul_overflows(count, iq_le32(r.data + 8), &count)) {
				btf_damage(t, "type %u is larger than memory", id);
				return false;
			}
			id = iq_le32(r.data);
			break;
		case BTF_TYPEDEF:
		case BTF_VOLATILE:
		case BTF_CONST:
		case BTF_RESTRICT:
		case BTF_TYPE_TAG:
			id = r.size_or_type;
			break;
		default:
			return true; /* functions, incomplete types */
		}
	}
	btf_damage(t, "type %u is defined by itself", id);
	*ret = 0;
	return false;
}

bool btf_int_is_plain(const struct btf_record *r)
{
	uint32_t info = iq_le32(r->data);

	return (info >> 16 & 0xff) == 0 && (info & 0xff) == 8 * (uint64_t)r->size_or_type;
}

static bool make_int(struct iq_type *type, const struct btf_record *r)
{
	uint32_t encoding = iq_le32(r->data) >> 24 & 0xf;
	const char *usual = btf_arithmetic_name(type->name, strlen(type->name));
	bool is_signed = encoding & 1;

	if (!r->size_or_type || r->size_or_type > 32)
		return false;
	if (usual)
		type->name = usual;
	type->kind = IQ_KIND_INT;
	type->size = r->size_or_type;
	/* Bits of the encoding: signed, char (which no encoder sets), bool. */
	if (encoding & 4)
		type->encoding = IQ_ENC_BOOL;
	else if (r->size_or_type == 1 && strstr(type->name, "char"))
		type->encoding = is_signed ? IQ_ENC_CHAR : IQ_ENC_UCHAR;
	else
		type->encoding = is_signed ? IQ_ENC_SIGNED : IQ_ENC_UNSIGNED;
	return true;
}

static bool make_enum(struct iq_types *t, struct iq_type *type, const struct btf_record *r)
{
	if (r->size_or_type > 8)
		return false;
	type->kind = IQ_KIND_ENUM;
	type->size = r->size_or_type;
	/* Encoders that cannot say "signed" left all of them unmarked. */
	type->encoding = r->flag || !t->signed_enums ? IQ_ENC_SIGNED : IQ_ENC_UNSIGNED;
	return true;
}

/* A prototype that ends with "..." has a last parameter without name and type. */
static bool is_variadic(const struct btf_record *r)
{
	const uint8_t *last;

	if (!r->vlen)
		return false;
	last = r->data + 8 * (size_t)(r->vlen - 1);
	return !iq_le32(last) && !iq_le32(last + 4);
}

/* Fill in what everyone sees.  False: not a type, or so damaged that it is none. */
static bool make(struct iq_types *t, uint32_t id, const struct btf_record *r, struct iq_type *type)
{
	type->name = "";
	type->id = id;
	type->types = t;
	switch (r->kind) {
	case BTF_INT:
	case BTF_FLOAT:
	case BTF_STRUCT:
	case BTF_UNION:
	case BTF_ENUM:
	case BTF_ENUM64:
	case BTF_FWD:
	case BTF_TYPEDEF:
		type->name = btf_name(t, r->name);
		break;
	}
	switch (r->kind) {
	case BTF_INT:
		return make_int(type, r);
	case BTF_FLOAT:
		type->kind = IQ_KIND_FLOAT;
		type->size = r->size_or_type;
		return type->size <= 32;
	case BTF_ENUM:
	case BTF_ENUM64:
		return make_enum(t, type, r);
	case BTF_STRUCT:
	case BTF_UNION:
		type->kind = r->kind == BTF_STRUCT ? IQ_KIND_STRUCT : IQ_KIND_UNION;
		type->size = r->size_or_type;
		return true;
	case BTF_FWD:
		type->kind = r->flag ? IQ_KIND_INCOMPLETE_UNION : IQ_KIND_INCOMPLETE_STRUCT;
		return true;
	case BTF_FUNC_PROTO:
		type->kind = IQ_KIND_FUNCTION;
		type->variadic = is_variadic(r);
		return true;
	case BTF_PTR:
		type->kind = IQ_KIND_POINTER;
		type->size = WORD;
		return true;
	case BTF_ARRAY:
		type->kind = IQ_KIND_ARRAY;
		type->count = iq_le32(r->data + 8);
		return size_of(t, id, &type->size);
	case BTF_TYPEDEF:
		type->kind = IQ_KIND_TYPEDEF;
		return size_of(t, id, &type->size);
	case BTF_CONST:
		type->kind = IQ_KIND_CONST;
		return size_of(t, id, &type->size);
	case BTF_VOLATILE:
		type->kind = IQ_KIND_VOLATILE;
		return size_of(t, id, &type->size);
	case BTF_RESTRICT:
		type->kind = IQ_KIND_RESTRICT;
		return size_of(t, id, &type->size);
	}
	return false;
}

static bool is_type(uint32_t kind)
{
	return kind != BTF_FUNC && kind != BTF_VAR && kind != BTF_DATASEC && kind != BTF_DECL_TAG &&
	       kind != BTF_TYPE_TAG && kind < BTF_NR_KINDS;
}

const struct iq_type *iq_type_by_id(struct iq_types *t, uint32_t id)
{
	struct btf_node ***block, *node;
	struct btf_record r;
	uint32_t i;

	if (!id)
		return &t->nothing.type;
	t = btf_owner(t, id);
	if (!t)
		return NULL;
	i = id - t->first;
	block = &t->nodes[i / BTF_BLOCK];
	if (*block && (*block)[i % BTF_BLOCK])
		return &(*block)[i % BTF_BLOCK]->type;
	if (!btf_record(t, id, &r) || !is_type(r.kind))
		return NULL;
	if (!*block)
		*block = calloc(BTF_BLOCK, sizeof(**block));
	node = iq_arena_alloc(&t->arena, sizeof(*node));
	if (!*block || !node) {
		btf_damage(t, "out of memory");
		return &t->nothing.type;
	}
	if (!make(t, id, &r, &node->type)) {
		btf_damage(t, "type %u makes no sense", id);
		node = &t->nothing;
	}
	(*block)[i % BTF_BLOCK] = node;
	return &node->type;
}

/* ---- Targets --------------------------------------------------------------------------------- */

const struct iq_type *iq_type_target(const struct iq_type *type)
{
	struct btf_node *node = btf_node(type);
	struct btf_record r;

	switch (type->kind) {
	case IQ_KIND_POINTER:
	case IQ_KIND_ARRAY:
	case IQ_KIND_TYPEDEF:
	case IQ_KIND_CONST:
	case IQ_KIND_VOLATILE:
	case IQ_KIND_RESTRICT:
	case IQ_KIND_FUNCTION:
		break;
	default:
		return NULL;
	}
	/* Types that were made up have their targets from the beginning. */
	if (!node->target) {
		if (btf_record(type->types, type->id, &r))
			node->target =
				btf_resolve(type->types,
					    r.kind == BTF_ARRAY ? iq_le32(r.data) : r.size_or_type);
		else
			node->target = &type->types->nothing.type;
	}
	return node->target;
}

static bool is_qualifier(enum iq_kind kind)
{
	return kind == IQ_KIND_CONST || kind == IQ_KIND_VOLATILE || kind == IQ_KIND_RESTRICT;
}

const struct iq_type *iq_type_unqualified(const struct iq_type *t)
{
	for (unsigned int i = 0; i < BTF_MAX_CHAIN; i++) {
		if (!is_qualifier(t->kind))
			return t;
		t = iq_type_target(t);
	}
	return &t->types->nothing.type;
}

const struct iq_type *iq_type_strip(const struct iq_type *t)
{
	for (unsigned int i = 0; i < BTF_MAX_CHAIN; i++) {
		if (!is_qualifier(t->kind) && t->kind != IQ_KIND_TYPEDEF)
			return t;
		t = iq_type_target(t);
	}
	return &t->types->nothing.type;
}

/* ---- Members --------------------------------------------------------------------------------- */

/*
 * Before kind_flag (Linux 4.20), a bitfield's width was a property of an integer type made for it:
 * look through typedefs and qualifiers for one.
 */
static bool old_bitfield(struct iq_types *t, uint32_t id, unsigned int *offset, unsigned int *bits)
{
	struct btf_record r;

	for (unsigned int i = 0; i < BTF_MAX_CHAIN && id && btf_record(t, id, &r); i++) {
		switch (r.kind) {
		case BTF_TYPEDEF:
		case BTF_VOLATILE:
		case BTF_CONST:
		case BTF_TYPE_TAG:
			id = r.size_or_type;
			continue;
		case BTF_INT:
			if (btf_int_is_plain(&r))
				return false;
			*offset = iq_le32(r.data) >> 16 & 0xff;
			*bits = iq_le32(r.data) & 0xff;
			return true;
		}
		break;
	}
	return false;
}

static void make_member(const struct iq_type *type, const struct btf_record *r, uint32_t i,
			struct iq_member *m)
{
	const uint8_t *p = r->data + 12 * (size_t)i;
	struct iq_types *t = type->types;
	uint32_t id = iq_le32(p + 4), where = iq_le32(p + 8);
	unsigned int offset, bits;
	uint64_t width;

	m->name = btf_name(t, iq_le32(p));
	m->type = btf_resolve(t, id);
	if (r->flag) {
		m->bit_offset = where & 0xffffff;
		m->bit_size = where >> 24;
	} else {
		m->bit_offset = where;
		if (old_bitfield(t, id, &offset, &bits)) {
			m->bit_offset += offset;
			m->bit_size = bits;
		}
	}
	/* Whoever has the bytes of the struct may rely on its members being inside. */
	if (m->bit_size)
		width = m->bit_size;
	else if (iq_mul_overflows(m->type->size, 8, &width))
		width = UINT64_MAX;
	if (m->bit_offset > 8 * type->size || width > 8 * type->size - m->bit_offset ||
	    m->bit_size > 8 * m->type->size) {
		btf_damage(t, "member %u of type %u is outside of it", i, type->id);
		*m = (struct iq_member){.name = m->name, .type = &t->nothing.type};
	}
}

static void make_members(const struct iq_type *type, struct btf_node *node)
{
	struct iq_member *members;
	struct btf_record r;
	uint32_t nr;

	node->listed = true;
	if (!btf_record(type->types, type->id, &r))
		return;
	nr = r.vlen - (type->kind == IQ_KIND_FUNCTION && type->variadic);
	members = nr ? iq_arena_alloc(&type->types->arena, nr * sizeof(*members)) : NULL;
	if (!members) {
		if (nr)
			btf_damage(type->types, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < nr; i++) {
		if (type->kind == IQ_KIND_FUNCTION) {
			members[i].name = btf_name(type->types, iq_le32(r.data + 8 * (size_t)i));
			members[i].type =
				btf_resolve(type->types, iq_le32(r.data + 8 * (size_t)i + 4));
		} else {
			make_member(type, &r, i, &members[i]);
		}
	}
	node->members = members;
	node->nr = nr;
}

const struct iq_member *iq_type_members(const struct iq_type *t, unsigned int *nr)
{
	struct btf_node *node;

	t = iq_type_strip(t);
	node = btf_node(t);
	*nr = 0;
	if (t->kind != IQ_KIND_STRUCT && t->kind != IQ_KIND_UNION && t->kind != IQ_KIND_FUNCTION)
		return NULL;
	if (!node->listed)
		make_members(t, node);
	*nr = node->nr;
	return node->members;
}

static void make_enumerators(const struct iq_type *type, struct btf_node *node)
{
	struct iq_enumerator *list;
	struct btf_record r;

	node->listed = true;
	if (!btf_record(type->types, type->id, &r))
		return;
	list = r.vlen ? iq_arena_alloc(&type->types->arena, r.vlen * sizeof(*list)) : NULL;
	if (!list) {
		if (r.vlen)
			btf_damage(type->types, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < r.vlen; i++) {
		const uint8_t *p = r.data + (r.kind == BTF_ENUM ? 8 : 12) * (size_t)i;

		list[i].name = btf_name(type->types, iq_le32(p));
		if (r.kind == BTF_ENUM64)
			list[i].value = (int64_t)iq_le64(p + 4);
		else if (type->encoding == IQ_ENC_SIGNED)
			list[i].value = (int32_t)iq_le32(p + 4);
		else
			list[i].value = iq_le32(p + 4);
	}
	node->enumerators = list;
	node->nr = r.vlen;
}

const struct iq_enumerator *iq_type_enumerators(const struct iq_type *t, unsigned int *nr)
{
	struct btf_node *node;

	t = iq_type_strip(t);
	node = btf_node(t);
	*nr = 0;
	if (t->kind != IQ_KIND_ENUM)
		return NULL;
	if (!node->listed)
		make_enumerators(t, node);
	*nr = node->nr;
	return node->enumerators;
}

/* ---- Types derived from others --------------------------------------------------------------- */

struct btf_derived {
	struct btf_derived *next;
	const struct iq_type *type;
};

/* The source's own pointer to, or qualified form of, the type ID; rather without tags between. */
static const struct iq_type *search_derived(struct iq_types *t, uint32_t id, enum iq_kind kind)
{
	uint32_t want = kind == IQ_KIND_POINTER ? BTF_PTR
			: kind == IQ_KIND_CONST ? BTF_CONST
						: BTF_VOLATILE;
	uint32_t tagged = 0;
	struct btf_record r;

	for (uint32_t i = t->first; i < t->end; i++) {
		if (!btf_record(t, i, &r) || r.kind != want)
			continue;
		if (r.size_or_type == id)
			return iq_type_by_id(t, i);
		if (!tagged && btf_skip_tags(t, r.size_or_type) == id)
			tagged = i;
	}
	return tagged ? iq_type_by_id(t, tagged) : NULL;
}

static const struct iq_type *make_up(const struct iq_type *target, enum iq_kind kind,
				     uint64_t count)
{
	uint64_t size = kind == IQ_KIND_POINTER ? WORD : target->size;
	struct btf_node *node;

	if (kind == IQ_KIND_ARRAY && iq_mul_overflows(target->size, count, &size))
		return NULL;
	node = iq_arena_alloc(&target->types->arena, sizeof(*node));
	if (!node)
		return NULL;
	node->type = (struct iq_type){
		.kind = kind, .name = "", .size = size, .count = count, .types = target->types};
	node->target = target;
	node->listed = true;
	return &node->type;
}

const struct iq_type *btf_derive(const struct iq_type *t, enum iq_kind kind, uint64_t count)
{
	struct btf_node *node = btf_node(t);
	const struct iq_type *type = NULL;
	struct btf_derived *derived;

	for (derived = node->derived; derived; derived = derived->next) {
		if (derived->type->kind == kind && derived->type->count == count)
			return derived->type;
	}
	if (kind != IQ_KIND_ARRAY && (t->id || t->kind == IQ_KIND_VOID))
		type = search_derived(t->types, t->id, kind);
	if (!type)
		type = make_up(t, kind, count);
	derived = type ? iq_arena_alloc(&t->types->arena, sizeof(*derived)) : NULL;
	if (derived) {
		*derived = (struct btf_derived){node->derived, type};
		node->derived = derived;
	}
	return type;
}

const struct iq_type *iq_type_pointer_to(const struct iq_type *t)
{
	const struct iq_type *type = btf_derive(t, IQ_KIND_POINTER, 0);

	return type ? type : &t->types->nothing.type;
}

const struct iq_type *iq_type_array_of(const struct iq_type *t, uint64_t count)
{
	const struct iq_type *type = btf_derive(t, IQ_KIND_ARRAY, count);

	return type ? type : &t->types->nothing.type;
}
