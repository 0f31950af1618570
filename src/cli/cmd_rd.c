// SPDX-License-Identifier: GPL-2.0-or-later
/* rd: memory as words, numbers, symbols or text. */
#include "place.h"
#include "show.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#define MAX_BYTES (256u << 20)
#define LINE 16	     /* bytes of a line */
#define TEXT_LINE 60 /* characters of a line of -a */

enum look { LOOK_HEX, LOOK_SIGNED, LOOK_UNSIGNED, LOOK_SYMBOL, LOOK_SLAB, LOOK_TEXT };

struct rd_result {
	struct iq_kernel *k; /* NULL: none needed */
	uint64_t start;
	uint8_t *bytes;
	size_t len;	   /* that could be read */
	unsigned int size; /* of a word */
	enum look look;
	bool ascii, swap;
	bool addresses;		   /* LOOK_SLAB: the address as well as the cache */
	struct iq_describer *d;	   /* NULL: words are not explained */
};

static void free_result(void *data)
{
	struct rd_result *x = data;

	iq_describer_close(x->d);

	free(x->bytes);
	free(x);
}

static uint64_t word_at(const struct rd_result *x, size_t at)
{
	uint64_t value = iq_le(x->bytes + at, x->size);

	return x->swap ? __builtin_bswap64(value) >> (64 - 8 * x->size) : value;
}

/* ---- Text -------------------------------------------------------------------------------------- */

/* Columns of one word of SIZE bytes, the blank behind it left out. */
static int width_of(const struct rd_result *x)
{
	static const int hex[] = {[1] = 2, [2] = 4, [4] = 8, [8] = 16};
	static const int decimal[] = {[1] = 3, [2] = 5, [4] = 12, [8] = 15};

	if (x->look == LOOK_HEX)
		return hex[x->size];
	if (x->look == LOOK_SYMBOL || x->look == LOOK_SLAB)
		return 16;
	return x->look == LOOK_UNSIGNED && x->size == 8 ? 20 : decimal[x->size];
}

/* A word as symbol+offset, or [cache], or [address:cache]: as crash does, whatever lies at the address. */
static bool word_name(const struct rd_result *x, uint64_t value, char *name, size_t room)
{
	struct iq_object o;

	if (x->size != 8)
		return false;
	if (iq_symbol_format(x->k, value, false, false, name, room))
		return true;
	if (x->look != LOOK_SLAB || !iq_object_at(x->k, value, &o))
		return false;
	if (x->addresses)
		snprintf(name, room, "[%" PRIx64 ":%s]", value, o.slab.cache->name);
	else
		snprintf(name, room, "[%s]", o.slab.cache->name);
	return true;
}

static void text_word(const struct rd_result *x, size_t at, struct iq_buf *out)
{
	uint64_t value = word_at(x, at);
	int width = width_of(x);
	unsigned int unused = 64 - 8 * x->size;
	char name[256];

	switch (x->look) {
	case LOOK_SIGNED:
		iq_buf_printf(out, "%*" PRId64 " ", width, (int64_t)(value << unused) >> unused);
		break;
	case LOOK_UNSIGNED:
		iq_buf_printf(out, "%*" PRIu64 " ", width, value);
		break;
	case LOOK_SYMBOL:
	case LOOK_SLAB:
		if (word_name(x, value, name, sizeof(name))) {
			iq_buf_printf(out, "%-*s ", width, name);
			break;
		}
		__attribute__((fallthrough));
	default:
		iq_buf_printf(out, "%0*" PRIx64 " ", width == 16 ? (int)x->size * 2 : width, value);
		break;
	}
}

static void text_ascii(const struct rd_result *x, size_t from, size_t to, struct iq_buf *out)
{
	iq_buf_puts(out, "  ");
	for (size_t i = from; i < to; i++)
		iq_buf_putc(out, x->bytes[i] >= 0x20 && x->bytes[i] < 0x7f ? (char)x->bytes[i] : '.');
}

/* -l: what the word at AT is, behind its line. */
static void text_explained(const struct rd_result *x, size_t at, bool first, struct iq_buf *out)
{
	uint64_t value = word_at(x, at);
	const char *file;
	struct iq_whatis w;
	unsigned int line;

	if (!iq_symbol_at(x->k, value, &w.symbol)) {
		iq_whatis(x->d, value, false, &w);
		if (!w.has_slab && !w.has_stack)
			return;
		iq_buf_puts(out, first ? "  # " : "; ");
		iq_whatis_line(x->k, &w, out);
	} else if (iq_is_text(x->k, value) && iq_kernel_line(x->k, value, &file, &line)) {
		iq_buf_puts(out, first ? "  # " : "; ");
		iq_buf_add_escaped(out, file, strlen(file), false);
		iq_buf_printf(out, ": %u", line);
	}
}

static void text_words(const struct rd_result *x, struct iq_buf *out)
{
	for (size_t at = 0; at < x->len; at += LINE) {
		size_t end = IQ_MIN(at + LINE, x->len), len;

		iq_buf_printf(out, "%16" PRIx64 ":  ", x->start + at);
		for (size_t i = at; i < at + LINE; i += x->size) {
			if (i < end)
				text_word(x, i, out);
			else if (x->ascii)
				iq_buf_printf(out, "%*s", width_of(x) + 1, "");
		}
		if (x->ascii)
			text_ascii(x, at, end, out);
		len = out->len;
		for (size_t i = at; x->d && x->size == 8 && i < end; i += x->size)
			text_explained(x, i, out->len == len, out);
		iq_buf_putc(out, '\n');
	}
}

/* How much of the bytes is text: up to the first that is not printable. */
static size_t text_length(const struct rd_result *x)
{
	size_t len = 0;

	while (len < x->len && (isprint(x->bytes[len]) || x->bytes[len] == '\t'))
		len++;
	return len;
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct rd_result *x = r->data;
	size_t len;

	if (x->look != LOOK_TEXT) {
		text_words(x, out);
		return;
	}
	len = text_length(x);
	for (size_t at = 0; at < len; at += TEXT_LINE)
		iq_buf_printf(out, "%16" PRIx64 ":  %.*s\n", x->start + at, (int)IQ_MIN(len - at, TEXT_LINE),
			      (const char *)x->bytes + at);
}

/* The symbol, and with -S the slab object, that a word points to. */
static void json_named(struct session *s, const struct rd_result *x, uint64_t value, json_t *word)
{
	bool whole = x->size == 8;
	struct iq_whatis w;
	char name[256];

	json_object_set_new(word, "symbol",
			    whole && iq_symbol_format(x->k, value, false, false, name, sizeof(name))
				    ? json_text(name, strlen(name))
				    : json_null());
	if (!x->d)
		return;
	if (whole)
		iq_whatis(x->d, value, false, &w);
	json_object_set_new(word, "whatis", whole ? json_kind(s, &w) : json_null());
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct rd_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	json_object_set_new(o, "address", json_address(x->start));
	json_object_set_new(o, "size", json_integer(x->size));
	if (x->look == LOOK_TEXT) {
		json_decref(list);
		json_object_set_new(o, "text", json_text((const char *)x->bytes, text_length(x)));
		return o;
	}
	for (size_t at = 0; at < x->len; at += x->size) {
		uint64_t value = word_at(x, at);
		json_t *word = json_object();

		json_object_set_new(word, "address", json_address(x->start + at));
		json_object_set_new(word, "value", json_address(value));
		if (x->look == LOOK_SYMBOL || x->look == LOOK_SLAB)
			json_named(s, x, value, word);
		json_array_append_new(list, word);
	}
	json_object_set_new(o, "words", list);
	return o;
}

/* What came before a gap is shown all the same. */
static bool some(const void *data)
{
	return ((const struct rd_result *)data)->len;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Words ------------------------------------------------------------------------------------- */

struct request {
	const char *address, *end;
	uint64_t count, offset;
	bool has_count, backwards, symbols, no_ascii, addresses, explain;
	enum space space;
	unsigned int size;
	enum look look;
};

static struct iq_error *set_size(struct request *q, const char *value, char first)
{
	static const struct {
		const char *text;
		unsigned int size;
	} sizes[] = {{"8", 1}, {"16", 2}, {"32", 4}, {"64", 8}};
	char word[8];

	snprintf(word, sizeof(word), "%c%s", first, value ? value : "");
	for (size_t i = 0; i < IQ_ARRAY_SIZE(sizes); i++) {
		if (!strcmp(word, sizes[i].text)) {
			q->size = sizes[i].size;
			return NULL;
		}
	}
	return iq_error_hint(iq_error_new(IQ_E_USAGE, "unknown option -%s", word),
			     "sizes are -8, -16, -32 and -64");
}

static struct iq_error *set_option(struct session *s, struct request *q, int option, const char *value)
{
	switch (option) {
	case '8':
		return set_size(q, NULL, '8');
	case '1':
	case '3':
	case '6':
		return set_size(q, value, (char)option);
	case 'a':
		q->look = LOOK_TEXT;
		break;
	case 'd':
		q->look = LOOK_SIGNED;
		break;
	case 'D':
		q->look = LOOK_UNSIGNED;
		break;
	case 's':
		q->look = LOOK_SYMBOL;
		break;
	case 'S':
		q->addresses = q->look == LOOK_SLAB; /* the second one */
		q->look = LOOK_SLAB;
		break;
	case 'l':
		q->explain = true;
		break;
	case 'x':
		q->no_ascii = true;
		break;
	case 'p':
		q->space = SPACE_PHYSICAL;
		break;
	case 'u':
		q->space = SPACE_USER;
		break;
	case 'R':
		q->backwards = true;
		break;
	case 'e':
		q->end = value;
		break;
	case 'o':
		return parse_number(value, "an offset", UINT64_MAX, &q->offset);
	}
	return NULL;
}

static struct iq_error *parse(struct session *s, int argc, char **argv, struct request *q, bool *swap)
{
	struct options o = {.argc = argc, .argv = argv};
	struct iq_error *err;

	for (;;) {
		int option = next_option(&o, "adDsSlxpuNR81:3:6:e:o:", &err);
		const char *word;

		if (err)
			return err;
		if (option == 'N')
			*swap = true;
		else if (option != -1)
			IQ_TRY(set_option(s, q, option, o.value));
		if (option != -1)
			continue;
		if (o.index >= argc)
			break;
		word = argv[o.index++];
		if (!q->address) {
			q->address = word;
		} else if (!q->has_count) {
			IQ_TRY(parse_number(word, "a count", MAX_BYTES, &q->count));
			q->has_count = true;
		} else {
			return iq_error_new(IQ_E_USAGE, "%s: one word too many", word);
		}
	}
	if (!q->address)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "the address is missing"), "rd ADDRESS [COUNT]");
	return NULL;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

/* How many bytes are meant, from x->start on. */
static struct iq_error *find_length(struct session *s, const struct request *q, struct rd_result *x,
				    uint64_t *ret)
{
	uint64_t end, len;

	if (q->end) {
		IQ_TRY(parse_address(s, q->end, &end));
		if (end <= x->start)
			return iq_error_new(IQ_E_USAGE, "the end %s is not behind the start", q->end);
		len = (end - x->start + x->size - 1) / x->size * x->size;
	} else if (x->look == LOOK_TEXT) {
		len = q->has_count ? q->count : 4096;
	} else {
		len = (q->has_count ? q->count : 1) * x->size;
	}
	if (len > MAX_BYTES)
		return iq_error_new(IQ_E_USAGE, "more than %u bytes at once", MAX_BYTES);
	*ret = len;
	return NULL;
}

/* What can be read; the error says what stopped it. */
static struct iq_error *read_bytes(struct session *s, const struct request *q, uint64_t len,
				   struct rd_result *x)
{
	struct iq_error *err = NULL;
	struct iq_fault fault;
	struct memory m;

	x->bytes = malloc(len ? len : 1);
	if (!x->bytes)
		return iq_error_nomem();
	IQ_TRY(memory_open(s, q->space, x->start, &m));
	x->len = len;
	if (memory_read(&m, x->start, x->bytes, len, &fault)) {
		uint64_t before = fault.address - x->start;

		x->len = before < len ? before : 0;
		/* A word that is not there as a whole is not shown. */
		x->len -= x->len % x->size;
		err = memory_error(&m, &fault);
		/* A string that ended before is complete. */
		if (x->look == LOOK_TEXT && !q->has_count && text_length(x) < x->len) {
			iq_error_free(err);
			err = NULL;
		}
	}
	memory_close(&m);
	return err;
}

static struct iq_error *read_all(struct session *s, const struct request *q, struct rd_result *x)
{
	uint64_t len = 0;

	x->k = s->kernel;
	x->look = q->look;
	x->size = q->look == LOOK_TEXT ? 1 : q->size ? q->size : 8;
	x->ascii = q->look == LOOK_HEX && !q->no_ascii;
	x->addresses = q->addresses;
	if (q->look == LOOK_SYMBOL || q->look == LOOK_SLAB)
		IQ_TRY(need_kernel(s, &x->k));
	else if (q->explain)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "-l explains what -s and -S name"), "rd -SSl ADDRESS [COUNT]");
	if (q->explain || (q->look == LOOK_SLAB && s->json))
		IQ_TRY(iq_describer_open(x->k, &x->d));
	IQ_TRY(parse_address(s, q->address, &x->start));
	x->start += q->offset;
	IQ_TRY(find_length(s, q, x, &len));
	if (q->backwards)
		x->start -= len - IQ_MIN(len, (uint64_t)x->size);
	return read_bytes(s, q, len, x);
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct request q = {.space = SPACE_AUTO};
	struct rd_result *x = data;

	IQ_TRY(parse(s, argc, argv, &q, &x->swap));
	return read_all(s, &q, x);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct rd_result), fill, &ops, r);
}

const struct command cmd_rd = {
	.name = "rd",
	.summary = "read memory",
	.help = "rd [-adDsSlxpuNR] [-8|-16|-32|-64] [-e END] [-o OFFSET] ADDRESS [COUNT]\n\n"
		"COUNT words from ADDRESS on, which is hexadecimal, a symbol, symbol+number or an\n"
		"expression in parentheses.  An address in user space is the context's task's.\n\n"
		"  -8 … -64   size of a word in bits, 64 unless said otherwise\n"
		"  -d, -D     signed, unsigned decimal\n"
		"  -s         addresses as symbols\n"
		"  -S         and those of slab objects as [cache], with -SS as [address:cache]\n"
		"  -l         with -s or -S: behind the line the source line of each text address, the object, its\n"
		"             state and likely type, the stack\n"
		"  -a         as text, up to the first character that is none\n"
		"  -x         without the characters at the right\n"
		"  -p, -u     ADDRESS is physical; a user address\n"
		"  -e END     up to END instead of a count\n"
		"  -o OFFSET  from ADDRESS + OFFSET on\n"
		"  -N         words in network byte order\n"
		"  -R         COUNT words up to ADDRESS and its own\n\n"
		"  rd ffff897401c51280 8\n"
		"  rd -s (init_task.stack+0x3f00) 32\n"
		"  rd -SSl ffffb0ba31c77da8 60\n"
		"  rd -a linux_banner\n"
		"  rd -p 1000000 4\n",
	.run = run,
	.completes = "s",
	.no_context = true,
};
