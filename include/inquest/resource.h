/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The resource tree (include/linux/ioport.h: struct resource, kernel/resource.c): who has claimed which
 * physical addresses and which I/O ports; what /proc/iomem and /proc/ioports show.
 */
#ifndef INQUEST_RESOURCE_H
#define INQUEST_RESOURCE_H

#include <inquest/kernel.h>

enum iq_resources {
	IQ_RESOURCES_MEMORY, /* iomem_resource: physical addresses */
	IQ_RESOURCES_PORTS,  /* ioport_resource: I/O ports */
};

struct iq_resource {
	uint64_t address;    /* struct resource */
	uint64_t start, end; /* END is the last address that belongs to it */
	uint64_t flags;	     /* IORESOURCE_* */
	char name[64];	     /* printable; "" if the kernel gives none */
	unsigned int depth;  /* 0: the root, which is the whole space */
	unsigned int after;  /* index in the list of the first that is not inside this one */
};

/*
 * The tree of WHICH in the order of /proc/iomem, each before what is in it; the first is the root.
 * Read at the first call; *RET belongs to K.  Damage ends a branch with a warning.
 * IQ_E_UNAVAILABLE: no types; IQ_E_NOT_FOUND: this kernel has no such tree.
 */
struct iq_error *iq_resources(struct iq_kernel *k, enum iq_resources which,
			      const struct iq_resource **ret, unsigned int *nr) IQ_CHECK;
/*
 * The innermost resource that contains the physical address (or the port), the root excepted.  CHAIN (may be NULL, ROOM
 * entries) gets it and those around it, the outermost first; *NR how many there are.  NULL: nobody has claimed it.
 */
const struct iq_resource *iq_resource_at(struct iq_kernel *k, enum iq_resources which, uint64_t address,
					 const struct iq_resource **chain, unsigned int room,
					 unsigned int *nr);
/* "PCI Bus 0000:00 > 0000:00:03.0 > virtio-pci-modern": the chain of ADDRESS; false: nobody has claimed it. */
bool iq_resource_text(struct iq_kernel *k, enum iq_resources which, uint64_t address, struct iq_buf *out);

#endif
