// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BTF's container: header, record boundaries, strings; opening from memory and from the dump.
 *
 * Opening reads everything once: record boundaries follow only from the records before them.  That
 * pass looks at 4 of every record's bytes and takes less time than decompressing the pages; names
 * and types are left until somebody asks.
 */
#include "btf.h"
#include <stdlib.h>

#define BTF_MAGIC 0xeb9f
#define HEADER_LEN 24 /* up to and with str_len */
#define HEADER_LAYOUT 32 /* with layout_off, layout_len (Linux 7.1) */
#define RECORD_LEN 12 /* struct btf_type */
#define LARGEST (64u << 20) /* an allyesconfig kernel has about 30 MB */

/* ---- Strings --------------------------------------------------------------------------------- */

/* NULL, and the damage noted: there is no such string. */
static const char *string_at(struct btf_types *t, uint32_t offset)
{
	const char *s;

	if (!offset)
		return "";
	if (offset < t->strings_first)
		return string_at(btf_base(t), offset);
	if (offset - t->strings_first >= t->strings_len) {
		types_damage(&t->types, "there is no string at %u", offset);
		return NULL;
	}
	s = t->strings + (offset - t->strings_first);
	if (strnlen(s, TYPES_LONGEST_NAME) == TYPES_LONGEST_NAME) {
		types_damage(&t->types, "the string at %u is too long", offset);
		return NULL;
	}
	return s;
}

const char *btf_string(struct btf_types *t, uint32_t offset)
{
	const char *s = string_at(t, offset);

	return s ? s : "";
}

const char *btf_name(struct btf_types *t, uint32_t offset)
{
	const char *s = string_at(t, offset);

	if (!s || types_is_name(s))
		return s ? s : "?";
	types_damage(&t->types, "the string at %u is not a name", offset);
	return "?";
}

/* ---- Records --------------------------------------------------------------------------------- */

/* Bytes that follow the common part of a record: fixed + each * vlen. */
static const struct {
	uint8_t fixed, each;
} tails[BTF_NR_KINDS] = {
	[BTF_INT] = {4, 0},	[BTF_ARRAY] = {12, 0},	 [BTF_STRUCT] = {0, 12},
	[BTF_UNION] = {0, 12},	[BTF_ENUM] = {0, 8},	 [BTF_FUNC_PROTO] = {0, 8},
	[BTF_VAR] = {4, 0},	[BTF_DATASEC] = {0, 12}, [BTF_DECL_TAG] = {4, 0},
	[BTF_ENUM64] = {0, 12},
};

/* False: a kind that neither this program nor the header's own description knows. */
static bool tail_length(const struct btf_types *t, uint32_t kind, uint32_t vlen, uint64_t *ret)
{
	if (!kind)
		return false;
	if (kind < BTF_NR_KINDS)
		*ret = tails[kind].fixed + (uint64_t)tails[kind].each * vlen;
	else if (kind < t->layout_nr)
		*ret = t->layout[4 * kind] + (uint64_t)t->layout[4 * kind + 1] * vlen;
	else
		return false;
	return true;
}

/* The record at OFFSET and the offset behind it; false if it makes no sense or is cut off. */
static bool decode(const struct btf_types *t, uint32_t offset, struct btf_record *r, uint32_t *next)
{
	const uint8_t *p = t->records + offset;
	uint64_t tail;
	uint32_t info;

	if (t->records_len - offset < RECORD_LEN)
		return false;
	/* Until Linux 7.1 the kind had 5 bits and vlen 16; the bits above these were zero. */
	info = iq_le32(p + 4);
	r->name = iq_le32(p);
	r->kind = info >> 24 & 0x7f;
	r->vlen = info & 0xffffff;
	r->flag = info >> 31;
	r->size_or_type = iq_le32(p + 8);
	r->data = p + RECORD_LEN;
	if (!tail_length(t, r->kind, r->vlen, &tail) || tail > t->records_len - offset - RECORD_LEN)
		return false;
	*next = offset + RECORD_LEN + (uint32_t)tail;
	return true;
}

struct btf_types *btf_owner(struct btf_types *t, uint32_t id)
{
	while (t && id < t->types.first)
		t = btf_base(t);
	return t && id < t->types.end ? t : NULL;
}

bool btf_record(struct btf_types *t, uint32_t id, struct btf_record *ret)
{
	uint32_t next;

	t = btf_owner(t, id);
	return t && decode(t, t->offset[id - t->types.first], ret, &next);
}

/* Find where every record begins, and count what the indexes by name will hold. */
static struct iq_error *find_records(struct btf_types *t)
{
	unsigned int room = 0, nr = 0;
	uint32_t at = 0;

	/* A first guess that fits kernels well: 26 bytes a record. */
	if (!iq_grow(&t->offset, &room, t->records_len / 24 + 1, sizeof(*t->offset)))
		return iq_error_nomem();
	while (at < t->records_len) {
		struct btf_record r;
		uint32_t next;

		if (!decode(t, at, &r, &next)) {
			types_damage(&t->types,
				     "record %u at byte %u makes no sense; types from there on are "
				     "unknown",
				     t->types.first + nr, at);
			t->damaged = true;
			break;
		}
		if (!iq_grow(&t->offset, &room, nr + 1, sizeof(*t->offset)))
			return iq_error_nomem();
		t->offset[nr++] = at;
		t->count[btf_index_of(r.kind)] += r.name != 0;
		t->signed_enums |= r.kind == BTF_ENUM64 || (r.kind == BTF_ENUM && r.flag);
		at = next;
	}
	if (!nr)
		return iq_error_new(IQ_E_FORMAT, "%s has no types", t->types.source);
	t->types.end = t->types.first + nr;
	return NULL;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static bool section(const uint8_t *data, size_t len, uint32_t header, unsigned int field,
		    const uint8_t **start, uint32_t *size)
{
	uint64_t offset = (uint64_t)header + iq_le32(data + field);

	*size = iq_le32(data + field + 4);
	if (offset > len || *size > len - offset)
		return false;
	*start = data + offset;
	return true;
}

/* Take the header apart.  DATA stays where it is. */
static struct iq_error *parse(struct btf_types *t, const uint8_t *data, size_t len)
{
	const uint8_t *strings;
	const char *last;
	uint32_t header, size;

	if (len < HEADER_LEN || iq_le16(data) != BTF_MAGIC)
		return iq_error_new(IQ_E_FORMAT, "%s is not BTF", t->types.source);
	if (data[2] != 1)
		return iq_error_new(IQ_E_FORMAT, "%s has the unknown version %u", t->types.source,
				    data[2]);
	header = iq_le32(data + 4);
	if (header < HEADER_LEN || header > len ||
	    !section(data, len, header, 8, &t->records, &t->records_len) ||
	    !section(data, len, header, 16, &strings, &t->strings_total))
		return iq_error_new(IQ_E_FORMAT, "%s is damaged: its sections are not inside of it",
				    t->types.source);
	if (header >= HEADER_LAYOUT && section(data, len, header, 24, &t->layout, &size))
		t->layout_nr = size / 4;
	if (!t->strings_total && !t->types.base)
		return iq_error_new(IQ_E_FORMAT, "%s is damaged: it has no strings",
				    t->types.source);
	/* Every string ends inside the section: what is behind the last NUL is none. */
	last = t->strings_total ? memrchr(strings, 0, t->strings_total) : NULL;
	t->strings = (const char *)strings;
	t->strings_len = last ? (uint32_t)(last - t->strings) + 1 : 0;
	if (t->strings_len < t->strings_total)
		types_damage(&t->types, "its strings do not end");
	return find_records(t);
}

static void close_btf(struct iq_types *types)
{
	struct btf_types *t = btf_types(types);

	if (t->nodes) {
		for (uint32_t i = 0; i < (types->end - types->first + BTF_BLOCK - 1) / BTF_BLOCK;
		     i++)
			free(t->nodes[i]);
	}
	free(t->nodes);
	for (unsigned int i = 0; i < BTF_NR_INDEXES; i++)
		free(t->index[i].heads);
	free(t->chain);
	free(t->offset);
	free(t->owned);
}

static uint32_t next_id(struct iq_types *types, uint32_t id)
{
	return ++id < types->first ? types->first : id < types->end ? id : 0;
}

static const struct types_ops btf_ops = {
	.close = close_btf,
	.by_id = btf_by_id,
	.next = next_id,
	.find = btf_find_kinds,
	.target = btf_target,
	.list = btf_list,
	.derived = btf_derived,
	.function = btf_function,
	.variable = btf_variable,
	.enumerator = btf_enumerator,
	.nearest = btf_nearest,
};

static struct iq_error *new_types(struct iq_types *under, const char *name, const char *source,
				  struct iq_warnings *w, struct btf_types **ret)
{
	struct btf_types *t, *base = under ? btf_types(under) : NULL;

	if (under && (under->ops != &btf_ops || base->damaged))
		return iq_error_new(IQ_E_FORMAT,
				    "%s continues %s, which is damaged: its numbers mean nothing",
				    source, under->source);
	t = types_new(sizeof(*t), &btf_ops, name, source, under, w);
	if (!t)
		return iq_error_nomem();
	t->types.first = under ? under->end : 1;
	t->types.end = t->types.first;
	if (base) {
		t->signed_enums = base->signed_enums;
		if (__builtin_add_overflow(base->strings_first, base->strings_total,
					   &t->strings_first)) {
			iq_types_close(&t->types);
			return iq_error_new(IQ_E_FORMAT, "%s has too many strings", under->source);
		}
	}
	*ret = t;
	return NULL;
}

/* The rest of opening, once the data is in memory; T is closed on failure. */
static struct iq_error *finish(struct btf_types *t, const void *data, size_t len,
			       struct iq_types **ret)
{
	struct iq_error *err = parse(t, data, len);

	if (!err) {
		t->nodes = calloc((t->types.end - t->types.first + BTF_BLOCK - 1) / BTF_BLOCK,
				  sizeof(*t->nodes));
		if (!t->nodes)
			err = iq_error_nomem();
	}
	if (err)
		iq_types_close(&t->types);
	else
		*ret = &t->types;
	return err;
}

struct iq_error *iq_btf_open(const void *data, size_t len, bool copy, struct iq_types *base,
			     const char *name, struct iq_warnings *w, struct iq_types **ret)
{
	struct iq_buf source = {0};
	struct btf_types *t;
	struct iq_error *err;

	if (len > LARGEST)
		return iq_error_new(IQ_E_LIMIT, "the BTF of %s is too large: %zu bytes", name, len);
	iq_buf_printf(&source, "BTF of %s", name);
	err = new_types(base, name, iq_buf_str(&source), w, &t);
	iq_buf_free(&source);
	if (err)
		return err;
	if (copy) {
		t->owned = malloc(len ? len : 1);
		if (!t->owned) {
			iq_types_close(&t->types);
			return iq_error_nomem();
		}
		memcpy(t->owned, data, len);
		data = t->owned;
	}
	return finish(t, data, len, ret);
}

struct iq_error *iq_btf_read(struct iq_vm *vm, uint64_t address, uint64_t len,
			     struct iq_types *base, const char *name, struct iq_warnings *w,
			     struct iq_types **ret)
{
	struct iq_buf source = {0};
	struct btf_types *t;
	struct iq_error *err;
	uint64_t end;

	if (len > LARGEST || iq_add_overflows(address, len, &end))
		return iq_error_new(IQ_E_LIMIT, "the BTF of %s is too large: %llu bytes", name,
				    (unsigned long long)len);
	if (base)
		iq_buf_printf(&source, "BTF of %s in the dump", name);
	else
		iq_buf_puts(&source, "BTF in the dump");
	err = new_types(base, name, iq_buf_str(&source), w, &t);
	iq_buf_free(&source);
	if (err)
		return err;
	t->owned = malloc(len ? len : 1);
	err = t->owned ? btf_fetch(t, vm, address, len) : iq_error_nomem();
	if (err) {
		err = iq_error_prefix(err, "%s", t->types.source);
		iq_types_close(&t->types);
		return err;
	}
	return finish(t, t->owned, len, ret);
}
