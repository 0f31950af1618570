// SPDX-License-Identifier: GPL-2.0-or-later
/* Units of .debug_info: headers, abbreviations, entries and their attributes. */
#include "dwarf_read.h"
#include <stdlib.h>

/* A unit of a kernel uses some hundred abbreviations. */
#define ABBREVS_MAX (1U << 20)

uint64_t iq_dw_unit_next(const struct iq_dwarf *d, uint64_t end)
{
	const struct iq_dw_bytes *info = &d->section[IQ_DW_INFO];

	return info->alt_base && end >= info->own_size && end < info->alt_base ? info->alt_base : end;
}

bool iq_dw_unit_header(struct iq_dwarf *d, uint64_t offset, struct iq_dw_unit *u)
{
	struct iq_dw_cursor c = iq_dw_cursor(d, IQ_DW_INFO, offset, UINT64_MAX);
	const uint8_t *start = d->section[IQ_DW_INFO].data;
	unsigned int type = DW_UT_compile;

	/* A header is at most 40 bytes. */
	iq_dwarf_relocate(d, IQ_DW_INFO, offset, 40);
	*u = (struct iq_dw_unit){.dwarf = d, .offset = offset, .name = "", .comp_dir = ""};
	if (c.bad || !iq_dw_unit_length(&c, &u->offset_size))
		return false;
	u->end = (uint64_t)(c.end - start);
	u->version = (unsigned int)iq_dw_uint(&c, 2);
	if (u->version < 2 || u->version > 5)
		return false;
	if (u->version >= 5) {
		type = (unsigned int)iq_dw_uint(&c, 1);
		u->address_size = (unsigned int)iq_dw_uint(&c, 1);
		u->abbrevs_offset = iq_dw_uint(&c, u->offset_size);
	} else {
		u->abbrevs_offset = iq_dw_uint(&c, u->offset_size);
		u->address_size = (unsigned int)iq_dw_uint(&c, 1);
	}
	if (type == DW_UT_skeleton || type == DW_UT_split_compile)
		iq_dw_skip(&c, 8);
	if (type == DW_UT_type || type == DW_UT_split_type) {
		u->signature = iq_dw_uint(&c, 8);
		u->signed_type = offset + iq_dw_uint(&c, u->offset_size);
	}
	u->type = type;
	if (c.bad || (u->address_size != 8 && u->address_size != 4))
		return false;
	u->alt = d->section[IQ_DW_INFO].alt_base && offset >= d->section[IQ_DW_INFO].alt_base;
	u->abbrevs_offset = iq_dw_offset(u, IQ_DW_ABBREV, u->abbrevs_offset);
	u->root = (uint64_t)(c.p - start);
	u->str_offsets_base = u->offset_size == 4 ? 8 : 16;
	u->addr_base = u->str_offsets_base;
	return true;
}

/* ---- Abbreviations --------------------------------------------------------------------------- */

static int by_code(const void *pa, const void *pb)
{
	const struct iq_dw_abbrev *a = pa, *b = pb;

	return a->code < b->code ? -1 : a->code > b->code;
}

static void skip_specs(struct iq_dw_cursor *c)
{
	for (;;) {
		uint64_t name = iq_dw_uleb(c), form = iq_dw_uleb(c);

		if (form == DW_FORM_implicit_const)
			iq_dw_sleb(c);
		if (c->bad || (!name && !form))
			return;
	}
}

static bool read_abbrevs(struct iq_dw_unit *u)
{
	struct iq_dw_cursor c = iq_dw_cursor(u->dwarf, IQ_DW_ABBREV, u->abbrevs_offset, UINT64_MAX);
	const uint8_t *start = u->dwarf->section[IQ_DW_ABBREV].data;
	unsigned int room = 0;
	bool sorted = true;

	while (!c.bad && u->nr_abbrevs < ABBREVS_MAX) {
		uint64_t code = iq_dw_uleb(&c);
		struct iq_dw_abbrev *a;

		if (!code || c.bad)
			break;
		if (!iq_grow(&u->abbrevs, &room, u->nr_abbrevs + 1, sizeof(*u->abbrevs)))
			return false;
		a = &u->abbrevs[u->nr_abbrevs++];
		a->code = code;
		a->tag = (uint32_t)iq_dw_uleb(&c);
		a->children = iq_dw_uint(&c, 1);
		a->specs = (uint64_t)(c.p - start);
		skip_specs(&c);
		sorted = sorted && (a == u->abbrevs || a[-1].code < code);
	}
	if (!sorted)
		qsort(u->abbrevs, u->nr_abbrevs, sizeof(*u->abbrevs), by_code);
	return u->nr_abbrevs && !c.bad;
}

static const struct iq_dw_abbrev *abbrev(const struct iq_dw_unit *u, uint64_t code)
{
	struct iq_dw_abbrev key = {.code = code};

	/* They are numbered from 1 on, as a rule. */
	if (code && code <= u->nr_abbrevs && u->abbrevs[code - 1].code == code)
		return &u->abbrevs[code - 1];
	return u->nr_abbrevs ? bsearch(&key, u->abbrevs, u->nr_abbrevs, sizeof(key), by_code)
			     : NULL;
}

/* ---- Entries --------------------------------------------------------------------------------- */

bool iq_dw_die(const struct iq_dw_unit *u, uint64_t offset, struct iq_dw_die *die)
{
	struct iq_dw_cursor c;
	const struct iq_dw_abbrev *a;

	if (offset < u->root || offset >= u->end)
		return false;
	c = iq_dw_cursor(u->dwarf, IQ_DW_INFO, offset, u->end);
	a = abbrev(u, iq_dw_uleb(&c));
	if (c.bad || !a)
		return false;
	*die = (struct iq_dw_die){
		.offset = offset,
		.tag = a->tag,
		.children = a->children,
		.specs = a->specs,
		.attributes = (uint64_t)(c.p - u->dwarf->section[IQ_DW_INFO].data),
	};
	return true;
}

bool iq_dw_is_null(const struct iq_dw_unit *u, uint64_t offset)
{
	return offset >= u->root && offset < u->end &&
	       !u->dwarf->section[IQ_DW_INFO].data[offset];
}

void iq_dw_attrs(const struct iq_dw_unit *u, const struct iq_dw_die *die, struct iq_dw_attrs *a)
{
	a->unit = u;
	a->spec = iq_dw_cursor(u->dwarf, IQ_DW_ABBREV, die->specs, UINT64_MAX);
	a->value = iq_dw_cursor(u->dwarf, IQ_DW_INFO, die->attributes, u->end);
}

uint64_t iq_dw_attrs_end(const struct iq_dw_attrs *a)
{
	if (a->spec.bad || a->value.bad)
		return 0;
	return (uint64_t)(a->value.p - a->unit->dwarf->section[IQ_DW_INFO].data);
}

/* Entry INDEX of the unit's part of .debug_addr or .debug_str_offsets. */
static bool indexed(const struct iq_dw_unit *u, enum iq_dw_section s, uint64_t base,
		    unsigned int size, uint64_t index, uint64_t *ret)
{
	struct iq_dw_cursor c;
	uint64_t at;

	if (iq_mul_overflows(index, size, &at) || iq_add_overflows(at, base, &at))
		return false;
	c = iq_dw_cursor(u->dwarf, s, at, UINT64_MAX);
	*ret = iq_dw_uint(&c, size);
	return !c.bad;
}

static void value_string(struct iq_dw_value *v, const struct iq_dw_unit *u, enum iq_dw_section s,
			 uint64_t offset)
{
	v->string = iq_dwarf_string(u->dwarf, s, offset);
	v->class = v->string ? IQ_DW_STRING : IQ_DW_NONE;
}

/* An offset in the dwz file; false: there is none, or the unit is in it itself. */
static bool alt_offset(const struct iq_dw_unit *u, enum iq_dw_section s, uint64_t offset, uint64_t *ret)
{
	uint64_t base = u->dwarf->section[s].alt_base;

	return base && !u->alt && !iq_add_overflows(offset, base, ret);
}

static void value_strx(struct iq_dw_value *v, const struct iq_dw_unit *u, uint64_t index)
{
	uint64_t offset;

	if (indexed(u, IQ_DW_STR_OFFSETS, u->str_offsets_base, u->offset_size, index, &offset))
		value_string(v, u, IQ_DW_STR, offset);
}

bool iq_dw_addrx(const struct iq_dw_unit *u, uint64_t index, uint64_t *ret)
{
	return indexed(u, IQ_DW_ADDR, u->addr_base, u->address_size, index, ret);
}

static void value_addrx(struct iq_dw_value *v, const struct iq_dw_unit *u, uint64_t index)
{
	if (iq_dw_addrx(u, index, &v->number))
		v->class = IQ_DW_ADDRESS;
}

static void set(struct iq_dw_value *v, enum iq_dw_class class, uint64_t number)
{
	v->class = class;
	v->number = number;
}

static void value_block(struct iq_dw_value *v, struct iq_dw_cursor *c, uint64_t len)
{
	v->block = c->p;
	set(v, IQ_DW_BLOCK, len);
	iq_dw_skip(c, len);
}

unsigned int iq_dw_form_size(const struct iq_dw_unit *u, uint64_t form)
{
	switch (form) {
	case DW_FORM_data1:
	case DW_FORM_flag:
	case DW_FORM_ref1:
	case DW_FORM_strx1:
	case DW_FORM_addrx1:
		return 1;
	case DW_FORM_data2:
	case DW_FORM_ref2:
	case DW_FORM_strx2:
	case DW_FORM_addrx2:
		return 2;
	case DW_FORM_data4:
	case DW_FORM_ref4:
	case DW_FORM_strx4:
	case DW_FORM_addrx4:
	case DW_FORM_ref_sup4:
		return 4;
	case DW_FORM_data8:
	case DW_FORM_ref8:
	case DW_FORM_ref_sig8:
	case DW_FORM_ref_sup8:
		return 8;
	case DW_FORM_addr:
		return u->address_size;
	case DW_FORM_ref_addr:
		return u->version == 2 ? u->address_size : u->offset_size;
	case DW_FORM_strp:
	case DW_FORM_line_strp:
	case DW_FORM_sec_offset:
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_GNU_strp_alt:
		return u->offset_size;
	default:
		return 0;
	}
}

static void fixed_value(struct iq_dw_value *v, const struct iq_dw_unit *u, uint64_t form,
			uint64_t number)
{
	switch (form) {
	case DW_FORM_addr:
		return set(v, IQ_DW_ADDRESS, number);
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_flag:
		return set(v, IQ_DW_CONSTANT, number);
	case DW_FORM_data4:
	case DW_FORM_data8:
		/* Versions 2 and 3 have no form of its own for offsets: whoever asks knows. */
		return set(v, IQ_DW_CONSTANT, number);
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
		return set(v, IQ_DW_REFERENCE, u->offset + number);
	case DW_FORM_ref_addr:
		return set(v, IQ_DW_REFERENCE, iq_dw_offset(u, IQ_DW_INFO, number));
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
		if (alt_offset(u, IQ_DW_INFO, number, &number))
			set(v, IQ_DW_REFERENCE, number);
		return;
	case DW_FORM_GNU_strp_alt:
	case DW_FORM_strp_sup:
		if (alt_offset(u, IQ_DW_STR, number, &number))
			value_string(v, u, IQ_DW_STR, number);
		return;
	case DW_FORM_sec_offset:
		return set(v, IQ_DW_OFFSET, number);
	case DW_FORM_strp:
		return value_string(v, u, IQ_DW_STR, iq_dw_offset(u, IQ_DW_STR, number));
	case DW_FORM_line_strp:
		return value_string(v, u, IQ_DW_LINE_STR, iq_dw_offset(u, IQ_DW_LINE_STR, number));
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx4:
		return value_strx(v, u, number);
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx4:
		return value_addrx(v, u, number);
	case DW_FORM_ref_sig8:
		return set(v, IQ_DW_SIGNATURE, number);
	default:
		/* Another file's. */
		return;
	}
}

static void read_value(struct iq_dw_attrs *a, uint64_t form, int64_t implicit,
		       struct iq_dw_value *v)
{
	struct iq_dw_cursor *c = &a->value;
	const struct iq_dw_unit *u = a->unit;
	unsigned int size = iq_dw_form_size(u, form);

	*v = (struct iq_dw_value){0};
	if (size)
		return fixed_value(v, u, form, iq_dw_uint(c, size));
	switch (form) {
	case DW_FORM_flag_present:
		return set(v, IQ_DW_CONSTANT, 1);
	case DW_FORM_implicit_const:
		return set(v, IQ_DW_CONSTANT, (uint64_t)implicit);
	case DW_FORM_sdata:
		return set(v, IQ_DW_CONSTANT, (uint64_t)iq_dw_sleb(c));
	case DW_FORM_udata:
		return set(v, IQ_DW_CONSTANT, iq_dw_uleb(c));
	case DW_FORM_ref_udata:
		return set(v, IQ_DW_REFERENCE, u->offset + iq_dw_uleb(c));
	case DW_FORM_rnglistx:
	case DW_FORM_loclistx:
		return set(v, IQ_DW_LIST_INDEX, iq_dw_uleb(c));
	case DW_FORM_strx:
	case DW_FORM_GNU_str_index:
		return value_strx(v, u, iq_dw_uleb(c));
	case DW_FORM_addrx:
	case DW_FORM_GNU_addr_index:
		return value_addrx(v, u, iq_dw_uleb(c));
	case DW_FORM_string:
		v->string = iq_dw_str(c);
		v->class = IQ_DW_STRING;
		return;
	case DW_FORM_strx3:
		return value_strx(v, u, iq_dw_uint(c, 1) | iq_dw_uint(c, 2) << 8);
	case DW_FORM_addrx3:
		return value_addrx(v, u, iq_dw_uint(c, 1) | iq_dw_uint(c, 2) << 8);
	case DW_FORM_data16:
		return iq_dw_skip(c, 16);
	case DW_FORM_block1:
		return value_block(v, c, iq_dw_uint(c, 1));
	case DW_FORM_block2:
		return value_block(v, c, iq_dw_uint(c, 2));
	case DW_FORM_block4:
		return value_block(v, c, iq_dw_uint(c, 4));
	case DW_FORM_block:
	case DW_FORM_exprloc:
		return value_block(v, c, iq_dw_uleb(c));
	default:
		/* Of unknown size: nothing behind it can be read. */
		c->bad = true;
	}
}

bool iq_dw_attr_next(struct iq_dw_attrs *a, uint32_t *name, struct iq_dw_value *value)
{
	uint64_t attribute = iq_dw_uleb(&a->spec), form = iq_dw_uleb(&a->spec);
	int64_t implicit = form == DW_FORM_implicit_const ? iq_dw_sleb(&a->spec) : 0;

	if (a->spec.bad || a->value.bad || (!attribute && !form))
		return false;
	if (form == DW_FORM_indirect)
		form = iq_dw_uleb(&a->value);
	read_value(a, form, implicit, value);
	*name = (uint32_t)attribute;
	return !a->value.bad;
}

/* ---- Units ----------------------------------------------------------------------------------- */

/* Versions 2 and 3 write offsets as plain numbers. */
static bool is_offset(const struct iq_dw_value *v)
{
	return v->class == IQ_DW_OFFSET || v->class == IQ_DW_CONSTANT;
}

static void note_base(struct iq_dw_unit *u, uint32_t name, const struct iq_dw_value *v)
{
	if (!is_offset(v))
		return;
	if (name == DW_AT_addr_base || name == DW_AT_GNU_addr_base)
		u->addr_base = v->number;
	else if (name == DW_AT_str_offsets_base)
		u->str_offsets_base = v->number;
	else if (name == DW_AT_rnglists_base)
		u->rnglists_base = v->number;
	else if (name == DW_AT_loclists_base)
		u->loclists_base = v->number;
	else if (name == DW_AT_stmt_list) {
		u->lines = iq_dw_offset(u, IQ_DW_LINE, v->number);
		u->has_lines = true;
	}
}

static bool read_root(struct iq_dw_unit *u)
{
	struct iq_dw_attrs attrs;
	struct iq_dw_value value;
	struct iq_dw_die die;
	uint32_t name;

	if (!iq_dw_die(u, u->root, &die))
		return false;
	/* Strings and addresses may depend on bases that follow them. */
	iq_dw_attrs(u, &die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &value))
		note_base(u, name, &value);
	iq_dw_attrs(u, &die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &value)) {
		if (name == DW_AT_name && value.class == IQ_DW_STRING)
			u->name = value.string;
		else if (name == DW_AT_comp_dir && value.class == IQ_DW_STRING)
			u->comp_dir = value.string;
		else if (name == DW_AT_low_pc && value.class == IQ_DW_ADDRESS) {
			u->low_pc = value.number;
			u->has_low_pc = true;
		}
	}
	return true;
}

static void unit_free(struct iq_dw_unit *u)
{
	iq_dw_lines_free(u->line_table);
	iq_dw_functions_free(u->functions);
	free(u->abbrevs);
	free(u);
}

struct iq_dw_unit *iq_dw_unit(struct iq_dwarf *d, uint64_t offset)
{
	struct iq_dw_unit *u = iq_map_get(&d->units, offset + 1);

	if (u)
		return u;
	u = malloc(sizeof(*u));
	if (!u)
		return NULL;
	if (!iq_dw_unit_header(d, offset, u)) {
		free(u);
		return NULL;
	}
	iq_dwarf_relocate(d, IQ_DW_INFO, offset, u->end - offset);
	if (!read_abbrevs(u) || !read_root(u) || !iq_map_put(&d->units, offset + 1, u)) {
		unit_free(u);
		return NULL;
	}
	u->next = d->first_unit;
	d->first_unit = u;
	d->nr_units++;
	return u;
}

void iq_dw_units_trim(struct iq_dwarf *d, unsigned int keep)
{
	struct iq_dw_unit *next;

	if (d->nr_units <= keep)
		return;
	for (struct iq_dw_unit *u = d->first_unit; u; u = next) {
		next = u->next;
		unit_free(u);
	}
	iq_map_free(&d->units);
	d->first_unit = NULL;
	d->nr_units = 0;
	iq_dwarf_forget(d, IQ_DW_INFO, 0, UINT64_MAX);
	iq_dwarf_forget(d, IQ_DW_LINE, 0, UINT64_MAX);
}
