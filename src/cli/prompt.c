// SPDX-License-Identifier: GPL-2.0-or-later
/* The prompt: readline, its history and its completion. */
#include "internal.h"
#include <readline/history.h>
#include <readline/readline.h>
#include <stdlib.h>
#include <unistd.h>

#define HISTORY_LINES 2000
/* More than anyone reads; enough to find the common beginning. */
#define MAX_MATCHES 20000

/*
 * readline is one for the process and hands nothing of ours to its callbacks: this is what they need.
 * Set while run_prompt() runs.
 */
static struct {
	struct session *s;
	char **match;
	unsigned int nr, next;
} completion;

static char *next_match(const char *text, int state)
{
	if (completion.next >= completion.nr)
		return NULL;
	return completion.match[completion.next++]; /* readline frees it */
}

static char **complete(const char *text, int start, int end)
{
	char **matches;
	const struct session *s = completion.s;

	rl_attempted_completion_over = 1;
	completion.match = calloc(MAX_MATCHES, sizeof(char *));
	if (!completion.match || !s)
		return NULL;
	completion.next = 0;
	completion.nr = complete_word(completion.s, rl_line_buffer, (size_t)start, text, completion.match,
				      MAX_MATCHES);
	/* Members go on after the dot: no blank behind a type. */
	rl_completion_suppress_append = strchr(text, '.') != NULL;
	matches = completion.nr ? rl_completion_matches(text, next_match) : NULL;
	while (completion.next < completion.nr)
		free(completion.match[completion.next++]);
	free(completion.match);
	completion.match = NULL;
	return matches;
}

/* Ctrl-C at the prompt drops the line. */
static int interrupted(void)
{
	if (completion.s && completion.s->cancel.stop) {
		rl_replace_line("", 0);
		rl_done = 1;
	}
	return 0;
}

/* Where the history is kept: $XDG_STATE_HOME/inquest_history or ~/.inquest_history; NULL: nowhere. */
static char *history_path(void)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct iq_buf b = {0};

	if (state && state[0] == '/' && !access(state, W_OK | X_OK))
		iq_buf_printf(&b, "%s/inquest_history", state);
	else if (home && home[0] == '/')
		iq_buf_printf(&b, "%s/.inquest_history", home);
	else
		return NULL;
	return iq_buf_steal(&b);
}

static void remember(const char *line)
{
	const HIST_ENTRY *last = history_length ? history_get(history_base + history_length - 1) : NULL;

	if (strspn(line, " \t") == strlen(line) || (last && !strcmp(last->line, line)))
		return;
	add_history(line);
}

void run_prompt(struct session *s)
{
	char *path = history_path(), *line;

	completion.s = s;
	rl_readline_name = "inquest";
	rl_attempted_completion_function = complete;
	rl_basic_word_break_characters = " \t\n;|>()&*+!\"'";
	rl_signal_event_hook = interrupted;
	using_history();
	stifle_history(HISTORY_LINES);
	if (path)
		read_history(path);
	while (!s->quit) {
		s->cancel.stop = 0;
		line = readline("inquest> ");
		if (!line) {
			/* End of input: leave the shell its own line. */
			write_all(STDOUT_FILENO, "\n", 1);
			break;
		}
		if (!s->cancel.stop) {
			remember(line);
			run_line(s, line);
		} else {
			write_all(STDOUT_FILENO, "\n", 1);
		}
		free(line);
	}
	if (path)
		write_history(path);
	free(path);
	completion.s = NULL;
}
