// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sandbox from within: a process that closed it tries what it must not be able to do, and what
 * it needs.  And the broker, which is asked for what it must refuse.
 */
#include "../../src/cli/broker.h"
#include "../../src/cli/sandbox.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- A process in the sandbox ----------------------------------------------------------------- */

static char scratch[] = "/tmp/inquest-sandbox-XXXXXX";

static void path_in(const char *name, char path[256])
{
	snprintf(path, 256, "%s/%s", scratch, name);
}

static void make_file(const char *name, const char *text, size_t len)
{
	char path[256];
	int fd;

	path_in(name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

/* Answer all requests of the process at the other end until it leaves; its exit status. */
static int serve(struct broker *b, int channel, pid_t pid)
{
	struct message m;
	int got, give, status;

	while (!channel_receive(channel, &m, &got)) {
		give = broker_serve(b, &m, got);
		channel_send(channel, &m, give);
		if (give >= 0)
			close(give);
		if (got >= 0)
			close(got);
	}
	close(channel);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Run FN in the sandbox; what it returns, or 1000 and the signal that ended it. */
static int in_sandbox(struct broker *b, int (*fn)(void))
{
	int ends[2];
	pid_t pid;

	assert_false(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct iq_error *err;

		close(ends[0]);
		err = sandbox_close(ends[1]);
		_exit(err ? 99 : fn());
	}
	close(ends[1]);
	return serve(b, ends[0], pid);
}

#define REFUSED(call)                                                                              \
	do {                                                                                       \
		errno = 0;                                                                         \
		if ((long)(call) >= 0 || (errno != EPERM && errno != EACCES && errno != ENOSYS)) { \
			dprintf(2, "%s: errno %d\n", #call, errno);                                \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)
#define WORKS(test)                                                                                \
	do {                                                                                       \
		if (!(test)) {                                                                     \
			dprintf(2, "%s fails: errno %d\n", #test, errno);                          \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

static int no_network(void)
{
	int pair[2];

	REFUSED(socket(AF_INET, SOCK_STREAM, 0));
	REFUSED(socket(AF_INET6, SOCK_DGRAM, 0));
	REFUSED(socket(AF_UNIX, SOCK_STREAM, 0));
	REFUSED(socket(AF_NETLINK, SOCK_RAW, 0));
	REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	REFUSED(syscall(SYS_io_uring_setup, 1, NULL));
	REFUSED(syscall(SYS_bpf, 0, NULL, 0));
	return 0;
}

static int no_programs(void)
{
	char *argv[] = {(char *)"true", NULL};

	REFUSED(execv("/bin/true", argv));
	REFUSED(syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, 0));
	REFUSED(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
			? -1
			: 0);
	return 0;
}

static int no_processes(void)
{
	pid_t parent = getppid();

	REFUSED(kill(parent, 0));
	REFUSED(kill(parent, SIGTERM));
	REFUSED(kill(-1, 0));
	REFUSED(syscall(SYS_tgkill, parent, parent, SIGTERM));
	REFUSED(syscall(SYS_tkill, parent, SIGTERM));
	REFUSED(syscall(SYS_pidfd_open, parent, 0));
	REFUSED(syscall(SYS_process_vm_readv, parent, NULL, 0, NULL, 0, 0));
	return 0;
}

static int no_children(void)
{
	REFUSED(fork());
	REFUSED(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	REFUSED(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	REFUSED(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
	REFUSED(prctl(PR_SET_DUMPABLE, 0));
	return 0;
}

static int no_files(void)
{
	struct stat st;
	char text[64];
	int fd = 0;

	REFUSED(open("/etc/passwd", O_RDONLY));
	REFUSED(open("/proc/1/status", O_RDONLY));
	REFUSED(open("/", O_RDONLY | O_DIRECTORY));
	REFUSED(openat(AT_FDCWD, "../../etc/passwd", O_RDONLY));
	REFUSED(open("/tmp/inquest-must-not-be", O_WRONLY | O_CREAT, 0600));
	REFUSED(open("/dev/tty", O_RDWR));
	REFUSED(stat("/etc/passwd", &st));
	REFUSED(access("/etc/shadow", F_OK));
	REFUSED(readlink("/proc/1/exe", text, sizeof(text)));
	REFUSED(mkdir("/tmp/inquest-must-not-be", 0700));
	REFUSED(unlink("/etc/passwd"));
	REFUSED(rename("/etc/passwd", "/etc/passwd2"));
	REFUSED(symlink("/etc/passwd", "/tmp/inquest-must-not-be"));
	REFUSED(link("/etc/passwd", "/tmp/inquest-must-not-be"));
	REFUSED(chmod("/tmp", 0700));
	REFUSED(truncate("/etc/hostname", 0));
	REFUSED(chdir("/"));
	REFUSED(chroot("/"));
	REFUSED(ioctl(fd, TIOCSTI, "x"));
	return 0;
}

static void *add_one(void *arg)
{
	++*(int *)arg;
	return NULL;
}

static int needs(void)
{
	struct stat st, same;
	char path[256], text[8] = "";
	pthread_t thread;
	int n = 0, fd;
	DIR *dir;

	path_in("given", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	WORKS(fd >= 0);
	WORKS(read(fd, text, 5) == 5 && !strcmp(text, "given"));
	WORKS(!fstat(fd, &st) && st.st_size == 5);
	WORKS(!stat(path, &same) && same.st_ino == st.st_ino);
	WORKS(!access(path, R_OK));
	WORKS(mmap(NULL, 5, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	close(fd);
	WORKS(!pthread_create(&thread, NULL, add_one, &n) && !pthread_join(thread, NULL) && n == 1);
	WORKS(malloc(100 << 20));
	path_in("below", path);
	dir = opendir(path);
	WORKS(dir && readdir(dir));
	closedir(dir);
	fd = memfd_create("x", MFD_CLOEXEC);
	WORKS(fd >= 0 && !ftruncate(fd, 4096));
	fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	WORKS(fd >= 0 && write(fd, "x", 1) == 1);
	return 0;
}

/* A crash is a crash: abort() has to end the process. */
static int aborts(void)
{
	abort();
}

static void make_tree(struct broker *b)
{
	char path[256];

	*b = (struct broker){0};
	path_in("below", path);
	mkdir(path, 0700);
	make_file("given", "given", 5);
	make_file("secret", "secret", 6);
	path_in("given", path);
	assert_true(broker_allow(b, ALLOW_FILE, path));
	assert_true(broker_allow_system(b));
}

static void test_refused(void **state)
{
	struct broker b;

	if (!sandbox_possible() || SANDBOX_SANITIZED)
		skip();
	make_tree(&b);
	assert_int_equal(in_sandbox(&b, no_network), 0);
	assert_int_equal(in_sandbox(&b, no_programs), 0);
	assert_int_equal(in_sandbox(&b, no_processes), 0);
	assert_int_equal(in_sandbox(&b, no_children), 0);
	assert_int_equal(in_sandbox(&b, no_files), 0);
	broker_free(&b);
}

static void test_needed(void **state)
{
	struct broker b;

	if (!sandbox_possible())
		skip();
	make_tree(&b);
	assert_int_equal(in_sandbox(&b, needs), 0);
	if (!SANDBOX_SANITIZED)
		assert_int_equal(in_sandbox(&b, aborts), 1000 + SIGABRT);
	broker_free(&b);
}

/* ---- The broker ------------------------------------------------------------------------------- */

/* What it answers; the file is closed. */
static int ask(struct broker *b, enum message_kind kind, const char *path, int flags, int dir)
{
	struct message m = {.kind = kind, .flags = (uint32_t)flags, .mode = R_OK};
	int fd;

	assert_true(message_add(&m, path));
	fd = broker_serve(b, &m, dir);
	assert_int_equal(m.kind, MSG_REPLY);
	assert_true(m.result || kind != MSG_OPEN || fd >= 0);
	if (fd >= 0)
		close(fd);
	return m.result;
}

static int ask_open(struct broker *b, const char *name, int flags)
{
	char path[256];

	path_in(name, path);
	return ask(b, MSG_OPEN, path, flags, -1);
}

static void test_typed_files(void **state)
{
	struct broker b;
	char path[256];

	make_tree(&b);
	assert_int_equal(ask_open(&b, "given", O_RDONLY), 0);
	assert_int_equal(ask_open(&b, "./given", O_RDONLY), 0);
	assert_int_equal(ask_open(&b, "/given", O_RDONLY | O_NOCTTY | O_NONBLOCK), 0);
	assert_int_equal(ask_open(&b, "given", O_WRONLY), EACCES);
	assert_int_equal(ask_open(&b, "given", O_RDWR), EACCES);
	assert_int_equal(ask_open(&b, "given", O_RDONLY | O_TRUNC), EACCES);
	assert_int_equal(ask_open(&b, "given", O_RDONLY | O_CREAT), EACCES);
	assert_int_equal(ask_open(&b, "given", O_PATH), EACCES);
	assert_int_equal(ask_open(&b, "secret", O_RDONLY), EACCES);
	assert_int_equal(ask_open(&b, "below/../given", O_RDONLY), EACCES);
	assert_int_equal(ask_open(&b, "given/", O_RDONLY), 0);
	path_in("given", path);
	assert_int_equal(ask(&b, MSG_UNLINK, path, 0, -1), EACCES);
	assert_int_equal(ask(&b, MSG_MKDIR, path, 0, -1), EACCES);
	assert_int_equal(ask(&b, MSG_READLINK, "/proc/self/exe", 0, -1), EACCES);
	assert_int_equal(ask(&b, MSG_STAT, "/etc/passwd", 0, -1), EACCES);
	assert_int_equal(ask(&b, MSG_ACCESS, "/etc/passwd", 0, -1), EACCES);
	assert_int_equal(ask(&b, MSG_OPEN, "", O_RDONLY, -1), ENOENT);
	make_file("saved.vmem", "memory", 6);
	assert_int_equal(ask_open(&b, "saved.vmem", O_RDONLY), EACCES);
	path_in("saved.vmss", path);
	assert_true(broker_allow(&b, ALLOW_FILE, path));
	assert_int_equal(ask_open(&b, "saved.vmem", O_RDONLY), 0);
	path_in("given", path);
	assert_int_equal(ask(&b, MSG_RUN, path, 0, -1), EPERM);
	broker_free(&b);
}

static void test_debug_files(void **state)
{
	struct broker b;
	char path[256], link[256];

	make_tree(&b);
	make_file("vmlinux", "\x7f" "ELF....", 8);
	make_file("below/x.ko", "\x7f" "ELF....", 8);
	make_file("below/y.ko", "-----BEGIN OPENSSH", 18);
	make_file("below/id_rsa", "\x7f" "ELF....", 8);
	path_in("secret", path);
	path_in("vmlinux.debug", link);
	unlink(link);
	assert_false(symlink(path, link));
	/* Beside the file that was typed, and below. */
	assert_int_equal(ask_open(&b, "vmlinux", O_RDONLY), 0);
	assert_int_equal(ask_open(&b, "below/x.ko", O_RDONLY), 0);
	/* Its name is right, what is in it is not. */
	assert_int_equal(ask_open(&b, "below/y.ko", O_RDONLY), EACCES);
	/* A link to a secret. */
	assert_int_equal(ask_open(&b, "vmlinux.debug", O_RDONLY), EACCES);
	assert_int_equal(ask_open(&b, "below/id_rsa", O_RDONLY), EACCES);
	assert_int_equal(ask_open(&b, "below/x.ko", O_RDWR), EACCES);
	assert_int_equal(ask_open(&b, "below/../vmlinux", O_RDONLY), EACCES);
	assert_int_equal(ask_open(&b, "../vmlinux", O_RDONLY), EACCES);
	assert_int_equal(ask_open(&b, "below", O_RDONLY | O_DIRECTORY), 0);
	assert_int_equal(ask_open(&b, "..", O_RDONLY | O_DIRECTORY), EACCES);
	assert_int_equal(ask(&b, MSG_OPEN, "/etc", O_RDONLY | O_DIRECTORY, -1), EACCES);
	broker_free(&b);
}

static void test_source(void **state)
{
	struct broker b = {0};
	char dir[256], path[256], link[256];

	path_in("below", dir);
	make_file("below/main.c", "int x;", 6);
	path_in("secret", path);
	path_in("below/out.c", link);
	unlink(link);
	assert_false(symlink(path, link));
	assert_int_equal(ask_open(&b, "below/main.c", O_RDONLY), EACCES);
	assert_true(broker_allow(&b, ALLOW_SOURCE, dir));
	assert_int_equal(ask_open(&b, "below/main.c", O_RDONLY), 0);
	assert_int_equal(ask_open(&b, "below/out.c", O_RDONLY), EACCES);
	assert_int_equal(ask_open(&b, "below/../secret", O_RDONLY), EACCES);
	assert_int_equal(ask_open(&b, "secret", O_RDONLY), EACCES);
	broker_free(&b);
}

static void test_cache(void **state)
{
	struct broker b = {0};
	struct message m = {.kind = MSG_RENAME};
	char dir[256], path[256], secret[256];
	int at, other;

	path_in("cache", dir);
	assert_true(broker_allow(&b, ALLOW_CACHE, dir));
	assert_int_equal(ask(&b, MSG_MKDIR, dir, 0, -1), 0);
	assert_int_equal(ask(&b, MSG_MKDIR, dir, 0, -1), EEXIST);
	assert_int_equal(ask_open(&b, "cache/a", O_WRONLY | O_CREAT | O_EXCL), 0);
	assert_int_equal(ask_open(&b, "cache/a", O_WRONLY | O_CREAT | O_EXCL), EEXIST);
	assert_int_equal(ask_open(&b, "cache/sub/a", O_WRONLY | O_CREAT), EACCES);
	assert_int_equal(ask_open(&b, "cache/../secret", O_WRONLY), EACCES);
	assert_int_equal(ask_open(&b, "cached", O_WRONLY | O_CREAT), EACCES);
	path_in("secret", secret);
	path_in("cache/link", path);
	assert_false(symlink(secret, path));
	assert_int_equal(ask_open(&b, "cache/link", O_RDONLY), ELOOP);
	assert_int_equal(ask_open(&b, "cache/link", O_WRONLY), ELOOP);
	/* Below an open directory: the cache's, and no other one. */
	at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	other = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(at >= 0 && other >= 0);
	assert_int_equal(ask(&b, MSG_OPEN, "b", O_WRONLY | O_CREAT | O_EXCL, at), 0);
	assert_int_equal(ask(&b, MSG_OPEN, "../secret", O_RDONLY, at), EACCES);
	assert_int_equal(ask(&b, MSG_OPEN, "..", O_RDONLY | O_DIRECTORY, at), EACCES);
	assert_int_equal(ask(&b, MSG_OPEN, "secret", O_WRONLY, other), EACCES);
	assert_int_equal(ask(&b, MSG_UNLINK, "secret", 0, other), EACCES);
	assert_true(message_add(&m, "b") && message_add(&m, "c"));
	assert_int_equal(broker_serve(&b, &m, at), -1);
	assert_int_equal(m.result, 0);
	assert_int_equal(ask(&b, MSG_UNLINK, "c", 0, at), 0);
	m = (struct message){.kind = MSG_RENAME};
	assert_true(message_add(&m, "a") && message_add(&m, secret));
	assert_int_equal(broker_serve(&b, &m, at), -1);
	assert_int_equal(m.result, EACCES);
	/* Half a message. */
	m = (struct message){.kind = MSG_OPEN, .len = 3, .data = "abc"};
	assert_int_equal(broker_serve(&b, &m, -1), -1);
	assert_int_equal(m.result, ENOENT);
	close(at);
	close(other);
	broker_free(&b);
}

static int set_up(void **state)
{
	return !mkdtemp(scratch);
}

static int tear_down(void **state)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf %s", scratch);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_needed),
		cmocka_unit_test(test_typed_files), cmocka_unit_test(test_debug_files),
		cmocka_unit_test(test_source),	    cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
