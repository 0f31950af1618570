// SPDX-License-Identifier: GPL-2.0-or-later
/* Nodes, zones and their free blocks: see zone.h. */
#include <inquest/zone.h>

#include "private.h"

#include <stdlib.h>

#define MAX_ZONES 16 /* of a node; MAX_NR_ZONES is 6 at most */
#define MAX_TYPES 16 /* MIGRATE_TYPES is 6 at most */

struct iq_error *iq_nodes(struct iq_kernel *k, struct iq_node **ret, unsigned int *nr)
{
	uint64_t table = iq_kernel_symbol(k, "node_data"), ids = 1;
	uint64_t one = iq_kernel_symbol(k, "contig_page_data");
	unsigned int n = 0, room = 0;
	struct iq_node *nodes = NULL;
	struct iq_types *t;

	IQ_TRY(iq_kernel_need_types(k, &t));
	if (table)
		iq_kernel_variable(k, "nr_node_ids", 4, &ids);
	for (uint64_t i = 0; i < IQ_MIN(ids, MAX_NODES); i++) {
		struct iq_node node = {.id = (unsigned int)i, .address = one};

		if (table && !kernel_read_ptr(k, table + 8 * i, &node.address))
			break;
		if (!node.address)
			continue;
		if (!kernel_read_member(k, "pglist_data", "node_start_pfn", node.address,
					&node.start_pfn) ||
		    !kernel_read_member(k, "pglist_data", "node_spanned_pages", node.address,
					&node.spanned) ||
		    !kernel_read_member(k, "pglist_data", "node_present_pages", node.address,
					&node.present)) {
			iq_warn(k->warnings, "node %u: its pglist_data at 0x%lx cannot be read",
				node.id, (unsigned long)node.address);
			continue;
		}
		if (!iq_grow(&nodes, &room, n + 1, sizeof(*nodes))) {
			free(nodes);
			return iq_error_nomem();
		}
		nodes[n++] = node;
	}
	if (!n) {
		free(nodes);
		return iq_error_new(IQ_E_NOT_FOUND, "no NUMA node of this kernel can be found");
	}
	*ret = nodes;
	*nr = n;
	return NULL;
}

static bool read_zone(struct iq_kernel *k, struct iq_types *t, struct iq_zone *z)
{
	uint64_t at, words[3], size, name, boost = 0;
	struct iq_fault fault;

	if (!kernel_read_member(k, "zone", "zone_start_pfn", z->address, &z->start_pfn) ||
	    !kernel_read_member(k, "zone", "spanned_pages", z->address, &z->spanned) ||
	    !kernel_read_member(k, "zone", "present_pages", z->address, &z->present))
		return false;
	/* An atomic_long_t, or up to 4.20 a plain number. */
	kernel_read_member(k, "zone", "managed_pages", z->address, &z->managed);
	kernel_read_member(k, "zone", "watermark_boost", z->address, &boost);
	if ((iq_offset(t, "zone", "_watermark", &at, &size) ||
	     iq_offset(t, "zone", "watermark", &at, &size)) &&
	    size >= sizeof(words) && !iq_vm_read(k->vm, z->address + at, words, sizeof(words), &fault))
		for (unsigned int i = 0; i < 3; i++)
			z->watermark[i] = words[i] + boost;
	if (kernel_read_member(k, "zone", "name", z->address, &name))
		iq_vm_read_string(k->vm, name, z->name, sizeof(z->name));
	for (char *c = z->name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	/* NR_FREE_PAGES is the first of enum zone_stat_item on every kernel. */
	if (iq_offset(t, "zone", "vm_stat", &at, NULL) && kernel_read_ptr(k, z->address + at, &z->free) &&
	    (int64_t)z->free < 0)
		z->free = 0;
	return true;
}

struct iq_error *iq_zones(struct iq_kernel *k, struct iq_zone **ret, unsigned int *nr)
{
	const struct iq_type *zone;
	unsigned int n = 0, room = 0, nr_nodes;
	struct iq_node *nodes;
	struct iq_zone *zones = NULL;
	uint64_t at, size;
	struct iq_types *t;

	IQ_TRY(iq_kernel_need_types(k, &t));
	zone = iq_type_by_name(t, "struct zone");
	if (!zone || !zone->size || !iq_offset(t, "pglist_data", "node_zones", &at, &size) ||
	    size / zone->size > MAX_ZONES)
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel's struct zone is of an unknown layout");
	IQ_TRY(iq_nodes(k, &nodes, &nr_nodes));
	for (unsigned int i = 0; i < nr_nodes; i++) {
		for (unsigned int j = 0; j < size / zone->size; j++) {
			struct iq_zone z = {.address = nodes[i].address + at + j * zone->size,
					    .node = nodes[i].id, .index = j};

			if (!read_zone(k, t, &z)) {
				iq_warn(k->warnings, "the struct zone at 0x%lx cannot be read",
					(unsigned long)z.address);
				continue;
			}
			if (!iq_grow(&zones, &room, n + 1, sizeof(*zones))) {
				free(zones);
				free(nodes);
				return iq_error_nomem();
			}
			zones[n++] = z;
		}
	}
	free(nodes);
	*ret = zones;
	*nr = n;
	return NULL;
}

/* ---- Free blocks -------------------------------------------------------------------------------- */

struct area_walk {
	struct iq_kernel *k;
	struct iq_free_area *area;
	uint64_t lru_at;
	void (*block)(void *arg, const struct iq_free_area *a, uint64_t pfn);
	void *arg;
};

static bool one_block(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct area_walk *w = arg;
	uint64_t pfn;

	if (!iq_page_pfn(k, entry - w->lru_at, &pfn)) {
		iq_warn(k->warnings, "free list of order %u at 0x%lx: 0x%lx is no struct page",
			w->area->order, (unsigned long)w->area->address,
			(unsigned long)(entry - w->lru_at));
		return false;
	}
	w->area->blocks++;
	if (w->block)
		w->block(w->arg, w->area, pfn);
	return !iq_cancelled(w->k->priv->options.cancel);
}

/* The kernel's own name of migrate type TYPE, from migratetype_names[]. */
static bool type_name(struct iq_kernel *k, unsigned int type, char *name, size_t room)
{
	uint64_t table = iq_kernel_symbol(k, "migratetype_names"), at;

	if (!table || !kernel_read_ptr(k, table + 8 * type, &at) ||
	    iq_vm_read_string(k->vm, at, name, room))
		return false;
	for (const char *c = name; *c; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return *name;
}

bool iq_free_areas(struct iq_kernel *k, const struct iq_zone *z,
		   void (*fn)(void *arg, const struct iq_free_area *a),
		   void (*block)(void *arg, const struct iq_free_area *a, uint64_t pfn), void *arg)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *area = t ? iq_type_by_name(t, "struct free_area") : NULL;
	uint64_t at, size, lists_at, lists, lru_at, nr_free_at;

	if (!area || !area->size || !iq_offset(t, "zone", "free_area", &at, &size) ||
	    !iq_offset(t, "free_area", "free_list", &lists_at, &lists) ||
	    !iq_offset(t, "free_area", "nr_free", &nr_free_at, NULL) ||
	    (!iq_offset(t, "page", "buddy_list", &lru_at, NULL) &&
	     !iq_offset(t, "page", "lru", &lru_at, NULL)) ||
	    size / area->size > IQ_MAX_ORDERS || lists / 16 > MAX_TYPES)
		return false;
	for (unsigned int order = 0; order < size / area->size; order++) {
		uint64_t base = z->address + at + order * area->size, counted = 0;

		kernel_read_ptr(k, base + nr_free_at, &counted);
		for (unsigned int type = 0; type < lists / 16; type++) {
			char name[24];
			struct iq_free_area a = {.order = order, .type = type, .counted = counted,
						 .address = base + lists_at + 16 * type};
			struct area_walk w = {k, &a, lru_at, block, arg};

			if (type_name(k, type, name, sizeof(name)))
				a.type_name = name;
			/* No more blocks than the zone has room for. */
			a.whole = kernel_list_for_each(k, a.address,
						       (unsigned int)IQ_MIN(z->spanned + 1, UINT32_MAX),
						       "free blocks", one_block, &w);
			fn(arg, &a);
		}
	}
	return true;
}
