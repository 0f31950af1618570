// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types of objects in general caches (kmalloc-192), which nothing in memory records.
 *
 * What is argued: a function that was running was given a pointer of a known type; so the object that it points to
 * is of that type; so its pointer members point to objects of their types, and so on.  An argument ends at
 * unions, void pointers and pointers into the middle of objects.  It holds only if the object is large enough, and
 * if what is in it looks like the type: pointers lead somewhere, lists are linked both ways, functions are code,
 * booleans are 0 or 1.  If the object is in the size class that a kmalloc() of the type would choose as
 * well, the type is `likely`; else, and if a single member looks wrong in an object in which much else looks right
 * (it may be what the machine died of), it is `possible`.  Two arguments for types that have nothing to do with each
 * other leave it unknown.
 */
#include "typed.h"

#include <stdlib.h>

#define MAX_OBJECTS 8192
#define MAX_LEVEL 6 /* pointers followed from the argument */
#define MAX_DEPTH 8 /* structs within structs */
#define MAX_ELEMENTS 16 /* of an array that are looked at */
#define MAX_SIZE 32768 /* of a struct that is looked at */
#define MAX_CPUS 64
#define MAX_ROUNDS 5

struct entry {
	struct typed_object o;
	uint64_t address;
	unsigned int level;
};

struct typed {
	struct iq_kernel *k;
	struct iq_map by_address;
	struct entry **entries; /* also the queue of what is still to be looked into */
	unsigned int nr, room;
	struct iq_arena arena;
	struct iq_map contradicted; /* by address: nothing is said of these any more */
	unsigned int nr_contradicted;
};

/* ---- Does it look like one? --------------------------------------------------------------------- */

struct look {
	struct iq_kernel *k;
	uint64_t address;
	const uint8_t *bytes;
	uint64_t size;
	unsigned int good, bad;
};

#define LIST_POISON_MASK 0xffffffff00000000
#define LIST_POISON 0xdead000000000000

static bool is_mapped(struct iq_kernel *k, uint64_t a)
{
	uint64_t pa;

	return !iq_vm_translate(k->vm, a, &pa, NULL) &&
	       pa / iq_dump_info(k->dump)->page_size < iq_dump_info(k->dump)->max_pfn;
}

static bool is_kernel(struct iq_kernel *k, uint64_t a)
{
	return k->arch->vm->canonical(&k->layout, a) && k->arch->vm->is_kernel(&k->layout, a);
}

static void look_at_pointer(struct look *l, const struct iq_type *t, uint64_t value)
{
	const struct iq_type *target = iq_type_strip(iq_type_target(t));

	if (!value || value >= (uint64_t)-4095) /* NULL, ERR_PTR */
		return;
	if (target->kind == IQ_KIND_FUNCTION) {
		if (iq_is_text(l->k, value))
			l->good += 2;
		else
			l->bad++;
	} else if (is_kernel(l->k, value)) {
		if (is_mapped(l->k, value))
			l->good++;
		else
			l->bad++;
	} else if (!l->k->arch->vm->canonical(&l->k->layout, value) &&
		   (value & LIST_POISON_MASK) != LIST_POISON) {
		/* Pointers to user space look like any other; low bits are used as flags. */
		l->bad++;
	}
}

/* struct list_head: its neighbours point back.  Zeros: never initialised. */
static void look_at_list(struct look *l, uint64_t offset)
{
	uint64_t next = iq_le64(l->bytes + offset), prev = iq_le64(l->bytes + offset + 8);
	uint64_t self = l->address + offset, back, forth;

	if ((!next && !prev) || (next & LIST_POISON_MASK) == LIST_POISON)
		return;
	if (!iq_vm_read_uint(l->k->vm, next + 8, 8, &back) &&
	    !iq_vm_read_uint(l->k->vm, prev, 8, &forth) && back == self && forth == self)
		l->good += 2;
	else
		l->bad++;
}

static void look_at(struct look *l, const struct iq_type *t, uint64_t offset, unsigned int depth)
{
	const struct iq_member *m;
	unsigned int i, nr;

	t = iq_type_strip(t);
	if (depth > MAX_DEPTH || offset + t->size > l->size)
		return;
	if (t->kind == IQ_KIND_POINTER) {
		look_at_pointer(l, t, iq_le64(l->bytes + offset));
	} else if (t->kind == IQ_KIND_INT && t->encoding == IQ_ENC_BOOL) {
		l->bad += l->bytes[offset] > 1;
	} else if (t->kind == IQ_KIND_STRUCT && !strcmp(t->name, "list_head") && t->size == 16) {
		look_at_list(l, offset);
	} else if (t->kind == IQ_KIND_STRUCT) {
		m = iq_type_members(t, &nr);
		for (i = 0; i < nr; i++)
			if (!m[i].bit_size)
				look_at(l, m[i].type, offset + m[i].bit_offset / 8, depth + 1);
	} else if (t->kind == IQ_KIND_ARRAY && t->count) {
		const struct iq_type *e = iq_type_target(t);

		for (i = 0; i < IQ_MIN(t->count, MAX_ELEMENTS) && e->size; i++)
			look_at(l, e, offset + i * e->size, depth + 1);
	}
}

/* ---- Sizes -------------------------------------------------------------------------------------- */

/*
 * Would a struct of SIZE bytes be allocated from this cache: by kmalloc() (mm/slab_common.c), or because it was
 * made for it?
 */
static bool fits_class(uint64_t size, const struct iq_cache *c)
{
	uint64_t object_size = c->object_size, smaller = object_size / 2;

	if (!strstr(c->name, "kmalloc-"))
		smaller = object_size - IQ_MIN(object_size, c->users > 1 ? 32 : 8);
	else if (object_size == 96)
		smaller = 64;
	else if (object_size == 128)
		smaller = 96;
	else if (object_size == 192)
		smaller = 128;
	else if (object_size == 256)
		smaller = 192;
	else if (object_size == 8)
		smaller = 0;
	return size > smaller && size <= object_size;
}

/* ---- Arguments ---------------------------------------------------------------------------------- */

/* Is INNER what OUTER begins with? */
static bool begins_with(const struct iq_type *outer, const struct iq_type *inner)
{
	unsigned int depth, nr;

	for (depth = 0; depth < MAX_DEPTH; depth++) {
		const struct iq_member *m;

		outer = iq_type_strip(outer);
		if (outer->kind == inner->kind && outer->size == inner->size && outer->name[0] &&
		    !strcmp(outer->name, inner->name))
			return true;
		m = outer->kind == IQ_KIND_STRUCT ? iq_type_members(outer, &nr) : NULL;
		if (!m || !nr || m[0].bit_offset || m[0].bit_size)
			return false;
		outer = m[0].type;
	}
	return false;
}

enum iq_confidence typed_judge(struct iq_kernel *k, const struct iq_object *o,
			       const struct iq_type *type)
{
	struct look l = {.k = k, .address = o->object, .size = type->size};
	uint8_t *bytes = malloc(type->size);
	enum iq_confidence c = IQ_CONFIDENCE_UNKNOWN;

	if (bytes && !iq_vm_read(k->vm, o->object, bytes, type->size, NULL)) {
		l.bytes = bytes;
		look_at(&l, type, 0, 0);
		if (!l.bad)
			c = fits_class(type->size, o->slab.cache) ? IQ_CONFIDENCE_LIKELY
								  : IQ_CONFIDENCE_POSSIBLE;
		else if (l.bad == 1 && l.good >= 4)
			c = IQ_CONFIDENCE_POSSIBLE;
	}
	free(bytes);
	return c;
}

static void contradict(struct typed *t, struct entry *e, const struct iq_type *type,
		       enum iq_confidence c, const char *from)
{
	if (begins_with(type, e->o.type)) {
		/* The same object, known better: its members beyond the smaller type are not followed. */
		e->o = (struct typed_object){type, c, from};
	} else if (iq_map_put(&t->contradicted, e->address, e)) {
		e->o = (struct typed_object){0};
		t->nr_contradicted++;
	}
}

static bool remember(struct typed *t, uint64_t address, const struct iq_type *type,
		     enum iq_confidence c, const char *from, unsigned int level)
{
	struct entry *e = iq_arena_alloc(&t->arena, sizeof(*e));

	if (!e || t->nr >= MAX_OBJECTS ||
	    !iq_grow(&t->entries, &t->room, t->nr + 1, sizeof(*t->entries)) ||
	    !iq_map_put(&t->by_address, address, e))
		return false;
	*e = (struct entry){{type, c, from}, address, level};
	t->entries[t->nr++] = e;
	return true;
}

/* VALUE is a pointer to a TYPE, says FROM (a path), as sure as C. */
static void argue(struct typed *t, uint64_t value, const struct iq_type *type, enum iq_confidence c,
		  const char *from, unsigned int level)
{
	const struct iq_type *own;
	struct iq_object o;
	struct entry *e;
	char *copy;

	/* Small types are embedded in others more often than not. */
	if (type->kind != IQ_KIND_STRUCT || type->size < 24 || type->size > MAX_SIZE ||
	    !type->name[0] || !iq_object_at(t->k, value, &o) || o.object != value ||
	    type->size > o.slab.cache->object_size || o.state != IQ_OBJECT_ALLOCATED)
		return;
	e = iq_map_get(&t->by_address, value);
	if (iq_map_get(&t->contradicted, value) ||
	    (e && (!e->o.type || begins_with(e->o.type, type))))
		return;
	/* What a cache of its own says is better; such objects only lead on to others. */
	own = o.slab.cache->users > 1 ? NULL : iq_cache_type(t->k, o.slab.cache);
	if (own && !begins_with(own, type))
		return;
	if (own)
		type = own;
	else
		c = IQ_MIN(c, typed_judge(t->k, &o, type));
	copy = c ? iq_arena_strdup(&t->arena, from) : NULL;
	if (!copy)
		return;
	if (e)
		contradict(t, e, type, c, copy);
	else
		(void)remember(t, value, type, c, copy, level);
}

static void follow(struct typed *t, const struct entry *e, const uint8_t *bytes,
		   const struct iq_type *type, uint64_t offset, const char *path,
		   unsigned int depth)
{
	const struct iq_member *m;
	unsigned int i, nr;
	char name[200];

	type = iq_type_strip(type);
	if (depth > MAX_DEPTH || offset + type->size > e->o.type->size)
		return;
	if (type->kind == IQ_KIND_POINTER) {
		argue(t, iq_le64(bytes + offset), iq_type_strip(iq_type_target(type)),
		      e->o.confidence, path, e->level + 1);
	} else if (type->kind == IQ_KIND_STRUCT) {
		m = iq_type_members(type, &nr);
		for (i = 0; i < nr; i++) {
			if (m[i].bit_size)
				continue;
			snprintf(name, sizeof(name), "%s%s%s", path,
				 m[i].name[0] ? depth ? "." : "->" : "", m[i].name);
			follow(t, e, bytes, m[i].type, offset + m[i].bit_offset / 8, name,
			       depth + (m[i].name[0] != 0));
		}
	} else if (type->kind == IQ_KIND_ARRAY && type->count) {
		const struct iq_type *element = iq_type_target(type);

		for (i = 0; i < IQ_MIN(type->count, MAX_ELEMENTS) && element->size; i++) {
			snprintf(name, sizeof(name), "%s[%u]", path, i);
			follow(t, e, bytes, element, offset + i * element->size, name, depth + 1);
		}
	}
}

static void from_argument(void *arg, const struct typed_arg *a)
{
	struct iq_buf path = {0};

	iq_buf_printf(&path, "%s(%s)", a->function, a->name);
	argue(arg, a->value, a->type, IQ_CONFIDENCE_LIKELY, iq_buf_str(&path), 0);
	iq_buf_free(&path);
}

static void from_task(struct typed *t, uint64_t address)
{
	const struct iq_task *task = address ? iq_task_by_address(t->k, address) : NULL;
	struct iq_backtrace b;
	struct iq_error *err;

	if (!task)
		return;
	err = iq_backtrace(t->k, task, &b);
	if (!err) {
		typed_args(t->k, &b, from_argument, t);
		iq_backtrace_free(&b);
	}
	iq_error_free(err);
}

/* From the arguments to all that follows from them. */
static void argue_all(struct typed *t)
{
	const struct iq_cpu *cpus;
	unsigned int i, nr;
	uint64_t panic = iq_panic_task(t->k);

	from_task(t, panic);
	cpus = iq_kernel_cpus(t->k, &nr);
	for (i = 0; i < nr && i < MAX_CPUS; i++)
		if (cpus[i].current != panic)
			from_task(t, cpus[i].current);
	for (i = 0; i < t->nr; i++) { /* grows while it is gone through */
		const struct entry *e = t->entries[i];
		uint8_t *bytes;

		if (!e->o.type || e->level >= MAX_LEVEL)
			continue;
		bytes = malloc(e->o.type->size);
		if (bytes && !iq_vm_read(t->k->vm, e->address, bytes, e->o.type->size, NULL))
			follow(t, e, bytes, e->o.type, 0, e->o.from, 0);
		free(bytes);
	}
}

static void forget(struct typed *t)
{
	iq_map_free(&t->by_address);
	t->by_address = (struct iq_map){0};
	t->nr = 0;
}

struct typed *typed_open(struct iq_kernel *k)
{
	struct typed *t = calloc(1, sizeof(*t));
	unsigned int round, before;

	if (!t)
		return NULL;
	t->k = k;
	/* What has been concluded from an object about which there are two opinions is void: once more without it. */
	for (round = 0; round < MAX_ROUNDS; round++) {
		before = t->nr_contradicted;
		forget(t);
		argue_all(t);
		if (t->nr_contradicted == before)
			return t;
	}
	forget(t);
	return t;
}

void typed_close(struct typed *t)
{
	if (!t)
		return;
	iq_map_free(&t->by_address);
	iq_map_free(&t->contradicted);
	free(t->entries);
	iq_arena_free(&t->arena);
	free(t);
}

const struct typed_object *typed_find(struct typed *t, uint64_t object)
{
	const struct entry *e = iq_map_get(&t->by_address, object);

	return e ? &e->o : NULL;
}

void typed_each(struct typed *t, bool (*fn)(void *arg, uint64_t object, const struct typed_object *o), void *arg)
{
	for (unsigned int i = 0; i < t->nr; i++)
		if (!fn(arg, t->entries[i]->address, &t->entries[i]->o))
			return;
}
