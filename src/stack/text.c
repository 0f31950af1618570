/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling code from data, and return addresses from other pointers to code. */
#include "unwind.h"

bool is_code(struct iq_kernel *k, uint64_t address)
{
	const struct iq_layout *l = &k->layout;
	struct iq_symbol symbol;
	struct iq_orc_row row;
	uint64_t pa;

	if (iq_is_text(k, address))
		return true;
	/* Init text is gone from memory, but not from the stacks that began in it: start_kernel(). */
	if (iq_kernel_orc(k, address, &row) && row.type != IQ_ORC_UNDEFINED &&
	    iq_symbol_at(k, address, &symbol) && strchr("tTwW", symbol.type))
		return true;
	/* BPF programs and ftrace trampolines are made in the modules' area. */
	return l->modules_start && address >= l->modules_start && address < l->modules_end &&
	       !iq_vm_translate(k->vm, address, &pa, NULL);
}

/* The longest and the shortest call: call *disp32(base,index,8) with a prefix, and call *%reg. */
#define CALL_MAX 8
#define CALL_MIN 2

bool after_call(struct iq_kernel *k, uint64_t address)
{
	uint8_t code[CALL_MAX];
	struct iq_insn insn;

	if (iq_vm_read(k->vm, address - CALL_MAX, code, sizeof(code), NULL))
		return false;
	for (unsigned int len = CALL_MIN; len <= CALL_MAX; len++) {
		const uint8_t *p = code + CALL_MAX - len;

		if (iq_insn_decode(k->arch, p, len, address - len, &insn) && !insn.bad &&
		    insn.flow == IQ_FLOW_CALL && insn.length == len)
			return true;
	}
	return false;
}
