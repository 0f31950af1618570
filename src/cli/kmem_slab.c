// SPDX-License-Identifier: GPL-2.0-or-later
/* kmem -s, -S: slab caches, and their slabs and objects. */
#include "kmem.h"
#include "slab_findings.h"
#include "slab_tracks.h"
#include <inquest/slab.h>
#include <inttypes.h>
#include <stdlib.h>

struct cache_rows {
	const struct iq_cache *cache;
	struct iq_cache_usage usage;
	struct slab_findings damage;
	struct iq_object *object; /* those that were named by an address; owned */
	unsigned int nr_objects, room_objects;
	bool counted;
};

struct slabs_result {
	bool slabs; /* -S */
	bool named; /* not just all of them */
	struct cache_rows *cache;
	unsigned int nr;
};

static void slabs_free(void *data)
{
	struct slabs_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++) {
		slab_findings_free(&x->cache[i].damage);
		free(x->cache[i].object);
	}
	free(x->cache);
	free(x);
}

#define CACHE_HEAD "CACHE             OBJSIZE  ALLOCATED     TOTAL  SLABS  SSIZE  NAME\n"

static void text_cache(struct session *s, const struct cache_rows *c, struct iq_buf *out)
{
	iq_buf_printf(out, "%016" PRIx64 " %8" PRIu64 "  ", c->cache->address, c->cache->object_size);
	if (c->counted)
		iq_buf_printf(out, "%9" PRIu64 "%s %8" PRIu64 "  %5" PRIu64, c->usage.allocated,
			      c->usage.exact ? " " : "?", c->usage.objects, c->usage.slabs);
	else
		iq_buf_printf(out, "%9s  %8s  %5s", "?", "?", "?");
	text_slab_size(s, c->cache, out);
	iq_buf_putc(out, '\n');
	text_slab_findings(&c->damage, out);
}

/* Where it is created, and what else it is called. */
static void text_more(struct session *s, const struct iq_cache *c, struct iq_buf *out)
{
	size_t before = out->len;
	const char *alias;

	text_cache_origin(s, c, "  ", out);
	if (out->len > before)
		iq_buf_putc(out, '\n');
	for (unsigned int i = 0; (alias = iq_cache_alias(s->kernel, c, i)); i++)
		iq_buf_printf(out, "%s%s", i ? ", " : "  merged with ", alias);
	if (iq_cache_alias(s->kernel, c, 0))
		iq_buf_putc(out, '\n');
}

#define SLAB_HEAD "  SLAB              MEMORY            NODE  TOTAL  ALLOCATED  FREE\n"

static void text_slab(const struct iq_slab *slab, struct iq_buf *out)
{
	iq_buf_printf(out, "  %016" PRIx64 "  %016" PRIx64 "  ", slab->address, slab->memory);
	if (slab->node >= 0)
		iq_buf_printf(out, "%4d", slab->node);
	else
		iq_buf_printf(out, "%4s", "?");
	if (slab->lists_ok)
		iq_buf_printf(out, "  %5u  %9u  %4u\n", slab->objects, slab->allocated,
			      slab->objects - slab->allocated);
	else
		iq_buf_printf(out, "  %5u  %9s  %4s\n", slab->objects, "?", "?");
}

static void text_object(uint64_t at, enum iq_object_state state, int cpu, struct iq_buf *out)
{
	switch (state) {
	case IQ_OBJECT_ALLOCATED:
		iq_buf_printf(out, "  [%016" PRIx64 "]\n", at);
		break;
	case IQ_OBJECT_CPU_FREE:
		iq_buf_printf(out, "   %016" PRIx64 "  (cpu %d cache)\n", at, cpu);
		break;
	case IQ_OBJECT_SHEAF:
		iq_buf_printf(out, "   %016" PRIx64 "  (in a sheaf of its node)\n", at);
		break;
	case IQ_OBJECT_RCU_PENDING:
		iq_buf_printf(out, "   %016" PRIx64 "  (freed by kfree_rcu, waiting for RCU)\n", at);
		break;
	case IQ_OBJECT_FREE:
		iq_buf_printf(out, "   %016" PRIx64 "  \n", at);
		break;
	case IQ_OBJECT_UNKNOWN:
		iq_buf_printf(out, "  ?%016" PRIx64 "\n", at);
		break;
	}
}

static void text_objects(struct session *s, const struct iq_slab *slab, struct iq_buf *out)
{
	enum iq_object_state *states = calloc(slab->objects, sizeof(*states));
	int *cpus = calloc(slab->objects, sizeof(*cpus));

	iq_buf_puts(out, "  FREE / [ALLOCATED]\n");
	if (states && cpus)
		iq_slab_states(s->kernel, slab, states, cpus);
	for (unsigned int i = 0; states && cpus && i < slab->objects; i++)
		text_object(slab->memory + slab->cache->red_left_pad + i * slab->cache->size, states[i],
			    cpus[i], out);
	free(states);
	free(cpus);
}

/* The objects that were asked for by their addresses. */
static void text_named(struct session *s, const struct cache_rows *c, struct iq_buf *out)
{
	for (unsigned int i = 0; i < c->nr_objects; i++) {
		const struct iq_object *o = &c->object[i];

		iq_buf_puts(out, SLAB_HEAD);
		text_slab(&o->slab, out);
		iq_buf_puts(out, "  FREE / [ALLOCATED]\n");
		text_object(o->object, o->state, o->cpu, out);
		text_slab_tracks(s, o, out);
	}
}

/* ---- -S: printed while the slabs are found, since there can be millions ------------------------------ */

struct detail {
	struct session *s;
	const struct cache_rows *c;
	struct iq_buf *out;
	unsigned int next_cpu; /* CPUs below have been headed */
	bool cpu_slab, cpu_partial; /* of the CPU at hand: something was printed */
	int node; /* whose partial slabs are at hand; -1: none yet */
	bool node_partial, node_full;
	unsigned int cpus_with_slab;
};

/* "CPU n SLAB", "CPU n PARTIAL" up to and including CPU; headings without slabs say "(empty)". */
static void close_cpu(struct detail *d)
{
	if (!d->next_cpu)
		return;
	if (!d->cpu_slab)
		iq_buf_printf(d->out, "CPU %u SLAB:\n  (empty)\n", d->next_cpu - 1);
	if (!d->cpu_partial)
		iq_buf_printf(d->out, "CPU %u PARTIAL:\n  (empty)\n", d->next_cpu - 1);
}

static void open_cpu(struct detail *d, unsigned int cpu)
{
	while (d->next_cpu <= cpu) {
		uint64_t at = iq_cache_cpu(d->s->kernel, d->c->cache, d->next_cpu);

		close_cpu(d);
		d->cpu_slab = d->cpu_partial = !at;
		if (at)
			iq_buf_printf(d->out, "CPU %u KMEM_CACHE_CPU:\n  %" PRIx64 "\n", d->next_cpu, at);
		d->next_cpu++;
	}
}

static void close_node(struct detail *d)
{
	if (d->node < 0)
		return;
	if (!d->node_partial)
		iq_buf_printf(d->out, "NODE %d PARTIAL:\n  (empty)\n", d->node);
	if (!d->node_full)
		iq_buf_printf(d->out, "NODE %d FULL:\n  (empty)\n", d->node);
}

static void open_node(struct detail *d, int node)
{
	struct iq_types *t = iq_kernel_types(d->s->kernel);
	uint64_t slabs = 0, partial = 0, at, address;

	if (d->node < 0) { /* the CPUs are done */
		unsigned int nr;
		const struct iq_cpu *cpus = iq_kernel_cpus(d->s->kernel, &nr);

		if (nr)
			open_cpu(d, cpus[nr - 1].cpu);
		close_cpu(d);
	}
	while (d->node < node) {
		close_node(d);
		d->node++;
		d->node_partial = d->node_full = false;
		address = iq_cache_node(d->s->kernel, d->c->cache, (unsigned int)d->node);
		if (iq_offset(t, "kmem_cache_node", "nr_slabs", &at, NULL))
			iq_vm_read_uint(d->s->kernel->vm, address + at, 8, &slabs);
		if (iq_offset(t, "kmem_cache_node", "nr_partial", &at, NULL))
			iq_vm_read_uint(d->s->kernel->vm, address + at, 8, &partial);
		iq_buf_puts(d->out, "KMEM_CACHE_NODE   NODE  SLABS  PARTIAL  PER-CPU\n");
		iq_buf_printf(d->out, "%016" PRIx64 "  %4d  %5" PRIu64 "  %7" PRIu64 "  %7u\n", address,
			      d->node, slabs, partial, d->cpus_with_slab);
	}
}

static bool one_slab(void *arg, const struct iq_slab *slab, enum iq_slab_where where, unsigned int number)
{
	struct detail *d = arg;
	bool *headed;

	switch (where) {
	case IQ_SLAB_CPU:
		open_cpu(d, number);
		iq_buf_printf(d->out, "CPU %u SLAB:\n" SLAB_HEAD, number);
		d->cpu_slab = true;
		d->cpus_with_slab++;
		break;
	case IQ_SLAB_CPU_PARTIAL:
		open_cpu(d, number);
		if (!d->cpu_slab)
			iq_buf_printf(d->out, "CPU %u SLAB:\n  (empty)\n", number);
		d->cpu_slab = true;
		if (!d->cpu_partial)
			iq_buf_printf(d->out, "CPU %u PARTIAL:\n", number);
		iq_buf_puts(d->out, SLAB_HEAD);
		d->cpu_partial = true;
		break;
	default:
		open_node(d, (int)number);
		headed = where == IQ_SLAB_FULL ? &d->node_full : &d->node_partial;
		if (where == IQ_SLAB_FULL && !d->node_partial) {
			iq_buf_printf(d->out, "NODE %u PARTIAL:\n  (empty)\n", number);
			d->node_partial = true;
		}
		if (!*headed)
			iq_buf_printf(d->out, "NODE %u %s:\n" SLAB_HEAD, number,
				      where == IQ_SLAB_FULL ? "FULL" : "PARTIAL");
		*headed = true;
	}
	text_slab(slab, d->out);
	if (where == IQ_SLAB_CPU || where == IQ_SLAB_CPU_PARTIAL)
		text_objects(d->s, slab, d->out);
	return stream_out(d->s, d->out) && !iq_cancelled(&d->s->cancel);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct slabs_result *x = r->data;

	if (!x->slabs)
		iq_buf_puts(out, CACHE_HEAD);
	for (unsigned int i = 0; i < x->nr && !iq_cancelled(&s->cancel); i++) {
		struct detail d = {.s = s, .c = &x->cache[i], .out = out, .node = -1};

		if (x->slabs)
			iq_buf_puts(out, CACHE_HEAD);
		text_cache(s, &x->cache[i], out);
		if (x->named)
			text_more(s, x->cache[i].cache, out);
		text_named(s, &x->cache[i], out);
		if (x->slabs) {
			iq_cache_slabs(s->kernel, x->cache[i].cache, true, one_slab, &d);
			if (d.node < 0)
				open_node(&d, 0);
			close_node(&d);
			iq_buf_putc(out, '\n');
		}
		if (!stream_out(s, out))
			return;
	}
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static bool json_slab(void *arg, const struct iq_slab *slab, enum iq_slab_where where, unsigned int number)
{
	static const char *const names[] = {"cpu", "cpu_partial", "node_partial", "full"};
	json_t *o = json_object();

	json_object_set_new(o, "slab", json_address(slab->address));
	json_object_set_new(o, "memory", json_address(slab->memory));
	json_object_set_new(o, "list", json_string(names[where]));
	json_object_set_new(o, where == IQ_SLAB_CPU || where == IQ_SLAB_CPU_PARTIAL ? "cpu" : "node",
			    json_integer(number));
	json_object_set_new(o, "objects", json_integer(slab->objects));
	json_object_set_new(o, "inuse", json_integer(slab->inuse));
	json_object_set_new(o, "allocated",
			    slab->lists_ok ? json_integer(slab->allocated) : json_null());
	json_array_append_new(arg, o);
	return true;
}

static json_t *json_aliases(struct session *s, const struct iq_cache *c)
{
	json_t *list = json_array();
	const char *alias;

	for (unsigned int i = 0; (alias = iq_cache_alias(s->kernel, c, i)); i++)
		json_array_append_new(list, json_string(alias));
	return list;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct slabs_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr && !iq_cancelled(&s->cancel); i++) {
		const struct cache_rows *c = &x->cache[i];
		json_t *e = json_object();

		json_object_set_new(e, "cache", json_address(c->cache->address));
		json_object_set_new(e, "name", json_string(c->cache->name));
		json_object_set_new(e, "object_size", json_integer((json_int_t)c->cache->object_size));
		json_object_set_new(e, "size", json_integer((json_int_t)c->cache->size));
		json_object_set_new(e, "allocated", c->counted && c->usage.exact
							    ? json_integer((json_int_t)c->usage.allocated)
							    : json_null());
		json_object_set_new(e, "total", c->counted ? json_integer((json_int_t)c->usage.objects) : json_null());
		json_object_set_new(e, "slabs", c->counted ? json_integer((json_int_t)c->usage.slabs) : json_null());
		json_object_set_new(e, "order", c->cache->order < IQ_CACHE_ORDERS
							? json_integer(c->cache->order)
							: json_null());
		json_object_set_new(e, "damage", json_slab_findings(&c->damage));
		if (x->named)
			json_object_set_new(e, "created", json_cache_origin(s, c->cache));
		json_object_set_new(e, "aliases", json_aliases(s, c->cache));
		if (x->slabs) {
			json_t *slabs = json_array();

			iq_cache_slabs(s->kernel, c->cache, true, json_slab, slabs);
			json_object_set_new(e, "slab_list", slabs);
		}
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "caches", list);
	return o;
}

static const struct result_ops ops = {text, json, slabs_free};

/* ---- Which caches -------------------------------------------------------------------------------- */

/* Is NAME, which a damaged cache can have empty, one of the names with commas between them? */
static bool in_list(const char *word, const char *name)
{
	size_t len = strlen(name), part;

	for (const char *at = word;; at += part + 1) {
		part = strcspn(at, ",");
		if (part == len && len && !memcmp(at, name, len))
			return true;
		if (!at[part])
			return false;
	}
}

/*
 * A name (of a merged cache also one of the others), a list of them with commas, the address of a kmem_cache, or of
 * anything in one of its slabs.
 */
static bool meant(struct session *s, const struct iq_cache *c, const char *word, struct cache_rows *row)
{
	struct iq_object object = {0};
	const char *alias;
	uint64_t v;

	if (in_list(word, c->name))
		return true;
	for (unsigned int i = 0; (alias = iq_cache_alias(s->kernel, c, i)); i++)
		if (in_list(word, alias))
			return true;
	if (!word_address(s, word, &v))
		return false;
	if (v == c->address)
		return true;
	iq_object_at(s->kernel, v, &object);
	if (object.slab.cache != c)
		return false;
	if (row && object.object &&
	    iq_grow(&row->object, &row->room_objects, row->nr_objects + 1, sizeof(*row->object)))
		row->object[row->nr_objects++] = object;
	return true;
}

static struct iq_error *choose(struct session *s, int nr_words, char **words, const char *but,
			       struct slabs_result *x)
{
	struct iq_cache *const *caches;
	unsigned int nr;

	IQ_TRY(iq_caches(s->kernel, &caches, &nr));
	x->cache = calloc(nr ? nr : 1, sizeof(*x->cache));
	if (!x->cache)
		return iq_error_nomem();
	for (unsigned int i = 0; i < nr; i++) {
		struct cache_rows *c = &x->cache[x->nr];
		bool take = !nr_words;

		for (int w = 0; w < nr_words; w++)
			take |= meant(s, caches[i], words[w], c);
		if (!take || (but && meant(s, caches[i], but, NULL))) {
			free(c->object);
			*c = (struct cache_rows){0};
			continue;
		}
		c->cache = caches[i];
		c->counted = iq_cache_usage(s->kernel, caches[i], &c->usage);
		/* Of all caches the full slabs, which only the memory map knows, are left out. */
		iq_cache_check(s->kernel, caches[i], nr_words || x->slabs, slab_findings_add, &c->damage);
		x->nr++;
		if (iq_cancelled(&s->cancel))
			return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	}
	if (!x->nr && nr_words) {
		struct iq_nearest n = {.word = words[0]};

		for (unsigned int i = 0; i < nr; i++)
			iq_nearest_offer(&n, caches[i]->name);
		return iq_nearest_hint(&n, iq_error_new(IQ_E_NOT_FOUND, "no slab cache is called %s",
							words[0]));
	}
	return NULL;
}

struct iq_error *kmem_slabs(struct session *s, bool slabs, const char *but, int nr, char **words,
			    struct result *r)
{
	struct slabs_result *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	x->slabs = slabs;
	x->named = nr > 0;
	err = choose(s, nr, words, but, x);
	if (err && !x->nr) {
		slabs_free(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return err;
}
