// SPDX-License-Identifier: GPL-2.0-or-later
/* Interrupts: see irq.h. */
#include <inquest/irq.h>

#include "private.h"

#include <stdlib.h>

#define IRQS_MAX (1u << 20)
#define ACTIONS_MAX 256 /* on one interrupt */
#define SOFTIRQS 10 /* NR_SOFTIRQS, should the enum not be known */
#define GATE_SIZE 16

struct reading {
	struct iq_kernel *k;
	struct iq_irqs *x;
	bool affinity_pointer; /* cpumask_var_t is a pointer */
	uint64_t affinity_at; /* from struct irq_desc; UINT64_MAX unknown */
	bool no_memory;
};

/* The string that the pointer at ADDRESS leads to, escaped. */
static void read_name(struct iq_kernel *k, uint64_t address, char *name, size_t room)
{
	char raw[64] = "";
	struct iq_buf escaped = {0};
	uint64_t at;

	name[0] = '\0';
	if (!kernel_read_ptr(k, address, &at) || !at)
		return;
	iq_vm_read_string(k->vm, at, raw, sizeof(raw));
	iq_buf_add_escaped(&escaped, raw, strlen(raw), false);
	snprintf(name, room, "%s", iq_buf_str(&escaped));
	iq_buf_free(&escaped);
}

static void member_name(struct iq_kernel *k, const char *tag, const char *path, uint64_t base,
			char *name, size_t room)
{
	uint64_t at;

	name[0] = '\0';
	if (iq_kernel_offset(k, tag, path, &at, NULL))
		read_name(k, base + at, name, room);
}

static void add_actions(struct reading *r, struct iq_irq *irq)
{
	struct iq_irqs *x = r->x;
	uint64_t at, next;
	unsigned int n;

	irq->first = x->nr_actions;
	if (!kernel_read_member(r->k, "irq_desc", "action", irq->desc, &at))
		return;
	for (n = 0; at && n < ACTIONS_MAX; n++, at = next) {
		struct iq_irq_action *a;

		if (!kernel_read_member(r->k, "irqaction", "next", at, &next)) {
			iq_warn(r->k->warnings, "interrupt %u: its action at 0x%lx cannot be read",
				irq->irq, (unsigned long)at);
			return;
		}
		if (!iq_grow(&x->action, &x->room_actions, x->nr_actions + 1, sizeof(*x->action))) {
			r->no_memory = true;
			return;
		}
		a = &x->action[x->nr_actions++];
		*a = (struct iq_irq_action){.address = at};
		irq->nr++;
		kernel_read_member(r->k, "irqaction", "handler", at, &a->handler);
		kernel_read_member(r->k, "irqaction", "thread_fn", at, &a->thread_fn);
		member_name(r->k, "irqaction", "name", at, a->name, sizeof(a->name));
	}
	if (at)
		iq_warn(r->k->warnings, "interrupt %u: its list of actions goes on after %u",
			irq->irq, n);
}

static bool add_irq(struct iq_kernel *k, uint64_t number, uint64_t desc, void *arg)
{
	struct reading *r = arg;
	struct iq_irqs *x = r->x;
	struct iq_irq irq = {.irq = (unsigned int)number, .desc = desc};
	uint64_t own, chip;

	if (number >= IRQS_MAX || desc & 7 ||
	    !kernel_read_member(k, "irq_desc", "irq_data.irq", desc, &own)) {
		iq_warn(k->warnings, "interrupt %lu: its descriptor at 0x%lx cannot be read",
			(unsigned long)number, (unsigned long)desc);
		return true;
	}
	if (own != number)
		iq_warn(k->warnings,
			"interrupt %lu: the descriptor at 0x%lx says that it is of %lu",
			(unsigned long)number, (unsigned long)desc, (unsigned long)own);
	if (!iq_grow(&x->irq, &x->room, x->nr + 1, sizeof(*x->irq))) {
		r->no_memory = true;
		return false;
	}
	add_actions(r, &irq);
	kernel_read_member(k, "irq_desc", "kstat_irqs", desc, &irq.counts);
	member_name(k, "irq_desc", "name", desc, irq.flow, sizeof(irq.flow));
	if (kernel_read_member(k, "irq_desc", "irq_data.chip", desc, &chip) && chip)
		member_name(k, "irq_chip", "name", chip, irq.chip, sizeof(irq.chip));
	if (r->affinity_at != UINT64_MAX) {
		irq.affinity = desc + r->affinity_at;
		if (r->affinity_pointer && !kernel_read_ptr(k, irq.affinity, &irq.affinity))
			irq.affinity = 0;
	}
	x->irq[x->nr++] = irq;
	return !r->no_memory;
}

static bool add_range(struct iq_kernel *k, uint64_t first, uint64_t last, uint64_t desc, void *arg)
{
	return add_irq(k, first, desc, arg);
}

static void find_affinity(struct reading *r, struct iq_types *types)
{
	static const char *const paths[] = {"irq_common_data.affinity", "irq_data.affinity"};
	const struct iq_type *desc = iq_type_by_name(types, "struct irq_desc");
	struct iq_member m;

	r->affinity_at = UINT64_MAX;
	for (unsigned int i = 0; desc && i < IQ_ARRAY_SIZE(paths); i++) {
		struct iq_error *err = iq_member_find(desc, paths[i], &m);

		if (!err) {
			r->affinity_at = m.bit_offset / 8;
			r->affinity_pointer = iq_type_strip(m.type)->kind == IQ_KIND_POINTER;
			return;
		}
		iq_error_free(err);
	}
}

/* Without CONFIG_SPARSE_IRQ all descriptors are one array. */
static bool read_array(struct reading *r)
{
	uint64_t one = iq_kernel_sizeof(r->k, "irq_desc");
	struct iq_symbol array;

	if (!one || !iq_symbol_named(r->k, "irq_desc", &array) || array.size < one)
		return false;
	for (uint64_t i = 0; i < array.size / one && (!r->x->limit || i < r->x->limit); i++) {
		if (!add_irq(r->k, i, array.address + i * one, r))
			break;
	}
	return true;
}

struct iq_error *iq_irqs(struct iq_kernel *k, struct iq_irqs *ret)
{
	struct iq_irqs x = {0};
	struct reading r = {.k = k, .x = &x};
	uint64_t limit = 0, maple, radix;
	struct iq_types *types;

	IQ_TRY(iq_kernel_need_types(k, &types));
	if (iq_kernel_variable(k, "total_nr_irqs", 4, &limit) ||
	    iq_kernel_variable(k, "nr_irqs", 4, &limit))
		x.limit = (unsigned int)IQ_MIN(limit, IRQS_MAX);
	find_affinity(&r, types);
	maple = iq_kernel_symbol(k, "sparse_irqs");
	radix = iq_kernel_symbol(k, "irq_desc_tree");
	if (maple)
		kernel_maple_for_each(k, maple, "interrupts", add_range, &r);
	else if (radix)
		kernel_xarray_for_each(k, radix, "interrupts", add_irq, &r);
	else if (!read_array(&r))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "where this kernel keeps its interrupts is not known");
	if (r.no_memory) {
		iq_irqs_free(&x);
		return iq_error_nomem();
	}
	*ret = x;
	return NULL;
}

void iq_irqs_free(struct iq_irqs *x)
{
	free(x->irq);
	free(x->action);
	*x = (struct iq_irqs){0};
}

bool iq_irq_count(struct iq_kernel *k, const struct iq_irq *irq, unsigned int cpu, uint32_t *ret)
{
	uint64_t offset, v;

	/* Since 6.11 the counter is the first member of struct irqstat. */
	if (!irq->counts || !iq_percpu_offset(k, cpu, &offset) ||
	    !kernel_read_uint(k, irq->counts + offset, 4, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

bool iq_cpumask_text(struct iq_kernel *k, uint64_t address, struct iq_buf *out)
{
	unsigned int nr, start = 0;
	uint64_t word = 0;
	bool in = false, any = false;

	if (!iq_kernel_cpus(k, &nr))
		return false;
	for (unsigned int cpu = 0; cpu <= nr; cpu++) {
		bool set;

		if (cpu < nr && cpu % 64 == 0 && !kernel_read_ptr(k, address + cpu / 8, &word))
			return false;
		set = cpu < nr && word >> cpu % 64 & 1;
		if (set && !in)
			start = cpu;
		if (!set && in) {
			iq_buf_printf(out, "%s%u", any ? "," : "", start);
			if (cpu - 1 > start)
				iq_buf_printf(out, "-%u", cpu - 1);
			any = true;
		}
		in = set;
	}
	return true;
}

unsigned int iq_softirqs(struct iq_kernel *k, uint64_t *ret, unsigned int room)
{
	uint64_t table = iq_kernel_symbol(k, "softirq_vec"),
		 one = iq_kernel_sizeof(k, "softirq_action");
	struct iq_types *types = iq_kernel_types(k);
	int64_t nr = SOFTIRQS;
	unsigned int i;

	if (!table)
		return 0;
	if (types && iq_enumerator_by_name(types, "NR_SOFTIRQS", &nr) && (nr <= 0 || nr > 64))
		nr = SOFTIRQS;
	for (i = 0; i < IQ_MIN((unsigned int)nr, room); i++) {
		if (!kernel_read_ptr(k, table + i * (one ? one : 8), &ret[i]))
			return i;
	}
	return i;
}

/* arch/x86/include/asm/desc_defs.h: struct gate_struct */
struct iq_error *iq_idt(struct iq_kernel *k, uint64_t handler[static IQ_IDT_VECTORS])
{
	uint8_t gates[IQ_IDT_VECTORS * GATE_SIZE];
	uint64_t table = iq_kernel_symbol(k, "idt_table");

	if (!table)
		return iq_error_new(
			IQ_E_UNAVAILABLE,
			"this kernel has no idt_table: interrupt descriptor tables are x86's");
	IQ_TRY(iq_vm_read_or(k->vm, table, gates, sizeof(gates), "the interrupt descriptor table"));
	for (unsigned int i = 0; i < IQ_IDT_VECTORS; i++) {
		const uint8_t *g = gates + i * GATE_SIZE;

		handler[i] = iq_le16(g) | (uint64_t)iq_le16(g + 6) << 16 |
			     (uint64_t)iq_le32(g + 8) << 32;
	}
	return NULL;
}
