// SPDX-License-Identifier: GPL-2.0-or-later
/* vtop: a virtual address to a physical one, each step of the way. */
#include "show.h"
#include <inquest/fs.h>
#include <inquest/resource.h>
#include <inquest/swap.h>
#include <inttypes.h>
#include <stdlib.h>

#define MAX_FLAGS 24

struct translation {
	uint64_t virtual;
	struct iq_walk walk;
	bool user, canonical, wrong_half; /* -k with a user address */
	bool has_vma; /* the area of a user address */
	struct iq_vma vma;
	bool has_page;
	struct iq_page page;
	enum iq_mem state; /* of the page in the dump */
	struct iq_entry entry; /* user, not mapped: what its entry says */
	const struct iq_resource *resource; /* a physical address that is no RAM; NULL: nobody's */
};

struct vtop_result {
	struct iq_kernel *k;
	struct translation *list;
	unsigned int nr;
};

static void free_result(void *data)
{
	struct vtop_result *x = data;

	free(x->list);
	free(x);
}

static bool is_mapped(const struct translation *t)
{
	return t->canonical && !t->wrong_half && t->walk.status == IQ_MEM_OK;
}

/* The entry that maps the page; NULL: none was read. */
static const struct iq_walk_level *last_level(const struct translation *t)
{
	return t->walk.nr ? &t->walk.level[t->walk.nr - 1] : NULL;
}

/* ---- Text -------------------------------------------------------------------------------------- */

/* Virtual address of the kernel's top table. */
static uint64_t top_table(const struct vtop_result *x)
{
	const struct iq_layout *l = &x->k->layout;
	uint64_t address = iq_kernel_symbol(x->k, "swapper_pg_dir");

	if (!address)
		address = iq_kernel_symbol(x->k, "init_top_pgt");
	return address ? address : l->kernel_root + l->text_base - (uint64_t)l->phys_base;
}

static void text_head(const struct translation *t, struct iq_buf *out)
{
	char virtual[20], physical[40];
	int width;

	snprintf(virtual, sizeof(virtual), "%" PRIx64, t->virtual);
	width = t->user && strlen(virtual) <= 10 ? 10 : 16;
	if (!t->canonical)
		snprintf(physical, sizeof(physical), "(not a canonical address)");
	else if (t->wrong_half)
		snprintf(physical, sizeof(physical), "(not a kernel virtual address)");
	else if (t->walk.status == IQ_MEM_OK)
		snprintf(physical, sizeof(physical), "%" PRIx64, t->walk.physical);
	else
		snprintf(physical, sizeof(physical), "(%s)", iq_mem_text(t->walk.status));
	iq_buf_printf(out, "%-*s  %-16s\n", width, "VIRTUAL", "PHYSICAL");
	iq_buf_printf(out, "%-*s  %-16s\n\n", width, virtual, physical);
}

static const char *size_text(uint64_t size)
{
	return size == UINT64_C(1) << 30 ? "  (1GB)" : size == 2 << 20 ? "  (2MB)" : "";
}

static void text_levels(const struct vtop_result *x, const struct translation *t, struct iq_buf *out)
{
	const struct iq_walk *w = &t->walk;

	if (!t->user)
		iq_buf_printf(out, "PGD DIRECTORY: %" PRIx64 "\n", top_table(x));
	for (unsigned int i = 0; i < w->nr; i++) {
		const struct iq_walk_level *l = &w->level[i];
		bool unread = i + 1 == w->nr && (w->status == IQ_MEM_NO_TABLE || w->linear);

		if (!i && !t->user)
			iq_buf_puts(out, "PAGE DIRECTORY: ");
		else
			iq_buf_printf(out, "%6s: %" PRIx64 " => ", l->name, l->entry_address);
		if (unread)
			iq_buf_puts(out, "(this table is not readable)\n");
		else
			iq_buf_printf(out, "%" PRIx64 "\n", l->entry);
	}
	if (w->status == IQ_MEM_OK && !w->linear)
		iq_buf_printf(out, "  PAGE: %" PRIx64 "%s\n", w->page, size_text(w->page_size));
	else if (w->status == IQ_MEM_OK)
		iq_buf_puts(out, "  by arithmetic: this address lies in a linear mapping of physical memory\n");
	else if (w->nr && w->status == IQ_MEM_UNMAPPED)
		iq_buf_printf(out, "  the %s entry is %s: the translation ends here\n",
			      w->level[w->nr - 1].name, w->level[w->nr - 1].entry ? "not present" : "empty");
	iq_buf_putc(out, '\n');
}

static unsigned int flags_of(const struct vtop_result *x, const struct iq_walk_level *l,
			     const char **names)
{
	return x->k->arch->vm->entry_flags(l->entry, l->level, names, MAX_FLAGS);
}

/* The row of the entry that maps the page. */
static void text_entry(const struct vtop_result *x, const struct translation *t, struct iq_buf *out)
{
	const struct iq_walk_level *l = last_level(t);
	const char *names[MAX_FLAGS];
	char entry[20], page[20];
	int entry_width, page_width;
	unsigned int nr;

	if (!l || t->walk.linear)
		return;
	nr = flags_of(x, l, names);
	entry_width = snprintf(entry, sizeof(entry), "%" PRIx64, l->entry);
	page_width = IQ_MAX(snprintf(page, sizeof(page), "%" PRIx64, t->walk.page), 8);
	iq_buf_printf(out, "%*s%*s  %-*s  FLAGS\n", (entry_width - 3) / 2 + 3, "PTE",
		      entry_width - (entry_width - 3) / 2 - 3, "", page_width, "PHYSICAL");
	iq_buf_printf(out, "%s  %*s  (", entry, page_width, page);
	for (unsigned int i = 0; i < nr; i++)
		iq_buf_printf(out, "%s%s", i ? "|" : "", names[i]);
	iq_buf_puts(out, ")\n\n");
}

/* TEXT in the middle of WIDTH columns, more to the right if it cannot be. */
static void centred(const char *text, size_t width, struct iq_buf *out)
{
	size_t len = strlen(text), left = len < width ? (width - len + 1) / 2 : 0;

	iq_buf_printf(out, "%*s%-*s", (int)left, "", (int)(width - left), text);
}

static void put_swap_path(struct session *s, const struct translation *t, struct iq_buf *out)
{
	char path[IQ_PATH_ROOM];

	if (!iq_swap_path(s->kernel, t->entry.type, path))
		snprintf(path, sizeof(path), "(unknown area %u)", t->entry.type);
	iq_buf_add_escaped(out, path, strlen(path), false);
}

/* The area and place in it of a page that is swapped out, as crash shows it. */
static void text_swap(struct session *s, const struct translation *t, struct iq_buf *out)
{
	char entry[20], offset[24];
	struct iq_buf name = {0};
	size_t width;

	put_swap_path(s, t, &name);
	snprintf(entry, sizeof(entry), "%" PRIx64, last_level(t)->entry);
	snprintf(offset, sizeof(offset), "%" PRIu64, t->entry.offset);
	width = IQ_MAX(name.len, (size_t)4);
	centred("PTE", strlen(entry), out);
	iq_buf_puts(out, "  ");
	centred("SWAP", width, out);
	iq_buf_printf(out, "  OFFSET\n%s  %-*s  ", entry, (int)width, iq_buf_str(&name));
	centred(offset, 6, out);
	iq_buf_puts(out, "\n\n");
	iq_buf_free(&name);
}

/* What an entry that maps nothing says of the page. */
static void text_unmapped(struct session *s, const struct translation *t, struct iq_buf *out)
{
	if (t->entry.kind == IQ_ENTRY_SWAP) {
		text_swap(s, t, out);
	} else if (t->entry.kind > IQ_ENTRY_PRESENT) {
		iq_buf_printf(out, "%s: ", last_level(t)->name);
		iq_entry_text(s->kernel, &t->entry, out);
		iq_buf_puts(out, "\n\n");
	}
}

/* Where a page that is not there would be read from if it were touched: a swap area, or its file. */
static void text_source(struct session *s, const struct translation *t, struct iq_buf *out)
{
	const struct iq_walk_level *l = last_level(t);
	char path[IQ_PATH_ROOM];
	struct iq_file f;

	if (t->entry.kind == IQ_ENTRY_SWAP) {
		iq_buf_puts(out, "SWAP: ");
		put_swap_path(s, t, out);
		iq_buf_printf(out, "  OFFSET: %" PRIu64 "\n\n", t->entry.offset);
	}
	if (!t->has_vma || !t->vma.file || !l || l->entry || !iq_file_at(s->kernel, t->vma.file, &f) ||
	    !iq_file_path(s->kernel, &f, path))
		return;
	iq_buf_puts(out, "FILE: ");
	iq_buf_add_escaped(out, path, strlen(path), false);
	iq_buf_printf(out, "  OFFSET: %" PRIx64 "\n",
		      (t->virtual - t->vma.start) / iq_dump_info(s->dump)->page_size *
				      iq_dump_info(s->dump)->page_size +
			      t->vma.pgoff * iq_dump_info(s->dump)->page_size);
}

static void text_one(struct session *s, const struct vtop_result *x, const struct translation *t,
		     struct iq_buf *out)
{
	text_head(t, out);
	if (!t->canonical || t->wrong_half)
		return;
	text_levels(x, t, out);
	if (is_mapped(t))
		text_entry(x, t, out);
	else
		text_unmapped(s, t, out);
	if (t->has_vma) {
		text_vma(s, &t->vma, out);
		iq_buf_putc(out, '\n');
	}
	if (!is_mapped(t)) {
		text_source(s, t, out);
		return;
	}
	if (t->has_page)
		text_page(s, &t->page, out);
	if (t->resource) {
		iq_buf_printf(out, "%sRESOURCE: ", t->has_page ? "\n" : "");
		iq_resource_text(s->kernel, IQ_RESOURCES_MEMORY, t->walk.physical, out);
		iq_buf_putc(out, '\n');
	}
	if (t->state)
		iq_buf_printf(out, "%sthe page's content: %s\n", t->has_page ? "\n" : "",
			      iq_mem_text(t->state));
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct vtop_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		if (i)
			iq_buf_putc(out, '\n');
		text_one(s, x, &x->list[i], out);
	}
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_levels(const struct vtop_result *x, const struct translation *t)
{
	json_t *list = json_array();

	for (unsigned int i = 0; t->canonical && !t->wrong_half && i < t->walk.nr; i++) {
		const struct iq_walk_level *l = &t->walk.level[i];
		bool unread = i + 1 == t->walk.nr &&
			      (t->walk.status == IQ_MEM_NO_TABLE || t->walk.linear);
		json_t *one = json_object(), *flags = json_array();
		const char *names[MAX_FLAGS];
		unsigned int nr = unread ? 0 : flags_of(x, l, names);

		for (unsigned int j = 0; j < nr; j++)
			json_array_append_new(flags, json_string(names[j]));
		json_object_set_new(one, "name", json_string(l->name));
		json_object_set_new(one, "entry_address", json_address(l->entry_address));
		json_object_set_new(one, "entry", unread ? json_null() : json_address(l->entry));
		json_object_set_new(one, "flags", flags);
		json_array_append_new(list, one);
	}
	return list;
}

/* What the entry of an unmapped user address says; null: nothing. */
static json_t *json_entry(struct session *s, const struct translation *t)
{
	const struct iq_entry *e = &t->entry;
	char path[IQ_PATH_ROOM];
	struct iq_buf text = {0};
	bool has_pfn = e->kind == IQ_ENTRY_MIGRATION || e->kind == IQ_ENTRY_POISONED ||
		       e->kind == IQ_ENTRY_DEVICE;
	json_t *o;

	if (is_mapped(t) || e->kind <= IQ_ENTRY_PRESENT)
		return json_null();
	o = json_object();
	iq_entry_text(s->kernel, e, &text);
	json_object_set_new(o, "kind", json_string(iq_entry_kind_text(e->kind)));
	json_object_set_new(o, "type", json_integer(e->type));
	json_object_set_new(o, "device", e->kind == IQ_ENTRY_SWAP && iq_swap_path(s->kernel, e->type, path)
						 ? json_text(path, strlen(path))
						 : json_null());
	json_object_set_new(o, "offset", json_integer((json_int_t)e->offset));
	json_object_set_new(o, "pfn", has_pfn ? json_integer((json_int_t)e->pfn) : json_null());
	json_object_set_new(o, "text", json_string(iq_buf_str(&text)));
	iq_buf_free(&text);
	return o;
}

static json_t *json_resource(struct session *s, const struct translation *t)
{
	struct iq_buf path = {0};
	json_t *o;

	if (!t->resource)
		return json_null();
	iq_resource_text(s->kernel, IQ_RESOURCES_MEMORY, t->walk.physical, &path);
	o = json_string(iq_buf_str(&path));
	iq_buf_free(&path);
	return o;
}

static json_t *json_one(struct session *s, const struct vtop_result *x, const struct translation *t)
{
	json_t *o = json_object();
	bool mapped = is_mapped(t);

	json_object_set_new(o, "virtual", json_address(t->virtual));
	json_object_set_new(o, "space", json_string(t->user ? "user" : "kernel"));
	json_object_set_new(o, "physical", mapped ? json_address(t->walk.physical) : json_null());
	json_object_set_new(o, "page_size", mapped && t->walk.page_size
						    ? json_integer((json_int_t)t->walk.page_size)
						    : json_null());
	json_object_set_new(o, "status", json_string(!t->canonical	? "not canonical"
						     : t->wrong_half	? "not a kernel virtual address"
						     : mapped		? "mapped"
									: iq_mem_text(t->walk.status)));
	json_object_set_new(o, "linear", json_boolean(mapped && t->walk.linear));
	json_object_set_new(o, "levels", json_levels(x, t));
	json_object_set_new(o, "vma", t->has_vma ? json_address(t->vma.address) : json_null());
	json_object_set_new(o, "page", t->has_page ? json_page(s, &t->page) : json_null());
	json_object_set_new(o, "swap", json_entry(s, t));
	json_object_set_new(o, "resource", json_resource(s, t));
	json_object_set_new(o, "content", mapped ? json_string(iq_mem_text(t->state)) : json_null());
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct vtop_result *x = r->data;
	json_t *o = json_one(s, x, &x->list[0]), *list;

	if (x->nr == 1)
		return o;
	/* The first one where one is, all of them beside it. */
	list = json_array();
	for (unsigned int i = 0; i < x->nr; i++)
		json_array_append_new(list, json_one(s, x, &x->list[i]));
	json_object_set_new(o, "translations", list);
	return o;
}

static bool some(const void *data)
{
	return ((const struct vtop_result *)data)->nr;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Walking ----------------------------------------------------------------------------------- */

static struct iq_error *user_vm(struct session *s, const char *task_word, struct translation *t,
				struct iq_vm **ret)
{
	const struct iq_task *task;
	struct iq_task named;

	if (task_word) {
		IQ_TRY(parse_task(s, task_word, &named));
		task = &named;
	} else {
		IQ_TRY(need_task(s, &task));
	}
	t->has_vma = task->mm && iq_vma_at(s->kernel, task->mm, t->virtual, &t->vma);
	return iq_task_vm(s->kernel, task, ret);
}

static void look_up(struct session *s, const struct vtop_result *x, struct iq_vm *vm,
		    struct translation *t)
{
	struct iq_error *err;
	uint64_t pfn;

	iq_vm_walk(vm, t->virtual, &t->walk);
	/* The kernel's own entries never are swap entries. */
	if (t->walk.status == IQ_MEM_UNMAPPED && t->user && t->walk.nr)
		iq_entry_of(x->k, last_level(t)->entry, last_level(t)->level, &t->entry);
	if (t->walk.status)
		return;
	pfn = t->walk.physical / iq_dump_info(s->dump)->page_size;
	t->state = iq_page_state(x->k->reader, pfn);
	err = iq_page_of(x->k, pfn, &t->page);
	t->has_page = !err;
	iq_error_free(err);
	if (t->state == IQ_MEM_ABSENT)
		t->resource = iq_resource_at(x->k, IQ_RESOURCES_MEMORY, t->walk.physical, NULL, 0, NULL);
}

struct request {
	bool user, kernel;
	const char *task;
};

static struct iq_error *translate(struct session *s, const struct vtop_result *x,
				  const struct request *q, struct translation *t)
{
	const struct iq_vm_ops *ops_of = x->k->arch->vm;
	bool in_kernel = ops_of->is_kernel(&x->k->layout, t->virtual);
	struct iq_vm *vm = x->k->vm;

	t->canonical = ops_of->canonical(&x->k->layout, t->virtual);
	t->user = q->user || (!q->kernel && !in_kernel);
	if (!t->canonical)
		return NULL;
	if (!t->user) {
		t->wrong_half = !in_kernel;
		if (in_kernel)
			look_up(s, x, vm, t);
		return NULL;
	}
	IQ_TRY(user_vm(s, q->task, t, &vm));
	look_up(s, x, vm, t);
	iq_vm_close(vm);
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct vtop_result *x = data;
	struct options o = {.argc = argc, .argv = argv};
	struct request q = {0};
	struct iq_error *err;
	int option;

	while ((option = next_option(&o, "ukc:", &err)) != -1) {
		if (err)
			return err;
		q.user |= option == 'u';
		q.kernel |= option == 'k';
		if (option == 'c')
			q.task = o.value;
	}
	if (o.index >= argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "the address is missing"), "vtop ADDRESS…");
	IQ_TRY(need_kernel(s, &x->k));
	x->list = calloc((size_t)(argc - o.index), sizeof(*x->list));
	if (!x->list)
		return iq_error_nomem();
	for (int i = o.index; i < argc; i++) {
		struct translation *t = &x->list[x->nr];

		IQ_TRY(parse_address(s, argv[i], &t->virtual));
		IQ_TRY(translate(s, x, &q, t));
		x->nr++;
	}
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct vtop_result), fill, &ops, r);
}

const struct command cmd_vtop = {
	.name = "vtop",
	.summary = "virtual address to physical address",
	.help = "vtop [-u|-k] [-c PID|TASK] ADDRESS…\n\n"
		"Walks the page tables: every level's entry, the page's size and flags, its struct page.\n"
		"Where a translation ends there is no physical address, and the level is named; the entry of\n"
		"a process tells where its page went: to which swap area, into a migration, or for good.  An\n"
		"address in user space is the context's task's.\n\n"
		"  -u, -k   a user address, a kernel address, whatever it looks like\n"
		"  -c TASK  the user space of another task\n\n"
		"  vtop ffff897404090304\n"
		"  vtop -c 119 400000\n",
	.run = run,
	.completes = "s",
	.no_context = true,
};
