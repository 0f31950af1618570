// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ORC tables in the four layouts of asm/orc_types.h, packed here bit by bit, looked up and compared
 * with a walk over all rows; sorted and not.
 */
#include "vm_memory.h"
#include <inquest/orc.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NR 5000u
#define IPS 0x1234u
#define ROWS 0x20002u
#define TEXT (VM_BASE + 0x80000)

static struct vm_memory m;
static struct iq_orc_row rows[NR];

/* Register numbers of sp_reg as the two numberings have them; -1: not there. */
static int number_of(const struct iq_orc_row *r, enum iq_orc_layout layout)
{
	bool v4 = layout == IQ_ORC_V4;

	if (r->sp_reg < 0)
		return 0;
	if (r->sp_deref)
		return r->sp_reg == IQ_X86_RSP ? 9 : v4 ? 10 : 8;
	switch (r->sp_reg) {
	case IQ_X86_RDX:
		return 2;
	case IQ_X86_RDI:
		return v4 ? 5 : 3;
	case IQ_X86_RBP:
		return 4;
	case IQ_X86_RSP:
		return v4 ? 3 : 5;
	case IQ_X86_R10:
		return 6;
	case IQ_X86_R13:
		return 7;
	default:
		return v4 && r->sp_reg == IQ_X86_RAX ? 1 : -1;
	}
}

static uint16_t pack(const struct iq_orc_row *r, enum iq_orc_layout layout)
{
	static const uint8_t old_type[] = {0, 0, 0, 1, 2}, new_type[] = {0, 1, 2, 3, 4};
	unsigned int flags = (unsigned int)number_of(r, layout);

	if (r->bp_rule == IQ_ORC_BP_AT_CFA)
		flags |= (layout == IQ_ORC_V4 ? 8u : 1u) << 4;
	else if (r->bp_rule == IQ_ORC_BP_AT_BP)
		flags |= 4u << 4;
	if (layout >= IQ_ORC_V3)
		return (uint16_t)(flags | (unsigned int)new_type[r->type] << 8 |
				  (unsigned int)r->signal << 11);
	flags |= (unsigned int)old_type[r->type] << 8;
	if (layout == IQ_ORC_V2)
		return (uint16_t)(flags | (unsigned int)r->signal << 10 |
				  (r->type == IQ_ORC_END) << 11);
	return (uint16_t)(flags | (r->type == IQ_ORC_END) << 10);
}

/* Rows of functions: CFA rsp + 8 at the start, then whatever, a mark behind some ends. */
static void make_rows(enum iq_orc_layout layout)
{
	static const int regs[] = {IQ_X86_RSP, IQ_X86_RBP, IQ_X86_R10,
				   IQ_X86_R13, IQ_X86_RDI, IQ_X86_RDX};
	uint64_t x = 2463534242u, ip = TEXT;

	for (unsigned int i = 0; i < NR; i++) {
		struct iq_orc_row *r = &rows[i];

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		*r = (struct iq_orc_row){
			.type = IQ_ORC_CALL, .sp_reg = IQ_X86_RSP, .sp_offset = 8, .start = ip};
		ip += 1 + x % 40;
		if (i % 8 == 0)
			continue;
		r->type = (enum iq_orc_type)(x / 64 % 5);
		r->sp_reg = regs[x / 512 % 6];
		r->sp_offset = (int16_t)(x >> 20);
		r->bp_rule = x / 4096 % 3;
		r->bp_offset = r->bp_rule == IQ_ORC_BP_SAME ? 0 : (int16_t)(x >> 40);
		r->signal = r->type == IQ_ORC_REGS || r->type == IQ_ORC_REGS_PARTIAL;
		r->sp_deref = r->type == IQ_ORC_CALL && r->sp_reg <= IQ_X86_RSP &&
			      r->sp_reg >= IQ_X86_RBP && x & 1;
		r->sp_deref_after_offset = r->sp_deref && r->sp_reg == IQ_X86_RBP;
		if (layout == IQ_ORC_V4 && r->type == IQ_ORC_CALL && x / 7 % 9 == 0 && !r->sp_deref)
			r->sp_reg = IQ_X86_RAX;
		if (r->type == IQ_ORC_UNDEFINED || r->type == IQ_ORC_END)
			*r = (struct iq_orc_row){.type = r->type, .sp_reg = -1, .start = r->start};
	}
}

static void put_rows(const unsigned int *order, enum iq_orc_layout layout)
{
	for (unsigned int i = 0; i < NR; i++) {
		const struct iq_orc_row *r = &rows[order ? order[i] : i];
		int32_t ip = (int32_t)(r->start - (VM_BASE + IPS + 4 * i));
		int16_t sp = (int16_t)r->sp_offset, bp = (int16_t)r->bp_offset;
		uint16_t flags = pack(r, layout);

		memcpy(m.bytes + IPS + 4 * i, &ip, 4);
		memcpy(m.bytes + ROWS + 6 * i, &sp, 2);
		memcpy(m.bytes + ROWS + 6 * i + 2, &bp, 2);
		memcpy(m.bytes + ROWS + 6 * i + 4, &flags, 2);
	}
}

static void make(enum iq_orc_layout layout, const unsigned int *order)
{
	assert_true(vm_memory_init(&m, 0x60000));
	make_rows(layout);
	put_rows(order, layout);
	assert_true(vm_memory_start(&m));
}

static void check_row(const struct iq_orc_row *got, const struct iq_orc_row *want)
{
	assert_int_equal(got->start, want->start);
	assert_int_equal(got->type, want->type);
	assert_int_equal(got->signal, want->signal);
	assert_int_equal(got->sp_reg, want->sp_reg);
	assert_int_equal(got->sp_offset, want->sp_offset);
	assert_int_equal(got->sp_deref, want->sp_deref);
	assert_int_equal(got->sp_deref_after_offset, want->sp_deref_after_offset);
	assert_int_equal(got->bp_rule, want->bp_rule);
	assert_int_equal(got->bp_offset, want->bp_offset);
}

static void check_all(enum iq_orc_layout layout)
{
	struct iq_orc *o;
	struct iq_orc_row row;
	uint64_t first, last;

	assert_null(iq_orc_open(m.vm, layout, false, VM_BASE + IPS, VM_BASE + ROWS, NR, &o));
	assert_false(iq_orc_lookup(o, TEXT - 1, &row));
	assert_false(iq_orc_lookup(o, 0, &row));
	for (unsigned int i = 0; i < NR; i++) {
		uint64_t end = i + 1 < NR ? rows[i + 1].start : rows[i].start + 100;

		assert_true(iq_orc_lookup(o, rows[i].start, &row));
		check_row(&row, &rows[i]);
		assert_true(iq_orc_lookup(o, end - 1, &row));
		check_row(&row, &rows[i]);
	}
	assert_true(iq_orc_range(o, &first, &last));
	assert_int_equal(first, rows[0].start);
	assert_int_equal(last, rows[NR - 1].start);
	iq_orc_close(o);
}

static void all_layouts(void **state)
{
	for (enum iq_orc_layout layout = IQ_ORC_V1; layout <= IQ_ORC_V4; layout++) {
		make(layout, NULL);
		check_all(layout);
		vm_memory_end(&m);
	}
}

/* As an old kernel's or a module's table before it is sorted: runs of rows, one an object file. */
static void unsorted(void **state)
{
	unsigned int order[NR], nr = 0;
	uint64_t first, last;
	struct iq_orc *o;

	for (unsigned int part = 0; part < 2; part++) {
		for (unsigned int i = 0; i < NR; i++) {
			if ((i / 50 % 3 == 1) == part)
				order[nr++] = i;
		}
	}
	make(IQ_ORC_V1, order);
	assert_null(iq_orc_open(m.vm, IQ_ORC_V1, false, VM_BASE + IPS, VM_BASE + ROWS, NR, &o));
	assert_true(iq_orc_range(o, &first, &last));
	assert_int_equal(first, rows[0].start);
	assert_int_equal(last, rows[NR - 1].start);
	iq_orc_close(o);
	check_all(IQ_ORC_V1);
	vm_memory_end(&m);
}

/* Of two rows for one address the later is found, and of an end mark and a row the row. */
static void two_for_one(void **state)
{
	struct iq_orc *o;
	struct iq_orc_row row;
	unsigned int order[NR];

	for (unsigned int i = 0; i < NR; i++)
		order[i] = i;
	order[0] = 4001; /* not sorted */
	order[4001] = 0;
	assert_true(vm_memory_init(&m, 0x60000));
	make_rows(IQ_ORC_V3);
	rows[2001] = rows[8];
	rows[2001].start = rows[2000].start;
	rows[2000] = (struct iq_orc_row){
		.type = IQ_ORC_UNDEFINED, .sp_reg = -1, .start = rows[2000].start};
	put_rows(NULL, IQ_ORC_V3);
	assert_true(vm_memory_start(&m));
	assert_null(iq_orc_open(m.vm, IQ_ORC_V3, false, VM_BASE + IPS, VM_BASE + ROWS, NR, &o));
	assert_true(iq_orc_lookup(o, rows[2000].start, &row));
	check_row(&row, &rows[2001]);
	iq_orc_close(o);
	put_rows(order, IQ_ORC_V3);
	assert_null(iq_orc_open(m.vm, IQ_ORC_V3, false, VM_BASE + IPS, VM_BASE + ROWS, NR, &o));
	assert_true(iq_orc_lookup(o, rows[2000].start, &row));
	check_row(&row, &rows[2001]);
	iq_orc_close(o);
	vm_memory_end(&m);
}

/* Up to 5.11 the word at [sp + offset], since then [sp], plus offset; for bp always the former. */
static void indirect(void **state)
{
	for (unsigned int after = 0; after < 2; after++) {
		struct iq_orc *o;
		unsigned int seen = 0;

		make(IQ_ORC_V1, NULL);
		assert_null(
			iq_orc_open(m.vm, IQ_ORC_V1, after, VM_BASE + IPS, VM_BASE + ROWS, NR, &o));
		for (unsigned int i = 0; i < NR; i++) {
			struct iq_orc_row row;

			assert_true(iq_orc_lookup(o, rows[i].start, &row));
			if (!rows[i].sp_deref)
				continue;
			assert_true(row.sp_deref);
			assert_int_equal(row.sp_deref_after_offset,
					 after || row.sp_reg == IQ_X86_RBP);
			seen++;
		}
		assert_true(seen > 10);
		iq_orc_close(o);
		vm_memory_end(&m);
	}
}

static void probe(void **state)
{
	static const uint8_t unknown[20] = {1, 2, 3};
	uint64_t starts[16];
	enum iq_orc_layout found;
	struct iq_error *err;

	for (enum iq_orc_layout layout = IQ_ORC_V1; layout <= IQ_ORC_V4; layout++) {
		make(layout, NULL);
		for (unsigned int i = 0; i < 16; i++)
			starts[i] = rows[i * 8].start;
		found = 0;
		assert_null(iq_orc_probe(m.vm, NULL, unknown, VM_BASE + IPS, VM_BASE + ROWS, NR,
					 starts, 16, &found));
		assert_int_equal(found, layout);
		vm_memory_end(&m);
	}
	/* Nothing to go by. */
	make(IQ_ORC_V3, NULL);
	err = iq_orc_probe(m.vm, NULL, NULL, VM_BASE + IPS, VM_BASE + ROWS, NR, NULL, 0, &found);
	assert_non_null(err);
	iq_error_free(err);
	vm_memory_end(&m);
}

/* Numbers of reg that no kernel writes, and rows without a base: nothing can be unwound by them. */
static void nonsense(void **state)
{
	struct iq_orc *o;
	struct iq_orc_row row;

	for (enum iq_orc_layout layout = IQ_ORC_V1; layout <= IQ_ORC_V4; layout++) {
		make(layout, NULL);
		for (unsigned int i = 0; i < 256; i++) {
			m.bytes[ROWS + 6 * i + 4] = (uint8_t)i;
			m.bytes[ROWS + 6 * i + 5] = layout >= IQ_ORC_V3 ? 2 : 0;
		}
		assert_null(
			iq_orc_open(m.vm, layout, false, VM_BASE + IPS, VM_BASE + ROWS, NR, &o));
		for (unsigned int i = 0; i < 256; i++) {
			assert_true(iq_orc_lookup(o, rows[i].start, &row));
			assert_true(row.type == IQ_ORC_UNDEFINED || row.sp_reg >= 0);
		}
		iq_orc_close(o);
		vm_memory_end(&m);
	}
}

static void hostile(void **state)
{
	static const uint64_t places[] = {0, VM_BASE - 4, UINT64_MAX, UINT64_MAX - 8,
					  VM_BASE + 0x5fffc};
	static const uint64_t numbers[] = {0, 1, NR, 4u << 20, UINT32_MAX, UINT64_MAX};

	make(IQ_ORC_V3, NULL);
	for (unsigned int i = 0; i < 5 * 5 * 6; i++) {
		struct iq_orc *o;
		struct iq_orc_row row;
		uint64_t first, last;
		struct iq_error *err = iq_orc_open(m.vm, IQ_ORC_V3, false, places[i % 5],
						   places[i / 5 % 5], numbers[i / 25], &o);

		if (!err) {
			iq_orc_lookup(o, rows[100].start, &row);
			iq_orc_range(o, &first, &last);
			iq_orc_close(o);
		}
		iq_error_free(err);
	}
	vm_memory_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_layouts), cmocka_unit_test(unsorted),
		cmocka_unit_test(two_for_one), cmocka_unit_test(indirect),
		cmocka_unit_test(probe),       cmocka_unit_test(nonsense),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
