// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Source text from below a directory that the user named.  The names of files come from debug
 * information, which is not trusted: nothing outside of the directory is opened.
 */
#include "source.h"
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX (64 << 20)
#define LINES_MAX 100000
#define LINES_BEFORE 5 /* of context */
#define LINES_AROUND 10 /* behind a line that was named by itself */
#define FUNCTION_MAX (64U << 10)

void source_free(struct source_text *t)
{
	for (unsigned int i = 0; i < t->nr; i++)
		free(t->line[i]);
	free(t->line);
	free(t->path);
	*t = (struct source_text){0};
}

/* No ".." that leads up and out, no empty name. */
static bool sane_path(const char *path)
{
	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/");

		if (!len || (len == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += len + (p[len] == '/');
	}
	return *path;
}

/* The file FILE below DIR (which realpath() made), if it really lies there; malloc()ed. */
static char *below(const char *dir, const char *file)
{
	char path[PATH_MAX], *real;
	size_t len = strlen(dir);
	struct stat st;

	if (!sane_path(file) ||
	    snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		return NULL;
	real = realpath(path, NULL);
	if (real && !strncmp(real, dir, len) && (real[len] == '/' || len == 1) &&
	    !stat(real, &st) && S_ISREG(st.st_mode) && st.st_size <= FILE_MAX)
		return real;
	free(real);
	return NULL;
}

static struct iq_error *find_file(struct session *s, const char *file, char **ret)
{
	char *dir = s->src ? realpath(s->src, NULL) : NULL, *found = NULL;

	if (!s->src)
		return iq_error_hint(iq_error_new(IQ_E_UNAVAILABLE, "source code is not available"),
				     "set src DIRECTORY, or --src DIRECTORY, says where it is");
	for (const char *p = file + (*file == '/'); dir && !found && p;) {
		const char *slash = strchr(p, '/');

		found = below(dir, p);
		p = slash ? slash + 1 : NULL;
	}
	free(dir);
	if (!found)
		return iq_error_new(IQ_E_NOT_FOUND, "%s is not below %s", file, s->src);
	*ret = found;
	return NULL;
}

struct iq_error *source_read(struct session *s, const char *file, unsigned int from,
			     unsigned int to, struct source_text *ret)
{
	struct source_text t = {.first = from};
	unsigned int room = 0;
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	FILE *f;

	IQ_TRY(find_file(s, file, &t.path));
	f = fopen(t.path, "re");
	for (unsigned int nr = 1;
	     f && nr <= to && nr < LINES_MAX && (len = getline(&line, &size, f)) >= 0; nr++) {
		if (nr < from)
			continue;
		if (len && line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (!iq_grow(&t.line, &room, t.nr + 1, sizeof(*t.line)))
			break;
		t.line[t.nr] = strdup(line);
		if (!t.line[t.nr])
			break;
		t.nr++;
	}
	free(line);
	if (f)
		fclose(f);
	*ret = t;
	return NULL;
}

/* ---- Listings -------------------------------------------------------------------------------- */

void listing_free(struct listing *l)
{
	source_free(&l->text);
	free(l->file);
	free(l->function);
	free(l->missing);
	free(l->here);
}

/* Do both name one file?  The user's name for it may be only the end of it. */
static bool same_file(const char *full, const char *end)
{
	size_t a = strlen(full), b = strlen(end);

	return a >= b && !strcmp(full + a - b, end) && (a == b || full[a - b - 1] == '/');
}

static struct iq_error *add_here(struct listing *l, unsigned int *room, const struct chain *c)
{
	for (unsigned int i = 0; i < c->nr; i++) {
		if (!same_file(c->at[i].file, l->file))
			continue;
		if (!iq_grow(&l->here, room, l->nr_here + 1, sizeof(*l->here)))
			return iq_error_nomem();
		l->here[l->nr_here++] = c->at[i].line;
	}
	return NULL;
}

/* The lines of this file that the context's stack is in. */
static struct iq_error *find_here(struct session *s, struct listing *l)
{
	const struct iq_task *task;
	struct iq_error *err = need_task(s, &task);
	struct iq_backtrace b = {0};
	unsigned int room = 0;
	struct chain c;

	if (!err)
		err = iq_backtrace(s->kernel, task, &b);
	if (err) { /* then nothing is marked */
		iq_error_free(err);
		return NULL;
	}
	for (unsigned int i = 0; !err && i < b.nr; i++) {
		find_chain(s->kernel, b.frames[i].ip, b.frames[i].exact_ip, &c);
		err = add_here(l, &room, &c);
	}
	iq_backtrace_free(&b);
	return err;
}

static struct iq_error *read_text(struct session *s, struct listing *l, unsigned int to)
{
	unsigned int from = l->line > LINES_BEFORE ? l->line - LINES_BEFORE : 1;
	struct iq_error *err = source_read(s, l->file, from, to, &l->text);

	if (err && (err->code == IQ_E_UNAVAILABLE || err->code == IQ_E_NOT_FOUND)) {
		l->missing = strdup(err->message);
		iq_error_free(err);
		return l->missing ? NULL : iq_error_nomem();
	}
	if (!err && l->text.nr <= l->line - from) {
		err = iq_error_new(IQ_E_NOT_FOUND, "%s has no line %u: it is of another version",
				   l->text.path, l->line);
		return err;
	}
	return err ? err : find_here(s, l);
}

/* The last line of the function around ADDRESS, as far as its own code says; 0: unknown. */
static unsigned int last_line(struct iq_kernel *k, uint64_t address, const char *file)
{
	struct iq_symbol symbol;
	unsigned int last = 0;
	struct chain c;

	if (!iq_symbol_at(k, address, &symbol))
		return 0;
	for (uint64_t i = 0; i < IQ_MIN(symbol.size, FUNCTION_MAX); i += 2) {
		const struct iq_inline *outer;

		find_chain(k, symbol.address + i, true, &c);
		outer = c.nr ? &c.at[c.nr - 1] : NULL;
		if (outer && !strcmp(outer->file, file))
			last = IQ_MAX(last, outer->line);
	}
	return last;
}

struct iq_error *listing_of(struct session *s, const char *file, unsigned int line,
			    unsigned int count, struct listing *ret)
{
	struct listing l = {.file = strdup(file), .line = line};
	struct iq_error *err = l.file ? NULL : iq_error_nomem();

	if (!err)
		err = read_text(s, &l, line + (count ? count - 1 : LINES_AROUND));
	if (err)
		listing_free(&l);
	else
		*ret = l;
	return err;
}

struct iq_error *listing_at(struct session *s, uint64_t address, unsigned int count,
			    struct listing *ret)
{
	struct listing l = {0};
	struct iq_error *err = NULL;
	unsigned int last;
	struct chain c;

	find_chain(s->kernel, address, false, &c);
	if (!c.nr)
		return iq_error_hint(iq_error_new(IQ_E_UNAVAILABLE,
						  "no source line is known for 0x%llx",
						  (unsigned long long)address),
				     "lines come from a vmlinux or module with debug information");
	l.line = c.at[0].line;
	l.file = strdup(c.at[0].file);
	l.function = strdup(c.at[0].function);
	if (!l.file || !l.function)
		err = iq_error_nomem();
	last = count ? l.line + count - 1 : last_line(s->kernel, address, c.at[0].file);
	/* In an inlined function where that one ends is not known. */
	if (last < l.line || (!count && c.at[0].inlined))
		last = l.line + LINES_AROUND;
	if (!err)
		err = read_text(s, &l, last);
	if (err)
		listing_free(&l);
	else
		*ret = l;
	return err;
}

static char mark_of(const struct listing *l, unsigned int line)
{
	if (line == l->line)
		return '*';
	for (unsigned int i = 0; i < l->nr_here; i++) {
		if (l->here[i] == line)
			return '>';
	}
	return ' ';
}

void text_listing(const struct listing *l, struct iq_buf *out)
{
	iq_buf_puts(out, "FILE: ");
	iq_buf_add_escaped(out, l->file, strlen(l->file), false);
	iq_buf_printf(out, "\nLINE: %u\n\n", l->line);
	for (unsigned int i = 0; i < l->text.nr; i++) {
		unsigned int nr = l->text.first + i;

		iq_buf_printf(out, "%c %u\t", mark_of(l, nr), nr);
		iq_buf_add_escaped(out, l->text.line[i], strlen(l->text.line[i]), true);
		iq_buf_putc(out, '\n');
	}
	if (l->missing)
		iq_buf_printf(out, "%s\n", l->missing);
}

void json_listing(const struct listing *l, json_t *o)
{
	json_t *lines = l->missing ? json_null() : json_array();

	json_object_set_new(o, "file", json_text(l->file, strlen(l->file)));
	json_object_set_new(o, "line", json_integer(l->line));
	json_object_set_new(o, "function",
			    l->function && *l->function
				    ? json_text(l->function, strlen(l->function))
				    : json_null());
	for (unsigned int i = 0; i < l->text.nr; i++) {
		const char mark[2] = {mark_of(l, l->text.first + i), '\0'};
		json_t *line = json_object();

		json_object_set_new(line, "line", json_integer(l->text.first + i));
		json_object_set_new(line, "text",
				    json_text(l->text.line[i], strlen(l->text.line[i])));
		json_object_set_new(line, "mark", *mark == ' ' ? json_null() : json_string(mark));
		json_array_append_new(lines, line);
	}
	json_object_set_new(o, "source", lines);
}
