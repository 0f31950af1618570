// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Machine checks from memory (arch/x86/kernel/cpu/mce/): what each CPU has seen worst (mces_seen, since 6.13
 * hw_errs_seen), and the records that wait for those who decode them (mce_event_llist).
 */
#include "machine_check.h"
#include "stages.h"

#include <inquest/page.h>
#include <inttypes.h>
#include <stdlib.h>

#define RECORDS_MOST 64u
#define TSC_AT 40u /* in struct mce */
#define VALID (UINT64_C(1) << 63)

struct records {
	struct mce_record m[RECORDS_MOST];
	unsigned int nr;
};

/*
 * struct mce is handed to user space and so keeps its layout; fields were added at its end, which older
 * kernels do not have.
 */
static bool read_record(struct iq_kernel *k, uint64_t at, struct mce_record *m)
{
	uint64_t size = iq_kernel_sizeof(k, "mce");
	uint8_t b[128] = {0};
	struct iq_fault fault;

	if (size < 88 || size > sizeof(b))
		size = 88;
	*m = (struct mce_record){.at = at};
	if (iq_vm_read(k->vm, at, b, size, &fault))
		return false;
	*m = (struct mce_record){
		.status = iq_le64(b),
		.misc = iq_le64(b + 8),
		.addr = iq_le64(b + 16),
		.mcgstatus = iq_le64(b + 24),
		.has_address = true,
		.ip = iq_le64(b + 32),
		.tsc = iq_le64(b + 40),
		.time = iq_le64(b + 48),
		.vendor = b[56],
		.cpuid = iq_le32(b + 60),
		.cs = b[64],
		.bank = b[65],
		.cpu = iq_le32(b + 68),
		.socket = iq_le32(b + 72),
		.synd = size >= 96 ? iq_le64(b + 88) : 0,
		.ipid = size >= 104 ? iq_le64(b + 96) : 0,
		.at = at,
	};
	return m->status & VALID;
}

static void keep(struct records *r, const struct mce_record *m)
{
	for (unsigned int i = 0; i < r->nr; i++) {
		const struct mce_record *o = &r->m[i];

		if (o->cpu == m->cpu && o->bank == m->bank && o->status == m->status &&
		    o->addr == m->addr && o->tsc == m->tsc)
			return;
	}
	if (r->nr < RECORDS_MOST)
		r->m[r->nr++] = *m;
}

#define STACK_MOST (64u << 10)

/*
 * A bank that leaves no way out is read into the local variable of do_machine_check(), of which mces_seen then is an
 * earlier copy: the same time stamp is on the CPU's stack, in a record that has a status.
 */
static void on_stack(struct iq_kernel *k, uint64_t start, uint64_t end,
		     const struct mce_record *seen, struct records *r)
{
	struct mce_record m;
	struct iq_fault fault;
	uint8_t *bytes;
	size_t len = end - start;

	if (end <= start || len > STACK_MOST)
		return;
	bytes = malloc(len);
	if (!bytes)
		return;
	if (!iq_vm_read(k->vm, start, bytes, len, &fault))
		for (size_t i = TSC_AT; i + 8 <= len; i += 8)
			if (iq_le64(bytes + i) == seen->tsc &&
			    read_record(k, start + i - TSC_AT, &m) && m.cpu == seen->cpu &&
			    m.cpuid == seen->cpuid && m.socket == seen->socket &&
			    m.time == seen->time)
				keep(r, &m);
	free(bytes);
}

static void seen_by(struct iq_kernel *k, const struct iq_cpu *cpu, uint64_t at, struct records *r)
{
	struct mce_record seen;
	const struct iq_task *task;
	struct iq_stack stack;

	if (read_record(k, at, &seen) && seen.cpu == cpu->cpu)
		keep(r, &seen);
	if (!seen.tsc || seen.cpu != cpu->cpu)
		return;
	if (iq_cpu_stack(k, cpu->cpu, IQ_STACK_MCE, &stack))
		on_stack(k, stack.start, stack.end, &seen, r);
	/* From user mode it is the task's stack. */
	task = cpu->current ? iq_task_by_address(k, cpu->current) : NULL;
	if (task && task->stack)
		on_stack(k, task->stack, task->stack + task->stack_size, &seen, r);
}

static void seen_by_cpus(struct iq_kernel *k, struct records *r)
{
	static const char *const names[] = {"mces_seen", "hw_errs_seen"};
	unsigned int nr;
	const struct iq_cpu *cpus = iq_kernel_cpus(k, &nr);

	for (unsigned int i = 0; i < nr; i++) {
		for (unsigned int n = 0; n < IQ_ARRAY_SIZE(names); n++) {
			uint64_t at = iq_percpu_symbol(k, names[n], cpus[i].cpu);

			if (at)
				seen_by(k, &cpus[i], at, r);
		}
	}
}

/* struct mce_evt_llist { struct llist_node llnode; struct mce mce; } */
static void waiting(struct iq_kernel *k, struct records *r)
{
	uint64_t at;

	if (!iq_kernel_variable(k, "mce_event_llist", 8, &at))
		return;
	for (unsigned int i = 0; at && i < 4 * RECORDS_MOST; i++) {
		struct mce_record m;

		if (read_record(k, at + 8, &m))
			keep(r, &m);
		if (iq_vm_read_uint(k->vm, at, 8, &at))
			return;
	}
}

/* ---- What is said of them ---------------------------------------------------------------------------- */

static void tell_address(struct iq_case *c, struct iq_finding *f, const struct mce_record *m)
{
	struct iq_buf b = {0};
	struct iq_page page;
	struct iq_error *err;

	if (!iq_mce_address_text(m, &b))
		return;
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, m->at + 16,
			    iq_case_text(c, "0x%" PRIx64, m->addr), "%s", iq_buf_str(&b));
	iq_buf_free(&b);
	err = iq_page_of(c->k, m->addr >> 12, &page);
	if (err) {
		iq_error_free(err);
		return;
	}
	iq_page_flags_text(c->k, page.flags, &b);
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, page.address,
			    iq_case_text(c, "refcount %d, flags %s", page.refcount,
					 b.len ? iq_buf_str(&b) : "none"),
			    "if it is a physical one, the struct page of its page frame 0x%" PRIx64,
			    page.pfn);
	iq_buf_free(&b);
}

static void tell(struct iq_case *c, const struct mce_record *m, bool died_of_it)
{
	enum mce_severity severity = iq_mce_severity(m);
	struct iq_buf b = {0};
	struct iq_finding *f =
		iq_case_finding(c, "mce.bank", IQ_CLASS_MACHINE_CHECK, IQ_CONFIDENCE_CERTAIN, "%s",
				iq_mce_words(c, m, iq_mce_text));

	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, m->at,
			    iq_case_text(c, "0x%016" PRIx64, m->status), "bank %u's status: %s",
			    m->bank, iq_mce_words(c, m, iq_mce_status_text));
	tell_address(c, f, m);
	if (iq_mce_global_text(m, &b))
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, m->at + 24,
				    iq_case_text(c, "0x%" PRIx64, m->mcgstatus), "%s",
				    iq_buf_str(&b));
	iq_buf_free(&b);
	if (m->cs)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, m->ip, NULL,
				    "the code that ran, in %s mode", m->cs & 3 ? "user" : "kernel");
	f->cause = died_of_it && severity >= MCE_UNCORRECTED;
}

struct iq_error *iq_stage_machine_check(struct iq_case *c)
{
	struct records *r = calloc(1, sizeof(*r));
	bool died_of_it = c->analysis.event.class == IQ_CLASS_MACHINE_CHECK;

	if (!r)
		return iq_error_nomem();
	seen_by_cpus(c->k, r);
	waiting(c->k, r);
	/* The worst first: it is what the kernel gave up for. */
	for (int severity = MCE_FATAL; severity >= MCE_CORRECTED; severity--)
		for (unsigned int i = 0; i < r->nr; i++)
			if ((int)iq_mce_severity(&r->m[i]) == severity)
				tell(c, &r->m[i], died_of_it);
	free(r);
	return NULL;
}
