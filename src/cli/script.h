/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines that stand for other lines: aliases, scripts (`< FILE`, -i, the start files) and repeat.
 */
#ifndef INQUEST_CLI_SCRIPT_H
#define INQUEST_CLI_SCRIPT_H

#include "internal.h"
#include <stdio.h>

/* ---- alias.c --------------------------------------------------------------------------------- */

struct alias {
	char *name, *text;
};
struct aliases;

/* What NAME stands for; NULL: it is no alias. */
const char *alias_text(struct session *s, const char *name);
/* From now on NAME stands for TEXT; an empty TEXT: for nothing. */
struct iq_error *alias_set(struct session *s, const char *name, const char *text) IQ_CHECK;
/* Those that the session made, in the order in which they were made; until the next alias_set(). */
const struct alias *alias_list(struct session *s, unsigned int *nr);
/* Those that are always there, as crash has them; ends with a NULL name. */
struct builtin_alias {
	const char *name, *text;
};
const struct builtin_alias *alias_builtins(void);
void alias_free(struct aliases *a); /* NULL is allowed */

/* ---- script.c -------------------------------------------------------------------------------- */

/*
 * If PART is `< FILE`, `repeat …` or begins with an alias: run what it stands for, *OK if all of it
 * succeeded, and return true.
 */
bool run_macro(struct session *s, const struct line_part *part, bool *ok);
/* All lines of F; false if one failed.  Stops when the session ends or at Ctrl-C. */
bool run_stream(struct session *s, FILE *f);
/* The same of the file at PATH; that it cannot be opened has been said. */
bool run_file(struct session *s, const char *path);
/*
 * ~/.inquestrc, then .inquestrc in this directory: the latter only if it is the user's own and nobody else may
 * write to it, for the directory may have come with the dump.
 */
void run_start_files(struct session *s);
/* Read the same files ahead for plug-ins, which lines `extend FILE.so` name: they are loaded first. */
struct iq_error *want_start_plugins(struct session *s) IQ_CHECK;

#endif
