/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values as terms.  What the data flow knows on all paths is taken from it.  Where paths meet that bring
 * different values, each register's definitions are looked for backwards, block by block, and become a
 * choice (as static single assignment form has it), which in a loop is one of itself.
 */
#include <stdlib.h>

#include "args_run.h"
#include "args_term.h"

/* Terms of one question; calls within calls of the search. */
#define TERMS_MAX 4096
/* Callers that are asked where a parameter comes from. */
#define CALLERS_MAX 24

struct iq_term *term_new(struct search *s, unsigned int n, enum iq_term_kind kind)
{
	struct iq_term *t = s->nr < TERMS_MAX ? iq_arena_alloc(s->arena, sizeof(*t)) : NULL;

	if (t) {
		s->nr++;
		t->kind = kind;
		t->frame = n;
		t->size = 8;
	}
	return t;
}

/* T + ADDEND, of which SIZE bytes are kept. */
static struct iq_term *sum(struct search *s, struct iq_term *t, int64_t addend, unsigned int size,
			   bool is_signed)
{
	struct iq_term *r;

	if (!t || (!addend && size >= 8))
		return t;
	if (t->kind == IQ_TERM_CONSTANT && size >= 8) {
		r = term_new(s, t->frame, IQ_TERM_CONSTANT);
		if (r)
			r->value = t->value + (uint64_t)addend;
	} else {
		r = term_new(s, t->frame, IQ_TERM_SUM);
		if (!r)
			return NULL;
		r->from = t;
		r->offset = addend;
		r->size = size;
		r->is_signed = is_signed;
		r->certain = t->certain;
		if (t->known && size >= 8) {
			r->known = true;
			r->value = t->value + (uint64_t)addend;
		}
	}
	if (r && r->kind == IQ_TERM_CONSTANT)
		r->known = r->certain = true;
	return r;
}

/* ---- Into the caller -------------------------------------------------------------------------- */

static bool is_entry(const struct flow *f, uint64_t target)
{
	return target == f->entry || target == f->entry + 4;
}

/*
 * Frame N + 1 called a function that jumped to the function of frame N as its last act: what it left in
 * register REG for it, in terms of its own entry.
 */
static bool through_tail(struct search *s, unsigned int n, unsigned int reg, struct value *ret)
{
	const struct flow *callee = s->a->frame[n].flow;
	struct iq_symbol symbol;
	struct flow *f;
	bool found = false;

	if (!iq_args_called(s->a, n + 1, &symbol))
		return false;
	f = args_flow(s->a, &symbol);
	if (!f || !f->known || f == callee)
		return false;
	for (unsigned int i = 0; i < f->nr_ops; i++) {
		const struct op *op = &f->op[i];
		const struct value *sp;
		struct state st;
		struct value v;

		if ((op->flow != IQ_FLOW_JUMP && op->flow != IQ_FLOW_BRANCH) || !op->has_target ||
		    !is_entry(callee, op->target))
			continue;
		if (!flow_at(s->a->k, f, i, &st)) {
			state_free(&st);
			continue;
		}
		v = st.reg[reg];
		sp = &st.reg[IQ_X86_RSP];
		if (sp->base != V_CFA || sp->addend != -8)
			v = value_unknown;
		state_free(&st);
		if ((v.base != V_ENTRY && v.base != V_CONST) || v.width < 8 ||
		    (found && !value_same(&v, ret)))
			return false;
		*ret = v;
		found = true;
	}
	return found;
}

/* What the caller had in REG, or in the word at OFFSET of its stack (REG is -1), when it called frame N. */
static struct iq_term *from_caller(struct search *s, struct iq_term *t, int reg,
				   unsigned int offset);

/* ---- Values of the data flow ------------------------------------------------------------------ */

static struct iq_term *entry_term(struct search *s, unsigned int n, const struct value *v)
{
	struct iq_term *t = term_new(s, n, IQ_TERM_ENTRY);
	int reg = v->base == V_ENTRY ? (int)v->n : -1;
	const struct iq_member *p;
	struct value whole = value_whole((enum value_base)v->base, v->n, 0);
	unsigned int width;

	if (!t)
		return NULL;
	t->on_stack = reg < 0;
	t->reg = reg < 0 ? 0 : (unsigned int)reg;
	t->offset = reg < 0 ? (int64_t)v->n : 0;
	t->known = args_value(s->a, n, &whole, &t->value, &width, &t->certain, NULL) && width == 8;
	p = args_parameter(s->a, n, reg, v->n);
	if (p) {
		t->name = p->name[0] ? p->name : NULL;
		t->type = p->type;
	}
	t->caller_reg = t->reg;
	t->from = from_caller(s, t, reg, v->n);
	if (!t->known && t->from && t->from->known && t->sure) {
		t->known = true;
		t->value = t->from->value;
		t->certain = t->from->certain;
	}
	return t;
}

static struct iq_term *call_term(struct search *s, unsigned int n, uint64_t target)
{
	struct iq_term *t = term_new(s, n, IQ_TERM_CALL);
	struct iq_symbol symbol;
	const struct iq_type *proto;

	if (!t)
		return NULL;
	t->address = target;
	if (target && iq_symbol_at(s->a->k, target, &symbol) && symbol.address == target) {
		t->name = iq_arena_strdup(s->arena, symbol.name);
		proto = iq_args_prototype(s->a, &symbol);
		t->type = proto ? iq_type_target(proto) : NULL;
	}
	return t;
}

bool term_operand(struct search *s, unsigned int n, unsigned int d, struct iq_term *t, bool loose)
{
	const struct op *op = &s->a->frame[n].flow->op[d];

	if (op->no_address || op->segment >= 0)
		return false;
	t->offset = op->disp;
	if (op->base >= 0 && op->base < NR_GPR)
		t->from = term_reg(s, n, d, (unsigned int)op->base, loose);
	if (op->index >= 0 && op->index < NR_GPR) {
		t->index = term_reg(s, n, d, (unsigned int)op->index, loose);
		t->scale = op->scale;
		if (!t->index)
			return false;
	}
	return op->base < 0 || op->base >= NR_GPR || t->from;
}

struct iq_term *term_computed(struct search *s, unsigned int n, unsigned int d, unsigned int reg,
			      bool loose)
{
	const struct flow *f = s->a->frame[n].flow;
	const struct op *op = &f->op[d];
	struct iq_term *t = NULL;

	switch (op->kind) {
	case OP_MOVE:
		if ((unsigned int)op->dst != reg)
			break;
		t = term_reg(s, n, d, (unsigned int)op->src, loose);
		return sum(s, t, 0, op->from, op->is_signed);
	case OP_SET:
		t = term_new(s, n, IQ_TERM_CONSTANT);
		if (t) {
			t->value = (uint64_t)op->imm;
			t->known = t->certain = true;
			t->at = op->address;
		}
		return t;
	case OP_ADD:
		t = term_reg(s, n, d, reg, loose);
		return op->size == 8 ? sum(s, t, op->imm, 8, false)
				     : sum(s, t, op->imm, op->size, false);
	case OP_LOAD:
	case OP_LEA:
		if ((unsigned int)op->dst != reg)
			break;
		t = term_new(s, n, op->kind == OP_LEA ? IQ_TERM_SUM : IQ_TERM_LOAD);
		if (!t)
			return NULL;
		t->at = op->address;
		t->size = op->kind == OP_LEA ? op->size : op->from;
		t->is_signed = op->is_signed;
		if (!term_operand(s, n, d, t, loose))
			t->kind = IQ_TERM_UNKNOWN;
		return t;
	case OP_CALL:
		if (reg == IQ_X86_RAX) {
			t = call_term(s, n, op->has_target ? op->target : 0);
			if (t)
				t->at = op->address;
			return t;
		}
		break;
	default:
		break;
	}
	t = term_new(s, n, IQ_TERM_UNKNOWN);
	if (t)
		t->at = op->address;
	return t;
}

/* T, which others share, with the value that V is known to have. */
static struct iq_term *copy_known(struct search *s, unsigned int n, struct iq_term *t,
				  const struct value *v, bool loose)
{
	struct iq_term *copy;
	unsigned int width;
	uint64_t value;
	bool certain;

	if (!t || t->known || loose || !args_value(s->a, n, v, &value, &width, &certain, NULL) ||
	    width < 8)
		return t;
	copy = term_new(s, n, t->kind);
	if (!copy)
		return t;
	*copy = *t;
	copy->known = true;
	copy->certain = certain;
	copy->value = value;
	return copy;
}

/* What has the name V->n. */
static struct iq_term *defined(struct search *s, unsigned int n, const struct value *v, bool loose)
{
	const struct flow *f = s->a->frame[n].flow;
	const struct origin *o = &f->origin[v->n];
	unsigned int d = v->n / 2;
	const struct op *op = &f->op[d];
	struct value whole = value_whole(V_DEF, v->n, 0);
	struct iq_term *t;
	unsigned int width;
	uint64_t key = ((uint64_t)n << 34) | ((uint64_t)v->n << 1) | loose;

	t = iq_map_get(&s->known, key);
	if (t)
		return t;
	if (v->n & 1) {
		int reg = op->kind == OP_MOVE || op->kind == OP_STORE ? op->src : op->base;

		t = reg >= 0 && reg < NR_GPR
			    ? term_back(s, n, flow_block_of(f, d), d, (unsigned int)reg, loose)
			    : NULL;
		t = copy_known(s, n, t, &whole, loose);
	} else if (o->kind == FROM_LOAD) {
		t = term_new(s, n, IQ_TERM_LOAD);
		if (t) {
			struct value base = o->address;

			t->at = op->address;
			t->size = o->size;
			t->offset = base.addend;
			base.addend = 0;
			if (base.base != V_CONST)
				t->from = term_value(s, n, &base, loose);
		}
	} else if (o->kind == FROM_PERCPU) {
		t = term_new(s, n, IQ_TERM_PERCPU);
		if (t) {
			t->at = op->address;
			t->size = o->size;
			t->address = (uint64_t)o->address.addend;
		}
		if (t && t->size == 8 && s->a->current_offset &&
		    t->address == s->a->current_offset) {
			struct iq_types *types = iq_kernel_types(s->a->k);

			t->name = "current";
			t->type = types ? iq_type_by_name(types, "struct task_struct *") : NULL;
		}
	} else if (o->kind == FROM_CALL) {
		t = call_term(s, n, o->target);
		if (t)
			t->at = op->address;
	} else if (op->dst >= 0) {
		t = term_computed(s, n, d, (unsigned int)op->dst, loose);
	} else {
		t = term_new(s, n, IQ_TERM_UNKNOWN);
	}
	if (t && !loose && !t->known && !(v->n & 1))
		t->known = args_value(s->a, n, &whole, &t->value, &width, &t->certain, NULL) &&
			   width == 8;
	if (t && !iq_map_put(&s->known, key, t))
		return NULL;
	return t;
}

struct iq_term *term_value(struct search *s, unsigned int n, const struct value *v, bool loose)
{
	const struct frame_facts *x = &s->a->frame[n];
	struct iq_term *t = NULL;

	if (++s->depth > TERM_DEPTH_MAX) {
		s->depth--;
		return NULL;
	}
	switch ((enum value_base)v->base) {
	case V_CONST:
		t = term_new(s, n, IQ_TERM_CONSTANT);
		if (t) {
			t->value = (uint64_t)v->addend;
			t->known = t->certain = true;
		}
		s->depth--;
		return t;
	case V_CFA:
		t = term_new(s, n, IQ_TERM_FRAME);
		if (t) {
			t->offset = v->addend;
			t->known = t->certain = x->has_cfa;
			t->value = x->cfa + (uint64_t)v->addend;
		}
		s->depth--;
		return t;
	case V_ENTRY:
	case V_STACK:
		t = entry_term(s, n, v);
		break;
	case V_DEF:
		t = defined(s, n, v, loose);
		break;
	case V_UNKNOWN:
		break;
	}
	s->depth--;
	return sum(s, t, v->addend, v->width, v->is_signed);
}

/* ---- Registers --------------------------------------------------------------------------------- */

struct iq_term *term_reg(struct search *s, unsigned int n, unsigned int at, unsigned int reg,
			 bool loose)
{
	struct frame_facts *x = &s->a->frame[n];
	struct state st;
	struct value v;
	bool ok = flow_at(s->a->k, x->flow, at, &st);

	v = ok ? st.reg[reg] : value_unknown;
	state_free(&st);
	if (!ok)
		return NULL;
	if (v.base != V_UNKNOWN)
		return term_value(s, n, &v, loose);
	return term_back(s, n, flow_block_of(x->flow, at), at, reg, loose);
}

static struct iq_term *from_caller(struct search *s, struct iq_term *t, int reg,
				   unsigned int offset)
{
	struct iq_args *a = s->a;
	unsigned int n = t->frame;
	struct frame_facts *x = &a->frame[n], *caller;
	const struct value *sp;
	struct value v;

	if (n + 1 >= a->nr_frames || n - s->first >= CALLERS_MAX)
		return NULL;
	caller = &a->frame[n + 1];
	if (!caller->usable || caller->op < 0 || a->b->frames[n + 1].exact_ip ||
	    a->b->frames[n + 1].has_trap)
		return NULL;
	if (x->to_caller == LINK_NONE) {
		if (reg < 0 || !through_tail(s, n, (unsigned int)reg, &v))
			return NULL;
		t->sure = true;
		if (v.base == V_CONST)
			return term_value(s, n + 1, &v, false);
		t->caller_reg = v.n;
		return sum(s, term_reg(s, n + 1, (unsigned int)caller->op, v.n, false), v.addend, 8,
			   false);
	}
	t->sure = x->to_caller == LINK_SURE;
	if (reg >= 0)
		return term_reg(s, n + 1, (unsigned int)caller->op, (unsigned int)reg, false);
	sp = &caller->st.reg[IQ_X86_RSP];
	if (sp->base != V_CFA)
		return NULL;
	v = state_word(&caller->st, (int32_t)(sp->addend + (int64_t)offset), 8);
	return v.base == V_UNKNOWN ? NULL : term_value(s, n + 1, &v, false);
}

/* ---- Questions -------------------------------------------------------------------------------- */

struct iq_term *iq_args_term(struct iq_args *a, unsigned int n, unsigned int reg,
			     struct iq_arena *arena)
{
	struct search s = {.a = a, .arena = arena, .first = n};
	struct iq_term *t = NULL;

	if (a->b && n < a->nr_frames && reg < NR_GPR && a->frame[n].usable && a->frame[n].op >= 0) {
		const struct iq_frame *f = &a->b->frames[n];
		bool holds = iq_reg_known(&f->regs, reg) &&
			     (f->exact_ip || a->k->arch->callee_saved >> reg & 1);

		t = term_reg(&s, n, (unsigned int)a->frame[n].op, reg, false);
		/* What others share stays as it is. */
		if (t && holds && !t->known) {
			struct iq_term *top = iq_arena_alloc(arena, sizeof(*top));

			if (top) {
				*top = *t;
				top->known = true;
				top->certain = f->reliable;
				top->value = f->regs.value[reg];
				t = top;
			}
		}
	}
	iq_map_free(&s.entries);
	iq_map_free(&s.known);
	return t;
}

struct iq_term *iq_args_entry(struct iq_args *a, unsigned int n, unsigned int reg,
			      struct iq_arena *arena)
{
	struct search s = {.a = a, .arena = arena, .first = n};
	struct value v = value_whole(V_ENTRY, reg, 0);
	struct iq_term *t = NULL;

	if (a->b && n < a->nr_frames && reg < NR_GPR && a->frame[n].usable)
		t = term_value(&s, n, &v, false);
	iq_map_free(&s.entries);
	iq_map_free(&s.known);
	return t;
}

bool iq_args_called(struct iq_args *a, unsigned int n, struct iq_symbol *ret)
{
	const struct op *op;

	if (!a->b || n >= a->nr_frames || !a->frame[n].usable || a->frame[n].op < 0)
		return false;
	op = &a->frame[n].flow->op[a->frame[n].op];
	return op->kind == OP_CALL && op->has_target && iq_symbol_at(a->k, op->target, ret) &&
	       (ret->address == op->target || ret->address + 4 == op->target);
}

const struct iq_type *iq_args_prototype(struct iq_args *a, const struct iq_symbol *s)
{
	bool certain = false;
	const struct iq_type *proto = args_prototype(a, s, NULL, &certain);

	return certain ? proto : NULL;
}
