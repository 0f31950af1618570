// SPDX-License-Identifier: GPL-2.0-or-later
/* Extents: any set of overlapping stretches against painting them byte by byte. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "../../src/dump/extent.h"
#include <stdlib.h>

#define SPACE 400

static uint32_t seed = 7;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* Where each address lies, in the way of a naive writer: in ascending priority. */
static void paint(const struct iq_extent *e, unsigned int nr, uint64_t *pos)
{
	for (unsigned int p = 0; p <= nr; p++) {
		for (unsigned int i = 0; i < nr; i++) {
			for (uint64_t a = e[i].start; e[i].priority == p && a < e[i].end; a++)
				pos[a] = e[i].pos + (a - e[i].start) + 1 +
					 ((uint64_t)e[i].kind << 32);
		}
	}
}

static void test_random(void **state)
{
	for (int round = 0; round < 20000; round++) {
		unsigned int nr = draw(12);
		struct iq_extent e[12];
		struct iq_extents x = {0};
		uint64_t want[SPACE] = {0};

		for (unsigned int i = 0; i < nr; i++) {
			uint64_t start = draw(SPACE), len = draw(SPACE / (1 + draw(8)));

			e[i] = (struct iq_extent){.start = start,
						  .end = IQ_MIN(start + len, SPACE),
						  .pos = draw(3) ? draw(100000) : start,
						  .kind = draw(2),
						  .priority = round % 2 ? i : nr - i};
			assert_true(iq_extents_add(&x, &e[i]));
		}
		paint(e, nr, want);
		assert_true(iq_extents_settle(&x));
		for (unsigned int i = 0; i < x.nr; i++) {
			assert_true(x.e[i].start < x.e[i].end);
			if (i)
				assert_true(x.e[i].start >= x.e[i - 1].end);
		}
		for (uint64_t a = 0; a < SPACE; a++) {
			const struct iq_extent *f = iq_extents_find(&x, a);
			uint64_t got = 0;

			if (f && f->start <= a)
				got = f->pos + (a - f->start) + 1 + ((uint64_t)f->kind << 32);
			assert_true(got == want[a]);
		}
		iq_extents_free(&x);
	}
}

static void test_many(void **state)
{
	struct iq_extents x = {0};

	/* Nested: each new one lies in the middle of all before. */
	for (uint32_t i = 0; i < 100000; i++)
		assert_true(iq_extents_add(&x, &(struct iq_extent){.start = i,
								   .end = 300000 - i,
								   .pos = (uint64_t)i << 40,
								   .priority = i}));
	assert_true(iq_extents_settle(&x));
	assert_int_equal(x.nr, 199999);
	assert_true(iq_extents_find(&x, 150000)->pos >> 40 == 99999);
	assert_true(iq_extents_find(&x, 0)->pos >> 40 == 0);
	assert_null(iq_extents_find(&x, 300000));
	iq_extents_free(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
