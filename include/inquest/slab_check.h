/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Damage in slab caches (mm/slub.c): what the kernel's own checks (check_slab(), on_freelist(), check_object())
 * would have found, and what they cannot see because they look at one slab at a time.
 *
 * Nothing is found in a healthy dump.  What a stopped CPU had only half done can look like damage of
 * counts; the text says which two numbers contradict each other.
 */
#ifndef INQUEST_SLAB_CHECK_H
#define INQUEST_SLAB_CHECK_H

#include <inquest/slab.h>

enum iq_slab_damage {
	IQ_SLAB_FREE_POINTER, /* leads out of its slab, or between two objects, or cannot be read */
	IQ_SLAB_CYCLE,	      /* a free list comes back to an object that is on it already */
	IQ_SLAB_TWO_LISTS,    /* an object on two free lists, a slab on two lists of slabs */
	IQ_SLAB_COUNT,	      /* objects, inuse, nr_partial, nr_slabs: not what is there */
	IQ_SLAB_WRONG_CACHE,  /* a list or sheaf of one cache leads to memory of another, or of none */
	IQ_SLAB_PAGE,	      /* page flags or tail pages contradict */
	IQ_SLAB_LIST,	      /* the list_head list of a node is broken */
	IQ_SLAB_SHEAF,	      /* struct slab_sheaf with an impossible count, or that cannot be read */
	IQ_SLAB_RED_ZONE,     /* bytes around an object overwritten */
	IQ_SLAB_POISON,	      /* a free object written to: use after free */
	IQ_SLAB_PADDING,      /* padding of an object or of the slab overwritten */
	IQ_SLAB_STATE,	      /* red zones say the opposite of the free lists */
	IQ_SLAB_CACHE,	      /* struct kmem_cache makes no sense */
};
/* "free pointer", "cycle", "two lists" … */
const char *iq_slab_damage_text(enum iq_slab_damage d);

#define IQ_SLAB_BYTES 32

struct iq_slab_finding {
	enum iq_slab_damage kind;
	const struct iq_cache *cache;
	uint64_t slab;	   /* struct slab or page; 0: the cache as such */
	uint64_t object;   /* whose free pointer, red zone, …; 0: of no object */
	uint64_t address;  /* of the bytes that are wrong */
	uint64_t found;	   /* what is there: of a free pointer as decoded, else the number or first byte */
	uint64_t expected; /* what should be; 0 if there is no one value */
	uint64_t len;	   /* bytes from the first to the last that are wrong */
	uint8_t bytes[IQ_SLAB_BYTES]; /* the first of them, for RED_ZONE, POISON and PADDING */
	unsigned int nr_bytes;
	char text[320];	   /* a clause for people, with all that is above; escaped */
};

/*
 * Check one slab: its counts, its pages, its free lists, and, where its cache is debugged, the bytes around
 * and in each object.  FN is called with each finding until it returns false.  False if parts could not
 * be read and so not checked.
 */
bool iq_slab_check(struct iq_kernel *k, const struct iq_slab *slab,
		   bool (*fn)(void *arg, const struct iq_slab_finding *f), void *arg);
/*
 * Check the cache itself, the slabs on its lists, its sheaves, and with FULL those that are on no list,
 * for which the first call goes through the whole memory map.
 */
bool iq_cache_check(struct iq_kernel *k, const struct iq_cache *c, bool full,
		    bool (*fn)(void *arg, const struct iq_slab_finding *f), void *arg);
/* All caches, and what was given to kfree_rcu() twice. */
bool iq_slabs_check(struct iq_kernel *k, bool full,
		    bool (*fn)(void *arg, const struct iq_slab_finding *f), void *arg);

#endif
