// SPDX-License-Identifier: GPL-2.0-or-later
/* pahole: holes and cache lines of a struct, in the layout of pahole. */
#include "show.h"
#include "type_find.h"
#include <inquest/layout.h>
#include <inttypes.h>
#include <stdlib.h>

#define TYPE_COLUMNS 26 /* of a declaration at the outermost level */
#define NAME_COLUMNS 21
#define TAB 8
#define LINE_SIZE 64 /* bytes of a cache line, on every machine that is supported */
#define MAX_LINE_SIZE 65536

struct pahole_result {
	struct found_type found;
	struct iq_struct_layout layout;
};

static void free_result(void *data)
{
	struct pahole_result *x = data;

	iq_struct_layout_close(&x->layout);
	free(x->found.name);
	free(x);
}

/* ---- Text -------------------------------------------------------------------------------------- */

static void put_tabs(struct iq_buf *out, unsigned int depth)
{
	for (unsigned int i = 0; i <= depth; i++)
		iq_buf_putc(out, '\t');
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* What a declarator has in front of its name: "* const ", "**". */
static size_t stars(const char *declarator)
{
	static const char *const words[] = {"*", " ", "const ", "volatile ", "restrict "};
	size_t len = 0;

	for (bool more = *declarator == '*'; more;) {
		more = false;
		for (unsigned int i = 0; i < IQ_ARRAY_SIZE(words); i++) {
			size_t n = strlen(words[i]);

			if (!strncmp(declarator + len, words[i], n)) {
				len += n;
				more = true;
			}
		}
	}
	while (len && declarator[len - 1] == ' ')
		len--;
	return len;
}

/* The declaration of M, its type in a column of its own. */
static void put_declaration(const struct iq_layout_item *item, struct iq_buf *out)
{
	const struct iq_member *m = item->member;
	struct iq_buf declarator = {0}, whole = {0}, type = {0};
	const char *name;
	size_t front, indent = TAB * (size_t)item->depth, start = out->len;

	iq_type_declarator(m->type, m->name, &declarator);
	iq_type_declare(m->type, m->name, &whole);
	name = iq_buf_str(&declarator);
	front = stars(name);
	/* What stands in front of the declarator in the declaration, qualifiers and tag with it. */
	iq_buf_add(&type, iq_buf_str(&whole), whole.len - IQ_MIN(whole.len, declarator.len));
	while (type.len && type.s[type.len - 1] == ' ')
		type.s[--type.len] = '\0';
	if (front) {
		iq_buf_putc(&type, ' ');
		iq_buf_add(&type, name, front);
		name += front + strspn(name + front, " ");
	}
	iq_buf_puts(out, iq_buf_str(&type));
	for (size_t at = type.len; at < TYPE_COLUMNS - IQ_MIN(indent, (size_t)TYPE_COLUMNS); at++)
		iq_buf_putc(out, ' ');
	iq_buf_printf(out, " %s", name);
	if (m->bit_size)
		iq_buf_printf(out, ":%u", m->bit_size);
	iq_buf_putc(out, ';');
	for (size_t at = out->len - start + indent; at < TYPE_COLUMNS + 1 + NAME_COLUMNS; at++)
		iq_buf_putc(out, ' ');
	iq_buf_free(&declarator);
	iq_buf_free(&whole);
	iq_buf_free(&type);
}

static void put_place(const struct iq_layout_item *item, struct iq_buf *out)
{
	uint64_t at = item->bit_offset / 8, unit = item->size ? item->size : 1;

	if (!item->member->bit_size) {
		iq_buf_printf(out, " /* %5" PRIu64 " %5" PRIu64 " */\n", at, item->size);
		return;
	}
	at -= at % unit;
	iq_buf_printf(out, " /* %5" PRIu64 ":%2" PRIu64 " %2" PRIu64 " */\n", at,
		      item->bit_offset - 8 * at, item->size);
}

static void put_boundary(const struct iq_struct_layout *l, const struct iq_layout_item *item,
			 struct iq_buf *out)
{
	uint64_t unit = item->member->bit_size && item->size ? item->size : 1;
	uint64_t at = item->bit_offset / 8, start = item->boundary * l->line_size, past;

	if (!item->boundary)
		return;
	past = at - at % unit - start;
	put_tabs(out, item->depth);
	iq_buf_printf(out, "/* --- cacheline %" PRIu64 " boundary (%" PRIu64 " bytes)",
		      item->boundary, start);
	if (past)
		iq_buf_printf(out, " was %" PRIu64 " byte%s ago", past, plural(past));
	iq_buf_puts(out, " --- */\n");
}

/* Remarks stand apart, those that follow each other together. */
static void put_holes(const struct iq_layout_item *item, struct iq_buf *out)
{
	if (!item->hole && !item->bit_hole)
		return;
	iq_buf_putc(out, '\n');
	if (item->bit_hole) {
		put_tabs(out, item->depth);
		iq_buf_printf(out, "/* XXX %u bit%s hole, try to pack */\n", item->bit_hole,
			      plural(item->bit_hole));
	}
	if (item->hole) {
		put_tabs(out, item->depth);
		iq_buf_printf(out, "/* XXX %" PRIu64 " byte%s hole, try to pack */\n", item->hole,
			      plural(item->hole));
	}
	iq_buf_putc(out, '\n');
}

static void put_padding(const struct iq_layout_item *item, struct iq_buf *out)
{
	if (!item->padding)
		return;
	iq_buf_putc(out, '\n');
	put_tabs(out, item->depth);
	iq_buf_printf(out, "/* XXX last struct has %" PRIu64 " byte%s of padding */\n",
		      item->padding, plural(item->padding));
	iq_buf_putc(out, '\n');
}

/* What the declaration of a member is about; it has no name if it is declared in place. */
static const struct iq_type *declared(const struct iq_member *m)
{
	struct iq_buf unused = {0};
	const struct iq_type *t = iq_type_declarator(m->type, "", &unused);

	iq_buf_free(&unused);
	return t;
}

/* "} name;" and where it was, in the columns of its level. */
static void put_close(const struct iq_layout_item *item, struct iq_buf *out)
{
	size_t start = out->len, indent = TAB * (size_t)item->depth;

	struct iq_buf declarator = {0};

	iq_type_declarator(item->member->type, item->member->name, &declarator);
	iq_buf_printf(out, "}%s%s", declarator.len ? " " : "", iq_buf_str(&declarator));
	if (item->member->bit_size)
		iq_buf_printf(out, ":%u", item->member->bit_size);
	iq_buf_putc(out, ';');
	iq_buf_free(&declarator);
	for (size_t at = out->len - start + indent; at < TYPE_COLUMNS + 1 + NAME_COLUMNS; at++)
		iq_buf_putc(out, ' ');
	put_place(item, out);
}

/* The constants of an enum that is declared in place. */
static void put_constants(const struct iq_type *t, unsigned int depth, struct iq_buf *out)
{
	unsigned int nr;
	const struct iq_enumerator *e = iq_type_enumerators(t, &nr);

	iq_buf_puts(out, "enum {\n");
	for (unsigned int i = 0; i < nr; i++) {
		put_tabs(out, depth + 1);
		iq_buf_add_escaped(out, e[i].name, strlen(e[i].name), false);
		iq_buf_printf(out, " = %" PRId64 ",\n", e[i].value);
	}
	put_tabs(out, depth);
}

static void put_item(const struct iq_struct_layout *l, const struct iq_layout_item *item,
		     struct iq_buf *out)
{
	const struct iq_type *t;

	if (item->kind != IQ_LAYOUT_CLOSE) {
		put_holes(item, out);
		put_boundary(l, item, out);
	}
	put_tabs(out, item->depth);
	switch (item->kind) {
	case IQ_LAYOUT_OPEN:
		iq_buf_printf(out, "%s {\n", tag_of(declared(item->member)));
		return;
	case IQ_LAYOUT_CLOSE:
		put_close(item, out);
		break;
	case IQ_LAYOUT_MEMBER:
		t = declared(item->member);
		if (t->kind == IQ_KIND_ENUM && !*t->name) {
			put_constants(t, item->depth, out);
			put_close(item, out);
			break;
		}
		put_declaration(item, out);
		put_place(item, out);
		break;
	}
	put_padding(item, out);
}

/* "members: 4, sum members: …": what is zero is left out, as pahole does. */
static void put_sums(const struct iq_struct_layout *l, struct iq_buf *out)
{
	bool holes = l->sum_holes || l->sum_bit_holes;
	uint64_t last = l->size % l->line_size;

	iq_buf_printf(out, "\n\t/* size: %" PRIu64 ", cachelines: %" PRIu64 ", members: %u */\n",
		      l->size, (l->size + l->line_size - 1) / l->line_size, l->nr_members);
	if (holes && l->sum_members) {
		iq_buf_printf(out, "\t/* sum members: %" PRIu64, l->sum_members);
		if (l->sum_holes)
			iq_buf_printf(out, ", holes: %u, sum holes: %" PRIu64, l->nr_holes,
				      l->sum_holes);
		iq_buf_puts(out, " */\n");
	}
	if (holes && l->sum_bits) {
		iq_buf_printf(out, "\t/* sum bitfield members: %" PRIu64 " bits", l->sum_bits);
		if (l->sum_bit_holes)
			iq_buf_printf(out, ", bit holes: %u, sum bit holes: %" PRIu64 " bits",
				      l->nr_bit_holes, l->sum_bit_holes);
		else
			iq_buf_printf(out, " (%" PRIu64 " bytes)", l->sum_bits / 8);
		iq_buf_puts(out, " */\n");
	}
	if (l->padding)
		iq_buf_printf(out, "\t/* padding: %" PRIu64 " */\n", l->padding);
	if (l->nr_paddings)
		iq_buf_printf(out, "\t/* paddings: %u, sum paddings: %" PRIu64 " */\n",
			      l->nr_paddings, l->sum_paddings);
	if (l->bit_padding)
		iq_buf_printf(out, "\t/* bit_padding: %u bits */\n", l->bit_padding);
	if (last)
		iq_buf_printf(out, "\t/* last cacheline: %" PRIu64 " bytes */\n", last);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct pahole_result *x = r->data;
	const struct iq_struct_layout *l = &x->layout;
	bool is_struct = iq_type_strip(x->found.type)->kind == IQ_KIND_STRUCT;

	if (!strchr(x->found.name, ' '))
		iq_buf_printf(out, "%s ", tag_of(x->found.type));
	iq_buf_add_escaped(out, x->found.name, strlen(x->found.name), false);
	iq_buf_puts(out, " {\n");
	for (unsigned int i = 0; i < l->nr_items; i++)
		put_item(l, &l->items[i], out);
	if (is_struct)
		put_sums(l, out);
	iq_buf_puts(out, "};\n");
	if (!is_struct)
		iq_buf_printf(out, "/* size: %" PRIu64 ", members: %u */\n", l->size,
			      l->nr_members);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

/* Items from *AT on that stand at DEPTH. */
static json_t *json_items(const struct iq_struct_layout *l, unsigned int *at, unsigned int depth)
{
	json_t *list = json_array();

	while (*at < l->nr_items && l->items[*at].depth == depth &&
	       l->items[*at].kind != IQ_LAYOUT_CLOSE) {
		const struct iq_layout_item *item = &l->items[(*at)++];
		json_t *o = json_member(NULL, item->member->name, item->member, 0);

		json_object_set_new(o, "offset", json_integer((json_int_t)(item->bit_offset / 8)));
		json_object_set_new(o, "size", json_integer((json_int_t)item->size));
		json_object_set_new(o, "hole", json_integer((json_int_t)item->hole));
		json_object_set_new(o, "bit_hole", json_integer(item->bit_hole));
		json_object_set_new(o, "padding", json_integer((json_int_t)item->padding));
		if (item->kind == IQ_LAYOUT_OPEN) {
			json_object_set_new(o, "members", json_items(l, at, depth + 1));
			*at += *at < l->nr_items; /* its end */
		}
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct pahole_result *x = r->data;
	const struct iq_struct_layout *l = &x->layout;
	json_t *o = json_object();
	unsigned int at = 0;

	json_object_set_new(o, "type", json_ctype(x->found.type));
	json_object_set_new(o, "module", json_module(x->found.module));
	json_object_set_new(o, "size", json_integer((json_int_t)l->size));
	json_object_set_new(o, "cacheline_size", json_integer((json_int_t)l->line_size));
	json_object_set_new(
		o, "cachelines",
		json_integer((json_int_t)((l->size + l->line_size - 1) / l->line_size)));
	json_object_set_new(o, "nr_members", json_integer(l->nr_members));
	json_object_set_new(o, "sum_members", json_integer((json_int_t)l->sum_members));
	json_object_set_new(o, "holes", json_integer(l->nr_holes));
	json_object_set_new(o, "sum_holes", json_integer((json_int_t)l->sum_holes));
	json_object_set_new(o, "sum_bits", json_integer((json_int_t)l->sum_bits));
	json_object_set_new(o, "bit_holes", json_integer(l->nr_bit_holes));
	json_object_set_new(o, "sum_bit_holes", json_integer((json_int_t)l->sum_bit_holes));
	json_object_set_new(o, "padding", json_integer((json_int_t)l->padding));
	json_object_set_new(o, "paddings", json_integer(l->nr_paddings));
	json_object_set_new(o, "sum_paddings", json_integer((json_int_t)l->sum_paddings));
	json_object_set_new(o, "bit_padding", json_integer(l->bit_padding));
	json_object_set_new(o, "members", json_items(l, &at, 0));
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* ---- The command ------------------------------------------------------------------------------- */

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct pahole_result *x = data;
	struct options o = {.argc = argc, .argv = argv};
	uint64_t line_size = LINE_SIZE;
	struct iq_buf name = {0};
	struct iq_kernel *k;
	struct iq_error *err;

	for (;;) {
		int option = next_option(&o, "c:", &err);

		if (!err && option == 'c')
			err = parse_number(o.value, "a size in bytes", MAX_LINE_SIZE, &line_size);
		if (err || (option == -1 && o.index >= argc))
			break;
		if (option == -1)
			iq_buf_printf(&name, "%s%s", name.len ? " " : "", argv[o.index++]);
	}
	if (!err && !line_size)
		err = iq_error_new(IQ_E_USAGE, "a cache line has one byte at least");
	if (!err && !name.len)
		err = iq_error_hint(iq_error_new(IQ_E_USAGE, "the name of a struct is missing"),
				    "pahole NAME");
	if (!err)
		err = need_kernel(s, &k);
	if (!err)
		err = find_type(s, iq_buf_str(&name), WANT_STRUCT, &x->found);
	if (!err)
		err = warn_of_others(s, &x->found);
	if (!err)
		err = iq_struct_layout_open(x->found.type, line_size, &x->layout);
	iq_buf_free(&name);
	return err;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct pahole_result), fill, &ops, r);
}

const struct command cmd_pahole = {
	.name = "pahole",
	.summary = "holes and cache lines of a struct",
	.help = "pahole [-c BYTES] NAME\n\n"
		"The definition of a struct or union with offset and size of each member, the "
		"holes between\n"
		"them, where cache lines begin, and the sums; laid out as pahole does.  Offsets of "
		"members that\n"
		"are declared in place count from the start of the whole.\n\n"
		"  -c BYTES  size of a cache line; 64 if nothing is said\n\n"
		"  pahole sk_buff\n",
	.run = run,
	.completes = "t",
	.no_context = true,
};
