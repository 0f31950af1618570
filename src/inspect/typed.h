/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which struct an object of a general cache (kmalloc-…) is, where that can be argued. */
#ifndef INQUEST_INSPECT_TYPED_H
#define INQUEST_INSPECT_TYPED_H

#include <inquest/whatis.h>

struct typed;
struct typed_object {
	const struct iq_type *type; /* NULL: two arguments contradict each other */
	enum iq_confidence confidence;
	const char *from; /* "free_async(as)->urb" */
};

/* NULL without memory. */
struct typed *typed_open(struct iq_kernel *k);
void typed_close(struct typed *t);
/* The slab object that begins at OBJECT; NULL: nothing speaks for any type.  Valid until T is closed. */
const struct typed_object *typed_find(struct typed *t, uint64_t object);

/* Call FN for each, until it returns false. */
void typed_each(struct typed *t, bool (*fn)(void *arg, uint64_t object, const struct typed_object *o), void *arg);

/*
 * How sure is it that the object O, which something calls a TYPE, is one?  By its size and by what is in it;
 * UNKNOWN: it is not.
 */
enum iq_confidence typed_judge(struct iq_kernel *k, const struct iq_object *o,
			       const struct iq_type *type);

/* The pointers that functions in a backtrace were given as arguments (typed_args.c). */
struct typed_arg {
	uint64_t value;
	const struct iq_type *type; /* what it points to */
	const char *function, *name;
};
/*
 * Call FN for each pointer to a struct that a function of B got as an argument and that is still in a register
 * where nothing else can have been put.
 */
void typed_args(struct iq_kernel *k, const struct iq_backtrace *b,
		void (*fn)(void *arg, const struct typed_arg *a), void *arg);

#endif
