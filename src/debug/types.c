// SPDX-License-Identifier: GPL-2.0-or-later
/* What all sources of types have in common: targets, lists, and types derived from others. */
#include "types_source.h"
#include <stdlib.h>

#define DAMAGES_SHOWN 10

void *types_new(size_t size, const struct types_ops *ops, const char *name, const char *source,
		struct iq_types *base, struct iq_warnings *w)
{
	struct iq_types *t = calloc(1, size);

	if (!t)
		return NULL;
	t->ops = ops;
	t->name = strdup(name);
	t->source = strdup(source);
	if (!t->name || !t->source) {
		iq_types_close(t);
		return NULL;
	}
	t->base = base;
	t->first = 1;
	t->end = 1;
	t->warnings = w;
	t->nothing.type = (struct iq_type){.kind = IQ_KIND_VOID, .name = "void", .types = t};
	t->nothing.listed = true;
	return t;
}

void iq_types_close(struct iq_types *t)
{
	if (!t)
		return;
	t->ops->close(t);
	free(t->name);
	free(t->source);
	iq_arena_free(&t->arena);
	free(t);
}

void types_damage(struct iq_types *t, const char *fmt, ...)
{
	struct iq_buf text = {0};
	va_list ap;

	if (++t->nr_damages > DAMAGES_SHOWN)
		return;
	va_start(ap, fmt);
	iq_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	iq_warn(t->warnings, "%s is damaged: %s%s", t->source, iq_buf_str(&text),
		t->nr_damages == DAMAGES_SHOWN ? " (further damage is not shown)" : "");
	iq_buf_free(&text);
}

bool types_is_name(const char *s)
{
	const char *end = s + TYPES_LONGEST_NAME;

	for (; *s && s < end; s++) {
		/* 0xff is also what btf_fetch() puts where the dump has nothing. */
		if (*s < ' ' || *s > '~')
			return false;
	}
	return s < end;
}

const char *iq_types_source(const struct iq_types *t)
{
	return t->source;
}

uint32_t iq_types_first(const struct iq_types *t)
{
	return t->first;
}

uint32_t iq_types_end(const struct iq_types *t)
{
	return t->end;
}

uint32_t iq_types_next(struct iq_types *t, uint32_t id)
{
	return t->ops->next(t, id);
}

const struct iq_type *iq_type_by_id(struct iq_types *t, uint32_t id)
{
	return id ? t->ops->by_id(t, id) : &t->nothing.type;
}

/* ---- Functions and variables ----------------------------------------------------------------- */

const struct iq_type *iq_function_by_name(struct iq_types *t, const char *name,
					  unsigned int *matches)
{
	const struct iq_type *first = NULL;
	unsigned int nr = 0;

	for (; t; t = t->base) {
		const struct iq_type *type = t->ops->function(t, name, &nr);

		first = first ? first : type;
	}
	if (matches)
		*matches = nr;
	return first;
}

const struct iq_type *iq_variable_type(struct iq_types *t, const char *name)
{
	const struct iq_type *type = NULL;

	for (; t && !type; t = t->base)
		type = t->ops->variable(t, name);
	return type;
}

const struct iq_type *iq_enumerator_by_name(struct iq_types *t, const char *name, int64_t *value)
{
	const struct iq_type *type = NULL;

	for (; t && !type && *name; t = t->base)
		type = t->ops->enumerator ? t->ops->enumerator(t, name, value) : NULL;
	return type;
}

void iq_types_nearest(struct iq_types *t, struct iq_nearest *n)
{
	for (; t; t = t->base)
		t->ops->nearest(t, n);
}

/* ---- Targets and lists ----------------------------------------------------------------------- */

const struct iq_type *iq_type_target(const struct iq_type *type)
{
	struct types_node *node = types_node(type);

	switch (type->kind) {
	case IQ_KIND_POINTER:
	case IQ_KIND_ARRAY:
	case IQ_KIND_TYPEDEF:
	case IQ_KIND_CONST:
	case IQ_KIND_VOLATILE:
	case IQ_KIND_RESTRICT:
	case IQ_KIND_FUNCTION:
		break;
	default:
		return NULL;
	}
	/* Types that were made up have their targets from the beginning. */
	if (!node->target)
		node->target = type->types->ops->target(type);
	return node->target;
}

static bool is_qualifier(enum iq_kind kind)
{
	return kind == IQ_KIND_CONST || kind == IQ_KIND_VOLATILE || kind == IQ_KIND_RESTRICT;
}

const struct iq_type *iq_type_unqualified(const struct iq_type *t)
{
	for (unsigned int i = 0; i < TYPES_MAX_CHAIN; i++) {
		if (!is_qualifier(t->kind))
			return t;
		t = iq_type_target(t);
	}
	return &t->types->nothing.type;
}

const struct iq_type *iq_type_strip(const struct iq_type *t)
{
	for (unsigned int i = 0; i < TYPES_MAX_CHAIN; i++) {
		if (!is_qualifier(t->kind) && t->kind != IQ_KIND_TYPEDEF)
			return t;
		t = iq_type_target(t);
	}
	return &t->types->nothing.type;
}

static const struct types_node *list(const struct iq_type *t)
{
	struct types_node *node = types_node(t);

	if (!node->listed) {
		node->listed = true;
		t->types->ops->list(t);
	}
	return node;
}

const struct iq_member *iq_type_members(const struct iq_type *t, unsigned int *nr)
{
	const struct types_node *node;

	t = iq_type_strip(t);
	*nr = 0;
	if (t->kind != IQ_KIND_STRUCT && t->kind != IQ_KIND_UNION && t->kind != IQ_KIND_FUNCTION)
		return NULL;
	node = list(t);
	*nr = node->nr;
	return node->members;
}

const struct iq_enumerator *iq_type_enumerators(const struct iq_type *t, unsigned int *nr)
{
	const struct types_node *node;

	t = iq_type_strip(t);
	*nr = 0;
	if (t->kind != IQ_KIND_ENUM)
		return NULL;
	node = list(t);
	*nr = node->nr;
	return node->enumerators;
}

/* ---- Types derived from others --------------------------------------------------------------- */

struct types_derived {
	struct types_derived *next;
	const struct iq_type *type;
};

static const struct iq_type *make_up(const struct iq_type *target, enum iq_kind kind,
				     uint64_t count)
{
	uint64_t size = kind == IQ_KIND_POINTER ? TYPES_WORD : target->size;
	struct types_node *node;

	if (kind == IQ_KIND_ARRAY && iq_mul_overflows(target->size, count, &size))
		return NULL;
	node = iq_arena_alloc(&target->types->arena, sizeof(*node));
	if (!node)
		return NULL;
	node->type = (struct iq_type){
		.kind = kind, .name = "", .size = size, .count = count, .types = target->types};
	node->target = target;
	node->listed = true;
	return &node->type;
}

const struct iq_type *types_derive(const struct iq_type *t, enum iq_kind kind, uint64_t count)
{
	struct types_node *node = types_node(t);
	const struct types_ops *ops = t->types->ops;
	const struct iq_type *type = NULL;
	struct types_derived *derived;

	for (derived = node->derived; derived; derived = derived->next) {
		if (derived->type->kind == kind && derived->type->count == count)
			return derived->type;
	}
	if (kind != IQ_KIND_ARRAY && ops->derived && (t->id || t->kind == IQ_KIND_VOID))
		type = ops->derived(t, kind);
	if (!type)
		type = make_up(t, kind, count);
	derived = type ? iq_arena_alloc(&t->types->arena, sizeof(*derived)) : NULL;
	if (derived) {
		*derived = (struct types_derived){node->derived, type};
		node->derived = derived;
	}
	return type;
}

const struct iq_type *iq_type_pointer_to(const struct iq_type *t)
{
	const struct iq_type *type = types_derive(t, IQ_KIND_POINTER, 0);

	return type ? type : &t->types->nothing.type;
}

const struct iq_type *iq_type_array_of(const struct iq_type *t, uint64_t count)
{
	const struct iq_type *type = types_derive(t, IQ_KIND_ARRAY, count);

	return type ? type : &t->types->nothing.type;
}

const struct iq_type *iq_type_function_of(const struct iq_type *returns, const struct iq_type *const *params,
					  unsigned int nr, bool variadic)
{
	struct iq_arena *arena = &returns->types->arena;
	struct types_node *node = iq_arena_alloc(arena, sizeof(*node));
	struct iq_member *members = iq_arena_alloc(arena, (nr + 1) * sizeof(*members));

	if (!node || !members)
		return &returns->types->nothing.type;
	for (unsigned int i = 0; i < nr; i++)
		members[i] = (struct iq_member){.name = "", .type = params[i]};
	node->type = (struct iq_type){.kind = IQ_KIND_FUNCTION,
				      .name = "",
				      .variadic = variadic,
				      .types = returns->types};
	node->target = returns;
	node->members = members;
	node->nr = nr;
	node->listed = true;
	return &node->type;
}
