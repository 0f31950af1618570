/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vmalloc areas (mm/vmalloc.c): struct vmap_area and its struct vm_struct, from the list of 6.8 and
 * earlier or the per-node trees since 6.9; and the way back from a physical page to its
 * vmalloc addresses.
 */
#ifndef INQUEST_VMALLOC_H
#define INQUEST_VMALLOC_H

#include <inquest/kernel.h>

struct iq_vmap {
	uint64_t area;	     /* struct vmap_area */
	uint64_t vm;	     /* struct vm_struct; 0: none (per-CPU blocks, vm_map_ram) */
	uint64_t start, end;
	uint64_t flags;	     /* VM_* of the vm_struct */
	uint64_t caller;     /* who asked for it; 0 unknown */
};

/* All areas in ascending order.  Lazy, cached, owned by the kernel. */
struct iq_error *iq_vmaps(struct iq_kernel *k, const struct iq_vmap **ret, unsigned int *nr) IQ_CHECK;
/* The area that contains ADDRESS; NULL: none. */
const struct iq_vmap *iq_vmap_at(struct iq_kernel *k, uint64_t address);
/*
 * A vmalloc-area address (vmalloc, vmap, task stacks, modules) that maps the page frame PFN; false: none.
 * The first call walks the page tables of all areas.
 */
bool iq_vmap_of_pfn(struct iq_kernel *k, uint64_t pfn, uint64_t *va);

#endif
