// SPDX-License-Identifier: GPL-2.0-or-later
/* VMCOREINFO and notes. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "dump_build.h"

static const char text[] = "OSRELEASE=6.1.0-56-cloud-amd64\n"
			   "BUILD-ID=3b43fad5\n"
			   "PAGESIZE=4096\n"
			   "SYMBOL(_stext)=ffffffff89600000\n"
			   "SIZE(page)=64\n"
			   "OFFSET(page.lru)=8\n"
			   "LENGTH(mem_section)=2048\n"
			   "NUMBER(phys_base)=-52428800\n"
			   "NUMBER(PG_lru)=4\n"
			   "NUMBER(kimage_voffset)=0xffff7fffc0000000\n"
			   "NUMBER(leading)=007\n"
			   "NUMBER(least)=-9223372036854775808\n"
			   "NUMBER(too_small)=-9223372036854775809\n"
			   "NUMBER(too_large)=9223372036854775808\n"
			   "NUMBER(word)=12a\n"
			   "NUMBER(empty)=\n"
			   "KERNELOFFSET=8600000\n"
			   "EQUALS=a=b\n"
			   "LAST=1";

#define LEN (sizeof(text) - 1)

static void check_get(const char *key, const char *want)
{
	char buf[64] = "unchanged";

	assert_int_equal(iq_vmcoreinfo_get(text, LEN, key, buf, sizeof(buf)), want != NULL);
	assert_string_equal(buf, want ? want : "unchanged");
}

static void test_get(void **state)
{
	char small[5];

	check_get("OSRELEASE", "6.1.0-56-cloud-amd64");
	check_get("SYMBOL(_stext)", "ffffffff89600000");
	check_get("EQUALS", "a=b");
	check_get("LAST", "1");
	check_get("NUMBER(empty)", "");
	/* Exact keys only. */
	check_get("OSRELEAS", NULL);
	check_get("OSRELEASEX", NULL);
	check_get("RELEASE", NULL);
	check_get("SYMBOL(_stext", NULL);
	check_get("EQUALS=a", NULL);
	check_get("", NULL);
	check_get("6.1.0-56-cloud-amd64\nBUILD-ID", NULL);
	assert_true(iq_vmcoreinfo_get(text, LEN, "OSRELEASE", small, sizeof(small)));
	assert_string_equal(small, "6.1.");
	assert_true(iq_vmcoreinfo_get(text, LEN, "OSRELEASE", NULL, 0));
	assert_false(iq_vmcoreinfo_get(NULL, 0, "OSRELEASE", small, sizeof(small)));
	assert_false(iq_vmcoreinfo_get(text, 5, "OSRELEASE", small, sizeof(small)));
}

static void test_numbers(void **state)
{
	uint64_t u = 5;
	int64_t s = 5;

	assert_true(iq_vmcoreinfo_hex(text, LEN, "SYMBOL(_stext)", &u) && u == 0xffffffff89600000);
	assert_true(iq_vmcoreinfo_hex(text, LEN, "KERNELOFFSET", &u) && u == 0x8600000);
	/* The kernel prints these in decimal. */
	assert_true(iq_vmcoreinfo_hex(text, LEN, "SIZE(page)", &u) && u == 64);
	assert_true(iq_vmcoreinfo_hex(text, LEN, "OFFSET(page.lru)", &u) && u == 8);
	assert_true(iq_vmcoreinfo_hex(text, LEN, "LENGTH(mem_section)", &u) && u == 2048);
	assert_true(iq_vmcoreinfo_dec(text, LEN, "PAGESIZE", &s) && s == 4096);
	assert_true(iq_vmcoreinfo_dec(text, LEN, "NUMBER(phys_base)", &s) && s == -52428800);
	assert_true(iq_vmcoreinfo_dec(text, LEN, "NUMBER(leading)", &s) && s == 7);
	assert_true(iq_vmcoreinfo_dec(text, LEN, "NUMBER(least)", &s) && s == INT64_MIN);
	assert_true(iq_vmcoreinfo_dec(text, LEN, "NUMBER(kimage_voffset)", &s) &&
		    (uint64_t)s == 0xffff7fffc0000000);
	s = 5;
	assert_false(iq_vmcoreinfo_dec(text, LEN, "NUMBER(too_small)", &s));
	assert_false(iq_vmcoreinfo_dec(text, LEN, "NUMBER(too_large)", &s));
	assert_false(iq_vmcoreinfo_dec(text, LEN, "NUMBER(word)", &s));
	assert_false(iq_vmcoreinfo_dec(text, LEN, "NUMBER(empty)", &s));
	assert_false(iq_vmcoreinfo_dec(text, LEN, "NUMBER(none)", &s));
	assert_false(iq_vmcoreinfo_hex(text, LEN, "OSRELEASE", &u));
	assert_int_equal(s, 5);
}

static struct iq_dump *open_image(const struct image *im, struct iq_warnings *w)
{
	struct iq_dump *d = NULL;
	struct iq_error *err = iq_dump_open_memory(im->data, im->len, w, &d);

	if (err)
		fail_msg("%s", err->message);
	return d;
}

static void test_elf_notes(void **state)
{
	const struct segment seg[] = {{.paddr = 0x1000, .filesz = 0x2000, .memsz = 0x2000}};
	struct image im = build_elf(seg, 1, text, false);
	struct iq_warnings w = {0};
	struct iq_dump *d = open_image(&im, &w);
	const struct iq_dump_info *info = iq_dump_info(d);
	unsigned int from = 0;
	const struct iq_note *n;

	assert_int_equal(w.nr, 0);
	assert_int_equal(info->nr_notes, 2);
	assert_string_equal(info->vmcoreinfo, text);
	assert_int_equal(info->vmcoreinfo_len, LEN);
	assert_int_equal(info->machine, EM_X86_64);
	n = iq_dump_note(d, "CORE", NT_PRSTATUS, &from);
	assert_non_null(n);
	assert_int_equal(n->size, 336);
	assert_int_equal(n->data[0], 1);
	assert_null(iq_dump_note(d, "CORE", NT_PRSTATUS, &from));
	from = 0;
	n = iq_dump_note(d, NULL, 0, &from);
	assert_string_equal(n->name, "VMCOREINFO");
	from = 0;
	assert_null(iq_dump_note(d, "VMCOREINFO", 1, &from));
	iq_dump_close(d);
	free(im.data);
	iq_warnings_clear(&w);
}

/* A note whose sizes reach beyond its segment: those before it stay. */
static void test_damaged_note(void **state)
{
	const struct segment seg[] = {{.paddr = 0x1000, .filesz = 0x2000, .memsz = 0x2000}};
	static const uint32_t senseless[] = {1 << 20, 0x7fffffff, 0xfffffffc, 0xfffffffd,
					     0xffffffff};

	for (size_t i = 0; i < 2 * IQ_ARRAY_SIZE(senseless); i++) {
		struct image im = build_elf(seg, 1, text, false);
		struct iq_warnings w = {0};
		struct iq_dump *d;

		/* n_namesz or n_descsz of the second note. */
		put32(&im, ELF_NOTES_AT + 12 + 8 + 336 + i % 2 * 4, senseless[i / 2]);
		d = open_image(&im, &w);
		assert_int_equal(iq_dump_info(d)->nr_notes, 1);
		assert_null(iq_dump_info(d)->vmcoreinfo);
		assert_int_equal(w.nr, 1);
		iq_dump_close(d);
		free(im.data);
		iq_warnings_clear(&w);
	}
}

static void test_process_core(void **state)
{
	const struct segment seg[] = {{.paddr = 0, .filesz = 0x2000, .memsz = 0x2000}};
	struct image im = build_elf(seg, 1, NULL, false);
	struct iq_error *err;
	struct iq_dump *d;
	Elf64_Phdr ph;

	/* A second note, NT_AUXV, behind everything. */
	memcpy(&ph, im.data + 256, sizeof(ph));
	ph.p_offset = im.len;
	ph.p_filesz = put_note(&im, im.len, "CORE", NT_AUXV, "auxv", 4) - ph.p_offset;
	put_at(&im, 256, &ph, sizeof(ph));
	err = iq_dump_open_memory(im.data, im.len, NULL, &d);
	assert_non_null(err);
	assert_int_equal(err->code, IQ_E_FORMAT);
	assert_non_null(strstr(err->message, "process"));
	iq_error_free(err);
	free(im.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),	     cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_elf_notes),    cmocka_unit_test(test_damaged_note),
		cmocka_unit_test(test_process_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
