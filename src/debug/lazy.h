/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table in the dump's virtual memory that is read page by page, when a page is first needed, and
 * then kept.  Address space for the whole table is reserved at once, memory only for what was read,
 * so that an entry that spans pages is still contiguous.
 */
#ifndef INQUEST_DEBUG_LAZY_H
#define INQUEST_DEBUG_LAZY_H

#include <inquest/arch.h>

#define IQ_LAZY_MAX (256U << 20)

struct iq_lazy {
	struct iq_vm *vm;
	uint64_t address;
	size_t size;
	uint8_t *bytes;	  /* of the table; reserved */
	uint8_t *state;	  /* enum iq_lazy_state of each page */
	void *mapping;
	size_t mapped;
};

/* SIZE bytes (at most IQ_LAZY_MAX) at virtual ADDRESS.  Reads nothing. */
struct iq_error *iq_lazy_open(struct iq_lazy *l, struct iq_vm *vm, uint64_t address,
			      uint64_t size) IQ_CHECK;
void iq_lazy_close(struct iq_lazy *l);
/*
 * LEN bytes at OFFSET, valid until the table is closed.  NULL: outside of the table, or a page of
 * them cannot be read.
 */
const uint8_t *iq_lazy_get(struct iq_lazy *l, uint64_t offset, size_t len);
/* LEN > 0 bytes at OFFSET are inside of the table and have already been read. */
bool iq_lazy_has(const struct iq_lazy *l, uint64_t offset, size_t len);

#endif
