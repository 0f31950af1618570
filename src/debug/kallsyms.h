/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kallsyms, as scripts/kallsyms.c of the kernel writes it into .rodata.
 *
 *   num_syms      number of symbols, sorted by address
 *   names         for each symbol: length, then as many bytes, each the number of a token
 *   markers       offset into names of every 256th name
 *   token_table   256 strings, one behind the other
 *   token_index   256 16-bit offsets into token_table
 *   offsets       one 32-bit number for each symbol (or `addresses`: 64 bits): enum iq_ksym_mode
 *   relative_base what the offsets are relative to (not in 7.0 and later)
 *   seqs_of_names symbol numbers in the order of their names, 3 bytes each, big-endian (6.2)
 *
 * Each label is aligned to 8 bytes (7.x: to 4).  Up to 6.3 the order in memory is offsets,
 * relative_base, num_syms, names, markers, seqs_of_names, token_table, token_index; since 6.4 it
 * is as above. Up to 4.19 num_syms and markers are of 64 bits.
 *
 * An expanded name begins with the type letter.  A length from 128 on takes two bytes since 6.1.
 */
#ifndef INQUEST_DEBUG_KALLSYMS_H
#define INQUEST_DEBUG_KALLSYMS_H

#include "lazy.h"
#include "symtab.h"

#define IQ_KSYM_BLOCK 256	/* names from one marker to the next */
#define IQ_KSYM_NAME_MAX 512	/* KSYM_NAME_LEN: with the type letter, without a NUL */

enum iq_ksym_mode {
	IQ_KSYM_ABSOLUTE,	/* addresses[i] */
	IQ_KSYM_PERCPU,		/* offsets[i] >= 0: itself; else relative_base - 1 - offsets[i] */
	IQ_KSYM_BASE,		/* relative_base + (u32)offsets[i] */
	IQ_KSYM_PLACE,		/* &offsets[i] + offsets[i] */
	IQ_KSYM_NR_MODES
};

/* Do the names of a block end where the next one begins? */
enum iq_ksym_checked { IQ_KSYM_UNCHECKED, IQ_KSYM_SOUND, IQ_KSYM_DAMAGED };

/* How a length byte from 128 on is to be read. */
enum iq_ksym_long { IQ_KSYM_LONG_UNKNOWN, IQ_KSYM_LONG_ONE_BYTE, IQ_KSYM_LONG_TWO_BYTES };

/*
 * The names of one block, expanded: "Tname\0" at text + offset[i & 255]; UINT32_MAX: not
 * readable.
 */
struct iq_ksym_block {
	uint32_t offset[IQ_KSYM_BLOCK];
	char text[];
};

struct iq_kallsyms {
	struct iq_symtab symtab;
	struct iq_vm *vm;
	unsigned int nr_blocks;
	enum iq_ksym_mode mode;
	enum iq_ksym_long long_form;
	uint64_t relative_base;
	unsigned int marker_size;
	struct iq_lazy addresses, names, markers, seqs; /* seqs.bytes NULL: none */
	struct {
		uint16_t offset, len;
		bool printable;
	} token[256];
	char *token_text; /* from the dump, NUL-terminated */
	struct iq_ksym_block **blocks;
	uint8_t *checked; /* of each block: enum iq_ksym_checked */
	char *scratch;	  /* where a block is expanded */
};

/* ALIGNMENT of the labels is 8 or 4. */
static inline uint64_t iq_ksym_align(uint64_t address, unsigned int alignment)
{
	return (address + alignment - 1) & ~(uint64_t)(alignment - 1);
}

/* ---- kallsyms.c ------------------------------------------------------------------------------ */

/* An empty table that reads from VM; NULL without memory.  iq_symtab_close() ends it. */
struct iq_kallsyms *iq_ksym_new(struct iq_vm *vm);
/* Offset of block B's first name; false if it cannot be read or is out of range. */
bool iq_ksym_marker(struct iq_kallsyms *k, unsigned int b, uint64_t *offset);
/*
 * Step over COUNT names in the LEN bytes at P: *USED is how many bytes they take.  False if they
 * need more than LEN.  *SAW_LONG is set if a length from 128 on was met.
 */
bool iq_ksym_skip(const uint8_t *p, size_t len, unsigned int count, enum iq_ksym_long form,
		  size_t *used, bool *saw_long);
/* Runtime address of symbol I. */
bool iq_ksym_address(struct iq_kallsyms *k, unsigned int i, uint64_t *address);
/* Expanded name of symbol I, type letter first; NULL if it cannot be read. */
const char *iq_ksym_name(struct iq_kallsyms *k, unsigned int i);
/* The same, but valid only until the next call of either. */
const char *iq_ksym_peek(struct iq_kallsyms *k, unsigned int i);
/* Greatest address at or below ADDRESS: the first symbol of it. */
bool iq_ksym_find(struct iq_kallsyms *k, uint64_t address, unsigned int *i);

/* ---- kallsyms_tokens.c ----------------------------------------------------------------------- */

/* Read the token tables at TABLE and INDEX. */
struct iq_error *iq_ksym_tokens(struct iq_kallsyms *k, uint64_t table, uint64_t index) IQ_CHECK;
/*
 * Where token_table must begin if INDEX (the 512 bytes at ADDRESS) lies directly behind it; 0:
 * nowhere.
 */
uint64_t iq_ksym_table_before(struct iq_vm *vm, uint64_t address, const uint8_t *index);
/* Where token_index lies behind the token_table at TABLE; 0: that is no token_table. */
uint64_t iq_ksym_index_behind(struct iq_vm *vm, uint64_t table);

#endif
