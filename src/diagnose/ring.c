// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A chain without an end: the loop that a CPU does not come out of follows pointers until one is NULL, and they lead
 * round in memory.
 */
#include "loop.h"

#include <inttypes.h>
#include <string.h>

#define NODES_MAX 65536u
#define LOOP_MAX 256u /* bytes of the loop */

/* The one instruction of L that loads a register through itself, if the register is compared with NULL as well. */
static bool find_step(struct iq_case *c, const struct loop *l, int *reg, int64_t *offset)
{
	uint8_t code[LOOP_MAX + 16];
	uint64_t len = l->to - l->from + 16;
	bool tested[64] = {0};
	unsigned int steps = 0;
	struct iq_insn insn;

	if (l->to < l->from || l->to - l->from > LOOP_MAX ||
	    iq_vm_read(c->k->vm, l->from, code, len, NULL) != IQ_MEM_OK)
		return false;
	for (uint64_t at = l->from; at <= l->to; at += insn.length) {
		const struct iq_operand *o = insn.operand;

		if (!iq_insn_decode(c->k->arch, code + (at - l->from), len - (at - l->from), at,
				    &insn) ||
		    insn.bad || insn.flow == IQ_FLOW_CALL)
			return false;
		if (insn.nr_operands < 2 || o[0].kind != IQ_OP_REG || o[0].reg < 0 || o[0].reg >= 64)
			continue;
		if (o[1].kind == IQ_OP_REG && o[1].reg == o[0].reg && o[0].size == 8)
			tested[o[0].reg] |= !strcmp(insn.mnemonic, "test");
		else if (o[0].write && o[1].kind == IQ_OP_MEM && o[1].read && o[1].size == 8 &&
			 o[1].base == o[0].reg && o[1].index < 0 && o[1].segment < 0) {
			*reg = o[0].reg;
			*offset = o[1].disp;
			steps++;
		}
	}
	return steps == 1 && tested[*reg];
}

static bool next(struct iq_case *c, const struct ring *r, uint64_t *node)
{
	return iq_vm_read_uint(c->k->vm, *node + (uint64_t)r->offset, 8, node) == IQ_MEM_OK && *node;
}

bool iq_ring_find(struct iq_case *c, const struct iq_frame *f, const struct loop *l, struct ring *r)
{
	uint64_t slow, fast;
	int reg = -1;

	*r = (struct ring){0};
	if (!f->has_trap || !find_step(c, l, &reg, &r->offset) ||
	    !iq_reg_known(&f->trap, (unsigned int)reg))
		return false;
	slow = fast = f->trap.value[reg];
	for (unsigned int i = 0; i < NODES_MAX; i++) {
		if (!next(c, r, &fast) || !next(c, r, &fast) || !next(c, r, &slow))
			return false;
		if (slow != fast)
			continue;
		r->node = slow;
		do {
			r->length++;
			if (!next(c, r, &fast))
				return false;
		} while (fast != slow && r->length <= NODES_MAX);
		return true;
	}
	return false;
}

void iq_ring_report(struct iq_case *c, const struct iq_frame *f, const struct ring *r)
{
	struct iq_finding *x = iq_case_finding(
		c, "list.ring", IQ_CLASS_LIST_CORRUPTION, IQ_CONFIDENCE_LIKELY,
		"the chain that %s() follows until its end has none: its %u node%s a ring",
		f->symbol.name, r->length, r->length == 1 ? " is" : "s are");
	uint64_t node = r->node;

	x->cause = true;
	for (unsigned int i = 0; i < r->length && i < 8; i++) {
		uint64_t at = node;

		if (!next(c, r, &node))
			break;
		iq_finding_evidence(c, x, IQ_SOURCE_MEMORY, at + (uint64_t)r->offset,
				    iq_case_text(c, "0x%" PRIx64, node), "the pointer to the next");
	}
	x->refuted_by = "another way out of the loop than the end of the chain, which is taken at last";
}
