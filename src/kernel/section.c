// SPDX-License-Identifier: GPL-2.0-or-later
/* Sections of the memory map and memory blocks: see section.h. */
#include <inquest/section.h>

#include "private.h"

#include <stdlib.h>

#define MAX_SECTIONS (1u << 20) /* 128 TB */
#define MAX_BLOCKS (1u << 20)
#define FLAG_MASK UINT64_C(0x3f)
#define MAX_SECTION_STRUCT 128

struct sections {
	struct iq_kernel *k;
	uint64_t map_at, size, page_size;
	unsigned int shift; /* PFN_SECTION_SHIFT */
	uint64_t end; /* the first number that no section can have */
	struct iq_section *list;
	unsigned int nr, room;
};

static uint64_t vmcoreinfo_number(struct iq_kernel *k, const char *key, uint64_t otherwise)
{
	int64_t n;

	if (k->vmcoreinfo && iq_vmcoreinfo_dec(k->vmcoreinfo, k->vmcoreinfo_len, key, &n) && n > 0)
		return (uint64_t)n;
	return otherwise;
}

static struct iq_error *prepare(struct iq_kernel *k, struct sections *s)
{
	uint64_t section_bits = vmcoreinfo_number(k, "NUMBER(SECTION_SIZE_BITS)", 27), highest;
	uint64_t physical_bits =
		vmcoreinfo_number(k, "NUMBER(MAX_PHYSMEM_BITS)", k->layout.levels == 5 ? 52 : 46);
	const struct iq_type *type;
	struct iq_types *t;

	IQ_TRY(iq_kernel_need_types(k, &t));
	type = iq_type_by_name(t, "struct mem_section");
	if (!type || !type->size || type->size > MAX_SECTION_STRUCT ||
	    !iq_offset(t, "mem_section", "section_mem_map", &s->map_at, NULL) ||
	    s->map_at + 8 > type->size || section_bits < 20 || section_bits > 40 ||
	    physical_bits > 60 || physical_bits < section_bits)
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel's memory map has no sections that are known");
	*s = (struct sections){.k = k,
			       .map_at = s->map_at,
			       .size = type->size,
			       .page_size = iq_kernel_sizeof(k, "page"),
			       .shift = (unsigned int)section_bits - 12,
			       .end = UINT64_C(1) << (physical_bits - section_bits)};
	if (iq_kernel_variable(k, "__highest_present_section_nr", 8, &highest) && highest < s->end)
		s->end = highest + 1;
	return NULL;
}

static bool add_section(struct sections *s, uint64_t nr, uint64_t address, uint64_t map)
{
	struct iq_section x = {.nr = nr,
			       .address = address,
			       .coded = map & ~FLAG_MASK,
			       .start_pfn = nr << s->shift,
			       .flags = (unsigned int)(map & FLAG_MASK)};

	x.mem_map = x.coded + x.start_pfn * s->page_size;
	if (s->nr == MAX_SECTIONS) {
		iq_warn(s->k->warnings, "sections of memory: there is no end of them");
		return false;
	}
	if (!iq_grow(&s->list, &s->room, s->nr + 1, sizeof(*s->list)))
		return false;
	s->list[s->nr++] = x;
	return true;
}

/* The sections of one page of struct mem_section, which begins with number FIRST. */
static bool add_root(struct sections *s, uint64_t root, uint64_t first, uint64_t count)
{
	uint8_t bytes[4096];

	if (iq_vm_read(s->k->vm, root, bytes, count * s->size, NULL)) {
		iq_warn(s->k->warnings, "sections of memory: those at 0x%lx cannot be read",
			(unsigned long)root);
		return true;
	}
	for (uint64_t i = 0; i < count && first + i < s->end; i++) {
		uint64_t map = iq_le64(bytes + i * s->size + s->map_at);

		if (map & IQ_SECTION_PRESENT && !add_section(s, first + i, root + i * s->size, map))
			return false;
	}
	return true;
}

struct iq_error *iq_sections(struct iq_kernel *k, struct iq_section **ret, unsigned int *nr)
{
	struct sections s;
	struct iq_symbol table;
	uint64_t roots, root, per_root;
	bool ok = true;

	IQ_TRY(prepare(k, &s));
	if (!iq_symbol_named(k, "mem_section", &table))
		return iq_error_new(IQ_E_UNAVAILABLE, "this kernel's memory map has no sections");
	/* A pointer to the table (4.15), or the table itself, of half the address space's size. */
	roots = table.address;
	if (table.size < 4096 && (!kernel_read_ptr(k, roots, &roots) || !roots))
		return iq_error_new(IQ_E_MEMORY, "the table of sections of memory cannot be read");
	per_root = 4096 / s.size;
	for (uint64_t i = 0; ok && i * per_root < s.end && !iq_cancelled(k->priv->options.cancel);
	     i++) {
		if (!kernel_read_ptr(k, roots + 8 * i, &root)) {
			iq_warn(k->warnings,
				"sections of memory: their table ends at 0x%lx, unreadable",
				(unsigned long)(roots + 8 * i));
			break;
		}
		if (root)
			ok = add_root(&s, root, i * per_root, per_root);
	}
	*ret = s.list;
	*nr = s.nr;
	return NULL;
}

/* ---- Memory blocks --------------------------------------------------------------------------------- */

struct blocks {
	uint64_t bytes; /* of a block */
	uint64_t section_bytes;
	struct iq_memory_block *list;
	unsigned int nr, room;
};

/* Up to 6.1 numbers of include/linux/memory.h, then an enum. */
static void read_state(struct iq_kernel *k, uint64_t block, char *state, size_t room)
{
	static const char *const bits[] = {"ONLINE",	   "GOING_OFFLINE", "OFFLINE",
					   "GOING_ONLINE", "CANCEL_ONLINE", "CANCEL_OFFLINE"};
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *type = iq_type_by_name(t, "enum memory_block_state");
	const struct iq_enumerator *e;
	unsigned int nr;
	uint64_t value;

	snprintf(state, room, "UNKNOWN");
	if (!kernel_read_member(k, "memory_block", "state", block, &value))
		return;
	if (!type) {
		for (unsigned int i = 0; i < IQ_ARRAY_SIZE(bits); i++)
			if (value == UINT64_C(1) << i)
				snprintf(state, room, "%s", bits[i]);
		return;
	}
	e = iq_type_enumerators(type, &nr);
	for (unsigned int i = 0; i < nr; i++)
		if (e[i].value >= 0 && (uint64_t)e[i].value == value)
			snprintf(state, room, "%s",
				 strncmp(e[i].name, "MEM_", 4) ? e[i].name : e[i].name + 4);
}

static void read_block_name(struct iq_kernel *k, struct iq_memory_block *b)
{
	uint64_t name;

	if (!kernel_read_member(k, "memory_block", "dev.kobj.name", b->address, &name) || !name ||
	    iq_vm_read_string(k->vm, name, b->name, sizeof(b->name)))
		b->name[0] = '\0';
	for (char *c = b->name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static bool add_block(struct iq_kernel *k, uint64_t index, uint64_t entry, void *arg)
{
	struct blocks *x = arg;
	struct iq_memory_block b = {.address = entry, .node = -1};
	uint64_t node;

	if (!kernel_read_member(k, "memory_block", "start_section_nr", entry, &b.start_section)) {
		iq_warn(k->warnings, "memory blocks: the one at 0x%lx cannot be read",
			(unsigned long)entry);
		return true;
	}
	if (kernel_read_member(k, "memory_block", "nid", entry, &node))
		b.node = (int)node;
	read_state(k, entry, b.state, sizeof(b.state));
	read_block_name(k, &b);
	b.start = b.start_section * x->section_bytes;
	b.end = b.start + x->bytes - 1;
	if (x->nr == MAX_BLOCKS || !iq_grow(&x->list, &x->room, x->nr + 1, sizeof(*x->list)))
		return false;
	x->list[x->nr++] = b;
	return !iq_cancelled(k->priv->options.cancel);
}

struct iq_error *iq_memory_blocks(struct iq_kernel *k, struct iq_memory_block **ret,
				  unsigned int *nr)
{
	uint64_t tree = iq_kernel_symbol(k, "memory_blocks"), sections = 1;
	uint64_t bits = vmcoreinfo_number(k, "NUMBER(SECTION_SIZE_BITS)", 27);
	struct blocks x = {.section_bytes = UINT64_C(1) << IQ_MIN(bits, 40)};
	struct iq_types *t;

	IQ_TRY(iq_kernel_need_types(k, &t));
	if (iq_kernel_variable(k, "sections_per_block", 4, &sections) &&
	    sections - 1 >= UINT32_C(1) << 20)
		sections = 1;
	x.bytes = x.section_bytes * sections;
	if (tree && iq_type_by_name(t, "struct memory_block"))
		kernel_xarray_for_each(k, tree, "memory blocks", add_block, &x);
	*ret = x.list;
	*nr = x.nr;
	return NULL;
}
