/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals of a task: handlers, masks, what is pending (include/linux/sched/signal.h). */
#ifndef INQUEST_SIGNALS_H
#define INQUEST_SIGNALS_H

#include <inquest/task.h>

#define IQ_SIGNALS 64 /* _NSIG; signals count from 1, bit N - 1 of a set is signal N */

/* A struct k_sigaction. */
struct iq_sigaction {
	uint64_t address;
	uint64_t handler; /* 0 SIG_DFL, 1 SIG_IGN, else an address in the process */
	uint64_t mask, flags;
};
/* A struct sigqueue: one signal that waits. */
struct iq_sigqueue {
	uint64_t address, info; /* its kernel_siginfo */
	int signal;
	bool shared;		/* the whole process was meant, not the thread */
};
struct iq_signals {
	uint64_t signal;		/* struct signal_struct */
	unsigned int threads;		/* its nr_threads */
	unsigned int nr_actions;	/* 64, or 0: the task has no handlers any more */
	struct iq_sigaction action[IQ_SIGNALS];
	uint64_t blocked;
	uint64_t private_pending, shared_pending; /* sets */
	struct iq_sigqueue *queue;	/* owned: private ones, then shared ones */
	unsigned int nr_queue;
};
/*
 * Damage of a queue ends it with a warning.  IQ_E_UNAVAILABLE: no types; IQ_E_MEMORY: the task's
 * signal_struct cannot be read.
 */
struct iq_error *iq_task_signals(struct iq_kernel *k, const struct iq_task *t, struct iq_signals *ret) IQ_CHECK;
void iq_signals_free(struct iq_signals *s);
/*
 * "SIGHUP", "SIGRTMIN+3", "SIGRTMAX-1"; with ALL both names of those that have two ("SIGCHLD/SIGCLD").
 */
void iq_signal_name(unsigned int signal, bool all, struct iq_buf *out);
/* Names of the set's signals, separated by blanks; "(none)". */
void iq_sigset_text(uint64_t set, struct iq_buf *out);
/* sa_flags: "SA_RESTORER|SA_RESTART"; bits without a name as a number; "" none. */
void iq_sigaction_flags_text(uint64_t flags, struct iq_buf *out);

#endif
