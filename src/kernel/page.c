// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * struct page (include/linux/mm_types.h) through the virtual memory map, and the names of its flags
 * (enum pageflags, include/linux/page-flags.h) from this kernel's own types.
 */
#include "private.h"

#include <ctype.h>

/*
 * PageBuddy: the page type in the word of _mapcount.  VMCOREINFO has its value for a whole word; since 6.12
 * only the top byte is the type (PGTY_buddy), and VMCOREINFO's value has zeros below it.
 */
static uint32_t buddy_type(struct iq_kernel *k)
{
	int64_t value;

	if (!k->vmcoreinfo || !iq_vmcoreinfo_dec(k->vmcoreinfo, k->vmcoreinfo_len,
						 "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", &value))
		return (uint32_t)-129; /* ~PG_buddy, 4.18 to 6.11 */
	return (uint32_t)value;
}

/*
 * NODES_SHIFT bits at the top of the flags (include/linux/page-flags-layout.h, with SPARSEMEM_VMEMMAP, where no
 * section number is in front of them).
 */
static int node_shift(struct iq_kernel *k)
{
	int64_t nodes;
	int shift = 0;

	if (!k->vmcoreinfo ||
	    !iq_vmcoreinfo_dec(k->vmcoreinfo, k->vmcoreinfo_len, "LENGTH(node_data)", &nodes))
		return iq_kernel_symbol(k, "contig_page_data") ? 0 : -1;
	while (shift < 16 && INT64_C(1) << shift < nodes)
		shift++;
	return shift;
}

/* What struct page needs and does not have in this kernel; NULL: nothing. */
static const char *page_lacks(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;

	if (p->page_struct_size < 32 || p->page_struct_size > 512)
		return "size";
	if (!iq_kernel_offset(k, "page", "flags", &p->page_flags_at, NULL))
		return "member flags";
	if (!iq_kernel_offset(k, "page", "_refcount", &p->page_refcount_at, NULL))
		return "member _refcount";
	return NULL;
}

static bool page_layout(struct iq_kernel *k)
{
	struct iq_kernel_private *p = k->priv;
	struct iq_types *t = iq_kernel_types(k);
	const struct iq_type *flags;
	const char *lacks;

	if (p->page_state)
		return p->page_state == LAZY_DONE;
	p->page_state = LAZY_FAILED;
	p->page_struct_size = iq_kernel_sizeof(k, "page");
	lacks = page_lacks(k);
	if (lacks) {
		iq_warn(k->warnings,
			"pages are not described: struct page of this kernel has no %s "
			"that is known",
			lacks);
		return false;
	}
	if (!iq_kernel_offset(k, "page", "mapping", &p->page_mapping_at, NULL))
		p->page_mapping_at = UINT64_MAX;
	if (!iq_kernel_offset(k, "page", "index", &p->page_index_at, NULL) &&
	    !iq_kernel_offset(k, "page", "__folio_index", &p->page_index_at, NULL))
		p->page_index_at = UINT64_MAX;
	if (!iq_kernel_offset(k, "page", "_mapcount", &p->page_mapcount_at, NULL))
		p->page_mapcount_at = UINT64_MAX;
	if (!iq_kernel_offset(k, "page", "compound_head", &p->page_head_at, NULL) &&
	    !iq_kernel_offset(k, "page", "compound_info", &p->page_head_at, NULL))
		p->page_head_at = UINT64_MAX;
	if (!iq_kernel_offset(k, "page", "private", &p->page_private_at, NULL))
		p->page_private_at = UINT64_MAX;
	p->page_buddy = buddy_type(k);
	p->page_node_shift = node_shift(k);
	flags = t ? iq_type_by_name(t, "enum pageflags") : NULL;
	p->page_flags = flags ? iq_type_enumerators(flags, &p->nr_page_flags) : NULL;
	p->page_state = LAZY_DONE;
	return true;
}

/* The word at AT of the struct page in BYTES; 0 if this kernel has no such member. */
static uint64_t page_word(const uint8_t *bytes, uint64_t size, uint64_t at, unsigned int len)
{
	return at + len <= size && at != UINT64_MAX ? iq_le(bytes + at, len) : 0;
}

/*
 * The head of a tail page whose word is INFO (bit 0 set): a pointer to it, or since 7.1, where struct page's size is a
 * power of two, a mask that makes the head's address of the tail's (include/linux/page-flags.h).
 */
static uint64_t head_of(struct iq_kernel *k, uint64_t page, uint64_t info)
{
	uint64_t head = info - 1;

	if (head >= k->layout.vmemmap_start && head <= page)
		return head;
	head = page & info;
	return head >= k->layout.vmemmap_start ? head : page;
}

struct iq_error *iq_page_of(struct iq_kernel *k, uint64_t pfn, struct iq_page *ret)
{
	struct iq_kernel_private *p = k->priv;
	uint8_t bytes[512];
	struct iq_page page = {.pfn = pfn};
	uint64_t head;

	if (!page_layout(k) || !k->layout.vmemmap_start)
		return iq_error_new(IQ_E_UNAVAILABLE, "struct page needs types and the memory map, "
						      "which this dump does not give");
	if (iq_mul_overflows(pfn, p->page_struct_size, &page.address) ||
	    iq_add_overflows(page.address, k->layout.vmemmap_start, &page.address))
		return iq_error_new(IQ_E_MEMORY, "page frame 0x%lx is out of range",
				    (unsigned long)pfn);
	IQ_TRY(iq_vm_read_or(k->vm, page.address, bytes, p->page_struct_size, "struct page"));
	page.flags = page_word(bytes, p->page_struct_size, p->page_flags_at, 8);
	page.mapping = page_word(bytes, p->page_struct_size, p->page_mapping_at, 8);
	page.index = page_word(bytes, p->page_struct_size, p->page_index_at, 8);
	page.refcount = (int32_t)page_word(bytes, p->page_struct_size, p->page_refcount_at, 4);
	page.mapcount_raw = (int32_t)page_word(bytes, p->page_struct_size, p->page_mapcount_at, 4);
	head = page_word(bytes, p->page_struct_size, p->page_head_at, 8);
	page.is_tail = head & 1;
	page.head = page.is_tail ? head_of(k, page.address, head) : page.address;
	*ret = page;
	return NULL;
}

bool iq_page_pfn(struct iq_kernel *k, uint64_t address, uint64_t *pfn)
{
	if (!page_layout(k) || !k->layout.vmemmap_start || address < k->layout.vmemmap_start ||
	    (k->layout.vmemmap_end && address >= k->layout.vmemmap_end))
		return false;
	*pfn = (address - k->layout.vmemmap_start) / k->priv->page_struct_size;
	return *pfn < iq_dump_info(k->dump)->max_pfn;
}

void iq_page_flags_text(struct iq_kernel *k, uint64_t flags, struct iq_buf *out)
{
	struct iq_kernel_private *p = k->priv;
	uint64_t done = 0;
	unsigned int i, limit = 64;
	bool first = true;

	if (!page_layout(k))
		return;
	for (i = 0; i < p->nr_page_flags; i++)
		if (!strcmp(p->page_flags[i].name, "__NR_PAGEFLAGS"))
			limit = (unsigned int)IQ_MIN(p->page_flags[i].value, 64);
	for (i = 0; i < p->nr_page_flags; i++) {
		const struct iq_enumerator *e = &p->page_flags[i];
		const char *c;

		/* Aliases (PG_checked = PG_owner_priv_1) follow their first name in the enum. */
		if (e->value < 0 || e->value >= limit || !(flags >> e->value & 1) ||
		    done >> e->value & 1 || strncmp(e->name, "PG_", 3))
			continue;
		done |= UINT64_C(1) << e->value;
		if (!first)
			iq_buf_putc(out, ',');
		first = false;
		for (c = e->name + 3; *c; c++)
			iq_buf_putc(out, (char)tolower((unsigned char)*c));
	}
}

/* ---- Free blocks -------------------------------------------------------------------------------- */

#define MAX_ORDER 10 /* the largest block of x86-64 kernels is 4 MB (MAX_PAGE_ORDER) */

bool kernel_page_is_buddy(struct iq_kernel *k, const struct iq_page *page)
{
	uint32_t word = (uint32_t)page->mapcount_raw, type = k->priv->page_buddy;

	return type & 0xffffff ? word == type : word >> 24 == type >> 24;
}

bool iq_page_buddy(struct iq_kernel *k, uint64_t pfn, unsigned int *order, uint64_t *head)
{
	uint64_t at;
	unsigned int o;

	if (!page_layout(k) || k->priv->page_private_at == UINT64_MAX)
		return false;
	for (o = 0; o <= MAX_ORDER; o++) {
		uint64_t first = pfn & ~((UINT64_C(1) << o) - 1);
		struct iq_page page;
		struct iq_error *err = iq_page_of(k, first, &page);

		if (err) {
			iq_error_free(err);
			continue;
		}
		if (!kernel_page_is_buddy(k, &page) ||
		    !kernel_read_ptr(k, page.address + k->priv->page_private_at, &at) ||
		    at > MAX_ORDER || pfn - first >= UINT64_C(1) << at)
			continue;
		*order = (unsigned int)at;
		*head = first;
		return true;
	}
	return false;
}

int iq_page_node(struct iq_kernel *k, const struct iq_page *page)
{
	int shift = page_layout(k) ? k->priv->page_node_shift : -1;

	return shift > 0 ? (int)(page->flags >> (64 - shift)) : shift;
}
