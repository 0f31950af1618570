// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which unit an address belongs to.  .debug_aranges says it for all units of a kernel built by gcc;
 * clang writes none, so if an address is not found there, the units that have no entry there are
 * asked themselves, once.
 */
#include "dwarf_read.h"
#include <stdlib.h>

struct range {
	uint64_t start, end, unit;
};

struct iq_dw_index {
	struct range *ranges; /* by start */
	unsigned int nr, room;
	bool complete; /* all units were asked */
	uint64_t *units; /* offsets of all of them, once they were needed */
	unsigned int nr_units, room_units;
};

static int by_start(const void *pa, const void *pb)
{
	const struct range *a = pa, *b = pb;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->unit < b->unit ? -1 : a->unit > b->unit;
}

static bool add(struct iq_dw_index *x, uint64_t start, uint64_t end, uint64_t unit)
{
	if (start >= end)
		return true;
	if (!iq_grow(&x->ranges, &x->room, x->nr + 1, sizeof(*x->ranges)))
		return false;
	x->ranges[x->nr++] = (struct range){start, end, unit};
	return true;
}

static void sort(struct iq_dw_index *x)
{
	if (x->nr)
		qsort(x->ranges, x->nr, sizeof(*x->ranges), by_start);
}

/*
 * One set: the ranges of one unit.  Tuples are aligned to their own size, from the set's START
 * on.
 */
static void read_set(struct iq_dw_index *x, struct iq_dw_cursor *c, const uint8_t *start,
		     unsigned int offset_size)
{
	unsigned int version = (unsigned int)iq_dw_uint(c, 2);
	uint64_t unit = iq_dw_uint(c, offset_size);
	unsigned int size = (unsigned int)iq_dw_uint(c, 1),
		     segment = (unsigned int)iq_dw_uint(c, 1);

	if (version != 2 || (size != 8 && size != 4) || segment)
		return;
	iq_dw_skip(c, (2U * size - (size_t)(c->p - start) % (2U * size)) % (2U * size));
	while (!c->bad) {
		uint64_t address = iq_dw_uint(c, size), len = iq_dw_uint(c, size);

		if (c->bad || (!address && !len) || !add(x, address, address + len, unit))
			return;
	}
}

static void read_aranges(struct iq_dwarf *d, struct iq_dw_index *x)
{
	struct iq_dw_cursor all = iq_dw_cursor(d, IQ_DW_ARANGES, 0, UINT64_MAX);

	while (!all.bad && all.p < all.end) {
		struct iq_dw_cursor set = all;
		unsigned int offset_size;

		if (!iq_dw_unit_length(&set, &offset_size))
			break;
		all.p = set.end;
		read_set(x, &set, set.p - (offset_size == 4 ? 4 : 12), offset_size);
	}
	sort(x);
}

static struct iq_dw_index *index_of(struct iq_dwarf *d)
{
	if (!d->index) {
		d->index = calloc(1, sizeof(*d->index));
		if (d->index)
			read_aranges(d, d->index);
	}
	return d->index;
}

void iq_dw_index_free(struct iq_dwarf *d)
{
	if (d->index) {
		free(d->index->ranges);
		free(d->index->units);
		free(d->index);
	}
	d->index = NULL;
}

/* ---- All units ------------------------------------------------------------------------------- */

/* Walking over all units touches all of .debug_info: what was read is given back in such pieces. */
#define FORGET (8U << 20)

static bool list_units(struct iq_dwarf *d, struct iq_dw_index *x)
{
	uint64_t at = 0, forgotten = 0;
	struct iq_dw_unit u;

	if (x->nr_units)
		return true;
	while (iq_dw_unit_header(d, at, &u)) {
		if (!iq_grow(&x->units, &x->room_units, x->nr_units + 1, sizeof(*x->units)))
			return false;
		x->units[x->nr_units++] = at;
		at = iq_dw_unit_next(d, u.end);
		if (at - forgotten > FORGET) {
			iq_dwarf_forget(d, IQ_DW_INFO, forgotten, at);
			forgotten = at;
		}
	}
	return x->nr_units > 0;
}

void iq_dw_units_known(struct iq_dwarf *d, const uint32_t *units, unsigned int nr)
{
	struct iq_dw_index *x = index_of(d);

	if (!x || x->nr_units || !nr || !iq_grow(&x->units, &x->room_units, nr, sizeof(*x->units)))
		return;
	for (unsigned int i = 0; i < nr; i++)
		x->units[i] = units[i];
	x->nr_units = nr;
}

struct iq_dw_unit *iq_dw_unit_around(struct iq_dwarf *d, uint64_t offset)
{
	struct iq_dw_index *x = index_of(d);
	unsigned int low = 0, high;
	struct iq_dw_unit *u;

	if (!x || !list_units(d, x))
		return NULL;
	high = x->nr_units;
	while (high - low > 1) {
		unsigned int mid = low + (high - low) / 2;

		if (x->units[mid] <= offset)
			low = mid;
		else
			high = mid;
	}
	u = iq_dw_unit(d, x->units[low]);
	return u && offset >= u->root && offset < u->end ? u : NULL;
}

struct unit_range {
	struct iq_dw_index *x;
	uint64_t unit;
};

static bool add_unit_range(void *arg, uint64_t start, uint64_t end)
{
	struct unit_range *r = arg;

	return add(r->x, start, end, r->unit);
}

static void ask_unit(struct iq_dwarf *d, struct iq_dw_index *x, uint64_t offset)
{
	struct unit_range range = {x, offset};
	struct iq_dw_unit *u = iq_dw_unit(d, offset);
	struct iq_dw_attrs attrs;
	struct iq_dw_value value;
	struct iq_dw_pc pc = {0};
	struct iq_dw_die die;
	uint32_t name;

	if (!u || !iq_dw_die(u, u->root, &die))
		return;
	iq_dw_attrs(u, &die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &value))
		iq_dw_pc_note(&pc, name, &value);
	iq_dw_pc_each(u, &pc, add_unit_range, &range);
}

static int by_unit(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

/* Ask the units that .debug_aranges does not speak of. */
static void complete(struct iq_dwarf *d, struct iq_dw_index *x)
{
	unsigned int nr = x->nr;
	uint64_t *known = calloc(nr ? nr : 1, sizeof(*known)), forgotten = 0;

	x->complete = true;
	if (known && list_units(d, x)) {
		for (unsigned int i = 0; i < nr; i++)
			known[i] = x->ranges[i].unit;
		qsort(known, nr, sizeof(*known), by_unit);
		for (unsigned int i = 0; i < x->nr_units; i++) {
			if (bsearch(&x->units[i], known, nr, sizeof(*known), by_unit))
				continue;
			iq_dw_units_trim(d, 64);
			ask_unit(d, x, x->units[i]);
			if (x->units[i] - forgotten > FORGET) {
				iq_dwarf_forget(d, IQ_DW_INFO, forgotten, x->units[i]);
				forgotten = x->units[i];
			}
		}
		sort(x);
	}
	free(known);
}

/* ---- Look-up --------------------------------------------------------------------------------- */

/*
 * Ranges of units do not overlap, but for a few odd ones: some places further back are looked at.
 */
#define LOOK_BACK 16U

static const struct range *find(const struct iq_dw_index *x, uint64_t address)
{
	unsigned int low = 0, high = x->nr;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (x->ranges[mid].start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	for (unsigned int i = 0; i < LOOK_BACK && i < low; i++) {
		if (address < x->ranges[low - 1 - i].end)
			return &x->ranges[low - 1 - i];
	}
	return NULL;
}

struct iq_dw_unit *iq_dw_unit_at(struct iq_dwarf *d, uint64_t address)
{
	struct iq_dw_index *x = index_of(d);
	const struct range *range = x ? find(x, address) : NULL;

	if (x && !range && !x->complete) {
		complete(d, x);
		range = find(x, address);
	}
	return range ? iq_dw_unit(d, range->unit) : NULL;
}
