/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The broker: the part of the front that opens files for the worker.  The worker is not trusted:
 * it may ask for anything, at any time.  docs/sandbox.md has the rules.
 */
#ifndef INQUEST_CLI_BROKER_H
#define INQUEST_CLI_BROKER_H

#include "channel.h"

enum allowed {
	ALLOW_FILE,   /* this file, which the user typed: to read */
	ALLOW_DEBUG,  /* debug files below this directory: to read */
	ALLOW_SOURCE, /* all ordinary files that really lie below this directory: to read */
	ALLOW_CACHE,  /* our own directory: files in it are read, written and removed */
	ALLOW_SCRATCH, /* this directory: files without a name (O_TMPFILE) are made in it */
};

struct allowance {
	char *path; /* without . components and superfluous slashes */
	enum allowed kind;
};

struct broker {
	struct allowance *allowance;
	unsigned int nr, room;
};

/*
 * Allow PATH, as the user typed it, and what it resolves to now.  With ALLOW_FILE the directory
 * that it lies in becomes an ALLOW_DEBUG.  False without memory.
 */
bool broker_allow(struct broker *b, enum allowed kind, const char *path) IQ_CHECK;
/* The directories that debug files are installed in, and those for temporary files. */
bool broker_allow_system(struct broker *b) IQ_CHECK;
void broker_free(struct broker *b);

/*
 * Answer REQUEST, with the file DIR that came with it (-1: none): it becomes the MSG_REPLY.  A file
 * to send along, which belongs to the caller; -1: none.
 */
int broker_serve(struct broker *b, struct message *request, int dir);

#endif
