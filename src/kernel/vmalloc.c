// SPDX-License-Identifier: GPL-2.0-or-later
/* Vmalloc areas: see vmalloc.h. */
#include <inquest/vmalloc.h>

#include "private.h"

#include <stdlib.h>

#define MAX_VMAPS (4u << 20)
#define MAX_VMAP_NODES 1024

struct vmap_layout {
	uint64_t list, start, end, vm;
};

static bool add_vmap(struct iq_kernel *k, uint64_t entry, void *arg)
{
	struct iq_kernel_private *p = k->priv;
	const struct vmap_layout *l = arg;
	struct iq_vmap v = {.area = entry - l->list};

	if (!kernel_read_ptr(k, v.area + l->start, &v.start) ||
	    !kernel_read_ptr(k, v.area + l->end, &v.end) || v.end <= v.start)
		return true;
	kernel_read_ptr(k, v.area + l->vm, &v.vm);
	/* Up to 5.x the same word holds other things in areas that are being freed. */
	if (v.vm && (!kernel_read_member(k, "vm_struct", "flags", v.vm, &v.flags) ||
		     !kernel_read_member(k, "vm_struct", "caller", v.vm, &v.caller)))
		v.vm = 0;
	if (!iq_grow(&p->vmaps, &p->room_vmaps, p->nr_vmaps + 1, sizeof(*p->vmaps)))
		return false;
	p->vmaps[p->nr_vmaps++] = v;
	return true;
}

/* struct vmap_node vmap_nodes[nr_vmap_nodes], each with .busy.head (6.9+) */
static bool from_nodes(struct iq_kernel *k, struct vmap_layout *l)
{
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *node = iq_type_by_name(t, "struct vmap_node");
	uint64_t nodes, nr, head_at, i;

	if (!node || !node->size || !iq_offset(t, "vmap_node", "busy.head", &head_at, NULL) ||
	    !iq_kernel_variable(k, "vmap_nodes", 8, &nodes) ||
	    !iq_kernel_variable(k, "nr_vmap_nodes", 4, &nr) || nr > MAX_VMAP_NODES)
		return false;
	for (i = 0; i < nr; i++)
		kernel_list_for_each(k, nodes + i * node->size + head_at, MAX_VMAPS, "vmap areas",
				     add_vmap, l);
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct iq_vmap *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static struct iq_error *load_vmaps(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;
	struct vmap_layout l;
	struct iq_types *t;
	uint64_t head;

	IQ_TRY(iq_kernel_need_types(k, &t));
	if (!iq_offset(t, "vmap_area", "list", &l.list, NULL) ||
	    !iq_offset(t, "vmap_area", "va_start", &l.start, NULL) ||
	    !iq_offset(t, "vmap_area", "va_end", &l.end, NULL) ||
	    !iq_offset(t, "vmap_area", "vm", &l.vm, NULL))
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "this kernel's struct vmap_area is of an unknown layout");
	head = iq_kernel_symbol(k, "vmap_area_list");
	if (head)
		kernel_list_for_each(k, head, MAX_VMAPS, "vmap areas", add_vmap, &l);
	else if (!from_nodes(k, &l))
		return iq_error_new(IQ_E_NOT_FOUND, "this kernel's vmalloc areas cannot be found");
	if (p->nr_vmaps)
		qsort(p->vmaps, p->nr_vmaps, sizeof(*p->vmaps), by_start);
	return NULL;
}

struct iq_error *iq_vmaps(struct iq_kernel *k, const struct iq_vmap **ret, unsigned int *nr)
{
	struct iq_kernel_private *p = k->priv;

	if (!p->vmaps_state) {
		struct iq_error *err = load_vmaps(k);

		p->vmaps_state = err ? LAZY_FAILED : LAZY_DONE;
		if (err)
			return err;
	}
	if (p->vmaps_state == LAZY_FAILED)
		return iq_error_new(IQ_E_UNAVAILABLE,
				    "the vmalloc areas of this dump cannot be read");
	*ret = p->vmaps;
	*nr = p->nr_vmaps;
	return NULL;
}

const struct iq_vmap *iq_vmap_at(struct iq_kernel *k, uint64_t address)
{
	const struct iq_vmap *v;
	struct iq_error *err;
	unsigned int lo = 0, hi, nr;

	err = iq_vmaps(k, &v, &nr);
	if (err) {
		iq_error_free(err);
		return NULL;
	}
	hi = nr;
	while (lo < hi) { /* the first area above ADDRESS */
		unsigned int mid = lo + (hi - lo) / 2;

		if (v[mid].start <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && address < v[lo - 1].end ? &v[lo - 1] : NULL;
}

/* ---- From page frame to address ----------------------------------------------------------------- */

/* Pages of one area walked at most: 64 GB; larger ones are I/O mappings or damage. */
#define MAX_AREA_PAGES (UINT64_C(1) << 24)
#define MAX_MAPPED (UINT64_C(1) << 24)

static int by_pfn(const void *a, const void *b)
{
	const struct pfn_va *x = a, *y = b;

	if (x->pfn != y->pfn)
		return x->pfn < y->pfn ? -1 : 1;
	return x->va < y->va ? -1 : x->va > y->va;
}

static bool add_mapped(struct iq_kernel_private *p, uint64_t pfn, uint64_t va)
{
	if (p->nr_mapped >= MAX_MAPPED ||
	    !iq_grow(&p->mapped, &p->room_mapped, p->nr_mapped + 1, sizeof(*p->mapped)))
		return false;
	p->mapped[p->nr_mapped++] = (struct pfn_va){pfn, va};
	return true;
}

static void map_area(struct iq_kernel *k, const struct iq_vmap *v)
{
	uint64_t page = iq_dump_info(k->dump)->page_size, va, pa, left;
	uint64_t max = iq_dump_info(k->dump)->max_pfn;

	if ((v->end - v->start) / page > MAX_AREA_PAGES || v->flags & 1) /* VM_IOREMAP: not RAM */
		return;
	for (va = v->start; va < v->end; va += page)
		if (!iq_vm_translate(k->vm, va, &pa, &left) && pa / page < max &&
		    !add_mapped(k->priv, pa / page, va))
			return;
}

bool iq_vmap_of_pfn(struct iq_kernel *k, uint64_t pfn, uint64_t *va)
{
	struct iq_kernel_private *p = k->priv;
	unsigned int lo = 0, hi, i, nr;
	const struct iq_vmap *v;

	if (!p->mapped_state) {
		struct iq_error *err = iq_vmaps(k, &v, &nr);

		p->mapped_state = err ? LAZY_FAILED : LAZY_DONE;
		for (i = 0; !err && i < nr; i++)
			map_area(k, &v[i]);
		iq_error_free(err);
		if (p->nr_mapped)
			qsort(p->mapped, p->nr_mapped, sizeof(*p->mapped), by_pfn);
	}
	hi = p->nr_mapped;
	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (p->mapped[mid].pfn < pfn)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == p->nr_mapped || p->mapped[lo].pfn != pfn)
		return false;
	*va = p->mapped[lo].va;
	return true;
}

void vmaps_free(struct iq_kernel *k)
{
	free(k->priv->vmaps);
	free(k->priv->mapped);
}
