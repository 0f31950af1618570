// SPDX-License-Identifier: GPL-2.0-or-later
/* The trees of claimed physical addresses and I/O ports: see resource.h. */
#include <inquest/resource.h>

#include "private.h"

#include <stdlib.h>

/* Large machines have some thousands; what is above is damage. */
#define MAX_RESOURCES (1u << 20)
#define MAX_DEPTH 32

struct resource_tree {
	enum lazy state;
	struct iq_resource *list;
	unsigned int nr, room;
};

struct resource_trees {
	struct resource_tree tree[IQ_RESOURCES_PORTS + 1];
};

static const struct {
	const char *symbol, *what;
} roots[] = {
	[IQ_RESOURCES_MEMORY] = {"iomem_resource", "physical addresses"},
	[IQ_RESOURCES_PORTS] = {"ioport_resource", "I/O ports"},
};

struct layout {
	uint64_t size, start, end, name, flags, sibling, child;
};

struct walk {
	struct iq_kernel *k;
	struct resource_tree *tree;
	const struct layout *at;
	struct iq_map seen;
	const char *what;
	bool nomem;
};

static bool layout_of(struct iq_kernel *k, struct layout *l)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *type = t ? iq_type_by_name(t, "struct resource") : NULL;

	if (!type || !type->size || type->size > 512)
		return false;
	l->size = type->size;
	return iq_offset(t, "resource", "start", &l->start, NULL) &&
	       iq_offset(t, "resource", "end", &l->end, NULL) &&
	       iq_offset(t, "resource", "name", &l->name, NULL) &&
	       iq_offset(t, "resource", "flags", &l->flags, NULL) &&
	       iq_offset(t, "resource", "sibling", &l->sibling, NULL) &&
	       iq_offset(t, "resource", "child", &l->child, NULL) && l->start + 8 <= l->size &&
	       l->end + 8 <= l->size && l->name + 8 <= l->size && l->flags + 8 <= l->size &&
	       l->sibling + 8 <= l->size && l->child + 8 <= l->size;
}

static void read_name(struct iq_kernel *k, uint64_t address, char *name, size_t room)
{
	if (!address || iq_vm_read_string(k->vm, address, name, room))
		name[0] = '\0';
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* Adds the resource at ADDRESS; its sibling and child are handed out.  False: it cannot be read, or was seen. */
static bool add(struct walk *w, uint64_t address, unsigned int depth, uint64_t *sibling,
		uint64_t *child)
{
	struct resource_tree *tree = w->tree;
	uint8_t bytes[512];
	struct iq_resource r = {.address = address, .depth = depth};

	if (iq_map_get(&w->seen, address)) {
		iq_warn(w->k->warnings, "resources of %s: the tree comes back to 0x%lx", w->what,
			(unsigned long)address);
		return false;
	}
	if (tree->nr >= MAX_RESOURCES || iq_vm_read(w->k->vm, address, bytes, w->at->size, NULL)) {
		iq_warn(w->k->warnings, "resources of %s: %s 0x%lx", w->what,
			tree->nr >= MAX_RESOURCES ? "there is no end of them at"
						  : "cannot read the one at",
			(unsigned long)address);
		return false;
	}
	if (!iq_map_put(&w->seen, address, tree) ||
	    !iq_grow(&tree->list, &tree->room, tree->nr + 1, sizeof(*tree->list))) {
		w->nomem = true;
		return false;
	}
	r.start = iq_le64(bytes + w->at->start);
	r.end = iq_le64(bytes + w->at->end);
	r.flags = iq_le64(bytes + w->at->flags);
	read_name(w->k, iq_le64(bytes + w->at->name), r.name, sizeof(r.name));
	*sibling = iq_le64(bytes + w->at->sibling);
	*child = iq_le64(bytes + w->at->child);
	tree->list[tree->nr++] = r;
	return true;
}

/* ADDRESS with all its siblings and what is in them. */
static void add_all(struct walk *w, uint64_t address, unsigned int depth)
{
	while (address && !w->nomem) {
		unsigned int at = w->tree->nr;
		uint64_t sibling, child;

		if (!add(w, address, depth, &sibling, &child))
			return;
		if (child && depth < MAX_DEPTH)
			add_all(w, child, depth + 1);
		else if (child)
			iq_warn(w->k->warnings, "resources of %s: too deep at 0x%lx", w->what,
				(unsigned long)address);
		w->tree->list[at].after = w->tree->nr;
		address = depth ? sibling : 0;
	}
}

static struct iq_error *read_tree(struct iq_kernel *k, enum iq_resources which,
				  struct resource_tree *tree)
{
	struct layout l;
	struct walk w = {.k = k, .tree = tree, .at = &l, .what = roots[which].what};
	uint64_t root = iq_kernel_symbol(k, roots[which].symbol);
	struct iq_types *t;

	IQ_TRY(iq_kernel_need_types(k, &t));
	if (!root || !layout_of(k, &l))
		return iq_error_new(
			IQ_E_NOT_FOUND, "this kernel's resources of %s are not found: %s",
			roots[which].what,
			root ? "struct resource is of an unknown layout" : "no such symbol");
	add_all(&w, root, 0);
	iq_map_free(&w.seen);
	return w.nomem ? iq_error_nomem() : NULL;
}

struct iq_error *iq_resources(struct iq_kernel *k, enum iq_resources which,
			      const struct iq_resource **ret, unsigned int *nr)
{
	struct resource_trees *all = k->priv->resources;
	struct resource_tree *tree;

	if (!all)
		all = k->priv->resources = calloc(1, sizeof(*all));
	if (!all)
		return iq_error_nomem();
	tree = &all->tree[which];
	if (tree->state == LAZY_FAILED)
		return iq_error_new(IQ_E_NOT_FOUND, "this kernel's resources of %s are not found",
				    roots[which].what);
	if (tree->state == LAZY_UNTRIED) {
		tree->state = LAZY_FAILED;
		IQ_TRY(read_tree(k, which, tree));
		tree->state = LAZY_DONE;
	}
	*ret = tree->list;
	*nr = tree->nr;
	return NULL;
}

void resources_free(struct iq_kernel *k)
{
	struct resource_trees *all = k->priv->resources;

	for (unsigned int i = 0; all && i < IQ_ARRAY_SIZE(all->tree); i++)
		free(all->tree[i].list);
	free(all);
	k->priv->resources = NULL;
}

const struct iq_resource *iq_resource_at(struct iq_kernel *k, enum iq_resources which,
					 uint64_t address, const struct iq_resource **chain,
					 unsigned int room, unsigned int *nr)
{
	const struct iq_resource *list = NULL, *found = NULL;
	unsigned int all = 0, i = 1, n = 0;
	struct iq_error *err = iq_resources(k, which, &list, &all);

	iq_error_free(err);
	/* What is inside follows the one that it is inside of; all others are stepped over. */
	while (!err && i < all) {
		if (address < list[i].start || address > list[i].end) {
			i = list[i].after;
			continue;
		}
		found = &list[i];
		if (chain && n < room)
			chain[n++] = found;
		i++;
	}
	if (nr)
		*nr = n;
	return found;
}

bool iq_resource_text(struct iq_kernel *k, enum iq_resources which, uint64_t address,
		      struct iq_buf *out)
{
	const struct iq_resource *chain[MAX_DEPTH];
	unsigned int nr;

	if (!iq_resource_at(k, which, address, chain, MAX_DEPTH, &nr))
		return false;
	for (unsigned int i = 0; i < nr; i++)
		iq_buf_printf(out, "%s%s", i ? " > " : "",
			      chain[i]->name[0] ? chain[i]->name : "(no name)");
	return true;
}
