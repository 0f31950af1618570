// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree of an expression to its value. */
#include "expr.h"

const struct iq_type expr_long = {
	.kind = IQ_KIND_INT, .encoding = IQ_ENC_SIGNED, .name = "long", .size = 8};
const struct iq_type expr_unsigned_long = {
	.kind = IQ_KIND_INT, .encoding = IQ_ENC_UNSIGNED, .name = "unsigned long", .size = 8};

struct eval {
	const struct iq_scope *scope;
	/* A symbol by itself, and plus or minus something, is its address whatever its type. */
	bool addresses;
};

static struct iq_error *eval(const struct eval *e, const struct node *n, struct iq_value *ret);

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

static struct iq_error *wrong_type(const struct iq_value *v, const char *problem)
{
	struct iq_buf type = {0};
	struct iq_error *err;

	if (v->type && v->type->types)
		iq_type_declare(v->type, "", &type);
	else
		iq_buf_puts(&type, v->type ? v->type->name : "a number without a type");
	err = iq_error_new(IQ_E_USAGE, "%s %s", iq_buf_str(&type), problem);
	iq_buf_free(&type);
	return err;
}

static struct iq_error *number_of(const struct eval *e, const struct iq_value *v, uint64_t *ret)
{
	return load_number(scope_vm(e->scope), v, ret);
}

/* What an array, function or struct is in arithmetic: its address. */
static struct iq_value decay(const struct iq_value *v)
{
	if (!v->in_memory)
		return *v;
	if (is_kind(v, IQ_KIND_ARRAY))
		return (struct iq_value){
			.type = iq_type_pointer_to(iq_type_target(iq_type_strip(v->type))),
			.number = v->address,
		};
	if (v->type && !type_is_scalar(iq_type_strip(v->type)))
		return (struct iq_value){.number = v->address};
	return *v;
}

/* ---- Memory ------------------------------------------------------------------------------------ */

static struct iq_error *dereference(const struct eval *e, const struct iq_value *operand,
				    struct iq_value *ret)
{
	struct iq_value v = decay(operand);
	const struct iq_type *t = kind_of(&v);
	uint64_t address;

	if (is_kind(operand, IQ_KIND_FUNCTION)) {
		*ret = *operand;
		return NULL;
	}
	/* A number as typed, or what was worked out from one, may well be an address. */
	if (t && !t->types)
		t = NULL;
	if (t && t->kind != IQ_KIND_POINTER)
		return wrong_type(operand, "is not a pointer: there is nothing to look at through it");
	IQ_TRY(number_of(e, &v, &address));
	*ret = (struct iq_value){
		.type = t ? iq_type_target(t) : &expr_unsigned_long,
		.in_memory = true,
		.address = address,
	};
	if (iq_type_strip(ret->type)->kind == IQ_KIND_VOID)
		return iq_error_hint(wrong_type(operand, "points to nothing that is known"),
				     "cast it: *(TYPE *)…");
	return NULL;
}

static struct iq_error *address_of(const struct iq_value *v, struct iq_value *ret)
{
	if (!v->in_memory && !v->type) {
		*ret = *v; /* of an untyped symbol */
		return NULL;
	}
	if (!v->in_memory)
		return wrong_type(v, "value is not in memory: it has no address");
	if (v->bit_size)
		return wrong_type(v, "is a bitfield: it has no address");
	*ret = (struct iq_value){.number = v->address};
	if (v->type->types)
		ret->type = iq_type_pointer_to(v->type);
	return NULL;
}

static struct iq_error *member(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value v;
	struct iq_member m;

	IQ_TRY(eval(e, n->a, &v));
	if (is_kind(&v, IQ_KIND_POINTER) || is_kind(&v, IQ_KIND_ARRAY))
		IQ_TRY(dereference(e, &v, &v));
	if (!v.type)
		return iq_error_hint(iq_error_new(IQ_E_USAGE,
						  "%s at column %zu: what is left of it has no type",
						  n->name, n->at + 1),
				     "cast it: ((struct NAME *)ADDRESS)->%s", n->name);
	if (!is_aggregate(&v))
		return wrong_type(&v, "has no members");
	if (!v.in_memory)
		return wrong_type(&v, "is not in memory");
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

static struct iq_error *element(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value array, index;
	uint64_t base, number;
	const struct iq_type *t;

	IQ_TRY(eval(e, n->a, &array));
	IQ_TRY(eval(e, n->b, &index));
	array = decay(&array);
	if (!is_kind(&array, IQ_KIND_POINTER))
		return wrong_type(&array, "is neither an array nor a pointer: it has no elements");
	t = iq_type_target(iq_type_strip(array.type));
	if (!iq_type_strip(t)->size)
		return wrong_type(&array, "has elements of unknown size");
	IQ_TRY(number_of(e, &array, &base));
	IQ_TRY(number_of(e, &index, &number));
	*ret = (struct iq_value){
		.type = t, .in_memory = true, .address = base + number * iq_type_strip(t)->size};
	return NULL;
}

/* ---- Arithmetic -------------------------------------------------------------------------------- */

static bool is_signed(const struct iq_value *v)
{
	const struct iq_type *t = kind_of(v);

	/* What is narrower than 64 bits fits a signed number, whatever its sign. */
	return t && (type_is_signed(t) || (t->kind != IQ_KIND_POINTER && t->size < 8));
}

static struct iq_value result(const struct iq_value *a, const struct iq_value *b, uint64_t number)
{
	struct iq_value v = {.number = number};

	if (a->type && b->type)
		v.type = is_signed(a) && is_signed(b) ? &expr_long : &expr_unsigned_long;
	return v;
}

static struct iq_error *divide(int op, uint64_t a, uint64_t b, bool sign, uint64_t *ret)
{
	if (!b)
		return iq_error_new(IQ_E_USAGE, "division by zero");
	if (!sign)
		*ret = op == '/' ? a / b : a % b;
	else if (b == UINT64_MAX) /* by -1: the most negative number has no opposite, it wraps */
		*ret = op == '/' ? 0 - a : 0;
	else
		*ret = (uint64_t)(op == '/' ? (int64_t)a / (int64_t)b : (int64_t)a % (int64_t)b);
	return NULL;
}

static struct iq_error *shift(int op, uint64_t a, uint64_t b, bool sign, uint64_t *ret)
{
	if (b >= 64)
		return iq_error_new(IQ_E_USAGE, "a shift by %s%llu bits means nothing",
				    (int64_t)b < 0 ? "-" : "",
				    (unsigned long long)((int64_t)b < 0 ? 0 - b : b));
	if (op == OP_SHIFT_LEFT)
		*ret = a << b;
	else
		*ret = sign ? (uint64_t)((int64_t)a >> b) : a >> b;
	return NULL;
}

static struct iq_error *arithmetic(int op, const struct iq_value *va, uint64_t a,
				   const struct iq_value *vb, uint64_t b, struct iq_value *ret)
{
	bool sign = is_signed(va) && is_signed(vb);
	uint64_t number = 0;

	switch (op) {
	case '+':
		number = a + b;
		break;
	case '-':
		number = a - b;
		break;
	case '*':
		number = a * b;
		break;
	case '&':
		number = a & b;
		break;
	case '|':
		number = a | b;
		break;
	case '^':
		number = a ^ b;
		break;
	case '/':
	case '%':
		IQ_TRY(divide(op, a, b, sign, &number));
		break;
	default:
		IQ_TRY(shift(op, a, b, is_signed(va), &number));
		/* The result is of the left side's type. */
		*ret = result(va, va, number);
		return NULL;
	}
	*ret = result(va, vb, number);
	return NULL;
}

/* Size of what pointer V points to, as arithmetic counts it. */
static uint64_t step_of(const struct iq_value *v)
{
	uint64_t size = iq_type_strip(iq_type_target(iq_type_strip(v->type)))->size;

	return size && size <= INT64_MAX ? size : 1;
}

static struct iq_error *binary(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value va, vb;
	uint64_t a, b;
	bool pa, pb;

	IQ_TRY(eval(e, n->a, &va));
	IQ_TRY(eval(e, n->b, &vb));
	va = decay(&va);
	vb = decay(&vb);
	IQ_TRY(number_of(e, &va, &a));
	IQ_TRY(number_of(e, &vb, &b));
	pa = is_kind(&va, IQ_KIND_POINTER);
	pb = is_kind(&vb, IQ_KIND_POINTER);
	if (n->op == '-' && pa && pb) {
		*ret = (struct iq_value){.type = &expr_long};
		ret->number = (uint64_t)((int64_t)(a - b) / (int64_t)step_of(&va));
		return NULL;
	}
	if ((n->op == '+' || n->op == '-') && pa != pb && !(pb && n->op == '-')) {
		const struct iq_value *pointer = pa ? &va : &vb;
		uint64_t count = (pa ? b : a) * step_of(pointer);

		*ret = (struct iq_value){.type = pointer->type};
		ret->number = n->op == '+' ? (pa ? a : b) + count : a - count;
		return NULL;
	}
	return arithmetic(n->op, &va, a, &vb, b, ret);
}

static struct iq_error *unary(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value v;
	uint64_t number;

	if (n->op == '&') {
		/* & wants the thing itself, also where a symbol is an address. */
		struct eval plain = {.scope = e->scope};

		IQ_TRY(eval(&plain, n->a, &v));
		return address_of(&v, ret);
	}
	IQ_TRY(eval(e, n->a, &v));
	if (n->op == '*')
		return dereference(e, &v, ret);
	v = decay(&v);
	IQ_TRY(number_of(e, &v, &number));
	if (n->op == '-')
		number = 0 - number;
	else if (n->op == '~')
		number = ~number;
	*ret = result(&v, &v, number);
	if (n->op == '-' && is_kind(&v, IQ_KIND_INT))
		ret->type = &expr_long;
	return NULL;
}

static struct iq_error *cast(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	const struct iq_type *t = iq_type_strip(n->type);
	struct iq_value v;
	uint64_t number;

	IQ_TRY(eval(e, n->a, &v));
	if (!type_is_scalar(t)) {
		struct iq_value wanted = {.type = n->type};

		return iq_error_hint(wrong_type(&wanted, "is not a type that a value can be cast to"),
				     "look at memory as that type: *(TYPE *)ADDRESS");
	}
	v = decay(&v);
	IQ_TRY(number_of(e, &v, &number));
	if (t->kind == IQ_KIND_INT && t->encoding == IQ_ENC_BOOL)
		number = !!number;
	*ret = (struct iq_value){
		.type = n->type, .number = extend(number, t->size, type_is_signed(t))};
	return NULL;
}

static struct iq_error *size_of(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct iq_value v;

	IQ_TRY(eval(e, n->a, &v));
	if (v.bit_size)
		return wrong_type(&v, "is a bitfield: it has no size in bytes");
	*ret = (struct iq_value){.type = &expr_unsigned_long};
	ret->number = v.type ? iq_type_strip(v.type)->size : sizeof(uint64_t);
	return NULL;
}

/* ---- Names ------------------------------------------------------------------------------------- */

static struct iq_error *register_value(const struct eval *e, const struct node *n,
				       struct iq_value *ret)
{
	const struct iq_scope *s = e->scope;
	int reg;

	if (!s->k)
		return iq_error_new(IQ_E_NOT_FOUND, "no registers without a kernel");
	reg = iq_reg_by_name(s->k->arch, n->name);
	if (reg < 0)
		return iq_error_new(IQ_E_NOT_FOUND, "no register %s", n->name);
	if (!s->regs)
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "$%s: there are no registers", n->name),
				     "they are those of the context's task: set it with set PID");
	if (!iq_reg_known(s->regs, (unsigned int)reg))
		return iq_error_new(IQ_E_NOT_FOUND, "the value of $%s is not known", n->name);
	*ret = (struct iq_value){.number = s->regs->value[reg]};
	return NULL;
}

static struct iq_error *literal(const struct node *n, struct iq_value *ret)
{
	*ret = (struct iq_value){.number = n->number};
	ret->type = n->number <= INT64_MAX ? &expr_long : &expr_unsigned_long;
	return NULL;
}

static struct iq_error *eval(const struct eval *e, const struct node *n, struct iq_value *ret)
{
	struct eval plain = {.scope = e->scope};

	switch (n->kind) {
	case NODE_NUMBER:
		return literal(n, ret);
	case NODE_REGISTER:
		return register_value(e, n, ret);
	case NODE_NAME:
		IQ_TRY(name_value(e->scope, n, ret));
		if (e->addresses && ret->in_memory)
			*ret = (struct iq_value){.number = ret->address};
		return NULL;
	case NODE_UNARY:
		return unary(e, n, ret);
	case NODE_BINARY:
		return binary(e, n, ret);
	case NODE_CAST:
		return cast(e, n, ret);
	case NODE_MEMBER:
		return member(&plain, n, ret);
	case NODE_INDEX:
		return element(&plain, n, ret);
	case NODE_SIZEOF:
		return size_of(&plain, n, ret);
	default:
		return eval(&plain, n->a, ret);
	}
}

/* ---- The entrance ------------------------------------------------------------------------------ */

static struct iq_error *evaluate(const struct iq_scope *s, bool addresses, const char *text,
				 struct iq_value *ret)
{
	struct eval e = {.scope = s, .addresses = addresses};
	struct iq_arena arena = {0};
	struct iq_error *err;
	struct node *n = NULL;

	err = parse_expression(s, &arena, text, &n);
	if (!err && s->bare_hex && n->kind == NODE_NUMBER && n->decimal &&
	    !iq_parse_hex(n->name, &n->number))
		err = iq_error_new(IQ_E_USAGE, "%s has more than 16 hexadecimal digits", n->name);
	if (!err)
		err = eval(&e, n, ret);
	iq_arena_free(&arena);
	return err;
}

struct iq_error *iq_eval(const struct iq_scope *s, const char *text, struct iq_value *ret)
{
	return evaluate(s, false, text, ret);
}

struct iq_error *iq_value_u64(const struct iq_scope *s, const struct iq_value *v, uint64_t *ret)
{
	return load_number(scope_vm(s), v, ret);
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
