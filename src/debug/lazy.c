// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables in the dump's memory, read page by page on demand. */
#include "lazy.h"
#include <stdlib.h>
#include <sys/mman.h>

#define CHUNK 4096U

enum iq_lazy_state { UNREAD, READ, UNREADABLE };

struct iq_error *iq_lazy_open(struct iq_lazy *l, struct iq_vm *vm, uint64_t address, uint64_t size)
{
	size_t lead = address % CHUNK, mapped;
	uint64_t end;
	void *mapping;
	uint8_t *state;

	if (size > IQ_LAZY_MAX)
		return iq_error_new(IQ_E_LIMIT, "a table of %llu bytes at %#llx is too large",
				    (unsigned long long)size, (unsigned long long)address);
	if (!size || iq_add_overflows(address, size, &end))
		return iq_error_new(IQ_E_FORMAT, "no table of %llu bytes can lie at %#llx",
				    (unsigned long long)size, (unsigned long long)address);
	mapped = (lead + size + CHUNK - 1) & ~(size_t)(CHUNK - 1);
	state = calloc(mapped / CHUNK, 1);
	mapping = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!state || mapping == MAP_FAILED) {
		if (mapping != MAP_FAILED)
			munmap(mapping, mapped);
		free(state);
		return iq_error_nomem();
	}
	*l = (struct iq_lazy){.vm = vm,
			      .address = address,
			      .size = size,
			      .state = state,
			      .bytes = (uint8_t *)mapping + lead,
			      .mapping = mapping,
			      .mapped = mapped};
	return NULL;
}

void iq_lazy_close(struct iq_lazy *l)
{
	if (l->mapping)
		munmap(l->mapping, l->mapped);
	free(l->state);
	*l = (struct iq_lazy){0};
}

/* Chunks are pages of the dump's address space, so that one costs one page of the dump. */
static bool load(struct iq_lazy *l, size_t chunk)
{
	size_t lead = l->address % CHUNK;
	size_t start = chunk ? chunk * CHUNK - lead : 0;
	size_t end = IQ_MIN((chunk + 1) * CHUNK - lead, l->size);

	if (iq_vm_read(l->vm, l->address + start, l->bytes + start, end - start, NULL)) {
		l->state[chunk] = UNREADABLE;
		return false;
	}
	l->state[chunk] = READ;
	return true;
}

const uint8_t *iq_lazy_get(struct iq_lazy *l, uint64_t offset, size_t len)
{
	size_t lead = l->address % CHUNK;

	if (!len || len > l->size || offset > l->size - len)
		return NULL;
	for (size_t chunk = (lead + offset) / CHUNK; chunk <= (lead + offset + len - 1) / CHUNK;
	     chunk++) {
		if (l->state[chunk] == UNREADABLE || (l->state[chunk] == UNREAD && !load(l, chunk)))
			return NULL;
	}
	return l->bytes + offset;
}

bool iq_lazy_has(const struct iq_lazy *l, uint64_t offset, size_t len)
{
	size_t lead = l->address % CHUNK;

	if (!len || len > l->size || offset > l->size - len)
		return false;
	for (size_t chunk = (lead + offset) / CHUNK; chunk <= (lead + offset + len - 1) / CHUNK;
	     chunk++) {
		if (l->state[chunk] != READ)
			return false;
	}
	return true;
}
