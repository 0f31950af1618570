// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Going through all of .debug_info for its names.
 *
 * Units are claimed by threads one after the other; each collects the names that are new to it, by
 * a hash of name, kind and content.  The content of a type is what can be seen of it: sizes,
 * members' names, places and the names of their types, so that equal descriptions in different
 * units have the same key, and others have not.
 */
#include "dwarf_names.h"
#include <stdlib.h>

#define MEMO_TEXT 8192 /* both are powers of two */
#define MEMO_TYPE 4096
#define MAX_NESTING 16 /* types without names in types without names */
#define NAMES_MAX (1U << 26)
#define BUDGET 1000000
#define BUCKETS 65536U
#define SAME_MAX 4096 /* different things of one name and kind; a kernel has some hundred */
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

/* A name and the whole hash of its text: looking at texts again would bring in all of the file. */
struct found {
	uint64_t hash;
	struct dwarf_name name;
};

struct name_list {
	struct found *found;
	unsigned int nr, room;
	bool failed;
};

struct name_worker {
	struct dwarf_scan scan;
	struct id_set seen;
	struct name_list list;
	unsigned int damaged;
	uint64_t
		budget; /* entries that may be read once more, to see what a type without a name is */
	struct {
		const char *text;
		uint64_t hash;
	} text_memo[MEMO_TEXT];
	struct {
		uint64_t offset, hash;
	} type_memo[MEMO_TYPE];
};

struct build {
	struct iq_dwarf *dwarf;
	uint32_t *units;
	unsigned int nr_units, room_units;
	unsigned int next; /* to be claimed */
	struct name_worker **workers;
	unsigned int nr_workers;
};

/* ---- Hashes ---------------------------------------------------------------------------------- */

static inline uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

uint64_t dwarf_names_hash(const char *text)
{
	size_t len = strlen(text);
	uint64_t h = len;

	for (; len >= 8; text += 8, len -= 8)
		h = mix(h, iq_le64(text));
	for (uint64_t last = 0; len; len--) {
		last = last << 8 | (uint8_t)text[len - 1];
		if (len == 1)
			h = mix(h, last);
	}
	return mix(h, 0);
}

static uint64_t hash_text(struct name_worker *w, const char *text)
{
	size_t slot = ((uintptr_t)text * UINT64_C(0x9e3779b97f4a7c15)) >> 40 & (MEMO_TEXT - 1);

	if (w->text_memo[slot].text != text) {
		w->text_memo[slot].text = text;
		w->text_memo[slot].hash = dwarf_names_hash(text);
	}
	return w->text_memo[slot].hash;
}

static uint64_t hash_type(struct name_worker *w, uint64_t offset, unsigned int depth);

static uint64_t hash_type_of(struct name_worker *w, const struct scan_die *die, unsigned int depth)
{
	if (!scan_has(die, SCAN_TYPE))
		return 1;
	if (die->signed_type)
		return mix(2, die->v[SCAN_TYPE]);
	return hash_type(w, die->v[SCAN_TYPE], depth + 1);
}

/* Over all that lies below DIE; *OFFSET becomes that of what follows.  False: damage. */
static bool skip_children(struct dwarf_scan *s, const struct scan_die *die, uint64_t *offset)
{
	struct scan_die child;
	unsigned int depth = 1;

	*offset = die->end;
	if (!die->abbrev->children)
		return true;
	if (scan_has(die, SCAN_SIBLING)) {
		*offset = die->v[SCAN_SIBLING];
		return true;
	}
	while (depth) {
		if (!dwarf_scan_pass(s, *offset, &child))
			return false;
		*offset = child.end;
		if (!child.abbrev)
			depth--;
		else if (child.abbrev->children && scan_has(&child, SCAN_SIBLING))
			*offset = child.v[SCAN_SIBLING];
		else
			depth += child.abbrev->children;
	}
	return true;
}

/*
 * What the children of DIE of a certain TAG say; up to the first other one if FIRST.  *OFFSET
 * becomes that of what follows the children, or of the first other one.
 */
static bool hash_children(struct name_worker *w, const struct scan_die *die, uint32_t tag,
			  bool first, unsigned int depth, uint64_t *h, uint64_t *offset)
{
	struct dwarf_scan *s = &w->scan;
	struct scan_die child;

	*offset = die->end;
	if (!die->abbrev->children)
		return true;
	for (;;) {
		w->budget -= depth && w->budget;
		if (!w->budget || !dwarf_scan_die(s, *offset, &child))
			return false;
		if (!child.abbrev) {
			*offset = first ? child.offset : child.end;
			return true;
		}
		if (child.abbrev->tag == tag) {
			if (tag != DW_TAG_formal_parameter)
				*h = mix(*h, hash_text(w, scan_name(&child)));
			*h = mix(*h, hash_type_of(w, &child, depth));
			*h = mix(*h, scan_get(&child, SCAN_LOCATION));
			*h = mix(*h, scan_get(&child, SCAN_BITS) << 32 |
					     (scan_get(&child, SCAN_DATA_BIT_OFFSET) ^
					      scan_get(&child, SCAN_BIT_OFFSET)));
			*h = mix(*h, scan_get(&child, SCAN_VALUE));
			if (tag == DW_TAG_subrange_type)
				*h = mix(*h, scan_has(&child, SCAN_COUNT)
						     ? child.v[SCAN_COUNT]
						     : scan_get(&child, SCAN_BOUND) + 1);
		} else if (first) {
			*offset = child.offset;
			return true;
		}
		if (!skip_children(s, &child, offset))
			return false;
	}
}

static uint32_t child_tag(uint32_t tag)
{
	switch (tag) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		return DW_TAG_member;
	case DW_TAG_enumeration_type:
		return DW_TAG_enumerator;
	case DW_TAG_array_type:
		return DW_TAG_subrange_type;
	case DW_TAG_subroutine_type:
	case DW_TAG_subprogram:
		return DW_TAG_formal_parameter;
	default:
		return 0;
	}
}

/* What DIE says; *OFFSET as above.  0: it is damaged. */
static uint64_t hash_content(struct name_worker *w, const struct scan_die *die, unsigned int depth,
			     uint64_t *offset)
{
	uint32_t tag = child_tag(die->abbrev->tag);
	uint64_t h = mix(3, scan_get(die, SCAN_SIZE));

	h = mix(h, scan_get(die, SCAN_ENCODING));
	/* The type of an enum is what it is stored as. */
	if (die->abbrev->tag != DW_TAG_enumeration_type)
		h = mix(h, hash_type_of(w, die, depth));
	*offset = die->end;
	if (tag && !hash_children(w, die, tag, tag == DW_TAG_formal_parameter, depth, &h, offset))
		return 0;
	return h ? h : 1;
}

/* A type as far as it can be seen where it is referred to: a name stands for what it names. */
static uint64_t hash_type(struct name_worker *w, uint64_t offset, unsigned int depth)
{
	size_t slot = (offset * UINT64_C(0x9e3779b97f4a7c15)) >> 40 & (MEMO_TYPE - 1);
	struct scan_die die;
	uint64_t h, end;

	if (w->type_memo[slot].offset == offset)
		return w->type_memo[slot].hash;
	/* What all units share lies elsewhere, once. */
	if (offset < w->scan.unit.root || offset >= w->scan.unit.end)
		return mix(4, offset);
	if (depth > MAX_NESTING || !w->budget || !dwarf_scan_die(&w->scan, offset, &die) ||
	    !die.abbrev)
		return 5;
	h = mix(6, die.abbrev->tag);
	if (*scan_name(&die))
		h = mix(h, hash_text(w, scan_name(&die)));
	else
		h = mix(h, hash_content(w, &die, depth, &end));
	w->type_memo[slot].offset = offset;
	w->type_memo[slot].hash = h;
	return h;
}

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
	struct dwarf_name name = {
		.offset = (uint32_t)offset, .key = (uint32_t)(key ^ key >> 32), .kind = (uint8_t)kind};
	const char *usual = NULL;
	uint64_t hash;

	/* The same text lies at one place, as a rule. */
	if (!*text || seen_times(&w->seen, mix(mix((uintptr_t)text, kind), key)) ||
	    !locate(w->scan.dwarf, text, &name))
		return;
	if (kind == IQ_KIND_INT || kind == IQ_KIND_FLOAT)
		usual = types_arithmetic_name(text, strlen(text));
	hash = dwarf_names_hash(usual ? usual : text);
	name.hash = (uint32_t)(hash ^ hash >> 32);
	if (w->list.nr >= NAMES_MAX ||
	    !iq_grow(&w->list.found, &w->list.room, w->list.nr + 1, sizeof(*w->list.found))) {
		w->list.failed = true;
		return;
	}
	w->list.found[w->list.nr++] = (struct found){hash, name};
}

static void add_enumerators(struct name_worker *w, const struct scan_die *die)
{
	uint64_t offset = die->end;
	struct scan_die child;

	while (die->abbrev->children && dwarf_scan_die(&w->scan, offset, &child) && child.abbrev) {
		if (child.abbrev->tag == DW_TAG_enumerator)
			add(w, NAME_ENUMERATOR, scan_name(&child), die->offset,
			    scan_get(&child, SCAN_VALUE));
		if (!skip_children(&w->scan, &child, &offset))
			break;
	}
}

/*
 * A struct, union or enum at a glance: its name, where in its source file it is declared, how large
 * it and its description are.  Other units have the same one, as a rule.
 */
static uint64_t glance(const struct scan_die *die)
{
	uint64_t h = mix(8, (uintptr_t)scan_name(die));

	/* Without a sibling it is not known how large it is: then it is always looked at. */
	h = mix(h, scan_has(die, SCAN_SIBLING) ? die->v[SCAN_SIBLING] - die->offset : die->offset);
	h = mix(h, scan_get(die, SCAN_LINE) << 32 | scan_get(die, SCAN_COLUMN));
	return mix(h, scan_get(die, SCAN_SIZE) << 16 | die->abbrev->tag);
}

/* Structs, unions, enums: defined or declared.  *NEXT is what follows their children. */
static bool add_tagged(struct name_worker *w, const struct scan_die *die, uint64_t *next)
{
	bool is_enum = die->abbrev->tag == DW_TAG_enumeration_type;
	bool is_union = die->abbrev->tag == DW_TAG_union_type;
	unsigned int kind = is_enum ? IQ_KIND_ENUM : is_union ? IQ_KIND_UNION : IQ_KIND_STRUCT;
	const char *name = scan_name(die);
	uint64_t key;

	if (scan_get(die, SCAN_DECLARATION)) {
		add(w,
		    is_enum    ? NAME_ENUM_DECLARED
		    : is_union ? IQ_KIND_INCOMPLETE_UNION
			       : IQ_KIND_INCOMPLETE_STRUCT,
		    name, die->offset, 0);
		return skip_children(&w->scan, die, next);
	}
	/* What looked the same at a glance several times is not looked at closely any more. */
	if ((!*name && !is_enum) || seen_times(&w->seen, glance(die)) >= LOOKS)
		return skip_children(&w->scan, die, next);
	key = hash_content(w, die, 0, next);
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
			if (!dwarf_scan_die(&w->scan, die->v[SCAN_ORIGIN], &origin) ||
			    !origin.abbrev)
				return;
			name = scan_name(&origin);
		}
		add(w, NAME_VARIABLE, name, die->offset, mix(7, die->v[SCAN_ADDRESS]));
	} else if (top && scan_get(die, SCAN_DECLARATION)) {
		add(w, NAME_EXTERN, name, die->offset, hash_type_of(w, die, 0));
	}
}

/* Definitions with their names; *NEXT is the first child that is no parameter. */
static bool add_function(struct name_worker *w, const struct scan_die *die, uint64_t *next)
{
	uint64_t key;

	*next = die->end;
	if (!*scan_name(die))
		return true;
	key = hash_content(w, die, 0, next);
	if (!key)
		return false;
	add(w, NAME_FUNCTION, scan_name(die), die->offset,
	    mix(key, scan_get(die, SCAN_LINE)));
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
		    scan_name(die), die->offset, hash_content(w, die, 0, &unused));
		break;
	case DW_TAG_typedef:
		add(w, IQ_KIND_TYPEDEF, scan_name(die), die->offset,
		    hash_content(w, die, 0, &unused));
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
	return skip_children(&w->scan, die, next);
}

/* False: the unit is damaged; what came before the damage is known. */
static bool scan_unit(struct name_worker *w, uint64_t unit)
{
	struct dwarf_scan *s = &w->scan;
	struct scan_die die;
	unsigned int depth = 0;
	uint64_t at;

	if (!dwarf_scan_unit(s, unit))
		return false;
	w->budget = BUDGET + 16 * (s->unit.end - s->unit.root);
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
	w->scan.dwarf = b->dwarf;
	b->workers[number] = w;
	while (claim(b, &i, &end)) {
		uint64_t start = b->units[i];

		for (; i < end; i++)
			w->damaged += !scan_unit(w, b->units[i]);
		iq_dwarf_forget(b->dwarf, IQ_DW_INFO, start, w->scan.unit.end);
	}
}

static int by_kind(const struct found *a, const struct found *b)
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
	const struct found *a = pa, *b = pb;
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
static bool is_defined(const struct found *all, uint32_t i)
{
	unsigned int kind = definition_of(&all[i].name), steps = 0;

	for (uint32_t j = i; kind && j-- > 0 && all[j].name.hash == all[i].name.hash &&
			     steps++ < SAME_MAX;) {
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
static struct found *sort(const struct found *all, uint32_t nr)
{
	struct found *sorted = calloc(nr ? nr : 1, sizeof(*sorted));
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

/* Each of ALL once, the lowest offset of those that say the same, and no declarations in vain. */
static bool finish(struct dwarf_names *n, const struct name_list *all)
{
	struct dwarf_name *names = calloc(all->nr ? all->nr : 1, sizeof(*names));
	struct found *sorted = sort(all->found, all->nr);
	uint32_t same = 0;

	for (uint32_t i = 0; names && sorted && i < all->nr; i++) {
		const struct found *f = &sorted[i];

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

static bool merge(struct build *b, struct dwarf_names *n)
{
	struct name_list all = {0};
	bool good = b->next >= b->nr_units;

	for (unsigned int i = 0; i < b->nr_workers && good; i++) {
		struct name_worker *w = b->workers[i];

		if (!w)
			continue;
		n->damaged += w->damaged;
		good = !w->list.failed && !w->seen.failed &&
		       iq_grow(&all.found, &all.room, all.nr + w->list.nr + 1, sizeof(*all.found));
		if (good && w->list.nr)
			memcpy(all.found + all.nr, w->list.found,
			       w->list.nr * sizeof(*all.found));
		if (good)
			all.nr += w->list.nr;
		free(w->list.found);
		w->list = (struct name_list){0};
		free(w->seen.slots);
		w->seen = (struct id_set){0};
	}
	good = good && finish(n, &all);
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
			dwarf_scan_close(&b.workers[i]->scan);
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

bool dwarf_names_key(struct dwarf_names *n, uint64_t unit, uint64_t offset, uint32_t *key)
{
	struct name_worker *w = n->worker;
	struct scan_die die;
	uint64_t h, end;

	if (!w) {
		w = n->worker = calloc(1, sizeof(*w));
		if (!w)
			return false;
		w->scan.dwarf = n->dwarf;
		n->worker_unit = UINT64_MAX;
	}
	if (n->worker_unit != unit) {
		n->worker_unit = UINT64_MAX;
		if (!dwarf_scan_unit(&w->scan, unit))
			return false;
		n->worker_unit = unit;
	}
	w->budget = BUDGET;
	if (!dwarf_scan_die(&w->scan, offset, &die) || !die.abbrev)
		return false;
	h = hash_content(w, &die, 0, &end);
	*key = (uint32_t)(h ^ h >> 32);
	return h;
}

void dwarf_names_close(struct dwarf_names *n)
{
	if (!n)
		return;
	if (n->worker) {
		dwarf_scan_close(&n->worker->scan);
		free(n->worker);
	}
	if (n->block) {
		free(n->block);
	} else {
		free((void *)(uintptr_t)n->names);
		free((void *)(uintptr_t)n->units);
	}
	free(n->by_offset);
	free(n);
}
