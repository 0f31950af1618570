/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files typegraph*.c share. */
#ifndef INQUEST_INSPECT_GRAPH_H
#define INQUEST_INSPECT_GRAPH_H

#include <inquest/typegraph.h>

#include "globals.h"
#include "typed.h"

#define GRAPH_MAX_TYPE 65536 /* bytes of a struct that is looked into */
#define GRAPH_LOOK 4096 /* bytes of an object that are searched for what they point to */
#define GRAPH_EVIDENCE 6 /* different opinions about one object that are kept */

/* ---- What of a type matters here (typegraph_plan.c) --------------------------------------------- */

enum op_kind {
	OP_POINTER, /* to `target` */
	OP_UNTYPED, /* void * */
	OP_FUNCTION, /* pointer to a function */
	OP_LIST, /* struct list_head: two pointers */
	OP_HLIST_NODE,
	OP_LINK, /* pointer to a link of another kind: hlist_head.first, rb_root.rb_node, rb_left … */
	OP_BOOL,
	OP_ENUM, /* `low` to `high` */
	OP_COUNT, /* refcount_t */
};

/* What an untyped member was seen to lead to: a TO, at byte `offset` in it. */
struct lead {
	const struct iq_type *to;
	uint32_t offset;
	uint32_t seen;
};
#define OP_LEADS 3

struct op {
	uint32_t offset;
	uint8_t kind, size;
	bool weak; /* in a union: it may be something else */
	bool crowded; /* it leads to more things than are kept */
	const struct iq_type
		*target; /* POINTER: stripped and completed; LIST: of its entries, if known */
	uint32_t entry_at; /* LIST: where in its entries the link is */
	int64_t low, high;
	struct lead lead[OP_LEADS]; /* UNTYPED, LIST, HLIST_NODE, LINK */
};

/* A pointer to a `type` at byte `at`, if the word at `ops_at` is `ops`. */
struct private
{
	struct private *next;
	const struct iq_type *type;
	uint64_t ops;
	uint32_t ops_at, at;
};

struct plan {
	struct plan *next;
	const struct iq_type *type;
	uint64_t size;
	bool open_ended; /* ends with a flexible array */
	struct private *privates;
	struct op *ops;
	unsigned int nr, room;
};

/* ---- Slabs (typegraph_slabs.c) ------------------------------------------------------------------- */

struct graph_slab {
	const struct iq_cache *cache;
	uint64_t memory; /* of the first object */
	uint32_t objects;
	uint8_t *states; /* enum iq_object_state by index */
	struct node *
		*nodes; /* by index; NULL: none yet.  Only of caches whose objects are told apart */
};

/* ---- Opinions ------------------------------------------------------------------------------------ */

/* Something says that a TYPE lies at byte `offset` of an object. */
struct evidence {
	const struct iq_type *type;
	uint32_t offset;
	uint16_t strong, weak; /* how many say so, and how many that may be wrong */
	/* Who said it first: the member at `from_offset` of a FROM_TYPE at `from`; or `text`. */
	const struct iq_type *from_type;
	uint32_t from_offset;
	uint64_t from;
	const char *text;
};

/* An object of a general cache, or all objects of a cache of one type that has no known name. */
struct node {
	uint64_t address; /* 0: of a cache */
	const struct iq_cache *cache;
	const struct iq_type *type; /* NULL: not decided */
	enum iq_confidence confidence;
	uint8_t nr;
	bool queued, followed, refused;
	const struct evidence *why;
	struct evidence evidence[GRAPH_EVIDENCE];
};

/* A place outside slabs that has a type. */
struct place {
	uint64_t address;
	struct plan *plan;
	bool certain; /* need not be judged */
};

/* An untyped member that leads to an object about which nothing is known yet. */
struct pending {
	struct plan *plan;
	struct op *op;
	uint64_t from, to;
};

struct graph {
	struct iq_kernel *k;
	const struct iq_cancel *cancel;
	struct iq_arena arena;
	struct typed *typed; /* what running functions were given; made when first asked for */
	struct iq_map quick; /* struct iq_typing by object */
	unsigned int nr_kept;
	struct iq_map own; /* by cache: struct own */
	struct iq_map plans; /* by canonical type */
	struct plan *all_plans;
	struct iq_map canonical; /* by kind, name and size */
	struct iq_map completed; /* definitions of types that are only declared, by name */
	struct iq_map embeds; /* does a type have another one at an offset? */
	struct iq_map holders; /* types that have one at an offset; made when first asked for */
	bool holders_made;
	struct iq_map marks; /* struct mark by address */
	bool marks_made;
	uint64_t marks_low, marks_high;
	uint64_t percpu_base; /* per-CPU offset of the first CPU */

	bool made, interrupted;
	struct iq_map slab_of; /* by page frame + 1 */
	struct graph_slab *slabs;
	unsigned int nr_slabs, room_slabs;
	struct iq_map visited; /* places */
	struct place *places;
	unsigned int nr_places, room_places, next_place;
	struct node **nodes; /* all */
	unsigned int nr_nodes, room_nodes;
	struct pending *pending;
	unsigned int nr_pending, room_pending;
	struct iq_typegraph_stats stats;
};

/* The kernel's graph, made when first asked for; NULL without memory. */
struct graph *graph_of(struct iq_kernel *k);

/* typegraph_plan.c */

/* T without qualifiers and typedefs, the definition if it is only declared, the same for all types of that name and size. */
const struct iq_type *graph_type(struct graph *g, const struct iq_type *t);
/* NULL: no struct or union, or nothing in it can be followed or checked. */
struct plan *graph_plan(struct graph *g, const struct iq_type *t);
/* Is there a PART (or something that it may well be) at byte OFFSET of WHOLE? */
bool graph_has(struct graph *g, const struct iq_type *whole, uint64_t offset,
	       const struct iq_type *part);
/* Types of the size class LOW < size <= HIGH that have a PART at byte OFFSET; at most MAX of them. */
unsigned int graph_holders(struct graph *g, const struct iq_type *part, uint64_t offset,
			   uint64_t low, uint64_t high, const struct iq_type **ret,
			   unsigned int max);
/* Nothing but an array, as struct cpumask: of which often less is allocated than the type has room for. */
bool graph_is_mask(const struct iq_type *t);
/* Is this what lists and the like are made of, which is never a whole object? */
bool graph_is_link(const struct iq_type *t);

void graph_plans_free(struct graph *g);

/* typegraph_judge.c */

struct judgement {
	unsigned int good, bad;
};
/* Does what lies in BYTES, LEN of them from ADDRESS, look like what PLAN is of?  It need not be complete. */
void graph_judge(struct graph *g, const struct plan *p, uint64_t address, const uint8_t *bytes,
		 size_t len, struct judgement *j);
/* Sizes, more than *LOW and at most *HIGH, for which kmalloc() takes C, or for which it was made. */
void graph_class(const struct iq_cache *c, uint64_t *low, uint64_t *high);
/* Decide what N is by all that was said of it; false: cannot be told.  BYTES is the object's content. */
bool graph_decide(struct graph *g, struct node *n, const uint8_t *bytes, size_t len);

/* typegraph_slabs.c */

/* The type of the objects of C, if it is a cache of one type. */
const struct iq_type *graph_cache_type(struct graph *g, const struct iq_cache *c);
struct iq_error *graph_load_slabs(struct graph *g) IQ_CHECK;
/* The slab and object that ADDRESS lies in; NULL: none. */
struct graph_slab *graph_slab_at(struct graph *g, uint64_t address, unsigned int *index,
				 uint64_t *object);
/* The node of an object; NULL without memory, or if its cache's type is known. */
struct node *graph_node(struct graph *g, struct graph_slab *s, unsigned int index);
void graph_slabs_free(struct graph *g);

/* typegraph_follow.c */

/* All that the object of P at ADDRESS says of others; SURE: its own type is not merely possible. */
void graph_follow(struct graph *g, struct plan *p, uint64_t address, const uint8_t *bytes,
		  size_t len, bool sure);
void graph_say(struct graph *g, struct node *n, const struct iq_type *t, uint32_t offset,
	       bool strong, const struct iq_type *from_type, uint32_t from_offset, uint64_t from,
	       const char *text);
/* An untyped member was seen to lead to byte OFFSET of a TO. */
void graph_learn(struct op *op, const struct iq_type *to, uint32_t offset);
/* A T lies at ADDRESS, in an object or elsewhere; why, as in struct evidence. */
void graph_object(struct graph *g, uint64_t address, const struct iq_type *t,
		  const struct iq_type *from_type, uint32_t from_offset, uint64_t from,
		  const char *text);
/* Something outside slabs is a T; CERTAIN: whatever is in it. */
void graph_place(struct graph *g, uint64_t address, const struct iq_type *t, bool certain);

/* typegraph_known.c: what only the kernel's source says. */

/* What the lists of a T at OFFSET of P link. */
void known_lists(struct graph *g, struct plan *p, const struct iq_type *t, uint64_t offset);
/* All entries of the list at HEAD are TYPEs, linked at ENTRY_AT. */
void known_entries(struct graph *g, uint64_t head, const struct iq_type *type, uint32_t entry_at,
		   const struct iq_type *from_type, uint32_t from_offset, uint64_t from,
		   const char *text);
void known_globals(struct graph *g);
/* What of the content of N, BYTES, is the mark of a type. */
void known_marks(struct graph *g, struct node *n, const uint8_t *bytes, size_t len);
void known_privates(struct graph *g, struct plan *p);

/* typegraph_roots.c: places whose type is known from the start. */
void graph_roots(struct graph *g);

#endif
