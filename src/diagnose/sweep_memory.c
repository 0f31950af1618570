// SPDX-License-Identifier: GPL-2.0-or-later
/* The sweep through the allocators: all slab caches, all free blocks of pages. */
#include "sweep.h"

#include <inquest/slab_check.h>
#include <inquest/zone.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- Slabs ----------------------------------------------------------------------------------------- */

struct slabs {
	struct iq_case *c;
	unsigned int nr;
};

static enum iq_class slab_class(enum iq_slab_damage kind)
{
	switch (kind) {
	case IQ_SLAB_CYCLE:
	case IQ_SLAB_TWO_LISTS:
		return IQ_CLASS_DOUBLE_FREE;
	case IQ_SLAB_RED_ZONE:
	case IQ_SLAB_PADDING:
		return IQ_CLASS_HEAP_OVERFLOW;
	case IQ_SLAB_POISON:
		return IQ_CLASS_USE_AFTER_FREE;
	case IQ_SLAB_WRONG_CACHE:
		return IQ_CLASS_INVALID_FREE;
	default:
		return IQ_CLASS_MEMORY_CORRUPTION;
	}
}

/* Counts and lists of slabs may be half changed by a CPU that was stopped; bytes of objects are not. */
static enum iq_confidence slab_surety(enum iq_slab_damage kind)
{
	switch (kind) {
	case IQ_SLAB_FREE_POINTER:
	case IQ_SLAB_CYCLE:
	case IQ_SLAB_RED_ZONE:
	case IQ_SLAB_POISON:
	case IQ_SLAB_PADDING:
	case IQ_SLAB_CACHE:
		return IQ_CONFIDENCE_CERTAIN;
	case IQ_SLAB_COUNT:
		return IQ_CONFIDENCE_POSSIBLE;
	default:
		return IQ_CONFIDENCE_LIKELY;
	}
}

static bool slab_damage(void *arg, const struct iq_slab_finding *d)
{
	struct slabs *x = arg;
	struct iq_finding *f;

	if (x->nr++ >= IQ_SWEEP_MOST)
		return false;
	f = iq_case_finding(x->c, "sweep.slab", slab_class(d->kind), slab_surety(d->kind), "%s",
			    d->text);
	if (d->address)
		iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, d->address,
				    iq_case_text(x->c, "0x%" PRIx64, d->found), "%s",
				    iq_slab_damage_text(d->kind));
	if (d->object)
		iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, d->object, NULL, "the object");
	if (d->slab)
		iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, d->slab,
				    d->cache ? d->cache->name : NULL, "its slab");
	return !iq_cancelled(x->c->cancel);
}

struct iq_error *iq_sweep_slabs(struct iq_case *c, struct iq_sweep *s)
{
	struct slabs x = {.c = c};
	struct iq_cache *const *caches;
	unsigned int nr;

	IQ_TRY(iq_caches(c->k, &caches, &nr));
	iq_slabs_check(c->k, true, slab_damage, &x);
	if (iq_cancelled(c->cancel))
		return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	for (unsigned int i = 0; i < nr; i++) {
		struct iq_cache_usage u;

		if (iq_cache_usage(c->k, caches[i], &u))
			s->slabs += u.slabs;
	}
	return NULL;
}

/* ---- Free pages -------------------------------------------------------------------------------------- */

struct buddy {
	struct iq_case *c;
	const struct iq_zone *zone;
	uint64_t blocks, counted[IQ_MAX_ORDERS], walked[IQ_MAX_ORDERS];
	unsigned int nr, orders;
};

static struct iq_finding *page_finding(struct buddy *x, enum iq_confidence sure, const char *what,
				       uint64_t pfn, unsigned int order)
{
	if (x->nr++ >= IQ_SWEEP_MOST)
		return NULL;
	return iq_case_finding(x->c, "sweep.buddy", IQ_CLASS_MEMORY_CORRUPTION, sure,
			       "page frame 0x%" PRIx64
			       ", on the list of free blocks of order %u of zone %s, %s",
			       pfn, order, x->zone->name, what);
}

static void block(void *arg, const struct iq_free_area *a, uint64_t pfn)
{
	struct buddy *x = arg;
	struct iq_finding *f = NULL;
	struct iq_page page;
	struct iq_error *err;

	x->blocks++;
	if (pfn & ((UINT64_C(1) << a->order) - 1)) {
		f = page_finding(x, IQ_CONFIDENCE_CERTAIN, "is not aligned to its order", pfn,
				 a->order);
	} else {
		err = iq_page_of(x->c->k, pfn, &page);
		if (err) {
			iq_error_free(err);
			return;
		}
		if (!iq_page_is_buddy(x->c->k, &page) || page.private != a->order) {
			f = page_finding(x, IQ_CONFIDENCE_LIKELY,
					 "is not marked as a free block of that order", pfn,
					 a->order);
			if (f)
				iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, page.address,
						    iq_case_text(x->c, "0x%" PRIx32 ", 0x%" PRIx64,
								 (uint32_t)page.mapcount_raw,
								 page.private),
						    "page type, private");
		} else if (page.refcount) {
			f = page_finding(x, IQ_CONFIDENCE_LIKELY, "has references", pfn, a->order);
			if (f)
				iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, page.address,
						    iq_case_text(x->c, "%d", page.refcount),
						    "_refcount");
		} else if (page.mapping && page.mapping >> 48 != 0xdead) {
			f = page_finding(x, IQ_CONFIDENCE_LIKELY, "has a mapping", pfn, a->order);
			if (f)
				iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, page.address,
						    iq_case_text(x->c, "0x%" PRIx64, page.mapping),
						    "mapping");
		}
	}
}

static void area(void *arg, const struct iq_free_area *a)
{
	struct buddy *x = arg;
	struct iq_finding *f;

	if (a->order < IQ_MAX_ORDERS) {
		x->counted[a->order] = a->counted;
		x->walked[a->order] += a->blocks;
		x->orders = IQ_MAX(x->orders, a->order + 1);
	}
	if (a->whole || x->nr++ >= IQ_SWEEP_MOST)
		return;
	f = iq_case_finding(x->c, "sweep.buddy", IQ_CLASS_LIST_CORRUPTION, IQ_CONFIDENCE_LIKELY,
			    "the list of free blocks of order %u (%s) of zone %s does not come "
			    "back to its head",
			    a->order, a->type_name ? a->type_name : "?", x->zone->name);
	iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, a->address, NULL,
			    "the list; %" PRIu64 " blocks of it were seen", a->blocks);
}

static void counts(struct buddy *x)
{
	for (unsigned int i = 0; i < x->orders; i++) {
		struct iq_finding *f;

		if (x->counted[i] == x->walked[i] || x->nr++ >= IQ_SWEEP_MOST)
			continue;
		f = iq_case_finding(x->c, "sweep.buddy_count", IQ_CLASS_MEMORY_CORRUPTION,
				    IQ_CONFIDENCE_POSSIBLE,
				    "zone %s counts %" PRIu64
				    " free blocks of order %u, but its lists have %" PRIu64,
				    x->zone->name, x->counted[i], i, x->walked[i]);
		iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, x->zone->address, NULL, "the zone");
		f->refuted_by = "a CPU that was stopped between the list and the count";
	}
}

struct iq_error *iq_sweep_buddy(struct iq_case *c, struct iq_sweep *s)
{
	struct iq_zone *zones;
	unsigned int nr;

	IQ_TRY(iq_zones(c->k, &zones, &nr));
	for (unsigned int i = 0; i < nr && !iq_cancelled(c->cancel); i++) {
		struct buddy x = {.c = c, .zone = &zones[i]};

		if (!zones[i].spanned || !iq_free_areas(c->k, &zones[i], area, block, &x))
			continue;
		counts(&x);
		s->blocks += x.blocks;
	}
	free(zones);
	return NULL;
}
