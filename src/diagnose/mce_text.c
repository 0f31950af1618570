// SPDX-License-Identifier: GPL-2.0-or-later
/* The words for a machine check's registers. */
#include "machine_check.h"

#include <inttypes.h>

#define VALID (UINT64_C(1) << 63)
#define OVERFLOW (UINT64_C(1) << 62)
#define UNCORRECTED (UINT64_C(1) << 61)
#define ENABLED (UINT64_C(1) << 60)
#define MISC_VALID (UINT64_C(1) << 59)
#define ADDRESS_VALID (UINT64_C(1) << 58)
#define CONTEXT_CORRUPT (UINT64_C(1) << 57)
#define SIGNALED (UINT64_C(1) << 56) /* Intel */
#define ACTION_REQUIRED (UINT64_C(1) << 55) /* Intel */
#define THREAD_CORRUPT (UINT64_C(1) << 55) /* AMD */
#define DEFERRED (UINT64_C(1) << 44) /* AMD */
#define IN_PROGRESS 4u /* of the global status */
#define POISON (UINT64_C(1) << 43) /* AMD */

static bool is_amd(const struct mce_record *m)
{
	return m->vendor == MCE_AMD || m->vendor == MCE_HYGON;
}

enum mce_severity iq_mce_severity(const struct mce_record *m)
{
	if (!(m->status & UNCORRECTED))
		return is_amd(m) && m->status & DEFERRED ? MCE_DEFERRED : MCE_CORRECTED;
	if (m->status & CONTEXT_CORRUPT)
		return MCE_FATAL;
	/* Software error recovery: signaled, but nothing needs it now. */
	if (m->vendor == MCE_INTEL && m->status & SIGNALED && !(m->status & ACTION_REQUIRED))
		return MCE_OPTIONAL;
	return MCE_UNCORRECTED;
}

/* ---- Who reports ----------------------------------------------------------------------------------- */

/* AMD's scalable banks say what they are: McaType and HardwareID of MCA_IPID. */
static const char *amd_unit(uint64_t ipid)
{
	static const struct {
		uint16_t hardware, type;
		const char *name;
	} units[] = {
		{0xb0, 0x00, "load-store unit"},
		{0xb0, 0x10, "load-store unit"},
		{0xb0, 0x01, "instruction fetch unit"},
		{0xb0, 0x02, "L2 cache"},
		{0xb0, 0x03, "decode unit"},
		{0xb0, 0x05, "execution unit"},
		{0xb0, 0x06, "floating point unit"},
		{0xb0, 0x07, "L3 cache"},
		{0x2e, 0x00, "data fabric, coherent slave"},
		{0x2e, 0x02, "data fabric, coherent slave"},
		{0x2e, 0x01, "power, interrupts, etc."},
		{0x96, 0x00, "memory controller"},
		{0x96, 0x01, "memory controller"},
		{0x05, 0x00, "parameter block"},
		{0xff, 0x00, "security processor"},
		{0xff, 0x01, "security processor"},
		{0x01, 0x00, "system management unit"},
		{0x01, 0x01, "system management unit"},
		{0x01, 0x02, "microprocessor 5"},
		{0x18, 0x00, "north bridge I/O unit"},
		{0x46, 0x00, "PCI Express root port"},
		{0x46, 0x01, "PCI Express root port"},
	};
	unsigned int hardware = ipid >> 32 & 0xfff, type = ipid >> 48 & 0xffff;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(units); i++)
		if (units[i].hardware == hardware && units[i].type == type)
			return units[i].name;
	return NULL;
}

static const char *unit(const struct mce_record *m)
{
	static const char *const old[] = {
		"data cache",  "instruction cache", "bus unit",		  "load-store unit",
		"northbridge", "execution unit",    "floating point unit"};
	unsigned int family = m->cpuid >> 8 & 15;

	if (!is_amd(m) || !m->cpuid)
		return NULL;
	if (m->ipid)
		return amd_unit(m->ipid);
	if (family == 15)
		family += m->cpuid >> 20 & 255;
	return family < 0x17 && m->bank < IQ_ARRAY_SIZE(old) ? old[m->bank] : NULL;
}

/* ---- The error code -------------------------------------------------------------------------------- */

static const char *const requests[16] = {"generic error", "generic read", "generic write",
					 "data read",	  "data write",	  "instruction fetch",
					 "prefetch",	  "eviction",	  "snoop"};
static const char *const transactions[4] = {"instruction", "data", "generic", "unknown"};
static const char *const levels[4] = {"level 0", "level 1", "level 2", "generic level"};

static const char *request(unsigned int code)
{
	const char *s = requests[code >> 4 & 15];

	return s ? s : "unknown request";
}

static void memory_code(unsigned int code, const char *what, struct iq_buf *out)
{
	static const char *const kinds[8] = {"generic error", "read error", "write error",
					     "address or command error", "scrubbing error"};
	const char *kind = kinds[code >> 4 & 7];

	iq_buf_printf(out, "%s: %s", what, kind ? kind : "unknown error");
	if ((code & 15) != 15)
		iq_buf_printf(out, " on channel %u", code & 15);
}

static void bus_code(unsigned int code, struct iq_buf *out)
{
	static const char *const parts[4] = {"this CPU asked", "this CPU answered",
					     "this CPU saw it of others", "generic"};
	static const char *const places[4] = {"memory", "unknown place", "I/O", "other"};

	iq_buf_printf(out, "bus or interconnect: %s, %s, %s, %s%s", request(code),
		      places[code >> 2 & 3], levels[code & 3], parts[code >> 9 & 3],
		      code >> 8 & 1 ? ", timed out" : "");
}

static bool simple_code(const struct mce_record *m, unsigned int code, struct iq_buf *out)
{
	static const char *const names[] = {"no error code",
					    "unclassified error",
					    "parity error in the microcode ROM",
					    "external error (BINIT# of another processor)",
					    "functional redundancy check error",
					    "internal parity error",
					    "SMM handler code access violation"};

	if (code < IQ_ARRAY_SIZE(names))
		iq_buf_puts(out, names[code]);
	else if (code == 0x400 && m->vendor == MCE_INTEL)
		iq_buf_puts(out,
			    "internal timer error: the CPU retired no instruction for too long");
	else if (code == 0xe0b)
		iq_buf_puts(out, "generic I/O error");
	else if (is_amd(m) ? (code & 0xfcff) == 0x400 : (code & 0xfc00) == 0x400)
		iq_buf_puts(out, "internal unclassified error");
	else
		return false;
	return true;
}

static void error_code(const struct mce_record *m, struct iq_buf *out)
{
	/* Bit 12 of Intel's compound codes says that corrected errors are filtered, and nothing of the error. */
	unsigned int code = m->status & 0xffff, bare = is_amd(m) ? code : code & ~0x1000u;

	if (simple_code(m, code, out))
		return;
	if ((bare & 0xfff0) == 0x0010)
		iq_buf_printf(out, "TLB: %s, %s", transactions[bare >> 2 & 3], levels[bare & 3]);
	else if ((bare & 0xfffc) == 0x000c)
		iq_buf_printf(out, "cache hierarchy: generic error, %s", levels[bare & 3]);
	else if ((bare & 0xff80) == 0x0080 && !is_amd(m))
		memory_code(bare, "memory controller", out);
	else if ((bare & 0xff80) == 0x0280 && !is_amd(m))
		memory_code(bare, "memory used as a cache", out);
	else if ((bare & 0xff00) == 0x0100)
		iq_buf_printf(out, "%s: %s, %s, %s",
			      is_amd(m) ? "memory hierarchy" : "cache hierarchy", request(bare),
			      transactions[bare >> 2 & 3], levels[bare & 3]);
	else if ((bare & 0xf800) == 0x0800)
		bus_code(bare, out);
	else
		iq_buf_printf(out, "error code 0x%x, which is none of the architecture's", code);
}

/* ---- The whole ------------------------------------------------------------------------------------- */

void iq_mce_text(const struct mce_record *m, struct iq_buf *out)
{
	static const char *const words[] = {
		[MCE_CORRECTED] = "a corrected error",
		[MCE_DEFERRED] = "an uncorrected error that nobody has used yet (deferred)",
		[MCE_OPTIONAL] = "an uncorrected error that needs no action at once",
		[MCE_UNCORRECTED] = "an uncorrected error",
		[MCE_FATAL] = "an uncorrected error with the CPU's state lost",
	};
	const char *where = unit(m);

	iq_buf_printf(out, "bank %u%s%s%s of CPU %" PRIu32 " reported %s: ", m->bank,
		      where ? " (" : "", where ? where : "", where ? ")" : "", m->cpu,
		      words[iq_mce_severity(m)]);
	error_code(m, out);
	if (m->status & ADDRESS_VALID && m->has_address)
		iq_buf_printf(out, ", at address 0x%" PRIx64, m->addr);
}

void iq_mce_status_text(const struct mce_record *m, struct iq_buf *out)
{
	static const struct {
		uint64_t bit;
		const char *name;
		char vendor; /* i: Intel's, a: AMD's, 0: both */
	} bits[] = {
		{VALID, "valid", 0},
		{OVERFLOW, "another error was lost", 0},
		{UNCORRECTED, "uncorrected", 0},
		{ENABLED, "enabled", 0},
		{MISC_VALID, "misc valid", 0},
		{ADDRESS_VALID, "address valid", 0},
		{CONTEXT_CORRUPT, "processor context corrupt", 0},
		{SIGNALED, "signaled", 'i'},
		{ACTION_REQUIRED, "action required", 'i'},
		{THREAD_CORRUPT, "thread context corrupt", 'a'},
		{DEFERRED, "deferred", 'a'},
		{POISON, "poisoned data", 'a'},
	};
	const char *between = "";

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(bits); i++) {
		if (!(m->status & bits[i].bit) ||
		    (bits[i].vendor == 'i' && m->vendor != MCE_INTEL) ||
		    (bits[i].vendor == 'a' && !is_amd(m)))
			continue;
		iq_buf_printf(out, "%s%s", between, bits[i].name);
		between = ", ";
	}
	if (m->status >> 16 & 0xffff)
		iq_buf_printf(out, "%smodel specific code 0x%" PRIx64, between,
			      m->status >> 16 & 0xffff);
}

bool iq_mce_address_text(const struct mce_record *m, struct iq_buf *out)
{
	static const char *const modes[8] = {"a segment offset",
					     "a linear address",
					     "a physical address",
					     "a memory address",
					     NULL,
					     NULL,
					     NULL,
					     "of no certain kind"};
	unsigned int lsb = m->misc & 63;

	if (!(m->status & ADDRESS_VALID) || !m->has_address)
		return false;
	/* Only Intel's MISC says what the address is. */
	if (m->vendor != MCE_INTEL || !(m->status & MISC_VALID) || !modes[m->misc >> 6 & 7])
		iq_buf_puts(out, "address");
	else if (lsb && lsb < 40)
		iq_buf_printf(out, "address: %s, known to %" PRIu64 " bytes",
			      modes[m->misc >> 6 & 7], UINT64_C(1) << lsb);
	else
		iq_buf_printf(out, "address: %s", modes[m->misc >> 6 & 7]);
	return true;
}

bool iq_mce_global_text(const struct mce_record *m, struct iq_buf *out)
{
	/* Errors that are found by asking the banks now and then interrupt nobody. */
	if (!(m->mcgstatus & IN_PROGRESS))
		return false;
	iq_buf_puts(out, m->mcgstatus & 1 ? "what was interrupted could go on"
					  : "what was interrupted cannot go on");
	if (m->mcgstatus & 2)
		iq_buf_puts(out, ", its instruction pointer belongs to the error");
	if (m->mcgstatus & 8)
		iq_buf_puts(out, ", only this CPU was told");
	return true;
}

const char *iq_mce_words(struct iq_case *c, const struct mce_record *m,
			 void (*text)(const struct mce_record *m, struct iq_buf *out))
{
	struct iq_buf b = {0};
	const char *s;

	text(m, &b);
	s = iq_case_text(c, "%s", iq_buf_str(&b));
	iq_buf_free(&b);
	return s;
}
