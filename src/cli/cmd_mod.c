// SPDX-License-Identifier: GPL-2.0-or-later
/* mod: the loaded modules. */
#include "internal.h"
#include <inttypes.h>
#include <stdlib.h>

struct mod_result {
	const struct iq_module **module; /* owned, what it points to is the kernel's; by address */
	unsigned int nr;
	bool taints; /* -t */
	bool many_ranges;
	uint64_t *taint; /* by index; owned */
};

static void free_result(void *data)
{
	struct mod_result *x = data;

	free(x->module);
	free(x->taint);
	free(x);
}

/* NAME in the middle of WIDTH columns. */
static void text_centred(const char *name, unsigned int width, struct iq_buf *out)
{
	unsigned int len = (unsigned int)strlen(name), left = (width - len) / 2;

	iq_buf_printf(out, "%*s%s%*s", (int)left, "", name, (int)(width - len - left), "");
}

/* Columns that the widest module name takes. */
static unsigned int name_width(const struct mod_result *x, bool tainted_only)
{
	unsigned int width = (unsigned int)strlen("NAME");

	for (unsigned int i = 0; i < x->nr; i++) {
		if (!tainted_only || x->taint[i])
			width = IQ_MAX(width, (unsigned int)strlen(x->module[i]->name));
	}
	return width;
}

static void text_object_file(struct session *s, const struct iq_module *m, struct iq_buf *out)
{
	const char *path;

	if (!m->debug) {
		iq_buf_puts(out, "(not loaded)  [CONFIG_KALLSYMS]");
		return;
	}
	path = iq_debugfile_path(m->debug);
	iq_buf_add_escaped(out, path, strlen(path), false);
}

static void text_taints(struct session *s, const struct mod_result *x, struct iq_buf *out)
{
	unsigned int width = name_width(x, true), shown = 0;

	for (unsigned int i = 0; i < x->nr; i++) {
		if (!x->taint[i])
			continue;
		if (!shown++)
			iq_buf_printf(out, "%-*s  TAINTS\n", (int)width, "NAME");
		iq_buf_printf(out, "%-*s  ", (int)width, x->module[i]->name);
		taint_letters(s->kernel, x->taint[i], out);
		iq_buf_putc(out, '\n');
	}
	if (!shown)
		iq_buf_puts(out, "no tainted modules\n");
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct mod_result *x = r->data;
	unsigned int names = name_width(x, false), sizes = (unsigned int)strlen("SIZE");

	if (!x->nr) {
		iq_buf_puts(out, "no modules installed\n");
		return;
	}
	if (x->taints) {
		text_taints(s, x, out);
		return;
	}
	for (unsigned int i = 0; i < x->nr; i++) {
		char size[24];

		sizes = IQ_MAX(sizes, (unsigned int)snprintf(size, sizeof(size), "%" PRIu64,
							     x->module[i]->size));
	}
	text_centred("MODULE", 16, out);
	iq_buf_printf(out, "  %-*s  ", (int)names, "NAME");
	text_centred(x->many_ranges ? "TEXT_BASE" : "BASE", 16, out);
	iq_buf_printf(out, "  %*s  OBJECT FILE\n", (int)sizes, "SIZE");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_module *m = x->module[i];

		iq_buf_printf(out, "%016" PRIx64 "  %-*s  %016" PRIx64 "  %*" PRIu64 "  ",
			      m->address, (int)names, m->name, m->base, (int)sizes, m->size);
		text_object_file(s, m, out);
		iq_buf_putc(out, '\n');
	}
}

static json_t *json_module(struct session *s, const struct mod_result *x, unsigned int i)
{
	static const char *const states[] = {"live", "coming", "going", "unformed"};
	const struct iq_module *m = x->module[i];
	const char *path = m->debug ? iq_debugfile_path(m->debug) : NULL;
	json_t *o = json_object();

	json_object_set_new(o, "module", json_address(m->address));
	json_object_set_new(o, "name", json_text(m->name, strlen(m->name)));
	json_object_set_new(o, "base", json_address(m->base));
	json_object_set_new(o, "size", json_integer((json_int_t)m->size));
	json_object_set_new(o, "state",
			    m->state < IQ_ARRAY_SIZE(states) ? json_string(states[m->state])
							     : json_null());
	json_object_set_new(o, "object_file", path ? json_text(path, strlen(path)) : json_null());
	if (x->taints) {
		struct iq_buf letters = {0};

		taint_letters(s->kernel, x->taint[i], &letters);
		json_object_set_new(o, "taints", json_string(iq_buf_str(&letters)));
		iq_buf_free(&letters);
	}
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct mod_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++)
		json_array_append_new(list, json_module(s, x, i));
	json_object_set_new(o, "modules", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

static struct iq_error *read_taints(struct session *s, struct mod_result *x)
{
	struct iq_types *types;
	uint64_t offset, size;

	if (!iq_kernel_offset(s->kernel, "module", "taints", &offset, &size) || size > 8 || !size) {
		IQ_TRY(iq_kernel_need_types(s->kernel, &types));
		return iq_error_new(IQ_E_UNAVAILABLE, "this kernel's struct module has no taints");
	}
	for (unsigned int i = 0; i < x->nr; i++) {
		if (iq_vm_read_uint(s->kernel->vm, x->module[i]->address + offset,
				    (unsigned int)size, &x->taint[i]))
			iq_warn(&s->warnings, "the taints of module %s cannot be read",
				x->module[i]->name);
	}
	return NULL;
}

/* Since 6.4 a module's memory is in several pieces, and the base is that of its text. */
static bool has_many_ranges(struct iq_kernel *k)
{
	uint64_t offset;

	return iq_kernel_offset(k, "module", "mem", &offset, NULL);
}

static int by_base(const void *a, const void *b)
{
	const struct iq_module *x = *(const struct iq_module *const *)a;
	const struct iq_module *y = *(const struct iq_module *const *)b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static struct iq_error *list_modules(struct iq_kernel *k, struct mod_result *x)
{
	struct iq_module *const *modules;
	unsigned int nr;

	IQ_TRY(iq_modules(k, &modules, &nr));
	x->module = calloc(nr ? nr : 1, sizeof(*x->module));
	x->taint = calloc(nr ? nr : 1, sizeof(*x->taint));
	if (!x->module || !x->taint)
		return iq_error_nomem();
	for (unsigned int i = 0; i < nr; i++)
		x->module[i] = modules[i];
	x->nr = nr;
	qsort(x->module, nr, sizeof(*x->module), by_base);
	return NULL;
}

/* ---- Loading and unloading ------------------------------------------------------------------- */

struct request {
	bool taints, load, load_all, drop, drop_all;
	const char *name; /* of -s and -d */
	const char *path; /* of -s: the file; of -S: the directory */
};

static struct iq_error *not_loaded(struct session *s, const char *name)
{
	struct iq_nearest nearest = {.word = name};
	struct iq_module *const *modules;
	unsigned int nr;

	IQ_TRY(iq_modules(s->kernel, &modules, &nr));
	for (unsigned int i = 0; i < nr; i++)
		iq_nearest_offer(&nearest, modules[i]->name);
	return iq_nearest_hint(&nearest, iq_error_hint(iq_error_new(IQ_E_NOT_FOUND,
								    "no module %s is loaded", name),
						       "mod lists the modules"));
}

/* The module that is called so, with '-' for '_' as well. */
static struct iq_error *named(struct session *s, const char *name, struct iq_module **ret)
{
	char plain[64];

	snprintf(plain, sizeof(plain), "%s", name);
	for (char *c = plain; *c; c++)
		*c = *c == '-' ? '_' : *c;
	*ret = iq_module_by_name(s->kernel, plain);
	return *ret ? NULL : not_loaded(s, name);
}

/* Use FILE, which is kept from now on. */
static struct iq_error *use_file(struct session *s, struct iq_module *m, struct iq_debugfile *file)
{
	IQ_TRY(session_keep_file(s, file, &file));
	IQ_TRY(iq_module_set_debug(s->kernel, m, file));
	if (!iq_debugfile_has_dwarf(file))
		iq_warn(&s->warnings, "%s has no debug information: it adds nothing",
			iq_debugfile_path(file));
	return NULL;
}

static struct iq_error *load_one(struct session *s, struct iq_module *m, const char *path)
{
	struct iq_debugfile *file, *split;

	if (!path) {
		file = find_module(s->finder, s->kernel, m, NULL, false);
		if (!file)
			return iq_error_hint(
				iq_error_new(IQ_E_NOT_FOUND, "no debug file of module %s is found",
					     m->name),
				"mod -s %s FILE names it; --debug-dir says where to look", m->name);
		return use_file(s, m, file);
	}
	IQ_TRY(iq_debugfile_open(path, &file));
	finder_adopt(s->finder, file);
	split = iq_debugfile_has_dwarf(file) ? NULL : find_split(s->finder, file);
	if (split) {
		iq_debugfile_close(file);
		file = split;
	}
	return use_file(s, m, file);
}

/* All for which there is a file; those of another build are warned of. */
static struct iq_error *load_all(struct session *s, const char *dir)
{
	struct iq_module *const *modules;
	unsigned int nr, loaded = 0;
	struct iq_error *err;

	IQ_TRY(iq_modules(s->kernel, &modules, &nr));
	for (unsigned int i = 0; i < nr; i++) {
		struct iq_debugfile *file;

		if (iq_cancelled(&s->cancel))
			return iq_error_new(IQ_E_INTERRUPTED, "interrupted");
		file = modules[i]->debug && !dir
			       ? NULL
			       : find_module(s->finder, s->kernel, modules[i], dir, false);
		err = file ? use_file(s, modules[i], file) : NULL;
		if (err)
			iq_warn(&s->warnings, "%s", err->message);
		iq_error_free(err);
		loaded += !!modules[i]->debug;
	}
	if (nr && !loaded)
		return iq_error_new(IQ_E_NOT_FOUND, "no debug file of these modules is found%s%s",
				    dir ? " below " : "", dir ? dir : "");
	return NULL;
}

static struct iq_error *drop(struct session *s, struct iq_module *m)
{
	return iq_module_set_debug(s->kernel, m, NULL);
}

static struct iq_error *drop_all(struct session *s)
{
	struct iq_module *const *modules;
	unsigned int nr;

	IQ_TRY(iq_modules(s->kernel, &modules, &nr));
	for (unsigned int i = 0; i < nr; i++)
		IQ_TRY(drop(s, modules[i]));
	return NULL;
}

static struct iq_error *change(struct session *s, const struct request *q)
{
	struct iq_module *m;

	if (q->load_all)
		return load_all(s, q->path);
	if (q->drop_all)
		return drop_all(s);
	if (!q->load && !q->drop)
		return NULL;
	IQ_TRY(named(s, q->name, &m));
	return q->load ? load_one(s, m, q->path) : drop(s, m);
}

/* ---- The command ----------------------------------------------------------------------------- */

static struct iq_error *parse(int argc, char **argv, struct request *q)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;
	int option;

	while ((option = next_option(&o, "ts:Sd:DRrgo", &err)) != -1) {
		switch (option) {
		case 't':
			q->taints = true;
			break;
		case 's':
		case 'd':
			q->load |= option == 's';
			q->drop |= option == 'd';
			q->name = o.value;
			break;
		case 'S':
			q->load_all = true;
			break;
		case 'D':
		case 'R':
			q->drop_all = true;
			break;
		case '?':
			return err;
		default: /* -r, -g, -o: how crash reads what is read here when it is needed */
			break;
		}
	}
	if (q->load + q->load_all + q->drop + q->drop_all + q->taints > 1)
		return iq_error_new(IQ_E_USAGE, "-s, -S, -d, -D and -t exclude each other");
	if ((q->load || q->load_all) && o.index < argc)
		q->path = argv[o.index++];
	if (o.index < argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]),
				     "mod -s MODULE [FILE] uses a debug file");
	return NULL;
}

/* After -s and -d only the module that they changed is shown. */
static void keep_named(struct mod_result *x, const struct iq_module *m)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		if (x->module[i] == m) {
			x->module[0] = m;
			x->nr = 1;
			return;
		}
	}
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct request q = {0};
	struct mod_result *x;
	struct iq_module *m;
	struct iq_kernel *k;
	struct iq_error *err;

	IQ_TRY(parse(argc, argv, &q));
	IQ_TRY(need_kernel(s, &k));
	IQ_TRY(change(s, &q));
	if (q.drop || q.drop_all)
		return NULL;
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->taints = q.taints;
	err = list_modules(k, x);
	if (!err && q.taints)
		err = read_taints(s, x);
	if (!err && q.load)
		err = named(s, q.name, &m);
	if (err) {
		free_result(x);
		return err;
	}
	if (q.load)
		keep_named(x, m);
	x->many_ranges = has_many_ranges(k);
	*r = (struct result){&ops, x};
	return NULL;
}

const struct command cmd_mod = {
	.name = "mod",
	.summary = "the loaded modules, and their debug files",
	.help = "mod [-t]\n"
		"mod -s MODULE [FILE] | -S [DIRECTORY] | -d MODULE | -D\n"
		"\n"
		"Lists the modules that were loaded: the address of struct module, the name,\n"
		"where its text begins, its size in bytes, and the debug file that is in use for\n"
		"it.  Symbols of modules are known without such a file; it adds source lines,\n"
		"types and local variables.  One that is found - below a --debug-dir, beside the\n"
		"dump or the vmlinux, in /usr/lib/debug or /lib/modules, by build-id, or on the\n"
		"servers in DEBUGINFOD_URLS - is used when an address of the module is looked at.\n"
		"It must be of the build that was loaded.  lsmod is the same command.\n"
		"\n"
		"  -s MODULE [FILE]   use FILE (.ko, .ko.debug, .ko.xz, .ko.zst, .ko.gz), or the "
		"one\n"
		"                     that is found\n"
		"  -S [DIRECTORY]     the same for all modules; look in DIRECTORY only\n"
		"  -d MODULE          use no debug file for MODULE any more\n"
		"  -D                 nor for any other module\n"
		"  -t                 only the modules that taint the kernel, with the letters of\n"
		"                     why\n"
		"\n"
		"crash's -r, -g and -o are accepted: debug information is always read when it is\n"
		"needed.  -R is -D.\n"
		"\n"
		"  inquest> mod -s xhci-hcd\n"
		"  inquest> mod -S ./modules\n",
	.run = run,
	.completes = "f",
	.no_context = true,
};
