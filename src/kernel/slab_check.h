/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What slab_check.c and slab_bytes.c share. */
#ifndef INQUEST_KERNEL_SLAB_CHECK_H
#define INQUEST_KERNEL_SLAB_CHECK_H

#include "slab_private.h"
#include <inquest/slab_check.h>

struct slab_check {
	struct iq_kernel *k;
	struct slab_layout l;
	bool (*fn)(void *arg, const struct iq_slab_finding *f);
	void *arg;
	bool whole; /* all could be read */
	bool stop;
};

/* Complete F's text and hand it over. */
void slab_report(struct slab_check *x, struct iq_slab_finding *f, const char *fmt, ...) IQ_PRINTF(3, 4);
/* slab_bytes.c: red zones, poison and padding of S, whose objects have these STATES. */
void slab_check_bytes(struct slab_check *x, const struct iq_slab *s, const enum iq_object_state *states);

#endif
