/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an exception means: from its vector if the handler's name tells it, from the instruction and the
 * registers in any case.  The address that was accessed is computed; CR2 and the kernel's own argument
 * are witnesses.
 */
#include "event_trap.h"

#include <inquest/module.h>
#include <string.h>

#define X86_PF_PRESENT 1u
#define X86_PF_WRITE 2u
#define X86_PF_EXEC 16u
#define NULL_PAGE 4096u
#define GUARD 8192u

bool iq_trap_executable(struct iq_kernel *k, uint64_t ip)
{
	struct iq_walk w;

	if (!k->arch->vm->canonical(&k->layout, ip) || !k->arch->vm->is_kernel(&k->layout, ip))
		return false;
	iq_vm_walk(k->vm, ip, &w);
	/* Without the page tables: what is known to be text. */
	if (w.linear || (w.status != IQ_MEM_OK && w.status != IQ_MEM_UNMAPPED))
		return iq_is_text(k, ip);
	if (w.status == IQ_MEM_UNMAPPED)
		return false;
	for (unsigned int i = 0; i < w.nr; i++) {
		const char *flags[32];
		unsigned int n = k->arch->vm->entry_flags(w.level[i].entry, w.level[i].level, flags, 32);

		for (unsigned int j = 0; j < n; j++) {
			if (!strcmp(flags[j], "NX"))
				return false;
		}
	}
	return true;
}

static bool is_writable(struct iq_kernel *k, const struct iq_walk *w)
{
	for (unsigned int i = 0; i < w->nr; i++) {
		const char *flags[32];
		unsigned int n = k->arch->vm->entry_flags(w->level[i].entry, w->level[i].level, flags, 32);
		bool rw = false;

		for (unsigned int j = 0; j < n; j++)
			rw |= !strcmp(flags[j], "RW");
		if (!rw)
			return false;
	}
	return true;
}

/* Is there a user page at this address of the task's? */
static bool user_mapped(struct iq_case *c, const struct iq_task *t, uint64_t address)
{
	uint64_t physical;
	struct iq_vm *vm;
	struct iq_error *err;
	bool mapped;

	if (!t->address || !t->active_mm)
		return false;
	err = iq_task_vm(c->k, t, &vm);
	if (err) {
		iq_error_free(err);
		return false;
	}
	mapped = iq_vm_translate(vm, address, &physical, NULL) == IQ_MEM_OK;
	iq_vm_close(vm);
	return mapped;
}

/* How wrong ADDRESS is to access: 0 nothing is the matter with it now. */
static enum iq_class judge(struct iq_case *c, const struct iq_event *e, uint64_t address, bool write)
{
	const struct iq_kernel *k = c->k;
	struct iq_walk w;

	if (address < NULL_PAGE)
		return IQ_CLASS_NULL_DEREF;
	if (!k->arch->vm->canonical(&k->layout, address))
		return IQ_CLASS_NON_CANONICAL;
	if (!k->arch->vm->is_kernel(&k->layout, address)) {
		const struct iq_task *t = c->has_trace ? &c->trace.task : &e->task;
		bool there = e->has_error_code ? e->error_code & X86_PF_PRESENT
					       : user_mapped(c, t, address);

		return there ? IQ_CLASS_USER_ACCESS : IQ_CLASS_BAD_ACCESS;
	}
	iq_vm_walk(k->vm, address, &w);
	if (w.status == IQ_MEM_UNMAPPED)
		return IQ_CLASS_BAD_ACCESS;
	if (w.status == IQ_MEM_OK && !w.linear && write && !is_writable(c->k, &w))
		return IQ_CLASS_WRITE_PROTECTED;
	return IQ_CLASS_NONE;
}

/* The operand that faulted: one whose address is wrong before one whose is not. */
static bool find_operand(struct iq_case *c, struct iq_event *e, const struct iq_insn *insn,
			 enum iq_class *class)
{
	bool found = false;

	*class = IQ_CLASS_NONE;
	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		const struct iq_operand *op = &insn->operand[i];
		enum iq_class wrong;
		uint64_t address;

		if (op->kind != IQ_OP_MEM || (!op->read && !op->write) ||
		    !iq_operand_address(c->k->arch, op, &e->regs, &address))
			continue;
		wrong = judge(c, e, address, op->write);
		if (found && (*class != IQ_CLASS_NONE || wrong == IQ_CLASS_NONE))
			continue;
		found = true;
		*class = wrong;
		e->has_address = true;
		e->address = address;
		e->access = op->write ? IQ_ACCESS_WRITE : IQ_ACCESS_READ;
	}
	return found;
}

/* An address just below the stack that was in use: vmap's guard page, or the end of the IRQ stack. */
static bool in_guard(struct iq_case *c, const struct iq_event *e, uint64_t address)
{
	const struct iq_task *t = c->has_trace ? &c->trace.task : &e->task;

	return t->stack && address < t->stack && t->stack - address <= GUARD;
}

/* The address as others saw it: an argument of the fault handler, or CR2 if a hypervisor saved it. */
static bool reported_address(struct iq_case *c, const struct iq_event *e, uint64_t *address,
			     const char **from)
{
	unsigned int nr;
	const struct iq_cpu *cpus;

	for (int i = e->frame - 1; i >= 0 && i >= e->frame - 5; i--) {
		*from = "the address that the page-fault handler was given";
		if (c->has_trace && iq_event_argument(c, (unsigned int)i, "address", address))
			return true;
	}
	cpus = iq_kernel_cpus(c->k, &nr);
	for (unsigned int i = 0; i < nr && e->cpu >= 0; i++) {
		if ((int)cpus[i].cpu != e->cpu || !iq_reg_known(&cpus[i].regs, IQ_X86_CR2))
			continue;
		*from = "CR2 of the CPU, as the hypervisor saved it";
		*address = cpus[i].regs.value[IQ_X86_CR2];
		return true;
	}
	return false;
}

static void say_address(struct iq_case *c, struct iq_event *e, bool computed)
{
	uint64_t reported;
	const char *from;

	if (computed)
		iq_event_evidence(c, e, IQ_SOURCE_CODE, e->ip, iq_case_text(c, "0x%llx", (unsigned long long)e->address),
				  "the address that the instruction accesses with these registers");
	if (!reported_address(c, e, &reported, &from))
		return;
	if (!computed) {
		e->has_address = true;
		e->address = reported;
	}
	/* An access may begin before a page that is not there. */
	if (computed && reported - e->address >= 64)
		return;
	iq_event_evidence(c, e, IQ_SOURCE_REGISTERS, 0, iq_case_text(c, "0x%llx", (unsigned long long)reported),
			  "%s", from);
}

static const char *exec_words(struct iq_case *c, const struct iq_event *e)
{
	if (e->ip < NULL_PAGE)
		return iq_case_text(c, "BUG: kernel NULL pointer dereference, address: %016llx (instruction fetch)",
				    (unsigned long long)e->ip);
	return iq_case_text(c, "BUG: instruction fetch at 0x%llx, which is not code", (unsigned long long)e->ip);
}

/* As the kernel and the CPU report it: a NULL page is a NULL pointer; a user page that is there is SMEP's. */
static void bad_exec(struct iq_case *c, struct iq_event *e)
{
	const struct iq_kernel *k = c->k;
	const struct iq_task *t = c->has_trace ? &c->trace.task : &e->task;

	e->class = IQ_CLASS_BAD_EXEC;
	if (e->ip < NULL_PAGE)
		e->class = IQ_CLASS_NULL_DEREF;
	else if (k->arch->vm->canonical(&k->layout, e->ip) && !k->arch->vm->is_kernel(&k->layout, e->ip) &&
		 (e->has_error_code ? e->error_code & X86_PF_PRESENT : user_mapped(c, t, e->ip)))
		e->class = IQ_CLASS_USER_ACCESS;
	e->access = IQ_ACCESS_EXEC;
	e->has_address = true;
	e->address = e->ip;
	e->message = exec_words(c, e);
	iq_event_evidence(c, e, IQ_SOURCE_REGISTERS, e->ip, NULL,
			  "the instruction pointer is not in code that the kernel may execute");
}

static void page_fault(struct iq_case *c, struct iq_event *e, const struct iq_insn *insn)
{
	enum iq_class class = IQ_CLASS_NONE;
	bool computed = find_operand(c, e, insn, &class);

	say_address(c, e, computed);
	if (!computed && e->has_address)
		class = judge(c, e, e->address, e->has_error_code && e->error_code & X86_PF_WRITE);
	if (e->has_error_code && e->access == IQ_ACCESS_NONE)
		e->access = e->error_code & X86_PF_WRITE ? IQ_ACCESS_WRITE : IQ_ACCESS_READ;
	if (class == IQ_CLASS_NONE && e->has_error_code && e->error_code & X86_PF_PRESENT &&
	    e->error_code & X86_PF_WRITE)
		class = IQ_CLASS_WRITE_PROTECTED;
	if (class == IQ_CLASS_NONE) {
		/* It is mapped now: mapped since, or what was computed is not what was accessed. */
		class = IQ_CLASS_BAD_ACCESS;
		e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_LIKELY);
	}
	if (e->has_address && in_guard(c, e, e->address))
		class = IQ_CLASS_STACK_OVERFLOW;
	e->class = class;
	if (class == IQ_CLASS_NULL_DEREF)
		e->message = iq_case_text(c, "BUG: kernel NULL pointer dereference, address: %016llx",
					  (unsigned long long)e->address);
	else if (class == IQ_CLASS_STACK_OVERFLOW)
		e->message = "BUG: stack guard page was hit";
	else if (e->has_address)
		e->message = iq_case_text(c, "BUG: unable to handle page fault for address: %016llx",
					  (unsigned long long)e->address);
	else
		e->message = "BUG: unable to handle a page fault";
}

static void protection(struct iq_case *c, struct iq_event *e, const struct iq_insn *insn)
{
	enum iq_class class;
	uint64_t target;

	e->message = e->trap == TRAP_STACK_SEGMENT ? "stack segment fault" : "general protection fault";
	find_operand(c, e, insn, &class);
	if (class == IQ_CLASS_NON_CANONICAL) {
		e->class = class;
		e->message = iq_case_text(c, "%s, for non-canonical address 0x%llx", e->message,
					  (unsigned long long)e->address);
		say_address(c, e, true);
		return;
	}
	e->has_address = false;
	e->access = IQ_ACCESS_NONE;
	e->class = IQ_CLASS_BAD_ACCESS;
	if (insn->flow == IQ_FLOW_RETURN && iq_reg_known(&e->regs, c->k->arch->reg_sp) &&
	    !iq_vm_read_uint(c->k->vm, e->regs.value[c->k->arch->reg_sp], c->k->arch->word, &target) &&
	    !c->k->arch->vm->canonical(&c->k->layout, target)) {
		e->class = IQ_CLASS_NON_CANONICAL;
		e->has_address = true;
		e->address = target;
		e->access = IQ_ACCESS_EXEC;
		iq_event_evidence(c, e, IQ_SOURCE_MEMORY, e->regs.value[c->k->arch->reg_sp],
				  iq_case_text(c, "0x%llx", (unsigned long long)target),
				  "the return address on the stack is not canonical");
		return;
	}
	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		const struct iq_operand *op = &insn->operand[i];

		/* jmp *%rax, call *%rax */
		if (op->kind != IQ_OP_REG || op->hidden || op->reg < 0 ||
		    (insn->flow != IQ_FLOW_CALL && insn->flow != IQ_FLOW_JUMP) ||
		    !iq_reg_known(&e->regs, (unsigned int)op->reg) ||
		    c->k->arch->vm->canonical(&c->k->layout, e->regs.value[op->reg]))
			continue;
		e->class = IQ_CLASS_NON_CANONICAL;
		e->has_address = true;
		e->address = e->regs.value[op->reg];
		e->access = IQ_ACCESS_EXEC;
		return;
	}
	e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_LIKELY);
}

static bool stack_is_full(const struct iq_case *c, const struct iq_event *e, const struct iq_task *t)
{
	for (int i = e->frame + 1; c->has_trace && e->frame >= 0 && i < (int)c->trace.nr && i <= e->frame + 3; i++) {
		uint64_t sp = c->trace.frames[i].sp;

		if (sp >= t->stack && sp - t->stack < t->stack_size / 4)
			return true;
	}
	return false;
}

static void double_fault(struct iq_case *c, struct iq_event *e)
{
	uint64_t sp = e->regs.value[c->k->arch->reg_sp];
	const struct iq_task *t = c->has_trace ? &c->trace.task : &e->task;
	bool over = in_guard(c, e, sp);
	struct iq_damage d[4];
	unsigned int n = c->has_trace ? iq_stack_damage(c->k, &c->trace, d, 4) : 0;

	for (unsigned int i = 0; i < n; i++)
		over |= d[i].kind == IQ_DAMAGE_GUARD;
	/* The push that did not fit any more: rsp is still at the end of the stack. */
	if (t->stack && sp >= t->stack && sp - t->stack < 64)
		over = true;
	e->class = over ? IQ_CLASS_STACK_OVERFLOW : IQ_CLASS_DOUBLE_FAULT;
	/* Calls that fill a stack leave frames at its end; a stack pointer that was made up does not. */
	if (over && !stack_is_full(c, e, t))
		e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_LIKELY);
	e->message = over ? "BUG: stack guard page was hit" : "double fault";
	if (over)
		iq_event_evidence(c, e, IQ_SOURCE_REGISTERS, t->stack, iq_case_text(c, "0x%llx", (unsigned long long)sp),
				  "the stack pointer has left the stack, whose lowest address this is");
}

/* No handler's name: the instruction says which exceptions it can raise with these registers. */
static int guess_vector(struct iq_case *c, struct iq_event *e, const struct iq_insn *insn)
{
	struct iq_event trial = *e;
	enum iq_class class;

	if (insn->flow == IQ_FLOW_TRAP && !strncmp(insn->mnemonic, "ud", 2))
		return TRAP_INVALID_OPCODE;
	find_operand(c, &trial, insn, &class);
	if (class == IQ_CLASS_NON_CANONICAL)
		return TRAP_PROTECTION;
	if (class != IQ_CLASS_NONE)
		return TRAP_PAGE_FAULT;
	if (!strncmp(insn->mnemonic, "div", 3) || !strncmp(insn->mnemonic, "idiv", 4))
		return TRAP_DIVIDE;
	return -1;
}

static void by_vector(struct iq_case *c, struct iq_event *e, const struct iq_insn *insn)
{
	switch (e->trap) {
	case TRAP_PAGE_FAULT:
		page_fault(c, e, insn);
		break;
	case TRAP_PROTECTION:
	case TRAP_STACK_SEGMENT:
		protection(c, e, insn);
		break;
	case TRAP_INVALID_OPCODE:
		iq_trap_bug(c, e, insn);
		break;
	case TRAP_DIVIDE:
		e->class = IQ_CLASS_DIVIDE_ERROR;
		e->message = "divide error";
		break;
	case TRAP_DOUBLE_FAULT:
		double_fault(c, e);
		break;
	case TRAP_MACHINE_CHECK:
		e->class = IQ_CLASS_MACHINE_CHECK;
		e->message = "machine check";
		break;
	case TRAP_NMI:
		e->class = IQ_CLASS_NMI;
		e->message = "NMI";
		break;
	case TRAP_CONTROL:
		e->class = IQ_CLASS_BAD_EXEC;
		e->message = "control protection: a call or jump to where none may lead";
		break;
	case -1:
		break;
	default:
		e->class = IQ_CLASS_BUG;
		e->message = iq_case_text(c, "exception %d", e->trap);
		break;
	}
}

void iq_event_trap(struct iq_case *c, struct iq_event *e)
{
	struct iq_kernel *k = c->k;
	struct iq_fault fault;
	uint8_t code[15];
	struct iq_insn insn = { .bad = true };
	size_t len = sizeof(code);
	const struct report *check;

	/* Called or returned to; #DF and machine checks report where they come, not why. */
	if (!iq_trap_executable(k, e->ip) && e->trap != TRAP_DOUBLE_FAULT && e->trap != TRAP_MACHINE_CHECK &&
	    e->trap != TRAP_NMI) {
		bad_exec(c, e);
		return;
	}
	while (len && iq_vm_read(k->vm, e->ip, code, len, &fault))
		len--;
	if (len && iq_insn_decode(k->arch, code, len, e->ip, &insn) && e->trap < 0)
		e->trap = guess_vector(c, e, &insn);
	by_vector(c, e, &insn);
	if (e->trap >= 0 && e->trap != TRAP_NMI)
		iq_event_evidence(c, e, IQ_SOURCE_MEMORY, e->ip, iq_case_text(c, "%d", e->trap),
				  "vector of the exception");
	check = iq_check_by_name(e->symbol.name);
	if (check && check->class == IQ_CLASS_SYSRQ && e->class == IQ_CLASS_NULL_DEREF) {
		/* Until 5.8 it wrote to NULL to get its crash. */
		e->class = IQ_CLASS_SYSRQ;
		e->message = check->words;
	}
}
