// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The header that libvirt puts in front of a saved machine (virsh save, virsh managedsave, virsh dump without
 * --memory-only): struct _virQEMUSaveHeader of its src/qemu/qemu_saveimage.h {magic[16]; u32 version, length of what
 * follows, was running, compression, offset of a cookie, unused[14]} in the host's byte order, then the description of
 * the machine in XML, then the stream.
 */
#include "savevm.h"

#define HEADER_LEN 92
#define MAGIC_LEN 16

bool iq_libvirt_recognise(const uint8_t head[IQ_HEAD_LEN])
{
	/* The latter while it is being written. */
	return !memcmp(head, "LibvirtQemudSave", MAGIC_LEN) ||
	       !memcmp(head, "LibvirtQemudPart", MAGIC_LEN);
}

static struct iq_error *compressed(uint32_t how, uint64_t begin)
{
	static const char *const programs[] = {NULL, "gzip", "bzip2", "xz", "lzop", "zstd"};

	if (how >= IQ_ARRAY_SIZE(programs))
		return iq_error_new(IQ_E_FORMAT, "a machine saved by libvirt, compressed in a way of number %u",
				    how);
	return iq_error_hint(iq_error_new(IQ_E_FORMAT,
					  "a machine saved by libvirt, compressed with %s",
					  programs[how]),
			     "tail -c +%llu FILE | %s -dc >MACHINE makes one that can be read here",
			     (unsigned long long)begin + 1, programs[how]);
}

struct iq_error *iq_libvirt_begin(struct iq_file *f, uint64_t *begin)
{
	uint8_t h[HEADER_LEN], magic[4];
	uint32_t version, how;

	if (iq_file_read_all(f, h, sizeof(h), 0))
		return iq_error_new(IQ_E_FORMAT, "the file ends inside libvirt's header");
	version = iq_le32(h + MAGIC_LEN);
	if (!version || version > 0xffff)
		return iq_error_new(IQ_E_FORMAT, "a machine saved by libvirt, by a host of the other byte order");
	*begin = HEADER_LEN + (uint64_t)iq_le32(h + MAGIC_LEN + 4);
	how = iq_le32(h + MAGIC_LEN + 12);
	/* What counts is what is there: later formats of libvirt are not compressed either. */
	if (!iq_file_read_all(f, magic, sizeof(magic), *begin) && !memcmp(magic, "QEVM", 4))
		return NULL;
	return how ? compressed(how, *begin)
		   : iq_error_new(IQ_E_FORMAT, "no saved machine behind libvirt's header");
}
