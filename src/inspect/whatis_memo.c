// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What whatis has found out and needs again for other addresses of the same page, object or word: reading struct
 * pages, names and stacks anew takes a hundred times as long.  When there is too much of it, it is forgotten.
 */
#include "describer.h"

#include <stdlib.h>

#define MAX_MEMOS 65536 /* pages: 256 MB of memory, about 30 MB here */
#define MAX_STATES (1u << 20)
#define MAX_MEMBERS 100000
#define MAX_WORDS 65536
#define MAX_SYMBOLS 512 /* in a page */
#define PAGE 4096

void memos_free(struct memos *m)
{
	for (unsigned int i = 0; i < m->nr; i++) {
		free(m->all[i]->symbols);
		free(m->all[i]);
	}
	free(m->all);
	iq_map_free(&m->pages);
	iq_map_free(&m->states);
	iq_map_free(&m->members);
	iq_map_free(&m->words);
	iq_map_free(&m->virtuals);
	iq_arena_free(&m->arena);
	*m = (struct memos){0};
}

struct memo *memo_of(struct memos *m, uint64_t va, bool *new)
{
	struct memo *x = iq_map_get(&m->pages, va / PAGE + 1);

	*new = !x;
	if (x)
		return x;
	if (m->nr >= MAX_MEMOS)
		memos_free(m);
	x = calloc(1, sizeof(*x));
	if (!x || !iq_grow(&m->all, &m->room, m->nr + 1, sizeof(*m->all)) ||
	    !iq_map_put(&m->pages, va / PAGE + 1, x)) {
		free(x);
		return NULL;
	}
	m->all[m->nr++] = x;
	return x;
}

/* Index of the first of M's symbols that begins above VA. */
static unsigned int symbol_above(const struct memo *m, uint64_t va)
{
	unsigned int low = 0, high = m->nr_symbols;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (m->symbols[middle].address <= va)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool memo_symbol(struct iq_kernel *k, struct memo *m, uint64_t va, struct iq_symbol *ret)
{
	unsigned int i = symbol_above(m, va);

	if (i && va - m->symbols[i - 1].address < m->symbols[i - 1].size) {
		*ret = m->symbols[i - 1];
		return ret->name;
	}
	/* Nothing here: at this address, at least. */
	if (!iq_symbol_at(k, va, ret))
		*ret = (struct iq_symbol){.address = va, .size = 1};
	if (!ret->size || m->nr_symbols >= MAX_SYMBOLS ||
	    !iq_grow(&m->symbols, &m->room_symbols, m->nr_symbols + 1, sizeof(*m->symbols)))
		return ret->name;
	i = symbol_above(m, ret->address);
	memmove(&m->symbols[i + 1], &m->symbols[i], (m->nr_symbols - i) * sizeof(*m->symbols));
	m->symbols[i] = *ret;
	m->nr_symbols++;
	return ret->name;
}

bool memo_object(struct iq_kernel *k, struct memos *all, const struct memo *m, uint64_t va,
		 struct iq_object *ret)
{
	struct iq_object o = {.cpu = -1};
	uintptr_t known;

	if (!m->has_slab) {
		memset(ret, 0, sizeof(*ret));
		return false;
	}
	o.slab = m->slab;
	o.index =
		m->kfence ? UINT32_MAX : (unsigned int)((va - o.slab.memory) / o.slab.cache->size);
	if (m->kfence || o.index >= o.slab.objects)
		return iq_object_at(k, va, ret);
	o.object = o.slab.memory + o.index * o.slab.cache->size + o.slab.cache->red_left_pad;
	known = (uintptr_t)iq_map_get(&all->states, o.object);
	if (!known) {
		if (!iq_object_at(k, va, ret))
			return false;
		known = (uintptr_t)ret->state << 32 | (uint32_t)(ret->cpu + 2);
		if (ret->object == o.object && all->states.nr < MAX_STATES)
			(void)!iq_map_put(&all->states, o.object, (void *)known);
		return true;
	}
	o.offset = va >= o.object ? va - o.object : o.slab.cache->size;
	o.state = known >> 32;
	o.cpu = (int)(uint32_t)known - 2;
	*ret = o;
	return true;
}

const char *memo_member(struct memos *all, const struct iq_type *t, uint64_t offset)
{
	uint64_t key = (uintptr_t)t * UINT64_C(0x9e3779b97f4a7c15) + offset;
	const char *known = iq_map_get(&all->members, key);
	char text[128];

	if (known)
		return known;
	iq_member_path(t, offset, text, sizeof(text));
	known = iq_arena_strdup(&all->arena, text);
	if (known && all->members.nr < MAX_MEMBERS)
		(void)!iq_map_put(&all->members, key, (void *)known);
	return known ? known : "";
}

struct stack_word *memo_word(struct memos *all, uint64_t va, bool *new)
{
	struct stack_word *x = iq_map_get(&all->words, va & ~UINT64_C(7));

	*new = !x;
	if (x || all->words.nr >= MAX_WORDS)
		return x;
	x = iq_arena_alloc(&all->arena, sizeof(*x));
	return x && iq_map_put(&all->words, va & ~UINT64_C(7), x) ? x : NULL;
}
