// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known about an address, as text: see whatis.h. */
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
	iq_buf_printf(out, "slab object 0x%lx + %lu of %s (%s)", (unsigned long)o->object,
		      (unsigned long)o->offset, o->slab.cache->name, state_text(o));
	if (!w->type)
		return;
	iq_buf_printf(out, " (%s struct ", iq_confidence_text(w->type_confidence));
	put_name(w->type->name, out);
	if (w->member[0])
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
	}
}

static void module_line(const struct iq_whatis *w, struct iq_buf *out)
{
	iq_buf_printf(out, "module %s (%s)", w->module->name,
		      w->module_part ? w->module_part : "?");
}

static void percpu_line(const struct iq_whatis *w, struct iq_buf *out)
{
	iq_buf_puts(out, "per-CPU variable ");
	put_place(&w->percpu, w->percpu_offset, out);
	iq_buf_printf(out, " of CPU %u", w->percpu_cpu);
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

static void page_line(const struct iq_whatis *w, struct iq_buf *out)
{
	iq_buf_printf(out, "%s page, page frame 0x%lx", iq_page_use_text(w->use),
		      (unsigned long)w->page.pfn);
	if (w->use == IQ_PAGE_FREE)
		iq_buf_printf(out, " (free block of order %u)", w->order);
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
		percpu_line(w, out);
	else if (w->vmap)
		vmap_line(k, w, out);
	else if (w->has_page)
		page_line(w, out);
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

	if (w->has_page) {
		page_line(w, out);
		iq_buf_printf(out, ", count %d, flags: ", w->page.refcount);
		flags = out->len;
		iq_page_flags_text(k, w->page.flags, out);
		iq_buf_puts(out, out->len == flags ? "none\n" : "\n");
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
		percpu_line(w, out);
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
