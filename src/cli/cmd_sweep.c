// SPDX-License-Identifier: GPL-2.0-or-later
/* sweep: is the kernel's memory what it must be?  explain: what is wrong with this pointer, these bytes? */
#include "internal.h"
#include <ctype.h>
#include <inquest/integrity.h>
#include <inttypes.h>
#include <stdlib.h>

#define BYTES_MOST 4096u

struct findings_result {
	struct iq_case *c;
	const struct iq_finding *list;
	unsigned int nr;
	bool sweep, bytes;
	struct iq_sweep swept;
};

static void free_result(void *data)
{
	struct findings_result *x = data;

	iq_case_close(x->c);
	free(x);
}

static void text_finding(const struct findings_result *x, const struct iq_finding *f,
			 struct iq_buf *out)
{
	iq_buf_printf(out, "%-8s  ", iq_confidence_text(f->confidence));
	if (!x->bytes)
		iq_buf_printf(out, "%s: ", iq_class_text(f->class));
	iq_buf_add_escaped(out, f->claim, strlen(f->claim), false);
	iq_buf_putc(out, '\n');
	for (unsigned int i = 0; i < f->nr_evidence; i++) {
		const struct iq_evidence *e = &f->evidence[i];

		iq_buf_puts(out, "            ");
		iq_buf_add_escaped(out, e->what, strlen(e->what), false);
		if (e->value) {
			iq_buf_puts(out, ": ");
			iq_buf_add_escaped(out, e->value, strlen(e->value), false);
		}
		if (e->has_address)
			iq_buf_printf(out, " @ %" PRIx64, e->address);
		iq_buf_putc(out, '\n');
	}
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct findings_result *x = r->data;

	(void)s;
	for (unsigned int i = 0; i < x->nr; i++)
		text_finding(x, &x->list[i], out);
	if (!x->sweep) {
		if (!x->nr)
			iq_buf_puts(out, x->bytes ? "nothing that is known\n" :
						    "nothing that tells what is wrong\n");
		return;
	}
	if (x->nr)
		iq_buf_putc(out, '\n');
	iq_buf_printf(out,
		      "%u findings; looked at %" PRIu64 " slabs, %" PRIu64 " free blocks, %" PRIu64
		      " struct pages, %" PRIu64 " nodes of lists and trees, %" PRIu64 " stacks",
		      x->nr, x->swept.slabs, x->swept.blocks, x->swept.pages, x->swept.nodes,
		      x->swept.stacks);
	if (x->swept.parts & IQ_SWEEP_TEXT)
		iq_buf_printf(out, ", %" PRIu64 " kB of code", x->swept.text >> 10);
	else
		iq_buf_puts(out, "; not at code, which needs a vmlinux");
	iq_buf_putc(out, '\n');
}

static json_t *json_evidence(const struct iq_evidence *e)
{
	return json_pack("{so so so ss}", "what", json_text(e->what, strlen(e->what)), "address",
			 e->has_address ? json_address(e->address) : json_null(), "value",
			 e->value ? json_text(e->value, strlen(e->value)) : json_null(), "source",
			 iq_source_text(e->source));
}

static json_t *json_finding(const struct iq_finding *f)
{
	json_t *evidence = json_array();

	for (unsigned int i = 0; i < f->nr_evidence; i++)
		json_array_append_new(evidence, json_evidence(&f->evidence[i]));
	return json_pack("{ss ss so ss so so sb}", "id", f->id, "class", iq_class_text(f->class),
			 "claim", json_text(f->claim, strlen(f->claim)), "confidence",
			 iq_confidence_text(f->confidence), "evidence", evidence, "refuted_by",
			 f->refuted_by ? json_text(f->refuted_by, strlen(f->refuted_by)) :
					 json_null(),
			 "alternative", f->alternative);
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct findings_result *x = r->data;
	json_t *list = json_array(), *o;

	(void)s;
	for (unsigned int i = 0; i < x->nr; i++)
		json_array_append_new(list, json_finding(&x->list[i]));
	o = json_pack("{so}", "findings", list);
	if (x->sweep)
		json_object_set_new(
			o, "checked",
			json_pack("{sI sI sI sI sI so}", "slabs", (json_int_t)x->swept.slabs,
				  "free_blocks", (json_int_t)x->swept.blocks, "pages",
				  (json_int_t)x->swept.pages, "nodes",
				  (json_int_t)x->swept.nodes, "stacks", (json_int_t)x->swept.stacks,
				  "text_bytes",
				  x->swept.parts & IQ_SWEEP_TEXT ?
					  json_integer((json_int_t)x->swept.text) :
					  json_null()));
	return o;
}

static bool some(const void *data)
{
	return ((const struct findings_result *)data)->nr > 0;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- sweep --------------------------------------------------------------------------------------- */

static struct iq_error *fill_sweep(struct session *s, int argc, char **argv, void *data)
{
	static const struct {
		const char *name;
		unsigned int part;
	} parts[] = {
		{"slabs", IQ_SWEEP_SLABS}, {"buddy", IQ_SWEEP_BUDDY},	{"lists", IQ_SWEEP_LISTS},
		{"pages", IQ_SWEEP_PAGES}, {"trees", IQ_SWEEP_TREES}, {"stacks", IQ_SWEEP_STACKS}, {"text", IQ_SWEEP_TEXT},
	};
	struct findings_result *x = data;
	struct iq_kernel *k;

	x->sweep = true;
	for (int i = 1; i < argc; i++) {
		unsigned int n = 0;

		while (n < IQ_ARRAY_SIZE(parts) && strcmp(parts[n].name, argv[i]))
			n++;
		if (n == IQ_ARRAY_SIZE(parts))
			return iq_error_hint(iq_error_new(IQ_E_USAGE, "sweep has no part %s", argv[i]),
					     "slabs, buddy, pages, lists, trees, stacks or text");
		x->swept.parts |= parts[n].part;
	}
	if (!x->swept.parts)
		x->swept.parts = IQ_SWEEP_ALL;
	IQ_TRY(need_kernel(s, &k));
	IQ_TRY(iq_case_open(k, &s->cancel, &x->c));
	return iq_sweep(x->c, &x->swept, &x->list, &x->nr);
}

static struct iq_error *run_sweep(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct findings_result), fill_sweep, &ops, r);
}

const struct command cmd_sweep = {
	.name = "sweep",
	.summary = "look for damage in the kernel's memory",
	.help = "sweep [slabs] [buddy] [pages] [lists] [trees] [stacks] [text]\n"
		"\n"
		"Checks what must hold in every healthy kernel, whatever it died of: free lists,\n"
		"counts, red zones and poison of all slab caches; the page allocator's free\n"
		"blocks; the struct page of every page frame: its counts, its flags and its zone,\n"
		"the heads of compound pages, what is inside of free blocks; that each node of the\n"
		"kernel's lists and trees leads back to the one it was reached from; the ends of\n"
		"all kernel stacks; and, with a vmlinux, the kernel's code, byte by byte, without\n"
		"the places that a running kernel patches itself.  Without a word all of it; else\n"
		"only what is named.\n"
		"\n"
		"A finding that is only possible can be something that a CPU was in the middle\n"
		"of when it was stopped.\n"
		"\n"
		"Examples:\n"
		"  sweep\n"
		"  sweep slabs lists\n",
	.run = run_sweep,
	.no_context = true,
};

/* ---- explain ------------------------------------------------------------------------------------- */

/* Pairs of hex digits, in one word or several. */
static struct iq_error *parse_bytes(int argc, char **argv, int from, uint8_t *bytes, size_t *len)
{
	*len = 0;
	for (int i = from; i < argc; i++)
		for (const char *p = argv[i]; *p; p += 2) {
			unsigned int byte;

			if (!isxdigit((unsigned char)p[0]) || !isxdigit((unsigned char)p[1]) ||
			    sscanf(p, "%2x", &byte) != 1)
				return iq_error_new(IQ_E_USAGE, "%s is not bytes in hexadecimal",
						    argv[i]);
			if (*len == BYTES_MOST)
				return iq_error_new(IQ_E_USAGE, "more than %u bytes", BYTES_MOST);
			bytes[(*len)++] = (uint8_t)byte;
		}
	return *len ? NULL : iq_error_new(IQ_E_USAGE, "no bytes are given");
}

static struct iq_error *fill_explain(struct session *s, int argc, char **argv, void *data)
{
	struct findings_result *x = data;
	struct options o = {.argc = argc, .argv = argv};
	uint8_t bytes[BYTES_MOST];
	struct iq_error *err = NULL;
	struct iq_kernel *k;
	uint64_t address;
	size_t len;
	int letter;

	while ((letter = next_option(&o, "b", &err)) != -1) {
		if (err)
			return err;
		x->bytes = true;
	}
	if (o.index >= argc)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "explain needs an address or bytes"),
				     "explain ADDRESS, or explain -b 04 03 09 04");
	IQ_TRY(need_kernel(s, &k));
	if (x->bytes) {
		IQ_TRY(parse_bytes(argc, argv, o.index, bytes, &len));
		IQ_TRY(iq_case_open(k, &s->cancel, &x->c));
		return iq_explain_bytes(x->c, bytes, len, &x->list, &x->nr);
	}
	if (o.index + 1 < argc)
		return iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index + 1]);
	IQ_TRY(parse_address(s, argv[o.index], &address));
	IQ_TRY(iq_case_open(k, &s->cancel, &x->c));
	return iq_explain(x->c, address, NULL, &x->list, &x->nr);
}

static struct iq_error *run_explain(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct findings_result), fill_explain, &ops, r);
}

const struct command cmd_explain = {
	.name = "explain",
	.summary = "what is wrong with a pointer, or what bytes look like",
	.help = "explain ADDRESS\n"
		"explain -b BYTES\n"
		"\n"
		"Supposes that the pointer kept at ADDRESS is wrong, and says what it could be:\n"
		"poison, an error number, data of some format that was written over it (and how\n"
		"far), a pointer of which some bytes were replaced, shifted or exchanged or one\n"
		"bit is flipped, the allocator's own pointer in an object that is free.\n"
		"\n"
		"  -b  what these bytes, two hex digits each, look like: USB descriptors, network\n"
		"      packets, headers of files and file systems, text and many more; from as few\n"
		"      as four of them\n"
		"\n"
		"Examples:\n"
		"  explain ffff888104090300\n"
		"  explain -b 04 03 09 04\n",
	.run = run_explain,
	.completes = "s",
	.no_context = true,
};
