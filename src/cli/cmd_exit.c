// SPDX-License-Identifier: GPL-2.0-or-later
/* exit: end the session. */
#include "internal.h"

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;

	if (next_option(&o, "", &err) != -1)
		return err;
	if (o.index < argc)
		return iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]);
	s->quit = true;
	return NULL;
}

const struct command cmd_exit = {
	.name = "exit",
	.summary = "end the session",
	.help = "exit\n"
		"\n"
		"Ends the session; so do q, quit and Ctrl-D.  What follows it in -c or on\n"
		"standard input is not run any more.\n",
	.run = run,
	.no_context = true,
};
