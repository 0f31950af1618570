// SPDX-License-Identifier: GPL-2.0-or-later
/* What an expression finds in memory: through pointers, members, elements, per-CPU variables. */
#include "eval.h"

#define MAX_ARTIFICIAL (1u << 24) /* elements of an array made with @ */

struct iq_error *eval_dereference(const struct eval *e, const struct iq_value *operand,
				  struct iq_value *ret)
{
	struct iq_value v = eval_decay(e, operand);
	const struct iq_type *t = eval_kind_of(&v);
	uint64_t address;

	if (eval_is_kind(operand, IQ_KIND_FUNCTION)) {
		*ret = *operand;
		return NULL;
	}
	/* A number as typed, or what was worked out from one, may well be an address. */
	if (t && !t->types && !v.text)
		t = NULL;
	if (t && t->kind != IQ_KIND_POINTER)
		return expr_wrong_type(&v,
				       "is not a pointer: there is nothing to look at through it");
	IQ_TRY(eval_number(e, &v, &address));
	*ret = (struct iq_value){
		.type = t ? iq_type_target(t) : &expr_unsigned_long,
		.in_memory = true,
		.address = address,
	};
	if (iq_type_strip(ret->type)->kind == IQ_KIND_VOID)
		return iq_error_hint(expr_wrong_type(operand, "points to nothing that is known"),
				     "cast it: *(TYPE *)…");
	return NULL;
}

struct iq_error *eval_address_of(const struct eval *e, const struct iq_value *v,
				 struct iq_value *ret)
{
	if (!v->in_memory && !v->type) {
		*ret = *v; /* of an untyped symbol */
		return NULL;
	}
	if (!v->in_memory)
		return expr_wrong_type(v, "value is not in memory: it has no address");
	if (v->bit_size)
		return expr_wrong_type(v, "is a bitfield: it has no address");
	*ret = (struct iq_value){.number = v->address, .type = eval_pointer_to(e, v->type)};
	return NULL;
}

struct iq_error *eval_member(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_types *types;
	struct iq_value v;
	struct iq_member m;

	IQ_TRY(eval_node(e, n->a, &v));
	if (eval_is_kind(&v, IQ_KIND_POINTER) || eval_is_kind(&v, IQ_KIND_ARRAY))
		IQ_TRY(eval_dereference(e, &v, &v));
	/* Without any types nothing has one. */
	if (!v.type && e->scope->k)
		IQ_TRY(iq_kernel_need_types(e->scope->k, &types));
	if (!v.type)
		return iq_error_hint(
			iq_error_new(IQ_E_USAGE, "%s at column %zu: what is left of it has no type",
				     n->name, n->at + 1),
			"cast it: ((struct NAME *)ADDRESS)->%s", n->name);
	if (!eval_is_aggregate(&v))
		return expr_wrong_type(&v, "has no members");
	if (!v.in_memory)
		return expr_wrong_type(&v, "is not in memory");
	IQ_TRY(iq_member_find(v.type, n->name, &m));
	*ret = (struct iq_value){
		.type = m.type,
		.in_memory = true,
		.address = v.address + m.bit_offset / 8,
		.bit_offset = m.bit_offset % 8,
		.bit_size = m.bit_size,
	};
	return NULL;
}

struct iq_error *eval_character_of(const struct eval *e, const struct iq_value *string, uint64_t i,
				   struct iq_value *ret)
{
	/* The final NUL is an element as well. */
	if (i > string->text_len)
		return iq_error_new(IQ_E_USAGE, "the string has no character %llu",
				    (unsigned long long)i);
	*ret = expr_character(e->scope, i < string->text_len ? (uint8_t)string->text[i] : 0);
	return NULL;
}

struct iq_error *eval_element(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value array, index;
	uint64_t base, number;
	const struct iq_type *t;

	IQ_TRY(eval_node(e, n->a, &array));
	IQ_TRY(eval_node(e, n->b, &index));
	if (array.text) {
		IQ_TRY(eval_number(e, &index, &number));
		return eval_character_of(e, &array, number, ret);
	}
	array = eval_decay(e, &array);
	index = eval_decay(e, &index);
	/* i[array] is C as well. */
	if (!eval_is_kind(&array, IQ_KIND_POINTER) && eval_is_kind(&index, IQ_KIND_POINTER)) {
		struct iq_value swap = array;

		array = index;
		index = swap;
	}
	if (!eval_is_kind(&array, IQ_KIND_POINTER))
		return expr_wrong_type(&array,
				       "is neither an array nor a pointer: it has no elements");
	if (eval_is_kind(&index, IQ_KIND_POINTER))
		return expr_wrong_type(&index, "is no index");
	t = iq_type_target(iq_type_strip(array.type));
	if (!iq_type_strip(t)->size)
		return expr_wrong_type(&array, "has elements of unknown size");
	IQ_TRY(eval_number(e, &array, &base));
	IQ_TRY(eval_number(e, &index, &number));
	*ret = (struct iq_value){
		.type = t, .in_memory = true, .address = base + number * iq_type_strip(t)->size};
	return NULL;
}

/* first@count: an array that begins with `first`. */
struct iq_error *eval_artificial(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct eval plain = *e;
	struct iq_value first, count;
	const struct iq_type *t;
	uint64_t number;

	plain.types_only = false;
	IQ_TRY(eval_node(e, n->a, &first));
	IQ_TRY(eval_node(&plain, n->b, &count));
	if (!first.in_memory || first.bit_size || eval_is_kind(&first, IQ_KIND_FUNCTION))
		return expr_wrong_type(&first, "left of @ is not in memory");
	IQ_TRY(eval_number(&plain, &count, &number));
	if (!number || number > MAX_ARTIFICIAL)
		return iq_error_new(IQ_E_USAGE, "@ wants a number of elements from 1 to %u",
				    MAX_ARTIFICIAL);
	t = expr_source_type(e->scope, first.type);
	if (!t || !iq_type_strip(t)->size)
		return expr_wrong_type(&first, "has no known size");
	*ret = (struct iq_value){
		.type = iq_type_array_of(t, number), .in_memory = true, .address = first.address};
	return NULL;
}

struct iq_error *eval_container(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value v;
	uint64_t number;

	IQ_TRY(eval_node(e, n->a, &v));
	v = eval_decay(e, &v);
	IQ_TRY(eval_number(e, &v, &number));
	*ret = (struct iq_value){.type = eval_pointer_to(e, n->type), .number = number - n->number};
	return NULL;
}

/* ---- Per-CPU variables ------------------------------------------------------------------------- */

static struct iq_error *cpu_number(const struct eval *e, const struct node *n, uint64_t *ret)
{
	struct eval plain = *e;
	struct iq_value v;

	plain.types_only = false;
	IQ_TRY(eval_node(&plain, n, &v));
	return eval_number(&plain, &v, ret);
}

/* eval_per_cpu(variable, cpu) */
struct iq_error *eval_per_cpu(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	const struct node *name = n->a;
	uint64_t cpu;

	while (name->kind == NODE_PAREN)
		name = name->a;
	if (name->kind != NODE_NAME || name->has_cpu)
		return iq_error_new(
			IQ_E_USAGE,
			"per_cpu() wants the name of a variable and the number of a CPU");
	IQ_TRY(cpu_number(e, n->b, &cpu));
	return name_percpu_value(e->scope, name, cpu, ret);
}

/* eval_per_cpu_ptr(pointer, cpu): what a `… __percpu *` points to. */
struct iq_error *eval_per_cpu_ptr(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	uint64_t cpu, number, offset;
	struct iq_value v;

	IQ_TRY(eval_node(e, n->a, &v));
	v = eval_decay(e, &v);
	IQ_TRY(eval_number(e, &v, &number));
	IQ_TRY(cpu_number(e, n->b, &cpu));
	if (!e->scope->k || cpu > UINT32_MAX ||
	    !iq_percpu_offset(e->scope->k, (unsigned int)cpu, &offset))
		return iq_error_new(IQ_E_NOT_FOUND, "no CPU %llu", (unsigned long long)cpu);
	*ret = (struct iq_value){.type = v.type, .number = number + offset};
	return NULL;
}
