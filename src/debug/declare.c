// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * C declarations as gdb and crash print them.  A declaration is built from the inside out, starting
 * from the name: what a type derives from it (*, [n], (parameters)) is put around it, until the
 * type at the bottom goes in front.
 */
#include "types_source.h"

#define MAX_NESTING 8 /* functions in parameters of functions */
#define MAX_PARAMETERS 64 /* shown */
#define MAX_LENGTH 16384 /* of one declarator; a damaged type has no end */

struct declarator {
	struct iq_buf text;
	bool pointer; /* begins with '*': needs parentheses before [] and () */
	bool is_const, is_volatile, is_restrict; /* of the type that comes next */
};

static void declare(const struct iq_type *t, const char *name, unsigned int depth,
		    struct iq_buf *out);

/* BEFORE + what is there + AFTER. */
static void wrap(struct declarator *d, const char *before, const char *after)
{
	struct iq_buf text = {0};

	iq_buf_puts(&text, before);
	iq_buf_puts(&text, iq_buf_str(&d->text));
	iq_buf_puts(&text, after);
	iq_buf_free(&d->text);
	d->text = text;
}

static void put_qualifiers(struct declarator *d, struct iq_buf *out)
{
	if (d->is_const)
		iq_buf_puts(out, "const ");
	if (d->is_volatile)
		iq_buf_puts(out, "volatile ");
	if (d->is_restrict)
		iq_buf_puts(out, "restrict ");
	d->is_const = d->is_volatile = d->is_restrict = false;
}

static void put_pointer(struct declarator *d)
{
	struct iq_buf before = {0};

	iq_buf_putc(&before, '*');
	if (d->is_const || d->is_volatile || d->is_restrict) {
		iq_buf_putc(&before, ' ');
		put_qualifiers(d, &before);
		/* A blank behind the last one only if something follows. */
		if (!d->text.len && before.s)
			before.s[--before.len] = 0;
	}
	wrap(d, iq_buf_str(&before), "");
	iq_buf_free(&before);
	d->pointer = true;
}

static void put_array(struct declarator *d, uint64_t count)
{
	char dimension[32] = "[]";

	if (count)
		snprintf(dimension, sizeof(dimension), "[%llu]", (unsigned long long)count);
	if (d->pointer)
		wrap(d, "(", ")");
	wrap(d, "", dimension);
	d->pointer = false;
}

static void put_function(struct declarator *d, const struct iq_type *t, unsigned int depth)
{
	struct iq_buf list = {0};
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	iq_buf_putc(&list, '(');
	for (unsigned int i = 0; i < nr; i++) {
		if (i)
			iq_buf_puts(&list, ", ");
		if (i == MAX_PARAMETERS || depth == MAX_NESTING || list.len > MAX_LENGTH) {
			iq_buf_puts(&list, "...");
			break;
		}
		declare(m[i].type, "", depth + 1, &list);
	}
	if (t->variadic)
		iq_buf_puts(&list, nr ? ", ..." : "...");
	else if (!nr)
		iq_buf_puts(&list, "void");
	iq_buf_putc(&list, ')');
	if (d->pointer)
		wrap(d, "(", ")");
	wrap(d, "", iq_buf_str(&list));
	iq_buf_free(&list);
	d->pointer = false;
	/* A function cannot be const. */
	d->is_const = d->is_volatile = d->is_restrict = false;
}

/* Put everything around the declarator that T derives; returns what it derives it from. */
static const struct iq_type *surround(struct declarator *d, const struct iq_type *t,
				      unsigned int depth)
{
	for (unsigned int i = 0; i < TYPES_MAX_CHAIN && d->text.len < MAX_LENGTH; i++) {
		switch (t->kind) {
		case IQ_KIND_POINTER:
			put_pointer(d);
			break;
		case IQ_KIND_ARRAY:
			put_array(d, t->count);
			break;
		case IQ_KIND_FUNCTION:
			put_function(d, t, depth);
			break;
		case IQ_KIND_CONST:
			d->is_const = true;
			break;
		case IQ_KIND_VOLATILE:
			d->is_volatile = true;
			break;
		case IQ_KIND_RESTRICT:
			d->is_restrict = true;
			break;
		default:
			return t;
		}
		t = iq_type_target(t);
	}
	return &t->types->nothing.type;
}

static void put_base(const struct iq_type *t, struct iq_buf *out)
{
	const char *tag = "";

	switch (t->kind) {
	case IQ_KIND_STRUCT:
	case IQ_KIND_INCOMPLETE_STRUCT:
		tag = "struct ";
		break;
	case IQ_KIND_UNION:
	case IQ_KIND_INCOMPLETE_UNION:
		tag = "union ";
		break;
	case IQ_KIND_ENUM:
		tag = "enum ";
		break;
	default:
		break;
	}
	iq_buf_puts(out, tag);
	iq_buf_puts(out, *t->name ? t->name : "{...}");
}

static void declare(const struct iq_type *t, const char *name, unsigned int depth,
		    struct iq_buf *out)
{
	struct declarator d = {0};

	iq_buf_puts(&d.text, name);
	t = surround(&d, t, depth);
	put_qualifiers(&d, out);
	put_base(t, out);
	if (d.text.len)
		iq_buf_putc(out, ' ');
	iq_buf_puts(out, iq_buf_str(&d.text));
	out->failed |= d.text.failed;
	iq_buf_free(&d.text);
}

void iq_type_declare(const struct iq_type *t, const char *name, struct iq_buf *out)
{
	declare(t, name, 0, out);
}

const struct iq_type *iq_type_declarator(const struct iq_type *t, const char *name,
					 struct iq_buf *out)
{
	struct declarator d = {0};

	iq_buf_puts(&d.text, name);
	t = surround(&d, t, 0);
	iq_buf_puts(out, iq_buf_str(&d.text));
	out->failed |= d.text.failed;
	iq_buf_free(&d.text);
	return t;
}
