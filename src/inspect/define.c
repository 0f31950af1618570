// SPDX-License-Identifier: GPL-2.0-or-later
/* Definitions of types as crash's struct and whatis print them. */
#include "expr.h"
#include <inttypes.h>

#define MAX_NESTING 32 /* anonymous structs in anonymous structs */
#define MAX_MEMBERS 20000 /* of one definition: a damaged type may contain itself many times */

struct definer {
	struct iq_buf *out;
	const struct iq_define *how;
	unsigned int width; /* of "  [offset]" */
	unsigned int budget; /* members that may still be written */
	unsigned int away; /* in so many targets of pointers, which lie somewhere else */
};

static bool is_aggregate(const struct iq_type *t)
{
	return t->kind == IQ_KIND_STRUCT || t->kind == IQ_KIND_UNION;
}

/* What a declaration is about when pointers and dimensions are taken off; typedefs stay. */
static const struct iq_type *innermost(const struct iq_type *t)
{
	for (unsigned int i = 0; i < 64; i++) {
		t = iq_type_unqualified(t);
		if (t->kind != IQ_KIND_POINTER && t->kind != IQ_KIND_ARRAY)
			break;
		t = iq_type_target(t);
	}
	return t;
}

/* Is it a pointer, or an array of pointers, that is declared? */
static bool is_reference(const struct iq_type *t)
{
	for (unsigned int i = 0; i < 64 && iq_type_strip(t)->kind == IQ_KIND_ARRAY; i++)
		t = iq_type_target(iq_type_strip(t));
	return iq_type_strip(t)->kind == IQ_KIND_POINTER;
}

static void put_name(struct iq_buf *out, const char *name)
{
	iq_buf_add_escaped(out, name, strlen(name), false);
}

/* "[16] " or as many blanks; BIT_OFFSET from the start of the whole. */
static void put_offset(struct definer *d, uint64_t bit_offset, bool shown)
{
	char text[32] = "";

	if (!d->how->offsets)
		return;
	shown = shown && !d->away;
	if (shown && d->how->base)
		snprintf(text, sizeof(text), "  [%" PRIx64 "]", d->how->base + bit_offset / 8);
	else if (shown)
		snprintf(text, sizeof(text), d->how->hex ? "[0x%" PRIx64 "]" : "[%" PRIu64 "]",
			 bit_offset / 8);
	iq_buf_printf(d->out, "%*s ", (int)d->width, text);
}

static void put_members(struct definer *d, const struct iq_type *t, uint64_t bit_offset,
			unsigned int nesting);

/* The enumerators of T on one line: where a member's enum has no name. */
static void put_enumerators(struct definer *d, const struct iq_type *t)
{
	unsigned int nr;
	const struct iq_enumerator *e = iq_type_enumerators(t, &nr);
	int64_t next = 0;

	iq_buf_putc(d->out, '{');
	for (unsigned int i = 0; i < nr && d->budget; i++, d->budget--) {
		iq_buf_puts(d->out, i ? ", " : "");
		put_name(d->out, e[i].name);
		if (e[i].value != next)
			iq_buf_printf(d->out, " = %" PRId64, e[i].value);
		next = (int64_t)((uint64_t)e[i].value + 1);
	}
	iq_buf_putc(d->out, '}');
}

/* A member whose type has no name: its definition stands where the name would. */
static void put_anonymous(struct definer *d, const struct iq_member *m, const struct iq_type *t,
			  uint64_t bit_offset, unsigned int nesting)
{
	struct iq_buf text = {0};
	const char *whole, *dots;

	iq_type_declare(m->type, m->name, &text);
	whole = iq_buf_str(&text);
	dots = strstr(whole, "{...}");
	if (!dots) {
		iq_buf_puts(d->out, whole);
		iq_buf_free(&text);
		return;
	}
	iq_buf_add(d->out, whole, (size_t)(dots - whole));
	if (t->kind == IQ_KIND_ENUM) {
		put_enumerators(d, t);
	} else {
		iq_buf_puts(d->out, "{\n");
		d->away += is_reference(m->type);
		put_members(d, t, bit_offset, nesting + 1);
		d->away -= is_reference(m->type);
		/* Its name stands here, and so does its offset. */
		put_offset(d, bit_offset, *m->name);
		iq_buf_printf(d->out, "%*s}", (int)(4 * (nesting + !d->how->offsets)), "");
	}
	/* `struct {...} name` has a blank behind the dots, an unnamed one may have one too. */
	dots += strlen("{...}");
	iq_buf_puts(d->out, !strcmp(dots, " ") ? "" : dots);
	iq_buf_free(&text);
}

static void put_member(struct definer *d, const struct iq_member *m, uint64_t bit_offset,
		       unsigned int nesting)
{
	const struct iq_type *t = innermost(m->type);
	bool anonymous =
		!*t->name && (is_aggregate(t) || t->kind == IQ_KIND_ENUM) && nesting < MAX_NESTING;

	put_offset(d, bit_offset, !anonymous || t->kind == IQ_KIND_ENUM);
	iq_buf_printf(d->out, "%*s", (int)(4 * (nesting + !d->how->offsets)), "");
	if (anonymous)
		put_anonymous(d, m, t, bit_offset, nesting);
	else
		iq_type_declare(m->type, m->name, d->out);
	if (m->bit_size)
		iq_buf_printf(d->out, " : %u", m->bit_size);
	iq_buf_puts(d->out, ";\n");
}

static void put_members(struct definer *d, const struct iq_type *t, uint64_t bit_offset,
			unsigned int nesting)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	for (unsigned int i = 0; i < nr && d->budget; i++) {
		d->budget--;
		put_member(d, &m[i], bit_offset + m[i].bit_offset, nesting);
	}
	if (!nr) {
		put_offset(d, bit_offset, false);
		iq_buf_printf(d->out, "%*s<no data fields>\n",
			      (int)(4 * (nesting + !d->how->offsets)), "");
	}
}

/* In how many structs and unions without a name member NAME of T lies; -1: there is none. */
static int nesting_of(const struct iq_type *t, const char *name, unsigned int nesting,
		      unsigned int *budget)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	for (unsigned int i = 0; i < nr && *budget; i++, --*budget) {
		int inner = -1;

		if (!strcmp(m[i].name, name))
			return (int)nesting;
		if (!*m[i].name && nesting < MAX_NESTING)
			inner = nesting_of(m[i].type, name, nesting + 1, budget);
		if (inner >= 0)
			return inner;
	}
	return -1;
}

/* "struct list_head", "struct", "enum pid_type". */
static void put_tag(struct iq_buf *out, const struct iq_type *t)
{
	iq_buf_puts(out, t->kind == IQ_KIND_UNION  ? "union"
			 : t->kind == IQ_KIND_ENUM ? "enum"
						   : "struct");
	if (*t->name) {
		iq_buf_putc(out, ' ');
		put_name(out, t->name);
	}
}

/* Columns of "  [offset]" for the largest offset there can be. */
static unsigned int offset_width(const struct iq_type *t, const struct iq_define *how)
{
	int n = snprintf(NULL, 0, how->hex ? "  [0x%" PRIx64 "]" : "  [%" PRIu64 "]", t->size);

	return n > 0 ? (unsigned int)n : 5;
}

static void define_enum(const struct iq_type *t, struct iq_buf *out)
{
	unsigned int nr;
	const struct iq_enumerator *e = iq_type_enumerators(t, &nr);

	put_tag(out, t);
	iq_buf_puts(out, " {\n");
	for (unsigned int i = 0; i < nr && i < MAX_MEMBERS; i++) {
		iq_buf_puts(out, "  ");
		put_name(out, e[i].name);
		iq_buf_printf(out, " = %" PRId64 "\n", e[i].value);
	}
	iq_buf_putc(out, '}');
}

static void define_aggregate(struct definer *d, const struct iq_type *t)
{
	put_tag(d->out, t);
	iq_buf_puts(d->out, " {\n");
	put_members(d, t, 0, 0);
	iq_buf_putc(d->out, '}');
}

static void start(struct definer *d, const struct iq_type *t, const struct iq_define *how,
		  struct iq_buf *out)
{
	static const struct iq_define plain;

	*d = (struct definer){.out = out, .how = how ? how : &plain, .budget = MAX_MEMBERS};
	d->width = offset_width(iq_type_strip(t), d->how);
}

void iq_type_define(const struct iq_type *t, const struct iq_define *how, struct iq_buf *out)
{
	const struct iq_type *named = iq_type_unqualified(t), *target = iq_type_strip(t);
	bool is_typedef = named->kind == IQ_KIND_TYPEDEF;
	struct definer d;

	start(&d, t, how, out);
	if (is_typedef && !is_aggregate(target) && target->kind != IQ_KIND_ENUM) {
		iq_buf_puts(out, "typedef ");
		iq_type_declare(target, named->name, out);
		iq_buf_putc(out, ';');
		return;
	}
	if (is_typedef)
		iq_buf_puts(out, "typedef ");
	if (is_aggregate(target))
		define_aggregate(&d, target);
	else if (target->kind == IQ_KIND_ENUM)
		define_enum(target, out);
	else
		iq_type_declare(t, "", out);
	if (is_typedef) {
		iq_buf_putc(out, ' ');
		put_name(out, named->name);
	}
	if (is_typedef || target->kind == IQ_KIND_ENUM)
		iq_buf_putc(out, ';');
}

int iq_member_nesting(const struct iq_type *t, const char *name)
{
	return nesting_of(t, name, 0, &(unsigned int){MAX_MEMBERS});
}

struct iq_error *iq_type_define_member(const struct iq_type *t, const char *path,
				       const struct iq_define *how, struct iq_buf *out)
{
	bool is_path = strpbrk(path, ".[");
	struct definer d;
	struct iq_member m;
	int nesting;

	IQ_TRY(iq_member_find(t, path, &m));
	/* Of something deep inside its name alone would be taken for a member of T. */
	nesting = is_path ? 0 : iq_member_nesting(t, path);
	if (is_path)
		m.name = path;
	start(&d, t, how, out);
	put_member(&d, &m, m.bit_offset, nesting > 0 ? (unsigned int)nesting : 0);
	return NULL;
}
