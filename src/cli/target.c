// SPDX-License-Identifier: GPL-2.0-or-later
/* Files and shells that take the output of a command. */
#include "target.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Start sh -c COMMAND; standard input is the pipe's end IN if there is one (-1). */
static int start_shell(const char *command, int in, pid_t *pid)
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
	if (in >= 0)
		e = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (!e)
		e = posix_spawn(pid, "/bin/sh", &actions, &attr, (char *const *)(uintptr_t)argv,
				environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return e;
}

static int wait_for(pid_t pid, int *status)
{
	int code;

	while (waitpid(pid, &code, 0) < 0) {
		if (errno != EINTR)
			return errno;
	}
	*status = WIFEXITED(code) ? WEXITSTATUS(code) : 128 + WTERMSIG(code);
	return 0;
}

struct iq_error *run_shell(const char *command, int *status)
{
	pid_t pid;
	int e = start_shell(command, -1, &pid);

	if (e)
		return iq_error_errno(e, "cannot start /bin/sh");
	e = wait_for(pid, status);
	return e ? iq_error_errno(e, "cannot wait for /bin/sh") : NULL;
}

static int open_pipe(const char *command, struct target *t)
{
	int ends[2], e;

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	e = start_shell(command, ends[0], &t->pid);
	close(ends[0]);
	if (e)
		close(ends[1]);
	else
		t->fd = ends[1];
	return e;
}

int target_open(const struct line_part *part, struct target *t)
{
	int how = part->to == LINE_APPEND ? O_APPEND : O_TRUNC;

	*t = (struct target){.fd = -1};
	if (part->to == LINE_PIPE)
		return open_pipe(part->target, t);
	t->fd = open(part->target, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | how, 0666);
	return t->fd < 0 ? errno : 0;
}

int target_close(struct target *t, int *status)
{
	int e = 0;

	*status = 0;
	if (t->fd >= 0 && close(t->fd))
		e = errno;
	t->fd = -1;
	if (t->pid) {
		int waited = wait_for(t->pid, status);

		e = e ? e : waited;
	}
	t->pid = 0;
	return e;
}
