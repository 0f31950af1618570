// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers, memory, maps, parallel loops. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <inquest/base.h>
#include <stdatomic.h>
#include <stdlib.h>

static void test_parse(void **state)
{
	uint64_t v = 99;

	assert_true(iq_parse_u64("0", &v) && v == 0);
	assert_true(iq_parse_u64("10", &v) && v == 10);
	assert_true(iq_parse_u64("010", &v) && v == 8);
	assert_true(iq_parse_u64("0x10", &v) && v == 16);
	assert_true(iq_parse_u64("0XfF", &v) && v == 255);
	assert_true(iq_parse_u64("18446744073709551615", &v) && v == UINT64_MAX);
	assert_true(iq_parse_u64("0xffffffffffffffff", &v) && v == UINT64_MAX);
	v = 99;
	assert_false(iq_parse_u64("18446744073709551616", &v));
	assert_false(iq_parse_u64("0x10000000000000000", &v));
	assert_false(iq_parse_u64("", &v));
	assert_false(iq_parse_u64("0x", &v));
	assert_false(iq_parse_u64(" 1", &v));
	assert_false(iq_parse_u64("1 ", &v));
	assert_false(iq_parse_u64("-1", &v));
	assert_false(iq_parse_u64("+1", &v));
	assert_false(iq_parse_u64("08", &v));
	assert_false(iq_parse_u64("1f", &v));
	assert_int_equal(v, 99);
	assert_true(iq_parse_hex("ffff888001234000", &v) && v == 0xffff888001234000);
	assert_true(iq_parse_hex("0xFFFF888001234000", &v) && v == 0xffff888001234000);
	assert_true(iq_parse_hex("10", &v) && v == 16);
	assert_false(iq_parse_hex("", &v));
	assert_false(iq_parse_hex("0x", &v));
	assert_false(iq_parse_hex("xyz", &v));
	assert_false(iq_parse_hex("1ffff888001234000", &v));
}

static void test_loads(void **state)
{
	const uint8_t b[] = {0xff, 0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88};

	assert_int_equal(iq_le16(b + 1), 0x8201);
	assert_int_equal(iq_le32(b + 1), 0x84038201);
	assert_true(iq_le64(b + 1) == 0x8807860584038201);
	assert_true(iq_be64(b + 1) == 0x0182038405860788);
	assert_true(iq_le(b, 1) == 0xff && iq_le(b + 1, 2) == 0x8201);
	assert_true(iq_le(b + 1, 4) == 0x84038201 && iq_le(b + 1, 8) == iq_le64(b + 1));
}

static void test_grow(void **state)
{
	uint32_t *a = NULL;
	unsigned int room = 0;

	for (unsigned int i = 0; i < 1000; i++) {
		assert_true(iq_grow(&a, &room, i + 1, sizeof(*a)));
		assert_true(room > i);
		a[i] = i;
	}
	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(a[i], i);
	/* What cannot be is refused, and nothing changes. */
	assert_false(iq_grow(&a, &room, UINT32_MAX, SIZE_MAX / 16));
	assert_int_equal(a[999], 999);
	free(a);
}

static void test_arena(void **state)
{
	struct iq_arena a = {0};
	uint8_t *old[300];
	char *s;

	for (size_t i = 0; i < 300; i++) {
		/* Now and then one that does not fit into a block. */
		size_t size = i % 50 == 49 ? 100000 : i;

		old[i] = iq_arena_alloc(&a, size);
		assert_non_null(old[i]);
		assert_int_equal((uintptr_t)old[i] % 16, 0);
		for (size_t k = 0; k < size; k++)
			assert_int_equal(old[i][k], 0);
		memset(old[i], (int)i, size);
	}
	for (size_t i = 0; i < 300; i++) {
		size_t size = i % 50 == 49 ? 100000 : i;

		for (size_t k = 0; k < size; k++)
			assert_int_equal(old[i][k], (uint8_t)i);
	}
	s = iq_arena_strndup(&a, "abcdef", 3);
	assert_string_equal(s, "abc");
	assert_string_equal(iq_arena_strndup(&a, "ab", 100), "ab");
	assert_string_equal(iq_arena_strdup(&a, "xyz"), "xyz");
	assert_null(iq_arena_alloc(&a, SIZE_MAX));
	assert_null(iq_arena_alloc(&a, SIZE_MAX - 20));
	iq_arena_free(&a);
	assert_int_equal(a.total, 0);
	iq_arena_free(&a);
}

static void test_map(void **state)
{
	struct iq_map m = {0};
	static int values[5000];

	assert_null(iq_map_get(&m, 0));
	/* Page-aligned kernel addresses, and the two ends. */
	for (uint64_t i = 0; i < 5000; i++)
		assert_true(iq_map_put(&m, 0xffff888000000000 + i * 4096, &values[i]));
	assert_true(iq_map_put(&m, 0, &values[1]));
	assert_true(iq_map_put(&m, UINT64_MAX, &values[2]));
	assert_int_equal(m.nr, 5002);
	for (uint64_t i = 0; i < 5000; i++)
		assert_ptr_equal(iq_map_get(&m, 0xffff888000000000 + i * 4096), &values[i]);
	assert_null(iq_map_get(&m, 0xffff888000000001));
	assert_ptr_equal(iq_map_get(&m, 0), &values[1]);
	assert_true(iq_map_put(&m, 0, &values[3]));
	assert_ptr_equal(iq_map_get(&m, 0), &values[3]);
	assert_int_equal(m.nr, 5002);
	iq_map_free(&m);
	assert_null(iq_map_get(&m, 0));
	assert_true(iq_hash_str("abc") == iq_hash_mem("abc", 3));
	assert_true(iq_hash_str("abc") != iq_hash_str("abd"));
}

struct loop {
	_Atomic unsigned int calls, seen[8];
};

static void count(void *arg, unsigned int worker)
{
	struct loop *l = arg;

	l->calls++;
	l->seen[worker]++;
}

static void test_parallel(void **state)
{
	for (unsigned int n = 1; n <= 8; n++) {
		struct loop l = {0};

		iq_parallel(n, count, &l);
		assert_int_equal(l.calls, n);
		for (unsigned int i = 0; i < 8; i++)
			assert_int_equal(l.seen[i], i < n);
	}
	setenv("INQUEST_THREADS", "3", 1);
	assert_int_equal(iq_nr_threads(), 3);
	setenv("INQUEST_THREADS", "0", 1);
	assert_true(iq_nr_threads() >= 1);
	setenv("INQUEST_THREADS", "many", 1);
	assert_true(iq_nr_threads() >= 1);
	unsetenv("INQUEST_THREADS");
}

static void test_cancel(void **state)
{
	struct iq_cancel c = {0};
	uint64_t r;

	assert_false(iq_cancelled(NULL));
	assert_false(iq_cancelled(&c));
	c.stop = 1;
	assert_true(iq_cancelled(&c));
	assert_true(iq_add_overflows(UINT64_MAX, 1, &r));
	assert_false(iq_add_overflows(UINT64_MAX, 0, &r));
	assert_true(iq_mul_overflows(1ull << 32, 1ull << 32, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),  cmocka_unit_test(test_loads),
		cmocka_unit_test(test_grow),   cmocka_unit_test(test_arena),
		cmocka_unit_test(test_map),    cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
