/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page table entries that map nothing and still say something (include/linux/swapops.h, since 6.19 leafops.h): pages
 * that are swapped out, move to another place, are broken, or belong to a device; and marks.
 */
#ifndef INQUEST_SWAP_H
#define INQUEST_SWAP_H

#include <inquest/kernel.h>

enum iq_entry_kind {
	IQ_ENTRY_EMPTY,
	IQ_ENTRY_PRESENT,   /* a page or a table: also PROT_NONE and NUMA hinting */
	IQ_ENTRY_SWAP,	    /* swapped out: `device` and `offset` */
	IQ_ENTRY_MIGRATION, /* its content is in page frame `pfn` and about to move */
	IQ_ENTRY_POISONED,  /* page frame `pfn` is broken memory (hwpoison) */
	IQ_ENTRY_DEVICE,    /* in a device's own memory; `pfn` */
	IQ_ENTRY_MARKER,    /* no page: `marks` */
	IQ_ENTRY_LOST,	    /* its content could not be read back from swap (6.0, 6.1) */
	IQ_ENTRY_SPECIAL,   /* of a type that is not known */
};

#define IQ_MARK_UFFD_WP 1  /* userfaultfd protects it against writes */
#define IQ_MARK_POISONED 2 /* touching it is a memory error: lost when it was swapped in, or marked so */
#define IQ_MARK_GUARD 4	   /* a guard region (madvise) */

struct iq_entry {
	enum iq_entry_kind kind;
	unsigned int type; /* number of the swap area, or of the special kind */
	uint64_t offset;   /* SWAP: in pages from the start of the area */
	uint64_t pfn;	   /* MIGRATION, POISONED, DEVICE */
	uint64_t marks;	   /* MARKER: IQ_MARK_… */
	bool writable;	   /* MIGRATION: the page may be written when it has arrived */
	bool exclusive;	   /* only this process has the page */
	bool soft_dirty, uffd_wp;
};

/*
 * What ENTRY, of a page table of LEVEL (1: that of pages), is.  Which types are special differs between kernels and
 * how they were configured: what the symbols of this kernel do not tell is SPECIAL.
 */
void iq_entry_of(struct iq_kernel *k, uint64_t entry, unsigned int level, struct iq_entry *ret);
/* "swap", "migration", "poisoned", "device", "marker", "lost", "special"; "present", "empty" */
const char *iq_entry_kind_text(enum iq_entry_kind kind);
/*
 * What ENTRY says, for people: "swapped out to /dev/vda2, offset 0x1f", "migrating from page frame 0x1234, writable",
 * "no page, marked: guard region".
 */
void iq_entry_text(struct iq_kernel *k, const struct iq_entry *entry, struct iq_buf *out);
/* Path of swap area TYPE into PATH (IQ_PATH_ROOM); false: there is no such area, or its name is not known. */
bool iq_swap_path(struct iq_kernel *k, unsigned int type, char *path);
/* How many swap areas this kernel can have (MAX_SWAPFILES): the types from there on are special. */
unsigned int iq_swap_types(struct iq_kernel *k);

/* A swap area in use: struct swap_info_struct. */
struct iq_swap_area {
	uint64_t address;
	unsigned int type;    /* its number in page table entries */
	bool file;	      /* a file, no partition */
	uint64_t pages, used; /* that can hold a page, and that do */
	int priority;
	const char *path;     /* raw bytes, owned by the list; "" unknown */
};
struct iq_swap_areas {
	struct iq_swap_area *area;
	unsigned int nr, room;
	struct iq_arena text;
};
/* As /proc/swaps has them, by number.  One that cannot be read is a warning.  Free them in any case. */
struct iq_error *iq_swap_areas(struct iq_kernel *k, struct iq_swap_areas *ret) IQ_CHECK;
void iq_swap_areas_free(struct iq_swap_areas *x);

#endif
