/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the kernel room share.  Not for other rooms. */
#ifndef INQUEST_KERNEL_PRIVATE_H
#define INQUEST_KERNEL_PRIVATE_H

#include <inquest/log.h>
#include <inquest/module.h>
#include <inquest/page.h>
#include <inquest/slab.h>
#include <inquest/task.h>
#include <inquest/vmalloc.h>

/* No machine that Linux runs on has more; a larger number in a dump is damage. */
#define MAX_CPUS 8192
#define MAX_MODULES 8192
#define MAX_TASKS (4u << 20) /* PID_MAX_LIMIT */
#define MAX_NODES 1024

/* Lazy state: what was tried is not tried again. */
enum lazy { LAZY_UNTRIED, LAZY_DONE, LAZY_FAILED };

/* anchors.c: what is found without symbols, 0 if it is not; and offsets of members that tell it. */
struct kernel_anchors {
	enum lazy btf_state, objects_state;
	uint64_t btf, btf_end, init_task, modules;
	uint64_t comm, pid, tgid, tasks, list, name;
	bool has_modules;
};

struct iq_kernel_private {
	struct iq_kernel_options options;
	struct kernel_anchors anchors;

	enum lazy types_state, cpus_state, modules_state, tasks_state, log_state, orc_state, page_state;
	struct iq_types *types; /* `btf`, or the vmlinux's */
	struct iq_types *btf;
	struct iq_orc *orc;
	enum iq_orc_layout orc_layout;
	bool orc_deref_after_offset;

	struct iq_cpu *cpus;
	unsigned int nr_cpus;
	int panic_cpu;
	bool panic_cpu_known;

	struct iq_module **modules;
	unsigned int nr_modules, room_modules;
	struct iq_error *modules_error; /* LAZY_FAILED: why */

	struct iq_task *tasks;
	unsigned int nr_tasks, room_tasks;
	struct iq_error *tasks_error; /* LAZY_FAILED: why */
	struct iq_map task_by_address, task_by_pid;
	struct task_stack *task_stacks; /* sorted by start */
	unsigned int nr_task_stacks;
	uint64_t thread_size;
	uint64_t present_pages; /* 0: not counted yet */

	struct iq_log_record *log;
	unsigned int nr_log, room_log;
	char *log_error; /* LAZY_FAILED: why */
	struct iq_arena log_text;

	uint64_t page_struct_size, page_flags_at, page_mapping_at, page_index_at, page_refcount_at,
		page_mapcount_at, page_head_at;
	uint64_t page_private_at;
	uint32_t page_buddy;	/* page type of free pages */
	int page_node_shift;	/* bits of the node's number in page->flags; -1 unknown */
	const struct iq_enumerator *page_flags;
	unsigned int nr_page_flags;

	enum lazy vmaps_state, mapped_state, caches_state;
	struct iq_vmap *vmaps; /* sorted by start */
	unsigned int nr_vmaps, room_vmaps;
	struct pfn_va *mapped; /* sorted by pfn */
	unsigned int nr_mapped, room_mapped;
	struct iq_cache **caches;
	unsigned int nr_caches, room_caches;
	struct iq_map cache_by_address;
	struct slab_recent *recent_slabs;

	uint64_t names_lost; /* pages of the names in kallsyms that are not in the dump */

	enum lazy generated_state;
	struct iq_symtab *generated;
	struct kernel_probes *probes; /* NULL: nothing was probed */
	struct table_map *table_map; /* page tables of all processes */
	struct slab_map *slab_map; /* all slabs there are, by cache */
	struct resource_trees *resources;
	struct slab_held *held; /* objects in sheaves, and waiting for RCU */
	struct kfence *kfence; /* KFENCE's pool */
	struct slab_origins *origins; /* calls that create slab caches */
	struct slab_aliases *aliases; /* names in /sys/kernel/slab */
};

/* A page frame and a vmalloc address that maps it. */
struct pfn_va {
	uint64_t pfn, va;
};

struct task_stack {
	uint64_t start;
	const struct iq_task *task;
};

struct iq_module_private {
	enum lazy symbols_state, btf_state, orc_state;
	struct iq_symtab *symbols;
	struct iq_types *btf;
	struct iq_orc *orc;
	bool debug_sought; /* iq_module_debug() need not look for a file (again) */
};

/* locate.c: fill in k->layout, vmcoreinfo, release, stext, symbols. */
struct iq_error *kernel_locate(struct iq_kernel *k) IQ_CHECK;

/*
 * anchors.c: the address of __start_BTF, __stop_BTF, init_task or modules in a kernel of which there are no symbols, by what
 * it looks like; 0: another name, or it is not found.
 */
uint64_t kernel_anchor(struct iq_kernel *k, const char *name);

/* kernel.c: the error that a lazy answer failed with, as one of its own; ERR stays with the caller. */
struct iq_error *kernel_same_error(const struct iq_error *err) IQ_CHECK;

/* kernel.c: read a pointer-sized or smaller number; 0 and false if it cannot be read. */
bool kernel_read_uint(struct iq_kernel *k, uint64_t address, unsigned int size, uint64_t *ret);
static inline bool kernel_read_ptr(struct iq_kernel *k, uint64_t address, uint64_t *ret)
{
	return kernel_read_uint(k, address, 8, ret);
}
/* Member PATH of struct TAG at BASE as a number of its own size (at most 8 bytes). */
bool kernel_read_member(struct iq_kernel *k, const char *tag, const char *path, uint64_t base,
			uint64_t *ret);

/* module_debug.c: of the debug files given, use the one for M. */
void module_use_given(struct iq_kernel *k, struct iq_module *m);

/* system.c: where a struct timekeeper is or begins soon behind; 0: unknown. */
uint64_t kernel_timekeeper_symbol(struct iq_kernel *k);
/* system.c: the struct timekeeper itself, and its xtime_sec; 0: unknown. */
uint64_t kernel_timekeeper(struct iq_kernel *k, uint64_t *xtime);
/* system.c: pages of RAM that the nodes have (struct pglist_data); 0 unknown. */
uint64_t kernel_present_pages(struct iq_kernel *k);

/* generated.c: the names of code made at run time (BPF, ftrace, kprobes); NULL: none are known. */
struct iq_symtab *kernel_generated(struct iq_kernel *k);
bool kernel_generated_at(struct iq_kernel *k, uint64_t address, struct iq_symbol *ret);

/* page.c: is it the first page of a free block, as its type says? (iq_page_of() has to have been called) */
bool kernel_page_is_buddy(struct iq_kernel *k, const struct iq_page *page);

/* cpu.c, task.c, module.c, log.c, vmalloc.c, slab.c */
void cpus_free(struct iq_kernel *k);
void tasks_free(struct iq_kernel *k);
void modules_free(struct iq_kernel *k);
void log_free(struct iq_kernel *k);
void vmaps_free(struct iq_kernel *k);
void slabs_free(struct iq_kernel *k);
void table_map_free(struct iq_kernel *k);
void slab_held_free(struct iq_kernel *k);
void kfence_free(struct iq_kernel *k);
void slab_origins_free(struct iq_kernel *k);
void slab_aliases_free(struct iq_kernel *k);
void resources_free(struct iq_kernel *k); /* resource.c */

/*
 * Walk a circular list_head list from HEAD: call FN with the address of each entry's list_head.  Stops at the
 * head, when FN returns false, after MAX entries, or at damage, which is a warning naming WHAT.
 * Returns false if it stopped for damage or MAX.
 */
bool kernel_list_for_each(struct iq_kernel *k, uint64_t head, unsigned int max, const char *what,
			  bool (*fn)(struct iq_kernel *k, uint64_t entry, void *arg), void *arg);

/* What is wrong with a list_head list. */
struct list_damage {
	enum { LIST_NO_HEAD, LIST_LONG, LIST_UNREADABLE, LIST_BACK, LIST_CIRCLE } kind;
	uint64_t entry; /* the list_head that is wrong, */
	uint64_t prev;	/* and the one from which it was reached */
	uint64_t value; /* LIST_BACK: its `prev`; LIST_LONG: entries seen */
};
/* The same for who wants to know what is wrong: DAMAGED is told instead of the warnings. */
bool kernel_list_walk(struct iq_kernel *k, uint64_t head, unsigned int max,
		      bool (*fn)(struct iq_kernel *k, uint64_t entry, void *arg),
		      void (*damaged)(void *arg, const struct list_damage *d), void *arg);
/* A clause for people. */
void kernel_list_damage_text(const struct list_damage *d, char *text, size_t room);

/*
 * hlist.c: call FN with each struct hlist_node of the list whose struct hlist_head is at HEAD.  Stops at
 * its end, when FN returns false, after MAX entries, or at damage, which is a warning naming WHAT.
 * Returns false if it stopped for damage or MAX.
 */
bool kernel_hlist_for_each(struct iq_kernel *k, uint64_t head, unsigned int max, const char *what,
			   bool (*fn)(struct iq_kernel *k, uint64_t node, void *arg), void *arg);

/*
 * Call FN with each present entry of the xarray or radix tree whose root struct (struct xarray or
 * struct radix_tree_root, as this kernel has it) is at ROOT.  Entries that are values, siblings or retries
 * are left out.  False on damage (with a warning naming WHAT).
 */
bool kernel_xarray_for_each(struct iq_kernel *k, uint64_t root, const char *what,
			    bool (*fn)(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg),
			    void *arg);

/*
 * maple.c: call FN with each range [FIRST, LAST] and its entry of the struct maple_tree at TREE, in
 * ascending order; empty ranges are left out.  False on damage (with a warning naming WHAT) and
 * where this kernel has no such trees.
 */
bool kernel_maple_for_each(struct iq_kernel *k, uint64_t tree, const char *what,
			   bool (*fn)(struct iq_kernel *k, uint64_t first, uint64_t last,
				      uint64_t entry, void *arg),
			   void *arg);

/*
 * rbtree.c: call FN with each struct rb_node of the tree whose struct rb_root (or rb_root_cached) is
 * at ROOT, in order.  False on damage (with a warning naming WHAT) or after MAX nodes.
 */
bool kernel_rbtree_for_each(struct iq_kernel *k, uint64_t root, unsigned int max, const char *what,
			    bool (*fn)(struct iq_kernel *k, uint64_t node, void *arg), void *arg);

#endif
