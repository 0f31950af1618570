// SPDX-License-Identifier: GPL-2.0-or-later
/* DWARF expressions, by the examples of the standard (DWARF 5, 2.6 and appendix D.1) and at their limits. */
#include "../../src/debug/dwarf_expr.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static enum iq_dw_known reg(void *arg, unsigned int n, uint64_t *ret)
{
	*ret = 0x1000 * n;
	return n < 16 ? IQ_DW_KNOWN : IQ_DW_NO_REGISTER;
}

static enum iq_dw_known memory(void *arg, uint64_t address, unsigned int size, uint64_t *ret)
{
	*ret = (address ^ 0xff) & (size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1);
	return address ? IQ_DW_KNOWN : IQ_DW_NO_MEMORY;
}

static enum iq_dw_known base(void *arg, uint64_t *ret)
{
	*ret = 0x7000;
	return IQ_DW_KNOWN;
}

static enum iq_dw_known entry(void *arg, const uint8_t *code, size_t len, uint64_t *ret)
{
	*ret = 0xe0 + code[0] - DW_OP_reg0;
	return len == 1 ? IQ_DW_KNOWN : IQ_DW_NO_ENTRY_VALUE;
}

static const struct iq_dw_machine machine = {
	.reg = reg, .memory = memory, .frame_base = base, .cfa = base, .entry_value = entry};

static enum iq_dw_known locate(const char *code, size_t len, struct iq_dw_location *loc)
{
	struct iq_dw_expr e = {
		.code = (const uint8_t *)code, .len = len, .address_size = 8, .offset_size = 4};

	return iq_dw_locate(&e, &machine, loc);
}
#define LOCATE(code, loc) locate(code, sizeof(code) - 1, loc)

static void one_place(void **state)
{
	static const struct {
		const char *code;
		size_t len;
		enum iq_dw_where where;
		uint64_t number;
	} cases[] = {
#define CASE(code, where, number) {code, sizeof(code) - 1, where, number}
		CASE("\x53", IQ_DW_REGISTER, 3), /* reg3 */
		CASE("\x90\x36", IQ_DW_REGISTER, 54), /* regx 54 */
		CASE("\x7b\x0b", IQ_DW_MEMORY, 0xb00b), /* breg11 11 */
		CASE("\x91\x4e", IQ_DW_MEMORY, 0x7000 - 50), /* fbreg -50 */
		CASE("\x92\x05\x20\x06", IQ_DW_MEMORY, 0x5020 ^ 0xff), /* bregx 5 32; deref */
		CASE("\x9c\x23\x10", IQ_DW_MEMORY, 0x7010), /* call_frame_cfa; plus_uconst 16 */
		CASE("\x31\x1c\x9f", 100 + (int)IQ_DW_DAMAGED, 0), /* lit1; minus: one operand */
		CASE("\x35\x33\x1c\x9f", IQ_DW_VALUE, 2), /* 5 - 3 */
		CASE("\x09\xfe\x33\x1b\x9f", IQ_DW_VALUE, 0), /* -2 / 3 */
		CASE("\x09\xfe\x31\x26\x9f", IQ_DW_VALUE, UINT64_MAX), /* -2 >> 1, signed */
		CASE("\x09\xff\x30\x2d\x9f", IQ_DW_VALUE, 1), /* -1 < 0 */
		CASE("\x31\x32\x33\x17\x1c\x1c\x9f", IQ_DW_VALUE, 3 - (1 - 2)), /* rot: 3 1 2 */
		CASE("\x31\x28\x01\x00\x96\x37\x9f", IQ_DW_VALUE, 7), /* bra over a nop */
		CASE("\xa3\x01\x55\x9f", IQ_DW_VALUE, 0xe5), /* entry_value(reg5) */
		CASE("\xf3\x01\x54\x31\x22\x9f", IQ_DW_VALUE, 0xe5), /* GNU_entry_value(reg4) + 1 */
		CASE("", IQ_DW_NOWHERE, 0),
#undef CASE
	};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(cases); i++) {
		struct iq_dw_location loc;
		enum iq_dw_known known = locate(cases[i].code, cases[i].len, &loc);

		if ((int)cases[i].where >= 100) {
			assert_int_equal(known, (int)cases[i].where - 100);
			continue;
		}
		assert_int_equal(known, IQ_DW_KNOWN);
		assert_int_equal(loc.nr, 1);
		assert_int_equal(loc.piece[0].where, cases[i].where);
		assert_int_equal(loc.piece[0].number, cases[i].number);
	}
}

static void pieces(void **state)
{
	struct iq_dw_location loc;

	/* reg3; piece 4; reg10; piece 2; (nothing) piece 8; lit7; stack_value; bit_piece 3 1 */
	assert_int_equal(LOCATE("\x53\x93\x04\x5a\x93\x02\x93\x08\x37\x9f\x9d\x03\x01", &loc),
			 IQ_DW_KNOWN);
	assert_int_equal(loc.nr, 4);
	assert_int_equal(loc.piece[0].where, IQ_DW_REGISTER);
	assert_int_equal(loc.piece[0].bit_size, 32);
	assert_int_equal(loc.piece[1].number, 10);
	assert_int_equal(loc.piece[2].where, IQ_DW_NOWHERE);
	assert_int_equal(loc.piece[3].where, IQ_DW_VALUE);
	assert_int_equal(loc.piece[3].bit_size, 3);
	assert_int_equal(loc.piece[3].bit_offset, 1);
	/* implicit_value of three bytes; a pointer to an entry */
	assert_int_equal(LOCATE("\x9e\x03\x61\x62\x63", &loc), IQ_DW_KNOWN);
	assert_int_equal(loc.piece[0].where, IQ_DW_BYTES);
	assert_int_equal(loc.piece[0].len, 3);
	assert_memory_equal(loc.piece[0].bytes, "abc", 3);
	assert_int_equal(LOCATE("\xa0\x44\x33\x22\x11\x7f", &loc), IQ_DW_KNOWN);
	assert_int_equal(loc.piece[0].where, IQ_DW_POINTER);
	assert_int_equal(loc.piece[0].number, 0x11223344);
	assert_int_equal(loc.piece[0].offset, -1);
}

static void refused(void **state)
{
	struct iq_dw_location loc;

	assert_int_equal(LOCATE("\x90\x20\x12", &loc), IQ_DW_DAMAGED); /* behind a register */
	assert_int_equal(LOCATE("\x92\x20\x00", &loc), IQ_DW_NO_REGISTER);
	assert_int_equal(loc.reg, 32);
	assert_int_equal(LOCATE("\x30\x06", &loc), IQ_DW_NO_MEMORY);
	assert_int_equal(LOCATE("\x35\x30\x1b", &loc), IQ_DW_DAMAGED); /* 5 / 0 */
	assert_int_equal(LOCATE("\x2f\xfd\xff", &loc), IQ_DW_DAMAGED); /* skip to itself */
	assert_int_equal(LOCATE("\x2f\x05\x00", &loc), IQ_DW_DAMAGED); /* skip behind the end */
	assert_int_equal(LOCATE("\x0e\x01", &loc), IQ_DW_DAMAGED); /* cut off */
	assert_int_equal(LOCATE("\x9e\x7f\x01", &loc), IQ_DW_DAMAGED);
	assert_int_equal(LOCATE("\x30\x94\x09", &loc), IQ_DW_DAMAGED); /* nine bytes */
	assert_int_equal(LOCATE("\x97", &loc), IQ_DW_UNSUPPORTED); /* push_object_address */
	assert_int_equal(LOCATE("\x03\x01\x02\x03\x04\x05\x06\x07\x08", &loc), IQ_DW_NO_ADDRESS);
}

static void rules_of_frames(void **state)
{
	struct iq_dw_expr e = {.code = (const uint8_t *)"\x08\x10\x1c",
			       .len = 3,
			       .address_size = 8,
			       .offset_size = 4,
			       .has_initial = true,
			       .initial = 0x5000};
	uint64_t value;

	assert_int_equal(iq_dw_compute(&e, &machine, &value), IQ_DW_KNOWN);
	assert_int_equal(value, 0x4ff0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_place),
		cmocka_unit_test(pieces),
		cmocka_unit_test(refused),
		cmocka_unit_test(rules_of_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
