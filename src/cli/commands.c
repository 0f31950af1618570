// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of commands. */
#include "internal.h"

extern const struct command cmd_bt, cmd_dec, cmd_dis, cmd_down, cmd_exit, cmd_foreach, cmd_frame,
	cmd_help, cmd_hex, cmd_info, cmd_kmem, cmd_log, cmd_mod, cmd_p, cmd_ps, cmd_rd, cmd_search,
	cmd_set, cmd_struct, cmd_sym, cmd_sys, cmd_union, cmd_up, cmd_vtop, cmd_whatis, cmd_x;

const struct command *const commands[] = {
	&cmd_bt,    &cmd_dec, &cmd_dis,	   &cmd_down,	&cmd_exit,   &cmd_foreach, &cmd_frame,
	&cmd_help,  &cmd_hex, &cmd_info,   &cmd_kmem,	&cmd_log,    &cmd_mod,	   &cmd_p,
	&cmd_ps,    &cmd_rd,  &cmd_search, &cmd_set,	&cmd_struct, &cmd_sym,	   &cmd_sys,
	&cmd_union, &cmd_up,  &cmd_vtop,   &cmd_whatis, &cmd_x,	     NULL,
};

static const struct alias {
	const char *name, *command;
} aliases[] = {
	{"*", "struct"},  {"dmesg", "log"}, {"h", "help"}, {"last", "ps"},
	{"lsmod", "mod"}, {"man", "help"},  {"q", "exit"}, {"quit", "exit"},
};

static const struct command *by_exact_name(const char *name, size_t len)
{
	for (unsigned int i = 0; commands[i]; i++) {
		if (!strncmp(commands[i]->name, name, len) && !commands[i]->name[len])
			return commands[i];
	}
	return NULL;
}

const struct command *command_by_name(const char *name)
{
	size_t len = strcspn(name, "/");

	/* gdb's way to give a format: x/4xg, p/x. */
	if (name[len] && len == 1 && (name[0] == 'x' || name[0] == 'p'))
		return by_exact_name(name, len);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(aliases); i++) {
		if (!strcmp(aliases[i].name, name))
			return by_exact_name(aliases[i].command, strlen(aliases[i].command));
	}
	return by_exact_name(name, strlen(name));
}
