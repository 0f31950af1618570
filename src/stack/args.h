/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the search for arguments.  Three steps: what a function's code does with its registers and its words
 * of the stack, on all paths (args_code.c, args_flow.c); what is therefore known where a frame stands,
 * and what its callers and callees add (args_solve.c); which of that is whose parameter (args.c).
 */
#ifndef INQUEST_STACK_ARGS_H
#define INQUEST_STACK_ARGS_H

#include <inquest/args.h>

#include "unwind.h"

#define NR_GPR 16

/* ---- Values ----------------------------------------------------------------------------------- */

enum value_base {
	V_UNKNOWN,
	V_CONST, /* the addend alone */
	V_CFA, /* the stack pointer before the function was called */
	V_ENTRY, /* what register n held at the function's entry */
	V_STACK, /* the word at CFA + n at the function's entry: a parameter */
	V_DEF, /* what an instruction computed: n = 2 * its number, or 2 * number + 1: see name_source() */
};

/*
 * BASE + ADDEND; if `width` is less than 8, its low bytes, extended by zeros or by the sign.
 */
struct value {
	uint8_t base, width;
	bool is_signed;
	uint32_t n;
	int64_t addend;
};

bool value_same(const struct value *a, const struct value *b);

/* ---- Code: args_code.c ------------------------------------------------------------------------ */

enum op_kind {
	OP_OTHER, /* `writes` and `mem_write` are all that is known */
	OP_MOVE, /* dst = src (size; is_signed, from: of a narrower source) */
	OP_SET, /* dst = imm */
	OP_LOAD, /* dst = memory, from `from` bytes */
	OP_STORE, /* memory = src */
	OP_STORE_IMM, /* memory = imm */
	OP_LEA,
	OP_ADD, /* dst += imm */
	OP_PUSH, /* src, or what is unknown (src -1) */
	OP_POP, /* into dst, or memory (dst -1) */
	OP_LEAVE,
	OP_CALL,
};

struct op {
	uint64_t address, target;
	uint8_t length, kind, flow;
	uint8_t size, from; /* bytes written; OP_MOVE, OP_LOAD: bytes read */
	bool is_signed, has_target, leader, no_return;
	int8_t dst, src;
	int8_t base, index, segment;
	uint8_t scale;
	bool has_memory, mem_write, mem_read, no_address;
	uint16_t mem_size; /* 0: not known */
	uint16_t writes, reads; /* general registers */
	int64_t disp, imm;
};

#define CODE_RANGES 4
struct code_range {
	uint64_t start, size;
	unsigned int first, nr; /* its ops */
};

/* ---- Flow: args_flow.c ------------------------------------------------------------------------ */

/* A known part of the frame: the `size` bytes at CFA + offset. */
struct spill {
	int32_t offset;
	uint8_t size;
	struct value value;
	uint32_t op; /* the instruction that wrote it */
};

#define SPILLS_MAX 192
/* Words of a frame that are told apart: word i lies at CFA - 8 * (i + 1). */
#define FLOW_WORDS 1024

struct state {
	struct value reg[NR_GPR];
	uint16_t
		clobbered; /* registers in which a call has left something, and nobody put anything since */
	struct value other_sp; /* put in memory before the stack was changed */
	uint64_t written[FLOW_WORDS / 64]; /* words that may have been written */
	struct spill *spill; /* by offset */
	unsigned int nr, room;
};

/* Where a V_DEF comes from. */
enum origin_kind {
	FROM_OTHER,
	FROM_LOAD, /* memory at `address` */
	FROM_PERCPU, /* this CPU's memory at offset disp (or address.addend) */
	FROM_CALL, /* returned by the function at `target` (0: called through a pointer) */
	FROM_MERGE, /* of several values */
};
struct origin {
	uint8_t kind;
	uint8_t size;
	struct value address;
	uint64_t target;
};

struct block {
	unsigned int first, nr;
	bool reached, firm, queued;
	bool plain; /* reached without going on behind a trap or a call that does not return */
	unsigned int visits;
	struct state in;
};

struct flow {
	uint64_t symbol, entry; /* the frame's symbol, and where the function begins */
	char name[256]; /* of the function, without ".cold" */
	const char *module;
	bool known;
	bool is_clone; /* .isra, .constprop, .part: its parameters are not those of its source */
	struct code_range part[CODE_RANGES];
	unsigned int nr_parts;
	struct op *op;
	unsigned int nr_ops, ops_room;
	struct block *block;
	unsigned int nr_blocks;
	struct origin *origin; /* 2 for each op */
	uint16_t live_in; /* registers that are read before they are written */
	unsigned int stack_words; /* parameters on the stack */
	uint64_t canary; /* per-CPU offset of the stack canary */
	/* Places in the frame whose address was taken, by offset from the CFA. */
	int32_t *taken;
	unsigned int nr_taken, taken_room;
	int32_t variable_below; /* below CFA + this the frame has no fixed layout; 0: it has */
	/* By word: who writes there. */
	struct frame_use {
		uint32_t writer; /* number + 1 of the op; 0: none but that of the canary */
		bool several, canary;
	} word[FLOW_WORDS];
};

/*
 * Read the code of the function at S, the cold part of which S may be.  False: it cannot be followed.
 * The result must be freed either way.
 */
bool code_read(struct iq_kernel *k, const struct iq_symbol *s, struct flow *f);
/* Number of the op at ADDRESS, or in which it lies; -1: none. */
int code_find(const struct flow *f, uint64_t address);
/* Work out the values; sets f->known. */
void flow_run(struct iq_kernel *k, struct flow *f);
/* The values in front of op N into ST (free it); false: not known, or never reached. */
bool flow_at(struct iq_kernel *k, struct flow *f, unsigned int n, struct state *st);
/* The block that operation N is in; and does block P lead to block B? */
unsigned int flow_block_of(const struct flow *f, unsigned int n);
bool flow_leads_to(const struct flow *f, unsigned int p, unsigned int b);
void state_free(struct state *st);
void flow_free(struct flow *f);
/* What is at CFA + OFFSET in ST; V_UNKNOWN if that is not known. */
struct value state_word(const struct state *st, int32_t offset, unsigned int size);
/* May the code have written into the word at CFA + OFFSET? */
bool state_written(const struct state *st, int32_t offset);
/* The lowest place of the frame whose address was taken at or below OFFSET; false: none. */
bool flow_taken(const struct flow *f, int32_t offset, int32_t *ret);

#endif
