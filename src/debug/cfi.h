/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The call frame information of one file, by its own ("link") addresses; see <inquest/cfi.h>. */
#ifndef INQUEST_DEBUG_CFI_H
#define INQUEST_DEBUG_CFI_H

#include "dwarf_read.h"
#include <inquest/cfi.h>

/* One entry for a function: a frame description entry. */
struct iq_dw_fde {
	uint64_t start, end;
	uint64_t offset; /* of the entry in its section */
	enum iq_dw_section section; /* IQ_DW_FRAME or IQ_DW_EH_FRAME */
};

struct iq_dw_cfi {
	struct iq_dwarf *dwarf;
	struct iq_dw_fde *fdes; /* as they stand; when many have been asked for, by start */
	unsigned int nr, room;
	unsigned int asked;
	bool sorted;
};

/* Common information of functions: a CIE. */
struct iq_dw_cie {
	uint64_t offset;
	unsigned int address_size, return_register;
	uint64_t code_align;
	int64_t data_align;
	uint8_t encoding; /* of addresses, DW_EH_PE_…; .debug_frame: absolute */
	bool augmented; /* entries begin with the length of what the augmentation adds */
	bool signal_frame;
	struct iq_dw_cursor program;
};

/* An FDE as it is read. */
struct iq_dw_frame_entry {
	struct iq_dw_cie cie;
	uint64_t start, end;
	struct iq_dw_cursor program;
};

/* cfi.c: all functions of the file; NULL without memory.  Owned by the caller. */
struct iq_dw_cfi *iq_dw_cfi_open(struct iq_dwarf *d);
void iq_dw_cfi_close(struct iq_dw_cfi *c);
/* Put the entries in order, if they are not yet. */
void iq_dw_cfi_sort(struct iq_dw_cfi *c);
/* The function that ADDRESS lies in; valid until the next call.  NULL: none. */
const struct iq_dw_fde *iq_dw_fde_at(struct iq_dw_cfi *c, uint64_t address);
/* The entry at an offset that iq_dw_cfi_open() found. */
bool iq_dw_frame_entry(struct iq_dwarf *d, enum iq_dw_section s, uint64_t offset,
		       struct iq_dw_frame_entry *ret);
/* An address in CIE's encoding at C, inside of section S. */
bool iq_dw_frame_address(struct iq_dwarf *d, enum iq_dw_section s, const struct iq_dw_cie *cie,
			 struct iq_dw_cursor *c, uint64_t *ret);

/* cfi_run.c: the row of ADDRESS, which the entry covers. */
bool iq_dw_frame_row(struct iq_dwarf *d, enum iq_dw_section s, const struct iq_dw_frame_entry *e,
		     uint64_t address, struct iq_cfi_row *row);

#endif
