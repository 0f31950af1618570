// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions of any bytes: decoded and shown one after the other, as a dump's text would be.
 */
#include <elf.h>
#include <inquest/arch.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool name(void *arg, uint64_t address, char *buf, size_t room)
{
	snprintf(buf, room, "symbol+%llu", (unsigned long long)address);
	return address & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct iq_arch *arch = iq_arch_by_machine(EM_X86_64);
	const struct iq_insn_namer namer = {name, NULL};
	struct iq_regs regs = {.valid = UINT64_MAX};
	struct iq_buf text = {0};
	struct iq_insn insn;
	uint64_t address;

	for (size_t at = 0; at < size; at += insn.length) {
		if (!iq_insn_decode(arch, data + at, size - at, at, &insn))
			__builtin_trap();
		if (!insn.length || insn.length > size - at || insn.length > sizeof(insn.bytes) ||
		    insn.nr_operands > IQ_MAX_OPERANDS || (insn.bad && insn.length != 1))
			__builtin_trap();
		for (unsigned int i = 0; i < insn.nr_operands; i++) {
			const struct iq_operand *op = &insn.operand[i];

			if (op->reg >= (int)arch->nr_regs || op->base >= (int)arch->nr_regs ||
			    op->index >= (int)arch->nr_regs)
				__builtin_trap();
			iq_operand_address(arch, op, &regs, &address);
		}
		text.len = 0;
		iq_insn_text(arch, data + at, size - at, at, &namer, &text);
		if (!text.len)
			__builtin_trap();
	}
	iq_buf_free(&text);
	return 0;
}
