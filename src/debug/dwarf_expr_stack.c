// SPDX-License-Identifier: GPL-2.0-or-later
/* The stack of the machine of DWARF expressions, and arithmetic on it. */
#include "dwarf_expr_stack.h"

void iq_dw_fail(struct iq_dw_stack *x, enum iq_dw_known why)
{
	if (x->status == IQ_DW_KNOWN)
		x->status = why;
}

uint64_t iq_dw_truncate(uint64_t value, unsigned int size, bool is_signed)
{
	unsigned int unused = 64 - 8 * size;

	if (!size || size >= 8)
		return value;
	return is_signed ? (uint64_t)((int64_t)(value << unused) >> unused)
			 : value << unused >> unused;
}

void iq_dw_push(struct iq_dw_stack *x, uint64_t value, struct iq_dw_cell type)
{
	if (x->nr == IQ_DW_STACK_MAX)
		return iq_dw_fail(x, IQ_DW_DAMAGED);
	type.value = iq_dw_truncate(value, type.size, type.is_signed);
	x->stack[x->nr++] = type;
}

struct iq_dw_cell iq_dw_pop(struct iq_dw_stack *x)
{
	if (!x->nr) {
		iq_dw_fail(x, IQ_DW_DAMAGED);
		return (struct iq_dw_cell){.size = 8};
	}
	return x->stack[--x->nr];
}

static uint64_t divide(struct iq_dw_stack *x, struct iq_dw_cell a, struct iq_dw_cell b)
{
	/* Division of addresses is signed. */
	bool is_signed = a.is_signed || a.size == 8;

	if (!b.value) {
		iq_dw_fail(x, IQ_DW_DAMAGED);
		return 0;
	}
	if (!is_signed)
		return a.value / b.value;
	if ((int64_t)b.value == -1)
		return 0 - a.value;
	return (uint64_t)((int64_t)a.value / (int64_t)b.value);
}

static uint64_t modulo(struct iq_dw_stack *x, struct iq_dw_cell a, struct iq_dw_cell b)
{
	if (!b.value) {
		iq_dw_fail(x, IQ_DW_DAMAGED);
		return 0;
	}
	if (!a.is_signed)
		return a.value % b.value;
	return (int64_t)b.value == -1 ? 0 : (uint64_t)((int64_t)a.value % (int64_t)b.value);
}

static uint64_t shift(unsigned int op, struct iq_dw_cell a, uint64_t by)
{
	uint64_t bits = 8 * (uint64_t)a.size;

	if (op == DW_OP_shl)
		return by < bits ? a.value << by : 0;
	if (op == DW_OP_shr)
		return by < bits ? iq_dw_truncate(a.value, a.size, false) >> by : 0;
	a.value = iq_dw_truncate(a.value, a.size, true);
	return (uint64_t)((int64_t)a.value >> (by < bits ? by : bits - 1));
}

static uint64_t compare(unsigned int op, struct iq_dw_cell ca, struct iq_dw_cell cb)
{
	/* Addresses are compared as signed numbers (2.5.1.5); typed ones by their type. */
	bool is_signed = ca.is_signed || ca.size == 8;
	int64_t a = (int64_t)iq_dw_truncate(ca.value, ca.size, is_signed);
	int64_t b = (int64_t)iq_dw_truncate(cb.value, ca.size, is_signed);

	switch (op) {
	case DW_OP_eq:
		return a == b;
	case DW_OP_ne:
		return a != b;
	case DW_OP_lt:
		return a < b;
	case DW_OP_le:
		return a <= b;
	case DW_OP_gt:
		return a > b;
	default:
		return a >= b;
	}
}

void iq_dw_binary(struct iq_dw_stack *x, unsigned int op)
{
	struct iq_dw_cell b = iq_dw_pop(x), a = iq_dw_pop(x);
	uint64_t value = 0;

	switch (op) {
	case DW_OP_and:
		value = a.value & b.value;
		break;
	case DW_OP_or:
		value = a.value | b.value;
		break;
	case DW_OP_xor:
		value = a.value ^ b.value;
		break;
	case DW_OP_plus:
		value = a.value + b.value;
		break;
	case DW_OP_minus:
		value = a.value - b.value;
		break;
	case DW_OP_mul:
		value = a.value * b.value;
		break;
	case DW_OP_div:
		value = divide(x, a, b);
		break;
	case DW_OP_mod:
		value = modulo(x, a, b);
		break;
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
		value = shift(op, a, b.value);
		break;
	default:
		return iq_dw_push(x, compare(op, a, b), (struct iq_dw_cell){.size = 8});
	}
	iq_dw_push(x, value, a);
}

void iq_dw_unary(struct iq_dw_stack *x, unsigned int op)
{
	struct iq_dw_cell a = iq_dw_pop(x);
	int64_t v = (int64_t)a.value;

	if (op == DW_OP_abs)
		iq_dw_push(x, v < 0 ? 0 - a.value : a.value, a);
	else
		iq_dw_push(x, op == DW_OP_neg ? 0 - a.value : ~a.value, a);
}
