// SPDX-License-Identifier: GPL-2.0-or-later
/* From the names that threads found to the index: sorted, each once. */
#include "dwarf_names.h"
#include <stdlib.h>

#define BUCKETS 65536U
#define SAME_MAX 4096 /* different things of one name and kind; a kernel has some hundred */

static int by_kind(const struct name_found *a, const struct name_found *b)
{
	if (a->name.hash != b->name.hash)
		return a->name.hash < b->name.hash ? -1 : 1;
	if (a->name.kind != b->name.kind)
		return a->name.kind < b->name.kind ? -1 : 1;
	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

/* For each text and kind: what says the same stands together. */
static int by_key(const void *pa, const void *pb)
{
	const struct name_found *a = pa, *b = pb;
	int order = by_kind(a, b);

	if (order || a->name.key != b->name.key)
		return order ? order : a->name.key < b->name.key ? -1 : 1;
	return a->name.offset < b->name.offset ? -1 : a->name.offset > b->name.offset;
}

/* The kind that a definition of what NAME declares has; 0: it is no declaration. */
static unsigned int definition_of(const struct dwarf_name *name)
{
	return name->kind == IQ_KIND_INCOMPLETE_STRUCT	? IQ_KIND_STRUCT
	       : name->kind == IQ_KIND_INCOMPLETE_UNION ? IQ_KIND_UNION
	       : name->kind == NAME_EXTERN		? NAME_VARIABLE
	       : name->kind == NAME_ENUM_DECLARED	? IQ_KIND_ENUM
							: 0;
}

/* Is what number I declares defined as well?  Definitions stand before. */
static bool is_defined(const struct name_found *all, uint32_t i)
{
	unsigned int kind = definition_of(&all[i].name), steps = 0;

	for (uint32_t j = i;
	     kind && j-- > 0 && all[j].name.hash == all[i].name.hash && steps++ < SAME_MAX;) {
		if (all[j].name.kind == kind && all[j].hash == all[i].hash)
			return true;
	}
	return false;
}

static int by_offset(const void *pa, const void *pb)
{
	const struct dwarf_name *a = pa, *b = pb;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/*
 * Sort by by_key(): into buckets of a few by the first bits of their hashes, and each of these.
 * NULL without memory.
 */
static struct name_found *sort(const struct name_found *all, uint32_t nr)
{
	struct name_found *sorted = calloc(nr ? nr : 1, sizeof(*sorted));
	uint32_t *start = calloc(BUCKETS + 1, sizeof(*start));

	if (!sorted || !start) {
		free(sorted);
		free(start);
		return NULL;
	}
	for (uint32_t i = 0; i < nr; i++)
		start[all[i].name.hash / (UINT32_MAX / BUCKETS + 1)]++;
	for (uint32_t i = 0, at = 0; i < BUCKETS; i++) {
		at += start[i];
		start[i] = at;
	}
	start[BUCKETS] = nr;
	/* Backwards, so that each start ends up where its bucket begins. */
	for (uint32_t i = nr; i-- > 0;)
		sorted[--start[all[i].name.hash / (UINT32_MAX / BUCKETS + 1)]] = all[i];
	for (uint32_t i = 0; i < BUCKETS; i++) {
		if (start[i + 1] - start[i] > 1)
			qsort(sorted + start[i], start[i + 1] - start[i], sizeof(*sorted), by_key);
	}
	free(start);
	return sorted;
}

/* Put those of one hash and kind, which stand together, in the order of their offsets. */
static void sort_runs(struct dwarf_name *names, uint32_t nr)
{
	for (uint32_t i = 0, end; i < nr; i = end) {
		for (end = i + 1; end < nr && names[end].hash == names[i].hash &&
				  names[end].kind == names[i].kind;
		     end++)
			;
		if (end - i > 1)
			qsort(names + i, end - i, sizeof(*names), by_offset);
	}
}

bool dwarf_names_unite(struct dwarf_names *n, const struct name_found *all, uint32_t nr)
{
	struct dwarf_name *names = calloc(nr ? nr : 1, sizeof(*names));
	struct name_found *sorted = sort(all, nr);
	uint32_t same = 0;

	for (uint32_t i = 0; names && sorted && i < nr; i++) {
		const struct name_found *f = &sorted[i];

		same = i && !by_kind(f - 1, f) ? same + 1 : 0;
		/* More of one name than any sane program has. */
		if (same >= SAME_MAX || (same && f[-1].name.key == f->name.key) ||
		    is_defined(sorted, i))
			continue;
		names[n->nr++] = f->name;
	}
	free(sorted);
	if (!names || !sorted) {
		free(names);
		return false;
	}
	sort_runs(names, n->nr);
	n->names = realloc(names, (n->nr ? n->nr : 1) * sizeof(*names));
	if (!n->names)
		n->names = names;
	return true;
}
