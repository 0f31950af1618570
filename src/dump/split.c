// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Split dumps: makedumpfile --split writes one dump as several kdump files, each with the headers,
 * notes and bitmaps of the whole and with the pages of its own range of page frames.
 */
#include "kdump.h"
#include <stdlib.h>

/* Ranges that a warning names. */
#define MOST_RANGES 8

/* D's only part; NULL: D is no file of a split dump. */
static struct iq_kdump *part_of(const struct iq_dump *d)
{
	const struct iq_kdump_set *set = d->format_data;

	return d->info.format == IQ_DUMP_KDUMP && set->part[0]->split ? set->part[0] : NULL;
}

static bool is_empty(const struct iq_kdump *k)
{
	return k->start_pfn >= k->end_pfn;
}

static struct iq_error *stranger(const struct iq_dump *a, const struct iq_dump *b)
{
	const struct iq_dump *whole = part_of(b) ? a : b;

	return iq_error_hint(
		iq_error_new(IQ_E_USAGE,
			     "two dumps were given, %s and %s: %s is no file of a split dump",
			     a->info.path, b->info.path, whole->info.path),
		"several files make one dump only if one makedumpfile --split wrote them");
}

static bool same_notes(const struct iq_dump *a, const struct iq_dump *b)
{
	/* A file that is cut off may lack the last ones. */
	for (unsigned int i = 0; i < IQ_MIN(a->nr_notes, b->nr_notes); i++) {
		const struct iq_note *x = &a->notes[i], *y = &b->notes[i];

		if (x->type != y->type || x->size != y->size || strcmp(x->name, y->name) ||
		    memcmp(x->data, y->data, x->size))
			return false;
	}
	return true;
}

/*
 * In what two files differ that would be the same if one run of makedumpfile had written both; NULL:
 * in nothing.  Of an ELF core the header has no time: then the registers and the VMCOREINFO (where
 * KASLR put the kernel, when it crashed) tell two crashes of one machine apart.
 */
static const char *difference(const struct iq_dump *a, const struct iq_dump *b)
{
	const struct iq_kdump_origin *x = &part_of(a)->origin, *y = &part_of(b)->origin;

	if (memcmp(x->uts, y->uts, sizeof(x->uts)))
		return "the name of the machine or its kernel";
	if (x->tv_sec != y->tv_sec || x->tv_usec != y->tv_usec)
		return "the time of the crash";
	if (a->info.page_size != b->info.page_size)
		return "the page size";
	if (x->max_mapnr != y->max_mapnr || a->info.max_pfn != b->info.max_pfn)
		return "the size of the memory";
	if (x->nr_cpus != y->nr_cpus)
		return "the number of CPUs";
	if (x->version != y->version)
		return "the version of their headers";
	if (x->dump_level != y->dump_level)
		return "the dump level";
	if (x->phys_base != y->phys_base)
		return "where the kernel was in memory";
	if (a->info.vmcoreinfo && b->info.vmcoreinfo &&
	    (a->info.vmcoreinfo_len != b->info.vmcoreinfo_len ||
	     memcmp(a->info.vmcoreinfo, b->info.vmcoreinfo, a->info.vmcoreinfo_len)))
		return "VMCOREINFO";
	return same_notes(a, b) ? NULL : "the notes with the registers";
}

/* Would DUMPS, in the order of their page frames, have a page frame twice? */
static struct iq_error *check_ranges(struct iq_dump *const *dumps, unsigned int nr)
{
	const struct iq_dump *last = NULL;

	for (unsigned int i = 0; i < nr; i++) {
		const struct iq_kdump *k = part_of(dumps[i]), *before;

		if (is_empty(k))
			continue;
		before = last ? part_of(last) : NULL;
		if (before && before->start_pfn == k->start_pfn && before->end_pfn == k->end_pfn)
			return iq_error_new(IQ_E_USAGE, "%s and %s are the same part of the dump",
					    last->info.path, dumps[i]->info.path);
		if (before && before->end_pfn > k->start_pfn)
			return iq_error_new(
				IQ_E_USAGE,
				"%s and %s are not of one split dump: both have the page frames "
				"0x%llx to 0x%llx",
				last->info.path, dumps[i]->info.path,
				(unsigned long long)k->start_pfn,
				(unsigned long long)IQ_MIN(before->end_pfn, k->end_pfn) - 1);
		last = dumps[i];
	}
	return NULL;
}

static int by_range(const void *a, const void *b)
{
	const struct iq_dump *const *da = a, *const *db = b;
	const struct iq_kdump *x = part_of(*da), *y = part_of(*db);

	if (x->start_pfn != y->start_pfn)
		return x->start_pfn < y->start_pfn ? -1 : 1;
	if (x->end_pfn != y->end_pfn)
		return x->end_pfn < y->end_pfn ? -1 : 1;
	return strcmp((*da)->info.path, (*db)->info.path);
}

/* The file to which the others are added: one with pages, and with all notes. */
static struct iq_dump *choose_base(struct iq_dump *const *dumps, unsigned int nr)
{
	struct iq_dump *best = NULL;

	for (unsigned int i = 0; i < nr; i++) {
		if (!is_empty(part_of(dumps[i])) && (!best || dumps[i]->nr_notes > best->nr_notes))
			best = dumps[i];
	}
	return best ? best : dumps[0];
}

/* What the base says about itself becomes true of all. */
static struct iq_error *join_info(struct iq_dump *base, struct iq_dump *const *dumps,
				  unsigned int nr)
{
	const char **files = iq_arena_alloc(&base->arena, nr * sizeof(*files));
	struct iq_dump_info *info = &base->info;
	size_t len = strlen(info->format_text);
	uint64_t size = 0, content = 0;

	if (!files)
		return iq_error_nomem();
	for (unsigned int i = 0; i < nr; i++) {
		const struct iq_dump_info *one = &dumps[i]->info;

		files[i] = iq_arena_strdup(&base->arena, one->path);
		if (!files[i])
			return iq_error_nomem();
		size += one->file_size;
		content += one->content_size;
		info->flattened |= one->flattened;
		info->incomplete |= one->incomplete;
		info->truncated |= one->truncated;
		info->filtered |= one->filtered;
		if (!info->vmcoreinfo && one->vmcoreinfo)
			IQ_TRY(iq_vmcoreinfo_set(base, one->vmcoreinfo, one->vmcoreinfo_len));
	}
	info->path = files[0];
	info->files = files;
	info->nr_files = nr;
	info->file_size = size;
	info->content_size = content;
	snprintf(info->format_text + len, sizeof(info->format_text) - len, ", %u split parts", nr);
	return NULL;
}

/* Move the parts with pages to BASE, in their order, and close the other dumps. */
static struct iq_error *join_parts(struct iq_dump *base, struct iq_dump **dumps, unsigned int nr)
{
	struct iq_kdump_set *set = base->format_data;
	struct iq_kdump **part = calloc(nr, sizeof(struct iq_kdump *));
	unsigned int n = 0;

	if (!part)
		return iq_error_nomem();
	for (unsigned int i = 0; i < nr; i++) {
		struct iq_kdump *k = part_of(dumps[i]);

		if (dumps[i] == base || !is_empty(k))
			part[n++] = k;
		if (dumps[i] != base && !is_empty(k)) {
			((struct iq_kdump_set *)dumps[i]->format_data)->nr = 0;
			dumps[i]->file = NULL;
		}
		if (dumps[i] != base)
			iq_dump_close(dumps[i]);
		dumps[i] = NULL;
	}
	free(set->part);
	set->part = part;
	set->nr = n;
	return NULL;
}

struct iq_error *iq_kdump_join(struct iq_dump **dumps, unsigned int nr, struct iq_dump **ret)
{
	struct iq_dump *base;
	const char *what;

	for (unsigned int i = 0; i < nr; i++) {
		if (!part_of(dumps[i]))
			return stranger(dumps[i ? 0 : 1], dumps[i]);
	}
	base = choose_base(dumps, nr);
	for (unsigned int i = 0; i < nr; i++) {
		what = difference(base, dumps[i]);
		if (what)
			return iq_error_new(
				IQ_E_USAGE,
				"%s and %s are not of one split dump: they differ in %s",
				base->info.path, dumps[i]->info.path, what);
	}
	qsort(dumps, nr, sizeof(struct iq_dump *), by_range);
	IQ_TRY(check_ranges(dumps, nr));
	IQ_TRY(join_info(base, dumps, nr));
	IQ_TRY(join_parts(base, dumps, nr));
	*ret = base;
	return NULL;
}

static void add_range(struct iq_buf *b, unsigned int nr, uint64_t start, uint64_t end)
{
	if (nr <= MOST_RANGES)
		iq_buf_printf(b, "%s0x%llx to 0x%llx", nr > 1 ? ", " : "",
			      (unsigned long long)start, (unsigned long long)end - 1);
	else if (nr == MOST_RANGES + 1)
		iq_buf_puts(b, " and more");
}

void iq_kdump_warn_split(const struct iq_dump *d, struct iq_warnings *w)
{
	const struct iq_kdump_set *set = d->format_data;
	const struct iq_kdump *k = set->part[0];
	struct iq_buf lost = {0};
	unsigned int ranges = 0;
	uint64_t at = 0;

	if (!k->split)
		return;
	if (d->info.nr_files == 1 && is_empty(k)) {
		iq_warn(w, "one file of a split dump, and one without any pages");
		return;
	}
	if (d->info.nr_files == 1) {
		/* makedumpfile gives the first file all of a small memory. */
		if (!k->start_pfn && k->end_pfn == d->info.max_pfn)
			return;
		iq_warn(w, "one file of a split dump: it has only the page frames 0x%llx to 0x%llx",
			(unsigned long long)k->start_pfn, (unsigned long long)k->end_pfn - 1);
		return;
	}
	for (unsigned int i = 0; i < set->nr; i++) {
		k = set->part[i];
		if (k->start_pfn > at)
			add_range(&lost, ++ranges, at, k->start_pfn);
		at = k->end_pfn;
	}
	if (at < d->info.max_pfn)
		add_range(&lost, ++ranges, at, d->info.max_pfn);
	if (ranges)
		iq_warn(w, "files of the split dump are missing: those with the page frames %s",
			iq_buf_str(&lost));
	iq_buf_free(&lost);
}
