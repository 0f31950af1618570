/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameters and local variables by the debug information.  A variable that DWARF describes by what a
 * register held at the function's entry gets that from the caller: by its call site's description,
 * else by what its code and ours say.
 */
#include <inquest/locals.h>
#include <inttypes.h>
#include <stdlib.h>

#include "args_solve.h"

/* Callers that are asked for the parameters of their own callers. */
#define CALLERS_MAX 16

struct asker {
	struct iq_args *a;
	unsigned int n, depth;
	struct iq_locals_frame frame;
	struct iq_regs regs;
};

static bool entry_register(void *arg, unsigned int reg, uint64_t *ret, bool *certain);

/* Callee-saved registers that the unwinder does not know, but the code does. */
static void add_registers(const struct iq_args *a, unsigned int n, struct iq_regs *regs)
{
	const struct frame_facts *x = &a->frame[n];
	unsigned int width;
	uint64_t value;
	bool certain;

	for (unsigned int r = 0; r < NR_GPR && x->usable; r++)
		if (!iq_reg_known(regs, r) && a->k->arch->callee_saved >> r & 1 &&
		    args_value(a, n, &x->st.reg[r], &value, &width, &certain, NULL) && width == 8 &&
		    certain)
			iq_reg_set(regs, r, value);
}

static void ask_about(struct iq_args *a, unsigned int n, unsigned int depth, struct asker *q)
{
	const struct iq_backtrace *b = a->b;
	const struct iq_frame *f = &b->frames[n];

	*q = (struct asker){.a = a, .n = n, .depth = depth};
	q->frame.address = f->exact_ip ? f->ip : f->ip - 1;
	q->regs = f->regs;
	add_registers(a, n, &q->regs);
	q->frame.regs = &q->regs;
	q->frame.vm = a->k->vm;
	q->frame.entry = entry_register;
	q->frame.arg = q;
	if (a->frame[n].usable) {
		q->frame.has_cfa = true;
		q->frame.cfa = a->frame[n].cfa;
	} else if (n + 1 < b->nr && !b->frames[n + 1].has_trap && !b->frames[n + 1].exact_ip) {
		q->frame.has_cfa = true;
		q->frame.cfa = b->frames[n + 1].sp;
	}
}

/* By the call site in the caller's debug information. */
static bool by_call_site(const struct asker *q, unsigned int reg, uint64_t *ret, bool *certain)
{
	struct iq_args *a = q->a;
	const struct iq_frame *caller = &a->b->frames[q->n + 1];
	struct iq_debugfile *f = iq_kernel_debugfile(a->k, caller->ip - 1);
	struct asker next;
	bool known;

	/* Another file may be asked only if this one's reading is not disturbed. */
	if (!f || q->depth == CALLERS_MAX)
		return false;
	ask_about(a, q->n + 1, q->depth + 1, &next);
	known = iq_debugfile_call_value(f, &next.frame, caller->ip, reg, ret, certain);
	*certain = known && *certain && a->frame[q->n].to_caller == LINK_SURE;
	return known;
}

static bool entry_register(void *arg, unsigned int reg, uint64_t *ret, bool *certain)
{
	const struct asker *q = arg;
	struct word w;

	if (q->n >= q->a->nr_frames)
		return false;
	/* The code's word is better than none of the call site. */
	if (args_entry_register(q->a, q->n, reg, &w) && w.width == 8 && w.certain) {
		*ret = w.value;
		*certain = true;
		return true;
	}
	if (q->a->frame[q->n].to_caller != LINK_NONE && by_call_site(q, reg, ret, certain))
		return true;
	if (args_entry_register(q->a, q->n, reg, &w) && w.width == 8) {
		*ret = w.value;
		*certain = false;
		return true;
	}
	return false;
}

static const char *where(struct iq_args *a, unsigned int n, const struct iq_local *l,
			 struct iq_frame_variables *all)
{
	const struct iq_frame *f = &a->b->frames[n];
	char text[96] = "computed";
	const char *s;

	if (l->state != IQ_LOCAL_KNOWN)
		iq_local_why(a->k->arch, l->state, l->reg, text, sizeof(text));
	else if (l->in_memory)
		snprintf(text, sizeof(text), "at 0x%" PRIx64, l->address);
	else if (l->in_register && l->reg < IQ_MAX_REGS && f->saved_at[l->reg])
		snprintf(text, sizeof(text), "%s saved at 0x%" PRIx64,
			 a->k->arch->reg_names[l->reg], f->saved_at[l->reg]);
	else if (l->in_register && l->reg < a->k->arch->nr_regs)
		snprintf(text, sizeof(text), "%s", a->k->arch->reg_names[l->reg]);
	else if (l->entry_value)
		snprintf(text, sizeof(text), "as it was passed");
	s = iq_arena_strdup(&all->arena, text);
	return s ? s : "";
}

static void convert(struct iq_args *a, unsigned int n, const struct iq_local *l,
		    struct iq_frame_variables *all, struct iq_frame_variable *v)
{
	const struct iq_frame *f = &a->b->frames[n];
	const char *name = iq_arena_strdup(&all->arena, l->name);
	const char *function = iq_arena_strdup(&all->arena, l->function);

	*v = (struct iq_frame_variable){.name = name ? name : "",
					.type = l->type,
					.function = function ? function : "",
					.inlined = l->inlined,
					.block = l->block,
					.parameter = l->parameter,
					.from_dwarf = true,
					.size = l->size,
					.from = where(a, n, l, all)};
	if (l->state != IQ_LOCAL_KNOWN)
		return;
	v->in_memory = l->in_memory;
	v->address = l->address;
	if (l->bytes) {
		uint8_t *bytes = iq_arena_alloc(&all->arena, (size_t)l->size);

		if (!bytes)
			return;
		memcpy(bytes, l->bytes, (size_t)l->size);
		v->bytes = bytes;
	}
	v->certainty = l->certain && f->reliable ? IQ_VALUE_EXACT : IQ_VALUE_INFERRED;
}

/* What was passed as parameter V, which came in register REG, if its value now is another. */
static void add_passed(struct iq_args *a, const struct asker *q, unsigned int reg,
		       struct iq_frame_variables *all, struct iq_frame_variable *v)
{
	uint8_t *bytes, now[8] = {0};
	uint64_t value;
	bool certain;

	if (q->n >= a->nr_frames || a->frame[q->n].to_caller != LINK_SURE ||
	    !by_call_site(q, reg, &value, &certain) || !certain)
		return;
	bytes = iq_arena_alloc(&all->arena, 8);
	if (!bytes)
		return;
	for (unsigned int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	if (v->certainty != IQ_VALUE_UNAVAILABLE) {
		if (v->bytes)
			memcpy(now, v->bytes, (size_t)v->size);
		else if (iq_vm_read(a->k->vm, v->address, now, (size_t)v->size, NULL))
			return;
		if (!memcmp(now, bytes, (size_t)v->size))
			return;
	}
	v->passed = bytes;
}

static void all_passed(struct iq_args *a, const struct asker *q, struct iq_frame_variables *all)
{
	const struct iq_arch *arch = a->k->arch;
	struct arg_cursor c = {0};
	unsigned int last = 0;

	/* A clone's parameters have other places. */
	if (!a->frame[q->n].flow || a->frame[q->n].flow->is_clone)
		return;
	for (unsigned int i = 0; i < all->nr; i++)
		last = IQ_MAX(last, all->list[i].inlined);
	for (unsigned int i = 0; i < all->nr; i++) {
		struct iq_frame_variable *v = &all->list[i];
		struct arg_place place;

		if (!v->parameter || v->inlined != last || v->block)
			continue;
		if (!v->type || !args_place(arch, v->type, &c, &place))
			return;
		if (place.nr_registers == 1 && v->size && v->size <= 8)
			add_passed(a, q, arch->arg_regs[place.first], all, v);
	}
}

struct iq_error *args_by_dwarf(struct iq_args *a, unsigned int n, struct iq_frame_variables *ret,
			       bool *found)
{
	struct iq_debugfile *f;
	struct iq_locals locals;
	struct asker q;

	ask_about(a, n, 0, &q);
	f = iq_kernel_debugfile(a->k, q.frame.address);
	if (!f || !iq_debugfile_locals(f, &q.frame, &locals))
		return NULL;
	ret->list = iq_arena_alloc(&ret->arena, (locals.nr ? locals.nr : 1) * sizeof(*ret->list));
	for (unsigned int i = 0; ret->list && i < locals.nr; i++)
		convert(a, n, &locals.list[i], ret, &ret->list[ret->nr++]);
	iq_locals_free(&locals);
	all_passed(a, &q, ret);
	*found = true;
	return ret->list ? NULL : iq_error_nomem();
}
