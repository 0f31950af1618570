// SPDX-License-Identifier: GPL-2.0-or-later
/* kmem -f, -F: the free blocks of the page allocator. */
#include "kmem.h"
#include <inquest/zone.h>
#include <inttypes.h>
#include <stdlib.h>

struct area {
	struct iq_free_area a;
	char type[24];
	unsigned int zone; /* index in the result's zones */
	uint64_t *pfn; /* -F: of each block; owned */
	unsigned int nr, room;
};

struct free_result {
	bool blocks;
	struct iq_zone *zone;
	unsigned int nr_zones;
	struct area *area;
	unsigned int nr, room;
	bool failed;
	uint64_t total; /* pages in all lists */
};

static void free_free(void *data)
{
	struct free_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free(x->area[i].pfn);
	free(x->area);
	free(x->zone);
	free(x);
}

static uint64_t pages(const struct area *a)
{
	return a->a.blocks << a->a.order;
}

/* The struct page of a page frame; 0: unknown. */
static uint64_t page_struct(struct session *s, uint64_t pfn)
{
	struct iq_page page;
	struct iq_error *err = iq_page_of(s->kernel, pfn, &page);

	iq_error_free(err);
	return err ? 0 : page.address;
}

/* TEXT in the middle of WIDTH columns. */
static void centred(const char *text, unsigned int width, struct iq_buf *out)
{
	unsigned int len = (unsigned int)strlen(text), left = len < width ? (width - len) / 2 : 0;

	iq_buf_printf(out, "%*s%-*s", (int)left, "", (int)(width - left), text);
}

static void text_zone(struct session *s, const struct iq_zone *z, uint64_t base, struct iq_buf *out)
{
	char word[24];

	iq_buf_puts(out, "ZONE  NAME        SIZE    FREE      MEM_MAP       START_PADDR  START_MAPNR\n");
	iq_buf_printf(out, "%3u   %-7s %8" PRIu64 " %7" PRIu64 "  ", z->index, z->name, z->spanned,
		      z->free);
	snprintf(word, sizeof(word), "%" PRIx64, z->spanned ? page_struct(s, z->start_pfn) : 0);
	centred(word, 16, out);
	iq_buf_puts(out, "  ");
	snprintf(word, sizeof(word), "%" PRIx64,
		 z->start_pfn * iq_dump_info(s->dump)->page_size);
	centred(word, 12, out);
	snprintf(word, sizeof(word), "%" PRIu64, z->spanned ? z->start_pfn - base : 0);
	iq_buf_puts(out, "  ");
	centred(word, 10, out);
	iq_buf_putc(out, '\n');
}

static void text_area(struct session *s, const struct free_result *x, const struct area *a,
		      struct iq_buf *out)
{
	uint64_t kb = (uint64_t)(iq_dump_info(s->dump)->page_size / 1024) << a->a.order;

	if (x->blocks)
		iq_buf_puts(out, "AREA    SIZE  FREE_AREA_STRUCT\n");
	iq_buf_printf(out, "%3u %7" PRIu64 "k  %" PRIx64, a->a.order, kb, a->a.address);
	if (!x->blocks) {
		iq_buf_printf(out, " %7" PRIu64 " %6" PRIu64 "\n", a->a.blocks, pages(a));
		return;
	}
	iq_buf_puts(out, "  \n");
	for (unsigned int i = 0; i < a->nr; i++)
		iq_buf_printf(out, "%" PRIx64 "\n", page_struct(s, a->pfn[i]));
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct free_result *x = r->data;
	uint64_t counted = 0;

	for (unsigned int z = 0; z < x->nr_zones; z++) {
		bool first = true;

		text_zone(s, &x->zone[z], x->zone[0].start_pfn, out);
		counted += x->zone[z].free;
		for (unsigned int i = 0; i < x->nr; i++) {
			if (x->area[i].zone != z)
				continue;
			if (first && !x->blocks)
				iq_buf_puts(out, "AREA    SIZE  FREE_AREA_STRUCT  BLOCKS  PAGES\n");
			first = false;
			text_area(s, x, &x->area[i], out);
			if (!stream_out(s, out))
				return;
		}
		iq_buf_putc(out, '\n');
	}
	iq_buf_printf(out, "nr_free_pages: %" PRIu64 "  ", counted);
	if (counted == x->total)
		iq_buf_puts(out, "(verified)\n");
	else
		iq_buf_printf(out, "(but %" PRIu64 " pages are on the lists)\n", x->total);
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct free_result *x = r->data;
	json_t *o = json_object(), *zones = json_array();

	for (unsigned int z = 0; z < x->nr_zones; z++) {
		json_t *zone = json_object(), *list = json_array();

		for (unsigned int i = 0; i < x->nr; i++) {
			const struct area *a = &x->area[i];
			json_t *e;

			if (a->zone != z)
				continue;
			e = json_object();
			json_object_set_new(e, "order", json_integer(a->a.order));
			json_object_set_new(e, "type", *a->type ? json_string(a->type) : json_null());
			json_object_set_new(e, "list", json_address(a->a.address));
			json_object_set_new(e, "blocks", json_integer((json_int_t)a->a.blocks));
			json_object_set_new(e, "pages", json_integer((json_int_t)pages(a)));
			json_object_set_new(e, "whole", json_boolean(a->a.whole));
			if (x->blocks) {
				json_t *pfns = json_array();

				for (unsigned int j = 0; j < a->nr; j++)
					json_array_append_new(pfns, json_integer((json_int_t)a->pfn[j]));
				json_object_set_new(e, "pfns", pfns);
			}
			json_array_append_new(list, e);
		}
		json_object_set_new(zone, "node", json_integer(x->zone[z].node));
		json_object_set_new(zone, "name", json_string(x->zone[z].name));
		json_object_set_new(zone, "free", json_integer((json_int_t)x->zone[z].free));
		json_object_set_new(zone, "areas", list);
		json_array_append_new(zones, zone);
	}
	json_object_set_new(o, "zones", zones);
	json_object_set_new(o, "pages_on_lists", json_integer((json_int_t)x->total));
	return o;
}

static const struct result_ops ops = {text, json, free_free};

/* ---- Finding them ------------------------------------------------------------------------------ */

struct walk {
	struct free_result *x;
	unsigned int zone;
	struct area now; /* blocks of the list that is being walked */
};

static void one_block(void *arg, const struct iq_free_area *a, uint64_t pfn)
{
	struct walk *w = arg;

	if (!iq_grow(&w->now.pfn, &w->now.room, w->now.nr + 1, sizeof(*w->now.pfn))) {
		w->x->failed = true;
		return;
	}
	w->now.pfn[w->now.nr++] = pfn;
}

static void one_area(void *arg, const struct iq_free_area *a)
{
	struct walk *w = arg;
	struct free_result *x = w->x;

	if (!iq_grow(&x->area, &x->room, x->nr + 1, sizeof(*x->area))) {
		x->failed = true;
		free(w->now.pfn);
	} else {
		w->now.a = *a;
		w->now.zone = w->zone;
		snprintf(w->now.type, sizeof(w->now.type), "%s", a->type_name ? a->type_name : "");
		w->now.a.type_name = NULL; /* not ours */
		x->total += pages(&w->now);
		x->area[x->nr++] = w->now;
	}
	w->now = (struct area){0};
}

struct iq_error *kmem_free(struct session *s, bool blocks, struct result *r)
{
	struct free_result *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	x->blocks = blocks;
	err = iq_zones(s->kernel, &x->zone, &x->nr_zones);
	for (unsigned int z = 0; !err && z < x->nr_zones; z++) {
		struct walk w = {.x = x, .zone = z};

		if (!x->zone[z].spanned)
			continue;
		if (!iq_free_areas(s->kernel, &x->zone[z], one_area, blocks ? one_block : NULL, &w))
			err = iq_error_new(IQ_E_UNAVAILABLE,
					   "this kernel's struct free_area is of an unknown layout");
		free(w.now.pfn);
	}
	if (!err && x->failed)
		err = iq_error_nomem();
	if (!err && iq_cancelled(&s->cancel))
		err = iq_error_new(IQ_E_INTERRUPTED, "interrupted");
	if (err) {
		free_free(x);
		return err;
	}
	*r = (struct result){&ops, x};
	return NULL;
}
