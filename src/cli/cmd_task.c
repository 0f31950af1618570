// SPDX-License-Identifier: GPL-2.0-or-later
/* task: the task_struct and thread_info of tasks. */
#include "internal.h"
#include "struct.h"
#include <ctype.h>
#include <stdlib.h>

/* What is shown of each task: all of a structure, or a member. */
struct part {
	struct struct_result *shown;
	bool thread_info; /* of it, not of the task_struct */
};

struct task_result {
	bool hex, decimal, members;
	struct part *part;
	unsigned int nr_parts, room_parts;
	struct iq_task *task;
	unsigned int nr;
};

static void free_result(void *data)
{
	struct task_result *x = data;

	for (unsigned int i = 0; i < x->nr_parts; i++)
		struct_shown_free(x->part[i].shown);
	free(x->part);
	free(x->task);
	free(x);
}

static uint64_t base_of(struct session *s, const struct part *p, const struct iq_task *t)
{
	return p->thread_info ? thread_info_address(s->kernel, t) : t->address;
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct task_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		if (i)
			iq_buf_putc(out, '\n');
		text_task_header(&x->task[i], out);
		for (unsigned int p = 0; p < x->nr_parts; p++) {
			if (p && !x->members)
				iq_buf_putc(out, '\n');
			struct_shown_text(x->part[p].shown, base_of(s, &x->part[p], &x->task[i]), out);
		}
		if (!stream_out(s, out))
			return;
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct task_result *x = r->data;
	json_t *o = json_object(), *tasks = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		json_t *t = json_task(&x->task[i]), *parts = json_array();

		for (unsigned int p = 0; p < x->nr_parts; p++)
			json_array_append_new(parts, struct_shown_json(x->part[p].shown,
								       base_of(s, &x->part[p], &x->task[i])));
		json_object_set_new(t, "structs", parts);
		json_array_append_new(tasks, t);
	}
	json_object_set_new(o, "tasks", tasks);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- What to show ------------------------------------------------------------------------------ */

static struct iq_error *add_part(struct session *s, struct task_result *x, const char *tag, const char *member,
				 bool *found)
{
	struct struct_result *shown;
	struct iq_error *err;
	char *word;

	if (asprintf(&word, "%s%s%s", tag, member ? "." : "", member ? member : "") < 0)
		return iq_error_nomem();
	err = struct_shown(s, word, x->hex, x->decimal, &shown);
	free(word);
	if (err && member && err->code == IQ_E_NOT_FOUND) {
		iq_error_free(err);
		return NULL;
	}
	if (err)
		return err;
	if (!iq_grow(&x->part, &x->room_parts, x->nr_parts + 1, sizeof(*x->part))) {
		struct_shown_free(shown);
		return iq_error_nomem();
	}
	x->part[x->nr_parts++] = (struct part){shown, !strcmp(tag, "thread_info")};
	*found = true;
	return NULL;
}

/* "pid,se.on_rq": each of the task_struct, of the thread_info, or of both. */
static struct iq_error *add_members(struct session *s, struct task_result *x, const char *list)
{
	const struct iq_type *type = iq_kernel_type(s->kernel, "struct task_struct", NULL);
	char *copy = strdup(list), *save = NULL;
	struct iq_error *err = copy ? NULL : iq_error_nomem();

	x->members = true;
	for (char *m = copy ? strtok_r(copy, ",", &save) : NULL; m && !err; m = strtok_r(NULL, ",", &save)) {
		bool found = false;

		err = add_part(s, x, "task_struct", m, &found);
		if (!err)
			err = add_part(s, x, "thread_info", m, &found);
		if (!err && !found) {
			struct iq_nearest near = {.word = m};

			if (type)
				iq_members_nearest(type, &near);
			err = iq_nearest_hint(&near, iq_error_new(IQ_E_NOT_FOUND, "%s is not a member of "
								  "task_struct or thread_info", m));
		}
	}
	free(copy);
	return err;
}

static bool room(void *arg, unsigned int most)
{
	struct task_result *x = arg;

	x->task = calloc(most, sizeof(*x->task));
	return x->task;
}

static struct iq_error *add_task(struct session *s, void *arg, const struct iq_task *t)
{
	struct task_result *x = arg;

	x->task[x->nr++] = *t;
	return NULL;
}

/* Names of members may stand among the tasks; a pid is a number, an address hexadecimal. */
static bool is_member(struct session *s, const char *word)
{
	struct task_list list = {0};
	struct iq_error *err;
	bool found;

	if (!isalpha((unsigned char)word[0]) && word[0] != '_')
		return false;
	err = select_tasks(s, word, &list);
	found = !err && list.nr;
	iq_error_free(err);
	/* A name that is both is the member: tasks of a name are for foreach. */
	found = found && iq_task_by_address(s->kernel, list.task[0]->address) &&
		strspn(word, "0123456789abcdefABCDEF") == strlen(word);
	task_list_free(&list);
	return !found;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct task_result *x = data;
	char *lists[MAX_PATHS];
	unsigned int nr_lists = 0;
	struct iq_error *err;
	bool unused;
	int option, nr = 0;

	while ((option = next_option(&o, "R:xd", &err)) != -1) {
		switch (option) {
		case 'x': x->hex = true; break;
		case 'd': x->decimal = true; break;
		case 'R':
			if (nr_lists == MAX_PATHS)
				return iq_error_new(IQ_E_USAGE, "-R was given more than %u times", MAX_PATHS);
			lists[nr_lists++] = (char *)(uintptr_t)o.value;
			break;
		default: return err;
		}
	}
	if (x->hex && x->decimal)
		return iq_error_new(IQ_E_USAGE, "-x is hexadecimal and -d decimal: choose one");
	for (int i = o.index; i < argc; i++) {
		if (!is_member(s, argv[i]))
			argv[o.index + nr++] = argv[i];
		else if (nr_lists == MAX_PATHS)
			return iq_error_new(IQ_E_USAGE, "more than %u members", MAX_PATHS);
		else
			lists[nr_lists++] = argv[i];
	}
	for (unsigned int i = 0; i < nr_lists; i++)
		IQ_TRY(add_members(s, x, lists[i]));
	if (!nr_lists) {
		IQ_TRY(add_part(s, x, "task_struct", NULL, &unused));
		IQ_TRY(add_part(s, x, "thread_info", NULL, &unused));
	}
	return with_tasks(s, nr, argv + o.index, room, add_task, x);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	char **words = calloc((size_t)argc + 1, sizeof(*words));
	struct iq_error *err;
	struct iq_kernel *k;

	if (!words)
		return iq_error_nomem();
	/* fill() orders them anew. */
	for (int i = 0; i < argc; i++)
		words[i] = argv[i];
	err = need_kernel(s, &k);
	if (!err)
		err = fill_result(s, argc, words, sizeof(struct task_result), fill, &ops, r);
	free(words);
	return err;
}

const struct command cmd_task = {
	.name = "task",
	.summary = "the task_struct and thread_info of a task",
	.help = "task [-R MEMBER[,MEMBER]...] [-x | -d] [PID | TASK]... [MEMBER[,MEMBER]...]\n"
		"\n"
		"The task_struct and the thread_info of the current task or of those named.\n"
		"\n"
		"  -R       only these members of either: \"comm\", \"se.on_rq\", \"cpus_mask.bits[0]\";\n"
		"           -R can be left out but in foreach\n"
		"  -x, -d   integers hexadecimal, decimal\n"
		"\n"
		"  inquest> task\n"
		"  inquest> task -R pid,comm,se.on_rq 1\n"
		"  inquest> foreach user task -R prio\n",
	.run = run,
	.completes = "p",
	.keep_quotes = true,
};
