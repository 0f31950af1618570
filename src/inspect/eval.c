// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree of an expression to its value: operators, and the entrance. */
#include "eval.h"

/* V as a number for arithmetic: what has none is refused. */
struct iq_error *eval_number(const struct eval *e, const struct iq_value *v, uint64_t *ret)
{
	if (v->text)
		return expr_wrong_type(v, "is not in the dump: it has no address");
	if (eval_is_kind(v, IQ_KIND_FLOAT))
		return expr_wrong_type(v, "can be shown, but not be worked with");
	if (e->types_only) {
		*ret = 1;
		return NULL;
	}
	return load_number(scope_vm(e->scope), v, ret);
}

/* The type POINTER TO T; NULL (an untyped number) if the types have no T. */
const struct iq_type *eval_pointer_to(const struct eval *e, const struct iq_type *t)
{
	t = expr_source_type(e->scope, t);
	return t ? iq_type_pointer_to(t) : NULL;
}

/* What an array, function or struct is in arithmetic: its address. */
struct iq_value eval_decay(const struct eval *e, const struct iq_value *v)
{
	if (!v->in_memory)
		return *v;
	if (eval_is_kind(v, IQ_KIND_ARRAY))
		return (struct iq_value){
			.type = eval_pointer_to(e, iq_type_target(iq_type_strip(v->type))),
			.number = v->address,
		};
	if (eval_is_kind(v, IQ_KIND_FUNCTION) || eval_is_aggregate(v))
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
	IQ_TRY(eval_number(e, v, &number));
	*ret = (struct iq_value){.type = v->type, .number = number};
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
	if (eval_is_aggregate(&v))
		return expr_wrong_type(&v, "is neither true nor false");
	v = eval_decay(e, &v);
	IQ_TRY(eval_number(e, &v, &number));
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
	struct iq_value p = eval_decay(e, v);
	const struct iq_type *to =
		eval_is_kind(&p, IQ_KIND_POINTER) ? iq_type_target(eval_kind_of(&p)) : NULL;
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
	IQ_TRY(eval_number(e, &p, &address));
	if (eval_is_kind(v, IQ_KIND_ARRAY) && eval_kind_of(v)->count)
		room = eval_kind_of(v)->count;
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

static struct iq_error *operate(const struct eval *e, int op, struct iq_value va,
				struct iq_value vb, struct iq_value *ret)
{
	uint64_t a, b;
	bool pa, pb;

	if (va.text || vb.text)
		return compare_text(e, op, va.text ? &vb : &va, va.text ? &va : &vb, ret);
	va = eval_decay(e, &va);
	vb = eval_decay(e, &vb);
	IQ_TRY(eval_number(e, &va, &a));
	IQ_TRY(eval_number(e, &vb, &b));
	pa = eval_is_kind(&va, IQ_KIND_POINTER);
	pb = eval_is_kind(&vb, IQ_KIND_POINTER);
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
		return eval_artificial(e, n, ret);
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
		return eval_address_of(e, &v, ret);
	}
	if (n->op == '!') {
		IQ_TRY(truth_of(e, n->a, &truth));
		*ret = (struct iq_value){.type = &expr_int, .number = !truth};
		return NULL;
	}
	IQ_TRY(eval_node(e, n->a, &v));
	if (n->op == '*')
		return v.text ? eval_character_of(e, &v, 0, ret) : eval_dereference(e, &v, ret);
	v = eval_decay(e, &v);
	IQ_TRY(eval_number(e, &v, &number));
	*ret = arith_unary(n->op, &v, number);
	return NULL;
}

static bool is_number(const struct iq_value *v)
{
	const struct iq_type *t = eval_kind_of(v);

	return !v->text &&
	       (!t || ((t->kind == IQ_KIND_INT || t->kind == IQ_KIND_ENUM) && t->size <= 8));
}

static struct iq_error *conditional(const struct eval *e, const struct node *n,
				    struct iq_value *ret)
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
	if (is_number(&v) && v.type && eval_is_kind(&other, IQ_KIND_POINTER)) {
		IQ_TRY(eval_number(e, &v, &number));
		*ret = (struct iq_value){.type = other.type, .number = number};
		return NULL;
	}
	*ret = v;
	if (!is_number(&v) || !is_number(&other))
		return NULL;
	/* Two of one enum stay what they are, so that they are shown by name. */
	if (v.type && v.type == other.type && eval_is_kind(&v, IQ_KIND_ENUM))
		return loaded(e, &v, ret);
	IQ_TRY(eval_number(e, &v, &number));
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
			*ret = (struct iq_value){
				.type = n->type, .in_memory = true, .address = v.address};
			return NULL;
		}
		return iq_error_hint(
			expr_wrong_type(&wanted, "is not a type that a value can be cast to"),
			"look at memory as that type: *(TYPE *)ADDRESS");
	}
	v = eval_decay(e, &v);
	IQ_TRY(eval_number(e, &v, &number));
	if (t->kind == IQ_KIND_INT && t->encoding == IQ_ENC_BOOL)
		number = !!number;
	*ret = (struct iq_value){.type = n->type,
				 .number = extend(number, t->size, type_is_signed(t))};
	return NULL;
}

/* {TYPE} ADDRESS */
static struct iq_error *reinterpret(const struct eval *e, const struct node *n,
				    struct iq_value *ret)
{
	struct iq_value v;
	uint64_t number;

	IQ_TRY(eval_node(e, n->a, &v));
	v = eval_decay(e, &v);
	IQ_TRY(eval_number(e, &v, &number));
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
		return eval_member(&plain, n, ret);
	case NODE_INDEX:
		return eval_element(&plain, n, ret);
	case NODE_SIZEOF:
		return size_of(&plain, n, ret);
	case NODE_CONTAINER:
		return eval_container(&plain, n, ret);
	case NODE_PERCPU:
		return eval_per_cpu(&plain, n, ret);
	case NODE_PERCPU_PTR:
		return eval_per_cpu_ptr(&plain, n, ret);
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
			err = iq_error_new(IQ_E_USAGE, "%s has more than 16 hexadecimal digits",
					   n->name);
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

	return eval_number(&e, v, ret);
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
