/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to att*.c: the instruction whose AT&T text is being put together.
 */
#ifndef INQUEST_ARCH_X86_64_ATT_H
#define INQUEST_ARCH_X86_64_ATT_H

#include <Zydis/Zydis.h>

#include "x86_64.h"

/* Operands that can be visible in a text. */
#define ATT_MAX_OPERANDS 5

/* A decoder for this machine (insn.c). */
void iq_x86_64_decoder(ZydisDecoder *decoder);
/*
 * Bytes (1 or 0) of an fwait in front of an x87 instruction: the assembler and objdump take the two
 * for one instruction ("fstcw"), although the processor executes them one after the other (insn.c).
 */
unsigned int iq_x86_64_fwait(const uint8_t *code, size_t len);

struct att {
	const ZydisDecodedInstruction *z;
	uint64_t address;
	const struct iq_insn_namer *namer;

	/* What the mnemonic leaves to print, in Intel's order. */
	const ZydisDecodedOperand *operands;
	unsigned int nr_operands;
	/* Operands that Zydis does not show; printed instead of its own if not NULL. */
	const char *literal_operands;
	bool intel_order; /* enter: not reversed */
	bool waits; /* an x87 instruction with its fwait */

	/* The text so far.  Nothing in it is longer than a name, which is cut: it always fits. */
	char text[512];
	size_t len;
};

void iq_att_putc(struct att *a, char c);
void iq_att_put(struct att *a, const char *s);
/* "0x…" */
void iq_att_put_hex(struct att *a, uint64_t value);
/* "0x… <symbol+off>" */
void iq_att_put_address(struct att *a, uint64_t address);

/*
 * Mnemonic with its suffix (iq_att_mnemonic.c).  Sets what the rest needs to know: operands that
 * the mnemonic already tells are dropped.
 */
void iq_att_mnemonic(struct att *a);
/* All operands and the comment behind them (att_operand.c). */
void iq_att_operands(struct att *a);
/* {evex} or {vex}, where another encoding would be expected (att_evex.c). */
void iq_att_encoding(struct att *a);
/* The word for a byte that is a prefix, else NULL (att_prefix.c). */
const char *iq_att_prefix_name(uint8_t byte);
/* Prefixes that are printed as words in front of the mnemonic (att_prefix.c). */
void iq_att_prefixes(struct att *a);
bool iq_att_has_prefix(const ZydisDecodedInstruction *z, uint8_t byte);
/* Is this one of the instructions on strings, with implicit operands in rsi and rdi? */
bool iq_att_is_string(const ZydisDecodedInstruction *z);

/* The first visible operand of this type, or NULL. */
const ZydisDecodedOperand *iq_att_find_operand(const struct att *a, ZydisOperandType type);

#endif
