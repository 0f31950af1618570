// SPDX-License-Identifier: GPL-2.0-or-later
/* info dump, inquest info FILE: what a dump is, what is in it and what is missing, on one screen. */
#include "dev.h"
#include "info.h"
#include "internal.h"
#include <elf.h>
#include <inquest/module.h>
#include <inttypes.h>
#include <stdlib.h>

#define LABEL 12
#define MOST_RANGES 8
/* Pages whose state is asked for between two looks at Ctrl-C. */
#define STRIDE 65536u
#define QEMU_NOTE 0

struct dump_facts {
	const struct iq_dump_info *info;
	uint64_t pages[IQ_MEM_NO_TABLE + 1]; /* by state; absent ones are not counted */
	uint64_t all; /* of RAM */
	unsigned int nr_ranges;
	unsigned int prstatus, qemu; /* notes with registers */
	/* Of the kernel, if there is one. */
	bool has_system;
	struct iq_system sys;
	unsigned int nr_cpus, with_regs;
	const char *regs_from;
	unsigned int nr_symbols, nr_modules;
	const char *types; /* where they are from; NULL: none */
	bool orc, has_log;
};

/* ---- Finding out ---------------------------------------------------------------------------------- */

static struct iq_error *count_pages(struct session *s, struct dump_facts *x)
{
	const struct iq_dump_info *info = x->info;
	uint64_t start, end, next = 0;
	struct iq_error *err = NULL;
	struct iq_reader *r;

	IQ_TRY(iq_reader_open(s->dump, 4, &r));
	while (!err && iq_dump_range(s->dump, x->nr_ranges, &start, &end)) {
		uint64_t pfn = IQ_MAX(start / info->page_size, next);

		x->nr_ranges++;
		next = IQ_MIN((end + info->page_size - 1) / info->page_size, info->max_pfn);
		for (; !err && pfn < next; pfn++) {
			enum iq_mem state = iq_page_state(r, pfn);

			if (!(pfn % STRIDE) && iq_cancelled(&s->cancel))
				err = iq_error_new(IQ_E_INTERRUPTED, "interrupted");
			if (state > IQ_MEM_NO_TABLE || state == IQ_MEM_ABSENT)
				continue;
			x->pages[state]++;
			x->all++;
		}
	}
	iq_reader_close(r);
	return err;
}

static void count_notes(struct dump_facts *x)
{
	for (unsigned int i = 0; i < x->info->nr_notes; i++) {
		const struct iq_note *n = &x->info->notes[i];

		x->prstatus += n->type == NT_PRSTATUS && !strcmp(n->name, "CORE");
		x->qemu += n->type == QEMU_NOTE && !strcmp(n->name, "QEMU");
	}
}

static void look_at_kernel(struct session *s, struct dump_facts *x)
{
	const struct iq_cpu *cpus = iq_kernel_cpus(s->kernel, &x->nr_cpus);
	struct iq_error *err = iq_kernel_system(s->kernel, &x->sys);
	struct iq_types *types = iq_kernel_types(s->kernel);
	uint64_t panic = iq_kernel_symbol(s->kernel, "panic");
	struct iq_module *const *modules;
	const struct iq_log_record *log;
	struct iq_orc_row row;
	unsigned int nr_log = 0;

	x->has_system = !err;
	iq_error_free(err);
	for (unsigned int i = 0; cpus && i < x->nr_cpus; i++) {
		if (!cpus[i].has_regs)
			continue;
		x->with_regs++;
		x->regs_from = cpus[i].regs_from;
	}
	x->nr_symbols = s->kernel->symbols ? iq_symtab_count(s->kernel->symbols) : 0;
	x->types = types ? iq_types_source(types) : NULL;
	x->orc = panic && iq_kernel_orc(s->kernel, panic, &row);
	err = iq_log(s->kernel, &log, &nr_log);
	x->has_log = !err && nr_log;
	iq_error_free(err);
	err = iq_modules(s->kernel, &modules, &x->nr_modules);
	if (err)
		x->nr_modules = 0;
	iq_error_free(err);
}

static struct iq_error *fill(struct session *s, struct dump_facts *x)
{
	x->info = iq_dump_info(s->dump);
	IQ_TRY(count_pages(s, x));
	count_notes(x);
	if (s->kernel)
		look_at_kernel(s, x);
	return NULL;
}

/* ---- Words ---------------------------------------------------------------------------------------- */

static void put_size(struct iq_buf *out, uint64_t bytes)
{
	static const char *const unit[] = {"bytes", "KB", "MB", "GB", "TB", "PB"};
	double value = (double)bytes;
	unsigned int u = 0;

	while (value >= 1024 && u + 1 < IQ_ARRAY_SIZE(unit)) {
		value /= 1024;
		u++;
	}
	iq_buf_printf(out, u && value < 100 ? "%.1f %s" : "%.0f %s", value, unit[u]);
}

static void put_text(struct iq_buf *out, const char *text)
{
	iq_buf_add_escaped(out, text, strlen(text), false);
}

static void label(struct iq_buf *out, const char *name)
{
	iq_buf_printf(out, "%*s: ", LABEL, name);
}

static void put_pages(struct session *s, const struct dump_facts *x, uint64_t pages,
		      struct iq_buf *out)
{
	uint64_t bytes;

	if (iq_mul_overflows(pages, x->info->page_size, &bytes))
		bytes = UINT64_MAX;
	put_size(out, bytes);
}

/* What makedumpfile's -d N leaves out. */
static void put_level(struct iq_buf *out, int level)
{
	static const char *const left_out[] = {"zero", "cache", "private cache", "user", "free"};
	const char *gap = ": without ";

	iq_buf_printf(out, "dump level %d", level);
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(left_out); i++) {
		if (!(level >> i & 1))
			continue;
		iq_buf_printf(out, "%s%s", gap, left_out[i]);
		gap = ", ";
	}
	iq_buf_puts(out, *gap == ',' ? " pages" : ": all pages");
}

static const char *machine_name(uint16_t machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86_64";
	case EM_AARCH64:
		return "aarch64";
	case EM_NONE:
		return NULL;
	}
	return "another machine than x86_64 and aarch64";
}

static const char *found_by(enum iq_found_by how)
{
	switch (how) {
	case IQ_FOUND_VMCOREINFO_NOTE:
		return "by the VMCOREINFO note";
	case IQ_FOUND_CPU_STATE:
		return "by the CPUs' control registers";
	case IQ_FOUND_MEMORY_SCAN:
		return "by VMCOREINFO in its memory";
	case IQ_FOUND_PAGE_TABLES:
		return "by page tables in its memory";
	case IQ_FOUND_IMAGE:
		return "by its image in memory";
	}
	return "";
}

/* The distribution's package with the vmlinux, by what the kernel calls itself; false: not known. */
static bool package_of(const char *release, const char *version, char *name, size_t room)
{
	if (strstr(version, "Debian"))
		snprintf(name, room, "the Debian package linux-image-%s-dbg", release);
	else if (strstr(version, "Ubuntu"))
		snprintf(name, room, "the Ubuntu package linux-image-unsigned-%s-dbgsym", release);
	else if (strstr(release, ".el") || strstr(release, ".fc"))
		snprintf(name, room, "the package kernel-debuginfo-%s", release);
	else
		return false;
	return true;
}

/* ---- Text ----------------------------------------------------------------------------------------- */

static void text_files(const struct dump_facts *x, struct iq_buf *out)
{
	const struct iq_dump_info *info = x->info;

	label(out, info->nr_files > 1 ? "FILES" : "FILE");
	for (unsigned int i = 0; i < info->nr_files; i++) {
		if (i)
			iq_buf_printf(out, "\n%*s", LABEL + 2, "");
		put_text(out, info->files[i]);
	}
	iq_buf_puts(out, "  (");
	put_size(out, info->file_size);
	if (info->wrapping) {
		iq_buf_puts(out, ", decompressed ");
		put_size(out, info->content_size);
	}
	iq_buf_puts(out, ")\n");
	label(out, "FORMAT");
	put_text(out, info->format_text);
	iq_buf_putc(out, '\n');
}

static void text_filter(struct session *s, const struct dump_facts *x, struct iq_buf *out)
{
	const struct iq_dump_info *info = x->info;

	label(out, "FILTER");
	if (info->dump_level >= 0)
		put_level(out, info->dump_level);
	else
		iq_buf_puts(out, info->filtered ? "some pages were left out, which read as zeros"
						: "nothing says that pages were left out");
	if (info->erased)
		iq_buf_puts(out, "; some data was overwritten (makedumpfile --config or --eppic)");
	iq_buf_putc(out, '\n');
}

static void text_memory(struct session *s, const struct dump_facts *x, struct iq_buf *out)
{
	static const struct {
		enum iq_mem state;
		const char *words;
	} lost[] = {
		{IQ_MEM_EXCLUDED, "left out"},
		{IQ_MEM_TRUNCATED, "lost: the file ends too early"},
		{IQ_MEM_DAMAGED, "damaged"},
		{IQ_MEM_IO, "not readable"},
	};
	uint64_t start, end;

	label(out, "MEMORY");
	put_pages(s, x, x->all, out);
	iq_buf_puts(out, ", of which ");
	put_pages(s, x, x->pages[IQ_MEM_OK], out);
	iq_buf_puts(out, " are in the dump");
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(lost); i++) {
		if (!x->pages[lost[i].state])
			continue;
		iq_buf_puts(out, ", ");
		put_pages(s, x, x->pages[lost[i].state], out);
		iq_buf_printf(out, " %s", lost[i].words);
	}
	iq_buf_printf(out, "; pages of %u bytes\n", x->info->page_size);
	label(out, "RANGES");
	for (unsigned int i = 0; i < MOST_RANGES && iq_dump_range(s->dump, i, &start, &end); i++)
		iq_buf_printf(out, "%s0x%" PRIx64 "-0x%" PRIx64, i ? ", " : "", start, end - 1);
	if (x->nr_ranges > MOST_RANGES)
		iq_buf_printf(out, " and %u more", x->nr_ranges - MOST_RANGES);
	iq_buf_putc(out, '\n');
	if (x->info->truncated || x->info->incomplete) {
		label(out, "INCOMPLETE");
		iq_buf_puts(out, x->info->truncated
					 ? "the file is shorter than its headers promise"
					 : "makedumpfile ran out of space when it wrote it");
		iq_buf_putc(out, '\n');
	}
}

static void text_notes(const struct dump_facts *x, struct iq_buf *out)
{
	const struct iq_dump_info *info = x->info;

	label(out, "NOTES");
	if (info->vmcoreinfo)
		iq_buf_printf(out, "VMCOREINFO (%zu bytes)", info->vmcoreinfo_len);
	else
		iq_buf_puts(out, "no VMCOREINFO");
	if (x->prstatus)
		iq_buf_printf(out, ", registers of %u CPU%s", x->prstatus,
			      x->prstatus > 1 ? "s" : "");
	else
		iq_buf_puts(out, ", no registers");
	if (x->qemu)
		iq_buf_printf(out, ", QEMU's state of %u CPU%s", x->qemu, x->qemu > 1 ? "s" : "");
	iq_buf_putc(out, '\n');
	if (!info->nr_devices)
		return;
	label(out, "DEVICES");
	for (unsigned int i = 0; i < info->nr_devices; i++) {
		if (i)
			iq_buf_puts(out, ", ");
		put_text(out, info->devices[i].name);
		iq_buf_puts(out, " (");
		put_size(out, info->devices[i].size);
		iq_buf_putc(out, ')');
	}
	iq_buf_puts(out, ": dev -V\n");
}

static void text_inside(struct session *s, const struct dump_facts *x, struct iq_buf *out)
{
	label(out, "INSIDE");
	if (x->nr_symbols)
		iq_buf_printf(out, "%u symbols, ", x->nr_symbols);
	else
		iq_buf_puts(out, "no symbols, ");
	if (x->types)
		iq_buf_printf(out, "types (%s), ", x->types);
	else
		iq_buf_puts(out, "no types, ");
	iq_buf_printf(out, "%s, %u module%s\n", x->orc ? "ORC tables" : "no ORC tables",
		      x->nr_modules, x->nr_modules == 1 ? "" : "s");
}

static void text_debug_files(struct session *s, const struct dump_facts *x, struct iq_buf *out)
{
	const struct iq_debugfile *f = s->stripped ? s->stripped : s->vmlinux;
	char package[256];

	label(out, "VMLINUX");
	if (f) {
		put_text(out, iq_debugfile_path(f));
		iq_buf_putc(out, '\n');
		return;
	}
	iq_buf_puts(out, "not found");
	if (s->kernel->build_id[0])
		iq_buf_printf(out, "; its build-id is %s", s->kernel->build_id);
	if (x->has_system && s->kernel->release[0] &&
	    package_of(s->kernel->release, x->sys.version, package, sizeof(package))) {
		iq_buf_printf(out, "\n%*sit adds source lines, and is in ", LABEL + 2, "");
		put_text(out, package);
	}
	iq_buf_putc(out, '\n');
}

static void text_kernel(struct session *s, const struct dump_facts *x, struct iq_buf *out)
{
	const struct iq_system *sys = &x->sys;

	label(out, "KERNEL");
	put_text(out, s->kernel->release[0] ? s->kernel->release : "(unknown release)");
	if (x->has_system && sys->version[0]) {
		iq_buf_putc(out, ' ');
		put_text(out, sys->version);
	}
	iq_buf_printf(out, "\n%*sfound %s\n", LABEL + 2, "", found_by(s->kernel->found_by));
	if (x->has_system && sys->nodename[0]) {
		label(out, "NODENAME");
		put_text(out, sys->nodename);
		iq_buf_putc(out, '\n');
	}
	if (x->has_system && sys->time) {
		label(out, "DATE");
		text_date(sys->time, out);
		if (sys->has_uptime)
			iq_buf_printf(out, ", %" PRIu64 " seconds after boot", sys->uptime);
		iq_buf_putc(out, '\n');
	}
	label(out, "CPUS");
	if (x->has_system && sys->cpus_present)
		iq_buf_printf(out, "%u, %u of them online; ", sys->cpus_present, sys->cpus_online);
	else
		iq_buf_puts(out, "(unknown number); ");
	if (x->with_regs)
		iq_buf_printf(out, "registers of %u (%s)\n", x->with_regs, x->regs_from);
	else
		iq_buf_puts(out, "registers of none\n");
	label(out, "PANIC");
	if (x->has_system && sys->panic[0])
		put_text(out, sys->panic);
	else
		iq_buf_puts(out, x->has_log ? "(no panic and no oops in the log)"
					    : "(unknown: the log cannot be read)");
	iq_buf_putc(out, '\n');
	text_inside(s, x, out);
	text_debug_files(s, x, out);
}

static void text_header(struct session *s, const struct dump_facts *x, struct iq_buf *out)
{
	const struct iq_dump_info *info = x->info;

	label(out, "KERNEL");
	iq_buf_puts(out, "none was found in the dump");
	if (s->kernel_error) {
		iq_buf_puts(out, ": ");
		iq_buf_puts(out, s->kernel_error->message);
	}
	iq_buf_putc(out, '\n');
	if (info->release) {
		iq_buf_printf(out, "%*sits header says ", LABEL + 2, "");
		put_text(out, info->release);
		if (info->version) {
			iq_buf_putc(out, ' ');
			put_text(out, info->version);
		}
		iq_buf_putc(out, '\n');
	}
}

static void text_next(struct session *s, const struct dump_facts *x, struct iq_buf *out)
{
	label(out, "NEXT");
	if (s->kernel && x->nr_symbols) {
		iq_buf_puts(out, "inquest analyze ");
		put_text(out, x->info->path);
		iq_buf_puts(out, "  says why the machine died\n");
	} else if (x->info->machine != EM_X86_64 && x->info->machine != EM_NONE) {
		iq_buf_puts(out, "rd -p and search -p work on its physical memory\n");
	} else {
		iq_buf_puts(out,
			    "give the vmlinux of the crashed kernel, too; rd -p and search -p work "
			    "without\n");
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct dump_facts *x = r->data;
	const char *machine = machine_name(x->info->machine);

	text_files(x, out);
	text_filter(s, x, out);
	label(out, "MACHINE");
	iq_buf_printf(out, "%s\n", machine ? machine : "(the file does not say)");
	text_memory(s, x, out);
	text_notes(x, out);
	if (s->kernel)
		text_kernel(s, x, out);
	else
		text_header(s, x, out);
	text_next(s, x, out);
}

/* ---- JSON ----------------------------------------------------------------------------------------- */

static json_t *text_or_null(const char *t)
{
	return t && *t ? json_text(t, strlen(t)) : json_null();
}

static json_t *count_or_null(bool known, uint64_t n)
{
	return known ? json_integer((json_int_t)n) : json_null();
}

static void json_file(const struct dump_facts *x, json_t *o)
{
	const struct iq_dump_info *info = x->info;
	json_t *files = json_array();

	for (unsigned int i = 0; i < info->nr_files; i++)
		json_array_append_new(files, text_or_null(info->files[i]));
	json_object_set_new(o, "files", files);
	json_object_set_new(o, "kind", json_string("dump"));
	json_object_set_new(o, "format", text_or_null(info->format_text));
	json_object_set_new(o, "size", json_integer((json_int_t)info->file_size));
	json_object_set_new(o, "content_size", json_integer((json_int_t)info->content_size));
	json_object_set_new(o, "compressed", text_or_null(info->wrapping));
	json_object_set_new(o, "dump_level",
			    count_or_null(info->dump_level >= 0, (uint64_t)info->dump_level));
	json_object_set_new(o, "filtered", json_boolean(info->filtered));
	json_object_set_new(o, "truncated", json_boolean(info->truncated));
	json_object_set_new(o, "incomplete", json_boolean(info->incomplete));
	json_object_set_new(o, "erased", json_boolean(info->erased));
	json_object_set_new(o, "machine", text_or_null(machine_name(info->machine)));
}

static void json_memory(struct session *s, const struct dump_facts *x, json_t *o)
{
	json_t *ranges = json_array(), *pages = json_object();
	uint64_t start, end;

	for (unsigned int i = 0; i < x->nr_ranges && iq_dump_range(s->dump, i, &start, &end); i++)
		json_array_append_new(ranges, json_pack("{s:o, s:o}", "start", json_address(start),
							"end", json_address(end)));
	json_object_set_new(o, "ranges", ranges);
	json_object_set_new(o, "page_size", json_integer(x->info->page_size));
	json_object_set_new(pages, "ram", json_integer((json_int_t)x->all));
	json_object_set_new(pages, "readable", json_integer((json_int_t)x->pages[IQ_MEM_OK]));
	json_object_set_new(pages, "excluded", json_integer((json_int_t)x->pages[IQ_MEM_EXCLUDED]));
	json_object_set_new(pages, "truncated",
			    json_integer((json_int_t)x->pages[IQ_MEM_TRUNCATED]));
	json_object_set_new(
		pages, "damaged",
		json_integer((json_int_t)(x->pages[IQ_MEM_DAMAGED] + x->pages[IQ_MEM_IO])));
	json_object_set_new(o, "pages", pages);
	json_object_set_new(o, "vmcoreinfo", json_boolean(x->info->vmcoreinfo != NULL));
	json_object_set_new(o, "prstatus_notes", json_integer(x->prstatus));
	json_object_set_new(o, "qemu_notes", json_integer(x->qemu));
	json_object_set_new(o, "devices", json_device_dumps(x->info));
}

static void json_kernel(struct session *s, const struct dump_facts *x, json_t *o)
{
	const struct iq_debugfile *f = s->stripped ? s->stripped : s->vmlinux;
	const struct iq_system *sys = &x->sys;
	bool known = x->has_system;

	json_object_set_new(o, "release", text_or_null(s->kernel->release));
	json_object_set_new(o, "version", text_or_null(known ? sys->version : NULL));
	json_object_set_new(o, "nodename", text_or_null(known ? sys->nodename : NULL));
	json_object_set_new(o, "build_id", text_or_null(s->kernel->build_id));
	json_object_set_new(o, "found", json_string(found_by(s->kernel->found_by)));
	json_object_set_new(o, "time", count_or_null(known && sys->time, (uint64_t)sys->time));
	json_object_set_new(o, "uptime", count_or_null(known && sys->has_uptime, sys->uptime));
	json_object_set_new(o, "cpus",
			    count_or_null(known && sys->cpus_present, sys->cpus_present));
	json_object_set_new(o, "cpus_with_registers", json_integer(x->with_regs));
	json_object_set_new(o, "registers_from", text_or_null(x->with_regs ? x->regs_from : NULL));
	json_object_set_new(o, "panic", text_or_null(known ? sys->panic : NULL));
	json_object_set_new(o, "symbols", json_integer(x->nr_symbols));
	json_object_set_new(o, "types", text_or_null(x->types));
	json_object_set_new(o, "orc", json_boolean(x->orc));
	json_object_set_new(o, "modules", json_integer(x->nr_modules));
	json_object_set_new(o, "vmlinux", text_or_null(f ? iq_debugfile_path(f) : NULL));
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct dump_facts *x = r->data;
	json_t *o = json_object(), *k;

	json_file(x, o);
	json_memory(s, x, o);
	if (!s->kernel) {
		json_object_set_new(o, "kernel", json_null());
		return o;
	}
	k = json_object();
	json_kernel(s, x, k);
	json_object_set_new(o, "kernel", k);
	return o;
}

static const struct result_ops ops = {text, json, free};

struct iq_error *info_dump(struct session *s, struct result *r)
{
	struct dump_facts *x = calloc(1, sizeof(*x));
	struct iq_error *err = x ? fill(s, x) : iq_error_nomem();

	if (err) {
		free(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return NULL;
}
