// SPDX-License-Identifier: GPL-2.0-or-later
/* Damage in slab caches: see slab_check.h in the public headers. */
#include "slab_check.h"

#include <stdarg.h>
#include <stdlib.h>

#define MAX_CALL_FINDINGS 100000 /* of one call: a cache can have millions of slabs */

const char *iq_slab_damage_text(enum iq_slab_damage d)
{
	static const char *const text[] = {
		"free pointer", "cycle",    "two lists", "count",   "wrong cache", "page", "list",
		"sheaf",	"red zone", "poison",	 "padding", "state",	   "cache"};

	return d < IQ_ARRAY_SIZE(text) ? text[d] : "?";
}

void slab_report(struct slab_check *x, struct iq_slab_finding *f, const char *fmt, ...)
{
	va_list ap;

	if (x->stop)
		return;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	x->stop = !x->fn(x->arg, f);
}

static unsigned long ul(uint64_t v)
{
	return (unsigned long)v;
}

/* ---- Free lists of a slab ------------------------------------------------------------------------ */

#define ON_NONE 0xff

struct lists {
	struct slab_check *x;
	const struct iq_slab *s;
	uint8_t *on; /* by object: number of the list it is on, ON_NONE: of none */
	uint8_t list; /* the list at hand */
	const char *name; /* of it */
	unsigned int nr; /* objects on it */
	bool circle;
	bool ok;
};

static struct iq_slab_finding about(const struct iq_slab *s, enum iq_slab_damage kind)
{
	return (struct iq_slab_finding){.kind = kind, .cache = s->cache, .slab = s->address};
}

static bool seen(void *arg, unsigned int i)
{
	struct lists *y = arg;
	uint64_t object = slab_object_address(y->s, i);
	struct iq_slab_finding f;

	if (y->on[i] == y->list) {
		y->circle = true; /* the link that led here is reported by who follows */
		return false;
	}
	if (y->on[i] != ON_NONE) {
		f = about(y->s, IQ_SLAB_TWO_LISTS);
		f.object = f.address = object;
		slab_report(y->x, &f,
			    "object 0x%lx of slab 0x%lx is on %s and on another free list as well",
			    ul(object), ul(y->s->address), y->name);
		return false;
	}
	y->on[i] = y->list;
	y->nr++;
	return true;
}

/* The walk ended at LINK, which is wrong. */
static void bad_link(struct lists *y, const struct free_link *link)
{
	const struct iq_slab *s = y->s;
	struct iq_slab_finding f = about(s, y->circle ? IQ_SLAB_CYCLE : IQ_SLAB_FREE_POINTER);
	uint64_t end = s->memory + s->objects * s->cache->size;
	char holder[64];

	f.object = link->from;
	f.address = link->at;
	f.found = link->to;
	if (link->from)
		snprintf(holder, sizeof(holder), "free pointer of object 0x%lx", ul(link->from));
	else
		snprintf(holder, sizeof(holder), "head of %s", y->name);
	if (link->unreadable)
		y->x->whole = false;
	else if (link->undecided)
		slab_report(y->x, &f, "%s, at 0x%lx, begins no free list (0x%lx is there)", holder,
			    ul(link->at), ul(link->stored));
	else if (y->circle)
		slab_report(
			y->x, &f,
			"%s, at 0x%lx, leads back to object 0x%lx, which is on the list already: a "
			"circle, or freed twice",
			holder, ul(link->at), ul(link->to));
	else if (link->to >= s->memory && link->to < end)
		slab_report(y->x, &f,
			    "%s, at 0x%lx, is 0x%lx: in slab 0x%lx, but no object begins there",
			    holder, ul(link->at), ul(link->to), ul(s->address));
	else
		slab_report(y->x, &f,
			    "%s, at 0x%lx, is 0x%lx (stored as 0x%lx): outside its slab, which is "
			    "0x%lx-0x%lx",
			    holder, ul(link->at), ul(link->to), ul(link->stored), ul(s->memory),
			    ul(end));
}

static bool one_list(void *arg, uint64_t head_at, uint64_t head, int cpu)
{
	struct lists *y = arg;
	struct free_link link = {0};
	unsigned int before = y->nr;
	char name[48];

	snprintf(name, sizeof(name), cpu < 0 ? "the slab's free list" : "the free list of CPU %d",
		 cpu);
	y->name = name;
	y->circle = false;
	y->nr = 0;
	if (!slab_follow(y->x->k, y->s, head, head_at, seen, y, &link)) {
		y->ok = false;
		/* What is on two lists has been told. */
		if (y->circle || !link.to || link.undecided || link.unreadable ||
		    (link.to - slab_object_address(y->s, 0)) % y->s->cache->size ||
		    link.to - slab_object_address(y->s, 0) >= y->s->objects * y->s->cache->size)
			bad_link(y, &link);
	} else if (cpu < 0 && y->nr != y->s->objects - y->s->inuse) {
		struct iq_slab_finding f = about(y->s, IQ_SLAB_COUNT);

		f.address = y->s->address;
		f.found = y->s->inuse;
		f.expected = y->s->objects - y->nr;
		slab_report(y->x, &f,
			    "slab 0x%lx says that %u of %u objects are in use, but %u are on its "
			    "free list",
			    ul(y->s->address), y->s->inuse, y->s->objects, y->nr);
	}
	y->nr += before;
	y->list++;
	y->name = NULL;
	return true;
}

/* Objects that are free in one place and on a list in another. */
static void held_twice(struct lists *y)
{
	for (unsigned int i = 0; i < y->s->objects; i++) {
		uint64_t object = slab_object_address(y->s, i);
		struct iq_slab_finding f = about(y->s, IQ_SLAB_TWO_LISTS);
		int cpu;

		if (y->on[i] == ON_NONE ||
		    slab_held_state(y->x->k, object, &cpu) == IQ_OBJECT_ALLOCATED)
			continue;
		f.object = f.address = object;
		slab_report(
			y->x, &f,
			"object 0x%lx of slab 0x%lx is on its free list and was freed elsewhere as "
			"well (a sheaf, or kfree_rcu)",
			ul(object), ul(y->s->address));
	}
}

static bool check_lists(struct slab_check *x, const struct iq_slab *s)
{
	struct lists y = {.x = x, .s = s, .on = malloc(s->objects), .ok = true};

	if (!y.on) {
		x->whole = false;
		return false;
	}
	memset(y.on, ON_NONE, s->objects);
	if (!slab_lists(x->k, &x->l, s, one_list, &y))
		x->whole = false;
	if (slab_held_load(x->k, s->cache))
		held_twice(&y);
	free(y.on);
	return y.ok;
}

/* ---- A slab -------------------------------------------------------------------------------------- */

static bool check_counts(struct slab_check *x, const struct iq_slab *s)
{
	struct iq_slab_finding f = about(s, IQ_SLAB_COUNT);
	uint64_t page = iq_dump_info(x->k->dump)->page_size, most;

	/* Slabs are of the cache's order, or smaller when memory is short. */
	most = s->cache->order < IQ_CACHE_ORDERS ? (page << s->cache->order) / s->cache->size : MAX_OBJECTS;
	f.address = s->address;
	if (!s->objects || s->objects > IQ_MAX(most, 1)) {
		f.found = s->objects;
		f.expected = most;
		slab_report(x, &f, "slab 0x%lx says that it has %u objects; at most %lu fit in it",
			    ul(s->address), s->objects, ul(most));
		return false;
	}
	if (s->inuse > s->objects) {
		f.found = s->inuse;
		f.expected = s->objects;
		slab_report(x, &f, "slab 0x%lx says that %u of its %u objects are in use",
			    ul(s->address), s->inuse, s->objects);
		return false;
	}
	return true;
}

static void check_pages(struct slab_check *x, const struct iq_slab *s)
{
	uint64_t size = iq_dump_info(x->k->dump)->page_size, pfn;
	uint64_t nr = (s->objects * s->cache->size + size - 1) / size;
	struct iq_slab_finding f = about(s, IQ_SLAB_PAGE);
	struct iq_page page;
	struct iq_error *err;

	for (uint64_t i = 0; i < nr && !x->stop && iq_page_pfn(x->k, s->address, &pfn); i++) {
		err = iq_page_of(x->k, pfn + i, &page);
		if (err) {
			iq_error_free(err);
			x->whole = false;
			return;
		}
		f.address = page.address;
		f.found = i ? page.head : page.flags;
		f.expected = i ? s->address : 0;
		if (!i && !slab_page_is_slab(x->k, &page)) {
			slab_report(x, &f,
				    "0x%lx is a slab of %s as far as its lists go, but its page is "
				    "not marked as "
				    "slab",
				    ul(s->address), s->cache->name);
			return;
		}
		if (i && (!page.is_tail || page.head != s->address)) {
			slab_report(x, &f,
				    "page 0x%lx is the %lu. of slab 0x%lx, but its head is 0x%lx",
				    ul(page.address), ul(i + 1), ul(s->address), ul(page.head));
			return;
		}
	}
}

/* S as read, sane or not. */
static void check_slab(struct slab_check *x, const struct iq_slab *s)
{
	enum iq_object_state *states;
	struct iq_slab_finding f = about(s, IQ_SLAB_STATE);

	if (s->kfence || !check_counts(x, s))
		return;
	check_pages(x, s);
	/*
	 * Where free lists of CPUs are not used, as with debugging, a frozen slab is one that the kernel
	 * itself took out of use because its checks failed (6.12+).
	 */
	if (s->frozen && !x->l.has_cpu_slab) {
		f.address = s->address;
		slab_report(x, &f,
			    "slab 0x%lx is frozen: the kernel's own checks found damage in it",
			    ul(s->address));
	}
	check_lists(x, s);
	if (!(s->cache->debug & (IQ_CACHE_RED_ZONE | IQ_CACHE_POISON)) || x->stop)
		return;
	states = calloc(s->objects, sizeof(*states));
	if (states) {
		slab_fill_states(x->k, &x->l, s, states, NULL);
		slab_check_bytes(x, s, states);
	}
	free(states);
}

/* ---- A cache ------------------------------------------------------------------------------------- */

struct node_count {
	uint64_t slabs, objects, partial;
};

/*
 * Slabs of SLAB_TYPESAFE_BY_RCU caches are there for a grace period after they were counted off: these have
 * an RCU callback where others have a list (mm/slub.c: free_slab()).
 */
struct rcu_slabs {
	uint64_t func_at, func; /* func 0: they cannot be told from others */
};

static struct rcu_slabs rcu_slabs(struct slab_check *x)
{
	struct iq_types *t = iq_kernel_types(x->k);
	struct rcu_slabs r = {0};
	uint64_t head, func;

	if (iq_offset(t, x->l.tag, "rcu_head", &head, NULL) &&
	    iq_offset(t, "callback_head", "func", &func, NULL)) {
		r.func_at = head + func;
		r.func = iq_kernel_symbol(x->k, "rcu_free_slab");
	}
	return r;
}

struct cache_check {
	struct slab_check x;
	const struct iq_cache *c;
	struct node_count node[MAX_NODES];
	struct rcu_slabs rcu;
	unsigned int nr;
	bool complete; /* no list was damaged: what was counted is all there is */
};

/* Is the slab given back already, and waits for RCU? */
static bool waits_for_rcu(const struct cache_check *y, const struct iq_slab *slab)
{
	uint64_t func;

	return y->c->debug & IQ_CACHE_RCU && y->rcu.func &&
	       kernel_read_ptr(y->x.k, slab->address + y->rcu.func_at, &func) && func == y->rcu.func;
}

static bool count_slab(void *arg, const struct iq_slab *slab, enum iq_slab_where where,
		       unsigned int number)
{
	struct cache_check *y = arg;
	unsigned int node = slab->node < 0 ? 0 : (unsigned int)slab->node;

	if (node < MAX_NODES && !waits_for_rcu(y, slab)) {
		y->node[node].slabs++;
		y->node[node].objects += slab->objects;
	}
	if (where == IQ_SLAB_NODE_PARTIAL && number < MAX_NODES)
		y->node[number].partial++;
	check_slab(&y->x, slab);
	if (++y->nr % 1024 == 0 && iq_cancelled(y->x.k->priv->options.cancel)) {
		y->x.whole = y->complete = false;
		return false;
	}
	return !y->x.stop;
}

static const char *list_name(enum iq_slab_where where, unsigned int number, char *text, size_t room)
{
	static const char *const formats[] = {"slab of CPU %u", "list of partial slabs of CPU %u",
					      "list of partial slabs of node %u",
					      "full slabs of node %u"};

	snprintf(text, room, formats[where], number);
	return text;
}

/* A list leads to something that is no sane slab of this cache. */
static void stray_slab(void *arg, uint64_t address, bool again, enum iq_slab_where where,
		       unsigned int number)
{
	struct cache_check *y = arg;
	struct iq_slab_finding f = {
		.kind = IQ_SLAB_WRONG_CACHE, .cache = y->c, .slab = address, .address = address};
	char list[64];
	struct iq_slab s;
	struct iq_page page;
	struct iq_error *err;
	uint64_t pfn;

	y->complete = false;
	list_name(where, number, list, sizeof(list));
	if (again) {
		f.kind = IQ_SLAB_TWO_LISTS;
		slab_report(&y->x, &f, "slab 0x%lx is on the %s of %s, and on another list already",
			    ul(address), list, y->c->name);
		return;
	}
	err = iq_page_pfn(y->x.k, address, &pfn) ? iq_page_of(y->x.k, pfn, &page)
						 : iq_error_new(IQ_E_MEMORY, "no struct page");
	if (err) {
		iq_error_free(err);
		f.kind = IQ_SLAB_LIST;
		slab_report(&y->x, &f, "the %s of %s leads to 0x%lx, where no struct page is", list,
			    y->c->name, ul(address));
	} else if (page.address != address || !slab_read_any(y->x.k, &y->x.l, &page, &s)) {
		slab_report(&y->x, &f, "the %s of %s leads to 0x%lx, which is no slab of any cache",
			    list, y->c->name, ul(address));
	} else if (s.cache != y->c) {
		slab_report(&y->x, &f,
			    "the %s of %s leads to 0x%lx, which says that it is a slab of %s", list,
			    y->c->name, ul(address), s.cache->name);
	} else {
		check_counts(&y->x, &s);
	}
}

static void list_broken(void *arg, const struct list_damage *d, enum iq_slab_where where,
			unsigned int number)
{
	struct cache_check *y = arg;
	struct iq_slab_finding f = {.kind = IQ_SLAB_LIST, .cache = y->c, .address = d->entry};
	char text[160], list[64];

	y->complete = false;
	f.found = d->kind == LIST_BACK ? d->value : d->entry;
	f.expected = d->kind == LIST_BACK ? d->prev : 0;
	kernel_list_damage_text(d, text, sizeof(text));
	slab_report(&y->x, &f, "%s of %s: %s", list_name(where, number, list, sizeof(list)),
		    y->c->name, text);
}

/* A count that the node keeps against what is there; LOW: it may be lower. */
static void compare(struct cache_check *y, unsigned int node, uint64_t address, const char *member,
		    uint64_t there, bool low, const char *what)
{
	struct iq_slab_finding f = {.kind = IQ_SLAB_COUNT, .cache = y->c, .expected = there};
	uint64_t at;

	if (!iq_offset(iq_kernel_types(y->x.k), "kmem_cache_node", member, &at, NULL) ||
	    !kernel_read_ptr(y->x.k, address + at, &f.found) || f.found == there ||
	    (low && f.found < there))
		return;
	f.address = address + at;
	slab_report(&y->x, &f, "node %u of %s: %s says %lu %s, but there are %lu", node, y->c->name,
		    member, ul(f.found), what, ul(there));
}

static void check_nodes(struct cache_check *y, bool full)
{
	/* Slabs of an RCU cache are there after they were counted off. */
	bool low = y->c->debug & IQ_CACHE_RCU && !y->rcu.func;
	uint64_t ids = 1, address;

	iq_kernel_variable(y->x.k, "nr_node_ids", 4, &ids);
	for (unsigned int i = 0; i < IQ_MIN(ids, MAX_NODES) && !y->x.stop; i++) {
		address = iq_cache_node(y->x.k, y->c, i);
		if (!address)
			continue;
		compare(y, i, address, "nr_partial", y->node[i].partial, false, "slabs on its list");
		if (!full)
			continue;
		compare(y, i, address, "nr_slabs", y->node[i].slabs, low, "slabs");
		compare(y, i, address, "total_objects", y->node[i].objects, low, "objects");
	}
}

/* ---- Sheaves ------------------------------------------------------------------------------------- */

struct sheaf_check {
	struct slab_check *x;
	const struct iq_cache *c;
	struct iq_map in; /* by object: 1 + number of the sheaf */
	uint64_t sheaves;
};

static bool sheaf_object(void *arg, uint64_t sheaf, uint64_t at, uint64_t object)
{
	struct sheaf_check *y = arg;
	struct iq_slab_finding f = {.kind = IQ_SLAB_WRONG_CACHE,
				    .cache = y->c,
				    .object = object,
				    .address = at,
				    .found = object};
	struct iq_object o = {0};
	bool found = iq_object_at(y->x->k, object, &o);

	f.slab = o.slab.address;
	if (!found && !o.slab.cache)
		slab_report(y->x, &f,
			    "the sheaf 0x%lx of %s has 0x%lx in it (at 0x%lx), which is in no slab",
			    ul(sheaf), y->c->name, ul(object), ul(at));
	else if (o.slab.cache != y->c)
		slab_report(y->x, &f,
			    "the sheaf 0x%lx of %s has 0x%lx in it (at 0x%lx), which belongs to %s",
			    ul(sheaf), y->c->name, ul(object), ul(at), o.slab.cache->name);
	else if (o.object != object)
		slab_report(
			y->x, &f,
			"the sheaf 0x%lx of %s has 0x%lx in it (at 0x%lx), where no object begins",
			ul(sheaf), y->c->name, ul(object), ul(at));
	else if (iq_map_get(&y->in, object)) {
		f.kind = IQ_SLAB_TWO_LISTS;
		slab_report(y->x, &f,
			    "object 0x%lx is in the sheaf 0x%lx (at 0x%lx), and in a sheaf already",
			    ul(object), ul(sheaf), ul(at));
	} else if (!iq_map_put(&y->in, object, y)) {
		y->x->whole = false;
	}
	return !y->x->stop;
}

static bool sheaf_damaged(void *arg, uint64_t sheaf, uint64_t size)
{
	struct sheaf_check *y = arg;
	struct iq_slab_finding f = {
		.kind = IQ_SLAB_SHEAF, .cache = y->c, .address = sheaf, .found = size};

	slab_report(y->x, &f,
		    "the slab_sheaf 0x%lx of %s cannot be read, or its size makes no sense (%lu)",
		    ul(sheaf), y->c->name, ul(size));
	return !y->x->stop;
}

/* ---- All of it ----------------------------------------------------------------------------------- */

bool iq_slab_check(struct iq_kernel *k, const struct iq_slab *slab,
		   bool (*fn)(void *arg, const struct iq_slab_finding *f), void *arg)
{
	struct slab_check x = {.k = k, .fn = fn, .arg = arg, .whole = true};

	if (!slab_layout(k, &x.l))
		return false;
	check_slab(&x, slab);
	return x.whole;
}

static bool has_sizes(struct slab_check *x, const struct iq_cache *c)
{
	struct iq_slab_finding f = {.kind = IQ_SLAB_CACHE, .cache = c, .address = c->address};

	if (c->order >= IQ_CACHE_ORDERS)
		slab_report(x, &f,
			    "the order of the slabs in kmem_cache 0x%lx (%s) makes no sense",
			    ul(c->address), c->name);
	if (slab_cache_at(x->k, c->address) == c)
		return true;
	slab_report(x, &f,
		    "the sizes in kmem_cache 0x%lx (%s) make no sense: object %lu, slot %lu, free "
		    "pointer at %lu",
		    ul(c->address), c->name, ul(c->object_size), ul(c->size), ul(c->free_offset));
	return false;
}

bool iq_cache_check(struct iq_kernel *k, const struct iq_cache *c, bool full,
		    bool (*fn)(void *arg, const struct iq_slab_finding *f), void *arg)
{
	struct cache_check *y = calloc(1, sizeof(*y));
	struct sheaf_check z;
	bool whole = false;

	if (!y)
		return false;
	y->x = (struct slab_check){.k = k, .fn = fn, .arg = arg, .whole = true};
	y->c = c;
	y->complete = true;
	if (slab_layout(k, &y->x.l) && has_sizes(&y->x, c)) {
		bool listed;

		if (c->debug & IQ_CACHE_RCU)
			y->rcu = rcu_slabs(&y->x);
		listed = slab_visit(
			k, c, full, &(struct slab_visitor){count_slab, stray_slab, list_broken, y});
		if (listed && y->complete && !y->x.stop)
			check_nodes(y, full);
		z = (struct sheaf_check){.x = &y->x, .c = c};
		if (c->priv->sheaves && !y->x.stop)
			slab_sheaves(k, c,
				     &(struct sheaf_visitor){sheaf_object, sheaf_damaged, &z});
		iq_map_free(&z.in);
		whole = y->x.whole && (listed || !y->complete);
	}
	free(y);
	return whole;
}

static void freed_twice(struct slab_check *x)
{
	uint64_t object;

	for (unsigned int i = 0; slab_held_twice(x->k, i, &object) && !x->stop; i++) {
		struct iq_slab_finding f = {
			.kind = IQ_SLAB_TWO_LISTS, .object = object, .address = object};
		struct iq_object o = {0};

		/* What kfree_rcu() takes need not be a slab object. */
		iq_object_at(x->k, object, &o);
		f.cache = o.slab.cache;
		f.slab = o.slab.address;
		slab_report(
			x, &f,
			"0x%lx (%s) is freed and waiting in two places: two sheaves, or given to "
			"kfree_rcu() twice",
			ul(object), f.cache ? f.cache->name : "no slab object");
	}
}

bool iq_slabs_check(struct iq_kernel *k, bool full,
		    bool (*fn)(void *arg, const struct iq_slab_finding *f), void *arg)
{
	struct slab_check x = {.k = k, .fn = fn, .arg = arg, .whole = true};
	struct iq_cache *const *caches;
	unsigned int nr;
	struct iq_error *err = iq_caches(k, &caches, &nr);

	if (err) {
		iq_error_free(err);
		return false;
	}
	for (unsigned int i = 0; i < nr; i++) {
		x.whole &= iq_cache_check(k, caches[i], full, fn, arg);
		if (iq_cancelled(k->priv->options.cancel))
			return false;
	}
	freed_twice(&x);
	return x.whole;
}
