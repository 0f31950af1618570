// SPDX-License-Identifier: GPL-2.0-or-later
/* annotate: memory word by word, each explained. */
#include "place.h"
#include "show.h"
#include "slab_tracks.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#define MAX_WORDS (1u << 20)

struct annotate_result {
	struct iq_describer *d;
	uint64_t start;
	uint64_t *word;
	unsigned int nr;
	char *why; /* the words behind the last cannot be read; NULL: all could */
};

static void free_result(void *data)
{
	struct annotate_result *x = data;

	iq_describer_close(x->d);
	free(x->word);
	free(x->why);
	free(x);
}

/* Characters of a word that is text: ASCII, or UTF-16 of four letters; "" if it is not. */
static const char *as_text(uint64_t value, char text[16])
{
	unsigned int letters = 0, zeros = 0, n = 0;
	bool wide = true;

	for (unsigned int i = 0; i < 8; i++) {
		unsigned char c = (unsigned char)(value >> 8 * i);

		if (isprint(c)) {
			letters++;
			wide &= !(i & 1);
		} else if (!c) {
			zeros++;
			wide &= i & 1;
		} else {
			return "";
		}
	}
	/* Zeros only behind the letters; few letters are a number more often than text. */
	if (wide && letters == 4)
		;
	else if (letters < 4 || (zeros && (value >> 8 * letters)))
		return "";
	for (unsigned int i = 0; i < 8; i++) {
		char c = (char)(value >> 8 * i);

		if (c)
			text[n++] = c;
	}
	text[n] = '\0';
	return text;
}

/* Only addresses of the kernel are worth looking up; small numbers and user addresses are not. */
static bool is_pointer(struct session *s, uint64_t value)
{
	const struct iq_vm_ops *vm = s->kernel->arch->vm;

	return vm->is_kernel(&s->kernel->layout, value) && vm->canonical(&s->kernel->layout, value) &&
	       value < UINT64_MAX - 4096;
}

static bool is_something(const struct iq_whatis *w)
{
	return w->has_symbol || w->module || w->has_percpu || w->has_slab || w->has_stack || w->vmap ||
	       w->has_page;
}

/* The label of the word itself, where it lies on a live frame or in an object of known type. */
static void text_place_label(const struct iq_whatis *at, struct iq_buf *out)
{
	if (at->has_stack && at->slot[0] && at->frame >= 0)
		iq_buf_printf(out, "%s of %s", at->slot, at->function);
	else if (at->has_object && at->member[0])
		iq_buf_printf(out, ".%s", at->member);
}

static void text_word(struct session *s, const struct annotate_result *x, unsigned int i,
		      struct iq_buf *out)
{
	uint64_t value = x->word[i];
	uint64_t address = x->start + 8 * (uint64_t)i;
	struct iq_buf label = {0}, what = {0};
	struct iq_whatis at, to;
	char text[16];

	iq_whatis(x->d, address, false, &at);
	text_place_label(&at, &label);
	if (is_pointer(s, value)) {
		iq_whatis(x->d, value, false, &to);
		if (is_something(&to))
			iq_whatis_line(s->kernel, &to, &what);
		if (to.has_slab && !to.has_stack)
			text_cache_origin(s, to.object.slab.cache, ", cache ", &what);
	} else if (*as_text(value, text)) {
		iq_buf_printf(&what, "\"%s\"", text);
	}
	iq_buf_printf(out, "%016" PRIx64 ": %016" PRIx64, address, value);
	if (label.len || what.len)
		iq_buf_printf(out, "  %s%s%s", iq_buf_str(&label), label.len && what.len ? ": " : "",
			      iq_buf_str(&what));
	iq_buf_putc(out, '\n');
	iq_buf_free(&label);
	iq_buf_free(&what);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct annotate_result *x = r->data;

	for (unsigned int i = 0; i < x->nr && !iq_cancelled(&s->cancel); i++) {
		text_word(s, x, i, out);
		if (!stream_out(s, out))
			return;
	}
	if (x->why)
		iq_buf_printf(out, "%s\n", x->why);
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct annotate_result *x = r->data;
	json_t *o = json_object(), *list = json_array();

	for (unsigned int i = 0; i < x->nr && !iq_cancelled(&s->cancel); i++) {
		uint64_t value = x->word[i];
		json_t *e = json_object();
		struct iq_whatis at, to;
		char text[16];

		iq_whatis(x->d, x->start + 8 * (uint64_t)i, false, &at);
		json_object_set_new(e, "address", json_address(x->start + 8 * (uint64_t)i));
		json_object_set_new(e, "value", json_address(value));
		json_object_set_new(e, "slot", at.has_stack && at.slot[0]
						       ? json_text(at.slot, strlen(at.slot))
						       : json_null());
		json_object_set_new(e, "member", at.has_object && at.member[0]
							 ? json_text(at.member, strlen(at.member))
							 : json_null());
		json_object_set_new(e, "text", *as_text(value, text) && !is_pointer(s, value)
						       ? json_string(text)
						       : json_null());
		if (is_pointer(s, value))
			iq_whatis(x->d, value, false, &to);
		json_object_set_new(e, "whatis", is_pointer(s, value) ? json_kind(s, &to) : json_null());
		json_object_set_new(e, "cache_created", is_pointer(s, value) && to.has_slab
								? json_cache_origin(s, to.object.slab.cache)
								: json_null());
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "words", list);
	return o;
}

static const struct result_ops ops = {text, json, free_result};

/* Without a count: the rest of the object, or of the page. */
static uint64_t default_count(struct session *s, struct annotate_result *x)
{
	uint64_t page = iq_dump_info(s->dump)->page_size, end = (x->start & ~(page - 1)) + page;
	struct iq_whatis w;

	iq_whatis(x->d, x->start, false, &w);
	if (w.has_object && w.object.offset < w.object.slab.cache->object_size) {
		x->start = w.object.object;
		end = w.object.object + w.object.slab.cache->object_size;
	}
	return (end - x->start) / 8;
}

static struct iq_error *read_words(struct session *s, struct annotate_result *x, uint64_t count)
{
	struct iq_fault fault;
	struct iq_buf why = {0};

	x->word = calloc(count, sizeof(*x->word));
	if (!x->word)
		return iq_error_nomem();
	for (uint64_t i = 0; i < count; i++, x->nr++) {
		uint8_t bytes[8];
		enum iq_mem status = iq_vm_read(s->kernel->vm, x->start + 8 * i, bytes, 8, &fault);

		if (status) {
			if (!i)
				return iq_error_new(IQ_E_MEMORY, "0x%" PRIx64 " cannot be read: %s",
						    x->start, iq_mem_text(status));
			iq_buf_printf(&why, "%016" PRIx64 ": %s", x->start + 8 * i, iq_mem_text(status));
			x->why = iq_buf_steal(&why);
			break;
		}
		x->word[i] = iq_le64(bytes);
	}
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct annotate_result *x = data;
	uint64_t count = 0;

	if (argc < 2 || argc > 3)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "annotate needs an address"),
				     "annotate ADDRESS [COUNT]");
	IQ_TRY(parse_address(s, argv[1], &x->start));
	if (argc == 3)
		IQ_TRY(parse_number(argv[2], "a count", MAX_WORDS, &count));
	IQ_TRY(open_describer(s, &x->d));
	x->start &= ~UINT64_C(7);
	if (!count)
		count = default_count(s, x);
	return read_words(s, x, IQ_MIN(IQ_MAX(count, 1), MAX_WORDS));
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct annotate_result), fill, &ops, r);
}

const struct command cmd_annotate = {
	.name = "annotate",
	.summary = "memory word by word, each explained",
	.help = "annotate ADDRESS [COUNT]\n"
		"\n"
		"Shows COUNT words of eight bytes, each with what it is: on a stack which saved\n"
		"register, return address or variable of which frame, in an object of known type\n"
		"which member; then what the value is as an address (symbol with its line, slab object\n"
		"with cache, state, type and where in the kernel's source the cache is created, stack,\n"
		"page), or the text in it.  Without COUNT: the whole slab object, or the rest of the\n"
		"page.\n"
		"\n"
		"  inquest> annotate ffff8a92627a6600\n"
		"  inquest> annotate ffffb0ba31c77ce8 64\n",
	.run = run,
	.completes = "s",
	.no_context = true,
};
