/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions with names: what dis and x/i share. */
#ifndef INQUEST_CLI_DISASM_H
#define INQUEST_CLI_DISASM_H

#include "show.h"

struct disasm_line {
	struct iq_insn insn;
	char *text; /* allocated */
};

/*
 * The instruction at ADDRESS; offsets of the symbols in its text in hexadecimal if HEX.
 */
struct iq_error *disasm_one(struct iq_kernel *k, const struct memory *m, uint64_t address, bool hex,
			    struct disasm_line *ret) IQ_CHECK;

#endif
