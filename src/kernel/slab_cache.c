// SPDX-License-Identifier: GPL-2.0-or-later
/* Slab caches: the list of struct kmem_cache (mm/slab.h), and which debugging each has. */
#include <inquest/slab.h>

#include "slab_private.h"

#include <stdlib.h>

#define MAX_CACHES 65536
#define OBJECT_MAX (UINT64_C(1) << 24)

/*
 * SLAB_… flags (include/linux/slab.h).  Since 6.9 an enum numbers the bits; before, they were constants,
 * of which the types tell nothing, and which had not changed since 4.18.
 */
static const struct {
	enum iq_cache_debug debug;
	const char *bit;
	uint64_t before;
} flag_bits[] = {
	{IQ_CACHE_RED_ZONE, "_SLAB_RED_ZONE", 0x400},
	{IQ_CACHE_POISON, "_SLAB_POISON", 0x800},
	{IQ_CACHE_KMALLOC, "_SLAB_KMALLOC", 0x1000},
	{IQ_CACHE_STORE_USER, "_SLAB_STORE_USER", 0x10000},
	{IQ_CACHE_RCU, "_SLAB_TYPESAFE_BY_RCU", 0x80000},
	{IQ_CACHE_OBJECT_POISON, "_SLAB_OBJECT_POISON", 0x80000000},
	{IQ_CACHE_EXT_IN_OBJECT, "_SLAB_OBJ_EXT_IN_OBJ", 0},
};

struct flag_masks {
	uint64_t mask[IQ_ARRAY_SIZE(flag_bits)];
};

static void find_masks(struct iq_kernel *k, struct flag_masks *m)
{
	struct iq_types *t = iq_kernel_types(k);
	bool numbered = iq_enumerator_by_name(t, "_SLAB_RED_ZONE", &(int64_t){0});

	for (size_t i = 0; i < IQ_ARRAY_SIZE(flag_bits); i++) {
		int64_t bit;

		m->mask[i] = flag_bits[i].before;
		if (numbered)
			m->mask[i] = iq_enumerator_by_name(t, flag_bits[i].bit, &bit) && bit >= 0 &&
						     bit < 64
					     ? UINT64_C(1) << bit
					     : 0;
	}
}

static bool add_cache(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct iq_kernel_private *p = k->priv;
	struct iq_types *t = iq_kernel_types(k);
	const struct flag_masks *m = arg;
	uint64_t list_at, name_at, v;
	struct iq_buf escaped = {0};
	struct iq_cache *c;
	char name[64];
	bool known;

	if (!iq_offset(t, "kmem_cache", "list", &list_at, NULL)) {
		iq_warn(k->warnings,
			"slab caches are not told: struct kmem_cache of this kernel has no member "
			"list that is known");
		return false;
	}
	c = calloc(1, sizeof(*c));
	if (!c || !(c->priv = calloc(1, sizeof(*c->priv))) ||
	    !iq_grow(&p->caches, &p->room_caches, p->nr_caches + 1, sizeof(*p->caches))) {
		if (c)
			free(c->priv);
		free(c);
		return false;
	}
	c->address = entry - list_at;
	if (!kernel_read_member(k, "kmem_cache", "name", c->address, &name_at) ||
	    iq_vm_read_string(k->vm, name_at, name, sizeof(name)))
		snprintf(name, sizeof(name), "?");
	iq_buf_add_escaped(&escaped, name, strlen(name), false);
	snprintf(c->name, sizeof(c->name), "%.63s", iq_buf_str(&escaped));
	iq_buf_free(&escaped);
	known = kernel_read_member(k, "kmem_cache", "object_size", c->address, &c->object_size) &&
		kernel_read_member(k, "kmem_cache", "size", c->address, &c->size) &&
		kernel_read_member(k, "kmem_cache", "offset", c->address, &c->free_offset);
	kernel_read_member(k, "kmem_cache", "random", c->address, &c->random);
	if (!kernel_read_member(k, "kmem_cache", "inuse", c->address, &c->inuse))
		c->inuse = c->object_size;
	kernel_read_member(k, "kmem_cache", "flags", c->address, &c->flags);
	for (size_t i = 0; i < IQ_ARRAY_SIZE(flag_bits); i++)
		c->debug |= c->flags & m->mask[i] ? flag_bits[i].debug : 0;
	if (c->debug & IQ_CACHE_RED_ZONE)
		kernel_read_member(k, "kmem_cache", "red_left_pad", c->address, &c->red_left_pad);
	/* struct kmem_cache_order_objects oo: order in the bits above OO_SHIFT (16). */
	if (kernel_read_member(k, "kmem_cache", "oo.x", c->address, &v))
		c->order = (unsigned int)IQ_MIN(v >> 16, IQ_CACHE_ORDERS);
	if (kernel_read_member(k, "kmem_cache", "refcount", c->address, &v) && v <= MAX_CACHES)
		c->users = (unsigned int)v;
	kernel_read_member(k, "kmem_cache", "cpu_slab", c->address, &c->priv->cpu_slab);
	kernel_read_member(k, "kmem_cache", "cpu_sheaves", c->address, &v);
	c->priv->sheaves = v != 0;
	p->caches[p->nr_caches++] = c;
	if (!known) {
		iq_warn(k->warnings,
			"slab objects are not told: object_size, size and offset of this kernel's "
			"struct kmem_cache are not all known");
		return true;
	}
	if (!c->size || c->size > OBJECT_MAX || c->object_size > c->size ||
	    c->free_offset + 8 > c->size || c->red_left_pad >= c->size) {
		iq_warn(k->warnings, "slab cache %s at 0x%lx: its sizes make no sense", c->name,
			(unsigned long)c->address);
		return true;
	}
	return iq_map_put(&p->cache_by_address, c->address, c);
}

struct iq_error *iq_caches(struct iq_kernel *k, struct iq_cache *const **ret, unsigned int *nr)
{
	struct iq_kernel_private *p = k->priv;
	struct flag_masks masks;
	struct iq_types *t;
	uint64_t head;

	if (!p->caches_state) {
		p->caches_state = LAZY_FAILED;
		IQ_TRY(iq_kernel_need_types(k, &t));
		head = iq_kernel_symbol(k, "slab_caches");
		if (!head)
			return iq_error_new(IQ_E_NOT_FOUND,
					    "this kernel has no list of slab caches");
		p->caches_state = LAZY_DONE;
		find_masks(k, &masks);
		kernel_list_for_each(k, head, MAX_CACHES, "list of slab caches", add_cache, &masks);
	}
	if (p->caches_state == LAZY_FAILED)
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "the slab caches of this dump cannot be read");
	*ret = p->caches;
	*nr = p->nr_caches;
	return NULL;
}

const struct iq_cache *slab_cache_at(struct iq_kernel *k, uint64_t address)
{
	struct iq_cache *const *caches;
	unsigned int nr;
	struct iq_error *err = iq_caches(k, &caches, &nr);

	if (err) {
		iq_error_free(err);
		return NULL;
	}
	return iq_map_get(&k->priv->cache_by_address, address);
}

const struct iq_cache *iq_cache_by_name(struct iq_kernel *k, const char *name)
{
	struct iq_cache *const *caches;
	unsigned int nr, i;
	struct iq_error *err = iq_caches(k, &caches, &nr);

	if (err) {
		iq_error_free(err);
		return NULL;
	}
	for (i = 0; i < nr; i++)
		if (!strcmp(caches[i]->name, name))
			return caches[i];
	return NULL;
}
