// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operands of AT&T syntax: $immediate, %register, segment:displacement(base,index,scale).
 */
#include "att.h"

static void put_reg(struct att *a, ZydisRegister reg)
{
	iq_att_putc(a, '%');
	if (reg >= ZYDIS_REGISTER_DR0 && reg <= ZYDIS_REGISTER_DR15) {
		iq_att_put(a, "db");
		iq_att_put(a, ZydisRegisterGetString(reg) + 2);
	} else {
		iq_att_put(a, ZydisRegisterGetString(reg));
	}
}

/* mov %eax,%ds and lar: 16 bits are used of a register that is shown in its full size. */
static bool is_selector_load(const ZydisDecodedInstruction *z)
{
	return z->mnemonic == ZYDIS_MNEMONIC_LAR || z->mnemonic == ZYDIS_MNEMONIC_LSL ||
	       (z->mnemonic == ZYDIS_MNEMONIC_MOV && z->opcode == 0x8e &&
		z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT);
}

static ZydisRegisterClass general_class(unsigned int bits)
{
	return bits == 64   ? ZYDIS_REGCLASS_GPR64
	       : bits == 32 ? ZYDIS_REGCLASS_GPR32
			    : ZYDIS_REGCLASS_GPR16;
}

/* ud1 (%rax),%rdi, which 7.x's checks trap with: the CPU uses neither, and Zydis says they have 32 bits. */
static bool is_undefined_wide(const ZydisDecodedInstruction *z)
{
	return (z->mnemonic == ZYDIS_MNEMONIC_UD0 || z->mnemonic == ZYDIS_MNEMONIC_UD1) && z->raw.rex.W;
}

static void put_reg_operand(struct att *a, const ZydisDecodedOperand *op)
{
	ZydisRegister reg = op->reg.value;

	if (reg >= ZYDIS_REGISTER_ST0 && reg <= ZYDIS_REGISTER_ST7) {
		iq_att_put(a, "%st");
		if (op->encoding == ZYDIS_OPERAND_ENCODING_NONE)
			return;
		iq_att_putc(a, '(');
		iq_att_putc(a, (char)('0' + (reg - ZYDIS_REGISTER_ST0)));
		iq_att_putc(a, ')');
	} else if (reg == ZYDIS_REGISTER_DX && (a->z->meta.category == ZYDIS_CATEGORY_IO ||
						a->z->meta.category == ZYDIS_CATEGORY_IOSTRINGOP)) {
		iq_att_put(a, "(%dx)");
	} else if (is_selector_load(a->z) && op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM) {
		put_reg(a, ZydisRegisterEncode(general_class(a->z->operand_width),
					       (ZyanU8)ZydisRegisterGetId(reg)));
	} else if (is_undefined_wide(a->z)) {
		put_reg(a, ZydisRegisterEncode(ZYDIS_REGCLASS_GPR64,
					       (ZyanU8)ZydisRegisterGetId(reg)));
	} else {
		put_reg(a, reg);
	}
}

static void put_imm(struct att *a, const ZydisDecodedOperand *op)
{
	uint64_t value = op->imm.value.u;

	if (op->imm.is_relative) {
		iq_att_put_address(a, a->address + a->z->length + value);
		return;
	}
	/* A shorter immediate is shown as the processor extends it. */
	if (op->imm.is_signed && a->z->operand_width < 64)
		value &= (UINT64_C(1) << a->z->operand_width) - 1;
	iq_att_putc(a, '$');
	iq_att_put_hex(a, value);
}

/*
 * Is an index byte without an index shown, as %riz?  Where the encoding could have done without the
 * byte, and where 32-bit addresses would otherwise look like 64-bit ones.
 */
static bool shows_no_index(const ZydisDecodedInstruction *z, const ZydisDecodedOperandMem *m)
{
	if (!(z->attributes & ZYDIS_ATTRIB_HAS_SIB) || m->index)
		return false;
	if (!m->base)
		return z->raw.sib.scale || z->address_width == 32;
	return z->raw.sib.scale || z->raw.sib.base != 4;
}

static void put_displacement(struct att *a, const ZydisDecodedOperandMem *m, bool no_index)
{
	if (!m->disp.has_displacement)
		return;
	/* Relative to a register it has a sign; alone it is an address. */
	if (m->disp.value < 0 && (m->base || m->index || no_index)) {
		iq_att_putc(a, '-');
		iq_att_put_hex(a, -(uint64_t)m->disp.value);
	} else {
		iq_att_put_hex(a, (uint64_t)m->disp.value);
	}
}

/* (base,index,scale) */
static void put_base_index(struct att *a, const ZydisDecodedOperandMem *m, bool no_index)
{
	const ZydisDecodedInstruction *z = a->z;
	bool sib = z->attributes & ZYDIS_ATTRIB_HAS_SIB;

	if (!m->base && !m->index && !no_index)
		return;
	iq_att_putc(a, '(');
	if (m->base)
		put_reg(a, m->base);
	if (m->index || no_index) {
		iq_att_putc(a, ',');
		if (m->index)
			put_reg(a, m->index);
		else
			iq_att_put(a, z->address_width == 32 ? "%eiz" : "%riz");
		iq_att_putc(a, ',');
		iq_att_putc(a, (char)('0' + (sib ? 1 << z->raw.sib.scale : 1)));
	}
	iq_att_putc(a, ')');
}

static void put_memory(struct att *a, const ZydisDecodedOperand *op)
{
	static const char *const broadcast[] = {
		[ZYDIS_BROADCAST_MODE_1_TO_2] = "{1to2}",
		[ZYDIS_BROADCAST_MODE_1_TO_4] = "{1to4}",
		[ZYDIS_BROADCAST_MODE_1_TO_8] = "{1to8}",
		[ZYDIS_BROADCAST_MODE_1_TO_16] = "{1to16}",
		[ZYDIS_BROADCAST_MODE_1_TO_32] = "{1to32}",
		[ZYDIS_BROADCAST_MODE_1_TO_64] = "{1to64}",
	};
	const ZydisDecodedOperandMem *m = &op->mem;
	const ZydisDecodedInstructionAvx *avx = &a->z->avx;
	bool no_index = shows_no_index(a->z, m);

	if (m->segment == ZYDIS_REGISTER_FS || m->segment == ZYDIS_REGISTER_GS) {
		put_reg(a, m->segment);
		iq_att_putc(a, ':');
	} else if (iq_att_is_string(a->z) || a->z->mnemonic == ZYDIS_MNEMONIC_XLAT) {
		/* Other overrides mean nothing in 64-bit mode. */
		iq_att_put(a, m->segment == ZYDIS_REGISTER_ES ? "%es:" : "%ds:");
	}
	put_displacement(a, m, no_index);
	put_base_index(a, m, no_index);
	if (avx->broadcast.mode && !avx->broadcast.is_static &&
	    avx->broadcast.mode < IQ_ARRAY_SIZE(broadcast) && broadcast[avx->broadcast.mode])
		iq_att_put(a, broadcast[avx->broadcast.mode]);
}

static bool is_indirect_branch(const ZydisDecodedInstruction *z)
{
	return z->mnemonic == ZYDIS_MNEMONIC_CALL || z->mnemonic == ZYDIS_MNEMONIC_JMP;
}

static void put_operand(struct att *a, const ZydisDecodedOperand *op)
{
	if (op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE && is_indirect_branch(a->z))
		iq_att_putc(a, '*');
	switch (op->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		put_reg_operand(a, op);
		break;
	case ZYDIS_OPERAND_TYPE_MEMORY:
		put_memory(a, op);
		break;
	default:
		put_imm(a, op);
		break;
	}
}

/* {%k1}{z} behind the destination. */
static void put_mask(struct att *a)
{
	const ZydisDecodedInstructionAvx *avx = &a->z->avx;

	if (a->z->encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX ||
	    avx->mask.mode == ZYDIS_MASK_MODE_INVALID || avx->mask.mode == ZYDIS_MASK_MODE_DISABLED)
		return;
	iq_att_putc(a, '{');
	put_reg(a, avx->mask.reg);
	iq_att_putc(a, '}');
	/* A comparison into a mask register zeroes without saying so. */
	if (a->z->raw.evex.z)
		iq_att_put(a, "{z}");
}

static const char *rounding(const ZydisDecodedInstructionAvx *avx)
{
	switch (avx->rounding.mode) {
	case ZYDIS_ROUNDING_MODE_RN:
		return "{rn-sae}";
	case ZYDIS_ROUNDING_MODE_RD:
		return "{rd-sae}";
	case ZYDIS_ROUNDING_MODE_RU:
		return "{ru-sae}";
	case ZYDIS_ROUNDING_MODE_RZ:
		return "{rz-sae}";
	default:
		return avx->has_sae ? "{sae}" : NULL;
	}
}

/* The source of vcvtsi2sd: rounding is shown behind it. */
static bool is_integer(const ZydisDecodedOperand *op)
{
	ZydisRegisterClass c;

	if (op->type != ZYDIS_OPERAND_TYPE_REGISTER ||
	    op->encoding != ZYDIS_OPERAND_ENCODING_MODRM_RM)
		return false;
	c = ZydisRegisterGetClass(op->reg.value);
	return c == ZYDIS_REGCLASS_GPR32 || c == ZYDIS_REGCLASS_GPR64;
}

/* The target of a rip-relative operand, as a comment. */
static void put_comment(struct att *a)
{
	const ZydisDecodedOperand *op = iq_att_find_operand(a, ZYDIS_OPERAND_TYPE_MEMORY);
	uint64_t target;

	if (!op || (op->mem.base != ZYDIS_REGISTER_RIP && op->mem.base != ZYDIS_REGISTER_EIP))
		return;
	target = a->address + a->z->length + (uint64_t)op->mem.disp.value;
	if (op->mem.base == ZYDIS_REGISTER_EIP)
		target &= 0xffffffff;
	iq_att_put(a, "        # ");
	iq_att_put_address(a, target);
}

void iq_att_operands(struct att *a)
{
	const char *round =
		a->z->encoding == ZYDIS_INSTRUCTION_ENCODING_EVEX ? rounding(&a->z->avx) : NULL;
	bool first = true;

	if (a->literal_operands) {
		iq_att_put(a, a->literal_operands);
		return;
	}
	for (unsigned int n = 0; n < a->nr_operands; n++) {
		unsigned int i = a->intel_order ? n : a->nr_operands - 1 - n;
		const ZydisDecodedOperand *op = &a->operands[i];

		/* The write mask is shown with the destination. */
		if (op->encoding == ZYDIS_OPERAND_ENCODING_MASK)
			continue;
		if (!first)
			iq_att_putc(a, ',');
		first = false;
		if (round && op->type != ZYDIS_OPERAND_TYPE_IMMEDIATE && !is_integer(op)) {
			iq_att_put(a, round);
			iq_att_putc(a, ',');
			round = NULL;
		}
		put_operand(a, op);
		if (i == 0)
			put_mask(a);
	}
	put_comment(a);
}
