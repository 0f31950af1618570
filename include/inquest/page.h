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
	uint64_t private; /* of a free block its order; 0 if this kernel has no such member */
	uint64_t link;	  /* the word of compound_head, which is lru.next of pages that are on a list */
	int32_t refcount, mapcount_raw; /* _refcount, _mapcount as stored */
	bool is_tail;
	uint64_t head;	  /* struct page of the compound head; own address if none */
};

/*
 * IQ_E_MEMORY: no struct page there (a hole in the memory map) or its page is not in the dump.
 * SPARSEMEM_VMEMMAP: vmemmap_base + pfn * sizeof(struct page).
 */
struct iq_error *iq_page_of(struct iq_kernel *k, uint64_t pfn, struct iq_page *ret) IQ_CHECK;
/*
 * Calls FN for the struct pages of the page frames [FIRST, END), ascending, until it returns false.  What is
 * not there (holes in the memory map, pages of it that are not in the dump) is left out, and so are struct pages of zeros,
 * which nobody has ever initialised.  False: struct page is not known, as iq_page_of() says in words.
 */
bool iq_pages_each(struct iq_kernel *k, uint64_t first, uint64_t end,
		   bool (*fn)(void *arg, const struct iq_page *page), void *arg);
/* Is it marked as the first page of a free block?  Its order is `private`. */
bool iq_page_is_buddy(struct iq_kernel *k, const struct iq_page *page);
/*
 * What the word of _mapcount says of a page that is no tail: a count (how often it is mapped, less one), a page type, or
 * neither: a count that went below "not mapped".
 */
enum iq_mapcount { IQ_MAPCOUNT_COUNT, IQ_MAPCOUNT_TYPE, IQ_MAPCOUNT_UNDERFLOW };
enum iq_mapcount iq_page_mapcount(struct iq_kernel *k, const struct iq_page *page);
/* The bit PG_NAME ("lru") of the flags; -1: this kernel has none. */
int iq_page_flag(struct iq_kernel *k, const char *name);
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
