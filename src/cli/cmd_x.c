// SPDX-License-Identifier: GPL-2.0-or-later
/* x: examine memory in gdb's notation, x/4xg ADDRESS. */
#include "show.h"
#include "disasm.h"
#include "frame_names.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#define MAX_COUNT 1000000
#define MAX_STRING 256 /* characters of one string, as crash cuts them */

struct shape {
	uint64_t count;
	char format;
	unsigned int size;
};

struct entry {
	uint64_t address, value;
	char *text; /* strings, instructions */
	size_t len;
};

struct x_result {
	struct iq_kernel *k;
	struct shape shape;
	struct entry *entries;
	unsigned int nr, room;
};

static void free_result(void *data)
{
	struct x_result *x = data;

	for (unsigned int i = 0; i < x->nr; i++)
		free(x->entries[i].text);
	free(x->entries);
	free(x);
}

/* ---- Text -------------------------------------------------------------------------------------- */

static void put_value(const struct x_result *x, uint64_t value, struct iq_buf *out)
{
	unsigned int size = x->shape.size, unused = 64 - 8 * size;
	int64_t number = (int64_t)(value << unused) >> unused;
	char name[256];

	switch (x->shape.format) {
	case 'd':
		iq_buf_printf(out, "%" PRId64, number);
		break;
	case 'u':
		iq_buf_printf(out, "%" PRIu64, value);
		break;
	case 'o':
		iq_buf_printf(out, value ? "0%" PRIo64 : "%" PRIo64, value);
		break;
	case 't':
		for (unsigned int bit = 8 * size; bit--;)
			iq_buf_putc(out, value >> bit & 1 ? '1' : '0');
		break;
	case 'c': {
		struct iq_buf quoted = {0};
		char c = (char)value;

		iq_string_show(&c, 1, &quoted);
		if (quoted.len > 1 && !quoted.failed)
			quoted.s[0] = quoted.s[quoted.len - 1] = '\'';
		iq_buf_printf(out, "%d ", (int)(int8_t)value);
		iq_buf_puts(out, c == '\'' ? "'\\''" : c == '"' ? "'\"'" : iq_buf_str(&quoted));
		iq_buf_free(&quoted);
		break;
	}
	case 'a':
		iq_buf_printf(out, "0x%" PRIx64, value);
		if (iq_symbol_format(x->k, value, false, false, name, sizeof(name)))
			iq_buf_printf(out, " <%s>", name);
		break;
	default:
		iq_buf_printf(out, "0x%0*" PRIx64, (int)size * 2, value);
		break;
	}
}

static void put_address(const struct x_result *x, uint64_t address, struct iq_buf *out)
{
	char name[256];

	iq_buf_printf(out, "0x%" PRIx64, address);
	if (iq_symbol_format(x->k, address, false, false, name, sizeof(name)))
		iq_buf_printf(out, " <%s>", name);
	iq_buf_puts(out, ":\t");
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	static const unsigned int per_line[] = {[1] = 8, [2] = 8, [4] = 4, [8] = 2};
	const struct x_result *x = r->data;
	unsigned int line = x->shape.format == 's' || x->shape.format == 'i' ? 1 : per_line[x->shape.size];

	for (unsigned int i = 0; i < x->nr; i++) {
		const struct entry *e = &x->entries[i];

		if (i % line == 0) {
			if (x->shape.format == 'i')
				iq_buf_puts(out, "   ");
			put_address(x, e->address, out);
		} else {
			iq_buf_putc(out, '\t');
		}
		if (x->shape.format == 's') {
			iq_string_show(e->text, e->len, out);
			if (e->len == MAX_STRING)
				iq_buf_puts(out, "...");
		} else if (x->shape.format == 'i') {
			iq_buf_puts(out, e->text);
		} else {
			put_value(x, e->value, out);
		}
		if (i % line == line - 1 || i + 1 == x->nr)
			iq_buf_putc(out, '\n');
	}
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct x_result *x = r->data;
	json_t *o = json_object(), *list = json_array();
	char letter[2] = {x->shape.format, 0};

	json_object_set_new(o, "format", json_string(letter));
	json_object_set_new(o, "size", json_integer(x->shape.size));
	for (unsigned int i = 0; i < x->nr; i++) {
		const struct entry *e = &x->entries[i];
		json_t *one = json_object();
		char name[256];

		json_object_set_new(one, "address", json_address(e->address));
		json_object_set_new(one, "symbol",
				    iq_symbol_format(x->k, e->address, false, false, name, sizeof(name))
					    ? json_text(name, strlen(name))
					    : json_null());
		if (e->text)
			json_object_set_new(one, "text", json_text(e->text, e->len));
		else
			json_object_set_new(one, "value", json_address(e->value));
		json_array_append_new(list, one);
	}
	json_object_set_new(o, "values", list);
	return o;
}

static bool some(const void *data)
{
	return ((const struct x_result *)data)->nr;
}

static const struct result_ops ops = {text, json, free_result, some};

/* ---- Words ------------------------------------------------------------------------------------- */

/* "/NFU", in any order of the letters. */
static struct iq_error *parse_shape(const char *text, struct shape *shape)
{
	const char *p = text;
	bool sized = false;
	char *end;

	*shape = (struct shape){.count = 1, .format = 'x', .size = 8};
	if (*p == '/')
		p++;
	if (isdigit((unsigned char)*p)) {
		shape->count = strtoull(p, &end, 10);
		p = end;
		if (!shape->count || shape->count > MAX_COUNT)
			return iq_error_new(IQ_E_USAGE, "%s: a count from 1 to %d is meant", text, MAX_COUNT);
	}
	for (; *p; p++) {
		static const char sizes[] = "bhwg";
		const char *size = strchr(sizes, *p);

		if (size) {
			shape->size = 1u << (size - sizes);
			sized = true;
		} else if (strchr("xduotcasi", *p)) {
			shape->format = *p;
		} else {
			return iq_error_hint(iq_error_new(IQ_E_USAGE, "%s: unknown letter %c", text, *p),
					     "formats are x d u o t c a s i, sizes b h w g: x/4xg ADDRESS");
		}
	}
	if (shape->format == 'a')
		shape->size = 8;
	if ((shape->format == 'c' && !sized) || shape->format == 's' || shape->format == 'i')
		shape->size = 1;
	return NULL;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

static struct iq_error *add(struct x_result *x, const struct entry *e)
{
	if (!iq_grow(&x->entries, &x->room, x->nr + 1, sizeof(*x->entries))) {
		free(e->text);
		return iq_error_nomem();
	}
	x->entries[x->nr++] = *e;
	return NULL;
}

static struct iq_error *read_values(struct x_result *x, const struct memory *m, uint64_t address)
{
	for (uint64_t i = 0; i < x->shape.count; i++) {
		struct entry e = {.address = address + i * x->shape.size};
		struct iq_fault fault;
		uint8_t bytes[8];

		if (memory_read(m, e.address, bytes, x->shape.size, &fault))
			return memory_error(m, &fault);
		e.value = iq_le(bytes, x->shape.size);
		IQ_TRY(add(x, &e));
	}
	return NULL;
}

static struct iq_error *read_strings(struct x_result *x, const struct memory *m, uint64_t address)
{
	for (uint64_t i = 0; i < x->shape.count; i++) {
		struct entry e = {.address = address};
		struct iq_fault fault = {0};
		char buf[MAX_STRING];
		size_t readable = sizeof(buf);
		char *end;

		if (memory_read(m, address, buf, sizeof(buf), &fault))
			readable = fault.address > address
					   ? (size_t)IQ_MIN(fault.address - address, sizeof(buf))
					   : 0;
		end = memchr(buf, 0, readable);
		if (!end && readable < sizeof(buf))
			return memory_error(m, &fault);
		e.len = end ? (size_t)(end - buf) : sizeof(buf);
		e.text = malloc(e.len + 1);
		if (!e.text)
			return iq_error_nomem();
		memcpy(e.text, buf, e.len);
		e.text[e.len] = 0;
		IQ_TRY(add(x, &e));
		address += e.len + (end != NULL);
	}
	return NULL;
}

static struct iq_error *read_instructions(struct x_result *x, const struct memory *m, uint64_t address)
{
	for (uint64_t i = 0; i < x->shape.count; i++) {
		struct disasm_line line;
		struct entry e = {.address = address};

		IQ_TRY(disasm_one(x->k, m, address, false, &line));
		e.text = line.text;
		e.len = strlen(line.text);
		IQ_TRY(add(x, &e));
		address += line.insn.length;
	}
	return NULL;
}

/* As in gdb: $_ is the last address that was shown, $__ what lies there. */
static struct iq_error *remember(struct session *s, const struct x_result *x)
{
	static const struct iq_type words[] = {
		{.kind = IQ_KIND_INT, .encoding = IQ_ENC_CHAR, .name = "char", .size = 1},
		{.kind = IQ_KIND_INT, .encoding = IQ_ENC_SIGNED, .name = "short", .size = 2},
		{.kind = IQ_KIND_INT, .encoding = IQ_ENC_SIGNED, .name = "int", .size = 4},
		{.kind = IQ_KIND_INT, .encoding = IQ_ENC_SIGNED, .name = "long", .size = 8},
	};
	struct iq_value address = {0}, value = {.in_memory = true};

	if (!x->nr || !s->variables)
		return NULL;
	address.number = value.address = x->entries[x->nr - 1].address;
	for (size_t i = 0; i < IQ_ARRAY_SIZE(words); i++) {
		if (words[i].size == x->shape.size)
			value.type = &words[i];
	}
	IQ_TRY(iq_variable_set(s->variables, "_", &address));
	return iq_variable_set(s->variables, "__", &value);
}

static struct iq_error *examine(struct session *s, const char *expression, struct x_result *x)
{
	struct iq_scope scope;
	struct iq_error *err;
	struct memory m;
	uint64_t address;

	IQ_TRY(need_kernel(s, &x->k));
	session_scope_of(s, expression, &scope);
	frame_names(s, &scope);
	scope.bare_hex = false;
	IQ_TRY(iq_eval_u64(&scope, expression, &address));
	IQ_TRY(memory_open(s, SPACE_AUTO, address, &m));
	if (x->shape.format == 's')
		err = read_strings(x, &m, address);
	else if (x->shape.format == 'i')
		err = read_instructions(x, &m, address);
	else
		err = read_values(x, &m, address);
	memory_close(&m);
	return err ? err : remember(s, x);
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	const char *slash = strchr(argv[0], '/');
	struct x_result *x = data;

	/* "x /4xg ADDRESS" has become the same (words_split()). */
	IQ_TRY(parse_shape(slash ? slash : "", &x->shape));
	if (argc < 2)
		return iq_error_hint(iq_error_new(IQ_E_USAGE, "the address is missing"), "x/4xg ADDRESS");
	return examine(s, argv[1], x);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	return fill_result(s, argc, argv, sizeof(struct x_result), fill, &ops, r);
}

const struct command cmd_x = {
	.name = "x",
	.summary = "examine memory, as gdb does",
	.help = "x/NFU EXPRESSION\n\n"
		"N values from the address that EXPRESSION gives.\n\n"
		"  F  x hexadecimal, d and u decimal, o octal, t binary, c characters, a addresses with\n"
		"     symbols, s strings, i instructions\n"
		"  U  b, h, w, g: 1, 2, 4 or 8 bytes (8 unless said otherwise)\n\n"
		"Variables whose type is known stand for their value, as in C: x/s saved_command_line.\n\n"
		"  x/4xg 0xffff897401c51280+0x40\n"
		"  x/8i $rip\n"
		"  x/2s linux_banner\n",
	.run = run,
	.raw = true,
	.completes = "s",
};
