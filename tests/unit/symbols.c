// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Symbols and unwind rows of a dump, with nothing but its VMCOREINFO:
 *
 *	symbols DUMP		all symbols of kallsyms: "address letter name"
 *	symbols DUMP find	the same, with the tables found by their signature
 *	symbols DUMP check	every symbol by its name and by its address; the number of failures
 *	symbols DUMP orc	the unwind rows of the addresses on standard input:
 *				"start type signal sp_reg deref after_offset sp_offset bp_rule bp_offset"
 *	symbols DUMP speed	milliseconds: find, open, one by address, one by name, index, all
 */
#include <elf.h>
#include <inquest/orc.h>
#include <inquest/symbols.h>
#include <stdlib.h>
#include <time.h>

static struct iq_layout layout;
static const char *info;
static size_t info_len;

static void check(struct iq_error *err)
{
	if (!err)
		return;
	fprintf(stderr, "symbols: %s\n", err->message);
	exit(1);
}

static uint64_t hex(const char *key)
{
	uint64_t value = 0;

	return iq_vmcoreinfo_hex(info, info_len, key, &value) ? value : 0;
}

static int64_t dec(const char *key)
{
	int64_t value = 0;

	return iq_vmcoreinfo_dec(info, info_len, key, &value) ? value : 0;
}

static struct iq_vm *open_vm(const char *path)
{
	struct iq_dump *dump;
	struct iq_reader *reader;
	struct iq_vm *vm;

	check(iq_dump_open(path, NULL, &dump));
	info = iq_dump_info(dump)->vmcoreinfo;
	info_len = iq_dump_info(dump)->vmcoreinfo_len;
	if (!info || !hex("SYMBOL(swapper_pg_dir)")) {
		fprintf(stderr, "symbols: no VMCOREINFO\n");
		exit(77);
	}
	layout = (struct iq_layout){
		.levels = dec("NUMBER(pgtable_l5_enabled)") ? 5 : 4,
		.kaslr_known = true,
		.kaslr_offset = (int64_t)hex("KERNELOFFSET"),
		.text_base = UINT64_C(0xffffffff80000000),
		.text_end = UINT64_C(0xffffffffc0000000),
		.phys_base = dec("NUMBER(phys_base)"),
	};
	layout.kernel_root =
		hex("SYMBOL(swapper_pg_dir)") - layout.text_base + (uint64_t)layout.phys_base;
	check(iq_reader_open(dump, 0, &reader));
	check(iq_vm_open(iq_arch_by_machine(EM_X86_64), &layout, reader, layout.kernel_root, &vm));
	return vm;
}

static void close_vm(struct iq_vm *vm)
{
	struct iq_reader *reader = iq_vm_reader(vm);
	struct iq_dump *dump = iq_reader_dump(reader);

	iq_vm_close(vm);
	iq_reader_close(reader);
	iq_dump_close(dump);
}

static struct iq_kallsyms_where where_in_vmcoreinfo(void)
{
	return (struct iq_kallsyms_where){
		.names = hex("SYMBOL(kallsyms_names)"),
		.num_syms = hex("SYMBOL(kallsyms_num_syms)"),
		.token_table = hex("SYMBOL(kallsyms_token_table)"),
		.token_index = hex("SYMBOL(kallsyms_token_index)"),
		.addresses = hex("SYMBOL(kallsyms_addresses)"),
		.offsets = hex("SYMBOL(kallsyms_offsets)"),
		.relative_base = hex("SYMBOL(kallsyms_relative_base)"),
	};
}

static struct iq_symtab *open_symbols(struct iq_vm *vm, bool find)
{
	struct iq_kallsyms_where where = where_in_vmcoreinfo();
	uint64_t stext = hex("SYMBOL(_stext)");
	struct iq_symtab *t;

	if (find || !where.names)
		check(iq_kallsyms_find(vm, stext, stext + (48U << 20), &where));
	check(iq_kallsyms_open(vm, &where, "_stext", stext, &t));
	return t;
}

static void list(struct iq_symtab *t)
{
	struct iq_symbol s;

	for (unsigned int i = 0; i < iq_symtab_count(t); i++) {
		if (iq_symtab_at(t, i, &s))
			printf("%016llx %c %s\n", (unsigned long long)s.address, s.type, s.name);
		else
			printf("symbol %u cannot be read\n", i);
	}
}

static int check_symbols(struct iq_symtab *t)
{
	unsigned int bad = 0;

	for (unsigned int i = 0; i < iq_symtab_count(t); i++) {
		struct iq_symbol s, other;
		unsigned int from = 0;
		bool found = false;

		if (!iq_symtab_at(t, i, &s)) {
			bad++;
			continue;
		}
		while (!found && iq_symtab_by_name(t, s.name, &from, &other))
			found = from == i + 1 && other.address == s.address;
		bad += !found;
		found = iq_symtab_by_address(t, s.address, &other) && other.address == s.address;
		if (s.size)
			found = found && iq_symtab_by_address(t, s.address + s.size - 1, &other) &&
				other.address == s.address;
		bad += !found;
	}
	printf("%u\n", bad);
	return bad != 0;
}

static uint64_t symbol(struct iq_symtab *t, const char *name)
{
	struct iq_symbol s;
	unsigned int from = 0;

	return iq_symtab_by_name(t, name, &from, &s) ? s.address : 0;
}

static struct iq_orc *open_orc(struct iq_vm *vm, struct iq_symtab *t)
{
	static const char *const functions[] = {"panic",	   "do_exit",	   "kfree",
						"vfs_read",	   "schedule",	   "mutex_lock",
						"wake_up_process", "__alloc_pages"};
	uint64_t ips = symbol(t, "__start_orc_unwind_ip"), starts[8], header;
	uint64_t num = (symbol(t, "__stop_orc_unwind_ip") - ips) / 4;
	uint64_t rows = symbol(t, "__start_orc_unwind");
	enum iq_orc_layout kind;
	unsigned int nr = 0;
	uint8_t hash[20];
	bool has_hash;
	struct iq_orc *o;

	for (unsigned int i = 0; i < 8; i++) {
		starts[nr] = symbol(t, functions[i]);
		nr += starts[nr] != 0;
	}
	header = symbol(t, "__start_orc_header");
	has_hash = header && !iq_vm_read(vm, header, hash, sizeof(hash), NULL);
	check(iq_orc_probe(vm, NULL, NULL, ips, rows, num, starts, nr, &kind));
	if (has_hash) {
		enum iq_orc_layout by_hash;

		check(iq_orc_probe(vm, NULL, hash, ips, rows, num, NULL, 0, &by_hash));
		if (by_hash != kind) {
			fprintf(stderr, "symbols: the ORC header says V%d, the rows V%d\n", by_hash,
				kind);
			exit(1);
		}
	}
	fprintf(stderr, "V%d%s\n", kind, has_hash ? ", as its header says" : "");
	check(iq_orc_open(vm, kind, false, ips, rows, num, &o));
	return o;
}

static void show_orc(struct iq_orc *o)
{
	static const char *const types[] = {"UNDEFINED", "END", "CALL", "REGS", "REGS_PARTIAL"};
	char text[64];

	while (fgets(text, sizeof(text), stdin)) {
		struct iq_orc_row r;

		if (!iq_orc_lookup(o, strtoull(text, NULL, 16), &r))
			printf("none\n");
		else
			printf("%llx %s %d %d %d %d %d %d %d\n", (unsigned long long)r.start,
			       types[r.type], r.signal, r.sp_reg, r.sp_deref,
			       r.sp_deref_after_offset, r.sp_offset, r.bp_rule, r.bp_offset);
	}
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void speed(struct iq_vm *vm)
{
	struct iq_kallsyms_where where = where_in_vmcoreinfo(), found;
	uint64_t stext = hex("SYMBOL(_stext)");
	struct iq_symtab *t;
	struct iq_symbol s;
	double at[7];

	at[0] = now();
	check(iq_kallsyms_open(vm, &where, "_stext", stext, &t));
	at[1] = now();
	iq_symtab_by_address(t, stext + 0x123456, &s);
	at[2] = now();
	symbol(t, "jiffies");
	at[3] = now();
	symbol(t, "no.such.symbol");
	at[4] = now();
	for (unsigned int i = 0; i < iq_symtab_count(t); i++)
		iq_symtab_at(t, i, &s);
	at[5] = now();
	check(iq_kallsyms_find(vm, stext, stext + (48U << 20), &found));
	at[6] = now();
	printf("open %.2f, by address %.2f, by name %.2f, index %.2f, all %.2f, find %.2f ms\n",
	       at[1] - at[0], at[2] - at[1], at[3] - at[2], at[4] - at[3], at[5] - at[4],
	       at[6] - at[5]);
	iq_symtab_close(t);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "list";
	struct iq_symtab *t;
	struct iq_vm *vm;
	int status = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: symbols DUMP [find|check|orc|speed]\n");
		return 2;
	}
	vm = open_vm(argv[1]);
	if (!strcmp(what, "speed")) {
		speed(vm);
		close_vm(vm);
		return 0;
	}
	t = open_symbols(vm, !strcmp(what, "find"));
	if (!strcmp(what, "check")) {
		status = check_symbols(t);
	} else if (!strcmp(what, "orc")) {
		struct iq_orc *orc = open_orc(vm, t);

		show_orc(orc);
		iq_orc_close(orc);
	} else {
		list(t);
	}
	iq_symtab_close(t);
	close_vm(vm);
	return status;
}
