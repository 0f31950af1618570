// SPDX-License-Identifier: GPL-2.0-or-later
/* analyze: why did this machine die? */
#include "analyze.h"
#include "internal.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_MOST (256u << 20)

static void free_result(void *data)
{
	struct analyze_result *x = data;

	iq_case_close(x->c);
	iq_console_free(x->console);
	free(x);
}

static const struct result_ops ops = {analyze_text, analyze_json, free_result};

static struct iq_error *read_file(const char *path, struct iq_buf *text)
{
	bool standard_input = !strcmp(path, "-");
	FILE *f = standard_input ? stdin : fopen(path, "re");
	char chunk[65536];
	struct iq_error *err = NULL;
	size_t n;

	if (!f)
		return iq_error_errno(errno, "cannot open %s", path);
	while (!err && (n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
		iq_buf_add(text, chunk, n);
		if (text->len > LOG_MOST)
			err = iq_error_new(IQ_E_LIMIT, "%s is larger than %u MB", path, LOG_MOST >> 20);
	}
	if (!err && ferror(f))
		err = iq_error_errno(errno, "cannot read %s", path);
	if (!standard_input)
		fclose(f);
	if (!err && text->failed)
		err = iq_error_nomem();
	return err;
}

static struct iq_error *from_file(const char *path, struct analyze_result *x)
{
	struct iq_buf text = {0};
	struct iq_error *err = read_file(path, &text);

	if (!err)
		err = iq_console_read(iq_buf_str(&text), text.len, &x->console);
	if (!err)
		x->a = &x->console->analysis;
	iq_buf_free(&text);
	return err;
}

/* For a person who waits.  Each line overwrites the one before; the last is empty. */
static void show_progress(void *arg, const char *what)
{
	(void)arg;
	fprintf(stderr, "\r\033[K%s%s", what ? "analyze: " : "", what ? what : "");
	fflush(stderr);
}

static struct iq_error *from_dump(struct session *s, struct analyze_result *x)
{
	struct iq_kernel *k;
	struct iq_error *err;

	IQ_TRY(need_kernel(s, &k));
	IQ_TRY(iq_case_open(k, &s->cancel, &x->c));
	if (isatty(STDERR_FILENO))
		iq_case_progress(x->c, show_progress, NULL);
	err = iq_analyze(x->c, &x->a);
	if (isatty(STDERR_FILENO))
		show_progress(NULL, NULL);
	return err;
}

static struct iq_error *parse(int argc, char **argv, struct analyze_result *x, const char **log)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--redact")) {
			x->redact = true;
		} else if (!strcmp(argv[i], "--log")) {
			if (!argv[i + 1])
				return iq_error_new(IQ_E_USAGE, "--log needs the name of a file");
			*log = argv[++i];
		} else {
			return iq_error_hint(iq_error_new(IQ_E_USAGE, "analyze does not take %s", argv[i]),
					     "analyze [--redact] [--log FILE]");
		}
	}
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct analyze_result *x = calloc(1, sizeof(*x));
	const char *log = NULL;
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	err = parse(argc, argv, x, &log);
	if (!err)
		err = log ? from_file(log, x) : from_dump(s, x);
	if (err) {
		free_result(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return NULL;
}

/* From the log alone, which the banner has read already: stacks and code are for those who ask. */
void analyze_greeting(struct session *s, struct iq_buf *out)
{
	struct iq_console *log;
	const struct iq_event *e;
	struct iq_buf place = {0};
	struct iq_error *err;

	if (!s->kernel)
		return;
	err = iq_console_read_log(s->kernel, &log);
	if (err) {
		iq_error_free(err);
		return;
	}
	e = &log->analysis.event;
	if (e->symbol.name)
		iq_buf_printf(&place, " in %s+0x%llx", e->symbol.name, (unsigned long long)e->offset);
	if (e->module)
		iq_buf_printf(&place, " [%s]", e->module);
	if (e->class != IQ_CLASS_NONE) {
		iq_buf_printf(out, "By the log this is %s", iq_class_text(e->class));
		iq_buf_add_escaped(out, iq_buf_str(&place), place.len, false);
		iq_buf_puts(out, ".\nanalyze says why, and what proves it.\n\n");
	}
	iq_buf_free(&place);
	iq_console_free(log);
}

struct iq_error *analyze_log_file(struct session *s, const char *path, bool redact,
				  struct iq_buf *out)
{
	char *words[] = {"analyze", "--log", (char *)(uintptr_t)path, redact ? "--redact" : NULL, NULL};

	return run_command(s, redact ? 4 : 3, words, "analyze --log", out);
}

const struct command cmd_analyze = {
	.name = "analyze",
	.summary = "why did this machine die?",
	.help = "analyze [--redact] [--log FILE]\n"
		"\n"
		"One sentence that says what happened, and why if that was found; then the evidence:\n"
		"what happened where, the expression whose value was wrong, and what is known of\n"
		"the objects on the way there.  Each statement says how sure it is (certain, likely,\n"
		"possible) and what would show it to be wrong.\n"
		"\n"
		"What happened is taken from stacks, registers, code and the kernel's own records; the\n"
		"log is a witness, not the source.\n"
		"\n"
		"  --log FILE  of a console log (dmesg, serial line, netconsole, journal) instead of\n"
		"              the dump; - is standard input\n"
		"  --redact    without names of hosts, addresses of machines and people, quoted text\n"
		"\n"
		"  analyze\n"
		"  analyze --redact > report.txt\n",
	.run = run,
	.no_context = true,
};
