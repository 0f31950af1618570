/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between cmd_search.c, which searches memory, and search_tasks.c, which searches what tasks have. */
#ifndef INQUEST_CLI_SEARCH_H
#define INQUEST_CLI_SEARCH_H

#include <inquest/whatis.h>

#include "cli.h"

enum search_where {
	SEARCH_ALL,
	SEARCH_UNITY,	/* -K */
	SEARCH_VMALLOC, /* -V */
	SEARCH_USER,	/* -u: these are of tasks */
	SEARCH_STACKS,	/* -t */
	SEARCH_ACTIVE_STACKS, /* -T */
};

struct search_tasks {
	enum search_where where;
	uint64_t value, mask; /* as in struct iq_search */
	unsigned int width;   /* 0: 8 */
	uint64_t start, end;  /* virtual addresses; end 0: no limit */
	struct iq_describer *d; /* NULL: hits are not explained; owned from the call on */
};

/* -t, -T, -u: search stacks, or the context's user memory. */
struct iq_error *search_tasks(struct session *s, const struct search_tasks *t,
			      struct result *r) IQ_CHECK;

#endif
