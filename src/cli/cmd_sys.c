// SPDX-License-Identifier: GPL-2.0-or-later
/* sys: the machine, when and of what it died. */
#include "internal.h"
#include "sys_tables.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/* Room for the mask's bits; struct taint_flag is two or more bytes (include/linux/panic.h). */
#define TAINT_BITS 32

struct system_result {
	struct iq_system sys;
	bool taint; /* -t: only that */
	bool no_log; /* there is none that could have told of a panic */
	uint64_t mhz; /* 0: unknown */
};

/*
 * The letters as kernel/panic.c has them in taint_flags[]; where that cannot be read, as
 * Documentation/admin-guide/tainted-kernels.rst lists them.
 */
static char taint_letter(struct iq_kernel *k, unsigned int bit)
{
	static const char documented[] = "PFSRMBUDAWCIOELKXTNJ";
	struct iq_types *types = iq_kernel_types(k);
	const struct iq_type *flag = types ? iq_type_by_name(types, "struct taint_flag") : NULL;
	uint64_t table = iq_kernel_symbol(k, "taint_flags"), offset, letter;

	if (flag && flag->size && table &&
	    iq_offset(types, "taint_flag", "c_true", &offset, NULL) &&
	    !iq_vm_read_uint(k->vm, table + bit * flag->size + offset, 1, &letter) &&
	    letter >= 'A' && letter <= 'Z')
		return (char)letter;
	return bit < strlen(documented) ? documented[bit] : '?';
}

void taint_letters(struct iq_kernel *k, uint64_t mask, struct iq_buf *out)
{
	for (unsigned int bit = 0; bit < TAINT_BITS; bit++) {
		if (mask >> bit & 1)
			iq_buf_putc(out, taint_letter(k, bit));
	}
}

/* What the bits mean (Documentation/admin-guide/tainted-kernels.rst). */
static const char *taint_meaning(unsigned int bit)
{
	static const char *const meaning[] = {
		"a proprietary module was loaded",
		"a module was loaded by force",
		"the kernel runs on a processor that is out of its specification",
		"a module was unloaded by force",
		"the processor reported a machine check",
		"a page was found bad, or used when it was free",
		"taint requested from user space",
		"the kernel died before: there was an oops or BUG",
		"an ACPI table was overridden",
		"the kernel warned",
		"a staging driver was loaded",
		"a workaround for a firmware bug is in place",
		"a module from outside the kernel's sources was loaded",
		"an unsigned module was loaded",
		"there was a soft lockup",
		"the kernel was live patched",
		"taint of the distribution",
		"built with randomised structure layout",
		"an in-kernel test has run",
		"a user-space tool changed the kernel's state (fwctl)",
	};

	return bit < IQ_ARRAY_SIZE(meaning) ? meaning[bit] : "unknown";
}

void text_date(int64_t seconds, struct iq_buf *out)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char date[80];

	if (localtime_r(&t, &tm) && strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Z %Y", &tm))
		iq_buf_puts(out, date);
	else
		iq_buf_printf(out, "%" PRId64 " seconds since 1970", seconds);
}

static void text_uptime(uint64_t seconds, struct iq_buf *out)
{
	uint64_t days = seconds / 86400;

	if (days)
		iq_buf_printf(out, "%" PRIu64 " days, ", days);
	iq_buf_printf(out, "%02u:%02u:%02u", (unsigned int)(seconds / 3600 % 24),
		      (unsigned int)(seconds / 60 % 60), (unsigned int)(seconds % 60));
}

/*
 * "319.5 MB", "6 GB": a unit that keeps the number short, a digit behind the point if it is not
 * 0.
 */
void text_size(uint64_t bytes, struct iq_buf *out)
{
	static const char *const unit[] = {"KB", "MB", "GB", "TB", "PB"};
	double value = (double)bytes / 1024;
	unsigned int u = 0;
	char number[32];
	size_t len;

	while (value >= 1024 && u + 1 < IQ_ARRAY_SIZE(unit)) {
		value /= 1024;
		u++;
	}
	snprintf(number, sizeof(number), "%.1f", value);
	len = strlen(number);
	if (len > 2 && !strcmp(number + len - 2, ".0"))
		number[len - 2] = '\0';
	iq_buf_printf(out, "%s %s", number, unit[u]);
}

#define LABEL_WIDTH 12

static void label(const char *name, struct iq_buf *out)
{
	iq_buf_printf(out, "%*s: ", LABEL_WIDTH, name);
}

static void text_line(const char *name, const char *value, struct iq_buf *out)
{
	label(name, out);
	if (*value)
		iq_buf_add_escaped(out, value, strlen(value), false);
	else
		iq_buf_puts(out, "(unknown)");
	iq_buf_putc(out, '\n');
}

/* The vmlinux as it was named: the stripped one, if its debug information is in another file. */
static const char *kernel_path(const struct session *s)
{
	const struct iq_debugfile *f = s->stripped ? s->stripped : s->vmlinux;

	return f ? iq_debugfile_path(f) : "";
}

/* Debug files of modules in use; those that nobody has looked for yet are none. */
static unsigned int module_files(struct session *s, const char **paths, unsigned int room)
{
	struct iq_module *const *modules;
	unsigned int nr_modules, nr = 0;
	struct iq_error *err = iq_modules(s->kernel, &modules, &nr_modules);

	if (err) { /* then none is in use */
		iq_error_free(err);
		return 0;
	}
	for (unsigned int i = 0; i < nr_modules; i++) {
		if (!modules[i]->debug)
			continue;
		if (nr < room)
			paths[nr] = iq_debugfile_path(modules[i]->debug);
		nr++;
	}
	return nr;
}

static void text_debug_files(struct session *s, struct iq_buf *out)
{
	const char *dwz = s->vmlinux ? iq_debugfile_dwz(s->vmlinux) : NULL;
	unsigned int nr = s->kernel && s->nr_modules ? module_files(s, NULL, 0) : 0;

	if (s->stripped)
		text_line("DEBUGINFO", iq_debugfile_path(s->vmlinux), out);
	if (dwz)
		text_line("DWZ FILE", dwz, out);
	if (nr) {
		label("MODULES", out);
		iq_buf_printf(out, "%u with debug files (mod)\n", nr);
	}
}

static void text_files(struct session *s, const struct iq_system *sys, struct iq_buf *out)
{
	const struct iq_dump_info *info = iq_dump_info(s->dump);

	label("KERNEL", out);
	if (s->vmlinux) {
		const char *path = kernel_path(s);

		iq_buf_add_escaped(out, path, strlen(path), false);
	} else if (!s->kernel) {
		iq_buf_puts(out, "(none was found in the dump)");
	} else {
		iq_buf_puts(out, "(no vmlinux: names and types from the dump)");
	}
	if (sys && sys->has_tainted && sys->tainted)
		iq_buf_puts(out, "  [TAINTED]");
	iq_buf_putc(out, '\n');
	text_debug_files(s, out);
	label(info->nr_files > 1 ? "DUMPFILES" : "DUMPFILE", out);
	for (unsigned int i = 0; i < info->nr_files; i++) {
		if (i)
			iq_buf_printf(out, "\n%*s", LABEL_WIDTH + 2, "");
		iq_buf_add_escaped(out, info->files[i], strlen(info->files[i]), false);
	}
	if (info->filtered || info->incomplete || info->truncated)
		iq_buf_putc(out, ' ');
	if (info->filtered)
		iq_buf_puts(out, " [PARTIAL DUMP]");
	if (info->incomplete)
		iq_buf_puts(out, " [INCOMPLETE]");
	if (info->truncated)
		iq_buf_puts(out, " [TRUNCATED]");
	iq_buf_putc(out, '\n');
}

static void text_panic(const struct system_result *x, struct iq_buf *out)
{
	const struct iq_system *sys = &x->sys;

	label("PANIC", out);
	if (sys->panic[0]) {
		iq_buf_putc(out, '"');
		iq_buf_add_escaped(out, sys->panic, strlen(sys->panic), false);
		iq_buf_putc(out, '"');
		/* An oops that a panic followed is in the log with its registers. */
		if (strstr(sys->panic, "Oops: "))
			iq_buf_puts(out, " (check log for details)");
	} else if (x->no_log) {
		iq_buf_puts(out, "(unknown: the log cannot be read)");
	} else {
		iq_buf_puts(out, "(no panic and no oops in the log: not the dump of a crash?)");
	}
	iq_buf_putc(out, '\n');
}

static void text_system(struct session *s, const struct system_result *x, struct iq_buf *out)
{
	const struct iq_system *sys = &x->sys;

	text_files(s, sys, out);
	label("CPUS", out);
	if (sys->cpus_present)
		iq_buf_printf(out, "%u", sys->cpus_present);
	else
		iq_buf_puts(out, "(unknown)");
	if (sys->cpus_present > sys->cpus_online)
		iq_buf_printf(out, " [OFFLINE: %u]", sys->cpus_present - sys->cpus_online);
	iq_buf_putc(out, '\n');
	label("DATE", out);
	if (sys->time)
		text_date(sys->time, out);
	else
		iq_buf_puts(out, "(unknown)");
	iq_buf_putc(out, '\n');
	label("UPTIME", out);
	if (sys->has_uptime)
		text_uptime(sys->uptime, out);
	else
		iq_buf_puts(out, "(unknown)");
	iq_buf_putc(out, '\n');
	label("LOAD AVERAGE", out);
	if (sys->has_load)
		iq_buf_printf(out, "%.2f, %.2f, %.2f\n", sys->load[0], sys->load[1], sys->load[2]);
	else
		iq_buf_puts(out, "(unknown)\n");
	label("TASKS", out);
	if (sys->nr_tasks)
		iq_buf_printf(out, "%u\n", sys->nr_tasks);
	else
		iq_buf_puts(out, "(unknown)\n");
	text_line("NODENAME", sys->nodename, out);
	text_line("RELEASE", s->kernel->release, out);
	text_line("VERSION", sys->version, out);
	label("MACHINE", out);
	iq_buf_add_escaped(out, sys->machine, strlen(sys->machine), false);
	if (x->mhz)
		iq_buf_printf(out, "  (%" PRIu64 " Mhz)\n", x->mhz);
	else
		iq_buf_puts(out, "  (unknown Mhz)\n");
	label("MEMORY", out);
	if (sys->memory)
		text_size(sys->memory, out);
	else
		iq_buf_puts(out, "(unknown)");
	iq_buf_putc(out, '\n');
	text_panic(x, out);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct system_result *x = r->data;

	if (!x->taint) {
		text_system(s, x, out);
		return;
	}
	iq_buf_printf(out, "TAINTED_MASK: %" PRIx64 "  ", x->sys.tainted);
	taint_letters(s->kernel, x->sys.tainted, out);
	iq_buf_putc(out, '\n');
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *json_or_null(const char *text)
{
	return *text ? json_text(text, strlen(text)) : json_null();
}

/* A number that cannot be 0. */
static json_t *json_count(uint64_t n)
{
	return n ? json_integer((json_int_t)n) : json_null();
}

static json_t *json_load(const struct iq_system *sys)
{
	json_t *load;

	if (!sys->has_load)
		return json_null();
	load = json_array();
	for (unsigned int i = 0; i < 3; i++)
		json_array_append_new(load, json_real(sys->load[i]));
	return load;
}

static void json_taint(struct session *s, const struct iq_system *sys, json_t *o)
{
	struct iq_buf letters = {0};

	taint_letters(s->kernel, sys->has_tainted ? sys->tainted : 0, &letters);
	json_object_set_new(o, "tainted_mask",
			    sys->has_tainted ? json_address(sys->tainted) : json_null());
	json_object_set_new(o, "tainted",
			    sys->has_tainted ? json_string(iq_buf_str(&letters)) : json_null());
	iq_buf_free(&letters);
}

static json_t *json_date(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char date[64];

	if (!seconds || !gmtime_r(&t, &tm) ||
	    !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return json_null();
	return json_string(date);
}

#define MOST_FILES 8192

static void json_debug_files(struct session *s, json_t *o)
{
	const char *dwz = s->vmlinux ? iq_debugfile_dwz(s->vmlinux) : NULL;
	const char **paths = calloc(MOST_FILES, sizeof(*paths));
	unsigned int nr = paths && s->kernel && s->nr_modules ? module_files(s, paths, MOST_FILES) : 0;
	json_t *files = json_array();

	for (unsigned int i = 0; i < IQ_MIN(nr, MOST_FILES); i++)
		json_array_append_new(files, json_text(paths[i], strlen(paths[i])));
	free(paths);
	json_object_set_new(o, "debuginfo",
			    json_or_null(s->vmlinux ? iq_debugfile_path(s->vmlinux) : ""));
	json_object_set_new(o, "dwz_file", json_or_null(dwz ? dwz : ""));
	json_object_set_new(o, "module_files", files);
}

static void json_dump(struct session *s, json_t *o)
{
	const struct iq_dump_info *info = iq_dump_info(s->dump);

	json_object_set_new(o, "kernel", json_or_null(kernel_path(s)));
	json_debug_files(s, o);
	json_object_set_new(o, "dumpfile", json_text(info->path, strlen(info->path)));
	if (info->nr_files > 1) {
		json_t *files = json_array();

		for (unsigned int i = 0; i < info->nr_files; i++)
			json_array_append_new(files,
					      json_text(info->files[i], strlen(info->files[i])));
		json_object_set_new(o, "dumpfiles", files);
	}
	json_object_set_new(o, "format", json_text(info->format_text, strlen(info->format_text)));
	json_object_set_new(o, "partial", json_boolean(info->filtered));
	json_object_set_new(o, "incomplete", json_boolean(info->incomplete));
	json_object_set_new(o, "truncated", json_boolean(info->truncated));
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct system_result *x = r->data;
	const struct iq_system *sys = &x->sys;
	json_t *o = json_object();

	if (x->taint) {
		json_t *why = json_array();

		json_taint(s, sys, o);
		for (unsigned int bit = 0; bit < TAINT_BITS; bit++) {
			char letter[2] = {taint_letter(s->kernel, bit), '\0'};
			json_t *e;

			if (!(sys->tainted >> bit & 1))
				continue;
			e = json_object();
			json_object_set_new(e, "bit", json_integer(bit));
			json_object_set_new(e, "letter", json_string(letter));
			json_object_set_new(e, "meaning", json_string(taint_meaning(bit)));
			json_array_append_new(why, e);
		}
		json_object_set_new(o, "taints", why);
		return o;
	}
	json_dump(s, o);
	json_object_set_new(o, "cpus", json_count(sys->cpus_present));
	json_object_set_new(o, "cpus_offline",
			    !sys->cpus_present
				    ? json_null()
				    : json_integer(sys->cpus_present > sys->cpus_online
							   ? sys->cpus_present - sys->cpus_online
							   : 0));
	json_object_set_new(o, "date", json_date(sys->time));
	json_object_set_new(o, "uptime",
			    sys->has_uptime ? json_integer((json_int_t)sys->uptime) : json_null());
	json_object_set_new(o, "load_average", json_load(sys));
	json_object_set_new(o, "tasks", json_count(sys->nr_tasks));
	json_object_set_new(o, "nodename", json_or_null(sys->nodename));
	json_object_set_new(o, "release", json_or_null(s->kernel->release));
	json_object_set_new(o, "version", json_or_null(sys->version));
	json_object_set_new(o, "machine", json_or_null(sys->machine));
	json_object_set_new(o, "mhz", json_count(x->mhz));
	json_object_set_new(o, "memory", json_count(sys->memory));
	json_object_set_new(o, "build_id", json_or_null(s->kernel->build_id));
	json_taint(s, sys, o);
	json_object_set_new(o, "panic", json_or_null(sys->panic));
	return o;
}

static const struct result_ops ops = {text, json, free};

/* ---- A dump without a kernel: what the file says of itself ------------------------------------- */

static void file_release(struct session *s, char *buf, size_t room)
{
	const struct iq_dump_info *info = iq_dump_info(s->dump);

	if (info->vmcoreinfo &&
	    iq_vmcoreinfo_get(info->vmcoreinfo, info->vmcoreinfo_len, "OSRELEASE", buf, room))
		return;
	snprintf(buf, room, "%s", info->release ? info->release : "");
}

static void text_file(struct session *s, const struct result *r, struct iq_buf *out)
{
	char release[65];

	text_files(s, NULL, out);
	text_line("FORMAT", iq_dump_info(s->dump)->format_text, out);
	file_release(s, release, sizeof(release));
	text_line("RELEASE", release, out);
}

static json_t *json_file(struct session *s, const struct result *r)
{
	json_t *o = json_object();
	char release[65];

	json_dump(s, o);
	file_release(s, release, sizeof(release));
	json_object_set_new(o, "release", json_or_null(release));
	return o;
}

static const struct result_ops file_ops = {text_file, json_file, NULL};

static struct iq_error *fill(struct session *s, struct system_result *x)
{
	const struct iq_log_record *log;
	struct iq_error *err;
	unsigned int nr = 0;
	uint64_t khz;

	IQ_TRY(iq_kernel_system(s->kernel, &x->sys));
	/* What the kernel calls itself; failing that, what the dump is of. */
	if (!x->sys.machine[0])
		snprintf(x->sys.machine, sizeof(x->sys.machine), "%s", s->kernel->arch->name);
	err = iq_log(s->kernel, &log, &nr);
	x->no_log = err || !nr;
	iq_error_free(err);
	/* arch/x86/kernel/tsc.c; other machines do not know it. */
	if (iq_kernel_variable(s->kernel, "cpu_khz", 4, &khz))
		x->mhz = khz / 1000;
	return NULL;
}

/* What the words ask for: 0 the banner, c, t, i, or C for config; *WORD: what stands behind -c. */
static struct iq_error *parse(int argc, char **argv, int *what, const char **word)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;
	int option;

	*what = 0;
	*word = NULL;
	while ((option = next_option(&o, "cti", &err)) != -1) {
		if (option == '?')
			return err;
		if (*what && *what != option)
			return iq_error_new(IQ_E_USAGE, "-c, -t and -i exclude each other");
		*what = option;
	}
	if (*what == 'c' && o.index < argc)
		*word = argv[o.index++];
	if (!*what && o.index < argc && !strcmp(argv[o.index], "config")) {
		*what = 'C';
		o.index++;
	}
	if (o.index < argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]),
				     "sys -c NAME finds system calls; sys config is the kernel's configuration");
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct system_result *x;
	struct iq_error *err;
	struct iq_kernel *k;
	const char *word;
	int what;

	IQ_TRY(parse(argc, argv, &what, &word));
	err = need_kernel(s, &k);
	if (err) {
		if (!what)
			*r = (struct result){&file_ops, NULL};
		return err;
	}
	if (what == 'c')
		return sys_calls(s, word, r);
	if (what == 'i')
		return sys_dmi(s, r);
	if (what == 'C')
		return sys_config(s, r);
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	err = fill(s, x);
	if (!err && what && !x->sys.has_tainted)
		err = iq_error_new(IQ_E_UNAVAILABLE, "the taint mask cannot be read");
	if (err) {
		free(x);
		return err;
	}
	x->taint = what;
	*r = (struct result){&ops, x};
	return NULL;
}

void text_banner(struct session *s, struct iq_buf *out)
{
	struct system_result x = {0};
	struct iq_error *err;

	if (!s->kernel) {
		text_files(s, NULL, out);
		iq_buf_putc(out, '\n');
		return;
	}
	err = fill(s, &x);
	if (err) {
		iq_warn(&s->warnings, "%s", err->message);
		iq_error_free(err);
		text_files(s, NULL, out);
		iq_buf_putc(out, '\n');
		return;
	}
	text_system(s, &x, out);
	session_context(s);
	if (s->has_task)
		text_context(s, &s->task, 12, out);
	iq_buf_putc(out, '\n');
}

const struct command cmd_sys = {
	.name = "sys",
	.summary = "the machine, and when and of what it died",
	.help = "sys [-t | -i | -c [NAME | NUMBER] | config]\n"
		"\n"
		"Shows what stands at the start of a session: the files, the machine, the time\n"
		"of the crash and the kernel's last words.  DATE is in the local time zone.\n"
		"\n"
		"  -t          the kernel's taint mask and the letters of its flags; with --json\n"
		"              what each of them means\n"
		"  -i          the machine's DMI strings: maker, product, firmware and its date\n"
		"  -c          the table of system calls, each with its function and, with a\n"
		"              vmlinux, the source line: one that leads into a module was replaced\n"
		"  -c NAME     those with NAME in their function's name; -c NUMBER: that one\n"
		"  config      the configuration that the kernel was built with (CONFIG_IKCONFIG)\n"
		"\n"
		"crash's -panic crashes a live system and means nothing for a dump; what it died of is\n"
		"the line PANIC, and what analyze says.\n"
		"\n"
		"  inquest> sys -t\n"
		"  TAINTED_MASK: 3000  OE\n"
		"  inquest> sys -c openat\n",
	.run = run,
	.no_context = true,
};
