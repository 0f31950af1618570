// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kallsyms of any content: the input is kernel memory, in which the tables are looked for and
 * opened at places that the first bytes name.  What is found must answer consistently.
 */
#include "../unit/vm_memory.h"
#include <inquest/symbols.h>

#define MOST 3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct iq_symtab *t)
{
	struct iq_nearest n = {.word = "init_task"};
	unsigned int nr = iq_symtab_count(t);
	struct iq_symbol s, other;

	for (unsigned int i = 0; i < nr && i < MOST; i++) {
		unsigned int from = 0;

		if (!iq_symtab_at(t, i, &s))
			continue;
		if (!*s.name || s.address + s.size < s.address)
			__builtin_trap();
		if (i < 300)
			iq_symtab_by_name(t, s.name, &from, &other);
		if (iq_symtab_by_address(t, s.address, &other) && other.address > s.address)
			__builtin_trap();
	}
	if (nr < 100000)
		iq_symtab_nearest(t, &n);
	iq_error_free(iq_nearest_hint(&n, iq_error_new(IQ_E_NOT_FOUND, "x")));
	iq_symtab_by_address(t, UINT64_MAX, &s);
}

static void try_open(struct vm_memory *m, const struct iq_kallsyms_where *where, uint64_t address)
{
	struct iq_symtab *t;
	struct iq_error *err = iq_kallsyms_open(m->vm, where, "_stext", address, &t);

	if (!err) {
		use(t);
		iq_symtab_close(t);
	}
	iq_error_free(err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iq_kallsyms_where where = {0};
	uint64_t *fields[] = {&where.names,	  &where.num_syms,    &where.markers,
			      &where.token_table, &where.token_index, &where.seqs_of_names,
			      &where.addresses,	  &where.offsets,     &where.relative_base};
	struct vm_memory m;
	struct iq_error *err;

	if (size < 20 || size > 1 << 20 || !vm_memory_init(&m, size))
		return 0;
	/* Nine places in units of 8 bytes; 0: not known. */
	for (unsigned int i = 0; i < 9; i++)
		*fields[i] = iq_le16(data + 2 * i) ? VM_BASE + 8 * iq_le16(data + 2 * i) : 0;
	memcpy(m.bytes, data + 18, size - 18);
	if (vm_memory_start(&m)) {
		try_open(&m, &where, 0);
		err = iq_kallsyms_find(m.vm, VM_BASE, VM_BASE + m.size, &where);
		if (!err)
			try_open(&m, &where, 0);
		iq_error_free(err);
	}
	vm_memory_end(&m);
	return 0;
}
