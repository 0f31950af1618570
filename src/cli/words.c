// SPDX-License-Identifier: GPL-2.0-or-later
/* A line as typed: commands, pipes, redirections, words. */
#include "internal.h"
#include <ctype.h>
#include <stdlib.h>

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* S from START to END without the blanks around it; NULL without memory. */
static char *trimmed(const char *start, const char *end)
{
	while (start < end && blank(*start))
		start++;
	while (end > start && blank(end[-1]))
		end--;
	return strndup(start, (size_t)(end - start));
}

/*
 * Where a quoted text that begins at P ends: behind its closing quote; NULL: it does not.  In
 * double quotes a backslash protects the next character.
 */
static const char *skip_quoted(const char *p)
{
	char quote = *p++;

	/* '\'' and '"' are characters of an expression. */
	if (quote == '\'' && *p == '\\' && p[1] == '\'' && p[2] == '\'')
		return p + 3;
	for (; *p; p++) {
		if (*p == quote)
			return p + 1;
		if (quote == '"' && *p == '\\' && p[1])
			p++;
	}
	return NULL;
}

/*
 * From P to the first of the characters in STOP that nothing protects, or the end of the text.
 */
static struct iq_error *skip_to(const char *p, const char *stop, const char **ret)
{
	const char *start = p;
	unsigned int depth = 0;

	while (*p) {
		if (*p == '\'' || *p == '"') {
			const char *end = skip_quoted(p);

			if (!end)
				return iq_error_new(IQ_E_USAGE, "the quote at %s is not closed", p);
			p = end;
			continue;
		}
		if (*p == '\\' && p[1]) {
			p += 2;
			continue;
		}
		if (strchr("([{", *p))
			depth++;
		else if (strchr(")]}", *p))
			depth -= depth > 0;
		else if (!depth && *p == '>' && p > start && p[-1] == '-')
			; /* a->b */
		else if (!depth && *p == '>' && p[1] == '=')
			p++; /* a >= b */
		else if (!depth && *p == '|' && p[1] == '|')
			p++; /* a || b */
		else if (!depth && *p == '#' && (p == start || blank(p[-1])) && strchr(stop, '#'))
			break;
		else if (!depth && *p != '#' && strchr(stop, *p))
			break;
		p++;
	}
	*ret = p;
	return NULL;
}

/* The name of a file behind '>': one word. */
static struct iq_error *file_target(const char *start, const char *end, char **ret)
{
	struct words w = {0};
	struct iq_error *err;
	char *text = trimmed(start, end);

	if (!text)
		return iq_error_nomem();
	err = words_split(text, false, false, &w);
	free(text);
	if (err)
		return err;
	if (w.nr != 1) {
		words_free(&w);
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "'>' wants the name of one file"),
				     "put an expression that contains '>' in parentheses");
	}
	*ret = w.word[0];
	w.word[0] = NULL;
	w.nr = 0;
	words_free(&w);
	return NULL;
}

/* What is missing from a part that is not whole; NULL: nothing. */
static struct iq_error *check_part(const struct line_part *part)
{
	static const char *const mark[] = {"", "|", ">", ">>", "!"};

	if (!part->text || (part->to > LINE_STDOUT && part->to < LINE_SHELL && !part->target))
		return iq_error_nomem();
	if (part->to == LINE_SHELL && !part->text[0])
		return iq_error_new(IQ_E_USAGE, "nothing stands behind '!'");
	if (!part->text[0])
		return iq_error_new(IQ_E_USAGE, "nothing stands in front of '%s'", mark[part->to]);
	if (part->target && !part->target[0])
		return iq_error_new(IQ_E_USAGE, "nothing stands behind '%s'", mark[part->to]);
	return NULL;
}

/* PART's texts become L's, or are freed. */
static struct iq_error *add_part(struct line *l, struct line_part *part)
{
	bool empty = part->text && !part->text[0] && part->to == LINE_STDOUT;
	struct iq_error *err = empty ? NULL : check_part(part);

	if (!err && !empty && !iq_grow(&l->part, &l->room, l->nr + 1, sizeof(*l->part)))
		err = iq_error_nomem();
	if (err || empty) {
		free(part->text);
		free(part->target);
		return err;
	}
	l->part[l->nr++] = *part;
	return NULL;
}

/* One command, from *P; *P is left at what ends it: ';', a newline or the end of the text. */
static struct iq_error *split_part(const char **p, struct line *l)
{
	struct line_part part = {.to = LINE_STDOUT};
	const char *start = *p, *end, *next;

	while (blank(*start) && *start != '\n')
		start++;
	if (*start == '!') {
		*p = start + strcspn(start, "\n");
		part.to = LINE_SHELL;
		part.text = trimmed(start + 1, *p);
		return add_part(l, &part);
	}
	IQ_TRY(skip_to(start, "\n;|>#", &end));
	*p = end;
	if (*end == '|') {
		IQ_TRY(skip_to(end + 1, "\n;", &next));
		part.to = LINE_PIPE;
		part.target = trimmed(end + 1, next);
		*p = next;
	} else if (*end == '>') {
		const char *name = end[1] == '>' ? end + 2 : end + 1;

		IQ_TRY(skip_to(name, "\n;#", &next));
		part.to = end[1] == '>' ? LINE_APPEND : LINE_FILE;
		IQ_TRY(file_target(name, next, &part.target));
		*p = next;
	}
	if (**p == '#')
		*p += strcspn(*p, "\n");
	part.text = trimmed(start, end);
	return add_part(l, &part);
}

struct iq_error *line_split(const char *text, struct line *ret)
{
	struct iq_error *err = NULL;
	struct line l = {0};
	const char *p = text;

	while (!err) {
		err = split_part(&p, &l);
		if (err || !*p)
			break;
		p++;
	}
	if (err) {
		line_free(&l);
		return err;
	}
	*ret = l;
	return NULL;
}

void line_free(struct line *l)
{
	for (unsigned int i = 0; i < l->nr; i++) {
		free(l->part[i].text);
		free(l->part[i].target);
	}
	free(l->part);
	*l = (struct line){0};
}

static struct iq_error *add_word(struct words *w, char *word)
{
	if (!word || !iq_grow(&w->word, &w->room, w->nr + 2, sizeof(*w->word))) {
		free(word);
		return iq_error_nomem();
	}
	w->word[w->nr++] = word;
	w->word[w->nr] = NULL;
	return NULL;
}

/* Behind the parenthesis that closes the one at P; NULL: none does. */
static const char *skip_parentheses(const char *p)
{
	unsigned int depth = 0;

	while (*p) {
		if (*p == '\'' || *p == '"') {
			p = skip_quoted(p);
			if (!p)
				return NULL;
			continue;
		}
		depth += *p == '(';
		if (*p++ == ')' && !--depth)
			return p;
	}
	return NULL;
}

/*
 * One word at *P, quotes removed.  What stands in parentheses is one expression, with its blanks and
 * quotes.
 */
static struct iq_error *next_word(const char **p, bool keep_quotes, struct words *w)
{
	const char *s = *p, *closed;
	struct iq_buf word = {0};

	if (*s == '(' && !skip_parentheses(s))
		return iq_error_new(IQ_E_USAGE, "the parenthesis at %s is not closed", s);
	while (*s && !blank(*s)) {
		if (*s == '(' && (closed = skip_parentheses(s))) {
			iq_buf_add(&word, s, (size_t)(closed - s));
			s = closed;
		} else if (*s == '\'' || *s == '"') {
			const char *end = skip_quoted(s);
			bool whole;

			if (!end) {
				iq_buf_free(&word);
				return iq_error_new(IQ_E_USAGE, "the quote at %s is not closed", s);
			}
			whole = s == *p && (!*end || blank(*end)) && *s == '\'' && keep_quotes;
			for (const char *q = whole ? s : s + 1; q < (whole ? end : end - 1); q++) {
				if (*s == '"' && *q == '\\' && (q[1] == '"' || q[1] == '\\'))
					q++;
				iq_buf_putc(&word, *q);
			}
			s = end;
		} else {
			iq_buf_putc(&word, *s++);
		}
	}
	*p = s;
	return add_word(w, iq_buf_steal(&word));
}

/* gdb reads "x /4xg ADDRESS" as "x/4xg ADDRESS": the format at *P joins the name. */
static struct iq_error *join_format(const char **p, struct words *w)
{
	size_t len = strcspn(*p, " \t\r\n");
	struct iq_buf name = {0};
	char *joined;

	iq_buf_puts(&name, w->word[0]);
	iq_buf_add(&name, *p, len);
	joined = iq_buf_steal(&name);
	if (!joined)
		return iq_error_nomem();
	free(w->word[0]);
	w->word[0] = joined;
	*p += len;
	return NULL;
}

/* May this word stand between the name of a raw command and its text? */
static bool raw_option(const char *p)
{
	size_t letters = 0;

	/* -x, but not -jiffies or -x.y: those are expressions. */
	while (*p == '-' && isalpha((unsigned char)p[1 + letters]))
		letters++;
	return letters && letters <= 3 && (!p[1 + letters] || blank(p[1 + letters]));
}

struct iq_error *words_split(const char *text, bool raw, bool keep_quotes, struct words *ret)
{
	struct iq_error *err = NULL;
	struct words w = {0};
	const char *p = text;

	while (!err) {
		while (blank(*p))
			p++;
		if (!*p)
			break;
		if (raw && w.nr == 1 && *p == '/') {
			err = join_format(&p, &w);
			continue;
		}
		if (raw && w.nr && !raw_option(p)) {
			err = add_word(&w, trimmed(p, p + strlen(p)));
			break;
		}
		/* "*list_head": the star is a command of its own. */
		if (!w.nr && *p == '*') {
			err = add_word(&w, strdup("*"));
			p++;
			continue;
		}
		err = next_word(&p, keep_quotes, &w);
	}
	if (err) {
		words_free(&w);
		return err;
	}
	*ret = w;
	return NULL;
}

char *words_first(const char *text)
{
	const char *end;

	while (blank(*text))
		text++;
	if (*text == '*')
		return strdup("*");
	for (end = text; *end && !blank(*end); end++)
		;
	return strndup(text, (size_t)(end - text));
}

void words_free(struct words *w)
{
	for (unsigned int i = 0; i < w->nr; i++)
		free(w->word[i]);
	free(w->word);
	*w = (struct words){0};
}
