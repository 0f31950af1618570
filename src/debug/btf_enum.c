// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Constants of BTF's enums by name.  There is no index: going through all records takes about a
 * millisecond, and few names are asked for.
 */
#include "btf.h"

/* The constant called NAME in record ID of T; its number, or -1. */
static int64_t find_in(struct btf_types *t, uint32_t id, const char *name, struct btf_record *r)
{
	if (!btf_record(t, id, r) || (r->kind != BTF_ENUM && r->kind != BTF_ENUM64))
		return -1;
	for (uint32_t i = 0; i < r->vlen; i++) {
		const uint8_t *p = r->data + (r->kind == BTF_ENUM ? 8 : 12) * (size_t)i;

		if (!strcmp(btf_string(t, iq_le32(p)), name))
			return i;
	}
	return -1;
}

const struct iq_type *btf_enumerator(struct iq_types *types, const char *name, int64_t *value)
{
	struct btf_types *t = btf_types(types);

	for (uint32_t id = types->first; id < types->end; id++) {
		const struct iq_enumerator *list;
		const struct iq_type *type;
		struct btf_record r;
		unsigned int nr;
		int64_t i = find_in(t, id, name, &r);

		if (i < 0)
			continue;
		type = iq_type_by_id(types, id);
		list = type ? iq_type_enumerators(type, &nr) : NULL;
		if (!list || i >= nr)
			continue;
		*value = list[i].value;
		return type;
	}
	return NULL;
}
