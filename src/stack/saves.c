/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers that a function must give back to its caller as it found them.  ORC says where rbp is; the
 * others (rbx, r12 to r15) are where the function's own code has put them on all ways to the place where it
 * is (keep.c): still in the register, or in a word of its frame.
 */
#include "unwind.h"

enum saved find_saved(const struct iq_arch *a, const struct depth *d, const struct iq_frame *f,
		      uint64_t cfa, unsigned int reg, uint64_t *at)
{
	int i = kept_index(a, (int)reg);

	if (i < 0)
		return SAVED_UNKNOWN;
	/* A register that was saved may be unchanged still; both are the caller's then. */
	if (d->save[i] > 0 || (d->save[i] < 0 && iq_reg_known(&f->regs, a->reg_fp))) {
		*at = d->save[i] > 0 ? cfa - (uint64_t)d->save[i]
				     : f->regs.value[a->reg_fp] + (uint64_t)(int64_t)d->save[i];
		if (*at >= f->sp && !(*at & 7))
			return SAVED_ON_STACK;
	}
	return d->intact >> i & 1 ? SAVED_NOT : SAVED_UNKNOWN;
}

static void restore(struct unwinder *u, const struct depth *d, const struct iq_frame *f,
		    uint64_t cfa, unsigned int reg, struct iq_frame *next)
{
	uint64_t at, value;
	enum saved where = find_saved(u->arch, d, f, cfa, reg, &at);

	if (where == SAVED_ON_STACK && stack_word(u, &f->stack, at, &value)) {
		iq_reg_set(&next->regs, reg, value);
		next->saved_at[reg] = at;
	} else if (where == SAVED_NOT && iq_reg_known(&f->regs, reg)) {
		iq_reg_set(&next->regs, reg, f->regs.value[reg]);
		next->saved_at[reg] = f->saved_at[reg];
	}
}

void saved_registers(struct unwinder *u, const struct iq_frame *f, uint64_t cfa, bool with_fp,
		     struct iq_frame *next)
{
	const struct function *fn = function_of(u, &f->symbol);
	struct depth here;

	/* In code that the walk did not come by nothing is known of what was pushed. */
	if (!fn || !function_depth(fn, f->exact_ip ? f->ip : f->ip - 1, &here))
		return;
	for (unsigned int r = 0; r < u->arch->nr_regs; r++) {
		if (u->arch->callee_saved >> r & 1 && (with_fp || r != u->arch->reg_fp))
			restore(u, &here, f, cfa, r, next);
	}
}

bool cfa_by_code(struct unwinder *u, const struct iq_frame *f, uint64_t *cfa)
{
	const struct function *fn = function_of(u, &f->symbol);
	unsigned int fp = u->arch->reg_fp;
	bool fp_known = iq_reg_known(&f->regs, fp);
	struct depth d;

	if (!fn || !function_depth(fn, f->exact_ip ? f->ip : f->ip - 1, &d))
		return false;
	if (d.sp != DEPTH_UNKNOWN) {
		*cfa = f->sp + (uint64_t)d.sp;
	} else if (d.fp != DEPTH_UNKNOWN && fp_known) {
		*cfa = f->regs.value[fp] + (uint64_t)d.fp;
	} else if (d.holder >= 0 && iq_reg_known(&f->regs, (unsigned int)d.holder)) {
		*cfa = f->regs.value[d.holder];
	} else if (d.at && fp_known) {
		return stack_word(u, &f->stack, f->regs.value[fp] + (uint64_t)(int64_t)d.at, cfa);
	} else if (d.link != DEPTH_UNKNOWN && d.linker < 0) {
		if (!stack_word(u, &f->stack, f->sp, cfa))
			return false;
		*cfa += (uint64_t)d.link;
	} else {
		return false;
	}
	return true;
}
