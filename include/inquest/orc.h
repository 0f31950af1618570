/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ORC: the unwind tables that objtool writes for x86-64 kernels (arch/x86/include/asm/orc_types.h,
 * Documentation/arch/x86/orc-unwinder.rst), read from the dump.
 */
#ifndef INQUEST_ORC_H
#define INQUEST_ORC_H

#include <inquest/types.h>

enum iq_orc_type {
	IQ_ORC_UNDEFINED,  /* no information: the end of what can be unwound by ORC */
	IQ_ORC_END,	   /* outermost frame */
	IQ_ORC_CALL,
	IQ_ORC_REGS,	   /* a full struct pt_regs lies at the CFA */
	IQ_ORC_REGS_PARTIAL, /* only the part from ip on (iret frame) */
};

/* A row, its layout normalised: registers are those of arch.h. */
struct iq_orc_row {
	enum iq_orc_type type;
	bool signal;		/* the frame was interrupted, not called */
	/*
	 * CFA = register + sp_offset; if sp_deref: the word at [register], plus sp_offset; if also
	 * sp_deref_after_offset: the word at [register + sp_offset].
	 */
	int sp_reg;		/* register number; -1: undefined */
	bool sp_deref;
	bool sp_deref_after_offset; /* always for rbp; for rsp in kernels up to 5.11 */
	int32_t sp_offset;
	/* Caller's frame pointer: at CFA + bp_offset, at [bp + bp_offset], or unchanged. */
	enum { IQ_ORC_BP_SAME, IQ_ORC_BP_AT_CFA, IQ_ORC_BP_AT_BP } bp_rule;
	int32_t bp_offset;
	uint64_t start;		/* first address this row is for */
};

struct iq_orc;

/* The four layouts differ in bit positions and register numbers; iq_orc_probe() tells. */
enum iq_orc_layout {
	IQ_ORC_V1 = 1, /* 4.14 - 6.2: sp4 bp4 type2 end1 */
	IQ_ORC_V2,     /* 6.3: sp4 bp4 type2 signal1 end1 */
	IQ_ORC_V3,     /* 6.4 - 7.0: sp4 bp4 type3 signal1 */
	IQ_ORC_V4,     /* 7.1+: as V3 with other register numbers */
};

/*
 * One table: NUM rows; IPS points at the s32 ip offsets (each relative to its own slot), ROWS at
 * the 6-byte rows.  The tables are read through VM in pieces when looked up.  If they are not
 * sorted (an old kernel's, or a module that was being loaded), they are sorted in memory (at most
 * 4 million rows).
 */
struct iq_error *iq_orc_open(struct iq_vm *vm, enum iq_orc_layout layout, bool deref_after_offset,
			     uint64_t ips, uint64_t rows, uint64_t num, struct iq_orc **ret) IQ_CHECK;
void iq_orc_close(struct iq_orc *o);
/* The row for ADDRESS (an instruction's own address, not a return address).  False: none, or the
 * table cannot be read there. */
bool iq_orc_lookup(struct iq_orc *o, uint64_t address, struct iq_orc_row *row);
/* Lowest and highest (exclusive is not known) address that the table speaks of. */
bool iq_orc_range(struct iq_orc *o, uint64_t *first, uint64_t *last);

/*
 * Which layout this kernel has, by evidence: the type struct orc_entry (TYPES may be NULL), and
 * HEADER, the 20-byte hash at __start_orc_header (NULL: not there); failing these, the rows of
 * known places: KNOWN_ROWS at FUNCTION_START, i.e. an address where a function begins and CFA
 * must be rsp + 8.
 */
struct iq_error *iq_orc_probe(struct iq_vm *vm, struct iq_types *types, const uint8_t *header,
			      uint64_t ips, uint64_t rows, uint64_t num, const uint64_t *function_starts,
			      unsigned int nr_starts, enum iq_orc_layout *ret) IQ_CHECK;

#endif
