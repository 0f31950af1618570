/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel knows of the machine that it ran on, and of itself: the firmware's memory map
 * (arch/x86/kernel/e820.c), DMI strings (drivers/firmware/dmi_scan.c), the hypervisor, the table of
 * system calls, and the configuration it was built with (kernel/configs.c).
 */
#ifndef INQUEST_MACHINE_H
#define INQUEST_MACHINE_H

#include <inquest/kernel.h>

struct iq_e820_entry {
	uint64_t start, end; /* END is the first address behind it */
	uint32_t type;
	const char *name;    /* the constant of enum e820_type without its E820_TYPE_: "RAM"; NULL unknown */
};
/* The memory map e820_table, malloc()ed (free()).  IQ_E_UNAVAILABLE: no types, or no x86. */
struct iq_error *iq_e820(struct iq_kernel *k, struct iq_e820_entry **ret, unsigned int *nr) IQ_CHECK;

/*
 * Call FN with each DMI string that the firmware gave, in the order of enum dmi_field: NAME is the enum's
 * ("DMI_BIOS_VENDOR"), VALUE raw bytes: escape before showing.
 */
struct iq_error *iq_dmi(struct iq_kernel *k, void (*fn)(void *arg, const char *name, const char *value),
			void *arg) IQ_CHECK;

/* The hypervisor that the kernel found below it (x86_hyper_type), "KVM"; false: none, or not known. */
bool iq_hypervisor(struct iq_kernel *k, char *name, size_t room);

/*
 * The functions of sys_call_table by number, malloc()ed; the table ends where an entry is no code.
 * IQ_E_NOT_FOUND: this kernel has none.
 */
struct iq_error *iq_syscalls(struct iq_kernel *k, uint64_t **ret, unsigned int *nr) IQ_CHECK;

/* The .config inside the kernel (CONFIG_IKCONFIG), as text.  IQ_E_UNAVAILABLE: it was built without. */
struct iq_error *iq_kernel_config(struct iq_kernel *k, struct iq_buf *out) IQ_CHECK;

#endif
