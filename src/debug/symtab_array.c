// SPDX-License-Identifier: GPL-2.0-or-later
/* Symbols given one by one: sorted by address, aliases in the order they came in. */
#include "symtab_array.h"
#include <stdlib.h>

/* Names of one table; 32-bit offsets would do for more, a module has some kilobytes. */
#define TEXT_MAX (512U << 20)

static bool array_find(struct iq_symtab *t, uint64_t address, unsigned int *i)
{
	struct iq_symtab_array *a = (struct iq_symtab_array *)t;
	unsigned int low = 0, high = t->nr;

	if (!a->sealed || !t->nr || a->entries[0].address > address)
		return false;
	while (high - low > 1) {
		unsigned int mid = low + (high - low) / 2;

		if (a->entries[mid].address <= address)
			low = mid;
		else
			high = mid;
	}
	while (low && a->entries[low - 1].address == a->entries[low].address)
		low--;
	*i = low;
	return true;
}

static const char *array_name(struct iq_symtab *t, unsigned int i)
{
	struct iq_symtab_array *a = (struct iq_symtab_array *)t;

	return a->text + a->entries[i].name;
}

static bool array_get(struct iq_symtab *t, unsigned int i, struct iq_symbol *ret)
{
	struct iq_symtab_array *a = (struct iq_symtab_array *)t;
	const struct iq_symtab_entry *e = &a->entries[i];

	if (!a->sealed)
		return false;
	*ret = (struct iq_symbol){.name = a->text + e->name,
				  .module = t->module,
				  .address = e->address,
				  .size = e->size,
				  .type = (char)e->type};
	return true;
}

static void array_close(struct iq_symtab *t)
{
	struct iq_symtab_array *a = (struct iq_symtab_array *)t;

	free(a->entries);
	free(a->text);
	free(a);
}

static const struct iq_symtab_ops ops = {
	.find = array_find,
	.get = array_get,
	.name = array_name,
	.close = array_close,
};

struct iq_symtab_array *iq_symtab_array_new(void)
{
	struct iq_symtab_array *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->symtab.ops = &ops;
	a->symtab.source = a->source;
	return a;
}

struct iq_error *iq_symtab_new(const char *module, struct iq_symtab **ret)
{
	struct iq_symtab_array *a = iq_symtab_array_new();

	if (a && module) {
		a->symtab.module = strdup(module);
		if (!a->symtab.module) {
			free(a);
			a = NULL;
		}
	}
	if (!a)
		return iq_error_nomem();
	snprintf(a->source, sizeof(a->source), "kallsyms of %s in the dump",
		 module ? module : "the kernel");
	*ret = &a->symtab;
	return NULL;
}

struct iq_error *iq_symtab_array_add(struct iq_symtab_array *a, uint32_t name, uint64_t address,
				     uint64_t size, char type)
{
	if (a->symtab.nr >= IQ_SYMTAB_MAX)
		return iq_error_new(IQ_E_LIMIT, "more than %u symbols", IQ_SYMTAB_MAX);
	if (!iq_grow(&a->entries, &a->room, a->symtab.nr + 1, sizeof(*a->entries)))
		return iq_error_nomem();
	a->entries[a->symtab.nr] = (struct iq_symtab_entry){.address = address,
							    .size = size,
							    .name = name,
							    .type = (uint8_t)type,
							    .order = a->symtab.nr & 0xffffff};
	a->symtab.nr++;
	a->sealed = false;
	return NULL;
}

static struct iq_error *add_text(struct iq_symtab_array *a, const char *name, uint32_t *offset)
{
	size_t len = strlen(name) + 1;

	if (len > TEXT_MAX - a->text_len)
		return iq_error_new(IQ_E_LIMIT, "more than %u bytes of symbol names", TEXT_MAX);
	if (a->text_len + len > a->text_room) {
		size_t room = IQ_MAX(a->text_room * 2, IQ_MAX(a->text_len + len, 4096));
		char *text = realloc(a->text, room);

		if (!text)
			return iq_error_nomem();
		a->text = text;
		a->text_room = room;
	}
	memcpy(a->text + a->text_len, name, len);
	*offset = (uint32_t)a->text_len;
	a->text_len += len;
	return NULL;
}

struct iq_error *iq_symtab_add(struct iq_symtab *t, const char *name, uint64_t address,
			       uint64_t size, char type)
{
	struct iq_symtab_array *a = (struct iq_symtab_array *)t;
	uint32_t offset = 0;

	IQ_TRY(add_text(a, name, &offset));
	return iq_symtab_array_add(a, offset, address, size, type);
}

static int by_address_and_order(const void *pa, const void *pb)
{
	const struct iq_symtab_entry *a = pa, *b = pb;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

struct iq_error *iq_symtab_seal(struct iq_symtab *t, uint64_t end)
{
	struct iq_symtab_array *a = (struct iq_symtab_array *)t;
	uint64_t next = end;

	if (t->nr)
		qsort(a->entries, t->nr, sizeof(*a->entries), by_address_and_order);
	for (unsigned int i = t->nr; i-- > 0;) {
		struct iq_symtab_entry *e = &a->entries[i];
		uint64_t higher = i + 1 < t->nr && a->entries[i + 1].address > e->address
					  ? a->entries[i + 1].address
					  : next;

		/* Sizes up to the next address are for symbols that came without one. */
		if (!e->size && higher > e->address && higher >> 63 == e->address >> 63)
			e->size = higher - e->address;
		next = higher;
	}
	a->sealed = true;
	return NULL;
}
