/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's memory as the page allocator has it (include/linux/mmzone.h): NUMA nodes, zones,
 * free blocks, the kernel's own counters, huge page pools, swap areas.
 */
#ifndef INQUEST_ZONE_H
#define INQUEST_ZONE_H

#include <inquest/page.h>

#define IQ_MAX_ORDERS 16

struct iq_node {
	unsigned int id;
	uint64_t address; /* struct pglist_data */
	uint64_t start_pfn, spanned, present; /* in pages, holes included and without */
};

struct iq_zone {
	uint64_t address; /* struct zone */
	unsigned int node, index; /* index: in pglist_data.node_zones */
	char name[16];
	uint64_t start_pfn, spanned, present, managed;
	uint64_t watermark[3]; /* min, low, high, with what boosts them now */
	uint64_t free; /* NR_FREE_PAGES */
};

/* All nodes that exist, in the order of their numbers; owned by the caller (free()). */
struct iq_error *iq_nodes(struct iq_kernel *k, struct iq_node **ret, unsigned int *nr) IQ_CHECK;
/* All zones of all nodes, empty ones (spanned 0) included; owned by the caller (free()). */
struct iq_error *iq_zones(struct iq_kernel *k, struct iq_zone **ret, unsigned int *nr) IQ_CHECK;

/* The lists of free blocks of one zone: zone.free_area[order].free_list[migrate type]. */
struct iq_free_area {
	unsigned int order, type;
	const char *type_name; /* "Unmovable" …; NULL unknown.  Owned by the kernel's memory: copied */
	uint64_t address;      /* of the list_head */
	uint64_t blocks;       /* counted by walking the list */
	bool whole;	       /* the walk came back to the head */
	uint64_t counted;      /* free_area.nr_free: what the kernel counts for the order */
};
/*
 * Calls FN for each list, ascending.  With BLOCKS (may be NULL) each block's first page frame is
 * told.  False if this kernel's layout is not known.
 */
bool iq_free_areas(struct iq_kernel *k, const struct iq_zone *z,
		   void (*fn)(void *arg, const struct iq_free_area *a),
		   void (*block)(void *arg, const struct iq_free_area *a, uint64_t pfn), void *arg);

/* One of the kernel's counters by its enumerator's name. */
struct iq_counter {
	const char *name; /* "NR_FREE_PAGES": of the types, lives as long as the kernel */
	int64_t value;
};
enum iq_counters {
	IQ_COUNTERS_ZONE,  /* vm_zone_stat, or a zone's vm_stat */
	IQ_COUNTERS_NODE,  /* vm_node_stat, or a node's vm_stat */
	IQ_COUNTERS_NUMA,  /* vm_numa_stat: up to 5.13 only */
	IQ_COUNTERS_EVENT, /* vm_event_states: summed over the CPUs */
};
/*
 * All counters of WHICH, of the whole machine (ADDRESS 0) or of the struct zone or pglist_data at
 * ADDRESS, into *RET (free()).  As the kernel shows them: what CPUs have not yet added to the sums is
 * left out, and sums below 0 are 0.
 */
struct iq_error *iq_counters(struct iq_kernel *k, enum iq_counters which, uint64_t address,
			     struct iq_counter **ret, unsigned int *nr) IQ_CHECK;
/* The counter NAME of the whole machine; false: no such counter. */
bool iq_counter(struct iq_kernel *k, enum iq_counters which, const char *name, int64_t *ret);

/* A pool of huge pages (mm/hugetlb.c). */
struct iq_hstate {
	uint64_t address;
	char name[33];
	uint64_t size; /* bytes of a page */
	uint64_t total, free, reserved, surplus; /* pages */
};
unsigned int iq_hstates(struct iq_kernel *k, struct iq_hstate *ret, unsigned int room);
/* The part of pool H that NUMA node NODE has: all of RET but `reserved`, which is not counted by node.  False: unknown. */
bool iq_hstate_node(struct iq_kernel *k, const struct iq_hstate *h, unsigned int node, struct iq_hstate *ret);

/*
 * Transparent huge pages in use, counted in pages of 2 MB (mm/huge_memory.c): of processes, of shared memory and of
 * files; -1 unknown.
 */
struct iq_thp {
	int64_t anon, shmem, file;
};
void iq_thp(struct iq_kernel *k, struct iq_thp *ret);

/* A swap area (include/linux/swap.h: struct swap_info_struct). */
struct iq_swap {
	uint64_t address;
	unsigned int type; /* its number in swap entries */
	uint64_t file;     /* struct file of the area */
	bool partition;
	uint64_t pages, used;
	int priority;
};
unsigned int iq_swaps(struct iq_kernel *k, struct iq_swap *ret, unsigned int room);

/* Figures of the whole machine, in pages; -1 unknown. */
struct iq_memory {
	int64_t total, free, buffers, cached, slab, huge_total, huge_free, swap_total, swap_free,
		commit_limit, committed, shared;
};
void iq_memory(struct iq_kernel *k, struct iq_memory *ret);

#endif
