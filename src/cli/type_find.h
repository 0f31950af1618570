/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types by what the user typed: struct, union, whatis, sizeof, enum, pahole.
 *
 * Several types can have one name: each source file may define its own.  They are numbered by size and
 * text, so that the numbers are the same whatever the types were read from: "foo#2" is the second
 * one.  Without a number that one is meant which comes first where the types were read from.
 */
#ifndef INQUEST_CLI_TYPE_FIND_H
#define INQUEST_CLI_TYPE_FIND_H

#include "cli.h"

/* One of the different types of a name. */
struct layout {
	const struct iq_type *type;
	char *text; /* its definition with offsets, by which they are told apart */
	struct iq_module *module; /* whose types have it; NULL: the kernel's */
};
struct layouts {
	struct layout *layout;
	unsigned int nr, room;
};
void layouts_free(struct layouts *l);

/* Which kinds of types the words of a command mean. */
enum type_want { WANT_STRUCT, WANT_UNION, WANT_ENUM, WANT_ANY };

struct found_type {
	const struct iq_type *type;
	struct iq_module *module; /* NULL: the kernel's */
	char *name; /* without "#2"; allocated */
	bool chosen; /* by a number */
};
/*
 * The type WORD: "list_head", "struct list_head", "foo#2", "gfp_t".  STRUCT and UNION take either
 * (and typedefs of them), the one named first.  An unknown name is an error with the nearest
 * spellings.
 */
struct iq_error *find_type(struct session *s, const char *word, enum type_want want,
			   struct found_type *ret) IQ_CHECK;
/*
 * All types of the kind and name of T that differ from each other: those of the kernel and, with
 * MODULES, of every module.
 */
struct iq_error *find_layouts(struct session *s, const struct iq_type *t, bool modules,
			      struct layouts *ret) IQ_CHECK;
/* If there are others of the name, and nobody chose, that is a warning. */
struct iq_error *warn_of_others(struct session *s, const struct found_type *f) IQ_CHECK;
/* Why there is no type NAME, with the nearest spellings. */
struct iq_error *unknown_type(struct iq_kernel *k, const char *what, const char *name);
/* Is it, stripped, a struct or union? */
bool is_aggregate(const struct iq_type *t);
/* "struct", "union" or "enum", by what T is without typedefs. */
const char *tag_of(const struct iq_type *t);
/* Constants of an enum for JSON: [{"name", "value"}]. */
json_t *json_enumerators(const struct iq_type *t);
/* VALUE of a constant of enum T: a number, "0x…" above 2^63 - 1. */
json_t *json_enumerator_value(const struct iq_type *t, int64_t value);
/* The name of a module for JSON, null for the kernel. */
json_t *json_module(const struct iq_module *m);

#endif
