/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory map's sections (include/linux/mmzone.h: struct mem_section) and the blocks in which memory can be plugged
 * (drivers/base/memory.c: struct memory_block).
 */
#ifndef INQUEST_SECTION_H
#define INQUEST_SECTION_H

#include <inquest/kernel.h>

#define IQ_SECTION_PRESENT 1
#define IQ_SECTION_HAS_MAP 2
#define IQ_SECTION_ONLINE 4
#define IQ_SECTION_EARLY 8   /* there since boot */
#define IQ_SECTION_DEVICE 16 /* of ZONE_DEVICE (5.12 and later) */

struct iq_section {
	uint64_t nr;
	uint64_t address;   /* struct mem_section */
	uint64_t coded;	    /* section_mem_map without its flags */
	uint64_t mem_map;   /* struct page of its first page frame */
	uint64_t start_pfn;
	unsigned int flags; /* IQ_SECTION_… */
};

/*
 * The sections that are present, ascending, malloc()ed (free()).  IQ_E_UNAVAILABLE: no types, or a kernel without
 * CONFIG_SPARSEMEM; what cannot be read is left out with a warning.
 */
struct iq_error *iq_sections(struct iq_kernel *k, struct iq_section **ret, unsigned int *nr) IQ_CHECK;

struct iq_memory_block {
	uint64_t address; /* struct memory_block */
	char name[32];	  /* "memory12" */
	uint64_t start_section;
	uint64_t start, end; /* physical addresses; END is the last */
	int node;
	char state[20];	     /* "ONLINE", "GOING_OFFLINE" …; "UNKNOWN" */
};
/* All of them, ascending, malloc()ed (free()); none is no error: memory cannot be plugged in this kernel. */
struct iq_error *iq_memory_blocks(struct iq_kernel *k, struct iq_memory_block **ret,
				  unsigned int *nr) IQ_CHECK;

#endif
