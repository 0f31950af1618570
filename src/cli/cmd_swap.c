// SPDX-License-Identifier: GPL-2.0-or-later
/* swap: the swap areas. */
#include "cli.h"
#include <inquest/swap.h>
#include <inttypes.h>
#include <stdlib.h>

static void free_result(void *data)
{
	iq_swap_areas_free(data);
	free(data);
}

static uint64_t kilobytes(struct session *s, uint64_t pages)
{
	return pages * (iq_dump_info(s->dump)->page_size / 1024);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct iq_swap_areas *x = r->data;

	iq_buf_puts(out, "SWAP_INFO_STRUCT    TYPE       SIZE       USED     PCT  PRI  FILENAME\n");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_swap_area *a = &x->area[i];

		iq_buf_printf(out,
			      "%016" PRIx64 "  %-9s %9" PRIu64 "k %9" PRIu64 "k  %4" PRIu64
			      "%% %4d  ",
			      a->address, a->file ? "FILE" : "PARTITION", kilobytes(s, a->pages),
			      kilobytes(s, a->used), a->pages ? a->used * 100 / a->pages : 0,
			      a->priority);
		if (*a->path)
			iq_buf_add_escaped(out, a->path, strlen(a->path), false);
		else
			iq_buf_puts(out, "(unknown)");
		iq_buf_putc(out, '\n');
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct iq_swap_areas *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct iq_swap_area *a = &x->area[i];
		json_t *e = json_object();

		json_object_set_new(e, "swap_info", json_address(a->address));
		json_object_set_new(e, "number", json_integer(a->type));
		json_object_set_new(e, "type", json_string(a->file ? "file" : "partition"));
		json_object_set_new(e, "size_kb", json_integer((json_int_t)kilobytes(s, a->pages)));
		json_object_set_new(e, "used_kb", json_integer((json_int_t)kilobytes(s, a->used)));
		json_object_set_new(e, "priority", json_integer(a->priority));
		json_object_set_new(e, "path",
				    *a->path ? json_text(a->path, strlen(a->path)) : json_null());
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "areas", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct iq_kernel *k;

	if (argc > 1)
		return iq_error_new(IQ_E_USAGE, "swap takes no options and no words: unexpected %s",
				    argv[1]);
	IQ_TRY(need_kernel(s, &k));
	return iq_swap_areas(k, data);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct iq_swap_areas), fill, &ops, r);
}

const struct command cmd_swap = {
	.name = "swap",
	.summary = "the swap areas and how full they are",
	.help = "swap\n"
		"\n"
		"Lists the swap areas in use: struct swap_info_struct, whether it is a partition "
		"or a\n"
		"file, its size, how much of it is used, its priority and path; what /proc/swaps\n"
		"shows.\n"
		"\n"
		"  inquest> swap\n",
	.run = run,
	.no_context = true,
};
