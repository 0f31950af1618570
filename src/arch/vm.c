// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtual address spaces: translation with a small cache of translated pages in front of the
 * machine's page-table walk and the linear mappings behind it, and reads of virtual memory.
 */
#include <inquest/arch.h>
#include <stdlib.h>

/* Pages of the cache; it is direct mapped.  512 hold the working set of a walk over lists. */
#define CACHE_PAGES 512
#define PAGE_SHIFT 12
#define PAGE_BYTES (UINT64_C(1) << PAGE_SHIFT)
/* No machine has more bits of physical address; a linear mapping that leads there is nonsense. */
#define PHYSICAL_BITS 52

/* A translated page of 4 KiB, possibly a part of a larger one. */
struct cached_page {
	uint64_t va; /* page number + 1; 0: empty */
	uint64_t pa; /* of the 4 KiB page */
	uint64_t size; /* of the mapping that it is a part of */
};

struct iq_vm {
	const struct iq_arch *arch;
	const struct iq_layout *layout;
	struct iq_reader *reader;
	uint64_t root;
	struct cached_page cache[CACHE_PAGES];
};

struct iq_error *iq_vm_open(const struct iq_arch *arch, const struct iq_layout *layout,
			    struct iq_reader *reader, uint64_t root, struct iq_vm **ret)
{
	struct iq_vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return iq_error_nomem();
	vm->arch = arch;
	vm->layout = layout;
	vm->reader = reader;
	vm->root = root;
	*ret = vm;
	return NULL;
}

void iq_vm_close(struct iq_vm *vm)
{
	free(vm);
}

void iq_vm_flush(struct iq_vm *vm)
{
	memset(vm->cache, 0, sizeof(vm->cache));
}

struct iq_reader *iq_vm_reader(const struct iq_vm *vm)
{
	return vm->reader;
}

const struct iq_arch *iq_vm_arch(const struct iq_vm *vm)
{
	return vm->arch;
}

const struct iq_layout *iq_vm_layout(const struct iq_vm *vm)
{
	return vm->layout;
}

uint64_t iq_vm_root(const struct iq_vm *vm)
{
	return vm->root;
}

/*
 * Translation by arithmetic, for addresses of the kernel image and the direct map.  Never for user
 * addresses: those mappings are in the kernel's half.
 */
static bool linear_address(const struct iq_vm *vm, uint64_t va, uint64_t *pa)
{
	const struct iq_layout *l = vm->layout;

	if (!vm->arch->vm->canonical(l, va) || !vm->arch->vm->is_kernel(l, va))
		return false;
	if (va >= l->text_base && va < l->text_end)
		*pa = va - l->text_base + (uint64_t)l->phys_base;
	else if (l->page_offset && va >= l->page_offset && va < l->page_offset_end)
		*pa = va - l->page_offset;
	else
		return false;
	return *pa >> PHYSICAL_BITS == 0;
}

void iq_vm_walk(struct iq_vm *vm, uint64_t va, struct iq_walk *w)
{
	const struct iq_layout *l = vm->layout;
	uint64_t pa;

	memset(w, 0, sizeof(*w));
	w->status = IQ_MEM_NO_TABLE;
	if (!l->text_linear || va < l->text_base || va >= l->text_end)
		vm->arch->vm->walk(vm, va, w);
	if (w->status == IQ_MEM_OK || w->status == IQ_MEM_UNMAPPED)
		return;
	if (!linear_address(vm, va, &pa))
		return;
	w->status = IQ_MEM_OK;
	w->linear = true;
	w->page_size = PAGE_BYTES;
	w->page = pa & ~(PAGE_BYTES - 1);
	w->physical = pa;
}

/* iq_vm_translate() that also tells the level at which it failed. */
static enum iq_mem translate(struct iq_vm *vm, uint64_t va, uint64_t *pa, uint64_t *left,
			     unsigned int *level)
{
	uint64_t page = (va >> PAGE_SHIFT) + 1;
	/*
	 * Kernel addresses of different regions often agree in their low bits: mix higher ones in.
	 */
	struct cached_page *c = &vm->cache[(page ^ page >> 9 ^ page >> 18) % CACHE_PAGES];

	if (c->va != page) {
		struct iq_walk w;

		iq_vm_walk(vm, va, &w);
		if (w.status != IQ_MEM_OK) {
			*level = w.nr ? w.level[w.nr - 1].level : vm->layout->levels;
			return w.status == IQ_MEM_UNMAPPED ? IQ_MEM_UNMAPPED : IQ_MEM_NO_TABLE;
		}
		c->va = page;
		c->pa = w.physical & ~(PAGE_BYTES - 1);
		c->size = w.page_size;
	}
	*pa = c->pa | (va & (PAGE_BYTES - 1));
	*left = c->size - (va & (c->size - 1));
	return IQ_MEM_OK;
}

enum iq_mem iq_vm_translate(struct iq_vm *vm, uint64_t va, uint64_t *pa, uint64_t *left)
{
	uint64_t ignored_left;
	unsigned int ignored_level;

	return translate(vm, va, pa, left ? left : &ignored_left, &ignored_level);
}

void iq_vm_prefetch(struct iq_vm *vm, const uint64_t *addresses, unsigned int nr)
{
	uint32_t page_size = iq_dump_info(iq_reader_dump(vm->reader))->page_size;
	uint64_t pfns[IQ_PREFETCH_MOST], pa;
	unsigned int n = 0;

	for (unsigned int i = 0; i < nr && n < IQ_PREFETCH_MOST; i++)
		if (!iq_vm_translate(vm, addresses[i], &pa, NULL))
			pfns[n++] = pa / page_size;
	iq_reader_prefetch(vm->reader, pfns, n);
}

static enum iq_mem fail(struct iq_fault *fault, enum iq_mem why, uint64_t va, uint64_t pa,
			unsigned int level)
{
	if (fault)
		*fault = (struct iq_fault){.why = why,
					   .is_virtual = true,
					   .address = va,
					   .physical = pa,
					   .level = level};
	return why;
}

enum iq_mem iq_vm_read(struct iq_vm *vm, uint64_t va, void *buf, size_t len, struct iq_fault *fault)
{
	uint8_t *to = buf;
	uint64_t start = va;

	while (len) {
		struct iq_fault physical;
		unsigned int level;
		uint64_t pa, left;
		enum iq_mem why;
		size_t n;

		/* The address space does not continue at 0 behind its end. */
		if (va < start)
			return fail(fault, IQ_MEM_UNMAPPED, va, va, 0);
		why = translate(vm, va, &pa, &left, &level);
		if (why)
			return fail(fault, why, va, va, level);
		n = len < left ? len : (size_t)left;
		why = iq_read_phys(vm->reader, pa, to, n, &physical);
		if (why)
			return fail(fault, why, va + (physical.address - pa), physical.address, 0);
		va += n;
		to += n;
		len -= n;
	}
	return IQ_MEM_OK;
}

struct iq_error *iq_vm_read_or(struct iq_vm *vm, uint64_t va, void *buf, size_t len,
			       const char *what)
{
	struct iq_fault fault;

	if (!iq_vm_read(vm, va, buf, len, &fault))
		return NULL;
	return iq_error_prefix(iq_fault_error(&fault), "%s", what);
}

enum iq_mem iq_vm_read_uint(struct iq_vm *vm, uint64_t va, unsigned int size, uint64_t *ret)
{
	uint8_t bytes[8];
	enum iq_mem why = iq_vm_read(vm, va, bytes, size, NULL);

	if (!why)
		*ret = iq_le(bytes, size);
	return why;
}

enum iq_mem iq_vm_read_string(struct iq_vm *vm, uint64_t va, char *buf, size_t room)
{
	size_t have = 0;

	if (!room)
		return IQ_MEM_OK;
	/* In steps that never cross a cache line, so never a page: most strings are short. */
	while (have < room - 1) {
		size_t n = 64 - ((va + have) & 63);
		enum iq_mem why;

		if (n > room - 1 - have)
			n = room - 1 - have;
		why = iq_vm_read(vm, va + have, buf + have, n, NULL);
		if (why || va + have < va) {
			buf[have] = '\0';
			return have ? IQ_MEM_OK : why;
		}
		if (memchr(buf + have, '\0', n))
			return IQ_MEM_OK;
		have += n;
	}
	buf[have] = '\0';
	return IQ_MEM_OK;
}
