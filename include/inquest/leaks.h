/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leaks: slab objects in use that nothing points to.
 *
 * A conservative mark and sweep, as kmemleak does it in a running kernel (mm/kmemleak.c): roots are the words of
 * all pages that are neither slabs nor free nor a process's; from an object that is reached, the
 * words in it lead on.  A pointer into the middle of an object counts.  What is only known to hardware by its
 * physical address, or kept encoded, looks leaked too: a few objects mean nothing, thousands of
 * one cache do.
 */
#ifndef INQUEST_LEAKS_H
#define INQUEST_LEAKS_H

#include <inquest/slab.h>
#include <inquest/whatis.h>
#if IQ_ROOM < IQ_ROOM_DIAGNOSE
#error "leaks.h belongs to a room to the right of this one"
#endif

/* The objects of one cache. */
struct iq_leak_group {
	const struct iq_cache *cache;
	uint64_t allocated;	/* objects in use, all told */
	uint64_t unreached;	/* of these nothing points to */
	uint64_t first;		/* address of the first of them; 0: none */
};

struct iq_leaks {
	struct iq_leak_group *groups; /* owned; most bytes unreached first; only those with any */
	unsigned int nr;
	uint64_t objects, slabs;
	uint64_t pages_scanned, pages_missing; /* of roots and slabs; missing: filtered or damaged */
	struct iq_leaks_memory *memory;	/* private */
	bool too_many;	/* more slabs than are looked at: not everything was */
};

/*
 * The whole of it: reads all of kernel memory on all CPUs.  Memory: about 60 bytes a slab.  CANCEL may be
 * NULL.  Free with iq_leaks_free().
 */
struct iq_error *iq_leaks_find(struct iq_kernel *k, const struct iq_cancel *cancel, struct iq_leaks *ret) IQ_CHECK;
void iq_leaks_free(struct iq_leaks *l);
/*
 * Calls FN with each unreached object of cache C of the last search; false ends it.
 */
void iq_leaks_each(const struct iq_leaks *l, const struct iq_cache *c,
		   bool (*fn)(void *arg, uint64_t object), void *arg);

#endif
