// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Entries of page tables that map nothing: see swap.h.  The types of swap entries (include/linux/swap.h) are numbers
 * from MAX_SWAPFILES up to 31 in the order: hwpoison, migration, device, PTE marker, swapin error, each only if this
 * kernel has it.
 */
#include <inquest/fs.h>
#include <inquest/swap.h>
#include <inquest/zone.h>

#include "private.h"

#define ALL_TYPES 32 /* 1 << MAX_SWAPFILES_SHIFT */
#define MAX_SWAPFILES 32

struct types {
	unsigned int files; /* types below this one are swap areas */
	unsigned int poisoned, migration, device, marker, lost; /* how many types of each kind */
	bool known; /* the special ones add up */
};

static bool has(struct iq_kernel *k, const char *symbol)
{
	return iq_kernel_symbol(k, symbol);
}

/* How many types a kernel with these functions has for memory of devices. */
static unsigned int device_types(struct iq_kernel *k, bool exclusive)
{
	if (has(k, "make_device_exclusive")) /* 6.15: read, write, exclusive */
		return 3;
	if (has(k, "make_device_exclusive_range")) /* 5.14: exclusive read and write as well */
		return 4;
	/* Later kernels have migrate_vma_setup() without CONFIG_DEVICE_PRIVATE too. */
	return !exclusive && has(k, "migrate_vma_setup") ? 2 : 0;
}

static void find_types(struct iq_kernel *k, struct types *t)
{
	struct iq_types *types = iq_kernel_types(k);
	struct iq_symbol table;
	int64_t unused;
	/* 5.19, which brought a third type of migration and the markers. */
	bool exclusive = types && iq_enumerator_by_name(types, "PG_anon_exclusive", &unused);
	unsigned int special, room;

	*t = (struct types){.poisoned = has(k, "memory_failure"),
			    .migration = !has(k, "migrate_pages") ? 0
					 : exclusive		  ? 3
								  : 2,
			    .device = device_types(k, exclusive),
			    .marker = exclusive};
	special = t->poisoned + t->migration + t->device + t->marker;
	t->files = ALL_TYPES - special;
	t->known = types;
	if (!iq_symbol_named(k, "swap_info", &table) || !table.size)
		return;
	/* The array of areas reaches up to the next symbol at most. */
	room = (unsigned int)IQ_MIN(table.size / 8, ALL_TYPES);
	if (room == t->files - 1 && t->marker) { /* 6.0 and 6.1 */
		t->lost = 1;
		t->files--;
	} else if (room < t->files) {
		t->files = room;
		t->known = false;
	}
}

unsigned int iq_swap_types(struct iq_kernel *k)
{
	struct types t;

	find_types(k, &t);
	return t.files;
}

/* Page frames in entries have as many bits as this machine's physical addresses; above are flags (6.1). */
static uint64_t pfn_of(struct iq_kernel *k, uint64_t offset)
{
	return offset & ((UINT64_C(1) << (k->layout.levels == 5 ? 40 : 34)) - 1);
}

static void special_entry(struct iq_kernel *k, const struct types *t, struct iq_entry *e)
{
	unsigned int type = e->type - t->files;

	e->kind = IQ_ENTRY_SPECIAL;
	if (!t->known)
		return;
	if (type < t->poisoned) {
		e->kind = IQ_ENTRY_POISONED;
		e->pfn = pfn_of(k, e->offset);
	} else if ((type -= t->poisoned) < t->migration) {
		e->kind = IQ_ENTRY_MIGRATION;
		e->pfn = pfn_of(k, e->offset);
		e->writable = type == t->migration - 1; /* read, (read exclusive,) write */
		e->exclusive = t->migration == 3 && type;
	} else if ((type -= t->migration) < t->device) {
		e->kind = IQ_ENTRY_DEVICE;
		e->pfn = pfn_of(k, e->offset);
	} else if ((type -= t->device) < t->marker) {
		e->kind = IQ_ENTRY_MARKER;
		e->marks = e->offset;
	} else if (type - t->marker < t->lost) {
		e->kind = IQ_ENTRY_LOST;
	}
}

void iq_entry_of(struct iq_kernel *k, uint64_t entry, unsigned int level, struct iq_entry *ret)
{
	struct iq_entry e = {.kind = entry ? IQ_ENTRY_PRESENT : IQ_ENTRY_EMPTY};
	struct iq_swap_bits bits;
	struct types t;

	if (k->arch->vm->swap_entry(entry, level, &bits)) {
		find_types(k, &t);
		e = (struct iq_entry){.kind = IQ_ENTRY_SWAP,
				      .type = bits.type,
				      .offset = bits.offset,
				      .soft_dirty = bits.soft_dirty,
				      .uffd_wp = bits.uffd_wp,
				      .exclusive = bits.exclusive};
		if (bits.type >= t.files)
			special_entry(k, &t, &e);
	}
	*ret = e;
}

const char *iq_entry_kind_text(enum iq_entry_kind kind)
{
	static const char *const text[] = {"empty",  "present", "swap", "migration", "poisoned",
					   "device", "marker",	"lost", "special"};

	return kind < IQ_ARRAY_SIZE(text) ? text[kind] : "special";
}

bool iq_swap_path(struct iq_kernel *k, unsigned int type, char *path)
{
	struct iq_swap swaps[MAX_SWAPFILES];
	unsigned int nr = iq_swaps(k, swaps, MAX_SWAPFILES);
	struct iq_file f;

	for (unsigned int i = 0; i < nr; i++)
		if (swaps[i].type == type)
			return iq_file_at(k, swaps[i].file, &f) && iq_file_path(k, &f, path);
	return false;
}

static void put_marks(uint64_t marks, struct iq_buf *out)
{
	static const char *const name[] = {"write-protected by userfaultfd", "poisoned",
					   "guard region"};
	bool first = true;

	for (unsigned int i = 0; i < IQ_ARRAY_SIZE(name); i++) {
		if (!(marks >> i & 1))
			continue;
		iq_buf_printf(out, "%s%s", first ? "" : ", ", name[i]);
		first = false;
	}
	if (first || marks >> IQ_ARRAY_SIZE(name))
		iq_buf_printf(out, "%s0x%lx", first ? "" : ", ", (unsigned long)marks);
}

static void put_swap(struct iq_kernel *k, const struct iq_entry *e, struct iq_buf *out)
{
	char path[IQ_PATH_ROOM];

	iq_buf_puts(out, "swapped out to ");
	if (iq_swap_path(k, e->type, path))
		iq_buf_add_escaped(out, path, strlen(path), false);
	else
		iq_buf_printf(out, "swap area %u, which is not known", e->type);
	iq_buf_printf(out, ", offset 0x%lx", (unsigned long)e->offset);
}

void iq_entry_text(struct iq_kernel *k, const struct iq_entry *e, struct iq_buf *out)
{
	switch (e->kind) {
	case IQ_ENTRY_EMPTY:
		iq_buf_puts(out, "empty");
		return;
	case IQ_ENTRY_PRESENT:
		iq_buf_puts(out, "present");
		return;
	case IQ_ENTRY_SWAP:
		put_swap(k, e, out);
		break;
	case IQ_ENTRY_MIGRATION:
		iq_buf_printf(out, "migrating from page frame 0x%lx%s", (unsigned long)e->pfn,
			      e->writable ? ", writable" : "");
		break;
	case IQ_ENTRY_POISONED:
		iq_buf_printf(out, "broken memory (hwpoison), page frame 0x%lx",
			      (unsigned long)e->pfn);
		break;
	case IQ_ENTRY_DEVICE:
		iq_buf_printf(out, "in a device's memory, page frame 0x%lx", (unsigned long)e->pfn);
		break;
	case IQ_ENTRY_MARKER:
		iq_buf_puts(out, "no page, marked: ");
		put_marks(e->marks, out);
		break;
	case IQ_ENTRY_LOST:
		iq_buf_puts(out, "lost: it could not be read back from swap");
		break;
	case IQ_ENTRY_SPECIAL:
		iq_buf_printf(out, "not present: a special entry of type %u, offset 0x%lx", e->type,
			      (unsigned long)e->offset);
		break;
	}
	if (e->exclusive)
		iq_buf_puts(out, ", exclusive");
	if (e->soft_dirty)
		iq_buf_puts(out, ", soft-dirty");
	if (e->uffd_wp)
		iq_buf_puts(out, ", write-protected by userfaultfd");
}
