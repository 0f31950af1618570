// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kernel virtual addresses of a dump, with nothing but its VMCOREINFO or a CPU's control registers:
 *
 *	vm_walk DUMP walk ADDRESS…	the steps of the page-table walk, one line an address
 *	vm_walk DUMP read ADDRESS LENGTH	bytes, to standard output
 *	vm_walk DUMP registers		the CPUs' registers from the notes
 *	vm_walk DUMP speed ADDRESS	nanoseconds a translation and a read of 8 bytes
 */
#include <elf.h>
#include <inquest/arch.h>
#include <stdlib.h>
#include <time.h>

static const struct iq_arch *arch;

static void die(struct iq_error *err)
{
	fprintf(stderr, "vm_walk: %s\n", err->message);
	exit(1);
}

/* Levels and top table as the kernel's notes say, else as the first CPU's control registers do. */
static void find_layout(struct iq_dump *dump, struct iq_layout *l)
{
	const struct iq_dump_info *info = iq_dump_info(dump);
	const struct iq_note *note;
	struct iq_regs regs = {.valid = 0};
	unsigned int from = 0;
	uint64_t table;
	int64_t five = 0;

	memset(l, 0, sizeof(*l));
	if (info->vmcoreinfo &&
	    iq_vmcoreinfo_hex(info->vmcoreinfo, info->vmcoreinfo_len, "SYMBOL(swapper_pg_dir)",
			      &table) &&
	    iq_vmcoreinfo_dec(info->vmcoreinfo, info->vmcoreinfo_len, "NUMBER(phys_base)",
			      &l->phys_base)) {
		iq_vmcoreinfo_dec(info->vmcoreinfo, info->vmcoreinfo_len,
				  "NUMBER(pgtable_l5_enabled)", &five);
		l->levels = five ? 5 : 4;
		l->text_base = UINT64_C(0xffffffff80000000);
		l->text_end = UINT64_C(0xffffffffc0000000);
		l->kernel_root = table - l->text_base + (uint64_t)l->phys_base;
		return;
	}
	note = iq_dump_note(dump, "QEMU", 0, &from);
	if (!note || !arch->qemu_regs(note, &regs, NULL)) {
		fprintf(stderr, "vm_walk: the dump does not say where the page tables are\n");
		exit(1);
	}
	l->levels = regs.value[IQ_X86_CR4] >> 12 & 1 ? 5 : 4;
	l->kernel_root = regs.value[IQ_X86_CR3] & ~UINT64_C(0xfff);
}

/* address status physical page_size linear, then for each level: NAME entry_address entry flags */
static void walk(struct iq_vm *vm, uint64_t va)
{
	struct iq_walk w;

	iq_vm_walk(vm, va, &w);
	printf("%016llx %d %llx %llx %d", (unsigned long long)va, w.status,
	       (unsigned long long)w.physical, (unsigned long long)w.page_size, w.linear);
	for (unsigned int i = 0; i < w.nr; i++) {
		const struct iq_walk_level *l = &w.level[i];
		const char *names[16];
		unsigned int n = arch->vm->entry_flags(l->entry, l->level, names, 16);

		printf(" %s %llx %llx ", l->name, (unsigned long long)l->entry_address,
		       (unsigned long long)l->entry);
		for (unsigned int k = 0; k < n; k++)
			printf("%s%s", k ? "|" : "", names[k]);
		if (!n)
			putchar('-');
	}
	putchar('\n');
}

static void print_registers(struct iq_dump *dump)
{
	struct iq_regs regs[64];
	unsigned int nr = 0, from = 0, cpu = 0;
	const struct iq_note *note;

	while (nr < 64 && (note = iq_dump_note(dump, "CORE", NT_PRSTATUS, &from)))
		nr += arch->prstatus_regs(note, &regs[nr], NULL);
	for (from = 0; (note = iq_dump_note(dump, "QEMU", 0, &from)) && cpu < nr; cpu++)
		arch->qemu_regs(note, &regs[cpu], NULL);
	for (cpu = 0; cpu < nr; cpu++) {
		printf("cpu %u", cpu);
		for (unsigned int r = 0; r < arch->nr_regs; r++)
			if (iq_reg_known(&regs[cpu], r))
				printf(" %s=%llx", arch->reg_names[r],
				       (unsigned long long)regs[cpu].value[r]);
		putchar('\n');
	}
}

static void read_bytes(struct iq_vm *vm, uint64_t va, size_t len)
{
	void *buf = malloc(len ? len : 1);
	struct iq_error *err;

	if (!buf)
		die(iq_error_nomem());
	err = iq_vm_read_or(vm, va, buf, len, "memory");
	if (err)
		die(err);
	fwrite(buf, 1, len, stdout);
	free(buf);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void speed(struct iq_vm *vm, uint64_t va)
{
	const unsigned int n = 20000000;
	uint64_t value, sum = 0;
	double t = seconds();

	for (unsigned int i = 0; i < n; i++)
		if (!iq_vm_translate(vm, va + i * 8 % 2048, &value, NULL))
			sum += value;
	printf("%.1f ns a translation\n", (seconds() - t) / n * 1e9);
	t = seconds();
	for (unsigned int i = 0; i < n; i++)
		if (!iq_vm_read_uint(vm, va + i * 8 % 2048, 8, &value))
			sum += value;
	printf("%.1f ns a read (%llx)\n", (seconds() - t) / n * 1e9, (unsigned long long)sum);
}

int main(int argc, char **argv)
{
	struct iq_layout layout;
	struct iq_reader *reader;
	struct iq_error *err;
	struct iq_dump *dump;
	struct iq_vm *vm;

	arch = iq_arch_by_machine(EM_X86_64);
	if (argc < 3)
		return 2;
	err = iq_dump_open(argv[1], NULL, &dump);
	if (err)
		die(err);
	if (!strcmp(argv[2], "registers")) {
		print_registers(dump);
		iq_dump_close(dump);
		return 0;
	}
	find_layout(dump, &layout);
	err = iq_reader_open(dump, 0, &reader);
	if (!err)
		err = iq_vm_open(arch, &layout, reader, layout.kernel_root, &vm);
	if (err)
		die(err);
	if (!strcmp(argv[2], "walk"))
		for (int i = 3; i < argc; i++)
			walk(vm, strtoull(argv[i], NULL, 16));
	else if (!strcmp(argv[2], "read") && argc == 5)
		read_bytes(vm, strtoull(argv[3], NULL, 16), strtoull(argv[4], NULL, 0));
	else if (!strcmp(argv[2], "speed") && argc == 4)
		speed(vm, strtoull(argv[3], NULL, 16));
	iq_vm_close(vm);
	iq_reader_close(reader);
	iq_dump_close(dump);
	return 0;
}
