// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machines this build knows, and what is asked of any of them.
 */
#include <elf.h>
#include <inquest/arch.h>
#include <strings.h>

#include "x86_64/x86_64.h"

const struct iq_arch *iq_arch_by_machine(uint16_t elf_machine)
{
	return elf_machine == EM_X86_64 ? &iq_x86_64 : NULL;
}

int iq_reg_by_name(const struct iq_arch *a, const char *name)
{
	if (*name == '$' || *name == '%')
		name++;
	for (unsigned int i = 0; i < a->nr_regs; i++)
		if (!strcasecmp(name, a->reg_names[i]))
			return (int)i;
	if (!strcasecmp(name, "pc"))
		return (int)a->reg_pc;
	if (!strcasecmp(name, "sp"))
		return (int)a->reg_sp;
	if (!strcasecmp(name, "fp"))
		return (int)a->reg_fp;
	if (!strcasecmp(name, "flags"))
		return (int)a->reg_flags;
	return -1;
}

bool iq_insn_decode(const struct iq_arch *a, const uint8_t *code, size_t len, uint64_t address,
		    struct iq_insn *insn)
{
	return len && a->insn->decode(code, len, address, insn);
}

void iq_insn_text(const struct iq_arch *a, const uint8_t *code, size_t len, uint64_t address,
		  const struct iq_insn_namer *namer, struct iq_buf *out)
{
	if (len)
		a->insn->text(code, len, address, namer, out);
}

bool iq_operand_address(const struct iq_arch *a, const struct iq_operand *op,
			const struct iq_regs *regs, uint64_t *ret)
{
	return op->kind == IQ_OP_MEM && !op->no_address && a->insn->operand_address(op, regs, ret);
}
