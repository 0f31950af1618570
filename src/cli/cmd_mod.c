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

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {.argc = argc, .argv = argv};
	struct mod_result *x;
	struct iq_kernel *k;
	struct iq_error *err;
	bool taints = false;
	int option;

	while ((option = next_option(&o, "t", &err)) != -1) {
		if (option == '?')
			return err;
		taints = true;
	}
	if (o.index < argc)
		return iq_error_hint(
			iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]),
			"debug files are named on the command line, or by --debug-dir");
	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->taints = taints;
	err = list_modules(k, x);
	if (!err && taints)
		err = read_taints(s, x);
	if (err) {
		free_result(x);
		return err;
	}
	x->many_ranges = has_many_ranges(k);
	*r = (struct result){&ops, x};
	return NULL;
}

const struct command cmd_mod = {
	.name = "mod",
	.summary = "the loaded modules",
	.help = "mod [-t]\n"
		"\n"
		"Lists the modules that were loaded: the address of struct module, the name,\n"
		"where its text begins, its size in bytes, and the debug file that is used for\n"
		"it.  Symbols of modules are known without such a file; it adds source lines.\n"
		"lsmod is the same command.\n"
		"\n"
		"  -t   only the modules that taint the kernel, with the letters of why\n"
		"\n"
		"  inquest> mod\n",
	.run = run,
	.no_context = true,
};
