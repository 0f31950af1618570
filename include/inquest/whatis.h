/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whatis: everything known about an address, from the outermost (which page) to the innermost (which word of
 * which frame, which member of which object).
 *
 * What is certain and what is concluded is told apart: the allocator's and the page tables' answers are
 * exact; the type of an object in a cache of its own is `likely` if the type's size is the cache's; that of an
 * object in a general cache (kmalloc-192) is concluded from what points to it, if it can be (typegraph.h).
 */
#ifndef INQUEST_WHATIS_H
#define INQUEST_WHATIS_H

#include <inquest/owner.h>
#include <inquest/resource.h>
#include <inquest/slab.h>
#include <inquest/stack.h>
#include <inquest/vmalloc.h>
#if IQ_ROOM < IQ_ROOM_INSPECT
#error "whatis.h belongs to a room to the right of this one"
#endif

enum iq_page_use {
	IQ_PAGE_UNKNOWN,
	IQ_PAGE_FREE,	   /* in the buddy allocator */
	IQ_PAGE_SLAB,
	IQ_PAGE_ANON,
	IQ_PAGE_FILE,
	IQ_PAGE_TABLE,
	IQ_PAGE_RESERVED,
	IQ_PAGE_KERNEL,	   /* allocated, for the kernel itself */
	IQ_PAGE_UNUSED,	   /* no references, but not in the buddy allocator: a CPU's own free list, or
			    * never given to the allocator */
};
/* "free", "slab", "anon", "file", "pagetable", "reserved", "kernel", "unused", "unknown" */
const char *iq_page_use_text(enum iq_page_use u);

/* How sure a conclusion is, in ascending order. */
enum iq_confidence {
	IQ_CONFIDENCE_UNKNOWN,
	IQ_CONFIDENCE_POSSIBLE,
	IQ_CONFIDENCE_LIKELY,
	IQ_CONFIDENCE_CERTAIN,
};
/* "unknown", "possible", "likely", "certain" */
const char *iq_confidence_text(enum iq_confidence c);

struct iq_whatis {
	uint64_t address;	/* as asked; virtual if is_virtual */
	bool is_virtual;
	bool has_physical;
	uint64_t physical;
	uint64_t virtual;	/* kernel virtual address by which it was looked up; 0: none */
	enum iq_mem content;	/* whether the bytes there can be read */
	unsigned int level;	/* content IQ_MEM_UNMAPPED: level where the walk ended */

	bool has_symbol;
	struct iq_symbol symbol; /* offset = virtual - symbol.address */

	struct iq_module *module;/* NULL: none */
	const char *module_part; /* "text", "data", … */

	bool has_percpu;
	struct iq_symbol percpu; /* the per-CPU variable; its address as the symbol table has it */
	unsigned int percpu_cpu;
	uint64_t percpu_offset;	 /* in the variable */

	bool has_object;	/* in a slab object (object.object != 0) or only in a slab's page */
	bool has_slab;
	struct iq_object object;
	const struct iq_type *type;	/* of the object: a struct, an array …; NULL: unknown */
	enum iq_confidence type_confidence;
	const char *type_from;		/* what the type was concluded from, if not from the cache's name:
					 * "free_async(as)->urb", "usb_device.parent of 0xffff…".  NULL: none */
	char member[128];		/* "f_path.dentry", "f_inode+4"; "" unknown */

	bool has_stack;
	struct iq_stack stack;
	struct iq_task task;	/* whose stack it is, or who was running on it; address 0: nobody */
	int frame;		/* of that task's backtrace, inlined functions counted; -1: not in a live frame */
	int frame_number;	/* as bt's text and crash number them; -1: of a function that was interrupted, or
				 * not in a live frame */
	char function[128];	/* of that frame */
	uint64_t function_offset;
	char function_module[57];
	char slot[64];		/* label of the word: "return to …", "rbx", "pt_regs.ip" …; "" unknown */
	bool below;		/* below the stack pointer: left behind by calls that have returned */

	const struct iq_vmap *vmap;	/* NULL: none */

	bool is_struct_page;	/* `virtual` is in the memory map: */
	uint64_t struct_page_pfn; /* of this page frame, */
	enum iq_page_use struct_page_use; /* which is used for this */

	bool has_page;
	struct iq_page page;
	enum iq_page_use use;
	unsigned int order;	/* FREE: of the block */

	/* A physical address that is no RAM of the page allocator's (reserved, or without a struct page): who
	 * has claimed it; NULL: nobody, or it is RAM. */
	const struct iq_resource *resource;
};

/*
 * Looks addresses up and remembers backtraces and what else is needed again for the next address.  Belongs to
 * the kernel's thread.
 */
struct iq_describer;
struct iq_error *iq_describer_open(struct iq_kernel *k, struct iq_describer **ret) IQ_CHECK;
void iq_describer_close(struct iq_describer *d);
/*
 * To tell the type of an object that is not known at once, make the whole graph of types (iq_typegraph_make()):
 * for questions that somebody waits for.  CANCEL (may be NULL) ends that.
 */
void iq_describer_make_graph(struct iq_describer *d, const struct iq_cancel *cancel);

/*
 * What is at kernel virtual address ADDRESS, or, if PHYSICAL, at that physical address?  Always answers:
 * an address that is nothing has content IQ_MEM_UNMAPPED or IQ_MEM_ABSENT and no kind at all.  Pointers in RET are valid until
 * D is closed.
 */
void iq_whatis(struct iq_describer *d, uint64_t address, bool physical, struct iq_whatis *ret);

/*
 * One line for people, the innermost facts first: "kmalloc-192 object 0x… + 96, allocated", "stack of
 * usbreap (pid 119), frame #8 free_async+174, saved rbx".
 */
void iq_whatis_line(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out);

/* All kinds, a line each, the outermost first. */
void iq_whatis_lines(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out);

/* The type of W's object, as C has it, escaped: "struct urb", "struct hlist_head [64]"; nothing if it is unknown. */
void iq_whatis_type(const struct iq_whatis *w, struct iq_buf *out);

/*
 * The member at byte OFFSET of the kernel's variable SYMBOL, with its type: "struct task_struct.comm[2]"; "" if its
 * type is not known (iq_global_type()), or it has no members.
 */
void iq_variable_member(struct iq_kernel *k, const struct iq_symbol *symbol, uint64_t offset, char *buf,
			size_t room);

/* Whose page table the page of W is, if it is one; see iq_table_owner(). */
bool iq_whatis_table(struct iq_kernel *k, const struct iq_whatis *w, struct iq_table_owner *ret);

/*
 * The type that objects of CACHE have, if the cache is one type's own: the type that the name stands for,
 * and only if its size is the cache's object size.  If caches were merged (cache->users > 1), objects can be of
 * this type or of others.  NULL: not known.
 */
const struct iq_type *iq_cache_type(struct iq_kernel *k, const struct iq_cache *cache);

/* Path of the member of T at byte OFFSET, innermost: "f_path.dentry", "a[3].b+2". */
void iq_member_path(const struct iq_type *t, uint64_t offset, char *buf, size_t room);

#endif
