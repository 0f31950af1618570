// SPDX-License-Identifier: GPL-2.0-or-later
/* What entries (DIEs) of .debug_info say of types and variables. */
#include "dwarf_types.h"

/* A place in an object or in memory, as a constant or as the shortest of expressions. */
static bool constant_of(const struct iq_dw_unit *u, const struct iq_dw_value *v, unsigned int op,
			uint64_t *ret)
{
	struct iq_dw_cursor c;

	if (v->class == IQ_DW_CONSTANT) {
		*ret = v->number;
		return true;
	}
	if (v->class != IQ_DW_BLOCK || !v->number)
		return false;
	c = (struct iq_dw_cursor){.p = v->block, .end = v->block + v->number};
	if (iq_dw_uint(&c, 1) != op)
		return false;
	*ret = op == DW_OP_addr ? iq_dw_uint(&c, u->address_size) : iq_dw_uleb(&c);
	return !c.bad;
}

static void note_location(const struct iq_dw_unit *u, const struct iq_dw_value *v,
			  struct dwarf_entry *e)
{
	uint64_t index;

	if (constant_of(u, v, DW_OP_addr, &e->address))
		e->has_address = v->class == IQ_DW_BLOCK;
	else if (constant_of(u, v, DW_OP_addrx, &index))
		e->has_address = iq_dw_addrx(u, index, &e->address);
}

static void note_number(const struct iq_dw_unit *u, uint32_t name, const struct iq_dw_value *v,
			struct dwarf_entry *e)
{
	uint64_t number = v->number;

	if (v->class != IQ_DW_CONSTANT)
		return;
	switch (name) {
	case DW_AT_byte_size:
		e->size = number;
		e->has_size = true;
		break;
	case DW_AT_encoding:
		e->encoding = number;
		e->has_encoding = true;
		break;
	case DW_AT_bit_size:
		e->bit_size = number;
		break;
	case DW_AT_bit_offset:
		e->bit_offset = number;
		e->has_bit_offset = true;
		break;
	case DW_AT_data_bit_offset:
		e->data_bit_offset = number;
		e->has_data_bit_offset = true;
		break;
	case DW_AT_count:
		e->count = number;
		e->has_count = true;
		break;
	case DW_AT_upper_bound:
		e->bound = number;
		e->has_bound = true;
		break;
	case DW_AT_const_value:
		e->value = number;
		break;
	case DW_AT_declaration:
		e->declaration = number;
		break;
	case DW_AT_external:
		e->external = number;
		break;
	case DW_AT_decl_line:
		e->line = (uint32_t)IQ_MIN(number, UINT32_MAX);
		break;
	}
}

static void note(const struct iq_dw_unit *u, uint32_t name, const struct iq_dw_value *v,
		 struct dwarf_entry *e)
{
	switch (name) {
	case DW_AT_name:
		if (v->class == IQ_DW_STRING)
			e->name = types_is_name(v->string) ? v->string : "?";
		break;
	case DW_AT_type:
		if (v->class == IQ_DW_REFERENCE || v->class == IQ_DW_SIGNATURE) {
			e->type = v->number;
			e->by_signature = v->class == IQ_DW_SIGNATURE;
			e->has_type = true;
		} else {
			e->lost_type = true;
		}
		break;
	case DW_AT_signature: /* a declaration whose definition is a type unit's */
		if (v->class == IQ_DW_SIGNATURE) {
			e->signature = v->number;
			e->has_signature = true;
		}
		break;
	case DW_AT_specification:
	case DW_AT_abstract_origin:
		if (v->class == IQ_DW_REFERENCE)
			e->origin = v->number;
		break;
	case DW_AT_sibling:
		if (v->class == IQ_DW_REFERENCE)
			e->sibling = v->number;
		break;
	case DW_AT_data_member_location:
		e->has_location = constant_of(u, v, DW_OP_plus_uconst, &e->location);
		break;
	case DW_AT_location:
		note_location(u, v, e);
		break;
	default:
		note_number(u, name, v, e);
	}
}

bool dwarf_entry(const struct iq_dw_unit *u, uint64_t offset, struct dwarf_entry *e)
{
	struct iq_dw_attrs attrs;
	struct iq_dw_value value;
	uint32_t name;

	*e = (struct dwarf_entry){.name = ""};
	if (!iq_dw_die(u, offset, &e->die))
		return false;
	iq_dw_attrs(u, &e->die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &value))
		note(u, name, &value, e);
	e->end = iq_dw_attrs_end(&attrs);
	/* Never back: going through siblings comes to an end. */
	if (e->sibling <= e->end || e->sibling > u->end)
		e->sibling = 0;
	return e->end;
}

bool dwarf_entry_at(struct iq_dwarf *d, uint64_t offset, struct iq_dw_unit **u,
		    struct dwarf_entry *e)
{
	*u = iq_dw_unit_around(d, offset);
	return *u && dwarf_entry(*u, offset, e);
}

bool dwarf_entry_child(const struct iq_dw_unit *u, const struct dwarf_entry *e,
		       struct dwarf_entry *child)
{
	return e->die.children && dwarf_entry(u, e->end, child);
}

bool dwarf_entry_next(const struct iq_dw_unit *u, const struct dwarf_entry *e,
		      struct dwarf_entry *next)
{
	unsigned int depth = 0;
	struct dwarf_entry at;

	if (!e->die.children || e->sibling)
		return dwarf_entry(u, e->die.children ? e->sibling : e->end, next);
	/* Over all that lies below it, to the end of its children. */
	at = *e;
	for (uint64_t offset = e->end;;) {
		if (iq_dw_is_null(u, offset)) {
			offset++;
			if (!depth)
				return dwarf_entry(u, offset, next);
			depth--;
			continue;
		}
		if (!dwarf_entry(u, offset, &at))
			return false;
		offset = at.die.children && !at.sibling ? at.end
			 : at.die.children		? at.sibling
							: at.end;
		depth += at.die.children && !at.sibling;
	}
}
