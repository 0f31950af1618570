/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the data flow share: values and states, instructions, paths. */
#ifndef INQUEST_STACK_ARGS_RUN_H
#define INQUEST_STACK_ARGS_RUN_H

#include "args.h"

/* Words of parameters on the stack that are looked at. */
#define STACK_WORDS 8
#define OFFSET_MIN (-8 * FLOW_WORDS)

/* ---- args_state.c ---- */

extern const struct value value_unknown;
struct value value_whole(enum value_base base, uint32_t n, int64_t addend);
int64_t value_extend(int64_t v, unsigned int size, bool is_signed);
/* The low SIZE bytes of V, extended; V_UNKNOWN if that cannot be expressed. */
struct value value_narrowed(struct value v, unsigned int size, bool is_signed);

bool state_copy(struct state *to, const struct state *from);
/* Number of the word at CFA + OFFSET; -1: none of those that are told apart. */
int state_index(int32_t offset);
void state_mark(struct state *st, int64_t offset, int64_t size);
void state_remove(struct state *st, unsigned int i);
/* Forget what overlaps [FROM, TO). */
void state_forget(struct state *st, int64_t from, int64_t to);
/* V is at CFA + OFFSET from now on. */
void state_hold(struct state *st, int64_t offset, unsigned int size, struct value v, uint32_t op);
/* The same, written there by OP. */
void state_store(struct state *st, int64_t offset, unsigned int size, struct value v, uint32_t op);
/* TO becomes what both know.  *CHANGED: it is less than before. */
void state_join(struct state *to, const struct state *from, bool *changed);
/* A new value of the instruction's name DEF; those who hold the former one know it no more. */
struct value state_define(struct state *st, uint32_t def);

/* ---- args_flow.c ---- */

struct run {
	struct iq_kernel *k;
	struct flow *f;
	unsigned int steps;
	bool replay; /* all is known already */
	bool more_taken; /* an address was taken that was not known of before */
	bool failed;
};

/* Change ST from what it is in front of OP to what it is behind it. */
void run_op(struct run *r, const struct op *op, struct state *st);

#endif
