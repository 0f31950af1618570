/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that show the system share: timer, irq, runq, waitq, swap, mach. */
#ifndef INQUEST_CLI_SYSTEM_H
#define INQUEST_CLI_SYSTEM_H

#include "cli.h"

/* CPUs that a command is restricted to by -c or -C; zero-initialised it means all. */
struct cpu_choice {
	unsigned int *cpu; /* owned */
	unsigned int nr;
};
/* SPEC as crash's cpuspec; an earlier choice is replaced. */
struct iq_error *choose_cpus(struct session *s, const char *spec, struct cpu_choice *ret) IQ_CHECK;
bool cpu_chosen(const struct cpu_choice *c, unsigned int cpu);
void cpu_choice_free(struct cpu_choice *c);

/* "ffffffff9d943f80  <process_timeout>"; without a symbol the address alone. */
void text_function(struct session *s, uint64_t address, struct iq_buf *out);
/* Its name as JSON: "delayed_work_timer_fn", or null. */
json_t *json_function(struct session *s, uint64_t address);

/* "PID: 1      TASK: ff1de516811f0000  COMMAND: "init"", without a newline. */
void text_task_short(const struct iq_task *t, struct iq_buf *out);
/* {"pid", "task", "command"}; null for NULL. */
json_t *json_task_short(const struct iq_task *t);

#endif
