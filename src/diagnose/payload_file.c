// SPDX-License-Identifier: GPL-2.0-or-later
/* Payloads: files: executables, compressed and archived data, pictures, sound, documents. */
#include "payload.h"

static unsigned int elf(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const char *const types[] = {"", "relocatable", "executable", "shared object",
					    "core"};

	if (memcmp(p,
		   "\x7f"
		   "ELF",
		   4))
		return 0;
	if (n < 8)
		return iq_payload_say(m, 32, 4, "ELF header");
	if (p[4] < 1 || p[4] > 2 || p[5] < 1 || p[5] > 2 || p[6] != 1)
		return iq_payload_say(m, 32, 4, "ELF header");
	if (n >= 20 && p[5] == 1 && iq_le16(p + 16) >= 1 && iq_le16(p + 16) <= 4)
		return iq_payload_say(m, 76, 20, "ELF header (%u-bit %s, machine %u)", p[4] * 32u,
				      types[iq_le16(p + 16)], iq_le16(p + 18));
	return iq_payload_say(m, 54, 8, "ELF header (%u-bit)", p[4] * 32u);
}

static unsigned int dos_exe(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (p[0] != 'M' || p[1] != 'Z' || n < 0x40)
		return n >= 8 && !memcmp(p, "MZ\x90\0\x03\0\0\0", 8)
			       ? iq_payload_say(m, 64, 8, "Windows executable (MZ)")
			       : 0;
	if (iq_le32(p + 0x3c) + 4u <= n && iq_le32(p + 0x3c) < 4096 &&
	    !memcmp(p + iq_le32(p + 0x3c), "PE\0\0", 4))
		return iq_payload_say(m, 48, 64, "Windows executable (PE)");
	if (iq_le16(p + 2) <= 512 && iq_le16(p + 4) < 1024 && iq_le16(p + 6) == 0)
		return iq_payload_say(m, 16 + 7 + 6 + 16, 64, "Windows executable (MZ)");
	return 0;
}

static unsigned int gzip(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int bits = 24 + 3;

	if (p[0] != 0x1f || p[1] != 0x8b || p[2] != 8 || p[3] & 0xe0)
		return 0;
	if (n >= 10 && (p[8] == 0 || p[8] == 2 || p[8] == 4) && (p[9] <= 13 || p[9] == 255))
		bits += 6 + 4;
	return iq_payload_say(m, bits, IQ_MIN(n, 10u), "gzip data");
}

static unsigned int zlib(const uint8_t *p, size_t n, struct iq_payload *m)
{
	/* Two bytes divisible by 31; a first block of fixed or dynamic codes, and two more checks. */
	if (p[0] != 0x78 || iq_be16(p) % 31 || p[1] & 0x20)
		return 0;
	if (p[1] != 0x01 && p[1] != 0x5e && p[1] != 0x9c && p[1] != 0xda)
		return 0;
	if ((p[2] & 6) == 6 || n < 4)
		return 0;
	if ((p[2] & 6) == 0 && (n < 7 || (iq_le16(p + 3) ^ iq_le16(p + 5)) != 0xffff))
		return 0;
	return iq_payload_say(m, (p[2] & 6) ? 15 : 30, 4, "zlib-compressed data");
}

static unsigned int zstd(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (iq_le32(p) != 0xfd2fb528)
		return 0;
	if (n >= 5 && p[4] & 0x08)
		return 0;
	return iq_payload_say(m, 32, IQ_MIN(n, 6u), "zstd-compressed data");
}

static unsigned int bzip2(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "BZh", 3) || p[3] < '1' || p[3] > '9')
		return 0;
	if (n >= 10 && memcmp(p + 4, "\x31\x41\x59\x26\x53\x59", 6))
		return iq_payload_say(m, 24, 4, "bzip2-compressed data");
	return iq_payload_say(m, n >= 10 ? 76 : 28, IQ_MIN(n, 10u), "bzip2-compressed data");
}

static unsigned int zip(const uint8_t *p, size_t n, struct iq_payload *m)
{
	char name[48];
	unsigned int len;

	if (p[0] != 'P' || p[1] != 'K')
		return 0;
	if (!memcmp(p + 2, "\x03\x04", 2)) {
		len = n >= 30 ? iq_le16(p + 26) : 0;
		if (len && len < 256 && 30 + len <= n) {
			iq_payload_quote(p + 30, len, name, sizeof(name));
			return iq_payload_say(m, 48, 30 + len, "zip archive, file %s", name);
		}
		return iq_payload_say(m, 32, IQ_MIN(n, 8u), "zip archive");
	}
	if (!memcmp(p + 2, "\x01\x02", 2) || !memcmp(p + 2, "\x05\x06", 2))
		return iq_payload_say(m, 31, 4, "zip archive's directory");
	return 0;
}

static unsigned int tar(const uint8_t *p, size_t n, struct iq_payload *m)
{
	/* "ustar" lies at 257; from a header's start its octal numbers tell. */
	if (!memcmp(p,
		    "ustar\0"
		    "00",
		    8) ||
	    !memcmp(p, "ustar  \0", 8))
		return iq_payload_say(m, 64, 8, "tar archive header");
	if (n < 148 || p[0] < 0x21 || p[0] >= 0x7f)
		return 0;
	for (unsigned int at = 100; at < 124; at += 8) {
		for (unsigned int i = 0; i < 6; i++)
			if (p[at + i] < '0' || p[at + i] > '7')
				return 0;
		if (p[at + 7] && p[at + 7] != ' ')
			return 0;
	}
	return iq_payload_say(
		m, 90, 148, "tar archive header of \"%.40s\"",
		memchr(p, 0, 100) && strspn((const char *)p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJK"
							     "LMNOPQRSTUVWXYZ0123456789./_-+") ==
					     strlen((const char *)p)
			? (const char *)p
			: "?");
}

static unsigned int cpio(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "07070", 5) || (p[5] != '1' && p[5] != '2' && p[5] != '7'))
		return 0;
	for (size_t i = 6; i < 14 && i < n; i++)
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'A' && p[i] <= 'F') ||
		      (p[i] >= 'a' && p[i] <= 'f')))
			return iq_payload_say(m, 30, 6, "cpio archive (initramfs)");
	return iq_payload_say(m, 97, IQ_MIN(n, 110u), "cpio archive header (initramfs)");
}

static unsigned int png(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (n >= 8 && !memcmp(p, "\x89PNG\r\n\x1a\n", 8)) {
		if (n >= 24 && !memcmp(p + 12, "IHDR", 4))
			return iq_payload_say(m, 128, 24, "PNG picture, %u x %u", iq_be32(p + 16),
					      iq_be32(p + 20));
		return iq_payload_say(m, 64, 8, "PNG picture");
	}
	if (!memcmp(p, "\x89PNG", 4))
		return iq_payload_say(m, 32, 4, "PNG picture");
	if (!memcmp(p, "IHDR", 4) || !memcmp(p, "IDAT", 4) || !memcmp(p, "IEND", 4))
		return iq_payload_say(m, 30, 4, "PNG picture, its %.4s chunk", (const char *)p);
	return 0;
}

static unsigned int jpeg(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (p[0] != 0xff || p[1] != 0xd8 || p[2] != 0xff)
		return 0;
	if (!(p[3] >= 0xe0 && p[3] <= 0xef) && p[3] != 0xdb && p[3] != 0xfe && p[3] != 0xc0 &&
	    p[3] != 0xc4)
		return 0;
	if (n >= 11 && (!memcmp(p + 6, "JFIF", 5) || !memcmp(p + 6, "Exif", 5)))
		return iq_payload_say(m, 64, 11, "JPEG picture (%.4s)", (const char *)p + 6);
	return iq_payload_say(m, 28, IQ_MIN(n, 6u), "JPEG picture");
}

static unsigned int gif(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "GIF8", 4))
		return 0;
	if (n >= 6 && ((p[4] != '7' && p[4] != '9') || p[5] != 'a'))
		return 0;
	if (n >= 10)
		return iq_payload_say(m, 47, 10, "GIF picture, %u x %u", iq_le16(p + 6),
				      iq_le16(p + 8));
	return iq_payload_say(m, n >= 6 ? 47 : 32, IQ_MIN(n, 6u), "GIF picture");
}

static unsigned int bmp(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (p[0] != 'B' || p[1] != 'M' || iq_le32(p + 6))
		return 0;
	if (iq_le32(p + 10) < 26 || iq_le32(p + 10) > 4096 || iq_le32(p + 2) < iq_le32(p + 10))
		return 0;
	if (n >= 18 && iq_le32(p + 14) != 40 && iq_le32(p + 14) != 108 && iq_le32(p + 14) != 124 &&
	    iq_le32(p + 14) != 12)
		return 0;
	return iq_payload_say(m, n >= 18 ? 90 : 60, IQ_MIN(n, 18u), "BMP picture, %u bytes",
			      iq_le32(p + 2));
}

static unsigned int tiff(const uint8_t *p, size_t n, struct iq_payload *m)
{
	uint32_t at;

	if (memcmp(p, "II*\0", 4) && memcmp(p, "MM\0*", 4))
		return 0;
	at = n >= 8 ? (p[0] == 'I' ? iq_le32(p + 4) : iq_be32(p + 4)) : 8;
	return iq_payload_say(m, at == 8 ? 60 : 31, IQ_MIN(n, 8u), "TIFF picture");
}

static unsigned int riff(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "RIFF", 4) && memcmp(p, "RIFX", 4))
		return 0;
	if (n >= 12) {
		if (!memcmp(p + 8, "WAVE", 4))
			return iq_payload_say(m, 64, 12, "RIFF file: WAV sound");
		if (!memcmp(p + 8, "AVI ", 4))
			return iq_payload_say(m, 64, 12, "RIFF file: AVI video");
		if (!memcmp(p + 8, "WEBP", 4))
			return iq_payload_say(m, 64, 12, "RIFF file: WebP picture");
	}
	return iq_payload_say(m, 32, 4, "RIFF file (WAV, AVI or WebP)");
}

/* The header of a frame of MPEG sound: eleven ones, then fields that have forbidden values. */
static unsigned int mp3(const uint8_t *p, size_t n, struct iq_payload *m)
{
	static const uint16_t rates[] = {0,   32,  40,	48,  56,  64,  80, 96,
					 112, 128, 160, 192, 224, 256, 320};
	static const uint16_t hertz[] = {44100, 48000, 32000};
	unsigned int rate, frame;

	if (!memcmp(p, "ID3", 3) && n >= 10 && p[3] >= 2 && p[3] <= 4 &&
	    !((p[6] | p[7] | p[8] | p[9]) & 0x80))
		return iq_payload_say(m, 40, 10, "MP3 sound with an ID3 tag");
	if (!memcmp(p, "ID3", 3) && p[3] >= 2 && p[3] <= 4)
		return iq_payload_say(m, 30, 4, "MP3 sound with an ID3 tag");
	if (p[0] != 0xff || (p[1] & 0xfe) != 0xfa || (p[2] >> 4) == 15 || !(p[2] >> 4) ||
	    (p[2] >> 2 & 3) == 3 || (p[3] & 3) == 2)
		return 0;
	rate = rates[p[2] >> 4];
	frame = 144000u * rate / hertz[p[2] >> 2 & 3] + (p[2] >> 1 & 1);
	/* A second frame where the first says that it ends, or an empty side information. */
	if (frame + 4 <= n && p[frame] == p[0] && p[frame + 1] == p[1])
		return iq_payload_say(m, 32, frame + 4, "MP3 sound, %u kbit/s", rate);
	return iq_payload_say(m, 17, 4, "MP3 sound, %u kbit/s", rate);
}

static unsigned int mp4(const uint8_t *p, size_t n, struct iq_payload *m)
{
	uint32_t len = iq_be32(p);

	if (memcmp(p + 4, "ftyp", 4) && memcmp(p + 4, "moov", 4) && memcmp(p + 4, "mdat", 4))
		return 0;
	if (len < 8 && len != 1 && len != 0)
		return 0;
	return iq_payload_say(m, 32 + (len < 65536 ? 14 : 0), IQ_MIN(n, 12u),
			      "MP4/QuickTime file (%.4s)", (const char *)p + 4);
}

static unsigned int pdf(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "%PDF", 4))
		return 0;
	if (n >= 8 && p[4] == '-' && p[5] >= '1' && p[5] <= '2' && p[6] == '.')
		return iq_payload_say(m, 60, 8, "PDF document, version %c.%c", p[5],
				      p[7] >= '0' && p[7] <= '9' ? p[7] : '?');
	return iq_payload_say(m, 32, 4, "PDF document");
}

static unsigned int class_file(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (iq_be32(p) != 0xcafebabe)
		return 0;
	if (n >= 8 && iq_be16(p + 6) >= 45 && iq_be16(p + 6) <= 80 && iq_be16(p + 4) <= 3)
		return iq_payload_say(m, 56, 8, "Java class file, version %u", iq_be16(p + 6));
	if (n >= 8 && iq_be32(p + 4) <= 8 && iq_be32(p + 4))
		return iq_payload_say(m, 56, 8, "Mach-O universal binary");
	return iq_payload_say(m, 30, 4, "Java class file or Mach-O universal binary");
}

static unsigned int sqlite(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "SQLite f", 8))
		return 0;
	if (n >= 18 && !memcmp(p, "SQLite format 3", 16))
		return iq_payload_say(m, 128, 18, "SQLite database, pages of %u bytes",
				      iq_be16(p + 16) == 1 ? 65536u : iq_be16(p + 16));
	return iq_payload_say(m, 64, 8, "SQLite database");
}

/* A SEQUENCE whose first element is one too, as certificates and most of PKCS have it. */
static unsigned int der(const uint8_t *p, size_t n, struct iq_payload *m)
{
	unsigned int len;

	if (p[0] != 0x30)
		return 0;
	if (p[1] == 0x82) {
		len = iq_be16(p + 2);
		if (len < 128)
			return 0;
		m->whole = 4 + len;
		if (n >= 8 && p[4] == 0x30 && p[5] == 0x82 && iq_be16(p + 6) < len &&
		    (n < 10 || p[8] == 0xa0 || p[8] == 0x02))
			return iq_payload_say(m, 16 + 16 + 2 + (n >= 10 ? 7 : 0), IQ_MIN(n, 10u),
					      "X.509 certificate (DER), %u bytes", len + 4);
		if (n >= 7 && p[4] == 0x02 && p[5] == 1 && p[6] <= 3)
			return iq_payload_say(m, 16 + 22, 7,
					      "private key or PKCS structure (DER), %u bytes",
					      len + 4);
		return iq_payload_say(m, len < 8192 ? 19 : 16, 4, "ASN.1 structure (DER), %u bytes",
				      len + 4);
	}
	/* SNMP: version, community */
	if (p[1] < 0x80 && n >= 7 && p[2] == 2 && p[3] == 1 && p[4] <= 1 && p[5] == 4 &&
	    p[6] < p[1] && p[6]) {
		m->whole = 2u + p[1];
		return iq_payload_say(m, 8 + 1 + 16 + 7 + 8 + 2, IQ_MIN(n, 7u + p[6]),
				      "SNMP message");
	}
	if (p[1] < 0x80 && n >= 6 && p[2] == 2 && p[3] == 1 && p[5] >= 0x60 && p[5] <= 0x78) {
		m->whole = 2u + p[1];
		return iq_payload_say(m, 8 + 1 + 16 + 3, 6, "LDAP message");
	}
	return 0;
}

/* Frame descriptor of the LZ4 frame format, or the kernel's own legacy format. */
static unsigned int lz4(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (iq_le32(p) == 0x184c2102)
		return iq_payload_say(m, 32, 4,
				      "LZ4-compressed data (legacy frame, as of kernel images)");
	if (iq_le32(p) != 0x184d2204 || (n >= 5 && p[4] >> 6 != 1))
		return 0;
	return iq_payload_say(m, 34, IQ_MIN(n, 6u), "LZ4-compressed data");
}

static unsigned int ogg(const uint8_t *p, size_t n, struct iq_payload *m)
{
	if (memcmp(p, "OggS", 4))
		return 0;
	if (n >= 6 && (p[4] || p[5] > 7))
		return 0;
	return iq_payload_say(m, n >= 6 ? 45 : 32, IQ_MIN(n, 6u), "Ogg sound or video");
}

static unsigned int lzma(const uint8_t *p, size_t n, struct iq_payload *m)
{
	uint32_t dict = iq_le32(p + 1);

	(void)n;
	/* properties byte 0x5d, a dictionary that is a power of two, unknown or modest length */
	if (p[0] != 0x5d || !dict || dict & (dict - 1) || dict < 4096 ||
	    (iq_le64(p + 5) != UINT64_MAX && iq_le64(p + 5) >> 40))
		return 0;
	return iq_payload_say(m, 8 + 27 + 23, 13, "LZMA-compressed data");
}

const struct iq_payload_format iq_payload_file[] = {
	{"elf", 4, elf},   {"mz", 8, dos_exe},	{"gzip", 4, gzip},	  {"zlib", 4, zlib},
	{"zstd", 4, zstd}, {"bzip2", 4, bzip2}, {"zip", 4, zip},	  {"tar", 8, tar},
	{"cpio", 6, cpio}, {"png", 4, png},	{"jpeg", 4, jpeg},	  {"gif", 4, gif},
	{"bmp", 14, bmp},  {"tiff", 4, tiff},	{"riff", 4, riff},	  {"mp3", 4, mp3},
	{"mp4", 8, mp4},   {"pdf", 4, pdf},	{"class", 4, class_file}, {"sqlite", 8, sqlite},
	{"der", 4, der},   {"lz4", 4, lz4},	{"ogg", 4, ogg},	  {"lzma", 13, lzma},
	{NULL, 0, NULL},
};
