// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page tables of x86-64: four or five levels of 512 entries of 8 bytes.
 *
 *	 63  62     52 51                  12 11  9  8  7  6  5  4  3  2  1  0
 *	+--+----------+----------------------+-----+--+--+--+--+--+--+--+--+--+
 *	|NX| software |   physical address   | sw  |G |PS|D |A |CD|WT|US|RW|P |
 *	+--+----------+----------------------+-----+--+--+--+--+--+--+--+--+--+
 *
 * PS in a PMD or PUD entry makes it a page of 2 MiB or 1 GiB (in a PTE the bit is PAT).  The
 * meaning of entries without P is the kernel's own (arch/x86/include/asm/pgtable.h): with G set the
 * page is there, but nobody may touch it (PROT_NONE, NUMA balancing).
 */
#include "x86_64.h"

#define PRESENT (UINT64_C(1) << 0)
#define PSE (UINT64_C(1) << 7)
#define GLOBAL (UINT64_C(1) << 8)
#define PROTNONE GLOBAL
#define NX (UINT64_C(1) << 63)

#define PHYSICAL_BITS 52
#define ENTRY_ADDRESS ((UINT64_C(1) << PHYSICAL_BITS) - 4096)

/* 4 for PTE 12, PMD 21, PUD 30, P4D or PGD of four 39, PGD of five 48. */
static unsigned int level_shift(unsigned int level)
{
	return 12 + 9 * (level - 1);
}

static const char *level_name(unsigned int level, unsigned int levels)
{
	static const char *const names[] = {"PTE", "PMD", "PUD", "P4D"};

	return level == levels ? "PGD" : names[level - 1];
}

static bool canonical(const struct iq_layout *l, uint64_t va)
{
	unsigned int unused = l->levels == 4 ? 16 : 7;

	return (uint64_t)((int64_t)(va << unused) >> unused) == va;
}

static bool is_kernel(const struct iq_layout *l, uint64_t va)
{
	return va >> 63;
}

static bool level_has_pages(unsigned int level)
{
	return level <= 3;
}

/*
 * Does the kernel see a page behind this entry of a last-level table or of a large page?  Not
 * present to the processor but to the kernel: PROT_NONE pages of each size, and a huge PMD while it
 * is being split, when only PSE is left (pmd_present()).
 */
static bool maps_page(uint64_t entry, unsigned int level)
{
	if (level == 1)
		return entry & (PRESENT | PROTNONE);
	if (!level_has_pages(level) || !(entry & PSE))
		return false;
	return entry & (PRESENT | PROTNONE) || level == 2;
}

/*
 * The address in an entry.  Since the L1TF fixes the kernel stores the address of a page that is
 * not present with all bits inverted (asm/pgtable-invert.h), so that speculation through it finds
 * no memory; a fix that works because no machine has memory in the upper half of the address range.
 * So the highest address bit tells inverted entries from those of kernels without the fix.
 */
static uint64_t entry_address(uint64_t entry, uint64_t encryption_mask)
{
	uint64_t mask = ENTRY_ADDRESS & ~encryption_mask;
	uint64_t top = UINT64_C(1) << (PHYSICAL_BITS - 1);

	if (!(top & mask))
		top >>= 1;
	if (!(entry & PRESENT) && entry & top)
		entry = ~entry;
	return entry & mask;
}

static enum iq_mem read_entry(struct iq_vm *vm, uint64_t address, uint64_t *entry)
{
	uint8_t bytes[8];
	enum iq_mem why = iq_read_phys(iq_vm_reader(vm), address, bytes, sizeof(bytes), NULL);

	if (!why)
		*entry = iq_le64(bytes);
	return why;
}

static void walk(struct iq_vm *vm, uint64_t va, struct iq_walk *w)
{
	const struct iq_layout *l = iq_vm_layout(vm);
	uint64_t table = iq_vm_root(vm) & ENTRY_ADDRESS & ~l->encryption_mask;
	unsigned int level = l->levels;

	if (!canonical(l, va)) {
		w->status = IQ_MEM_UNMAPPED;
		return;
	}
	w->status = IQ_MEM_NO_TABLE;
	if (!table || level < 4 || level > IQ_MAX_LEVELS)
		return;
	for (;; level--) {
		struct iq_walk_level *step = &w->level[w->nr++];
		unsigned int shift = level_shift(level);

		step->name = level_name(level, l->levels);
		step->level = level;
		step->span = UINT64_C(1) << shift;
		step->entry_address = table + (va >> shift & 511) * 8;
		w->status = read_entry(vm, step->entry_address, &step->entry);
		if (w->status)
			return;
		table = entry_address(step->entry, l->encryption_mask);
		if (maps_page(step->entry, level)) {
			w->page_size = UINT64_C(1) << shift;
			/* The low address bits of a large page are flags (PAT) or must be zero. */
			w->page = table & ~(w->page_size - 1);
			w->physical = w->page + (va & (w->page_size - 1));
			return;
		}
		/* PSE where no page can be is a reserved bit: the processor would fault. */
		if (level == 1 || !(step->entry & PRESENT) || step->entry & PSE) {
			w->status = IQ_MEM_UNMAPPED;
			return;
		}
	}
}

/* A damaged table can name the same table 512 times, at each level: so many are enough. */
#define MAX_TABLES (4u << 20)

struct table_walk {
	struct iq_vm *vm;
	bool (*fn)(void *arg, uint64_t table, unsigned int level, uint64_t va);
	void *arg;
	unsigned int nr;
	bool stop;
};

static void each_table(struct table_walk *w, uint64_t table, unsigned int level, uint64_t va,
		       unsigned int first, unsigned int last)
{
	const struct iq_layout *l = iq_vm_layout(w->vm);
	uint8_t bytes[4096];

	if (w->stop || ++w->nr > MAX_TABLES || !w->fn(w->arg, table, level, va)) {
		w->stop = true;
		return;
	}
	if (level == 1 || iq_read_phys(iq_vm_reader(w->vm), table, bytes, sizeof(bytes), NULL))
		return;
	for (unsigned int i = first; i <= last && !w->stop; i++) {
		uint64_t entry = iq_le64(bytes + 8 * i);

		if (entry & PRESENT && !(entry & PSE))
			each_table(w, entry_address(entry, l->encryption_mask), level - 1,
				   va + ((uint64_t)i << level_shift(level)), 0, 511);
	}
}

static bool tables(struct iq_vm *vm, bool kernel,
		   bool (*fn)(void *arg, uint64_t table, unsigned int level, uint64_t va), void *arg)
{
	struct table_walk w = {.vm = vm, .fn = fn, .arg = arg};
	const struct iq_layout *l = iq_vm_layout(vm);
	uint64_t root = iq_vm_root(vm) & ENTRY_ADDRESS & ~l->encryption_mask;
	/* Addresses of the upper half are negative. */
	uint64_t base = kernel ? ~UINT64_C(0) << (level_shift(l->levels) + 9) : 0;

	if (!root || l->levels < 4 || l->levels > IQ_MAX_LEVELS)
		return false;
	each_table(&w, root, l->levels, base, kernel ? 256 : 0, kernel ? 511 : 255);
	return !w.stop;
}

static unsigned int entry_flags(uint64_t entry, unsigned int level, const char **names,
				unsigned int max)
{
	static const char *const low[] = {"PRESENT", "RW",	 "USER",  "PWT",
					  "PCD",     "ACCESSED", "DIRTY", NULL};
	unsigned int n = 0;

	if (!(entry & PRESENT) && !maps_page(entry, level))
		return 0;
	for (unsigned int i = 0; low[i] && n < max; i++)
		if (entry >> i & 1)
			names[n++] = low[i];
	if (entry & PSE && n < max && (entry & PRESENT || level > 1))
		names[n++] = level == 1 ? "PAT" : "PSE";
	if (entry & PROTNONE && !(entry & PRESENT) && n < max)
		names[n++] = "PROTNONE";
	if (entry & GLOBAL && n < max)
		names[n++] = "GLOBAL";
	if (entry & NX && n < max)
		names[n++] = "NX";
	return n;
}

/*
 *	 63      59 58                      9  8   7  6 5 4   3          2         1        0
 *	+----------+-------------------------+---+---------+---------+---------+----------+---+
 *	|   type   | offset, bits inverted   | 0 |   0     |exclusive| uffd-wp |soft-dirty| 0 |
 *	+----------+-------------------------+---+---------+---------+---------+----------+---+
 * Since the L1TF fixes (4.18): earlier kernels have other places for all of it.
 */
static bool swap_entry(uint64_t entry, unsigned int level, struct iq_swap_bits *ret)
{
	if (!entry || entry & PRESENT || maps_page(entry, level))
		return false;
	ret->type = (unsigned int)(entry >> 59);
	ret->offset = ~entry << 5 >> 14;
	ret->soft_dirty = entry >> 1 & 1;
	ret->uffd_wp = entry >> 2 & 1;
	ret->exclusive = entry >> 3 & 1;
	return true;
}

/* Software bits and protection keys, which no entry above the last levels has. */
#define UNUSED_HIGH UINT64_C(0x7ff0000000000000)
#define TABLE_ENTRIES 512
#define KERNEL_HALF 256

/*
 * Each entry is empty or leads to a table within memory; the last one, of the kernel image, does, and so
 * does one more of the kernel's half, of the direct map.  Encryption sets the same address bit in all.
 */
static bool may_be_root(const uint8_t *page, uint64_t memory_end)
{
	uint64_t above = ~UINT64_C(0) << (64 - __builtin_clzll(memory_end | 4095)), high = 0;
	unsigned int nr = 0;

	for (unsigned int i = TABLE_ENTRIES; i-- > 0;) {
		uint64_t entry = iq_le64(page + 8 * i), address = entry & ENTRY_ADDRESS;

		if (i == TABLE_ENTRIES - 1)
			high = address & above;
		else if (!entry)
			continue;
		if (!(entry & PRESENT) || entry & (PSE | UNUSED_HIGH) || (address & above) != high ||
		    !(address & ~above) || (address & ~above) >= memory_end || high & (high - 1))
			return false;
		nr += i >= KERNEL_HALF;
	}
	return nr > 1;
}

const struct iq_vm_ops iq_x86_64_vm = {
	.may_be_root = may_be_root,
	.walk = walk,
	.canonical = canonical,
	.is_kernel = is_kernel,
	.entry_flags = entry_flags,
	.swap_entry = swap_entry,
	.tables = tables,
};
