/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the output of a command goes that is not for standard output: `| shell`, `> file`. */
#ifndef INQUEST_CLI_TARGET_H
#define INQUEST_CLI_TARGET_H

#include "internal.h"

struct target {
	int fd;	   /* to write to */
	pid_t pid; /* of the shell that reads; 0: none */
};

/* Open the file of PART, or start its shell; 0 or errno. */
int target_open(const struct line_part *part, struct target *t);
/* All is written: close it and wait for the shell.  0 or errno; *STATUS as a shell reports it. */
int target_close(struct target *t, int *status);

#endif
