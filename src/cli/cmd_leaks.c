// SPDX-License-Identifier: GPL-2.0-or-later
/* leaks: slab objects that nothing points to. */
#include "internal.h"
#include <inquest/leaks.h>
#include <inttypes.h>
#include <stdlib.h>

#define OBJECTS_MAX 100000 /* listed of one cache */

struct leaks_result {
	struct iq_leaks leaks;
	const struct iq_cache *cache; /* whose objects are listed; NULL: none */
	uint64_t *object;
	unsigned int nr, room;
	bool cut, no_memory;
};

static void free_result(void *data)
{
	struct leaks_result *x = data;

	iq_leaks_free(&x->leaks);
	free(x->object);
	free(x);
}

static void text_group(const struct iq_leak_group *g, struct iq_buf *out)
{
	uint64_t kb = g->unreached * g->cache->size / 1024;

	iq_buf_printf(out, "%016" PRIx64 " %8" PRIu64 " %9" PRIu64 " %9" PRIu64 " %5.1f%% %8" PRIu64 "k  %s\n",
		      g->cache->address, g->cache->object_size, g->allocated, g->unreached,
		      100.0 * (double)g->unreached / (double)g->allocated, kb, g->cache->name);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct leaks_result *x = r->data;

	if (x->cache) {
		for (unsigned int i = 0; i < x->nr; i++)
			iq_buf_printf(out, "%016" PRIx64 "\n", x->object[i]);
		return;
	}
	iq_buf_puts(out, "CACHE             OBJSIZE ALLOCATED UNREACHED  SHARE     BYTES  NAME\n");
	for (unsigned int i = 0; i < x->leaks.nr; i++)
		text_group(&x->leaks.groups[i], out);
	iq_buf_printf(out, "%" PRIu64 " objects in %" PRIu64 " slabs; %" PRIu64 " pages read", x->leaks.objects,
		      x->leaks.slabs, x->leaks.pages_scanned);
	if (x->leaks.pages_missing)
		iq_buf_printf(out, ", %" PRIu64 " not in the dump", x->leaks.pages_missing);
	iq_buf_putc(out, '\n');
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct leaks_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->leaks.nr; i++) {
		const struct iq_leak_group *g = &x->leaks.groups[i];
		json_t *e = json_object();

		json_object_set_new(e, "cache", json_address(g->cache->address));
		json_object_set_new(e, "name", json_string(g->cache->name));
		json_object_set_new(e, "object_size", json_integer((json_int_t)g->cache->object_size));
		json_object_set_new(e, "size", json_integer((json_int_t)g->cache->size));
		json_object_set_new(e, "allocated", json_integer((json_int_t)g->allocated));
		json_object_set_new(e, "unreached", json_integer((json_int_t)g->unreached));
		json_object_set_new(e, "first", json_address(g->first));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "groups", list);
	json_object_set_new(o, "objects", json_integer((json_int_t)x->leaks.objects));
	json_object_set_new(o, "slabs", json_integer((json_int_t)x->leaks.slabs));
	json_object_set_new(o, "pages_read", json_integer((json_int_t)x->leaks.pages_scanned));
	json_object_set_new(o, "pages_missing", json_integer((json_int_t)x->leaks.pages_missing));
	if (x->cache) {
		list = json_array();
		for (unsigned int i = 0; i < x->nr; i++)
			json_array_append_new(list, json_address(x->object[i]));
		json_object_set_new(o, "unreached", list);
	}
	return o;
}

static const struct result_ops ops = {text, json, free_result};

static bool add_object(void *arg, uint64_t object)
{
	struct leaks_result *x = arg;

	x->cut = x->nr == OBJECTS_MAX;
	x->no_memory = !x->cut && !iq_grow(&x->object, &x->room, x->nr + 1, sizeof(*x->object));
	if (x->cut || x->no_memory)
		return false;
	x->object[x->nr++] = object;
	return true;
}

/* The cache whose struct kmem_cache is at ADDRESS; NULL: none. */
static const struct iq_cache *cache_at(struct iq_kernel *k, uint64_t address)
{
	struct iq_cache *const *caches;
	unsigned int nr;
	struct iq_error *err = iq_caches(k, &caches, &nr);

	iq_error_free(err);
	for (unsigned int i = 0; !err && i < nr; i++) {
		if (caches[i]->address == address)
			return caches[i];
	}
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct leaks_result *x = data;
	uint64_t address;

	if (argc > 2)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "leaks takes one cache at most"),
				     "leaks [CACHE]");
	if (argc == 2) {
		x->cache = iq_cache_by_name(s->kernel, argv[1]);
		if (!x->cache && word_address(s, argv[1], &address))
			x->cache = cache_at(s->kernel, address);
		if (!x->cache)
			return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "there is no cache %s", argv[1]),
					     "kmem -s lists the caches");
	}
	IQ_TRY(iq_leaks_find(s->kernel, &s->cancel, &x->leaks));
	if (x->leaks.too_many)
		iq_warn(&s->warnings, "there are too many slabs: not all were looked at");
	if (x->cache)
		iq_leaks_each(&x->leaks, x->cache, add_object, x);
	if (x->no_memory)
		return iq_error_nomem();
	if (x->cut)
		iq_warn(&s->warnings, "only the first %u objects are listed", OBJECTS_MAX);
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct leaks_result), fill, &ops, r);
}

const struct command cmd_leaks = {
	.name = "leaks",
	.summary = "slab objects that nothing points to",
	.help = "leaks [CACHE]\n"
		"\n"
		"Marks from all kernel memory (free pages and free objects left out) the slab objects\n"
		"that a word points to or into, then those that these point to, and counts by cache\n"
		"what is in use and yet was not reached.  With CACHE, a name or address, lists the\n"
		"addresses of that cache's unreached objects.\n"
		"\n"
		"Objects that only hardware knows, by physical addresses, or whose pointers are kept\n"
		"encoded look leaked too: a few mean nothing, most of a large cache does.  All of\n"
		"memory is read; Ctrl-C ends it.\n"
		"\n"
		"  inquest> leaks\n"
		"  inquest> leaks kmalloc-256\n",
	.run = run,
};
