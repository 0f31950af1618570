// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The stack machine of DWARF expressions.  Values are 64 bits wide, with a size and a sign for those
 * that version 5 gives a base type; floating point is not for kernels.
 */
#include "dwarf_expr_stack.h"

/* Operations, so that a backward branch ends. */
#define STEPS_MAX 4096

static void push(struct iq_dw_stack *x, uint64_t value)
{
	iq_dw_push(x, value, (struct iq_dw_cell){.size = 8});
}

/* The N-th from the top. */
static struct iq_dw_cell top(struct iq_dw_stack *x, uint64_t n)
{
	if (n >= x->nr) {
		iq_dw_fail(x, IQ_DW_DAMAGED);
		return (struct iq_dw_cell){.size = 8};
	}
	return x->stack[x->nr - 1 - n];
}

/* ---- What is computed from -------------------------------------------------------------------- */

static uint64_t reg_value(struct iq_dw_stack *x, uint64_t reg)
{
	uint64_t value = 0;
	enum iq_dw_known known = x->m->reg && reg < UINT32_MAX
					 ? x->m->reg(x->m->arg, (unsigned int)reg, &value)
					 : IQ_DW_NO_REGISTER;

	if (known == IQ_DW_NO_REGISTER && x->status == IQ_DW_KNOWN)
		x->loc->reg = (unsigned int)reg;
	if (known != IQ_DW_KNOWN)
		iq_dw_fail(x, known);
	return value;
}

static uint64_t memory(struct iq_dw_stack *x, uint64_t address, uint64_t size)
{
	uint64_t value = 0;
	enum iq_dw_known known = IQ_DW_DAMAGED;

	if (size >= 1 && size <= 8)
		known = x->m->memory ? x->m->memory(x->m->arg, address, (unsigned int)size, &value)
				     : IQ_DW_NO_MEMORY;
	if (known != IQ_DW_KNOWN)
		iq_dw_fail(x, known);
	return value;
}

static uint64_t asked(struct iq_dw_stack *x, enum iq_dw_known (*fn)(void *arg, uint64_t *ret),
		      enum iq_dw_known without)
{
	uint64_t value = 0;
	enum iq_dw_known known = fn ? fn(x->m->arg, &value) : without;

	if (known != IQ_DW_KNOWN)
		iq_dw_fail(x, known);
	return value;
}

static uint64_t runtime_address(struct iq_dw_stack *x, uint64_t link)
{
	uint64_t value = link;
	enum iq_dw_known known =
		x->m->address ? x->m->address(x->m->arg, link, &value) : IQ_DW_NO_ADDRESS;

	if (known != IQ_DW_KNOWN)
		iq_dw_fail(x, known);
	return value;
}

/* Entry INDEX of the unit's .debug_addr. */
static uint64_t addrx(struct iq_dw_stack *x, uint64_t index)
{
	const struct iq_dw_unit *u = x->e->unit;
	struct iq_dw_cursor c;
	uint64_t at, value;

	if (!u || iq_mul_overflows(index, u->address_size, &at) ||
	    iq_add_overflows(at, u->addr_base, &at)) {
		iq_dw_fail(x, IQ_DW_DAMAGED);
		return 0;
	}
	c = iq_dw_cursor(u->dwarf, IQ_DW_ADDR, at, UINT64_MAX);
	value = iq_dw_uint(&c, u->address_size);
	if (c.bad)
		iq_dw_fail(x, IQ_DW_DAMAGED);
	return value;
}

/* The base type whose entry is OFFSET behind the unit's start; 0: the type of addresses. */
static struct iq_dw_cell base_type(struct iq_dw_stack *x, uint64_t offset)
{
	struct iq_dw_cell t = {.size = 8};
	const struct iq_dw_unit *u = x->e->unit;
	struct iq_dw_attrs attrs;
	struct iq_dw_value v;
	struct iq_dw_die die;
	uint64_t at, size = 0, encoding = 0;
	uint32_t name;

	if (!offset)
		return t;
	if (!u || iq_add_overflows(u->offset, offset, &at) || !iq_dw_die(u, at, &die) ||
	    die.tag != DW_TAG_base_type) {
		iq_dw_fail(x, IQ_DW_DAMAGED);
		return t;
	}
	iq_dw_attrs(u, &die, &attrs);
	while (iq_dw_attr_next(&attrs, &name, &v)) {
		if (name == DW_AT_byte_size && v.class == IQ_DW_CONSTANT)
			size = v.number;
		else if (name == DW_AT_encoding && v.class == IQ_DW_CONSTANT)
			encoding = v.number;
	}
	if (encoding == DW_ATE_float || encoding == DW_ATE_complex_float || !size || size > 8)
		iq_dw_fail(x, IQ_DW_UNSUPPORTED);
	t.size = (uint8_t)IQ_MIN(size, 8);
	t.is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
	return t;
}

/* ---- The stack, memory and flow --------------------------------------------------------------- */

static void rearrange(struct iq_dw_stack *x, unsigned int op)
{
	struct iq_dw_cell a, b, c;

	switch (op) {
	case DW_OP_dup:
		a = top(x, 0);
		return iq_dw_push(x, a.value, a);
	case DW_OP_over:
		a = top(x, 1);
		return iq_dw_push(x, a.value, a);
	case DW_OP_pick:
		a = top(x, iq_dw_uint(&x->c, 1));
		return iq_dw_push(x, a.value, a);
	case DW_OP_drop:
		iq_dw_pop(x);
		return;
	case DW_OP_swap:
		a = iq_dw_pop(x);
		b = iq_dw_pop(x);
		iq_dw_push(x, a.value, a);
		return iq_dw_push(x, b.value, b);
	default: /* rot */
		a = iq_dw_pop(x);
		b = iq_dw_pop(x);
		c = iq_dw_pop(x);
		iq_dw_push(x, a.value, a);
		iq_dw_push(x, c.value, c);
		return iq_dw_push(x, b.value, b);
	}
}

static void jump(struct iq_dw_stack *x, bool taken)
{
	int64_t by = (int16_t)iq_dw_uint(&x->c, 2);
	int64_t at = x->c.p - x->e->code;

	if (!taken)
		return;
	if (at + by < 0 || (uint64_t)(at + by) > x->e->len)
		return iq_dw_fail(x, IQ_DW_DAMAGED);
	x->c.p = x->e->code + at + by;
}

static void convert(struct iq_dw_stack *x, bool reinterpret)
{
	struct iq_dw_cell a = iq_dw_pop(x), t = base_type(x, iq_dw_uleb(&x->c));

	if (reinterpret && a.size != t.size)
		return iq_dw_fail(x, IQ_DW_DAMAGED);
	iq_dw_push(x, iq_dw_truncate(a.value, a.size, a.is_signed), t);
}

static void const_type(struct iq_dw_stack *x)
{
	struct iq_dw_cell t = base_type(x, iq_dw_uleb(&x->c));
	uint64_t size = iq_dw_uint(&x->c, 1), value = 0;

	if (size > 8 || size > (uint64_t)(x->c.end - x->c.p))
		return iq_dw_fail(x, IQ_DW_UNSUPPORTED);
	for (uint64_t i = 0; i < size; i++)
		value |= iq_dw_uint(&x->c, 1) << 8 * i;
	iq_dw_push(x, value, t);
}

static void entry_value(struct iq_dw_stack *x)
{
	uint64_t len = iq_dw_uleb(&x->c), value = 0;
	const uint8_t *code = x->c.p;
	enum iq_dw_known known;

	if (x->c.bad || len > (uint64_t)(x->c.end - x->c.p))
		return iq_dw_fail(x, IQ_DW_DAMAGED);
	iq_dw_skip(&x->c, len);
	known = x->m->entry_value ? x->m->entry_value(x->m->arg, code, (size_t)len, &value)
				  : IQ_DW_NO_ENTRY_VALUE;
	if (known != IQ_DW_KNOWN)
		return iq_dw_fail(x, known);
	x->loc->by_entry_value = true;
	push(x, value);
}

/* ---- Location descriptions -------------------------------------------------------------------- */

static void is_at(struct iq_dw_stack *x, enum iq_dw_where where, uint64_t number)
{
	x->has_result = true;
	x->piece = (struct iq_dw_piece){.where = where, .number = number};
}

static void implicit_value(struct iq_dw_stack *x)
{
	uint64_t len = iq_dw_uleb(&x->c);

	if (x->c.bad || len > (uint64_t)(x->c.end - x->c.p))
		return iq_dw_fail(x, IQ_DW_DAMAGED);
	is_at(x, IQ_DW_BYTES, 0);
	x->piece.bytes = x->c.p;
	x->piece.len = (size_t)len;
	iq_dw_skip(&x->c, len);
}

static void implicit_pointer(struct iq_dw_stack *x)
{
	is_at(x, IQ_DW_POINTER, iq_dw_uint(&x->c, x->e->offset_size));
	x->piece.offset = iq_dw_sleb(&x->c);
}

static void add_piece(struct iq_dw_stack *x, uint64_t bit_size, uint64_t bit_offset)
{
	struct iq_dw_piece p = {0};

	if (x->has_result) {
		p = x->piece;
	} else if (x->nr) {
		/* An address; without anything the part is nowhere. */
		p.where = IQ_DW_MEMORY;
		p.number = iq_dw_pop(x).value;
	}
	x->has_result = false;
	x->nr = 0;
	if (!bit_size)
		return;
	if (x->loc->nr == IQ_DW_PIECES)
		return iq_dw_fail(x, IQ_DW_UNSUPPORTED);
	p.bit_size = bit_size;
	p.bit_offset = bit_offset;
	x->loc->piece[x->loc->nr++] = p;
}

static void op_piece(struct iq_dw_stack *x, unsigned int op)
{
	uint64_t size = iq_dw_uleb(&x->c);

	if (op == DW_OP_bit_piece)
		return add_piece(x, size, iq_dw_uleb(&x->c));
	if (size > UINT64_MAX / 8)
		return iq_dw_fail(x, IQ_DW_DAMAGED);
	add_piece(x, 8 * size, 0);
}

/* ---- Operations ------------------------------------------------------------------------------- */

/* Those that push a constant; false: OP is none. */
static bool constant(struct iq_dw_stack *x, unsigned int op)
{
	struct iq_dw_cursor *c = &x->c;

	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		push(x, op - DW_OP_lit0);
		return true;
	}
	switch (op) {
	case DW_OP_addr:
		push(x, runtime_address(x, iq_dw_uint(c, x->e->address_size)));
		break;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		push(x, runtime_address(x, addrx(x, iq_dw_uleb(c))));
		break;
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		push(x, addrx(x, iq_dw_uleb(c)));
		break;
	case DW_OP_const1u:
		push(x, iq_dw_uint(c, 1));
		break;
	case DW_OP_const1s:
		push(x, (uint64_t)(int8_t)iq_dw_uint(c, 1));
		break;
	case DW_OP_const2u:
		push(x, iq_dw_uint(c, 2));
		break;
	case DW_OP_const2s:
		push(x, (uint64_t)(int16_t)iq_dw_uint(c, 2));
		break;
	case DW_OP_const4u:
		push(x, iq_dw_uint(c, 4));
		break;
	case DW_OP_const4s:
		push(x, (uint64_t)(int32_t)iq_dw_uint(c, 4));
		break;
	case DW_OP_const8u:
	case DW_OP_const8s:
		push(x, iq_dw_uint(c, 8));
		break;
	case DW_OP_constu:
		push(x, iq_dw_uleb(c));
		break;
	case DW_OP_consts:
		push(x, (uint64_t)iq_dw_sleb(c));
		break;
	case DW_OP_const_type:
	case DW_OP_GNU_const_type:
		const_type(x);
		break;
	default:
		return false;
	}
	return true;
}

/* Those that concern registers and the frame. */
static bool of_frame(struct iq_dw_stack *x, unsigned int op)
{
	struct iq_dw_cursor *c = &x->c;
	struct iq_dw_cell type;
	uint64_t reg;

	if (op >= DW_OP_reg0 && op <= DW_OP_reg31) {
		is_at(x, IQ_DW_REGISTER, op - DW_OP_reg0);
		return true;
	}
	if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
		push(x, reg_value(x, op - DW_OP_breg0) + (uint64_t)iq_dw_sleb(c));
		return true;
	}
	switch (op) {
	case DW_OP_regx:
		is_at(x, IQ_DW_REGISTER, iq_dw_uleb(c));
		break;
	case DW_OP_bregx:
		reg = iq_dw_uleb(c);
		push(x, reg_value(x, reg) + (uint64_t)iq_dw_sleb(c));
		break;
	case DW_OP_regval_type:
	case DW_OP_GNU_regval_type:
		reg = iq_dw_uleb(c);
		type = base_type(x, iq_dw_uleb(c));
		iq_dw_push(x, reg_value(x, reg), type);
		break;
	case DW_OP_fbreg:
		push(x, asked(x, x->m->frame_base, IQ_DW_NO_CFA) + (uint64_t)iq_dw_sleb(c));
		break;
	case DW_OP_call_frame_cfa:
		push(x, asked(x, x->m->cfa, IQ_DW_NO_CFA));
		break;
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		entry_value(x);
		break;
	default:
		return false;
	}
	return true;
}

/* Those that end the description of an object or of a part of it. */
static bool of_location(struct iq_dw_stack *x, unsigned int op)
{
	switch (op) {
	case DW_OP_stack_value:
		is_at(x, IQ_DW_VALUE, iq_dw_pop(x).value);
		break;
	case DW_OP_implicit_value:
		implicit_value(x);
		break;
	case DW_OP_implicit_pointer:
	case DW_OP_GNU_implicit_pointer:
		implicit_pointer(x);
		break;
	case DW_OP_piece:
	case DW_OP_bit_piece:
		op_piece(x, op);
		break;
	default:
		return false;
	}
	return true;
}

static bool of_memory(struct iq_dw_stack *x, unsigned int op)
{
	uint64_t size;
	struct iq_dw_cell type;

	switch (op) {
	case DW_OP_deref:
		push(x, memory(x, iq_dw_pop(x).value, x->e->address_size));
		break;
	case DW_OP_deref_size:
		size = iq_dw_uint(&x->c, 1);
		push(x, memory(x, iq_dw_pop(x).value, size));
		break;
	case DW_OP_deref_type:
	case DW_OP_GNU_deref_type:
		size = iq_dw_uint(&x->c, 1);
		type = base_type(x, iq_dw_uleb(&x->c));
		iq_dw_push(x, memory(x, iq_dw_pop(x).value, size), type);
		break;
	default:
		return false;
	}
	return true;
}

static void other(struct iq_dw_stack *x, unsigned int op)
{
	struct iq_dw_cell a;

	switch (op) {
	case DW_OP_dup:
	case DW_OP_drop:
	case DW_OP_over:
	case DW_OP_pick:
	case DW_OP_swap:
	case DW_OP_rot:
		return rearrange(x, op);
	case DW_OP_abs:
	case DW_OP_neg:
	case DW_OP_not:
		return iq_dw_unary(x, op);
	case DW_OP_plus_uconst:
		a = iq_dw_pop(x);
		return iq_dw_push(x, a.value + iq_dw_uleb(&x->c), a);
	case DW_OP_and:
	case DW_OP_or:
	case DW_OP_xor:
	case DW_OP_plus:
	case DW_OP_minus:
	case DW_OP_mul:
	case DW_OP_div:
	case DW_OP_mod:
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
	case DW_OP_eq ... DW_OP_ne:
		return iq_dw_binary(x, op);
	case DW_OP_skip:
		return jump(x, true);
	case DW_OP_bra:
		return jump(x, iq_dw_pop(x).value != 0);
	case DW_OP_convert:
	case DW_OP_GNU_convert:
		return convert(x, false);
	case DW_OP_reinterpret:
	case DW_OP_GNU_reinterpret:
		return convert(x, true);
	case DW_OP_nop:
		return;
	case DW_OP_form_tls_address:
	case DW_OP_GNU_push_tls_address:
		return iq_dw_fail(x, IQ_DW_NO_ADDRESS);
	default:
		break;
	}
	if (x->status == IQ_DW_KNOWN)
		x->loc->reg = op;
	iq_dw_fail(x, IQ_DW_UNSUPPORTED);
}

static void step(struct iq_dw_stack *x)
{
	unsigned int op = (unsigned int)iq_dw_uint(&x->c, 1);

	/* Behind a register or value only its part of the object may be said. */
	if (x->has_result && op != DW_OP_piece && op != DW_OP_bit_piece)
		return iq_dw_fail(x, IQ_DW_DAMAGED);
	if (!constant(x, op) && !of_frame(x, op) && !of_location(x, op) && !of_memory(x, op))
		other(x, op);
}

static void run(struct iq_dw_stack *x)
{
	for (unsigned int i = 0; x->status == IQ_DW_KNOWN && x->c.p < x->c.end; i++) {
		if (i == STEPS_MAX)
			return iq_dw_fail(x, IQ_DW_DAMAGED);
		step(x);
		if (x->c.bad)
			iq_dw_fail(x, IQ_DW_DAMAGED);
	}
}

enum iq_dw_known iq_dw_locate(const struct iq_dw_expr *e, const struct iq_dw_machine *m,
			      struct iq_dw_location *ret)
{
	struct iq_dw_stack x = {.e = e, .m = m, .loc = ret};

	*ret = (struct iq_dw_location){0};
	x.c = (struct iq_dw_cursor){.p = e->code, .end = e->code + e->len};
	if (e->has_initial)
		push(&x, e->initial);
	run(&x);
	if (x.status != IQ_DW_KNOWN)
		return x.status;
	if (ret->nr)
		return IQ_DW_KNOWN;
	if (!x.has_result && x.nr)
		is_at(&x, IQ_DW_MEMORY, iq_dw_pop(&x).value);
	/* An empty expression: optimised out. */
	ret->piece[ret->nr++] = x.piece;
	return IQ_DW_KNOWN;
}

enum iq_dw_known iq_dw_compute(const struct iq_dw_expr *e, const struct iq_dw_machine *m,
			       uint64_t *ret)
{
	struct iq_dw_location loc;
	enum iq_dw_known known = iq_dw_locate(e, m, &loc);

	if (known != IQ_DW_KNOWN)
		return known;
	if (loc.nr != 1 || loc.piece[0].bit_size ||
	    (loc.piece[0].where != IQ_DW_MEMORY && loc.piece[0].where != IQ_DW_VALUE))
		return IQ_DW_DAMAGED;
	*ret = loc.piece[0].number;
	return IQ_DW_KNOWN;
}
