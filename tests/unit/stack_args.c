// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the code of functions says of their arguments and of the words of their frames, on a machine made by hand:
 * what is kept, what is passed, what may have been overwritten.
 */
#include "stack_machine.h"
#include <inquest/args.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TOP (DIRECT + STACK_A + STACK_SIZE)

struct test {
	struct machine m;
	struct iq_backtrace b;
	struct iq_args *a;
};

/* A frame is two words below its CFA, at the call that ends at IP. */
static struct iq_frame called(struct machine *m, uint64_t ip, uint64_t sp, uint64_t slot)
{
	struct iq_frame f = {.ip = ip,
			     .sp = sp,
			     .slot = slot,
			     .reliable = true,
			     .how = IQ_FRAME_ORC,
			     .stack = {IQ_STACK_TASK, DIRECT + STACK_A, TOP, -1, 0}};

	iq_symbol_at(&m->k, ip - 1, &f.symbol);
	f.offset = ip - f.symbol.address;
	iq_reg_set(&f.regs, IQ_X86_RSP, sp);
	iq_reg_set(&f.regs, IQ_X86_RIP, ip);
	return f;
}

static void finish(struct test *t)
{
	iq_args_close(t->a);
	free(t->b.frames);
	machine_free(&t->m);
}

static const struct iq_frame_variable *named(const struct iq_frame_variables *all, const char *name)
{
	for (unsigned int i = 0; i < all->nr; i++)
		if (!strcmp(all->list[i].name, name))
			return &all->list[i];
	return NULL;
}

/* The parameter in register NAME of frame N must be VALUE and as CERTAIN as that; 0: unknown. */
static void expect(struct test *t, unsigned int n, const char *name, enum iq_certainty certain,
		   uint64_t value)
{
	struct iq_frame_variables all;
	const struct iq_frame_variable *v;

	assert_null(iq_args_frame(t->a, n, &all));
	v = named(&all, name);
	if (certain == IQ_VALUE_UNAVAILABLE) {
		assert_null(v);
	} else {
		assert_non_null(v);
		assert_int_equal(v->certainty, certain);
		assert_int_equal(iq_le64(v->bytes), value);
	}
	iq_frame_variables_free(&all);
}

/*
 * outer: push %rbx; mov %rdi,%rbx; mov $5,%esi; lea 8(%rbx),%rdi; call inner
 * inner: push %rbp; sub $16,%rsp; mov %rdi,8(%rsp); mov %rsi,%rbp; CALL leaf
 */
static void build(struct test *t, bool indirect)
{
	struct machine *m = &t->m;
	uint64_t outer, inner, leaf, to_inner, to_leaf;

	memset(t, 0, sizeof(*t));
	machine_init(m);
	leaf = function(m, "leaf");
	CODE(m, "\xc3");
	inner = function(m, "inner");
	CODE(m, "\x55\x48\x83\xec\x10\x48\x89\x7c\x24\x08\x48\x89\xf5");
	to_leaf = call(m, leaf);
	CODE(m, "\x48\x83\xc4\x10\x5d\xc3");
	outer = function(m, "outer");
	CODE(m, "\x53\x48\x89\xfb\xbe\x05\x00\x00\x00\x48\x8d\x7b\x08");
	if (indirect) {
		CODE(m, "\xff\xd0"); /* call *%rax */
		to_inner = here(m);
	} else {
		to_inner = call(m, inner);
	}
	CODE(m, "\x5b\xc3");
	function(m, "end");
	orc_row(m, ORC_SP, 8, ORC_NONE, 0, 0, 0);
	machine_start(m);
	(void)outer;
	/* inner's frame: 16 bytes, rbp, return; outer's: rbx, return. */
	poke(m, TOP - 8, 0x1111);
	poke(m, TOP - 16, 0xb0b0);
	poke(m, TOP - 24, to_inner);
	poke(m, TOP - 32, 0xb1b1);
	poke(m, TOP - 40, 0xffff888000042008);
	poke(m, TOP - 48, 0xdead);
	t->b.frames = calloc(2, sizeof(*t->b.frames));
	assert_non_null(t->b.frames);
	t->b.nr = 2;
	t->b.task = m->tasks[0];
	t->b.frames[0] = called(m, to_leaf, TOP - 48, TOP - 56);
	t->b.frames[1] = called(m, to_inner, TOP - 16, TOP - 24);
	iq_reg_set(&t->b.frames[0].regs, IQ_X86_RBP, 5);
	iq_reg_set(&t->b.frames[1].regs, IQ_X86_RBX, 0xffff888000042000);
	t->b.frames[1].saved_at[IQ_X86_RBP] = TOP - 32;
	assert_null(iq_args_open(&m->k, &t->a));
	assert_null(iq_args_trace(t->a, &t->b));
}

static void kept_and_passed(void **state)
{
	struct test t;

	build(&t, false);
	/* Kept in a word of the stack, and in rbp; outer's in rbx. */
	expect(&t, 0, "rdi", IQ_VALUE_EXACT, 0xffff888000042008);
	expect(&t, 0, "rsi", IQ_VALUE_EXACT, 5);
	expect(&t, 1, "rdi", IQ_VALUE_EXACT, 0xffff888000042000);
	finish(&t);
}

static void through_a_pointer(void **state)
{
	struct test t;

	build(&t, true);
	expect(&t, 0, "rdi", IQ_VALUE_EXACT, 0xffff888000042008);
	finish(&t);
}

static void contradicted(void **state)
{
	struct test t;

	/* outer passed 5, and inner's rbp holds what it was given: one of both is not so. */
	build(&t, false);
	iq_reg_set(&t.b.frames[0].regs, IQ_X86_RBP, 6);
	assert_null(iq_args_trace(t.a, &t.b));
	expect(&t, 0, "rsi", IQ_VALUE_UNAVAILABLE, 0);
	finish(&t);
}

static void words(void **state)
{
	struct iq_slot *slots;
	struct test t;
	unsigned int nr;
	char text[128];

	build(&t, false);
	assert_null(iq_args_slots(t.a, 0, &slots, &nr));
	assert_int_equal(nr, 4);
	iq_slot_label(&t.m.k, &slots[0], text, sizeof(text));
	assert_string_equal(text, "[leftover]");
	iq_slot_label(&t.m.k, &slots[1], text, sizeof(text));
	assert_string_equal(text, "[rdi at the entry]");
	iq_slot_label(&t.m.k, &slots[2], text, sizeof(text));
	assert_string_equal(text, "[rbp]");
	iq_slot_label(&t.m.k, &slots[3], text, sizeof(text));
	assert_memory_equal(text, "[return to outer+", 17);
	free(slots);
	finish(&t);
}

static void origins(void **state)
{
	struct iq_origin steps[IQ_ORIGINS_MAX];
	struct test t;

	build(&t, false);
	assert_int_equal(iq_args_origin(t.a, 0, IQ_X86_RBP, steps), 1);
	assert_int_equal(steps[0].kind, IQ_ORIGIN_REGISTER);
	assert_int_equal(steps[0].reg, IQ_X86_RSI);
	assert_true(steps[0].known && steps[0].certain);
	assert_int_equal(steps[0].value, 5);
	/* Lost in the call. */
	assert_int_equal(iq_args_origin(t.a, 0, IQ_X86_RDI, steps), 0);
	finish(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_and_passed), cmocka_unit_test(through_a_pointer),
		cmocka_unit_test(contradicted),	   cmocka_unit_test(words),
		cmocka_unit_test(origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
