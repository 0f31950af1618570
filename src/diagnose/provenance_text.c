/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What C calls a value: members by types, variables by symbols, parameters by prototypes and debug information. */
#include "provenance.h"

#include <inquest/inspect.h>
#include <inttypes.h>
#include <string.h>

/* Longer expressions help nobody. */
#define TEXT_MAX 160

static bool is_struct(const struct iq_type *t)
{
	return t->kind == IQ_KIND_STRUCT || t->kind == IQ_KIND_UNION;
}

const struct iq_type *iq_pointed_to(const struct iq_type *type)
{
	const struct iq_type *t = type ? iq_type_strip(type) : NULL;

	if (t && t->kind == IQ_KIND_ARRAY)
		return iq_type_strip(iq_type_target(t));
	return t && t->kind == IQ_KIND_POINTER ? iq_type_strip(iq_type_target(t)) : NULL;
}

static struct named made(struct iq_case *c, struct iq_buf *text, const struct iq_type *type)
{
	struct named n = {.type = type, .atom = true};

	if (text->len && text->len <= TEXT_MAX && !text->failed)
		n.text = iq_case_text(c, "%s", iq_buf_str(text));
	iq_buf_free(text);
	return n;
}

/* BASE->PATH, or BASE.PATH of what is "&BASE". */
static void arrow(struct iq_buf *b, const struct named *base, const char *path)
{
	if (base->is_address || base->atom)
		iq_buf_printf(b, "%s%s%s", base->text, base->is_address ? "." : "->", path);
	else
		iq_buf_printf(b, "(%s)->%s", base->text, path);
}

/* BASE cast to a pointer to TYPE. */
static struct named cast(struct iq_case *c, const struct named *base, const struct iq_type *type)
{
	struct iq_buf b = {0};
	bool bare = base->atom || base->is_address;
	const struct iq_type *pointer = iq_type_pointer_to(type);
	struct named n;

	iq_buf_puts(&b, "((");
	iq_type_declare(pointer, "", &b);
	iq_buf_printf(&b, bare ? ")%s%s)" : ")%s(%s))", base->is_address ? "&" : "", base->text);
	n = made(c, &b, pointer);
	n.has_value = base->has_value;
	n.value = base->value;
	return n;
}

/*
 * BASE is no pointer to something that has OFFSET, but leads into an object of known type that has: the pointer to
 * that, and *OFFSET from its beginning.
 */
static bool container(struct iq_case *c, const struct named *base, int64_t *offset,
		      struct named *ret)
{
	uint64_t start;
	const struct iq_type *type, *inner;
	struct iq_buf path = {0}, b = {0};
	int64_t in;

	type = base->has_value ? iq_object_type(c, base->value, &start) : NULL;
	if (!type)
		return false;
	in = (int64_t)(base->value - start);
	if (*offset + in < 0 || (uint64_t)(*offset + in) >= iq_type_strip(type)->size)
		return false;
	*offset += in;
	if (!in) {
		*ret = cast(c, base, type);
		return ret->text != NULL;
	}
	if (!iq_member_sized(type, (uint64_t)in, 0, &inner, &path)) {
		iq_buf_free(&path);
		return false;
	}
	iq_buf_printf(&b, "container_of(%s%s, ", base->is_address ? "&" : "", base->text);
	iq_type_declare(type, "", &b);
	iq_buf_printf(&b, ", %s)", iq_buf_str(&path));
	iq_buf_free(&path);
	*ret = made(c, &b, iq_type_pointer_to(type));
	return ret->text != NULL;
}

/* BASE is an array of type ARRAY: its element at OFFSET, or a member of that. */
static bool element(struct iq_case *c, const struct named *base, const struct iq_type *array,
		    int64_t offset, unsigned int size, struct named *ret)
{
	const struct iq_type *each = iq_type_target(array);
	uint64_t one = iq_type_strip(each)->kind == IQ_KIND_POINTER ? c->k->arch->word
								    : iq_type_strip(each)->size;
	struct named e = {.atom = true,
			  .has_value = base->has_value,
			  .value = base->value + (uint64_t)offset};

	if (offset < 0 || !one || (array->count && (uint64_t)offset / one >= array->count))
		return false;
	e.text = iq_case_text(c, "%s[%" PRIu64 "]", base->text, (uint64_t)offset / one);
	if ((uint64_t)offset % one == 0 && one == size) {
		e.type = each;
		*ret = e;
		return true;
	}
	e.is_address = true;
	e.type = iq_type_pointer_to(each);
	e.value -= (uint64_t)offset % one;
	*ret = iq_name_member(c, &e, offset % (int64_t)one, size);
	return ret->text != NULL;
}

/* Is BASE, the address of a variable of unknown type, that of one of SIZE bytes?  Symbols end where the next begins. */
static bool variable_has(struct iq_case *c, const struct named *base, unsigned int size)
{
	struct iq_symbol s;

	return !base->has_value || !iq_symbol_at(c->k, base->value, &s) ||
	       s.address != base->value || !s.size || s.size <= IQ_MAX(size, 8u);
}

struct named iq_name_member(struct iq_case *c, const struct named *base, int64_t offset,
			    unsigned int size)
{
	const struct iq_type *to = iq_pointed_to(base->type), *type = NULL;
	struct iq_buf path = {0}, b = {0};
	struct named from = *base;

	if (!base->text)
		return (struct named){0};
	if (base->is_address && to && to->kind == IQ_KIND_ARRAY &&
	    element(c, base, to, offset, size, &from))
		return from;
	if (base->cast && to)
		from = cast(c, base, iq_type_target(iq_type_strip(base->type)));
	if (to && is_struct(to) && to->size && (offset < 0 || (uint64_t)offset >= to->size) &&
	    container(c, base, &offset, &from))
		to = iq_pointed_to(from.type);
	if ((!to || !is_struct(to) || !to->size) && base->has_value &&
	    (!to || to->kind == IQ_KIND_VOID)) {
		const struct iq_type *found = iq_struct_at(c, base->value);

		if (found) {
			from = cast(c, base, found);
			to = iq_type_strip(found);
		}
	}
	if (to && from.text && offset >= 0 && is_struct(to) &&
	    iq_member_sized(to, (uint64_t)offset, size, &type, &path)) {
		arrow(&b, &from, iq_buf_str(&path));
		iq_buf_free(&path);
		return made(c, &b, type);
	}
	iq_buf_free(&path);
	if (base->is_address && !offset && (to || variable_has(c, base, size))) {
		iq_buf_puts(&b, base->text);
		return made(c, &b, to && to->size == size ? to : NULL);
	}
	/* An array, or a pointer to a number. */
	if (to && to->size == size && size && !is_struct(to) && offset % size == 0) {
		if (offset)
			iq_buf_printf(&b, "%s[%" PRId64 "]", base->text, offset / size);
		else
			iq_buf_printf(&b, base->atom ? "*%s" : "*(%s)", base->text);
		return made(c, &b, to);
	}
	iq_buf_printf(&b, "*(u%u *)(", size * 8);
	if (base->root) {
		offset += base->root_offset;
		iq_buf_printf(&b, "(void *)%s %c 0x%" PRIx64 ")", base->root,
			      offset < 0 ? '-' : '+', (uint64_t)(offset < 0 ? -offset : offset));
		return made(c, &b, NULL);
	}
	if (offset && to && to->size != 1)
		iq_buf_puts(&b, "(void *)");
	iq_buf_printf(&b, base->atom ? "%s%s" : "%s(%s)", base->is_address ? "&" : "", base->text);
	if (offset)
		iq_buf_printf(&b, " %c 0x%" PRIx64, offset < 0 ? '-' : '+',
			      (uint64_t)(offset < 0 ? -offset : offset));
	iq_buf_putc(&b, ')');
	return made(c, &b, NULL);
}

/* list_entry(BASE, struct T, member): BASE points into a T. */
static bool entry_of(struct iq_case *c, const struct named *base, int64_t offset,
		     const struct iq_type *expected, struct named *ret)
{
	const struct iq_type *to = iq_pointed_to(expected), *type;
	struct iq_buf path = {0}, b = {0};

	if (!to || !is_struct(to) || offset >= 0 ||
	    !iq_member_sized(to, (uint64_t)-offset, 0, &type, &path)) {
		iq_buf_free(&path);
		return false;
	}
	iq_buf_printf(&b, "container_of(%s%s, ", base->is_address ? "&" : "", base->text);
	iq_type_declare(to, "", &b);
	iq_buf_printf(&b, ", %s)", iq_buf_str(&path));
	iq_buf_free(&path);
	*ret = made(c, &b, expected);
	return ret->text != NULL;
}

/* BASE points to a struct whose first member is what is expected. */
static bool first_member(struct iq_case *c, const struct named *base,
			 const struct iq_type *expected, struct named *ret)
{
	const struct iq_type *to = base->cast ? NULL : iq_pointed_to(base->type),
			     *want = iq_pointed_to(expected);
	const struct iq_type *type;
	struct iq_buf path = {0}, b = {0};
	bool is;

	if (!to || !want || !is_struct(to) || !is_struct(want) || !want->name[0] ||
	    !strcmp(to->name, want->name))
		return false;
	is = iq_member_sized(to, 0, 0, &type, &path) &&
	     !strcmp(iq_type_strip(type)->name, want->name);
	if (is) {
		arrow(&b, base, iq_buf_str(&path));
		*ret = made(c, &b, iq_type_pointer_to(type));
		ret->is_address = true;
	}
	iq_buf_free(&path);
	return is && ret->text;
}

struct named iq_name_sum(struct iq_case *c, const struct named *base, int64_t offset,
			 const struct iq_type *expected)
{
	const struct iq_type *to = base->cast ? NULL : iq_pointed_to(base->type), *type;
	struct iq_buf path = {0}, b = {0};
	struct named n = {0};

	if (!base->text)
		return n;
	if (!offset && first_member(c, base, expected, &n)) {
		/* &p->link, which is where p is */
	} else if (!offset) {
		n = *base;
	} else if (!entry_of(c, base, offset, expected, &n)) {
		if (to && offset > 0 && is_struct(to) &&
		    iq_member_sized(to, (uint64_t)offset, 0, &type, &path)) {
			arrow(&b, base, iq_buf_str(&path));
			n = made(c, &b, iq_type_pointer_to(type));
			n.is_address = true;
		} else {
			iq_buf_printf(&b, "%s%s %c 0x%" PRIx64, base->is_address ? "&" : "",
				      base->text, offset < 0 ? '-' : '+',
				      (uint64_t)(offset < 0 ? -offset : offset));
			n = made(c, &b, NULL);
			n.atom = false;
			n.root = base->root			   ? base->root
				 : base->atom && !base->is_address ? base->text
								   : NULL;
			n.root_offset = base->root_offset + offset;
		}
		iq_buf_free(&path);
	}
	if (!n.type && expected) {
		n.type = expected;
		n.cast = true;
	}
	n.has_value = base->has_value;
	n.value = base->value + (uint64_t)offset;
	return n;
}

struct named iq_name_constant(struct iq_case *c, uint64_t value)
{
	struct iq_symbol s;
	struct iq_buf b = {0};
	struct named n;
	const struct iq_type *type;

	if (value < UINT64_C(0xffff800000000000) || !iq_symbol_at(c->k, value, &s) ||
	    (s.size && value - s.address >= s.size)) {
		iq_buf_printf(&b, value < 10 ? "%" PRIu64 : "0x%" PRIx64, value);
		n = made(c, &b, NULL);
	} else if (value == s.address) {
		type = iq_global_type(c->k, &s);
		iq_buf_puts(&b, s.name);
		n = made(c, &b, type ? iq_type_pointer_to(type) : NULL);
		n.is_address = true;
	} else {
		struct named base = iq_name_constant(c, s.address);

		n = iq_name_sum(c, &base, (int64_t)(value - s.address), NULL);
	}
	n.has_value = true;
	n.value = value;
	return n;
}

struct named iq_name_variable(struct iq_case *c, uint64_t address, unsigned int size)
{
	struct iq_symbol s;
	struct named base;

	if (!iq_symbol_at(c->k, address, &s) || (s.size && address - s.address >= s.size))
		return (struct named){0};
	base = iq_name_constant(c, s.address);
	return iq_name_member(c, &base, (int64_t)(address - s.address), size);
}

struct named iq_name_local(struct iq_case *c, unsigned int n, bool parameter, uint64_t value,
			   uint64_t address)
{
	struct iq_frame_variables v;
	struct named found = {0};
	unsigned int matches = 0;
	struct iq_error *err = iq_args_frame(c->args, n, &v);

	if (err) {
		iq_error_free(err);
		return found;
	}
	for (unsigned int i = 0; i < v.nr; i++) {
		const struct iq_frame_variable *x = &v.list[i];
		const uint8_t *bytes = x->bytes;
		bool is = false;

		if (!x->from_dwarf || !x->type || !x->name[0] || (parameter && !x->parameter))
			continue;
		if (address)
			is = x->in_memory && x->address == address;
		else if (bytes && x->size && x->size <= 8)
			is = x->size == 8 && iq_le64(bytes) == value;
		if (!is || (found.text && !strcmp(found.text, x->name)))
			continue;
		/* Parameters of the innermost functions come first; of several the first that is sure. */
		if (matches++ && !address)
			continue;
		found = (struct named){.text = iq_case_text(c, "%s", x->name),
				       .type = x->type,
				       .atom = true,
				       .has_value = !address,
				       .value = value};
	}
	iq_frame_variables_free(&v);
	/* Small numbers are equal by chance. */
	if (!address && matches > 1 && value < 4096)
		found = (struct named){0};
	return found;
}

struct named iq_name_through_local(struct iq_case *c, unsigned int n, uint64_t address,
				   unsigned int size)
{
	struct iq_frame_variables v;
	struct named found = {0};
	struct iq_error *err = iq_args_frame(c->args, n, &v);

	if (err) {
		iq_error_free(err);
		return found;
	}
	for (unsigned int i = 0; i < v.nr && !found.text; i++) {
		const struct iq_frame_variable *x = &v.list[i];
		const struct iq_type *to = x->from_dwarf ? iq_pointed_to(x->type) : NULL;
		struct named base = {.text = x->name, .type = x->type, .atom = true};
		uint64_t value;

		if (!to || !is_struct(to) || !x->bytes || x->size != 8 || !x->name[0])
			continue;
		value = iq_le64(x->bytes);
		if (address < value || address - value >= to->size)
			continue;
		found = iq_name_member(c, &base, (int64_t)(address - value), size);
		if (!found.type)
			found = (struct named){0};
	}
	iq_frame_variables_free(&v);
	return found;
}

struct named iq_name_register(struct iq_case *c, unsigned int reg, const struct iq_type *type)
{
	struct iq_buf b = {0};
	struct named n;
	const struct iq_arch *arch = c->k->arch;

	if (reg >= arch->nr_regs)
		return (struct named){0};
	if (type) {
		iq_buf_puts(&b, "((");
		iq_type_declare(type, "", &b);
		iq_buf_printf(&b, ")%%%s)", arch->reg_names[reg]);
	} else {
		iq_buf_printf(&b, "%%%s", arch->reg_names[reg]);
	}
	n = made(c, &b, type);
	return n;
}
