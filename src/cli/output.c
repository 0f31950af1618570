// SPDX-License-Identifier: GPL-2.0-or-later
/* Where results, errors and warnings go. */
#include "internal.h"
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool colour_stderr(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDERR_FILENO) && !(no && *no) && term && strcmp(term, "dumb");
}

void show_error(const char *command, const struct iq_error *err)
{
	struct iq_buf out = {0};
	bool colour = colour_stderr();

	iq_buf_printf(&out, "%sinquest:%s ", colour ? "\033[1;31m" : "", colour ? "\033[0m" : "");
	if (command) {
		iq_buf_add_escaped(&out, command, strlen(command), false);
		iq_buf_puts(&out, ": ");
	}
	iq_buf_printf(&out, "%s\n", err->message);
	if (err->hint)
		iq_buf_printf(&out, "  hint: %s\n", err->hint);
	/* If even this cannot be written there is nobody to tell. */
	write_all(STDERR_FILENO, iq_buf_str(&out), out.len);
	iq_buf_free(&out);
}

void show_warnings(struct session *s)
{
	struct iq_buf out = {0};

	for (unsigned int i = 0; i < s->warnings.nr; i++)
		iq_buf_printf(&out, "inquest: warning: %s\n", s->warnings.text[i]);
	if (s->warnings.dropped)
		iq_buf_printf(&out, "inquest: warning: %u more warnings\n", s->warnings.dropped);
	write_all(STDERR_FILENO, iq_buf_str(&out), out.len);
	iq_buf_free(&out);
	iq_warnings_clear(&s->warnings);
}

int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return errno;
		}
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

bool write_stdout(struct session *s, const struct iq_buf *out)
{
	int e = write_all(STDOUT_FILENO, iq_buf_str(out), out->len);

	if (!e)
		return true;
	if (e != EPIPE) {
		struct iq_error *err = iq_error_errno(e, "cannot write to standard output");

		show_error(NULL, err);
		iq_error_free(err);
	}
	s->quit = true;
	return false;
}

/* Start sh -c COMMAND; standard input is the pipe's end IN if there is one (-1). */
static int start_shell(const char *command, int in, int other_end, pid_t *pid)
{
	const char *argv[] = {"sh", "-c", command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t defaults;
	int e;

	/* We ignore SIGPIPE; the programs of a pipeline must not inherit that. */
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	e = posix_spawn_file_actions_init(&actions);
	if (e)
		return e;
	e = posix_spawnattr_init(&attr);
	if (e) {
		posix_spawn_file_actions_destroy(&actions);
		return e;
	}
	posix_spawnattr_setsigdefault(&attr, &defaults);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	if (in >= 0) {
		e = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
		if (!e && in != STDIN_FILENO)
			e = posix_spawn_file_actions_addclose(&actions, in);
		if (!e)
			e = posix_spawn_file_actions_addclose(&actions, other_end);
	}
	if (!e)
		e = posix_spawn(pid, "/bin/sh", &actions, &attr, (char *const *)(uintptr_t)argv,
				environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return e;
}

struct iq_error *run_shell(const char *command, const struct iq_buf *in, int *status)
{
	int ends[2] = {-1, -1}, e, code;
	pid_t pid;

	if (in && pipe(ends))
		return iq_error_errno(errno, "cannot make a pipe");
	e = start_shell(command, ends[0], ends[1], &pid);
	if (in)
		close(ends[0]);
	if (e) {
		if (in)
			close(ends[1]);
		return iq_error_errno(e, "cannot start /bin/sh");
	}
	if (in) {
		/* A reader that has seen enough is no error. */
		e = write_all(ends[1], iq_buf_str(in), in->len);
		close(ends[1]);
	}
	while (waitpid(pid, &code, 0) < 0) {
		if (errno != EINTR)
			return iq_error_errno(errno, "cannot wait for /bin/sh");
	}
	if (in && e && e != EPIPE)
		return iq_error_errno(e, "cannot write to the pipe");
	*status = WIFEXITED(code) ? WEXITSTATUS(code) : 128 + WTERMSIG(code);
	return NULL;
}

bool stream_out(struct session *s, struct iq_buf *out)
{
	bool ok;

	if (!s->streaming)
		return true;
	ok = write_stdout(s, out);
	out->len = 0;
	return ok;
}
