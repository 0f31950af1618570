/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front: the process that the user started.  It reads the command line, the terminal and
 * standard input, starts shells and opens files, and never looks at a byte of a dump; the worker,
 * which it forks, does in a sandbox.  docs/sandbox.md.
 */
#ifndef INQUEST_CLI_FRONT_H
#define INQUEST_CLI_FRONT_H

#include "broker.h"
#include "internal.h"

struct front;

/* What the worker is to do; both run in its process, in the sandbox. */
struct worker_work {
	/* Open what the user named; 0, or the status that inquest ends with. */
	int (*open)(struct session *s, void *arg);
	/* Show what a session begins with. */
	void (*greet)(struct session *s);
	void *arg;
	bool keep_stdin; /* it reads standard input, which nobody else does */
};

/*
 * Start a worker for S, which becomes the front's: run_line() and the prompt go through it from
 * now on.  BROKER is taken over.  *STATUS is what the worker's open() returned.  The process that
 * returns is the front; the worker leaves from within.
 */
struct iq_error *front_start(struct session *s, struct broker *broker, const struct worker_work *work,
			     int *status) IQ_CHECK;
/* The banner. */
void front_greet(struct session *s);
/* As run_part() and complete_word(). */
bool front_run(struct session *s, const struct line_part *part);
unsigned int front_complete(struct session *s, const char *line, size_t start, const char *word,
			    char **ret, unsigned int room);
/* Have the worker leave; STATUS unless that is 0 and the worker's was not. */
int front_end(struct session *s, int status);
/* For the handler of SIGINT: pass it on to a worker that is at work. */
void front_interrupt(void);

/* worker.c: what the worker does until it is told to leave; its exit status. */
int worker_serve(struct session *s, const struct worker_work *work, int channel);

#endif
