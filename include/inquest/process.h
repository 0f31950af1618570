/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process was given: its times, limits and scheduling policy (include/linux/sched.h,
 * sched/signal.h), and the words it was started with (mm_struct.arg_start …, in its own memory).
 */
#ifndef INQUEST_PROCESS_H
#define INQUEST_PROCESS_H

#include <inquest/task.h>

/*
 * The kernel's monotonic clock (ns since it began, without time asleep) as it was at the last tick before
 * the dump: struct timekeeper.  False: not known.
 */
bool iq_kernel_monotonic(struct iq_kernel *k, uint64_t *ns);

struct iq_times {
	uint64_t start;		/* ns on the monotonic clock */
	uint64_t utime, stime;	/* ns in user and kernel mode */
	uint64_t run;		/* ns from `start` to the dump */
	bool has_run;
};
/* False: the kernel's task_struct has no such members, or they cannot be read. */
bool iq_task_times(struct iq_kernel *k, const struct iq_task *t, struct iq_times *ret);

/* include/uapi/asm-generic/resource.h, in its order */
#define IQ_LIMITS 16
struct iq_limit {
	uint64_t current, maximum; /* UINT64_MAX: unlimited */
};
/* The resource limits of T's process; false: not readable. */
bool iq_task_limits(struct iq_kernel *k, const struct iq_task *t, struct iq_limit ret[IQ_LIMITS]);
/* "CPU", "FSIZE", … without RLIMIT_. */
const char *iq_limit_name(unsigned int limit);

/* SCHED_NORMAL 0, FIFO 1, RR 2, BATCH 3, ISO 4, IDLE 5, DEADLINE 6, EXT 7; false: not readable. */
bool iq_task_policy(struct iq_kernel *k, const struct iq_task *t, unsigned int *ret);

/*
 * The arguments and the environment of T as they lie in its memory: raw bytes, strings ended by NULs.
 * What cannot be read is left out, and *MISSING (may be NULL) says so.
 * IQ_E_UNAVAILABLE: it has no user memory; IQ_E_MEMORY: nothing of it can be read.
 */
struct iq_error *iq_task_arguments(struct iq_kernel *k, const struct iq_task *t, struct iq_buf *args,
				   struct iq_buf *environment, bool *missing) IQ_CHECK;

#endif
