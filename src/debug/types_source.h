/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources of types inside the debug room.  What every source does alike (names as C writes them,
 * paths of members, declarations, pointers and arrays made up) is in types.c, type_name.c, member.c
 * and declare.c; where types come from is behind struct types_ops: BTF (btf.h) or DWARF
 * (dwarf_types.h).
 */
#ifndef INQUEST_DEBUG_TYPES_SOURCE_H
#define INQUEST_DEBUG_TYPES_SOURCE_H

#include <inquest/types.h>

/* Typedefs, qualifiers, tags and array dimensions that may stand between a name and its type. */
#define TYPES_MAX_CHAIN 64
#define TYPES_WORD 8 /* bytes of a pointer; every supported machine has 64 bits */

/* Sets of kinds; arithmetic types are IQ_KIND_INT or IQ_KIND_FLOAT. */
#define TYPES_MASK(kind) (UINT32_C(1) << (kind))
#define TYPES_ARITHMETIC (TYPES_MASK(IQ_KIND_INT) | TYPES_MASK(IQ_KIND_FLOAT))
#define TYPES_INCOMPLETE                                                                           \
	(TYPES_MASK(IQ_KIND_INCOMPLETE_STRUCT) | TYPES_MASK(IQ_KIND_INCOMPLETE_UNION))
/* What a name, a tag and a name, or arithmetic words can mean. */
#define TYPES_NAMED                                                                                \
	(TYPES_ARITHMETIC | TYPES_INCOMPLETE | TYPES_MASK(IQ_KIND_STRUCT) |                        \
	 TYPES_MASK(IQ_KIND_UNION) | TYPES_MASK(IQ_KIND_ENUM) | TYPES_MASK(IQ_KIND_TYPEDEF))

struct types_derived;

/* A type as everyone else sees it, and what is found out about it when somebody asks. */
struct types_node {
	struct iq_type type; /* first: see types_node() */
	const struct iq_type *target;
	const struct iq_member *members;
	const struct iq_enumerator *enumerators;
	unsigned int nr;
	bool listed; /* members or enumerators are there */
	struct types_derived *derived;
};

/* What a source can do.  T is always of that source. */
struct types_ops {
	/* Free what is the source's own, not what struct iq_types itself says. */
	void (*close)(struct iq_types *t);
	/* See iq_type_by_id() and iq_types_next(). */
	const struct iq_type *(*by_id)(struct iq_types *t, uint32_t id);
	uint32_t (*next)(struct iq_types *t, uint32_t id);
	/*
	 * The first type named NAME of one of the KINDS (TYPES_MASK()) in T alone, not its base,
	 * with an id above AFTER; 0: none.
	 */
	uint32_t (*find)(struct iq_types *t, const char *name, uint32_t kinds, uint32_t after);
	/* Never NULL; asked once for each type that has a target. */
	const struct iq_type *(*target)(const struct iq_type *type);
	/* Fill in members or enumerators of the node of a struct, union, function or enum. */
	void (*list)(const struct iq_type *type);
	/* The source's own pointer to, or qualified form of, TYPE; NULL: none.  May be NULL. */
	const struct iq_type *(*derived)(const struct iq_type *type, enum iq_kind kind);
	/* Prototype of the first function NAME in T alone; their number is added to *NR. */
	const struct iq_type *(*function)(struct iq_types *t, const char *name, unsigned int *nr);
	const struct iq_type *(*variable)(struct iq_types *t, const char *name);
	/* See iq_enumerator_by_name(), in T alone.  May be NULL. */
	const struct iq_type *(*enumerator)(struct iq_types *t, const char *name, int64_t *value);
	/* Offer the names of types in T alone. */
	void (*nearest)(struct iq_types *t, struct iq_nearest *n);
};

/* The beginning of every source's own structure. */
struct iq_types {
	const struct types_ops *ops;
	char *name, *source;
	struct iq_types *base;
	uint32_t first, end; /* ids */
	struct types_node nothing; /* void */
	struct iq_arena arena;
	struct iq_warnings *warnings;
	unsigned int nr_damages;
};

static inline struct types_node *types_node(const struct iq_type *t)
{
	return (struct types_node *)(uintptr_t)t;
}

/* ---- types.c --------------------------------------------------------------------------------- */

/* SIZE zeroed bytes that begin with a struct iq_types.  NULL without memory. */
void *types_new(size_t size, const struct types_ops *ops, const char *name, const char *source,
		struct iq_types *base, struct iq_warnings *w) IQ_CHECK;
/* Note damage as a warning; the first few are shown. */
void types_damage(struct iq_types *t, const char *fmt, ...) IQ_PRINTF(2, 3);
/*
 * Can S, which comes from a file or a dump, be the name of something?  Names reach terminals as they
 * are: printable ASCII, of which C's and Rust's identifiers in kernels consist.
 */
#define TYPES_LONGEST_NAME 1024 /* the kernel itself allows half of this (KSYM_NAME_LEN) */
bool types_is_name(const char *s);
/*
 * KIND (POINTER, CONST, VOLATILE, RESTRICT, ARRAY of COUNT) of T, from the source or made up; the
 * same one every time.  NULL: no memory or too large.
 */
const struct iq_type *types_derive(const struct iq_type *t, enum iq_kind kind, uint64_t count);

/* ---- type_name.c ----------------------------------------------------------------------------- */

/* Struct, union or typedef TAG, definitions only; the fast way for iq_offset(). */
const struct iq_type *types_by_tag(struct iq_types *t, const char *tag);
/* C's arithmetic types have many spellings; the one that gdb and crash print, NULL: not one. */
const char *types_arithmetic_name(const char *words, size_t len);

#endif
