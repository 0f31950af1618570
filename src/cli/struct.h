/* SPDX-License-Identifier: GPL-2.0-or-later */
/* struct and union: what cmd_struct.c found, for struct_text.c and struct_follow.c to show. */
#ifndef INQUEST_CLI_STRUCT_H
#define INQUEST_CLI_STRUCT_H

#include "show.h"
#include "type_find.h"

#define MAX_PATHS 64 /* members asked for at once */

struct item {
	uint64_t address;
	int cpu; /* -1: not per-CPU */
};

struct struct_result {
	struct iq_kernel *k;
	struct memory memory;
	bool has_memory;
	struct found_type found;
	const struct iq_type *type;
	char *paths; /* the members' list; path[] points into it */
	const char *path[MAX_PATHS];
	struct iq_member member[MAX_PATHS];
	unsigned int nr_paths;
	struct item *items; /* none: the definition */
	unsigned int nr_items, room_items;
	struct layouts layouts; /* -a: all of the name */
	bool offsets, raw, follow, all;
	struct iq_format format;
};

/* The text of it all. */
void struct_text(struct session *s, const struct result *r, struct iq_buf *out);
/*
 * -r: the bytes that are shown of the object at ADDRESS, or of its member: where they are, how many, in
 * words of which size.
 */
void struct_raw_range(const struct struct_result *x, uint64_t address, uint64_t *start,
		      uint64_t *len, unsigned int *word);

/* ---- struct_typed.c: struct ADDRESS ---------------------------------------------------------- */

/* Does WORD look like an address and not like a name? */
bool is_object_address(const char *word);
/*
 * The type of the object that contains address WORD, which a warning explains: COUNT of it from OBJECT on.
 * IQ_E_NOT_FOUND: it cannot be told.
 */
struct iq_error *type_of_address(struct session *s, const char *word, struct found_type *found,
				 uint64_t *object, uint64_t *count) IQ_CHECK;

/* ---- For commands that walk: list, tree ------------------------------------------------------- */

/*
 * "STRUCT" or "STRUCT.MEMBER,MEMBER", to be shown at addresses of the kernel.  Free with struct_shown_free().
 */
struct iq_error *struct_shown(struct session *s, const char *word, bool hex, bool decimal,
			      struct struct_result **ret) IQ_CHECK;
void struct_shown_free(struct struct_result *x); /* NULL is allowed */
void struct_shown_text(const struct struct_result *x, uint64_t address, struct iq_buf *out);
json_t *struct_shown_json(const struct struct_result *x, uint64_t address);
/* Byte offset of "STRUCT.MEMBER". */
struct iq_error *struct_member_offset(struct session *s, const char *word, uint64_t *ret) IQ_CHECK;
/* "16", "0x10", "task_struct.tasks", "module.list.next" */
struct iq_error *struct_offset(struct session *s, const char *word, uint64_t *ret) IQ_CHECK;

/* ---- struct_follow.c: -p --------------------------------------------------------------------- */

/* Does -p follow a member of this type? */
bool is_followed(const struct iq_member *m);
/*
 * Member M, called NAME, of the object at BASE: its declaration and value, and below what it points
 * to.
 */
void text_followed(const struct struct_result *x, const char *name, const struct iq_member *m,
		   uint64_t base, struct iq_buf *out);
/* What M points to, as an object; null for a null pointer. */
json_t *json_followed(const struct struct_result *x, const struct iq_member *m, uint64_t base);

#endif
