// SPDX-License-Identifier: GPL-2.0-or-later
/* What a function passed to one that it called, as its debug information says it at the call. */
#include "debugfile_dwarf.h"
#include "dwarf_locals.h"
#include "dwarf_scope.h"

static bool is_call_site(const struct iq_dw_unit *u, const struct iq_dw_die *die, uint64_t link)
{
	struct iq_dw_attrs attrs;
	struct iq_dw_value v;
	uint32_t name;

	if (die->tag != DW_TAG_call_site && die->tag != DW_TAG_GNU_call_site)
		return false;
	iq_dw_attrs(u, die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &v)) {
		if ((name == DW_AT_call_return_pc || name == DW_AT_low_pc) &&
		    v.class == IQ_DW_ADDRESS)
			return v.number == link;
	}
	return false;
}

/* Does DIE say what was in REG?  *VALUE is then the expression. */
static bool is_parameter(const struct iq_dw_unit *u, const struct iq_dw_die *die, unsigned int reg,
			 struct iq_dw_value *value)
{
	struct iq_dw_attrs attrs;
	struct iq_dw_value v;
	uint32_t name;
	bool same = false, has_value = false;

	if (die->tag != DW_TAG_call_site_parameter && die->tag != DW_TAG_GNU_call_site_parameter)
		return false;
	iq_dw_attrs(u, die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &v)) {
		if (v.class != IQ_DW_BLOCK)
			continue;
		if (name == DW_AT_location) {
			same = v.number == 1 && v.block[0] == DW_OP_reg0 + reg && reg < 32;
		} else if (name == DW_AT_call_value || name == DW_AT_GNU_call_site_value) {
			*value = v;
			has_value = true;
		}
	}
	return same && has_value;
}

static bool parameter_of(const struct iq_dw_unit *u, const struct iq_dw_scope *call,
			 unsigned int reg, struct iq_dw_value *value)
{
	struct iq_dw_scope child;
	uint64_t at = call->die.children ? call->next : 0;

	for (unsigned int i = 0; at && i < IQ_DW_ENTRIES_MAX && iq_dw_scope(u, at, &child); i++) {
		if (is_parameter(u, &child.die, reg, value))
			return true;
		at = iq_dw_scope_behind(u, &child);
	}
	return false;
}

static bool call_site_in(const struct iq_dw_unit *u, const struct iq_dw_scope *s, uint64_t link,
			 unsigned int reg, struct iq_dw_value *value)
{
	struct iq_dw_scope child;
	uint64_t at = s->die.children ? s->next : 0;

	for (unsigned int i = 0; at && i < IQ_DW_ENTRIES_MAX && iq_dw_scope(u, at, &child); i++) {
		if (is_call_site(u, &child.die, link) && parameter_of(u, &child, reg, value))
			return true;
		at = iq_dw_scope_behind(u, &child);
	}
	return false;
}

bool iq_debugfile_call_value(struct iq_debugfile *f, const struct iq_locals_frame *frame,
			     uint64_t return_address, unsigned int reg, uint64_t *ret,
			     bool *certain)
{
	struct iq_dw_locals_reader r = {.f = f, .frame = frame};
	struct iq_dw_scope chain[IQ_DW_SCOPES_MAX];
	struct iq_dw_value value = {0};
	struct iq_dw_location loc;
	struct iq_dw_machine m;
	struct iq_dw_expr e;
	unsigned int depth;
	bool found = false;

	r.u = iq_debugfile_unit(f, frame->address, false, &r.link);
	depth = r.u ? iq_dw_scopes(r.u, r.link, chain, IQ_DW_SCOPES_MAX) : 0;
	if (!depth)
		return false;
	iq_dw_locals_frame_base(&r, &chain[0]);
	while (depth && !found)
		found = call_site_in(r.u, &chain[--depth],
				     r.link + (return_address - frame->address), reg, &value);
	if (!found)
		return false;
	m = iq_dw_locals_machine(&r);
	e = iq_dw_locals_expr(&r, value.block, (size_t)value.number);
	if (iq_dw_locate(&e, &m, &loc) != IQ_DW_KNOWN || loc.nr != 1 || loc.piece[0].bit_size ||
	    (loc.piece[0].where != IQ_DW_MEMORY && loc.piece[0].where != IQ_DW_VALUE))
		return false;
	*ret = loc.piece[0].number;
	*certain = !r.doubtful;
	return true;
}
