// SPDX-License-Identifier: GPL-2.0-or-later
/* The variables of the function at an address, of those inlined there, and of their blocks. */
#include "dwarf_locals.h"
#include "debugfile_dwarf.h"
#include "dwarf_scope.h"
#include <stdlib.h>

/* Variables of one frame. */
#define LOCALS_MAX 4096

/* ---- What expressions are computed from ------------------------------------------------------- */

static enum iq_dw_known get_reg(void *arg, unsigned int reg, uint64_t *ret)
{
	const struct iq_dw_locals_reader *r = arg;

	if (reg >= IQ_MAX_REGS || !iq_reg_known(r->frame->regs, reg))
		return IQ_DW_NO_REGISTER;
	*ret = r->frame->regs->value[reg];
	return IQ_DW_KNOWN;
}

static enum iq_dw_known get_memory(void *arg, uint64_t address, unsigned int size, uint64_t *ret)
{
	const struct iq_dw_locals_reader *r = arg;
	uint8_t b[8] = {0};

	if (size > sizeof(b) || iq_vm_read(r->frame->vm, address, b, size, NULL))
		return IQ_DW_NO_MEMORY;
	*ret = iq_le64(b);
	return IQ_DW_KNOWN;
}

static enum iq_dw_known get_cfa(void *arg, uint64_t *ret)
{
	const struct iq_dw_locals_reader *r = arg;

	*ret = r->frame->cfa;
	return r->frame->has_cfa ? IQ_DW_KNOWN : IQ_DW_NO_CFA;
}

static enum iq_dw_known get_address(void *arg, uint64_t link, uint64_t *ret)
{
	const struct iq_dw_locals_reader *r = arg;

	return iq_debugfile_runtime(r->f, link, ret) ? IQ_DW_KNOWN : IQ_DW_NO_ADDRESS;
}

/* The entry values that compilers write are those of registers. */
static enum iq_dw_known get_entry_value(void *arg, const uint8_t *code, size_t len, uint64_t *ret)
{
	struct iq_dw_locals_reader *r = arg;
	struct iq_dw_cursor c = {.p = code, .end = code + len};
	uint64_t op = iq_dw_uint(&c, 1), reg = op - DW_OP_reg0;
	bool certain = true;

	if (op == DW_OP_regx)
		reg = iq_dw_uleb(&c);
	if (c.bad || c.p != c.end || reg >= IQ_MAX_REGS || !r->frame->entry ||
	    !r->frame->entry(r->frame->arg, (unsigned int)reg, ret, &certain))
		return IQ_DW_NO_ENTRY_VALUE;
	r->doubtful = r->doubtful || !certain;
	return IQ_DW_KNOWN;
}

struct iq_dw_expr iq_dw_locals_expr(const struct iq_dw_locals_reader *r, const uint8_t *code,
				    size_t len)
{
	return (struct iq_dw_expr){.code = code,
				   .len = len,
				   .address_size = r->u->address_size,
				   .offset_size = r->u->offset_size,
				   .unit = r->u};
}

static enum iq_dw_known get_frame_base(void *arg, uint64_t *ret);

struct iq_dw_machine iq_dw_locals_machine(struct iq_dw_locals_reader *r)
{
	return (struct iq_dw_machine){.reg = get_reg,
				      .memory = get_memory,
				      .cfa = get_cfa,
				      .frame_base = r->in_frame_base ? NULL : get_frame_base,
				      .entry_value = get_entry_value,
				      .address = get_address,
				      .arg = r};
}

static enum iq_dw_known get_frame_base(void *arg, uint64_t *ret)
{
	struct iq_dw_locals_reader *r = arg;
	struct iq_dw_location loc;
	struct iq_dw_machine m;
	struct iq_dw_expr e;
	enum iq_dw_known known;
	const uint8_t *code;
	size_t len;

	if (!r->has_frame_base)
		return IQ_DW_NO_CFA;
	known = iq_dw_location_at(r->u, &r->frame_base, r->link, &code, &len);
	if (known != IQ_DW_KNOWN)
		return known;
	r->in_frame_base = true;
	m = iq_dw_locals_machine(r);
	e = iq_dw_locals_expr(r, code, len);
	known = iq_dw_locate(&e, &m, &loc);
	r->in_frame_base = false;
	if (known != IQ_DW_KNOWN || loc.nr != 1 || loc.piece[0].bit_size)
		return known == IQ_DW_KNOWN ? IQ_DW_DAMAGED : known;
	/* A register means what it holds. */
	if (loc.piece[0].where == IQ_DW_REGISTER)
		return loc.piece[0].number < IQ_MAX_REGS
			       ? get_reg(r, (unsigned int)loc.piece[0].number, ret)
			       : IQ_DW_NO_REGISTER;
	*ret = loc.piece[0].number;
	return loc.piece[0].where == IQ_DW_MEMORY || loc.piece[0].where == IQ_DW_VALUE
		       ? IQ_DW_KNOWN
		       : IQ_DW_DAMAGED;
}

static enum iq_local_state state_of(enum iq_dw_known known)
{
	switch (known) {
	case IQ_DW_KNOWN:
		return IQ_LOCAL_KNOWN;
	case IQ_DW_NO_REGISTER:
		return IQ_LOCAL_NO_REGISTER;
	case IQ_DW_NO_MEMORY:
		return IQ_LOCAL_NO_MEMORY;
	case IQ_DW_NO_CFA:
		return IQ_LOCAL_NO_FRAME;
	case IQ_DW_NO_ENTRY_VALUE:
		return IQ_LOCAL_NO_ENTRY_VALUE;
	case IQ_DW_NO_ADDRESS:
		return IQ_LOCAL_NO_ADDRESS;
	case IQ_DW_UNSUPPORTED:
	case IQ_DW_DAMAGED:
		break;
	}
	return IQ_LOCAL_DAMAGED;
}

/* ---- Entries of variables --------------------------------------------------------------------- */

struct variable {
	const char *name;
	uint64_t type, origin;
	struct iq_dw_value location, constant;
	bool has_location, has_constant, declaration;
};

/* Note what entry DIE says and VAR does not know yet. */
static void note(const struct iq_dw_unit *u, const struct iq_dw_die *die, struct variable *var)
{
	struct iq_dw_attrs attrs;
	struct iq_dw_value v;
	uint32_t name;

	var->origin = 0;
	iq_dw_attrs(u, die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &v)) {
		if (name == DW_AT_name && v.class == IQ_DW_STRING && !var->name) {
			var->name = v.string;
		} else if (name == DW_AT_type && v.class == IQ_DW_REFERENCE && !var->type) {
			var->type = v.number;
		} else if ((name == DW_AT_abstract_origin || name == DW_AT_specification) &&
			   v.class == IQ_DW_REFERENCE) {
			var->origin = v.number;
		} else if (name == DW_AT_location && !var->has_location) {
			var->location = v;
			var->has_location = v.class != IQ_DW_NONE;
		} else if (name == DW_AT_const_value && !var->has_constant) {
			var->constant = v;
			var->has_constant = v.class != IQ_DW_NONE;
		} else if (name == DW_AT_declaration && v.number) {
			var->declaration = true;
		}
	}
}

static void read_variable(struct iq_dw_locals_reader *r, const struct iq_dw_die *die,
			  struct variable *var)
{
	struct iq_dw_unit *u = r->u;
	struct iq_dw_die at = *die;

	*var = (struct variable){0};
	note(u, &at, var);
	for (unsigned int i = 0; i < IQ_DW_ORIGINS_MAX && var->origin; i++) {
		if (var->origin < u->offset || var->origin >= u->end)
			u = iq_dw_unit_around(u->dwarf, var->origin);
		if (!u || !iq_dw_die(u, var->origin, &at))
			return;
		note(u, &at, var);
	}
}

static void locate(struct iq_dw_locals_reader *r, const struct variable *var, struct iq_dw_found *x)
{
	enum iq_dw_known known;
	struct iq_dw_machine m = iq_dw_locals_machine(r);
	struct iq_dw_expr e;
	const uint8_t *code;
	size_t len;

	known = iq_dw_location_at(r->u, &var->location, r->link, &code, &len);
	if (known == IQ_DW_KNOWN && !len) {
		x->local.state = IQ_LOCAL_OPTIMISED_OUT;
		return;
	}
	e = iq_dw_locals_expr(r, code, len);
	r->doubtful = false;
	if (known == IQ_DW_KNOWN)
		known = iq_dw_locate(&e, &m, &x->location);
	x->local.state = state_of(known);
	x->local.reg = x->location.reg;
	x->local.certain = known == IQ_DW_KNOWN && !r->doubtful;
	x->local.entry_value = x->location.by_entry_value;
}

static void constant(const struct variable *var, struct iq_dw_found *x)
{
	const struct iq_dw_value *v = &var->constant;

	x->local.state = IQ_LOCAL_KNOWN;
	x->local.certain = true;
	if (v->class == IQ_DW_CONSTANT) {
		x->is_number = true;
		x->number = v->number;
	} else if (v->class == IQ_DW_BLOCK) {
		x->constant = v->block;
		x->constant_len = (size_t)v->number;
	} else if (v->class == IQ_DW_STRING) {
		x->constant = (const uint8_t *)v->string;
		x->constant_len = strlen(v->string) + 1;
	} else {
		x->local.state = IQ_LOCAL_DAMAGED;
	}
}

static void add_variable(struct iq_dw_locals_reader *r, const struct iq_dw_die *die,
			 const char *function, unsigned int inlined, unsigned int block)
{
	struct variable var;
	struct iq_dw_found *x;

	read_variable(r, die, &var);
	/* What is only declared here is defined elsewhere: not this function's own. */
	if ((var.declaration && !var.has_location) || r->nr == LOCALS_MAX ||
	    !iq_grow(&r->found, &r->room, r->nr + 1, sizeof(*r->found)))
		return;
	x = &r->found[r->nr++];
	*x = (struct iq_dw_found){.type = var.type};
	x->local = (struct iq_local){.name = var.name ? var.name : "",
				     .function = function ? function : "",
				     .inlined = inlined,
				     .block = block,
				     .parameter = die->tag == DW_TAG_formal_parameter,
				     .state = IQ_LOCAL_OPTIMISED_OUT};
	if (var.has_location)
		locate(r, &var, x);
	else if (var.has_constant)
		constant(&var, x);
}

/* The variables that are children of S. */
static void variables_of(struct iq_dw_locals_reader *r, const struct iq_dw_scope *s,
			 const char *function, unsigned int inlined, unsigned int block)
{
	struct iq_dw_scope child;
	uint64_t at = s->die.children ? s->next : 0;

	for (unsigned int i = 0; at && i < IQ_DW_ENTRIES_MAX && iq_dw_scope(r->u, at, &child);
	     i++) {
		if (child.die.tag == DW_TAG_formal_parameter || child.die.tag == DW_TAG_variable)
			add_variable(r, &child.die, function, inlined, block);
		at = iq_dw_scope_behind(r->u, &child);
	}
}

void iq_dw_locals_frame_base(struct iq_dw_locals_reader *r, const struct iq_dw_scope *function)
{
	struct iq_dw_attrs attrs;
	struct iq_dw_value v;
	uint32_t name;

	iq_dw_attrs(r->u, &function->die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &v)) {
		if (name == DW_AT_frame_base && v.class != IQ_DW_NONE) {
			r->frame_base = v;
			r->has_frame_base = true;
		}
	}
}

/* The innermost function first, but the blocks of each from the outside in. */
static void all_variables(struct iq_dw_locals_reader *r, const struct iq_dw_scope *chain,
			  unsigned int depth)
{
	unsigned int inlined = 0, end = depth;

	while (end) {
		unsigned int start = end;
		const char *name;

		do
			start--;
		while (start && chain[start].die.tag == DW_TAG_lexical_block);
		name = iq_dw_scope_name(r->u, &chain[start]);
		for (unsigned int i = start; i < end; i++)
			variables_of(r, &chain[i], name, inlined, i - start);
		inlined++;
		end = start;
	}
}

/* ---- From outside ----------------------------------------------------------------------------- */

bool iq_debugfile_locals(struct iq_debugfile *f, const struct iq_locals_frame *frame,
			 struct iq_locals *ret)
{
	struct iq_dw_locals_reader r = {.f = f, .frame = frame, .ret = ret};
	struct iq_dw_scope chain[IQ_DW_SCOPES_MAX];
	struct iq_types *types;
	unsigned int depth;

	*ret = (struct iq_locals){0};
	r.u = iq_debugfile_unit(f, frame->address, true, &r.link);
	depth = r.u ? iq_dw_scopes(r.u, r.link, chain, IQ_DW_SCOPES_MAX) : 0;
	if (!depth)
		return false;
	iq_dw_locals_frame_base(&r, &chain[0]);
	all_variables(&r, chain, depth);
	ret->list = iq_arena_alloc(&ret->arena, (r.nr ? r.nr : 1) * sizeof(*ret->list));
	types = ret->list ? iq_debugfile_types(f) : NULL;
	for (unsigned int i = 0; ret->list && i < r.nr; i++) {
		struct iq_dw_found *x = &r.found[i];

		if (types && x->type && x->type <= UINT32_MAX)
			x->local.type = iq_type_by_id(types, (uint32_t)x->type);
		x->local.size = x->local.type ? iq_type_strip(x->local.type)->size : 0;
		iq_dw_locals_evaluate(&r, x);
		x->local.certain = x->local.certain && x->local.state == IQ_LOCAL_KNOWN;
		ret->list[ret->nr++] = x->local;
	}
	free(r.found);
	return ret->list != NULL;
}

void iq_locals_free(struct iq_locals *l)
{
	iq_arena_free(&l->arena);
	*l = (struct iq_locals){0};
}

void iq_local_why(const struct iq_arch *a, enum iq_local_state s, unsigned int reg, char *buf,
		  size_t room)
{
	static const char *const text[] = {
		[IQ_LOCAL_KNOWN] = "",
		[IQ_LOCAL_OPTIMISED_OUT] = "optimised out",
		[IQ_LOCAL_SYNTHETIC] = "a pointer to what was optimised out",
		[IQ_LOCAL_NO_ENTRY_VALUE] = "its register at the call is not known",
		[IQ_LOCAL_NO_FRAME] = "the address of the frame is not known",
		[IQ_LOCAL_NO_MEMORY] = "in memory that is not in the dump",
		[IQ_LOCAL_NO_ADDRESS] = "at an address that is not known",
		[IQ_LOCAL_NO_TYPE] = "of an unknown type",
		[IQ_LOCAL_DAMAGED] = "the debug information is not understood",
	};

	if (s == IQ_LOCAL_NO_REGISTER)
		snprintf(buf, room, "in %s, which is not known",
			 reg < a->nr_regs ? a->reg_names[reg] : "a register");
	else
		snprintf(buf, room, "%s",
			 (unsigned int)s < IQ_ARRAY_SIZE(text) && text[s] ? text[s] : "");
}
