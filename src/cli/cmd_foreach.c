// SPDX-License-Identifier: GPL-2.0-or-later
/* foreach: a command for each of several tasks. */
#include "internal.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

/*
 * Results are rendered one by one, and freed: a backtrace of each of ten thousand tasks would not
 * fit otherwise.  Where nobody needs the text as a whole it goes out as it comes.
 */
struct foreach_result {
	struct iq_buf text; /* what has not gone out yet */
	bool any; /* there was some */
	json_t *json;
};
/* Text that goes out at once. */
#define PIECE 65536

static void free_result(void *data)
{
	struct foreach_result *x = data;

	iq_buf_free(&x->text);
	json_decref(x->json);
	free(x);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	struct foreach_result *x = r->data;
	struct iq_buf empty = *out;

	if (!out->len && !out->failed) {
		*out = x->text;
		x->text = empty;
		return;
	}
	iq_buf_add(out, iq_buf_str(&x->text), x->text.len);
	out->failed |= x->text.failed;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct foreach_result *x = r->data;

	return json_incref(x->json);
}

static const struct result_ops ops = {text, json, free_result};

/* ---- Which tasks ----------------------------------------------------------------------------- */

struct filter {
	bool user, kernel, leaders, active;
	char state[3]; /* "" any */
	bool named; /* words chose tasks */
};

/* Two capital letters that are a state of ps. */
static bool is_state(const char *word)
{
	static const char *const states[] = {"RU", "IN", "UN", "ST", "TR", "ZO",
					     "DE", "SW", "ID", "NE", "PA", "WA"};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(states); i++) {
		if (!strcmp(states[i], word))
			return true;
	}
	return false;
}

static struct iq_error *read_selector(struct session *s, const char *word, struct filter *f,
				      struct task_list *list)
{
	if (!strcmp(word, "user")) {
		f->user = true;
	} else if (!strcmp(word, "kernel")) {
		f->kernel = true;
	} else if (!strcmp(word, "gleader")) {
		f->leaders = true;
	} else if (!strcmp(word, "active")) {
		f->active = true;
	} else if (is_state(word)) {
		if (f->state[0] && strcmp(f->state, word))
			return iq_error_new(IQ_E_USAGE, "no task is in two states: %s and %s",
					    f->state, word);
		snprintf(f->state, sizeof(f->state), "%s", word);
	} else {
		f->named = true;
		return select_tasks(s, word, list);
	}
	return NULL;
}

static bool passes(const struct filter *f, const struct iq_task *t)
{
	bool kernel = t->kthread || t->pid == 0;

	return !(f->user && kernel) && !(f->kernel && !kernel) && !(f->leaders && (!t->leader || kernel)) &&
	       !(f->active && !t->running) && !(f->state[0] && strcmp(f->state, t->state_text));
}

/* All of them are elements of one array, in the order of ps. */
static int by_place(const void *a, const void *b)
{
	const struct iq_task *x = *(const struct iq_task *const *)a, *y = *(const struct iq_task *const *)b;

	return x < y ? -1 : x > y;
}

static struct iq_error *choose(struct session *s, int argc, char **argv, struct task_list *list)
{
	const struct iq_task *tasks;
	struct filter f = {0};
	unsigned int nr, kept = 0;

	for (int i = 0; i < argc; i++)
		IQ_TRY(read_selector(s, argv[i], &f, list));
	if (f.user && f.kernel)
		return iq_error_new(IQ_E_USAGE, "no task is both user and kernel");
	if (f.named && list->nr)
		qsort(list->task, list->nr, sizeof(*list->task), by_place);
	if (!f.named) {
		IQ_TRY(iq_tasks(s->kernel, &tasks, &nr));
		for (unsigned int i = 0; i < nr; i++) {
			if (!iq_grow(&list->task, &list->room, list->nr + 1, sizeof(*list->task)))
				return iq_error_nomem();
			list->task[list->nr++] = &tasks[i];
		}
	}
	for (unsigned int i = 0; i < list->nr; i++) {
		if (passes(&f, list->task[i]))
			list->task[kept++] = list->task[i];
	}
	list->nr = kept;
	if (!kept)
		return iq_error_new(IQ_E_NOT_FOUND, "no task is of this kind");
	return NULL;
}

/* ---- Running --------------------------------------------------------------------------------- */

/* These begin with who the task is; of others that is written in front. */
static bool has_own_header(const char *name)
{
	static const char *const own[] = {"bt", "files", "net", "ps", "sig", "task", "vm"};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(own); i++) {
		if (!strcmp(own[i], name))
			return true;
	}
	return false;
}

/* -R of files, net and vm: this task has nothing of the kind. */
static bool is_empty(const char *name, const struct result *one)
{
	return (!strcmp(name, "files") || !strcmp(name, "net") || !strcmp(name, "vm")) &&
	       one->ops->some && !one->ops->some(one->data);
}

/* Results that are lists of tasks become one list. */
static void merge_json(json_t *all, const struct iq_task *t, json_t *one,
		       const struct iq_error *err)
{
	json_t *tasks = one ? json_object_get(one, "tasks") : NULL, *o;

	if (tasks && json_is_array(tasks)) {
		json_array_extend(all, tasks);
		json_decref(one);
		return;
	}
	o = json_object();
	json_object_set_new(o, "pid", json_integer(t->pid));
	json_object_set_new(o, "comm", json_text(t->comm, strnlen(t->comm, sizeof(t->comm))));
	json_object_set_new(o, "task", json_address(t->address));
	json_object_set_new(o, "cpu", json_integer(t->cpu));
	if (err && !one) {
		json_t *problem = json_object();

		json_object_set_new(problem, "message",
				    json_text(err->message, strlen(err->message)));
		json_object_set_new(problem, "hint",
				    err->hint ? json_text(err->hint, strlen(err->hint))
					      : json_null());
		json_object_set_new(o, "error", problem);
	} else {
		json_object_set_new(o, "result", one ? one : json_null());
	}
	json_array_append_new(all, o);
}

/* *USAGE: what is wrong is the words, which are the same for all tasks. */
static bool run_for(struct session *s, const struct iq_task *t, int argc, char **argv, json_t *all,
		    struct foreach_result *x, struct iq_error **usage)
{
	const struct command *c = command_by_name(argv[0]);
	struct iq_error *err;
	struct result one;
	bool ok;

	session_set_task(s, t);
	err = execute_command(s, argc, argv, &one);
	if (err && err->code == IQ_E_USAGE && !one.ops) {
		*usage = err;
		return false;
	}
	if (s->json) {
		merge_json(all, t, one.ops ? one.ops->json(s, &one) : NULL, err);
	} else if (one.ops && !is_empty(c->name, &one)) {
		if (x->any)
			iq_buf_putc(&x->text, '\n');
		if (!has_own_header(c->name))
			text_task_header(t, &x->text);
		one.ops->text(s, &one, &x->text);
		x->any |= x->text.len || !has_own_header(c->name);
	}
	if (err && err->code != IQ_E_INTERRUPTED && (!s->json || one.ops))
		iq_warn(&s->warnings, "%s: pid %u: %s", c->name, t->pid, err->message);
	ok = !err;
	result_free(&one);
	iq_error_free(err);
	return ok;
}

/* A command and its words. */
struct one_command {
	int argc;
	char **argv; /* owned, its elements but `joined` are not */
	char *joined;
};
#define MAX_COMMANDS 9

static struct iq_error *run_all(struct session *s, const struct task_list *list, const struct one_command *c,
				unsigned int nr_commands, struct foreach_result *x)
{
	struct iq_task before = s->task;
	bool had = s->has_task, sought = s->context_sought, selected = s->frame_selected;
	unsigned int frame = s->frame;
	unsigned int failed = 0;
	struct iq_error *usage = NULL;
	bool stacks = false;
	json_t *all = s->json ? json_array() : NULL;

	for (unsigned int n = 0; n < nr_commands; n++)
		stacks |= !strcmp(command_by_name(c[n].argv[0])->name, "bt");
	s->in_foreach = true;
	for (unsigned int i = 0; i < list->nr && !usage && !iq_cancelled(&s->cancel); i++) {
		if (stacks)
			iq_tasks_prefetch_stacks(s->kernel, list->task, list->nr, i);
		for (unsigned int n = 0; n < nr_commands && !usage; n++) {
			if (!run_for(s, list->task[i], c[n].argc, c[n].argv, all, x, &usage))
				failed++;
		}
		if (x->text.len >= PIECE && !stream_out(s, &x->text))
			break;
	}
	s->in_foreach = false;
	s->task = before;
	s->has_task = had;
	s->context_sought = sought;
	s->frame_selected = selected;
	s->frame = frame;
	s->has_regs = false;
	s->regs_sought = false;
	if (all) {
		x->json = json_object();
		json_object_set_new(x->json, "tasks", all);
	}
	if (usage)
		return usage;
	if (iq_cancelled(&s->cancel))
		return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	if (failed)
		return iq_error_new(IQ_E_NOT_FOUND, "%s failed for %u of %u tasks",
				    nr_commands == 1 ? c->argv[0] : "a command", failed, list->nr);
	return NULL;
}

/* The first word that is a command's name, and no selector's. */
static int find_command(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (command_by_name(argv[i]))
			return i;
	}
	return argc;
}

/* What says nothing about a task need not be said for each. */
static struct iq_error *check_command(const char *name)
{
	static const char *const same[] = {"dec", "exit", "foreach", "help", "hex",
					   "log", "mod",  "sym",     "sys"};
	const struct command *c = command_by_name(name);

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(same); i++) {
		if (!strcmp(c->name, same[i]))
			return iq_error_hint(
				iq_error_new(IQ_E_USAGE, "%s is the same for every task", name),
				"foreach is for commands that look at a task, as bt does");
	}
	return NULL;
}

/* `ps` takes all the tasks at once, `set` shows each. */
static struct iq_error *run_ps(struct session *s, const struct task_list *list, int argc,
			       char **argv, struct result *r)
{
	char **words = calloc(list->nr + (size_t)argc + 1, sizeof(*words));
	struct iq_error *err = NULL;
	int n = 0;

	if (!words)
		return iq_error_nomem();
	for (; n < argc; n++)
		words[n] = argv[n];
	for (unsigned int i = 0; i < list->nr; i++, n++) {
		if (asprintf(&words[n], "%" PRIx64, list->task[i]->address) < 0) {
			words[n] = NULL;
			err = iq_error_nomem();
			break;
		}
	}
	if (!err)
		err = execute_command(s, n, words, r);
	for (int i = argc; i < n; i++)
		free(words[i]);
	free(words);
	return err;
}

/* The words of a command that wants its text whole (p, x) as one again; N becomes their number. */
static struct iq_error *join_raw(int argc, char **argv, int *n, char **joined)
{
	const struct command *c = command_by_name(argv[0]);
	struct iq_buf text = {0};
	int first = 1;

	*n = argc;
	*joined = NULL;
	if (!c->raw)
		return NULL;
	while (first < argc && argv[first][0] == '-' && isalpha((unsigned char)argv[first][1]))
		first++;
	if (first + 1 >= argc)
		return NULL;
	for (int i = first; i < argc; i++)
		iq_buf_printf(&text, "%s%s", i > first ? " " : "", argv[i]);
	*joined = iq_buf_steal(&text);
	if (!*joined)
		return iq_error_nomem();
	argv[first] = *joined;
	*n = first + 1;
	return NULL;
}

/*
 * Where the words of the command in ARGV end: at the next word that is one of the commands that crash's
 * foreach takes, so that "foreach bt vm -p" is two of them.  Other names are words of the first.
 */
static int end_of_command(int argc, char **argv)
{
	static const char *const more[] = {"bt", "files", "net", "ps", "set", "sig", "task", "vm", "vtop"};
	bool first = false;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(more); i++)
		first |= !strcmp(more[i], argv[0]);
	for (int n = 1; first && n < argc; n++) {
		for (unsigned int i = 0; i < IQ_ARRAY_SIZE(more); i++) {
			if (!strcmp(more[i], argv[n]) && command_by_name(more[i]))
				return n;
		}
	}
	return argc;
}

/* ARGV belongs to whoever called: it is not changed. */
static struct iq_error *add_command(int argc, char **argv, struct one_command *c)
{
	IQ_TRY(check_command(argv[0]));
	c->argv = calloc((size_t)argc + 1, sizeof(*c->argv));
	if (!c->argv)
		return iq_error_nomem();
	for (int i = 0; i < argc; i++)
		c->argv[i] = argv[i];
	IQ_TRY(join_raw(argc, c->argv, &c->argc, &c->joined));
	c->argv[c->argc] = NULL;
	return NULL;
}

static struct iq_error *run_words(struct session *s, const struct task_list *list, int argc,
				  char **argv, struct foreach_result *x)
{
	struct one_command c[MAX_COMMANDS] = {0};
	struct iq_error *err = NULL;
	unsigned int nr = 0;

	for (int n; argc && !err; argc -= n, argv += n) {
		n = end_of_command(argc, argv);
		if (nr == MAX_COMMANDS)
			err = iq_error_new(IQ_E_USAGE, "at most %u commands at once", MAX_COMMANDS);
		else
			err = add_command(n, argv, &c[nr++]);
	}
	if (!err)
		err = run_all(s, list, c, nr, x);
	for (unsigned int i = 0; i < nr; i++) {
		free(c[i].joined);
		free(c[i].argv);
	}
	return err;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {.argc = argc, .argv = argv};
	struct task_list list = {0};
	struct foreach_result *x;
	struct iq_kernel *k;
	struct iq_error *err;
	int at;

	if (next_option(&o, "", &err) != -1)
		return err;
	at = find_command(argc, argv);
	if (at == argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "no command was named"),
				     "for example: foreach user bt");
	IQ_TRY(check_command(argv[at]));
	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	err = choose(s, at - 1, argv + 1, &list);
	if (!err && command_by_name(argv[at]) == command_by_name("ps") &&
	    end_of_command(argc - at, argv + at) == argc - at) {
		err = run_ps(s, &list, argc - at, argv + at, r);
	} else if (!err) {
		err = run_words(s, &list, argc - at, argv + at, x);
		if (x->text.len || x->json) {
			*r = (struct result){&ops, x};
			x = NULL;
		}
	}
	if (x)
		free_result(x);
	task_list_free(&list);
	return err;
}

const struct command cmd_foreach = {
	.name = "foreach",
	.summary = "run a command for each of several tasks",
	.help = "foreach [SELECTOR...] COMMAND [WORD...] [COMMAND [WORD...]]...\n"
		"\n"
		"Runs a command with each task in turn as the context, in the order of ps.\n"
		"Without a selector all tasks are meant.  The context afterwards is what it was.\n"
		"Several of bt, files, net, ps, set, sig, task, vm and vtop can follow each other.\n"
		"\n"
		"  PID, TASK, NAME, 'REGEX'   these tasks, as ps takes them; \\NAME if a command has\n"
		"                             this name\n"
		"  RU, IN, UN, ID, ...        only tasks in this state of ps\n"
		"  user, kernel               no kernel threads, or only them\n"
		"  gleader                    only thread group leaders of user tasks\n"
		"  active                     only tasks that were running on a CPU\n"
		"\n"
		"Several names add up; every other selector takes away.\n"
		"\n"
		"  inquest> foreach UN bt\n"
		"  inquest> foreach active bt -f\n"
		"  inquest> foreach 'kworker.*' set\n"
		"  inquest> foreach gleader task -R prio,static_prio\n"
		"  inquest> foreach active bt vm\n",
	.run = run,
	.completes = "cp",
	.no_context = true,
	.keep_quotes = true,
};
