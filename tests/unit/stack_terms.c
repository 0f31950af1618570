// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What values are made of, on a machine made by hand: through callers, loops and memory; why a BUG() was come to; who
 * wrote before.
 */
#include "stack_machine.h"
#include <inquest/args.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TOP (DIRECT + STACK_A + STACK_SIZE)
#define LIST_AT 0x30000u /* of which entries lie behind */
#define NODE(n) (DIRECT + 0x31000 + 0x100 * (n))

struct test {
	struct machine m;
	struct iq_backtrace b;
	struct iq_args *a;
	struct iq_arena arena;
};

static struct iq_frame frame_at(struct machine *m, uint64_t ip, uint64_t sp, uint64_t slot,
				bool exact)
{
	struct iq_frame f = {.ip = ip,
			     .sp = sp,
			     .slot = slot,
			     .exact_ip = exact,
			     .has_trap = exact,
			     .reliable = true,
			     .how = exact ? IQ_FRAME_TRAP : IQ_FRAME_ORC,
			     .stack = {IQ_STACK_TASK, DIRECT + STACK_A, TOP, -1, 0}};

	iq_symbol_at(&m->k, exact ? ip : ip - 1, &f.symbol);
	f.offset = ip - f.symbol.address;
	iq_reg_set(&f.regs, IQ_X86_RSP, sp);
	iq_reg_set(&f.regs, IQ_X86_RIP, ip);
	return f;
}

/*
 * init: movq $5,8(%rdi); ret
 * use:  cmpl $7,0x10(%rdi); je 1f; ret; 1: ud2
 * walk: push %rbx; mov list,%rbx; mov %rbx,%rdi; call init; 1: mov %rbx,%rdi; call use; mov 8(%rbx),%rbx;
 *       test %rbx,%rbx; jne 1b; pop %rbx; ret
 * It died at the ud2, with the third entry of the list.
 */
static void build(struct test *t)
{
	struct machine *m = &t->m;
	uint64_t init, use, trap, back;

	memset(t, 0, sizeof(*t));
	machine_init(m);
	init = function(m, "init");
	CODE(m, "\x48\xc7\x47\x08\x05\x00\x00\x00\xc3");
	use = function(m, "use");
	CODE(m, "\x83\x7f\x10\x07\x74\x01\xc3");
	trap = here(m);
	CODE(m, "\x0f\x0b");
	function(m, "walk");
	CODE(m, "\x53\x48\x8b\x1c\x25\x00\x00\x03\x80\x48\x89\xdf");
	call(m, init);
	CODE(m, "\x48\x89\xdf");
	back = call(m, use);
	CODE(m, "\x48\x8b\x5b\x08\x48\x85\xdb\x75\xef\x5b\xc3");
	function(m, "end");
	orc_row(m, ORC_SP, 8, ORC_NONE, 0, 0, 0);
	machine_start(m);
	put(m, LIST_AT, NODE(0), 8);
	for (unsigned int i = 0; i < 3; i++) {
		put(m, NODE(i) - DIRECT + 8, i < 2 ? NODE(i + 1) : 0, 8);
		put(m, NODE(i) - DIRECT + 16, i < 2 ? 1 : 7, 4);
	}
	poke(m, TOP - 8, 0x1111);
	poke(m, TOP - 16, 0xb0b0);
	poke(m, TOP - 24, back);
	t->b.frames = calloc(2, sizeof(*t->b.frames));
	assert_non_null(t->b.frames);
	t->b.nr = 2;
	t->b.task = m->tasks[0];
	t->b.frames[0] = frame_at(m, trap, TOP - 24, 0, true);
	t->b.frames[1] = frame_at(m, back, TOP - 16, TOP - 24, false);
	iq_reg_set(&t->b.frames[0].regs, IQ_X86_RDI, NODE(2));
	iq_reg_set(&t->b.frames[0].regs, IQ_X86_RBX, NODE(2));
	iq_reg_set(&t->b.frames[1].regs, IQ_X86_RBX, NODE(2));
	assert_null(iq_args_open(&m->k, &t->a));
	assert_null(iq_args_trace(t->a, &t->b));
}

static void finish(struct test *t)
{
	iq_arena_free(&t->arena);
	iq_args_close(t->a);
	free(t->b.frames);
	machine_free(&t->m);
}

/* What use() was given is the list's first entry, or the one behind the entry of the round before. */
static void round_and_round(void **state)
{
	const struct iq_term *t, *first = NULL, *next = NULL;
	struct test x;

	build(&x);
	t = iq_args_term(x.a, 0, IQ_X86_RDI, &x.arena);
	assert_non_null(t);
	assert_int_equal(t->kind, IQ_TERM_ENTRY);
	assert_int_equal(t->reg, IQ_X86_RDI);
	assert_true(t->known && t->sure);
	assert_int_equal(t->value, NODE(2));
	t = t->from;
	assert_non_null(t);
	assert_int_equal(t->frame, 1);
	assert_int_equal(t->kind, IQ_TERM_CHOICE);
	assert_int_equal(t->nr_choices, 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(t->choice[i]->kind, IQ_TERM_LOAD);
		*(t->choice[i]->from ? &next : &first) = t->choice[i];
	}
	assert_non_null(first);
	assert_non_null(next);
	assert_int_equal((uint64_t)first->offset, TEXT_BASE + LIST_AT);
	assert_int_equal(next->offset, 8);
	assert_int_equal(next->from->kind, IQ_TERM_CHOICE);
	assert_ptr_equal(next->from->choice, t->choice);
	/* In the round before it was another. */
	assert_false(next->from->known);
	finish(&x);
}

static void why(void **state)
{
	struct iq_condition c;
	struct test x;

	build(&x);
	assert_true(iq_args_condition(x.a, 0, 0, &x.arena, &c));
	assert_string_equal(c.relation, "==");
	assert_int_equal(c.size, 4);
	assert_int_equal(c.left->kind, IQ_TERM_LOAD);
	assert_int_equal(c.left->offset, 16);
	assert_int_equal(c.left->from->kind, IQ_TERM_ENTRY);
	assert_int_equal(c.right->value, 7);
	assert_false(iq_args_condition(x.a, 0, 1, &x.arena, &c));
	finish(&x);
}

static bool frees_nothing(const char *name, unsigned int *parameter)
{
	return false;
}

static void before(void **state)
{
	struct iq_effect_query q = {
		.field = NODE(0) + 8, .size = 8, .value = 5, .frees = frees_nothing};
	struct iq_effect e[4];
	struct test x;

	build(&x);
	assert_int_equal(iq_args_effects(x.a, 1, &q, e, 4), 1);
	assert_string_equal(e[0].function.name, "init");
	assert_true(e[0].writes && e[0].sure && !e[0].weak);
	/* It is not what it wrote; and it was given another entry. */
	q.value = NODE(1);
	assert_int_equal(iq_args_effects(x.a, 1, &q, e, 4), 0);
	q.value = 5;
	q.field = NODE(1) + 8;
	assert_int_equal(iq_args_effects(x.a, 1, &q, e, 4), 0);
	finish(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_and_round),
		cmocka_unit_test(why),
		cmocka_unit_test(before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
