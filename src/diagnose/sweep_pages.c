// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sweep through the memory map: the struct page of every page frame (include/linux/mm_types.h,
 * page-flags.h).  Only what no path of the kernel leaves behind is told: counts below what they can be, a page that is
 * free and used, flags that exclude each other, a zone that the page frame is not in, tails without a head.
 */
#include "sweep.h"

#include <inquest/zone.h>
#include <inttypes.h>
#include <stdlib.h>

struct pages {
	struct iq_case *c;
	struct iq_zone *zones;
	unsigned int nr_zones, nr, zone_shift, zone_bits;
	uint64_t seen;
	/* The free block that the walk is in: page frames below `free_end`. */
	uint64_t free_start, free_end;
	/* The compound page that was asked for last, as many tails follow one head. */
	struct iq_page head;
	bool head_known;
	int lru, slab, reserved, head_bit, unevictable;
	uint64_t never_free; /* flags that a free page cannot have */
};

static bool has(const struct iq_page *p, int bit)
{
	return bit >= 0 && p->flags >> bit & 1;
}

static struct iq_finding *found(struct pages *x, const struct iq_page *p, enum iq_confidence sure,
				const char *what)
{
	struct iq_finding *f;

	if (x->nr++ >= IQ_SWEEP_MOST)
		return NULL;
	f = iq_case_finding(x->c, "sweep.page", IQ_CLASS_MEMORY_CORRUPTION, sure,
			    "the struct page at 0x%" PRIx64 ", of page frame 0x%" PRIx64 ", %s",
			    p->address, p->pfn, what);
	return f;
}

static void tell_flags(struct pages *x, struct iq_finding *f, const struct iq_page *p)
{
	struct iq_buf names = {0};

	if (!f)
		return;
	iq_page_flags_text(x->c->k, p->flags, &names);
	iq_finding_evidence(
		x->c, f, IQ_SOURCE_MEMORY, p->address,
		iq_case_text(x->c, "0x%" PRIx64 " (%s)", p->flags, names.s ? names.s : ""),
		"flags");
	iq_buf_free(&names);
}

static void tell(struct pages *x, struct iq_finding *f, const struct iq_page *p, const char *what,
		 const char *value)
{
	if (f)
		iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, p->address, value, "%s", what);
}

/* ---- Counts ---------------------------------------------------------------------------------------- */

static bool bad_counts(struct pages *x, const struct iq_page *p)
{
	if (p->refcount < 0) {
		tell(x, found(x, p, IQ_CONFIDENCE_CERTAIN, "has fewer than no references"), p,
		     "_refcount", iq_case_text(x->c, "%d", p->refcount));
		return true;
	}
	if (!has(p, x->slab) && iq_page_mapcount(x->c->k, p) == IQ_MAPCOUNT_UNDERFLOW) {
		tell(x, found(x, p, IQ_CONFIDENCE_CERTAIN, "is mapped fewer than no times"), p,
		     "_mapcount", iq_case_text(x->c, "0x%" PRIx32, (uint32_t)p->mapcount_raw));
		return true;
	}
	return false;
}

/* ---- Free blocks ----------------------------------------------------------------------------------- */

static bool bad_free(struct pages *x, const struct iq_page *p)
{
	bool buddy = iq_page_is_buddy(x->c->k, p);
	struct iq_finding *f = NULL;

	if (!buddy && p->pfn >= x->free_end)
		return false;
	if (p->refcount) {
		f = found(x, p, IQ_CONFIDENCE_LIKELY, "is in a free block and has references");
		tell(x, f, p, "_refcount", iq_case_text(x->c, "%d", p->refcount));
	} else if (p->flags & x->never_free || p->is_tail) {
		f = found(x, p, IQ_CONFIDENCE_LIKELY,
			  p->is_tail ? "is in a free block and part of a compound page"
				     : "is in a free block and has flags of a page in use");
		tell_flags(x, f, p);
	} else if (buddy && p->pfn < x->free_end) {
		f = found(x, p, IQ_CONFIDENCE_LIKELY, "begins a free block inside of another");
		tell(x, f, p, "order", iq_case_text(x->c, "%" PRIu64, p->private));
	} else if (buddy &&
		   (p->private >= IQ_MAX_ORDERS || p->pfn & ((UINT64_C(1) << p->private) - 1))) {
		f = found(x, p, IQ_CONFIDENCE_CERTAIN,
			  "begins a free block of an order that it cannot have");
		tell(x, f, p, "private", iq_case_text(x->c, "0x%" PRIx64, p->private));
		return true;
	} else if (buddy) {
		x->free_start = p->pfn;
		x->free_end = p->pfn + (UINT64_C(1) << p->private);
		return false;
	} else {
		return false;
	}
	if (f && p->pfn < x->free_end)
		iq_finding_evidence(x->c, f, IQ_SOURCE_MEMORY, 0,
				    iq_case_text(x->c, "0x%" PRIx64, x->free_start),
				    "first page frame of the block");
	return true;
}

/* ---- Compound pages -------------------------------------------------------------------------------- */

#define COMPOUND_MOST (UINT64_C(1) << 18) /* page frames in a huge page of 1 GB */

static bool bad_tail(struct pages *x, const struct iq_page *p)
{
	struct iq_error *err;
	uint64_t pfn;
	const char *why = NULL;
	struct iq_finding *f;

	if (x->head_known && x->head.address == p->head)
		return false;
	if (p->head == p->address || !iq_page_pfn(x->c->k, p->head, &pfn)) {
		why = "is part of a compound page whose head is no struct page";
	} else if (pfn > p->pfn || p->pfn - pfn >= COMPOUND_MOST) {
		why = "is part of a compound page whose head is not before it";
	} else {
		err = iq_page_of(x->c->k, pfn, &x->head);
		x->head_known = !err;
		if (err) {
			iq_error_free(err);
			return false;
		}
		if (x->head.address != p->head)
			why = "is part of a compound page whose head is inside of a struct page";
		else if (x->head.is_tail || (x->head_bit >= 0 && !has(&x->head, x->head_bit)))
			why = "is part of a compound page whose head is none";
	}
	if (!why)
		return false;
	x->head_known = false;
	f = found(x, p, IQ_CONFIDENCE_LIKELY, why);
	tell(x, f, p, "compound_head", iq_case_text(x->c, "0x%" PRIx64, p->link));
	return true;
}

/* ---- Flags ----------------------------------------------------------------------------------------- */

static bool in_its_zone(const struct pages *x, const struct iq_page *p)
{
	int node = iq_page_node(x->c->k, p);
	unsigned int zone = (unsigned int)(p->flags >> x->zone_shift & ((1u << x->zone_bits) - 1));

	for (unsigned int i = 0; i < x->nr_zones; i++)
		if ((int)x->zones[i].node == node && x->zones[i].index == zone)
			return p->pfn >= x->zones[i].start_pfn &&
			       p->pfn - x->zones[i].start_pfn < x->zones[i].spanned;
	return false;
}

static bool kernel_pointer(const struct pages *x, uint64_t value)
{
	unsigned int bits = x->c->k->layout.levels == 5 ? 56 : 47;

	return value >> bits == UINT64_MAX >> bits;
}

static void look_at_flags(struct pages *x, const struct iq_page *p)
{
	struct iq_finding *f = NULL;

	if (x->zone_bits && !has(p, x->reserved) && !in_its_zone(x, p))
		f = found(x, p, IQ_CONFIDENCE_LIKELY,
			  "says that it is in a zone that has no such page");
	else if (has(p, x->lru) && has(p, x->slab))
		f = found(x, p, IQ_CONFIDENCE_LIKELY,
			  "is of the slab allocator and on an LRU list");
	else if (has(p, x->reserved) && (has(p, x->lru) || has(p, x->slab)))
		f = found(x, p, IQ_CONFIDENCE_LIKELY, "is reserved, but in use");
	if (f) {
		tell_flags(x, f, p);
		return;
	}
	if (!has(p, x->lru) || p->refcount <= 0)
		return;
	if (p->mapping && !kernel_pointer(x, p->mapping)) {
		f = found(x, p, IQ_CONFIDENCE_LIKELY,
			  "is on an LRU list, and its mapping is no kernel address");
		tell(x, f, p, "mapping", iq_case_text(x->c, "0x%" PRIx64, p->mapping));
	} else if (!has(p, x->unevictable) && !kernel_pointer(x, p->link)) {
		f = found(x, p, IQ_CONFIDENCE_LIKELY,
			  "is on an LRU list, whose next link is no kernel address");
		tell(x, f, p, "lru.next", iq_case_text(x->c, "0x%" PRIx64, p->link));
	}
}

static bool look_at_page(void *arg, const struct iq_page *p)
{
	struct pages *x = arg;

	if (!(++x->seen & 0xffff) && iq_cancelled(x->c->cancel))
		return false;
	/* What memory that is not online has: set to all ones, if anything (page_init_poison()). */
	if (p->flags == UINT64_MAX)
		return true;
	if (bad_free(x, p))
		return x->nr < IQ_SWEEP_MOST;
	if (p->is_tail)
		bad_tail(x, p); /* Its other words are the folio's. */
	else if (!bad_counts(x, p))
		look_at_flags(x, p);
	return x->nr < IQ_SWEEP_MOST;
}

/* ---- The whole --------------------------------------------------------------------------------------- */

/* The zone's number is in the bits below the node's (include/linux/page-flags-layout.h: ZONES_SHIFT). */
static void zone_layout(struct pages *x)
{
	struct iq_types *t = iq_kernel_types(x->c->k);
	const struct iq_type *e = t ? iq_type_by_name(t, "enum zone_type") : NULL;
	const struct iq_enumerator *list;
	unsigned int nr, node_bits = 0;
	struct iq_page one = {.flags = UINT64_MAX};
	int node = iq_page_node(x->c->k, &one), zones = 0;

	if (!e || node < 0)
		return;
	for (; node; node >>= 1)
		node_bits++;
	list = iq_type_enumerators(e, &nr);
	for (unsigned int i = 0; i < nr; i++)
		if (!strcmp(list[i].name, "__MAX_NR_ZONES"))
			zones = (int)list[i].value;
	if (zones < 2 || zones > 8)
		return;
	x->zone_bits = zones > 4 ? 3 : zones > 2 ? 2 : 1;
	x->zone_shift = 64 - node_bits - x->zone_bits;
}

static void flag_layout(struct pages *x)
{
	static const char *const used[] = {"locked",	  "writeback", "lru",	  "active",
					   "slab",	  "reserved",  "head",	  "swapcache",
					   "unevictable", "mlocked",   "private", "private_2"};

	x->lru = iq_page_flag(x->c->k, "lru");
	x->slab = iq_page_flag(x->c->k, "slab");
	x->reserved = iq_page_flag(x->c->k, "reserved");
	x->head_bit = iq_page_flag(x->c->k, "head");
	x->unevictable = iq_page_flag(x->c->k, "unevictable");
	/* What is checked when a page is freed (PAGE_FLAGS_CHECK_AT_FREE). */
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(used); i++) {
		int bit = iq_page_flag(x->c->k, used[i]);

		if (bit >= 0)
			x->never_free |= UINT64_C(1) << bit;
	}
}

static int by_start(const void *a, const void *b)
{
	const struct iq_zone *x = a, *y = b;

	return x->start_pfn < y->start_pfn ? -1 : x->start_pfn > y->start_pfn;
}

struct iq_error *iq_sweep_pages(struct iq_case *c, struct iq_sweep *s)
{
	struct pages x = {.c = c};
	uint64_t done = 0;
	bool known = true;

	IQ_TRY(iq_zones(c->k, &x.zones, &x.nr_zones));
	qsort(x.zones, x.nr_zones, sizeof(*x.zones), by_start);
	zone_layout(&x);
	flag_layout(&x);
	/* Zones of several nodes can overlap; each page frame is looked at once. */
	for (unsigned int i = 0; known && i < x.nr_zones && x.nr < IQ_SWEEP_MOST; i++) {
		const struct iq_zone *z = &x.zones[i];
		uint64_t first = IQ_MAX(z->start_pfn, done), end;

		if (iq_add_overflows(z->start_pfn, z->spanned, &end) || end <= first)
			continue;
		known = iq_pages_each(c->k, first, end, look_at_page, &x);
		done = end;
		if (iq_cancelled(c->cancel))
			break;
	}
	free(x.zones);
	s->pages += x.seen;
	if (!known)
		return iq_error_new(IQ_E_UNAVAILABLE, "struct page of this kernel is not known");
	return iq_cancelled(c->cancel) ? iq_error_new(IQ_E_INTERRUPTED, "interrupted") : NULL;
}
