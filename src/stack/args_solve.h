/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of the values in a trace's frames. */
#ifndef INQUEST_STACK_ARGS_SOLVE_H
#define INQUEST_STACK_ARGS_SOLVE_H

#include "args.h"

enum fact_source {
	FACT_REGISTER, /* `reg`, saved at `address` (0: as it was) */
	FACT_WORD, /* the stack at `address` */
	FACT_CALLER, /* the code of frame n + 1 */
	FACT_CALLEE, /* what the function that frame n calls kept */
	FACT_CURRENT, /* the task itself */
	FACT_CODE, /* an address or constant in the code */
};

/* BASE (V_ENTRY, V_STACK, V_DEF) is VALUE; only its low `width` bytes are known. */
struct fact {
	uint8_t base, width, source;
	bool certain;
	bool disputed; /* two ways led to different values */
	uint8_t reg;
	uint32_t n;
	uint64_t value, address;
};

enum link_kind { LINK_NONE, LINK_UNSURE, LINK_SURE };

struct frame_facts {
	struct flow *flow; /* NULL: its code says nothing */
	bool usable;
	bool contradiction; /* the code says what is not so */
	struct state st; /* in front of the frame's instruction */
	bool has_cfa;
	uint64_t cfa;
	int op;
	enum link_kind to_caller; /* frame n + 1 called this function */
	struct fact *fact;
	unsigned int nr, room;
};

struct iq_args {
	struct iq_kernel *k;
	bool without_dwarf;
	struct iq_map flows; /* by symbol address: struct flow */
	struct flow **all;
	unsigned int nr_flows, flows_room;
	size_t total_ops;
	const struct iq_backtrace *b;
	struct frame_facts *frame; /* b->nr of them */
	unsigned int nr_frames;
	uint64_t
		current_offset; /* per-CPU offset of the pointer to the current task; 0: not known */
	uint64_t canary_offset;
	bool looked;
};

/* Solve the trace a->b. */
struct iq_error *args_solve(struct iq_args *a) IQ_CHECK;
void args_forget(struct iq_args *a);
/* The value of V in frame N; *F (may be NULL) is the fact it rests on, NULL if it is the code itself. */
bool args_value(const struct iq_args *a, unsigned int n, const struct value *v, uint64_t *ret,
		unsigned int *width, bool *certain, const struct fact **f);
/* The data flow of the function at S; NULL: none. */
struct flow *args_flow(struct iq_args *a, const struct iq_symbol *s);
void args_forget_flows(struct iq_args *a);

/* ---- args.c ---- */

/* Registers and bytes of the stack that the parameters so far have taken. */
struct arg_cursor {
	unsigned int registers, stack;
};
struct arg_place {
	uint64_t size;
	unsigned int first, nr_registers; /* of arch->arg_regs */
	bool on_stack;
	unsigned int offset; /* from the CFA */
};
/* Where the next parameter is, of TYPE; false: that cannot be told. */
bool args_place(const struct iq_arch *a, const struct iq_type *type, struct arg_cursor *c,
		struct arg_place *ret);
/*
 * The prototype of the function F that symbol S belongs to (F may be NULL); *CERTAIN: there is only one such
 * name.  NULL: not known.
 */
const struct iq_type *args_prototype(struct iq_args *a, const struct iq_symbol *s,
				     const struct flow *f, bool *certain);
/* Does the code F (may be NULL) read only registers that PROTO puts parameters in? */
bool args_fits_code(const struct iq_arch *a, const struct flow *f, const struct iq_type *proto);
struct word {
	uint64_t value;
	unsigned int width;
	bool certain;
	const struct fact *fact;
};
/* What register REG held when frame N's function was called. */
bool args_entry_register(const struct iq_args *a, unsigned int n, unsigned int reg,
			 struct word *ret);

/* ---- args_type.c ---- */

/*
 * What V is in terms of the parameters of frame N's function and of members loaded through them, as C writes it,
 * appended to TEXT.  The type may be NULL: not known.  False: nothing can be said.
 */
bool args_expression(struct iq_args *a, unsigned int n, const struct value *v,
		     const struct iq_type **type, struct iq_buf *text);

/* The parameter that is in REG at the entry, or at CFA + OFFSET (REG is -1); NULL: not known. */
const struct iq_member *args_parameter(struct iq_args *a, unsigned int n, int reg,
				       unsigned int offset);

/* ---- args_dwarf.c ---- */

/* Parameters and locals of frame N by debug information; *FOUND: there is some. */
struct iq_error *args_by_dwarf(struct iq_args *a, unsigned int n, struct iq_frame_variables *ret,
			       bool *found) IQ_CHECK;

#endif
