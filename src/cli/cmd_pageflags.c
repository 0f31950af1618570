// SPDX-License-Identifier: GPL-2.0-or-later
/* pageflags: the flags words of struct pages by the names that this kernel has for their bits. */
#include "cli.h"
#include <inttypes.h>
#include <stdlib.h>

struct pageflags_result {
	uint64_t *flags; /* owned */
	unsigned int nr;
};

static void pageflags_free(void *data)
{
	struct pageflags_result *x = data;

	free(x->flags);
	free(x);
}

/* What the bits above the flags say: see include/linux/page-flags-layout.h. */
static void text_places(struct session *s, uint64_t flags, struct iq_buf *out)
{
	struct iq_page page = {.flags = flags};
	int node = iq_page_node(s->kernel, &page);

	if (node >= 0)
		iq_buf_printf(out, "  (node %d)", node);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct pageflags_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		size_t start;

		iq_buf_printf(out, "%" PRIx64 "  ", x->flags[i]);
		start = out->len;
		iq_page_flags_text(s->kernel, x->flags[i], out);
		if (out->len == start)
			iq_buf_puts(out, "none");
		text_places(s, x->flags[i], out);
		iq_buf_putc(out, '\n');
	}
}

static json_t *json_names(struct session *s, uint64_t flags)
{
	struct iq_buf names = {0};
	json_t *list = json_array();
	char *save = NULL;

	iq_page_flags_text(s->kernel, flags, &names);
	for (char *name = names.len ? strtok_r(names.s, ",", &save) : NULL; name;
	     name = strtok_r(NULL, ",", &save))
		json_array_append_new(list, json_string(name));
	iq_buf_free(&names);
	return list;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct pageflags_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		struct iq_page page = {.flags = x->flags[i]};
		int node = iq_page_node(s->kernel, &page);
		json_t *e = json_object();

		json_object_set_new(e, "flags", json_address(x->flags[i]));
		json_object_set_new(e, "names", json_names(s, x->flags[i]));
		json_object_set_new(e, "node", node < 0 ? json_null() : json_integer(node));
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "words", list);
	return o;
}

static const struct result_ops ops = {text, json, pageflags_free};

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct pageflags_result *x = data;
	struct iq_error *err = NULL;
	struct iq_kernel *k;
	struct iq_types *t;

	if (next_option(&o, "", &err) != -1)
		return err;
	if (o.index >= argc)
		return iq_error_new(IQ_E_USAGE, "pageflags needs the flags of a struct page");
	IQ_TRY(need_kernel(s, &k));
	IQ_TRY(iq_kernel_need_types(k, &t));
	if (!iq_type_by_name(t, "enum pageflags"))
		return iq_error_new(IQ_E_NOT_FOUND, "this kernel's types have no enum pageflags");
	x->flags = calloc((size_t)(argc - o.index), sizeof(*x->flags));
	if (!x->flags)
		return iq_error_nomem();
	for (int i = o.index; i < argc; i++) {
		if (!iq_parse_hex(argv[i], &x->flags[x->nr]))
			IQ_TRY(parse_address(s, argv[i], &x->flags[x->nr]));
		x->nr++;
	}
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct pageflags_result), fill, &ops, r);
}

const struct command cmd_pageflags = {
	.name = "pageflags",
	.summary = "flags of a struct page by their names",
	.help = "pageflags FLAGS…\n"
		"\n"
		"The names of the bits set in each word (hexadecimal), as the member flags of a struct page\n"
		"has it, by this kernel's own enum pageflags, and the node in its highest bits.  kmem -g lists\n"
		"all flags.\n"
		"\n"
		"  inquest> pageflags 17ffffc0010200\n",
	.run = run,
	.no_context = true,
};
