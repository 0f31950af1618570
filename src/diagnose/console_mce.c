// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Machine checks that the kernel has printed (arch/x86/kernel/cpu/mce/core.c: print_mce()): the bank and its status
 * in one line, the other registers in those that follow.
 */
#include "console.h"
#include "machine_check.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MOST 16u
#define LINES_MOST 8u /* of one record; lines of other CPUs may stand between */

/* The hexadecimal number behind WORD in S. */
static bool number_behind(const char *s, const char *word, uint64_t *ret)
{
	const char *at = strstr(s, word);
	char *end;

	if (!at)
		return false;
	at += strlen(word);
	if (!strncmp(at, "0x", 2))
		at += 2;
	*ret = strtoull(at, &end, 16);
	return end > at;
}

/* "CPU 7: Machine Check Exception: 5 Bank 4: be00000000800400" */
static bool first_line(const char *s, struct mce_record *m)
{
	const char *check = strstr(s, "Machine Check"), *cpu = strstr(s, "CPU "), *bank, *value;
	char *end;

	if (!check || !cpu || cpu > check)
		return false;
	bank = strstr(check, " Bank ");
	value = strchr(check, ':');
	if (!bank || !value || value > bank)
		return false;
	*m = (struct mce_record){.vendor = MCE_UNKNOWN};
	m->cpu = (uint32_t)strtoul(cpu + 4, NULL, 10);
	m->mcgstatus = strtoull(value + 1, NULL, 16);
	m->bank = (uint8_t)strtoul(bank + 6, &end, 10);
	if (*end != ':')
		return false;
	m->status = strtoull(end + 1, NULL, 16);
	return m->status >> 63;
}

static void next_line(const char *s, struct mce_record *m)
{
	const char *rip = strstr(s, "RIP"), *processor = strstr(s, "PROCESSOR ");
	uint64_t value;
	char *end;

	/* "RIP !INEXACT! 33:<00007f181dce2d3c>": the segment, and the address in brackets. */
	if (rip && number_behind(rip, "<", &value)) {
		const char *colon = strchr(rip, ':');

		m->ip = value;
		if (colon && colon - rip >= 2)
			m->cs = (uint8_t)strtoul(colon - 2, NULL, 16);
	}
	if (number_behind(s, "TSC ", &value))
		m->tsc = value;
	if (number_behind(s, "ADDR ", &value)) {
		m->addr = value;
		m->has_address = true;
	}
	if (number_behind(s, "MISC ", &value))
		m->misc = value;
	if (number_behind(s, "IPID ", &value))
		m->ipid = value;
	if (!processor)
		return;
	m->vendor = (uint8_t)strtoul(processor + 10, &end, 10);
	if (*end == ':')
		m->cpuid = (uint32_t)strtoul(end + 1, NULL, 16);
}

static void tell(struct iq_case *c, const struct mce_record *m)
{
	struct iq_finding *f =
		iq_case_finding(c, "mce.bank", IQ_CLASS_MACHINE_CHECK, IQ_CONFIDENCE_LIKELY, "%s",
				iq_mce_words(c, m, iq_mce_text));
	struct iq_buf b = {0};

	iq_finding_evidence(c, f, IQ_SOURCE_LOG, 0, iq_case_text(c, "0x%016" PRIx64, m->status),
			    "bank %u's status: %s", m->bank, iq_mce_words(c, m, iq_mce_status_text));
	if (iq_mce_address_text(m, &b))
		iq_finding_evidence(c, f, IQ_SOURCE_LOG, 0, iq_case_text(c, "0x%" PRIx64, m->addr),
				    "%s", iq_buf_str(&b));
	iq_buf_free(&b);
	if (iq_mce_global_text(m, &b))
		iq_finding_evidence(c, f, IQ_SOURCE_LOG, 0,
				    iq_case_text(c, "0x%" PRIx64, m->mcgstatus), "%s",
				    iq_buf_str(&b));
	iq_buf_free(&b);
	if (m->cs)
		iq_finding_evidence(c, f, IQ_SOURCE_LOG, 0, iq_case_text(c, "0x%" PRIx64, m->ip),
				    "the code that ran, in %s mode", m->cs & 3 ? "user" : "kernel");
	f->cause = c->analysis.event.class == IQ_CLASS_MACHINE_CHECK &&
		   iq_mce_severity(m) >= MCE_UNCORRECTED;
}

void iq_console_machine_checks(struct iq_case *c, const struct console_text *t)
{
	struct mce_record found[RECORDS_MOST], m;
	unsigned int nr = 0;

	for (unsigned int i = 0; i < t->nr && nr < RECORDS_MOST; i++) {
		unsigned int j;

		if (!first_line(t->lines[i].s, &m))
			continue;
		for (j = i + 1; j < t->nr && j <= i + LINES_MOST; j++) {
			struct mce_record other;

			if (first_line(t->lines[j].s, &other))
				break;
			next_line(t->lines[j].s, &m);
			if (strstr(t->lines[j].s, "PROCESSOR "))
				break;
		}
		/* The kernel prints the one that it gave up for again. */
		for (j = 0; j < nr; j++)
			if (found[j].cpu == m.cpu && found[j].bank == m.bank &&
			    found[j].status == m.status && found[j].tsc == m.tsc)
				break;
		if (j == nr)
			found[nr++] = m;
	}
	for (int severity = MCE_FATAL; severity >= MCE_CORRECTED; severity--)
		for (unsigned int i = 0; i < nr; i++)
			if ((int)iq_mce_severity(&found[i]) == severity)
				tell(c, &found[i]);
}
