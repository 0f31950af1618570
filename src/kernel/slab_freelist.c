// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Free lists of a slab: links from free object to free object, stored as they are or disguised
 * (mm/slub.c: freelist_ptr_encode()), and what they say of the state of each object.
 */
#include "slab_private.h"

#include <stdlib.h>

/* ---- Links -------------------------------------------------------------------------------------- */

static uint64_t decode(enum coding c, const struct iq_cache *cache, uint64_t stored, uint64_t at)
{
	switch (c) {
	case CODING_XOR:
		return stored ^ cache->random ^ at;
	case CODING_XOR_SWAB:
		return stored ^ cache->random ^ __builtin_bswap64(at);
	default:
		return stored;
	}
}

uint64_t slab_object_address(const struct iq_slab *s, unsigned int i)
{
	return s->memory + s->cache->red_left_pad + i * s->cache->size;
}

/* Index of the object that begins at ADDRESS; -1: none does. */
static int object_index(const struct iq_slab *s, uint64_t address)
{
	uint64_t first = slab_object_address(s, 0), i;

	if (address < first || (address - first) % s->cache->size)
		return -1;
	i = (address - first) / s->cache->size;
	return i < s->objects ? (int)i : -1;
}

static bool follow(struct iq_kernel *k, const struct iq_slab *s, uint64_t head, uint64_t head_at,
		   enum coding coding, bool (*fn)(void *arg, unsigned int index), void *arg,
		   struct free_link *last)
{
	struct free_link l = {.at = head_at, .stored = head, .to = head};

	for (unsigned int n = 0; l.to; n++) {
		int i = object_index(s, l.to);
		bool go_on = i >= 0 && n <= s->objects && (!fn || fn(arg, (unsigned int)i));

		if (last)
			*last = l;
		if (!go_on)
			return false;
		l.from = l.to;
		l.at = l.from + s->cache->free_offset;
		l.to = 0;
		if (!kernel_read_ptr(k, l.at, &l.stored)) {
			l.unreadable = true;
			if (last)
				*last = l;
			return false;
		}
		l.to = decode(coding, s->cache, l.stored, l.at);
	}
	return true;
}

/* ---- How links are stored ----------------------------------------------------------------------- */

/*
 * Does the list that begins at HEAD make sense to its end?  A wrong coding leads a list to an end or to another object
 * once in 2^50; but a link that somebody zeroed is the end of a list if links are not disguised, so that
 * is not tried where the cache has a secret.
 */
static enum coding try_codings(struct iq_kernel *k, const struct iq_slab *s, uint64_t head)
{
	enum coding c;

	if (!s->cache->random)
		return follow(k, s, head, 0, CODING_PLAIN, NULL, NULL, NULL) ? CODING_PLAIN
									     : CODING_UNKNOWN;
	for (c = NR_CODINGS - 1; c > CODING_PLAIN; c--)
		if (follow(k, s, head, 0, c, NULL, NULL, NULL))
			return c;
	return CODING_UNKNOWN;
}

struct coding_search {
	const struct slab_layout *l;
	enum coding coding;
	unsigned int tries;
};

/* A list of one free object proves enough: its link must be the end. */
static bool try_slab(struct iq_kernel *k, struct coding_search *x, uint64_t address)
{
	struct iq_slab s;
	uint64_t head;

	if (slab_by_struct(k, x->l, address, &s) &&
	    kernel_read_ptr(k, address + x->l->freelist_at, &head) && head)
		x->coding = try_codings(k, &s, head);
	return x->coding != CODING_UNKNOWN;
}

static bool try_partial(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct coding_search *x = arg;

	return !try_slab(k, x, entry - x->l->list_at) && x->tries--;
}

/* The lockless free lists of the CPUs: a machine that was not up for long has no others. */
static void try_cpus(struct iq_kernel *k, struct coding_search *x, const struct iq_cache *c)
{
	const struct iq_cpu *cpus;
	uint64_t at, slab, head;
	struct iq_slab s;
	unsigned int nr;

	if (!x->l->has_cpu_slab || !c->priv->cpu_slab)
		return;
	cpus = iq_kernel_cpus(k, &nr);
	for (unsigned int i = 0; i < nr && !x->coding; i++) {
		at = c->priv->cpu_slab + cpus[i].percpu_offset;
		if (cpus[i].percpu_offset && kernel_read_ptr(k, at + x->l->cpu_slab_at, &slab) &&
		    slab && kernel_read_ptr(k, at + x->l->cpu_freelist_at, &head) && head &&
		    slab_by_struct(k, x->l, slab, &s) && s.cache == c)
			x->coding = try_codings(k, &s, head);
	}
}

/* From the free lists of other caches; a coding is the whole kernel's, one damaged list's is none. */
static enum coding search_coding(struct iq_kernel *k)
{
	struct iq_types *t = iq_kernel_types(k);
	struct iq_cache *const *caches;
	struct coding_search x = {0};
	struct slab_layout l;
	uint64_t partial_at, node;
	unsigned int nr = 0;
	struct iq_error *err = iq_caches(k, &caches, &nr);

	iq_error_free(err);
	if (err || !slab_layout(k, &l) ||
	    !iq_offset(t, "kmem_cache_node", "partial", &partial_at, NULL))
		return CODING_UNKNOWN;
	x.l = &l;
	for (unsigned int i = 0; i < nr && !x.coding; i++) {
		/* Without a secret it tells nothing of those that have one. */
		if (!caches[i]->size || !caches[i]->random)
			continue;
		x.tries = 4;
		node = iq_cache_node(k, caches[i], 0);
		if (node)
			kernel_list_for_each(k, node + partial_at, 1u << 20, "partial slabs",
					     try_partial, &x);
		if (!x.coding)
			try_cpus(k, &x, caches[i]);
	}
	return x.coding == CODING_PLAIN ? CODING_UNKNOWN : x.coding;
}

static enum coding coding_of(struct iq_kernel *k, const struct iq_slab *s, uint64_t head)
{
	struct slab_coding *known = slab_coding(k);

	if (!s->cache->random)
		return CODING_PLAIN;
	if (!known->coding)
		known->coding = try_codings(k, s, head);
	if (!known->coding && !known->searched) {
		known->searched = true;
		known->coding = search_coding(k);
	}
	return known->coding;
}

bool slab_follow(struct iq_kernel *k, const struct iq_slab *s, uint64_t head, uint64_t head_at,
		 bool (*fn)(void *arg, unsigned int index), void *arg, struct free_link *last)
{
	enum coding c = head ? coding_of(k, s, head) : CODING_PLAIN;

	if (!c && last)
		*last = (struct free_link){
			.at = head_at, .stored = head, .to = head, .undecided = true};
	return c && follow(k, s, head, head_at, c, fn, arg, last);
}

/* ---- States -------------------------------------------------------------------------------------- */

struct marking {
	enum iq_object_state *states, state;
	int *cpus, cpu;
	unsigned int nr;
};

static bool mark(void *arg, unsigned int i)
{
	struct marking *m = arg;

	if (m->states[i] == m->state)
		return false; /* twice on one list: a circle, or freed twice */
	m->states[i] = m->state;
	m->nr++;
	if (m->cpus)
		m->cpus[i] = m->cpu;
	return true;
}

bool slab_count_free(struct iq_kernel *k, const struct iq_slab *s, uint64_t head, unsigned int *nr)
{
	struct marking m = {.state = IQ_OBJECT_FREE};
	bool ok;

	m.states = calloc(s->objects, sizeof(*m.states));
	ok = m.states && slab_follow(k, s, head, 0, mark, &m, NULL);
	*nr = ok ? m.nr : 0;
	free(m.states);
	return ok;
}

/* Objects that are free, or waiting to be, without being on a free list of the slab. */
static bool mark_held(struct iq_kernel *k, const struct iq_slab *s, enum iq_object_state *states,
		      int *cpus)
{
	bool ok = slab_held_load(k, s->cache);

	for (unsigned int i = 0; i < s->objects; i++) {
		uint64_t object = slab_object_address(s, i);
		int cpu = -1;
		enum iq_object_state held = slab_held_state(k, object, &cpu);

		if (held == IQ_OBJECT_ALLOCATED)
			continue;
		if (states[i] != IQ_OBJECT_ALLOCATED) {
			iq_warn(k->warnings,
				"%s object 0x%lx is on a free list of its slab and freed elsewhere "
				"as "
				"well",
				s->cache->name, (unsigned long)object);
			continue;
		}
		states[i] = held;
		if (cpus)
			cpus[i] = cpu;
	}
	return ok;
}

bool slab_lists(struct iq_kernel *k, const struct slab_layout *l, const struct iq_slab *s,
		bool (*fn)(void *arg, uint64_t head_at, uint64_t head, int cpu), void *arg)
{
	const struct iq_cpu *all;
	uint64_t head, slab;
	unsigned int nr;
	bool ok;

	ok = kernel_read_ptr(k, s->address + l->freelist_at, &head) &&
	     fn(arg, s->address + l->freelist_at, head, -1);
	if (!l->has_cpu_slab || !s->cache->priv->cpu_slab)
		return ok;
	all = iq_kernel_cpus(k, &nr);
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t c = s->cache->priv->cpu_slab + all[i].percpu_offset;

		if (!all[i].percpu_offset || !kernel_read_ptr(k, c + l->cpu_slab_at, &slab) ||
		    slab != s->address)
			continue;
		ok &= kernel_read_ptr(k, c + l->cpu_freelist_at, &head) &&
		      fn(arg, c + l->cpu_freelist_at, head, (int)i);
	}
	return ok;
}

struct filling {
	struct iq_kernel *k;
	const struct iq_slab *s;
	struct marking m;
};

static bool fill_from(void *arg, uint64_t head_at, uint64_t head, int cpu)
{
	struct filling *f = arg;

	f->m.state = cpu < 0 ? IQ_OBJECT_FREE : IQ_OBJECT_CPU_FREE;
	f->m.cpu = cpu;
	return slab_follow(f->k, f->s, head, head_at, mark, &f->m, NULL);
}

bool slab_fill_states(struct iq_kernel *k, const struct slab_layout *l, const struct iq_slab *s,
		      enum iq_object_state *states, int *cpus)
{
	struct filling f = {.k = k, .s = s, .m = {.states = states, .cpus = cpus}};
	unsigned int i;
	bool ok;

	for (i = 0; i < s->objects; i++) {
		states[i] = IQ_OBJECT_ALLOCATED;
		if (cpus)
			cpus[i] = -1;
	}
	ok = slab_lists(k, l, s, fill_from, &f);
	ok &= mark_held(k, s, states, cpus);
	if (!ok)
		for (i = 0; i < s->objects; i++)
			if (states[i] == IQ_OBJECT_ALLOCATED)
				states[i] = IQ_OBJECT_UNKNOWN;
	return ok;
}
