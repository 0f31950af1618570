// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where a function keeps its stack protector's canary: GCC and clang copy it from the per-CPU area (%gs:0x28, or
 * __stack_chk_guard since 6.15) onto the stack right behind the prologue.  Believed is only a copy that is made
 * before the first branch: whoever is further in the function has made it.
 */
#include "function.h"

/* arch/x86/include/asm/stackprotector.h: the compilers' choice until 6.14. */
#define CANARY_OFFSET 0x28
/* Instructions in front of the copy. */
#define PROLOGUE_MAX 64

static bool is_guard(struct unwinder *u, const struct iq_operand *o)
{
	static const char *const names[] = {"__ref_stack_chk_guard", "__stack_chk_guard"};

	if (o->kind != IQ_OP_MEM || o->segment != IQ_X86_GS || o->index >= 0 || o->size != 8)
		return false;
	if (o->base < 0 && o->disp == CANARY_OFFSET)
		return true;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++) {
		uint64_t at = iq_kernel_symbol(u->k, names[i]);

		if (at && (uint64_t)o->disp == at)
			return true;
	}
	return false;
}

/* A store of register REG by INSN onto the stack. */
static bool stores(const struct reading *r, const struct iq_insn *insn, int reg)
{
	const struct iq_operand *o = insn->operand;
	int sp = (int)r->u->arch->reg_sp, fp = (int)r->u->arch->reg_fp;

	return insn->nr_operands >= 2 && !strcmp(insn->mnemonic, "mov") && o[0].kind == IQ_OP_MEM &&
	       o[1].kind == IQ_OP_REG && o[1].reg == reg && o[1].size == 8 && o[0].index < 0 &&
	       o[0].segment < 0 && (o[0].base == sp || o[0].base == fp) && o[0].disp >= INT16_MIN &&
	       o[0].disp <= INT16_MAX;
}

static void note(struct reading *r, const struct iq_insn *insn)
{
	const struct iq_operand *o = insn->operand;
	const struct depth *d = depth_at(r->f, insn->address);
	int64_t at;

	if (o[0].base == (int)r->u->arch->reg_fp) {
		r->f->canary_by_fp = true;
		at = o[0].disp;
	} else {
		if (!d || d->sp < 8)
			return;
		at = d->sp - o[0].disp;
	}
	if (at < INT16_MIN || at > INT16_MAX)
		return;
	r->f->canary_at = (int16_t)at;
	r->f->canary_stored = insn->address + insn->length;
}

void find_canary(struct reading *r)
{
	uint64_t address = r->f->address;
	struct iq_insn insn;
	int reg = -1;

	for (unsigned int i = 0; i < PROLOGUE_MAX; i++) {
		if (!insn_at(r, address, &insn) || insn.flow != IQ_FLOW_NONE)
			return;
		if (reg >= 0 && stores(r, &insn, reg)) {
			note(r, &insn);
			return;
		}
		if (insn.nr_operands >= 2 && !strcmp(insn.mnemonic, "mov") &&
		    insn.operand[0].kind == IQ_OP_REG && is_guard(r->u, &insn.operand[1]))
			reg = insn.operand[0].reg;
		else
			for (unsigned int n = 0; n < insn.nr_operands; n++)
				if (insn.operand[n].kind == IQ_OP_REG && insn.operand[n].write &&
				    insn.operand[n].reg == reg)
					reg = -1;
		address += insn.length;
	}
}
