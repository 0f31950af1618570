// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text of an instruction in AT&T syntax, exactly as GNU objdump 2.40 prints it:
 *
 *	prefixes mnemonic operand,operand        # address <symbol+off>
 *
 * Prefixes and mnemonic are padded to six columns together.  Zydis decodes; its own formatter is
 * not used, since it differs from objdump in one text of five.
 */
#include "att.h"

void iq_att_putc(struct att *a, char c)
{
	if (a->len < sizeof(a->text))
		a->text[a->len++] = c;
}

void iq_att_put(struct att *a, const char *s)
{
	while (*s)
		iq_att_putc(a, *s++);
}

void iq_att_put_hex(struct att *a, uint64_t value)
{
	unsigned int digits = value ? (67 - (unsigned int)__builtin_clzll(value)) / 4 : 1;

	iq_att_putc(a, '0');
	iq_att_putc(a, 'x');
	while (digits--)
		iq_att_putc(a, "0123456789abcdef"[value >> digits * 4 & 15]);
}

void iq_att_put_address(struct att *a, uint64_t address)
{
	char name[256];

	iq_att_put_hex(a, address);
	if (!a->namer || !a->namer->name(a->namer->arg, address, name, sizeof(name)))
		return;
	iq_att_put(a, " <");
	/* Names come from the dump: nothing in them may reach a terminal as a control character. */
	for (const char *s = name; *s; s++)
		iq_att_putc(a, *s < ' ' || *s > '~' ? '?' : *s);
	iq_att_putc(a, '>');
}

const ZydisDecodedOperand *iq_att_find_operand(const struct att *a, ZydisOperandType type)
{
	for (unsigned int i = 0; i < a->nr_operands; i++)
		if (a->operands[i].type == type)
			return &a->operands[i];
	return NULL;
}

static void put_instruction(struct att *a)
{
	iq_att_prefixes(a);
	iq_att_encoding(a);
	iq_att_mnemonic(a);
	if (!a->nr_operands && !a->literal_operands)
		return;
	while (a->len < 6)
		iq_att_putc(a, ' ');
	iq_att_putc(a, ' ');
	iq_att_operands(a);
}

/*
 * Bytes that end before the instruction does: objdump shows the first one, as a prefix if it is
 * one.
 */
static void put_truncated(struct att *a, uint8_t byte)
{
	const char *prefix = iq_att_prefix_name(byte);

	if (prefix) {
		iq_att_put(a, prefix);
	} else {
		iq_att_put(a, ".byte ");
		iq_att_put_hex(a, byte);
	}
}

static unsigned int nr_shown_operands(const ZydisDecodedInstruction *z)
{
	switch (z->mnemonic) {
	/* %xmm0, the first hidden operand, is shown. */
	case ZYDIS_MNEMONIC_PBLENDVB:
	case ZYDIS_MNEMONIC_BLENDVPD:
	case ZYDIS_MNEMONIC_BLENDVPS:
	case ZYDIS_MNEMONIC_SHA256RNDS2:
		return 3;
	default:
		/* movs and cmps: both operands are hidden in Intel's syntax. */
		if (iq_att_is_string(z) && z->operand_count >= 2)
			return 2;
		return IQ_MIN(z->operand_count_visible, ATT_MAX_OPERANDS);
	}
}

static ZyanStatus decode(struct att *a, const uint8_t *code, size_t len, ZydisDecodedInstruction *z,
			 ZydisDecodedOperand *operands)
{
	ZydisDecoderContext context;
	ZydisDecoder decoder;
	ZyanStatus status;

	iq_x86_64_decoder(&decoder);
	status = ZydisDecoderDecodeInstruction(&decoder, &context, code, len, z);
	if (!ZYAN_SUCCESS(status))
		return status;
	a->nr_operands = nr_shown_operands(z);
	return ZydisDecoderDecodeOperands(&decoder, &context, z, operands, (ZyanU8)a->nr_operands);
}

void iq_x86_64_text(const uint8_t *code, size_t len, uint64_t address,
		    const struct iq_insn_namer *namer, struct iq_buf *out)
{
	ZydisDecodedOperand operands[ATT_MAX_OPERANDS];
	ZydisDecodedInstruction z;
	ZyanStatus status;
	struct att a;

	a.z = &z;
	a.namer = namer;
	a.operands = operands;
	a.literal_operands = NULL;
	a.intel_order = false;
	a.len = 0;
	a.waits = iq_x86_64_fwait(code, len);
	a.address = address + a.waits;
	status = decode(&a, code + a.waits, len - a.waits, &z, operands);
	if (!ZYAN_SUCCESS(status) && a.waits) {
		a.waits = false;
		a.address = address;
		status = decode(&a, code, len, &z, operands);
	}
	if (ZYAN_SUCCESS(status))
		put_instruction(&a);
	else if (status == ZYDIS_STATUS_NO_MORE_DATA)
		put_truncated(&a, code[0]);
	else
		iq_att_put(&a, "(bad)");
	iq_buf_add(out, a.text, a.len);
}
