// SPDX-License-Identifier: GPL-2.0-or-later
/* line: where addresses are in the source. */
#include "show.h"
#include "source.h"
#include <inttypes.h>
#include <stdlib.h>

struct row {
	uint64_t address;
	struct iq_symbol symbol; /* name NULL: none */
	struct chain chain;
};

struct line_result {
	struct row *row;
	unsigned int nr, room;
};

static void free_result(void *data)
{
	struct line_result *x = data;

	free(x->row);
	free(x);
}

static void text_row(const struct session *s, const struct row *row, struct iq_buf *out)
{
	uint64_t offset = row->address - row->symbol.address;

	iq_buf_printf(out, "%016" PRIx64 " ", row->address);
	if (row->symbol.name) {
		iq_buf_add_escaped(out, row->symbol.name, strlen(row->symbol.name), false);
		if (offset)
			iq_buf_printf(out, s->hex ? "+0x%" PRIx64 : "+%" PRIu64, offset);
		iq_buf_putc(out, ' ');
		if (row->symbol.module)
			iq_buf_printf(out, "[%s] ", row->symbol.module);
	}
	if (!row->chain.nr) {
		iq_buf_puts(out, "(no line known)\n");
		return;
	}
	iq_buf_add_escaped(out, row->chain.at[0].file, strlen(row->chain.at[0].file), false);
	iq_buf_printf(out, ": %u%s\n", row->chain.at[0].line, row->chain.call ? " (call)" : "");
	text_chain(&row->chain, out);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct line_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++)
		text_row(s, &x->row[i], out);
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct line_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct row *row = &x->row[i];
		const struct iq_inline *at = row->chain.nr ? &row->chain.at[0] : NULL;
		json_t *one = json_object();

		json_object_set_new(one, "address", json_address(row->address));
		json_object_set_new(one, "symbol",
				    row->symbol.name
					    ? json_text(row->symbol.name, strlen(row->symbol.name))
					    : json_null());
		json_object_set_new(
			one, "offset",
			row->symbol.name
				? json_integer((json_int_t)(row->address - row->symbol.address))
				: json_null());
		json_object_set_new(
			one, "module",
			row->symbol.name && row->symbol.module
				? json_text(row->symbol.module, strlen(row->symbol.module))
				: json_null());
		json_object_set_new(one, "call", json_boolean(row->chain.call));
		json_object_set_new(one, "file",
				    at ? json_text(at->file, strlen(at->file)) : json_null());
		json_object_set_new(one, "line", at ? json_integer(at->line) : json_null());
		json_object_set_new(one, "chain", json_chain(&row->chain));
		json_array_append_new(list, one);
	}
	json_object_set_new(o, "lines", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

static struct iq_error *add_row(struct session *s, struct line_result *x, const char *word,
				bool exact)
{
	struct row *row;
	uint64_t address;

	IQ_TRY(parse_address(s, word, &address));
	if (!is_code_address(s->kernel, address))
		return iq_error_new(IQ_E_NOT_FOUND, "0x%" PRIx64 " is no address of kernel code",
				    address);
	if (!iq_grow(&x->row, &x->room, x->nr + 1, sizeof(*x->row)))
		return iq_error_nomem();
	row = &x->row[x->nr++];
	*row = (struct row){.address = address};
	find_chain(s->kernel, address, exact, &row->chain);
	/* Behind a call that does not return another function may begin. */
	if (!iq_symbol_at(s->kernel, address - row->chain.call, &row->symbol))
		row->symbol.name = NULL;
	return NULL;
}

static bool knows_a_line(const struct line_result *x)
{
	for (unsigned int i = 0; i < x->nr; i++) {
		if (x->row[i].chain.nr)
			return true;
	}
	return false;
}

static struct iq_error *fill(struct session *s, char **words, int nr, bool exact,
			     struct line_result *x)
{
	for (int i = 0; i < nr; i++)
		IQ_TRY(add_row(s, x, words[i], exact));
	if (!x->nr)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "addresses of code are wanted"),
				     "help line shows examples");
	if (!knows_a_line(x))
		return iq_error_hint(
			iq_error_new(IQ_E_UNAVAILABLE, "no source line is known for this"),
			"lines come from a vmlinux or module with debug information");
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct options o = {.argc = argc, .argv = argv};
	struct line_result *x;
	struct iq_kernel *k;
	struct iq_error *err;
	bool exact = false;
	int option;

	while ((option = next_option(&o, "e", &err)) != -1) {
		if (option == '?')
			return err;
		exact = true;
	}
	IQ_TRY(need_kernel(s, &k));
	x = calloc(1, sizeof(*x));
	if (!x)
		return iq_error_nomem();
	err = fill(s, argv + o.index, argc - o.index, exact, x);
	if (err && !x->nr)
		free_result(x);
	else
		*r = (struct result){&ops, x};
	return err;
}

const struct command cmd_line = {
	.name = "line",
	.summary = "where addresses are in the source",
	.help = "line [-e] ADDRESS | SYMBOL | (EXPRESSION)...\n"
		"\n"
		"Shows the source line of code: file and line, and, where functions are inlined,\n"
		"all of them from the innermost to the one in the symbol table, each with the\n"
		"line that it is at.  An address that a call returns to, as stacks have them,\n"
		"stands for that call, whose line is often another one: (call) says so.\n"
		"Lines come from a vmlinux or module with debug information.\n"
		"\n"
		"  -e   exactly the instruction at ADDRESS, whatever is in front of it\n"
		"\n"
		"  inquest> line ffffffffc0333214\n"
		"  ffffffffc0333214 lab_proc_write.cold+20 [nullchain] /modules/nullchain.c: 91 "
		"(call)\n"
		"      (inlined) lab_trigger /modules/nullchain.c: 91\n"
		"      lab_proc_write /modules/lab.h: 35\n",
	.run = run,
	.completes = "s",
	.no_context = true,
};
