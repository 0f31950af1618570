// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables of any content: the input is physical memory, page after page; four or five levels, with and without a bit for
 * encryption.  Translations must agree with each other, and walks over all tables end.
 */
#include "../unit/vm_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tables {
	unsigned int nr;
};

static bool count(void *arg, uint64_t table, unsigned int level, uint64_t va)
{
	struct tables *t = arg;

	(void)table;
	(void)va;
	if (level > IQ_MAX_LEVELS)
		__builtin_trap();
	return ++t->nr < 3000;
}

static void translate(struct iq_vm *vm, uint64_t va)
{
	const struct iq_vm_ops *ops = iq_vm_arch(vm)->vm;
	struct iq_swap_bits swap;
	const char *names[16];
	uint64_t pa, left;
	struct iq_walk w;
	uint8_t bytes[64];
	enum iq_mem how;

	iq_vm_walk(vm, va, &w);
	if (w.nr > IQ_MAX_LEVELS)
		__builtin_trap();
	how = iq_vm_translate(vm, va, &pa, &left);
	if (!how != !w.status || (!how && (pa != w.physical || !left)))
		__builtin_trap();
	for (unsigned int i = 0; i < w.nr; i++) {
		if (ops->entry_flags(w.level[i].entry, w.level[i].level, names, 16) > 16)
			__builtin_trap();
		ops->swap_entry(w.level[i].entry, w.level[i].level, &swap);
	}
	(void)!iq_vm_read(vm, va - 32, bytes, sizeof(bytes), NULL);
	iq_vm_read_string(vm, va, (char *)bytes, sizeof(bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_memory m;
	struct iq_vm *vm;
	struct iq_layout l;
	struct tables t = {0};

	if (size < 34 || size > 1 << 17 || !vm_memory_init(&m, size))
		return 0;
	memcpy(m.bytes, data + 34, size - 34);
	if (!vm_memory_start(&m)) {
		vm_memory_end(&m);
		return 0;
	}
	l = m.layout;
	l.levels = data[0] & 1 ? 5 : 4;
	l.encryption_mask = data[0] & 2 ? UINT64_C(1) << 51 : 0;
	l.text_linear = data[0] & 4;
	l.page_offset = UINT64_C(0xffff888000000000);
	l.page_offset_end = l.page_offset + m.size;
	if (!iq_vm_open(m.vm ? iq_arch_by_machine(EM_X86_64) : NULL, &l, m.reader, (data[1] & 7) * 4096ull, &vm)) {
		for (unsigned int i = 0; i < 4; i++) {
			uint64_t va = iq_le64(data + 2 + 8 * i);

			translate(vm, va);
			/* A canonical one of each half. */
			translate(vm, va >> 17);
			translate(vm, va | ~UINT64_C(0) << 47);
		}
		iq_arch_by_machine(EM_X86_64)->vm->tables(vm, data[0] & 8, count, &t);
		iq_vm_close(vm);
	}
	for (size_t at = 0; at + 4096 <= m.size; at += 4096)
		iq_arch_by_machine(EM_X86_64)->vm->may_be_root(m.bytes + at, size);
	vm_memory_end(&m);
	return 0;
}
