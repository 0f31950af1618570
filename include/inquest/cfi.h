/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call frame information (DWARF 5, chapter 6.4): how a debug file says that the caller's registers
 * are found at an instruction.  Nothing is evaluated here: a row states rules, in DWARF's numbers
 * of registers (x86-64 psABI, figure 3.36: 0 rax, 1 rdx, 2 rcx, 3 rbx, 4 rsi, 5 rdi, 6 rbp, 7 rsp,
 * 8 - 15 r8 - r15, 16 return address; AArch64: 0 - 30, 31 sp, 34 RA_SIGN_STATE).
 */
#ifndef INQUEST_CFI_H
#define INQUEST_CFI_H

#include <inquest/debugfile.h>

/* Registers with greater numbers (vectors) hold nothing that frames are made of. */
#define IQ_CFI_REGISTERS 35

enum iq_cfi_how {
	IQ_CFI_UNSPECIFIED, /* no rule: what the calling convention says */
	IQ_CFI_UNDEFINED, /* lost; of the return address: there is no caller */
	IQ_CFI_SAME, /* as it is */
	IQ_CFI_OFFSET, /* saved at CFA + offset */
	IQ_CFI_VAL_OFFSET, /* is CFA + offset */
	IQ_CFI_REGISTER, /* in register `reg`; of the CFA: reg + offset */
	IQ_CFI_EXPRESSION, /* saved where the expression says; of the CFA: is its value */
	IQ_CFI_VAL_EXPRESSION, /* is the value of the expression */
};

/* Expressions of registers begin with the CFA on their stack. */
struct iq_cfi_rule {
	enum iq_cfi_how how;
	unsigned int reg;
	int64_t offset;
	const uint8_t *expression; /* owned by the file */
	size_t expression_len;
};

struct iq_cfi_row {
	uint64_t start, end; /* instructions [start, end) share it; runtime addresses */
	uint64_t function, function_end; /* what its entry (FDE) covers */
	struct iq_cfi_rule cfa; /* REGISTER or EXPRESSION; UNDEFINED: not known */
	struct iq_cfi_rule reg[IQ_CFI_REGISTERS];
	unsigned int return_register;
	bool signal_frame; /* the return address is the interrupted instruction itself */
	bool ra_signed; /* AArch64: the return address is signed here */
};

/*
 * The row for the instruction at a runtime address of a vmlinux or of a module's placed section,
 * from .debug_frame or else .eh_frame.  False: the file says nothing about the address, or what it
 * says is damaged.  The first call goes through the tables once (milliseconds).
 */
bool iq_debugfile_cfi(struct iq_debugfile *f, uint64_t address, struct iq_cfi_row *row);
/*
 * Call FN with the range of each function (FDE) that has call frame information, by rising address
 * of the file (not of the runtime; of a module's section N, N << 32), until it returns false.
 */
void iq_debugfile_each_cfi(struct iq_debugfile *f,
			   bool (*fn)(void *arg, uint64_t start, uint64_t end), void *arg);

#endif
