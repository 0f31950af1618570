/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel: the Linux kernel that lies in a dump.  This header is the room's entrance: finding the
 * kernel, its names and types, its CPUs.  Its objects have headers of their own: task.h, module.h,
 * page.h, log.h.
 *
 * Everything is found out when it is first asked for.  A struct iq_kernel and all that hangs on it
 * belong to one thread.  Nothing here trusts the dump: walks are bounded, cycles end them, and what could
 * not be read is a warning, not a reason to stop.
 */
#ifndef INQUEST_KERNEL_H
#define INQUEST_KERNEL_H

#include <inquest/debugfile.h>
#include <inquest/orc.h>
#include <inquest/symbols.h>
#include <inquest/types.h>
#if IQ_ROOM < IQ_ROOM_KERNEL
#error "kernel.h belongs to a room to the right of this one"
#endif

struct iq_kernel;
struct iq_module;
struct iq_cpu;

/* How the kernel was found, best evidence first. */
enum iq_found_by {
	IQ_FOUND_VMCOREINFO_NOTE,  /* the dump's VMCOREINFO note */
	IQ_FOUND_CPU_STATE,	   /* control registers in QEMU's CPU notes, then its own VMCOREINFO in memory */
	IQ_FOUND_MEMORY_SCAN,	   /* VMCOREINFO text found by searching physical memory */
	IQ_FOUND_PAGE_TABLES,	   /* page tables found by searching physical memory, and an image that they map */
	IQ_FOUND_IMAGE,		   /* the image's symbol table found by searching; no page tables fit */
};

struct iq_kernel_options {
	struct iq_debugfile *vmlinux;	/* NULL: the dump alone.  The kernel does not own it */
	struct iq_debugfile **modules;	/* module debug files; not owned */
	unsigned int nr_modules;
	/*
	 * Called when the debug file of a module that has none of these is first needed: the file, of the
	 * module's build, or NULL.  Not owned.
	 */
	struct iq_debugfile *(*find_module)(void *arg, struct iq_kernel *k, const struct iq_module *m);
	void *find_module_arg;
	bool no_btf;			/* pretend that the dump has no BTF */
	const struct iq_cancel *cancel;
};

/*
 * The fields are for reading; those marked lazy are filled by the function named.
 */
struct iq_kernel {
	struct iq_dump *dump;
	struct iq_reader *reader;
	const struct iq_arch *arch;
	struct iq_layout layout;
	struct iq_vm *vm;		/* kernel address space */
	struct iq_symtab *symbols;	/* the kernel's own; modules have theirs */
	struct iq_warnings *warnings;	/* not owned; may be NULL */
	enum iq_found_by found_by;
	char *vmcoreinfo;		/* the text that was used: the note's or one found in memory */
	size_t vmcoreinfo_len;
	char release[65];		/* uname -r, from VMCOREINFO or init_uts_ns; "" unknown */
	char build_id[41];		/* of the kernel, hexadecimal; "" unknown */
	uint64_t stext, etext;		/* runtime addresses of kernel text; 0 unknown */
	struct iq_debugfile *vmlinux;	/* NULL: none */
	struct iq_kernel_private *priv;
	/* What the room stack remembers of this kernel's functions; freed with the kernel. */
	void *stack_memory;
	void (*stack_memory_free)(void *memory);
	/* The same of the room inspect: types of objects. */
	void *inspect_memory;
	void (*inspect_memory_free)(void *memory);
};

/*
 * Find the kernel in D: VMCOREINFO from the note; or QEMU's CPU state; or by scanning memory, for VMCOREINFO, for
 * page tables, for the kernel's image (a guess is a warning that says what it costs).  With two
 * kernels in the dump (a capture kernel's leftovers) the crashed one is chosen by evidence: the one
 * whose page tables the CPUs' CR3 use, whose text the instruction pointers lie in.
 * A vmlinux of another build is refused (IQ_E_NOT_FOUND) with both build-ids in the message.
 */
struct iq_error *iq_kernel_open(struct iq_dump *d, const struct iq_kernel_options *o,
				struct iq_warnings *w, struct iq_kernel **ret) IQ_CHECK;
/* Frees all that hangs on it, but not the dump and the debug files. */
void iq_kernel_close(struct iq_kernel *k);

/*
 * The kernel's types: its BTF, or without that the vmlinux's DWARF; NULL if the dump has none and no vmlinux
 * is there.  Lazy: read at the first call.
 */
struct iq_types *iq_kernel_types(struct iq_kernel *k);
/* The same or an error for people (IQ_E_UNAVAILABLE), which says why there are none and what helps. */
struct iq_error *iq_kernel_need_types(struct iq_kernel *k, struct iq_types **ret) IQ_CHECK;
/*
 * Byte offset and size of member PATH of struct TAG in this kernel: from its types as iq_offset() has it;
 * where there are none from VMCOREINFO (the size is 0 then: unknown), or as the objects in
 * memory prove it (src/kernel/probe.h: struct module, task_struct and a few others).  False: not
 * known.  SIZE may be NULL.
 */
bool iq_kernel_offset(struct iq_kernel *k, const char *tag, const char *path, uint64_t *offset,
		      uint64_t *size);
/* Size of struct (or union) TAG from the same sources; 0 unknown. */
uint64_t iq_kernel_sizeof(struct iq_kernel *k, const char *tag);
/* A type by name in the kernel's or, failing that, in any live module's types.  *FROM (may be NULL)
 * is the module it came from, NULL for the kernel. */
const struct iq_type *iq_kernel_type(struct iq_kernel *k, const char *name, struct iq_module **from);

/* ---- Names ------------------------------------------------------------------------------------ */

/*
 * The symbol that contains ADDRESS, kernel or module.  False: none.  Per-CPU offsets and other
 * "absolute" symbols are never an answer.
 */
bool iq_symbol_at(struct iq_kernel *k, uint64_t address, struct iq_symbol *ret);
/* By name: the kernel's first, then the modules'.  "mod:name" asks one module only. */
bool iq_symbol_named(struct iq_kernel *k, const char *name, struct iq_symbol *ret);
/* Runtime address of a kernel symbol (not modules'); 0: no such symbol. */
uint64_t iq_kernel_symbol(struct iq_kernel *k, const char *name);
/* Read the word (pointer) / SIZE-byte number in the kernel variable NAME; false if that cannot be done. */
bool iq_kernel_variable(struct iq_kernel *k, const char *name, unsigned int size, uint64_t *ret);
/* Is ADDRESS in kernel or module text (init text that is freed after boot excluded)? */
bool iq_is_text(struct iq_kernel *k, uint64_t address);
/*
 * "name+12" or "name+0xc" or, at offset 0, "name"; " [module]" is appended if WITH_MODULE.  False: no symbol.
 */
bool iq_symbol_format(struct iq_kernel *k, uint64_t address, bool hex, bool with_module, char *buf,
		      size_t room);
/*
 * The debug file that an address of code or data belongs to: the vmlinux, or its module's, which is
 * looked for now; NULL: there is none.
 */
struct iq_debugfile *iq_kernel_debugfile(struct iq_kernel *k, uint64_t address);
/* The source line of a runtime address through vmlinux or a module's debug file; see iq_line_of(). */
bool iq_kernel_line(struct iq_kernel *k, uint64_t address, const char **file, unsigned int *line);
unsigned int iq_kernel_inlines(struct iq_kernel *k, uint64_t address, struct iq_inline *out, unsigned int max);
/* The ORC row for an instruction address, from the kernel's or a module's tables in the dump. */
bool iq_kernel_orc(struct iq_kernel *k, uint64_t address, struct iq_orc_row *row);
/* Offer every symbol of kernel and modules to N. */
void iq_kernel_nearest_symbol(struct iq_kernel *k, struct iq_nearest *n);

/* ---- CPUs ------------------------------------------------------------------------------------- */

struct iq_cpu {
	unsigned int cpu;
	bool online, present;
	uint64_t percpu_offset;
	uint64_t current;	/* task_struct running there; 0 unknown */
	bool has_regs;		/* registers at the time of the dump are known */
	struct iq_regs regs;
	const char *regs_from;	/* "NT_PRSTATUS note", "QEMU CPU state note", "crash_notes" */
};
/* All possible CPUs; NR of them.  Lazy.  NULL (0): not known. */
const struct iq_cpu *iq_kernel_cpus(struct iq_kernel *k, unsigned int *nr);
/* __per_cpu_offset[cpu]; false if there is no such CPU. */
bool iq_percpu_offset(struct iq_kernel *k, unsigned int cpu, uint64_t *offset);
/* Address of per-CPU symbol NAME on CPU; 0 if there is none. */
uint64_t iq_percpu_symbol(struct iq_kernel *k, const char *name, unsigned int cpu);

/* ---- Stacks ----------------------------------------------------------------------------------- */

enum iq_stack_kind {
	IQ_STACK_NONE, /* not a stack known here */
	IQ_STACK_TASK,
	IQ_STACK_IRQ,  /* hard interrupts and soft interrupts share it on x86-64 */
	IQ_STACK_NMI,
	IQ_STACK_DOUBLE_FAULT,
	IQ_STACK_DEBUG,
	IQ_STACK_MCE,
	IQ_STACK_VC,
	IQ_STACK_ENTRY, /* entry trampoline */
};
struct iq_stack {
	enum iq_stack_kind kind;
	uint64_t start, end; /* end is the first address above */
	int cpu;	     /* of the per-CPU kinds; -1 for a task's */
	uint64_t task;	     /* of the task kind: its task_struct */
};
/* crash's word for it: "IRQ", "NMI", "DOUBLEFAULT", "DEBUG", "MCE", "VC", "entry trampoline". */
const char *iq_stack_kind_text(enum iq_stack_kind kind);
/* The per-CPU stack that contains ADDRESS; false: none. */
bool iq_cpu_stack_at(struct iq_kernel *k, uint64_t address, struct iq_stack *ret);
/* A CPU's stack of KIND. */
bool iq_cpu_stack(struct iq_kernel *k, unsigned int cpu, enum iq_stack_kind kind, struct iq_stack *ret);

/* ---- The machine ------------------------------------------------------------------------------ */

struct iq_system {
	char nodename[65], version[65], machine[65]; /* "" unknown */
	int64_t time;		/* when it died, seconds since 1970; 0 unknown */
	uint64_t uptime;	/* seconds */
	bool has_uptime, has_load;
	double load[3];
	uint64_t memory;	/* bytes of RAM the kernel manages; 0 unknown */
	unsigned int cpus_online, cpus_present, nr_tasks;
	uint64_t tainted;	/* tainted_mask */
	bool has_tainted;
	char panic[256];	/* the kernel's own last words, as found in the log; "" none */
};
struct iq_error *iq_kernel_system(struct iq_kernel *k, struct iq_system *ret) IQ_CHECK;

/* Which CPU panicked (panic_cpu, crashing_cpu, the log); -1 unknown. */
int iq_panic_cpu(struct iq_kernel *k);
/* The task that panicked, or the one running on the CPU that took the dump; 0: unknown. */
uint64_t iq_panic_task(struct iq_kernel *k);

#endif
