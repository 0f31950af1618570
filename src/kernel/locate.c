// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding the kernel in a dump: where its image lies, its page tables, its symbols.
 *
 * A candidate is a VMCOREINFO text (kernel/crash_core.c, kernel/vmcore_info.c), or just a page-table root
 * with a kernel image mapped in it.  Candidates come from, in this order,
 *   1. the dump's VMCOREINFO note;
 *   2. the control registers in QEMU's CPU notes: CR3 gives page tables, those the kernel image, that its
 *      kallsyms, and they name the VMCOREINFO text in memory;
 *   3. all of physical memory, searched for the VMCOREINFO text;
 *   4. what locate_guess.c makes of what is left: any page tables, any kernel image.
 * Each is checked: its top page table, at the place it says, must map _stext to the physical address
 * it says.  Where memory holds two kernels the one that was booted to take the dump is told by its own
 * elfcorehdr_addr, which only a capture kernel has set.
 */
#include "locate.h"

#include <stdlib.h>

#define TIB (UINT64_C(1) << 40)
/* An ELF note's header (12 bytes) and the padded name "VMCOREINFO" (12) stand before its text. */
#define NOTE_HEADER 24

static void layout_by_levels(struct iq_layout *l)
{
	bool l5 = l->levels == 5;

	/* Documentation/arch/x86/x86_64/mm.rst */
	l->page_offset = l5 ? UINT64_C(0xff11000000000000) : UINT64_C(0xffff888000000000);
	l->vmalloc_start = l5 ? UINT64_C(0xffa0000000000000) : UINT64_C(0xffffc90000000000);
	l->vmemmap_start = l5 ? UINT64_C(0xffd4000000000000) : UINT64_C(0xffffea0000000000);
}

static void layout_ends(struct iq_layout *l, uint64_t max_pfn, uint64_t page_size)
{
	bool l5 = l->levels == 5;

	l->page_offset_end = l->page_offset + max_pfn * page_size;
	l->vmalloc_end = l->vmalloc_start + (l5 ? 12800 : 32) * TIB;
	l->vmemmap_end = l->vmemmap_start + max_pfn * 64 + GIB;
}

/* Does VA map to PA in the page tables (not by arithmetic)? */
bool locate_maps_to(struct iq_kernel *k, uint64_t va, uint64_t pa)
{
	struct iq_walk w;

	iq_vm_walk(k->vm, va, &w);
	return !w.status && !w.linear && w.physical == pa;
}

/*
 * The bit of physical addresses in page tables that says whether a page is encrypted (SME, SEV: set; TDX, SEV with
 * vTOM: set in those shared with the host): one, and above any memory.  Anything else is damage.
 */
static uint64_t encryption_bit(uint64_t mask)
{
	return mask && !(mask & (mask - 1)) && mask >> 32 && !(mask >> 52) ? mask : 0;
}

bool locate_parse(const char *text, size_t len, struct iq_layout *ret, uint64_t *ret_stext)
{
	struct iq_layout l = {.text_base = TEXT_BASE, .text_end = TEXT_BASE + GIB, .modules_end = MODULES_END};
	uint64_t swapper, v, stext;
	int64_t n;

	if (!iq_vmcoreinfo_hex(text, len, "SYMBOL(swapper_pg_dir)", &swapper) &&
	    !iq_vmcoreinfo_hex(text, len, "SYMBOL(init_top_pgt)", &swapper))
		return false;
	if (swapper < TEXT_BASE || !iq_vmcoreinfo_dec(text, len, "NUMBER(phys_base)", &l.phys_base) ||
	    !iq_vmcoreinfo_hex(text, len, "SYMBOL(_stext)", &stext) || stext < TEXT_BASE)
		return false;
	l.levels = iq_vmcoreinfo_dec(text, len, "NUMBER(pgtable_l5_enabled)", &n) && n == 1 ? 5 : 4;
	if (iq_vmcoreinfo_dec(text, len, "NUMBER(KERNEL_IMAGE_SIZE)", &n) && n > 0 &&
	    (uint64_t)n <= 2 * GIB)
		l.text_end = TEXT_BASE + (uint64_t)n;
	l.modules_start = l.text_end;
	if (iq_vmcoreinfo_dec(text, len, "NUMBER(sme_mask)", &n))
		l.encryption_mask = encryption_bit((uint64_t)n);
	if (iq_vmcoreinfo_hex(text, len, "KERNELOFFSET", &v)) {
		l.kaslr_known = true;
		l.kaslr_offset = (int64_t)v;
	}
	layout_by_levels(&l);
	l.kernel_root = swapper - TEXT_BASE + (uint64_t)l.phys_base;
	*ret = l;
	*ret_stext = stext;
	return true;
}

enum locate_verdict locate_use(struct iq_kernel *k, const struct iq_layout *l, uint64_t stext)
{
	struct iq_walk w;

	k->layout = *l;
	k->stext = stext;
	iq_vm_close(k->vm);
	k->vm = NULL;
	iq_error_free(iq_vm_open(k->arch, &k->layout, k->reader, l->kernel_root, &k->vm));
	if (!k->vm)
		return LOCATE_DISAGREES;
	if (locate_maps_to(k, stext, stext - TEXT_BASE + (uint64_t)l->phys_base))
		return LOCATE_AGREES;
	iq_vm_walk(k->vm, stext, &w);
	return w.linear ? LOCATE_UNPROVEN : LOCATE_DISAGREES;
}

/* Take the layout from the VMCOREINFO text; what the page tables say of it. */
static enum locate_verdict layout_from_vmcoreinfo(struct iq_kernel *k, const char *text, size_t len)
{
	struct iq_layout l;
	uint64_t stext;

	return locate_parse(text, len, &l, &stext) ? locate_use(k, &l, stext) : LOCATE_DISAGREES;
}

void locate_keep_text(struct iq_kernel *k, const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return;
	memcpy(copy, text, len);
	copy[len] = 0;
	free(k->vmcoreinfo);
	k->vmcoreinfo = copy;
	k->vmcoreinfo_len = len;
}

/* ---- From the CPUs' control registers ---------------------------------------------------------- */

/* Find the kernel image in the page tables at ROOT: the lowest mapped address of the image area,
 * which the kernel aligns to 2 MB at least. */
bool locate_image(struct iq_kernel *k, uint64_t root, bool l5)
{
	struct iq_layout l = {.levels = l5 ? 5 : 4, .text_base = TEXT_BASE, .text_end = TEXT_BASE + GIB,
			      .modules_start = TEXT_BASE + GIB, .modules_end = MODULES_END,
			      .kernel_root = root};
	uint64_t va, step = UINT64_C(0x200000);
	struct iq_walk w;

	layout_by_levels(&l);
	k->layout = l;
	iq_vm_close(k->vm);
	k->vm = NULL;
	iq_error_free(iq_vm_open(k->arch, &k->layout, k->reader, root, &k->vm));
	if (!k->vm)
		return false;
	for (va = TEXT_BASE; va < l.text_end; va += step) {
		iq_vm_walk(k->vm, va, &w);
		if (w.status || w.linear)
			continue;
		k->layout.phys_base = (int64_t)(w.physical - (va - TEXT_BASE));
		k->stext = va;
		iq_vm_flush(k->vm);
		return true;
	}
	return false;
}

/* Is this the kernel that was started to take the dump?  Only such a one knows an ELF core header
 * (ELFCORE_ADDR_MAX is all ones: kernel/crash_dump.c). */
bool locate_is_capture(struct iq_kernel *k)
{
	struct iq_symbol s;
	unsigned int from = 0;
	uint64_t v;

	return k->symbols && iq_symtab_by_name(k->symbols, "elfcorehdr_addr", &from, &s) &&
	       kernel_read_ptr(k, s.address, &v) && v != UINT64_MAX;
}

/*
 * Take the layout from the LEN bytes of VMCOREINFO text at virtual address AT, and open the symbols anew: those at hand
 * read through the address space that they were found with, which is replaced.  If the page tables that it names do not
 * fit, but it speaks of this very kernel, only the text is kept; false: neither.
 */
static bool vmcoreinfo_at(struct iq_kernel *k, uint64_t at, uint64_t len)
{
	uint64_t old_stext = k->stext, stext = 0;
	struct iq_layout layout = k->layout, l;
	struct iq_vm *vm = k->vm;
	struct iq_error *err = NULL;
	bool ok, same = false;
	char *text;

	if (!len || len > VMCOREINFO_MAX || !(text = malloc(len)))
		return false;
	if (iq_vm_read(vm, at, text, len, NULL) || !locate_parse(text, len, &l, &stext)) {
		free(text);
		return false;
	}
	k->vm = NULL;
	ok = locate_use(k, &l, stext) == LOCATE_AGREES;
	if (ok) {
		locate_keep_text(k, text, len);
		err = locate_symbols(k);
		ok = !err;
		iq_error_free(err);
	}
	if (ok) {
		iq_vm_close(vm);
		free(text);
		return true;
	}
	iq_vm_close(k->vm);
	k->vm = vm;
	k->layout = layout;
	k->stext = old_stext;
	iq_vm_flush(vm);
	if (!k->symbols)
		iq_error_free(locate_symbols(k));
	same = iq_kernel_symbol(k, "_stext") == stext && l.phys_base == layout.phys_base;
	if (same) {
		k->stext = stext;
		locate_keep_text(k, text, len);
	}
	free(text);
	return same;
}

/*
 * With symbols known, the kernel's own VMCOREINFO text: char *vmcoreinfo_data, size_t vmcoreinfo_size; or, where a
 * capture kernel has overwritten what the first points to after a crash, the note made of it (u32 *vmcoreinfo_note).
 */
static bool vmcoreinfo_from_symbols(struct iq_kernel *k)
{
	uint64_t data, note, size;

	if (!iq_kernel_variable(k, "vmcoreinfo_size", 8, &size))
		return false;
	return (iq_kernel_variable(k, "vmcoreinfo_data", 8, &data) && vmcoreinfo_at(k, data, size)) ||
	       (iq_kernel_variable(k, "vmcoreinfo_note", 8, &note) && vmcoreinfo_at(k, note + NOTE_HEADER, size));
}

void locate_complete(struct iq_kernel *k)
{
	uint64_t stext;

	if (vmcoreinfo_from_symbols(k))
		return;
	/* Without its text the page tables are evidence enough. */
	stext = iq_kernel_symbol(k, "_stext");
	if (stext)
		k->stext = stext;
}

/* CR3 without PCID bits, and without the bit that selects the user half of a KPTI pair. */
static bool locate_by_cpu_state(struct iq_kernel *k)
{
	static const uint64_t masks[] = {~UINT64_C(0xfff), ~UINT64_C(0x1fff)};
	const struct iq_note *note;
	unsigned int from = 0, i;

	while ((note = iq_dump_note(k->dump, "QEMU", 0, &from))) {
		struct iq_regs regs = {0};
		uint64_t idt;

		if (!k->arch->qemu_regs(note, &regs, &idt) || !iq_reg_known(&regs, IQ_X86_CR3))
			continue;
		for (i = 0; i < IQ_ARRAY_SIZE(masks); i++) {
			uint64_t root = regs.value[IQ_X86_CR3] & masks[i] & UINT64_C(0xffffffffff000);
			bool l5 = regs.value[IQ_X86_CR4] >> 12 & 1;
			struct iq_error *err;

			if (!locate_image(k, root, l5))
				continue;
			err = locate_symbols(k);
			if (err) {
				iq_error_free(err);
				continue;
			}
			if (locate_is_capture(k)) {
				iq_warn(k->warnings, "the CPUs were running the kernel that was booted to "
						     "take a dump; looking for the one that crashed");
				return false;
			}
			locate_complete(k);
			k->found_by = IQ_FOUND_CPU_STATE;
			return true;
		}
	}
	return false;
}

/* ---- By searching memory ----------------------------------------------------------------------- */

/* Length of the text at PA: lines of printable characters. */
size_t locate_text_at(struct iq_kernel *k, uint64_t pa, char *buf, size_t room)
{
	struct iq_fault f = {0};
	size_t n = room, i;

	if (iq_read_phys(k->reader, pa, buf, n, &f))
		n = f.address - pa;
	for (i = 0; i < n; i++)
		if (buf[i] != '\n' && (buf[i] < ' ' || buf[i] > '~'))
			break;
	return i;
}

static bool locate_by_scan(struct iq_kernel *k, const struct locate_memory *m)
{
	char text[8192];

	/* First a kernel that crashed; if there is none, whichever is whole. */
	for (int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; i < m->nr_text; i++) {
			size_t len = locate_text_at(k, m->text[i], text, sizeof(text));
			enum locate_verdict verdict = layout_from_vmcoreinfo(k, text, len);
			struct iq_error *err;

			if (verdict == LOCATE_DISAGREES)
				continue;
			locate_keep_text(k, text, len);
			err = locate_symbols(k);
			k->found_by = IQ_FOUND_MEMORY_SCAN;
			/* Either the tables or the symbols are where the text says. */
			if (err ? pass && verdict == LOCATE_AGREES : pass || !locate_is_capture(k)) {
				iq_error_free(err);
				return true;
			}
			iq_error_free(err);
		}
	}
	return false;
}

/* ---- All together ------------------------------------------------------------------------------ */

/* The randomised bases (arch/x86/mm/kaslr.c), each checked against the page tables where they say. */
static void finish_layout(struct iq_kernel *k)
{
	const struct iq_dump_info *info = iq_dump_info(k->dump);
	static const uint64_t old_page_offset[] = {UINT64_C(0xffff880000000000),
						   UINT64_C(0xff10000000000000)};
	struct iq_layout *l = &k->layout;
	uint64_t v;

	if (iq_kernel_variable(k, "page_offset_base", 8, &v) && v >> 63)
		l->page_offset = v;
	else if (!locate_maps_to(k, l->page_offset + l->kernel_root, l->kernel_root) &&
		 locate_maps_to(k, old_page_offset[l->levels == 5] + l->kernel_root, l->kernel_root))
		l->page_offset = old_page_offset[l->levels == 5];
	if (iq_kernel_variable(k, "vmalloc_base", 8, &v) && v >> 63)
		l->vmalloc_start = v;
	if (iq_kernel_variable(k, "vmemmap_base", 8, &v) && v >> 63)
		l->vmemmap_start = v;
	layout_ends(l, info->max_pfn, info->page_size);
	if (!l->encryption_mask && iq_kernel_variable(k, "sme_me_mask", 8, &v))
		l->encryption_mask = encryption_bit(v);
	/* arch/x86/coco/core.c, since 5.19: the guest of any vendor. */
	if (iq_kernel_variable(k, "cc_mask", 8, &v))
		l->encryption_mask |= encryption_bit(v);
	iq_vm_flush(k->vm);
}

static void find_release(struct iq_kernel *k)
{
	uint64_t banner = iq_kernel_symbol(k, "linux_banner");
	char text[128];

	if (k->vmcoreinfo && !iq_vmcoreinfo_get(k->vmcoreinfo, k->vmcoreinfo_len, "OSRELEASE", k->release,
						sizeof(k->release)))
		k->release[0] = 0;
	if (!k->release[0] && banner && !iq_vm_read_string(k->vm, banner, text, sizeof(text)) &&
	    sscanf(text, "Linux version %64s", k->release) != 1)
		k->release[0] = 0;
	k->etext = iq_kernel_symbol(k, "_etext");
}

/* The kernel's own ELF notes are in memory between __start_notes and __stop_notes; VMCOREINFO's BUILD-ID is
 * not set by all kernels and wrong in some. */
static void find_build_id(struct iq_kernel *k)
{
	uint64_t start = iq_kernel_symbol(k, "__start_notes"), end = iq_kernel_symbol(k, "__stop_notes");
	uint8_t notes[4096];
	size_t at = 0, len = start && end > start ? IQ_MIN(end - start, sizeof(notes)) : 0, i;

	if (len && !iq_vm_read(k->vm, start, notes, len, NULL)) {
		while (at + 12 <= len) {
			uint32_t namesz = iq_le32(notes + at), descsz = iq_le32(notes + at + 4);
			uint32_t type = iq_le32(notes + at + 8);
			size_t desc = at + 12 + ((size_t)namesz + 3) / 4 * 4;

			if (namesz > len || descsz > len || desc + descsz > len)
				break;
			if (type == 3 && namesz == 4 && !memcmp(notes + at + 12, "GNU", 4) && descsz <= 20) {
				for (i = 0; i < descsz; i++)
					snprintf(k->build_id + 2 * i, 3, "%02x", notes[desc + i]);
				return;
			}
			at = desc + ((size_t)descsz + 3) / 4 * 4;
		}
	}
	if (k->vmcoreinfo && (!iq_vmcoreinfo_get(k->vmcoreinfo, k->vmcoreinfo_len, "BUILD-ID", k->build_id,
						 sizeof(k->build_id)) ||
			      strlen(k->build_id) != 40))
		k->build_id[0] = 0;
}

/* A vmlinux of another build would make everything wrong: refuse it. */
static struct iq_error *match_vmlinux(struct iq_kernel *k)
{
	struct iq_debugfile *f = k->priv->options.vmlinux;
	const char *id;
	uint64_t stext;

	if (!f)
		return NULL;
	id = iq_debugfile_build_id(f);
	if (k->build_id[0] && id[0] && strcmp(id, k->build_id))
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND,
						  "%s does not belong to this dump: its build-id is %s, the "
						  "dump's kernel %s has %s",
						  iq_debugfile_path(f), id, k->release, k->build_id),
				     "give the vmlinux of exactly this build, or --no-vmlinux");
	if (!k->build_id[0] || !id[0])
		iq_warn(k->warnings, "cannot check that %s belongs to this dump: %s has no build-id",
			iq_debugfile_path(f), id[0] ? "the dump" : "the file");
	if (!iq_debugfile_symbol(f, "_stext", &stext)) {
		/* Stripped of its symbols: VMCOREINFO may say how far the kernel was moved. */
		if (!k->layout.kaslr_known) {
			iq_warn(k->warnings, "%s is not used: it has no symbols", iq_debugfile_path(f));
			return NULL;
		}
		stext = k->stext - (uint64_t)k->layout.kaslr_offset;
	}
	if (!k->layout.kaslr_known) {
		k->layout.kaslr_offset = (int64_t)(k->stext - stext);
		k->layout.kaslr_known = true;
	}
	iq_debugfile_set_delta(f, (int64_t)(k->stext - stext));
	k->vmlinux = f;
	return NULL;
}

/* The note's text, if page tables or symbols are where it says. */
static bool locate_by_note(struct iq_kernel *k, struct iq_error **err)
{
	const struct iq_dump_info *info = iq_dump_info(k->dump);
	enum locate_verdict verdict;

	if (!info->vmcoreinfo)
		return false;
	verdict = layout_from_vmcoreinfo(k, info->vmcoreinfo, info->vmcoreinfo_len);
	if (verdict != LOCATE_DISAGREES) {
		locate_keep_text(k, info->vmcoreinfo, info->vmcoreinfo_len);
		k->found_by = IQ_FOUND_VMCOREINFO_NOTE;
		*err = locate_symbols(k);
		if (!*err || verdict == LOCATE_AGREES)
			return true;
		iq_error_free(*err);
		*err = NULL;
	}
	if (verdict == LOCATE_DISAGREES)
		iq_warn(k->warnings, "the VMCOREINFO note contradicts the page tables in the dump; looking for "
				     "the kernel in memory");
	else
		iq_warn(k->warnings, "no page tables and no symbols are where the VMCOREINFO note says; looking for "
				     "the kernel in memory");
	free(k->vmcoreinfo);
	k->vmcoreinfo = NULL;
	k->vmcoreinfo_len = 0;
	return false;
}

/* Everything that needs more than the note; a search of all memory is the last resort. */
static bool locate_by_memory(struct iq_kernel *k)
{
	struct locate_memory m;

	if (locate_by_cpu_state(k))
		return true;
	locate_search(k, &m);
	if (!locate_by_scan(k, &m) && !locate_by_guess(k, &m))
		return false;
	return true;
}

/* Without the top table vmalloc's memory, modules and most stacks could not be read. */
static void replace_lost_root(struct iq_kernel *k)
{
	struct locate_memory m;
	struct iq_walk w;

	iq_vm_walk(k->vm, k->stext, &w);
	if (!w.linear || k->layout.text_linear)
		return;
	locate_search(k, &m);
	locate_other_root(k, &m);
}

static void warn_of_no_note(struct iq_kernel *k)
{
	if (iq_dump_info(k->dump)->vmcoreinfo)
		return;
	if (k->found_by == IQ_FOUND_CPU_STATE)
		iq_warn(k->warnings, "the dump has no VMCOREINFO note: the kernel was found by the page tables that its "
				     "CPUs used");
	else if (k->found_by == IQ_FOUND_MEMORY_SCAN)
		iq_warn(k->warnings, "the dump has no VMCOREINFO note: its text was found in memory");
}

struct iq_error *kernel_locate(struct iq_kernel *k)
{
	struct iq_error *err = NULL;

	if (!locate_by_note(k, &err) && !locate_by_memory(k))
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND, "no Linux kernel found in this dump: no "
								  "VMCOREINFO, and no page tables or kernel "
								  "symbols that fit"),
				     "physical memory can still be read: rd -p, search -p");
	replace_lost_root(k);
	warn_of_no_note(k);
	IQ_TRY(locate_names_of_file(k, &err));
	if (err)
		iq_warn(k->warnings, "no kernel symbols: %s", err->message);
	iq_error_free(err);
	finish_layout(k);
	find_release(k);
	find_build_id(k);
	return match_vmlinux(k);
}
