// SPDX-License-Identifier: GPL-2.0-or-later
/* What commands ask the session for: the kernel, a task, an address, registers. */
#include "cli.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#define WORD_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./"

struct iq_error *need_kernel(struct session *s, struct iq_kernel **ret)
{
	struct iq_error *err;

	if (s->kernel) {
		*ret = s->kernel;
		return NULL;
	}
	if (!s->kernel_error)
		return iq_error_new(IQ_E_UNAVAILABLE, "no dump is open");
	err = iq_error_new(s->kernel_error->code, "%s", s->kernel_error->message);
	if (s->kernel_error->hint)
		err = iq_error_hint(err, "%s", s->kernel_error->hint);
	else
		err = iq_error_hint(err, "physical memory can be read all the same: rd -p ADDRESS");
	return err;
}

void session_set_task(struct session *s, const struct iq_task *t)
{
	s->task = *t;
	s->has_task = true;
	s->context_sought = true;
	s->has_regs = false;
	s->regs_sought = false;
	s->frame_selected = false;
	s->frame = 0;
}

void session_select_frame(struct session *s, unsigned int index)
{
	s->has_regs = false;
	s->regs_sought = false;
	s->frame_selected = true;
	s->frame = index;
}

/* The task that the first CPU with one was running. */
static bool first_running(struct iq_kernel *k, struct iq_task *ret)
{
	unsigned int nr = 0;
	const struct iq_cpu *cpus = iq_kernel_cpus(k, &nr);

	for (unsigned int i = 0; cpus && i < nr; i++) {
		struct iq_error *err;

		if (!cpus[i].current)
			continue;
		err = iq_task_read(k, cpus[i].current, ret);
		if (!err)
			return true;
		iq_error_free(err);
	}
	return false;
}

void session_context(struct session *s)
{
	struct iq_error *err;
	struct iq_task t;
	uint64_t address;

	if (s->context_sought || !s->kernel)
		return;
	s->context_sought = true;
	address = iq_panic_task(s->kernel);
	if (address) {
		err = iq_task_read(s->kernel, address, &t);
		if (!err) {
			session_set_task(s, &t);
			return;
		}
		/* Whoever needs a task that cannot be understood will be told (need_task()). */
		if (err->code != IQ_E_UNAVAILABLE)
			iq_warn(&s->warnings, "the task that panicked cannot be read: %s",
				err->message);
		iq_error_free(err);
	}
	if (first_running(s->kernel, &t))
		session_set_task(s, &t);
}

struct iq_error *need_task(struct session *s, const struct iq_task **ret)
{
	struct iq_types *types;
	struct iq_kernel *k = NULL;

	IQ_TRY(need_kernel(s, &k));
	session_context(s);
	if (!s->has_task)
		IQ_TRY(iq_kernel_need_types(k, &types));
	if (!s->has_task)
		return iq_error_hint(
			iq_error_new(IQ_E_NOT_FOUND,
				     "there is no context: the dump does not say which task ran"),
			"choose one with set PID or set TASK; ps lists them");
	*ret = &s->task;
	return NULL;
}

static bool all_digits(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++) {
		if (!isdigit((unsigned char)*s))
			return false;
	}
	return true;
}

/* The address that the expression WORD gives: init_task, (current_task:0). */
static struct iq_error *task_address(struct session *s, const char *word, uint64_t *ret)
{
	struct iq_error *err = parse_address(s, word, ret);

	/* A plain word that is nothing at all: not only no symbol. */
	if (!err || err->code != IQ_E_NOT_FOUND || strspn(word, WORD_LETTERS) != strlen(word))
		return err;
	iq_error_free(err);
	return iq_error_hint(iq_error_new(IQ_E_USAGE, "%s is neither a pid nor the address of a task", word),
			     "ps lists the tasks; pids are decimal, addresses hexadecimal");
}

struct iq_error *parse_task(struct session *s, const char *word, struct iq_task *ret)
{
	const struct iq_task *t;
	struct iq_kernel *k = NULL;
	uint64_t value;

	IQ_TRY(need_kernel(s, &k));
	if (all_digits(word)) {
		char *end;
		unsigned long long pid = strtoull(word, &end, 10);

		t = pid <= UINT32_MAX ? iq_task_by_pid(k, (uint32_t)pid) : NULL;
		if (t) {
			*ret = *t;
			return NULL;
		}
	}
	if (!iq_parse_hex(word, &value))
		IQ_TRY(task_address(s, word, &value));
	t = iq_task_by_address(k, value);
	if (t) {
		*ret = *t;
		return NULL;
	}
	/* Small numbers are meant as pids; and user space has no task_struct. */
	if (!k->arch->vm->is_kernel(&k->layout, value))
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "no task has the pid %s", word),
				     "ps lists the tasks");
	IQ_TRY(iq_task_read(k, value, ret));
	iq_warn(&s->warnings,
		"0x%" PRIx64 " is in no list of tasks: what is shown may not be a task", value);
	return NULL;
}

/* Those of frame I of the context's trace. */
static void frame_regs(struct session *s, unsigned int i)
{
	struct iq_backtrace b = {0};
	struct iq_error *err = iq_backtrace(s->kernel, &s->task, &b);

	if (!err && i < b.nr) {
		s->regs = b.frames[i].regs;
		s->has_regs = true;
	}
	iq_error_free(err);
	iq_backtrace_free(&b);
}

/* The context's registers, looked for once. */
static const struct iq_regs *context_regs(struct session *s)
{
	unsigned int nr = 0;
	const struct iq_cpu *cpus;

	if (s->regs_sought)
		return s->has_regs ? &s->regs : NULL;
	s->regs_sought = true;
	if (!s->has_task)
		return NULL;
	if (s->frame_selected) {
		frame_regs(s, s->frame);
		return s->has_regs ? &s->regs : NULL;
	}
	cpus = iq_kernel_cpus(s->kernel, &nr);
	for (unsigned int i = 0; cpus && i < nr; i++) {
		if (cpus[i].has_regs && cpus[i].current == s->task.address) {
			s->regs = cpus[i].regs;
			s->has_regs = true;
			return &s->regs;
		}
	}
	if (!s->task.running)
		frame_regs(s, 0);
	return s->has_regs ? &s->regs : NULL;
}

void session_scope_of(struct session *s, const char *text, struct iq_scope *scope)
{
	/* Without memory there are no variables. */
	if (!s->variables)
		iq_error_free(iq_variables_new(&s->variables));
	*scope = (struct iq_scope){.k = s->kernel, .variables = s->variables, .bare_hex = true};
	if (!s->kernel || !strchr(text, '$'))
		return;
	session_context(s);
	scope->regs = context_regs(s);
}

void session_scope(struct session *s, struct iq_scope *scope)
{
	session_scope_of(s, "$", scope);
}

struct iq_error *parse_address(struct session *s, const char *word, uint64_t *ret)
{
	struct iq_scope scope;
	struct iq_kernel *k = NULL;

	/* No symbol begins with a digit. */
	if (isdigit((unsigned char)word[0]) && iq_parse_hex(word, ret))
		return NULL;
	if (!s->kernel && iq_parse_hex(word, ret))
		return NULL;
	IQ_TRY(need_kernel(s, &k));
	session_scope_of(s, word, &scope);
	return iq_eval_address(&scope, word, ret);
}

bool word_address(struct session *s, const char *word, uint64_t *ret)
{
	struct iq_error *err;

	if (iq_parse_hex(word, ret))
		return true;
	if (!*word || !strchr("(&*$", *word))
		return false;
	err = parse_address(s, word, ret);
	if (!err)
		return true;
	iq_warn(&s->warnings, "%s: %s", word, err->message);
	iq_error_free(err);
	return false;
}

/* A number, or ? if it is not KNOWN, in WIDTH columns. */
static void text_number(uint64_t value, bool known, size_t width, struct iq_buf *out)
{
	size_t end = out->len + width;

	if (known)
		iq_buf_dec(out, value);
	else
		iq_buf_putc(out, '?');
	while (out->len < end && !out->failed)
		iq_buf_putc(out, ' ');
}

void text_task_header(const struct iq_task *t, struct iq_buf *out)
{
	iq_buf_puts(out, "PID: ");
	text_number(t->pid, !(t->unknown & IQ_TASK_PID), 7, out);
	iq_buf_puts(out, "  TASK: ");
	iq_buf_hex(out, t->address, 16);
	iq_buf_puts(out, "  CPU: ");
	text_number(t->cpu, !(t->unknown & IQ_TASK_CPU), 3, out);
	iq_buf_puts(out, "  COMMAND: \"");
	if (t->unknown & IQ_TASK_COMM)
		iq_buf_putc(out, '?');
	iq_buf_add_escaped(out, t->comm, strnlen(t->comm, sizeof(t->comm)), false);
	iq_buf_puts(out, "\"\n");
}
