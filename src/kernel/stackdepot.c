// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The stack depot (lib/stackdepot.c): stacks that were saved once each, in pools ("slabs" up to 6.2), found by
 * a handle of 32 bits which is the number of the pool and the offset in it.
 */
#include <inquest/slab_track.h>

#include "private.h"

#define ALIGN_SHIFT 4 /* DEPOT_STACK_ALIGN */
#define MAX_POOLS (1u << 20)

static bool bits_of(const struct iq_type *parts, const char *name, uint32_t handle, uint64_t *ret)
{
	struct iq_member m;
	struct iq_error *err = iq_member_find(parts, name, &m);

	iq_error_free(err);
	if (err || m.bit_offset + m.bit_size > 32 || !m.bit_size)
		return false;
	*ret = handle >> m.bit_offset & ((UINT64_C(1) << m.bit_size) - 1);
	return true;
}

/* An array of pointers to pools, or since 6.17 a pointer to one. */
static bool pool_at(struct iq_kernel *k, uint64_t index, uint64_t *pool)
{
	struct iq_symbol s;
	uint64_t table;

	if (!iq_symbol_named(k, "stack_pools", &s) && !iq_symbol_named(k, "stack_slabs", &s))
		return false;
	table = s.address;
	if (s.size && s.size <= 64 && !kernel_read_ptr(k, table, &table))
		return false;
	return index < MAX_POOLS && kernel_read_ptr(k, table + 8 * index, pool) && *pool;
}

/* The handle without the bits that its user may set, for comparison. */
static uint32_t bare(const struct iq_type *parts, uint32_t handle)
{
	struct iq_member m;
	struct iq_error *err = iq_member_find(parts, "extra", &m);

	if (!err && m.bit_size && m.bit_offset + m.bit_size <= 32)
		handle &= ~(uint32_t)(((UINT64_C(1) << m.bit_size) - 1) << m.bit_offset);
	iq_error_free(err);
	return handle;
}

unsigned int iq_stack_depot(struct iq_kernel *k, uint32_t handle, uint64_t *stack, unsigned int max)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *parts = t ? iq_type_by_name(t, "union handle_parts") : NULL;
	uint64_t index, offset, pool, record, own, size, entries;

	if (!parts || !handle || !bits_of(parts, "offset", handle, &offset))
		return 0;
	if (bits_of(parts, "pool_index_plus_1", handle, &index)) {
		if (!index--)
			return 0;
	} else if (!bits_of(parts, "pool_index", handle, &index) &&
		   !bits_of(parts, "slabindex", handle, &index)) {
		return 0;
	}
	if (!pool_at(k, index, &pool))
		return 0;
	record = pool + (offset << ALIGN_SHIFT);
	/* A record knows its own handle. */
	if (!kernel_read_member(k, "stack_record", "handle.handle", record, &own) ||
	    bare(parts, (uint32_t)own) != bare(parts, handle) ||
	    !kernel_read_member(k, "stack_record", "size", record, &size) ||
	    !iq_offset(t, "stack_record", "entries", &entries, NULL))
		return 0;
	size = IQ_MIN(size, max);
	for (unsigned int i = 0; i < size; i++)
		if (!kernel_read_ptr(k, record + entries + 8 * i, &stack[i]))
			return i;
	return (unsigned int)size;
}
