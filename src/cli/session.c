// SPDX-License-Identifier: GPL-2.0-or-later
/* A session: the dump, the kernel in it, and the debug files that go with it. */
#include "args.h"
#include "plugin.h"
#include "internal.h"
#include "script.h"
#include "set_variables.h"
#include <stdlib.h>
#include <unistd.h>

#define MAX_DEBUGFILES 8192

struct iq_error *session_keep_file(struct session *s, struct iq_debugfile *file,
				   struct iq_debugfile **ret)
{
	for (unsigned int i = 0; i < s->nr_modules; i++) {
		if (strcmp(iq_debugfile_path(s->modules[i]), iq_debugfile_path(file)))
			continue;
		iq_debugfile_close(file);
		*ret = s->modules[i];
		return NULL;
	}
	if (s->nr_modules >= MAX_DEBUGFILES ||
	    !iq_grow(&s->modules, &s->room_modules, s->nr_modules + 1, sizeof(struct iq_debugfile *))) {
		iq_debugfile_close(file);
		return iq_error_new(IQ_E_LIMIT, "more than %u debug files", MAX_DEBUGFILES);
	}
	s->modules[s->nr_modules++] = file;
	*ret = file;
	return NULL;
}

static struct iq_error *add_module_file(struct session *s, const char *path)
{
	struct iq_debugfile *f, *split;

	IQ_TRY(iq_debugfile_open(path, &f));
	finder_adopt(s->finder, f);
	/* A stripped file leads to what was stripped from it. */
	split = iq_debugfile_has_dwarf(f) ? NULL : find_split(s->finder, f);
	if (split)
		IQ_TRY(session_keep_file(s, split, &split));
	return session_keep_file(s, f, &f);
}

/* The kernel keeps a pointer to the list, which does not grow any more. */
static struct iq_error *add_given_modules(struct session *s, const struct session_options *o)
{
	for (unsigned int i = 0; !o->no_vmlinux && i < o->nr_modules; i++)
		IQ_TRY(add_module_file(s, o->modules[i]));
	s->given = calloc(s->nr_modules + 1, sizeof(*s->given));
	if (!s->given)
		return iq_error_nomem();
	for (unsigned int i = 0; i < s->nr_modules; i++)
		s->given[s->nr_given++] = s->modules[i];
	return NULL;
}

/* The kernel needs the debug file of a module. */
static struct iq_debugfile *on_find_module(void *arg, struct iq_kernel *k, const struct iq_module *m)
{
	struct session *s = arg;
	struct iq_debugfile *file = find_module(s->finder, k, m, NULL, false);
	struct iq_error *err;

	if (!file)
		return NULL;
	err = session_keep_file(s, file, &file);
	if (!err)
		return file;
	iq_warn(&s->warnings, "%s", err->message);
	iq_error_free(err);
	return NULL;
}

static struct iq_error *open_kernel(struct session *s, const struct session_options *o,
				    struct iq_debugfile *vmlinux, struct iq_kernel **ret)
{
	struct iq_kernel_options options = {
		.vmlinux = vmlinux,
		.modules = s->given,
		.nr_modules = s->nr_given,
		.find_module = o->no_vmlinux ? NULL : on_find_module,
		.find_module_arg = s,
		.no_btf = o->no_btf,
		.cancel = &s->cancel,
	};

	return iq_kernel_open(s->dump, &options, &s->warnings, ret);
}

/*
 * Open the kernel anew with a VMLINUX or modules found meanwhile; what there is stays if that
 * fails.
 */
static void reopen_kernel(struct session *s, const struct session_options *o,
			  struct iq_debugfile *vmlinux)
{
	struct iq_kernel *k;
	struct iq_error *err = open_kernel(s, o, vmlinux, &k);

	if (err) {
		iq_error_free(err);
		return;
	}
	iq_args_close(s->args);
	s->args = NULL;
	iq_kernel_close(s->kernel);
	s->kernel = k;
}

/*
 * A vmlinux that the VMCOREINFO note lets us find before the kernel is opened: the usual case,
 * which saves opening it twice.  BUILD_ID becomes the one that was looked for.
 */
static struct iq_debugfile *vmlinux_by_note(struct session *s, char build_id[65])
{
	const struct iq_dump_info *info = iq_dump_info(s->dump);
	char release[65];

	if (!info->vmcoreinfo ||
	    !iq_vmcoreinfo_get(info->vmcoreinfo, info->vmcoreinfo_len, "OSRELEASE", release,
			       sizeof(release)) ||
	    !iq_vmcoreinfo_get(info->vmcoreinfo, info->vmcoreinfo_len, "BUILD-ID", build_id, 65))
		return NULL;
	return find_vmlinux(s->finder, release, build_id);
}

/*
 * Open the vmlinux that was given.  Of two of one build one is the debug information that was split
 * off from the other, which else is looked for.
 */
static struct iq_error *open_vmlinux(struct session *s, const struct session_options *o)
{
	struct iq_debugfile *other = NULL;
	bool same;

	IQ_TRY(iq_debugfile_open(o->vmlinux[0], &s->vmlinux));
	finder_adopt(s->finder, s->vmlinux);
	finder_set_vmlinux(s->finder, o->vmlinux[0]);
	if (o->nr_vmlinux > 1) {
		IQ_TRY(iq_debugfile_open(o->vmlinux[1], &other));
		finder_adopt(s->finder, other);
		same = !strcmp(iq_debugfile_build_id(s->vmlinux), iq_debugfile_build_id(other));
		if (!same || iq_debugfile_has_dwarf(s->vmlinux) == iq_debugfile_has_dwarf(other)) {
			iq_debugfile_close(other);
			return iq_error_new(IQ_E_USAGE, "two vmlinux files were given: %s and %s",
					    o->vmlinux[0], o->vmlinux[1]);
		}
	} else if (!iq_debugfile_has_dwarf(s->vmlinux)) {
		other = find_split(s->finder, s->vmlinux);
		if (!other)
			iq_warn(&s->warnings,
				"%s has no debug information, and none that was split off from it "
				"(build-id %s) is found: no source lines",
				o->vmlinux[0], iq_debugfile_build_id(s->vmlinux));
	}
	if (other) {
		same = iq_debugfile_has_dwarf(s->vmlinux);
		s->stripped = same ? other : s->vmlinux;
		s->vmlinux = same ? s->vmlinux : other;
	}
	return NULL;
}

/* The kernel with the vmlinux that was given on the command line. */
static struct iq_error *open_with_given(struct session *s, const struct session_options *o)
{
	struct iq_error *err, *without;

	IQ_TRY(open_vmlinux(s, o));
	err = open_kernel(s, o, s->vmlinux, &s->kernel);
	if (!err)
		return NULL;
	/* Is it the vmlinux that does not fit, or is there no kernel in this dump at all? */
	without = open_kernel(s, o, NULL, &s->kernel);
	if (!without) {
		iq_kernel_close(s->kernel);
		s->kernel = NULL;
		return iq_error_hint(err, "without it the dump can be opened all the same");
	}
	iq_error_free(without);
	s->kernel_error = err;
	return NULL;
}

static void open_with_found(struct session *s, const struct session_options *o)
{
	char sought[65] = "";
	struct iq_error *err;

	if (!o->no_vmlinux)
		s->vmlinux = vmlinux_by_note(s, sought);
	err = open_kernel(s, o, s->vmlinux, &s->kernel);
	if (err && s->vmlinux) {
		/* Nobody asked for this file. */
		iq_error_free(err);
		iq_debugfile_close(s->vmlinux);
		s->vmlinux = NULL;
		err = open_kernel(s, o, NULL, &s->kernel);
	}
	if (err) {
		s->kernel_error = err;
		return;
	}
	/* What the note did not lead to is not there. */
	if (s->vmlinux || o->no_vmlinux || !strcmp(sought, s->kernel->build_id))
		return;
	s->vmlinux = find_vmlinux(s->finder, s->kernel->release, s->kernel->build_id);
	if (s->vmlinux)
		reopen_kernel(s, o, s->vmlinux);
	if (s->vmlinux && s->kernel->vmlinux != s->vmlinux) {
		iq_debugfile_close(s->vmlinux);
		s->vmlinux = NULL;
	}
}

/* Files that were named but cannot be used: nobody is to wait for lines from them. */
static void warn_of_damage(struct session *s, const struct session_options *o)
{
	for (unsigned int i = 0; i < o->nr_damaged; i++) {
		struct iq_debugfile *f;
		struct iq_error *err = iq_debugfile_open(o->damaged[i], &f);

		if (err)
			iq_warn(&s->warnings, "%s; it is not used", err->message);
		else
			iq_debugfile_close(f);
		iq_error_free(err);
	}
}

/* How far the decompressing of a dump is, on a terminal. */
static void on_progress(void *arg, uint64_t done, uint64_t all)
{
	unsigned int *last = arg, percent = all ? (unsigned int)((double)done * 100 / (double)all) : 100;

	if (percent == *last)
		return;
	*last = percent;
	fprintf(stderr, percent < 100 ? "\rdecompressing the dump: %u %%" : "\r\033[K", percent);
	fflush(stderr);
}

static struct iq_error *open_dump(struct session *s, const struct session_options *o)
{
	unsigned int last = 0;
	struct iq_dump_options options = {
		.format = o->format,
		.cancel = &s->cancel,
		.progress = isatty(STDERR_FILENO) ? on_progress : NULL,
		.progress_arg = &last,
	};
	struct iq_error *err = iq_dump_open_with(o->dumps, o->nr_dumps, &options, &s->warnings, &s->dump);

	if (err && last)
		fprintf(stderr, "\r\033[K");
	return err;
}

struct iq_error *session_open(struct session *s, const struct session_options *o)
{
	IQ_TRY(open_dump(s, o));
	IQ_TRY(finder_open(s, &o->debug_dirs, o->dumps[0], &s->finder));
	IQ_TRY(add_given_modules(s, o));
	warn_of_damage(s, o);
	if (o->nr_vmlinux && !o->no_vmlinux)
		IQ_TRY(open_with_given(s, o));
	else
		open_with_found(s, o);
	if (s->kernel)
		finder_set_release(s->finder, s->kernel->release);
	if (s->kernel_error)
		iq_warn(&s->warnings, "%s", s->kernel_error->message);
	return NULL;
}

void session_close(struct session *s)
{
	iq_args_close(s->args);
	if (s->kernel)
		iq_kernel_close(s->kernel);
	for (unsigned int i = 0; i < s->nr_modules; i++)
		iq_debugfile_close(s->modules[i]);
	free(s->modules);
	free(s->given);
	iq_debugfile_close(s->vmlinux);
	iq_debugfile_close(s->stripped);
	finder_close(s->finder);
	if (s->dump)
		iq_dump_close(s->dump);
	iq_variables_free(s->variables);
	alias_free(s->aliases);
	plugins_free(s);
	crash_variables_free(s);
	free(s->src);
	iq_error_free(s->kernel_error);
	iq_warnings_clear(&s->warnings);
}
