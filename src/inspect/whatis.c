// SPDX-License-Identifier: GPL-2.0-or-later
/* Everything known about an address: see whatis.h. */
#include "describer.h"

#include <inquest/args.h>

#include <stdlib.h>

/* Backtraces that are kept: hits of one search cluster on few stacks. */
#define KEPT 128
#define MAX_INLINES 16
#define MAX_VIRTUALS 65536

struct kept {
	uint64_t task;
	bool ok;
	struct iq_backtrace bt;
	struct iq_slot **slots; /* of each frame, made when asked for */
	unsigned int *nr_slots;
};

struct iq_describer {
	struct iq_kernel *k;
	struct kept kept[KEPT];
	unsigned int next;
	bool percpu_ready;
	struct iq_symbol *percpu; /* per-CPU variables by address */
	unsigned int nr_percpu, room_percpu;
	uint64_t percpu_start, percpu_end, image_end;
	bool make_graph;
	const struct iq_cancel *cancel;
	struct memos memos;
	struct iq_args *args; /* what is known of functions; made when first asked for */
	bool args_failed;
};

struct iq_error *iq_describer_open(struct iq_kernel *k, struct iq_describer **ret)
{
	struct iq_describer *d = calloc(1, sizeof(*d));

	if (!d)
		return iq_error_nomem();
	d->k = k;
	d->image_end = iq_kernel_symbol(k, "_end");
	*ret = d;
	return NULL;
}

void iq_describer_make_graph(struct iq_describer *d, const struct iq_cancel *cancel)
{
	d->make_graph = true;
	d->cancel = cancel;
}

static void drop(struct kept *x)
{
	unsigned int i;

	for (i = 0; x->slots && i < x->bt.nr; i++)
		free(x->slots[i]);
	free(x->slots);
	free(x->nr_slots);
	if (x->ok)
		iq_backtrace_free(&x->bt);
	memset(x, 0, sizeof(*x));
}

void iq_describer_close(struct iq_describer *d)
{
	unsigned int i;

	if (!d)
		return;
	for (i = 0; i < KEPT; i++)
		drop(&d->kept[i]);
	free(d->percpu);
	memos_free(&d->memos);
	iq_args_close(d->args);
	free(d);
}

/* ---- Stacks ------------------------------------------------------------------------------------- */

static struct kept *backtrace_of(struct iq_describer *d, const struct iq_task *t)
{
	struct iq_error *err;
	struct kept *x;
	unsigned int i;

	for (i = 0; i < KEPT; i++)
		if (d->kept[i].task == t->address)
			return d->kept[i].ok ? &d->kept[i] : NULL;
	x = &d->kept[d->next++ % KEPT];
	drop(x);
	x->task = t->address;
	err = iq_backtrace(d->k, t, &x->bt);
	x->ok = !err;
	iq_error_free(err);
	if (!x->ok)
		return NULL;
	x->slots = calloc(x->bt.nr + 1, sizeof(*x->slots));
	x->nr_slots = calloc(x->bt.nr + 1, sizeof(*x->nr_slots));
	if (!x->slots || !x->nr_slots) {
		free(x->slots);
		x->slots = NULL;
		return NULL;
	}
	return x;
}

/* With the names of variables, where they can be had. */
static struct iq_error *slots_of(struct iq_describer *d, struct kept *x, unsigned int n)
{
	struct iq_error *err;

	if (!d->args && !d->args_failed) {
		err = iq_args_open(d->k, &d->args);
		d->args_failed = err;
		iq_error_free(err);
	}
	if (d->args) {
		err = iq_args_trace(d->args, &x->bt);
		if (!err)
			err = iq_args_slots(d->args, n, &x->slots[n], &x->nr_slots[n]);
		if (!err)
			return NULL;
		iq_error_free(err);
	}
	return iq_frame_slots(d->k, &x->bt, n, &x->slots[n], &x->nr_slots[n]);
}

static bool slot_in(struct iq_describer *d, struct kept *x, unsigned int n, uint64_t va,
		    const struct iq_slot **ret)
{
	unsigned int i;

	if (!x->slots[n]) {
		struct iq_error *err = slots_of(d, x, n);

		if (err) {
			iq_error_free(err);
			x->slots[n] = NULL;
			return false;
		}
	}
	for (i = 0; i < x->nr_slots[n]; i++) {
		if (va - x->slots[n][i].address < 8) {
			*ret = &x->slots[n][i];
			return true;
		}
	}
	return false;
}

/* Functions inlined where frame F is: bt shows them as frames of their own. */
static unsigned int inlined_at(struct iq_kernel *k, const struct iq_frame *f)
{
	struct iq_inline chain[MAX_INLINES];
	unsigned int i = 0,
		     nr = iq_kernel_inlines(k, f->exact_ip ? f->ip : f->ip - 1, chain, MAX_INLINES);

	while (i < nr && chain[i].inlined)
		i++;
	return i;
}

/* crash and bt's text give no number to a function that was interrupted on the stack of what interrupted it. */
static bool has_number(const struct iq_backtrace *b, unsigned int n)
{
	const struct iq_frame *f = &b->frames[n];

	return !n || !f->has_trap ||
	       (f[-1].stack.kind != IQ_STACK_NONE && f[-1].stack.kind != IQ_STACK_TASK &&
		(f[-1].stack.kind != f->stack.kind || f[-1].stack.start != f->stack.start));
}

static void set_frame(struct iq_describer *d, const struct iq_backtrace *b, unsigned int n,
		      struct iq_whatis *w)
{
	const struct iq_frame *f = &b->frames[n];
	unsigned int i;

	w->frame = 0;
	w->frame_number = 0;
	for (i = 0; i < n; i++) {
		w->frame += 1 + (int)inlined_at(d->k, &b->frames[i]);
		w->frame_number += has_number(b, i);
	}
	w->frame += (int)inlined_at(d->k, f);
	if (!has_number(b, n))
		w->frame_number = -1;
	if (!f->symbol.name)
		return;
	snprintf(w->function, sizeof(w->function), "%s", f->symbol.name);
	w->function_offset = f->offset;
	if (f->symbol.module)
		snprintf(w->function_module, sizeof(w->function_module), "%s", f->symbol.module);
}

static void in_frame(struct iq_describer *d, uint64_t va, struct iq_whatis *w)
{
	struct kept *x = backtrace_of(d, &w->task);
	uint64_t lowest = UINT64_MAX;
	const struct iq_slot *slot;
	unsigned int n;

	if (!x || !x->slots)
		return;
	for (n = 0; n < x->bt.nr; n++) {
		const struct iq_frame *f = &x->bt.frames[n];

		if (f->sp < w->stack.start || f->sp > w->stack.end)
			continue;
		lowest = IQ_MIN(lowest, f->sp);
		if (va < f->sp - 8 || !slot_in(d, x, n, va, &slot))
			continue;
		set_frame(d, &x->bt, n, w);
		iq_slot_label(d->k, slot, w->slot, sizeof(w->slot));
		return;
	}
	w->below = va < lowest && lowest != UINT64_MAX;
}

static void find_stack(struct iq_describer *d, uint64_t va, struct memo *m)
{
	const struct iq_cpu *cpus;
	unsigned int nr;

	m->task = iq_task_by_stack(d->k, va);
	if (m->task) {
		m->stack = (struct iq_stack){IQ_STACK_TASK, m->task->stack, m->task->stack + m->task->stack_size, -1,
					     m->task->address};
	} else if (iq_cpu_stack_at(d->k, va, &m->stack)) {
		cpus = iq_kernel_cpus(d->k, &nr);
		if ((unsigned int)m->stack.cpu < nr)
			m->task = iq_task_by_address(d->k, cpus[m->stack.cpu].current);
	} else {
		return;
	}
	m->has_stack = true;
}

/* The word of a stack that VA is in. */
static void describe_word(struct iq_describer *d, uint64_t va, struct iq_whatis *w)
{
	struct stack_word *x;
	bool new;

	x = memo_word(&d->memos, va, &new);
	if (x && !new) {
		w->frame = x->frame;
		w->frame_number = x->frame_number;
		w->below = x->below;
		w->function_offset = x->function_offset;
		memcpy(w->function, x->function, sizeof(w->function));
		memcpy(w->function_module, x->function_module, sizeof(w->function_module));
		memcpy(w->slot, x->slot, sizeof(w->slot));
		return;
	}
	in_frame(d, va, w);
	if (!x)
		return;
	x->frame = w->frame;
	x->frame_number = w->frame_number;
	x->below = w->below;
	x->function_offset = w->function_offset;
	memcpy(x->function, w->function, sizeof(w->function));
	memcpy(x->function_module, w->function_module, sizeof(w->function_module));
	memcpy(x->slot, w->slot, sizeof(w->slot));
}

/* ---- Per-CPU variables -------------------------------------------------------------------------- */

/*
 * The static per-CPU variables lie between __per_cpu_start and __per_cpu_end in the symbol table, as
 * offsets (before 6.15) or addresses of the section.
 */
static void percpu_symbols(struct iq_describer *d)
{
	struct iq_symtab *t = d->k->symbols;
	struct iq_symbol s;
	unsigned int i, nr;

	d->percpu_ready = true;
	d->percpu_start = iq_kernel_symbol(d->k, "__per_cpu_start");
	d->percpu_end = iq_kernel_symbol(d->k, "__per_cpu_end");
	nr = t && d->percpu_end > d->percpu_start ? iq_symtab_count(t) : 0;
	for (i = 0; i < nr; i++) {
		if (!iq_symtab_at(t, i, &s) || s.address < d->percpu_start)
			continue;
		if (s.address >= d->percpu_end)
			break;
		if (!iq_grow(&d->percpu, &d->room_percpu, d->nr_percpu + 1, sizeof(*d->percpu)))
			return;
		d->percpu[d->nr_percpu++] = s;
	}
}

static void find_percpu(struct iq_describer *d, uint64_t va, struct iq_whatis *w)
{
	const struct iq_cpu *cpus;
	unsigned int i, nr, lo, hi;
	uint64_t at;

	if (!d->percpu_ready)
		percpu_symbols(d);
	cpus = iq_kernel_cpus(d->k, &nr);
	for (i = 0; i < nr && d->nr_percpu; i++) {
		at = va - cpus[i].percpu_offset;
		if (!cpus[i].percpu_offset || at < d->percpu_start || at >= d->percpu_end)
			continue;
		for (lo = 0, hi = d->nr_percpu; lo < hi;) { /* the first symbol above */
			unsigned int mid = lo + (hi - lo) / 2;

			if (d->percpu[mid].address <= at)
				lo = mid + 1;
			else
				hi = mid;
		}
		if (!lo)
			continue;
		w->has_percpu = true;
		w->percpu = d->percpu[lo - 1];
		w->percpu_cpu = i;
		w->percpu_offset = at - w->percpu.address;
		return;
	}
}

/* ---- Pages -------------------------------------------------------------------------------------- */

static bool flag_set(struct iq_kernel *k, const struct iq_page *p, const char *name)
{
	struct iq_buf b = {0};
	const char *at;
	size_t n = strlen(name);
	bool found = false;

	iq_page_flags_text(k, p->flags, &b);
	for (at = iq_buf_str(&b); (at = strstr(at, name)); at += n)
		if ((at == iq_buf_str(&b) || at[-1] == ',') && (!at[n] || at[n] == ','))
			found = true;
	iq_buf_free(&b);
	return found;
}

/* PageTable: bit 26 of the page type cleared (4.18 - 6.11), or type 0xf2 in the top byte. */
static bool is_page_table(const struct iq_page *p)
{
	uint32_t word = (uint32_t)p->mapcount_raw;

	return word == ~UINT32_C(0x400) || word == ~UINT32_C(0x200) || word >> 24 == 0xf2;
}

/* What PAGE is used for; *ORDER of the free block that it is in. */
static enum iq_page_use use_of(struct iq_describer *d, const struct iq_page *page, bool slab,
			       unsigned int *order)
{
	uint64_t head, mapping = page->mapping;
	struct iq_page first;
	struct iq_error *err;

	/* Of a compound page only the head tells whose it is. */
	if (page->is_tail && iq_page_pfn(d->k, page->head, &head)) {
		err = iq_page_of(d->k, head, &first);
		mapping = err || first.is_tail ? 0 : first.mapping;
		iq_error_free(err);
	}
	if (iq_page_buddy(d->k, page->pfn, order, &head))
		return IQ_PAGE_FREE;
	if (slab)
		return IQ_PAGE_SLAB;
	if (flag_set(d->k, page, "reserved"))
		return IQ_PAGE_RESERVED;
	if (is_page_table(page))
		return IQ_PAGE_TABLE;
	if (mapping & 1 && mapping >> 63)
		return IQ_PAGE_ANON;
	if (mapping >> 63 && !(mapping & 3))
		return IQ_PAGE_FILE;
	return page->refcount > 0 || page->is_tail ? IQ_PAGE_KERNEL : IQ_PAGE_UNUSED;
}

static void find_page(struct iq_describer *d, struct memo *m)
{
	uint64_t pfn = m->physical / iq_dump_info(d->k->dump)->page_size;
	struct iq_error *err = iq_page_of(d->k, pfn, &m->page);

	if (!err) {
		m->has_page = true;
		m->use = use_of(d, &m->page, m->has_slab, &m->order);
	}
	iq_error_free(err);
}

/* Device memory and what firmware keeps: the kernel's image has better names. */
static void find_resource(struct iq_describer *d, struct iq_whatis *w)
{
	if (w->has_physical && !w->has_symbol && !w->has_slab && !w->has_percpu &&
	    (!w->has_page || w->use == IQ_PAGE_RESERVED))
		w->resource =
			iq_resource_at(d->k, IQ_RESOURCES_MEMORY, w->physical, NULL, 0, NULL);
}

/* ---- All together ------------------------------------------------------------------------------- */

static void find_type(struct iq_describer *d, struct iq_whatis *w)
{
	struct iq_typing t = {0};
	bool found = iq_type_of_object(d->k, &w->object, &t);

	/* What is only possible may be likely if more is known. */
	if (d->make_graph && t.confidence < IQ_CONFIDENCE_LIKELY && !iq_typegraph_made(d->k) &&
	    w->object.state == IQ_OBJECT_ALLOCATED) {
		iq_error_free(iq_typegraph_make(d->k, d->cancel));
		found = iq_type_of_object(d->k, &w->object, &t);
	}
	if (!found)
		return;
	w->type = t.type;
	w->type_confidence = t.confidence;
	w->type_from = t.from;
}

static void find_slab(struct iq_describer *d, uint64_t direct, struct memo *m)
{
	struct iq_object o;

	memset(&o, 0, sizeof(o));
	m->has_slab = iq_object_at(d->k, direct, &o) || o.slab.cache;
	m->slab = o.slab;
	m->kfence = o.slab.kfence;
}

static void find_object(struct iq_describer *d, uint64_t va, const struct memo *m, struct iq_whatis *w)
{
	w->has_object = memo_object(d->k, &d->memos, m, va, &w->object);
	w->has_slab = w->has_object || w->object.slab.cache;
	if (!w->has_object)
		return;
	find_type(d, w);
	if (w->type && w->object.offset < w->type->size)
		snprintf(w->member, sizeof(w->member), "%s", memo_member(&d->memos, w->type, w->object.offset));
}

static void find_module(struct iq_describer *d, uint64_t va, struct iq_whatis *w)
{
	unsigned int i;

	w->module = iq_module_at(d->k, va);
	for (i = 0; w->module && i < w->module->nr_ranges; i++)
		if (va >= w->module->range[i].start && va < w->module->range[i].end)
			w->module_part = w->module->range[i].what;
}

/* Do the page tables map VA to PA? */
static bool maps(struct iq_describer *d, uint64_t va, uint64_t pa)
{
	uint64_t back;

	return !iq_vm_translate(d->k->vm, va, &back, NULL) && back == pa;
}

/*
 * The kernel's image, but not what was freed of it after boot (init sections, the gaps between sections),
 * although it may still be mapped there: the image's own pages are reserved.
 */
static bool in_image(struct iq_describer *d, uint64_t pa, uint64_t va)
{
	struct iq_page page;
	struct iq_error *err;
	bool reserved;

	if (va < d->k->stext || va >= d->k->layout.text_end || va >= d->image_end ||
	    !maps(d, va, pa))
		return false;
	err = iq_page_of(d->k, pa / iq_dump_info(d->k->dump)->page_size, &page);
	reserved = err || flag_set(d->k, &page, "reserved");
	iq_error_free(err);
	return reserved;
}

/* A kernel virtual address for a physical one: in the image, in the vmalloc area, or the direct map. */
static uint64_t virtual_of(struct iq_describer *d, uint64_t pa)
{
	const struct iq_layout *l = &d->k->layout;
	uint64_t page = iq_dump_info(d->k->dump)->page_size, va;

	va = pa - (uint64_t)l->phys_base + l->text_base;
	if (in_image(d, pa, va))
		return va;
	if (iq_vmap_of_pfn(d->k, pa / page, &va))
		return va + pa % page;
	va = pa + l->page_offset;
	return l->page_offset && maps(d, va, pa) ? va : 0;
}

/* virtual_of(), remembered where a page is all of one kind. */
static uint64_t virtual_address(struct iq_describer *d, uint64_t pa)
{
	uint64_t page = iq_dump_info(d->k->dump)->page_size, in = pa % page, va;
	uintptr_t known = (uintptr_t)iq_map_get(&d->memos.virtuals, pa / page + 1);

	if (known)
		return (known - 1) * page + in;
	va = virtual_of(d, pa);
	if (va && virtual_of(d, pa - in) == va - in && virtual_of(d, pa - in + page - 1) == va - in + page - 1 &&
	    d->memos.virtuals.nr < MAX_VIRTUALS)
		(void)!iq_map_put(&d->memos.virtuals, pa / page + 1, (void *)(uintptr_t)(va / page + 1));
	return va;
}

/* The same for all addresses of a page: the one of VA (0: none) and physical page PA, if M has one. */
static void fill_memo(struct iq_describer *d, uint64_t va, struct memo *m)
{
	uint64_t page = iq_dump_info(d->k->dump)->page_size;
	struct iq_whatis first = {0}, last = {0};
	uint8_t byte;

	if (m->has_physical)
		m->content = iq_read_phys(iq_vm_reader(d->k->vm), m->physical, &byte, 1, NULL);
	if (va) {
		find_module(d, va, &first);
		find_module(d, va + page - 1, &last);
		m->one_module = first.module == last.module && first.module_part == last.module_part;
		m->module = first.module;
		m->module_part = first.module_part;
		find_stack(d, va, m);
		m->vmap = iq_vmap_at(d->k, va);
	}
	if (m->has_physical && m->physical / page < iq_dump_info(d->k->dump)->max_pfn) {
		find_slab(d, m->physical + d->k->layout.page_offset, m);
		find_page(d, m);
	}
}

static struct memo *virtual_memo(struct iq_describer *d, uint64_t va)
{
	uint64_t page = iq_dump_info(d->k->dump)->page_size;
	struct iq_fault fault = {0};
	struct memo *m;
	uint8_t byte;
	bool new;

	m = memo_of(&d->memos, va, &new);
	if (!m || !new)
		return m;
	va -= va % page;
	m->content = iq_vm_read(d->k->vm, va, &byte, 1, &fault);
	m->level = fault.level;
	m->has_physical = !iq_vm_translate(d->k->vm, va, &m->physical, NULL);
	fill_memo(d, va, m);
	return m;
}

/* An address in the memory map is the struct page of another page. */
static void find_page_struct(struct iq_describer *d, struct iq_whatis *w)
{
	uint64_t page = iq_dump_info(d->k->dump)->page_size;
	const struct memo *m;

	if (!iq_page_pfn(d->k, w->virtual, &w->struct_page_pfn) ||
	    !(m = virtual_memo(d, d->k->layout.page_offset + w->struct_page_pfn * page)) || !m->has_page)
		return;
	w->is_struct_page = true;
	w->struct_page_use = m->use;
}

static void describe(struct iq_describer *d, struct memo *m, struct iq_whatis *w)
{
	uint64_t page = iq_dump_info(d->k->dump)->page_size;

	w->content = m->content;
	w->level = m->level;
	if (w->virtual) {
		w->has_symbol = memo_symbol(d->k, m, w->virtual, &w->symbol);
		w->module = m->module;
		w->module_part = m->module_part;
		if (!m->one_module)
			find_module(d, w->virtual, w);
		w->has_stack = m->has_stack;
		w->stack = m->stack;
		w->vmap = m->vmap;
		if (m->task) {
			w->task = *m->task;
			describe_word(d, w->virtual, w);
		}
	}
	if (w->has_physical && w->physical / page < iq_dump_info(d->k->dump)->max_pfn) {
		uint64_t direct = w->physical + d->k->layout.page_offset;

		find_object(d, direct, m, w);
		if (!w->has_slab)
			find_percpu(d, direct, w);
		w->has_page = m->has_page;
		w->page = m->page;
		w->use = m->use;
		w->order = m->order;
	}
}

void iq_whatis(struct iq_describer *d, uint64_t address, bool physical, struct iq_whatis *ret)
{
	uint64_t page = iq_dump_info(d->k->dump)->page_size;
	struct memo *m, alone = {0};

	memset(ret, 0, sizeof(*ret));
	ret->address = address;
	ret->is_virtual = !physical;
	ret->frame = ret->frame_number = -1;
	ret->virtual = physical ? virtual_address(d, address) : address;
	m = ret->virtual || !physical ? virtual_memo(d, ret->virtual) : NULL;
	if (!m) { /* a physical address that is mapped nowhere */
		m = &alone;
		m->has_physical = physical;
		m->physical = address - address % page;
		fill_memo(d, 0, m);
	}
	ret->has_physical = physical || m->has_physical;
	if (ret->has_physical)
		ret->physical = physical ? address : m->physical + address % page;
	describe(d, m, ret);
	if (ret->virtual)
		find_page_struct(d, ret);
	find_resource(d, ret);
	free(alone.symbols);
}
