// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Closing the sandbox.  Two layers: a filter of system calls (seccomp), which is what everything
 * rests on, and Landlock with a ruleset that allows nothing, where the kernel has it, in case a
 * way around the filter exists.  Files that are open stay usable in both.
 */
#include "sandbox.h"
#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One for the process, and set once: a signal handler gets nothing else. */
static int the_channel = -1;
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

int sandbox_channel(void)
{
	return the_channel;
}

int sandbox_ask(struct message *request, int fd, int *got)
{
	int e, file = -1;

	pthread_mutex_lock(&asking);
	e = channel_send(the_channel, request, fd);
	if (!e)
		e = channel_receive(the_channel, request, &file);
	pthread_mutex_unlock(&asking);
	if (!e && request->kind != MSG_REPLY)
		e = EBADMSG;
	if (!e)
		e = request->result;
	if (got && !e)
		*got = file;
	else if (file >= 0)
		close(file);
	return e;
}

/* ---- Landlock (Documentation/userspace-api/landlock.rst) -------------------------------------- */

/* The system calls have these numbers on every machine. */
#define LANDLOCK_CREATE_RULESET 444
#define LANDLOCK_RESTRICT_SELF 446
#define LANDLOCK_VERSION 1U

/* struct landlock_ruleset_attr of ABI 6; the kernel takes a shorter one. */
struct ruleset {
	uint64_t fs;	 /* ABI 1 */
	uint64_t net;	 /* ABI 4: bind and connect of TCP */
	uint64_t scoped; /* ABI 6: abstract Unix sockets, signals */
};

static int landlock_version(void)
{
	long n = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION);

	return n > 0 ? (int)n : 0;
}

/* All that this version knows is forbidden, for no rule allows anything. */
static void landlock(void)
{
	/* Rights on files: 13 at first, then REFER, TRUNCATE and, with ABI 5, IOCTL_DEV. */
	static const uint64_t rights[] = {0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff};
	int version = landlock_version(), fd;
	struct ruleset r = {0};
	size_t size = version < 4 ? 8 : version < 6 ? 16 : sizeof(r);

	if (!version || SANDBOX_SANITIZED)
		return;
	r.fs = rights[IQ_MIN((size_t)version, IQ_ARRAY_SIZE(rights) - 1)];
	r.net = version >= 4 ? 3 : 0;
	r.scoped = version >= 6 ? 3 : 0;
	fd = (int)syscall(LANDLOCK_CREATE_RULESET, &r, size, 0);
	if (fd < 0)
		return;
	/* The filter does not rest on it: a kernel that refuses is like one that has none. */
	syscall(LANDLOCK_RESTRICT_SELF, fd, 0);
	close(fd);
}

/* ---- Both ------------------------------------------------------------------------------------ */

bool sandbox_possible(void)
{
#if defined(__x86_64__) || (defined(__aarch64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
	/* EFAULT: the kernel looked for a filter where there is none. */
	return prctl(PR_SET_SECCOMP, 2, NULL) < 0 && (errno == EFAULT || errno == EACCES);
#else
	return false;
#endif
}

void sandbox_describe(char *text, size_t room)
{
	int version = landlock_version();

	if (!sandbox_possible())
		snprintf(text, room, "none");
	else if (version)
		snprintf(text, room, "seccomp and Landlock %d", version);
	else
		snprintf(text, room, "seccomp");
}

struct iq_error *sandbox_close(int channel)
{
	int e = 0;

	the_channel = channel;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return iq_error_errno(errno, "cannot give up privileges");
	landlock();
	e = sandbox_trap();
	if (!e)
		e = sandbox_filter(channel);
	if (e)
		return iq_error_errno(e, "cannot close the sandbox");
	return NULL;
}
