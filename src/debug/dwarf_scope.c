// SPDX-License-Identifier: GPL-2.0-or-later
/* Entries that have a name and cover addresses: functions, inlined functions, blocks. */
#include "dwarf_scope.h"

bool iq_dw_scope(const struct iq_dw_unit *u, uint64_t offset, struct iq_dw_scope *s)
{
	struct iq_dw_attrs attrs;
	struct iq_dw_value v;
	bool linked = false;
	uint32_t name;

	*s = (struct iq_dw_scope){0};
	if (!iq_dw_die(u, offset, &s->die))
		return false;
	iq_dw_attrs(u, &s->die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &v)) {
		iq_dw_pc_note(&s->pc, name, &v);
		if (name == DW_AT_name && v.class == IQ_DW_STRING && !linked)
			s->name = v.string;
		else if (name == DW_AT_linkage_name && v.class == IQ_DW_STRING)
			/* Rust's: the name that the symbol table has. */
			linked = (s->name = v.string) != NULL;
		else if (name == DW_AT_sibling && v.class == IQ_DW_REFERENCE)
			s->sibling = v.number;
		else if ((name == DW_AT_abstract_origin || name == DW_AT_specification) &&
			 v.class == IQ_DW_REFERENCE)
			s->origin = v.number;
		else if (name == DW_AT_call_file && v.class == IQ_DW_CONSTANT)
			s->call_file = v.number;
		else if (name == DW_AT_call_line && v.class == IQ_DW_CONSTANT)
			s->call_line = v.number;
	}
	s->next = iq_dw_attrs_end(&attrs);
	return s->next > offset;
}

/* Offset of the end mark's end, from the first child at OFFSET on; 0: damaged. */
static uint64_t skip_children(const struct iq_dw_unit *u, uint64_t offset)
{
	unsigned int depth = 1;
	struct iq_dw_scope s;

	while (depth && offset < u->end) {
		if (iq_dw_scope(u, offset, &s)) {
			if (s.die.children && s.sibling > s.next) {
				offset = s.sibling;
				continue;
			}
			depth += s.die.children;
			offset = s.next;
		} else {
			struct iq_dw_cursor c = iq_dw_cursor(u->dwarf, IQ_DW_INFO, offset, u->end);

			/* The mark at the end of a list of siblings is a single 0. */
			if (iq_dw_uint(&c, 1) || c.bad)
				return 0;
			depth--;
			offset++;
		}
	}
	return depth ? 0 : offset;
}

uint64_t iq_dw_scope_behind(const struct iq_dw_unit *u, const struct iq_dw_scope *s)
{
	if (!s->die.children)
		return s->next;
	/* Only forwards, or a loop of siblings would never end. */
	if (s->sibling > s->next && s->sibling < u->end)
		return s->sibling;
	return skip_children(u, s->next);
}

const char *iq_dw_scope_name(struct iq_dw_unit *u, const struct iq_dw_scope *scope)
{
	struct iq_dw_scope s = *scope;

	for (unsigned int i = 0; i < IQ_DW_ORIGINS_MAX; i++) {
		if (s.name)
			return s.name;
		if (!s.origin)
			return NULL;
		if (s.origin < u->offset || s.origin >= u->end)
			u = iq_dw_unit_around(u->dwarf, s.origin);
		if (!u || !iq_dw_scope(u, s.origin, &s))
			return NULL;
	}
	return NULL;
}
