/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the describer remembers (whatis_memo.c): the dump does not change, so what was found stays true. */
#ifndef INQUEST_INSPECT_DESCRIBER_H
#define INQUEST_INSPECT_DESCRIBER_H

#include <inquest/typegraph.h>

/* A page of the kernel's address space. */
struct memo {
	bool has_physical;
	uint64_t physical;
	enum iq_mem content;
	unsigned int level;
	bool one_module; /* or none: the whole page is the same part of one module */
	struct iq_module *module;
	const char *module_part;
	bool has_stack;
	struct iq_stack stack;
	const struct iq_task *task;
	const struct iq_vmap *vmap;
	bool has_slab, kfence;
	struct iq_slab slab;
	bool has_page;
	struct iq_page page;
	enum iq_page_use use;
	unsigned int order;
	struct iq_symbol *symbols; /* that were found in it, by address */
	unsigned int nr_symbols, room_symbols;
};

/* What a word of a stack is. */
struct stack_word {
	int frame, frame_number;
	bool below;
	char function[128];
	uint64_t function_offset;
	char function_module[57];
	char slot[64];
};

struct memos {
	struct iq_map pages; /* struct memo by page number of the virtual address + 1 */
	struct iq_map states; /* of objects, by address */
	struct iq_map members; /* names, by type and offset */
	struct iq_map words; /* struct stack_word by address */
	struct iq_map virtuals; /* virtual page + 1 of physical pages, by page frame + 1 */
	struct memo **all;
	unsigned int nr, room;
	struct iq_arena arena;
};

void memos_free(struct memos *m);
/* The memo of VA's page, to be filled in if *NEW; NULL without memory. */
struct memo *memo_of(struct memos *m, uint64_t va, bool *new);
/* iq_symbol_at(). */
bool memo_symbol(struct iq_kernel *k, struct memo *m, uint64_t va, struct iq_symbol *ret);
/* iq_object_at() of direct-map address VA, which lies in M's page. */
bool memo_object(struct iq_kernel *k, struct memos *all, const struct memo *m, uint64_t va,
		 struct iq_object *ret);
/* iq_member_path(); valid until other things are asked. */
const char *memo_member(struct memos *all, const struct iq_type *t, uint64_t offset);
/* The word that VA is in, to be filled in if *NEW; NULL: it is not remembered. */
struct stack_word *memo_word(struct memos *all, uint64_t va, bool *new);

#endif
