// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pointer that is one bit, or one exchange of bytes, away from a good one.  What it would be
 * then must be the start of an object in use; by chance that is rare, but not impossible, so that only a second
 * witness (the object points back, or the type is the cache's own) makes it likely.
 */
#include "value.h"

#include <inttypes.h>
#include <stdio.h>

#define POINTS_BACK 24u /* bits: what it would lead to points back, or has the type */

/* Bits of evidence that V, made from the bad value, is what was meant; 0: it is not. */
static unsigned int witness(struct iq_case *c, const struct iq_suspect *s, uint64_t v,
			    struct iq_place *p)
{
	const struct iq_type *t = s->type ? iq_type_strip(s->type) : NULL, *own;
	struct iq_symbol symbol;
	uint64_t words[64];
	unsigned int bits;

	if (v < 4096 || v & 7 || !c->k->arch->vm->canonical(&c->k->layout, v) ||
	    !c->k->arch->vm->is_kernel(&c->k->layout, v))
		return 0;
	iq_place_of(c->k, v, p);
	if (p->kind == IQ_PLACE_SYMBOL)
		return iq_symbol_at(c->k, v, &symbol) && symbol.address == v ? 12 : 4;
	if (p->kind != IQ_PLACE_OBJECT)
		return 0;
	t = t && t->kind == IQ_KIND_POINTER ? iq_type_strip(iq_type_target(t)) : NULL;
	own = iq_cache_type(c->k, p->object.slab.cache);
	bits = p->object.offset ? 2 : 8;
	if (t && t->size > 8 && t->name[0] && own && !p->object.offset)
		bits += !strcmp(own->name, t->name) ? 12 : 0;
	else if (t && t->size > 64 && !p->object.offset &&
		 p->object.slab.cache->object_size >= t->size &&
		 p->object.slab.cache->object_size < 2 * t->size)
		bits += 4;
	/* It points back to the field, or to the object that holds it: lists, parents. */
	if (s->has_address && iq_vm_read(c->k->vm, v, words, sizeof(words), NULL) == IQ_MEM_OK)
		for (unsigned int i = 0; i < IQ_ARRAY_SIZE(words); i++)
			if (words[i] == s->address || words[i] + 8 == s->address ||
			    words[i] == s->address + 8) {
				bits += 24;
				break;
			}
	return bits;
}

static void tell(struct iq_case *c, struct iq_suspect *s, const char *id, enum iq_class class,
		 uint64_t meant, unsigned int bits, const struct iq_place *p, const char *how)
{
	struct iq_finding *f = iq_case_finding(c, id, class,
					       bits >= 36   ? IQ_CONFIDENCE_CERTAIN
					       : bits >= 20 ? IQ_CONFIDENCE_LIKELY
							    : IQ_CONFIDENCE_POSSIBLE,
					       "%s (0x%" PRIx64 ") is 0x%" PRIx64 " %s", s->name,
					       s->value, meant, how);

	f->cause = s->cause && bits >= 20;
	iq_suspect_told(c, s, bits);
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, meant, p->text, "what it then leads to");
	if (bits >= POINTS_BACK)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, s->address, NULL,
				    "and what is there points back or has the type of the pointer");
	f->refuted_by = "a writer of the value as it is";
}

#define SIBLINGS_LEAST 3

/*
 * The same field in the other objects of the slab: do all of them point to the very beginning of objects of one
 * cache, that which P is in?
 */
static bool siblings_agree(struct iq_case *c, const struct iq_suspect *s, const struct iq_place *p)
{
	struct iq_object holder, to;
	unsigned int agree = 0;
	uint64_t at, v;

	if (!s->has_address || p->kind != IQ_PLACE_OBJECT || p->object.offset ||
	    !iq_object_at(c->k, s->address, &holder) || !holder.object ||
	    holder.offset + 8 > holder.slab.cache->object_size)
		return false;
	for (unsigned int i = 0; i < holder.slab.objects && i < 512; i++) {
		at = holder.slab.memory + i * holder.slab.cache->size +
		     holder.slab.cache->red_left_pad + holder.offset;
		if (at == s->address || iq_vm_read_uint(c->k->vm, at, 8, &v) != IQ_MEM_OK ||
		    v < 4096)
			continue;
		/* Objects that are free, or not yet filled in, have anything there. */
		if (!iq_object_at(c->k, at, &to) || to.state != IQ_OBJECT_ALLOCATED)
			continue;
		if (!iq_object_at(c->k, v, &to) || !to.object || to.offset ||
		    to.slab.cache != p->object.slab.cache)
			return false;
		agree++;
	}
	return agree >= SIBLINGS_LEAST;
}

static void bit(struct iq_case *c, struct iq_suspect *s)
{
	unsigned int best = 0, at = 0, good = 0;
	struct iq_place p, of = {.kind = IQ_PLACE_NOTHING};
	bool siblings;

	for (unsigned int i = 0; i < 64; i++) {
		unsigned int bits = witness(c, s, s->value ^ UINT64_C(1) << i, &p);

		good += bits >= 8;
		if (bits <= best)
			continue;
		best = bits;
		at = i;
		of = p;
	}
	if (best < (c->k->arch->vm->canonical(&c->k->layout, s->value) ? 8u : 2u))
		return;
	/*
	 * The high bits of a random number are hardly ever one away from those of a kernel pointer, and
	 * those below hardly ever in the direct map's few gigabytes.
	 */
	iq_place_of(c->k, s->value, &p);
	if (!c->k->arch->vm->canonical(&c->k->layout, s->value))
		best += 18;
	else if (p.kind == IQ_PLACE_NOTHING)
		best += 12;
	if (good > 1 && best < 24)
		best -= IQ_MIN(best, 6u);
	/* Whoever counts too far, or sets a bit on purpose, cannot be told from bad memory by this. */
	siblings = best < POINTS_BACK && siblings_agree(c, s, &of);
	if (siblings)
		best = IQ_MIN(best + 15, POINTS_BACK - 1);
	if (best < IQ_PAYLOAD_LEAST)
		return;
	tell(c, s, "flip.bit", IQ_CLASS_BIT_FLIP, s->value ^ UINT64_C(1) << at, best, &of,
	     iq_case_text(c,
			  "with bit %u flipped: bad memory, or a bit operation on a wrong address",
			  at));
	if (siblings && c->analysis.nr_findings)
		iq_finding_evidence(c, &c->analysis.findings[c->analysis.nr_findings - 1],
				    IQ_SOURCE_MEMORY, s->address, NULL,
				    "this field of the other objects in the slab always points to the "
				    "beginning of such an object");
}

/* All but the lowest or highest bytes of a pointer into the direct map, N bytes away from where they belong. */
static void moved(struct iq_case *c, struct iq_suspect *s)
{
	const struct iq_layout *l = &c->k->layout;
	uint64_t end = l->page_offset + (iq_dump_info(c->k->dump)->max_pfn << 12);

	for (unsigned int by = 1; by <= 3; by++) {
		uint64_t up = s->value << 8 * by, top = ~UINT64_C(0) << (64 - 8 * by),
			 down = s->value >> 8 * by | top;
		bool is_up = (up >= l->page_offset && up < end) ||
			     (up >= c->k->stext && up >> 31 == 0x1ffffffff);
		struct iq_place p;

		if (!is_up && (by > 2 || down < l->page_offset || down >= end))
			continue;
		iq_place_of(c->k, is_up ? up : down, &p);
		if (p.kind == IQ_PLACE_NOTHING || p.kind == IQ_PLACE_FREE_PAGE) {
			/* Without its lowest bytes a pointer leads somewhere near where it did. */
			if (!is_up || by < 2)
				continue;
			snprintf(p.text, sizeof(p.text), "its lowest %u bytes are lost", by);
		}
		tell(c, s, "flip.moved", IQ_CLASS_MEMORY_CORRUPTION, is_up ? up : down,
		     is_up ? 30 : 22, &p,
		     iq_case_text(c,
				  "moved by %u byte%s: it was read from, or written to, an offset "
				  "that is wrong by "
				  "as much",
				  by, by > 1 ? "s" : ""));
		return;
	}
}

static void exchanged(struct iq_case *c, struct iq_suspect *s)
{
	uint64_t v = s->value,
		 swapped16 = (v & 0x00ff00ff00ff00ff) << 8 | (v >> 8 & 0x00ff00ff00ff00ff);
	const struct {
		uint64_t value;
		const char *how;
	} ways[] = {
		{__builtin_bswap64(v), "with its bytes in the opposite order"},
		{v >> 32 | v << 32, "with its halves exchanged"},
		{swapped16, "with the bytes of each 16 bits exchanged"},
		{__builtin_bswap64(v >> 32 | v << 32),
		 "with the bytes of each half in the opposite order"},
	};
	struct iq_place p;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(ways); i++) {
		unsigned int bits = ways[i].value == v ? 0 : witness(c, s, ways[i].value, &p);

		/* 17 upper bits that are all ones, and as many that are the direct map's below them. */
		if (bits)
			tell(c, s, "flip.order", IQ_CLASS_MEMORY_CORRUPTION, ways[i].value,
			     bits + 20, &p, ways[i].how);
	}
}

/* A good pointer lies a few bytes before or behind its place: something was copied to a wrong offset. */
static void shifted(struct iq_case *c, struct iq_suspect *s)
{
	uint8_t bytes[24];
	struct iq_place p;

	if (!s->has_address ||
	    iq_vm_read(c->k->vm, s->address - 8, bytes, sizeof(bytes), NULL) != IQ_MEM_OK)
		return;
	for (int by = -7; by <= 7; by++) {
		uint64_t v = iq_le64(bytes + 8 + by);
		unsigned int bits = by ? witness(c, s, v, &p) : 0;

		if (bits < 8)
			continue;
		tell(c, s, "flip.shifted", IQ_CLASS_MEMORY_CORRUPTION, v, bits + 16, &p,
		     iq_case_text(
			     c,
			     "%d bytes %s its place: what surrounds it was written there shifted",
			     by < 0 ? -by : by, by < 0 ? "before" : "behind"));
		return;
	}
}

/* The upper 4 or 2 bytes are wrong, the lower ones lead to an object if those of the field's own address are put there. */
static void upper(struct iq_case *c, struct iq_suspect *s)
{
	uint64_t base = s->has_address ? s->address : c->k->layout.page_offset;
	struct iq_place p;

	for (unsigned int keep = 48; keep >= 32; keep -= 16) {
		uint64_t mask = (UINT64_C(1) << keep) - 1, v = (s->value & mask) | (base & ~mask);
		unsigned int bits = v == s->value ? 0 : witness(c, s, v, &p);

		if (bits < 8 || __builtin_popcountll(v ^ s->value) < 2)
			continue;
		tell(c, s, "field.upper_overwrite", IQ_CLASS_MEMORY_CORRUPTION, v,
		     bits + (keep == 48 ? 12 : 4), &p,
		     iq_case_text(c, "with its upper %u bytes overwritten", (64 - keep) / 8));
		return;
	}
}

void iq_flip_explain(struct iq_case *c, struct iq_suspect *s)
{
	struct iq_place p;

	if (!s->bad || s->value < 4096)
		return;
	iq_place_of(c->k, s->value, &p);
	if (p.kind == IQ_PLACE_OBJECT && !p.object.offset)
		return;
	bit(c, s);
	exchanged(c, s);
	if (!c->k->arch->vm->canonical(&c->k->layout, s->value))
		moved(c, s);
	shifted(c, s);
	if (s->weight < IQ_PAYLOAD_STRONG && !iq_place_alive(&p))
		upper(c, s);
}
