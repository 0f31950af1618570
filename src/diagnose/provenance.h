/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Provenance: terms of the code (args.h) with what memory says of them, as links of a chain from a root to
 * the value that was wrong.
 */
#ifndef INQUEST_DIAGNOSE_PROVENANCE_H
#define INQUEST_DIAGNOSE_PROVENANCE_H

#include "stages.h"

/* ---- provenance_value.c: values ---- */

struct value_of {
	struct iq_case *c;
	int cpu; /* for per-CPU variables; -1: not known */
	const struct iq_term *bound; /* this choice is `bound_value`; NULL: none */
	uint64_t bound_value;
	unsigned int depth, steps;
};

/* What T is worth by what is known and by what memory holds now.  False: that cannot be said. */
bool iq_term_value(struct value_of *v, const struct iq_term *t, uint64_t *ret);
/* Address of what the LOAD or PERCPU T read. */
bool iq_term_address(struct value_of *v, const struct iq_term *t, uint64_t *ret);
/* The SIZE bytes at ADDRESS as T extends them. */
bool iq_term_read(struct value_of *v, const struct iq_term *t, uint64_t address, uint64_t *ret);

/* Which way a choice went. */
struct way {
	const struct iq_term *term; /* of its choices; NULL: several are possible */
	bool loop; /* TERM follows from the choice of the round before, which was: */
	uint64_t before;
	unsigned int rounds;
	const struct iq_term *first; /* how the loop began */
	uint64_t first_value;
};
/* CHOICE, of which TOP (it may be the same) is made, led to TOP being VALUE. */
bool iq_term_way(struct value_of *v, const struct iq_term *choice, const struct iq_term *top,
		 uint64_t value, struct way *ret);

/* ---- provenance_type.c: types of objects ---- */

/*
 * The type of the object that ADDRESS lies in and where that begins, if it is likely: by its cache, by what leads to it,
 * or because functions on the stack were given it, or objects of the same cache, as that.  NULL: not known.
 */
const struct iq_type *iq_object_type(struct iq_case *c, uint64_t address, uint64_t *start);
/* The type of the object that starts at ADDRESS; NULL: not known, or it starts elsewhere. */
const struct iq_type *iq_struct_at(struct iq_case *c, uint64_t address);

/* ---- provenance_text.c: names ---- */

/* What people call a value, and its type. */
struct named {
	const char *text; /* NULL: nothing */
	const struct iq_type *type; /* NULL: not known */
	bool atom; /* needs no parentheses */
	bool has_value;
	uint64_t value;
	bool is_address; /* "&x": text is "x" */
	const char *root; /* of "root + offset", where the sum has no name of its own; NULL */
	int64_t root_offset;
	bool cast; /* to C it is no pointer to what `type` says: it must be cast */
};
/* What the pointer TYPE points to, without qualifiers and typedefs; NULL: no pointer. */
const struct iq_type *iq_pointed_to(const struct iq_type *type);
/* The SIZE bytes at BASE + OFFSET, as C has it; BASE's type is made up if memory tells. */
struct named iq_name_member(struct iq_case *c, const struct named *base, int64_t offset,
			    unsigned int size);
/* BASE + OFFSET, which is of type EXPECTED, if that is not NULL. */
struct named iq_name_sum(struct iq_case *c, const struct named *base, int64_t offset,
			 const struct iq_type *expected);
/* The variable at ADDRESS, or a member of it. */
struct named iq_name_variable(struct iq_case *c, uint64_t address, unsigned int size);
/* &variable, or the number itself. */
struct named iq_name_constant(struct iq_case *c, uint64_t value);
/* A parameter or variable of frame N that has this VALUE, or lies at ADDRESS (0: anywhere), by debug information. */
struct named iq_name_local(struct iq_case *c, unsigned int n, bool parameter, uint64_t value,
			   uint64_t address);
/* The SIZE bytes at ADDRESS as a member of what a local variable of frame N points to. */
struct named iq_name_through_local(struct iq_case *c, unsigned int n, uint64_t address,
				   unsigned int size);
/* A register of frame N, cast to what it is. */
struct named iq_name_register(struct iq_case *c, unsigned int reg, const struct iq_type *type);

/* ---- provenance.c: chains ---- */

/* A chain under construction: root first. */
#define CHAIN_MAX 24
struct chain {
	struct iq_case *c;
	struct value_of values;
	struct iq_link link[CHAIN_MAX];
	const struct iq_term *term[CHAIN_MAX];
	unsigned int nr;
	unsigned int depth;
	bool local; /* callers are not asked */
	int user; /* the outermost frame that handed the value on as it was; -1: none */
	unsigned int user_reg; /* in this register */
};
/*
 * The chain of T, whose value was *VALUE (NULL: not known) and is used as EXPECTED (NULL: not known).  Returns how the value is
 * called in the function where it was loaded or made.
 */
struct named iq_chain_of(struct chain *ch, const struct iq_term *t, const uint64_t *value,
			 const struct iq_type *expected);
/* Which links are good pointers. */
void iq_chain_judge(struct chain *ch, bool pointer);
/* Is VALUE a pointer that leads to nothing? */
bool iq_is_garbage(struct iq_case *c, uint64_t value);

/* ---- instruction.c ---- */

/* Is E a failed access, a failed call or a failed division, of which the instruction tells? */
bool iq_is_fault(const struct iq_event *e);
/* Was an instruction fetched from where there is no code? */
bool iq_bad_exec(struct iq_case *c);
/* VALUE as people write it: NULL, ERR_PTR(-2), 0x…. */
const char *iq_value_word(struct iq_case *c, uint64_t value);
/* What memory operand OP of frame N's instruction is called there, or its register REG (OP is NULL). */
struct named iq_name_operand(struct iq_case *c, unsigned int n, const struct iq_operand *op,
			     int reg);

/* ---- culprit_use.c ---- */

/* A value that is to be followed: what register `reg` held at frame `frame`'s instruction, or a word in memory. */
struct bad_use {
	bool present;
	unsigned int frame;
	int reg;
	const struct iq_operand *memory; /* instead of `reg`: the operand's content */
	bool pointer; /* it was used as one */
	bool lvalue; /* what is wrong is what it points to */
	const struct iq_type *type; /* as the user has it; NULL: not known */
	const struct iq_condition
		*condition; /* what failed a comparison: its left side; NULL: none */
	const char *check; /* "BUG_ON", "WARN_ON" … of the condition */
	bool has_value; /* as the called function knows it */
	uint64_t value;
	const char *user; /* the function that was given it; NULL: none, the instruction used it */
	unsigned int parameter; /* as this parameter */
	unsigned int nr_parameters;
	/* What is wrong is found by following pointers at these offsets from it. */
	int64_t then[2];
	unsigned int nr_then;
};
/* What the event says was used badly.  False: it says nothing. */
bool iq_find_use(struct iq_case *c, struct bad_use *u);
/* The line of the function that ADDRESS is in, not of what was inlined there, into B. */
void iq_blame_line(struct iq_case *c, uint64_t address, struct iq_blame *b);
/* Does NAME free its parameter number *PARAMETER? */
bool iq_is_free(const char *name, unsigned int *parameter);
/* If it happened in a helper: what the helper was given.  False: it did not, or that cannot be said. */
bool iq_find_check(struct iq_case *c, struct bad_use *u);

#endif
