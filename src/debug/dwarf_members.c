// SPDX-License-Identifier: GPL-2.0-or-later
/* Members of structs, parameters of functions and enumerators, from DWARF. */
#include "dwarf_types.h"

#define MOST 1000000 /* of any of them in one type */

static bool is_child(const struct iq_type *type, const struct dwarf_entry *e)
{
	switch (type->kind) {
	case IQ_KIND_ENUM:
		return e->die.tag == DW_TAG_enumerator;
	case IQ_KIND_FUNCTION:
		return e->die.tag == DW_TAG_formal_parameter;
	default:
		/* Members of a C++ class that are no part of its objects are declarations. */
		return (e->die.tag == DW_TAG_member && !e->declaration && !e->external) ||
		       e->die.tag == DW_TAG_inheritance;
	}
}

static unsigned int count(const struct iq_dw_unit *u, const struct dwarf_entry *e,
			  const struct iq_type *type)
{
	struct dwarf_entry child;
	unsigned int nr = 0;

	for (bool more = dwarf_entry_child(u, e, &child); more && nr < MOST;
	     more = dwarf_entry_next(u, &child, &child))
		nr += is_child(type, &child);
	return nr;
}

/* The bit where a bitfield of the older description begins, counted from the least significant. */
static uint64_t old_bitfield(const struct dwarf_entry *e, const struct iq_type *type)
{
	uint64_t storage = 8 * (e->has_size ? e->size : type->size), from_top;

	if (iq_add_overflows(e->bit_offset, e->bit_size, &from_top) || from_top > storage)
		return UINT64_MAX;
	return 8 * e->location + storage - from_top;
}

static void make_member(struct dwarf_types *t, const struct iq_type *parent,
			const struct dwarf_entry *e, struct iq_member *m)
{
	uint64_t room = 8 * parent->size, width;

	m->name = e->name;
	m->type = dwarf_type_of(t, e, 0);
	m->bit_size = (unsigned int)IQ_MIN(e->bit_size, UINT32_MAX);
	if (e->location > parent->size)
		m->bit_offset = UINT64_MAX;
	else if (e->has_data_bit_offset)
		m->bit_offset = 8 * e->location + IQ_MIN(e->data_bit_offset, room + 1);
	else if (m->bit_size && e->has_bit_offset)
		m->bit_offset = old_bitfield(e, m->type);
	else
		m->bit_offset = 8 * e->location;
	/* Whoever has the bytes of the struct may rely on its members being inside. */
	if (m->bit_size)
		width = m->bit_size;
	else if (iq_mul_overflows(m->type->size, 8, &width))
		width = UINT64_MAX;
	if (m->bit_offset > room || width > room - m->bit_offset ||
	    (m->bit_size && m->bit_size > 8 * IQ_MIN(m->type->size, UINT32_MAX))) {
		types_damage(&t->types, "member %s of the type at 0x%x is outside of it",
			     *m->name ? m->name : "without a name", parent->id);
		*m = (struct iq_member){.name = m->name, .type = &t->types.nothing.type};
	}
}

static int64_t value_of(const struct iq_type *type, const struct dwarf_entry *e)
{
	/* Versions 2 and 3 have forms that do not say whether a number is signed. */
	if (type->encoding == IQ_ENC_SIGNED && type->size == 4)
		return (int32_t)e->value;
	if (type->encoding != IQ_ENC_SIGNED && type->size && type->size < 8)
		return (int64_t)(e->value & ((UINT64_C(1) << 8 * type->size) - 1));
	return (int64_t)e->value;
}

void dwarf_list(const struct iq_type *type)
{
	struct dwarf_types *t = dwarf_types(type->types);
	size_t each = type->kind == IQ_KIND_ENUM ? sizeof(struct iq_enumerator)
						 : sizeof(struct iq_member);
	struct types_node *node = types_node(type);
	struct dwarf_entry e, child;
	struct iq_dw_unit *u;
	unsigned int nr = 0, room;
	void *list;

	if (!dwarf_entry_at(t->dwarf, type->id, &u, &e))
		return;
	room = count(u, &e, type);
	list = room ? iq_arena_alloc(&t->types.arena, room * each) : NULL;
	if (!list) {
		if (room)
			types_damage(&t->types, "out of memory");
		return;
	}
	for (bool more = dwarf_entry_child(u, &e, &child); more && nr < room;
	     more = dwarf_entry_next(u, &child, &child)) {
		if (!is_child(type, &child))
			continue;
		if (type->kind == IQ_KIND_ENUM)
			((struct iq_enumerator *)list)[nr] = (struct iq_enumerator){
				.name = child.name, .value = value_of(type, &child)};
		else if (type->kind == IQ_KIND_FUNCTION)
			((struct iq_member *)list)[nr] = (struct iq_member){
				.name = child.name, .type = dwarf_type_of(t, &child, 0)};
		else
			make_member(t, type, &child, &((struct iq_member *)list)[nr]);
		nr++;
	}
	if (type->kind == IQ_KIND_ENUM)
		node->enumerators = list;
	else
		node->members = list;
	node->nr = nr;
}
