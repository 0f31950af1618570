/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Diagnose: why did this machine die?
 *
 * An analysis is made of claims.  Each is a finding: one sentence, the evidence for it (addresses and values that
 * can be looked up again), how sure it is, and what would refute it.  The event is what the kernel's own
 * check or the CPU reported first; the cause behind it is a finding, and in the culprit: the
 * expression whose value was wrong, link by link.
 *
 * The log is a witness, never the only source: class and place come from registers, trap frames and the
 * kernel's own records in memory.
 */
#ifndef INQUEST_DIAGNOSE_H
#define INQUEST_DIAGNOSE_H

#include <inquest/args.h>
#include <inquest/whatis.h>
#if IQ_ROOM < IQ_ROOM_DIAGNOSE
#error "diagnose.h belongs to a room to the right of this one"
#endif

/* Of the event: the most specific name of what was reported.  Of findings: the same words for causes. */
enum iq_class {
	IQ_CLASS_NONE,
	IQ_CLASS_BUG,		    /* BUG(), not one of the more specific checks */
	IQ_CLASS_WARN,		    /* WARN() with panic_on_warn */
	IQ_CLASS_NULL_DEREF,
	IQ_CLASS_BAD_ACCESS,	    /* page fault at a kernel address that is not mapped */
	IQ_CLASS_NON_CANONICAL,
	IQ_CLASS_BAD_EXEC,	    /* an instruction was fetched from where none can be */
	IQ_CLASS_WRITE_PROTECTED,
	IQ_CLASS_USER_ACCESS,	    /* kernel touched user memory without leave: SMAP, SMEP */
	IQ_CLASS_USE_AFTER_FREE,
	IQ_CLASS_DOUBLE_FREE,
	IQ_CLASS_INVALID_FREE,
	IQ_CLASS_LIST_CORRUPTION,
	IQ_CLASS_HEAP_OVERFLOW,
	IQ_CLASS_USERCOPY,
	IQ_CLASS_FORTIFY,
	IQ_CLASS_REFCOUNT,
	IQ_CLASS_STACK_PROTECTOR,
	IQ_CLASS_STACK_OVERFLOW,
	IQ_CLASS_DOUBLE_FAULT,
	IQ_CLASS_SOFT_LOCKUP,
	IQ_CLASS_HARD_LOCKUP,
	IQ_CLASS_RCU_STALL,
	IQ_CLASS_HUNG_TASK,
	IQ_CLASS_DEADLOCK,
	IQ_CLASS_ATOMIC_SLEEP,
	IQ_CLASS_OOM,
	IQ_CLASS_MACHINE_CHECK,
	IQ_CLASS_NMI,
	IQ_CLASS_SYSRQ,
	IQ_CLASS_PANIC_CALL,	    /* panic() by some code for a reason of its own */
	IQ_CLASS_DIVIDE_ERROR,
	IQ_CLASS_BIT_FLIP,
	IQ_CLASS_MEMORY_CORRUPTION,
	IQ_CLASS_LEAK,
	IQ_CLASSES,
};
/* "none", "bug", "null_deref", …: the words of the JSON output. */
const char *iq_class_text(enum iq_class c);

enum iq_source {
	IQ_SOURCE_LOG,
	IQ_SOURCE_MEMORY,
	IQ_SOURCE_REGISTERS,
	IQ_SOURCE_CODE,
	IQ_SOURCES,
};
/* "log", "memory", "registers", "code" */
const char *iq_source_text(enum iq_source s);

/* One fact that a claim rests on.  Strings belong to the analysis; they may hold bytes of the dump: escape them. */
struct iq_evidence {
	const char *what;     /* "object is on the freelist of its slab"; never NULL */
	bool has_address;
	uint64_t address;
	const char *value;    /* as people read it; NULL: none */
	enum iq_source source;
};

struct iq_finding {
	const char *id;	      /* stable: "uaf.object", "wait.cycle"; never NULL */
	enum iq_class class;  /* what is claimed to have happened */
	const char *claim;    /* one sentence without a final full stop; never NULL */
	enum iq_confidence confidence;
	struct iq_evidence *evidence;
	unsigned int nr_evidence;
	const char *refuted_by; /* what would show it to be wrong; NULL: nothing is known */
	bool cause;	      /* explains the event, not only something else that is wrong */
	bool alternative;     /* could be, but something else explains the evidence better */
};

enum iq_access {
	IQ_ACCESS_NONE,
	IQ_ACCESS_READ,
	IQ_ACCESS_WRITE,
	IQ_ACCESS_EXEC,
};
/* "", "read", "write", "exec" */
const char *iq_access_text(enum iq_access a);

/* What the kernel's own check or the CPU reported first. */
struct iq_event {
	enum iq_class class;
	enum iq_confidence confidence;	/* of class and place */
	const char *message;		/* the kernel's words if they are still there, else ours; never NULL */
	bool message_from_log;
	struct iq_task task;		/* that it happened in; address 0: not known */
	int cpu;			/* -1: not known */
	/*
	 * The frame of the case's backtrace in which it happened: the one that was interrupted by the
	 * exception, or that called the report function (BUG, panic, __list_del_entry_valid…).  -1: none.
	 */
	int frame;
	bool has_ip;			/* exact rip of an exception, else the return address of `frame` */
	uint64_t ip;
	struct iq_symbol symbol;	/* contains ip (ip - 1 for a return address); name NULL: none */
	uint64_t offset;
	const char *module;		/* NULL: none */
	const char *file;		/* of the place, NULL: not known: by __bug_table or debug info */
	unsigned int line;
	bool has_regs;			/* registers of the exception: */
	struct iq_regs regs;
	int trap;			/* exception vector, -1 none: 14 page fault, 13 general protection … */
	bool has_error_code;
	uint64_t error_code;
	bool has_address;		/* the address that was accessed: computed, else as reported */
	uint64_t address;
	enum iq_access access;
	struct iq_evidence *evidence;
	unsigned int nr_evidence;
};

/* The instruction of the event, with the values that its operands had. */
struct iq_fault_insn {
	bool present;
	struct iq_insn insn;
	const char *text;	/* as `dis` shows it */
	const char *in_c;	/* "stats->hist[17]++ with stats == NULL"; NULL: not known */
	int operand;		/* insn.operand[] whose address was bad; -1: none (call through a register: its register) */
	int reg;		/* register that held the bad pointer; -1: none */
	bool has_address;	/* effective address */
	uint64_t address;
	uint64_t offset;	/* address - value of reg */
};

enum iq_link_verdict { IQ_LINK_UNKNOWN, IQ_LINK_OK, IQ_LINK_BAD };
enum iq_proof {
	IQ_PROOF_INFERRED,		/* memory was not asked, or cannot be */
	IQ_PROOF_MEMORY_EQUALS_REGISTER,/* memory now holds what the register got from there */
	IQ_PROOF_CHANGED,		/* memory now holds something else: changed since, by others or a race */
};

/* One step of the chain, from the root (a parameter, a global) to the value that was wrong. */
struct iq_link {
	const char *expression;	/* "as->urb"; never NULL */
	const struct iq_type *type; /* of the value; NULL unknown */
	bool has_address;	/* where the value is kept */
	uint64_t address;
	unsigned int size;	/* bytes of the value; 0 unknown */
	bool has_value;		/* that the code worked with */
	uint64_t value;
	bool has_now;		/* what is at `address` now */
	uint64_t now;
	enum iq_link_verdict verdict;
	enum iq_proof proof;
	struct iq_whatis *object; /* what `value` points to; NULL: not a pointer, or nothing */
	int frame;		/* of the case's backtrace in whose code the step was found; -1 */
};

/* The expression whose value was wrong. */
struct iq_culprit {
	bool present;
	const char *expression;	/* "as->urb->transfer_buffer" */
	const char *used_by;	/* "kfree(as->urb->transfer_buffer)"; NULL */
	bool has_address;	/* where it is kept */
	uint64_t address;
	bool has_value;
	uint64_t value;
	struct iq_whatis *holder;/* object that holds it; NULL unknown */
	struct iq_link *links;	/* root first */
	unsigned int nr_links;
};

struct iq_blame {
	bool present;
	const char *function;
	const char *module;	/* NULL: the kernel */
	const char *file;	/* NULL unknown */
	unsigned int line;
	const char *why;
};

struct iq_analysis {
	const char *verdict;	/* one sentence; never NULL */
	enum iq_confidence confidence;
	struct iq_event event;
	struct iq_fault_insn insn;
	struct iq_culprit culprit;
	struct iq_blame blame;
	struct iq_finding *findings; /* causes first, then by confidence */
	unsigned int nr_findings;
	char signature[3][160];	/* class and blamed function; class and chain of types; top frames */
	const struct iq_backtrace *trace; /* of the event's task; NULL none */
	bool interrupted;	/* Ctrl-C: not everything was looked at */
};

/* Kept for one kernel: what was looked up for the analysis.  One thread, the kernel's. */
struct iq_case;
/* CANCEL ends the analysis early; may be NULL. */
struct iq_error *iq_case_open(struct iq_kernel *k, const struct iq_cancel *cancel,
			      struct iq_case **ret) IQ_CHECK;
void iq_case_close(struct iq_case *c);
/* FN is told, in words for people, what is looked at next; call it before iq_analyze(). */
void iq_case_progress(struct iq_case *c, void (*fn)(void *arg, const char *what), void *arg);
/*
 * The whole of it.  The analysis belongs to C.  Fails only if nothing at all can be said.  Cancelled, it says what is
 * known so far, and that it was interrupted.
 */
struct iq_error *iq_analyze(struct iq_case *c, const struct iq_analysis **ret) IQ_CHECK;

#endif
