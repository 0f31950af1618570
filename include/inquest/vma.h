/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory maps of processes (include/linux/mm_types.h): struct vm_area_struct, from the maple tree
 * since 6.1 or the list mm_struct.mmap before.
 */
#ifndef INQUEST_VMA_H
#define INQUEST_VMA_H

#include <inquest/task.h>

struct iq_vma {
	uint64_t address;	/* struct vm_area_struct */
	uint64_t mm;		/* struct mm_struct */
	uint64_t start, end;	/* user addresses; end is the first above */
	uint64_t flags;		/* VM_* */
	uint64_t pgoff;		/* in pages: of `start` in its file */
	uint64_t file;		/* struct file; 0: none */
	uint64_t anon_vma;
};

/*
 * The areas of struct mm_struct MM in ascending order, malloc()ed into *RET (free()); NR of them.
 * Damage ends the walk with a warning and what was found.  IQ_E_UNAVAILABLE: no types, or a layout
 * of mm_struct that is not known.
 */
struct iq_error *iq_vmas(struct iq_kernel *k, uint64_t mm, struct iq_vma **ret,
			 unsigned int *nr) IQ_CHECK;
/* The area of MM that contains user address ADDRESS; false: none. */
bool iq_vma_at(struct iq_kernel *k, uint64_t mm, uint64_t address, struct iq_vma *ret);
/* One vm_area_struct at ADDRESS. */
bool iq_vma_read(struct iq_kernel *k, uint64_t address, struct iq_vma *ret);
/* "(READ|EXEC|MAYREAD…)" as crash's vm -f has it; unknown bits as numbers. */
void iq_vma_flags_text(uint64_t flags, struct iq_buf *out);
/* What /proc/PID/maps would call an area without a file: "[heap]", "[stack]", "[vdso]", "[vvar]",
 * or "" . */
const char *iq_vma_name(struct iq_kernel *k, const struct iq_vma *v);

#endif
