// SPDX-License-Identifier: GPL-2.0-or-later
/* Compiling abbreviations, and reading entries with what comes out of it. */
#include "dwarf_scan.h"
#include <stdlib.h>

#define ABBREVS_MAX (1U << 20)

/* How a step reads its value, whose size is `arg` bytes where that is fixed. */
enum how {
	HOW_END,
	HOW_SKIP, /* `arg` bytes */
	HOW_SKIP_LEB,
	HOW_SKIP_STRING,
	HOW_SKIP_BLOCK, /* a length of `arg` bytes and so much; 0: LEB128 */
	HOW_UINT,
	HOW_ULEB,
	HOW_SLEB,
	HOW_CONSTANT, /* number `arg` of the constants */
	HOW_STRP,
	HOW_STRX, /* an index of `arg` bytes; 0: LEB128 */
	HOW_STRING,
	HOW_REF, /* relative to the unit; `arg` bytes; 0: LEB128 */
	HOW_REF_ADDR, /* absolute */
	HOW_REF_SIG,
	HOW_BLOCK, /* an expression behind a length of `arg` bytes; 0: LEB128 */
};

/* ---- Compiling ------------------------------------------------------------------------------- */

/* Entries whose place in the source is of interest. */
static bool has_place(uint32_t tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_enumeration_type ||
	       tag == DW_TAG_subprogram;
}

static enum scan_value value_of(uint32_t tag, uint64_t attribute)
{
	switch (attribute) {
	case DW_AT_name:
		return SCAN_NAME;
	case DW_AT_type:
		return SCAN_TYPE;
	case DW_AT_specification:
	case DW_AT_abstract_origin:
		return SCAN_ORIGIN;
	case DW_AT_sibling:
		return SCAN_SIBLING;
	case DW_AT_byte_size:
		return SCAN_SIZE;
	case DW_AT_encoding:
		return SCAN_ENCODING;
	case DW_AT_data_member_location:
		return SCAN_LOCATION;
	case DW_AT_bit_size:
		return SCAN_BITS;
	case DW_AT_bit_offset:
		return SCAN_BIT_OFFSET;
	case DW_AT_data_bit_offset:
		return SCAN_DATA_BIT_OFFSET;
	case DW_AT_const_value:
		return tag == DW_TAG_enumerator ? SCAN_VALUE : SCAN_OTHER;
	case DW_AT_count:
		return SCAN_COUNT;
	case DW_AT_upper_bound:
		return SCAN_BOUND;
	case DW_AT_declaration:
		return SCAN_DECLARATION;
	case DW_AT_decl_line:
		return has_place(tag) ? SCAN_LINE : SCAN_OTHER;
	case DW_AT_decl_column:
		return has_place(tag) ? SCAN_COLUMN : SCAN_OTHER;
	case DW_AT_location:
		return tag == DW_TAG_variable ? SCAN_ADDRESS : SCAN_OTHER;
	case DW_AT_language:
		return SCAN_LANGUAGE;
	default:
		return SCAN_OTHER;
	}
}

/* Entries that are of interest for themselves, not only for what they belong to or refer to. */
static bool has_name(uint32_t tag)
{
	switch (tag) {
	case DW_TAG_base_type:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_typedef:
	case DW_TAG_subprogram:
	case DW_TAG_variable:
		return true;
	default:
		return false;
	}
}

/* How an attribute of a FORM is read if it is of interest, and passed over if not. */
static bool step_of(struct dwarf_scan *s, uint64_t form, int64_t constant, bool skip,
		    struct scan_step *ret)
{
	unsigned int size = iq_dw_form_size(&s->unit, form);
	enum how how;

	*ret = (struct scan_step){.arg = (uint16_t)size};
	switch (form) {
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
	case DW_FORM_data8:
	case DW_FORM_flag:
		how = skip ? HOW_SKIP : HOW_UINT;
		break;
	case DW_FORM_strp:
		how = skip ? HOW_SKIP : HOW_STRP;
		break;
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
		how = skip ? HOW_SKIP : HOW_REF;
		break;
	case DW_FORM_ref_addr:
		how = skip ? HOW_SKIP : HOW_REF_ADDR;
		break;
	case DW_FORM_ref_sig8:
		how = skip ? HOW_SKIP : HOW_REF_SIG;
		break;
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx4:
		how = skip ? HOW_SKIP : HOW_STRX;
		break;
	case DW_FORM_strx:
		how = skip ? HOW_SKIP_LEB : HOW_STRX;
		break;
	case DW_FORM_addr:
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx4:
	case DW_FORM_sec_offset:
		how = HOW_SKIP;
		break;
	case DW_FORM_line_strp:
		if (!skip)
			return false;
		how = HOW_SKIP;
		break;
	case DW_FORM_flag_present:
	case DW_FORM_implicit_const:
		how = skip ? HOW_SKIP : HOW_CONSTANT;
		ret->arg = 0;
		if (skip)
			break;
		if (s->nr_constants == UINT16_MAX ||
		    !iq_grow(&s->constants, &s->room_constants, s->nr_constants + 1,
			     sizeof(*s->constants)))
			return false;
		ret->arg = (uint16_t)s->nr_constants;
		s->constants[s->nr_constants++] = constant;
		break;
	case DW_FORM_udata:
		how = skip ? HOW_SKIP_LEB : HOW_ULEB;
		break;
	case DW_FORM_sdata:
		how = skip ? HOW_SKIP_LEB : HOW_SLEB;
		break;
	case DW_FORM_ref_udata:
		how = skip ? HOW_SKIP_LEB : HOW_REF;
		break;
	case DW_FORM_rnglistx:
	case DW_FORM_loclistx:
	case DW_FORM_addrx:
		how = HOW_SKIP_LEB;
		break;
	case DW_FORM_string:
		how = skip ? HOW_SKIP_STRING : HOW_STRING;
		break;
	case DW_FORM_exprloc:
	case DW_FORM_block:
		how = skip ? HOW_SKIP_BLOCK : HOW_BLOCK;
		break;
	case DW_FORM_block1:
	case DW_FORM_block2:
	case DW_FORM_block4:
		ret->arg = form == DW_FORM_block1 ? 1 : form == DW_FORM_block2 ? 2 : 4;
		how = skip ? HOW_SKIP_BLOCK : HOW_BLOCK;
		break;
	default:
		return false;
	}
	ret->how = (uint8_t)how;
	return true;
}

/* Can a value be read this way?  What an attribute of a wrong class says is passed over. */
static bool fits(uint8_t how, enum scan_value value)
{
	switch (value) {
	case SCAN_NAME:
		return how == HOW_STRP || how == HOW_STRX || how == HOW_STRING;
	case SCAN_TYPE:
		return how == HOW_REF || how == HOW_REF_ADDR || how == HOW_REF_SIG;
	case SCAN_ORIGIN:
	case SCAN_SIBLING:
		return how == HOW_REF || how == HOW_REF_ADDR;
	case SCAN_ADDRESS:
		return how == HOW_BLOCK;
	default:
		return how == HOW_UINT || how == HOW_ULEB || how == HOW_SLEB ||
		       how == HOW_CONSTANT || (how == HOW_BLOCK && value == SCAN_LOCATION);
	}
}

/* MERGE: the step before is of the same abbreviation. */
static bool add_step(struct dwarf_scan *s, struct scan_step step, bool merge)
{
	struct scan_step *last = merge ? &s->steps[s->nr_steps - 1] : NULL;

	if (step.how == HOW_SKIP && !step.arg)
		return true;
	/* Runs of bytes that nobody looks at become one. */
	if (step.how == HOW_SKIP && last && last->how == HOW_SKIP &&
	    last->arg + step.arg <= UINT16_MAX) {
		last->arg += step.arg;
		return true;
	}
	if (!iq_grow(&s->steps, &s->room_steps, s->nr_steps + 1, sizeof(*s->steps)))
		return false;
	s->steps[s->nr_steps++] = step;
	return true;
}

/* Nearly all of them are one byte. */
static inline uint64_t uleb(struct iq_dw_cursor *c)
{
	return c->p < c->end && *c->p < 128 ? *c->p++ : iq_dw_uleb(c);
}

/* The steps of one abbreviation, or if PASS those that only pass over it; C is at its attributes. */
static bool compile(struct dwarf_scan *s, struct iq_dw_cursor *c, struct scan_abbrev *a, bool pass)
{
	uint32_t first = s->nr_steps;

	while (!c->bad) {
		uint64_t name = uleb(c), form = uleb(c);
		int64_t constant = form == DW_FORM_implicit_const ? iq_dw_sleb(c) : 1;
		enum scan_value value =
			pass && name != DW_AT_sibling ? SCAN_OTHER : value_of(a->tag, name);
		struct scan_step step;

		if (!name && !form)
			break;
		if (!step_of(s, form, constant, value == SCAN_OTHER, &step) ||
		    (value != SCAN_OTHER && !fits(step.how, value) &&
		     !step_of(s, form, constant, true, &step))) {
			a->slow = true;
			continue;
		}
		step.value = (uint8_t)value;
		if (!add_step(s, step, s->nr_steps > first))
			return false;
	}
	return add_step(s, (struct scan_step){.how = HOW_END}, false);
}

/* C is behind the abbreviation's code.  False without memory. */
static bool compile_both(struct dwarf_scan *s, struct iq_dw_cursor *c, struct scan_abbrev *a)
{
	struct iq_dw_cursor again;

	a->tag = (uint32_t)iq_dw_uleb(c);
	a->children = iq_dw_uint(c, 1);
	a->specs = (uint64_t)(c->p - s->dwarf->section[IQ_DW_ABBREV].data);
	/* The dwz file's offsets are not the section's. */
	a->slow = s->unit.alt;
	a->steps = a->pass = s->nr_steps;
	again = *c;
	if (!compile(s, c, a, false))
		return false;
	if (has_name(a->tag))
		return true;
	a->pass = s->nr_steps;
	return compile(s, &again, a, true);
}

static int by_code(const void *pa, const void *pb)
{
	const struct scan_abbrev *a = pa, *b = pb;

	return a->code < b->code ? -1 : a->code > b->code;
}

static bool compile_all(struct dwarf_scan *s)
{
	struct iq_dw_cursor c =
		iq_dw_cursor(s->dwarf, IQ_DW_ABBREV, s->unit.abbrevs_offset, UINT64_MAX);
	bool sorted = true;

	s->nr_abbrevs = s->nr_steps = s->nr_constants = 0;
	while (!c.bad && s->nr_abbrevs < ABBREVS_MAX) {
		uint64_t code = iq_dw_uleb(&c);
		struct scan_abbrev *a;

		if (!code || c.bad)
			break;
		if (!iq_grow(&s->abbrevs, &s->room_abbrevs, s->nr_abbrevs + 1, sizeof(*s->abbrevs)))
			return false;
		a = &s->abbrevs[s->nr_abbrevs++];
		*a = (struct scan_abbrev){.code = code};
		if (!compile_both(s, &c, a))
			return false;
		sorted = sorted && (a == s->abbrevs || a[-1].code < code);
	}
	if (!sorted)
		qsort(s->abbrevs, s->nr_abbrevs, sizeof(*s->abbrevs), by_code);
	return s->nr_abbrevs && !c.bad;
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
		s->compiled = compile_all(s);
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
	enum scan_value value = value_of(die->abbrev->tag, name);

	if (value == SCAN_OTHER)
		return;
	switch (v->class) {
	case IQ_DW_CONSTANT:
		if (fits(HOW_UINT, value))
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
		if (fits(v->class == IQ_DW_REFERENCE ? HOW_REF : HOW_REF_SIG, value))
			give(die, value, v->number);
		break;
	case IQ_DW_BLOCK:
		if (fits(HOW_BLOCK, value))
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
