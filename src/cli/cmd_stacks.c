// SPDX-License-Identifier: GPL-2.0-or-later
/* stacks: all tasks, grouped by what they are doing. */
#include "internal.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

/* Tasks of a group whose names are shown; JSON has all. */
#define NAMES_SHOWN 12
#define FILTERS_MAX 32

struct group {
	struct iq_backtrace b; /* of its first task */
	char *error; /* why there is no trace; NULL: there is one */
	const struct iq_task **tasks; /* the kernel's */
	unsigned int nr, room;
	struct group *same_hash;
};

struct stacks {
	struct group **groups; /* most tasks first */
	unsigned int nr, room, shown, tasks;
	struct iq_map by_hash;
	bool hex;
};

static void free_group(struct group *g)
{
	iq_backtrace_free(&g->b);
	free(g->error);
	free(g->tasks);
	free(g);
}

static void free_result(void *data)
{
	struct stacks *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free_group(x->groups[i]);
	free(x->groups);
	iq_map_free(&x->by_hash);
	free(x);
}

/* ---- Which -------------------------------------------------------------------------------------- */

struct filter {
	const char *function[FILTERS_MAX], *module[FILTERS_MAX], *state[FILTERS_MAX];
	unsigned int nr_functions, nr_modules, nr_states;
	bool user, kernel;
	uint64_t most; /* groups shown; 0: all */
};

static bool is_state(const struct filter *f, const struct iq_task *t)
{
	for (unsigned int i = 0; i < f->nr_states; i++)
		if (!strcasecmp(f->state[i], t->state_text))
			return true;
	return !f->nr_states;
}

static bool wanted_task(const struct filter *f, const struct iq_task *t)
{
	bool kernel = t->kthread || !t->pid;

	return is_state(f, t) && !(f->user && kernel) && !(f->kernel && !kernel);
}

static bool has_function(const struct iq_backtrace *b, const char *name)
{
	for (unsigned int i = 0; i < b->nr; i++)
		if (b->frames[i].symbol.name && !strcmp(b->frames[i].symbol.name, name))
			return true;
	return false;
}

static bool has_module(const struct iq_backtrace *b, const char *name)
{
	for (unsigned int i = 0; i < b->nr; i++)
		if (b->frames[i].symbol.name && b->frames[i].symbol.module &&
		    !strcmp(b->frames[i].symbol.module, name))
			return true;
	return false;
}

/* All of the functions, and all of the modules. */
static bool wanted_trace(const struct filter *f, const struct iq_backtrace *b)
{
	for (unsigned int i = 0; i < f->nr_functions; i++)
		if (!has_function(b, f->function[i]))
			return false;
	for (unsigned int i = 0; i < f->nr_modules; i++)
		if (!has_module(b, f->module[i]))
			return false;
	return true;
}

/* ---- Grouping ------------------------------------------------------------------------------------ */

/* What makes two stacks the same: the places in the code, not those on the stack. */
static uint64_t hash_of(const struct iq_backtrace *b, const char *error)
{
	uint64_t h = b->nr + ((uint64_t)b->end << 32);

	if (error)
		return iq_hash_str(error);
	for (unsigned int i = 0; i < b->nr; i++) {
		uint64_t word[2] = {h, b->frames[i].ip ^ (uint64_t)b->frames[i].has_trap};

		h = iq_hash_mem(word, sizeof(word));
	}
	return h;
}

static bool same(const struct group *g, const struct iq_backtrace *b, const char *error)
{
	if (!g->error != !error || (error && strcmp(g->error, error)) || g->b.nr != b->nr ||
	    g->b.end != b->end)
		return false;
	for (unsigned int i = 0; i < b->nr; i++)
		if (g->b.frames[i].ip != b->frames[i].ip ||
		    g->b.frames[i].has_trap != b->frames[i].has_trap ||
		    g->b.frames[i].reliable != b->frames[i].reliable)
			return false;
	return true;
}

/* The group of a stack; a new one takes B over, which is then empty. */
static struct iq_error *group_of(struct stacks *x, struct iq_backtrace *b, const char *error,
				 struct group **ret)
{
	uint64_t hash = hash_of(b, error);
	struct group *first = iq_map_get(&x->by_hash, hash), *g;

	for (g = first; g; g = g->same_hash) {
		if (same(g, b, error)) {
			*ret = g;
			return NULL;
		}
	}
	g = calloc(1, sizeof(*g));
	if (!g || !iq_grow(&x->groups, &x->room, x->nr + 1, sizeof(*x->groups))) {
		free(g);
		return iq_error_nomem();
	}
	g->error = error ? strdup(error) : NULL;
	g->same_hash = first;
	x->groups[x->nr++] = g;
	if ((error && !g->error) || !iq_map_put(&x->by_hash, hash, g))
		return iq_error_nomem();
	g->b = *b;
	memset(b, 0, sizeof(*b));
	*ret = g;
	return NULL;
}

/* Errors name the task; without that many tasks have the same. */
static const char *why(const struct iq_backtrace *b, const struct iq_error *err)
{
	if (!err)
		return NULL;
	return b->end == IQ_END_NO_STACK ? "no stack: it has exited" : err->message;
}

static struct iq_error *add_task(struct session *s, const struct filter *f, const struct iq_task *t,
				 struct stacks *x)
{
	struct iq_backtrace b = {0};
	struct iq_error *err, *failed = NULL;
	struct group *g = NULL;

	if (!wanted_task(f, t))
		return NULL;
	err = iq_backtrace_places(s->kernel, t, &b);
	if (wanted_trace(f, &b)) {
		failed = group_of(x, &b, why(&b, err), &g);
		if (!failed && !iq_grow(&g->tasks, &g->room, g->nr + 1, sizeof(*g->tasks)))
			failed = iq_error_nomem();
		if (!failed) {
			g->tasks[g->nr++] = t;
			x->tasks++;
		}
	}
	iq_error_free(err);
	iq_backtrace_free(&b);
	return failed;
}

/* More tasks first; then as they came, which is the order of pids. */
static int by_size(const void *a, const void *b)
{
	const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;

	if (x->nr != y->nr)
		return x->nr < y->nr ? 1 : -1;
	return x->tasks[0]->pid < y->tasks[0]->pid ? -1 : x->tasks[0]->pid > y->tasks[0]->pid;
}

/* ---- Text ---------------------------------------------------------------------------------------- */

static void text_name(const char *name, struct iq_buf *out)
{
	iq_buf_add_escaped(out, name, strlen(name), false);
}

/* "IN 12, UN 3" */
static void text_states(const struct group *g, struct iq_buf *out)
{
	unsigned int counted = 0;

	for (unsigned int i = 0; i < g->nr; i++) {
		const char *state = g->tasks[i]->state_text;
		unsigned int n = 0;
		bool before = false;

		for (unsigned int k = 0; k < g->nr; k++) {
			bool match = !strcmp(g->tasks[k]->state_text, state);

			before |= match && k < i;
			n += match;
			if (before)
				break;
		}
		if (before)
			continue;
		iq_buf_printf(out, "%s%s %u", counted ? ", " : "", state, n);
		counted += n;
		if (counted == g->nr)
			return;
	}
}

static void text_tasks(const struct group *g, struct iq_buf *out)
{
	iq_buf_puts(out, "   ");
	for (unsigned int i = 0; i < g->nr && i < NAMES_SHOWN; i++) {
		iq_buf_printf(out, " %u ", g->tasks[i]->pid);
		iq_buf_add_escaped(out, g->tasks[i]->comm,
				   strnlen(g->tasks[i]->comm, sizeof(g->tasks[i]->comm)), false);
		if (i + 1 < g->nr)
			iq_buf_putc(out, ',');
	}
	if (g->nr > NAMES_SHOWN)
		iq_buf_printf(out, " and %u more", g->nr - NAMES_SHOWN);
	iq_buf_putc(out, '\n');
}

static void text_frame(const struct stacks *x, const struct iq_frame *f, unsigned int n,
		       struct iq_buf *out)
{
	if (f->context == IQ_CTX_USER) {
		iq_buf_puts(out, "    (in user mode)\n");
		return;
	}
	iq_buf_printf(out, "%s#%u %s%s", n < 10 ? "     " : "    ", n, f->reliable ? "" : "? ",
		      f->has_trap ? "[interrupted] " : "");
	if (f->symbol.name) {
		text_name(f->symbol.name, out);
		iq_buf_printf(out, x->hex ? "+0x%" PRIx64 : "+%" PRIu64, f->offset);
		if (f->symbol.module) {
			iq_buf_puts(out, " [");
			text_name(f->symbol.module, out);
			iq_buf_putc(out, ']');
		}
	} else {
		iq_buf_printf(out, "(unknown) at %016" PRIx64, f->ip);
	}
	iq_buf_putc(out, '\n');
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct stacks *x = r->data;

	for (unsigned int i = 0; i < x->shown; i++) {
		const struct group *g = x->groups[i];

		iq_buf_printf(out, "%s%u task%s: ", i ? "\n" : "", g->nr, g->nr == 1 ? "" : "s");
		text_states(g, out);
		iq_buf_putc(out, '\n');
		text_tasks(g, out);
		for (unsigned int n = 0; n < g->b.nr; n++)
			text_frame(x, &g->b.frames[n], n, out);
		if (g->error || g->b.end_text[0]) {
			iq_buf_puts(out, "    (");
			text_name(g->error ? g->error : g->b.end_text, out);
			iq_buf_puts(out, ")\n");
		}
	}
	iq_buf_printf(out, "\n%u task%s, %u different stack%s", x->tasks, x->tasks == 1 ? "" : "s",
		      x->nr, x->nr == 1 ? "" : "s");
	iq_buf_puts(out, x->shown < x->nr ? ", the most frequent shown\n" : "\n");
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

static json_t *json_frames(const struct group *g)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < g->b.nr; i++) {
		const struct iq_frame *f = &g->b.frames[i];
		const char *name = f->symbol.name, *module = name ? f->symbol.module : NULL;
		json_t *o = json_object();

		json_object_set_new(o, "function",
				    name ? json_text(name, strlen(name)) : json_null());
		json_object_set_new(o, "offset",
				    name ? json_integer((json_int_t)f->offset) : json_null());
		json_object_set_new(o, "module",
				    module ? json_text(module, strlen(module)) : json_null());
		json_object_set_new(o, "ip", json_address(f->ip));
		json_object_set_new(o, "interrupted", json_boolean(f->has_trap));
		json_object_set_new(o, "reliable", json_boolean(f->reliable));
		json_object_set_new(o, "context", json_string(iq_context_text(f->context)));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *json_tasks(const struct group *g)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < g->nr; i++) {
		const struct iq_task *t = g->tasks[i];
		json_t *o = json_object();

		json_object_set_new(o, "pid", json_integer(t->pid));
		json_object_set_new(o, "task", json_address(t->address));
		json_object_set_new(o, "comm",
				    json_text(t->comm, strnlen(t->comm, sizeof(t->comm))));
		json_object_set_new(o, "state", json_string(t->state_text));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct stacks *x = r->data;
	json_t *result = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->shown; i++) {
		const struct group *g = x->groups[i];
		const char *error = g->error ? g->error : g->b.end_text;
		json_t *o = json_object();

		json_object_set_new(o, "count", json_integer(g->nr));
		json_object_set_new(o, "tasks", json_tasks(g));
		json_object_set_new(o, "frames", json_frames(g));
		json_object_set_new(o, "error",
				    *error ? json_text(error, strlen(error)) : json_null());
		json_array_append_new(list, o);
	}
	json_object_set_new(result, "stacks", list);
	json_object_set_new(result, "tasks", json_integer(x->tasks));
	json_object_set_new(result, "different", json_integer(x->nr));
	return result;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- The command --------------------------------------------------------------------------------- */

static struct iq_error *add_filter(const char **list, unsigned int *nr, const char *value)
{
	if (*nr == FILTERS_MAX)
		return iq_error_new(IQ_E_USAGE, "more than %u of one option", FILTERS_MAX);
	list[(*nr)++] = value;
	return NULL;
}

static struct iq_error *parse_option(int letter, const char *value, struct stacks *x,
				     struct filter *f)
{
	switch (letter) {
	case 'f':
		return add_filter(f->function, &f->nr_functions, value);
	case 'm':
		return add_filter(f->module, &f->nr_modules, value);
	case 's':
		if (strlen(value) != 2)
			return iq_error_hint(
				iq_error_new(IQ_E_USAGE, "\"%s\" is no state of a task", value),
				"RU, IN, UN, ST, TR, ZO, DE, ID ..., as ps shows them");
		return add_filter(f->state, &f->nr_states, value);
	case 'u':
		f->user = true;
		break;
	case 'k':
		f->kernel = true;
		break;
	case 'x':
		x->hex = true;
		break;
	case 'd':
		x->hex = false;
		break;
	case 'n':
		if (!iq_parse_u64(value, &f->most) || !f->most)
			return iq_error_new(IQ_E_USAGE, "-n takes a number, not \"%s\"", value);
		break;
	}
	return NULL;
}

static struct iq_error *add_all(struct session *s, const struct filter *f, int argc, char **argv,
				struct stacks *x)
{
	struct task_list list = {0};
	struct iq_error *err = NULL;
	const struct iq_task *tasks;
	unsigned int nr = 0;

	IQ_TRY(iq_tasks(s->kernel, &tasks, &nr));
	for (int i = 0; i < argc && !err; i++)
		err = select_tasks(s, argv[i], &list);
	for (unsigned int i = 0; !err && !argc && i < nr; i++) {
		if (!iq_grow(&list.task, &list.room, list.nr + 1, sizeof(*list.task)))
			err = iq_error_nomem();
		else
			list.task[list.nr++] = &tasks[i];
	}
	for (unsigned int i = 0; !err && i < list.nr; i++) {
		iq_tasks_prefetch_stacks(s->kernel, list.task, list.nr, i);
		if (iq_cancelled(&s->cancel))
			err = iq_error_new(IQ_E_INTERRUPTED, "interrupted");
		else
			err = add_task(s, f, list.task[i], x);
	}
	task_list_free(&list);
	return err;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options words = {.argc = argc, .argv = argv};
	struct filter f = {0};
	struct stacks *x;
	struct iq_kernel *k;
	struct iq_error *err;
	int letter;

	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->hex = s->hex;
	while ((letter = next_option(&words, "f:m:s:n:ukxd", &err)) != -1 && !err) {
		err = parse_option(letter, words.value, x, &f);
		if (err)
			break;
	}
	if (!err && f.user && f.kernel)
		err = iq_error_new(IQ_E_USAGE, "no task is both user's and the kernel's");
	if (!err)
		err = add_all(s, &f, argc - words.index, argv + words.index, x);
	if (!err && !x->tasks)
		err = iq_error_new(IQ_E_NOT_FOUND, "no task has such a stack");
	if (err) {
		free_result(x);
		return err;
	}
	qsort(x->groups, x->nr, sizeof(*x->groups), by_size);
	x->shown = f.most && f.most < x->nr ? (unsigned int)f.most : x->nr;
	*r = (struct result){&ops, x};
	return NULL;
}

const struct command cmd_stacks = {
	.name = "stacks",
	.summary = "all tasks grouped by identical stack",
	.help = "stacks [-f FUNCTION]... [-m MODULE]... [-s STATE]... [-u | -k] [-n COUNT] [-xd]\n"
		"       [PID | TASK | NAME | 'REGEX']...\n"
		"\n"
		"Shows the stacks of all tasks, or of those named, each only once, with the tasks "
		"that have it;\n"
		"the most frequent first.  Two stacks are the same if they are at the same places "
		"in the code,\n"
		"frame by frame.\n"
		"\n"
		"  -f FUNCTION  only stacks with this function in them; several: with all of them\n"
		"  -m MODULE    only stacks with a function of this module\n"
		"  -s STATE     only tasks in this state, as ps shows it; several: in any of them\n"
		"  -u, -k       no kernel threads, or only them\n"
		"  -n COUNT     only the COUNT most frequent\n"
		"  -x, -d       offsets in hexadecimal, in decimal\n"
		"\n"
		"Examples:\n"
		"  stacks -n 5          what most tasks do\n"
		"  stacks -s UN         who hangs, and where\n"
		"  stacks -m xfs        who is in a module\n"
		"  stacks 'kworker.*'   what the workers do\n",
	.run = run,
	.completes = "sp",
	.no_context = true,
	.keep_quotes = true,
};
