// SPDX-License-Identifier: GPL-2.0-or-later
/* vm: the memory maps of tasks. */
#include "show.h"
#include "internal.h"
#include <inquest/fs.h>
#include <inquest/swap.h>
#include <inquest/vma.h>
#include <inttypes.h>
#include <stdlib.h>

struct area {
	struct iq_vma vma;
	char *file; /* escaped; "" none */
	const char *name; /* "[heap]" …, "" none */
	bool has_page; /* -R: the address that is looked for lies in it */
	uint64_t page;
};

struct task_vm {
	struct iq_task task;
	uint64_t pgd, total_kb;
	struct area *area;
	unsigned int nr;
};

enum vm_view { VIEW_MAP, VIEW_PAGES, VIEW_MM, VIEW_VMAS };

struct vm_result {
	enum vm_view view;
	bool flags_only; /* -f: VALUE explained */
	uint64_t flags;
	uint64_t only; /* -P: this vm_area_struct; 0 all */
	uint64_t mm; /* -M: of tasks that have none any more; 0: not given */
	const char *reference;
	struct iq_format format;
	struct task_vm *list;
	unsigned int nr;
	struct iq_arena text;
};

static void free_result(void *data)
{
	struct vm_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free(x->list[i].area);
	free(x->list);
	iq_arena_free(&x->text);
	free(x);
}

/* TEXT in the middle of WIDTH columns. */
static void centred(const char *text, unsigned int width, struct iq_buf *out)
{
	unsigned int len = (unsigned int)strlen(text), left = len < width ? (width - len) / 2 : 0;

	iq_buf_printf(out, "%*s%-*s", (int)left, "", (int)(width - left), text);
}

static void text_head(const struct task_vm *t, struct iq_buf *out)
{
	char word[24];

	iq_buf_puts(out, "       MM               PGD          RSS    TOTAL_VM\n");
	snprintf(word, sizeof(word), "%" PRIx64, t->task.mm);
	centred(word, 16, out);
	iq_buf_puts(out, "  ");
	snprintf(word, sizeof(word), "%" PRIx64, t->pgd);
	centred(word, 16, out);
	iq_buf_putc(out, ' ');
	snprintf(word, sizeof(word), "%" PRIu64 "k", t->task.rss_kb);
	centred(word, 8, out);
	iq_buf_putc(out, ' ');
	snprintf(word, sizeof(word), "%" PRIu64 "k", t->total_kb);
	centred(word, 8, out);
	iq_buf_putc(out, '\n');
}

#define AREA_HEAD "      VMA           START       END     FLAGS FILE\n"

static void text_area(const struct area *a, struct iq_buf *out)
{
	iq_buf_printf(out, "%16" PRIx64 " %10" PRIx64 " %10" PRIx64 " %6" PRIx64 " %s\n",
		      a->vma.address, a->vma.start, a->vma.end, a->vma.flags, a->file);
}

/* The page at AT as crash's vm -p has it: where it is, or what would be read in if it were touched. */
static void text_page_of(struct session *s, const struct area *a, uint64_t at, const struct iq_walk *w,
			 struct iq_buf *out)
{
	const struct iq_walk_level *last = w->nr ? &w->level[w->nr - 1] : NULL;
	char path[IQ_PATH_ROOM];
	struct iq_entry e = {0};

	if (w->status == IQ_MEM_OK) {
		iq_buf_printf(out, "%" PRIx64 "\n", w->physical);
		return;
	}
	if (w->status != IQ_MEM_UNMAPPED) {
		iq_buf_printf(out, "(%s)\n", iq_mem_text(w->status));
		return;
	}
	if (last)
		iq_entry_of(s->kernel, last->entry, last->level, &e);
	if (e.kind == IQ_ENTRY_SWAP && iq_swap_path(s->kernel, e.type, path)) {
		iq_buf_puts(out, "SWAP: ");
		iq_buf_add_escaped(out, path, strlen(path), false);
		iq_buf_printf(out, "  OFFSET: %" PRIu64 "\n", e.offset);
	} else if (e.kind > IQ_ENTRY_PRESENT) {
		iq_buf_putc(out, '(');
		iq_entry_text(s->kernel, &e, out);
		iq_buf_puts(out, ")\n");
	} else if (a->vma.file) {
		iq_buf_printf(out, "FILE: %s  OFFSET: %" PRIx64 "\n", a->file,
			      (at - a->vma.start) + a->vma.pgoff * iq_dump_info(s->dump)->page_size);
	} else {
		iq_buf_puts(out, "(not mapped)\n");
	}
}

/* Bytes from AT on without a page: up to END, if there is no page table for a gigabyte or more; else a PAGE. */
static uint64_t unmapped_size(const struct iq_walk *w, uint64_t at, uint64_t end, uint64_t page)
{
	const struct iq_walk_level *last = w->nr ? &w->level[w->nr - 1] : NULL;

	if (w->status != IQ_MEM_UNMAPPED || !last || last->entry || last->span < UINT64_C(1) << 30)
		return page;
	return IQ_MIN(last->span - (at & (last->span - 1)), end - at);
}

/*
 * Every page of the area.  Where a gigabyte and more has no page table there are no rows for each: areas can be
 * terabytes that a process has only reserved, or, if they are damaged, all addresses that there are.
 */
static void text_pages(struct session *s, struct iq_vm *vm, const struct area *a, struct iq_buf *out)
{
	const struct iq_vm_ops *ops_of = s->kernel->arch->vm;
	uint64_t page = iq_dump_info(s->dump)->page_size, size;
	uint64_t start = a->has_page ? a->page - a->page % page : a->vma.start;
	uint64_t end = a->has_page ? IQ_MIN(start + page, a->vma.end) : a->vma.end;

	iq_buf_puts(out, "VIRTUAL     PHYSICAL\n");
	for (uint64_t at = start; at < end; at += size) {
		struct iq_walk w;

		if (!stream_out(s, out) || iq_cancelled(&s->cancel))
			return;
		if (!ops_of->canonical(&s->kernel->layout, at) || ops_of->is_kernel(&s->kernel->layout, at)) {
			iq_buf_printf(out, "%-10" PRIx64 "  (not a user address, and so on up to %" PRIx64 ")\n", at,
				      a->vma.end);
			return;
		}
		iq_vm_walk(vm, at, &w);
		size = unmapped_size(&w, at, end, page);
		if (size > page)
			iq_buf_printf(out, "%" PRIx64 "-%" PRIx64 "  ", at, at + size);
		else
			iq_buf_printf(out, "%-10" PRIx64 "  ", at);
		text_page_of(s, a, at, &w, out);
	}
}

static void text_struct(struct session *s, const struct vm_result *x, const char *tag,
			uint64_t address, struct iq_buf *out)
{
	const struct iq_type *t = iq_kernel_type(s->kernel, tag, NULL);

	if (!t)
		return;
	iq_buf_printf(out, "%s ", tag);
	iq_value_print(s->kernel, s->kernel->vm, t, address, 0, 0, &x->format, out);
	iq_buf_putc(out, '\n');
}

/* Was an address given that lies in one of its areas? */
static bool has_page(const struct task_vm *t)
{
	for (unsigned int i = 0; i < t->nr; i++) {
		if (t->area[i].has_page)
			return true;
	}
	return false;
}

static void text_task(struct session *s, const struct vm_result *x, const struct task_vm *t,
		      struct iq_buf *out)
{
	struct iq_vm *vm = NULL;

	text_task_header(&t->task, out);
	if (x->view == VIEW_MM) {
		if (t->task.mm)
			text_struct(s, x, "struct mm_struct", t->task.mm, out);
		else
			iq_buf_puts(out, "no mm_struct: a kernel thread\n");
		return;
	}
	if (!x->only && x->view != VIEW_VMAS)
		text_head(t, out);
	if (x->view == VIEW_PAGES || has_page(t))
		iq_error_free(iq_task_vm(s->kernel, &t->task, &vm));
	for (unsigned int i = 0; i < t->nr && !iq_cancelled(&s->cancel); i++) {
		const struct area *a = &t->area[i];

		if (x->view == VIEW_VMAS) {
			text_struct(s, x, "struct vm_area_struct", a->vma.address, out);
			continue;
		}
		if (!i || x->view == VIEW_PAGES)
			iq_buf_puts(out, AREA_HEAD);
		text_area(a, out);
		if (vm && (x->view == VIEW_PAGES || a->has_page))
			text_pages(s, vm, a, out);
	}
	if (vm)
		iq_vm_close(vm);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct vm_result *x = r->data;

	if (x->flags_only) {
		iq_buf_printf(out, "%" PRIx64 ": ", x->flags);
		iq_vma_flags_text(x->flags, out);
		iq_buf_putc(out, '\n');
		return;
	}
	for (unsigned int i = 0; i < x->nr; i++) {
		if (i)
			iq_buf_putc(out, '\n');
		text_task(s, x, &x->list[i], out);
		if (!stream_out(s, out))
			return;
	}
}

static json_t *json_area(const struct area *a)
{
	json_t *o = json_object();

	json_object_set_new(o, "vma", json_address(a->vma.address));
	json_object_set_new(o, "start", json_address(a->vma.start));
	json_object_set_new(o, "end", json_address(a->vma.end));
	json_object_set_new(o, "flags", json_address(a->vma.flags));
	json_object_set_new(o, "pgoff", json_integer((json_int_t)a->vma.pgoff));
	json_object_set_new(o, "file", *a->file ? json_text(a->file, strlen(a->file)) : json_null());
	json_object_set_new(o, "name", *a->name ? json_string(a->name) : json_null());
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct vm_result *x = r->data;
	json_t *tasks = json_array(), *o = json_object();

	if (x->flags_only) {
		struct iq_buf names = {0};

		iq_vma_flags_text(x->flags, &names);
		json_object_set_new(o, "flags", json_address(x->flags));
		json_object_set_new(o, "names", json_string(iq_buf_str(&names)));
		iq_buf_free(&names);
		json_decref(tasks);
		return o;
	}
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct task_vm *t = &x->list[i];
		json_t *task = json_task(&t->task), *list = json_array();

		for (unsigned int a = 0; a < t->nr; a++)
			json_array_append_new(list, json_area(&t->area[a]));
		json_object_set_new(task, "mm", t->task.mm ? json_address(t->task.mm) : json_null());
		json_object_set_new(task, "pgd", t->pgd ? json_address(t->pgd) : json_null());
		json_object_set_new(task, "areas", list);
		json_array_append_new(tasks, task);
	}
	json_object_set_new(o, "tasks", tasks);
	return o;
}

/* Interrupted: the tasks so far. */
static bool some(const void *data)
{
	const struct vm_result *x = data;

	return x->nr;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Finding them ------------------------------------------------------------------------------ */

/* Used by vtop as well. */
void text_vma(struct session *s, const struct iq_vma *v, struct iq_buf *out)
{
	char path[IQ_PATH_ROOM] = "";
	struct iq_file f;

	iq_buf_puts(out, AREA_HEAD);
	iq_buf_printf(out, "%16" PRIx64 " %10" PRIx64 " %10" PRIx64 " %6" PRIx64 " ", v->address, v->start,
		      v->end, v->flags);
	if (v->file && iq_file_at(s->kernel, v->file, &f) && iq_file_path(s->kernel, &f, path))
		iq_buf_add_escaped(out, path, strlen(path), false);
	iq_buf_putc(out, '\n');
}

static char *file_of(struct session *s, struct vm_result *x, const struct iq_vma *v)
{
	char path[IQ_PATH_ROOM] = "";
	struct iq_file f;
	struct iq_buf b = {0};
	char *copy;

	if (v->file && iq_file_at(s->kernel, v->file, &f))
		iq_file_path(s->kernel, &f, path);
	iq_buf_add_escaped(&b, path, strlen(path), false);
	copy = iq_arena_strdup(&x->text, iq_buf_str(&b));
	iq_buf_free(&b);
	return copy;
}

/* -R: an address in the area, of its structure or its file, its flags, or a part of its file's path. */
static bool refers(struct session *s, const struct vm_result *x, struct area *a)
{
	uint64_t v;

	if (x->only && a->vma.address != x->only)
		return false;
	if (!x->reference)
		return true;
	if (word_address(s, x->reference, &v) && v) {
		a->has_page = v >= a->vma.start && v < a->vma.end;
		a->page = v;
		if (a->has_page || v == a->vma.address || v == a->vma.file || v == a->vma.flags)
			return true;
	}
	return strstr(a->file, x->reference);
}

static struct iq_error *add_task(struct session *s, void *arg, const struct iq_task *t)
{
	struct vm_result *x = arg;
	struct task_vm *tv = &x->list[x->nr];
	struct iq_kernel *k = s->kernel;
	struct iq_vma *vma = NULL;
	struct iq_types *types;
	unsigned int nr = 0;
	uint64_t offset, total;
	struct iq_task with_mm = *t;

	/* One that exits may have given its mm_struct up, which is still whole. */
	if (!t->mm && x->mm) {
		with_mm.mm = x->mm;
		t = &with_mm;
	}
	if (t->mm)
		IQ_TRY(iq_vmas(k, t->mm, &vma, &nr));
	*tv = (struct task_vm){.task = *t};
	tv->area = calloc(nr ? nr : 1, sizeof(*tv->area));
	x->nr++;
	types = iq_kernel_types(k);
	if (t->mm && types) {
		if (iq_offset(types, "mm_struct", "pgd", &offset, NULL) &&
		    iq_vm_read_uint(k->vm, t->mm + offset, 8, &tv->pgd))
			tv->pgd = 0;
		if (iq_offset(types, "mm_struct", "total_vm", &offset, NULL) &&
		    !iq_vm_read_uint(k->vm, t->mm + offset, 8, &total))
			tv->total_kb = total * (iq_dump_info(s->dump)->page_size / 1024);
	}
	for (unsigned int i = 0; i < nr && tv->area; i++) {
		struct area *a = &tv->area[tv->nr];

		*a = (struct area){.vma = vma[i], .file = file_of(s, x, &vma[i])};
		a->name = s->json ? iq_vma_name(k, &vma[i]) : ""; /* the text has no place for it */
		if (!a->file)
			break;
		if (refers(s, x, a))
			tv->nr++;
	}
	free(vma);
	if (!tv->area || (tv->nr && !tv->area[tv->nr - 1].file))
		return iq_error_nomem();
	if ((x->reference || x->only) && !tv->nr) {
		free(tv->area);
		x->nr--;
	}
	return iq_cancelled(&s->cancel) ? iq_error_new(IQ_E_INTERRUPTED, "interrupted") : NULL;
}

static bool room(void *arg, unsigned int most)
{
	struct vm_result *x = arg;

	x->list = calloc(most, sizeof(*x->list));
	return x->list;
}

static struct iq_error *parse(struct session *s, struct options *o, struct vm_result *x)
{
	bool hex = false, decimal = false;
	struct iq_error *err;
	int option;

	while ((option = next_option(o, "pmvxdR:P:M:f:", &err)) != -1) {
		switch (option) {
		case 'p': x->view = VIEW_PAGES; break;
		case 'm': x->view = VIEW_MM; break;
		case 'v': x->view = VIEW_VMAS; break;
		case 'x': hex = true; break;
		case 'd': decimal = true; break;
		case 'R': x->reference = o->value; break;
		case 'M': IQ_TRY(parse_address(s, o->value, &x->mm)); break;
		case 'P':
			x->view = VIEW_PAGES;
			IQ_TRY(parse_address(s, o->value, &x->only));
			break;
		case 'f':
			x->flags_only = true;
			if (!iq_parse_hex(o->value, &x->flags))
				return iq_error_new(IQ_E_USAGE, "%s is not a hexadecimal number", o->value);
			break;
		default: return err;
		}
	}
	x->format = session_format(s, hex, decimal);
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct vm_result *x = data;

	IQ_TRY(parse(s, &o, x));
	if (x->flags_only)
		return NULL;
	IQ_TRY(with_tasks(s, argc - o.index, argv + o.index, room, add_task, x));
	if (x->only && !x->nr)
		return iq_error_new(IQ_E_NOT_FOUND, "the task has no vm_area_struct at 0x%" PRIx64,
				    x->only);
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct vm_result), fill, &ops, r);
}

const struct command cmd_vm = {
	.name = "vm",
	.summary = "the memory map of a task",
	.help = "vm [-p | -m | -v] [-x | -d] [-R REFERENCE] [-M MM] [PID | TASK | NAME | 'REGEX']...\n"
		"vm -P VMA [PID | TASK]\n"
		"vm -f FLAGS\n"
		"\n"
		"The address space of the current task or of those named: its mm_struct, its top\n"
		"page table, resident and total size, and its areas (vm_area_struct) with the file\n"
		"that is mapped.\n"
		"\n"
		"  -p   every page of each area: its physical address; \"FILE: …  OFFSET: …\" where\n"
		"       it would be read from; or that it is not mapped\n"
		"  -P   the same for one area alone, by the address of its vm_area_struct\n"
		"  -m   the members of the mm_struct\n"
		"  -v   the members of each vm_area_struct\n"
		"  -R   only areas that hold this address (its page is shown below), or have this\n"
		"       vm_area_struct, file or vm_flags, or this text in their file's path; tasks\n"
		"       without one are left out\n"
		"  -M   the mm_struct at this address, for tasks that have none any more because they\n"
		"       were exiting: a backtrace may still show it\n"
		"  -f   the names of vm_flags\n"
		"  -x, -d   integers hexadecimal, decimal\n"
		"\n"
		"  inquest> vm\n"
		"  inquest> vm -p 4711\n"
		"  inquest> foreach vm -R libc.so\n",
	.run = run,
	.completes = "p",
	.keep_quotes = true,
};
