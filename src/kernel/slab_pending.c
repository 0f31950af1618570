// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects that are free, or as good as free, and on no slab's free list: in the sheaves that CPUs and
 * nodes keep since 6.18 (mm/slub.c: struct slab_sheaf, struct node_barn), and those that kfree_rcu()
 * has taken and frees after a grace period (kernel/rcu/tree.c, since 6.14 mm/slab_common.c: struct
 * kfree_rcu_cpu; before, and for its own sheaves, RCU's lists of callbacks).
 */
#include "slab_private.h"

#include <stdlib.h>

#define MAX_HELD (4u << 20)
#define MAX_SHEAF 4096	    /* objects of one; the kernel takes at most some hundred */
#define MAX_SHEAVES 65536   /* of a node; the kernel keeps 10 full ones */
#define MAX_CALLBACKS (1u << 20)
#define KFREE_OFFSET 4096   /* __is_kvfree_rcu_offset(): a `func` below is an offset */

#define MAX_TWICE 64

struct slab_held {
	struct iq_map state; /* by object: 1 + state + (cpu + 1) << 8 */
	unsigned int nr;
	bool rcu_tried, rcu_ok;
	uint64_t twice[MAX_TWICE]; /* held in two places */
	unsigned int nr_twice;
};

static struct slab_held *held_of(struct iq_kernel *k)
{
	if (!k->priv->held)
		k->priv->held = calloc(1, sizeof(*k->priv->held));
	return k->priv->held;
}

void slab_held_free(struct iq_kernel *k)
{
	if (k->priv->held)
		iq_map_free(&k->priv->held->state);
	free(k->priv->held);
}

static bool hold(struct slab_held *h, uint64_t object, enum iq_object_state state, int cpu)
{
	uintptr_t value = 1 + (uintptr_t)state + ((uintptr_t)(cpu + 1) << 8);

	if (iq_map_get(&h->state, object) && h->nr_twice < MAX_TWICE)
		h->twice[h->nr_twice++] = object;
	if (h->nr >= MAX_HELD || !iq_map_put(&h->state, object, (void *)value))
		return false;
	h->nr++;
	return true;
}

/* ---- Sheaves -------------------------------------------------------------------------------------- */

struct sheaves {
	struct iq_kernel *k;
	struct slab_held *h;
	const struct sheaf_visitor *v; /* NULL: what they have in them is held */
	uint64_t size_at, objects_at, list_at;
	uint64_t most; /* objects that one has room for */
	uint64_t nr;   /* objects that wait for nothing */
	bool ok;
};

static void sheaf_damaged(struct sheaves *x, uint64_t sheaf, uint64_t size)
{
	x->ok = false;
	if (x->v)
		x->v->damaged(x->v->arg, sheaf, size);
	else
		iq_warn(x->k->warnings, "the slab_sheaf at 0x%lx is damaged or cannot be read",
			(unsigned long)sheaf);
}

static void add_sheaf(struct sheaves *x, uint64_t sheaf, enum iq_object_state state, int cpu)
{
	uint64_t size = 0, objects[64];
	struct iq_fault fault;

	if (!sheaf)
		return;
	if (!kernel_read_uint(x->k, sheaf + x->size_at, 4, &size) || size > x->most) {
		sheaf_damaged(x, sheaf, size);
		return;
	}
	for (uint64_t i = 0; i < size; i++) {
		uint64_t at = i % IQ_ARRAY_SIZE(objects), from = sheaf + x->objects_at + i * 8;

		if (!at && iq_vm_read(x->k->vm, from, objects,
				      IQ_MIN(IQ_ARRAY_SIZE(objects), size - i) * 8, &fault)) {
			sheaf_damaged(x, sheaf, size);
			return;
		}
		if (x->v) {
			if (!x->v->object(x->v->arg, sheaf, from, objects[at]))
				return;
			continue;
		}
		x->ok &= hold(x->h, objects[at], state, cpu);
		x->nr += state != IQ_OBJECT_RCU_PENDING;
	}
}

static bool barn_sheaf(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct sheaves *x = arg;

	add_sheaf(x, entry - x->list_at, IQ_OBJECT_SHEAF, -1);
	return true;
}

/* The barn of node I of the cache: .per_node[i].barn (7.1), .node[i]->barn before; 0: none. */
static uint64_t barn_of(struct iq_kernel *k, uint64_t cache, uint64_t i)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *pair = iq_type_by_name(t, "struct kmem_cache_per_node_ptrs");
	uint64_t at, node, barn;

	if (pair && iq_offset(t, "kmem_cache", "per_node", &at, NULL))
		return kernel_read_member(k, "kmem_cache_per_node_ptrs", "barn",
					  cache + at + i * pair->size, &barn) ? barn : 0;
	if (iq_offset(t, "kmem_cache", "node", &at, NULL) &&
	    kernel_read_ptr(k, cache + at + 8 * i, &node) && node &&
	    kernel_read_member(k, "kmem_cache_node", "barn", node, &barn))
		return barn;
	return 0;
}

static bool all_sheaves(struct sheaves *x, const struct iq_cache *c)
{
	struct iq_kernel *k = x->k;
	struct iq_types *t = iq_kernel_types(k);
	uint64_t percpu, sheaf, full_at, ids = 1;
	const struct iq_cpu *cpus;
	unsigned int nr;

	if (!kernel_read_member(k, "kmem_cache", "cpu_sheaves", c->address, &percpu) ||
	    !iq_offset(t, "slab_sheaf", "size", &x->size_at, NULL) ||
	    !iq_offset(t, "slab_sheaf", "objects", &x->objects_at, NULL) ||
	    !iq_offset(t, "slab_sheaf", "barn_list", &x->list_at, NULL) ||
	    !iq_offset(t, "node_barn", "sheaves_full", &full_at, NULL))
		return false;
	x->most = MAX_SHEAF;
	if (kernel_read_member(k, "kmem_cache", "sheaf_capacity", c->address, &sheaf) && sheaf)
		x->most = IQ_MIN(sheaf, MAX_SHEAF);
	cpus = iq_kernel_cpus(k, &nr);
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t at = percpu + cpus[i].percpu_offset;
		int cpu = (int)cpus[i].cpu;

		if (!cpus[i].percpu_offset || !cpus[i].present)
			continue;
		if (!kernel_read_member(k, "slub_percpu_sheaves", "main", at, &sheaf)) {
			x->ok = false;
			continue;
		}
		add_sheaf(x, sheaf, IQ_OBJECT_CPU_FREE, cpu);
		if (kernel_read_member(k, "slub_percpu_sheaves", "spare", at, &sheaf))
			add_sheaf(x, sheaf, IQ_OBJECT_CPU_FREE, cpu);
		if (kernel_read_member(k, "slub_percpu_sheaves", "rcu_free", at, &sheaf))
			add_sheaf(x, sheaf, IQ_OBJECT_RCU_PENDING, cpu);
	}
	iq_kernel_variable(k, "nr_node_ids", 4, &ids);
	for (uint64_t i = 0; i < IQ_MIN(ids, MAX_NODES); i++) {
		uint64_t barn = barn_of(k, c->address, i);

		if (barn)
			x->ok &= kernel_list_for_each(k, barn + full_at, MAX_SHEAVES, "full sheaves",
						     barn_sheaf, x);
	}
	return x->ok;
}

static bool load_sheaves(struct iq_kernel *k, struct slab_held *h, const struct iq_cache *c)
{
	struct sheaves x = {.k = k, .h = h, .ok = true};
	bool ok = all_sheaves(&x, c);

	c->priv->nr_sheaved = x.nr;
	return ok;
}

bool slab_sheaves(struct iq_kernel *k, const struct iq_cache *c, const struct sheaf_visitor *v)
{
	struct sheaves x = {.k = k, .v = v, .ok = true};

	return all_sheaves(&x, c);
}

/* ---- kfree_rcu() ---------------------------------------------------------------------------------- */

struct pending {
	struct iq_kernel *k;
	struct slab_held *h;
	uint64_t next_at, func_at, records_at, nr_at, list_at, sheaf_func, sheaf_at;
	struct sheaves sheaves;
	bool bulk_is_list, ok;
};

/* struct rcu_head (callback_head): a chain whose `func` is the offset of the head in its object. */
static void add_heads(struct pending *x, uint64_t head, int cpu)
{
	for (unsigned int n = 0; head; n++) {
		uint64_t func, next;

		if (n >= MAX_CALLBACKS || !kernel_read_ptr(x->k, head + x->func_at, &func) ||
		    !kernel_read_ptr(x->k, head + x->next_at, &next)) {
			x->ok = false;
			return;
		}
		if (func < KFREE_OFFSET)
			x->ok &= hold(x->h, head - func, IQ_OBJECT_RCU_PENDING, cpu);
		else if (x->sheaf_func && func == x->sheaf_func)
			add_sheaf(&x->sheaves, head - x->sheaf_at, IQ_OBJECT_RCU_PENDING, cpu);
		head = next;
	}
}

/* A struct kvfree_rcu_bulk_data; those for vmalloc()ed memory hold no objects, and do no harm. */
static bool add_bulk(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct pending *x = arg;
	uint64_t bulk = entry - (x->bulk_is_list ? x->list_at : 0), nr, object;

	if (!kernel_read_ptr(k, bulk + x->nr_at, &nr) || nr > MAX_SHEAF) {
		x->ok = false;
		return false;
	}
	for (uint64_t i = 0; i < nr; i++) {
		if (!kernel_read_ptr(k, bulk + x->records_at + 8 * i, &object))
			x->ok = false;
		else
			x->ok &= hold(x->h, object, IQ_OBJECT_RCU_PENDING, -1);
	}
	return true;
}

/* An array of two list heads, or up to 6.4 of two pointers to a chain, at member PATH of TAG. */
static void add_bulks(struct pending *x, const char *tag, const char *path, uint64_t base)
{
	struct iq_types *t = iq_kernel_types(x->k);
	uint64_t at, size, bulk, next_at;

	if (!iq_offset(t, tag, path, &at, &size))
		return;
	if (x->bulk_is_list) {
		for (uint64_t i = 0; i < size / 16 && i < 2; i++)
			x->ok &= kernel_list_for_each(x->k, base + at + 16 * i, MAX_CALLBACKS,
						      "kfree_rcu", add_bulk, x);
		return;
	}
	if (!iq_offset(t, "kvfree_rcu_bulk_data", "next", &next_at, NULL))
		return;
	for (uint64_t i = 0; i < size / 8 && i < 2; i++) {
		if (!kernel_read_ptr(x->k, base + at + 8 * i, &bulk))
			x->ok = false;
		for (unsigned int n = 0; bulk && n < MAX_CALLBACKS; n++)
			if (!add_bulk(x->k, bulk, x) ||
			    !kernel_read_ptr(x->k, bulk + next_at, &bulk))
				break;
	}
}

static void add_cpu(struct pending *x, unsigned int cpu)
{
	struct iq_kernel *k = x->k;
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *work = iq_type_by_name(t, "struct kfree_rcu_cpu_work");
	uint64_t krc = iq_percpu_symbol(k, "krc", cpu), data = iq_percpu_symbol(k, "rcu_data", cpu);
	uint64_t head, at, size;

	if (data && kernel_read_member(k, "rcu_data", "cblist.head", data, &head))
		add_heads(x, head, (int)cpu);
	if (!krc || !work || !work->size)
		return;
	if (kernel_read_member(k, "kfree_rcu_cpu", "head", krc, &head))
		add_heads(x, head, (int)cpu);
	add_bulks(x, "kfree_rcu_cpu", x->bulk_is_list ? "bulk_head" : "bkvhead", krc);
	if (!iq_offset(t, "kfree_rcu_cpu", "krw_arr", &at, &size))
		return;
	for (uint64_t i = 0; i < size / work->size && i < 8; i++) {
		uint64_t w = krc + at + i * work->size;

		if (kernel_read_member(k, "kfree_rcu_cpu_work", "head_free", w, &head))
			add_heads(x, head, (int)cpu);
		add_bulks(x, "kfree_rcu_cpu_work", x->bulk_is_list ? "bulk_head_free" : "bkvhead_free", w);
	}
}

static void load_rcu(struct iq_kernel *k, struct slab_held *h)
{
	struct iq_types *t = iq_kernel_types(k);
	struct pending x = {.k = k, .h = h, .ok = true, .sheaves = {.k = k, .h = h, .most = MAX_SHEAF, .ok = true}};
	const struct iq_cpu *cpus;
	unsigned int nr;

	h->rcu_tried = true;
	if (!t || !iq_offset(t, "callback_head", "func", &x.func_at, NULL) ||
	    !iq_offset(t, "callback_head", "next", &x.next_at, NULL))
		return;
	if (iq_offset(t, "kvfree_rcu_bulk_data", "nr_records", &x.nr_at, NULL))
		iq_offset(t, "kvfree_rcu_bulk_data", "records", &x.records_at, NULL);
	x.bulk_is_list = iq_offset(t, "kvfree_rcu_bulk_data", "list", &x.list_at, NULL);
	if (iq_offset(t, "slab_sheaf", "rcu_head", &x.sheaf_at, NULL) ||
	    iq_offset(t, "slab_sheaf", "callback_head", &x.sheaf_at, NULL)) {
		x.sheaf_func = iq_kernel_symbol(k, "rcu_free_sheaf");
		iq_offset(t, "slab_sheaf", "size", &x.sheaves.size_at, NULL);
		iq_offset(t, "slab_sheaf", "objects", &x.sheaves.objects_at, NULL);
	}
	cpus = iq_kernel_cpus(k, &nr);
	for (unsigned int i = 0; i < nr; i++)
		if (cpus[i].percpu_offset && cpus[i].present)
			add_cpu(&x, cpus[i].cpu);
	h->rcu_ok = x.ok && x.sheaves.ok && nr;
}

/* ---- For slab.c ----------------------------------------------------------------------------------- */

bool slab_held_load(struct iq_kernel *k, const struct iq_cache *c)
{
	struct slab_held *h = held_of(k);

	if (!h)
		return false;
	if (!h->rcu_tried)
		load_rcu(k, h);
	if (c->priv->sheaves && !c->priv->sheaves_state)
		c->priv->sheaves_state = load_sheaves(k, h, c) ? LAZY_DONE : LAZY_FAILED;
	return !c->priv->sheaves || c->priv->sheaves_state == LAZY_DONE;
}

enum iq_object_state slab_held_state(struct iq_kernel *k, uint64_t object, int *cpu)
{
	uintptr_t value = k->priv->held ? (uintptr_t)iq_map_get(&k->priv->held->state, object) : 0;

	if (!value)
		return IQ_OBJECT_ALLOCATED;
	*cpu = (int)((value - 1) >> 8) - 1;
	return (enum iq_object_state)((value - 1) & 0xff);
}

bool slab_held_twice(struct iq_kernel *k, unsigned int i, uint64_t *object)
{
	const struct slab_held *h = k->priv->held;

	if (!h || i >= h->nr_twice)
		return false;
	*object = h->twice[i];
	return true;
}
