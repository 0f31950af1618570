// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine as a whole: names, time, load, memory, taint, last words. */
#include "private.h"

#define AVENRUN_SHIFT 11 /* FSHIFT, include/linux/sched/loadavg.h */

static void utsname(struct iq_kernel *k, struct iq_system *s)
{
	uint64_t at = iq_kernel_symbol(k, "init_uts_ns"), name = 0;
	char *out[] = {NULL, s->nodename, NULL, s->version, s->machine};
	unsigned int i;

	if (!at || !iq_kernel_offset(k, "uts_namespace", "name", &name, NULL))
		return;
	/* struct new_utsname: sysname, nodename, release, version, machine, domainname of 65 bytes each. */
	for (i = 0; i < IQ_ARRAY_SIZE(out); i++)
		if (out[i])
			iq_vm_read_string(k->vm, at + name + 65 * i, out[i], 65);
}

/* struct timekeeper: alone (shadow_timekeeper) or behind a lock in tk_core, whose struct has no name. */
static const char *const timekeepers[] = {"shadow_timekeeper", "tk_core", "timekeeper_data"};

uint64_t kernel_timekeeper_symbol(struct iq_kernel *k)
{
	uint64_t at = 0;

	for (unsigned int i = 0; !at && i < IQ_ARRAY_SIZE(timekeepers); i++)
		at = iq_kernel_symbol(k, timekeepers[i]);
	return at;
}

/* Is there one?  Its clocks are the same, and kernel addresses. */
static bool is_timekeeper(struct iq_kernel *k, uint64_t at, uint64_t *xtime)
{
	uint64_t mono, raw;

	return kernel_read_member(k, "timekeeper", "xtime_sec", at, xtime) &&
	       kernel_read_member(k, "timekeeper", "tkr_mono.clock", at, &mono) &&
	       kernel_read_member(k, "timekeeper", "tkr_raw.clock", at, &raw) && mono == raw &&
	       mono >> 63 && *xtime < UINT64_C(1) << 34;
}

uint64_t kernel_timekeeper(struct iq_kernel *k, uint64_t *xtime)
{
	unsigned int i, off;
	uint64_t at;

	/* Without types its place and what is in it are proven together. */
	if (!iq_kernel_types(k)) {
		at = kernel_timekeeper_symbol(k);
		return at && kernel_read_member(k, "timekeeper", "xtime_sec", at, xtime) ? at : 0;
	}
	for (i = 0; i < IQ_ARRAY_SIZE(timekeepers); i++) {
		at = iq_kernel_symbol(k, timekeepers[i]);
		for (off = 0; at && off <= 128; off += 8)
			if (is_timekeeper(k, at + off, xtime))
				return at + off;
	}
	return 0;
}

static void times(struct iq_kernel *k, struct iq_system *s)
{
	uint64_t tk, v, xtime;
	int64_t crash_time;

	if (k->vmcoreinfo &&
	    iq_vmcoreinfo_dec(k->vmcoreinfo, k->vmcoreinfo_len, "CRASHTIME", &crash_time))
		s->time = crash_time;
	tk = kernel_timekeeper(k, &xtime);
	if (tk) {
		if (!s->time)
			s->time = (int64_t)xtime;
		if (kernel_read_member(k, "timekeeper", "ktime_sec", tk, &v)) {
			s->uptime = v;
			s->has_uptime = true;
		}
	}
	if (!s->time)
		s->time = iq_dump_info(k->dump)->time;
}

static void load(struct iq_kernel *k, struct iq_system *s)
{
	uint64_t at = iq_kernel_symbol(k, "avenrun"), v;
	unsigned int i;

	s->has_load = at != 0;
	for (i = 0; i < 3 && s->has_load; i++) {
		s->has_load = kernel_read_ptr(k, at + 8 * i, &v);
		s->load[i] = (double)v / (1 << AVENRUN_SHIFT);
	}
}

uint64_t kernel_present_pages(struct iq_kernel *k)
{
	uint64_t table, one, pgdat, pages, total = 0, ids = 1, i;

	if (k->priv->present_pages)
		return k->priv->present_pages;
	table = iq_kernel_symbol(k, "node_data");
	one = iq_kernel_symbol(k, "contig_page_data");
	iq_kernel_variable(k, "nr_node_ids", 4, &ids);
	for (i = 0; i < IQ_MIN(ids, MAX_NODES); i++) {
		if (table ? !kernel_read_ptr(k, table + 8 * i, &pgdat) : !(pgdat = one))
			break;
		if (pgdat && kernel_read_member(k, "pglist_data", "node_present_pages", pgdat, &pages))
			total += pages;
		if (!table)
			break;
	}
	k->priv->present_pages = total;
	return total;
}

/* ---- Last words -------------------------------------------------------------------------------- */

/*
 * Beginnings of the lines by which the kernel reports that it is dying.  The first in the log counts, since what
 * comes later follows from it.  (That somebody asked for a crash by sysrq is told by the panic's own line.)
 */
static const char *const reports[] = {
	"BUG: kernel NULL pointer dereference", "BUG: unable to handle", "kernel BUG at",
	"general protection fault", "Oops: ", "divide error:", "stack segment:", "invalid opcode:",
	"double fault:", "traps: PANIC: double fault", "PANIC: double fault", "BUG: stack guard page was hit",
	"BUG: IRQ stack guard page was hit", "watchdog: BUG: soft lockup", "NMI watchdog: Watchdog detected",
	"watchdog: Watchdog detected", "Kernel panic - not syncing",
	"Unable to handle kernel", "Internal error:", "Machine check:",
};

static void panic_text(struct iq_kernel *k, struct iq_system *s)
{
	const struct iq_log_record *log;
	struct iq_error *err;
	unsigned int nr, i, j;

	err = iq_log(k, &log, &nr);
	if (err) {
		iq_error_free(err);
		return;
	}
	for (i = 0; i < nr; i++) {
		for (j = 0; j < IQ_ARRAY_SIZE(reports); j++) {
			size_t n = strlen(reports[j]);

			if (log[i].len >= n && !memcmp(log[i].text, reports[j], n)) {
				snprintf(s->panic, sizeof(s->panic), "%.*s", (int)log[i].len, log[i].text);
				return;
			}
		}
	}
}

struct iq_error *iq_kernel_system(struct iq_kernel *k, struct iq_system *ret)
{
	struct iq_system s = {0};
	const struct iq_task *tasks;
	const struct iq_cpu *cpus;
	struct iq_error *err;
	unsigned int i, nr;

	utsname(k, &s);
	times(k, &s);
	load(k, &s);
	s.memory = kernel_present_pages(k) * iq_dump_info(k->dump)->page_size;
	cpus = iq_kernel_cpus(k, &nr);
	for (i = 0; i < nr; i++) {
		s.cpus_online += cpus[i].online;
		s.cpus_present += cpus[i].present;
	}
	err = iq_tasks(k, &tasks, &s.nr_tasks);
	iq_error_free(err);
	s.has_tainted = iq_kernel_variable(k, "tainted_mask", 8, &s.tainted);
	panic_text(k, &s);
	*ret = s;
	return NULL;
}
