/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings of inquest/slab_check.h, kept and shown. */
#ifndef INQUEST_CLI_SLAB_FINDINGS_H
#define INQUEST_CLI_SLAB_FINDINGS_H

#include "cli.h"
#include <inquest/slab_check.h>

#define MAX_SLAB_FINDINGS 1000 /* kept of one check; more are counted */

struct slab_findings {
	struct iq_slab_finding *list;
	unsigned int nr, room;
	uint64_t more; /* beyond those kept */
};

/* For iq_…_check(): keeps F in the struct slab_findings ARG. */
bool slab_findings_add(void *arg, const struct iq_slab_finding *f);
void slab_findings_free(struct slab_findings *x);
/* A line each, indented. */
void text_slab_findings(const struct slab_findings *x, struct iq_buf *out);
/* "  16k  kmalloc-64": the size of a new slab, and the name. */
void text_slab_size(struct session *s, const struct iq_cache *c, struct iq_buf *out);
/* An array. */
json_t *json_slab_findings(const struct slab_findings *x);

#endif
