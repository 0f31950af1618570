// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The types of slab objects in the bundled dump, whose truth its module printed before it died: a struct urb, and the
 * struct async of usbfs that has it, in caches that do not say what is in them.
 */
#include <inquest/typegraph.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifndef DEMO
#error "DEMO is the folder of the bundled dump"
#endif

struct state {
	struct iq_dump *dump;
	struct iq_kernel *k;
	uint64_t urb, async, device;
};

/* The hexadecimal number behind "NAME": in the truth's text. */
static uint64_t fact(const char *truth, const char *name)
{
	char key[64];
	const char *p;

	snprintf(key, sizeof(key), "\"%s\": \"", name);
	p = strstr(truth, key);
	assert_non_null(p);
	return strtoull(p + strlen(key), NULL, 16);
}

static void read_truth(struct state *s)
{
	char *truth = calloc(1, 1 << 16);
	FILE *f = fopen(DEMO "/usb-free.truth.json", "r");

	assert_non_null(truth);
	assert_non_null(f);
	assert_true(fread(truth, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	s->urb = fact(truth, "urb");
	s->async = fact(truth, "async");
	s->device = fact(truth, "usb_device");
	free(truth);
}

static int setup(void **state)
{
	struct iq_kernel_options options = {0};
	struct state *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	read_truth(s);
	assert_null(iq_dump_open(DEMO "/usb-free.vmcore", NULL, &s->dump));
	assert_null(iq_kernel_open(s->dump, &options, NULL, &s->k));
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct state *s = *state;

	iq_kernel_close(s->k);
	iq_dump_close(s->dump);
	free(s);
	return 0;
}

static void expect(struct iq_kernel *k, uint64_t address, uint64_t start, const char *name)
{
	struct iq_typing t;

	assert_true(iq_type_at(k, address, &t));
	assert_string_equal(t.type->name, name);
	assert_true(t.object == start);
	assert_true(t.size >= t.type->size);
	assert_true(t.confidence >= IQ_CONFIDENCE_POSSIBLE);
}

/* Before the graph is made: by what running functions were given and what points back. */
static void at_once(void **state)
{
	struct state *s = *state;

	assert_false(iq_typegraph_made(s->k));
	expect(s->k, s->async, s->async, "async");
	assert_false(iq_typegraph_made(s->k));
}

static void nowhere(void **state)
{
	struct state *s = *state;
	struct iq_typing t;

	assert_false(iq_type_at(s->k, 0, &t));
	assert_false(iq_type_at(s->k, UINT64_MAX - 3, &t));
	assert_false(iq_type_at(s->k, s->k->stext, &t));
}

struct count {
	uint64_t nr, likely;
	bool whole; /* every type fits its object, and names itself */
};

static bool count_one(void *arg, const struct iq_typing *t)
{
	struct count *c = arg;

	c->nr++;
	c->likely += t->confidence >= IQ_CONFIDENCE_LIKELY;
	/* Masks of CPUs are allocated for those that there are, not for all that their type has room for. */
	c->whole &= t->type && t->object &&
		    (t->type->size <= t->size || !strcmp(t->type->name, "cpumask"));
	return true;
}

static bool stop(void *arg, const struct iq_typing *t)
{
	(void)t;
	return ++*(unsigned int *)arg < 3;
}

static void whole_graph(void **state)
{
	struct state *s = *state;
	struct iq_typegraph_stats stats;
	struct count c = {.whole = true};
	unsigned int three = 0;

	assert_null(iq_typegraph_make(s->k, NULL));
	assert_true(iq_typegraph_made(s->k));
	expect(s->k, s->urb, s->urb, "urb");
	expect(s->k, s->urb + 8, s->urb, "urb");
	expect(s->k, s->async + 16, s->async, "async");
	expect(s->k, s->device, s->device, "usb_device");
	iq_typegraph_stats(s->k, &stats);
	iq_typegraph_each(s->k, count_one, &c);
	assert_true(c.whole);
	assert_int_equal(c.nr, stats.likely + stats.possible);
	assert_int_equal(c.likely, stats.likely);
	assert_true(stats.general >= stats.likely + stats.possible);
	assert_true(stats.objects >= stats.own + stats.general);
	iq_typegraph_each(s->k, stop, &three);
	assert_int_equal(three, 3);
	/* It is made once. */
	assert_null(iq_typegraph_make(s->k, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_once),
		cmocka_unit_test(nowhere),
		cmocka_unit_test(whole_graph),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
