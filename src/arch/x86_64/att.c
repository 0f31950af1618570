/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text of an instruction in AT&T syntax.
 */
#include <Zydis/Zydis.h>

#include "x86_64.h"

void iq_x86_64_text(const uint8_t *code, size_t len, uint64_t address,
		    const struct iq_insn_namer *namer, struct iq_buf *out)
{
	ZydisDisassembledInstruction d;

	if (ZYAN_SUCCESS(ZydisDisassembleATT(ZYDIS_MACHINE_MODE_LONG_64, address, code, len, &d)))
		iq_buf_puts(out, d.text);
	else
		iq_buf_puts(out, "(bad)");
}
