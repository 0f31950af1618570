// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prefixes: each byte is either expressed by the rest of the text (an operand's size, a segment, an
 * opcode that needs it), or shown as a word in front of the mnemonic: rep, lock, and those that
 * have no effect, which padding is full of.
 */
#include "att.h"

static const char *const rex_names[16] = {
	"rex",	 "rex.B",  "rex.X",  "rex.XB",	"rex.R",  "rex.RB",  "rex.RX",	"rex.RXB",
	"rex.W", "rex.WB", "rex.WX", "rex.WXB", "rex.WR", "rex.WRB", "rex.WRX", "rex.WRXB",
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

/* Does the name of the instruction tell its size? */
static bool name_tells_size(const ZydisDecodedInstruction *z)
{
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
	case ZYDIS_MNEMONIC_PUSH:
	case ZYDIS_MNEMONIC_POP:
	case ZYDIS_MNEMONIC_PUSHF:
	case ZYDIS_MNEMONIC_POPF:
	case ZYDIS_MNEMONIC_LEAVE:
	case ZYDIS_MNEMONIC_ENTER:
	case ZYDIS_MNEMONIC_FXSAVE64:
	case ZYDIS_MNEMONIC_FXRSTOR64:
	case ZYDIS_MNEMONIC_XSAVE64:
	case ZYDIS_MNEMONIC_XSAVEC64:
	case ZYDIS_MNEMONIC_XSAVEOPT64:
	case ZYDIS_MNEMONIC_XSAVES64:
	case ZYDIS_MNEMONIC_XRSTOR64:
	case ZYDIS_MNEMONIC_XRSTORS64:
	case ZYDIS_MNEMONIC_CMPXCHG16B:
	case ZYDIS_MNEMONIC_PCMPESTRI:
	case ZYDIS_MNEMONIC_PCMPESTRM:
		return true;
	case ZYDIS_MNEMONIC_NOP:
		return z->opcode != 0x90 || z->operand_width == 16;
	default:
		return iq_att_is_string(z);
	}
}

/* Is the memory operand, next to vector registers, one whose size REX.W chooses? */
static bool is_integer_source(const ZydisDecodedInstruction *z)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_MOVD:
	case ZYDIS_MNEMONIC_MOVQ:
		return z->opcode == 0x6e || z->opcode == 0x7e;
	case ZYDIS_MNEMONIC_CVTSI2SD:
	case ZYDIS_MNEMONIC_CVTSI2SS:
	case ZYDIS_MNEMONIC_PINSRQ:
	case ZYDIS_MNEMONIC_PEXTRQ:
		return true;
	default:
		return false;
	}
}

/* Does the text change with REX.W, or with the operand size prefix? */
static bool size_matters(const struct att *a)
{
	const ZydisDecodedInstruction *z = a->z;
	bool memory = false, vector = false;

	if (name_tells_size(z))
		return true;
	for (unsigned int i = 0; i < a->nr_operands; i++) {
		const ZydisDecodedOperand *op = &a->operands[i];
		bool sized = op->size == z->operand_width && op->size > 8;

		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
			if (!is_general(ZydisRegisterGetClass(op->reg.value)))
				vector = true;
			else if (sized)
				return true;
		} else if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			memory = sized;
		}
	}
	return memory && (!vector || is_integer_source(z));
}

/* Bits of REX (and 0x40 for its presence) that the operands need. */
static unsigned int rex_needed(const struct att *a)
{
	const ZydisDecodedInstruction *z = a->z;
	unsigned int used = 0;

	if (z->raw.rex.W && ((z->operand_width == 64 && !always_64(z) && size_matters(a)) ||
			     z->mnemonic == ZYDIS_MNEMONIC_UD0 || z->mnemonic == ZYDIS_MNEMONIC_UD1))
		used |= 8;
	for (unsigned int i = 0; i < a->nr_operands; i++) {
		const ZydisDecodedOperand *op = &a->operands[i];

		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY) {
			if (!(z->attributes & ZYDIS_ATTRIB_HAS_MODRM))
				continue;
			used |= 1 | (z->attributes & ZYDIS_ATTRIB_HAS_SIB ? 2 : 0);
		} else if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
			ZydisRegisterClass c = ZydisRegisterGetClass(op->reg.value);

			/* Without any REX these would be ah, ch, dh and bh. */
			if (op->reg.value >= ZYDIS_REGISTER_SPL &&
			    op->reg.value <= ZYDIS_REGISTER_DIL)
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

static bool is_segment_prefix(uint8_t byte)
{
	return byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x64 ||
	       byte == 0x65;
}

static bool is_last_segment(const ZydisDecodedInstruction *z, unsigned int i)
{
	if (!is_segment_prefix(z->raw.prefixes[i].value))
		return false;
	while (++i < z->raw.prefix_count)
		if (is_segment_prefix(z->raw.prefixes[i].value))
			return false;
	return true;
}

/* An operand in rsi or rbx always shows its segment, whichever prefix there is. */
static bool has_data_segment(const ZydisDecodedInstruction *z)
{
	switch (z->mnemonic) {
	case ZYDIS_MNEMONIC_STOSB:
	case ZYDIS_MNEMONIC_STOSW:
	case ZYDIS_MNEMONIC_STOSD:
	case ZYDIS_MNEMONIC_STOSQ:
	case ZYDIS_MNEMONIC_SCASB:
	case ZYDIS_MNEMONIC_SCASW:
	case ZYDIS_MNEMONIC_SCASD:
	case ZYDIS_MNEMONIC_SCASQ:
	case ZYDIS_MNEMONIC_INSB:
	case ZYDIS_MNEMONIC_INSW:
	case ZYDIS_MNEMONIC_INSD:
		return false;
	default:
		return iq_att_is_string(z) || z->mnemonic == ZYDIS_MNEMONIC_XLAT;
	}
}

static bool has_memory(const struct att *a)
{
	return iq_att_find_operand(a, ZYDIS_OPERAND_TYPE_MEMORY);
}

static const char *repeat_word(const struct att *a, uint8_t byte)
{
	const ZydisDecodedInstruction *z = a->z;

	if (byte == 0xf3 && z->attributes & ZYDIS_ATTRIB_HAS_REP && iq_att_is_string(z))
		return "rep";
	/* Mnemonics of their own: vmgexit, wbnoinvd. */
	if (z->mnemonic == ZYDIS_MNEMONIC_VMMCALL ||
	    (z->mnemonic == ZYDIS_MNEMONIC_WBINVD && byte == 0xf3))
		return NULL;
	if (byte == 0xf2 &&
	    (z->attributes & ZYDIS_ATTRIB_HAS_BND || z->mnemonic == ZYDIS_MNEMONIC_JMP))
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
	if (z->raw.prefixes[i].type == ZYDIS_PREFIX_TYPE_MANDATORY && !iq_att_is_string(z) &&
	    z->meta.category != ZYDIS_CATEGORY_PADLOCK)
		return NULL;
	if (has_data_segment(z) && is_last_segment(z, i))
		return NULL;
	switch (byte) {
	case 0x40 ... 0x4f:
		return rex_is_used(a, byte) ? NULL : rex_names[byte & 15];
	case 0x66:
		return z->operand_width == 16 && size_matters(a) ? NULL : "data16";
	case 0x67:
		return has_memory(a) || z->mnemonic == ZYDIS_MNEMONIC_JECXZ ||
				       z->mnemonic == ZYDIS_MNEMONIC_MONITOR
			       ? NULL
			       : "addr32";
	case 0x64:
	case 0x65:
		return has_memory(a) && !iq_att_is_string(z) ? NULL : iq_att_prefix_name(byte);
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
