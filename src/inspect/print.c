// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Values as gdb prints them with "set print pretty on" and crash's other settings (print/valprint.c of
 * gdb 10 is what crash 8 shows; its behaviour, not its code).
 */
#include "print.h"
#include <inttypes.h>

#define MAX_DEPTH 20 /* gdb's print max-depth */
#define MAX_SCALARS 1000000 /* of one value: types from a damaged dump can be nested without end */
#define MAX_OUTPUT (64u << 20)
#define HUGE_SYMBOL 0x10000 /* larger than objects are, but for a few tables */
#define FAR_INTO 4096 /* no longer in the object that the symbol names */
#define MAX_FOLDED 1024 /* bytes of an element that is compared with the next ones */
#define MAX_RUN (1u << 24) /* elements that are compared */

static void print_value(struct printer *p, const struct thing *v, unsigned int depth);

/* ---- Memory that is not there ------------------------------------------------------------------ */

/*
 * A user address is asked of the kernel's tables here, which say nothing about any process: "not mapped" would
 * be more than is known.  The first page is nobody's.
 */
static bool is_user_memory(struct printer *p, uint64_t address)
{
	return p->vm == p->k->vm && address >= 4096 &&
	       p->k->arch->vm->canonical(&p->k->layout, address) &&
	       !p->k->arch->vm->is_kernel(&p->k->layout, address);
}

void print_fault(struct printer *p, const struct iq_fault *fault)
{
	if (fault->why == IQ_MEM_UNMAPPED && is_user_memory(p, fault->address))
		iq_buf_puts(p->out, "<user memory>");
	else
		iq_buf_printf(p->out, "<%s>", iq_mem_text(fault->why));
}

/* ---- Integers ---------------------------------------------------------------------------------- */

/* Bits of V as unsigned: what p/x shows of a negative number. */
static uint64_t unsigned_bits(const struct thing *v, uint64_t size, uint64_t number)
{
	unsigned int bits = v->bit_size ? v->bit_size : size < 8 ? (unsigned int)size * 8 : 64;

	return bits < 64 ? number & ((UINT64_C(1) << bits) - 1) : number;
}

static void print_binary(struct iq_buf *out, uint64_t number, unsigned int digits)
{
	unsigned int n = digits ? digits : 64;

	if (!digits)
		while (n > 1 && !(number >> (n - 1) & 1))
			n--;
	while (n--)
		iq_buf_putc(out, number >> n & 1 ? '1' : '0');
}

/* NUMBER, sign-extended to 64 bits, of SIZE bytes by gdb's format letter. */
static void print_letter(struct printer *p, const struct thing *v, uint64_t size, char letter,
			 uint64_t number)
{
	uint64_t bits = unsigned_bits(v, size, number);
	char name[256];

	switch (letter) {
	case 'd':
		if (size < 8 && !v->bit_size)
			number = extend(number, size, true);
		iq_buf_printf(p->out, "%" PRId64, (int64_t)number);
		break;
	case 'u':
		iq_buf_printf(p->out, "%" PRIu64, bits);
		break;
	case 'o':
		iq_buf_printf(p->out, bits ? "0%" PRIo64 : "%" PRIo64, bits);
		break;
	case 't':
		print_binary(p->out, bits, 0);
		break;
	case 'z':
		iq_buf_printf(p->out, "0x%0*" PRIx64, (int)IQ_MIN(size, 8u) * 2, bits);
		break;
	case 'c':
		number = extend(number, 1, type_is_signed(iq_type_strip(v->type)));
		iq_buf_printf(p->out, "%d ", (int)(int64_t)number);
		print_character(p->out, (uint8_t)number);
		break;
	case 'a':
		iq_buf_printf(p->out, "0x%" PRIx64, bits);
		if (p->k && iq_symbol_format(p->k, bits, false, false, name, sizeof(name)))
			iq_buf_printf(p->out, " <%s>", name);
		break;
	default:
		iq_buf_printf(p->out, "0x%" PRIx64, bits);
		break;
	}
}

static void print_integer(struct printer *p, const struct thing *v, const struct iq_type *t,
			  uint64_t number)
{
	if (t->encoding == IQ_ENC_BOOL && p->f->radix != IQ_RADIX_HEX && number <= 1)
		iq_buf_puts(p->out, number ? "true" : "false");
	else if (p->f->radix == IQ_RADIX_HEX)
		print_letter(p, v, t->size, 'x', number);
	else if (type_is_signed(t))
		iq_buf_printf(p->out, "%" PRId64, (int64_t)number);
	else
		iq_buf_printf(p->out, "%" PRIu64, number);
	/* C has no integer of one byte that is not a character. */
	if (t->size == 1 && t->encoding != IQ_ENC_BOOL && p->f->radix != IQ_RADIX_HEX) {
		iq_buf_putc(p->out, ' ');
		print_character(p->out, (uint8_t)number);
	}
}

/* 128-bit integers: the only scalars that do not fit a number. */
static void print_wide(struct printer *p, const struct thing *v, const struct iq_type *t)
{
	struct iq_fault fault;
	uint8_t bytes[16];
	unsigned __int128 number;
	char digits[48], *at = digits + sizeof(digits) - 1;
	bool negative;

	if (t->size != sizeof(bytes)) {
		iq_buf_printf(p->out, "<an integer of %" PRIu64 " bytes>", t->size);
		return;
	}
	if (iq_vm_read(p->vm, v->address, bytes, sizeof(bytes), &fault)) {
		print_fault(p, &fault);
		return;
	}
	number = (unsigned __int128)iq_le64(bytes + 8) << 64 | iq_le64(bytes);
	if (p->f->radix == IQ_RADIX_HEX || p->f->letter) {
		if (number >> 64)
			iq_buf_printf(p->out, "0x%" PRIx64 "%016" PRIx64, (uint64_t)(number >> 64),
				      (uint64_t)number);
		else
			iq_buf_printf(p->out, "0x%" PRIx64, (uint64_t)number);
		return;
	}
	negative = type_is_signed(t) && number >> 127;
	if (negative)
		number = 0 - number;
	*at = 0;
	do {
		*--at = (char)('0' + (int)(number % 10));
		number /= 10;
	} while (number);
	iq_buf_printf(p->out, "%s%s", negative ? "-" : "", at);
}

/* ---- Enums ------------------------------------------------------------------------------------- */

/* Every enumerator is one bit (or none): its values are sets of flags. */
static bool is_flags(const struct iq_type *t, const struct iq_enumerator *e, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t value = (uint64_t)e[i].value;

		if ((e[i].value < 0 && t->encoding == IQ_ENC_SIGNED) || (value & (value - 1)))
			return false;
	}
	return nr > 0;
}

static void print_flags(struct printer *p, const struct iq_enumerator *e, unsigned int nr,
			uint64_t number)
{
	bool first = true;

	if (!number) {
		iq_buf_putc(p->out, '0');
		return;
	}
	for (unsigned int i = 0; i < nr; i++) {
		if (!(number & (uint64_t)e[i].value))
			continue;
		iq_buf_puts(p->out, first ? "(" : " | ");
		iq_buf_puts(p->out, e[i].name);
		number &= ~(uint64_t)e[i].value;
		first = false;
	}
	if (number)
		iq_buf_printf(p->out, "%sunknown: 0x%" PRIx64, first ? "(" : " | ", number);
	iq_buf_putc(p->out, ')');
}

static void print_enum(struct printer *p, const struct iq_type *t, uint64_t number)
{
	unsigned int nr;
	const struct iq_enumerator *e = iq_type_enumerators(t, &nr);

	for (unsigned int i = 0; i < nr; i++) {
		if ((uint64_t)e[i].value == number) {
			iq_buf_puts(p->out, e[i].name);
			return;
		}
	}
	if (is_flags(t, e, nr))
		print_flags(p, e, nr, number);
	else if (type_is_signed(t))
		iq_buf_printf(p->out, "%" PRId64, (int64_t)number);
	else
		iq_buf_printf(p->out, "%" PRIu64, number);
}

/* ---- Pointers ---------------------------------------------------------------------------------- */

static bool is_character(const struct iq_type *t)
{
	return t->kind == IQ_KIND_INT && t->size == 1 && t->encoding != IQ_ENC_BOOL;
}

/*
 * Should ADDRESS be shown with the name of SYMBOL?  kallsyms gives a symbol all bytes up to the next
 * one, string literals and padding among them: an offset that no object has says nothing.
 */
static bool symbol_applies(const struct iq_symbol *symbol, uint64_t address,
			   const struct iq_type *to)
{
	uint64_t offset = address - symbol->address;

	if (symbol->size && offset >= symbol->size)
		return false;
	/* Behind the last read-only object comes a megabyte of string literals. */
	if (strchr("rRdD", symbol->type) && symbol->size > HUGE_SYMBOL && offset >= FAR_INTO)
		return false;
	/* The text is shown itself; the symbol before it seldom has to do with it. */
	return !is_character(to) || !offset;
}

void print_pointer(struct printer *p, const struct iq_type *to, uint64_t address)
{
	struct iq_symbol symbol;

	to = iq_type_strip(to);
	iq_buf_printf(p->out, "0x%" PRIx64, address);
	if (p->k && address && iq_symbol_at(p->k, address, &symbol) &&
	    symbol_applies(&symbol, address, to)) {
		iq_buf_puts(p->out, " <");
		iq_buf_add_escaped(p->out, symbol.name, strlen(symbol.name), false);
		if (address != symbol.address)
			iq_buf_printf(p->out, "+%" PRIu64, address - symbol.address);
		iq_buf_putc(p->out, '>');
	}
	if (is_character(to) && address && !p->f->letter) {
		iq_buf_putc(p->out, ' ');
		print_string_at(p, address);
	}
}

/* ---- Scalars ----------------------------------------------------------------------------------- */

static void print_number(struct printer *p, const struct thing *v, const struct iq_type *t,
			 uint64_t number)
{
	if (p->f->letter)
		print_letter(p, v, t->size, p->f->letter, number);
	else if (t->kind == IQ_KIND_POINTER)
		print_pointer(p, iq_type_target(t), number);
	else if (t->kind == IQ_KIND_ENUM)
		print_enum(p, t, number);
	else
		print_integer(p, v, t, number);
}

static void print_scalar(struct printer *p, const struct thing *v, const struct iq_type *t)
{
	struct iq_fault fault;
	uint64_t number;

	if (!type_is_scalar(t)) {
		print_wide(p, v, t);
		return;
	}
	if (v->is_number)
		number = v->number;
	else if (load_scalar(p->vm, v->address, t->size, v->bit_offset, v->bit_size,
			     type_is_signed(t), &number, &fault)) {
		print_fault(p, &fault);
		return;
	}
	print_number(p, v, t, number);
}

static void print_float(struct printer *p, const struct thing *v, const struct iq_type *t)
{
	struct iq_fault fault;
	uint8_t bytes[8];

	if (t->size != 4 && t->size != 8) {
		iq_buf_printf(p->out, "<a floating-point number of %" PRIu64 " bytes>", t->size);
	} else if (iq_vm_read(p->vm, v->address, bytes, t->size, &fault)) {
		print_fault(p, &fault);
	} else if (t->size == 4) {
		float number;

		memcpy(&number, bytes, sizeof(number));
		iq_buf_printf(p->out, "%.9g", (double)number);
	} else {
		double number;

		memcpy(&number, bytes, sizeof(number));
		iq_buf_printf(p->out, "%.17g", number);
	}
}

/* ---- Arrays ------------------------------------------------------------------------------------ */

/* How many elements from I on are equal to it, byte by byte; what cannot be read is equal to nothing. */
static uint64_t run_of(struct printer *p, const struct thing *v, const struct iq_type *t,
		       uint64_t i, uint64_t size)
{
	uint8_t first[MAX_FOLDED], next[MAX_FOLDED];
	uint64_t nr = 1;

	if (size > sizeof(first) || iq_vm_read(p->vm, v->address + i * size, first, size, NULL))
		return 1;
	while (i + nr < t->count && nr < MAX_RUN && !iq_cancelled(p->f->cancel)) {
		if (iq_vm_read(p->vm, v->address + (i + nr) * size, next, size, NULL) ||
		    memcmp(first, next, size))
			break;
		nr++;
	}
	return nr;
}

static void print_elements(struct printer *p, const struct thing *v, const struct iq_type *t,
			   const struct iq_type *element, uint64_t size, unsigned int depth)
{
	uint64_t i = 0;

	iq_buf_putc(p->out, '{');
	for (uint64_t shown = 0; i < t->count && shown < p->max_elements && p->budget;) {
		struct thing item = {.type = element, .address = v->address + i * size};
		uint64_t nr = p->f->repeats ? run_of(p, v, t, i, size) : 1;

		if (i)
			iq_buf_puts(p->out, ", ");
		print_value(p, &item, depth + 1);
		if (nr > p->f->repeats && p->f->repeats) {
			iq_buf_printf(p->out, " <repeats %" PRIu64 " times>", nr);
			i += nr;
			shown += p->f->repeats;
		} else {
			i++;
			shown++;
		}
	}
	iq_buf_puts(p->out, i < t->count ? "...}" : "}");
}

static void print_array(struct printer *p, const struct thing *v, const struct iq_type *t,
			unsigned int depth)
{
	const struct iq_type *element = iq_type_target(t), *e = iq_type_strip(element);

	if (!t->count || !e->size)
		/* Of unknown length: like a pointer to the first one. */
		print_pointer(p, element, v->address);
	else if (is_character(e) && !p->f->letter)
		print_char_array(p, v->address, t->count);
	else
		print_elements(p, v, t, element, e->size, depth);
}

/* ---- Structs ----------------------------------------------------------------------------------- */

static void indent(struct printer *p, unsigned int depth)
{
	iq_buf_printf(p->out, "\n%*s", (int)(p->f->indent + 2 * depth), "");
}

static void print_struct(struct printer *p, const struct thing *v, const struct iq_type *t,
			 unsigned int depth)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	if (!nr) {
		iq_buf_puts(p->out, "{<No data fields>}");
		return;
	}
	if (++p->nested > MAX_DEPTH) {
		iq_buf_puts(p->out, "{...}");
		p->nested--;
		return;
	}
	iq_buf_putc(p->out, '{');
	for (unsigned int i = 0; i < nr && p->budget; i++) {
		struct thing item = {
			.type = m[i].type,
			.address = v->address + m[i].bit_offset / 8,
			.bit_offset = m[i].bit_offset % 8,
			.bit_size = m[i].bit_size,
		};

		if (i)
			iq_buf_putc(p->out, ',');
		indent(p, depth + 1);
		if (*m[i].name) {
			iq_buf_add_escaped(p->out, m[i].name, strlen(m[i].name), false);
			iq_buf_puts(p->out, " = ");
		}
		print_value(p, &item, depth + 1);
	}
	indent(p, depth);
	iq_buf_putc(p->out, '}');
	p->nested--;
}

/* ---- All of them ------------------------------------------------------------------------------- */

static void print_value(struct printer *p, const struct thing *v, unsigned int depth)
{
	const struct iq_type *t = iq_type_strip(v->type);

	if (!p->budget || p->out->len > MAX_OUTPUT || iq_cancelled(p->f->cancel)) {
		p->budget = 0;
		return;
	}
	p->budget--;
	switch (t->kind) {
	case IQ_KIND_INT:
	case IQ_KIND_ENUM:
	case IQ_KIND_POINTER:
		print_scalar(p, v, t);
		break;
	case IQ_KIND_FLOAT:
		print_float(p, v, t);
		break;
	case IQ_KIND_ARRAY:
		print_array(p, v, t, depth);
		break;
	case IQ_KIND_STRUCT:
	case IQ_KIND_UNION:
		print_struct(p, v, t, depth);
		break;
	case IQ_KIND_FUNCTION:
		iq_buf_putc(p->out, '{');
		iq_type_declare(t, "", p->out);
		iq_buf_puts(p->out, "} ");
		print_pointer(p, t, v->address);
		break;
	case IQ_KIND_INCOMPLETE_STRUCT:
	case IQ_KIND_INCOMPLETE_UNION:
		iq_buf_puts(p->out, "<incomplete type>");
		break;
	default:
		iq_buf_puts(p->out, "void");
		break;
	}
}

static void start(struct printer *p, struct iq_kernel *k, struct iq_vm *vm,
		  const struct iq_format *f, struct iq_buf *out)
{
	*p = (struct printer){.k = k, .vm = vm, .f = &p->format, .out = out, .budget = MAX_SCALARS};
	if (f)
		p->format = *f;
	/* Characters are shown as strings anyway. */
	if (p->format.letter == 's')
		p->format.letter = 0;
	p->max_elements = p->f->max_elements ? p->f->max_elements : IQ_DEFAULT_ELEMENTS;
}

static void finish(struct printer *p)
{
	if (iq_cancelled(p->f->cancel))
		iq_buf_puts(p->out, "\n<interrupted>");
	else if (!p->budget)
		iq_buf_puts(p->out, "\n<cut here: this value is larger than anything in a kernel>");
}

void iq_value_print(struct iq_kernel *k, struct iq_vm *vm, const struct iq_type *t,
		    uint64_t address, unsigned int bit_offset, unsigned int bit_size,
		    const struct iq_format *f, struct iq_buf *out)
{
	struct thing v = {
		.type = t, .address = address, .bit_offset = bit_offset, .bit_size = bit_size};
	struct printer p;

	start(&p, k, vm, f, out);
	print_value(&p, &v, 0);
	finish(&p);
}

/*
 * gdb puts the type in front of a pointer, but not of plain char pointers, which are strings.
 */
static void show_pointer_type(const struct iq_value *v, struct iq_buf *out)
{
	const struct iq_type *plain = iq_type_unqualified(v->type);

	if (plain->kind == IQ_KIND_POINTER) {
		const struct iq_type *to = iq_type_unqualified(iq_type_target(plain));

		if (to->kind == IQ_KIND_INT && !strcmp(to->name, "char"))
			return;
	}
	iq_buf_putc(out, '(');
	iq_type_declare(v->type, "", out);
	iq_buf_puts(out, ") ");
}

/* A string as typed: an array of its characters and a NUL. */
static void show_text(struct printer *p, const struct iq_value *v)
{
	struct thing item = {.type = &expr_char};

	if (!p->f->letter) {
		iq_string_show(v->text, v->text_len, p->out);
		return;
	}
	iq_buf_putc(p->out, '{');
	for (size_t i = 0; i <= v->text_len; i++) {
		iq_buf_puts(p->out, i ? ", " : "");
		print_letter(p, &item, 1, p->f->letter, (uint64_t)(int64_t)(int8_t)v->text[i]);
	}
	iq_buf_putc(p->out, '}');
}

void iq_value_show(const struct iq_scope *s, const struct iq_value *v, const struct iq_format *f,
		   struct iq_buf *out)
{
	struct thing item = {
		.type = v->type ? v->type : &expr_unsigned_long,
		.address = v->address,
		.bit_offset = v->bit_offset,
		.bit_size = v->bit_size,
		.is_number = !v->in_memory,
		.number = v->number,
	};
	const struct iq_type *t = iq_type_strip(item.type);
	struct printer p;

	start(&p, s->k, scope_vm(s), f, out);
	if (v->in_memory && !p.vm) {
		iq_buf_puts(out, "<no memory to read from>");
		return;
	}
	if (v->text) {
		show_text(&p, v);
		return;
	}
	if (t->kind == IQ_KIND_POINTER && !p.f->letter)
		show_pointer_type(v, out);
	/* Without a type it may be an address. */
	if (p.f->radix == IQ_RADIX_DEFAULT && !p.f->letter &&
	    (!v->type || (v->in_memory && v->type == &expr_unsigned_long)))
		p.format.letter = 'a';
	print_value(&p, &item, 0);
	finish(&p);
}
