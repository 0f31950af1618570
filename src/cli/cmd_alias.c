// SPDX-License-Identifier: GPL-2.0-or-later
/* alias: names that stand for the beginning of a line. */
#include "script.h"
#include <stdlib.h>

struct alias_result {
	struct session *s;
	char *name; /* the one that is meant; NULL: all */
	bool deleted;
	bool silent; /* made by a script, which need not hear of it */
};

static void free_result(void *data)
{
	struct alias_result *x = data;

	free(x->name);
	free(x);
}

static void row(struct iq_buf *out, const char *origin, const char *name, const char *text)
{
	size_t start = out->len;

	iq_buf_printf(out, "%-8s ", origin);
	iq_buf_add_escaped(out, name, strlen(name), false);
	while (out->len - start < 18)
		iq_buf_putc(out, ' ');
	iq_buf_add_escaped(out, text, strlen(text), false);
	iq_buf_putc(out, '\n');
}

static bool meant(const struct alias_result *x, const char *name)
{
	return !x->name || !strcmp(x->name, name);
}

/* Calls FN for each that is meant: the session's own hide those that are always there. */
static void each(const struct alias_result *x, void (*fn)(void *arg, const char *origin, const char *name,
							  const char *text), void *arg)
{
	unsigned int nr;
	const struct alias *own = alias_list(x->s, &nr);

	for (const struct builtin_alias *b = alias_builtins(); b->name; b++)
		if (meant(x, b->name) && alias_text(x->s, b->name) == b->text)
			fn(arg, "builtin", b->name, b->text);
	for (unsigned int i = 0; i < nr; i++)
		if (meant(x, own[i].name))
			fn(arg, "runtime", own[i].name, own[i].text);
}

static void text_one(void *arg, const char *origin, const char *name, const char *text)
{
	row(arg, origin, name, text);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct alias_result *x = r->data;

	if (x->silent)
		return;
	if (x->deleted) {
		iq_buf_puts(out, "alias deleted: ");
		iq_buf_add_escaped(out, x->name, strlen(x->name), false);
		iq_buf_putc(out, '\n');
		return;
	}
	row(out, "ORIGIN", "ALIAS", "COMMAND");
	each(x, text_one, out);
}

static void json_one(void *arg, const char *origin, const char *name, const char *text)
{
	json_t *o = json_object();

	json_object_set_new(o, "origin", json_string(origin));
	json_object_set_new(o, "name", json_text(name, strlen(name)));
	json_object_set_new(o, "command", json_text(text, strlen(text)));
	json_array_append_new(arg, o);
}

static json_t *json(struct session *s, const struct result *r)
{
	json_t *list = json_array();

	each(r->data, json_one, list);
	return list;
}

static const struct result_ops ops = {text, json, free_result};

static struct iq_error *check_name(const char *name)
{
	if (strlen(name) < 64 && !strpbrk(name, " \t/;|<>()&'\"!#"))
		return NULL;
	return iq_error_new(IQ_E_USAGE, "%s cannot be an alias: it is one word of letters", name);
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct alias_result *x = data;
	struct iq_buf words = {0};
	struct iq_error *err;

	x->s = s;
	if (argc == 1)
		return NULL;
	IQ_TRY(check_name(argv[1]));
	x->name = strdup(argv[1]);
	if (!x->name)
		return iq_error_nomem();
	if (argc == 2)
		return alias_text(s, x->name) ? NULL
					      : iq_error_new(IQ_E_NOT_FOUND, "there is no alias %s", x->name);
	for (int i = 2; i < argc; i++)
		iq_buf_printf(&words, i > 2 ? " %s" : "%s", argv[i]);
	x->deleted = !words.len;
	x->silent = s->macro;
	err = words.failed ? iq_error_nomem() : alias_set(s, x->name, iq_buf_str(&words));
	iq_buf_free(&words);
	return err;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct alias_result), fill, &ops, r);
}

const struct command cmd_alias = {
	.name = "alias",
	.summary = "names that stand for commands",
	.help = "alias [NAME [COMMAND]]\n"
		"\n"
		"From now on NAME at the beginning of a line stands for COMMAND, which is in quotes if it has\n"
		"a pipe or a redirection in it; an empty COMMAND (\"\") ends that.  Without COMMAND: shows\n"
		"what NAME stands for; without NAME: all aliases.  An alias may have the name of a command,\n"
		"which it begins with then.  ~/.inquestrc is the place for aliases that are always wanted.\n"
		"\n"
		"  inquest> alias kp kmem -p\n"
		"  inquest> alias bt bt -f\n"
		"  inquest> alias blocked \"ps -m | grep UN\"\n"
		"  inquest> alias kp \"\"\n",
	.run = run,
	.completes = "c",
	.no_context = true,
	.keep_quotes = false,
};
