// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's own counters (include/linux/vmstat.h, mm/vmstat.c), huge page pools (mm/hugetlb.c)
 * and swap areas (mm/swapfile.c): see zone.h.
 */
#include <inquest/zone.h>

#include "private.h"

#include <stdlib.h>

#define MAX_COUNTERS 512
#define MAX_SWAPFILES 64
#define MAX_HSTATES 16

static const struct {
	const char *items, *end, *symbol, *tag;
} counters[] = {
	[IQ_COUNTERS_ZONE] = {"enum zone_stat_item", "NR_VM_ZONE_STAT_ITEMS", "vm_zone_stat", "zone"},
	[IQ_COUNTERS_NODE] = {"enum node_stat_item", "NR_VM_NODE_STAT_ITEMS", "vm_node_stat",
			      "pglist_data"},
	[IQ_COUNTERS_NUMA] = {"enum numa_stat_item", "NR_VM_NUMA_STAT_ITEMS", "vm_numa_stat", NULL},
	[IQ_COUNTERS_EVENT] = {"enum vm_event_item", "NR_VM_EVENT_ITEMS", "vm_event_states", NULL},
};

/* Add the words at ADDRESS to VALUES; how many were read. */
static bool add_words(struct iq_kernel *k, uint64_t address, uint64_t *values, unsigned int nr)
{
	uint64_t words[MAX_COUNTERS];
	struct iq_fault fault;

	if (iq_vm_read(k->vm, address, words, nr * sizeof(*words), &fault))
		return false;
	for (unsigned int i = 0; i < nr; i++)
		values[i] += words[i];
	return true;
}

static bool sum(struct iq_kernel *k, enum iq_counters which, uint64_t address, uint64_t *values,
		unsigned int nr)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_cpu *cpus;
	unsigned int nr_cpus;
	uint64_t at;

	if (which != IQ_COUNTERS_EVENT) {
		if (!address)
			address = iq_kernel_symbol(k, counters[which].symbol);
		else if (counters[which].tag &&
			 iq_offset(t, counters[which].tag, "vm_stat", &at, NULL))
			address += at;
		else
			return false;
		return address && add_words(k, address, values, nr);
	}
	/* Events of CPUs that went offline were added to another's. */
	cpus = iq_kernel_cpus(k, &nr_cpus);
	for (unsigned int i = 0; i < nr_cpus; i++) {
		address = iq_percpu_symbol(k, counters[which].symbol, cpus[i].cpu);
		if (!address || (cpus[i].present && !add_words(k, address, values, nr)))
			return false;
	}
	return nr_cpus;
}

struct iq_error *iq_counters(struct iq_kernel *k, enum iq_counters which, uint64_t address,
			     struct iq_counter **ret, unsigned int *nr)
{
	const struct iq_enumerator *items = NULL;
	uint64_t values[MAX_COUNTERS] = {0};
	const struct iq_type *type;
	unsigned int all = 0, end = 0;
	struct iq_types *t;

	IQ_TRY(iq_kernel_need_types(k, &t));
	type = iq_type_by_name(t, counters[which].items);
	if (type)
		items = iq_type_enumerators(type, &all);
	for (unsigned int i = 0; items && i < all; i++)
		if (!strcmp(items[i].name, counters[which].end) && items[i].value > 0)
			end = (unsigned int)IQ_MIN(items[i].value, MAX_COUNTERS);
	if (!end || !sum(k, which, address, values, end))
		return iq_error_new(IQ_E_UNAVAILABLE, "the counters of %s cannot be read",
				    counters[which].items);
	*ret = calloc(end, sizeof(**ret));
	if (!*ret)
		return iq_error_nomem();
	*nr = 0;
	for (unsigned int i = 0; i < all; i++) {
		if (items[i].value < 0 || items[i].value >= end)
			continue;
		/* A name for the same number again (NR_ZONE_LRU_BASE) is no counter of its own; the
		 * last one is the counter. */
		if (*nr && i && items[i].value == items[i - 1].value)
			(*nr)--;
		if (*nr == end)
			break;
		(*ret)[(*nr)++] = (struct iq_counter){
			items[i].name, IQ_MAX((int64_t)values[items[i].value], 0)};
	}
	return NULL;
}

bool iq_counter(struct iq_kernel *k, enum iq_counters which, const char *name, int64_t *ret)
{
	struct iq_counter *list;
	unsigned int nr;
	struct iq_error *err = iq_counters(k, which, 0, &list, &nr);
	bool found = false;

	if (err) {
		iq_error_free(err);
		return false;
	}
	for (unsigned int i = 0; i < nr && !found; i++) {
		found = !strcmp(list[i].name, name);
		*ret = list[i].value;
	}
	free(list);
	return found;
}

/* ---- Huge pages and swap -------------------------------------------------------------------------- */

unsigned int iq_hstates(struct iq_kernel *k, struct iq_hstate *ret, unsigned int room)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *type = t ? iq_type_by_name(t, "struct hstate") : NULL;
	uint64_t table = iq_kernel_symbol(k, "hstates"), nr = 0, at;
	unsigned int n = 0;

	if (!type || !table || !iq_kernel_variable(k, "hugetlb_max_hstate", 4, &nr))
		return 0;
	for (uint64_t i = 0; i < IQ_MIN(nr, MAX_HSTATES) && n < room; i++) {
		struct iq_hstate h = {.address = table + i * type->size};
		uint64_t order;

		if (!kernel_read_member(k, "hstate", "order", h.address, &order) || order > 40 ||
		    !kernel_read_member(k, "hstate", "nr_huge_pages", h.address, &h.total) ||
		    !kernel_read_member(k, "hstate", "free_huge_pages", h.address, &h.free))
			continue;
		kernel_read_member(k, "hstate", "resv_huge_pages", h.address, &h.reserved);
		kernel_read_member(k, "hstate", "surplus_huge_pages", h.address, &h.surplus);
		h.size = iq_dump_info(k->dump)->page_size << order;
		if (iq_offset(t, "hstate", "name", &at, NULL))
			iq_vm_read_string(k->vm, h.address + at, h.name, sizeof(h.name));
		for (char *c = h.name; *c; c++)
			if (*c < ' ' || *c > '~')
				*c = '?';
		ret[n++] = h;
	}
	return n;
}

static bool node_number(struct iq_kernel *k, const char *member, const struct iq_hstate *h,
			unsigned int node, uint64_t *ret)
{
	uint64_t at, size;

	*ret = 0;
	return iq_kernel_offset(k, "hstate", member, &at, &size) && size / 4 > node &&
	       kernel_read_uint(k, h->address + at + 4 * (uint64_t)node, 4, ret);
}

bool iq_hstate_node(struct iq_kernel *k, const struct iq_hstate *h, unsigned int node, struct iq_hstate *ret)
{
	struct iq_hstate n = *h;

	n.reserved = 0;
	if (!node_number(k, "nr_huge_pages_node", h, node, &n.total) ||
	    !node_number(k, "free_huge_pages_node", h, node, &n.free) ||
	    !node_number(k, "surplus_huge_pages_node", h, node, &n.surplus))
		return false;
	*ret = n;
	return true;
}

void iq_thp(struct iq_kernel *k, struct iq_thp *ret)
{
	static const char *const names[] = {"NR_ANON_THPS", "NR_SHMEM_THPS", "NR_FILE_THPS"};
	int64_t *const to[] = {&ret->anon, &ret->shmem, &ret->file}, v;
	/* 5.12 began to count them in small pages, and to count the swap cache. */
	bool small = iq_counter(k, IQ_COUNTERS_NODE, "NR_SWAPCACHE", &v);

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++) {
		*to[i] = -1;
		if (iq_counter(k, IQ_COUNTERS_NODE, names[i], &v))
			*to[i] = small ? v / 512 : v;
	}
}

unsigned int iq_swaps(struct iq_kernel *k, struct iq_swap *ret, unsigned int room)
{
	uint64_t table = iq_kernel_symbol(k, "swap_info"), nr = 0;
	unsigned int n = 0;

	if (!table || !iq_kernel_types(k) || !iq_kernel_variable(k, "nr_swapfiles", 4, &nr))
		return 0;
	for (uint64_t i = 0; i < IQ_MIN(nr, MAX_SWAPFILES) && n < room; i++) {
		struct iq_swap s = {.type = (unsigned int)i};
		uint64_t flags, prio = 0, inode, mode = 0;

		if (!kernel_read_ptr(k, table + 8 * i, &s.address) || !s.address ||
		    !kernel_read_member(k, "swap_info_struct", "flags", s.address, &flags) ||
		    !(flags & 1) /* SWP_USED */)
			continue;
		kernel_read_member(k, "swap_info_struct", "pages", s.address, &s.pages);
		kernel_read_member(k, "swap_info_struct", "inuse_pages", s.address, &s.used);
		s.used &= UINT32_MAX; /* bit 30 and up mark a list since 6.14 */
		kernel_read_member(k, "swap_info_struct", "prio", s.address, &prio);
		s.priority = (int16_t)prio;
		kernel_read_member(k, "swap_info_struct", "swap_file", s.address, &s.file);
		if (s.file && kernel_read_member(k, "file", "f_inode", s.file, &inode))
			kernel_read_member(k, "inode", "i_mode", inode, &mode);
		s.partition = (mode & 0170000) == 0060000;
		ret[n++] = s;
	}
	return n;
}

/* ---- The machine ------------------------------------------------------------------------------------ */

/* nr_blockdev_pages(): the page cache of block devices. */
static bool add_bdev(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct iq_types *t = iq_kernel_types(k);
	uint64_t at, mapping, pages;
	int64_t *total = arg;

	if (iq_offset(t, "inode", "i_sb_list", &at, NULL) &&
	    kernel_read_member(k, "inode", "i_mapping", entry - at, &mapping) &&
	    kernel_read_member(k, "address_space", "nrpages", mapping, &pages))
		*total += (int64_t)pages;
	return true;
}

static int64_t buffers(struct iq_kernel *k)
{
	struct iq_types *t = iq_kernel_types(k);
	int64_t total = 0;
	uint64_t sb, at;

	if (!iq_kernel_variable(k, "blockdev_superblock", 8, &sb) ||
	    !iq_offset(t, "super_block", "s_inodes", &at, NULL))
		return -1;
	return kernel_list_for_each(k, sb + at, 1u << 20, "block devices", add_bdev, &total) ? total : -1;
}

/* percpu_counter_sum(): the counter itself and what each CPU still holds of it. */
static int64_t percpu_counter(struct iq_kernel *k, const char *name)
{
	uint64_t at = iq_kernel_symbol(k, name), sum, percpu, part;
	const struct iq_cpu *cpus;
	unsigned int nr;

	if (!at || !kernel_read_member(k, "percpu_counter", "count", at, &sum))
		return -1;
	if (!kernel_read_member(k, "percpu_counter", "counters", at, &percpu))
		return (int64_t)sum;
	cpus = iq_kernel_cpus(k, &nr);
	for (unsigned int i = 0; i < nr; i++)
		if (kernel_read_uint(k, percpu + cpus[i].percpu_offset, 4, &part))
			sum += (uint64_t)(int64_t)(int32_t)part;
	return IQ_MAX((int64_t)sum, 0);
}

/* vm_commit_limit(), mm/util.c */
static int64_t commit_limit(struct iq_kernel *k, const struct iq_memory *m, int64_t huge)
{
	uint64_t kb, ratio, page = iq_dump_info(k->dump)->page_size;
	int64_t allowed;

	if (m->total < 0)
		return -1;
	if (iq_kernel_variable(k, "sysctl_overcommit_kbytes", 8, &kb) && kb)
		allowed = (int64_t)(kb / (page / 1024));
	else if (iq_kernel_variable(k, "sysctl_overcommit_ratio", 4, &ratio))
		allowed = (m->total - huge) * (int64_t)ratio / 100;
	else
		return -1;
	return allowed + IQ_MAX(m->swap_total, 0);
}

static int64_t variable(struct iq_kernel *k, const char *name)
{
	uint64_t v;

	return iq_kernel_variable(k, name, 8, &v) ? IQ_MAX((int64_t)v, 0) : -1;
}

/* The sum of two counters; -1 if either is unknown. */
static int64_t both(struct iq_kernel *k, enum iq_counters which, const char *a, const char *b)
{
	int64_t x, y;

	return iq_counter(k, which, a, &x) && iq_counter(k, which, b, &y) ? x + y : -1;
}

void iq_memory(struct iq_kernel *k, struct iq_memory *ret)
{
	struct iq_memory m;
	struct iq_hstate pools[MAX_HSTATES];
	int64_t v, swapcache = 0, huge = 0, page = iq_dump_info(k->dump)->page_size;
	unsigned int nr = iq_hstates(k, pools, MAX_HSTATES);

	memset(&m, 0xff, sizeof(m)); /* all -1 */
	m.total = variable(k, "_totalram_pages");
	if (m.total < 0)
		m.total = variable(k, "totalram_pages");
	if (iq_counter(k, IQ_COUNTERS_ZONE, "NR_FREE_PAGES", &v))
		m.free = v;
	m.buffers = buffers(k);
	if (iq_counter(k, IQ_COUNTERS_NODE, "NR_SWAPCACHE", &v))
		swapcache = v;
	if (m.buffers >= 0 && iq_counter(k, IQ_COUNTERS_NODE, "NR_FILE_PAGES", &v))
		m.cached = IQ_MAX(v - swapcache - m.buffers, 0);
	if (iq_counter(k, IQ_COUNTERS_NODE, "NR_SHMEM", &v))
		m.shared = v;
	m.slab = both(k, IQ_COUNTERS_NODE, "NR_SLAB_RECLAIMABLE_B", "NR_SLAB_UNRECLAIMABLE_B");
	if (m.slab < 0)
		m.slab = both(k, IQ_COUNTERS_NODE, "NR_SLAB_RECLAIMABLE", "NR_SLAB_UNRECLAIMABLE");
	m.huge_total = m.huge_free = 0;
	for (unsigned int i = 0; i < nr; i++) {
		m.huge_total += (int64_t)(pools[i].total * (pools[i].size / (uint64_t)page));
		m.huge_free += (int64_t)(pools[i].free * (pools[i].size / (uint64_t)page));
	}
	huge = m.huge_total;
	m.swap_total = variable(k, "total_swap_pages");
	m.swap_free = variable(k, "nr_swap_pages");
	m.commit_limit = commit_limit(k, &m, huge);
	m.committed = percpu_counter(k, "vm_committed_as");
	*ret = m;
}
