/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The innermost frame.  For a task that was switched out it is where __switch_to_asm() will return to.  For a
 * task that was running it is in the registers of its CPU, if those were taken when the machine
 * stopped, as a hypervisor does.
 *
 * A kernel that saves its own memory (kdump) saves its registers first and goes on: the notes hold the
 * registers of the exception, or of crash_setup_regs(), and the CPU ended in machine_kexec(), or in the
 * NMI handler that stops the other CPUs.  These functions do not return, so that what they and their
 * callers pushed is still there: a chain of frames that leads from one of them exactly to where
 * the saved registers are from is what is really on the stack.
 */
#include "unwind.h"

/* ---- A CPU that went on after its registers were saved ---------------------------------------- */

/* From the last function that a CPU runs to the place where its registers were saved. */
#define DEEPER_FRAMES 64

/* Where a CPU stays that has saved its registers for a crash dump; the innermost first. */
static const char *const last_functions[] = {"machine_kexec", "crash_nmi_callback",
					     "__crash_kexec"};

/* Are these the same, as far as both know?  Only what a trap frame and a note both hold. */
static bool same_registers(const struct iq_arch *a, const struct iq_regs *x,
			   const struct iq_regs *y)
{
	for (unsigned int i = 0; i < a->nr_trap_slots; i++) {
		unsigned int r = (unsigned int)a->trap_slots[i].reg;

		/* Segments and what lies beside them differ in their unused bits. */
		if (r > a->reg_pc)
			continue;
		if (!iq_reg_known(x, r) || !iq_reg_known(y, r) || x->value[r] != y->value[r])
			return false;
	}
	return true;
}

/*
 * Does F run in the same call of the same function as the saved frame?  crash_setup_regs() saves the address
 * of a label as rip; the compiler may have put it anywhere in the function, even where no ORC row is.
 */
static bool same_call(struct unwinder *u, const struct iq_frame *f, const struct iq_frame *saved)
{
	uint64_t a, b;

	if (!f->symbol.name || !saved->symbol.name || f->symbol.address != saved->symbol.address)
		return false;
	return f->sp == saved->sp || (unwind_cfa(u, f, &a) && unwind_cfa(u, saved, &b) && a == b);
}

static bool leads_to(const struct unwinder *u, const struct iq_frame *from,
		     const struct iq_frame *saved)
{
	struct unwinder trial = *u;
	struct iq_frame a = *from, b;

	trial.trial = true;
	for (unsigned int i = 0; i < DEEPER_FRAMES; i++) {
		if (a.has_trap && !a.trap_partial && same_registers(u->arch, &a.trap, &saved->regs))
			return true;
		if (!a.exact_ip && same_call(&trial, &a, saved))
			return true;
		if (!unwind_step(&trial, &a, &b))
			return trial.has_user_regs &&
			       same_registers(u->arch, &trial.user_regs, &saved->regs);
		a = b;
	}
	return false;
}

/* A return address into one of the last functions, found at AT: does it lead to SAVED? */
static bool ends_here(struct unwinder *u, const struct iq_stack *s, uint64_t at, uint64_t ip,
		      const struct iq_frame *saved, struct iq_frame *ret)
{
	if (!after_call(u->k, ip))
		return false;
	*ret = (struct iq_frame){
		.ip = ip, .slot = at, .sp = at + 8, .stack = *s, .how = IQ_FRAME_TOP};
	frame_complete(u, ret);
	return leads_to(u, ret, saved);
}

/* Search stack S below LIMIT for a frame of FUNCTION that leads to SAVED. */
static bool search_stack(struct unwinder *u, const struct iq_stack *s, uint64_t limit,
			 const struct iq_symbol *function, const struct iq_frame *saved,
			 struct iq_frame *ret)
{
	uint64_t end = IQ_MIN(limit, s->end);
	uint8_t chunk[1024];

	for (uint64_t at = s->start; at < end; at += sizeof(chunk)) {
		size_t len = IQ_MIN(sizeof(chunk), end - at);

		/* Pages of a stack may be missing: go on behind them. */
		if (iq_vm_read(u->k->vm, at, chunk, len, NULL))
			continue;
		for (size_t i = 0; i + 8 <= len; i += 8) {
			uint64_t ip = iq_le64(chunk + i);

			if (ip - function->address - 1 < function->size &&
			    ends_here(u, s, at + i, ip, saved, ret))
				return true;
		}
	}
	return false;
}

/* The frame in which CPU C ended after it had saved the registers of SAVED. */
static bool went_on(struct unwinder *u, const struct iq_cpu *c, const struct iq_frame *saved,
		    struct iq_frame *ret)
{
	static const enum iq_stack_kind kinds[] = {
		IQ_STACK_NMI, IQ_STACK_DOUBLE_FAULT, IQ_STACK_MCE, IQ_STACK_DEBUG, IQ_STACK_IRQ,
	};
	const struct iq_stack *own = &saved->stack;
	struct iq_stack s;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(last_functions); i++) {
		struct iq_symbol f;

		if (!iq_symbol_named(u->k, last_functions[i], &f) || !f.size)
			continue;
		/* What was called from there lies below. */
		if (own->kind != IQ_STACK_NONE && search_stack(u, own, saved->sp, &f, saved, ret))
			return true;
		for (unsigned int n = 0; n < IQ_ARRAY_SIZE(kinds); n++) {
			if (iq_cpu_stack(u->k, c->cpu, kinds[n], &s) && s.start != own->start &&
			    search_stack(u, &s, s.end, &f, saved, ret))
				return true;
		}
	}
	return false;
}

/*
 * Registers of DEEPER that nothing has changed since they were saved: those that no function from there
 * to the one that saved them writes or pushes.
 */
static void keep_saved_registers(struct unwinder *u, const struct iq_frame *saved,
				 struct iq_frame *deeper)
{
	struct unwinder trial = *u;
	struct iq_frame a = *deeper, b;
	uint64_t kept = u->arch->callee_saved;
	bool arrived = false;

	trial.trial = true;
	for (unsigned int i = 0; i < DEEPER_FRAMES && kept && !arrived && !a.exact_ip; i++) {
		const struct function *fn = function_of(u, &a.symbol);

		if (!fn || !fn->known)
			return;
		kept &= ~fn->written;
		arrived = same_call(&trial, &a, saved);
		if (!arrived && !unwind_step(&trial, &a, &b))
			return;
		if (!arrived)
			a = b;
	}
	for (unsigned int r = 0; arrived && r < u->arch->nr_regs; r++)
		if (kept >> r & 1 && iq_reg_known(&saved->regs, r))
			iq_reg_set(&deeper->regs, r, saved->regs.value[r]);
}

/*
 * A hypervisor takes the registers of a machine that stands still: nothing went on.  (But while a capture
 * kernel runs they are that one's, and ours are those that were saved.)
 */
static bool stood_still(const struct iq_cpu *c)
{
	return c->regs_from && !strncmp(c->regs_from, "QEMU", 4);
}

struct iq_error *start_at(struct unwinder *u, const struct iq_regs *regs, struct iq_frame *f)
{
	unsigned int pc = u->arch->reg_pc, sp = u->arch->reg_sp;

	if (!iq_reg_known(regs, pc) || !iq_reg_known(regs, sp))
		return iq_error_new(IQ_E_UNAVAILABLE, "%s and %s are not known",
				    u->arch->reg_names[pc], u->arch->reg_names[sp]);
	*f = (struct iq_frame){.ip = regs->value[pc],
			       .sp = regs->value[sp],
			       .exact_ip = true,
			       .how = IQ_FRAME_TOP,
			       .regs = *regs};
	frame_complete(u, f);
	/* Without cs a small rip may as well be a jump into nowhere. */
	if (u->arch->regs_user_mode(regs) && !u->arch->vm->is_kernel(&u->k->layout, f->sp)) {
		f->context = IQ_CTX_USER;
		f->symbol.name = NULL;
		f->stack = (struct iq_stack){.kind = IQ_STACK_NONE, .cpu = -1};
	}
	return NULL;
}

struct iq_error *start_running(struct unwinder *u, const struct iq_cpu *c, struct iq_frame *f)
{
	struct iq_frame deeper;

	IQ_TRY(start_at(u, &c->regs, f));
	if (!stood_still(c) && went_on(u, c, f, &deeper)) {
		keep_saved_registers(u, f, &deeper);
		*f = deeper;
	}
	return NULL;
}

/* ---- A task that was switched out ------------------------------------------------------------- */

/* struct inactive_task_frame (arch/x86/include/asm/switch_to.h), as __switch_to_asm() pushes it. */
static const struct inactive {
	const char *member;
	unsigned int offset;
	int reg;
} inactive_frame[INACTIVE_WORDS] = {
	{"r15", 0, IQ_X86_R15},	      {"r14", 8, IQ_X86_R14}, {"r13", 16, IQ_X86_R13},
	{"r12", 24, IQ_X86_R12},      {"bx", 32, IQ_X86_RBX}, {"bp", 40, IQ_X86_RBP},
	{"ret_addr", 48, IQ_X86_RIP},
};

/* The offsets of its members, looked up once. */
static const uint64_t *inactive_offsets(struct unwinder *u)
{
	struct functions *all = u->functions;

	for (unsigned int i = 0; !all->inactive_known && i < INACTIVE_WORDS; i++)
		if (!iq_kernel_offset(u->k, "inactive_task_frame", inactive_frame[i].member,
				      &all->inactive_at[i], NULL))
			all->inactive_at[i] = inactive_frame[i].offset;
	all->inactive_known = true;
	return all->inactive_at;
}

static struct iq_error *inactive_word(struct unwinder *u, uint64_t address, uint64_t *ret)
{
	if (stack_word(u, &u->task_stack, address, ret))
		return NULL;
	return iq_error_new(IQ_E_MEMORY, "where the task was switched out cannot be told: %s",
			    u->end_text);
}

struct iq_error *start_sleeping(struct unwinder *u, const struct iq_task *t, struct iq_frame *f)
{
	const uint64_t *offsets = inactive_offsets(u);

	memset(f, 0, sizeof(*f));
	if (t->unknown & IQ_TASK_SP)
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "where task %u was switched out is not known: this kernel's "
				    "task_struct.thread.sp",
				    t->pid);
	if (t->sp < u->task_stack.start || t->sp >= u->task_stack.end)
		return iq_error_new(IQ_E_FORMAT,
				    "thread.sp of task %u, 0x%llx, is not on its stack", t->pid,
				    (unsigned long long)t->sp);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(inactive_frame); i++) {
		const struct inactive *m = &inactive_frame[i];
		uint64_t value;

		IQ_TRY(inactive_word(u, t->sp + offsets[i], &value));
		iq_reg_set(&f->regs, (unsigned int)m->reg, value);
		f->saved_at[m->reg] = t->sp + offsets[i];
	}
	f->ip = f->regs.value[u->arch->reg_pc];
	f->slot = f->saved_at[u->arch->reg_pc];
	if (!is_code(u->k, f->ip))
		return iq_error_new(IQ_E_FORMAT,
				    "where task %u was switched out, at 0x%llx, there is no address of code "
				    "(0x%llx): its stack was overwritten",
				    t->pid, (unsigned long long)f->slot, (unsigned long long)f->ip);
	f->sp = f->slot + 8;
	f->saved_at[u->arch->reg_pc] = 0;
	f->how = IQ_FRAME_TOP;
	/* A new task has not run yet: it will begin at the first instruction of ret_from_fork. */
	f->exact_ip = iq_symbol_at(u->k, f->ip, &f->symbol) && f->symbol.address == f->ip;
	frame_complete(u, f);
	return NULL;
}
