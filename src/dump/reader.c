// SPDX-License-Identifier: GPL-2.0-or-later
/* Readers: bytes of physical memory through a set-associative cache of pages. */
#include "internal.h"
#include <stdlib.h>

static const _Alignas(64) uint8_t zero_page[IQ_PAGE_MAX];

const uint8_t *iq_zero_page(void)
{
	return zero_page;
}

#define CACHE_BYTES (2u * 1024 * 1024)
#define MOST_CACHE_PAGES (1u << 20)

static struct iq_error *allocate(struct iq_reader *r, unsigned int cache_pages)
{
	size_t nr;

	if (!cache_pages)
		cache_pages = CACHE_BYTES / r->page_size;
	cache_pages = IQ_MIN(cache_pages, MOST_CACHE_PAGES);
	r->sets = 1;
	while (r->sets * IQ_CACHE_WAYS < cache_pages)
		r->sets *= 2;
	nr = (size_t)r->sets * IQ_CACHE_WAYS;
	r->tags = calloc(nr, sizeof(*r->tags));
	/* The pages become resident when they are used. */
	r->pages = aligned_alloc(64, nr * r->page_size);
	r->packed = malloc(IQ_PACKED_ROOM(r->page_size));
	if (!r->tags || !r->pages || !r->packed)
		return iq_error_nomem();
	for (size_t i = 0; i < nr; i++)
		r->tags[i].pfn = UINT64_MAX;
	return r->dump->format->reader_open ? r->dump->format->reader_open(r) : NULL;
}

struct iq_error *iq_reader_open(struct iq_dump *d, unsigned int cache_pages, struct iq_reader **ret)
{
	struct iq_reader *r = calloc(1, sizeof(*r));
	struct iq_error *err;

	if (!r)
		return iq_error_nomem();
	r->dump = d;
	r->page_size = d->info.page_size;
	r->page_shift = (unsigned int)__builtin_ctz(r->page_size);
	r->max_pfn = d->info.max_pfn;
	r->last_pfn = UINT64_MAX;
	err = allocate(r, cache_pages);
	if (err) {
		iq_reader_close(r);
		return err;
	}
	*ret = r;
	return NULL;
}

bool iq_reader_scan_buffers(struct iq_reader *r)
{
	if (!r->scan_page)
		r->scan_page = aligned_alloc(64, r->page_size);
	if (!r->run)
		r->run = aligned_alloc(64, IQ_RUN_BYTES);
	return r->scan_page && r->run;
}

void iq_reader_close(struct iq_reader *r)
{
	if (!r)
		return;
	if (r->dump->format->reader_close)
		r->dump->format->reader_close(r);
	iq_codec_free(&r->codec);
	iq_stage_free(r->stage);
	free(r->tags);
	free(r->pages);
	free(r->packed);
	free(r->scan_page);
	free(r->run);
	free(r);
}

struct iq_dump *iq_reader_dump(const struct iq_reader *r)
{
	return r->dump;
}

/* Pages that are used together are often a power of two apart. */
static size_t first_of_set(const struct iq_reader *r, uint64_t pfn)
{
	uint64_t hash = pfn ^ pfn >> 9 ^ pfn >> 18;

	return (size_t)(hash & (r->sets - 1)) * IQ_CACHE_WAYS;
}

bool iq_reader_has(const struct iq_reader *r, uint64_t pfn)
{
	size_t first = first_of_set(r, pfn);

	for (size_t i = first; i < first + IQ_CACHE_WAYS; i++)
		if (r->tags[i].pfn == pfn)
			return true;
	return false;
}

/* The tag of PFN, or of the page of its set that has not been used for longest. */
static size_t find_tag(struct iq_reader *r, uint64_t pfn, bool *hit)
{
	size_t first = first_of_set(r, pfn), victim = first;

	for (size_t i = first; i < first + IQ_CACHE_WAYS; i++) {
		if (r->tags[i].pfn == pfn) {
			*hit = true;
			return i;
		}
		if (r->clock - r->tags[i].used > r->clock - r->tags[victim].used)
			victim = i;
	}
	*hit = false;
	return victim;
}

static enum iq_mem load(struct iq_reader *r, uint64_t pfn, const uint8_t **page, bool *partial)
{
	bool hit;
	size_t i = find_tag(r, pfn, &hit);
	struct iq_cache_tag *tag = &r->tags[i];
	uint8_t *bytes = r->pages + i * r->page_size;

	if (!hit && r->stage) {
		struct iq_loaded loaded;
		const uint8_t *staged = iq_stage_find(r, pfn, &loaded);

		if (staged) {
			*page = loaded.zero ? zero_page : staged;
			*partial = loaded.partial;
			return IQ_MEM_OK;
		}
	}
	if (!hit) {
		enum iq_mem why;

		tag->pfn = UINT64_MAX;
		tag->loaded = (struct iq_loaded){0};
		why = r->dump->format->load(r, pfn, bytes, &tag->loaded);
		if (why)
			return why;
		tag->pfn = pfn;
	}
	tag->used = ++r->clock;
	*page = tag->loaded.zero ? zero_page : bytes;
	*partial = tag->loaded.partial;
	return IQ_MEM_OK;
}

enum iq_mem iq_read_page(struct iq_reader *r, uint64_t pfn, const uint8_t **page)
{
	const uint8_t *bytes;
	enum iq_mem why;
	bool partial;

	if (pfn >= r->max_pfn)
		return IQ_MEM_ABSENT;
	if (pfn == r->last_pfn) {
		*page = r->last_page;
		return IQ_MEM_OK;
	}
	/* Loading may push the last page out of the cache. */
	r->last_pfn = UINT64_MAX;
	why = load(r, pfn, &bytes, &partial);
	if (why)
		return why;
	r->last_pfn = pfn;
	r->last_page = bytes;
	r->last_partial = partial;
	*page = bytes;
	return IQ_MEM_OK;
}

enum iq_mem iq_page_state(struct iq_reader *r, uint64_t pfn)
{
	if (pfn >= r->max_pfn)
		return IQ_MEM_ABSENT;
	if (pfn == r->last_pfn)
		return IQ_MEM_OK;
	return r->dump->format->state(r, pfn);
}

bool iq_page_is_guess(const struct iq_reader *r, uint64_t pfn)
{
	const struct iq_format *format = r->dump->format;

	return pfn < r->max_pfn && format->is_guess && format->is_guess(r->dump, pfn);
}

enum iq_mem iq_read_phys(struct iq_reader *r, uint64_t address, void *buf, size_t len,
			 struct iq_fault *fault)
{
	uint8_t *out = buf;

	while (len) {
		uint64_t offset = address & (r->page_size - 1);
		size_t n = IQ_MIN(len, r->page_size - offset), there = n;
		const uint8_t *page;
		enum iq_mem why = iq_read_page(r, address >> r->page_shift, &page);

		if (!why && r->last_partial)
			there = r->dump->format->covered(r->dump, address, n);
		if (!why)
			memcpy(out, page + offset, there);
		if (!why && there < n) {
			address += there;
			why = IQ_MEM_ABSENT;
		}
		if (why) {
			if (fault)
				*fault = (struct iq_fault){
					.why = why, .address = address, .physical = address};
			return why;
		}
		/* Behind the last address there is nothing (and max_pfn is far below). */
		address += n;
		out += n;
		len -= n;
	}
	return IQ_MEM_OK;
}

const char *iq_mem_text(enum iq_mem m)
{
	switch (m) {
	case IQ_MEM_OK:
		return "readable";
	case IQ_MEM_EXCLUDED:
		return "excluded from the dump by filtering";
	case IQ_MEM_ABSENT:
		return "not in the dump";
	case IQ_MEM_TRUNCATED:
		return "lost because the dump file is truncated";
	case IQ_MEM_DAMAGED:
		return "damaged in the dump file";
	case IQ_MEM_IO:
		return "the dump file cannot be read there";
	case IQ_MEM_UNMAPPED:
		return "not mapped";
	case IQ_MEM_NO_TABLE:
		return "its page table cannot be read";
	}
	return "unreadable";
}

struct iq_error *iq_fault_error(const struct iq_fault *f)
{
	return iq_error_new(IQ_E_MEMORY, "cannot read 0x%llx: %s", (unsigned long long)f->address,
			    iq_mem_text(f->why));
}

bool iq_dump_range(const struct iq_dump *d, unsigned int index, uint64_t *start, uint64_t *end)
{
	return d->format->range(d, index, start, end);
}
