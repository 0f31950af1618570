// SPDX-License-Identifier: GPL-2.0-or-later
/* list: linked lists of any kind, entry by entry. */
#include "struct.h"
#include "internal.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#define ENTRIES_MAX (4u << 20)

enum start {
	START_ENTRY,	/* the first structure */
	START_EMBEDDED, /* -h: a structure with a list_head in it */
	START_HEAD,	/* -H: a list_head that is no entry */
};

extern const struct command cmd_src;

struct list_result {
	struct iq_kernel *k;
	struct struct_result *shown; /* -s; NULL: addresses only */
	uint64_t embedded;	     /* -l: where in the structure the link is */
	uint64_t *entry;
	unsigned int nr, room;
};

/* How to walk. */
struct way {
	enum start start;
	uint64_t address, offset, head_offset, end;
	bool reverse, has_end, has_head_offset;
};

static void free_result(void *data)
{
	struct list_result *x = data;

	struct_shown_free(x->shown);
	free(x->entry);
	free(x);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct list_result *x = r->data;

	if (!x->nr)
		iq_buf_puts(out, "(empty)\n");
	for (unsigned int i = 0; i < x->nr; i++) {
		iq_buf_printf(out, "%" PRIx64 "\n", x->entry[i]);
		if (x->shown)
			struct_shown_text(x->shown, x->entry[i] - x->embedded, out);
		if (!stream_out(s, out) || iq_cancelled(&s->cancel))
			break;
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct list_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr && !iq_cancelled(&s->cancel); i++)
		json_array_append_new(list, x->shown ? struct_shown_json(x->shown, x->entry[i] - x->embedded)
						     : json_address(x->entry[i]));
	json_object_set_new(o, "count", json_integer(x->nr));
	json_object_set_new(o, "entries", list);
	return o;
}

static bool some(const void *data)
{
	const struct list_result *x = data;

	return x->nr > 0;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Walking ----------------------------------------------------------------------------------- */

static struct iq_error *add(struct list_result *x, uint64_t entry)
{
	if (x->nr >= ENTRIES_MAX)
		return iq_error_hint(iq_error_new(IQ_E_LIMIT, "the list goes on after %u entries", ENTRIES_MAX),
				     "-e ADDRESS ends it earlier");
	if (!iq_grow(&x->entry, &x->room, x->nr + 1, sizeof(*x->entry)))
		return iq_error_nomem();
	x->entry[x->nr++] = entry;
	return NULL;
}

/*
 * The entry NR - 1 was met before, at a distance of PERIOD: what comes once only stays.  Returns the entry that
 * is met twice.
 */
static uint64_t cut_circle(struct list_result *x, unsigned int period)
{
	unsigned int first = 0;

	while (first + period < x->nr && x->entry[first] != x->entry[first + period])
		first++;
	x->nr = IQ_MIN(x->nr, first + period);
	return x->entry[first];
}

/* A link of a list_head that does not point back. */
static void check_back(struct session *s, const struct way *w, uint64_t link, uint64_t next, bool *told)
{
	uint64_t back;

	if (*told || iq_vm_read_uint(s->kernel->vm, next + (w->reverse ? 0 : 8), 8, &back) || back == link)
		return;
	*told = true;
	iq_warn(&s->warnings, "the %s of 0x%" PRIx64 " is 0x%" PRIx64 ", but the %s of that is 0x%" PRIx64,
		w->reverse ? "prev" : "next", link, next, w->reverse ? "next" : "prev", back);
}

static struct iq_error *read_next(struct session *s, const struct way *w, uint64_t link, uint64_t *next)
{
	if (!iq_vm_read_uint(s->kernel->vm, link + (w->reverse ? 8 : 0), 8, next))
		return NULL;
	return iq_error_new(IQ_E_MEMORY, "the list entry at 0x%" PRIx64 " cannot be read", link);
}

/* Links are addresses of the word that points on: list_head.next, or the member at `offset`. */
static struct iq_error *walk(struct session *s, const struct way *w, struct list_result *x)
{
	bool heads = w->start != START_ENTRY, told = false;
	uint64_t link = w->address, first, shift = heads ? w->offset : 0, next;
	unsigned int mark = 0, span = 1;

	if (w->start == START_ENTRY)
		link += w->offset;
	else if (w->start == START_EMBEDDED)
		link += w->has_head_offset ? w->head_offset : w->offset;
	first = link;
	if (w->start == START_ENTRY || (w->start == START_EMBEDDED && !w->has_head_offset))
		IQ_TRY(add(x, w->address));
	for (;;) {
		IQ_TRY(read_next(s, w, link, &next));
		if (heads)
			check_back(s, w, link, next, &told);
		/* Without -h and -H, pointers lead to structures, not to links. */
		if (!next || next == (heads ? first : w->address) ||
		    (w->has_end && (next == w->end || next - shift == w->end)) || iq_cancelled(&s->cancel))
			return NULL;
		IQ_TRY(add(x, next - shift));
		if (x->nr > 1 && mark < x->nr - 1 && x->entry[mark] == x->entry[x->nr - 1]) {
			uint64_t twice = cut_circle(x, x->nr - 1 - mark);

			return iq_error_new(IQ_E_FORMAT,
					    "the list runs in a circle: it comes back to 0x%" PRIx64
					    ", not to where it began", twice);
		}
		/* Brent: the mark is moved to the newest entry at distances that double. */
		if (x->nr - 1 - mark >= span) {
			mark = x->nr - 1;
			span *= 2;
		}
		link = next + (heads ? 0 : w->offset);
	}
}

/* ---- What was typed ---------------------------------------------------------------------------- */

struct request {
	struct way way;
	const char *shown, *offset, *end, *head_offset, *embedded;
	bool hex, decimal;
};

static struct iq_error *parse(struct options *o, struct request *q)
{
	struct iq_error *err;
	int option;

	while ((option = next_option(o, "hHrBxdo:O:e:s:S:l:", &err)) != -1) {
		switch (option) {
		case 'h': q->way.start = START_EMBEDDED; break;
		case 'H': q->way.start = START_HEAD; break;
		case 'r': q->way.reverse = true; break;
		case 'B': break; /* always */
		case 'x': q->hex = true; break;
		case 'd': q->decimal = true; break;
		case 'o': q->offset = o->value; break;
		case 'O': q->head_offset = o->value; break;
		case 'e': q->end = o->value; break;
		case 's':
		case 'S': q->shown = o->value; break;
		case 'l': q->embedded = o->value; break;
		default: return err;
		}
	}
	return NULL;
}

static struct iq_error *usage(const char *what)
{
	return iq_error_hint(iq_error_new(IQ_E_USAGE, "%s", what),
			     "list [OFFSET] [-h | -H] START; help list shows examples");
}

/* Options may stand anywhere; the words are [OFFSET] START. */
static struct iq_error *parse_all(int argc, char **argv, struct request *q, const char **start)
{
	struct options o = {.argc = argc, .argv = argv};
	const char *words[2];
	unsigned int nr = 0;

	for (;;) {
		IQ_TRY(parse(&o, q));
		if (o.index >= argc)
			break;
		if (nr == 2)
			return usage("too many words");
		words[nr++] = argv[o.index++];
	}
	if (!nr)
		return usage("the address where the list begins is missing");
	if (nr == 2 && q->offset)
		return usage("two offsets");
	if (nr == 2)
		q->offset = words[0];
	*start = words[nr - 1];
	if (q->way.reverse && q->way.start == START_ENTRY)
		return usage("-r needs a list_head: -h or -H");
	if (q->head_offset && q->way.start != START_EMBEDDED)
		return usage("-O goes with -h");
	if (q->embedded && !q->shown)
		return usage("-l goes with -s");
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct list_result *x = data;
	struct request q = {0};
	const char *start = NULL;

	x->k = s->kernel;
	IQ_TRY(parse_all(argc, argv, &q, &start));
	if (q.offset)
		IQ_TRY(struct_offset(s, q.offset, &q.way.offset));
	if (q.head_offset)
		IQ_TRY(struct_offset(s, q.head_offset, &q.way.head_offset));
	if (q.embedded)
		IQ_TRY(struct_offset(s, q.embedded, &x->embedded));
	if (q.end)
		IQ_TRY(parse_address(s, q.end, &q.way.end));
	q.way.has_end = q.end;
	q.way.has_head_offset = q.head_offset;
	IQ_TRY(parse_address(s, start, &q.way.address));
	if (q.shown)
		IQ_TRY(struct_shown(s, q.shown, q.hex, q.decimal, &x->shown));
	return walk(s, &q.way, x);
}

/* gdb's list: FILE:LINE, or a function. */
static bool means_source(struct iq_kernel *k, const char *word)
{
	const char *colon = strrchr(word, ':');
	struct iq_symbol sym;

	if (colon && isdigit((unsigned char)colon[1]))
		return true;
	return iq_symbol_named(k, word, &sym) && iq_is_text(k, sym.address);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	if (argc >= 2 && means_source(k, argv[1]))
		return cmd_src.run(s, argc, argv, r);
	return fill_result(s, argc, argv, sizeof(struct list_result), fill, &ops, r);
}

const struct command cmd_list = {
	.name = "list",
	.summary = "a linked list, entry by entry",
	.help = "list [OFFSET] [-e END] [-s STRUCT[.MEMBER[,MEMBER]] [-l OFFSET]] [-x | -d]\n"
		"     [-r] [-h [-O OFFSET] | -H] START\n"
		"\n"
		"Follows a list and shows the address of each entry.  OFFSET is where in an entry the\n"
		"pointer to the next one, or with -h and -H the list_head, lies: a number or\n"
		"STRUCT.MEMBER, also as -o OFFSET.  START is an address, a symbol or an expression.\n"
		"\n"
		"      START is the first entry; the list ends with a null pointer or back at START\n"
		"  -h  START is an entry with a list_head in it; with -O OFFSET it holds the list's\n"
		"      head there and is no entry itself\n"
		"  -H  START is a list_head that is not in an entry\n"
		"  -r  follows prev instead of next\n"
		"  -e  ends in front of the entry at END\n"
		"  -s  shows each entry as this structure, or these members of it (-S is the same)\n"
		"  -l  an entry's address is that of a member at OFFSET of the structure\n"
		"  -x, -d  integers in hexadecimal or decimal\n"
		"\n"
		"A list that runs in a circle is shown once and said to; so is the first link whose\n"
		"neighbour does not point back (-B of crash is always on).  With the name of a\n"
		"function or FILE:LINE, list is src.\n"
		"\n"
		"  inquest> list task_struct.tasks -h init_task\n"
		"  inquest> list module.list -s module.name,state -H modules\n"
		"  inquest> list -o mm_struct.mmlist.next -h ffff89740352de40\n",
	.run = run,
	.completes = "st",
};
