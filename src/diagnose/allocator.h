/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose code takes objects from a slab cache. */
#ifndef INQUEST_DIAGNOSE_ALLOCATOR_H
#define INQUEST_DIAGNOSE_ALLOCATOR_H

#include "case.h"

#include <inquest/slab.h>

struct iq_allocator {
	unsigned int functions;	   /* that do so; others may be handed the cache by somebody else */
	struct iq_symbol function; /* the first of them */
	uint64_t call;		   /* there */
};
/* Goes through the code of the kernel and of the modules, some tens of milliseconds.  False: none was found. */
bool iq_cache_allocator(struct iq_case *c, const struct iq_cache *cache, struct iq_allocator *ret);

#endif
