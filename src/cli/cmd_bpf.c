// SPDX-License-Identifier: GPL-2.0-or-later
/* bpf: the BPF programs and maps that are loaded. */
#include "bpf.h"
#include "internal.h"
#include "show.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define MAX_CODE (1u << 20)

struct bpf_result {
	struct iq_bpf bpf;
	bool programs, maps, long_form; /* what is shown */
	bool one_program, one_map; /* -p, -m: that with this id alone */
	uint32_t program, map;
	bool code, bytes, machine, structs; /* -t, -T, -j, -s */
	struct iq_format format;
};

static void free_result(void *data)
{
	struct bpf_result *x = data;

	iq_bpf_free(&x->bpf);
	free(x);
}

static bool has_program(const struct bpf_result *x, const struct iq_bpf_program *p)
{
	return x->programs && (!x->one_program || p->id == x->program);
}

static bool has_map(const struct bpf_result *x, const struct iq_bpf_map *m)
{
	return x->maps && (!x->one_map || m->id == x->map);
}

/* ---- Text -------------------------------------------------------------------------------------- */

/* TEXT in the middle of WIDTH columns. */
static void text_centre(const char *text, int width, struct iq_buf *out)
{
	int len = (int)strlen(text), left = len < width ? (width - len) / 2 : 0;

	iq_buf_printf(out, "%*s%-*s", left, "", width - left, text);
}

static void text_struct(struct session *s, const struct bpf_result *x, const char *name,
			uint64_t address, struct iq_buf *out)
{
	const struct iq_type *t = iq_type_by_name(iq_kernel_types(s->kernel), name);

	if (!t)
		return;
	iq_buf_printf(out, "\n%s ", name);
	iq_value_print(s->kernel, s->kernel->vm, t, address, 0, 0, &x->format, out);
	iq_buf_putc(out, '\n');
}

static bool name_of(void *arg, uint64_t address, char *buf, size_t room)
{
	return iq_symbol_format(arg, address, false, true, buf, room);
}

static void text_machine(struct session *s, const struct iq_bpf_program *p, struct iq_buf *out)
{
	struct iq_insn_namer namer = {name_of, s->kernel};
	uint64_t size = IQ_MIN(p->code_size, MAX_CODE), at = 0;

	if (!size)
		iq_buf_puts(out, "  (not compiled: the kernel interprets it)\n");
	while (at < size) {
		size_t len = (size_t)IQ_MIN(size - at, 15);
		struct iq_insn insn;
		uint8_t code[15];

		if (iq_vm_read(s->kernel->vm, p->code + at, code, len, NULL) ||
		    !iq_insn_decode(s->kernel->arch, code, len, p->code + at, &insn)) {
			iq_buf_puts(out, "  (cannot be read)\n");
			return;
		}
		iq_buf_printf(out, "   0x%" PRIx64 ":\t", p->code + at);
		iq_insn_text(s->kernel->arch, code, len, p->code + at, &namer, out);
		iq_buf_putc(out, '\n');
		at += insn.length;
	}
}

static void text_long_program(struct session *s, const struct iq_bpf_program *p, struct iq_buf *out)
{
	time_t loaded = (time_t)p->load_time;
	char when[64] = "(unknown)\n";

	if (loaded)
		ctime_r(&loaded, when);
	iq_buf_printf(out,
		      "     XLATED: %" PRIu64 "  JITED: %u  MEMLOCK: %" PRIu64
		      "\n     LOAD_TIME: %s"
		      "     GPL_COMPATIBLE: %s  NAME: ",
		      8ul * p->nr_instructions, p->code_size,
		      (uint64_t)p->pages * iq_dump_info(s->dump)->page_size, when,
		      p->gpl_compatible ? "yes" : "no");
	iq_buf_printf(out, *p->name ? "\"%s\"  UID: " : "%s(unused)  UID: ", p->name);
	iq_buf_printf(out, p->has_uid ? "%u\n" : "(unknown)\n", p->uid);
}

static void text_program(struct session *s, const struct bpf_result *x,
			 const struct iq_bpf_program *p, struct iq_buf *out)
{
	iq_buf_printf(out, " %-3u %016" PRIx64 " %016" PRIx64 " ", p->id, p->address, p->aux);
	text_centre(p->type, 13, out);
	iq_buf_putc(out, ' ');
	for (unsigned int i = 0; i < sizeof(p->tag); i++)
		iq_buf_printf(out, "%02x", p->tag[i]);
	iq_buf_putc(out, ' ');
	for (unsigned int i = 0; i < p->nr_maps; i++)
		iq_buf_printf(out, "%s%u", i ? "," : "", x->bpf.used[p->first_map + i].id);
	iq_buf_putc(out, '\n');
	if (!x->long_form)
		return;
	text_long_program(s, p, out);
	if (x->machine) {
		iq_buf_putc(out, '\n');
		text_machine(s, p, out);
	}
	if (x->code || x->bytes) {
		iq_buf_putc(out, '\n');
		text_bpf_code(s, &x->bpf, p, x->bytes, out);
	}
	if (x->structs) {
		text_struct(s, x, "struct bpf_prog", p->address, out);
		text_struct(s, x, "struct bpf_prog_aux", p->aux, out);
	}
}

static void text_map(struct session *s, const struct bpf_result *x, const struct iq_bpf_map *m,
		     struct iq_buf *out)
{
	iq_buf_printf(out, " %-3u %016" PRIx64 " ", m->id, m->address);
	text_centre(m->type, 15, out);
	iq_buf_printf(out, " %08x\n", m->flags);
	if (!x->long_form)
		return;
	iq_buf_printf(out,
		      "     KEY_SIZE: %u  VALUE_SIZE: %u  MAX_ENTRIES: %u  MEMLOCK: ", m->key_size,
		      m->value_size, m->max_entries);
	if (m->has_memory)
		iq_buf_printf(out, "%" PRIu64 "\n",
			      (uint64_t)m->pages * iq_dump_info(s->dump)->page_size);
	else
		iq_buf_puts(out, "(unknown)\n");
	iq_buf_printf(out, *m->name ? "     NAME: \"%s\"  UID: " : "     NAME: %s(unused)  UID: ",
		      m->name);
	iq_buf_printf(out, m->has_memory ? "%u\n" : "(unknown)\n", m->uid);
	if (x->structs)
		text_struct(s, x, "struct bpf_map", m->address, out);
}

static void text(struct session *s, const struct result *r, struct iq_buf *out)
{
	const struct bpf_result *x = r->data;
	unsigned int shown = 0;

	for (unsigned int i = 0; i < x->bpf.nr_programs; i++) {
		if (!has_program(x, &x->bpf.program[i]))
			continue;
		if (shown++ && x->long_form)
			iq_buf_putc(out, '\n');
		if (shown == 1 || x->long_form)
			iq_buf_puts(out, " ID      BPF_PROG       BPF_PROG_AUX   BPF_PROG_TYPE     "
					 "  TAG        "
					 "USED_MAPS\n");
		text_program(s, x, &x->bpf.program[i], out);
		if (!stream_out(s, out))
			return;
	}
	if (shown && x->maps)
		iq_buf_putc(out, '\n');
	shown = 0;
	for (unsigned int i = 0; i < x->bpf.nr_maps; i++) {
		if (!has_map(x, &x->bpf.map[i]))
			continue;
		if (shown++ && x->long_form)
			iq_buf_putc(out, '\n');
		if (shown == 1 || x->long_form)
			iq_buf_puts(out, " ID      BPF_MAP       BPF_MAP_TYPE   MAP_FLAGS\n");
		text_map(s, x, &x->bpf.map[i], out);
	}
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *json_program(struct session *s, const struct bpf_result *x,
			    const struct iq_bpf_program *p)
{
	json_t *o = json_object(), *maps = json_array();
	struct iq_buf b = {0};

	for (unsigned int i = 0; i < sizeof(p->tag); i++)
		iq_buf_printf(&b, "%02x", p->tag[i]);
	for (unsigned int i = 0; i < p->nr_maps; i++)
		json_array_append_new(maps, json_integer(x->bpf.used[p->first_map + i].id));
	json_object_set_new(o, "id", json_integer(p->id));
	json_object_set_new(o, "bpf_prog", json_address(p->address));
	json_object_set_new(o, "bpf_prog_aux", json_address(p->aux));
	json_object_set_new(o, "type", json_string(p->type));
	json_object_set_new(o, "name", json_string(p->name));
	json_object_set_new(o, "tag", json_string(iq_buf_str(&b)));
	json_object_set_new(o, "used_maps", maps);
	json_object_set_new(o, "instructions", json_integer(p->nr_instructions));
	json_object_set_new(o, "code", json_address(p->code));
	json_object_set_new(o, "code_size", json_integer(p->code_size));
	json_object_set_new(o, "pages", json_integer(p->pages));
	json_object_set_new(o, "load_time",
			    p->load_time ? json_integer(p->load_time) : json_null());
	json_object_set_new(o, "gpl_compatible", json_boolean(p->gpl_compatible));
	json_object_set_new(o, "uid", p->has_uid ? json_integer(p->uid) : json_null());
	iq_buf_free(&b);
	b = (struct iq_buf){0};
	if (x->code || x->bytes) {
		text_bpf_code(s, &x->bpf, p, x->bytes, &b);
		json_object_set_new(o, "translation", json_string(iq_buf_str(&b)));
	}
	iq_buf_free(&b);
	b = (struct iq_buf){0};
	if (x->machine) {
		text_machine(s, p, &b);
		json_object_set_new(o, "disassembly", json_string(iq_buf_str(&b)));
	}
	iq_buf_free(&b);
	return o;
}

static json_t *json(struct session *s, const struct result *r)
{
	const struct bpf_result *x = r->data;
	json_t *o = json_object(), *programs = json_array(), *maps = json_array();

	for (unsigned int i = 0; i < x->bpf.nr_programs; i++)
		if (has_program(x, &x->bpf.program[i]))
			json_array_append_new(programs, json_program(s, x, &x->bpf.program[i]));
	for (unsigned int i = 0; i < x->bpf.nr_maps; i++) {
		const struct iq_bpf_map *m = &x->bpf.map[i];
		json_t *e;

		if (!has_map(x, m))
			continue;
		e = json_object();
		json_object_set_new(e, "id", json_integer(m->id));
		json_object_set_new(e, "bpf_map", json_address(m->address));
		json_object_set_new(e, "type", json_string(m->type));
		json_object_set_new(e, "name", json_string(m->name));
		json_object_set_new(e, "flags", json_address(m->flags));
		json_object_set_new(e, "key_size", json_integer(m->key_size));
		json_object_set_new(e, "value_size", json_integer(m->value_size));
		json_object_set_new(e, "max_entries", json_integer(m->max_entries));
		json_array_append_new(maps, e);
	}
	json_object_set_new(o, "programs", programs);
	json_object_set_new(o, "maps", maps);
	return o;
}

static const struct result_ops ops = {text, json, free_result, NULL};

/* ---- The command ------------------------------------------------------------------------------- */

static struct iq_error *check_ids(const struct bpf_result *x)
{
	bool program = !x->one_program, map = !x->one_map;

	for (unsigned int i = 0; i < x->bpf.nr_programs; i++)
		program |= x->bpf.program[i].id == x->program;
	for (unsigned int i = 0; i < x->bpf.nr_maps; i++)
		map |= x->bpf.map[i].id == x->map;
	if (!program)
		return iq_error_hint(
			iq_error_new(IQ_E_NOT_FOUND, "no BPF program has the id %u", x->program),
			"bpf lists them all");
	if (!map)
		return iq_error_hint(
			iq_error_new(IQ_E_NOT_FOUND, "no BPF map has the id %u", x->map),
			"bpf lists them all");
	return NULL;
}

static struct iq_error *fill(struct session *s, int argc, char **argv, void *data)
{
	struct options o = {.argc = argc, .argv = argv};
	struct bpf_result *x = data;
	bool hex = false, decimal = false;
	struct iq_error *err = NULL;
	uint64_t v;
	int c;

	while ((c = next_option(&o, "p:Pm:MtTjsxd", &err)) != -1) {
		if (err)
			return err;
		hex |= c == 'x';
		decimal |= c == 'd';
		x->code |= c == 't';
		x->bytes |= c == 'T';
		x->machine |= c == 'j';
		x->structs |= c == 's';
		x->programs |= c == 'p' || c == 'P';
		x->maps |= c == 'm' || c == 'M';
		if (c != 'p' && c != 'm')
			continue;
		IQ_TRY(parse_number(o.value, "an id", UINT32_MAX, &v));
		*(c == 'p' ? &x->one_program : &x->one_map) = true;
		*(c == 'p' ? &x->program : &x->map) = (uint32_t)v;
	}
	if (o.index < argc)
		return iq_error_new(IQ_E_USAGE, "unexpected word %s", argv[o.index]);
	if (!x->programs && (x->code || x->bytes || x->machine))
		return iq_error_new(IQ_E_USAGE, "-t, -T and -j go with -p or -P");
	x->long_form = x->programs || x->maps;
	if (!x->long_form && x->structs)
		return iq_error_new(IQ_E_USAGE, "-s goes with -p, -P, -m or -M");
	if (!x->long_form)
		x->programs = x->maps = true;
	x->format = session_format(s, hex, decimal);
	IQ_TRY(iq_bpf(s->kernel, &x->bpf));
	return check_ids(x);
}

static struct iq_error *run(struct session *s, int argc, char **argv, struct result *r)
{
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	return fill_result(s, argc, argv, sizeof(struct bpf_result), fill, &ops, r);
}

const struct command cmd_bpf = {
	.name = "bpf",
	.summary = "BPF programs and maps",
	.help = "bpf [-p ID | -P] [-t | -T] [-j] [-m ID | -M] [-s [-x | -d]]\n"
		"\n"
		"The BPF programs that are loaded: id, struct bpf_prog and bpf_prog_aux, type, tag "
		"and\n"
		"the ids of the maps used; and the maps: id, struct bpf_map, type and flags.\n"
		"\n"
		"  -p ID  one program, with the sizes of its instructions and machine code, when "
		"it was\n"
		"         loaded, its license, name and user\n"
		"  -P     the same of all programs\n"
		"  -m ID  one map, with the sizes of keys and values and how many entries it can "
		"have\n"
		"  -M     the same of all maps\n"
		"  -t     the program's instructions; -T with their bytes\n"
		"  -j     the machine code that they were compiled to\n"
		"  -s     the structs in full; -x and -d choose the radix of numbers\n"
		"\n"
		"  inquest> bpf\n"
		"  inquest> bpf -p 1 -t\n",
	.run = run,
	.no_context = true,
};
