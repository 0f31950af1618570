// SPDX-License-Identifier: GPL-2.0-or-later
/* Growing arrays, and arenas: allocations that live and die together. */
#include <inquest/base.h>
#include <stdlib.h>

bool iq_grow(void *array_ptr, unsigned int *room, unsigned int want, size_t size)
{
	uint64_t bytes, new_room = *room;
	void *old, *new;

	if (want <= *room)
		return true;
	new_room = IQ_MAX(new_room + new_room / 2, 8);
	new_room = IQ_MAX(new_room, want);
	new_room = IQ_MIN(new_room, UINT32_MAX);
	if (iq_mul_overflows(new_room, size, &bytes) || bytes > SIZE_MAX / 2)
		return false;
	memcpy(&old, array_ptr, sizeof(old));
	new = realloc(old, bytes);
	if (!new)
		return false;
	memcpy(array_ptr, &new, sizeof(new));
	*room = (unsigned int)new_room;
	return true;
}

#define ARENA_ALIGN 16
#define ARENA_FIRST 4096
#define ARENA_LARGEST (1024 * 1024)

struct iq_arena_block {
	struct iq_arena_block *next;
	size_t used, size; /* of data */
	_Alignas(ARENA_ALIGN) uint8_t data[];
};

static struct iq_arena_block *new_block(size_t size)
{
	struct iq_arena_block *block;

	if (size > SIZE_MAX / 2)
		return NULL;
	block = calloc(1, sizeof(*block) + size);
	if (block)
		block->size = size;
	return block;
}

void *iq_arena_alloc(struct iq_arena *a, size_t size)
{
	struct iq_arena_block *block = a->blocks;
	size_t need;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	/* Even an empty allocation gets an address of its own. */
	need = (IQ_MAX(size, 1) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (!block || block->size - block->used < need) {
		size_t next = block ? IQ_MIN(block->size * 2, ARENA_LARGEST) : ARENA_FIRST;
		struct iq_arena_block *fresh;

		if (block && need > next / 4) {
			/* A large one gets its own block, behind the one that is being filled. */
			fresh = new_block(need);
			if (!fresh)
				return NULL;
			fresh->next = block->next;
			block->next = fresh;
		} else {
			fresh = new_block(IQ_MAX(next, need));
			if (!fresh)
				return NULL;
			fresh->next = block;
			a->blocks = fresh;
		}
		block = fresh;
	}
	p = block->data + block->used;
	block->used += need;
	a->total += size;
	return p;
}

char *iq_arena_strndup(struct iq_arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *copy = len < SIZE_MAX ? iq_arena_alloc(a, len + 1) : NULL;

	if (copy)
		memcpy(copy, s, len);
	return copy;
}

char *iq_arena_strdup(struct iq_arena *a, const char *s)
{
	return iq_arena_strndup(a, s, strlen(s));
}

void iq_arena_free(struct iq_arena *a)
{
	struct iq_arena_block *next;

	for (struct iq_arena_block *block = a->blocks; block; block = next) {
		next = block->next;
		free(block);
	}
	*a = (struct iq_arena){0};
}
