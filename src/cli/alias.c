// SPDX-License-Identifier: GPL-2.0-or-later
/* Aliases: names that stand for the beginning of a line. */
#include "script.h"
#include <stdlib.h>

#define ALIASES_MAX 1000

struct aliases {
	struct alias *alias;
	unsigned int nr, room;
};

/* crash's, but for those that are commands here; and what gdb's users type behind "gdb". */
static const struct builtin_alias builtins[] = {
	{"?", "help"},	     {"for", "foreach"}, {"g", ""},	       {"gdb", ""},
	{"inspect", "p"},    {"pd", "p -d"},	 {"print", "p"},       {"ptype", "whatis"},
	{"px", "p -x"},	     {"sf", "set scroll off"},		       {"size", "struct"},
	{"sn", "set scroll on"},		 {NULL, NULL},
};

const struct builtin_alias *alias_builtins(void)
{
	return builtins;
}

static struct alias *find(const struct session *s, const char *name)
{
	for (unsigned int i = 0; s->aliases && i < s->aliases->nr; i++)
		if (!strcmp(s->aliases->alias[i].name, name))
			return &s->aliases->alias[i];
	return NULL;
}

const char *alias_text(struct session *s, const char *name)
{
	const struct alias *own = find(s, name);

	if (own)
		return own->text;
	for (const struct builtin_alias *b = builtins; b->name; b++)
		if (!strcmp(b->name, name))
			return b->text;
	return NULL;
}

const struct alias *alias_list(struct session *s, unsigned int *nr)
{
	*nr = s->aliases ? s->aliases->nr : 0;
	return s->aliases ? s->aliases->alias : NULL;
}

static void forget(struct session *s, struct alias *a)
{
	struct aliases *all = s->aliases;
	size_t at = (size_t)(a - all->alias);

	free(a->name);
	free(a->text);
	memmove(a, a + 1, (all->nr - at - 1) * sizeof(*a));
	all->nr--;
}

struct iq_error *alias_set(struct session *s, const char *name, const char *text)
{
	struct alias *own = find(s, name), new;

	if (own)
		forget(s, own);
	if (!*text)
		return own ? NULL : iq_error_new(IQ_E_NOT_FOUND, "there is no alias %s", name);
	if (!s->aliases)
		s->aliases = calloc(1, sizeof(*s->aliases));
	if (!s->aliases)
		return iq_error_nomem();
	if (s->aliases->nr >= ALIASES_MAX)
		return iq_error_new(IQ_E_LIMIT, "there are %u aliases already", ALIASES_MAX);
	new = (struct alias){strdup(name), strdup(text)};
	if (!new.name || !new.text ||
	    !iq_grow(&s->aliases->alias, &s->aliases->room, s->aliases->nr + 1, sizeof(new))) {
		free(new.name);
		free(new.text);
		return iq_error_nomem();
	}
	s->aliases->alias[s->aliases->nr++] = new;
	return NULL;
}

void alias_free(struct aliases *a)
{
	for (unsigned int i = 0; a && i < a->nr; i++) {
		free(a->alias[i].name);
		free(a->alias[i].text);
	}
	if (a)
		free(a->alias);
	free(a);
}
