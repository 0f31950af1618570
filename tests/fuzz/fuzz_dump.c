// SPDX-License-Identifier: GPL-2.0-or-later
/* A dump in memory: opening it, its notes and VMCOREINFO, its pages, a scan.  All formats. */
#include <inquest/dump.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink;

static void read_pages(struct iq_dump *d, struct iq_reader *r)
{
	uint64_t max = iq_dump_info(d)->max_pfn, start, end;
	uint8_t word[24];
	const uint8_t *page;

	for (uint64_t i = 0; i < 64; i++) {
		/* From both ends. */
		uint64_t pfn = i & 1 ? max - 1 - i / 2 : i / 2;

		iq_page_state(r, pfn);
		iq_page_is_guess(r, pfn);
		if (iq_read_page(r, pfn, &page) == IQ_MEM_OK)
			sink ^= iq_hash_mem(page, iq_dump_info(d)->page_size);
		(void)!iq_read_phys(r, pfn * 4096 - 9, word, sizeof(word), NULL);
	}
	for (unsigned int i = 0; i < 32 && iq_dump_range(d, i, &start, &end); i++) {
		(void)!iq_read_phys(r, start, word, sizeof(word), NULL);
		(void)!iq_read_phys(r, end - sizeof(word), word, sizeof(word), NULL);
	}
}

static void read_facts(const struct iq_dump *d)
{
	const struct iq_dump_info *info = iq_dump_info(d);
	char value[32];
	uint64_t hex;
	int64_t dec;

	for (unsigned int i = 0; i < info->nr_notes; i++)
		sink ^= iq_hash_mem(info->notes[i].data, info->notes[i].size) ^
			iq_hash_str(info->notes[i].name);
	if (!info->vmcoreinfo)
		return;
	iq_vmcoreinfo_get(info->vmcoreinfo, info->vmcoreinfo_len, "OSRELEASE", value,
			  sizeof(value));
	iq_vmcoreinfo_hex(info->vmcoreinfo, info->vmcoreinfo_len, "SYMBOL(_stext)", &hex);
	iq_vmcoreinfo_dec(info->vmcoreinfo, info->vmcoreinfo_len, "NUMBER(phys_base)", &dec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_warnings w = {0};
	struct iq_dump *d;
	struct iq_reader *r;
	struct iq_error *err = iq_dump_open_memory(data, size, &w, &d);

	if (!err) {
		/* The threads of more than one worker would only be slow. */
		struct iq_scan scan = {.threads = 1, .end_pfn = 4096};

		read_facts(d);
		err = iq_reader_open(d, 8, &r);
		if (!err) {
			read_pages(d, r);
			err = iq_dump_scan(d, &scan);
			iq_reader_close(r);
		}
		iq_dump_close(d);
	}
	iq_error_free(err);
	iq_warnings_clear(&w);
	return 0;
}
