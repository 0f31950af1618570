// SPDX-License-Identifier: GPL-2.0-or-later
/* set: the context, and how numbers are shown; hex and dec. */
#include "internal.h"
#include "set_variables.h"
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

struct setting {
	/* What was set, and is shown. */
	enum { SET_CONTEXT, SET_RADIX, SET_PRINT, SET_SRC, SET_TIMING, SET_VARIABLES,
	       SET_ACTIVE } what;
	struct iq_task task;
	bool hex;
	unsigned int elements, repeats; /* set print; 0 and IQ_UNLIMITED as in struct iq_format */
	bool null_stop, timing;
	bool variable[NR_CRASH_VARIABLES]; /* SET_VARIABLES: those to be shown */
	bool listed; /* -v */
};

uint64_t thread_info_address(struct iq_kernel *k, const struct iq_task *t)
{
	uint64_t offset;

	/* CONFIG_THREAD_INFO_IN_TASK; before it the structure lay at the end of the stack. */
	if (iq_kernel_offset(k, "task_struct", "thread_info", &offset, NULL))
		return t->address + offset;
	return t->stack;
}

/*
 * What is known of the task that was at work when the dump was taken.  It need not have panicked: a dump of a
 * machine that lived on has no last words; and somebody may have asked for it (drivers/tty/sysrq.c).
 */
static const char *why_dumped(struct iq_kernel *k)
{
	struct iq_system system;
	struct iq_error *err = iq_kernel_system(k, &system);

	if (!err)
		return strstr(system.panic, "sysrq triggered crash") ? "SYSRQ" : *system.panic ? "PANIC" : "ACTIVE";
	iq_error_free(err);
	return "PANIC";
}

void task_state_long(struct session *s, const struct iq_task *t, struct iq_buf *out)
{
	char state[128];

	iq_task_state_name(t, state, sizeof(state));
	iq_buf_puts(out, state);
	if (t->address == iq_panic_task(s->kernel))
		iq_buf_printf(out, " (%s)", why_dumped(s->kernel));
	else if (t->running)
		iq_buf_puts(out, " (ACTIVE)");
}

/* Which of the idle tasks T is, for they share pid 0: "  (2 of 4)". */
static void text_idle_number(struct session *s, const struct iq_task *t, struct iq_buf *out)
{
	const struct iq_task *tasks;
	unsigned int nr, idle = 0, mine = 0;
	struct iq_error *err;

	if (t->pid)
		return;
	err = iq_tasks(s->kernel, &tasks, &nr);
	for (unsigned int i = 0; !err && i < nr; i++) {
		if (tasks[i].pid)
			continue;
		idle++;
		if (tasks[i].address == t->address)
			mine = idle;
	}
	iq_error_free(err);
	if (mine && idle > 1)
		iq_buf_printf(out, "  (%u of %u)", mine, idle);
}

void text_context(struct session *s, const struct iq_task *t, unsigned int width,
		  struct iq_buf *out)
{
	uint64_t info = thread_info_address(s->kernel, t);
	int w = (int)width;

	iq_buf_printf(out, t->unknown & IQ_TASK_PID ? "%*s: ?\n" : "%*s: %u\n", w, "PID", t->pid);
	iq_buf_printf(out, "%*s: \"", w, "COMMAND");
	if (t->unknown & IQ_TASK_COMM)
		iq_buf_putc(out, '?');
	iq_buf_add_escaped(out, t->comm, strnlen(t->comm, sizeof(t->comm)), false);
	iq_buf_puts(out, "\"\n");
	iq_buf_printf(out, "%*s: %016" PRIx64, w, "TASK", t->address);
	text_idle_number(s, t, out);
	if (info)
		iq_buf_printf(out, "  [THREAD_INFO: %016" PRIx64 "]", info);
	iq_buf_printf(out, t->unknown & IQ_TASK_CPU ? "\n%*s: ?\n" : "\n%*s: %u\n", w, "CPU",
		      t->cpu);
	iq_buf_printf(out, "%*s: ", w, "STATE");
	task_state_long(s, t, out);
	iq_buf_putc(out, '\n');
}

json_t *json_context(struct session *s, const struct iq_task *t)
{
	uint64_t info = thread_info_address(s->kernel, t);
	struct iq_buf state = {0};
	json_t *o = json_object();

	task_state_long(s, t, &state);
	json_object_set_new(o, "pid", json_integer(t->pid));
	json_object_set_new(o, "comm", json_text(t->comm, strnlen(t->comm, sizeof(t->comm))));
	json_object_set_new(o, "task", json_address(t->address));
	json_object_set_new(o, "thread_info", info ? json_address(info) : json_null());
	json_object_set_new(o, "cpu", json_integer(t->cpu));
	json_object_set_new(o, "state", json_text(iq_buf_str(&state), state.len));
	iq_buf_free(&state);
	return o;
}

static void text_limit(const char *name, unsigned int limit, unsigned int unset, struct iq_buf *out)
{
	iq_buf_printf(out, "%9s: ", name);
	limit = limit ? limit : unset;
	if (limit == IQ_UNLIMITED)
		iq_buf_puts(out, "unlimited\n");
	else
		iq_buf_printf(out, "%u\n", limit);
}

static void text_print(const struct setting *x, struct iq_buf *out)
{
	text_limit("elements", x->elements, IQ_DEFAULT_ELEMENTS, out);
	text_limit("repeats", x->repeats, IQ_UNLIMITED, out);
	iq_buf_printf(out, "null-stop: %s\n", x->null_stop ? "on" : "off");
}

static json_t *json_limit(unsigned int limit, unsigned int unset)
{
	limit = limit ? limit : unset;
	return limit == IQ_UNLIMITED ? json_null() : json_integer(limit);
}

static json_t *json_print(const struct setting *x)
{
	json_t *o = json_object();

	json_object_set_new(o, "elements", json_limit(x->elements, IQ_DEFAULT_ELEMENTS));
	json_object_set_new(o, "repeats", json_limit(x->repeats, IQ_UNLIMITED));
	json_object_set_new(o, "null_stop", json_boolean(x->null_stop));
	return o;
}

static void text_src(struct session *s, struct iq_buf *out)
{
	iq_buf_puts(out, "source directory: ");
	if (s->src)
		iq_buf_add_escaped(out, s->src, strlen(s->src), false);
	else
		iq_buf_puts(out, "(none)");
	iq_buf_putc(out, '\n');
}

static void text_variables(struct session *s, const struct setting *x, struct iq_buf *out)
{
	for (unsigned int i = 0; i < NR_CRASH_VARIABLES; i++) {
		if (x->variable[i])
			crash_variable_text(s, i, x->listed, out);
	}
}

static void text_active(const struct iq_task *t, struct iq_buf *out)
{
	iq_buf_putc(out, '"');
	iq_buf_add_escaped(out, t->comm, strnlen(t->comm, sizeof(t->comm)), false);
	iq_buf_printf(out, "\" task %" PRIx64 " has been marked as the active task on cpu %u\n", t->address, t->cpu);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct setting *x = r->data;

	if (x->what == SET_VARIABLES)
		text_variables(s, x, out);
	else if (x->what == SET_ACTIVE)
		text_active(&x->task, out);
	else if (x->what == SET_RADIX)
		iq_buf_printf(out, "output radix: %s\n", x->hex ? "16 (hex)" : "10 (decimal)");
	else if (x->what == SET_PRINT)
		text_print(x, out);
	else if (x->what == SET_SRC)
		text_src(s, out);
	else if (x->what == SET_TIMING)
		iq_buf_printf(out, "timing: %s\n", x->timing ? "on" : "off");
	else
		text_context(s, &x->task, 7, out);
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct setting *x = r->data;
	json_t *o;

	if (x->what == SET_CONTEXT || x->what == SET_ACTIVE)
		return json_context(s, &x->task);
	if (x->what == SET_PRINT)
		return json_print(x);
	o = json_object();
	if (x->what == SET_VARIABLES) {
		for (unsigned int i = 0; i < NR_CRASH_VARIABLES; i++) {
			if (x->variable[i])
				crash_variable_json(s, i, o);
		}
		return o;
	}
	if (x->what == SET_TIMING) {
		json_object_set_new(o, "timing", json_boolean(x->timing));
		return o;
	}
	if (x->what == SET_SRC) {
		json_object_set_new(o, "src", s->src ? json_text(s->src, strlen(s->src)) : json_null());
		return o;
	}
	json_object_set_new(o, "radix", json_integer(x->hex ? 16 : 10));
	return o;
}

static const struct result_ops ops = {text, json, free};

static struct iq_error *answer(struct session *s, int what, struct result *r)
{
	struct setting *x = calloc(1, sizeof(*x));

	if (!x)
		return iq_error_nomem();
	x->what = what;
	x->hex = s->hex;
	x->task = s->task;
	x->elements = s->print_elements;
	x->repeats = s->print_repeats;
	x->null_stop = s->print_null_stop;
	x->timing = s->timing;
	*r = (struct result){&ops, x};
	return NULL;
}

static struct iq_error *set_radix(struct session *s, int argc, char **argv, struct result *r)
{
	if (argc > 1)
		return iq_error_new(IQ_E_USAGE, "the radix is one word: 10 or 16");
	if (argc == 1) {
		if (!strcmp(argv[0], "16") || !strcmp(argv[0], "hex"))
			s->hex = true;
		else if (!strcmp(argv[0], "10") || !strcmp(argv[0], "dec"))
			s->hex = false;
		else
			return iq_error_new(IQ_E_USAGE, "the radix is 10 or 16, not %s", argv[0]);
	}
	return answer(s, SET_RADIX, r);
}

/* A number, or unlimited, which 0 means as well. */
static struct iq_error *set_limit(const char *name, const char *word, unsigned int *limit)
{
	uint64_t n = 0;

	if (strcmp(word, "unlimited") && (!iq_parse_u64(word, &n) || n >= IQ_UNLIMITED))
		return iq_error_new(IQ_E_USAGE, "%s is a number or unlimited, not %s", name, word);
	*limit = n ? (unsigned int)n : IQ_UNLIMITED;
	return NULL;
}

static struct iq_error *set_switch(const char *name, const char *word, bool *value)
{
	if (strcmp(word, "on") && strcmp(word, "off"))
		return iq_error_new(IQ_E_USAGE, "%s is on or off, not %s", name, word);
	*value = !strcmp(word, "on");
	return NULL;
}

static struct iq_error *set_timing(struct session *s, int argc, char **argv, struct result *r)
{
	if (argc > 1)
		return iq_error_new(IQ_E_USAGE, "timing is on or off");
	if (argc)
		IQ_TRY(set_switch("timing", argv[0], &s->timing));
	return answer(s, SET_TIMING, r);
}

/* NAME VALUE of set print, or nothing. */
static struct iq_error *set_print(struct session *s, int argc, char **argv, struct result *r)
{
	if (argc == 1 || argc > 2)
		return iq_error_new(IQ_E_USAGE, "a setting and its value are two words");
	if (!argc)
		;
	else if (!strcmp(argv[0], "elements"))
		IQ_TRY(set_limit(argv[0], argv[1], &s->print_elements));
	else if (!strcmp(argv[0], "repeats"))
		IQ_TRY(set_limit(argv[0], argv[1], &s->print_repeats));
	else if (!strcmp(argv[0], "null-stop"))
		IQ_TRY(set_switch(argv[0], argv[1], &s->print_null_stop));
	else
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "there is no setting print %s", argv[0]),
				     "there are elements, repeats and null-stop");
	if (s->print_repeats == IQ_UNLIMITED)
		s->print_repeats = 0; /* none are folded */
	return answer(s, SET_PRINT, r);
}

/* The directory that source code is looked for in; "~/linux" is the shell's way to name one. */
static struct iq_error *set_src(struct session *s, int argc, char **argv, struct result *r)
{
	const char *home = getenv("HOME");
	struct iq_buf path = {0};
	struct stat st;

	if (argc > 1)
		return iq_error_new(IQ_E_USAGE, "the source directory is one word");
	if (argc == 1) {
		if (!strncmp(argv[0], "~/", 2) && home)
			iq_buf_printf(&path, "%s%s", home, argv[0] + 1);
		else
			iq_buf_puts(&path, argv[0]);
		if (stat(iq_buf_str(&path), &st) || !S_ISDIR(st.st_mode)) {
			iq_buf_free(&path);
			return iq_error_new(IQ_E_NOT_FOUND, "%s is not a directory", argv[0]);
		}
		free(s->src);
		s->src = iq_buf_steal(&path);
	}
	return answer(s, SET_SRC, r);
}

/* crash's variables: NAME, or NAME VALUE, one or several; without words all are shown. */
static struct iq_error *set_variables(struct session *s, int argc, char **argv, struct result *r)
{
	struct setting *x;
	unsigned int variable;

	IQ_TRY(answer(s, SET_VARIABLES, r));
	x = r->data;
	x->listed = !argc;
	for (unsigned int i = 0; i < NR_CRASH_VARIABLES; i++)
		x->variable[i] = x->listed;
	for (int i = 0; i < argc; i++) {
		struct iq_error *err = NULL;

		variable = crash_variable(argv[i]);
		if (variable == NR_CRASH_VARIABLES)
			err = iq_error_new(IQ_E_USAGE, "there is no variable %s", argv[i]);
		else if (i + 1 < argc)
			err = crash_variable_set(s, variable, argv[++i]);
		if (err) {
			result_free(r);
			*r = (struct result){0};
			return err;
		}
		x->variable[variable] = true;
	}
	return NULL;
}

/* Names of settings: ours, and crash's. */
static struct iq_error *set_named(struct session *s, int argc, char **argv, bool *known, struct result *r)
{
	*known = true;
	/* crash has an alias of each; "set hex" is what people type all the same. */
	if (argc == 1 && (!strcmp(argv[0], "hex") || !strcmp(argv[0], "dec")))
		return set_radix(s, 1, argv, r);
	if (!strcmp(argv[0], "radix") && argc <= 2)
		return set_radix(s, argc - 1, argv + 1, r);
	if (!strcmp(argv[0], "src"))
		return set_src(s, argc - 1, argv + 1, r);
	if (!strcmp(argv[0], "timing"))
		return set_timing(s, argc - 1, argv + 1, r);
	if (!strcmp(argv[0], "print"))
		return set_print(s, argc - 1, argv + 1, r);
	*known = crash_variable(argv[0]) < NR_CRASH_VARIABLES;
	return *known ? set_variables(s, argc, argv, r) : NULL;
}

/* The task that ran on the CPU named by WORD. */
static struct iq_error *task_of_cpu(struct session *s, const char *word, struct iq_task *t)
{
	const struct iq_cpu *cpus;
	struct iq_kernel *k;
	unsigned int nr = 0;
	uint64_t n;

	IQ_TRY(need_kernel(s, &k));
	if (!iq_parse_u64(word, &n))
		return iq_error_new(IQ_E_USAGE, "%s is not the number of a CPU", word);
	cpus = iq_kernel_cpus(k, &nr);
	for (unsigned int i = 0; cpus && i < nr; i++) {
		if (cpus[i].cpu != n)
			continue;
		if (!cpus[i].current)
			return iq_error_new(IQ_E_NOT_FOUND, "it is not known what ran on CPU %u",
					    cpus[i].cpu);
		return iq_task_read(k, cpus[i].current, t);
	}
	return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "there is no CPU %s", word),
			     "the dump has %u CPUs, counted from 0", nr);
}

static struct iq_error *panic_task(struct session *s, struct iq_task *t)
{
	struct iq_kernel *k;
	uint64_t address;

	IQ_TRY(need_kernel(s, &k));
	address = iq_panic_task(k);
	if (!address)
		return iq_error_new(IQ_E_NOT_FOUND, "no task is known to have panicked");
	return iq_task_read(k, address, t);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {.argc = argc, .argv = argv};
	const struct iq_task *unused;
	struct iq_error *err;
	struct iq_task t;
	bool chosen = false, named = false, active = false;
	int option;

	while ((option = next_option(&o, "c:pav", &err)) != -1) {
		if (option == '?')
			return err;
		if (option == 'v')
			return set_variables(s, 0, NULL, r);
		if (option == 'a') {
			active = true;
			continue;
		}
		if (option == 'c')
			IQ_TRY(task_of_cpu(s, o.value, &t));
		else
			IQ_TRY(panic_task(s, &t));
		chosen = true;
	}
	if (!chosen && !active && o.index < argc) {
		err = set_named(s, argc - o.index, argv + o.index, &named, r);
		if (err || named)
			return err;
	}
	if (!chosen && o.index < argc) {
		IQ_TRY(parse_task(s, argv[o.index++], &t));
		chosen = true;
	}
	if (o.index < argc)
		return iq_error_new(IQ_E_USAGE, "one context at a time: what is %s for?",
				    argv[o.index]);
	if (active) {
		if (!chosen)
			return iq_error_new(IQ_E_USAGE, "-a needs the task that is to be the active one");
		iq_task_mark_active(s->kernel, &t);
		IQ_TRY(answer(s, SET_ACTIVE, r));
		((struct setting *)r->data)->task = t;
		return NULL;
	}
	if (chosen)
		session_set_task(s, &t);
	else
		IQ_TRY(need_task(s, &unused));
	return answer(s, SET_CONTEXT, r);
}

const struct command cmd_set = {
	.name = "set",
	.summary = "show or choose the context: the task that other commands mean",
	.help = "set [[-a] PID | TASK | -p | -c CPU]\n"
		"       set radix [10 | 16]\n"
		"       set print [elements N | repeats N | null-stop on|off]\n"
		"       set src [DIRECTORY]\n"
		"       set timing [on | off]\n"
		"       set VARIABLE [VALUE] [VARIABLE VALUE]...\n"
		"       set -v\n"
		"\n"
		"Shows the context, or makes another task the context.  bt, vtop and $registers\n"
		"mean the context unless they are told otherwise; at first it is the task that\n"
		"panicked.\n"
		"\n"
		"  PID      the task with this process id (decimal)\n"
		"  TASK     the task whose task_struct is at this address (hexadecimal), or what an\n"
		"           expression gives: (current_task:1)\n"
		"  -p       the task that panicked\n"
		"  -c CPU   the task that ran on this CPU\n"
		"  -a       the task counts as one that ran on its CPU from now on\n"
		"  radix    in which radix integers are shown; hex and dec are short for it\n"
		"  print    how much of arrays and strings is shown: elements at most N of them (256 at\n"
		"           first), repeats folds more than N equal ones into <repeats …> (none at first,\n"
		"           gdb's own habit is 10), null-stop ends arrays of characters at the first NUL;\n"
		"           N can be unlimited; alone it shows the settings\n"
		"  timing   with on, each command says what it cost, on standard error\n"
		"  src      the directory that src, dis -s and list show source from\n"
		"\n"
		"Of crash's variables radix, print_max (set print elements), null-stop and silent\n"
		"mean what they mean there.  scroll, refresh, print_array, console, debug, core,\n"
		"hash, edit, unwind, zero_excluded, gdb, scope, offline, redzone and error are\n"
		"remembered and shown, so that scripts and habits work, but there is nothing for\n"
		"them to change: no list is re-read from a live system, no gdb is inside, lists\n"
		"are always verified, memory that a dump lacks is always said to be missing.\n"
		"-v shows them all, with the files that were opened.\n"
		"\n"
		"  inquest> set -c 1\n"
		"  inquest> set 4711\n"
		"  inquest> set radix 16\n"
		"  inquest> set scroll off\n",
	.run = run,
	.completes = "p",
	.no_context = true,
};

static struct iq_error *run_hex(struct session *s, int argc, char **argv, struct result *r)
{
	char *word = !strcmp(argv[0], "hex") ? "16" : "10";

	if (argc > 1)
		return iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[1]);
	return set_radix(s, 1, &word, r);
}

const struct command cmd_hex = {
	.name = "hex",
	.summary = "show integers in hexadecimal from now on",
	.help = "hex\n"
		"\n"
		"Integers in structures and variables are shown in hexadecimal from now on; dec\n"
		"undoes it.  The same as set radix 16.\n",
	.run = run_hex,
	.no_context = true,
};

const struct command cmd_dec = {
	.name = "dec",
	.summary = "show integers in decimal from now on",
	.help = "dec\n"
		"\n"
		"Integers in structures and variables are shown in decimal from now on, as at\n"
		"the start of a session; hex undoes it.  The same as set radix 10.\n",
	.run = run_hex,
	.no_context = true,
};
