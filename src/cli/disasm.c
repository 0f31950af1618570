// SPDX-License-Identifier: GPL-2.0-or-later
/* One instruction from the dump's memory as text. */
#include "disasm.h"
#include <ctype.h>

#define LONGEST 15 /* bytes of an x86 instruction; no machine has longer ones */

struct names {
	struct iq_kernel *k;
	bool hex;
};

static bool name(void *arg, uint64_t address, char *buf, size_t room)
{
	const struct names *n = arg;

	return iq_symbol_format(n->k, address, n->hex, false, buf, room);
}

struct iq_error *disasm_one(struct iq_kernel *k, const struct memory *m, uint64_t address, bool hex,
			    struct disasm_line *ret)
{
	struct names names = {k, hex};
	struct iq_insn_namer namer = {name, &names};
	struct disasm_line line = {0};
	struct iq_buf text = {0};
	struct iq_fault fault;
	uint8_t code[LONGEST];
	size_t len = sizeof(code);

	if (memory_read(m, address, code, len, &fault)) {
		len = fault.address > address ? (size_t)IQ_MIN(fault.address - address, sizeof(code)) : 0;
		if (!len)
			return memory_error(m, &fault);
	}
	if (!iq_insn_decode(k->arch, code, len, address, &line.insn))
		return iq_error_new(IQ_E_FORMAT, "no instruction at 0x%llx", (unsigned long long)address);
	/* Cut off by memory that is not there: not an instruction, but not a bad one either. */
	if (line.insn.bad && len < sizeof(code))
		return memory_error(m, &fault);
	iq_insn_text(k->arch, code, len, address, &namer, &text);
	while (text.len && isspace((unsigned char)text.s[text.len - 1]))
		text.s[--text.len] = 0;
	line.text = iq_buf_steal(&text);
	if (!line.text)
		return iq_error_nomem();
	*ret = line;
	return NULL;
}
