/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SLUB (mm/slub.c): which cache and object an address lies in, and whether the object is in use.
 *
 * The state is exact: an object is free if it is on its slab's free list or on the lockless list of the
 * CPU that holds the slab.  Free pointers are hardened in different ways by different kernels; which way
 * is found out by decoding (every link must lead to an object of the same slab), not by version.
 */
#ifndef INQUEST_SLAB_H
#define INQUEST_SLAB_H

#include <inquest/page.h>

/* What of a cache's flags (SLAB_…) says how its objects lie and what is kept of them. */
enum iq_cache_debug {
	IQ_CACHE_RED_ZONE = 1,	    /* bytes around each object have a known value */
	IQ_CACHE_POISON = 2,	    /* so has padding, and if OBJECT_POISON each free object */
	IQ_CACHE_OBJECT_POISON = 4,
	IQ_CACHE_STORE_USER = 8,    /* who allocated and who freed it is stored behind each object */
	IQ_CACHE_KMALLOC = 16,	    /* of kmalloc(); with STORE_USER the size asked for is stored as well */
	IQ_CACHE_RCU = 32,	    /* SLAB_TYPESAFE_BY_RCU: pages go back after a grace period */
	IQ_CACHE_EXT_IN_OBJECT = 64,/* memcg's data can be in the padding (7.0+) */
};

#define IQ_CACHE_ORDERS 16 /* no kernel has slabs of so many pages */

struct iq_cache {
	uint64_t address;	/* struct kmem_cache */
	char name[64];		/* escaped */
	uint64_t object_size;	/* what the user asked for */
	uint64_t size;		/* distance of objects in a slab */
	uint64_t free_offset;	/* where in a free object the free pointer is */
	uint64_t inuse;		/* up to here the object and what is aligned with it; then what SLUB stores */
	uint64_t red_left_pad;	/* bytes of red zone in front of each object */
	uint64_t random;	/* secret of hardened free pointers; 0 if not hardened */
	unsigned int order;	/* pages of a new slab: 1 << order; IQ_CACHE_ORDERS: damaged */
	uint64_t flags;		/* as this kernel numbers them */
	unsigned int debug;	/* enum iq_cache_debug */
	unsigned int users;	/* kmem_cache_create()s that share it: more than 1 if caches were merged, and
				 * the name is only one of theirs */
	struct iq_cache_private *priv;
};

enum iq_object_state {
	IQ_OBJECT_UNKNOWN,	/* the free lists could not be followed to their end */
	IQ_OBJECT_ALLOCATED,
	IQ_OBJECT_FREE,		/* on the slab's own free list */
	IQ_OBJECT_CPU_FREE,	/* on the list, or in a sheaf, of CPU `cpu` */
	IQ_OBJECT_SHEAF,	/* free, in a sheaf that its node keeps full (6.18+) */
	IQ_OBJECT_RCU_PENDING,	/* freed by kfree_rcu(): not yet back, but nobody's any more */
};

struct iq_slab {
	const struct iq_cache *cache;
	uint64_t address;	/* struct slab, or struct page before 5.17 */
	uint64_t memory;	/* virtual address of its first byte */
	unsigned int objects, inuse; /* as the kernel counts them: inuse includes a CPU's free ones */
	unsigned int allocated;	/* truly allocated; valid if lists_ok */
	bool frozen;
	bool lists_ok;		/* every free list of the slab was followed to its end */
	bool kfence;		/* no slab, but a page of KFENCE's pool, with one object of this cache:
				 * see slab_track.h */
	int node;		/* NUMA node; -1 unknown */
};

struct iq_object {
	struct iq_slab slab;
	uint64_t object;	/* start of the object */
	uint64_t offset;	/* of the address asked for, in it; object_size or more: padding behind it */
	unsigned int index;
	enum iq_object_state state;
	int cpu;		/* CPU_FREE: whose */
};

/*
 * All caches, in the order of the kernel's list (newest first).  Lazy, cached, owned by the kernel.
 */
struct iq_error *iq_caches(struct iq_kernel *k, struct iq_cache *const **ret, unsigned int *nr) IQ_CHECK;
/* The cache with this name; NULL: none. */
const struct iq_cache *iq_cache_by_name(struct iq_kernel *k, const char *name);
/*
 * The I-th other name of the cache, from 0 on: of a cache that was merged with this one (/sys/kernel/slab); NULL:
 * no more.  Escaped, owned by the kernel.
 */
const char *iq_cache_alias(struct iq_kernel *k, const struct iq_cache *c, unsigned int i);
/*
 * The slab object that contains the direct-map address ADDRESS (other addresses: false).  False also for
 * slab memory outside any object (the unused tail of a slab); then *RET has the slab and objects 0 … as
 * known and `object` is 0.
 */
bool iq_object_at(struct iq_kernel *k, uint64_t address, struct iq_object *ret);
/* The slab whose memory contains ADDRESS. */
bool iq_slab_at(struct iq_kernel *k, uint64_t address, struct iq_slab *ret);
/* State of each object of the slab, by index: RET has room for slab->objects entries. */
bool iq_slab_states(struct iq_kernel *k, const struct iq_slab *slab, enum iq_object_state *ret, int *cpus);

/* How much of a cache is in use, as its nodes and CPUs count it. */
struct iq_cache_usage {
	uint64_t slabs, objects;
	uint64_t allocated;	/* objects less those on free lists */
	bool exact;		/* every list was followed to its end */
};
bool iq_cache_usage(struct iq_kernel *k, const struct iq_cache *c, struct iq_cache_usage *ret);

/* ---- All slabs of a cache ----------------------------------------------------------------------- */

/* By which list the kernel reaches a slab. */
enum iq_slab_where {
	IQ_SLAB_CPU,	      /* a CPU allocates from it */
	IQ_SLAB_CPU_PARTIAL,  /* on that CPU's list of partial slabs */
	IQ_SLAB_NODE_PARTIAL, /* on its node's */
	IQ_SLAB_FULL,	      /* on none: found in the memory map (with SLAB_STORE_USER on a list) */
};
/*
 * The slabs of cache C: first those of each CPU, then the nodes' partial ones, then the full ones,
 * each once; NUMBER is the CPU's or the node's.  Until FN returns false.  The first call with FULL goes
 * through the whole memory map.  False if a list or a part of the map could not be read to its end
 * (with a warning).
 */
bool iq_cache_slabs(struct iq_kernel *k, const struct iq_cache *c, bool full,
		    bool (*fn)(void *arg, const struct iq_slab *slab, enum iq_slab_where where,
			       unsigned int number),
		    void *arg);
/* The struct kmem_cache_cpu of C on CPU; 0: this kernel has none. */
uint64_t iq_cache_cpu(struct iq_kernel *k, const struct iq_cache *c, unsigned int cpu);
/* The struct kmem_cache_node of C on NODE; 0: none. */
uint64_t iq_cache_node(struct iq_kernel *k, const struct iq_cache *c, unsigned int node);

#endif
