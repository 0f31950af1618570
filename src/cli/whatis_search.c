// SPDX-License-Identifier: GPL-2.0-or-later
/* whatis -r, -m, -t, -n: types sought by size, name or members. */
#include "whatis_search.h"
#include "show.h"
#include "type_find.h"
#include <inttypes.h>
#include <stdlib.h>

#define MAX_HITS 1000000 /* types */

struct hit {
	const struct iq_type *type;
	struct iq_module *module; /* NULL: the kernel's */
	uint64_t size;
};

struct search_result {
	struct iq_type_search *search;
	bool show_members, tags;
	struct hit *hits;
	unsigned int nr, room;
};

static void free_result(void *data)
{
	struct search_result *x = data;

	iq_type_search_close(x->search);
	free(x->hits);
	free(x);
}

/* ---- Text -------------------------------------------------------------------------------------- */

/* The name alone, as crash lists them; with its tag where names were sought. */
static void put_type(const struct search_result *x, const struct iq_type *t, struct iq_buf *out)
{
	if (x->tags &&
	    (t->kind == IQ_KIND_STRUCT || t->kind == IQ_KIND_UNION || t->kind == IQ_KIND_ENUM))
		iq_buf_printf(out, "%s ", tag_of(t));
	iq_buf_add_escaped(out, t->name, strlen(t->name), false);
}

static void text_types(const struct search_result *x, struct iq_buf *out)
{
	int width = snprintf(NULL, 0, "%" PRIu64, x->hits[x->nr - 1].size);

	width = IQ_MAX(width, 4);
	iq_buf_printf(out, "%*s  TYPE\n", width, "SIZE");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct hit *h = &x->hits[i];

		/* Types that differ in nothing that is shown. */
		if (i && h[-1].size == h->size && !strcmp(h[-1].type->name, h->type->name) &&
		    (!x->tags || h[-1].type->kind == h->type->kind))
			continue;
		iq_buf_printf(out, "%*" PRIu64 "  ", width, h->size);
		put_type(x, h->type, out);
		iq_buf_putc(out, '\n');
	}
}

struct member_lines {
	const struct iq_type *type;
	struct iq_buf *out;
	int width;
};

static bool text_member(void *arg, const char *path, const struct iq_member *m)
{
	const struct member_lines *l = arg;
	struct iq_buf name = {0};
	char offset[32];

	iq_buf_printf(&name, "%s%s%s", l->type->name, *path ? "." : "", path);
	snprintf(offset, sizeof(offset), "[%" PRIu64 "]", m->bit_offset / 8);
	iq_buf_printf(l->out, "%*s ", l->width, offset);
	iq_type_declare(m->type, iq_buf_str(&name), l->out);
	if (m->bit_size)
		iq_buf_printf(l->out, " : %u", m->bit_size);
	iq_buf_puts(l->out, ";\n");
	iq_buf_free(&name);
	return !l->out->failed;
}

static void text_members(const struct search_result *x, struct iq_buf *out)
{
	struct member_lines l = {.out = out};

	l.width = snprintf(NULL, 0, "[%" PRIu64 "]", x->hits[x->nr - 1].size);
	for (unsigned int i = 0; i < x->nr; i++) {
		l.type = x->hits[i].type;
		iq_type_search_members(x->search, l.type, text_member, &l);
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct search_result *x = r->data;

	if (!x->nr)
		iq_buf_puts(out, "(none found)\n");
	else if (x->show_members)
		text_members(x, out);
	else
		text_types(x, out);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static bool json_one_member(void *arg, const char *path, const struct iq_member *m)
{
	return !json_array_append_new(arg, json_member(NULL, path, m, 0));
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct search_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct hit *h = &x->hits[i];
		json_t *one = json_object();

		json_object_set_new(one, "name", json_text(h->type->name, strlen(h->type->name)));
		json_object_set_new(one, "type", json_ctype(h->type));
		json_object_set_new(one, "size", json_integer((json_int_t)h->size));
		json_object_set_new(one, "module", json_module(h->module));
		if (x->show_members) {
			json_t *members = json_array();

			iq_type_search_members(x->search, h->type, json_one_member, members);
			json_object_set_new(one, "members", members);
		}
		json_array_append_new(list, one);
	}
	json_object_set_new(o, "types", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- Searching --------------------------------------------------------------------------------- */

static struct iq_error *set_range(struct whatis_search *w, const char *value)
{
	const char *dash = strchr(value, '-');
	char lowest[32];

	if (dash && (size_t)(dash - value) >= sizeof(lowest))
		return iq_error_new(IQ_E_USAGE, "%s is not a range of sizes", value);
	snprintf(lowest, sizeof(lowest), "%.*s", dash ? (int)(dash - value) : 31, value);
	IQ_TRY(parse_number(lowest, "a size", UINT64_MAX, &w->q.lowest));
	w->q.highest = w->q.lowest;
	if (dash)
		IQ_TRY(parse_number(dash + 1, "a size", UINT64_MAX, &w->q.highest));
	w->q.has_size = true;
	return NULL;
}

struct iq_error *whatis_search_option(struct whatis_search *w, int option, const char *value)
{
	w->asked = true;
	switch (option) {
	case 'r':
		return set_range(w, value);
	case 'm':
		w->q.member_type = value;
		break;
	case 't':
		w->q.name = value;
		break;
	default:
		w->q.member = value;
		w->show_members = true;
		break;
	}
	return NULL;
}

static struct iq_error *search_types(struct session *s, struct search_result *x,
				     struct iq_types *types, struct iq_module *module)
{
	for (uint32_t id = 0; (id = iq_types_next(types, id)) != 0;) {
		const struct iq_type *t = iq_type_by_id(types, id);

		if (iq_cancelled(&s->cancel))
			break;
		if (!t || !iq_type_search_fits(x->search, t))
			continue;
		if (x->nr == MAX_HITS)
			return iq_error_new(IQ_E_LIMIT, "more than %d types", MAX_HITS);
		if (!iq_grow(&x->hits, &x->room, x->nr + 1, sizeof(*x->hits)))
			return iq_error_nomem();
		x->hits[x->nr++] = (struct hit){t, module, iq_type_strip(t)->size};
	}
	return NULL;
}

/* By size, then name, then where they were found. */
static int compare(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;
	int order;

	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	order = strcmp(x->type->name, y->type->name);
	if (!order)
		order = (int)x->type->kind - (int)y->type->kind;
	if (!order && x->module != y->module)
		order = !x->module ? -1 : !y->module ? 1 : strcmp(x->module->name, y->module->name);
	return order ? order : x->type->id < y->type->id ? -1 : x->type->id > y->type->id;
}

static struct iq_error *search_all(struct session *s, struct search_result *x)
{
	struct iq_module *const *modules;
	struct iq_error *err;
	struct iq_types *types;
	unsigned int nr = 0;

	IQ_TRY(iq_kernel_need_types(s->kernel, &types));
	IQ_TRY(search_types(s, x, types, NULL));
	err = iq_modules(s->kernel, &modules, &nr);
	if (err) {
		iq_warn(&s->warnings, "types of modules are left out: %s", err->message);
		iq_error_free(err);
	}
	for (unsigned int i = 0; i < nr; i++) {
		types = iq_module_types(s->kernel, modules[i]);
		if (types)
			IQ_TRY(search_types(s, x, types, modules[i]));
	}
	if (x->nr)
		qsort(x->hits, x->nr, sizeof(*x->hits), compare);
	return NULL;
}

struct iq_error *whatis_search_run(struct session *s, const struct whatis_search *w,
				   struct result *r)
{
	struct search_result *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	x->show_members = w->show_members;
	x->tags = w->q.name != NULL;
	err = iq_type_search_open(&w->q, &x->search);
	if (!err)
		err = search_all(s, x);
	if (err)
		free_result(x);
	else
		*r = (struct result){&ops, x};
	return err;
}
