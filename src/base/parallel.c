// SPDX-License-Identifier: GPL-2.0-or-later
/* Parallel loops. */
#include <inquest/base.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST_THREADS 256

unsigned int iq_nr_threads(void)
{
	const char *wish = getenv("INQUEST_THREADS");
	uint64_t n = 0;
	cpu_set_t cpus;
	long online;

	if (wish && iq_parse_u64(wish, &n) && n)
		return (unsigned int)IQ_MIN(n, MOST_THREADS);
	/* Fails where there are more CPUs than a cpu_set_t has bits. */
	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		return (unsigned int)IQ_MIN(IQ_MAX(CPU_COUNT(&cpus), 1), MOST_THREADS);
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return (unsigned int)IQ_MIN(IQ_MAX(online, 1), MOST_THREADS);
}

struct worker {
	pthread_t thread;
	void (*fn)(void *arg, unsigned int worker);
	void *arg;
	unsigned int number;
};

static void *run(void *p)
{
	struct worker *w = p;

	w->fn(w->arg, w->number);
	return NULL;
}

void iq_parallel(unsigned int n, void (*fn)(void *arg, unsigned int worker), void *arg)
{
	struct worker workers[MOST_THREADS];
	unsigned int started = 1;
	sigset_t all, before;

	n = IQ_MIN(n ? n : iq_nr_threads(), MOST_THREADS);
	/* Ctrl-C is for the calling thread, whose program knows what it means. */
	sigfillset(&all);
	/* What a program may have a system call of the thread itself turned into. */
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned int i = 1; i < n; i++) {
		workers[i] = (struct worker){.fn = fn, .arg = arg, .number = i};
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
			break;
		started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	fn(arg, 0);
	for (unsigned int i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
}
