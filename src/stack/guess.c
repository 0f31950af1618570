/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where no ORC row speaks: functions that objtool was told to leave alone (__crash_kexec()), whose
 * code is followed instead; code that was generated at run time (BPF programs keep frame pointers, and
 * their code says so); and broken stacks, which are searched for return addresses.  What the search
 * finds is a guess, and so is all that follows from it.
 */
#include "unwind.h"

/* A trace has fewer frames than this, or it is not worth following. */
#define TRIAL_FRAMES 256
/* Candidates looked at in one search. */
#define TRIALS 64
/* How far in front of an address its function may begin. */
#define GENERATED_MAX 65536
#define CHUNK 4096

/* push %rbp; mov %rsp,%rbp: a BPF program begins so (arch/x86/net/bpf_jit_comp.c: emit_prologue). */
static const uint8_t fp_prologue[] = {0x55, 0x48, 0x89, 0xe5};

static bool keeps_frame_pointer(struct iq_kernel *k, uint64_t ip)
{
	uint8_t buf[CHUNK];
	uint64_t chunk = ip & ~(uint64_t)(CHUNK - 1);

	for (; ip - chunk < GENERATED_MAX; chunk -= CHUNK) {
		if (iq_vm_read(k->vm, chunk, buf, sizeof(buf), NULL))
			return false;
		if (memmem(buf, IQ_MIN(ip - chunk, CHUNK), fp_prologue, sizeof(fp_prologue)))
			return true;
	}
	return false;
}

static bool by_frame_pointer(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next)
{
	unsigned int fp = u->arch->reg_fp;
	uint64_t at = f->regs.value[fp], saved;

	if (!iq_reg_known(&f->regs, fp) || at < f->sp || iq_is_text(u->k, f->ip) ||
	    !keeps_frame_pointer(u->k, f->ip))
		return false;
	if (!stack_word(u, &f->stack, at, &saved) || !stack_word(u, &f->stack, at + 8, &next->ip) ||
	    !is_code(u->k, next->ip - 1) || !after_call(u->k, next->ip))
		return false;
	next->slot = at + 8;
	next->sp = at + 16;
	next->how = IQ_FRAME_POINTER;
	iq_reg_set(&next->regs, fp, saved);
	next->saved_at[fp] = at;
	return true;
}

/* By the function's own code: as sure as ORC. */
static bool by_code(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next)
{
	uint64_t cfa;

	if (!cfa_by_code(u, f, &cfa) || !step_return(u, f, cfa, next) ||
	    !after_call(u->k, next->ip))
		return false;
	next->how = IQ_FRAME_CODE;
	saved_registers(u, f, cfa, true, next);
	return true;
}

/* Stale words can look like a frame that interrupted user mode; nobody runs kernel addresses there. */
static bool left_user_mode(const struct unwinder *u)
{
	const struct iq_regs *r = &u->user_regs;
	unsigned int pc = u->arch->reg_pc;

	return u->end == IQ_END_USER && u->has_user_regs &&
	       (!iq_reg_known(r, pc) || !u->arch->vm->is_kernel(&u->k->layout, r->value[pc]));
}

/* Does the chain from F end where a complete trace ends? */
static bool leads_out(const struct unwinder *u, const struct iq_frame *f)
{
	struct unwinder trial = *u;
	struct iq_frame a = *f, b;

	trial.trial = true;
	for (unsigned int i = 0; i < TRIAL_FRAMES; i++) {
		if (!unwind_step(&trial, &a, &b))
			return left_user_mode(&trial) || trial.end == IQ_END_OUTERMOST;
		a = b;
	}
	return false;
}

static bool candidate(struct unwinder *u, const struct iq_stack *s, uint64_t at,
		      struct iq_frame *ret)
{
	uint64_t ip;

	if (!stack_word(u, s, at, &ip) || !is_code(u->k, ip - 1) || !after_call(u->k, ip))
		return false;
	*ret = (struct iq_frame){.ip = ip, .slot = at, .sp = at + 8, .stack = *s};
	ret->how = IQ_FRAME_SCAN;
	frame_complete(u, ret);
	return true;
}

bool guess_start(struct unwinder *u, const struct iq_stack *s, uint64_t start, struct iq_frame *ret)
{
	unsigned int tried = 0;

	for (uint64_t at = (start + 7) & ~UINT64_C(7); at + 8 <= s->end && tried < TRIALS;
	     at += 8) {
		if (!candidate(u, s, at, ret))
			continue;
		tried++;
		if (leads_out(u, ret))
			return true;
	}
	return false;
}

/* The first return address from which a whole trace leads on; else the first of all. */
static bool by_search(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next)
{
	uint64_t at = (f->sp + 7) & ~UINT64_C(7);
	struct iq_frame found;

	if (f->stack.kind == IQ_STACK_NONE || at < f->stack.start)
		return false;
	u->doubtful = true;
	if (guess_start(u, &f->stack, at, &found)) {
		*next = found;
		return true;
	}
	for (; at + 8 <= f->stack.end; at += 8) {
		if (candidate(u, &f->stack, at, &found)) {
			*next = found;
			return true;
		}
	}
	return false;
}

bool guess_step(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next)
{
	if (by_cfi(u, f, next) || by_code(u, f, next) || by_trampoline(u, f, next))
		return true;
	if (!u->trial && (by_frame_pointer(u, f, next) || by_search(u, f, next)))
		return true;
	return unwind_end(u, IQ_END_NO_RULE, "no unwind information for 0x%llx",
			  (unsigned long long)f->ip);
}
