// SPDX-License-Identifier: GPL-2.0-or-later
/* Majors of character and block devices: see device.h. */
#include <inquest/device.h>

#include "private.h"

#include <stdlib.h>

#define HASH 255 /* CHRDEV_MAJOR_HASH_SIZE, BLKDEV_MAJOR_HASH_SIZE */
#define MAX_CHAIN 4096
#define MINOR_BITS 20

struct majors {
	struct iq_kernel *k;
	struct iq_major *list;
	unsigned int nr, room;
	const char *tag;
	uint64_t name_room;
};

/* The printable name at ADDRESS. */
static void read_name(struct iq_kernel *k, uint64_t address, char *name, size_t room)
{
	if (iq_vm_read_string(k->vm, address, name, room))
		name[0] = '\0';
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static struct iq_error *unknown(const char *what)
{
	return iq_error_new(IQ_E_UNAVAILABLE, "this kernel keeps its %s in a way that is not known",
			    what);
}

/* Adds all of one chain.  False: damage. */
static bool add_chain(struct majors *m, uint64_t entry, struct iq_error **err)
{
	struct iq_kernel *k = m->k;
	bool characters = !strcmp(m->tag, "char_device_struct");
	uint64_t v, name_at;

	if (!iq_kernel_offset(k, m->tag, "name", &name_at, NULL))
		return false;
	for (unsigned int n = 0; entry && n < MAX_CHAIN; n++) {
		struct iq_major x = {};

		if (!kernel_read_member(k, m->tag, "major", entry, &v))
			return false;
		x.major = (uint32_t)v;
		if (characters && kernel_read_member(k, m->tag, "baseminor", entry, &v))
			x.minor = (uint32_t)v;
		if (characters && kernel_read_member(k, m->tag, "minorct", entry, &v))
			x.nr_minors = (uint32_t)v;
		if (characters)
			kernel_read_member(k, m->tag, "cdev", entry, &x.object);
		read_name(k, entry + name_at, x.name, (size_t)m->name_room);
		if (!iq_grow(&m->list, &m->room, m->nr + 1, sizeof(*m->list))) {
			*err = iq_error_nomem();
			return true;
		}
		m->list[m->nr++] = x;
		if (!kernel_read_member(k, m->tag, "next", entry, &entry))
			return false;
	}
	return !entry;
}

/* All chains of the table at symbol TABLE. */
static struct iq_error *read_table(struct majors *m, const char *table)
{
	uint64_t at = iq_kernel_symbol(m->k, table), entry, name_at;
	struct iq_error *err = NULL;
	struct iq_types *types;

	IQ_TRY(iq_kernel_need_types(m->k, &types));
	if (!at || !iq_offset(types, m->tag, "name", &name_at, &m->name_room))
		return unknown("majors");
	m->name_room = IQ_MIN(m->name_room, sizeof(m->list->name));
	for (unsigned int i = 0; !err && i < HASH; i++)
		if (!kernel_read_ptr(m->k, at + 8 * i, &entry) || !add_chain(m, entry, &err))
			iq_warn(m->k->warnings, "%s[%u]: its chain is damaged or cannot be read",
				table, i);
	return err;
}

/* ---- cdev_map ---------------------------------------------------------------------------------- */

struct probes {
	uint64_t at; /* struct kobj_map.probes */
	uint64_t next, dev, range, data;
};

static bool member(const struct iq_type *t, const char *name, uint64_t *offset)
{
	struct iq_member m;
	struct iq_error *err = iq_member_find(t, name, &m);

	iq_error_free(err);
	if (!err)
		*offset = m.bit_offset / 8;
	return !err;
}

/* Many structs have the name probe: the one of the map is what its table points to. */
static bool probes_of(struct iq_kernel *k, struct probes *p)
{
	const struct iq_type *map = iq_type_by_name(iq_kernel_types(k), "struct kobj_map"), *probe;
	struct iq_member m;
	struct iq_error *err;
	uint64_t at;

	if (!map || !iq_kernel_variable(k, "cdev_map", 8, &at) || !at)
		return false;
	err = iq_member_find(map, "probes[0]", &m);
	iq_error_free(err);
	if (err)
		return false;
	p->at = at + m.bit_offset / 8;
	probe = iq_type_target(m.type);
	return probe && member(probe, "next", &p->next) && member(probe, "dev", &p->dev) &&
	       member(probe, "range", &p->range) && member(probe, "data", &p->data);
}

/* What is registered for the number DEV; 0: nothing. */
static uint64_t probe_of(struct iq_kernel *k, const struct probes *p, uint32_t dev)
{
	uint64_t entry, first, range, data;

	if (!kernel_read_ptr(k, p->at + 8 * ((dev >> MINOR_BITS) % HASH), &entry))
		return 0;
	for (unsigned int n = 0; entry && n < MAX_CHAIN; n++) {
		if (!kernel_read_uint(k, entry + p->dev, 4, &first) ||
		    !kernel_read_ptr(k, entry + p->range, &range) ||
		    !kernel_read_ptr(k, entry + p->data, &data))
			return 0;
		/* The one for all numbers says that a module has to be loaded first. */
		if (dev >= first && dev - first < range && range < UINT32_MAX)
			return data;
		if (!kernel_read_ptr(k, entry + p->next, &entry))
			return 0;
	}
	return 0;
}

struct iq_error *iq_character_majors(struct iq_kernel *k, struct iq_major **ret, unsigned int *nr)
{
	struct majors m = {.k = k, .tag = "char_device_struct"};
	struct iq_error *err = read_table(&m, "chrdevs");
	struct probes p = {};
	bool map = !err && probes_of(k, &p);

	if (err) {
		free(m.list);
		return err;
	}
	for (unsigned int i = 0; i < m.nr; i++) {
		struct iq_major *x = &m.list[i];

		if (!x->object && map)
			x->object = probe_of(k, &p, x->major << MINOR_BITS | x->minor);
		if (x->object)
			kernel_read_member(k, "cdev", "ops", x->object, &x->operations);
	}
	*ret = m.list;
	*nr = m.nr;
	return NULL;
}

struct iq_error *iq_block_majors(struct iq_kernel *k, struct iq_major **ret, unsigned int *nr)
{
	struct majors m = {.k = k, .tag = "blk_major_name"};
	struct iq_disk *disk = NULL;
	unsigned int nr_disks = 0;
	struct iq_error *err = read_table(&m, "major_names");

	if (!err)
		err = iq_disks(k, &disk, &nr_disks);
	if (err) {
		free(m.list);
		return err;
	}
	for (unsigned int i = 0; i < m.nr; i++) {
		for (unsigned int d = 0; d < nr_disks; d++) {
			if (disk[d].major != m.list[i].major)
				continue;
			m.list[i].object = disk[d].address;
			m.list[i].operations = disk[d].operations;
		}
	}
	free(disk);
	*ret = m.list;
	*nr = m.nr;
	return NULL;
}
