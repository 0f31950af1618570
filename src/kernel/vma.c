// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory maps of processes: see vma.h. */
#include <inquest/vma.h>

#include "private.h"

#include <stdlib.h>

#define MAX_VMAS (1u << 24)

/* Where the members of struct vm_area_struct are: looked up once for a walk. */
static const char *const members[] = {"vm_start", "vm_end", "vm_mm", "vm_flags", "vm_pgoff", "vm_file", "anon_vma"};
#define LAYOUT_ROOM 512

struct vma_layout {
	uint64_t offset[IQ_ARRAY_SIZE(members)]; /* UINT64_MAX: not there */
	size_t size; /* bytes from the start that hold them all */
};

static bool find_layout(struct iq_kernel *k, struct vma_layout *l)
{
	*l = (struct vma_layout){0};
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(members); i++) {
		if (!iq_kernel_offset(k, "vm_area_struct", members[i], &l->offset[i], NULL) ||
		    l->offset[i] > LAYOUT_ROOM - 8)
			l->offset[i] = UINT64_MAX;
		else
			l->size = IQ_MAX(l->size, (size_t)l->offset[i] + 8);
	}
	return l->offset[0] != UINT64_MAX && l->offset[1] != UINT64_MAX;
}

static bool read_vma(struct iq_kernel *k, const struct vma_layout *l, uint64_t address, struct iq_vma *ret)
{
	struct iq_vma v = {.address = address};
	uint64_t *const to[] = {&v.start, &v.end, &v.mm, &v.flags, &v.pgoff, &v.file, &v.anon_vma};
	uint8_t raw[LAYOUT_ROOM];
	struct iq_fault fault;

	_Static_assert(IQ_ARRAY_SIZE(to) == IQ_ARRAY_SIZE(members), "a place for each member");
	memset(raw, 0, l->size);
	/* It may reach into a page that is missing: what lies in front of it counts all the same. */
	if (iq_vm_read(k->vm, address, raw, l->size, &fault) &&
	    fault.address - address < IQ_MAX(l->offset[0], l->offset[1]) + 8)
		return false;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(members); i++) {
		if (l->offset[i] != UINT64_MAX)
			*to[i] = iq_le64(raw + l->offset[i]);
	}
	*ret = v;
	return true;
}

bool iq_vma_read(struct iq_kernel *k, uint64_t address, struct iq_vma *ret)
{
	struct vma_layout l;

	return find_layout(k, &l) && read_vma(k, &l, address, ret);
}

struct vmas {
	struct iq_vma *vma;
	unsigned int nr, room;
	uint64_t mm, want; /* want: stop at the area that contains it; UINT64_MAX: never */
	bool found;
	struct vma_layout layout;
};

static bool add(struct iq_kernel *k, struct vmas *a, uint64_t address)
{
	struct iq_vma v;

	if (!read_vma(k, &a->layout, address, &v)) {
		iq_warn(k->warnings, "vm_area_struct 0x%lx cannot be read", (unsigned long)address);
		return true;
	}
	if (v.end <= v.start) {
		iq_warn(k->warnings, "vm_area_struct 0x%lx ends (0x%lx) before it starts (0x%lx)",
			(unsigned long)address, (unsigned long)v.end, (unsigned long)v.start);
		return true;
	}
	if (a->want != UINT64_MAX && (a->want < v.start || a->want >= v.end))
		return true;
	if (a->nr >= MAX_VMAS || !iq_grow(&a->vma, &a->room, a->nr + 1, sizeof(*a->vma)))
		return false;
	a->vma[a->nr++] = v;
	a->found = true;
	return a->want == UINT64_MAX;
}

static bool maple_entry(struct iq_kernel *k, uint64_t first, uint64_t last, uint64_t entry, void *arg)
{
	struct vmas *a = arg;
	unsigned int before = a->nr;
	bool go_on = add(k, a, entry);

	if (a->nr > before) {
		const struct iq_vma *v = &a->vma[before];

		if (v->start != first || v->end - 1 != last)
			iq_warn(k->warnings,
				"vm_area_struct 0x%lx says 0x%lx-0x%lx, its maple tree 0x%lx-0x%lx",
				(unsigned long)entry, (unsigned long)v->start,
				(unsigned long)v->end, (unsigned long)first,
				(unsigned long)last + 1);
	}
	return go_on;
}

/* mm_struct.mmap, linked by vm_next, ascending: an address that does not ascend ends the walk. */
static void walk_list(struct iq_kernel *k, struct vmas *a)
{
	uint64_t at, end = 0;

	if (!kernel_read_member(k, "mm_struct", "mmap", a->mm, &at)) {
		iq_warn(k->warnings, "mm_struct 0x%lx cannot be read", (unsigned long)a->mm);
		return;
	}
	for (unsigned int n = 0; at && n < MAX_VMAS; n++) {
		uint64_t start, next = 0;

		if (!kernel_read_member(k, "vm_area_struct", "vm_start", at, &start) ||
		    !kernel_read_member(k, "vm_area_struct", "vm_next", at, &next)) {
			iq_warn(k->warnings, "mm_struct 0x%lx: its list of areas leads to 0x%lx, "
				"which cannot be read", (unsigned long)a->mm, (unsigned long)at);
			return;
		}
		if (start < end) {
			iq_warn(k->warnings, "mm_struct 0x%lx: its list of areas goes backwards at "
				"vm_area_struct 0x%lx", (unsigned long)a->mm, (unsigned long)at);
			return;
		}
		if (!add(k, a, at))
			return;
		end = start + 1;
		at = next;
	}
}

static struct iq_error *collect(struct iq_kernel *k, struct vmas *a)
{
	struct iq_types *t;
	uint64_t at;

	IQ_TRY(iq_kernel_need_types(k, &t));
	if (!find_layout(k, &a->layout))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel's struct vm_area_struct is of an unknown layout");
	if (iq_offset(t, "mm_struct", "mm_mt", &at, NULL)) {
		kernel_maple_for_each(k, a->mm + at, "memory map", maple_entry, a);
		return NULL;
	}
	if (!iq_offset(t, "mm_struct", "mmap", &at, NULL) ||
	    !iq_offset(t, "vm_area_struct", "vm_next", &at, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel's struct mm_struct is of an unknown layout");
	walk_list(k, a);
	return NULL;
}

struct iq_error *iq_vmas(struct iq_kernel *k, uint64_t mm, struct iq_vma **ret, unsigned int *nr)
{
	struct vmas a = {.mm = mm, .want = UINT64_MAX};
	struct iq_error *err = collect(k, &a);

	if (err) {
		free(a.vma);
		return err;
	}
	*ret = a.vma;
	*nr = a.nr;
	return NULL;
}

bool iq_vma_at(struct iq_kernel *k, uint64_t mm, uint64_t address, struct iq_vma *ret)
{
	struct vmas a = {.mm = mm, .want = address};
	struct iq_error *err = address == UINT64_MAX ? NULL : collect(k, &a);

	iq_error_free(err);
	if (a.found)
		*ret = a.vma[0];
	free(a.vma);
	return a.found;
}

/* ---- Names -------------------------------------------------------------------------------------- */

const char *iq_vma_name(struct iq_kernel *k, const struct iq_vma *v)
{
	uint64_t low, high, vdso, ops;

	if (v->file)
		return "";
	if (v->mm && kernel_read_member(k, "mm_struct", "context.vdso", v->mm, &vdso) && vdso &&
	    vdso == v->start)
		return "[vdso]";
	if (v->mm && kernel_read_member(k, "mm_struct", "start_brk", v->mm, &low) &&
	    kernel_read_member(k, "mm_struct", "brk", v->mm, &high) && v->start <= high &&
	    v->end >= low && low)
		return "[heap]";
	if (v->mm && kernel_read_member(k, "mm_struct", "start_stack", v->mm, &low) &&
	    v->start <= low && v->end >= low)
		return "[stack]";
	/* special_mapping_vmops: the name is in vm_private_data's struct vm_special_mapping. */
	if (kernel_read_member(k, "vm_area_struct", "vm_ops", v->address, &ops) && ops &&
	    ops == iq_kernel_symbol(k, "special_mapping_vmops")) {
		uint64_t mapping, name;
		char text[16];
		struct iq_fault fault;

		if (kernel_read_member(k, "vm_area_struct", "vm_private_data", v->address, &mapping) &&
		    kernel_read_member(k, "vm_special_mapping", "name", mapping, &name) &&
		    !iq_vm_read(k->vm, name, text, sizeof(text), &fault)) {
			static const char *const known[] = {"[vvar]", "[vdso]", "[uprobes]",
							    "[vvar_vclock]"};

			for (unsigned int i = 0; i < IQ_ARRAY_SIZE(known); i++)
				if (!strncmp(text, known[i], sizeof(text)))
					return known[i];
		}
	}
	return "";
}

/* include/linux/mm.h: the low 32 bits have not changed since 4.18 but for those left out here. */
void iq_vma_flags_text(uint64_t flags, struct iq_buf *out)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{0x1, "READ"}, {0x2, "WRITE"}, {0x4, "EXEC"}, {0x8, "SHARED"}, {0x10, "MAYREAD"},
		{0x20, "MAYWRITE"}, {0x40, "MAYEXEC"}, {0x80, "MAYSHARE"}, {0x100, "GROWSDOWN"},
		{0x200, "UFFD_MISSING"}, {0x400, "PFNMAP"}, {0x1000, "UFFD_WP"}, {0x2000, "LOCKED"},
		{0x4000, "IO"}, {0x8000, "SEQ_READ"}, {0x10000, "RAND_READ"}, {0x20000, "DONTCOPY"},
		{0x40000, "DONTEXPAND"}, {0x80000, "LOCKONFAULT"}, {0x100000, "ACCOUNT"},
		{0x200000, "NORESERVE"}, {0x400000, "HUGETLB"}, {0x800000, "SYNC"},
		{0x2000000, "WIPEONFORK"}, {0x4000000, "DONTDUMP"}, {0x8000000, "SOFTDIRTY"},
		{0x10000000, "MIXEDMAP"}, {0x20000000, "HUGEPAGE"}, {0x40000000, "NOHUGEPAGE"},
		{0x80000000, "MERGEABLE"},
	};
	bool first = true;

	iq_buf_putc(out, '(');
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++) {
		if (!(flags & names[i].bit))
			continue;
		iq_buf_printf(out, "%s%s", first ? "" : "|", names[i].name);
		first = false;
		flags &= ~names[i].bit;
	}
	if (flags)
		iq_buf_printf(out, "%s0x%lx", first ? "" : "|", (unsigned long)flags);
	iq_buf_putc(out, ')');
}
