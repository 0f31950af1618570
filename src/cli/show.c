// SPDX-License-Identifier: GPL-2.0-or-later
/* Which memory, which words, which CPUs: what the commands that show memory ask for. */
#include "show.h"
#include <inttypes.h>
#include <stdlib.h>

#define PHYSICAL_CACHE 64	 /* pages */
#define MAX_CHECKED (1u << 20) /* bytes of an object of which nothing could be read */

/* ---- Which memory ------------------------------------------------------------------------------ */

static struct iq_error *open_user(struct session *s, struct memory *ret)
{
	const struct iq_task *task;
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	IQ_TRY(need_task(s, &task));
	IQ_TRY(iq_task_vm(k, task, &ret->vm));
	ret->owned = true;
	ret->space = SPACE_USER;
	return NULL;
}

struct iq_error *memory_open(struct session *s, enum space space, uint64_t address,
			     struct memory *ret)
{
	struct iq_kernel *k;
	struct memory m = {.space = SPACE_KERNEL};

	if (space == SPACE_PHYSICAL) {
		m.space = SPACE_PHYSICAL;
		IQ_TRY(iq_reader_open(s->dump, PHYSICAL_CACHE, &m.reader));
		*ret = m;
		return NULL;
	}
	IQ_TRY(need_kernel(s, &k));
	/* An address that is nobody's is no task's either: the kernel's tables say what is wrong. */
	if (space == SPACE_AUTO && k->arch->vm->canonical(&k->layout, address) &&
	    !k->arch->vm->is_kernel(&k->layout, address))
		space = SPACE_USER;
	if (space == SPACE_USER)
		IQ_TRY(open_user(s, &m));
	else
		m.vm = k->vm;
	*ret = m;
	return NULL;
}

void memory_close(struct memory *m)
{
	if (m->owned)
		iq_vm_close(m->vm);
	if (m->reader)
		iq_reader_close(m->reader);
	*m = (struct memory){0};
}

enum iq_mem memory_read(const struct memory *m, uint64_t address, void *buf, size_t len,
			struct iq_fault *fault)
{
	if (m->vm)
		return iq_vm_read(m->vm, address, buf, len, fault);
	return iq_read_phys(m->reader, address, buf, len, fault);
}

struct iq_error *memory_error(const struct memory *m, const struct iq_fault *fault)
{
	struct iq_walk w;
	const struct iq_walk_level *last;

	if (!m->vm || fault->why != IQ_MEM_UNMAPPED)
		return iq_fault_error(fault);
	if (!iq_vm_arch(m->vm)->vm->canonical(iq_vm_layout(m->vm), fault->address))
		return iq_error_new(IQ_E_MEMORY,
				    "cannot read 0x%" PRIx64 ": not a canonical address, nothing can be there",
				    fault->address);
	iq_vm_walk(m->vm, fault->address, &w);
	if (!w.nr)
		return iq_fault_error(fault);
	last = &w.level[w.nr - 1];
	return iq_error_new(IQ_E_MEMORY, "cannot read 0x%" PRIx64 ": not mapped, its %s entry is %s",
			    fault->address, last->name, last->entry ? "not present" : "empty");
}

struct iq_error *memory_check(const struct memory *m, uint64_t address, uint64_t size)
{
	struct iq_fault first = {0}, fault;
	uint8_t byte;

	for (uint64_t at = 0; at < size; at = ((address + at) | 0xfff) + 1 - address) {
		if (!memory_read(m, address + at, &byte, 1, &fault))
			return NULL;
		if (!first.why)
			first = fault;
		if (at > MAX_CHECKED)
			break;
	}
	return first.why ? memory_error(m, &first) : NULL;
}

/* ---- Words of a command ------------------------------------------------------------------------ */

struct iq_error *parse_number(const char *word, const char *what, uint64_t max, uint64_t *ret)
{
	uint64_t value;

	if (!iq_parse_u64(word, &value))
		return iq_error_new(IQ_E_USAGE, "%s is not %s", word, what);
	if (value > max)
		return iq_error_new(IQ_E_USAGE, "%s: %s of at most %" PRIu64 " is meant", word, what, max);
	*ret = value;
	return NULL;
}

const char *cpuspec(const char *word)
{
	const char *colon = strrchr(word, ':');

	if (!colon || *word == '(')
		return NULL;
	if (!strcmp(colon, ":a") || !strcmp(colon, ":all") || strspn(colon, ":0123456789,-") == strlen(colon))
		return colon + 1;
	return NULL;
}

static struct iq_error *add_cpus(struct iq_kernel *k, uint64_t first, uint64_t last,
				 unsigned int **cpus, unsigned int *nr, unsigned int *room)
{
	for (uint64_t cpu = first; cpu <= last; cpu++) {
		uint64_t offset;

		if (cpu > UINT32_MAX || !iq_percpu_offset(k, (unsigned int)cpu, &offset))
			return iq_error_new(IQ_E_NOT_FOUND, "no CPU %" PRIu64, cpu);
		if (!iq_grow(cpus, room, *nr + 1, sizeof(**cpus)))
			return iq_error_nomem();
		(*cpus)[(*nr)++] = (unsigned int)cpu;
	}
	return NULL;
}

/* One item of a list: "3" or "3-5"; *AT is moved behind it. */
static struct iq_error *parse_range(const char *spec, const char **at, uint64_t *first, uint64_t *last)
{
	char *end;

	*first = *last = strtoull(*at, &end, 10);
	if (end == *at)
		return iq_error_new(IQ_E_USAGE, "\"%s\" is not a list of CPUs", spec);
	*at = end;
	if (**at == '-') {
		(*at)++;
		*last = strtoull(*at, &end, 10);
		if (end == *at || *last < *first)
			return iq_error_new(IQ_E_USAGE, "\"%s\" is not a list of CPUs", spec);
		*at = end;
	}
	if (**at == ',' && (*at)[1])
		(*at)++;
	else if (**at)
		return iq_error_new(IQ_E_USAGE, "\"%s\" is not a list of CPUs", spec);
	return NULL;
}

static struct iq_error *fill_cpus(struct session *s, struct iq_kernel *k, const char *spec,
				  unsigned int **cpus, unsigned int *nr, unsigned int *room)
{
	uint64_t first, last, offset;
	const struct iq_task *task;
	unsigned int possible = 0;

	if (!strcmp(spec, "a") || !strcmp(spec, "all")) {
		const struct iq_cpu *cpu = iq_kernel_cpus(k, &possible);

		for (unsigned int i = 0; cpu && i < possible; i++) {
			if (iq_percpu_offset(k, cpu[i].cpu, &offset))
				IQ_TRY(add_cpus(k, cpu[i].cpu, cpu[i].cpu, cpus, nr, room));
		}
		return *nr ? NULL : iq_error_new(IQ_E_UNAVAILABLE, "the CPUs of this dump are not known");
	}
	if (!*spec) {
		IQ_TRY(need_task(s, &task));
		return add_cpus(k, task->cpu, task->cpu, cpus, nr, room);
	}
	for (const char *at = spec; *at;) {
		IQ_TRY(parse_range(spec, &at, &first, &last));
		IQ_TRY(add_cpus(k, first, last, cpus, nr, room));
	}
	return NULL;
}

struct iq_error *parse_cpus(struct session *s, const char *spec, unsigned int **cpus,
			    unsigned int *nr)
{
	unsigned int *list = NULL, n = 0, room = 0;
	struct iq_error *err;
	struct iq_kernel *k;

	IQ_TRY(need_kernel(s, &k));
	err = fill_cpus(s, k, spec, &list, &n, &room);
	if (err) {
		free(list);
		return err;
	}
	*cpus = list;
	*nr = n;
	return NULL;
}

struct iq_format session_format(const struct session *s, bool hex, bool decimal)
{
	return (struct iq_format){
		.radix = hex	   ? IQ_RADIX_HEX
			 : decimal ? IQ_RADIX_DEC
			 : s->hex  ? IQ_RADIX_HEX
				   : IQ_RADIX_DEFAULT,
		.max_elements = s->print_elements,
		.repeats = s->print_repeats,
		.null_stop = s->print_null_stop,
		.cancel = &s->cancel,
	};
}

/* ---- The page line ----------------------------------------------------------------------------- */

/* Columns that the highest physical address takes. */
static int physical_width(struct session *s)
{
	const struct iq_dump_info *info = iq_dump_info(s->dump);
	uint64_t highest = info->max_pfn * info->page_size;

	return IQ_MAX(snprintf(NULL, 0, "%" PRIx64, highest ? highest - 1 : 0), 8);
}

void text_page_row(struct session *s, const struct iq_page *page, struct iq_buf *out)
{
	size_t before;

	iq_buf_printf(out, "%016" PRIx64 " %*" PRIx64 " %16" PRIx64 " %8" PRIx64 " %2" PRId32 " %" PRIx64,
		      page->address, physical_width(s),
		      page->pfn * iq_dump_info(s->dump)->page_size, page->mapping, page->index,
		      page->refcount, page->flags);
	before = out->len;
	iq_buf_putc(out, ' ');
	iq_page_flags_text(s->kernel, page->flags, out);
	/* No flags have names: no blank either. */
	if (out->len == before + 1 && !out->failed)
		out->s[--out->len] = 0;
	iq_buf_putc(out, '\n');
}

void text_page(struct session *s, const struct iq_page *page, struct iq_buf *out)
{
	iq_buf_printf(out, "      PAGE       %*s      MAPPING       INDEX CNT FLAGS\n",
		      physical_width(s), "PHYSICAL");
	text_page_row(s, page, out);
}

json_t *json_page(struct session *s, const struct iq_page *page)
{
	json_t *o = json_object(), *flags = json_array();
	struct iq_buf names = {0};
	char *save = NULL, *text;

	iq_page_flags_text(s->kernel, page->flags, &names);
	text = iq_buf_steal(&names);
	for (char *name = text ? strtok_r(text, ",", &save) : NULL; name; name = strtok_r(NULL, ",", &save))
		json_array_append_new(flags, json_text(name, strlen(name)));
	free(text);
	json_object_set_new(o, "page", json_address(page->address));
	json_object_set_new(o, "pfn", json_integer((json_int_t)page->pfn));
	json_object_set_new(o, "flags", flags);
	json_object_set_new(o, "flags_raw", json_address(page->flags));
	json_object_set_new(o, "refcount", json_integer(page->refcount));
	json_object_set_new(o, "mapcount", json_integer((json_int_t)page->mapcount_raw + 1));
	json_object_set_new(o, "mapping", json_address(page->mapping));
	json_object_set_new(o, "index", json_address(page->index));
	return o;
}
