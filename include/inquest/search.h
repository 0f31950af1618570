/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Search: every place in the machine's memory that holds a value.
 *
 * Memory is scanned as physical pages, so that each place is found exactly once however often it is mapped;
 * zero pages and holes of the file are not looked at unless the value is zero.  All CPUs take part, and
 * hits come out in ascending order while the scan goes on.
 */
#ifndef INQUEST_SEARCH_H
#define INQUEST_SEARCH_H

#include <inquest/dump.h>

struct iq_search {
	/* What is looked for: aligned words W with (W & mask) == (value & mask). */
	uint64_t value;
	uint64_t mask;			/* 0: all bits */
	unsigned int width;		/* bytes of a word: 8, 4 or 2; 0: 8 */
	/* Instead, if not 0: words of 8 bytes with value <= W < value + range. */
	uint64_t range;
	/* Instead, if not NULL: these bytes, wherever they begin, within a page. */
	const char *pattern;
	size_t pattern_len;
	uint64_t start, end;		/* physical range, page aligned outwards; end 0: all */
	unsigned int threads;		/* 0: iq_nr_threads() */
	const struct iq_cancel *cancel;
	void *arg;
	/*
	 * A hit, in ascending order of address; called by one thread at a time, not always the same one.
	 * WORD is what was found (0 for a pattern).  False ends the search.
	 */
	bool (*hit)(void *arg, uint64_t physical, uint64_t word);
	/* Now and then, from the same threads: how far the search has come.  May be NULL. */
	void (*progress)(void *arg, uint64_t pfn, uint64_t end_pfn);

	/* Results. */
	uint64_t pages_searched;	/* looked at, zero pages included */
	uint64_t pages_excluded;	/* left out of the dump by filtering */
	uint64_t pages_unreadable;	/* damaged or cut off */
};

/*
 * Search D.  IQ_E_INTERRUPTED if cancelled; what was found until then has been reported, and the counts say how
 * much was searched.  Peak memory does not depend on the size of the dump or the number of hits.
 */
struct iq_error *iq_search(struct iq_dump *d, struct iq_search *s) IQ_CHECK;

#endif
