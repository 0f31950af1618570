// SPDX-License-Identifier: GPL-2.0-or-later
/* The addresses that an entry covers: low_pc and high_pc, or a list of ranges. */
#include "dwarf_read.h"

void iq_dw_pc_note(struct iq_dw_pc *pc, uint32_t name, const struct iq_dw_value *value)
{
	if (name == DW_AT_low_pc && value->class == IQ_DW_ADDRESS) {
		pc->has_low = true;
		pc->low = value->number;
	} else if (name == DW_AT_high_pc &&
		   (value->class == IQ_DW_ADDRESS || value->class == IQ_DW_CONSTANT)) {
		pc->has_high = true;
		pc->high_is_size = value->class == IQ_DW_CONSTANT;
		pc->high = value->number;
	} else if (name == DW_AT_ranges && value->class != IQ_DW_NONE) {
		pc->has_ranges = true;
		pc->ranges = *value;
	}
}

typedef bool range_fn(void *arg, uint64_t start, uint64_t end);

/* Entry INDEX of .debug_addr. */
static uint64_t address_at(const struct iq_dw_unit *u, struct iq_dw_cursor *list, uint64_t index)
{
	struct iq_dw_cursor c;
	uint64_t at, address;

	if (iq_mul_overflows(index, u->address_size, &at) ||
	    iq_add_overflows(at, u->addr_base, &at)) {
		list->bad = true;
		return 0;
	}
	c = iq_dw_cursor(u->dwarf, IQ_DW_ADDR, at, UINT64_MAX);
	address = iq_dw_uint(&c, u->address_size);
	list->bad = list->bad || c.bad;
	return address;
}

/* .debug_rnglists (version 5). */
static void each_in_rnglist(const struct iq_dw_unit *u, uint64_t offset, range_fn *fn, void *arg)
{
	struct iq_dw_cursor c = iq_dw_cursor(u->dwarf, IQ_DW_RNGLISTS, offset, UINT64_MAX);
	uint64_t base = u->low_pc, start = 0, end = 0;

	while (!c.bad) {
		bool range = true;

		switch (iq_dw_uint(&c, 1)) {
		case DW_RLE_base_addressx:
			base = address_at(u, &c, iq_dw_uleb(&c));
			range = false;
			break;
		case DW_RLE_startx_endx:
			start = address_at(u, &c, iq_dw_uleb(&c));
			end = address_at(u, &c, iq_dw_uleb(&c));
			break;
		case DW_RLE_startx_length:
			start = address_at(u, &c, iq_dw_uleb(&c));
			end = start + iq_dw_uleb(&c);
			break;
		case DW_RLE_offset_pair:
			start = base + iq_dw_uleb(&c);
			end = base + iq_dw_uleb(&c);
			break;
		case DW_RLE_base_address:
			base = iq_dw_uint(&c, u->address_size);
			range = false;
			break;
		case DW_RLE_start_end:
			start = iq_dw_uint(&c, u->address_size);
			end = iq_dw_uint(&c, u->address_size);
			break;
		case DW_RLE_start_length:
			start = iq_dw_uint(&c, u->address_size);
			end = start + iq_dw_uleb(&c);
			break;
		default: /* the end of the list, or nonsense */
			return;
		}
		if (c.bad || (range && start < end && !fn(arg, start, end)))
			return;
	}
}

/* .debug_ranges (up to version 4). */
static void each_in_ranges(const struct iq_dw_unit *u, uint64_t offset, range_fn *fn, void *arg)
{
	struct iq_dw_cursor c = iq_dw_cursor(u->dwarf, IQ_DW_RANGES, offset, UINT64_MAX);
	uint64_t highest = u->address_size == 8 ? UINT64_MAX : UINT32_MAX;
	uint64_t base = u->low_pc;

	for (;;) {
		uint64_t start = iq_dw_uint(&c, u->address_size);
		uint64_t end = iq_dw_uint(&c, u->address_size);

		if (c.bad || (!start && !end))
			return;
		if (start == highest)
			base = end;
		else if (start < end && !fn(arg, base + start, base + end))
			return;
	}
}

void iq_dw_pc_each(const struct iq_dw_unit *u, const struct iq_dw_pc *pc, range_fn *fn, void *arg)
{
	uint64_t offset = pc->ranges.number;

	if (!pc->has_ranges) {
		uint64_t end = pc->high_is_size ? pc->low + pc->high : pc->high;

		if (pc->has_low && pc->has_high && pc->low < end)
			fn(arg, pc->low, end);
		return;
	}
	if (u->version < 5)
		return each_in_ranges(u, offset, fn, arg);
	if (pc->ranges.class == IQ_DW_LIST_INDEX) {
		struct iq_dw_cursor c;
		uint64_t at;

		if (iq_mul_overflows(offset, u->offset_size, &at) ||
		    iq_add_overflows(at, u->rnglists_base, &at))
			return;
		c = iq_dw_cursor(u->dwarf, IQ_DW_RNGLISTS, at, UINT64_MAX);
		offset = u->rnglists_base + iq_dw_uint(&c, u->offset_size);
		if (c.bad)
			return;
	}
	each_in_rnglist(u, offset, fn, arg);
}

struct contains {
	uint64_t address;
	bool found;
};

static bool contains(void *arg, uint64_t start, uint64_t end)
{
	struct contains *q = arg;

	q->found = q->address >= start && q->address < end;
	return !q->found;
}

bool iq_dw_pc_contains(const struct iq_dw_unit *u, const struct iq_dw_pc *pc, uint64_t address)
{
	struct contains q = {.address = address};

	iq_dw_pc_each(u, pc, contains, &q);
	return q.found;
}
