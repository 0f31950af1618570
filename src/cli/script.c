// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines that stand for other lines: aliases, scripts, repeat. */
#include "plugin.h"
#include "script.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Scripts that run scripts, aliases that begin with aliases. */
#define DEPTH_MAX 16

/* Below what a line is run; an alias is not expanded within itself, so that bt can stand for bt -f. */
struct macro {
	const struct macro *above;
	const char *alias; /* NULL: a script or repeat */
};

static bool fail(struct session *s, struct iq_error *err)
{
	refuse_line(s, NULL, err);
	return false;
}

static bool within(const struct session *s, const char *alias, unsigned int *depth)
{
	*depth = 0;
	for (const struct macro *m = s->macro; m; m = m->above, (*depth)++)
		if (alias && m->alias && !strcmp(m->alias, alias))
			return true;
	return false;
}

static bool run_below(struct session *s, const char *alias, const char *line)
{
	struct macro m = {s->macro, alias};
	unsigned int failed = s->commands_failed;
	bool ok;

	s->macro = &m;
	ok = run_line(s, line);
	s->macro = m.above;
	/* The line as it was typed is one command that failed, or none. */
	s->commands_failed = failed;
	return ok;
}

/* ---- Scripts --------------------------------------------------------------------------------- */

bool run_stream(struct session *s, FILE *f)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t len;
	bool ok = true;

	while (!s->quit && !iq_cancelled(&s->cancel) && (len = getline(&line, &room, f)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		ok &= run_line(s, line);
	}
	free(line);
	return ok;
}

bool run_file(struct session *s, const char *path)
{
	struct macro m = {s->macro, NULL};
	unsigned int depth;
	FILE *f;
	bool ok;

	within(s, NULL, &depth);
	if (depth >= DEPTH_MAX)
		return fail(s, iq_error_new(IQ_E_LIMIT, "%s: scripts run scripts %u deep", path, DEPTH_MAX));
	f = fopen(path, "re");
	if (!f)
		return fail(s, iq_error_errno(errno, "cannot open the script %s", path));
	s->macro = &m;
	ok = run_stream(s, f);
	s->macro = m.above;
	fclose(f);
	return ok;
}

/* A file that only its owner, who is the user, can have written. */
static bool is_own(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 022);
}

/* The start files that are there and may be run, as struct start_files has them. */
struct start_files {
	char *path[2];
	unsigned int nr;
	bool refused; /* .inquestrc of this directory */
};

static void find_start_files(struct start_files *f)
{
	const char *home = getenv("HOME");
	struct iq_buf path = {0};
	struct stat a, b;
	bool same = false;

	*f = (struct start_files){.nr = 0};
	if (home && home[0] == '/') {
		iq_buf_printf(&path, "%s/.inquestrc", home);
		same = !stat(iq_buf_str(&path), &a) && !stat(".inquestrc", &b) && a.st_dev == b.st_dev &&
		       a.st_ino == b.st_ino;
		if (!path.failed && !access(iq_buf_str(&path), R_OK))
			f->path[f->nr++] = iq_buf_steal(&path);
		iq_buf_free(&path);
	}
	if (same || access(".inquestrc", R_OK))
		return;
	f->refused = !is_own(".inquestrc");
	if (!f->refused)
		f->path[f->nr++] = strdup(".inquestrc");
}

static void free_start_files(struct start_files *f)
{
	for (unsigned int i = 0; i < f->nr; i++)
		free(f->path[i]);
}

void run_start_files(struct session *s)
{
	unsigned int failed = s->commands_failed;
	struct start_files f;

	find_start_files(&f);
	for (unsigned int i = 0; i < f.nr; i++) {
		if (f.path[i])
			run_file(s, f.path[i]);
	}
	if (f.refused)
		iq_warn(&s->warnings, ".inquestrc in this directory is not run: it is not yours, or others may write "
			"to it");
	free_start_files(&f);
	s->commands_failed = failed; /* the exit status is about what was asked for */
}

/* The plug-ins that LINE names, if it is an `extend`. */
static struct iq_error *want_of_line(struct session *s, const char *text)
{
	struct line line = {0};
	struct iq_error *err = line_split(text, &line);

	for (unsigned int i = 0; !err && i < line.nr; i++) {
		struct words w = {0};

		err = words_split(line.part[i].text, false, false, &w);
		for (unsigned int n = 1; !err && n < w.nr && !strcmp(w.word[0], "extend") && w.word[1][0] != '-'; n++)
			err = plugin_want(s, w.word[n], true);
		words_free(&w);
	}
	/* What is wrong with a line is said when it is run. */
	if (err && err->code != IQ_E_NOMEM) {
		iq_error_free(err);
		err = NULL;
	}
	line_free(&line);
	return err;
}

struct iq_error *want_start_plugins(struct session *s)
{
	struct iq_error *err = NULL;
	struct start_files f;
	char *line = NULL;
	size_t room = 0;

	find_start_files(&f);
	for (unsigned int i = 0; !err && i < f.nr; i++) {
		FILE *file = f.path[i] ? fopen(f.path[i], "re") : NULL;

		while (file && !err && getline(&line, &room, file) > 0)
			err = want_of_line(s, line);
		if (file)
			fclose(file);
	}
	free(line);
	free_start_files(&f);
	return err;
}

/* ---- repeat ---------------------------------------------------------------------------------- */

struct repetition {
	double seconds;
	uint64_t count; /* 0: until Ctrl-C */
	const char *command;
};

static struct iq_error *parse_repeat(struct session *s, const char *text, struct repetition *r)
{
	const char *p = text + strlen("repeat");
	char *end;

	for (;;) {
		p += strspn(p, " \t");
		if (!strncmp(p, "-n", 2) && strspn(p + 2, " \t")) {
			p += 2;
			errno = 0;
			r->count = strtoull(p, &end, 10);
			if (end == p || errno || !r->count)
				return iq_error_new(IQ_E_USAGE, "-n needs a number");
		} else if (*p == '-' && (strspn(p + 1, "0123456789."))) {
			r->seconds = strtod(p + 1, &end);
			if (!isfinite(r->seconds) || r->seconds > 86400)
				return iq_error_new(IQ_E_USAGE, "the seconds are at most 86400");
		} else {
			break;
		}
		p = end;
	}
	r->command = p;
	if (!*p)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "what is to be repeated?"),
				     "repeat [-SECONDS] [-n COUNT] COMMAND");
	if (!r->count && !s->interactive)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "without a prompt nothing would end it"),
				     "-n COUNT says how often");
	return NULL;
}

static bool run_repeat(struct session *s, const struct line_part *part, const char *line)
{
	struct repetition r = {0};
	struct iq_error *err = parse_repeat(s, part->text, &r);
	struct timespec pause;
	bool ok = true;

	if (err)
		return fail(s, err);
	pause.tv_sec = (time_t)r.seconds;
	pause.tv_nsec = (long)((r.seconds - (double)pause.tv_sec) * 1e9);
	/* What the line says where the output goes holds for each time. */
	line += strlen(part->text) - strlen(r.command);
	for (uint64_t n = 0; ok && !s->quit && (!r.count || n < r.count); n++) {
		if (n && nanosleep(&pause, NULL))
			break;
		ok = run_below(s, NULL, line);
		if (iq_cancelled(&s->cancel))
			break;
	}
	return ok;
}

/* ---- What a line begins with ----------------------------------------------------------------- */

/* PART as it would be typed, its first words replaced. */
static char *rewritten(const struct line_part *part, const char *words, const char *rest)
{
	static const char *const to[] = {[LINE_PIPE] = "|", [LINE_FILE] = ">", [LINE_APPEND] = ">>"};
	struct iq_buf line = {0};

	iq_buf_printf(&line, "%s%s", words, rest);
	if (part->to == LINE_PIPE)
		iq_buf_printf(&line, " | %s", part->target);
	else if (part->to == LINE_FILE || part->to == LINE_APPEND)
		iq_buf_printf(&line, " %s \"%s\"", to[part->to], part->target);
	return iq_buf_steal(&line);
}

/* The alias that TEXT begins with, and what follows it; NULL: none. */
static const char *leading_alias(struct session *s, const char *text, char *name, size_t room,
				 const char **rest)
{
	size_t len = strcspn(text, " \t\r\n/");
	const char *t;

	if (!len || len >= room)
		return NULL;
	memcpy(name, text, len);
	name[len] = '\0';
	t = alias_text(s, name);
	*rest = text + len;
	return t;
}

bool run_macro(struct session *s, const struct line_part *part, bool *ok)
{
	const char *text = part->text, *rest, *words;
	char name[64], *line;
	unsigned int depth;

	if (part->to == LINE_SHELL)
		return false;
	if (*text == '<') {
		text++;
		text += strspn(text, " \t");
		*ok = part->to == LINE_STDOUT
			      ? run_file(s, text)
			      : fail(s, iq_error_new(IQ_E_USAGE, "the output of a script goes where its lines say"));
		return true;
	}
	words = leading_alias(s, text, name, sizeof(name), &rest);
	if (words && within(s, name, &depth))
		words = NULL;
	if (!words && (strncmp(text, "repeat", 6) || (text[6] && !strchr(" \t", text[6]))))
		return false;
	within(s, NULL, &depth);
	line = depth < DEPTH_MAX ? words ? rewritten(part, words, rest) : rewritten(part, "", text) : NULL;
	if (!line)
		*ok = fail(s, depth < DEPTH_MAX
				      ? iq_error_nomem()
				      : iq_error_new(IQ_E_LIMIT, "aliases stand for aliases %u deep", DEPTH_MAX));
	else if (words)
		*ok = run_below(s, name, line);
	else
		*ok = run_repeat(s, part, line);
	free(line);
	return true;
}
