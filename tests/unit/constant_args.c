// SPDX-License-Identifier: GPL-2.0-or-later
/* Constants in arguments of calls, in machine code as gcc writes it: see callers.h. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <elf.h>
#include <inquest/callers.h>

#define ADDRESS UINT64_C(0xffffffff81000000)

static const struct iq_arch *arch;

/* The constant in argument ARG of the call at offset CALL of the code in HEX; 0: none is known. */
static uint64_t argument(const char *hex, size_t call, unsigned int arg)
{
	uint8_t code[128];
	unsigned int byte;
	size_t n = 0;
	uint64_t value;

	for (; sscanf(hex, "%2x", &byte) == 1; hex += hex[2] == ' ' ? 3 : 2)
		code[n++] = (uint8_t)byte;
	return iq_constant_argument(arch, code, call, n, ADDRESS, arg, NULL, NULL, &value) ? value : 0;
}

static void constants(void **state)
{
	/* mov $0xffffffff8247d01a,%rdi; call */
	assert_int_equal(argument("48 c7 c7 1a d0 47 82 e8 00 00 00 00", 7, 0),
			 UINT64_C(0xffffffff8247d01a));
	/* mov $0x50,%esi; the second argument */
	assert_int_equal(argument("be 50 00 00 00 e8 00 00 00 00", 5, 1), 0x50);
	/* mov $0x81000000,%edi: the upper half is zero */
	assert_int_equal(argument("bf 00 00 00 81 e8 00 00 00 00", 5, 0), UINT64_C(0x81000000));
	/* lea 0x10(%rip),%rdi */
	assert_int_equal(argument("48 8d 3d 10 00 00 00 e8 00 00 00 00", 7, 0), ADDRESS + 7 + 0x10);
	/* mov $…,%rdi; jmp (a tail call) */
	assert_int_equal(argument("48 c7 c7 1a d0 47 82 e9 00 00 00 00", 7, 0),
			 UINT64_C(0xffffffff8247d01a));
}

static void through_registers(void **state)
{
	/* mov $…,%rbx; call other; mov %rbx,%rdi; call: rbx is preserved */
	assert_int_equal(argument("48 c7 c3 1a d0 47 82 e8 00 00 00 00 48 89 df e8 00 00 00 00", 15, 0),
			 UINT64_C(0xffffffff8247d01a));
	/* mov $…,%rdi; call other; call: rdi is not */
	assert_int_equal(argument("48 c7 c7 1a d0 47 82 e8 00 00 00 00 e8 00 00 00 00", 12, 0), 0);
	/* mov $…,%rdi; lea 0x4(%rsp),%rdi: the last counts, and is no constant */
	assert_int_equal(argument("48 c7 c7 1a d0 47 82 48 8d 7c 24 04 e8 00 00 00 00", 12, 0), 0);
	/* mov $…,%rdi; add $8,%rdi */
	assert_int_equal(argument("48 c7 c7 1a d0 47 82 48 83 c7 08 e8 00 00 00 00", 11, 0), 0);
	/* mov (%rax),%rdi */
	assert_int_equal(argument("48 8b 38 e8 00 00 00 00", 3, 0), 0);
}

static void flow(void **state)
{
	/* mov $…,%rdi; jmp away; call: reached from elsewhere */
	assert_int_equal(argument("48 c7 c7 1a d0 47 82 eb 10 e8 00 00 00 00", 9, 0), 0);
	/* mov $…,%rdi; je away; call */
	assert_int_equal(argument("48 c7 c7 1a d0 47 82 74 10 e8 00 00 00 00", 9, 0),
			 UINT64_C(0xffffffff8247d01a));
	/* The e8 is a part of mov $0xe8,%edi: no call begins there */
	assert_int_equal(argument("bf e8 00 00 00 e8 00 00 00 00", 1, 0), 0);
	assert_int_equal(argument("48 c7 c7 1a d0 47 82 e8 00 00 00 00", 7, 6), 0);
}

static size_t where[8];
static unsigned int which[8], found;

static void note(void *arg, size_t offset, unsigned int callee)
{
	assert_true(found < 8);
	where[found] = offset;
	which[found++] = callee;
}

static void calls(void **state)
{
	/* call ADDRESS + 0x100; nop; call ADDRESS + 0x200; jmp ADDRESS + 0x100 */
	static const uint8_t code[] = {0xe8, 0xfb, 0, 0, 0, 0x90, 0xe8, 0xf5, 1, 0, 0, 0xe9, 0xf0, 0, 0, 0,
				       0xe8};
	const struct iq_callee callees[] = {{.function = "a", .address = ADDRESS + 0x100},
					    {.function = "none"},
					    {.function = "b", .address = ADDRESS + 0x200}};

	found = 0;
	iq_calls_in_code(arch, code, sizeof(code), ADDRESS, callees, 3, note, NULL);
	assert_int_equal(found, 3);
	assert_int_equal(where[0], 0);
	assert_int_equal(which[0], 0);
	assert_int_equal(where[1], 6);
	assert_int_equal(which[1], 2);
	assert_int_equal(where[2], 11);
	assert_int_equal(which[2], 0);
	iq_calls_in_code(arch, code, 0, ADDRESS, callees, 3, note, NULL);
	iq_calls_in_code(arch, code, 4, ADDRESS, callees, 3, note, NULL);
	assert_int_equal(found, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants),
		cmocka_unit_test(through_registers),
		cmocka_unit_test(flow),
		cmocka_unit_test(calls),
	};

	arch = iq_arch_by_machine(EM_X86_64);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
