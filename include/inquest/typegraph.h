/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typegraph: which struct an object of the slab allocator is, where its cache does not say (kmalloc-192).
 *
 * Nothing in memory records it, so it is concluded.  What has a known type (per-CPU variables, well-known
 * globals, modules, all objects in caches of one type, the arguments of running functions) has pointers
 * of known types; what they point to is of these types, if it is large enough and looks like one; its
 * pointers lead on.  An object that contains what is pointed to (a struct device in a struct platform_device) is
 * told by its size, by all that points into it, and by what is in it.  Members without a type (void *, list_head,
 * rb_node) lead to what the same member of other objects is known to lead to.
 *
 * A conclusion is `likely` if an object of the right size class is pointed to as what it is said to be and nothing
 * in it speaks against it; otherwise `possible`.  The work is done once a kernel; it belongs to the kernel's thread.
 */
#ifndef INQUEST_TYPEGRAPH_H
#define INQUEST_TYPEGRAPH_H

#include <inquest/whatis.h>
#if IQ_ROOM < IQ_ROOM_INSPECT
#error "typegraph.h belongs to a room to the right of this one"
#endif

/* The type of an object and why it is believed. */
struct iq_typing {
	const struct iq_type
		*type; /* of the whole object: a struct, an array, a pointer; never NULL if found */
	enum iq_confidence confidence;
	uint64_t object, size; /* the slab object that contains the address: start, bytes */
	const char *
		from; /* "member urb of struct usbdev_async at 0xffff…"; NULL: its cache is this type's own.
				 * Valid as long as the kernel is open */
};

/*
 * The type of the slab object that contains the direct-map address ADDRESS, by what can be had at once: its
 * cache; what running functions were given; the objects that it points to and that point back to it;
 * and, if the whole graph was made before, that.  Milliseconds the first time, microseconds afterwards.
 * False: not in an object, or not known.
 */
bool iq_type_at(struct iq_kernel *k, uint64_t address, struct iq_typing *ret);

/* The same of an object that iq_object_at() has found. */
bool iq_type_of_object(struct iq_kernel *k, const struct iq_object *o, struct iq_typing *ret);

/*
 * Follow the pointers of all typed objects of the dump, once; then iq_type_at() knows what was concluded.  Takes
 * time in proportion to the slabs (a second for some 100000 objects) and memory of some 100 bytes an object of a
 * general cache; beyond limits that no usual machine reaches it stops, with what was found until then.
 * IQ_E_INTERRUPTED: CANCEL was set; what was found until then is kept, and nothing more is looked for.
 */
struct iq_error *iq_typegraph_make(struct iq_kernel *k, const struct iq_cancel *cancel) IQ_CHECK;
/* Has it been made? */
bool iq_typegraph_made(struct iq_kernel *k);

/* What the graph has found, for those who want to know how good it is. */
struct iq_typegraph_stats {
	uint64_t slabs, objects; /* looked at */
	uint64_t own; /* allocated objects in caches of one type */
	uint64_t general; /* allocated objects in other caches */
	uint64_t likely, possible; /* of those, how many have a type */
	uint64_t reached; /* of those, how many something typed points to */
	uint64_t others; /* typed places outside slabs */
};
void iq_typegraph_stats(struct iq_kernel *k, struct iq_typegraph_stats *ret);
/* Call FN for each object of a general cache whose type is known, until it returns false. */
void iq_typegraph_each(struct iq_kernel *k, bool (*fn)(void *arg, const struct iq_typing *t),
		       void *arg);

#endif
