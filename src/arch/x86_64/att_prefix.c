/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes: each byte is either expressed by the rest of the text (an operand's size, a segment, an
 * opcode that needs it), or shown as a word in front of the mnemonic: rep, lock, and those that have
 * no effect, which padding is full of.
 */
#include "att.h"

static const char *const rex_names[16] = {
	"rex",	   "rex.B",  "rex.X",  "rex.XB",  "rex.R",  "rex.RB",  "rex.RX",  "rex.RXB",
	"rex.W",   "rex.WB", "rex.WX", "rex.WXB", "rex.WR", "rex.WRB", "rex.WRX", "rex.WRXB",
};

const char *iq_att_prefix_name(uint8_t byte)
{
	switch (byte) {
	case 0x26:
		return "es";
	case 0x2e:
		return "cs";
	case 0x36:
		return "ss";
	case 0x3e:
		return "ds";
	case 0x40 ... 0x4f:
		return rex_names[byte & 15];
	case 0x64:
		return "fs";
	case 0x65:
		return "gs";
	case 0x66:
		return "data16";
	case 0x67:
		return "addr32";
	case 0xf0:
		return "lock";
	case 0xf2:
		return "repnz";
	case 0xf3:
		return "repz";
	default:
		return NULL;
	}
}

bool iq_att_is_string(const ZydisDecodedInstruction *z)
{
	return z->meta.category == ZYDIS_CATEGORY_STRINGOP ||
	       z->meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
}

bool iq_att_has_prefix(const ZydisDecodedInstruction *z, uint8_t byte)
{
	for (unsigned int i = 0; i < z->raw.prefix_count; i++)
		if (z->raw.prefixes[i].value == byte)
			return true;
	return false;
}

/* Instructions that are 64 bits wide without REX.W. */
static bool always_64(const ZydisDecodedInstruction *z)
{
	switch (z->meta.category) {
	case ZYDIS_CATEGORY_PUSH:
	case ZYDIS_CATEGORY_POP:
	case ZYDIS_CATEGORY_CALL:
	case ZYDIS_CATEGORY_COND_BR:
	case ZYDIS_CATEGORY_UNCOND_BR:
		return true;
	case ZYDIS_CATEGORY_RET:
		return z->meta.branch_type != ZYDIS_BRANCH_TYPE_FAR &&
		       z->mnemonic != ZYDIS_MNEMONIC_IRETQ;
	default:
		return z->mnemonic == ZYDIS_MNEMONIC_LEAVE || z->mnemonic == ZYDIS_MNEMONIC_ENTER;
	}
}

static bool is_general(ZydisRegisterClass c)
{
	return c == ZYDIS_REGCLASS_GPR8 || c == ZYDIS_REGCLASS_GPR16 || c == ZYDIS_REGCLASS_GPR32 ||
	       c == ZYDIS_REGCLASS_GPR64;
}

/* Does the text change with REX.W, or with the operand size prefix? */
static bool size_matters(const struct att *a)
{
	const ZydisDecodedInstruction *z = a->z;

	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_CBW:
	case ZYDIS_MNEMONIC_CWDE:
	case ZYDIS_MNEMONIC_CDQE:
	case ZYDIS_MNEMONIC_CWD:
	case ZYDIS_MNEMONIC_CDQ:
	case ZYDIS_MNEMONIC_CQO:
	case ZYDIS_MNEMONIC_IRET:
	case ZYDIS_MNEMONIC_IRETD:
	case ZYDIS_MNEMONIC_IRETQ:
	case ZYDIS_MNEMONIC_RET:
	case ZYDIS_MNEMONIC_SYSRET:
	case ZYDIS_MNEMONIC_SYSEXIT:
	case ZYDIS_MNEMONIC_PUSHF:
	case ZYDIS_MNEMONIC_POPF:
	case ZYDIS_MNEMONIC_LEAVE:
	case ZYDIS_MNEMONIC_ENTER:
	case ZYDIS_MNEMONIC_NOP:
	case ZYDIS_MNEMONIC_FXSAVE64:
	case ZYDIS_MNEMONIC_FXRSTOR64:
	case ZYDIS_MNEMONIC_XSAVE64:
	case ZYDIS_MNEMONIC_XSAVEC64:
	case ZYDIS_MNEMONIC_XSAVEOPT64:
	case ZYDIS_MNEMONIC_XSAVES64:
	case ZYDIS_MNEMONIC_XRSTOR64:
	case ZYDIS_MNEMONIC_XRSTORS64:
	case ZYDIS_MNEMONIC_CMPXCHG16B:
		return true;
	default:
		break;
	}
	if (iq_att_is_string(z))
		return true;
	for (unsigned int i = 0; i < a->nr_operands; i++) {
		const ZydisDecodedOperand *op = &a->operands[i];

		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->size == z->operand_width &&
		    is_general(ZydisRegisterGetClass(op->reg.value)))
			return true;
		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && op->size == z->operand_width &&
		    z->operand_width > 8)
			return true;
	}
	return false;
}

/* Bits of REX (and 0x40 for its presence) that the operands need. */
static unsigned int rex_needed(const struct att *a)
{
	const ZydisDecodedInstruction *z = a->z;
	unsigned int used = 0;

	if (z->raw.rex.W && !always_64(z) && size_matters(a))
		used |= 8;
	for (unsigned int i = 0; i < a->nr_operands; i++) {
		const ZydisDecodedOperand *op = &a->operands[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			used |= 1 | (z->attributes & ZYDIS_ATTRIB_HAS_SIB ? 2 : 0);
		} else if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
			ZydisRegisterClass c = ZydisRegisterGetClass(op->reg.value);

			if (c == ZYDIS_REGCLASS_GPR8)
				used |= 0x40;
			if (c == ZYDIS_REGCLASS_MMX || c == ZYDIS_REGCLASS_SEGMENT ||
			    c == ZYDIS_REGCLASS_X87)
				continue;
			if (op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_REG)
				used |= 4;
			else if (op->encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM ||
				 op->encoding == ZYDIS_OPERAND_ENCODING_OPCODE)
				used |= 1;
		}
	}
	return used;
}

static bool rex_is_used(const struct att *a, uint8_t byte)
{
	unsigned int needed = rex_needed(a);

	return byte & 15 ? !(byte & 15 & ~needed) : needed & 0x40;
}

/* Prefixes before the last of their kind have no effect. */
static bool is_last(const ZydisDecodedInstruction *z, unsigned int i)
{
	for (unsigned int k = i + 1; k < z->raw.prefix_count; k++)
		if (z->raw.prefixes[k].value == z->raw.prefixes[i].value)
			return false;
	return true;
}

static bool has_memory(const struct att *a)
{
	return iq_att_find_operand(a, ZYDIS_OPERAND_TYPE_MEMORY);
}

static const char *repeat_word(const struct att *a, uint8_t byte)
{
	const ZydisDecodedInstruction *z = a->z;

	if (byte == 0xf3 && z->attributes & ZYDIS_ATTRIB_HAS_REP)
		return "rep";
	if (z->mnemonic == ZYDIS_MNEMONIC_VMMCALL)
		return NULL;
	if (z->attributes & ZYDIS_ATTRIB_HAS_BND && byte == 0xf2)
		return "bnd";
	if (z->attributes & ZYDIS_ATTRIB_HAS_XACQUIRE && byte == 0xf2)
		return "xacquire";
	if (z->attributes & ZYDIS_ATTRIB_HAS_XRELEASE && byte == 0xf3)
		return "xrelease";
	return iq_att_prefix_name(byte);
}

/* The word for prefix I, NULL if the rest of the text expresses it. */
static const char *prefix_word(const struct att *a, unsigned int i)
{
	const ZydisDecodedInstruction *z = a->z;
	uint8_t byte = z->raw.prefixes[i].value;

	if (!is_last(z, i))
		return iq_att_prefix_name(byte);
	if (z->raw.prefixes[i].type == ZYDIS_PREFIX_TYPE_MANDATORY && !iq_att_is_string(z))
		return NULL;
	switch (byte) {
	case 0x40 ... 0x4f:
		return rex_is_used(a, byte) ? NULL : rex_names[byte & 15];
	case 0x66:
		return z->operand_width == 16 && size_matters(a) ? NULL : "data16";
	case 0x67:
		return has_memory(a) || z->mnemonic == ZYDIS_MNEMONIC_JECXZ ||
				       z->mnemonic == ZYDIS_MNEMONIC_MONITOR ?
			       NULL :
			       "addr32";
	case 0x64:
	case 0x65:
		return has_memory(a) ? NULL : iq_att_prefix_name(byte);
	case 0x2e:
	case 0x3e:
		if (z->attributes &
		    (ZYDIS_ATTRIB_HAS_BRANCH_TAKEN | ZYDIS_ATTRIB_HAS_BRANCH_NOT_TAKEN))
			return NULL;
		if (byte == 0x3e && z->attributes & ZYDIS_ATTRIB_HAS_NOTRACK)
			return "notrack";
		return iq_att_prefix_name(byte);
	case 0xf2:
	case 0xf3:
		return repeat_word(a, byte);
	default:
		return iq_att_prefix_name(byte);
	}
}

void iq_att_prefixes(struct att *a)
{
	for (unsigned int i = 0; i < a->z->raw.prefix_count; i++) {
		const char *word = prefix_word(a, i);

		if (!word)
			continue;
		iq_att_put(a, word);
		iq_att_putc(a, ' ');
	}
}
