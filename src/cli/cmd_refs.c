// SPDX-License-Identifier: GPL-2.0-or-later
/* refs: everything that points at an object, or into it. */
#include "internal.h"
#include "place.h"
#include <inquest/search.h>
#include <inttypes.h>
#include <stdlib.h>

#define JSON_MAX_HITS 100000

struct refs_result {
	struct iq_describer *d;
	uint64_t address;     /* as asked */
	uint64_t start, size; /* what is pointed into */
	struct iq_whatis what;
	struct iq_search search;

	/* While it runs. */
	struct session *s;
	struct iq_buf *out;
	json_t *hits;
	uint64_t nr;
	bool unread;
};

static void free_result(void *data)
{
	struct refs_result *x = data;

	iq_describer_close(x->d);
	free(x);
}

/* The word found is part of what is asked about: it refers to itself. */
static bool inside(const struct refs_result *x, const struct iq_whatis *w)
{
	return w->virtual && w->virtual - x->start < x->size;
}

static bool hit_text(void *arg, uint64_t physical, uint64_t word)
{
	struct refs_result *x = arg;
	struct iq_whatis w;

	iq_whatis(x->d, physical, true, &w);
	x->nr++;
	iq_buf_printf(x->out, "%016" PRIx64 ": %016" PRIx64, w.virtual ? w.virtual : physical, word);
	if (word != x->start)
		iq_buf_printf(x->out, " (+%" PRIu64 ")", word - x->start);
	iq_buf_puts(x->out, "  ");
	if (inside(x, &w))
		iq_buf_puts(x->out, "in itself: ");
	iq_whatis_line(x->s->kernel, &w, x->out);
	iq_buf_putc(x->out, '\n');
	x->unread = !stream_out(x->s, x->out);
	return !x->unread;
}

static bool hit_json(void *arg, uint64_t physical, uint64_t word)
{
	struct refs_result *x = arg;
	struct iq_whatis w;
	json_t *o;

	if (x->nr++ >= JSON_MAX_HITS)
		return false;
	iq_whatis(x->d, physical, true, &w);
	o = json_object();
	json_object_set_new(o, "address", w.virtual ? json_address(w.virtual) : json_null());
	json_object_set_new(o, "physical", json_address(physical));
	json_object_set_new(o, "value", json_address(word));
	json_object_set_new(o, "offset", json_integer((json_int_t)(word - x->start)));
	json_object_set_new(o, "inside", json_boolean(inside(x, &w)));
	json_object_set_new(o, "whatis", json_kind(x->s, &w));
	json_array_append_new(x->hits, o);
	return true;
}

static void finish(struct refs_result *x, struct iq_error *err)
{
	struct session *s = x->s;

	if (x->search.pages_excluded && !x->unread)
		iq_warn(&s->warnings,
			"%" PRIu64 " pages (%" PRIu64 " MB) are not in the dump and were not searched: "
			"filtering left them out",
			x->search.pages_excluded,
			x->search.pages_excluded * iq_dump_info(s->dump)->page_size >> 20);
	if (err && !s->late_error)
		s->late_error = err;
	else
		iq_error_free(err);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	struct refs_result *x = r->data;

	x->s = s;
	x->out = out;
	iq_buf_printf(out, "%" PRIu64 " bytes at %016" PRIx64 ": ", x->size, x->start);
	iq_whatis_line(s->kernel, &x->what, out);
	iq_buf_putc(out, '\n');
	x->search.arg = x;
	x->search.hit = hit_text;
	finish(x, iq_search(s->dump, &x->search));
	if (!x->nr && !x->unread)
		iq_buf_puts(out, "nothing points there\n");
}

static json_t *json(struct session *s, const struct result *r)
{
	struct refs_result *x = r->data;
	json_t *o = json_object();

	x->s = s;
	x->hits = json_array();
	x->search.arg = x;
	x->search.hit = hit_json;
	finish(x, iq_search(s->dump, &x->search));
	if (x->nr > JSON_MAX_HITS)
		iq_warn(&s->warnings, "only the first %u references are listed", JSON_MAX_HITS);
	json_object_set_new(o, "address", json_address(x->address));
	json_object_set_new(o, "start", json_address(x->start));
	json_object_set_new(o, "size", json_integer((json_int_t)x->size));
	json_object_set_new(o, "whatis", json_kind(s, &x->what));
	json_object_set_new(o, "references", x->hits);
	json_object_set_new(o, "pages_searched", json_integer((json_int_t)x->search.pages_searched));
	json_object_set_new(o, "pages_excluded", json_integer((json_int_t)x->search.pages_excluded));
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* What ADDRESS is a part of: the smallest thing that has an address of its own. */
static void bounds(struct session *s, struct refs_result *x)
{
	const struct iq_whatis *w = &x->what;
	uint64_t page = iq_dump_info(s->dump)->page_size, physical;

	x->start = x->address;
	x->size = 1;
	if (w->has_object) {
		/* Pointers are into the direct map, whatever address was asked about. */
		x->start = w->object.object;
		x->size = w->object.slab.cache->object_size;
	} else if (w->has_symbol) {
		x->start = w->symbol.address;
		x->size = w->symbol.size ? w->symbol.size : 1;
	} else if (w->has_stack && w->stack.kind == IQ_STACK_TASK) {
		x->start = w->stack.start;
		x->size = w->stack.end - w->stack.start;
	} else if (w->vmap) {
		x->start = w->vmap->start;
		x->size = w->vmap->end - w->vmap->start;
	} else if (w->has_page && !iq_vm_translate(s->kernel->vm, x->address, &physical, NULL)) {
		x->start = x->address & ~(page - 1);
		x->size = page;
	}
	/* A damaged size must not make every number a reference. */
	if (x->address - x->start >= x->size || x->size > UINT64_C(1) << 32) {
		x->start = x->address;
		x->size = 1;
	}
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct refs_result *x = data;
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;
	bool exact = false;
	int option;

	while ((option = next_option(&o, "e", &err)) != -1) {
		if (option == '?')
			return err;
		exact = true;
	}
	if (o.index + 1 != argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "refs needs one address"),
				     "refs [-e] ADDRESS");
	IQ_TRY(parse_address(s, argv[o.index], &x->address));
	IQ_TRY(open_describer(s, &x->d));
	iq_whatis(x->d, x->address, false, &x->what);
	if (exact || !x->address) {
		x->start = x->address;
		x->size = 1;
	} else {
		bounds(s, x);
	}
	x->search.value = x->start;
	x->search.range = x->size;
	x->search.cancel = &s->cancel;
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct refs_result), fill, &ops, r);
}

const struct command cmd_refs = {
	.name = "refs",
	.summary = "everything that points at an object or into it",
	.help = "refs [-e] ADDRESS\n"
		"\n"
		"Finds the object that ADDRESS is in (slab object, variable, task stack, vmalloc area,\n"
		"else its page) and every word of the machine's memory that points into it, on all\n"
		"CPUs; each is explained: whose stack and which frame, which object and member.  (+N)\n"
		"is how far from the object's start it points.\n"
		"\n"
		"  -e   only words that are exactly ADDRESS\n"
		"\n"
		"  inquest> refs ffff8a92627a6600\n",
	.run = run,
	.completes = "s",
	.no_context = true,
};
