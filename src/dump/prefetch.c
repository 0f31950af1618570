// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages that are going to be asked for, decompressed by all CPUs at once.  They stay beside the
 * reader's cache until the next batch takes their place: what a walk reads otherwise is found in the
 * cache as ever.
 */
#include "internal.h"
#include <stdlib.h>

/* A thread that has less to do costs more than it brings. */
#define PAGES_A_THREAD 32u
/* Pages claimed at once: neighbours, whose descriptors are read together. */
#define CLAIM 16u

struct iq_staged_page {
	uint64_t pfn;
	struct iq_loaded loaded;
	bool there;
};

struct iq_stage {
	unsigned int nr; /* sorted by pfn */
	struct iq_staged_page page[IQ_PREFETCH_MOST];
	uint8_t *bytes; /* of page[i] at i * page_size */
};

struct work {
	struct iq_reader *reader; /* the caller's */
	struct iq_stage *stage;
	atomic_uint next;
};

static void load_page(struct iq_reader *r, const struct iq_reader *owner, struct iq_stage *stage,
		      unsigned int i)
{
	struct iq_staged_page *p = &stage->page[i];
	uint8_t *bytes = stage->bytes + (size_t)i * owner->page_size;

	p->there = r->dump->format->load(r, p->pfn, bytes, &p->loaded) == IQ_MEM_OK;
}

static void run(void *arg, unsigned int worker)
{
	struct work *work = arg;
	struct iq_reader *own = NULL, *r = work->reader;
	struct iq_stage *stage = work->stage;
	unsigned int first;

	if (worker) {
		/* Of this reader only the windows and the codec are used. */
		struct iq_error *err = iq_reader_open(work->reader->dump, 1, &own);

		if (err) {
			iq_error_free(err);
			return;
		}
		r = own;
	}
	while ((first = atomic_fetch_add(&work->next, CLAIM)) < stage->nr)
		for (unsigned int i = first; i < IQ_MIN(first + CLAIM, stage->nr); i++)
			load_page(r, work->reader, stage, i);
	iq_reader_close(own);
}

static int by_pfn(const void *a, const void *b)
{
	const struct iq_staged_page *x = a, *y = b;

	return x->pfn < y->pfn ? -1 : x->pfn > y->pfn;
}

/* The pages of PFNS that the cache does not have, each once, in ascending order. */
static void choose(const struct iq_reader *r, struct iq_stage *stage, const uint64_t *pfns,
		   unsigned int nr)
{
	unsigned int kept = 0;

	stage->nr = 0;
	for (unsigned int i = 0; i < nr && stage->nr < IQ_PREFETCH_MOST; i++) {
		if (pfns[i] >= r->max_pfn || (i && pfns[i] == pfns[i - 1]) ||
		    iq_reader_has(r, pfns[i]))
			continue;
		stage->page[stage->nr++] = (struct iq_staged_page){.pfn = pfns[i]};
	}
	qsort(stage->page, stage->nr, sizeof(*stage->page), by_pfn);
	for (unsigned int i = 0; i < stage->nr; i++)
		if (!i || stage->page[i].pfn != stage->page[i - 1].pfn)
			stage->page[kept++] = stage->page[i];
	stage->nr = kept;
}

static struct iq_stage *stage_of(struct iq_reader *r)
{
	struct iq_stage *stage = r->stage;

	if (stage)
		return stage;
	stage = calloc(1, sizeof(*stage));
	if (!stage)
		return NULL;
	/* The pages become resident when they are used. */
	stage->bytes = aligned_alloc(64, (size_t)IQ_PREFETCH_MOST * r->page_size);
	if (!stage->bytes) {
		free(stage);
		return NULL;
	}
	r->stage = stage;
	return stage;
}

void iq_reader_prefetch(struct iq_reader *r, const uint64_t *pfns, unsigned int nr)
{
	unsigned int threads = IQ_MIN(iq_nr_threads(), nr / PAGES_A_THREAD);
	struct work work = {.reader = r};

	/* Bytes that lie in the file as they are cost no more later than now. */
	if (threads < 2 || !r->dump->format->packed)
		return;
	work.stage = stage_of(r);
	if (!work.stage)
		return;
	/* It may lie in the batch that goes now. */
	r->last_pfn = UINT64_MAX;
	choose(r, work.stage, pfns, nr);
	threads = IQ_MIN(threads, work.stage->nr / PAGES_A_THREAD);
	if (threads < 2)
		work.stage->nr = 0;
	else
		iq_parallel(threads, run, &work);
}

const uint8_t *iq_stage_find(const struct iq_reader *r, uint64_t pfn, struct iq_loaded *loaded)
{
	const struct iq_staged_page key = {.pfn = pfn}, *p;
	const struct iq_stage *stage = r->stage;

	p = bsearch(&key, stage->page, stage->nr, sizeof(*stage->page), by_pfn);
	if (!p || !p->there)
		return NULL;
	*loaded = p->loaded;
	return stage->bytes + (size_t)(p - stage->page) * r->page_size;
}

void iq_stage_free(struct iq_stage *stage)
{
	if (!stage)
		return;
	free(stage->bytes);
	free(stage);
}
