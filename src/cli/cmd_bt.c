// SPDX-License-Identifier: GPL-2.0-or-later
/* bt: what a task was doing. */
#include "bt.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

static void free_trace(struct bt_trace *t)
{
	for (unsigned int i = 0; t->frames && i < t->b.nr; i++) {
		free(t->frames[i].inlines);
		free(t->frames[i].slots);
		iq_frame_variables_free(&t->frames[i].variables);
	}
	free(t->frames);
	free(t->texts);
	free(t->raw);
	free(t->damage);
	free(t->error);
	iq_backtrace_free(&t->b);
}

static void free_result(void *data)
{
	struct bt_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free_trace(&x->traces[i]);
	free(x->traces);
	free(x);
}

static const struct result_ops ops = {bt_text, bt_json, free_result};

/* Whose stacks, and from where. */
struct request {
	bool active; /* -a */
	bool panicked; /* -p */
	bool group; /* -g */
	bool no_idle; /* -n idle */
	bool exceptions; /* -E */
	bool overflows; /* -v */
	const char *cpus; /* -c */
	const char *reference; /* -R */
	bool has_reference; /* it is an address: */
	uint64_t reference_address;
	bool has_ip, has_sp; /* -I, -S */
	uint64_t ip, sp;
};

/* ---- One trace --------------------------------------------------------------------------------- */

/* Lines of a call, or of the instruction that was about to run, and what is inlined there. */
static struct iq_error *add_lines(struct iq_kernel *k, const struct iq_frame *f,
				  struct bt_frame *ret)
{
	struct iq_inline chain[BT_INLINES];
	uint64_t address = f->exact_ip ? f->ip : f->ip - 1;
	unsigned int n = iq_kernel_inlines(k, address, chain, BT_INLINES);
	unsigned int inlined = 0;

	while (inlined < n && chain[inlined].inlined)
		inlined++;
	if (inlined < n) {
		ret->file = chain[inlined].file;
		ret->line = chain[inlined].line;
	} else if (!n && !iq_kernel_line(k, address, &ret->file, &ret->line)) {
		ret->file = NULL;
	}
	if (!inlined)
		return NULL;
	ret->inlines = calloc(inlined, sizeof(*ret->inlines));
	if (!ret->inlines)
		return iq_error_nomem();
	memcpy(ret->inlines, chain, inlined * sizeof(*chain));
	ret->nr_inlines = inlined;
	return NULL;
}

static struct iq_error *add_to_frames(struct session *s, const struct bt_options *o,
				      struct bt_trace *t)
{
	struct iq_args *args = NULL;

	t->frames = calloc(t->b.nr ? t->b.nr : 1, sizeof(*t->frames));
	if (!t->frames)
		return iq_error_nomem();
	if (o->words || o->variables)
		IQ_TRY(session_args(s, &t->b, &args));
	for (unsigned int i = 0; i < t->b.nr; i++) {
		if (o->variables)
			IQ_TRY(iq_args_frame(args, i, &t->frames[i].variables));
		if (o->lines || s->json)
			IQ_TRY(add_lines(s->kernel, &t->b.frames[i], &t->frames[i]));
		if (o->words)
			IQ_TRY(iq_args_slots(args, i, &t->frames[i].slots, &t->frames[i].nr_slots));
	}
	return NULL;
}

/* ---- The stack itself: -r, -t, -T -------------------------------------------------------------- */

static struct iq_error *add_raw(struct iq_kernel *k, struct bt_trace *t)
{
	uint64_t nr = t->task.stack ? t->task.stack_size / 8 : 0;

	if (!nr)
		return NULL;
	t->raw = calloc(nr, sizeof(*t->raw));
	if (!t->raw)
		return iq_error_nomem();
	for (uint64_t i = 0; i < nr; i++) {
		struct iq_slot *w = &t->raw[i];

		w->address = t->task.stack + 8 * i;
		w->readable = !iq_vm_read_uint(k->vm, w->address, 8, &w->value);
	}
	t->nr_raw = (unsigned int)nr;
	return NULL;
}

/* The function that a word belongs to: that of the call, if it is the return address of a frame. */
static bool text_symbol(struct iq_kernel *k, const struct bt_trace *t, struct bt_text *w)
{
	w->live = false;
	for (unsigned int i = 0; i < t->b.nr; i++) {
		if (t->b.frames[i].slot == w->address && t->b.frames[i].symbol.name) {
			w->symbol = t->b.frames[i].symbol;
			w->live = t->b.frames[i].reliable;
			return true;
		}
	}
	return iq_is_text(k, w->value) && iq_symbol_at(k, w->value, &w->symbol);
}

static struct iq_error *add_texts(struct iq_kernel *k, struct bt_trace *t, const struct iq_stack *s,
				  uint64_t from, unsigned int *room)
{
	struct bt_text w = {.stack = s->start};

	for (w.address = from; w.address < s->end; w.address += 8) {
		if (iq_vm_read_uint(k->vm, w.address, 8, &w.value) || !text_symbol(k, t, &w))
			continue;
		if (!iq_grow(&t->texts, room, t->nr_texts + 1, sizeof(*t->texts)))
			return iq_error_nomem();
		t->texts[t->nr_texts++] = w;
	}
	return NULL;
}

/* Each stack of the trace, from where the trace enters it; ALL: the task's own from its bottom. */
static struct iq_error *add_text_symbols(struct iq_kernel *k, bool all, struct bt_trace *t)
{
	struct iq_stack own = {.kind = IQ_STACK_TASK,
			       .start = t->task.stack,
			       .end = t->task.stack + t->task.stack_size};
	uint64_t done = 0;
	unsigned int room = 0;

	if (all)
		return t->task.stack ? add_texts(k, t, &own, own.start, &room) : NULL;
	for (unsigned int i = 0; i < t->b.nr; i++) {
		const struct iq_frame *f = &t->b.frames[i];
		uint64_t from = f->slot ? f->slot : f->sp;

		if (f->stack.kind == IQ_STACK_NONE || f->stack.start == done)
			continue;
		done = f->stack.start;
		IQ_TRY(add_texts(k, t, &f->stack, IQ_MAX(from & ~UINT64_C(7), f->stack.start),
				 &room));
	}
	return NULL;
}

static struct iq_error *add_view(struct session *s, const struct bt_options *o, struct bt_trace *t)
{
	switch (o->view) {
	case BT_RAW:
		return add_raw(s->kernel, t);
	case BT_TEXT_SYMBOLS:
	case BT_ALL_TEXT_SYMBOLS:
	case BT_OLD:
		return add_text_symbols(s->kernel, o->view == BT_ALL_TEXT_SYMBOLS, t);
	case BT_FRAMES:
	case BT_EXCEPTIONS:
		break;
	}
	return NULL;
}

/* From where the user wants the trace to begin: -I, -S. */
static struct iq_error *trace_from(struct session *s, const struct request *q,
				   const struct iq_task *task, struct iq_backtrace *b)
{
	const struct iq_arch *a = s->kernel->arch;
	struct iq_regs regs = {0};
	struct iq_error *err;
	uint64_t sp = q->sp;

	if (!q->has_ip) {
		err = iq_backtrace_return(s->kernel, task, (int)task->cpu, sp, b);
		return err && err->code == IQ_E_USAGE
			       ? iq_error_hint(
					 err, "-I gives the place in the code that belongs to -S")
			       : err;
	}
	if (!q->has_sp) {
		IQ_TRY(iq_backtrace(s->kernel, task, b));
		sp = b->nr ? b->frames[0].sp : 0;
		iq_backtrace_free(b);
	}
	iq_reg_set(&regs, a->reg_pc, q->ip);
	iq_reg_set(&regs, a->reg_sp, sp);
	return iq_backtrace_from(s->kernel, task, (int)task->cpu, &regs, b);
}

/* -R: does the trace have this function in it, or this address? */
static bool refers(const struct request *q, const struct iq_backtrace *b)
{
	for (unsigned int i = 0; i < b->nr; i++) {
		const struct iq_frame *f = &b->frames[i];

		if (!f->symbol.name)
			continue;
		if (q->has_reference ? f->ip == q->reference_address ||
					       f->symbol.address == q->reference_address
				     : !strcmp(f->symbol.name, q->reference))
			return true;
	}
	return false;
}

static struct iq_error *add_damage(struct session *s, struct bt_trace *t)
{
	struct iq_damage d[BT_DAMAGE];
	unsigned int nr = iq_stack_damage(s->kernel, &t->b, d, BT_DAMAGE);

	if (!nr)
		return NULL;
	t->damage = calloc(nr, sizeof(*d));
	if (!t->damage)
		return iq_error_nomem();
	memcpy(t->damage, d, nr * sizeof(*d));
	t->nr_damage = nr;
	return NULL;
}

/* Of thousands of tasks, if nobody will see the registers of callers. */
static bool only_places(const struct session *s, const struct bt_options *o)
{
	return s->in_foreach && !o->words && !o->variables;
}

static struct iq_error *add_trace(struct session *s, const struct request *q, struct bt_result *x,
				  const struct iq_task *task)
{
	struct bt_trace *t;
	struct iq_error *err;

	if (iq_cancelled(&s->cancel))
		return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	if (!iq_grow(&x->traces, &x->room, x->nr + 1, sizeof(*x->traces)))
		return iq_error_nomem();
	t = &x->traces[x->nr++];
	memset(t, 0, sizeof(*t));
	t->task = *task;
	err = q->has_ip || q->has_sp ? trace_from(s, q, task, &t->b)
	      : only_places(s, &x->options) ? iq_backtrace_places(s->kernel, task, &t->b)
						  : iq_backtrace(s->kernel, task, &t->b);
	if (q->reference && (err || !refers(q, &t->b))) {
		iq_error_free(err);
		free_trace(t);
		x->nr--;
		return NULL;
	}
	if (err) {
		t->no_stack = t->b.end == IQ_END_NO_STACK;
		t->error = strdup(err->message);
		iq_error_free(err);
	} else if (t->b.end_text[0]) {
		iq_warn(&s->warnings, "the trace of task %u is not complete: %s", task->pid,
			t->b.end_text);
	}
	t->b.task = *task;
	/* Of thousands of tasks that sleep, bt -v looks at every stack's far end. */
	err = t->no_stack || (s->in_foreach && !task->running && !t->error && !t->b.end_text[0])
		      ? NULL
		      : add_damage(s, t);
	if (!err)
		err = add_to_frames(s, &x->options, t);
	if (!err)
		return add_view(s, &x->options, t);
	/* What is shown of a trace is told frame by frame. */
	if (!t->frames) {
		free_trace(t);
		x->nr--;
	}
	return err;
}

/* ---- Which tasks ------------------------------------------------------------------------------- */

static struct iq_error *cpu_number(const char **p, unsigned int nr, unsigned int *ret)
{
	unsigned long v;
	char *end;

	if (!isdigit((unsigned char)**p))
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "\"%s\" is no list of CPUs", *p),
				     "as in 1, 0,2-3 or a (all)");
	v = strtoul(*p, &end, 10);
	if (v >= nr)
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "there is no CPU %lu", v),
				     "this machine has CPUs 0 to %u", nr - 1);
	*p = end;
	*ret = (unsigned int)v;
	return NULL;
}

struct iq_error *bt_each_cpu(struct session *s, const char *list,
			     struct iq_error *(*fn)(const struct iq_cpu *c, void *arg), void *arg)
{
	const char *p = list;
	unsigned int nr = 0, first, last;
	const struct iq_cpu *cpus = iq_kernel_cpus(s->kernel, &nr);
	bool all = !p || !strcmp(p, "a") || !strcmp(p, "all");

	if (!cpus || !nr)
		return iq_error_new(IQ_E_UNAVAILABLE, "the CPUs of this kernel cannot be found");
	for (unsigned int i = 0; all && i < nr; i++)
		IQ_TRY(fn(&cpus[i], arg));
	while (!all) {
		IQ_TRY(cpu_number(&p, nr, &first));
		last = first;
		if (*p == '-') {
			p++;
			IQ_TRY(cpu_number(&p, nr, &last));
		}
		for (unsigned int i = first; i <= last; i++)
			IQ_TRY(fn(&cpus[i], arg));
		if (!*p)
			return NULL;
		if (*p++ != ',')
			return iq_error_hint(
				iq_error_new(IQ_E_USAGE, "\"%s\" is no list of CPUs", list),
				"as in 1, 0,2-3 or a (all)");
	}
	return NULL;
}

struct adding {
	struct session *s;
	const struct request *q;
	struct bt_result *x;
};

static struct iq_error *add_cpu(const struct iq_cpu *c, void *arg)
{
	struct adding *to = arg;
	struct iq_task t;

	if (!c->current)
		return NULL;
	IQ_TRY(iq_task_read(to->s->kernel, c->current, &t));
	/* An idle task that panicked was not idle. */
	if (to->q->no_idle && t.pid == 0 && c->current != iq_panic_task(to->s->kernel))
		return NULL;
	return add_trace(to->s, to->q, to->x, &t);
}

/* All threads of T's group, the leader first. */
static struct iq_error *add_group(struct session *s, const struct request *q, struct bt_result *x,
				  const struct iq_task *t)
{
	const struct iq_task *tasks;
	unsigned int nr;

	IQ_TRY(iq_tasks(s->kernel, &tasks, &nr));
	for (unsigned int i = 0; i < nr; i++)
		if (tasks[i].tgid == t->tgid && tasks[i].leader && t->pid)
			IQ_TRY(add_trace(s, q, x, &tasks[i]));
	for (unsigned int i = 0; i < nr; i++)
		if (tasks[i].tgid == t->tgid && !tasks[i].leader && t->pid)
			IQ_TRY(add_trace(s, q, x, &tasks[i]));
	return x->nr ? NULL : add_trace(s, q, x, t);
}

static struct iq_error *add_task(struct session *s, const struct request *q, struct bt_result *x,
				 const struct iq_task *t)
{
	return q->group ? add_group(s, q, x, t) : add_trace(s, q, x, t);
}

static struct iq_error *add_words(struct session *s, const struct request *q, struct bt_result *x,
				  int argc, char **argv)
{
	const struct iq_task *context;
	struct iq_task t;

	if (q->active || q->cpus)
		return bt_each_cpu(s, q->cpus, add_cpu, &(struct adding){s, q, x});
	if (q->panicked) {
		uint64_t address = iq_panic_task(s->kernel);

		if (!address)
			return iq_error_new(IQ_E_NOT_FOUND,
					    "no task panicked, as far as the dump says");
		IQ_TRY(iq_task_read(s->kernel, address, &t));
		return add_trace(s, q, x, &t);
	}
	if (!argc) {
		IQ_TRY(need_task(s, &context));
		return add_task(s, q, x, context);
	}
	for (int i = 0; i < argc; i++) {
		IQ_TRY(parse_task(s, argv[i], &t));
		IQ_TRY(add_task(s, q, x, &t));
	}
	return NULL;
}

/* ---- The command ------------------------------------------------------------------------------- */

/* Options that choose what is shown; false: not one of these. */
static bool shown_option(int letter, struct bt_options *o)
{
	switch (letter) {
	case 'l':
		o->lines = true;
		return true;
	case 's':
		o->offsets = true;
		return true;
	case 'x':
		o->hex = true;
		return true;
	case 'd':
		o->hex = false;
		return true;
	case 'f':
		o->words = true;
		return true;
	case 'V':
		o->variables = true;
		return true;
	case 'F':
		o->cache_addresses = o->symbolic;
		o->words = o->symbolic = true;
		return true;
	case 't':
		o->view = BT_TEXT_SYMBOLS;
		return true;
	case 'T':
		o->view = BT_ALL_TEXT_SYMBOLS;
		return true;
	case 'r':
		o->view = BT_RAW;
		return true;
	case 'e':
		o->view = BT_EXCEPTIONS;
		return true;
	case 'o':
		o->view = BT_OLD;
		return true;
	}
	return false;
}

/* -R: an address if it is one, else the name of a function. */
static void parse_reference(struct session *s, const char *value, struct request *q)
{
	struct iq_symbol symbol;

	q->reference = value;
	/* A function called "add" is meant, not 0xadd. */
	q->has_reference = !iq_symbol_named(s->kernel, value, &symbol) &&
			   word_address(s, value, &q->reference_address);
}

static struct iq_error *parse_option(struct session *s, int letter, const char *value,
				     struct request *q, struct bt_options *o)
{
	if (shown_option(letter, o))
		return NULL;
	switch (letter) {
	case 'a':
	case 'A': /* with the vector registers of s390x */
		q->active = true;
		break;
	case 'c':
		q->cpus = value;
		break;
	case 'g':
		q->group = true;
		break;
	case 'n':
		if (strcmp(value, "idle"))
			return iq_error_new(IQ_E_USAGE, "-n takes the word idle, not \"%s\"",
					    value);
		q->no_idle = true;
		break;
	case 'p':
		q->panicked = true;
		break;
	case 'E':
		q->exceptions = true;
		break;
	case 'v':
		q->overflows = true;
		break;
	case 'R':
		parse_reference(s, value, q);
		break;
	case 'I':
		q->has_ip = true;
		return parse_address(s, value, &q->ip);
	case 'S':
		q->has_sp = true;
		return parse_address(s, value, &q->sp);
	case 'O':
		s->bt_old = !s->bt_old;
		o->view = s->bt_old ? BT_OLD : BT_FRAMES;
		break;
	}
	return NULL;
}

/* With one task that has no trace there is nothing to show but the reason. */
static struct iq_error *only_error(const struct bt_result *x)
{
	if (x->nr != 1 || !x->traces[0].error || x->traces[0].no_stack)
		return NULL;
	return iq_error_new(IQ_E_UNAVAILABLE, "%s", x->traces[0].error);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options words = {argc, argv};
	struct bt_result *x;
	struct request q = {0};
	struct iq_kernel *k;
	struct iq_error *err;
	int letter;

	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->options.hex = s->hex;
	x->options.view = s->bt_old ? BT_OLD : BT_FRAMES;
	while ((letter = next_option(&words, "aAc:gn:plsxdfFVtTreEvoOR:I:S:", &err)) != -1 &&
	       !err) {
		err = parse_option(s, letter, words.value, &q, &x->options);
		if (err)
			break;
	}
	if (!err && (q.exceptions || q.overflows)) {
		free_result(x);
		return q.exceptions ? bt_exceptions(s, q.cpus, r) : bt_overflows(s, r);
	}
	if (!err)
		err = add_words(s, &q, x, argc - words.index, argv + words.index);
	if (!err)
		err = only_error(x);
	if (err && !x->nr) {
		free_result(x);
		return err;
	}
	r->ops = &ops;
	r->data = x;
	return err;
}

const struct command cmd_bt = {
	.name = "bt",
	.summary = "backtrace of a task, or of all CPUs",
	.help = "bt [-a | -c CPUS | -g | -p] [-n idle] [-lsfFVxd] [-t | -T | -r | -e | -o] "
		"[-R REF]\n"
		"   [-I IP] [-S SP] [PID | TASK]...\n"
		"bt -E [-c CPUS]\n"
		"bt -v\n"
		"\n"
		"Shows the kernel stack of the context, or of the tasks named by pid or task "
		"address, innermost\n"
		"frame first: [address of the return address on the stack], function, return "
		"address.  Where\n"
		"an exception or interrupt struck, its registers follow the entry that saved them. "
		" The\n"
		"frames are those that the kernel's own unwinder finds; what had to be guessed has "
		"a '?'.  What\n"
		"is wrong with the stack (overflow, a changed canary) stands behind the trace.\n"
		"\n"
		"  -a       the task of each CPU; -A is the same\n"
		"  -c CPUS  the tasks of some CPUs: 1, 0,2-3 or a for all\n"
		"  -g       all threads of the task's group, the leader first\n"
		"  -p       the task that panicked\n"
		"  -n idle  leave out idle CPUs\n"
		"  -R REF   only if this function, or text address, is in the trace\n"
		"  -I IP    begin at this place of the code; -S SP at this stack pointer (alone: "
		"where a return\n"
		"           address lies)\n"
		"  -l       source lines of the calls, and the functions inlined there (needs "
		"debug files)\n"
		"  -s       offsets behind the names; -x hexadecimal, -d decimal\n"
		"  -f       the words of each frame, and what they are: saved registers, fields of "
		"struct\n"
		"           pt_regs, padding, return addresses, the stack canary\n"
		"  -V       parameters of each function, and local variables where there are debug "
		"files\n"
		"  -F       the same as -f with words as symbol+offset or [slab cache], -FF as "
		"[address:slab cache]\n"
		"  -t       all text addresses on the stack from the innermost frame on; -T of the "
		"whole stack\n"
		"  -o       the same as frames: what is no frame of the trace, but a leftover, has "
		"a '?'; -O makes\n"
		"           that the default, or no longer\n"
		"  -r       the memory of the stack\n"
		"  -e       the exception frames of the trace only\n"
		"  -E       search the IRQ and exception stacks of all CPUs for exception frames, "
		"old ones too\n"
		"  -v       check the stacks of all tasks for overflows, changed canaries and lost "
		"end markers\n"
		"\n"
		"Examples:\n"
		"  bt                    the task that panicked\n"
		"  bt -a                 every CPU\n"
		"  bt -f 119             with the words of the stack, labelled\n"
		"  foreach UN bt         all tasks in uninterruptible sleep\n"
		"  foreach bt -R pipe_read  all tasks that wait in pipe_read()\n",
	.run = run,
	.completes = "p",
};
