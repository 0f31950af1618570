// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A chain without an end: the loop that a CPU does not come out of follows pointers until one is NULL, or is the head of
 * the list, and they lead round in memory without coming there.
 */
#include "loop.h"

#include <inttypes.h>
#include <string.h>

#define NODES_MAX 65536u
#define LOOP_MAX 256u /* bytes of the loop */
#define ENDS_MAX 4u

/* What a loop over a chain does: the register that goes along, and the values at which it stops. */
struct walk {
	int reg;
	int64_t offset;
	uint64_t end[ENDS_MAX];
	unsigned int nr_ends, steps;
	bool unclear; /* it stops for a reason that is not understood */
};

static bool is_register(const struct iq_operand *o, int reg)
{
	return o->kind == IQ_OP_REG && o->size == 8 && o->reg == reg;
}

/* INSN compares the register with: NULL, what another register held, a constant. */
static void add_end(const struct iq_frame *f, const struct iq_insn *insn, struct walk *w)
{
	const struct iq_operand *a = &insn->operand[0], *b = &insn->operand[1], *other;
	uint64_t end = 0;

	if (insn->nr_operands < 2 || (!is_register(a, w->reg) && !is_register(b, w->reg)))
		return;
	other = is_register(a, w->reg) ? b : a;
	if (!strcmp(insn->mnemonic, "test")) {
		w->unclear = w->unclear || !is_register(other, w->reg);
	} else if (!strncmp(insn->mnemonic, "cmp", 3)) {
		if (other->kind == IQ_OP_IMM)
			end = (uint64_t)other->disp;
		else if (other->kind == IQ_OP_REG && other->size == 8 && other->reg >= 0 &&
			 iq_reg_known(&f->trap, (unsigned int)other->reg))
			end = f->trap.value[other->reg];
		else
			w->unclear = true;
	} else {
		return;
	}
	if (w->nr_ends == ENDS_MAX)
		w->unclear = true;
	else
		w->end[w->nr_ends++] = end;
}

/* Does INSN go to the next node: load a register through itself? */
static bool is_step(const struct iq_insn *insn)
{
	const struct iq_operand *o = insn->operand;

	return insn->nr_operands >= 2 && o[0].kind == IQ_OP_REG && o[0].write && o[0].reg >= 0 &&
	       o[1].kind == IQ_OP_MEM && o[1].read && o[1].size == 8 && o[1].base == o[0].reg &&
	       o[1].index < 0 && o[1].segment < 0;
}

/* Does INSN make another pointer of the register, which may be compared in its stead? */
static bool derives(const struct iq_insn *insn, int reg)
{
	const struct iq_operand *o = insn->operand;

	return insn->nr_operands >= 2 && o[0].kind == IQ_OP_REG && o[0].write && o[0].reg != reg &&
	       ((!strncmp(insn->mnemonic, "lea", 3) && o[1].kind == IQ_OP_MEM && o[1].base == reg) ||
		(!strncmp(insn->mnemonic, "mov", 3) && is_register(&o[1], reg)));
}

/*
 * The one instruction of L that goes along the chain, and all that the register is compared with.  Of a loop that
 * compares something else made of it nothing is said.
 */
static bool find_walk(struct iq_case *c, const struct iq_frame *f, const struct loop *l, struct walk *w)
{
	uint8_t code[LOOP_MAX + 16];
	uint64_t len = l->to - l->from + 16;
	struct iq_insn insn;

	*w = (struct walk){.reg = -1};
	if (l->to < l->from || l->to - l->from > LOOP_MAX ||
	    iq_vm_read(c->k->vm, l->from, code, len, NULL) != IQ_MEM_OK)
		return false;
	/* First the step, then what is done with its register. */
	for (int pass = 0; pass < 2; pass++) {
		for (uint64_t at = l->from; at <= l->to; at += insn.length) {
			if (!iq_insn_decode(c->k->arch, code + (at - l->from), len - (at - l->from),
					    at, &insn) ||
			    insn.bad || insn.flow == IQ_FLOW_CALL)
				return false;
			if (pass) {
				w->unclear = w->unclear || derives(&insn, w->reg);
				add_end(f, &insn, w);
			} else if (is_step(&insn)) {
				w->reg = insn.operand[0].reg;
				w->offset = insn.operand[1].disp;
				w->steps++;
			}
		}
		if (w->steps != 1)
			return false;
	}
	return w->nr_ends && !w->unclear;
}

/* False: the chain ends there. */
static bool next(struct iq_case *c, const struct ring *r, const struct walk *w, uint64_t *node)
{
	if (iq_vm_read_uint(c->k->vm, *node + (uint64_t)r->offset, 8, node) != IQ_MEM_OK || !*node)
		return false;
	for (unsigned int i = 0; w && i < w->nr_ends; i++)
		if (*node == w->end[i])
			return false;
	return true;
}

bool iq_ring_find(struct iq_case *c, const struct iq_frame *f, const struct loop *l, struct ring *r)
{
	uint64_t slow, fast;
	struct walk w;

	*r = (struct ring){0};
	if (!f->has_trap || !find_walk(c, f, l, &w) || !iq_reg_known(&f->trap, (unsigned int)w.reg))
		return false;
	r->offset = w.offset;
	slow = fast = f->trap.value[w.reg];
	for (unsigned int i = 0; i < NODES_MAX; i++) {
		if (!next(c, r, &w, &fast) || !next(c, r, &w, &fast) || !next(c, r, &w, &slow))
			return false;
		if (slow != fast)
			continue;
		r->node = slow;
		do {
			r->length++;
			if (!next(c, r, &w, &fast))
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

		if (!next(c, r, NULL, &node))
			break;
		iq_finding_evidence(c, x, IQ_SOURCE_MEMORY, at + (uint64_t)r->offset,
				    iq_case_text(c, "0x%" PRIx64, node), "the pointer to the next");
	}
	x->refuted_by = "another way out of the loop than the end of the chain, which is taken at last";
}
