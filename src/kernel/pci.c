// SPDX-License-Identifier: GPL-2.0-or-later
/* The PCI buses and their devices (include/linux/pci.h): pci_root_buses, and what hangs on each. */
#include <inquest/device.h>

#include "private.h"

#include <stdlib.h>

#define MAX_BUSES 65536
#define MAX_DEVICES (1u << 20)
#define MAX_DEPTH 64 /* bridges in a row */

struct walk {
	struct iq_pci *p;
	struct iq_map seen;
	uint64_t bus_at, device_at; /* the list_heads in pci_bus and pci_dev */
	uint64_t devices_at, children_at, name_at;
	uint64_t bus;
	char name[48];
	unsigned int depth;
	bool nomem;
};

static void read_name(struct iq_kernel *k, const struct walk *w, uint64_t bus, char *name,
		      size_t room)
{
	uint64_t at;

	if (!kernel_read_ptr(k, bus + w->name_at, &at) || iq_vm_read_string(k->vm, at, name, room))
		name[0] = '\0';
	for (char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static uint32_t field(struct iq_kernel *k, const char *path, uint64_t device)
{
	uint64_t v;

	return kernel_read_member(k, "pci_dev", path, device, &v) ? (uint32_t)v : 0;
}

static bool add_device(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct walk *w = arg;
	struct iq_pci *p = w->p;
	uint64_t address = entry - w->device_at;
	struct iq_pci_device d = {
		.address = address,
		.bus = w->bus,
		.devfn = field(k, "devfn", address),
		.vendor = field(k, "vendor", address),
		.device = field(k, "device", address),
		.class = field(k, "class", address),
		.type = field(k, "pcie_flags_reg", address) >> 4 & 15,
	};

	memcpy(d.bus_name, w->name, sizeof(d.bus_name));
	w->nomem = !iq_grow(&p->device, &p->room, p->nr + 1, sizeof(*p->device));
	if (!w->nomem)
		p->device[p->nr++] = d;
	return !w->nomem;
}

/* The devices of the bus, then those of the buses behind its bridges. */
static bool add_bus(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct walk *w = arg;
	uint64_t bus = entry - w->bus_at;

	if (iq_map_get(&w->seen, bus) || w->depth >= MAX_DEPTH || w->seen.nr >= MAX_BUSES) {
		iq_warn(k->warnings, "PCI buses: the tree does not end at 0x%lx",
			(unsigned long)bus);
		return true;
	}
	if (!iq_map_put(&w->seen, bus, w)) {
		w->nomem = true;
		return false;
	}
	w->bus = bus;
	read_name(k, w, bus, w->name, sizeof(w->name));
	kernel_list_for_each(k, bus + w->devices_at, MAX_DEVICES, "PCI devices", add_device, w);
	w->depth++;
	if (!w->nomem)
		kernel_list_for_each(k, bus + w->children_at, MAX_BUSES, "PCI buses", add_bus, w);
	w->depth--;
	return !w->nomem;
}

static bool add_root(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct walk *w = arg;
	struct iq_pci *p = w->p;
	struct iq_pci_root r = {.address = entry - w->bus_at, .first = p->nr};

	read_name(k, w, r.address, r.name, sizeof(r.name));
	if (!add_bus(k, entry, w))
		return false;
	r.nr = p->nr - r.first;
	w->nomem = !iq_grow(&p->root, &p->room_roots, p->nr_roots + 1, sizeof(*p->root));
	if (!w->nomem)
		p->root[p->nr_roots++] = r;
	return !w->nomem;
}

struct iq_error *iq_pci(struct iq_kernel *k, struct iq_pci *ret)
{
	struct walk w = {.p = ret};
	uint64_t roots = iq_kernel_symbol(k, "pci_root_buses");
	struct iq_types *t;

	*ret = (struct iq_pci){};
	IQ_TRY(iq_kernel_need_types(k, &t));
	if (!roots || !iq_offset(t, "pci_bus", "node", &w.bus_at, NULL) ||
	    !iq_offset(t, "pci_dev", "bus_list", &w.device_at, NULL) ||
	    !iq_offset(t, "pci_bus", "devices", &w.devices_at, NULL) ||
	    !iq_offset(t, "pci_bus", "children", &w.children_at, NULL) ||
	    !iq_offset(t, "pci_bus", "dev.kobj.name", &w.name_at, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel was built without PCI (CONFIG_PCI)");
	kernel_list_for_each(k, roots, MAX_BUSES, "PCI root buses", add_root, &w);
	iq_map_free(&w.seen);
	if (w.nomem) {
		iq_pci_free(ret);
		return iq_error_nomem();
	}
	return NULL;
}

void iq_pci_free(struct iq_pci *p)
{
	free(p->root);
	free(p->device);
	*p = (struct iq_pci){};
}
