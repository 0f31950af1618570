/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function goes round in a loop if the instruction that it is at can be reached from itself.  Which of the
 * loops around it never ends cannot be told from the code; the shortest way round is where it was.
 */
#include "loop.h"
#include "wait.h"

#include <stdlib.h>
#include <string.h>

#define CODE_MAX 65536u
#define SMALL 24 /* instructions of a loop whose reads are looked at */

static bool is_delay(const char *name)
{
	static const char *const names[] = {
		"delay_", "__delay", "__const_udelay", "__udelay", "__ndelay", "cpu_relax", "rep_nop",
		"ktime_get", "sched_clock", "native_sched_clock", "read_tsc", "native_read_tsc", "native_pause",
		"rcu_read_", "__rcu_read", "preempt_count", "touch_", "_cond_resched", "mem", "str", "__x86_",
	};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++) {
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

struct code {
	struct iq_kernel *k;
	uint64_t start;
	uint8_t *bytes;
	uint32_t len;
};

static bool read_code(struct iq_kernel *k, const struct iq_frame *f, struct code *c)
{
	uint64_t size = f->symbol.size ? f->symbol.size : f->ip - f->symbol.address + 256;
	struct iq_fault fault;

	*c = (struct code){ .k = k, .start = f->symbol.address, .len = (uint32_t)IQ_MIN(size, CODE_MAX) };
	c->bytes = malloc(c->len);
	if (c->bytes && !iq_vm_read(k->vm, c->start, c->bytes, c->len, &fault))
		return true;
	free(c->bytes);
	return false;
}

static bool insn_at(const struct code *c, uint64_t address, struct iq_insn *insn)
{
	uint64_t at = address - c->start;

	return at < c->len && iq_insn_decode(c->k->arch, c->bytes + at, c->len - at, address, insn) &&
	       !insn->bad;
}

/* A walk through the function, in the order of the number of instructions from where it begins. */
struct walk {
	const struct code *c;
	uint32_t *queue;    /* offsets of instructions */
	uint32_t *from;	    /* by offset: 1 + offset of the instruction before; 0: not seen */
	uint32_t head, tail;
};

static void push(struct walk *w, uint64_t address, uint32_t before)
{
	uint64_t at = address - w->c->start;

	if (address < w->c->start || at >= w->c->len || w->from[at])
		return;
	w->from[at] = before + 1;
	w->queue[w->tail++] = (uint32_t)at;
}

static void push_next(struct walk *w, uint32_t at)
{
	struct iq_insn insn;

	if (!insn_at(w->c, w->c->start + at, &insn))
		return;
	if ((insn.flow == IQ_FLOW_BRANCH || insn.flow == IQ_FLOW_JUMP) && insn.has_target)
		push(w, insn.target, at);
	if (insn.flow == IQ_FLOW_NONE || insn.flow == IQ_FLOW_CALL || insn.flow == IQ_FLOW_BRANCH)
		push(w, insn.address + insn.length, at);
}

/* The shortest way round from IP to IP: its lowest and highest instruction. */
static bool around(const struct code *c, uint64_t ip, struct loop *l)
{
	struct walk w = { .c = c };
	uint32_t start = (uint32_t)(ip - c->start), at;
	bool found = false;

	if (ip < c->start || ip - c->start >= c->len)
		return false;
	w.queue = malloc(c->len * sizeof(*w.queue));
	w.from = calloc(c->len, sizeof(*w.from));
	if (w.queue && w.from) {
		push_next(&w, start);
		while (w.head < w.tail && !w.from[start])
			push_next(&w, w.queue[w.head++]);
		found = w.from[start] != 0;
	}
	l->from = l->to = ip;
	for (at = start; found;) {
		l->from = IQ_MIN(l->from, c->start + at);
		l->to = IQ_MAX(l->to, c->start + at);
		at = w.from[at] - 1;
		if (at == start)
			break;
	}
	free(w.queue);
	free(w.from);
	return found;
}

static bool writes_register(const struct iq_insn *insn, int reg)
{
	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		const struct iq_operand *o = &insn->operand[i];

		if (o->kind == IQ_OP_REG && o->write && o->reg == reg)
			return true;
	}
	return false;
}

static bool loop_writes(const struct code *c, const struct loop *l, int reg)
{
	struct iq_insn insn;

	if (reg < 0)
		return false;
	for (uint64_t at = l->from; at <= l->to && insn_at(c, at, &insn); at += insn.length) {
		if (writes_register(&insn, reg) || insn.flow == IQ_FLOW_CALL)
			return true;
	}
	return false;
}

/* What a small loop reads from an address that does not change in it: the flag that it waits for. */
static void find_read(const struct code *c, const struct iq_regs *regs, struct loop *l)
{
	unsigned int n = 0, reads = 0;
	struct iq_insn insn;
	int pc = c->k->arch->reg_pc;

	for (uint64_t at = l->from; at <= l->to && insn_at(c, at, &insn); at += insn.length) {
		if (++n > SMALL)
			return;
		for (unsigned int i = 0; i < insn.nr_operands; i++) {
			const struct iq_operand *o = &insn.operand[i];
			bool fixed = o->base == pc;

			if (o->kind != IQ_OP_MEM || !o->read || o->hidden || o->segment >= 0)
				continue;
			if (!fixed && (loop_writes(c, l, o->base) || loop_writes(c, l, o->index)))
				continue;
			if (++reads == 1 && iq_operand_address(c->k->arch, o, regs, &l->read)) {
				l->has_read = true;
				l->read_size = o->size;
			}
		}
	}
	l->has_read = l->has_read && reads == 1;
}

static bool same_module(const struct iq_frame *a, const struct iq_frame *b)
{
	const char *x = a->symbol.module, *y = b->symbol.module;

	return x && y && !strcmp(x, y);
}

bool loop_find(struct iq_kernel *k, const struct iq_backtrace *b, unsigned int first, struct loop *ret)
{
	*ret = (struct loop){ .frame = -1 };
	for (unsigned int i = first; i < b->nr; i++) {
		const struct iq_frame *f = &b->frames[i];
		struct code c;
		bool found;

		if (!f->symbol.name || wait_is_helper(&f->symbol) || is_delay(f->symbol.name))
			continue;
		if (ret->frame < 0)
			ret->frame = (int)i;
		else if (!same_module(f, &b->frames[ret->frame]))
			return false; /* what called it will have loops of its own */
		if (!f->reliable || !read_code(k, f, &c))
			continue;
		found = around(&c, f->ip, ret);
		if (found) {
			ret->frame = (int)i;
			if (f->has_trap)
				find_read(&c, &f->trap, ret);
		}
		free(c.bytes);
		if (found)
			return true;
	}
	return false;
}
