// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers: names, trap frames (struct pt_regs) and the two notes that hold registers. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <elf.h>
#include <inquest/arch.h>
#include <sys/procfs.h>
#include <sys/user.h>

static const struct iq_arch *arch;

static void names(void **state)
{
	assert_string_equal(arch->name, "x86_64");
	assert_null(iq_arch_by_machine(EM_NONE));
	assert_int_equal(iq_reg_by_name(arch, "rdi"), IQ_X86_RDI);
	assert_int_equal(iq_reg_by_name(arch, "$rdi"), IQ_X86_RDI);
	assert_int_equal(iq_reg_by_name(arch, "%R15"), IQ_X86_R15);
	assert_int_equal(iq_reg_by_name(arch, "pc"), IQ_X86_RIP);
	assert_int_equal(iq_reg_by_name(arch, "SP"), IQ_X86_RSP);
	assert_int_equal(iq_reg_by_name(arch, "fp"), IQ_X86_RBP);
	assert_int_equal(iq_reg_by_name(arch, "cr2"), IQ_X86_CR2);
	assert_int_equal(iq_reg_by_name(arch, "rdix"), -1);
	assert_int_equal(iq_reg_by_name(arch, ""), -1);
	for (unsigned int i = 0; i < arch->nr_regs; i++)
		assert_int_equal(iq_reg_by_name(arch, arch->reg_names[i]), i);
	/* Arguments of the System V ABI. */
	assert_int_equal(arch->nr_arg_regs, 6);
	assert_string_equal(arch->reg_names[arch->arg_regs[0]], "rdi");
	assert_string_equal(arch->reg_names[arch->arg_regs[3]], "rcx");
	assert_string_equal(arch->reg_names[arch->arg_regs[5]], "r9");
}

/* The C library's struct user_regs_struct is the kernel's, and begins as struct pt_regs. */
static void trap_frame(void **state)
{
	struct user_regs_struct u = {
		.r15 = 15,
		.r14 = 14,
		.r13 = 13,
		.r12 = 12,
		.rbp = 5,
		.rbx = 3,
		.r11 = 11,
		.r10 = 10,
		.r9 = 9,
		.r8 = 8,
		.rax = 100,
		.rcx = 2,
		.rdx = 1,
		.rsi = 4,
		.rdi = 55,
		.orig_rax = 99,
		.rip = 0xffffffff81000000,
		.cs = 0x10,
		.eflags = 0x246,
		.rsp = 0xffffc90000000000,
		.ss = 0x18,
	};
	struct iq_regs regs;

	assert_int_equal(arch->trap_frame_size, offsetof(struct user_regs_struct, fs_base));
	arch->trap_frame_regs((const uint8_t *)&u, &regs);
	assert_int_equal(regs.value[IQ_X86_R15], 15);
	assert_int_equal(regs.value[IQ_X86_RBP], 5);
	assert_int_equal(regs.value[IQ_X86_RBX], 3);
	assert_int_equal(regs.value[IQ_X86_RAX], 100);
	assert_int_equal(regs.value[IQ_X86_RCX], 2);
	assert_int_equal(regs.value[IQ_X86_RDX], 1);
	assert_int_equal(regs.value[IQ_X86_RSI], 4);
	assert_int_equal(regs.value[IQ_X86_RDI], 55);
	assert_int_equal(regs.value[IQ_X86_ORIG_RAX], 99);
	assert_int_equal(regs.value[IQ_X86_RIP], 0xffffffff81000000);
	assert_int_equal(regs.value[IQ_X86_RFLAGS], 0x246);
	assert_int_equal(regs.value[IQ_X86_RSP], 0xffffc90000000000);
	assert_false(iq_reg_known(&regs, IQ_X86_CR2));
	assert_false(arch->regs_user_mode(&regs));
	/* FRED keeps event data above the selectors. */
	u.cs = 0x1234000000000033;
	u.ss = 0x567800000000002b;
	arch->trap_frame_regs((const uint8_t *)&u, &regs);
	assert_int_equal(regs.value[IQ_X86_CS], 0x33);
	assert_int_equal(regs.value[IQ_X86_SS], 0x2b);
	assert_true(arch->regs_user_mode(&regs));
	/* Slots and values agree. */
	for (unsigned int i = 0; i < arch->nr_trap_slots; i++) {
		const struct iq_trap_slot *s = &arch->trap_slots[i];

		assert_true(s->offset + s->size <= arch->trap_frame_size);
		if (s->reg != IQ_X86_CS && s->reg != IQ_X86_SS)
			assert_int_equal(regs.value[s->reg],
					 iq_le((const uint8_t *)&u + s->offset, s->size));
	}
}

static void prstatus(void **state)
{
	struct elf_prstatus p = {.pr_pid = 4711};
	struct user_regs_struct u = {
		.r15 = 15,
		.rip = 0x401000,
		.cs = 0x33,
		.rsp = 0x7ffc00000000,
		.fs_base = 0x7f1,
		.gs_base = 0x7f2,
		.ds = 1,
		.es = 2,
		.fs = 3,
		.gs = 4,
		.orig_rax = UINT64_MAX,
	};
	struct iq_note note = {"CORE", NT_PRSTATUS, (const uint8_t *)&p, sizeof(p)};
	struct iq_regs regs;
	uint32_t pid;

	memcpy(p.pr_reg, &u, sizeof(u));
	assert_true(arch->prstatus_regs(&note, &regs, &pid));
	assert_int_equal(pid, 4711);
	assert_int_equal(regs.value[IQ_X86_R15], 15);
	assert_int_equal(regs.value[IQ_X86_RIP], 0x401000);
	assert_int_equal(regs.value[IQ_X86_RSP], 0x7ffc00000000);
	assert_int_equal(regs.value[IQ_X86_FS_BASE], 0x7f1);
	assert_int_equal(regs.value[IQ_X86_GS_BASE], 0x7f2);
	assert_int_equal(regs.value[IQ_X86_ORIG_RAX], UINT64_MAX);
	assert_int_equal(regs.value[IQ_X86_GS], 4);
	assert_true(arch->regs_user_mode(&regs));
	assert_true(arch->prstatus_regs(&note, &regs, NULL));
	note.size--;
	assert_false(arch->prstatus_regs(&note, &regs, &pid));
	note.size++;
	note.type = NT_PRFPREG;
	assert_false(arch->prstatus_regs(&note, &regs, &pid));
	note.type = NT_PRSTATUS;
	note.name = "LINUX";
	assert_false(arch->prstatus_regs(&note, &regs, &pid));
}

/* QEMU's target/i386/arch_dump.c. */
struct qemu_cpu_state {
	uint32_t version, size;
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
	struct {
		uint32_t selector, limit, flags, pad;
		uint64_t base;
	} cs, ds, es, fs, gs, ss, ldt, tr, gdt, idt;
	uint64_t cr[5];
	uint64_t kernel_gs_base;
};

static void qemu(void **state)
{
	struct qemu_cpu_state q = {
		.version = 1,
		.size = sizeof(q),
		.rax = 1,
		.rbx = 2,
		.rcx = 3,
		.rdx = 4,
		.rsi = 5,
		.rdi = 6,
		.rsp = 7,
		.rbp = 8,
		.r8 = 9,
		.r15 = 16,
		.rip = 17,
		.rflags = 0x46,
		.cs.selector = 0x10,
		.ss.selector = 0x18,
		.gs.base = 0xffff888000000000,
		.fs.base = 0x7f0,
		.idt.base = 0xfffffe0000000000,
		.cr = {0x80050033, 0, 0xdead, 0x1234000, 0x750eb0},
	};
	struct iq_note note = {"QEMU", 0, (const uint8_t *)&q, sizeof(q)};
	struct iq_regs regs = {.valid = 0};
	uint64_t idt = 0;

	assert_int_equal(sizeof(q), 440);
	iq_reg_set(&regs, IQ_X86_ORIG_RAX, 0);
	assert_true(arch->qemu_regs(&note, &regs, &idt));
	assert_int_equal(regs.value[IQ_X86_RAX], 1);
	assert_int_equal(regs.value[IQ_X86_RBX], 2);
	assert_int_equal(regs.value[IQ_X86_RCX], 3);
	assert_int_equal(regs.value[IQ_X86_RDX], 4);
	assert_int_equal(regs.value[IQ_X86_RSP], 7);
	assert_int_equal(regs.value[IQ_X86_RBP], 8);
	assert_int_equal(regs.value[IQ_X86_R15], 16);
	assert_int_equal(regs.value[IQ_X86_RIP], 17);
	assert_int_equal(regs.value[IQ_X86_CS], 0x10);
	assert_int_equal(regs.value[IQ_X86_SS], 0x18);
	assert_int_equal(regs.value[IQ_X86_FS_BASE], 0x7f0);
	assert_int_equal(regs.value[IQ_X86_GS_BASE], 0xffff888000000000);
	assert_int_equal(regs.value[IQ_X86_CR0], 0x80050033);
	assert_int_equal(regs.value[IQ_X86_CR2], 0xdead);
	assert_int_equal(regs.value[IQ_X86_CR3], 0x1234000);
	assert_int_equal(regs.value[IQ_X86_CR4], 0x750eb0);
	assert_int_equal(idt, 0xfffffe0000000000);
	/* The 0 in QEMU's NT_PRSTATUS is not what was there. */
	assert_false(iq_reg_known(&regs, IQ_X86_ORIG_RAX));
	/* Before 2.12 there was no kernel_gs_base. */
	note.size = q.size = sizeof(q) - 8;
	assert_true(arch->qemu_regs(&note, &regs, NULL));
	note.size--;
	assert_false(arch->qemu_regs(&note, &regs, NULL));
	note.size = sizeof(q);
	note.name = "CORE";
	assert_false(arch->qemu_regs(&note, &regs, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(trap_frame),
		cmocka_unit_test(prstatus),
		cmocka_unit_test(qemu),
	};

	arch = iq_arch_by_machine(EM_X86_64);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
