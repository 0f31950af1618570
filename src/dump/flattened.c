// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * makedumpfile's flattened format, written where the output cannot seek (a pipe, ssh): a header of
 * 4096 bytes, then records, each "these N bytes belong at offset X" (two big-endian 64-bit numbers
 * and the bytes), the last one with -1 in both.  What a later record writes replaces what an earlier
 * one wrote at the same place.  Format: makedumpfile(8) -F and -R.
 */
#include "file.h"
#include <errno.h>

#define RECORD_HEADER 16
#define END_MARK UINT64_MAX
/* Records that a sane file can have: makedumpfile writes some per megabyte, QEMU one per 16 KB. */
#define MOST_RECORDS (16 * 1024 * 1024)
/*
 * Record headers are read through a window, so that small records come many to one pread(); behind
 * a record that is larger than SMALL only its own header is read, and the data in between is not.
 */
#define WINDOW 16384
#define SMALL 1024

struct pass {
	struct iq_file *f;
	uint64_t start; /* of the window */
	size_t len;
	uint64_t last_size; /* of the record in front */
	uint8_t window[WINDOW];
};

/* The record header at OFFSET; NULL with *err NULL: the file ends before it does. */
static const uint8_t *header_at(struct pass *p, uint64_t offset, struct iq_error **err)
{
	ssize_t n;

	if (offset < p->start || offset - p->start + RECORD_HEADER > p->len) {
		size_t want = p->last_size <= SMALL ? WINDOW : RECORD_HEADER;

		n = iq_file_read_raw(p->f, p->window, want, offset);
		if (n < 0) {
			*err = iq_error_errno(errno, "cannot read the flattened dump");
			return NULL;
		}
		p->start = offset;
		p->len = (size_t)n;
		if (n < RECORD_HEADER)
			return NULL;
	}
	return p->window + (offset - p->start);
}

/* One record at *AT, which is advanced behind it.  False: there are no more. */
static bool take_record(struct pass *p, uint64_t *at, struct iq_error **err)
{
	struct iq_file *f = p->f;
	const uint8_t *header = header_at(p, *at, err);
	uint64_t offset, size, end, there;

	if (!header) {
		f->broken_off = true;
		return false;
	}
	offset = iq_be64(header);
	size = iq_be64(header + 8);
	if (offset == END_MARK && size == END_MARK)
		return false;
	if (iq_add_overflows(offset, size, &end) || end > INT64_MAX) {
		*err = iq_error_new(IQ_E_FORMAT,
				    "the flattened dump has a senseless record at %llu",
				    (unsigned long long)*at);
		return false;
	}
	*at += RECORD_HEADER;
	p->last_size = size;
	there = IQ_MIN(size, f->raw_size - *at);
	if (f->map.nr >= MOST_RECORDS) {
		*err = iq_error_new(IQ_E_LIMIT, "the flattened dump has too many records");
		return false;
	}
	if (!iq_extents_add(&f->map, &(struct iq_extent){
					     .start = offset,
					     .end = offset + there,
					     .pos = *at,
					     .priority = f->map.nr,
				     })) {
		*err = iq_error_nomem();
		return false;
	}
	f->size = IQ_MAX(f->size, end);
	*at += there;
	if (there < size)
		f->broken_off = true;
	return there == size;
}

struct iq_error *iq_file_map_records(struct iq_file *f, struct iq_warnings *w)
{
	struct pass p = {.f = f, .start = 0, .len = 0};
	uint64_t at = IQ_FLAT_HEADER_LEN;
	struct iq_error *err = NULL;

	f->size = 0;
	while (take_record(&p, &at, &err))
		;
	/* Damage behind some records: what is in front of it can still be read. */
	if (err && err->code == IQ_E_FORMAT && f->map.nr) {
		iq_warn(w, "%s; what follows is lost", err->message);
		iq_error_free(err);
		err = NULL;
		f->broken_off = true;
	}
	if (err)
		return err;
	if (!f->map.nr)
		return iq_error_new(IQ_E_FORMAT, "the flattened dump has no content");
	return iq_extents_settle(&f->map) ? NULL : iq_error_nomem();
}
