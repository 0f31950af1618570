// SPDX-License-Identifier: GPL-2.0-or-later
/* dis: the dump's machine code. */
#include "disasm.h"
#include "source.h"
#include <inttypes.h>
#include <stdlib.h>

#define MAX_INSNS 200000 /* of one command */
#define PATCHED_JUMP 5	 /* bytes of jmp __x86_return_thunk */

struct row {
	struct disasm_line line;
	struct iq_symbol symbol; /* name NULL: none */
	const char *note;	 /* "[FTRACE NOP]" */
	struct chain *chain;	 /* NULL: no line known, or not asked for; owned */
	bool trap; /* an exception of the context happened here */
};

struct dis_result {
	struct iq_kernel *k;
	struct row *rows;
	unsigned int nr, room;
	bool hex, lines, user;
	struct iq_symbol typed; /* the function as it was named: of several at one address */
	struct listing listing; /* -s */
	bool source_only;
	char *name; /* as typed */
};

static void free_row(struct row *row)
{
	free(row->line.text);
	free(row->chain);
}

static void free_result(void *data)
{
	struct dis_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free_row(&x->rows[i]);
	free(x->rows);
	listing_free(&x->listing);
	free(x->name);
	free(x);
}

/* ---- Text -------------------------------------------------------------------------------------- */

static void text_source(const struct dis_result *x, struct iq_buf *out)
{
	if (x->listing.missing)
		iq_buf_printf(out, "FILE: %s\nLINE: %u\n\ndis: %s: %s\n", x->listing.file,
			      x->listing.line, x->name, x->listing.missing);
	else
		text_listing(&x->listing, out);
}

static bool same_place(const struct chain *a, const struct chain *b)
{
	for (unsigned int i = 0; a->nr == b->nr && i < a->nr; i++) {
		if (a->at[i].line != b->at[i].line || strcmp(a->at[i].file, b->at[i].file) ||
		    strcmp(a->at[i].function, b->at[i].function))
			return false;
	}
	return a->nr == b->nr;
}

/* "FILE: LINE" as crash has it; where functions are inlined, those that they are inlined into below. */
static void text_place(const struct chain *c, struct iq_buf *out)
{
	iq_buf_add_escaped(out, c->at[0].file, strlen(c->at[0].file), false);
	iq_buf_printf(out, ": %u\n", c->at[0].line);
	text_chain(c, out);
}

static void text_row(const struct dis_result *x, const struct row *row, struct iq_buf *out)
{
	uint64_t address = row->line.insn.address;

	if (row->symbol.name) {
		iq_buf_printf(out, "0x%" PRIx64 " <", address);
		iq_buf_add_escaped(out, row->symbol.name, strlen(row->symbol.name), false);
		if (address != row->symbol.address)
			iq_buf_printf(out, x->hex ? "+0x%" PRIx64 : "+%" PRIu64,
				      address - row->symbol.address);
		iq_buf_puts(out, ">:\t");
	} else {
		iq_buf_printf(out, "   0x%" PRIx64 ":\t", address);
	}
	iq_buf_puts(out, row->line.text);
	if (row->note)
		iq_buf_printf(out, " [%s]", row->note);
	if (row->trap)
		iq_buf_puts(out, " [EXCEPTION RIP]");
	iq_buf_putc(out, '\n');
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct dis_result *x = r->data;
	const struct chain *shown = NULL;

	if (x->source_only) {
		text_source(x, out);
		return;
	}
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct row *row = &x->rows[i];

		if (row->chain && !(shown && same_place(shown, row->chain))) {
			shown = row->chain;
			text_place(shown, out);
		}
		text_row(x, row, out);
	}
}

/* ---- JSON -------------------------------------------------------------------------------------- */

/* Where a call or jump goes. */
static json_t *json_target(struct iq_kernel *k, uint64_t address)
{
	json_t *o = json_object();
	struct iq_symbol to;
	bool named = iq_symbol_at(k, address, &to);

	json_object_set_new(o, "address", json_address(address));
	json_object_set_new(o, "symbol", named ? json_text(to.name, strlen(to.name)) : json_null());
	json_object_set_new(o, "offset", named ? json_integer((json_int_t)(address - to.address)) : json_null());
	return o;
}

static json_t *json_row(struct iq_kernel *k, const struct row *row)
{
	const struct iq_inline *at = row->chain ? &row->chain->at[0] : NULL;
	const struct iq_insn *insn = &row->line.insn;
	struct iq_buf bytes = {0};
	json_t *o = json_object();

	for (unsigned int i = 0; i < insn->length && i < sizeof(insn->bytes); i++)
		iq_buf_printf(&bytes, "%s%02x", i ? " " : "", insn->bytes[i]);
	json_object_set_new(o, "address", json_address(insn->address));
	json_object_set_new(o, "symbol",
			    row->symbol.name ? json_text(row->symbol.name, strlen(row->symbol.name))
					     : json_null());
	json_object_set_new(o, "offset",
			    row->symbol.name ? json_integer((json_int_t)(insn->address - row->symbol.address))
					     : json_null());
	json_object_set_new(o, "module",
			    row->symbol.name && row->symbol.module
				    ? json_text(row->symbol.module, strlen(row->symbol.module))
				    : json_null());
	json_object_set_new(o, "bytes", json_string(iq_buf_str(&bytes)));
	json_object_set_new(o, "text", json_text(row->line.text, strlen(row->line.text)));
	json_object_set_new(o, "note", row->note ? json_string(row->note) : json_null());
	json_object_set_new(o, "exception", json_boolean(row->trap));
	json_object_set_new(o, "target", insn->has_target ? json_target(k, insn->target) : json_null());
	json_object_set_new(o, "file", at ? json_text(at->file, strlen(at->file)) : json_null());
	json_object_set_new(o, "line", at ? json_integer(at->line) : json_null());
	json_object_set_new(o, "chain", row->chain ? json_chain(row->chain) : json_array());
	iq_buf_free(&bytes);
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct dis_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr; i++)
		json_array_append_new(list, json_row(x->k, &x->rows[i]));
	json_object_set_new(o, "instructions", list);
	if (x->source_only)
		json_listing(&x->listing, o);
	return o;
}

static bool some(const void *data)
{
	const struct dis_result *x = data;

	return x->nr || x->source_only;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- What the instructions are ----------------------------------------------------------------- */

/* Five bytes that do nothing, where ftrace patches a call in: at the entry, or behind its endbr64. */
static const char *note_of(struct iq_kernel *k, const struct row *row, const struct row *before)
{
	/* The second one is what kernels before 5.13 took on some CPUs. */
	static const uint8_t nop5[][5] = {{0x0f, 0x1f, 0x44, 0x00, 0x00}, {0x66, 0x66, 0x66, 0x66, 0x90}};
	/* endbr64, and what the kernel makes of it where no pointer leads to the function. */
	static const uint8_t landing[][4] = {
		{0xf3, 0x0f, 0x1e, 0xfa}, {0x66, 0x0f, 0x1f, 0x00}, {0x0f, 0x1f, 0x40, 0xd6}};
	const struct iq_insn *insn = &row->line.insn;
	uint64_t offset = insn->address - row->symbol.address;

	if (!row->symbol.name)
		return NULL;
	if (insn->length == sizeof(nop5[0]) &&
	    (!memcmp(insn->bytes, nop5[0], sizeof(nop5[0])) ||
	     !memcmp(insn->bytes, nop5[1], sizeof(nop5[1]))) &&
	    (!offset || (offset == sizeof(landing[0]) && before &&
			 (!memcmp(before->line.insn.bytes, landing[0], sizeof(landing[0])) ||
			  !memcmp(before->line.insn.bytes, landing[1], sizeof(landing[1])) ||
			  !memcmp(before->line.insn.bytes, landing[2], sizeof(landing[2]))))))
		return "FTRACE NOP";
	if (insn->flow == IQ_FLOW_JUMP && insn->has_target) {
		struct iq_symbol to;

		/* Mitigations put the return into a function of its own. */
		if (iq_symbol_at(k, insn->target, &to) && to.address == insn->target &&
		    (!strcmp(to.name, "__x86_return_thunk") || !strcmp(to.name, "srso_return_thunk") ||
		     !strcmp(to.name, "retbleed_return_thunk") || !strcmp(to.name, "its_return_thunk")))
			return "RETURN";
	}
	return NULL;
}

static bool is_padding(const struct iq_insn *insn)
{
	return !strcmp(insn->mnemonic, "nop") || !strcmp(insn->mnemonic, "int3");
}

/*
 * kallsyms has no sizes: what fills the space up to the next symbol is not part of the function.  But the
 * four int3 behind a ret are: they are what the kernel left of a five-byte jump to a return thunk.
 */
static void trim_padding(struct dis_result *x)
{
	unsigned int nr = x->nr;
	uint64_t end;

	while (nr > 1 && is_padding(&x->rows[nr - 1].line.insn) && !x->rows[nr - 1].trap)
		nr--;
	if (!nr)
		return;
	end = x->rows[nr - 1].line.insn.address;
	end += x->rows[nr - 1].line.insn.flow == IQ_FLOW_RETURN ? PATCHED_JUMP : 1;
	while (x->nr > nr && (x->rows[x->nr - 1].line.insn.address >= end ||
			      strcmp(x->rows[x->nr - 1].line.insn.mnemonic, "int3")))
		free_row(&x->rows[--x->nr]);
}

/* Mark the instructions that exceptions on the context's stack interrupted. */
static void mark_traps(struct session *s, struct dis_result *x)
{
	struct iq_backtrace b = {0};
	const struct iq_task *task;
	struct iq_error *err = need_task(s, &task);

	if (!err)
		err = iq_backtrace(x->k, task, &b);
	for (unsigned int i = 0; !err && i < b.nr; i++) {
		if (!b.frames[i].has_trap)
			continue;
		for (unsigned int j = 0; j < x->nr; j++)
			x->rows[j].trap |= x->rows[j].line.insn.address == b.frames[i].ip;
	}
	iq_error_free(err);
	iq_backtrace_free(&b);
}

/* ---- Reading ----------------------------------------------------------------------------------- */

struct range {
	uint64_t start, end;	/* end 0: by count */
	uint64_t count;		/* 0: by end */
	uint64_t last;		/* -r: the instruction to stop behind */
	bool has_last, whole;	/* whole: a function, its padding is left out */
};

static struct iq_error *add_row(struct dis_result *x, const struct memory *m, uint64_t address)
{
	struct row row = {0};

	if (!iq_grow(&x->rows, &x->room, x->nr + 1, sizeof(*x->rows)))
		return iq_error_nomem();
	IQ_TRY(disasm_one(x->k, m, address, x->hex, &row.line));
	if (!x->user) {
		if (!iq_symbol_at(x->k, address, &row.symbol))
			row.symbol.name = NULL;
		else if (x->typed.name && row.symbol.address == x->typed.address)
			row.symbol = x->typed;
		row.note = note_of(x->k, &row, x->nr ? &x->rows[x->nr - 1] : NULL);
		if (x->lines)
			row.chain = chain_of(x->k, address, true);
	}
	x->rows[x->nr++] = row;
	return NULL;
}

static struct iq_error *read_rows(struct dis_result *x, const struct memory *m, const struct range *range)
{
	uint64_t address = range->start;

	while (x->nr < MAX_INSNS) {
		if (range->count && x->nr >= range->count)
			return NULL;
		if (range->end && address >= range->end)
			return NULL;
		if (range->has_last && address > range->last)
			return NULL;
		IQ_TRY(add_row(x, m, address));
		address += x->rows[x->nr - 1].line.insn.length;
	}
	return iq_error_new(IQ_E_LIMIT, "more than %d instructions", MAX_INSNS);
}

/* ---- Words ------------------------------------------------------------------------------------- */

struct request {
	bool reverse, forward, lines, hex, decimal, source, user;
	const char *word;
	uint64_t count;
	bool has_count;
};

static struct iq_error *parse(int argc, char **argv, struct request *q)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;

	for (;;) {
		int option = next_option(&o, "rflxdsu", &err);

		if (err)
			return err;
		if (option != -1) {
			q->reverse |= option == 'r';
			q->forward |= option == 'f';
			q->lines |= option == 'l';
			q->hex |= option == 'x';
			q->decimal |= option == 'd';
			q->source |= option == 's';
			q->user |= option == 'u';
			continue;
		}
		if (o.index >= argc)
			break;
		if (!q->word) {
			q->word = argv[o.index++];
		} else if (!q->has_count) {
			IQ_TRY(parse_number(argv[o.index++], "a count", MAX_INSNS, &q->count));
			q->has_count = true;
		} else {
			return iq_error_new(IQ_E_USAGE, "%s: one word too many", argv[o.index]);
		}
	}
	if (q->reverse && q->forward)
		return iq_error_new(IQ_E_USAGE, "-r and -f exclude each other");
	if (!q->word)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "what is to be disassembled is missing"),
				     "dis FUNCTION, dis ADDRESS, dis -r ADDRESS");
	return NULL;
}

/* The function that contains ADDRESS, and where it ends. */
static struct iq_error *find_function(struct dis_result *x, uint64_t address, struct iq_symbol *ret,
				      uint64_t *end)
{
	if (!iq_symbol_at(x->k, address, ret))
		return iq_error_new(IQ_E_NOT_FOUND, "no symbol contains 0x%" PRIx64, address);
	if (!ret->size)
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "the end of %s is not known", ret->name),
				     "give a count: dis %s 20", ret->name);
	*end = ret->address + ret->size;
	return NULL;
}

static struct iq_error *find_range(struct dis_result *x, const struct request *q, uint64_t address,
				   bool is_symbol, struct range *ret)
{
	struct range range = {.start = address, .count = q->has_count ? q->count : 0};
	struct iq_symbol symbol;

	if (q->user || (!q->reverse && !q->forward && !is_symbol)) {
		range.count = q->has_count && q->count ? q->count : 1;
	} else if (q->reverse) {
		IQ_TRY(find_function(x, address, &symbol, &range.end));
		range.start = symbol.address;
		range.last = address;
		range.has_last = true;
		range.count = 0; /* of the last ones: cut when they are there */
	} else if (q->forward || !range.count) {
		IQ_TRY(find_function(x, address, &symbol, &range.end));
		range.whole = true;
	}
	*ret = range;
	return NULL;
}

/* -r with a count: only the last ones. */
static void keep_last(struct dis_result *x, uint64_t count)
{
	unsigned int drop = x->nr > count ? x->nr - (unsigned int)count : 0;

	for (unsigned int i = 0; i < drop; i++)
		free_row(&x->rows[i]);
	memmove(x->rows, x->rows + drop, (x->nr - drop) * sizeof(*x->rows));
	x->nr -= drop;
}

static struct iq_error *disassemble(struct session *s, const struct request *q, const struct range *range,
				    struct dis_result *x)
{
	struct iq_error *err;
	struct memory m;

	IQ_TRY(memory_open(s, q->user ? SPACE_USER : SPACE_AUTO, range->start, &m));
	x->user = m.space == SPACE_USER;
	err = read_rows(x, &m, range);
	memory_close(&m);
	if (x->user)
		return err;
	mark_traps(s, x);
	/* A count may end in the middle, where a NOP is none between functions. */
	if (range->whole && !err && !(range->count && x->nr >= range->count))
		trim_padding(x);
	if (q->reverse && q->has_count)
		keep_last(x, q->count);
	return err;
}

static struct iq_error *find(struct session *s, const struct request *q, struct dis_result *x)
{
	struct iq_symbol symbol;
	struct range range;
	uint64_t address;
	bool is_symbol;

	IQ_TRY(need_kernel(s, &x->k));
	x->hex = q->hex || (s->hex && !q->decimal);
	x->lines = q->lines;
	is_symbol = iq_symbol_named(x->k, q->word, &symbol);
	if (is_symbol) {
		address = symbol.address;
		x->typed = symbol;
	} else {
		IQ_TRY(parse_address(s, q->word, &address));
	}
	/* The address of a function's entry means the function. */
	is_symbol |= !q->user && iq_is_text(x->k, address) && iq_symbol_at(x->k, address, &symbol) &&
		     symbol.address == address;
	if (q->source) {
		x->name = strdup(q->word);
		if (!x->name)
			return iq_error_nomem();
		IQ_TRY(listing_at(s, address, q->has_count ? (unsigned int)q->count : 0, &x->listing));
		x->source_only = true;
		return NULL;
	}
	IQ_TRY(find_range(x, q, address, is_symbol, &range));
	return disassemble(s, q, &range, x);
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct request q = {0};

	IQ_TRY(parse(argc, argv, &q));
	return find(s, &q, data);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct dis_result), fill, &ops, r);
}

const struct command cmd_dis = {
	.name = "dis",
	.summary = "disassemble",
	.help = "dis [-r|-f] [-l] [-x|-d] [-u] ADDRESS|SYMBOL|(EXPRESSION) [COUNT]\n"
		"dis -s ADDRESS|SYMBOL [COUNT]\n\n"
		"The machine code as it lies in the dump.  A symbol alone means its whole function; an\n"
		"address one instruction.  Where an exception interrupted the context's task, the\n"
		"instruction is marked [EXCEPTION RIP].\n\n"
		"  -r       from the start of the function up to ADDRESS (COUNT: the last so many)\n"
		"  -f       from ADDRESS to the end of the function\n"
		"  -l       source lines, with the functions that are inlined there, if there is a vmlinux\n"
		"           or module with debug information\n"
		"  -x, -d   offsets in hexadecimal or decimal\n"
		"  -u       a user address of the context's task\n"
		"  -s       the source text instead, if set src or --src says where it is: up to the end\n"
		"           of the function, or COUNT lines; * marks the line that is meant, > those that\n"
		"           the context's stack is in\n\n"
		"  dis kfree\n"
		"  dis -rl ffffffffc050148e\n"
		"  dis (vfs_write+9) 4\n",
	.run = run,
	.completes = "s",
};
