// SPDX-License-Identifier: GPL-2.0-or-later
/* kmem -o, -h, -g, -v, -p: per-CPU offsets, huge pages, page flags, vmalloc areas, struct pages. */
#include "kmem.h"
#include "show.h"
#include <inquest/vmalloc.h>
#include <inquest/zone.h>
#include <inttypes.h>
#include <stdlib.h>

/* ---- -o: nothing to compute beforehand ---------------------------------------------------------- */

static void nothing_to_free(void *data)
{
}

static void percpu_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	unsigned int nr;
	const struct iq_cpu *cpus = iq_kernel_cpus(s->kernel, &nr);

	iq_buf_puts(out, "PER-CPU OFFSET VALUES:\n");
	for (unsigned int i = 0; i < nr; i++)
		iq_buf_printf(out, "  CPU %u: %" PRIx64 "\n", cpus[i].cpu, cpus[i].percpu_offset);
}

static json_t *percpu_json(struct session *s, const struct result *r)
{
	unsigned int nr;
	const struct iq_cpu *cpus = iq_kernel_cpus(s->kernel, &nr);
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < nr; i++) {
		json_t *c = json_object();

		json_object_set_new(c, "cpu", json_integer(cpus[i].cpu));
		json_object_set_new(c, "offset", json_address(cpus[i].percpu_offset));
		json_array_append_new(list, c);
	}
	json_object_set_new(o, "cpus", list);
	return o;
}

static const struct result_ops percpu_ops = {percpu_text, percpu_json, nothing_to_free};

struct iq_error *kmem_percpu(struct session *s, struct result *r)
{
	unsigned int nr;

	if (!iq_kernel_cpus(s->kernel, &nr))
		return iq_error_new(IQ_E_NOT_FOUND, "the CPUs of this kernel cannot be found");
	*r = (struct result){&percpu_ops, NULL};
	return NULL;
}

/* ---- -h ---------------------------------------------------------------------------------------- */

#define MAX_POOLS 16
struct huge_result {
	struct iq_hstate pool[MAX_POOLS];
	unsigned int nr;
	struct iq_node *node; /* owned */
	unsigned int nr_nodes;
	struct iq_thp thp;
};

static void huge_free(void *data)
{
	struct huge_result *x = data;

	free(x->node);
	free(x);
}

/* crash has no such rows: they are shown where there is something to say. */
static void text_huge_nodes(struct session *s, const struct huge_result *x, struct iq_buf *out)
{
	bool head = false;

	for (unsigned int i = 0; i < x->nr; i++) {
		for (unsigned int n = 0; n < x->nr_nodes; n++) {
			struct iq_hstate h;

			if (!x->pool[i].total || !iq_hstate_node(s->kernel, &x->pool[i], x->node[n].id, &h))
				continue;
			if (!head)
				iq_buf_puts(out, "\n  NODE    FREE   TOTAL SURPLUS  NAME\n");
			head = true;
			iq_buf_printf(out, "%6u %7" PRIu64 " %7" PRIu64 " %7" PRIu64 "  %s\n", x->node[n].id,
				      h.free, h.total, h.surplus, h.name);
		}
	}
	if (x->thp.anon > 0 || x->thp.shmem > 0 || x->thp.file > 0)
		iq_buf_printf(out,
			      "\nTRANSPARENT HUGE PAGES (2MB): %" PRId64 " of processes, %" PRId64
			      " of shared memory, %" PRId64 " of files\n",
			      IQ_MAX(x->thp.anon, 0), IQ_MAX(x->thp.shmem, 0), IQ_MAX(x->thp.file, 0));
}

static json_t *json_huge_nodes(struct session *s, const struct huge_result *x, const struct iq_hstate *pool)
{
	json_t *list = json_array();

	for (unsigned int n = 0; n < x->nr_nodes; n++) {
		struct iq_hstate h;
		json_t *o;

		if (!iq_hstate_node(s->kernel, pool, x->node[n].id, &h))
			continue;
		o = json_object();
		json_object_set_new(o, "node", json_integer(x->node[n].id));
		json_object_set_new(o, "total", json_integer((json_int_t)h.total));
		json_object_set_new(o, "free", json_integer((json_int_t)h.free));
		json_object_set_new(o, "surplus", json_integer((json_int_t)h.surplus));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *json_count(int64_t n)
{
	return n < 0 ? json_null() : json_integer(n);
}

static void huge_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct huge_result *x = r->data;

	iq_buf_puts(out, "     HSTATE        SIZE    FREE   TOTAL  NAME\n");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_hstate *h = &x->pool[i];
		bool giga = h->size >= 1 << 30;
		char size[24];

		snprintf(size, sizeof(size), "%" PRIu64 "%s", h->size >> (giga ? 30 : 20), giga ? "GB" : "MB");
		iq_buf_printf(out, "%016" PRIx64 " %6s %7" PRIu64 " %7" PRIu64 "  %s\n", h->address, size,
			      h->free, h->total, h->name);
	}
	text_huge_nodes(s, x, out);
}

static json_t *huge_json(struct session *s, const struct result *r)
{
	const struct huge_result *x = r->data;
	json_t *o = json_object(), *list = json_array(), *thp = json_object();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_hstate *h = &x->pool[i];
		json_t *e = json_object();

		json_object_set_new(e, "hstate", json_address(h->address));
		json_object_set_new(e, "name", json_string(h->name));
		json_object_set_new(e, "page_size", json_integer((json_int_t)h->size));
		json_object_set_new(e, "total", json_integer((json_int_t)h->total));
		json_object_set_new(e, "free", json_integer((json_int_t)h->free));
		json_object_set_new(e, "reserved", json_integer((json_int_t)h->reserved));
		json_object_set_new(e, "surplus", json_integer((json_int_t)h->surplus));
		json_object_set_new(e, "nodes", json_huge_nodes(s, x, h));
		json_array_append_new(list, e);
	}
	json_object_set_new(thp, "anon", json_count(x->thp.anon));
	json_object_set_new(thp, "shmem", json_count(x->thp.shmem));
	json_object_set_new(thp, "file", json_count(x->thp.file));
	json_object_set_new(o, "pools", list);
	json_object_set_new(o, "thp", thp);
	return o;
}

static const struct result_ops huge_ops = {huge_text, huge_json, huge_free};

struct iq_error *kmem_huge(struct session *s, struct result *r)
{
	struct huge_result *x;
	struct iq_types *t;
	struct iq_error *err;

	IQ_TRY(iq_kernel_need_types(s->kernel, &t));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->nr = iq_hstates(s->kernel, x->pool, MAX_POOLS);
	err = iq_nodes(s->kernel, &x->node, &x->nr_nodes);
	iq_error_free(err); /* the pools are worth showing without */
	iq_thp(s->kernel, &x->thp);
	*r = (struct result){&huge_ops, x};
	return NULL;
}

/* ---- -g ---------------------------------------------------------------------------------------- */

struct flags_result {
	bool given;
	uint64_t value;
	const struct iq_enumerator *flag;
	unsigned int nr;
};

/* PG_* that are bits: what ends the enum and its internal names are not. */
static bool is_flag(const struct flags_result *x, unsigned int i)
{
	const struct iq_enumerator *e = &x->flag[i];

	return !strncmp(e->name, "PG_", 3) && e->value >= 0 && e->value < 64 &&
	       (!x->given || x->value >> e->value & 1);
}

static void flags_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct flags_result *x = r->data;
	const char *indent = x->given ? "  " : "";

	if (x->given)
		iq_buf_printf(out, "FLAGS: %" PRIx64 "\n", x->value);
	iq_buf_printf(out, "%sPAGE-FLAG              BIT  VALUE\n", indent);
	for (unsigned int i = 0; i < x->nr; i++)
		if (is_flag(x, i))
			iq_buf_printf(out, "%s%-22s  %2" PRId64 "  %07" PRIx64 "\n", indent,
				      x->flag[i].name, x->flag[i].value,
				      UINT64_C(1) << x->flag[i].value);
}

static json_t *flags_json(struct session *s, const struct result *r)
{
	const struct flags_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		json_t *e;

		if (!is_flag(x, i))
			continue;
		e = json_object();
		json_object_set_new(e, "name", json_string(x->flag[i].name));
		json_object_set_new(e, "bit", json_integer(x->flag[i].value));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "flags", x->given ? json_address(x->value) : json_null());
	json_object_set_new(o, "names", list);
	return o;
}

static const struct result_ops flags_ops = {flags_text, flags_json, free};

struct iq_error *kmem_flags(struct session *s, int nr, char **words, struct result *r)
{
	const struct iq_type *type;
	struct flags_result *x;
	struct iq_types *t;
	uint64_t value = 0;

	if (nr > 1)
		return iq_error_new(IQ_E_USAGE, "kmem -g takes one number: the flags");
	if (nr && !iq_parse_hex(words[0], &value))
		return iq_error_new(IQ_E_USAGE, "%s is not a hexadecimal number", words[0]);
	IQ_TRY(iq_kernel_need_types(s->kernel, &t));
	type = iq_type_by_name(t, "enum pageflags");
	if (!type)
		return iq_error_new(IQ_E_NOT_FOUND, "this kernel's types have no enum pageflags");
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->given = nr;
	x->value = value;
	x->flag = iq_type_enumerators(type, &x->nr);
	*r = (struct result){&flags_ops, x};
	return NULL;
}

/* ---- -v ---------------------------------------------------------------------------------------- */

struct vmaps_result {
	const struct iq_vmap **area; /* owned; what it points to is the kernel's */
	unsigned int nr;
};

static void vmaps_free(void *data)
{
	struct vmaps_result *x = data;

	free(x->area);
	free(x);
}

static void vmaps_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct vmaps_result *x = r->data;

	iq_buf_puts(out, "   VMAP_AREA         VM_STRUCT                 ADDRESS RANGE                SIZE\n");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_vmap *v = x->area[i];

		/* crash leaves areas without a vm_struct out; they are memory all the same. */
		if (!v->vm && x->nr > 1)
			continue;
		iq_buf_printf(out, "%016" PRIx64 "  %016" PRIx64 "  %016" PRIx64 " - %016" PRIx64 "  %7" PRIu64 "\n",
			      v->area, v->vm, v->start, v->end, v->end - v->start);
	}
}

static json_t *vmaps_json(struct session *s, const struct result *r)
{
	const struct vmaps_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_vmap *v = x->area[i];
		json_t *e = json_object();
		char caller[256];

		json_object_set_new(e, "vmap_area", json_address(v->area));
		json_object_set_new(e, "vm_struct", v->vm ? json_address(v->vm) : json_null());
		json_object_set_new(e, "start", json_address(v->start));
		json_object_set_new(e, "end", json_address(v->end));
		json_object_set_new(e, "flags", json_address(v->flags));
		json_object_set_new(e, "caller",
				    v->caller && iq_symbol_format(s->kernel, v->caller, true, true,
								  caller, sizeof(caller))
					    ? json_string(caller)
					    : json_null());
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "areas", list);
	return o;
}

static const struct result_ops vmaps_ops = {vmaps_text, vmaps_json, vmaps_free};

struct iq_error *kmem_vmaps(struct session *s, int nr, char **words, struct result *r)
{
	const struct iq_vmap *all;
	struct iq_error *err = NULL;
	struct vmaps_result *x;
	unsigned int nr_all;

	IQ_TRY(iq_vmaps(s->kernel, &all, &nr_all));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->area = calloc(IQ_MAX(nr_all, (unsigned int)nr) + 1, sizeof(*x->area));
	if (!x->area)
		err = iq_error_nomem();
	for (unsigned int i = 0; !err && !nr && i < nr_all; i++)
		x->area[x->nr++] = &all[i];
	for (int i = 0; !err && i < nr; i++) {
		uint64_t address;

		err = parse_address(s, words[i], &address);
		if (!err && !(x->area[x->nr] = iq_vmap_at(s->kernel, address)))
			err = iq_error_new(IQ_E_NOT_FOUND, "no vmalloc area contains 0x%" PRIx64, address);
		x->nr += !err;
	}
	if (err) {
		vmaps_free(x);
		return err;
	}
	*r = (struct result){&vmaps_ops, x};
	return NULL;
}

/* ---- -p ---------------------------------------------------------------------------------------- */

struct pages_result {
	uint64_t *pfn; /* owned; NULL: all */
	unsigned int nr;
};

static void pages_free(void *data)
{
	struct pages_result *x = data;

	free(x->pfn);
	free(x);
}

/* Calls FN for each page that has a struct page. */
static void each_page(struct session *s, const struct pages_result *x,
		      bool (*fn)(struct session *s, const struct iq_page *page, void *arg), void *arg)
{
	/* The memory map covers whole sections of 128 MB. */
	uint64_t section = (128u << 20) / iq_dump_info(s->dump)->page_size;
	uint64_t last = iq_dump_info(s->dump)->max_pfn + section - 1;
	uint64_t end = x->pfn ? x->nr : last - last % section;

	for (uint64_t i = 0; i < end && !iq_cancelled(&s->cancel); i++) {
		struct iq_page page;
		struct iq_error *err = iq_page_of(s->kernel, x->pfn ? x->pfn[i] : i, &page);

		if (err)
			iq_error_free(err);
		else if (!fn(s, &page, arg))
			return;
	}
}

struct pages_text {
	struct iq_buf *out;
	bool head;
};

static bool one_row(struct session *s, const struct iq_page *page, void *arg)
{
	struct pages_text *t = arg;

	if (!t->head)
		text_page(s, page, t->out);
	else
		text_page_row(s, page, t->out);
	t->head = true;
	return stream_out(s, t->out);
}

static void pages_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	struct pages_text t = {.out = out};

	each_page(s, r->data, one_row, &t);
}

static bool one_object(struct session *s, const struct iq_page *page, void *arg)
{
	json_array_append_new(arg, json_page(s, page));
	return true;
}

static json_t *pages_json(struct session *s, const struct result *r)
{
	json_t *o = json_object(), *list = json_array();

	each_page(s, r->data, one_object, list);
	json_object_set_new(o, "pages", list);
	return o;
}

static const struct result_ops pages_ops = {pages_text, pages_json, pages_free};

struct iq_error *kmem_pages(struct session *s, int nr, char **words, struct result *r)
{
	struct pages_result *x;
	struct iq_error *err = NULL;
	struct iq_types *t;

	IQ_TRY(iq_kernel_need_types(s->kernel, &t));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	if (nr) {
		x->pfn = calloc((size_t)nr, sizeof(*x->pfn));
		if (!x->pfn)
			err = iq_error_nomem();
	}
	/* A struct page, a physical address, or a kernel virtual address. */
	for (int i = 0; !err && i < nr; i++) {
		uint64_t address, physical;

		err = parse_address(s, words[i], &address);
		if (err || iq_page_pfn(s->kernel, address, &x->pfn[x->nr]))
			;
		else if (!iq_vm_translate(s->kernel->vm, address, &physical, NULL))
			x->pfn[x->nr] = physical / iq_dump_info(s->dump)->page_size;
		else
			x->pfn[x->nr] = address / iq_dump_info(s->dump)->page_size;
		x->nr += !err;
	}
	if (err) {
		pages_free(x);
		return err;
	}
	*r = (struct result){&pages_ops, x};
	return NULL;
}
