// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Payloads that one magic number of four and more bytes tells, at the start or at a fixed place
 * inside.  What has more structure than that has a test of its own elsewhere.
 */
#include "payload.h"

static const struct magic {
	uint8_t len;
	const char *bytes, *name;
} magics[] = {
	{6,
	 "\xfd"
	 "7zXZ\0",
	 "xz-compressed data"},
	{6, "7z\xbc\xaf\x27\x1c", "7-Zip archive"},
	{6, "Rar!\x1a\x07", "RAR archive"},
	{9, "\x89LZO\0\r\n\x1a\n", "LZO-compressed data"},
	{4, "MSCF", "Windows cabinet archive"},
	{4, "LZIP", "lzip-compressed data"},
	{8, "!<arch>\n", "ar archive (static library or Debian package)"},
	{4, "\xed\xab\xee\xdb", "RPM package"},
	{4, "\0asm", "WebAssembly module"},
	{4, "\x1bLua", "Lua bytecode"},
	{4, "\x1bLJ\x02", "LuaJIT bytecode"},
	{4, "dex\n", "Android DEX file"},
	{4, "BC\xc0\xde", "LLVM bitcode"},
	{4, "\xcf\xfa\xed\xfe", "Mach-O executable"},
	{4, "\xfe\xed\xfa\xcf", "Mach-O executable"},
	{4, "fLaC", "FLAC sound"},
	{4, "MThd", "MIDI sound"},
	{4, "\x1a\x45\xdf\xa3", "Matroska/WebM video (EBML)"},
	{4, "FLV\x01", "Flash video"},
	{4, "8BPS", "Photoshop picture"},
	{4, "wOFF", "web font (WOFF)"},
	{4, "wOF2", "web font (WOFF2)"},
	{4, "OTTO", "OpenType font"},
	{8, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Office document (OLE2)"},
	{5, "{\\rtf", "RTF document"},
	{4, "\xd4\xc3\xb2\xa1", "packet capture (pcap)"},
	{4, "\xa1\xb2\xc3\xd4", "packet capture (pcap)"},
	{4, "\x4d\x3c\xb2\xa1", "packet capture (pcap, nanoseconds)"},
	{8, "LABELONE", "LVM2 physical volume label"},
	{4, "LVM2", "LVM2 label"},
	{6, "LUKS\xba\xbe", "LUKS header"},
	{4, "\xfc\x4e\x2b\xa9", "md RAID super block"},
	{4, "QFI\xfb", "qcow2 disk image"},
	{4, "KDMV", "VMDK disk image"},
	{8, "conectix", "VHD disk image"},
	{8, "vhdxfile", "VHDX disk image"},
	{8, "KDUMP   ", "kernel dump (kdump)"},
	{4, "\x10\x20\xf5\xf2", "F2FS super block"},
	{4, "\x31\x18\x10\x06", "UBIFS node"},
	{7, "\xeb\x52\x90NTFS", "NTFS boot sector"},
	{8, "\xeb\x58\x90mkfs.", "FAT boot sector"},
	{8, "\xeb\x3c\x90mkfs.", "FAT boot sector"},
	{8, "\xeb\x58\x90MSDOS", "FAT boot sector"},
	{4, "UBI#", "UBI erase counter header"},
	{4, "UBI!", "UBI volume header"},
	{4, "\x45\x3d\xcd\x28", "cramfs super block"},
	{8, "-rom1fs-", "romfs super block"},
	{4, "\xe2\xe1\xf5\xe0", "EROFS super block"},
	{8, "NXSB\0\0\0\0", "APFS container"},
	{8, "NBDMAGIC", "NBD greeting"},
	{8, "IHAVEOPT", "NBD greeting"},
	{4, "\x25\x60\x95\x13", "NBD request"},
	{4, "\x67\x44\x66\x98", "NBD reply"},
	{4, "\xffSMB", "SMB1 message"},
	{6, "\xfeSMB\x40\0", "SMB2/3 message"},
	{4, "\xfdSMB", "SMB3 encrypted message"},
	{4, "\x21\x12\xa4\x42", "STUN magic cookie"},
	{8, "PRI * HT", "HTTP/2 preface"},
	{8, "BitTorre", "BitTorrent handshake"},
	{4, "MQTT", "MQTT connect"},
	{4, "\xd0\x0d\xfe\xed", "flattened device tree"},
	{8, "\0\xff\xff\xff\xff\xff\xff\0", "EDID of a monitor"},
	{8, "IBI SYST", "EFI system table"},
	{8, "BOOTSERV", "EFI boot services table"},
	{8, "RUNTSERV", "EFI runtime services table"},
	{4, "_FVH", "EFI firmware volume"},
	{4, "\x27\x05\x19\x56", "U-Boot image"},
	{4, "ANDR", "Android boot image"},
	{4, "HdrS", "Linux boot protocol header"},
	{4, "\x9f\xeb\x01\0", "BTF type information"},
	{4, "CTF\0", "CTF type information"},
	{8, "PERFILE2", "perf.data file"},
	{8, "LPKSHHRH", "systemd journal file"},
	{4, "ssh-", "SSH key or greeting"},
	{4, "SSH-", "SSH greeting"},
	{10, "-----BEGIN", "PEM block"},
	{4, "CrAU", "Chrome OS update"},
	{4, "glTF", "glTF model"},
	{4, "PAR1", "Parquet file"},
	{4, "\x89HDF", "HDF5 file"},
	{8, "GRIB\0\0\0\0", "GRIB data"},
	{4, "REGF", "Windows registry"},
	{4, "regf", "Windows registry"},
	{8, "ElfFile\0", "Windows event log"},
	{6, "SIMPLE", "FITS data"},
	{6, "#!/bin/", "script"},
	{6, "#!/usr/", "script"},
};

static unsigned int magic(const uint8_t *p, size_t n, struct iq_payload *m)
{
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(magics); i++) {
		const struct magic *g = &magics[i];
		unsigned int len = g->len;

		if (n < len || memcmp(p, g->bytes, len))
			continue;
		return iq_payload_say(m, 8 * len, len, "%s", g->name);
	}
	return 0;
}

const struct iq_payload_format iq_payload_magic[] = {
	{"magic", 4, magic},
	{NULL, 0, NULL},
};
