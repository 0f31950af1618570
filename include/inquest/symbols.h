/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbols: name <-> address, whatever the source: the kernel's own kallsyms tables in the dump, the
 * kallsyms of each loaded module, or the symbol table of a vmlinux.
 *
 * A struct iq_symtab is one source (the kernel, or one module).  It is immutable after it was made,
 * except for caches; like the iq_vm it reads from, it belongs to one thread.
 */
#ifndef INQUEST_SYMBOLS_H
#define INQUEST_SYMBOLS_H

#include <inquest/arch.h>
#if IQ_ROOM < IQ_ROOM_DEBUG
#error "symbols.h belongs to a room to the right of this one"
#endif

struct iq_symbol {
	const char *name;   /* owned by the symtab, valid as long as it */
	const char *module; /* NULL: the kernel; owned by the symtab */
	uint64_t address;
	uint64_t size;	    /* to the next symbol (kallsyms) or as the ELF table says; 0 unknown */
	char type;	    /* nm's letter: T t D d B b R r A V W … */
};

struct iq_symtab;

/*
 * Where the kernel's kallsyms tables lie (kernel/kallsyms_internal.h), as virtual addresses; 0: the
 * kernel has no such table.  `offsets` (relative) or `addresses` (absolute).
 */
struct iq_kallsyms_where {
	uint64_t names, num_syms, markers, token_table, token_index, seqs_of_names;
	uint64_t addresses, offsets, relative_base;
};

/*
 * The kernel's kallsyms.  WHERE comes from VMCOREINFO (6.0 and later) and need not be complete:
 * what is missing is worked out from what is there and from the layout of the tables (markers lie
 * behind names …). The variant (integer widths, base-relative, place-relative or absolute
 * addresses, one- or two-byte name lengths) is probed: names must end exactly where markers say,
 * and the symbol NAME_CHECK (e.g. "_stext") must come out at ADDRESS_CHECK (runtime address; 0:
 * not known, then any consistent variant).  Reads only what probing needs.  Addresses it returns
 * are runtime addresses.
 */
struct iq_error *iq_kallsyms_open(struct iq_vm *vm, const struct iq_kallsyms_where *where,
				  const char *name_check, uint64_t address_check,
				  struct iq_symtab **ret) IQ_CHECK;
/*
 * Find the tables without help: search [START, END) of virtual memory (the kernel image) for
 * the token tables by their signature, then work out the rest.
 */
struct iq_error *iq_kallsyms_find(struct iq_vm *vm, uint64_t start, uint64_t end,
				  struct iq_kallsyms_where *where) IQ_CHECK;

/* A module's symbols, copied: NAMES, addresses, types are given one by one to the adder. */
struct iq_error *iq_symtab_new(const char *module /* NULL: kernel */,
			       struct iq_symtab **ret) IQ_CHECK;
/* Add one (before iq_symtab_seal()). */
struct iq_error *iq_symtab_add(struct iq_symtab *t, const char *name, uint64_t address,
			       uint64_t size, char type) IQ_CHECK;
/*
 * Sort; END is the first address behind the module's memory, which gives the last symbol its
 * size.
 */
struct iq_error *iq_symtab_seal(struct iq_symtab *t, uint64_t end) IQ_CHECK;

/*
 * The ELF symbol table of FD (a vmlinux or a linked module), shifted by DELTA (KASLR).  PATH is for
 * messages; with FD -1 it is opened.
 */
struct iq_error *iq_symtab_from_elf(int fd, const char *path, int64_t delta,
				    struct iq_symtab **ret) IQ_CHECK;

void iq_symtab_close(struct iq_symtab *t);

/*
 * A per-CPU variable's address in kernels up to 6.14 is its offset, a small number; asked for
 * such a number, iq_symtab_by_address() finds it, so ask only for what is an address or such an
 * offset.
 *
 * The symbol that contains ADDRESS: the last one at or below it; of several at the same address
 * the first, as the kernel's own kallsyms_lookup() chooses.  False below the first symbol and
 * behind the end of the last.  Section-end markers (_etext …) count as symbols, as in the kernel.
 */
bool iq_symtab_by_address(struct iq_symtab *t, uint64_t address, struct iq_symbol *ret);
/*
 * The first symbol of this name (compiler-clone suffixes are part of it); the next with *FROM,
 * which starts at 0 and is advanced.
 */
bool iq_symtab_by_name(struct iq_symtab *t, const char *name, unsigned int *from,
		       struct iq_symbol *ret);
/* Number of symbols, and the i-th in address order. */
unsigned int iq_symtab_count(const struct iq_symtab *t);
bool iq_symtab_at(struct iq_symtab *t, unsigned int i, struct iq_symbol *ret);
/* Offer all names to N (spelling suggestions). */
void iq_symtab_nearest(struct iq_symtab *t, struct iq_nearest *n);
/* "kallsyms in the dump", "symbol table of vmlinux", … */
const char *iq_symtab_source(const struct iq_symtab *t);

#endif
