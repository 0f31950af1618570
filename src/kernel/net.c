// SPDX-License-Identifier: GPL-2.0-or-later
/* Network devices and IPv4 neighbours: see net.h. */
#include <inquest/net.h>

#include "private.h"

#include <stdlib.h>

#define MAX_DEVICES (1u << 20)
#define MAX_ADDRESSES 65536 /* of one device */
#define MAX_HASH_SHIFT 24
#define MAX_CHAIN (1u << 20)

static struct iq_error *unknown(const char *what)
{
	return iq_error_new(IQ_E_UNAVAILABLE, "this kernel keeps its %s in a way that is not known",
			    what);
}

static void read_device_name(struct iq_kernel *k, uint64_t device, char name[17])
{
	uint64_t at;

	if (!iq_kernel_offset(k, "net_device", "name", &at, NULL) ||
	    iq_vm_read_string(k->vm, device + at, name, 17))
		name[0] = '\0';
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* ---- Devices ----------------------------------------------------------------------------------- */

struct devices {
	struct iq_net_devices *list;
	uint64_t link_at, next_at;
	bool nomem;
};

static bool add_address(struct devices *d, struct iq_kernel *k, uint64_t at, bool v6)
{
	struct iq_net_devices *x = d->list;
	struct iq_net_address a = {.v6 = v6};

	if (iq_vm_read(k->vm, at, a.bytes, v6 ? 16 : 4, NULL))
		return false;
	d->nomem =
		!iq_grow(&x->address, &x->room_addresses, x->nr_addresses + 1, sizeof(*x->address));
	if (!d->nomem)
		x->address[x->nr_addresses++] = a;
	return !d->nomem;
}

static bool add_v6(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct devices *d = arg;
	uint64_t at;

	return iq_kernel_offset(k, "inet6_ifaddr", "addr", &at, NULL) &&
	       add_address(d, k, entry - d->next_at + at, true);
}

static void add_addresses(struct iq_kernel *k, struct devices *d, uint64_t device)
{
	uint64_t in, at, local;
	bool whole = true;

	if (kernel_read_member(k, "net_device", "ip_ptr", device, &in) && in &&
	    iq_kernel_offset(k, "in_ifaddr", "ifa_local", &local, NULL)) {
		whole = kernel_read_member(k, "in_device", "ifa_list", in, &at);
		for (unsigned int n = 0; whole && at && !d->nomem; n++)
			whole = n < MAX_ADDRESSES && add_address(d, k, at + local, false) &&
				kernel_read_member(k, "in_ifaddr", "ifa_next", at, &at);
	}
	if (!whole && !d->nomem)
		iq_warn(k->warnings, "the IPv4 addresses of net_device 0x%lx are damaged",
			(unsigned long)device);
	if (!d->nomem && kernel_read_member(k, "net_device", "ip6_ptr", device, &in) && in &&
	    iq_kernel_offset(k, "inet6_dev", "addr_list", &at, NULL) &&
	    iq_kernel_offset(k, "inet6_ifaddr", "if_list", &d->next_at, NULL))
		kernel_list_for_each(k, in + at, MAX_ADDRESSES, "IPv6 addresses", add_v6, d);
}

static bool add_device(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct devices *d = arg;
	struct iq_net_devices *x = d->list;
	struct iq_net_device v = {.address = entry - d->link_at, .first = x->nr_addresses};

	read_device_name(k, v.address, v.name);
	add_addresses(k, d, v.address);
	v.nr = x->nr_addresses - v.first;
	if (d->nomem || !iq_grow(&x->device, &x->room, x->nr + 1, sizeof(*x->device))) {
		d->nomem = true;
		return false;
	}
	x->device[x->nr++] = v;
	return true;
}

struct iq_error *iq_net_devices(struct iq_kernel *k, const struct iq_task *t,
				struct iq_net_devices *ret)
{
	struct devices d = {.list = ret};
	uint64_t net, proxy, head_at;
	struct iq_types *types;

	*ret = (struct iq_net_devices){};
	IQ_TRY(iq_kernel_need_types(k, &types));
	if (t) {
		if (!kernel_read_member(k, "task_struct", "nsproxy", t->address, &proxy) ||
		    !proxy || !kernel_read_member(k, "nsproxy", "net_ns", proxy, &net) || !net)
			return iq_error_new(IQ_E_MEMORY,
					    "task %u has no network name space (any more)", t->pid);
	} else {
		net = iq_kernel_symbol(k, "init_net");
	}
	if (!net || !iq_offset(types, "net", "dev_base_head", &head_at, NULL) ||
	    !iq_offset(types, "net_device", "dev_list", &d.link_at, NULL))
		return unknown("network devices");
	kernel_list_for_each(k, net + head_at, MAX_DEVICES, "network devices", add_device, &d);
	if (d.nomem) {
		iq_net_devices_free(ret);
		return iq_error_nomem();
	}
	return NULL;
}

void iq_net_devices_free(struct iq_net_devices *x)
{
	free(x->device);
	free(x->address);
	*x = (struct iq_net_devices){};
}

/* ---- Neighbours -------------------------------------------------------------------------------- */

struct neighbours {
	struct iq_neighbour *list;
	unsigned int nr, room;
	uint64_t link_at, key_at, hardware_at, hardware_size;
	bool nomem;
};

static bool add_neighbour(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct neighbours *x = arg;
	struct iq_neighbour n = {.address = entry - x->link_at};
	uint64_t v;

	if (!kernel_read_member(k, "neighbour", "nud_state", n.address, &v) ||
	    !kernel_read_member(k, "neighbour", "dev", n.address, &n.device) ||
	    iq_vm_read(k->vm, n.address + x->key_at, n.ip, sizeof(n.ip), NULL) ||
	    iq_vm_read(k->vm, n.address + x->hardware_at, n.hardware,
		       IQ_MIN(sizeof(n.hardware), x->hardware_size), NULL)) {
		iq_warn(k->warnings, "struct neighbour 0x%lx cannot be read",
			(unsigned long)n.address);
		return true;
	}
	n.state = (uint8_t)v;
	read_device_name(k, n.device, n.name);
	if (kernel_read_member(k, "net_device", "type", n.device, &v))
		n.type = (uint16_t)v;
	if (kernel_read_member(k, "net_device", "addr_len", n.device, &v))
		n.nr_hardware = (unsigned int)IQ_MIN(v, sizeof(n.hardware));
	x->nomem = !iq_grow(&x->list, &x->room, x->nr + 1, sizeof(*x->list));
	if (!x->nomem)
		x->list[x->nr++] = n;
	return !x->nomem;
}

/* A chain linked by its first member alone.  False: damage. */
static bool add_chain(struct iq_kernel *k, struct neighbours *x, uint64_t bucket)
{
	uint64_t entry;

	if (!kernel_read_ptr(k, bucket, &entry))
		return false;
	for (unsigned int n = 0; entry && !x->nomem; n++)
		if (n >= MAX_CHAIN || !add_neighbour(k, entry, x) ||
		    !kernel_read_member(k, "neighbour", "next", entry, &entry))
			return false;
	return true;
}

struct iq_error *iq_neighbours(struct iq_kernel *k, struct iq_neighbour **ret, unsigned int *nr)
{
	uint64_t table = iq_kernel_symbol(k, "arp_tbl"), hash, shift, buckets;
	struct neighbours x = {};
	struct iq_types *types;
	bool lists;

	IQ_TRY(iq_kernel_need_types(k, &types));
	lists = iq_offset(types, "neighbour", "hash", &x.link_at, NULL);
	if (!table || !iq_offset(types, "neighbour", "primary_key", &x.key_at, NULL) ||
	    !iq_offset(types, "neighbour", "ha", &x.hardware_at, &x.hardware_size))
		return unknown("ARP table");
	if (!kernel_read_member(k, "neigh_table", "nht", table, &hash) ||
	    !kernel_read_member(k, "neigh_hash_table", "hash_shift", hash, &shift) ||
	    !kernel_read_member(k, "neigh_hash_table", lists ? "hash_heads" : "hash_buckets", hash,
				&buckets) ||
	    shift > MAX_HASH_SHIFT)
		return iq_error_new(IQ_E_MEMORY, "the ARP table cannot be read");
	for (uint64_t i = 0; i < UINT64_C(1) << shift && !x.nomem; i++) {
		uint64_t bucket = buckets + 8 * i;

		if (lists)
			kernel_hlist_for_each(k, bucket, MAX_CHAIN, "ARP table", add_neighbour, &x);
		else if (!add_chain(k, &x, bucket) && !x.nomem)
			iq_warn(k->warnings, "bucket %lu of the ARP table is damaged",
				(unsigned long)i);
	}
	if (x.nomem) {
		free(x.list);
		return iq_error_nomem();
	}
	*ret = x.list;
	*nr = x.nr;
	return NULL;
}
