// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sbitmapq: a struct sbitmap_queue (include/linux/sbitmap.h, lib/sbitmap.c): which bits are in use, who
 * waits, and the objects of an array beside it.
 */
#include "internal.h"
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>

#define MAX_BITS (1u << 24)
#define WAIT_QUEUES 8 /* SBQ_WAIT_QUEUES */

struct sbitmapq_result {
	uint64_t depth, shift, words, wake_batch, wake_index, ws_active, round_robin,
		min_shallow_depth;
	uint64_t busy, cleared;
	bool has_min_shallow_depth, has_wait_count;
	struct wait {
		uint64_t count;
		bool active;
	} wait[WAIT_QUEUES];
	unsigned int nr_waits;
	uint32_t *hint; /* one a CPU; NULL: none */
	unsigned int nr_hints;
	uint8_t *bits; /* as they are in use, one after the other */
	uint64_t array; /* -a; 0: not asked for */
	uint64_t element; /* bytes of one */
	bool pointers, verbose; /* -p, -v */
	const struct iq_type *type; /* -s */
	const char *members; /* of it, behind its name; NULL: all */
	struct iq_format format;
};

static void free_result(void *data)
{
	struct sbitmapq_result *x = data;

	free(x->hint);
	free(x->bits);
	free(x);
}

static bool is_set(const struct sbitmapq_result *x, uint64_t bit)
{
	return x->bits[bit / 8] >> bit % 8 & 1;
}

/* The object of the array that BIT stands for; 0: it cannot be had. */
static uint64_t object_of(struct session *s, const struct sbitmapq_result *x, uint64_t bit)
{
	uint64_t at = x->array + bit * x->element;

	if (!x->pointers)
		return at;
	return iq_vm_read_uint(s->kernel->vm, at, 8, &at) ? 0 : at;
}

/* ---- Text -------------------------------------------------------------------------------------- */

/* The members asked for, or the whole of it. */
static void text_object(struct session *s, const struct sbitmapq_result *x, uint64_t object,
			struct iq_buf *out)
{
	char path[256];

	if (!x->members) {
		iq_buf_printf(out, "struct %s ", x->type->name);
		iq_value_print(s->kernel, s->kernel->vm, x->type, object, 0, 0, &x->format, out);
		iq_buf_puts(out, "\n\n");
		return;
	}
	for (const char *m = x->members; *m; m += strcspn(m, ","), m += *m == ',') {
		struct iq_member member;
		struct iq_error *err;

		snprintf(path, sizeof(path), "%.*s", (int)strcspn(m, ","), m);
		err = iq_member_find(x->type, path, &member);
		iq_error_free(err);
		if (err)
			continue; /* all were looked for before */
		iq_buf_printf(out, "  %s = ", path);
		iq_value_print(s->kernel, s->kernel->vm, member.type,
			       object + member.bit_offset / 8, member.bit_offset % 8,
			       member.bit_size, &x->format, out);
		iq_buf_puts(out, ",\n");
	}
	iq_buf_putc(out, '\n');
}

static void text_objects(struct session *s, const struct sbitmapq_result *x, struct iq_buf *out)
{
	for (uint64_t bit = 0; bit < x->depth; bit++) {
		uint64_t object;

		if (!is_set(x, bit))
			continue;
		object = object_of(s, x, bit);
		if (!x->verbose) {
			iq_buf_printf(out, "%" PRIu64 ": 0x%" PRIx64 "\n", bit, object);
		} else {
			iq_buf_printf(out, "%" PRIu64 " (0x%" PRIx64 "):\n", bit, object);
			text_object(s, x, object, out);
		}
		if (!stream_out(s, out))
			return;
	}
}

static void text_bits(struct session *s, const struct sbitmapq_result *x, struct iq_buf *out)
{
	uint64_t bytes = (x->depth + 7) / 8;

	for (uint64_t i = 0; i < bytes; i++) {
		if (i % 16 == 0)
			iq_buf_printf(out, "%s%08" PRIx64 ":", i ? "\n" : "", i);
		iq_buf_printf(out, "%s%02x", i % 2 ? "" : " ", x->bits[i]);
		if (i % 65536 == 65535 && !stream_out(s, out))
			return;
	}
	iq_buf_putc(out, '\n');
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct sbitmapq_result *x = r->data;

	if (x->array) {
		text_objects(s, x, out);
		return;
	}
	iq_buf_printf(out, "depth = %" PRIu64 "\nbusy = %" PRIu64 "\ncleared = %" PRIu64 "\n",
		      x->depth, x->busy - x->cleared, x->cleared);
	iq_buf_printf(out, "bits_per_word = %u\nmap_nr = %" PRIu64 "\nalloc_hint = {",
		      1u << x->shift, x->words);
	for (unsigned int i = 0; i < x->nr_hints; i++)
		iq_buf_printf(out, "%s%" PRIu32, i ? ", " : "", x->hint[i]);
	iq_buf_printf(out,
		      "}\nwake_batch = %" PRIu64 "\nwake_index = %" PRIu64 "\nws_active = %" PRIu64
		      "\nws = {\n",
		      x->wake_batch, x->wake_index, x->ws_active);
	for (unsigned int i = 0; i < x->nr_waits; i++) {
		iq_buf_puts(out, "\t{ ");
		if (x->has_wait_count)
			iq_buf_printf(out, ".wait_cnt = %" PRId32 ", ", (int32_t)x->wait[i].count);
		iq_buf_printf(out, ".wait = %s },\n", x->wait[i].active ? "active" : "inactive");
	}
	iq_buf_printf(out, "}\nround_robin = %" PRIu64 "\n", x->round_robin);
	if (x->has_min_shallow_depth)
		iq_buf_printf(out, "min_shallow_depth = %" PRIu64 "\n", x->min_shallow_depth);
	iq_buf_putc(out, '\n');
	text_bits(s, x, out);
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct sbitmapq_result *x = r->data;
	json_t *o = json_object(), *bits = json_array(), *waits = json_array();

	json_object_set_new(o, "depth", json_integer((json_int_t)x->depth));
	json_object_set_new(o, "busy", json_integer((json_int_t)(x->busy - x->cleared)));
	json_object_set_new(o, "cleared", json_integer((json_int_t)x->cleared));
	json_object_set_new(o, "bits_per_word", json_integer(1 << x->shift));
	json_object_set_new(o, "map_nr", json_integer((json_int_t)x->words));
	json_object_set_new(o, "wake_batch", json_integer((json_int_t)x->wake_batch));
	json_object_set_new(o, "ws_active", json_integer((json_int_t)x->ws_active));
	for (unsigned int i = 0; i < x->nr_waits; i++)
		json_array_append_new(waits, json_boolean(x->wait[i].active));
	json_object_set_new(o, "waits", waits);
	for (uint64_t bit = 0; bit < x->depth; bit++) {
		json_t *e;

		if (!is_set(x, bit))
			continue;
		e = json_object();
		json_object_set_new(e, "bit", json_integer((json_int_t)bit));
		if (x->array)
			json_object_set_new(e, "object", json_address(object_of(s, x, bit)));
		json_array_append_new(bits, e);
	}
	json_object_set_new(o, "bits", bits);
	return o;
}

static const struct result_ops ops = {text, json, free_result, NULL};

/* ---- Reading it -------------------------------------------------------------------------------- */

/* Member PATH of struct TAG at BASE, up to 8 bytes. */
static bool member(struct session *s, const char *tag, const char *path, uint64_t base,
		   uint64_t *ret)
{
	uint64_t at, size;

	return iq_kernel_offset(s->kernel, tag, path, &at, &size) && size && size <= 8 &&
	       !iq_vm_read_uint(s->kernel->vm, base + at, (unsigned int)size, ret);
}

static struct iq_error *read_bits(struct session *s, struct sbitmapq_result *x, uint64_t map)
{
	uint64_t size = iq_kernel_sizeof(s->kernel, "sbitmap_word");

	x->bits = calloc(1, x->depth / 8 + 1);
	if (!x->bits)
		return iq_error_nomem();
	for (uint64_t i = 0; i < x->words && i << x->shift < x->depth; i++) {
		uint64_t word, cleared = 0, first = i << x->shift;

		if (!member(s, "sbitmap_word", "word", map + i * size, &word))
			return iq_error_new(IQ_E_MEMORY,
					    "word %" PRIu64 " of the bitmap cannot be read", i);
		(void)member(s, "sbitmap_word", "cleared", map + i * size, &cleared);
		for (uint64_t b = 0; b < UINT64_C(1) << x->shift && first + b < x->depth; b++) {
			bool set = word >> b & 1, freed = cleared >> b & 1;

			x->busy += set;
			x->cleared += freed;
			if (set && !freed)
				x->bits[(first + b) / 8] |= (uint8_t)(1 << (first + b) % 8);
		}
	}
	return NULL;
}

static void read_waits(struct session *s, struct sbitmapq_result *x, uint64_t queue)
{
	uint64_t ws, size = iq_kernel_sizeof(s->kernel, "sbq_wait_state"), head, next;

	if (!member(s, "sbitmap_queue", "ws", queue, &ws) || !ws || !size ||
	    !iq_kernel_offset(s->kernel, "sbq_wait_state", "wait.head", &head, NULL))
		return;
	for (unsigned int i = 0; i < WAIT_QUEUES; i++) {
		uint64_t at = ws + i * size;

		x->has_wait_count = member(s, "sbq_wait_state", "wait_cnt", at, &x->wait[i].count);
		if (iq_vm_read_uint(s->kernel->vm, at + head, 8, &next))
			return;
		x->wait[x->nr_waits++].active = next != at + head;
	}
}

static struct iq_error *read_hints(struct session *s, struct sbitmapq_result *x, uint64_t queue)
{
	const struct iq_cpu *cpus;
	unsigned int nr;
	uint64_t percpu, v;

	cpus = iq_kernel_cpus(s->kernel, &nr);
	if (!cpus ||
	    (!member(s, "sbitmap_queue", "sb.alloc_hint", queue, &percpu) &&
	     !member(s, "sbitmap_queue", "alloc_hint", queue, &percpu)) ||
	    !percpu)
		return NULL;
	x->hint = calloc(nr, sizeof(*x->hint));
	if (!x->hint)
		return iq_error_nomem();
	for (unsigned int i = 0; i < nr; i++)
		if (!iq_vm_read_uint(s->kernel->vm, percpu + cpus[i].percpu_offset, 4, &v))
			x->hint[x->nr_hints++] = (uint32_t)v;
	return NULL;
}

static struct iq_error *read_queue(struct session *s, struct sbitmapq_result *x, uint64_t queue)
{
	struct iq_types *types;
	uint64_t map;

	IQ_TRY(iq_kernel_need_types(s->kernel, &types));
	if (!member(s, "sbitmap_queue", "sb.depth", queue, &x->depth) ||
	    !member(s, "sbitmap_queue", "sb.shift", queue, &x->shift) ||
	    !member(s, "sbitmap_queue", "sb.map_nr", queue, &x->words) ||
	    !member(s, "sbitmap_queue", "sb.map", queue, &map))
		return iq_error_new(IQ_E_MEMORY,
				    "no struct sbitmap_queue can be read at 0x%" PRIx64, queue);
	x->shift &= 0xff;
	if (!x->depth || x->depth > MAX_BITS || x->shift > 6 ||
	    x->words != ((x->depth - 1) >> x->shift) + 1)
		return iq_error_hint(iq_error_new(IQ_E_FORMAT,
						  "what lies at 0x%" PRIx64
						  " is no struct sbitmap_queue: %" PRIu64
						  " bits in %" PRIu64 " words",
						  queue, x->depth, x->words),
				     "for example bitmap_tags of a struct blk_mq_tags is one");
	(void)member(s, "sbitmap_queue", "wake_batch", queue, &x->wake_batch);
	(void)member(s, "sbitmap_queue", "wake_index", queue, &x->wake_index);
	(void)member(s, "sbitmap_queue", "ws_active", queue, &x->ws_active);
	if (!member(s, "sbitmap_queue", "sb.round_robin", queue, &x->round_robin))
		(void)member(s, "sbitmap_queue", "round_robin", queue, &x->round_robin);
	x->has_min_shallow_depth =
		member(s, "sbitmap_queue", "min_shallow_depth", queue, &x->min_shallow_depth);
	read_waits(s, x, queue);
	IQ_TRY(read_hints(s, x, queue));
	return read_bits(s, x, map);
}

/* "struct", "struct.member,member". */
static struct iq_error *find_type(struct session *s, struct sbitmapq_result *x, const char *text)
{
	size_t len = strcspn(text, ".");
	char name[256], path[256];

	snprintf(name, sizeof(name), "%.*s", (int)IQ_MIN(len, sizeof(name) - 1), text);
	x->type = iq_kernel_type(s->kernel, name, NULL);
	x->type = x->type ? iq_type_strip(x->type) : NULL;
	if (!x->type || !x->type->size)
		return iq_error_new(IQ_E_NOT_FOUND, "this kernel has no struct %s", name);
	x->element = x->pointers ? 8 : x->type->size;
	x->members = text[len] ? text + len + 1 : NULL;
	for (const char *m = x->members; m && *m; m += strcspn(m, ","), m += *m == ',') {
		struct iq_member member;

		snprintf(path, sizeof(path), "%.*s", (int)strcspn(m, ","), m);
		IQ_TRY(iq_member_find(x->type, path, &member));
	}
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct sbitmapq_result *x = data;
	bool hex = false, decimal = false;
	struct iq_error *err = NULL;
	const char *type = NULL;
	uint64_t queue;
	int c;

	while ((c = next_option(&o, "s:a:pvxd", &err)) != -1) {
		if (err)
			return err;
		hex |= c == 'x';
		decimal |= c == 'd';
		x->pointers |= c == 'p';
		x->verbose |= c == 'v';
		if (c == 's')
			type = o.value;
		if (c == 'a')
			IQ_TRY(parse_address(s, o.value, &x->array));
	}
	if (argc - o.index != 1)
		return iq_error_new(IQ_E_USAGE,
				    "sbitmapq needs one address, of a struct sbitmap_queue");
	if (!type != !x->array || (!type && (x->verbose || x->pointers)))
		return iq_error_new(IQ_E_USAGE, "-s and -a go together, and -p and -v with them");
	if (type)
		IQ_TRY(find_type(s, x, type));
	x->format = session_format(s, hex, decimal);
	IQ_TRY(parse_address(s, argv[o.index], &queue));
	return read_queue(s, x, queue);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct sbitmapq_result), fill, &ops, r);
}

const struct command cmd_sbitmapq = {
	.name = "sbitmapq",
	.summary = "a bitmap of tags: what is in use, and who waits",
	.help = "sbitmapq ADDRESS\n"
		"sbitmapq -s STRUCT[.MEMBER,...] -a ARRAY [-p] [-v [-x | -d]] ADDRESS\n"
		"\n"
		"The struct sbitmap_queue at ADDRESS: how many bits it has, how many are in use, "
		"which\n"
		"were freed but not cleared yet, the hints of the CPUs, whether somebody waits in "
		"its wait\n"
		"queues, and the bits in use as a dump of bytes, the first bit being the least "
		"significant.\n"
		"\n"
		"  -s   of an array with an element for each bit: what type the elements have,\n"
		"  -a   and where it lies; shown are the elements whose bits are in use\n"
		"  -p   it is an array of pointers to them\n"
		"  -v   the elements in full; -x and -d choose the radix of numbers\n"
		"\n"
		"  inquest> struct blk_mq_hw_ctx.tags ffff8bdfc1ea9000\n"
		"    tags = 0xffff8bdfc1e4b900,\n"
		"  inquest> sbitmapq 0xffff8bdfc1e4b910\n",
	.run = run,
	.completes = "st",
	.no_context = true,
};
