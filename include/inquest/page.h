/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct page of a page frame, and its flags by this kernel's own enum pageflags. */
#ifndef INQUEST_PAGE_H
#define INQUEST_PAGE_H

#include <inquest/kernel.h>

struct iq_page {
	uint64_t pfn;
	uint64_t address; /* of struct page */
	uint64_t flags;
	uint64_t mapping, index;
	int32_t refcount, mapcount_raw; /* _refcount, _mapcount as stored */
	bool is_tail;
	uint64_t head;	  /* struct page of the compound head; own address if none */
};

/*
 * IQ_E_MEMORY: no struct page there (a hole in the memory map) or its page is not in the dump.
 * SPARSEMEM_VMEMMAP: vmemmap_base + pfn * sizeof(struct page).
 */
struct iq_error *iq_page_of(struct iq_kernel *k, uint64_t pfn, struct iq_page *ret) IQ_CHECK;
/* The page frame whose struct page contains ADDRESS; false: not in the memory map. */
bool iq_page_pfn(struct iq_kernel *k, uint64_t address, uint64_t *pfn);
/* "referenced,uptodate,lru": the names of the flags set, as crash prints them. */
void iq_page_flags_text(struct iq_kernel *k, uint64_t flags, struct iq_buf *out);

/*
 * Is PFN in a free block of the buddy allocator (mm/page_alloc.c)?  *ORDER is the block's order, *HEAD its
 * first page frame.  False also if it cannot be told.  Pages on a CPU's own free list do not count.
 */
bool iq_page_buddy(struct iq_kernel *k, uint64_t pfn, unsigned int *order, uint64_t *head);
/* NUMA node of a page from its flags; -1 unknown. */
int iq_page_node(struct iq_kernel *k, const struct iq_page *page);

#endif
