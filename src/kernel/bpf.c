// SPDX-License-Identifier: GPL-2.0-or-later
/* BPF programs and maps: see bpf.h. */
#include <inquest/bpf.h>

#include "private.h"

#include <stdlib.h>

#define MAX_USED 65536 /* maps of one program; the verifier allows 64 */

struct walk {
	struct iq_bpf *b;
	uint64_t base; /* idr_base */
	int64_t boot_time; /* nanoseconds since 1970 */
	bool nomem;
};

static uint32_t number(struct iq_kernel *k, const char *tag, const char *path, uint64_t at)
{
	uint64_t v;

	return kernel_read_member(k, tag, path, at, &v) ? (uint32_t)v : 0;
}

static void read_name(struct iq_kernel *k, const char *tag, uint64_t base, char name[17])
{
	uint64_t at;

	if (!iq_kernel_offset(k, tag, "name", &at, NULL) ||
	    iq_vm_read_string(k->vm, base + at, name, 17))
		name[0] = '\0';
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* The constant of enum ENUM that is VALUE, without its first PREFIX characters. */
static void type_name(struct iq_kernel *k, const char *name, size_t prefix, uint32_t value,
		      char text[32])
{
	const struct iq_type *t = iq_type_by_name(iq_kernel_types(k), name);
	const struct iq_enumerator *e;
	unsigned int nr = 0;

	e = t ? iq_type_enumerators(t, &nr) : NULL;
	snprintf(text, 32, "%u", value);
	for (unsigned int i = 0; i < nr; i++) {
		if (e[i].value == value && strlen(e[i].name) > prefix) {
			snprintf(text, 32, "%s", e[i].name + prefix);
			return;
		}
	}
}

/* A bit of struct bpf_prog. */
static bool bit(struct iq_kernel *k, const char *name, uint64_t prog)
{
	const struct iq_type *t = iq_type_by_name(iq_kernel_types(k), "struct bpf_prog");
	struct iq_error *err;
	struct iq_member m;
	uint64_t v;

	if (!t)
		return false;
	err = iq_member_find(t, name, &m);
	iq_error_free(err);
	return !err && kernel_read_uint(k, prog + m.bit_offset / 8, 1, &v) &&
	       v >> m.bit_offset % 8 & 1;
}

static void add_used(struct iq_kernel *k, struct walk *w, struct iq_bpf_program *p)
{
	struct iq_bpf *b = w->b;
	uint32_t nr = number(k, "bpf_prog_aux", "used_map_cnt", p->aux);
	uint64_t list, map;

	p->first_map = b->nr_used;
	if (!nr || !kernel_read_member(k, "bpf_prog_aux", "used_maps", p->aux, &list) || !list)
		return;
	for (uint32_t i = 0; i < IQ_MIN(nr, MAX_USED); i++) {
		if (!kernel_read_ptr(k, list + 8 * i, &map)) {
			iq_warn(k->warnings, "BPF program %u: its maps cannot be read", p->id);
			return;
		}
		w->nomem = !iq_grow(&b->used, &b->room_used, b->nr_used + 1, sizeof(*b->used));
		if (w->nomem)
			return;
		b->used[b->nr_used++] = (struct iq_bpf_used){number(k, "bpf_map", "id", map), map};
		p->nr_maps++;
	}
}

static bool add_program(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg)
{
	struct walk *w = arg;
	struct iq_bpf *b = w->b;
	struct iq_bpf_program p = {.id = (uint32_t)(index + w->base), .address = entry};
	uint64_t at, user, v;

	if (!kernel_read_member(k, "bpf_prog", "aux", entry, &p.aux) ||
	    !iq_kernel_offset(k, "bpf_prog", "tag", &at, NULL) ||
	    iq_vm_read(k->vm, entry + at, p.tag, sizeof(p.tag), NULL) ||
	    !iq_kernel_offset(k, "bpf_prog", "insnsi", &at, NULL)) {
		iq_warn(k->warnings, "BPF program %u at 0x%lx cannot be read", p.id,
			(unsigned long)entry);
		return true;
	}
	p.instructions = entry + at;
	p.nr_instructions = number(k, "bpf_prog", "len", entry);
	kernel_read_member(k, "bpf_prog", "bpf_func", entry, &p.code);
	p.code_size = bit(k, "jited", entry) ? number(k, "bpf_prog", "jited_len", entry) : 0;
	/* Kernels up to 5.16 keep the size of a program of several functions with the first of them alone. */
	if (!p.code_size && bit(k, "jited", entry) &&
	    kernel_read_member(k, "bpf_prog_aux", "func", p.aux, &at) && at &&
	    kernel_read_ptr(k, at, &v))
		p.code_size = number(k, "bpf_prog", "jited_len", v);
	p.pages = number(k, "bpf_prog", "pages", entry);
	p.gpl_compatible = bit(k, "gpl_compatible", entry);
	type_name(k, "enum bpf_prog_type", strlen("BPF_PROG_TYPE_"),
		  number(k, "bpf_prog", "type", entry), p.type);
	read_name(k, "bpf_prog_aux", p.aux, p.name);
	if (kernel_read_member(k, "bpf_prog_aux", "load_time", p.aux, &v) && w->boot_time)
		p.load_time = (w->boot_time + (int64_t)v) / 1000000000;
	if (kernel_read_member(k, "bpf_prog_aux", "user", p.aux, &user) && user) {
		p.uid = number(k, "user_struct", "uid.val", user);
		p.has_uid = true;
	}
	add_used(k, w, &p);
	if (w->nomem || !iq_grow(&b->program, &b->room_programs, b->nr_programs + 1, sizeof(p))) {
		w->nomem = true;
		return false;
	}
	b->program[b->nr_programs++] = p;
	return true;
}

static bool add_map(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg)
{
	struct walk *w = arg;
	struct iq_bpf *b = w->b;
	struct iq_bpf_map m = {.id = (uint32_t)(index + w->base), .address = entry};
	uint64_t user, pages;

	type_name(k, "enum bpf_map_type", strlen("BPF_MAP_TYPE_"),
		  number(k, "bpf_map", "map_type", entry), m.type);
	read_name(k, "bpf_map", entry, m.name);
	m.flags = number(k, "bpf_map", "map_flags", entry);
	m.key_size = number(k, "bpf_map", "key_size", entry);
	m.value_size = number(k, "bpf_map", "value_size", entry);
	m.max_entries = number(k, "bpf_map", "max_entries", entry);
	if (kernel_read_member(k, "bpf_map", "memory.pages", entry, &pages) &&
	    kernel_read_member(k, "bpf_map", "memory.user", entry, &user) && user) {
		m.has_memory = true;
		m.pages = (uint32_t)pages;
		m.uid = number(k, "user_struct", "uid.val", user);
	}
	w->nomem = !iq_grow(&b->map, &b->room_maps, b->nr_maps + 1, sizeof(m));
	if (!w->nomem)
		b->map[b->nr_maps++] = m;
	return !w->nomem;
}

static bool all_of(struct iq_kernel *k, struct walk *w, const char *symbol,
		   bool (*fn)(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg))
{
	uint64_t idr = iq_kernel_symbol(k, symbol), root;

	if (!idr || !iq_kernel_offset(k, "idr", "idr_rt", &root, NULL))
		return false;
	w->base = number(k, "idr", "idr_base", idr);
	kernel_xarray_for_each(k, idr + root, symbol, fn, w);
	return true;
}

struct iq_error *iq_bpf(struct iq_kernel *k, struct iq_bpf *ret)
{
	struct walk w = {.b = ret};
	uint64_t keeper, now, real, boot;
	struct iq_types *types;

	*ret = (struct iq_bpf){};
	IQ_TRY(iq_kernel_need_types(k, &types));
	keeper = kernel_timekeeper(k, &now);
	if (keeper && kernel_read_member(k, "timekeeper", "offs_real", keeper, &real) &&
	    kernel_read_member(k, "timekeeper", "offs_boot", keeper, &boot))
		w.boot_time = (int64_t)(real - boot);
	if (!all_of(k, &w, "prog_idr", add_program) ||
	    (!w.nomem && !all_of(k, &w, "map_idr", add_map)))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel was built without BPF (CONFIG_BPF_SYSCALL)");
	if (w.nomem) {
		iq_bpf_free(ret);
		return iq_error_nomem();
	}
	return NULL;
}

void iq_bpf_free(struct iq_bpf *b)
{
	free(b->program);
	free(b->map);
	free(b->used);
	*b = (struct iq_bpf){};
}
