// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kmem -r: slab caches with those that the kernel made of each for memory cgroups, added up.  Kernels before 5.9 did so
 * (mm/slab_common.c: kmem_cache.memcg_params); they are on slab_caches like any other.
 */
#include "kmem.h"
#include "slab_findings.h"
#include <inquest/slab.h>
#include <inttypes.h>
#include <stdlib.h>

struct root {
	const struct iq_cache *cache;
	struct iq_cache_usage usage;
	unsigned int children;
	bool whole; /* all could be counted */
};

struct roots_result {
	struct root *root;
	unsigned int nr, room;
};

static void roots_free(void *data)
{
	struct roots_result *x = data;

	free(x->root);
	free(x);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct roots_result *x = r->data;

	iq_buf_puts(out, "CACHE             OBJSIZE  ALLOCATED     TOTAL  SLABS  SSIZE  NAME\n");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct root *c = &x->root[i];

		iq_buf_printf(out,
			      "%016" PRIx64 " %8" PRIu64 "  %9" PRIu64 "%s %8" PRIu64 "  %5" PRIu64,
			      c->cache->address, c->cache->object_size, c->usage.allocated,
			      c->whole ? " " : "?", c->usage.objects, c->usage.slabs);
		text_slab_size(s, c->cache, out);
		if (c->children)
			iq_buf_printf(out, "  (with %u of cgroups)", c->children);
		iq_buf_putc(out, '\n');
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct roots_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct root *c = &x->root[i];
		json_t *e = json_object();

		json_object_set_new(e, "cache", json_address(c->cache->address));
		json_object_set_new(e, "name", json_string(c->cache->name));
		json_object_set_new(e, "object_size",
				    json_integer((json_int_t)c->cache->object_size));
		json_object_set_new(e, "allocated",
				    c->whole ? json_integer((json_int_t)c->usage.allocated)
					     : json_null());
		json_object_set_new(e, "total", json_integer((json_int_t)c->usage.objects));
		json_object_set_new(e, "slabs", json_integer((json_int_t)c->usage.slabs));
		json_object_set_new(e, "cgroups", json_integer(c->children));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "caches", list);
	return o;
}

static const struct result_ops ops = {text, json, roots_free};

/* memcg_params.root_cache of the cache at ADDRESS; 0: it is a root itself. */
static uint64_t root_of(struct session *s, uint64_t at, uint64_t address)
{
	uint64_t root;

	return iq_vm_read_uint(s->kernel->vm, address + at, 8, &root) ? 0 : root;
}

static void add(struct session *s, struct roots_result *x, uint64_t root, const struct iq_cache *c)
{
	struct iq_cache_usage u;

	for (unsigned int i = 0; i < x->nr; i++) {
		if (x->root[i].cache->address != root)
			continue;
		x->root[i].children += c->address != root;
		if (!iq_cache_usage(s->kernel, c, &u)) {
			x->root[i].whole = false;
			return;
		}
		x->root[i].usage.allocated += u.allocated;
		x->root[i].usage.objects += u.objects;
		x->root[i].usage.slabs += u.slabs;
		x->root[i].whole &= u.exact;
		return;
	}
	iq_warn(s->kernel->warnings,
		"cache 0x%" PRIx64 " says that it belongs to 0x%" PRIx64 ", which is no cache",
		c->address, root);
}

struct iq_error *kmem_roots(struct session *s, struct result *r)
{
	struct iq_cache *const *all;
	struct roots_result *x;
	struct iq_types *t;
	unsigned int nr;
	uint64_t at;

	IQ_TRY(iq_kernel_need_types(s->kernel, &t));
	if (!iq_offset(t, "kmem_cache", "memcg_params.root_cache", &at, NULL))
		return iq_error_hint(
			iq_error_new(IQ_E_UNAVAILABLE,
				     "this kernel has no slab caches of memory cgroups: "
				     "since 5.9 all of them share one"),
			"kmem -s shows all caches");
	IQ_TRY(iq_caches(s->kernel, &all, &nr));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	for (unsigned int i = 0; i < nr; i++) {
		if (root_of(s, at, all[i]->address))
			continue;
		if (!iq_grow(&x->root, &x->room, x->nr + 1, sizeof(*x->root))) {
			roots_free(x);
			return iq_error_nomem();
		}
		x->root[x->nr++] = (struct root){.cache = all[i], .whole = true};
	}
	for (unsigned int i = 0; i < nr && !iq_cancelled(&s->cancel); i++) {
		uint64_t root = root_of(s, at, all[i]->address);

		add(s, x, root ? root : all[i]->address, all[i]);
	}
	*r = (struct result){&ops, x};
	return NULL;
}
