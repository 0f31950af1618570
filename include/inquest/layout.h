/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a struct or union is laid out: where its members lie, the holes between them, and the cache
 * lines that they share, as pahole counts them.
 */
#ifndef INQUEST_LAYOUT_H
#define INQUEST_LAYOUT_H

#include <inquest/types.h>
#if IQ_ROOM < IQ_ROOM_INSPECT
#error "layout.h belongs to a room to the right of this one"
#endif

enum iq_layout_kind {
	IQ_LAYOUT_MEMBER,
	IQ_LAYOUT_OPEN, /* a struct or union that is declared in place, also as what a pointer is to, whose
			  * offsets count from its own start; its members follow, then … */
	IQ_LAYOUT_CLOSE, /* … its end, with what OPEN says of it once more */
};

struct iq_layout_item {
	enum iq_layout_kind kind;
	const struct iq_member *member;
	unsigned int depth; /* 0: a member of the whole; the same for OPEN and CLOSE */
	uint64_t bit_offset; /* from the start of the whole */
	uint64_t size; /* bytes of its type */
	uint64_t hole; /* bytes that nobody uses in front of it; not for CLOSE */
	unsigned int bit_hole; /* bits, in what the bitfields before it are kept in */
	uint64_t padding; /* bytes at the end of this member, a struct, that it does not use */
	uint64_t
		boundary; /* number of the cache line that begins here or after the last item; 0: none */
};

struct iq_struct_layout {
	struct iq_layout_item *items;
	unsigned int nr_items, room_items;
	uint64_t size, line_size; /* bytes */
	/* Of the whole's own members; what is declared in place counts as one. */
	unsigned int nr_members;
	uint64_t sum_members; /* bytes of those that are no bitfields */
	uint64_t sum_bits; /* bits of those that are */
	unsigned int nr_holes, nr_bit_holes, nr_paddings;
	uint64_t sum_holes, sum_bit_holes, sum_paddings;
	uint64_t padding; /* bytes at the end */
	unsigned int bit_padding;
};

/*
 * The layout of T, a struct, a union or a typedef of one; its strings belong to the types.
 * LINE_SIZE: bytes of a cache line, not 0.
 */
struct iq_error *iq_struct_layout_open(const struct iq_type *t, uint64_t line_size,
				       struct iq_struct_layout *ret) IQ_CHECK;
void iq_struct_layout_close(struct iq_struct_layout *l);

#endif
