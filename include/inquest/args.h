/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameters and local variables of the frames of a backtrace.
 *
 * With debug information they come from DWARF.  Without, parameters come from the function's prototype
 * (BTF) and from its machine code: what is in a register or a word of the stack when a function calls
 * another is followed back to what it was given, and what it was given is followed to how its
 * caller set it up.  So their values are those that were passed; a function that changes a
 * parameter has others later.  Local variables have no names then.
 *
 * Nothing here is a guess: a value follows from what all paths through the code have in common.
 */
#ifndef INQUEST_ARGS_H
#define INQUEST_ARGS_H

#include <inquest/stack.h>

enum iq_certainty {
	IQ_VALUE_UNAVAILABLE,
	/*
	 * It rests on something that cannot be proven: a prototype that may be another function's, a call
	 * through a pointer, a word of the stack next to something whose address others had.
	 */
	IQ_VALUE_INFERRED,
	IQ_VALUE_EXACT,
};
/* "unavailable", "inferred", "exact". */
const char *iq_certainty_text(enum iq_certainty c);

struct iq_frame_variable {
	const char *name;	    /* never NULL; "" unnamed */
	const struct iq_type *type; /* NULL: not known */
	const char *function;	    /* whose it is: the frame's function or one inlined there; never NULL */
	unsigned int inlined;	    /* with DWARF: 0 the innermost inlined function, and so on */
	unsigned int block;	    /* nested blocks around it within its function */
	bool parameter;
	bool from_dwarf;
	enum iq_certainty certainty;
	bool in_memory;		    /* it lies at `address` */
	uint64_t address;
	uint64_t size;		    /* bytes of its type; 0 unknown */
	const uint8_t *bytes;	    /* `size` of them; NULL: in_memory, or unavailable */
	/* from_dwarf: a parameter of at most 8 bytes as it was passed, if the function has changed it since,
	 * or its value is unavailable; NULL: not known, or the same. */
	const uint8_t *passed;
	const char *from;	    /* where the value was found, or why there is none; never NULL */
};

struct iq_frame_variables {
	struct iq_frame_variable *list; /* innermost inlined function first; parameters first in each */
	unsigned int nr;
	struct iq_arena arena;
};

/* What was found out about functions, for any number of traces of one kernel.  One thread. */
struct iq_args;
struct iq_error *iq_args_open(struct iq_kernel *k, struct iq_args **ret) IQ_CHECK;
void iq_args_close(struct iq_args *a);
/* Take no notice of DWARF, for tests and for those who want to compare. */
void iq_args_without_dwarf(struct iq_args *a, bool without);
/* Look at the trace B, which must outlive the questions about it; the former one is forgotten. */
struct iq_error *iq_args_trace(struct iq_args *a, const struct iq_backtrace *b) IQ_CHECK;
/*
 * Parameters, and with debug information local variables, of frame N of that trace.  Without, registers
 * that hold a member of a parameter or the like are listed as variables: their "name" is what was put
 * there ("file->private_data").  Of a function whose prototype nobody knows the parameters are called by
 * the registers that they came in, and have no type.  Free with iq_frame_variables_free().
 */
struct iq_error *iq_args_frame(struct iq_args *a, unsigned int n,
			       struct iq_frame_variables *ret) IQ_CHECK;
void iq_frame_variables_free(struct iq_frame_variables *v);

/*
 * iq_frame_slots() of that trace's frame N, with more to say of its words: variables by the debug information,
 * parameters and other values by the code that put them there, the stack canary by the code that checks
 * it, and which words the function has never written.
 */
struct iq_error *iq_args_slots(struct iq_args *a, unsigned int n, struct iq_slot **slots,
			       unsigned int *nr) IQ_CHECK;

/* ---- Where values come from ------------------------------------------------------------------- */

enum iq_origin_kind {
	IQ_ORIGIN_UNKNOWN,   /* computed in ways that are not followed, or different by path */
	IQ_ORIGIN_CONSTANT,  /* `offset` itself: a number or an address in the code */
	IQ_ORIGIN_PARAMETER, /* parameter `number` of the frame's function, plus `offset` */
	IQ_ORIGIN_REGISTER,  /* what `reg` held at the function's entry, plus `offset` */
	IQ_ORIGIN_FRAME,     /* an address in the frame: CFA plus `offset` */
	IQ_ORIGIN_LOAD,	     /* `size` bytes that were at the next step's value, plus `offset` */
	IQ_ORIGIN_PERCPU,    /* `size` bytes of this CPU's variable at per-CPU address `address`, plus `offset` */
	IQ_ORIGIN_CALL,	     /* what the function at `address` (0: called through a pointer) returned, plus `offset` */
};

/* One step back from a value. */
struct iq_origin {
	enum iq_origin_kind kind;
	unsigned int number, reg, size;
	int64_t offset;
	uint64_t address;
	uint64_t at;	     /* the instruction that did it; 0: it was so at the function's entry */
	bool known;	     /* the value at this step is known: */
	bool certain;
	uint64_t value;
	const struct iq_type *type; /* of the value; NULL: not known */
	char text[128];	     /* "file->f_inode", "&dev->kobj", "current", "kmalloc()"; "" not known */
};
#define IQ_ORIGINS_MAX 16

/*
 * Where the value of register REG at frame N's instruction comes from: the value itself first, each further
 * step the pointer through which the one before was loaded, up to a parameter, a constant or what
 * cannot be followed.  Of a frame that called another only callee-saved registers mean anything.  What
 * was loaded is what memory held then, not what it holds now.  Returns the number of steps, at most
 * IQ_ORIGINS_MAX; 0: the code says nothing.
 */
unsigned int iq_args_origin(struct iq_args *a, unsigned int n, unsigned int reg,
			    struct iq_origin *steps);

/* ---- What values are made of ------------------------------------------------------------------ */

enum iq_term_kind {
	IQ_TERM_UNKNOWN,  /* computed in ways that are not followed */
	IQ_TERM_CONSTANT, /* `value`: a number or an address in the code */
	IQ_TERM_ENTRY,	  /* what `reg`, or the stack at `offset`, held when the function was called; `from`: to the caller */
	IQ_TERM_FRAME,	  /* an address in the frame: CFA plus `offset` */
	IQ_TERM_LOAD,	  /* `size` bytes that were at from + offset + index * scale */
	IQ_TERM_PERCPU,	  /* `size` bytes of this CPU's variable at per-CPU address `address` */
	IQ_TERM_CALL,	  /* what the function at `address` (0: called through a pointer) returned */
	IQ_TERM_SUM,	  /* from + offset + index * scale, of which `size` bytes are kept */
	IQ_TERM_CHOICE,	  /* one of `choice`, by the path that was taken */
};

/*
 * A value as the code worked it out.  Terms form a graph, which has circles where the code has loops: a
 * choice of a choice is the one of the round before.  Behind a choice nothing is `known` but what is
 * the same in each round.
 */
struct iq_term {
	enum iq_term_kind kind;
	bool on_stack;
	bool is_signed;	  /* LOAD, PERCPU, SUM of fewer than 8 bytes: extended by the sign */
	bool known;	  /* the value at this step is known, and not by asking memory: */
	bool certain;
	bool sure;	  /* ENTRY: the caller of this function is certain to have put `from` there */
	uint64_t value;
	unsigned int frame; /* of the trace, in whose function */
	unsigned int reg, size, scale;
	unsigned int caller_reg; /* ENTRY: the register in which the caller passed it to what it called */
	int64_t offset;
	uint64_t address;
	uint64_t at;	  /* the instruction that did it; 0: none */
	struct iq_term *from, *index; /* NULL: none, or not known */
	struct iq_term **choice;
	unsigned int nr_choices;
	const char *name; /* ENTRY: the parameter's, CALL: the function's; NULL not known */
	const struct iq_type *type; /* of ENTRY and CALL by prototype; NULL: not known */
};

/*
 * Register REG as it is at frame N's instruction; of a frame that called another as it was in front of the call,
 * so that parameters can be asked for.  Terms live in ARENA.  NULL: the code says nothing.
 */
struct iq_term *iq_args_term(struct iq_args *a, unsigned int n, unsigned int reg,
			     struct iq_arena *arena);
/* The same of what REG held when frame N's function was called: an ENTRY. */
struct iq_term *iq_args_entry(struct iq_args *a, unsigned int n, unsigned int reg,
			      struct iq_arena *arena);
/*
 * The function that frame N's code calls where the frame stands, which may have jumped on to another; false:
 * called through a pointer, or not known.
 */
bool iq_args_called(struct iq_args *a, unsigned int n, struct iq_symbol *ret);
/* Its prototype, if it is known whose it is; NULL if not.  Registers are those of the calling convention. */
const struct iq_type *iq_args_prototype(struct iq_args *a, const struct iq_symbol *s);

/* A comparison that decided the way: left & mask RELATION right. */
struct iq_condition {
	uint64_t at;		/* the comparison */
	unsigned int size;	/* bytes that are compared */
	const char *relation;	/* "==", "!=", "<", "<=", ">", ">=" as it came out */
	bool is_signed;
	uint64_t mask;		/* all ones: none */
	struct iq_term *left;	/* never NULL */
	struct iq_term *right;	/* a constant, or another value; never NULL */
};
/*
 * The last comparison that led to frame N's instruction, if all ways come by it: why BUG_ON() did not go by; or the one that
 * is BEFORE_IT many comparisons earlier.  False: there is none, or it is not understood.
 */
bool iq_args_condition(struct iq_args *a, unsigned int n, unsigned int before_it, struct iq_arena *arena,
		       struct iq_condition *ret);
/*
 * The member of struct or union T at byte OFFSET that has SIZE bytes (0: the outermost that begins there), its
 * path appended to TEXT ("list.next", "hist[17]"), its type.  False: there is no such member.
 */
bool iq_member_sized(const struct iq_type *t, uint64_t offset, uint64_t size,
		     const struct iq_type **type, struct iq_buf *text);

/* ---- What was done before ----------------------------------------------------------------------- */

/* What is looked for in functions that were called and have returned. */
struct iq_effect_query {
	uint64_t field;	  /* somebody wrote into the `size` bytes here, which hold `value` now; 0: not asked */
	unsigned int size;
	uint64_t value;
	uint64_t from;	  /* where the object begins that it is in, or the one before that: who was given an address
			   * from there to the field, and writes in ways that are not followed, may have; 0 */
	uint64_t freed;	  /* somebody freed this; 0: not asked */
	/* Does the function NAME free its parameter number *PARAMETER; copy to its first, as many bytes as its third
	 * says; is it not worth looking into? */
	bool (*frees)(const char *name, unsigned int *parameter);
	bool (*copies)(const char *name);
	bool (*skip)(const struct iq_symbol *s);
};
struct iq_effect {
	struct iq_symbol function; /* that the frame's code calls */
	uint64_t call;		   /* there */
	uint64_t at;		   /* the instruction that does it, in that function or one that it calls */
	unsigned int depth;	   /* 1: in that function itself */
	bool writes, frees;
	bool sure;		   /* false: it may, by an index or a length that is not known, */
	bool weak;		   /* or at an address that is not followed */
	bool loaded;		   /* what it frees it had from memory, where something else may have been then */
};
/*
 * Functions that frame N's code calls on ways to its instruction, and that do with the parameters that they are given
 * what Q asks for: in the order of the code, at most MAX.  Which way was taken is not known, nor what memory
 * held then: these are suspects, no proof.
 */
unsigned int iq_args_effects(struct iq_args *a, unsigned int n, const struct iq_effect_query *q,
			     struct iq_effect *ret, unsigned int max);

/* A pointer to a struct or union that frame N's code passes, anywhere, to a function of known prototype. */
struct iq_passed {
	uint64_t value;		    /* as far as it is known, or memory tells now */
	const struct iq_type *type; /* the pointer's */
};
/* At most MAX of them; returns how many. */
unsigned int iq_args_passed(struct iq_args *a, unsigned int n, struct iq_passed *ret, unsigned int max);

#endif
