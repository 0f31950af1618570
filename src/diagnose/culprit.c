/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The culprit: the expression whose value was wrong, and the way by which it came to where it did harm. */
#include "provenance.h"

#include <inttypes.h>

/* The register is read by the code as a term; a word in memory is one that is loaded. */
static const struct iq_term *term_of(struct iq_case *c, const struct bad_use *u)
{
	struct iq_term *t, *from;

	if (u->condition)
		return u->condition->left;
	if (!u->memory)
		return u->reg >= 0
			       ? iq_args_term(c->args, u->frame, (unsigned int)u->reg, &c->arena)
			       : NULL;
	t = iq_arena_alloc(&c->arena, sizeof(*t));
	if (!t)
		return NULL;
	*t = (struct iq_term){.kind = IQ_TERM_LOAD,
			      .frame = u->frame,
			      .size = u->memory->size,
			      .scale = u->memory->scale,
			      .offset = u->memory->disp};
	if (u->memory->base >= 0 && u->memory->base < (int)c->k->arch->reg_pc) {
		from = iq_args_term(c->args, u->frame, (unsigned int)u->memory->base, &c->arena);
		if (!from)
			return NULL;
		t->from = from;
	}
	if (u->memory->index >= 0) {
		t->index =
			iq_args_term(c->args, u->frame, (unsigned int)u->memory->index, &c->arena);
		if (!t->index)
			return NULL;
	}
	return t;
}

/* The value that was used: as a register has it, else as memory has it now. */
static bool value_used(struct iq_case *c, const struct bad_use *u, const struct iq_term *t,
		       struct value_of *v, uint64_t *ret)
{
	const struct iq_event *e = &c->analysis.event;

	if (iq_bad_exec(c)) {
		*ret = e->regs.value[c->k->arch->reg_pc];
		return true;
	}
	if (!u->memory && (int)u->frame == e->frame && e->has_regs && u->reg >= 0 &&
	    iq_reg_known(&e->regs, (unsigned int)u->reg)) {
		*ret = e->regs.value[u->reg];
		return true;
	}
	if (u->has_value)
		*ret = u->value;
	return u->has_value || (t && iq_term_value(v, t, ret));
}

/* Is VALUE in a register of the event, which nobody would hold by chance? */
static bool in_registers(const struct iq_case *c, uint64_t value)
{
	const struct iq_event *e = &c->analysis.event;

	for (unsigned int r = 0; e->has_regs && value >= 65536 && r < c->k->arch->reg_pc; r++)
		if (iq_reg_known(&e->regs, r) && e->regs.value[r] == value)
			return true;
	return false;
}

/* "kfree(as->urb->transfer_buffer)" */
static const char *call_text(struct iq_case *c, const char *function, unsigned int parameter,
			     unsigned int nr, const char *expression)
{
	return iq_case_text(c, "%s(%s%s%s)", function, parameter ? "..., " : "", expression,
			    parameter + 1 < nr ? ", ..." : "");
}

/* "BUG_ON(req->state == 3)" */
static const char *condition_text(struct iq_case *c, const struct chain *ch,
				  const struct bad_use *u, const char *expression)
{
	const struct iq_condition *k = u->condition;
	struct value_of v = ch->values;
	struct iq_buf b = {0};
	const char *text;
	uint64_t right;

	iq_buf_printf(&b, "%s(", u->check);
	if (k->mask != UINT64_MAX)
		iq_buf_printf(&b, "(%s & 0x%" PRIx64 ")", expression, k->mask);
	else
		iq_buf_puts(&b, expression);
	if (!iq_term_value(&v, k->right, &right))
		iq_buf_printf(&b, " %s ...)", k->relation);
	else if (!right && ch->nr && iq_pointed_to(ch->link[ch->nr - 1].type))
		iq_buf_printf(&b, " %s NULL)", k->relation);
	else
		iq_buf_printf(&b, right < 4096 ? " %s %" PRIu64 ")" : " %s 0x%" PRIx64 ")",
			      k->relation, right);
	text = iq_case_text(c, "%s", iq_buf_str(&b));
	iq_buf_free(&b);
	return text;
}

/* How the expression was used: given to a function, else what the instruction did. */
static const char *use_text(struct iq_case *c, const struct chain *ch, const struct bad_use *u,
			    const char *expression)
{
	const struct iq_arch *arch = c->k->arch;
	const struct iq_type *proto;
	struct iq_symbol s;
	unsigned int nr = 0;

	if (u->condition)
		return condition_text(c, ch, u, expression);
	if (iq_bad_exec(c) && ch->user < 0)
		return iq_case_text(c, expression[0] == '*' ? "(%s)()" : "%s()", expression);
	if (u->user)
		return call_text(c, u->user, u->parameter, u->nr_parameters, expression);
	if (ch->user >= 0 && ch->user < (int)c->trace.nr &&
	    iq_args_called(c->args, (unsigned int)ch->user, &s) && s.name) {
		proto = iq_args_prototype(c->args, &s);
		if (proto)
			iq_type_members(proto, &nr);
		for (unsigned int i = 0; i < arch->nr_arg_regs; i++)
			if (arch->arg_regs[i] == ch->user_reg)
				return call_text(c, s.name, i, nr, expression);
	}
	return c->analysis.insn.in_c;
}

/* The first link that is no good by itself; else the last, whose value was used. */
static unsigned int choose(const struct chain *ch, struct iq_case *c)
{
	for (unsigned int i = 0; i + 1 < ch->nr; i++) {
		const struct iq_link *l = &ch->link[i];

		/* One that leads to a free object is bad as well, but what was read there was wrong. */
		if (l->verdict == IQ_LINK_BAD &&
		    (iq_is_garbage(c, l->value) ||
		     !(l->object &&
		       ((l->object->has_object && l->object->object.state >= IQ_OBJECT_FREE) ||
			l->object->use == IQ_PAGE_FREE))))
			return i;
	}
	return ch->nr - 1;
}

static void fill(struct iq_case *c, const struct chain *ch, const struct bad_use *u)
{
	struct iq_culprit *x = &c->analysis.culprit;
	unsigned int chosen = choose(ch, c);
	const char *given = ch->link[ch->nr - 1].expression;
	struct iq_link *links = iq_arena_alloc(&c->arena, ch->nr * sizeof(*links)), *l;

	if (!links)
		return;
	memcpy(links, ch->link, ch->nr * sizeof(*links));
	/* What was given is what the rest was found from. */
	if (u->nr_then < ch->nr)
		given = links[ch->nr - 1 - u->nr_then].expression;
	if (u->lvalue && u->user)
		given = iq_case_text(c, "&%s", given);
	l = &links[chosen];
	*x = (struct iq_culprit){.present = true,
				 .expression = l->expression,
				 .used_by = use_text(c, ch, u, given),
				 .has_address = l->has_address,
				 .address = l->address,
				 .has_value = l->has_value,
				 .value = l->value,
				 .links = links,
				 .nr_links = ch->nr};
	if (!c->analysis.insn.in_c && iq_bad_exec(c) && l->has_value)
		c->analysis.insn.in_c = iq_case_text(
			c, l->expression[0] == '*' ? "(%s)() with %s == %s" : "%s() with %s == %s",
			l->expression, l->expression, iq_value_word(c, l->value));
	if (l->has_address)
		x->holder = iq_case_whatis(c, l->address);
}

/* What the pointer at the end of the chain points to is what is wrong. */
static void add_lvalue(struct iq_case *c, struct chain *ch, const struct named *pointer,
		       const struct bad_use *u)
{
	const struct iq_event *e = &c->analysis.event;
	const struct iq_fault_insn *f = &c->analysis.insn;
	bool is_insn = !u->user;
	uint64_t address = is_insn ? f->address : pointer->value;
	unsigned int size = is_insn && f->operand >= 0 ? f->insn.operand[f->operand].size : 4;
	struct named n = {0};
	struct iq_link *l;

	if (!pointer->text || ch->nr == CHAIN_MAX || !pointer->has_value)
		return;
	if (is_insn) {
		const struct iq_type *to = iq_pointed_to(pointer->type);

		if ((!to || to->kind != IQ_KIND_STRUCT) && address == pointer->value)
			return;
		n = iq_name_member(c, pointer, (int64_t)(address - pointer->value), size);
	} else if (pointer->is_address) {
		n = *pointer;
		n.type = iq_pointed_to(pointer->type);
	} else {
		n = iq_name_member(c, pointer, 0, size);
	}
	if (!n.text)
		return;
	l = &ch->link[ch->nr];
	ch->term[ch->nr] = ch->nr ? ch->term[ch->nr - 1] : NULL;
	ch->nr++;
	*l = (struct iq_link){.expression = n.text,
			      .type = n.type,
			      .has_address = true,
			      .address = address,
			      .size = size,
			      .verdict = IQ_LINK_BAD,
			      .frame = is_insn ? e->frame : (int)u->frame};
	l->has_now = !iq_vm_read_uint(c->k->vm, address, size, &l->now);
	l->has_value = l->has_now;
	l->value = l->now;
}

/* The last link is what was refused, although it is a pointer to something. */
static void mark_refused(struct iq_case *c, struct chain *ch, const struct bad_use *u)
{
	struct iq_link *l = &ch->link[ch->nr - 1];
	unsigned int parameter;
	const struct iq_whatis *w = l->object;

	/* A comparison that failed; a length that is too large. */
	if (u->condition || (u->user && !u->pointer))
		l->verdict = IQ_LINK_BAD;
	if (u->user && iq_is_free(u->user, &parameter) && parameter == u->parameter &&
	    !(w && w->has_object && w->object.object && !w->object.offset))
		l->verdict = IQ_LINK_BAD;
	if (u->lvalue && !u->user && l->verdict == IQ_LINK_OK)
		l->verdict = IQ_LINK_BAD;
	if (iq_bad_exec(c) || c->analysis.event.class == IQ_CLASS_DIVIDE_ERROR)
		l->verdict = IQ_LINK_BAD;
}

/* What is found from the value POINTER on, at the offsets that U names. */
static void add_followed(struct iq_case *c, struct chain *ch, struct named pointer,
			 const struct bad_use *u)
{
	for (unsigned int i = 0; i < u->nr_then && pointer.has_value && ch->nr < CHAIN_MAX; i++) {
		uint64_t address = pointer.value + (uint64_t)u->then[i];
		struct iq_link *l = &ch->link[ch->nr];
		struct named n = iq_name_member(c, &pointer, u->then[i], 8);

		if (!n.text || iq_vm_read_uint(c->k->vm, address, 8, &n.value))
			return;
		ch->term[ch->nr] = ch->nr ? ch->term[ch->nr - 1] : NULL;
		ch->nr++;
		*l = (struct iq_link){.expression = n.text,
				      .type = n.type,
				      .has_address = true,
				      .address = address,
				      .size = 8,
				      .has_value = true,
				      .value = n.value,
				      .has_now = true,
				      .now = n.value,
				      .frame = (int)u->frame,
				      .verdict = i + 1 == u->nr_then ? IQ_LINK_BAD : IQ_LINK_OK};
		l->object = iq_is_garbage(c, n.value) ? NULL : iq_case_whatis(c, n.value);
		n.has_value = true;
		pointer = n;
	}
}

/* Follow the value that U is about.  False: nothing is known of where it came from. */
static bool follow(struct iq_case *c, struct chain *ch, const struct bad_use *u)
{
	const struct iq_term *t = term_of(c, u);
	struct named n;
	uint64_t value = 0;
	bool known;

	ch->c = c;
	ch->values = (struct value_of){.c = c, .cpu = c->analysis.event.cpu};
	known = t && value_used(c, u, t, &ch->values, &value);
	/* What was compared has a name even if nobody kept its value. */
	if (!t || (!known && !u->condition))
		return false;
	n = iq_chain_of(ch, t, known ? &value : NULL, u->type);
	for (unsigned int i = 0; i < ch->nr; i++) {
		struct iq_link *l = &ch->link[i];

		if (l->has_now && l->proof == IQ_PROOF_INFERRED && l->now == l->value &&
		    in_registers(c, l->value))
			l->proof = IQ_PROOF_MEMORY_EQUALS_REGISTER;
	}
	iq_chain_judge(ch, u->pointer);
	n.has_value = known;
	n.value = value;
	add_followed(c, ch, n, u);
	if (u->lvalue)
		add_lvalue(c, ch, &n, u);
	if (!ch->nr && n.text && n.text[0] != '%') {
		ch->link[0] = (struct iq_link){.expression = n.text,
					       .type = n.type,
					       .has_value = known,
					       .value = value,
					       .frame = (int)u->frame};
		ch->nr = 1;
	}
	/* A register that nothing is known of is no answer. */
	if (ch->nr == 1 && !ch->link[0].has_value && ch->link[0].expression[0] == '%')
		ch->nr = 0;
	if (ch->nr)
		mark_refused(c, ch, u);
	return ch->nr > 0;
}

struct iq_error *iq_stage_culprit(struct iq_case *c)
{
	struct chain *ch = iq_arena_alloc(&c->arena, 2 * sizeof(*ch));
	struct bad_use u;

	if (!ch)
		return iq_error_nomem();
	if (iq_find_use(c, &u) && follow(c, &ch[0], &u))
		fill(c, &ch[0], &u);
	else if (iq_find_check(c, &u) && follow(c, &ch[1], &u))
		fill(c, &ch[1], &u);
	return NULL;
}
