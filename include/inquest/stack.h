/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack: what a task or CPU was doing, frame by frame.
 *
 * Frames come from ORC tables in the dump, failing these from .debug_frame, from frame pointers or from the
 * machine code itself, in the order that is most certain; each says how it was found and how sure it is.  An interrupted function is a
 * frame of its own, with the registers it was interrupted with.
 */
#ifndef INQUEST_STACK_H
#define INQUEST_STACK_H

#include <inquest/module.h>
#include <inquest/task.h>
#if IQ_ROOM < IQ_ROOM_STACK
#error "stack.h belongs to a room to the right of this one"
#endif

enum iq_frame_how {
	IQ_FRAME_TOP,	   /* registers at the time of the dump, or where the task was switched out */
	IQ_FRAME_ORC,	   /* unwound by ORC */
	IQ_FRAME_TRAP,	   /* from a trap frame */
	IQ_FRAME_POINTER,  /* frame-pointer chain: likely */
	IQ_FRAME_CALL,	   /* a return address next to the stack pointer after a call into nowhere */
	IQ_FRAME_SCAN,	   /* found by searching the stack for text addresses: a guess */
	IQ_FRAME_CODE,	   /* no ORC row: the stack pointer was followed through the function's code */
	IQ_FRAME_CFI,	   /* no ORC row: by .debug_frame of a vmlinux or module file */
};

enum iq_context {
	IQ_CTX_TASK, IQ_CTX_IRQ, IQ_CTX_SOFTIRQ, IQ_CTX_NMI, IQ_CTX_DOUBLE_FAULT, IQ_CTX_MCE,
	IQ_CTX_DEBUG, IQ_CTX_VC, IQ_CTX_ENTRY, IQ_CTX_USER,
};
/* JSON's word: "task", "irq", … */
const char *iq_context_text(enum iq_context c);

struct iq_frame {
	unsigned int n;
	uint64_t ip;	 /* return address; exact rip of the top or an interrupted frame */
	uint64_t sp;	 /* rsp at `ip`: just above the return address's slot for called frames */
	uint64_t slot;	 /* where on the stack `ip` was read from; 0 for the top frame and
			  * when it came from registers */
	bool exact_ip;	 /* ip is an instruction that was about to run, not a return address */
	bool reliable;
	enum iq_frame_how how;
	enum iq_context context;
	struct iq_stack stack;	/* the stack that sp lies in */
	struct iq_symbol symbol;/* contains the call (ip - 1), or ip if exact_ip; name NULL: none */
	uint64_t offset;	/* ip - symbol.address: as the kernel prints it */
	struct iq_regs regs;	/* known registers at ip: rsp, rip, rbp … */
	uint64_t saved_at[IQ_MAX_REGS]; /* where a known callee-saved register's value was read from
					 * the stack; 0: still in the register */
	bool has_trap;		/* this frame was interrupted: trap holds all its registers */
	uint64_t trap_address;	/* of the struct pt_regs */
	bool trap_partial;	/* only ip cs flags sp ss are there */
	struct iq_regs trap;
};

enum iq_stack_end {
	IQ_END_USER,	   /* reached the entry from user mode: complete */
	IQ_END_OUTERMOST,  /* ORC says end: complete (kernel threads, idle) */
	IQ_END_NO_STACK,   /* the task has no stack any more (zombie) */
	IQ_END_UNREADABLE, /* the stack's memory is not in the dump */
	IQ_END_NO_RULE,	   /* no unwind information for an address */
	IQ_END_LOOP,	   /* went backwards or in a circle */
	IQ_END_LIMIT,	   /* IQ_MAX_FRAMES */
};
#define IQ_MAX_FRAMES 2048

struct iq_backtrace {
	struct iq_task task;
	int cpu;		/* running there, else -1 */
	struct iq_frame *frames;/* innermost first; owned */
	unsigned int nr;
	enum iq_stack_end end;
	char end_text[160];	/* for people, when the trace is not complete; "" otherwise */
	bool has_user_regs;	/* entered from user mode with these */
	uint64_t user_regs_address;
	struct iq_regs user_regs;
};

/*
 * The stack of task T: from its CPU's registers if it was running, else from where it was switched
 * out.  RET is filled in even if the trace breaks off; an error means that not one frame could be had.
 * Free with iq_backtrace_free().
 */
struct iq_error *iq_backtrace(struct iq_kernel *k, const struct iq_task *t, struct iq_backtrace *ret) IQ_CHECK;
/*
 * The same for those who only look at where the task is: of callers the registers rbx and r12 to r15 are left
 * out, which spares reading the code of every function, unless the task was running or its frames cannot be
 * told without them.
 */
struct iq_error *iq_backtrace_places(struct iq_kernel *k, const struct iq_task *t,
				     struct iq_backtrace *ret) IQ_CHECK;
/* The same from given registers (rip, rsp, and rbp if known) on the stacks of CPU (-1: only task T's). */
struct iq_error *iq_backtrace_from(struct iq_kernel *k, const struct iq_task *t, int cpu,
				   const struct iq_regs *regs, struct iq_backtrace *ret) IQ_CHECK;
/* The same from the return address that lies at SLOT, as if that call returned now.  IQ_E_USAGE: it is none. */
struct iq_error *iq_backtrace_return(struct iq_kernel *k, const struct iq_task *t, int cpu,
				     uint64_t slot, struct iq_backtrace *ret) IQ_CHECK;
void iq_backtrace_free(struct iq_backtrace *b);

/* ---- What is wrong with a stack ----------------------------------------------------------------- */

enum iq_damage_kind {
	IQ_DAMAGE_GUARD,     /* the stack pointer has left the stack at its lower end */
	IQ_DAMAGE_END_MAGIC, /* STACK_END_MAGIC at the end of the stack is gone */
	IQ_DAMAGE_CANARY,    /* a frame's stack protector canary is not the task's */
};
struct iq_damage {
	enum iq_damage_kind kind;
	int frame;		/* index of the frame concerned; -1: the whole stack */
	uint64_t address;	/* of the word; GUARD: the stack pointer */
	uint64_t found, expected; /* GUARD: 0, and the lowest address of the stack */
	uint64_t from, to;	/* CANARY: the bytes around it that hold the same value, or text as it does */
	char text[320];		/* for people; not escaped: symbols are in it */
};
/*
 * What can be proven to be wrong with the stack that B is the trace of, at most MAX findings; returns their
 * number.  A trace that breaks off says why in end_text; that is not repeated here.
 */
unsigned int iq_stack_damage(struct iq_kernel *k, const struct iq_backtrace *b, struct iq_damage *ret,
			     unsigned int max);

/* ---- What each word of the stack is ----------------------------------------------------------- */

enum iq_slot_kind {
	IQ_SLOT_UNKNOWN,     /* locals, spills, leftovers */
	IQ_SLOT_RETURN,	     /* return address of frame `frame` */
	IQ_SLOT_SAVED_REG,   /* callee-saved register `reg`, pushed by `frame`'s function */
	IQ_SLOT_TRAP,	     /* member `name` of the struct pt_regs of frame `frame` */
	IQ_SLOT_ALIGNMENT,   /* padding: the CPU aligned rsp to 16 before it pushed the trap frame */
	IQ_SLOT_CANARY,	     /* equals the task's stack_canary */
	IQ_SLOT_STACK_LINK,  /* saved stack pointer at the top of an IRQ stack */
	/* Only iq_args_slots() (args.h) tells these from unknown ones; `text` says more. */
	IQ_SLOT_VARIABLE,    /* a variable or parameter, or a part of one, by name */
	IQ_SLOT_SPILL,	     /* a value that the code has put there, and what it is */
	IQ_SLOT_LOCAL,	     /* written by the code, or by others to whom its address was given */
	IQ_SLOT_LEFTOVER,    /* the function has not written here: padding, or left by earlier calls */
	IQ_SLOT_DYNAMIC,     /* room for something of variable size */
};
struct iq_slot {
	uint64_t address, value;
	bool readable;
	enum iq_slot_kind kind;
	unsigned int frame;  /* index of the frame whose function owns the word */
	int reg;
	const char *name;    /* TRAP: the kernel's member name; else NULL */
	bool changed;	     /* CANARY: it is not what it must be */
	char text[96];	     /* what else is to be said; "" nothing */
};
/*
 * The words of frame N of B: from just above its own return slot (its sp) up to and including the next
 * frame's return slot, or the trap frame between them, or the end of the stack; labelled.  SLOTS is owned by the caller
 * (free()).  Saved registers are known from ORC (rbp) and from the pushes in the function's own code.  What
 * variables and spilled values are, iq_args_slots() finds out.
 */
struct iq_error *iq_frame_slots(struct iq_kernel *k, const struct iq_backtrace *b, unsigned int n,
				struct iq_slot **slots, unsigned int *nr) IQ_CHECK;
/* Short label for people: "[rbx]", "[ip]", "[return to free_async+223]", "[padding]", "". */
void iq_slot_label(struct iq_kernel *k, const struct iq_slot *s, char *buf, size_t room);

#endif
