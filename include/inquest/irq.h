/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts: descriptors (include/linux/irqdesc.h: struct irq_desc, in the maple tree sparse_irqs since 6.5, in
 * the radix tree irq_desc_tree before, or in the array irq_desc), what handles them, how often they came,
 * and where they may go; soft interrupts (kernel/softirq.c) and the x86 interrupt descriptor table.
 */
#ifndef INQUEST_IRQ_H
#define INQUEST_IRQ_H

#include <inquest/kernel.h>

/* A handler: struct irqaction (include/linux/interrupt.h). */
struct iq_irq_action {
	uint64_t address, handler;
	uint64_t thread_fn; /* what a threaded interrupt runs in its thread; 0: none */
	char name[64];	    /* escaped; "" unknown */
};

struct iq_irq {
	unsigned int irq;
	uint64_t desc;
	unsigned int first, nr; /* which of iq_irqs.action handle it */
	char chip[32];		/* escaped; "" unknown: "IO-APIC", "PCI-MSI" */
	char flow[32];		/* escaped; "edge", "fasteoi" */
	uint64_t affinity;	/* address of its struct cpumask; 0 unknown */
	uint64_t counts;	/* per-CPU address of the counters; 0: none */
};

struct iq_irqs {
	unsigned int limit; /* interrupt numbers are below this (nr_irqs, since 6.13 total_nr_irqs); 0 unknown */
	struct iq_irq *irq; /* ascending */
	unsigned int nr, room;
	struct iq_irq_action *action;
	unsigned int nr_actions, room_actions;
};

/*
 * All interrupts that have a descriptor.  What cannot be read of one is a warning.  IQ_E_UNAVAILABLE: no types, or
 * this kernel keeps its descriptors elsewhere.
 */
struct iq_error *iq_irqs(struct iq_kernel *k, struct iq_irqs *ret) IQ_CHECK;
void iq_irqs_free(struct iq_irqs *x);
/* How often it came on CPU; false: cannot be read. */
bool iq_irq_count(struct iq_kernel *k, const struct iq_irq *irq, unsigned int cpu, uint32_t *ret);
/*
 * The CPUs of the struct cpumask at ADDRESS as the kernel's %*pbl prints them: "0-3,8".  Only those that there can be
 * (iq_kernel_cpus()).  False: cannot be read.
 */
bool iq_cpumask_text(struct iq_kernel *k, uint64_t address, struct iq_buf *out);

/* The actions of soft interrupts, by number; as many as ROOM.  How many there are; 0: unknown. */
unsigned int iq_softirqs(struct iq_kernel *k, uint64_t *ret, unsigned int room);

#define IQ_IDT_VECTORS 256
/* Where each vector of the interrupt descriptor table leads (x86: idt_table); 0: nowhere. */
struct iq_error *iq_idt(struct iq_kernel *k, uint64_t handler[static IQ_IDT_VECTORS]) IQ_CHECK;

#endif
