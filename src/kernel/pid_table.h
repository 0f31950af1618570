/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All tasks by the pid table: a second way to them, and the one on which they can be read ahead. */
#ifndef INQUEST_KERNEL_PID_TABLE_H
#define INQUEST_KERNEL_PID_TABLE_H

#include "private.h"

/* Zero-initialise it and set the first two. */
struct pid_table {
	/* The members of task_struct that will be read lie between these; UINT64_MAX: not known. */
	uint64_t first_byte, last_byte;
	uint64_t *tasks; /* the task_structs that the table leads to, by pid */
	unsigned int nr, room;
	uint64_t tasks_at; /* struct pid: tasks[PIDTYPE_PID] */
	uint64_t links_at; /* task_struct: pid_links[PIDTYPE_PID] */
	struct iq_map index; /* by address: index in `tasks`, plus 1 */
	bool *fetched; /* blocks of `tasks` */
};

/*
 * Read the table, where this kernel's is known; the tasks themselves are not looked at.  Damage is a
 * warning.  False: no memory.
 */
bool pid_table_read(struct iq_kernel *k, struct pid_table *t) IQ_CHECK;
/*
 * The task_struct at ADDRESS will be read now.  A list leads from one task to the next only, but the
 * table knows all, and mostly in the same order: those that follow ADDRESS there are read with it.
 * Each block once, however the list runs.
 */
void pid_table_prefetch(struct iq_kernel *k, struct pid_table *t, uint64_t address);
void pid_table_free(struct pid_table *t);

#endif
