/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine checks: what a bank of the x86 machine check architecture reported, as the kernel keeps it in struct mce
 * (arch/x86/include/uapi/asm/mce.h) or prints it, and what that means.  The architectural codes of Intel's Software
 * Developer's Manual (vol. 3, "Interpreting machine check error codes") and of AMD's Programmer's Manual (vol. 2, "Machine
 * check architecture"); what is model specific is told as a number.
 */
#ifndef INQUEST_DIAGNOSE_MACHINE_CHECK_H
#define INQUEST_DIAGNOSE_MACHINE_CHECK_H

#include "case.h"

enum mce_vendor { MCE_INTEL = 0, MCE_AMD = 2, MCE_HYGON = 9, MCE_UNKNOWN = 255 };

struct mce_record {
	uint64_t status, addr, misc, mcgstatus, ip, tsc, time, synd, ipid;
	uint32_t cpu, cpuid, socket;
	uint8_t bank, cs, vendor; /* vendor: the kernel's X86_VENDOR_… */
	bool has_address; /* `addr` is what the bank had, if its status says that it had one */
	uint64_t at; /* struct mce in memory; 0: from a log */
};

/* How bad it is; the worse, the higher. */
enum mce_severity { MCE_CORRECTED, MCE_DEFERRED, MCE_OPTIONAL, MCE_UNCORRECTED, MCE_FATAL };
enum mce_severity iq_mce_severity(const struct mce_record *m);

/* "bank 4 (northbridge) of CPU 1 reported an uncorrected error: cache hierarchy: data read, data, level 2" */
void iq_mce_text(const struct mce_record *m, struct iq_buf *out);
/* The bits of the status that say something of their own: "valid, uncorrected, enabled, address valid". */
void iq_mce_status_text(const struct mce_record *m, struct iq_buf *out);
/* What the address is, by the misc register: "physical, to 64 bytes"; false: there is none. */
bool iq_mce_address_text(const struct mce_record *m, struct iq_buf *out);
/* What of the interrupted code is left: "what was interrupted could go on"; false: nothing was interrupted. */
bool iq_mce_global_text(const struct mce_record *m, struct iq_buf *out);
/* One of these as a string of the case. */
const char *iq_mce_words(struct iq_case *c, const struct mce_record *m,
			 void (*text)(const struct mce_record *m, struct iq_buf *out));

#endif
