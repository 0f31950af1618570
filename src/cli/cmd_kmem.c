// SPDX-License-Identifier: GPL-2.0-or-later
/* kmem ADDR: which slab object, stack, vmalloc area, symbol and page an address is; kmem -OPTION: see kmem.h. */
#include "kmem.h"
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
	return w->content && !w->has_physical && !w->resource && !w->vmap && !w->has_symbol && !w->module &&
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
		    !w->has_symbol && !w->resource)
			return iq_error_new(IQ_E_MEMORY,
					    "0x%" PRIx64 ": %s, and there is no struct page for it",
					    address, iq_mem_text(w->content));
		x->nr++;
	}
	return NULL;
}

static struct iq_error *places(struct session *s, int nr, char **words, bool physical,
			       struct result *r)
{
	struct kmem_result *x;
	struct iq_error *err;

	if (!nr)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "kmem needs an address or an option"),
				     "help kmem lists them");
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	x->list = calloc((size_t)nr, sizeof(*x->list));
	err = x->list ? open_describer(s, &x->d) : iq_error_nomem();
	if (!err)
		err = look_up(s, x, nr, words, physical);
	if (err && !x->nr)
		free_result(x);
	else
		*r = (struct result){&ops, x};
	return err;
}

/* Views of their own; one at a time. */
#define VIEWS "iVznfFohgvpsSr"

static struct iq_error *view(struct session *s, int c, const char *but, int nr, char **words,
			     struct result *r)
{
	if (nr && !strchr("gvpsS", c))
		return iq_error_new(IQ_E_USAGE, "unexpected word %s behind -%c", words[0], c);
	switch (c) {
	case 'i': return kmem_info(s, r);
	case 'V': return kmem_counters(s, r);
	case 'z': return kmem_zones(s, r);
	case 'n': return kmem_nodes(s, r);
	case 'f': return kmem_free(s, false, r);
	case 'F': return kmem_free(s, true, r);
	case 'o': return kmem_percpu(s, r);
	case 'h': return kmem_huge(s, r);
	case 'g': return kmem_flags(s, nr, words, r);
	case 'v': return kmem_vmaps(s, nr, words, r);
	case 's': return kmem_slabs(s, false, but, nr, words, r);
	case 'S': return kmem_slabs(s, true, but, nr, words, r);
	case 'r': return kmem_roots(s, r);
	default: return kmem_pages(s, nr, words, r);
	}
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {argc, argv, 1, 0, NULL};
	struct iq_error *err = NULL;
	struct iq_kernel *k;
	const char *but = NULL;
	bool physical = false;
	int c, chosen = 0;

	while ((c = next_option(&o, "PI:" VIEWS, &err)) != -1) {
		if (err)
			return err;
		if (c == 'P')
			physical = true;
		else if (c == 'I')
			but = o.value;
		else if (chosen && chosen != c)
			return iq_error_new(IQ_E_USAGE, "-%c and -%c do not go together", chosen, c);
		else
			chosen = c;
	}
	IQ_TRY(need_kernel(s, &k));
	if (chosen)
		return view(s, chosen, but, argc - o.index, argv + o.index, r);
	return places(s, argc - o.index, argv + o.index, physical, r);
}

const struct command cmd_kmem = {
	.name = "kmem",
	.summary = "what an address of kernel memory is",
	.help = "kmem [-P] ADDRESS…\n"
		"kmem -i | -V | -z | -n | -f | -F | -o | -h | -r\n"
		"kmem -s | -S [-I CACHE,…] [CACHE | ADDRESS…]\n"
		"kmem -g [FLAGS] | -v [ADDRESS…] | -p [ADDRESS…]\n"
		"\n"
		"With addresses: what lies at each: the symbol; the slab object with its cache, its slab\n"
		"and whether it is allocated or free (from the free lists); the task whose stack it is\n"
		"and the frame; the vmalloc area; the per-CPU variable; the page with its flags, and the\n"
		"free block it belongs to.  Of a slab object also who allocated and freed it, if the\n"
		"kernel kept that (slub_debug, KFENCE, KASAN), and what is damaged there.  A number that\n"
		"is no kernel address is taken for a physical one.\n"
		"\n"
		"  -P   the addresses are physical\n"
		"  -i   how much memory there is, free, cached, in slabs, swapped and promised\n"
		"  -V   the kernel's counters: of zones, of nodes, of events\n"
		"  -z   the zones, their watermarks and counters\n"
		"  -n   the NUMA nodes and their zones, the sections of the memory map (present, with a map,\n"
		"       online, early, of a device), the blocks in which memory can be plugged\n"
		"  -f   the free blocks of each zone by order and kind, and whether they add up\n"
		"  -F   the same with the struct page of every block\n"
		"  -o   where each CPU's per-CPU variables are\n"
		"  -h   the pools of huge pages, by node too if they are in use; transparent huge pages\n"
		"  -s   the slab caches: how many objects are allocated, and there is room for; damage in\n"
		"       them; of those that are named also where they are created and what was merged\n"
		"  -S   the same with every slab: of each CPU, partial ones, and full ones, which are found\n"
		"       through the memory map\n"
		"  -r   the slab caches, each with those that were made of it for memory cgroups (before 5.9)\n"
		"  -I   leave these caches out\n"
		"  -g   page flags: all of this kernel, or those in FLAGS\n"
		"  -v   vmalloc areas: all, or those that hold the addresses\n"
		"  -p   struct pages: all, or those of the addresses (of struct pages, physical or virtual)\n"
		"\n"
		"  inquest> kmem ffff8a92627a6600\n"
		"  inquest> kmem -i\n",
	.run = run,
	.completes = "s",
	.no_context = true,
};
