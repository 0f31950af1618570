/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kmem's views, one file each; every one fills in R and leaves it empty on error.  WORDS are what
 * stands behind the options.
 */
#ifndef INQUEST_CLI_KMEM_H
#define INQUEST_CLI_KMEM_H

#include "cli.h"

/* kmem_memory.c: -i, -V, -z */
struct iq_error *kmem_info(struct session *s, struct result *r) IQ_CHECK;
struct iq_error *kmem_counters(struct session *s, struct result *r) IQ_CHECK;
struct iq_error *kmem_zones(struct session *s, struct result *r) IQ_CHECK;
/* A struct zone as -z and -n show it. */
struct iq_zone;
json_t *json_zone(const struct iq_zone *z);
/* kmem_root.c: -r */
struct iq_error *kmem_roots(struct session *s, struct result *r) IQ_CHECK;
/* kmem_nodes.c: -n */
struct iq_error *kmem_nodes(struct session *s, struct result *r) IQ_CHECK;
/* kmem_free.c: -f, -F (with every block) */
struct iq_error *kmem_free(struct session *s, bool blocks, struct result *r) IQ_CHECK;
/* kmem_slab.c: -s, -S (with the slabs) [NAME | ADDRESS…]; not the caches named BUT (may be NULL) */
struct iq_error *kmem_slabs(struct session *s, bool slabs, const char *but, int nr, char **words,
			    struct result *r) IQ_CHECK;
/* kmem_small.c: -o, -h, -g [FLAGS], -v [ADDRESS…], -p [ADDRESS…] */
struct iq_error *kmem_percpu(struct session *s, struct result *r) IQ_CHECK;
struct iq_error *kmem_huge(struct session *s, struct result *r) IQ_CHECK;
struct iq_error *kmem_flags(struct session *s, int nr, char **words, struct result *r) IQ_CHECK;
struct iq_error *kmem_vmaps(struct session *s, int nr, char **words, struct result *r) IQ_CHECK;
struct iq_error *kmem_pages(struct session *s, int nr, char **words, struct result *r) IQ_CHECK;

/* "280.4 MB", "339 MB", "12 KB", "0": pages as crash writes sizes. */
void text_pages_size(struct session *s, int64_t pages, char *buf, size_t room);

#endif
