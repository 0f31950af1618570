// SPDX-License-Identifier: GPL-2.0-or-later
/* struct ADDRESS: an object whose type is concluded (typegraph.h). */
#include "struct.h"

#include <inquest/typegraph.h>

bool is_object_address(const char *word)
{
	size_t digits;

	if (!strncmp(word, "0x", 2))
		word += 2;
	digits = strspn(word, "0123456789abcdefABCDEF");
	return digits >= 12 && !word[digits];
}

/* The elements of an array, as what struct shows. */
static const struct iq_type *element_of(const struct iq_type *t, uint64_t *count)
{
	*count = 1;
	t = iq_type_strip(t);
	if (t->kind == IQ_KIND_ARRAY) {
		*count = IQ_MAX(t->count, 1);
		t = iq_type_strip(iq_type_target(t));
	}
	return t;
}

struct iq_error *type_of_address(struct session *s, const char *word, struct found_type *found,
				 uint64_t *object, uint64_t *count)
{
	struct iq_object o = {0};
	struct iq_typing t = {0};
	struct iq_buf name = {0};
	uint64_t address;

	IQ_TRY(parse_address(s, word, &address));
	if (!iq_object_at(s->kernel, address, &o))
		return iq_error_hint(iq_error_new(IQ_E_NOT_FOUND,
						  "0x%lx is in no object of the slab allocator: "
						  "its type is not known",
						  (unsigned long)address),
				     "struct NAME %s shows it as a struct NAME", word);
	if (!iq_type_of_object(s->kernel, &o, &t) || t.confidence < IQ_CONFIDENCE_LIKELY) {
		IQ_TRY(iq_typegraph_make(s->kernel, &s->cancel));
		(void)iq_type_of_object(s->kernel, &o, &t);
	}
	found->type = t.type ? element_of(t.type, count) : NULL;
	if (!found->type || !is_aggregate(found->type) || !found->type->name[0])
		return iq_error_hint(
			iq_error_new(IQ_E_NOT_FOUND,
				     "nothing tells which struct the object 0x%lx of %s is",
				     (unsigned long)o.object, o.slab.cache->name),
			"refs %s lists what points to it", word);
	found->name = strdup(found->type->name);
	if (!found->name)
		return iq_error_nomem();
	*object = o.object;
	iq_type_declare(t.type, "", &name);
	iq_warn(&s->warnings, "object 0x%lx of %s is a %s %s%s%s%s", (unsigned long)o.object,
		o.slab.cache->name, iq_confidence_text(t.confidence), iq_buf_str(&name),
		t.from ? " (from " : "", t.from ? t.from : "", t.from ? ")" : "");
	iq_buf_free(&name);
	return NULL;
}
