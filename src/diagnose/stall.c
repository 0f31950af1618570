/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPUs that do not get on: soft and hard lockups (kernel/watchdog.c), RCU stalls (kernel/rcu/tree.c, tree.h).
 * What such a CPU was at when the watchdog looked is the loop it does not come out of, or the lock it spins for.
 */
#include "loop.h"
#include "stages.h"
#include "wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_NODES 4096
#define MAX_STUCK 4 /* CPUs that are reported */

static bool is_lockup(enum iq_class c)
{
	return c == IQ_CLASS_SOFT_LOCKUP || c == IQ_CLASS_HARD_LOCKUP || c == IQ_CLASS_RCU_STALL;
}

/* Seconds since the watchdog's own task last ran on CPU; both clocks count 2^30 ns. */
static bool watchdog_age(struct iq_kernel *k, unsigned int cpu, uint64_t *seconds, uint64_t *at)
{
	uint64_t rq = iq_percpu_symbol(k, "runqueues", cpu), clock, touched;

	*at = iq_percpu_symbol(k, "watchdog_touch_ts", cpu);
	if (!*at || !rq || iq_vm_read_uint(k->vm, *at, 8, &touched) ||
	    !wait_read(k, rq, "rq", "clock", 8, &clock) || !touched || touched > clock >> 30)
		return false;
	*seconds = (clock >> 30) - touched;
	return true;
}

/* The value that the loop reads, as evidence. */
static void add_read(struct iq_case *c, struct iq_finding *f, const struct loop *l)
{
	char name[192] = "", value[40];
	uint64_t v;

	if (!l->has_read || !l->read_size || l->read_size > 8 ||
	    iq_vm_read_uint(c->k->vm, l->read, l->read_size, &v))
		return;
	iq_symbol_format(c->k, l->read, true, true, name, sizeof(name));
	snprintf(value, sizeof(value), "%" PRIu64, v);
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, l->read, value,
			    "the only memory that the loop reads: %u byte%s%s%s", l->read_size,
			    l->read_size > 1 ? "s" : "", name[0] ? " at " : "", name);
}

static int interrupted(const struct iq_backtrace *b)
{
	for (unsigned int i = 0; i < b->nr; i++) {
		if (b->frames[i].has_trap)
			return (int)i;
	}
	return -1;
}

/* What the task T on a stuck CPU goes round in. */
static void report_loop(struct iq_case *c, const struct iq_task *t, unsigned int cpu, bool cause)
{
	enum iq_class class = is_lockup(c->analysis.event.class) ? c->analysis.event.class : IQ_CLASS_HARD_LOCKUP;
	const struct iq_frame *frame;
	struct iq_backtrace b = {0};
	struct iq_finding *f;
	uint64_t age, at;
	struct loop l;
	bool loops;
	int first;

	iq_error_free(iq_backtrace(c->k, t, &b));
	first = interrupted(&b);
	loops = loop_find(c->k, &b, first < 0 ? 0 : (unsigned int)first, &l);
	if (l.frame < 0) {
		iq_backtrace_free(&b);
		return;
	}
	frame = &b.frames[l.frame];
	f = iq_case_finding(c, "stall.loop", class, loops ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_POSSIBLE,
			    loops ? "CPU %u goes round in a loop of %s()%s%s%s, called by %.16s (pid %u)"
				  : "CPU %u was in %s()%s%s%s of %.16s (pid %u)",
			    cpu, frame->symbol.name, frame->symbol.module ? " [" : "",
			    frame->symbol.module ? frame->symbol.module : "",
			    frame->symbol.module ? "]" : "", t->comm, t->pid);
	f->cause = cause;
	f->refuted_by = "the function would have returned if it had been let run: a loop that is only long looks the same";
	iq_finding_evidence(c, f, IQ_SOURCE_REGISTERS, frame->ip, NULL, "%s+0x%" PRIx64 " was interrupted, or waits for what it called",
			    frame->symbol.name, frame->offset);
	if (loops)
		iq_finding_evidence(c, f, IQ_SOURCE_CODE, l.from, NULL, "the way round: %s+0x%" PRIx64 " to +0x%" PRIx64,
				    frame->symbol.name, l.from - frame->symbol.address,
				    l.to - frame->symbol.address);
	add_read(c, f, &l);
	if (watchdog_age(c->k, cpu, &age, &at))
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, at, iq_case_text(c, "%" PRIu64 " s", age),
				    "the watchdog's own task has not run on CPU %u for", cpu);
	iq_backtrace_free(&b);
}

/* ---- RCU ---------------------------------------------------------------------------------------- */

struct rcu_node_words {
	uint64_t qsmask, low, high, gp_tasks;
};

static bool read_node(struct iq_kernel *k, uint64_t node, struct rcu_node_words *n)
{
	return wait_read(k, node, "rcu_node", "qsmask", 8, &n->qsmask) &&
	       wait_read(k, node, "rcu_node", "grplo", 4, &n->low) &&
	       wait_read(k, node, "rcu_node", "grphi", 4, &n->high) &&
	       wait_read(k, node, "rcu_node", "gp_tasks", 8, &n->gp_tasks);
}

/* A reader that was preempted in its critical section: gp_tasks points at its rcu_node_entry. */
static void report_reader(struct iq_case *c, uint64_t entry)
{
	const struct iq_task *t;
	uint64_t offset;

	if (!iq_kernel_offset(c->k, "task_struct", "rcu_node_entry", &offset, NULL))
		return;
	t = iq_task_by_address(c->k, entry - offset);
	if (!t)
		return;
	iq_finding_evidence(c,
			    iq_case_finding(c, "rcu.reader", IQ_CLASS_RCU_STALL, IQ_CONFIDENCE_LIKELY,
					    "the grace period waits for %.16s (pid %u), which was preempted while it read",
					    t->comm, t->pid),
			    IQ_SOURCE_MEMORY, entry, NULL, "rcu_node.gp_tasks points at its rcu_node_entry");
}

static bool report_cpu(struct iq_case *c, unsigned int cpu, uint64_t node)
{
	unsigned int nr;
	const struct iq_cpu *cpus = iq_kernel_cpus(c->k, &nr);
	const struct iq_task *t = cpu < nr ? iq_task_by_address(c->k, cpus[cpu].current) : NULL;
	struct iq_finding *f;

	if (!t)
		return false;
	f = iq_case_finding(c, "rcu.cpu", IQ_CLASS_RCU_STALL, IQ_CONFIDENCE_CERTAIN,
			    "the grace period waits for CPU %u, which ran %.16s (pid %u)", cpu, t->comm, t->pid);
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, node, NULL, "its bit in rcu_node.qsmask is set");
	if (t->pid)
		report_loop(c, t, cpu, true);
	return true;
}

/* Leaves of the tree of rcu_nodes: the CPUs and tasks that have not been seen in a quiescent state. */
static unsigned int report_rcu(struct iq_case *c)
{
	uint64_t state = iq_kernel_symbol(c->k, "rcu_state"), size = iq_kernel_sizeof(c->k, "rcu_node");
	uint64_t nodes, levels, offset, leaf, count, seq;
	unsigned int found = 0;

	if (!state || !size || !iq_kernel_offset(c->k, "rcu_state", "node", &offset, NULL) ||
	    !iq_kernel_variable(c->k, "rcu_num_nodes", 4, &count) ||
	    !iq_kernel_variable(c->k, "rcu_num_lvls", 4, &levels) || !levels || levels > 4 ||
	    !iq_kernel_offset(c->k, "rcu_state", "level", &leaf, NULL) ||
	    iq_vm_read_uint(c->k->vm, state + leaf + 8 * (levels - 1), 8, &leaf) ||
	    !wait_read(c->k, state, "rcu_state", "gp_seq", 8, &seq) || !(seq & 3))
		return 0; /* or no grace period is under way */
	nodes = state + offset;
	if (leaf < nodes || count > MAX_NODES)
		return 0;
	for (; leaf < nodes + count * size && found < MAX_STUCK; leaf += size) {
		struct rcu_node_words n;

		if (!read_node(c->k, leaf, &n))
			break;
		for (uint64_t cpu = n.low; cpu <= n.high && cpu - n.low < 64; cpu++) {
			if (n.qsmask >> (cpu - n.low) & 1 && found < MAX_STUCK)
				found += report_cpu(c, (unsigned int)cpu, leaf);
		}
		if (n.gp_tasks)
			report_reader(c, n.gp_tasks);
	}
	return found;
}

#define X86_FLAGS_IF 0x200

/* Was T interrupted where interrupts were off?  Only an NMI can have done that. */
static bool was_off(struct iq_kernel *k, const struct iq_task *t)
{
	struct iq_backtrace b = {0};
	struct iq_error *err = iq_backtrace(k, t, &b);
	int at = err ? -1 : interrupted(&b);
	const struct iq_regs *regs = at < 0 ? NULL : &b.frames[at].trap;
	bool off = regs && iq_reg_known(regs, k->arch->reg_flags) &&
		   !(regs->value[k->arch->reg_flags] & X86_FLAGS_IF);

	iq_error_free(err);
	iq_backtrace_free(&b);
	return off;
}

/*
 * For a dump that an NMI or a person asked for: a CPU whose run queue's clock has stood still, while it ran a
 * task, takes no timer interrupts.  Half a second is enough where interrupts were seen to be off.
 */
#define STOPPED_NS UINT64_C(4000000000)
#define STOPPED_OFF_NS UINT64_C(500000000)
static void report_stopped(struct iq_case *c, const struct iq_cpu *cpus, unsigned int nr)
{
	uint64_t newest = 0, clock, rq;

	for (unsigned int i = 0; i < nr; i++) {
		rq = iq_percpu_symbol(c->k, "runqueues", i);
		if (rq && wait_read(c->k, rq, "rq", "clock", 8, &clock))
			newest = IQ_MAX(newest, clock);
	}
	for (unsigned int i = 0; i < nr; i++) {
		const struct iq_task *t = iq_task_by_address(c->k, cpus[i].current);
		struct iq_finding *f;

		rq = iq_percpu_symbol(c->k, "runqueues", i);
		if (!t || !t->pid || !rq || !wait_read(c->k, rq, "rq", "clock", 8, &clock) ||
		    newest - clock < STOPPED_OFF_NS ||
		    (newest - clock < STOPPED_NS && !was_off(c->k, t)))
			continue;
		f = iq_case_finding(c, "stall.stopped", IQ_CLASS_HARD_LOCKUP, IQ_CONFIDENCE_LIKELY,
				    "CPU %u has taken no timer interrupt for %.1f s, while it ran %.16s (pid %u)", i,
				    (double)(newest - clock) / 1e9, t->comm, t->pid);
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, rq, NULL, "the clock of its run queue stands that far behind");
		f->cause = true;
		f->refuted_by = "a CPU without periodic ticks (nohz_full)";
		report_loop(c, t, i, true);
	}
}

struct iq_error *iq_stage_stall(struct iq_case *c)
{
	const struct iq_event *e = &c->analysis.event;
	const struct iq_task *t;
	unsigned int nr, cpu = (unsigned int)e->cpu;
	const struct iq_cpu *cpus = iq_kernel_cpus(c->k, &nr);

	if (e->class == IQ_CLASS_NMI || e->class == IQ_CLASS_SYSRQ)
		report_stopped(c, cpus, nr);
	if (!is_lockup(e->class))
		return NULL;
	if (e->class == IQ_CLASS_RCU_STALL && report_rcu(c))
		return NULL;
	t = e->cpu >= 0 && cpu < nr ? iq_task_by_address(c->k, cpus[cpu].current) : NULL;
	if (t)
		report_loop(c, t, cpu, true);
	return NULL;
}
