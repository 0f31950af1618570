/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ORC rows as they lie in memory (struct orc_entry), for look-up and for probing. */
#ifndef INQUEST_DEBUG_ORC_H
#define INQUEST_DEBUG_ORC_H

#include "lazy.h"
#include <inquest/orc.h>

/* sizeof(struct orc_entry): s16 sp_offset, s16 bp_offset, u16 of bit fields */
#define IQ_ORC_ROW 6U
#define IQ_ORC_MAX (4U << 20)

struct iq_orc {
	struct iq_lazy ips, rows;
	unsigned int nr;
	enum iq_orc_layout layout;
	bool deref_after_offset;
	/* If the table is not sorted: addresses and row numbers that are. */
	bool sorted;
	bool checked; /* all of it was found in order */
	struct iq_orc_sorted {
		uint64_t ip;
		uint32_t row;
		bool real; /* not the mark behind the end of a function */
	} *order;
};

/* Decode the 6 bytes at P; sets everything but `start`. */
void iq_orc_decode(const uint8_t *p, enum iq_orc_layout layout, bool deref_after_offset,
		   struct iq_orc_row *row);
/* Number of the last row at or below ADDRESS; false: none. */
bool iq_orc_find(struct iq_orc *o, uint64_t address, unsigned int *row, uint64_t *start);

#endif
