// SPDX-License-Identifier: GPL-2.0-or-later
/* From a line as typed to its output. */
#include "front.h"
#include "plugin.h"
#include "sandbox.h"
#include "target.h"
#include "script.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void result_free(struct result *r)
{
	if (r->ops && r->ops->free)
		r->ops->free(r->data);
	*r = (struct result){0};
}

/* ---- One command ----------------------------------------------------------------------------- */

static struct iq_error *unknown_command(struct session *s, const char *name)
{
	struct iq_nearest nearest = {.word = name};

	for (unsigned int i = 0; commands[i]; i++)
		iq_nearest_offer(&nearest, commands[i]->name);
	for (unsigned int i = 0; plugin_command(s, i); i++)
		iq_nearest_offer(&nearest, plugin_command(s, i)->name);
	if (s->kernel && !nearest.best[0])
		iq_kernel_nearest_symbol(s->kernel, &nearest);
	return iq_nearest_hint(
		&nearest,
		iq_error_hint(iq_error_new(IQ_E_USAGE,
					   s->kernel ? "no such command, symbol or type: %s"
						     : "no such command: %s",
					   name),
			      "help lists the commands"));
}

struct iq_error *execute_command(struct session *s, int argc, char **argv, struct result *r)
{
	const struct command *c = session_command(s, argv[0]);
	struct iq_error *err;

	*r = (struct result){0};
	if (!c)
		return unknown_command(s, argv[0]);
	if (!c->no_context)
		session_context(s);
	err = c->run(s, argc, argv, r);
	if (!err && iq_cancelled(&s->cancel))
		err = iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	return err;
}

struct iq_error *run_command(struct session *s, int argc, char **argv, const char *as_typed,
			     struct iq_buf *out)
{
	struct result r;
	struct iq_error *err = execute_command(s, argc, argv, &r);
	bool has_result = !err || r.ops;

	if (s->json)
		json_command(s, as_typed, r.ops ? r.ops->json(s, &r) : NULL, has_result, err, out);
	else if (r.ops)
		r.ops->text(s, &r, out);
	result_free(&r);
	if (!err)
		err = s->late_error;
	else
		iq_error_free(s->late_error);
	s->late_error = NULL;
	if (!err && out->failed)
		err = iq_error_nomem();
	return err;
}

/* ---- Words that are no command: a symbol, a struct, a typedef -------------------------------- */

/*
 * The command meant by TEXT, which begins with none: crash's habit of showing what is named.  NULL:
 * nothing of this name.
 */
static const char *command_for_name(struct session *s, const char *text)
{
	const struct iq_type *type;
	struct iq_symbol symbol;
	char name[256], tag[264];
	size_t len = 0;
	int64_t value;

	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	if (!len || len >= sizeof(name) || !s->kernel)
		return NULL;
	memcpy(name, text, len);
	name[len] = '\0';
	if (iq_symbol_named(s->kernel, name, &symbol))
		return "p";
	snprintf(tag, sizeof(tag), "struct %s", name);
	if (iq_kernel_type(s->kernel, tag, NULL))
		return "struct";
	snprintf(tag, sizeof(tag), "union %s", name);
	if (iq_kernel_type(s->kernel, tag, NULL))
		return "union";
	type = iq_kernel_type(s->kernel, name, NULL);
	if (!type && iq_kernel_types(s->kernel))
		type = iq_enumerator_by_name(iq_kernel_types(s->kernel), name, &value);
	return type ? "whatis" : NULL;
}

/* TEXT cut into words as its command wants them. */
static struct iq_error *words_of(struct session *s, const char *text, struct words *w)
{
	char *name = words_first(text);
	const struct command *c;
	const char *meant;
	struct iq_buf both = {0};
	struct iq_error *err;

	if (!name)
		return iq_error_nomem();
	c = session_command(s, name);
	free(name);
	if (c)
		return words_split(text, c->raw, c->keep_quotes, w);
	meant = command_for_name(s, text);
	if (!meant)
		return words_split(text, false, false, w);
	iq_buf_printf(&both, "%s %s", meant, text);
	c = command_by_name(meant);
	err = both.failed ? iq_error_nomem()
			  : words_split(iq_buf_str(&both), c && c->raw, false, w);
	iq_buf_free(&both);
	return err;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* In the sandbox the front opens what the user typed, and waits for the shell. */
static int open_target(const struct line_part *part, struct target *t)
{
	struct message m = {.kind = MSG_OUTPUT};

	if (sandbox_channel() < 0)
		return target_open(part, t);
	*t = (struct target){.fd = -1};
	return sandbox_ask(&m, -1, &t->fd);
}

static int close_target(struct target *t, int *status)
{
	struct message m = {.kind = MSG_OUTPUT_END};
	int e, closed;

	if (sandbox_channel() < 0)
		return target_close(t, status);
	closed = close(t->fd) ? errno : 0;
	e = sandbox_ask(&m, -1, NULL);
	*status = (int)m.flags;
	return closed ? closed : e;
}

/* Where the output of a part goes; false if it could not get there. */
static bool deliver(struct session *s, const struct line_part *part, const struct iq_buf *out)
{
	struct iq_error *err = NULL;
	struct target t;
	int e, closed, status = 0;

	if (part->to == LINE_STDOUT)
		return write_stdout(s, out);
	e = open_target(part, &t);
	if (e) {
		err = iq_error_errno(e, part->to == LINE_PIPE ? "cannot start a shell for %s"
							      : "cannot write %s",
				     part->target);
	} else {
		e = write_all(t.fd, iq_buf_str(out), out->len);
		closed = close_target(&t, &status);
		e = e ? e : closed;
		/* A reader that has seen enough is no error. */
		if (e && !(part->to == LINE_PIPE && e == EPIPE))
			err = iq_error_errno(e, "cannot write %s%s",
					     part->to == LINE_PIPE ? "to " : "", part->target);
	}
	if (err) {
		show_error(NULL, err);
		iq_error_free(err);
		return false;
	}
	return status == 0;
}

/* `!command` */
static bool run_shell_part(const struct line_part *part)
{
	int status = 0;
	struct iq_error *err = run_shell(part->text, &status);

	if (err)
		show_error(NULL, err);
	iq_error_free(err);
	return !err && status == 0;
}

/* set timing on: what a command took, on standard error. */
static void show_timing(const struct timespec *start)
{
	struct timespec now;
	struct rusage used;

	clock_gettime(CLOCK_MONOTONIC, &now);
	getrusage(RUSAGE_SELF, &used);
	fprintf(stderr, "%.3f s, %ld MB of memory at most so far\n",
		(double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9,
		used.ru_maxrss / 1024);
}

bool run_part(struct session *s, const struct line_part *part)
{
	bool colour = s->colour, ok;
	struct words w = {0};
	struct iq_buf out = {0};
	struct timespec start;
	struct iq_error *err;

	if (s->interactive)
		s->cancel.stop = 0;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (part->to != LINE_STDOUT)
		s->colour = false;
	err = words_of(s, part->text, &w);
	s->streaming = part->to == LINE_STDOUT && !s->json;
	if (!err)
		err = run_command(s, (int)w.nr, w.word, part->text, &out);
	else if (s->json)
		json_command(s, part->text, NULL, false, err, &out);
	s->colour = colour;
	s->streaming = false;
	if (!s->json)
		show_warnings(s);
	ok = !err;
	/* What can be shown comes before what could not. */
	if ((out.len || part->to != LINE_STDOUT) && !deliver(s, part, &out))
		ok = false;
	if (err && !s->json)
		show_error(w.nr ? w.word[0] : NULL, err);
	if (s->timing)
		show_timing(&start);
	iq_error_free(err);
	iq_buf_free(&out);
	words_free(&w);
	return ok;
}

/* Aliases are of the lines, which the front reads. */
static bool is_of_front(const struct line_part *part)
{
	char *name = words_first(part->text);
	bool is = name && !strcmp(name, "alias");

	free(name);
	return is;
}

static bool run_whole_part(struct session *s, const struct line_part *part)
{
	bool ok;

	if (run_macro(s, part, &ok))
		return ok;
	if (part->to == LINE_SHELL)
		return run_shell_part(part);
	return s->front && !is_of_front(part) ? front_run(s, part) : run_part(s, part);
}

bool run_line(struct session *s, const char *text)
{
	struct line line = {0};
	struct iq_error *err;
	bool ok, all = true;

	err = line_split(text, &line);
	if (err) {
		refuse_line(s, text, err);
		s->commands_failed++;
		return false;
	}
	for (unsigned int i = 0; i < line.nr && !s->quit; i++) {
		ok = run_whole_part(s, &line.part[i]);
		if (!ok) {
			s->commands_failed++;
			all = false;
		}
		/* Ctrl-C means all that was asked for, not only the one that was running. */
		if (iq_cancelled(&s->cancel)) {
			s->quit |= !s->interactive;
			break;
		}
	}
	line_free(&line);
	return all;
}
