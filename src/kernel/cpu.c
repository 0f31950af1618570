// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CPUs: per-CPU areas, what each was running, its registers, and its own stacks.
 */
#include "private.h"

#include <stdlib.h>

#define NT_PRSTATUS 1

bool iq_percpu_offset(struct iq_kernel *k, unsigned int cpu, uint64_t *offset)
{
	uint64_t table = iq_kernel_symbol(k, "__per_cpu_offset"), v;

	if (!table || cpu >= MAX_CPUS || !kernel_read_ptr(k, table + 8 * (uint64_t)cpu, &v))
		return false;
	/* The entries of CPUs that cannot exist point at the init section: not a kernel address on 4.18,
	 * and the same for all. */
	*offset = v;
	return v != 0;
}

uint64_t iq_percpu_symbol(struct iq_kernel *k, const char *name, unsigned int cpu)
{
	struct iq_symbol s;
	unsigned int from = 0;
	uint64_t offset;

	if (!k->symbols || !iq_symtab_by_name(k->symbols, name, &from, &s) ||
	    !iq_percpu_offset(k, cpu, &offset))
		return 0;
	return s.address + offset;
}

/* Address on CPU of the per-CPU variable that is alone (ALONE) or a member of struct pcpu_hot (6.2 - 6.14). */
static uint64_t hot_variable(struct iq_kernel *k, unsigned int cpu, const char *alone, const char *member,
			     uint64_t known_offset)
{
	uint64_t at = iq_percpu_symbol(k, "pcpu_hot", cpu), off;

	if (at)
		return at +
		       (iq_kernel_offset(k, "pcpu_hot", member, &off, NULL) ? off : known_offset);
	return iq_percpu_symbol(k, alone, cpu);
}

/* ---- Masks ------------------------------------------------------------------------------------- */

/* Bit CPU of the cpumask variable NAME; ABSENT if there is no such variable. */
static bool in_mask(struct iq_kernel *k, const char *name, unsigned int cpu, bool absent)
{
	uint64_t at = iq_kernel_symbol(k, name), word;

	if (!at || !kernel_read_ptr(k, at + cpu / 64 * 8, &word))
		return absent;
	return word >> (cpu % 64) & 1;
}

/* ---- Registers --------------------------------------------------------------------------------- */

/* The NT_PRSTATUS note that crash_save_cpu() left in the CPU's crash_notes (kernel/kexec_core.c). */
static bool regs_from_crash_notes(struct iq_kernel *k, struct iq_cpu *c)
{
	uint64_t pointer = iq_kernel_symbol(k, "crash_notes"), notes;
	uint8_t buf[12 + 8 + 512];
	struct iq_note note = {.name = "CORE"};
	uint32_t namesz, descsz;

	if (!pointer || !kernel_read_ptr(k, pointer, &notes) || !notes ||
	    iq_vm_read(k->vm, notes + c->percpu_offset, buf, sizeof(buf), NULL))
		return false;
	namesz = iq_le32(buf);
	descsz = iq_le32(buf + 4);
	note.type = iq_le32(buf + 8);
	if (note.type != NT_PRSTATUS || namesz < 4 || namesz > 8 || descsz > 512 ||
	    memcmp(buf + 12, "CORE", 4))
		return false;
	note.data = buf + 12 + 8;
	note.size = descsz;
	return k->arch->prstatus_regs(&note, &c->regs, NULL);
}

/* What the page tables that a CPU used say of who it worked for. */
enum whose { TABLES_OURS, TABLES_OTHERS, TABLES_NOBODYS };

/* Do the page tables at ROOT map any kernel image? */
static bool maps_an_image(struct iq_kernel *k, struct iq_vm *vm)
{
	const uint64_t step = UINT64_C(0x200000);
	struct iq_walk w;

	for (uint64_t va = k->layout.text_base; va < k->layout.text_end; va += step) {
		iq_vm_walk(vm, va, &w);
		if (!w.status && !w.linear)
			return true;
	}
	return false;
}

static enum whose tables_at(struct iq_kernel *k, uint64_t root)
{
	uint64_t image = k->stext - k->layout.text_base + (uint64_t)k->layout.phys_base;
	enum whose whose = TABLES_NOBODYS;
	struct iq_walk w;
	struct iq_vm *vm;
	struct iq_error *err = iq_vm_open(k->arch, &k->layout, k->reader, root, &vm);

	if (err) {
		iq_error_free(err);
		return TABLES_OURS;
	}
	/* Entry text is mapped even in the user half of a KPTI pair, the middle of the text is not. */
	iq_vm_walk(vm, k->stext, &w);
	if (w.linear || (!w.status && w.physical == image))
		whose = TABLES_OURS;
	else if (maps_an_image(k, vm))
		whose = TABLES_OTHERS;
	iq_vm_close(vm);
	return whose;
}

/*
 * Do page tables with this CR3 (PCID and KPTI bits cleared or not) map this kernel?  When QEMU writes a dump
 * while a capture kernel runs, its notes speak of that one.
 */
static enum whose whose_cr3(struct iq_kernel *k, const struct iq_regs *regs)
{
	static const uint64_t masks[] = {~UINT64_C(0xfff), ~UINT64_C(0x1fff)};
	enum whose whose = TABLES_NOBODYS;

	if (!iq_reg_known(regs, IQ_X86_CR3))
		return TABLES_OURS;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(masks) && whose != TABLES_OURS; i++) {
		uint64_t root = regs->value[IQ_X86_CR3] & masks[i] & UINT64_C(0xffffffffff000);
		enum whose this = tables_at(k, root);

		if (this != TABLES_NOBODYS)
			whose = this;
	}
	return whose;
}

/*
 * QEMU writes one NT_PRSTATUS and one "QEMU" note for each CPU, in order, at the moment of the dump: they
 * are exact.  A kdump's NT_PRSTATUS notes are those of crash_notes, but without the CPUs that saved
 * none, so their order does not tell the CPU: memory does.
 */
static void save_regs(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;
	unsigned int from = 0, i;
	const struct iq_note *note;
	bool foreign = false;
	uint64_t idt;
	bool qemu = iq_dump_note(k->dump, "QEMU", 0, &from);

	from = 0;
	for (i = 0; qemu && i < p->nr_cpus && (note = iq_dump_note(k->dump, "QEMU", 0, &from)); i++) {
		struct iq_regs regs = {0};
		enum whose whose;

		if (!k->arch->qemu_regs(note, &regs, &idt))
			continue;
		whose = whose_cr3(k, &regs);
		if (whose == TABLES_OTHERS) {
			foreign = true;
			continue;
		}
		if (whose == TABLES_NOBODYS)
			iq_warn(k->warnings, "the page tables that CR3 of CPU %u names are damaged or missing; its "
					     "registers may be wrong as well", i);
		p->cpus[i].regs = regs;
		p->cpus[i].has_regs = true;
		p->cpus[i].regs_from = "QEMU CPU state note";
	}
	/* Once a capture kernel has started, what the CPUs saved before that is nearer to the crash. */
	if (qemu && !foreign)
		return;
	for (i = 0; i < p->nr_cpus; i++) {
		struct iq_cpu *c = &p->cpus[i];

		if (!regs_from_crash_notes(k, c))
			continue;
		c->has_regs = true;
		c->regs_from = "crash_notes";
	}
	if (foreign) {
		iq_warn(k->warnings, "the dump was written while a capture kernel was running; the registers of the "
				     "CPUs are those that the crashed kernel saved");
		return;
	}
	from = 0;
	for (i = 0; i < p->nr_cpus && (note = iq_dump_note(k->dump, "CORE", NT_PRSTATUS, &from)); i++) {
		while (i < p->nr_cpus && !p->cpus[i].online)
			i++;
		if (i == p->nr_cpus || p->cpus[i].has_regs)
			continue;
		p->cpus[i].has_regs = k->arch->prstatus_regs(note, &p->cpus[i].regs, NULL);
		p->cpus[i].regs_from = "NT_PRSTATUS note";
	}
}

static void find_regs(struct iq_kernel *k)
{
	const struct iq_kernel_private *p = k->priv;

	save_regs(k);
	for (unsigned int i = 0; i < p->nr_cpus; i++)
		if (p->cpus[i].has_regs)
			return;
	if (p->nr_cpus)
		iq_warn(k->warnings, "the dump has no registers of the CPUs: what was running is traced by the return "
				     "addresses that its stack holds (marked ?)");
}

const struct iq_cpu *iq_kernel_cpus(struct iq_kernel *k, unsigned int *nr)
{
	struct iq_kernel_private *p = k->priv;
	uint64_t ids = 0, at;
	unsigned int i, highest = 0;

	*nr = p->nr_cpus;
	if (p->cpus_state)
		return p->cpus;
	p->cpus_state = LAZY_FAILED;
	if (!iq_kernel_variable(k, "nr_cpu_ids", 4, &ids) || !ids || ids > MAX_CPUS)
		ids = IQ_MIN(IQ_MAX(iq_dump_info(k->dump)->nr_cpus, 1), MAX_CPUS);
	p->cpus = calloc(ids, sizeof(*p->cpus));
	if (!p->cpus)
		return NULL;
	for (i = 0; i < ids; i++) {
		struct iq_cpu *c = &p->cpus[i];

		c->cpu = i;
		if (!in_mask(k, "__cpu_possible_mask", i, true) || !iq_percpu_offset(k, i, &c->percpu_offset))
			continue;
		highest = i + 1;
		c->online = in_mask(k, "__cpu_online_mask", i, true);
		c->present = in_mask(k, "__cpu_present_mask", i, true);
		at = hot_variable(k, i, "current_task", "current_task", 0);
		if (at)
			kernel_read_ptr(k, at, &c->current);
	}
	p->nr_cpus = highest;
	find_regs(k);
	p->cpus_state = LAZY_DONE;
	*nr = p->nr_cpus;
	return p->cpus;
}

void cpus_free(struct iq_kernel *k)
{
	free(k->priv->cpus);
}

/* ---- Stacks ------------------------------------------------------------------------------------ */

const char *iq_stack_kind_text(enum iq_stack_kind kind)
{
	switch (kind) {
	case IQ_STACK_TASK:
		return "task";
	case IQ_STACK_IRQ:
		return "IRQ";
	case IQ_STACK_NMI:
		return "NMI";
	case IQ_STACK_DOUBLE_FAULT:
		return "DOUBLEFAULT";
	case IQ_STACK_DEBUG:
		return "DEBUG";
	case IQ_STACK_MCE:
		return "MCE";
	case IQ_STACK_VC:
		return "VC";
	case IQ_STACK_ENTRY:
		return "entry trampoline";
	case IQ_STACK_NONE:
		break;
	}
	return "unknown";
}

/* arch/x86/include/asm/page_64_types.h: IST_INDEX_DF … (one higher before 5.2, for the same slots). */
static int ist_index(enum iq_stack_kind kind)
{
	switch (kind) {
	case IQ_STACK_DOUBLE_FAULT:
		return 0;
	case IQ_STACK_NMI:
		return 1;
	case IQ_STACK_DEBUG:
		return 2;
	case IQ_STACK_MCE:
		return 3;
	case IQ_STACK_VC:
		return 4;
	default:
		return -1;
	}
}

#define IRQ_STACK_SIZE 16384
#define IST_STACK_MAX 32768
/* struct x86_hw_tss (arch/x86/include/asm/processor.h), packed: u32 reserved; u64 sp0, sp1, sp2; u64
 * reserved; u64 ist[7]. */
#define TSS_SP0 4
#define TSS_IST 36
#define NR_IST 7

/*
 * How far down the IST stack that ends at TOP can reach.  Before 5.2 they followed one another without guard
 * pages (struct cpu_entry_area: exception_stacks[]), the lowest behind other memory.  0: no such limit.
 */
static uint64_t ist_limit(struct iq_kernel *k, uint64_t tss, uint64_t top)
{
	uint64_t below = 0, above = UINT64_MAX, other, pa;

	for (unsigned int i = 0; i < NR_IST; i++) {
		if (!kernel_read_ptr(k, tss + TSS_IST + 8 * i, &other) || !other)
			continue;
		if (other < top)
			below = IQ_MAX(below, other);
		if (other > top)
			above = IQ_MIN(above, other);
	}
	if (below || above == UINT64_MAX || above - top > IST_STACK_MAX ||
	    iq_vm_translate(k->vm, top, &pa, NULL) == IQ_MEM_UNMAPPED)
		return below;
	/* The lowest is as large as the next. */
	return top - (above - top);
}

/* An IST stack ends where the TSS says and is as large as what is mapped below: guard pages part them. */
static bool ist_stack(struct iq_kernel *k, uint64_t tss, int index, struct iq_stack *s)
{
	uint64_t top, pa, limit;

	if (!kernel_read_ptr(k, tss + TSS_IST + 8 * (uint64_t)index, &top) || !top || top & 15)
		return false;
	/* Some are only mapped where they are needed (VC: encrypted guests). */
	if (iq_vm_translate(k->vm, top - 8, &pa, NULL) == IQ_MEM_UNMAPPED)
		return false;
	limit = ist_limit(k, tss, top);
	s->end = top;
	s->start = (top - 1) & ~UINT64_C(4095);
	while (s->start > limit && s->end - s->start < IST_STACK_MAX &&
	       iq_vm_translate(k->vm, s->start - 8, &pa, NULL) != IQ_MEM_UNMAPPED)
		s->start -= 4096;
	return true;
}

static bool irq_stack(struct iq_kernel *k, unsigned int cpu, struct iq_stack *s)
{
	/* Behind pcpu_hot's task, preempt_count, cpu_number, call_depth and top_of_stack. */
	uint64_t at = hot_variable(k, cpu, "hardirq_stack_ptr", "hardirq_stack_ptr", 32), top;

	if (!at)
		at = iq_percpu_symbol(k, "irq_stack_ptr", cpu); /* up to 5.1 */
	if (!at || !kernel_read_ptr(k, at, &top) || !top)
		return false;
	/* It points to the stack's end, or to the last word (5.12+) or 64 bytes (up to 5.1) of it. */
	s->end = (top + 4095) & ~UINT64_C(4095);
	s->start = s->end - IRQ_STACK_SIZE;
	return true;
}

bool iq_cpu_stack(struct iq_kernel *k, unsigned int cpu, enum iq_stack_kind kind, struct iq_stack *ret)
{
	struct iq_stack s = {.kind = kind, .cpu = (int)cpu};
	uint64_t tss, sp0;

	if (kind == IQ_STACK_IRQ) {
		if (!irq_stack(k, cpu, &s))
			return false;
	} else {
		tss = iq_percpu_symbol(k, "cpu_tss_rw", cpu);
		if (!tss)
			return false;
		if (kind == IQ_STACK_ENTRY) {
			if (!kernel_read_ptr(k, tss + TSS_SP0, &sp0) || !sp0)
				return false;
			s.end = sp0;
			s.start = (sp0 - 1) & ~UINT64_C(4095);
		} else if (ist_index(kind) < 0 || !ist_stack(k, tss, ist_index(kind), &s)) {
			return false;
		}
	}
	*ret = s;
	return true;
}

bool iq_cpu_stack_at(struct iq_kernel *k, uint64_t address, struct iq_stack *ret)
{
	static const enum iq_stack_kind kinds[] = {IQ_STACK_IRQ, IQ_STACK_NMI, IQ_STACK_DOUBLE_FAULT,
						   IQ_STACK_DEBUG, IQ_STACK_MCE, IQ_STACK_VC,
						   IQ_STACK_ENTRY};
	unsigned int nr, i, j;

	iq_kernel_cpus(k, &nr);
	for (i = 0; i < nr; i++)
		for (j = 0; j < IQ_ARRAY_SIZE(kinds); j++)
			if (iq_cpu_stack(k, i, kinds[j], ret) && address >= ret->start &&
			    address < ret->end)
				return true;
	return false;
}

/* ---- Who panicked ------------------------------------------------------------------------------ */

int iq_panic_cpu(struct iq_kernel *k)
{
	/* atomic_t panic_cpu (kernel/panic.c); int crashing_cpu (arch/x86/kernel/crash.c, reboot.c). */
	static const char *const names[] = {"panic_cpu", "crashing_cpu"};
	struct iq_kernel_private *p = k->priv;
	unsigned int i, nr;
	uint64_t v;

	if (p->panic_cpu_known)
		return p->panic_cpu;
	p->panic_cpu_known = true;
	p->panic_cpu = -1;
	iq_kernel_cpus(k, &nr);
	for (i = 0; i < IQ_ARRAY_SIZE(names) && p->panic_cpu < 0; i++)
		if (iq_kernel_variable(k, names[i], 4, &v) && v < nr)
			p->panic_cpu = (int)v;
	return p->panic_cpu;
}

uint64_t iq_panic_task(struct iq_kernel *k)
{
	int cpu = iq_panic_cpu(k);
	const struct iq_cpu *cpus;
	unsigned int nr;

	cpus = iq_kernel_cpus(k, &nr);
	if (cpu >= 0 && (unsigned int)cpu < nr)
		return cpus[cpu].current;
	return nr ? cpus[0].current : 0;
}
