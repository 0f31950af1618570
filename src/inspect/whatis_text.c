// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known about an address, as text: see whatis.h. */
#include <inquest/inspect.h>
#include <inquest/whatis.h>

const char *iq_page_use_text(enum iq_page_use u)
{
	static const char *const text[] = {"unknown",	"free",	    "slab",   "anon",  "file",
					   "pagetable", "reserved", "kernel", "unused"};

	return u < IQ_ARRAY_SIZE(text) ? text[u] : "unknown";
}

const char *iq_confidence_text(enum iq_confidence c)
{
	static const char *const text[] = {"unknown", "possible", "likely", "certain"};

	return c < IQ_ARRAY_SIZE(text) ? text[c] : "unknown";
}

/* Names come from the dump. */
static void put_name(const char *name, struct iq_buf *out)
{
	iq_buf_add_escaped(out, name, strlen(name), false);
}

static void put_place(const struct iq_symbol *s, uint64_t offset, struct iq_buf *out)
{
	put_name(s->name, out);
	if (offset)
		iq_buf_printf(out, "+%lu", (unsigned long)offset);
	if (s->module) {
		iq_buf_puts(out, " [");
		put_name(s->module, out);
		iq_buf_putc(out, ']');
	}
}

void iq_whatis_type(const struct iq_whatis *w, struct iq_buf *out)
{
	struct iq_buf type = {0};

	if (w->type)
		iq_type_declare(w->type, "", &type);
	put_name(iq_buf_str(&type), out);
	iq_buf_free(&type);
}

void iq_variable_member(struct iq_kernel *k, const struct iq_symbol *symbol, uint64_t offset,
			char *buf, size_t room)
{
	const struct iq_type *t = symbol->module ? NULL : iq_global_type(k, symbol), *stripped;
	struct iq_buf type = {0};
	char member[128];

	*buf = '\0';
	stripped = t ? iq_type_strip(t) : NULL;
	if (!t || offset >= t->size ||
	    (stripped->kind != IQ_KIND_STRUCT && stripped->kind != IQ_KIND_UNION &&
	     stripped->kind != IQ_KIND_ARRAY))
		return;
	iq_member_path(t, offset, member, sizeof(member));
	iq_type_declare(t, "", &type);
	snprintf(buf, room, "%s%s%s", iq_buf_str(&type),
		 member[0] && member[0] != '[' && member[0] != '+' ? "." : "", member);
	iq_buf_free(&type);
}

static void put_member(struct iq_kernel *k, const struct iq_symbol *s, uint64_t offset,
		       struct iq_buf *out)
{
	char member[256];

	iq_variable_member(k, s, offset, member, sizeof(member));
	if (!member[0])
		return;
	iq_buf_puts(out, " (");
	put_name(member, out);
	iq_buf_putc(out, ')');
}

/* ---- One kind ----------------------------------------------------------------------------------- */

static const char *state_text(const struct iq_object *o)
{
	switch (o->state) {
	case IQ_OBJECT_ALLOCATED:
		return "allocated";
	case IQ_OBJECT_FREE:
		return "free";
	case IQ_OBJECT_CPU_FREE:
		return "free, on a CPU's list";
	case IQ_OBJECT_SHEAF:
		return "free, in a sheaf of its node";
	case IQ_OBJECT_RCU_PENDING:
		return "freed by kfree_rcu, waiting for RCU";
	case IQ_OBJECT_UNKNOWN:
		break;
	}
	return "state unknown";
}

static void stack_line(const struct iq_whatis *w, struct iq_buf *out)
{
	if (w->stack.kind == IQ_STACK_TASK)
		iq_buf_puts(out, "stack of ");
	else
		iq_buf_printf(out, "%s stack of CPU %d, running ",
			      iq_stack_kind_text(w->stack.kind), w->stack.cpu);
	if (w->task.address) {
		iq_buf_add_escaped(out, w->task.comm, strnlen(w->task.comm, 16), false);
		iq_buf_printf(out, " (pid %u)", w->task.pid);
	} else {
		iq_buf_puts(out, "an unknown task");
	}
	if (w->frame >= 0) {
		if (w->frame_number >= 0)
			iq_buf_printf(out, ", frame #%d ", w->frame_number);
		else
			iq_buf_puts(out, ", interrupted frame ");
		put_name(w->function[0] ? w->function : "(unknown)", out);
		if (w->function[0])
			iq_buf_printf(out, "+%lu", (unsigned long)w->function_offset);
		if (w->function_module[0]) {
			iq_buf_puts(out, " [");
			put_name(w->function_module, out);
			iq_buf_putc(out, ']');
		}
		if (w->slot[0]) {
			iq_buf_puts(out, ", ");
			put_name(w->slot, out);
		}
	} else if (w->below) {
		iq_buf_puts(out,
			    ", below its stack pointer: left behind by calls that have returned");
	}
}

static void object_line(const struct iq_whatis *w, struct iq_buf *out)
{
	const struct iq_object *o = &w->object;

	if (!w->has_object) {
		iq_buf_printf(out, "slab page of %s, behind its objects", o->slab.cache->name);
		return;
	}
	iq_buf_printf(out, "slab object 0x%lx + %lu of %s (%s%s)", (unsigned long)o->object,
		      (unsigned long)o->offset, o->slab.cache->name, state_text(o),
		      o->slab.kfence ? ", in KFENCE's pool" : "");
	if (!w->type)
		return;
	iq_buf_printf(out, " (%s ", iq_confidence_text(w->type_confidence));
	iq_whatis_type(w, out);
	if (w->member[0] && w->member[0] != '[')
		iq_buf_putc(out, '.');
	put_name(w->member, out);
	iq_buf_putc(out, ')');
	if (w->type_from) {
		iq_buf_puts(out, " from ");
		put_name(w->type_from, out);
	}
}

static void symbol_line(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out)
{
	const char *file;
	unsigned int line;

	put_place(&w->symbol, w->virtual - w->symbol.address, out);
	if (iq_is_text(k, w->virtual) && iq_kernel_line(k, w->virtual, &file, &line)) {
		iq_buf_putc(out, ' ');
		put_name(file, out);
		iq_buf_printf(out, ": %u", line);
	} else {
		put_member(k, &w->symbol, w->virtual - w->symbol.address, out);
	}
}

static void module_line(const struct iq_whatis *w, struct iq_buf *out)
{
	iq_buf_printf(out, "module %s (%s)", w->module->name,
		      w->module_part ? w->module_part : "?");
}

static void percpu_line(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out)
{
	iq_buf_puts(out, "per-CPU variable ");
	put_place(&w->percpu, w->percpu_offset, out);
	iq_buf_printf(out, " of CPU %u", w->percpu_cpu);
	put_member(k, &w->percpu, w->percpu_offset, out);
}

static void vmap_line(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out)
{
	struct iq_symbol caller;

	iq_buf_printf(out, "vmalloc area 0x%lx-0x%lx", (unsigned long)w->vmap->start,
		      (unsigned long)w->vmap->end);
	if (w->vmap->caller && iq_symbol_at(k, w->vmap->caller, &caller)) {
		iq_buf_puts(out, " allocated by ");
		put_place(&caller, w->vmap->caller - caller.address, out);
	}
}

static void put_user(const char *how, const struct iq_page_user *u, struct iq_buf *out)
{
	iq_buf_puts(out, how);
	if (u->pid) {
		iq_buf_add_escaped(out, u->comm, strnlen(u->comm, 16), false);
		iq_buf_printf(out, " (pid %u)", u->pid);
	} else {
		iq_buf_printf(out, "mm 0x%lx", (unsigned long)u->mm);
	}
	iq_buf_printf(out, " at 0x%lx", (unsigned long)u->address);
}

/*
 * Upper tables are marked as such by no kernel, so a page of which nothing else is known is looked for
 * among them as well.
 */
bool iq_whatis_table(struct iq_kernel *k, const struct iq_whatis *w, struct iq_table_owner *ret)
{
	bool unknown = w->use == IQ_PAGE_KERNEL && !w->vmap && !w->has_stack && !w->has_symbol &&
		       !w->module && !w->has_percpu;

	return (w->use == IQ_PAGE_TABLE || unknown) && iq_table_owner(k, w->page.pfn, ret);
}

/* Whose page it is: the file, the processes that have it mapped. */
static void owner_line(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out)
{
	struct iq_page_owner o;
	unsigned int mapped = 0;

	if (!iq_page_owner(k, &w->page, &o))
		return;
	if (o.kind == IQ_OWNER_FILE) {
		if (o.path && *o.path)
			iq_buf_printf(out, " of %s", o.path);
		else
			iq_buf_printf(out, " of inode 0x%lx", (unsigned long)o.inode);
		iq_buf_printf(out, ", offset 0x%lx",
			      (unsigned long)(o.index * iq_dump_info(k->dump)->page_size));
	}
	for (unsigned int i = 0; i < IQ_MIN(o.nr_users, IQ_MAX_USERS); i++)
		mapped += o.user[i].mapped;
	if (mapped)
		put_user(", mapped by ", &o.user[0], out);
	else if (o.nr_users && o.kind == IQ_OWNER_ANON)
		put_user(", once mapped by ", &o.user[0], out);
	if (mapped > 1)
		iq_buf_printf(out, " and %s%u more",
			      o.nr_users > IQ_MAX_USERS ? "at least " : "", mapped - 1);
	iq_page_owner_free(&o);
}

static void table_line(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out)
{
	struct iq_table_owner t;

	if (!iq_whatis_table(k, w, &t))
		return;
	iq_buf_printf(out, "%s of level %u of ", w->use == IQ_PAGE_TABLE ? "" : ", a page table", t.level);
	if (!t.mm) {
		iq_buf_puts(out, "the kernel");
	} else if (t.pid) {
		iq_buf_add_escaped(out, t.comm, strnlen(t.comm, 16), false);
		iq_buf_printf(out, " (pid %u)", t.pid);
	} else {
		iq_buf_printf(out, "mm 0x%lx", (unsigned long)t.mm);
	}
	iq_buf_printf(out, ", for addresses from 0x%lx", (unsigned long)t.address);
}

static void page_line(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out)
{
	iq_buf_printf(out, "%s page, page frame 0x%lx", iq_page_use_text(w->use),
		      (unsigned long)w->page.pfn);
	if (w->use == IQ_PAGE_FREE)
		iq_buf_printf(out, " (free block of order %u)", w->order);
	else if (w->use == IQ_PAGE_ANON || w->use == IQ_PAGE_FILE)
		owner_line(k, w, out);
	else
		table_line(k, w, out);
}

static void resource_line(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out)
{
	iq_buf_printf(out, "physical addresses 0x%lx-0x%lx: ", (unsigned long)w->resource->start,
		      (unsigned long)w->resource->end);
	iq_resource_text(k, IQ_RESOURCES_MEMORY, w->physical, out);
}

static void struct_page_line(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out)
{
	uint64_t size = iq_dump_info(k->dump)->page_size;

	iq_buf_printf(out, "struct page of page frame 0x%lx (physical 0x%lx), %s",
		      (unsigned long)w->struct_page_pfn, (unsigned long)(w->struct_page_pfn * size),
		      iq_page_use_text(w->struct_page_use));
}

/* ---- The innermost, and all of them ------------------------------------------------------------- */

void iq_whatis_line(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out)
{
	if (w->has_stack)
		stack_line(w, out);
	else if (w->has_slab)
		object_line(w, out);
	else if (w->has_symbol)
		symbol_line(k, w, out);
	else if (w->module)
		module_line(w, out);
	else if (w->has_percpu)
		percpu_line(k, w, out);
	else if (w->is_struct_page)
		struct_page_line(k, w, out);
	else if (w->vmap)
		vmap_line(k, w, out);
	else if (w->resource)
		resource_line(k, w, out);
	else if (w->has_page)
		page_line(k, w, out);
	else {
		iq_buf_puts(out, w->content ? iq_mem_text(w->content) : "nothing known");
		return;
	}
	if (w->content && !w->has_physical)
		iq_buf_printf(out, " (%s)", iq_mem_text(w->content));
}

void iq_whatis_lines(struct iq_kernel *k, const struct iq_whatis *w, struct iq_buf *out)
{
	size_t start = out->len, flags;

	if (w->resource) {
		resource_line(k, w, out);
		iq_buf_putc(out, '\n');
	}
	if (w->has_page) {
		page_line(k, w, out);
		iq_buf_printf(out, ", count %d, flags: ", w->page.refcount);
		flags = out->len;
		iq_page_flags_text(k, w->page.flags, out);
		iq_buf_puts(out, out->len == flags ? "none\n" : "\n");
	}
	if (w->is_struct_page) {
		struct_page_line(k, w, out);
		iq_buf_putc(out, '\n');
	}
	if (w->vmap) {
		vmap_line(k, w, out);
		iq_buf_putc(out, '\n');
	}
	if (w->module) {
		module_line(w, out);
		iq_buf_putc(out, '\n');
	}
	if (w->has_percpu) {
		percpu_line(k, w, out);
		iq_buf_putc(out, '\n');
	}
	if (w->has_symbol) {
		symbol_line(k, w, out);
		iq_buf_putc(out, '\n');
	}
	if (w->has_slab) {
		object_line(w, out);
		iq_buf_putc(out, '\n');
	}
	if (w->has_stack) {
		stack_line(w, out);
		iq_buf_putc(out, '\n');
	}
	if (w->content || out->len == start)
		iq_buf_printf(out, "%s\n", w->content ? iq_mem_text(w->content) : "nothing known");
}
