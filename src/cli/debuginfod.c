// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debug files from debuginfod servers (debuginfod(8)), through libdebuginfod.  Only if the user named
 * servers in DEBUGINFOD_URLS: nothing of a dump, not even a build-id, leaves the machine unasked.
 * The library is loaded when it is first needed: it brings an HTTP client along, which is slow to
 * load.
 */
#include "files.h"
#include "sandbox.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LIBRARY "libdebuginfod.so.1"

typedef struct debuginfod_client client;

struct debuginfod {
	void *library;
	client *client;
	client *(*begin)(void);
	int (*find)(client *c, const unsigned char *id, int len, char **path);
	void (*set_progress)(client *c, int (*fn)(client *c, long a, long b));
	void (*set_user_data)(client *c, void *data);
	void (*end)(client *c);
	/* Of the file that is being fetched. */
	struct session *s;
	const char *what;
	struct timespec shown; /* when the progress was last said */
	bool said;
};

/* What on_progress() needs to find its struct, for it is given the client alone.  Set once. */
static void *(*get_user_data)(client *c);

static bool is_due(struct timespec *last)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec == last->tv_sec && now.tv_nsec - last->tv_nsec < 200000000)
		return false;
	*last = now;
	return true;
}

/* Called now and then: A bytes of B have come, as far as that is known.  Not 0 ends it. */
static int on_progress(client *c, long a, long b)
{
	struct debuginfod *d = get_user_data(c);

	if (iq_cancelled(&d->s->cancel))
		return 1;
	if (!isatty(STDERR_FILENO) || d->s->json || !is_due(&d->shown))
		return 0;
	d->said = true;
	fprintf(stderr, "\r\033[Kdebuginfod: %s", d->what);
	if (a > 0 && b > 0)
		fprintf(stderr, ", %.1f of %.1f MB", (double)a / 1e6, (double)b / 1e6);
	fprintf(stderr, " (Ctrl-C: go on without it)");
	return 0;
}

static bool resolve(struct debuginfod *d, const char *name, void *function_ptr)
{
	void *function = dlsym(d->library, name);

	memcpy(function_ptr, &function, sizeof(function));
	return function;
}

static struct debuginfod *start(struct session *s)
{
	struct debuginfod *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->s = s;
	d->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (d->library && resolve(d, "debuginfod_begin", &d->begin) &&
	    resolve(d, "debuginfod_find_debuginfo", &d->find) &&
	    resolve(d, "debuginfod_set_progressfn", &d->set_progress) &&
	    resolve(d, "debuginfod_set_user_data", &d->set_user_data) &&
	    resolve(d, "debuginfod_get_user_data", &get_user_data) &&
	    resolve(d, "debuginfod_end", &d->end))
		d->client = d->begin();
	if (!d->client) {
		iq_warn(&s->warnings, "DEBUGINFOD_URLS is set, but " LIBRARY " cannot be used");
		debuginfod_close(d);
		return NULL;
	}
	d->set_user_data(d->client, d);
	d->set_progress(d->client, on_progress);
	return d;
}

void debuginfod_close(struct debuginfod *d)
{
	if (!d)
		return;
	if (d->client)
		d->end(d->client);
	/* The library stays: what it brought along is not made to be unloaded. */
	free(d);
}

/* In the sandbox: the front, which has a network, fetches it. */
static char *ask_front(struct finder *f, const char *build_id, const char *what)
{
	struct message m = {.kind = MSG_DEBUGINFOD};
	int e;

	if (!message_add(&m, build_id) || !message_add(&m, what))
		return NULL;
	e = sandbox_ask(&m, -1, NULL);
	for (unsigned int i = 0; i < m.flags; i++) {
		const char *text = message_string(&m, i + !e);

		if (!text)
			break;
		iq_warn(&f->s->warnings, "%s", text);
	}
	return !e && message_string(&m, 0) ? strdup(message_string(&m, 0)) : NULL;
}

char *debuginfod_fetch(struct finder *f, const char *build_id, const char *what)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	struct debuginfod *d = f->debuginfod;
	char *path = NULL;
	int fd;

	if (!urls || !*urls || f->no_debuginfod || !sane_build_id(build_id) ||
	    iq_cancelled(&f->s->cancel))
		return NULL;
	if (sandbox_channel() >= 0)
		return ask_front(f, build_id, what);
	if (!d)
		d = f->debuginfod = start(f->s);
	f->no_debuginfod = !d;
	if (!d)
		return NULL;
	d->what = what;
	d->said = false;
	/* A length of 0: the id is text. */
	fd = d->find(d->client, (const unsigned char *)build_id, 0, &path);
	if (d->said)
		fprintf(stderr, "\r\033[K");
	if (fd >= 0) {
		close(fd);
		return path;
	}
	if (iq_cancelled(&f->s->cancel))
		iq_warn(&f->s->warnings, "fetching %s was interrupted", what);
	else if (fd != -ENOENT)
		iq_warn(&f->s->warnings, "debuginfod: %s cannot be fetched: %s", what,
			strerror(-fd));
	return NULL;
}
