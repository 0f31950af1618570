/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What functions that have returned may have done: those that a frame's code calls on its way to where it stands, with
 * the parameters that they were given, as far as these are still known.
 */
#include <stdlib.h>

#include "args_run.h"
#include "args_solve.h"

/* Calls in calls; operations that are looked at for one frame. */
#define DEPTH_MAX 4
#define OPS_MAX 60000
/* A copy of unknown length, an array with unknown index: so many bytes are thought possible. */
#define REACH 128

struct given {
	bool known[NR_GPR];
	uint64_t value[NR_GPR];
};

struct work {
	struct iq_args *a;
	const struct iq_effect_query *q;
	struct iq_effect *ret;
	unsigned int nr, max, ops;
	bool loaded; /* the last value_in() asked memory */
	/* The call that is being looked at. */
	struct iq_symbol function;
	uint64_t call;
};

/* ---- Values in a function that is not on the stack ---------------------------------------------- */

static bool value_in(struct work *w, const struct flow *f, const struct given *g,
		     const struct value *v, unsigned int depth, uint64_t *ret)
{
	const struct origin *o;
	uint64_t base = 0;

	w->loaded = w->loaded && depth;
	switch ((enum value_base)v->base) {
	case V_CONST:
		break;
	case V_ENTRY:
		if (!g->known[v->n])
			return false;
		base = g->value[v->n];
		break;
	case V_DEF:
		o = &f->origin[v->n];
		if (o->kind != FROM_LOAD || depth > 6 || (o->size != 8 && o->size != 4) ||
		    !value_in(w, f, g, &o->address, depth + 1, &base) ||
		    iq_vm_read_uint(w->a->k->vm, base, o->size, &base))
			return false;
		w->loaded = true;
		break;
	default:
		return false;
	}
	*ret = (uint64_t)value_extend((int64_t)(base + (uint64_t)v->addend), v->width,
				      v->is_signed);
	return true;
}

enum how { HOW_WEAK, HOW_UNSURE, HOW_SURE };

static enum how how_of(const struct iq_effect *e)
{
	return e->weak ? HOW_WEAK : e->sure ? HOW_SURE : HOW_UNSURE;
}

/* Of each call the best that is known. */
static void note_effect(struct work *w, uint64_t at, unsigned int depth, bool frees, enum how how)
{
	struct iq_effect e = {.function = w->function,
			      .call = w->call,
			      .at = at,
			      .depth = depth,
			      .frees = frees,
			      .writes = !frees,
			      .loaded = frees && depth && w->loaded,
			      .sure = how == HOW_SURE,
			      .weak = how == HOW_WEAK};

	for (unsigned int i = 0; i < w->nr; i++) {
		if (w->ret[i].call != e.call || w->ret[i].frees != frees)
			continue;
		if (how_of(&w->ret[i]) < how)
			w->ret[i] = e;
		return;
	}
	if (w->nr < w->max)
		w->ret[w->nr++] = e;
}

/* ---- One function ------------------------------------------------------------------------------- */

/* lea (%r8,%rax,1): at least as much as its base. */
static bool least_value(struct work *w, struct flow *f, const struct given *g,
			const struct value *v, uint64_t *ret)
{
	const struct op *op;
	struct state st;
	bool known = false;

	if (v->base != V_DEF || v->n & 1)
		return false;
	op = &f->op[v->n / 2];
	if (op->kind != OP_LEA || op->index < 0 || op->base < 0 || op->base >= NR_GPR)
		return false;
	if (flow_at(w->a->k, f, v->n / 2, &st))
		known = value_in(w, f, g, &st.reg[op->base], 0, ret) ||
			(op->scale == 1 && value_in(w, f, g, &st.reg[op->index], 0, ret));
	state_free(&st);
	*ret += (uint64_t)op->disp + (uint64_t)v->addend;
	return known;
}

/* Was it given an address from where the field can be come to? */
static bool given_before(const struct work *w, const struct given *g)
{
	for (unsigned int r = 0; w->q->from && r < NR_GPR; r++)
		if (g->known[r] && g->value[r] >= w->q->from && g->value[r] <= w->q->field)
			return true;
	return false;
}

/* A pointer that goes through memory step by step: it comes from several places, or was added to. */
static bool is_stepped(const struct flow *f, const struct value *v)
{
	return v->base == V_UNKNOWN ||
	       (v->base == V_DEF && (v->n & 1 || f->op[v->n / 2].kind == OP_ADD));
}

/* Does OP, with ST in front of it, write into the field? */
static bool writes_field(struct work *w, struct flow *f, const struct given *g, const struct op *op,
			 const struct state *st, enum how *how)
{
	const struct iq_effect_query *q = w->q;
	const struct value *base;
	uint64_t address, value, size = op->mem_size ? op->mem_size : op->size;

	if (!q->field || !op->mem_write || op->segment >= 0 || op->base < 0 || op->base >= NR_GPR ||
	    op->kind == OP_PUSH || op->kind == OP_CALL)
		return false;
	base = &st->reg[op->base];
	if (base->base == V_CFA)
		return false;
	*how = op->index < 0 && !op->no_address && size ? HOW_SURE : HOW_UNSURE;
	if (!value_in(w, f, g, base, 0, &address)) {
		*how = HOW_UNSURE;
		if (!least_value(w, f, g, base, &address)) {
			*how = HOW_WEAK;
			return is_stepped(f, base) && given_before(w, g);
		}
	}
	address += (uint64_t)op->disp;
	if (*how != HOW_SURE)
		size = REACH;
	if (address >= q->field + q->size || address + size <= q->field)
		return false;
	if (*how != HOW_SURE)
		return true;
	/* Something else is there now: it was not the last to write. */
	if (op->kind == OP_STORE_IMM && address == q->field && size == q->size)
		return (uint64_t)value_extend(op->imm, (unsigned int)IQ_MIN(size, 8), false) ==
		       q->value;
	if (op->kind == OP_STORE && op->src >= 0 && address == q->field && size == q->size &&
	    st->reg[op->src].base != V_DEF && value_in(w, f, g, &st->reg[op->src], 0, &value))
		return value == q->value;
	return true;
}

static void look_into(struct work *w, const struct iq_symbol *s, const struct given *g,
		      unsigned int depth);

/* A call with ST in front of it, in a function that was given G. */
static void look_at_call(struct work *w, const struct flow *f, const struct given *g,
			 const struct op *op, const struct state *st, unsigned int depth)
{
	const struct iq_arch *arch = w->a->k->arch;
	struct given inner = {0};
	struct iq_symbol s;
	unsigned int parameter;
	bool any = false;

	if (!op->has_target || !iq_symbol_at(w->a->k, op->target, &s) || !s.name ||
	    (s.address != op->target && s.address + 4 != op->target))
		return;
	for (unsigned int i = 0; i < arch->nr_arg_regs; i++) {
		unsigned int r = arch->arg_regs[i];

		inner.known[r] = value_in(w, f, g, &st->reg[r], 0, &inner.value[r]);
		any |= inner.known[r] && inner.value[r] >= 65536;
	}
	if (w->q->frees && w->q->frees(s.name, &parameter) && parameter < arch->nr_arg_regs) {
		unsigned int r = arch->arg_regs[parameter];

		if (w->q->freed && inner.known[r] && inner.value[r] == w->q->freed &&
		    value_in(w, f, g, &st->reg[r], 0, &inner.value[r]))
			note_effect(w, op->address, depth, true, HOW_SURE);
		return;
	}
	if (w->q->copies && w->q->copies(s.name)) {
		unsigned int to = arch->arg_regs[0], len = arch->arg_regs[2];
		uint64_t n = inner.known[len] ? inner.value[len] : REACH;

		if (w->q->field && inner.known[to] && inner.value[to] < w->q->field + w->q->size &&
		    n <= UINT32_MAX && inner.value[to] + n > w->q->field)
			note_effect(w, op->address, depth, false,
				    inner.known[len] ? HOW_SURE : HOW_UNSURE);
		return;
	}
	if (any && depth < DEPTH_MAX)
		look_into(w, &s, &inner, depth + 1);
}

static void look_into(struct work *w, const struct iq_symbol *s, const struct given *g,
		      unsigned int depth)
{
	struct flow *f;

	if (w->q->skip && w->q->skip(s))
		return;
	f = args_flow(w->a, s);
	if (!f || !f->known)
		return;
	for (unsigned int i = 0; i < f->nr_ops && w->ops < OPS_MAX; i++) {
		const struct op *op = &f->op[i];
		bool call = op->kind == OP_CALL || (op->flow == IQ_FLOW_JUMP && op->has_target &&
						    code_find(f, op->target) < 0);
		struct state st;
		enum how how;

		w->ops++;
		if (!call && !op->mem_write)
			continue;
		if (flow_at(w->a->k, f, i, &st)) {
			if (call)
				look_at_call(w, f, g, op, &st, depth);
			else if (writes_field(w, f, g, op, &st, &how))
				note_effect(w, op->address, depth, false, how);
		}
		state_free(&st);
	}
}

/* ---- The frame ---------------------------------------------------------------------------------- */

/* Which blocks lead to block B, or are it. */
static bool *blocks_before(const struct flow *f, unsigned int b)
{
	bool *before = calloc(f->nr_blocks ? f->nr_blocks : 1, sizeof(*before));
	bool more = true;

	if (!before)
		return NULL;
	before[b] = true;
	while (more) {
		more = false;
		for (unsigned int i = f->nr_blocks; i-- > 0;) {
			for (unsigned int j = 0; j < f->nr_blocks && !before[i]; j++) {
				if (before[j] && flow_leads_to(f, i, j))
					before[i] = more = true;
			}
		}
	}
	return before;
}

/* What frame N knows of V, or memory tells. */
static bool frame_value(struct work *w, unsigned int n, const struct value *v, unsigned int depth,
			uint64_t *ret)
{
	const struct flow *f = w->a->frame[n].flow;
	const struct origin *o;
	struct value whole = *v;
	unsigned int width;
	bool certain;

	if (args_value(w->a, n, v, ret, &width, &certain, NULL) && width == 8)
		return true;
	if (v->base != V_DEF || depth > 6 || v->width < 8)
		return false;
	o = &f->origin[v->n];
	whole = o->address;
	if (o->kind != FROM_LOAD || o->size != 8 || !frame_value(w, n, &whole, depth + 1, ret) ||
	    iq_vm_read_uint(w->a->k->vm, *ret, 8, ret))
		return false;
	*ret += (uint64_t)v->addend;
	return true;
}

unsigned int iq_args_effects(struct iq_args *a, unsigned int n, const struct iq_effect_query *q,
			     struct iq_effect *ret, unsigned int max)
{
	struct work w = {.a = a, .q = q, .ret = ret, .max = max};
	const struct iq_arch *arch = a->k->arch;
	const struct frame_facts *x;
	const struct flow *f;
	bool *before;

	if (!a->b || n >= a->nr_frames || !a->frame[n].usable || a->frame[n].op < 0)
		return 0;
	x = &a->frame[n];
	f = x->flow;
	if (f->nr_blocks > 1500)
		return 0;
	before = blocks_before(f, flow_block_of(f, (unsigned int)x->op));
	for (unsigned int i = 0; before && i < f->nr_ops; i++) {
		const struct op *op = &f->op[i];
		unsigned int b = flow_block_of(f, i);
		struct given g = {0};
		struct state st;
		bool any = false;

		if (op->kind != OP_CALL || !op->has_target || !before[b] || (int)i == x->op ||
		    (b == flow_block_of(f, (unsigned int)x->op) && (int)i > x->op))
			continue;
		if (!iq_symbol_at(a->k, op->target, &w.function) ||
		    (w.function.address != op->target && w.function.address + 4 != op->target))
			continue;
		if (flow_at(a->k, x->flow, i, &st)) {
			for (unsigned int j = 0; j < arch->nr_arg_regs; j++) {
				unsigned int r = arch->arg_regs[j];

				g.known[r] = frame_value(&w, n, &st.reg[r], 0, &g.value[r]);
				any |= g.known[r] && g.value[r] >= 65536;
			}
			w.call = op->address;
			/* The call itself may be one that frees, or copies. */
			if (any) {
				unsigned int parameter;

				if (q->frees && q->frees(w.function.name, &parameter)) {
					unsigned int r = parameter < arch->nr_arg_regs
								 ? arch->arg_regs[parameter]
								 : NR_GPR - 1;

					if (q->freed && g.known[r] && g.value[r] == q->freed)
						note_effect(&w, op->address, 0, true, HOW_SURE);
				} else {
					look_into(&w, &w.function, &g, 1);
				}
			}
		}
		state_free(&st);
	}
	free(before);
	return w.nr;
}

unsigned int iq_args_passed(struct iq_args *a, unsigned int n, struct iq_passed *ret,
			    unsigned int max)
{
	struct work w = {.a = a};
	const struct iq_arch *arch = a->k->arch;
	const struct flow *f;
	unsigned int nr = 0;

	if (!a->b || n >= a->nr_frames || !a->frame[n].usable)
		return 0;
	f = a->frame[n].flow;
	for (unsigned int i = 0; i < f->nr_ops && nr < max; i++) {
		const struct op *op = &f->op[i];
		const struct iq_type *proto;
		const struct iq_member *p;
		struct arg_cursor at = {0};
		struct arg_place place;
		unsigned int params;
		struct iq_symbol s;
		struct state st;

		if (!op->has_target || (op->kind != OP_CALL && op->flow != IQ_FLOW_JUMP) ||
		    code_find(f, op->target) >= 0 || !iq_symbol_at(a->k, op->target, &s))
			continue;
		proto = iq_args_prototype(a, &s);
		p = proto ? iq_type_members(proto, &params) : NULL;
		if (!p || !flow_at(a->k, a->frame[n].flow, i, &st))
			continue;
		for (unsigned int j = 0;
		     j < params && nr < max && args_place(arch, p[j].type, &at, &place); j++) {
			const struct iq_type *t = iq_type_strip(p[j].type), *to;
			uint64_t value;

			if (place.on_stack || place.nr_registers != 1 || t->kind != IQ_KIND_POINTER)
				continue;
			to = iq_type_strip(iq_type_target(t));
			if ((to->kind != IQ_KIND_STRUCT && to->kind != IQ_KIND_UNION) ||
			    !to->size ||
			    !frame_value(&w, n, &st.reg[arch->arg_regs[place.first]], 0, &value) ||
			    value < 65536)
				continue;
			ret[nr++] = (struct iq_passed){value, p[j].type};
		}
		state_free(&st);
	}
	return nr;
}
