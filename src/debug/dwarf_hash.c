// SPDX-License-Identifier: GPL-2.0-or-later
/* Hashes of texts, of types as they are referred to, and of all that an entry says. */
#include "dwarf_hash.h"

#define MAX_NESTING 16 /* types without names in types without names */

uint64_t dwarf_hash_text(const char *text)
{
	size_t len = strlen(text);
	uint64_t h = len;

	for (; len >= 8; text += 8, len -= 8)
		h = dwarf_mix(h, iq_le64(text));
	for (uint64_t last = 0; len; len--) {
		last = last << 8 | (uint8_t)text[len - 1];
		if (len == 1)
			h = dwarf_mix(h, last);
	}
	return dwarf_mix(h, 0);
}

static uint64_t hash_text(struct dwarf_hash *w, const char *text)
{
	size_t slot =
		((uintptr_t)text * UINT64_C(0x9e3779b97f4a7c15)) >> 40 & (DWARF_HASH_TEXTS - 1);

	if (w->texts[slot].text != text) {
		w->texts[slot].text = text;
		w->texts[slot].hash = dwarf_hash_text(text);
	}
	return w->texts[slot].hash;
}

static uint64_t hash_type(struct dwarf_hash *w, uint64_t offset, unsigned int depth);

static uint64_t hash_type_of(struct dwarf_hash *w, const struct scan_die *die, unsigned int depth)
{
	if (!scan_has(die, SCAN_TYPE))
		return 1;
	if (die->signed_type)
		return dwarf_mix(2, die->v[SCAN_TYPE]);
	return hash_type(w, die->v[SCAN_TYPE], depth + 1);
}

/*
 * What the children of DIE of a certain TAG say; up to the first other one if FIRST.  *OFFSET
 * becomes that of what follows the children, or of the first other one.
 */
static bool hash_children(struct dwarf_hash *w, const struct scan_die *die, uint32_t tag,
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
				*h = dwarf_mix(*h, hash_text(w, scan_name(&child)));
			*h = dwarf_mix(*h, hash_type_of(w, &child, depth));
			*h = dwarf_mix(*h, scan_get(&child, SCAN_LOCATION));
			*h = dwarf_mix(*h, scan_get(&child, SCAN_BITS) << 32 |
						   (scan_get(&child, SCAN_DATA_BIT_OFFSET) ^
						    scan_get(&child, SCAN_BIT_OFFSET)));
			*h = dwarf_mix(*h, scan_get(&child, SCAN_VALUE));
			if (tag == DW_TAG_subrange_type)
				*h = dwarf_mix(*h, scan_has(&child, SCAN_COUNT)
							   ? child.v[SCAN_COUNT]
							   : scan_get(&child, SCAN_BOUND) + 1);
		} else if (first) {
			*offset = child.offset;
			return true;
		}
		if (!dwarf_scan_skip(s, &child, offset))
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
static uint64_t hash_content(struct dwarf_hash *w, const struct scan_die *die, unsigned int depth,
			     uint64_t *offset)
{
	uint32_t tag = child_tag(die->abbrev->tag);
	uint64_t h = dwarf_mix(3, scan_get(die, SCAN_SIZE));

	h = dwarf_mix(h, scan_get(die, SCAN_ENCODING));
	/* The type of an enum is what it is stored as. */
	if (die->abbrev->tag != DW_TAG_enumeration_type)
		h = dwarf_mix(h, hash_type_of(w, die, depth));
	*offset = die->end;
	if (tag && !hash_children(w, die, tag, tag == DW_TAG_formal_parameter, depth, &h, offset))
		return 0;
	return h ? h : 1;
}

/* A type as far as it can be seen where it is referred to: a name stands for what it names. */
static uint64_t hash_type(struct dwarf_hash *w, uint64_t offset, unsigned int depth)
{
	size_t slot = (offset * UINT64_C(0x9e3779b97f4a7c15)) >> 40 & (DWARF_HASH_TYPES - 1);
	struct scan_die die;
	uint64_t h, end;

	if (w->types[slot].offset == offset)
		return w->types[slot].hash;
	/* What all units share lies elsewhere, once. */
	if (offset < w->scan.unit.root || offset >= w->scan.unit.end)
		return dwarf_mix(4, offset);
	if (depth > MAX_NESTING || !w->budget || !dwarf_scan_die(&w->scan, offset, &die) ||
	    !die.abbrev)
		return 5;
	h = dwarf_mix(6, die.abbrev->tag);
	if (*scan_name(&die))
		h = dwarf_mix(h, hash_text(w, scan_name(&die)));
	else
		h = dwarf_mix(h, hash_content(w, &die, depth, &end));
	w->types[slot].offset = offset;
	w->types[slot].hash = h;
	return h;
}

uint64_t dwarf_hash_content(struct dwarf_hash *w, const struct scan_die *die, uint64_t *offset)
{
	return hash_content(w, die, 0, offset);
}

uint64_t dwarf_hash_type_of(struct dwarf_hash *w, const struct scan_die *die)
{
	return hash_type_of(w, die, 0);
}

bool dwarf_hash_unit(struct dwarf_hash *w, uint64_t offset)
{
	if (!dwarf_scan_unit(&w->scan, offset))
		return false;
	w->budget = DWARF_HASH_BUDGET + 16 * (w->scan.unit.end - w->scan.unit.root);
	return true;
}
