// SPDX-License-Identifier: GPL-2.0-or-later
/* Who allocated and who freed an object: see slab_track.h. */
#include <inquest/slab_track.h>

#include "slab_private.h"

/* ---- slub_debug=U: struct track twice behind the object ------------------------------------------- */

static void read_track(struct iq_kernel *k, uint64_t at, struct iq_track *t)
{
	struct iq_types *types = iq_kernel_types(k);
	uint64_t v, addrs, size, now;

	*t = (struct iq_track){.pid = -1, .cpu = -1};
	if (!kernel_read_member(k, "track", "addr", at, &t->caller) || !t->caller)
		return;
	t->known = true;
	if (kernel_read_member(k, "track", "pid", at, &v))
		t->pid = (int)v;
	if (kernel_read_member(k, "track", "cpu", at, &v))
		t->cpu = (int)v;
	if (kernel_read_member(k, "track", "when", at, &v) &&
	    iq_kernel_variable(k, "jiffies", 8, &now)) {
		t->has_age = now >= v;
		t->age = now - v;
	}
	/* A handle of the stack depot since 5.19; before, the stack itself, if stacks are saved at all. */
	if (kernel_read_member(k, "track", "handle", at, &v)) {
		t->nr = iq_stack_depot(k, (uint32_t)v, t->stack, IQ_TRACK_FRAMES);
	} else if (iq_offset(types, "track", "addrs", &addrs, &size)) {
		for (uint64_t i = 0; i < IQ_MIN(size / 8, IQ_TRACK_FRAMES); i++) {
			/* The end is 0, or ULONG_MAX in old kernels. */
			if (!kernel_read_ptr(k, at + addrs + 8 * i, &v) || !v || v == UINT64_MAX)
				break;
			t->stack[t->nr++] = v;
		}
	}
}

/* Where SLUB's own data behind an object begins, from the object on. */
static uint64_t info_end(const struct iq_cache *c)
{
	return c->free_offset >= c->inuse ? c->inuse + 8 : c->inuse;
}

static bool slub_tracks(struct iq_kernel *k, const struct iq_object *o,
			struct iq_object_tracks *ret)
{
	const struct iq_cache *c = o->slab.cache;
	uint64_t size = iq_kernel_sizeof(k, "track"), at = o->object + info_end(c), behind;

	behind = info_end(c) + 2 * size;
	if (!(c->debug & IQ_CACHE_STORE_USER) || !size || behind + c->red_left_pad > c->size)
		return false;
	ret->from = "slub_debug";
	read_track(k, at, &ret->allocated);
	read_track(k, at + size, &ret->freed);
	/* The size asked for is there since 6.1, which the function that skips it shows. */
	if (c->debug & IQ_CACHE_KMALLOC && behind + 4 + c->red_left_pad <= c->size &&
	    o->state == IQ_OBJECT_ALLOCATED &&
	    kernel_read_uint(k, o->object + behind, 4, &ret->asked))
		ret->has_asked = ret->asked && ret->asked <= c->object_size;
	return true;
}

/* ---- KFENCE --------------------------------------------------------------------------------------- */

static void kfence_track(struct iq_kernel *k, uint64_t metadata, const char *member,
			 struct iq_track *t)
{
	struct iq_types *types = iq_kernel_types(k);
	uint64_t at, v, nr, entries;

	*t = (struct iq_track){.pid = -1, .cpu = -1};
	if (!iq_offset(types, "kfence_metadata", member, &at, NULL) ||
	    !iq_offset(types, "kfence_track", "stack_entries", &entries, NULL) ||
	    !kernel_read_member(k, "kfence_track", "num_stack_entries", metadata + at, &nr) || !nr)
		return;
	at += metadata;
	t->known = true;
	if (kernel_read_member(k, "kfence_track", "pid", at, &v))
		t->pid = (int)v;
	if (kernel_read_member(k, "kfence_track", "cpu", at, &v))
		t->cpu = (int)v;
	t->has_time = kernel_read_member(k, "kfence_track", "ts_nsec", at, &t->time);
	for (; t->nr < IQ_MIN(nr, IQ_TRACK_FRAMES); t->nr++)
		if (!kernel_read_ptr(k, at + entries + 8 * t->nr, &t->stack[t->nr]))
			break;
}

static bool kfence_tracks(struct iq_kernel *k, const struct iq_object *o,
			  struct iq_object_tracks *ret)
{
	struct iq_kfence f;

	if (!o->slab.kfence || !iq_kfence_at(k, o->object, &f))
		return false;
	ret->from = "KFENCE";
	kfence_track(k, f.metadata, "alloc_track", &ret->allocated);
	/* The free stack of an object that lives is the last one's in its place. */
	if (f.state != IQ_KFENCE_ALLOCATED)
		kfence_track(k, f.metadata, "free_track", &ret->freed);
	ret->has_asked = f.size != 0;
	ret->asked = f.size;
	return true;
}

/* ---- KASAN ---------------------------------------------------------------------------------------- */

/*
 * struct kasan_track in the metadata at OFFSET_MEMBER of kmem_cache.kasan_info, which is where this cache keeps
 * it.  It counts only if its stack is in the depot: the place is reused.
 */
static void kasan_track(struct iq_kernel *k, const struct iq_object *o, const char *offset_member,
			const char *tag, const char *track_member, struct iq_track *t)
{
	struct iq_types *types = iq_kernel_types(k);
	uint64_t offset, at, handle, v;

	*t = (struct iq_track){.pid = -1, .cpu = -1};
	if (!kernel_read_member(k, "kmem_cache", offset_member, o->slab.cache->address, &offset) ||
	    offset > o->slab.cache->size || !iq_offset(types, tag, track_member, &at, NULL))
		return;
	at += o->object + offset;
	if (!kernel_read_member(k, "kasan_track", "stack", at, &handle))
		return;
	t->nr = iq_stack_depot(k, (uint32_t)handle, t->stack, IQ_TRACK_FRAMES);
	t->known = t->nr != 0;
	if (t->known && kernel_read_member(k, "kasan_track", "pid", at, &v))
		t->pid = (int)v;
}

static bool kasan_tracks(struct iq_kernel *k, const struct iq_object *o,
			 struct iq_object_tracks *ret)
{
	uint64_t at;

	if (!iq_offset(iq_kernel_types(k), "kmem_cache", "kasan_info.alloc_meta_offset", &at, NULL))
		return false;
	ret->from = "KASAN";
	kasan_track(k, o, "kasan_info.alloc_meta_offset", "kasan_alloc_meta", "alloc_track",
		    &ret->allocated);
	if (o->state != IQ_OBJECT_ALLOCATED)
		kasan_track(k, o, "kasan_info.free_meta_offset", "kasan_free_meta", "free_track",
			    &ret->freed);
	return ret->allocated.known || ret->freed.known;
}

bool iq_object_tracks(struct iq_kernel *k, const struct iq_object *o, struct iq_object_tracks *ret)
{
	struct iq_object_tracks t = {0};
	bool found = o->object && o->slab.cache && iq_kernel_types(k) &&
		     (kfence_tracks(k, o, &t) || slub_tracks(k, o, &t) || kasan_tracks(k, o, &t));

	if (found)
		*ret = t;
	return found;
}
