// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KFENCE (mm/kfence/core.c): now and then an allocation is served from a pool of its own, where each object
 * has a page to itself between two guard pages.
 */
#include <inquest/slab_track.h>

#include "slab_private.h"

#include <stdlib.h>

#define MAX_KFENCE 65536 /* CONFIG_KFENCE_NUM_OBJECTS is at most 65535 */

struct kfence {
	uint64_t pool, end, metadata;
	uint64_t struct_size, addr_at, size_at, state_at, cache_at;
	int64_t allocated, freeing, freed; /* of enum kfence_object_state; -1: there is no such */
};

void kfence_free(struct iq_kernel *k)
{
	free(k->priv->kfence);
}

static uint64_t page_size(struct iq_kernel *k)
{
	return iq_dump_info(k->dump)->page_size;
}

/* kfence_metadata is a pointer since 6.6, an array before. */
static bool find_metadata(struct iq_kernel *k, struct kfence *x)
{
	struct iq_symbol s;

	if (!iq_symbol_named(k, "kfence_metadata", &s))
		return false;
	x->metadata = s.address;
	return s.size >= x->struct_size ||
	       (kernel_read_ptr(k, s.address, &x->metadata) && x->metadata);
}

static int64_t state_value(struct iq_types *t, const char *name)
{
	int64_t v;

	return iq_enumerator_by_name(t, name, &v) ? v : -1;
}

static uint64_t page_of(struct iq_kernel *k, const struct kfence *x, unsigned int i)
{
	return x->pool + 2 * page_size(k) * (i + UINT64_C(1));
}

/* How many there are is in no variable; but each metadata has the address of its page from the start. */
static unsigned int count(struct iq_kernel *k, const struct kfence *x)
{
	unsigned int i;
	uint64_t at;

	for (i = 0; i < MAX_KFENCE; i++)
		if (!kernel_read_ptr(k, x->metadata + i * x->struct_size + x->addr_at, &at) ||
		    at - page_of(k, x, i) >= page_size(k))
			break;
	return i;
}

static void find(struct iq_kernel *k, struct kfence *x)
{
	struct iq_types *t = iq_kernel_types(k);
	unsigned int nr;

	x->struct_size = iq_kernel_sizeof(k, "kfence_metadata");
	if (!t || !x->struct_size || !iq_kernel_variable(k, "__kfence_pool", 8, &x->pool) ||
	    !x->pool || !iq_offset(t, "kfence_metadata", "addr", &x->addr_at, NULL) ||
	    !iq_offset(t, "kfence_metadata", "size", &x->size_at, NULL) ||
	    !iq_offset(t, "kfence_metadata", "state", &x->state_at, NULL) ||
	    !iq_offset(t, "kfence_metadata", "cache", &x->cache_at, NULL) || !find_metadata(k, x))
		return;
	x->allocated = state_value(t, "KFENCE_OBJECT_ALLOCATED");
	x->freeing = state_value(t, "KFENCE_OBJECT_RCU_FREEING");
	x->freed = state_value(t, "KFENCE_OBJECT_FREED");
	nr = count(k, x);
	if (nr)
		x->end = page_of(k, x, nr);
}

static const struct kfence *kfence_of(struct iq_kernel *k)
{
	if (!k->priv->kfence) {
		k->priv->kfence = calloc(1, sizeof(*k->priv->kfence));
		if (k->priv->kfence)
			find(k, k->priv->kfence);
	}
	return k->priv->kfence && k->priv->kfence->end ? k->priv->kfence : NULL;
}

bool iq_kfence_pool(struct iq_kernel *k, uint64_t *start, uint64_t *end)
{
	const struct kfence *x = kfence_of(k);

	if (x) {
		*start = x->pool;
		*end = x->end;
	}
	return x != NULL;
}

bool iq_kfence_at(struct iq_kernel *k, uint64_t address, struct iq_kfence *ret)
{
	const struct kfence *x = kfence_of(k);
	uint64_t page = page_size(k), state = 0;
	struct iq_kfence f = {0};

	if (!x || address < x->pool + 2 * page || address >= x->end)
		return false;
	f.index = (unsigned int)((address - x->pool) / (2 * page) - 1);
	f.page = page_of(k, x, f.index);
	f.guard = address - f.page >= page;
	f.metadata = x->metadata + f.index * x->struct_size;
	if (!kernel_read_uint(k, f.metadata + x->state_at, 4, &state) ||
	    !kernel_read_ptr(k, f.metadata + x->addr_at, &f.object) ||
	    !kernel_read_ptr(k, f.metadata + x->size_at, &f.size) ||
	    !kernel_read_ptr(k, f.metadata + x->cache_at, &f.cache))
		return false;
	if (f.object - f.page >= page || f.size > page - (f.object - f.page))
		return false; /* damaged */
	if ((int64_t)state == x->allocated)
		f.state = IQ_KFENCE_ALLOCATED;
	else if ((int64_t)state == x->freed)
		f.state = IQ_KFENCE_FREED;
	else if ((int64_t)state == x->freeing)
		f.state = IQ_KFENCE_RCU_FREEING;
	*ret = f;
	return true;
}
