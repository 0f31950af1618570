/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What eval.c (operators) and eval_memory.c (what is in memory) share. */
#ifndef INQUEST_INSPECT_EVAL_H
#define INQUEST_INSPECT_EVAL_H

#include "expr.h"

static inline const struct iq_type *eval_kind_of(const struct iq_value *v)
{
	return v->type ? iq_type_strip(v->type) : NULL;
}

static inline bool eval_is_kind(const struct iq_value *v, enum iq_kind kind)
{
	return v->type && iq_type_strip(v->type)->kind == kind;
}

static inline bool eval_is_aggregate(const struct iq_value *v)
{
	return eval_is_kind(v, IQ_KIND_STRUCT) || eval_is_kind(v, IQ_KIND_UNION);
}

/* ---- eval.c ------------------------------------------------------------------------------------ */

/* V as a number for arithmetic: what has none is refused. */
struct iq_error *eval_number(const struct eval *e, const struct iq_value *v,
			     uint64_t *ret) IQ_CHECK;
/* The type POINTER TO T; NULL (an untyped number) if the types have no T. */
const struct iq_type *eval_pointer_to(const struct eval *e, const struct iq_type *t);
/* What an array, function or struct is in arithmetic: its address. */
struct iq_value eval_decay(const struct eval *e, const struct iq_value *v);

/* ---- eval_memory.c: a node's operator each ----------------------------------------------------- */

struct iq_error *eval_dereference(const struct eval *e, const struct iq_value *operand,
				  struct iq_value *ret) IQ_CHECK;
struct iq_error *eval_address_of(const struct eval *e, const struct iq_value *v,
				 struct iq_value *ret) IQ_CHECK;
struct iq_error *eval_member(const struct eval *e, const struct node *n,
			     struct iq_value *ret) IQ_CHECK;
struct iq_error *eval_element(const struct eval *e, const struct node *n,
			      struct iq_value *ret) IQ_CHECK;
/* Character I of a string as typed. */
struct iq_error *eval_character_of(const struct eval *e, const struct iq_value *string, uint64_t i,
				   struct iq_value *ret) IQ_CHECK;
struct iq_error *eval_artificial(const struct eval *e, const struct node *n,
				 struct iq_value *ret) IQ_CHECK;
struct iq_error *eval_container(const struct eval *e, const struct node *n,
				struct iq_value *ret) IQ_CHECK;
struct iq_error *eval_per_cpu(const struct eval *e, const struct node *n,
			      struct iq_value *ret) IQ_CHECK;
struct iq_error *eval_per_cpu_ptr(const struct eval *e, const struct node *n,
				  struct iq_value *ret) IQ_CHECK;

#endif
