// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks, and the requests in flight to them (block/blk-mq-tag.c: the bitmaps of tags, and the
 * table of requests by tag).
 */
#include <inquest/device.h>

#include "private.h"

#include <stdlib.h>

#define MAX_CLASSES 65536
#define MAX_DISKS (1u << 20)
#define MAX_QUEUES 65536
#define MAX_TAGS (1u << 20)
#define MQ_RQ_IN_FLIGHT 1

/* ---- The class block --------------------------------------------------------------------------- */

struct find_class {
	uint64_t class, subsys_at, found;
};

static bool is_class(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct find_class *f = arg;
	uint64_t class;

	if (kernel_read_member(k, "subsys_private", "class", entry - f->subsys_at, &class) &&
	    class == f->class)
		f->found = entry - f->subsys_at;
	return !f->found;
}

/* The struct subsys_private of block_class: the class points to it, or it is in the kset of classes. */
static uint64_t block_subsystem(struct iq_kernel *k)
{
	struct find_class f = {.class = iq_kernel_symbol(k, "block_class")};
	uint64_t p, kset, list_at;

	if (!f.class)
		return 0;
	if (kernel_read_member(k, "class", "p", f.class, &p))
		return p;
	if (!iq_kernel_variable(k, "class_kset", 8, &kset) || !kset ||
	    !iq_kernel_offset(k, "kset", "list", &list_at, NULL) ||
	    !iq_kernel_offset(k, "subsys_private", "subsys.kobj.entry", &f.subsys_at, NULL))
		return 0;
	kernel_list_for_each(k, kset + list_at, MAX_CLASSES, "device classes", is_class, &f);
	return f.found;
}

struct disks {
	struct iq_disk *list;
	unsigned int nr, room;
	uint64_t node_at; /* device_private.knode_class.n_node */
	uint64_t device_at; /* struct device in block_device, or in hd_struct */
	uint64_t part0_at; /* hd_struct in gendisk */
	unsigned int synchronous;
	bool hd_struct, by_sync, nomem;
};

/* The gendisk of the struct device; 0: it is a partition's. */
static uint64_t disk_of(struct iq_kernel *k, const struct disks *d, uint64_t device)
{
	uint64_t part = device - d->device_at, disk, part0;

	if (d->hd_struct)
		return kernel_read_member(k, "hd_struct", "partno", part, &part0) && !part0
			       ? part - d->part0_at
			       : 0;
	if (!kernel_read_member(k, "block_device", "bd_disk", part, &disk) || !disk ||
	    !kernel_read_member(k, "gendisk", "part0", disk, &part0))
		return 0;
	return part0 == part ? disk : 0;
}

struct count {
	struct iq_disk *disk;
	unsigned int synchronous; /* flags */
};

static bool count(void *arg, const struct iq_request *r)
{
	const struct count *c = arg;

	/* Operations that write have odd numbers (include/linux/blk_types.h); 0 is a read. */
	*(r->flags & 1 ? &c->disk->writes : &c->disk->reads) += 1;
	if (!(r->flags & 255) || r->flags & c->synchronous)
		c->disk->synchronous++;
	return true;
}

/* The flags that make a request synchronous, as op_is_sync() has them. */
static unsigned int synchronous_flags(struct iq_kernel *k)
{
	static const char *const names[] = {"__REQ_SYNC", "__REQ_FUA", "__REQ_PREFLUSH"};
	unsigned int flags = 0;
	int64_t bit;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(names); i++)
		if (iq_enumerator_by_name(iq_kernel_types(k), names[i], &bit) && bit >= 0 &&
		    bit < 32)
			flags |= 1u << bit;
	return flags;
}

static bool add_disk(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct disks *d = arg;
	struct iq_disk x = {};
	uint64_t device, v, name_at, name_size;

	if (!kernel_read_member(k, "device_private", "device", entry - d->node_at, &device) ||
	    !(x.address = disk_of(k, d, device)))
		return true;
	if (!kernel_read_member(k, "gendisk", "queue", x.address, &x.queue) ||
	    !iq_kernel_offset(k, "gendisk", "disk_name", &name_at, &name_size) ||
	    iq_vm_read_string(k->vm, x.address + name_at, x.name, sizeof(x.name))) {
		iq_warn(k->warnings, "struct gendisk 0x%lx cannot be read",
			(unsigned long)x.address);
		return true;
	}
	for (char *c = x.name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (kernel_read_member(k, "gendisk", "major", x.address, &v))
		x.major = (uint32_t)v;
	if (kernel_read_member(k, "gendisk", "first_minor", x.address, &v))
		x.first_minor = (uint32_t)v;
	kernel_read_member(k, "gendisk", "fops", x.address, &x.operations);
	x.by_sync = d->by_sync;
	x.counted = iq_requests(k, &x, count, &(struct count){&x, d->synchronous});
	d->nomem = !iq_grow(&d->list, &d->room, d->nr + 1, sizeof(*d->list));
	if (!d->nomem)
		d->list[d->nr++] = x;
	return !d->nomem;
}

struct iq_error *iq_disks(struct iq_kernel *k, struct iq_disk **ret, unsigned int *nr)
{
	struct disks d = {};
	struct iq_types *types;
	uint64_t subsystem, list_at, at;

	IQ_TRY(iq_kernel_need_types(k, &types));
	d.hd_struct = iq_offset(types, "hd_struct", "__dev", &d.device_at, NULL) &&
		      iq_offset(types, "gendisk", "part0", &d.part0_at, NULL);
	d.by_sync = iq_offset(types, "blk_mq_ctx", "rq_dispatched", &at, NULL);
	d.synchronous = synchronous_flags(k);
	subsystem = block_subsystem(k);
	if (!subsystem ||
	    (!d.hd_struct && !iq_offset(types, "block_device", "bd_device", &d.device_at, NULL)) ||
	    !iq_offset(types, "device_private", "knode_class.n_node", &d.node_at, NULL) ||
	    !iq_offset(types, "subsys_private", "klist_devices.k_list", &list_at, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel keeps its disks in a way that is not known");
	kernel_list_for_each(k, subsystem + list_at, MAX_DISKS, "disks", add_disk, &d);
	if (d.nomem) {
		free(d.list);
		return iq_error_nomem();
	}
	*ret = d.list;
	*nr = d.nr;
	return NULL;
}

/* ---- Requests ---------------------------------------------------------------------------------- */

struct requests {
	struct iq_kernel *k;
	const struct iq_disk *disk;
	bool (*fn)(void *arg, const struct iq_request *r);
	void *arg;
	struct iq_map seen; /* queues can share their tags */
	uint64_t rqs, nr_rqs;
	bool stop, damaged;
};

/* The request with the tag at INDEX of the table, if it is in flight to this disk. */
static void add_request(struct requests *x, uint64_t index)
{
	struct iq_request r = {};
	uint64_t queue, state, v;

	if (index >= x->nr_rqs || !kernel_read_ptr(x->k, x->rqs + 8 * index, &r.address)) {
		x->damaged = true;
		return;
	}
	if (!r.address || iq_map_get(&x->seen, r.address))
		return;
	if (!kernel_read_member(x->k, "request", "q", r.address, &queue) ||
	    !kernel_read_member(x->k, "request", "state", r.address, &state) ||
	    !iq_map_put(&x->seen, r.address, x)) {
		x->damaged = true;
		return;
	}
	if (queue != x->disk->queue || state != MQ_RQ_IN_FLIGHT)
		return;
	if (kernel_read_member(x->k, "request", "cmd_flags", r.address, &v))
		r.flags = (unsigned int)v;
	if (kernel_read_member(x->k, "request", "tag", r.address, &v))
		r.tag = (int)v;
	if (kernel_read_member(x->k, "request", "__data_len", r.address, &v))
		r.bytes = (uint32_t)v;
	kernel_read_member(x->k, "request", "mq_hctx", r.address, &r.hctx);
	kernel_read_member(x->k, "request", "bio", r.address, &r.bio);
	kernel_read_member(x->k, "request", "__sector", r.address, &r.sector);
	kernel_read_member(x->k, "request", "start_time_ns", r.address, &r.start);
	x->stop = !x->fn(x->arg, &r);
}

/* The tags in use in the struct sbitmap at SB; the first is FIRST in the table. */
static void add_bits(struct requests *x, uint64_t sb, uint64_t first)
{
	struct iq_kernel *k = x->k;
	uint64_t depth, shift, words, map, size = iq_kernel_sizeof(k, "sbitmap_word");

	if (!size || !kernel_read_member(k, "sbitmap", "depth", sb, &depth) ||
	    !kernel_read_member(k, "sbitmap", "shift", sb, &shift) ||
	    !kernel_read_member(k, "sbitmap", "map_nr", sb, &words) ||
	    !kernel_read_member(k, "sbitmap", "map", sb, &map) || shift > 6 || depth > MAX_TAGS ||
	    words > MAX_TAGS) {
		x->damaged = true;
		return;
	}
	for (uint64_t i = 0; i < words && i << shift < depth && !x->stop; i++) {
		uint64_t word, cleared = 0;

		if (!kernel_read_member(k, "sbitmap_word", "word", map + i * size, &word)) {
			x->damaged = true;
			return;
		}
		kernel_read_member(k, "sbitmap_word", "cleared", map + i * size, &cleared);
		word &= ~cleared;
		if (shift < 6)
			word &= (UINT64_C(1) << (1u << shift)) - 1;
		for (; word && !x->stop; word &= word - 1) {
			uint64_t bit = (i << shift) + (unsigned int)__builtin_ctzll(word);

			if (bit < depth)
				add_request(x, first + bit);
		}
	}
}

/* Where the sbitmap of the member of struct blk_mq_tags is: it is there, or a pointer is; 0: neither. */
static uint64_t bitmap(struct iq_kernel *k, const char *name, uint64_t tags)
{
	uint64_t at, size;

	if (!iq_kernel_offset(k, "blk_mq_tags", name, &at, &size))
		return 0;
	if (size != 8)
		return tags + at;
	return kernel_read_ptr(k, tags + at, &at) ? at : 0;
}

static bool add_queue(struct iq_kernel *k, uint64_t index, uint64_t hctx, void *arg)
{
	struct requests *x = arg;
	uint64_t tags, nr, reserved, bits, kept;

	(void)index;
	if (!kernel_read_member(k, "blk_mq_hw_ctx", "tags", hctx, &tags)) {
		x->damaged = true;
		return true;
	}
	if (!tags || iq_map_get(&x->seen, tags))
		return true;
	bits = bitmap(k, "bitmap_tags", tags);
	kept = bitmap(k, "breserved_tags", tags);
	if (!iq_map_put(&x->seen, tags, x) ||
	    !kernel_read_member(k, "blk_mq_tags", "nr_tags", tags, &nr) ||
	    !kernel_read_member(k, "blk_mq_tags", "nr_reserved_tags", tags, &reserved) ||
	    !kernel_read_member(k, "blk_mq_tags", "rqs", tags, &x->rqs) || !bits || !kept ||
	    reserved > nr) {
		x->damaged = true;
		return true;
	}
	x->nr_rqs = nr;
	if (reserved)
		add_bits(x, kept, 0);
	if (!x->stop)
		add_bits(x, bits, reserved);
	return !x->stop;
}

bool iq_requests(struct iq_kernel *k, const struct iq_disk *d,
		 bool (*fn)(void *arg, const struct iq_request *r), void *arg)
{
	struct requests x = {.k = k, .disk = d, .fn = fn, .arg = arg};
	uint64_t at, nr, hctx;

	if (!d->queue)
		return false;
	if (iq_kernel_offset(k, "request_queue", "hctx_table", &at, NULL)) {
		x.damaged =
			!kernel_xarray_for_each(k, d->queue + at, "hardware queues", add_queue, &x);
	} else if (kernel_read_member(k, "request_queue", "queue_hw_ctx", d->queue, &at) &&
		   kernel_read_member(k, "request_queue", "nr_hw_queues", d->queue, &nr)) {
		for (uint64_t i = 0; i < IQ_MIN(nr, MAX_QUEUES) && !x.stop; i++) {
			if (!kernel_read_ptr(k, at + 8 * i, &hctx))
				x.damaged = true;
			else if (hctx)
				add_queue(k, i, hctx, &x);
		}
	} else {
		x.damaged = true;
	}
	iq_map_free(&x.seen);
	return !x.damaged;
}
