/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of values that have no name: a parameter has a type, what is loaded through it is its member, and so on.
 * The same chain tells where a value came from.
 */
#include <inttypes.h>

#include "args_solve.h"

/* Loads through loads; members in members. */
#define DEPTH_MAX 8
/* Longer texts help nobody. */
#define TEXT_MAX 96

/* ---- Members ---------------------------------------------------------------------------------- */

static bool is_struct(const struct iq_type *t)
{
	return t->kind == IQ_KIND_STRUCT || t->kind == IQ_KIND_UNION;
}

/* The member of T at OFFSET that has SIZE bytes (0: the innermost struct that begins there). */
static const struct iq_member *member_at(const struct iq_type *t, uint64_t offset, uint64_t size)
{
	const struct iq_member *m;
	unsigned int nr;

	m = iq_type_members(t, &nr);
	for (unsigned int i = 0; i < nr; i++) {
		const struct iq_type *mt = iq_type_strip(m[i].type);
		uint64_t at = m[i].bit_offset / 8;

		if (m[i].bit_size || at > offset || !mt->size || offset - at >= mt->size)
			continue;
		/* Of a union the first that fits. */
		if (t->kind == IQ_KIND_UNION && size && !is_struct(mt) &&
		    (at != offset || mt->size != size))
			continue;
		return &m[i];
	}
	return NULL;
}

/* "." is in front of each member but the first. */
bool iq_member_sized(const struct iq_type *type, uint64_t offset, uint64_t size,
		     const struct iq_type **ret, struct iq_buf *text)
{
	bool first = true;

	for (unsigned int depth = 0; depth < DEPTH_MAX; depth++) {
		const struct iq_type *t = iq_type_strip(type);
		const struct iq_member *m;

		if (!first && !offset && (size ? t->size == size && !is_struct(t) : true)) {
			*ret = type;
			return true;
		}
		if (t->kind == IQ_KIND_ARRAY && iq_type_strip(iq_type_target(t))->size) {
			uint64_t each = iq_type_strip(iq_type_target(t))->size;

			iq_buf_printf(text, "[%" PRIu64 "]", offset / each);
			offset %= each;
			type = iq_type_target(t);
			continue;
		}
		m = is_struct(t) ? member_at(t, offset, size) : NULL;
		if (!m)
			return false;
		if (m->name[0]) {
			iq_buf_printf(text, "%s%s", first ? "" : ".", m->name);
			first = false;
		}
		offset -= m->bit_offset / 8;
		type = m->type;
	}
	return false;
}

/* ---- Expressions ------------------------------------------------------------------------------ */

static const struct iq_type *pointed_to(const struct iq_type *type)
{
	const struct iq_type *t = type ? iq_type_strip(type) : NULL;

	return t && t->kind == IQ_KIND_POINTER ? iq_type_strip(iq_type_target(t)) : NULL;
}

/* "p->a.b", or "x.a.b" for an "&x" in front. */
static void arrow(struct iq_buf *text, const char *base, const char *path)
{
	if (base[0] == '&')
		iq_buf_printf(text, "%s.%s", base + 1, path);
	else
		iq_buf_printf(text, "%s->%s", base, path);
}

/* BASE of type TYPE, plus ADDEND. */
static bool add_offset(const char *base, int64_t addend, const struct iq_type **type,
		       struct iq_buf *text)
{
	const struct iq_type *to = pointed_to(*type), *inner;
	struct iq_buf path = {0};

	if (!addend) {
		iq_buf_puts(text, base);
		return true;
	}
	if (to && addend > 0 && is_struct(to) &&
	    iq_member_sized(to, (uint64_t)addend, 0, &inner, &path)) {
		*type = iq_type_pointer_to(inner);
		iq_buf_putc(text, '&');
		arrow(text, base, iq_buf_str(&path));
	} else {
		iq_buf_printf(text, "%s%+" PRId64, base, addend);
		*type = NULL;
	}
	iq_buf_free(&path);
	return true;
}

const struct iq_member *args_parameter(struct iq_args *a, unsigned int n, int reg,
				       unsigned int offset)
{
	const struct iq_arch *arch = a->k->arch;
	const struct iq_type *proto;
	const struct iq_member *p;
	struct arg_cursor c = {0};
	struct arg_place place;
	unsigned int nr;
	bool certain;

	proto = args_prototype(a, &a->b->frames[n].symbol, a->frame[n].flow, &certain);
	if (!proto || !args_fits_code(arch, a->frame[n].flow, proto))
		return NULL;
	p = iq_type_members(proto, &nr);
	for (unsigned int i = 0; i < nr && args_place(arch, p[i].type, &c, &place); i++) {
		if (place.on_stack ? reg < 0 && place.offset == offset
				   : place.nr_registers == 1 && reg >= 0 &&
					     arch->arg_regs[place.first] == (unsigned int)reg)
			return &p[i];
	}
	return NULL;
}

static bool expression(struct iq_args *a, unsigned int n, const struct value *v, unsigned int depth,
		       const struct iq_type **type, struct iq_buf *text);

/* Memory at the value ADDRESS. */
static bool loaded(struct iq_args *a, unsigned int n, const struct origin *o, unsigned int depth,
		   const struct iq_type **type, struct iq_buf *text)
{
	struct value base = o->address;
	const struct iq_type *pointer = NULL, *to;
	struct iq_buf inner = {0}, path = {0};
	int64_t addend = base.addend;
	bool ok;

	base.addend = 0;
	ok = base.base != V_CONST && base.base != V_CFA &&
	     expression(a, n, &base, depth + 1, &pointer, &inner);
	to = ok ? pointed_to(pointer) : NULL;
	ok = to && addend >= 0 && is_struct(to) &&
	     iq_member_sized(to, (uint64_t)addend, o->size, type, &path);
	if (ok)
		arrow(text, iq_buf_str(&inner), iq_buf_str(&path));
	iq_buf_free(&inner);
	iq_buf_free(&path);
	return ok;
}

static bool returned(struct iq_args *a, const struct origin *o, const struct iq_type **type,
		     struct iq_buf *text)
{
	const struct iq_type *proto;
	struct iq_symbol s;
	bool certain;

	if (!o->target || !iq_symbol_at(a->k, o->target, &s) || s.address != o->target)
		return false;
	proto = args_prototype(a, &s, NULL, &certain);
	if (!proto || !certain)
		return false;
	*type = iq_type_target(proto);
	iq_buf_printf(text, "%s()", s.name);
	return iq_type_strip(*type)->kind != IQ_KIND_VOID;
}

/* V without its addend. */
static bool base_expression(struct iq_args *a, unsigned int n, const struct value *v,
			    unsigned int depth, const struct iq_type **type, struct iq_buf *text)
{
	const struct origin *o;
	const struct iq_member *p;
	struct iq_types *types;

	if (v->base == V_ENTRY || v->base == V_STACK) {
		p = args_parameter(a, n, v->base == V_ENTRY ? (int)v->n : -1, v->n);
		if (!p || !p->name[0])
			return false;
		*type = p->type;
		iq_buf_puts(text, p->name);
		return true;
	}
	if (v->base != V_DEF)
		return false;
	o = &a->frame[n].flow->origin[v->n];
	if (o->kind == FROM_LOAD)
		return loaded(a, n, o, depth, type, text);
	if (o->kind == FROM_CALL)
		return returned(a, o, type, text);
	if (o->kind == FROM_PERCPU && o->size == 8 && a->current_offset &&
	    (uint64_t)o->address.addend == a->current_offset) {
		types = iq_kernel_types(a->k);
		*type = types ? iq_type_by_name(types, "struct task_struct *") : NULL;
		iq_buf_puts(text, "current");
		return true;
	}
	return false;
}

static bool expression(struct iq_args *a, unsigned int n, const struct value *v, unsigned int depth,
		       const struct iq_type **type, struct iq_buf *text)
{
	struct iq_buf base = {0};
	bool ok;

	*type = NULL;
	ok = depth < DEPTH_MAX && v->width == 8 && base_expression(a, n, v, depth, type, &base) &&
	     base.len <= TEXT_MAX && add_offset(iq_buf_str(&base), v->addend, type, text);
	iq_buf_free(&base);
	return ok;
}

bool args_expression(struct iq_args *a, unsigned int n, const struct value *v,
		     const struct iq_type **type, struct iq_buf *text)
{
	*type = NULL;
	return a->frame[n].usable && expression(a, n, v, 0, type, text);
}

/* ---- Steps ------------------------------------------------------------------------------------ */

/* What V is, by its own; *NEXT is the address that it was loaded through. */
static bool step(struct iq_args *a, unsigned int n, const struct value *v, struct iq_origin *s,
		 struct value *next)
{
	const struct flow *f = a->frame[n].flow;
	const struct origin *o;

	s->offset = v->addend;
	if (v->base == V_ENTRY || v->base == V_STACK) {
		const struct iq_member *p =
			args_parameter(a, n, v->base == V_ENTRY ? (int)v->n : -1, v->n);
		unsigned int nr;
		bool certain;

		s->kind = p ? IQ_ORIGIN_PARAMETER : IQ_ORIGIN_REGISTER;
		s->reg = v->n;
		if (p)
			s->number =
				(unsigned int)(p -
					       iq_type_members(
						       args_prototype(a, &a->b->frames[n].symbol, f,
								      &certain),
						       &nr));
		else if (v->base == V_STACK)
			s->kind = IQ_ORIGIN_UNKNOWN;
		return false;
	}
	if (v->base == V_CONST || v->base == V_CFA)
		s->kind = v->base == V_CONST ? IQ_ORIGIN_CONSTANT : IQ_ORIGIN_FRAME;
	if (v->base != V_DEF)
		return false;
	o = &f->origin[v->n];
	s->at = f->op[v->n / 2].address;
	s->size = o->size;
	switch ((enum origin_kind)o->kind) {
	case FROM_LOAD:
		s->kind = IQ_ORIGIN_LOAD;
		*next = o->address;
		return true;
	case FROM_PERCPU:
		s->kind = IQ_ORIGIN_PERCPU;
		s->address = (uint64_t)o->address.addend;
		return false;
	case FROM_CALL:
		s->kind = IQ_ORIGIN_CALL;
		s->address = o->target;
		return false;
	case FROM_OTHER:
	case FROM_MERGE:
		break;
	}
	return false;
}

unsigned int iq_args_origin(struct iq_args *a, unsigned int n, unsigned int reg,
			    struct iq_origin *steps)
{
	struct value v, next;
	unsigned int nr = 0;

	if (!a->b || n >= a->nr_frames || !a->frame[n].usable || reg >= NR_GPR ||
	    (!a->b->frames[n].exact_ip && !(a->k->arch->callee_saved >> reg & 1)))
		return 0;
	v = a->frame[n].st.reg[reg];
	while (nr < IQ_ORIGINS_MAX && v.base != V_UNKNOWN) {
		struct iq_origin *s = &steps[nr++];
		struct iq_buf text = {0};
		unsigned int width;
		bool more;

		*s = (struct iq_origin){.kind = IQ_ORIGIN_UNKNOWN};
		more = step(a, n, &v, s, &next);
		s->known = args_value(a, n, &v, &s->value, &width, &s->certain, NULL) && width == 8;
		if (args_expression(a, n, &v, &s->type, &text))
			snprintf(s->text, sizeof(s->text), "%s", iq_buf_str(&text));
		iq_buf_free(&text);
		if (!more)
			break;
		v = next;
	}
	return nr;
}
