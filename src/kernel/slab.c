// SPDX-License-Identifier: GPL-2.0-or-later
/* SLUB caches, slabs and the state of objects: see slab.h. */
#include <inquest/slab.h>

#include "slab_private.h"

#include <stdlib.h>

#define MAX_CACHES 65536
#define OBJECT_MAX (UINT64_C(1) << 24)
#define SLAB_RED_ZONE 0x400 /* include/linux/slab.h; the bit has not moved since 4.18 */

static bool find_layout(struct iq_kernel *k, struct slab_layout *l)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *type;
	struct iq_error *err;

	if (!t)
		return false;
	memset(l, 0, sizeof(*l));
	l->tag = iq_offset(t, "slab", "slab_cache", &l->cache_at, NULL) ? "slab" : "page";
	if (!iq_offset(t, l->tag, "slab_cache", &l->cache_at, NULL) ||
	    !iq_offset(t, l->tag, "freelist", &l->freelist_at, NULL))
		return false;
	type = iq_type_by_name(t, !strcmp(l->tag, "slab") ? "struct slab" : "struct page");
	err = iq_member_find(type, "inuse", &l->inuse);
	if (!err)
		err = iq_member_find(type, "objects", &l->objects);
	if (!err)
		err = iq_member_find(type, "frozen", &l->frozen);
	if (err) {
		iq_error_free(err);
		return false;
	}
	/*
	 * Gone in 7.0 (sheaves), and never there with SLUB_TINY.  Where it is there, the objects on its
	 * lists are free: without them no object's state is known.
	 */
	l->has_cpu_slab = iq_offset(t, "kmem_cache_cpu", "freelist", &l->cpu_freelist_at, NULL) &&
			  (iq_offset(t, "kmem_cache_cpu", "slab", &l->cpu_slab_at, NULL) ||
			   iq_offset(t, "kmem_cache_cpu", "page", &l->cpu_slab_at, NULL));
	return l->has_cpu_slab || !iq_kernel_sizeof(k, "kmem_cache_cpu");
}

/*
 * Slabs that were looked at last, with the states of their objects: who asks for one address of a slab asks for
 * others.  The dump does not change, so what was found stays true.
 */
#define RECENT_WAYS 64 /* a power of two */

struct recent_slab {
	struct iq_slab slab; /* address 0: nothing here */
	uint8_t *states; /* enum iq_object_state by index */
	int16_t *cpus;
};

struct slab_recent {
	enum lazy layout_state;
	struct slab_layout layout;
	struct recent_slab way[RECENT_WAYS];
};

static struct slab_recent *recent_of(struct iq_kernel *k)
{
	if (!k->priv->recent_slabs)
		k->priv->recent_slabs = calloc(1, sizeof(*k->priv->recent_slabs));
	return k->priv->recent_slabs;
}

bool slab_layout(struct iq_kernel *k, struct slab_layout *l)
{
	struct slab_recent *r = recent_of(k);

	if (!r)
		return false;
	if (!r->layout_state) {
		r->layout_state = find_layout(k, &r->layout) ? LAZY_DONE : LAZY_FAILED;
		if (r->layout_state == LAZY_FAILED && iq_kernel_types(k))
			iq_warn(k->warnings, "slab objects are not told: this kernel's allocator "
					     "is no SLUB whose "
					     "struct slab is known");
	}
	if (r->layout_state == LAZY_FAILED)
		return false;
	*l = r->layout;
	return true;
}

/* ---- Caches ------------------------------------------------------------------------------------- */

static bool add_cache(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct iq_kernel_private *p = k->priv;
	struct iq_types *t = iq_kernel_types(k);
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
	kernel_read_member(k, "kmem_cache", "flags", c->address, &c->flags);
	if (c->flags & SLAB_RED_ZONE)
		kernel_read_member(k, "kmem_cache", "red_left_pad", c->address, &c->red_left_pad);
	/* struct kmem_cache_order_objects oo: order in the bits above OO_SHIFT (16). */
	if (kernel_read_member(k, "kmem_cache", "oo.x", c->address, &v))
		c->order = (unsigned int)(v >> 16);
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
		kernel_list_for_each(k, head, MAX_CACHES, "list of slab caches", add_cache, NULL);
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

void slabs_free(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;
	unsigned int i;

	for (i = 0; p->recent_slabs && i < RECENT_WAYS; i++) {
		free(p->recent_slabs->way[i].states);
		free(p->recent_slabs->way[i].cpus);
	}
	free(p->recent_slabs);

	for (i = 0; i < p->nr_caches; i++) {
		free(p->caches[i]->priv);
		free(p->caches[i]);
	}
	free(p->caches);
	slab_held_free(k);
	slab_map_free(k);
	iq_map_free(&p->cache_by_address);
}

/* ---- Slabs -------------------------------------------------------------------------------------- */

static unsigned int bits(const uint8_t *bytes, const struct iq_member *m)
{
	uint64_t word = iq_le64(bytes + m->bit_offset / 64 * 8);

	if (!m->bit_size)
		return (unsigned int)(word >> m->bit_offset % 64 & UINT32_MAX);
	return (unsigned int)(word >> m->bit_offset % 64 & ((UINT64_C(1) << m->bit_size) - 1));
}

bool slab_read(struct iq_kernel *k, const struct slab_layout *l, const struct iq_page *page,
	       struct iq_slab *ret)
{
	struct iq_slab s = {.address = page->head, .node = iq_page_node(k, page)};
	uint64_t cache, pfn, end;
	uint8_t bytes[64];

	if (!kernel_read_ptr(k, s.address + l->cache_at, &cache) ||
	    !(s.cache = slab_cache_at(k, cache)))
		return false;
	if (!iq_page_pfn(k, s.address, &pfn) ||
	    iq_vm_read(k->vm, s.address, bytes, sizeof(bytes), NULL) ||
	    l->inuse.bit_offset / 64 >= 8 || l->objects.bit_offset / 64 >= 8 ||
	    l->frozen.bit_offset / 64 >= 8)
		return false;
	s.memory = k->layout.page_offset + pfn * iq_dump_info(k->dump)->page_size;
	s.objects = bits(bytes, &l->objects);
	s.inuse = bits(bytes, &l->inuse);
	s.frozen = bits(bytes, &l->frozen);
	/* A pointer to a cache can stand in the struct page of a page that is no slab any more. */
	if (!s.objects || s.objects > MAX_OBJECTS || s.inuse > s.objects ||
	    iq_mul_overflows(s.objects, s.cache->size, &end) || end > UINT64_C(1) << 30)
		return false;
	*ret = s;
	return true;
}

/* PG_slab where the kernel has that flag; the page type (top byte 0xf5, or bit 12 cleared in 6.10, 6.11)
 * where it has moved there.  The cache pointer is checked anyway. */
bool slab_page_is_slab(struct iq_kernel *k, const struct iq_page *page)
{
	struct iq_kernel_private *p = k->priv;
	unsigned int i;

	for (i = 0; i < p->nr_page_flags; i++)
		if (!strcmp(p->page_flags[i].name, "PG_slab"))
			return page->flags >> p->page_flags[i].value & 1;
	return page->mapcount_raw < -1;
}

/* The struct page with which the slab that contains ADDRESS would begin; false: no page there. */
static bool head_page(struct iq_kernel *k, uint64_t address, struct iq_page *head)
{
	uint64_t size = iq_dump_info(k->dump)->page_size, pfn, head_pfn;
	struct iq_page page;
	struct iq_error *err;

	if (address < k->layout.page_offset || address >= k->layout.page_offset_end)
		return false;
	pfn = (address - k->layout.page_offset) / size;
	err = iq_page_of(k, pfn, &page);
	if (!err && page.is_tail) {
		if (!iq_page_pfn(k, page.head, &head_pfn) || head_pfn > pfn)
			return false;
		err = iq_page_of(k, head_pfn, head);
	} else {
		*head = page;
	}
	iq_error_free(err);
	return !err;
}

/* ---- Free lists --------------------------------------------------------------------------------- */

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

/* Index of the object that begins at ADDRESS; -1: none does. */
static int object_index(const struct iq_slab *s, uint64_t address)
{
	uint64_t first = s->memory + s->cache->red_left_pad, i;

	if (address < first || (address - first) % s->cache->size)
		return -1;
	i = (address - first) / s->cache->size;
	return i < s->objects ? (int)i : -1;
}

/*
 * Follow a free list from object HEAD (a plain address): mark each object with STATE and CPU.  With CODING unknown
 * nothing is marked; the return value says whether the list makes sense to its end.
 */
static bool follow(struct iq_kernel *k, const struct iq_slab *s, uint64_t head, enum coding coding,
		   enum iq_object_state *states, enum iq_object_state state, int *cpus, int cpu)
{
	unsigned int n;

	for (n = 0; head; n++) {
		int i = object_index(s, head);
		uint64_t at = head + s->cache->free_offset, stored;

		if (i < 0 || n > s->objects)
			return false;
		if (states) {
			if (states[i] == state)
				return false; /* twice on one list: a circle, or freed twice */
			states[i] = state;
			if (cpus)
				cpus[i] = cpu;
		}
		if (!kernel_read_ptr(k, at, &stored))
			return false;
		head = decode(coding, s->cache, stored, at);
	}
	return true;
}

/* A list of one object proves little: its only link must decode to NULL, which a wrong coding does by
 * chance once in 2^64. */
static enum coding find_coding(struct iq_kernel *k, const struct iq_slab *s, uint64_t head)
{
	enum coding c;

	if (s->cache->priv->coding)
		return s->cache->priv->coding;
	for (c = NR_CODINGS - 1; c > CODING_UNKNOWN; c--) {
		if (c != CODING_PLAIN && !s->cache->random)
			continue;
		if (follow(k, s, head, c, NULL, IQ_OBJECT_UNKNOWN, NULL, -1)) {
			s->cache->priv->coding = c;
			return c;
		}
	}
	return CODING_UNKNOWN;
}

static bool follow_marked(struct iq_kernel *k, const struct iq_slab *s, uint64_t head,
			  enum iq_object_state *states, enum iq_object_state state, int *cpus,
			  int cpu)
{
	enum coding c;

	if (!head)
		return true;
	c = find_coding(k, s, head);
	return c && follow(k, s, head, c, states, state, cpus, cpu);
}

bool slab_count_free(struct iq_kernel *k, const struct iq_slab *s, uint64_t head, unsigned int *nr)
{
	enum iq_object_state *states = calloc(s->objects, sizeof(*states));
	bool ok = states && follow_marked(k, s, head, states, IQ_OBJECT_FREE, NULL, -1);
	unsigned int i;

	*nr = 0;
	for (i = 0; ok && i < s->objects; i++)
		*nr += states[i] == IQ_OBJECT_FREE;
	free(states);
	return ok;
}

/* Objects that are free, or waiting to be, without being on a free list of the slab. */
static bool mark_held(struct iq_kernel *k, const struct iq_slab *s, enum iq_object_state *states,
		      int *cpus)
{
	bool ok = slab_held_load(k, s->cache);

	for (unsigned int i = 0; i < s->objects; i++) {
		uint64_t object = s->memory + s->cache->red_left_pad + i * s->cache->size;
		int cpu = -1;
		enum iq_object_state held = slab_held_state(k, object, &cpu);

		if (held == IQ_OBJECT_ALLOCATED)
			continue;
		if (states[i] != IQ_OBJECT_ALLOCATED) {
			iq_warn(k->warnings,
				"%s object 0x%lx is on a free list of its slab and freed elsewhere as "
				"well", s->cache->name, (unsigned long)object);
			continue;
		}
		states[i] = held;
		if (cpus)
			cpus[i] = cpu;
	}
	return ok;
}

/* Fill in the states; false if a list could not be followed to its end (what it led to is marked). */
static bool fill_states(struct iq_kernel *k, const struct slab_layout *l, const struct iq_slab *s,
			enum iq_object_state *states, int *cpus)
{
	const struct iq_cpu *all;
	unsigned int i, nr;
	uint64_t head, slab;
	bool ok = true;

	for (i = 0; i < s->objects; i++) {
		states[i] = IQ_OBJECT_ALLOCATED;
		if (cpus)
			cpus[i] = -1;
	}
	ok = kernel_read_ptr(k, s->address + l->freelist_at, &head) &&
	     follow_marked(k, s, head, states, IQ_OBJECT_FREE, cpus, -1);
	if (l->has_cpu_slab && s->cache->priv->cpu_slab) {
		all = iq_kernel_cpus(k, &nr);
		for (i = 0; i < nr; i++) {
			uint64_t c = s->cache->priv->cpu_slab + all[i].percpu_offset;

			if (!all[i].percpu_offset ||
			    !kernel_read_ptr(k, c + l->cpu_slab_at, &slab) || slab != s->address)
				continue;
			ok &= kernel_read_ptr(k, c + l->cpu_freelist_at, &head) &&
			      follow_marked(k, s, head, states, IQ_OBJECT_CPU_FREE, cpus, (int)i);
		}
	}
	ok &= mark_held(k, s, states, cpus);
	if (!ok)
		for (i = 0; i < s->objects; i++)
			if (states[i] == IQ_OBJECT_ALLOCATED)
				states[i] = IQ_OBJECT_UNKNOWN;
	return ok;
}

/* ---- Look-ups ----------------------------------------------------------------------------------- */

bool iq_slab_states(struct iq_kernel *k, const struct iq_slab *slab, enum iq_object_state *ret,
		    int *cpus)
{
	struct slab_layout l;

	return slab_layout(k, &l) && fill_states(k, &l, slab, ret, cpus);
}

/* Find out about the slab that begins with page HEAD, into way W. */
static bool load_slab(struct iq_kernel *k, const struct slab_layout *l, const struct iq_page *head,
		      struct recent_slab *w)
{
	enum iq_object_state *states;
	struct iq_slab s;
	unsigned int i;
	int *cpus;

	if (!slab_page_is_slab(k, head) || !slab_read(k, l, head, &s))
		return false;
	free(w->states);
	free(w->cpus);
	*w = (struct recent_slab){.states = calloc(s.objects, 1),
				  .cpus = calloc(s.objects, sizeof(*w->cpus))};
	states = calloc(s.objects, sizeof(*states));
	cpus = calloc(s.objects, sizeof(*cpus));
	if (states && cpus && w->states && w->cpus) {
		s.lists_ok = fill_states(k, l, &s, states, cpus);
		for (i = 0; i < s.objects; i++) {
			s.allocated += states[i] == IQ_OBJECT_ALLOCATED;
			w->states[i] = (uint8_t)states[i];
			w->cpus[i] = (int16_t)cpus[i];
		}
		w->slab = s;
	}
	free(states);
	free(cpus);
	return w->slab.address != 0;
}

/* Most that the pages of the slab can be: some end with room for less than an object. */
static uint64_t slab_bytes(struct iq_kernel *k, const struct iq_slab *s)
{
	uint64_t page = iq_dump_info(k->dump)->page_size;
	uint64_t used = (s->objects * s->cache->size + page - 1) / page * page;

	return IQ_MAX(used, s->cache->order < 16 ? page << s->cache->order : 0);
}

/* The slab that contains ADDRESS; NULL: none.  Valid until the next call. */
static const struct recent_slab *slab_of(struct iq_kernel *k, uint64_t address)
{
	struct slab_recent *r = recent_of(k);
	struct recent_slab *w;
	struct slab_layout l;
	struct iq_page head;

	if (!slab_layout(k, &l) || !head_page(k, address, &head))
		return NULL;
	w = &r->way[(head.pfn ^ head.pfn >> 6) % RECENT_WAYS];
	if (w->slab.address != head.address && !load_slab(k, &l, &head, w))
		return NULL;
	/* A damaged struct page can name a head that its page does not belong to. */
	return address - w->slab.memory < slab_bytes(k, &w->slab) ? w : NULL;
}

bool iq_slab_at(struct iq_kernel *k, uint64_t address, struct iq_slab *ret)
{
	const struct recent_slab *w = slab_of(k, address);

	if (w)
		*ret = w->slab;
	return w != NULL;
}

bool iq_object_at(struct iq_kernel *k, uint64_t address, struct iq_object *ret)
{
	const struct recent_slab *w = slab_of(k, address);
	struct iq_object o = {.cpu = -1};

	if (!w)
		return false;
	o.slab = w->slab;
	o.index = (unsigned int)((address - o.slab.memory) / o.slab.cache->size);
	if (o.index < o.slab.objects) {
		o.object =
			o.slab.memory + o.index * o.slab.cache->size + o.slab.cache->red_left_pad;
		/* In the left red zone: belongs to this slot, in front of the object. */
		o.offset = address >= o.object ? address - o.object : o.slab.cache->size;
		o.state = w->states[o.index];
		o.cpu = w->cpus[o.index];
	}
	*ret = o;
	return o.object != 0;
}
