// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * C's arithmetic on integers: promotions and usual conversions (C11 6.3.1), int of 32 bits, long of 64.
 * What overflows wraps around.
 */
#include "expr.h"

/* What a value is in arithmetic. */
struct operand {
	bool untyped; /* a number without a type: 64 bits, unsigned */
	unsigned int size; /* 4 or 8 */
	bool is_signed;
};

static const struct operand whole_int = {.size = 4, .is_signed = true};

static struct operand promote(const struct iq_value *v)
{
	const struct iq_type *t = v->type ? iq_type_strip(v->type) : NULL;
	struct operand o;

	if (!t)
		return (struct operand){.untyped = true, .size = 8};
	if (t->kind == IQ_KIND_POINTER)
		return (struct operand){.size = 8};
	o = (struct operand){.size = t->size > 4 ? 8 : 4, .is_signed = type_is_signed(t)};
	/* Constants of enums are ints unless they do not fit. */
	if (v->enumerator && (int64_t)v->number == (int32_t)v->number)
		return whole_int;
	if (t->size < 4 || (v->bit_size && v->bit_size < 32))
		return whole_int;
	return o;
}

static struct operand common(struct operand a, struct operand b)
{
	if (a.untyped || b.untyped)
		return (struct operand){.untyped = true, .size = 8};
	if (a.size != b.size)
		return a.size > b.size ? a : b;
	a.is_signed &= b.is_signed;
	return a;
}

static struct iq_value value_of(struct operand o, uint64_t number)
{
	struct iq_value v = {.number = extend(number, o.size, o.is_signed)};

	if (!o.untyped)
		v.type = o.size == 4 ? (o.is_signed ? &expr_int : &expr_unsigned_int)
				     : (o.is_signed ? &expr_long : &expr_unsigned_long);
	return v;
}

const struct iq_type *arith_literal_type(const struct token *t)
{
	uint64_t n = t->number;
	bool may_be_unsigned = t->suffix_u || !t->decimal;

	if (!t->suffix_l && !t->suffix_u && n <= INT32_MAX)
		return &expr_int;
	if (!t->suffix_l && may_be_unsigned && n <= UINT32_MAX)
		return &expr_unsigned_int;
	/* C has no type for larger decimal numbers; gdb's is this. */
	return !t->suffix_u && n <= INT64_MAX ? &expr_long : &expr_unsigned_long;
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

/* A, of type O, shifted by B; `negative`: B is below zero. */
static struct iq_error *shift(int op, struct operand o, uint64_t a, uint64_t b, bool negative,
			      struct iq_value *ret)
{
	unsigned int bits = 8 * o.size;
	struct iq_error *err;

	if (negative || b >= bits) {
		err = iq_error_new(IQ_E_USAGE, "a shift by %s%llu bits means nothing for %u bits",
				   negative ? "-" : "", (unsigned long long)(negative ? 0 - b : b),
				   bits);
		return !negative && b < 64 ? iq_error_hint(err, "1UL has 64 bits") : err;
	}
	a = op == OP_SHIFT_LEFT ? a << b : o.is_signed ? (uint64_t)((int64_t)a >> b) : a >> b;
	*ret = value_of(o, a);
	return NULL;
}

static bool compare(int op, uint64_t a, uint64_t b, bool sign)
{
	bool less = sign ? (int64_t)a < (int64_t)b : a < b;

	switch (op) {
	case OP_EQUAL:
		return a == b;
	case OP_UNEQUAL:
		return a != b;
	case '<':
		return less;
	case '>':
		return !less && a != b;
	case OP_LESS_EQUAL:
		return less || a == b;
	default:
		return !less;
	}
}

static bool is_comparison(int op)
{
	return op == OP_EQUAL || op == OP_UNEQUAL || op == '<' || op == '>' ||
	       op == OP_LESS_EQUAL || op == OP_MORE_EQUAL;
}

struct iq_error *arith_binary(int op, const struct iq_value *va, uint64_t a,
			      const struct iq_value *vb, uint64_t b, struct iq_value *ret)
{
	struct operand oa = promote(va), ob = promote(vb), o = common(oa, ob);
	uint64_t number = 0;

	if (op == OP_SHIFT_LEFT || op == OP_SHIFT_RIGHT)
		return shift(op, oa, a, b, ob.is_signed && (int64_t)b < 0, ret);
	a = extend(a, o.size, o.is_signed);
	b = extend(b, o.size, o.is_signed);
	if (is_comparison(op)) {
		*ret = value_of(whole_int, compare(op, a, b, o.is_signed));
		return NULL;
	}
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
	default:
		IQ_TRY(divide(op, a, b, o.is_signed, &number));
		break;
	}
	*ret = value_of(o, number);
	return NULL;
}

struct iq_value arith_unary(int op, const struct iq_value *v, uint64_t number)
{
	return value_of(promote(v), op == '-' ? 0 - number : op == '~' ? ~number : number);
}

struct iq_value arith_common(const struct iq_value *v, uint64_t number,
			     const struct iq_value *other)
{
	return value_of(common(promote(v), promote(other)), number);
}
