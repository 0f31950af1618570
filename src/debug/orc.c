// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ORC look-up, as __orc_find() and unwind_next_frame() of arch/x86/kernel/unwind_orc.c read the
 * tables.
 */
#include "orc.h"
#include <stdlib.h>

/* Registers in sp_reg and bp_reg, in the order of their numbers (asm/orc_types.h). */
enum orc_reg { UNDEFINED, PREV_SP, AX, DX, DI, BP, SP, R10, R13, BP_INDIRECT, SP_INDIRECT, BAD };

static enum orc_reg orc_reg(enum iq_orc_layout layout, unsigned int number)
{
	static const uint8_t old[16] = {
		UNDEFINED,   PREV_SP,	  DX,  DI,  BP,	 SP,  R10, R13,
		BP_INDIRECT, SP_INDIRECT, BAD, BAD, BAD, BAD, BAD, BAD,
	};
	static const uint8_t v4[16] = {
		UNDEFINED, AX,		DX,	     SP,  BP,  DI,  R10, R13,
		PREV_SP,   SP_INDIRECT, BP_INDIRECT, BAD, BAD, BAD, BAD, BAD,
	};

	return layout == IQ_ORC_V4 ? v4[number & 15] : old[number & 15];
}

/* The three or four bits above the registers. */
static void decode_type(unsigned int flags, enum iq_orc_layout layout, enum orc_reg sp,
			struct iq_orc_row *row)
{
	static const uint8_t new_types[8] = {
		IQ_ORC_UNDEFINED,    IQ_ORC_END,       IQ_ORC_CALL,	 IQ_ORC_REGS,
		IQ_ORC_REGS_PARTIAL, IQ_ORC_UNDEFINED, IQ_ORC_UNDEFINED, IQ_ORC_UNDEFINED,
	};
	static const uint8_t old_types[4] = {
		IQ_ORC_CALL,
		IQ_ORC_REGS,
		IQ_ORC_REGS_PARTIAL,
		IQ_ORC_UNDEFINED,
	};
	bool end;

	if (layout >= IQ_ORC_V3) {
		row->type = new_types[flags >> 8 & 7];
		row->signal = flags >> 11 & 1;
		return;
	}
	row->type = old_types[flags >> 8 & 3];
	if (layout == IQ_ORC_V2) {
		row->signal = flags >> 10 & 1;
		end = flags >> 11 & 1;
	} else {
		row->signal = row->type == IQ_ORC_REGS || row->type == IQ_ORC_REGS_PARTIAL;
		end = flags >> 10 & 1;
	}
	/* `end` is looked at only where the stack pointer is not known. */
	if (sp == UNDEFINED) {
		row->type = end ? IQ_ORC_END : IQ_ORC_UNDEFINED;
		row->signal = row->signal && end;
	}
}

static int sp_register(enum orc_reg reg)
{
	switch (reg) {
	case AX:
		return IQ_X86_RAX;
	case DX:
		return IQ_X86_RDX;
	case DI:
		return IQ_X86_RDI;
	case BP:
	case BP_INDIRECT:
		return IQ_X86_RBP;
	case SP:
	case SP_INDIRECT:
		return IQ_X86_RSP;
	case R10:
		return IQ_X86_R10;
	case R13:
		return IQ_X86_R13;
	default:
		return -1;
	}
}

void iq_orc_decode(const uint8_t *p, enum iq_orc_layout layout, bool deref_after_offset,
		   struct iq_orc_row *row)
{
	unsigned int flags = iq_le16(p + 4);
	enum orc_reg sp = orc_reg(layout, flags), bp = orc_reg(layout, flags >> 4);

	*row = (struct iq_orc_row){.start = row->start};
	decode_type(flags, layout, sp, row);
	row->sp_reg = sp_register(sp);
	row->sp_offset = (int16_t)iq_le16(p);
	row->sp_deref = sp == SP_INDIRECT || sp == BP_INDIRECT;
	/* [bp + offset] in every kernel; the meaning for sp changed in 5.12. */
	row->sp_deref_after_offset = sp == BP_INDIRECT || (sp == SP_INDIRECT && deref_after_offset);
	row->bp_offset = (int16_t)iq_le16(p + 2);
	switch (bp) {
	case UNDEFINED:
		row->bp_rule = IQ_ORC_BP_SAME;
		break;
	case PREV_SP:
		row->bp_rule = IQ_ORC_BP_AT_CFA;
		break;
	case BP:
		row->bp_rule = IQ_ORC_BP_AT_BP;
		break;
	default:
		/* The kernel gives up on such a row ("unknown BP base reg"). */
		row->type = IQ_ORC_UNDEFINED;
		break;
	}
	/* Without a register to start from there is no CFA; END needs none. */
	if (row->sp_reg < 0 && row->type != IQ_ORC_END)
		row->type = IQ_ORC_UNDEFINED;
}

struct iq_error *iq_orc_open(struct iq_vm *vm, enum iq_orc_layout layout, bool deref_after_offset,
			     uint64_t ips, uint64_t rows, uint64_t num, struct iq_orc **ret)
{
	struct iq_error *err;
	struct iq_orc *o;

	if (!num || num > IQ_ORC_MAX)
		return iq_error_new(num ? IQ_E_LIMIT : IQ_E_NOT_FOUND,
				    "an ORC table of %llu rows at %#llx", (unsigned long long)num,
				    (unsigned long long)rows);
	if (layout < IQ_ORC_V1 || layout > IQ_ORC_V4)
		return iq_error_new(IQ_E_FORMAT, "unknown layout of ORC rows");
	o = calloc(1, sizeof(*o));
	if (!o)
		return iq_error_nomem();
	o->nr = (unsigned int)num;
	o->layout = layout;
	o->deref_after_offset = deref_after_offset;
	o->sorted = true;
	err = iq_lazy_open(&o->ips, vm, ips, num * 4);
	if (!err)
		err = iq_lazy_open(&o->rows, vm, rows, num * IQ_ORC_ROW);
	if (err) {
		iq_orc_close(o);
		return err;
	}
	*ret = o;
	return NULL;
}

void iq_orc_close(struct iq_orc *o)
{
	if (!o)
		return;
	iq_lazy_close(&o->ips);
	iq_lazy_close(&o->rows);
	free(o->order);
	free(o);
}

/* Address of row I as the table has it. */
static bool ip_at(struct iq_orc *o, unsigned int i, uint64_t *ip)
{
	const uint8_t *p = iq_lazy_get(&o->ips, (uint64_t)i * 4, 4);

	if (!p)
		return false;
	*ip = o->ips.address + (uint64_t)i * 4 + (uint64_t)(int64_t)(int32_t)iq_le32(p);
	return true;
}

/* The same in the order of addresses. */
static bool nth_ip(struct iq_orc *o, unsigned int i, uint64_t *ip)
{
	if (o->sorted)
		return ip_at(o, i, ip);
	*ip = o->order[i].ip;
	return true;
}

/* ---- Tables that are not sorted -------------------------------------------------------------- */

/* Of two rows for one address the kernel's own sort puts the mark of a function's end first. */
static int by_ip(const void *pa, const void *pb)
{
	const struct iq_orc_sorted *a = pa, *b = pb;

	if (a->ip != b->ip)
		return a->ip < b->ip ? -1 : 1;
	if (a->real != b->real)
		return a->real ? 1 : -1;
	return a->row < b->row ? -1 : a->row > b->row;
}

/* Sort what can be read of the table.  False without memory: look-ups then fail. */
static bool sort(struct iq_orc *o)
{
	unsigned int nr = 0;

	o->order = calloc(o->nr, sizeof(*o->order));
	if (!o->order)
		return false;
	for (unsigned int i = 0; i < o->nr; i++) {
		const uint8_t *p = iq_lazy_get(&o->rows, (uint64_t)i * IQ_ORC_ROW, IQ_ORC_ROW);
		struct iq_orc_row row = {0};

		if (!p || !ip_at(o, i, &o->order[nr].ip))
			continue;
		iq_orc_decode(p, o->layout, o->deref_after_offset, &row);
		o->order[nr].row = i;
		o->order[nr].real = row.type != IQ_ORC_UNDEFINED;
		nr++;
	}
	if (!nr) {
		free(o->order);
		o->order = NULL;
		return false;
	}
	qsort(o->order, nr, sizeof(*o->order), by_ip);
	o->nr = nr;
	o->sorted = false;
	return true;
}

/* ---- Look-up --------------------------------------------------------------------------------- */

/*
 * A module's table may consist of a few runs, one a section, each of them sorted: only a look at
 * all rows tells.  That is done once, for tables of up to 64 pages; a kernel's, which is sorted
 * when it is built (5.6) or boots, is checked only where the search comes by: an unsorted one has
 * thousands of runs, one an object file and section.
 */
#define ROWS_CHECKED 65536U
#define NEIGHBOURS 16U

/* Are the rows [FIRST, LAST] in order, as far as they can be read? */
static bool rows_rise(struct iq_orc *o, unsigned int first, unsigned int last)
{
	uint64_t before = 0, ip;

	for (unsigned int i = first; i <= last; i++) {
		if (!ip_at(o, i, &ip))
			continue;
		if (ip < before)
			return false;
		before = ip;
	}
	return true;
}

static bool in_order(struct iq_orc *o, unsigned int i)
{
	unsigned int first = i & ~(NEIGHBOURS - 1), last = IQ_MIN(first + NEIGHBOURS, o->nr) - 1;

	if (o->nr <= ROWS_CHECKED) {
		if (!o->checked && rows_rise(o, 0, o->nr - 1))
			o->checked = true;
		return o->checked;
	}
	/* Only within what the search has read anyway. */
	return !iq_lazy_has(&o->ips, (uint64_t)first * 4, ((size_t)last - first + 1) * 4) ||
	       rows_rise(o, first, last);
}

enum search { FOUND, NOT_FOUND, UNSORTED };

static enum search search(struct iq_orc *o, uint64_t address, unsigned int *i, uint64_t *start)
{
	unsigned int low = 0, high = o->nr;
	uint64_t ip, low_ip, high_ip;

	if (!nth_ip(o, 0, &low_ip) || !nth_ip(o, o->nr - 1, &high_ip))
		return NOT_FOUND;
	if (o->sorted && (high_ip < low_ip || !in_order(o, 0)))
		return UNSORTED;
	if (low_ip > address)
		return NOT_FOUND;
	while (high - low > 1) {
		unsigned int mid = low + (high - low) / 2;

		if (!nth_ip(o, mid, &ip))
			return NOT_FOUND;
		if (o->sorted && (ip < low_ip || ip > high_ip || !in_order(o, mid)))
			return UNSORTED;
		if (ip <= address) {
			low = mid;
			low_ip = ip;
		} else {
			high = mid;
			high_ip = ip;
		}
	}
	*i = low;
	*start = low_ip;
	return FOUND;
}

bool iq_orc_find(struct iq_orc *o, uint64_t address, unsigned int *row, uint64_t *start)
{
	enum search result = search(o, address, row, start);

	if (result == UNSORTED)
		result = sort(o) ? search(o, address, row, start) : NOT_FOUND;
	if (result != FOUND)
		return false;
	if (!o->sorted)
		*row = o->order[*row].row;
	return true;
}

bool iq_orc_lookup(struct iq_orc *o, uint64_t address, struct iq_orc_row *row)
{
	struct iq_orc_row result = {0};
	const uint8_t *p;
	unsigned int i;

	if (!iq_orc_find(o, address, &i, &result.start))
		return false;
	p = iq_lazy_get(&o->rows, (uint64_t)i * IQ_ORC_ROW, IQ_ORC_ROW);
	if (!p)
		return false;
	iq_orc_decode(p, o->layout, o->deref_after_offset, &result);
	*row = result;
	return true;
}

bool iq_orc_range(struct iq_orc *o, uint64_t *first, uint64_t *last)
{
	uint64_t low, high;

	if (!nth_ip(o, 0, &low) || !nth_ip(o, o->nr - 1, &high))
		return false;
	if (o->sorted && (low > high || !in_order(o, 0))) {
		if (!sort(o))
			return false;
		low = o->order[0].ip;
		high = o->order[o->nr - 1].ip;
	}
	*first = low;
	*last = high;
	return true;
}
