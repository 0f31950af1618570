/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parameters and local variables as the debug information of a vmlinux or module file (DWARF 4 and 5)
 * describes them at an instruction: their types, and where they are.  The values are computed from
 * what the caller knows of the frame; for what it does not know the reason is given instead.
 */
#ifndef INQUEST_LOCALS_H
#define INQUEST_LOCALS_H

#include <inquest/debugfile.h>

/* What is known of a frame. */
struct iq_locals_frame {
	/* The instruction, as a runtime address: of a caller the call (return address - 1). */
	uint64_t address;
	const struct iq_regs *regs; /* known ones at the instruction, by DWARF's numbers */
	bool has_cfa;
	uint64_t cfa; /* the stack pointer before the function was called */
	struct iq_vm *vm;
	/*
	 * What register REG held when the function was called; false: not known.  *CERTAIN: it is proven.
	 * May be NULL.  It may ask iq_debugfile_call_value() of the same file, and nothing else.
	 */
	bool (*entry)(void *arg, unsigned int reg, uint64_t *ret, bool *certain);
	void *arg;
};

/* Why a variable has no value, or how it got it. */
enum iq_local_state {
	IQ_LOCAL_KNOWN,
	IQ_LOCAL_OPTIMISED_OUT, /* the compiler needs it no more (or not yet) here */
	IQ_LOCAL_SYNTHETIC,	/* a pointer to a variable that is nowhere in memory */
	IQ_LOCAL_NO_REGISTER,	/* in register `reg`, whose value is not known */
	IQ_LOCAL_NO_ENTRY_VALUE,/* follows from what a register was at the call: not known */
	IQ_LOCAL_NO_FRAME,	/* on the stack; the frame's address is not known */
	IQ_LOCAL_NO_MEMORY,	/* computed from memory that is not in the dump */
	IQ_LOCAL_NO_ADDRESS,	/* thread-local, or in a section that is not placed */
	IQ_LOCAL_NO_TYPE,	/* of unknown size, or larger than IQ_LOCAL_MAX */
	IQ_LOCAL_DAMAGED,	/* the debug information is damaged or not understood */
};
/* "optimised out", "in rdi, which is not known" …, into BUF. */
void iq_local_why(const struct iq_arch *a, enum iq_local_state s, unsigned int reg, char *buf,
		  size_t room);

/* Larger objects are not put together of pieces. */
#define IQ_LOCAL_MAX 4096

struct iq_local {
	const char *name;     /* never NULL; "" unnamed */
	const struct iq_type *type; /* in iq_debugfile_types(); NULL: not known */
	const char *function; /* whose it is: an inlined function, or the function itself; "" unknown */
	unsigned int inlined; /* functions between it and the innermost inlined one: 0 innermost */
	unsigned int block;   /* nested blocks within its function: 0 outermost */
	bool parameter;
	enum iq_local_state state;
	bool certain;	      /* KNOWN; false: an entry value that is not proven */
	bool entry_value;     /* it follows from a register at the function's entry */
	unsigned int reg;     /* KNOWN: the one it is in, if in_register; NO_REGISTER: which */
	bool in_register;     /* wholly */
	bool in_memory;	      /* wholly, at `address` */
	uint64_t address;
	uint64_t size;	      /* of its type */
	const uint8_t *bytes; /* if KNOWN and not in_memory: `size` of them */
};

struct iq_locals {
	struct iq_local *list; /* innermost function first; parameters before variables in each block */
	unsigned int nr;
	struct iq_arena arena; /* of all of it */
};

/* False: the file says nothing about this address.  Free with iq_locals_free(). */
bool iq_debugfile_locals(struct iq_debugfile *f, const struct iq_locals_frame *frame,
			 struct iq_locals *ret);
void iq_locals_free(struct iq_locals *l);

/*
 * What the function at FRAME, whose call returns to RETURN_ADDRESS, put into register REG for the
 * function that it called (DW_TAG_call_site_parameter).  False: the file does not say.
 */
bool iq_debugfile_call_value(struct iq_debugfile *f, const struct iq_locals_frame *frame,
			     uint64_t return_address, unsigned int reg, uint64_t *ret,
			     bool *certain);

#endif
