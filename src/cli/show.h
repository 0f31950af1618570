/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that show memory share: rd, x, p, struct, whatis, vtop, dis. */
#ifndef INQUEST_CLI_SHOW_H
#define INQUEST_CLI_SHOW_H

#include "cli.h"
#include <inquest/vma.h>

/* ---- Which memory ------------------------------------------------------------------------------ */

enum space { SPACE_AUTO, SPACE_KERNEL, SPACE_USER, SPACE_PHYSICAL };

/* A space that bytes are read from; close it with memory_close(). */
struct memory {
	enum space space; /* never AUTO once open */
	struct iq_vm *vm; /* NULL: physical */
	bool owned;
	struct iq_reader *reader; /* physical */
};
/*
 * The memory that ADDRESS is in: AUTO decides by the address between the kernel's and the
 * user space of the context's task.
 */
struct iq_error *memory_open(struct session *s, enum space space, uint64_t address,
			     struct memory *ret) IQ_CHECK;
void memory_close(struct memory *m);
/* LEN bytes; on failure those before FAULT->address are in BUF. */
enum iq_mem memory_read(const struct memory *m, uint64_t address, void *buf, size_t len,
			struct iq_fault *fault);
/* Why a read failed, with the page-table level where a translation ends. */
struct iq_error *memory_error(const struct memory *m, const struct iq_fault *fault);

/* Of SIZE bytes at ADDRESS none can be read: why.  NULL if some can (or there are none). */
struct iq_error *memory_check(const struct memory *m, uint64_t address, uint64_t size) IQ_CHECK;

/* ---- Words of a command ------------------------------------------------------------------------ */

/* A decimal (or 0x…) number of at most MAX; WHAT for the message: "a count". */
struct iq_error *parse_number(const char *word, const char *what, uint64_t max, uint64_t *ret) IQ_CHECK;

/*
 * A CPU list as crash's cpuspec: "" the context's CPU, "a" or "all", "1,3-5".  CPUS is allocated.
 */
struct iq_error *parse_cpus(struct session *s, const char *spec, unsigned int **cpus,
			    unsigned int *nr) IQ_CHECK;
/* Where the cpuspec of "symbol:spec" begins, behind the colon; NULL: the word has none. */
const char *cpuspec(const char *word);

/* The format that radix options and the session's radix give. */
struct iq_format session_format(const struct session *s, bool hex, bool decimal);

/* ---- Types and values as JSON ------------------------------------------------------------------- */

/* C's notation of T. */
json_t *json_ctype(const struct iq_type *t);
/*
 * The value: pointers "0x…", integers as numbers ("0x…" above 2^63 - 1), characters and their arrays as text,
 * enums by name, structs as arrays of members, arrays as arrays; null if it cannot be read.
 */
json_t *json_value(struct iq_vm *vm, const struct iq_type *t, uint64_t address,
		   unsigned int bit_offset, unsigned int bit_size);
/* Members of struct or union T at ADDRESS with their values; without VM only what they are. */
json_t *json_members(struct iq_vm *vm, const struct iq_type *t, uint64_t address);
/* One of them, its offset counted from the start of the whole. */
json_t *json_member(struct iq_vm *vm, const char *name, const struct iq_member *m, uint64_t base);

/* ---- The area of a user address, as vm and vtop show it (cmd_vm.c) -------------------------------- */

/* "      VMA           START …" and the row of V. */
void text_vma(struct session *s, const struct iq_vma *v, struct iq_buf *out);

/* ---- The page line of vtop and kmem ------------------------------------------------------------ */

/* "      PAGE       PHYSICAL      MAPPING …" and the row of PAGE. */
void text_page(struct session *s, const struct iq_page *page, struct iq_buf *out);
/* The row alone. */
void text_page_row(struct session *s, const struct iq_page *page, struct iq_buf *out);
json_t *json_page(struct session *s, const struct iq_page *page);

#endif
