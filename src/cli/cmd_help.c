// SPDX-License-Identifier: GPL-2.0-or-later
/* help: the commands, or one of them. */
#include "plugin.h"
#include <stdlib.h>

#define COLUMN 14
#define COLUMNS 5

struct help {
	const struct command *command; /* NULL: the overview */
	bool all;
	bool manual;
};

/* The program's own commands, then those of plug-ins; NULL: no more. */
static const struct command *command_at(const struct session *s, unsigned int n)
{
	unsigned int nr = 0;

	while (nr < n && commands[nr])
		nr++;
	return commands[nr] ? commands[nr] : plugin_command(s, n - nr);
}

static void text_columns(const struct session *s, struct iq_buf *out)
{
	unsigned int nr = 0, rows;

	while (command_at(s, nr))
		nr++;
	rows = (nr + COLUMNS - 1) / COLUMNS;
	for (unsigned int row = 0; row < rows; row++) {
		for (unsigned int column = 0; column * rows + row < nr; column++) {
			iq_buf_pad(out, (size_t)column * COLUMN);
			iq_buf_puts(out, command_at(s, column * rows + row)->name);
		}
		iq_buf_putc(out, '\n');
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct help *h = r->data;

	if (h->manual) {
		text_manual(out);
		return;
	}
	if (h->command) {
		iq_buf_printf(out, "%s: %s\n\nusage: %s", h->command->name, h->command->summary,
			      h->command->help);
		return;
	}
	if (h->all) {
		for (unsigned int i = 0; command_at(s, i); i++) {
			iq_buf_puts(out, command_at(s, i)->name);
			iq_buf_pad(out, 10);
			iq_buf_printf(out, "%s\n", command_at(s, i)->summary);
		}
	} else {
		text_columns(s, out);
	}
	iq_buf_puts(out,
		    "\n"
		    "help NAME explains a command, help all has a line for each.  The name of a\n"
		    "variable, struct or type by itself shows it.  Also: CMD | SHELL, CMD > FILE,\n"
		    "CMD >> FILE, !SHELL, < FILE with commands, and ';' between commands; '#' begins a\n"
		    "comment.\n");
}

static json_t *json_one(const struct command *c, bool with_help)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(c->name));
	json_object_set_new(o, "summary", json_string(c->summary));
	if (with_help)
		json_object_set_new(o, "help", json_string(c->help));
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct help *h = r->data;
	json_t *o, *list;

	if (h->command)
		return json_one(h->command, true);
	o = json_object();
	list = json_array();
	for (unsigned int i = 0; command_at(s, i); i++)
		json_array_append_new(list, json_one(command_at(s, i), false));
	json_object_set_new(o, "commands", list);
	return o;
}

static const struct result_ops ops = {text, json, free};

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {.argc = argc, .argv = argv};
	const struct command *c = NULL;
	struct iq_error *err;
	struct help *h;
	bool all, manual = false;
	int option;

	while ((option = next_option(&o, "m", &err)) != -1) {
		if (option == '?')
			return err;
		manual = true;
	}
	if (o.index + 1 < argc)
		return iq_error_new(IQ_E_USAGE, "help explains one command at a time");
	all = o.index < argc && !strcmp(argv[o.index], "all");
	if (o.index < argc && !all) {
		c = session_command(s, argv[o.index]);
		if (!c) {
			struct iq_nearest nearest = {.word = argv[o.index]};

			for (unsigned int i = 0; command_at(s, i); i++)
				iq_nearest_offer(&nearest, command_at(s, i)->name);
			err = iq_error_new(IQ_E_NOT_FOUND, "no such command: %s", argv[o.index]);
			return iq_nearest_hint(&nearest,
					       iq_error_hint(err, "help lists the commands"));
		}
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return iq_error_nomem();
	h->command = c;
	h->all = all;
	h->manual = manual;
	*r = (struct result){&ops, h};
	return NULL;
}

const struct command cmd_help = {
	.name = "help",
	.summary = "list the commands, or explain one",
	.help = "help [NAME | all | -m]\n"
		"\n"
		"Without NAME: the names of all commands.  With NAME: what that command does,\n"
		"its options and examples.  help all has one line for each command; -m is the\n"
		"manual page of all of them, as source for man.  man is the same command.\n"
		"\n"
		"  inquest> help bt\n"
		"  inquest> help -m > /tmp/inquest.1\n",
	.run = run,
	.completes = "c",
	.no_context = true,
};
