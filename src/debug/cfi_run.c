// SPDX-License-Identifier: GPL-2.0-or-later
/* The program of a call frame entry, run up to an address (DWARF 5, chapter 6.4.2). */
#include "cfi.h"

/* Rows that a program may have put aside: compilers use one. */
#define REMEMBERED_MAX 16

/* Not all versions of <dwarf.h> have these: of MIPS, GNU and AArch64 ("DWARF for the Arm 64-bit
 * Architecture"). */
#define CFA_ADVANCE_LOC8 0x1d
#define CFA_NEGATE_RA_STATE_WITH_PC 0x2c
#define CFA_NEGATE_RA_STATE 0x2d
#define CFA_GNU_ARGS_SIZE 0x2e
#define CFA_GNU_NEGATIVE_OFFSET 0x2f

/* What DW_CFA_remember_state puts aside. */
struct rules {
	struct iq_cfi_rule cfa, reg[IQ_CFI_REGISTERS];
};

struct machine {
	struct iq_dwarf *dwarf;
	enum iq_dw_section section;
	const struct iq_dw_cie *cie;
	uint64_t location, target;
	uint64_t next; /* where the row ends, once it is found */
	bool found;
	bool ra_signed;
	struct rules now, initial;
	struct rules remembered[REMEMBERED_MAX];
	unsigned int nr_remembered;
};

static struct iq_cfi_rule *rule_of(struct machine *m, uint64_t reg, struct iq_cfi_rule *other)
{
	return reg < IQ_CFI_REGISTERS ? &m->now.reg[reg] : other;
}

static void set_rule(struct machine *m, uint64_t reg, enum iq_cfi_how how, int64_t offset)
{
	struct iq_cfi_rule other;

	*rule_of(m, reg, &other) = (struct iq_cfi_rule){.how = how, .offset = offset};
}

static int64_t scaled(const struct machine *m, int64_t factor)
{
	return (int64_t)((uint64_t)factor * (uint64_t)m->cie->data_align);
}

static void advance_to(struct machine *m, uint64_t location)
{
	if (location > m->target) {
		m->found = true;
		m->next = location;
	} else if (location >= m->location) {
		m->location = location;
	}
}

static void advance(struct machine *m, uint64_t delta)
{
	uint64_t by, to;

	/* What would wrap is behind every target. */
	if (iq_mul_overflows(delta, m->cie->code_align, &by) ||
	    iq_add_overflows(m->location, by, &to))
		to = UINT64_MAX;
	advance_to(m, to);
}

static void read_expression(struct iq_dw_cursor *c, enum iq_cfi_how how, struct iq_cfi_rule *rule)
{
	uint64_t len = iq_dw_uleb(c);

	*rule = (struct iq_cfi_rule){.how = how, .expression = c->p, .expression_len = len};
	iq_dw_skip(c, len);
}

static void restore(struct machine *m, uint64_t reg)
{
	if (reg < IQ_CFI_REGISTERS)
		m->now.reg[reg] = m->initial.reg[reg];
}

/* Instructions that say where the CFA is. */
static bool define_cfa(struct machine *m, struct iq_dw_cursor *c, unsigned int op)
{
	struct iq_cfi_rule *cfa = &m->now.cfa;
	uint64_t reg;

	switch (op) {
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
		reg = iq_dw_uleb(c);
		*cfa = (struct iq_cfi_rule){.how = IQ_CFI_REGISTER, .reg = (unsigned int)reg};
		cfa->offset =
			op == DW_CFA_def_cfa ? (int64_t)iq_dw_uleb(c) : scaled(m, iq_dw_sleb(c));
		return reg < IQ_CFI_REGISTERS;
	case DW_CFA_def_cfa_register:
		reg = iq_dw_uleb(c);
		cfa->reg = (unsigned int)reg;
		return cfa->how == IQ_CFI_REGISTER && reg < IQ_CFI_REGISTERS;
	case DW_CFA_def_cfa_offset:
		cfa->offset = (int64_t)iq_dw_uleb(c);
		return cfa->how == IQ_CFI_REGISTER;
	case DW_CFA_def_cfa_offset_sf:
		cfa->offset = scaled(m, iq_dw_sleb(c));
		return cfa->how == IQ_CFI_REGISTER;
	default: /* DW_CFA_def_cfa_expression */
		read_expression(c, IQ_CFI_EXPRESSION, cfa);
		return true;
	}
}

/* Instructions that say where a register is. */
static bool define_register(struct machine *m, struct iq_dw_cursor *c, unsigned int op)
{
	uint64_t reg = iq_dw_uleb(c), from;
	struct iq_cfi_rule other;

	switch (op) {
	case DW_CFA_offset_extended:
		set_rule(m, reg, IQ_CFI_OFFSET, scaled(m, (int64_t)iq_dw_uleb(c)));
		return true;
	case DW_CFA_offset_extended_sf:
		set_rule(m, reg, IQ_CFI_OFFSET, scaled(m, iq_dw_sleb(c)));
		return true;
	case CFA_GNU_NEGATIVE_OFFSET:
		set_rule(m, reg, IQ_CFI_OFFSET, -scaled(m, (int64_t)iq_dw_uleb(c)));
		return true;
	case DW_CFA_val_offset:
		set_rule(m, reg, IQ_CFI_VAL_OFFSET, scaled(m, (int64_t)iq_dw_uleb(c)));
		return true;
	case DW_CFA_val_offset_sf:
		set_rule(m, reg, IQ_CFI_VAL_OFFSET, scaled(m, iq_dw_sleb(c)));
		return true;
	case DW_CFA_undefined:
		set_rule(m, reg, IQ_CFI_UNDEFINED, 0);
		return true;
	case DW_CFA_same_value:
		set_rule(m, reg, IQ_CFI_SAME, 0);
		return true;
	case DW_CFA_restore_extended:
		restore(m, reg);
		return true;
	case DW_CFA_register:
		from = iq_dw_uleb(c);
		set_rule(m, reg, from < IQ_CFI_REGISTERS ? IQ_CFI_REGISTER : IQ_CFI_UNDEFINED, 0);
		rule_of(m, reg, &other)->reg = (unsigned int)from;
		return true;
	case DW_CFA_expression:
		read_expression(c, IQ_CFI_EXPRESSION, rule_of(m, reg, &other));
		return true;
	default: /* DW_CFA_val_expression */
		read_expression(c, IQ_CFI_VAL_EXPRESSION, rule_of(m, reg, &other));
		return true;
	}
}

static bool remember(struct machine *m)
{
	if (m->nr_remembered == REMEMBERED_MAX)
		return false;
	m->remembered[m->nr_remembered++] = m->now;
	return true;
}

static bool recall(struct machine *m)
{
	if (!m->nr_remembered)
		return false;
	m->now = m->remembered[--m->nr_remembered];
	return true;
}

static bool negate_ra_state(struct machine *m)
{
	m->ra_signed = !m->ra_signed;
	/* On other machines the number means something else, which no compiler writes there. */
	return m->dwarf->elf->machine == EM_AARCH64;
}

static bool extended(struct machine *m, struct iq_dw_cursor *c, unsigned int op)
{
	uint64_t to;

	switch (op) {
	case DW_CFA_nop:
		return true;
	case DW_CFA_set_loc:
		if (!iq_dw_frame_address(m->dwarf, m->section, m->cie, c, &to))
			return false;
		advance_to(m, to);
		return true;
	case DW_CFA_advance_loc1:
		advance(m, iq_dw_uint(c, 1));
		return true;
	case DW_CFA_advance_loc2:
		advance(m, iq_dw_uint(c, 2));
		return true;
	case DW_CFA_advance_loc4:
		advance(m, iq_dw_uint(c, 4));
		return true;
	case CFA_ADVANCE_LOC8:
		advance(m, iq_dw_uint(c, 8));
		return true;
	case DW_CFA_remember_state:
		return remember(m);
	case DW_CFA_restore_state:
		return recall(m);
	case DW_CFA_def_cfa:
	case DW_CFA_def_cfa_sf:
	case DW_CFA_def_cfa_register:
	case DW_CFA_def_cfa_offset:
	case DW_CFA_def_cfa_offset_sf:
	case DW_CFA_def_cfa_expression:
		return define_cfa(m, c, op);
	case DW_CFA_offset_extended:
	case DW_CFA_offset_extended_sf:
	case CFA_GNU_NEGATIVE_OFFSET:
	case DW_CFA_val_offset:
	case DW_CFA_val_offset_sf:
	case DW_CFA_undefined:
	case DW_CFA_same_value:
	case DW_CFA_restore_extended:
	case DW_CFA_register:
	case DW_CFA_expression:
	case DW_CFA_val_expression:
		return define_register(m, c, op);
	case CFA_GNU_ARGS_SIZE:
		iq_dw_uleb(c);
		return true;
	case CFA_NEGATE_RA_STATE:
	case CFA_NEGATE_RA_STATE_WITH_PC:
		return negate_ra_state(m);
	default:
		return false;
	}
}

static bool run(struct machine *m, struct iq_dw_cursor c)
{
	while (!m->found && c.p < c.end) {
		unsigned int byte = (unsigned int)iq_dw_uint(&c, 1), low = byte & 0x3f;

		switch (byte & 0xc0) {
		case DW_CFA_advance_loc:
			advance(m, low);
			break;
		case DW_CFA_offset:
			set_rule(m, low, IQ_CFI_OFFSET, scaled(m, (int64_t)iq_dw_uleb(&c)));
			break;
		case DW_CFA_restore:
			restore(m, low);
			break;
		default:
			if (!extended(m, &c, byte))
				return false;
		}
		if (c.bad)
			return false;
	}
	return true;
}

bool iq_dw_frame_row(struct iq_dwarf *d, enum iq_dw_section s, const struct iq_dw_frame_entry *e,
		     uint64_t address, struct iq_cfi_row *row)
{
	struct machine m = {.dwarf = d, .section = s, .cie = &e->cie};

	m.location = e->start;
	m.target = address;
	m.now.cfa.how = IQ_CFI_UNDEFINED;
	/* A CIE's program does not move: a row of it would be the whole function's. */
	if (!run(&m, e->cie.program) || m.found)
		return false;
	m.initial = m.now;
	if (!run(&m, e->program))
		return false;
	*row = (struct iq_cfi_row){
		.start = m.location,
		.end = m.found ? IQ_MIN(m.next, e->end) : e->end,
		.function = e->start,
		.function_end = e->end,
		.cfa = m.now.cfa,
		.return_register = e->cie.return_register,
		.signal_frame = e->cie.signal_frame,
		.ra_signed = m.ra_signed,
	};
	memcpy(row->reg, m.now.reg, sizeof(row->reg));
	return true;
}
