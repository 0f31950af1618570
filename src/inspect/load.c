// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers out of memory: integers, pointers, enums, bitfields. */
#include "expr.h"

uint64_t extend(uint64_t number, uint64_t size, bool is_signed)
{
	unsigned int shift;

	if (!size || size >= 8)
		return number;
	shift = 64 - 8 * (unsigned int)size;
	number <<= shift;
	return is_signed ? (uint64_t)((int64_t)number >> shift) : number >> shift;
}

enum iq_mem load_scalar(struct iq_vm *vm, uint64_t address, uint64_t size, unsigned int bit_offset,
			unsigned int bit_size, bool is_signed, uint64_t *ret,
			struct iq_fault *fault)
{
	uint8_t bytes[16] = {0};
	uint64_t number;
	size_t len;
	enum iq_mem m;

	if (!bit_size) {
		m = iq_vm_read(vm, address, bytes, IQ_MIN(size, 8u), fault);
		if (!m)
			*ret = extend(iq_le64(bytes), size, is_signed);
		return m;
	}
	/* Only the bytes that the bits lie in: the rest of the storage unit may be missing. */
	bit_size = IQ_MIN(bit_size, 64u);
	address += bit_offset / 8;
	bit_offset %= 8;
	len = (bit_offset + bit_size + 7) / 8;
	m = iq_vm_read(vm, address, bytes, len, fault);
	if (m)
		return m;
	number = iq_le64(bytes) >> bit_offset;
	if (bit_offset)
		number |= (uint64_t)bytes[8] << (64 - bit_offset);
	if (bit_size < 64) {
		number <<= 64 - bit_size;
		number = is_signed ? (uint64_t)((int64_t)number >> (64 - bit_size))
				   : number >> (64 - bit_size);
	}
	*ret = number;
	return IQ_MEM_OK;
}

struct iq_vm *scope_vm(const struct iq_scope *s)
{
	return s->vm ? s->vm : s->k ? s->k->vm : NULL;
}

struct iq_error *load_number(struct iq_vm *vm, const struct iq_value *v, uint64_t *ret)
{
	const struct iq_type *t;
	struct iq_fault fault;

	if (!v->in_memory) {
		*ret = v->number;
		return NULL;
	}
	t = v->type ? iq_type_strip(v->type) : &expr_unsigned_long;
	if (t->kind == IQ_KIND_INT && t->size > 8)
		return iq_error_hint(expr_wrong_type(v, "has more bits than expressions work with"),
				     "its halves: *(u64 *)&…, *((u64 *)&… + 1)");
	if (!type_is_scalar(t)) {
		*ret = v->address;
		return NULL;
	}
	if (!vm)
		return iq_error_new(IQ_E_UNAVAILABLE, "no memory to read from");
	if (load_scalar(vm, v->address, t->size, v->bit_offset, v->bit_size, type_is_signed(t), ret,
			&fault))
		return iq_fault_error(&fault);
	return NULL;
}
