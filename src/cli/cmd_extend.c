// SPDX-License-Identifier: GPL-2.0-or-later
/* extend: plug-ins. */
#include "plugin.h"
#include "sandbox.h"
#include <stdlib.h>

struct extend {
	bool list;
	const char *what; /* "loaded" or "unloaded" */
	char **file; /* of these; owned */
	unsigned int nr, room;
};

static void free_result(void *data)
{
	struct extend *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free(x->file[i]);
	free(x->file);
	free(x);
}

static void text_list(struct session *s, struct iq_buf *out)
{
	size_t width = strlen("SHARED OBJECT");
	unsigned int nr = s->plugins ? s->plugins->nr : 0, loaded = 0;

	for (unsigned int i = 0; i < nr; i++) {
		const struct plugin *p = &s->plugins->plugin[i];

		loaded += p->handle != NULL;
		if (p->handle)
			width = IQ_MAX(width, strlen(p->path));
	}
	if (!loaded) {
		iq_buf_puts(out, "no plug-in is loaded\n");
		return;
	}
	iq_buf_printf(out, "%-*s  COMMANDS\n", (int)width, "SHARED OBJECT");
	for (unsigned int i = 0; i < nr; i++) {
		const struct plugin *p = &s->plugins->plugin[i];

		if (!p->handle)
			continue;
		iq_buf_printf(out, "%-*s ", (int)width, p->path);
		for (unsigned int n = 0; n < p->description->nr_commands; n++)
			iq_buf_printf(out, " %s", p->command[n].name);
		iq_buf_putc(out, '\n');
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct extend *x = r->data;

	if (x->list)
		text_list(s, out);
	for (unsigned int i = 0; i < x->nr; i++)
		iq_buf_printf(out, "%s: shared object %s\n", x->file[i], x->what);
}

static json_t *json(struct session *s, const struct result *r)
{
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; s->plugins && i < s->plugins->nr; i++) {
		const struct plugin *p = &s->plugins->plugin[i];
		json_t *e, *names;

		if (!p->handle)
			continue;
		e = json_object();
		names = json_array();
		for (unsigned int n = 0; n < p->description->nr_commands; n++)
			json_array_append_new(names, json_string(p->command[n].name));
		json_object_set_new(e, "file", json_text(p->path, strlen(p->path)));
		json_object_set_new(e, "name",
				    json_text(p->description->name, strlen(p->description->name)));
		json_object_set_new(e, "commands", names);
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "plugins", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

static struct iq_error *load(struct session *s, const char *word, bool *news)
{
	struct plugin *p = plugin_find(s, word);

	*news = false;
	if (p && p->handle)
		return NULL;
	if (p && p->error)
		return iq_error_new(p->error->code, "%s", p->error->message);
	if (sandbox_channel() >= 0)
		return iq_error_hint(iq_error_new(IQ_E_UNAVAILABLE,
						  "%s cannot be loaded now: the sandbox is closed",
						  word),
				     "start inquest with --extend %s, or with --no-sandbox", word);
	IQ_TRY(plugin_want(s, word, true));
	plugins_load(s);
	for (unsigned int i = 0; i < s->plugins->nr; i++) {
		struct iq_error *err = s->plugins->plugin[i].error;

		if (!err)
			continue;
		/* It may be there when it is asked for again. */
		s->plugins->plugin[i].error = NULL;
		return err;
	}
	*news = true;
	return NULL;
}

static struct iq_error *unload(struct session *s, const char *word)
{
	struct plugin *p = plugin_find(s, word);

	if (!p || !p->handle)
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "%s is not loaded", word),
				     "extend lists the plug-ins that are");
	plugin_unload(p);
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct extend *x = data;
	struct iq_error *err;
	bool off = false, news = true;
	int option;

	while ((option = next_option(&o, "u", &err)) != -1) {
		if (option == '?')
			return err;
		off = true;
	}
	x->what = off ? "unloaded" : "loaded";
	x->list = o.index == argc;
	if (off && x->list)
		return iq_error_new(IQ_E_USAGE, "-u needs the name of a plug-in");
	for (int i = o.index; i < argc; i++) {
		IQ_TRY(off ? unload(s, argv[i]) : load(s, argv[i], &news));
		if (!news)
			continue;
		if (!iq_grow(&x->file, &x->room, x->nr + 1, sizeof(*x->file)))
			return iq_error_nomem();
		x->file[x->nr] = strdup(argv[i]);
		if (!x->file[x->nr])
			return iq_error_nomem();
		x->nr++;
	}
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct extend), fill, &ops, r);
}

const struct command cmd_extend = {
	.name = "extend",
	.summary = "plug-ins: commands from shared objects",
	.help = "extend [FILE.so... | -u FILE.so...]\n"
		"\n"
		"Without a FILE: the plug-ins that are loaded, and their commands, which help "
		"explains.\n"
		"With FILE: load it.  The sandbox allows that only before the dump is opened, so "
		"plug-ins\n"
		"are named at the start: inquest --extend FILE.so, or a line extend FILE.so in\n"
		"~/.inquestrc, which is read ahead for them.  With --no-sandbox they can be loaded "
		"at any\n"
		"time.  A plug-in that is loaded already is not loaded again.\n"
		"\n"
		"  -u   unload\n"
		"\n"
		"  $ inquest --extend ./counts.so vmcore\n"
		"  inquest> extend\n"
		"  inquest> states\n"
		"  inquest> extend -u counts.so\n",
	.run = run,
	.completes = "f",
	.no_context = true,
};
