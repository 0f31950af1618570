/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Out of memory: where the memory went, by the kernel's own counters (include/linux/mmzone.h: enum
 * zone_stat_item, node_stat_item; mm/vmalloc.c), and who has the largest part of it.
 */
#include "allocator.h"
#include "event.h"
#include "provenance.h"
#include "skip.h"
#include "stages.h"
#include "wait.h"
#include <inquest/leaks.h>
#include <inquest/zone.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_MEMORY (UINT64_C(16) << 30) /* of larger machines leaks are looked for only on request */
#define LEAK_OBJECTS 500
#define LEAKS_LOOKED_INTO 3
#define LEAK_SHARE 0.5 /* of a cache's objects */
#define LARGE 0.25     /* of memory: what is worth naming */

enum part {
	PART_ANON, PART_SHMEM, PART_FILE, PART_SLAB, PART_TABLES, PART_STACKS, PART_VMALLOC, PART_HUGE,
	PART_FREE, PART_REST, PARTS
};
static const char *const part_names[PARTS] = {
	[PART_ANON] = "memory of processes",
	[PART_SHMEM] = "shared memory and tmpfs",
	[PART_FILE] = "page cache",
	[PART_SLAB] = "slabs",
	[PART_TABLES] = "page tables",
	[PART_STACKS] = "kernel stacks",
	[PART_VMALLOC] = "vmalloc",
	[PART_HUGE] = "pools of huge pages",
	[PART_FREE] = "free",
	[PART_REST] = "pages that the kernel allocated one by one, which nothing counts",
};

struct balance {
	int64_t total, pages[PARTS];
	uint64_t page_size;
};

static int64_t counter(struct iq_kernel *k, const char *name)
{
	int64_t v;

	if (iq_counter(k, IQ_COUNTERS_NODE, name, &v) || iq_counter(k, IQ_COUNTERS_ZONE, name, &v))
		return IQ_MAX(v, 0);
	return 0;
}

static bool read_balance(struct iq_kernel *k, struct balance *b)
{
	struct iq_memory m;
	uint64_t vmalloc;
	int64_t sum = 0;

	*b = (struct balance){ .page_size = iq_dump_info(k->dump)->page_size };
	iq_memory(k, &m);
	if (m.total <= 0 || m.free < 0)
		return false;
	b->total = m.total;
	b->pages[PART_FREE] = m.free;
	b->pages[PART_ANON] = counter(k, "NR_ANON_MAPPED");
	b->pages[PART_SHMEM] = counter(k, "NR_SHMEM");
	b->pages[PART_FILE] = IQ_MAX(counter(k, "NR_FILE_PAGES") - b->pages[PART_SHMEM], 0);
	b->pages[PART_SLAB] = IQ_MAX(m.slab, 0);
	b->pages[PART_TABLES] = counter(k, "NR_PAGETABLE");
	b->pages[PART_STACKS] = counter(k, "NR_KERNEL_STACK_KB") * 1024 / (int64_t)b->page_size;
	if (iq_kernel_variable(k, "nr_vmalloc_pages", 8, &vmalloc) && vmalloc < (uint64_t)b->total)
		b->pages[PART_VMALLOC] = (int64_t)vmalloc;
	b->pages[PART_HUGE] = IQ_MAX(m.huge_total, 0);
	for (unsigned int i = 0; i < PART_REST; i++)
		sum += b->pages[i];
	b->pages[PART_REST] = IQ_MAX(b->total - sum, 0);
	return true;
}

static const char *amount(struct iq_case *c, const struct balance *b, int64_t pages)
{
	return iq_case_text(c, "%.1f MB (%.0f %% of memory)",
			    (double)pages * (double)b->page_size / (1 << 20),
			    100.0 * (double)pages / (double)b->total);
}

static void add_balance(struct iq_case *c, struct iq_finding *f, const struct balance *b)
{
	for (unsigned int i = 0; i < PARTS; i++) {
		if (b->pages[i])
			iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, 0, amount(c, b, b->pages[i]), "%s",
					    part_names[i]);
	}
}

static const struct iq_task *largest_task(struct iq_kernel *k)
{
	const struct iq_task *tasks, *largest = NULL;
	unsigned int nr;
	struct iq_error *err = iq_tasks(k, &tasks, &nr);

	iq_error_free(err);
	for (unsigned int i = 0; !err && i < nr; i++) {
		if (tasks[i].leader && tasks[i].mm && (!largest || tasks[i].rss_kb > largest->rss_kb))
			largest = &tasks[i];
	}
	return largest;
}

static const struct iq_cache *largest_cache(struct iq_kernel *k, uint64_t page_size, int64_t *pages)
{
	const struct iq_cache *largest = NULL;
	struct iq_cache *const *caches;
	unsigned int nr;
	struct iq_error *err = iq_caches(k, &caches, &nr);

	*pages = 0;
	iq_error_free(err);
	for (unsigned int i = 0; !err && i < nr; i++) {
		struct iq_cache_usage u;

		if (iq_cache_usage(k, caches[i], &u) && (int64_t)(u.slabs << caches[i]->order) > *pages) {
			*pages = (int64_t)(u.slabs << caches[i]->order);
			largest = caches[i];
		}
	}
	return largest;
}

/* Who has PART: a sentence; *ADDRESS what it can be looked at by. */
static const char *eater(struct iq_case *c, const struct balance *b, enum part part, uint64_t *address)
{
	const char *much = amount(c, b, b->pages[part]);
	const struct iq_cache *cache;
	const struct iq_task *t;
	int64_t pages;

	*address = 0;
	if (part == PART_ANON) {
		t = largest_task(c->k);
		pages = t ? (int64_t)(t->rss_kb * 1024 / b->page_size) : 0;
		if (t && (double)pages > LARGE * (double)b->total) {
			*address = t->address;
			return iq_case_text(c, "process %.16s (pid %u) has %s resident", t->comm, t->pid,
					    amount(c, b, pages));
		}
		return iq_case_text(c, "processes have %s, none of them most of it%s", much,
				    t ? iq_case_text(c, "; the largest is %.16s (pid %u) with %" PRIu64 " MB",
						     t->comm, t->pid, t->rss_kb / 1024)
				      : "");
	}
	if (part == PART_SLAB) {
		cache = largest_cache(c->k, b->page_size, &pages);
		if (cache && (double)pages > LARGE * (double)b->total) {
			*address = cache->address;
			return iq_case_text(c, "slab cache %s has %s", cache->name, amount(c, b, pages));
		}
	}
	return iq_case_text(c, "%s: %s", part_names[part], much);
}

/*
 * Pages that nobody counts have most memory, and it was a module's code that asked for yet another at once, not on
 * behalf of a page fault or of a file.
 */
static void blame_asker(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	struct iq_blame *b = &c->analysis.blame;

	for (int i = e->frame; c->has_trace && i >= 0 && i < (int)c->trace.nr; i++) {
		const struct iq_frame *f = &c->trace.frames[i];

		if (f->exact_ip || f->has_trap || !f->symbol.name)
			return;
		if (!f->symbol.module && (iq_skip_function(f->symbol.name) ||
					  iq_same_function(f->symbol.name, "out_of_memory")))
			continue;
		if (!f->symbol.module)
			return;
		*b = (struct iq_blame){
			.present = true,
			.function = f->symbol.name,
			.module = f->symbol.module,
			.why = "it asked for pages of its own, as those are that have most memory"};
		iq_blame_line(c, f->ip - 1, b);
		return;
	}
}

static void report_eater(struct iq_case *c)
{
	enum part largest = PART_ANON;
	struct iq_finding *f;
	const char *text;
	struct balance b;
	uint64_t address;
	double share;

	if (!read_balance(c->k, &b))
		return;
	for (enum part i = 0; i < PARTS; i++) {
		if (i != PART_FREE && b.pages[i] > b.pages[largest])
			largest = i;
	}
	share = (double)b.pages[largest] / (double)b.total;
	text = eater(c, &b, largest, &address);
	f = iq_case_finding(c, "oom.eater", IQ_CLASS_OOM,
			    share > 0.5 ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_POSSIBLE,
			    "most memory went to one place: %s", text);
	if (largest == PART_REST && share > 0.5)
		f->class = IQ_CLASS_LEAK; /* or somebody's buffers: nothing else accounts for them */
	if (f->class == IQ_CLASS_LEAK && !c->analysis.blame.present)
		blame_asker(c);
	if (share <= 0.5)
		f->claim = iq_case_text(c, "the largest part of memory: %s", text);
	f->cause = share > LARGE;
	f->refuted_by = "a limit of a cgroup, a node or a zone was reached, not that of the machine";
	if (address)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, address, NULL, "where to look");
	add_balance(c, f, &b);
}

/* ---- Leaks -------------------------------------------------------------------------------------- */

static bool worth_looking(struct iq_case *c)
{
	enum iq_class class = c->analysis.event.class;
	struct iq_memory m;

	if (class != IQ_CLASS_OOM && class != IQ_CLASS_SYSRQ && class != IQ_CLASS_PANIC_CALL &&
	    class != IQ_CLASS_NMI)
		return false;
	iq_memory(c->k, &m);
	return m.total > 0 && (uint64_t)m.total * iq_dump_info(c->k->dump)->page_size <= MOST_MEMORY;
}

/* The one function that takes objects from the cache is where to look for who forgets them. */
static void blame_allocator(struct iq_case *c, struct iq_finding *f, const struct iq_cache *cache)
{
	struct iq_blame *b = &c->analysis.blame;
	struct iq_allocator a;

	if (!iq_cache_allocator(c, cache, &a) || a.functions != 1)
		return;
	iq_finding_evidence(c, f, IQ_SOURCE_CODE, a.call, NULL,
			    "%s() allocates from the cache; no other code was found that does",
			    a.function.name);
	if (b->present || f->confidence < IQ_CONFIDENCE_LIKELY)
		return;
	*b = (struct iq_blame){.present = true,
			       .function = iq_case_text(c, "%s", a.function.name),
			       .module = a.function.module,
			       .why = "the only code that allocates from the leaking cache"};
	iq_blame_line(c, a.call, b);
}

static void report_leak(struct iq_case *c, const struct iq_leaks *l, const struct iq_leak_group *g)
{
	uint64_t bytes = g->unreached * g->cache->size;
	double share = (double)g->unreached / (double)g->allocated;
	struct iq_finding *f;

	f = iq_case_finding(c, "leak.group", IQ_CLASS_LEAK, IQ_CONFIDENCE_LIKELY,
			    "memory is leaked: nothing points to %" PRIu64 " of the %" PRIu64
			    " objects in use of slab cache %s (%.1f MB)",
			    g->unreached, g->allocated, g->cache->name, (double)bytes / (1 << 20));
	if (share < 0.9)
		f->confidence = IQ_CONFIDENCE_POSSIBLE;
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, g->cache->address, NULL, "the cache");
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, g->first, NULL,
			    "the first such object: `leaks %s` lists all", g->cache->name);
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, 0, iq_case_text(c, "%" PRIu64, l->pages_scanned),
			    "pages of kernel memory that were looked through for pointers");
	f->cause = true;
	/* The groups come largest first; each time all code is gone through. */
	if (g < l->groups + LEAKS_LOOKED_INTO)
		blame_allocator(c, f, g->cache);
	f->refuted_by = "their pointers are kept encoded, by physical address, or in memory that is not in the dump";
}

struct iq_error *iq_stage_memory(struct iq_case *c)
{
	struct iq_leaks l;

	if (c->analysis.event.class == IQ_CLASS_OOM)
		report_eater(c);
	if (!worth_looking(c))
		return NULL;
	IQ_TRY(iq_leaks_find(c->k, c->cancel, &l));
	for (unsigned int i = 0; i < l.nr; i++) {
		const struct iq_leak_group *g = &l.groups[i];

		if (g->unreached >= LEAK_OBJECTS &&
		    (double)g->unreached >= LEAK_SHARE * (double)g->allocated)
			report_leak(c, &l, g);
	}
	iq_leaks_free(&l);
	return NULL;
}
