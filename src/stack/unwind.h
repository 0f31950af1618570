/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the stack room.  A frame (struct iq_frame) is at the same time the state of the unwinder: its
 * registers, as far as they are known, and the stack it lies on are all that the step to its caller
 * needs.
 */
#ifndef INQUEST_STACK_UNWIND_H
#define INQUEST_STACK_UNWIND_H

#include <inquest/stack.h>

/* Stacks a trace may pass through: the task's and each kind of per-CPU stack, once each. */
#define MAX_STACKS_CROSSED 16
/* A stack pointer this far below its stack is in the guard page: the stack has overflowed. */
#define GUARD_SIZE 4096

struct unwinder {
	struct iq_kernel *k;
	const struct iq_arch *arch;
	struct iq_stack task_stack; /* kind NONE: the task has none */
	uint64_t left[MAX_STACKS_CROSSED]; /* starts of stacks that the trace has left behind */
	unsigned int nr_left;
	bool doubtful; /* a guess was made: no frame from here on is reliable */
	bool trial; /* follows a chain to see where it leads: no guesses */
	bool places; /* only tables speak, and registers that they do not need are left out */
	struct functions *functions; /* those read so far; shared by copies of this struct */
	/* How it ended. */
	enum iq_stack_end end;
	char end_text[160];
	bool has_user_regs;
	uint64_t user_regs_address;
	struct iq_regs user_regs;
};

/* T may have lost its stack (zombie). */
void unwinder_init(struct unwinder *u, struct iq_kernel *k, const struct iq_task *t,
		   struct functions *functions);
/* Set how the trace ended; false, to be returned by whoever could not go on. */
bool unwind_end(struct unwinder *u, enum iq_stack_end end, const char *fmt, ...) IQ_PRINTF(3, 4);

/* ---- step.c ---- */

/*
 * The caller of F (for an entry from an interrupt: what it interrupted) into NEXT; false at the end
 * of the trace, which u->end then explains.
 */
bool unwind_step(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next);
/* CFA of F, by its ORC row or its code: the stack pointer before F's function was called. */
bool unwind_cfa(struct unwinder *u, const struct iq_frame *f, uint64_t *cfa);
/* The same by a given row. */
bool cfa_by_row(struct unwinder *u, const struct iq_frame *f, const struct iq_orc_row *row,
		uint64_t *cfa);
/* The frame pointer of F's caller by F's ROW; unknown if its slot cannot be read. */
void restore_fp(struct unwinder *u, const struct iq_frame *f, const struct iq_orc_row *row,
		uint64_t cfa, struct iq_frame *next);
/* The callee-saved registers of F into NEXT, where nothing in between has changed them. */
void keep_callee_saved(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next);
/* The return address below CFA into NEXT. */
bool step_return(struct unwinder *u, const struct iq_frame *f, uint64_t cfa, struct iq_frame *next);
/* Fill in what follows from ip, exact_ip, sp: symbol, offset, stack, context, rip and rsp. */
void frame_complete(struct unwinder *u, struct iq_frame *f);
/* The word at ADDRESS, if that is on a stack this trace may use. */
bool stack_word(struct unwinder *u, const struct iq_stack *likely, uint64_t address, uint64_t *ret);
/* The stack that ADDRESS lies on, LIKELY first. */
bool stack_of(struct unwinder *u, const struct iq_stack *likely, uint64_t address,
	      struct iq_stack *ret);

/* ---- text.c: is this word a return address? ---- */

/* Can a function be called from, or be running, here: text, init text, or generated code (BPF)? */
bool is_code(struct iq_kernel *k, uint64_t address);
/* Does a call instruction end at ADDRESS? */
bool after_call(struct iq_kernel *k, uint64_t address);

/* ---- tracer.c: stacks that a tracer has changed ---- */

/* If *IP, found at SLOT of stack S, is a tracer's, put back what was there; false: that is not known. */
bool recover_return(struct unwinder *u, const struct iq_stack *s, uint64_t slot, uint64_t *ip);
/* F runs in a trampoline of ftrace's: its caller, the traced function.  As unwind_step(). */
bool by_trampoline(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next);

/* ---- cfi_step.c ---- */

/* By .debug_frame.  As unwind_step(). */
bool by_cfi(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next);
/* Registers of F's caller that NEXT lacks, if .debug_frame agrees that F's CFA is CFA. */
void cfi_registers(struct unwinder *u, const struct iq_frame *f, uint64_t cfa,
		   struct iq_frame *next);

/* ---- guess.c: where no table speaks ---- */

/* By the function's code, by frame pointer or by searching the stack.  As unwind_step(). */
bool guess_step(struct unwinder *u, const struct iq_frame *f, struct iq_frame *next);
/* The lowest place in [START, END) of S from which a complete trace leads outwards. */
bool guess_start(struct unwinder *u, const struct iq_stack *s, uint64_t start,
		 struct iq_frame *ret);

/* ---- function.c: what a function does to the stack ---- */

#define DEPTH_UNKNOWN (-1)
/*
 * How to get from the registers in front of an instruction to the CFA.  As a rule it is a number of bytes above
 * the stack pointer, or above the frame pointer.  A function that aligns its stack first keeps the CFA in a
 * register (GCC: r10 or r13), then in a word below the frame pointer; one that changes to another stack leaves
 * the old stack pointer in the topmost word of the new one.
 */
#define KEPT 6
#define KEPT_ALL ((1u << KEPT) - 1)
struct depth {
	int16_t sp; /* CFA - stack pointer; DEPTH_UNKNOWN: realigned, for instance */
	int16_t fp; /* CFA - frame pointer; DEPTH_UNKNOWN: it is not in use as one */
	int16_t below; /* frame pointer - stack pointer, on an aligned stack; or DEPTH_UNKNOWN */
	int16_t at; /* the word at frame pointer + at holds the CFA; 0: none does */
	int16_t link; /* the word at the stack pointer holds CFA - link; or DEPTH_UNKNOWN */
	int8_t holder; /* the register that holds the CFA; -1: none */
	int8_t linker; /* the register that points to the word of `link`, before sp does; -1: none */
	/*
	 * Callee-saved registers, in the order of their numbers: the word at CFA - save, or, negative, at frame
	 * pointer + save holds the caller's; 0: none does.
	 */
	int16_t save[KEPT];
	uint8_t intact; /* the register itself still does: a bit each */
	uint8_t filled; /* 0: by the first walk; else the number of the gap it was found in */
};
/* Nothing is known but the depth N. */
#define DEPTH_AT(n)                                                                                \
	((struct depth){(n), DEPTH_UNKNOWN, DEPTH_UNKNOWN, 0, DEPTH_UNKNOWN, -1, -1, {0}, 0, 0})

#define CODE_PARTS 3
struct function {
	uint64_t address; /* where it begins */
	const char *name; /* the symbol's, without .cold */
	bool known;
	bool unfollowed; /* a jump through a register may lead to other places of it */
	bool gaps; /* some code was not come by: nothing is known of it */
	bool falls_out; /* the code runs into what lies behind it */
	uint64_t canary_stored; /* address behind the instruction that stores it; 0: none does */
	int16_t canary_at; /* it lies there: CFA - canary_at, or frame pointer + canary_at */
	bool canary_by_fp;
	uint64_t written; /* registers that it changes */
	unsigned int nr_parts;
	struct code_part {
		uint64_t start, size;
		uint8_t *code;
		struct depth *depth; /* by byte of code */
	} part[CODE_PARTS];
};
/* Words that __switch_to_asm() leaves on the stack: start.c. */
#define INACTIVE_WORDS 7
struct functions {
	struct function **list; /* owned */
	unsigned int nr, room;
	struct iq_map by_symbol; /* of these: by the address of the symbol asked for */
	uint64_t read; /* bytes of code */
	unsigned int labels; /* symbols that are being joined with what is in front of them */
	bool alone; /* ORC is not asked where the code is ambiguous */
	struct iq_map places; /* by address of an instruction: struct place */
	struct iq_arena place_memory;
	struct iq_map noreturn; /* by address: does a function return? */
	struct iq_map bugs; /* by address of a ud2: is it a warning? */
	bool bugs_read;
	uint64_t inactive_at[INACTIVE_WORDS]; /* members of struct inactive_task_frame */
	bool inactive_known;
};
/* What the tables say of an instruction: the same ones are met on many stacks. */
struct place {
	struct iq_symbol symbol; /* name NULL: none */
	bool has_row;
	struct iq_orc_row row;
};
/* Of the instruction at ADDRESS, or that a call at ADDRESS - 1 belongs to.  Never NULL. */
const struct place *place_of(struct unwinder *u, uint64_t address);
/*
 * The function that symbol S belongs to, read at the first call; NULL: no memory, no name.  Valid until
 * functions_forget().
 */
const struct function *function_of(struct unwinder *u, const struct iq_symbol *s);
/*
 * The stack in front of the instruction that ADDRESS lies in; false: not known.  (Where the stack is less than
 * a return address deep, the code plays tricks, and nothing is said.)
 */
bool function_depth(const struct function *f, uint64_t address, struct depth *ret);
/*
 * Those of kernel K, which are kept with it from trace to trace; NULL without memory.  To be called at the
 * beginning of a trace: if there are too many they are forgotten then.
 */
struct functions *functions_get(struct iq_kernel *k);
/* Free the functions, but not what is known of the whole kernel. */
void functions_forget(struct functions *f);
void functions_free(struct functions *f);

/* ---- saves.c: registers of the caller ---- */

enum saved { SAVED_UNKNOWN, SAVED_NOT /* it still has the caller's value */, SAVED_ON_STACK };
/* Where the caller's REG is while frame F runs, where the stack is D; *AT is its place on the stack. */
enum saved find_saved(const struct iq_arch *a, const struct depth *d, const struct iq_frame *f,
		      uint64_t cfa, unsigned int reg, uint64_t *at);
/* Index of callee-saved register REG in struct depth; -1: it is none. */
static inline int kept_index(const struct iq_arch *a, int reg)
{
	int i;

	if (reg < 0 || !(a->callee_saved >> reg & 1))
		return -1;
	i = __builtin_popcountll(a->callee_saved & ((UINT64_C(1) << reg) - 1));
	return i < KEPT ? i : -1;
}

/*
 * Callee-saved registers of F's caller into NEXT.  CFA is F's.  The frame pointer is left to ORC
 * unless WITH_FP.
 */
void saved_registers(struct unwinder *u, const struct iq_frame *f, uint64_t cfa, bool with_fp,
		     struct iq_frame *next);
/* CFA of F found in its function's code instead of an ORC row. */
bool cfa_by_code(struct unwinder *u, const struct iq_frame *f, uint64_t *cfa);

/* ---- start.c: the innermost frame ---- */

/* Exactly at REGS. */
struct iq_error *start_at(struct unwinder *u, const struct iq_regs *regs,
			  struct iq_frame *f) IQ_CHECK;
/* Where CPU C was when it stopped. */
struct iq_error *start_running(struct unwinder *u, const struct iq_cpu *c,
			       struct iq_frame *f) IQ_CHECK;
struct iq_error *start_sleeping(struct unwinder *u, const struct iq_task *t,
				struct iq_frame *f) IQ_CHECK;

/* ---- slots.c: the words of a frame ---- */

/* The stack canary of task T (task_struct.stack_canary); false: it has none, or it cannot be told. */
bool slots_canary(struct iq_kernel *k, const struct iq_task *t, uint64_t *canary);

#endif
