/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files share that follow the code of a function: function.c, effect.c, gap.c, noreturn.c. */
#ifndef INQUEST_STACK_FUNCTION_H
#define INQUEST_STACK_FUNCTION_H

#include "unwind.h"

/* Instead of a depth, for a byte of code: */
#define NOT_SEEN (-2)
#define INSIDE (-3) /* within an instruction that was */

/* Functions begin at multiples of this, as they are compiled; no instruction is longer. */
#define FUNCTION_ALIGN 16

/* A place to go on from, and the stack there. */
struct visit {
	uint64_t address;
	struct depth depth;
};

struct visits {
	struct visit *list;
	unsigned int nr, room;
};

struct reading {
	struct unwinder *u;
	struct function *f;
	struct visits pending;
	uint8_t gap; /* number of the gap that is being filled; 0: none */
	bool failed;
};

struct code_part *part_of(const struct function *f, uint64_t address);
/* What is known in front of the instruction at ADDRESS; NULL: outside of the function. */
struct depth *depth_at(const struct function *f, uint64_t address);
/* The instruction at ADDRESS; false: outside, or none. */
bool insn_at(const struct reading *r, uint64_t address, struct iq_insn *insn);
/* Follow the code from ADDRESS on, where the stack is D deep. */
void follow_from(struct reading *r, uint64_t address, struct depth d);
/* The target of INSN is in the function, or in a cold part of it, which is then added. */
bool within_function(struct reading *r, uint64_t target);

/* ---- effect.c ---- */

/* Change D from what it is in front of INSN to what it is behind it; note what it writes and where. */
void apply_insn(struct reading *r, const struct iq_insn *insn, struct depth *d);

/* ---- keep.c ---- */

/* What INSN does to the caller's registers and to where they were saved: D follows BEFORE. */
void keep_track(const struct reading *r, const struct iq_insn *insn, const struct depth *before,
		struct depth *d);

/* ---- gap.c ---- */

/*
 * Code that no jump leads to: behind static branches that are off, jump tables, faults that are repaired
 * (the exception table).  How deep the stack is there follows from where it goes.
 */
void fill_gaps(struct reading *r);

/* ---- canary.c ---- */

/* Where the function keeps the stack protector's canary. */
void find_canary(struct reading *r);

/* ---- noreturn.c ---- */

/* Does what INSN (a call or jump with a target, or ud2) leads to never come back? */
bool never_returns(struct unwinder *u, const struct iq_insn *insn);

#endif
