// SPDX-License-Identifier: GPL-2.0-or-later
/* SLUB caches, slabs and the state of objects: see slab.h. */
#include <inquest/slab.h>

#include "slab_private.h"
#include <inquest/slab_track.h>

#include <stdlib.h>

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
	if (!iq_offset(t, l->tag, "slab_list", &l->list_at, NULL) &&
	    !iq_offset(t, l->tag, "lru", &l->list_at, NULL))
		return false;
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
	struct slab_coding coding;
	bool mark_known;
	uint64_t flag;		/* PG_slab in page->flags; 0: a page type says it */
	uint32_t type_mask, type;
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

struct slab_coding *slab_coding(struct iq_kernel *k)
{
	return &recent_of(k)->coding; /* slab_layout() made it */
}

/* ---- Slabs -------------------------------------------------------------------------------------- */

static unsigned int bits(const uint8_t *bytes, const struct iq_member *m)
{
	uint64_t word = iq_le64(bytes + m->bit_offset / 64 * 8);

	if (!m->bit_size)
		return (unsigned int)(word >> m->bit_offset % 64 & UINT32_MAX);
	return (unsigned int)(word >> m->bit_offset % 64 & ((UINT64_C(1) << m->bit_size) - 1));
}

bool slab_read_any(struct iq_kernel *k, const struct slab_layout *l, const struct iq_page *page,
		   struct iq_slab *ret)
{
	struct iq_slab s = {.address = page->head, .node = iq_page_node(k, page)};
	uint64_t cache, pfn;
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
	*ret = s;
	return true;
}

bool slab_is_sane(const struct iq_slab *s)
{
	uint64_t end;

	return s->objects && s->objects <= MAX_OBJECTS && s->inuse <= s->objects &&
	       !iq_mul_overflows(s->objects, s->cache->size, &end) && end <= UINT64_C(1) << 30;
}

bool slab_read(struct iq_kernel *k, const struct slab_layout *l, const struct iq_page *page,
	       struct iq_slab *ret)
{
	struct iq_slab s;

	/* A pointer to a cache can stand in the struct page of a page that is no slab any more. */
	if (!slab_read_any(k, l, page, &s) || !slab_is_sane(&s))
		return false;
	*ret = s;
	return true;
}

/*
 * PG_slab where the kernel has that page flag; since 6.10 a page type: a bit of _mapcount that is cleared,
 * since 6.12 a number in its top byte.  The cache pointer is checked anyway.
 */
bool slab_page_is_slab(struct iq_kernel *k, const struct iq_page *page)
{
	const struct iq_kernel_private *p = k->priv;
	struct slab_recent *r = recent_of(k);
	struct iq_types *t = iq_kernel_types(k);
	int64_t value;

	if (!r)
		return false;
	if (!r->mark_known) {
		r->mark_known = true;
		for (unsigned int i = 0; i < p->nr_page_flags; i++)
			if (!strcmp(p->page_flags[i].name, "PG_slab"))
				r->flag = UINT64_C(1) << (p->page_flags[i].value & 63);
		if (!r->flag && t && iq_enumerator_by_name(t, "PGTY_slab", &value)) {
			r->type_mask = UINT32_C(0xff) << 24;
			r->type = (uint32_t)value << 24;
		} else if (!r->flag && t && iq_enumerator_by_name(t, "PG_slab", &value)) {
			r->type = UINT32_C(0xf) << 28;
			r->type_mask = r->type | (uint32_t)value;
		}
	}
	if (r->flag)
		return page->flags & r->flag;
	return r->type_mask ? ((uint32_t)page->mapcount_raw & r->type_mask) == r->type
			    : page->mapcount_raw < -1;
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

/* ---- Look-ups ----------------------------------------------------------------------------------- */

bool iq_slab_states(struct iq_kernel *k, const struct iq_slab *slab, enum iq_object_state *ret,
		    int *cpus)
{
	struct slab_layout l;

	return slab_layout(k, &l) && slab_fill_states(k, &l, slab, ret, cpus);
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
		s.lists_ok = slab_fill_states(k, l, &s, states, cpus);
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

uint64_t slab_bytes(struct iq_kernel *k, const struct iq_slab *s)
{
	uint64_t page = iq_dump_info(k->dump)->page_size;
	uint64_t used = (s->objects * s->cache->size + page - 1) / page * page;

	return IQ_MAX(used, s->cache->order < IQ_CACHE_ORDERS ? page << s->cache->order : 0);
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

/* The object of KFENCE's pool, if ADDRESS is in one of its pages, which look like those of a slab. */
static bool kfence_object(struct iq_kernel *k, uint64_t address, struct iq_object *ret)
{
	static const enum iq_object_state states[] = {IQ_OBJECT_UNKNOWN, IQ_OBJECT_ALLOCATED,
						      IQ_OBJECT_RCU_PENDING, IQ_OBJECT_FREE};
	struct iq_object o = {.cpu = -1};
	struct slab_layout l;
	struct iq_page head;
	struct iq_kfence f;

	if (!iq_kfence_at(k, address, &f) || f.guard || f.state == IQ_KFENCE_UNUSED ||
	    !slab_layout(k, &l) || !head_page(k, address, &head))
		return false;
	o.slab = (struct iq_slab){.cache = slab_cache_at(k, f.cache), .address = head.address,
				  .memory = f.page, .objects = 1, .inuse = 1, .kfence = true,
				  .lists_ok = true, .node = iq_page_node(k, &head)};
	if (!o.slab.cache)
		return false;
	o.slab.allocated = f.state == IQ_KFENCE_ALLOCATED;
	o.object = f.object;
	o.offset = address >= f.object ? address - f.object : o.slab.cache->size;
	o.state = states[f.state];
	*ret = o;
	return true;
}

bool iq_slab_at(struct iq_kernel *k, uint64_t address, struct iq_slab *ret)
{
	const struct recent_slab *w;
	struct iq_object o;

	if (kfence_object(k, address, &o)) {
		*ret = o.slab;
		return true;
	}
	w = slab_of(k, address);
	if (w)
		*ret = w->slab;
	return w != NULL;
}

bool iq_object_at(struct iq_kernel *k, uint64_t address, struct iq_object *ret)
{
	struct iq_object o = {.cpu = -1};
	const struct recent_slab *w;

	if (kfence_object(k, address, ret))
		return true;
	w = slab_of(k, address);
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
		free(p->caches[i]->priv->origin);
		free(p->caches[i]->priv);
		free(p->caches[i]);
	}
	free(p->caches);
	slab_held_free(k);
	slab_map_free(k);
	kfence_free(k);
	slab_origins_free(k);
	slab_aliases_free(k);
	iq_map_free(&p->cache_by_address);
}

