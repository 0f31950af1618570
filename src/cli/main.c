// SPDX-License-Identifier: GPL-2.0-or-later
/* inquest: the program. */
#include "analyze.h"
#include "info.h"
#include "files.h"
#include "front.h"
#include "sandbox.h"
#include "internal.h"
#include "plugin.h"
#include "script.h"
#include <Zydis/Zydis.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libdeflate.h>
#include <lzo/lzoconf.h>
#include <readline/readline.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define EXIT_COMMAND_FAILED 1
#define EXIT_NOT_OPENED 2
#define EXIT_INTERRUPTED 130

enum {
	OPT_NO_VMLINUX = 256,
	OPT_NO_BTF,
	OPT_NO_RC,
	OPT_EXTEND,
	OPT_DEBUG_DIR,
	OPT_SRC,
	OPT_JSON,
	OPT_FORMAT,
	OPT_LOG,
	OPT_NO_SANDBOX,
	OPT_REDACT,
	OPT_MAN,
	OPT_VERSION,
	OPT_HELP,
};

static const struct option long_options[] = {
	{"no-vmlinux", no_argument, NULL, OPT_NO_VMLINUX},
	{"no-btf", no_argument, NULL, OPT_NO_BTF},
	{"no-rc", no_argument, NULL, OPT_NO_RC},
	{"extend", required_argument, NULL, OPT_EXTEND},
	{"debug-dir", required_argument, NULL, OPT_DEBUG_DIR},
	{"src", required_argument, NULL, OPT_SRC},
	{"json", optional_argument, NULL, OPT_JSON},
	{"format", required_argument, NULL, OPT_FORMAT},
	{"log", required_argument, NULL, OPT_LOG},
	{"no-sandbox", no_argument, NULL, OPT_NO_SANDBOX},
	{"redact", no_argument, NULL, OPT_REDACT},
	{"man", no_argument, NULL, OPT_MAN},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

/* What the command line says. */
struct arguments {
	struct session_options open;
	const char **commands, **scripts, **dirs, **dumps, **modules, **vmlinux, **damaged;
	unsigned int nr_commands, room_commands, nr_scripts, room_scripts, room_dirs, room_dumps, room_modules,
		room_vmlinux, room_damaged;
	bool done; /* --help or --version was all */
	bool analyze, info, redact, no_sandbox, no_rc;
	char **file; /* the words that are files, as typed */
	unsigned int nr_files;
	const char *log; /* NULL: none */
};

static void show_version(void)
{
	uint64_t zydis = ZydisGetVersion();
	char sandbox[64];
	struct iq_buf more = {0};

	iq_dump_libraries(&more);
	printf("inquest %s\n", INQUEST_VERSION);
	printf("libraries: jansson %s, libdeflate %s, lzo %s, ", jansson_version_str(),
	       LIBDEFLATE_VERSION_STRING, LZO_VERSION_STRING);
	printf("readline %s, zstd %s, Zydis %u.%u%s%s\n", rl_library_version, ZSTD_versionString(),
	       (unsigned int)ZYDIS_VERSION_MAJOR(zydis), (unsigned int)ZYDIS_VERSION_MINOR(zydis),
	       more.len ? ", " : "", iq_buf_str(&more));
	iq_buf_free(&more);
	sandbox_describe(sandbox, sizeof(sandbox));
	printf("sandbox: %s\n", sandbox);
}

static void show_manual(void)
{
	struct iq_buf out = {0};

	text_manual(&out);
	fputs(iq_buf_str(&out), stdout);
	iq_buf_free(&out);
}

static struct iq_error *push(const char ***list, unsigned int *nr, unsigned int *room,
			     const char *text)
{
	if (!iq_grow(list, room, *nr + 1, sizeof(**list)))
		return iq_error_nomem();
	(*list)[(*nr)++] = text;
	return NULL;
}

/* No machine has less. */
#define LEAST_MEMORY (16 << 20)

/* What an unusable file is, for those kinds that people confuse with the right one. */
static struct iq_error *not_ours(const char *path, int fd)
{
	static const struct {
		size_t at, len;
		const char *magic, *hint;
	} known[] = {
		{0, 3, "\x1f\x8b\x08", "it is compressed by gzip: gunzip it first"},
		{0, 6,
		 "\xfd"
		 "7zXZ\0",
		 "it is compressed by xz: unxz it first"},
		{0, 4, "\x28\xb5\x2f\xfd", "it is compressed by zstd: unzstd it first"},
		{0, 3, "BZh", "it is compressed by bzip2: bunzip2 it first"},
		{0x202, 4, "HdrS",
		 "it is a bootable kernel image: the vmlinux it was made of is wanted"},
		{0, 8, "!<arch>\n", "it is an archive, as .deb files are: unpack it first"},
		{0, 4, "\xed\xab\xee\xdb", "it is an RPM package: unpack it first"},
	};
	struct iq_error *err;
	uint8_t head[0x210] = {0};
	ssize_t n = pread(fd, head, sizeof(head), 0);

	err = iq_error_new(IQ_E_FORMAT, "%s is not a kernel dump, vmlinux or module", path);
	if (n == 0)
		return iq_error_hint(err, "it is empty");
	for (unsigned int i = 0; n > 0 && i < IQ_ARRAY_SIZE(known); i++) {
		if (!memcmp(head + known[i].at, known[i].magic, known[i].len))
			return iq_error_hint(err, "%s", known[i].hint);
	}
	if (lseek(fd, 0, SEEK_END) >= LEAST_MEMORY)
		return iq_error_hint(err, "if it is the bare memory of a machine, --format raw opens it");
	return err;
}

static struct iq_error *sort_file(struct arguments *a, const char *path)
{
	struct iq_error *err = NULL;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return iq_error_errno(errno, "cannot open %s", path);
	if (fstat(fd, &st)) {
		err = iq_error_errno(errno, "cannot open %s", path);
	} else if (S_ISDIR(st.st_mode)) {
		err = iq_error_new(IQ_E_FORMAT, "%s is a directory", path);
		err = iq_error_hint(err, "--debug-dir names a directory with debug files");
	} else if (iq_dump_recognise(fd)) {
		err = push(&a->dumps, &a->open.nr_dumps, &a->room_dumps, path);
	} else {
		switch (iq_file_recognise(path)) {
		case IQ_FILE_VMLINUX:
			/* Two may be a stripped one and its debug information. */
			if (a->open.nr_vmlinux == 2)
				err = iq_error_new(IQ_E_USAGE,
						   "more than two vmlinux files were given: %s, %s and %s",
						   a->vmlinux[0], a->vmlinux[1], path);
			else
				err = push(&a->vmlinux, &a->open.nr_vmlinux, &a->room_vmlinux, path);
			break;
		case IQ_FILE_MODULE:
			err = push(&a->modules, &a->open.nr_modules, &a->room_modules, path);
			break;
		case IQ_FILE_DAMAGED:
			err = push(&a->damaged, &a->open.nr_damaged, &a->room_damaged, path);
			break;
		case IQ_FILE_OTHER:
			/* What has no format cannot be recognised. */
			if (a->open.format && !strcmp(a->open.format, "raw"))
				err = push(&a->dumps, &a->open.nr_dumps, &a->room_dumps, path);
			else
				err = not_ours(path, fd);
			break;
		}
	}
	close(fd);
	return err;
}

static struct iq_error *usage_error(struct iq_error *err)
{
	return err->hint ? err : iq_error_hint(err, "inquest --help shows how it is called");
}

static struct iq_error *check_format(const char *name)
{
	struct iq_buf known = {0};
	struct iq_error *err;

	for (unsigned int i = 0; iq_dump_format_name((enum iq_dump_format)i); i++) {
		const char *format = iq_dump_format_name((enum iq_dump_format)i);

		if (!strcmp(format, name)) {
			iq_buf_free(&known);
			return NULL;
		}
		iq_buf_printf(&known, "%s%s", i ? ", " : "", format);
	}
	err = iq_error_hint(iq_error_new(IQ_E_USAGE, "there is no format %s", name), "it is one of %s",
			    iq_buf_str(&known));
	iq_buf_free(&known);
	return err;
}

/* The options; what else there is are files. */
static struct iq_error *parse_options(struct session *s, struct arguments *a, int argc, char **argv)
{
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:i:sh", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			IQ_TRY(push(&a->commands, &a->nr_commands, &a->room_commands, optarg));
			break;
		case 'i':
			IQ_TRY(push(&a->scripts, &a->nr_scripts, &a->room_scripts, optarg));
			break;
		case OPT_NO_RC:
			a->no_rc = true;
			break;
		case OPT_EXTEND:
			IQ_TRY(plugin_want(s, optarg, false));
			break;
		case 's':
			s->silent = true;
			break;
		case OPT_NO_VMLINUX:
			a->open.no_vmlinux = true;
			break;
		case OPT_NO_BTF:
			a->open.no_btf = true;
			break;
		case OPT_DEBUG_DIR:
			IQ_TRY(push(&a->dirs, &a->open.debug_dirs.nr, &a->room_dirs, optarg));
			break;
		case OPT_SRC:
			free(s->src);
			s->src = strdup(optarg);
			if (!s->src)
				return iq_error_nomem();
			break;
		case OPT_FORMAT:
			IQ_TRY(check_format(optarg));
			a->open.format = optarg;
			break;
		case OPT_JSON:
			s->json = true;
			s->json_pretty = optarg && !strcmp(optarg, "pretty");
			if (optarg && !s->json_pretty)
				return usage_error(iq_error_new(
					IQ_E_USAGE, "--json=%s: only pretty is known", optarg));
			break;
		case OPT_LOG:
			a->log = optarg;
			break;
		case OPT_NO_SANDBOX:
			a->no_sandbox = true;
			break;
		case OPT_REDACT:
			a->redact = true;
			break;
		case OPT_MAN:
			show_manual();
			a->done = true;
			return NULL;
		case OPT_VERSION:
			show_version();
			a->done = true;
			return NULL;
		case OPT_HELP:
		case 'h':
			printf("%s%s", cli_usage, cli_help);
			a->done = true;
			return NULL;
		case ':':
			return usage_error(
				iq_error_new(IQ_E_USAGE, "%s needs a value", argv[optind - 1]));
		default:
			/* In a cluster of letters the word says less than the letter. */
			if (optopt && optopt < OPT_NO_VMLINUX)
				return usage_error(
					iq_error_new(IQ_E_USAGE, "unknown option -%c", optopt));
			return usage_error(
				iq_error_new(IQ_E_USAGE, "unknown option %s", argv[optind - 1]));
		}
	}
	return NULL;
}

/* `inquest analyze …`: the command analyze, and nothing else. */
static struct iq_error *check_analyze(struct arguments *a)
{
	if (!a->analyze) {
		if (a->log || a->redact)
			return usage_error(iq_error_new(IQ_E_USAGE, "%s belongs to inquest analyze",
							a->log ? "--log" : "--redact"));
		return NULL;
	}
	if (a->nr_commands)
		return usage_error(iq_error_new(IQ_E_USAGE, "inquest analyze takes no -c"));
	return push(&a->commands, &a->nr_commands, &a->room_commands,
		    a->redact ? "analyze --redact" : "analyze");
}

static struct iq_error *parse_arguments(struct session *s, struct arguments *a, int argc,
					char **argv)
{
	IQ_TRY(parse_options(s, a, argc, argv));
	if (a->done)
		return NULL;
	/* Options may stand in front of it; getopt_long() has put them all there. */
	a->analyze = optind < argc && !strcmp(argv[optind], "analyze");
	a->info = optind < argc && !strcmp(argv[optind], "info");
	optind += a->analyze || a->info;
	if (a->info && optind == argc)
		return usage_error(iq_error_new(IQ_E_USAGE, "inquest info needs the name of a file"));
	if (a->info && a->nr_commands)
		return usage_error(iq_error_new(IQ_E_USAGE, "inquest info takes no -c"));
	IQ_TRY(check_analyze(a));
	if (a->log && optind < argc)
		return usage_error(iq_error_new(IQ_E_USAGE, "--log takes one file: %s is one more",
						argv[optind]));
	if (a->log)
		return NULL;
	a->file = argv + optind;
	a->nr_files = (unsigned int)(argc - optind);
	return NULL;
}

/* What is each of the files? */
static struct iq_error *sort_files(struct arguments *a)
{
	for (unsigned int i = 0; i < a->nr_files; i++)
		IQ_TRY(sort_file(a, a->file[i]));
	a->open.dumps = a->dumps;
	a->open.modules = a->modules;
	a->open.vmlinux = a->vmlinux;
	a->open.damaged = a->damaged;
	a->open.debug_dirs.dir = a->dirs;
	if (a->open.nr_dumps)
		return NULL;
	if (a->open.nr_vmlinux || a->open.nr_modules || a->open.nr_damaged)
		return usage_error(iq_error_new(IQ_E_USAGE, "no dump was given, only debug files"));
	return usage_error(iq_error_new(IQ_E_USAGE, "no dump was given"));
}

/* ---- Signals --------------------------------------------------------------------------------- */

/* A handler gets nothing but the signal: this is the one thing that it must find.  Set once. */
static struct iq_cancel *interrupt;

static void on_interrupt(int sig)
{
	interrupt->stop = 1;
	front_interrupt();
}

static void catch_signals(struct session *s)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART};

	interrupt = &s->cancel;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	/* A reader that goes away (log | head) is an error of write(), not our death. */
	signal(SIGPIPE, SIG_IGN);
}

/* ---- Running --------------------------------------------------------------------------------- */

/* What comes before the first command that was asked for. */
static void run_scripts(struct session *s, const struct arguments *a)
{
	if (!a->analyze && !a->no_rc)
		run_start_files(s);
	for (unsigned int i = 0; i < a->nr_scripts && !s->quit; i++)
		run_file(s, a->scripts[i]);
}

/* What a session at a prompt begins with. */
static void greet(struct session *s)
{
	struct iq_buf banner = {0};

	if (!s->silent && !s->json) {
		text_banner(s, &banner);
		analyze_greeting(s, &banner);
	}
	if (!s->json)
		show_warnings(s);
	write_stdout(s, &banner);
	iq_buf_free(&banner);
}

static void run_all(struct session *s, const struct arguments *a)
{
	if (s->interactive) {
		if (s->front)
			front_greet(s);
		else
			greet(s);
		run_scripts(s, a);
		run_prompt(s);
	} else if (a->nr_commands) {
		run_scripts(s, a);
		for (unsigned int i = 0; i < a->nr_commands && !s->quit; i++)
			run_line(s, a->commands[i]);
	} else {
		run_scripts(s, a);
		run_stream(s, stdin);
	}
	/* Those of the opening, if no command came that would have shown them. */
	if (!s->json)
		show_warnings(s);
}

static int refuse(struct session *s, struct iq_error *err)
{
	if (!s->json)
		show_warnings(s);
	refuse_line(s, NULL, err);
	return EXIT_NOT_OPENED;
}

/* `inquest analyze --log FILE`, without a dump. */
static int run_log(struct session *s, const struct arguments *a)
{
	struct iq_buf out = {0};
	struct iq_error *err = analyze_log_file(s, a->log, a->redact, &out);
	int status = err ? EXIT_NOT_OPENED : EXIT_SUCCESS;

	if (!write_stdout(s, &out) && !status)
		status = EXIT_COMMAND_FAILED;
	if (err && !s->json)
		show_error("analyze", err);
	iq_error_free(err);
	iq_buf_free(&out);
	return status;
}

/* Open what was named, or read the log and be done; 0, or the status to end with. */
static int open_all(struct session *s, void *arg)
{
	struct arguments *a = arg;
	struct iq_error *err = plugins_error(s);

	if (err)
		return refuse(s, err);
	if (a->log)
		return run_log(s, a);
	if (a->info) {
		a->open.debug_dirs.dir = a->dirs;
		if (!info_files(s, a->file, a->nr_files, &a->open))
			return EXIT_NOT_OPENED;
		return 0;
	}
	err = sort_files(a);
	if (!err)
		err = session_open(s, &a->open);
	return err ? refuse(s, err) : 0;
}

/* ---- The sandbox ----------------------------------------------------------------------------- */

/* The files and directories that the command line names. */
static struct iq_error *allow_named(const struct session *s, const struct arguments *a, struct broker *b)
{
	char *cache = cache_dir();
	bool good = broker_allow_system(b);

	for (unsigned int i = 0; good && i < a->nr_files; i++)
		good = broker_allow(b, ALLOW_FILE, a->file[i]);
	for (unsigned int i = 0; good && i < a->open.debug_dirs.nr; i++)
		good = broker_allow(b, ALLOW_DEBUG, a->dirs[i]);
	if (good && a->log && strcmp(a->log, "-"))
		good = broker_allow(b, ALLOW_FILE, a->log);
	if (good && s->src)
		good = broker_allow(b, ALLOW_SOURCE, s->src);
	if (good && cache)
		good = broker_allow(b, ALLOW_CACHE, cache);
	free(cache);
	return good ? NULL : iq_error_nomem();
}

/* Have a worker open what was named; *STATUS is that of open_all(). */
static struct iq_error *open_in_sandbox(struct session *s, struct arguments *a, int *status)
{
	struct worker_work work = {.open = open_all, .greet = greet, .arg = a};
	struct broker broker = {0};
	struct iq_error *err = allow_named(s, a, &broker);

	work.keep_stdin = a->log && !strcmp(a->log, "-");
	if (!err)
		err = front_start(s, &broker, &work, status);
	broker_free(&broker);
	return err;
}

/* A file that is opened must not become standard output. */
static void fill_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static bool colour_wanted(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb");
}

static int run(struct session *s, struct arguments *a)
{
	struct iq_error *err = NULL;
	int status = 0;

	if (!a->analyze && !a->log && !a->info && !a->no_rc)
		err = want_start_plugins(s);
	if (err)
		return refuse(s, err);
	s->interactive = !a->nr_commands && !a->log && !a->info && isatty(STDIN_FILENO);
	if (!a->no_sandbox && sandbox_possible()) {
		err = open_in_sandbox(s, a, &status);
	} else {
		if (!a->no_sandbox)
			iq_warn(&s->warnings, "this system has no seccomp: the dump is read without a sandbox");
		plugins_load(s);
		status = open_all(s, a);
	}
	if (err)
		status = refuse(s, err);
	if (!status && !a->log && !a->info)
		run_all(s, a);
	if (!status && s->cancel.stop && !s->interactive)
		status = EXIT_INTERRUPTED;
	else if (!status && s->commands_failed && !s->interactive)
		status = EXIT_COMMAND_FAILED;
	return front_end(s, status);
}

int main(int argc, char **argv)
{
	struct session s = {0};
	struct arguments a = {0};
	struct iq_error *err;
	int status = EXIT_SUCCESS;

	fill_standard_files();
	catch_signals(&s);
	s.colour = colour_wanted();
	err = parse_arguments(&s, &a, argc, argv);
	if (err)
		status = refuse(&s, err);
	else if (!a.done)
		status = run(&s, &a);
	session_close(&s);
	free(a.commands);
	free(a.scripts);
	free(a.dirs);
	free(a.dumps);
	free(a.modules);
	free(a.vmlinux);
	free(a.damaged);
	if (fflush(stdout) && !status)
		status = EXIT_COMMAND_FAILED;
	return status;
}
