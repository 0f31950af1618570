// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mnemonics of AT&T syntax.  Most are Intel's in lower case; the table at the end has the others:
 * other names, and rules for the suffix that tells the size of a memory operand where no register
 * does.
 */
#include "att.h"

/* Writes the mnemonic called NAME, with whatever belongs to it. */
typedef void put_mnemonic(struct att *a, const char *name);

/* ---- Suffixes -------------------------------------------------------------------------------- */

static char size_letter(unsigned int bits)
{
	return bits == 8 ? 'b' : bits == 16 ? 'w' : bits == 32 ? 'l' : 'q';
}

static const ZydisDecodedOperand *memory(const struct att *a)
{
	return iq_att_find_operand(a, ZYDIS_OPERAND_TYPE_MEMORY);
}

static void drop_last_operand(struct att *a)
{
	a->nr_operands--;
}

/* movl $1,(%rax), but mov %eax,(%rax). */
static void sized(struct att *a, const char *name)
{
	const ZydisDecodedOperand *m = memory(a);

	iq_att_put(a, name);
	if (m && !iq_att_find_operand(a, ZYDIS_OPERAND_TYPE_REGISTER))
		iq_att_putc(a, size_letter(m->size));
}

/* Shifts: %cl says nothing about the size, and a shift by one is not written out. */
static void shift(struct att *a, const char *name)
{
	iq_att_put(a, name);
	if (a->operands[0].type == ZYDIS_OPERAND_TYPE_MEMORY)
		iq_att_putc(a, size_letter(a->operands[0].size));
	if (a->nr_operands == 2 && a->operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	    a->operands[1].visibility == ZYDIS_OPERAND_VISIBILITY_IMPLICIT)
		drop_last_operand(a);
}

/* Stack instructions are 64 bits wide unless a prefix makes them 16. */
static void wide(struct att *a, const char *name)
{
	const ZydisDecodedOperand *op = a->operands;

	iq_att_put(a, name);
	if (a->z->operand_width == 16 &&
	    (!a->nr_operands || op->type != ZYDIS_OPERAND_TYPE_REGISTER ||
	     ZydisRegisterGetClass(op->reg.value) == ZYDIS_REGCLASS_SEGMENT))
		iq_att_putc(a, 'w');
}

static void movabs(struct att *a, const char *name)
{
	const ZydisDecodedInstruction *z = a->z;

	if (z->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
	    z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	    (z->raw.imm[0].size == 64 || (z->opcode >= 0xa0 && z->opcode <= 0xa3)))
		iq_att_put(a, "movabs");
	else
		sized(a, name);
}

/* movzbl, movswq: from which size to which. */
static void extend(struct att *a, const char *name)
{
	iq_att_put(a, name);
	iq_att_putc(a, size_letter(a->operands[1].size));
	iq_att_putc(a, size_letter(a->operands[0].size));
}

static void movsxd(struct att *a, const char *name)
{
	iq_att_put(a, a->operands[0].size == 64 ? "movslq" : "movsxd");
}

/* cvtsi2sdl (%rax),%xmm0: the register does not tell the size of the memory. */
static void integer_source(struct att *a, const char *name)
{
	const ZydisDecodedOperand *m = memory(a);

	iq_att_put(a, name);
	if (m)
		iq_att_putc(a, size_letter(m->size));
}

/* vcvtpd2psy (%rax),%xmm0: conversions to something smaller, where the register fits two sizes. */
static void narrowing(struct att *a, const char *name)
{
	iq_att_put(a, name);
	if (!memory(a) || a->z->avx.broadcast.mode)
		return;
	if (a->z->avx.vector_length == 128)
		iq_att_putc(a, 'x');
	else if (a->z->avx.vector_length == 256)
		iq_att_putc(a, 'y');
}

static void classify(struct att *a, const char *name)
{
	narrowing(a, name);
	if (memory(a) && !a->z->avx.broadcast.mode && a->z->avx.vector_length == 512)
		iq_att_putc(a, 'z');
}

/* pcmpestri compares lengths in eax and edx, pcmpestriq in rax and rdx. */
static void by_rex_w(struct att *a, const char *name)
{
	iq_att_put(a, name);
	if (a->z->operand_width == 64)
		iq_att_putc(a, 'q');
}

static void by_width(struct att *a, const char *name)
{
	iq_att_put(a, name);
	iq_att_putc(a, a->z->operand_width == 64 ? 'q' : 'l');
}

/* ---- x87 ------------------------------------------------------------------------------------- */

static void x87_float(struct att *a, const char *name)
{
	const ZydisDecodedOperand *m = memory(a);

	iq_att_put(a, name);
	if (m)
		iq_att_putc(a, m->size == 32 ? 's' : m->size == 64 ? 'l' : 't');
}

static void x87_integer(struct att *a, const char *name)
{
	const ZydisDecodedOperand *m = memory(a);

	iq_att_put(a, name);
	if (m)
		iq_att_put(a, m->size == 16 ? "s" : m->size == 32 ? "l" : "ll");
}

/*
 * AT&T's assembler had fsub and fsubr (fdiv, fdivr) the wrong way round when the result goes to
 * another register than the top of stack, and it stays that way.  NAME is what it is with the other
 * result.
 */
static void x87_swapped(struct att *a, const char *name)
{
	bool pop = name[strlen(name) - 1] == 'p';
	bool reverse = name[4] == 'r';

	if (memory(a) || a->operands[0].encoding != ZYDIS_OPERAND_ENCODING_MODRM_RM) {
		x87_float(a, name);
		return;
	}
	iq_att_putc(a, 'f');
	iq_att_putc(a, name[1]);
	iq_att_putc(a, name[2]);
	iq_att_putc(a, name[3]);
	if (!reverse)
		iq_att_putc(a, 'r');
	if (pop)
		iq_att_putc(a, 'p');
}

/* fnstcw is fstcw without the fwait in front; the two are one instruction to the assembler. */
static void x87_no_wait(struct att *a, const char *name)
{
	iq_att_putc(a, 'f');
	iq_att_put(a, name + (a->waits ? 2 : 1));
}

/* ---- Control flow ---------------------------------------------------------------------------- */

static void far(struct att *a, const char *name)
{
	if (a->z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
		iq_att_putc(a, 'l');
	iq_att_put(a, name);
}

static void ret(struct att *a, const char *name)
{
	far(a, name);
	if (iq_att_has_prefix(a->z, 0x66))
		iq_att_putc(a, 'w');
	else if (a->z->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR && a->z->operand_width == 64)
		iq_att_putc(a, 'q');
}

static void branch(struct att *a, const char *name)
{
	iq_att_put(a, name);
	if (a->z->attributes & ZYDIS_ATTRIB_HAS_BRANCH_TAKEN)
		iq_att_put(a, ",pt");
	else if (a->z->attributes & ZYDIS_ATTRIB_HAS_BRANCH_NOT_TAKEN)
		iq_att_put(a, ",pn");
}

/* ---- Instructions of several names ----------------------------------------------------------- */

static void nop(struct att *a, const char *name)
{
	if (a->z->opcode == 0x90 && a->z->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	    a->z->operand_width == 16) {
		iq_att_put(a, "xchg");
		a->literal_operands = "%ax,%ax";
	} else {
		/* The wide ones have a second register that is not shown. */
		if (a->nr_operands == 2 &&
		    a->operands[1].encoding == ZYDIS_OPERAND_ENCODING_MODRM_RM)
			a->operands++;
		a->nr_operands = IQ_MIN(a->nr_operands, 1u);
		sized(a, name);
	}
}

/* VMGEXIT is VMMCALL with a prefix, and only objdump has a name for it. */
static void vmmcall(struct att *a, const char *name)
{
	iq_att_put(a, iq_att_has_prefix(a->z, 0xf2) || iq_att_has_prefix(a->z, 0xf3) ? "vmgexit"
										     : name);
}

static void wbinvd(struct att *a, const char *name)
{
	iq_att_put(a, iq_att_has_prefix(a->z, 0xf3) ? "wbnoinvd" : name);
}

static void no_operands(struct att *a, const char *name)
{
	iq_att_put(a, name);
	a->nr_operands = 0;
}

/* Intel's name of the string instruction and of the vector instruction is the same. */
static void movsd(struct att *a, const char *name)
{
	iq_att_put(a, iq_att_is_string(a->z) ? "movsl" : name);
}

static void xlat(struct att *a, const char *name)
{
	bool narrow = a->z->address_width == 32;

	iq_att_put(a, name);
	if (a->z->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_FS)
		a->literal_operands = narrow ? "%fs:(%ebx)" : "%fs:(%rbx)";
	else if (a->z->attributes & ZYDIS_ATTRIB_HAS_SEGMENT_GS)
		a->literal_operands = narrow ? "%gs:(%ebx)" : "%gs:(%rbx)";
	else
		a->literal_operands = narrow ? "%ds:(%ebx)" : "%ds:(%rbx)";
}

static void monitor(struct att *a, const char *name)
{
	iq_att_put(a, name);
	a->literal_operands = a->z->address_width == 32 ? "%eax,%ecx,%edx" : "%rax,%ecx,%edx";
}

static void mwait(struct att *a, const char *name)
{
	iq_att_put(a, name);
	a->literal_operands = "%eax,%ecx";
}

static void mwaitx(struct att *a, const char *name)
{
	iq_att_put(a, name);
	a->literal_operands = "%eax,%ecx,%ebx";
}

static void enter(struct att *a, const char *name)
{
	wide(a, name);
	a->intel_order = true;
}

/*
 * Comparisons whose condition is an immediate have names of their own for each condition, for which
 * the first part of NAME is the stem: vcmp + lt + ps.
 */
static bool condition(struct att *a, const char *name, size_t stem, const char *const *names,
		      unsigned int nr)
{
	const ZydisDecodedOperand *imm = &a->operands[a->nr_operands - 1];
	uint64_t which = imm->imm.value.u & 0xff;

	if (imm->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || which >= nr || !names[which])
		return false;
	for (size_t i = 0; i < stem; i++)
		iq_att_putc(a, name[i]);
	iq_att_put(a, names[which]);
	iq_att_put(a, name + stem);
	drop_last_operand(a);
	return true;
}

static void float_compare(struct att *a, const char *name)
{
	static const char *const names[] = {
		"eq",	 "lt",	   "le",     "unord",	 "neq",	   "nlt",    "nle",    "ord",
		"eq_uq", "nge",	   "ngt",    "false",	 "neq_oq", "ge",     "gt",     "true",
		"eq_os", "lt_oq",  "le_oq",  "unord_s",	 "neq_us", "nlt_uq", "nle_uq", "ord_s",
		"eq_us", "nge_uq", "ngt_uq", "false_os", "neq_os", "ge_oq",  "gt_oq",  "true_us",
	};
	bool legacy = a->z->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;

	if (!condition(a, name, legacy ? 3 : 4, names, legacy ? 8 : IQ_ARRAY_SIZE(names)))
		iq_att_put(a, name);
}

static void cmpsd(struct att *a, const char *name)
{
	if (iq_att_is_string(a->z))
		iq_att_put(a, "cmpsl");
	else
		float_compare(a, name);
}

static void integer_compare(struct att *a, const char *name)
{
	static const char *const names[] = {"eq", "lt", "le", NULL, "neq", "nlt", "nle"};

	if (!condition(a, name, 5, names, IQ_ARRAY_SIZE(names)))
		iq_att_put(a, name);
}

static void xop_compare(struct att *a, const char *name)
{
	static const char *const names[] = {
		"lt", "le", "gt", "ge", "eq", "neq", "false", "true",
	};

	if (!condition(a, name, 5, names, IQ_ARRAY_SIZE(names)))
		iq_att_put(a, name);
}

static void carryless_multiply(struct att *a, const char *name)
{
	static const char *const names[18] = {
		[0x00] = "lqlq",
		[0x01] = "hqlq",
		[0x10] = "lqhq",
		[0x11] = "hqhq",
	};
	bool vex = name[0] == 'v';

	/* The stem ends before the "q" of qdq, which the names contain. */
	if (!condition(a, vex ? "vpclmuldq" : "pclmuldq", vex ? 7 : 6, names, IQ_ARRAY_SIZE(names)))
		iq_att_put(a, name);
}

/* ---- The table ------------------------------------------------------------------------------- */

struct mnemonic {
	const char *name; /* NULL: Zydis's */
	put_mnemonic *put; /* NULL: just the name */
};

// clang-format off
#define M(zydis) [ZYDIS_MNEMONIC_##zydis]
/* The family of a prefix for all sixteen conditions, where AT&T has other names for six of them. */
#define CONDITIONS(zydis, name, put)                                                              \
	M(zydis##B) = { name "b", put }, M(zydis##NB) = { name "ae", put },                       \
	M(zydis##Z) = { name "e", put }, M(zydis##NZ) = { name "ne", put },                       \
	M(zydis##BE) = { name "be", put }, M(zydis##NBE) = { name "a", put },                     \
	M(zydis##L) = { name "l", put }, M(zydis##NL) = { name "ge", put },                       \
	M(zydis##LE) = { name "le", put }, M(zydis##NLE) = { name "g", put },                     \
	M(zydis##O) = { name "o", put }, M(zydis##NO) = { name "no", put },                       \
	M(zydis##P) = { name "p", put }, M(zydis##NP) = { name "np", put },                       \
	M(zydis##S) = { name "s", put }, M(zydis##NS) = { name "ns", put }

static const struct mnemonic mnemonics[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
	/* Arithmetic and moves of general registers. */
	M(ADC) = { NULL, sized }, M(ADD) = { NULL, sized }, M(AND) = { NULL, sized },
	M(CMP) = { NULL, sized }, M(DEC) = { NULL, sized }, M(DIV) = { NULL, sized },
	M(IDIV) = { NULL, sized }, M(IMUL) = { NULL, sized }, M(INC) = { NULL, sized },
	M(MUL) = { NULL, sized }, M(NEG) = { NULL, sized }, M(NOT) = { NULL, sized },
	M(OR) = { NULL, sized }, M(SBB) = { NULL, sized }, M(SUB) = { NULL, sized },
	M(TEST) = { NULL, sized }, M(XOR) = { NULL, sized }, M(BT) = { NULL, sized },
	M(BTC) = { NULL, sized }, M(BTR) = { NULL, sized }, M(BTS) = { NULL, sized },
	M(PTWRITE) = { NULL, sized },
	M(MOV) = { NULL, movabs }, M(NOP) = { NULL, nop },
	M(RCL) = { NULL, shift }, M(RCR) = { NULL, shift }, M(ROL) = { NULL, shift },
	M(ROR) = { NULL, shift }, M(SAR) = { NULL, shift }, M(SHL) = { NULL, shift },
	M(SHR) = { NULL, shift },
	M(MOVSX) = { "movs", extend }, M(MOVZX) = { "movz", extend }, M(MOVSXD) = { NULL, movsxd },
	M(CRC32) = { NULL, integer_source },
	M(CBW) = { "cbtw" }, M(CWDE) = { "cwtl" }, M(CDQE) = { "cltq" },
	M(CWD) = { "cwtd" }, M(CDQ) = { "cltd" }, M(CQO) = { "cqto" },
	CONDITIONS(CMOV, "cmov", NULL), CONDITIONS(SET, "set", NULL),

	/* Stack and control flow. */
	M(PUSH) = { NULL, wide }, M(POP) = { NULL, wide }, M(LEAVE) = { NULL, wide },
	M(ENTER) = { NULL, enter },
	M(PUSHF) = { "pushfw" }, M(PUSHFQ) = { "pushf" },
	M(POPF) = { "popfw" }, M(POPFQ) = { "popf" },
	M(CALL) = { NULL, far }, M(JMP) = { NULL, far }, M(RET) = { NULL, ret },
	M(IRET) = { "iretw" }, M(IRETD) = { "iret" },
	M(SYSRET) = { NULL, by_width }, M(SYSEXIT) = { NULL, by_width },
	CONDITIONS(J, "j", branch),
	M(JRCXZ) = { NULL, branch }, M(JECXZ) = { NULL, branch }, M(LOOP) = { NULL, branch },
	M(LOOPE) = { NULL, branch }, M(LOOPNE) = { NULL, branch },

	/* Strings and ports. */
	M(MOVSD) = { NULL, movsd }, M(CMPSD) = { NULL, cmpsd },
	M(STOSB) = { "stos" }, M(STOSW) = { "stos" }, M(STOSD) = { "stos" }, M(STOSQ) = { "stos" },
	M(LODSB) = { "lods" }, M(LODSW) = { "lods" }, M(LODSD) = { "lods" }, M(LODSQ) = { "lods" },
	M(SCASB) = { "scas" }, M(SCASW) = { "scas" }, M(SCASD) = { "scas" }, M(SCASQ) = { "scas" },
	M(INSD) = { "insl" }, M(OUTSD) = { "outsl" },

	M(XLAT) = { NULL, xlat },

	/* System. */
	M(MONITOR) = { NULL, monitor }, M(MONITORX) = { NULL, monitor },
	M(WBINVD) = { NULL, wbinvd }, M(VMMCALL) = { NULL, vmmcall },
	M(PVALIDATE) = { NULL, no_operands },
	M(RMPADJUST) = { NULL, no_operands }, M(RMPUPDATE) = { NULL, no_operands },
	M(PSMASH) = { NULL, no_operands }, M(INVLPGB) = { NULL, no_operands },
	M(INVLPGA) = { NULL, no_operands }, M(SKINIT) = { NULL, no_operands },
	M(CLZERO) = { NULL, no_operands }, M(RDPRU) = { NULL, no_operands },
	M(VMRUN) = { NULL, no_operands }, M(VMLOAD) = { NULL, no_operands },
	M(VMSAVE) = { NULL, no_operands },
	M(MWAIT) = { NULL, mwait }, M(MWAITX) = { NULL, mwaitx },
	M(XCRYPT_CBC) = { "xcrypt-cbc" }, M(XCRYPT_CFB) = { "xcrypt-cfb" },
	M(XCRYPT_CTR) = { "xcrypt-ctr" }, M(XCRYPT_ECB) = { "xcrypt-ecb" },
	M(XCRYPT_OFB) = { "xcrypt-ofb" }, M(XSTORE) = { "xstore-rng" },

	/* x87. */
	M(FADD) = { NULL, x87_float }, M(FMUL) = { NULL, x87_float }, M(FCOM) = { NULL, x87_float },
	M(FCOMP) = { NULL, x87_float }, M(FLD) = { NULL, x87_float }, M(FST) = { NULL, x87_float },
	M(FSTP) = { NULL, x87_float },
	M(FSUB) = { NULL, x87_swapped }, M(FSUBR) = { NULL, x87_swapped },
	M(FSUBP) = { NULL, x87_swapped }, M(FSUBRP) = { NULL, x87_swapped },
	M(FDIV) = { NULL, x87_swapped }, M(FDIVR) = { NULL, x87_swapped },
	M(FDIVP) = { NULL, x87_swapped }, M(FDIVRP) = { NULL, x87_swapped },
	M(FIADD) = { NULL, x87_integer }, M(FIMUL) = { NULL, x87_integer },
	M(FICOM) = { NULL, x87_integer }, M(FICOMP) = { NULL, x87_integer },
	M(FISUB) = { NULL, x87_integer }, M(FISUBR) = { NULL, x87_integer },
	M(FIDIV) = { NULL, x87_integer }, M(FIDIVR) = { NULL, x87_integer },
	M(FILD) = { NULL, x87_integer }, M(FIST) = { NULL, x87_integer },
	M(FISTP) = { NULL, x87_integer }, M(FISTTP) = { NULL, x87_integer },
	M(FNINIT) = { NULL, x87_no_wait }, M(FNCLEX) = { NULL, x87_no_wait },
	M(FNSTCW) = { NULL, x87_no_wait }, M(FNSTSW) = { NULL, x87_no_wait },
	M(FNSAVE) = { NULL, x87_no_wait }, M(FNSTENV) = { NULL, x87_no_wait },
	M(FENI8087_NOP) = { "fneni(8087 only)", x87_no_wait },
	M(FDISI8087_NOP) = { "fndisi(8087 only)", x87_no_wait },
	M(FSETPM287_NOP) = { "fnsetpm(287 only)", x87_no_wait },

	/* Vectors. */
	M(CVTSI2SD) = { NULL, integer_source }, M(CVTSI2SS) = { NULL, integer_source },
	M(VCVTSI2SD) = { NULL, integer_source }, M(VCVTSI2SS) = { NULL, integer_source },
	M(VCVTUSI2SD) = { NULL, integer_source }, M(VCVTUSI2SS) = { NULL, integer_source },
	M(VCVTSI2SH) = { NULL, integer_source }, M(VCVTUSI2SH) = { NULL, integer_source },
	M(VCVTPD2DQ) = { NULL, narrowing }, M(VCVTPD2PS) = { NULL, narrowing },
	M(VCVTPD2UDQ) = { NULL, narrowing }, M(VCVTQQ2PS) = { NULL, narrowing },
	M(VCVTTPD2DQ) = { NULL, narrowing }, M(VCVTTPD2UDQ) = { NULL, narrowing },
	M(VCVTUQQ2PS) = { NULL, narrowing },
	M(VFPCLASSPD) = { NULL, classify }, M(VFPCLASSPS) = { NULL, classify },
	M(PCMPESTRI) = { NULL, by_rex_w }, M(PCMPESTRM) = { NULL, by_rex_w },
	M(VPCMPESTRI) = { NULL, by_rex_w }, M(VPCMPESTRM) = { NULL, by_rex_w },
	M(CMPPD) = { NULL, float_compare }, M(CMPPS) = { NULL, float_compare },
	M(CMPSS) = { NULL, float_compare },
	M(VCMPPD) = { NULL, float_compare }, M(VCMPPS) = { NULL, float_compare },
	M(VCMPSD) = { NULL, float_compare }, M(VCMPSS) = { NULL, float_compare },
	M(VCMPPH) = { NULL, float_compare }, M(VCMPSH) = { NULL, float_compare },
	M(VPCMPB) = { NULL, integer_compare }, M(VPCMPW) = { NULL, integer_compare },
	M(VPCMPD) = { NULL, integer_compare }, M(VPCMPQ) = { NULL, integer_compare },
	M(VPCMPUB) = { NULL, integer_compare }, M(VPCMPUW) = { NULL, integer_compare },
	M(VPCMPUD) = { NULL, integer_compare }, M(VPCMPUQ) = { NULL, integer_compare },
	M(VPCOMB) = { NULL, xop_compare }, M(VPCOMW) = { NULL, xop_compare },
	M(VPCOMD) = { NULL, xop_compare }, M(VPCOMQ) = { NULL, xop_compare },
	M(VPCOMUB) = { NULL, xop_compare }, M(VPCOMUW) = { NULL, xop_compare },
	M(VPCOMUD) = { NULL, xop_compare }, M(VPCOMUQ) = { NULL, xop_compare },
	M(PCLMULQDQ) = { NULL, carryless_multiply }, M(VPCLMULQDQ) = { NULL, carryless_multiply },
};
// clang-format on

void iq_att_mnemonic(struct att *a)
{
	const struct mnemonic *m = &mnemonics[a->z->mnemonic];
	const char *name = m->name ? m->name : ZydisMnemonicGetString(a->z->mnemonic);

	if (m->put)
		m->put(a, name);
	else
		iq_att_put(a, name);
}
