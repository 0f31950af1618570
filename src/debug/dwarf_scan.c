// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading units and entries with compiled abbreviations. */
#include "dwarf_scan.h"
#include <stdlib.h>

static int by_code(const void *pa, const void *pb)
{
	const struct scan_abbrev *a = pa, *b = pb;

	return a->code < b->code ? -1 : a->code > b->code;
}

static const struct scan_abbrev *find_abbrev(const struct dwarf_scan *s, uint64_t code)
{
	struct scan_abbrev key = {.code = code};

	/* They are numbered from 1 on, as a rule. */
	if (code <= s->nr_abbrevs && s->abbrevs[code - 1].code == code)
		return &s->abbrevs[code - 1];
	return bsearch(&key, s->abbrevs, s->nr_abbrevs, sizeof(key), by_code);
}

/* ---- Units ----------------------------------------------------------------------------------- */

/* Bytes of a section of strings up to its last NUL. */
static uint64_t text_len(const struct iq_dwarf *d, enum iq_dw_section section)
{
	const struct iq_dw_bytes *b = &d->section[section];
	const uint8_t *last = b->data && b->size ? memrchr(b->data, 0, b->size) : NULL;

	return last ? (uint64_t)(last - b->data) + 1 : 0;
}

void dwarf_scan_close(struct dwarf_scan *s)
{
	free(s->abbrevs);
	free(s->steps);
	free(s->constants);
	*s = (struct dwarf_scan){.dwarf = s->dwarf};
}

/* What indexes of strings and addresses count from. */
static void read_bases(struct dwarf_scan *s, const struct scan_die *root)
{
	struct iq_dw_cursor c = iq_dw_cursor(s->dwarf, IQ_DW_INFO, root->offset, s->unit.end);
	struct iq_dw_die plain = {.specs = root->abbrev->specs};
	struct iq_dw_attrs attrs;
	struct iq_dw_value v;
	uint32_t name;

	iq_dw_uleb(&c);
	plain.attributes = (uint64_t)(c.p - s->info);
	iq_dw_attrs(&s->unit, &plain, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &v)) {
		if (v.class != IQ_DW_OFFSET && v.class != IQ_DW_CONSTANT)
			continue;
		if (name == DW_AT_addr_base || name == DW_AT_GNU_addr_base)
			s->unit.addr_base = v.number;
		else if (name == DW_AT_str_offsets_base)
			s->unit.str_offsets_base = v.number;
	}
}

bool dwarf_scan_unit(struct dwarf_scan *s, uint64_t offset)
{
	struct iq_dwarf *d = s->dwarf;
	bool was_alt = s->unit.alt;
	unsigned int sizes = s->unit.address_size << 8 | s->unit.offset_size;
	struct scan_die root;

	if (!iq_dw_unit_header(d, offset, &s->unit))
		return false;
	iq_dwarf_relocate(d, IQ_DW_INFO, offset, s->unit.end - offset);
	if (!s->str_len)
		s->str_len = text_len(d, IQ_DW_STR);
	s->info = d->section[IQ_DW_INFO].data;
	s->end = s->info + s->unit.end;
	if (!s->compiled || s->abbrevs_offset != s->unit.abbrevs_offset || was_alt != s->unit.alt ||
	    sizes != (s->unit.address_size << 8 | s->unit.offset_size)) {
		s->compiled = dwarf_scan_compile(s);
		s->abbrevs_offset = s->unit.abbrevs_offset;
	}
	if (!s->compiled)
		return false;
	s->language = 0;
	if (!dwarf_scan_die(s, s->unit.root, &root) || !root.abbrev)
		return false;
	read_bases(s, &root);
	s->language = scan_get(&root, SCAN_LANGUAGE);
	return true;
}

/* ---- Entries --------------------------------------------------------------------------------- */

struct reader {
	const uint8_t *p, *end;
	bool bad;
};

static inline uint64_t take(struct reader *r, unsigned int size)
{
	uint64_t value;

	if ((size_t)(r->end - r->p) < size) {
		r->bad = true;
		return 0;
	}
	value = size ? iq_le(r->p, size) : 0;
	r->p += size;
	return value;
}

static inline uint64_t take_uleb(struct reader *r)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; r->p < r->end; shift += 7) {
		uint8_t byte = *r->p++;

		if (shift < 64)
			value |= (uint64_t)(byte & 127) << shift;
		if (!(byte & 128))
			return value;
	}
	r->bad = true;
	return 0;
}

static int64_t take_sleb(struct reader *r)
{
	struct iq_dw_cursor c = {.p = r->p, .end = r->end};
	int64_t value = iq_dw_sleb(&c);

	r->p = c.p;
	r->bad |= c.bad;
	return value;
}

static inline void skip(struct reader *r, uint64_t len)
{
	if ((uint64_t)(r->end - r->p) < len)
		r->bad = true;
	else
		r->p += len;
}

static const char *take_string(struct reader *r)
{
	const uint8_t *end = memchr(r->p, 0, (size_t)(r->end - r->p));
	const char *s = (const char *)r->p;

	if (!end) {
		r->bad = true;
		return "";
	}
	r->p = end + 1;
	return s;
}

static inline void give(struct scan_die *die, unsigned int value, uint64_t number)
{
	die->v[value] = number;
	die->present |= 1U << value;
}

/* The shortest of expressions: an address, or an offset that is added. */
static void give_block(const struct dwarf_scan *s, struct scan_die *die, unsigned int value,
		       const uint8_t *block, uint64_t len)
{
	struct iq_dw_cursor c = {.p = block, .end = block + len};
	uint64_t op = iq_dw_uint(&c, 1), number = 0;

	if (value == SCAN_ADDRESS && op == DW_OP_addr)
		number = iq_dw_uint(&c, s->unit.address_size);
	else if (value == SCAN_ADDRESS && op == DW_OP_addrx)
		c.bad |= !iq_dw_addrx(&s->unit, iq_dw_uleb(&c), &number);
	else if (value == SCAN_LOCATION && op == DW_OP_plus_uconst)
		number = iq_dw_uleb(&c);
	else
		return;
	if (!c.bad)
		give(die, value, number);
}

/* Where in .debug_str the string with an INDEX lies. */
static bool strx(const struct dwarf_scan *s, uint64_t index, uint64_t *ret)
{
	const struct iq_dw_bytes *b = &s->dwarf->section[IQ_DW_STR_OFFSETS];
	unsigned int size = s->unit.offset_size;
	uint64_t at;

	if (iq_mul_overflows(index, size, &at) ||
	    iq_add_overflows(at, s->unit.str_offsets_base, &at) || at > b->size ||
	    b->size - at < size)
		return false;
	*ret = iq_le(b->data + at, size);
	return *ret < s->str_len;
}

static void run(const struct dwarf_scan *s, const struct scan_step *step, struct reader *r,
		struct scan_die *die)
{
	uint64_t number;

	for (; step->how != HOW_END && !r->bad; step++) {
		switch (step->how) {
		case HOW_SKIP:
			skip(r, step->arg);
			continue;
		case HOW_SKIP_LEB:
			take_uleb(r);
			continue;
		case HOW_SKIP_STRING:
			take_string(r);
			continue;
		case HOW_SKIP_BLOCK:
			skip(r, step->arg ? take(r, step->arg) : take_uleb(r));
			continue;
		case HOW_BLOCK:
			number = step->arg ? take(r, step->arg) : take_uleb(r);
			if ((uint64_t)(r->end - r->p) < number) {
				r->bad = true;
				continue;
			}
			give_block(s, die, step->value, r->p, number);
			r->p += number;
			continue;
		case HOW_UINT:
			give(die, step->value, take(r, step->arg));
			continue;
		case HOW_ULEB:
			give(die, step->value, take_uleb(r));
			continue;
		case HOW_SLEB:
			give(die, step->value, (uint64_t)take_sleb(r));
			continue;
		case HOW_CONSTANT:
			give(die, step->value, (uint64_t)s->constants[step->arg]);
			continue;
		case HOW_STRP:
			number = take(r, step->arg);
			if (number < s->str_len)
				give(die, SCAN_NAME,
				     (uintptr_t)s->dwarf->section[IQ_DW_STR].data + number);
			continue;
		case HOW_STRX:
			number = step->arg ? take(r, step->arg) : take_uleb(r);
			if (strx(s, number, &number))
				give(die, SCAN_NAME,
				     (uintptr_t)s->dwarf->section[IQ_DW_STR].data + number);
			continue;
		case HOW_STRING:
			give(die, SCAN_NAME, (uintptr_t)take_string(r));
			continue;
		case HOW_REF:
			number = step->arg ? take(r, step->arg) : take_uleb(r);
			give(die, step->value, s->unit.offset + number);
			continue;
		case HOW_REF_ADDR:
			give(die, step->value, take(r, step->arg));
			continue;
		case HOW_REF_SIG:
			give(die, step->value, take(r, step->arg));
			die->signed_type |= step->value == SCAN_TYPE;
			continue;
		}
	}
}

/* One attribute as dwarf_unit.c read it. */
static void give_slow(const struct dwarf_scan *s, struct scan_die *die, uint32_t name,
		      const struct iq_dw_value *v)
{
	enum scan_value value = dwarf_scan_value(die->abbrev->tag, name);

	if (value == SCAN_OTHER)
		return;
	switch (v->class) {
	case IQ_DW_CONSTANT:
		if (dwarf_scan_fits(HOW_UINT, value))
			give(die, value, v->number);
		break;
	case IQ_DW_STRING:
		if (value == SCAN_NAME)
			give(die, value, (uintptr_t)v->string);
		break;
	case IQ_DW_SIGNATURE:
		die->signed_type |= value == SCAN_TYPE;
		__attribute__((fallthrough));
	case IQ_DW_REFERENCE:
		if (dwarf_scan_fits(v->class == IQ_DW_REFERENCE ? HOW_REF : HOW_REF_SIG, value))
			give(die, value, v->number);
		break;
	case IQ_DW_BLOCK:
		if (dwarf_scan_fits(HOW_BLOCK, value))
			give_block(s, die, value, v->block, v->number);
		break;
	default:
		break;
	}
}

static bool read_slowly(const struct dwarf_scan *s, uint64_t attributes, struct scan_die *die)
{
	struct iq_dw_die plain = {.attributes = attributes, .specs = die->abbrev->specs};
	struct iq_dw_attrs attrs;
	struct iq_dw_value value;
	uint32_t name;

	iq_dw_attrs(&s->unit, &plain, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &value))
		give_slow(s, die, name, &value);
	die->end = iq_dw_attrs_end(&attrs);
	return die->end;
}

static inline bool read_die(struct dwarf_scan *s, uint64_t offset, bool pass, struct scan_die *die)
{
	struct reader r = {.p = s->info + offset, .end = s->end};
	const struct scan_abbrev *a;
	uint64_t code;

	if (offset < s->unit.root || offset >= s->unit.end)
		return false;
	code = take_uleb(&r);
	die->offset = offset;
	die->present = 0;
	die->signed_type = false;
	die->abbrev = NULL;
	die->end = (uint64_t)(r.p - s->info);
	if (r.bad || !code)
		return !r.bad;
	die->abbrev = a = find_abbrev(s, code);
	if (!a)
		return false;
	if (a->slow) {
		r.bad = !read_slowly(s, die->end, die);
	} else {
		run(s, &s->steps[pass ? a->pass : a->steps], &r, die);
		die->end = (uint64_t)(r.p - s->info);
	}
	/* Never back. */
	if (scan_has(die, SCAN_SIBLING) &&
	    (die->v[SCAN_SIBLING] < die->end || die->v[SCAN_SIBLING] > s->unit.end))
		die->present &= ~(1U << SCAN_SIBLING);
	return !r.bad;
}

bool dwarf_scan_die(struct dwarf_scan *s, uint64_t offset, struct scan_die *die)
{
	return read_die(s, offset, false, die);
}

bool dwarf_scan_pass(struct dwarf_scan *s, uint64_t offset, struct scan_die *die)
{
	return read_die(s, offset, true, die);
}

bool dwarf_scan_skip(struct dwarf_scan *s, const struct scan_die *die, uint64_t *offset)
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
