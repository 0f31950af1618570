// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types made from BTF records, one at a time, when somebody asks; their members, targets and sizes.
 *
 * A damaged dump can contain any bytes here: ids that do not exist, typedefs of themselves, structs
 * that contain themselves.  Chains are followed TYPES_MAX_CHAIN steps; nothing here recurses.
 */
#include "btf.h"
#include <stdlib.h>

/* ---- References ------------------------------------------------------------------------------ */

uint32_t btf_skip_tags(struct btf_types *t, uint32_t id)
{
	struct btf_record r;

	for (unsigned int i = 0; i < TYPES_MAX_CHAIN; i++) {
		if (!id || !btf_record(t, id, &r))
			return 0;
		if (r.kind != BTF_TYPE_TAG)
			return id;
		id = r.size_or_type;
	}
	return 0;
}

/* The definition that completes a forward declaration, if there is exactly one of that name. */
static uint32_t complete(struct btf_types *t, const struct btf_record *fwd)
{
	const char *name = btf_string(t, fwd->name);
	uint32_t mask = BTF_MASK(fwd->flag ? BTF_UNION : BTF_STRUCT), id;

	if (!*name)
		return 0;
	for (; t; t = btf_base(t)) {
		id = btf_find(t, BTF_INDEX_TYPES, name, mask, 0);
		if (id)
			return btf_find(t, BTF_INDEX_TYPES, name, mask, id) ? 0 : id;
	}
	return 0;
}

const struct iq_type *btf_resolve(struct btf_types *t, uint32_t id)
{
	const struct iq_type *type = NULL;
	struct btf_record r;

	if (!id)
		return &t->types.nothing.type;
	for (unsigned int i = 0; i < TYPES_MAX_CHAIN; i++) {
		struct btf_types *owner = btf_owner(t, id);

		if (!owner || !btf_record(owner, id, &r))
			break;
		if (r.kind == BTF_TYPE_TAG) {
			id = r.size_or_type;
			if (!id)
				return &t->types.nothing.type;
			continue;
		}
		if (r.kind == BTF_FWD) {
			uint32_t definition = complete(t, &r);

			id = definition ? definition : id;
		}
		type = iq_type_by_id(&t->types, id);
		break;
	}
	if (type)
		return type;
	types_damage(&t->types, "there is no type %u, which is referred to", id);
	return &t->types.nothing.type;
}

/* ---- Making a type --------------------------------------------------------------------------- */

/* Bytes of type ID.  False, and the damage noted: no such type, a cycle, or more than 64 bits. */
static bool size_of(struct btf_types *t, uint32_t id, uint64_t *ret)
{
	uint64_t count = 1;
	struct btf_record r;

	for (unsigned int i = 0; i < TYPES_MAX_CHAIN; i++) {
		*ret = 0;
		if (!id)
			return true;
		if (!btf_record(t, id, &r)) {
			types_damage(&t->types, "there is no type %u, which has a size", id);
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
			*ret = r.kind == BTF_PTR ? TYPES_WORD : r.size_or_type;
			if (iq_mul_overflows(*ret, count, ret)) {
				types_damage(&t->types, "type %u is larger than memory", id);
				return false;
			}
			return true;
		case BTF_ARRAY:
			if (iq_mul_overflows(count, iq_le32(r.data + 8), &count)) {
				types_damage(&t->types, "type %u is larger than memory", id);
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
	types_damage(&t->types, "type %u is defined by itself", id);
	*ret = 0;
	return false;
}

bool btf_int_is_plain(const struct btf_record *r)
{
	uint32_t info = iq_le32(r->data);

	return (info >> 16 & 0xff) == 0 && (info & 0xff) == 8 * (uint64_t)r->size_or_type;
}

/*
 * Does the encoder mark signed chars?  Those that do not even mark "signed char" (pahole before 1.22) are older
 * than kernels whose char is unsigned (6.2): with them it is signed.
 */
static bool marks_chars(struct btf_types *t)
{
	struct btf_record r;
	uint32_t id;

	while (btf_base(t))
		t = btf_base(t);
	id = btf_find(t, BTF_INDEX_TYPES, "signed char", BTF_MASK(BTF_INT), 0);
	return !id || !btf_record(t, id, &r) || (iq_le32(r.data) >> 24 & 1);
}

static bool make_int(struct btf_types *t, struct iq_type *type, const struct btf_record *r)
{
	uint32_t encoding = iq_le32(r->data) >> 24 & 0xf;
	const char *usual = types_arithmetic_name(type->name, strlen(type->name));
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
	else if (r->size_or_type == 1 && !strcmp(type->name, "signed char"))
		type->encoding = IQ_ENC_CHAR;
	else if (r->size_or_type == 1 && !strcmp(type->name, "char") && !is_signed)
		type->encoding = marks_chars(t) ? IQ_ENC_UCHAR : IQ_ENC_CHAR;
	else if (r->size_or_type == 1 && strstr(type->name, "char"))
		type->encoding = is_signed ? IQ_ENC_CHAR : IQ_ENC_UCHAR;
	else
		type->encoding = is_signed ? IQ_ENC_SIGNED : IQ_ENC_UNSIGNED;
	return true;
}

static bool make_enum(struct btf_types *t, struct iq_type *type, const struct btf_record *r)
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
static bool make(struct btf_types *t, uint32_t id, const struct btf_record *r, struct iq_type *type)
{
	type->name = "";
	type->id = id;
	type->types = &t->types;
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
		return make_int(t, type, r);
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
		type->size = TYPES_WORD;
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

const struct iq_type *btf_by_id(struct iq_types *types, uint32_t id)
{
	struct btf_types *t = btf_types(types);
	struct types_node ***block, *node;
	struct btf_record r;
	uint32_t i;

	t = btf_owner(t, id);
	if (!t)
		return NULL;
	i = id - t->types.first;
	block = &t->nodes[i / BTF_BLOCK];
	if (*block && (*block)[i % BTF_BLOCK])
		return &(*block)[i % BTF_BLOCK]->type;
	if (!btf_record(t, id, &r) || !is_type(r.kind))
		return NULL;
	if (!*block)
		*block = calloc(BTF_BLOCK, sizeof(**block));
	node = iq_arena_alloc(&t->types.arena, sizeof(*node));
	if (!*block || !node) {
		types_damage(&t->types, "out of memory");
		return &t->types.nothing.type;
	}
	if (!make(t, id, &r, &node->type)) {
		types_damage(&t->types, "type %u makes no sense", id);
		node = &t->types.nothing;
	}
	(*block)[i % BTF_BLOCK] = node;
	return &node->type;
}

/* ---- Targets --------------------------------------------------------------------------------- */

const struct iq_type *btf_target(const struct iq_type *type)
{
	struct btf_types *t = btf_types(type->types);
	struct btf_record r;

	if (!btf_record(t, type->id, &r))
		return &t->types.nothing.type;
	return btf_resolve(t, r.kind == BTF_ARRAY ? iq_le32(r.data) : r.size_or_type);
}

/* ---- Members --------------------------------------------------------------------------------- */

/*
 * Before kind_flag (Linux 4.20), a bitfield's width was a property of an integer type made for it:
 * look through typedefs and qualifiers for one.
 */
static bool old_bitfield(struct btf_types *t, uint32_t id, unsigned int *offset, unsigned int *bits)
{
	struct btf_record r;

	for (unsigned int i = 0; i < TYPES_MAX_CHAIN && id && btf_record(t, id, &r); i++) {
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
	struct btf_types *t = btf_types(type->types);
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
		types_damage(&t->types, "member %u of type %u is outside of it", i, type->id);
		*m = (struct iq_member){.name = m->name, .type = &t->types.nothing.type};
	}
}

static void make_members(const struct iq_type *type, struct types_node *node)
{
	struct btf_types *t = btf_types(type->types);
	struct iq_member *members;
	struct btf_record r;
	uint32_t nr;

	node->listed = true;
	if (!btf_record(t, type->id, &r))
		return;
	nr = r.vlen - (type->kind == IQ_KIND_FUNCTION && type->variadic);
	members = nr ? iq_arena_alloc(&t->types.arena, nr * sizeof(*members)) : NULL;
	if (!members) {
		if (nr)
			types_damage(&t->types, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < nr; i++) {
		if (type->kind == IQ_KIND_FUNCTION) {
			members[i].name = btf_name(t, iq_le32(r.data + 8 * (size_t)i));
			members[i].type = btf_resolve(t, iq_le32(r.data + 8 * (size_t)i + 4));
		} else {
			make_member(type, &r, i, &members[i]);
		}
	}
	node->members = members;
	node->nr = nr;
}

static void make_enumerators(const struct iq_type *type, struct types_node *node)
{
	struct btf_types *t = btf_types(type->types);
	struct iq_enumerator *list;
	struct btf_record r;

	node->listed = true;
	if (!btf_record(t, type->id, &r))
		return;
	list = r.vlen ? iq_arena_alloc(&t->types.arena, r.vlen * sizeof(*list)) : NULL;
	if (!list) {
		if (r.vlen)
			types_damage(&t->types, "out of memory");
		return;
	}
	for (uint32_t i = 0; i < r.vlen; i++) {
		const uint8_t *p = r.data + (r.kind == BTF_ENUM ? 8 : 12) * (size_t)i;

		list[i].name = btf_name(t, iq_le32(p));
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

void btf_list(const struct iq_type *type)
{
	if (type->kind == IQ_KIND_ENUM)
		make_enumerators(type, types_node(type));
	else
		make_members(type, types_node(type));
}

/* ---- Types derived from others --------------------------------------------------------------- */

/* The source's own pointer to, or qualified form of, the type ID; rather without tags between. */
const struct iq_type *btf_derived(const struct iq_type *type, enum iq_kind kind)
{
	struct btf_types *t = btf_types(type->types);
	uint32_t want = kind == IQ_KIND_POINTER	   ? BTF_PTR
			: kind == IQ_KIND_CONST	   ? BTF_CONST
			: kind == IQ_KIND_VOLATILE ? BTF_VOLATILE
						   : BTF_RESTRICT;
	uint32_t tagged = 0;
	struct btf_record r;

	for (uint32_t i = t->types.first; i < t->types.end; i++) {
		if (!btf_record(t, i, &r) || r.kind != want)
			continue;
		if (r.size_or_type == type->id)
			return iq_type_by_id(&t->types, i);
		if (!tagged && btf_skip_tags(t, r.size_or_type) == type->id)
			tagged = i;
	}
	return tagged ? iq_type_by_id(&t->types, tagged) : NULL;
}
