// SPDX-License-Identifier: GPL-2.0-or-later
/* The text of struct and union: definitions, objects, members, raw memory; as crash lays it out. */
#include "struct.h"
#include <inttypes.h>

#define RAW_LINE 16 /* bytes of a line */
#define MAX_RAW (16u << 20) /* bytes of one object */

/* ---- Members ----------------------------------------------------------------------------------- */

/* Is the member named NAME the last one where it stands?  -1: not found here. */
static int last_in(const struct iq_type *t, const char *name, unsigned int depth)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	for (unsigned int i = 0; i < nr; i++) {
		int inner = -1;

		if (!strcmp(m[i].name, name))
			return i + 1 == nr;
		if (!*m[i].name && depth < 16)
			inner = last_in(m[i].type, name, depth + 1);
		if (inner >= 0)
			return inner;
	}
	return -1;
}

/* crash cuts members out of the whole struct: each has its comma but the last. */
static bool has_comma(const struct iq_type *t, const char *path)
{
	const char *dot = strrchr(path, '.'), *name = dot ? dot + 1 : path;
	struct iq_member parent = {.type = t};

	if (dot) {
		char *up = strndup(path, (size_t)(dot - path));
		struct iq_error *err = up ? iq_member_find(t, up, &parent) : iq_error_nomem();

		free(up);
		if (err) {
			iq_error_free(err);
			return true;
		}
	}
	return strchr(name, '[') || last_in(parent.type, name, 0) != 1;
}

static void put_name(const struct struct_result *x, struct iq_buf *out)
{
	iq_buf_printf(out, "%s ", tag_of(x->type));
	iq_buf_add_escaped(out, x->found.name, strlen(x->found.name), false);
}

/* Columns in front of a member: those that it has in the whole struct. */
static unsigned int indent_of(const struct struct_result *x, const char *path)
{
	int nesting = strpbrk(path, ".[") ? 0 : iq_member_nesting(x->type, path);

	return 2 + 2 * (nesting > 0 ? (unsigned int)nesting : 0);
}

static void text_member(const struct struct_result *x, unsigned int i, uint64_t base,
			struct iq_buf *out)
{
	const struct iq_member *m = &x->member[i];
	struct iq_format format = x->format;

	if (x->follow && is_followed(m)) {
		text_followed(x, x->path[i], m, base, out);
		return;
	}
	format.indent = indent_of(x, x->path[i]);
	iq_buf_printf(out, "%*s%s = ", (int)format.indent, "", x->path[i]);
	iq_value_print(x->k, x->memory.vm, m->type, base + m->bit_offset / 8,
		       (unsigned int)(m->bit_offset % 8), m->bit_size, &format, out);
	iq_buf_puts(out, has_comma(x->type, x->path[i]) ? ",\n" : "\n");
}

/* ---- Whole objects ----------------------------------------------------------------------------- */

/* -p: each member on its own, so that those that point somewhere can be followed. */
static void text_following(const struct struct_result *x, uint64_t base, struct iq_buf *out)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(x->type, &nr);
	struct iq_format format = x->format;

	format.indent = 2;
	put_name(x, out);
	iq_buf_puts(out, " {\n");
	for (unsigned int i = 0; i < nr; i++) {
		if (*m[i].name && is_followed(&m[i])) {
			text_followed(x, m[i].name, &m[i], base, out);
			continue;
		}
		iq_buf_puts(out, "  ");
		if (*m[i].name) {
			iq_buf_add_escaped(out, m[i].name, strlen(m[i].name), false);
			iq_buf_puts(out, " = ");
		}
		iq_value_print(x->k, x->memory.vm, m[i].type, base + m[i].bit_offset / 8,
			       (unsigned int)(m[i].bit_offset % 8), m[i].bit_size, &format, out);
		iq_buf_puts(out, i + 1 < nr ? ",\n" : "\n");
	}
	iq_buf_puts(out, "}\n");
}

static void text_object(const struct struct_result *x, uint64_t base, struct iq_buf *out)
{
	put_name(x, out);
	iq_buf_putc(out, ' ');
	iq_value_print(x->k, x->memory.vm, x->type, base, 0, 0, &x->format, out);
	iq_buf_putc(out, '\n');
}

/* ---- Definitions ------------------------------------------------------------------------------- */

static void text_definition(const struct struct_result *x, const struct iq_type *t, uint64_t base,
			    struct iq_buf *out)
{
	bool hex = x->format.radix == IQ_RADIX_HEX;
	struct iq_define how = {.offsets = x->offsets || x->nr_paths, .base = base, .hex = hex};
	uint64_t size = iq_type_strip(t)->size;

	if (!x->nr_paths) {
		iq_type_define(t, &how, out);
		iq_buf_printf(out, hex ? "\nSIZE: 0x%" PRIx64 "\n" : "\nSIZE: %" PRIu64 "\n", size);
		return;
	}
	put_name(x, out);
	iq_buf_puts(out, " {\n");
	for (unsigned int i = 0; i < x->nr_paths; i++)
		iq_error_free(iq_type_define_member(t, x->path[i], &how, out));
	iq_buf_puts(out, "}\n");
}

static void text_layouts(const struct struct_result *x, struct iq_buf *out)
{
	const struct layouts *l = &x->layouts;

	for (unsigned int i = 0; i < l->nr; i++) {
		if (i)
			iq_buf_putc(out, '\n');
		iq_buf_add_escaped(out, x->found.name, strlen(x->found.name), false);
		iq_buf_printf(out, "#%u of %u, %s%s:\n", i + 1, l->nr,
			      l->layout[i].module ? "module " : "kernel",
			      l->layout[i].module ? l->layout[i].module->name : "");
		text_definition(x, l->layout[i].type, 0, out);
	}
}

/* ---- Raw --------------------------------------------------------------------------------------- */

void struct_raw_range(const struct struct_result *x, uint64_t address, uint64_t *start,
		      uint64_t *len, unsigned int *word)
{
	const struct iq_member *m = x->nr_paths ? &x->member[0] : NULL;
	uint64_t size = iq_type_strip(m ? m->type : x->type)->size;

	*start = address + (m ? m->bit_offset / 8 : 0);
	*word = size == 1 || size == 2 || size == 4 ? (unsigned int)size : 8;
	*len = IQ_MIN((size + *word - 1) / *word * *word, (uint64_t)MAX_RAW);
}

static void raw_line(const struct struct_result *x, uint64_t at, uint64_t len, unsigned int word,
		     struct iq_buf *out)
{
	uint8_t bytes[RAW_LINE];
	bool there[RAW_LINE];

	iq_buf_printf(out, "%16" PRIx64 ":  ", at);
	for (unsigned int i = 0; i < RAW_LINE; i += word) {
		int digits = 2 * (int)word;

		there[i] = i < len && !memory_read(&x->memory, at + i, bytes + i, word, NULL);
		if (there[i])
			iq_buf_printf(out, "%0*" PRIx64 " ", digits, iq_le(bytes + i, word));
		else
			iq_buf_printf(out, "%*s ", digits, i < len ? "?" : "");
	}
	iq_buf_puts(out, "  ");
	for (unsigned int i = 0; i < len; i++) {
		bool shown = there[i - i % word] && bytes[i] >= 0x20 && bytes[i] < 0x7f;

		iq_buf_putc(out, shown ? (char)bytes[i] : '.');
	}
	iq_buf_putc(out, '\n');
}

static void text_raw(const struct struct_result *x, uint64_t base, struct iq_buf *out)
{
	unsigned int word;
	uint64_t start, len;

	struct_raw_range(x, base, &start, &len, &word);
	for (uint64_t at = 0; at < len; at += RAW_LINE)
		raw_line(x, start + at, IQ_MIN(len - at, (uint64_t)RAW_LINE), word, out);
}

/* ---- All of it --------------------------------------------------------------------------------- */

void struct_shown_text(const struct struct_result *x, uint64_t address, struct iq_buf *out)
{
	if (x->offsets)
		text_definition(x, x->type, address, out);
	else if (x->raw)
		text_raw(x, address, out);
	else if (x->nr_paths)
		for (unsigned int i = 0; i < x->nr_paths; i++)
			text_member(x, i, address, out);
	else if (x->follow)
		text_following(x, address, out);
	else
		text_object(x, address, out);
}

void struct_text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct struct_result *x = r->data;

	if (x->all)
		text_layouts(x, out);
	else if (!x->nr_items)
		text_definition(x, x->type, 0, out);
	for (unsigned int i = 0; i < x->nr_items; i++) {
		if (x->items[i].cpu >= 0)
			iq_buf_printf(out, "[%d]: %" PRIx64 "\n", x->items[i].cpu,
				      x->items[i].address);
		else if (i)
			iq_buf_putc(out, '\n');
		struct_shown_text(x, x->items[i].address, out);
		if (!stream_out(s, out) || iq_cancelled(&s->cancel))
			break;
	}
}
