/*
 * workers: a population of processes in different states, so that ps, files,
 * vm, net, task and waitq commands have something to show.  Each role is a
 * child named after it; the parent ("workers") stays and keeps one zombie.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void *thread_futex(void *arg)
{
	prctl(PR_SET_NAME, (char *)arg, 0, 0, 0);
	pthread_mutex_lock(&held);		/* never released */
	return NULL;
}

static void *thread_sleep(void *arg)
{
	prctl(PR_SET_NAME, (char *)arg, 0, 0, 0);
	for (;;)
		sleep(1000);
	return NULL;
}

static void role_threads(void)
{
	pthread_t t;

	pthread_mutex_lock(&held);
	pthread_create(&t, NULL, thread_futex, "thr-futex-a");
	pthread_create(&t, NULL, thread_futex, "thr-futex-b");
	pthread_create(&t, NULL, thread_sleep, "thr-sleep");
	for (;;)
		pause();
}

static void role_pipe(void)
{
	int fd[2];
	char c;

	if (pipe(fd) == 0 && read(fd[0], &c, 1) < 0)
		perror("read");
}

static void role_listen(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8080),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM, 0);
	int c = socket(AF_INET, SOCK_STREAM, 0), p;

	if (bind(s, (void *)&a, sizeof(a)) || listen(s, 8))
		perror("listen");
	if (connect(c, (void *)&a, sizeof(a)))	/* one established pair */
		perror("connect");
	p = accept(s, NULL, NULL);
	if (write(c, "hello", 5) != 5)		/* stays in p's queue */
		perror("write");
	(void)p;
	accept(s, NULL, NULL);
}

static void role_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd pfd = { .fd = s, .events = POLLIN };

	strcpy(a.sun_path, "/tmp/lab.sock");
	if (bind(s, (void *)&a, sizeof(a)) || listen(s, 4))
		perror("unix");
	poll(&pfd, 1, -1);
}

static void role_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd[2], e = epoll_create1(0);

	if (pipe(fd) == 0)
		epoll_ctl(e, EPOLL_CTL_ADD, fd[0], &ev);
	epoll_wait(e, &ev, 1, -1);
}

static void role_mmap(void)
{
	size_t len = 4 << 20;
	int fd = open("/tmp/mapped.dat", O_RDWR | O_CREAT, 0644);
	char *p, *q;

	if (ftruncate(fd, len))
		perror("ftruncate");
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(p, 'f', len / 2);
	for (size_t i = 0; i < len; i += 4096)
		sprintf(q + i, "anonymous page %zu", i / 4096);
	for (;;)
		pause();
}

static void role_flock(void)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open("/tmp/locked.dat", O_RDWR | O_CREAT, 0644);

	fcntl(fd, F_SETLK, &fl);
	for (;;)
		sleep(1000);
}

static void role_ipc(void)
{
	struct { long type; char text[32]; } m = { 5, "a message nobody takes" };
	int shm = shmget(0x1ab00001, 3 * 4096, IPC_CREAT | 0600);
	int q = msgget(0x1ab00002, IPC_CREAT | 0644);
	char *p = shmat(shm, NULL, 0);
	struct sembuf wait = { .sem_num = 1, .sem_op = -1 };

	if (p != (void *)-1)
		strcpy(p, "shared memory of w-ipc");
	if (msgsnd(q, &m, sizeof(m.text), 0))
		perror("msgsnd");
	semop(semget(0x1ab00003, 3, IPC_CREAT | 0600), &wait, 1);
}

static void role_udp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(5353),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	char c;

	if (bind(s, (void *)&a, sizeof(a)))
		perror("udp");
	if (recv(s, &c, 1, 0) < 0)
		perror("recv");
}

/* A "container": every namespace its own; its init is pid 1 in there. */
static void role_ns(void)
{
	if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC))
		perror("unshare");
	if (sethostname("inside", 6))
		perror("sethostname");
	if (fork() == 0) {
		prctl(PR_SET_NAME, "w-ns-init", 0, 0, 0);
		if (fork() == 0)
			prctl(PR_SET_NAME, "w-ns-child", 0, 0, 0);
	}
	for (;;)
		pause();
}

/* Real-time, on one CPU, with limits and ids of its own. */
static void role_rt(void)
{
	struct sched_param sp = { .sched_priority = 7 };
	struct rlimit nofile = { 77, 99 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	sched_setscheduler(0, SCHED_FIFO, &sp);
	setrlimit(RLIMIT_NOFILE, &nofile);
	if (setgid(1234) || setuid(4321))
		perror("setuid");
	for (;;)
		sleep(1000);
}

static void role_timer(void)
{
	struct itimerspec in = { .it_value.tv_sec = 5000, .it_interval.tv_sec = 60 };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	char expired[8];

	timerfd_settime(fd, 0, &in, NULL);
	if (read(fd, expired, 8) < 0)
		perror("timerfd");
}

static void role_nice(void)
{
	if (nice(10) == -1)
		perror("nice");
	signal(SIGUSR1, SIG_IGN);
	for (;;)
		usleep(20000);		/* leaves a trail on the run queues */
}

static const struct { const char *name; void (*fn)(void); } roles[] = {
	{ "w-threads", role_threads }, { "w-pipe", role_pipe },
	{ "w-listen", role_listen },   { "w-unix", role_unix },
	{ "w-epoll", role_epoll },     { "w-mmap", role_mmap },
	{ "w-flock", role_flock },     { "w-nice", role_nice },
	{ "w-ipc", role_ipc },         { "w-udp", role_udp },
	{ "w-ns", role_ns },           { "w-rt", role_rt },
	{ "w-timer", role_timer },
};

int main(void)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (fork() == 0) {
			prctl(PR_SET_NAME, roles[i].name, 0, 0, 0);
			roles[i].fn();
			_exit(0);
		}
	if (fork() == 0) {
		prctl(PR_SET_NAME, "w-zombie", 0, 0, 0);
		_exit(3);
	}
	for (;;)
		pause();
}
