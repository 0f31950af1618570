/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers: the wheels of kernel/time/timer.c (struct timer_base, since 4.8) and the trees of
 * kernel/time/hrtimer.c (struct hrtimer_cpu_base).
 */
#ifndef INQUEST_TIMER_H
#define INQUEST_TIMER_H

#include <inquest/kernel.h>

/* A struct timer_list or struct hrtimer that was waiting. */
struct iq_timer {
	uint64_t address;
	/* When it is due: in jiffies; of an hrtimer in ns of its clock, at the earliest (`soft`) and at the latest. */
	uint64_t expires, soft;
	uint64_t function;
	uint64_t work; /* what a struct delayed_work that it starts will call; 0: it is none */
};

/* A struct timer_base or hrtimer_clock_base. */
struct iq_timer_base {
	unsigned int cpu, index;
	uint64_t cpu_base; /* hrtimers: struct hrtimer_cpu_base */
	uint64_t address;
	char name[32];	   /* "BASE_STD"; hrtimers: how the clock is read, "ktime_get_real" */
	uint64_t now;	   /* hrtimers: the clock at the last tick, ns; 0 unknown */
	unsigned int first, nr; /* which of iq_timers.timer wait on it; by time, the soonest first */
};

struct iq_timers {
	uint64_t jiffies;
	struct iq_timer_base *base;
	unsigned int nr_bases, room_bases;
	struct iq_timer *timer;
	unsigned int nr_timers, room_timers;
};

/*
 * The timers of all CPUs that are there (present), by CPU.  A damaged list or tree ends with a warning, the
 * next is read all the same.  IQ_E_UNAVAILABLE: this kernel has no types, or no such timers.
 */
struct iq_error *iq_timer_wheels(struct iq_kernel *k, struct iq_timers *ret) IQ_CHECK;
struct iq_error *iq_hrtimers(struct iq_kernel *k, struct iq_timers *ret) IQ_CHECK;
void iq_timers_free(struct iq_timers *t);

/* Ticks a second (CONFIG_HZ), as the kernel's own clock of jiffies says; 0 unknown. */
unsigned int iq_kernel_hz(struct iq_kernel *k);

#endif
