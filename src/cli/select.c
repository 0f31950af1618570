// SPDX-License-Identifier: GPL-2.0-or-later
/* Tasks by what the user typed: pid, address, name, 'regex'. */
#include "internal.h"
#include <ctype.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>

struct iq_error *task_list_add(struct task_list *list, const struct iq_task *t)
{
	for (unsigned int i = 0; i < list->nr; i++) {
		if (list->task[i] == t)
			return NULL;
	}
	if (!iq_grow(&list->task, &list->room, list->nr + 1, sizeof(*list->task)))
		return iq_error_nomem();
	list->task[list->nr++] = t;
	return NULL;
}

void task_list_free(struct task_list *list)
{
	free(list->task);
	*list = (struct task_list){0};
}

/* The name as it is shown, so that what can be seen can be typed. */
static bool name_matches(const struct iq_task *t, const char *name, const regex_t *pattern)
{
	struct iq_buf comm = {0};
	bool matches;

	iq_buf_add_escaped(&comm, t->comm, strnlen(t->comm, sizeof(t->comm)), false);
	matches = pattern ? !regexec(pattern, iq_buf_str(&comm), 0, NULL, 0)
			  : !strcmp(iq_buf_str(&comm), name);
	iq_buf_free(&comm);
	return matches;
}

static struct iq_error *by_name(const struct iq_task *tasks, unsigned int nr, const char *name,
				const regex_t *pattern, struct task_list *list)
{
	for (unsigned int i = 0; i < nr; i++) {
		if (name_matches(&tasks[i], name, pattern))
			IQ_TRY(task_list_add(list, &tasks[i]));
	}
	return NULL;
}

static struct iq_error *by_pattern(const struct iq_task *tasks, unsigned int nr, const char *word,
				   struct task_list *list)
{
	char *text = strndup(word + 1, strlen(word) - 2);
	struct iq_error *err;
	char reason[128];
	regex_t pattern;
	int e;

	if (!text)
		return iq_error_nomem();
	e = regcomp(&pattern, text, REG_EXTENDED | REG_NOSUB);
	if (e) {
		regerror(e, &pattern, reason, sizeof(reason));
		err = iq_error_new(IQ_E_USAGE, "bad regular expression %s: %s", word, reason);
		free(text);
		return err;
	}
	err = by_name(tasks, nr, NULL, &pattern, list);
	regfree(&pattern);
	free(text);
	return err;
}

static bool decimal(const char *word)
{
	return *word && strspn(word, "0123456789") == strlen(word);
}

static struct iq_error *by_pid(const struct iq_task *tasks, unsigned int nr, const char *word,
			       struct task_list *list)
{
	uint64_t pid;

	/* Leading zeros make no octal number of a pid. */
	while (word[0] == '0' && word[1])
		word++;
	if (!iq_parse_u64(word, &pid))
		return NULL;
	/* The idle tasks share pid 0. */
	for (unsigned int i = 0; i < nr; i++) {
		if (tasks[i].pid == pid)
			IQ_TRY(task_list_add(list, &tasks[i]));
	}
	return NULL;
}

struct iq_error *select_tasks(struct session *s, const char *word, struct task_list *list)
{
	const struct iq_task *tasks, *t;
	unsigned int nr, before = list->nr;
	struct iq_kernel *k;
	size_t len = strlen(word);
	uint64_t address;

	IQ_TRY(need_kernel(s, &k));
	IQ_TRY(iq_tasks(k, &tasks, &nr));
	if (len >= 2 && word[0] == '\'' && word[len - 1] == '\'') {
		IQ_TRY(by_pattern(tasks, nr, word, list));
		if (list->nr == before)
			return iq_error_new(IQ_E_NOT_FOUND, "no task has a name that matches %s",
					    word);
		return NULL;
	}
	/* crash's way to say that it is a name, whatever it looks like. */
	if (word[0] == '\\' && word[1]) {
		IQ_TRY(by_name(tasks, nr, word + 1, NULL, list));
		return list->nr > before ? NULL :
		       iq_error_new(IQ_E_NOT_FOUND, "no task has the name %s", word + 1);
	}
	if (decimal(word))
		IQ_TRY(by_pid(tasks, nr, word, list));
	if (list->nr == before && word_address(s, word, &address)) {
		t = iq_task_by_address(k, address);
		if (t)
			IQ_TRY(task_list_add(list, t));
	}
	if (list->nr == before)
		IQ_TRY(by_name(tasks, nr, word, NULL, list));
	if (list->nr == before)
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND,
						  "no task has the pid, address or name %s", word),
				     "ps lists the tasks; 'regex' in quotes matches names");
	return NULL;
}

struct iq_error *with_tasks(struct session *s, int nr, char **words, bool (*room)(void *arg, unsigned int most),
			    struct iq_error *(*add)(struct session *s, void *arg, const struct iq_task *t),
			    void *arg)
{
	struct task_list tasks = {0};
	struct iq_error *err = NULL;
	const struct iq_task *t;

	for (int i = 0; !err && i < nr; i++)
		err = select_tasks(s, words[i], &tasks);
	if (!err && !nr) {
		err = need_task(s, &t);
		if (!err)
			err = task_list_add(&tasks, t);
	}
	if (!err && !room(arg, IQ_MAX(tasks.nr, 1)))
		err = iq_error_nomem();
	for (unsigned int i = 0; !err && i < tasks.nr; i++)
		err = add(s, arg, tasks.task[i]);
	task_list_free(&tasks);
	return err;
}
