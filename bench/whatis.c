// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * whatis DUMP [PAGES]: how many addresses a second whatis explains, inside one process.  PAGES are chosen at random
 * from all of memory, the kernel's image, modules, stacks and vmalloc areas; a few addresses of each are asked
 * to warm up, then others of the same pages, each a new random one.
 */
#include <inquest/module.h>
#include <inquest/typegraph.h>

#include <stdlib.h>
#include <time.h>

#define ROUNDS 5

static uint64_t random_state = UINT64_C(88172645463325252);

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	return random_state ^= random_state << 17;
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t in_range(uint64_t start, uint64_t end)
{
	return end > start ? start + next_random() % (end - start) : start;
}

static uint64_t random_place(struct iq_kernel *k, unsigned int kind)
{
	struct iq_module *const *modules;
	const struct iq_task *tasks;
	const struct iq_vmap *areas;
	unsigned int nr = 0, i;

	switch (kind) {
	case 1:
		return in_range(k->stext, k->etext);
	case 2:
		iq_error_free(iq_modules(k, &modules, &nr));
		i = nr ? (unsigned int)(next_random() % nr) : 0;
		if (nr)
			return in_range(modules[i]->base, modules[i]->base + 4096);
		break;
	case 3:
		iq_error_free(iq_tasks(k, &tasks, &nr));
		i = nr ? (unsigned int)(next_random() % nr) : 0;
		if (nr && tasks[i].stack)
			return in_range(tasks[i].stack, tasks[i].stack + tasks[i].stack_size);
		break;
	case 4:
		iq_error_free(iq_vmaps(k, &areas, &nr));
		i = nr ? (unsigned int)(next_random() % nr) : 0;
		if (nr)
			return in_range(areas[i].start, areas[i].end);
		break;
	}
	return in_range(0, iq_dump_info(k->dump)->max_pfn * 4096) + k->layout.page_offset;
}

static void measure(struct iq_kernel *k, struct iq_describer *d, const uint64_t *pages,
		    unsigned int nr)
{
	double cold = seconds(CLOCK_MONOTONIC), wall = 0, cpu = 0, w, c;
	struct iq_whatis what;
	unsigned int i, round;

	(void)k;
	for (i = 0; i < nr; i++)
		for (unsigned int n = 0; n < 8; n++)
			iq_whatis(d, pages[i] + next_random() % 4096, false, &what);
	cold = seconds(CLOCK_MONOTONIC) - cold;
	for (round = 0; round < ROUNDS; round++) {
		w = seconds(CLOCK_MONOTONIC);
		c = seconds(CLOCK_PROCESS_CPUTIME_ID);
		for (i = 0; i < nr; i++)
			iq_whatis(d, pages[next_random() % nr] + next_random() % 4096, false,
				  &what);
		w = seconds(CLOCK_MONOTONIC) - w;
		c = seconds(CLOCK_PROCESS_CPUTIME_ID) - c;
		wall = !round || w < wall ? w : wall;
		cpu = !round || c < cpu ? c : cpu;
	}
	printf("cold %.0f warm %.0f cpu %.0f\n", 8 * nr / cold, nr / wall, nr / cpu);
}

int main(int argc, char **argv)
{
	unsigned int nr = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 10000;
	uint64_t *pages = nr ? calloc(nr, sizeof(*pages)) : NULL;
	struct iq_kernel_options options = {0};
	struct iq_describer *d = NULL;
	struct iq_warnings w = {0};
	struct iq_kernel *k = NULL;
	struct iq_dump *dump = NULL;
	struct iq_error *err;

	if (argc < 2 || !pages)
		return 2;
	err = iq_dump_open(argv[1], &w, &dump);
	if (!err)
		err = iq_kernel_open(dump, &options, &w, &k);
	if (!err)
		err = iq_describer_open(k, &d);
	if (err) {
		fprintf(stderr, "%s\n", err->message);
	} else {
		for (unsigned int i = 0; i < nr; i++)
			pages[i] = random_place(k, i % 6) & ~UINT64_C(4095);
		measure(k, d, pages, nr);
	}
	iq_describer_close(d);
	if (k)
		iq_kernel_close(k);
	iq_dump_close(dump);
	iq_warnings_clear(&w);
	free(pages);
	iq_error_free(err);
	return err != NULL;
}
