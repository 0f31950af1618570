// SPDX-License-Identifier: GPL-2.0-or-later
/* A session: the dump, the kernel in it, and the debug files that go with it. */
#include "internal.h"
#include <stdlib.h>

static struct iq_error *add_module_file(struct session *s, const char *path)
{
	struct iq_debugfile *f;

	if (s->nr_modules >= SESSION_MAX_DEBUGFILES)
		return iq_error_new(IQ_E_LIMIT, "more than %u debug files", SESSION_MAX_DEBUGFILES);
	IQ_TRY(iq_debugfile_open(path, &f));
	s->modules[s->nr_modules++] = f;
	return NULL;
}

static struct iq_error *open_kernel(struct session *s, const struct session_options *o,
				    struct iq_debugfile *vmlinux, struct iq_kernel **ret)
{
	struct iq_kernel_options options = {
		.vmlinux = vmlinux,
		.modules = s->modules,
		.nr_modules = s->nr_modules,
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
	iq_kernel_close(s->kernel);
	s->kernel = k;
}

/*
 * A vmlinux that the VMCOREINFO note lets us find before the kernel is opened: the usual case,
 * which saves opening it twice.
 */
static struct iq_debugfile *vmlinux_by_note(struct session *s, const struct session_options *o)
{
	const struct iq_dump_info *info = iq_dump_info(s->dump);
	char release[65], build_id[65];

	if (!info->vmcoreinfo ||
	    !iq_vmcoreinfo_get(info->vmcoreinfo, info->vmcoreinfo_len, "OSRELEASE", release,
			       sizeof(release)) ||
	    !iq_vmcoreinfo_get(info->vmcoreinfo, info->vmcoreinfo_len, "BUILD-ID", build_id,
			       sizeof(build_id)))
		return NULL;
	return find_vmlinux(&o->debug_dirs, release, build_id);
}

/* The kernel with the vmlinux that was given on the command line. */
static struct iq_error *open_with_given(struct session *s, const struct session_options *o)
{
	struct iq_error *err, *without;

	IQ_TRY(iq_debugfile_open(o->vmlinux, &s->vmlinux));
	err = open_kernel(s, o, s->vmlinux, &s->kernel);
	if (!err)
		return NULL;
	/* Is it the vmlinux that does not fit, or is there no kernel in this dump at all? */
	without = open_kernel(s, o, NULL, &s->kernel);
	if (!without) {
		iq_kernel_close(s->kernel);
		s->kernel = NULL;
		return err;
	}
	iq_error_free(without);
	s->kernel_error = err;
	return NULL;
}

static void open_with_found(struct session *s, const struct session_options *o)
{
	struct iq_error *err;

	if (!o->no_vmlinux)
		s->vmlinux = vmlinux_by_note(s, o);
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
	if (s->vmlinux || o->no_vmlinux)
		return;
	s->vmlinux = find_vmlinux(&o->debug_dirs, s->kernel->release, s->kernel->build_id);
	if (s->vmlinux)
		reopen_kernel(s, o, s->vmlinux);
	if (s->vmlinux && s->kernel->vmlinux != s->vmlinux) {
		iq_debugfile_close(s->vmlinux);
		s->vmlinux = NULL;
	}
}

/* Debug files of modules from the directories; a file that cannot be used is none. */
static void add_found_modules(struct session *s, const struct session_options *o)
{
	char *paths[SESSION_MAX_DEBUGFILES];
	unsigned int before = s->nr_modules, nr;

	nr = find_modules(&o->debug_dirs, s->kernel, paths, SESSION_MAX_DEBUGFILES - s->nr_modules);
	for (unsigned int i = 0; i < nr; i++) {
		iq_error_free(add_module_file(s, paths[i]));
		free(paths[i]);
	}
	if (s->nr_modules > before)
		reopen_kernel(s, o, s->vmlinux);
}

struct iq_error *session_open(struct session *s, const struct session_options *o)
{
	IQ_TRY(iq_dump_open_files(o->dumps, o->nr_dumps, &s->warnings, &s->dump));
	for (unsigned int i = 0; !o->no_vmlinux && i < o->nr_modules; i++)
		IQ_TRY(add_module_file(s, o->modules[i]));
	if (o->vmlinux && !o->no_vmlinux)
		IQ_TRY(open_with_given(s, o));
	else
		open_with_found(s, o);
	if (s->kernel && !o->no_vmlinux)
		add_found_modules(s, o);
	if (s->kernel_error)
		iq_warn(&s->warnings, "%s", s->kernel_error->message);
	return NULL;
}

void session_close(struct session *s)
{
	if (s->kernel)
		iq_kernel_close(s->kernel);
	for (unsigned int i = 0; i < s->nr_modules; i++)
		iq_debugfile_close(s->modules[i]);
	if (s->vmlinux)
		iq_debugfile_close(s->vmlinux);
	if (s->dump)
		iq_dump_close(s->dump);
	iq_variables_free(s->variables);
	iq_error_free(s->kernel_error);
	iq_warnings_clear(&s->warnings);
}
