/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a slab cache is created: the call of kmem_cache_create() and its like with the cache's name.  Most are in
 * init code, which is freed after boot, and are found in the vmlinux or the module's file only.
 */
#ifndef INQUEST_SLAB_ORIGIN_H
#define INQUEST_SLAB_ORIGIN_H

#include <inquest/slab.h>

enum iq_origin_how {
	IQ_ORIGIN_UNKNOWN, /* its name was put together at run time, or comes from a table */
	IQ_ORIGIN_CALL,	   /* found */
	IQ_ORIGIN_INIT,	   /* in init code, which is no longer in memory, and no file has it */
};

struct iq_cache_origin {
	enum iq_origin_how how;
	char function[128];	/* that calls; "" unknown */
	uint64_t offset;	/* of the call in it */
	char module[57];	/* "": the kernel */
	const char *file;	/* NULL: not known.  Owned by the debug file */
	unsigned int line;
	bool gone;		/* the calling code is no longer in memory */
	unsigned int calls;	/* that have this name; more than 1: which of them it was is not known, and
				 * this is the first */
};

/*
 * The first question goes through the code of the kernel (some tens of milliseconds), of modules if need be; the
 * answers are kept.  K's thread.
 */
void iq_cache_origin(struct iq_kernel *k, const struct iq_cache *c, struct iq_cache_origin *ret);
/* The same for one of the names of caches that were merged into one. */
void iq_cache_name_origin(struct iq_kernel *k, const char *name, struct iq_cache_origin *ret);
/* "dcache_init+49 fs/dcache.c: 3214", "in init code, no longer in memory", "" if UNKNOWN. */
void iq_cache_origin_text(const struct iq_cache_origin *o, struct iq_buf *out);

#endif
