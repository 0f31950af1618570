// SPDX-License-Identifier: GPL-2.0-or-later
/* Plug-ins: loading them. */
#include "plugin.h"
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* More commands than anybody writes into one plug-in: what has more is not what it says. */
#define COMMANDS_MOST 1000

static struct plugins *all(struct session *s)
{
	if (!s->plugins)
		s->plugins = calloc(1, sizeof(*s->plugins));
	return s->plugins;
}

/* The whole path: dlopen() looks for a name without a slash in the system's libraries. */
static char *whole_path(const char *typed)
{
	const char *home = getenv("HOME");
	struct iq_buf path = {0};
	char *whole;

	if (!strncmp(typed, "~/", 2) && home)
		iq_buf_printf(&path, "%s%s", home, typed + 1);
	else
		iq_buf_puts(&path, typed);
	whole = realpath(iq_buf_str(&path), NULL);
	if (!whole) {
		/* It is not there, which is said when it is to be loaded. */
		whole = strchr(iq_buf_str(&path), '/') ? strdup(iq_buf_str(&path)) : NULL;
		if (!whole && asprintf(&whole, "./%s", iq_buf_str(&path)) < 0)
			whole = NULL;
	}
	iq_buf_free(&path);
	return whole;
}

struct plugin *plugin_find(struct session *s, const char *typed)
{
	for (unsigned int i = 0; s->plugins && i < s->plugins->nr; i++) {
		struct plugin *p = &s->plugins->plugin[i];
		const char *last = strrchr(p->path, '/');

		if (!strcmp(p->typed, typed) || !strcmp(p->path, typed) ||
		    (last && !strcmp(last + 1, typed)))
			return p;
	}
	return NULL;
}

struct iq_error *plugin_want(struct session *s, const char *typed, bool optional)
{
	struct plugins *l = all(s);
	char *path = whole_path(typed), *copy = strdup(typed);

	if (!l || !path || !copy || !iq_grow(&l->plugin, &l->room, l->nr + 1, sizeof(*l->plugin))) {
		free(path);
		free(copy);
		return iq_error_nomem();
	}
	for (unsigned int i = 0; i < l->nr; i++) {
		if (strcmp(l->plugin[i].path, path))
			continue;
		l->plugin[i].optional &= optional;
		free(path);
		free(copy);
		return NULL;
	}
	l->plugin[l->nr++] = (struct plugin){.typed = copy, .path = path, .optional = optional};
	return NULL;
}

static bool sane_name(const char *name)
{
	if (!name || !isalpha((unsigned char)name[0]))
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && *name != '_' && *name != '-')
			return false;
	}
	return true;
}

static struct iq_error *check(const struct plugin *p, const struct iq_plugin *d)
{
	if (!d)
		return iq_error_new(IQ_E_FORMAT,
				    "%s is no plug-in of inquest's: it has no inquest_plugin",
				    p->path);
	if (d->api != IQ_PLUGIN_API)
		return iq_error_hint(
			iq_error_new(IQ_E_FORMAT,
				     "%s was made for version %u of the plug-in interface", p->path,
				     d->api),
			"this inquest has version %u: compile it again", IQ_PLUGIN_API);
	if (!d->name || !d->commands || !d->nr_commands || d->nr_commands > COMMANDS_MOST)
		return iq_error_new(IQ_E_FORMAT, "%s has no name or no commands", p->path);
	for (unsigned int i = 0; i < d->nr_commands; i++) {
		const struct iq_plugin_command *c = &d->commands[i];

		if (!sane_name(c->name) || !c->summary || !c->help || !c->run)
			return iq_error_new(
				IQ_E_FORMAT,
				"command %u of %s has no usable name, no help or no run()", i,
				p->path);
		if (command_by_name(c->name))
			return iq_error_new(IQ_E_FORMAT,
					    "%s has a command %s, which inquest has itself",
					    p->path, c->name);
	}
	return NULL;
}

struct iq_error *plugin_load(struct plugin *p)
{
	const struct iq_plugin *d;
	struct iq_error *err;
	void *handle = dlopen(p->path, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return iq_error_new(IQ_E_IO, "cannot load the plug-in %s", dlerror());
	d = dlsym(handle, "inquest_plugin");
	err = check(p, d);
	if (!err) {
		p->command = calloc(d->nr_commands, sizeof(*p->command));
		if (!p->command)
			err = iq_error_nomem();
	}
	if (err) {
		dlclose(handle);
		return err;
	}
	for (unsigned int i = 0; i < d->nr_commands; i++) {
		const struct iq_plugin_command *c = &d->commands[i];

		/* What they ask for finds the context when it needs it. */
		p->command[i] = (struct command){.name = c->name,
						 .summary = c->summary,
						 .help = c->help,
						 .run = plugin_run,
						 .no_context = true};
	}
	p->handle = handle;
	p->description = d;
	return NULL;
}

void plugin_unload(struct plugin *p)
{
	if (p->handle)
		dlclose(p->handle);
	free(p->command);
	iq_error_free(p->error);
	*p = (struct plugin){.typed = p->typed, .path = p->path};
}

void plugins_load(struct session *s)
{
	for (unsigned int i = 0; s->plugins && i < s->plugins->nr; i++) {
		struct plugin *p = &s->plugins->plugin[i];

		if (!p->handle && !p->error)
			p->error = plugin_load(p);
	}
}

struct iq_error *plugins_error(struct session *s)
{
	for (unsigned int i = 0; s->plugins && i < s->plugins->nr; i++) {
		struct plugin *p = &s->plugins->plugin[i];
		struct iq_error *err = p->error;

		if (!err || p->optional)
			continue;
		p->error = NULL;
		return err;
	}
	return NULL;
}

void plugins_free(struct session *s)
{
	for (unsigned int i = 0; s->plugins && i < s->plugins->nr; i++) {
		plugin_unload(&s->plugins->plugin[i]);
		free(s->plugins->plugin[i].typed);
		free(s->plugins->plugin[i].path);
	}
	if (s->plugins)
		free(s->plugins->plugin);
	free(s->plugins);
	s->plugins = NULL;
}

const struct command *plugin_command(const struct session *s, unsigned int n)
{
	for (unsigned int i = 0; s->plugins && i < s->plugins->nr; i++) {
		const struct plugin *p = &s->plugins->plugin[i];
		unsigned int nr = p->handle ? p->description->nr_commands : 0;

		if (n < nr)
			return &p->command[n];
		n -= nr;
	}
	return NULL;
}

const struct command *session_command(const struct session *s, const char *name)
{
	const struct command *c = command_by_name(name);

	for (unsigned int i = 0; !c; i++) {
		const struct command *other = plugin_command(s, i);

		if (!other)
			break;
		if (!strcmp(other->name, name))
			c = other;
	}
	return c;
}
