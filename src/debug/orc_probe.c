// SPDX-License-Identifier: GPL-2.0-or-later
/* Which of the four layouts the ORC rows of a kernel have. */
#include "orc.h"

/* Hashes of asm/orc_types.h, as scripts/orc_hash.sh makes them (since 6.4; 6.3.10). */
static const struct {
	uint8_t hash[20];
	enum iq_orc_layout layout;
} headers[] = {
	{{0xdb, 0x84, 0xae, 0xd4, 0x10, 0x3b, 0x31, 0xdd, 0x51, 0xe0,
	  0x17, 0xf8, 0xf7, 0x97, 0x83, 0xca, 0x98, 0x5c, 0x2c, 0x51},
	 IQ_ORC_V2},
	{{0xfe, 0x5d, 0x32, 0xbf, 0x58, 0x1b, 0xd6, 0x3b, 0x2c, 0xa9,
	  0xa5, 0xc6, 0x5b, 0xa5, 0xa6, 0x25, 0xea, 0xb3, 0xfe, 0x24},
	 IQ_ORC_V3},
	{{0x13, 0x7c, 0x36, 0xad, 0x76, 0x27, 0xc4, 0xdd, 0x55, 0x93,
	  0x21, 0x76, 0xbb, 0x0e, 0xcd, 0xbd, 0x50, 0x41, 0xfc, 0x82},
	 IQ_ORC_V4},
};

static bool by_header(const uint8_t *header, enum iq_orc_layout *ret)
{
	for (unsigned int i = 0; header && i < IQ_ARRAY_SIZE(headers); i++) {
		if (!memcmp(header, headers[i].hash, sizeof(headers[i].hash))) {
			*ret = headers[i].layout;
			return true;
		}
	}
	return false;
}

/* A mask of layouts (1 << layout) that struct orc_entry allows. */
static unsigned int by_type(struct iq_types *types)
{
	const struct iq_type *entry = types ? iq_type_by_name(types, "struct orc_entry") : NULL;
	struct iq_member member;
	struct iq_error *err;
	bool has_end, has_signal;

	if (!entry)
		return 1U << IQ_ORC_V1 | 1U << IQ_ORC_V2 | 1U << IQ_ORC_V3 | 1U << IQ_ORC_V4;
	err = iq_member_find(entry, "end", &member);
	has_end = !err;
	iq_error_free(err);
	err = iq_member_find(entry, "signal", &member);
	has_signal = !err;
	iq_error_free(err);
	if (has_end)
		return has_signal ? 1U << IQ_ORC_V2 : 1U << IQ_ORC_V1;
	return 1U << IQ_ORC_V3 | 1U << IQ_ORC_V4;
}

/* How many of the functions have, where they begin, the row of every function: CFA is rsp + 8. */
static unsigned int count_calls(struct iq_vm *vm, enum iq_orc_layout layout, uint64_t ips,
				uint64_t rows, uint64_t num, const uint64_t *starts,
				unsigned int nr_starts)
{
	unsigned int good = 0;
	struct iq_error *err;
	struct iq_orc *o;

	err = iq_orc_open(vm, layout, false, ips, rows, num, &o);
	if (err) {
		iq_error_free(err);
		return 0;
	}
	for (unsigned int i = 0; i < nr_starts; i++) {
		struct iq_orc_row row;

		good += iq_orc_lookup(o, starts[i], &row) && row.type == IQ_ORC_CALL &&
			row.sp_reg == IQ_X86_RSP && !row.sp_deref && row.sp_offset == 8;
	}
	iq_orc_close(o);
	return good;
}

/*
 * V1 and V2 differ in nothing but bits 10 and 11: `end` or `signal` and `end`.  V1 never sets bit
 * 11, V2 does for every place where a stack ends.
 */
static enum iq_orc_layout v1_or_v2(struct iq_vm *vm, uint64_t rows, uint64_t num)
{
	uint8_t piece[680 * IQ_ORC_ROW];

	for (uint64_t i = 0; i < num; i += 680) {
		size_t nr = IQ_MIN(num - i, 680);

		if (iq_vm_read(vm, rows + i * IQ_ORC_ROW, piece, nr * IQ_ORC_ROW, NULL))
			continue;
		for (size_t j = 0; j < nr; j++) {
			if (iq_le16(piece + j * IQ_ORC_ROW + 4) >> 11 & 1)
				return IQ_ORC_V2;
		}
	}
	return IQ_ORC_V1;
}

struct iq_error *iq_orc_probe(struct iq_vm *vm, struct iq_types *types, const uint8_t *header,
			      uint64_t ips, uint64_t rows, uint64_t num,
			      const uint64_t *function_starts, unsigned int nr_starts,
			      enum iq_orc_layout *ret)
{
	static const enum iq_orc_layout candidates[] = {IQ_ORC_V3, IQ_ORC_V4, IQ_ORC_V1};
	enum iq_orc_layout best = IQ_ORC_V1;
	unsigned int allowed, most = 0;

	if (by_header(header, ret))
		return NULL;
	allowed = by_type(types);
	if (allowed == 1U << IQ_ORC_V1 || allowed == 1U << IQ_ORC_V2) {
		*ret = allowed == 1U << IQ_ORC_V1 ? IQ_ORC_V1 : IQ_ORC_V2;
		return NULL;
	}
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(candidates); i++) {
		unsigned int good;

		if (!(allowed >> candidates[i] & 1))
			continue;
		good = count_calls(vm, candidates[i], ips, rows, num, function_starts, nr_starts);
		if (good > most) {
			most = good;
			best = candidates[i];
		}
	}
	/* A function or two may be special (entry code); most are not. */
	if (!most || most * 2 < nr_starts)
		return iq_error_new(IQ_E_FORMAT,
				    "the ORC rows of this kernel are of an unknown form");
	*ret = best == IQ_ORC_V1 ? v1_or_v2(vm, rows, num) : best;
	return NULL;
}
