/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BTF inside the debug room: what btf.c (container and records), btf_type.c (types made from
 * records) and btf_name.c (look-up by name) share.
 *
 * The format is that of Documentation/bpf/btf.rst and include/uapi/linux/btf.h: a header, a
 * sequence of records of varying length whose numbers ("ids") count up from 1, and a section of
 * strings.
 */
#ifndef INQUEST_DEBUG_BTF_H
#define INQUEST_DEBUG_BTF_H

#include "types_source.h"

enum btf_kind {
	BTF_VOID,
	BTF_INT,
	BTF_PTR,
	BTF_ARRAY,
	BTF_STRUCT,
	BTF_UNION,
	BTF_ENUM,
	BTF_FWD,
	BTF_TYPEDEF,
	BTF_VOLATILE,
	BTF_CONST,
	BTF_RESTRICT,
	BTF_FUNC,
	BTF_FUNC_PROTO,
	BTF_VAR,
	BTF_DATASEC,
	BTF_FLOAT,
	BTF_DECL_TAG,
	BTF_TYPE_TAG,
	BTF_ENUM64,
	BTF_NR_KINDS,
};
#define BTF_MASK(kind) (UINT32_C(1) << (kind))

/* One record, decoded; `data` is what follows its common part and lies within the section. */
struct btf_record {
	uint32_t kind, vlen;
	bool flag;
	uint32_t name; /* offset of the string */
	uint32_t size_or_type; /* which of both depends on the kind */
	const uint8_t *data;
};

/*
 * Hash chains, in the order of ids.  A record has at most one name in one index, so all indexes
 * share the links (iq_types.chain).
 */
struct btf_index {
	uint32_t *heads; /* ids; 0: empty */
	uint32_t mask;
	bool failed; /* no memory: stays empty */
};

enum btf_index_kind { BTF_INDEX_TYPES, BTF_INDEX_FUNCTIONS, BTF_INDEX_VARIABLES, BTF_NR_INDEXES };

/* Which index names of this kind belong to; BTF_NR_INDEXES: none. */
static inline enum btf_index_kind btf_index_of(uint32_t kind)
{
	const uint32_t types = BTF_MASK(BTF_INT) | BTF_MASK(BTF_STRUCT) | BTF_MASK(BTF_UNION) |
			       BTF_MASK(BTF_ENUM) | BTF_MASK(BTF_FWD) | BTF_MASK(BTF_TYPEDEF) |
			       BTF_MASK(BTF_FLOAT) | BTF_MASK(BTF_ENUM64);

	if (kind >= BTF_NR_KINDS)
		return BTF_NR_INDEXES;
	if (types >> kind & 1)
		return BTF_INDEX_TYPES;
	return kind == BTF_FUNC	 ? BTF_INDEX_FUNCTIONS
	       : kind == BTF_VAR ? BTF_INDEX_VARIABLES
				 : BTF_NR_INDEXES;
}

#define BTF_BLOCK 512

struct btf_types {
	struct iq_types types; /* first: see btf_types() */
	uint8_t *owned; /* the data, if it is to be freed */
	const uint8_t *records;
	uint32_t records_len;
	const uint8_t *layout; /* one struct btf_layout a kind; NULL: the header has none */
	uint32_t layout_nr;
	const char *strings;
	uint32_t strings_len; /* ends behind a NUL; 0 if there is none */
	uint32_t strings_total; /* as the header says: where a split BTF's own begin */
	uint32_t strings_first; /* the same of the base; 0 without one */
	uint32_t *offset; /* of records, by id - first */
	uint32_t count[BTF_NR_INDEXES + 1]; /* of names; the last: in no index */
	bool damaged; /* the records could not be followed to their end */
	bool signed_enums; /* the encoder marks signed enums (pahole 1.24 and later) */
	struct btf_index index[BTF_NR_INDEXES];
	uint32_t *chain; /* next id of the same bucket, by id - first; NULL: no index yet */
	struct types_node ***nodes; /* blocks of BTF_BLOCK, by id - first */
};

static inline struct btf_types *btf_types(struct iq_types *t)
{
	return (struct btf_types *)t;
}
/* NULL: none. */
static inline struct btf_types *btf_base(const struct btf_types *t)
{
	return (struct btf_types *)t->types.base;
}

/* btf.c: the source among T and its base that has ID, NULL: none. */
struct btf_types *btf_owner(struct btf_types *t, uint32_t id);
/* The record of ID, in T or its base; false out of range. */
bool btf_record(struct btf_types *t, uint32_t id, struct btf_record *ret);
/* The string at OFFSET, "" (and the damage noted) out of range. */
const char *btf_string(struct btf_types *t, uint32_t offset);
/* The same for names that are shown, "?" if they are lost: "" would be an anonymous struct, whose
 * members are found as if they were its parent's. */
const char *btf_name(struct btf_types *t, uint32_t offset);

/*
 * btf_fetch.c: LEN bytes at ADDRESS into T->owned.  What cannot be read becomes bytes of 0xff,
 * which are no record, no id, no offset and no text, so that whatever uses them is found out to be
 * damaged.  An error if nothing can be done with the rest.
 */
struct iq_error *btf_fetch(struct btf_types *t, struct iq_vm *vm, uint64_t address,
			   uint64_t len) IQ_CHECK;

/* btf_type.c: the type that a reference to ID means: tags skipped, forward declarations completed.
 * Never NULL; void if there is no such type. */
const struct iq_type *btf_resolve(struct btf_types *t, uint32_t id);
/* Follow type tags only; 0 if that leads nowhere. */
uint32_t btf_skip_tags(struct btf_types *t, uint32_t id);

/* btf_name.c: the first definition named NAME of one of the BTF kinds in MASK in T alone (not its
 * base), with an id above AFTER; 0: none. */
uint32_t btf_find(struct btf_types *t, enum btf_index_kind which, const char *name, uint32_t mask,
		  uint32_t after);
/* What follows is types_ops of BTF, see there. */
uint32_t btf_find_kinds(struct iq_types *types, const char *name, uint32_t kinds, uint32_t after);
const struct iq_type *btf_function(struct iq_types *types, const char *name, unsigned int *nr);
const struct iq_type *btf_variable(struct iq_types *types, const char *name);
void btf_nearest(struct iq_types *types, struct iq_nearest *n);
/* btf_type.c */
const struct iq_type *btf_by_id(struct iq_types *types, uint32_t id);
const struct iq_type *btf_target(const struct iq_type *type);
void btf_list(const struct iq_type *type);
const struct iq_type *btf_derived(const struct iq_type *type, enum iq_kind kind);
/* btf_enum.c */
const struct iq_type *btf_enumerator(struct iq_types *types, const char *name, int64_t *value);

/* Is the record's integer a whole number of bytes, i.e. not one made for an old-style bitfield? */
bool btf_int_is_plain(const struct btf_record *r);

#endif
