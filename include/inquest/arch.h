/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arch: what differs between machines.  A struct iq_arch is a table of constants and functions,
 * chosen once per dump; everything to the right asks it and never the machine's name.
 *
 * Three chapters: registers, virtual address spaces (page tables), instructions.
 */
#ifndef INQUEST_ARCH_H
#define INQUEST_ARCH_H

#include <inquest/dump.h>
#if IQ_ROOM < IQ_ROOM_ARCH
#error "arch.h belongs to a room to the right of this one"
#endif

struct iq_arch;
struct iq_vm;

/* ---- Registers -------------------------------------------------------------------------------- */

#define IQ_MAX_REGS 40

/*
 * A set of register values, by the architecture's register numbers (x86-64: DWARF numbers 0-15 =
 * rax rdx rcx rbx rsi rdi rbp rsp r8-r15, 16 = rip; then enum iq_x86_64_extra).  `valid` has a bit for
 * each register whose value is known.
 */
struct iq_regs {
	uint64_t value[IQ_MAX_REGS];
	uint64_t valid;
};

enum iq_x86_64_reg {
	IQ_X86_RAX, IQ_X86_RDX, IQ_X86_RCX, IQ_X86_RBX, IQ_X86_RSI, IQ_X86_RDI, IQ_X86_RBP, IQ_X86_RSP,
	IQ_X86_R8, IQ_X86_R9, IQ_X86_R10, IQ_X86_R11, IQ_X86_R12, IQ_X86_R13, IQ_X86_R14, IQ_X86_R15,
	IQ_X86_RIP,
	IQ_X86_RFLAGS, IQ_X86_CS, IQ_X86_SS, IQ_X86_ORIG_RAX, IQ_X86_DS, IQ_X86_ES, IQ_X86_FS,
	IQ_X86_GS, IQ_X86_FS_BASE, IQ_X86_GS_BASE, IQ_X86_CR0, IQ_X86_CR2, IQ_X86_CR3, IQ_X86_CR4,
	IQ_X86_NR_REGS
};

static inline bool iq_reg_known(const struct iq_regs *r, unsigned int reg)
{
	return r->valid >> reg & 1;
}
static inline void iq_reg_set(struct iq_regs *r, unsigned int reg, uint64_t value)
{
	r->value[reg] = value;
	r->valid |= UINT64_C(1) << reg;
}

/* One slot of the trap frame: which register lies at which offset, and its member name. */
struct iq_trap_slot {
	const char *name; /* the kernel's member name in struct pt_regs: "r15", "ip", "orig_ax" */
	unsigned int offset, size;
	int reg;
};

/* A part of a register that has a name of its own. */
struct iq_reg_part {
	unsigned int reg, shift, size; /* SIZE bytes of `reg`, from bit SHIFT on */
};

struct iq_arch {
	const char *name;	/* "x86_64", as uname -m says */
	uint16_t machine;	/* EM_X86_64 */
	unsigned int word;	/* bytes of a pointer */
	unsigned int nr_regs;
	const char *const *reg_names; /* lower case, by number: "rax" … */
	unsigned int reg_pc, reg_sp, reg_fp, reg_flags;
	/* Registers that a called function must preserve, as a mask (x86-64: rbx rbp r12-r15). */
	uint64_t callee_saved;
	/* Registers of integer arguments 0…nr_arg_regs-1. */
	unsigned int nr_arg_regs;
	const unsigned int *arg_regs;
	/* struct pt_regs as the kernel's entry code lays it out (asm/ptrace.h). */
	unsigned int trap_frame_size, nr_trap_slots;
	const struct iq_trap_slot *trap_slots;
	/* The same frame read from its bytes. */
	void (*trap_frame_regs)(const uint8_t *frame, struct iq_regs *regs);
	/* Is this a trap frame that interrupted user mode (true) or the kernel (false)? */
	bool (*regs_user_mode)(const struct iq_regs *regs);
	/* Registers in an NT_PRSTATUS note (its pr_reg), and in QEMU's own "QEMU" note (which also has
	 * control registers; adds to *REGS).  False: note too short or of another kind. */
	bool (*prstatus_regs)(const struct iq_note *note, struct iq_regs *regs, uint32_t *pid);
	bool (*qemu_regs)(const struct iq_note *note, struct iq_regs *regs, uint64_t *idt_base);

	/* x86-64: "eax", "ax", "al", "ah", "r8d", "eflags" …; false: no such part. */
	bool (*reg_part)(const char *name, struct iq_reg_part *ret);

	/* Page tables and instructions: used through iq_vm_… and iq_insn_… below. */
	const struct iq_vm_ops *vm;
	const struct iq_insn_ops *insn;
};

/* NULL: this build knows no such machine. */
const struct iq_arch *iq_arch_by_machine(uint16_t elf_machine);
/* Register number by its name ("rdi", "$rdi", "RDI", "pc", "sp"); -1 unknown. */
int iq_reg_by_name(const struct iq_arch *a, const char *name);

/* ---- Virtual address spaces ------------------------------------------------------------------- */

#define IQ_MAX_LEVELS 5

/* One step of a page-table walk. */
struct iq_walk_level {
	const char *name;	/* "PGD", "P4D", "PUD", "PMD", "PTE" */
	unsigned int level;	/* 5 = top of five … 1 = PTE */
	uint64_t entry_address; /* physical address of the entry, memory-encryption bits cleared */
	uint64_t entry;		/* its content as read */
	uint64_t span;		/* bytes of address space that it translates */
};

struct iq_walk {
	enum iq_mem status;	/* IQ_MEM_OK, IQ_MEM_UNMAPPED (last level's entry is not present), or
				 * why the last level's entry could not be read */
	bool linear;		/* a table was not readable (the last level filled in, whose entry is
				 * 0), or there is none: `physical` comes from the kernel's linear
				 * mapping by arithmetic */
	unsigned int nr;	/* levels filled in, outermost first */
	struct iq_walk_level level[IQ_MAX_LEVELS];
	uint64_t page_size;	/* 4 KiB, 2 MiB, 1 GiB; 0 if not mapped */
	uint64_t page;		/* physical address of the page (of page_size) */
	uint64_t physical;	/* physical address of the byte asked for; valid if status is OK */
};

/*
 * Where the kernel's memory lies.  Filled in by the kernel room once it has found out; zero means not
 * known.  x86-64: Documentation/arch/x86/x86_64/mm.rst.
 */
struct iq_layout {
	unsigned int levels;	   /* of page tables: 4 or 5 */
	bool kaslr_known;
	int64_t kaslr_offset;	   /* runtime address - link address of kernel text */
	uint64_t text_base;	   /* __START_KERNEL_map: kernel image VA = PA + text_base - phys_base */
	uint64_t text_end;	   /* end of that mapping (text_base + KERNEL_IMAGE_SIZE) */
	int64_t phys_base;
	bool text_linear;	   /* the tables of that mapping are damaged: arithmetic alone decides */
	uint64_t page_offset, page_offset_end;	/* direct map: VA = PA + page_offset */
	uint64_t vmalloc_start, vmalloc_end;
	uint64_t vmemmap_start, vmemmap_end;
	uint64_t modules_start, modules_end;
	uint64_t encryption_mask;  /* sme_mask: physical address bits to clear in table entries */
	uint64_t kernel_root;	   /* physical address of the kernel's top table (swapper_pg_dir) */
};

/* What the kernel writes into an entry without a page (x86-64: asm/pgtable_64.h, "Encode and de-code a swap entry"). */
struct iq_swap_bits {
	unsigned int type;
	uint64_t offset;
	bool soft_dirty, uffd_wp, exclusive;
};

struct iq_vm_ops {
	void (*walk)(struct iq_vm *vm, uint64_t va, struct iq_walk *w);
	bool (*canonical)(const struct iq_layout *l, uint64_t va);
	/* Kernel half of the address space? */
	bool (*is_kernel)(const struct iq_layout *l, uint64_t va);
	/* Names of the flag bits set in a table entry of this level, e.g. "PRESENT", "RW"; at most MAX.
	 * Order and words as crash prints them. */
	unsigned int (*entry_flags)(uint64_t entry, unsigned int level, const char **names,
				    unsigned int max);
	/*
	 * Call FN with each table below the top one, and with that itself first: its physical address,
	 * its level (1 is that of pages) and the lowest address that it translates; of the kernel's
	 * half of the address space, or of the user's.  False if FN returned false, or after 4 million.
	 */
	bool (*tables)(struct iq_vm *vm, bool kernel,
		       bool (*fn)(void *arg, uint64_t table, unsigned int level, uint64_t va), void *arg);
	/*
	 * The kernel's swap entry in a table entry that maps nothing; false: it maps a page or a table,
	 * or is empty.  What its types mean is told by swap.h.
	 */
	bool (*swap_entry)(uint64_t entry, unsigned int level, struct iq_swap_bits *ret);
	/*
	 * Can this page of 4 KiB be a top table with the kernel's half in it?  MEMORY_END is the first
	 * physical address behind all memory.  Few pages that are none look like one, but some do.
	 */
	bool (*may_be_root)(const uint8_t *page, uint64_t memory_end);
};

/*
 * An address space: a reader, a layout and a top table.  Belongs to one thread, as its reader does.
 * Translations are cached.  VM keeps pointers to ARCH, LAYOUT and READER: they must outlive it;
 * the layout may be completed after opening (call iq_vm_flush()).
 */
struct iq_error *iq_vm_open(const struct iq_arch *arch, const struct iq_layout *layout,
			    struct iq_reader *reader, uint64_t root, struct iq_vm **ret) IQ_CHECK;
void iq_vm_close(struct iq_vm *vm);
void iq_vm_flush(struct iq_vm *vm);
struct iq_reader *iq_vm_reader(const struct iq_vm *vm);
const struct iq_arch *iq_vm_arch(const struct iq_vm *vm);
const struct iq_layout *iq_vm_layout(const struct iq_vm *vm);
/* Physical address of the top table; 0: none, only the linear mappings translate. */
uint64_t iq_vm_root(const struct iq_vm *vm);

/* Walk the tables for VA, keeping every step (no cache). */
void iq_vm_walk(struct iq_vm *vm, uint64_t va, struct iq_walk *w);
/*
 * Physical address of VA.  The page tables decide; where a table itself cannot be read, the linear
 * mappings (kernel image, direct map) do.  *LEFT (may be NULL) is the number of bytes up to the
 * end of the mapping's page.
 */
enum iq_mem iq_vm_translate(struct iq_vm *vm, uint64_t va, uint64_t *pa, uint64_t *left);
/*
 * The pages of the NR addresses will be read soon (iq_reader_prefetch(), at most IQ_PREFETCH_MOST);
 * those that have none are passed over.
 */
void iq_vm_prefetch(struct iq_vm *vm, const uint64_t *addresses, unsigned int nr);
/* LEN bytes of virtual memory; on failure the bytes before FAULT->address are in BUF. */
enum iq_mem iq_vm_read(struct iq_vm *vm, uint64_t va, void *buf, size_t len, struct iq_fault *fault);
/* The same with an error for people: IQ_E_MEMORY naming WHAT ("struct task_struct of pid 1"). */
struct iq_error *iq_vm_read_or(struct iq_vm *vm, uint64_t va, void *buf, size_t len,
			       const char *what) IQ_CHECK;
/* A number of SIZE 1, 2, 4 or 8 bytes. */
enum iq_mem iq_vm_read_uint(struct iq_vm *vm, uint64_t va, unsigned int size, uint64_t *ret);
/*
 * A NUL-terminated string of at most ROOM - 1 bytes, cut there.  OK even if it had to be cut;
 * a failure with *BUF == 0 only if not one byte could be read.
 */
enum iq_mem iq_vm_read_string(struct iq_vm *vm, uint64_t va, char *buf, size_t room);

/* ---- Instructions ----------------------------------------------------------------------------- */

enum iq_flow {
	IQ_FLOW_NONE,	/* goes on with the next instruction */
	IQ_FLOW_CALL,
	IQ_FLOW_JUMP,	/* unconditional */
	IQ_FLOW_BRANCH, /* conditional */
	IQ_FLOW_RETURN, /* ret, iret, sysret */
	IQ_FLOW_TRAP,	/* ud2, int3, hlt … */
};

/* Most any instruction has (iret, enter), hidden ones included. */
#define IQ_MAX_OPERANDS 8

/* One explicit or hidden operand. */
struct iq_operand {
	enum { IQ_OP_REG, IQ_OP_MEM, IQ_OP_IMM, IQ_OP_TARGET } kind;
	bool read, write;	/* for MEM: the memory; lea, nop and prefetch only name it: neither */
	bool conditional;	/* the write may not happen (cmov, rep) */
	bool hidden;		/* not in the text: rsp of push, rflags are left out */
	unsigned int size;	/* bytes */
	int reg;		/* REG: number in struct iq_regs, widened to the full register; -1 other */
	bool high_byte;		/* ah, bh, ch, dh */
	int base, index;	/* MEM: registers, -1 none; base may be reg_pc (then disp is absolute) */
	unsigned int scale;
	int segment;		/* MEM: IQ_X86_FS, IQ_X86_GS when overridden, else -1 */
	bool no_address;	/* MEM: more than one address (vector index), or one that base, index
				 * and disp cannot express (32-bit arithmetic, bt with a register) */
	int64_t disp;		/* MEM: displacement; IMM: value, sign extended; TARGET: absolute address */
};

struct iq_insn {
	uint64_t address;
	unsigned int length;	/* 0 is never returned */
	uint8_t bytes[16];
	bool bad;		/* not an instruction: one byte, shown as "(bad)" */
	enum iq_flow flow;
	bool has_target;	/* CALL, JUMP, BRANCH to a fixed address */
	uint64_t target;
	char mnemonic[24];	/* Intel's, lower case: "mov", "call" */
	/* In Intel's order, destination first; the hidden ones last.  Those that touch neither memory
	 * nor a register of struct iq_regs (rip and rflags aside) are left out if hidden. */
	unsigned int nr_operands;
	struct iq_operand operand[IQ_MAX_OPERANDS];
};

/* Turns an address into "symbol+off" for operands; returns false if it has no name. */
struct iq_insn_namer {
	bool (*name)(void *arg, uint64_t address, char *buf, size_t room);
	void *arg;
};

struct iq_insn_ops {
	bool (*decode)(const uint8_t *code, size_t len, uint64_t address, struct iq_insn *insn);
	void (*text)(const uint8_t *code, size_t len, uint64_t address, const struct iq_insn_namer *namer,
		     struct iq_buf *out);
	bool (*operand_address)(const struct iq_operand *op, const struct iq_regs *regs,
				uint64_t *ret);
};

/*
 * Decode the instruction at the start of CODE (LEN bytes available, up to 15 are looked at) that lies
 * at ADDRESS.  False: LEN is 0.  An undecodable byte is an instruction of length 1 with `bad`.
 */
bool iq_insn_decode(const struct iq_arch *a, const uint8_t *code, size_t len, uint64_t address,
		    struct iq_insn *insn);
/*
 * Its text as GNU objdump 2.40 -d prints it in AT&T syntax (mnemonic, blanks, operands, and the comment
 * "        # 0x… <sym+off>" for rip-relative operands), but with 0x before target addresses and
 * "<sym+off>" behind them as NAMER gives it (NULL: none).
 */
void iq_insn_text(const struct iq_arch *a, const uint8_t *code, size_t len, uint64_t address,
		  const struct iq_insn_namer *namer, struct iq_buf *out);

/*
 * Effective address of a memory operand with the registers from before the instruction (push: the slot
 * that it writes); false if one of them is not known, or for no_address.
 */
bool iq_operand_address(const struct iq_arch *a, const struct iq_operand *op,
			const struct iq_regs *regs, uint64_t *ret);

#endif
