/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What slab.c and slab_usage.c share. */
#ifndef INQUEST_KERNEL_SLAB_PRIVATE_H
#define INQUEST_KERNEL_SLAB_PRIVATE_H

#include "private.h"

#define MAX_OBJECTS 32767 /* struct slab: objects:15 */

/* How a free pointer is stored (mm/slub.c: freelist_ptr_encode()).  Found out by decoding. */
enum coding { CODING_UNKNOWN, CODING_PLAIN, CODING_XOR, CODING_XOR_SWAB, NR_CODINGS };

struct iq_cache_private {
	enum coding coding;
	uint64_t cpu_slab;    /* per-CPU pointer to struct kmem_cache_cpu; 0: this kernel has none */
	bool sheaves;	      /* free objects may lie in sheaves as well (6.18+) */
	enum lazy sheaves_state;
	uint64_t nr_sheaved;  /* objects in its sheaves, those that wait for RCU left out */
};

/* Where this kernel keeps things. */
struct slab_layout {
	const char *tag;      /* "slab" or "page" */
	uint64_t cache_at, freelist_at;
	struct iq_member inuse, objects, frozen;
	uint64_t cpu_freelist_at, cpu_slab_at;
	bool has_cpu_slab;
};

/* False: this kernel has no SLUB, or an unknown one. */
bool slab_layout(struct iq_kernel *k, struct slab_layout *l);
/* The slab whose struct slab (struct page) is at PAGE->address, if it is one. */
bool slab_read(struct iq_kernel *k, const struct slab_layout *l, const struct iq_page *page,
	       struct iq_slab *ret);
/* The same by the address of a struct slab or struct page. */
bool slab_by_struct(struct iq_kernel *k, const struct slab_layout *l, uint64_t address,
		    struct iq_slab *ret);
/* Is it the first page of a slab, as far as its flags or type tell? */
bool slab_page_is_slab(struct iq_kernel *k, const struct iq_page *page);
/* slab_list.c */
void slab_map_free(struct iq_kernel *k);
/* The cache at this address; NULL: not in the kernel's list. */
const struct iq_cache *slab_cache_at(struct iq_kernel *k, uint64_t address);
/*
 * slab_pending.c: find the objects of C that are free and on no free list; false if not all could be
 * found.  Then what is known of the object at OBJECT: ALLOCATED if it is none of these.
 */
bool slab_held_load(struct iq_kernel *k, const struct iq_cache *c);
enum iq_object_state slab_held_state(struct iq_kernel *k, uint64_t object, int *cpu);
/* Number of objects on the free list that begins at HEAD; false if it cannot be followed to its end. */
bool slab_count_free(struct iq_kernel *k, const struct iq_slab *s, uint64_t head, unsigned int *nr);

#endif
