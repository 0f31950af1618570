// SPDX-License-Identifier: GPL-2.0-or-later
/* kmem ADDR: which slab object, stack, vmalloc area, symbol and page an address is. */
#include "place.h"
#include <inttypes.h>
#include <stdlib.h>

struct kmem_result {
	struct iq_describer *d;
	struct iq_whatis *list;
	unsigned int nr;
};

static void free_result(void *data)
{
	struct kmem_result *x = data;

	iq_describer_close(x->d);
	free(x->list);
	free(x);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct kmem_result *x = r->data;
	unsigned int i;

	for (i = 0; i < x->nr; i++) {
		if (i)
			iq_buf_putc(out, '\n');
		text_place(s, &x->list[i], out);
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct kmem_result *x = r->data;
	json_t *list, *o;
	unsigned int i;

	if (x->nr == 1)
		return json_whatis(s, &x->list[0]);
	o = json_object();
	list = json_array();
	for (i = 0; i < x->nr; i++)
		json_array_append_new(list, json_whatis(s, &x->list[i]));
	json_object_set_new(o, "addresses", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

static bool is_nothing(const struct iq_whatis *w)
{
	return w->content && !w->has_physical && !w->vmap && !w->has_symbol && !w->module &&
	       !w->has_stack;
}

static struct iq_error *look_up(struct session *s, struct kmem_result *x, int argc, char **argv,
				bool physical)
{
	int i;

	for (i = 0; i < argc; i++) {
		struct iq_whatis *w = &x->list[x->nr];
		uint64_t address;
		bool is_physical;

		IQ_TRY(parse_place(s, argv[i], &address, &is_physical));
		iq_whatis(x->d, address, physical || is_physical, w);
		if (is_nothing(w))
			return iq_error_new(IQ_E_MEMORY,
					    "0x%" PRIx64 " is no address of this kernel: %s",
					    address, iq_mem_text(w->content));
		if (w->has_physical && !w->has_page && w->content == IQ_MEM_ABSENT && !w->vmap &&
		    !w->has_symbol)
			return iq_error_new(IQ_E_MEMORY,
					    "0x%" PRIx64 ": %s, and there is no struct page for it",
					    address, iq_mem_text(w->content));
		x->nr++;
	}
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {argc, argv, 1, 0, NULL};
	struct kmem_result *x;
	struct iq_error *err = NULL;
	struct iq_kernel *k;
	bool physical = false;
	int c;

	while ((c = next_option(&o, "P", &err)) != -1) {
		if (err)
			return err;
		physical |= c == 'P';
	}
	if (o.index == argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "kmem needs an address"),
				     "kmem [-P] ADDRESS…");
	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	r->ops = &ops;
	r->data = x;
	x->list = calloc((size_t)(argc - o.index), sizeof(*x->list));
	if (!x->list)
		return iq_error_nomem();
	IQ_TRY(iq_describer_open(k, &x->d));
	err = look_up(s, x, argc - o.index, argv + o.index, physical);
	if (err && !x->nr) {
		free_result(x);
		*r = (struct result){0};
	}
	return err;
}

const struct command cmd_kmem = {
	.name = "kmem",
	.summary = "what an address of kernel memory is",
	.help = "kmem [-P] ADDRESS…\n"
		"\n"
		"Says what lies at each address: the symbol; the slab object with its cache, its "
		"slab and whether\n"
		"it is allocated or free (from the free lists); the task whose stack it is and the "
		"frame; the\n"
		"vmalloc area; the per-CPU variable; the page with its flags, and the free block "
		"it belongs to.\n"
		"A number that is no kernel address is taken for a physical one.\n"
		"\n"
		"  -P   the addresses are physical\n"
		"\n"
		"Examples:\n"
		"  kmem ffff8a92627a6600     the slab object there\n"
		"  kmem 15417dca70           the page at a physical address, and what it is part "
		"of\n",
	.run = run,
	.completes = "s",
	.no_context = true,
};
