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

/*
 * A per-CPU buffer into which printk wrote where it could not take the log's lock, and from which not all was
 * moved to the log (struct printk_safe_seq_buf of kernel/printk/printk_safe.c, 4.10 to 5.14).
 */
struct iq_log_safe {
	const char *name;     /* "nmi_print_seq", "safe_print_seq" */
	unsigned int cpu;
	uint64_t address;
	unsigned int len;     /* bytes in it */
	uint64_t lost;	      /* messages that did not fit */
	const char *text;     /* raw bytes with printk's prefixes (\1 and the level), for the call only */
};
/*
 * Call FN with each of them; *HAS (may be NULL): whether this kernel has such buffers at all.  One that
 * cannot be read is a warning.
 */
struct iq_error *iq_log_safe_buffers(struct iq_kernel *k, void (*fn)(void *arg, const struct iq_log_safe *b),
				     void *arg, bool *has) IQ_CHECK;

/*
 * Call FN with each record of the audit log that the audit daemon has not taken (kernel/audit.c: audit_hold_queue,
 * audit_retry_queue, audit_queue), in this order: TYPE and TEXT (LEN raw bytes).  Damage is a warning.
 */
struct iq_error *iq_log_audit(struct iq_kernel *k,
			      void (*fn)(void *arg, unsigned int type, const char *text, size_t len),
			      void *arg) IQ_CHECK;

#endif
