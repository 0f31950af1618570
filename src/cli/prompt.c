// SPDX-License-Identifier: GPL-2.0-or-later
/* The prompt: readline, its history and its prompt. */
#include "front.h"
#include <errno.h>
#include <poll.h>
#include <readline/history.h>
#include <readline/readline.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define HISTORY_LINES 2000
/* More than anyone reads; enough to find the common beginning. */
#define MAX_MATCHES 20000

/*
 * readline is one for the process and hands nothing of ours to its callbacks: this is what they
 * need. Set while run_prompt() runs.
 */
static struct {
	struct session *s;
	char *line; /* the line that was typed */
	bool done;
	char **match;
	unsigned int nr, next;
	volatile sig_atomic_t signal; /* that came while a line was typed */
} prompt;

static char *next_match(const char *text, int state)
{
	if (prompt.next >= prompt.nr)
		return NULL;
	return prompt.match[prompt.next++]; /* readline frees it */
}

static char **complete(const char *text, int start, int end)
{
	char **matches;
	rl_attempted_completion_over = 1;
	prompt.match = calloc(MAX_MATCHES, sizeof(char *));
	if (!prompt.match || !prompt.s)
		return NULL;
	prompt.next = 0;
	prompt.nr = (prompt.s->front ? front_complete : complete_word)(
		prompt.s, rl_line_buffer, (size_t)start, text, prompt.match, MAX_MATCHES);
	/* Members go on after the dot: no blank behind a type. */
	rl_completion_suppress_append = strchr(text, '.') != NULL;
	matches = prompt.nr ? rl_completion_matches(text, next_match) : NULL;
	while (prompt.next < prompt.nr)
		free(prompt.match[prompt.next++]);
	free(prompt.match);
	prompt.match = NULL;
	return matches;
}

/*
 * Where the history is kept: $XDG_STATE_HOME/inquest_history or ~/.inquest_history; NULL:
 * nowhere.
 */
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
	const HIST_ENTRY *last =
		history_length ? history_get(history_base + history_length - 1) : NULL;

	if (strspn(line, " \t") == strlen(line) || (last && !strcmp(last->line, line)))
		return;
	add_history(line);
}

/* ---- Lines ----------------------------------------------------------------------------------- */

/* What readline calls with a whole line, NULL at the end of input. */
static void take_line(char *line)
{
	/* Without this the next prompt would stand above the output. */
	rl_callback_handler_remove();
	prompt.line = line;
	prompt.done = true;
}

/* Ctrl-C at the prompt: the line is dropped. */
static void drop_line(void)
{
	rl_free_line_state();
	rl_callback_sigcleanup();
	rl_replace_line("", 0);
	write_all(STDOUT_FILENO, "^C\n", 3);
	rl_on_new_line();
	rl_redisplay();
}

/* ---- Signals while a line is typed ------------------------------------------------------------- */

/* readline has put the terminal into a mode that nobody else is to find it in. */
static const int obeyed[] = {SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

static void on_signal(int sig)
{
	prompt.signal = sig;
}

/* Have them noted, but those that are ignored; they and SIGINT come while we wait only. */
static void catch_all(struct sigaction before[], sigset_t *mask)
{
	struct sigaction action = {.sa_handler = on_signal};
	sigset_t block;

	sigemptyset(&action.sa_mask);
	sigemptyset(&block);
	sigaddset(&block, SIGINT);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(obeyed); i++) {
		sigaction(obeyed[i], NULL, &before[i]);
		if (before[i].sa_handler == SIG_IGN)
			continue;
		sigaction(obeyed[i], &action, NULL);
		sigaddset(&block, obeyed[i]);
	}
	prompt.signal = 0;
	sigprocmask(SIG_BLOCK, &block, mask);
}

static void catch_none(const struct sigaction before[], const sigset_t *mask)
{
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(obeyed); i++)
		sigaction(obeyed[i], &before[i], NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

/* Ctrl-Z: the shell gets its terminal; the line stands there again when we go on. */
static void stop_here(void)
{
	struct sigaction again;
	sigset_t one;

	prompt.signal = 0;
	rl_deprep_term_function();
	sigaction(SIGTSTP, NULL, &again);
	signal(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	sigemptyset(&one);
	sigaddset(&one, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
	sigaction(SIGTSTP, &again, NULL);
	rl_prep_term_function(1);
	rl_forced_update_display();
}

/*
 * One line, NULL at the end of input.  readline's own waiting leaves no way to see Ctrl-C for
 * sure, so that the waiting is done here: SIGINT is let through only while nothing else happens.
 */
static char *read_line(struct session *s)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	struct sigaction actions[IQ_ARRAY_SIZE(obeyed)];
	sigset_t before;

	catch_all(actions, &before);
	s->cancel.stop = 0;
	prompt.line = NULL;
	prompt.done = false;
	rl_callback_handler_install("inquest> ", take_line);
	while (!prompt.done) {
		int n = ppoll(&in, 1, NULL, &before);

		if (n < 0 && errno != EINTR)
			break;
		if (prompt.signal && prompt.signal != SIGTSTP)
			break;
		if (prompt.signal) {
			stop_here();
		} else if (s->cancel.stop) {
			s->cancel.stop = 0;
			drop_line();
		} else if (n > 0) {
			rl_callback_read_char();
		}
	}
	if (!prompt.done)
		rl_callback_handler_remove();
	catch_none(actions, &before);
	return prompt.line;
}

void run_prompt(struct session *s)
{
	char *path = history_path(), *line;

	prompt.s = s;
	rl_readline_name = "inquest";
	rl_catch_signals = 0;
	rl_attempted_completion_function = complete;
	rl_basic_word_break_characters = " \t\n;|>()&*+!\"'";
	using_history();
	stifle_history(HISTORY_LINES);
	if (path)
		read_history(path);
	while (!s->quit) {
		line = read_line(s);
		if (!line) {
			/* End of input: leave the shell a line of its own. */
			write_all(STDOUT_FILENO, "\n", 1);
			break;
		}
		remember(line);
		run_line(s, line);
		free(line);
	}
	if (path)
		write_history(path);
	free(path);
	prompt.s = NULL;
	/* The terminal and the history are as they should be. */
	if (prompt.signal)
		raise(prompt.signal);
}
