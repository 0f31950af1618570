/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step outwards by ORC, as arch/x86/kernel/unwind_orc.c takes it and
 * Documentation/arch/x86/orc-unwinder.rst explains it.  What the kernel may take for granted is checked
 * here: a word is read from a stack only, a stack is walked upwards only, and a stack that was left is
 * not entered again, so that no trace can go in circles.
 */
#include "unwind.h"

bool unwind_end(struct unwinder *u, enum iq_stack_end end, const char *fmt, ...)
{
	va_list ap;

	u->end = end;
	va_start(ap, fmt);
	vsnprintf(u->end_text, sizeof(u->end_text), fmt, ap);
	va_end(ap);
	return false;
}

/* ---- Stacks ----------------------------------------------------------------------------------- */

static bool within(const struct iq_stack *s, uint64_t address)
{
	return s->kind != IQ_STACK_NONE && address >= s->start && address < s->end;
}

bool stack_of(struct unwinder *u, const struct iq_stack *likely, uint64_t address,
	      struct iq_stack *ret)
{
	const struct iq_task *t;

	if (likely && within(likely, address)) {
		*ret = *likely;
		return true;
	}
	if (within(&u->task_stack, address)) {
		*ret = u->task_stack;
		return true;
	}
	if (iq_cpu_stack_at(u->k, address, ret))
		return true;
	/* In the middle of __switch_to() the stack pointer is already, or still, another task's. */
	t = iq_task_by_stack(u->k, address);
	if (!t)
		return false;
	*ret = (struct iq_stack){IQ_STACK_TASK, t->stack, t->stack + t->stack_size, -1, t->address};
	return true;
}

static bool stack_bytes(struct unwinder *u, const struct iq_stack *likely, uint64_t address,
			void *buf, size_t len)
{
	struct iq_stack s;
	struct iq_fault fault;
	char text[sizeof(u->end_text)];

	if (address % 8 || !stack_of(u, likely, address, &s) || s.end - address < len)
		return unwind_end(u, IQ_END_LOOP, "0x%llx is not an address on a stack",
				  (unsigned long long)address);
	if (iq_vm_read(u->k->vm, address, buf, len, &fault)) {
		snprintf(text, sizeof(text), "%s", iq_mem_text(fault.why));
		return unwind_end(u, IQ_END_UNREADABLE, "the stack at 0x%llx is %s",
				  (unsigned long long)fault.address, text);
	}
	return true;
}

bool stack_word(struct unwinder *u, const struct iq_stack *likely, uint64_t address, uint64_t *ret)
{
	uint8_t b[8];

	if (!stack_bytes(u, likely, address, b, sizeof(b)))
		return false;
	*ret = iq_le64(b);
	return true;
}

/* May the trace go from stack pointer FROM on stack A to stack pointer TO on stack B? */
static bool may_go(struct unwinder *u, const struct iq_stack *a, uint64_t from,
		   const struct iq_stack *b, uint64_t to)
{
	if (a->kind == b->kind && a->start == b->start) {
		if (to > from)
			return true;
		return unwind_end(u, IQ_END_LOOP, "the stack goes in the wrong direction at 0x%llx",
				  (unsigned long long)from);
	}
	for (unsigned int i = 0; i < u->nr_left; i++)
		if (u->left[i] == b->start && b->kind != IQ_STACK_NONE)
			return unwind_end(u, IQ_END_LOOP,
					  "the trace comes back to a stack it had left, at 0x%llx",
					  (unsigned long long)to);
	if (u->nr_left == MAX_STACKS_CROSSED)
		return unwind_end(u, IQ_END_LOOP, "too many changes of the stack");
	u->left[u->nr_left++] = a->start;
	return true;
}

/* ---- Frames ----------------------------------------------------------------------------------- */

static enum iq_context context_of(const struct iq_stack *s)
{
	switch (s->kind) {
	case IQ_STACK_IRQ:
		return IQ_CTX_IRQ;
	case IQ_STACK_NMI:
		return IQ_CTX_NMI;
	case IQ_STACK_DOUBLE_FAULT:
		return IQ_CTX_DOUBLE_FAULT;
	case IQ_STACK_DEBUG:
		return IQ_CTX_DEBUG;
	case IQ_STACK_MCE:
		return IQ_CTX_MCE;
	case IQ_STACK_VC:
		return IQ_CTX_VC;
	case IQ_STACK_ENTRY:
		return IQ_CTX_ENTRY;
	case IQ_STACK_NONE:
	case IQ_STACK_TASK:
		break;
	}
	return IQ_CTX_TASK;
}

/* The instruction that F is in: of a caller its call. */
static uint64_t row_address(const struct iq_frame *f)
{
	return f->exact_ip ? f->ip : f->ip - 1;
}

/* The stack of a stack pointer, which may also be its upper end or its guard page. */
static void find_stack(struct unwinder *u, const struct iq_frame *f, struct iq_stack *s)
{
	if (f->slot && stack_of(u, &f->stack, f->slot, s))
		return;
	if (stack_of(u, &f->stack, f->sp, s) || stack_of(u, &u->task_stack, f->sp - 8, s) ||
	    stack_of(u, &u->task_stack, f->sp + GUARD_SIZE, s))
		return;
	*s = (struct iq_stack){.kind = IQ_STACK_NONE, .cpu = -1};
}

void frame_complete(struct unwinder *u, struct iq_frame *f)
{
	struct iq_stack s;

	find_stack(u, f, &s);
	f->stack = s;
	f->context = context_of(&f->stack);
	f->symbol = place_of(u, row_address(f))->symbol;
	if (f->symbol.name)
		f->offset = f->ip - f->symbol.address;
	iq_reg_set(&f->regs, u->arch->reg_pc, f->ip);
	iq_reg_set(&f->regs, u->arch->reg_sp, f->sp);
	f->reliable = !u->doubtful;
}

/* ---- ORC -------------------------------------------------------------------------------------- */

bool cfa_by_row(struct unwinder *u, const struct iq_frame *f, const struct iq_orc_row *row,
		uint64_t *cfa)
{
	uint64_t base, offset = (uint64_t)(int64_t)row->sp_offset;

	if (row->sp_reg < 0 || !iq_reg_known(&f->regs, (unsigned int)row->sp_reg))
		return unwind_end(u, IQ_END_NO_RULE,
				  "at 0x%llx the frame hangs on %s, which is not known",
				  (unsigned long long)f->ip,
				  row->sp_reg < 0 ? "a register" : u->arch->reg_names[row->sp_reg]);
	base = f->regs.value[row->sp_reg];
	if (!row->sp_deref) {
		*cfa = base + offset;
	} else if (row->sp_deref_after_offset) {
		if (!stack_word(u, &f->stack, base + offset, cfa))
			return false;
	} else {
		if (!stack_word(u, &f->stack, base, cfa))
			return false;
		*cfa += offset;
	}
	return true;
}

bool unwind_cfa(struct unwinder *u, const struct iq_frame *f, uint64_t *cfa)
{
	const struct place *p = place_of(u, row_address(f));

	if (!p->has_row || p->row.type == IQ_ORC_UNDEFINED)
		return cfa_by_code(u, f, cfa);
	return p->row.type == IQ_ORC_CALL && cfa_by_row(u, f, &p->row, cfa);
}

void restore_fp(struct unwinder *u, const struct iq_frame *f, const struct iq_orc_row *row,
		uint64_t cfa, struct iq_frame *next)
{
	unsigned int fp = u->arch->reg_fp;
	uint64_t at, value;

	if (row->bp_rule == IQ_ORC_BP_SAME) {
		if (iq_reg_known(&f->regs, fp)) {
			iq_reg_set(&next->regs, fp, f->regs.value[fp]);
			next->saved_at[fp] = f->saved_at[fp];
		}
		return;
	}
	if (row->bp_rule == IQ_ORC_BP_AT_CFA)
		at = cfa + (uint64_t)(int64_t)row->bp_offset;
	else if (iq_reg_known(&f->regs, fp))
		at = f->regs.value[fp] + (uint64_t)(int64_t)row->bp_offset;
	else
		return;
	if (stack_word(u, &f->stack, at, &value)) {
		iq_reg_set(&next->regs, fp, value);
		next->saved_at[fp] = at;
	}
}

bool step_return(struct unwinder *u, const struct iq_frame *f, uint64_t cfa, struct iq_frame *next)
{
	next->slot = cfa - 8;
	next->sp = cfa;
	if (!stack_word(u, &f->stack, next->slot, &next->ip) ||
	    !recover_return(u, &f->stack, next->slot, &next->ip))
		return false;
	if (!is_code(u->k, next->ip - 1))
		return unwind_end(u, IQ_END_NO_RULE,
				  "the return address 0x%llx at 0x%llx is not code",
				  (unsigned long long)next->ip, (unsigned long long)next->slot);
	return true;
}

static bool step_call(struct unwinder *u, const struct iq_frame *f, const struct iq_orc_row *row,
		      uint64_t cfa, struct iq_frame *next)
{
	next->how = IQ_FRAME_ORC;
	if (!step_return(u, f, cfa, next))
		return false;
	restore_fp(u, f, row, cfa, next);
	if (!u->trial && !u->places) {
		saved_registers(u, f, cfa, false, next);
		cfi_registers(u, f, cfa, next);
	}
	return true;
}

void keep_callee_saved(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next)
{
	for (unsigned int r = 0; r < u->arch->nr_regs; r++) {
		if (!(u->arch->callee_saved >> r & 1) || !iq_reg_known(&f->regs, r))
			continue;
		iq_reg_set(&next->regs, r, f->regs.value[r]);
		next->saved_at[r] = f->saved_at[r];
	}
}

/* Offset of the part of the trap frame that the CPU itself pushes. */
static unsigned int hardware_part(const struct iq_arch *a)
{
	for (unsigned int i = 0; i < a->nr_trap_slots; i++)
		if (a->trap_slots[i].reg == (int)a->reg_pc)
			return a->trap_slots[i].offset;
	return 0;
}

static bool read_trap(struct unwinder *u, const struct iq_frame *f, uint64_t at, bool partial,
		      struct iq_frame *next)
{
	uint8_t frame[512];
	unsigned int from = partial ? hardware_part(u->arch) : 0;
	unsigned int size = u->arch->trap_frame_size;

	if (size > sizeof(frame))
		return unwind_end(u, IQ_END_NO_RULE, "trap frames of %u bytes", size);
	memset(frame, 0, sizeof(frame));
	if (!stack_bytes(u, &f->stack, at, frame + from, size - from))
		return false;
	next->has_trap = true;
	next->trap_partial = partial;
	next->trap_address = at - from;
	u->arch->trap_frame_regs(frame, &next->trap);
	for (unsigned int i = 0; i < u->arch->nr_trap_slots; i++)
		if (u->arch->trap_slots[i].offset < from)
			next->trap.valid &= ~(UINT64_C(1) << u->arch->trap_slots[i].reg);
	return true;
}

static bool step_trap(struct unwinder *u, const struct iq_frame *f, const struct iq_orc_row *row,
		      uint64_t cfa, struct iq_frame *next)
{
	bool partial = row->type == IQ_ORC_REGS_PARTIAL;

	if (!read_trap(u, f, cfa, partial, next))
		return false;
	if (u->arch->regs_user_mode(&next->trap)) {
		u->has_user_regs = true;
		u->user_regs = next->trap;
		u->user_regs_address = next->trap_address;
		return unwind_end(u, IQ_END_USER, "%s", "");
	}
	next->ip = next->trap.value[u->arch->reg_pc];
	next->sp = next->trap.value[u->arch->reg_sp];
	next->exact_ip = row->signal;
	next->how = IQ_FRAME_TRAP;
	next->regs = next->trap;
	if (partial)
		keep_callee_saved(u, f, next);
	return true;
}

/*
 * A jump or call to an address that is no code: the return address is still at the top of the stack,
 * where the call put it, and nothing was pushed since.
 */
static bool step_from_nowhere(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next)
{
	if (!stack_word(u, &f->stack, f->sp, &next->ip))
		return false;
	if (!is_code(u->k, next->ip - 1) || !after_call(u->k, next->ip))
		return unwind_end(u, IQ_END_NO_RULE, "0x%llx is not code, and was not called",
				  (unsigned long long)f->ip);
	next->slot = f->sp;
	next->sp = f->sp + 8;
	next->how = IQ_FRAME_CALL;
	keep_callee_saved(u, f, next);
	return true;
}

static bool step_by_row(struct unwinder *u, const struct iq_frame *f, const struct iq_orc_row *row,
			struct iq_frame *next)
{
	uint64_t cfa;

	if (!cfa_by_row(u, f, row, &cfa))
		return false;
	if (row->type == IQ_ORC_CALL)
		return step_call(u, f, row, cfa, next);
	return step_trap(u, f, row, cfa, next);
}

bool unwind_step(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next)
{
	const struct place *p = place_of(u, row_address(f));
	bool ok;

	memset(next, 0, sizeof(*next));
	next->stack = f->stack;
	if (f->exact_ip && !is_code(u->k, f->ip)) {
		ok = step_from_nowhere(u, f, next);
	} else if (!p->has_row || p->row.type == IQ_ORC_UNDEFINED) {
		ok = u->places ? unwind_end(u, IQ_END_NO_RULE, "%s", "no table speaks")
			       : guess_step(u, f, next);
	} else if (p->row.type == IQ_ORC_END) {
		return unwind_end(u, IQ_END_OUTERMOST, "%s", "");
	} else {
		ok = step_by_row(u, f, &p->row, next);
	}
	if (!ok)
		return false;
	frame_complete(u, next);
	return may_go(u, &f->stack, f->sp, &next->stack, next->sp);
}
