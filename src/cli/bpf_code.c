// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions of BPF as text (Documentation/bpf/standardization/instruction-set.rst), in the words of the
 * verifier's log.
 */
#include "bpf.h"
#include <inttypes.h>

#define MAX_INSTRUCTIONS 1000000 /* BPF_COMPLEXITY_LIMIT_INSNS */

/* Classes, the lowest three bits of the code. */
enum { LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 };

struct instruction {
	uint8_t bytes[16];
	uint8_t code, dst, src;
	int16_t off;
	int32_t imm;
};

static const char *const sizes[] = {"u32", "u16", "u8", "u64"};

static void text_memory(const struct instruction *i, unsigned int base, struct iq_buf *out)
{
	iq_buf_printf(out, "*(%s *)(r%u %+d)", sizes[i->code >> 3 & 3], base, i->off);
}

static void text_alu(const struct instruction *i, bool narrow, struct iq_buf *out)
{
	static const char *const operators[16] = {"+=",	 "-=",	"*=", "/=", "|=", "&=",	  "<<=",
						  ">>=", "neg", "%=", "^=", "=",  "s>>=", "endian"};
	const char *operator= operators[i->code >> 4], *cast = narrow ? "(u32) " : "";

	if (!operator) {
		iq_buf_printf(out, "BUG_alu_%02x", i->code);
	} else if (i->code >> 4 == 13) {
		iq_buf_printf(out, "r%u = %s%d r%u", i->dst,
			      !narrow	    ? "bswap"
			      : i->code & 8 ? "be"
					    : "le",
			      i->imm, i->dst);
	} else if (i->code >> 4 == 8) {
		iq_buf_printf(out, "r%u = %s-r%u", i->dst, cast, i->dst);
	} else if (i->code & 8) {
		iq_buf_printf(out, "%sr%u %s %sr%u", cast, i->dst, operator, cast, i->src);
	} else {
		iq_buf_printf(out, "%sr%u %s %s%d", cast, i->dst, operator, cast, i->imm);
	}
}

static void text_call(struct session *s, const struct instruction *i, struct iq_buf *out)
{
	uint64_t base = iq_kernel_symbol(s->kernel, "__bpf_call_base"),
		 target = base + (uint64_t)(int64_t)i->imm;
	char name[256];

	if (i->src == 1)
		iq_buf_printf(out, "call pc%+d", i->imm);
	else if (base && iq_symbol_format(s->kernel, target, false, false, name, sizeof(name)))
		iq_buf_printf(out, "call %s#%d", name, i->imm);
	else
		iq_buf_printf(out, "call unknown#%d", i->imm);
}

static void text_jump(struct session *s, const struct instruction *i, bool narrow,
		      struct iq_buf *out)
{
	static const char *const operators[16] = {
		[1] = "==",  [2] = ">",	 [3] = ">=",  [4] = "&",   [5] = "!=",	[6] = "s>",
		[7] = "s>=", [10] = "<", [11] = "<=", [12] = "s<", [13] = "s<="};
	const char *operator= operators[i->code >> 4], *cast = narrow ? "(u32) " : "";

	if (i->code == 0x95)
		iq_buf_puts(out, "exit");
	else if (i->code >> 4 == 8)
		text_call(s, i, out);
	else if (i->code >> 4 == 0)
		iq_buf_printf(out, "goto pc%+d", narrow ? i->imm : i->off);
	else if (!operator)
		iq_buf_printf(out, "BUG_jmp_%02x", i->code);
	else if (i->code & 8)
		iq_buf_printf(out, "if %sr%u %s %sr%u goto pc%+d", cast, i->dst, operator, cast,
			      i->src, i->off);
	else
		iq_buf_printf(out, "if %sr%u %s 0x%x goto pc%+d", cast,
			      i->dst, operator,(uint32_t) i->imm, i->off);
}

/* The two slots of an instruction that loads 64 bits; the address of a map is shown as its id. */
static void text_wide(const struct iq_bpf *b, const struct iq_bpf_program *p,
		      const struct instruction *i, struct iq_buf *out)
{
	uint64_t value = (uint32_t)i->imm | (uint64_t)iq_le32(i->bytes + 12) << 32;

	for (unsigned int u = 0; u < p->nr_maps; u++) {
		if (b->used[p->first_map + u].map != value)
			continue;
		iq_buf_printf(out, "r%u = map[id:%u]", i->dst, b->used[p->first_map + u].id);
		return;
	}
	iq_buf_printf(out, "r%u = 0x%" PRIx64, i->dst, value);
}

static void text_one(struct session *s, const struct iq_bpf *b, const struct iq_bpf_program *p,
		     const struct instruction *i, struct iq_buf *out)
{
	const char *size = sizes[i->code >> 3 & 3];

	switch (i->code & 7) {
	case ALU:
	case ALU64:
		text_alu(i, (i->code & 7) == ALU, out);
		break;
	case JMP:
	case JMP32:
		text_jump(s, i, (i->code & 7) == JMP32, out);
		break;
	case STX:
		if (i->code >> 5 == 6)
			iq_buf_puts(out, "lock ");
		text_memory(i, i->dst, out);
		iq_buf_printf(out, i->code >> 5 == 6 ? " += r%u" : " = r%u", i->src);
		break;
	case ST:
		text_memory(i, i->dst, out);
		iq_buf_printf(out, " = %d", i->imm);
		break;
	case LDX:
		iq_buf_printf(out, "r%u = ", i->dst);
		text_memory(i, i->src, out);
		break;
	default:
		if (i->code == 0x18)
			text_wide(b, p, i, out);
		else if (i->code >> 5 == 1)
			iq_buf_printf(out, "r0 = *(%s *)skb[%d]", size, i->imm);
		else if (i->code >> 5 == 2)
			iq_buf_printf(out, "r0 = *(%s *)skb[r%u + %d]", size, i->src, i->imm);
		else
			iq_buf_printf(out, "BUG_ld_%02x", i->code);
	}
}

void text_bpf_code(struct session *s, const struct iq_bpf *b, const struct iq_bpf_program *p,
		   bool bytes, struct iq_buf *out)
{
	uint32_t nr = IQ_MIN(p->nr_instructions, MAX_INSTRUCTIONS);

	for (uint32_t n = 0; n < nr; n++) {
		struct instruction i = {};
		unsigned int len = 8;

		if (iq_vm_read(s->kernel->vm, p->instructions + 8ul * n, i.bytes, 8, NULL)) {
			iq_buf_printf(out, "%4u: (cannot be read)\n", n);
			return;
		}
		if (i.bytes[0] == 0x18 && n + 1 < nr &&
		    !iq_vm_read(s->kernel->vm, p->instructions + 8ul * n + 8, i.bytes + 8, 8, NULL))
			len = 16;
		i.code = i.bytes[0];
		i.dst = i.bytes[1] & 15;
		i.src = i.bytes[1] >> 4;
		i.off = (int16_t)iq_le16(i.bytes + 2);
		i.imm = (int32_t)iq_le32(i.bytes + 4);
		iq_buf_printf(out, "%4u: (%02x) ", n, i.code);
		text_one(s, b, p, &i, out);
		iq_buf_putc(out, '\n');
		if (bytes) {
			iq_buf_puts(out, "      ");
			for (unsigned int c = 0; c < len; c++)
				iq_buf_printf(out, " %02x", i.bytes[c]);
			iq_buf_putc(out, '\n');
		}
		n += len == 16;
		if (!stream_out(s, out))
			return;
	}
}
