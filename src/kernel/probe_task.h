/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What probe_task.c and probe_member.c share. */
#ifndef INQUEST_KERNEL_PROBE_TASK_H
#define INQUEST_KERNEL_PROBE_TASK_H

#include "probe.h"

#define TASK_SPAN UINT64_C(16384) /* struct task_struct has 6 to 12 KB */
#define TASK_COMM_LEN 16

enum task_kind {
	TASK_OTHER, /* a thread group leader */
	TASK_INIT, /* init_task, idle task of CPU 0 */
	TASK_IDLE, /* of another CPU; on no list */
	TASK_KTHREADD, /* pid 2 */
	TASK_FIRST, /* pid 1 */
};

struct sampled {
	uint64_t address;
	enum task_kind kind;
	int cpu; /* of idle and running tasks; -1 */
	bool running;
	uint8_t bytes[TASK_SPAN];
};

struct task_probe {
	struct iq_kernel *k;
	struct sampled *task; /* init_task, kthreadd, idle tasks, then what is on the list */
	unsigned int nr, nr_known;
	uint64_t kthreadd;
	uint64_t *all; /* the list */
	unsigned int nr_all;
	const struct iq_cpu *current;
	unsigned int nr_cpus;
	/* Offsets; UINT64_MAX: not found. */
	uint64_t comm, tasks, pid, stack, mm;
	uint64_t init_stack, stack_size, return_at;
};

uint64_t task_word(const struct sampled *t, uint64_t at);
uint32_t task_half(const struct sampled *t, uint64_t at);
/* Does FITS hold for every sampled task at AT? */
bool task_all(const struct task_probe *p, uint64_t at,
	      bool (*fits)(const struct task_probe *p, const struct sampled *t, uint64_t at));
/* The only offset of [FROM, TO) for which it does; UINT64_MAX: there is none, or several. */
uint64_t task_only(const struct task_probe *p, uint64_t from, uint64_t to, unsigned int step,
		   bool (*fits)(const struct task_probe *p, const struct sampled *t, uint64_t at));

/* probe_member.c: mm, flags, state, real_parent, cpu, stack_canary. */
void probe_task_members(struct task_probe *p);

#endif
