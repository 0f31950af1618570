// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding a kernel whose page tables are damaged, or that neither VMCOREINFO nor a CPU's registers lead to.
 *
 * Processes' top page tables have the same kernel half as the kernel's own: any of them does.  If those of
 * the image itself are damaged, phys_base says where it lies.  Without VMCOREINFO whatever looks like a top
 * page table is tried for a kernel image in it; without page tables, the neighbourhood of each banner is
 * searched for kallsyms, which know the address of everything.  No guess is believed that neither the
 * kernel's symbol table nor, where that is lost, its banner confirms.
 */
#include "locate.h"

#include <stdlib.h>

#define MIB (UINT64_C(1) << 20)
#define IMAGE_ALIGN (2 * MIB)

/* Does the image, at its physical place, hold a kernel's banner? */
static bool has_banner(const struct iq_kernel *k, const struct locate_memory *m)
{
	uint64_t start = k->stext - TEXT_BASE + (uint64_t)k->layout.phys_base;

	for (unsigned int i = 0; i < m->nr_banner; i++)
		if (m->banner[i] >= start && m->banner[i] - start < IMAGE_MAX)
			return true;
	return false;
}

/*
 * Its symbols, or if there are none (and LESS will do) its banner, are where the layout says.  A search for symbols is
 * long: where none were found at first, none are looked for again.
 */
static bool is_confirmed(struct iq_kernel *k, struct locate_memory *m, bool less)
{
	struct iq_error *err = NULL;

	if (less && !m->captures) {
		iq_symtab_close(k->symbols);
		k->symbols = NULL;
		return has_banner(k, m);
	}
	err = locate_symbols(k);
	if (err) {
		iq_error_free(err);
		return less && has_banner(k, m);
	}
	if (!less && locate_is_capture(k)) {
		m->captures++;
		return false;
	}
	return true;
}

/* ---- Other page tables --------------------------------------------------------------------------- */

static void warn_of_root(struct iq_kernel *k, uint64_t own)
{
	iq_warn(k->warnings, "the kernel's top page table, at physical address 0x%lx, is damaged or missing: that of "
			     "a process, at 0x%lx, is used instead (a guess)",
		(unsigned long)own, (unsigned long)k->layout.kernel_root);
}

/* Use the first of the top page tables found that maps _stext as the layout L says. */
static bool use_any_root(struct iq_kernel *k, const struct locate_memory *m, struct iq_layout l, uint64_t stext)
{
	for (unsigned int i = 0; i < m->nr_root; i++) {
		l.kernel_root = m->root[i];
		if (locate_use(k, &l, stext) == LOCATE_AGREES)
			return true;
	}
	return false;
}

/* Do the page tables at ROOT map VA to PA?  The kernel's address space stays what it is. */
static bool maps_at(struct iq_kernel *k, uint64_t root, uint64_t va, uint64_t pa)
{
	struct iq_walk w;
	struct iq_vm *vm;
	struct iq_error *err = iq_vm_open(k->arch, &k->layout, k->reader, root, &vm);

	if (err) {
		iq_error_free(err);
		return false;
	}
	iq_vm_walk(vm, va, &w);
	iq_vm_close(vm);
	return !w.status && !w.linear && w.physical == pa;
}

void locate_other_root(struct iq_kernel *k, const struct locate_memory *m)
{
	struct iq_layout l = k->layout;
	uint64_t own = l.kernel_root;

	for (unsigned int i = 0; i < m->nr_root; i++) {
		bool named = k->symbols;

		if (!maps_at(k, m->root[i], k->stext, k->stext - TEXT_BASE + (uint64_t)l.phys_base))
			continue;
		iq_symtab_close(k->symbols);
		k->symbols = NULL;
		l.kernel_root = m->root[i];
		locate_use(k, &l, k->stext);
		if (named)
			iq_error_free(locate_symbols(k));
		warn_of_root(k, own);
		return;
	}
	if (iq_page_state(k->reader, own / 4096))
		iq_warn(k->warnings, "no page tables of the kernel are in the dump: only its image and the direct "
				     "mapping of memory can be read, no modules and no stacks in vmalloc memory");
	else
		iq_warn(k->warnings, "the page tables of the kernel image and of modules are not in the dump: the "
				     "image's addresses are computed from where it was loaded, modules cannot be read");
}

/*
 * The image is read by arithmetic.  Of the top page tables one that maps the direct mapping, at the address that the
 * kernel's own variable tells, serves for the rest.
 */
static void add_root_for_rest(struct iq_kernel *k, const struct locate_memory *m)
{
	uint64_t page_offset = k->layout.page_offset, v;
	struct iq_layout l = k->layout;

	if (iq_kernel_variable(k, "page_offset_base", 8, &v) && v >> 63)
		page_offset = v;
	for (unsigned int i = 0; i < m->nr_root && !l.kernel_root; i++)
		if (maps_at(k, m->root[i], page_offset + m->root[i], m->root[i]))
			l.kernel_root = m->root[i];
	if (l.kernel_root) {
		bool named = k->symbols;

		/* The symbols read through the address space that is replaced. */
		iq_symtab_close(k->symbols);
		k->symbols = NULL;
		locate_use(k, &l, k->stext);
		if (named)
			iq_error_free(locate_symbols(k));
	}
	if (k->layout.kernel_root)
		iq_warn(k->warnings, "the page tables of the kernel image are damaged or missing: its addresses are "
				     "computed from where it was loaded; all else is read through the tables at "
				     "physical address 0x%lx (a guess)", (unsigned long)k->layout.kernel_root);
	else
		iq_warn(k->warnings, "no page tables of the kernel can be used: only its image and the direct mapping "
				     "of memory can be read, no modules and no stacks in vmalloc memory");
}

/* A VMCOREINFO text whose page tables contradict it, or are not there. */
static bool by_text(struct iq_kernel *k, struct locate_memory *m, const char *text, size_t len, bool less)
{
	struct iq_layout l;
	uint64_t stext, own;

	if (!locate_parse(text, len, &l, &stext))
		return false;
	own = l.kernel_root;
	locate_keep_text(k, text, len);
	if (use_any_root(k, m, l, stext) && is_confirmed(k, m, less)) {
		warn_of_root(k, own);
		return true;
	}
	l.text_linear = true;
	l.kernel_root = 0;
	if (locate_use(k, &l, stext) == LOCATE_DISAGREES || !is_confirmed(k, m, less))
		return false;
	add_root_for_rest(k, m);
	return true;
}

static bool by_texts(struct iq_kernel *k, struct locate_memory *m, bool less)
{
	const struct iq_dump_info *info = iq_dump_info(k->dump);
	char text[8192];

	if (info->vmcoreinfo && by_text(k, m, info->vmcoreinfo, info->vmcoreinfo_len, less)) {
		k->found_by = IQ_FOUND_VMCOREINFO_NOTE;
		return true;
	}
	for (unsigned int i = 0; i < m->nr_text; i++) {
		if (!by_text(k, m, text, locate_text_at(k, m->text[i], text, sizeof(text)), less))
			continue;
		k->found_by = IQ_FOUND_MEMORY_SCAN;
		return true;
	}
	free(k->vmcoreinfo);
	k->vmcoreinfo = NULL;
	k->vmcoreinfo_len = 0;
	return false;
}

/* ---- Page tables alone --------------------------------------------------------------------------- */

static bool by_roots(struct iq_kernel *k, struct locate_memory *m, bool less)
{
	uint64_t tried[16][2];
	unsigned int nr = 0, t;

	for (unsigned int i = 0; i < 2 * m->nr_root && nr < IQ_ARRAY_SIZE(tried); i++) {
		if (!locate_image(k, m->root[i / 2], i & 1))
			continue;
		/* All processes have the same image. */
		for (t = 0; t < nr; t++)
			if (tried[t][0] == k->stext && tried[t][1] == (uint64_t)k->layout.phys_base)
				break;
		if (t < nr)
			continue;
		tried[nr][0] = k->stext;
		tried[nr++][1] = (uint64_t)k->layout.phys_base;
		if (!is_confirmed(k, m, less))
			continue;
		iq_warn(k->warnings, "neither VMCOREINFO nor the CPUs' registers lead to the kernel: it was found by "
				     "what looks like its page tables, at physical address 0x%lx (a guess that %s "
				     "confirms)", (unsigned long)m->root[i / 2],
			k->symbols ? "its symbol table" : "its banner");
		if (k->symbols)
			locate_complete(k);
		k->found_by = IQ_FOUND_PAGE_TABLES;
		return true;
	}
	return false;
}

/* ---- No page tables ------------------------------------------------------------------------------ */

/*
 * How far the addresses of the symbol table are from those that the kernel ran at: nothing, unless the table tells
 * only distances from itself.  `prb` points to one of two variables.
 */
static bool symbols_shift(struct iq_kernel *k, uint64_t *shift)
{
	static const char *const rings[] = {"printk_rb_static", "printk_rb_dynamic"};
	uint64_t prb = iq_kernel_symbol(k, "prb"), value;

	if (!prb || iq_vm_read_uint(k->vm, prb, 8, &value) || value < TEXT_BASE)
		return false;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(rings); i++) {
		uint64_t ring = iq_kernel_symbol(k, rings[i]);

		*shift = value - ring;
		if (ring && !(*shift & (IMAGE_ALIGN - 1)))
			return true;
	}
	return false;
}

/* The image around a banner at PA, if kallsyms are near it (HAS_NAMES) in which it is linux_banner. */
static bool image_around(struct iq_kernel *k, uint64_t pa, bool *has_names)
{
	struct iq_layout l = {.levels = 4, .text_linear = true, .text_base = TEXT_BASE,
			      .text_end = TEXT_BASE + GIB, .modules_start = TEXT_BASE + GIB,
			      .modules_end = MODULES_END};
	uint64_t middle = TEXT_BASE + GIB / 2, banner, shift = 0;
	struct iq_kallsyms_where w = {0};
	struct iq_error *err;

	/* Somewhere, to begin with. */
	l.phys_base = (int64_t)((pa & ~(IMAGE_ALIGN - 1)) - GIB / 2);
	l.page_offset = UINT64_C(0xffff888000000000);
	locate_use(k, &l, middle);
	iq_symtab_close(k->symbols);
	k->symbols = NULL;
	err = iq_kallsyms_find(k->vm, middle - IMAGE_MAX / 4, middle + IMAGE_MAX / 2, &w);
	if (!err)
		err = iq_kallsyms_open(k->vm, &w, NULL, 0, &k->symbols);
	*has_names = !err;
	if (err) {
		iq_error_free(err);
		return false;
	}
	banner = iq_kernel_symbol(k, "linux_banner");
	if (banner < TEXT_BASE || (banner - TEXT_BASE + (uint64_t)l.phys_base == pa && !symbols_shift(k, &shift)))
		return false;
	l.phys_base = (int64_t)(pa - (banner + shift - TEXT_BASE));
	l.text_linear = true;
	locate_use(k, &l, iq_kernel_symbol(k, "_stext") + shift);
	return !(l.phys_base & (int64_t)(IMAGE_ALIGN - 1)) && k->stext > TEXT_BASE;
}

static bool by_banners(struct iq_kernel *k, struct locate_memory *m, bool less)
{
	uint64_t searched = 0;
	bool has_names;

	if (less && !m->captures)
		return false;
	for (unsigned int i = 0; i < m->nr_banner; i++) {
		/* The log has banners, too; where there are no names near one, there are none near the next. */
		if (searched && m->banner[i] - searched < IMAGE_MAX / 4)
			continue;
		if (!image_around(k, m->banner[i], &has_names) || !is_confirmed(k, m, less)) {
			searched = has_names ? searched : m->banner[i];
			continue;
		}
		iq_warn(k->warnings, "neither VMCOREINFO nor the CPUs' registers nor page tables lead to the kernel: it "
				     "was found by its symbol table, near its banner at physical address 0x%lx (a "
				     "guess)", (unsigned long)m->banner[i]);
		locate_complete(k);
		add_root_for_rest(k, m);
		k->found_by = IQ_FOUND_IMAGE;
		return true;
	}
	return false;
}

/* Neither page tables nor symbols nor the banner are in the dump: then nothing contradicts the note. */
static bool by_note_alone(struct iq_kernel *k)
{
	const struct iq_dump_info *info = iq_dump_info(k->dump);
	struct iq_layout l;
	uint64_t stext;

	if (!info->vmcoreinfo || !locate_parse(info->vmcoreinfo, info->vmcoreinfo_len, &l, &stext) ||
	    locate_use(k, &l, stext) != LOCATE_UNPROVEN)
		return false;
	iq_symtab_close(k->symbols);
	k->symbols = NULL;
	locate_keep_text(k, info->vmcoreinfo, info->vmcoreinfo_len);
	k->found_by = IQ_FOUND_VMCOREINFO_NOTE;
	iq_warn(k->warnings, "nothing in the dump confirms where its VMCOREINFO note says the kernel is");
	return true;
}

bool locate_by_guess(struct iq_kernel *k, struct locate_memory *m)
{
	/* First a kernel that crashed; if there is none, whichever is there, even without symbols. */
	for (int less = 0; less < 2; less++)
		if (by_texts(k, m, less) || by_roots(k, m, less) || by_banners(k, m, less))
			return true;
	return by_note_alone(k);
}
