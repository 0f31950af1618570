// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers of x86-64: their names and roles, and the places they are saved in: the trap frame
 * (struct pt_regs), the NT_PRSTATUS note and QEMU's own note.
 */
#include <elf.h>

#include "x86_64.h"

// clang-format off
static const char *const reg_names[IQ_X86_NR_REGS] = {
	"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12",
	"r13", "r14", "r15", "rip", "rflags", "cs", "ss", "orig_rax", "ds", "es", "fs", "gs",
	"fs_base", "gs_base", "cr0", "cr2", "cr3", "cr4",
};

static const unsigned int arg_regs[] = {
	IQ_X86_RDI, IQ_X86_RSI, IQ_X86_RDX, IQ_X86_RCX, IQ_X86_R8, IQ_X86_R9,
};

/* arch/x86/include/asm/ptrace.h: struct pt_regs, as entry_64.S pushes it. */
static const struct iq_trap_slot trap_slots[] = {
	{ "r15", 0, 8, IQ_X86_R15 },	  { "r14", 8, 8, IQ_X86_R14 },
	{ "r13", 16, 8, IQ_X86_R13 },	  { "r12", 24, 8, IQ_X86_R12 },
	{ "bp", 32, 8, IQ_X86_RBP },	  { "bx", 40, 8, IQ_X86_RBX },
	{ "r11", 48, 8, IQ_X86_R11 },	  { "r10", 56, 8, IQ_X86_R10 },
	{ "r9", 64, 8, IQ_X86_R9 },	  { "r8", 72, 8, IQ_X86_R8 },
	{ "ax", 80, 8, IQ_X86_RAX },	  { "cx", 88, 8, IQ_X86_RCX },
	{ "dx", 96, 8, IQ_X86_RDX },	  { "si", 104, 8, IQ_X86_RSI },
	{ "di", 112, 8, IQ_X86_RDI },	  { "orig_ax", 120, 8, IQ_X86_ORIG_RAX },
	{ "ip", 128, 8, IQ_X86_RIP },	  { "cs", 136, 8, IQ_X86_CS },
	{ "flags", 144, 8, IQ_X86_RFLAGS }, { "sp", 152, 8, IQ_X86_RSP },
	{ "ss", 160, 8, IQ_X86_SS },
};
#define TRAP_FRAME_SIZE 168
// clang-format on

static void trap_frame_regs(const uint8_t *frame, struct iq_regs *regs)
{
	memset(regs, 0, sizeof(*regs));
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(trap_slots); i++) {
		const struct iq_trap_slot *s = &trap_slots[i];
		uint64_t value = iq_le64(frame + s->offset);

		/* With FRED (6.9) the upper bits of these two words hold event data. */
		if (s->reg == IQ_X86_CS || s->reg == IQ_X86_SS)
			value &= 0xffff;
		iq_reg_set(regs, (unsigned int)s->reg, value);
	}
}

static bool regs_user_mode(const struct iq_regs *regs)
{
	if (iq_reg_known(regs, IQ_X86_CS))
		return (regs->value[IQ_X86_CS] & 3) == 3;
	return iq_reg_known(regs, IQ_X86_RIP) && !(regs->value[IQ_X86_RIP] >> 63);
}

/* struct elf_prstatus (include/linux/elfcore.h): where pr_pid and pr_reg are, and its size. */
#define PRSTATUS_PID 32
#define PRSTATUS_REG 112
#define PRSTATUS_SIZE 336

static bool prstatus_regs(const struct iq_note *note, struct iq_regs *regs, uint32_t *pid)
{
	/* struct user_regs_struct, arch/x86/include/asm/user_64.h. */
	static const uint8_t order[] = {
		IQ_X86_R15,    IQ_X86_R14, IQ_X86_R13, IQ_X86_R12,	IQ_X86_RBP,	IQ_X86_RBX,
		IQ_X86_R11,    IQ_X86_R10, IQ_X86_R9,  IQ_X86_R8,	IQ_X86_RAX,	IQ_X86_RCX,
		IQ_X86_RDX,    IQ_X86_RSI, IQ_X86_RDI, IQ_X86_ORIG_RAX, IQ_X86_RIP,	IQ_X86_CS,
		IQ_X86_RFLAGS, IQ_X86_RSP, IQ_X86_SS,  IQ_X86_FS_BASE,	IQ_X86_GS_BASE, IQ_X86_DS,
		IQ_X86_ES,     IQ_X86_FS,  IQ_X86_GS,
	};

	if (note->type != NT_PRSTATUS || strcmp(note->name, "CORE") || note->size < PRSTATUS_SIZE)
		return false;
	memset(regs, 0, sizeof(*regs));
	for (unsigned int i = 0; i < sizeof(order); i++)
		iq_reg_set(regs, order[i], iq_le64(note->data + PRSTATUS_REG + 8 * i));
	if (pid)
		*pid = iq_le32(note->data + PRSTATUS_PID);
	return true;
}

/*
 * struct QEMUCPUState (QEMU's target/i386/arch_dump.c): u32 version, size; 18 registers; ten
 * descriptors {u32 selector, limit, flags, pad; u64 base}; cr[5]; and kernel_gs_base since QEMU
 * 2.12.
 */
#define QEMU_REGS 8
#define QEMU_SEGMENTS (QEMU_REGS + 18 * 8)
#define QEMU_SEGMENT_SIZE 24
#define QEMU_CR (QEMU_SEGMENTS + 10 * QEMU_SEGMENT_SIZE)
#define QEMU_MIN_SIZE (QEMU_CR + 5 * 8)
#define QEMU_IDT 9

static uint64_t qemu_segment_base(const uint8_t *state, unsigned int segment)
{
	return iq_le64(state + QEMU_SEGMENTS + segment * QEMU_SEGMENT_SIZE + 16);
}

static bool qemu_regs(const struct iq_note *note, struct iq_regs *regs, uint64_t *idt_base)
{
	static const uint8_t order[] = {
		IQ_X86_RAX, IQ_X86_RBX, IQ_X86_RCX, IQ_X86_RDX, IQ_X86_RSI, IQ_X86_RDI,
		IQ_X86_RSP, IQ_X86_RBP, IQ_X86_R8,  IQ_X86_R9,	IQ_X86_R10, IQ_X86_R11,
		IQ_X86_R12, IQ_X86_R13, IQ_X86_R14, IQ_X86_R15, IQ_X86_RIP, IQ_X86_RFLAGS,
	};
	static const uint8_t segments[] = {
		IQ_X86_CS, IQ_X86_DS, IQ_X86_ES, IQ_X86_FS, IQ_X86_GS, IQ_X86_SS,
	};
	static const int control[] = {IQ_X86_CR0, -1, IQ_X86_CR2, IQ_X86_CR3, IQ_X86_CR4};
	const uint8_t *state = note->data;

	if (strcmp(note->name, "QEMU") || note->type != 0 || note->size < QEMU_MIN_SIZE ||
	    iq_le32(state) == 0 || iq_le32(state + 4) < QEMU_MIN_SIZE)
		return false;
	for (unsigned int i = 0; i < sizeof(order); i++)
		iq_reg_set(regs, order[i], iq_le64(state + QEMU_REGS + 8 * i));
	for (unsigned int i = 0; i < sizeof(segments); i++)
		iq_reg_set(regs, segments[i],
			   iq_le32(state + QEMU_SEGMENTS + i * QEMU_SEGMENT_SIZE));
	iq_reg_set(regs, IQ_X86_FS_BASE, qemu_segment_base(state, 3));
	iq_reg_set(regs, IQ_X86_GS_BASE, qemu_segment_base(state, 4));
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(control); i++)
		if (control[i] >= 0)
			iq_reg_set(regs, (unsigned int)control[i],
				   iq_le64(state + QEMU_CR + 8 * i));
	/* QEMU does not know it: the zero in its NT_PRSTATUS note is no value. */
	regs->valid &= ~(UINT64_C(1) << IQ_X86_ORIG_RAX);
	if (idt_base)
		*idt_base = qemu_segment_base(state, QEMU_IDT);
	return true;
}

/* r8d, r8w, r8b and gdb's r8l of the registers with numbers. */
static bool numbered_part(const char *name, struct iq_reg_part *ret)
{
	static const char letters[] = "dwbl";
	static const unsigned int sizes[] = {4, 2, 1, 1};
	unsigned int n;
	const char *letter;

	if (sscanf(name, "r%2u", &n) != 1 || n < 8 || n > 15)
		return false;
	letter = name + (n > 9 ? 3 : 2);
	if (!*letter || letter[1] || !strchr(letters, *letter))
		return false;
	*ret = (struct iq_reg_part){IQ_X86_R8 + n - 8, 0, sizes[strchr(letters, *letter) - letters]};
	return true;
}

static bool reg_part(const char *name, struct iq_reg_part *ret)
{
	/* By the numbers of the registers: the lowest 16 bits, 8 bits, and the 8 bits above those. */
	static const struct {
		const char *word, *low, *high;
	} parts[] = {
		{"ax", "al", "ah"}, {"dx", "dl", "dh"}, {"cx", "cl", "ch"},  {"bx", "bl", "bh"},
		{"si", "sil", ""},  {"di", "dil", ""},  {"bp", "bpl", ""}, {"", "spl", ""},
	};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(parts); i++) {
		if (*name == 'e' && !strcmp(name + 1, reg_names[i] + 1))
			*ret = (struct iq_reg_part){i, 0, 4};
		else if (!strcmp(name, parts[i].word))
			*ret = (struct iq_reg_part){i, 0, 2};
		else if (!strcmp(name, parts[i].low))
			*ret = (struct iq_reg_part){i, 0, 1};
		else if (!strcmp(name, parts[i].high))
			*ret = (struct iq_reg_part){i, 8, 1};
		else
			continue;
		return *name != 0;
	}
	if (!strcmp(name, "eip") || !strcmp(name, "eflags")) {
		*ret = (struct iq_reg_part){name[1] == 'i' ? IQ_X86_RIP : IQ_X86_RFLAGS, 0, 4};
		return true;
	}
	return numbered_part(name, ret);
}

const struct iq_arch iq_x86_64 = {
	.name = "x86_64",
	.machine = EM_X86_64,
	.word = 8,
	.nr_regs = IQ_X86_NR_REGS,
	.reg_names = reg_names,
	.reg_pc = IQ_X86_RIP,
	.reg_sp = IQ_X86_RSP,
	.reg_fp = IQ_X86_RBP,
	.reg_flags = IQ_X86_RFLAGS,
	.callee_saved = UINT64_C(1) << IQ_X86_RBX | UINT64_C(1) << IQ_X86_RBP |
			UINT64_C(1) << IQ_X86_R12 | UINT64_C(1) << IQ_X86_R13 |
			UINT64_C(1) << IQ_X86_R14 | UINT64_C(1) << IQ_X86_R15,
	.nr_arg_regs = IQ_ARRAY_SIZE(arg_regs),
	.arg_regs = arg_regs,
	.trap_frame_size = TRAP_FRAME_SIZE,
	.nr_trap_slots = IQ_ARRAY_SIZE(trap_slots),
	.trap_slots = trap_slots,
	.trap_frame_regs = trap_frame_regs,
	.regs_user_mode = regs_user_mode,
	.prstatus_regs = prstatus_regs,
	.qemu_regs = qemu_regs,
	.reg_part = reg_part,
	.vm = &iq_x86_64_vm,
	.insn = &iq_x86_64_insn,
};
