// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pages that are going to be asked for, decompressed by other threads while their owner works.  Two
 * batches: one is being used while the other is made; a third takes the place of the older.  A page that
 * is asked for before a thread has come to it is decompressed by who asks, so nobody ever waits.
 * They stay beside the reader's cache: what a walk reads otherwise is found there as ever.
 */
#include "internal.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define BATCHES 2u
/* Fewer are read faster than a thread wakes up. */
#define FEWEST 16u
#define MOST_THREADS 16u
/* Pages claimed at once: neighbours, whose descriptors are read together. */
#define CLAIM 8u
/* Looks at a page that a thread is about to finish; then one does it oneself. */
#define PATIENCE 2000u

enum page_state { WAITING, TAKEN, THERE, FAILED };

struct staged_page {
	uint64_t pfn;
	struct iq_loaded loaded; /* THERE */
	atomic_uint state;
};

struct batch {
	unsigned int nr; /* sorted by pfn */
	struct staged_page page[IQ_PREFETCH_MOST];
	uint8_t *bytes; /* of page[i] at i * page_size */
	atomic_uint next; /* the first that no thread has claimed */
	atomic_bool off; /* nobody wants it any more */
	unsigned int users; /* threads at work on it; under the lock */
};

struct iq_stage {
	struct iq_reader *reader;
	struct batch *batch[BATCHES];
	unsigned int newest;
	pthread_mutex_t lock;
	pthread_cond_t work, left; /* there is something to do; a thread has left a batch */
	bool quit; /* under the lock */
	pthread_t thread[MOST_THREADS];
	unsigned int nr_threads;
};

/* ---- The threads ------------------------------------------------------------------------------- */

static bool take(struct staged_page *p)
{
	unsigned int state = WAITING;

	return atomic_compare_exchange_strong(&p->state, &state, TAKEN);
}

/* Page I, which is TAKEN, by means of R. */
static void load_page(struct iq_reader *r, struct batch *b, unsigned int i)
{
	struct staged_page *p = &b->page[i];
	uint8_t *bytes = b->bytes + (size_t)i * r->page_size;

	p->loaded = (struct iq_loaded){0};
	atomic_store_explicit(&p->state,
			      r->dump->format->load(r, p->pfn, bytes, &p->loaded) == IQ_MEM_OK
				      ? THERE
				      : FAILED,
			      memory_order_release);
}

static void load_batch(struct iq_reader *r, struct batch *b)
{
	unsigned int first;

	while (!atomic_load(&b->off) && (first = atomic_fetch_add(&b->next, CLAIM)) < b->nr)
		for (unsigned int i = first; i < IQ_MIN(first + CLAIM, b->nr); i++)
			if (take(&b->page[i]))
				load_page(r, b, i);
}

/* A batch with something to do, the older first. */
static struct batch *open_batch(const struct iq_stage *stage)
{
	for (unsigned int i = 1; i <= BATCHES; i++) {
		struct batch *b = stage->batch[(stage->newest + i) % BATCHES];

		if (b && !atomic_load(&b->off) && atomic_load(&b->next) < b->nr)
			return b;
	}
	return NULL;
}

static void *run(void *arg)
{
	struct iq_stage *stage = arg;
	struct iq_reader *own = NULL;
	struct batch *b;
	/* Of this reader only the windows and the codec are used. */
	struct iq_error *err = iq_reader_open(stage->reader->dump, 1, &own);

	if (err) {
		iq_error_free(err);
		return NULL;
	}
	pthread_mutex_lock(&stage->lock);
	while (!stage->quit) {
		b = open_batch(stage);
		if (!b) {
			pthread_cond_wait(&stage->work, &stage->lock);
			continue;
		}
		b->users++;
		pthread_mutex_unlock(&stage->lock);
		load_batch(own, b);
		pthread_mutex_lock(&stage->lock);
		if (!--b->users)
			pthread_cond_signal(&stage->left);
	}
	pthread_mutex_unlock(&stage->lock);
	iq_reader_close(own);
	return NULL;
}

/* Beside the calling thread; Ctrl-C is for that one, whose program knows what it means. */
static void start_threads(struct iq_stage *stage)
{
	unsigned int wanted = IQ_MIN(iq_nr_threads() - 1, MOST_THREADS);
	sigset_t all, before;

	sigfillset(&all);
	/* What a program may have a system call of the thread itself turned into. */
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (stage->nr_threads < wanted &&
	       !pthread_create(&stage->thread[stage->nr_threads], NULL, run, stage))
		stage->nr_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- Batches ----------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The pages of PFNS that the cache does not have, each once, in ascending order, into RET. */
static unsigned int choose(const struct iq_reader *r, const uint64_t *pfns, unsigned int nr,
			   uint64_t *ret)
{
	unsigned int n = 0, kept = 0;

	for (unsigned int i = 0; i < nr && n < IQ_PREFETCH_MOST; i++)
		if (pfns[i] < r->max_pfn && !(i && pfns[i] == pfns[i - 1]) &&
		    !iq_reader_has(r, pfns[i]))
			ret[n++] = pfns[i];
	qsort(ret, n, sizeof(*ret), by_number);
	for (unsigned int i = 0; i < n; i++)
		if (!i || ret[i] != ret[i - 1])
			ret[kept++] = ret[i];
	return kept;
}

static void free_batch(struct batch *b)
{
	if (b)
		free(b->bytes);
	free(b);
}

static struct batch *new_batch(const struct iq_reader *r)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	/* The pages become resident when they are used. */
	b->bytes = aligned_alloc(64, (size_t)IQ_PREFETCH_MOST * r->page_size);
	if (b->bytes)
		return b;
	free_batch(b);
	return NULL;
}

static struct iq_stage *stage_of(struct iq_reader *r)
{
	struct iq_stage *stage = r->stage;

	if (stage)
		return stage;
	stage = calloc(1, sizeof(*stage));
	if (!stage)
		return NULL;
	stage->reader = r;
	pthread_mutex_init(&stage->lock, NULL);
	pthread_cond_init(&stage->work, NULL);
	pthread_cond_init(&stage->left, NULL);
	start_threads(stage);
	r->stage = stage;
	return stage;
}

/* The older batch, which no thread works on any more; under the lock.  NULL: no memory. */
static struct batch *vacate(struct iq_stage *stage)
{
	struct batch **older = &stage->batch[(stage->newest + 1) % BATCHES];

	if (!*older)
		*older = new_batch(stage->reader);
	if (!*older)
		return NULL;
	atomic_store(&(*older)->off, true);
	while ((*older)->users)
		pthread_cond_wait(&stage->left, &stage->lock);
	return *older;
}

void iq_reader_prefetch(struct iq_reader *r, const uint64_t *pfns, unsigned int nr)
{
	uint64_t chosen[IQ_PREFETCH_MOST];
	struct iq_stage *stage;
	struct batch *b;

	/* Bytes that lie in the file as they are cost no more later than now. */
	if (nr < FEWEST || !r->dump->format->packed || iq_nr_threads() < 2)
		return;
	nr = choose(r, pfns, nr, chosen);
	stage = stage_of(r);
	if (nr < FEWEST || !stage || !stage->nr_threads)
		return;
	/* It may lie in the batch that goes now. */
	r->last_pfn = UINT64_MAX;
	pthread_mutex_lock(&stage->lock);
	b = vacate(stage);
	if (b) {
		b->nr = nr;
		for (unsigned int i = 0; i < nr; i++) {
			b->page[i].pfn = chosen[i];
			atomic_init(&b->page[i].state, WAITING);
		}
		atomic_store(&b->next, 0);
		atomic_store(&b->off, false);
		stage->newest = (stage->newest + 1) % BATCHES;
		pthread_cond_broadcast(&stage->work);
	}
	pthread_mutex_unlock(&stage->lock);
}

/* ---- Use --------------------------------------------------------------------------------------- */

static struct staged_page *find(struct batch *b, uint64_t pfn)
{
	unsigned int low = 0, high = b->nr;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (b->page[middle].pfn < pfn)
			low = middle + 1;
		else
			high = middle;
	}
	return low < b->nr && b->page[low].pfn == pfn ? &b->page[low] : NULL;
}

static bool is_there(struct iq_reader *r, struct batch *b, struct staged_page *p)
{
	unsigned int state = atomic_load_explicit(&p->state, memory_order_acquire);

	if (state == WAITING && take(p)) {
		load_page(r, b, (unsigned int)(p - b->page));
		state = atomic_load_explicit(&p->state, memory_order_acquire);
	}
	for (unsigned int i = 0; state == TAKEN && i < PATIENCE; i++)
		state = atomic_load_explicit(&p->state, memory_order_acquire);
	return state == THERE;
}

const uint8_t *iq_stage_find(struct iq_reader *r, uint64_t pfn, struct iq_loaded *loaded)
{
	for (unsigned int i = 0; i < BATCHES; i++) {
		struct batch *b = r->stage->batch[(r->stage->newest + i) % BATCHES];
		struct staged_page *p = b ? find(b, pfn) : NULL;

		if (!p || !is_there(r, b, p))
			continue;
		*loaded = p->loaded;
		return b->bytes + (size_t)(p - b->page) * r->page_size;
	}
	return NULL;
}

void iq_stage_free(struct iq_stage *stage)
{
	if (!stage)
		return;
	pthread_mutex_lock(&stage->lock);
	stage->quit = true;
	for (unsigned int i = 0; i < BATCHES; i++)
		if (stage->batch[i])
			atomic_store(&stage->batch[i]->off, true);
	pthread_cond_broadcast(&stage->work);
	pthread_mutex_unlock(&stage->lock);
	for (unsigned int i = 0; i < stage->nr_threads; i++)
		pthread_join(stage->thread[i], NULL);
	for (unsigned int i = 0; i < BATCHES; i++)
		free_batch(stage->batch[i]);
	pthread_cond_destroy(&stage->left);
	pthread_cond_destroy(&stage->work);
	pthread_mutex_destroy(&stage->lock);
	free(stage);
}
