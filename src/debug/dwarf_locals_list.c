// SPDX-License-Identifier: GPL-2.0-or-later
/* Location lists: where a variable is, by address (.debug_loc up to version 4, then .debug_loclists). */
#include "dwarf_locals.h"

/* Entries of one list that are looked at. */
#define ENTRIES_MAX 65536

struct list {
	const struct iq_dw_unit *u;
	struct iq_dw_cursor c;
	uint64_t base, address;
	const uint8_t *code;
	uint64_t len;
};

static uint64_t address_at(struct list *l, uint64_t index)
{
	struct iq_dw_cursor c;
	uint64_t at, address;

	if (iq_mul_overflows(index, l->u->address_size, &at) ||
	    iq_add_overflows(at, l->u->addr_base, &at)) {
		l->c.bad = true;
		return 0;
	}
	c = iq_dw_cursor(l->u->dwarf, IQ_DW_ADDR, at, UINT64_MAX);
	address = iq_dw_uint(&c, l->u->address_size);
	l->c.bad = l->c.bad || c.bad;
	return address;
}

/* The expression that ends an entry. */
static void expression(struct list *l, uint64_t len)
{
	l->code = l->c.p;
	l->len = len;
	iq_dw_skip(&l->c, len);
}

/* One entry of .debug_loclists.  False at the end; *START and *END are what it is for. */
static bool entry_v5(struct list *l, uint64_t *start, uint64_t *end)
{
	unsigned int size = l->u->address_size;
	uint64_t kind = iq_dw_uint(&l->c, 1);

	*start = *end = 0;
	switch (kind) {
	case DW_LLE_base_addressx:
		l->base = address_at(l, iq_dw_uleb(&l->c));
		return true;
	case DW_LLE_base_address:
		l->base = iq_dw_uint(&l->c, size);
		return true;
	case DW_LLE_GNU_view_pair:
		iq_dw_uleb(&l->c);
		iq_dw_uleb(&l->c);
		return true;
	case DW_LLE_startx_endx:
		*start = address_at(l, iq_dw_uleb(&l->c));
		*end = address_at(l, iq_dw_uleb(&l->c));
		break;
	case DW_LLE_startx_length:
		*start = address_at(l, iq_dw_uleb(&l->c));
		*end = *start + iq_dw_uleb(&l->c);
		break;
	case DW_LLE_offset_pair:
		*start = l->base + iq_dw_uleb(&l->c);
		*end = l->base + iq_dw_uleb(&l->c);
		break;
	case DW_LLE_default_location:
		*end = UINT64_MAX;
		break;
	case DW_LLE_start_end:
		*start = iq_dw_uint(&l->c, size);
		*end = iq_dw_uint(&l->c, size);
		break;
	case DW_LLE_start_length:
		*start = iq_dw_uint(&l->c, size);
		*end = *start + iq_dw_uleb(&l->c);
		break;
	default: /* the end, or nonsense */
		return false;
	}
	expression(l, iq_dw_uleb(&l->c));
	return true;
}

static bool entry_v4(struct list *l, uint64_t *start, uint64_t *end)
{
	unsigned int size = l->u->address_size;
	uint64_t highest = size == 8 ? UINT64_MAX : UINT32_MAX;

	*start = iq_dw_uint(&l->c, size);
	*end = iq_dw_uint(&l->c, size);
	if (!*start && !*end)
		return false;
	if (*start == highest) {
		l->base = *end;
		*start = *end = 0;
		return true;
	}
	*start += l->base;
	*end += l->base;
	expression(l, iq_dw_uint(&l->c, 2));
	return true;
}

/* Where the list begins that V refers to. */
static bool list_offset(const struct iq_dw_unit *u, const struct iq_dw_value *v, uint64_t *ret)
{
	struct iq_dw_cursor c;
	uint64_t at;

	*ret = v->number;
	if (v->class != IQ_DW_LIST_INDEX)
		return true;
	if (iq_mul_overflows(v->number, u->offset_size, &at) ||
	    iq_add_overflows(at, u->loclists_base, &at))
		return false;
	c = iq_dw_cursor(u->dwarf, IQ_DW_LOCLISTS, at, UINT64_MAX);
	*ret = u->loclists_base + iq_dw_uint(&c, u->offset_size);
	return !c.bad;
}

enum iq_dw_known iq_dw_location_at(const struct iq_dw_unit *u, const struct iq_dw_value *v,
				   uint64_t address, const uint8_t **code, size_t *len)
{
	enum iq_dw_section s = u->version >= 5 ? IQ_DW_LOCLISTS : IQ_DW_LOC;
	struct list l = {.u = u, .base = u->low_pc, .address = address};
	uint64_t start, end, offset;

	*code = NULL;
	*len = 0;
	if (v->class == IQ_DW_BLOCK) {
		*code = v->block;
		*len = (size_t)v->number;
		return IQ_DW_KNOWN;
	}
	if (!iq_dwarf_need(u->dwarf, s) || !list_offset(u, v, &offset))
		return IQ_DW_DAMAGED;
	l.c = iq_dw_cursor(u->dwarf, s, offset, UINT64_MAX);
	for (unsigned int i = 0; i < ENTRIES_MAX; i++) {
		if (!(s == IQ_DW_LOCLISTS ? entry_v5(&l, &start, &end)
					  : entry_v4(&l, &start, &end)))
			break;
		if (l.c.bad)
			break;
		if (start <= address && address < end) {
			*code = l.code;
			*len = (size_t)l.len;
			return IQ_DW_KNOWN;
		}
	}
	/* No entry: optimised out here. */
	return l.c.bad ? IQ_DW_DAMAGED : IQ_DW_KNOWN;
}
