/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the room dump: stretches of one address space that lie somewhere in another (file
 * contents in the records of a flattened file, physical memory in ELF segments).
 */
#ifndef IQ_DUMP_EXTENT_H
#define IQ_DUMP_EXTENT_H

#include <inquest/base.h>

struct iq_extent {
	uint64_t start, end; /* [start, end), never empty */
	uint64_t pos; /* where the byte at start lies */
	uint32_t kind; /* the user's; extents of different kinds are not joined */
	uint32_t priority; /* where two overlap, the higher one is meant; unique */
};

struct iq_extents {
	struct iq_extent *e;
	unsigned int nr, room;
};

/* False without memory.  An empty one is left out. */
bool iq_extents_add(struct iq_extents *x, const struct iq_extent *e) IQ_CHECK;
/* Sort, resolve overlaps, join what continues its neighbour.  False without memory. */
bool iq_extents_settle(struct iq_extents *x) IQ_CHECK;
/* After settling: the first extent that ends after ADDRESS; NULL if there is none. */
const struct iq_extent *iq_extents_find(const struct iq_extents *x, uint64_t address);
void iq_extents_free(struct iq_extents *x);

#endif
