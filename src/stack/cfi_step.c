// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * By .debug_frame of a vmlinux or module file: the step where no ORC row speaks (kernels with frame pointers,
 * modules that came without), and the registers that the code alone leaves in doubt.
 */
#include <inquest/cfi.h>

#include "unwind.h"

static bool row_of(struct unwinder *u, const struct iq_frame *f, struct iq_cfi_row *row)
{
	uint64_t at = f->exact_ip ? f->ip : f->ip - 1;
	struct iq_debugfile *file;

	if (!iq_is_text(u->k, at))
		return false;
	file = iq_kernel_debugfile(u->k, at);
	return file && iq_debugfile_cfi(file, at, row);
}

/* Expressions stand in rows of aligned frames only, which the code explains as well. */
static bool cfa_of(const struct iq_frame *f, const struct iq_cfi_row *row, uint64_t *cfa)
{
	if (row->cfa.how != IQ_CFI_REGISTER || row->cfa.reg >= IQ_MAX_REGS ||
	    !iq_reg_known(&f->regs, row->cfa.reg))
		return false;
	*cfa = f->regs.value[row->cfa.reg] + (uint64_t)row->cfa.offset;
	return true;
}

/* The caller's register R into NEXT, if the row says where it is. */
static void restore(struct unwinder *u, const struct iq_frame *f, const struct iq_cfi_row *row,
		    uint64_t cfa, unsigned int r, struct iq_frame *next)
{
	const struct iq_cfi_rule *rule = &row->reg[r];
	uint64_t at = cfa + (uint64_t)rule->offset, value;

	switch (rule->how) {
	case IQ_CFI_OFFSET:
		if (stack_word(u, &f->stack, at, &value)) {
			iq_reg_set(&next->regs, r, value);
			next->saved_at[r] = at;
		}
		break;
	case IQ_CFI_UNSPECIFIED: /* for what a function must keep: it did */
	case IQ_CFI_SAME:
		if (iq_reg_known(&f->regs, r)) {
			iq_reg_set(&next->regs, r, f->regs.value[r]);
			next->saved_at[r] = f->saved_at[r];
		}
		break;
	case IQ_CFI_UNDEFINED:
	case IQ_CFI_VAL_OFFSET:
	case IQ_CFI_REGISTER:
	case IQ_CFI_EXPRESSION:
	case IQ_CFI_VAL_EXPRESSION:
		break;
	}
}

void cfi_registers(struct unwinder *u, const struct iq_frame *f, uint64_t cfa,
		   struct iq_frame *next)
{
	uint64_t missing = u->arch->callee_saved & ~next->regs.valid, by_row;
	struct iq_cfi_row row;

	if (!missing || !row_of(u, f, &row) || !cfa_of(f, &row, &by_row) || by_row != cfa)
		return;
	for (unsigned int r = 0; r < u->arch->nr_regs && r < IQ_CFI_REGISTERS; r++)
		if (missing >> r & 1)
			restore(u, f, &row, cfa, r, next);
}

bool by_cfi(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next)
{
	struct iq_cfi_row row;
	const struct iq_cfi_rule *ra;
	uint64_t cfa;

	if (!row_of(u, f, &row) || !cfa_of(f, &row, &cfa) ||
	    row.return_register >= IQ_CFI_REGISTERS)
		return false;
	ra = &row.reg[row.return_register];
	/* As all of the kernel's C functions; assembly with other habits has ORC. */
	if (row.signal_frame || ra->how != IQ_CFI_OFFSET || ra->offset != -8 ||
	    !step_return(u, f, cfa, next) || !after_call(u->k, next->ip))
		return false;
	next->how = IQ_FRAME_CFI;
	for (unsigned int r = 0; r < u->arch->nr_regs && r < IQ_CFI_REGISTERS; r++)
		if (u->arch->callee_saved >> r & 1)
			restore(u, f, &row, cfa, r, next);
	return true;
}
