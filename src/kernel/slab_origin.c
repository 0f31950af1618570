// SPDX-License-Identifier: GPL-2.0-or-later
/* Where slab caches are created: see slab_origin.h. */
#include <inquest/slab_origin.h>

#include "slab_private.h"
#include <ctype.h>
#include <inquest/callers.h>
#include <stdlib.h>

#define MAX_TEXT (64u << 20) /* of code in memory that is gone through */
#define MAX_FUNCTION (1u << 16)
#define MAX_CALLS 65536

/*
 * What makes caches, and which argument is the name (include/linux/slab.h, mm/slab.h), or has it: struct proto and
 * struct inet_frags.  A set of buckets is many caches, "NAME-8" to "NAME-8k" (6.11+).
 */
enum creator {
	CREATE,
	CREATE_USERCOPY,
	CREATE_ARGS,
	CREATE_INLINE,
	BUCKETS,
	ACPI,
	BOOT,
	PROTO,
	FRAGS
};
static const struct iq_callee creators[] = {
	[CREATE] = {.function = "kmem_cache_create"},
	[CREATE_USERCOPY] = {.function = "kmem_cache_create_usercopy"},
	[CREATE_ARGS] = {.function = "__kmem_cache_create_args"},
	[CREATE_INLINE] = {.function = "__kmem_cache_create"},
	[BUCKETS] = {.function = "kmem_buckets_create"},
	[ACPI] = {.function = "acpi_os_create_cache"},
	[BOOT] = {.function = "create_boot_cache", .arg = 1},
	[PROTO] = {.function = "proto_register", .pointer = true},
	[FRAGS] = {.function = "inet_frags_init", .pointer = true},
};

struct call {
	char *text, *function;
	uint64_t offset, link;
	struct iq_debugfile *file; /* NULL: found in memory */
	const struct iq_module *module;
	enum creator creator;
	bool gone;
};

struct slab_origins {
	struct call *calls;
	unsigned int nr, room;
	bool kernel_file; /* the kernel's file has its code, init code as well */
	bool modules; /* those in memory have been gone through */
	bool tables; /* the kernel's data has been gone through for */
	struct iq_map tabled; /* names of caches to which it points */
	struct iq_map files; /* modules whose files have been */
};

void slab_origins_free(struct iq_kernel *k)
{
	struct slab_origins *x = k->priv->origins;

	if (!x)
		return;
	for (unsigned int i = 0; i < x->nr; i++) {
		free(x->calls[i].text);
		free(x->calls[i].function);
	}
	free(x->calls);
	iq_map_free(&x->files);
	iq_map_free(&x->tabled);
	free(x);
}

static bool add_call(struct slab_origins *x, const struct call *c, const char *text,
		     const char *function)
{
	struct call *n;

	if (x->nr >= MAX_CALLS || !iq_grow(&x->calls, &x->room, x->nr + 1, sizeof(*x->calls)))
		return false;
	n = &x->calls[x->nr];
	*n = *c;
	n->text = strdup(text);
	n->function = strdup(function ? function : "");
	if (!n->text || !n->function) {
		free(n->text);
		free(n->function);
		return false;
	}
	x->nr++;
	return true;
}

/* ---- Files --------------------------------------------------------------------------------------- */

struct filing {
	struct iq_kernel *k;
	struct slab_origins *x;
	struct iq_debugfile *file;
	const struct iq_module *module;
};

/* Names in memory at the end of a call's pointer; those that it makes of them. */
static bool add_pointed(struct filing *y, const struct call *c, uint64_t data)
{
	static const char *const formats[] = {"%s", "request_sock_%s", "tw_sock_%s"};
	struct iq_types *t = iq_kernel_types(y->k);
	unsigned int nr = c->creator == PROTO ? IQ_ARRAY_SIZE(formats) : 1;
	char name[64], text[80];
	uint64_t at;

	if (c->creator == PROTO) {
		if (!t || !iq_offset(t, "proto", "name", &at, NULL))
			return true;
		at += data;
	} else if (!kernel_read_member(y->k, "inet_frags", "frags_cache_name", data, &at)) {
		return true;
	}
	if (iq_vm_read_string(y->k->vm, at, name, sizeof(name)) || !*name)
		return true;
	for (unsigned int i = 0; i < nr; i++) {
		snprintf(text, sizeof(text), formats[i], name);
		if (!add_call(y->x, c, text, c->function))
			return false;
	}
	return true;
}

static bool from_file(void *arg, const struct iq_string_call *s)
{
	struct filing *y = arg;
	struct call c = {.offset = s->offset,
			 .link = s->link,
			 .file = y->file,
			 .module = y->module,
			 .creator = s->callee,
			 .gone = !strncmp(s->section, ".init", 5)};

	if (s->text)
		return add_call(y->x, &c, s->text, s->function);
	c.function = (char *)s->function;
	return add_pointed(y, &c, s->data);
}

static bool go_through_file(struct iq_kernel *k, struct slab_origins *x, struct iq_debugfile *f,
			    const struct iq_module *m)
{
	struct filing y = {k, x, f, m};

	return f && iq_debugfile_string_calls(f, creators, IQ_ARRAY_SIZE(creators), from_file, &y);
}

/* ---- Code in memory ------------------------------------------------------------------------------ */

struct scanning {
	struct iq_kernel *k;
	struct slab_origins *x;
	const struct iq_module *module;
	uint64_t start;
	const uint8_t *code;
	size_t size;
};

static void from_memory(void *arg, size_t offset, unsigned int callee)
{
	struct scanning *y = arg;
	struct call c = {.module = y->module, .creator = callee};
	struct iq_symbol s;
	char text[128];
	uint64_t at = y->start + offset, value;
	size_t from;

	if (!iq_symbol_at(y->k, at, &s) || s.address < y->start || at - s.address > MAX_FUNCTION)
		return;
	from = s.address - y->start;
	if (!iq_constant_argument(y->k->arch, y->code + from, offset - from, y->size - from,
				  s.address, creators[callee].arg, NULL, NULL, &value))
		return;
	c.offset = at - s.address;
	if (creators[callee].pointer) {
		c.function = (char *)s.name;
		add_pointed(&(struct filing){.k = y->k, .x = y->x}, &c, value);
		return;
	}
	if (iq_vm_read_string(y->k->vm, value, text, sizeof(text)) || !*text)
		return;
	add_call(y->x, &c, text, s.name);
}

static void scan(struct iq_kernel *k, struct slab_origins *x, uint64_t start, uint64_t end,
		 const struct iq_module *m)
{
	struct iq_callee here[IQ_ARRAY_SIZE(creators)];
	struct scanning y = {.k = k, .x = x, .module = m, .start = start};
	uint64_t page = iq_dump_info(k->dump)->page_size;
	uint8_t *code;

	if (end <= start || end - start > MAX_TEXT || !(code = calloc(1, end - start)))
		return;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(creators); i++) {
		here[i] = creators[i];
		here[i].address = iq_kernel_symbol(k, creators[i].function);
	}
	y.code = code;
	y.size = end - start;
	if (iq_vm_read(k->vm, start, code, y.size, NULL))
		for (uint64_t at = 0; at < y.size; at += page)
			if (iq_vm_read(k->vm, start + at, code + at, IQ_MIN(page, y.size - at),
				       NULL))
				memset(code + at, 0, IQ_MIN(page, y.size - at));
	iq_calls_in_code(k->arch, code, y.size, start, here, IQ_ARRAY_SIZE(creators), from_memory,
			 &y);
	free(code);
}

static void scan_modules(struct iq_kernel *k, struct slab_origins *x)
{
	struct iq_module *const *modules;
	unsigned int nr = 0;
	struct iq_error *err = iq_modules(k, &modules, &nr);

	for (unsigned int i = 0; !err && i < nr; i++)
		for (unsigned int r = 0; r < modules[i]->nr_ranges; r++)
			if (modules[i]->range[r].text)
				scan(k, x, modules[i]->range[r].start, modules[i]->range[r].end,
				     modules[i]);
	iq_error_free(err);
	x->modules = true;
}

static struct slab_origins *origins_of(struct iq_kernel *k)
{
	struct slab_origins *x = k->priv->origins;

	if (x)
		return x;
	x = k->priv->origins = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->kernel_file = go_through_file(k, x, iq_kernel_debugfile(k, k->stext), NULL);
	if (!x->kernel_file && k->stext && k->etext > k->stext)
		scan(k, x, k->stext, k->etext, NULL);
	return x;
}

/* ---- One name ------------------------------------------------------------------------------------ */

static bool is_meant(const struct call *c, const char *name)
{
	size_t len = strlen(c->text);

	if (!strcmp(c->text, name))
		return true;
	return c->creator == BUCKETS && !strncmp(c->text, name, len) && name[len] == '-' &&
	       name[len + 1] >= '1' && name[len + 1] <= '9';
}

static bool look_up(struct iq_kernel *k, struct slab_origins *x, const char *name,
		    unsigned int from, struct iq_cache_origin *o)
{
	for (unsigned int i = from; i < x->nr; i++) {
		const struct call *c = &x->calls[i];

		if (!is_meant(c, name) || o->calls++)
			continue;
		o->how = IQ_ORIGIN_CALL;
		o->offset = c->offset;
		o->gone = c->gone;
		snprintf(o->function, sizeof(o->function), "%s", c->function);
		if (c->module)
			snprintf(o->module, sizeof(o->module), "%s", c->module->name);
		if (c->file && !iq_debugfile_call_line(c->file, c->link, &o->file, &o->line))
			o->file = NULL;
	}
	return o->calls;
}

/* Does the module have NAME as a string in its data?  Those of its init code stay, since they are shared. */
static bool has_string(struct iq_kernel *k, const struct iq_module *m, const char *name)
{
	size_t len = strlen(name) + 1;
	bool found = false;

	for (unsigned int i = 0; i < m->nr_ranges && !found; i++) {
		uint64_t size = m->range[i].end - m->range[i].start, start = m->range[i].start;
		const uint8_t *at;
		uint8_t *bytes;

		if (m->range[i].end <= start || size > MAX_TEXT || !(bytes = calloc(1, size)))
			continue;
		if (!iq_vm_read(k->vm, start, bytes, size, NULL))
			for (at = bytes;
			     !found && (at = memmem(at, size - (size_t)(at - bytes), name, len));
			     at++)
				found = at == bytes ||
					!isprint(at[-1]); /* the first is behind data */
		free(bytes);
	}
	return found;
}

static bool in_module(struct iq_kernel *k, struct slab_origins *x, const char *name,
		      struct iq_cache_origin *o)
{
	unsigned int from = x->nr, nr = 0;
	struct iq_module *const *modules;
	struct iq_error *err;

	if (!x->modules) {
		scan_modules(k, x);
		if (look_up(k, x, name, from, o))
			return true;
	}
	err = iq_modules(k, &modules, &nr);
	for (unsigned int i = 0; !err && i < nr && o->how != IQ_ORIGIN_CALL; i++) {
		struct iq_module *m = modules[i];

		if (!has_string(k, m, name))
			continue;
		from = x->nr;
		if (!iq_map_get(&x->files, m->address) && iq_map_put(&x->files, m->address, m) &&
		    go_through_file(k, x, iq_module_debug(k, m), m) && look_up(k, x, name, from, o))
			break;
		o->how = IQ_ORIGIN_INIT;
		o->gone = true;
		snprintf(o->module, sizeof(o->module), "%s", m->name);
	}
	iq_error_free(err);
	return o->how != IQ_ORIGIN_UNKNOWN;
}

/* kmalloc()'s own have names from a table. */
static bool of_kmalloc(struct iq_kernel *k, struct slab_origins *x, const char *name,
		       struct iq_cache_origin *o)
{
	struct iq_debugfile *f = x->kernel_file ? iq_kernel_debugfile(k, k->stext) : NULL;
	uint64_t link;

	if (!strstr(name, "kmalloc-"))
		return false;
	o->how = IQ_ORIGIN_INIT;
	o->gone = true;
	if (!f || !iq_debugfile_symbol(f, "create_kmalloc_caches", &link))
		return true;
	o->how = IQ_ORIGIN_CALL;
	o->calls = 1;
	snprintf(o->function, sizeof(o->function), "create_kmalloc_caches");
	if (!iq_debugfile_call_line(f, link, &o->file, &o->line))
		o->file = NULL;
	return true;
}

void iq_cache_name_origin(struct iq_kernel *k, const char *name, struct iq_cache_origin *ret)
{
	struct slab_origins *x = origins_of(k);
	struct iq_cache_origin o = {0};

	if (x && *name && !look_up(k, x, name, 0, &o) && !of_kmalloc(k, x, name, &o))
		in_module(k, x, name, &o);
	*ret = o;
}

/* ---- Names in tables ----------------------------------------------------------------------------- */

static uint64_t name_of(struct iq_kernel *k, const struct iq_cache *c)
{
	uint64_t at;

	return kernel_read_member(k, "kmem_cache", "name", c->address, &at) ? at : 0;
}

/* Which names of caches the kernel's own data points to: those were not constants of the call. */
static void go_through_data(struct iq_kernel *k, struct slab_origins *x)
{
	uint64_t end = iq_kernel_symbol(k, "_end"), page = iq_dump_info(k->dump)->page_size,
		 words[512];
	struct iq_map names = {0};
	struct iq_cache *const *caches;
	unsigned int nr = 0;
	struct iq_error *err = iq_caches(k, &caches, &nr);

	x->tables = true;
	for (unsigned int i = 0; !err && i < nr; i++) {
		uint64_t at = name_of(k, caches[i]);

		if (at >= k->stext && !iq_map_put(&names, at, x))
			break;
	}
	iq_error_free(err);
	if (page != sizeof(words) || end - k->etext > MAX_TEXT)
		end = 0;
	for (uint64_t at = k->etext & ~(page - 1); at < end; at += page) {
		if (iq_vm_read(k->vm, at, words, page, NULL))
			continue;
		for (unsigned int i = 0; i < 512; i++)
			if (words[i] >= k->stext && words[i] < end &&
			    iq_map_get(&names, words[i]) && !iq_map_put(&x->tabled, words[i], x))
				break;
	}
	iq_map_free(&names);
}

/* Names that are constants of the kernel's image are not copied when a cache is created, those of modules are. */
static bool has_kernels_name(struct iq_kernel *k, const struct iq_cache *c)
{
	uint64_t at = name_of(k, c);

	return at >= k->layout.text_base && at < k->layout.text_end;
}

static void find_origin(struct iq_kernel *k, struct slab_origins *x, const struct iq_cache *c,
			struct iq_cache_origin *o)
{
	/* A name that is damaged, or cannot be read, would be found anywhere. */
	if (!*c->name || !strcmp(c->name, "?"))
		return;
	if (!has_kernels_name(k, c)) {
		iq_cache_name_origin(k, c->name, o);
		return;
	}
	if (look_up(k, x, c->name, 0, o) || of_kmalloc(k, x, c->name, o) || x->kernel_file)
		return;
	/* All code that is left has been gone through: a name that is in no table is that of a call in the rest. */
	if (!x->tables)
		go_through_data(k, x);
	if (!iq_map_get(&x->tabled, name_of(k, c))) {
		o->how = IQ_ORIGIN_INIT;
		o->gone = true;
	}
}

void iq_cache_origin(struct iq_kernel *k, const struct iq_cache *c, struct iq_cache_origin *ret)
{
	struct slab_origins *x = origins_of(k);
	struct iq_cache_origin *o = c->priv->origin;

	*ret = (struct iq_cache_origin){0};
	if (!o && x && (o = calloc(1, sizeof(*o)))) {
		find_origin(k, x, c, o);
		c->priv->origin = o;
	}
	if (o)
		*ret = *o;
}

void iq_cache_origin_text(const struct iq_cache_origin *o, struct iq_buf *out)
{
	if (o->how == IQ_ORIGIN_INIT) {
		iq_buf_puts(out, "in init code");
		if (o->module[0])
			iq_buf_printf(out, " of %s", o->module);
		iq_buf_puts(out, ", no longer in memory");
		return;
	}
	if (o->how != IQ_ORIGIN_CALL)
		return;
	iq_buf_add_escaped(out, o->function, strlen(o->function), false);
	if (o->offset)
		iq_buf_printf(out, "+%lu", (unsigned long)o->offset);
	if (o->module[0])
		iq_buf_printf(out, " [%s]", o->module);
	if (o->file) {
		iq_buf_putc(out, ' ');
		iq_buf_add_escaped(out, o->file, strlen(o->file), false);
		iq_buf_printf(out, ": %u", o->line);
	}
	if (o->calls > 1)
		iq_buf_printf(out, " (or %u other place%s)", o->calls - 1, o->calls > 2 ? "s" : "");
}
