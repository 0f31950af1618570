/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sections of DWARF from a fuzzer's input: four little-endian lengths, and so many bytes of
 * .debug_info, .debug_abbrev, .debug_str and .debug_addr.  (make_dwarf.py makes such an input of a
 * file.)
 */
#ifndef TESTS_FUZZ_DWARF_INPUT_H
#define TESTS_FUZZ_DWARF_INPUT_H

#include "../../src/debug/dwarf_names.h"
#include <stdlib.h>

/* False: too short.  Close with dwarf_input_free(). */
static inline bool dwarf_input(struct iq_dwarf *d, const uint8_t **data, size_t *size)
{
	static const uint8_t order[] = {IQ_DW_INFO, IQ_DW_ABBREV, IQ_DW_STR, IQ_DW_ADDR};
	const uint8_t *lengths = *data;

	*d = (struct iq_dwarf){0};
	if (*size < 16)
		return false;
	*data += 16;
	*size -= 16;
	for (unsigned int i = 0; i < IQ_DW_NR_SECTIONS; i++)
		d->section[i].opened = true;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(order); i++) {
		struct iq_dw_bytes *b = &d->section[order[i]];

		b->size = IQ_MIN(iq_le32(lengths + 4 * i), *size);
		/* Its own memory each: reading beyond an end is noticed. */
		b->copy = malloc(b->size ? b->size : 1);
		if (!b->copy)
			abort();
		memcpy(b->copy, *data, b->size);
		b->data = b->size ? b->copy : NULL;
		b->on_heap = true;
		*data += b->size;
		*size -= b->size;
	}
	return true;
}

#endif
