/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding debug files: where people and distributions put them, by build-id.  A path is made of what a
 * dump says (release, module names) only after it was checked.
 */
#ifndef INQUEST_CLI_FILES_H
#define INQUEST_CLI_FILES_H

#include "internal.h"

struct module_index;

struct finder {
	struct session *s; /* its warnings, its Ctrl-C */
	const char *const *dir; /* --debug-dir, in their order */
	unsigned int nr_dirs;
	char *dump_dir; /* where the dump lies */
	char *cache_dir; /* for what is found out about debug files; NULL: nowhere */
	char *vmlinux_dir; /* where the vmlinux lies that was given; NULL: none was */
	char release[65]; /* "": unknown, or no name that a path can be made of */
	struct module_index *modules; /* made when a module's file is first looked for */
	struct debuginfod *debuginfod;
	bool no_debuginfod; /* it was tried: it cannot be used */
};

/* ---- files.c --------------------------------------------------------------------------------- */

bool sane_build_id(const char *id);
/* $XDG_CACHE_HOME/inquest or ~/.cache/inquest, malloc()ed; NULL: there is no home. */
char *cache_dir(void);
/*
 * The file at PATH, if it can be read and is of KIND and of this build; NULL if not.  BUILD_ID "" or the
 * file's own being unknown: any build will do, if ANY_BUILD.
 */
struct iq_debugfile *try_debugfile(struct finder *f, const char *path, enum iq_file_kind kind,
				   const char *build_id, bool any_build);
/* A file of this build and KIND with debug information, in the folders .build-id; NULL: none. */
struct iq_debugfile *find_by_build_id(struct finder *f, enum iq_file_kind kind,
				      const char *build_id);

/* The same from debuginfod; WHAT names it to the user. */
struct iq_debugfile *fetch_debugfile(struct finder *f, enum iq_file_kind kind, const char *build_id,
				     const char *what);

/* ---- files_modules.c ------------------------------------------------------------------------- */

void module_index_free(struct module_index *x);

/* ---- debuginfod.c ---------------------------------------------------------------------------- */

/*
 * Path, malloc()ed, of the debug information of this build, fetched from the servers in
 * DEBUGINFOD_URLS; NULL: not set, not there, or interrupted.  WHAT names it to the user.
 */
char *debuginfod_fetch(struct finder *f, const char *build_id, const char *what);
void debuginfod_close(struct debuginfod *d);

#endif
