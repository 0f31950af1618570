// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a pointer leads: the little that is needed to tell a good one from a bad one, at little cost. */
#include "value.h"

#include <inquest/page.h>
#include <inttypes.h>

const char *iq_object_state_text(const struct iq_object *o, char *buf, size_t room)
{
	if (o->slab.kfence) {
		snprintf(buf, room, "%s, by KFENCE's record of it",
			 o->state == IQ_OBJECT_FREE ? "free" : "allocated");
		return buf;
	}
	switch (o->state) {
	case IQ_OBJECT_ALLOCATED:
		snprintf(buf, room, "allocated");
		break;
	case IQ_OBJECT_FREE:
		snprintf(buf, room, "free: it is on its slab's free list");
		break;
	case IQ_OBJECT_CPU_FREE:
		snprintf(buf, room, "free: it is on the free list of CPU %d", o->cpu);
		break;
	case IQ_OBJECT_SHEAF:
		snprintf(buf, room, "free: it is in a sheaf of its node");
		break;
	case IQ_OBJECT_RCU_PENDING:
		snprintf(buf, room, "given to kfree_rcu(), which has yet to free it");
		break;
	default:
		snprintf(buf, room, "in a state that is not known");
	}
	return buf;
}

static void slab_place(struct iq_place *p)
{
	const struct iq_object *o = &p->object;
	char state[80];

	if (!o->object || o->offset >= o->slab.cache->size) {
		p->kind = IQ_PLACE_SLAB;
		snprintf(p->text, sizeof(p->text), "memory of a slab of %s outside any object",
			 o->slab.cache->name);
		return;
	}
	p->kind = o->state == IQ_OBJECT_ALLOCATED || o->state == IQ_OBJECT_UNKNOWN ||
				  o->state == IQ_OBJECT_RCU_PENDING
			  ? IQ_PLACE_OBJECT
			  : IQ_PLACE_FREE_OBJECT;
	if (o->offset)
		snprintf(p->text, sizeof(p->text), "%s object 0x%" PRIx64 " + %" PRIu64 ", %s",
			 o->slab.cache->name, o->object, o->offset,
			 iq_object_state_text(o, state, sizeof(state)));
	else
		snprintf(p->text, sizeof(p->text), "%s object 0x%" PRIx64 ", %s",
			 o->slab.cache->name, o->object,
			 iq_object_state_text(o, state, sizeof(state)));
}

static void page_place(struct iq_kernel *k, struct iq_place *p)
{
	uint64_t pfn = p->physical >> 12, head;
	struct iq_page page;
	struct iq_error *err;

	p->kind = IQ_PLACE_MEMORY;
	if (iq_page_buddy(k, pfn, &p->order, &head)) {
		p->kind = IQ_PLACE_FREE_PAGE;
		p->buddy = true;
		snprintf(p->text, sizeof(p->text),
			 "a page that is free: in a block of order %u of the page "
			 "allocator, that begins at page frame 0x%" PRIx64,
			 p->order, head);
		return;
	}
	err = iq_page_of(k, pfn, &page);
	if (err) {
		iq_error_free(err);
		p->kind = IQ_PLACE_NOTHING;
		snprintf(p->text, sizeof(p->text),
			 "physical address 0x%" PRIx64 ", where there is no memory", p->physical);
		return;
	}
	if (!page.is_tail && !page.refcount && !page.mapping) {
		p->kind = IQ_PLACE_FREE_PAGE;
		snprintf(p->text, sizeof(p->text),
			 "a page without references: free, on a CPU's own list or never "
			 "given to the page allocator");
		return;
	}
	snprintf(p->text, sizeof(p->text), "page frame 0x%" PRIx64 ", in use, of no slab", pfn);
}

void iq_place_of(struct iq_kernel *k, uint64_t address, struct iq_place *p)
{
	const struct iq_vm_ops *ops = k->arch->vm;
	struct iq_symbol symbol;
	enum iq_mem mem;
	uint64_t left;

	*p = (struct iq_place){.address = address};
	if (!ops->canonical(&k->layout, address)) {
		snprintf(p->text, sizeof(p->text), "no address: not canonical");
		return;
	}
	if (!ops->is_kernel(&k->layout, address)) {
		p->kind = IQ_PLACE_USER;
		snprintf(p->text, sizeof(p->text), "an address of user space");
		return;
	}
	mem = iq_vm_translate(k->vm, address, &p->physical, &left);
	if (mem != IQ_MEM_OK) {
		snprintf(p->text, sizeof(p->text), "an address that is %s", iq_mem_text(mem));
		return;
	}
	if (address >= k->layout.page_offset && address < k->layout.page_offset_end) {
		if (iq_object_at(k, address, &p->object) || p->object.slab.cache)
			slab_place(p);
		else
			page_place(k, p);
		return;
	}
	p->kind = IQ_PLACE_MEMORY;
	if (iq_symbol_at(k, address, &symbol)) {
		p->kind = iq_is_text(k, address) && !strchr("dDbBrR", symbol.type)
				  ? IQ_PLACE_TEXT
				  : IQ_PLACE_SYMBOL;
		snprintf(p->text, sizeof(p->text), "%s %s+0x%" PRIx64,
			 p->kind == IQ_PLACE_TEXT ? "code of" : "data of", symbol.name,
			 address - symbol.address);
	} else if (iq_task_by_stack(k, address)) {
		p->kind = IQ_PLACE_STACK;
		snprintf(p->text, sizeof(p->text), "the kernel stack of pid %u",
			 iq_task_by_stack(k, address)->pid);
	} else {
		snprintf(p->text, sizeof(p->text), "mapped memory of the kernel");
	}
}

bool iq_place_alive(const struct iq_place *p)
{
	return p->kind != IQ_PLACE_NOTHING && p->kind != IQ_PLACE_USER &&
	       p->kind != IQ_PLACE_FREE_PAGE && p->kind != IQ_PLACE_FREE_OBJECT &&
	       p->kind != IQ_PLACE_SLAB;
}
