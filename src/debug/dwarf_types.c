// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Types made from DWARF's entries, one at a time, when somebody asks.
 *
 * A damaged file can say anything here: typedefs of themselves, references into the middle of an
 * entry, structs that contain themselves.  Chains are followed TYPES_MAX_CHAIN steps; what lies at
 * a place that is referred to is read as an entry and is none, or another, at worst.
 */
#include "dwarf_names.h"
#include <stdlib.h>

#define MAX_DIMENSIONS 16

/* ---- Nodes ----------------------------------------------------------------------------------- */

static struct types_node *new_node(struct dwarf_types *t, const struct dwarf_entry *e,
				   enum iq_kind kind)
{
	struct types_node *node = iq_arena_alloc(&t->types.arena, sizeof(*node));

	if (!node) {
		types_damage(&t->types, "out of memory");
		return NULL;
	}
	node->type = (struct iq_type){.kind = kind,
				      .name = e->name,
				      .size = e->size,
				      .id = (uint32_t)e->die.offset,
				      .types = &t->types};
	return node;
}

static const struct iq_type *nothing(struct dwarf_types *t)
{
	return &t->types.nothing.type;
}

static const struct iq_type *make_base(struct dwarf_types *t, const struct dwarf_entry *e)
{
	const char *usual = types_arithmetic_name(e->name, strlen(e->name));
	bool real = e->encoding == DW_ATE_float || e->encoding == DW_ATE_complex_float ||
		    e->encoding == DW_ATE_imaginary_float || e->encoding == DW_ATE_decimal_float;
	struct types_node *node;

	if (!e->size || e->size > 32)
		return NULL;
	node = new_node(t, e, real ? IQ_KIND_FLOAT : IQ_KIND_INT);
	if (!node)
		return NULL;
	if (usual)
		node->type.name = usual;
	switch (e->encoding) {
	case DW_ATE_boolean:
		node->type.encoding = IQ_ENC_BOOL;
		break;
	case DW_ATE_signed_char:
		node->type.encoding = e->size == 1 ? IQ_ENC_CHAR : IQ_ENC_SIGNED;
		break;
	case DW_ATE_unsigned_char:
		node->type.encoding = e->size == 1 ? IQ_ENC_UCHAR : IQ_ENC_UNSIGNED;
		break;
	case DW_ATE_signed:
		node->type.encoding = IQ_ENC_SIGNED;
		break;
	default:
		node->type.encoding = IQ_ENC_UNSIGNED;
	}
	return &node->type;
}

/* Is any enumerator negative?  For compilers that do not say what an enum is stored as. */
static bool has_negative(const struct iq_dw_unit *u, const struct dwarf_entry *e)
{
	struct dwarf_entry child;

	for (bool more = dwarf_entry_child(u, e, &child); more;
	     more = dwarf_entry_next(u, &child, &child)) {
		if (child.die.tag == DW_TAG_enumerator && (int64_t)child.value < 0)
			return true;
	}
	return false;
}

static const struct iq_type *make_enum(struct dwarf_types *t, const struct iq_dw_unit *u,
				       const struct dwarf_entry *e, unsigned int depth)
{
	struct types_node *node;
	bool is_signed;

	if (e->declaration && *e->name) {
		const uint32_t kind = TYPES_MASK(IQ_KIND_ENUM);
		uint32_t id = dwarf_find(&t->types, e->name, kind, 0);

		if (id && id != e->die.offset && !dwarf_find(&t->types, e->name, kind, id))
			return dwarf_type_at(t, id, depth + 1);
	}
	if (e->size > 8)
		return NULL;
	if (e->has_encoding) {
		is_signed = e->encoding == DW_ATE_signed || e->encoding == DW_ATE_signed_char;
	} else if (e->has_type) {
		const struct iq_type *under = iq_type_strip(dwarf_type_at(t, e->type, depth + 1));

		is_signed = under->encoding == IQ_ENC_SIGNED || under->encoding == IQ_ENC_CHAR;
	} else {
		is_signed = has_negative(u, e);
	}
	node = new_node(t, e, IQ_KIND_ENUM);
	if (!node)
		return NULL;
	node->type.encoding = is_signed ? IQ_ENC_SIGNED : IQ_ENC_UNSIGNED;
	/* One that is not defined anywhere is taken for an ordinary one. */
	if (e->declaration && !e->has_size)
		node->type.size = sizeof(int);
	return &node->type;
}

/* Parameters come first among the children of a function. */
static bool is_variadic(const struct iq_dw_unit *u, const struct dwarf_entry *e)
{
	struct dwarf_entry child;

	for (bool more = dwarf_entry_child(u, e, &child); more;
	     more = dwarf_entry_next(u, &child, &child)) {
		if (child.die.tag != DW_TAG_formal_parameter)
			return child.die.tag == DW_TAG_unspecified_parameters;
	}
	return false;
}

static const struct iq_type *make_function(struct dwarf_types *t, const struct iq_dw_unit *u,
					   const struct dwarf_entry *e, unsigned int depth)
{
	struct dwarf_entry returns;
	struct types_node *node;
	struct iq_dw_unit *other;

	/* The code of an inlined function says nothing but where its declaration is. */
	if (e->origin)
		return dwarf_type_at(t, e->origin, depth + 1);
	/* Of functions in assembly the assembler says this, since it does not know. */
	if (e->has_type && !e->by_signature &&
	    dwarf_entry_at(t->dwarf, e->type, &other, &returns) &&
	    returns.die.tag == DW_TAG_unspecified_type && !*returns.name)
		return NULL;
	node = new_node(t, e, IQ_KIND_FUNCTION);
	if (!node)
		return NULL;
	node->type.name = "";
	node->type.size = 0;
	node->type.variadic = is_variadic(u, e);
	return &node->type;
}

static uint64_t elements(const struct dwarf_entry *e)
{
	if (e->has_count)
		return e->count;
	/* An array of none was given the highest index -1, of whatever width. */
	if (!e->has_bound || e->bound >= UINT32_MAX)
		return 0;
	return e->bound + 1;
}

static const struct iq_type *make_array(struct dwarf_types *t, const struct iq_dw_unit *u,
					const struct dwarf_entry *e, unsigned int depth)
{
	const struct iq_type *type = e->has_type ? dwarf_type_of(t, e, depth) : nothing(t);
	uint64_t count[MAX_DIMENSIONS] = {0};
	unsigned int nr = 0;
	struct dwarf_entry child;

	for (bool more = dwarf_entry_child(u, e, &child); more && nr < MAX_DIMENSIONS;
	     more = dwarf_entry_next(u, &child, &child)) {
		if (child.die.tag == DW_TAG_subrange_type)
			count[nr++] = elements(&child);
	}
	nr += !nr;
	while (type && nr)
		type = types_derive(type, IQ_KIND_ARRAY, count[--nr]);
	return type;
}

static const struct iq_type *make_typedef(struct dwarf_types *t, const struct dwarf_entry *e,
					  unsigned int depth)
{
	const struct iq_type *target = dwarf_type_of(t, e, depth);
	struct types_node *node = new_node(t, e, IQ_KIND_TYPEDEF);

	if (!node)
		return NULL;
	node->target = target;
	node->type.size = target->size;
	return &node->type;
}

/*
 * The definition of a declaration, if there is exactly one of that name, in the same file or for a
 * module in the kernel; else the declaration.
 */
static const struct iq_type *make_incomplete(struct dwarf_types *t, const struct dwarf_entry *e,
					     bool is_union, unsigned int depth)
{
	uint32_t kind = TYPES_MASK(is_union ? IQ_KIND_UNION : IQ_KIND_STRUCT), id = 0;
	struct types_node *node;

	for (struct iq_types *s = &t->types; s && *e->name && !id; s = s->base) {
		id = s->ops->find(s, e->name, kind, 0);
		if (!id || s->ops->find(s, e->name, kind, id))
			continue;
		return s == &t->types ? dwarf_type_at(t, id, depth + 1) : iq_type_by_id(s, id);
	}
	node = new_node(t, e, is_union ? IQ_KIND_INCOMPLETE_UNION : IQ_KIND_INCOMPLETE_STRUCT);
	if (!node)
		return NULL;
	node->type.size = 0;
	return &node->type;
}

static const struct iq_type *make_struct(struct dwarf_types *t, const struct dwarf_entry *e,
					 bool is_union, unsigned int depth)
{
	struct types_node *node;

	if (e->declaration)
		return make_incomplete(t, e, is_union, depth);
	if (e->size > UINT64_MAX / 8)
		return NULL;
	node = new_node(t, e, is_union ? IQ_KIND_UNION : IQ_KIND_STRUCT);
	return node ? &node->type : NULL;
}

/* ---- From entries to types ------------------------------------------------------------------- */

/* The type of an entry; NULL: it is none, or makes no sense. */
static const struct iq_type *make(struct dwarf_types *t, const struct iq_dw_unit *u,
				  const struct dwarf_entry *e, unsigned int depth)
{
	uint64_t same = dwarf_names_same(t, u, e);

	/* Described by a type unit. */
	if (e->has_signature && dwarf_signature(t, e->signature, &same))
		return dwarf_type_at(t, same, depth + 1);
	if (same != e->die.offset)
		return dwarf_type_at(t, same, depth + 1);
	switch (e->die.tag) {
	case DW_TAG_base_type:
		return make_base(t, e);
	case DW_TAG_unspecified_type:
		return nothing(t);
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_interface_type:
		return make_struct(t, e, false, depth);
	case DW_TAG_union_type:
		return make_struct(t, e, true, depth);
	case DW_TAG_enumeration_type:
		return make_enum(t, u, e, depth);
	case DW_TAG_typedef:
		return make_typedef(t, e, depth);
	case DW_TAG_subroutine_type:
	case DW_TAG_subprogram:
		return make_function(t, u, e, depth);
	case DW_TAG_array_type:
		return make_array(t, u, e, depth);
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return types_derive(dwarf_type_of(t, e, depth), IQ_KIND_POINTER, 0);
	case DW_TAG_const_type:
		return types_derive(dwarf_type_of(t, e, depth), IQ_KIND_CONST, 0);
	case DW_TAG_volatile_type:
		return types_derive(dwarf_type_of(t, e, depth), IQ_KIND_VOLATILE, 0);
	case DW_TAG_restrict_type:
		return types_derive(dwarf_type_of(t, e, depth), IQ_KIND_RESTRICT, 0);
	/* Qualifiers that change nothing about what is stored. */
	case DW_TAG_atomic_type:
	case DW_TAG_immutable_type:
	case DW_TAG_packed_type:
	case DW_TAG_shared_type:
	case DW_TAG_subrange_type:
		return dwarf_type_of(t, e, depth);
	default:
		return NULL;
	}
}

static const struct iq_type *find_or_make(struct dwarf_types *t, uint64_t offset,
					  unsigned int depth)
{
	const struct iq_type *type = iq_map_get(&t->by_offset, offset);
	struct dwarf_entry e;
	struct iq_dw_unit *u;

	if (type)
		return type;
	if (depth > TYPES_MAX_CHAIN) {
		types_damage(&t->types, "the type at 0x%llx is defined by itself",
			     (unsigned long long)offset);
		return nothing(t);
	}
	if (offset > UINT32_MAX || !dwarf_entry_at(t->dwarf, offset, &u, &e))
		return NULL;
	type = make(t, u, &e, depth);
	if (type && !iq_map_put(&t->by_offset, offset, (void *)(uintptr_t)type))
		types_damage(&t->types, "out of memory");
	return type;
}

const struct iq_type *dwarf_type_at(struct dwarf_types *t, uint64_t offset, unsigned int depth)
{
	const struct iq_type *type = find_or_make(t, offset, depth);

	if (type)
		return type;
	types_damage(&t->types, "there is no type at 0x%llx, which is referred to",
		     (unsigned long long)offset);
	return nothing(t);
}

const struct iq_type *dwarf_type_of(struct dwarf_types *t, const struct dwarf_entry *e,
				    unsigned int depth)
{
	uint64_t at = e->type;

	if (e->lost_type)
		types_damage(&t->types,
			     "the type of %s at 0x%llx is in another (dwz) file, which is missing",
			     *e->name ? e->name : "the entry", (unsigned long long)e->die.offset);
	if (!e->has_type)
		return nothing(t);
	if (e->by_signature && !dwarf_signature(t, e->type, &at)) {
		types_damage(&t->types, "there is no type unit 0x%llx, which is referred to",
			     (unsigned long long)e->type);
		return nothing(t);
	}
	return dwarf_type_at(t, at, depth + 1);
}

bool dwarf_signature(struct dwarf_types *t, uint64_t signature, uint64_t *ret)
{
	struct iq_dw_unit u;
	void *found;

	for (uint64_t at = 0; !t->signatures_read && iq_dw_unit_header(t->dwarf, at, &u);
	     at = iq_dw_unit_next(t->dwarf, u.end)) {
		if (u.signed_type && !iq_map_get(&t->by_signature, u.signature) &&
		    !iq_map_put(&t->by_signature, u.signature, (void *)(uintptr_t)u.signed_type))
			break;
	}
	t->signatures_read = true;
	found = iq_map_get(&t->by_signature, signature);
	if (found)
		*ret = (uintptr_t)found;
	return found;
}

/* ---- What a source of types can do ------------------------------------------------------------- */

static const struct iq_type *by_id(struct iq_types *types, uint32_t id)
{
	return find_or_make(dwarf_types(types), id, 0);
}

/* Only a function's return type is left until it is asked for. */
static const struct iq_type *target(const struct iq_type *type)
{
	struct dwarf_types *t = dwarf_types(type->types);
	struct dwarf_entry e;
	struct iq_dw_unit *u;

	if (!dwarf_entry_at(t->dwarf, type->id, &u, &e))
		return nothing(t);
	return dwarf_type_of(t, &e, 0);
}

static void close_types(struct iq_types *types)
{
	struct dwarf_types *t = dwarf_types(types);

	dwarf_names_close(t->names);
	iq_map_free(&t->by_offset);
	iq_map_free(&t->by_signature);
	free(t->cache_dir);
}

static const struct types_ops dwarf_ops = {
	.close = close_types,
	.by_id = by_id,
	.next = dwarf_next,
	.find = dwarf_find,
	.target = target,
	.list = dwarf_list,
	.function = dwarf_function,
	.variable = dwarf_variable,
	.enumerator = dwarf_enumerator,
	.nearest = dwarf_nearest,
};

struct iq_error *iq_dwarf_types_open(struct iq_dwarf *d, const char *name, const char *build_id,
				     const char *cache_dir, struct iq_warnings *w,
				     struct iq_types **ret)
{
	struct iq_buf source = {0};
	struct dwarf_types *t;

	iq_buf_printf(&source, "DWARF of %s", name);
	t = types_new(sizeof(*t), &dwarf_ops, name, iq_buf_str(&source), NULL, w);
	iq_buf_free(&source);
	if (!t)
		return iq_error_nomem();
	t->dwarf = d;
	t->build_id = build_id;
	t->cache_dir = cache_dir && *cache_dir ? strdup(cache_dir) : NULL;
	t->types.end = (uint32_t)IQ_MIN(d->section[IQ_DW_INFO].size, UINT32_MAX);
	*ret = &t->types;
	return NULL;
}
