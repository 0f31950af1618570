// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes that have a known value where a cache is debugged (slub_debug=ZP; mm/slub.c: "Object field layout",
 * include/linux/poison.h).  An object's slot, from low to high addresses:
 *
 *	red zone | object | red zone | free pointer | tracks | size asked for | padding
 *	 (left)           (up to inuse) (if not in the object)  (of kmalloc)
 */
#include "slab_check.h"

#include <ctype.h>
#include <stdlib.h>

#define RED_INACTIVE 0xbb
#define RED_ACTIVE 0xcc
#define POISON_INUSE 0x5a
#define POISON_FREE 0x6b
#define POISON_END 0xa5
#define CHUNK 4096

struct slot {
	struct slab_check *x;
	const struct iq_slab *s;
	uint64_t object;
	const uint8_t *bytes; /* of the whole slot */
	uint64_t left; /* where in it the object begins */
	enum iq_object_state state;
};

static void text_bytes(const struct iq_slab_finding *f, char *text, size_t room)
{
	size_t n = 0;

	for (unsigned int i = 0; i < f->nr_bytes && i < 16 && n + 4 < room; i++)
		n += (size_t)snprintf(text + n, room - n, "%s%02x", i ? " " : "", f->bytes[i]);
	if (f->len > 16 && n + 4 < room)
		n += (size_t)snprintf(text + n, room - n, " …");
	for (unsigned int i = 0; i < f->nr_bytes; i++)
		if (!isprint(f->bytes[i]) || f->bytes[i] == '"' || f->bytes[i] == '\\')
			return;
	if (n + f->nr_bytes + 6 < room)
		snprintf(text + n, room - n, " \"%.*s\"", (int)f->nr_bytes, (const char *)f->bytes);
}

/* Are bytes [FROM, TO) at offset AT all VALUE?  If not, F says which are not. */
static bool all(const uint8_t *bytes, uint64_t from, uint64_t to, uint8_t value, uint64_t address,
		struct iq_slab_finding *f)
{
	while (from < to && bytes[from] == value)
		from++;
	if (from >= to)
		return true;
	while (bytes[to - 1] == value)
		to--;
	f->address = address + from;
	f->found = bytes[from];
	f->expected = value;
	f->len = to - from;
	f->nr_bytes = (unsigned int)IQ_MIN(f->len, IQ_SLAB_BYTES);
	memcpy(f->bytes, bytes + from, f->nr_bytes);
	return false;
}

static void overwritten(struct slab_check *x, struct iq_slab_finding *f, const char *what)
{
	char bytes[160] = "", of[64] = "";

	text_bytes(f, bytes, sizeof(bytes));
	if (f->object)
		snprintf(of, sizeof(of), " of object 0x%lx", (unsigned long)f->object);
	slab_report(x, f, "%s%s overwritten at 0x%lx, %lu byte%s: %s instead of %02x", what, of,
		    (unsigned long)f->address, (unsigned long)f->len, f->len == 1 ? "" : "s", bytes,
		    (unsigned int)f->expected);
}

/* [FROM, TO), relative to the object, should be VALUE. */
static bool expect(const struct slot *o, int64_t from, int64_t to, uint8_t value,
		   enum iq_slab_damage kind, const char *what)
{
	struct iq_slab_finding f = {
		.kind = kind, .cache = o->s->cache, .slab = o->s->address, .object = o->object};

	if (from >= to || all(o->bytes, (uint64_t)((int64_t)o->left + from),
			      (uint64_t)((int64_t)o->left + to), value, o->object - o->left, &f))
		return true;
	overwritten(o->x, &f, what);
	return false;
}

static bool is_all(const struct slot *o, uint8_t value)
{
	const struct iq_cache *c = o->s->cache;
	struct iq_slab_finding f;

	return all(o->bytes, 0, o->left, value, 0, &f) &&
	       all(o->bytes, o->left + c->object_size, o->left + c->inuse, value, 0, &f);
}

static void check_red_zones(const struct slot *o)
{
	const struct iq_cache *c = o->s->cache;
	bool free = o->state == IQ_OBJECT_FREE;
	uint8_t value = free ? RED_INACTIVE : RED_ACTIVE;

	/* Both of the other kind: nobody wrote over them. */
	if (is_all(o, RED_INACTIVE) || is_all(o, RED_ACTIVE)) {
		struct iq_slab_finding f = {.kind = IQ_SLAB_STATE,
					    .cache = c,
					    .slab = o->s->address,
					    .object = o->object,
					    .address = o->object,
					    .found = o->bytes[o->left + c->object_size],
					    .expected = value};

		if (f.found != value && o->state != IQ_OBJECT_UNKNOWN)
			slab_report(o->x, &f,
				    "object 0x%lx is %s by its red zones, but %s by the free lists "
				    "of its slab",
				    (unsigned long)o->object, free ? "allocated" : "free",
				    free ? "free" : "allocated");
		return;
	}
	/* Which it was before can be told from the side that is whole. */
	if (o->state == IQ_OBJECT_UNKNOWN)
		value = o->bytes[0] == RED_INACTIVE ||
					o->bytes[o->left + c->inuse - 1] == RED_INACTIVE
				? RED_INACTIVE
				: RED_ACTIVE;
	expect(o, -(int64_t)o->left, 0, value, IQ_SLAB_RED_ZONE, "left red zone");
	expect(o, (int64_t)c->object_size, (int64_t)c->inuse, value, IQ_SLAB_RED_ZONE,
	       "right red zone");
}

/* Where padding begins that nobody uses, relative to the object. */
static uint64_t padding_from(struct iq_kernel *k, const struct iq_cache *c)
{
	uint64_t at = c->inuse;

	if (c->free_offset >= c->inuse)
		at += 8;
	if (c->debug & IQ_CACHE_STORE_USER) {
		at += 2 * iq_kernel_sizeof(k, "track");
		/* Four bytes with the size that was asked for (6.1), eight in 7.0. */
		if (c->debug & IQ_CACHE_KMALLOC)
			at += 8;
	}
	return at;
}

static void check_poison(const struct slot *o, uint64_t pad)
{
	const struct iq_cache *c = o->s->cache;
	uint64_t slot = c->size - c->red_left_pad;

	if (!(c->debug & IQ_CACHE_RED_ZONE))
		expect(o, (int64_t)c->object_size, (int64_t)c->inuse, POISON_INUSE, IQ_SLAB_PADDING,
		       "padding");
	if (c->debug & IQ_CACHE_OBJECT_POISON && o->state == IQ_OBJECT_FREE && c->object_size &&
	    c->free_offset >= c->inuse &&
	    expect(o, 0, (int64_t)c->object_size - 1, POISON_FREE, IQ_SLAB_POISON, "poison"))
		expect(o, (int64_t)c->object_size - 1, (int64_t)c->object_size, POISON_END,
		       IQ_SLAB_POISON, "end of the poison");
	if (pad < slot)
		expect(o, (int64_t)pad, (int64_t)slot, POISON_INUSE, IQ_SLAB_PADDING, "padding");
}

/* KASAN keeps what it knows in the object and behind it: then neither poison nor padding is as above. */
static bool kasan_lives_there(struct iq_kernel *k, const struct iq_cache *c)
{
	uint64_t at, size = 0, v;

	if (!iq_offset(iq_kernel_types(k), "kmem_cache", "kasan_info", &at, &size))
		return false;
	for (uint64_t i = 0; i + 4 <= size; i += 4)
		if (kernel_read_uint(k, c->address + at + i, 4, &v) && v)
			return true;
	return false;
}

/* What is behind the last object, up to the end of the last page. */
static void check_tail(struct slab_check *x, const struct iq_slab *s)
{
	struct iq_slab_finding f = {.kind = IQ_SLAB_PADDING, .cache = s->cache, .slab = s->address};
	uint64_t page = iq_dump_info(x->k->dump)->page_size, used = s->objects * s->cache->size,
		 ext;
	uint64_t end = (used + page - 1) / page * page;
	uint8_t bytes[CHUNK];

	/* memcg's data can lie there (7.0+). */
	if (kernel_read_member(x->k, x->l.tag, "obj_exts", s->address, &ext) &&
	    (ext & ~UINT64_C(7)) - s->memory < end + page)
		return;
	if (used >= end)
		return;
	if (iq_vm_read(x->k->vm, s->memory + used, bytes, IQ_MIN(end - used, CHUNK), NULL)) {
		x->whole = false;
		return;
	}
	if (!all(bytes, 0, IQ_MIN(end - used, CHUNK), POISON_INUSE, s->memory + used, &f))
		overwritten(x, &f, "padding behind the last object of the slab");
}

void slab_check_bytes(struct slab_check *x, const struct iq_slab *s,
		      const enum iq_object_state *states)
{
	const struct iq_cache *c = s->cache;
	bool kasan = kasan_lives_there(x->k, c);
	uint8_t *bytes = malloc(c->size);
	uint64_t pad = c->debug & IQ_CACHE_EXT_IN_OBJECT ? c->size : padding_from(x->k, c);

	if (!bytes || c->inuse < c->object_size || c->red_left_pad + c->inuse > c->size ||
	    c->red_left_pad + pad > c->size + 8) {
		x->whole = false;
		free(bytes);
		return;
	}
	for (unsigned int i = 0; i < s->objects && !x->stop; i++) {
		struct slot o = {.x = x,
				 .s = s,
				 .object = slab_object_address(s, i),
				 .bytes = bytes,
				 .left = c->red_left_pad,
				 .state = states[i]};

		if (iq_vm_read(x->k->vm, o.object - o.left, bytes, c->size, NULL)) {
			x->whole = false;
			continue;
		}
		if (c->debug & IQ_CACHE_RED_ZONE && c->inuse > c->object_size)
			check_red_zones(&o);
		if (c->debug & IQ_CACHE_POISON && !kasan)
			check_poison(&o, pad);
	}
	if (c->debug & IQ_CACHE_POISON)
		check_tail(x, s);
	free(bytes);
}
