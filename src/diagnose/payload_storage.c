// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Payloads: what disks and their controllers say: SCSI (SPC-5, SBC-4), ATA (ACS-4), NVMe 1.4,
 * partition tables, volume managers.
 */
#include "payload.h"

static unsigned int sense(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const char *const keys[] = {"no sense",
					   "recovered error",
					   "not ready",
					   "medium error",
					   "hardware error",
					   "illegal request",
					   "unit attention",
					   "data protect",
					   "blank check",
					   "vendor",
					   "copy aborted",
					   "aborted command",
					   "",
					   "volume overflow",
					   "miscompare",
					   "completed"};
	unsigned int code = p[0] & 0x7f, key, bits;

	if (code == 0x70 || code == 0x71) {
		if (p[1] || p[2] & 0x10)
			return 0;
		key = p[2] & 15;
		bits = 6 + 8 + 2 + (p[2] < 16 ? 3 : 0);
		if (p[7] < 6 || p[7] > 44)
			return 0;
		bits += 3 + (p[7] == 10 ? 5 : 0);
		if (!iq_be32(p + 3))
			bits += 28;
		m->whole = 8u + p[7];
		if (n >= 18)
			return iq_payload_say(
				m, bits + (p[12] < 0x78 ? 1 : 0) + (!iq_be32(p + 8) ? 20 : 0), 18,
				"SCSI sense data: %s, ASC/ASCQ %02x/%02x", keys[key], p[12], p[13]);
		return iq_payload_say(m, bits, 8, "SCSI sense data: %s", keys[key]);
	}
	if (code == 0x72 || code == 0x73) {
		if (p[0] & 0x80 || p[1] & 0xf0 || p[4] || p[5] || p[6])
			return 0;
		return iq_payload_say(m, 6 + 4 + 24 + (p[7] < 64 ? 2 : 0), 8,
				      "SCSI sense data (descriptors): %s, ASC/ASCQ %02x/%02x",
				      keys[p[1]], p[2], p[3]);
	}
	return 0;
}

/* Command blocks whose rest must be zero in the ways that the standard has it. */
static unsigned int cdb(const uint8_t *p, size_t n, struct iq_payload *m)
{
	switch (p[0]) {
	case 0x28:
	case 0x2a:
		if (n < 10 || p[1] & 0x07 || p[6] || p[9] || !iq_be16(p + 7) ||
		    iq_be16(p + 7) > 4096 || iq_be32(p + 2) > UINT32_MAX - iq_be16(p + 7))
			return 0;
		return iq_payload_say(m, 7 + 5 + 8 + 8 + 4, 10, "SCSI %s(10) of %u blocks at %u",
				      p[0] == 0x28 ? "READ" : "WRITE", iq_be16(p + 7),
				      iq_be32(p + 2));
	case 0x88:
	case 0x8a:
		if (n < 16 || p[1] & 0x07 || iq_be32(p + 2) > 0xff || p[14] || p[15] ||
		    !iq_be32(p + 10) || iq_be32(p + 10) > 65536)
			return 0;
		return iq_payload_say(m, 7 + 5 + 24 + 16 + 15, 16,
				      "SCSI %s(16) of %u blocks at %llu",
				      p[0] == 0x88 ? "READ" : "WRITE", iq_be32(p + 10),
				      (unsigned long long)iq_be64(p + 2));
	case 0x12:
		if (n < 6 || p[1] > 1 || (!p[1] && p[2]) || p[5] || !iq_be16(p + 3) ||
		    iq_be16(p + 3) > 512)
			return 0;
		return iq_payload_say(m, iq_be16(p + 3) == 36 || iq_be16(p + 3) == 255 ? 33 : 24, 6,
				      "SCSI INQUIRY of %u bytes", iq_be16(p + 3));
	case 0x25:
		for (unsigned int i = 1; i < 10; i++)
			if (n < 10 || p[i])
				return 0;
		return iq_payload_say(m, 40, 10, "SCSI READ CAPACITY(10)");
	case 0x9e:
		if (n < 16 || p[1] != 0x10 || iq_be64(p + 2) || iq_be32(p + 10) > 64 || p[14] ||
		    p[15])
			return 0;
		return iq_payload_say(m, 80, 16, "SCSI READ CAPACITY(16)");
	case 0x35:
	case 0x1e:
	case 0x1b:
		return 0; /* too little in them */
	case 0xa0:
		if (n < 12 || p[1] || p[3] || p[4] || p[5] || p[10] || p[11] || !iq_be32(p + 6) ||
		    iq_be32(p + 6) > 65536)
			return 0;
		return iq_payload_say(m, 70, 12, "SCSI REPORT LUNS of %u bytes", iq_be32(p + 6));
	default:
		return 0;
	}
}

static bool printable(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] >= 0x7f)
			return false;
	return true;
}

static unsigned int inquiry(const uint8_t *p, size_t n, struct iq_payload *m)
{
	char vendor[16], product[24];
	unsigned int bits = 3 + 6 + 5 + 6 + 4;

	if ((p[0] != 0 && p[0] != 5 && p[0] != 0x0d && p[0] != 0x0c) || p[1] & 0x7f || p[2] > 7 ||
	    (p[3] & 15) != 2 || p[4] < 27)
		return 0;
	if (!printable(p + 8, 8) || p[8] == ' ')
		return 0;
	if (n < 32 || !printable(p + 16, 16))
		return iq_payload_say(m, bits + 10, 16, "SCSI INQUIRY data");
	iq_payload_quote(p + 8, 8, vendor, sizeof(vendor));
	iq_payload_quote(p + 16, 16, product, sizeof(product));
	m->whole = 5u + p[4];
	return iq_payload_say(m, bits + 40, 36, "SCSI INQUIRY data of %s %s", vendor, product);
}

/* ATA text: two characters a word, the first in the upper byte. */
static unsigned int identify(const uint8_t *p, size_t n, struct iq_payload *m)
{
	char model[41];

	if (p[1] & 0x80 ? iq_le16(p) != 0x848a && iq_le16(p) != 0x85c0 : p[1] & 0x40)
		return 0;
	(void)n;
	/* Words 7 to 9 are retired and zero: text is no such data, though it has letters there too. */
	if (iq_le16(p + 14) | iq_le16(p + 16) | iq_le16(p + 18))
		return 0;
	if (!printable(p + 54, 40))
		return 0;
	for (unsigned int i = 0; i < 40; i++)
		model[i] = (char)p[54 + (i ^ 1)];
	model[40] = 0;
	if (!printable(p + 20, 20) && p[20])
		return 0;
	/* Padded with blanks, as no text is in the middle. */
	if (model[39] != ' ' || model[38] != ' ' || !printable(p + 46, 8))
		return 0;
	for (int i = 39; i >= 0 && model[i] == ' '; i--)
		model[i] = 0;
	if (strlen(model) < 3)
		return 0;
	return iq_payload_say(m, 60, 94, "ATA IDENTIFY data of \"%s\"", model);
}

static unsigned int nvme_sqe(const uint8_t *p, size_t n, struct iq_payload *m)
{
	uint64_t prp1 = iq_le64(p + 24), prp2 = iq_le64(p + 32);
	static const char *const io[] = {"flush", "write", "read"};

	(void)n;
	/* opcode, fused/PSDT, command id; namespace; reserved; metadata; PRPs; LBA; blocks */
	if (p[0] > 2 || p[1] & 0x3c || !iq_le32(p + 4) || iq_le32(p + 4) > 1024 || iq_le64(p + 8) ||
	    iq_le64(p + 16) || prp1 & 3 || prp1 >> 52 || prp2 & 3 || prp2 >> 52)
		return 0;
	if (p[0] && (!prp1 || iq_le64(p + 40) >> 48 || iq_le16(p + 48) > 8192))
		return 0;
	if (!p[0])
		return 0;
	return iq_payload_say(m, 7 + 4 + 22 + 128 / 2 + 12, 64,
			      "NVMe %s command of %u blocks at %llu", io[p[0]],
			      iq_le16(p + 48) + 1u, (unsigned long long)iq_le64(p + 40));
}

static unsigned int nvme_cqe(const uint8_t *p, size_t n, struct iq_payload *m)
{
	(void)n;
	/* result, reserved, SQ head and id, command id, phase and status */
	if (iq_le64(p) || iq_le16(p + 8) > 1024 || iq_le16(p + 10) > 128 || !iq_le16(p + 10) ||
	    iq_le16(p + 14) > 1 || !iq_le16(p + 8) || iq_le16(p + 12) > 1024 + 0xf000)
		return 0;
	return iq_payload_say(m, 16, 16, "NVMe completion of queue %u, command 0x%x",
			      iq_le16(p + 10), iq_le16(p + 12));
}

static unsigned int nvme_identify(const uint8_t *p, size_t n, struct iq_payload *m)
{
	char model[48];

	(void)n;
	/* Names are filled with blanks; the numbers before them are no letters as well. */
	if (printable(p, 4) || p[63] != ' ')
		return 0;
	if (!iq_le16(p) || !printable(p + 4, 60) || p[24] == ' ')
		return 0;
	iq_payload_quote(p + 24, 40, model, sizeof(model));
	return iq_payload_say(m, 45, 64, "NVMe identify controller data of %s", model);
}

static unsigned int gpt(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "EFI PART", 8))
		return 0;
	if (n >= 16 && iq_le32(p + 8) == 0x10000 && iq_le32(p + 12) == 92)
		return iq_payload_say(m, 128, IQ_MIN(n, 92u), "GPT partition table header");
	return iq_payload_say(m, 64, 8, "GPT partition table header");
}

/* The table at the end of a master boot record: 55 aa and up to four entries before it. */
static unsigned int mbr(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int used = 0;

	(void)n;
	if (p[64] != 0x55 || p[65] != 0xaa)
		return 0;
	for (unsigned int i = 0; i < 4; i++) {
		const uint8_t *e = p + 16 * i;

		if (e[0] & 0x7f)
			return 0;
		used += e[4] && iq_le32(e + 12);
	}
	return used ? iq_payload_say(m, 16 + 28, 66, "MBR partition table with %u partitions", used)
		    : 0;
}

/* The geometry that all disks above 8 GB claim: 16383 cylinders, 16 heads, 63 sectors. */
static unsigned int identify_start(const uint8_t *p, size_t n, struct iq_payload *m)
{
	(void)n;
	if (p[1] & 0x80 || iq_le16(p + 2) != 0x3fff || iq_le16(p + 6) != 16 ||
	    iq_le16(p + 12) != 63)
		return 0;
	m->whole = 512;
	return iq_payload_say(m, 46, 14,
			      "ATA IDENTIFY data (16383 cylinders, 16 heads, 63 sectors)");
}

const struct iq_payload_format iq_payload_storage[] = {
	{"scsi.sense", 8, sense},
	{"scsi.cdb", 6, cdb},
	{"scsi.inquiry", 16, inquiry},
	{"ata.identify", 94, identify},
	{"ata.start", 14, identify_start},
	{"nvme.sqe", 64, nvme_sqe},
	{"nvme.cqe", 16, nvme_cqe},
	{"nvme.identify", 64, nvme_identify},
	{"gpt", 8, gpt},
	{"mbr", 66, mbr},
	{NULL, 0, NULL},
};
