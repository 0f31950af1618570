// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls with constant arguments in machine code: see callers.h. */
#include <inquest/callers.h>

#define CALL_LENGTH 5 /* x86-64: e8, or e9 if it is the last, and a distance of 32 bits */

static void calls_with(uint8_t opcode, const uint8_t *code, size_t len, uint64_t address,
		       const struct iq_callee *callees, unsigned int nr,
		       void (*fn)(void *arg, size_t offset, unsigned int callee), void *arg)
{
	const uint8_t *p = code, *end = code + len;

	while ((size_t)(end - p) >= CALL_LENGTH &&
	       (p = memchr(p, opcode, (size_t)(end - p) - CALL_LENGTH + 1))) {
		uint64_t target = address + (uint64_t)(p - code) + CALL_LENGTH +
				  (uint64_t)(int64_t)(int32_t)iq_le32(p + 1);

		for (unsigned int i = 0; i < nr; i++)
			if (callees[i].address && callees[i].address == target)
				fn(arg, (size_t)(p - code), i);
		p++;
	}
}

void iq_calls_in_code(const struct iq_arch *a, const uint8_t *code, size_t len, uint64_t address,
		      const struct iq_callee *callees, unsigned int nr,
		      void (*fn)(void *arg, size_t offset, unsigned int callee), void *arg)
{
	if (a->machine != 62) /* EM_X86_64: others have no such calls */
		return;
	calls_with(0xe8, code, len, address, callees, nr, fn, arg);
	calls_with(0xe9, code, len, address, callees, nr, fn, arg);
}

/* What is known of the registers between two instructions. */
struct known {
	uint64_t mask, value[IQ_MAX_REGS];
};

static bool is_general(int reg)
{
	return reg >= 0 && reg < 16;
}

/* The constant that INSN puts into its first operand, a whole register. */
static bool constant_of(const struct iq_arch *a, const struct iq_insn *insn, const struct known *k,
			uint64_t *value)
{
	const struct iq_operand *from = &insn->operand[1];

	if (insn->nr_operands < 2)
		return false;
	if (!strcmp(insn->mnemonic, "lea")) {
		*value = (uint64_t)from->disp;
		return from->kind == IQ_OP_MEM && from->base == (int)a->reg_pc && from->index < 0;
	}
	if (strncmp(insn->mnemonic, "mov", 3) || strlen(insn->mnemonic) > 6)
		return false;
	if (from->kind == IQ_OP_IMM) {
		*value = (uint64_t)from->disp;
		if (insn->operand[0].size == 4)
			*value &= UINT32_MAX;
		return true;
	}
	if (from->kind != IQ_OP_REG || !is_general(from->reg) || from->size != 8 ||
	    !(k->mask >> from->reg & 1))
		return false;
	*value = k->value[from->reg];
	return true;
}

static void forget_written(const struct iq_insn *insn, struct known *k)
{
	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		const struct iq_operand *o = &insn->operand[i];

		if (o->kind == IQ_OP_REG && o->write && is_general(o->reg))
			k->mask &= ~(UINT64_C(1) << o->reg);
	}
}

bool iq_constant_argument(const struct iq_arch *a, const uint8_t *code, size_t call, size_t len,
			  uint64_t address, unsigned int arg,
			  bool (*relocated)(void *arg, size_t offset, size_t len, uint64_t *value),
			  void *relocated_arg, uint64_t *value)
{
	struct known k = {0};
	struct iq_insn insn;
	uint64_t v;
	size_t at;

	if (arg >= a->nr_arg_regs)
		return false;
	for (at = 0; at < call; at += insn.length) {
		const struct iq_operand *to = &insn.operand[0];
		bool set;

		if (!iq_insn_decode(a, code + at, len - at, address + at, &insn))
			return false;
		set = insn.nr_operands && to->kind == IQ_OP_REG && to->write &&
		      is_general(to->reg) && to->size >= 4 && !to->conditional &&
		      constant_of(a, &insn, &k, &v);
		/* The linker's word counts where there is one. */
		if (set && relocated && insn.operand[1].kind != IQ_OP_REG &&
		    !relocated(relocated_arg, at, insn.length, &v) &&
		    insn.operand[1].kind == IQ_OP_MEM)
			set = false;
		forget_written(&insn, &k);
		if (set) {
			k.mask |= UINT64_C(1) << to->reg;
			k.value[to->reg] = v;
		}
		if (insn.flow == IQ_FLOW_CALL)
			k.mask &= a->callee_saved;
		/* What follows is reached from elsewhere, with other values. */
		if (insn.flow == IQ_FLOW_JUMP || insn.flow == IQ_FLOW_RETURN ||
		    insn.flow == IQ_FLOW_TRAP)
			k.mask = 0;
	}
	/* Bytes that look like a call begin no instruction. */
	if (at != call || !(k.mask >> a->arg_regs[arg] & 1))
		return false;
	*value = k.value[a->arg_regs[arg]];
	return true;
}
