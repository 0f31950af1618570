/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions: what event_trap.c and event_bug.c share. */
#ifndef INQUEST_DIAGNOSE_EVENT_TRAP_H
#define INQUEST_DIAGNOSE_EVENT_TRAP_H

#include "event.h"

/* May the kernel execute what is at IP? */
bool iq_trap_executable(struct iq_kernel *k, uint64_t ip);
/* An invalid opcode: BUG(), WARN(), or an instruction that is none. */
void iq_trap_bug(struct iq_case *c, struct iq_event *e, const struct iq_insn *insn);

#endif
