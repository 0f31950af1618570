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

static void decode(struct iq_kernel *k, uint64_t pfn, uint64_t address, const uint8_t *bytes,
		   struct iq_page *page)
{
	struct iq_kernel_private *p = k->priv;
	uint64_t size = p->page_struct_size;

	*page = (struct iq_page){
		.pfn = pfn,
		.address = address,
		.flags = page_word(bytes, size, p->page_flags_at, 8),
		.mapping = page_word(bytes, size, p->page_mapping_at, 8),
		.index = page_word(bytes, size, p->page_index_at, 8),
		.private = page_word(bytes, size, p->page_private_at, 8),
		.refcount = (int32_t)page_word(bytes, size, p->page_refcount_at, 4),
		.mapcount_raw = (int32_t)page_word(bytes, size, p->page_mapcount_at, 4),
		.link = page_word(bytes, size, p->page_head_at, 8),
	};
	page->is_tail = page->link & 1;
	page->head = page->is_tail ? head_of(k, address, page->link) : address;
}

struct iq_error *iq_page_of(struct iq_kernel *k, uint64_t pfn, struct iq_page *ret)
{
	struct iq_kernel_private *p = k->priv;
	uint8_t bytes[512];
	uint64_t address;

	if (!page_layout(k) || !k->layout.vmemmap_start)
		return iq_error_new(IQ_E_UNAVAILABLE, "struct page needs types and the memory map, "
						      "which this dump does not give");
	if (iq_mul_overflows(pfn, p->page_struct_size, &address) ||
	    iq_add_overflows(address, k->layout.vmemmap_start, &address))
		return iq_error_new(IQ_E_MEMORY, "page frame 0x%lx is out of range",
				    (unsigned long)pfn);
	IQ_TRY(iq_vm_read_or(k->vm, address, bytes, p->page_struct_size, "struct page"));
	decode(k, pfn, address, bytes, ret);
	return NULL;
}

#define MAP_PAGE 4096u
/* Pages of the memory map: no machine has a hole of several terabytes; a damaged zone may say so. */
#define HOLE_MOST (UINT64_C(1) << 22)

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, len - 1);
}

/* The struct pages whose first byte is in the page AT of the memory map; *HOLE: it cannot be read. */
static bool map_page(struct iq_kernel *k, uint64_t at, uint64_t first, uint64_t end, bool *hole,
		     bool (*fn)(void *arg, const struct iq_page *page), void *arg)
{
	uint64_t size = k->priv->page_struct_size, start = k->layout.vmemmap_start;
	uint64_t pfn = at < start ? first : IQ_MAX((at - start + size - 1) / size, first);
	uint64_t address = start + pfn * size;
	uint8_t bytes[MAP_PAGE + 512];
	struct iq_fault fault;
	size_t len;

	if (pfn >= end || address >= at + MAP_PAGE)
		return true;
	/* The last one may reach into the next page, if its size is no power of two. */
	len = (at + MAP_PAGE - address + size - 1) / size * size;
	if (iq_vm_read(k->vm, address, bytes, len, &fault)) {
		len = (at + MAP_PAGE - address) / size * size;
		*hole = !len || iq_vm_read(k->vm, address, bytes, len, &fault);
		if (*hole)
			return true;
	}
	for (size_t i = 0; i + size <= len && pfn < end; i += size, pfn++) {
		struct iq_page page;

		if (is_zero(bytes + i, size))
			continue;
		decode(k, pfn, start + pfn * size, bytes + i, &page);
		if (!fn(arg, &page))
			return false;
	}
	return true;
}

bool iq_pages_each(struct iq_kernel *k, uint64_t first, uint64_t end,
		   bool (*fn)(void *arg, const struct iq_page *page), void *arg)
{
	uint64_t bytes, at, last, missing = 0;

	if (!page_layout(k) || !k->layout.vmemmap_start)
		return false;
	end = IQ_MIN(end, iq_dump_info(k->dump)->max_pfn);
	if (first >= end)
		return true;
	if (iq_mul_overflows(end, k->priv->page_struct_size, &bytes) ||
	    iq_add_overflows(bytes, k->layout.vmemmap_start, &last))
		return false;
	at = k->layout.vmemmap_start + first * k->priv->page_struct_size;
	for (at -= at % MAP_PAGE; at < last && missing < HOLE_MOST; at += MAP_PAGE) {
		bool hole = false;

		if (!map_page(k, at, first, end, &hole, fn, arg))
			break;
		missing = hole ? missing + 1 : 0;
	}
	return true;
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

int iq_page_flag(struct iq_kernel *k, const char *name)
{
	struct iq_kernel_private *p = k->priv;

	if (!page_layout(k))
		return -1;
	for (unsigned int i = 0; i < p->nr_page_flags; i++) {
		const struct iq_enumerator *e = &p->page_flags[i];

		if (!strncmp(e->name, "PG_", 3) && !strcmp(e->name + 3, name) && e->value >= 0 && e->value < 64)
			return (int)e->value;
	}
	return -1;
}

/*
 * Up to 6.10 a type is a word whose top four bits are set and in which bits from the eighth on are cleared; since then
 * it is the top byte, 0xf0 to 0xfe.  Before either there is "-1", no mapping, and what is between is a count that
 * went too far down (PAGE_MAPCOUNT_RESERVE, PGTY_mapcount_underflow; include/linux/page-flags.h).
 */
enum iq_mapcount iq_page_mapcount(struct iq_kernel *k, const struct iq_page *page)
{
	uint32_t word = (uint32_t)page->mapcount_raw;

	if (page->mapcount_raw >= -1)
		return IQ_MAPCOUNT_COUNT;
	if (!page_layout(k) || word < 0xf0000000u)
		return word < 0xf0000000u ? IQ_MAPCOUNT_UNDERFLOW : IQ_MAPCOUNT_TYPE;
	if (k->priv->page_buddy & 0xffffff)
		return word > 0xffffff80u ? IQ_MAPCOUNT_UNDERFLOW : IQ_MAPCOUNT_TYPE;
	return word >> 24 == 0xff ? IQ_MAPCOUNT_UNDERFLOW : IQ_MAPCOUNT_TYPE;
}

bool iq_page_is_buddy(struct iq_kernel *k, const struct iq_page *page)
{
	return page_layout(k) && kernel_page_is_buddy(k, page);
}

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
