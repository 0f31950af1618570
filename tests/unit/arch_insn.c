// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What instructions do: registers and memory read and written, control flow, addresses.
 * Expectations are from Intel's manual, volume 2.  Texts of whole programs are compared with
 * objdump's by insn_text.c.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <elf.h>
#include <inquest/arch.h>

#define ADDRESS UINT64_C(0xffffffff81000000)

static const struct iq_arch *arch;

static size_t parse(const char *hex, uint8_t *code)
{
	size_t n = 0;
	unsigned int byte;

	while (sscanf(hex, "%2x", &byte) == 1) {
		code[n++] = (uint8_t)byte;
		hex += hex[2] == ' ' ? 3 : 2;
	}
	return n;
}

static struct iq_insn decode(const char *hex)
{
	uint8_t code[32];
	size_t n = parse(hex, code);
	struct iq_insn insn;

	assert_true(iq_insn_decode(arch, code, n, ADDRESS, &insn));
	if (!insn.bad)
		assert_int_equal(insn.length, n);
	return insn;
}

/* ---- Effects --------------------------------------------------------------------------------- */

/*
 * Effects as words: "r:rax,rbx" registers read, "w:" written, "c:" perhaps written (also in "w:"),
 * "R:" and "W:" memory read and written as base+disp.  Registers in order of their numbers.
 */
static void describe(const struct iq_insn *insn, char *out, size_t room)
{
	static const char kinds[] = "rwc";
	size_t n = 0;

	*out = '\0';
	for (const char *k = kinds; *k; k++) {
		uint64_t mask = 0;
		const char *comma = "";

		for (unsigned int i = 0; i < insn->nr_operands; i++) {
			const struct iq_operand *op = &insn->operand[i];
			bool wanted = *k == 'r'	  ? op->read
				      : *k == 'w' ? op->write
						  : op->conditional;

			if (op->kind == IQ_OP_REG && op->reg >= 0 && wanted)
				mask |= UINT64_C(1) << op->reg;
		}
		if (!mask)
			continue;
		n += (size_t)snprintf(out + n, room - n, "%s%c:", n ? " " : "", *k);
		for (unsigned int r = 0; r < arch->nr_regs; r++) {
			if (!(mask >> r & 1))
				continue;
			n += (size_t)snprintf(out + n, room - n, "%s%s", comma, arch->reg_names[r]);
			comma = ",";
		}
	}
	for (unsigned int i = 0; i < insn->nr_operands; i++) {
		const struct iq_operand *op = &insn->operand[i];

		if (op->kind != IQ_OP_MEM || (!op->read && !op->write))
			continue;
		n += (size_t)snprintf(out + n, room - n, "%s%s%s:%s%+ld/%u", n ? " " : "",
				      op->read ? "R" : "", op->write ? "W" : "",
				      op->base >= 0 ? arch->reg_names[op->base] : "", op->disp,
				      op->size);
	}
}

static void effects(void **state)
{
	// clang-format off
	static const struct {
		const char *hex, *want;
	} cases[] = {
		{ "55", "r:rbp,rsp w:rsp W:rsp-8/8" },			 /* push %rbp */
		{ "5d", "r:rsp w:rbp,rsp R:rsp+0/8" },			 /* pop %rbp */
		{ "6a ff", "r:rsp w:rsp W:rsp-8/8" },			 /* push $-1 */
		{ "ff 70 08", "r:rsp w:rsp R:rax+8/8 W:rsp-8/8" },	 /* push 0x8(%rax) */
		{ "8f 44 24 08", "r:rsp w:rsp W:rsp+16/8 R:rsp+0/8" },	 /* pop 0x8(%rsp) */
		{ "9c", "r:rsp w:rsp W:rsp-8/8" },			 /* pushf */
		{ "e8 00 00 00 00", "r:rsp w:rsp W:rsp-8/8" },		 /* call */
		{ "ff d0", "r:rax,rsp w:rsp W:rsp-8/8" },		 /* call *%rax */
		{ "ff 53 18", "r:rsp w:rsp R:rbx+24/8 W:rsp-8/8" },	 /* call *0x18(%rbx) */
		{ "c3", "r:rsp w:rsp R:rsp+0/8" },			 /* ret */
		{ "c9", "r:rbp w:rbp,rsp R:rbp+0/8" },			 /* leave */
		{ "48 89 c3", "r:rax w:rbx" },				 /* mov %rax,%rbx */
		{ "48 8b 43 08", "w:rax R:rbx+8/8" },			 /* mov 0x8(%rbx),%rax */
		{ "89 43 08", "r:rax W:rbx+8/4" },			 /* mov %eax,0x8(%rbx) */
		{ "ff 43 08", "RW:rbx+8/4" },				 /* incl 0x8(%rbx) */
		{ "83 7b 08 00", "R:rbx+8/4" },				 /* cmpl $0,0x8(%rbx) */
		{ "48 85 c0", "r:rax" },				 /* test %rax,%rax */
		{ "48 01 d8", "r:rax,rbx w:rax" },			 /* add %rbx,%rax */
		{ "48 8d 44 8b 08", "w:rax" },				 /* lea 8(%rbx,%rcx,4),%rax */
		{ "48 0f 44 c3", "r:rbx w:rax c:rax" },			 /* cmove %rbx,%rax */
		{ "48 87 d8", "r:rax,rbx w:rax,rbx" },			 /* xchg %rbx,%rax */
		{ "48 87 03", "r:rax w:rax RW:rbx+0/8" },		 /* xchg %rax,(%rbx) */
		{ "f0 48 0f c1 03", "r:rax w:rax RW:rbx+0/8" },		 /* lock xadd %rax,(%rbx) */
		{ "f0 48 0f b1 13",					 /* cmpxchg %rdx,(%rbx) */
		  "r:rax,rdx w:rax c:rax RW:rbx+0/8" },
		{ "f0 48 0f c7 0b",					 /* cmpxchg16b (%rbx) */
		  "r:rax,rdx,rcx,rbx w:rax,rdx c:rax,rdx RW:rbx+0/16" },
		{ "f3 48 a5",						 /* rep movsq */
		  "r:rcx,rsi,rdi w:rcx,rsi,rdi c:rcx,rsi,rdi W:rdi+0/8 R:rsi+0/8" },
		{ "a4", "r:rsi,rdi w:rsi,rdi W:rdi+0/1 R:rsi+0/1" },	 /* movsb */
		{ "f3 48 ab", "r:rax,rcx,rdi w:rcx,rdi c:rcx,rdi W:rdi+0/8" }, /* rep stos */
		{ "48 f7 e1", "r:rax,rcx w:rax,rdx" },			 /* mul %rcx */
		{ "48 f7 f1", "r:rax,rdx,rcx w:rax,rdx" },		 /* div %rcx */
		{ "48 0f af c1", "r:rax,rcx w:rax" },			 /* imul %rcx,%rax */
		{ "48 6b c1 18", "r:rcx w:rax" },			 /* imul $0x18,%rcx,%rax */
		{ "48 99", "r:rax w:rdx" },				 /* cqto */
		{ "48 98", "r:rax w:rax" },				 /* cltq */
		{ "0f a2", "r:rax,rcx w:rax,rdx,rcx,rbx" },		 /* cpuid */
		{ "0f 30", "r:rax,rdx,rcx" },				 /* wrmsr */
		{ "0f 32", "r:rcx w:rax,rdx" },				 /* rdmsr */
		{ "0f 31", "w:rax,rdx" },				 /* rdtsc */
		{ "48 d3 e0", "r:rax,rcx w:rax" },			 /* shl %cl,%rax */
		{ "0f 92 c0", "w:rax" },				 /* setb %al */
		{ "0f 20 d0", "r:cr2 w:rax" },				 /* mov %cr2,%rax */
		{ "0f 22 d8", "r:rax w:cr3" },				 /* mov %rax,%cr3 */
		{ "0f 1f 44 00 00", "" },				 /* nopl 0x0(%rax,%rax,1) */
		{ "0f 18 08", "" },					 /* prefetcht0 (%rax) */
		{ "0f 01 38", "" },					 /* invlpg (%rax) */
		{ "0f 0b", "" },					 /* ud2 */
		{ "f3 0f 1e fa", "" },					 /* endbr64 */
		{ "0f 11 03", "W:rbx+0/16" },				 /* movups %xmm0,(%rbx) */
		{ "66 48 0f 7e c0", "w:rax" },				 /* movq %xmm0,%rax */
	};

	// clang-format on
	unsigned int wrong = 0;

	for (size_t i = 0; i < IQ_ARRAY_SIZE(cases); i++) {
		struct iq_insn insn = decode(cases[i].hex);
		char got[256];

		describe(&insn, got, sizeof(got));
		if (!strcmp(got, cases[i].want))
			continue;
		print_error("%s: got \"%s\", want \"%s\"\n", cases[i].hex, got, cases[i].want);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void operands(void **state)
{
	struct iq_insn insn = decode("48 c7 44 24 10 ff ff ff ff"); /* movq $-1,0x10(%rsp) */

	assert_string_equal(insn.mnemonic, "mov");
	assert_int_equal(insn.nr_operands, 2);
	assert_int_equal(insn.operand[0].kind, IQ_OP_MEM);
	assert_int_equal(insn.operand[0].size, 8);
	assert_int_equal(insn.operand[0].base, IQ_X86_RSP);
	assert_int_equal(insn.operand[0].index, -1);
	assert_int_equal(insn.operand[0].disp, 16);
	assert_int_equal(insn.operand[1].kind, IQ_OP_IMM);
	assert_int_equal(insn.operand[1].disp, -1);

	insn = decode("88 e1"); /* mov %ah,%cl */
	assert_int_equal(insn.operand[0].reg, IQ_X86_RCX);
	assert_false(insn.operand[0].high_byte);
	assert_int_equal(insn.operand[1].reg, IQ_X86_RAX);
	assert_true(insn.operand[1].high_byte);
	assert_int_equal(insn.operand[1].size, 1);

	insn = decode("40 88 f1"); /* mov %sil,%cl */
	assert_int_equal(insn.operand[1].reg, IQ_X86_RSI);
	assert_false(insn.operand[1].high_byte);

	insn = decode("b8 f4 ff ff ff"); /* mov $-12,%eax */
	assert_int_equal(insn.operand[1].disp, -12);
	insn = decode("c2 f8 ff"); /* ret $0xfff8 */
	assert_int_equal(insn.operand[0].disp, 0xfff8);
	insn = decode("48 b8 88 77 66 55 44 33 22 11");
	assert_int_equal(insn.operand[1].disp, 0x1122334455667788);
}

static void addresses(void **state)
{
	struct iq_regs regs = {.valid = 0};
	struct iq_insn insn;
	uint64_t address;

	iq_reg_set(&regs, IQ_X86_RBX, 0xffff888000001000);
	iq_reg_set(&regs, IQ_X86_RSP, 0xffffc90000004000);
	iq_reg_set(&regs, IQ_X86_GS_BASE, 0xffff88807d000000);

	insn = decode("48 8b 43 f8"); /* mov -0x8(%rbx),%rax */
	assert_true(iq_operand_address(arch, &insn.operand[1], &regs, &address));
	assert_int_equal(address, 0xffff888000000ff8);
	assert_false(iq_operand_address(arch, &insn.operand[0], &regs, &address));

	insn = decode("48 8b 04 cb"); /* mov (%rbx,%rcx,8),%rax: rcx is not known */
	assert_false(iq_operand_address(arch, &insn.operand[1], &regs, &address));
	iq_reg_set(&regs, IQ_X86_RCX, 3);
	assert_true(iq_operand_address(arch, &insn.operand[1], &regs, &address));
	assert_int_equal(address, 0xffff888000001018);

	insn = decode("48 8b 05 10 00 00 00"); /* mov 0x10(%rip),%rax */
	assert_int_equal(insn.operand[1].base, IQ_X86_RIP);
	assert_true(iq_operand_address(arch, &insn.operand[1], &regs, &address));
	assert_int_equal(address, ADDRESS + 7 + 0x10);

	insn = decode("65 48 8b 04 25 28 00 00 00"); /* mov %gs:0x28,%rax */
	assert_int_equal(insn.operand[1].segment, IQ_X86_GS);
	assert_true(iq_operand_address(arch, &insn.operand[1], &regs, &address));
	assert_int_equal(address, 0xffff88807d000028);
	insn = decode("65 48 8b 05 d8 f1 01 7f"); /* mov %gs:0x7f01f1d8(%rip),%rax */
	assert_true(iq_operand_address(arch, &insn.operand[1], &regs, &address));
	assert_int_equal(address, ADDRESS + 8 + 0x7f01f1d8 + 0xffff88807d000000);
	insn = decode("64 48 8b 04 25 28 00 00 00"); /* fs_base is not known */
	assert_false(iq_operand_address(arch, &insn.operand[1], &regs, &address));

	insn = decode("48 a1 88 77 66 55 44 33 22 11"); /* movabs 0x1122334455667788,%rax */
	assert_true(iq_operand_address(arch, &insn.operand[1], &regs, &address));
	assert_int_equal(address, 0x1122334455667788);

	insn = decode("55"); /* push: the slot below */
	for (unsigned int i = 0; i < insn.nr_operands; i++)
		if (insn.operand[i].kind == IQ_OP_MEM)
			assert_true(iq_operand_address(arch, &insn.operand[i], &regs, &address));
	assert_int_equal(address, 0xffffc90000003ff8);

	/* More than one address, or none that the fields express. */
	insn = decode("c4 e2 7d 90 04 8b"); /* vpgatherdd */
	assert_false(iq_operand_address(arch, &insn.operand[1], &regs, &address));
	insn = decode("67 8b 03"); /* mov (%ebx),%eax */
	assert_false(iq_operand_address(arch, &insn.operand[1], &regs, &address));
	insn = decode("48 0f ab 03"); /* bts %rax,(%rbx) */
	assert_false(iq_operand_address(arch, &insn.operand[0], &regs, &address));
	insn = decode("48 0f ba 2b 05"); /* btsq $5,(%rbx) */
	assert_true(iq_operand_address(arch, &insn.operand[0], &regs, &address));
}

static void flow(void **state)
{
	static const struct {
		const char *hex;
		enum iq_flow flow;
		int64_t target; /* relative to ADDRESS; -1 none */
	} cases[] = {
		{"90", IQ_FLOW_NONE, -1},
		{"e8 fb 00 00 00", IQ_FLOW_CALL, 0x100},
		{"ff d0", IQ_FLOW_CALL, -1},
		{"ff 15 00 00 00 00", IQ_FLOW_CALL, -1},
		{"2e e8 fa 00 00 00", IQ_FLOW_CALL, 0x100},
		{"e9 fb 00 00 00", IQ_FLOW_JUMP, 0x100},
		{"eb 0e", IQ_FLOW_JUMP, 0x10},
		{"ff e0", IQ_FLOW_JUMP, -1},
		{"3e ff e0", IQ_FLOW_JUMP, -1},
		{"74 0e", IQ_FLOW_BRANCH, 0x10},
		{"0f 85 fa 00 00 00", IQ_FLOW_BRANCH, 0x100},
		{"e3 0e", IQ_FLOW_BRANCH, 0x10},
		{"e2 0e", IQ_FLOW_BRANCH, 0x10},
		{"c7 f8 00 00 00 00", IQ_FLOW_BRANCH, 6}, /* xbegin */
		{"c3", IQ_FLOW_RETURN, -1},
		{"f3 c3", IQ_FLOW_RETURN, -1},
		{"cb", IQ_FLOW_RETURN, -1},
		{"48 cf", IQ_FLOW_RETURN, -1},
		{"48 0f 07", IQ_FLOW_RETURN, -1},
		{"0f 0b", IQ_FLOW_TRAP, -1},
		{"0f b9 40 10", IQ_FLOW_TRAP, -1},
		{"cc", IQ_FLOW_TRAP, -1},
		{"f4", IQ_FLOW_TRAP, -1},
		{"0f 05", IQ_FLOW_NONE, -1},
		{"cd 80", IQ_FLOW_NONE, -1},
	};

	for (size_t i = 0; i < IQ_ARRAY_SIZE(cases); i++) {
		struct iq_insn insn = decode(cases[i].hex);

		if (insn.flow != cases[i].flow || insn.has_target != (cases[i].target >= 0) ||
		    (insn.has_target && insn.target != ADDRESS + (uint64_t)cases[i].target))
			fail_msg("%s: flow %d, target %d %#lx", cases[i].hex, insn.flow,
				 insn.has_target, insn.target);
	}
}

/* ---- Texts ----------------------------------------------------------------------------------- */

static bool name(void *arg, uint64_t address, char *buf, size_t room)
{
	if (address < ADDRESS || address >= ADDRESS + 0x1000)
		return false;
	snprintf(buf, room, "%s+%lu", (const char *)arg, (unsigned long)(address - ADDRESS));
	return true;
}

static void expect_text(const char *hex, const struct iq_insn_namer *namer, const char *want)
{
	uint8_t code[32];
	size_t n = parse(hex, code);
	struct iq_buf text = {0};

	iq_insn_text(arch, code, n, ADDRESS, namer, &text);
	assert_string_equal(iq_buf_str(&text), want);
	iq_buf_free(&text);
}

static void texts(void **state)
{
	struct iq_insn_namer namer = {name, (void *)"f"};

	expect_text("e8 0b 00 00 00", NULL, "call   0xffffffff81000010");
	expect_text("e8 0b 00 00 00", &namer, "call   0xffffffff81000010 <f+16>");
	expect_text("e8 00 10 00 00", &namer, "call   0xffffffff81001005");
	expect_text("48 8b 05 09 00 00 00", &namer,
		    "mov    0x9(%rip),%rax        # 0xffffffff81000010 <f+16>");
	expect_text("66 66 2e 0f 1f 84 00 00 00 00 00", NULL, "data16 cs nopw 0x0(%rax,%rax,1)");
	expect_text("66 90", NULL, "xchg   %ax,%ax");
	expect_text("f3 48 ab", NULL, "rep stos %rax,%es:(%rdi)");
	expect_text("f0 ff 43 08", NULL, "lock incl 0x8(%rbx)");
	expect_text("c3", NULL, "ret");
	expect_text("48 0f 44 45 f8", NULL, "cmove  -0x8(%rbp),%rax");
	expect_text("65 48 2b 04 25 28 00 00 00", NULL, "sub    %gs:0x28,%rax");
	expect_text("ff 24 c5 00 10 00 82", NULL, "jmp    *-0x7dfff000(,%rax,8)");
	/* The end of the bytes within an instruction, and what is none. */
	expect_text("48 8b", NULL, "rex.W");
	expect_text("0f", NULL, ".byte 0xf");
	expect_text("ea 00 00 00 00 00 00", NULL, "(bad)");
	/* A name longer than any buffer inside is cut, not written over something. */
	static char big[2000];

	memset(big, 'x', sizeof(big) - 1);
	struct iq_insn_namer long_namer = {name, big};
	struct iq_buf text = {0};

	iq_insn_text(arch, (const uint8_t *)"\xe8\0\0\0\0", 5, ADDRESS, &long_namer, &text);
	assert_true(text.len > 100 && text.len < 1000);
	iq_buf_free(&text);
}

static void bad(void **state)
{
	struct iq_insn insn = decode("ea 00 00 00 00 00 00");

	assert_true(insn.bad);
	assert_int_equal(insn.length, 1);
	assert_string_equal(insn.mnemonic, "(bad)");
	insn = decode("48 8b");
	assert_true(insn.bad);
	assert_int_equal(insn.length, 1);
	assert_false(iq_insn_decode(arch, (const uint8_t *)"", 0, ADDRESS, &insn));
	/* fwait and what it waits for are one instruction to the assembler. */
	insn = decode("9b d9 7c 24 06");
	assert_false(insn.bad);
	expect_text("9b d9 7c 24 06", NULL, "fstcw  0x6(%rsp)");
	expect_text("9b 90", NULL, "fwait");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(effects), cmocka_unit_test(operands), cmocka_unit_test(addresses),
		cmocka_unit_test(flow),	   cmocka_unit_test(texts),    cmocka_unit_test(bad),
	};

	arch = iq_arch_by_machine(EM_X86_64);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
