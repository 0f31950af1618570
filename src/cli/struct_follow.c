// SPDX-License-Identifier: GPL-2.0-or-later
/* struct -p: what the pointers among the members point to. */
#include "struct.h"
#include <inttypes.h>

#define BELOW 5 /* columns in front of what stands below a pointer */
#define MAX_STRING 1500 /* characters of a string that is shown */

bool is_followed(const struct iq_member *m)
{
	return !m->bit_size && iq_type_strip(m->type)->kind == IQ_KIND_POINTER;
}

/* What the pointer is to: qualifiers off, typedefs left. */
static const struct iq_type *target_of(const struct iq_member *m)
{
	return iq_type_unqualified(iq_type_target(iq_type_strip(m->type)));
}

static bool is_character(const struct iq_type *t)
{
	return t->kind == IQ_KIND_INT && t->size == 1 && t->encoding != IQ_ENC_BOOL;
}

static bool has_symbol(const struct struct_result *x, uint64_t address, struct iq_symbol *symbol)
{
	return iq_symbol_at(x->k, address, symbol) && symbol->address == address;
}

static void put_string(const struct struct_result *x, uint64_t address, struct iq_buf *out)
{
	char text[MAX_STRING];

	if (iq_vm_read_string(x->memory.vm, address, text, sizeof(text)))
		iq_buf_puts(out, "(not accessible)");
	else
		iq_string_show(text, strlen(text), out);
}

/* The object at ADDRESS, or why there is none. */
static void put_target(const struct struct_result *x, const struct iq_type *t, uint64_t address,
		       struct iq_buf *out)
{
	struct iq_scope scope = {.k = x->k, .vm = x->memory.vm};
	struct iq_value value = {.type = t, .in_memory = true, .address = address};
	const struct iq_type *plain = iq_type_strip(t);
	struct iq_format format = x->format;
	uint64_t word;
	uint8_t byte;

	format.indent = BELOW;
	if (plain->kind == IQ_KIND_INCOMPLETE_STRUCT || plain->kind == IQ_KIND_INCOMPLETE_UNION)
		iq_buf_printf(out, "(%s %s: its members are not known)", tag_of(plain),
			      plain->name);
	else if (memory_read(&x->memory, address, &byte, 1, NULL))
		iq_buf_puts(out, "(not accessible)");
	else if (is_character(t))
		put_string(x, address, out);
	else if (t->kind == IQ_KIND_POINTER && !iq_vm_read_uint(x->memory.vm, address, 8, &word))
		iq_buf_printf(out, "%" PRIx64, word);
	else
		iq_value_show(&scope, &value, &format, out);
}

/* Behind the arrow. */
static void put_followed(const struct struct_result *x, const struct iq_type *t, uint64_t address,
			 struct iq_buf *out)
{
	const struct iq_type *plain = iq_type_strip(t);
	struct iq_symbol symbol;
	bool named = has_symbol(x, address, &symbol);

	if (!address) {
		iq_buf_puts(out, "NULL");
		return;
	}
	if (named)
		iq_buf_printf(out, "<%s>", symbol.name);
	/* What a void pointer is to is known if it is to a variable whose type is. */
	if (plain->kind == IQ_KIND_VOID && named && iq_global_type(x->k, &symbol)) {
		t = iq_global_type(x->k, &symbol);
		plain = iq_type_strip(t);
	}
	if (plain->kind == IQ_KIND_FUNCTION) {
		iq_buf_puts(out, named ? "" : "(unknown)");
	} else if (plain->kind == IQ_KIND_VOID) {
		iq_buf_puts(out, named ? "" : "(unknown target type)");
	} else {
		iq_buf_puts(out, named ? " " : "");
		put_target(x, t, address, out);
	}
}

void text_followed(const struct struct_result *x, const char *name, const struct iq_member *m,
		   uint64_t base, struct iq_buf *out)
{
	uint64_t address = base + m->bit_offset / 8, value;

	iq_buf_puts(out, "  ");
	iq_type_declare(m->type, name, out);
	iq_buf_puts(out, " = ");
	if (iq_vm_read_uint(x->memory.vm, address, 8, &value)) {
		iq_value_print(x->k, x->memory.vm, m->type, address, 0, 0, &x->format, out);
		iq_buf_putc(out, '\n');
		return;
	}
	iq_buf_printf(out, "0x%" PRIx64 "\n  -> ", value);
	put_followed(x, target_of(m), value, out);
	iq_buf_putc(out, '\n');
}

json_t *json_followed(const struct struct_result *x, const struct iq_member *m, uint64_t base)
{
	const struct iq_type *t = target_of(m), *plain = iq_type_strip(t);
	struct iq_symbol symbol;
	char text[MAX_STRING];
	uint64_t address;
	json_t *o;

	if (iq_vm_read_uint(x->memory.vm, base + m->bit_offset / 8, 8, &address) || !address)
		return json_null();
	o = json_object();
	json_object_set_new(o, "type", json_ctype(t));
	json_object_set_new(o, "address", json_address(address));
	json_object_set_new(o, "symbol",
			    has_symbol(x, address, &symbol)
				    ? json_text(symbol.name, strlen(symbol.name))
				    : json_null());
	if (is_character(t))
		json_object_set_new(o, "value",
				    iq_vm_read_string(x->memory.vm, address, text, sizeof(text))
					    ? json_null()
					    : json_text(text, strlen(text)));
	else if (is_aggregate(t))
		json_object_set_new(o, "members", json_members(x->memory.vm, t, address));
	else if (plain->kind != IQ_KIND_FUNCTION && plain->kind != IQ_KIND_VOID)
		json_object_set_new(o, "value", json_value(x->memory.vm, t, address, 0, 0));
	return o;
}
