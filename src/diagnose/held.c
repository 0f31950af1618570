/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a function passes to spin_lock() and the like is set up right in front of the call: a constant, or a
 * register that it keeps plus an offset.  If that register still has the same content at the frame's ip, the
 * lock's address is known (arch/x86: first argument in rdi).
 */
#include "held.h"

#include <stdlib.h>
#include <string.h>

#define CODE_MAX 65536u
#define HELD_MAX 16 /* locks of one function */

/* A value as the code says it: a number, or a register plus a number. */
struct term {
	bool known;
	int reg; /* -1: `offset` alone */
	uint64_t offset;
};

struct held {
	struct term lock;
	uint64_t at; /* the call */
};

struct walk {
	struct iq_kernel *k;
	struct term argument; /* what rdi holds */
	struct held held[HELD_MAX];
	unsigned int nr;
};

static bool named(const char *name, const char *const *list, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (!strncmp(name, list[i], strlen(list[i])))
			return true;
	}
	return false;
}

static bool is_lock(const char *name)
{
	static const char *const names[] = {
		"_raw_spin_lock", "_raw_read_lock", "_raw_write_lock", "_raw_spin_trylock", "mutex_lock", "mutex_trylock",
		"down_read", "down_write", "down_killable", "down_interruptible", "rt_spin_lock",
	};

	return named(name, names, IQ_ARRAY_SIZE(names)) || !strcmp(name, "down");
}

static bool is_unlock(const char *name)
{
	static const char *const names[] = {
		"_raw_spin_unlock", "_raw_read_unlock", "_raw_write_unlock", "mutex_unlock", "up_read",
		"up_write", "downgrade_write", "rt_spin_unlock", "__raw_spin_unlock", "__raw_callee_save___native_queued_spin_unlock",
	};

	return named(name, names, IQ_ARRAY_SIZE(names)) || !strcmp(name, "up");
}

static bool same(const struct term *a, const struct term *b)
{
	return a->known && b->known && a->reg == b->reg && a->offset == b->offset;
}

/* A register changes: what was said by it is not known any more. */
static void forget(struct walk *w, int reg)
{
	unsigned int kept = 0;

	if (reg == IQ_X86_RDI || (w->argument.known && w->argument.reg == reg))
		w->argument.known = false;
	for (unsigned int i = 0; i < w->nr; i++) {
		if (w->held[i].lock.reg != reg)
			w->held[kept++] = w->held[i];
	}
	w->nr = kept;
}

static bool is_kept(int reg)
{
	return reg == IQ_X86_RBX || reg == IQ_X86_RBP || (reg >= IQ_X86_R12 && reg <= IQ_X86_R15);
}

/* What INSN puts into rdi, if it is a plain copy, constant or address. */
static struct term loaded(const struct walk *w, const struct iq_insn *insn)
{
	const struct iq_operand *to = &insn->operand[0], *from = &insn->operand[1];
	struct term t = { .reg = -1 };

	if (insn->nr_operands < 2 || to->kind != IQ_OP_REG || to->reg != IQ_X86_RDI)
		return t;
	if (!strncmp(insn->mnemonic, "lea", 3) && from->kind == IQ_OP_MEM && from->index < 0 &&
	    from->segment < 0 && !from->no_address) {
		t.known = true;
		t.reg = from->base == (int)w->k->arch->reg_pc ? -1 : from->base;
		t.offset = (uint64_t)from->disp;
	} else if (!strncmp(insn->mnemonic, "mov", 3) && from->kind == IQ_OP_REG && from->size == 8) {
		t.known = true;
		t.reg = from->reg;
	} else if (!strncmp(insn->mnemonic, "mov", 3) && from->kind == IQ_OP_IMM) {
		t.known = true;
		t.offset = (uint64_t)from->disp;
	}
	t.known = t.known && (t.reg < 0 || is_kept(t.reg));
	return t;
}

/* Is rdi, the function's own argument, copied to a register that calls preserve?  It is passed on as it is then. */
static bool keeps_argument(const struct iq_insn *insn)
{
	const struct iq_operand *to = &insn->operand[0], *from = &insn->operand[1];

	return insn->nr_operands >= 2 && !strncmp(insn->mnemonic, "mov", 3) &&
	       to->kind == IQ_OP_REG && to->size == 8 && is_kept(to->reg) &&
	       from->kind == IQ_OP_REG && from->size == 8 && from->reg == IQ_X86_RDI;
}

static void call(struct walk *w, const struct iq_insn *insn)
{
	struct iq_symbol s;

	if (insn->has_target && w->argument.known && iq_symbol_at(w->k, insn->target, &s)) {
		if (is_lock(s.name) && w->nr < HELD_MAX) {
			w->held[w->nr++] = (struct held){ w->argument, insn->address };
		} else if (is_unlock(s.name)) {
			for (unsigned int i = w->nr; i-- > 0;) {
				if (same(&w->held[i].lock, &w->argument)) {
					w->held[i] = w->held[--w->nr];
					break;
				}
			}
		}
	}
	w->argument.known = false;
}

static void step(struct walk *w, const struct iq_insn *insn)
{
	struct term t = loaded(w, insn);

	if (insn->flow == IQ_FLOW_CALL) {
		call(w, insn);
		return;
	}
	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		const struct iq_operand *o = &insn->operand[i];

		if (o->kind == IQ_OP_REG && o->write && o->reg >= 0)
			forget(w, o->reg);
	}
	if (t.known)
		w->argument = t;
	else if (keeps_argument(insn))
		w->argument = (struct term){.known = true, .reg = insn->operand[0].reg};
}

/* Read the code of F's function up to its ip. */
static void walk_function(struct walk *w, const struct iq_frame *f)
{
	uint64_t len = f->ip - f->symbol.address;
	struct iq_fault fault;
	struct iq_insn insn;
	uint8_t *code;

	if (f->ip <= f->symbol.address || len > CODE_MAX)
		return;
	code = malloc(len);
	if (code && !iq_vm_read(w->k->vm, f->symbol.address, code, len, &fault)) {
		for (uint64_t at = 0; at < len; at += insn.length) {
			/* The call that the frame is in is not one that it has come back from. */
			if (!iq_insn_decode(w->k->arch, code + at, len - at, f->symbol.address + at, &insn) ||
			    insn.bad || at + insn.length > len ||
			    (!f->exact_ip && !f->has_trap && at + insn.length == len))
				break;
			step(w, &insn);
		}
	}
	free(code);
}

bool held_by(struct iq_kernel *k, const struct iq_backtrace *b, unsigned int from, uint64_t lock,
	     unsigned int *frame, uint64_t *at)
{
	for (unsigned int i = from; i < b->nr; i++) {
		const struct iq_frame *f = &b->frames[i];
		struct walk w = { .k = k };

		if (!f->symbol.name || !f->reliable)
			continue;
		walk_function(&w, f);
		for (unsigned int n = 0; n < w.nr; n++) {
			const struct term *t = &w.held[n].lock;
			uint64_t value = t->offset;

			if (t->reg >= 0) {
				if (!iq_reg_known(&f->regs, (unsigned int)t->reg))
					continue;
				value += f->regs.value[t->reg];
			}
			if (value == lock) {
				*frame = i;
				*at = w.held[n].at;
				return true;
			}
		}
	}
	return false;
}
