// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bare memory of a machine, byte after byte, with nothing that says so: QEMU's pmemsave and the
 * files behind its memory, dd of a persistent memory device.  Opened only by request.
 *
 * Usually the byte at X of such a file is the byte at physical address X.  But a file with only the
 * RAM in it has no bytes of the hole below 4 GB, where PC hardware has its devices, and what follows
 * the hole follows at once.  What the firmware told the kernel of its memory (struct boot_params:
 * Documentation/arch/x86/zero-page.rst) is in the image, and decides.
 */
#include "image.h"
#include <elf.h>
#include <stdlib.h>

#define FOUR_GB (UINT64_C(1) << 32)
/* Where boot loaders and the kernel's own real-mode code leave boot_params. */
#define LOW_MEMORY (1u << 20)
/* The kernel's copy of it is sought in so much, if anything depends on it. */
#define MOST_SOUGHT (UINT64_C(1) << 30)

enum {
	BP_E820_ENTRIES = 0x1e8,
	BP_BOOT_FLAG = 0x1fe, /* 0xaa55 */
	BP_HEADER = 0x202, /* "HdrS" */
	BP_E820_TABLE = 0x2d0, /* {u64 address, size; u32 type}, 128 at most */
	BP_LEN = 4096,
};
#define E820_ENTRY 20u
#define E820_MOST 128u
#define E820_RAM 1

struct memory_map {
	bool found;
	uint64_t low_end; /* of the RAM below 4 GB */
	uint64_t top; /* of all RAM */
};

static bool read_map(const uint8_t *bp, struct memory_map *map)
{
	unsigned int nr = bp[BP_E820_ENTRIES];
	struct memory_map m = {.found = true};

	if (iq_le16(bp + BP_BOOT_FLAG) != 0xaa55 || memcmp(bp + BP_HEADER, "HdrS", 4) || !nr ||
	    nr > E820_MOST)
		return false;
	for (unsigned int i = 0; i < nr; i++) {
		const uint8_t *e = bp + BP_E820_TABLE + i * E820_ENTRY;
		uint64_t start = iq_le64(e), end;

		if (iq_add_overflows(start, iq_le64(e + 8), &end) ||
		    end > IQ_PFN_LIMIT * IQ_PAGE_MIN)
			return false;
		if (iq_le32(e + 16) != E820_RAM)
			continue;
		if (start < FOUR_GB)
			m.low_end = IQ_MAX(m.low_end, end);
		m.top = IQ_MAX(m.top, end);
	}
	/* No PC has its first RAM above 640 KB only, or none below 4 GB. */
	if (!m.low_end || m.low_end > FOUR_GB)
		return false;
	*map = m;
	return true;
}

/* Search the first END bytes of the file. */
static bool find_map(const struct iq_file *f, uint64_t end, struct memory_map *map)
{
	uint8_t *buf = malloc(LOW_MEMORY + BP_LEN);
	uint64_t at;

	for (at = 0; buf && !map->found && at < end; at += LOW_MEMORY) {
		ssize_t n = iq_file_read(f, buf, LOW_MEMORY + BP_LEN, at);

		if (n < BP_LEN)
			break;
		/* The compiler and boot loaders align it at least so. */
		for (size_t i = 0; !map->found && i + BP_LEN <= (size_t)n; i += 16) {
			if (!memcmp(buf + i + BP_HEADER, "HdrS", 4))
				read_map(buf + i, map);
		}
	}
	free(buf);
	return map->found;
}

struct iq_error *iq_raw_open(struct iq_dump *d, struct iq_warnings *w)
{
	uint64_t size = d->file->size, hole;
	struct memory_map map = {0};
	struct iq_image *m;

	IQ_TRY(iq_image_start(d, IQ_DUMP_RAW, &m));
	/* Nothing says so, but the only machine whose kernels are found in bare memory. */
	d->info.machine = EM_X86_64;
	/* Below 2 GB there is no hole yet. */
	if (!find_map(d->file, IQ_MIN(size, LOW_MEMORY), &map) && size > FOUR_GB / 2)
		find_map(d->file, IQ_MIN(size, MOST_SOUGHT), &map);
	hole = map.top > FOUR_GB ? size - IQ_MIN(size, map.top - FOUR_GB) : 0;
	if (map.found && map.top > FOUR_GB && size < map.top && hole >= map.low_end &&
	    hole <= FOUR_GB && !(hole % IQ_PAGE_MIN)) {
		IQ_TRY(iq_image_add(m, 0, hole, 0));
		IQ_TRY(iq_image_add(m, FOUR_GB, size - hole, hole));
		snprintf(d->info.format_text, sizeof(d->info.format_text),
			 "raw memory without the hole from 0x%llx to 4 GB",
			 (unsigned long long)hole);
		return iq_image_finish(d);
	}
	if (map.found && size < map.top) {
		iq_warn(w,
			"the machine had memory up to 0x%llx, the file ends at 0x%llx: the rest is "
			"lost",
			(unsigned long long)map.top - 1, (unsigned long long)size - 1);
		d->info.truncated = true;
	} else if (!map.found && size > FOUR_GB / 2) {
		iq_warn(w, "no memory map was found in the image: a byte's place in the file is "
			   "taken as its "
			   "physical address");
	}
	snprintf(d->info.format_text, sizeof(d->info.format_text), "raw memory");
	IQ_TRY(iq_image_add(m, 0, size, 0));
	return iq_image_finish(d);
}
