/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects that nothing points to: marked from the roots on all CPUs, then from object to object. */
#include <inquest/leaks.h>
#include <inquest/zone.h>

#include <stdlib.h>
#include <string.h>

#define SLABS_MAX (16u << 20) /* 64 bytes each, and a few bits an object */
#define PFN_MAX (UINT64_C(1) << 32)
#define OBJECT_MAX 65536 /* bytes of an object that are followed */

struct leak_slab {
	uint64_t start, size;	 /* of its memory */
	uint32_t distance;	 /* of its objects */
	uint32_t objects;
	uint32_t length;	 /* of an object, without what SLUB stores behind it */
	uint32_t left;		 /* red zone in front of each */
	uint32_t cache;		 /* index */
	uint64_t bits;		 /* number of its first object in the bitmaps */
};

struct leak_memory {
	struct iq_kernel *k;
	const struct iq_cancel *cancel;
	uint64_t page_offset, end_pfn, page_size;
	struct leak_slab *slabs; /* ascending by start */
	unsigned int nr_slabs, room_slabs;
	uint64_t nr_bits;
	uint64_t *used, *reached; /* a bit an object */
	uint64_t *slab_pfn, *free_pfn; /* a bit a page frame */
	/* Objects whose words are still to be followed, by number. */
	uint64_t *pending;
	size_t nr_pending, room_pending;
	uint32_t cache; /* while slabs are collected: the cache's index */
	bool failed, too_many;
	uint64_t missing;
};

/* What iq_leaks_each() needs later. */
struct iq_leaks_memory {
	struct leak_memory m;
};

static bool bit(const uint64_t *bits, uint64_t n)
{
	return bits[n / 64] >> (n % 64) & 1;
}

static void set_bit(uint64_t *bits, uint64_t n)
{
	bits[n / 64] |= UINT64_C(1) << (n % 64);
}

/* True if it was not set.  Several threads set bits of one word. */
static bool set_atomic(uint64_t *bits, uint64_t n)
{
	uint64_t mask = UINT64_C(1) << (n % 64);

	if (__atomic_load_n(&bits[n / 64], __ATOMIC_RELAXED) & mask)
		return false;
	return !(__atomic_fetch_or(&bits[n / 64], mask, __ATOMIC_RELAXED) & mask);
}

/* ---- Slabs -------------------------------------------------------------------------------------- */

static bool add_slab(void *arg, const struct iq_slab *s, enum iq_slab_where where, unsigned int number)
{
	struct leak_memory *m = arg;
	uint64_t size = s->cache->order < IQ_CACHE_ORDERS ? m->page_size << s->cache->order : 0;
	struct leak_slab *l;

	if (iq_cancelled(m->cancel))
		return false;
	if (m->nr_slabs >= SLABS_MAX) {
		m->too_many = true;
		return false;
	}
	if (!s->objects || s->memory < m->page_offset || s->cache->size == 0 ||
	    s->cache->size > UINT32_MAX || s->objects > UINT16_MAX)
		return true;
	if (!iq_grow(&m->slabs, &m->room_slabs, m->nr_slabs + 1, sizeof(*m->slabs))) {
		m->failed = true;
		return false;
	}
	l = &m->slabs[m->nr_slabs++];
	*l = (struct leak_slab){
		.start = s->memory,
		.size = IQ_MAX(size, s->objects * s->cache->size),
		.distance = (uint32_t)s->cache->size,
		.objects = s->objects,
		.length = (uint32_t)IQ_MIN(s->cache->object_size, s->cache->size),
		.left = (uint32_t)IQ_MIN(s->cache->red_left_pad, s->cache->size),
		.cache = m->cache,
		.bits = m->nr_bits,
	};
	m->nr_bits += s->objects;
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct leak_slab *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* The slab that contains ADDRESS. */
static const struct leak_slab *slab_of(const struct leak_memory *m, uint64_t address)
{
	unsigned int low = 0, high = m->nr_slabs;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (m->slabs[mid].start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || address - m->slabs[low - 1].start >= m->slabs[low - 1].size)
		return NULL;
	return &m->slabs[low - 1];
}

/* A damaged list can lead to a slab twice, or to slabs that overlap: the first one stays. */
static void drop_overlaps(struct leak_memory *m)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < m->nr_slabs; i++) {
		if (kept && m->slabs[i].start - m->slabs[kept - 1].start < m->slabs[kept - 1].size)
			continue;
		m->slabs[kept++] = m->slabs[i];
	}
	m->nr_slabs = kept;
}

static void read_states(struct leak_memory *m, const struct leak_slab *l,
			enum iq_object_state *states, int *cpus)
{
	struct iq_slab s;

	if (!iq_slab_at(m->k, l->start, &s) || s.objects != l->objects ||
	    !iq_slab_states(m->k, &s, states, cpus))
		return; /* nothing is known: nothing is claimed */
	for (uint32_t i = 0; i < l->objects; i++) {
		if (states[i] == IQ_OBJECT_ALLOCATED)
			set_bit(m->used, l->bits + i);
	}
}

static void mark_pages(struct leak_memory *m, const struct leak_slab *l)
{
	uint64_t first = (l->start - m->page_offset) / m->page_size;

	for (uint64_t n = 0; n < l->size / m->page_size; n++) {
		if (first + n < m->end_pfn)
			set_bit(m->slab_pfn, first + n);
	}
}

static struct iq_error *collect(struct leak_memory *m)
{
	struct iq_cache *const *caches;
	enum iq_object_state *states;
	unsigned int nr;
	int *cpus;

	IQ_TRY(iq_caches(m->k, &caches, &nr));
	for (unsigned int i = 0; i < nr && !m->failed && !m->too_many; i++) {
		m->cache = i;
		(void)iq_cache_slabs(m->k, caches[i], true, add_slab, m);
		if (iq_cancelled(m->cancel))
			return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	}
	m->used = calloc(m->nr_bits / 64 + 1, sizeof(*m->used));
	m->reached = calloc(m->nr_bits / 64 + 1, sizeof(*m->reached));
	states = malloc(UINT16_MAX * sizeof(*states));
	cpus = malloc(UINT16_MAX * sizeof(*cpus));
	if (m->failed || !m->used || !m->reached || !states || !cpus) {
		free(states);
		free(cpus);
		return iq_error_nomem();
	}
	if (m->nr_slabs)
		qsort(m->slabs, m->nr_slabs, sizeof(*m->slabs), by_start);
	drop_overlaps(m);
	for (unsigned int i = 0; i < m->nr_slabs && !iq_cancelled(m->cancel); i++) {
		mark_pages(m, &m->slabs[i]);
		read_states(m, &m->slabs[i], states, cpus);
	}
	free(states);
	free(cpus);
	return NULL;
}

/* ---- Free pages --------------------------------------------------------------------------------- */

static void free_block(void *arg, const struct iq_free_area *a, uint64_t pfn)
{
	struct leak_memory *m = arg;

	for (uint64_t n = 0; n < UINT64_C(1) << a->order && pfn + n < m->end_pfn; n++)
		set_bit(m->free_pfn, pfn + n);
}

static void free_list(void *arg, const struct iq_free_area *a)
{
}

static void collect_free(struct leak_memory *m)
{
	struct iq_zone *zones;
	unsigned int nr;
	struct iq_error *err = iq_zones(m->k, &zones, &nr);

	for (unsigned int i = 0; !err && i < nr; i++) {
		if (!zones[i].spanned)
			continue; /* its lists were never initialised */
		iq_free_areas(m->k, &zones[i], free_list, free_block, m);
	}
	if (!err)
		free(zones);
	iq_error_free(err);
}

/* ---- Marking ------------------------------------------------------------------------------------ */

/* The number of the used object that ADDRESS points into; false: into none. */
static bool object_of(const struct leak_memory *m, uint64_t address, uint64_t *number)
{
	uint64_t pfn = (address - m->page_offset) / m->page_size;
	const struct leak_slab *l;
	uint64_t index;

	if (address < m->page_offset || pfn >= m->end_pfn || !bit(m->slab_pfn, pfn))
		return false;
	l = slab_of(m, address);
	if (!l)
		return false;
	index = (address - l->start) / l->distance;
	if (index >= l->objects || !bit(m->used, l->bits + index))
		return false;
	*number = l->bits + index;
	return true;
}

/* Runs in several threads. */
static void root_page(void *arg, unsigned int worker, uint64_t pfn, const uint8_t *page)
{
	struct leak_memory *m = arg;
	const uint64_t *words = (const uint64_t *)(const void *)page;
	uint64_t number;

	if (pfn < m->end_pfn && (bit(m->slab_pfn, pfn) || bit(m->free_pfn, pfn)))
		return;
	for (unsigned int i = 0; i < m->page_size / 8; i++) {
		if (words[i] >= m->page_offset && object_of(m, words[i], &number))
			set_atomic(m->reached, number);
	}
}

static bool push(struct leak_memory *m, uint64_t number)
{
	if (m->nr_pending == m->room_pending) {
		size_t room = m->room_pending ? 2 * m->room_pending : 1024;
		uint64_t *more = realloc(m->pending, room * sizeof(*more));

		if (!more)
			return false;
		m->pending = more;
		m->room_pending = room;
	}
	m->pending[m->nr_pending++] = number;
	return true;
}

/* The slab of object NUMBER: their numbers ascend as the slabs do after sorting only within a cache. */
static const struct leak_slab *slab_of_number(const struct leak_memory *m, const uint32_t *order,
					      uint64_t number)
{
	unsigned int low = 0, high = m->nr_slabs;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (m->slabs[order[mid]].bits <= number)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &m->slabs[order[low - 1]] : NULL;
}

static int by_bits(const void *a, const void *b, void *arg)
{
	const struct leak_memory *m = arg;
	uint64_t x = m->slabs[*(const uint32_t *)a].bits, y = m->slabs[*(const uint32_t *)b].bits;

	return x < y ? -1 : x > y;
}

static uint64_t object_address(const struct leak_slab *l, uint64_t index)
{
	return l->start + index * l->distance + l->left;
}

/* Follow the words of object NUMBER. */
static bool follow(struct leak_memory *m, const uint32_t *order, uint64_t number)
{
	const struct leak_slab *l = slab_of_number(m, order, number);
	uint64_t at, end, next;

	if (!l || number - l->bits >= l->objects)
		return true;
	at = (object_address(l, number - l->bits) + 7) & ~UINT64_C(7);
	end = at + IQ_MIN(l->length, OBJECT_MAX);
	while (at + 8 <= end) {
		uint64_t physical = at - m->page_offset, in_page = physical % m->page_size;
		uint64_t stop = IQ_MIN(end, at - in_page + m->page_size);
		const uint8_t *page;

		if (iq_read_page(m->k->reader, physical / m->page_size, &page)) {
			m->missing++;
		} else {
			for (uint64_t a = at; a + 8 <= stop; a += 8) {
				uint64_t word = iq_le64(page + in_page + (a - at));

				if (word >= m->page_offset && object_of(m, word, &next) &&
				    set_atomic(m->reached, next) && !push(m, next))
					return false;
			}
		}
		at = stop;
	}
	return true;
}

static struct iq_error *mark(struct leak_memory *m, struct iq_leaks *ret)
{
	struct iq_scan scan = { .skip_zero = true, .cancel = m->cancel, .arg = m, .page = root_page };
	uint32_t *order;
	bool ok = true;

	IQ_TRY(iq_dump_scan(m->k->dump, &scan));
	ret->pages_scanned = scan.read + scan.zero;
	ret->pages_missing = scan.missing[IQ_MEM_EXCLUDED] + scan.missing[IQ_MEM_DAMAGED] +
			     scan.missing[IQ_MEM_TRUNCATED];
	order = malloc((m->nr_slabs ? m->nr_slabs : 1) * sizeof(*order));
	if (!order)
		return iq_error_nomem();
	for (uint32_t i = 0; i < m->nr_slabs; i++)
		order[i] = i;
	qsort_r(order, m->nr_slabs, sizeof(*order), by_bits, m);
	for (uint64_t n = 0; ok && n < m->nr_bits; n++) {
		if (!(n % 64) && !m->reached[n / 64])
			n += 63;
		else if (bit(m->reached, n))
			ok = push(m, n);
	}
	for (unsigned int n = 0; ok && m->nr_pending; n++) {
		if (!(n % 4096) && iq_cancelled(m->cancel))
			break;
		ok = follow(m, order, m->pending[--m->nr_pending]);
	}
	free(order);
	if (iq_cancelled(m->cancel))
		return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	return ok ? NULL : iq_error_nomem();
}

/* ---- What is left ------------------------------------------------------------------------------- */

static int by_bytes(const void *a, const void *b)
{
	const struct iq_leak_group *x = a, *y = b;
	uint64_t xs = x->unreached * x->cache->size, ys = y->unreached * y->cache->size;

	return xs < ys ? 1 : xs > ys ? -1 : strcmp(x->cache->name, y->cache->name);
}

static struct iq_error *sum_up(const struct leak_memory *m, struct iq_leaks *ret)
{
	struct iq_cache *const *caches;
	unsigned int nr, kept = 0;

	IQ_TRY(iq_caches(m->k, &caches, &nr));
	ret->groups = calloc(nr ? nr : 1, sizeof(*ret->groups));
	if (!ret->groups)
		return iq_error_nomem();
	for (unsigned int i = 0; i < m->nr_slabs; i++) {
		const struct leak_slab *l = &m->slabs[i];
		struct iq_leak_group *g = &ret->groups[l->cache];

		g->cache = caches[l->cache];
		for (uint32_t n = 0; n < l->objects; n++) {
			bool used = bit(m->used, l->bits + n), leaked = used && !bit(m->reached, l->bits + n);

			g->allocated += used;
			ret->objects += used;
			if (leaked && !g->unreached++)
				g->first = object_address(l, n);
		}
	}
	for (unsigned int i = 0; i < nr; i++) {
		if (ret->groups[i].unreached)
			ret->groups[kept++] = ret->groups[i];
	}
	ret->nr = kept;
	ret->slabs = m->nr_slabs;
	qsort(ret->groups, kept, sizeof(*ret->groups), by_bytes);
	return NULL;
}

static void free_memory(struct leak_memory *m)
{
	free(m->slabs);
	free(m->used);
	free(m->reached);
	free(m->slab_pfn);
	free(m->free_pfn);
	free(m->pending);
}

struct iq_error *iq_leaks_find(struct iq_kernel *k, const struct iq_cancel *cancel, struct iq_leaks *ret)
{
	struct iq_leaks_memory *memory = calloc(1, sizeof(*memory));
	struct leak_memory *m = &memory->m;
	uint64_t start, end;
	struct iq_error *err;

	*ret = (struct iq_leaks){0};
	if (!memory)
		return iq_error_nomem();
	m->k = k;
	m->cancel = cancel;
	m->page_offset = k->layout.page_offset;
	m->page_size = iq_dump_info(k->dump)->page_size;
	for (unsigned int i = 0; iq_dump_range(k->dump, i, &start, &end); i++)
		m->end_pfn = IQ_MAX(m->end_pfn, IQ_MIN(end / m->page_size, PFN_MAX));
	m->slab_pfn = calloc(m->end_pfn / 64 + 1, sizeof(*m->slab_pfn));
	m->free_pfn = calloc(m->end_pfn / 64 + 1, sizeof(*m->free_pfn));
	err = m->slab_pfn && m->free_pfn ? NULL : iq_error_nomem();
	if (!err)
		err = collect(m);
	if (!err) {
		collect_free(m);
		err = mark(m, ret);
	}
	if (!err)
		err = sum_up(m, ret);
	ret->too_many = m->too_many;
	ret->memory = memory;
	if (err)
		iq_leaks_free(ret);
	return err;
}

void iq_leaks_free(struct iq_leaks *l)
{
	if (l->memory)
		free_memory(&l->memory->m);
	free(l->memory);
	free(l->groups);
	*l = (struct iq_leaks){0};
}

void iq_leaks_each(const struct iq_leaks *l, const struct iq_cache *c,
		   bool (*fn)(void *arg, uint64_t object), void *arg)
{
	const struct leak_memory *m = &l->memory->m;
	struct iq_cache *const *caches;
	unsigned int nr;
	struct iq_error *err = iq_caches(m->k, &caches, &nr);

	iq_error_free(err);
	for (unsigned int i = 0; !err && i < m->nr_slabs; i++) {
		const struct leak_slab *s = &m->slabs[i];

		if (s->cache >= nr || caches[s->cache] != c)
			continue;
		for (uint32_t n = 0; n < s->objects; n++) {
			if (bit(m->used, s->bits + n) && !bit(m->reached, s->bits + n) &&
			    !fn(arg, object_address(s, n)))
				return;
		}
	}
}
