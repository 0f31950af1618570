// SPDX-License-Identifier: GPL-2.0-or-later
/* search: every place in memory that holds a value. */
#include "internal.h"
#include "place.h"
#include "search.h"
#include "show.h"
#include <inquest/search.h>
#include <inquest/vmalloc.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A program gets at most so many hits; a person stops earlier. */
#define JSON_MAX_HITS 1000000
#define MAX_CONTEXT 512

struct search_result {
	struct iq_search search;
	struct iq_describer *d; /* -A */
	bool physical;
	enum search_where where;
	unsigned int context; /* -x: words in front of and behind a hit */
	char *pattern; /* -c; owned */

	/* While it runs. */
	struct session *s;
	struct iq_buf *out;
	json_t *hits;
	uint64_t nr_hits;
	bool progress, shown;
	bool unread; /* whoever read the hits has gone away */
	time_t last;
};

static void free_result(void *data)
{
	struct search_result *x = data;

	iq_describer_close(x->d);
	free(x->pattern);
	free(x);
}

/* Where a hit is: its address in the direct map, or what -p asks for. */
static uint64_t shown_address(const struct search_result *x, uint64_t physical)
{
	return x->physical ? physical : physical + x->s->kernel->layout.page_offset;
}

/* The words around a hit, as far as they can be read. */
static void text_around(struct search_result *x, uint64_t physical)
{
	uint64_t first = physical / 8 * 8 - IQ_MIN(physical / 8, (uint64_t)x->context) * 8;
	uint64_t end = physical / 8 * 8 + 8 * ((uint64_t)x->context + 1);

	for (uint64_t at = first; at < end; at += 8) {
		uint8_t bytes[8];

		if (iq_read_phys(x->s->kernel->reader, at, bytes, 8, NULL))
			continue;
		iq_buf_printf(x->out, "  %016" PRIx64 ": %016" PRIx64 "%s\n", shown_address(x, at),
			      iq_le64(bytes), at == physical / 8 * 8 ? " <" : "");
	}
}

/*
 * -V: only memory that the vmalloc area maps, at its address there.  -K leaves those addresses out, not the memory: it is
 * shown at its address in the direct map, as everything is.
 */
static bool wanted_place(struct search_result *x, uint64_t physical, uint64_t *va)
{
	uint64_t page = iq_dump_info(x->s->dump)->page_size;

	if (x->where != SEARCH_VMALLOC)
		return true;
	if (!iq_vmap_of_pfn(x->s->kernel, physical / page, va))
		return false;
	*va += physical % page;
	return true;
}

static void clear_progress(struct search_result *x)
{
	static const char blank[] = "\r\033[K";

	if (x->shown)
		write_all(STDERR_FILENO, blank, sizeof(blank) - 1);
	x->shown = false;
}

static void progress(void *arg, uint64_t pfn, uint64_t end)
{
	struct search_result *x = arg;
	time_t now = time(NULL);
	char line[80];
	int n;

	if (!x->progress || now == x->last)
		return;
	x->last = now;
	n = snprintf(line, sizeof(line), "\rsearch: %" PRIu64 " %% of memory, %" PRIu64 " hits",
		     pfn * 100 / (end ? end : 1), x->nr_hits);
	write_all(STDERR_FILENO, line, (size_t)n);
	x->shown = true;
}

/* -c: the text from the hit on, as far as it is printable. */
static void text_found(struct search_result *x, uint64_t physical)
{
	char bytes[60];
	size_t len = sizeof(bytes);

	while (len && iq_read_phys(x->s->kernel->reader, physical, bytes, len, NULL))
		len /= 2;
	for (size_t i = 0; i < len && bytes[i] >= ' ' && bytes[i] <= '~'; i++)
		iq_buf_putc(x->out, bytes[i]);
}

static bool hit_text(void *arg, uint64_t physical, uint64_t word)
{
	struct search_result *x = arg;
	struct iq_whatis w;
	uint64_t va = 0;

	if (!wanted_place(x, physical, &va))
		return true;
	clear_progress(x);
	x->nr_hits++;
	iq_buf_printf(x->out, x->physical ? "%" PRIx64 ": " : "%016" PRIx64 ": ",
		      va && !x->physical ? va : shown_address(x, physical));
	if (x->pattern)
		text_found(x, physical);
	else
		iq_buf_printf(x->out, "%0*" PRIx64, x->search.width ? 2 * (int)x->search.width : 16,
			      word);
	if (x->d) {
		iq_whatis(x->d, physical, true, &w);
		iq_buf_puts(x->out, "  ");
		iq_whatis_line(x->s->kernel, &w, x->out);
	}
	iq_buf_putc(x->out, '\n');
	if (x->context)
		text_around(x, physical);
	x->unread = !stream_out(x->s, x->out);
	return !x->unread;
}

static bool hit_json(void *arg, uint64_t physical, uint64_t word)
{
	struct search_result *x = arg;
	struct iq_whatis w;
	uint64_t va = 0;
	json_t *o;

	if (!wanted_place(x, physical, &va))
		return true;
	if (x->nr_hits++ >= JSON_MAX_HITS)
		return false;
	o = json_object();
	json_object_set_new(o, "address",
			    x->physical ? json_null() : json_address(shown_address(x, physical)));
	json_object_set_new(o, "physical", json_address(physical));
	json_object_set_new(o, "value", x->pattern ? json_string(x->pattern) : json_address(word));
	if (x->d)
		iq_whatis(x->d, physical, true, &w);
	json_object_set_new(o, "whatis", x->d ? json_kind(x->s, &w) : json_null());
	json_array_append_new(x->hits, o);
	return true;
}

static void finish(struct search_result *x, struct iq_error *err)
{
	uint64_t n = x->search.pages_excluded;

	clear_progress(x);
	/* What was filtered out of the dump could not be searched. */
	if (n && !x->unread)
		iq_warn(&x->s->warnings,
			"%" PRIu64 " pages (%" PRIu64
			" MB) are not in the dump and were not searched: "
			"filtering left them out",
			n, n * iq_dump_info(x->s->dump)->page_size >> 20);
	if (x->search.pages_unreadable && !x->unread)
		iq_warn(&x->s->warnings, "%" PRIu64 " pages cannot be read and were not searched",
			x->search.pages_unreadable);
	if (err && !x->s->late_error)
		x->s->late_error = err;
	else
		iq_error_free(err);
}

/* The search runs while its hits are printed: it may take long and find much. */
static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	struct search_result *x = r->data;

	x->s = s;
	x->out = out;
	x->progress = isatty(STDERR_FILENO);
	x->search.arg = x;
	x->search.hit = hit_text;
	x->search.progress = progress;
	finish(x, iq_search(s->dump, &x->search));
}

static json_t *json(struct session *s, const struct result *r)
{
	struct search_result *x = r->data;
	json_t *o = json_object();

	x->s = s;
	x->hits = json_array();
	x->search.arg = x;
	x->search.hit = hit_json;
	finish(x, iq_search(s->dump, &x->search));
	if (x->nr_hits > JSON_MAX_HITS)
		iq_warn(&s->warnings, "only the first %u hits are listed", JSON_MAX_HITS);
	json_object_set_new(o, "hits", x->hits);
	json_object_set_new(o, "pages_searched",
			    json_integer((json_int_t)x->search.pages_searched));
	json_object_set_new(o, "pages_excluded",
			    json_integer((json_int_t)x->search.pages_excluded));
	json_object_set_new(o, "pages_unreadable",
			    json_integer((json_int_t)x->search.pages_unreadable));
	return o;
}

static const struct result_ops ops = {text, json, free_result};

static struct iq_error *parse_hex_option(struct session *s, const char *letter, const char *word,
					 uint64_t *ret)
{
	if (iq_parse_hex(word, ret))
		return NULL;
	return iq_error_prefix(parse_address(s, word, ret), "-%s", letter);
}

static struct iq_error *options(struct session *s, struct search_result *x, struct options *o,
				bool *explain, bool *text)
{
	struct iq_error *err = NULL;
	uint64_t ignored = 0, length = 0, words;
	int c;

	while ((c = next_option(o, "pkKVutTwhAcx:m:s:e:l:", &err)) != -1) {
		if (err)
			return err;
		switch (c) {
		case 'p':
			x->physical = true;
			break;
		case 'K':
			x->where = SEARCH_UNITY;
			break;
		case 'V':
			x->where = SEARCH_VMALLOC;
			break;
		case 'u':
			x->where = SEARCH_USER;
			break;
		case 't':
			x->where = SEARCH_STACKS;
			break;
		case 'T':
			x->where = SEARCH_ACTIVE_STACKS;
			break;
		case 'w':
			x->search.width = 4;
			break;
		case 'h':
			x->search.width = 2;
			break;
		case 'c':
			*text = true;
			break;
		case 'x':
			IQ_TRY(parse_number(o->value, "a count of words", MAX_CONTEXT, &words));
			x->context = (unsigned int)words;
			break;
		case 'A':
			*explain = true;
			break;
		case 'm':
			IQ_TRY(parse_hex_option(s, "m", o->value, &ignored));
			x->search.mask = ~ignored;
			break;
		case 's':
			IQ_TRY(parse_hex_option(s, "s", o->value, &x->search.start));
			break;
		case 'e':
			IQ_TRY(parse_hex_option(s, "e", o->value, &x->search.end));
			break;
		case 'l':
			/* A length of digits alone is decimal, as in crash. */
			if (!iq_parse_u64(o->value, &length))
				IQ_TRY(parse_hex_option(s, "l", o->value, &length));
			break;
		}
	}
	if (length && x->search.end)
		return iq_error_new(IQ_E_USAGE, "-e and -l exclude each other");
	if (length)
		x->search.end = x->search.start + length;
	return NULL;
}

/* -s and -e are addresses as the hits are shown: of the direct map, or physical ones. */
static struct iq_error *to_physical(struct session *s, const struct search_result *x,
				    uint64_t *address)
{
	const struct iq_layout *l;

	if (x->physical || !*address)
		return NULL;
	l = &s->kernel->layout;
	if (*address < l->page_offset || *address > l->page_offset_end)
		return iq_error_hint(iq_error_new(IQ_E_USAGE,
						  "0x%" PRIx64
						  " is not in the direct map of physical memory",
						  *address),
				     "with -p, -s and -e are physical addresses");
	*address -= l->page_offset;
	return NULL;
}

static struct iq_error *prepare(struct session *s, struct search_result *x, int argc, char **argv)
{
	struct options o = {argc, argv, 1, 0, NULL};
	struct iq_kernel *k;
	bool explain = false, text = false;

	IQ_TRY(options(s, x, &o, &explain, &text));
	if (o.index + 1 != argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "search needs one value"),
				     "search [-p] [-A] VALUE | SYMBOL | (EXPRESSION)");
	if (text) {
		IQ_TRY(need_kernel(s, &k));
		x->pattern = strdup(argv[o.index]);
		if (!x->pattern)
			return iq_error_nomem();
		if (!*x->pattern)
			return iq_error_new(IQ_E_USAGE, "-c needs a text to look for");
		x->search.pattern = x->pattern;
		x->search.pattern_len = strlen(x->pattern);
	} else if (!x->physical || explain || x->where || !iq_parse_hex(argv[o.index], &x->search.value)) {
		IQ_TRY(need_kernel(s, &k));
		IQ_TRY(parse_address(s, argv[o.index], &x->search.value));
	}
	if (x->search.width && !text &&
	    x->search.value >= UINT64_C(1) << 8 * x->search.width)
		return iq_error_new(IQ_E_USAGE, "0x%" PRIx64 " has more than %u bytes", x->search.value,
				    x->search.width);
	if (x->where >= SEARCH_USER) /* -s, -e are addresses there */
		return text ? iq_error_new(IQ_E_USAGE, "-c searches all of memory, not one task's")
			    : explain ? open_describer(s, &x->d) : NULL;
	IQ_TRY(to_physical(s, x, &x->search.start));
	IQ_TRY(to_physical(s, x, &x->search.end));
	if (x->search.mask == 0 && x->search.value == 0)
		x->search.mask = UINT64_MAX;
	x->search.cancel = &s->cancel;
	return explain ? open_describer(s, &x->d) : NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct search_result *x = calloc(1, sizeof(*x));
	struct iq_error *err;

	if (!x)
		return iq_error_nomem();
	err = prepare(s, x, argc, argv);
	if (err) {
		free_result(x);
		return err;
	}
	if (x->where >= SEARCH_USER) {
		struct search_tasks t = {x->where, x->search.value, x->search.mask, x->search.width,
					 x->search.start, x->search.end, x->d};

		x->d = NULL;
		free_result(x);
		return search_tasks(s, &t, r);
	}
	r->ops = &ops;
	r->data = x;
	return NULL;
}

const struct command cmd_search = {
	.name = "search",
	.summary = "every place in memory that holds a value",
	.help = "search [-p | -K | -V] [-A] [-w | -h] [-x COUNT] [-m MASK] [-s START] [-e END | -l LENGTH] VALUE | SYMBOL | "
		"(EXPRESSION)\n"
		"search -t | -T | -u [-A] [-w | -h] [-m MASK] [-s START] [-e END | -l LENGTH] VALUE\n"
		"search -c [-p] [-A] [-s START] [-e END | -l LENGTH] TEXT\n"
		"\n"
		"Searches all of the machine's memory for 64-bit words equal to VALUE, on all "
		"CPUs.  Each place is shown\n"
		"once, in ascending order, with its address in the direct map, as soon as it is "
		"found.  Ctrl-C stops.\n"
		"Pages that filtering has left out of the dump are counted: they could not be "
		"searched.\n"
		"\n"
		"  -p         show physical addresses\n"
		"  -A         explain each hit: whose stack and frame, which object and member, "
		"which page\n"
		"  -k         kernel memory (the default; for those who are used to typing it)\n"
		"  -K         by addresses in the direct map, as without it\n"
		"  -V         only memory of vmalloc areas and modules, by its addresses there\n"
		"  -t         the kernel stacks of all tasks; -T of those that were running\n"
		"  -u         the user memory of the current task\n"
		"  -w, -h     VALUE is a word of four, of two bytes\n"
		"  -c         a text instead of a value, wherever it begins in a page\n"
		"  -x COUNT   the words in front of and behind each hit as well\n"
		"  -m MASK    bits that are set here are ignored\n"
		"  -s, -e, -l the range to search (physical with -p, else of the direct map), "
		"hexadecimal\n"
		"\n"
		"Examples:\n"
		"  search -p ffff8a9104090304      the physical places of a bad pointer\n"
		"  search -A ffff8a9104090304      the same, each explained\n"
		"  search -m fff ffff8a9104090000  pointers into one page\n",
	.run = run,
	.completes = "s",
	.no_context = true,
};
