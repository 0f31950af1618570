// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BTF put together by hand, so that every kind, both ways to write bitfields and every sort of
 * damage occur.  That real BTF is understood is checked against pahole and bpftool by
 * btf_against_others.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inquest/types.h>
#include <stdlib.h>

/* ---- A BTF under construction ---------------------------------------------------------------- */

enum { INT = 1, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC,
       PROTO, VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 };

struct built {
	struct iq_buf types, strings;
	uint32_t next, strings_first;
	struct iq_buf file;
	struct iq_warnings w;
};

static void u32(struct iq_buf *b, uint32_t v)
{
	uint8_t bytes[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	iq_buf_add(b, bytes, 4);
}

static uint32_t string(struct built *b, const char *s)
{
	uint32_t at = b->strings_first + (uint32_t)b->strings.len;

	if (!b->strings_first && !b->strings.len) {
		iq_buf_putc(&b->strings, 0);
		at++;
	}
	if (!*s)
		return 0;
	iq_buf_add(&b->strings, s, strlen(s) + 1);
	return at;
}

/* The common part of a record; returns its id. */
static uint32_t record(struct built *b, const char *name, unsigned int kind, uint32_t vlen,
		       bool flag, uint32_t size_or_type)
{
	u32(&b->types, string(b, name));
	u32(&b->types, (uint32_t)flag << 31 | kind << 24 | vlen);
	u32(&b->types, size_or_type);
	return b->next++;
}

static uint32_t integer(struct built *b, const char *name, uint32_t size, uint32_t encoding,
			uint32_t offset, uint32_t bits)
{
	uint32_t id = record(b, name, INT, 0, false, size);

	u32(&b->types, encoding << 24 | offset << 16 | bits);
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

/* A member, enumerator (TYPE: its value) or parameter (no WHERE). */
static void item(struct built *b, const char *name, uint32_t type)
{
	u32(&b->types, string(b, name));
	u32(&b->types, type);
}

static void member(struct built *b, const char *name, uint32_t type, uint32_t where)
{
	item(b, name, type);
	u32(&b->types, where);
}

/* Header LEN bytes; the layout section, if any, goes behind the strings. */
static struct iq_error *open_built(struct built *b, uint32_t len, const uint8_t *layout,
				   uint32_t layout_len, struct iq_types *base,
				   struct iq_types **ret)
{
	string(b, "");
	iq_buf_add(&b->file, "\x9f\xeb\x01\x00", 4);
	u32(&b->file, len);
	u32(&b->file, 0);
	u32(&b->file, (uint32_t)b->types.len);
	u32(&b->file, (uint32_t)b->types.len);
	u32(&b->file, (uint32_t)b->strings.len);
	if (len >= 32) {
		u32(&b->file, (uint32_t)(b->types.len + b->strings.len));
		u32(&b->file, layout_len);
	}
	while (b->file.len < len)
		iq_buf_putc(&b->file, 0);
	iq_buf_add(&b->file, b->types.s, b->types.len);
	iq_buf_add(&b->file, b->strings.s, b->strings.len);
	iq_buf_add(&b->file, layout, layout_len);
	return iq_btf_open(b->file.s, b->file.len, true, base, base ? "mod" : "vmlinux", &b->w,
			   ret);
}

static struct iq_types *finish(struct built *b)
{
	struct iq_types *t = NULL;

	assert_null(open_built(b, 24, NULL, 0, NULL, &t));
	return t;
}

static void discard(struct built *b)
{
	iq_buf_free(&b->types);
	iq_buf_free(&b->strings);
	iq_buf_free(&b->file);
	iq_warnings_clear(&b->w);
}

static void assert_declared(const struct iq_type *t, const char *name, const char *want)
{
	struct iq_buf text = {0};

	assert_non_null(t);
	iq_type_declare(t, name, &text);
	assert_string_equal(iq_buf_str(&text), want);
	iq_buf_free(&text);
}

static void assert_warned(struct built *b, const char *part)
{
	for (unsigned int i = 0; i < b->w.nr; i++) {
		if (strstr(b->w.text[i], part))
			return;
	}
	fail_msg("no warning contains \"%s\"", part);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void arithmetic_types(void **state)
{
	struct built b = {.next = 1};
	struct iq_types *t;

	integer(&b, "long unsigned int", 8, 0, 0, 64);
	integer(&b, "unsigned int", 4, 0, 0, 3);
	integer(&b, "unsigned int", 4, 0, 0, 32);
	integer(&b, "char", 1, 1, 0, 8);
	integer(&b, "unsigned char", 1, 0, 0, 8);
	integer(&b, "_Bool", 1, 4, 0, 8);
	record(&b, "long double", FLOAT, 0, false, 16);
	t = finish(&b);
	assert_int_equal(iq_type_by_name(t, "unsigned long int")->id, 1);
	assert_string_equal(iq_type_by_name(t, "long unsigned")->name, "unsigned long");
	assert_int_equal(iq_type_by_name(t, "unsigned")->id, 3);
	assert_int_equal(iq_type_by_name(t, "unsigned")->encoding, IQ_ENC_UNSIGNED);
	assert_int_equal(iq_type_by_name(t, "char")->encoding, IQ_ENC_CHAR);
	assert_int_equal(iq_type_by_name(t, "char unsigned")->encoding, IQ_ENC_UCHAR);
	assert_int_equal(iq_type_by_name(t, "_Bool")->encoding, IQ_ENC_BOOL);
	assert_int_equal(iq_type_by_name(t, " double  long ")->size, 16);
	assert_null(iq_type_by_name(t, "long char"));
	assert_null(iq_type_by_name(t, "unsigned signed"));
	assert_null(iq_type_by_name(t, "long long long"));
	assert_null(iq_type_by_name(t, "short"));
	assert_null(iq_type_by_name(t, ""));
	iq_types_close(t);
	discard(&b);
}

static void declarations(void **state)
{
	struct built b = {.next = 1};
	struct iq_types *t;
	uint32_t num, chr, list, proto, variadic, tagged, fn;

	chr = integer(&b, "char", 1, 1, 0, 8);
	num = integer(&b, "int", 4, 1, 0, 32);
	list = record(&b, "list_head", STRUCT, 2, false, 16);
	member(&b, "next", list + 1, 0);
	member(&b, "prev", list + 1, 64);
	record(&b, "", PTR, 0, false, list);
	variadic = record(&b, "", PROTO, 2, false, list + 3);
	item(&b, "", num);
	item(&b, "", 0);
	record(&b, "", PTR, 0, false, list + 4); /* list + 3: int (*)[3] */
	array(&b, num, 3);
	fn = record(&b, "", PTR, 0, false, variadic);
	proto = record(&b, "", PROTO, 0, false, 0);
	tagged = record(&b, "user", TYPE_TAG, 0, false, chr);
	record(&b, "", CONST, 0, false, tagged);
	record(&b, "", PTR, 0, false, tagged + 1);
	record(&b, "", CONST, 0, false, tagged + 2);
	array(&b, fn, 0);
	record(&b, "", STRUCT, 0, false, 0);
	record(&b, "main", FUNC, 1, false, proto);
	t = finish(&b);
	assert_declared(iq_type_by_id(t, list + 1), "next", "struct list_head *next");
	assert_declared(iq_type_by_id(t, fn), "fp", "int (*(*fp)(int, ...))[3]");
	assert_declared(iq_type_by_id(t, variadic), "", "int (*(int, ...))[3]");
	assert_declared(iq_type_by_id(t, proto), "f", "void f(void)");
	assert_declared(iq_type_by_id(t, tagged + 2), "s", "const char *s");
	assert_declared(iq_type_by_id(t, tagged + 3), "s", "const char * const s");
	assert_declared(iq_type_by_id(t, tagged + 3), "", "const char * const");
	assert_declared(iq_type_by_id(t, tagged + 4), "v", "int (*(*v[])(int, ...))[3]");
	assert_declared(iq_type_by_id(t, tagged + 5), "u", "struct {...} u");
	assert_declared(iq_type_by_name(t, "char [16]"), "comm", "char comm[16]");
	assert_declared(iq_type_by_name(t, "char[4][2]"), "", "char [4][2]");
	assert_int_equal(iq_type_by_name(t, "char[4][2]")->size, 8);
	assert_int_equal(iq_type_by_name(t, "char[4][2]")->count, 4);
	assert_declared(iq_type_by_name(t, "struct list_head*const*"), "",
			"struct list_head * const *");
	assert_ptr_equal(iq_type_by_name(t, "list_head *"), iq_type_by_id(t, list + 1));
	assert_ptr_equal(iq_type_by_name(t, "const char *"), iq_type_by_id(t, tagged + 2));
	assert_ptr_equal(iq_type_by_name(t, "int *[2]"), iq_type_by_name(t, "int *[2]"));
	assert_ptr_equal(iq_function_by_name(t, "main", NULL), iq_type_by_id(t, proto));
	assert_declared(iq_type_by_id(t, 0), "", "void");
	assert_null(iq_type_by_id(t, tagged));	   /* a tag is no type */
	assert_null(iq_type_by_id(t, tagged + 6)); /* nor is a function */
	assert_int_equal(b.w.nr, 0);
	iq_types_close(t);
	discard(&b);
}

static void bitfields(void **state)
{
	struct built b = {.next = 1};
	struct iq_types *t;
	struct iq_member m;
	uint32_t num, old, typed, s, o;
	uint64_t offset;

	num = integer(&b, "unsigned int", 4, 0, 0, 32);
	old = integer(&b, "unsigned int", 4, 0, 2, 5);
	typed = record(&b, "small", TYPEDEF, 0, false, old);
	s = record(&b, "new_style", STRUCT, 3, true, 8);
	member(&b, "a", num, 3 << 24 | 0);
	member(&b, "b", num, 29 << 24 | 3);
	member(&b, "c", num, 32);
	o = record(&b, "old_style", STRUCT, 2, false, 8);
	member(&b, "a", typed, 32);
	member(&b, "b", num, 0);
	t = finish(&b);
	assert_null(iq_member_find(iq_type_by_id(t, s), "b", &m));
	assert_int_equal(m.bit_offset, 3);
	assert_int_equal(m.bit_size, 29);
	assert_null(iq_member_find(iq_type_by_id(t, s), "c", &m));
	assert_int_equal(m.bit_offset, 32);
	assert_int_equal(m.bit_size, 0);
	assert_null(iq_member_find(iq_type_by_id(t, o), "a", &m));
	assert_int_equal(m.bit_offset, 34);
	assert_int_equal(m.bit_size, 5);
	assert_false(iq_offset(t, "new_style", "b", &offset, NULL));
	assert_true(iq_offset(t, "new_style", "c", &offset, NULL));
	assert_int_equal(offset, 4);
	iq_types_close(t);
	discard(&b);
}

static void enums(void **state)
{
	struct built b = {.next = 1}, old = {.next = 1};
	const struct iq_enumerator *e;
	struct iq_types *t;
	unsigned int nr;

	record(&b, "plus", ENUM, 1, false, 4);
	item(&b, "ALL", UINT32_MAX);
	record(&b, "minus", ENUM, 1, true, 4);
	item(&b, "NONE", UINT32_MAX);
	record(&b, "large", ENUM64, 2, false, 8);
	member(&b, "LOW", 5, 0);
	member(&b, "HIGH", 0, 0x80);
	t = finish(&b);
	e = iq_type_enumerators(iq_type_by_name(t, "enum plus"), &nr);
	assert_int_equal(nr, 1);
	assert_true(e[0].value == UINT32_MAX);
	e = iq_type_enumerators(iq_type_by_name(t, "minus"), &nr);
	assert_true(e[0].value == -1);
	e = iq_type_enumerators(iq_type_by_name(t, "large"), &nr);
	assert_int_equal(nr, 2);
	assert_string_equal(e[1].name, "HIGH");
	assert_true(e[0].value == 5 && e[1].value == INT64_C(0x8000000000));
	iq_types_close(t);
	discard(&b);

	/* An encoder that never says "signed": C's own type of enumerators is int. */
	record(&old, "old", ENUM, 1, false, 4);
	item(&old, "NONE", UINT32_MAX);
	t = finish(&old);
	e = iq_type_enumerators(iq_type_by_name(t, "enum old"), &nr);
	assert_true(e[0].value == -1);
	iq_types_close(t);
	discard(&old);
}

static void forward_declarations(void **state)
{
	struct built b = {.next = 1};
	struct iq_types *t;
	uint32_t fwd, two, p, none;

	fwd = record(&b, "task", FWD, 0, false, 0);
	p = record(&b, "", PTR, 0, false, fwd);
	record(&b, "task", STRUCT, 0, false, 64);
	two = record(&b, "twice", FWD, 0, true, 0);
	record(&b, "", PTR, 0, false, two);
	record(&b, "twice", UNION, 0, false, 8);
	record(&b, "twice", UNION, 0, false, 16);
	none = record(&b, "nowhere", FWD, 0, false, 0);
	t = finish(&b);
	assert_int_equal(iq_type_by_id(t, fwd)->kind, IQ_KIND_INCOMPLETE_STRUCT);
	assert_int_equal(iq_type_target(iq_type_by_id(t, p))->size, 64);
	/* Which of two is meant is not known. */
	assert_int_equal(iq_type_target(iq_type_by_id(t, two + 1))->kind, IQ_KIND_INCOMPLETE_UNION);
	assert_int_equal(iq_type_by_name(t, "struct task")->kind, IQ_KIND_STRUCT);
	assert_int_equal(iq_type_by_name(t, "struct nowhere")->id, none);
	assert_null(iq_type_by_name(t, "union nowhere"));
	assert_int_equal(iq_type_by_name(t, "twice")->size, 8);
	assert_int_equal(iq_type_next_same_name(iq_type_by_name(t, "twice"))->size, 16);
	assert_null(iq_type_next_same_name(iq_type_next_same_name(iq_type_by_name(t, "twice"))));
	iq_types_close(t);
	discard(&b);
}

static void members_by_path(void **state)
{
	struct built b = {.next = 1};
	struct iq_types *t;
	const struct iq_type *outer;
	struct iq_error *err;
	struct iq_member m;
	uint32_t num, inner, anon, arr, flex;
	uint64_t offset, size;

	num = integer(&b, "int", 4, 1, 0, 32);
	inner = record(&b, "inner", STRUCT, 2, false, 8);
	member(&b, "first", num, 0);
	member(&b, "second", num, 32);
	arr = array(&b, inner, 3);
	anon = record(&b, "", UNION, 2, false, 24);
	member(&b, "value", num, 0);
	member(&b, "list", arr, 0);
	flex = array(&b, inner, 0);
	record(&b, "outer", STRUCT, 3, false, 32);
	member(&b, "pid", num, 0);
	member(&b, "", anon, 64);
	member(&b, "tail", flex, 256);
	record(&b, "outer_t", TYPEDEF, 0, false, flex + 1);
	t = finish(&b);
	outer = iq_type_by_name(t, "outer_t");
	assert_null(iq_member_find(outer, "list[2].second", &m));
	assert_int_equal(m.bit_offset, 8 * (8 + 16 + 4));
	assert_string_equal(m.name, "second");
	assert_null(iq_member_find(outer, "list[2]", &m));
	assert_declared(m.type, "", "struct inner");
	assert_null(iq_member_find(outer, "tail[100].first", &m));
	assert_int_equal(m.bit_offset, 8 * 832);
	assert_true(iq_offset(t, "outer", "value", &offset, &size));
	assert_int_equal(offset, 8);
	assert_int_equal(size, 4);
	assert_true(iq_offset(t, "outer_t", "list[1].first", &offset, NULL));
	assert_int_equal(offset, 16);
	assert_false(iq_offset(t, "outer", "valu", &offset, NULL));
	assert_false(iq_offset(t, "missing", "value", &offset, NULL));
	err = iq_member_find(outer, "valu", &m);
	assert_int_equal(err->code, IQ_E_NOT_FOUND);
	assert_string_equal(err->hint, "did you mean value?");
	iq_error_free(err);
	err = iq_member_find(outer, "list[3]", &m);
	assert_int_equal(err->code, IQ_E_NOT_FOUND);
	iq_error_free(err);
	err = iq_member_find(outer, "pid.x", &m);
	assert_int_equal(err->code, IQ_E_NOT_FOUND);
	iq_error_free(err);
	for (unsigned int i = 0; i < 6; i++) {
		static const char *const bad[] = {"", ".pid", "list[", "list[x]", "list..",
						  "list[]"};

		err = iq_member_find(outer, bad[i], &m);
		assert_int_equal(err->code, IQ_E_USAGE);
		iq_error_free(err);
	}
	iq_types_close(t);
	discard(&b);
}

static void modules_continue_the_kernel(void **state)
{
	struct built b = {.next = 1}, mod = {0};
	struct iq_types *kernel, *t;
	const struct iq_type *dev;
	unsigned int matches;
	struct iq_member m;
	uint32_t num, proto;

	num = integer(&b, "int", 4, 1, 0, 32);
	record(&b, "common", STRUCT, 1, false, 4);
	member(&b, "x", num, 0);
	proto = record(&b, "", PROTO, 0, false, num);
	record(&b, "probe", FUNC, 0, false, proto);
	kernel = finish(&b);
	mod.next = iq_types_end(kernel);
	mod.strings_first = (uint32_t)b.strings.len;
	record(&mod, "device", STRUCT, 2, false, 8);
	member(&mod, "base", 2, 0);
	u32(&mod.types, 1); /* a name among the kernel's strings: "int" */
	u32(&mod.types, num);
	u32(&mod.types, 32);
	record(&mod, "common", STRUCT, 0, false, 12);
	record(&mod, "probe", FUNC, 0, false, proto);
	record(&mod, "counter", VAR, 0, false, mod.next - 3);
	u32(&mod.types, 0);
	assert_null(open_built(&mod, 24, NULL, 0, kernel, &t));
	assert_int_equal(iq_types_first(t), 5);
	assert_int_equal(iq_types_end(t), 9);
	dev = iq_type_by_name(t, "struct device");
	assert_null(iq_member_find(dev, "base.x", &m));
	assert_ptr_equal(m.type, iq_type_by_name(kernel, "int"));
	assert_null(iq_member_find(dev, "int", &m));
	assert_int_equal(m.bit_offset, 32);
	assert_int_equal(iq_type_by_name(t, "common")->size, 12);
	assert_int_equal(iq_type_by_name(kernel, "common")->size, 4);
	assert_null(iq_type_by_name(kernel, "device"));
	assert_non_null(iq_function_by_name(t, "probe", &matches));
	assert_int_equal(matches, 2);
	assert_ptr_equal(iq_variable_type(t, "counter"), dev);
	assert_null(iq_variable_type(t, "probe"));
	assert_string_equal(iq_types_source(t), "BTF of mod");
	assert_int_equal(mod.w.nr + b.w.nr, 0);
	iq_types_close(t);
	iq_types_close(kernel);
	discard(&mod);
	discard(&b);
}

static void damage_is_contained(void **state)
{
	struct built b = {.next = 1};
	struct iq_types *t;
	const struct iq_member *m;
	unsigned int nr;
	uint32_t num, self, arr, s, cycle;
	struct iq_member found;
	struct iq_error *err;

	num = integer(&b, "int", 4, 1, 0, 32);
	self = record(&b, "self", TYPEDEF, 0, false, b.next);
	arr = array(&b, b.next, 7);
	array(&b, num, 0xffffffff);
	record(&b, "", PTR, 0, false, 9999);
	s = record(&b, "s", STRUCT, 4, false, 8);
	member(&b, "outside", num, 40);
	member(&b, "nothing", 9999, 0);
	member(&b, "self", self, 0);
	u32(&b.types, 12345678); /* no such string */
	u32(&b.types, num);
	u32(&b.types, 32);
	cycle = record(&b, "cycle", STRUCT, 3, false, 8);
	member(&b, "", cycle, 0);
	member(&b, "", cycle, 0);
	member(&b, "", cycle, 0);
	record(&b, "\033[31m", STRUCT, 0, false, 4);
	t = finish(&b);
	assert_int_equal(iq_type_strip(iq_type_by_id(t, self))->kind, IQ_KIND_VOID);
	assert_int_equal(iq_type_by_id(t, arr)->kind, IQ_KIND_VOID);
	assert_int_equal(iq_type_by_id(t, arr + 1)->size, UINT64_C(0xffffffff) * 4);
	assert_int_equal(iq_type_target(iq_type_by_id(t, arr + 2))->kind, IQ_KIND_VOID);
	m = iq_type_members(iq_type_by_id(t, s), &nr);
	assert_int_equal(nr, 4);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(iq_type_strip(m[i].type)->kind, IQ_KIND_VOID);
	assert_string_equal(m[3].name, "?");
	assert_string_equal(iq_type_by_id(t, cycle + 1)->name, "?");
	err = iq_member_find(iq_type_by_id(t, cycle), "x", &found);
	assert_non_null(err);
	iq_error_free(err);
	assert_warned(&b, "member 0 of type 6 is outside of it");
	assert_warned(&b, "no type 9999");
	assert_warned(&b, "is defined by itself");
	assert_warned(&b, "no string at 12345678");
	assert_warned(&b, "is not a name");
	iq_types_close(t);
	discard(&b);
}

static void damaged_containers(void **state)
{
	static const uint8_t layout[] = {[4 * 20] = 8, 4, 0, 0};
	struct built b = {.next = 1}, known = {.next = 1}, module = {.next = 3};
	struct iq_types *t, *none = NULL;
	struct iq_error *err;
	uint8_t bytes[64];

	/* A kind from the future: what follows it is unknown, unless the header describes it. */
	integer(&b, "int", 4, 1, 0, 32);
	record(&b, "", 20, 2, false, 0);
	for (unsigned int i = 0; i < 4; i++)
		u32(&b.types, 0xffffffff);
	record(&b, "after", STRUCT, 0, false, 4);
	t = finish(&b);
	assert_int_equal(iq_types_end(t), 2);
	assert_non_null(iq_type_by_name(t, "int"));
	assert_null(iq_type_by_name(t, "after"));
	assert_warned(&b, "record 2 at byte 16 makes no sense");
	/* A module's numbers mean nothing then. */
	integer(&module, "u8", 1, 0, 0, 8);
	err = open_built(&module, 24, NULL, 0, t, &none);
	assert_int_equal(err->code, IQ_E_FORMAT);
	iq_error_free(err);
	iq_types_close(t);

	integer(&known, "int", 4, 1, 0, 32);
	record(&known, "", 20, 2, false, 0);
	for (unsigned int i = 0; i < 4; i++)
		u32(&known.types, 0xffffffff);
	record(&known, "after", STRUCT, 0, false, 4);
	assert_null(open_built(&known, 40, layout, sizeof(layout), NULL, &t));
	assert_int_equal(iq_types_end(t), 4);
	assert_non_null(iq_type_by_name(t, "after"));
	assert_null(iq_type_by_id(t, 2));
	assert_int_equal(known.w.nr, 0);
	iq_types_close(t);

	/* Every shorter piece (without its description, unknown kinds just stay unknown), and every
	 * byte of its header changed. */
	for (size_t len = 0; len < known.file.len - sizeof(layout); len++) {
		err = iq_btf_open(known.file.s, len, false, NULL, "x", NULL, &none);
		assert_non_null(err);
		assert_int_equal(err->code, IQ_E_FORMAT);
		iq_error_free(err);
	}
	for (size_t i = 0; i < 32; i++) {
		memcpy(bytes, known.file.s, sizeof(bytes));
		bytes[i] ^= 0xff;
		err = iq_btf_open(bytes, sizeof(bytes), true, NULL, "x", NULL, &none);
		iq_error_free(err);
		if (!err)
			iq_types_close(none);
	}
	discard(&b);
	discard(&known);
	discard(&module);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arithmetic_types),
		cmocka_unit_test(declarations),
		cmocka_unit_test(bitfields),
		cmocka_unit_test(enums),
		cmocka_unit_test(forward_declarations),
		cmocka_unit_test(members_by_path),
		cmocka_unit_test(modules_continue_the_kernel),
		cmocka_unit_test(damage_is_contained),
		cmocka_unit_test(damaged_containers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
