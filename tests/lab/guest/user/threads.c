/*
 * threads N: N threads in processes of 100, asleep in seven different ways; says
 * "threads: done" when all of them are.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IN_PROCESS 100

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int pipe_fd[2], event_fd, epoll_fd, pair[2];

static void *sleeper(void *data)
{
	struct pollfd p = { pipe_fd[0], POLLIN, 0 };
	struct timespec long_time = { 100000, 0 };
	struct epoll_event event;
	char c[8];

	switch ((long)data % 7) {
	case 0: nanosleep(&long_time, NULL); break;
	case 1: pthread_mutex_lock(&lock); break;
	case 2: poll(&p, 1, -1); break;
	case 3: epoll_wait(epoll_fd, &event, 1, -1); break;
	case 4: if (read(pipe_fd[0], c, 1) < 0) perror("read"); break;
	case 5: if (recv(pair[0], c, 1, 0) < 0) perror("recv"); break;
	case 6: if (read(event_fd, c, 8) < 0) perror("read"); break;
	}
	for (;;)
		pause();
}

static void process(int threads)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_mutex_lock(&lock);
	if (pipe(pipe_fd) || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		_exit(1);
	event_fd = eventfd(0, 0);
	epoll_fd = epoll_create1(0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 32768);
	for (long i = 1; i < threads; i++)
		if (pthread_create(&t, &attr, sleeper, (void *)i)) {
			perror("LAB-FAIL: pthread_create");
			_exit(1);
		}
	usleep(200000);
	kill(getppid(), SIGUSR1);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 1000;
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (int left = n; left > 0; left -= IN_PROCESS) {
		if (fork() == 0)
			process(left < IN_PROCESS ? left : IN_PROCESS);
		sigwait(&set, &sig);
	}
	puts("threads: done");
	fflush(stdout);
	for (;;)
		pause();
}
