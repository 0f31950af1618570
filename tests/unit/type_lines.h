/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A type as lines of text, for comparison with what other programs make of the same file:
 *
 *	ID KIND NAME SIZE [ENCODING] [DECLARATION]
 *	  ENUMERATOR VALUE
 *	  MEMBER BIT_OFFSET BIT_SIZE SIZE DECLARATION
 */
#ifndef TESTS_UNIT_TYPE_LINES_H
#define TESTS_UNIT_TYPE_LINES_H

#include <inquest/types.h>

static const char *const kinds[] = {
	"void", "int", "float", "pointer", "array", "struct", "union", "enum", "typedef", "const",
	"volatile", "restrict", "function", "fwd-struct", "fwd-union",
};
static const char *const encodings[] = {"unsigned", "signed", "char", "uchar", "bool"};

static void print_type(const struct iq_type *t, struct iq_buf *out)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);
	const struct iq_enumerator *e;
	bool is_value = t->kind == IQ_KIND_INT || t->kind == IQ_KIND_ENUM;

	iq_buf_printf(out, "%u %s %s %llu%s%s", t->id, kinds[t->kind], *t->name ? t->name : "-",
		      (unsigned long long)t->size, is_value ? " " : "",
		      is_value ? encodings[t->encoding] : "");
	if (t->kind != IQ_KIND_STRUCT && t->kind != IQ_KIND_UNION && t->kind != IQ_KIND_ENUM) {
		iq_buf_putc(out, '\t');
		iq_type_declare(t, "x", out);
	}
	iq_buf_putc(out, '\n');
	if (t->kind == IQ_KIND_STRUCT || t->kind == IQ_KIND_UNION) {
		for (unsigned int i = 0; i < nr; i++) {
			iq_buf_printf(out, "  %s %llu %u %llu\t", *m[i].name ? m[i].name : "-",
				      (unsigned long long)m[i].bit_offset, m[i].bit_size,
				      (unsigned long long)m[i].type->size);
			iq_type_declare(m[i].type, m[i].name, out);
			iq_buf_putc(out, '\n');
		}
	}
	e = iq_type_enumerators(t, &nr);
	for (unsigned int i = 0; t->kind == IQ_KIND_ENUM && i < nr; i++) {
		if (t->encoding == IQ_ENC_SIGNED)
			iq_buf_printf(out, "  %s %lld\n", e[i].name, (long long)e[i].value);
		else
			iq_buf_printf(out, "  %s %llu\n", e[i].name,
				      (unsigned long long)e[i].value);
	}
}

#endif
