// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filter of system calls (Documentation/userspace-api/seccomp_filter.rst).  A table of what a
 * program needs that computes, maps and reads files that it holds, and writes to them; whatever
 * names a file is trapped; all else is refused with EPERM.
 */
#include "sandbox.h"
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE AUDIT_ARCH_AARCH64
#else
#define THIS_MACHINE 0
#endif

enum test {
	ALWAYS,
	EQUAL,	 /* the argument's low half is `value` */
	CLEAR,	 /* … has none of the bits of `value` */
	SET,	 /* … has all of them: one bit */
	OWN_PID, /* … is this process */
	CHANNEL, /* … is the channel */
};

struct rule {
	int nr;
	enum test test;
	unsigned int argument;
	uint32_t value;
};

/* What is done often comes first. */
static const struct rule allowed[] = {
	{SYS_pread64},
	{SYS_read},
	{SYS_write},
	{SYS_futex},
	/* No new code: nothing that a bug lets somebody write is run. */
	{SYS_mmap, SANDBOX_SANITIZED ? ALWAYS : CLEAR, 2, PROT_EXEC},
	{SYS_mprotect, SANDBOX_SANITIZED ? ALWAYS : CLEAR, 2, PROT_EXEC},
	{SYS_munmap},
	{SYS_mremap},
	{SYS_madvise},
	{SYS_brk},
	{SYS_close},
	{SYS_fstat},
	{SYS_lseek},
	{SYS_readv},
	{SYS_preadv},
	{SYS_pwrite64},
	{SYS_writev},
	{SYS_getdents64},
	{SYS_fadvise64},
	{SYS_fstatfs},
	{SYS_ftruncate},
	{SYS_fallocate},
	{SYS_fsync},
	{SYS_fdatasync},
	{SYS_flock},
	{SYS_memfd_create},
	{SYS_copy_file_range},
	{SYS_msync},
	{SYS_mincore},
	{SYS_dup},
	{SYS_fcntl, EQUAL, 1, F_DUPFD_CLOEXEC},
	{SYS_fcntl, EQUAL, 1, F_DUPFD},
	{SYS_fcntl, EQUAL, 1, F_GETFD},
	{SYS_fcntl, EQUAL, 1, F_SETFD},
	{SYS_fcntl, EQUAL, 1, F_GETFL},
	/* The times of a file that is open: futimens(). */
	{SYS_utimensat, EQUAL, 1, 0},
	/* Is it a terminal, and how wide?  None that types into it (TIOCSTI). */
	{SYS_ioctl, EQUAL, 1, TCGETS},
#ifdef TCGETS2
	{SYS_ioctl, EQUAL, 1, TCGETS2},
#endif
	{SYS_ioctl, EQUAL, 1, TIOCGWINSZ},
	{SYS_ioctl, EQUAL, 1, FIONREAD},
	/* Size of a disk, if that is what holds the dump: BLKGETSIZE64. */
	{SYS_ioctl, EQUAL, 1, 0x80081272},
	/* The channel, and no other socket. */
	{SYS_sendmsg, CHANNEL, 0},
	{SYS_recvmsg, CHANNEL, 0},
	/* Threads, but no processes.  clone3() hides its flags from a filter: see below. */
	{SYS_clone, SANDBOX_SANITIZED ? ALWAYS : SET, 0, CLONE_THREAD},
	{SYS_set_robust_list},
#ifdef SYS_rseq
	{SYS_rseq},
#endif
	{SYS_exit},
	{SYS_exit_group},
	{SYS_sched_yield},
	{SYS_sched_getaffinity},
	{SYS_getpid},
	{SYS_gettid},
	{SYS_getppid},
	{SYS_getuid},
	{SYS_geteuid},
	{SYS_getgid},
	{SYS_getegid},
	/* abort() and raise(). */
	{SYS_tgkill, OWN_PID, 0},
	{SYS_rt_sigaction},
	{SYS_rt_sigprocmask},
	{SYS_rt_sigreturn},
	{SYS_rt_sigpending},
	{SYS_sigaltstack},
	{SYS_restart_syscall},
	{SYS_clock_gettime},
	{SYS_clock_getres},
	{SYS_gettimeofday},
	{SYS_nanosleep},
	{SYS_clock_nanosleep},
	{SYS_ppoll},
	{SYS_getrandom},
	{SYS_getcwd},
	{SYS_uname},
	{SYS_sysinfo},
	{SYS_getrusage},
	{SYS_times},
	/* Limits are read, not set. */
	{SYS_prlimit64, EQUAL, 2, 0},
	{SYS_getrlimit},
#ifdef SYS_poll
	{SYS_poll},
	{SYS_time},
#endif
	/* Names of threads. */
	{SYS_prctl, EQUAL, 0, PR_SET_NAME},
#if SANDBOX_SANITIZED
	/* A sanitizer maps, and its search for leaks stops threads as a debugger does, from a thread that
	 * reads /proc and lets no signal in. */
	{SYS_prctl},
	{SYS_ptrace},
	{SYS_wait4},
	{SYS_personality},
	{SYS_openat, CLEAR, 2, O_WRONLY | O_RDWR | O_CREAT},
#endif
};

static const int trapped[] = {
	SYS_openat, SYS_newfstatat, SYS_faccessat, SYS_readlinkat, SYS_mkdirat, SYS_unlinkat,
	SYS_renameat2,
#ifdef SYS_renameat
	SYS_renameat,
#endif
#ifdef SYS_faccessat2
	SYS_faccessat2,
#endif
#ifdef SYS_open
	SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_mkdir, SYS_rename, SYS_unlink,
#endif
};

/* ---- The program ----------------------------------------------------------------------------- */

#define ROOM 512

struct program {
	struct sock_filter code[ROOM];
	unsigned short nr;
};

static void add(struct program *p, uint16_t code, uint32_t k, uint8_t yes, uint8_t no)
{
	if (p->nr < ROOM)
		p->code[p->nr++] = (struct sock_filter){code, yes, no, k};
}

static void load(struct program *p, size_t offset)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void finish(struct program *p, uint32_t what)
{
	add(p, BPF_RET | BPF_K, what, 0, 0);
}

/* Both halves are loaded as they lie in a little-endian machine. */
static size_t low_half(unsigned int argument)
{
	return offsetof(struct seccomp_data, args) + 8 * argument;
}

static void add_rule(struct program *p, const struct rule *r, uint32_t pid, uint32_t channel)
{
	uint32_t value = r->test == OWN_PID ? pid : r->test == CHANNEL ? channel : r->value;
	/* A pointer that is to be NULL is so in both halves. */
	bool whole = r->test == EQUAL && !r->value;

	/* The number is in the accumulator, and has to be there when the next rule is tried. */
	if (r->test == ALWAYS) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, 1);
		finish(p, SECCOMP_RET_ALLOW);
		return;
	}
	add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, whole ? 6 : 4);
	load(p, low_half(r->argument));
	if (r->test == CLEAR)
		add(p, BPF_JMP | BPF_JSET | BPF_K, value, 1, 0);
	else if (r->test == SET)
		add(p, BPF_JMP | BPF_JSET | BPF_K, value, 0, 1);
	else
		add(p, BPF_JMP | BPF_JEQ | BPF_K, value, 0, whole ? 3 : 1);
	if (whole) {
		load(p, low_half(r->argument) + 4);
		add(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
	}
	finish(p, SECCOMP_RET_ALLOW);
	load(p, offsetof(struct seccomp_data, nr));
}

static void make(struct program *p, uint32_t pid, uint32_t channel)
{
	load(p, offsetof(struct seccomp_data, arch));
	add(p, BPF_JMP | BPF_JEQ | BPF_K, THIS_MACHINE, 1, 0);
	finish(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
	/* x32 calls have a high bit set, and so are none of these. */
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(allowed); i++)
		add_rule(p, &allowed[i], pid, channel);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(trapped); i++) {
		add(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)trapped[i], 0, 1);
		finish(p, SECCOMP_RET_TRAP);
	}
#ifdef SYS_clone3
	/* glibc then starts a thread with clone(). */
	add(p, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
	finish(p, SECCOMP_RET_ERRNO | ENOSYS);
#endif
	finish(p, SECCOMP_RET_ERRNO | EPERM);
}

int sandbox_filter(int channel)
{
	struct program p = {.nr = 0};
	struct sock_fprog f = {.filter = p.code};

	make(&p, (uint32_t)getpid(), (uint32_t)channel);
	if (p.nr == ROOM)
		return E2BIG;
	f.len = p.nr;
#ifdef SECCOMP_FILTER_FLAG_SPEC_ALLOW
	/* Nothing in here runs code of others: no slow-down for speculation's sake. */
	if (!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &f))
		return 0;
#endif
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &f) ? errno : 0;
}
