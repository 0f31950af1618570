/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a page is (mm/rmap.c): the file and offset that a page of the page cache holds, the processes
 * that map it and where, and whose page table it is.
 */
#ifndef INQUEST_OWNER_H
#define INQUEST_OWNER_H

#include <inquest/fs.h>
#include <inquest/page.h>
#include <inquest/vma.h>

#define IQ_MAX_USERS 8

/* A place in a process at which a page is, or can be, mapped. */
struct iq_page_user {
	uint64_t mm, vma;
	uint64_t address;   /* user address */
	uint32_t pid;	    /* of a task with this mm; 0: none is left */
	char comm[16 + 1];  /* raw bytes */
	bool mapped;	    /* its page tables lead to the page now */
};

struct iq_page_owner {
	enum {
		IQ_OWNER_NONE,	    /* neither of a process nor of a file */
		IQ_OWNER_ANON,	    /* memory of processes */
		IQ_OWNER_KSM,	    /* the same, shared by content */
		IQ_OWNER_FILE,	    /* the page cache's */
		IQ_OWNER_MOVABLE,   /* a driver's (PAGE_MAPPING_MOVABLE) */
	} kind;
	uint64_t mapping;	/* struct address_space or anon_vma */
	uint64_t inode;		/* FILE */
	uint64_t index;		/* FILE: in pages from the start of the file */
	char *path;		/* FILE: escaped; "" unknown.  Owned by OWNER */
	unsigned int nr_users;	/* places found; at most IQ_MAX_USERS of them are told */
	struct iq_page_user user[IQ_MAX_USERS];
};

/*
 * The owner of PAGE.  False if the page has none, or it cannot be told.  Free with
 * iq_page_owner_free().
 */
bool iq_page_owner(struct iq_kernel *k, const struct iq_page *page, struct iq_page_owner *ret);
void iq_page_owner_free(struct iq_page_owner *o);

/* What a page table page is part of. */
struct iq_table_owner {
	uint64_t mm;		/* 0: the kernel's own tables */
	uint32_t pid;		/* of a task with this mm; 0: none */
	char comm[16 + 1];	/* raw bytes */
	unsigned int level;	/* 1: its entries map pages (PTE) … 4 or 5: top table */
	uint64_t address;	/* lowest virtual address that it translates */
};
/*
 * Whose page tables the page frame PFN belongs to; false: nobody's that is known.  The first call walks
 * the tables of all processes.
 */
bool iq_table_owner(struct iq_kernel *k, uint64_t pfn, struct iq_table_owner *ret);

#endif
