// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values as text: types and memory made by hand, texts as gdb 10 (in crash 8.0.2) prints such values.
 * Real structures are compared with crash's text by tests/suite/struct_vs_crash.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inquest/inspect.h>

#include "vm_memory.h"

/* ---- Types ------------------------------------------------------------------------------------- */

enum { INT = 1, PTR, ARRAY, STRUCT, ENUM = 6 };

struct built {
	struct iq_buf types, strings;
	uint32_t next;
};

static void u32(struct iq_buf *b, uint32_t v)
{
	iq_buf_add(b, &v, sizeof(v));
}

static uint32_t string(struct built *b, const char *s)
{
	uint32_t at = (uint32_t)b->strings.len;

	iq_buf_add(&b->strings, s, strlen(s) + 1);
	return at;
}

static uint32_t record(struct built *b, const char *name, uint32_t kind, uint32_t vlen, bool flag,
		       uint32_t size)
{
	u32(&b->types, string(b, name));
	u32(&b->types, (uint32_t)flag << 31 | kind << 24 | vlen);
	u32(&b->types, size);
	return ++b->next;
}

static uint32_t integer(struct built *b, const char *name, uint32_t size, uint32_t encoding)
{
	uint32_t id = record(b, name, INT, 0, false, size);

	u32(&b->types, encoding << 24 | size * 8);
	return id;
}

static uint32_t array(struct built *b, uint32_t type, uint32_t count)
{
	uint32_t id = record(b, "", ARRAY, 0, false, 0);

	u32(&b->types, type);
	u32(&b->types, 1);
	u32(&b->types, count);
	return id;
}

static void member(struct built *b, const char *name, uint32_t type, uint32_t bit, uint32_t bits)
{
	u32(&b->types, string(b, name));
	u32(&b->types, type);
	u32(&b->types, bits << 24 | bit);
}

static void enumerator(struct built *b, const char *name, uint32_t value)
{
	u32(&b->types, string(b, name));
	u32(&b->types, value);
}

enum { SIGNED_ENC = 1, CHAR_ENC = 2, BOOL_ENC = 4 };

/*
 * struct list { struct list *next, *prev; };
 * enum mode { IDLE, BUSY, DEAD = 7 };  enum flags { A = 1, B = 2, C = 8 };
 * struct all { … } as below
 */
static void build(struct built *b)
{
	uint32_t i32, u32_id, c, u8_id, boolean, i64, u64, list, mode, flags, point, list_ptr, char_ptr,
		empty, chars, points, words, flexible, big, names;

	string(b, "");
	i32 = integer(b, "int", 4, SIGNED_ENC);
	u32_id = integer(b, "unsigned int", 4, 0);
	c = integer(b, "char", 1, SIGNED_ENC);
	u8_id = integer(b, "unsigned char", 1, 0);
	boolean = integer(b, "_Bool", 1, BOOL_ENC);
	i64 = integer(b, "long int", 8, SIGNED_ENC);
	u64 = integer(b, "long unsigned int", 8, 0);
	list_ptr = record(b, "", PTR, 0, false, b->next + 2);
	list = record(b, "list", STRUCT, 2, true, 16);
	member(b, "next", list_ptr, 0, 0);
	member(b, "prev", list_ptr, 64, 0);
	mode = record(b, "mode", ENUM, 3, false, 4);
	enumerator(b, "IDLE", 0);
	enumerator(b, "BUSY", 1);
	enumerator(b, "DEAD", 7);
	flags = record(b, "flags", ENUM, 3, false, 4);
	enumerator(b, "A", 1);
	enumerator(b, "B", 2);
	enumerator(b, "C", 8);
	point = record(b, "point", STRUCT, 2, true, 8);
	member(b, "x", i32, 0, 0);
	member(b, "y", i32, 32, 0);
	char_ptr = record(b, "", PTR, 0, false, c);
	empty = record(b, "empty", STRUCT, 0, true, 0);
	chars = array(b, c, 12);
	points = array(b, point, 2);
	words = array(b, u32_id, 3);
	flexible = array(b, i32, 0);
	big = array(b, i32, 300);
	names = array(b, c, 4);
	names = array(b, names, 2);
	record(b, "all", STRUCT, 17, true, 160);
	member(b, "list", list, 0, 0);
	member(b, "mode", mode, 128, 0);
	member(b, "flags", flags, 160, 0);
	member(b, "bits", u32_id, 192, 3);
	member(b, "sign", i32, 195, 4);
	member(b, "yes", boolean, 199, 1);
	member(b, "wide", u64, 204, 51);
	member(b, "name", chars, 256, 0);
	member(b, "c", c, 352, 0);
	member(b, "u", u8_id, 360, 0);
	member(b, "b", boolean, 368, 0);
	member(b, "s", char_ptr, 384, 0);
	member(b, "points", points, 448, 0);
	member(b, "words", words, 576, 0);
	member(b, "nothing", empty, 672, 0);
	member(b, "negative", i64, 704, 0);
	member(b, "tail", flexible, 768, 0);
	record(b, "big", STRUCT, 1, true, 1200);
	member(b, "numbers", big, 0, 0);
	record(b, "names", STRUCT, 1, true, 8);
	member(b, "names", names, 0, 0);
}

struct world {
	struct built b;
	struct iq_buf file;
	struct iq_types *types;
	struct vm_memory m;
};

static void put32(struct world *w, size_t at, uint32_t v)
{
	memcpy(w->m.bytes + at, &v, sizeof(v));
}

static void put64(struct world *w, size_t at, uint64_t v)
{
	memcpy(w->m.bytes + at, &v, sizeof(v));
}

static void fill(struct world *w)
{
	put64(w, 0, VM_BASE + 0x20);
	put64(w, 8, 0);
	put32(w, 16, 7);
	put32(w, 20, 1 | 8 | 0x40);
	/* bits = 5, sign = -3, yes = 1, wide = 0x1234567890a */
	put64(w, 24, 5 | (UINT64_C(13) << 3) | (UINT64_C(1) << 7) | (UINT64_C(0x1234567890a) << 12));
	memcpy(w->m.bytes + 32, "a\"\\\n\0017\377z", 8);
	w->m.bytes[44] = (uint8_t)-56;
	w->m.bytes[45] = 'A';
	w->m.bytes[46] = 1;
	put64(w, 48, VM_BASE + 0x400);
	put32(w, 56, 1);
	put32(w, 60, (uint32_t)-2);
	put32(w, 64, 3);
	put32(w, 68, 4);
	put32(w, 72, 4000000000u);
	put64(w, 88, (uint64_t)-5);
	strcpy((char *)w->m.bytes + 0x400, "hello");
	put32(w, 2 * VM_PAGE - 4, 5);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct iq_error *err;

	build(&w->b);
	iq_buf_add(&w->file, "\x9f\xeb\x01\x00", 4);
	u32(&w->file, 24);
	u32(&w->file, 0);
	u32(&w->file, (uint32_t)w->b.types.len);
	u32(&w->file, (uint32_t)w->b.types.len);
	u32(&w->file, (uint32_t)w->b.strings.len);
	iq_buf_add(&w->file, w->b.types.s, w->b.types.len);
	iq_buf_add(&w->file, w->b.strings.s, w->b.strings.len);
	err = iq_btf_open(w->file.s, w->file.len, true, NULL, "vmlinux", NULL, &w->types);
	if (err)
		fail_msg("%s", err->message);
	assert_true(vm_memory_init(&w->m, 2 * VM_PAGE));
	fill(w);
	assert_true(vm_memory_start(&w->m));
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	vm_memory_end(&w->m);
	iq_types_close(w->types);
	iq_buf_free(&w->b.types);
	iq_buf_free(&w->b.strings);
	iq_buf_free(&w->file);
	free(w);
	return 0;
}

static void assert_shows(struct world *w, const char *type, const char *path, uint64_t at,
			 const struct iq_format *f, const char *want)
{
	const struct iq_type *t = iq_type_by_name(w->types, type);
	struct iq_member m = {.type = t};
	struct iq_buf out = {0};

	assert_non_null(t);
	if (path)
		assert_null(iq_member_find(t, path, &m));
	iq_value_print(NULL, w->m.vm, m.type, VM_BASE + at + m.bit_offset / 8,
		       (unsigned int)(m.bit_offset % 8), m.bit_size, f, &out);
	assert_string_equal(iq_buf_str(&out), want);
	iq_buf_free(&out);
}

/* ---- Tests ------------------------------------------------------------------------------------- */

static void test_all(void **state)
{
	assert_shows(*state, "struct all", NULL, 0, NULL,
		     "{\n"
		     "  list = {\n"
		     "    next = 0xffffffff80000020,\n"
		     "    prev = 0x0\n"
		     "  },\n"
		     "  mode = DEAD,\n"
		     "  flags = (A | C | unknown: 0x40),\n"
		     "  bits = 5,\n"
		     "  sign = -3,\n"
		     "  yes = true,\n"
		     "  wide = 1250999896330,\n"
		     /* The digit behind an octal escape is octal itself; one NUL at the end is not shown. */
		     "  name = \"a\\\"\\\\\\n\\001\\067\\377z\\000\\000\\000\",\n"
		     "  c = -56 '\\310',\n"
		     "  u = 65 'A',\n"
		     "  b = true,\n"
		     "  s = 0xffffffff80000400 \"hello\",\n"
		     "  points = {{\n"
		     "      x = 1,\n"
		     "      y = -2\n"
		     "    }, {\n"
		     "      x = 3,\n"
		     "      y = 4\n"
		     "    }},\n"
		     "  words = {4000000000, 0, 0},\n"
		     "  nothing = {<No data fields>},\n"
		     "  negative = -5,\n"
		     "  tail = 0xffffffff80000060\n"
		     "}");
}

static void test_hex(void **state)
{
	struct iq_format hex = {.radix = IQ_RADIX_HEX};

	assert_shows(*state, "struct all", "negative", 0, &hex, "0xfffffffffffffffb");
	assert_shows(*state, "struct all", "sign", 0, &hex, "0xd");
	assert_shows(*state, "struct all", "c", 0, &hex, "0xc8");
	assert_shows(*state, "struct all", "b", 0, &hex, "0x1");
	assert_shows(*state, "struct all", "mode", 0, &hex, "DEAD");
	assert_shows(*state, "struct all", "words", 0, &hex, "{0xee6b2800, 0x0, 0x0}");
}

static void test_letters(void **state)
{
	struct iq_format x = {.letter = 'x'}, d = {.letter = 'd'}, t = {.letter = 't'}, o = {.letter = 'o'},
			 u = {.letter = 'u'}, c = {.letter = 'c'}, z = {.letter = 'z'};

	assert_shows(*state, "struct all", "mode", 0, &x, "0x7");
	assert_shows(*state, "struct all", "name[0]", 0, &x, "0x61");
	assert_shows(*state, "struct names", NULL, 32, &x, "{\n  names = {{0x61, 0x22, 0x5c, 0xa}, {0x1, 0x37, 0xff, 0x7a}}\n}");
	assert_shows(*state, "struct all", "words[0]", 0, &d, "-294967296");
	assert_shows(*state, "struct all", "sign", 0, &u, "13");
	assert_shows(*state, "struct all", "bits", 0, &t, "101");
	assert_shows(*state, "struct all", "points[1].x", 0, &o, "03");
	assert_shows(*state, "struct all", "u", 0, &c, "65 'A'");
	assert_shows(*state, "struct all", "points[1].y", 0, &z, "0x00000004");
	assert_shows(*state, "struct all", "s", 0, &x, "0xffffffff80000400");
}

static void test_enums(void **state)
{
	struct world *w = *state;

	assert_shows(w, "enum mode", NULL, 0x500, NULL, "IDLE");
	assert_shows(w, "enum flags", NULL, 0x500, NULL, "0");
	assert_shows(w, "enum flags", NULL, 56, NULL, "A");
	assert_shows(w, "enum flags", NULL, 64, NULL, "(A | B)");
	assert_shows(w, "enum flags", NULL, 68, NULL, "(unknown: 0x4)");
	assert_shows(w, "enum mode", NULL, 64, NULL, "3");
}

static void test_limits(void **state)
{
	struct iq_format three = {.max_elements = 3};
	struct world *w = *state;
	struct iq_buf out = {0};

	assert_shows(w, "struct big", NULL, 0x600, &three, "{\n  numbers = {0, 0, 0...}\n}");
	assert_shows(w, "struct all", "name", 0, &three, "\"a\\\"\\\\\"...");
	assert_shows(w, "struct all", "s", 0, &three, "0xffffffff80000400 \"hel\"...");
	iq_value_print(NULL, w->m.vm, iq_type_by_name(w->types, "struct big"), VM_BASE + 0x600, 0, 0, NULL,
		       &out);
	assert_non_null(strstr(iq_buf_str(&out), "0, 0...}"));
	assert_int_equal(out.len, strlen("{\n  numbers = {}\n}") + 256 + 255 * 2 + 3);
	iq_buf_free(&out);
}

static void test_missing(void **state)
{
	struct world *w = *state;

	/* The second word lies behind the end of memory. */
	assert_shows(w, "struct list", NULL, 2 * VM_PAGE - 8, NULL,
		     "{\n  next = 0x500000000,\n  prev = <not in the dump>\n}");
	assert_shows(w, "struct names", NULL, 2 * VM_PAGE - 4, NULL,
		     "{\n  names = {\"\\005\\000\\000\", \"\" <not in the dump>}\n}");
	/* A bitfield reads only the bytes it lies in. */
	assert_shows(w, "struct all", "bits", 2 * VM_PAGE - 4 - 24, NULL, "5");
}

static void test_define(void **state)
{
	struct world *w = *state;
	struct iq_buf out = {0};

	iq_type_define(iq_type_by_name(w->types, "struct list"), NULL, &out);
	assert_string_equal(iq_buf_str(&out),
			    "struct list {\n    struct list *next;\n    struct list *prev;\n}");
	iq_buf_free(&out);
	iq_type_define(iq_type_by_name(w->types, "struct list"), &(struct iq_define){.offsets = true}, &out);
	assert_string_equal(iq_buf_str(&out),
			    "struct list {\n   [0] struct list *next;\n   [8] struct list *prev;\n}");
	iq_buf_free(&out);
	iq_type_define(iq_type_by_name(w->types, "enum mode"), NULL, &out);
	assert_string_equal(iq_buf_str(&out), "enum mode {\n  IDLE = 0\n  BUSY = 1\n  DEAD = 7\n};");
	iq_buf_free(&out);
	assert_null(iq_type_define_member(iq_type_by_name(w->types, "struct all"), "sign",
					  &(struct iq_define){.offsets = true}, &out));
	assert_string_equal(iq_buf_str(&out), "   [24] int sign : 4;\n");
	iq_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hex, setup, teardown),
		cmocka_unit_test_setup_teardown(test_letters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_enums, setup, teardown),
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_define, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
