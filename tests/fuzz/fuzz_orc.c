// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ORC tables of any content: layout, number of rows and the places of both tables, then memory.
 * A row that is found must be for the address asked for, and the range must hold it.
 */
#include "../unit/vm_memory.h"
#include <inquest/orc.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct iq_orc *o, const uint8_t *data, size_t size)
{
	struct iq_orc_row row;
	uint64_t first, last;

	for (size_t i = 0; i + 4 <= size && i < 1024; i += 4) {
		uint64_t address = VM_BASE + iq_le32(data + i) % (1u << 28);

		if (iq_orc_lookup(o, address, &row) &&
		    (row.start > address || row.type > IQ_ORC_REGS_PARTIAL ||
		     row.sp_reg > IQ_X86_RIP))
			__builtin_trap();
	}
	if (iq_orc_range(o, &first, &last) && first > last)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t ips, rows, num, starts[4];
	enum iq_orc_layout layout;
	struct vm_memory m;
	struct iq_error *err;
	struct iq_orc *o;

	if (size < 24 || size > 1 << 20 || !vm_memory_init(&m, size))
		return 0;
	num = iq_le16(data + 2);
	ips = VM_BASE + iq_le16(data + 4);
	rows = VM_BASE + iq_le16(data + 6);
	memcpy(m.bytes, data + 24, size - 24);
	if (vm_memory_start(&m)) {
		err = iq_orc_open(m.vm, data[0] % 4 + 1, data[1] & 1, ips, rows, num, &o);
		if (!err) {
			use(o, data, size);
			iq_orc_close(o);
		}
		iq_error_free(err);
		for (unsigned int i = 0; i < 4; i++)
			starts[i] = VM_BASE + iq_le32(data + 8 + 4 * i) % (1u << 28);
		iq_error_free(iq_orc_probe(m.vm, NULL, NULL, ips, rows, num, starts, 4, &layout));
	}
	vm_memory_end(&m);
	return 0;
}
