// SPDX-License-Identifier: GPL-2.0-or-later
/* Types, functions, variables and constants of DWARF by name, through the index of all names. */
#include "dwarf_names.h"
#include <stdlib.h>
#include <sys/mman.h>

/* ---- The index ------------------------------------------------------------------------------- */

const char *dwarf_name_text(const struct dwarf_names *n, const struct dwarf_name *name)
{
	const char *text;

	if (name->section == NAME_SHORT)
		return (const char *)&name->text;
	text = iq_dwarf_string(n->dwarf, name->section, name->text);
	return text ? text : "";
}

/* What a name is looked up by: arithmetic types by their usual names. */
static const char *key_text(const struct dwarf_names *n, const struct dwarf_name *name)
{
	const char *text = dwarf_name_text(n, name), *usual = NULL;

	if (name->kind == IQ_KIND_INT || name->kind == IQ_KIND_FLOAT)
		usual = types_arithmetic_name(text, strlen(text));
	return usual ? usual : text;
}

static const struct dwarf_name *first_of(const struct dwarf_names *n, const char *text)
{
	uint64_t wide = dwarf_hash_text(text);
	uint32_t hash = (uint32_t)(wide ^ wide >> 32), low = 0, high = n->nr;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (n->names[mid].hash < hash)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n->nr && n->names[low].hash == hash ? &n->names[low] : NULL;
}

static bool is_type(const struct dwarf_name *name)
{
	return name->kind < NAME_FUNCTION || name->kind == NAME_ENUM_DECLARED;
}

/*
 * Go through the names that are TEXT: start with NULL; NULL: no more.  KINDS is a set of bits.
 */
static const struct dwarf_name *next_name(const struct dwarf_names *n, const char *text,
					  uint64_t kinds, const struct dwarf_name *last)
{
	const struct dwarf_name *end = n->names + n->nr;
	const struct dwarf_name *name = last ? last + 1 : first_of(n, text);

	for (uint32_t hash = name ? last ? last->hash : name->hash : 0; name && name < end;
	     name++) {
		if (name->hash != hash)
			return NULL;
		if (kinds >> name->kind & 1 && !strcmp(key_text(n, name), text))
			return name;
	}
	return NULL;
}

/* Does the text of a name lie where it says? */
static bool has_text(const struct dwarf_names *n, const struct dwarf_name *name)
{
	switch (name->section) {
	case NAME_SHORT:
		return memchr(&name->text, 0, sizeof(name->text));
	case IQ_DW_STR:
	case IQ_DW_INFO:
	case IQ_DW_LINE_STR:
		return name->text < n->dwarf->section[name->section].size;
	default:
		return false;
	}
}

bool dwarf_names_valid(const struct dwarf_names *n)
{
	uint64_t info = n->dwarf->section[IQ_DW_INFO].size;

	for (uint32_t i = 0; i < n->nr; i++) {
		const struct dwarf_name *name = &n->names[i];

		if ((i && name->hash < name[-1].hash) || name->offset >= info ||
		    name->kind >= NAME_NR_KINDS || !has_text(n, name))
			return false;
	}
	for (uint32_t i = 0; i < n->nr_units; i++) {
		if ((i && n->units[i] <= n->units[i - 1]) || n->units[i] >= info)
			return false;
	}
	return true;
}

/* From the cache or, if BUILD, by going through everything. */
static struct dwarf_names *names_of(struct dwarf_types *t, bool build)
{
	bool cache = t->cache_dir && *t->build_id;

	if (!t->names && cache && !t->cache_asked) {
		t->names = dwarf_cache_read(t->cache_dir, t->build_id, t->dwarf);
		if (t->names)
			iq_dw_units_known(t->dwarf, t->names->units, t->names->nr_units);
	}
	t->cache_asked = true;
	if (!t->names && build && !t->names_asked) {
		t->names_asked = true;
		t->names = dwarf_names_build(t->dwarf);
		if (!t->names)
			types_damage(&t->types, "out of memory for its names");
		else if (t->names->damaged)
			types_damage(&t->types,
				     "%u of its %u units; what they alone describe is unknown",
				     t->names->damaged, t->names->nr_units);
		if (t->names)
			iq_dw_units_known(t->dwarf, t->names->units, t->names->nr_units);
		if (t->names && !t->names->damaged && cache)
			dwarf_cache_write(t->cache_dir, t->build_id, t->names);
	}
	return t->names;
}

void dwarf_names_close(struct dwarf_names *n)
{
	if (!n)
		return;
	if (n->hash) {
		dwarf_scan_close(&n->hash->scan);
		free(n->hash);
	}
	if (n->mapped) {
		munmap(n->block, n->mapped);
	} else if (n->block) {
		free(n->block);
	} else {
		free((void *)(uintptr_t)n->names);
		free((void *)(uintptr_t)n->units);
	}
	free(n->by_offset);
	free(n);
}

bool dwarf_names_key(struct dwarf_names *n, uint64_t unit, uint64_t offset, uint32_t *key)
{
	struct dwarf_hash *w = n->hash;
	struct scan_die die;
	uint64_t h, end;

	if (!w) {
		w = n->hash = calloc(1, sizeof(*w));
		if (!w)
			return false;
		w->scan.dwarf = n->dwarf;
		n->hash_unit = UINT64_MAX;
	}
	if (n->hash_unit != unit) {
		n->hash_unit = UINT64_MAX;
		if (!dwarf_hash_unit(w, unit))
			return false;
		n->hash_unit = unit;
	}
	w->budget = DWARF_HASH_BUDGET;
	if (!dwarf_scan_die(&w->scan, offset, &die) || !die.abbrev)
		return false;
	h = dwarf_hash_content(w, &die, &end);
	*key = (uint32_t)(h ^ h >> 32);
	return h;
}

/* ---- The same type of another unit ------------------------------------------------------------- */

static uint64_t kind_of(const struct dwarf_entry *e)
{
	switch (e->die.tag) {
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
		return TYPES_MASK(IQ_KIND_STRUCT);
	case DW_TAG_union_type:
		return TYPES_MASK(IQ_KIND_UNION);
	case DW_TAG_enumeration_type:
		return TYPES_MASK(IQ_KIND_ENUM);
	case DW_TAG_typedef:
		return TYPES_MASK(IQ_KIND_TYPEDEF);
	case DW_TAG_base_type:
		return TYPES_ARITHMETIC;
	default:
		return 0;
	}
}

uint64_t dwarf_names_same(struct dwarf_types *t, const struct iq_dw_unit *u,
			  const struct dwarf_entry *e)
{
	uint64_t kinds = *e->name && !e->declaration ? kind_of(e) : 0;
	struct dwarf_names *n = kinds ? names_of(t, false) : NULL;
	const struct dwarf_name *first, *name;
	const char *text = e->name, *usual;
	uint32_t key;

	if (!n)
		return e->die.offset;
	usual = e->die.tag == DW_TAG_base_type ? types_arithmetic_name(text, strlen(text)) : NULL;
	text = usual ? usual : text;
	first = next_name(n, text, kinds, NULL);
	if (!first || !dwarf_names_key(n, u->offset, e->die.offset, &key))
		return e->die.offset;
	for (name = first; name; name = next_name(n, text, kinds, name)) {
		if (name->key == key)
			return name->offset;
	}
	return e->die.offset;
}

/* ---- What a source of types can do ------------------------------------------------------------- */

uint32_t dwarf_find(struct iq_types *types, const char *text, uint32_t kinds, uint32_t after)
{
	struct dwarf_names *n = names_of(dwarf_types(types), true);
	uint64_t all =
		kinds | (kinds & TYPES_MASK(IQ_KIND_ENUM) ? UINT64_C(1) << NAME_ENUM_DECLARED : 0);
	const struct dwarf_name *name = NULL;
	uint32_t found = 0;

	while (n && (name = next_name(n, text, all, name)) != NULL) {
		if (name->offset > after && (!found || name->offset < found))
			found = name->offset;
	}
	return found;
}

static int by_number(const void *pa, const void *pb)
{
	const uint32_t *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

static bool sort_offsets(struct dwarf_names *n)
{
	if (n->by_offset)
		return true;
	n->by_offset = calloc(n->nr ? n->nr : 1, sizeof(*n->by_offset));
	if (!n->by_offset)
		return false;
	for (uint32_t i = 0; i < n->nr; i++) {
		if (is_type(&n->names[i]))
			n->by_offset[n->nr_by_offset++] = n->names[i].offset;
	}
	qsort(n->by_offset, n->nr_by_offset, sizeof(*n->by_offset), by_number);
	return true;
}

uint32_t dwarf_next(struct iq_types *types, uint32_t id)
{
	struct dwarf_names *n = names_of(dwarf_types(types), true);
	uint32_t low = 0, high;

	if (!n || !sort_offsets(n))
		return 0;
	for (high = n->nr_by_offset; low < high;) {
		uint32_t mid = low + (high - low) / 2;

		if (n->by_offset[mid] <= id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n->nr_by_offset ? n->by_offset[low] : 0;
}

const struct iq_type *dwarf_function(struct iq_types *types, const char *text, unsigned int *nr)
{
	struct dwarf_names *n = names_of(dwarf_types(types), true);
	const uint64_t kinds = UINT64_C(1) << NAME_FUNCTION;
	const struct dwarf_name *name = NULL;
	const struct iq_type *first = NULL;

	while (n && (name = next_name(n, text, kinds, name)) != NULL) {
		++*nr;
		if (!first)
			first = iq_type_by_id(types, name->offset);
		if (first && first->kind != IQ_KIND_FUNCTION)
			first = NULL;
	}
	return first;
}

/* What the entry of a variable says, together with its declaration's. */
static bool read_variable(struct dwarf_types *t, uint64_t offset, struct dwarf_variable *ret)
{
	struct iq_dw_unit *u;
	struct dwarf_entry e;

	*ret = (struct dwarf_variable){.offset = offset};
	for (unsigned int i = 0; i < 4; i++) {
		if (!dwarf_entry_at(t->dwarf, offset, &u, &e))
			return false;
		if (e.has_address && !ret->has_address) {
			ret->address = e.address;
			ret->has_address = true;
		}
		if (e.has_type && !ret->type)
			ret->type = dwarf_type_of(t, &e, 0);
		if (!e.origin)
			break;
		offset = e.origin;
	}
	if (!ret->type)
		ret->type = &t->types.nothing.type;
	return true;
}

void dwarf_variables(struct dwarf_types *t, const char *text,
		     bool (*fn)(void *arg, const struct dwarf_variable *v), void *arg)
{
	struct dwarf_names *n = names_of(t, true);
	const uint64_t kinds = UINT64_C(1) << NAME_VARIABLE | UINT64_C(1) << NAME_EXTERN;
	const struct dwarf_name *name = NULL;
	struct dwarf_variable v;

	while (n && (name = next_name(n, text, kinds, name)) != NULL) {
		if (read_variable(t, name->offset, &v) && !fn(arg, &v))
			return;
	}
}

struct one_type {
	const struct iq_type *type;
	bool several;
};

static bool note_type(void *arg, const struct dwarf_variable *v)
{
	struct one_type *one = arg;

	one->several = one->type && one->type != v->type;
	one->type = v->type;
	return !one->several;
}

/* Static variables of one name and different types: which of them is meant cannot be told. */
const struct iq_type *dwarf_variable(struct iq_types *types, const char *text)
{
	struct one_type one = {0};

	dwarf_variables(dwarf_types(types), text, note_type, &one);
	return one.several ? NULL : one.type;
}

const struct iq_type *dwarf_enumerator(struct iq_types *types, const char *text, int64_t *value)
{
	struct dwarf_names *n = names_of(dwarf_types(types), true);
	const uint64_t kinds = UINT64_C(1) << NAME_ENUMERATOR;
	const struct dwarf_name *name = NULL;

	while (n && (name = next_name(n, text, kinds, name)) != NULL) {
		const struct iq_type *type = iq_type_by_id(types, name->offset);
		unsigned int nr;
		const struct iq_enumerator *list = type ? iq_type_enumerators(type, &nr) : NULL;

		for (unsigned int i = 0; list && i < nr; i++) {
			if (strcmp(list[i].name, text))
				continue;
			*value = list[i].value;
			return type;
		}
	}
	return NULL;
}

void dwarf_nearest(struct iq_types *types, struct iq_nearest *nearest)
{
	struct dwarf_names *n = names_of(dwarf_types(types), true);

	for (uint32_t i = 0; n && i < n->nr; i++) {
		if (is_type(&n->names[i]))
			iq_nearest_offer(nearest, key_text(n, &n->names[i]));
	}
}
