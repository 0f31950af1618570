/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plug-ins in the program: which are wanted, loaded, and what commands they bring.  They are named at
 * the start and loaded right before the sandbox closes, for later nothing can be: docs/extend.md.
 */
#ifndef INQUEST_CLI_PLUGIN_H
#define INQUEST_CLI_PLUGIN_H

#include "internal.h"
#include <inquest/plugin.h>

struct plugin {
	char *typed, *path; /* as the user has it, and where that is */
	void *handle; /* NULL: not loaded */
	const struct iq_plugin *description; /* while it is loaded */
	struct command *command; /* its description's commands, owned */
	bool optional; /* a start file names it: its line there will say what is wrong */
	struct iq_error *error; /* why it is not loaded; NULL: nobody has tried */
};
struct plugins {
	struct plugin *plugin;
	unsigned int nr, room;
};

/* ---- plugin.c -------------------------------------------------------------------------------- */

/* Have the plug-in in file TYPED loaded when the time comes; the same one twice is one. */
struct iq_error *plugin_want(struct session *s, const char *typed, bool optional) IQ_CHECK;
/* Load those wanted.  What goes wrong is kept: plugins_error(). */
void plugins_load(struct session *s);
/* The error, now the caller's, of the first that has to be there and is not; NULL: none. */
struct iq_error *plugins_error(struct session *s) IQ_CHECK;
struct iq_error *plugin_load(struct plugin *p) IQ_CHECK;
void plugin_unload(struct plugin *p);
/* The one that TYPED means: as it was typed, its path, or its path's last part; NULL: none. */
struct plugin *plugin_find(struct session *s, const char *typed);
void plugins_free(struct session *s);
/*
 * Command number N of the plug-ins that are loaded, counted through all of them; NULL: there are no
 * more.
 */
const struct command *plugin_command(const struct session *s, unsigned int n);
/* A command by name: the program's own or a plug-in's. */
const struct command *session_command(const struct session *s, const char *name);

/* ---- plugin_api.c ---------------------------------------------------------------------------- */

/* The run() of every plug-in's command. */
struct iq_error *plugin_run(struct session *s, int argc, char **argv, struct result *r);

#endif
