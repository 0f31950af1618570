// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Parameters and locals by DWARF of any content.  The first byte of the input says what the rest is: 'e' an
 * expression, anything else an ELF file whose functions' variables are all asked for.
 */
#include "../../src/debug/dwarf_expr.h"
#include "../unit/vm_memory.h"
#include <inquest/locals.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT UINT64_C(0xffffffffc0000000)
#define MEMORY_BYTES 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- Expressions ------------------------------------------------------------------------------ */

static enum iq_dw_known reg(void *arg, unsigned int n, uint64_t *ret)
{
	*ret = UINT64_C(0x100000001) * n;
	return n < 20 ? IQ_DW_KNOWN : IQ_DW_NO_REGISTER;
}

static enum iq_dw_known memory(void *arg, uint64_t address, unsigned int size, uint64_t *ret)
{
	if (!size || size > 8)
		__builtin_trap();
	*ret = address * 3;
	return address % 16 ? IQ_DW_KNOWN : IQ_DW_NO_MEMORY;
}

static enum iq_dw_known constant(void *arg, uint64_t *ret)
{
	*ret = 0xffff888000000000;
	return IQ_DW_KNOWN;
}

static enum iq_dw_known entry_value(void *arg, const uint8_t *code, size_t len, uint64_t *ret)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += code[i];
	*ret = sum;
	return IQ_DW_KNOWN;
}

static void use_expression(const uint8_t *data, size_t size)
{
	const struct iq_dw_machine m = {.reg = reg,
					.memory = memory,
					.cfa = constant,
					.frame_base = constant,
					.entry_value = entry_value};
	struct iq_dw_expr e = {.len = size, .address_size = 8, .offset_size = 4};
	struct iq_dw_location loc;
	uint8_t *code = malloc(size ? size : 1);
	uint64_t value;

	if (!code)
		abort();
	memcpy(code, data, size);
	e.code = code;
	if (iq_dw_locate(&e, &m, &loc) == IQ_DW_KNOWN && (!loc.nr || loc.nr > IQ_DW_PIECES))
		__builtin_trap();
	e.has_initial = true;
	iq_dw_compute(&e, &m, &value);
	free(code);
}

/* ---- Files ------------------------------------------------------------------------------------ */

struct asked {
	struct iq_debugfile *f;
	const struct iq_locals_frame *frame;
};

/* As if the function had called itself where it is. */
static bool entry(void *arg, unsigned int number, uint64_t *ret, bool *certain)
{
	const struct asked *q = arg;
	struct iq_locals_frame caller = *q->frame;

	caller.entry = NULL;
	return iq_debugfile_call_value(q->f, &caller, caller.address + 1, number, ret, certain);
}

static void use_locals(struct iq_debugfile *f, struct iq_vm *vm, uint64_t address)
{
	struct iq_regs regs = {.valid = 0x1ffff};
	struct iq_locals_frame frame = {.address = address,
					.regs = &regs,
					.has_cfa = true,
					.cfa = VM_BASE + MEMORY_BYTES / 2,
					.vm = vm,
					.entry = entry};
	struct asked q = {f, &frame};
	struct iq_locals locals;

	for (unsigned int i = 0; i < 17; i++)
		regs.value[i] = VM_BASE + 64 * i;
	frame.arg = &q;
	if (!iq_debugfile_locals(f, &frame, &locals))
		return;
	for (unsigned int i = 0; i < locals.nr; i++) {
		const struct iq_local *l = &locals.list[i];
		uint8_t sum = 0;
		char why[96];

		iq_local_why(iq_vm_arch(vm), l->state, l->reg, why, sizeof(why));
		for (uint64_t n = 0; l->bytes && n < l->size; n++)
			sum += l->bytes[n];
		if ((l->bytes && l->size > IQ_LOCAL_MAX) || (sum && l->state != IQ_LOCAL_KNOWN))
			__builtin_trap();
	}
	iq_locals_free(&locals);
}

static void use_file(const char *path, struct iq_vm *vm)
{
	struct iq_debugfile *f;
	struct iq_error *err = iq_debugfile_open(path, &f);

	if (err) {
		iq_error_free(err);
		return;
	}
	iq_error_free(iq_debugfile_set_section(f, ".text", TEXT));
	for (unsigned int i = 0; i < 160; i += 3)
		use_locals(f, vm, TEXT + i);
	iq_debugfile_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vm_memory m;
	char path[64];
	int fd;

	if (!size)
		return 0;
	if (data[0] == 'e') {
		use_expression(data + 1, size - 1);
		return 0;
	}
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data + 1, size - 1) != (ssize_t)(size - 1))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (vm_memory_init(&m, MEMORY_BYTES)) {
		for (unsigned int i = 0; i < MEMORY_BYTES; i++)
			m.bytes[i] = (uint8_t)(i * 7);
		if (vm_memory_start(&m))
			use_file(path, m.vm);
		vm_memory_end(&m);
	}
	close(fd);
	return 0;
}
