// SPDX-License-Identifier: GPL-2.0-or-later
/* Members, holes and cache lines of a struct, counted as pahole (dwarves) counts them. */
#include <inquest/layout.h>

#include <stdlib.h>

#define MAX_NESTING 32
#define MAX_ITEMS 40000 /* a damaged type may contain itself many times */
#define MAX_LOOKED_AT 1000000 /* members of members, for their paddings */

/* Going through the members of one struct: what is used up to where. */
struct usage {
	uint64_t end; /* bits: behind the last member */
	bool in_bitfield;
	uint64_t unit_end; /* bits: of what the bitfield is kept in */
	uint64_t unit_size; /* bits */
};

/* What lies between the last member and the next. */
struct gap {
	uint64_t bytes;
	unsigned int bits;
};

static uint64_t bits_of(const struct iq_member *m)
{
	uint64_t bits;

	if (m->bit_size)
		return m->bit_size;
	return iq_mul_overflows(m->type->size, 8, &bits) ? 0 : bits;
}

/* Bits of a bitfield's unit that nobody used, up to BEFORE. */
static unsigned int leave_bitfield(struct usage *u, uint64_t before)
{
	uint64_t upto = IQ_MIN(before, u->unit_end);
	unsigned int bits = 0;

	if (u->in_bitfield && upto > u->end) {
		bits = (unsigned int)(upto - u->end);
		u->end = upto;
	}
	return bits;
}

/* The next member: what is free in front of it. */
static struct gap next_member(struct usage *u, const struct iq_member *m)
{
	uint64_t start = m->bit_offset, end, unit = 8, unit_start = start;
	struct gap gap = {.bits = leave_bitfield(u, start)};

	if (iq_add_overflows(start, bits_of(m), &end))
		end = start;
	if (m->bit_size) {
		if (!iq_mul_overflows(m->type->size, 8, &unit) && unit)
			unit_start = start - start % unit;
		if (u->end < unit_start) {
			gap.bytes = unit_start / 8 - u->end / 8;
			u->end = unit_start;
		}
		if (u->end < start)
			gap.bits += (unsigned int)(start - u->end);
		/* A field of a larger type, or beyond the unit, begins another one. */
		if (!u->in_bitfield || end > u->unit_end || unit > u->unit_size) {
			u->unit_size = unit;
			u->unit_end = IQ_MAX(unit_start + unit, end);
		}
	} else {
		gap.bytes = start / 8 > u->end / 8 ? start / 8 - u->end / 8 : 0;
	}
	u->in_bitfield = m->bit_size;
	u->end = end;
	return gap;
}

/* Bytes at the end of a struct of SIZE bytes that its members leave, and bits of its last bitfield. */
static uint64_t tail(struct usage *u, uint64_t size, unsigned int *bits)
{
	uint64_t whole;

	if (iq_mul_overflows(size, 8, &whole))
		whole = u->end;
	*bits = leave_bitfield(u, whole);
	return size > u->end / 8 ? size - u->end / 8 : 0;
}

/*
 * The padding of a member, if it is declared as a struct; pahole does not look behind typedefs.  Every
 * member of that struct costs one of BUDGET.
 */
static uint64_t padding_of(const struct iq_member *member, unsigned int *budget)
{
	const struct iq_type *t = member->type;
	struct usage u = {0};
	unsigned int nr, bits;
	const struct iq_member *m;

	if (member->bit_size || t->kind != IQ_KIND_STRUCT)
		return 0;
	m = iq_type_members(t, &nr);
	if (nr > *budget)
		return 0;
	*budget -= nr;
	for (unsigned int i = 0; i < nr; i++)
		next_member(&u, &m[i]);
	return tail(&u, t->size, &bits);
}

/* ---- The list of items ------------------------------------------------------------------------- */

struct builder {
	struct iq_struct_layout *l;
	uint64_t line; /* cache line of what came last */
	unsigned int budget;
	bool failed;
};

static struct iq_layout_item *add(struct builder *b, enum iq_layout_kind kind,
				  const struct iq_member *m, uint64_t base, unsigned int depth)
{
	struct iq_struct_layout *l = b->l;
	struct iq_layout_item *item;

	if (b->failed || l->nr_items == MAX_ITEMS ||
	    !iq_grow(&l->items, &l->room_items, l->nr_items + 1, sizeof(*l->items))) {
		b->failed |= l->nr_items < MAX_ITEMS;
		return NULL;
	}
	item = &l->items[l->nr_items++];
	*item = (struct iq_layout_item){.kind = kind,
					.member = m,
					.depth = depth,
					.bit_offset = base + m->bit_offset,
					.size = m->type->size};
	return item;
}

/* Bitfields lie where the unit does that they are kept in. */
static uint64_t byte_offset(const struct iq_layout_item *item)
{
	uint64_t size = item->member->bit_size && item->size ? item->size : 1,
		 at = item->bit_offset / 8;

	return at - at % size;
}

static void note_boundary(struct builder *b, struct iq_layout_item *item)
{
	uint64_t line = byte_offset(item) / b->l->line_size;

	if (line > b->line) {
		b->line = line;
		item->boundary = line;
	}
}

static void add_members(struct builder *b, const struct iq_type *t, uint64_t base,
			unsigned int depth);

/*
 * The struct or union that a member is declared with, in place, perhaps as an array or as what a pointer
 * is to (AWAY); NULL: its type has a name.
 */
static const struct iq_type *in_place(const struct iq_member *m, bool *away)
{
	const struct iq_type *t = iq_type_unqualified(m->type);

	*away = false;
	for (unsigned int i = 0;
	     i < MAX_NESTING && (t->kind == IQ_KIND_ARRAY || t->kind == IQ_KIND_POINTER); i++) {
		*away |= t->kind == IQ_KIND_POINTER;
		t = iq_type_unqualified(iq_type_target(t));
	}
	return !*t->name && (t->kind == IQ_KIND_STRUCT || t->kind == IQ_KIND_UNION) ? t : NULL;
}

/* GAP: what is free in front of it; NULL: M is a union's, where such remarks mean nothing. */
static void add_member(struct builder *b, const struct iq_member *m, const struct gap *gap,
		       uint64_t base, unsigned int depth)
{
	bool away;
	uint64_t padding = gap ? padding_of(m, &b->budget) : 0, line;
	const struct iq_type *inner = depth < MAX_NESTING ? in_place(m, &away) : NULL;
	struct iq_layout_item *item;

	item = add(b, inner ? IQ_LAYOUT_OPEN : IQ_LAYOUT_MEMBER, m, base, depth);
	if (!item)
		return;
	item->hole = gap ? gap->bytes : 0;
	item->bit_hole = gap ? gap->bits : 0;
	item->padding = padding;
	note_boundary(b, item);
	if (!inner)
		return;
	line = b->line;
	if (away)
		b->line = UINT64_MAX; /* what lies elsewhere has no part in these cache lines */
	add_members(b, inner, away ? 0 : base + m->bit_offset, depth + 1);
	if (away)
		b->line = line;
	item = add(b, IQ_LAYOUT_CLOSE, m, base, depth);
	if (item)
		item->padding = padding;
}

/*
 * Members of a union begin at the same place, in the same cache line.  Boundaries inside of it are those of
 * one member: behind the union the last one is said again.
 */
static void add_union(struct builder *b, const struct iq_type *t, uint64_t base, unsigned int depth)
{
	uint64_t first = b->line;
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	for (unsigned int i = 0; i < nr && b->l->nr_items < MAX_ITEMS; i++) {
		add_member(b, &m[i], NULL, base, depth);
		b->line = first;
	}
}

static void add_struct(struct builder *b, const struct iq_type *t, uint64_t base,
		       unsigned int depth)
{
	struct usage u = {0};
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	for (unsigned int i = 0; i < nr && b->l->nr_items < MAX_ITEMS; i++) {
		struct gap gap = next_member(&u, &m[i]);

		add_member(b, &m[i], &gap, base, depth);
	}
}

static void add_members(struct builder *b, const struct iq_type *t, uint64_t base,
			unsigned int depth)
{
	if (t->kind == IQ_KIND_UNION)
		add_union(b, t, base, depth);
	else
		add_struct(b, t, base, depth);
}

/* ---- Sums -------------------------------------------------------------------------------------- */

static void sum_up(struct iq_struct_layout *l, const struct iq_type *t)
{
	struct usage u = {0};
	unsigned int nr, budget = MAX_LOOKED_AT;
	const struct iq_member *m = iq_type_members(t, &nr);

	l->nr_members = nr;
	for (unsigned int i = 0; i < nr; i++) {
		struct gap gap = next_member(&u, &m[i]);
		uint64_t padding = padding_of(&m[i], &budget);

		if (m[i].bit_size)
			l->sum_bits += m[i].bit_size;
		else
			l->sum_members += m[i].type->size;
		l->nr_holes += gap.bytes > 0;
		l->sum_holes += gap.bytes;
		l->nr_bit_holes += gap.bits > 0;
		l->sum_bit_holes += gap.bits;
		l->nr_paddings += padding > 0;
		l->sum_paddings += padding;
	}
	l->padding = tail(&u, l->size, &l->bit_padding);
}

struct iq_error *iq_struct_layout_open(const struct iq_type *t, uint64_t line_size,
				       struct iq_struct_layout *ret)
{
	const struct iq_type *target = iq_type_strip(t);
	struct iq_struct_layout l = {.size = target->size, .line_size = line_size};
	struct builder b = {.l = &l, .budget = MAX_LOOKED_AT};

	if (target->kind != IQ_KIND_STRUCT && target->kind != IQ_KIND_UNION)
		return iq_error_new(IQ_E_USAGE, "%s is not a struct or union", t->name);
	add_members(&b, target, 0, 0);
	if (b.failed) {
		free(l.items);
		return iq_error_nomem();
	}
	/* Members of a union lie upon each other: nothing is between them. */
	if (target->kind == IQ_KIND_STRUCT)
		sum_up(&l, target);
	else
		iq_type_members(target, &l.nr_members);
	*ret = l;
	return NULL;
}

void iq_struct_layout_close(struct iq_struct_layout *l)
{
	free(l->items);
	*l = (struct iq_struct_layout){0};
}
