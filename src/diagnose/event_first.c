/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own records of what went before: the registers of the first oops of all (exec_summary_regs of
 * arch/x86/kernel/dumpstack.c), and the counters and flags that a panic leaves behind.
 */
#include "event.h"

#include <string.h>

#define TAINT_MACHINE_CHECK 4
#define TAINT_BAD_PAGE 5
#define TAINT_DIE 7
#define TAINT_WARN 9
#define TAINT_SOFTLOCKUP 14

static bool first_registers(struct iq_kernel *k, struct iq_regs *regs, uint64_t *address)
{
	uint8_t frame[512];
	struct iq_fault fault;
	uint64_t count;

	*address = iq_kernel_symbol(k, "exec_summary_regs");
	if (!iq_kernel_variable(k, "die_counter", 4, &count) || !count || count > INT32_MAX)
		return false;
	if (!*address || k->arch->trap_frame_size > sizeof(frame) ||
	    iq_vm_read(k->vm, *address, frame, k->arch->trap_frame_size, &fault))
		return false;
	*regs = (struct iq_regs){ 0 };
	k->arch->trap_frame_regs(frame, regs);
	return iq_reg_known(regs, k->arch->reg_pc) && iq_reg_known(regs, k->arch->reg_sp) &&
	       !k->arch->regs_user_mode(regs);
}

/* The task on whose stack it was, if that still is one.  Its frames may have been overwritten since. */
static void task_of(struct iq_case *c, struct iq_event *e)
{
	uint64_t sp = e->regs.value[c->k->arch->reg_sp];
	const struct iq_task *t = iq_task_by_stack(c->k, sp);
	struct iq_backtrace b;
	struct iq_error *err;

	e->task = (struct iq_task){ 0 };
	e->cpu = -1;
	e->frame = -1;
	if (!t)
		return;
	e->task = *t;
	err = iq_backtrace_from(c->k, t, -1, &e->regs, &b);
	if (err || !b.nr) {
		iq_error_free(err);
		return;
	}
	if (c->has_trace)
		iq_backtrace_free(&c->trace);
	c->trace = b;
	c->has_trace = true;
	e->frame = 0;
	iq_error_free(iq_args_trace(c->args, &c->trace));
}

static bool same_event(const struct iq_event *e, const struct iq_arch *a, const struct iq_regs *first)
{
	return e->has_regs && e->regs.value[a->reg_pc] == first->value[a->reg_pc] &&
	       e->regs.value[a->reg_sp] == first->value[a->reg_sp];
}

void iq_event_first(struct iq_case *c, struct iq_event *e)
{
	const struct iq_arch *a = c->k->arch;
	struct iq_event later = *e;
	uint64_t address;
	struct iq_regs regs;

	if (!first_registers(c->k, &regs, &address) || same_event(e, a, &regs))
		return;
	*e = (struct iq_event){ .message = "", .cpu = -1, .frame = -1, .trap = -1 };
	e->has_regs = e->has_ip = true;
	e->regs = regs;
	e->ip = regs.value[a->reg_pc];
	if (iq_symbol_at(c->k, e->ip, &e->symbol)) {
		e->offset = e->ip - e->symbol.address;
		e->module = e->symbol.module;
	}
	iq_event_evidence(c, e, IQ_SOURCE_MEMORY, address, NULL,
			  "the kernel has kept the registers of its first oops (exec_summary_regs)");
	task_of(c, e);
	e->confidence = IQ_CONFIDENCE_LIKELY;
	iq_event_trap(c, e);
	e->confidence = IQ_MIN(e->confidence, IQ_CONFIDENCE_LIKELY);
	if (later.class != IQ_CLASS_NONE) {
		struct iq_finding *f = iq_case_finding(
			c, "event.later", later.class, later.confidence,
			"after the first oops the machine went on, and died of something else: %s%s%s",
			*later.message ? later.message : iq_class_text(later.class),
			later.symbol.name ? " in " : "", later.symbol.name ? later.symbol.name : "");

		for (unsigned int i = 0; i < later.nr_evidence; i++)
			iq_finding_evidence(c, f, later.evidence[i].source, later.evidence[i].address,
					    later.evidence[i].value, "%s", later.evidence[i].what);
	}
}

static void count(struct iq_case *c, struct iq_event *e, const char *variable, unsigned int size,
		  const char *what)
{
	uint64_t n, address = iq_kernel_symbol(c->k, variable);

	if (!address || !iq_kernel_variable(c->k, variable, size, &n) || !n || n > INT32_MAX)
		return;
	iq_event_evidence(c, e, IQ_SOURCE_MEMORY, address, iq_case_text(c, "%u", (unsigned int)n), "%s", what);
}

void iq_event_records(struct iq_case *c, struct iq_event *e)
{
	static const struct {
		unsigned int bit;
		const char *what;
	} taints[] = {
		{ TAINT_MACHINE_CHECK, "a machine check" },
		{ TAINT_BAD_PAGE, "a bad page" },
		{ TAINT_DIE, "an oops or BUG" },
		{ TAINT_WARN, "a warning" },
		{ TAINT_SOFTLOCKUP, "a soft lockup" },
	};
	uint64_t mask;
	struct iq_buf b = { 0 };

	count(c, e, "die_counter", 4, "oopses since boot (die_counter)");
	count(c, e, "warn_count", 4, "warnings since boot (warn_count)");
	if (!iq_kernel_variable(c->k, "tainted_mask", 8, &mask))
		return;
	for (size_t i = 0; i < IQ_ARRAY_SIZE(taints); i++) {
		if (mask >> taints[i].bit & 1)
			iq_buf_printf(&b, "%s%s", b.len ? ", " : "", taints[i].what);
	}
	if (b.len)
		iq_event_evidence(c, e, IQ_SOURCE_MEMORY, iq_kernel_symbol(c->k, "tainted_mask"),
				  iq_buf_str(&b), "the kernel is tainted by what it has seen");
	iq_buf_free(&b);
}
