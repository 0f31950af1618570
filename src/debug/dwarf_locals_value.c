// SPDX-License-Identifier: GPL-2.0-or-later
/* The value of a variable, put together of the parts that its location names. */
#include "dwarf_locals.h"
#include <stdlib.h>

/* Copy BITS bits from bit FROM of SRC to bit TO of DST. */
static void copy_bits(uint8_t *dst, uint64_t to, const uint8_t *src, uint64_t from, uint64_t bits)
{
	if (!(to % 8) && !(from % 8) && !(bits % 8)) {
		memcpy(dst + to / 8, src + from / 8, (size_t)(bits / 8));
		return;
	}
	for (uint64_t i = 0; i < bits; i++)
		if (src[(from + i) / 8] >> (from + i) % 8 & 1)
			dst[(to + i) / 8] |= (uint8_t)(1 << (to + i) % 8);
}

/* The bits of one part into OUT, which has room for them all. */
static enum iq_local_state add_piece(const struct iq_locals_frame *frame,
				     const struct iq_dw_piece *p, uint64_t bits, uint8_t *out,
				     uint64_t to, unsigned int *reg)
{
	uint8_t b[8], *memory;
	uint64_t len = (p->bit_offset + bits + 7) / 8, number = p->number;
	bool ok;

	switch (p->where) {
	case IQ_DW_NOWHERE:
		return IQ_LOCAL_OPTIMISED_OUT;
	case IQ_DW_POINTER:
		return IQ_LOCAL_SYNTHETIC;
	case IQ_DW_REGISTER:
		if (p->number >= IQ_MAX_REGS ||
		    !iq_reg_known(frame->regs, (unsigned int)p->number)) {
			*reg = (unsigned int)IQ_MIN(p->number, UINT32_MAX);
			return IQ_LOCAL_NO_REGISTER;
		}
		number = frame->regs->value[p->number];
		__attribute__((fallthrough));
	case IQ_DW_VALUE:
		if (p->bit_offset > 64 || bits > 64 - p->bit_offset)
			return IQ_LOCAL_DAMAGED;
		for (unsigned int i = 0; i < 8; i++)
			b[i] = (uint8_t)(number >> 8 * i);
		copy_bits(out, to, b, p->bit_offset, bits);
		return IQ_LOCAL_KNOWN;
	case IQ_DW_BYTES:
		if (len > p->len)
			return IQ_LOCAL_DAMAGED;
		copy_bits(out, to, p->bytes, p->bit_offset, bits);
		return IQ_LOCAL_KNOWN;
	case IQ_DW_MEMORY:
		break;
	}
	memory = p->bit_offset <= 8 * IQ_LOCAL_MAX && len ? malloc((size_t)len) : NULL;
	ok = memory && !iq_vm_read(frame->vm, p->number, memory, (size_t)len, NULL);
	if (ok)
		copy_bits(out, to, memory, p->bit_offset, bits);
	free(memory);
	return ok ? IQ_LOCAL_KNOWN : IQ_LOCAL_NO_MEMORY;
}

/* Put the value together of its parts. */
static enum iq_local_state assemble(const struct iq_locals_frame *frame,
				    const struct iq_dw_found *x, uint8_t *out, unsigned int *reg)
{
	uint64_t all = 8 * x->local.size, at = 0;

	for (unsigned int i = 0; i < x->location.nr && at < all; i++) {
		const struct iq_dw_piece *p = &x->location.piece[i];
		uint64_t bits = p->bit_size ? IQ_MIN(p->bit_size, all - at) : all - at;
		enum iq_local_state s;

		s = add_piece(frame, p, bits, out, at, reg);
		if (s != IQ_LOCAL_KNOWN)
			return s;
		at += bits;
	}
	return at == all ? IQ_LOCAL_KNOWN : IQ_LOCAL_OPTIMISED_OUT;
}

static enum iq_local_state constant_bytes(const struct iq_dw_found *x, uint8_t *out)
{
	uint64_t size = x->local.size;

	if (x->is_number) {
		for (uint64_t i = 0; i < size; i++)
			out[i] = (uint8_t)(i < 8 ? x->number >> 8 * i : 0);
		return size <= 8 ? IQ_LOCAL_KNOWN : IQ_LOCAL_DAMAGED;
	}
	if (x->constant_len < size)
		return IQ_LOCAL_DAMAGED;
	memcpy(out, x->constant, (size_t)size);
	return IQ_LOCAL_KNOWN;
}

/* Does it lie in memory in one piece, if perhaps described in several? */
static bool in_one_place(const struct iq_dw_found *x)
{
	const struct iq_dw_piece *p = x->location.piece;
	uint64_t bits = 0;

	if (x->location.nr == 1 && p->where == IQ_DW_MEMORY && !p->bit_size)
		return true;
	for (unsigned int i = 0; i < x->location.nr; i++) {
		if (p[i].where != IQ_DW_MEMORY || p[i].bit_offset || p[i].bit_size % 8 ||
		    p[i].number - p[0].number != bits / 8 || p[i].bit_size > 8 * IQ_LOCAL_MAX)
			return false;
		bits += p[i].bit_size;
	}
	return bits && bits == 8 * x->local.size;
}

void iq_dw_locals_evaluate(struct iq_dw_locals_reader *r, struct iq_dw_found *x)
{
	struct iq_local *l = &x->local;
	const struct iq_dw_piece *first = &x->location.piece[0];
	bool whole = x->location.nr == 1 && !first->bit_size;
	uint8_t *bytes;

	if (l->state != IQ_LOCAL_KNOWN)
		return;
	if (in_one_place(x)) {
		l->in_memory = true;
		l->address = first->number;
		return;
	}
	if (!l->size || l->size > IQ_LOCAL_MAX) {
		l->state = IQ_LOCAL_NO_TYPE;
		return;
	}
	bytes = iq_arena_alloc(&r->ret->arena, (size_t)l->size);
	if (!bytes) {
		l->state = IQ_LOCAL_NO_TYPE;
		return;
	}
	if (x->is_number || x->constant)
		l->state = constant_bytes(x, bytes);
	else
		l->state = assemble(r->frame, x, bytes, &l->reg);
	l->bytes = l->state == IQ_LOCAL_KNOWN ? bytes : NULL;
	if (l->state == IQ_LOCAL_KNOWN && whole && first->where == IQ_DW_REGISTER) {
		l->in_register = true;
		l->reg = (unsigned int)first->number;
	}
}
