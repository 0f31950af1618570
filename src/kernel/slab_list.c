// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All slabs of a cache.  The kernel has lists of those with free objects only; full ones are found by
 * their struct pages, in the memory map.
 */
#include "slab_private.h"
#include <inquest/slab_track.h>

#include <stdlib.h>

#define MAX_PARTIAL (4u << 20)
#define MAX_SLABS (64u << 20)
#define CHUNK 4096 /* bytes of the memory map that are read at once: less than a large free block's */
#define MAX_ORDER 10

/* ---- The memory map ------------------------------------------------------------------------------ */

struct known_slab {
	uint64_t cache, address;
};

struct slab_map {
	struct known_slab *slab; /* by cache, then address */
	unsigned int nr, room;
	bool whole;
};

void slab_map_free(struct iq_kernel *k)
{
	if (k->priv->slab_map)
		free(k->priv->slab_map->slab);
	free(k->priv->slab_map);
}

static int by_cache(const void *a, const void *b)
{
	const struct known_slab *x = a, *y = b;

	if (x->cache != y->cache)
		return x->cache < y->cache ? -1 : 1;
	return x->address < y->address ? -1 : x->address > y->address;
}

/* Pages from PFN on, whose struct page has these BYTES, that are one free block; else 1. */
static uint64_t free_block(struct iq_kernel *k, uint64_t pfn, const uint8_t *bytes)
{
	const struct iq_kernel_private *p = k->priv;
	struct iq_page page = {0};
	uint64_t order;

	if (p->page_mapcount_at + 4 > p->page_struct_size || p->page_private_at + 8 > p->page_struct_size)
		return 1;
	page.mapcount_raw = (int32_t)iq_le32(bytes + p->page_mapcount_at);
	order = iq_le64(bytes + p->page_private_at);
	return order <= MAX_ORDER && !(pfn & ((UINT64_C(1) << order) - 1)) && kernel_page_is_buddy(k, &page)
		       ? UINT64_C(1) << order
		       : 1;
}

/* The bytes of one struct page: note it if it is the first of a slab whose cache is known. */
static bool note_page(struct iq_kernel *k, struct slab_map *m, const struct slab_layout *l,
		      uint64_t address, const uint8_t *bytes)
{
	const struct iq_kernel_private *p = k->priv;
	struct iq_page page = {.flags = iq_le64(bytes + p->page_flags_at)};
	uint64_t cache = iq_le64(bytes + l->cache_at);

	if (!cache || cache & 7 || !iq_map_get(&p->cache_by_address, cache))
		return true;
	if (p->page_head_at < p->page_struct_size && iq_le64(bytes + p->page_head_at) & 1)
		return true; /* a tail page */
	if (p->page_mapcount_at < p->page_struct_size)
		page.mapcount_raw = (int32_t)iq_le32(bytes + p->page_mapcount_at);
	if (!slab_page_is_slab(k, &page))
		return true;
	if (m->nr >= MAX_SLABS || !iq_grow(&m->slab, &m->room, m->nr + 1, sizeof(*m->slab)))
		return false;
	m->slab[m->nr++] = (struct known_slab){cache, address};
	return true;
}

/* Read LEN bytes of the memory map at ADDRESS as far as they are there; what is not becomes zeros. */
static bool read_map(struct iq_kernel *k, uint64_t address, uint8_t *bytes, size_t len)
{
	uint64_t page = iq_dump_info(k->dump)->page_size;
	struct iq_fault fault;
	bool any = false;

	if (!iq_vm_read(k->vm, address, bytes, len, &fault))
		return true;
	for (size_t at = 0; at < len; at += page) {
		if (iq_vm_read(k->vm, address + at, bytes + at, IQ_MIN(page, len - at), &fault))
			memset(bytes + at, 0, IQ_MIN(page, len - at));
		else
			any = true;
	}
	return any;
}

/* Address of the struct page of direct-map address VA. */
static uint64_t struct_page(struct iq_kernel *k, uint64_t va)
{
	return k->layout.vmemmap_start + (va - k->layout.page_offset) /
						 iq_dump_info(k->dump)->page_size *
						 k->priv->page_struct_size;
}

static struct slab_map *load_map(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;
	struct slab_map *m = calloc(1, sizeof(*m));
	uint64_t pfn, next, per_chunk, end, fenced = 0, fence_end = 0;
	struct iq_cache *const *caches;
	struct slab_layout l;
	struct iq_page page;
	unsigned int nr;
	uint8_t *bytes;

	p->slab_map = m;
	if (!m)
		return NULL;
	/* iq_page_of() finds out the layout of struct page; whether there is a page 0 does not matter. */
	iq_error_free(iq_page_of(k, 0, &page));
	iq_error_free(iq_caches(k, &caches, &nr));
	if (!p->page_struct_size || !k->layout.vmemmap_start || !slab_layout(k, &l) ||
	    l.cache_at + 8 > p->page_struct_size || p->page_struct_size > CHUNK ||
	    !(bytes = malloc(CHUNK)))
		return m;
	per_chunk = CHUNK / p->page_struct_size;
	end = iq_dump_info(k->dump)->max_pfn;
	/* Pages of KFENCE's pool look like slabs of the cache whose object they have. */
	if (iq_kfence_pool(k, &fenced, &fence_end)) {
		fenced = struct_page(k, fenced);
		fence_end = struct_page(k, fence_end);
	}
	m->whole = true;
	for (pfn = 0; pfn < end && m->whole; pfn = next) {
		uint64_t address = k->layout.vmemmap_start + pfn * p->page_struct_size;
		uint64_t n = IQ_MIN(per_chunk - pfn % per_chunk, end - pfn), step;

		next = pfn + n;
		if (iq_cancelled(p->options.cancel))
			m->whole = false;
		else if (!read_map(k, address, bytes, n * p->page_struct_size))
			continue;
		for (uint64_t i = 0; i < n && m->whole; i += step, next = IQ_MAX(next, pfn + i)) {
			const uint8_t *b = bytes + i * p->page_struct_size;
			uint64_t at = address + i * p->page_struct_size;

			step = free_block(k, pfn + i, b);
			m->whole = at - fenced < fence_end - fenced || note_page(k, m, &l, at, b);
		}
	}
	free(bytes);
	if (m->nr)
		qsort(m->slab, m->nr, sizeof(*m->slab), by_cache);
	return m;
}

/* ---- Lists --------------------------------------------------------------------------------------- */

struct listing {
	struct iq_kernel *k;
	const struct iq_cache *c;
	struct slab_layout l;
	struct iq_map seen; /* by address of struct slab */
	const struct slab_visitor *v;
	enum iq_slab_where where;
	unsigned int number;
	bool ok, stop;
};

/* The list leads to ADDRESS, which is not what it should be. */
static void stray(struct listing *x, uint64_t address, bool again)
{
	x->ok = false;
	if (x->v->stray)
		x->v->stray(x->v->arg, address, again, x->where, x->number);
	else if (again)
		iq_warn(x->k->warnings, "cache %s: slab 0x%lx is on its lists twice", x->c->name,
			(unsigned long)address);
	else
		iq_warn(x->k->warnings, "cache %s: 0x%lx, which a list of it leads to, is no slab of it",
			x->c->name, (unsigned long)address);
}

/* False if it is nothing new of this cache. */
static bool tell(struct listing *x, uint64_t address)
{
	struct iq_slab s;

	if (iq_map_get(&x->seen, address)) {
		stray(x, address, true);
		return false;
	}
	if (!slab_by_struct(x->k, &x->l, address, &s) || s.cache != x->c) {
		stray(x, address, false);
		return false;
	}
	/* With the counts of its free lists. */
	iq_slab_at(x->k, s.memory, &s);
	if (!iq_map_put(&x->seen, address, x))
		x->ok = false;
	x->stop = !x->v->slab(x->v->arg, &s, x->where, x->number);
	return true;
}

static bool on_list(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct listing *x = arg;

	tell(x, entry - x->l.list_at);
	return !x->stop;
}

static void list_damaged(void *arg, const struct list_damage *d)
{
	struct listing *x = arg;
	char text[160];

	if (x->v->damaged) {
		x->v->damaged(x->v->arg, d, x->where, x->number);
		return;
	}
	kernel_list_damage_text(d, text, sizeof(text));
	iq_warn(x->k->warnings, "%s slabs of %s: %s", x->where == IQ_SLAB_FULL ? "full" : "partial",
		x->c->name, text);
}

uint64_t iq_cache_cpu(struct iq_kernel *k, const struct iq_cache *c, unsigned int cpu)
{
	struct slab_layout l;
	uint64_t offset;

	return slab_layout(k, &l) && l.has_cpu_slab && c->priv->cpu_slab &&
	       iq_percpu_offset(k, cpu, &offset) ? c->priv->cpu_slab + offset : 0;
}

static void of_cpu(struct listing *x, unsigned int cpu)
{
	struct iq_types *t = iq_kernel_types(x->k);
	uint64_t at = iq_cache_cpu(x->k, x->c, cpu), slab, partial_at, next_at;

	if (!at)
		return;
	x->number = cpu;
	x->where = IQ_SLAB_CPU;
	if (!kernel_read_ptr(x->k, at + x->l.cpu_slab_at, &slab))
		x->ok = false;
	else if (slab)
		tell(x, slab);
	x->where = IQ_SLAB_CPU_PARTIAL;
	if (!iq_offset(t, "kmem_cache_cpu", "partial", &partial_at, NULL) ||
	    !iq_offset(t, x->l.tag, "next", &next_at, NULL) ||
	    !kernel_read_ptr(x->k, at + partial_at, &slab))
		return;
	for (unsigned int n = 0; slab && n < 65536 && !x->stop; n++)
		if (!tell(x, slab) || !kernel_read_ptr(x->k, slab + next_at, &slab))
			break;
}

static void of_node(struct listing *x, unsigned int number, bool full)
{
	struct iq_types *t = iq_kernel_types(x->k);
	uint64_t node = iq_cache_node(x->k, x->c, number), at;

	if (!node)
		return;
	x->number = number;
	x->where = IQ_SLAB_NODE_PARTIAL;
	if (!full && iq_offset(t, "kmem_cache_node", "partial", &at, NULL))
		x->ok &= kernel_list_walk(x->k, node + at, MAX_PARTIAL, on_list, list_damaged, x);
	/* Only caches that are debugged with SLAB_STORE_USER keep it; it is empty otherwise. */
	x->where = IQ_SLAB_FULL;
	if (full && iq_offset(t, "kmem_cache_node", "full", &at, NULL))
		x->ok &= kernel_list_walk(x->k, node + at, MAX_PARTIAL, on_list, list_damaged, x);
}

static void of_map(struct listing *x)
{
	struct slab_map *m = x->k->priv->slab_map ? x->k->priv->slab_map : load_map(x->k);
	unsigned int low = 0, high;

	if (!m || !m->whole)
		x->ok = false;
	if (!m)
		return;
	for (high = m->nr; low < high;) {
		unsigned int middle = low + (high - low) / 2;

		if (m->slab[middle].cache < x->c->address)
			low = middle + 1;
		else
			high = middle;
	}
	x->where = IQ_SLAB_FULL;
	for (; low < m->nr && m->slab[low].cache == x->c->address && !x->stop; low++) {
		uint64_t address = m->slab[low].address;
		struct iq_slab s;

		if (iq_map_get(&x->seen, address))
			continue;
		x->number = slab_by_struct(x->k, &x->l, address, &s) && s.node > 0 ? (unsigned int)s.node
										   : 0;
		tell(x, address);
	}
}

bool slab_visit(struct iq_kernel *k, const struct iq_cache *c, bool full, const struct slab_visitor *v)
{
	struct listing x = {.k = k, .c = c, .v = v, .ok = true};
	const struct iq_cpu *cpus;
	uint64_t ids = 1;
	unsigned int nr;

	if (!slab_layout(k, &x.l))
		return false;
	cpus = iq_kernel_cpus(k, &nr);
	for (unsigned int i = 0; i < nr && !x.stop; i++)
		if (cpus[i].percpu_offset && cpus[i].present)
			of_cpu(&x, cpus[i].cpu);
	iq_kernel_variable(k, "nr_node_ids", 4, &ids);
	for (uint64_t i = 0; i < IQ_MIN(ids, MAX_NODES) && !x.stop; i++)
		of_node(&x, (unsigned int)i, false);
	for (uint64_t i = 0; i < IQ_MIN(ids, MAX_NODES) && !x.stop && full; i++)
		of_node(&x, (unsigned int)i, true);
	if (full && !x.stop)
		of_map(&x);
	iq_map_free(&x.seen);
	return x.ok;
}

bool iq_cache_slabs(struct iq_kernel *k, const struct iq_cache *c, bool full,
		    bool (*fn)(void *arg, const struct iq_slab *slab, enum iq_slab_where where,
			       unsigned int number),
		    void *arg)
{
	return slab_visit(k, c, full, &(struct slab_visitor){.slab = fn, .arg = arg});
}
