// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kallsyms in all the forms that kernels have had it in, made here as scripts/kallsyms.c of the
 * kernel describes them, opened with all, some and none of the tables' places known.
 */
#include "vm_memory.h"
#include <inquest/symbols.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum mode { ABSOLUTE, PERCPU, BASE, PLACE };

struct form {
	const char *name;
	bool new_order, seqs, long_names;
	unsigned int word; /* bytes of num_syms and of a marker */
	enum mode mode;
	unsigned int alignment; /* of labels; 0: 8 */
};

/* The table of versions in the comment of src/debug/kallsyms.h. */
static const struct form forms[] = {
	{"4.19", false, false, false, 8, PERCPU},
	{"4.19, absolute", false, false, false, 8, ABSOLUTE},
	{"5.10", false, false, false, 4, PERCPU},
	{"5.10, absolute", false, false, false, 4, ABSOLUTE},
	{"6.1", false, false, true, 4, PERCPU},
	{"6.2", false, true, true, 4, PERCPU},
	{"6.4", true, true, true, 4, PERCPU},
	{"6.4, absolute", true, true, true, 4, ABSOLUTE},
	{"6.15", true, true, true, 4, BASE},
	{"7.0", true, true, true, 4, PLACE},
	{"7.2", true, true, true, 4, PLACE, 4},
	{"6.2, labels aligned to 4", false, true, true, 4, PERCPU, 4},
};

#define NR 3000u
#define NR_PERCPU 40u
#define START 0x2103cu /* of the tables, an odd place */
#define TEXT (VM_BASE + 0x1000)

struct symbol {
	char name[300];
	uint64_t address;
};

static struct symbol symbols[NR];
static uint64_t stext;

/*
 * Addresses with gaps and aliases, names that compress, a few of one name, one that is very long.
 */
static void make_symbols(const struct form *f)
{
	static const char *const words[] = {"sys", "read", "_init", "tcp_", "ext4_", "lock", "x"};
	uint64_t x = 88172645463325252u, address = TEXT;

	for (unsigned int i = 0; i < NR; i++) {
		struct symbol *s = &symbols[i];
		bool percpu = i < NR_PERCPU && f->mode != BASE && f->mode != PLACE;

		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		snprintf(s->name, sizeof(s->name), "%c%s%s%s_%u", i % 3 ? 't' : 'T', words[x % 7],
			 words[x / 7 % 7], words[x / 49 % 7], i);
		if (i % 500 == 7)
			strcpy(s->name, "tsame_name");
		if (i % 700 == 9)
			snprintf(s->name, sizeof(s->name), "tdotted.part.%u", i);
		if (!percpu && i % 5)
			address += 16 + x % 4096;
		s->address = percpu ? i * 64 : address;
	}
	strcpy(symbols[NR_PERCPU].name, "T_stext");
	stext = symbols[NR_PERCPU].address;
	if (f->long_names)
		for (unsigned int i = 0; i < 3; i++) {
			char *name = symbols[300 + 900 * i].name;

			name[0] = 't';
			for (unsigned int j = 1; j < 200 + i; j++)
				name[j] = (char)('A' + (i * 7 + j * j) % 26);
			name[200 + i] = '\0';
		}
}

/* ---- Tables ---------------------------------------------------------------------------------- */

struct writer {
	uint8_t *bytes;
	size_t at;
	unsigned int alignment;
};

static uint64_t here(const struct writer *w)
{
	return VM_BASE + w->at;
}

static void put(struct writer *w, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		w->bytes[w->at++] = (uint8_t)(value >> 8 * i);
}

static uint64_t label(struct writer *w)
{
	w->at = (w->at + w->alignment - 1) & ~(size_t)(w->alignment - 1);
	return here(w);
}

/* Tokens from 128 on stand for more than themselves. */
static const char *const long_tokens[] = {"tsys", "read_", "tcp_", "ext4_", "lock", "_in", "it"};

static const char *token_text(unsigned int token, char buf[2])
{
	if (token >= 128 && token < 128 + IQ_ARRAY_SIZE(long_tokens))
		return long_tokens[token - 128];
	buf[0] = token > 32 && token < 127 ? (char)token : '\0';
	buf[1] = '\0';
	return buf;
}

static unsigned int compress(const char *name, uint8_t *out)
{
	unsigned int nr = 0;

	while (*name) {
		unsigned int token = (uint8_t)*name, len = 1;

		for (unsigned int i = 0; i < IQ_ARRAY_SIZE(long_tokens); i++) {
			size_t l = strlen(long_tokens[i]);

			if (!strncmp(name, long_tokens[i], l)) {
				token = 128 + i;
				len = (unsigned int)l;
				break;
			}
		}
		out[nr++] = (uint8_t)token;
		name += len;
	}
	return nr;
}

static void put_names(struct writer *w, const struct form *f, uint32_t *markers)
{
	size_t start = w->at;

	for (unsigned int i = 0; i < NR; i++) {
		uint8_t tokens[300];
		unsigned int nr = compress(symbols[i].name, tokens);

		if (i % 256 == 0)
			markers[i / 256] = (uint32_t)(w->at - start);
		if (nr < 128) {
			put(w, nr, 1);
		} else {
			put(w, (nr & 127) | 128, 1);
			put(w, nr >> 7, 1);
		}
		memcpy(w->bytes + w->at, tokens, nr);
		w->at += nr;
	}
}

static int by_name(const void *pa, const void *pb)
{
	const unsigned int *a = pa, *b = pb;
	int order = strcmp(symbols[*a].name + 1, symbols[*b].name + 1);

	return order ? order : *a < *b ? -1 : *a > *b;
}

static void put_seqs(struct writer *w, struct iq_kallsyms_where *where)
{
	unsigned int order[NR];

	for (unsigned int i = 0; i < NR; i++)
		order[i] = i;
	qsort(order, NR, sizeof(*order), by_name);
	where->seqs_of_names = label(w);
	for (unsigned int i = 0; i < NR; i++) {
		put(w, order[i] >> 16, 1);
		put(w, order[i] >> 8, 1);
		put(w, order[i], 1);
	}
}

static void put_addresses(struct writer *w, const struct form *f, struct iq_kallsyms_where *where)
{
	uint64_t base = TEXT - 0x40;

	if (f->mode == ABSOLUTE)
		where->addresses = label(w);
	else
		where->offsets = label(w);
	for (unsigned int i = 0; i < NR; i++) {
		uint64_t address = symbols[i].address;

		if (f->mode == ABSOLUTE)
			put(w, address, 8);
		else if (f->mode == PERCPU)
			put(w, address < VM_BASE ? address : base - 1 - address, 4);
		else
			put(w, address - (f->mode == BASE ? base : here(w)), 4);
	}
	if (f->mode == PERCPU || f->mode == BASE) {
		where->relative_base = label(w);
		put(w, base, 8);
	}
}

static void put_tokens(struct writer *w, struct iq_kallsyms_where *where)
{
	uint16_t index[256];
	char buf[2];

	where->token_table = label(w);
	for (unsigned int i = 0; i < 256; i++) {
		const char *text = token_text(i, buf);

		index[i] = (uint16_t)(here(w) - where->token_table);
		memcpy(w->bytes + w->at, text, strlen(text) + 1);
		w->at += strlen(text) + 1;
	}
	where->token_index = label(w);
	for (unsigned int i = 0; i < 256; i++)
		put(w, index[i], 2);
}

static void put_all(struct writer *w, const struct form *f, struct iq_kallsyms_where *where)
{
	uint32_t markers[NR / 256 + 1];

	if (!f->new_order)
		put_addresses(w, f, where);
	where->num_syms = label(w);
	put(w, NR, f->word);
	where->names = label(w);
	put_names(w, f, markers);
	where->markers = label(w);
	for (unsigned int i = 0; i < NR / 256 + 1; i++)
		put(w, markers[i], f->word);
	if (!f->new_order && f->seqs)
		put_seqs(w, where);
	put_tokens(w, where);
	if (f->new_order) {
		put_addresses(w, f, where);
		put_seqs(w, where);
	}
}

static struct vm_memory m;
static struct iq_kallsyms_where where;

static void make(const struct form *f)
{
	struct writer w;

	make_symbols(f);
	where = (struct iq_kallsyms_where){0};
	assert_true(vm_memory_init(&m, 0x80000));
	w = (struct writer){m.bytes, START, f->alignment ? f->alignment : 8};
	put_all(&w, f, &where);
	assert_true(w.at < m.size);
	assert_true(vm_memory_start(&m));
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* The first symbol at the address of symbol I. */
static unsigned int first_alias(unsigned int i)
{
	while (i && symbols[i - 1].address == symbols[i].address)
		i--;
	return i;
}

static void check_symbol(struct iq_symtab *t, unsigned int i)
{
	struct iq_symbol s;
	unsigned int from = 0, same = 0;

	assert_true(iq_symtab_at(t, i, &s));
	assert_string_equal(s.name, symbols[i].name + 1);
	assert_int_equal(s.type, symbols[i].name[0]);
	assert_int_equal(s.address, symbols[i].address);
	assert_null(s.module);

	assert_true(iq_symtab_by_address(t, symbols[i].address, &s));
	assert_string_equal(s.name, symbols[first_alias(i)].name + 1);
	if (s.size > 1) {
		assert_true(iq_symtab_by_address(t, symbols[i].address + s.size - 1, &s));
		assert_int_equal(s.address, symbols[i].address);
	}
	/* All symbols of this name, in their order. */
	for (unsigned int j = 0; j <= i; j++)
		same += !strcmp(symbols[j].name + 1, symbols[i].name + 1);
	for (unsigned int j = 0; j < same; j++)
		assert_true(iq_symtab_by_name(t, symbols[i].name + 1, &from, &s));
	assert_int_equal(s.address, symbols[i].address);
	assert_int_equal(from, i + 1);
}

static void check_all(struct iq_symtab *t)
{
	struct iq_symbol s;
	unsigned int from = 0;

	assert_int_equal(iq_symtab_count(t), NR);
	for (unsigned int i = 0; i < NR; i += i % 97 ? 1 : 13)
		check_symbol(t, i);
	for (unsigned int i = 0; i < 6; i++)
		assert_true(iq_symtab_by_name(t, "same_name", &from, &s));
	assert_false(iq_symtab_by_name(t, "same_name", &from, &s));
	from = 0;
	assert_false(iq_symtab_by_name(t, "nosuch", &from, &s));
	assert_false(iq_symtab_by_name(t, "zzz", &from, &s));
	assert_false(iq_symtab_by_name(t, "", &from, &s));
	assert_false(iq_symtab_by_name(t, "no.such", &from, &s));
	assert_false(iq_symtab_at(t, NR, &s));
	/*
	 * Between per-CPU offsets and the kernel lies nothing, nor behind the last symbol's page.
	 */
	assert_false(iq_symtab_by_address(t, UINT64_C(1) << 47, &s));
	assert_false(iq_symtab_by_address(t, symbols[NR - 1].address + 4096, &s));
	assert_false(iq_symtab_by_address(t, UINT64_MAX, &s));
}

static void open_and_check(const struct iq_kallsyms_where *w)
{
	struct iq_symtab *t;
	struct iq_error *err = iq_kallsyms_open(m.vm, w, "_stext", stext, &t);

	if (err)
		fail_msg("%s", err->message);
	check_all(t);
	iq_symtab_close(t);
}

static void all_forms(void **state)
{
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(forms); i++) {
		struct iq_kallsyms_where w;
		struct iq_symtab *t;

		print_message("  %s\n", forms[i].name);
		make(&forms[i]);
		open_and_check(&where);

		/* As VMCOREINFO names them. */
		w = where;
		w.markers = w.seqs_of_names = 0;
		open_and_check(&w);

		/* The least that can be told. */
		w = (struct iq_kallsyms_where){.names = where.names,
					       .token_table = where.token_table};
		open_and_check(&w);

		/* Nothing. */
		assert_null(iq_kallsyms_find(m.vm, VM_BASE, VM_BASE + m.size, &w));
		assert_int_equal(w.names, where.names);
		assert_int_equal(w.num_syms, where.num_syms);
		assert_int_equal(w.token_index, where.token_index);
		open_and_check(&w);

		/* No symbol to check with. */
		assert_null(iq_kallsyms_open(m.vm, &where, NULL, 0, &t));
		check_all(t);
		iq_symtab_close(t);
		vm_memory_end(&m);
	}
}

/* A symbol that does not lie where it must: better no table than a wrong one. */
static void wrong_check(void **state)
{
	struct iq_symtab *t;
	struct iq_error *err;

	make(&forms[5]);
	err = iq_kallsyms_open(m.vm, &where, "_stext", stext + 16, &t);
	assert_non_null(err);
	assert_int_equal(err->code, IQ_E_FORMAT);
	iq_error_free(err);
	vm_memory_end(&m);
}

/*
 * A byte of a name that was overwritten spoils the names behind it up to the next marker, no
 * others.
 */
static void damaged_name(void **state)
{
	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(forms); i++) {
		struct iq_symtab *t;
		struct iq_symbol s;
		uint32_t block5;

		make(&forms[i]);
		block5 = iq_le32(m.bytes + (where.markers - VM_BASE) + 5 * forms[i].word);
		m.bytes[where.names - VM_BASE + block5] += 3;
		assert_null(iq_kallsyms_open(m.vm, &where, "_stext", stext, &t));
		for (unsigned int j = 0; j < NR; j++) {
			bool got = iq_symtab_at(t, j, &s);

			assert_int_equal(got, j / 256 != 5);
			if (got)
				assert_string_equal(s.name, symbols[j].name + 1);
		}
		/* Names of the other blocks are still found, the damaged ones are not. */
		for (unsigned int j = 600; j < 2400; j += 7) {
			unsigned int from = 0;

			assert_int_equal(iq_symtab_by_name(t, symbols[j].name + 1, &from, &s),
					 j / 256 != 5);
		}
		iq_symtab_close(t);
		vm_memory_end(&m);
	}
}

/* Numbers that lead out of memory. */
static void hostile(void **state)
{
	static const uint64_t values[] = {0,	       1,	  8, UINT64_MAX, UINT64_MAX - 7,
					  VM_BASE - 1, UINT32_MAX};

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(forms); i += 2) {
		make(&forms[i]);
		for (unsigned int j = 0; j < 9 * IQ_ARRAY_SIZE(values); j++) {
			struct iq_kallsyms_where w = where;
			struct iq_symtab *t = NULL;
			struct iq_error *err;
			uint64_t *fields[] = {&w.names,	      &w.num_syms,    &w.markers,
					      &w.token_table, &w.token_index, &w.seqs_of_names,
					      &w.addresses,   &w.offsets,     &w.relative_base};

			*fields[j % 9] = values[j / 9];
			err = iq_kallsyms_open(m.vm, &w, "_stext", stext, &t);
			if (!err) {
				check_all(t);
				iq_symtab_close(t);
			}
			iq_error_free(err);
		}
		vm_memory_end(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_forms),
		cmocka_unit_test(wrong_check),
		cmocka_unit_test(damaged_name),
		cmocka_unit_test(hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
