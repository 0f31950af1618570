// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The USB request that a payload answered: struct urb (include/linux/usb.h) holds the eight bytes of the
 * request, how many bytes came back, and the buffer that they belonged into.
 */
#include "value.h"

#include <inttypes.h>

struct urb {
	uint64_t address, setup, buffer;
	uint32_t actual, wanted;
	uint8_t request[8];
};

static bool member(struct iq_case *c, const struct iq_type *t, uint64_t at, const char *name,
		   unsigned int size, uint64_t *ret)
{
	struct iq_member m;
	struct iq_error *err = iq_member_find(t, name, &m);

	if (err) {
		iq_error_free(err);
		return false;
	}
	return iq_vm_read_uint(c->k->vm, at + m.bit_offset / 8, size, ret) == IQ_MEM_OK;
}

/* Is there an urb at ADDRESS?  Its request must be one, and its lengths must fit it. */
static bool read_urb(struct iq_case *c, const struct iq_type *t, uint64_t address, struct urb *u)
{
	uint64_t actual, wanted;

	u->address = address;
	if (!member(c, t, address, "setup_packet", 8, &u->setup) ||
	    !member(c, t, address, "transfer_buffer", 8, &u->buffer) ||
	    !member(c, t, address, "actual_length", 4, &actual) ||
	    !member(c, t, address, "transfer_buffer_length", 4, &wanted))
		return false;
	u->actual = (uint32_t)actual;
	u->wanted = (uint32_t)wanted;
	if (!u->setup || iq_vm_read(c->k->vm, u->setup, u->request, 8, NULL) != IQ_MEM_OK)
		return false;
	/* From the device; the length asked for is the buffer's, or the buffer's without the request itself. */
	return u->request[0] & 0x80 && !(u->request[0] & 0x1c) && u->actual <= u->wanted &&
	       iq_le16(u->request + 6) && iq_le16(u->request + 6) <= u->wanted &&
	       u->wanted <= iq_le16(u->request + 6) + 8u;
}

/* The descriptor's type is its second byte, and what was asked for. */
static bool answers(const struct urb *u, const uint8_t *bytes)
{
	return u->request[1] == 6 && u->request[3] == bytes[1];
}

bool iq_usb_request(struct iq_case *c, const struct iq_suspect *s, const struct iq_payload *m,
		    struct iq_finding *f)
{
	const struct iq_type *t = iq_kernel_type(c->k, "struct urb", NULL);
	struct iq_object o;
	uint8_t bytes[8];
	bool whole, holder;
	struct urb u;

	if (strncmp(m->format, "usb.", 4) || !t || !iq_object_at(c->k, s->address, &o) ||
	    !o.object || iq_vm_read(c->k->vm, s->address, bytes, sizeof(bytes), NULL) != IQ_MEM_OK)
		return false;
	holder = o.slab.cache->object_size >= t->size && read_urb(c, t, o.object, &u);
	if (!holder)
		return false;
	iq_finding_evidence(
		c, f, IQ_SOURCE_MEMORY, u.setup,
		iq_case_text(c, "%02x %02x %02x %02x %02x %02x %02x %02x", u.request[0],
			     u.request[1], u.request[2], u.request[3], u.request[4], u.request[5],
			     u.request[6], u.request[7]),
		"the setup packet of the urb that holds the field: %s(type %u, index %u, language "
		"0x%04x), %u bytes",
		u.request[1] == 6 ? "GET_DESCRIPTOR" : "control request", u.request[3],
		u.request[2], iq_le16(u.request + 4), iq_le16(u.request + 6));
	if (!answers(&u, bytes))
		return false;
	whole = u.actual == bytes[0];
	iq_finding_evidence(c, f, IQ_SOURCE_MEMORY, u.address, iq_case_text(c, "%u", u.actual),
			    whole ? "actual_length: the answer had as many bytes as the descriptor"
				  : "actual_length: the bytes that came back");
	f->claim = iq_case_text(
		c,
		"%s: the answer of the device to the urb's own GET_DESCRIPTOR (type %u, index "
		"%u)%s",
		f->claim, u.request[3], u.request[2],
		whole ? iq_case_text(c, ", %u bytes, which belonged into the buffer", u.actual)
		      : "");
	return true;
}
