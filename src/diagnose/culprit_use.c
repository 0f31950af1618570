/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which value was used badly: the pointer in the instruction's operand, the divisor, where a call went, or the
 * parameter that a check of the kernel did not like.
 */
#include "event.h"
#include "provenance.h"
#include "skip.h"

#include <string.h>

/* Functions that are given something, and find that it is not what it must be. */
static const struct {
	const char *name;
	unsigned int parameter;
	bool lvalue; /* what it points to is wrong, not the pointer */
} checks[] = {
	{"kfree", 0},
	{"kfree_sensitive", 0},
	{"kzfree", 0},
	{"kvfree", 0},
	{"kfree_const", 0},
	{"vfree", 0},
	{"kmem_cache_free", 1},
	{"kmem_cache_free_bulk", 2},
	{"___cache_free", 1},
	{"__kmem_cache_free", 1},
	{"free_large_kmalloc", 1},
	{"mempool_free", 0},
	{"free_pages", 0},
	{"__free_pages", 0},
	{"kfree_skb", 0},
	{"__kfree_skb", 0},
	{"kfree_skb_reason", 0},
	{"sk_skb_reason_drop", 1},
	{"consume_skb", 0},
	{"krealloc", 0},
	{"ksize", 0},
	{"iounmap", 0},
	{"vunmap", 0},
	{"refcount_warn_saturate", 0, true},
	{"kref_put", 0, true},
	{"kref_get", 0, true},
	{"kobject_put", 0},
	{"kobject_get", 0},
	{"__check_object_size", 1},
};

/* Parameter that NAME is known to be given; -1: not known. */
static int known_parameter(const char *name, bool *lvalue)
{
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(checks); i++) {
		if (iq_same_function(name, checks[i].name)) {
			*lvalue = checks[i].lvalue;
			return (int)checks[i].parameter;
		}
	}
	return -1;
}

/*
 * What frame FRAME passed in REG, and which frame's word it is: the called function, if it stands on the stack, may
 * have kept what its caller has not.
 */
static const struct iq_term *passed(struct iq_case *c, unsigned int frame, unsigned int reg,
				    uint64_t *value, bool *known)
{
	struct value_of v = {.c = c, .cpu = c->analysis.event.cpu};
	const struct iq_arch *arch = c->k->arch;
	const struct iq_term *t = iq_args_term(c->args, frame, reg, &c->arena);

	*known = t && iq_term_value(&v, t, value);
	for (unsigned int i = 0; frame && !*known && i < arch->nr_arg_regs; i++) {
		const struct iq_term *e =
			iq_args_entry(c->args, frame - 1, arch->arg_regs[i], &c->arena);

		if (e && e->from && e->sure && e->caller_reg == reg && e->known) {
			*value = e->value;
			*known = true;
		}
	}
	return t;
}

/* Of the pointers among the parameters the one that is no good; -1: none is. */
static int bad_parameter(struct iq_case *c, unsigned int frame, const struct iq_type *proto)
{
	const struct iq_arch *arch = c->k->arch;
	unsigned int nr;
	const struct iq_member *p = iq_type_members(proto, &nr);

	for (unsigned int i = 0; i < nr && i < arch->nr_arg_regs; i++) {
		const struct iq_type *t = iq_type_strip(p[i].type);
		uint64_t value;
		bool known;

		if (t->size > arch->word)
			return -1;
		if (t->kind != IQ_KIND_POINTER)
			continue;
		passed(c, frame, arch->arg_regs[i], &value, &known);
		if (known && iq_is_garbage(c, value))
			return (int)i;
	}
	return -1;
}

/* ---- Lists -------------------------------------------------------------------------------------- */

#define POISON_MAX UINT64_C(0x1000)

/* LIST_POISON1 and 2: not canonical, or (without CONFIG_ILLEGAL_POINTER_VALUE) small. */
static bool is_poison(struct iq_case *c, uint64_t value)
{
	return value < POISON_MAX || !c->k->arch->vm->canonical(&c->k->layout, value);
}

static bool read_link(struct iq_case *c, uint64_t entry, int64_t offset, uint64_t *ret)
{
	return !iq_vm_read_uint(c->k->vm, entry + (uint64_t)offset, 8, ret);
}

/* lib/list_debug.c: what the checks of list_del() and list_add() look at, in their order. */
static bool list_link(struct iq_case *c, unsigned int n, const char *check, struct bad_use *u,
		      int *number)
{
	const unsigned int *regs = c->k->arch->arg_regs;
	bool add = iq_same_function(check, "__list_add_valid") ||
		   iq_same_function(check, "__list_add_valid_or_report");
	uint64_t p[3] = {0}, next, prev, back;
	bool known[3];

	if (!add && !iq_same_function(check, "__list_del_entry_valid") &&
	    !iq_same_function(check, "__list_del_entry_valid_or_report"))
		return false;
	for (unsigned int i = 0; i < 3; i++)
		passed(c, n, regs[i], &p[i], &known[i]);
	*number = 0;
	if (!known[0])
		return true;
	if (add) {
		if (!known[1] || !known[2])
			return true;
		if (read_link(c, p[2], 8, &back) && back != p[1]) {
			*number = 2;
			u->then[u->nr_then++] = 8;
		} else if (read_link(c, p[1], 0, &back) && back != p[2]) {
			*number = 1;
			u->then[u->nr_then++] = 0;
		}
		return true;
	}
	if (!read_link(c, p[0], 0, &next) || !read_link(c, p[0], 8, &prev))
		return true;
	if (is_poison(c, next)) {
		u->then[u->nr_then++] = 0;
	} else if (is_poison(c, prev)) {
		u->then[u->nr_then++] = 8;
	} else if (read_link(c, prev, 0, &back) && back != p[0]) {
		u->then[u->nr_then++] = 8;
		u->then[u->nr_then++] = 0;
	} else if (read_link(c, next, 8, &back) && back != p[0]) {
		u->then[u->nr_then++] = 0;
		u->then[u->nr_then++] = 8;
	}
	return true;
}

/* ---- Calls ---------------------------------------------------------------------------------------- */

/* Frame N called something that then found fault with what it was given. */
static bool use_in_call(struct iq_case *c, unsigned int n, bool known_only, struct bad_use *u)
{
	const struct iq_arch *arch = c->k->arch;
	const struct iq_type *proto;
	const struct iq_member *p;
	struct bad_use list = {0};
	struct iq_symbol s;
	bool lvalue = false;
	int number;

	if (!iq_args_called(c->args, n, &s) || !s.name)
		return false;
	proto = iq_args_prototype(c->args, &s);
	if (!list_link(c, n, s.name, &list, &number))
		number = known_parameter(s.name, &lvalue);
	if (number < 0 && !known_only && proto)
		number = bad_parameter(c, n, proto);
	if (number < 0 || number >= (int)arch->nr_arg_regs)
		return false;
	*u = (struct bad_use){.present = true,
			      .frame = n,
			      .reg = (int)arch->arg_regs[number],
			      .pointer = !iq_same_function(s.name, "__check_object_size"),
			      .lvalue = lvalue,
			      .then = {list.then[0], list.then[1]},
			      .nr_then = list.nr_then,
			      .user = iq_case_text(c, "%s", s.name),
			      .parameter = (unsigned int)number,
			      .nr_parameters = (unsigned int)number + 1};
	passed(c, n, (unsigned int)u->reg, &u->value, &u->has_value);
	if (proto) {
		p = iq_type_members(proto, &u->nr_parameters);
		if (u->parameter < u->nr_parameters)
			u->type = p[u->parameter].type;
	}
	return true;
}

/* Whoever called the check, past those that only hand on. */
static bool use_in_check(struct iq_case *c, struct bad_use *u)
{
	const struct iq_event *e = &c->analysis.event;
	bool known_only = e->class == IQ_CLASS_BUG || e->class == IQ_CLASS_WARN;

	/* The check itself has another frame only if it was entered by a call. */
	for (int i = e->frame; i < (int)c->trace.nr && i <= e->frame + 6; i++) {
		const struct iq_frame *f = &c->trace.frames[i];
		bool skip = f->symbol.name && !f->symbol.module && iq_skip_function(f->symbol.name);

		if (i > e->frame && (f->exact_ip || f->has_trap))
			return false;
		if (skip)
			continue;
		return !f->exact_ip && use_in_call(c, (unsigned int)i, known_only, u);
	}
	return false;
}

static bool use_in_insn(struct iq_case *c, struct bad_use *u)
{
	const struct iq_event *e = &c->analysis.event;
	const struct iq_fault_insn *f = &c->analysis.insn;

	*u = (struct bad_use){.present = true, .frame = (unsigned int)e->frame, .reg = f->reg};
	if (iq_bad_exec(c)) {
		u->frame++;
		u->pointer = true;
		if (f->operand >= 0)
			u->memory = &f->insn.operand[f->operand];
		return f->reg >= 0 || u->memory;
	}
	if (e->class == IQ_CLASS_DIVIDE_ERROR) {
		const struct iq_operand *o = &f->insn.operand[0];

		if (o->kind == IQ_OP_MEM)
			u->memory = o;
		u->reg = o->kind == IQ_OP_REG ? o->reg : -1;
		return u->memory || u->reg >= 0;
	}
	if (f->reg < 0)
		return false;
	u->pointer = true;
	u->lvalue = e->class == IQ_CLASS_WRITE_PROTECTED;
	return true;
}

bool iq_find_check(struct iq_case *c, struct bad_use *u)
{
	const struct iq_event *e = &c->analysis.event;
	const struct iq_symbol *s;

	*u = (struct bad_use){.reg = -1};
	if (!c->has_trace || e->frame < 0 || e->frame >= (int)c->trace.nr)
		return false;
	s = &c->trace.frames[e->frame].symbol;
	return s->name && !s->module && iq_skip_function(s->name) && use_in_check(c, u);
}

/* Only whether it was told already: WARN_ON_ONCE() and the like (include/linux/once_lite.h). */
static bool is_once(struct iq_case *c, const struct iq_term *t)
{
	struct iq_symbol s;

	while (t && t->kind == IQ_TERM_SUM)
		t = t->from;
	return t && t->kind == IQ_TERM_LOAD && !t->from && !t->index &&
	       iq_symbol_at(c->k, (uint64_t)t->offset, &s) &&
	       (!strncmp(s.name, "__already_done", 14) || !strncmp(s.name, "__warned", 8) ||
		!strncmp(s.name, "__print_once", 12));
}

/* BUG_ON(), WARN_ON() and the checks of FORTIFY_SOURCE compare something. */
static bool use_in_condition(struct iq_case *c, struct bad_use *u)
{
	const struct iq_event *e = &c->analysis.event;
	struct iq_condition *condition = iq_arena_alloc(&c->arena, sizeof(*condition));
	int frame = e->frame;

	while (frame < (int)c->trace.nr && c->trace.frames[frame].symbol.name &&
	       !c->trace.frames[frame].symbol.module &&
	       iq_skip_function(c->trace.frames[frame].symbol.name) && frame < e->frame + 4)
		frame++;
	if (!condition || frame >= (int)c->trace.nr ||
	    (frame > e->frame && c->trace.frames[frame].exact_ip))
		return false;
	for (unsigned int i = 0;; i++) {
		if (i == 3 ||
		    !iq_args_condition(c->args, (unsigned int)frame, i, &c->arena, condition))
			return false;
		if (!is_once(c, condition->left))
			break;
	}
	*u = (struct bad_use){.present = true,
			      .frame = (unsigned int)frame,
			      .reg = -1,
			      .condition = condition,
			      .check = e->class == IQ_CLASS_BUG	   ? "BUG_ON"
				       : e->class == IQ_CLASS_WARN ? "WARN_ON"
								   : "check"};
	return true;
}

bool iq_find_use(struct iq_case *c, struct bad_use *u)
{
	const struct iq_event *e = &c->analysis.event;
	const struct iq_fault_insn *f = &c->analysis.insn;

	*u = (struct bad_use){.reg = -1};
	if (!c->has_trace || e->frame < 0)
		return false;
	if (iq_is_fault(e) && f->present &&
	    (f->operand >= 0 || f->reg >= 0 || e->class == IQ_CLASS_DIVIDE_ERROR) &&
	    use_in_insn(c, u))
		return true;
	*u = (struct bad_use){.reg = -1};
	switch (e->class) {
	case IQ_CLASS_BUG:
	case IQ_CLASS_WARN:
	case IQ_CLASS_DOUBLE_FREE:
	case IQ_CLASS_INVALID_FREE:
	case IQ_CLASS_USE_AFTER_FREE:
	case IQ_CLASS_LIST_CORRUPTION:
	case IQ_CLASS_USERCOPY:
	case IQ_CLASS_FORTIFY:
	case IQ_CLASS_REFCOUNT:
	case IQ_CLASS_MEMORY_CORRUPTION:
	case IQ_CLASS_HEAP_OVERFLOW:
		if (use_in_check(c, u))
			return true;
		return (e->class == IQ_CLASS_BUG || e->class == IQ_CLASS_WARN ||
			e->class == IQ_CLASS_FORTIFY) &&
		       use_in_condition(c, u);
	default:
		return false;
	}
}
