// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unwinding over code, ORC rows and stacks of any content.  The input is four registers, then bytes that
 * are dealt out to the text, the ORC rows, and the upper ends of two stacks.  Symbols and the ip
 * table are fixed: a function every 64 bytes, a row every 16.
 */
#include "../unit/stack_machine.h"
#include <inquest/args.h>

#define CODE_BYTES 512u
#define STACK_BYTES 512u
#define ROWS (CODE_BYTES / 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t number(const uint8_t **data, size_t *size)
{
	uint64_t v = 0;
	size_t n = IQ_MIN(*size, 8);

	memcpy(&v, *data, n);
	*data += n;
	*size -= n;
	return v;
}

static void deal(struct machine *m, uint64_t pa, size_t room, const uint8_t **data, size_t *size)
{
	size_t n = IQ_MIN(*size, room);

	if (n)
		memcpy(memory(m, pa), *data, n);
	*data += n;
	*size -= n;
}

/*
 * Few words of an input happen to be addresses on the stack or in the text; those with a small number are
 * made so.
 */
static void make_addresses(struct machine *m, uint64_t pa)
{
	for (unsigned int i = 0; i < STACK_BYTES; i += 8) {
		uint64_t v = iq_le64(memory(m, pa + i));

		if (v < CODE_BYTES)
			v += TEXT_BASE + TEXT_AT;
		else if (v < 0x1000)
			v += DIRECT + STACK_A + STACK_SIZE - 0x1000;
		else if (v < 0x2000)
			v += DIRECT + STACK_B + STACK_SIZE - 0x2000;
		put(m, pa + i, v, 8);
	}
}

static bool frees(const char *name, unsigned int *parameter)
{
	*parameter = 0;
	return name[0] == 'f';
}

static bool copies(const char *name)
{
	return name[0] == 'c';
}

/* What values are made of, and what was done before. */
static void ask_terms(struct iq_args *a, unsigned int i)
{
	struct iq_effect_query q = {.field = DIRECT + STACK_A + 64,
				    .size = 8,
				    .from = DIRECT + STACK_A,
				    .freed = DIRECT + STACK_A,
				    .frees = frees,
				    .copies = copies};
	struct iq_condition condition;
	struct iq_effect effect[4];
	struct iq_passed passed[4];
	struct iq_arena arena = {0};

	for (unsigned int r = 0; r < 16; r++) {
		const struct iq_term *t = iq_args_term(a, i, r, &arena);

		if (t && t->kind == IQ_TERM_CHOICE && !t->nr_choices)
			__builtin_trap();
		iq_args_entry(a, i, r, &arena);
	}
	if (iq_args_condition(a, i, 0, &arena, &condition) && (!condition.left || !condition.right))
		__builtin_trap();
	if (iq_args_effects(a, i, &q, effect, 4) > 4 || iq_args_passed(a, i, passed, 4) > 4)
		__builtin_trap();
	iq_arena_free(&arena);
}

/* What the code says of the registers and words of all frames. */
static void use_args(struct machine *m, const struct iq_backtrace *b)
{
	struct iq_args *a;
	struct iq_error *err = iq_args_open(&m->k, &a);

	if (!err)
		err = iq_args_trace(a, b);
	for (unsigned int i = 0; !err && i < b->nr; i++) {
		struct iq_origin steps[IQ_ORIGINS_MAX];
		struct iq_frame_variables all;
		struct iq_slot *slots;
		unsigned int nr;
		char text[256];

		err = iq_args_frame(a, i, &all);
		if (err)
			break;
		for (unsigned int n = 0; n < all.nr; n++)
			if (all.list[n].certainty != IQ_VALUE_UNAVAILABLE && !all.list[n].bytes &&
			    !all.list[n].in_memory)
				__builtin_trap();
		iq_frame_variables_free(&all);
		for (unsigned int r = 0; r < 16; r++)
			if (iq_args_origin(a, i, r, steps) > IQ_ORIGINS_MAX)
				__builtin_trap();
		ask_terms(a, i);
		err = iq_args_slots(a, i, &slots, &nr);
		for (unsigned int n = 0; !err && n < nr; n++)
			iq_slot_label(&m->k, &slots[n], text, sizeof(text));
		if (!err)
			free(slots);
	}
	iq_error_free(err);
	iq_args_close(a);
}

static void use(struct machine *m, const struct iq_backtrace *b)
{
	struct iq_slot *slots;
	unsigned int nr;
	char text[256];

	use_args(m, b);
	for (unsigned int i = 0; i < b->nr; i++) {
		struct iq_error *err;

		/* Within one stack a trace goes up. */
		if (i && b->frames[i].stack.start == b->frames[i - 1].stack.start &&
		    b->frames[i].sp <= b->frames[i - 1].sp)
			__builtin_trap();
		err = iq_frame_slots(&m->k, b, i, &slots, &nr);
		if (err) {
			iq_error_free(err);
			continue;
		}
		for (unsigned int n = 0; n < nr; n++)
			iq_slot_label(&m->k, &slots[n], text, sizeof(text));
		free(slots);
	}
}

/* The other ways to a trace: without registers it has the same places, and from each return address one can go on. */
static void use_again(struct machine *m, const struct iq_backtrace *b)
{
	struct iq_backtrace again;
	struct iq_error *err = iq_backtrace_places(&m->k, &m->tasks[0], &again);

	if (!err && (again.nr != b->nr || again.end != b->end))
		__builtin_trap();
	for (unsigned int i = 0; !err && i < b->nr; i++)
		if (again.frames[i].ip != b->frames[i].ip || again.frames[i].sp != b->frames[i].sp)
			__builtin_trap();
	iq_error_free(err);
	iq_backtrace_free(&again);
	for (unsigned int i = 0; i < b->nr && i < 4; i++) {
		if (!b->frames[i].slot)
			continue;
		iq_error_free(iq_backtrace_return(&m->k, &m->tasks[0], -1, b->frames[i].slot, &again));
		iq_backtrace_free(&again);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int given[] = {IQ_X86_RIP, IQ_X86_RSP, IQ_X86_RBP, IQ_X86_R10};
	uint64_t top_a = STACK_A + STACK_SIZE - STACK_BYTES,
		 top_b = STACK_B + STACK_SIZE - STACK_BYTES;
	struct iq_regs regs = {0};
	struct iq_backtrace b;
	struct iq_error *err;
	struct machine m;

	machine_init(&m);
	for (unsigned int i = 0; i < ROWS; i++) {
		if (i % 4 == 0)
			function(&m, i % 8 ? "f" : "g.cold");
		orc_row(&m, 0, 0, 0, 0, 0, 0);
		m.at += 16;
	}
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(given); i++)
		iq_reg_set(&regs, given[i], number(&data, &size));
	if (regs.value[IQ_X86_RIP] < CODE_BYTES)
		regs.value[IQ_X86_RIP] += TEXT_BASE + TEXT_AT;
	if (regs.value[IQ_X86_RSP] < STACK_BYTES)
		regs.value[IQ_X86_RSP] += DIRECT + top_a;
	if (regs.value[IQ_X86_RBP] < STACK_BYTES)
		regs.value[IQ_X86_RBP] += DIRECT + top_a;
	deal(&m, TEXT_AT, CODE_BYTES, &data, &size);
	deal(&m, ROWS_AT, 6 * ROWS, &data, &size);
	deal(&m, top_a, STACK_BYTES, &data, &size);
	deal(&m, top_b, STACK_BYTES, &data, &size);
	make_addresses(&m, top_a);
	make_addresses(&m, top_b);
	machine_start(&m);
	err = iq_backtrace_from(&m.k, &m.tasks[0], -1, &regs, &b);
	iq_error_free(err);
	use(&m, &b);
	iq_backtrace_free(&b);
	m.tasks[0].sp = regs.value[IQ_X86_RSP];
	err = iq_backtrace(&m.k, &m.tasks[0], &b);
	if (!err)
		use_again(&m, &b);
	iq_error_free(err);
	use(&m, &b);
	iq_backtrace_free(&b);
	machine_free(&m);
	return 0;
}
