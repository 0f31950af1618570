// SPDX-License-Identifier: GPL-2.0-or-later
/* Payloads: what file systems keep on disks: super blocks, directories, journals. */
#include "payload.h"

/* ext2/3/4: struct ext4_super_block, whose magic is at 0x38. */
static unsigned int ext_super(const uint8_t *p, size_t n, struct iq_payload *m)
{
	uint32_t inodes = iq_le32(p), blocks = iq_le32(p + 4), per_group = iq_le32(p + 32);
	unsigned int bits = 16;

	if (iq_le16(p + 0x38) != 0xef53)
		return 0;
	if (!inodes || !blocks || iq_le32(p + 12) > blocks || iq_le32(p + 16) > inodes ||
	    iq_le32(p + 24) > 6 || !per_group || per_group > 65536)
		return 0;
	bits += 29 + 10 + (iq_le32(p + 20) <= 1 ? 31 : 0);
	m->whole = 1024;
	return iq_payload_say(m, bits, IQ_MIN(n, 0x68u), "ext4 super block (%u blocks, %u inodes)",
			      blocks, inodes);
}

static unsigned int ext_extents(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int entries = iq_le16(p + 2), max = iq_le16(p + 4), depth = iq_le16(p + 6);

	(void)n;
	if (iq_le16(p) != 0xf30a || entries > max || !max || max > 340 || depth > 5)
		return 0;
	return iq_payload_say(m, 16 + 8 + 8 + 13, 8, "ext4 extent header (%u entries, depth %u)",
			      entries, depth);
}

/* One entry of an ext4 directory: inode, length of record, length of name, kind, name. */
static unsigned int ext_dirent(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int record = iq_le16(p + 4), len = p[6];
	char name[64];
	bool dots;

	if (!iq_le32(p) || iq_le32(p) > 0x10000000 || record & 3 || record < 12 || record > 4096 ||
	    len + 8u > record || !len || !p[7] || p[7] > 7)
		return 0;
	if (8u + len > n)
		return 0;
	dots = (len == 1 && p[8] == '.') || (len == 2 && p[8] == '.' && p[9] == '.');
	for (unsigned int i = 0; i < len; i++)
		if (p[8 + i] < 0x21 || p[8 + i] >= 0x7f || p[8 + i] == '/')
			return 0;
	if (!dots && len < 3)
		return 0;
	if (dots && p[7] != 2)
		return 0;
	iq_payload_quote(p + 8, len, name, sizeof(name));
	m->whole = record;
	return iq_payload_say(
		m,
		4 + 6 + (record == ((len + 11u) & ~3u) ? 8 : 0) + 6 +
			(dots ? 16 + (n >= 12 && len == 1 ? 14 : 0) : IQ_MIN(len, 24u) * 2),
		8 + len, "ext4 directory entry %s, inode %u", name, iq_le32(p));
}

static unsigned int jbd2(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const char *const kinds[] = {
		"", "descriptor", "commit", "super block 1", "super block 2", "revocation"};

	if (iq_be32(p) != 0xc03b3998)
		return 0;
	if (n >= 8 && iq_be32(p + 4) >= 1 && iq_be32(p + 4) <= 5)
		return iq_payload_say(m, 61, 8, "ext4 journal (jbd2) block: %s",
				      kinds[iq_be32(p + 4)]);
	return iq_payload_say(m, 32, 4, "ext4 journal (jbd2) block");
}

static unsigned int xfs(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const struct {
		const char *magic, *name;
	} kinds[] = {
		{"XFSB", "super block"},      {"XAGF", "free space header"},
		{"XAGI", "inode header"},     {"XAFL", "free list"},
		{"ABTB", "free space tree"},  {"ABTC", "free space tree"},
		{"AB3B", "free space tree"},  {"AB3C", "free space tree"},
		{"IABT", "inode tree"},	      {"IAB3", "inode tree"},
		{"FIB3", "free inode tree"},  {"XD2B", "directory block"},
		{"XDB3", "directory block"},  {"XD2D", "directory data"},
		{"XDD3", "directory data"},   {"BMAP", "extent tree"},
		{"BMA3", "extent tree"},      {"R3FC", "reference tree"},
		{"RMB3", "reverse map tree"}, {"XARM", "remote attribute"},
	};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(kinds); i++) {
		unsigned int bits = 28;

		if (memcmp(p, kinds[i].magic, 4))
			continue;
		if (!i && n >= 8) {
			uint32_t size = iq_be32(p + 4);

			if (size < 512 || size > 65536 || size & (size - 1))
				return 0;
			bits += 29;
		}
		return iq_payload_say(m, bits, !i && n >= 8 ? 8 : 4, "XFS %s", kinds[i].name);
	}
	/* An inode on disk: "IN", mode, version, format. */
	if (p[0] == 'I' && p[1] == 'N' && n >= 6 && p[4] >= 1 && p[4] <= 3 && p[5] <= 3) {
		unsigned int kind = p[2] >> 4;

		if (kind == 4 || kind == 8 || kind == 10 || kind == 2 || kind == 6 || kind == 12 ||
		    kind == 1)
			return iq_payload_say(m, 16 + 1 + 6 + 6, 6, "XFS inode (mode 0%o)",
					      iq_be16(p + 2));
	}
	return 0;
}

static unsigned int btrfs(const uint8_t *p, size_t n, struct iq_payload *m)
{
	(void)n;
	if (memcmp(p, "_BHRfS_M", 8))
		return 0;
	return iq_payload_say(m, 64, 8, "btrfs super block");
}

/* The start of a FAT, exFAT or NTFS volume: a jump, a name, the geometry. */
static unsigned int boot_sector(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int bits = 16, size;
	const char *kind = "FAT";
	char oem[16];

	if (p[0] != 0xeb || p[2] != 0x90 || p[1] < 0x1c || p[1] > 0x9f)
		return 0;
	if (!memcmp(p + 3, "NTFS    ", 8) || !memcmp(p + 3, "EXFAT   ", 8))
		return iq_payload_say(m, 82, 11, "%s boot sector", p[3] == 'N' ? "NTFS" : "exFAT");
	for (unsigned int i = 3; i < 11; i++)
		if (p[i] < 0x20 || p[i] >= 0x7f)
			return 0;
	bits += 11;
	iq_payload_quote(p + 3, 8, oem, sizeof(oem));
	if (n >= 16) {
		size = iq_le16(p + 11);
		if ((size == 512 || size == 1024 || size == 2048 || size == 4096) && p[13] &&
		    !(p[13] & (p[13] - 1)))
			bits += 14 + 5;
	}
	if (n >= 90 && !memcmp(p + 82, "FAT32   ", 8))
		kind = "FAT32";
	return iq_payload_say(m, bits, IQ_MIN(n, 16u), "%s boot sector (%s)", kind, oem);
}

static unsigned int fat_dirent(const uint8_t *p, size_t n, struct iq_payload *m)
{
	char name[16];

	(void)n;
	for (unsigned int i = 0; i < 11; i++)
		if (!((p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= '0' && p[i] <= '9') ||
		      (i && p[i] == ' ') || p[i] == '_' || p[i] == '~' || p[i] == '-'))
			return 0;
	if ((p[11] != 0x20 && p[11] != 0x10 && p[11] != 0x08 && p[11] != 0x00) || p[12] & 0xe7)
		return 0;
	/* Hours, minutes, two seconds; months and days. */
	if (iq_le16(p + 22) >> 11 > 23 || (iq_le16(p + 22) >> 5 & 63) > 59 || (p[22] & 31) > 29 ||
	    !(iq_le16(p + 24) >> 5 & 15) || (iq_le16(p + 24) >> 5 & 15) > 12 || !(p[24] & 31))
		return 0;
	iq_payload_quote(p, 11, name, sizeof(name));
	return iq_payload_say(m, 11 * 2 + 6 + 4, 32, "FAT directory entry %s", name);
}

static unsigned int ntfs_record(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "FILE", 4) && memcmp(p, "INDX", 4))
		return 0;
	if (n < 8 || (iq_le16(p + 4) != 0x30 && iq_le16(p + 4) != 0x2a && iq_le16(p + 4) != 0x28) ||
	    iq_le16(p + 6) > 9)
		return 0;
	return iq_payload_say(m, 32 + 14 + 12, 8, "NTFS %s record", p[0] == 'F' ? "file" : "index");
}

static unsigned int swap_space(const uint8_t *p, size_t n, struct iq_payload *m)
{
	(void)n;
	if (memcmp(p, "SWAPSPACE2", 10) && memcmp(p, "SWAP-SPACE", 10))
		return 0;
	return iq_payload_say(m, 80, 10, "header of a swap area");
}

static unsigned int iso9660(const uint8_t *p, size_t n, struct iq_payload *m)
{
	(void)n;
	if (memcmp(p, "CD001\x01", 6))
		return 0;
	return iq_payload_say(m, 48, 6, "ISO 9660 volume descriptor");
}

static unsigned int squashfs(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "hsqs", 4))
		return 0;
	if (n >= 32 && (iq_le16(p + 28) != 4 || iq_le16(p + 30)))
		return 0;
	return iq_payload_say(m, n >= 32 ? 64 : 32, IQ_MIN(n, 32u), "squashfs super block");
}

const struct iq_payload_format iq_payload_filesystem[] = {
	{"ext4.super", 0x3a, ext_super},
	{"ext4.extents", 8, ext_extents},
	{"ext4.dirent", 9, ext_dirent},
	{"jbd2", 4, jbd2},
	{"xfs", 4, xfs},
	{"btrfs", 8, btrfs},
	{"fat.boot", 11, boot_sector},
	{"fat.dirent", 32, fat_dirent},
	{"ntfs.record", 8, ntfs_record},
	{"swap", 10, swap_space},
	{"iso9660", 6, iso9660},
	{"squashfs", 4, squashfs},
	{NULL, 0, NULL},
};
