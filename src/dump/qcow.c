// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qcow2 disk images with a snapshot that `savevm` made: the machine's state lies in the image behind the end of the
 * disk, found through the tables of the snapshot.  QEMU's docs/interop/qcow2.txt.
 *
 * The disk itself is not looked at.
 */
#include "savevm.h"

#define HEADER_LEN 104
#define SNAPSHOT_LEN 40
#define MOST_SNAPSHOTS 65536u
/* In a table: where a cluster lies, and what else it may be. */
#define OFFSET_MASK 0x00fffffffffffe00ull
#define COMPRESSED (1ull << 62)
#define ZERO 1u
/* Incompatible features: a data file of its own, entries of 16 bytes. */
#define FEATURE_DATA_FILE (1ull << 2)
#define FEATURE_LONG_ENTRIES (1ull << 4)

struct qcow {
	struct iq_file *f;
	unsigned int cluster_bits;
	uint64_t disk, snapshots;
	uint32_t nr_snapshots;
	/* The snapshot's. */
	uint64_t table, state;
	uint32_t table_len;
	char name[64];
	bool damaged;
};

bool iq_qcow_recognise(const uint8_t head[IQ_HEAD_LEN])
{
	return !memcmp(head, "QFI\373", 4) && iq_be32(head + 4) >= 2 && iq_be32(head + 4) <= 3;
}

static struct iq_error *read_header(struct qcow *q)
{
	uint8_t h[HEADER_LEN];
	uint64_t features;

	if (iq_file_read_all(q->f, h, sizeof(h), 0))
		return iq_error_new(IQ_E_FORMAT, "the file ends inside the header of a qcow2 image");
	features = iq_be32(h + 4) >= 3 ? iq_be64(h + 72) : 0;
	q->cluster_bits = iq_be32(h + 20);
	q->disk = iq_be64(h + 24);
	q->nr_snapshots = iq_be32(h + 60);
	q->snapshots = iq_be64(h + 64);
	if (q->cluster_bits < 9 || q->cluster_bits > 21 || q->nr_snapshots > MOST_SNAPSHOTS)
		return iq_error_new(IQ_E_FORMAT, "a qcow2 image whose header makes no sense");
	if (iq_be32(h + 32))
		return iq_error_new(IQ_E_FORMAT, "an encrypted qcow2 image");
	if (features & (FEATURE_DATA_FILE | FEATURE_LONG_ENTRIES))
		return iq_error_new(IQ_E_FORMAT, "a qcow2 image with a data file of its own or extended tables");
	return NULL;
}

/* The snapshot at *AT, which is advanced to the next one.  False: the file ends. */
static bool take_snapshot(struct qcow *q, uint64_t *at)
{
	uint8_t s[SNAPSHOT_LEN], extra[16] = {0};
	uint32_t extra_len, id_len, name_len;
	uint64_t state, disk = q->disk;

	if (iq_file_read_all(q->f, s, sizeof(s), *at))
		return false;
	extra_len = iq_be32(s + 36);
	id_len = iq_be16(s + 12);
	name_len = iq_be16(s + 14);
	state = iq_be32(s + 32);
	if (extra_len >= 8 &&
	    !iq_file_read_all(q->f, extra, IQ_MIN(extra_len, sizeof(extra)), *at + sizeof(s))) {
		state = iq_be64(extra);
		if (extra_len >= 16)
			disk = iq_be64(extra + 8);
	}
	*at += sizeof(s) + extra_len + id_len;
	if (state) {
		q->table = iq_be64(s);
		q->table_len = iq_be32(s + 8);
		q->state = state;
		q->disk = disk;
		memset(q->name, 0, sizeof(q->name));
		if (iq_file_read(q->f, q->name, IQ_MIN(name_len, sizeof(q->name) - 1), *at) < 0)
			return false;
	}
	*at = (*at + name_len + 7) & ~7ull;
	return true;
}

/* The clusters of one table of the second level: content from AT on. */
static struct iq_error *take_clusters(struct qcow *q, uint64_t table, uint64_t at,
				      struct iq_extents *map)
{
	uint64_t size = 1ull << q->cluster_bits, nr = size / 8;
	uint8_t entries[4096];

	for (uint64_t i = 0; i < nr && at < q->state; i++, at += size) {
		uint64_t in = i * 8 % sizeof(entries), entry;

		if (!in && iq_file_read_all(q->f, entries, IQ_MIN(sizeof(entries), size - i * 8),
					    table + i * 8)) {
			q->damaged = true;
			return NULL;
		}
		entry = iq_be64(entries + in);
		if (entry & COMPRESSED) {
			q->damaged = true;
			continue;
		}
		if (!(entry & OFFSET_MASK) || entry & ZERO)
			continue;
		if (!iq_extents_add(map, &(struct iq_extent){.start = at,
							     .end = IQ_MIN(at + size, q->state),
							     .pos = entry & OFFSET_MASK,
							     .priority = map->nr}))
			return iq_error_nomem();
	}
	return NULL;
}

/* From where the state begins: with the first table of the second level behind the end of the disk. */
static struct iq_error *map_state(struct qcow *q, struct iq_extents *map)
{
	unsigned int bits = 2 * q->cluster_bits - 3;
	uint64_t span = 1ull << bits;
	uint64_t first = (q->disk >> bits) + ((q->disk & (span - 1)) != 0);

	for (uint64_t i = 0; i * span < q->state; i++) {
		uint8_t entry[8];
		uint64_t table;

		if (first + i >= q->table_len ||
		    iq_file_read_all(q->f, entry, sizeof(entry), q->table + 8 * (first + i))) {
			q->damaged = true;
			break;
		}
		table = iq_be64(entry) & OFFSET_MASK;
		if (table)
			IQ_TRY(take_clusters(q, table, i * span, map));
	}
	return iq_extents_settle(map) ? NULL : iq_error_nomem();
}

struct iq_error *iq_qcow_snapshot(struct iq_dump *d, struct iq_warnings *w)
{
	struct qcow q = {.f = d->file};
	struct iq_extents map = {0};
	struct iq_error *err;
	uint64_t at;

	IQ_TRY(read_header(&q));
	/* A flattened image is nothing that anybody writes. */
	if (q.f->flattened)
		return iq_error_new(IQ_E_FORMAT, "a flattened qcow2 image");
	at = q.snapshots;
	for (uint32_t i = 0; i < q.nr_snapshots && take_snapshot(&q, &at); i++)
		;
	if (!q.state)
		return iq_error_hint(iq_error_new(IQ_E_FORMAT, "a qcow2 disk image without a saved machine "
							       "in its snapshots"),
				     "savevm of QEMU, or virsh snapshot-create of a running machine, puts one there");
	err = map_state(&q, &map);
	if (err || !map.nr) {
		iq_extents_free(&map);
		return err ? err : iq_error_new(IQ_E_FORMAT, "the saved machine in the qcow2 image is empty");
	}
	if (q.nr_snapshots > 1)
		iq_warn(w, "of %u snapshots in the image the last one with a machine is read: %s",
			q.nr_snapshots, q.name);
	if (q.damaged)
		iq_warn(w, "some of the snapshot's tables cannot be read");
	q.f->map = map;
	q.f->size = q.state;
	q.f->broken_off = q.damaged;
	q.f->flattened = true;
	return NULL;
}
