// SPDX-License-Identifier: GPL-2.0-or-later
/* All of physical memory in parallel. */
#include "internal.h"
#include <pthread.h>

struct scan_state {
	struct iq_dump *dump;
	struct iq_scan *scan;
	uint64_t end;

	pthread_mutex_t lock; /* guards what follows: taken once a unit */
	uint64_t next_pfn, next_unit;
	uint64_t absent; /* page frames skipped because the file has nothing there */
	bool interrupted;
	struct iq_error *err; /* the first one */
};

/* Sums the counts of two scans. */
static void add_counts(struct iq_scan *scan, const struct iq_sink *sink)
{
	scan->read += sink->read;
	scan->zero += sink->zero;
	for (size_t i = 0; i < IQ_ARRAY_SIZE(scan->missing); i++)
		scan->missing[i] += sink->missing[i];
}

bool iq_sink_page(struct iq_sink *s, uint64_t pfn, const uint8_t *page)
{
	if (iq_cancelled(s->scan->cancel))
		return false;
	if (page)
		s->read++;
	else
		s->zero++;
	if (s->scan->page && (page || !s->scan->skip_zero))
		s->scan->page(s->scan->arg, s->worker, pfn, page ? page : iq_zero_page());
	return true;
}

/*
 * The next unit.  Units end at multiples of IQ_UNIT_PAGES; where the file has nothing for a long
 * stretch there are none.
 */
static bool claim(struct scan_state *st, uint64_t *unit, uint64_t *first, uint64_t *end)
{
	bool got = false;

	pthread_mutex_lock(&st->lock);
	if (iq_cancelled(st->scan->cancel))
		st->interrupted = true;
	if (!st->interrupted && !st->err && st->next_pfn < st->end) {
		uint64_t pfn = st->dump->format->next(st->dump, st->next_pfn);

		pfn = IQ_MIN(IQ_MAX(pfn, st->next_pfn), st->end);
		st->absent += pfn - st->next_pfn;
		st->next_pfn = pfn;
		if (pfn < st->end) {
			*first = pfn;
			*end = IQ_MIN((pfn / IQ_UNIT_PAGES + 1) * IQ_UNIT_PAGES, st->end);
			*unit = st->next_unit++;
			st->next_pfn = *end;
			got = true;
		}
	}
	pthread_mutex_unlock(&st->lock);
	return got;
}

static void work(void *arg, unsigned int worker)
{
	struct scan_state *st = arg;
	struct iq_sink sink = {.scan = st->scan, .worker = worker};
	struct iq_reader *r = NULL;
	struct iq_error *err;
	uint64_t unit, first, end;

	/* A scan needs no cache: each page comes once. */
	err = iq_reader_open(st->dump, IQ_CACHE_WAYS, &r);
	if (!err && !iq_reader_scan_buffers(r))
		err = iq_error_nomem();
	while (!err && claim(st, &unit, &first, &end)) {
		if (!st->dump->format->scan(r, first, end, &sink))
			break;
		if (st->scan->unit_done)
			st->scan->unit_done(st->scan->arg, worker, unit, end);
	}
	iq_reader_close(r);
	pthread_mutex_lock(&st->lock);
	add_counts(st->scan, &sink);
	if (iq_cancelled(st->scan->cancel))
		st->interrupted = true;
	if (err && !st->err)
		st->err = err;
	else
		iq_error_free(err);
	pthread_mutex_unlock(&st->lock);
}

struct iq_error *iq_dump_scan(struct iq_dump *d, struct iq_scan *scan)
{
	struct scan_state st = {
		.dump = d,
		.scan = scan,
		.end = d->info.max_pfn,
		.next_pfn = scan->first_pfn,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};

	scan->read = scan->zero = 0;
	memset(scan->missing, 0, sizeof(scan->missing));
	if (scan->end_pfn)
		st.end = IQ_MIN(st.end, scan->end_pfn);
	iq_parallel(scan->threads, work, &st);
	scan->missing[IQ_MEM_ABSENT] += st.absent;
	if (st.err)
		return st.err;
	if (st.interrupted && (st.next_pfn < st.end || iq_cancelled(scan->cancel)))
		return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	return NULL;
}
