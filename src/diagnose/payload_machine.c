// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Payloads: what firmware, CPUs and the kernel itself write: ACPI and SMBIOS tables, saved
 * registers, page-table entries, code, BPF programs, fill patterns.
 */
#include "payload.h"

static unsigned int acpi(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const char known[] =
		"APIC BERT BGRT BOOT CPEP DBGP DMAR DSDT ECDT EINJ ERST FACP FACS FPDT "
		"GTDT HEST HMAT HPET IORT IVRS LPIT MCFG NFIT OEM0 PCCT PPTT PSDT RSDT "
		"SBST SDEI SLIC SLIT SPCR SRAT SSDT TCPA TPM2 UEFI VIOT WAET WDAT WSMT "
		"XSDT";
	uint32_t len = iq_le32(p + 4);
	uint8_t sum = 0;

	if (!memcmp(p, "RSD PTR ", 8))
		return iq_payload_say(m, 64, 8, "ACPI root pointer (RSDP)");
	for (const char *k = known; *k; k += k[4] ? 5 : 4)
		if (!memcmp(p, k, 4))
			goto found;
	return 0;
found:
	if (len < 36 || len > 1 << 20)
		return 0;
	m->whole = len;
	if (n >= 16)
		for (unsigned int i = 10; i < 16; i++)
			if (p[i] && (p[i] < 0x20 || p[i] >= 0x7f))
				n = 8;
	if (n >= len) {
		for (uint32_t i = 0; i < len; i++)
			sum = (uint8_t)(sum + p[i]);
		if (!sum)
			return iq_payload_say(m, 60, IQ_MIN(len, 36u),
					      "ACPI table %.4s of %u bytes", (const char *)p, len);
	}
	return iq_payload_say(m, 38 + (n >= 16 ? 8 : 0), IQ_MIN(n, 36u),
			      "ACPI table %.4s of %u bytes", (const char *)p, len);
}

static unsigned int smbios(const uint8_t *p, size_t n, struct iq_payload *m)
{
	(void)n;
	if (memcmp(p, "_SM_", 4) && memcmp(p, "_SM3_", 5) && memcmp(p, "_DMI_", 5))
		return 0;
	return iq_payload_say(m, p[3] == '_' ? 32 : 40, 5, "SMBIOS entry point");
}

static bool text_or_user(uint64_t cs)
{
	return cs == 0x10 || cs == 0x33 || cs == 0x23;
}

/* ip cs flags sp ss, as the CPU pushes them. */
static unsigned int iret_frame(const uint8_t *p, size_t n, struct iq_payload *m)
{
	uint64_t ip = iq_le64(p), cs = iq_le64(p + 8), flags = iq_le64(p + 16),
		 sp = iq_le64(p + 24), ss = iq_le64(p + 32);

	(void)n;
	if (m->offset & 7 || !text_or_user(cs) || !(flags & 2) || flags >> 22 || !ip || !sp)
		return 0;
	if (cs == 0x10 ? (ss != 0x18 || ip >> 47 != 0x1ffff) : (ss != 0x2b || ip >> 47))
		return 0;
	return iq_payload_say(m, 62 + 42 + 62 + 10, 40,
			      "saved registers of an exception or system call "
			      "(ip 0x%llx, %s mode)",
			      (unsigned long long)ip, cs == 0x10 ? "kernel" : "user");
}

static bool table_entry(uint64_t e)
{
	uint64_t flags = e & 0xfff, pa = e & 0xffffffffff000;

	if (!(e & 1) || e >> 52 & 0x780 || pa < 0x1000 || pa >> 46)
		return false;
	switch (flags & 0xfff & ~0x60u) {
	case 0x001:
	case 0x003:
	case 0x005:
	case 0x007: /* present, writable, user */
	case 0x101:
	case 0x103:
	case 0x083:
	case 0x183:
	case 0x087:
	case 0x187:
	case 0x805:
	case 0x807:
	case 0x801:
	case 0x803:
	case 0x013:
	case 0x11b:
	case 0x01b:
		return (flags & 0x20) || flags == 0x163;
	default:
		return false;
	}
}

static unsigned int page_table(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int nr = 0, nx = 0;

	while ((nr + 1) * 8 <= n && nr < 16 && table_entry(iq_le64(p + 8 * nr))) {
		nx += (unsigned int)(iq_le64(p + 8 * nr) >> 63);
		nr++;
	}
	if (!nr || (nr == 1 && !nx))
		return 0;
	return iq_payload_say(m, IQ_MIN(nr, 4u) * 14 + (nx ? 10 : 0), 8 * nr,
			      "%s (physical 0x%llx, flags 0x%llx)",
			      nr > 1 ? "page-table entries" : "a page-table entry",
			      (unsigned long long)(iq_le64(p) & 0xffffffffff000),
			      (unsigned long long)(iq_le64(p) & 0xfff));
}

/* One instruction of eBPF: 1 surely, 0 none; the numbers of registers are at most 10. */
static bool bpf_insn(const uint8_t *p)
{
	unsigned int code = p[0], kind = code & 7, dst = p[1] & 15, src = p[1] >> 4;
	int16_t off = (int16_t)iq_le16(p + 2);

	if (dst > 10 || src > 10)
		return false;
	switch (kind) {
	case 4:
	case 7: /* arithmetic: no offset; either a register or a number */
		if (code >> 4 > 0xd || off || (code & 8 && iq_le32(p + 4) && code >> 4 != 0xd) ||
		    (!(code & 8) && src))
			return false;
		return dst < 10;
	case 5:
		if (code == 0x95)
			return !dst && !src && !off && !iq_le32(p + 4);
		if (code == 0x85)
			return !dst && src <= 2 && !off;
		return code >> 4 <= 0xd && code >> 4 != 8 && code >> 4 != 9 && off > -512 &&
		       off < 2048;
	case 1: /* load */
		return code >> 5 == 3 && dst < 10 && off > -1024 && off < 4096 && !iq_le32(p + 4);
	case 2:
	case 3: /* store */
		return code >> 5 == 3 && off > -1024 && off < 4096 &&
		       (kind == 2 || !iq_le32(p + 4));
	default:
		return false;
	}
}

static unsigned int bpf(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int nr = 0, bits = 0;

	while ((nr + 1) * 8 <= n && nr < 16 && p[nr * 8] && bpf_insn(p + nr * 8)) {
		static const uint8_t usual[] = {0xbf, 0xb7, 0x95, 0x85, 0x79, 0x61, 0x69,
						0x71, 0x7b, 0x63, 0x15, 0x55, 0x07, 0x18};

		bits += memchr(usual, p[nr * 8], sizeof(usual)) ? 12 : 5;
		nr++;
	}
	/* r6 = r1 is what nearly all begin with. */
	if (nr == 1 && p[0] == 0xbf && p[1] == 0x16)
		bits = 22;
	else if (nr < 2 || bits < 20)
		return 0;
	return iq_payload_say(m, IQ_MIN(bits, 60u), nr * 8, "BPF program (%u instructions)", nr);
}

static unsigned int code(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const struct {
		uint8_t len;
		const char *bytes;
	} starts[] = {
		{4, "\xf3\x0f\x1e\xfa"}, /* endbr64 */
		{4, "\x55\x48\x89\xe5"}, /* push rbp; mov rsp, rbp */
		{5, "\x0f\x1f\x44\0\0"}, /* the nop of ftrace */
		{7, "\x0f\x1f\x80\0\0\0\0"},
		{4, "\xc3\xcc\xcc\xcc"}, /* ret; int3 … */
		{5, "\x48\x83\xec\x08\xe8"},
		{6, "\x41\x57\x41\x56\x41\x55"}, /* push r15; push r14; push r13 */
		{6, "\x41\x55\x41\x54\x55\x53"},
		{4, "\x41\x54\x55\x53"},
		{4, "\x5b\x5d\x41\x5c"}, /* pop rbx; pop rbp; pop r12 */
		{5, "\x65\x48\x8b\x04\x25"},
		{6, "\x66\x2e\x0f\x1f\x84\0"},
	};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(starts); i++) {
		unsigned int len = starts[i].len;

		if (n >= len && !memcmp(p, starts[i].bytes, len))
			return iq_payload_say(m, len == 4 ? 28 : 6 * len, len,
					      "x86-64 machine code");
	}
	return 0;
}

static unsigned int arm64(const uint8_t *p, size_t n, struct iq_payload *m)
{
	(void)n;
	if (iq_le32(p) != 0xd503233f && iq_le32(p) != 0xd503245f && iq_le32(p) != 0xa9bf7bfd)
		return 0;
	return iq_payload_say(m, 30, 4, "arm64 machine code");
}

static unsigned int mac(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const struct {
		uint8_t oui[3];
		const char *name;
	} makers[] = {
		{{0x52, 0x54, 0x00}, "QEMU"},	    {{0x00, 0x0c, 0x29}, "VMware"},
		{{0x00, 0x50, 0x56}, "VMware"},	    {{0x00, 0x16, 0x3e}, "Xen"},
		{{0x08, 0x00, 0x27}, "VirtualBox"}, {{0x00, 0x15, 0x5d}, "Hyper-V"},
		{{0x02, 0x42, 0xac}, "Docker"},	    {{0x33, 0x33, 0x00}, "IPv6 multicast"},
	};

	(void)n;
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(makers); i++)
		if (!memcmp(p, makers[i].oui, 3) && p[3] + p[4] + p[5])
			return iq_payload_say(m, 20, 6,
					      "MAC address %02x:%02x:%02x:%02x:%02x:%02x (%s)",
					      p[0], p[1], p[2], p[3], p[4], p[5], makers[i].name);
	return 0;
}

/* struct timeval and what an input device reports with it. */
static unsigned int input_event(const uint8_t *p, size_t n, struct iq_payload *m)
{
	uint64_t sec = iq_le64(p), usec = iq_le64(p + 8);

	if (m->offset & 7 || sec < 1300000000 || sec > 2300000000 || usec >= 1000000 || !usec)
		return 0;
	if (n >= 24 && iq_le16(p + 16) <= 0x1f && iq_le16(p + 18) < 0x300 &&
	    (iq_le16(p + 16) || !iq_le16(p + 18)) && iq_le16(p + 16) <= 5)
		return iq_payload_say(m, 34 + 44 + 20, 24, "input event of type %u, code %u",
				      iq_le16(p + 16), iq_le16(p + 18));
	return iq_payload_say(m, 34 + 20, 16, "a time (%llu seconds since 1970, %llu us or ns)",
			      (unsigned long long)sec, (unsigned long long)usec);
}

static unsigned int pci_config(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const uint16_t vendors[] = {0x8086, 0x1af4, 0x1b36, 0x10de, 0x1022, 0x1002,
					   0x14e4, 0x10ec, 0x15b3, 0x144d, 0x15ad, 0x80ee};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(vendors); i++) {
		if (iq_le16(p) != vendors[i])
			continue;
		/* command and status, revision, class, header type */
		if (iq_le16(p + 4) & 0xf800 || iq_le16(p + 6) & 0x0007 || p[11] > 0x13 ||
		    (p[14] & 0x7f) > 2 || p[15] || !p[11] || !iq_le16(p + 2))
			return 0;
		(void)n;
		return iq_payload_say(m, 12 + 5 + 3 + 4 + 6 + 8, 16,
				      "PCI configuration space of %04x:%04x", vendors[i],
				      iq_le16(p + 2));
	}
	return 0;
}

static const char *fill_meaning(uint8_t b)
{
	switch (b) {
	case 0xff:
		return "all ones, as reads of a device that is gone or erased flash";
	case 0x6b:
		return "slab poison of a freed object";
	case 0x5a:
		return "slab poison of an object not yet used, or a test pattern";
	case 0xbb:
		return "slab red zone of a free object";
	case 0xcc:
		return "int3 instructions, or the red zone of an object in use";
	case 0xaa:
		return "page poison, or a test pattern";
	case 0xa5:
	case 0x55:
		return "a test pattern";
	case 0x90:
		return "nop instructions";
	case 0x20:
		return "blanks";
	case 0x41:
		return "letters A, as from a test or an attack";
	default:
		return "one byte repeated";
	}
}

/* The same byte again and again. */
static unsigned int fill(const uint8_t *p, size_t n, struct iq_payload *m)
{
	size_t len = 1;

	if (!p[0])
		return 0;
	while (len < n && len < 512 && p[len] == p[0])
		len++;
	if (len < 4)
		return 0;
	return iq_payload_say(
		m, (unsigned int)IQ_MIN(8 * (len - 1), (size_t)120) - (p[0] == 0xff || p[0] == 0x20 ? 10 : 0), len,
		"%zu bytes 0x%02x (%s)", len, p[0], fill_meaning(p[0]));
}

/* 00 01 02 03 …, or downwards. */
static unsigned int counting(const uint8_t *p, size_t n, struct iq_payload *m)
{
	size_t len = 1;
	uint8_t step = (uint8_t)(p[1] - p[0]);

	if (step != 1 && step != 0xff)
		return 0;
	while (len < n && len < 256 && p[len] == (uint8_t)(p[len - 1] + step))
		len++;
	if (len < 5)
		return 0;
	return iq_payload_say(m, (unsigned int)IQ_MIN(8 * (len - 1) - 2, (size_t)100), len,
			      "a counting pattern from 0x%02x on (%zu bytes)", p[0], len);
}

static unsigned int alternating(const uint8_t *p, size_t n, struct iq_payload *m)
{
	size_t len = 2;

	if (!((p[0] == 0x55 && p[1] == 0xaa) || (p[0] == 0xaa && p[1] == 0x55) ||
	      (p[0] == 0xff && p[1] == 0x00) || (p[0] == 0xde && p[1] == 0xad)))
		return 0;
	while (len < n && len < 256 && p[len] == p[len - 2])
		len++;
	if (len < 8)
		return 0;
	return iq_payload_say(m, (unsigned int)IQ_MIN(7 * len, (size_t)100), len,
			      "a test pattern of 0x%02x%02x", p[0], p[1]);
}

const struct iq_payload_format iq_payload_machine[] = {
	{"acpi", 8, acpi},
	{"smbios", 5, smbios},
	{"pt_regs", 40, iret_frame},
	{"page_table", 8, page_table},
	{"bpf", 8, bpf},
	{"x86", 4, code},
	{"arm64", 4, arm64},
	{"mac", 6, mac},
	{"time", 16, input_event},
	{"pci", 16, pci_config},
	{"fill", 4, fill},
	{"counting", 5, counting},
	{"alternating", 8, alternating},
	{NULL, 0, NULL},
};
