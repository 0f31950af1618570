// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree of an expression to its value. */
#include "expr.h"

#define MAX_ARTIFICIAL (1u << 24) /* elements of an array made with @ */

static const struct iq_type *kind_of(const struct iq_value *v)
{
	return v->type ? iq_type_strip(v->type) : NULL;
}

static bool is_kind(const struct iq_value *v, enum iq_kind kind)
{
	return v->type && iq_type_strip(v->type)->kind == kind;
}

static bool is_aggregate(const struct iq_value *v)
{
	return is_kind(v, IQ_KIND_STRUCT) || is_kind(v, IQ_KIND_UNION);
}

/* V as a number for arithmetic: what has none is refused. */
static struct iq_error *number_of(const struct eval *e, const struct iq_value *v, uint64_t *ret)
{
	if (v->text)
		return expr_wrong_type(v, "is not in the dump: it has no address");
	if (is_kind(v, IQ_KIND_FLOAT))
		return expr_wrong_type(v, "can be shown, but not be worked with");
	if (e->types_only) {
		*ret = 1;
		return NULL;
	}
	return load_number(scope_vm(e->scope), v, ret);
}

/* The type POINTER TO T; NULL (an untyped number) if the types have no T. */
static const struct iq_type *pointer_to(const struct eval *e, const struct iq_type *t)
{
	t = expr_source_type(e->scope, t);
	return t ? iq_type_pointer_to(t) : NULL;
}

/* What an array, function or struct is in arithmetic: its address. */
static struct iq_value decay(const struct eval *e, const struct iq_value *v)
{
	if (!v->in_memory)
		return *v;
	if (is_kind(v, IQ_KIND_ARRAY))
		return (struct iq_value){
			.type = pointer_to(e, iq_type_target(iq_type_strip(v->type))),
			.number = v->address,
		};
	if (is_kind(v, IQ_KIND_FUNCTION) || is_aggregate(v))
		return (struct iq_value){.number = v->address};
	return *v;
}

/* V, in memory, as a value by itself. */
static struct iq_error *loaded(const struct eval *e, const struct iq_value *v, struct iq_value *ret)
{
	uint64_t number;

	*ret = *v;
	if (!v->in_memory || e->types_only || (v->type && !type_is_scalar(iq_type_strip(v->type))))
		return NULL;
	IQ_TRY(number_of(e, v, &number));
	*ret = (struct iq_value){.type = v->type, .number = number};
	return NULL;
}

/* ---- Memory ------------------------------------------------------------------------------------ */

static struct iq_error *dereference(const struct eval *e, const struct iq_value *operand,
				    struct iq_value *ret)
{
	struct iq_value v = decay(e, operand);
	const struct iq_type *t = kind_of(&v);
	uint64_t address;

	if (is_kind(operand, IQ_KIND_FUNCTION)) {
		*ret = *operand;
		return NULL;
	}
	/* A number as typed, or what was worked out from one, may well be an address. */
	if (t && !t->types && !v.text)
		t = NULL;
	if (t && t->kind != IQ_KIND_POINTER)
		return expr_wrong_type(&v, "is not a pointer: there is nothing to look at through it");
	IQ_TRY(number_of(e, &v, &address));
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

static struct iq_error *address_of(const struct eval *e, const struct iq_value *v,
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
	*ret = (struct iq_value){.number = v->address, .type = pointer_to(e, v->type)};
	return NULL;
}

static struct iq_error *member(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_types *types;
	struct iq_value v;
	struct iq_member m;

	IQ_TRY(eval_node(e, n->a, &v));
	if (is_kind(&v, IQ_KIND_POINTER) || is_kind(&v, IQ_KIND_ARRAY))
		IQ_TRY(dereference(e, &v, &v));
	/* Without any types nothing has one. */
	if (!v.type && e->scope->k)
		IQ_TRY(iq_kernel_need_types(e->scope->k, &types));
	if (!v.type)
		return iq_error_hint(iq_error_new(IQ_E_USAGE,
						  "%s at column %zu: what is left of it has no type",
						  n->name, n->at + 1),
				     "cast it: ((struct NAME *)ADDRESS)->%s", n->name);
	if (!is_aggregate(&v))
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

static struct iq_error *element_of_string(const struct eval *e, const struct iq_value *string,
					  uint64_t i, struct iq_value *ret)
{
	/* The final NUL is an element as well. */
	if (i > string->text_len)
		return iq_error_new(IQ_E_USAGE, "the string has no character %llu", (unsigned long long)i);
	*ret = expr_character(e->scope, i < string->text_len ? (uint8_t)string->text[i] : 0);
	return NULL;
}

static struct iq_error *element(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value array, index;
	uint64_t base, number;
	const struct iq_type *t;

	IQ_TRY(eval_node(e, n->a, &array));
	IQ_TRY(eval_node(e, n->b, &index));
	if (array.text) {
		IQ_TRY(number_of(e, &index, &number));
		return element_of_string(e, &array, number, ret);
	}
	array = decay(e, &array);
	index = decay(e, &index);
	/* i[array] is C as well. */
	if (!is_kind(&array, IQ_KIND_POINTER) && is_kind(&index, IQ_KIND_POINTER)) {
		struct iq_value swap = array;

		array = index;
		index = swap;
	}
	if (!is_kind(&array, IQ_KIND_POINTER))
		return expr_wrong_type(&array, "is neither an array nor a pointer: it has no elements");
	if (is_kind(&index, IQ_KIND_POINTER))
		return expr_wrong_type(&index, "is no index");
	t = iq_type_target(iq_type_strip(array.type));
	if (!iq_type_strip(t)->size)
		return expr_wrong_type(&array, "has elements of unknown size");
	IQ_TRY(number_of(e, &array, &base));
	IQ_TRY(number_of(e, &index, &number));
	*ret = (struct iq_value){
		.type = t, .in_memory = true, .address = base + number * iq_type_strip(t)->size};
	return NULL;
}

/* first@count: an array that begins with `first`. */
static struct iq_error *artificial(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct eval plain = *e;
	struct iq_value first, count;
	const struct iq_type *t;
	uint64_t number;

	plain.types_only = false;
	IQ_TRY(eval_node(e, n->a, &first));
	IQ_TRY(eval_node(&plain, n->b, &count));
	if (!first.in_memory || first.bit_size || is_kind(&first, IQ_KIND_FUNCTION))
		return expr_wrong_type(&first, "left of @ is not in memory");
	IQ_TRY(number_of(&plain, &count, &number));
	if (!number || number > MAX_ARTIFICIAL)
		return iq_error_new(IQ_E_USAGE, "@ wants a number of elements from 1 to %u", MAX_ARTIFICIAL);
	t = expr_source_type(e->scope, first.type);
	if (!t || !iq_type_strip(t)->size)
		return expr_wrong_type(&first, "has no known size");
	*ret = (struct iq_value){
		.type = iq_type_array_of(t, number), .in_memory = true, .address = first.address};
	return NULL;
}

static struct iq_error *container(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value v;
	uint64_t number;

	IQ_TRY(eval_node(e, n->a, &v));
	v = decay(e, &v);
	IQ_TRY(number_of(e, &v, &number));
	*ret = (struct iq_value){.type = pointer_to(e, n->type), .number = number - n->number};
	return NULL;
}

/* ---- Per-CPU variables ------------------------------------------------------------------------- */

static struct iq_error *cpu_number(const struct eval *e, const struct node *n, uint64_t *ret)
{
	struct eval plain = *e;
	struct iq_value v;

	plain.types_only = false;
	IQ_TRY(eval_node(&plain, n, &v));
	return number_of(&plain, &v, ret);
}

/* per_cpu(variable, cpu) */
static struct iq_error *per_cpu(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	const struct node *name = n->a;
	uint64_t cpu;

	while (name->kind == NODE_PAREN)
		name = name->a;
	if (name->kind != NODE_NAME || name->has_cpu)
		return iq_error_new(IQ_E_USAGE, "per_cpu() wants the name of a variable and the number of a CPU");
	IQ_TRY(cpu_number(e, n->b, &cpu));
	return name_percpu_value(e->scope, name, cpu, ret);
}

/* per_cpu_ptr(pointer, cpu): what a `… __percpu *` points to. */
static struct iq_error *per_cpu_ptr(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	uint64_t cpu, number, offset;
	struct iq_value v;

	IQ_TRY(eval_node(e, n->a, &v));
	v = decay(e, &v);
	IQ_TRY(number_of(e, &v, &number));
	IQ_TRY(cpu_number(e, n->b, &cpu));
	if (!e->scope->k || cpu > UINT32_MAX || !iq_percpu_offset(e->scope->k, (unsigned int)cpu, &offset))
		return iq_error_new(IQ_E_NOT_FOUND, "no CPU %llu", (unsigned long long)cpu);
	*ret = (struct iq_value){.type = v.type, .number = number + offset};
	return NULL;
}

/* ---- Operators --------------------------------------------------------------------------------- */

/* Size of what pointer V points to, as arithmetic counts it. */
static uint64_t step_of(const struct iq_value *v)
{
	uint64_t size = iq_type_strip(iq_type_target(iq_type_strip(v->type)))->size;

	return size && size <= INT64_MAX ? size : 1;
}

static struct iq_error *truth_of(const struct eval *e, const struct node *n, bool *ret)
{
	struct iq_value v;
	uint64_t number;

	IQ_TRY(eval_node(e, n, &v));
	if (v.text) {
		*ret = true;
		return NULL;
	}
	if (is_aggregate(&v))
		return expr_wrong_type(&v, "is neither true nor false");
	v = decay(e, &v);
	IQ_TRY(number_of(e, &v, &number));
	*ret = number != 0;
	return NULL;
}

/* && and ||: what decides nothing is not looked at. */
static struct iq_error *logical(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	bool a, b;

	IQ_TRY(truth_of(e, n->a, &a));
	b = a;
	if (a == (n->op == OP_AND) || e->types_only)
		IQ_TRY(truth_of(e, n->b, &b));
	*ret = (struct iq_value){.type = &expr_int, .number = b};
	return NULL;
}

/* A string of the dump against one as typed: an array or pointer of characters. */
static struct iq_error *compare_text(const struct eval *e, int op, const struct iq_value *v,
				     const struct iq_value *string, struct iq_value *ret)
{
	struct iq_value p = decay(e, v);
	const struct iq_type *to = is_kind(&p, IQ_KIND_POINTER) ? iq_type_target(kind_of(&p)) : NULL;
	uint64_t address, room = UINT64_MAX;
	struct iq_fault fault;
	bool equal = true;

	if (to)
		to = iq_type_strip(to);
	if (!to || to->kind != IQ_KIND_INT || to->size != 1)
		return expr_wrong_type(v, "is not compared with a string");
	if (op != OP_EQUAL && op != OP_UNEQUAL)
		return iq_error_new(IQ_E_USAGE, "strings are compared with == and != only");
	*ret = (struct iq_value){.type = &expr_int};
	if (e->types_only)
		return NULL;
	IQ_TRY(number_of(e, &p, &address));
	if (is_kind(v, IQ_KIND_ARRAY) && kind_of(v)->count)
		room = kind_of(v)->count;
	for (uint64_t i = 0; i <= string->text_len && i < room && equal; i++) {
		uint64_t c;

		if (load_scalar(scope_vm(e->scope), address + i, 1, 0, 0, false, &c, &fault))
			return iq_fault_error(&fault);
		equal = i < string->text_len ? (uint8_t)string->text[i] == c : !c;
	}
	equal &= room >= string->text_len;
	ret->number = equal == (op == OP_EQUAL);
	return NULL;
}

static struct iq_error *pointer_sum(int op, const struct iq_value *pointer, uint64_t address,
				    uint64_t number, struct iq_value *ret)
{
	number *= step_of(pointer);
	*ret = (struct iq_value){.type = pointer->type};
	ret->number = op == '+' ? address + number : address - number;
	return NULL;
}

static struct iq_error *operate(const struct eval *e, int op, struct iq_value va, struct iq_value vb,
				struct iq_value *ret)
{
	uint64_t a, b;
	bool pa, pb;

	if (va.text || vb.text)
		return compare_text(e, op, va.text ? &vb : &va, va.text ? &va : &vb, ret);
	va = decay(e, &va);
	vb = decay(e, &vb);
	IQ_TRY(number_of(e, &va, &a));
	IQ_TRY(number_of(e, &vb, &b));
	pa = is_kind(&va, IQ_KIND_POINTER);
	pb = is_kind(&vb, IQ_KIND_POINTER);
	if (op == '-' && pa && pb) {
		*ret = (struct iq_value){.type = &expr_long};
		ret->number = (uint64_t)((int64_t)(a - b) / (int64_t)step_of(&va));
		return NULL;
	}
	if (op == '-' && pa)
		return pointer_sum(op, &va, a, b, ret);
	if (op == '+' && pa != pb)
		return pa ? pointer_sum(op, &va, a, b, ret) : pointer_sum(op, &vb, b, a, ret);
	return arith_binary(op, &va, a, &vb, b, ret);
}

static struct iq_error *binary(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct eval left = *e;
	struct iq_value va, vb;

	if (n->op == OP_AND || n->op == OP_OR)
		return logical(e, n, ret);
	if (n->op == '@')
		return artificial(e, n, ret);
	if (n->op == ',')
		left.addresses = false;
	IQ_TRY(eval_node(&left, n->a, &va));
	IQ_TRY(eval_node(e, n->b, &vb));
	if (n->op == ',') {
		*ret = vb;
		return NULL;
	}
	return operate(e, n->op, va, vb, ret);
}

static struct iq_error *unary(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value v;
	uint64_t number;
	bool truth;

	if (n->op == '&') {
		/* & wants the thing itself, also where a symbol is an address. */
		struct eval plain = *e;

		plain.addresses = false;
		IQ_TRY(eval_node(&plain, n->a, &v));
		return address_of(e, &v, ret);
	}
	if (n->op == '!') {
		IQ_TRY(truth_of(e, n->a, &truth));
		*ret = (struct iq_value){.type = &expr_int, .number = !truth};
		return NULL;
	}
	IQ_TRY(eval_node(e, n->a, &v));
	if (n->op == '*')
		return v.text ? element_of_string(e, &v, 0, ret) : dereference(e, &v, ret);
	v = decay(e, &v);
	IQ_TRY(number_of(e, &v, &number));
	*ret = arith_unary(n->op, &v, number);
	return NULL;
}

static bool is_number(const struct iq_value *v)
{
	const struct iq_type *t = kind_of(v);

	return !v->text && (!t || ((t->kind == IQ_KIND_INT || t->kind == IQ_KIND_ENUM) && t->size <= 8));
}

static struct iq_error *conditional(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct eval types_only = *e;
	struct iq_value v, other;
	uint64_t number;
	bool truth;

	types_only.types_only = true;
	IQ_TRY(truth_of(e, n->a, &truth));
	IQ_TRY(eval_node(e, truth ? n->b : n->c, &v));
	IQ_TRY(eval_node(&types_only, truth ? n->c : n->b, &other));
	/* 0 and a pointer: a pointer. */
	if (is_number(&v) && v.type && is_kind(&other, IQ_KIND_POINTER)) {
		IQ_TRY(number_of(e, &v, &number));
		*ret = (struct iq_value){.type = other.type, .number = number};
		return NULL;
	}
	*ret = v;
	if (!is_number(&v) || !is_number(&other))
		return NULL;
	/* Two of one enum stay what they are, so that they are shown by name. */
	if (v.type && v.type == other.type && is_kind(&v, IQ_KIND_ENUM))
		return loaded(e, &v, ret);
	IQ_TRY(number_of(e, &v, &number));
	*ret = arith_common(&v, number, &other);
	return NULL;
}

static struct iq_error *assign(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value v, old;

	if (n->op) {
		IQ_TRY(variable_value(e->scope, n->name, &old));
		IQ_TRY(eval_node(e, n->b, &v));
		IQ_TRY(operate(e, n->op, old, v, &v));
	} else {
		IQ_TRY(eval_node(e, n->b, &v));
	}
	IQ_TRY(loaded(e, &v, ret));
	if (e->types_only)
		return NULL;
	return iq_variable_set(e->scope->variables, n->name, ret);
}

static struct iq_error *cast(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	const struct iq_type *t = iq_type_strip(n->type);
	struct iq_value v;
	uint64_t number;

	IQ_TRY(eval_node(e, n->a, &v));
	if (t->kind == IQ_KIND_VOID) {
		*ret = (struct iq_value){.type = n->type};
		return NULL;
	}
	if (!type_is_scalar(t)) {
		struct iq_value wanted = {.type = n->type};

		/* As gdb has it: the memory that V lies in, seen as that type. */
		if (v.in_memory && !v.bit_size && t->kind != IQ_KIND_FUNCTION) {
			*ret = (struct iq_value){.type = n->type, .in_memory = true, .address = v.address};
			return NULL;
		}
		return iq_error_hint(expr_wrong_type(&wanted, "is not a type that a value can be cast to"),
				     "look at memory as that type: *(TYPE *)ADDRESS");
	}
	v = decay(e, &v);
	IQ_TRY(number_of(e, &v, &number));
	if (t->kind == IQ_KIND_INT && t->encoding == IQ_ENC_BOOL)
		number = !!number;
	*ret = (struct iq_value){
		.type = n->type, .number = extend(number, t->size, type_is_signed(t))};
	return NULL;
}

/* {TYPE} ADDRESS */
static struct iq_error *reinterpret(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value v;
	uint64_t number;

	IQ_TRY(eval_node(e, n->a, &v));
	v = decay(e, &v);
	IQ_TRY(number_of(e, &v, &number));
	*ret = (struct iq_value){.type = n->type, .in_memory = true, .address = number};
	if (iq_type_strip(n->type)->kind == IQ_KIND_VOID)
		return expr_wrong_type(ret, "is no type of anything in memory");
	return NULL;
}

static struct iq_error *size_of(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct eval types_only = *e;
	struct iq_value v;

	types_only.types_only = true;
	IQ_TRY(eval_node(&types_only, n->a, &v));
	if (v.bit_size)
		return expr_wrong_type(&v, "is a bitfield: it has no size in bytes");
	*ret = (struct iq_value){.type = &expr_unsigned_long};
	ret->number = v.text   ? v.text_len + 1
		      : v.type ? iq_type_strip(v.type)->size
			       : sizeof(uint64_t);
	return NULL;
}

/* ---- All of them ------------------------------------------------------------------------------- */

static struct iq_error *name(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	IQ_TRY(name_value(e->scope, n, ret));
	if (e->addresses && ret->in_memory)
		*ret = (struct iq_value){.number = ret->address};
	return NULL;
}

struct iq_error *eval_node(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct eval plain = *e;

	plain.addresses = false;
	switch (n->kind) {
	case NODE_NUMBER:
		*ret = (struct iq_value){.type = n->type, .number = n->number};
		return NULL;
	case NODE_STRING:
		*ret = (struct iq_value){.text = n->name, .text_len = n->number};
		return NULL;
	case NODE_REGISTER:
		return variable_value(e->scope, n->name, ret);
	case NODE_NAME:
		return name(e, n, ret);
	case NODE_UNARY:
		return unary(e, n, ret);
	case NODE_BINARY:
		return binary(e, n, ret);
	case NODE_CAST:
		return cast(e, n, ret);
	case NODE_ASSIGN:
		return assign(&plain, n, ret);
	case NODE_CONDITIONAL:
		return conditional(&plain, n, ret);
	case NODE_REINTERPRET:
		return reinterpret(&plain, n, ret);
	case NODE_MEMBER:
		return member(&plain, n, ret);
	case NODE_INDEX:
		return element(&plain, n, ret);
	case NODE_SIZEOF:
		return size_of(&plain, n, ret);
	case NODE_CONTAINER:
		return container(&plain, n, ret);
	case NODE_PERCPU:
		return per_cpu(&plain, n, ret);
	case NODE_PERCPU_PTR:
		return per_cpu_ptr(&plain, n, ret);
	case NODE_PAREN:
		return eval_node(&plain, n->a, ret);
	}
	return iq_error_new(IQ_E_USAGE, "no such expression");
}

/* ---- The entrance ------------------------------------------------------------------------------ */

static struct iq_error *evaluate(const struct iq_scope *s, bool addresses, const char *text,
				 struct iq_value *ret)
{
	struct eval e = {.scope = s, .addresses = addresses, .wide = addresses};
	struct iq_arena arena = {0};
	struct iq_value v = {0};
	struct iq_error *err;
	struct node *n = NULL;

	err = parse_expression(&e, s->arena ? s->arena : &arena, text, &n);
	if (!err && s->bare_hex && n->kind == NODE_NUMBER && n->digits) {
		n->type = &expr_unsigned_long;
		if (!iq_parse_hex(n->name, &n->number))
			err = iq_error_new(IQ_E_USAGE, "%s has more than 16 hexadecimal digits", n->name);
	}
	if (!err)
		err = eval_node(&e, n, &v);
	if (!err && v.text && !s->arena)
		err = iq_error_new(IQ_E_USAGE, "a string is no address and no number");
	iq_arena_free(&arena);
	if (!err)
		*ret = v;
	return err;
}

struct iq_error *iq_eval(const struct iq_scope *s, const char *text, struct iq_value *ret)
{
	return evaluate(s, false, text, ret);
}

struct iq_error *iq_value_u64(const struct iq_scope *s, const struct iq_value *v, uint64_t *ret)
{
	const struct eval e = {.scope = s};

	return number_of(&e, v, ret);
}

struct iq_error *iq_eval_u64(const struct iq_scope *s, const char *text, uint64_t *ret)
{
	struct iq_value v;

	IQ_TRY(evaluate(s, false, text, &v));
	return iq_value_u64(s, &v, ret);
}

struct iq_error *iq_eval_address(const struct iq_scope *s, const char *text, uint64_t *ret)
{
	struct iq_value v;

	IQ_TRY(evaluate(s, true, text, &v));
	return iq_value_u64(s, &v, ret);
}
