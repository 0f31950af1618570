// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unit-dump-info FILE [ADDRESS LENGTH]...: what a dump says about itself, one fact a line, and bytes
 * of its physical memory in hexadecimal, for comparison with what other programs say.
 */
#include <inquest/dump.h>
#include <stdlib.h>

static int fail(const struct iq_error *err)
{
	printf("error %s\n", err->message);
	return 1;
}

static void show_bytes(struct iq_reader *r, uint64_t address, uint64_t len)
{
	struct iq_fault fault;
	uint8_t buf[65536];

	len = IQ_MIN(len, sizeof(buf));
	printf("bytes 0x%llx ", (unsigned long long)address);
	if (iq_read_phys(r, address, buf, len, &fault)) {
		printf("0x%llx %s\n", (unsigned long long)fault.address, iq_mem_text(fault.why));
		return;
	}
	for (uint64_t i = 0; i < len; i++)
		printf("%02x", buf[i]);
	printf("\n");
}

static void show(const struct iq_dump *d)
{
	const struct iq_dump_info *info = iq_dump_info(d);
	uint64_t start, end;

	printf("format %s\nmachine %u\npage_size %u\nmax_pfn 0x%llx\n", info->format_text,
	       info->machine, info->page_size, (unsigned long long)info->max_pfn);
	printf("incomplete %d\ntruncated %d\nfiltered %d\ndump_level %d\nnr_cpus %u\n",
	       info->incomplete, info->truncated, info->filtered, info->dump_level, info->nr_cpus);
	if (info->release)
		printf("release %s\n", info->release);
	for (unsigned int i = 0; i < info->nr_notes; i++)
		printf("note %s 0x%x 0x%x %016llx\n", info->notes[i].name, info->notes[i].type,
		       info->notes[i].size,
		       (unsigned long long)iq_hash_mem(info->notes[i].data, info->notes[i].size));
	for (unsigned int i = 0; iq_dump_range(d, i, &start, &end); i++)
		printf("range 0x%llx 0x%llx\n", (unsigned long long)start, (unsigned long long)end);
	printf("vmcoreinfo %zu %016llx\n", info->vmcoreinfo_len,
	       (unsigned long long)iq_hash_mem(info->vmcoreinfo, info->vmcoreinfo_len));
}

int main(int argc, char **argv)
{
	struct iq_warnings w = {0};
	struct iq_reader *r;
	struct iq_dump *d;
	struct iq_error *err;

	if (argc < 2 || argc % 2) {
		fprintf(stderr, "usage: unit-dump-info FILE [ADDRESS LENGTH]...\n");
		return 2;
	}
	err = iq_dump_open(argv[1], &w, &d);
	if (err)
		return fail(err);
	err = iq_reader_open(d, 0, &r);
	if (err)
		return fail(err);
	for (unsigned int i = 0; i < w.nr; i++)
		printf("warning %s\n", w.text[i]);
	show(d);
	for (int i = 2; i + 1 < argc; i += 2) {
		uint64_t address, len;

		if (iq_parse_u64(argv[i], &address) && iq_parse_u64(argv[i + 1], &len))
			show_bytes(r, address, len);
	}
	iq_reader_close(r);
	iq_dump_close(d);
	iq_warnings_clear(&w);
	return 0;
}
