// SPDX-License-Identifier: GPL-2.0-or-later
/* tree: red-black trees, xarrays, radix trees, IDRs and maple trees, entry by entry. */
#include "internal.h"
#include "struct.h"

#include <inquest/tree.h>
#include <inttypes.h>
#include <stdlib.h>

#define ENTRIES_MAX (16u << 20)

enum flavour { RBTREE, XARRAY, RADIX, IDR, MAPLE };

static const struct {
	const char *name, *root; /* root: the structure that START is */
	enum iq_tree_kind kind;
} flavours[] = {
	[RBTREE] = {"rbtree", "rb_root", IQ_TREE_RBTREE},
	[XARRAY] = {"xarray", "xarray", IQ_TREE_XARRAY},
	[RADIX] = {"radix", "radix_tree_root", IQ_TREE_XARRAY},
	[IDR] = {"idr", "idr", IQ_TREE_XARRAY},
	[MAPLE] = {"maple", "maple_tree", IQ_TREE_MAPLE},
};

struct entry {
	uint64_t address, first, last;
	uint32_t way, depth; /* its way is that many bytes of tree_result.ways */
};

struct tree_result {
	struct iq_kernel *k;
	enum flavour flavour;
	struct struct_result *shown; /* -s; NULL: addresses only */
	bool positions, hex;
	uint64_t offset;	     /* -o: where in an entry its rb_node is */
	int64_t base;		     /* IDR: what is added to the index */
	struct entry *entries;
	unsigned int nr, room;
	uint8_t *ways;
	unsigned int nr_ways, room_ways;
	struct iq_buf whole;	     /* -v: as text */
	struct iq_error *err;
	struct iq_cancel *cancel;
};

static void free_result(void *data)
{
	struct tree_result *x = data;

	struct_shown_free(x->shown);
	iq_error_free(x->err);
	iq_buf_free(&x->whole);
	free(x->entries);
	free(x->ways);
	free(x);
}

/* ---- Showing ----------------------------------------------------------------------------------- */

static void position(const struct tree_result *x, const struct entry *e, struct iq_buf *out)
{
	if (!e->depth && x->flavour != RBTREE) { /* an entry in the place of nodes */
		iq_buf_puts(out, "direct/0");
		return;
	}
	iq_buf_puts(out, "root");
	for (uint32_t i = 0; i < e->depth; i++) {
		uint8_t step = x->ways[e->way + i];

		if (x->flavour == RBTREE)
			iq_buf_printf(out, "/%c", step ? 'r' : 'l');
		else
			iq_buf_printf(out, "/%u", step);
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct tree_result *x = r->data;

	iq_buf_add(out, x->whole.s, x->whole.len);
	if (x->whole.len)
		return;
	if (!x->nr)
		iq_buf_puts(out, "(empty)\n");
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct entry *e = &x->entries[i];

		iq_buf_printf(out, "%" PRIx64 "\n", e->address);
		if (x->positions) {
			iq_buf_puts(out, "  ");
			if (x->flavour == MAPLE) /* crash counts the entries */
				iq_buf_printf(out, x->hex ? "index: %x  " : "index: %u  ", i + 1);
			else if (x->flavour != RBTREE)
				iq_buf_printf(out, "index: %" PRIu64 "  ", e->first);
			iq_buf_puts(out, "position: ");
			position(x, e, out);
			iq_buf_puts(out, "\n");
		}
		if (x->shown)
			struct_shown_text(x->shown, e->address, out);
		if (!stream_out(s, out) || iq_cancelled(&s->cancel))
			break;
	}
}

static json_t *json_entry(const struct tree_result *x, const struct entry *e)
{
	json_t *o = json_object();
	struct iq_buf way = {0};

	json_object_set_new(o, "address", json_address(e->address));
	if (x->flavour != RBTREE)
		json_object_set_new(o, x->flavour == MAPLE ? "first" : "index",
				    json_integer((json_int_t)e->first));
	if (x->flavour == MAPLE)
		json_object_set_new(o, "last", json_integer((json_int_t)e->last));
	position(x, e, &way);
	json_object_set_new(o, "position", json_text(iq_buf_str(&way), way.len));
	iq_buf_free(&way);
	if (x->shown)
		json_object_set_new(o, "value", struct_shown_json(x->shown, e->address));
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct tree_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr && !iq_cancelled(&s->cancel); i++)
		json_array_append_new(list, json_entry(x, &x->entries[i]));
	json_object_set_new(o, "type", json_string(flavours[x->flavour].name));
	json_object_set_new(o, "count", json_integer(x->nr));
	json_object_set_new(o, "entries", list);
	return o;
}

static bool some(const void *data)
{
	const struct tree_result *x = data;

	return x->nr > 0 || x->whole.len;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Walking ----------------------------------------------------------------------------------- */

static bool take(const struct iq_tree_entry *e, void *arg)
{
	struct tree_result *x = arg;

	if (x->nr >= ENTRIES_MAX) {
		x->err = iq_error_new(IQ_E_LIMIT, "the tree goes on after %u entries", ENTRIES_MAX);
		return false;
	}
	if (!iq_grow(&x->entries, &x->room, x->nr + 1, sizeof(*x->entries)) ||
	    !iq_grow(&x->ways, &x->room_ways, x->nr_ways + e->depth, 1)) {
		x->err = iq_error_nomem();
		return false;
	}
	if (e->depth)
		memcpy(x->ways + x->nr_ways, e->way, e->depth);
	x->entries[x->nr++] = (struct entry){
		.address = e->address - x->offset, .first = e->first + (uint64_t)x->base, .last = e->last,
		.way = x->nr_ways, .depth = e->depth,
	};
	x->nr_ways += e->depth;
	return !iq_cancelled(x->cancel);
}

/* -v: as the kernel's mt_dump() prints a tree. */
static void range_text(struct tree_result *x, unsigned int depth, uint64_t first, uint64_t last)
{
	iq_buf_printf(&x->whole, x->hex ? "%*s%" PRIx64 "-%" PRIx64 ": " : "%*s%" PRIu64 "-%" PRIu64 ": ",
		      (int)depth * 2, "", first, last);
}

static void pointer_text(struct tree_result *x, uint64_t p)
{
	if (p)
		iq_buf_printf(&x->whole, "0x%" PRIx64 " ", p);
	else
		iq_buf_puts(&x->whole, "(nil) ");
}

static void number_text(struct tree_result *x, uint64_t n)
{
	iq_buf_printf(&x->whole, x->hex ? "%" PRIx64 " " : "%" PRIu64 " ", n);
}

static bool whole_node(const struct iq_maple_node *n, void *arg)
{
	struct tree_result *x = arg;

	range_text(x, n->depth, n->first, n->last);
	iq_buf_printf(&x->whole, "node 0x%" PRIx64 " depth %u type %u parent 0x%" PRIx64 " contents: ", n->address,
		      n->depth, n->type, n->parent);
	for (unsigned int i = 0; n->gap && i < n->nr_slots; i++)
		number_text(x, n->gap[i]);
	if (n->gap)
		iq_buf_printf(&x->whole, "| %02X %02X| ", n->meta[0], n->meta[1]);
	for (unsigned int i = 0; i < n->nr_slots; i++) {
		pointer_text(x, n->slot[i]);
		if (i < n->nr_pivots)
			number_text(x, n->pivot[i]);
	}
	if (x->whole.len)
		x->whole.len--; /* the last blank */
	iq_buf_puts(&x->whole, "\n");
	return !iq_cancelled(x->cancel);
}

static bool whole_entry(const struct iq_tree_entry *e, void *arg)
{
	struct tree_result *x = arg;

	range_text(x, e->depth, e->first, e->last);
	iq_buf_printf(&x->whole, "0x%" PRIx64 "\n", e->address);
	return !iq_cancelled(x->cancel);
}

static struct iq_error *whole_head(struct tree_result *x, uint64_t tree)
{
	struct iq_types *t = iq_kernel_types(x->k);
	uint64_t at, size, flags = 0, root = 0;

	if (!t || !iq_offset(t, "maple_tree", "ma_flags", &at, &size) || size > 8 ||
	    iq_vm_read_uint(x->k->vm, tree + at, (unsigned int)size, &flags) ||
	    !iq_offset(t, "maple_tree", "ma_root", &at, NULL) ||
	    iq_vm_read_uint(x->k->vm, tree + at, 8, &root))
		return iq_error_new(IQ_E_MEMORY, "the struct maple_tree at 0x%" PRIx64 " cannot be read", tree);
	iq_buf_printf(&x->whole, "maple_tree(%" PRIx64 ") flags %" PRIX64 ", height %" PRIu64 " root 0x%" PRIx64
		      "\n\n", tree, flags, flags >> 2 & 31, root);
	return NULL;
}

/* ---- What was typed ---------------------------------------------------------------------------- */

struct request {
	const char *type, *root, *node, *shown, *start;
	bool hex, decimal, linear, positions, whole, from_node;
};

static struct iq_error *usage(const char *what)
{
	return iq_error_hint(iq_error_new(IQ_E_USAGE, "%s", what),
			     "tree [-t rbtree|xarray|radix|idr|maple] START; help tree shows examples");
}

static struct iq_error *parse_options(struct options *o, struct request *q)
{
	struct iq_error *err;
	int option;

	while ((option = next_option(o, "t:r:o:s:S:lpvNxd", &err)) != -1) {
		switch (option) {
		case 't': q->type = o->value; break;
		case 'r': q->root = o->value; break;
		case 'o': q->node = o->value; break;
		case 's':
		case 'S': q->shown = o->value; break;
		case 'l': q->linear = true; break;
		case 'p': q->positions = true; break;
		case 'v': q->whole = true; break;
		case 'N': q->from_node = true; break;
		case 'x': q->hex = true; break;
		case 'd': q->decimal = true; break;
		default: return err;
		}
	}
	return NULL;
}

static struct iq_error *parse(int argc, char **argv, struct request *q)
{
	struct options o = {.argc = argc, .argv = argv};

	for (;;) {
		IQ_TRY(parse_options(&o, q));
		if (o.index >= argc)
			break;
		if (q->start)
			return usage("too many words");
		q->start = argv[o.index++];
	}
	return q->start ? NULL : usage("the address of the tree is missing");
}

/* As much of a name as crash wants: "ra", "rb", "x", "m", "i". */
static struct iq_error *parse_flavour(const char *word, enum flavour *ret)
{
	size_t len = word ? strlen(word) : 0;

	*ret = RBTREE;
	if (!word)
		return NULL;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(flavours); i++)
		if (!strncmp(flavours[i].name, word, len) && len >= (*word == 'r' ? 2u : 1u)) {
			*ret = (enum flavour)i;
			return NULL;
		}
	return iq_error_hint(iq_error_new(IQ_E_USAGE, "there is no kind of tree called %s", word),
			     "-t rbtree, xarray, radix, idr or maple");
}

static struct iq_error *check(const struct request *q, enum flavour flavour)
{
	if (q->whole && flavour != MAPLE)
		return usage("-v is for maple trees");
	if (q->linear && flavour != RBTREE)
		return usage("-l is for red-black trees: the others are always in order");
	if (q->node && flavour != RBTREE)
		return usage("-o is for red-black trees: the others lead to their entries");
	if (q->root && q->from_node)
		return usage("-r goes with a root, -N with a node");
	return NULL;
}

/* An IDR's tree is a member of it, and its first index is idr_base. */
static void idr_root(struct tree_result *x, uint64_t *start)
{
	struct iq_types *t = iq_kernel_types(x->k);
	uint64_t at, size, base;

	if (t && iq_offset(t, "idr", "idr_base", &at, &size) && size <= 8 &&
	    !iq_vm_read_uint(x->k->vm, *start + at, (unsigned int)size, &base))
		x->base = (int64_t)base;
	if (t && iq_offset(t, "idr", "idr_rt", &at, NULL))
		*start += at;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct tree_result *x = data;
	struct request q = {0};
	struct iq_tree_walk w = {.entry = take, .arg = x};
	uint64_t root_at = 0;

	x->k = s->kernel;
	x->cancel = &s->cancel;
	IQ_TRY(parse(argc, argv, &q));
	IQ_TRY(parse_flavour(q.type, &x->flavour));
	IQ_TRY(check(&q, x->flavour));
	if (q.root)
		IQ_TRY(struct_offset(s, q.root, &root_at));
	if (q.node)
		IQ_TRY(struct_offset(s, q.node, &x->offset));
	IQ_TRY(parse_address(s, q.start, &w.start));
	if (q.shown)
		IQ_TRY(struct_shown(s, q.shown, q.hex, q.decimal, &x->shown));
	w.start += root_at;
	w.kind = flavours[x->flavour].kind;
	w.from_node = q.from_node;
	w.in_order = q.linear;
	x->positions = q.positions;
	x->hex = q.hex;
	if (x->flavour == IDR && !w.from_node)
		idr_root(x, &w.start);
	if (q.whole) {
		if (!w.from_node)
			IQ_TRY(whole_head(x, w.start));
		w.node = whole_node;
		w.entry = w.empty = whole_entry;
	}
	IQ_TRY(iq_tree_for_each(x->k, &w));
	if (x->err) {
		struct iq_error *err = x->err;

		x->err = NULL;
		return err;
	}
	return NULL;
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct tree_result), fill, &ops, r);
}

const struct command cmd_tree = {
	.name = "tree",
	.summary = "a red-black tree, xarray, radix tree, IDR or maple tree, entry by entry",
	.help = "tree [-t rbtree|xarray|radix|idr|maple] [-r OFFSET] [-o OFFSET] [-l] [-p] [-v]\n"
		"     [-s STRUCT[.MEMBER[,MEMBER]]] [-x | -d] [-N] START\n"
		"\n"
		"Walks a tree and shows the address of each entry.  START is the address of its root (struct\n"
		"rb_root, xarray, radix_tree_root, idr, maple_tree), or of a structure that has the root at\n"
		"OFFSET (-r).  OFFSET is a number or STRUCT.MEMBER.\n"
		"\n"
		"  -t  the kind of tree, as short as it is clear (rb, x, ra, i, m); without: rbtree\n"
		"  -o  rbtree: where in an entry its struct rb_node is\n"
		"  -l  rbtree: ascending, from the leftmost; otherwise each node before its children\n"
		"  -p  the place of each: l and r of a red-black tree, slots of the others and the index\n"
		"      (of a maple tree, as in crash, the entry's number; --json has the range)\n"
		"  -v  maple: every node and range, also the empty ones\n"
		"  -s  shows each entry as this structure, or these members of it (-S is the same)\n"
		"  -N  START is a node (rb_node, xa_node, maple_node, tag bits as they are), not a root\n"
		"  -x, -d  integers in hexadecimal or decimal\n"
		"\n"
		"A node that cannot be read or does not name its parent is said to; the walk goes on past it.\n"
		"\n"
		"  inquest> tree -t rbtree -o vmap_area.rb_node -s vmap_area.va_start,va_end vmap_area_root\n"
		"  inquest> tree -t xarray -p -s pid.level -r pid_namespace.idr init_pid_ns\n"
		"  inquest> tree -t maple -r mm_struct.mm_mt ffff8bdfc1054000 -s vm_area_struct.vm_start,vm_end -x\n"
		"  inquest> tree -t idr -p (&init_pid_ns.idr)\n",
	.run = run,
	.completes = "st",
};
