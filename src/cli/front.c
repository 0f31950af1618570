// SPDX-License-Identifier: GPL-2.0-or-later
/* The front: starting a worker, telling it what to do, and answering what it asks for. */
#include "front.h"
#include "files.h"
#include "plugin.h"
#include "sandbox.h"
#include "target.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Build-ids that a session may ask servers for: what leaves the machine that way is bounded. */
#define FETCHES_MOST 4096

struct front {
	struct worker_work work;
	struct broker broker;
	struct finder fetcher; /* for debuginfod alone */
	unsigned int fetches;
	int channel;
	pid_t worker;
	bool opened;

	/* Of the command that runs. */
	const struct line_part *part;
	bool has_target, had_target, had_copy;
	struct target target;
	/* Of the word that is being completed. */
	char **match;
	unsigned int nr, room;
};

/* The worker while it is at work, else 0.  For a signal handler, which gets nothing else. */
static volatile sig_atomic_t busy_worker;

void front_interrupt(void)
{
	if (busy_worker)
		kill((pid_t)busy_worker, SIGINT);
}

/* ---- The worker's process -------------------------------------------------------------------- */

/* A terminal is for writing only: what is typed is read by the front. */
static void write_only(int fd)
{
	const char *name = isatty(fd) ? ttyname(fd) : NULL;
	int other = name ? open(name, O_WRONLY | O_NOCTTY | O_CLOEXEC) : -1;

	if (other < 0)
		return;
	dup2(other, fd);
	close(other);
}

static void close_between(unsigned int first, unsigned int last)
{
#ifdef SYS_close_range
	if (!syscall(SYS_close_range, first, last, 0))
		return;
#endif
	for (unsigned int fd = first; fd <= last && fd < 1024; fd++)
		close((int)fd);
}

/* Nothing that was open in whoever started us is the worker's. */
static void leave_files(int channel, bool keep_stdin)
{
	int null = keep_stdin ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null > 0) {
		dup2(null, STDIN_FILENO);
		close(null);
	}
	write_only(STDOUT_FILENO);
	write_only(STDERR_FILENO);
	if (channel > 3)
		close_between(3, (unsigned int)channel - 1);
	close_between((unsigned int)channel + 1, ~0U);
}

static int be_worker(struct session *s, const struct worker_work *work, int channel, pid_t front)
{
	struct iq_error *err;
	int status = 2;

	s->front = NULL;
	/* Its parent's end is its own, even if that comes before this. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != front)
		return status;
	signal(SIGTSTP, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	leave_files(channel, work->keep_stdin);
	/* The time zone is read from a file once. */
	tzset();
	/* They may open what they want, as whoever named them may; from here on they may not. */
	plugins_load(s);
	err = sandbox_close(channel);
	if (!err)
		return worker_serve(s, work, channel);
	show_error(NULL, iq_error_hint(err, "--no-sandbox does without"));
	iq_error_free(err);
	return status;
}

static struct iq_error *start_worker(struct session *s, struct front *f)
{
	pid_t self = getpid(), pid;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return iq_error_errno(errno, "cannot make a socket");
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		struct iq_error *err = iq_error_errno(errno, "cannot start a process");

		close(ends[0]);
		close(ends[1]);
		return err;
	}
	if (!pid) {
		int status;

		close(ends[0]);
		status = be_worker(s, &f->work, ends[1], self);

		/* The search for leaks at the end cannot be made in the sandbox: --no-sandbox has it. */
		if (SANDBOX_SANITIZED) {
			fflush(NULL);
			_exit(status);
		}
		exit(status);
	}
	close(ends[1]);
	f->channel = ends[0];
	f->worker = pid;
	return NULL;
}

/* ---- Answers --------------------------------------------------------------------------------- */

/* The worker says what it has asked for, so that it is judged; what the user typed is not. */
static int give_target(struct front *f, struct message *m)
{
	int e;

	m->len = 0;
	m->kind = MSG_REPLY;
	m->result = EPERM;
	if (!f->part || f->part->to == LINE_STDOUT || f->had_target)
		return -1;
	f->had_target = true;
	e = target_open(f->part, &f->target);
	m->result = e;
	f->has_target = !e;
	return e ? -1 : f->target.fd;
}

/* The file that `dev -v INDEX FILE` writes, once a command. */
static int give_copy(struct front *f, struct message *m)
{
	struct iq_error *err = f->part ? NULL : iq_error_nomem();
	struct words w = {0};
	const struct command *c;
	int fd = -1;

	m->len = 0;
	m->kind = MSG_REPLY;
	m->result = EPERM;
	if (!err)
		err = words_split(f->part->text, false, false, &w);
	c = !err && w.nr ? command_by_name(w.word[0]) : NULL;
	if (c && !strcmp(c->name, "dev") && !f->had_copy && w.nr > 2 && !strncmp(w.word[1], "-v", 2) &&
	    w.nr == (w.word[1][2] ? 3 : 4)) {
		f->had_copy = true;
		fd = open(w.word[w.nr - 1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
		m->result = fd < 0 ? errno : 0;
	}
	iq_error_free(err);
	words_free(&w);
	return fd;
}

static void end_target(struct front *f, struct message *m)
{
	int status = 0;

	m->kind = MSG_REPLY;
	m->len = 0;
	m->result = f->has_target ? target_close(&f->target, &status) : EPERM;
	m->flags = (uint32_t)status;
	f->has_target = false;
}

static void fetch(struct session *s, struct front *f, struct message *m)
{
	const char *id = message_string(m, 0), *what = message_string(m, 1);
	char *path = NULL;

	f->fetcher.s = s;
	if (id && what && f->fetches++ < FETCHES_MOST)
		path = debuginfod_fetch(&f->fetcher, id, what);
	m->kind = MSG_REPLY;
	m->len = 0;
	m->result = path ? 0 : ENOENT;
	if (path && (!broker_allow(&f->broker, ALLOW_FILE, path) || !message_add(m, path)))
		m->result = ENOMEM;
	m->flags = s->warnings.nr;
	for (unsigned int i = 0; i < s->warnings.nr; i++)
		message_add(m, s->warnings.text[i]);
	iq_warnings_clear(&s->warnings);
	free(path);
}

static void take_matches(struct front *f, const struct message *m)
{
	const char *word;
	size_t at = 0;

	while (at < m->len && memchr(m->data + at, 0, m->len - at) && f->match && f->nr < f->room) {
		word = m->data + at;
		at += strlen(word) + 1;
		f->match[f->nr] = strdup(word);
		f->nr += f->match[f->nr] != NULL;
	}
}

/* Answer until the worker is done; 0 or errno. */
static int serve(struct session *s, struct front *f, struct message *m)
{
	int e, got, give;

	for (;;) {
		e = channel_receive(f->channel, m, &got);
		if (e || m->kind == MSG_DONE)
			break;
		give = -1;
		switch (m->kind) {
		case MSG_MATCH:
			take_matches(f, m);
			break;
		case MSG_OUTPUT:
			give = m->flags == OUTPUT_COPY ? give_copy(f, m) : give_target(f, m);
			break;
		case MSG_OUTPUT_END:
			end_target(f, m);
			break;
		case MSG_DEBUGINFOD:
			fetch(s, f, m);
			break;
		default:
			give = broker_serve(&f->broker, m, got);
		}
		if (got >= 0)
			close(got);
		if (m->kind == MSG_REPLY)
			e = channel_send(f->channel, m, give);
		/* The worker's is the only end, so that a reader sees when it is closed. */
		if (give >= 0)
			close(give);
		if (give >= 0 && give == f->target.fd)
			f->target.fd = -1;
		if (e)
			return e;
	}
	if (got >= 0)
		close(got);
	return e;
}

/* ---- A worker that is no more ---------------------------------------------------------------- */

static int wait_for_worker(struct front *f)
{
	int code = 0;

	close(f->channel);
	f->channel = -1;
	while (waitpid(f->worker, &code, 0) < 0 && errno == EINTR)
		;
	f->worker = 0;
	return code;
}

/* Die as the worker did, so that whoever started us sees it; its core has been written. */
static void die_alike(int sig)
{
	prctl(PR_SET_DUMPABLE, 0);
	signal(sig, SIG_DFL);
	raise(sig);
}

static struct iq_error *why_it_ended(int code)
{
	if (WIFSIGNALED(code))
		return iq_error_new(IQ_E_IO, "the process that reads the dump was ended by signal %d (%s)",
				    WTERMSIG(code), strsignal(WTERMSIG(code)));
	return iq_error_new(IQ_E_IO, "the process that reads the dump ended with status %d",
			    WEXITSTATUS(code));
}

static void tell_end(struct session *s, const struct front *f, const struct iq_error *err)
{
	struct iq_buf out = {0};

	if (s->json && f->part)
		json_command(s, f->part->text, NULL, false, err, &out);
	if (out.len)
		write_stdout(s, &out);
	else
		show_error(NULL, err);
	iq_buf_free(&out);
}

/* At the prompt another worker takes over: the dump is opened again. */
static void worker_ended(struct session *s, struct front *f)
{
	int code = wait_for_worker(f), status = 0;
	struct iq_error *err = why_it_ended(code);

	if (f->has_target)
		target_close(&f->target, &status);
	f->has_target = false;
	if (s->interactive && f->opened)
		err = iq_error_hint(err, "another one opens the dump again: settings are lost");
	tell_end(s, f, err);
	iq_error_free(err);
	f->part = NULL;
	if (s->interactive && f->opened) {
		f->opened = false;
		err = front_start(s, NULL, NULL, &status);
		if (!err && !status)
			return;
		if (err)
			show_error(NULL, err);
		iq_error_free(err);
	}
	s->quit = true;
	if (WIFSIGNALED(code))
		die_alike(WTERMSIG(code));
	s->commands_failed++;
}

/* Have M, with LEN bytes of TEXT, done; false: the worker is gone, which was said. */
static bool have_done(struct session *s, struct message *m, const char *text, size_t len)
{
	struct front *f = s->front;
	int e;

	if (!f->worker)
		return false;
	busy_worker = f->worker;
	e = text ? channel_send_text(f->channel, m, text, len) : 0;
	if (e == EMSGSIZE) {
		struct iq_error *err = iq_error_new(IQ_E_LIMIT, "the command is too long");

		busy_worker = 0;
		show_error(NULL, err);
		iq_error_free(err);
		return false;
	}
	if (!e)
		e = serve(s, f, m);
	busy_worker = 0;
	if (e)
		worker_ended(s, f);
	else if (m->flags & DONE_QUIT)
		s->quit = true;
	return !e;
}

/* ---- What the front is asked for ------------------------------------------------------------- */

struct iq_error *front_start(struct session *s, struct broker *broker, const struct worker_work *work,
			     int *status)
{
	struct front *f = s->front;
	struct message m;

	if (!f) {
		f = s->front = calloc(1, sizeof(*f));
		if (!f)
			return iq_error_nomem();
		f->work = *work;
		f->broker = *broker;
		*broker = (struct broker){0};
		f->target.fd = -1;
	}
	IQ_TRY(start_worker(s, f));
	*status = 2;
	if (have_done(s, &m, NULL, 0)) {
		*status = m.result;
		f->opened = !m.result;
	}
	return NULL;
}

void front_greet(struct session *s)
{
	struct message m = {.kind = MSG_BANNER};

	have_done(s, &m, "", 0);
}

/*
 * What the user types is allowed: files for `mod -s`, directories for `mod -S` and `set src`.  A
 * word that names nothing is none of these.
 */
static void allow_words(struct front *f, const char *text)
{
	char *name = words_first(text);
	const struct command *c = name ? command_by_name(name) : NULL;
	bool source = c && !strcmp(c->name, "set");
	bool files = c && c->completes && strchr(c->completes, 'f');
	struct words w = {0};
	struct iq_error *err;

	free(name);
	if (!source && !files)
		return;
	err = words_split(text, false, false, &w);
	for (unsigned int i = 1; !err && i < w.nr; i++) {
		const char *home = getenv("HOME"), *word = w.word[i];
		struct iq_buf path = {0};
		struct stat st;

		if (source && strcmp(w.word[i - 1], "src"))
			continue;
		if (!strncmp(word, "~/", 2) && home)
			iq_buf_printf(&path, "%s%s", home, word + 1);
		else
			iq_buf_puts(&path, word);
		if (!stat(iq_buf_str(&path), &st) &&
		    !broker_allow(&f->broker,
				  !S_ISDIR(st.st_mode) ? ALLOW_FILE
				  : source	       ? ALLOW_SOURCE
						       : ALLOW_DEBUG,
				  iq_buf_str(&path)))
			err = iq_error_nomem();
		iq_buf_free(&path);
	}
	/* Whoever runs the command says what is wrong with its words. */
	iq_error_free(err);
	words_free(&w);
}

bool front_run(struct session *s, const struct line_part *part)
{
	struct front *f = s->front;
	struct message m = {.kind = MSG_RUN, .flags = part->to};
	struct iq_buf text = {0};
	int status;
	bool ok;

	if (s->interactive)
		s->cancel.stop = 0;
	allow_words(f, part->text);
	iq_buf_add(&text, part->text, strlen(part->text) + 1);
	iq_buf_add(&text, part->target ? part->target : "", strlen(part->target ? part->target : "") + 1);
	if (text.failed) {
		iq_buf_free(&text);
		show_error(NULL, iq_error_nomem());
		return false;
	}
	f->part = part;
	f->had_target = f->had_copy = false;
	ok = have_done(s, &m, text.s, text.len);
	f->part = NULL;
	/* A worker that opened it and did not close it is not to keep a shell waiting. */
	if (f->has_target)
		target_close(&f->target, &status);
	f->has_target = false;
	iq_buf_free(&text);
	if (ok && (m.flags & DONE_CANCELLED))
		s->cancel.stop = 1;
	return ok && !m.result;
}

unsigned int front_complete(struct session *s, const char *line, size_t start, const char *word,
			    char **ret, unsigned int room)
{
	struct front *f = s->front;
	struct message m = {.kind = MSG_COMPLETE, .flags = (uint32_t)start};
	struct iq_buf text = {0};

	iq_buf_add(&text, line, strlen(line) + 1);
	iq_buf_add(&text, word, strlen(word) + 1);
	f->match = ret;
	f->room = room;
	f->nr = 0;
	if (!text.failed)
		have_done(s, &m, text.s, text.len);
	iq_buf_free(&text);
	f->match = NULL;
	return f->nr;
}

int front_end(struct session *s, int status)
{
	struct front *f = s->front;
	struct message m = {.kind = MSG_END};
	int code;

	if (!f)
		return status;
	if (f->worker) {
		channel_send(f->channel, &m, -1);
		code = wait_for_worker(f);
		if (WIFSIGNALED(code))
			die_alike(WTERMSIG(code));
		if (!status && WEXITSTATUS(code))
			status = WEXITSTATUS(code);
	}
	debuginfod_close(f->fetcher.debuginfod);
	broker_free(&f->broker);
	free(f);
	s->front = NULL;
	return status;
}
