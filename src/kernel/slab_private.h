/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What slab.c and slab_usage.c share. */
#ifndef INQUEST_KERNEL_SLAB_PRIVATE_H
#define INQUEST_KERNEL_SLAB_PRIVATE_H

#include "private.h"

#define MAX_OBJECTS 32767 /* struct slab: objects:15 */

/*
 * How a free pointer is stored (mm/slub.c: freelist_ptr_encode()): the same in all caches that have a
 * secret.  Found out by decoding.
 */
enum coding { CODING_UNKNOWN, CODING_PLAIN, CODING_XOR, CODING_XOR_SWAB, NR_CODINGS };

struct iq_cache_private {
	uint64_t cpu_slab;    /* per-CPU pointer to struct kmem_cache_cpu; 0: this kernel has none */
	bool sheaves;	      /* free objects may lie in sheaves as well (6.18+) */
	enum lazy sheaves_state;
	uint64_t nr_sheaved;  /* objects in its sheaves, those that wait for RCU left out */
	struct iq_cache_origin *origin; /* NULL: not asked for yet */
};

/* Where this kernel keeps things. */
struct slab_layout {
	const char *tag;      /* "slab" or "page" */
	uint64_t cache_at, freelist_at, list_at;
	struct iq_member inuse, objects, frozen;
	uint64_t cpu_freelist_at, cpu_slab_at;
	bool has_cpu_slab;
};

/* False: this kernel has no SLUB, or an unknown one. */
bool slab_layout(struct iq_kernel *k, struct slab_layout *l);
/* The slab whose struct slab (struct page) is at PAGE->address, if it is one. */
bool slab_read(struct iq_kernel *k, const struct slab_layout *l, const struct iq_page *page,
	       struct iq_slab *ret);
/* The same with counts that need not make sense, and whether they do. */
bool slab_read_any(struct iq_kernel *k, const struct slab_layout *l, const struct iq_page *page,
		   struct iq_slab *ret);
bool slab_is_sane(const struct iq_slab *s);
/* Most that the pages of the slab can be: some end with room for less than an object. */
uint64_t slab_bytes(struct iq_kernel *k, const struct iq_slab *s);
/* The same by the address of a struct slab or struct page. */
bool slab_by_struct(struct iq_kernel *k, const struct slab_layout *l, uint64_t address,
		    struct iq_slab *ret);
/* Is it the first page of a slab, as far as its flags or type tell? */
bool slab_page_is_slab(struct iq_kernel *k, const struct iq_page *page);
/* ---- slab_list.c --------------------------------------------------------------------------------- */

/* Who goes through the slabs of a cache. */
struct slab_visitor {
	bool (*slab)(void *arg, const struct iq_slab *slab, enum iq_slab_where where, unsigned int number);
	/*
	 * A list of the cache (the node's, or a CPU's) leads to ADDRESS, which is no struct slab of it, or,
	 * if AGAIN, was met before.  May be NULL: a warning then.
	 */
	void (*stray)(void *arg, uint64_t address, bool again, enum iq_slab_where where,
		      unsigned int number);
	/* A node's list is damaged.  May be NULL: a warning then. */
	void (*damaged)(void *arg, const struct list_damage *d, enum iq_slab_where where,
			unsigned int number);
	void *arg;
};
/* iq_cache_slabs(). */
bool slab_visit(struct iq_kernel *k, const struct iq_cache *c, bool full, const struct slab_visitor *v);
void slab_map_free(struct iq_kernel *k);
/* The cache at this address; NULL: not in the kernel's list. */
const struct iq_cache *slab_cache_at(struct iq_kernel *k, uint64_t address);
/*
 * slab_pending.c: find the objects of C that are free and on no free list; false if not all could be
 * found.  Then what is known of the object at OBJECT: ALLOCATED if it is none of these.
 */
bool slab_held_load(struct iq_kernel *k, const struct iq_cache *c);
enum iq_object_state slab_held_state(struct iq_kernel *k, uint64_t object, int *cpu);
/* The i-th object that was found in two of these places. */
bool slab_held_twice(struct iq_kernel *k, unsigned int i, uint64_t *object);
/* Call V with what is in each sheaf of C that a CPU or a node has; false if not all could be read. */
struct sheaf_visitor {
	bool (*object)(void *arg, uint64_t sheaf, uint64_t at, uint64_t object);
	bool (*damaged)(void *arg, uint64_t sheaf, uint64_t size);
	void *arg;
};
bool slab_sheaves(struct iq_kernel *k, const struct iq_cache *c, const struct sheaf_visitor *v);

/* ---- slab_freelist.c ----------------------------------------------------------------------------- */

/* The free pointer that a walk along a free list came to last. */
struct free_link {
	uint64_t from;	 /* object in which it is stored; 0: the head of the list */
	uint64_t at;	 /* its address */
	uint64_t stored; /* as it is there */
	uint64_t to;	 /* decoded */
	bool unreadable, undecided; /* `to` is not known: no memory; how links are stored is not known */
};

/* What is known of how this kernel stores links. */
struct slab_coding {
	enum coding coding; /* CODING_UNKNOWN before it was found out */
	bool searched;	    /* in all caches */
};

struct slab_coding *slab_coding(struct iq_kernel *k);
uint64_t slab_object_address(const struct iq_slab *s, unsigned int i);
/*
 * Call FN (may be NULL) with the index of each object on the free list from HEAD, which was read at
 * HEAD_AT.  False if FN returned false, or the list leads out of the slab or cannot be read; *LAST (may be
 * NULL) then is the link that led there.
 */
bool slab_follow(struct iq_kernel *k, const struct iq_slab *s, uint64_t head, uint64_t head_at,
		 bool (*fn)(void *arg, unsigned int index), void *arg, struct free_link *last);
/* Call FN with the head of each free list of S: the slab's own (CPU -1) and those of CPUs that allocate
 * from it.  False if a head could not be read, or FN returned false. */
bool slab_lists(struct iq_kernel *k, const struct slab_layout *l, const struct iq_slab *s,
		bool (*fn)(void *arg, uint64_t head_at, uint64_t head, int cpu), void *arg);
/* State of each object; false if a list could not be followed to its end (what it led to is marked). */
bool slab_fill_states(struct iq_kernel *k, const struct slab_layout *l, const struct iq_slab *s,
		      enum iq_object_state *states, int *cpus);
/* Number of objects on the free list that begins at HEAD; false if it cannot be followed to its end. */
bool slab_count_free(struct iq_kernel *k, const struct iq_slab *s, uint64_t head, unsigned int *nr);

#endif
