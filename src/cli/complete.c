// SPDX-License-Identifier: GPL-2.0-or-later
/* Completion: what the unfinished word at the prompt may become. */
#include "internal.h"
#include "plugin.h"
#include <stdlib.h>

struct matches {
	const char *prefix; /* the part of the word that is not to be matched: "task_struct." */
	size_t prefix_len;
	const char *word; /* the part that is */
	size_t len;
	char **match;
	unsigned int nr, room;
};

static bool full(const struct matches *m)
{
	return m->nr >= m->room;
}

static void offer(struct matches *m, const char *candidate)
{
	struct iq_buf b = {0};
	char *text;

	if (full(m) || !*candidate || strncmp(candidate, m->word, m->len))
		return;
	iq_buf_add(&b, m->prefix, m->prefix_len);
	/* Names come from the dump and go to the terminal. */
	iq_buf_add_escaped(&b, candidate, strlen(candidate), false);
	text = iq_buf_steal(&b);
	if (text)
		m->match[m->nr++] = text;
}

static void offer_table(struct matches *m, struct iq_symtab *t)
{
	struct iq_symbol symbol;

	for (unsigned int i = 0; t && !full(m) && i < iq_symtab_count(t); i++) {
		if (iq_symtab_at(t, i, &symbol))
			offer(m, symbol.name);
	}
}

static void offer_symbols(struct matches *m, struct iq_kernel *k)
{
	struct iq_module *const *modules;
	struct iq_error *err;
	unsigned int nr;

	offer_table(m, k->symbols);
	err = iq_modules(k, &modules, &nr);
	for (unsigned int i = 0; !err && i < nr; i++)
		offer_table(m, iq_module_symbols(k, modules[i]));
	iq_error_free(err);
}

static void offer_types_of(struct matches *m, struct iq_types *t)
{
	for (uint32_t id = 0; !full(m) && (id = iq_types_next(t, id)) != 0;) {
		const struct iq_type *type = iq_type_by_id(t, id);

		if (type && (type->kind == IQ_KIND_STRUCT || type->kind == IQ_KIND_UNION ||
			     type->kind == IQ_KIND_ENUM || type->kind == IQ_KIND_TYPEDEF))
			offer(m, type->name);
	}
}

static void offer_types(struct matches *m, struct iq_kernel *k)
{
	struct iq_types *t = iq_kernel_types(k);
	struct iq_module *const *modules;
	struct iq_error *err;
	unsigned int nr;

	if (!t)
		return;
	offer_types_of(m, t);
	err = iq_modules(k, &modules, &nr);
	for (unsigned int i = 0; !err && i < nr; i++) {
		t = iq_module_types(k, modules[i]);
		if (t)
			offer_types_of(m, t);
	}
	iq_error_free(err);
}

/* Members of T; those of anonymous structs and unions in it belong to it. */
static void offer_members_of(struct matches *m, const struct iq_type *t, unsigned int depth)
{
	unsigned int nr = 0;
	const struct iq_member *members = iq_type_members(iq_type_strip(t), &nr);

	for (unsigned int i = 0; members && i < nr && depth < 16; i++) {
		if (members[i].name[0])
			offer(m, members[i].name);
		else
			offer_members_of(m, members[i].type, depth + 1);
	}
}

/* "task_struct.se.vr" and "file.f_pos,f_path.d": members behind the last dot or comma. */
static void offer_members(struct matches *m, struct iq_kernel *k, const char *word)
{
	const char *dot = strchr(word, '.'), *comma = strrchr(word, ','),
		   *last = strrchr(word, '.');
	const struct iq_type *type;
	struct iq_member member;
	char name[256], path[256];
	struct iq_error *err;

	if ((size_t)(dot - word) >= sizeof(name) - 8 || strlen(word) >= sizeof(path))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)(dot - word), word);
	type = iq_kernel_type(k, name, NULL);
	if (!type)
		return;
	if (comma && comma > last)
		last = comma;
	m->prefix = word;
	m->prefix_len = (size_t)(last + 1 - word);
	m->word = last + 1;
	m->len = strlen(m->word);
	/* What stands between the type (or the last comma) and the last dot is a path to walk. */
	if (comma)
		dot = comma;
	if (last > dot) {
		snprintf(path, sizeof(path), "%.*s", (int)(last - dot - 1), dot + 1);
		err = iq_member_find(type, path, &member);
		if (err) {
			iq_error_free(err);
			return;
		}
		type = member.type;
	}
	offer_members_of(m, type, 0);
}

static void offer_pids(struct matches *m, struct iq_kernel *k)
{
	const struct iq_task *tasks;
	struct iq_error *err;
	unsigned int nr;
	char pid[16];

	err = iq_tasks(k, &tasks, &nr);
	for (unsigned int i = 0; !err && i < nr; i++) {
		snprintf(pid, sizeof(pid), "%u", tasks[i].pid);
		offer(m, pid);
	}
	iq_error_free(err);
}

/* The command that the word at START belongs to: NULL if the word is a command itself. */
static const struct command *command_of(const char *line, size_t start)
{
	size_t begin = start;
	const struct command *c;
	char *name;

	while (begin && line[begin - 1] != ';')
		begin--;
	if (strspn(line + begin, " \t") >= start - begin)
		return NULL;
	name = words_first(line + begin);
	c = name ? command_by_name(name) : NULL;
	free(name);
	return c;
}

unsigned int complete_word(struct session *s, const char *line, size_t start, const char *word,
			   char **ret, unsigned int room)
{
	struct matches m = {
		.word = word, .len = strlen(word), .prefix = "", .match = ret, .room = room};
	const struct command *c = command_of(line, start);
	const char *kinds = c ? c->completes : "c";

	if (!kinds)
		kinds = "";
	if (strchr(kinds, 'c')) {
		for (unsigned int i = 0; commands[i]; i++)
			offer(&m, commands[i]->name);
		for (unsigned int i = 0; plugin_command(s, i); i++)
			offer(&m, plugin_command(s, i)->name);
	}
	if (!s->kernel)
		return m.nr;
	/* A line may begin with a type, as if struct stood in front of it. */
	if (!c && !m.nr && *word)
		kinds = "t";
	if (strchr(kinds, 't') && strchr(word, '.')) {
		offer_members(&m, s->kernel, word);
		return m.nr;
	}
	if (strchr(kinds, 's'))
		offer_symbols(&m, s->kernel);
	if (strchr(kinds, 't'))
		offer_types(&m, s->kernel);
	if (strchr(kinds, 'p'))
		offer_pids(&m, s->kernel);
	return m.nr;
}
