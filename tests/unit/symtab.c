// SPDX-License-Identifier: GPL-2.0-or-later
/* Symbol tables given one by one, and those of ELF files as nm(1) shows them. */
#include <fcntl.h>
#include <inquest/symbols.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void add(struct iq_symtab *t, const char *name, uint64_t address, uint64_t size, char type)
{
	assert_null(iq_symtab_add(t, name, address, size, type));
}

static void module(void **state)
{
	struct iq_symtab *t;
	struct iq_symbol s;
	unsigned int from = 0;

	assert_null(iq_symtab_new("usbcore", &t));
	add(t, "late", 0xffffffffc0a02000, 0, 't');
	add(t, "first", 0xffffffffc0a00000, 0, 't');
	add(t, "alias", 0xffffffffc0a01000, 0, 'T');
	add(t, "middle", 0xffffffffc0a01000, 0x10, 't');
	add(t, "first", 0xffffffffc0a03000, 0, 'd');
	assert_null(iq_symtab_seal(t, 0xffffffffc0a04000));
	assert_int_equal(iq_symtab_count(t), 5);
	assert_string_equal(iq_symtab_source(t), "kallsyms of usbcore in the dump");

	assert_true(iq_symtab_at(t, 0, &s));
	assert_string_equal(s.name, "first");
	assert_string_equal(s.module, "usbcore");
	assert_int_equal(s.size, 0x1000);
	/* Aliases in the order they came in; the first is the answer. */
	assert_true(iq_symtab_by_address(t, 0xffffffffc0a01fff, &s));
	assert_string_equal(s.name, "alias");
	assert_int_equal(s.size, 0x1000);
	assert_true(iq_symtab_at(t, 2, &s));
	assert_string_equal(s.name, "middle");
	assert_int_equal(s.size, 0x10);
	assert_true(iq_symtab_by_address(t, 0xffffffffc0a03fff, &s));
	assert_int_equal(s.address, 0xffffffffc0a03000);
	assert_false(iq_symtab_by_address(t, 0xffffffffc0a04000, &s));
	assert_false(iq_symtab_by_address(t, 0xffffffffc09fffff, &s));

	assert_true(iq_symtab_by_name(t, "first", &from, &s));
	assert_int_equal(s.address, 0xffffffffc0a00000);
	assert_true(iq_symtab_by_name(t, "first", &from, &s));
	assert_int_equal(s.address, 0xffffffffc0a03000);
	assert_false(iq_symtab_by_name(t, "first", &from, &s));
	from = 0;
	assert_false(iq_symtab_by_name(t, "firs", &from, &s));
	iq_symtab_close(t);
}

static void empty(void **state)
{
	struct iq_symtab *t;
	struct iq_symbol s;
	unsigned int from = 0;

	assert_null(iq_symtab_new(NULL, &t));
	assert_null(iq_symtab_seal(t, 0));
	assert_int_equal(iq_symtab_count(t), 0);
	assert_false(iq_symtab_by_address(t, 0, &s));
	assert_false(iq_symtab_by_address(t, UINT64_MAX, &s));
	assert_false(iq_symtab_by_name(t, "", &from, &s));
	assert_false(iq_symtab_at(t, 0, &s));
	iq_symtab_close(t);
}

static void nearest(void **state)
{
	struct iq_symtab *t;
	struct iq_nearest n = {.word = "init_tsk"};
	struct iq_error *err;

	assert_null(iq_symtab_new(NULL, &t));
	add(t, "init_task", 0xffffffff81000000, 0, 'D');
	add(t, "panic", 0xffffffff81000010, 0, 'T');
	assert_null(iq_symtab_seal(t, 0));
	iq_symtab_nearest(t, &n);
	err = iq_nearest_hint(&n, iq_error_new(IQ_E_NOT_FOUND, "no symbol init_tsk"));
	assert_non_null(err->hint);
	assert_non_null(strstr(err->hint, "init_task"));
	iq_error_free(err);
	iq_symtab_close(t);
}

/* This program's own table, against nm(1). */
static void as_nm(void **state)
{
	struct iq_symtab *t;
	char line[4096], path[4096] = "";
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	unsigned int compared = 0;
	int fd;
	FILE *nm;

	assert_true(len > 0);
	snprintf(line, sizeof(line), "nm '%s' 2>/dev/null", path);
	nm = popen(line, "r");
	if (!nm)
		skip();
	fd = open(path, O_RDONLY);
	assert_null(iq_symtab_from_elf(fd, path, 0, &t));
	close(fd);
	while (fgets(line, sizeof(line), nm)) {
		char name[2048], type;
		unsigned long long address;
		struct iq_symbol s;
		unsigned int from = 0;
		bool found = false;

		if (sscanf(line, "%llx %c %2047s", &address, &type, name) != 3 ||
		    strchr("aU", type) || strchr(name, '@') || name[0] == '.')
			continue;
		while (!found && iq_symtab_by_name(t, name, &from, &s))
			found = s.address == address && s.type == type;
		if (!found)
			print_message("%s", line);
		assert_true(found);
		compared++;
	}
	if (pclose(nm) == 0)
		assert_true(compared > 20);
	iq_symtab_close(t);
}

static void not_elf(void **state)
{
	struct iq_symtab *t;
	int fd = open("/dev/null", O_RDONLY);
	struct iq_error *err = iq_symtab_from_elf(fd, "/dev/null", 0, &t);

	assert_non_null(err);
	iq_error_free(err);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(module), cmocka_unit_test(empty),   cmocka_unit_test(nearest),
		cmocka_unit_test(as_nm),  cmocka_unit_test(not_elf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
