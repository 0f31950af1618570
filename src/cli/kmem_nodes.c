// SPDX-License-Identifier: GPL-2.0-or-later
/* kmem -n: NUMA nodes and their zones, sections of the memory map, memory blocks. */
#include "kmem.h"
#include <inquest/section.h>
#include <inquest/zone.h>
#include <inttypes.h>
#include <stdlib.h>

struct nodes_result {
	struct iq_zone *zone;
	unsigned int nr;
	struct iq_node *node;
	unsigned int nr_nodes;
	struct iq_section *section;
	unsigned int nr_sections;
	struct iq_memory_block *block;
	unsigned int nr_blocks;
};

static void nodes_free(void *data)
{
	struct nodes_result *x = data;

	free(x->zone);
	free(x->node);
	free(x->section);
	free(x->block);
	free(x);
}

/* ---- Text -------------------------------------------------------------------------------------- */

/* The struct page of a page frame; 0: unknown. */
static uint64_t page_struct(struct session *s, uint64_t pfn)
{
	struct iq_page page;
	struct iq_error *err = iq_page_of(s->kernel, pfn, &page);

	iq_error_free(err);
	return err ? 0 : page.address;
}

static void text_node(struct session *s, const struct nodes_result *x, const struct iq_node *n,
		      struct iq_buf *out)
{
	uint64_t page = iq_dump_info(s->dump)->page_size;
	bool first = true;

	iq_buf_puts(out, "NODE    SIZE      PGLIST_DATA       BOOTMEM_DATA       NODE_ZONES   \n");
	iq_buf_printf(out, "%3u  %8" PRIu64 "   %" PRIx64 "        ----        ", n->id, n->spanned,
		      n->address);
	for (unsigned int i = 0; i < x->nr; i++) {
		if (x->zone[i].node != n->id)
			continue;
		iq_buf_printf(out, "%*s%" PRIx64 "\n", first ? 0 : 52, "", x->zone[i].address);
		first = false;
	}
	if (first)
		iq_buf_putc(out, '\n');
	iq_buf_puts(out, "    MEM_MAP          START_PADDR    START_MAPNR\n");
	iq_buf_printf(out, "%016" PRIx64 "  %10" PRIx64 "  %12" PRIu64 "\n\n",
		      page_struct(s, n->start_pfn), n->start_pfn * page, n->start_pfn);
	iq_buf_puts(out, "ZONE  NAME         SIZE       MEM_MAP      START_PADDR  START_MAPNR\n");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_zone *z = &x->zone[i];

		if (z->node == n->id)
			iq_buf_printf(out,
				      "%3u   %-8s %8" PRIu64 "  %16" PRIx64 "  %11" PRIx64
				      "  %11" PRIu64 "\n",
				      z->index, z->name, z->spanned,
				      z->spanned ? page_struct(s, z->start_pfn) : 0,
				      z->start_pfn * page, z->start_pfn);
	}
}

static void text_sections(const struct nodes_result *x, struct iq_buf *out)
{
	static const char letters[] = "PMOED";
	char nr[24];
	int width;

	snprintf(nr, sizeof(nr), "%" PRIu64, x->section[x->nr_sections - 1].nr);
	width = IQ_MAX((int)strlen(nr), 2);
	iq_buf_puts(out,
		    "\n-------------------------------------------------------------------\n\n");
	iq_buf_printf(out,
		      "%-*s      SECTION        CODED_MEM_MAP        MEM_MAP       STATE PFN\n",
		      width, "NR");
	for (unsigned int i = 0; i < x->nr_sections; i++) {
		const struct iq_section *n = &x->section[i];
		char state[sizeof(letters)] = "";
		unsigned int len = 0;

		for (unsigned int bit = 0; letters[bit]; bit++)
			if (n->flags >> bit & 1)
				state[len++] = letters[bit];
		iq_buf_printf(out,
			      "%*" PRIu64 "  %016" PRIx64 "  %016" PRIx64 "  %016" PRIx64
			      "  %-4s  %" PRIu64 "\n",
			      width, n->nr, n->address, n->coded, n->mem_map, state, n->start_pfn);
	}
}

static void text_blocks(const struct nodes_result *x, struct iq_buf *out)
{
	iq_buf_puts(out, "\n   MEM_BLOCK        NAME        PHYSICAL RANGE     NODE  STATE   "
			 "START_SECTION_NO\n");
	for (unsigned int i = 0; i < x->nr_blocks; i++) {
		const struct iq_memory_block *b = &x->block[i];

		iq_buf_printf(out,
			      " %016" PRIx64 "   %-10s %8" PRIx64 " - %8" PRIx64
			      "  %-3d  %-7s %" PRIu64 "\n",
			      b->address, b->name, b->start, b->end, b->node, b->state,
			      b->start_section);
	}
}

static void nodes_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct nodes_result *x = r->data;

	for (unsigned int i = 0; i < x->nr_nodes; i++) {
		if (i)
			iq_buf_putc(out, '\n');
		text_node(s, x, &x->node[i], out);
	}
	if (x->nr_sections)
		text_sections(x, out);
	if (x->nr_blocks)
		text_blocks(x, out);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_sections(const struct nodes_result *x)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < x->nr_sections; i++) {
		const struct iq_section *n = &x->section[i];
		json_t *o = json_object();

		json_object_set_new(o, "nr", json_integer((json_int_t)n->nr));
		json_object_set_new(o, "section", json_address(n->address));
		json_object_set_new(o, "mem_map", json_address(n->mem_map));
		json_object_set_new(o, "start_pfn", json_integer((json_int_t)n->start_pfn));
		json_object_set_new(o, "online", json_boolean(n->flags & IQ_SECTION_ONLINE));
		json_object_set_new(o, "early", json_boolean(n->flags & IQ_SECTION_EARLY));
		json_object_set_new(o, "device", json_boolean(n->flags & IQ_SECTION_DEVICE));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *json_blocks(const struct nodes_result *x)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < x->nr_blocks; i++) {
		const struct iq_memory_block *b = &x->block[i];
		json_t *o = json_object();

		json_object_set_new(o, "memory_block", json_address(b->address));
		json_object_set_new(o, "name", json_string(b->name));
		json_object_set_new(o, "start", json_address(b->start));
		json_object_set_new(o, "end", json_address(b->end));
		json_object_set_new(o, "node", json_integer(b->node));
		json_object_set_new(o, "state", json_string(b->state));
		json_object_set_new(o, "start_section", json_integer((json_int_t)b->start_section));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *nodes_json(struct session *s, const struct result *r)
{
	const struct nodes_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr_nodes; i++) {
		const struct iq_node *n = &x->node[i];
		json_t *node = json_object(), *zones = json_array();

		for (unsigned int j = 0; j < x->nr; j++)
			if (x->zone[j].node == n->id)
				json_array_append_new(zones, json_zone(&x->zone[j]));
		json_object_set_new(node, "node", json_integer(n->id));
		json_object_set_new(node, "pglist_data", json_address(n->address));
		json_object_set_new(node, "start_pfn", json_integer((json_int_t)n->start_pfn));
		json_object_set_new(node, "spanned", json_integer((json_int_t)n->spanned));
		json_object_set_new(node, "present", json_integer((json_int_t)n->present));
		json_object_set_new(node, "zones", zones);
		json_array_append_new(list, node);
	}
	json_object_set_new(o, "nodes", list);
	json_object_set_new(o, "sections", json_sections(x));
	json_object_set_new(o, "blocks", json_blocks(x));
	return o;
}

static const struct result_ops nodes_ops = {nodes_text, nodes_json, nodes_free};

struct iq_error *kmem_nodes(struct session *s, struct result *r)
{
	struct nodes_result *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	err = iq_zones(s->kernel, &x->zone, &x->nr);
	if (!err)
		err = iq_nodes(s->kernel, &x->node, &x->nr_nodes);
	if (!err) {
		struct iq_error *none = iq_sections(s->kernel, &x->section, &x->nr_sections);

		if (none) /* the rest is worth showing */
			iq_warn(s->kernel->warnings, "%s", none->message);
		iq_error_free(none);
		err = iq_memory_blocks(s->kernel, &x->block, &x->nr_blocks);
	}
	if (err) {
		nodes_free(x);
		return err;
	}
	*r = (struct result){&nodes_ops, x};
	return NULL;
}
