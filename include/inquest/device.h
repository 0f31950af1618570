/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices: majors and who drives them (fs/char_dev.c, block/genhd.c), disks and the requests in
 * flight to them (block/blk-mq.c), and what is on the PCI buses (drivers/pci/probe.c).
 *
 * Lists are malloc()ed (free()) and in the kernel's order.  Names are printable.  Damage ends a list with a warning.
 * IQ_E_UNAVAILABLE: no types, or this kernel keeps them in a way that is not known.
 */
#ifndef INQUEST_DEVICE_H
#define INQUEST_DEVICE_H

#include <inquest/kernel.h>

struct iq_major {
	uint32_t major, minor; /* the first minor; 0 for block devices */
	uint32_t nr_minors;    /* 0 for block devices */
	char name[64];
	uint64_t object;       /* struct cdev or gendisk; 0: none yet */
	uint64_t operations;   /* struct file_operations or block_device_operations; 0 unknown */
};
/* chrdevs[], with the cdev that the region itself or cdev_map has for its first number. */
struct iq_error *iq_character_majors(struct iq_kernel *k, struct iq_major **ret, unsigned int *nr) IQ_CHECK;
/* major_names[], with the disk of that major that was registered last. */
struct iq_error *iq_block_majors(struct iq_kernel *k, struct iq_major **ret, unsigned int *nr) IQ_CHECK;

struct iq_disk {
	uint64_t address; /* struct gendisk */
	uint64_t queue;	  /* struct request_queue */
	uint64_t operations;
	uint32_t major, first_minor;
	char name[32];
	unsigned int reads, writes; /* requests in flight, as /sys/block/NAME/inflight counts them */
	unsigned int synchronous; /* of them: reads, and writes that somebody waits for (REQ_SYNC) */
	bool by_sync;	  /* the kernel itself counts (or counted) them so */
	bool counted;	  /* false: its requests cannot be read, or it has none (no blk-mq) */
};
/* The disks there are (class block), without partitions. */
struct iq_error *iq_disks(struct iq_kernel *k, struct iq_disk **ret, unsigned int *nr) IQ_CHECK;

/* A struct request that a driver has been given and has not completed. */
struct iq_request {
	uint64_t address, hctx, bio;
	int tag;
	unsigned int flags;   /* cmd_flags: the operation in the lowest 8 bits, REQ_* */
	uint64_t sector;      /* of 512 bytes */
	uint32_t bytes;	      /* left */
	uint64_t start;	      /* nanoseconds of the monotonic clock (start_time_ns); 0 unknown */
};
/* What is in flight to disk D: calls FN until it returns false.  False: not all of it could be read. */
bool iq_requests(struct iq_kernel *k, const struct iq_disk *d,
		 bool (*fn)(void *arg, const struct iq_request *r), void *arg);

struct iq_pci_device {
	uint64_t address; /* struct pci_dev */
	uint64_t bus;	  /* struct pci_bus */
	char bus_name[48];
	uint32_t devfn;	  /* slot << 3 | function */
	uint32_t vendor, device, class; /* CLASS with the programming interface: 24 bits */
	uint32_t type;	  /* PCI_EXP_TYPE_*: bits 4 to 7 of the PCI Express capabilities register */
};
struct iq_pci_root {
	uint64_t address; /* struct pci_bus */
	char name[48];
	unsigned int first, nr; /* its devices and those behind its bridges */
};
struct iq_pci {
	struct iq_pci_root *root;
	struct iq_pci_device *device;
	unsigned int nr_roots, room_roots, nr, room;
};
struct iq_error *iq_pci(struct iq_kernel *k, struct iq_pci *ret) IQ_CHECK;
void iq_pci_free(struct iq_pci *p);

#endif
