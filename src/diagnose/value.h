/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a value: a pointer that led nowhere, the field that held it, and the bytes around that.
 */
#ifndef INQUEST_DIAGNOSE_VALUE_H
#define INQUEST_DIAGNOSE_VALUE_H

#include "case.h"
#include "payload.h"

/* The value in question.  Names are expressions for people. */
struct iq_suspect {
	const char *name;	    /* "as->urb->transfer_buffer", "rax"; never NULL */
	uint64_t value;
	bool has_address;
	uint64_t address;	    /* where it is kept; aligned or not */
	const struct iq_type *type; /* of the value; NULL: not known */
	bool bad;		    /* an access through it failed, or a check refused it */
	bool cause;		    /* what explains it explains the event */
	unsigned int weight;	    /* of the best explanation so far, in bits */
	unsigned int nr_told;	    /* explanations of what the value is, each with its weight: */
	struct {
		unsigned int finding, weight;
	} told[16];
};
/* The finding made last explains what S is, with WEIGHT bits. */
void iq_suspect_told(struct iq_case *c, struct iq_suspect *s, unsigned int weight);

/* ---- One word by itself (word.c): needs no dump --------------------------------------------------- */

struct iq_word {
	const char *id;	      /* "poison.list"; NULL: nothing is known of it */
	enum iq_class class;  /* that it speaks for */
	unsigned int weight;  /* bits, as those of payloads */
	uint64_t meant;	      /* KASAN: the address whose shadow it is */
	char text[200];	      /* "LIST_POISON1: …" */
};
/* V, or the start of an object of less than REACH bytes that V lies in. */
bool iq_word_explain(uint64_t v, uint64_t reach, struct iq_word *ret);

/* ---- Where a pointer leads (place.c) ---------------------------------------------------------------- */

enum iq_place_kind {
	IQ_PLACE_NOTHING,   /* not mapped, no memory there */
	IQ_PLACE_USER,	    /* the user's half of the address space */
	IQ_PLACE_FREE_PAGE, /* in the buddy allocator, or in nobody's hands */
	IQ_PLACE_FREE_OBJECT,
	IQ_PLACE_OBJECT,
	IQ_PLACE_SLAB,	    /* of a slab, but of no object */
	IQ_PLACE_TEXT,
	IQ_PLACE_SYMBOL,    /* data of the kernel or a module */
	IQ_PLACE_STACK,
	IQ_PLACE_MEMORY,    /* anything else that can be read or was left out of the dump */
};
struct iq_place {
	enum iq_place_kind kind;
	uint64_t address, physical;
	struct iq_object object;    /* of the slab kinds */
	unsigned int order;	    /* FREE_PAGE of the buddy allocator */
	bool buddy;
	char text[192];		    /* "kmalloc-192 object 0x… + 96, free: on its slab's free list" */
};
/* Cheap: one walk, one page, one slab. */
void iq_place_of(struct iq_kernel *k, uint64_t address, struct iq_place *ret);
/* Is this what a pointer in use leads to? */
bool iq_place_alive(const struct iq_place *p);
const char *iq_object_state_text(const struct iq_object *o, char *buf, size_t room);

/* ---- The parts of the stage -------------------------------------------------------------------------- */

/* value.c: all of the below that is about one value and its field; adds findings. */
struct iq_error *iq_value_explain(struct iq_case *c, struct iq_suspect *s) IQ_CHECK;
/* field.c: what the bytes in and around the field are. */
struct iq_error *iq_field_explain(struct iq_case *c, struct iq_suspect *s) IQ_CHECK;
/* flip.c: one bit, or the order of bytes. */
void iq_flip_explain(struct iq_case *c, struct iq_suspect *s);
/* heap.c: the object that a pointer leads to, or that holds it, is free. */
void iq_heap_pointer(struct iq_case *c, const struct iq_suspect *s);
void iq_heap_holder(struct iq_case *c, struct iq_suspect *s);
/* heap.c: what was given to the allocator's free functions on the stack. */
struct iq_error *iq_heap_freed(struct iq_case *c) IQ_CHECK;
/* neighbour.c: bytes from FROM to TO were overwritten; the object before the field's wrote too far. */
void iq_neighbour_explain(struct iq_case *c, struct iq_suspect *s, const struct iq_payload *m,
			  uint64_t from, uint64_t to);
/* copies.c: where else the LEN bytes at BYTES are, told as evidence of F; HERE is where they were found. */
struct iq_error *iq_copies_explain(struct iq_case *c, struct iq_finding *f, const uint8_t *bytes,
				   size_t len, uint64_t here) IQ_CHECK;
/* payload_origin.c: the USB request whose answer M is, if the field is near its urb; false: none. */
bool iq_usb_request(struct iq_case *c, const struct iq_suspect *s, const struct iq_payload *m,
		    struct iq_finding *f);
/* list.c: what the list checks or a list's member show. */
struct iq_error *iq_list_explain(struct iq_case *c) IQ_CHECK;

#endif
