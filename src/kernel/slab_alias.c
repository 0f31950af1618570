// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The names of caches that SLUB merged into one: struct kmem_cache keeps the first, /sys/kernel/slab all of
 * them, as symbolic links to the directory of the cache (mm/slub.c: sysfs_slab_alias(); fs/kernfs).
 */
#include "slab_private.h"

#include <stdlib.h>

#define MAX_NAMES 65536
#define KERNFS_LINK 4 /* include/linux/kernfs.h */

struct alias {
	uint64_t cache;
	char name[64]; /* escaped */
};

struct slab_aliases {
	struct alias *list; /* by cache */
	unsigned int nr, room;
	uint64_t rb_at, name_at, flags_at, target_at, priv_at, kobj_at;
};

void slab_aliases_free(struct iq_kernel *k)
{
	if (k->priv->aliases)
		free(k->priv->aliases->list);
	free(k->priv->aliases);
}

static bool add_node(struct iq_kernel *k, uint64_t rb, void *arg)
{
	struct slab_aliases *x = arg;
	uint64_t node = rb - x->rb_at, flags, target, kobj, name;
	struct iq_buf escaped = {0};
	char text[64];

	if (!kernel_read_uint(k, node + x->flags_at, 2, &flags) || !(flags & KERNFS_LINK) ||
	    !kernel_read_ptr(k, node + x->target_at, &target) ||
	    !kernel_read_ptr(k, target + x->priv_at, &kobj) ||
	    !kernel_read_ptr(k, node + x->name_at, &name) ||
	    iq_vm_read_string(k->vm, name, text, sizeof(text)))
		return true;
	if (!iq_grow(&x->list, &x->room, x->nr + 1, sizeof(*x->list)))
		return false;
	x->list[x->nr].cache = kobj - x->kobj_at;
	iq_buf_add_escaped(&escaped, text, strlen(text), false);
	snprintf(x->list[x->nr].name, sizeof(x->list[0].name), "%.63s", iq_buf_str(&escaped));
	iq_buf_free(&escaped);
	x->nr++;
	return true;
}

static int by_cache(const void *a, const void *b)
{
	const struct alias *x = a, *y = b;

	if (x->cache != y->cache)
		return x->cache < y->cache ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void load(struct iq_kernel *k, struct slab_aliases *x)
{
	struct iq_types *t = iq_kernel_types(k);
	uint64_t kset, directory, children;

	if (!t || !iq_offset(t, "kernfs_node", "rb", &x->rb_at, NULL) ||
	    !iq_offset(t, "kernfs_node", "name", &x->name_at, NULL) ||
	    !iq_offset(t, "kernfs_node", "flags", &x->flags_at, NULL) ||
	    !iq_offset(t, "kernfs_node", "symlink.target_kn", &x->target_at, NULL) ||
	    !iq_offset(t, "kernfs_node", "priv", &x->priv_at, NULL) ||
	    !iq_offset(t, "kernfs_node", "dir.children", &children, NULL) ||
	    !iq_offset(t, "kmem_cache", "kobj", &x->kobj_at, NULL) ||
	    !iq_kernel_variable(k, "slab_kset", 8, &kset) || !kset ||
	    !kernel_read_member(k, "kset", "kobj.sd", kset, &directory) || !directory)
		return;
	kernel_rbtree_for_each(k, directory + children, MAX_NAMES, "/sys/kernel/slab", add_node, x);
	if (x->nr)
		qsort(x->list, x->nr, sizeof(*x->list), by_cache);
}

const char *iq_cache_alias(struct iq_kernel *k, const struct iq_cache *c, unsigned int i)
{
	struct slab_aliases *x = k->priv->aliases;
	unsigned int low = 0, high;

	if (!x) {
		x = k->priv->aliases = calloc(1, sizeof(*x));
		if (!x)
			return NULL;
		load(k, x);
	}
	for (high = x->nr; low < high;) {
		unsigned int middle = low + (high - low) / 2;

		if (x->list[middle].cache < c->address)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < x->nr && x->list[low].cache == c->address; low++)
		if (strcmp(x->list[low].name, c->name) && !i--)
			return x->list[low].name;
	return NULL;
}
