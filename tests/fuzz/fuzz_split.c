// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A split kdump of three files.  The input is one kdump file with a tail of 32 bytes: where to cut
 * the memory, which part to leave out or to give twice, and some bytes to damage in one part only.
 */
#include <inquest/dump.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTS 3
#define TAIL 32
/* struct kdump_sub_header, in the block behind the first: see src/dump/kdump.c. */
#define SUB_SPLIT 12
#define SUB_RANGE 16
#define SUB_RANGE_64 80
#define SUB_LEN 104

static volatile uint64_t sink;

static void make_part(uint8_t *file, size_t size, uint64_t start, uint64_t end)
{
	static const uint8_t one[4] = {1};
	uint32_t block = size >= 432 ? iq_le32(file + 428) : 0;

	if (block > size || size - block < SUB_LEN)
		return;
	memcpy(file + block + SUB_SPLIT, one, sizeof(one));
	memcpy(file + block + SUB_RANGE, &start, sizeof(start));
	memcpy(file + block + SUB_RANGE + 8, &end, sizeof(end));
	memcpy(file + block + SUB_RANGE_64, &start, sizeof(start));
	memcpy(file + block + SUB_RANGE_64 + 8, &end, sizeof(end));
}

static void read_pages(struct iq_dump *d, const uint64_t *cut)
{
	struct iq_scan scan = {.threads = 1, .end_pfn = 8192};
	struct iq_reader *r;
	const uint8_t *page;

	if (iq_reader_open(d, 8, &r))
		abort();
	for (unsigned int i = 0; i <= PARTS; i++) {
		for (uint64_t pfn = cut[i] - 8; pfn != cut[i] + 8; pfn++) {
			iq_page_state(r, pfn);
			if (iq_read_page(r, pfn, &page) == IQ_MEM_OK)
				sink ^= iq_hash_mem(page, iq_dump_info(d)->page_size);
		}
	}
	iq_error_free(iq_dump_scan(d, &scan));
	iq_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_memory_file file[PARTS];
	struct iq_warnings w = {0};
	struct iq_dump *d;
	uint64_t cut[PARTS + 1] = {0};
	const uint8_t *tail;
	struct iq_error *err;
	uint8_t *copy[PARTS];

	if (size < TAIL + 1)
		return 0;
	size -= TAIL;
	tail = data + size;
	for (unsigned int i = 1; i <= PARTS; i++)
		cut[i] = iq_le32(tail + 4 * i);
	for (unsigned int i = 0; i < PARTS; i++) {
		/* Each on its own, so that reading behind its end is seen. */
		copy[i] = malloc(size);
		if (!copy[i])
			abort();
		memcpy(copy[i], data, size);
		make_part(copy[i], size, cut[i], cut[i + 1]);
		file[tail[0] & 1 ? PARTS - 1 - i : i] = (struct iq_memory_file){copy[i], size};
	}
	if (tail[0] & 2)
		copy[tail[1] % PARTS][iq_le32(tail + 16) % size] ^= tail[2];
	if (tail[0] & 4)
		file[tail[3] % PARTS].size = iq_le32(tail + 20) % size + 1;
	if (tail[0] & 8)
		file[0] = file[1];
	err = iq_dump_open_memory_files(file, PARTS - (tail[0] >> 4) % PARTS, &w, &d);
	if (!err) {
		read_pages(d, cut);
		iq_dump_close(d);
	}
	iq_error_free(err);
	iq_warnings_clear(&w);
	for (unsigned int i = 0; i < PARTS; i++)
		free(copy[i]);
	return 0;
}
