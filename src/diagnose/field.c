// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bytes in and around a field that holds a wrong pointer: what they are, where they begin and end, and how
 * much of the pointer is left.
 */
#include "value.h"

#include <inttypes.h>

#define AROUND 512u
#define MATCHES 4u

struct window {
	uint8_t bytes[2 * AROUND];
	uint64_t start;
	size_t len, focus; /* of the field in it */
};

/* As much around ADDRESS as can be read without a gap; the start is aligned to 8. */
static bool read_window(struct iq_kernel *k, uint64_t address, struct window *w)
{
	uint64_t page = address & ~UINT64_C(4095), from = (address - AROUND) & ~UINT64_C(7);
	uint64_t to = (address + AROUND) & ~UINT64_C(7);
	struct iq_fault fault;

	if (from > address || to < address)
		return false;
	w->start = from;
	if (from < page && iq_vm_read(k->vm, from, w->bytes, page - from, NULL) != IQ_MEM_OK)
		w->start = page;
	w->len = to - w->start;
	if (iq_vm_read(k->vm, w->start, w->bytes, w->len, &fault) != IQ_MEM_OK) {
		if (!fault.is_virtual || fault.address <= address + 8)
			return false;
		w->len = fault.address - w->start;
	}
	w->focus = address - w->start;
	return w->len >= w->focus + 8;
}

/* Are the upper four bytes those of a kernel pointer like others here? */
static bool upper_half_intact(struct iq_case *c, const struct iq_suspect *s, const struct window *w)
{
	const struct iq_layout *l = &c->k->layout;
	uint32_t upper = (uint32_t)(s->value >> 32);
	size_t first = (w->focus & 7) + (w->focus > 256 ? (w->focus - 256) & ~(size_t)7 : 0);

	if (!c->k->arch->vm->canonical(l, s->value) || !c->k->arch->vm->is_kernel(l, s->value) ||
	    s->value >> 31 == 0x1ffffffff)
		return false;
	if (s->value >= l->page_offset && s->value < l->page_offset_end &&
	    upper == (uint32_t)(s->address >> 32))
		return true;
	for (size_t at = first; at + 8 <= w->len && at < w->focus + 256; at += 8)
		if (at != w->focus && iq_le32(w->bytes + at + 4) == upper &&
		    iq_le32(w->bytes + at) >> 16 != 0xffff)
			return true;
	/* Physical memory of the machine reaches so far. */
	return s->value >= l->page_offset &&
	       s->value - l->page_offset < iq_dump_info(c->k->dump)->max_pfn << 12;
}

static const char *byte_text(struct iq_case *c, const uint8_t *p, size_t n)
{
	struct iq_buf b = {0};
	const char *text;

	for (size_t i = 0; i < n && i < 32; i++)
		iq_buf_printf(&b, "%s%02x", i ? " " : "", p[i]);
	if (n > 32)
		iq_buf_puts(&b, " ...");
	text = iq_case_text(c, "%s", iq_buf_str(&b));
	iq_buf_free(&b);
	return text;
}

static enum iq_confidence surety(const struct iq_suspect *s, unsigned int bits)
{
	if (bits >= 40)
		return s->bad ? IQ_CONFIDENCE_CERTAIN : IQ_CONFIDENCE_LIKELY;
	if (bits >= IQ_PAYLOAD_STRONG)
		return s->bad ? IQ_CONFIDENCE_LIKELY : IQ_CONFIDENCE_POSSIBLE;
	return IQ_CONFIDENCE_POSSIBLE;
}

/* Bytes of the field that M covers. */
static size_t covered(const struct iq_payload *m, size_t focus)
{
	size_t from = IQ_MAX(m->offset, focus), to = IQ_MIN(m->offset + m->len, focus + 8);

	return to > from ? to - from : 0;
}

static struct iq_finding *claim(struct iq_case *c, const struct iq_suspect *s,
				const struct window *w, const struct iq_payload *m, bool partial)
{
	const uint8_t *field = w->bytes + w->focus;
	size_t end = m->offset + m->len;

	/* What begins before the field has its first bytes from the object, where zeros and ones are no chance. */
	if (partial)
		return iq_case_finding(
			c, "field.partial_overwrite", IQ_CLASS_MEMORY_CORRUPTION,
			surety(s, m->offset == w->focus ? m->bits + 8 : m->bits),
			"the low %zu bytes of %s were overwritten with %s (%s); its upper half is "
			"intact, that of a kernel pointer",
			IQ_MIN(end - w->focus, (size_t)4), s->name, byte_text(c, field, 4),
			m->text);
	return iq_case_finding(c, "field.payload", IQ_CLASS_MEMORY_CORRUPTION, surety(s, m->bits),
			       "%s holds data where a pointer belongs: %s", s->name, m->text);
}

/* The region that was overwritten, as far as it can be told, as evidence. */
static void region(struct iq_case *c, struct iq_finding *f, const struct window *w,
		   const struct iq_payload *m, uint64_t *from, uint64_t *to)
{
	*from = w->start + m->offset;
	*to = *from + m->len;
	if (m->whole > m->len)
		iq_finding_evidence(
			c, f, IQ_SOURCE_MEMORY, *from,
			byte_text(c, w->bytes + m->offset, IQ_MIN(m->len, w->len - m->offset)),
			"%zu bytes of it lie here, of the %zu that it says it has", m->len,
			m->whole);
	else
		iq_finding_evidence(
			c, f, IQ_SOURCE_MEMORY, *from,
			byte_text(c, w->bytes + m->offset, IQ_MIN(m->len, w->len - m->offset)),
			"%zu bytes of it lie here", m->len);
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, *from, NULL,
			    "begins %" PRIu64
			    " bytes %s the field, at an address aligned to %" PRIu64,
			    *from <= f->evidence[0].address ? f->evidence[0].address - *from
							    : *from - f->evidence[0].address,
			    *from <= f->evidence[0].address ? "before" : "behind",
			    *from & 4095 ? *from & -*from : 4096);
}

/* Of likenesses that are hardly weaker than the best, that which covers the field alone says less. */
static void others(struct iq_case *c, struct iq_finding *f, const struct iq_payload *m,
		   unsigned int nr)
{
	for (unsigned int i = 1; i < nr; i++)
		if (m[i].bits + 6 >= m[0].bits && strcmp(m[i].format, m[0].format))
			iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, 0, m[i].text,
					    "the bytes could be this as well");
}

/* Is M, in this place, more than chance and more than a part of something else? */
static bool counts(const struct window *w, const struct iq_suspect *s, bool intact,
		   const struct iq_payload *m)
{
	bool partial = intact && m->offset + m->len <= w->focus + 6;
	size_t n = covered(m, w->focus);

	if (!s->bad && m->bits < IQ_PAYLOAD_STRONG)
		return false;
	/* The upper halves of all pointers are such fillings: it must be all of the field, or of its low half. */
	if (!strcmp(m->format, "fill"))
		return n >= (partial ? 4u : 8u);
	/* Of what has the upper bits of a kernel pointer these say nothing. */
	if (s->value >> 47 == 0x1ffff && m->offset >= w->focus + 2 && m->bits < 40)
		return false;
	return n >= (partial ? 3u : 4u);
}

/* What the field's bytes can be, the best first. */
static unsigned int likenesses(const struct window *w, const struct iq_suspect *s, bool intact,
			       struct iq_payload *m)
{
	bool kernel = s->value >> 47 == 0x1ffff;
	unsigned int nr = 0, kept = 0;

	for (unsigned int whole = intact ? 0 : 1; whole < 2 && !kept; whole++) {
		/* At first only what ends with the low half: the rest is as it was. */
		nr = iq_payload_find(w->bytes, whole ? w->len : w->focus + 4, w->focus,
				     w->focus + (kernel ? 4 : 8), m, MATCHES);
		for (unsigned int i = 0; i < nr; i++)
			if (counts(w, s, intact, &m[i]))
				m[kept++] = m[i];
	}
	return kept;
}

struct iq_error *iq_field_explain(struct iq_case *c, struct iq_suspect *s)
{
	struct iq_payload m[MATCHES];
	struct iq_finding *f;
	struct window w;
	unsigned int nr;
	uint64_t from, to;
	bool intact, partial;

	if (!read_window(c->k, s->address, &w))
		return NULL;
	/* Memory that has changed since says nothing of the value that was bad. */
	if (iq_le64(w.bytes + w.focus) != s->value)
		return NULL;
	intact = upper_half_intact(c, s, &w);
	nr = likenesses(&w, s, intact, m);
	if (!nr)
		return NULL;
	partial = intact && m[0].offset + m[0].len <= w.focus + 6;
	f = claim(c, s, &w, &m[0], partial);
	f->cause = s->cause;
	f->refuted_by = "another structure that has these very bytes at this place by right";
	iq_suspect_told(c, s, m[0].bits + (partial ? 8 : 0));
	iq_finding_evidence(
		c, f, IQ_SOURCE_MEMORY, s->address,
		iq_case_text(c, "%s (0x%" PRIx64 ")", byte_text(c, w.bytes + w.focus, 8), s->value),
		"the field");
	if (partial)
		iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, s->address + 4,
				    iq_case_text(c, "0x%x", (uint32_t)(s->value >> 32)),
				    "the upper half is that of pointers around it");
	region(c, f, &w, &m[0], &from, &to);
	others(c, f, m, nr);
	if (iq_usb_request(c, s, &m[0], f) && s->bad && m[0].bits >= 18)
		f->confidence = IQ_CONFIDENCE_CERTAIN;
	if (m[0].bits >= IQ_PAYLOAD_STRONG && m[0].len >= 8 && s->bad)
		IQ_TRY(iq_copies_explain(c, f, w.bytes + m[0].offset,
					 IQ_MIN(m[0].len, w.len - m[0].offset), from));
	iq_neighbour_explain(c, s, &m[0], from, to);
	return NULL;
}
