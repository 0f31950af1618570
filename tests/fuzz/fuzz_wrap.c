// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dump compressed as a whole: the decompressors and the indices of parts, with whatever is in them.
 * The content is read back to front, so that parts are fetched one by one.
 */
#include <inquest/dump.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_warnings w = {0};
	struct iq_dump *d;
	struct iq_reader *r;
	struct iq_error *err = iq_dump_open_memory(data, size, &w, &d);

	if (!err) {
		const struct iq_dump_info *info = iq_dump_info(d);
		uint8_t bytes[64];
		const uint8_t *page;

		err = iq_reader_open(d, 4, &r);
		for (uint64_t i = 0; !err && i < 64 && i < info->max_pfn; i++)
			(void)!iq_read_page(r, info->max_pfn - 1 - i, &page);
		for (unsigned int i = 0; i < info->nr_devices && i < 64; i++)
			iq_device_dump_read(d, &info->devices[i], bytes, sizeof(bytes),
					    info->devices[i].there - IQ_MIN(info->devices[i].there, 9));
		if (!err)
			iq_reader_close(r);
		iq_dump_close(d);
	}
	iq_error_free(err);
	iq_warnings_clear(&w);
	return 0;
}
