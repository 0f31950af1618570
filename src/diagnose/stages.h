/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stages of an analysis, in the order in which they run.  Each reads what the earlier ones have
 * filled in.  An error other than IQ_E_INTERRUPTED and IQ_E_NOMEM is what this stage could not do; the next one
 * runs all the same.
 */
#ifndef INQUEST_DIAGNOSE_STAGES_H
#define INQUEST_DIAGNOSE_STAGES_H

#include "case.h"

/* event.c: what the kernel's own check or the CPU reported first; the case's trace. */
struct iq_error *iq_stage_event(struct iq_case *c) IQ_CHECK;
/* machine_check.c: what the banks of the CPUs reported. */
struct iq_error *iq_stage_machine_check(struct iq_case *c) IQ_CHECK;
/* stall.c: lockups and RCU stalls: what the CPU does not come out of. */
struct iq_error *iq_stage_stall(struct iq_case *c) IQ_CHECK;
/* wait_findings.c: deadlocks, and who holds others up. */
struct iq_error *iq_stage_waits(struct iq_case *c) IQ_CHECK;
/* instruction.c: the instruction of the event, its operands and what it tried to do. */
struct iq_error *iq_stage_instruction(struct iq_case *c) IQ_CHECK;
/* culprit.c: where the value came from that was wrong. */
struct iq_error *iq_stage_culprit(struct iq_case *c) IQ_CHECK;
/* corruption.c: what is wrong with that value, the objects around it, what was freed, the list. */
struct iq_error *iq_stage_corruption(struct iq_case *c) IQ_CHECK;
/* check.c: what the kernel's own checks and the allocator's state say where nothing else does. */
struct iq_error *iq_stage_check(struct iq_case *c) IQ_CHECK;
/* stack_use.c, a part of that: stacks that are full, or lead nowhere. */
void iq_report_stack(struct iq_case *c);
/* oom.c: out of memory: who has it; leaks. */
struct iq_error *iq_stage_memory(struct iq_case *c) IQ_CHECK;
/* producer.c: who made the bad value, if it was somebody whom a function on the stack called before. */
struct iq_error *iq_stage_producer(struct iq_case *c) IQ_CHECK;
/* blame.c: the function most likely at fault, unless an earlier stage knows better. */
struct iq_error *iq_stage_blame(struct iq_case *c) IQ_CHECK;
/* signature.c */
struct iq_error *iq_stage_signature(struct iq_case *c) IQ_CHECK;
/* verdict.c: the sentence, from the event and the best cause. */
struct iq_error *iq_stage_verdict(struct iq_case *c) IQ_CHECK;

#endif
