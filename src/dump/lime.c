// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory acquired from a running machine by the module LiME or by AVML: a sequence of ranges, each with a header of 32
 * bytes {u32 magic, version; u64 start, end (inclusive), 0} and, of LiME (version 1), the bytes.  AVML's own version 2
 * compresses a range by the framing format of snappy and puts the length behind it; ranges that are all zeros it may
 * leave out.  Public descriptions: LiME's doc/README.md, microsoft/avml, google/snappy's framing_format.txt.
 *
 * Nothing says what machine it was, and there are no registers: the kernel is found in memory.
 */
#include "image.h"
#include <elf.h>

#define LIME_MAGIC 0x4c694d45u
#define AVML_MAGIC 0x4c4d5641u
#define HEADER_LEN 32
/* Ranges of one file: /proc/iomem has some tens, AVML cuts them into pieces of 16 MB. */
#define MOST_RANGES (1u << 20)

/* Chunks of snappy's framing: a byte of type, three of length. */
#define CHUNK_PACKED 0x00
#define CHUNK_PLAIN 0x01
#define CHUNK_SKIPPABLE 0x80
#define CHUNK_HEADER 4
#define SUM_LEN 4
/* More of these in a row than any writer has reason for. */
#define MOST_SKIPPED 64

struct header {
	bool packed;
	uint64_t start, len;
};

static bool parse_header(const uint8_t *at, struct header *h)
{
	uint32_t magic = iq_le32(at), version = iq_le32(at + 4);
	uint64_t last = iq_le64(at + 16);

	h->packed = magic == AVML_MAGIC;
	h->start = iq_le64(at + 8);
	if (!(magic == LIME_MAGIC && version == 1) && !(magic == AVML_MAGIC && version == 2))
		return false;
	if (last < h->start || last == UINT64_MAX)
		return false;
	h->len = last - h->start + 1;
	return true;
}

bool iq_lime_recognise(const uint8_t head[IQ_HEAD_LEN])
{
	uint32_t magic = iq_le32(head);

	return magic == LIME_MAGIC || magic == AVML_MAGIC;
}

/* The number at the begin of what snappy compressed: its length in memory. */
static uint32_t varint(const uint8_t *at, size_t len)
{
	uint32_t v = 0;

	for (size_t i = 0; i < IQ_MIN(len, 5u); i++) {
		v |= (uint32_t)(at[i] & 0x7f) << 7 * i;
		if (!(at[i] & 0x80))
			return v;
	}
	return 0;
}

/* The chunks of one range from *POS on, which is advanced behind them.  False: the file ends, or makes no sense. */
static bool take_chunks(struct iq_dump *d, const struct header *h, uint64_t *pos,
			struct iq_error **err)
{
	struct iq_image *m = d->format_data;
	uint64_t done = 0;
	unsigned int skipped = 0;

	while (done < h->len) {
		uint8_t at[CHUNK_HEADER + SUM_LEN + 5] = {0};
		ssize_t got = iq_file_read(d->file, at, sizeof(at), *pos);
		uint32_t body = iq_le32(at) >> 8, len;

		if (got < CHUNK_HEADER) {
			d->info.truncated = true;
			return false;
		}
		*pos += CHUNK_HEADER;
		if (at[0] >= CHUNK_SKIPPABLE) {
			if (++skipped > MOST_SKIPPED)
				return false;
			*pos += body;
			continue;
		}
		skipped = 0;
		if (at[0] > CHUNK_PLAIN || body <= SUM_LEN)
			return false;
		len = at[0] == CHUNK_PLAIN ? body - SUM_LEN
					   : varint(at + CHUNK_HEADER + SUM_LEN, body - SUM_LEN);
		if (!len || len > h->len - done)
			return false;
		*err = iq_image_add_block(m,
					  at[0] == CHUNK_PLAIN ? IQ_PIECE_CHECKED : IQ_PIECE_SNAPPY,
					  h->start + done, len, *pos, body);
		if (*err)
			return false;
		*pos += body;
		done += len;
	}
	*pos += sizeof(uint64_t);
	return true;
}

/* One range at *POS, which is advanced behind it.  False: there is no other. */
static bool take_range(struct iq_dump *d, uint64_t *pos, struct iq_warnings *w,
		       struct iq_error **err)
{
	struct iq_image *m = d->format_data;
	uint8_t at[HEADER_LEN];
	ssize_t got = iq_file_read(d->file, at, sizeof(at), *pos);
	struct header h;

	if (got <= 0)
		return false;
	if (got < HEADER_LEN) {
		d->info.truncated = true;
		return false;
	}
	if (!parse_header(at, &h)) {
		iq_warn(w, "no header of a memory range at byte %llu: what follows is lost",
			(unsigned long long)*pos);
		return false;
	}
	*pos += HEADER_LEN;
	if (h.packed) {
		if (take_chunks(d, &h, pos, err))
			return true;
		if (!*err && !d->info.truncated)
			iq_warn(w, "the compressed blocks of memory at 0x%llx are damaged at byte %llu: what "
				   "follows is lost",
				(unsigned long long)h.start, (unsigned long long)*pos);
		return false;
	}
	*err = iq_image_add(m, h.start, h.len, *pos);
	*pos += h.len;
	return !*err;
}

struct iq_error *iq_lime_open(struct iq_dump *d, struct iq_warnings *w)
{
	struct iq_image *m;
	struct iq_error *err = NULL;
	uint8_t head[HEADER_LEN];
	struct header h;
	uint64_t pos = 0;

	if (iq_file_read(d->file, head, sizeof(head), 0) < HEADER_LEN)
		return iq_error_new(IQ_E_FORMAT, "the file ends inside its first header");
	if (!parse_header(head, &h))
		return iq_error_new(IQ_E_FORMAT, "a LiME or AVML image of version %u, or its first range makes "
						 "no sense",
				    iq_le32(head + 4));
	IQ_TRY(iq_image_start(d, IQ_DUMP_LIME, &m));
	snprintf(d->info.format_text, sizeof(d->info.format_text), "%s",
		 h.packed ? "AVML, snappy" : "LiME");
	/* The one machine that can be read here; if it was another, no kernel is found. */
	d->info.machine = EM_X86_64;
	for (unsigned int i = 0; i < MOST_RANGES && take_range(d, &pos, w, &err); i++)
		;
	/* Damage behind some ranges. */
	if (err && err->code == IQ_E_FORMAT && m->map.nr) {
		iq_warn(w, "%s; what follows is lost", err->message);
		iq_error_free(err);
		err = NULL;
	}
	return err ? err : iq_image_finish(d);
}
