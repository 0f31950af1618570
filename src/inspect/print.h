/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What print.c (values) and text.c (characters and strings) share. */
#ifndef INQUEST_INSPECT_PRINT_H
#define INQUEST_INSPECT_PRINT_H

#include "expr.h"

/* One value on its way to paper. */
struct printer {
	struct iq_kernel *k;
	struct iq_vm *vm;
	const struct iq_format *f; /* &format */
	struct iq_format format;
	struct iq_buf *out;
	unsigned int max_elements;
	unsigned int budget; /* values that may still be printed */
	unsigned int nested; /* structs in structs */
};

/* Something to print: in memory, or a number. */
struct thing {
	const struct iq_type *type;
	uint64_t address;
	unsigned int bit_offset, bit_size;
	bool is_number;
	uint64_t number;
};

/* "<excluded from the dump by filtering>", "<user memory>" */
void print_fault(struct printer *p, const struct iq_fault *fault);
/* 'c' as C writes it. */
void print_character(struct iq_buf *out, uint8_t c);
/* The array of COUNT characters at ADDRESS as a string; one NUL at its end is not shown. */
void print_char_array(struct printer *p, uint64_t address, uint64_t count);
/* The NUL-terminated string at ADDRESS. */
void print_string_at(struct printer *p, uint64_t address);
/* "0x… <symbol+8>", with the string if it points to characters. */
void print_pointer(struct printer *p, const struct iq_type *to, uint64_t address);

#endif
