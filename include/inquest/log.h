/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel log: the printk ring buffer of 5.10+ (kernel/printk/printk_ringbuffer.c) and the
 * struct printk_log records before it.
 */
#ifndef INQUEST_LOG_H
#define INQUEST_LOG_H

#include <inquest/kernel.h>

struct iq_log_record {
	uint64_t seq;
	uint64_t ns;		/* time stamp, ns since boot */
	unsigned int level, facility;
	uint32_t caller;	/* caller_id: bit 31 set: CPU, else thread; 0 none */
	const char *text;	/* raw bytes, not NUL-terminated; may contain newlines */
	unsigned int len;
	const char *dict;	/* "SUBSYSTEM=…" "DEVICE=…" lines, or NULL */
	unsigned int dict_len;
};

/*
 * All records in order, oldest first; read at the first call, owned by the kernel.  What cannot be
 * read is left out with a warning.  Works from VMCOREINFO alone, without types, if need be.
 */
struct iq_error *iq_log(struct iq_kernel *k, const struct iq_log_record **ret, unsigned int *nr) IQ_CHECK;

#endif
