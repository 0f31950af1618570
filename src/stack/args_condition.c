/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why the code came to where it is: the comparison in front of the branch that led there. */
#include "args_run.h"
#include "args_term.h"

/* Blocks without a choice between the branch and the frame's instruction. */
#define BLOCKS_MAX 8

static const struct {
	const char *branch, *relation, *opposite;
	bool is_signed;
} branches[] = {
	{"jz", "==", "!=", false},  {"je", "==", "!=", false}, {"jnz", "!=", "==", false},
	{"jne", "!=", "==", false}, {"jb", "<", ">=", false},  {"jnae", "<", ">=", false},
	{"jc", "<", ">=", false},   {"jnb", ">=", "<", false}, {"jae", ">=", "<", false},
	{"jnc", ">=", "<", false},  {"jbe", "<=", ">", false}, {"jna", "<=", ">", false},
	{"jnbe", ">", "<=", false}, {"ja", ">", "<=", false},  {"jl", "<", ">=", true},
	{"jnge", "<", ">=", true},  {"jnl", ">=", "<", true},  {"jge", ">=", "<", true},
	{"jle", "<=", ">", true},   {"jng", "<=", ">", true},  {"jnle", ">", "<=", true},
	{"jg", ">", "<=", true},    {"js", "<", ">=", true},   {"jns", ">=", "<", true},
};

static bool decode_at(struct iq_args *a, uint64_t address, struct iq_insn *in)
{
	uint8_t code[15];
	struct iq_fault fault;
	size_t len = sizeof(code);

	if (iq_vm_read(a->k->vm, address, code, len, &fault))
		len = fault.address > address ? IQ_MIN((size_t)(fault.address - address), len) : 0;
	return len && iq_insn_decode(a->k->arch, code, len, address, in) && !in->bad;
}

/* The only block that leads to B; -1: there is none, or more than one. */
static int only_way(const struct flow *f, unsigned int b)
{
	int found = -1;

	for (unsigned int i = 0; i < f->nr_blocks; i++) {
		if (!flow_leads_to(f, i, b))
			continue;
		if (found >= 0)
			return -1;
		found = (int)i;
	}
	return found;
}

/* Operand O of operation D, as it was read. */
static struct iq_term *operand(struct search *s, unsigned int n, unsigned int d,
			       const struct iq_operand *o)
{
	struct iq_term *t, *r;

	switch (o->kind) {
	case IQ_OP_REG:
		if (o->reg < 0 || o->reg >= NR_GPR || o->high_byte)
			return NULL;
		t = term_reg(s, n, d, (unsigned int)o->reg, false);
		r = t && o->size < 8 ? term_new(s, n, IQ_TERM_SUM) : NULL;
		if (!r)
			return t;
		r->from = t;
		r->size = o->size;
		return r;
	case IQ_OP_MEM:
		t = term_new(s, n, IQ_TERM_LOAD);
		if (!t || !term_operand(s, n, d, t, false))
			return NULL;
		t->size = o->size;
		t->at = s->a->frame[n].flow->op[d].address;
		return t;
	case IQ_OP_IMM:
		t = term_new(s, n, IQ_TERM_CONSTANT);
		if (!t)
			return NULL;
		t->known = t->certain = true;
		t->value = (uint64_t)value_extend(o->disp, o->size, false);
		return t;
	default:
		return NULL;
	}
}

static bool same_register(const struct iq_operand *a, const struct iq_operand *b)
{
	return a->kind == IQ_OP_REG && b->kind == IQ_OP_REG && a->reg == b->reg &&
	       a->high_byte == b->high_byte;
}

/* The comparison that operation D is: cmp or test. */
static bool compare(struct search *s, unsigned int n, unsigned int d, const struct iq_insn *in,
		    struct iq_condition *ret)
{
	static const struct iq_operand zero = {.kind = IQ_OP_IMM, .size = 8};
	const struct iq_operand *left = &in->operand[0], *right = &in->operand[1];
	bool test = !strcmp(in->mnemonic, "test");

	ret->mask = UINT64_MAX;
	ret->at = in->address;
	ret->size = left->size;
	if (in->nr_operands < 2)
		return false;
	if (test && right->kind == IQ_OP_IMM)
		ret->mask = (uint64_t)value_extend(right->disp, left->size, false);
	else if (test && !same_register(left, right))
		return false;
	ret->left = operand(s, n, d, left);
	ret->right = ret->left ? operand(s, n, d, test ? &zero : right) : NULL;
	return ret->right;
}

/* Flags are set by the last cmp or test in front of the branch; moves leave them alone. */
static bool find_compare(struct search *s, unsigned int n, const struct block *b,
			 struct iq_condition *ret)
{
	const struct flow *f = s->a->frame[n].flow;

	for (unsigned int i = b->first + b->nr - 1; i > b->first; i--) {
		struct iq_insn in;

		if (!decode_at(s->a, f->op[i - 1].address, &in))
			return false;
		if (!strcmp(in.mnemonic, "cmp") || !strcmp(in.mnemonic, "test"))
			return compare(s, n, i - 1, &in, ret);
		if (strncmp(in.mnemonic, "mov", 3) && strcmp(in.mnemonic, "lea") &&
		    strncmp(in.mnemonic, "nop", 3) && strncmp(in.mnemonic, "push", 4) &&
		    strncmp(in.mnemonic, "pop", 3))
			return false;
	}
	return false;
}

static bool decided(struct search *s, unsigned int n, const struct block *b, const struct op *to,
		    struct iq_condition *ret)
{
	const struct op *last = &s->a->frame[n].flow->op[b->first + b->nr - 1];
	bool taken = last->has_target && last->target == to->address;
	struct iq_insn in;

	if (!decode_at(s->a, last->address, &in))
		return false;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(branches); i++) {
		if (strcmp(in.mnemonic, branches[i].branch))
			continue;
		ret->relation = taken ? branches[i].relation : branches[i].opposite;
		ret->is_signed = branches[i].is_signed;
		return find_compare(s, n, b, ret);
	}
	return false;
}

bool iq_args_condition(struct iq_args *a, unsigned int n, unsigned int before_it,
		       struct iq_arena *arena, struct iq_condition *ret)
{
	struct search s = {.a = a, .arena = arena, .first = n};
	const struct flow *f;
	unsigned int b;
	bool found = false;

	*ret = (struct iq_condition){0};
	if (!a->b || n >= a->nr_frames || !a->frame[n].usable || a->frame[n].op < 0)
		return false;
	f = a->frame[n].flow;
	b = flow_block_of(f, (unsigned int)a->frame[n].op);
	for (unsigned int i = 0; i < BLOCKS_MAX; i++) {
		int before = only_way(f, b);
		const struct block *p = before < 0 ? NULL : &f->block[before];

		if (!p)
			break;
		if (f->op[p->first + p->nr - 1].flow == IQ_FLOW_BRANCH && !before_it--) {
			found = decided(&s, n, p, &f->op[f->block[b].first], ret);
			break;
		}
		b = (unsigned int)before;
	}
	iq_map_free(&s.entries);
	iq_map_free(&s.known);
	return found && ret->left && ret->right;
}
