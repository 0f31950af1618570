// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Going through all of .debug_info for its names.
 *
 * Units are claimed by threads in batches; each thread collects the names that are new to it, by a hash
 * of name, kind and content (dwarf_hash.h).
 */
#include "dwarf_names.h"
#include <stdlib.h>

#define NAMES_MAX (1U << 26)
/*
 * Looks the same, and is not: what stands in a file that is included more than once, with other types
 * each time (fs/compat_binfmt_elf.c).  Of that there are a few, not thousands as of a header.
 */
#define LOOKS 5
#define BATCH (1U << 20) /* bytes of units that a thread takes at a time */
#define FORGET (4U << 20) /* what was read is given back in such pieces */

/* A set of numbers; 0 is not one of them. */
struct id_set {
	uint64_t *slots;
	uint32_t nr, mask;
	bool failed; /* no memory: it stays as it is */
};

struct name_list {
	struct name_found *found;
	unsigned int nr, room;
	bool failed;
};

struct name_worker {
	struct dwarf_hash hash;
	struct id_set
		types; /* seen already: few, each in many units, so that the set stays in caches */
	struct id_set seen; /* everything else */
	struct name_list list;
	unsigned int damaged;
};

struct build {
	struct iq_dwarf *dwarf;
	uint32_t *units;
	unsigned int nr_units, room_units;
	unsigned int next; /* to be claimed */
	struct name_worker **workers;
	unsigned int nr_workers;
};

/* ---- What was seen already ------------------------------------------------------------------- */

static inline uint32_t slot_of(uint64_t id, uint32_t mask)
{
	return (uint32_t)(id >> 3) & mask;
}

static bool enlarge(struct id_set *s)
{
	uint32_t mask = s->mask ? 2 * s->mask + 1 : 4095;
	uint64_t *slots = s->nr < NAMES_MAX ? calloc((size_t)mask + 1, sizeof(*slots)) : NULL;

	if (!slots)
		return false;
	for (uint32_t i = 0; s->slots && i <= s->mask; i++) {
		uint32_t at = slot_of(s->slots[i], mask);

		while (s->slots[i] && slots[at])
			at = (at + 1) & mask;
		if (s->slots[i])
			slots[at] = s->slots[i];
	}
	free(s->slots);
	s->slots = slots;
	s->mask = mask;
	return true;
}

/* How many times ID was seen before, at most 7. */
static unsigned int seen_times(struct id_set *s, uint64_t id)
{
	uint32_t at;

	/* The lowest bits of a slot are the number of times. */
	id = (id & ~UINT64_C(7)) + 8;
	if (s->nr >= s->mask / 2 && !enlarge(s)) {
		s->failed = true;
		return 0;
	}
	for (at = slot_of(id, s->mask); s->slots[at]; at = (at + 1) & s->mask) {
		unsigned int times = s->slots[at] & 7;

		if ((s->slots[at] & ~UINT64_C(7)) != id)
			continue;
		s->slots[at] += times < 7;
		return times;
	}
	s->slots[at] = id | 1;
	s->nr++;
	return 0;
}

/* ---- One unit -------------------------------------------------------------------------------- */

/* Which section a text lies in, and where. */
static bool locate(const struct iq_dwarf *d, const char *text, struct dwarf_name *name)
{
	static const uint8_t sections[] = {IQ_DW_STR, IQ_DW_INFO, IQ_DW_LINE_STR};
	const uint8_t *p = (const uint8_t *)text;
	size_t len = strnlen(text, sizeof(name->text));

	if (len < sizeof(name->text)) {
		name->section = NAME_SHORT;
		memcpy(&name->text, text, len);
		return true;
	}
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(sections); i++) {
		const struct iq_dw_bytes *b = &d->section[sections[i]];

		if (!b->data || p < b->data || p >= b->data + b->size ||
		    p - b->data > (ptrdiff_t)UINT32_MAX)
			continue;
		name->section = sections[i];
		name->text = (uint32_t)(p - b->data);
		return true;
	}
	return false;
}

static void add(struct name_worker *w, unsigned int kind, const char *text, uint64_t offset,
		uint64_t key)
{
	struct dwarf_name name = {.offset = (uint32_t)offset,
				  .key = (uint32_t)(key ^ key >> 32),
				  .kind = (uint8_t)kind};
	const char *usual = NULL;
	uint64_t hash;

	/* The same text lies at one place, as a rule. */
	if (!*text ||
	    seen_times(kind < NAME_FUNCTION ? &w->types : &w->seen,
		       dwarf_mix(dwarf_mix((uintptr_t)text, kind), key)) ||
	    !locate(w->hash.scan.dwarf, text, &name))
		return;
	if (kind == IQ_KIND_INT || kind == IQ_KIND_FLOAT)
		usual = types_arithmetic_name(text, strlen(text));
	hash = dwarf_hash_text(usual ? usual : text);
	name.hash = (uint32_t)(hash ^ hash >> 32);
	if (w->list.nr >= NAMES_MAX ||
	    !iq_grow(&w->list.found, &w->list.room, w->list.nr + 1, sizeof(*w->list.found))) {
		w->list.failed = true;
		return;
	}
	w->list.found[w->list.nr++] = (struct name_found){hash, name};
}

static void add_enumerators(struct name_worker *w, const struct scan_die *die)
{
	uint64_t offset = die->end;
	struct scan_die child;

	while (die->abbrev->children && dwarf_scan_die(&w->hash.scan, offset, &child) &&
	       child.abbrev) {
		if (child.abbrev->tag == DW_TAG_enumerator)
			add(w, NAME_ENUMERATOR, scan_name(&child), die->offset,
			    scan_get(&child, SCAN_VALUE));
		if (!dwarf_scan_skip(&w->hash.scan, &child, &offset))
			break;
	}
}

/*
 * A struct, union or enum at a glance: its name, where in its source file it is declared, how large
 * it and its description are.  Other units have the same one, as a rule.
 */
static uint64_t glance(const struct scan_die *die)
{
	uint64_t h = dwarf_mix(8, (uintptr_t)scan_name(die));

	/* Without a sibling it is not known how large it is: then it is always looked at. */
	h = dwarf_mix(h, scan_has(die, SCAN_SIBLING) ? die->v[SCAN_SIBLING] - die->offset
						     : die->offset);
	h = dwarf_mix(h, scan_get(die, SCAN_LINE) << 32 | scan_get(die, SCAN_COLUMN));
	return dwarf_mix(h, scan_get(die, SCAN_SIZE) << 16 | die->abbrev->tag);
}

/* Where the name of an enum's first constant is kept: units share the strings of headers. */
static uint64_t first_constant(struct name_worker *w, const struct scan_die *die)
{
	struct scan_die child;

	if (!die->abbrev->children || !dwarf_scan_die(&w->hash.scan, die->end, &child) ||
	    !child.abbrev || child.abbrev->tag != DW_TAG_enumerator)
		return 0;
	return (uintptr_t)scan_name(&child);
}

/* Structs, unions, enums: defined or declared.  *NEXT is what follows their children. */
static bool add_tagged(struct name_worker *w, const struct scan_die *die, uint64_t *next)
{
	bool is_enum = die->abbrev->tag == DW_TAG_enumeration_type;
	bool is_union = die->abbrev->tag == DW_TAG_union_type;
	unsigned int kind = is_enum ? IQ_KIND_ENUM : is_union ? IQ_KIND_UNION : IQ_KIND_STRUCT;
	const char *name = scan_name(die);
	uint64_t key, look;

	if (scan_get(die, SCAN_DECLARATION)) {
		add(w,
		    is_enum    ? NAME_ENUM_DECLARED
		    : is_union ? IQ_KIND_INCOMPLETE_UNION
			       : IQ_KIND_INCOMPLETE_STRUCT,
		    name, die->offset, 0);
		return dwarf_scan_skip(&w->hash.scan, die, next);
	}
	look = glance(die);
	/* Enums without a name, of many files, may well stand at the same line. */
	if (is_enum && !*name)
		look = dwarf_mix(look, first_constant(w, die));
	/* What looked the same at a glance several times is not looked at closely any more. */
	if ((!*name && !is_enum) || seen_times(&w->types, look) >= LOOKS)
		return dwarf_scan_skip(&w->hash.scan, die, next);
	key = dwarf_hash_content(&w->hash, die, next);
	if (!key)
		return false;
	add(w, kind, name, die->offset, key);
	if (is_enum)
		add_enumerators(w, die);
	return true;
}

static void add_variable(struct name_worker *w, const struct scan_die *die, bool top)
{
	const char *name = scan_name(die);
	struct scan_die origin;

	if (scan_has(die, SCAN_ADDRESS)) {
		/* Its name may be where it was declared. */
		for (unsigned int i = 0; !*name && i < 4 && scan_has(die, SCAN_ORIGIN); i++) {
			if (!dwarf_scan_die(&w->hash.scan, die->v[SCAN_ORIGIN], &origin) ||
			    !origin.abbrev)
				return;
			name = scan_name(&origin);
		}
		add(w, NAME_VARIABLE, name, die->offset, dwarf_mix(7, die->v[SCAN_ADDRESS]));
	} else if (top && scan_get(die, SCAN_DECLARATION)) {
		add(w, NAME_EXTERN, name, die->offset, dwarf_hash_type_of(&w->hash, die));
	}
}

/* Definitions with their names; *NEXT is the first child that is no parameter. */
static bool add_function(struct name_worker *w, const struct scan_die *die, uint64_t *next)
{
	uint64_t key;

	*next = die->end;
	if (!*scan_name(die))
		return true;
	key = dwarf_hash_content(&w->hash, die, next);
	if (!key)
		return false;
	add(w, NAME_FUNCTION, scan_name(die), die->offset,
	    dwarf_mix(key, scan_get(die, SCAN_LINE)));
	return true;
}

/* One entry.  *NEXT is where to go on; *DESCEND: that is among its children.  False: damage. */
static bool visit(struct name_worker *w, const struct scan_die *die, bool top, uint64_t *next,
		  bool *descend)
{
	uint64_t unused;

	*next = die->end;
	*descend = false;
	switch (die->abbrev->tag) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
		return add_tagged(w, die, next);
	case DW_TAG_base_type:
		add(w, scan_get(die, SCAN_ENCODING) == DW_ATE_float ? IQ_KIND_FLOAT : IQ_KIND_INT,
		    scan_name(die), die->offset, dwarf_hash_content(&w->hash, die, &unused));
		break;
	case DW_TAG_typedef:
		add(w, IQ_KIND_TYPEDEF, scan_name(die), die->offset,
		    dwarf_hash_content(&w->hash, die, &unused));
		break;
	case DW_TAG_variable:
		add_variable(w, die, top);
		break;
	case DW_TAG_subprogram:
		if (scan_get(die, SCAN_DECLARATION))
			break;
		*descend = die->abbrev->children;
		return add_function(w, die, next);
	case DW_TAG_lexical_block:
	case DW_TAG_namespace:
		*descend = die->abbrev->children;
		return true;
	}
	return dwarf_scan_skip(&w->hash.scan, die, next);
}

/* False: the unit is damaged; what came before the damage is known. */
static bool scan_unit(struct name_worker *w, uint64_t unit)
{
	struct dwarf_scan *s = &w->hash.scan;
	struct scan_die die;
	unsigned int depth = 0;
	uint64_t at;

	if (!dwarf_hash_unit(&w->hash, unit))
		return false;
	/* Rust's names mean nothing without their modules; assembly has no types. */
	if (s->language == DW_LANG_Rust || s->language == DW_LANG_Mips_Assembler)
		return true;
	if (!dwarf_scan_die(s, s->unit.root, &die) || !die.abbrev)
		return false;
	if (!die.abbrev->children)
		return true;
	for (at = die.end;;) {
		bool descend;

		if (at == s->unit.end)
			return true;
		if (!dwarf_scan_pass(s, at, &die))
			return false;
		if (!die.abbrev) {
			at = die.end;
			if (!depth)
				return true;
			depth--;
			continue;
		}
		if (!visit(w, &die, !depth, &at, &descend))
			return false;
		depth += descend;
	}
}

/* ---- All units ------------------------------------------------------------------------------- */

static bool list_units(struct build *b)
{
	uint64_t forgotten = 0;
	struct iq_dw_unit u;

	for (uint64_t at = 0; at < UINT32_MAX && iq_dw_unit_header(b->dwarf, at, &u);
	     at = iq_dw_unit_next(b->dwarf, u.end)) {
		if (!iq_grow(&b->units, &b->room_units, b->nr_units + 1, sizeof(*b->units)))
			return false;
		b->units[b->nr_units++] = (uint32_t)at;
		if (u.end - forgotten > FORGET) {
			iq_dwarf_forget(b->dwarf, IQ_DW_INFO, forgotten, u.end);
			forgotten = u.end;
		}
	}
	return true;
}

/* The next units that nobody has yet, [*FIRST, *END), about BATCH bytes; false: none. */
static bool claim(struct build *b, unsigned int *first, unsigned int *end)
{
	*first = __atomic_load_n(&b->next, __ATOMIC_RELAXED);
	do {
		if (*first >= b->nr_units)
			return false;
		*end = *first + 1;
		while (*end < b->nr_units && b->units[*end] - b->units[*first] < BATCH)
			++*end;
	} while (!__atomic_compare_exchange_n(&b->next, first, *end, true, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return true;
}

static void scan_units(void *arg, unsigned int number)
{
	struct build *b = arg;
	struct name_worker *w = calloc(1, sizeof(*w));
	unsigned int i, end;

	/* The others do it then. */
	if (!w)
		return;
	w->hash.scan.dwarf = b->dwarf;
	b->workers[number] = w;
	while (claim(b, &i, &end)) {
		uint64_t start = b->units[i];

		for (; i < end; i++)
			w->damaged += !scan_unit(w, b->units[i]);
		iq_dwarf_forget(b->dwarf, IQ_DW_INFO, start, w->hash.scan.unit.end);
	}
}

static bool merge(struct build *b, struct dwarf_names *n)
{
	struct name_list all = {0};
	bool good = b->next >= b->nr_units;

	for (unsigned int i = 0; i < b->nr_workers && good; i++) {
		struct name_worker *w = b->workers[i];

		if (!w)
			continue;
		n->damaged += w->damaged;
		good = !w->list.failed && !w->seen.failed && !w->types.failed &&
		       iq_grow(&all.found, &all.room, all.nr + w->list.nr + 1, sizeof(*all.found));
		if (good && w->list.nr)
			memcpy(all.found + all.nr, w->list.found, w->list.nr * sizeof(*all.found));
		if (good)
			all.nr += w->list.nr;
		free(w->list.found);
		w->list = (struct name_list){0};
		free(w->types.slots);
		free(w->seen.slots);
		w->types = w->seen = (struct id_set){0};
	}
	good = good && dwarf_names_unite(n, all.found, all.nr);
	free(all.found);
	return good;
}

struct dwarf_names *dwarf_names_build(struct iq_dwarf *d)
{
	struct build b = {.dwarf = d, .nr_workers = iq_nr_threads()};
	struct dwarf_names *n = calloc(1, sizeof(*n));
	bool good;

	b.workers = calloc(b.nr_workers, sizeof(*b.workers));
	good = n && b.workers && list_units(&b);
	if (good) {
		n->dwarf = d;
		iq_parallel(IQ_MIN(b.nr_workers, b.nr_units / 4 + 1), scan_units, &b);
		good = merge(&b, n);
		n->units = b.units;
		n->nr_units = b.nr_units;
	} else {
		free(b.units);
	}
	for (unsigned int i = 0; b.workers && i < b.nr_workers; i++) {
		if (b.workers[i]) {
			dwarf_scan_close(&b.workers[i]->hash.scan);
			free(b.workers[i]->types.slots);
			free(b.workers[i]->seen.slots);
			free(b.workers[i]->list.found);
			free(b.workers[i]);
		}
	}
	free(b.workers);
	if (good)
		return n;
	dwarf_names_close(n);
	return NULL;
}
