// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The search for a word in all of memory (search.h).
 *
 * The scan (dump room) hands each thread units of consecutive pages.  A thread collects the hits of its unit;
 * when the unit is done they are reported at once if all units before it are, else kept until they are.
 * A thread that runs ahead with many hits waits for the others, which bounds what is kept.
 */
#include <inquest/search.h>

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define MAX_THREADS 256
#define MAX_KEPT (1u << 20) /* hits of units that are not their turn */
#define PROGRESS_UNITS 8

struct hit {
	uint64_t physical, word;
};

struct hits {
	struct hit *hit;
	unsigned int nr, room;
};

struct unit_result {
	uint64_t unit;
	struct hits hits;
};

/* What a word is compared with. */
struct wanted {
	uint64_t value, mask, range;
	unsigned int width;
};

/* The first block of words in [I, N) of P that has one; N: none does. */
typedef uint64_t find_block_fn(const uint64_t *p, uint64_t i, uint64_t n, const struct wanted *w);

struct state {
	struct iq_search *s;
	find_block_fn *find_block;
	struct wanted wanted;
	uint64_t end_pfn, page_size;
	struct hits mine[MAX_THREADS]; /* of the unit each thread is at */

	pthread_mutex_t lock;
	pthread_cond_t turn;
	uint64_t next; /* unit whose hits are to be reported next */
	struct unit_result *kept; /* of later units, no order */
	unsigned int nr_kept, room_kept;
	uint64_t kept_hits;
	struct iq_cancel stop; /* set when hit() has had enough or memory ran out */
	bool nomem;
};

/* Four words at a time; the compiler has the right instructions for it. */
typedef uint64_t words __attribute__((vector_size(32), aligned(8), may_alias));
typedef int64_t mask_words __attribute__((vector_size(32)));
typedef uint32_t halves __attribute__((vector_size(32), aligned(8), may_alias));
typedef uint16_t shorts __attribute__((vector_size(32), aligned(8), may_alias));

#define BLOCK                                                                                      \
	16 /* words that are looked at with one branch: nearly always the value is not there */

#define INLINE static inline __attribute__((always_inline))

/* Is any of the words that were compared not 0?  No function: clang passes no such vectors. */
#define ANY(m)                                                                                     \
	({                                                                                         \
		mask_words any_ = (m);                                                             \
		(any_[0] | any_[1] | any_[2] | any_[3]) != 0;                                      \
	})

INLINE uint64_t find_equal(const uint64_t *p, uint64_t i, uint64_t n, const struct wanted *want)
{
	uint64_t value = want->value, mask = want->mask;
	words v = {value, value, value, value}, m = {mask, mask, mask, mask};

	for (; i < n; i += BLOCK) {
		const words *w = (const words *)(p + i);

		if (ANY(((w[0] & m) == v) | ((w[1] & m) == v) | ((w[2] & m) == v) | ((w[3] & m) == v)))
			break;
	}
	return i;
}

INLINE uint64_t find_range(const uint64_t *p, uint64_t i, uint64_t n, const struct wanted *want)
{
	uint64_t value = want->value, range = want->range;
	words v = {value, value, value, value}, r = {range, range, range, range};

	for (; i < n; i += BLOCK) {
		const words *w = (const words *)(p + i);

		if (ANY(((w[0] - v) < r) | ((w[1] - v) < r) | ((w[2] - v) < r) | ((w[3] - v) < r)))
			break;
	}
	return i;
}

/* Words of four and two bytes: sixteen words of eight hold so many more. */
INLINE uint64_t find_small(const uint64_t *p, uint64_t i, uint64_t n, const struct wanted *want)
{
	halves v4 = (halves){0} + (uint32_t)want->value, m4 = (halves){0} + (uint32_t)want->mask;
	shorts v2 = (shorts){0} + (uint16_t)want->value, m2 = (shorts){0} + (uint16_t)want->mask;

	for (; i < n; i += BLOCK) {
		const halves *h = (const halves *)(p + i);
		const shorts *s = (const shorts *)(p + i);
		mask_words found = {0};

		for (unsigned int k = 0; k < BLOCK / 4; k++)
			found |= want->width == 4 ? (mask_words)((h[k] & m4) == v4)
						  : (mask_words)((s[k] & m2) == v2);
		if (ANY(found))
			break;
	}
	return i;
}

#define FINDERS(suffix, attribute)                                                                 \
	attribute static uint64_t equal##suffix(const uint64_t *p, uint64_t i, uint64_t n,         \
						const struct wanted *w)                            \
	{                                                                                          \
		return find_equal(p, i, n, w);                                                     \
	}                                                                                          \
	attribute static uint64_t range##suffix(const uint64_t *p, uint64_t i, uint64_t n,         \
						const struct wanted *w)                            \
	{                                                                                          \
		return find_range(p, i, n, w);                                                     \
	}                                                                                          \
	attribute static uint64_t small##suffix(const uint64_t *p, uint64_t i, uint64_t n,         \
						const struct wanted *w)                            \
	{                                                                                          \
		return find_small(p, i, n, w);                                                     \
	}

FINDERS(_plain, )
#ifdef __x86_64__
FINDERS(_avx2, __attribute__((target("avx2"))))
#endif

static find_block_fn *best_find_block(const struct wanted *w)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return w->range ? range_avx2 : w->width < 8 ? small_avx2 : equal_avx2;
#endif
	return w->range ? range_plain : w->width < 8 ? small_plain : equal_plain;
}

static bool add_hit(struct hits *h, uint64_t physical, uint64_t word)
{
	if (!iq_grow(&h->hit, &h->room, h->nr + 1, sizeof(*h->hit)))
		return false;
	h->hit[h->nr++] = (struct hit){physical, word};
	return true;
}

/* The scan is stopped by our own flag; the user's sets it. */
static void check_cancel(struct state *st)
{
	if (iq_cancelled(st->s->cancel))
		st->stop.stop = 1;
}

/* Wait until another thread has reported something, or a moment: Ctrl-C wakes nobody. */
static void wait_turn(struct state *st)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 50 * 1000 * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&st->turn, &st->lock, &until);
	check_cancel(st);
}

static void note(struct state *st, unsigned int worker, uint64_t physical, uint64_t word)
{
	/* Pages are searched whole, but the range need not end with one. */
	if (physical < st->s->start || (st->s->end && physical >= st->s->end))
		return;
	if (add_hit(&st->mine[worker], physical, word))
		return;
	st->nomem = true;
	st->stop.stop = 1;
}

/* The words of one block that are wanted. */
static void note_block(struct state *st, unsigned int worker, uint64_t physical, const uint8_t *block)
{
	const struct wanted *w = &st->wanted;

	for (unsigned int at = 0; at < BLOCK * 8; at += w->width) {
		uint64_t word = iq_le(block + at, w->width);

		if (w->range ? word - w->value < w->range : (word & w->mask) == w->value)
			note(st, worker, physical + at, word);
	}
}

static void search_pattern(struct state *st, unsigned int worker, uint64_t physical, const uint8_t *page)
{
	const uint8_t *at = page, *end = page + st->page_size;

	while ((at = memmem(at, (size_t)(end - at), st->s->pattern, st->s->pattern_len))) {
		note(st, worker, physical + (uint64_t)(at - page), 0);
		at++;
	}
}

static void search_page(void *arg, unsigned int worker, uint64_t pfn, const uint8_t *page)
{
	struct state *st = arg;
	const uint64_t *p = (const uint64_t *)page; /* readers align pages to 8 at least */
	uint64_t n = st->page_size / 8;

	check_cancel(st);
	if (st->s->pattern) {
		search_pattern(st, worker, pfn * st->page_size, page);
		return;
	}
	for (uint64_t i = 0; (i = st->find_block(p, i, n, &st->wanted)) < n; i += BLOCK)
		note_block(st, worker, pfn * st->page_size + i * 8, page + i * 8);
}

static void report(struct state *st, const struct hits *h)
{
	unsigned int i;

	for (i = 0; i < h->nr && !st->stop.stop; i++)
		if (!st->s->hit(st->s->arg, h->hit[i].physical, h->hit[i].word))
			st->stop.stop = 1;
}

/* Report what has been kept for units whose turn it is now. */
static void report_kept(struct state *st)
{
	bool found = true;
	unsigned int i;

	while (found) {
		found = false;
		for (i = 0; i < st->nr_kept; i++) {
			if (st->kept[i].unit != st->next)
				continue;
			report(st, &st->kept[i].hits);
			st->kept_hits -= st->kept[i].hits.nr;
			free(st->kept[i].hits.hit);
			st->kept[i] = st->kept[--st->nr_kept];
			st->next++;
			found = true;
			break;
		}
	}
}

static void unit_done(void *arg, unsigned int worker, uint64_t unit, uint64_t end_pfn)
{
	struct state *st = arg;
	struct hits *mine = &st->mine[worker];

	pthread_mutex_lock(&st->lock);
	check_cancel(st);
	while (unit != st->next && st->kept_hits > MAX_KEPT && !st->stop.stop)
		wait_turn(st);
	if (unit == st->next) {
		report(st, mine);
		mine->nr = 0;
		st->next++;
		report_kept(st);
		if (st->s->progress && st->next % PROGRESS_UNITS == 0)
			st->s->progress(st->s->arg, end_pfn, st->end_pfn);
		pthread_cond_broadcast(&st->turn);
	} else if (iq_grow(&st->kept, &st->room_kept, st->nr_kept + 1, sizeof(*st->kept))) {
		st->kept[st->nr_kept++] = (struct unit_result){unit, *mine};
		st->kept_hits += mine->nr;
		*mine = (struct hits){0};
	} else {
		st->nomem = true;
		st->stop.stop = 1;
		pthread_cond_broadcast(&st->turn);
	}
	pthread_mutex_unlock(&st->lock);
}

struct iq_error *iq_search(struct iq_dump *d, struct iq_search *s)
{
	const struct iq_dump_info *info = iq_dump_info(d);
	struct state *st = calloc(1, sizeof(*st));
	struct iq_scan scan = {.page = search_page, .unit_done = unit_done, .arg = st};
	struct iq_error *err;
	unsigned int i;

	if (!st)
		return iq_error_nomem();
	st->s = s;
	st->wanted = (struct wanted){s->value, s->mask ? s->mask : UINT64_MAX, s->range,
				     s->range || !s->width ? 8 : s->width};
	if (st->wanted.width < 8)
		st->wanted.mask &= (UINT64_C(1) << 8 * st->wanted.width) - 1;
	if (!s->range)
		st->wanted.value &= st->wanted.mask;
	st->find_block = best_find_block(&st->wanted);
	st->page_size = info->page_size;
	pthread_mutex_init(&st->lock, NULL);
	pthread_cond_init(&st->turn, NULL);
	scan.first_pfn = s->start / info->page_size;
	scan.end_pfn = s->end ? (s->end + info->page_size - 1) / info->page_size : 0;
	st->end_pfn = scan.end_pfn ? scan.end_pfn : info->max_pfn;
	/* Is a page of zeros a hit? */
	scan.skip_zero = s->pattern || (s->range ? -s->value >= s->range : st->wanted.value != 0);
	scan.threads = IQ_MIN(s->threads ? s->threads : iq_nr_threads(), MAX_THREADS);
	scan.cancel = &st->stop;
	err = iq_dump_scan(d, &scan);
	/* A unit that was cut short by cancelling has hits that nobody has reported: leave them. */
	for (i = 0; i < st->nr_kept; i++)
		free(st->kept[i].hits.hit);
	for (i = 0; i < MAX_THREADS; i++)
		free(st->mine[i].hit);
	free(st->kept);
	s->pages_searched = scan.read + scan.zero;
	s->pages_excluded = scan.missing[IQ_MEM_EXCLUDED];
	s->pages_unreadable = scan.missing[IQ_MEM_TRUNCATED] + scan.missing[IQ_MEM_DAMAGED] +
			      scan.missing[IQ_MEM_IO];
	pthread_cond_destroy(&st->turn);
	pthread_mutex_destroy(&st->lock);
	if (st->nomem) {
		iq_error_free(err);
		err = iq_error_nomem();
	} else if (err && err->code == IQ_E_INTERRUPTED && !iq_cancelled(s->cancel)) {
		iq_error_free(err); /* hit() ended it */
		err = NULL;
	}
	free(st);
	return err;
}
