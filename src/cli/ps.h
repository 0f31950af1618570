/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ps found: between cmd_ps.c, which fills it in, and ps_show.c, which shows it. */
#ifndef INQUEST_CLI_PS_H
#define INQUEST_CLI_PS_H

#include "internal.h"
#include <inquest/process.h>

enum ps_view {
	VIEW_TABLE,
	VIEW_STATES, /* -S */
	VIEW_LAST_RUN, /* -l: when each ran last */
	VIEW_AGO, /* -m: how long ago that was */
	VIEW_PARENTS, /* -p */
	VIEW_CHILDREN, /* -c */
	VIEW_THREADS, /* -g */
	VIEW_TIMES, /* -t */
	VIEW_LIMITS, /* -r */
	VIEW_ARGUMENTS, /* -a */
};

/* What -t, -r and -a find out about a task. */
struct ps_more {
	bool known;
	struct iq_times times;
	struct iq_limit limit[IQ_LIMITS];
	struct iq_buf args, environment; /* raw, each string ended by a NUL */
	bool missing; /* a part of them is not in the dump */
	char *reason; /* why they are not known, escaped; NULL: they are */
};

struct ps_row {
	const struct iq_task *task; /* owned by the kernel */
	unsigned int depth; /* indentation of the tree views */
	bool ends_group; /* of -g */
	bool nothing; /* instead of a task: none below */
	bool has_time;
	uint64_t time; /* ns: of -l, -m */
	struct ps_more *more; /* owned; NULL: not asked for */
};

struct ps_result {
	enum ps_view view;
	bool no_header, stack_pointer;
	struct ps_row *row;
	unsigned int nr, room;
	unsigned int *cpu; /* -C: a block for each of these CPUs; NULL: one for all tasks */
	unsigned int nr_cpus;
};

extern const struct result_ops ps_ops;
void ps_free(void *data);

#endif
