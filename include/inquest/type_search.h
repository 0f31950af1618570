/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Searching types: by size, by a pattern of their names, by members of a name or type.
 */
#ifndef INQUEST_TYPE_SEARCH_H
#define INQUEST_TYPE_SEARCH_H

#include <inquest/types.h>
#if IQ_ROOM < IQ_ROOM_INSPECT
#error "type_search.h belongs to a room to the right of this one"
#endif

/* What is sought; all that is given must hold. */
struct iq_type_query {
	const char *name; /* extended regular expression, found anywhere in the type's name; NULL */
	const char *member; /* the same for the name of a member; NULL */
	const char *member_type; /* part of the name of a member's type; NULL */
	bool has_size;
	uint64_t lowest, highest; /* bytes, both included */
};

struct iq_type_search;
/* IQ_E_USAGE: something is wrong with an expression. */
struct iq_error *iq_type_search_open(const struct iq_type_query *q,
				     struct iq_type_search **ret) IQ_CHECK;
void iq_type_search_close(struct iq_type_search *s);

/*
 * Is T what is sought?  A type with a name: struct, union, enum, arithmetic; a typedef if names are
 * sought, or if what it stands for has no name of its own.  Whether members fit: as
 * iq_type_search_members() says.
 */
bool iq_type_search_fits(const struct iq_type_search *s, const struct iq_type *t);
/*
 * The members of T that fit, as paths from T: its own and those of structs and unions that lie in
 * it, also in arrays (but if a member's name is sought, only of those without a name of their own: the
 * others are types that are looked at as well).  A member's type is what is left without qualifiers, one dimension and one
 * pointer, as crash's whatis -m has it.  FN returns false to stop.  Without a word about members
 * there are none.
 */
void iq_type_search_members(const struct iq_type_search *s, const struct iq_type *t,
			    bool (*fn)(void *arg, const char *path, const struct iq_member *m),
			    void *arg);

#endif
