// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables of x86-64, made by hand in a dump of one MiB from the tables in Intel's manual
 * (volume 3, chapter 4) and the kernel's meaning of entries that are not present.
 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <elf.h>
#include <inquest/arch.h>
#include <stdlib.h>

#define PAGE 4096u
#define PAGES 256u /* of memory; page 0 is never a table */
#define P UINT64_C(1)
#define RW UINT64_C(2)
#define PSE UINT64_C(0x80)
#define PROTNONE UINT64_C(0x100)
#define NX (UINT64_C(1) << 63)
#define ADDRESS (((UINT64_C(1) << 52) - 1) & ~UINT64_C(4095))

static struct machine {
	uint8_t *image; /* an ELF core: headers in the first page, then the memory */
	uint64_t next; /* page to use for the next table */
	struct iq_layout layout;
	struct iq_dump *dump;
	struct iq_reader *reader;
	struct iq_vm *vm;
	uint64_t root;
} m;

static uint8_t *memory(uint64_t pa)
{
	assert_true(pa < PAGES * PAGE);
	return m.image + PAGE + pa;
}

static void put(uint64_t pa, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		memory(pa)[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(uint64_t pa)
{
	return iq_le64(memory(pa));
}

static uint64_t new_table(void)
{
	return m.next++ * PAGE;
}

/* Where the entry for VA at LEVEL lies; the tables above are made as needed. */
static uint64_t entry(uint64_t va, unsigned int level)
{
	uint64_t table = m.root;

	for (unsigned int l = m.layout.levels;; l--) {
		uint64_t at = table + (va >> (12 + 9 * (l - 1)) & 511) * 8;

		if (l == level)
			return at;
		if (!get(at))
			put(at, new_table() | P | RW);
		table = get(at) & ADDRESS;
	}
}

static int setup_levels(unsigned int levels)
{
	Elf64_Ehdr e = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(e),
		.e_ehsize = sizeof(e),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
	};
	Elf64_Phdr p = {
		.p_type = PT_LOAD,
		.p_offset = PAGE,
		.p_filesz = PAGES * PAGE,
		.p_memsz = PAGES * PAGE,
	};

	memset(&m, 0, sizeof(m));
	m.image = calloc(PAGES + 1, PAGE);
	if (!m.image)
		return -1;
	memcpy(m.image, &e, sizeof(e));
	memcpy(m.image + sizeof(e), &p, sizeof(p));
	m.next = 1;
	m.layout.levels = levels;
	m.root = new_table();
	return 0;
}

static int setup(void **state)
{
	return setup_levels(4);
}

static int setup5(void **state)
{
	return setup_levels(5);
}

/* The tables are ready: open them. */
static void start(void)
{
	assert_null(iq_dump_open_memory(m.image, (PAGES + 1) * PAGE, NULL, &m.dump));
	assert_null(iq_reader_open(m.dump, 0, &m.reader));
	assert_null(iq_vm_open(iq_arch_by_machine(EM_X86_64), &m.layout, m.reader, m.root, &m.vm));
}

static int teardown(void **state)
{
	iq_vm_close(m.vm);
	iq_reader_close(m.reader);
	iq_dump_close(m.dump);
	free(m.image);
	return 0;
}

static void expect(uint64_t va, uint64_t physical, uint64_t size)
{
	struct iq_walk w;
	uint64_t pa = 0, left = 0;

	iq_vm_walk(m.vm, va, &w);
	assert_int_equal(w.status, IQ_MEM_OK);
	assert_false(w.linear);
	assert_int_equal(w.physical, physical);
	assert_int_equal(w.page_size, size);
	assert_int_equal(w.page, physical & ~(size - 1));
	/* Twice: through the tables and from the cache. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(iq_vm_translate(m.vm, va, &pa, &left), IQ_MEM_OK);
		assert_int_equal(pa, physical);
		assert_int_equal(left, size - (va & (size - 1)));
	}
}

static void expect_none(uint64_t va, enum iq_mem why)
{
	uint64_t pa;

	assert_int_equal(iq_vm_translate(m.vm, va, &pa, NULL), why);
}

#define KERNEL UINT64_C(0xffffffff81234000)
#define HEAP UINT64_C(0xffff888012345000)

static void sizes(void **state)
{
	struct iq_walk w;

	put(entry(KERNEL, 1), 0x7654000 | P | RW | NX);
	put(entry(HEAP, 2), UINT64_C(0x3456600000) | P | PSE | 0x1000);
	put(entry(0xffff890000000000, 3), UINT64_C(0x4400000000) | P | RW | PSE | NX);
	put(entry(0x400000, 1), 0x8000 | P | RW | 4);
	put(entry(KERNEL + PAGE, 1), 0xfffffffffa000 | P);
	start();
	expect(KERNEL + 0x123, 0x7654123, 4096);
	/* The low address bit of a large page is PAT. */
	expect(HEAP + 0x10, UINT64_C(0x3456745010), 2 << 20);
	expect(0xffff890012345678, UINT64_C(0x4412345678), 1 << 30);
	expect(0x400abc, 0x8abc, 4096);
	expect(KERNEL + PAGE, UINT64_C(0xfffffffffa000), 4096);
	expect_none(KERNEL + 2 * PAGE, IQ_MEM_UNMAPPED);
	expect_none(KERNEL + (UINT64_C(1) << 30), IQ_MEM_UNMAPPED);
	expect_none(UINT64_C(0x0000800000000000), IQ_MEM_UNMAPPED);
	expect_none(UINT64_C(0xffff7fffffffffff), IQ_MEM_UNMAPPED);
	expect_none(UINT64_C(0xff00000000000000), IQ_MEM_UNMAPPED);

	iq_vm_walk(m.vm, KERNEL, &w);
	assert_int_equal(w.nr, 4);
	assert_string_equal(w.level[0].name, "PGD");
	assert_int_equal(w.level[0].level, 4);
	assert_int_equal(w.level[0].entry_address, m.root + 511 * 8);
	assert_string_equal(w.level[1].name, "PUD");
	assert_string_equal(w.level[2].name, "PMD");
	assert_string_equal(w.level[3].name, "PTE");
	assert_int_equal(w.level[3].entry, 0x7654000 | P | RW | NX);
}

static void five_levels(void **state)
{
	struct iq_walk w;

	put(entry(UINT64_C(0xff11000012345000), 1), 0x9000 | P);
	put(entry(KERNEL, 2), 0x1200000 | P | PSE);
	/* No page of 256 TiB or 512 GiB: PSE is a reserved bit there. */
	put(entry(UINT64_C(0xff20000000000000), 5), 0x1000 | P | PSE);
	put(entry(UINT64_C(0xff11800000000000), 4), 0x1000 | P | PSE);
	start();
	expect(UINT64_C(0xff11000012345008), 0x9008, 4096);
	expect(KERNEL, 0x1234000, 2 << 20);
	expect_none(UINT64_C(0xff20000000000000), IQ_MEM_UNMAPPED);
	expect_none(UINT64_C(0xff11800000000000), IQ_MEM_UNMAPPED);
	expect_none(UINT64_C(0xfe00000000000000), IQ_MEM_UNMAPPED);
	iq_vm_walk(m.vm, UINT64_C(0xff11000012345008), &w);
	assert_int_equal(w.nr, 5);
	assert_int_equal(w.level[0].level, 5);
	assert_string_equal(w.level[0].name, "PGD");
	assert_string_equal(w.level[1].name, "P4D");
}

static void not_present(void **state)
{
	uint64_t swap = UINT64_C(0xfffffffffe5c2000) & ~(P | PROTNONE | PSE);

	/* PROT_NONE pages: with the address inverted (since the L1TF fixes) and without. */
	put(entry(0x10000, 1), (~UINT64_C(0x1234000) & ADDRESS) | PROTNONE | NX | 0x20);
	put(entry(0x11000, 1), 0x1235000 | PROTNONE);
	put(entry(0x200000, 2), (~UINT64_C(0x1600000) & ADDRESS) | PROTNONE | PSE);
	put(entry(0x400000, 2), (~UINT64_C(0x1800000) & ADDRESS) | PSE);
	put(entry(0x40000000, 3), (~UINT64_C(0x80000000) & ADDRESS) | PROTNONE | PSE);
	put(entry(0x12000, 1), swap);
	put(entry(0x600000, 2), swap);
	start();
	expect(0x10008, 0x1234008, 4096);
	expect(0x11008, 0x1235008, 4096);
	expect(0x212345, 0x1612345, 2 << 20);
	expect(0x412345, 0x1812345, 2 << 20);
	expect(0x40012345, 0x80012345, 1 << 30);
	expect_none(0x12000, IQ_MEM_UNMAPPED);
	expect_none(0x600000, IQ_MEM_UNMAPPED);
}

static void encrypted(void **state)
{
	uint64_t c = UINT64_C(1) << 51;

	put(entry(KERNEL, 1), 0x7654000 | P | c);
	put(entry(0x10000, 1), (~(UINT64_C(0x1234000) | c) & ADDRESS) | PROTNONE);
	/* The tables themselves are in encrypted memory as well. */
	put(entry(KERNEL, 4), get(entry(KERNEL, 4)) | c);
	m.layout.encryption_mask = c;
	m.root |= c;
	start();
	expect(KERNEL, 0x7654000, 4096);
	expect(0x10000, 0x1234000, 4096);
}

static void linear(void **state)
{
	struct iq_walk w;
	uint64_t pa;

	/* A table that is not in the dump. */
	put(entry(KERNEL, 3), UINT64_C(0x40000000) | P);
	put(entry(HEAP, 4), UINT64_C(0x40000000) | P);
	put(entry(0x400000, 3), UINT64_C(0x40000000) | P);
	start();
	expect_none(KERNEL, IQ_MEM_NO_TABLE);
	iq_vm_walk(m.vm, KERNEL, &w);
	assert_int_equal(w.status, IQ_MEM_ABSENT);
	assert_int_equal(w.nr, 3);
	m.layout.text_base = UINT64_C(0xffffffff80000000);
	m.layout.text_end = UINT64_C(0xffffffffc0000000);
	m.layout.phys_base = 0x8000000;
	m.layout.page_offset = UINT64_C(0xffff888000000000);
	m.layout.page_offset_end = UINT64_C(0xffffc88000000000);
	iq_vm_flush(m.vm);
	iq_vm_walk(m.vm, KERNEL + 8, &w);
	assert_int_equal(w.status, IQ_MEM_OK);
	assert_true(w.linear);
	assert_int_equal(w.physical, 0x9234008);
	assert_int_equal(iq_vm_translate(m.vm, HEAP, &pa, NULL), IQ_MEM_OK);
	assert_int_equal(pa, 0x12345000);
	/* Where the tables say no, arithmetic does not say yes; and never for user addresses. */
	expect_none(KERNEL + (UINT64_C(1) << 30), IQ_MEM_UNMAPPED);
	expect_none(0x400000, IQ_MEM_NO_TABLE);
	/* A phys_base that makes no sense. */
	m.layout.phys_base = INT64_MIN;
	iq_vm_flush(m.vm);
	expect_none(KERNEL, IQ_MEM_NO_TABLE);
}

static void no_tables(void **state)
{
	m.layout.text_base = UINT64_C(0xffffffff80000000);
	m.layout.text_end = UINT64_C(0xffffffffc0000000);
	m.layout.phys_base = -0x1000;
	m.layout.levels = 0;
	m.root = 0;
	for (unsigned int i = 0; i < 16; i++)
		memory(0x5000)[i] = (uint8_t)i;
	start();
	uint64_t value;

	assert_int_equal(iq_vm_read_uint(m.vm, UINT64_C(0xffffffff80006001), 2, &value), IQ_MEM_OK);
	assert_int_equal(value, 0x0201);
	expect_none(HEAP, IQ_MEM_NO_TABLE);
	expect_none(0x400000, IQ_MEM_NO_TABLE);
}

static void reads(void **state)
{
	static const char text[] = "a string that goes over the end of its page";
	uint64_t va = KERNEL, last = UINT64_C(0xfffffffffffff000), value;
	char buf[64], small[5];
	struct iq_fault fault;
	struct iq_error *err;

	/*
	 * Two neighbours in address, not in memory; then nothing, then memory that is not in the
	 * dump.
	 */
	put(entry(va, 1), 0x80000 | P);
	put(entry(va + PAGE, 1), 0x40000 | P);
	put(entry(va + 3 * PAGE, 1), UINT64_C(0x40000000) | P);
	put(entry(last, 1), 0x41000 | P);
	memcpy(memory(0x80000) + PAGE - 10, text, 10);
	memcpy(memory(0x40000), text + 10, sizeof(text) - 10);
	memset(memory(0x40000) + PAGE - 4, 'x', 4);
	memory(0x41000)[PAGE - 1] = 0x5a;
	start();
	assert_int_equal(iq_vm_read(m.vm, va + PAGE - 10, buf, sizeof(text), &fault), IQ_MEM_OK);
	assert_string_equal(buf, text);
	assert_int_equal(iq_vm_read_string(m.vm, va + PAGE - 10, buf, sizeof(buf)), IQ_MEM_OK);
	assert_string_equal(buf, text);
	assert_int_equal(iq_vm_read_string(m.vm, va + PAGE - 10, small, sizeof(small)), IQ_MEM_OK);
	assert_string_equal(small, "a st");
	/* A string that runs into nothing is what there is of it. */
	assert_int_equal(iq_vm_read_string(m.vm, va + 2 * PAGE - 4, buf, sizeof(buf)), IQ_MEM_OK);
	assert_string_equal(buf, "xxxx");
	assert_int_equal(iq_vm_read_string(m.vm, va + 2 * PAGE, buf, sizeof(buf)), IQ_MEM_UNMAPPED);
	assert_string_equal(buf, "");

	memset(buf, 0, sizeof(buf));
	assert_int_equal(iq_vm_read(m.vm, va + 2 * PAGE - 4, buf, 8, &fault), IQ_MEM_UNMAPPED);
	assert_int_equal(fault.address, va + 2 * PAGE);
	assert_true(fault.is_virtual);
	assert_int_equal(fault.level, 1);
	assert_memory_equal(buf, "xxxx\0\0\0\0", 8);
	assert_int_equal(iq_vm_read(m.vm, va + 3 * PAGE + 8, buf, 8, &fault), IQ_MEM_ABSENT);
	assert_int_equal(fault.address, va + 3 * PAGE + 8);
	assert_int_equal(fault.physical, 0x40000008);
	err = iq_vm_read_or(m.vm, va + 2 * PAGE, buf, 8, "the test's bytes");
	assert_non_null(err);
	assert_int_equal(err->code, IQ_E_MEMORY);
	assert_non_null(strstr(err->message, "the test's bytes"));
	iq_error_free(err);

	/* The end of the address space. */
	assert_int_equal(iq_vm_read_uint(m.vm, UINT64_MAX, 1, &value), IQ_MEM_OK);
	assert_int_equal(value, 0x5a);
	assert_int_equal(iq_vm_read_uint(m.vm, UINT64_MAX, 2, &value), IQ_MEM_UNMAPPED);
	assert_int_equal(iq_vm_read_string(m.vm, UINT64_MAX, buf, sizeof(buf)), IQ_MEM_OK);
	assert_string_equal(buf, "Z");
}

/* Tables that point at themselves end after as many steps as there are levels. */
static void loop(void **state)
{
	uint64_t va = ((511ull << 9 | 511) << 9 | 511) << 9 | 511;

	put(m.root + 511 * 8, m.root | P);
	start();
	va = va << 12 | UINT64_C(0xffff000000000000);
	expect(va + 8, m.root + 8, 4096);
}

static void expect_flags(uint64_t e, unsigned int level, const char *want)
{
	const struct iq_vm_ops *vm = iq_arch_by_machine(EM_X86_64)->vm;
	const char *names[16];
	unsigned int n = vm->entry_flags(e, level, names, IQ_ARRAY_SIZE(names));
	char got[256] = "";

	for (unsigned int i = 0; i < n; i++) {
		strcat(got, i ? "|" : "");
		strcat(got, names[i]);
	}
	assert_string_equal(got, want);
	assert_int_equal(vm->entry_flags(e, level, names, 2), n < 2 ? n : 2);
}

/* As crash's vtop prints them. */
static void flags(void **state)
{
	expect_flags(UINT64_C(0x8000000019e001e3), 2, "PRESENT|RW|ACCESSED|DIRTY|PSE|GLOBAL|NX");
	expect_flags(UINT64_C(0x80000000011b4163), 1, "PRESENT|RW|ACCESSED|DIRTY|GLOBAL|NX");
	expect_flags(0x1fc0d025, 1, "PRESENT|USER|ACCESSED");
	expect_flags(UINT64_C(0x80000000fec0017b), 1,
		     "PRESENT|RW|PWT|PCD|ACCESSED|DIRTY|GLOBAL|NX");
	expect_flags(UINT64_C(0xffffffffedc120), 1, "ACCESSED|PROTNONE|GLOBAL");
	expect_flags(0, 1, "");
}

/* Entries that a kernel 6.1 wrote and what /proc/PID/pagemap said of them; and the other bits. */
static void swap_entries(void **state)
{
	static const struct {
		uint64_t entry;
		unsigned int level, type;
		uint64_t offset;
		bool soft_dirty, uffd_wp, exclusive;
	} some[] = {
		{UINT64_C(0x7fffffffffffc0a), 1, 0, 0x1, true, false, true},
		{UINT64_C(0x7fffffffff7fe0a), 1, 0, 0x400, true, false, true},
		{UINT64_C(0x0fffffffffdb9604), 1, 1, 0x1234, false, true, false},
		{UINT64_C(0xe7ffffffffdb9600), 2, 28, 0x1234, false, false, false},
	};
	static const uint64_t none[] = {0, 0x1234067, PROTNONE | 0xffffffedc000, UINT64_C(0x80000000050008e7)};
	const struct iq_vm_ops *vm = iq_arch_by_machine(EM_X86_64)->vm;
	struct iq_swap_bits b;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(some); i++) {
		assert_true(vm->swap_entry(some[i].entry, some[i].level, &b));
		assert_int_equal(b.type, some[i].type);
		assert_int_equal(b.offset, some[i].offset);
		assert_int_equal(b.soft_dirty, some[i].soft_dirty);
		assert_int_equal(b.uffd_wp, some[i].uffd_wp);
		assert_int_equal(b.exclusive, some[i].exclusive);
	}
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(none); i++)
		assert_false(vm->swap_entry(none[i], 1, &b));
	/* PSE alone: a huge page that is being split is there. */
	assert_false(vm->swap_entry(PSE | 0x5000000, 2, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(five_levels, setup5, teardown),
		cmocka_unit_test_setup_teardown(not_present, setup, teardown),
		cmocka_unit_test_setup_teardown(encrypted, setup, teardown),
		cmocka_unit_test_setup_teardown(linear, setup, teardown),
		cmocka_unit_test_setup_teardown(no_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(reads, setup, teardown),
		cmocka_unit_test_setup_teardown(loop, setup, teardown),
		cmocka_unit_test(flags),
		cmocka_unit_test(swap_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
