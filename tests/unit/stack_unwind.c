// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unwinding on a machine made by hand: what each rule of Documentation/arch/x86/orc-unwinder.rst means,
 * which registers of a caller are known, and stacks that lie.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "stack_machine.h"

static struct machine m;
static struct iq_backtrace b;

/* The functions, and return addresses in them. */
static uint64_t leaf, leaf_ip, middle_ret, framed_ret, entry_ret, exc_ret, link_ret, plain_ret,
	either_ret, either_other_ret, idle_ret, early_ip, rethook, graph, traced_ret;
/* The innermost stack pointer while a stack is built. */
static uint64_t sp;

static void push(uint64_t value)
{
	sp -= 8;
	poke(&m, sp, value);
}

static void make_leaf(void)
{
	leaf = function(&m, "leaf");
	BY_SP(&m, 8);
	CODE(&m, "\x53"); /* push %rbx */
	BY_SP(&m, 16);
	CODE(&m, "\x48\x83\xec\x18"); /* sub $0x18,%rsp */
	BY_SP(&m, 40);
	CODE(&m, "\x48\x89\xfb"); /* mov %rdi,%rbx */
	leaf_ip = here(&m);
	CODE(&m, "\x90\x48\x83\xc4\x18"); /* nop; add $0x18,%rsp */
	BY_SP(&m, 16);
	CODE(&m, "\x5b"); /* pop %rbx */
	BY_SP(&m, 8);
	CODE(&m, "\xc3");
}

static void make_callers(void)
{
	uint64_t middle, framed;

	middle = function(&m, "middle");
	BY_SP(&m, 8);
	CODE(&m, "\x55"); /* push %rbp */
	BY_SP_BP(&m, 16, -16);
	CODE(&m, "\x41\x54"); /* push %r12 */
	BY_SP_BP(&m, 24, -16);
	CODE(&m, "\x31\xed"); /* xor %ebp,%ebp */
	middle_ret = call(&m, leaf);
	CODE(&m, "\x41\x5c\x5d\xc3");

	/* As do_syscall_64(): room for a random offset hides where the stack pointer is. */
	framed = function(&m, "framed");
	BY_SP(&m, 8);
	CODE(&m, "\x55"); /* push %rbp */
	BY_SP_BP(&m, 16, -16);
	CODE(&m, "\x48\x89\xe5"); /* mov %rsp,%rbp */
	BY_BP(&m, 16, -16);
	CODE(&m, "\x41\x55\x48\x29\xc4"); /* push %r13; sub %rax,%rsp */
	framed_ret = call(&m, middle);
	CODE(&m, "\x48\x8d\x65\xf8\x41\x5d\x5d"); /* lea -8(%rbp),%rsp; pop %r13; pop %rbp */
	BY_SP(&m, 8);
	CODE(&m, "\xc3");

	function(&m, "entry");
	REGS(&m);
	entry_ret = call(&m, framed);
	CODE(&m, "\x90");

	function(&m, "asm_exc");
	IRET_REGS(&m);
	early_ip = here(&m);
	CODE(&m, "\x90");
	REGS(&m);
	exc_ret = call(&m, leaf);
	CODE(&m, "\x90");
}

static void make_odd_ones(void)
{
	/* Runs on another stack, at whose top lies the old stack pointer. */
	function(&m, "on_other_stack");
	BY_LINK(&m, 16);
	link_ret = call(&m, leaf);
	CODE(&m, "\xc3");

	/* objtool has not looked at it. */
	function(&m, "without_rows");
	UNDEFINED(&m);
	CODE(&m, "\x41\x56\x53\x48\x83\xec\x10"); /* push %r14; push %rbx; sub $0x10,%rsp */
	CODE(&m, "\x85\xff\x74\x01\x90"); /* test; je +1; nop */
	plain_ret = call(&m, leaf);
	CODE(&m, "\x48\x83\xc4\x10\x5b\x41\x5e\xc3");

	/* Saves r14 on one path and rbx on the other, in the same word. */
	function(&m, "either");
	BY_SP(&m, 8);
	CODE(&m, "\x85\xff\x74\x0b"); /* test %edi,%edi; je other */
	CODE(&m, "\x53"); /* push %rbx */
	BY_SP(&m, 16);
	CODE(&m, "\x31\xdb"); /* xor %ebx,%ebx */
	either_ret = call(&m, leaf);
	CODE(&m, "\x90\x5b"); /* nop; pop %rbx */
	BY_SP(&m, 8);
	CODE(&m, "\xc3");
	CODE(&m, "\x41\x56"); /* other: push %r14 */
	BY_SP(&m, 16);
	CODE(&m, "\x45\x31\xf6"); /* xor %r14d,%r14d */
	either_other_ret = call(&m, leaf);
	CODE(&m, "\x41\x5e");
	BY_SP(&m, 8);
	CODE(&m, "\xc3");

	function(&m, "idle");
	ORC_END(&m);
	idle_ret = call(&m, leaf);
	CODE(&m, "\x90");
}

/* Behind the kernel's text, in the same mapping. */
#define TRAMPOLINE (TEXT_BASE + 0x30000)

static void make_tracers(void)
{
	function(&m, "ftrace_caller");
	BY_SP(&m, 8);
	CODE(&m, "\x48\x83\xec\x20"); /* sub $0x20,%rsp */
	iq_error_free(iq_symtab_add(m.k.symbols, "ftrace_call", here(&m), 0, 'T'));
	BY_SP(&m, 40);
	call(&m, leaf);
	CODE(&m, "\x48\x83\xc4\x20\xc3");
	function(&m, "traced");
	BY_SP(&m, 8);
	traced_ret = call(&m, TRAMPOLINE);
	CODE(&m, "\xc3");
	rethook = function(&m, "arch_rethook_trampoline");
	UNDEFINED(&m);
	CODE(&m, "\x90");
	graph = function(&m, "return_to_handler");
	UNDEFINED(&m);
	CODE(&m, "\x90");
}

static int setup(void **state)
{
	machine_init(&m);
	make_leaf();
	make_callers();
	make_odd_ones();
	make_tracers();
	function(&m, "end_of_text");
	UNDEFINED(&m);
	machine_start(&m);
	m.k.layout.modules_start = TRAMPOLINE;
	m.k.layout.modules_end = TRAMPOLINE + 2 * PAGE;
	memset(&b, 0, sizeof(b));
	sp = m.tasks[0].stack + STACK_SIZE;
	return 0;
}

static int teardown(void **state)
{
	iq_backtrace_free(&b);
	machine_free(&m);
	return 0;
}

/* struct pt_regs: every register has a value of its own. */
static void push_regs(uint64_t ip, uint64_t cs, uint64_t old_sp)
{
	const struct iq_arch *a = m.k.arch;

	for (unsigned int i = a->nr_trap_slots; i--;) {
		int reg = a->trap_slots[i].reg;

		push(reg == IQ_X86_RIP	 ? ip
		     : reg == IQ_X86_CS	 ? cs
		     : reg == IQ_X86_RSP ? old_sp
					 : 0x100u + (unsigned int)reg);
	}
}

static void push_user_regs(void)
{
	push_regs(0x401000, 0x33, 0x7fff0000);
}

/* The frame of leaf, called from RETURN_ADDRESS with RBX; the stack pointer is then leaf's. */
static void push_leaf(uint64_t return_address, uint64_t rbx)
{
	push(return_address);
	push(rbx);
	sp -= 0x18;
}

/* From leaf_ip, with a few registers known. */
static void unwind(uint64_t ip, uint64_t rbp)
{
	struct iq_regs regs = {0};

	iq_reg_set(&regs, IQ_X86_RIP, ip);
	iq_reg_set(&regs, IQ_X86_RSP, sp);
	iq_reg_set(&regs, IQ_X86_RBP, rbp);
	iq_reg_set(&regs, IQ_X86_R12, 0xc0de12);
	iq_reg_set(&regs, IQ_X86_R14, 0xc0de14);
	iq_reg_set(&regs, IQ_X86_RBX, 0xc0de03);
	assert_null(iq_backtrace_from(&m.k, &m.tasks[0], -1, &regs, &b));
	assert_true(b.nr >= 1);
}

static void expect(unsigned int n, const char *name, uint64_t ip)
{
	assert_true(n < b.nr);
	assert_int_equal(b.frames[n].ip, ip);
	assert_string_equal(b.frames[n].symbol.name, name);
	assert_int_equal(b.frames[n].offset, ip - b.frames[n].symbol.address);
}

static void expect_reg(unsigned int n, unsigned int reg, uint64_t value, uint64_t saved_at)
{
	assert_true(iq_reg_known(&b.frames[n].regs, reg));
	assert_int_equal(b.frames[n].regs.value[reg], value);
	assert_int_equal(b.frames[n].saved_at[reg], saved_at);
}

static void calls_up_to_user_mode(void **state)
{
	uint64_t rbp, at13, at12, atb, atbp;

	push_user_regs();
	push(entry_ret);
	push(0xb0b);
	atbp = rbp = sp;
	push(0x1313);
	at13 = sp;
	sp -= 0x48;
	push(framed_ret);
	push(rbp);
	push(0x1212);
	at12 = sp;
	push_leaf(middle_ret, 0xbbbb);
	atb = sp + 0x18;
	unwind(leaf_ip, 0);

	assert_int_equal(b.nr, 4);
	assert_int_equal(b.end, IQ_END_USER);
	assert_string_equal(b.end_text, "");
	assert_true(b.has_user_regs);
	assert_int_equal(b.user_regs.value[IQ_X86_RIP], 0x401000);
	assert_int_equal(b.user_regs_address, m.tasks[0].stack + STACK_SIZE - 168);
	expect(0, "leaf", leaf_ip);
	expect(1, "middle", middle_ret);
	expect(2, "framed", framed_ret);
	expect(3, "entry", entry_ret);
	assert_true(b.frames[0].exact_ip && !b.frames[1].exact_ip);
	for (unsigned int i = 0; i < b.nr; i++) {
		assert_true(b.frames[i].reliable);
		assert_int_equal(b.frames[i].context, IQ_CTX_TASK);
	}
	/* middle: what leaf pushed, and what it does not touch. */
	expect_reg(1, IQ_X86_RBX, 0xbbbb, atb);
	expect_reg(1, IQ_X86_R12, 0xc0de12, 0);
	expect_reg(2, IQ_X86_RBX, 0xbbbb, atb);
	expect_reg(2, IQ_X86_R12, 0x1212, at12);
	expect_reg(2, IQ_X86_RBP, rbp, at12 + 8);
	expect_reg(3, IQ_X86_R13, 0x1313, at13);
	expect_reg(3, IQ_X86_RBP, 0xb0b, atbp);
	/* Nobody knows what r13 was in leaf. */
	assert_false(iq_reg_known(&b.frames[1].regs, IQ_X86_R13));
	assert_false(iq_reg_known(&b.frames[2].regs, IQ_X86_RDI));
}

static void interrupted_and_labelled(void **state)
{
	struct iq_error *err;
	struct iq_slot *slots;
	unsigned int nr;
	uint64_t victim_sp;
	char text[64];

	push_user_regs();
	push(entry_ret);
	push(0xb0b);
	push(0x1313);
	push_leaf(framed_ret, 0xbbbb); /* as if framed had called leaf: rbp is that of framed */
	victim_sp = sp;
	/* The CPU aligns to 16: one word of padding here. */
	assert_int_equal(victim_sp % 16, 8);
	sp -= 8;
	push_regs(leaf_ip, 0x10, victim_sp);
	push_leaf(exc_ret, 0xeeee);
	unwind(leaf_ip, 0);

	/* rbp of the interrupted leaf is 0x106: framed's CFA then lies nowhere. */
	expect(0, "leaf", leaf_ip);
	expect(1, "asm_exc", exc_ret);
	expect(2, "leaf", leaf_ip);
	expect(3, "framed", framed_ret);
	assert_true(b.frames[2].has_trap && b.frames[2].exact_ip && !b.frames[2].trap_partial);
	assert_int_equal(b.frames[2].sp, victim_sp);
	expect_reg(2, IQ_X86_R11, 0x100 + IQ_X86_R11, 0);
	expect_reg(3, IQ_X86_R13, 0x100 + IQ_X86_R13, 0);
	expect_reg(3, IQ_X86_RBX, 0xbbbb, victim_sp + 0x18);

	assert_null(iq_frame_slots(&m.k, &b, 1, &slots, &nr));
	assert_int_equal(nr, 21 + 1);
	assert_int_equal(slots[0].kind, IQ_SLOT_TRAP);
	assert_string_equal(slots[0].name, "r15");
	assert_string_equal(slots[16].name, "ip");
	assert_int_equal(slots[21].kind, IQ_SLOT_ALIGNMENT);
	iq_slot_label(&m.k, &slots[19], text, sizeof(text));
	assert_string_equal(text, "[sp]");
	free(slots);
	assert_null(iq_frame_slots(&m.k, &b, 2, &slots, &nr));
	assert_int_equal(nr, 5);
	assert_int_equal(slots[3].kind, IQ_SLOT_SAVED_REG);
	assert_int_equal(slots[3].reg, IQ_X86_RBX);
	assert_int_equal(slots[4].kind, IQ_SLOT_RETURN);
	free(slots);
	err = iq_frame_slots(&m.k, &b, b.nr, &slots, &nr);
	assert_non_null(err);
	iq_error_free(err);
}

static void only_the_cpus_part(void **state)
{
	uint64_t old;

	push(idle_ret);
	old = sp + 8;
	sp -= 0x40;
	/* ip cs flags sp ss, and nothing pushed yet. */
	push(0x18);
	push(old - 8);
	push(0x246);
	push(0x10);
	push(leaf);
	unwind(early_ip, 0x4444);
	expect(0, "asm_exc", early_ip);
	expect(1, "leaf", leaf);
	expect(2, "idle", idle_ret);
	assert_true(b.frames[1].has_trap && b.frames[1].trap_partial);
	assert_false(iq_reg_known(&b.frames[1].trap, IQ_X86_RAX));
	/* Registers that must survive a call are as they were. */
	expect_reg(1, IQ_X86_RBX, 0xc0de03, 0);
	expect_reg(2, IQ_X86_RBX, 0xc0de03, 0);
	expect_reg(2, IQ_X86_RBP, 0x4444, 0);
	assert_int_equal(b.end, IQ_END_OUTERMOST);
}

static void across_stacks(void **state)
{
	struct iq_slot *slots;
	unsigned int nr;
	uint64_t on_a;

	push(0x11);
	push(idle_ret);
	push(0xaaaa);
	on_a = sp;
	sp = m.tasks[1].stack + STACK_SIZE;
	push(on_a);
	push_leaf(link_ret, 0xbbbb);
	unwind(leaf_ip, 0);
	assert_int_equal(b.nr, 3);
	expect(1, "on_other_stack", link_ret);
	expect(2, "idle", idle_ret);
	assert_int_equal(b.frames[1].stack.task, m.tasks[1].address);
	assert_int_equal(b.frames[2].stack.task, m.tasks[0].address);
	assert_int_equal(b.frames[2].sp, on_a + 16);
	assert_null(iq_frame_slots(&m.k, &b, 1, &slots, &nr));
	assert_int_equal(nr, 3);
	assert_int_equal(slots[0].kind, IQ_SLOT_STACK_LINK);
	assert_int_equal(slots[1].address, on_a);
	assert_int_equal(slots[2].kind, IQ_SLOT_RETURN);
	free(slots);
}

static void code_where_orc_is_silent(void **state)
{
	push(0);
	push(idle_ret);
	push(0x1414);
	push(0xbeef);
	sp -= 0x10;
	push_leaf(plain_ret, 0xbbbb);
	unwind(leaf_ip, 0x777);
	expect(1, "without_rows", plain_ret);
	expect(2, "idle", idle_ret);
	assert_int_equal(b.frames[2].how, IQ_FRAME_CODE);
	assert_true(b.frames[2].reliable);
	expect_reg(2, IQ_X86_R14, 0x1414, b.frames[2].slot - 8);
	expect_reg(2, IQ_X86_RBX, 0xbeef, b.frames[2].slot - 16);
	expect_reg(2, IQ_X86_RBP, 0x777, 0);
}

static void a_word_of_two_uses(void **state)
{
	push(0);
	push(idle_ret);
	push(0x5555);
	push_leaf(either_ret, 0xbbbb);
	unwind(leaf_ip, 0);
	expect(1, "either", either_ret);
	expect(2, "idle", idle_ret);
	assert_true(b.frames[2].reliable);
	/* The word may hold rbx or r14: where the call is tells which. */
	expect_reg(2, IQ_X86_RBX, 0x5555, b.frames[2].slot - 8);
	expect_reg(2, IQ_X86_R14, 0xc0de14, 0);
	expect_reg(2, IQ_X86_R12, 0xc0de12, 0);
}

static void call_into_nowhere(void **state)
{
	push(0);
	push(idle_ret);
	push(0x10b);
	push(0x1212);
	push(middle_ret);
	unwind(0, 0x55);
	assert_int_equal(b.nr, 3);
	assert_null(b.frames[0].symbol.name);
	expect(1, "middle", middle_ret);
	assert_int_equal(b.frames[1].how, IQ_FRAME_CALL);
	expect_reg(1, IQ_X86_RBX, 0xc0de03, 0);
	expect(2, "idle", idle_ret);
}

static void in_the_guard_page(void **state)
{
	/* leaf's frame reaches below the stack; its caller's is still on it. */
	sp = m.tasks[0].stack + 0x20;
	push(idle_ret);
	push(0xbbbb);
	assert_int_equal(sp, m.tasks[0].stack + 0x10);
	sp -= 0x18;
	unwind(leaf_ip, 0);
	assert_int_equal(b.nr, 2);
	assert_int_equal(b.frames[0].stack.task, m.tasks[0].address);
	expect(1, "idle", idle_ret);
}

static void a_frame_pointer_that_points_back(void **state)
{
	push_user_regs();
	sp -= 0x100;
	push(framed_ret);
	push(sp - 0x80);
	push(0x1212);
	push_leaf(middle_ret, 0xbbbb);
	unwind(leaf_ip, 0);
	expect(2, "framed", framed_ret);
	assert_true(b.end != IQ_END_USER && b.end != IQ_END_OUTERMOST);
	assert_true(b.end_text[0]);
}

static void a_return_address_that_is_data(void **state)
{
	push_user_regs();
	push_leaf(0xffff888000001234, 0xbbbb);
	unwind(leaf_ip, 0);
	assert_int_equal(b.nr, 1);
	assert_int_equal(b.end, IQ_END_NO_RULE);
}

static void a_stack_pointer_off_all_stacks(void **state)
{
	sp = 0xffff888000000100;
	unwind(leaf_ip, 0);
	assert_int_equal(b.nr, 1);
	iq_backtrace_free(&b);
	sp = m.tasks[0].stack + 0x101;
	unwind(leaf_ip, 0);
	assert_int_equal(b.nr, 1);
}

static void back_to_a_stack_that_was_left(void **state)
{
	uint64_t a = m.tasks[0].stack + STACK_SIZE - 0x100, top = m.tasks[1].stack + STACK_SIZE;

	/* A leads to B, which leads back to A. */
	poke(&m, a, link_ret);
	poke(&m, a + 8, top - 0x100);
	poke(&m, top - 0x100 + 8, link_ret);
	poke(&m, top - 0x100 + 16, a - 0x40);
	poke(&m, a - 0x40 + 8, link_ret);
	sp = a - 0x20;
	poke(&m, sp + 0x18, 0xbbbb);
	unwind(leaf_ip, 0);
	assert_int_equal(b.end, IQ_END_LOOP);
	assert_true(b.nr < 5);
}

static void found_by_searching(void **state)
{
	/* No row, no symbol that could be followed: the marker behind the last function. */
	push(0);
	push(idle_ret);
	push(0x10b);
	push(0x1212);
	push(middle_ret);
	push(middle_ret + 2); /* no call ends there */
	push(0x1234);
	unwind(here(&m), 0x55);
	assert_int_equal(b.nr, 3);
	expect(1, "middle", middle_ret);
	assert_int_equal(b.frames[1].how, IQ_FRAME_SCAN);
	assert_true(b.frames[0].reliable);
	assert_false(b.frames[1].reliable);
	expect(2, "idle", idle_ret);
	assert_false(b.frames[2].reliable);
}

/* ---- Tracers ---- */

/* BTF of the structures in which tracers keep return addresses; offsets as below. */
#define RETHOOKS 16
#define RET_STACK 24
#define NODE_LLIST 32
#define NODE_RET_ADDR 48
#define NODE_FRAME 56

static void put32(struct iq_buf *out, uint32_t v)
{
	uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	iq_buf_add(out, bytes, sizeof(bytes));
}

static uint32_t string(struct iq_buf *strings, const char *s)
{
	uint32_t at = (uint32_t)strings->len;

	iq_buf_add(strings, s, strlen(s) + 1);
	return at;
}

static void make_struct(struct iq_buf *types, struct iq_buf *strings, const char *name,
			unsigned int members, uint32_t size)
{
	put32(types, string(strings, name));
	put32(types, 4u << 24 | members);
	put32(types, size);
}

static void make_member(struct iq_buf *types, struct iq_buf *strings, const char *name,
			uint32_t type, uint32_t offset)
{
	put32(types, string(strings, name));
	put32(types, type);
	put32(types, 8 * offset);
}

static void make_types(void)
{
	struct iq_buf t = {0}, s = {0}, all = {0};

	string(&s, "");
	put32(&t, string(&s, "long")); /* 1 */
	put32(&t, 1u << 24);
	put32(&t, 8);
	put32(&t, 1u << 24 | 64);
	make_struct(&t, &s, "llist_node", 1, 8); /* 2 */
	make_member(&t, &s, "next", 1, 0);
	make_struct(&t, &s, "llist_head", 1, 8); /* 3 */
	make_member(&t, &s, "first", 1, 0);
	make_struct(&t, &s, "task_struct", 2, 64); /* 4 */
	make_member(&t, &s, "rethooks", 3, RETHOOKS);
	make_member(&t, &s, "ret_stack", 1, RET_STACK);
	make_struct(&t, &s, "rethook_node", 3, 64); /* 5 */
	make_member(&t, &s, "llist", 2, NODE_LLIST);
	make_member(&t, &s, "ret_addr", 1, NODE_RET_ADDR);
	make_member(&t, &s, "frame", 1, NODE_FRAME);
	make_struct(&t, &s, "ftrace_ret_stack", 3, 24); /* 6 */
	make_member(&t, &s, "ret", 1, 0);
	make_member(&t, &s, "func", 1, 8);
	make_member(&t, &s, "retp", 1, 16);
	put32(&all, 0x0001eb9f);
	put32(&all, 24);
	put32(&all, 0);
	put32(&all, (uint32_t)t.len);
	put32(&all, (uint32_t)t.len);
	put32(&all, (uint32_t)s.len);
	iq_buf_add(&all, t.s, t.len);
	iq_buf_add(&all, s.s, s.len);
	assert_null(iq_btf_open(all.s, all.len, true, NULL, "vmlinux", NULL, &m.priv.types));
	m.priv.types_state = LAZY_DONE;
	iq_buf_free(&t);
	iq_buf_free(&s);
	iq_buf_free(&all);
}

/* leaf, called from middle, which idle called; leaf returns to TRAMPOLINE.  Returns where that lies. */
static uint64_t push_traced(uint64_t trampoline)
{
	push(0);
	push(idle_ret);
	push(0x10b);
	push(0x1212);
	push_leaf(trampoline, 0xbbbb);
	return sp + 0x20;
}

static void expect_traced(void)
{
	assert_int_equal(b.nr, 3);
	expect(1, "middle", middle_ret);
	expect(2, "idle", idle_ret);
	assert_true(b.frames[1].reliable && b.frames[2].reliable);
}

static void return_kept_by_a_rethook(void **state)
{
	uint64_t slot = push_traced(rethook), first = DIRECT + 0xa000, second = DIRECT + 0xb000;

	make_types();
	/* Another one comes first. */
	poke(&m, m.tasks[0].address + RETHOOKS, first + NODE_LLIST);
	poke(&m, first + NODE_LLIST, second + NODE_LLIST);
	poke(&m, first + NODE_FRAME, slot - 0x100);
	poke(&m, first + NODE_RET_ADDR, idle_ret);
	poke(&m, second + NODE_FRAME, slot);
	poke(&m, second + NODE_RET_ADDR, middle_ret);
	unwind(leaf_ip, 0);
	expect_traced();
}

static void return_kept_on_a_shadow_stack(void **state)
{
	uint64_t slot = push_traced(graph), shadow = DIRECT + 0xa000;

	make_types();
	poke(&m, m.tasks[0].address + RET_STACK, shadow);
	poke(&m, shadow + 40, middle_ret);
	poke(&m, shadow + 40 + 16, slot);
	unwind(leaf_ip, 0);
	expect_traced();
}

static void return_that_nobody_kept(void **state)
{
	push_traced(rethook);
	unwind(leaf_ip, 0);
	assert_int_equal(b.nr, 1);
	assert_int_equal(b.end, IQ_END_NO_RULE);
	assert_non_null(strstr(b.end_text, "kretprobe"));
}

/* A circle of instances ends, too. */
static void rethooks_in_a_circle(void **state)
{
	uint64_t node = DIRECT + 0xa000;

	push_traced(rethook);
	make_types();
	poke(&m, m.tasks[0].address + RETHOOKS, node + NODE_LLIST);
	poke(&m, node + NODE_LLIST, node + NODE_LLIST);
	unwind(leaf_ip, 0);
	assert_int_equal(b.nr, 1);
}

/* A copy of ftrace_caller, made at run time in the modules' area. */
static void through_a_trampoline(void **state)
{
	push(0);
	push(idle_ret);
	push(0x10b);
	push(0x1212);
	push(middle_ret);
	push(traced_ret);
	sp -= 0x20;
	push_leaf(TRAMPOLINE + 0x40, 0xbbbb);
	unwind(leaf_ip, 0);
	assert_int_equal(b.nr, 5);
	assert_int_equal(b.frames[1].ip, TRAMPOLINE + 0x40);
	assert_null(b.frames[1].symbol.name);
	expect(2, "traced", traced_ret);
	expect_reg(2, IQ_X86_RBX, 0xbbbb, sp + 0x18);
	expect(3, "middle", middle_ret);
	expect(4, "idle", idle_ret);
	for (unsigned int i = 0; i < b.nr; i++)
		assert_true(b.frames[i].reliable);
}

/* The same in a trampoline that the function did not call. */
static void through_another_trampoline(void **state)
{
	push(0);
	push(idle_ret);
	push(traced_ret);
	sp -= 0x20;
	push_leaf(TRAMPOLINE + 0x1040, 0xbbbb);
	unwind(leaf_ip, 0);
	assert_true(b.nr > 2);
	assert_int_equal(b.frames[2].how, IQ_FRAME_SCAN);
	assert_false(b.frames[2].reliable);
}

static void sleeping_and_gone(void **state)
{
	static const uint64_t saved[] = {15, 14, 13, 12, 3, 6};
	struct iq_task *t = &m.tasks[0];
	struct iq_error *err;

	push(0);
	push(idle_ret);
	push(0x10b);
	push(0x1212);
	push(middle_ret);
	for (unsigned int i = 6; i--;)
		push(saved[i]);
	t->sp = sp;
	assert_null(iq_backtrace(&m.k, t, &b));
	assert_int_equal(b.nr, 2);
	assert_int_equal(b.cpu, -1);
	expect(0, "middle", middle_ret);
	expect_reg(0, IQ_X86_RBX, 3, sp + 32);
	expect_reg(0, IQ_X86_R15, 15, sp);
	expect(1, "idle", idle_ret);
	iq_backtrace_free(&b);

	t->sp = 0x1000;
	err = iq_backtrace(&m.k, t, &b);
	assert_non_null(err);
	iq_error_free(err);
	iq_backtrace_free(&b);
	t->stack = 0;
	err = iq_backtrace(&m.k, t, &b);
	assert_non_null(err);
	assert_int_equal(b.end, IQ_END_NO_STACK);
	iq_error_free(err);
}

/* Without registers that no row needs; and from a return address in the middle. */
static void places_alone(void **state)
{
	static const uint64_t saved[] = {15, 14, 13, 12, 3, 6};
	struct iq_task *t = &m.tasks[0];
	struct iq_backtrace full;
	uint64_t rbp, slot;
	struct iq_error *err;

	push_user_regs();
	push(entry_ret);
	slot = sp;
	push(0xb0b);
	rbp = sp;
	push(0x1313);
	sp -= 0x48;
	push(framed_ret);
	push(rbp);
	push(0x1212);
	push(middle_ret);
	for (unsigned int i = 6; i--;)
		push(saved[i]);
	t->sp = sp;
	assert_null(iq_backtrace(&m.k, t, &full));
	assert_null(iq_backtrace_places(&m.k, t, &b));
	assert_int_equal(b.end, IQ_END_USER);
	assert_int_equal(b.nr, 3);
	assert_int_equal(full.nr, 3);
	for (unsigned int i = 0; i < 3; i++) {
		expect(i, full.frames[i].symbol.name, full.frames[i].ip);
		assert_int_equal(b.frames[i].sp, full.frames[i].sp);
	}
	assert_true(iq_reg_known(&full.frames[1].regs, IQ_X86_R12));
	assert_false(iq_reg_known(&b.frames[1].regs, IQ_X86_R12));
	expect_reg(1, IQ_X86_RBP, rbp, full.frames[1].saved_at[IQ_X86_RBP]);
	iq_backtrace_free(&full);
	iq_backtrace_free(&b);

	assert_null(iq_backtrace_return(&m.k, t, -1, slot, &b));
	expect(0, "entry", entry_ret);
	assert_false(b.frames[0].exact_ip);
	assert_int_equal(b.end, IQ_END_USER);
	iq_backtrace_free(&b);
	err = iq_backtrace_return(&m.k, t, -1, rbp, &b);
	assert_non_null(err);
	assert_int_equal(err->code, IQ_E_USAGE);
	iq_error_free(err);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(calls_up_to_user_mode),
		TEST(interrupted_and_labelled),
		TEST(only_the_cpus_part),
		TEST(across_stacks),
		TEST(code_where_orc_is_silent),
		TEST(a_word_of_two_uses),
		TEST(call_into_nowhere),
		TEST(in_the_guard_page),
		TEST(a_frame_pointer_that_points_back),
		TEST(a_return_address_that_is_data),
		TEST(a_stack_pointer_off_all_stacks),
		TEST(back_to_a_stack_that_was_left),
		TEST(found_by_searching),
		TEST(return_kept_by_a_rethook),
		TEST(return_kept_on_a_shadow_stack),
		TEST(return_that_nobody_kept),
		TEST(rethooks_in_a_circle),
		TEST(through_a_trampoline),
		TEST(through_another_trampoline),
		TEST(sleeping_and_gone),
		TEST(places_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
