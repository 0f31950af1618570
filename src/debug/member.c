// SPDX-License-Identifier: GPL-2.0-or-later
/* Members by path: through anonymous structs and unions, nested structs and array elements. */
#include "types_source.h"

#define MAX_NESTING 16 /* anonymous in anonymous */
#define MAX_LOOKED_AT 200000 /* members per name: a damaged struct can contain itself many times */

/* Member NAME (LEN characters) of T, its offset counted from the start of T. */
static bool find_name(const struct iq_type *t, const char *name, size_t len, unsigned int depth,
		      unsigned int *budget, struct iq_member *ret)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	for (unsigned int i = 0; i < nr && *budget; i++, --*budget) {
		const struct iq_type *inner;

		if (!strncmp(m[i].name, name, len) && !m[i].name[len]) {
			*ret = m[i];
			return true;
		}
		if (*m[i].name || depth == MAX_NESTING)
			continue;
		inner = iq_type_strip(m[i].type);
		if ((inner->kind == IQ_KIND_STRUCT || inner->kind == IQ_KIND_UNION) &&
		    find_name(inner, name, len, depth + 1, budget, ret)) {
			ret->bit_offset += m[i].bit_offset;
			return true;
		}
	}
	return false;
}

enum result { FOUND, NO_MEMBER, NOT_A_STRUCT, NOT_AN_ARRAY, BEYOND, BAD_PATH };

/* A walk along a path: after an error, what could not be found in what. */
struct walk {
	const struct iq_type *in;
	const char *what;
	size_t len;
	struct iq_member at;
};

static enum result step_name(struct walk *w)
{
	unsigned int budget = MAX_LOOKED_AT;
	const struct iq_type *in = iq_type_strip(w->in);
	struct iq_member m;

	if (in->kind != IQ_KIND_STRUCT && in->kind != IQ_KIND_UNION)
		return NOT_A_STRUCT;
	if (!find_name(in, w->what, w->len, 0, &budget, &m))
		return NO_MEMBER;
	if (iq_add_overflows(m.bit_offset, w->at.bit_offset, &m.bit_offset))
		return BEYOND;
	w->at = m;
	return FOUND;
}

static enum result step_index(struct walk *w)
{
	const struct iq_type *array = iq_type_strip(w->in);
	uint64_t index, bits;
	char number[24];

	if (w->len - 2 >= sizeof(number))
		return BAD_PATH;
	memcpy(number, w->what + 1, w->len - 2);
	number[w->len - 2] = 0;
	if (!iq_parse_u64(number, &index))
		return BAD_PATH;
	if (array->kind != IQ_KIND_ARRAY)
		return NOT_AN_ARRAY;
	if (array->count && index >= array->count)
		return BEYOND;
	w->at.type = iq_type_target(array);
	if (iq_mul_overflows(w->at.type->size, 8, &bits) || iq_mul_overflows(bits, index, &bits) ||
	    iq_add_overflows(w->at.bit_offset, bits, &w->at.bit_offset))
		return BEYOND;
	return FOUND;
}

static enum result walk_path(struct walk *w, const char *path)
{
	bool first = true;

	do {
		enum result result;

		if (*path == '[') {
			size_t len = strcspn(path, "]");

			if (!path[len])
				return BAD_PATH;
			w->what = path;
			w->len = len + 1;
		} else {
			path += !first && *path == '.';
			w->what = path;
			w->len = strcspn(path, ".[");
		}
		if (!w->len)
			return BAD_PATH;
		result = *path == '[' ? step_index(w) : step_name(w);
		if (result != FOUND)
			return result;
		w->in = w->at.type;
		path += w->len;
		first = false;
	} while (*path);
	return FOUND;
}

static void offer_members(const struct iq_type *t, unsigned int depth, unsigned int *budget,
			  struct iq_nearest *n)
{
	unsigned int nr;
	const struct iq_member *m = iq_type_members(t, &nr);

	for (unsigned int i = 0; i < nr && *budget; i++, --*budget) {
		if (*m[i].name) {
			iq_nearest_offer(n, m[i].name);
		} else if (depth < MAX_NESTING) {
			const struct iq_type *inner = iq_type_strip(m[i].type);

			if (inner->kind == IQ_KIND_STRUCT || inner->kind == IQ_KIND_UNION)
				offer_members(inner, depth + 1, budget, n);
		}
	}
}

void iq_members_nearest(const struct iq_type *t, struct iq_nearest *n)
{
	unsigned int budget = MAX_LOOKED_AT;

	offer_members(t, 0, &budget, n);
}

static struct iq_error *no_member(const struct walk *w, const char *type)
{
	struct iq_nearest n = {0};
	struct iq_error *err;
	struct iq_buf word = {0};

	err = iq_error_new(IQ_E_NOT_FOUND, "%s has no member %.*s", type, (int)w->len, w->what);
	iq_buf_add(&word, w->what, w->len);
	n.word = iq_buf_str(&word);
	iq_members_nearest(w->in, &n);
	err = iq_nearest_hint(&n, err);
	iq_buf_free(&word);
	return err;
}

static struct iq_error *explain(enum result why, const struct walk *w, const char *path)
{
	struct iq_buf text = {0};
	struct iq_error *err;
	const char *type;
	int len = (int)IQ_MIN(w->len, 200);

	iq_type_declare(w->in, "", &text);
	type = iq_buf_str(&text);
	switch (why) {
	case NO_MEMBER:
		err = no_member(w, type);
		break;
	case NOT_A_STRUCT:
		err = iq_error_new(IQ_E_NOT_FOUND,
				   "%s is not a struct or union: no member %.*s in it", type, len,
				   w->what);
		if (iq_type_strip(w->in)->kind == IQ_KIND_POINTER)
			err = iq_error_hint(err, "what a pointer points to lies elsewhere: a path "
						 "of members ends there");
		break;
	case NOT_AN_ARRAY:
		err = iq_error_new(IQ_E_NOT_FOUND, "%s is not an array: no element %.*s in it",
				   type, len, w->what);
		break;
	case BEYOND:
		err = iq_error_new(IQ_E_NOT_FOUND, "%.*s is outside of %s", len, w->what, type);
		break;
	default:
		err = iq_error_new(IQ_E_USAGE, "\"%s\" is not a path of members", path);
		err = iq_error_hint(err, "a path looks like a, a.b or a[2].b");
		break;
	}
	iq_buf_free(&text);
	return err;
}

struct iq_error *iq_member_find(const struct iq_type *t, const char *path, struct iq_member *ret)
{
	struct walk w = {.in = t, .at = {.name = ""}};
	enum result result = walk_path(&w, path);

	if (result != FOUND)
		return explain(result, &w, path);
	*ret = w.at;
	return NULL;
}

bool iq_offset(struct iq_types *t, const char *tag, const char *path, uint64_t *offset,
	       uint64_t *size)
{
	struct walk w = {.in = types_by_tag(t, tag), .at = {.name = ""}};

	if (!w.in || walk_path(&w, path) != FOUND || w.at.bit_size || w.at.bit_offset % 8)
		return false;
	*offset = w.at.bit_offset / 8;
	if (size)
		*size = w.at.type->size;
	return true;
}
