/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who allocated an object and who freed it, where the kernel wrote that down: slub_debug=U (mm/slub.c:
 * struct track), KFENCE (mm/kfence/kfence.h: struct kfence_metadata), KASAN (mm/kasan/kasan.h).
 */
#ifndef INQUEST_SLAB_TRACK_H
#define INQUEST_SLAB_TRACK_H

#include <inquest/slab.h>

#define IQ_TRACK_FRAMES 64

struct iq_track {
	bool known;	     /* there is one */
	uint64_t caller;     /* return address into whoever called the allocator, which the stack does not
			      * always begin with; 0: it does */
	uint64_t stack[IQ_TRACK_FRAMES]; /* return addresses, innermost first */
	unsigned int nr;     /* 0: the stack is not known */
	int pid, cpu;	     /* -1: not known */
	bool has_age;
	uint64_t age;	     /* jiffies before the dump */
	bool has_time;
	uint64_t time;	     /* nanoseconds of local_clock(), as the log's stamps */
};

struct iq_object_tracks {
	const char *from;    /* "slub_debug", "KFENCE", "KASAN" */
	struct iq_track allocated, freed;
	bool has_asked;
	uint64_t asked;	     /* bytes that kmalloc() was asked for */
};

/* False: nothing was written down of this object. */
bool iq_object_tracks(struct iq_kernel *k, const struct iq_object *o, struct iq_object_tracks *ret);

/*
 * The stack with this depot_stack_handle_t (lib/stackdepot.c), innermost return address first: how many
 * frames, at most MAX; 0: there is none, or it is not the record that the handle means.
 */
unsigned int iq_stack_depot(struct iq_kernel *k, uint32_t handle, uint64_t *stack, unsigned int max);

/* ---- KFENCE --------------------------------------------------------------------------------------- */

enum iq_kfence_state { IQ_KFENCE_UNUSED, IQ_KFENCE_ALLOCATED, IQ_KFENCE_RCU_FREEING, IQ_KFENCE_FREED };

/* One of the pages of the pool that hold an object each, with guard pages between. */
struct iq_kfence {
	unsigned int index;
	uint64_t metadata;   /* struct kfence_metadata */
	uint64_t page;	     /* where its page begins */
	enum iq_kfence_state state;
	uint64_t object, size; /* UNUSED: not known */
	uint64_t cache;	     /* kmem_cache; 0 UNUSED */
	bool guard;	     /* the address asked for is in the guard page behind it */
};
/* False: this kernel has no pool, or it is elsewhere. */
bool iq_kfence_pool(struct iq_kernel *k, uint64_t *start, uint64_t *end);
/* The object whose page, or guard page behind it, contains the direct-map address ADDRESS. */
bool iq_kfence_at(struct iq_kernel *k, uint64_t address, struct iq_kfence *ret);

#endif
