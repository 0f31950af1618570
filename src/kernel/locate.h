/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that find the kernel share: locate.c by what dumps have, locate_guess.c by what is left. */
#ifndef INQUEST_KERNEL_LOCATE_H
#define INQUEST_KERNEL_LOCATE_H

#include "private.h"

#define TEXT_BASE UINT64_C(0xffffffff80000000) /* __START_KERNEL_map */
#define MODULES_END UINT64_C(0xffffffffff000000)
#define GIB (UINT64_C(1) << 30)
/* No kernel image is larger. */
#define IMAGE_MAX (UINT64_C(128) << 20)
#define VMCOREINFO_MAX 65536
#define LOCATE_TEXTS 16
#define LOCATE_ROOTS 64
#define LOCATE_BANNERS 16

/* What one search of all memory finds; physical addresses, ascending, the lowest few of each kind. */
struct locate_memory {
	uint64_t text[LOCATE_TEXTS]; /* VMCOREINFO texts */
	uint64_t root[LOCATE_ROOTS]; /* pages that look like top page tables with a kernel half */
	uint64_t banner[LOCATE_BANNERS]; /* "Linux version …" */
	unsigned int nr_text, nr_root, nr_banner;
	unsigned int captures; /* kernels found that were started to take the dump */
};

enum locate_verdict {
	LOCATE_DISAGREES, /* the page tables have something else at _stext, or nothing */
	LOCATE_UNPROVEN,  /* they are not in the dump: nothing contradicts */
	LOCATE_AGREES,
};

/* The layout and the address of _stext that a VMCOREINFO text tells; false: it lacks what is needed. */
bool locate_parse(const char *text, size_t len, struct iq_layout *l, uint64_t *stext);
/* Take this layout; what page tables say of it. */
enum locate_verdict locate_use(struct iq_kernel *k, const struct iq_layout *l, uint64_t stext);
/* Does VA map to PA in the page tables (not by arithmetic)? */
bool locate_maps_to(struct iq_kernel *k, uint64_t va, uint64_t pa);
/* The layout that the page tables at ROOT lead to, by the lowest address of the image area that they map. */
bool locate_image(struct iq_kernel *k, uint64_t root, bool l5);
void locate_keep_text(struct iq_kernel *k, const char *text, size_t len);
struct iq_error *locate_symbols(struct iq_kernel *k) IQ_CHECK;
/* Without kallsyms, or without all of it, the vmlinux has the names.  WHY (may point to NULL) is taken over then. */
struct iq_error *locate_names_of_file(struct iq_kernel *k, struct iq_error **why) IQ_CHECK;
/* First address behind the kernel image. */
uint64_t locate_image_end(struct iq_kernel *k);
/* With symbols, but found without VMCOREINFO: take the text that memory has, and _stext's own address. */
void locate_complete(struct iq_kernel *k);
/* Is this the kernel that was started to take the dump? */
bool locate_is_capture(struct iq_kernel *k);
/* Length of the text of printable lines at PA, copied into BUF. */
size_t locate_text_at(struct iq_kernel *k, uint64_t pa, char *buf, size_t room);

/* locate_memory.c */
void locate_search(struct iq_kernel *k, struct locate_memory *m);

/*
 * locate_guess.c: the page tables that VMCOREINFO leads to are damaged, or there is neither: find other ones, or the
 * image alone.  What is guessed is a warning.
 */
bool locate_by_guess(struct iq_kernel *k, struct locate_memory *m);
/* The kernel is found, but its top page table is not in the dump: use a process's, which has the same kernel half. */
void locate_other_root(struct iq_kernel *k, const struct locate_memory *m);

#endif
