// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an x86-64 instruction does: Zydis decodes it, here its operands become register numbers,
 * addresses and reads and writes of our own.
 */
#include "att.h"

/* Numbers of the general registers in the order in which instructions encode them. */
static const uint8_t by_encoding[16] = {
	IQ_X86_RAX, IQ_X86_RCX, IQ_X86_RDX, IQ_X86_RBX, IQ_X86_RSP, IQ_X86_RBP,
	IQ_X86_RSI, IQ_X86_RDI, IQ_X86_R8,  IQ_X86_R9,	IQ_X86_R10, IQ_X86_R11,
	IQ_X86_R12, IQ_X86_R13, IQ_X86_R14, IQ_X86_R15,
};

/* The full register behind a part of it; -1: not one of struct iq_regs. */
static int reg_number(ZydisRegister reg)
{
	switch (reg) {
	case ZYDIS_REGISTER_AL ... ZYDIS_REGISTER_BL:
		return by_encoding[reg - ZYDIS_REGISTER_AL];
	case ZYDIS_REGISTER_AH ... ZYDIS_REGISTER_BH:
		return by_encoding[reg - ZYDIS_REGISTER_AH];
	case ZYDIS_REGISTER_SPL ... ZYDIS_REGISTER_R15B:
		return by_encoding[reg - ZYDIS_REGISTER_SPL + 4];
	case ZYDIS_REGISTER_AX ... ZYDIS_REGISTER_R15W:
		return by_encoding[reg - ZYDIS_REGISTER_AX];
	case ZYDIS_REGISTER_EAX ... ZYDIS_REGISTER_R15D:
		return by_encoding[reg - ZYDIS_REGISTER_EAX];
	case ZYDIS_REGISTER_RAX ... ZYDIS_REGISTER_R15:
		return by_encoding[reg - ZYDIS_REGISTER_RAX];
	case ZYDIS_REGISTER_IP:
	case ZYDIS_REGISTER_EIP:
	case ZYDIS_REGISTER_RIP:
		return IQ_X86_RIP;
	case ZYDIS_REGISTER_FLAGS:
	case ZYDIS_REGISTER_EFLAGS:
	case ZYDIS_REGISTER_RFLAGS:
		return IQ_X86_RFLAGS;
	case ZYDIS_REGISTER_CS:
		return IQ_X86_CS;
	case ZYDIS_REGISTER_SS:
		return IQ_X86_SS;
	case ZYDIS_REGISTER_DS:
		return IQ_X86_DS;
	case ZYDIS_REGISTER_ES:
		return IQ_X86_ES;
	case ZYDIS_REGISTER_FS:
		return IQ_X86_FS;
	case ZYDIS_REGISTER_GS:
		return IQ_X86_GS;
	case ZYDIS_REGISTER_CR0:
		return IQ_X86_CR0;
	case ZYDIS_REGISTER_CR2:
		return IQ_X86_CR2;
	case ZYDIS_REGISTER_CR3:
		return IQ_X86_CR3;
	case ZYDIS_REGISTER_CR4:
		return IQ_X86_CR4;
	default:
		return -1;
	}
}

static enum iq_flow flow_of(const ZydisDecodedInstruction *z)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_UD0:
	case ZYDIS_MNEMONIC_UD1:
	case ZYDIS_MNEMONIC_UD2:
	case ZYDIS_MNEMONIC_INT1:
	case ZYDIS_MNEMONIC_INT3:
	case ZYDIS_MNEMONIC_HLT:
		return IQ_FLOW_TRAP;
	case ZYDIS_MNEMONIC_CALL:
		return IQ_FLOW_CALL;
	case ZYDIS_MNEMONIC_JMP:
		return IQ_FLOW_JUMP;
	case ZYDIS_MNEMONIC_RET:
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
	case ZYDIS_MNEMONIC_SYSRET:
	case ZYDIS_MNEMONIC_SYSEXIT:
	case ZYDIS_MNEMONIC_UIRET:
	case ZYDIS_MNEMONIC_RSM:
		return IQ_FLOW_RETURN;
	case ZYDIS_MNEMONIC_XBEGIN:
		return IQ_FLOW_BRANCH;
	default:
		return z->meta.category == ZYDIS_CATEGORY_COND_BR ? IQ_FLOW_BRANCH : IQ_FLOW_NONE;
	}
}

/* Instructions that use none of their operands: these cannot even fault. */
static bool is_hint(const ZydisDecodedInstruction *z)
{
	return z->meta.category == ZYDIS_CATEGORY_WIDENOP ||
	       z->meta.category == ZYDIS_CATEGORY_NOP ||
	       z->meta.category == ZYDIS_CATEGORY_PREFETCH ||
	       z->meta.category == ZYDIS_CATEGORY_PREFETCHWT1 ||
	       z->mnemonic == ZYDIS_MNEMONIC_INVLPG || z->mnemonic == ZYDIS_MNEMONIC_UD0 ||
	       z->mnemonic == ZYDIS_MNEMONIC_UD1;
}

/* Is the address more than segment, base, index and displacement? */
static bool has_no_address(const ZydisDecodedInstruction *z, const ZydisDecodedOperandMem *m)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_BT:
	case ZYDIS_MNEMONIC_BTC:
	case ZYDIS_MNEMONIC_BTR:
	case ZYDIS_MNEMONIC_BTS:
		/* A bit number in a register may lead to any word around the address. */
		return z->opcode != 0xba;
	case ZYDIS_MNEMONIC_XLAT:
		return true;
	default:
		return m->type == ZYDIS_MEMOP_TYPE_VSIB || m->type == ZYDIS_MEMOP_TYPE_MIB;
	}
}

static void fill_memory(struct iq_operand *op, const ZydisDecodedInstruction *z,
			const ZydisDecodedOperand *o, uint64_t address)
{
	const ZydisDecodedOperandMem *m = &o->mem;

	op->kind = IQ_OP_MEM;
	op->base = m->base == ZYDIS_REGISTER_NONE ? -1 : reg_number(m->base);
	op->index = m->index == ZYDIS_REGISTER_NONE ? -1 : reg_number(m->index);
	op->scale = op->index >= 0 ? m->scale : 0;
	op->disp = m->disp.has_displacement ? m->disp.value : 0;
	op->segment = m->segment == ZYDIS_REGISTER_FS	? IQ_X86_FS
		      : m->segment == ZYDIS_REGISTER_GS ? IQ_X86_GS
							: -1;
	op->no_address = has_no_address(z, m);
	if (op->base == IQ_X86_RIP) {
		op->disp = (int64_t)(address + z->length + (uint64_t)op->disp);
		if (m->base == ZYDIS_REGISTER_EIP)
			op->disp &= 0xffffffff;
	} else if (z->address_width == 32 && m->base != ZYDIS_REGISTER_RSP) {
		op->no_address = true;
	}
	/* lea looks as if it used memory. */
	if (m->type == ZYDIS_MEMOP_TYPE_AGEN || m->type == ZYDIS_MEMOP_TYPE_MIB)
		op->read = op->write = op->conditional = false;
}

static void fill_imm(struct iq_operand *op, const ZydisDecodedInstruction *z,
		     const ZydisDecodedOperand *o, uint64_t address)
{
	op->kind = IQ_OP_IMM;
	op->disp = o->imm.value.s;
	if (o->imm.is_relative) {
		op->kind = IQ_OP_TARGET;
		op->disp = (int64_t)(address + z->length + o->imm.value.u);
	} else if (o->size == z->operand_width && o->id > 0 &&
		   z->meta.category != ZYDIS_CATEGORY_IO) {
		/* mov $0xfffffff4,%eax is -12, although Zydis calls it unsigned. */
		unsigned int unused = 64u - o->size;

		op->disp = (int64_t)(o->imm.value.u << unused) >> unused;
	}
}

/* False: nothing that a struct iq_operand could tell. */
static bool fill_operand(struct iq_operand *op, const ZydisDecodedInstruction *z,
			 const ZydisDecodedOperand *o, uint64_t address)
{
	*op = (struct iq_operand){
		.read = o->actions & ZYDIS_OPERAND_ACTION_MASK_READ,
		.write = o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE,
		.conditional = o->actions & ZYDIS_OPERAND_ACTION_CONDWRITE,
		.hidden = o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN,
		.size = o->size / 8u,
		.reg = -1,
		.base = -1,
		.index = -1,
		.segment = -1,
	};
	switch (o->type) {
	case ZYDIS_OPERAND_TYPE_REGISTER:
		op->kind = IQ_OP_REG;
		op->reg = reg_number(o->reg.value);
		op->high_byte =
			o->reg.value >= ZYDIS_REGISTER_AH && o->reg.value <= ZYDIS_REGISTER_BH;
		return !op->hidden ||
		       (op->reg >= 0 && op->reg != IQ_X86_RIP && op->reg != IQ_X86_RFLAGS);
	case ZYDIS_OPERAND_TYPE_MEMORY:
		fill_memory(op, z, o, address);
		return true;
	case ZYDIS_OPERAND_TYPE_IMMEDIATE:
		fill_imm(op, z, o, address);
		return true;
	default: /* far pointers: not in 64-bit mode */
		return false;
	}
}

/*
 * What Zydis leaves to those who know: addresses are meant with the registers from before the
 * instruction, and a register that addresses memory is read.
 */
static void adjust(const ZydisDecodedInstruction *z, struct iq_operand *op)
{
	if (op->kind == IQ_OP_MEM && op->base == IQ_X86_RSP) {
		/* The slot that push and call write lies below the stack pointer. */
		if (op->hidden && op->write)
			op->disp -= op->size;
		/* pop 0x8(%rsp) computes the address after the pop. */
		else if (!op->hidden && z->mnemonic == ZYDIS_MNEMONIC_POP)
			op->disp += op->size;
	}
	if (op->kind == IQ_OP_REG && iq_att_is_string(z) &&
	    (op->reg == IQ_X86_RSI || op->reg == IQ_X86_RDI))
		op->read = true;
	if (op->kind == IQ_OP_REG && z->mnemonic == ZYDIS_MNEMONIC_LEAVE && op->reg == IQ_X86_RSP)
		op->read = false;
	if (is_hint(z))
		op->read = op->write = op->conditional = false;
}

static void copy_mnemonic(struct iq_insn *insn, ZydisMnemonic mnemonic)
{
	const ZydisShortString *name = ZydisMnemonicGetStringWrapped(mnemonic);

	memcpy(insn->mnemonic, name->data, IQ_MIN(name->size, sizeof(insn->mnemonic) - 1));
}

void iq_x86_64_decoder(ZydisDecoder *decoder)
{
	ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	ZydisDecoderEnableMode(decoder, ZYDIS_DECODER_MODE_WBNOINVD, ZYAN_TRUE);
}

unsigned int iq_x86_64_fwait(const uint8_t *code, size_t len)
{
	return len > 1 && code[0] == 0x9b && code[1] >= 0xd8 && code[1] <= 0xdf;
}

static void fill_operands(struct iq_insn *insn, const ZydisDecodedInstruction *z,
			  const ZydisDecodedOperand *operands)
{
	/* Where the instruction proper starts: behind its fwait. */
	uint64_t address = insn->address + insn->length - z->length;

	for (unsigned int i = 0; i < z->operand_count && insn->nr_operands < IQ_MAX_OPERANDS; i++) {
		struct iq_operand *op = &insn->operand[insn->nr_operands];

		if (!fill_operand(op, z, &operands[i], address))
			continue;
		adjust(z, op);
		if (op->kind == IQ_OP_TARGET) {
			insn->has_target = true;
			insn->target = (uint64_t)op->disp;
		}
		insn->nr_operands++;
	}
}

static bool decode(const uint8_t *code, size_t len, uint64_t address, struct iq_insn *insn)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction z;
	ZydisDecoder decoder;
	unsigned int fwait = iq_x86_64_fwait(code, len);
	ZyanStatus status;

	memset(insn, 0, sizeof(*insn));
	insn->address = address;
	iq_x86_64_decoder(&decoder);
	status = ZydisDecoderDecodeFull(&decoder, code + fwait, len - fwait, &z, operands);
	if (!ZYAN_SUCCESS(status) && fwait) {
		fwait = 0;
		status = ZydisDecoderDecodeFull(&decoder, code, len, &z, operands);
	}
	if (!ZYAN_SUCCESS(status)) {
		insn->length = 1;
		insn->bytes[0] = code[0];
		insn->bad = true;
		memcpy(insn->mnemonic, "(bad)", sizeof("(bad)"));
		return true;
	}
	insn->length = z.length + fwait;
	memcpy(insn->bytes, code, insn->length);
	insn->flow = flow_of(&z);
	copy_mnemonic(insn, z.mnemonic);
	fill_operands(insn, &z, operands);
	return true;
}

static bool operand_address(const struct iq_operand *op, const struct iq_regs *regs, uint64_t *ret)
{
	uint64_t address = (uint64_t)op->disp;

	if (op->base >= 0 && op->base != IQ_X86_RIP) {
		if (!iq_reg_known(regs, (unsigned int)op->base))
			return false;
		address += regs->value[op->base];
	}
	if (op->index >= 0) {
		if (!iq_reg_known(regs, (unsigned int)op->index))
			return false;
		address += regs->value[op->index] * op->scale;
	}
	if (op->segment >= 0) {
		unsigned int base = op->segment == IQ_X86_FS ? IQ_X86_FS_BASE : IQ_X86_GS_BASE;

		if (!iq_reg_known(regs, base))
			return false;
		address += regs->value[base];
	}
	*ret = address;
	return true;
}

const struct iq_insn_ops iq_x86_64_insn = {
	.decode = decode,
	.text = iq_x86_64_text,
	.operand_address = operand_address,
};
