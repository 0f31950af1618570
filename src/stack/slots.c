/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each word of a frame is, as far as the unwinder knows. */
#include <inttypes.h>
#include <stdlib.h>

#include "unwind.h"

/* Words shown of the outermost frame when nothing says where it ends. */
#define OPEN_END_WORDS 64
#define SLOTS_MAX 16384

struct listing {
	struct iq_kernel *k;
	const struct iq_backtrace *b;
	unsigned int n;
	struct iq_slot *slots;
	unsigned int nr, room;
	bool has_canary;
	uint64_t canary;
};

bool slots_canary(struct iq_kernel *k, const struct iq_task *t, uint64_t *canary)
{
	uint64_t offset, size;

	/* A canary of 0 would be found everywhere. */
	return iq_kernel_offset(k, "task_struct", "stack_canary", &offset, &size) && size == 8 &&
	       !iq_vm_read_uint(k->vm, t->address + offset, 8, canary) && *canary;
}

static struct iq_error *add(struct listing *l, uint64_t address)
{
	struct iq_slot *s;

	if (l->nr >= SLOTS_MAX)
		return iq_error_new(IQ_E_LIMIT, "frame %u has more than %u words", l->n, SLOTS_MAX);
	if (!iq_grow(&l->slots, &l->room, l->nr + 1, sizeof(*l->slots)))
		return iq_error_nomem();
	s = &l->slots[l->nr++];
	*s = (struct iq_slot){.address = address, .frame = l->n, .reg = -1};
	s->readable = !iq_vm_read_uint(l->k->vm, address, 8, &s->value);
	return NULL;
}

static struct iq_error *add_range(struct listing *l, uint64_t from, uint64_t to)
{
	for (uint64_t at = from; at < to; at += 8)
		IQ_TRY(add(l, at));
	return NULL;
}

/* ---- Which words -------------------------------------------------------------------------------- */

static bool same_stack(const struct iq_stack *a, const struct iq_stack *b)
{
	return a->kind != IQ_STACK_NONE && a->kind == b->kind && a->start == b->start;
}

static bool on_stack(const struct iq_stack *s, uint64_t address)
{
	return s->kind != IQ_STACK_NONE && address >= s->start && address < s->end;
}

/* The first address above the trap frame at ADDRESS, padding up to the interrupted SP included. */
static uint64_t above_trap(const struct listing *l, const struct iq_stack *s, uint64_t address,
			   uint64_t sp)
{
	uint64_t end = address + l->k->arch->trap_frame_size;

	/* The CPU aligns to 16: at most one word. */
	return on_stack(s, sp - 1) && sp > end && sp - end < 16 ? sp : end;
}

/* The outermost frame: its words go up to the user's registers, or the end of the stack. */
static struct iq_error *list_last(struct listing *l, const struct iq_frame *f)
{
	uint64_t end = f->stack.end;

	if (l->b->has_user_regs && on_stack(&f->stack, l->b->user_regs_address))
		end = l->b->user_regs_address + l->k->arch->trap_frame_size;
	else if (l->b->end != IQ_END_OUTERMOST)
		end = f->sp + 8 * OPEN_END_WORDS;
	return add_range(l, f->sp, IQ_MIN(end, f->stack.end));
}

static struct iq_error *list_words(struct listing *l, const struct iq_frame *f)
{
	const struct iq_frame *next = l->n + 1 < l->b->nr ? f + 1 : NULL;
	uint64_t from = f->sp;

	if (f->stack.kind == IQ_STACK_NONE)
		return NULL;
	/* With the stack pointer in the guard page there is nothing below the stack itself. */
	if (from < f->stack.start)
		from = f->stack.start;
	if (!next)
		return list_last(l, f);
	if (next->has_trap) {
		if (!on_stack(&f->stack, next->trap_address))
			return NULL;
		return add_range(l, from, above_trap(l, &f->stack, next->trap_address, next->sp));
	}
	if (same_stack(&f->stack, &next->stack))
		return add_range(l, from, next->slot + 8);
	/* The function has changed stacks: its frame goes on where the link at the top leads. */
	IQ_TRY(add_range(l, from, f->stack.end));
	if (l->nr && l->slots[l->nr - 1].readable &&
	    on_stack(&next->stack, l->slots[l->nr - 1].value) &&
	    l->slots[l->nr - 1].value <= next->slot && !(l->slots[l->nr - 1].value & 7)) {
		l->slots[l->nr - 1].kind = IQ_SLOT_STACK_LINK;
		return add_range(l, l->slots[l->nr - 1].value, next->slot + 8);
	}
	return NULL;
}

/* ---- What they are ------------------------------------------------------------------------------ */

static void label_trap(struct listing *l, struct iq_slot *s, uint64_t trap, uint64_t sp,
		       unsigned int frame)
{
	const struct iq_arch *a = l->k->arch;

	if (s->address < trap)
		return;
	if (s->address >= trap + a->trap_frame_size) {
		if (s->address < sp)
			s->kind = IQ_SLOT_ALIGNMENT;
		return;
	}
	for (unsigned int i = 0; i < a->nr_trap_slots; i++) {
		if (trap + a->trap_slots[i].offset != s->address)
			continue;
		s->kind = IQ_SLOT_TRAP;
		s->name = a->trap_slots[i].name;
		s->reg = a->trap_slots[i].reg;
		s->frame = frame;
	}
}

static void label_called(struct listing *l, struct iq_slot *s, const struct iq_frame *next)
{
	if (s->address == next->slot) {
		s->kind = IQ_SLOT_RETURN;
		s->frame = l->n + 1;
		return;
	}
	for (unsigned int r = 0; r < l->k->arch->nr_regs; r++) {
		if (next->saved_at[r] && next->saved_at[r] == s->address) {
			s->kind = IQ_SLOT_SAVED_REG;
			s->reg = (int)r;
		}
	}
}

/*
 * A task that never was in user mode has room for the registers of user mode all the same, at the top of its
 * stack (task_pt_regs()), with 16 bytes more above it in kernels that know FRED.
 */
static bool own_regs(const struct listing *l, const struct iq_frame *last, uint64_t *ret)
{
	uint64_t above = last->stack.end - last->sp - l->k->arch->trap_frame_size;

	*ret = last->sp;
	return last->stack.kind == IQ_STACK_TASK && l->b->end == IQ_END_OUTERMOST &&
	       (above == 0 || above == 16);
}

static void label(struct listing *l, struct iq_slot *s)
{
	uint64_t trap;
	const struct iq_frame *next = l->n + 1 < l->b->nr ? &l->b->frames[l->n + 1] : NULL;

	if (next && next->has_trap)
		label_trap(l, s, next->trap_address, next->sp, l->n + 1);
	else if (next)
		label_called(l, s, next);
	else if (l->b->has_user_regs && l->b->user_regs_address)
		label_trap(l, s, l->b->user_regs_address, 0, l->n);
	else if (own_regs(l, &l->b->frames[l->n], &trap))
		label_trap(l, s, trap, l->b->frames[l->n].stack.end, l->n);
	if (s->kind == IQ_SLOT_UNKNOWN && l->has_canary && s->readable && s->value == l->canary)
		s->kind = IQ_SLOT_CANARY;
}

struct iq_error *iq_frame_slots(struct iq_kernel *k, const struct iq_backtrace *b, unsigned int n,
				struct iq_slot **slots, unsigned int *nr)
{
	struct listing l = {.k = k, .b = b, .n = n};
	struct iq_error *err;

	if (n >= b->nr)
		return iq_error_new(IQ_E_USAGE, "there is no frame %u", n);
	l.has_canary = slots_canary(k, &b->task, &l.canary);
	err = list_words(&l, &b->frames[n]);
	if (err) {
		free(l.slots);
		return err;
	}
	for (unsigned int i = 0; i < l.nr; i++)
		if (l.slots[i].kind == IQ_SLOT_UNKNOWN)
			label(&l, &l.slots[i]);
	*slots = l.slots;
	*nr = l.nr;
	return NULL;
}

void iq_slot_label(struct iq_kernel *k, const struct iq_slot *s, char *buf, size_t room)
{
	struct iq_symbol symbol;

	if (!room)
		return;
	buf[0] = '\0';
	switch (s->kind) {
	case IQ_SLOT_RETURN:
		/* The symbol is that of the call, the offset that of the return, as in a trace. */
		if (iq_symbol_at(k, s->value - 1, &symbol))
			snprintf(buf, room, "[return to %s+%" PRIu64 "]", symbol.name,
				 s->value - symbol.address);
		else
			snprintf(buf, room, "[return]");
		break;
	case IQ_SLOT_SAVED_REG:
		snprintf(buf, room, "[%s]", s->reg >= 0 ? k->arch->reg_names[s->reg] : "saved");
		break;
	case IQ_SLOT_TRAP:
		snprintf(buf, room, "[%s]", s->name ? s->name : "pt_regs");
		break;
	case IQ_SLOT_ALIGNMENT:
		snprintf(buf, room, "[padding]");
		break;
	case IQ_SLOT_CANARY:
		snprintf(buf, room, s->changed ? "[canary, changed]" : "[canary]");
		break;
	case IQ_SLOT_STACK_LINK:
		snprintf(buf, room, "[stack link]");
		break;
	case IQ_SLOT_VARIABLE:
	case IQ_SLOT_SPILL:
	case IQ_SLOT_LOCAL:
	case IQ_SLOT_LEFTOVER:
	case IQ_SLOT_DYNAMIC:
		snprintf(buf, room, "[%s]", s->text);
		break;
	case IQ_SLOT_UNKNOWN:
		break;
	}
}
