// SPDX-License-Identifier: GPL-2.0-or-later
/* sym: from a name to an address and back. */
#include "internal.h"
#include "source.h"
#include <inttypes.h>
#include <stdlib.h>

struct row {
	struct iq_symbol symbol;
	uint64_t offset;
	struct chain *chain; /* NULL: no line known; owned */
	const struct iq_module *start, *end; /* a mark instead of a symbol */
	bool marked; /* it stands between such marks, which name the module */
};

struct sym_result {
	struct row *row;
	unsigned int nr, room;
};

static void free_result(void *data)
{
	struct sym_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free(x->row[i].chain);
	free(x->row);
	free(x);
}

/* ---- Renderers ------------------------------------------------------------------------------- */

static void text_mark(const struct row *row, struct iq_buf *out)
{
	const struct iq_module *m = row->start ? row->start : row->end;

	iq_buf_printf(out, "%016" PRIx64 " MODULE %s: ", row->symbol.address,
		      row->start ? "START" : "END");
	iq_buf_add_escaped(out, m->name, strlen(m->name), false);
	iq_buf_putc(out, '\n');
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct sym_result *x = r->data;

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct row *row = &x->row[i];

		if (row->start || row->end) {
			text_mark(row, out);
			continue;
		}
		iq_buf_printf(out, "%" PRIx64 " (%c) ", row->symbol.address + row->offset,
			      row->symbol.type);
		iq_buf_add_escaped(out, row->symbol.name, strlen(row->symbol.name), false);
		if (row->offset)
			iq_buf_printf(out, s->hex ? "+0x%" PRIx64 : "+%" PRIu64, row->offset);
		if (row->symbol.module && !row->marked) {
			iq_buf_puts(out, " [");
			iq_buf_add_escaped(out, row->symbol.module, strlen(row->symbol.module),
					   false);
			iq_buf_putc(out, ']');
		}
		if (row->chain) {
			iq_buf_putc(out, ' ');
			iq_buf_add_escaped(out, row->chain->at[0].file, strlen(row->chain->at[0].file),
					   false);
			iq_buf_printf(out, ": %u", row->chain->at[0].line);
		}
		iq_buf_putc(out, '\n');
		if (row->chain)
			text_chain(row->chain, out);
	}
}

static json_t *json_row(const struct row *row)
{
	const char type[2] = {row->symbol.type, '\0'}, *module = row->symbol.module;
	const struct iq_inline *at = row->chain ? &row->chain->at[0] : NULL;
	json_t *o = json_object();

	json_object_set_new(o, "name", json_text(row->symbol.name, strlen(row->symbol.name)));
	json_object_set_new(o, "address", json_address(row->symbol.address + row->offset));
	json_object_set_new(o, "offset", json_integer((json_int_t)row->offset));
	json_object_set_new(o, "size",
			    row->symbol.size ? json_integer((json_int_t)row->symbol.size)
					     : json_null());
	json_object_set_new(o, "type", json_text(type, 1));
	json_object_set_new(o, "module", module ? json_text(module, strlen(module)) : json_null());
	json_object_set_new(o, "file", at ? json_text(at->file, strlen(at->file)) : json_null());
	json_object_set_new(o, "line", at ? json_integer(at->line) : json_null());
	json_object_set_new(o, "call", json_boolean(row->chain && row->chain->call));
	json_object_set_new(o, "chain", row->chain ? json_chain(row->chain) : json_array());
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct sym_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++) {
		if (!x->row[i].start && !x->row[i].end)
			json_array_append_new(list, json_row(&x->row[i]));
	}
	json_object_set_new(o, "symbols", list);
	return o;
}

/* Of several words those that were found are shown. */
static bool some(const void *data)
{
	return ((const struct sym_result *)data)->nr;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Finding --------------------------------------------------------------------------------- */

static struct iq_error *add(struct sym_result *x, const struct row *row)
{
	if (!iq_grow(&x->row, &x->room, x->nr + 1, sizeof(*x->row)))
		return iq_error_nomem();
	x->row[x->nr++] = *row;
	return NULL;
}

static struct iq_error *add_symbol(struct sym_result *x, const struct iq_symbol *symbol)
{
	return add(x, &(struct row){.symbol = *symbol});
}

/* A symbol that was asked for by itself: with its source line, if it is code. */
static struct iq_error *add_with_line(struct iq_kernel *k, struct sym_result *x,
				      const struct iq_symbol *symbol, uint64_t address)
{
	struct row row = {.symbol = *symbol, .offset = address - symbol->address};
	struct iq_error *err;

	/* A symbol is the instruction that it names, even if a call stands in front of it. */
	if (strchr("tTwW", symbol->type))
		row.chain = chain_of(k, address, !row.offset);
	err = add(x, &row);
	if (err)
		free(row.chain);
	return err;
}

/* The tables: the kernel's is number 0, then those of the modules. */
static struct iq_symtab *table(struct iq_kernel *k, struct iq_module *const *modules,
			       unsigned int i)
{
	return i == 0 ? k->symbols : iq_module_symbols(k, modules[i - 1]);
}

/* The modules; none if they cannot be read, which is a warning: the kernel's own symbols remain. */
static unsigned int list_modules(struct session *s, struct iq_module *const **modules)
{
	unsigned int nr = 0;
	struct iq_error *err = iq_modules(s->kernel, modules, &nr);

	if (!err)
		return nr;
	iq_warn(&s->warnings, "symbols of modules are missing: %s", err->message);
	iq_error_free(err);
	return 0;
}

static struct iq_error *by_name(struct session *s, const char *name, struct sym_result *x)
{
	struct iq_module *const *modules;
	unsigned int nr = list_modules(s, &modules), before = x->nr;
	struct iq_symbol symbol;

	for (unsigned int i = 0; i <= nr; i++) {
		struct iq_symtab *t = table(s->kernel, modules, i);
		unsigned int from = 0;

		while (t && iq_symtab_by_name(t, name, &from, &symbol))
			IQ_TRY(add_with_line(s->kernel, x, &symbol, symbol.address));
	}
	/* "module:name" is one of iq_symbol_named()'s. */
	if (x->nr == before && iq_symbol_named(s->kernel, name, &symbol))
		IQ_TRY(add_with_line(s->kernel, x, &symbol, symbol.address));
	return NULL;
}

static struct iq_error *not_found(struct iq_kernel *k, const char *word)
{
	struct iq_nearest nearest = {.word = word};
	struct iq_error *err = iq_error_new(IQ_E_NOT_FOUND, "symbol not found: %s", word);

	iq_kernel_nearest_symbol(k, &nearest);
	return iq_nearest_hint(
		&nearest, iq_error_hint(err, "sym -q TEXT lists the symbols that contain TEXT"));
}

static struct iq_error *by_word(struct session *s, const char *word, struct sym_result *x)
{
	unsigned int before = x->nr;
	struct iq_symbol symbol;
	struct iq_error *err;
	uint64_t address;

	IQ_TRY(by_name(s, word, x));
	if (x->nr > before)
		return NULL;
	err = parse_address(s, word, &address);
	if (err && err->code == IQ_E_NOT_FOUND) {
		iq_error_free(err);
		return not_found(s->kernel, word);
	}
	if (err)
		return err;
	if (!iq_symbol_at(s->kernel, address, &symbol))
		return iq_error_new(IQ_E_NOT_FOUND, "no symbol contains 0x%" PRIx64, address);
	return add_with_line(s->kernel, x, &symbol, address);
}

/* Add the neighbours of each row in the order of addresses. */
static struct iq_error *add_neighbours(struct session *s, bool previous, bool next,
				       struct sym_result *x)
{
	struct sym_result wide = {0};
	struct iq_module *const *modules;
	unsigned int nr = list_modules(s, &modules);
	struct iq_error *err = NULL;

	for (unsigned int r = 0; !err && r < x->nr; r++) {
		const struct row *row = &x->row[r];
		struct iq_symbol before, after, at;
		bool has_before = false, has_after = false, found = false;

		for (unsigned int i = 0; i <= nr && !found; i++) {
			struct iq_symtab *t = table(s->kernel, modules, i);
			unsigned int lo = 0, hi = t ? iq_symtab_count(t) : 0, count = hi;

			/* The first symbol at this address. */
			while (lo < hi) {
				unsigned int mid = lo + (hi - lo) / 2;

				if (iq_symtab_at(t, mid, &at) && at.address < row->symbol.address)
					lo = mid + 1;
				else
					hi = mid;
			}
			while (lo < count && iq_symtab_at(t, lo, &at) &&
			       at.address == row->symbol.address &&
			       strcmp(at.name, row->symbol.name))
				lo++;
			found = lo < count && iq_symtab_at(t, lo, &at) &&
				at.address == row->symbol.address &&
				!strcmp(at.name, row->symbol.name);
			has_before = found && lo > 0 && iq_symtab_at(t, lo - 1, &before);
			has_after = found && iq_symtab_at(t, lo + 1, &after);
		}
		if (previous && has_before)
			err = add_with_line(s->kernel, &wide, &before, before.address);
		if (!err)
			err = add(&wide, row);
		if (!err && next && has_after)
			err = add_with_line(s->kernel, &wide, &after, after.address);
	}
	/* The rows themselves went over, with what they own. */
	free(x->row);
	*x = wide;
	return err;
}

static struct iq_error *add_table(struct iq_symtab *t, const char *part, struct sym_result *x)
{
	struct iq_symbol symbol;

	for (unsigned int i = 0; t && i < iq_symtab_count(t); i++) {
		if (iq_symtab_at(t, i, &symbol) && (!part || strstr(symbol.name, part)))
			IQ_TRY(add_symbol(x, &symbol));
	}
	return NULL;
}

static void module_bounds(const struct iq_module *m, uint64_t *start, uint64_t *end)
{
	*start = m->base;
	*end = m->base;
	for (unsigned int i = 0; i < m->nr_ranges && i < IQ_MODULE_RANGES; i++) {
		/* Init memory is given back after loading. */
		if (strstr(m->range[i].what, "init") && !strstr(m->range[i].what, "ro_after_init"))
			continue;
		*start = IQ_MIN(*start, m->range[i].start);
		*end = IQ_MAX(*end, m->range[i].end);
	}
}

static struct iq_error *add_module(struct iq_kernel *k, struct iq_module *m, struct sym_result *x)
{
	struct row start = {.start = m}, end = {.end = m};
	unsigned int first;

	module_bounds(m, &start.symbol.address, &end.symbol.address);
	IQ_TRY(add(x, &start));
	first = x->nr;
	IQ_TRY(add_table(iq_module_symbols(k, m), NULL, x));
	for (unsigned int i = first; i < x->nr; i++)
		x->row[i].marked = true;
	return add(x, &end);
}

static struct iq_error *one_module(struct session *s, const char *name, struct sym_result *x)
{
	struct iq_module *const *modules, *m = iq_module_by_name(s->kernel, name);
	struct iq_nearest nearest = {.word = name};
	unsigned int nr;

	if (m)
		return add_module(s->kernel, m, x);
	IQ_TRY(iq_modules(s->kernel, &modules, &nr));
	for (unsigned int i = 0; i < nr; i++)
		iq_nearest_offer(&nearest, modules[i]->name);
	return iq_nearest_hint(&nearest, iq_error_hint(iq_error_new(IQ_E_NOT_FOUND,
								    "no module %s is loaded", name),
						       "mod lists the modules"));
}

static struct iq_error *all_modules(struct session *s, struct sym_result *x)
{
	struct iq_module *const *modules;
	unsigned int nr;

	IQ_TRY(iq_modules(s->kernel, &modules, &nr));
	for (unsigned int i = 0; i < nr; i++)
		IQ_TRY(add_module(s->kernel, modules[i], x));
	return NULL;
}

static struct iq_error *containing(struct session *s, const char *part, struct sym_result *x)
{
	struct iq_module *const *modules;
	unsigned int nr = list_modules(s, &modules);

	for (unsigned int i = 0; i <= nr; i++)
		IQ_TRY(add_table(table(s->kernel, modules, i), part, x));
	if (!x->nr)
		return iq_error_new(IQ_E_NOT_FOUND, "no symbol contains the text %s", part);
	return NULL;
}

/* ---- The command ----------------------------------------------------------------------------- */

struct request {
	bool all, modules, previous, next;
	const char *module, *part;
	char **words;
	int nr_words;
};

static struct iq_error *parse(int argc, char **argv, struct request *q)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;
	int option;

	while ((option = next_option(&o, "lMm:pnq:", &err)) != -1) {
		switch (option) {
		case 'l':
			q->all = true;
			break;
		case 'M':
			q->modules = true;
			break;
		case 'm':
			q->module = o.value;
			break;
		case 'p':
			q->previous = true;
			break;
		case 'n':
			q->next = true;
			break;
		case 'q':
			q->part = o.value;
			break;
		default:
			return err;
		}
	}
	q->words = argv + o.index;
	q->nr_words = argc - o.index;
	if (q->all + q->modules + !!q->module + !!q->part + (q->nr_words > 0) != 1)
		return iq_error_hint(
			iq_error_new(IQ_E_USAGE,
				     "names or addresses are wanted, or one of -l, -M, -m, -q"),
			"help sym shows examples");
	return NULL;
}

static struct iq_error *find(struct session *s, const struct request *q, struct sym_result *x)
{
	if (q->module)
		return one_module(s, q->module, x);
	if (q->part)
		return containing(s, q->part, x);
	if (q->all)
		IQ_TRY(add_table(s->kernel->symbols, NULL, x));
	if (q->all || q->modules)
		return all_modules(s, x);
	for (int i = 0; i < q->nr_words; i++)
		IQ_TRY(by_word(s, q->words[i], x));
	if (q->previous || q->next)
		return add_neighbours(s, q->previous, q->next, x);
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct request q = {0};
	struct iq_kernel *k;

	IQ_TRY(parse(argc, argv, &q));
	IQ_TRY(need_kernel(s, &k));
	return find(s, &q, data);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct sym_result), fill, &ops, r);
}

const struct command cmd_sym = {
	.name = "sym",
	.summary = "symbols: from a name to an address and back",
	.help = "sym [-p] [-n] NAME | ADDRESS | (EXPRESSION)...\n"
		"       sym -q TEXT | -m MODULE | -M | -l\n"
		"\n"
		"Shows where a symbol lies, or which symbol an address belongs to: the address,\n"
		"nm's letter for what it is, the name, the module in brackets and, for code, its\n"
		"source line if a vmlinux or the module's debug file is open.  Of an address that\n"
		"a call returns to it is the line of the call; functions that are inlined there\n"
		"stand below it.\n"
		"\n"
		"  -p          the symbol before it as well\n"
		"  -n          the symbol behind it as well\n"
		"  -q TEXT     all symbols whose name contains TEXT\n"
		"  -m MODULE   all symbols of a module\n"
		"  -M          all symbols of all modules\n"
		"  -l          all symbols\n"
		"\n"
		"  inquest> sym ffffffffaa0a8a06\n"
		"  inquest> sym usbcore:usb_alloc_urb\n"
		"  inquest> sym -q sysrq_handle\n",
	.run = run,
	.completes = "s",
	.no_context = true,
};
