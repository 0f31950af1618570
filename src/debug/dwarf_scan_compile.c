// SPDX-License-Identifier: GPL-2.0-or-later
/* Compiling the abbreviations of a unit into steps that read what is of interest. */
#include "dwarf_scan.h"
#include <stdlib.h>

#define ABBREVS_MAX (1U << 20)

/* Entries whose place in the source is of interest. */
static bool has_place(uint32_t tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_enumeration_type ||
	       tag == DW_TAG_subprogram;
}

enum scan_value dwarf_scan_value(uint32_t tag, uint64_t attribute)
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
	enum scan_how how;

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

bool dwarf_scan_fits(uint8_t how, enum scan_value value)
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
			pass && name != DW_AT_sibling ? SCAN_OTHER : dwarf_scan_value(a->tag, name);
		struct scan_step step;

		if (!name && !form)
			break;
		if (!step_of(s, form, constant, value == SCAN_OTHER, &step) ||
		    (value != SCAN_OTHER && !dwarf_scan_fits(step.how, value) &&
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

bool dwarf_scan_compile(struct dwarf_scan *s)
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
