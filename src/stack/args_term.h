/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The search for what values are made of. */
#ifndef INQUEST_STACK_ARGS_TERM_H
#define INQUEST_STACK_ARGS_TERM_H

#include "args_solve.h"

struct search {
	struct iq_args *a;
	struct iq_arena *arena;
	struct iq_map
		entries; /* by frame, block and register: what it holds at the block's beginning */
	struct iq_map known; /* by frame and operation: what it computed, in the last round */
	unsigned int nr, depth;
	unsigned int first; /* frame of the question */
};

struct iq_term *term_new(struct search *s, unsigned int n, enum iq_term_kind kind);
/* Register REG in front of operation AT of frame N's function; LOOSE: in any round of a loop. */
struct iq_term *term_reg(struct search *s, unsigned int n, unsigned int at, unsigned int reg,
			 bool loose);
/* V, as frame N's function has it. */
struct iq_term *term_value(struct search *s, unsigned int n, const struct value *v, bool loose);
/* What operation D of frame N's function computed into REG. */
struct iq_term *term_computed(struct search *s, unsigned int n, unsigned int d, unsigned int reg,
			      bool loose);
/* Is the search deep enough? */
#define TERM_DEPTH_MAX 200

/* ---- args_back.c ---- */

/* What REG holds in front of operation AT of block B, or behind its last. */
struct iq_term *term_back(struct search *s, unsigned int n, unsigned int b, unsigned int at,
			  unsigned int reg, bool loose);

/* ---- args_term.c ---- */

/* base + disp + index * scale of operation D's memory operand into T; false: there is more to it. */
bool term_operand(struct search *s, unsigned int n, unsigned int d, struct iq_term *t, bool loose);

#endif
