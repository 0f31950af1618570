// SPDX-License-Identifier: GPL-2.0-or-later
/* A hash map from 64-bit keys to pointers: open addressing, linear probing, at most half full. */
#include <inquest/base.h>
#include <stdlib.h>

struct iq_map_slot {
	uint64_t key;
	void *value; /* NULL: free */
};

/* Addresses share their low and high bits: mix them all (the finaliser of splitmix64). */
static size_t slot_of(uint64_t key, size_t room)
{
	key ^= key >> 30;
	key *= 0xbf58476d1ce4e5b9;
	key ^= key >> 27;
	key *= 0x94d049bb133111eb;
	key ^= key >> 31;
	return (size_t)key & (room - 1);
}

/* The slot of KEY, or the free one where it belongs. */
static struct iq_map_slot *find(struct iq_map_slot *slots, size_t room, uint64_t key)
{
	size_t i = slot_of(key, room);

	while (slots[i].value && slots[i].key != key)
		i = (i + 1) & (room - 1);
	return &slots[i];
}

void *iq_map_get(const struct iq_map *m, uint64_t key)
{
	return m->nr ? find(m->slots, m->room, key)->value : NULL;
}

static bool enlarge(struct iq_map *m)
{
	size_t room = m->room ? m->room * 2 : 16;
	struct iq_map_slot *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; i < m->room; i++) {
		if (m->slots[i].value)
			*find(slots, room, m->slots[i].key) = m->slots[i];
	}
	free(m->slots);
	m->slots = slots;
	m->room = room;
	return true;
}

bool iq_map_put(struct iq_map *m, uint64_t key, void *value)
{
	struct iq_map_slot *slot;

	if (m->nr >= m->room / 2 && !enlarge(m))
		return false;
	slot = find(m->slots, m->room, key);
	if (!slot->value)
		m->nr++;
	*slot = (struct iq_map_slot){key, value};
	return true;
}

void iq_map_free(struct iq_map *m)
{
	free(m->slots);
	*m = (struct iq_map){0};
}

uint64_t iq_hash_mem(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ b[i]) * 0x100000001b3;
	return hash;
}

uint64_t iq_hash_str(const char *s)
{
	return iq_hash_mem(s, strlen(s));
}
