// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System calls that name files, in the sandbox: the filter turns each into a SIGSYS, whose handler
 * asks the broker and gives the caller what the call would have returned.  So libinquest and the
 * C library open files as everywhere, and know nothing of a sandbox.
 */
#include "sandbox.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARGUMENT(c, i) ((uint64_t)(c)->uc_mcontext.gregs[argument_register[i]])
#define RESULT(c) ((c)->uc_mcontext.gregs[REG_RAX])
static const int argument_register[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
#elif defined(__aarch64__)
#define ARGUMENT(c, i) ((uint64_t)(c)->uc_mcontext.regs[i])
#define RESULT(c) ((c)->uc_mcontext.regs[0])
#endif

/* The calls of one kind, made one. */
struct call {
	enum message_kind kind;
	int dir, to_dir;	/* AT_FDCWD, or an open directory */
	const char *path, *to;
	uint32_t flags, mode;
	void *out;		/* struct stat or text */
	size_t room;
};

static long pass_on(const struct call *c)
{
	struct message m = {.kind = c->kind, .flags = c->flags, .mode = c->mode};
	int e, file = -1;
	size_t len;

	if (!c->path)
		return -EFAULT;
	if (c->dir < 0 && c->dir != AT_FDCWD)
		return -EBADF;
	/* Nothing is renamed from one directory to another. */
	if (c->to && c->dir != c->to_dir)
		return -EXDEV;
	if (strnlen(c->path, PATH_MAX) == PATH_MAX || (c->to && strnlen(c->to, PATH_MAX) == PATH_MAX) ||
	    !message_add(&m, c->path) || (c->to && !message_add(&m, c->to)))
		return -ENAMETOOLONG;
	e = sandbox_ask(&m, c->dir == AT_FDCWD ? -1 : c->dir, &file);
	if (e)
		return -e;
	switch (c->kind) {
	case MSG_OPEN:
		return file >= 0 ? file : -EACCES;
	case MSG_STAT:
		if (m.len != sizeof(struct stat))
			return -EACCES;
		memcpy(c->out, m.data, sizeof(struct stat));
		return 0;
	case MSG_READLINK:
		len = IQ_MIN(c->room, (size_t)m.len);
		memcpy(c->out, m.data, len);
		return (long)len;
	default:
		return 0;
	}
}

static uint32_t word(const ucontext_t *c, unsigned int i)
{
	return (uint32_t)ARGUMENT(c, i);
}

static int number(const ucontext_t *c, unsigned int i)
{
	return (int)word(c, i);
}

static void *pointer(const ucontext_t *c, unsigned int i)
{
	return (void *)(uintptr_t)ARGUMENT(c, i);
}

#ifdef SYS_open
/* The calls from before there were directories to start from. */
static bool decode_old(int nr, const ucontext_t *c, struct call *call)
{
	*call = (struct call){.dir = AT_FDCWD, .to_dir = AT_FDCWD, .path = pointer(c, 0)};
	switch (nr) {
	case SYS_open:
		call->kind = MSG_OPEN;
		call->flags = word(c, 1);
		call->mode = word(c, 2);
		return true;
	case SYS_stat:
	case SYS_lstat:
		call->kind = MSG_STAT;
		call->flags = nr == SYS_lstat ? AT_SYMLINK_NOFOLLOW : 0;
		call->out = pointer(c, 1);
		return true;
	case SYS_access:
		call->kind = MSG_ACCESS;
		call->mode = word(c, 1);
		return true;
	case SYS_readlink:
		call->kind = MSG_READLINK;
		call->out = pointer(c, 1);
		call->room = ARGUMENT(c, 2);
		return true;
	case SYS_mkdir:
		call->kind = MSG_MKDIR;
		call->mode = word(c, 1);
		return true;
	case SYS_rename:
		call->kind = MSG_RENAME;
		call->to = pointer(c, 1);
		return true;
	case SYS_unlink:
		call->kind = MSG_UNLINK;
		return true;
	default:
		return false;
	}
}
#else
static bool decode_old(int nr, const ucontext_t *c, struct call *call)
{
	return false;
}
#endif

static bool decode(int nr, const ucontext_t *c, struct call *call)
{
	*call = (struct call){.dir = number(c, 0), .path = pointer(c, 1)};
	switch (nr) {
	case SYS_openat:
		call->kind = MSG_OPEN;
		call->flags = word(c, 2);
		call->mode = word(c, 3);
		return true;
	case SYS_newfstatat:
		call->kind = MSG_STAT;
		call->flags = word(c, 3) & AT_SYMLINK_NOFOLLOW;
		call->out = pointer(c, 2);
		return true;
	case SYS_faccessat:
#ifdef SYS_faccessat2
	case SYS_faccessat2:
#endif
		call->kind = MSG_ACCESS;
		call->mode = word(c, 2);
		return true;
	case SYS_readlinkat:
		call->kind = MSG_READLINK;
		call->out = pointer(c, 2);
		call->room = ARGUMENT(c, 3);
		return true;
	case SYS_mkdirat:
		call->kind = MSG_MKDIR;
		call->mode = word(c, 2);
		return true;
	case SYS_unlinkat:
		call->kind = MSG_UNLINK;
		return !word(c, 2);
#ifdef SYS_renameat
	case SYS_renameat:
#endif
	case SYS_renameat2:
		call->kind = MSG_RENAME;
		call->to_dir = number(c, 2);
		call->to = pointer(c, 3);
		return true;
	default:
		return decode_old(nr, c, call);
	}
}

static long answer(int nr, const ucontext_t *c)
{
	struct call call;

	/* fstat() is this in the C library. */
	if (nr == SYS_newfstatat && (number(c, 3) & AT_EMPTY_PATH) && pointer(c, 1) &&
	    !*(const char *)pointer(c, 1))
		return syscall(SYS_fstat, number(c, 0), pointer(c, 2)) ? -errno : 0;
	if (!decode(nr, c, &call))
		return -EPERM;
	return pass_on(&call);
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	int before = errno;

	RESULT(c) = (greg_t)answer(info->si_syscall, c);
	errno = before;
}

int sandbox_trap(void)
{
	struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};

	/* Nothing interrupts a question, nor asks another one in the middle of it. */
	sigfillset(&action.sa_mask);
	return sigaction(SIGSYS, &action, NULL) ? errno : 0;
}
