/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers that a function must give back to its caller as it found them.  ORC says where rbp is; the
 * others (rbx, r12 to r15) are found in the pushes of the function's own code.
 *
 * A word of the frame is known to hold a caller's register only if nothing in the whole function but
 * pushes of this one register ever goes into this word: then whoever got deeper than the word has pushed
 * it, by whatever path.  A compiler saves a register before it first changes it, and nearer to
 * the return address than it pushes it for any other purpose.  Everything that is less clear leaves
 * the register unknown.
 */
#include "unwind.h"

enum saved find_saved(const struct function *fn, const struct iq_frame *f, uint64_t cfa,
		      unsigned int reg, uint64_t *at)
{
	uint64_t bit = UINT64_C(1) << reg;

	for (unsigned int i = 1; i < FRAME_WORDS; i++) {
		if (!(fn->word[i].pushed & bit))
			continue;
		if (fn->word[i].pushed != bit || fn->word[i].other)
			return SAVED_UNKNOWN;
		*at = cfa - 8 * ((uint64_t)i + 1);
		/* Not yet pushed, or popped already. */
		return *at >= f->sp ? SAVED_ON_STACK : SAVED_NOT;
	}
	return fn->written & bit ? SAVED_UNKNOWN : SAVED_NOT;
}

static void restore(struct unwinder *u, const struct function *fn, const struct iq_frame *f,
		    uint64_t cfa, unsigned int reg, struct iq_frame *next)
{
	uint64_t at, value;
	enum saved where = find_saved(fn, f, cfa, reg, &at);

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
			restore(u, fn, f, cfa, r, next);
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
