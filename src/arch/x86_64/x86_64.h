/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to src/arch: the parts of x86-64.  Everybody else asks a struct iq_arch.
 */
#ifndef INQUEST_ARCH_X86_64_H
#define INQUEST_ARCH_X86_64_H

#include <inquest/arch.h>

extern const struct iq_arch iq_x86_64; /* regs.c */
extern const struct iq_vm_ops iq_x86_64_vm; /* pgtable.c */
extern const struct iq_insn_ops iq_x86_64_insn; /* insn.c */

/* iq_insn_text() (att.c). */
void iq_x86_64_text(const uint8_t *code, size_t len, uint64_t address,
		    const struct iq_insn_namer *namer, struct iq_buf *out);

#endif
