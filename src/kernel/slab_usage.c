// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How much of a slab cache is in use.  struct kmem_cache_node counts slabs and objects; what is free is on the
 * node's partial slabs, on the slab that each CPU allocates from, and on the CPUs' own lists of partial slabs.
 */
#include "slab_private.h"

#define MAX_PARTIAL (4u << 20)

struct usage {
	const struct slab_layout *l;
	struct iq_cache_usage *u;
	uint64_t list_at, free;
};

/* The slab at ADDRESS (a struct slab or struct page). */
bool slab_by_struct(struct iq_kernel *k, const struct slab_layout *l, uint64_t address,
			   struct iq_slab *s)
{
	struct iq_page page;
	struct iq_error *err;
	uint64_t pfn;

	if (!iq_page_pfn(k, address, &pfn))
		return false;
	err = iq_page_of(k, pfn, &page);
	if (err) {
		iq_error_free(err);
		return false;
	}
	return page.address == address && slab_read(k, l, &page, s);
}

static bool add_partial(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct usage *x = arg;
	struct iq_slab s;

	if (slab_by_struct(k, x->l, entry - x->list_at, &s))
		x->free += s.objects - s.inuse;
	else
		x->u->exact = false;
	return true;
}

static void of_node(struct iq_kernel *k, uint64_t node, struct usage *x)
{
	struct iq_types *t = iq_kernel_types(k);
	uint64_t v, partial_at;

	if (kernel_read_member(k, "kmem_cache_node", "nr_slabs.counter", node, &v))
		x->u->slabs += v;
	if (kernel_read_member(k, "kmem_cache_node", "total_objects.counter", node, &v))
		x->u->objects += v;
	if (!iq_offset(t, "kmem_cache_node", "partial", &partial_at, NULL) ||
	    !kernel_list_for_each(k, node + partial_at, MAX_PARTIAL, "partial slabs", add_partial,
				  x))
		x->u->exact = false;
}

/* The slab that a CPU allocates from: its lockless list and what others have freed to it meanwhile. */
static void of_cpu_slab(struct iq_kernel *k, uint64_t cpu_cache, struct usage *x)
{
	uint64_t address, head;
	unsigned int nr = 0;
	struct iq_slab s;

	if (!kernel_read_ptr(k, cpu_cache + x->l->cpu_slab_at, &address) || !address)
		return;
	if (!slab_by_struct(k, x->l, address, &s) ||
	    !kernel_read_ptr(k, cpu_cache + x->l->cpu_freelist_at, &head) ||
	    !slab_count_free(k, &s, head, &nr))
		x->u->exact = false;
	else
		x->free += nr + (s.objects - s.inuse);
}

/* A CPU's partial slabs are chained through `next`. */
static void of_cpu_partial(struct iq_kernel *k, uint64_t cpu_cache, struct usage *x)
{
	struct iq_types *t = iq_kernel_types(k);
	uint64_t partial_at, next_at, address;
	struct iq_slab s;
	unsigned int n;

	if (!iq_offset(t, "kmem_cache_cpu", "partial", &partial_at, NULL) ||
	    !iq_offset(t, x->l->tag, "next", &next_at, NULL) ||
	    !kernel_read_ptr(k, cpu_cache + partial_at, &address))
		return;
	for (n = 0; address; n++) {
		if (n >= 65536 || !slab_by_struct(k, x->l, address, &s)) {
			x->u->exact = false;
			return;
		}
		x->free += s.objects - s.inuse;
		if (!kernel_read_ptr(k, address + next_at, &address))
			return;
	}
}

/* .node[i], since 7.1 .per_node[i].node */
uint64_t iq_cache_node(struct iq_kernel *k, const struct iq_cache *c, unsigned int i)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *pair = iq_type_by_name(t, "struct kmem_cache_per_node_ptrs");
	uint64_t at, size, node;

	if (pair && pair->size && iq_offset(t, "kmem_cache", "per_node", &at, &size))
		return i < size / pair->size && kernel_read_member(k, "kmem_cache_per_node_ptrs", "node",
								   c->address + at + i * pair->size,
								   &node) ? node : 0;
	if (!iq_offset(t, "kmem_cache", "node", &at, &size))
		return 0;
	return i < size / 8 && kernel_read_ptr(k, c->address + at + 8 * i, &node) ? node : 0;
}

bool iq_cache_usage(struct iq_kernel *k, const struct iq_cache *c, struct iq_cache_usage *ret)
{
	struct iq_cache_usage u = {.exact = true};
	struct slab_layout l;
	struct usage x = {.l = &l, .u = &u};
	uint64_t ids = 1, node, cpu_slab;
	const struct iq_cpu *cpus;
	unsigned int nr;

	if (!slab_layout(k, &l))
		return false;
	x.list_at = l.list_at;
	iq_kernel_variable(k, "nr_node_ids", 4, &ids);
	for (uint64_t i = 0; i < IQ_MIN(ids, MAX_NODES); i++) {
		node = iq_cache_node(k, c, (unsigned int)i);
		if (node)
			of_node(k, node, &x);
	}
	if (l.has_cpu_slab &&
	    kernel_read_member(k, "kmem_cache", "cpu_slab", c->address, &cpu_slab) && cpu_slab) {
		cpus = iq_kernel_cpus(k, &nr);
		for (unsigned int j = 0; j < nr; j++) {
			if (!cpus[j].percpu_offset || !cpus[j].present)
				continue;
			of_cpu_slab(k, cpu_slab + cpus[j].percpu_offset, &x);
			of_cpu_partial(k, cpu_slab + cpus[j].percpu_offset, &x);
		}
	}
	if (c->priv->sheaves) {
		u.exact &= slab_held_load(k, c);
		x.free += c->priv->nr_sheaved;
	}
	u.allocated = u.objects >= x.free ? u.objects - x.free : 0;
	*ret = u;
	return true;
}
